//! The fake kernel: processes, signals and time.

use std::collections::{BTreeMap, BTreeSet};

use pidone::machine::Exit;
use pidone::wire::signals::Signal;

use super::random::Random;
use super::tally::Tally;

/// Numbers run from 2 to this and then begin again.
const PID_LAST: i32 = 12;

/// Our own number, as processes know it.
pub const US: i32 = 1;
/// The parent of those that came from outside.
pub const OUTSIDE: i32 = 0;

pub const CHLD: u8 = 17;
pub const CONT: u8 = 18;
pub const STOP: u8 = 19;
const KILL: u8 = 9;

/// What a process does when it is told to end.
#[derive(Clone, Copy, Debug)]
pub enum Heed {
    Dies { after: u64 },
    Leaves { after: u64, code: u8 },
    Ignores,
}

#[derive(Clone, Debug)]
pub struct Process {
    pub parent: i32,
    pub group: i32,
    pub heed: Heed,
    /// When it ends by itself, and how.
    pub ends: Option<u64>,
    pub exit: Exit,
    /// It hangs in the kernel, and nothing ends it.
    pub stuck: bool,
    /// We may not signal it.
    pub refuses: bool,
    /// When its program begins. Until then signals wait.
    pub begins: u64,
    pub waiting: BTreeSet<u8>,
    pub stopped: bool,
    /// Its parent has not been told that it is stopped.
    pub stop_is_news: bool,
    /// When it ended, if it has not been reaped, or when it became a child of ours after that.
    pub zombie: Option<u64>,
}

impl Process {
    pub fn new(parent: i32, begins: u64) -> Self {
        Process {
            parent,
            group: 0,
            heed: Heed::Dies { after: 0 },
            ends: None,
            exit: Exit::Code(0),
            stuck: false,
            refuses: false,
            begins,
            waiting: BTreeSet::new(),
            stopped: false,
            stop_is_news: false,
            zombie: None,
        }
    }
}

/// What waiting for children brings.
pub enum Reaped {
    Child(i32, Exit),
    Stopped(i32),
    None,
    Childless,
}

pub struct Kernel {
    pub now: u64,
    pub processes: BTreeMap<i32, Process>,
    /// Signals for us with the number of a process, in the order that they came in.
    pending: Vec<(u8, i32)>,
    last_pid: i32,
    used: BTreeSet<i32>,
    pub tally: Tally,
    /// Whether we are process 1.
    pub first: bool,
}

impl Kernel {
    pub fn new(first: bool) -> Self {
        Kernel {
            now: 1000,
            processes: BTreeMap::new(),
            pending: Vec::new(),
            last_pid: 1,
            used: BTreeSet::new(),
            tally: Tally::default(),
            first,
        }
    }

    /// A new process, unless there are too many.
    pub fn fork(&mut self, mut process: Process) -> Option<i32> {
        for _ in 0..PID_LAST {
            self.last_pid = if self.last_pid >= PID_LAST { 2 } else { self.last_pid + 1 };
            let pid = self.last_pid;
            let free = !self.processes.contains_key(&pid);
            // The number of a group is nobody's as long as the group is there.
            if free && self.processes.values().all(|process| process.group != pid) {
                if !self.used.insert(pid) {
                    self.tally.count("number used again");
                }
                process.group = if process.group == 0 { pid } else { process.group };
                self.processes.insert(pid, process);
                return Some(pid);
            }
        }
        None
    }

    /// Sends us a signal. Of a standard one there is no second while the first one waits.
    pub fn post(&mut self, signal: u8, pid: i32) {
        if signal < 32 && self.pending.iter().any(|(other, _)| *other == signal) {
            self.tally.count("signal merged");
        } else {
            self.pending.push((signal, pid));
        }
    }

    /// Takes the signal with the lowest number, the oldest first.
    pub fn take_signal(&mut self, of_children: bool) -> Option<(u8, i32)> {
        let wanted = |(signal, _): &&(u8, i32)| of_children || *signal != CHLD;
        let lowest = self.pending.iter().filter(wanted).map(|(signal, _)| *signal).min()?;
        let place = self.pending.iter().position(|(signal, _)| *signal == lowest)?;
        Some(self.pending.remove(place))
    }

    /// Whether the signal of a child waits for us.
    pub fn is_pending(&self) -> bool {
        self.pending.iter().any(|(signal, _)| *signal == CHLD)
    }

    pub fn has_children(&self) -> bool {
        self.processes.values().any(|process| process.parent == US)
    }

    /// Whom we reach: as process 1 everybody, otherwise those below us.
    pub fn visible(&self) -> Vec<i32> {
        let is_ours = |process: &Process| self.first || process.parent != OUTSIDE;
        self.processes.iter().filter(|(_, p)| is_ours(p)).map(|(pid, _)| *pid).collect()
    }

    pub fn members(&self, group: i32) -> Vec<i32> {
        self.processes.iter().filter(|(_, p)| p.group == group).map(|(pid, _)| *pid).collect()
    }

    /// What a signal does to a process.
    pub fn strike(&mut self, pid: i32, signal: u8) {
        let now = self.now;
        let Some(process) = self.processes.get_mut(&pid).filter(|p| p.zombie.is_none()) else {
            return;
        };
        let at_once = signal == KILL || signal == STOP || signal == CONT;
        if !at_once && (now < process.begins || process.stopped) {
            process.waiting.insert(signal);
            self.tally.count("signal waits for the execve");
            return;
        }
        let heed = if signal == KILL { Heed::Dies { after: 0 } } else { process.heed };
        match (signal, heed) {
            (CONT, _) => self.go_on(pid),
            (CHLD | 23 | 28, _) => {}
            (STOP, _) | (20..=22, Heed::Dies { .. } | Heed::Leaves { .. }) => self.stop(pid),
            (_, Heed::Ignores) => {}
            (_, Heed::Dies { after }) => process.end_in(now + after, Exit::Signal(Signal(signal))),
            (_, Heed::Leaves { after, code }) => process.end_in(now + after, Exit::Code(code)),
        }
        if signal == KILL
            && let Some(process) = self.processes.get_mut(&pid)
        {
            process.stopped = false;
        }
    }

    fn stop(&mut self, pid: i32) {
        let Some(process) = self.processes.get_mut(&pid).filter(|p| !p.stopped) else { return };
        process.stopped = true;
        process.stop_is_news = true;
        if process.parent == US {
            self.post(CHLD, pid);
        }
    }

    fn go_on(&mut self, pid: i32) {
        if let Some(process) = self.processes.get_mut(&pid) {
            process.stopped = false;
            process.stop_is_news = false;
        }
        self.deliver_waiting(pid);
    }

    fn deliver_waiting(&mut self, pid: i32) {
        let now = self.now;
        let ready = self.processes.get_mut(&pid).filter(|p| !p.stopped && p.begins <= now);
        for signal in ready.map(|p| std::mem::take(&mut p.waiting)).unwrap_or_default() {
            self.strike(pid, signal);
        }
    }

    /// When something happens by itself.
    pub fn next_happening(&self) -> Option<u64> {
        self.processes.values().filter_map(Process::next).min()
    }

    /// Lets happen what is due.
    pub fn settle(&mut self, random: &mut Random) {
        let now = self.now;
        let due = |process: &Process| process.next().is_some_and(|at| at <= now);
        while let Some(pid) = self.processes.iter().find(|(_, p)| due(p)).map(|(pid, _)| *pid) {
            let process = &self.processes[&pid];
            if process.begins <= now && !process.waiting.is_empty() {
                self.deliver_waiting(pid);
            } else {
                self.die(pid, random);
            }
        }
    }

    fn die(&mut self, pid: i32, random: &mut Random) {
        let now = self.now;
        let orphans: Vec<i32> =
            self.processes.iter().filter(|(_, p)| p.parent == pid).map(|(pid, _)| *pid).collect();
        for orphan in orphans {
            let Some(process) = self.processes.get_mut(&orphan) else { continue };
            process.parent = US;
            process.zombie = process.zombie.map(|_| now);
            self.tally.count("orphan");
            if process.zombie.is_some() || process.stop_is_news {
                self.post(CHLD, orphan);
            }
        }
        let Some(process) = self.processes.get_mut(&pid) else { return };
        process.zombie = Some(now);
        process.waiting.clear();
        match process.parent {
            US => self.post(CHLD, pid),
            // Some parents reap their children, and others leave that to us.
            OUTSIDE => drop(self.processes.remove(&pid)),
            _ if random.hits(50) => drop(self.processes.remove(&pid)),
            _ => {}
        }
    }

    /// Reaps a child, or this one.
    pub fn reap(&mut self, which: Option<i32>) -> Reaped {
        let is_meant = |pid: &i32| which.is_none_or(|which| which == *pid);
        let mut children =
            self.processes.iter_mut().filter(|(pid, p)| p.parent == US && is_meant(pid)).peekable();
        if children.peek().is_none() {
            return Reaped::Childless;
        }
        let Some((&pid, process)) = children.find(|(_, p)| p.zombie.is_some() || p.stop_is_news)
        else {
            return Reaped::None;
        };
        if process.zombie.is_none() {
            process.stop_is_news = false;
            return Reaped::Stopped(pid);
        }
        let exit = process.exit;
        self.processes.remove(&pid);
        self.tally.count("child reaped");
        Reaped::Child(pid, exit)
    }
}

impl Process {
    fn end_in(&mut self, at: u64, exit: Exit) {
        if self.ends.is_none_or(|ends| at <= ends) {
            self.ends = Some(at);
            self.exit = exit;
        }
    }

    /// When something happens to it by itself.
    fn next(&self) -> Option<u64> {
        if self.zombie.is_some() || self.stopped {
            return None;
        }
        let ends = self.ends.filter(|_| !self.stuck);
        let begins = (!self.waiting.is_empty()).then_some(self.begins);
        [ends, begins].into_iter().flatten().min()
    }
}
