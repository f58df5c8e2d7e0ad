//! One unit: a command that runs once or is kept running.
//!
//! The machine is a table of state and stimulus, spelt out pair by pair. It knows nothing of
//! names, terminals or messages; [`super::init`] tells the story of what changed.

use super::time::{Chance, Instant};
use super::{Exit, Fault, Pid, Refusal, Step};
use crate::wire::options::{Ready, Restart};
use crate::wire::value::Millis;

/// A life at least this long, in milliseconds, counts as having run well: the back-off begins
/// anew and the next start comes at once.
pub const WELL_MS: u64 = 10_000;

/// The shortest wait, in milliseconds, after something that a start at once cannot mend: a fork
/// or an execve that failed. It holds for `delay=0` as well, which would spin otherwise.
pub const FAULT_WAIT_MS: Millis = 100;

/// The shortest wait of the back-off, in milliseconds: `delay=0` must not spin.
pub const LEAST_WAIT_MS: Millis = 10;

/// The rules of one unit, out of its line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rules {
    /// When it is started again.
    pub restart: Restart,
    /// When it counts as up.
    pub ready: Ready,
    /// Whether a missing terminal is waited for.
    pub awaits_terminal: bool,
    /// The first wait of the back-off.
    pub delay: Millis,
    /// The longest wait of the back-off.
    pub max_delay: Millis,
    /// So many starts in such a span, then it has failed; 0 starts for no limit.
    pub max: (u16, Millis),
    /// How long after its stop signal KILL follows.
    pub grace: Millis,
}

/// What is to become of a unit once it has stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Then {
    /// It rests.
    Rest,
    /// It is started again.
    Again,
    /// It was unwell: what follows is what follows after a failure.
    Unwell,
}

/// The states of a unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Its turn has not come.
    Idle,
    /// It is to be started.
    Due,
    /// It runs and is not ready yet.
    Starting { pid: Pid, since: Instant },
    /// It runs, and is ready.
    Up { pid: Pid, since: Instant },
    /// It waits before its next start.
    Backoff { until: Instant },
    /// It waits for its terminal; where nobody tells us of it, until a time.
    NoTerminal { until: Option<Instant> },
    /// It is to be sent its stop signal.
    Leaving { pid: Pid, then: Then },
    /// It has been sent its stop signal.
    Stopping { pid: Pid, until: Instant, then: Then },
    /// Its grace is over: it is to be sent KILL.
    Overdue { pid: Pid, then: Then },
    /// It has been sent KILL.
    Killed { pid: Pid, then: Then },
    /// It was not started because the path of its `if=` is not there.
    Absent,
    /// It is over and will not be started again.
    Done,
    /// It ended too often and will not be started again by itself.
    Failed,
}

/// What can happen to a unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stimulus {
    /// Its turn has come.
    Start,
    /// It was started.
    Spawned(Pid),
    /// It was not started.
    Refused(Refusal),
    /// It has said, or shown, that it is ready.
    Ready,
    /// Its process ended.
    Exited(Ending),
    /// It is to stop.
    Stop(Then),
    /// It was sent the signal that its state asks for.
    Signalled,
    /// It asks for so much more time, from now on, to stop.
    Extend(Millis),
    /// Time went by.
    Tick,
    /// Something came where terminals come.
    Appeared,
    /// Its time is over, whatever its grace.
    Expire,
    /// KILL did not end it, and nothing else can.
    Abandon,
}

/// How a process ended, as far as that decides what happens next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// With code 0.
    Fine,
    /// With another code, or by a signal.
    Failed,
    /// It never became the program.
    Fault,
    /// It was not to become the program: the path of its `if=` is not there.
    Unwanted,
}

impl Ending {
    /// The ending that an exit is.
    pub fn of(exit: Exit, fault: Option<Fault>) -> Self {
        match (fault, exit) {
            (Some(Fault { step: Step::Condition, .. }), _) => Ending::Unwanted,
            (Some(_), _) => Ending::Fault,
            (None, Exit::Code(0)) => Ending::Fine,
            (None, Exit::Code(_) | Exit::Signal(_)) => Ending::Failed,
        }
    }
}

/// Whether the terminal of a unit was there when it was last looked for. That it is not is said
/// once, however often it is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Terminal {
    /// It was, or was not looked for yet.
    Found,
    /// It was not.
    Missed,
}

/// A unit: its state and what is remembered of its lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unit {
    /// What it does now.
    pub state: State,
    /// Ends in a row that came too early.
    pub early: u8,
    /// How it is with its terminal.
    pub terminal: Terminal,
    /// Starts since `window` began.
    pub starts: u16,
    /// When the span of `max=` began.
    pub window: Instant,
}

/// When a unit is moved, by what rules, and the chance that jitter comes from.
struct Moment<'a> {
    now: Instant,
    rules: &'a Rules,
    chance: &'a mut Chance,
}

impl State {
    /// The process of the unit, if it has one.
    pub fn pid(&self) -> Option<Pid> {
        use State::*;
        match *self {
            Starting { pid, .. } | Up { pid, .. } | Leaving { pid, .. } => Some(pid),
            Stopping { pid, .. } => Some(pid),
            Overdue { pid, .. } | Killed { pid, .. } => Some(pid),
            Idle | Due | Backoff { .. } | NoTerminal { .. } | Absent | Done | Failed => None,
        }
    }

    /// Whether the unit has come to an end of its own.
    pub fn is_over(&self) -> bool {
        matches!(self, State::Absent | State::Done | State::Failed)
    }

    /// When the unit wants [`Stimulus::Tick`].
    pub fn deadline(&self) -> Option<Instant> {
        use State::*;
        match *self {
            Backoff { until } | Stopping { until, .. } => Some(until),
            NoTerminal { until } => until,
            Idle | Due | Starting { .. } | Up { .. } | Leaving { .. } => None,
            Overdue { .. } | Killed { .. } | Absent | Done | Failed => None,
        }
    }
}

impl Default for Unit {
    fn default() -> Self {
        Unit::new()
    }
}

impl Unit {
    /// A unit whose turn has not come.
    pub const fn new() -> Self {
        let (terminal, window) = (Terminal::Found, Instant::from_millis(0));
        Unit { state: State::Idle, early: 0, terminal, starts: 0, window }
    }

    /// Moves the unit.
    pub fn step(&mut self, now: Instant, rules: &Rules, chance: &mut Chance, what: Stimulus) {
        use State::*;
        use Stimulus as S;
        let at = &mut Moment { now, rules, chance };
        let state = self.state;
        self.state = match (state, what) {
            (Idle | Absent | Done | Failed, S::Start) => self.fresh(),
            (Due, S::Spawned(pid)) => self.up(at, pid),
            (Due, S::Refused(refusal)) => self.refused(at, refusal),
            (Starting { pid, since }, S::Ready) => Up { pid, since },
            (Starting { since, .. } | Up { since, .. }, S::Exited(ending)) => {
                self.ended(at, since, ending)
            }
            (Leaving { then, .. } | Stopping { then, .. }, S::Exited(_)) => self.stopped(at, then),
            (Overdue { then, .. } | Killed { then, .. }, S::Exited(_)) => self.stopped(at, then),
            (Due | Backoff { .. } | NoTerminal { .. }, S::Stop(then)) => self.stopped(at, then),
            (Up { pid, since }, S::Stop(Then::Unwell)) => self.unwell(at, pid, since),
            (Starting { pid, .. } | Up { pid, .. } | Leaving { pid, .. }, S::Stop(then)) => {
                Leaving { pid, then }
            }
            (Stopping { pid, until, .. }, S::Stop(then)) => Stopping { pid, until, then },
            (Overdue { pid, .. }, S::Stop(then)) => Overdue { pid, then },
            (Killed { pid, .. }, S::Stop(then)) => Killed { pid, then },
            (Leaving { pid, then }, S::Signalled) => {
                Stopping { pid, until: now.plus(rules.grace), then }
            }
            (Overdue { pid, then }, S::Signalled) => Killed { pid, then },
            (Stopping { pid, until, then }, S::Extend(span)) => {
                Stopping { pid, until: now.plus(span).max(until), then }
            }
            (Stopping { pid, until, then }, S::Tick) if until <= now => Overdue { pid, then },
            (Backoff { until }, S::Tick) if until <= now => Due,
            (NoTerminal { until: Some(until) }, S::Tick) if until <= now => Due,
            (NoTerminal { .. }, S::Appeared) => Due,
            (Starting { pid, .. } | Up { pid, .. }, S::Expire) => Overdue { pid, then: Then::Rest },
            (Leaving { pid, then } | Stopping { pid, then, .. }, S::Expire) => {
                Overdue { pid, then }
            }
            (Due | Backoff { .. } | NoTerminal { .. }, S::Expire | S::Abandon) => Done,
            (Starting { .. } | Up { .. } | Leaving { .. }, S::Abandon) => Done,
            (Stopping { .. } | Overdue { .. } | Killed { .. }, S::Abandon) => Done,

            // Nothing is under way, and nothing but a start changes that.
            (Idle | Absent | Done | Failed, S::Spawned(_) | S::Refused(_) | S::Ready) => state,
            (Idle | Absent | Done | Failed, S::Exited(_) | S::Stop(_) | S::Signalled) => state,
            (Idle | Absent | Done | Failed, S::Extend(_) | S::Tick | S::Appeared) => state,
            (Idle | Absent | Done | Failed, S::Expire | S::Abandon) => state,
            // There is no process, and one is wanted already, or nothing was waited for so long.
            (Due | Backoff { .. } | NoTerminal { .. }, S::Start | S::Ready | S::Exited(_)) => state,
            (Due | Backoff { .. } | NoTerminal { .. }, S::Signalled | S::Extend(_)) => state,
            (Due | Backoff { .. } | NoTerminal { .. }, S::Tick) => state,
            (Backoff { .. } | NoTerminal { .. }, S::Spawned(_) | S::Refused(_)) => state,
            (Due | Backoff { .. }, S::Appeared) => state,
            // There is a process, and nobody asked it to stop.
            (Starting { .. } | Up { .. }, S::Start | S::Spawned(_) | S::Refused(_)) => state,
            (Starting { .. } | Up { .. }, S::Signalled | S::Extend(_)) => state,
            (Starting { .. } | Up { .. }, S::Tick | S::Appeared) => state,
            (Up { .. }, S::Ready) => state,
            // It is stopping, which goes its way.
            (Leaving { .. } | Stopping { .. }, S::Start | S::Spawned(_) | S::Refused(_)) => state,
            (Overdue { .. } | Killed { .. }, S::Start | S::Spawned(_) | S::Refused(_)) => state,
            (Leaving { .. } | Stopping { .. }, S::Ready | S::Tick | S::Appeared) => state,
            (Overdue { .. } | Killed { .. }, S::Ready | S::Tick | S::Appeared) => state,
            (Leaving { .. } | Overdue { .. } | Killed { .. }, S::Extend(_)) => state,
            (Stopping { .. } | Killed { .. }, S::Signalled) => state,
            (Overdue { .. } | Killed { .. }, S::Expire) => state,
        };
    }

    /// Forgets earlier lives: a new start is asked for from outside.
    fn fresh(&mut self) -> State {
        self.early = 0;
        self.starts = 0;
        State::Due
    }

    fn up(&mut self, at: &Moment<'_>, pid: Pid) -> State {
        if self.starts == 0 {
            self.window = at.now;
        }
        self.starts = self.starts.saturating_add(1);
        self.terminal = Terminal::Found;
        match at.rules.ready {
            Ready::AtOnce => State::Up { pid, since: at.now },
            Ready::Exec | Ready::Notify | Ready::Newline | Ready::Exit => {
                State::Starting { pid, since: at.now }
            }
            Ready::Path | Ready::Port => State::Starting { pid, since: at.now },
        }
    }

    fn refused(&mut self, at: &mut Moment<'_>, refusal: Refusal) -> State {
        if matches!(refusal, Refusal::NoTerminal { .. }) {
            self.terminal = Terminal::Missed;
        }
        match refusal {
            Refusal::NoTerminal { .. } if !at.rules.awaits_terminal => State::Done,
            Refusal::NoTerminal { watched: true } => State::NoTerminal { until: None },
            Refusal::NoTerminal { watched: false } => match self.fault(at) {
                State::Backoff { until } => State::NoTerminal { until: Some(until) },
                other => other,
            },
            // A machine that is out of processes or memory may recover, so even what is run only
            // once keeps trying.
            Refusal::Fault(_) => self.fault(at),
        }
    }

    fn ended(&mut self, at: &mut Moment<'_>, since: Instant, ending: Ending) -> State {
        if ending == Ending::Unwanted {
            return State::Absent;
        }
        let again = match at.rules.restart {
            Restart::Always => true,
            Restart::OnFailure => ending != Ending::Fine,
            Restart::No => false,
        };
        if !again {
            // Whoever waits for a good end must not take a bad one for it.
            let failed = at.rules.ready == Ready::Exit && ending != Ending::Fine;
            return if failed { State::Failed } else { State::Done };
        }
        if self.is_spent(at) {
            return State::Failed;
        }
        if at.now.since(since) >= WELL_MS {
            self.early = 0;
            return State::Due;
        }
        // A program that is not there will not be there at once; any other one may be.
        match ending {
            Ending::Fault => self.fault(at),
            _ => self.backoff(at, LEAST_WAIT_MS),
        }
    }

    /// It is to be stopped because it is unwell; that it was well for long counts all the same.
    fn unwell(&mut self, at: &Moment<'_>, pid: Pid, since: Instant) -> State {
        if at.now.since(since) >= WELL_MS {
            self.early = 0;
        }
        State::Leaving { pid, then: Then::Unwell }
    }

    /// It has been stopped.
    fn stopped(&mut self, at: &mut Moment<'_>, then: Then) -> State {
        match then {
            Then::Rest => State::Done,
            Then::Again => State::Due,
            Then::Unwell => self.ended(at, at.now, Ending::Failed),
        }
    }

    /// Whether the limit of `max=` is used up. Starts are counted in windows, each of which
    /// begins with the first start after the last one closed.
    fn is_spent(&mut self, at: &Moment<'_>) -> bool {
        let (most, span) = at.rules.max;
        if at.now.since(self.window) >= u64::from(span) {
            self.starts = 0;
        }
        most > 0 && self.starts >= most
    }

    /// The first early end is followed by a start at once, the second one by the delay, and each
    /// further one by twice as long, up to the longest.
    fn backoff(&mut self, at: &mut Moment<'_>, least: Millis) -> State {
        let early = self.early;
        self.early = early.saturating_add(1);
        let Some(doublings) = early.checked_sub(1) else {
            return State::Due;
        };
        let longest = at.rules.max_delay.max(at.rules.delay);
        let wait = u64::from(at.rules.delay) << u32::from(doublings).min(31);
        let wait = u32::try_from(wait).unwrap_or(longest).min(longest);
        State::Backoff { until: at.now.plus(at.chance.jitter(wait).max(least)) }
    }

    fn fault(&mut self, at: &mut Moment<'_>) -> State {
        self.early = self.early.max(1);
        self.backoff(at, FAULT_WAIT_MS)
    }
}

#[cfg(test)]
#[path = "unit_tests.rs"]
mod tests;
