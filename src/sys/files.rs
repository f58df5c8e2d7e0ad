//! Files by names that are not to be trusted further than the folders they stand in.

use core::ffi::CStr;
use core::mem::MaybeUninit;

use heapless::Vec;
use pidone::wire::errno::{ENAMETOOLONG, ENOENT};
use pidone::wire::names::{begins, take};
use syscalls::{Sysno, raw_syscall};

use super::fd::{self, Fd};
use super::kernel::{self, Result, is_fine, outcome};
use super::start::joined;

/// Make it where it is not there.
pub const CREATE: u32 = 0o100;
/// Do not follow a symbolic link at the end of the name.
const NO_FOLLOW: u32 = 0o400_000;
/// Only as a place to begin at.
const PATH: u32 = 0o10_000_000;

/// Others than the owner may write: a group, or everybody.
const GROUP_WRITES: u32 = 0o20;
const OTHERS_WRITE: u32 = 0o2;

/// The longest name in a folder with its NUL, in bytes: NAME_MAX of limits.h and one more.
const NAME: usize = 256;

/// The head of the kernel's struct stat, and room for the rest of it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Stat {
    /// The device it is on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Names it has.
    pub links: u64,
    /// Kind and permissions.
    pub mode: u32,
    /// Its owner.
    pub owner: u32,
    group: u32,
    spare: u32,
    /// The device that it stands for.
    pub special: u64,
    /// Its size in bytes.
    pub size: u64,
    rest: [u64; 11],
}

impl Stat {
    /// Whether somebody else than root and ourselves may put names into this folder.
    fn is_foreign(&self) -> bool {
        let theirs = self.owner != 0 && self.owner != kernel::own_user();
        let groups = self.mode & GROUP_WRITES != 0 && self.group != 0;
        theirs || groups || self.mode & OTHERS_WRITE != 0
    }

    /// Whether this is an ordinary file.
    pub fn is_plain(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }
}

/// What there is to know of a file, which is followed where it is a link.
#[inline(never)] // There are too many callers for copies.
pub fn look(path: &CStr) -> Option<Stat> {
    let mut stat = MaybeUninit::<Stat>::zeroed();
    // SAFETY: the kernel reads a string and writes one struct stat, 144 bytes.
    let known = is_fine(unsafe { raw_syscall!(Sysno::stat, path.as_ptr(), stat.as_mut_ptr()) });
    // SAFETY: it consists of numbers, and was zeroed before.
    known.then(|| unsafe { stat.assume_init() })
}

/// Whether the name is that of a symbolic link.
pub fn is_link(path: &CStr) -> bool {
    !fd::target(path, &mut [0]).is_empty()
}

/// What there is to know of an open file.
pub fn stat(fd: &Fd) -> Result<Stat> {
    let mut stat = MaybeUninit::<Stat>::zeroed();
    // SAFETY: the kernel writes one struct stat, 144 bytes.
    outcome(unsafe { raw_syscall!(Sysno::fstat, fd.raw(), stat.as_mut_ptr()) })?;
    // SAFETY: it consists of numbers, and was zeroed before.
    Ok(unsafe { stat.assume_init() })
}

/// Opens a file below a folder. It does not become our terminal, does not hold us, and is gone at
/// the execve.
fn open_at(folder: &Fd, name: &CStr, flags: u32, mode: u32) -> Fd {
    let flags = flags | fd::NO_CONTROL | fd::NO_WAIT | fd::CLOSE_ON_EXEC;
    // SAFETY: the kernel reads a string.
    Fd::from_call(unsafe { raw_syscall!(Sysno::openat, folder.raw(), name.as_ptr(), flags, mode) })
}

/// Opens a file by a path, name by name: a symbolic link in a folder to which others may write may
/// be theirs, and is not followed. A service that has its own folder for its log must not have us
/// write what it says to a file of its choice.
pub fn open(path: &[u8], flags: u32, mode: u32) -> Result<Fd> {
    let mut rest = path;
    let begin = if begins(path, b'/') { c"/" } else { c"." };
    let mut folder = Fd::open(begin, PATH | fd::FOLDER | fd::CLOSE_ON_EXEC);
    let mut room = Vec::<u8, NAME>::new();
    loop {
        let name = take(&mut rest, b'/');
        let is_last = rest.iter().all(|&b| b == b'/');
        let Some(name) = joined(&mut room, &[name]) else {
            return Err(ENAMETOOLONG);
        };
        if name.is_empty() {
            if is_last {
                return Err(ENOENT);
            }
            continue;
        }
        let mut how = if is_last { flags } else { PATH | fd::FOLDER };
        if stat(&folder)?.is_foreign() {
            how |= NO_FOLLOW;
        }
        folder = open_at(&folder, name, how, mode);
        folder.opened()?;
        if is_last {
            return Ok(folder);
        }
    }
}
