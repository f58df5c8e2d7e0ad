//! Descriptors of our own. rustix has a type for them, but without the standard library that type
//! asserts on every descriptor it is given, and an assertion is a way to panic.

use core::ffi::CStr;

use pidone::wire::names::before;
use pidone::wire::value;
use syscalls::{Sysno, raw_syscall};

use super::kernel::{Result, is_fine, outcome, own_pid};

/// Open for reading.
pub const READ: u32 = 0;
/// Open for writing.
pub const WRITE: u32 = 1;
/// Open for both.
pub const READ_WRITE: u32 = 2;
/// Do not become the controlling terminal.
pub const NO_CONTROL: u32 = 0o400;
/// Do not wait.
pub const NO_WAIT: u32 = 0o4000;
/// Write at the end.
pub const APPEND: u32 = 0o2000;
/// Only folders.
pub const FOLDER: u32 = 0o200_000;
/// Gone at the execve.
pub const CLOSE_ON_EXEC: u32 = 0o2_000_000;

/// How text is read of a file that may be anything else: it holds nobody, and if it is a terminal,
/// that does not come to send us its signals.
pub const TEXT: u32 = READ | NO_WAIT | NO_CONTROL | CLOSE_ON_EXEC;

/// A descriptor, closed when it is dropped. One that could not be opened holds the error number
/// below zero instead, so that whatever is tried with it fails with EBADF and does no harm.
#[repr(transparent)]
pub struct Fd(i32);

impl Fd {
    /// Nothing that is open.
    pub const NONE: Fd = Fd(-1);

    /// Opens a file.
    pub fn open(path: &CStr, flags: u32) -> Fd {
        // SAFETY: the kernel reads a string.
        Fd(unsafe { raw_syscall!(Sysno::open, path.as_ptr(), flags) } as i32)
    }

    /// Takes over a number that somebody else opened for us.
    pub const fn adopt(number: i32) -> Fd {
        Fd(number)
    }

    /// Makes a file anew, for the owner to write to and for all to read.
    pub fn create(path: &CStr) -> Fd {
        const CREATE_TRUNCATE: u32 = 0o100 | 0o1000;
        const NO_FOLLOW: u32 = 0o400_000;
        let flags = WRITE | CREATE_TRUNCATE | NO_FOLLOW | CLOSE_ON_EXEC;
        // SAFETY: the kernel reads a string.
        Fd(unsafe { raw_syscall!(Sysno::open, path.as_ptr(), flags, 0o644) } as i32)
    }

    /// What a call that opens something returned.
    pub fn from_call(returned: usize) -> Fd {
        Fd(returned as i32)
    }

    /// Opens another file where this one could not be opened.
    pub fn or_open(self, path: &CStr, flags: u32) -> Fd {
        if self.is_open() { self } else { Fd::open(path, flags) }
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.0 >= 0
    }

    /// The number, or why it could not be opened.
    pub fn opened(&self) -> Result<u32> {
        outcome(self.0 as usize)
    }

    /// Its number.
    pub fn raw(&self) -> i32 {
        self.0
    }

    /// Keeps it open for the rest of the life of this program.
    pub fn keep(self) {
        core::mem::forget(self);
    }

    /// Has SIGIO sent to us when it has news.
    pub fn signal_on_news(&self) -> bool {
        const F_SETFL: usize = 4;
        const F_SETOWN: usize = 8;
        const O_ASYNC: u32 = 0o20000;
        // SAFETY: both commands of fcntl take numbers.
        unsafe {
            is_fine(raw_syscall!(Sysno::fcntl, self.0, F_SETOWN, own_pid()))
                && is_fine(raw_syscall!(Sysno::fcntl, self.0, F_SETFL, NO_WAIT | O_ASYNC))
        }
    }

    /// A watch over folders, see inotify(7).
    pub fn inotify() -> Fd {
        // SAFETY: inotify_init1 takes flags.
        Fd::from_call(unsafe { raw_syscall!(Sysno::inotify_init1, NO_WAIT | CLOSE_ON_EXEC) })
    }

    /// The same for whoever may wait for it.
    pub fn inotify_waiting() -> Fd {
        // SAFETY: inotify_init1 takes flags.
        Fd(unsafe { raw_syscall!(Sysno::inotify_init1, CLOSE_ON_EXEC) } as i32)
    }

    /// Watches one more folder for what comes into it.
    pub fn watch(&self, folder: &CStr) -> bool {
        const ATTRIB_MOVED_TO_CREATE: usize = 0x4 | 0x80 | 0x100;
        self.watch_for(folder, ATTRIB_MOVED_TO_CREATE)
    }

    /// Watches a file for what is written to it, or what the kernel says to be new in it.
    pub fn watch_file(&self, file: &CStr) -> bool {
        const MODIFY: usize = 0x2;
        self.watch_for(file, MODIFY)
    }

    fn watch_for(&self, path: &CStr, events: usize) -> bool {
        let fd = self.0;
        // SAFETY: the kernel reads a string.
        is_fine(unsafe { raw_syscall!(Sysno::inotify_add_watch, fd, path.as_ptr(), events) })
    }

    /// Makes the file behind it root's own, with a mode.
    pub fn own(&self, mode: u32) {
        // SAFETY: fchown and fchmod take numbers.
        unsafe {
            raw_syscall!(Sysno::fchown, self.0, 0, 0);
            raw_syscall!(Sysno::fchmod, self.0, mode);
        }
    }

    /// A socket of IPv4 to ask about interfaces.
    pub fn internet() -> Fd {
        const AF_INET: usize = 2;
        const SOCK_DGRAM: u32 = 2;
        // SAFETY: socket takes numbers.
        Fd(unsafe { raw_syscall!(Sysno::socket, AF_INET, SOCK_DGRAM | CLOSE_ON_EXEC, 0) } as i32)
    }

    /// A socket that sends datagrams to /dev/log, see unix(7), or why there is none.
    pub fn syslog() -> Fd {
        let fd = Fd::datagrams();
        let (address, size) = (&raw const SYSLOGD, size_of::<Address>());
        // SAFETY: the kernel reads an address of that size.
        let connected = unsafe { raw_syscall!(Sysno::connect, fd.0, address, size) };
        if is_fine(connected) { fd } else { Fd::from_call(connected) }
    }

    /// A socket that takes what is sent to /dev/log, or why there is none.
    pub fn syslogd() -> Result<Fd> {
        let fd = Fd::datagrams();
        let (address, size) = (&raw const SYSLOGD, size_of::<Address>());
        // SAFETY: the kernel reads an address of that size.
        outcome(unsafe { raw_syscall!(Sysno::bind, fd.0, address, size) }).map(|_| fd)
    }

    /// A socket for datagrams between processes of this machine.
    pub fn datagrams() -> Fd {
        const SOCK_DGRAM: u32 = 2;
        let kind = SOCK_DGRAM | NO_WAIT | CLOSE_ON_EXEC;
        // SAFETY: socket takes numbers.
        Fd(unsafe { raw_syscall!(Sysno::socket, AF_UNIX, kind, 0) } as i32)
    }
}

/// The family of sockets between processes of one machine.
pub const AF_UNIX: u16 = 1;
static SYSLOGD: Address = Address { family: AF_UNIX, path: *b"/dev/log\0" };

/// The head of the kernel's struct sockaddr_un, as long as it has to be.
#[repr(C)]
struct Address {
    family: u16,
    path: [u8; 9],
}

impl Drop for Fd {
    fn drop(&mut self) {
        // SAFETY: nobody else holds the number, if it is one.
        unsafe { raw_syscall!(Sysno::close, self.0) };
    }
}

/// Opens a pipe: the end to read from and the end to write to.
pub fn pipe() -> Result<(Fd, Fd)> {
    let mut ends = [Fd::NONE, Fd::NONE];
    // SAFETY: the kernel writes two numbers of 32 bits.
    outcome(unsafe { raw_syscall!(Sysno::pipe2, ends.as_mut_ptr(), CLOSE_ON_EXEC) })?;
    let [read, write] = ends;
    Ok((read, write))
}

/// Reads what is there.
pub fn read(fd: i32, into: &mut [u8]) -> Result<u32> {
    // SAFETY: the kernel writes at most that many bytes.
    outcome(unsafe { raw_syscall!(Sysno::read, fd, into.as_mut_ptr(), into.len()) })
}

/// Reads a file into a buffer: all of it, or as much as there is room for, or nothing.
pub fn load<'a>(path: &CStr, room: &'a mut [u8]) -> &'a mut [u8] {
    gather(path, Sysno::read, room)
}

/// The same for the names that a folder holds, as getdents(2) gives them.
pub fn list<'a>(path: &CStr, room: &'a mut [u8]) -> &'a mut [u8] {
    gather(path, Sysno::getdents64, room)
}

#[inline(never)] // It is one for both.
fn gather<'a>(path: &CStr, call: Sysno, room: &'a mut [u8]) -> &'a mut [u8] {
    let mut len = 0;
    let file = Fd::open(path, TEXT);
    while let Some(rest) = room.get_mut(len..) {
        // SAFETY: both calls write at most as many bytes as there is room for.
        let got = unsafe { raw_syscall!(call, file.raw(), rest.as_mut_ptr(), rest.len()) };
        let Ok(count @ 1..) = outcome(got) else { break };
        len += count as usize;
    }
    room.get_mut(..len).unwrap_or(&mut [])
}

/// Where a link leads to; nothing where it cannot be read. A path that is longer
/// than the room is cut.
pub fn target<'a>(link: &CStr, room: &'a mut [u8]) -> &'a [u8] {
    let (to, len) = (room.as_mut_ptr(), room.len());
    // SAFETY: the kernel reads a string and writes at most that many bytes.
    let got = outcome(unsafe { raw_syscall!(Sysno::readlink, link.as_ptr(), to, len) });
    let len = got.map_or(0, |len| len as usize);
    room.get(..len).unwrap_or(&[])
}

/// Reads the next entries of a folder, see getdents(2).
pub fn entries(folder: &Fd, into: &mut [u8]) -> Result<u32> {
    // SAFETY: the kernel writes at most that many bytes.
    outcome(unsafe { raw_syscall!(Sysno::getdents64, folder.0, into.as_mut_ptr(), into.len()) })
}

/// Closes what /proc lists as open, but the standard descriptors and two others: Linux before 5.9
/// has no close_range(2), and filters of system calls may refuse what they do not know.
#[cold]
#[inline(never)]
pub fn close_listed_but(keep: [i32; 2]) {
    let list = Fd::open(c"/proc/self/fd", READ | FOLDER | CLOSE_ON_EXEC);
    let mut room = [0u8; 1024];
    while let Ok(count @ 1..) = entries(&list, &mut room) {
        let mut rest = room.get(..count as usize).unwrap_or(&[]);
        while let Some(name) = next_entry(&mut rest) {
            let number = value::number(name).map_or(-1, |number| number as i32);
            if number > 2 && number != list.0 && !keep.contains(&number) {
                drop(Fd(number));
            }
        }
    }
}

/// Takes one entry off the front: its name.
pub fn next_entry<'a>(entries: &mut &'a [u8]) -> Option<&'a [u8]> {
    // struct linux_dirent64: inode and offset of eight bytes each, the length of the entry in two,
    // a type of one, and the name up to a NUL.
    const LENGTH: usize = 16;
    const NAME: usize = 19;
    let length = entries.get(LENGTH..)?.first_chunk::<2>()?;
    let (entry, rest) = entries.split_at_checked(u16::from_ne_bytes(*length).into())?;
    *entries = rest;
    Some(before(entry.get(NAME..)?, 0))
}

/// Writes.
pub fn write(fd: i32, bytes: &[u8]) -> Result<u32> {
    // SAFETY: the kernel reads that many bytes.
    outcome(unsafe { raw_syscall!(Sysno::write, fd, bytes.as_ptr(), bytes.len()) })
}

/// Sends a message to syslog, if that takes it at once.
#[inline(never)] // There are too many callers for copies.
pub fn log(message: &[u8]) {
    let _ = send(Fd::syslog().raw(), message);
}

/// Sends on a socket without waiting.
pub fn send(fd: i32, bytes: &[u8]) -> Result<u32> {
    const DONTWAIT_NOSIGNAL: usize = 0x40 | 0x4000;
    let (pointer, len) = (bytes.as_ptr(), bytes.len());
    // SAFETY: the kernel reads that many bytes.
    outcome(unsafe { raw_syscall!(Sysno::sendto, fd, pointer, len, DONTWAIT_NOSIGNAL, 0, 0) })
}

/// Takes a datagram without waiting; how long it was, which may be more than there was room for.
pub fn receive(fd: &Fd, into: &mut [u8]) -> Result<u32> {
    const DONTWAIT_TRUNC: usize = 0x40 | 0x20;
    let (pointer, len) = (into.as_mut_ptr(), into.len());
    // SAFETY: the kernel writes at most that many bytes.
    outcome(unsafe { raw_syscall!(Sysno::recvfrom, fd.0, pointer, len, DONTWAIT_TRUNC, 0, 0) })
}

/// Whether a descriptor has a place that is read and written at, as files have.
pub fn has_place(fd: i32) -> bool {
    const SEEK_CUR: usize = 1;
    // SAFETY: lseek takes numbers, and goes nowhere here.
    is_fine(unsafe { raw_syscall!(Sysno::lseek, fd, 0, SEEK_CUR) })
}

/// Whether a descriptor takes something now without waiting.
pub fn takes_more(fd: i32) -> bool {
    const POLLOUT: u16 = 4;
    let mut asked = [fd as u32, u32::from(POLLOUT)];
    // SAFETY: the kernel reads one pollfd, an int and two shorts, and writes the second short.
    let ready = unsafe { raw_syscall!(Sysno::poll, asked.as_mut_ptr(), 1, 0) };
    is_fine(ready) && ready > 0
}

/// A second descriptor, not a standard one, for what a number stands for; gone at the execve.
pub fn copy(number: i32) -> Fd {
    const F_DUPFD_CLOEXEC: usize = 1030;
    // SAFETY: F_DUPFD_CLOEXEC takes numbers.
    Fd(unsafe { raw_syscall!(Sysno::fcntl, number, F_DUPFD_CLOEXEC, 3) } as i32)
}

/// Puts a descriptor in the place of a standard one, without close-on-exec.
pub fn place(fd: &Fd, standard: i32) {
    // SAFETY: dup2 takes two numbers; what it replaces is a standard descriptor, which no `Fd`
    // owns.
    unsafe { raw_syscall!(Sysno::dup2, fd.0, standard) };
}

/// Puts a descriptor in the place of so many standard ones, and has them wait.
#[inline(never)] // There are two callers.
pub fn place_first(fd: &Fd, ends: i32) {
    set_waiting(fd);
    for number in 0..ends {
        place(fd, number);
    }
}

/// Puts a descriptor in the place of a standard one, as a log is written: at its end, and waiting.
pub fn place_log(fd: &Fd, standard: i32) {
    const F_SETFL: usize = 4;
    // SAFETY: F_SETFL takes numbers alone.
    unsafe { raw_syscall!(Sysno::fcntl, fd.0, F_SETFL, APPEND) };
    place(fd, standard);
}

/// Puts a descriptor at a number, where it stays open at the execve.
pub fn pass_on(fd: i32, number: i32) {
    const F_SETFD: usize = 2;
    // SAFETY: both calls take numbers; this is a child, whose descriptors nobody else owns.
    unsafe {
        raw_syscall!(Sysno::dup2, fd, number);
        raw_syscall!(Sysno::fcntl, number, F_SETFD, 0);
    }
}

/// Whether nothing is open at a number.
pub fn is_closed(number: i32) -> bool {
    const F_GETFD: usize = 1;
    // SAFETY: F_GETFD takes numbers alone.
    !is_fine(unsafe { raw_syscall!(Sysno::fcntl, number, F_GETFD) })
}

/// Makes reads and writes of a descriptor wait.
pub fn set_waiting(fd: &Fd) {
    const F_SETFL: usize = 4;
    // SAFETY: F_SETFL takes numbers alone.
    unsafe { raw_syscall!(Sysno::fcntl, fd.0, F_SETFL, 0) };
}
