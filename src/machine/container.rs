//! A container's init: one main child whose end is ours, signals for it, and orphans of others.
//!
//! It is stepped by whoever has carried out everything that it wanted before.

use super::time::Instant;
use super::{Exit, Pid};
use crate::wire::container::{Guise, Plan, Target};
use crate::wire::signals::Signal;
use crate::wire::value::Millis;

/// How long the kernel has for ending what was sent KILL. What is still there then hangs in the
/// kernel, and nothing that we could wait for would end it.
pub const KILL_WAIT_MS: Millis = 2000;

/// How often it is looked for processes that came into our namespace from outside: nobody tells us
/// when they end. It is done only on the way down, once all of our own have ended.
pub const LOOK_MS: Millis = 50;

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The main child was started.
    Started { pid: Pid },
    /// There is to be no main child.
    Paused,
    /// Somebody sent us a signal.
    Asked(Signal),
    /// A child was reaped.
    Exited { pid: Pid, exit: Exit },
    /// A child was stopped, by a signal for job control.
    Stopped { pid: Pid },
    /// There is no child left.
    Childless,
    /// A signal went to the main child, or why it did not.
    Relayed { errno: Option<u16> },
    /// We were stopped and go on.
    Resumed,
    /// The command before the way down was started, or why it was not.
    Hooked(Result<Pid, u16>),
    /// Every process was sent a signal; who is left to wait for.
    Signalled { left: Left },
    /// It was looked for processes; whether there is one.
    Looked { any: bool },
    /// A story was told.
    Told,
    /// Time went by.
    Tick,
}

/// Who is left to wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Left {
    /// Nobody.
    Nobody,
    /// Only processes that are not our children: nobody tells us when they end.
    Others,
    /// Children of ours, and maybe others: [`Event::Childless`] says when the last child is gone.
    Children,
}

/// What is to be done. Each is answered by an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Say something: [`Event::Told`].
    Tell(Story),
    /// Pass a signal on to the main child or its group: [`Event::Relayed`].
    Relay { to: Pid, signal: Signal },
    /// Stop ourselves, so that whoever started us notices: [`Event::Resumed`].
    Halt { main: Pid },
    /// Run the command before the way down: [`Event::Hooked`].
    Hook,
    /// Send what is left of the group of the main child a signal: [`Event::Relayed`].
    Farewell { group: Pid, signal: Signal },
    /// Send every other process a signal, the main child above all, while it lives:
    /// [`Event::Signalled`].
    Everybody { main: Option<Pid>, signal: Signal },
    /// Look whether there is any other process: [`Event::Looked`].
    Look,
    /// Leave with this code. Nothing comes back.
    Leave { code: u8 },
}

/// What is said of the course of things.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Story {
    /// The main child was started.
    Started { pid: Pid },
    /// The main child ended.
    Ended { pid: Pid, exit: Exit },
    /// An orphan was reaped.
    Reaped { pid: Pid },
    /// A signal is passed on.
    Relaying { signal: Signal },
    /// A signal was heard and is passed on, as itself or as another one.
    Translating { heard: Signal, signal: Signal },
    /// A signal was not passed on.
    NotRelayed { signal: Signal, errno: u16 },
    /// The command before the way down was not started.
    NotHooked { errno: u16 },
    /// The command before the way down failed.
    HookFailed { exit: Exit },
    /// Processes have not heeded the way down.
    Late,
    /// What was paused is over.
    Leaving { signal: Signal },
}

/// How urgent a story is, by the verbosity that it is told at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Level {
    /// What ends us.
    Fatal = 0,
    /// What went wrong.
    Warning = 1,
    /// The course of things.
    Info = 2,
    /// Every signal.
    Debug = 3,
}

impl Story {
    /// How urgent it is.
    pub fn level(self) -> Level {
        match self {
            Story::Started { .. } | Story::Ended { .. } => Level::Info,
            Story::Relaying { .. } | Story::Translating { .. } => Level::Debug,
            Story::Reaped { .. } | Story::NotRelayed { .. } => Level::Warning,
            Story::NotHooked { .. } | Story::HookFailed { .. } | Story::Late => Level::Warning,
            Story::Leaving { .. } => Level::Warning,
        }
    }
}

/// The main child.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Main {
    /// It has not been started, or there is none.
    None,
    /// It runs.
    Alive { pid: Pid },
    /// It has ended, and this is the code to leave with.
    Ended { code: u8 },
}

/// How far the way down has been gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Nobody has asked for it.
    Up,
    /// The command before it is to be run.
    HookDue,
    /// The command before it runs; where the way down has steps, until the first one is over.
    Hook { pid: Pid, until: Option<Instant> },
    /// The main child has been told, and nobody else is to be.
    Told,
    /// The signal of a step is to be sent to everybody.
    StepDue { step: usize },
    /// It was sent.
    Step { step: usize, until: Instant },
    /// None of our own is left: it is looked for others.
    LookDue { step: usize, until: Instant },
    /// Others are left.
    Others { step: usize, until: Instant, look: Instant },
    /// What is left of the group of the main child is to be sent what TERM is passed on as.
    Farewell { group: Pid, signal: Signal },
    /// It is over.
    Over,
}

/// Something for the main child that is to be done at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Errand {
    Relay(Signal),
    Halt,
}

/// A container's init.
pub struct Container<'a> {
    plan: &'a Plan<'a>,
    main: Main,
    phase: Phase,
    errand: Option<Errand>,
    /// What follows it.
    then: Option<Errand>,
    story: Option<Story>,
}

impl<'a> Container<'a> {
    /// One that has not started anything.
    pub fn new(plan: &'a Plan<'a>) -> Self {
        let (errand, then) = (None, None);
        Container { plan, main: Main::None, phase: Phase::Up, errand, then, story: None }
    }

    /// What is to be done next.
    pub fn next_action(&self) -> Option<Action> {
        if let Some(story) = self.story {
            return Some(Action::Tell(story));
        }
        if let (Some(errand), Main::Alive { pid }) = (self.errand, self.main) {
            return Some(match errand {
                Errand::Relay(signal) => Action::Relay { to: pid, signal },
                Errand::Halt => Action::Halt { main: pid },
            });
        }
        match self.phase {
            Phase::Up => None,
            Phase::Over => Some(Action::Leave { code: self.code() }),
            Phase::HookDue | Phase::Hook { .. } | Phase::Told => self.next_on_the_way_down(),
            Phase::StepDue { .. } | Phase::Step { .. } => self.next_on_the_way_down(),
            Phase::LookDue { .. } | Phase::Others { .. } => self.next_on_the_way_down(),
            Phase::Farewell { .. } => self.next_on_the_way_down(),
        }
    }

    #[cold]
    #[inline(never)]
    fn next_on_the_way_down(&self) -> Option<Action> {
        match self.phase {
            Phase::HookDue => Some(Action::Hook),
            Phase::StepDue { step } => {
                Some(Action::Everybody { main: self.main(), signal: self.signal_of(step) })
            }
            Phase::LookDue { .. } => Some(Action::Look),
            Phase::Farewell { group, signal } => Some(Action::Farewell { group, signal }),
            Phase::Up | Phase::Told | Phase::Hook { .. } | Phase::Over => None,
            Phase::Step { .. } | Phase::Others { .. } => None,
        }
    }

    /// When [`Event::Tick`] is wanted.
    pub fn next_deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Hook { until, .. } => until,
            Phase::Step { until, .. } => Some(until),
            Phase::Others { until, look, .. } => Some(until.min(look)),
            Phase::Up | Phase::HookDue | Phase::Told | Phase::StepDue { .. } => None,
            Phase::LookDue { .. } | Phase::Farewell { .. } | Phase::Over => None,
        }
    }

    /// Takes note of what happened.
    pub fn handle(&mut self, now: Instant, event: Event) {
        match event {
            Event::Started { pid } => {
                self.main = Main::Alive { pid };
                self.tell(Story::Started { pid });
            }
            Event::Paused => self.main = Main::Ended { code: 0 },
            Event::Asked(signal) => self.asked(signal),
            Event::Exited { pid, exit } => self.exited(pid, exit),
            Event::Stopped { pid } => self.stopped(pid),
            Event::Relayed { errno } => self.relayed(errno),
            Event::Resumed => self.errand = None,
            Event::Told => self.story = None,
            Event::Childless | Event::Hooked(_) | Event::Signalled { .. } => {
                self.go_down(now, event);
            }
            Event::Looked { .. } | Event::Tick => self.go_down(now, event),
        }
    }

    /// What happens on the way down alone.
    #[cold]
    #[inline(never)]
    fn go_down(&mut self, now: Instant, event: Event) {
        match event {
            Event::Childless => self.childless(),
            Event::Hooked(hooked) => self.hooked(now, hooked),
            Event::Signalled { left } => self.signalled(now, left),
            Event::Looked { any } => self.looked(now, any),
            Event::Tick => self.tick(now),
            Event::Started { .. } | Event::Paused | Event::Asked(_) | Event::Exited { .. } => {}
            Event::Stopped { .. } | Event::Relayed { .. } | Event::Resumed | Event::Told => {}
        }
    }

    /// The main child, while it lives.
    pub fn main(&self) -> Option<Pid> {
        match self.main {
            Main::Alive { pid } => Some(pid),
            Main::None | Main::Ended { .. } => None,
        }
    }

    fn tell(&mut self, story: Story) {
        if story.level() as u8 <= self.plan.verbosity {
            self.story = Some(story);
        }
    }

    fn asked(&mut self, signal: Signal) {
        if self.plan.guise == Guise::DumbInit {
            return self.asked_as_dumb_init(signal);
        }
        let Some(signal) = self.plan.passed_on(signal) else { return };
        let ends = signal == Signal::TERM || self.plan.pause && signal == Signal::INT;
        if !(ends && self.begin_descent(signal)) && matches!(self.main, Main::Alive { .. }) {
            self.tell(Story::Relaying { signal });
            self.errand = Some(Errand::Relay(signal));
        }
    }

    /// We stop with the main child, but dumb-init does so when it is told to.
    #[cold]
    #[inline(never)]
    fn stopped(&mut self, pid: Pid) {
        if self.main == (Main::Alive { pid }) && self.plan.guise != Guise::DumbInit {
            self.errand = Some(Errand::Halt);
        }
    }

    /// dumb-init has no way down, and stops with its child, whatever that was sent.
    #[cold]
    #[inline(never)]
    fn asked_as_dumb_init(&mut self, heard: Signal) {
        let stops = matches!(heard, Signal::TSTP | Signal::TTIN | Signal::TTOU);
        let halt = stops.then_some(Errand::Halt);
        if let Some(signal) = self.plan.passed_on(heard) {
            self.tell(Story::Translating { heard, signal });
            self.errand = Some(Errand::Relay(signal));
            self.then = halt;
        } else {
            self.errand = halt;
        }
    }

    /// Begins the way down, or hastens it. Whether that is all that is to be done: otherwise the
    /// signal is for the main child.
    #[cold]
    #[inline(never)]
    fn begin_descent(&mut self, signal: Signal) -> bool {
        if self.plan.guise == Guise::Pause {
            self.tell(Story::Leaving { signal });
        }
        self.phase = match self.phase {
            Phase::Up if self.plan.pre_stop.is_some() && !self.plan.pause => Phase::HookDue,
            Phase::Up | Phase::Hook { .. } if self.has_steps() => Phase::StepDue { step: 0 },
            Phase::Up if self.plan.pause => Phase::Over,
            Phase::Up => return false,
            Phase::Hook { .. } | Phase::Told => {
                self.phase = Phase::Told;
                return false;
            }
            // After KILL there is nothing to hasten: it takes what the kernel takes.
            same @ (Phase::Step { step, .. } | Phase::Others { step, .. })
                if self.signal_of(step) == Signal::KILL =>
            {
                same
            }
            Phase::Step { step, .. } | Phase::Others { step, .. } => self.step_after(step),
            same @ (Phase::HookDue | Phase::StepDue { .. } | Phase::LookDue { .. }) => same,
            same @ (Phase::Farewell { .. } | Phase::Over) => same,
        };
        true
    }

    fn has_steps(&self) -> bool {
        !self.plan.stops.is_empty()
    }

    /// The signal of a step; after the last one that was asked for, KILL.
    fn signal_of(&self, step: usize) -> Signal {
        self.plan.stops.get(step).map_or(Signal::KILL, |stop| stop.signal)
    }

    /// Whoever was sent KILL needs some time to end, even where none was asked for.
    fn wait_of(&self, step: usize) -> Millis {
        let wait = self.plan.stops.get(step).map_or(0, |stop| stop.wait);
        if self.signal_of(step) == Signal::KILL { wait.max(KILL_WAIT_MS) } else { wait }
    }

    /// Nothing is left to try after KILL.
    fn step_after(&self, step: usize) -> Phase {
        if self.signal_of(step) == Signal::KILL {
            Phase::Over
        } else {
            Phase::StepDue { step: step + 1 }
        }
    }

    fn code(&self) -> u8 {
        match self.main {
            Main::Ended { code } => code,
            // It has not even heeded KILL.
            Main::None | Main::Alive { .. } => self.plan.answer(128 + Signal::KILL.0),
        }
    }

    fn exited(&mut self, pid: Pid, exit: Exit) {
        if self.main == (Main::Alive { pid }) {
            let code = match exit {
                Exit::Code(code) => code,
                Exit::Signal(Signal(number)) => 128 + (number & 127),
            };
            self.main = Main::Ended { code: self.plan.answer(code) };
            self.errand = None;
            self.tell(Story::Ended { pid, exit });
            if self.has_steps() || self.says_farewell() {
                self.main_ended(pid);
            } else {
                self.phase = Phase::Over;
            }
        } else if let Phase::Hook { pid: hook, .. } = self.phase
            && hook == pid
        {
            self.hook_ended(exit);
        } else if self.plan.tells_reaped {
            self.tell(Story::Reaped { pid });
        }
    }

    /// Whoever is left is given the way down.
    #[cold]
    #[inline(never)]
    fn main_ended(&mut self, pid: Pid) {
        self.phase = match self.phase {
            Phase::Up | Phase::HookDue | Phase::Hook { .. } | Phase::Told if !self.has_steps() => {
                match self.plan.passed_on(Signal::TERM) {
                    Some(signal) => Phase::Farewell { group: pid, signal },
                    None => Phase::Over,
                }
            }
            Phase::Up | Phase::HookDue | Phase::Told => Phase::StepDue { step: 0 },
            same @ (Phase::Hook { .. } | Phase::StepDue { .. } | Phase::Step { .. }) => same,
            same @ (Phase::LookDue { .. } | Phase::Others { .. }) => same,
            same @ (Phase::Farewell { .. } | Phase::Over) => same,
        };
    }

    /// Whether the group of the main child is sent TERM when that has ended. Where there is no
    /// group nothing is: the number of the main child may be somebody else's by now.
    fn says_farewell(&self) -> bool {
        self.plan.guise == Guise::DumbInit && self.plan.target == Target::Group
    }

    #[cold]
    #[inline(never)]
    fn hook_ended(&mut self, exit: Exit) {
        if exit != Exit::Code(0) {
            self.tell(Story::HookFailed { exit });
        }
        self.after_hook();
    }

    /// The command before the way down is over.
    fn after_hook(&mut self) {
        if self.has_steps() {
            self.phase = Phase::StepDue { step: 0 };
        } else {
            self.phase = Phase::Told;
            self.errand = Some(Errand::Relay(Signal::TERM));
        }
    }

    fn childless(&mut self) {
        self.phase = match self.phase {
            Phase::Step { step, until } => Phase::LookDue { step, until },
            // While it is paused, children come and go.
            same @ (Phase::Up | Phase::HookDue | Phase::Hook { .. } | Phase::Told) => same,
            same @ (Phase::StepDue { .. } | Phase::LookDue { .. } | Phase::Others { .. }) => same,
            same @ (Phase::Farewell { .. } | Phase::Over) => same,
        };
    }

    fn relayed(&mut self, errno: Option<u16>) {
        if let Phase::Farewell { .. } = self.phase {
            self.phase = Phase::Over;
        }
        if let (Some(errno), Some(Errand::Relay(signal))) = (errno, self.errand) {
            self.tell(Story::NotRelayed { signal, errno });
        }
        self.errand = self.then.take();
    }

    fn hooked(&mut self, now: Instant, hooked: Result<Pid, u16>) {
        match hooked {
            Ok(pid) => {
                let until = self.has_steps().then(|| now.plus(self.wait_of(0)));
                self.phase = Phase::Hook { pid, until };
            }
            Err(errno) => {
                self.tell(Story::NotHooked { errno });
                self.after_hook();
            }
        }
    }

    fn signalled(&mut self, now: Instant, left: Left) {
        if let Phase::StepDue { step } = self.phase {
            let (until, look) = (now.plus(self.wait_of(step)), now.plus(LOOK_MS));
            self.phase = match left {
                Left::Children => Phase::Step { step, until },
                Left::Others => Phase::Others { step, until, look },
                Left::Nobody => Phase::Over,
            };
        }
    }

    fn looked(&mut self, now: Instant, any: bool) {
        if let Phase::LookDue { step, until } = self.phase {
            let look = now.plus(LOOK_MS);
            self.phase = if any { Phase::Others { step, until, look } } else { Phase::Over };
        }
    }

    fn tick(&mut self, now: Instant) {
        match self.phase {
            Phase::Hook { until: Some(until), .. } if until <= now => self.after_hook(),
            Phase::Step { step, until } | Phase::Others { step, until, .. } if until <= now => {
                self.phase = self.step_after(step);
                if let Phase::StepDue { step } = self.phase
                    && self.signal_of(step) == Signal::KILL
                {
                    self.tell(Story::Late);
                }
            }
            Phase::Others { step, until, look } if look <= now => {
                self.phase = Phase::LookDue { step, until };
            }
            Phase::Hook { .. } | Phase::Step { .. } | Phase::Others { .. } => {}
            Phase::Up | Phase::HookDue | Phase::Told | Phase::StepDue { .. } => {}
            Phase::LookDue { .. } | Phase::Farewell { .. } | Phase::Over => {}
        }
    }
}

#[cfg(test)]
#[path = "container_tests.rs"]
mod tests;
