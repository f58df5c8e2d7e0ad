//! What follows from the beginning and the end of a process.

use super::init::{Init, Left, Phase};
use super::outputs::Logs;
use super::records::Record;
use super::table::Slot;
use super::unit::{Ending, Last, State, Stimulus};
use super::{End, Exit, Fault, Life, Pid, Refusal, Step, UnitId};
use crate::wire::signals::Signal;

impl Init<'_> {
    /// A child was reaped.
    pub(super) fn exited(&mut self, pid: Pid, exit: Exit, fault: Option<Fault>) {
        // Whatever ended may have started syslogd, or made room for it, where nobody tells us.
        self.log.nudge(self.now);
        self.aide_ended(pid, exit, fault);
        self.care.leave(pid);
        if self.logs != Logs::None {
            self.reader_ended(pid, exit);
        }
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
        self.stir_logs();
        let found = fault.and_then(Fault::finding);
        if let Some(found) = found.filter(|&found| self.unit_of(found).is_none()) {
            self.stimulate(unit, Stimulus::Found(found));
            return self.follows(unit, found);
        }
        // The process of another unit is no more than none.
        let fault = fault.filter(|_| found.is_none());
        self.stimulate(unit, Stimulus::Exited(Ending::of(exit, fault)));
        self.sayings.forget(pid);
        self.remember(
            unit,
            match fault {
                Some(fault) => Last::Fault(fault),
                None if before.state.is_unwell() => Last::Unwell,
                None => Last::Exit(exit),
            },
        );
        // On the way down everything is killed in the end.
        let down = matches!(self.phase, Phase::Down { .. });
        // Nor is anything left where another process takes the place of this one.
        let over = |slot: &Slot| {
            slot.spec.kind.is_service() && !matches!(slot.unit.state, State::Forked { .. })
        };
        let is_over = !down && self.table.slot(unit).is_some_and(over);
        // What has too much memory is ended by the kernel as a whole, which takes a moment.
        let out = fault.is_some_and(|fault| fault.step == Step::Memory);
        let kill = out || before.state.is_stopping();
        self.left = is_over.then_some(Left { pid, life: before.life, kill });
        self.tell_exit(unit, &before, exit, fault);
        // The record of the way down ends all sessions at once.
        let slot = self.table.slot(unit).filter(|_| !down);
        if slot.is_some_and(|slot| self.table.has_terminal(&slot.spec)) {
            self.record(Record::Ended { pid, exit });
        }
        self.main_ended(unit, exit);
    }

    /// Remembers how a unit came to its end.
    fn remember(&mut self, unit: UnitId, last: Last) {
        if let Some(slot) = self.table.slots_mut().get_mut(usize::from(unit.0)) {
            slot.unit.last = last;
        }
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
        self.give_way();
        if !forked {
            self.begin_life(unit);
            self.tell_start(unit, pid);
            self.wake_reader(unit);
            self.look_after(unit, pid);
            self.bound_line();
        }
    }

    /// A unit begins the life that was announced with [`Init::next_life`].
    fn begin_life(&mut self, unit: UnitId) {
        if let Some(slot) = self.table.slots_mut().get_mut(usize::from(unit.0)) {
            slot.unit.life = self.next_life;
        }
        self.next_life = Life(self.next_life.0.wrapping_add(1));
    }

    /// The life that whatever is started next will have.
    pub fn next_life(&self) -> Life {
        self.next_life
    }

    pub(super) fn refused(&mut self, unit: UnitId, refusal: Refusal) {
        if let Some(before) = self.table.slot(unit).map(|slot| slot.unit) {
            self.stimulate(unit, Stimulus::Refused(refusal));
            if let Refusal::Fault(fault) = refusal {
                self.remember(unit, Last::Fault(fault));
            }
            self.tell_refusal(unit, refusal, &before);
        }
    }
}
