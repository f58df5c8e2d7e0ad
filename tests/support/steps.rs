//! How a program runs from its first instruction to its last: what it executes, and how long.

use std::ffi::CString;
use std::io::{self, Error};
use std::ptr;
use std::time::{Duration, Instant};

use super::sys::{Held, check, pointers, wait_for_pid};

/// The machine code of CPUID.
const CPUID: libc::c_long = 0xa20f;

impl Held {
    /// Lets it execute its program one instruction after the other until it ends, and counts: all
    /// instructions from the exec on, and those that are CPUID.
    pub fn step(self) -> io::Result<(u64, u64)> {
        let (pid, none) = (self.pid, 0_usize);
        let (mut all, mut cpuid, mut signal) = (0, 0, 0_usize);
        // Safety: plain numbers; registers are written to a variable that lives for the call.
        unsafe {
            check(libc::ptrace(libc::PTRACE_ATTACH, pid, none, none) as i32)?;
            wait_for_pid(pid)?;
            let events = libc::PTRACE_O_TRACEEXEC as usize;
            check(libc::ptrace(libc::PTRACE_SETOPTIONS, pid, none, events) as i32)?;
            drop(self.gate);
            check(libc::ptrace(libc::PTRACE_CONT, pid, none, none) as i32)?;
            while wait_for_pid(pid)? >> 8 != libc::SIGTRAP | (libc::PTRACE_EVENT_EXEC << 8) {
                check(libc::ptrace(libc::PTRACE_CONT, pid, none, none) as i32)?;
            }
            loop {
                let mut registers: libc::user_regs_struct = std::mem::zeroed();
                check(libc::ptrace(libc::PTRACE_GETREGS, pid, none, &raw mut registers) as i32)?;
                let word = libc::ptrace(libc::PTRACE_PEEKTEXT, pid, registers.rip, none);
                cpuid += u64::from(word & 0xffff == CPUID);
                check(libc::ptrace(libc::PTRACE_SINGLESTEP, pid, none, signal) as i32)?;
                let status = wait_for_pid(pid)?;
                if !libc::WIFSTOPPED(status) {
                    return Ok((all, cpuid));
                }
                all += 1;
                let stopped_by = libc::WSTOPSIG(status) as usize;
                signal = if stopped_by == libc::SIGTRAP as usize { 0 } else { stopped_by };
            }
        }
    }
}

/// Keeps a process, or the calling thread if that is 0, on one processor; -1 lets it go.
pub fn pin(pid: i32, processor: i32) {
    // Safety: the set lives for the call.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        let all = 0..libc::CPU_SETSIZE as usize;
        let chosen = |n: &usize| processor < 0 || *n == processor as usize;
        all.filter(chosen).for_each(|n| libc::CPU_SET(n, &mut set));
        libc::sched_setaffinity(pid, std::mem::size_of_val(&set), &set);
    }
}

/// The processor that the calling thread runs on just now.
pub fn processor() -> i32 {
    // Safety: the call has no arguments.
    unsafe { libc::sched_getcpu() }
}

/// The time from the start of a program, as PID 1 of a namespace, to its end. Nothing is copied
/// for it: the child shares this process's memory until it executes the program.
pub fn time_of(line: &[String]) -> io::Result<Duration> {
    extern "C" fn child(argv: *mut libc::c_void) -> i32 {
        let (argv, none) = (argv.cast::<*const libc::c_char>(), [ptr::null()]);
        // Safety: the parent waits with the strings until the exec.
        unsafe {
            libc::execve(*argv, argv, none.as_ptr());
            libc::_exit(127)
        }
    }
    let words: Vec<_> = line.iter().map(|w| CString::new(w.as_str()).expect("no NUL")).collect();
    let argv = pointers(&words);
    let mut stack = vec![0_u128; 4096];
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_NEWPID | libc::SIGCHLD;
    let begun = Instant::now();
    // Safety: the stack and the words outlive the child's use of them, which ends at its exec.
    let pid = unsafe {
        let top = stack.as_mut_ptr().add(stack.len()).cast();
        libc::clone(child, top, flags, argv.as_ptr().cast_mut().cast())
    };
    check(pid)?;
    let status = wait_for_pid(pid)?;
    let time = begun.elapsed();
    if status == 0 { Ok(time) } else { Err(Error::other(format!("{line:?}: status {status}"))) }
}
