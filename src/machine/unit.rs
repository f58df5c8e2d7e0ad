//! One unit: a command that runs once or is kept running.
//!
//! Its moves are in the module `steps`, spelt out pair by pair. It knows nothing of
//! names, terminals or messages; [`super::init`] tells the story of what changed.

use super::time::Instant;
use super::{Exit, Fault, Life, Pid, Refusal, Step};
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
    /// Whether its process starts another one, which it writes down, and ends.
    pub follows: bool,
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
    /// Its process has ended and left another one in its place, which is to be found, at once or
    /// at a time; what is to become of the unit then, if it is to stop.
    Forked { until: Option<Instant>, then: Option<Then> },
    /// An aide looks for that process; what is to become of the unit then, if it is to stop.
    Following { pid: Pid, then: Option<Then> },
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
    /// It has named the process that is to be followed when its own one ends.
    Heir(Pid),
    /// The process that is to be followed was found.
    Found(Pid),
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
            (Some(Fault { step: Step::Memory, .. }), _) => Ending::Failed,
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

/// Whether it was said of a unit that it has waited for another one for too long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// It was not.
    Unsaid,
    /// It was not, and it has waited since the span that counts began.
    Seen,
    /// It was, since it was started last.
    Said,
}

/// Whether a unit has shown that it is ready, for when it goes on as another process or is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    /// It has not.
    Open,
    /// It has, by itself or by the process that takes its place, or by an end of its own.
    Ready,
}

/// What is remembered of the last end of a unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Last {
    /// It has not ended yet.
    Nothing,
    /// Its process ended so.
    Exit(Exit),
    /// It was stopped because it was unwell.
    Unwell,
    /// It did not become the program.
    Fault(Fault),
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
    /// How it is with its wait for others.
    pub wait: Wait,
    /// The process that is to be followed when its own one ends, or 0.
    pub heir: Pid,
    /// Whether it was ready, while a process takes the place of its own one or once it is over.
    pub shown: Shown,
    /// The life that it has, or had last.
    pub life: Life,
    /// How its last life came to its end.
    pub last: Last,
    /// How often it was started, as far as that can be counted.
    pub lives: u16,
    /// Starts since `window` began.
    pub starts: u16,
    /// When the span of `max=` began.
    pub window: Instant,
}

impl State {
    /// The process of the unit, if it has one.
    pub fn pid(&self) -> Option<Pid> {
        use State::*;
        match *self {
            Starting { pid, .. } | Up { pid, .. } | Leaving { pid, .. } => Some(pid),
            Stopping { pid, .. } | Following { pid, .. } => Some(pid),
            Overdue { pid, .. } | Killed { pid, .. } => Some(pid),
            Idle | Due | Forked { .. } | Backoff { .. } | NoTerminal { .. } => None,
            Absent | Done | Failed => None,
        }
    }

    /// Whether there is a process of the unit, known or still to be found.
    pub fn is_live(&self) -> bool {
        matches!(self, State::Forked { .. }) || self.pid().is_some()
    }

    /// Whether the unit is being stopped.
    pub fn is_stopping(&self) -> bool {
        use State::*;
        matches!(self, Leaving { .. } | Stopping { .. } | Overdue { .. } | Killed { .. })
    }

    /// Whether the unit is being stopped because it is unwell.
    pub fn is_unwell(&self) -> bool {
        use State::*;
        match *self {
            Leaving { then, .. } | Stopping { then, .. } => then == Then::Unwell,
            Overdue { then, .. } | Killed { then, .. } => then == Then::Unwell,
            Idle | Due | Starting { .. } | Up { .. } | Forked { .. } | Following { .. } => false,
            Backoff { .. } | NoTerminal { .. } | Absent | Done | Failed => false,
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
            NoTerminal { until } | Forked { until, .. } => until,
            Idle | Due | Starting { .. } | Up { .. } | Leaving { .. } => None,
            Following { .. } => None,
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
        let (terminal, wait) = (Terminal::Found, Wait::Unsaid);
        let window = Instant::from_millis(0);
        Unit {
            state: State::Idle,
            early: 0,
            terminal,
            wait,
            heir: Pid(0),
            shown: Shown::Open,
            life: Life(0),
            last: Last::Nothing,
            lives: 0,
            starts: 0,
            window,
        }
    }
}

#[cfg(test)]
#[path = "unit_tests.rs"]
mod tests;
