//! Which log each unit writes to, and what follows from that: see [`super::readers`].

use super::init::{Init, Phase};
use super::readers::{LOGS_MAX, LogId, News, Wish};
use super::shutdown::Stage;
use super::stories::{ending, fill};
use super::table::{Slot, Spec, Table};
use super::time::Instant;
use super::unit::{State, Unit};
use super::{Action, Exit, Pid, UnitId, earlier};
use crate::wire::options::{self, Log};
use crate::wire::syslog::Level;
use crate::wire::text::Line;

/// How it is with logs that have a reader.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Logs {
    /// There has never been one, and nothing about them need be looked at.
    None,
    /// Somebody holds each of them, or it has been left.
    Settled,
    /// Some may have lost those that held them.
    Stirred,
}

impl Table {
    /// Where a unit writes to, if that has a reader.
    fn log_of(&self, spec: &Spec) -> Option<Log<'_>> {
        let log = options::output(self.text(spec.options)).filter(|_| spec.kind.is_service());
        log.filter(|log| matches!(log, Log::Syslog(_) | Log::File(_)))
    }

    /// Which one of its name the first unit of a line is.
    pub fn line_ordinal(&self, spec: &Spec) -> u16 {
        spec.name.ordinal.saturating_sub(spec.instance.into())
    }

    /// Whether units write to the same log: the same file, or to syslog by the same line.
    fn same_log(&self, spec: &Spec, other: &Table, theirs: &Spec) -> bool {
        match (self.log_of(spec), other.log_of(theirs)) {
            (Some(Log::File(path)), Some(Log::File(other))) => path == other,
            (Some(Log::Syslog(_)), Some(Log::Syslog(_))) => {
                self.is_line(spec, other.text(theirs.tty), other.text(theirs.command))
            }
            _ => false,
        }
    }

    /// The first unit that writes to the same log, as far as that is known.
    fn log_twin(&self, spec: &Spec, other: &Table) -> Option<&Slot> {
        let twin = |slot: &&Slot| slot.spec.log.is_some() && other.same_log(spec, self, &slot.spec);
        self.slots().iter().find(twin)
    }

    /// Whether a reader goes by the same for both units. That it is begun anew where only other
    /// options have changed costs nothing but a fork.
    fn same_reading(&self, spec: &Spec, other: &Table, theirs: &Spec) -> bool {
        self.line_ordinal(spec) == other.line_ordinal(theirs)
            && self.text(spec.name.base) == other.text(theirs.name.base)
            && self.text(spec.options) == other.text(theirs.options)
    }
}

impl Init<'_> {
    /// Gives each unit of a table that has been read its log: the one that a unit before it has,
    /// the one that has been there, or a new one. Where there are too many, it has none.
    pub(super) fn share_logs(&mut self) {
        for index in 0..self.next_table.slots().len() {
            let Some(spec) = self.next_table.slots().get(index).map(|slot| slot.spec) else {
                return;
            };
            if self.next_table.log_of(&spec).is_some() {
                self.logs = Logs::Stirred;
                let log = self.log_for(&spec);
                if let Some(slot) = self.next_table.slots_mut().get_mut(index) {
                    slot.spec.log = log;
                }
            }
        }
    }

    fn log_for(&mut self, spec: &Spec) -> Option<LogId> {
        let next = &*self.next_table;
        if let Some(twin) = next.log_twin(spec, next) {
            return twin.spec.log;
        }
        let Some(Slot { spec: old, .. }) = self.table.log_twin(spec, next) else {
            return self.readers.claim();
        };
        let log = old.log?;
        self.readers.hold(log);
        Some(log)
    }

    /// Units go, but while their logs are read, what the readers go by stays. Where that is now
    /// another line's, or has changed, there is another reader.
    pub(super) fn keep_logs(&mut self) {
        let Init { table, next_table, readers, .. } = self;
        for (index, slot) in table.slots().iter().enumerate() {
            let Some(log) = slot.spec.log else { continue };
            let reads = |slot: &Slot| slot.spec.log == Some(log);
            match next_table.slots().iter().find(|slot| reads(slot)) {
                None => {
                    let unit = Unit { state: State::Done, ..Unit::new() };
                    // That there is room was made sure of before.
                    let _ = next_table.adopt(table, &Slot { unit, ..*slot });
                }
                Some(kept) => {
                    let was_first = table.first(reads) == Some(UnitId(index as u16));
                    if was_first && !next_table.same_reading(&kept.spec, table, &slot.spec) {
                        readers.renew(log);
                    }
                }
            }
        }
    }

    /// Leaves the logs that no unit writes to any more or may be started to.
    #[inline(never)]
    pub(super) fn heed_logs(&mut self) {
        self.logs = Logs::Settled;
        let down = matches!(self.phase, Phase::Down { .. });
        let mut needed = [false; LOGS_MAX];
        for Slot { spec, unit } in self.table.slots() {
            let is_needed = unit.state.is_live() || !down && self.table.may_run(spec);
            if let Some(log) = spec.log
                && let Some(place) = needed.get_mut(log.place())
            {
                *place |= is_needed;
            }
        }
        self.readers.leave_all_but(&needed);
    }

    /// Somebody who held a log may not do so any more.
    pub(super) fn stir_logs(&mut self) {
        if self.logs == Logs::Settled {
            self.logs = Logs::Stirred;
        }
    }

    /// A unit has been started.
    pub(super) fn wake_reader(&mut self, unit: UnitId) {
        if let Some(log) = self.table.slot(unit).and_then(|slot| slot.spec.log) {
            self.readers.wake(log);
        }
    }

    /// Whether there has been a log that has a reader.
    pub fn has_logs(&self) -> bool {
        self.logs != Logs::None
    }

    /// What is wanted for readers. Once the units have ended on the way down, none is begun.
    #[inline(never)] // Its caller stays in memory, and few have need of it.
    pub(super) fn next_reader(&self) -> Option<Action> {
        let (down, begins) = match self.phase {
            Phase::Fresh | Phase::Boot(_) | Phase::Run => (false, true),
            Phase::Down { stage, .. } => (true, stage == Stage::Units),
        };
        let (log, wish) = self.readers.next(down, begins)?;
        match wish {
            Wish::Begin => self.log_unit(log).map(|unit| Action::BeginReader { log, unit }),
            Wish::Signal { pid, signal } => Some(Action::SignalReader { log, pid, signal }),
            Wish::Close { whole } => Some(Action::CloseLog { log, whole }),
        }
    }

    /// The unit by whose line a log is read.
    fn log_unit(&self, log: LogId) -> Option<UnitId> {
        self.table.first(|slot| slot.spec.log == Some(log))
    }

    /// A log has been closed.
    pub(super) fn log_closed(&mut self, log: LogId) {
        if self.readers.closed(log) {
            // The place may be another's from now on.
            for slot in self.table.slots_mut().iter_mut().filter(|s| s.spec.log == Some(log)) {
                slot.spec.log = None;
            }
        }
    }

    /// A reader could not be begun.
    pub(super) fn reader_refused(&mut self, log: LogId, errno: u16) {
        if let (News::Again, Some(unit)) = (self.readers.refused(self.now, log), self.log_unit(log))
        {
            let what = b"%u: cannot begin the reader of its log: %e; tried again";
            self.tell_output(unit, what, u64::from(errno), None);
        }
    }

    /// A child has ended that may have been a reader.
    #[inline(never)]
    pub(super) fn reader_ended(&mut self, pid: Pid, exit: Exit) {
        let Some((log, news)) = self.readers.ended(self.now, pid, exit) else {
            return;
        };
        self.stirred = true;
        let Some(unit) = self.log_unit(log) else { return };
        let number = pid.0 as u64;
        match news {
            News::Old => {}
            News::Again => {
                let what = b"%u: the reader of its log (pid %a) ended";
                self.tell_output(unit, what, number, Some(exit));
            }
            News::GivenUp => {
                let what = b"%u: its log takes nothing; what was not written is lost";
                self.tell_output(unit, what, number, None);
            }
        }
    }

    /// Says something of the log of a unit, or how the reader of it ended.
    fn tell_output(&mut self, unit: UnitId, template: &[u8], number: u64, exit: Option<Exit>) {
        let mut line = Line::new();
        fill(&mut line, self.named(unit), template, number, [b"", b""]);
        if let Some(exit) = exit {
            ending(&mut line, exit);
            line.put(b"; begun again");
        }
        self.log.say(self.now, Level::Warning, &line);
    }

    /// Whether a unit still has to run because of one that waited for it and has not ended, or
    /// whose last words are not written.
    #[inline(never)] // Its caller stays in memory, and this is for the way down.
    pub(super) fn is_leaned_on(&self, unit: UnitId) -> bool {
        let leans = |slot: &Slot| {
            let drains = slot.spec.log.is_some_and(|log| self.readers.drains(log));
            (slot.unit.state.is_live() || drains) && self.table.waits_for(&slot.spec, unit)
        };
        self.table.first(leans).is_some()
    }

    /// Time went by.
    pub(super) fn tick_readers(&mut self) {
        if self.logs != Logs::None {
            self.readers.tick(self.now);
        }
    }

    /// This time, or an earlier one at which readers want a tick.
    #[inline(never)] // Its caller stays in memory, and few have need of it.
    pub(super) fn or_readers_deadline(&self, time: Option<Instant>) -> Option<Instant> {
        earlier(time, self.readers.deadline())
    }

    /// Whether a log is still to be read to its end.
    pub(super) fn is_any_log(&self) -> bool {
        self.logs != Logs::None && self.readers.is_any()
    }
}
