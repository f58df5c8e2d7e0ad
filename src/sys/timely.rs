//! Writes to the console that come back in time.
//!
//! A descriptor that does not wait is enough for any file but one. Where somebody has redirected
//! the console, see TIOCCONS in ioctl_tty(2), the kernel asks the descriptor that he has redirected
//! it to whether a write may wait. If nobody reads that terminal, a write of ours waits for ever.
//! Nothing tells beforehand, not even poll(2), so that a signal has to end it.

use core::arch::naked_asm;

use pidone::wire::errno::EINTR;
use pidone::wire::signals::Signal;
use pidone::wire::value::Millis;
use syscalls::{Sysno, raw_syscall};

use super::fd::{self, Fd};
use super::files;
use super::kernel::{self, Disposition, OURS, OURS_BUT_ALRM, Result, is_fine};

/// How long a write to the console may take before a signal comes, in milliseconds. Whoever reads
/// at all has read a line by then, and process 1 is not missed by anybody for so long.
pub const LIMIT_MS: Millis = 100;

/// The devices whose output can be redirected: /dev/tty0, 4:0, and /dev/console, 5:1.
const TTY0: u64 = 0x400;
const CONSOLE: u64 = 0x501;

/// Writes to what may be the console. EINTR says that it did not come back in time; that takes two
/// signals, and so twice the limit. All signals of ours are blocked, before and after.
#[inline(never)] // The one caller keeps nothing of it on its stack.
pub fn write(to: &Fd, bytes: &[u8]) -> Result<u32> {
    let special = files::stat(to).map_or(0, |found| found.special);
    let mut before = Disposition::default();
    // Where a filter of system calls refuses the signal, the write goes as it would without it.
    if !matches!(special, TTY0 | CONSOLE) || !begin(&mut before) {
        return fd::write(to.raw(), bytes);
    }
    let mut wrote = fd::write(to.raw(), bytes);
    if wrote == Err(EINTR) {
        // The signal may have been another's, or have come because we were given no processor.
        wrote = fd::write(to.raw(), bytes);
    }
    set_timer(0);
    kernel::set_mask(OURS);
    kernel::set_disposition(Signal::ALRM, &before);
    wrote
}

/// Has SIGALRM interrupt us from now on, again and again: one that came just before the write that
/// it is to end would not end it. Comes back with whether we may have it do so.
fn begin(before: &mut Disposition) -> bool {
    const SA_RESTORER: u64 = 0x400_0000;
    let action: Disposition = [come_back as *const () as u64, SA_RESTORER, 0, 0];
    let (new, old) = (action.as_ptr(), before.as_mut_ptr());
    // SAFETY: the kernel reads one sigaction and writes one. The function in it never returns, so
    // that none need stand behind it, and touches nothing, so that it may run at any instant.
    let set = unsafe { raw_syscall!(Sysno::rt_sigaction, Signal::ALRM.0, new, old, 8) };
    if is_fine(set) {
        set_timer(LIMIT_MS);
        kernel::set_mask(OURS_BUT_ALRM);
    }
    is_fine(set)
}

/// Has SIGALRM sent to us every so many milliseconds, fewer than a second; with 0, not any more.
fn set_timer(millis: Millis) {
    const ITIMER_REAL: usize = 0;
    // Seconds and microseconds between two of them, and the same until the first one.
    let micros = u64::from(millis) * 1000;
    let spans = [0, micros, 0, micros];
    // SAFETY: the kernel reads one itimerval, and writes nothing for a null.
    unsafe { raw_syscall!(Sysno::setitimer, ITIMER_REAL, spans.as_ptr(), 0) };
}

/// What the kernel calls for the signal. There is nothing to do: it takes the place that it would
/// return to off the stack, and goes back to what was interrupted, see sigreturn(2).
#[unsafe(naked)]
extern "C" fn come_back() -> ! {
    const RT_SIGRETURN: u32 = Sysno::rt_sigreturn as u32;
    naked_asm!("pop rax", "mov eax, {call}", "syscall", call = const RT_SIGRETURN)
}
