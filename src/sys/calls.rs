//! Calls of the kernel that children make, and process 1 seldom: they lie apart from those that
//! every applet makes while it waits.

use pidone::machine::Pid;
use pidone::wire::signals::Signal;
use syscalls::{Sysno, raw_syscall};

use super::kernel::{Timespec, clock, kill, outcome};

/// Kills what is left of a process group.
pub fn kill_group(group: Pid) {
    if group.0 > 1 {
        kill(-group.0, Signal::KILL);
    }
}

/// Kills one process; whether it was there.
pub fn kill_one(pid: Pid) -> bool {
    pid.0 > 1 && kill(pid.0, Signal::KILL)
}

/// The session that a process is in.
pub fn session_of(pid: Pid) -> Pid {
    // SAFETY: getsid takes a number.
    let got = outcome(unsafe { raw_syscall!(Sysno::getsid, pid.0) });
    Pid(got.map_or(0, |session| session as i32))
}

/// The number of our parent.
pub fn parent() -> i32 {
    // SAFETY: getppid has no arguments and cannot fail.
    unsafe { raw_syscall!(Sysno::getppid) as i32 }
}

/// Sleeps for so many milliseconds. Process 1 never does.
pub fn sleep(millis: i64) {
    let time = Timespec { seconds: millis / 1000, nanos: millis % 1000 * 1_000_000 };
    // SAFETY: the kernel reads one timespec.
    unsafe { raw_syscall!(Sysno::nanosleep, &raw const time, 0) };
}

/// Has the scheduler prefer us, but not what we start: whoever floods the machine with processes
/// must not keep us from reaping them. Where that is not allowed, nothing is lost.
pub fn prefer() {
    const SCHED_OTHER_RESET_ON_FORK: usize = 0x4000_0000;
    const NICE: isize = -10;
    schedule(SCHED_OTHER_RESET_ON_FORK, NICE);
}

/// Ends that, since whatever takes our place would have it else.
pub fn prefer_no_more() {
    const SCHED_OTHER: usize = 0;
    schedule(SCHED_OTHER, 0);
}

fn schedule(policy: usize, nice: isize) {
    let parameters = 0i32;
    // SAFETY: the kernel reads one int; setpriority takes numbers.
    unsafe {
        raw_syscall!(Sysno::sched_setscheduler, 0, policy, &raw const parameters);
        raw_syscall!(Sysno::setpriority, 0, 0, nice);
    }
}

/// Leaves no core of us. A child that has our memory until its execve must not leave one either:
/// kernels before 5.16 end everybody who has it, see core(5) and PR_SET_DUMPABLE in prctl(2).
pub fn forgo_core() {
    const PR_SET_DUMPABLE: usize = 4;
    // SAFETY: prctl takes numbers here.
    unsafe { raw_syscall!(Sysno::prctl, PR_SET_DUMPABLE, 0, 0, 0, 0) };
}

/// Something that differs from boot to boot.
pub fn seed() -> u32 {
    let (wall, up) = (clock(0), clock(1));
    (wall.nanos as u32) ^ (wall.seconds as u32).rotate_left(16) ^ (up.nanos as u32).rotate_left(8)
}
