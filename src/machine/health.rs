//! How units are looked after, see [`super::care`]: what their lines ask for, and what follows from
//! what is found.

use super::care::{Finding, Plan, Wish};
use super::init::{Init, Phase};
use super::table::{Slot, Spec, Table};
use super::unit::{State, Stimulus, Then};
use super::{Action, Exit, Fault, Pid, Step, UnitId};
use crate::wire::options::{self, Ready};
use crate::wire::syslog::Level;
use crate::wire::text::Line;
use crate::wire::value::{self, Millis};

/// How often a unit is looked at whose line does not say it, and how many looks may end badly.
const EVERY_MS: Millis = 30_000;
const FAILS: u8 = 3;

/// What looks after a unit by its line.
fn plan(table: &Table, spec: &Spec) -> Plan {
    let field = table.text(spec.options);
    let of = |key: &[u8]| options::value(field, key);
    let span = |key| of(key).and_then(|text| value::span(text, 0));
    let looks = [&b"check"[..], b"mem", b"port"].iter().any(|key| of(key).is_some());
    Plan {
        awaits: matches!(spec.rules.ready, Ready::Path | Ready::Port),
        every: if looks { span(b"every").unwrap_or(EVERY_MS) } else { 0 },
        // More than a byte holds is as good as what it holds.
        fails: of(b"fails").and_then(value::number).map_or(FAILS, |n| n.min(255) as u8),
        watchdog: span(b"watchdog").unwrap_or(0),
    }
}

impl Init<'_> {
    /// A unit has been started that may have to be looked after.
    #[inline(never)]
    pub(super) fn look_after(&mut self, unit: UnitId, pid: Pid) {
        let Some(Slot { spec, unit: of }) = self.table.slot(unit) else {
            return;
        };
        // One that leaves another process behind is looked after as that.
        let is_it = !spec.rules.follows || matches!(of.state, State::Up { .. });
        if spec.kind.is_service() && spec.options.len() > 0 && is_it {
            self.care.begin(pid, plan(self.table, spec));
            self.begin_looking(unit);
        }
    }

    /// A unit goes on as another process.
    pub(super) fn follows(&mut self, unit: UnitId, pid: Pid) {
        self.tell_followed(unit, pid);
        self.look_after(unit, pid);
    }

    /// A unit whose process left another one in its place.
    pub(super) fn next_heir(&self) -> Option<Action> {
        let unit = self
            .table
            .first(|slot| matches!(slot.unit.state, State::Forked { until: None, .. }))?;
        let heir = self.table.slot(unit)?.unit.heir;
        Some(Action::Follow { unit, heir })
    }

    /// A unit that is up has to be well from now on.
    pub(super) fn begin_looking(&mut self, unit: UnitId) {
        if let Some(State::Up { pid, .. }) = self.table.slot(unit).map(|slot| slot.unit.state) {
            self.care.ready(self.now, pid);
        }
    }

    pub(super) fn is_alive(&mut self, unit: UnitId) {
        if let Some(State::Up { pid, .. }) = self.table.slot(unit).map(|slot| slot.unit.state) {
            self.care.alive(self.now, pid);
        }
    }

    /// A unit is to be stopped because it is unwell, and then treated as one that failed.
    #[inline(never)]
    pub(super) fn is_unwell(&mut self, unit: UnitId, template: &[u8]) {
        self.found_unwell(unit, template, 0);
    }

    fn found_unwell(&mut self, unit: UnitId, template: &[u8], number: u64) {
        if let Some(State::Up { pid, .. }) = self.table.slot(unit).map(|slot| slot.unit.state) {
            self.care.leave(pid);
            self.tell_health(Level::Warning, unit, template, number, b"; stopped");
            self.stimulate(unit, Stimulus::Stop(Then::Unwell));
        }
    }

    /// A child has ended that may have been an aide.
    pub(super) fn aide_ended(&mut self, aide: Pid, exit: Exit, fault: Option<Fault>) {
        let step = fault.map(|fault| fault.step);
        let fine = exit == Exit::Code(0);
        let errno = fault.map_or(0, |fault| u64::from(fault.errno));
        let leaks = step == Some(Step::Memory) && errno == 0;
        let Some(finding) = self.care.returned(self.now, aide, fine, leaks) else {
            return;
        };
        let template: &[u8] = match step {
            Some(Step::Memory) if leaks => b"%u has more memory than its mem= allows",
            Some(Step::Memory) => b"%u: nobody can look at its mem=: %e",
            Some(Step::Port) => b"%u does not answer at its port=: %e",
            Some(_) => b"%u: its check= cannot be run: %e",
            None => b"%u does not pass its check=",
        };
        match finding {
            Finding::Ready(of) => self.shown_ready(of),
            Finding::Well => {}
            Finding::Bad(of) => {
                if let Some(unit) = self.unit_of(of) {
                    self.tell_health(Level::Notice, unit, template, errno, b"; looked at again");
                }
            }
            Finding::Sick(of) => {
                if let Some(unit) = self.unit_of(of) {
                    self.found_unwell(unit, template, errno);
                }
            }
        }
    }

    /// Says once that memory is looked at.
    pub(super) fn tell_unheld(&mut self, unit: UnitId) {
        if !self.unheld {
            self.unheld = true;
            let what = b"%u: no control group holds its mem=";
            self.tell_health(Level::Warning, unit, what, 0, b"; it and others are looked at");
        }
    }

    /// A unit was ended by the kernel because of what its line allows it.
    #[inline(never)]
    pub(super) fn tell_leak(&mut self, unit: UnitId) {
        let mut most = Line::new();
        if let Some(slot) = self.table.slot(unit) {
            let field = self.table.text(slot.spec.options);
            most.put(options::value(field, b"mem").unwrap_or_default());
        }
        let what = b"%u leaks past mem=%q; all of it was killed by the kernel";
        self.tell_texts(Level::Warning, unit, what, 0, [most.as_bytes(), b""]);
    }

    /// Time went by: whoever has been silent for too long is unwell.
    pub(super) fn tick_care(&mut self) {
        while let Some(of) = self.care.tick(self.now) {
            if let Some(unit) = self.unit_of(of) {
                self.is_unwell(unit, b"%u was silent for longer than its watchdog= allows");
            }
        }
    }

    /// What is wanted for those that are looked after. On the way down nobody is looked at.
    #[inline(never)]
    pub(super) fn next_care(&self) -> Option<Action> {
        match self.care.next()? {
            Wish::End { aide } => Some(Action::EndAide { aide }),
            Wish::Begin { of, errand } if self.phase == Phase::Run => {
                self.unit_of(of).map(|unit| Action::BeginAide { unit, of, errand })
            }
            Wish::Begin { .. } => None,
        }
    }
}
