//! The few system calls that rustix does not give, each under an honest name.

use core::arch::asm;
use core::ffi::CStr;

use pidone::machine::time::Instant;
use pidone::machine::{Exit, Pid};
use pidone::wire::signals::{SIGNAL_MAX, Signal};
use syscalls::{Sysno, raw_syscall};

/// What a call comes to, or its error number.
pub type Result<T> = core::result::Result<T, u16>;

/// What a call returned: a number or, negative, an error number. The numbers that we ask for all
/// fit into 32 bits.
#[inline(never)] // There are too many callers for copies.
pub fn outcome(returned: usize) -> Result<u32> {
    if is_fine(returned) { Ok(returned as u32) } else { Err(returned.wrapping_neg() as u16) }
}

/// Whether a call did not fail.
pub fn is_fine(returned: usize) -> bool {
    returned as isize >= 0
}

/// Ends the process.
pub fn exit(code: i32) -> ! {
    loop {
        // SAFETY: exit_group takes a number and does not come back.
        unsafe { raw_syscall!(Sysno::exit_group, code) };
    }
}

/// Our own number.
pub fn own_pid() -> i32 {
    // SAFETY: getpid has no arguments and cannot fail.
    unsafe { raw_syscall!(Sysno::getpid) as i32 }
}

#[repr(C)]
#[derive(Default)]
struct Timespec {
    seconds: i64,
    nanos: i64,
}

/// The monotonic clock.
pub fn now() -> Instant {
    let time = clock(1);
    Instant::from_millis((time.seconds as u64) * 1000 + (time.nanos as u64) / 1_000_000)
}

/// Something that differs from boot to boot.
pub fn seed() -> u32 {
    let (wall, up) = (clock(0), clock(1));
    (wall.nanos as u32) ^ (wall.seconds as u32).rotate_left(16) ^ (up.nanos as u32).rotate_left(8)
}

fn clock(which: usize) -> Timespec {
    let mut time = Timespec::default();
    // SAFETY: clock_gettime writes one timespec.
    unsafe { raw_syscall!(Sysno::clock_gettime, which, &raw mut time) };
    time
}

/// A set of signals as the kernel keeps it: signal 1 is bit 0.
pub type SignalSet = u64;

const fn bit(number: u32) -> SignalSet {
    1 << (number - 1)
}

/// Every signal but those by which the kernel reports a fault of the process itself: ILL, TRAP,
/// ABRT, BUS, FPE, SEGV, SYS.
pub const OURS: SignalSet = !(bit(4) | bit(5) | bit(6) | bit(7) | bit(8) | bit(11) | bit(31));

/// The signal of children alone.
pub const CHILD: SignalSet = bit(17);

/// Sets the mask of blocked signals.
pub fn set_mask(set: SignalSet) {
    const SIG_SETMASK: usize = 2;
    // SAFETY: the kernel reads eight bytes.
    unsafe { raw_syscall!(Sysno::rt_sigprocmask, SIG_SETMASK, &raw const set, 0, 8) };
}

/// Gives a signal its default disposition: SIGCHLD that arrives ignored would reap behind us.
pub fn set_default(signal: Signal) {
    let action = [0u64; 4];
    // SAFETY: a kernel sigaction of zeros is SIG_DFL without flags.
    unsafe { raw_syscall!(Sysno::rt_sigaction, signal.0, action.as_ptr(), 0, 8) };
}

/// Gives every signal its default disposition: an ignored one would stay so in all that we start.
pub fn set_defaults() {
    (1..=SIGNAL_MAX).for_each(|signal| set_default(Signal(signal)));
}

/// Has the scheduler prefer us, but not what we start: whoever floods the machine with processes
/// must not keep us from reaping them. Where that is not allowed, nothing is lost.
pub fn prefer() {
    const SCHED_OTHER_RESET_ON_FORK: usize = 0x4000_0000;
    const NICE: isize = -10;
    let parameters = 0i32;
    // SAFETY: the kernel reads one int; setpriority takes numbers.
    unsafe {
        let policy = SCHED_OTHER_RESET_ON_FORK;
        raw_syscall!(Sysno::sched_setscheduler, 0, policy, &raw const parameters);
        raw_syscall!(Sysno::setpriority, 0, 0, NICE);
    }
}

/// The one call that waits: for a signal of a set, or until a time.
pub fn wait_signal(set: SignalSet, until: Option<Instant>) -> Option<Signal> {
    let left = until.map(|until| until.since(now()));
    let time = left.map(|left| Timespec {
        seconds: (left / 1000) as i64,
        nanos: (left % 1000) as i64 * 1_000_000,
    });
    let timeout = time.as_ref().map_or(core::ptr::null(), |time| time as *const Timespec);
    // SAFETY: the kernel reads eight bytes and a timespec or null, and is told to write nothing.
    let got = unsafe { raw_syscall!(Sysno::rt_sigtimedwait, &raw const set, 0, timeout, 8) };
    is_fine(got).then_some(Signal(got as u8))
}

/// What wait4 found.
pub enum Reaped {
    /// This one ended so.
    Child(Pid, Exit),
    /// Children live, none has ended.
    None,
    /// There are no children.
    Childless,
}

/// Reaps one child that has ended, if there is one.
pub fn reap() -> Reaped {
    const WNOHANG: usize = 1;
    let mut status = 0i32;
    // SAFETY: wait4 writes one int, and nothing for a null usage.
    let got = unsafe { raw_syscall!(Sysno::wait4, -1isize, &raw mut status, WNOHANG, 0) };
    match outcome(got) {
        Ok(0) => Reaped::None,
        Ok(pid) => Reaped::Child(Pid(pid as i32), decode(status)),
        Err(_) => Reaped::Childless,
    }
}

/// The wait status, decoded once and for all.
fn decode(status: i32) -> Exit {
    match (status & 0x7f) as u8 {
        0 => Exit::Code((status >> 8) as u8),
        signal => Exit::Signal(Signal(signal)),
    }
}

fn kill(target: i32, signal: Signal) -> bool {
    // SAFETY: kill takes two numbers.
    is_fine(unsafe { raw_syscall!(Sysno::kill, target, signal.0) })
}

/// Signals the process group of a child that leads it; where it does not lead one yet, the child.
pub fn signal_group(pid: Pid, signal: Signal) {
    // We may signal everybody, so the one way to fail is that there is no such group.
    if pid.0 > 1 && !kill(-pid.0, signal) {
        kill(pid.0, signal);
    }
}

/// Signals every process but us; whether there was one.
pub fn signal_everyone(signal: Signal) -> bool {
    kill(-1, signal)
}

/// Sends ourselves a signal, which waits among the blocked ones.
pub fn remind(signal: Signal) {
    kill(own_pid(), signal);
}

/// Replaces the program.
///
/// # Safety
/// `argv` and `envp` are arrays of pointers to strings, each array ended by a null.
pub unsafe fn execve(path: &CStr, argv: *const *const u8, envp: *const *const u8) -> u16 {
    // SAFETY: the caller vouches for the arrays.
    let returned = unsafe { raw_syscall!(Sysno::execve, path.as_ptr(), argv, envp) };
    returned.wrapping_neg() as u16
}

/// Forks a child that runs `body` on `order` and never comes back from it. It is not vfork, which
/// would have us wait until the child has found its program, and on a dead file system for ever.
///
/// # Safety
/// `body` does not return.
pub unsafe fn fork<T>(order: &T, body: extern "C" fn(&T) -> !) -> Result<Pid> {
    const SIGCHLD: usize = 17;
    // SAFETY: the caller vouches for the body, which takes what `order` points to.
    let got = unsafe { clone_at(SIGCHLD, core::ptr::from_ref(order).cast(), body as *const ()) };
    outcome(got).map(|pid| Pid(pid as i32))
}

/// The same for every type of order.
///
/// # Safety
/// As [`fork`]; `body` is the address of a function that takes `order`.
unsafe fn clone_at(flags: usize, order: *const (), body: *const ()) -> usize {
    let mut got = Sysno::clone as usize;
    // SAFETY: the child uses its copy of our stack below the present frame, and never returns into
    // this frame.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "and rsp, -16",
            "mov rdi, {order}",
            "call {body}",
            "ud2",
            "2:",
            order = in(reg) order,
            body = in(reg) body,
            inlateout("rax") got,
            in("rdi") flags,
            in("rsi") 0,
            in("rdx") 0,
            in("r10") 0,
            in("r8") 0,
            out("rcx") _,
            out("r11") _,
        );
    }
    got
}

/// Opens a session of one's own.
pub fn new_session() {
    // SAFETY: setsid has no arguments.
    unsafe { raw_syscall!(Sysno::setsid) };
}

/// An ioctl; whether it was understood.
///
/// # Safety
/// `argument` is what the request takes, see ioctl_tty(2).
pub unsafe fn ioctl(fd: i32, request: u32, argument: usize) -> bool {
    // SAFETY: the caller vouches for the argument.
    is_fine(unsafe { raw_syscall!(Sysno::ioctl, fd, request, argument) })
}

/// Closes every descriptor but the standard ones. Where the kernel does not know how, what is ours
/// goes at the execve.
pub fn close_the_rest() {
    // SAFETY: close_range takes numbers; who calls this uses the standard descriptors alone.
    unsafe { raw_syscall!(Sysno::close_range, 3, u32::MAX, 0) };
}

/// A page that parent and children share, zeroed; nothing where memory is short.
pub fn shared_page() -> Option<&'static [core::sync::atomic::AtomicU64; 512]> {
    const PROT_READ_WRITE: usize = 3;
    const MAP_SHARED_ANONYMOUS: usize = 0x21;
    // SAFETY: a new mapping of 4096 zeroed bytes, never unmapped, is 512 valid atomics.
    unsafe {
        let (how, of) = (PROT_READ_WRITE, MAP_SHARED_ANONYMOUS);
        let page = raw_syscall!(Sysno::mmap, 0, 4096, how, of, usize::MAX, 0);
        is_fine(page).then(|| &*(page as *const _))
    }
}
