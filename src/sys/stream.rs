//! Bytes on their way from a pipe to a log, without a moment at which they are nowhere.

use core::ffi::CStr;

use pidone::machine::spool::{Spool, TEXT_AT};
use syscalls::{Sysno, raw_syscall};

use super::fd::{CLOSE_ON_EXEC, Fd};
use super::files;
use super::kernel::{Result, SignalSet, is_fine, outcome};

/// The number at which whoever starts readers hands over the spool.
const HANDED: i32 = 3;

/// A spool: its file and its first page.
pub struct Store {
    file: Fd,
    /// The first page, which all readers after one another share.
    pub page: &'static mut Spool,
    /// How much text came.
    pub size: u64,
    /// The position of the file.
    pub position: u64,
}

impl Store {
    /// The spool that was handed to us; where none was, a new one, which ends with us.
    pub fn open(is_handed: bool) -> Result<Store> {
        let file = if is_handed { Fd::adopt(HANDED) } else { memory_file(c"spool") };
        let position = seek(&file, 0, Whence::Here)?;
        let mut size = files::stat(&file)?.size;
        if size < TEXT_AT {
            truncate(&file, TEXT_AT)?;
            size = TEXT_AT;
        }
        let page = shared(&file)?;
        Ok(Store { file, page, size: size - TEXT_AT, position: u64::from(position) })
    }

    /// Takes what is in a pipe, and waits for something where there is nothing: how much came, or 0
    /// at its end.
    pub fn take(&mut self, pipe: i32, most: u64) -> Result<u32> {
        let at = self.size + TEXT_AT;
        let (file, no) = (self.file.raw(), 0usize);
        let to = &raw const at;
        // SAFETY: the kernel reads and writes one offset.
        let came = outcome(unsafe { raw_syscall!(Sysno::splice, pipe, no, file, to, most, no) })?;
        self.size += u64::from(came);
        Ok(came)
    }

    /// Reads text that is not dealt with.
    pub fn rest<'a>(&self, room: &'a mut [u8]) -> &'a [u8] {
        let at = self.page.done().wrapping_add(TEXT_AT);
        let (file, to, most) = (self.file.raw(), room.as_mut_ptr(), room.len());
        // SAFETY: the kernel writes at most that many bytes.
        let read = outcome(unsafe { raw_syscall!(Sysno::pread64, file, to, most, at) });
        room.get(..read.unwrap_or(0) as usize).unwrap_or(&[])
    }

    /// Sets the position.
    pub fn seek(&mut self, to: u64) -> Result<()> {
        self.position = u64::from(seek(&self.file, to, Whence::Begin)?);
        Ok(())
    }

    /// Sends so much from the position on, which moves with what was taken.
    pub fn send(&mut self, log: &Fd, most: usize) -> Result<u32> {
        let (to, from) = (log.raw(), self.file.raw());
        // SAFETY: sendfile takes numbers, and null for the offset.
        let sent = outcome(unsafe { raw_syscall!(Sysno::sendfile, to, from, 0, most) })?;
        self.position += u64::from(sent);
        Ok(sent)
    }

    /// Gives the memory back that holds text which is dealt with.
    pub fn free(&self) {
        const KEEP_SIZE_PUNCH_HOLE: usize = 1 | 2;
        let (file, len) = (self.file.raw(), self.page.done() & !(TEXT_AT - 1));
        // SAFETY: fallocate takes numbers; the first page is not among those that go.
        unsafe { raw_syscall!(Sysno::fallocate, file, KEEP_SIZE_PUNCH_HOLE, TEXT_AT, len) };
    }
}

/// What a position counts from.
#[derive(Clone, Copy)]
pub enum Whence {
    /// The beginning.
    Begin = 0,
    /// Where it is.
    Here = 1,
    /// The end.
    End = 2,
}

/// Moves the position of a file; where it is then.
pub fn seek(file: &Fd, by: u64, whence: Whence) -> Result<u32> {
    // SAFETY: lseek takes numbers.
    outcome(unsafe { raw_syscall!(Sysno::lseek, file.raw(), by, whence as usize) })
}

/// Cuts a file, or makes it longer by zeros.
pub fn truncate(file: &Fd, size: u64) -> Result<u32> {
    // SAFETY: ftruncate takes numbers.
    outcome(unsafe { raw_syscall!(Sysno::ftruncate, file.raw(), size) })
}

/// A file in memory, closed at the execve.
pub fn memory_file(name: &CStr) -> Fd {
    // SAFETY: the kernel reads a string; the flag is MFD_CLOEXEC.
    Fd::from_call(unsafe { raw_syscall!(Sysno::memfd_create, name.as_ptr(), 1) })
}

/// The first page of a file, as memory.
fn shared(file: &Fd) -> Result<&'static mut Spool> {
    const PROT_READ_WRITE: usize = 3;
    const MAP_SHARED: usize = 1;
    let (how, of) = (PROT_READ_WRITE, MAP_SHARED);
    // SAFETY: the kernel chooses where the mapping is.
    let page = unsafe { raw_syscall!(Sysno::mmap, 0, TEXT_AT, how, of, file.raw(), 0) };
    if !is_fine(page) {
        return Err(page.wrapping_neg() as u16);
    }
    // SAFETY: a new mapping, never unmapped, of a page that the file has; a spool fits into it and
    // consists of numbers, any of which is valid. One reader has it at a time.
    Ok(unsafe { &mut *(page as *mut Spool) })
}

/// What a descriptor is waited for.
#[repr(C)]
pub struct Poll {
    fd: i32,
    events: u16,
    found: u16,
}

impl Poll {
    /// Until there is something to read, or nothing more will come.
    pub fn input(fd: i32) -> Poll {
        Poll { fd, events: 1, found: 0 }
    }

    /// Until it takes something.
    pub fn output(fd: i32) -> Poll {
        Poll { fd, events: 4, found: 0 }
    }

    /// Whether that has come.
    pub fn is_ready(&self) -> bool {
        self.found != 0
    }
}

/// Waits as [`poll_keeping`] does, with no signal blocked.
pub fn poll(fds: &mut [Poll], millis: i32) -> bool {
    poll_keeping(fds, millis, 0)
}

/// Waits for the first of these, at most so many milliseconds; for ever where that is below 0.
/// Whether something came. A number below 0 stands for nothing to wait for. No signal but those
/// that are kept is blocked while we wait: one that ends us does so even where something comes
/// before we run again.
pub fn poll_keeping(fds: &mut [Poll], millis: i32, kept: SignalSet) -> bool {
    let time = [i64::from(millis) / 1000, i64::from(millis) % 1000 * 1_000_000];
    let time = if millis < 0 { core::ptr::null() } else { time.as_ptr() };
    let (to, count, open) = (fds.as_mut_ptr(), fds.len(), kept);
    // SAFETY: the kernel reads and writes that many entries, and reads a timespec and eight bytes.
    let ready = unsafe { raw_syscall!(Sysno::ppoll, to, count, time, &raw const open, 8) };
    outcome(ready).is_ok_and(|ready| ready > 0)
}

/// A descriptor that can be read while one of these signals waits blocked, see signalfd(2).
pub fn showing(signals: SignalSet) -> Fd {
    let (new, flags) = (usize::MAX, CLOSE_ON_EXEC);
    // SAFETY: the kernel reads eight bytes.
    Fd::from_call(unsafe { raw_syscall!(Sysno::signalfd4, new, &raw const signals, 8, flags) })
}

/// Locks a file until it is closed; not where somebody else has.
pub fn lock(file: &Fd) -> Result<u32> {
    const EX_NB: usize = 2 | 4;
    // SAFETY: flock takes numbers.
    outcome(unsafe { raw_syscall!(Sysno::flock, file.raw(), EX_NB) })
}

/// Gives a file another name; an earlier file of that name is gone.
pub fn rename(from: &CStr, to: &CStr) -> Result<u32> {
    // SAFETY: the kernel reads two strings.
    outcome(unsafe { raw_syscall!(Sysno::rename, from.as_ptr(), to.as_ptr()) })
}
