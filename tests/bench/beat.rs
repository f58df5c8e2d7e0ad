//! The program that the respawn benchmark supervises. Its first act is to look at the clock. It
//! tells when it was born, waits for its bell, tells when it dies, and ends.
//!
//! `RESPAWN` names the file that it shares with whoever measures.

#![no_std]
#![no_main]

use core::sync::atomic::Ordering::SeqCst;

#[path = "../support/raw.rs"]
mod raw;
mod ring;

use raw::{call, exit};
use ring::Ring;

const OPEN: usize = 2;
const MMAP: usize = 9;
const GETPID: usize = 39;
const KILL: usize = 62;
const FUTEX: usize = 202;
const CLOCK_GETTIME: usize = 228;

/// Nanoseconds of the monotonic clock.
fn now() -> u64 {
    const MONOTONIC: usize = 1;
    let mut time = [0_u64; 2];
    call(CLOCK_GETTIME, [MONOTONIC, time.as_mut_ptr() as usize, 0, 0, 0]);
    time[0] * 1_000_000_000 + time[1]
}

/// Safety: the kernel's stack holds a count, that many words, a zero, and the environment.
unsafe extern "C" fn entry(stack: *const usize) -> ! {
    let born = now();
    let Some(ring) = (unsafe { ring(stack.add(2 + *stack).cast()) }) else { exit(111) };
    let slot = match ring.chosen.load(SeqCst) {
        0 => ring.started.fetch_add(1, SeqCst),
        chosen => chosen - 1,
    };
    let Some(bell) = ring.bells.get(slot as usize) else { exit(112) };
    let silent = bell.load(SeqCst);
    ring.born.store(born, SeqCst);
    ring.births.fetch_add(1, SeqCst);
    while bell.load(SeqCst) == silent {
        const WAIT: usize = 0;
        call(FUTEX, [bell.as_ptr() as usize, WAIT, silent as usize, 0, 0]);
    }
    let by_signal = ring.way.load(SeqCst) == 1;
    ring.died.store(now(), SeqCst);
    if by_signal {
        let own = call(GETPID, [0; 5]) as usize;
        call(KILL, [own, 9, 0, 0, 0]);
    }
    exit(0)
}

/// Safety: the environment is an array of strings that ends with a null.
unsafe fn ring(mut envp: *const *const u8) -> Option<&'static Ring> {
    const READ_WRITE: usize = 2;
    const BOTH: usize = 3;
    const SHARED: usize = 1;
    const NAME: &[u8] = b"RESPAWN=";
    while unsafe { !(*envp).is_null() } {
        let mut rest = unsafe { *envp };
        let mut is_it = true;
        for letter in NAME {
            // What differs ends the look before the string does.
            is_it = is_it && unsafe { *rest } == *letter;
            rest = if is_it { unsafe { rest.add(1) } } else { rest };
        }
        if is_it {
            let file = call(OPEN, [rest as usize, READ_WRITE, 0, 0, 0]);
            let at = call(MMAP, [0, size_of::<Ring>(), BOTH, SHARED, file.try_into().ok()?]);
            // Safety: the file is as large as a ring and stays mapped.
            return (at > 0).then(|| unsafe { &*(at as *const Ring) });
        }
        envp = unsafe { envp.add(1) };
    }
    None
}
