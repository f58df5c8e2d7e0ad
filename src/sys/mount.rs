//! The file systems of the kernel itself at the beginning, and every other one at the end.

use core::ffi::CStr;

use pidone::wire::errno;
use pidone::wire::fstab::{self, How, Line};
use pidone::wire::mounts::{self, Fate};
use pidone::wire::names::take;
use rustix::fs::{Mode, mkdir, symlink};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};

use super::fd::{self, Fd};
use super::files;
use super::kernel;
use super::start::c_str;

/// One mount of the beginning.
struct Early<'a> {
    fs: &'static CStr,
    target: &'a CStr,
    /// A folder on the file system that the target is on while nothing is mounted there.
    parent: &'static CStr,
    options: &'static CStr,
}

/// The mounts, field by field. In this order, since the later ones lie on the earlier. Group 5 is
/// tty wherever BusyBox is. What mounts need as strings comes as one text, since a table of
/// strings would cost sixteen bytes a string.
const EARLY: &[u8] = b"proc\0/proc\0/\0\0\
sysfs\0/sys\0/\0\0\
devtmpfs\0/dev\0/\0\0\
devpts\0/dev/pts\0/dev\0gid=5,mode=620,ptmxmode=666\0\
tmpfs\0/dev/shm\0/dev\0mode=1777\0\
tmpfs\0/run\0/\0mode=755\0";

const SAFE: MountFlags = MountFlags::NOSUID.union(MountFlags::NOEXEC);
const SAFEST: MountFlags = SAFE.union(MountFlags::NODEV);
const NO_SUID_DEV: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV);

/// The flags of each.
const FLAGS: [MountFlags; 6] = [SAFEST, SAFEST, MountFlags::NOSUID, SAFE, NO_SUID_DEV, NO_SUID_DEV];

/// The file that says how else, and room for it in bytes: ten times what boards have.
const FSTAB: &CStr = c"/etc/fstab";
const FSTAB_MAX: usize = 4096;

/// The longest name that it may give to what it mounts, in bytes with a NUL: ten times what boards
/// have. A longer one is not taken over.
const NAME_MAX: usize = 64;

/// What could not be done where the kernel refuses what a line says.
const REFUSED: &[u8] = b"do what /etc/fstab says of";

/// Folders for mounts that come after that of /dev.
const FOLDERS: &[u8] = b"/dev/pts\0/dev/shm\0";

/// Folders that the scripts of many distributions expect in /run.
const LOCKS: &[u8] = b"/run/lock\0/run/lock/subsys\0";

/// Links that programs expect in /dev: what they lead to, and their names.
const LINKS: &[u8] = b"/proc/self/fd\0/dev/fd\0/proc/self/fd/0\0/dev/stdin\0\
/proc/self/fd/1\0/dev/stdout\0/proc/self/fd/2\0/dev/stderr\0";

/// Takes the next string off the front of such a text.
fn string(text: &mut &'static [u8]) -> &'static CStr {
    let string = c_str(text).unwrap_or(c"");
    take(text, 0);
    string
}

fn entry(text: &mut &'static [u8]) -> Early<'static> {
    Early { fs: string(text), target: string(text), parent: string(text), options: string(text) }
}

/// Mounts what is not mounted where there is a folder for it, on a machine as its fstab says, and
/// tells what failed.
#[inline(never)] // Its room is not to stay below the loop of process 1.
pub fn early(on_machine: bool, trouble: &mut dyn FnMut(&[u8], &CStr, u16)) {
    let mut room = [0; FSTAB_MAX];
    let table = if on_machine { fd::load(FSTAB, &mut room) } else { &mut [] };
    let table = whole_lines(table).unwrap_or_else(|whole| {
        trouble(b"read all of", FSTAB, errno::EFBIG);
        whole
    });
    if table.is_empty()
        && on_machine
        && let Err(errno) = can_be_read(FSTAB)
        && errno != errno::ENOENT
    {
        trouble(b"read", FSTAB, errno);
    }
    let mut text = EARLY;
    for flags in FLAGS {
        let entry = entry(&mut text);
        if is_bare(&entry) {
            bring(&entry, flags, table, trouble);
        } else if on_machine && entry.fs == c"devtmpfs" {
            // The kernel may have mounted it for us, with nothing in it but devices.
            furnish();
        }
    }
    for line in fstab::early(table) {
        let mut path = [0; PATH_MAX];
        let target = mounts::unescape(line.target, &mut path).and_then(c_str);
        let Some(target) = target.filter(|target| !files::is_link(target)) else { continue };
        let entry = Early { fs: c"tmpfs", target, parent: c"/", options: c"" };
        if is_bare(&entry)
            && let Err(error) = put(&entry, MountFlags::empty(), Some(line))
        {
            trouble(REFUSED, target, error.raw_os_error() as u16);
        }
    }
}

/// Whether there is anything to be read, or why not.
fn can_be_read(path: &CStr) -> kernel::Result<u32> {
    let file = Fd::open(path, fd::TEXT);
    file.opened()?;
    fd::read(file.raw(), &mut [0])
}

/// What was read of a file: all of it, or the lines that are whole where there was no room.
fn whole_lines(text: &[u8]) -> core::result::Result<&[u8], &[u8]> {
    if text.len() < FSTAB_MAX {
        return Ok(text);
    }
    let end = text.iter().rposition(|&b| b == b'\n').unwrap_or(0);
    Err(text.get(..end).unwrap_or(&[]))
}

/// Mounts one of ours, with what its line of the fstab adds, and without that if it will not go.
fn bring(
    entry: &Early<'_>,
    flags: MountFlags,
    table: &[u8],
    trouble: &mut dyn FnMut(&[u8], &CStr, u16),
) {
    let (fs, target) = (entry.fs.to_bytes(), entry.target.to_bytes());
    let line = fstab::lines(table).find(|line| line.fs == fs && line.target == target);
    let mut done = put(entry, flags, line);
    if let (Err(error), Some(_)) = (done, line) {
        trouble(REFUSED, entry.target, error.raw_os_error() as u16);
        done = put(entry, flags, None);
    }
    match done {
        Ok(()) if entry.fs == c"devtmpfs" => furnish(),
        Ok(()) if entry.target == c"/run" => make_folders(LOCKS),
        // A container whose engine has done all this does not let us.
        Ok(()) | Err(Errno::BUSY | Errno::PERM) => {}
        Err(error) => trouble(b"mount", entry.target, error.raw_os_error() as u16),
    }
}

/// Mounts with the options of a line besides its own, and under the name that it has there: some
/// kinds of `mount -a` pass over what is mounted only where the name is the same.
fn put(entry: &Early<'_>, flags: MountFlags, line: Option<Line<'_>>) -> Result<(), Errno> {
    let mut how = How::new(flags.bits());
    let options = line.map_or(&b""[..], |line| line.options);
    let heeded = how.heed(entry.options.to_bytes()).and_then(|()| how.heed(options));
    heeded.and_then(|()| how.data.push(0).ok()).ok_or(Errno::TOOBIG)?;
    let flags = MountFlags::from_bits_retain(how.flags);
    let mut name = [0; NAME_MAX];
    let name = line.and_then(|line| mounts::unescape(line.source, &mut name)).and_then(c_str);
    mount(name.unwrap_or(entry.fs), entry.target, entry.fs, flags, c_str(&how.data))
}

/// Whether there is a folder with nothing mounted on it.
fn is_bare(entry: &Early<'_>) -> bool {
    let (target, parent) = (identity(entry.target), identity(entry.parent));
    target.zip(parent).is_some_and(|(target, parent)| target.0 == parent.0)
}

/// The device that a file is on, and its number there.
fn identity(path: &CStr) -> Option<(u64, u64)> {
    files::look(path).map(|stat| (stat.device, stat.inode))
}

/// What a new devtmpfs lacks. What is there stays as it is.
fn furnish() {
    make_folders(FOLDERS);
    let mut links = LINKS;
    while !links.is_empty() {
        let _ = symlink(string(&mut links), string(&mut links));
    }
}

fn make_folders(names: &'static [u8]) {
    let mut names = names;
    while !names.is_empty() {
        let _ = mkdir(string(&mut names), Mode::from_raw_mode(0o755));
    }
}

/// Asks the kernel to write out every file system and make it read-only, in a thread of its own: it
/// may take long, but not us. See proc_sysrq-trigger(5). Where that is not to be had, nothing is.
#[cold]
#[inline(never)]
pub fn have_all_written_out() {
    const REMOUNT: &[u8] = b"u";
    let trigger = Fd::open(c"/proc/sysrq-trigger", fd::WRITE | fd::CLOSE_ON_EXEC);
    let _ = fd::write(trigger.raw(), REMOUNT);
}

/// Passes over the mounts: a mount that held another one goes in the pass after it, unless both
/// stood in one piece of the list. Where nothing more goes, there are no more passes.
const PASSES: usize = 64;

/// Room for a piece of /proc/mounts, in bytes. The kernel gives whole lines as long as one fits,
/// and the longest path, each byte of it escaped, takes half of this.
const PIECE: usize = 32 * 1024;

/// The longest path of a mount, in bytes with a NUL.
const PATH_MAX: usize = 1024;

/// Unmounts what is left, or makes it read-only.
pub fn unmount_all() {
    // A shutdown line that unmounted everything may have taken /proc along; one that is there is
    // not mounted a second time.
    let _ = put(&entry(&mut { EARLY }), SAFEST, None);
    let mut piece = [0u8; PIECE];
    for _ in 0..PASSES {
        if !pass(&mut piece, unmount_one) {
            break;
        }
    }
    pass(&mut piece, make_read_only);
    // Where there is no folder for /proc there is no list, but there is always a root.
    make_read_only(c"/", Fate::ReadOnly);
}

fn unmount_one(target: &CStr, fate: Fate) -> bool {
    fate == Fate::Unmount && unmount(target, UnmountFlags::empty()).is_ok()
}

#[inline(never)] // It is called in two ways.
fn make_read_only(target: &CStr, _: Fate) -> bool {
    mount_remount(target, MountFlags::RDONLY, c"").is_ok()
}

/// Goes over the mounts, in each piece of the list from the last to the first; whether anything was
/// done.
fn pass(piece: &mut [u8; PIECE], act: fn(&CStr, Fate) -> bool) -> bool {
    let mut acted = false;
    let list = Fd::open(c"/proc/mounts", fd::READ | fd::CLOSE_ON_EXEC);
    while let Ok(count @ 1..) = fd::read(list.raw(), piece) {
        let text = piece.get(..count as usize).unwrap_or(&[]);
        for mount in text.rsplit(|&b| b == b'\n').filter_map(mounts::parse) {
            let fate = mounts::fate(mount);
            let mut path = [0; PATH_MAX];
            if fate == Fate::Leave {
                continue;
            }
            if let Some(path) = mounts::unescape(mount.target, &mut path).and_then(c_str) {
                acted |= act(path, fate);
            }
        }
    }
    acted
}
