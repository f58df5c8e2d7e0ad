//! What a unit leaves behind when it is stopped: the rest of its group or session. Where cgroups
//! of the second version are mounted and may be written to, each unit has one of its own, and
//! nothing gets away, see cgroups(7). Elsewhere those are found that are still in its session.

use core::ffi::CStr;

use heapless::Vec;
use pidone::machine::Pid;
use pidone::wire::text::Line;
use pidone::wire::value;
use rustix::fs::{Access, access};
use syscalls::{Sysno, raw_syscall};

use super::calls;
use super::fd::{self, Fd};
use super::kernel::{self, is_fine, outcome};
use super::start::joined;

/// A path of a group with its NUL: what stands in front, two numbers, and the longest file.
type Path = Vec<u8, 80>;

/// The folder of our groups, without the number that tells one init from another that shares the
/// mount.
const FOLDER: &[u8] = b"/sys/fs/cgroup/pidone-";

/// The groups of units.
pub struct Groups {
    /// The number of our folder, once it has been made.
    folder: Option<u32>,
}

impl Groups {
    /// No groups yet.
    pub const fn new() -> Self {
        Groups { folder: None }
    }

    /// Makes the folder, where the mount is there; it may come late.
    pub fn prepare(&mut self) {
        // This is there in the second version alone.
        let there = || access(c"/sys/fs/cgroup/cgroup.procs", Access::WRITE_OK).is_ok();
        if self.folder.is_none() && there() {
            let number = calls::seed();
            let mut room = Path::new();
            let made = path(&mut room, number, None, b"").is_some_and(make);
            self.folder = made.then_some(number);
        }
    }

    /// Puts the calling process into a group of its own; in a child.
    pub fn enter(&self) {
        let (Some(folder), mut room) = (self.folder, Path::new()) else {
            return;
        };
        let own = Some(Pid(kernel::own_pid()));
        if path(&mut room, folder, own, b"").is_some_and(make)
            && let Some(procs) = path(&mut room, folder, own, b"/cgroup.procs")
        {
            write(procs, b"0");
        }
    }

    /// A process of a unit has ended: its group goes, and with it whatever is left in it or, where
    /// there are no groups, in its session.
    pub fn sweep(&self, pid: Pid, kill: bool) {
        let task = Task { folder: self.folder, pid };
        if kill {
            // SAFETY: `run` never returns.
            let swept = unsafe { kernel::fork(&task, run) };
            if swept.is_err() {
                calls::kill_group(pid);
            }
        } else if let Some(folder) = self.folder {
            remove(folder, pid);
        }
    }
}

fn path<'a>(room: &'a mut Path, folder: u32, of: Option<Pid>, file: &[u8]) -> Option<&'a CStr> {
    let (mut number, mut name) = (Line::new(), Line::new());
    number.number(u64::from(folder));
    if let Some(pid) = of {
        name.put(b"/").number(pid.0 as u64);
    }
    joined(room, &[FOLDER, number.as_bytes(), name.as_bytes(), file])
}

fn make(path: &CStr) -> bool {
    // SAFETY: the kernel reads a string.
    is_fine(unsafe { raw_syscall!(Sysno::mkdir, path.as_ptr(), 0o755) })
}

fn remove(folder: u32, pid: Pid) -> bool {
    let mut room = Path::new();
    path(&mut room, folder, Some(pid), b"").is_some_and(|path| {
        // SAFETY: the kernel reads a string.
        is_fine(unsafe { raw_syscall!(Sysno::rmdir, path.as_ptr()) })
    })
}

fn write(path: &CStr, text: &[u8]) -> bool {
    let file = Fd::open(path, fd::WRITE | fd::CLOSE_ON_EXEC);
    fd::write(file.raw(), text).is_ok()
}

/// What a sweeper is to do.
struct Task {
    folder: Option<u32>,
    pid: Pid,
}

/// How often a sweeper looks again, and how long it waits before, in milliseconds: killed
/// processes take a moment to go, and who is about to be killed may fork.
const ROUNDS: u32 = 50;
const ROUND_MS: i64 = 20;

extern "C" fn run(task: &Task) -> ! {
    kernel::close_the_rest(2);
    calls::kill_group(task.pid);
    let mut room = Path::new();
    let own = Some(task.pid);
    let group = task.folder.and_then(|folder| path(&mut room, folder, own, b"/cgroup.kill"));
    let killed = group.is_some_and(|file| write(file, b"1"));
    for _ in 0..ROUNDS {
        let clean = match task.folder {
            Some(folder) if killed => remove(folder, task.pid),
            Some(_) | None => !kill_session(task.pid),
        };
        if clean {
            break;
        }
        calls::sleep(ROUND_MS);
    }
    kernel::exit(0)
}

/// Kills whatever is in a session; whether there was anything.
fn kill_session(session: Pid) -> bool {
    let proc = Fd::open(c"/proc", fd::READ | fd::FOLDER | fd::CLOSE_ON_EXEC);
    let mut room = [0u8; 4096];
    let mut any = false;
    while let Ok(count @ 1..) = entries(&proc, &mut room) {
        let mut rest = room.get(..count as usize).unwrap_or_default();
        // Each entry has its length behind two numbers, and its name behind that and its kind.
        while let Some(&[low, high]) = rest.get(16..18) {
            let len = usize::from(u16::from_le_bytes([low, high])).max(19);
            let name = rest.get(19..len).unwrap_or_default().split(|&b| b == 0).next();
            if let Some(pid) = name.and_then(value::number)
                && calls::session_of(Pid(pid as i32)) == session
            {
                any |= calls::kill_one(Pid(pid as i32));
            }
            rest = rest.get(len..).unwrap_or_default();
        }
    }
    any
}

fn entries(folder: &Fd, room: &mut [u8]) -> kernel::Result<u32> {
    let (to, len) = (room.as_mut_ptr(), room.len());
    // SAFETY: the kernel writes at most that many bytes.
    outcome(unsafe { raw_syscall!(Sysno::getdents64, folder.raw(), to, len) })
}
