//! What login does to its terminal, which is standard input. See ioctl_tty(2).

use rustix::fd::BorrowedFd;
use rustix::fs::{fstat, makedev};
use syscalls::{Sysno, raw_syscall};

use pidone::machine::time::Instant;

use super::fd::{self, Fd};
use super::kernel::{self, Result, ioctl, is_fine, outcome};

const TCGETS: u32 = 0x5401;
const TCSETSF: u32 = 0x5404;
const TCSETS: u32 = 0x5402;
const TCFLSH: u32 = 0x540b;
const TIOCSCTTY: u32 = 0x540e;

/// The kernel's struct termios: four words of flags, the discipline, and 19 characters.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Termios {
    input: u32,
    output: u32,
    control: u32,
    local: u32,
    rest: [u8; 20],
}

/// All ways of echo: ECHO, ECHOE, ECHOK, ECHONL.
const ECHO: u32 = 0o10 | 0o20 | 0o40 | 0o100;

fn get() -> Option<Termios> {
    let mut termios = Termios::default();
    // SAFETY: TCGETS writes one kernel termios, 36 bytes.
    unsafe { ioctl(0, TCGETS, &raw mut termios as usize) }.then_some(termios)
}

/// Whether standard input is a terminal.
pub fn is_there() -> bool {
    get().is_some()
}

/// Whether it is /dev/tty or /dev/ptmx. What is done to these files is done to everybody, and their
/// names tell neither securetty nor utmp which terminal it is.
pub fn stands_for_another() -> bool {
    // SAFETY: standard input stays open as long as we live.
    let input = unsafe { BorrowedFd::borrow_raw(0) };
    let of_all = [makedev(5, 0), makedev(5, 2)];
    // What cannot be known may be one of them.
    fstat(input).map_or(true, |found| of_all.contains(&found.st_rdev))
}

/// Makes it the controlling one, if we lead a session that has none.
pub fn take() {
    // SAFETY: TIOCSCTTY takes a number.
    unsafe { ioctl(0, TIOCSCTTY, 0) };
}

/// Throws away what was typed and has not been read.
pub fn forget_input() {
    // SAFETY: TCFLSH takes a number, 0 for input.
    unsafe { ioctl(0, TCFLSH, 0) };
}

/// Echo, turned off until this is dropped. Signals wait as long, so that none of them ends us
/// while nobody sees what is typed.
pub struct Silence {
    before: Termios,
    signals: Fd,
}

impl Silence {
    /// Turns echo off. What was typed before is thrown away if it is to be.
    pub fn begin(forget: bool) -> Silence {
        kernel::set_mask(kernel::OURS);
        let before = get().unwrap_or_default();
        let after = Termios { local: before.local & !ECHO, ..before };
        let how = if forget { TCSETSF } else { TCSETS };
        // SAFETY: both requests read one kernel termios.
        unsafe { ioctl(0, how, &raw const after as usize) };
        Silence { before, signals: signals() }
    }

    /// Waits for input; also ended by a signal that waits.
    pub fn wait(&self, until: Instant) -> Woken {
        wait(self.signals.raw(), until)
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // SAFETY: TCSETS reads one kernel termios.
        unsafe { ioctl(0, TCSETS, &raw const self.before as usize) };
        // A signal that waits acts now: most end us.
        kernel::set_mask(0);
    }
}

/// A descriptor that can be read while a blocked signal waits, see signalfd(2).
fn signals() -> Fd {
    const NO_WAIT_CLOSE_ON_EXEC: u32 = fd::NO_WAIT | fd::CLOSE_ON_EXEC;
    let mask = kernel::OURS;
    // SAFETY: the kernel reads eight bytes.
    let got = unsafe {
        raw_syscall!(Sysno::signalfd4, usize::MAX, &raw const mask, 8, NO_WAIT_CLOSE_ON_EXEC)
    };
    Fd::from_call(got)
}

/// What a wait was ended by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// There is something to read, or the terminal has gone.
    Input,
    /// A signal waits.
    Signal,
    /// The time came.
    Time,
}

#[repr(C)]
struct Poll {
    fd: i32,
    wanted: u16,
    found: u16,
}

const POLLIN: u16 = 1;
const POLLOUT: u16 = 4;

/// Waits until a socket takes more, or until a time.
pub fn wait_to_send(socket: &Fd, until: Instant) {
    let mut poll = Poll { fd: socket.raw(), wanted: POLLOUT, found: 0 };
    let left = until.since(kernel::now());
    // SAFETY: the kernel reads and writes one entry.
    unsafe { raw_syscall!(Sysno::poll, &raw mut poll, 1, left) };
}

/// Waits for input or a time.
pub fn wait_for_input(until: Instant) -> Woken {
    wait(-1, until)
}

fn wait(signals: i32, until: Instant) -> Woken {
    let poll = |fd| Poll { fd, wanted: POLLIN, found: 0 };
    let mut polls = [poll(signals), poll(0)];
    let left = until.since(kernel::now());
    // SAFETY: the kernel reads and writes two entries.
    let got = unsafe { raw_syscall!(Sysno::poll, polls.as_mut_ptr(), 2, left) };
    match polls {
        _ if got == 0 => Woken::Time,
        _ if !is_fine(got) => Woken::Signal,
        [Poll { found: 1.., .. }, _] => Woken::Signal,
        _ => Woken::Input,
    }
}

/// Sleeps.
pub fn sleep(until: Instant) {
    let left = until.since(kernel::now());
    // SAFETY: no entries are read.
    unsafe { raw_syscall!(Sysno::poll, 0, 0, left) };
}

/// Ends us by SIGALRM after so many seconds, unless it is called again; 0 for never.
pub fn end_after(seconds: u32) {
    // SAFETY: alarm takes a number.
    unsafe { raw_syscall!(Sysno::alarm, seconds) };
}

/// Gives the terminal an owner and a mode.
pub fn give(uid: u32, gid: u32, mode: u32) -> Result<u32> {
    // SAFETY: both calls take numbers.
    unsafe {
        outcome(raw_syscall!(Sysno::fchown, 0, uid, gid))?;
        outcome(raw_syscall!(Sysno::fchmod, 0, mode))
    }
}

/// The longest path of a terminal, in bytes: names below /dev are short.
pub const PATH_MAX: usize = 128;

/// The path of the terminal, as the kernel knows it; nothing without /proc.
pub fn path(room: &mut [u8; PATH_MAX]) -> &[u8] {
    let (link, to, len) = (c"/proc/self/fd/0".as_ptr(), room.as_mut_ptr(), room.len());
    // SAFETY: the kernel reads a string and writes at most that many bytes.
    let got = outcome(unsafe { raw_syscall!(Sysno::readlink, link, to, len) });
    let len = got.ok().filter(|&len| len < PATH_MAX as u32).unwrap_or(0);
    room.get(..len as usize).unwrap_or(&[])
}
