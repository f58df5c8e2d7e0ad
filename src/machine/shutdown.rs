//! The way down, in one bounded sequence. Every wait has an end, so that no process, no disk and
//! no terminal can keep a machine from going down.
//!
//! ```text
//! Units -> UnitsKilled -> Lines -> LineKilled -> TermAll -> TermWait -> Last(KillAll)
//!       -> KillWait -> Last(Unmount) -> Last(Sync) -> Last(Reboot) -> Over
//! ```

use super::Mode;
use super::init::{Init, Phase, Reading, Starts, Walk};
use super::readers::DRAIN_MS;
use super::records::Record;
use super::table::Slot;
use super::time::Instant;
use super::unit::{State, Stimulus, Then, Unit};
use super::{Action, End, Exit, Fault, LastStep, Pid, UnitId};
use crate::wire::inittab::Kind;
use crate::wire::signals::Signal;
use crate::wire::value::Millis;

/// How long, in milliseconds, a killed process may take to go before it is left behind: only a
/// process in an uninterruptible sleep needs longer, and it may need for ever.
pub const KILL_WAIT_MS: Millis = 2_000;

/// How long everything that is not a unit has between TERM and KILL, in milliseconds.
pub const TERM_WAIT_MS: Millis = 5_000;

/// How long a last step may take, in milliseconds: a slow disk writes out tens of megabytes in
/// this time, a dead one nothing.
pub const LAST_MS: Millis = 20_000;

/// How long, in milliseconds, until a last step that could not be begun is tried again, and how
/// often it is. By then every process has been killed, so that room for one is bound to come.
const RETRY_MS: Millis = 100;
const RETRIES_MAX: u8 = 50;

/// What a child that was to reboot leaves with where the machine is not ours to reboot: in a
/// container that does not permit it. No error number is as high.
pub const NOT_OURS: u8 = 200;

/// What is left of a wait, in milliseconds, once somebody asked twice.
pub const HURRY_MS: Millis = 1_000;

/// Where we are on the way down. Beside it stands the time at which it is given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Units stop, each with its signal and its grace.
    Units,
    /// Units that did not stop have been sent KILL.
    UnitsKilled,
    /// The `shutdown` lines run, one after the other.
    Lines,
    /// A line took too long and is sent KILL.
    LineKilled,
    /// Every process is to be sent TERM.
    TermAll,
    /// Every process has been sent TERM.
    TermWait,
    /// Every process has been sent KILL.
    KillWait,
    /// A last step.
    Last(LastStep, LastState),
    /// The `restart` line is to take our place.
    Replace,
    /// We are in a container that does not let us reboot, and may leave it.
    Leave,
    /// Nothing is left to be done.
    Over,
}

/// How a last step is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LastState {
    /// It is to be begun, for so many times in vain.
    Wanted { tries: u8 },
    /// It could not be begun and is tried again when its time is over.
    Refused { tries: u8 },
    /// A child is at it.
    Running(Pid),
}

impl Init<'_> {
    /// Begins the way down.
    #[inline(never)]
    pub(super) fn go_down(&mut self, end: End) {
        self.tell_down(end);
        self.record(Record::Down);
        // Whatever was under way is not gone on with.
        (self.reading, self.ctrlaltdel, self.starts) = (Reading::Idle, Walk::Off, Starts::On);
        let mut grace = 0;
        let mut chain: Millis = 0;
        for slot in self.table.slots() {
            if slot.unit.state.is_live() {
                grace = slot.spec.rules.grace.max(grace);
                // One that others waited for begins to stop only when those have ended.
                let drain = if slot.spec.log.is_some() { DRAIN_MS } else { 0 };
                let link =
                    if slot.spec.tied { slot.spec.rules.grace.saturating_add(drain) } else { 0 };
                chain = chain.saturating_add(link);
            }
        }
        self.stimulate_all(Stimulus::Stop(Then::Rest));
        self.rewind(Kind::Shutdown);
        let drain = if self.is_any_log() { DRAIN_MS } else { 0 };
        let until = self.now.plus(chain).plus(grace).plus(drain).plus(KILL_WAIT_MS);
        self.stir_logs();
        self.phase = Phase::Down { end, stage: Stage::Units, until };
    }

    /// Somebody asked again: waits become short, and what failed is tried once more.
    #[inline(never)]
    pub(super) fn hurry(&mut self, again: End) {
        if let Phase::Down { end, stage, until } = &mut self.phase {
            if matches!(stage, Stage::Over) {
                *end = again;
                self.begin_last(LastStep::Reboot(again));
            } else if !matches!(stage, Stage::Last(..)) {
                *until = self.now.plus(HURRY_MS).min(*until);
            }
        }
    }

    /// Goes to a stage, which has so much time.
    fn set_stage(&mut self, next: Stage, span: Millis) {
        if let Phase::Down { stage, until, .. } = &mut self.phase {
            (*stage, *until) = (next, self.now.plus(span));
        }
    }

    /// Whether any unit has a process.
    pub(super) fn is_any_live(&self) -> bool {
        self.table.slots().iter().any(|s| s.unit.state.is_live())
    }

    /// The signal that a unit is to be sent. Units are stopped in reverse order; on the way down
    /// one that others waited for is stopped when those have ended.
    pub(super) fn next_signal(&self) -> Option<Action> {
        let down = matches!(self.phase, Phase::Down { .. });
        let mut slots = self.table.slots().iter().enumerate().rev();
        let (index, _) = slots.find(|(index, slot)| match slot.unit.state {
            State::Leaving { .. } => !(down && self.is_leaned_on(UnitId(*index as u16))),
            state => matches!(state, State::Overdue { .. }),
        })?;
        let unit = UnitId(index as u16);
        let Slot { spec, unit: Unit { state, .. } } = self.table.slot(unit)?;
        let pid = state.pid()?;
        let (mut signal, mut hangup) = (Signal::KILL, false);
        if let State::Leaving { .. } = state {
            signal = spec.stop.unwrap_or(Signal::TERM);
            hangup = spec.stop.is_none() && self.table.has_terminal(spec);
        }
        Some(Action::Signal { unit, pid, signal, hangup })
    }

    /// The `restart` line: of several the first one counts.
    pub(super) fn restart_line(&self) -> Option<UnitId> {
        let table = &self.table;
        table.first(|slot| slot.spec.kind == Kind::Restart && table.may_run(&slot.spec))
    }

    /// What is wanted at a stage.
    pub(super) fn next_down(&self, stage: Stage) -> Option<Action> {
        match stage {
            Stage::Lines => self.due().map(|unit| Action::Spawn { unit }),
            Stage::TermAll => Some(Action::TermAll),
            Stage::Last(step, LastState::Wanted { .. }) => Some(Action::Last(step)),
            Stage::Replace => self.restart_line().map(|unit| Action::Replace { unit }),
            Stage::Leave => Some(Action::Leave { code: self.exit_code() }),
            Stage::Units | Stage::UnitsKilled | Stage::LineKilled => None,
            Stage::TermWait | Stage::KillWait | Stage::Over => None,
            Stage::Last(_, LastState::Refused { .. } | LastState::Running(_)) => None,
        }
    }

    /// Goes on where what a stage waited for has come.
    #[inline(never)]
    pub(super) fn advance_down(&mut self) {
        let Phase::Down { stage, .. } = self.phase else {
            return;
        };
        match stage {
            Stage::Units | Stage::UnitsKilled if !self.is_any_live() && !self.is_any_log() => {
                self.begin_lines()
            }
            Stage::Lines | Stage::LineKilled => self.advance_lines(),
            Stage::Units | Stage::UnitsKilled => {}
            Stage::TermAll | Stage::TermWait | Stage::KillWait => {}
            Stage::Last(..) | Stage::Replace | Stage::Leave | Stage::Over => {}
        }
    }

    /// The code to leave with.
    fn exit_code(&self) -> u8 {
        match self.phase {
            Phase::Down { end: End::Main(code), .. } => code,
            Phase::Fresh | Phase::Boot(_) | Phase::Run | Phase::Down { .. } => 0,
        }
    }

    fn begin_lines(&mut self) {
        // A line that cannot be begun is given up after the same time as one that hangs.
        self.set_stage(Stage::Lines, LAST_MS);
        self.advance_lines();
    }

    fn advance_lines(&mut self) {
        let was_due = self.due().is_some();
        if !self.walk(Kind::Shutdown) {
            self.log.close();
            self.set_stage(Stage::TermAll, 0);
        } else if self.due().is_some() && !was_due {
            self.set_stage(Stage::Lines, LAST_MS);
        }
    }

    /// A `shutdown` line has begun: from now its time counts.
    pub(super) fn bound_line(&mut self) {
        if let Phase::Down { stage: Stage::Lines, .. } = self.phase {
            let running = self.table.slots().iter().find(|s| s.unit.state.pid().is_some());
            if let Some(grace) = running.map(|s| s.spec.rules.grace) {
                self.set_stage(Stage::Lines, grace);
            }
        }
    }

    /// Every process was sent TERM.
    pub(super) fn signalled_all(&mut self, any: bool) {
        if let Phase::Down { stage: Stage::TermAll, .. } = self.phase {
            self.set_stage(Stage::TermWait, TERM_WAIT_MS);
            if !any {
                self.begin_end();
            }
        }
    }

    /// There is no child left.
    pub(super) fn childless_down(&mut self) {
        if let Phase::Down { stage: Stage::TermWait | Stage::KillWait, .. } = self.phase {
            self.begin_end();
        }
    }

    /// When the way down wants a tick.
    #[inline(never)] // Apart, it and its caller fit into registers.
    pub(super) fn down_deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Fresh | Phase::Boot(_) | Phase::Run => None,
            // What these want is wanted now, or nothing more is.
            Phase::Down {
                stage: Stage::TermAll | Stage::Replace | Stage::Leave | Stage::Over,
                ..
            } => None,
            Phase::Down { until, .. } => Some(until),
        }
    }

    /// Time went by on the way down.
    pub(super) fn tick_down(&mut self) {
        let Phase::Down { stage, until, .. } = self.phase else {
            return;
        };
        if self.now < until {
            return;
        }
        match stage {
            Stage::Units | Stage::Lines => {
                self.tell_overdue();
                self.stimulate_all(Stimulus::Expire);
                self.readers.expire();
                let killed = match stage {
                    Stage::Units => Stage::UnitsKilled,
                    _ => Stage::LineKilled,
                };
                self.set_stage(killed, KILL_WAIT_MS);
            }
            Stage::UnitsKilled | Stage::LineKilled => {
                // KILL did not end them, and nothing else can.
                self.tell_unkillable();
                self.stimulate_all(Stimulus::Abandon);
                self.stir_logs();
                self.begin_lines();
            }
            Stage::TermWait => self.begin_last(LastStep::KillAll),
            Stage::KillWait => self.begin_end(),
            Stage::Last(step, LastState::Refused { tries }) => {
                self.set_stage(Stage::Last(step, LastState::Wanted { tries }), LAST_MS);
            }
            Stage::Last(step, LastState::Wanted { .. } | LastState::Running(_)) => {
                self.tell_step_late(step);
                self.after_last(step);
            }
            Stage::TermAll | Stage::Replace | Stage::Leave | Stage::Over => {}
        }
    }

    /// Every process is gone, or as good as gone.
    fn begin_end(&mut self) {
        match self.phase {
            Phase::Down { end: End::Restart, .. } => self.set_stage(Stage::Replace, 0),
            // What is mounted, and the power, are not ours.
            _ if self.mode == Mode::Supervise => self.set_stage(Stage::Leave, 0),
            _ => self.begin_last(LastStep::Unmount),
        }
    }

    fn begin_last(&mut self, step: LastStep) {
        self.set_stage(Stage::Last(step, LastState::Wanted { tries: 0 }), LAST_MS);
    }

    /// The step that follows one that is done or given up.
    fn after_last(&mut self, step: LastStep) {
        let Phase::Down { end, .. } = self.phase else {
            return;
        };
        match step {
            LastStep::KillAll => self.set_stage(Stage::KillWait, KILL_WAIT_MS),
            LastStep::Unmount => self.begin_last(LastStep::Sync),
            LastStep::Sync => self.begin_last(LastStep::Reboot(end)),
            LastStep::Reboot(_) => self.set_stage(Stage::Over, 0),
        }
    }

    /// A last step has a child that does it.
    pub(super) fn step_started(&mut self, pid: Pid) {
        if let Phase::Down { stage: Stage::Last(_, state), .. } = &mut self.phase {
            *state = LastState::Running(pid);
        }
    }

    /// Whether nobody has tried to unmount yet, but somebody is about to.
    pub fn is_first_unmount(&self) -> bool {
        const FIRST: Stage = Stage::Last(LastStep::Unmount, LastState::Wanted { tries: 0 });
        matches!(self.phase, Phase::Down { stage: FIRST, .. })
    }

    /// No child could be forked for a last step.
    pub(super) fn step_refused(&mut self, errno: u16) {
        let Phase::Down { stage: Stage::Last(step, state), .. } = self.phase else {
            return;
        };
        let tries = match state {
            LastState::Wanted { tries } | LastState::Refused { tries } => tries,
            LastState::Running(_) => return,
        };
        let not_ours = errno == u16::from(NOT_OURS);
        if tries == 0 && !not_ours {
            self.tell_step_refused(step, errno);
        }
        match step {
            LastStep::Reboot(_) if not_ours => self.set_stage(Stage::Leave, 0),
            // Without a child the deed has sent KILL itself: that is how processes get free.
            LastStep::KillAll => self.after_last(step),
            LastStep::Unmount | LastStep::Sync if tries >= RETRIES_MAX => self.after_last(step),
            // There is nothing to go on to without a reboot, and the deed has tried it itself.
            LastStep::Unmount | LastStep::Sync | LastStep::Reboot(_) => {
                let tries = tries.saturating_add(1);
                self.set_stage(Stage::Last(step, LastState::Refused { tries }), RETRY_MS);
            }
        }
    }

    /// A process ended; if it was at a last step, that step is done.
    pub(super) fn step_ended(&mut self, ended: Pid, exit: Exit) {
        let Phase::Down { stage: Stage::Last(step, LastState::Running(pid)), .. } = self.phase
        else {
            return;
        };
        match (step, exit) {
            _ if pid != ended => {}
            (LastStep::Reboot(_), Exit::Code(NOT_OURS)) => {
                self.set_stage(Stage::Leave, 0);
            }
            (LastStep::Reboot(_), Exit::Code(code)) if code != 0 => {
                self.tell_no_reboot(code);
                self.set_stage(Stage::Over, 0);
            }
            (step, _) => self.after_last(step),
        }
    }

    /// Nothing took our place: everything is begun anew, which is what most `restart` lines are
    /// for.
    pub(super) fn not_replaced(&mut self, fault: Fault) {
        if let Phase::Down { stage: Stage::Replace, .. } = self.phase {
            self.tell_not_replaced(fault);
            self.boot_again();
        }
    }
}
