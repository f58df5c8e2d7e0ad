//! The floor of the respawn benchmark: it keeps so many of one program alive, each in a session of
//! its own, and does nothing else. There are no options, no messages and no errors in its world,
//! so that no supervisor can be much faster.
//!
//! `respawner vfork|fork COUNT PROGRAM`, where PROGRAM is a path.

#![no_std]
#![no_main]

use core::arch::{asm, global_asm};

global_asm!(
    ".globl _start",
    "_start:",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {0}",
    "ud2",
    sym entry
);

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    exit(101)
}

const FORK: usize = 57;
const VFORK: usize = 58;
const EXECVE: usize = 59;
const WAIT4: usize = 61;
const SETSID: usize = 112;
const EXIT_GROUP: usize = 231;

/// A system call. It has to be part of its caller: the child of a vfork shares the stack.
#[inline(always)]
fn call(number: usize, [a, b, c, d]: [usize; 4]) -> isize {
    let answer;
    // Safety: every pointer passed below came from the kernel.
    unsafe {
        asm!("syscall", inlateout("rax") number as isize => answer, in("rdi") a, in("rsi") b,
             in("rdx") c, in("r10") d, lateout("rcx") _, lateout("r11") _);
    }
    answer
}

fn exit(code: usize) -> ! {
    loop {
        call(EXIT_GROUP, [code, 0, 0, 0]);
    }
}

/// Safety: the kernel's stack holds a count, that many words, a zero, and the environment.
unsafe extern "C" fn entry(stack: *const usize) -> ! {
    let word = |number: usize| unsafe { *stack.add(1 + number) as *const u8 };
    let how = if unsafe { *word(1) } == b'v' { VFORK } else { FORK };
    let (argv, envp) = unsafe { (stack.add(1 + 3), stack.add(2 + *stack)) };
    let mut missing = 0;
    let mut digit = word(2);
    while let figure @ b'0'..=b'9' = unsafe { *digit } {
        missing = 10 * missing + u32::from(figure - b'0');
        digit = unsafe { digit.add(1) };
    }
    loop {
        while missing > 0 {
            missing -= 1;
            if call(how, [0; 4]) == 0 {
                call(SETSID, [0; 4]);
                call(EXECVE, [unsafe { *argv }, argv as usize, envp as usize, 0]);
                exit(127);
            }
        }
        call(WAIT4, [usize::MAX, 0, 0, 0]);
        missing = 1;
    }
}
