//! A file with the number of a process, and a lock on it that the process holds: the lock is the
//! truth. The kernel says who holds it, so that a number that somebody else got later, or that
//! somebody else wrote there, fools nobody.

use pidone::machine::Pid;
use pidone::wire::errno::{EACCES, EAGAIN, EINVAL, EPERM, ESRCH};
use pidone::wire::signals::Signal;
use pidone::wire::text::Line;
use syscalls::{Sysno, raw_syscall};

use super::fd::{self, Fd};
use super::files::{self, CREATE};
use super::kernel::{self, Result, outcome};
use super::start::c_str;
use super::stream::{Whence, seek, truncate};

/// A file that is open.
pub struct PidFile(Fd);

/// How it is with the lock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// We hold it.
    Ours,
    /// Nobody holds it.
    Free,
    /// This process does; one that our namespace does not know is 0.
    Held(Pid),
}

/// The kernel's struct flock.
#[repr(C)]
struct Region {
    kind: u16,
    whence: u16,
    start: i64,
    len: i64,
    pid: i32,
}

const WRITE_LOCK: u16 = 1;
const FREE: u16 = 2;

impl PidFile {
    /// Opens a file that is there.
    pub fn open(path: &[u8]) -> Result<PidFile> {
        let file = files::open(path, fd::READ, 0)?;
        if files::stat(&file)?.is_plain() { Ok(PidFile(file)) } else { Err(EINVAL) }
    }

    /// Makes the file or takes it over, unless somebody else holds the lock. It has to be ours
    /// alone: whoever can write to it could have us believe anything.
    pub fn take(path: &[u8]) -> Result<(PidFile, Lock)> {
        loop {
            let file = PidFile(files::open(path, fd::READ_WRITE | CREATE, 0o644)?);
            let about = files::stat(&file.0)?;
            if !about.is_plain() || about.owner != kernel::own_user() || about.links > 1 {
                return Err(EPERM);
            }
            let lock = file.lock()?;
            // Whoever held the lock may have removed the file before we got it.
            if matches!(lock, Lock::Held(_)) || files::stat(&file.0)?.links == 1 {
                return Ok((file, lock));
            }
        }
    }

    fn lock(&self) -> Result<Lock> {
        const F_SETLK: usize = 6;
        let region = Region { kind: WRITE_LOCK, whence: 0, start: 0, len: 0, pid: 0 };
        // SAFETY: the kernel reads one region.
        match outcome(unsafe {
            raw_syscall!(Sysno::fcntl, self.0.raw(), F_SETLK, &raw const region)
        }) {
            Ok(_) => Ok(Lock::Ours),
            Err(EACCES | EAGAIN) => self.look(),
            Err(errno) => Err(errno),
        }
    }

    /// Who holds the lock, besides us.
    pub fn look(&self) -> Result<Lock> {
        const F_GETLK: usize = 5;
        let mut region = Region { kind: WRITE_LOCK, whence: 0, start: 0, len: 0, pid: 0 };
        // SAFETY: the kernel reads and writes one region.
        outcome(unsafe { raw_syscall!(Sysno::fcntl, self.0.raw(), F_GETLK, &raw mut region) })?;
        Ok(if region.kind == FREE { Lock::Free } else { Lock::Held(Pid(region.pid)) })
    }

    /// Writes a number. At no time is there none.
    pub fn write(&self, pid: Pid) {
        let mut line = Line::new();
        line.number(pid.0 as u64).put(b"\n");
        let _ = seek(&self.0, 0, Whence::Begin);
        let _ = fd::write(self.0.raw(), line.as_bytes());
        let _ = truncate(&self.0, line.as_bytes().len() as u64);
    }

    /// Removes the file. Whoever does it holds the lock.
    pub fn remove(&self, path: &[u8]) {
        if let Some(path) = c_str(path) {
            // SAFETY: the kernel reads a string.
            unsafe { raw_syscall!(Sysno::unlink, path.as_ptr()) };
        }
    }

    /// A descriptor for the process that holds the lock, which stays that process's even where its
    /// number goes to another one.
    pub fn holder(&self, pid: Pid) -> Result<Fd> {
        // SAFETY: pidfd_open takes numbers.
        let process = Fd::from_call(unsafe { raw_syscall!(Sysno::pidfd_open, pid.0, 0) });
        process.opened()?;
        // Between the look and the opening it may have ended.
        if self.look()? == Lock::Held(pid) { Ok(process) } else { Err(ESRCH) }
    }
}

/// Sends a signal to the process that a descriptor is for.
pub fn signal(process: &Fd, signal: Signal) -> Result<u32> {
    let (fd, number) = (process.raw(), signal.0);
    // SAFETY: pidfd_send_signal takes numbers, and null for what goes along.
    outcome(unsafe { raw_syscall!(Sysno::pidfd_send_signal, fd, number, 0, 0) })
}
