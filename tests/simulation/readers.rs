//! The readers of logs: what they do by themselves, and the promises about them.

use std::collections::{BTreeMap, HashMap, VecDeque};

use pidone::machine::init::{Init, Phase};
use pidone::machine::readers::{DRAIN_MS, LogId};
use pidone::machine::shutdown::Stage;
use pidone::machine::table::Slot;
use pidone::machine::{Event, Exit, Pid, UnitId};
use pidone::wire::signals::Signal;

use super::people::Process;
use super::world::{World, is_down};

/// So many readers of one log are begun in a second at most: twenty that lived for a while, and
/// before them those that did not.
const STARTS_MAX: usize = 30;

/// The longest that a log has no reader while somebody writes to it, in milliseconds.
const GAP_MS: u64 = 1_000;

/// A log as its pipe knows it.
#[derive(Default)]
struct Log {
    /// Our end to write to is open.
    open: bool,
    /// Somebody has written, and nobody has read to the end.
    unread: bool,
    /// When it had a reader last, or got its first writer.
    gone: u64,
    /// When its reader was told to end.
    told: Option<u64>,
    /// What the last reader was begun with.
    options: Vec<Option<String>>,
    /// An inittab has been read since.
    read_anew: bool,
    starts: VecDeque<u64>,
}

/// What was seen of logs.
#[derive(Default)]
pub struct Readers {
    logs: HashMap<usize, Log>,
}

/// What a unit's line says of its log.
fn options(init: &Init<'_>, slot: &Slot) -> Vec<Option<String>> {
    let field = String::from_utf8_lossy(init.table().text(slot.spec.options)).into_owned();
    let option = |key: &str| field.split(',').rev().find_map(|o| o.strip_prefix(key));
    let mut all =
        ["log=", "log-size=", "log-keep="].map(|key| option(key).map(str::to_owned)).to_vec();
    if option("log=").is_some_and(|log| log.starts_with("syslog")) {
        let base = String::from_utf8_lossy(init.table().text(slot.spec.name.base)).into_owned();
        all.push(Some(format!("{base} {}", init.table().line_ordinal(&slot.spec))));
    }
    all
}

/// Whether a unit has a process and writes to a log.
fn is_written(init: &Init<'_>, log: usize) -> bool {
    let writes = |slot: &Slot| {
        slot.spec.log.is_some_and(|of| of.place() == log) && slot.unit.state.is_live()
    };
    init.table().first(writes).is_some()
}

/// The process that reads a log, but for one that was killed.
fn reader(processes: &BTreeMap<i32, Process>, log: usize) -> Option<i32> {
    let reads = |process: &Process| process.reads == Some(log) && !process.killed;
    processes.iter().find(|(_, process)| reads(process)).map(|(&pid, _)| pid)
}

impl Readers {
    fn log(&mut self, log: usize) -> &mut Log {
        self.logs.entry(log).or_default()
    }

    /// An inittab has been read: readers may have something else to do.
    pub fn read_anew(&mut self) {
        self.logs.values_mut().for_each(|log| log.read_anew = true);
    }

    /// A unit that writes to a log has been started.
    pub fn opened(&mut self, now: u64, log: usize) {
        let log = self.log(log);
        if !log.open {
            (log.gone, log.told) = (now, None);
        }
        (log.open, log.unread) = (true, true);
    }

    fn begins(
        &mut self,
        now: u64,
        log: usize,
        unit: UnitId,
        processes: &BTreeMap<i32, Process>,
        init: &Init<'_>,
    ) -> Result<(), String> {
        let late = |stage| !matches!(stage, Stage::Units);
        if matches!(init.phase(), Phase::Down { stage, .. } if late(stage)) {
            return Err(format!("a reader is begun in {:?}", init.phase()));
        }
        if let Some(pid) = reader(processes, log) {
            return Err(format!("log {log} is read by {pid} and gets another reader"));
        }
        let slot = init.table().slot(unit).ok_or("no unit")?;
        if slot.spec.log != LogId::at(log) {
            return Err(format!("log {log} is read for {slot:?}"));
        }
        let options = options(init, slot);
        let log = self.log(log);
        (log.options, log.read_anew) = (options, false);
        log.starts.push_back(now);
        while log.starts.front().is_some_and(|start| start + 1000 < now) {
            log.starts.pop_front();
        }
        match log.starts.len() {
            ..=STARTS_MAX => Ok(()),
            many => Err(format!("{many} readers of a log are begun within a second")),
        }
    }

    fn signals(
        &mut self,
        now: u64,
        log: usize,
        signal: Signal,
        init: &Init<'_>,
    ) -> Result<(), String> {
        let in_time = matches!(init.phase(), Phase::Down { stage: Stage::Units, .. });
        let told = self.log(log).told;
        match signal {
            Signal::TERM if !is_down(init) || is_written(init, log) => {
                Err(format!("the reader of log {log} is told to end before its units"))
            }
            Signal::KILL if in_time && told.is_none_or(|t| now < t + u64::from(DRAIN_MS)) => {
                Err(format!("the reader of log {log} is killed before its time"))
            }
            Signal::KILL if is_down(init) => {
                self.log(log).unread = false;
                Ok(())
            }
            Signal::TERM => {
                self.log(log).told.get_or_insert(now);
                Ok(())
            }
            _ => {
                let log = self.log(log);
                log.gone = now;
                if log.read_anew { Ok(()) } else { Err("a reader is killed for nothing".into()) }
            }
        }
    }

    fn closes(
        &mut self,
        log: usize,
        whole: bool,
        processes: &BTreeMap<i32, Process>,
        init: &Init<'_>,
    ) -> Result<(), String> {
        if is_written(init, log) {
            return Err(format!("log {log} is closed while a unit writes to it"));
        }
        let late = matches!(init.phase(), Phase::Down { stage, .. } if stage != Stage::Units);
        if whole && !late && (self.log(log).unread || reader(processes, log).is_some()) {
            return Err(format!("log {log} is forgotten and was not read to its end"));
        }
        self.log(log).open = false;
        if whole {
            self.logs.remove(&log);
        }
        Ok(())
    }

    /// A reader has ended.
    pub fn ended(&mut self, now: u64, log: usize, exit: Exit) {
        let log = self.log(log);
        log.gone = now;
        if exit == Exit::Code(0) || exit == Exit::Signal(Signal::TERM) {
            log.unread = false;
        }
    }

    /// Lines are begun on the way down: nobody reads any more who was not killed.
    pub fn lines_begin(&self, processes: &BTreeMap<i32, Process>) -> Result<(), String> {
        match processes.iter().find(|(_, p)| p.reads.is_some() && !p.killed) {
            Some((pid, _)) => Err(format!("lines are begun while {pid} reads")),
            None => Ok(()),
        }
    }

    /// Nothing is wanted any more: whoever writes is read, by what the lines say now.
    pub fn settled(
        &self,
        now: u64,
        processes: &BTreeMap<i32, Process>,
        init: &Init<'_>,
    ) -> Result<(), String> {
        for slot in init.table().slots().iter().filter(|_| init.phase() == Phase::Run) {
            let (Some(place), true) = (slot.spec.log.map(LogId::place), slot.unit.state.is_live())
            else {
                continue;
            };
            let stuck = |process: &Process| process.reads == Some(place) && process.unkillable;
            if processes.values().any(stuck) {
                continue;
            }
            let reader = reader(processes, place);
            let Some(log) = self.logs.get(&place) else { continue };
            if reader.is_none() && now > log.gone + GAP_MS {
                return Err(format!(
                    "log {place} of {slot:?} has had no reader since {}",
                    log.gone
                ));
            }
            let first = init.table().slots().iter().find(|s| s.spec.log == slot.spec.log);
            let says = |first: &Slot| options(init, first) != log.options;
            if reader.is_some() && first.is_some_and(says) {
                return Err(format!("log {place} is read by {:?}", log.options));
            }
        }
        Ok(())
    }
}

impl World {
    pub fn begin_reader(&mut self, log: LogId, unit: UnitId) -> Result<(), String> {
        self.checks.readers.begins(self.now, log.place(), unit, &self.processes, &self.init)?;
        let refused = self.random.hits(self.weather.fork_refused);
        let Some(pid) = self.free_pid().filter(|_| !refused) else {
            self.checks.readers.log(log.place()).gone = self.now;
            return self.handle(Event::ReaderRefused { log, errno: 11 });
        };
        self.tally.readers += 1;
        // Our end to write to is there whenever a reader is begun.
        self.checks.readers.log(log.place()).open = true;
        let mut process = self.process(None);
        process.reads = Some(log.place());
        process.exit = if self.random.hits(50) { Exit::Code(111) } else { Exit::Signal(Signal(9)) };
        // Most live until there is nothing left to read.
        process.ends = process.ends.filter(|_| self.random.hits(self.weather.dies_early));
        self.processes.insert(pid, process);
        self.handle(Event::ReaderBegun { log, pid: Pid(pid) })
    }

    pub fn signal_reader(&mut self, log: LogId, pid: Pid, signal: Signal) -> Result<(), String> {
        let process = self.processes.get_mut(&pid.0).ok_or("no such reader")?;
        if process.reads != Some(log.place()) {
            return Err(format!("{pid:?} does not read {log:?}: {process:?}"));
        }
        process.killed |= signal == Signal::KILL;
        self.checks.readers.signals(self.now, log.place(), signal, &self.init)?;
        self.strike(pid.0, signal);
        self.handle(Event::ReaderSignalled { log })
    }

    pub fn close_log(&mut self, log: LogId, whole: bool) -> Result<(), String> {
        self.checks.readers.closes(log.place(), whole, &self.processes, &self.init)?;
        self.handle(Event::LogClosed { log })
    }

    /// Readers of pipes that nobody can write to any more come to the end, unless they hang.
    pub fn let_readers_end(&mut self) {
        let writes: Vec<usize> = self.processes.values().filter_map(|p| p.writes).collect();
        let at_end = |log: usize, readers: &Readers| {
            !writes.contains(&log) && readers.logs.get(&log).is_some_and(|log| !log.open)
        };
        for process in self.processes.values_mut() {
            let hangs = process.ignores_term || process.unkillable || process.zombie;
            if process.reads.is_some_and(|log| at_end(log, &self.checks.readers)) && !hangs {
                process.ends = Some(self.now);
                if !process.killed {
                    process.exit = Exit::Code(0);
                }
            }
        }
    }
}
