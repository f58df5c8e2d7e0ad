//! The floor of the respawn benchmark: it keeps so many of one program alive, each in a session of
//! its own, and does nothing else. There are no options, no messages and no errors in its world,
//! so that no supervisor can be much faster.
//!
//! `respawner vfork|fork COUNT PROGRAM`, where PROGRAM is a path.

#![no_std]
#![no_main]

#[path = "../support/raw.rs"]
mod raw;

use raw::{call, exit};

const FORK: usize = 57;
const VFORK: usize = 58;
const EXECVE: usize = 59;
const WAIT4: usize = 61;
const SETSID: usize = 112;

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
