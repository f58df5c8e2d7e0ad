//! The floor of the container benchmark: an init that does nothing but its job. It starts one
//! program, passes every signal on, reaps, and ends with the program's code. There are no options,
//! no messages and no errors in its world, so that no init can be much cheaper.
//!
//! `floor COMMAND…`, where COMMAND is a path.

#![no_std]
#![no_main]

#[path = "../support/raw.rs"]
mod raw;

use raw::{call, exit};

const SIGPROCMASK: usize = 14;
const VFORK: usize = 58;
const EXECVE: usize = 59;
const WAIT4: usize = 61;
const KILL: usize = 62;
const SIGTIMEDWAIT: usize = 128;

const CHILD: isize = 17;
const SET_MASK: usize = 2;
const SET: usize = 8;
const NO_HANG: usize = 1;

/// Safety: the kernel's stack holds a count, that many words, a zero, and the environment.
unsafe extern "C" fn entry(stack: *const usize) -> ! {
    let (argv, envp) = unsafe { (stack.add(2), stack.add(2 + *stack)) };
    let (all, mut before) = (!0_u64, 0_u64);
    call(SIGPROCMASK, [SET_MASK, &raw const all as usize, &raw mut before as usize, SET]);
    let child = call(VFORK, [0; 4]);
    if child == 0 {
        call(SIGPROCMASK, [SET_MASK, &raw const before as usize, 0, SET]);
        call(EXECVE, [unsafe { *argv }, argv as usize, envp as usize, 0]);
        exit(127);
    }
    loop {
        let signal = call(SIGTIMEDWAIT, [&raw const all as usize, 0, 0, SET]);
        if signal != CHILD {
            call(KILL, [child as usize, signal as usize, 0, 0]);
            continue;
        }
        let mut status = 0_i32;
        loop {
            let pid = call(WAIT4, [usize::MAX, &raw mut status as usize, NO_HANG, 0]);
            if pid <= 0 {
                break;
            }
            if pid == child {
                let killer = status & 0x7f;
                exit(if killer == 0 { status >> 8 & 0xff } else { 128 + killer } as usize);
            }
        }
    }
}
