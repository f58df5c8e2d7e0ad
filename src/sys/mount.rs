//! The file systems of the kernel itself at the beginning, and every other one at the end.

use core::ffi::CStr;

use pidone::wire::mounts::{self, Fate};
use rustix::fs::{Mode, mkdir, stat, symlink};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};

use super::fd::{self, Fd};
use super::start::c_str;

/// One mount of the beginning.
struct Early {
    target: &'static CStr,
    /// A folder on the file system that the target is on while nothing is mounted there.
    parent: &'static CStr,
    fs: &'static CStr,
    flags: MountFlags,
    data: &'static CStr,
}

const SAFE: MountFlags = MountFlags::NOSUID.union(MountFlags::NOEXEC);
const SAFEST: MountFlags = SAFE.union(MountFlags::NODEV);
const NO_SUID_DEV: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV);

/// In this order, since the later ones lie on the earlier. Group 5 is tty wherever BusyBox is.
const EARLY: [Early; 6] = [
    Early { target: c"/proc", parent: c"/", fs: c"proc", flags: SAFEST, data: c"" },
    Early { target: c"/sys", parent: c"/", fs: c"sysfs", flags: SAFEST, data: c"" },
    Early { target: c"/dev", parent: c"/", fs: c"devtmpfs", flags: MountFlags::NOSUID, data: c"" },
    Early {
        target: c"/dev/pts",
        parent: c"/dev",
        fs: c"devpts",
        flags: SAFE,
        data: c"gid=5,mode=620,ptmxmode=666",
    },
    Early {
        target: c"/dev/shm",
        parent: c"/dev",
        fs: c"tmpfs",
        flags: NO_SUID_DEV,
        data: c"mode=1777",
    },
    Early { target: c"/run", parent: c"/", fs: c"tmpfs", flags: NO_SUID_DEV, data: c"mode=755" },
];

/// Links that programs expect in /dev, and where they lead.
const LINKS: [(&CStr, &CStr); 4] = [
    (c"/proc/self/fd", c"/dev/fd"),
    (c"/proc/self/fd/0", c"/dev/stdin"),
    (c"/proc/self/fd/1", c"/dev/stdout"),
    (c"/proc/self/fd/2", c"/dev/stderr"),
];

/// Mounts what is not mounted where there is a folder for it, and tells what failed.
pub fn early(mut trouble: impl FnMut(&CStr, u16)) {
    for entry in &EARLY {
        if !is_bare(entry) {
            continue;
        }
        match put(entry) {
            Ok(()) if entry.target == c"/dev" => furnish(),
            // A container whose engine has done all this does not let us.
            Ok(()) | Err(Errno::BUSY | Errno::PERM) => {}
            Err(error) => trouble(entry.target, error.raw_os_error() as u16),
        }
    }
}

fn put(entry: &Early) -> Result<(), Errno> {
    mount(entry.fs, entry.target, entry.fs, entry.flags, Some(entry.data))
}

/// Whether there is a folder with nothing mounted on it.
fn is_bare(entry: &Early) -> bool {
    let (target, parent) = (identity(entry.target), identity(entry.parent));
    target.zip(parent).is_some_and(|(target, parent)| target.0 == parent.0)
}

/// The device that a file is on, and its number there.
fn identity(path: &CStr) -> Option<(u64, u64)> {
    stat(path).ok().map(|stat| (stat.st_dev, stat.st_ino))
}

/// What a new devtmpfs lacks.
fn furnish() {
    for folder in [c"/dev/pts", c"/dev/shm"] {
        let _ = mkdir(folder, Mode::from_raw_mode(0o755));
    }
    for (target, link) in &LINKS {
        let _ = symlink(*target, *link);
    }
}

/// The number by which the first process namespace of a machine is known, PROC_PID_INIT_INO.
const FIRST_NAMESPACE: u64 = 0xefff_fffc;

/// Whether the machine's file systems are ours: in a namespace below they may be somebody else's.
/// A shutdown line that unmounted everything may have taken /proc along, so it is brought back.
pub fn is_machine() -> bool {
    if let Some(proc) = EARLY.first().filter(|proc| is_bare(proc)) {
        let _ = put(proc);
    }
    identity(c"/proc/self/ns/pid").is_some_and(|(_, number)| number == FIRST_NAMESPACE)
}

/// Passes over the mounts: each one unmounts what was mounted last, and a mount that held another
/// one goes in the pass after it.
const PASSES: usize = 8;

/// Room for /proc/mounts, in bytes; on the stack of a child that does nothing else.
const LIST_MAX: usize = 32 * 1024;

/// Unmounts what is left, or makes it read-only.
pub fn unmount_all() {
    let mut list = [0u8; LIST_MAX];
    for _ in 0..PASSES {
        if !pass(&mut list, unmount_one) {
            break;
        }
    }
    pass(&mut list, make_read_only);
}

fn unmount_one(target: &CStr, fate: Fate) -> bool {
    fate == Fate::Unmount && unmount(target, UnmountFlags::empty()).is_ok()
}

fn make_read_only(target: &CStr, _: Fate) -> bool {
    mount_remount(target, MountFlags::RDONLY, c"").is_ok()
}

/// Goes over the mounts from the last to the first; whether anything was done.
fn pass(list: &mut [u8; LIST_MAX], act: fn(&CStr, Fate) -> bool) -> bool {
    let mut acted = false;
    let len = read_list(list);
    let lines = list.get(..len).unwrap_or(&[]).rsplit(|&b| b == b'\n');
    for mount in lines.filter_map(mounts::parse) {
        let fate = mounts::fate(mount);
        let mut path = [0u8; 1024];
        if fate == Fate::Leave {
            continue;
        }
        if let Some(path) = mounts::unescape(mount.target, &mut path).and_then(c_str) {
            acted |= act(path, fate);
        }
    }
    acted
}

fn read_list(list: &mut [u8; LIST_MAX]) -> usize {
    let mut len = 0;
    let Ok(mounts) = Fd::open(c"/proc/mounts", fd::READ | fd::CLOSE_ON_EXEC) else {
        return 0;
    };
    while let Some(rest) = list.get_mut(len..).filter(|rest| !rest.is_empty()) {
        match fd::read(mounts.raw(), rest) {
            Ok(0) | Err(_) => break,
            Ok(count) => len += count as usize,
        }
    }
    len
}
