//! Promises about units that wait for each other, by a model of the checker's own.

use pidone::machine::init::{Init, Phase};
use pidone::machine::readers::DRAIN_MS;
use pidone::machine::table::Slot;
use pidone::machine::unit::{Last, Shown, State};
use pidone::machine::{Exit, UnitId};
use pidone::wire::inittab::Kind;
use pidone::wire::options::Ready;

use super::world::is_down;

/// The units that a unit waits for, each with whether it needs it.
fn ties(init: &Init<'_>, slot: &Slot) -> Vec<(UnitId, bool)> {
    let table = init.table();
    let text = |t| String::from_utf8_lossy(table.text(t)).into_owned();
    if !slot.spec.tied {
        return Vec::new();
    }
    let mut found = Vec::new();
    let field = text(slot.spec.options);
    for key in ["after=", "needs="] {
        let last = field.split(',').filter_map(|option| option.strip_prefix(key)).next_back();
        for name in last.unwrap_or_default().split('+') {
            for (index, other) in table.slots().iter().enumerate() {
                let spec = &other.spec;
                let first = spec.name.ordinal == 1 + u16::from(spec.instance);
                let named = spec.listed && first && text(spec.name.base) == name;
                let kind = spec.kind;
                if named && !matches!(kind, Kind::CtrlAltDel | Kind::Shutdown | Kind::Restart) {
                    found.push((UnitId(index as u16), key == "needs="));
                }
            }
        }
    }
    found
}

fn slot(init: &Init<'_>, unit: UnitId) -> Slot {
    *init.table().slot(unit).expect("a unit of the table")
}

/// Whether a unit is ready, and whether it is over without being so.
fn standing(init: &Init<'_>, slot: &Slot) -> (bool, bool) {
    let by_itself = slot.unit.shown == Shown::Ready;
    let well = by_itself && slot.unit.last == Last::Exit(Exit::Code(0));
    let finished = slot.spec.rules.ready == Ready::Exit && well || !slot.spec.kind.is_service();
    match slot.unit.state {
        State::Up { .. } => (true, false),
        State::Done => (finished, !finished),
        State::Failed | State::Absent => (false, true),
        State::Idle => (false, !init.table().may_run(&slot.spec)),
        _ => (false, false),
    }
}

/// The first unit that still has to be waited for.
fn unmet(init: &Init<'_>, of: &Slot) -> Option<UnitId> {
    let met = |(unit, needs): &(UnitId, bool)| {
        let (ready, over) = standing(init, &slot(init, *unit));
        ready || (over && !needs)
    };
    ties(init, of).into_iter().find(|tie| !met(tie)).map(|tie| tie.0)
}

/// A unit starts: everything that it waits for is ready or over.
pub fn may_start(init: &Init<'_>, unit: UnitId) -> Result<(), String> {
    match unmet(init, &slot(init, unit)) {
        Some(other) => Err(format!("{unit:?} is started before {other:?}")),
        None => Ok(()),
    }
}

/// A unit is asked to stop on the way down: whoever waited for it has ended.
pub fn may_stop(init: &Init<'_>, unit: UnitId) -> Result<(), String> {
    for (index, other) in init.table().slots().iter().enumerate() {
        let leans = other.unit.state.pid().is_some() && index != usize::from(unit.0);
        if is_down(init) && leans && ties(init, other).iter().any(|tie| tie.0 == unit) {
            return Err(format!("{unit:?} is stopped before {index}, which waited for it"));
        }
    }
    Ok(())
}

/// Nothing is wanted any more: whoever waits has somebody to wait for, and nobody runs without
/// what it needs.
pub fn settled(init: &Init<'_>, paused: bool) -> Result<(), String> {
    for (index, slot) in init.table().slots().iter().enumerate() {
        let due = matches!(slot.unit.state, State::Due) && init.phase() == Phase::Run;
        if due && !paused && unmet(init, slot).is_none() {
            return Err(format!("unit {index} is due and waits for nobody"));
        }
        let runs = matches!(slot.unit.state, State::Starting { .. } | State::Up { .. });
        for (unit, needs) in ties(init, slot) {
            let over = standing(init, &self::slot(init, unit)).1;
            if runs && needs && over && init.phase() == Phase::Run {
                return Err(format!("unit {index} runs though {unit:?} is over"));
            }
        }
        comes_back(init, UnitId(index as u16), slot)?;
    }
    Ok(())
}

/// No unit waits for itself.
fn comes_back(init: &Init<'_>, unit: UnitId, from: &Slot) -> Result<(), String> {
    let mut seen = Vec::new();
    let mut open: Vec<UnitId> = ties(init, from).into_iter().map(|tie| tie.0).collect();
    while let Some(next) = open.pop() {
        if next == unit {
            return Err(format!("{unit:?} waits for itself"));
        }
        if !seen.contains(&next) {
            seen.push(next);
            open.extend(ties(init, &slot(init, next)).into_iter().map(|tie| tie.0));
        }
    }
    Ok(())
}

/// By how much those that wait for others lengthen the way down.
pub fn chain(init: &Init<'_>) -> u64 {
    let slots = init.table().slots().iter();
    let tied = slots.filter(|slot| slot.spec.tied && slot.unit.state.is_live());
    let drain = |slot: &Slot| slot.spec.log.map_or(0, |_| u64::from(DRAIN_MS));
    tied.map(|slot| u64::from(slot.spec.rules.grace) + drain(slot)).sum()
}
