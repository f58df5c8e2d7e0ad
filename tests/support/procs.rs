//! The processes of a namespace, read through its own /proc while it lives.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::PathBuf;

/// One process, as its own namespace numbers it.
#[derive(Clone, Debug)]
pub struct Process {
    pub pid: i32,
    pub name: String,
    pub state: char,
    pub parent: i32,
}

/// A view of /proc that outlives an unmount inside the namespace.
pub struct Procs {
    folder: File,
}

impl Procs {
    /// Opens the /proc that stands in the root of a running init; `None` if there is none.
    pub fn open(host_pid: i32) -> Option<Procs> {
        let path = format!("/proc/{host_pid}/root/proc");
        let folder = File::open(path).ok()?;
        let procs = Procs { folder };
        procs.path("1/stat").exists().then_some(procs)
    }

    fn path(&self, inside: &str) -> PathBuf {
        format!("/proc/thread-self/fd/{}/{inside}", self.folder.as_raw_fd()).into()
    }

    /// A file of the namespace's /proc, or nothing when the process has gone.
    pub fn read(&self, inside: &str) -> String {
        fs::read_to_string(self.path(inside)).unwrap_or_default()
    }

    /// Where a link of the namespace's /proc points.
    pub fn link(&self, inside: &str) -> String {
        let target = fs::read_link(self.path(inside)).unwrap_or_default();
        target.to_string_lossy().into_owned()
    }

    /// All processes, zombies too, at this instant.
    pub fn all(&self) -> Vec<Process> {
        let Ok(folder) = fs::read_dir(self.path("")) else { return Vec::new() };
        let names = folder.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        let pids = names.filter_map(|name| name.parse().ok());
        pids.filter_map(|pid| parse_stat(pid, &self.read(&format!("{pid}/stat")))).collect()
    }

    /// How many processes have ended and not been reaped.
    pub fn zombies(&self) -> usize {
        self.all().iter().filter(|process| process.state == 'Z').count()
    }

    /// How many of them wait for PID 1; the others wait for a parent of their own.
    pub fn orphaned_zombies(&self) -> usize {
        let waits = |process: &&Process| process.state == 'Z' && process.parent == 1;
        self.all().iter().filter(waits).count()
    }

    /// Living processes of this name.
    pub fn named(&self, name: &str) -> Vec<Process> {
        // One that is being reaped shows up as X.
        let living = |process: &Process| !"ZX".contains(process.state) && process.name == name;
        self.all().into_iter().filter(living).collect()
    }

    /// One hexadecimal mask from the status file of PID 1, such as `SigBlk`.
    pub fn mask(&self, field: &str) -> u64 {
        let status = self.read("1/status");
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let digits = line.map(|rest| rest.trim_start_matches(':').trim());
        digits.and_then(|text| u64::from_str_radix(text, 16).ok()).unwrap_or(0)
    }

    /// Whether a signal waits at PID 1 to be taken.
    pub fn pending(&self, signal: i32) -> bool {
        (self.mask("SigPnd") | self.mask("ShdPnd")) & (1 << (signal - 1)) != 0
    }

    /// How often PID 1 has been switched off and on again, of its own will or not.
    pub fn switches(&self) -> u64 {
        let status = self.read("1/status");
        let lines = status.lines().filter(|line| line.contains("ctxt_switches"));
        lines.filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok()).sum()
    }
}

/// Whether a process, by the host's number, sleeps in this system call. The name of the function
/// that it sleeps in would tell more, but not every kernel gives it, nor the same one.
pub fn sleeps_in(pid: i32, call: libc::c_long) -> bool {
    let file = |name| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let sleeps = |process: Process| matches!(process.state, 'S' | 'D');
    file("syscall").starts_with(&format!("{call} "))
        && parse_stat(pid, &file("stat")).is_some_and(sleeps)
}

/// A process name may hold blanks and brackets, so the numbers start after the last bracket.
fn parse_stat(pid: i32, stat: &str) -> Option<Process> {
    let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    Some(Process { pid, name: name.to_owned(), state, parent })
}
