//! Control groups of the second version, see cgroups(7): where they are mounted and may be written
//! to, each life of a unit has one of its own. A number names it, since that of its process may
//! come again while something of an earlier life is left, and changes where a daemon is followed.

use core::ffi::CStr;

use heapless::Vec;
use pidone::machine::{Exit, Fault, Life, Step};
use pidone::wire::errno::EBUSY;
use pidone::wire::names::{cut, take};
use pidone::wire::signals::Signal;
use pidone::wire::text::Line;
use pidone::wire::{options, value};
use rustix::fs::{Access, access};
use syscalls::{Sysno, raw_syscall};

use super::calls;
use super::fd::{self, Fd};
use super::kernel::{Result, outcome};
use super::start::joined;

/// A path of a group with its NUL: what stands in front, two numbers, and the longest file.
type Path = Vec<u8, 80>;

const MOUNT: &[u8] = b"/sys/fs/cgroup/";

/// The name of the folder of our groups, without the number that tells one init from another that
/// shares the mount.
const OURS: &[u8] = b"pidone-";

/// How often a child tries to enter its group: whoever takes emptied groups away may do so with
/// one that is about to be entered.
const TRIES: u32 = 3;

/// The groups of units.
pub struct Groups {
    folder: Folder,
    /// Whether a life that ended by itself has left something in its group, which is taken away
    /// once it is empty.
    pub littered: bool,
}

/// Where our groups are.
#[derive(Clone, Copy)]
enum Folder {
    /// This was not looked for yet.
    Unknown,
    /// There is none.
    Absent,
    /// In the folder with this number.
    At(u32),
}

impl Groups {
    /// No groups yet.
    pub const fn new() -> Self {
        Groups { folder: Folder::Unknown, littered: false }
    }

    /// The group that a life is to have. The mount is looked for at the first start of a service,
    /// before which the boot has mounted what it mounts, and at none after it: most machines have
    /// no such mount, and each start would pay for the look.
    pub fn prepare(&mut self, life: Life) -> Option<Group> {
        if let Folder::Unknown = self.folder {
            let number = calls::seed();
            // This file is there in the second version alone.
            let there = access(c"/sys/fs/cgroup/cgroup.procs", Access::WRITE_OK).is_ok();
            let made = there && on_path(Group::folder(number), b"", make).is_ok();
            self.folder = if made { Folder::At(number) } else { Folder::Absent };
        }
        self.of(life)
    }

    /// The inittab is read again: the mount may have come.
    pub fn look_again(&mut self) {
        if let Folder::Absent = self.folder {
            self.folder = Folder::Unknown;
        }
    }

    /// The group of a life, if it was to have one.
    pub fn of(&self, life: Life) -> Option<Group> {
        match self.folder {
            Folder::At(folder) => Some(Group { folder, life: Some(life) }),
            Folder::Unknown | Folder::Absent => None,
        }
    }

    /// Why a process that was the first of its life has ended, where its group knows better than
    /// its exit code: KILL may have come from the kernel, because it had too much memory.
    #[cold]
    pub fn verdict(&self, life: Life, exit: Exit) -> Option<Fault> {
        let killed = exit == Exit::Signal(Signal::KILL);
        let out = killed && self.of(life).is_some_and(|group| group.ran_out());
        out.then_some(Fault { step: Step::Memory, errno: 0 })
    }

    /// Takes the folder away with all groups in it that are empty.
    pub fn end(&self) {
        if let Some(group) = self.of(Life(0)) {
            group.collect();
            let _ = on_path(Group::folder(group.folder), b"", remove);
        }
    }
}

/// One group.
#[derive(Clone, Copy)]
pub struct Group {
    folder: u32,
    /// Of whom it is; of nobody where it is the folder of all.
    life: Option<Life>,
}

impl Group {
    const fn folder(folder: u32) -> Group {
        Group { folder, life: None }
    }

    /// Puts the calling process into the group, with the limit that its options ask for; in a
    /// child. A limit that cannot be had is looked after by aides, so that nothing fails here.
    pub fn enter(self, field: &[u8]) {
        let limit = options::value(field, b"mem");
        if limit.is_some() {
            // Whoever has no limit below needs none above. Where processes are in the group that
            // we were given ourselves, as in a container, the kernel refuses.
            let mut room = Path::new();
            if let Some(root) = joined(&mut room, &[MOUNT, CONTROLLERS]) {
                write(root, b"+memory");
            }
            Group::folder(self.folder).set(CONTROLLERS, b"+memory");
        }
        for _ in 0..TRIES {
            let _ = on_path(self, b"", make);
            if let Some(size) = limit {
                self.limit(size);
            }
            if self.set(b"/cgroup.procs", b"0") {
                return;
            }
            self.remove();
        }
    }

    /// Limits the memory. At the limit the whole group is ended, and not a part that the rest may
    /// do without. What is swapped out may be as much again: memory that only moves to a disk
    /// would never end.
    fn limit(self, size: &[u8]) {
        let most = value::within(size, value::size, 1, i64::MAX).unwrap_or(i64::MAX);
        let mut line = Line::new();
        line.number(most as u64);
        // The limit comes last, since it is what tells that the kernel sees to it.
        if self.set(b"/memory.oom.group", b"1") {
            self.set(b"/memory.swap.max", line.as_bytes());
            self.set(b"/memory.max", line.as_bytes());
        }
    }

    /// Whether the kernel holds a limit of its memory.
    pub fn is_limited(self) -> bool {
        let mut room = [0; 32];
        self.load(b"/memory.max", &mut room).first().is_some_and(u8::is_ascii_digit)
    }

    /// Whether it had to be ended by the kernel because it reached its limit. What the machine as a
    /// whole has too little memory for is not counted so.
    fn ran_out(self) -> bool {
        let mut room = [0; 256];
        let mut text = self.load(b"/memory.events", &mut room);
        while !text.is_empty() {
            if let Some((b"oom", count)) = cut(take(&mut text, b'\n'), b' ') {
                return count != b"0";
            }
        }
        false
    }

    /// Whether a process with this file below /proc is in the group, or in one below it. Where
    /// there is no such group, nobody can tell.
    pub fn may_hold(self, cgroup: &[u8]) -> bool {
        let mut room = Path::new();
        let is_there = |path: &CStr| access(path, Access::EXISTS).is_ok();
        let Some(path) = self.path(&mut room, b"").filter(|path| is_there(path)) else {
            return true;
        };
        let ours = path.to_bytes().get(MOUNT.len()..).and_then(|name| cut(name, b'/'));
        let mut names = cgroup.split(|&b| b == b'/' || b == b'\n');
        ours.is_some_and(|(folder, life)| {
            names.any(|name| name == folder) && names.next() == Some(life)
        })
    }

    /// Takes the group away; whether it is gone.
    pub fn remove(self) -> bool {
        on_path(self, b"", remove) != Err(EBUSY)
    }

    /// Ends whatever is in the group; whether there is such a group. Linux before 5.14 has it done
    /// one by one.
    pub fn kill(self) -> bool {
        if self.set(b"/cgroup.kill", b"1") {
            return true;
        }
        let mut room = [0; 4096];
        let mut text = self.load(b"/cgroup.procs", &mut room);
        let any = !text.is_empty();
        while !text.is_empty() {
            if let Some(pid) = value::number(take(&mut text, b'\n')) {
                calls::kill_one(pidone::machine::Pid(pid as i32));
            }
        }
        any
    }

    /// Takes every group of ours away that is empty; of the others the kernel keeps us.
    pub fn collect(self) {
        let mut room = Path::new();
        let Some(path) = Group::folder(self.folder).path(&mut room, b"") else {
            return;
        };
        let folder = Fd::open(path, fd::READ | fd::FOLDER | fd::CLOSE_ON_EXEC);
        let mut room = [0; 4096];
        while let Ok(count @ 1..) = fd::entries(&folder, &mut room) {
            let mut rest = room.get(..count as usize).unwrap_or_default();
            while let Some(name) = fd::next_entry(&mut rest) {
                if let Some(life) = value::number(name) {
                    Group { life: Some(Life(life)), ..self }.remove();
                }
            }
        }
    }

    fn set(self, file: &[u8], text: &[u8]) -> bool {
        let mut room = Path::new();
        self.path(&mut room, file).is_some_and(|path| write(path, text))
    }

    fn load<'a>(self, file: &[u8], room: &'a mut [u8]) -> &'a [u8] {
        let mut path = Path::new();
        self.path(&mut path, file).map_or(&[], |path| fd::load(path, room))
    }

    #[inline(never)]
    fn path<'a>(self, room: &'a mut Path, file: &[u8]) -> Option<&'a CStr> {
        let mut name = Line::new();
        name.number(u64::from(self.folder));
        if let Some(Life(life)) = self.life {
            name.put(b"/").number(u64::from(life));
        }
        joined(room, &[MOUNT, OURS, name.as_bytes(), file])
    }
}

/// Where the controllers stand that the groups in a group have.
const CONTROLLERS: &[u8] = b"/cgroup.subtree_control";

#[inline(never)]
fn on_path(group: Group, file: &[u8], act: fn(&CStr) -> Result<u32>) -> Result<u32> {
    let mut room = Path::new();
    group.path(&mut room, file).map_or(Ok(0), act)
}

fn make(path: &CStr) -> Result<u32> {
    // SAFETY: the kernel reads a string.
    outcome(unsafe { raw_syscall!(Sysno::mkdir, path.as_ptr(), 0o755) })
}

fn remove(path: &CStr) -> Result<u32> {
    // SAFETY: the kernel reads a string.
    outcome(unsafe { raw_syscall!(Sysno::rmdir, path.as_ptr()) })
}

#[inline(never)]
fn write(path: &CStr, text: &[u8]) -> bool {
    let file = Fd::open(path, fd::WRITE | fd::CLOSE_ON_EXEC);
    fd::write(file.raw(), text).is_ok()
}
