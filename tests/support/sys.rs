//! The kernel calls that the standard library does not give, each under an honest name.
//!
//! Unsafe code of the tests stands here and in `steps.rs`.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, Error, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::ptr;
use std::time::Duration;

use super::forks::alone;
pub use super::forks::{close, no_fork, output, spawn};
pub use super::terminal::{echoes, set_settings, settings, stop_output, unlock_pty, window_size};

/// What one of the descriptors 0, 1 and 2 is to be.
#[derive(Default)]
pub enum Stdio {
    Fd(OwnedFd),
    /// Opened inside the namespace, so that its name in /proc is the one its programs know.
    Path(CString),
    #[default]
    Closed,
}

/// Everything the first process of a namespace is started with.
#[derive(Default)]
pub struct Launch {
    pub root: CString,
    pub mount_proc: bool,
    pub dir: CString,
    pub program: CString,
    pub args: Vec<CString>,
    pub env: Vec<CString>,
    pub stdio: [Stdio; 3],
    pub ignored: Vec<i32>,
    pub blocked: Vec<i32>,
    pub descriptors: Option<u64>,
    /// The most signals that may wait for it, which counts those of all that its user runs.
    pub pending: Option<u64>,
    pub umask: u32,
    /// Whether it is process 2, with a parent that only reaps, instead of PID 1.
    pub second: bool,
    /// Whether it leads a session of its own, and takes the terminal if descriptor 0 is one.
    pub leader: bool,
    /// What it inherits besides, as descriptors 3, 4 and so on.
    pub inherited: Vec<OwnedFd>,
    /// Capabilities that no program it executes can have.
    pub barred: Vec<u64>,
    pub user: Option<u32>,
}

const NAMESPACES: i32 = libc::CLONE_NEWPID
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC;

/// What the kernel gives its own init; a signal number past the last one ends each loop.
const SIGNALS: std::ops::RangeInclusive<i32> = 1..=64;

/// A first process that has everything but its program, and waits to be let go.
pub struct Held {
    pub pid: i32,
    pub gate: OwnedFd,
    report: File,
    /// Where the end of process 2 is told, as a raw wait status.
    pub status: File,
}

/// Starts PID 1 of a new namespace and gives its host PID once the exec has succeeded.
pub fn launch(launch: &Launch) -> io::Result<i32> {
    let held = prepare(launch)?;
    let pid = held.pid;
    held.release().map(|_| pid)
}

/// Makes the first process of a new namespace, up to the exec.
pub fn prepare(launch: &Launch) -> io::Result<Held> {
    // The child gives up all copies of others' descriptors before it is heard of.
    let _alone = alone();
    let args = pointers(&launch.args);
    let env = pointers(&launch.env);
    let (report, told) = pipe()?;
    let (wait, gate) = pipe()?;
    let (status, ended) = pipe()?;
    // None of them stands where another one is to be.
    let past = PAST_STDIO + launch.inherited.len() as RawFd;
    let tell = lifted(told.as_fd(), past)?;
    drop(told);
    let inherited = launch.inherited.iter().map(|fd| lifted(fd.as_fd(), past));
    let inherited = inherited.collect::<io::Result<Vec<_>>>()?;
    let ends = Ends { wait: wait.as_raw_fd(), tell: tell.as_raw_fd(), ended: ended.as_raw_fd() };
    let kept = kept(launch, &inherited, &ends);
    let flags = (NAMESPACES | libc::SIGCHLD) as libc::c_long;
    // Safety: without CLONE_VM and a stack this is a fork; the child calls only async-signal-safe
    // functions on memory prepared before, until it execs or exits.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) } as i32;
    if pid == 0 {
        let errno = become_init(launch, &args, &env, (&kept, &inherited), &ends);
        let bytes = errno.to_ne_bytes();
        // Safety: the pipe's end is open and the buffer is ours; _exit runs no handler.
        unsafe {
            libc::write(tell.as_raw_fd(), bytes.as_ptr().cast(), bytes.len());
            libc::_exit(127)
        }
    }
    check(pid)?;
    drop(tell);
    let mut held = Held { pid, gate, report, status };
    held.heard()?;
    Ok(held)
}

impl Held {
    /// Lets it execute its program, and gives the pipe that tells the end of process 2.
    pub fn release(mut self) -> io::Result<File> {
        // What is moved out here is closed here: the end of the pipe is the word to go.
        self.gate = File::open("/dev/null")?.into();
        self.heard()?;
        Ok(self.status)
    }

    /// Waits for word from the child: nothing or 0 if all is well, else an error number.
    fn heard(&mut self) -> io::Result<()> {
        let mut errno = [0; 4];
        match (self.report.read(&mut errno)?, i32::from_ne_bytes(errno)) {
            (_, 0) => Ok(()),
            (_, errno) => {
                let _ = kill(self.pid, libc::SIGKILL);
                let _ = wait_for_pid(self.pid);
                Err(Error::from_raw_os_error(errno))
            }
        }
    }
}

/// The child's ends of the three pipes.
struct Ends {
    wait: RawFd,
    tell: RawFd,
    ended: RawFd,
}

/// What the child needs of all that its parent has open, in order.
fn kept(launch: &Launch, inherited: &[OwnedFd], ends: &Ends) -> Vec<RawFd> {
    let mut kept = vec![0, 1, 2, ends.wait, ends.tell, ends.ended];
    kept.extend(inherited.iter().map(AsRawFd::as_raw_fd));
    kept.extend(launch.stdio.iter().filter_map(|stdio| match stdio {
        Stdio::Fd(fd) => Some(fd.as_raw_fd()),
        Stdio::Path(_) | Stdio::Closed => None,
    }));
    kept.sort_unstable();
    kept.dedup();
    kept
}

/// Closes all descriptors but these, which are in order and each there once.
///
/// Safety: runs in a forked child.
unsafe fn close_all_but(kept: &[RawFd]) {
    let mut first = 0;
    for &fd in kept.iter().chain([&RawFd::MAX]) {
        if first < fd {
            unsafe { libc::syscall(libc::SYS_close_range, first, fd - 1, 0) };
        }
        first = fd.saturating_add(1);
    }
}

pub fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|s| s.as_ptr()).chain([ptr::null()]).collect()
}

/// Runs in the child; returns the error number of the first step that failed.
fn become_init(
    l: &Launch,
    args: &[*const libc::c_char],
    env: &[*const libc::c_char],
    (kept, inherited): (&[RawFd], &[OwnedFd]),
    ends: &Ends,
) -> i32 {
    // Safety: each call takes valid C strings or plain numbers, and all are async-signal-safe.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        close_all_but(kept);
        let mut ok = libc::chroot(l.root.as_ptr()) == 0 && libc::chdir(c"/".as_ptr()) == 0;
        if l.mount_proc {
            ok = ok && mount_c(c"proc", c"/proc", c"proc", 0, c"") == 0;
        }
        if ok && l.second {
            ok = reap_beside(ends);
        }
        ok = ok && libc::chdir(l.dir.as_ptr()) == 0 && place_stdio(&l.stdio);
        if l.leader {
            libc::setsid();
            libc::ioctl(0, libc::TIOCSCTTY, 0);
        }
        let cloexec = libc::CLOSE_RANGE_CLOEXEC;
        libc::syscall(libc::SYS_close_range, PAST_STDIO, u32::MAX, cloexec);
        libc::umask(l.umask);
        // Whoever runs the tests may have made them nice; the kernel starts its init without that.
        libc::setpriority(libc::PRIO_PROCESS, 0, 0);
        let limits = [(libc::RLIMIT_NOFILE, l.descriptors), (libc::RLIMIT_SIGPENDING, l.pending)];
        for (resource, limit) in limits {
            if let Some(limit) = limit {
                let limit = libc::rlimit { rlim_cur: limit, rlim_max: limit };
                ok = ok && libc::setrlimit(resource, &limit) == 0;
            }
        }
        ok = ok && l.barred.iter().all(|&cap| libc::prctl(libc::PR_CAPBSET_DROP, cap) == 0);
        set_signals(&l.ignored, &l.blocked);
        ok = ok && protect_host();
        if let Some(user) = l.user {
            // The C library's own would have every thread follow, and wait for a lock of theirs
            // that a thread may have held at the fork, which nobody here lets go.
            ok = ok && libc::syscall(libc::SYS_setresgid, user, user, user) == 0;
            ok = ok && libc::syscall(libc::SYS_setresuid, user, user, user) == 0;
        }
        if ok {
            let well = 0_i32;
            libc::write(ends.tell, ptr::from_ref(&well).cast(), std::mem::size_of::<i32>());
            ok = libc::read(ends.wait, [0_u8].as_mut_ptr().cast(), 1) == 0;
        }
        ok = ok && place_inherited(inherited);
        if ok {
            libc::execve(l.program.as_ptr(), args.as_ptr(), env.as_ptr());
        }
    }
    Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}

/// The first descriptor that is not standard input, output or error.
const PAST_STDIO: RawFd = 3;

/// Forks: the child goes on as process 2. PID 1 stays behind, tells how that one ends, and reaps
/// until it is killed.
///
/// Safety: runs in a forked child with no other thread.
unsafe fn reap_beside(ends: &Ends) -> bool {
    unsafe {
        let second = libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) as i32;
        if second <= 0 {
            libc::close(ends.ended);
            return second == 0;
        }
        let word = std::mem::size_of::<i32>();
        // It lives as long as the test: what it kept open would be open as long.
        close_all_but(&[ends.ended]);
        let mut status = 0;
        loop {
            let pid = libc::waitpid(-1, &mut status, 0);
            if pid == second {
                libc::write(ends.ended, ptr::from_ref(&status).cast(), word);
            }
            if pid == -1 {
                libc::pause();
            }
        }
    }
}

/// Puts what is inherited where it belongs.
///
/// Safety: runs in a forked child on descriptors it owns.
unsafe fn place_inherited(inherited: &[OwnedFd]) -> bool {
    let mut places = (PAST_STDIO..).zip(inherited);
    places.all(|(place, fd)| unsafe { libc::dup2(fd.as_raw_fd(), place) == place })
}

/// Safety: runs in a forked child on descriptors it owns.
unsafe fn place_stdio(stdio: &[Stdio; 3]) -> bool {
    // The harness keeps its own descriptors above 2, so that no source is overwritten before use.
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_APPEND;
    // The first is placed last: while it is to be closed, what is opened would take its number.
    (0..3).rev().all(|place: RawFd| unsafe {
        match &stdio[place as usize] {
            Stdio::Fd(fd) => libc::dup2(fd.as_raw_fd(), place) == place,
            Stdio::Path(path) => libc::dup2(libc::open(path.as_ptr(), flags), place) == place,
            Stdio::Closed => {
                libc::close(place);
                true
            }
        }
    })
}

/// The kernel's own form of a signal's disposition: the C library hides two signals from its
/// callers, and a host may have left those ignored.
#[repr(C)]
struct KernelAction {
    handler: usize,
    flags: libc::c_ulong,
    restorer: usize,
    mask: u64,
}

/// Safety: changes the dispositions of the calling process, which is a forked child.
unsafe fn set_signals(ignored: &[i32], blocked: &[i32]) {
    let set = std::mem::size_of::<u64>();
    for signal in SIGNALS {
        let handler = if ignored.contains(&signal) { libc::SIG_IGN } else { libc::SIG_DFL };
        let action = KernelAction { handler, flags: 0, restorer: 0, mask: 0 };
        let none = ptr::null_mut::<KernelAction>();
        unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, &action, none, set) };
    }
    let mask = blocked.iter().fold(0, |mask, signal| mask | 1_u64 << (signal - 1));
    let none = ptr::null_mut::<u64>();
    unsafe { libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &mask, none, set) };
}

/// Refuses what no namespace confines: /proc/swaps is the host's everywhere, and the built-in
/// inittab ends with `swapoff -a`.
///
/// Safety: changes the calling process, which is a forked child.
unsafe fn protect_host() -> bool {
    let step = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
    let refuse = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
    let mut filter = [
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 2, 0, libc::SYS_swapoff as u32),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, 0, libc::SYS_swapon as u32),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, refuse),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    let mode = libc::SECCOMP_MODE_FILTER;
    unsafe { libc::prctl(libc::PR_SET_SECCOMP, mode, &program) == 0 }
}

/// Gives the calling thread, and what it starts, a mount namespace of its own, and the usual file
/// mode mask for what is made there: other users are to reach that. Its descriptors become its own
/// as well, of which it has none yet: no child of another thread holds a copy of what this one has
/// open, and has closed.
pub fn own_mounts() -> io::Result<()> {
    // Safety: plain numbers; the calls change the calling thread only, which has not opened any
    // descriptor past the standard ones.
    check(unsafe { libc::unshare(libc::CLONE_NEWNS) })?;
    let own = libc::CLOSE_RANGE_UNSHARE;
    // Safety: as before. Where the kernel is too old for it, threads share them.
    unsafe { libc::syscall(libc::SYS_close_range, PAST_STDIO, u32::MAX, own) };
    // Safety: as before; the mask is the thread's own since it has mounts of its own.
    unsafe { libc::umask(0o022) };
    // Safety: all strings are valid for the call.
    check(unsafe { mount_c(c"none", c"/", c"", libc::MS_REC | libc::MS_PRIVATE, c"") })
}

/// Mounts a file system of the given kind.
pub fn mount(kind: &CStr, target: &Path, options: &CStr) -> io::Result<()> {
    // Safety: all strings are valid for the call.
    check(unsafe { mount_c(kind, &c_path(target), kind, 0, options) })
}

/// Gives a mounted file system other options.
pub fn remount(target: &Path, options: &CStr) -> io::Result<()> {
    // Safety: all strings are valid for the call.
    check(unsafe { mount_c(c"none", &c_path(target), c"", libc::MS_REMOUNT, options) })
}

/// Shows a folder or a file of the host at another place as well, to be read only.
pub fn bind(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (c_path(from), c_path(to));
    // Safety: all strings are valid for the call.
    check(unsafe { mount_c(&from, &to, c"", libc::MS_BIND, c"") })?;
    let flags = libc::MS_BIND | libc::MS_REMOUNT | libc::MS_RDONLY;
    // Safety: all strings are valid for the call.
    check(unsafe { mount_c(c"none", &to, c"", flags, c"") })
}

/// Safety: none beyond valid strings, which the types give; mount(2) is async-signal-safe.
unsafe fn mount_c(
    source: &CStr,
    target: &CStr,
    kind: &CStr,
    flags: libc::c_ulong,
    options: &CStr,
) -> i32 {
    let (source, target, kind) = (source.as_ptr(), target.as_ptr(), kind.as_ptr());
    unsafe { libc::mount(source, target, kind, flags, options.as_ptr().cast()) }
}

/// Detaches a mount with everything below it.
pub fn unmount(target: &Path) -> io::Result<()> {
    // Safety: the string is valid for the call.
    check(unsafe { libc::umount2(c_path(target).as_ptr(), libc::MNT_DETACH) })
}

/// Makes a character device node.
pub fn device(path: &Path, major: u32, minor: u32) -> io::Result<()> {
    let mode = libc::S_IFCHR | 0o666;
    // Safety: the string is valid for the call.
    check(unsafe { libc::mknod(c_path(path).as_ptr(), mode, libc::makedev(major, minor)) })
}

/// Makes a named pipe.
pub fn fifo(path: &Path) -> io::Result<()> {
    // Safety: the string is valid for the call.
    check(unsafe { libc::mkfifo(c_path(path).as_ptr(), 0o666) })
}

/// The reading and the writing end of a pipe, both closed on exec.
pub fn pipe() -> io::Result<(File, OwnedFd)> {
    let mut ends = [0; 2];
    // Safety: the array has room for both descriptors, which are then owned once.
    unsafe {
        check(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC))?;
        Ok((File::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}

/// The same under the lowest free number from this one on, closed on exec.
fn lifted(fd: BorrowedFd<'_>, from: RawFd) -> io::Result<OwnedFd> {
    // Safety: the descriptor is open; the result is owned once.
    unsafe {
        let fd = libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, from);
        check(fd)?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// A file in memory, closed on exec.
pub fn memory_file(name: &CStr) -> io::Result<OwnedFd> {
    // Safety: the string is valid for the call; the result is owned once.
    unsafe {
        let fd = libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC);
        check(fd)?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// Hands a program a descriptor at a number of its choice.
pub fn hand(command: &mut Command, fd: BorrowedFd<'_>, at: RawFd) {
    let fd = fd.as_raw_fd();
    // Safety: the child calls dup2 and fcntl alone, which are async-signal-safe, on a descriptor
    // that the caller keeps open until the child is there.
    unsafe {
        command.pre_exec(move || {
            check(libc::dup2(fd, at))?;
            // Where it has that number already, dup2 leaves it as it is, closed on exec.
            check(libc::fcntl(at, libc::F_SETFD, 0))
        });
    }
}

/// Starts a program with the dispositions of signals that the kernel gives its own init: whoever
/// runs the tests may have had some ignored, and a shell cannot trap those.
pub fn with_plain_signals(command: &mut Command) -> &mut Command {
    // Safety: the child makes async-signal-safe calls alone.
    unsafe {
        command.pre_exec(|| {
            set_signals(&[], &[]);
            Ok(())
        })
    }
}

/// Sets or clears O_NONBLOCK on an open file, for everybody who shares it.
pub fn nonblocking(fd: BorrowedFd<'_>, on: bool) {
    let fd = fd.as_raw_fd();
    // Safety: the descriptor is open for the whole of both calls.
    unsafe {
        let flags = libc::fcntl(fd, libc::F_GETFL);
        let flags = if on { flags | libc::O_NONBLOCK } else { flags & !libc::O_NONBLOCK };
        libc::fcntl(fd, libc::F_SETFL, flags);
    }
}

/// Sends a signal.
pub fn kill(pid: i32, signal: i32) -> io::Result<()> {
    // Safety: plain numbers.
    check(unsafe { libc::kill(pid, signal) })
}

/// A descriptor that becomes readable when the process has ended.
pub fn pidfd(pid: i32) -> io::Result<OwnedFd> {
    // Safety: plain numbers; the result is owned once.
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, pid, 0) as RawFd;
        check(fd)?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// Whether the descriptor became readable in time.
pub fn readable(fd: BorrowedFd<'_>, within: Duration) -> bool {
    let mut poll = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let millis = within.as_millis().min(i32::MAX as u128) as i32;
    // Safety: one entry that lives for the call.
    unsafe { libc::poll(&mut poll, 1, millis) > 0 }
}

/// Waits for a child and gives its raw wait status.
pub fn wait_for_pid(pid: i32) -> io::Result<i32> {
    let mut status = 0;
    // Safety: the status lives for the call.
    check(unsafe { libc::waitpid(pid, &mut status, 0) })?;
    Ok(status)
}

/// The caller's effective user.
pub fn effective_uid() -> u32 {
    // Safety: the call has no arguments and cannot fail.
    unsafe { libc::geteuid() }
}

fn c_path(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).expect("a path holds no NUL byte")
}

pub fn check(result: i32) -> io::Result<()> {
    if result == -1 { Err(Error::last_os_error()) } else { Ok(()) }
}
