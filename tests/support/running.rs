//! A container init that runs, and what a test does to it.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use super::procs::{self, Procs};
use super::{sys, wait};

/// The children of a process, by the host's numbers.
pub fn children(pid: i32) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// The calls in which an init of a container, ours or a peer, waits for whatever may come.
const WAITS: [libc::c_long; 12] = [
    libc::SYS_rt_sigtimedwait,
    libc::SYS_rt_sigsuspend,
    libc::SYS_pause,
    libc::SYS_wait4,
    libc::SYS_waitid,
    libc::SYS_read,
    libc::SYS_poll,
    libc::SYS_ppoll,
    libc::SYS_select,
    libc::SYS_pselect6,
    libc::SYS_epoll_wait,
    libc::SYS_futex,
];

/// How a run ended and what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The exit code; a death by signal n is -n.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// An init that runs; dropping it kills everything inside.
pub struct Running {
    pub(super) label: String,
    pub(super) top: i32,
    pub(super) pid: i32,
    pub(super) ended: OwnedFd,
    pub(super) status: Option<File>,
    pub(super) procs: Procs,
    pub(super) files: [PathBuf; 2],
    pub(super) log: PathBuf,
    pub(super) screen: Option<[File; 2]>,
    pub(super) waited: bool,
}

impl Running {
    /// The host's number of the init.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    pub fn procs(&self) -> &Procs {
        &self.procs
    }

    /// The host's number of the init's only child, once it is born.
    pub fn child(&self) -> i32 {
        self.until("no child was born", || !children(self.pid).is_empty());
        children(self.pid)[0]
    }

    /// Sends a signal to the init from outside of its namespace.
    pub fn send(&self, signal: i32) {
        sys::kill(self.pid, signal).expect("the init lives");
    }

    pub fn stdout(&self) -> String {
        text(&self.files[0])
    }

    pub fn stderr(&self) -> String {
        text(&self.files[1])
    }

    /// What the programs inside wrote down.
    pub fn log(&self) -> String {
        text(&self.log)
    }

    /// A line of a status file in /proc, without its name.
    pub fn status(&self, pid: i32, field: &str) -> String {
        let status = text(format!("/proc/{pid}/status").as_ref());
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        line.unwrap_or_default().trim_start_matches(':').trim().to_owned()
    }

    /// One of the masks of a process.
    pub fn mask(&self, pid: i32, field: &str) -> u64 {
        u64::from_str_radix(&self.status(pid, field), 16).unwrap_or(0)
    }

    pub fn until(&self, what: &str, condition: impl FnMut() -> bool) {
        assert!(wait::came_true(condition), "{what}: {}\n{}", self.label, self.state());
    }

    /// Waits for a line of the log.
    pub fn until_said(&self, line: &str) {
        self.until(&format!("“{line}” was not said"), || self.log().lines().any(|l| l == line));
    }

    /// Waits for a text on standard error.
    pub fn until_warned(&self, what: &str) {
        self.until(&format!("“{what}” was not warned of"), || self.stderr().contains(what));
    }

    /// Waits until the init has nothing to do.
    pub fn until_idle(&self) {
        self.until("it did not come to rest", || {
            WAITS.iter().any(|&call| procs::sleeps_in(self.pid, call))
        });
    }

    /// Types on the terminal.
    pub fn press(&mut self, keys: &str) {
        let screen = self.screen.as_mut().expect("it has a terminal");
        screen[0].write_all(keys.as_bytes()).expect("a terminal takes a few keys");
    }

    /// Reads away what the terminal shows, and gives it.
    pub fn shown(&mut self) -> String {
        let screen = self.screen.as_mut().expect("it has a terminal");
        let mut all = Vec::new();
        // A terminal that shows nothing new gives an error, which is no matter here.
        let _ = screen[0].read_to_end(&mut all);
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Takes the terminal away, as closing its window does.
    pub fn hang_up(&mut self) {
        sys::close(self.screen.take());
    }

    /// Whether it still runs at this instant.
    pub fn runs(&self) -> bool {
        !sys::readable(self.ended.as_fd(), Duration::ZERO)
    }

    /// Whether it ends in this time.
    pub fn ends_within(&self, patience: Duration) -> bool {
        sys::readable(self.ended.as_fd(), patience)
    }

    /// Waits for its end.
    pub fn end(&mut self) -> Outcome {
        let over = sys::readable(self.ended.as_fd(), wait::DEADLINE);
        assert!(over, "it did not end: {}\n{}", self.label, self.state());
        let status = match &mut self.status {
            None => {
                self.waited = true;
                sys::wait_for_pid(self.top).expect("PID 1 is our child")
            }
            Some(pipe) => {
                let mut word = [0; 4];
                pipe.read_exact(&mut word).expect("the parent tells how it ended");
                i32::from_ne_bytes(word)
            }
        };
        let status = ExitStatus::from_raw(status);
        let code = status.code().or(status.signal().map(|signal| -signal));
        let code = code.expect("an end is an exit or a death");
        Outcome { code, stdout: self.stdout(), stderr: self.stderr() }
    }

    /// All there is to see, for a report.
    pub fn state(&self) -> String {
        let processes = self.procs.all();
        let show = |p: &super::procs::Process| format!("{} {} {}\n", p.pid, p.state, p.name);
        let processes: String = processes.iter().map(show).collect();
        let (stdout, stderr, log) = (self.stdout(), self.stderr(), self.log());
        format!("--- log\n{log}--- stdout\n{stdout}--- stderr\n{stderr}--- processes\n{processes}")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.waited {
            let _ = sys::kill(self.top, libc::SIGKILL);
            let _ = sys::wait_for_pid(self.top);
        }
    }
}

fn text(path: &std::path::Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}
