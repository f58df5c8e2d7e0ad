//! What services and aides do by themselves: they are ready, say that they are alive, find out how
//! somebody is.

use pidone::machine::care::Errand;
use pidone::machine::unit::State;
use pidone::machine::{End, Event, Exit, Fault, Pid, Refusal, Request, Step, UnitId};
use pidone::wire::options::Ready;
use pidone::wire::signals::Signal;

use super::care::WATCHDOG_MS;
use super::people::Process;
use super::world::World;

impl World {
    /// Everybody is sent KILL.
    pub fn kill_all(&mut self) {
        let all: Vec<i32> = self.processes.keys().copied().collect();
        all.into_iter().for_each(|pid| self.strike(pid, Signal::KILL));
    }

    /// A child of a child loses its parent, and is ours.
    pub fn orphan(&mut self) {
        if let Some(pid) = self.free_pid() {
            let mut process = self.process(None);
            // It may have been a child of a unit, and write where that does.
            let log = self.processes.values().find_map(|process| process.writes);
            process.writes = log.filter(|_| self.random.hits(50));
            self.processes.insert(pid, process);
        }
    }

    pub fn begin_aide(&mut self, of: Pid, errand: Errand) -> Result<(), String> {
        self.checks.care.begins(of, &self.processes, &self.init)?;
        let refused = self.random.hits(self.weather.fork_refused);
        let Some(pid) = self.free_pid().filter(|_| !refused) else {
            return self.handle(Event::AideRefused { of });
        };
        self.tally.looks += 1;
        let mut aide = self.process(None);
        aide.aide_of = Some(of);
        aide.of_serial = self.processes.get(&of.0).map_or(0, |process| process.serial);
        let hangs = match errand {
            Errand::Await => self.weather.never_ready,
            Errand::Look | Errand::Follow => self.weather.look_hangs,
        };
        let life = self.random.below(3_000);
        aide.ends = (!self.random.hits(hangs)).then_some(self.now + life);
        aide.exit = Exit::Code(u8::from(self.random.hits(self.weather.unwell)));
        self.processes.insert(pid, aide);
        self.handle(Event::AideBegun { of, aide: Pid(pid) })
    }

    /// Sees what an aide leaves behind before the machine is told.
    pub fn aide_ended(&mut self, of: Pid, aide: &Process) {
        if self.processes.get(&of.0).is_none_or(|process| process.serial != aide.of_serial) {
            return;
        }
        let slot = self.init.table().slots().iter().find(|s| s.unit.state.pid() == Some(of));
        let fine = aide.exit == Exit::Code(0);
        match slot.map(|slot| slot.unit.state) {
            Some(State::Starting { .. }) if fine => {
                if let Some(process) = self.processes.get_mut(&of.0) {
                    process.was_ready = true;
                }
            }
            Some(State::Up { .. }) => self.checks.care.ended(of, fine),
            _ => {}
        }
    }

    /// The first process whose time it is says that it is alive, perhaps for the last time.
    pub fn speak(&mut self) -> Result<(), String> {
        let now = self.now;
        let due = |process: &Process| process.speaks.is_some_and(|speaks| speaks <= now);
        let found = self.processes.iter_mut().find(|(_, process)| due(process));
        let (&pid, process) = found.ok_or("nobody speaks")?;
        let last = process.zombie || self.random.hits(self.weather.falls_silent);
        process.speaks = (!last).then_some(now + WATCHDOG_MS / 2);
        self.checks.care.heard(now, Pid(pid));
        self.handle(Event::Notified { pid: Pid(pid), session: Pid(pid), text: b"WATCHDOG=1" })
    }

    /// The first process whose time it is shows that it is ready, in its way.
    pub fn ready(&mut self) -> Result<(), String> {
        let now = self.now;
        let due = |process: &Process| process.ready.is_some_and(|ready| ready <= now);
        let found = self.processes.iter_mut().find(|(_, process)| due(process));
        let (&pid, process) = found.ok_or("nobody is ready")?;
        (process.ready, process.was_ready) = (None, true);
        self.tally.ready += 1;
        process.speaks = Some(now);
        let pid = Pid(pid);
        let slot = self.init.table().slots().iter().find(|s| s.unit.state.pid() == Some(pid));
        if slot.is_some_and(|slot| slot.spec.rules.ready == Ready::Notify) {
            let text = b"STATUS=fine\nREADY=1";
            // It speaks itself, or somebody of its session does.
            let speaker = if self.random.hits(50) { pid } else { Pid(1000) };
            return self.handle(Event::Notified { pid: speaker, session: pid, text });
        }
        self.handle(Event::Ready { pid })
    }

    /// Whoever asks to go down at the end asks until it happens: a restart may begin all anew.
    pub fn again_after_the_end(&mut self, request: Request) {
        if self.requests.is_empty() && matches!(request, Request::Down(_)) {
            let later = self.now + 200_000;
            self.requests.push_back((later, Request::Continue));
            self.requests.push_back((later, Request::Down(End::Reboot)));
        }
    }

    /// An aide sets out to find what a unit left behind; it is the process of the unit meanwhile.
    pub fn follow(&mut self, unit: UnitId) -> Result<(), String> {
        let refused = self.random.hits(self.weather.fork_refused);
        let Some(pid) = self.free_pid().filter(|_| !refused) else {
            let refusal = Refusal::Fault(Fault { step: Step::Fork, errno: 11 });
            return self.handle(Event::Refused { unit, refusal });
        };
        let mut aide = self.process(Some(self.key(unit)?));
        aide.finds = true;
        aide.ends = Some(self.now + self.random.below(10_000));
        aide.exit = Exit::Code(1);
        self.processes.insert(pid, aide);
        self.handle(Event::Spawned { unit, pid: Pid(pid) })
    }

    /// An aide of that kind has ended: it may have found a daemon, which lives from now on.
    pub fn find(&mut self, aide: &mut Process) {
        let good = aide.finds && aide.exit == Exit::Code(1);
        if !good || self.random.hits(self.weather.never_ready) {
            return;
        }
        if let Some(pid) = self.free_pid() {
            let mut daemon = self.process(aide.key.clone());
            daemon.was_ready = true;
            self.processes.insert(pid, daemon);
            self.tally.followed += 1;
            (aide.exit, aide.fault) = (Exit::Code(120), Some(Fault::found(pid as u32)));
        }
    }
}
