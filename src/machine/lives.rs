//! What follows from the beginning and the end of a process.

use super::init::{Init, Phase};
use super::records::Record;
use super::table::Slot;
use super::unit::{Ending, State, Stimulus};
use super::{End, Exit, Fault, Pid, Refusal, UnitId};
use crate::wire::signals::Signal;

impl Init<'_> {
    /// A child was reaped.
    pub(super) fn exited(&mut self, pid: Pid, exit: Exit, fault: Option<Fault>) {
        // Whatever ended may have started syslogd, or made room for it, where nobody tells us.
        self.log.nudge(self.now);
        self.aide_ended(pid, exit, fault);
        self.care.leave(pid);
        if let Some(unit) = self.unit_of(pid) {
            self.unit_ended(unit, pid, exit, fault);
        }
        self.stirred |= self.records.ended(pid);
        self.step_ended(pid, exit);
    }

    #[inline(never)]
    fn unit_ended(&mut self, unit: UnitId, pid: Pid, exit: Exit, fault: Option<Fault>) {
        let Some(before) = self.table.slot(unit).map(|slot| slot.unit) else { return };
        self.stirred = true;
        let found = fault.and_then(Fault::finding);
        if let Some(found) = found.filter(|&found| self.unit_of(found).is_none()) {
            self.stimulate(unit, Stimulus::Found(found));
            return self.follows(unit, found);
        }
        // The process of another unit is no more than none.
        let fault = fault.filter(|_| found.is_none());
        self.stimulate(unit, Stimulus::Exited(Ending::of(exit, fault)));
        // On the way down everything is killed in the end.
        let down = matches!(self.phase, Phase::Down { .. });
        let is_service = self.table.slot(unit).is_some_and(|slot| slot.spec.kind.is_service());
        self.left = (is_service && !down).then_some((pid, before.state.is_stopping()));
        self.tell_exit(unit, &before, exit, fault);
        // The record of the way down ends all sessions at once.
        let slot = self.table.slot(unit).filter(|_| !down);
        if slot.is_some_and(|slot| self.table.has_terminal(&slot.spec)) {
            self.record(Record::Ended { pid, exit });
        }
        self.main_ended(unit, exit);
    }

    /// A unit has ended; if that was for good and all depends on it, all ends.
    fn main_ended(&mut self, unit: UnitId, exit: Exit) {
        let ends = |slot: &Slot| {
            let over = matches!(slot.unit.state, State::Done | State::Failed);
            over && slot.spec.main && slot.spec.listed
        };
        if self.phase == Phase::Run && self.table.slot(unit).is_some_and(ends) {
            self.go_down(End::Main(match exit {
                Exit::Code(code) => code,
                // As a shell has it.
                Exit::Signal(Signal(number)) => 128 | number,
            }));
        }
    }

    /// Has something written down about sessions.
    pub(super) fn record(&mut self, record: Record) {
        if !self.records.put(record) {
            self.tell_unrecorded();
        }
    }

    pub(super) fn spawned(&mut self, unit: UnitId, pid: Pid) {
        let forked = self
            .table
            .slot(unit)
            .is_some_and(|slot| matches!(slot.unit.state, State::Forked { .. }));
        self.stimulate(unit, Stimulus::Spawned(pid));
        if !forked {
            self.tell_start(unit, pid);
            self.look_after(unit, pid);
            self.bound_line();
        }
    }

    pub(super) fn refused(&mut self, unit: UnitId, refusal: Refusal) {
        if let Some(before) = self.table.slot(unit).map(|slot| slot.unit) {
            self.stimulate(unit, Stimulus::Refused(refusal));
            self.tell_refusal(unit, refusal, &before);
        }
    }
}
