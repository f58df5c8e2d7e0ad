//! Reading the inittab: at boot as it stands, later as a difference.

use super::init::{Init, Origin, Phase, Reading, Starts};
use super::stories::Notes;
use super::table::{Consoles, Slot, Table};
use super::unit::{State, Stimulus, Then, Unit};
use super::{End, Mode, UnitId};
use crate::wire::errno::ENOENT;
use crate::wire::inittab::{self, Entry, Kind, Parsed};
use crate::wire::lines::Found;
use crate::wire::names::take;
use crate::wire::syslog::Level;

/// The code that a supervisor leaves with that cannot read its inittab: the system refused.
const UNREAD: u8 = 111;

/// What became of a line of the old table in the new one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Match {
    /// It says the same as before.
    Same(UnitId),
    /// Its unit is described in another way.
    Changed(UnitId),
    /// There is no such line any more.
    Removed,
}

impl Init<'_> {
    /// Has the inittab read again, unless it is about to be read.
    pub(super) fn want_reading(&mut self) {
        if self.mode != Mode::Single && self.reading != Reading::Under {
            self.reading = Reading::Wanted;
        }
    }

    /// Makes the lines of a kind run again.
    pub(super) fn rewind(&mut self, kind: Kind) {
        for slot in self.table.slots_mut() {
            if slot.spec.kind == kind && slot.unit.state.is_over() {
                slot.unit.state = State::Idle;
            }
        }
    }

    /// Makes everything ready for the text of an inittab.
    pub(super) fn start_reading(&mut self) {
        self.reading = Reading::Under;
        self.lines.restart();
        self.bad_lines = 0;
        self.next_table.clear();
    }

    /// The active consoles are these.
    pub(super) fn set_consoles(&mut self, list: &[u8]) {
        self.console_list.clear();
        // The list is collected to the same limit.
        let _ = self.console_list.extend_from_slice(list);
    }

    /// The active consoles are others: what stands for them is read anew, as by a reload.
    pub(super) fn consoles_changed(&mut self) {
        let down = matches!(self.phase, Phase::Down { .. });
        if self.table.consoles == Consoles::Followed && !down {
            self.want_reading();
        }
    }

    pub(super) fn read_text(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let found = self.lines.push(byte);
            self.read_line(found);
        }
    }

    fn read_line(&mut self, found: Found) {
        let Init { lines, next_table, log, bad_lines, now, console_list, .. } = self;
        let line = lines.number();
        let mut notes = Notes { now: *now, log, told: bad_lines, line };
        match found {
            Found::More => {}
            Found::TooLong => notes.too_long(),
            Found::Line => match inittab::parse(lines.line()) {
                Parsed::Blank => {}
                Parsed::Default(level) => next_table.default_level = Some(level),
                Parsed::Bad { read, expected } => notes.bad_line(read, expected),
                Parsed::Entry(entry) => {
                    let mut rest = entry.tty;
                    if entry.tty == inittab::CONSOLES {
                        next_table.consoles = Consoles::Followed;
                        rest = console_list;
                    }
                    loop {
                        // Where no console is known, there is still the one that we have.
                        let end = if rest == entry.tty { 0 } else { b' ' };
                        let entry = Entry { tty: take(&mut rest, end), ..entry };
                        let added =
                            next_table.add(line, &entry, &mut |problem| notes.option(problem));
                        if let Err(overflow) = added {
                            notes.overflow(overflow);
                        }
                        if rest.is_empty() {
                            break;
                        }
                    }
                }
            },
        }
    }

    pub(super) fn read_file_end(&mut self) {
        self.origin = Origin::File;
        self.read_end();
    }

    pub(super) fn read_end(&mut self) {
        let found = self.lines.finish();
        self.read_line(found);
        self.tie_up();
        self.share_logs();
        self.tell_bad_lines();
        (self.reading, self.loosened) = (Reading::Idle, true);
        if let Phase::Fresh = self.phase {
            core::mem::swap(&mut self.table, &mut self.next_table);
            self.phase = Phase::Boot(Kind::Sysinit);
        } else if self.next_table.can_adopt(self.table) {
            self.take_difference();
        } else {
            self.tell_no_room();
        }
    }

    fn tie_up(&mut self) {
        let Init { next_table, log, bad_lines, now, .. } = self;
        next_table.tie_up(&mut |table, slot, knot| {
            let mut notes = Notes { now: *now, log, told: bad_lines, line: slot.spec.line };
            notes.knot(table, slot, knot);
        });
    }

    pub(super) fn read_failed(&mut self, errno: u16, shell: bool) {
        if errno != ENOENT {
            // Of a file that could not be read to its end nothing counts.
            self.start_reading();
        }
        let fresh = matches!(self.phase, Phase::Fresh);
        if fresh && self.mode == Mode::Supervise {
            // What is built in is for machines.
            self.tell_unread(Level::Error, errno, b"; nothing is started");
            return self.go_down(End::Main(UNREAD));
        }
        if !fresh && self.origin == Origin::File {
            self.tell_unread(Level::Error, errno, b"; the old table is kept");
            self.reading = Reading::Idle;
            return;
        }
        if fresh || errno != ENOENT {
            self.tell_defaults(errno, shell);
        }
        self.origin = Origin::BuiltIn;
        self.read_text(inittab::DEFAULTS);
        self.read_end();
    }

    /// Makes the new table the one that counts: new lines start, removed ones stop, changed ones
    /// restart, unchanged ones never notice.
    fn take_difference(&mut self) {
        for index in 0..self.table.slots().len() {
            self.take_over(UnitId(index as u16));
        }
        self.keep_logs();
        core::mem::swap(&mut self.table, &mut self.next_table);
        for index in 0..self.table.slots().len() {
            self.start_new(UnitId(index as u16));
        }
        // What was mounted over /dev meanwhile is not seen by a watch.
        self.stimulate_all(Stimulus::Appeared);
    }

    fn take_over(&mut self, old: UnitId) {
        let Init { table, next_table, chance, .. } = self;
        let Some(slot) = table.slot(old).copied() else {
            return;
        };
        let live = slot.unit.state.is_live();
        if !live && !slot.spec.listed {
            // It is kept for the sake of its log alone.
            return;
        }
        let (unit, stop) = match find(table, next_table, old) {
            Match::Same(unit) => (unit, None),
            Match::Changed(unit) if live => (unit, Some(Then::Again)),
            Match::Removed if live => match next_table.adopt(table, &slot) {
                Ok(unit) => (unit, Some(Then::Rest)),
                // That there is room was made sure of before.
                Err(_) => return,
            },
            Match::Changed(_) | Match::Removed => return,
        };
        let may_run = next_table.slot(unit).is_some_and(|new| next_table.may_run(&new.spec));
        let Some(new) = next_table.slots_mut().get_mut(usize::from(unit.0)) else {
            return;
        };
        // What is not to run any more waits until it is again.
        let might_run = table.may_run(&slot.spec);
        new.unit = if might_run && may_run || live { slot.unit } else { Unit::new() };
        let service = new.spec.kind.is_service();
        let stop = match stop {
            _ if !live => None,
            // What is not to run any more, or was made a line of another time, only stops.
            _ if !may_run => Some(Then::Rest),
            Some(_) if !service => Some(Then::Rest),
            None if !might_run && service => Some(Then::Again),
            _ => stop,
        };
        if let Some(then) = stop {
            new.unit.step(self.now, &new.spec.rules, chance, Stimulus::Stop(then));
        }
    }

    fn start_new(&mut self, unit: UnitId) {
        let Some(Slot { spec, unit: Unit { state, .. } }) = self.table.slot(unit) else {
            return;
        };
        let waits = matches!(state, State::Idle | State::Failed | State::Absent);
        let booted = self.phase == Phase::Run;
        match spec.kind {
            Kind::Once | Kind::Respawn | Kind::AskFirst if waits && booted => self.start(unit),
            // Its time is over.
            Kind::Sysinit if waits => self.retire(unit),
            Kind::Wait if waits && booted => self.retire(unit),
            Kind::Sysinit | Kind::Wait | Kind::Once | Kind::Respawn | Kind::AskFirst => {}
            Kind::CtrlAltDel | Kind::Shutdown | Kind::Restart => {}
        }
    }

    /// Begins anew after a `restart` that could not be carried out.
    pub(super) fn boot_again(&mut self) {
        self.phase = Phase::Fresh;
        self.table.clear();
        self.log.reopen();
        self.starts = Starts::On;
        self.start_reading();
    }
}

/// Finds a unit of the old table in the new one: by its command and terminal, else by its name.
#[inline(never)]
fn find(table: &Table, next: &Table, old: UnitId) -> Match {
    let Some(Slot { spec, .. }) = table.slot(old) else {
        return Match::Removed;
    };
    if let Some(unit) = next.first(|new| next.same_key(&new.spec, table, spec)) {
        let same = next.slot(unit).is_some_and(|new| next.same_rest(&new.spec, table, spec));
        return if same { Match::Same(unit) } else { Match::Changed(unit) };
    }
    // A unit that was dropped before has lost its name: a listed one may bear it.
    let namesake = next.first(|new| {
        spec.listed
            && next.same_name(&new.spec, table, spec)
            && !table.slots().iter().any(|any| next.same_key(&new.spec, table, &any.spec))
    });
    namesake.map_or(Match::Removed, Match::Changed)
}
