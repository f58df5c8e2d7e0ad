//! Looking after units: whether one that cannot say so is ready, and whether one that runs is
//! well. What takes looking, a path, a port, a probe, is done by aides: children of ours that may
//! hang as long as they like.

use heapless::Vec;

use super::Pid;
use super::time::Instant;
use crate::wire::value::Millis;

/// The most units that are looked after at once: as many as a table holds, those left over too.
const WARDS_MAX: usize = 2 * super::table::UNITS_MAX;

/// How long, in milliseconds, until an aide that could not be begun is tried again.
const RETRY_MS: Millis = 1_000;

/// What is to be looked after.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Whether an aide is to find out when it is ready.
    pub awaits: bool,
    /// How often an aide looks whether it is well, in milliseconds; 0 for never.
    pub every: Millis,
    /// So many looks in a row may end badly before it counts as unwell.
    pub fails: u8,
    /// How long it may be silent, in milliseconds; 0 for ever.
    pub watchdog: Millis,
}

impl Plan {
    /// Whether there is nothing to be done.
    pub fn is_empty(&self) -> bool {
        !self.awaits && self.every == 0 && self.watchdog == 0
    }
}

/// What an aide is to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Errand {
    /// Wait until the unit is ready.
    Await,
    /// Look whether it is well.
    Look,
    /// Find the process that it left in its place.
    Follow,
}

/// How it is with the aide of a ward.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Aide {
    /// None is needed.
    None,
    /// One is begun at this time.
    At { until: Instant },
    /// One is to be begun.
    Due,
    /// It is away, and given up at a time.
    Away { pid: Pid, until: Instant },
    /// It is to be killed.
    Late { pid: Pid, why: Why },
    /// It has been killed.
    Killed { pid: Pid, why: Why },
}

/// Why an aide does not get to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Why {
    /// It took too long, which is a bad sign.
    Slow,
    /// Nobody wants to know any more.
    Dismissed,
}

/// No process: one that has ended, while its aide is still waited for.
const NOBODY: Pid = Pid(0);

/// A unit that is looked after. A hundred of them fit into a page of memory.
struct Ward {
    /// Its process.
    of: Pid,
    every: Millis,
    watchdog: Millis,
    fails: u8,
    bad: u8,
    errand: Errand,
    aide: Aide,
    /// When it has been silent for too long.
    silent: Instant,
}

const _: () = assert!(size_of::<Ward>() <= 40);

/// What is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wish {
    /// An aide for this process.
    Begin { of: Pid, errand: Errand },
    /// The end of this aide.
    End { aide: Pid },
}

/// What came of an errand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Finding {
    /// The process is ready.
    Ready(Pid),
    /// It is well.
    Well,
    /// It is not, but may be again.
    Bad(Pid),
    /// It is not, too often.
    Sick(Pid),
}

impl Aide {
    fn pid(self) -> Option<Pid> {
        match self {
            Aide::Away { pid, .. } | Aide::Late { pid, .. } | Aide::Killed { pid, .. } => Some(pid),
            Aide::None | Aide::At { .. } | Aide::Due => None,
        }
    }

    /// What its end says, if anybody wants to know.
    fn result(self, fine: bool) -> Option<bool> {
        match self {
            Aide::Late { why: Why::Dismissed, .. } | Aide::Killed { why: Why::Dismissed, .. } => {
                None
            }
            Aide::Late { why: Why::Slow, .. } | Aide::Killed { why: Why::Slow, .. } => Some(false),
            Aide::None | Aide::At { .. } | Aide::Due | Aide::Away { .. } => Some(fine),
        }
    }
}

impl Ward {
    /// Nobody wants to know any more what the aide finds; whether there still is one.
    fn dismiss(&mut self) -> bool {
        let why = Why::Dismissed;
        self.aide = match self.aide {
            Aide::Away { pid, .. } | Aide::Late { pid, .. } => Aide::Late { pid, why },
            Aide::Killed { pid, .. } => Aide::Killed { pid, why },
            Aide::None | Aide::At { .. } | Aide::Due => Aide::None,
        };
        self.aide != Aide::None
    }

    /// The next look is due after the time between looks, if there are any.
    fn look_again(&mut self, now: Instant) {
        self.aide = match self.every {
            1.. if self.of != NOBODY && self.errand == Errand::Look => {
                Aide::At { until: now.plus(self.every) }
            }
            _ => Aide::None,
        };
    }

    /// It has been heard: from now on it may be silent for so long.
    fn hear(&mut self, now: Instant) {
        if self.watchdog > 0 {
            self.silent = now.plus(self.watchdog);
        }
    }
}

/// All wards.
pub struct Care {
    wards: Vec<Ward, WARDS_MAX>,
}

impl Default for Care {
    fn default() -> Self {
        Care::new()
    }
}

impl Care {
    /// Nobody is looked after.
    pub const fn new() -> Self {
        Care { wards: Vec::new() }
    }

    fn ward(&mut self, of: Pid) -> Option<&mut Ward> {
        self.wards.iter_mut().find(|ward| ward.of == of)
    }

    /// Begins to look after a process that has been started.
    pub fn begin(&mut self, of: Pid, plan: Plan) {
        if plan.is_empty() {
            return;
        }
        let aide = if plan.awaits { Aide::Due } else { Aide::None };
        let Plan { every, fails, watchdog, .. } = plan;
        let (errand, silent) = (Errand::Await, Instant::NEVER);
        let ward = Ward { of, every, watchdog, fails, bad: 0, errand, aide, silent };
        let free = |ward: &&mut Ward| ward.of == NOBODY && ward.aide == Aide::None;
        match self.wards.iter_mut().find(free) {
            Some(place) => *place = ward,
            // Each unit has one ward, and there is room for all of them.
            None => drop(self.wards.push(ward)),
        }
    }

    /// A process is ready: from now on it has to be well.
    pub fn ready(&mut self, now: Instant, of: Pid) {
        if let Some(ward) = self.ward(of) {
            ward.errand = Errand::Look;
            if !ward.dismiss() {
                ward.look_again(now);
            }
            ward.hear(now);
        }
    }

    /// A process has said that it is alive.
    pub fn alive(&mut self, now: Instant, of: Pid) {
        if let Some(ward) = self.ward(of) {
            ward.hear(now);
        }
    }

    /// A process has ended, or need not be well any more.
    pub fn leave(&mut self, of: Pid) {
        if let Some(ward) = self.ward(of) {
            (ward.of, ward.silent) = (NOBODY, Instant::NEVER);
            ward.dismiss();
        }
    }

    /// What is wanted now.
    pub fn next(&self) -> Option<Wish> {
        self.wards.iter().find_map(|ward| match (ward.aide, ward.of) {
            (Aide::Late { pid, .. }, _) => Some(Wish::End { aide: pid }),
            (Aide::Due, NOBODY) => None,
            (Aide::Due, of) => Some(Wish::Begin { of, errand: ward.errand }),
            (Aide::None | Aide::At { .. } | Aide::Away { .. } | Aide::Killed { .. }, _) => None,
        })
    }

    /// An aide has been begun.
    pub fn begun(&mut self, now: Instant, of: Pid, pid: Pid) {
        if let Some(ward) = self.ward(of) {
            let until = match ward.errand {
                Errand::Await | Errand::Follow => Instant::NEVER,
                Errand::Look => now.plus(ward.every),
            };
            ward.aide = Aide::Away { pid, until };
        }
    }

    /// An aide could not be begun.
    pub fn refused(&mut self, now: Instant, of: Pid) {
        if let Some(ward) = self.ward(of) {
            ward.aide = Aide::At { until: now.plus(RETRY_MS) };
        }
    }

    /// There is nothing to be looked at.
    pub fn needless(&mut self, of: Pid) {
        if let Some(ward) = self.ward(of) {
            ward.aide = Aide::None;
        }
    }

    /// An aide has been sent KILL.
    pub fn killed(&mut self, aide: Pid) {
        for ward in &mut self.wards {
            if let Aide::Late { pid, why } = ward.aide
                && pid == aide
            {
                ward.aide = Aide::Killed { pid, why };
            }
        }
    }

    /// A child has ended; what it found if it was an aide. `graver` tells of a finding for which
    /// no second look is needed.
    pub fn returned(
        &mut self,
        now: Instant,
        pid: Pid,
        fine: bool,
        graver: bool,
    ) -> Option<Finding> {
        let ward = self.wards.iter_mut().find(|ward| ward.aide.pid() == Some(pid))?;
        let of = ward.of;
        let Some(fine) = ward.aide.result(fine).filter(|_| of != NOBODY) else {
            // Nobody wanted to know.
            ward.look_again(now);
            return Some(Finding::Well);
        };
        match ward.errand {
            Errand::Await | Errand::Follow if fine => {
                ward.aide = Aide::None;
                return Some(Finding::Ready(of));
            }
            Errand::Await | Errand::Follow => {
                ward.aide = Aide::At { until: now.plus(RETRY_MS) };
                return Some(Finding::Well);
            }
            Errand::Look => ward.look_again(now),
        }
        if fine {
            ward.bad = 0;
            return Some(Finding::Well);
        }
        ward.bad = ward.bad.saturating_add(1);
        let sick = graver || ward.bad >= ward.fails;
        Some(if sick { Finding::Sick(of) } else { Finding::Bad(of) })
    }

    /// Time went by: gives one process after the other that has been silent for too long.
    pub fn tick(&mut self, now: Instant) -> Option<Pid> {
        let over = |time: Instant| time <= now;
        for ward in &mut self.wards {
            match ward.aide {
                Aide::At { until } if over(until) => ward.aide = Aide::Due,
                Aide::Away { pid, until } if over(until) => {
                    ward.aide = Aide::Late { pid, why: Why::Slow };
                }
                Aide::None | Aide::At { .. } | Aide::Due | Aide::Away { .. } => {}
                Aide::Late { .. } | Aide::Killed { .. } => {}
            }
            if over(ward.silent) {
                ward.silent = Instant::NEVER;
                return Some(ward.of);
            }
        }
        None
    }

    /// When [`Care::tick`] is wanted.
    pub fn deadline(&self) -> Option<Instant> {
        let soonest = self.wards.iter().fold(Instant::NEVER, |soonest, ward| {
            let aide = match ward.aide {
                Aide::At { until } | Aide::Away { until, .. } => until,
                Aide::None | Aide::Due | Aide::Late { .. } | Aide::Killed { .. } => Instant::NEVER,
            };
            soonest.min(aide).min(ward.silent)
        });
        soonest.coming()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF: Pid = Pid(7);
    const AIDE: Pid = Pid(8);
    const PLAN: Plan = Plan { awaits: false, every: 1_000, fails: 2, watchdog: 0 };

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    /// Brings an aide to its errand.
    fn send(care: &mut Care, now: Instant, errand: Errand) {
        assert_eq!(care.tick(now), None);
        assert_eq!(care.next(), Some(Wish::Begin { of: OF, errand }));
        care.begun(now, OF, AIDE);
        assert_eq!(care.next(), None);
    }

    #[test]
    fn readiness_is_waited_for_without_end_and_tried_again_where_the_aide_fails() {
        let mut care = Care::new();
        care.begin(OF, Plan { awaits: true, every: 0, ..PLAN });
        send(&mut care, at(0), Errand::Await);
        assert_eq!(care.deadline(), None);
        assert_eq!(care.returned(at(5), AIDE, false, false), Some(Finding::Well));
        assert_eq!(care.deadline(), Some(at(1_005)));
        send(&mut care, at(1_005), Errand::Await);
        assert_eq!(care.returned(at(1_010), AIDE, true, false), Some(Finding::Ready(OF)));
        care.ready(at(1_010), OF);
        assert_eq!((care.next(), care.deadline()), (None, None), "no looks are asked for");
    }

    #[test]
    fn looks_go_on_and_the_bad_ones_in_a_row_count() {
        let mut care = Care::new();
        care.begin(OF, PLAN);
        assert_eq!(care.deadline(), None, "nothing before it is ready");
        care.ready(at(0), OF);
        let mut now = 0;
        let mut look = |care: &mut Care, fine, graver| {
            now += 1_000;
            assert_eq!(care.deadline(), Some(at(now)));
            send(care, at(now), Errand::Look);
            care.returned(at(now), AIDE, fine, graver)
        };
        assert_eq!(look(&mut care, false, false), Some(Finding::Bad(OF)));
        assert_eq!(look(&mut care, true, false), Some(Finding::Well));
        assert_eq!(look(&mut care, false, false), Some(Finding::Bad(OF)));
        assert_eq!(look(&mut care, false, false), Some(Finding::Sick(OF)));
        assert_eq!(look(&mut care, true, false), Some(Finding::Well));
        assert_eq!(look(&mut care, false, true), Some(Finding::Sick(OF)));
    }

    #[test]
    fn an_aide_that_hangs_is_killed_and_counts_as_bad_however_it_ends() {
        let mut care = Care::new();
        care.begin(OF, PLAN);
        care.ready(at(0), OF);
        send(&mut care, at(1_000), Errand::Look);
        assert_eq!(care.tick(at(2_000)), None);
        assert_eq!(care.next(), Some(Wish::End { aide: AIDE }));
        care.killed(AIDE);
        assert_eq!((care.next(), care.deadline()), (None, None));
        assert_eq!(care.returned(at(2_001), AIDE, true, false), Some(Finding::Bad(OF)));
        assert_eq!(care.deadline(), Some(at(3_001)));
    }

    #[test]
    fn nobody_is_left_over_when_the_process_ends() {
        let mut care = Care::new();
        care.begin(OF, Plan { awaits: true, ..PLAN });
        send(&mut care, at(0), Errand::Await);
        care.leave(OF);
        assert_eq!(care.next(), Some(Wish::End { aide: AIDE }));
        care.killed(AIDE);
        assert_eq!(care.returned(at(1), Pid(9), true, false), None, "a stranger");
        assert_eq!(care.returned(at(1), AIDE, true, false), Some(Finding::Well));
        assert_eq!((care.next(), care.deadline()), (None, None));
        care.begin(Pid(10), PLAN);
        assert_eq!(care.wards.len(), 1, "the place is used again");
    }

    #[test]
    fn a_unit_that_says_itself_that_it_is_ready_has_its_aide_sent_away() {
        let mut care = Care::new();
        care.begin(OF, Plan { awaits: true, ..PLAN });
        send(&mut care, at(0), Errand::Await);
        care.ready(at(10), OF);
        assert_eq!(care.next(), Some(Wish::End { aide: AIDE }));
        care.killed(AIDE);
        assert_eq!(care.returned(at(11), AIDE, false, false), Some(Finding::Well));
        assert_eq!(care.deadline(), Some(at(1_011)), "the first look comes");
    }

    #[test]
    fn silence_is_found_once_and_a_word_ends_it() {
        let mut care = Care::new();
        care.begin(OF, Plan { every: 0, watchdog: 500, ..PLAN });
        care.ready(at(0), OF);
        care.alive(at(400), OF);
        assert_eq!(care.tick(at(500)), None);
        assert_eq!(care.deadline(), Some(at(900)));
        assert_eq!(care.tick(at(900)), Some(OF));
        assert_eq!(care.tick(at(900)), None);
    }

    #[test]
    fn what_the_kernel_holds_is_looked_at_no_more_but_silence_counts() {
        let mut care = Care::new();
        care.begin(OF, Plan { watchdog: 5_000, ..PLAN });
        care.ready(at(0), OF);
        assert_eq!(care.tick(at(1_000)), None);
        assert_eq!(care.next(), Some(Wish::Begin { of: OF, errand: Errand::Look }));
        care.needless(OF);
        assert_eq!((care.next(), care.deadline()), (None, Some(at(5_000))));
        care.alive(at(4_000), OF);
        assert_eq!((care.next(), care.deadline()), (None, Some(at(9_000))));
    }

    #[test]
    fn an_aide_that_cannot_be_begun_is_tried_again() {
        let mut care = Care::new();
        care.begin(OF, Plan { awaits: true, ..PLAN });
        care.refused(at(0), OF);
        assert_eq!((care.next(), care.deadline()), (None, Some(at(1_000))));
        send(&mut care, at(1_000), Errand::Await);
    }
}
