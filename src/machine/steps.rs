//! How a unit moves: for each state a function, in which every stimulus is spelt out.

use super::time::{Chance, Instant};
use super::unit::{
    Ending, FAULT_WAIT_MS, LEAST_WAIT_MS, Rules, Shown, State, Stimulus, Terminal, Then, Unit,
    WELL_MS, Wait,
};
use super::{Pid, Refusal};
use crate::wire::options::{Ready, Restart};
use crate::wire::value::Millis;
use Stimulus as S;

/// What stands in the place of a process is to be found at once.
const FORKED: State = State::Forked { until: None, then: None };

/// When a unit is moved, by what rules, and the chance that jitter comes from.
struct Moment<'a> {
    now: Instant,
    rules: &'a Rules,
    chance: &'a mut Chance,
}

impl Unit {
    /// Moves the unit.
    pub fn step(&mut self, now: Instant, rules: &Rules, chance: &mut Chance, what: Stimulus) {
        use State::*;
        let at = &mut Moment { now, rules, chance };
        self.state = match self.state {
            Idle | Absent | Done | Failed => self.at_rest(what),
            Due => self.due(at, what),
            Starting { pid, since } => self.starting(at, pid, since, what),
            Up { pid, since } => self.running(at, pid, since, what),
            Forked { until, then } => self.forked(at, until, then, what),
            Following { pid, then } => self.following(at, pid, then, what),
            Backoff { until } => self.backing_off(at, until, what),
            NoTerminal { until } => self.without_terminal(at, until, what),
            Leaving { pid, then } => self.leaving(at, pid, then, what),
            Stopping { pid, until, then } => self.stopping(at, pid, until, then, what),
            Overdue { pid, then } => self.overdue(at, pid, then, what),
            Killed { pid, then } => self.killed(at, pid, then, what),
        };
    }

    /// Nothing is under way, and nothing but a start changes that. What failed, or was not to be
    /// started, is tried again by a reload, unless it is stopped.
    fn at_rest(&mut self, what: Stimulus) -> State {
        match what {
            S::Start => self.fresh(),
            S::Stop(Then::Rest) if matches!(self.state, State::Absent | State::Failed) => {
                State::Done
            }
            S::Spawned(_) | S::Refused(_) | S::Ready | S::Exited(_) | S::Heir(_) => self.state,
            S::Found(_) | S::Stop(_) | S::Signalled | S::Extend(_) | S::Tick => self.state,
            S::Appeared | S::Expire | S::Abandon => self.state,
        }
    }

    fn due(&mut self, at: &mut Moment<'_>, what: Stimulus) -> State {
        match what {
            S::Spawned(pid) => self.up(at, pid),
            S::Refused(refusal) => self.refused(at, refusal),
            S::Stop(then) => self.stopped(at, then),
            S::Expire | S::Abandon => State::Done,
            S::Start | S::Ready | S::Exited(_) | S::Heir(_) | S::Found(_) => self.state,
            S::Signalled | S::Extend(_) | S::Tick | S::Appeared => self.state,
        }
    }

    fn backing_off(&mut self, at: &mut Moment<'_>, until: Instant, what: Stimulus) -> State {
        match what {
            S::Tick if until <= at.now => State::Due,
            S::Stop(then) => self.stopped(at, then),
            S::Expire | S::Abandon => State::Done,
            S::Start | S::Spawned(_) | S::Refused(_) | S::Ready | S::Exited(_) => self.state,
            S::Heir(_) | S::Found(_) | S::Signalled | S::Extend(_) => self.state,
            S::Tick | S::Appeared => self.state,
        }
    }

    fn without_terminal(
        &mut self,
        at: &mut Moment<'_>,
        until: Option<Instant>,
        what: Stimulus,
    ) -> State {
        match what {
            S::Tick if until.is_some_and(|until| until <= at.now) => State::Due,
            S::Appeared => State::Due,
            S::Stop(then) => self.stopped(at, then),
            S::Expire | S::Abandon => State::Done,
            S::Start | S::Spawned(_) | S::Refused(_) | S::Ready | S::Exited(_) => self.state,
            S::Heir(_) | S::Found(_) | S::Signalled | S::Extend(_) | S::Tick => self.state,
        }
    }

    fn starting(&mut self, at: &mut Moment<'_>, pid: Pid, since: Instant, what: Stimulus) -> State {
        match what {
            S::Ready => self.ready(State::Up { pid, since }),
            S::Exited(Ending::Fine) if at.rules.follows => FORKED,
            S::Exited(_) | S::Heir(_) | S::Stop(_) | S::Expire | S::Abandon => {
                self.running(at, pid, since, what)
            }
            S::Start | S::Spawned(_) | S::Refused(_) | S::Found(_) | S::Signalled => self.state,
            S::Extend(_) | S::Tick | S::Appeared => self.state,
        }
    }

    fn running(&mut self, at: &mut Moment<'_>, pid: Pid, since: Instant, what: Stimulus) -> State {
        match what {
            S::Exited(_) if self.heir.0 > 0 => FORKED,
            S::Exited(ending) => self.ended(at, since, ending),
            S::Heir(heir) => self.name_heir(heir),
            S::Stop(Then::Unwell) => self.unwell(at, pid, since),
            S::Stop(then) => State::Leaving { pid, then },
            S::Expire => State::Overdue { pid, then: Then::Rest },
            S::Abandon => State::Done,
            S::Start | S::Spawned(_) | S::Refused(_) | S::Ready | S::Found(_) => self.state,
            S::Signalled | S::Extend(_) | S::Tick | S::Appeared => self.state,
        }
    }

    fn forked(
        &mut self,
        at: &mut Moment<'_>,
        until: Option<Instant>,
        then: Option<Then>,
        what: Stimulus,
    ) -> State {
        match what {
            S::Spawned(pid) => State::Following { pid, then },
            S::Refused(_) => State::Forked { until: Some(at.now.plus(FAULT_WAIT_MS)), then },
            S::Tick if until.is_some_and(|until| until <= at.now) => {
                State::Forked { until: None, then }
            }
            S::Stop(then) => State::Forked { until, then: Some(then) },
            S::Ready => self.ready(self.state),
            S::Expire | S::Abandon => State::Done,
            S::Start | S::Exited(_) | S::Heir(_) | S::Found(_) => self.state,
            S::Signalled | S::Extend(_) | S::Tick | S::Appeared => self.state,
        }
    }

    fn following(
        &mut self,
        at: &mut Moment<'_>,
        pid: Pid,
        then: Option<Then>,
        what: Stimulus,
    ) -> State {
        match what {
            S::Found(pid) => self.found(at, pid, then),
            S::Exited(_) => self.stopped(at, then.unwrap_or(Then::Unwell)),
            S::Stop(then) => State::Following { pid, then: Some(then) },
            S::Ready => self.ready(self.state),
            S::Expire => State::Overdue { pid, then: Then::Rest },
            S::Abandon => State::Done,
            S::Start | S::Spawned(_) | S::Refused(_) | S::Heir(_) => self.state,
            S::Signalled | S::Extend(_) | S::Tick | S::Appeared => self.state,
        }
    }

    fn leaving(&mut self, at: &mut Moment<'_>, pid: Pid, then: Then, what: Stimulus) -> State {
        match what {
            S::Signalled => State::Stopping { pid, until: at.now.plus(at.rules.grace), then },
            S::Exited(_) => self.stopped(at, then),
            S::Stop(then) => State::Leaving { pid, then },
            S::Expire => State::Overdue { pid, then },
            S::Abandon => State::Done,
            S::Start | S::Spawned(_) | S::Refused(_) | S::Ready | S::Heir(_) => self.state,
            S::Found(_) | S::Extend(_) | S::Tick | S::Appeared => self.state,
        }
    }

    fn stopping(
        &mut self,
        at: &mut Moment<'_>,
        pid: Pid,
        until: Instant,
        then: Then,
        what: Stimulus,
    ) -> State {
        match what {
            S::Tick if until <= at.now => State::Overdue { pid, then },
            S::Extend(span) => State::Stopping { pid, until: at.now.plus(span).max(until), then },
            S::Exited(_) => self.stopped(at, then),
            S::Stop(then) => State::Stopping { pid, until, then },
            S::Expire => State::Overdue { pid, then },
            S::Abandon => State::Done,
            S::Start | S::Spawned(_) | S::Refused(_) | S::Ready | S::Heir(_) => self.state,
            S::Found(_) | S::Signalled | S::Tick | S::Appeared => self.state,
        }
    }

    fn overdue(&mut self, at: &mut Moment<'_>, pid: Pid, then: Then, what: Stimulus) -> State {
        match what {
            S::Signalled => State::Killed { pid, then },
            S::Exited(_) => self.stopped(at, then),
            S::Found(pid) => State::Overdue { pid, then },
            S::Stop(then) => State::Overdue { pid, then },
            S::Abandon => State::Done,
            S::Start | S::Spawned(_) | S::Refused(_) | S::Ready | S::Heir(_) => self.state,
            S::Extend(_) | S::Tick | S::Appeared | S::Expire => self.state,
        }
    }

    fn killed(&mut self, at: &mut Moment<'_>, pid: Pid, then: Then, what: Stimulus) -> State {
        match what {
            S::Exited(_) => self.stopped(at, then),
            // The aide that looked for it ended before KILL came.
            S::Found(pid) => State::Overdue { pid, then },
            S::Stop(then) => State::Killed { pid, then },
            S::Abandon => State::Done,
            S::Start | S::Spawned(_) | S::Refused(_) | S::Ready | S::Heir(_) => self.state,
            S::Signalled | S::Extend(_) | S::Tick => self.state,
            S::Appeared | S::Expire => self.state,
        }
    }

    /// Forgets earlier lives: a new start is asked for from outside.
    fn fresh(&mut self) -> State {
        self.early = 0;
        self.starts = 0;
        self.wait = Wait::Unsaid;
        State::Due
    }

    fn up(&mut self, at: &Moment<'_>, pid: Pid) -> State {
        if self.starts == 0 {
            self.window = at.now;
        }
        self.starts = self.starts.saturating_add(1);
        self.lives = self.lives.saturating_add(1);
        (self.terminal, self.wait, self.heir) = (Terminal::Found, Wait::Unsaid, Pid(0));
        self.shown = Shown::Open;
        if at.rules.follows {
            return State::Starting { pid, since: at.now };
        }
        match at.rules.ready {
            Ready::AtOnce => State::Up { pid, since: at.now },
            Ready::Exec | Ready::Notify | Ready::Newline | Ready::Exit => {
                State::Starting { pid, since: at.now }
            }
            Ready::Path | Ready::Port => State::Starting { pid, since: at.now },
        }
    }

    fn name_heir(&mut self, heir: Pid) -> State {
        self.heir = heir;
        self.state
    }

    fn ready(&mut self, state: State) -> State {
        self.shown = Shown::Ready;
        state
    }

    /// It goes on as another process, unless it was to stop. One whose file named the process is up
    /// with it. Of any other one the new process has yet to show what the old one did not; but the
    /// pipe of the old one has closed, so that there a newline is not waited for.
    fn found(&mut self, at: &Moment<'_>, pid: Pid, then: Option<Then>) -> State {
        self.heir = Pid(0);
        let since = at.now;
        let open = !at.rules.follows && self.shown == Shown::Open;
        match (then, at.rules.ready) {
            (Some(then), _) => State::Leaving { pid, then },
            (None, Ready::Notify | Ready::Path | Ready::Port | Ready::Exit) if open => {
                State::Starting { pid, since }
            }
            (None, Ready::Notify | Ready::Path | Ready::Port | Ready::Exit) => {
                State::Up { pid, since }
            }
            (None, Ready::AtOnce | Ready::Exec | Ready::Newline) => State::Up { pid, since },
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
            return if failed { State::Failed } else { self.ready(State::Done) };
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
