//! What units say of themselves, and what their ties make of how they are.

use super::init::{Init, Phase};
use super::table::Slot;
use super::time::Instant;
use super::unit::{State, Stimulus, Then, Wait};
use super::{Life, Pid, UnitId};
use crate::wire::notify::{self, Notice};
use crate::wire::options::{Ready, Restart};
use crate::wire::value::Millis;

/// How long, in milliseconds, a unit waits for another one before this is said: longer than a
/// slow service takes to come up, short enough for whoever stands before the machine.
pub const PATIENCE_MS: Millis = 60_000;

/// Whether there are units that wait for others and of which this was not said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Patience {
    /// There are none.
    Calm,
    /// There are, and at this time it is said.
    Until(Instant),
}

impl Init<'_> {
    /// A process has shown that it is ready.
    pub(super) fn shown_ready(&mut self, pid: Pid) {
        if let Some(unit) = self.unit_of(pid) {
            self.is_ready(unit);
        }
    }

    /// The life that a process is the process of.
    pub fn life_of(&self, pid: Pid) -> Option<Life> {
        self.table.slot(self.unit_of(pid)?).map(|slot| slot.unit.life)
    }

    /// The unit that a process is the process of.
    pub(super) fn unit_of(&self, pid: Pid) -> Option<UnitId> {
        self.table.first(|slot| slot.unit.state.pid() == Some(pid))
    }

    fn is_ready(&mut self, unit: UnitId) {
        let Some(&Slot { spec, unit: before }) = self.table.slot(unit) else {
            return;
        };
        self.stimulate(unit, Stimulus::Ready);
        if let State::Starting { since, .. } = before.state {
            self.begin_looking(unit);
            if spec.rules.ready != Ready::Exec {
                self.tell_ready(unit, since);
            }
        }
    }

    /// Somebody speaks: the process of a unit, one of its session, or the one that is to take its
    /// place.
    #[inline(never)]
    pub(super) fn notified(&mut self, pid: Pid, session: Pid, text: &[u8]) {
        let heir = || self.table.first(|slot| slot.unit.heir == pid && pid.0 > 0);
        let own = self.unit_of(pid).or_else(|| self.unit_of(session));
        let Some(unit) = own.or_else(heir) else {
            return;
        };
        notify::each(text, &mut |notice| self.notice(unit, notice));
    }

    #[inline(never)]
    fn notice(&mut self, unit: UnitId, notice: Notice<'_>) {
        let Some(slot) = self.table.slot(unit) else {
            return;
        };
        match notice {
            Notice::Ready if slot.spec.rules.ready == Ready::Notify => self.is_ready(unit),
            Notice::Extend(span) => self.stimulate(unit, Stimulus::Extend(span)),
            Notice::Reloading => self.tell_unit(unit, b"%u is reloading"),
            Notice::Stopping => self.tell_unit(unit, b"%u is stopping by itself"),
            Notice::Alive => self.is_alive(unit),
            Notice::Sick => self.is_unwell(unit, b"%u says that it is unwell"),
            Notice::Main(pid) => self.name_heir(unit, pid),
            Notice::Status(words) => self.keep_saying(unit, words),
            Notice::Ready => {}
        }
    }

    fn keep_saying(&mut self, unit: UnitId, words: &[u8]) {
        if let Some(pid) = self.table.slot(unit).and_then(|slot| slot.unit.state.pid()) {
            self.sayings.put(pid, words);
        }
    }

    /// A unit names the process that is to be followed when its own one ends.
    fn name_heir(&mut self, unit: UnitId, pid: u32) {
        let heir = Pid(i32::try_from(pid).unwrap_or(0));
        let own = self.table.slot(unit).and_then(|slot| slot.unit.state.pid());
        if heir.0 > 1 && own != Some(heir) {
            self.stimulate(unit, Stimulus::Heir(heir));
        }
    }

    /// Stops units that need one which is over, and says where somebody waits for too long.
    #[inline(never)]
    pub(super) fn heed_ties(&mut self) {
        if self.phase != Phase::Run || !self.table.slots().iter().any(|slot| slot.spec.tied) {
            self.patience = Patience::Calm;
            return;
        }
        if core::mem::take(&mut self.loosened) {
            self.stop_forsaken();
        }
        self.patience = match self.patience {
            _ if self.table.first(|slot| self.waits_unsaid(slot)).is_none() => Patience::Calm,
            Patience::Calm => self.begin_patience(),
            Patience::Until(time) if time <= self.now => {
                self.tell_held();
                self.begin_patience()
            }
            patience => patience,
        };
    }

    /// Who waits now has waited for too long when the next span is over; who begins to wait in it
    /// has not.
    fn begin_patience(&mut self) -> Patience {
        let mut patience = Patience::Calm;
        for index in 0..self.table.slots().len() {
            if self.table.slots().get(index).is_some_and(|slot| self.waits_unsaid(slot)) {
                patience = Patience::Until(self.now.plus(PATIENCE_MS));
                self.mark_wait(index, Wait::Seen);
            }
        }
        patience
    }

    /// Notes how it is with the wait of a unit.
    pub(super) fn mark_wait(&mut self, index: usize, wait: Wait) {
        if let Some(slot) = self.table.slots_mut().get_mut(index) {
            slot.unit.wait = wait;
        }
    }

    /// Whether a unit would be started if it had not to wait for another one.
    pub(super) fn is_held(&self, slot: &Slot) -> bool {
        matches!(slot.unit.state, State::Due) && self.table.holder(&slot.spec).is_some()
    }

    /// Whether that a unit waits for another one is still to be said.
    pub(super) fn waits_unsaid(&self, slot: &Slot) -> bool {
        slot.unit.wait != Wait::Said && self.is_held(slot)
    }

    fn stop_forsaken(&mut self) {
        for index in 0..self.table.slots().len() {
            let unit = UnitId(index as u16);
            let Some(Slot { spec, unit: of }) = self.table.slot(unit) else {
                continue;
            };
            let runs = matches!(of.state, State::Starting { .. } | State::Up { .. });
            let Some(needed) = self.table.forsaker(spec).filter(|_| runs) else {
                continue;
            };
            // It comes back with what it needs, unless it is to run but once.
            let once = spec.rules.restart == Restart::No;
            self.tell_forsaken(unit, needed);
            self.stimulate(unit, Stimulus::Stop(if once { Then::Rest } else { Then::Again }));
        }
    }

    /// When somebody has waited for too long.
    pub(super) fn patience_deadline(&self) -> Option<Instant> {
        match self.patience {
            Patience::Until(time) => Some(time),
            Patience::Calm => None,
        }
    }
}
