//! The fake kernel and the loop of PID 1 on it.

use std::collections::{BTreeMap, VecDeque};

use pidone::machine::init::{Init, Phase};
use pidone::machine::memory::Memory;
use pidone::machine::readers::LogId;
use pidone::machine::time::Instant;
use pidone::machine::{Action, End, Event, Exit, Fault, Mode, Pid, Refusal, Request, Step, UnitId};
use pidone::wire::options::Ready;
use pidone::wire::signals::Signal;

use super::checks::Checks;
use super::people::{Process, Tally};
use super::random::Random;
use super::scenario::{Weather, inittab, request};
use super::status;

/// Numbers run from 2 to this and then begin again.
const PID_LAST: i32 = 40;

/// The time, in milliseconds, after which a world comes to its end if nobody asked for it.
const LIFE_MS: u64 = 240_000;

pub struct World {
    pub now: u64,
    pub processes: BTreeMap<i32, Process>,
    pub checks: Checks,
    pub tally: Tally,
    pub init: Init<'static>,
    pub random: Random,
    pub weather: Weather,
    last_pid: i32,
    pub requests: VecDeque<(u64, Request)>,
    /// Something is watched for, and when it comes.
    appears: Option<u64>,
    pub rebooted: bool,
    pub trace: bool,
}

impl World {
    pub fn new(seed: u64, trace: bool) -> Self {
        let mut random = Random::new(seed);
        let weather = Weather::new(&mut random);
        let mut requests: Vec<(u64, Request)> =
            (0..random.below(14)).map(|_| (random.below(LIFE_MS), request(&mut random))).collect();
        requests.push((LIFE_MS, Request::Continue));
        requests.push((LIFE_MS, Request::Down(End::Reboot)));
        requests.sort_by_key(|r| r.0);
        World {
            now: 1000,
            processes: BTreeMap::new(),
            checks: Checks::default(),
            tally: Tally::default(),
            init: Init::new(Box::leak(Box::new(Memory::new()))),
            random,
            weather,
            last_pid: 1,
            requests: requests.into(),
            appears: None,
            rebooted: false,
            trace,
        }
    }

    /// Plays the world to its reboot.
    pub fn play(&mut self) -> Result<Tally, String> {
        let mode = if self.random.hits(3) { Mode::Single } else { Mode::Inittab };
        let seed = self.random.next() as u32;
        self.handle(Event::Boot { mode, seed })?;
        while !self.rebooted {
            self.act()?;
            if self.rebooted {
                break;
            }
            self.checks.settled(self.now, &self.processes, &self.init)?;
            if self.random.hits(1) {
                self.tally.asked += status::ask(self)?;
            }
            if self.random.hits(1) && status::command(self)? {
                self.tally.commanded += 1;
                continue;
            }
            self.wait()?;
        }
        self.checks.end(&self.init)?;
        self.tally.lost = self.checks.lost;
        Ok(std::mem::take(&mut self.tally))
    }

    pub fn handle(&mut self, event: Event<'_>) -> Result<(), String> {
        if self.trace {
            println!("{:>7} {event:?}", self.now);
        }
        let now = Instant::from_millis(self.now);
        self.checks.event(&event);
        self.init.handle(now, event);
        self.checks.handled(self.now, &self.init);
        Ok(())
    }

    /// Does everything that is wanted, as the loop of PID 1 does.
    fn act(&mut self) -> Result<(), String> {
        let mut count = 0;
        while let Some(action) = self.init.next_action() {
            if self.trace {
                println!("{:>7}     {action:?}", self.now);
            }
            count += 1;
            if count > 5000 {
                return Err(format!("{action:?} is wanted for ever at {}", self.now));
            }
            self.deed(action)?;
            if self.rebooted {
                return Ok(());
            }
        }
        Ok(())
    }

    fn deed(&mut self, action: Action) -> Result<(), String> {
        match action {
            Action::ReadTable => self.read_table(),
            Action::Answer => Err("an answer to nobody".into()),
            Action::Spawn { unit } => self.spawn(unit),
            Action::Sweep { pid, kill, .. } => {
                self.checks.sweeps(pid, kill, &self.processes, &self.init)?;
                self.handle(Event::Swept)
            }
            Action::BeginReader { log, unit } => self.begin_reader(log, unit),
            Action::SignalReader { log, pid, signal } => self.signal_reader(log, pid, signal),
            Action::CloseLog { log, whole } => self.close_log(log, whole),
            Action::Follow { unit, .. } => self.follow(unit),
            Action::BeginAide { of, errand, .. } => self.begin_aide(of, errand),
            Action::EndAide { aide } => {
                let process = self.processes.get_mut(&aide.0).ok_or("no such aide")?;
                process.aide_of.ok_or(format!("{aide:?} is no aide"))?;
                process.killed = true;
                self.strike(aide.0, Signal::KILL);
                self.handle(Event::AideKilled { aide })
            }
            Action::Signal { unit, pid, signal, hangup: _ } => self.signal(unit, pid, signal),
            Action::TermAll => {
                let any = !self.processes.is_empty();
                let all: Vec<i32> = self.processes.keys().copied().collect();
                all.into_iter().for_each(|pid| self.strike(pid, Signal::TERM));
                self.handle(Event::SignalledAll { any })
            }
            Action::Record(_) => self.record(),
            Action::Last(step) => self.last(step),
            Action::Tell(sink) => self.tell(sink),
            Action::Replace { unit } => {
                self.tally.replaced += 1;
                self.checks.may_replace(unit, &self.init)?;
                self.checks.went_down(self.now)?;
                if self.random.hits(50) {
                    self.rebooted = true;
                    return Ok(());
                }
                let fault = Fault { step: Step::Exec, errno: 2 };
                self.handle(Event::NotReplaced(fault))
            }
            Action::Leave { .. } => {
                self.rebooted = true;
                Ok(())
            }
        }
    }

    /// A record that is written, on a dead file system for ever.
    fn record(&mut self) -> Result<(), String> {
        let refused = self.random.hits(self.weather.fork_refused);
        let pid = self.free_pid().filter(|_| !refused);
        if let Some(pid) = pid {
            let process = self.process(None);
            self.processes.insert(pid, process);
        }
        self.handle(Event::Recorded { writer: pid.map(Pid) })
    }

    fn read_table(&mut self) -> Result<(), String> {
        self.tally.reloads += 1;
        let lists: [&[u8]; 3] = [b"", b"ttyS0 ", b"tty1 ttyS0 "];
        let list = lists[self.random.below(3) as usize];
        self.handle(Event::Consoles(list))?;
        if self.random.hits(self.weather.inittab_unread) {
            let shell = self.random.hits(50);
            let missing = self.random.hits(50);
            let failed = Event::TextFailed { errno: 5, shell: true };
            return self.handle(if missing {
                Event::TextFailed { errno: 2, shell }
            } else {
                failed
            });
        }
        let text = inittab(&mut self.random);
        if self.trace {
            println!("{text}");
        }
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let piece = 1 + self.random.below(rest.len() as u64) as usize;
            self.handle(Event::Text(&rest[..piece]))?;
            rest = &rest[piece..];
        }
        if self.random.hits(self.weather.inittab_unread) {
            return self.handle(Event::TextFailed { errno: 5, shell: true });
        }
        self.handle(Event::TextEnd)
    }

    fn spawn(&mut self, unit: UnitId) -> Result<(), String> {
        let slot = *self.init.table().slot(unit).ok_or("a start of no unit")?;
        let table = self.init.table();
        let text = |t| String::from_utf8_lossy(table.text(t)).into_owned();
        let key = self.key(unit)?;
        let (tty, condition) = (text(slot.spec.tty), text(slot.spec.condition));
        let unwanted = !condition.is_empty() && self.random.hits(self.weather.condition_missing);
        self.checks.wants_start(self.now, &key, unit, &self.processes, &self.init)?;
        let refusal = self.refusal(&tty);
        let pid = self.free_pid();
        let (None, Some(pid)) = (refusal, pid) else {
            self.tally.refusals += 1;
            let fork = Refusal::Fault(Fault { step: Step::Fork, errno: 11 });
            return self.handle(Event::Refused { unit, refusal: refusal.unwrap_or(fork) });
        };
        self.tally.spawns += 1;
        let mut process = self.process(Some(key));
        process.writes = slot.spec.log.map(LogId::place);
        if let Some(log) = process.writes {
            self.checks.readers.opened(self.now, log);
        }
        process.waited_for = slot.spec.rules.ready != Ready::AtOnce;
        let by_aide = matches!(slot.spec.rules.ready, Ready::Exit | Ready::Path | Ready::Port);
        let shows = process.waited_for && !by_aide;
        if shows && !self.random.hits(self.weather.never_ready) {
            process.ready = Some(self.now + self.random.below(3_000));
        }
        if unwanted || self.random.hits(self.weather.exec_fails) {
            let step = if unwanted { Step::Condition } else { Step::Exec };
            process.fault = Some(Fault { step, errno: 2 });
            process.exit = Exit::Code(120);
            process.ready = None;
            process.ends = Some(self.now);
        }
        self.processes.insert(pid, process);
        self.handle(Event::Spawned { unit, pid: Pid(pid) })
    }

    /// What a unit is known by: its command, its terminal and its number.
    pub fn key(&self, unit: UnitId) -> Result<String, String> {
        let table = self.init.table();
        let spec = table.slot(unit).ok_or("no unit")?.spec;
        let text = |t| String::from_utf8_lossy(table.text(t)).into_owned();
        Ok(format!("{}|{}|{}", text(spec.command), text(spec.tty), spec.instance))
    }

    fn refusal(&mut self, tty: &str) -> Option<Refusal> {
        let real = !tty.is_empty() && tty != "null";
        if real && self.random.hits(self.weather.terminal_missing) {
            let watched = !self.random.hits(self.weather.watch_refused) && !tty.contains('/');
            self.watch(watched);
            return Some(Refusal::NoTerminal { watched });
        }
        let refused = self.random.hits(self.weather.fork_refused);
        refused.then_some(Refusal::Fault(Fault { step: Step::Fork, errno: 11 }))
    }

    pub fn watch(&mut self, watched: bool) {
        if watched && self.appears.is_none() {
            self.appears = Some(self.now + 1 + self.random.below(30_000));
        }
    }

    /// The next number that no process has, as the kernel gives them out.
    pub fn free_pid(&mut self) -> Option<i32> {
        for _ in 0..PID_LAST {
            self.last_pid = if self.last_pid >= PID_LAST { 2 } else { self.last_pid + 1 };
            if !self.processes.contains_key(&self.last_pid) {
                return Some(self.last_pid);
            }
        }
        None
    }

    pub fn process(&mut self, key: Option<String>) -> Process {
        let early = self.random.hits(self.weather.dies_early);
        let life = self.random.below(if early { 50 } else { 100_000 });
        let at_once = self.weather.dies_at_once;
        let exit = match self.random.below(4) {
            0 => Exit::Code(1),
            1 => Exit::Signal(Signal(11)),
            _ => Exit::Code(0),
        };
        Process {
            key,
            step: None,
            serial: self.tally.spawns << 32 | self.random.below(1 << 32),
            finds: false,
            aide_of: None,
            of_serial: 0,
            reads: None,
            writes: None,
            killed: false,
            speaks: None,
            ready: None,
            waited_for: false,
            was_ready: false,
            ends: match self.random.hits(20) {
                _ if at_once => Some(self.now),
                true => None,
                false => Some(self.now + life),
            },
            exit,
            ignores_term: self.random.hits(self.weather.ignores_term),
            unkillable: self.random.hits(self.weather.unkillable),
            zombie: false,
            fault: None,
        }
    }

    fn signal(&mut self, unit: UnitId, pid: Pid, signal: Signal) -> Result<(), String> {
        self.tally.signals += 1;
        self.tally.kills += u64::from(signal == Signal::KILL);
        self.checks.signals(self.now, unit, pid, signal, &self.processes, &self.init)?;
        self.strike(pid.0, signal);
        self.handle(Event::Signalled { unit })
    }

    /// What a signal does to a process.
    pub fn strike(&mut self, pid: i32, signal: Signal) {
        let slow = self.random.below(400);
        let now = self.now;
        let Some(process) = self.processes.get_mut(&pid) else {
            return;
        };
        let ignored = signal != Signal::KILL && process.ignores_term;
        if !process.zombie && !process.unkillable && !ignored {
            let soon = if signal == Signal::KILL { now } else { now + slow };
            process.ends = Some(process.ends.map_or(soon, |ends| ends.min(soon)));
            process.exit = Exit::Signal(signal);
        }
    }

    /// The one wait: for what comes first of a deadline, a request, a death, a new arrival.
    fn wait(&mut self) -> Result<(), String> {
        self.let_readers_end();
        let deadline = self.init.next_deadline().map(Instant::millis);
        let request = self.requests.front().map(|r| r.0);
        let living = self.processes.values().filter(|p| !p.zombie);
        let death = living.filter_map(|p| p.ends).min();
        let ready = self.processes.values().filter_map(|p| p.ready).min();
        let word = self.processes.values().filter_map(|p| p.speaks).min();
        let next =
            [deadline, request, death, self.appears, ready, word].into_iter().flatten().min();
        let next = next.ok_or(format!("nothing can happen any more: {:?}", self.init.phase()))?;
        self.now = self.now.max(next);
        self.checks.woken(self.now)?;
        if self.random.hits(2) {
            self.orphan();
        }
        if death.is_some_and(|t| t <= self.now) {
            return self.reap();
        }
        if ready.is_some_and(|t| t <= self.now) {
            return self.ready();
        }
        if word.is_some_and(|t| t <= self.now) {
            return self.speak();
        }
        if request.is_some_and(|t| t <= self.now) {
            let (_, request) = self.requests.pop_front().ok_or("no request")?;
            self.again_after_the_end(request);
            return self.handle(Event::Requested(request));
        }
        if self.appears.is_some_and(|t| t <= self.now) {
            self.appears = None;
            if self.random.hits(10) {
                return self.handle(Event::ConsolesChanged);
            }
            return self.handle(Event::Appeared);
        }
        self.handle(Event::Tick)
    }

    /// Everything that has ended is reaped in one go: signals merge.
    fn reap(&mut self) -> Result<(), String> {
        for process in self.processes.values_mut() {
            process.zombie |= process.ends.is_some_and(|ends| ends <= self.now);
        }
        while let Some(pid) = self.first_zombie() {
            let mut process = self.processes.get(&pid).ok_or("no zombie")?.clone();
            self.find(&mut process);
            self.processes.remove(&pid);
            self.tally.exits += 1;
            let (exit, fault) = (process.exit, process.fault);
            self.checks.reaped(pid, &process, &self.init);
            if let Some(log) = process.reads {
                self.checks.readers.ended(self.now, log, exit);
            }
            if let Some(of) = process.aide_of {
                self.aide_ended(of, &process);
            }
            self.handle(Event::Exited { pid: Pid(pid), exit, fault })?;
            self.act()?;
            if self.rebooted {
                return Ok(());
            }
            let now = self.now;
            for process in self.processes.values_mut() {
                process.zombie |= process.ends.is_some_and(|ends| ends <= now);
            }
        }
        if self.processes.is_empty() { self.handle(Event::Childless) } else { Ok(()) }
    }

    fn first_zombie(&self) -> Option<i32> {
        self.processes.iter().find(|(_, p)| p.zombie).map(|(&pid, _)| pid)
    }
}

/// Whether the machine is on its way down.
pub fn is_down(init: &Init<'_>) -> bool {
    matches!(init.phase(), Phase::Down { .. })
}
