//! Promises about units that are looked after, by what the checker has seen of them.

use std::collections::{BTreeMap, HashMap};

use pidone::machine::Pid;
use pidone::machine::init::{Init, Phase};
use pidone::machine::table::Slot;
use pidone::machine::unit::State;

use super::people::Process;
use super::world::is_down;

/// The watchdog of every unit of a world that has one, in milliseconds.
pub const WATCHDOG_MS: u64 = 10_000;

/// What was seen of the processes of units.
#[derive(Default)]
pub struct Care {
    /// Looks in a row that ended badly.
    bad: HashMap<i32, u64>,
    /// When each was last heard, or seen to be up for the first time.
    heard: HashMap<i32, u64>,
}

/// An option of a unit's line.
fn option(init: &Init<'_>, slot: &Slot, key: &str) -> Option<String> {
    let field = String::from_utf8_lossy(init.table().text(slot.spec.options)).into_owned();
    field.split(',').find_map(|option| option.strip_prefix(key).map(str::to_owned))
}

impl Care {
    /// An aide is wanted for a process: it is a unit's, and has no other one.
    pub fn begins(
        &self,
        of: Pid,
        processes: &BTreeMap<i32, Process>,
        init: &Init<'_>,
    ) -> Result<(), String> {
        let slot = init.table().slots().iter().find(|slot| slot.unit.state.pid() == Some(of));
        if init.phase() != Phase::Run || slot.is_none() {
            return Err(format!("an aide for {of:?} in {:?}", init.phase()));
        }
        // One that was killed may be that of another process which had this number.
        let its = |process: &Process| process.aide_of == Some(of) && !process.killed;
        match processes.iter().find(|(_, process)| its(process)) {
            Some((pid, _)) => Err(format!("{of:?} has the aide {pid} and gets another")),
            None => Ok(()),
        }
    }

    /// An aide has ended, in time and unasked, or because it was too slow.
    pub fn ended(&mut self, of: Pid, fine: bool) {
        let bad = self.bad.entry(of.0).or_default();
        *bad = if fine { 0 } else { *bad + 1 };
    }

    /// A process has said that it is alive.
    pub fn heard(&mut self, now: u64, pid: Pid) {
        self.heard.insert(pid.0, now);
    }

    /// A process is gone.
    pub fn forget(&mut self, pid: i32) {
        self.bad.remove(&pid);
        self.heard.remove(&pid);
    }

    /// Nothing is wanted any more: nobody who is unwell goes on, and no aide is left over.
    pub fn settled(
        &mut self,
        now: u64,
        processes: &BTreeMap<i32, Process>,
        init: &Init<'_>,
    ) -> Result<(), String> {
        for slot in init.table().slots() {
            let State::Up { pid: Pid(pid), .. } = slot.unit.state else {
                continue;
            };
            if !slot.spec.kind.is_service() {
                continue;
            }
            let fails = option(init, slot, "fails=").map_or(3, |text| text.parse().unwrap());
            if self.bad.get(&pid).is_some_and(|&bad| bad >= fails) {
                return Err(format!("{pid} goes on after {fails} bad looks: {slot:?}"));
            }
            let heard = *self.heard.entry(pid).or_insert(now);
            if option(init, slot, "watchdog=").is_some() && now > heard + WATCHDOG_MS {
                return Err(format!("{pid} goes on though it is silent since {heard}"));
            }
        }
        for (pid, process) in processes {
            let Some(of) = process.aide_of else {
                continue;
            };
            let lives = init.table().slots().iter().any(|s| s.unit.state.pid() == Some(of));
            // On the way down everybody is killed in the end.
            if !lives && !process.killed && !is_down(init) {
                return Err(format!("the aide {pid} of {of:?} is left over"));
            }
        }
        Ok(())
    }
}
