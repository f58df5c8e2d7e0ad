//! What `after=` and `needs=` tie together: found and checked when an inittab has been read, asked
//! whenever a unit is to start or to stop.

use super::UnitId;
use super::table::{Slot, Spec, Table, UNITS_MAX};
use super::unit::{Shown, State};
use crate::wire::inittab::Kind;
use crate::wire::names::take;
use crate::wire::options::{self, Ready};
use crate::wire::value::number;

/// How it stands with a unit, for those that wait for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It is ready, or has done what it is for.
    Ready,
    /// It has ended for good, or never runs.
    Over,
    /// Neither of them yet.
    Coming,
}

/// What is wrong with a tie.
pub enum Knot<'a> {
    /// There is no unit of this name that could be waited for.
    Missing(&'a [u8]),
    /// The unit waits for itself, by way of this one.
    Circle(UnitId),
}

/// Units that are known not to wait for themselves, by their places.
type Sorted = [bool; UNITS_MAX];

impl Table {
    /// Checks what ties the units of a whole table, and makes it good: a name that nobody has is
    /// not waited for, and a circle is opened at the first of its lines.
    pub fn tie_up(&mut self, report: &mut dyn FnMut(&Table, &Slot, Knot<'_>)) {
        for index in 0..self.slots().len() {
            self.report_missing(index, report);
            self.mark_awaited(UnitId(index as u16));
        }
        let mut sorted = [false; UNITS_MAX];
        while let Some(first) = self.sort(&mut sorted) {
            let (unit, next) = self.circle(first, &sorted);
            if let Some(slot) = self.slot(unit) {
                report(self, slot, Knot::Circle(next));
            }
            if let Some(slot) = self.slots_mut().get_mut(usize::from(unit.0)) {
                slot.spec.tied = false;
            }
        }
    }

    #[inline(never)]
    fn report_missing(&self, index: usize, report: &mut dyn FnMut(&Table, &Slot, Knot<'_>)) {
        let Some(slot) = self.slots().get(index).filter(|slot| slot.spec.tied) else {
            return;
        };
        for key in KEYS {
            let mut names = self.tie_names(&slot.spec, key);
            while !names.is_empty() {
                let name = take(&mut names, b'+');
                if self.first(|other| self.is_called(&other.spec, name)).is_none() {
                    report(self, slot, Knot::Missing(name));
                }
            }
        }
    }

    /// A unit that others wait for is only up once it is the program.
    fn mark_awaited(&mut self, unit: UnitId) {
        let awaited = self.first(|other| self.waits_for(&other.spec, unit)).is_some();
        if let Some(Slot { spec, .. }) = self.slots_mut().get_mut(usize::from(unit.0))
            && awaited
            && spec.rules.ready == Ready::AtOnce
            && !spec.rules.follows
            && spec.kind.is_service()
        {
            spec.rules.ready = Ready::Exec;
        }
    }

    /// Marks every unit that waits only for marked ones; gives the first that cannot be.
    #[inline(never)]
    fn sort(&self, sorted: &mut Sorted) -> Option<UnitId> {
        loop {
            let mut open = None;
            let mut progress = false;
            for (index, slot) in self.slots().iter().enumerate() {
                if sorted.get(index) != Some(&false) {
                    continue;
                }
                let waits = self.tie(&slot.spec, &KEYS, &|u, _| !is_sorted(sorted, u)).is_some();
                match sorted.get_mut(index) {
                    Some(mark) if !waits => (*mark, progress) = (true, true),
                    _ => open = open.or(Some(UnitId(index as u16))),
                }
            }
            if !progress || open.is_none() {
                return open;
            }
        }
    }

    /// Follows what is not sorted until it has come round; gives the first line of the circle,
    /// and whom that one waits for.
    fn circle(&self, from: UnitId, sorted: &Sorted) -> (UnitId, UnitId) {
        let step = |unit: UnitId| {
            let spec = self.slot(unit).map(|slot| &slot.spec)?;
            self.tie(spec, &KEYS, &|u, _| !is_sorted(sorted, u))
        };
        let mut unit = from;
        for _ in 0..UNITS_MAX {
            unit = step(unit).unwrap_or(unit);
        }
        // By now it goes round.
        let mut first = unit;
        for _ in 0..UNITS_MAX {
            unit = step(unit).unwrap_or(unit);
            first = first.min(unit);
        }
        (first, step(first).unwrap_or(first))
    }

    /// Whether a name is that of a unit that others can wait for.
    #[inline(never)]
    fn is_called(&self, spec: &Spec, name: &[u8]) -> bool {
        let Some(rest) = name.strip_prefix(self.text(spec.name.base)) else {
            return false;
        };
        let ordinal = u32::from(spec.name.ordinal);
        let named = match rest {
            // All units of the first line of a name bear it.
            [] => ordinal == 1 + u32::from(spec.instance),
            [b'-', digits @ ..] => number(digits) == Some(ordinal),
            _ => false,
        };
        let runs = !matches!(spec.kind, Kind::CtrlAltDel | Kind::Shutdown | Kind::Restart);
        named && spec.listed && runs
    }

    fn tie_names(&self, spec: &Spec, key: &[u8]) -> &[u8] {
        options::value(self.text(spec.options), key).unwrap_or_default()
    }

    /// The first unit that a unit is tied to by one of the options, and that fits.
    #[inline(never)]
    fn tie(
        &self,
        spec: &Spec,
        keys: &[&[u8]],
        fits: &dyn Fn(UnitId, &Slot) -> bool,
    ) -> Option<UnitId> {
        if !spec.tied {
            return None;
        }
        for key in keys {
            let mut names = self.tie_names(spec, key);
            while !names.is_empty() {
                let name = take(&mut names, b'+');
                for (index, other) in self.slots().iter().enumerate() {
                    let unit = UnitId(index as u16);
                    if self.is_called(&other.spec, name) && fits(unit, other) {
                        return Some(unit);
                    }
                }
            }
        }
        None
    }

    #[inline(never)]
    fn standing(&self, slot: &Slot) -> Standing {
        use State::*;
        match slot.unit.state {
            Up { .. } => Standing::Ready,
            Done if has_ended_well(slot) => Standing::Ready,
            Done if !slot.spec.kind.is_service() => Standing::Ready,
            Done | Failed | Absent => Standing::Over,
            Idle if !self.may_run(&slot.spec) => Standing::Over,
            Idle | Due | Starting { .. } | Backoff { .. } | NoTerminal { .. } => Standing::Coming,
            Forked { .. } | Following { .. } => Standing::Coming,
            Leaving { .. } | Stopping { .. } | Overdue { .. } | Killed { .. } => Standing::Coming,
        }
    }

    /// The unit that another one still has to wait for before it starts.
    #[inline(never)]
    pub fn holder(&self, spec: &Spec) -> Option<UnitId> {
        let coming = |_, other: &Slot| self.standing(other) == Standing::Coming;
        self.tie(spec, &KEYS, &coming)
            .or_else(|| self.tie(spec, &[NEEDS], &|_, s| self.standing(s) != Standing::Ready))
    }

    /// The unit that another one needs and that is over.
    pub fn forsaker(&self, spec: &Spec) -> Option<UnitId> {
        self.tie(spec, &[NEEDS], &|_, other| self.standing(other) == Standing::Over)
    }

    /// Whether a unit waits for another one, or has done so.
    #[inline(never)]
    pub fn waits_for(&self, spec: &Spec, unit: UnitId) -> bool {
        self.tie(spec, &KEYS, &|u, _| u == unit).is_some()
    }
}

const NEEDS: &[u8] = b"needs";
const KEYS: [&[u8]; 2] = [b"after", NEEDS];

/// Whether a unit that is over has done what it is for: not if it was stopped before, whatever code
/// it then left with, or not even started.
fn has_ended_well(slot: &Slot) -> bool {
    slot.spec.rules.ready == Ready::Exit && slot.unit.shown == Shown::Ready
}

fn is_sorted(sorted: &Sorted, unit: UnitId) -> bool {
    sorted.get(usize::from(unit.0)) != Some(&false)
}

/// Whether a field has an option that ties.
pub fn has_ties(field: &[u8]) -> bool {
    KEYS.iter().any(|key| options::value(field, key).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::inittab::{self, Parsed};

    /// A table of lines and what was said of their ties.
    fn table(lines: &[&str]) -> (Table, Vec<String>) {
        let mut table = Table::new();
        for (number, line) in lines.iter().enumerate() {
            let Parsed::Entry(entry) = inittab::parse(line.as_bytes()) else {
                panic!("{line}");
            };
            table.add(number as u32 + 1, &entry, &mut |p| panic!("{p:?}")).unwrap();
        }
        let mut said = Vec::new();
        table.tie_up(&mut |table, slot, knot| {
            let name =
                |spec: &Spec| String::from_utf8_lossy(table.text(spec.name.base)).into_owned();
            let what = match knot {
                Knot::Missing(name) => format!("no {}", String::from_utf8_lossy(name)),
                Knot::Circle(next) => format!("round by {}", name(&table.slot(next).unwrap().spec)),
            };
            said.push(format!("{}: {what}", name(&slot.spec)));
        });
        (table, said)
    }

    #[test]
    fn names_that_nobody_has_are_told_and_not_waited_for() {
        let (table, said) = table(&[
            ":name=web,after=db+net,needs=x:respawn:w",
            ":name=db:once:d",
            ":name=x:shutdown:z",
        ]);
        assert_eq!(said, ["web: no net", "web: no x"]);
        assert_eq!(table.holder(&table.slots()[0].spec), Some(UnitId(1)));
        assert_eq!(table.slots()[1].spec.rules.ready, Ready::Exec, "it is awaited");
        assert_eq!(table.slots()[0].spec.rules.ready, Ready::AtOnce);
    }

    #[test]
    fn circles_are_opened_at_their_first_line_and_whoever_waits_behind_them_still_waits() {
        let (table, said) = table(&[
            ":name=last,after=b:once:x",
            ":name=c,needs=a:once:c",
            ":name=a,after=b:once:a",
            ":name=b,after=c:once:b",
            ":name=self,after=self:once:s",
        ]);
        assert_eq!(said, ["c: round by a", "self: round by self"]);
        let tied: Vec<_> = table.slots().iter().map(|slot| slot.spec.tied).collect();
        assert_eq!(tied, [true, false, true, true, false]);
    }

    #[test]
    fn the_second_of_a_name_is_called_by_its_number() {
        let (table, said) = table(&[
            ":after=sh-2:once:/bin/app",
            "::once:/bin/sh a",
            "::once:/bin/sh b",
            ":after=sh-3:once:/bin/other",
        ]);
        assert_eq!(said, ["other: no sh-3"]);
        assert_eq!(table.holder(&table.slots()[0].spec), Some(UnitId(2)));
    }

    #[test]
    fn what_is_over_holds_up_only_those_that_need_it() {
        let (mut table, _) = table(&[
            ":after=db:respawn:a",
            ":needs=db:respawn:n",
            ":name=db:once:d",
            ":name=init,ready=exit:once:i",
            ":needs=init:once:j",
        ]);
        let held = |table: &Table, place: usize| table.holder(&table.slots()[place].spec).is_some();
        assert!(held(&table, 0) && held(&table, 1) && held(&table, 4));
        let (pid, since) = (crate::machine::Pid(7), crate::machine::time::Instant::from_millis(0));
        for (state, after, needs) in [
            (State::Starting { pid, since }, true, true),
            (State::Up { pid, since }, false, false),
            (State::Backoff { until: since }, true, true),
            (State::Done, false, true),
            (State::Failed, false, true),
            (State::Absent, false, true),
        ] {
            table.slots_mut()[2].unit.state = state;
            assert_eq!((held(&table, 0), held(&table, 1)), (after, needs), "{state:?}");
            let forsaken = table.forsaker(&table.slots()[1].spec).is_some();
            assert_eq!(forsaken, needs && !after, "{state:?}");
        }
        table.slots_mut()[3].unit.state = State::Done;
        assert!(held(&table, 4), "it was never started");
        table.slots_mut()[3].unit.shown = Shown::Ready;
        assert!(!held(&table, 4), "it has ended well");
        table.slots_mut()[3].unit.state = State::Failed;
        assert!(held(&table, 4));
    }
}
