//! The few system calls that rustix does not give, each under an honest name.

use core::arch::asm;
use core::ffi::CStr;
use core::sync::atomic::AtomicU32;

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

/// The same, to be called from assembly.
pub extern "C" fn exit_at_once(code: i32) -> ! {
    exit(code)
}

/// Our own number.
pub fn own_pid() -> i32 {
    // SAFETY: getpid has no arguments and cannot fail.
    unsafe { raw_syscall!(Sysno::getpid) as i32 }
}

/// The number of our parent; 0 where it is outside our namespace.
pub fn parent_pid() -> i32 {
    // SAFETY: getppid has no arguments and cannot fail.
    unsafe { raw_syscall!(Sysno::getppid) as i32 }
}

#[repr(C)]
#[derive(Default)]
pub struct Timespec {
    pub seconds: i64,
    pub nanos: i64,
}

/// The monotonic clock.
pub fn now() -> Instant {
    let time = clock(1);
    Instant::from_millis((time.seconds as u64) * 1000 + (time.nanos as u64) / 1_000_000)
}

/// The monotonic clock in nanoseconds.
pub fn nanos() -> u64 {
    let time = clock(1);
    (time.seconds as u64) * 1_000_000_000 + time.nanos as u64
}

/// A clock by its number, see clock_gettime(2).
pub fn clock(which: usize) -> Timespec {
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

/// The same without SIGALRM.
pub const OURS_BUT_ALRM: SignalSet = OURS & !bit(14);

/// Every signal. A fault of ours ends us all the same: the kernel sees to that.
pub const ALL: SignalSet = !0;

/// The signals of which there may be many: those of children and of descriptors with news.
pub const MANY: SignalSet = bit(17) | bit(29);

/// Sets the mask of blocked signals; what it was before.
pub fn set_mask(set: SignalSet) -> SignalSet {
    const SIG_SETMASK: usize = 2;
    let mut old = 0;
    // SAFETY: the kernel reads eight bytes and writes eight.
    unsafe { raw_syscall!(Sysno::rt_sigprocmask, SIG_SETMASK, &raw const set, &raw mut old, 8) };
    old
}

/// What a process does with a signal: the kernel's struct sigaction.
pub type Disposition = [u64; 4];

/// What the kernel does with a signal by itself.
const SIG_DFL: u64 = 0;
/// A signal is ignored.
const SIG_IGN: u64 = 1;

/// What of a disposition is passed on at an execve: whether the signal is ignored.
pub fn is_ignored(disposition: &Disposition) -> bool {
    disposition.first() == Some(&SIG_IGN)
}

/// Sets the disposition of a signal; what it was before.
pub fn set_disposition(signal: Signal, action: &Disposition) -> Disposition {
    let mut old = Disposition::default();
    let (new, old_at) = (action.as_ptr(), old.as_mut_ptr());
    // SAFETY: the kernel reads one sigaction, which holds no function of ours, and writes one.
    unsafe { raw_syscall!(Sysno::rt_sigaction, signal.0, new, old_at, 8) };
    old
}

/// Gives a signal its default disposition: SIGCHLD that arrives ignored would reap behind us.
pub fn set_default(signal: Signal) {
    dispose_of(signal, SIG_DFL);
}

/// Ignores SIGHUP: that a terminal was hung up shows when it is read.
pub fn ignore_hangup() {
    dispose_of(Signal::HUP, SIG_IGN);
}

#[inline(never)] // It is one for both.
fn dispose_of(signal: Signal, how: u64) {
    set_disposition(signal, &[how, 0, 0, 0]);
}

/// Gives every signal its default disposition: an ignored one would stay so in all that we start.
pub fn set_defaults() {
    (1..=SIGNAL_MAX).for_each(|signal| set_default(Signal(signal)));
}

/// A signal that came, with what the kernel tells of it, see sigaction(2).
#[repr(C)]
pub struct News {
    number: i32,
    errno: i32,
    /// Where it comes from: a positive number is the kernel itself.
    code: i32,
    padding: i32,
    /// The sender, or the child that the signal is about.
    pub pid: Pid,
    rest: [u32; 27],
}

impl News {
    /// The signal.
    pub fn signal(&self) -> Signal {
        Signal(self.number as u8)
    }

    /// Whether the kernel sent it, for a terminal or a descriptor, and not a process.
    pub fn is_kernels(&self) -> bool {
        self.code > 0
    }
}

/// The one call that waits: for a signal of a set, or until a time.
pub fn wait_signal(set: SignalSet, until: Option<Instant>) -> Option<News> {
    let left = until.map(|until| until.since(now()));
    let time = left.map(|left| Timespec {
        seconds: (left / 1000) as i64,
        nanos: (left % 1000) as i64 * 1_000_000,
    });
    let timeout = time.as_ref().map_or(core::ptr::null(), |time| time as *const Timespec);
    let mut news = News { number: 0, errno: 0, code: 0, padding: 0, pid: Pid(0), rest: [0; 27] };
    let at = &raw mut news;
    // SAFETY: the kernel reads eight bytes and a timespec or null, and writes one siginfo.
    let got = unsafe { raw_syscall!(Sysno::rt_sigtimedwait, &raw const set, at, timeout, 8) };
    is_fine(got).then_some(news)
}

/// Takes a signal out of the queue, if it is there.
pub fn forget_signal(signal: Signal) {
    wait_signal(1 << (signal.0 - 1), Some(Instant::from_millis(0)));
}

/// Takes a signal out of the queue that a write of our own has brought: the kernel names us as its
/// sender. Another's stays.
#[cold]
#[inline(never)]
pub fn forget_own(signal: Signal) {
    let news = wait_signal(bit(u32::from(signal.0)), Some(Instant::from_millis(0)));
    if news.is_some_and(|news| news.pid != Pid(own_pid())) {
        remind(signal);
    }
}

/// What wait4 found.
pub enum Reaped {
    /// This one ended so.
    Child(Pid, Exit),
    /// This one was stopped by job control, with this signal.
    Stopped(Pid, Signal),
    /// Children live, none has ended.
    None,
    /// There are no children.
    Childless,
}

/// Any child.
pub const ANY: Pid = Pid(-1);

/// Reaps one child that has ended, if there is one; of a stopped one it is told once.
pub fn reap(which: Pid) -> Reaped {
    const WNOHANG_WUNTRACED: usize = 1 | 2;
    const STOPPED: i32 = 0x7f;
    let mut status = 0i32;
    let (at, how) = (&raw mut status, WNOHANG_WUNTRACED);
    // SAFETY: wait4 writes one int, and nothing for a null usage.
    let got = unsafe { raw_syscall!(Sysno::wait4, which.0, at, how, 0) };
    match outcome(got) {
        Ok(0) => Reaped::None,
        Ok(pid) if status & 0xff == STOPPED => {
            Reaped::Stopped(Pid(pid as i32), Signal((status >> 8) as u8))
        }
        Ok(pid) => Reaped::Child(Pid(pid as i32), decode(status)),
        Err(_) => Reaped::Childless,
    }
}

/// Whether there are children, those that have ended and have not been reaped among them.
pub fn has_children() -> bool {
    const P_ALL: usize = 0;
    const WNOHANG_WEXITED_WNOWAIT: usize = 1 | 4 | 0x0100_0000;
    // SAFETY: waitid writes nothing for a null siginfo and a null usage.
    is_fine(unsafe { raw_syscall!(Sysno::waitid, P_ALL, 0, 0, WNOHANG_WEXITED_WNOWAIT, 0) })
}

/// Whether a process is a child of ours, one that has ended and has not been reaped among them.
pub fn is_child(pid: Pid) -> bool {
    const P_PID: usize = 1;
    const WNOHANG_WEXITED_WNOWAIT: usize = 1 | 4 | 0x0100_0000;
    // SAFETY: waitid writes nothing for a null siginfo and a null usage.
    is_fine(unsafe { raw_syscall!(Sysno::waitid, P_PID, pid.0, 0, WNOHANG_WEXITED_WNOWAIT, 0) })
}

/// The wait status, decoded once and for all.
fn decode(status: i32) -> Exit {
    match (status & 0x7f) as u8 {
        0 => Exit::Code((status >> 8) as u8),
        signal => Exit::Signal(Signal(signal)),
    }
}

/// Sends a signal; whether there was somebody.
pub fn kill(target: i32, signal: Signal) -> bool {
    send(target, signal).is_ok()
}

/// Sends a signal; to a process group where the number is negative.
pub fn send(target: i32, signal: Signal) -> Result<u32> {
    // SAFETY: kill takes two numbers.
    outcome(unsafe { raw_syscall!(Sysno::kill, target, signal.0) })
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
    let (order, body) = (core::ptr::from_ref(order).cast(), body as *const ());
    // SAFETY: the caller vouches for the body, which takes what `order` points to. Without a stack
    // of its own the child uses its copy of ours.
    outcome(unsafe { clone_at(SIGCHLD, 0, order, body) }).map(|pid| Pid(pid as i32))
}

const SIGCHLD: usize = 17;

/// Starts a child that has our memory until its execve, which saves the copying of it, but a stack
/// of its own, so that we need not wait.
///
/// # Safety
/// `body` does not return, and what it changes in our memory is meant for it. The stack and what
/// `order` holds are left alone by us until the execve or the end of the child.
pub unsafe fn spawn<T>(
    order: &T,
    stack: &'static mut [u8],
    body: extern "C" fn(&T) -> !,
) -> Result<Pid> {
    let (order, body) = (core::ptr::from_ref(order).cast(), body as *const ());
    let top = stack.as_mut_ptr_range().end as usize;
    // SAFETY: as for `fork`; the stack grows down from the end of what is the child's alone.
    outcome(unsafe { clone_at(CLONE_VM | SIGCHLD, top, order, body) }).map(|pid| Pid(pid as i32))
}

/// The same with a word behind the top of the stack that is not 0, and is once all of it is free
/// again, see CLONE_CHILD_CLEARTID in clone(2).
///
/// # Safety
/// As [`spawn`]; below the word lies the stack.
pub unsafe fn spawn_below<T>(
    order: &T,
    word: *const AtomicU32,
    body: extern "C" fn(&T) -> !,
) -> Result<Pid> {
    const CLEAR_AT_THE_END: usize = 0x20_0000;
    let (order, body) = (core::ptr::from_ref(order).cast(), body as *const ());
    let flags = CLONE_VM | CLEAR_AT_THE_END | SIGCHLD;
    // SAFETY: as for `spawn`.
    outcome(unsafe { clone_at(flags, word as usize, order, body) }).map(|pid| Pid(pid as i32))
}

const CLONE_VM: usize = 0x100;

/// The same for every type of order; a stack of 0 is ours. What is asked to be cleared lies behind
/// the top of the stack.
///
/// # Safety
/// As [`fork`] and [`spawn`]; `body` is the address of a function that takes `order`.
unsafe fn clone_at(flags: usize, stack: usize, order: *const (), body: *const ()) -> usize {
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
            in("rsi") stack,
            in("rdx") 0,
            in("r10") stack,
            in("r8") 0,
            out("rcx") _,
            out("r11") _,
        );
    }
    got
}

/// Opens a session of one's own; whether that was possible.
pub fn new_session() -> bool {
    // SAFETY: setsid has no arguments.
    is_fine(unsafe { raw_syscall!(Sysno::setsid) })
}

/// Opens a process group of one's own.
pub fn new_group() {
    // SAFETY: setpgid takes numbers.
    unsafe { raw_syscall!(Sysno::setpgid, 0, 0) };
}

/// The process group that we are in.
pub fn own_group() -> Pid {
    // SAFETY: getpgid takes a number and cannot fail for ourselves.
    Pid(unsafe { raw_syscall!(Sysno::getpgid, 0) } as i32)
}

/// The session that we are in.
pub fn own_session() -> Pid {
    // SAFETY: getsid takes a number and cannot fail for ourselves.
    Pid(unsafe { raw_syscall!(Sysno::getsid, 0) } as i32)
}

/// Has orphans below us become our children, as if we were process 1.
#[inline(always)] // Apart, it would lie where a container's init never looks.
pub fn adopt_orphans() {
    const PR_SET_CHILD_SUBREAPER: usize = 36;
    // SAFETY: prctl takes numbers here.
    unsafe { raw_syscall!(Sysno::prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) };
}

/// Has a signal sent to us when our parent ends.
pub fn follow_parent(signal: Signal) -> bool {
    const PR_SET_PDEATHSIG: usize = 1;
    // SAFETY: prctl takes numbers here.
    is_fine(unsafe { raw_syscall!(Sysno::prctl, PR_SET_PDEATHSIG, signal.0, 0, 0, 0) })
}

/// What is sent to us when our parent ends.
pub fn followed() -> Option<Signal> {
    const PR_GET_PDEATHSIG: usize = 2;
    let mut signal = 0i32;
    // SAFETY: prctl writes one int here.
    unsafe { raw_syscall!(Sysno::prctl, PR_GET_PDEATHSIG, &raw mut signal, 0, 0, 0) };
    (signal != 0).then_some(Signal(signal as u8))
}

/// Takes another effective user, or goes back to the first one; whether that was allowed. The
/// real and the saved one stay as they are.
pub fn act_as(user: u32) -> bool {
    const SAME: isize = -1;
    // SAFETY: setresuid takes numbers.
    is_fine(unsafe { raw_syscall!(Sysno::setresuid, SAME, user, SAME) })
}

/// Our effective user.
pub fn own_user() -> u32 {
    // SAFETY: geteuid has no arguments and cannot fail.
    unsafe { raw_syscall!(Sysno::geteuid) as u32 }
}

/// Has SIGALRM sent to us so many seconds from now; with 0, not any more.
pub fn set_alarm(seconds: u32) {
    // SAFETY: alarm takes a number.
    unsafe { raw_syscall!(Sysno::alarm, seconds) };
}

/// Hangs up the terminal that controls us: every descriptor of it is dead from then on.
pub fn hang_up() {
    // SAFETY: vhangup has no arguments.
    unsafe { raw_syscall!(Sysno::vhangup) };
}

/// An ioctl; whether it was understood.
///
/// # Safety
/// `argument` is what the request takes, see ioctl_tty(2).
pub unsafe fn ioctl(fd: i32, request: u32, argument: usize) -> bool {
    // SAFETY: the caller vouches for the argument.
    is_fine(unsafe { raw_syscall!(Sysno::ioctl, fd, request, argument) })
}

/// Closes every descriptor but the standard ones and this one. Where the kernel does not know
/// how, what is ours goes at the execve.
pub fn close_the_rest(but: i32) {
    // SAFETY: close_range takes numbers; who calls this uses those descriptors alone.
    unsafe {
        if but > 3 {
            raw_syscall!(Sysno::close_range, 3, but - 1, 0);
        }
        raw_syscall!(Sysno::close_range, but + 1, u32::MAX, 0);
    }
}

/// Closes every descriptor but the standard ones and two others, which may be none at all; whether
/// the kernel knows how.
pub fn close_all_but(keep: [i32; 2]) -> bool {
    let [low, high] = if keep[0] < keep[1] { keep } else { [keep[1], keep[0]] };
    let mut from = 3;
    for kept in [low, high] {
        if kept >= from {
            // SAFETY: as in `close_the_rest`; who calls this names what else it uses.
            unsafe { raw_syscall!(Sysno::close_range, from, kept - 1, 0) };
            from = kept + 1;
        }
    }
    // SAFETY: as above.
    is_fine(unsafe { raw_syscall!(Sysno::close_range, from, u32::MAX, 0) })
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
