//! One checker a promise. A checker knows the world, what the machine wants and what it shows of
//! its state; it never asks the machine whether all is well.

use std::collections::{BTreeMap, HashMap, VecDeque};

use pidone::machine::init::{Init, Phase};
use pidone::machine::readers::DRAIN_MS;
use pidone::machine::shutdown::{KILL_WAIT_MS, LAST_MS, TERM_WAIT_MS};
use pidone::machine::table::Slot;
use pidone::machine::unit::State;
use pidone::machine::{Event, Pid, Request, Sink, Told, UnitId};
use pidone::wire::inittab::Kind;
use pidone::wire::signals::Signal;

use super::care::Care;
use super::people::Process;
use super::readers::Readers;
use super::ties;
use super::world::is_down;

/// The span in which starts of one unit are counted, and how many there may be in it. Doubling
/// from 37 ms (50 ms less the jitter) passes ten seconds with the tenth start; a fork that is
/// refused is not a start.
const SPAN_MS: u64 = 10_000;
const STARTS_MAX: usize = 14;

/// How often the machine may wake up in a second: units and sinks have some wake-ups of their
/// own, processes die, but a loop that spins makes thousands.
const WAKES_MAX: usize = 400;

#[derive(Default)]
pub struct Checks {
    starts: HashMap<String, VecDeque<u64>>,
    wakes: VecDeque<u64>,
    /// When each process was first asked to stop, and its grace.
    asked: HashMap<i32, (u64, u64)>,
    /// The process that was reaped last, if it had been asked to stop.
    stopped: Option<i32>,
    paused: bool,
    /// The sysinit and wait lines have been seen to be over.
    booted: bool,
    /// When the way down began, and how long it may take.
    down: Option<(u64, u64)>,
    /// What has to be heard of each process that was reaped.
    unheard: Vec<String>,
    pub lost: u64,
    pub care: Care,
    pub readers: Readers,
}

impl Checks {
    /// Sees what the machine is about to be told.
    pub fn event(&mut self, event: &Event<'_>) {
        if matches!(event, Event::TextEnd | Event::TextFailed { .. }) {
            self.readers.read_anew();
        }
        match event {
            Event::Requested(Request::Pause) => self.paused = true,
            Event::Requested(Request::Continue) => self.paused = false,
            // A new table is a new deal for every unit.
            Event::Requested(Request::Reload) | Event::TextEnd => self.starts.clear(),
            Event::NotReplaced(_) => {
                self.down = None;
                self.paused = false;
                self.booted = false;
                self.asked.clear();
                self.starts.clear();
            }
            _ => {}
        }
    }

    /// Somebody wanted something of a unit: its starts are a new deal.
    pub fn commanded(&mut self) {
        self.starts.clear();
    }

    /// Sees what the machine made of it: once the boot is over, or the way
    /// down begun, that counts.
    pub fn handled(&mut self, now: u64, init: &Init<'_>) {
        let read = !matches!(init.phase(), Phase::Fresh);
        self.booted |= read && !is_open(Kind::Sysinit, init) && !is_open(Kind::Wait, init);
        if is_down(init) && self.down.is_none() {
            self.down = Some((now, bound(init)));
            self.starts.clear();
        }
    }

    /// A unit is to be started: it has no process, its turn has come, and not too often.
    pub fn wants_start(
        &mut self,
        now: u64,
        key: &str,
        unit: UnitId,
        processes: &BTreeMap<i32, Process>,
        init: &Init<'_>,
    ) -> Result<(), String> {
        // A process that is being stopped may belong to another unit by now: its line was changed,
        // and then its old words came back as a new line. An aide that finds a daemon is waited
        // for, and the daemon is asked when it was found.
        let elsewhere = |pid: &i32| {
            let owner = init.table().first(|s| s.unit.state.pid() == Some(Pid(*pid)));
            let finds = |owner| {
                let state = init.table().slot(owner).map(|slot| slot.unit.state);
                matches!(state, Some(State::Following { then: Some(_), .. }))
            };
            let stops = |owner| self.asked.contains_key(pid) || finds(owner);
            owner.is_some_and(|owner| owner != unit && stops(owner))
        };
        let live = processes.iter().find(|(pid, process)| {
            process.key.as_deref() == Some(key) && !process.unkillable && !elsewhere(pid)
        });
        if let Some((pid, _)) = live {
            return Err(format!("{key} is started while {pid} of it lives"));
        }
        let slot = init.table().slot(unit).ok_or("no unit")?;
        if slot.spec.barred || !slot.spec.listed {
            return Err(format!("{key} must not run"));
        }
        self.turn(key, slot.spec.kind, init)?;
        if is_down(init) {
            self.readers.lines_begin(processes)?;
        }
        let field = String::from_utf8_lossy(init.table().text(slot.spec.options)).into_owned();
        let count = field.split(',').find_map(|option| option.strip_prefix("count="));
        let count = count.map_or(1, |count| count.parse().unwrap());
        if slot.spec.instance >= count {
            return Err(format!("{key} is one more than the {count} there may be"));
        }
        ties::may_start(init, unit)?;
        let starts = self.starts.entry(key.into()).or_default();
        starts.push_back(now);
        while starts.front().is_some_and(|t| t + SPAN_MS < now) {
            starts.pop_front();
        }
        let most = match slot.spec.rules.delay {
            0 => SPAN_MS as usize / 10 + 2,
            1..100 => 2 * STARTS_MAX,
            _ => STARTS_MAX,
        };
        if starts.len() > most {
            return Err(format!("{key} is started {} times in {SPAN_MS} ms", starts.len()));
        }
        Ok(())
    }

    fn turn(&mut self, key: &str, kind: Kind, init: &Init<'_>) -> Result<(), String> {
        let open = |kind| is_open(kind, init);
        match (init.phase(), kind) {
            (Phase::Down { .. }, Kind::Shutdown) => Ok(()),
            (Phase::Down { .. }, _) => Err(format!("{key} is started on the way down")),
            (_, _) if self.paused => Err(format!("{key} is started in spite of the pause")),
            (Phase::Boot(_), Kind::Wait) if open(Kind::Sysinit) => {
                Err(format!("{key} does not wait"))
            }
            (_, Kind::Once | Kind::Respawn | Kind::AskFirst) if !self.booted => {
                self.booted = !open(Kind::Sysinit) && !open(Kind::Wait);
                let early = Err(format!("{key} is started before the boot is over"));
                if self.booted { Ok(()) } else { early }
            }
            (Phase::Run, Kind::Sysinit | Kind::Wait) => {
                Err(format!("{key} is started after the boot"))
            }
            (_, Kind::Shutdown | Kind::Restart) => Err(format!("{key} is started out of turn")),
            _ => Ok(()),
        }
    }

    /// A signal goes to the process of that unit and to no other; KILL only when it is time.
    pub fn signals(
        &mut self,
        now: u64,
        unit: UnitId,
        pid: Pid,
        signal: Signal,
        processes: &BTreeMap<i32, Process>,
        init: &Init<'_>,
    ) -> Result<(), String> {
        let table = init.table();
        let slot = table.slot(unit).ok_or("a signal for no unit")?;
        let text = |t| String::from_utf8_lossy(table.text(t)).into_owned();
        let key = format!("{}|{}", text(slot.spec.command), text(slot.spec.tty));
        if slot.unit.state.pid() != Some(pid) {
            return Err(format!("{pid:?} is signalled for {key}, whose process it is not"));
        }
        let process = processes.get(&pid.0).ok_or(format!("{pid:?} is nobody's child of ours"))?;
        // A unit whose line was changed keeps its process until that has stopped.
        if process.key.is_none() {
            return Err(format!("{pid:?} is signalled for {key} but is {process:?}"));
        }
        if signal != Signal::KILL {
            ties::may_stop(init, unit)?;
        }
        if signal == Signal::KILL && !is_down(init) {
            let (asked, grace) =
                *self.asked.get(&pid.0).ok_or(format!("{key} is killed unasked"))?;
            if now < asked + grace {
                return Err(format!("{key} is killed before its grace is over"));
            }
        }
        self.asked.entry(pid.0).or_insert((now, u64::from(slot.spec.rules.grace)));
        Ok(())
    }

    /// A process is gone: it must be heard of, and what was remembered of its number goes.
    pub fn reaped(&mut self, pid: i32, process: &Process, init: &Init<'_>) {
        self.stopped = self.asked.remove(&pid).map(|_| pid);
        self.care.forget(pid);
        let known = init.table().slots().iter().any(|s| s.unit.state.pid() == Some(Pid(pid)));
        if known && process.fault.is_none() && !process.finds {
            self.unheard.push(format!("(pid {pid}) ended"));
        }
    }

    /// What a process left behind is seen to: it has just ended, and belongs to nobody.
    pub fn sweeps(
        &mut self,
        pid: Pid,
        kill: bool,
        processes: &BTreeMap<i32, Process>,
        init: &Init<'_>,
    ) -> Result<(), String> {
        let owned = init.table().slots().iter().any(|s| s.unit.state.pid() == Some(pid));
        let asked = self.stopped.take() == Some(pid.0);
        if owned || processes.contains_key(&pid.0) || kill != asked {
            return Err(format!("{pid:?} is swept, kill {kill}, asked to stop {asked}"));
        }
        Ok(())
    }

    /// A message went somewhere.
    pub fn told(&mut self, sink: Sink, told: Told, text: &str) {
        if matches!(sink, Sink::Console | Sink::Everyone) || told != Told::Taken {
            return;
        }
        if let Some(at) = self.unheard.iter().position(|what| text.contains(what.as_str())) {
            self.unheard.remove(at);
        }
        if let Some(rest) = text.split("log: ").nth(1)
            && text.contains("messages lost")
        {
            let count = rest.split(' ').next().and_then(|n| n.parse::<u64>().ok());
            self.lost = self.lost.max(count.unwrap_or(0));
        }
    }

    /// We woke up: not too often.
    pub fn woken(&mut self, now: u64) -> Result<(), String> {
        self.wakes.push_back(now);
        while self.wakes.front().is_some_and(|t| t + 1000 < now) {
            self.wakes.pop_front();
        }
        if self.wakes.len() > WAKES_MAX {
            return Err(format!("woken {} times within a second", self.wakes.len()));
        }
        if let Some((since, span)) = self.down
            && now > since + span
        {
            return Err(format!("not down after {} ms of {span}", now - since));
        }
        Ok(())
    }

    /// Nothing is wanted any more: what the machine believes must be true.
    pub fn settled(
        &mut self,
        now: u64,
        processes: &BTreeMap<i32, Process>,
        init: &Init<'_>,
    ) -> Result<(), String> {
        for slot in init.table().slots() {
            if let Some(Pid(pid)) = slot.unit.state.pid() {
                let process = processes.get(&pid).ok_or(format!("{pid} was lost: {slot:?}"))?;
                if process.key.is_none() {
                    return Err(format!("{pid} is taken for a unit: {slot:?}"));
                }
                let up = matches!(slot.unit.state, State::Up { .. });
                if up && process.waited_for && !process.was_ready {
                    return Err(format!("{pid} is taken for ready: {slot:?}"));
                }
            }
        }
        for (pid, process) in processes {
            let owners = init.table().slots().iter();
            let owners = owners.filter(|s| s.unit.state.pid() == Some(Pid(*pid))).count();
            let forgotten = owners == 0 && !is_down(init) && !process.unkillable;
            if process.key.is_some() && (forgotten || owners > 1) {
                return Err(format!("{pid} has {owners} units: {process:?}"));
            }
        }
        ties::settled(init, self.paused)?;
        self.care.settled(now, processes, init)?;
        self.readers.settled(now, processes, init)?;
        self.overdue(now, processes, init)
    }

    /// Whoever was asked to stop is killed when its grace is over.
    fn overdue(
        &self,
        now: u64,
        processes: &BTreeMap<i32, Process>,
        init: &Init<'_>,
    ) -> Result<(), String> {
        for (pid, (asked, grace)) in &self.asked {
            let stuck = processes.get(pid).is_none_or(|p| p.unkillable);
            if !stuck && now > asked + grace && !is_down(init) {
                return Err(format!("{pid} was asked to stop at {asked} and still runs"));
            }
        }
        Ok(())
    }

    /// The machine goes down: in time.
    pub fn went_down(&mut self, now: u64) -> Result<(), String> {
        match self.down {
            None => Err("it goes down though nobody asked".into()),
            Some((since, span)) if now > since + span => {
                Err(format!("down only after {} ms of {span}", now - since))
            }
            Some(_) => Ok(()),
        }
    }

    /// A line takes our place: one that may.
    pub fn may_replace(&self, unit: UnitId, init: &Init<'_>) -> Result<(), String> {
        let slot = init.table().slot(unit).ok_or("no line takes our place")?;
        let may = slot.spec.kind == Kind::Restart && !slot.spec.barred && slot.spec.listed;
        if may { Ok(()) } else { Err(format!("{slot:?} must not take our place")) }
    }

    /// The world is over: what was not heard was counted.
    pub fn end(&mut self, init: &Init<'_>) -> Result<(), String> {
        self.lost = self.lost.max(u64::from(init.log().losses().0));
        if self.unheard.len() as u64 > self.lost {
            let (count, lost) = (self.unheard.len(), self.lost);
            return Err(format!("{count} unheard but {lost} lost: {:?}", self.unheard));
        }
        Ok(())
    }
}

/// Whether lines of a kind are still to be run.
fn is_open(kind: Kind, init: &Init<'_>) -> bool {
    let table = init.table();
    let runs = |s: &Slot| table.may_run(&s.spec) && !s.unit.state.is_over();
    table.slots().iter().any(|s| s.spec.kind == kind && runs(s))
}

/// How long the way down may take, by the sum of its waits.
fn bound(init: &Init<'_>) -> u64 {
    let slots = init.table().slots();
    let grace = slots.iter().map(|s| u64::from(s.spec.rules.grace)).max().unwrap_or(0);
    let lines = slots.iter().filter(|s| s.spec.kind == Kind::Shutdown);
    let (kill, last) = (u64::from(KILL_WAIT_MS), u64::from(LAST_MS));
    let lines: u64 = lines.map(|s| u64::from(s.spec.rules.grace) + last + kill).sum();
    let drain = u64::from(DRAIN_MS);
    ties::chain(init)
        + grace
        + drain
        + 2 * kill
        + lines
        + u64::from(TERM_WAIT_MS)
        + 4 * last
        + kill
        + 1000
}
