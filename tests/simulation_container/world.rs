//! A world: the loop of a container's init on the fake kernel, and what others do to it.

use std::collections::VecDeque;

use pidone::machine::container::{Action, Container, Event, Left};
use pidone::machine::time::Instant;
use pidone::machine::{Exit, Pid};
use pidone::wire::signals::Signal;

use super::checks::Checks;
use super::kernel::{CHLD, CONT, Heed, Kernel, OUTSIDE, Process, Reaped, STOP, US};
use super::random::Random;
use super::scenario::{Deed, LIFE_MS, Weather, deeds};
use super::tally::Tally;
use super::wish::{KILL, TERM, Wish};

/// The most actions that one event may bring.
const ACTIONS_MAX: usize = 12;

/// Whether there may be children that have ended, as the reaper knows it.
#[derive(Clone, Copy, PartialEq)]
enum Children {
    Settled,
    Pending,
    Later(u64),
}

pub struct World {
    kernel: Kernel,
    checks: Checks,
    machine: Container<'static>,
    random: Random,
    weather: Weather,
    deeds: VecDeque<(u64, Deed)>,
    children: Children,
    /// How many actions the machine has wanted.
    actions: u64,
    trace: bool,
}

impl World {
    pub fn new(seed: u64, trace: bool) -> Self {
        let mut random = Random::new(seed);
        let wish = Wish::new(&mut random);
        if trace {
            println!("{wish:?}");
        }
        let plan = Box::leak(Box::new(wish.plan()));
        let weather = Weather::new(&mut random);
        let deeds = deeds(&mut random);
        World {
            kernel: Kernel::new(random.hits(70)),
            checks: Checks::new(wish),
            machine: Container::new(plan),
            random,
            weather,
            deeds,
            children: Children::Settled,
            actions: 0,
            trace,
        }
    }

    /// Plays the world to its end.
    pub fn play(mut self) -> Result<Tally, String> {
        if self.checks.wish.pause {
            self.kernel.tally.count("pause");
            self.handle(Event::Paused)?;
        } else {
            let main = self.main_child();
            let pid = self.kernel.fork(main).ok_or("no number for the main child")?;
            self.handle(Event::Started { pid: Pid(pid) })?;
        }
        while !self.checks.is_over() {
            let deadline = self.machine.next_deadline().map(Instant::millis);
            let put_off = self.children != Children::Settled;
            self.checks.settled(self.kernel.now, deadline, &self.kernel, put_off)?;
            self.wait(deadline)?;
        }
        for _ in 0..self.checks.hastened {
            self.kernel.tally.count("step hastened");
        }
        if self.checks.killed_in_vain() {
            self.kernel.tally.count("code of KILL");
        }
        Ok(self.kernel.tally)
    }

    fn note(&self, what: impl std::fmt::Debug) {
        if self.trace {
            println!("{:>7} {what:?}", self.kernel.now);
        }
    }

    // The processes.

    fn process(&mut self, parent: i32) -> Process {
        let now = self.kernel.now;
        let mut process = Process::new(parent, now + self.random.below(4));
        let after = *self.random.pick(&[0, 1, 20, 400, 3000]);
        process.heed = match self.random.below(3) {
            _ if self.random.hits(self.weather.ignores) => Heed::Ignores,
            0 => Heed::Leaves { after, code: *self.random.pick(&[0, 1, 7, 143, 255]) },
            _ => Heed::Dies { after },
        };
        let life = *self.random.pick(&[0, 3, 500, 5000, 2 * LIFE_MS]);
        process.ends = self.random.hits(70).then_some(now + life);
        process.exit = match self.random.below(5) {
            0 => Exit::Signal(Signal(1 + self.random.below(64) as u8)),
            1 => Exit::Code(*self.random.pick(&[1, 7, 137, 143, 255])),
            _ => Exit::Code(0),
        };
        process.stuck = self.random.hits(self.weather.stuck);
        process.refuses = self.random.hits(self.weather.refuses);
        process
    }

    fn main_child(&mut self) -> Process {
        let mut main = self.process(US);
        // Where nothing but its end ends us, it has to come.
        let wish = &self.checks.wish;
        main.stuck &= wish.has_steps() && wish.meaning(TERM) == Some(TERM);
        if self.random.hits(90) {
            main.ends = main.ends.map(|_| self.kernel.now + self.random.below(LIFE_MS));
        }
        if self.random.hits(self.weather.exec_fails) {
            self.kernel.tally.count("code of an execve that failed");
            main.begins = self.kernel.now + 1 + self.random.below(20);
            main.ends = Some(main.begins);
            main.exit = Exit::Code(*self.random.pick(&[126, 127]));
        }
        main
    }

    // What others do.

    fn others_do(&mut self) {
        while self.deeds.front().is_some_and(|(at, _)| *at <= self.kernel.now) {
            let Some((_, deed)) = self.deeds.pop_front() else { return };
            self.note(deed);
            match deed {
                Deed::Ask(signal) => {
                    self.kernel.tally.count("signal");
                    self.kernel.post(signal, 99);
                }
                Deed::Forge => {
                    let pid = self.random.below(16) as i32 - 1;
                    self.kernel.post(CHLD, pid);
                }
                Deed::Fork => self.somebody_forks(),
                Deed::Enter => {
                    self.kernel.tally.count("foreigner");
                    let foreigner = self.process(OUTSIDE);
                    self.kernel.fork(foreigner);
                }
                Deed::Strike(signal) => {
                    if let Some(pid) = self.checks.main {
                        if signal == STOP {
                            self.kernel.tally.count("main child stopped");
                        }
                        self.kernel.strike(pid, signal);
                    }
                }
            }
        }
        self.kernel.settle(&mut self.random);
    }

    fn somebody_forks(&mut self) {
        let living = self.kernel.processes.iter().filter(|(_, p)| p.zombie.is_none());
        let parents: Vec<i32> = living.map(|(pid, _)| *pid).collect();
        if parents.is_empty() {
            return;
        }
        let parent = *self.random.pick(&parents);
        let mut child = self.process(parent);
        if self.random.hits(50) {
            child.group = self.kernel.processes[&parent].group;
        }
        self.kernel.fork(child);
    }

    /// Time goes by, up to this and no further than something happens.
    fn pass(&mut self, to: u64) {
        loop {
            self.others_do();
            let deed = self.deeds.front().map(|(at, _)| *at);
            let next = [deed, self.kernel.next_happening()].into_iter().flatten().min();
            match next.filter(|next| *next <= to) {
                Some(next) => self.kernel.now = self.kernel.now.max(next),
                None => break,
            }
        }
        self.kernel.now = self.kernel.now.max(to);
    }

    // The loop.

    /// The one wait.
    fn wait(&mut self, deadline: Option<u64>) -> Result<(), String> {
        loop {
            self.others_do();
            if self.random.hits(self.weather.early) {
                self.early()?;
            }
            let now = self.kernel.now;
            if deadline.is_some_and(|deadline| deadline <= now) {
                return self.time();
            }
            let put_off = match self.children {
                Children::Settled => None,
                Children::Pending => {
                    return match self.kernel.take_signal(false) {
                        Some((signal, _)) => self.asked(signal),
                        None => self.look(),
                    };
                }
                Children::Later(at) if at <= now => return self.look(),
                Children::Later(at) => Some(at),
            };
            if let Some((signal, pid)) = self.kernel.take_signal(true) {
                return if signal == CHLD { self.heard_of(pid) } else { self.asked(signal) };
            }
            let deed = self.deeds.front().map(|(at, _)| *at);
            let next = [deadline, put_off, deed, self.kernel.next_happening()];
            let next = next.into_iter().flatten().min();
            let next = next.ok_or("nothing can happen any more, and the container goes on")?;
            self.kernel.now = now.max(next);
        }
    }

    /// Something that is no signal and no deadline has woken us.
    fn early(&mut self) -> Result<(), String> {
        let deadline = self.machine.next_deadline().map(Instant::millis);
        if deadline.is_some_and(|deadline| deadline <= self.kernel.now) {
            return Ok(());
        }
        self.kernel.tally.count("early wake-up");
        let before = self.actions;
        self.handle(Event::Tick)?;
        if self.actions > before { Err("a time is over before it is".into()) } else { Ok(()) }
    }

    fn time(&mut self) -> Result<(), String> {
        let before = self.actions;
        self.look()?;
        if self.checks.is_over() {
            return Ok(());
        }
        self.handle(Event::Tick)?;
        if self.actions > before { Ok(()) } else { Err("a deadline is over for nothing".into()) }
    }

    fn asked(&mut self, signal: u8) -> Result<(), String> {
        self.handle(Event::Asked(Signal(signal)))
    }

    /// As `sys::reap` does it.
    fn heard_of(&mut self, pid: i32) -> Result<(), String> {
        if pid > 0 {
            let reaped = self.kernel.reap(Some(pid));
            self.each(reaped)?;
        }
        if self.children == Children::Settled && !self.checks.is_over() {
            if !self.random.hits(self.weather.put_off) {
                return self.look();
            }
            self.kernel.tally.count("look put off");
            self.children = Children::Later(self.kernel.now + 1 + self.random.below(50));
        }
        Ok(())
    }

    fn look(&mut self) -> Result<(), String> {
        self.children = Children::Pending;
        for _ in 0..self.weather.batch {
            match self.kernel.reap(None) {
                reaped @ (Reaped::Child(..) | Reaped::Stopped(_)) => {
                    self.kernel.tally.count("child reaped behind a merged signal");
                    self.each(reaped)?;
                }
                Reaped::None => {
                    self.children = Children::Settled;
                    return Ok(());
                }
                Reaped::Childless => {
                    self.children = Children::Settled;
                    return self.handle(Event::Childless);
                }
            }
            if self.checks.is_over() {
                return Ok(());
            }
        }
        self.kernel.tally.count("batch full");
        Ok(())
    }

    fn each(&mut self, reaped: Reaped) -> Result<(), String> {
        match reaped {
            Reaped::Child(pid, exit) => self.handle(Event::Exited { pid: Pid(pid), exit }),
            Reaped::Stopped(pid) => self.handle(Event::Stopped { pid: Pid(pid) }),
            Reaped::None | Reaped::Childless => Ok(()),
        }
    }

    /// Tells the machine and does everything that it wants.
    fn handle(&mut self, event: Event) -> Result<(), String> {
        self.tell(event);
        for _ in 0..ACTIONS_MAX {
            let Some(action) = self.machine.next_action() else { return Ok(()) };
            self.note(action);
            self.actions += 1;
            self.checks.action(self.kernel.now, &action, &self.kernel)?;
            if self.checks.is_over() {
                self.count_the_end();
                return Ok(());
            }
            if self.random.hits(20) {
                let meanwhile = self.random.below(3);
                self.pass(self.kernel.now + meanwhile);
            }
            let outcome = self.act(action);
            self.tell(outcome);
        }
        Err("there is no end to what is wanted".into())
    }

    fn tell(&mut self, event: Event) {
        self.note(event);
        self.checks.event(self.kernel.now, &event);
        self.machine.handle(Instant::from_millis(self.kernel.now), event);
    }

    // The deeds.

    fn act(&mut self, action: Action) -> Event {
        match action {
            Action::Tell(_) => Event::Told,
            Action::Relay { to, signal } => self.relay(to.0, signal.0),
            Action::Farewell { group, signal } => {
                self.kernel.tally.count("farewell");
                self.strike_group(group.0, signal.0);
                Event::Relayed { errno: None }
            }
            Action::Halt { .. } => {
                self.kernel.tally.count("halt");
                if !self.kernel.first {
                    let later = self.kernel.now + self.random.below(40);
                    self.pass(later);
                    self.kernel.post(CONT, 99);
                }
                Event::Resumed
            }
            Action::Hook => self.hook(),
            Action::Everybody { main, signal } => self.everybody(main.map(|pid| pid.0), signal.0),
            Action::Look => {
                self.kernel.tally.count("look for foreigners");
                Event::Looked { any: !self.kernel.visible().is_empty() }
            }
            Action::Leave { .. } => unreachable!(),
        }
    }

    fn strike_group(&mut self, group: i32, signal: u8) -> bool {
        let members = self.kernel.members(group);
        for pid in &members {
            self.kernel.strike(*pid, signal);
        }
        !members.is_empty()
    }

    fn relay(&mut self, to: i32, signal: u8) -> Event {
        if self.random.hits(self.weather.relay_fails) {
            self.kernel.tally.count("relay refused");
            let errno = *self.random.pick(&[1, 3]);
            self.checks.refused(signal, errno);
            return Event::Relayed { errno: Some(errno) };
        }
        self.kernel.tally.count("relay");
        if !self.checks.wish.group || !self.strike_group(to, signal) {
            self.kernel.strike(to, signal);
        }
        Event::Relayed { errno: None }
    }

    fn hook(&mut self) -> Event {
        let mut hook = self.process(US);
        if !self.checks.wish.has_steps() {
            // Without steps nothing but its end brings the stop on.
            hook.stuck = false;
            hook.ends = hook.ends.or(Some(self.kernel.now + 3000));
        }
        if hook.exit != Exit::Code(0) {
            self.kernel.tally.count("hook failed");
        }
        let refused = self.random.hits(self.weather.hook_refused);
        match self.kernel.fork(hook).filter(|_| !refused) {
            Some(pid) => {
                self.kernel.tally.count("hook");
                Event::Hooked(Ok(Pid(pid)))
            }
            None => {
                self.kernel.tally.count("hook refused");
                Event::Hooked(Err(11))
            }
        }
    }

    /// As `sys::container::kin` does it.
    fn everybody(&mut self, main: Option<i32>, signal: u8) -> Event {
        self.kernel.tally.count(if signal == KILL { "KILL" } else { "step" });
        let visible = self.kernel.visible();
        for pid in &visible {
            if self.kernel.processes[pid].refuses && main != Some(*pid) {
                continue;
            }
            self.kernel.strike(*pid, signal);
            if signal != KILL {
                self.kernel.strike(*pid, CONT);
            }
        }
        self.kernel.settle(&mut self.random);
        self.checks.stepped(self.kernel.now);
        let left = if self.kernel.has_children() {
            Left::Children
        } else if visible.is_empty() {
            Left::Nobody
        } else {
            Left::Others
        };
        Event::Signalled { left }
    }

    fn count_the_end(&mut self) {
        let wish = &self.checks.wish;
        let stuck = self.kernel.processes.values().any(|process| process.stuck);
        if stuck && wish.has_steps() {
            self.kernel.tally.count("left behind in the kernel");
        }
        if self.checks.left_with == Some(0) && !wish.forgiven.is_empty() {
            self.kernel.tally.count("code forgiven");
        }
    }
}
