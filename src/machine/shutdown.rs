//! The way down, in one bounded sequence. Every wait has an end, so that no process, no disk and
//! no terminal can keep a machine from going down.
//!
//! ```text
//! Units -> UnitsKilled -> Lines -> LineKilled -> TermAll -> TermWait -> Last(KillAll)
//!       -> KillWait -> Last(Unmount) -> Last(Sync) -> Last(Reboot) -> Over
//! ```

use super::init::{Init, Phase, Reading, Starts, Walk};
use super::time::Instant;
use super::unit::{Stimulus, Then};
use super::{Action, End, Exit, Fault, LastStep, Pid};
use crate::wire::errno::EPERM;
use crate::wire::inittab::Kind;
use crate::wire::value::Millis;

/// How long, in milliseconds, a killed process may take to go before it is left behind: only a
/// process in an uninterruptible sleep needs longer, and it may need for ever.
pub const KILL_WAIT_MS: Millis = 2_000;

/// How long everything that is not a unit has between TERM and KILL, in milliseconds.
pub const TERM_WAIT_MS: Millis = 5_000;

/// How long a last step may take, in milliseconds: a slow disk writes out tens of megabytes in
/// this time, a dead one nothing.
pub const LAST_MS: Millis = 20_000;

/// How long, in milliseconds, until a last step that could not be begun is tried again.
const RETRY_MS: Millis = 100;

/// What is left of a wait, in milliseconds, once somebody asked twice.
pub const HURRY_MS: Millis = 1_000;

/// Where we are on the way down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Units stop, each with its signal and its grace.
    Units { until: Instant },
    /// Units that did not stop have been sent KILL.
    UnitsKilled { until: Instant },
    /// The `shutdown` lines run, one after the other.
    Lines { until: Instant },
    /// A line took too long and is sent KILL.
    LineKilled { until: Instant },
    /// Every process is to be sent TERM.
    TermAll,
    /// Every process has been sent TERM.
    TermWait { until: Instant },
    /// Every process has been sent KILL.
    KillWait { until: Instant },
    /// A last step.
    Last(Last),
    /// The `restart` line is to take our place.
    Replace,
    /// We are in a container that does not let us reboot, and may leave it.
    Leave,
    /// Nothing is left to be done.
    Over,
}

/// A last step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Last {
    /// Which one.
    pub step: LastStep,
    /// When it is given up.
    pub until: Instant,
    /// How it is.
    pub state: LastState,
}

/// How a last step is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LastState {
    /// It is to be begun.
    Wanted,
    /// It could not be begun and is tried again at this time.
    Refused { again: Instant },
    /// A child is at it.
    Running(Pid),
}

impl Last {
    /// A step to be begun.
    pub fn new(now: Instant, step: LastStep) -> Self {
        Last { step, until: now.plus(LAST_MS), state: LastState::Wanted }
    }

    /// A child has begun it.
    pub fn started(&mut self, pid: Pid) {
        self.state = LastState::Running(pid);
    }

    fn deadline(&self) -> Instant {
        match self.state {
            LastState::Refused { again } => again.min(self.until),
            LastState::Wanted | LastState::Running(_) => self.until,
        }
    }
}

impl Stage {
    /// When the stage wants a tick.
    pub fn deadline(&self) -> Option<Instant> {
        match *self {
            Stage::Units { until } | Stage::UnitsKilled { until } => Some(until),
            Stage::Lines { until } | Stage::LineKilled { until } => Some(until),
            Stage::TermWait { until } | Stage::KillWait { until } => Some(until),
            Stage::Last(last) => Some(last.deadline()),
            Stage::TermAll | Stage::Replace | Stage::Leave | Stage::Over => None,
        }
    }

    /// The stage with its wait cut short.
    fn hurried(self, now: Instant) -> Stage {
        let soon = now.plus(HURRY_MS);
        match self {
            Stage::Units { until } => Stage::Units { until: until.min(soon) },
            Stage::Lines { until } => Stage::Lines { until: until.min(soon) },
            Stage::TermWait { until } => Stage::TermWait { until: until.min(soon) },
            Stage::KillWait { until } => Stage::KillWait { until: until.min(soon) },
            Stage::UnitsKilled { .. } | Stage::LineKilled { .. } | Stage::TermAll => self,
            Stage::Last(_) | Stage::Replace | Stage::Leave | Stage::Over => self,
        }
    }
}

impl Init<'_> {
    /// Begins the way down.
    pub(super) fn go_down(&mut self, now: Instant, end: End) {
        self.tell_down(now, end);
        // Whatever was under way is not gone on with.
        (self.reading, self.ctrlaltdel, self.starts) = (Reading::Idle, Walk::Off, Starts::On);
        let live = self.table.slots().iter().filter(|s| s.unit.state.pid().is_some());
        let grace = live.map(|s| s.spec.rules.grace).max().unwrap_or(0);
        self.stimulate_all(now, Stimulus::Stop(Then::Rest));
        self.rewind(Kind::Shutdown);
        let until = now.plus(grace).plus(KILL_WAIT_MS);
        self.phase = Phase::Down { end, stage: Stage::Units { until } };
    }

    /// Somebody asked again: waits become short, and what failed is tried once more.
    pub(super) fn hurry(&mut self, now: Instant, again: End) {
        match &mut self.phase {
            Phase::Down { end, stage: stage @ Stage::Over } => {
                *end = again;
                *stage = Stage::Last(Last::new(now, LastStep::Reboot(again)));
            }
            Phase::Down { stage, .. } => *stage = stage.hurried(now),
            Phase::Fresh | Phase::Boot(_) | Phase::Run => {}
        }
    }

    fn set_stage(&mut self, next: Stage) {
        if let Phase::Down { stage, .. } = &mut self.phase {
            *stage = next;
        }
    }

    /// What is wanted at a stage.
    pub(super) fn next_down(&self, stage: Stage) -> Option<Action> {
        match stage {
            Stage::Units { .. } | Stage::UnitsKilled { .. } | Stage::LineKilled { .. } => None,
            Stage::Lines { .. } => self.due().map(|unit| Action::Spawn { unit }),
            Stage::TermAll => Some(Action::TermAll),
            Stage::TermWait { .. } | Stage::KillWait { .. } | Stage::Over => None,
            Stage::Last(last) => match last.state {
                LastState::Wanted => Some(Action::Last(last.step)),
                LastState::Refused { .. } | LastState::Running(_) => None,
            },
            Stage::Replace => self.restart_line().map(|unit| Action::Replace { unit }),
            Stage::Leave => Some(Action::Leave),
        }
    }

    /// Goes on where what a stage waited for has come.
    pub(super) fn advance_down(&mut self, now: Instant) {
        let Phase::Down { stage, .. } = self.phase else {
            return;
        };
        match stage {
            Stage::Units { .. } | Stage::UnitsKilled { .. } if !self.is_any_live() => {
                self.begin_lines(now);
            }
            Stage::Lines { .. } | Stage::LineKilled { .. } => self.advance_lines(now),
            Stage::Units { .. } | Stage::UnitsKilled { .. } => {}
            Stage::TermAll | Stage::TermWait { .. } | Stage::KillWait { .. } => {}
            Stage::Last(_) | Stage::Replace | Stage::Leave | Stage::Over => {}
        }
    }

    fn begin_lines(&mut self, now: Instant) {
        // A line that cannot be begun is given up after the same time as one that hangs.
        self.set_stage(Stage::Lines { until: now.plus(LAST_MS) });
        if !self.walk(now, Kind::Shutdown) {
            self.begin_term();
        }
    }

    fn advance_lines(&mut self, now: Instant) {
        let was_due = self.due().is_some();
        if !self.walk(now, Kind::Shutdown) {
            self.begin_term();
        } else if self.due().is_some() && !was_due {
            self.set_stage(Stage::Lines { until: now.plus(LAST_MS) });
        }
    }

    fn begin_term(&mut self) {
        self.log.close();
        self.set_stage(Stage::TermAll);
    }

    /// A `shutdown` line has begun: from now its time counts.
    pub(super) fn bound_line(&mut self, now: Instant) {
        let Phase::Down { stage: Stage::Lines { .. }, .. } = self.phase else {
            return;
        };
        let running = self.table.slots().iter().find(|s| s.unit.state.pid().is_some());
        if let Some(grace) = running.map(|s| s.spec.rules.grace) {
            self.set_stage(Stage::Lines { until: now.plus(grace) });
        }
    }

    /// Every process was sent TERM.
    pub(super) fn signalled_all(&mut self, now: Instant, any: bool) {
        if !matches!(self.phase, Phase::Down { stage: Stage::TermAll, .. }) {
            return;
        }
        self.set_stage(Stage::TermWait { until: now.plus(TERM_WAIT_MS) });
        if !any {
            self.begin_end(now);
        }
    }

    /// There is no child left.
    pub(super) fn childless_down(&mut self, now: Instant) {
        let Phase::Down { stage, .. } = self.phase else {
            return;
        };
        if matches!(stage, Stage::TermWait { .. } | Stage::KillWait { .. }) {
            self.begin_end(now);
        }
    }

    /// Time went by on the way down.
    pub(super) fn tick_down(&mut self, now: Instant) {
        let Phase::Down { stage, .. } = self.phase else {
            return;
        };
        if let Stage::Last(last) = stage {
            return self.tick_last(now, last);
        }
        if stage.deadline().is_none_or(|until| now < until) {
            return;
        }
        let until = now.plus(KILL_WAIT_MS);
        match stage {
            Stage::Units { .. } => {
                self.tell_overdue(now);
                self.stimulate_all(now, Stimulus::Expire);
                self.set_stage(Stage::UnitsKilled { until });
            }
            Stage::UnitsKilled { .. } => {
                self.abandon(now);
                self.begin_lines(now);
            }
            Stage::Lines { .. } => {
                self.tell_overdue(now);
                self.stimulate_all(now, Stimulus::Expire);
                self.set_stage(Stage::LineKilled { until });
            }
            Stage::LineKilled { .. } => {
                self.abandon(now);
                self.set_stage(Stage::Lines { until: now.plus(LAST_MS) });
            }
            Stage::TermWait { .. } => self.begin_last(now, LastStep::KillAll),
            Stage::KillWait { .. } => {
                self.tell_unkillable(now);
                self.begin_end(now);
            }
            Stage::TermAll | Stage::Last(_) | Stage::Replace => {}
            Stage::Leave | Stage::Over => {}
        }
    }

    /// Gives up units that KILL did not end.
    fn abandon(&mut self, now: Instant) {
        self.tell_unkillable(now);
        self.stimulate_all(now, Stimulus::Abandon);
    }

    fn tick_last(&mut self, now: Instant, mut last: Last) {
        let refused = matches!(last.state, LastState::Refused { .. });
        if refused && matches!(last.step, LastStep::Reboot(_)) {
            // There is nothing to go on to without it.
            self.begin_last(now, last.step);
        } else if now >= last.until {
            self.tell_step_late(now, last.step);
            self.after_last(now, last.step);
        } else if matches!(last.state, LastState::Refused { again } if again <= now) {
            last.state = LastState::Wanted;
            self.set_stage(Stage::Last(last));
        }
    }

    /// Every process is gone, or as good as gone.
    fn begin_end(&mut self, now: Instant) {
        let Phase::Down { end, .. } = self.phase else {
            return;
        };
        match end {
            End::Restart => self.set_stage(Stage::Replace),
            End::Halt | End::PowerOff | End::Reboot => self.begin_last(now, LastStep::Unmount),
        }
    }

    fn begin_last(&mut self, now: Instant, step: LastStep) {
        self.set_stage(Stage::Last(Last::new(now, step)));
    }

    /// The step that follows one that is done or given up.
    fn after_last(&mut self, now: Instant, step: LastStep) {
        let Phase::Down { end, .. } = self.phase else {
            return;
        };
        match step {
            LastStep::KillAll => {
                self.set_stage(Stage::KillWait { until: now.plus(KILL_WAIT_MS) });
            }
            LastStep::Unmount => self.begin_last(now, LastStep::Sync),
            LastStep::Sync => self.begin_last(now, LastStep::Reboot(end)),
            LastStep::Reboot(_) => self.set_stage(Stage::Over),
        }
    }

    /// No child could be forked for a last step.
    pub(super) fn step_refused(&mut self, now: Instant, errno: u16) {
        let Phase::Down { stage: Stage::Last(mut last), .. } = self.phase else {
            return;
        };
        self.tell_step_refused(now, last.step, errno);
        if last.step == LastStep::KillAll {
            // Without a child the deed has sent KILL itself: that is how processes get free.
            self.after_last(now, last.step);
            return;
        }
        last.state = LastState::Refused { again: now.plus(RETRY_MS) };
        self.set_stage(Stage::Last(last));
    }

    /// A process ended; if it was at a last step, that step is done.
    pub(super) fn step_ended(&mut self, now: Instant, pid: Pid, exit: Exit) {
        let Phase::Down { stage: Stage::Last(last), .. } = self.phase else {
            return;
        };
        if last.state != LastState::Running(pid) {
            return;
        }
        match (last.step, exit) {
            (LastStep::Reboot(_), Exit::Code(code)) if u16::from(code) == EPERM => {
                self.set_stage(Stage::Leave);
            }
            (LastStep::Reboot(_), Exit::Code(code)) if code != 0 => {
                self.tell_no_reboot(now, code);
                self.set_stage(Stage::Over);
            }
            (step, _) => self.after_last(now, step),
        }
    }

    /// Nothing took our place: everything is begun anew, which is what most `restart` lines are
    /// for.
    pub(super) fn not_replaced(&mut self, now: Instant, fault: Fault) {
        if !matches!(self.phase, Phase::Down { stage: Stage::Replace, .. }) {
            return;
        }
        self.tell_not_replaced(now, fault);
        self.boot_again(now);
    }
}
