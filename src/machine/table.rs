//! The lines of one inittab, at rest: what each unit is, and the text it is made of.

use heapless::Vec;

use super::UnitId;
use super::memory::gap;
use super::readers::LogId;
use super::ties::has_ties;
use super::unit::{Rules, Unit};
use crate::wire::command;
use crate::wire::inittab::{Entry, Kind};
use crate::wire::names::{begins, place, take};
use crate::wire::options::{self, Fault, Options, Problem, Ready, Restart};
use crate::wire::signals::Signal;
use crate::wire::value::{Millis, number};

/// The most units an inittab describes; a table has room for as many again that are left over
/// from the one before. Each takes some 100 bytes, so that a table and its text come to 81 KiB of
/// address space, of which only what is used becomes memory.
pub const UNITS_MAX: usize = 256;

/// The most text of an inittab, in bytes: 64 a unit, which is twice what lines in the wild need.
pub const TEXT_MAX: usize = 16 * 1024;

/// Back-off where a line says nothing else: short enough that a service is back before anybody
/// looks, long enough that 256 failing ones cost little.
pub const DELAY: Millis = 100;
/// The longest one.
pub const MAX_DELAY: Millis = 60_000;
/// How long a unit has between its stop signal and KILL where its line says nothing else.
pub const GRACE: Millis = 5_000;
/// The same for a `shutdown` line, which may itself have many services to stop.
const SHUTDOWN_GRACE: Millis = 60_000;

/// A piece of the table's text: where it begins and, in the upper half, how long it is. It is one
/// number because pieces are handed around a lot, aligned so that another one fits beside it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(Rust, packed(2))]
pub struct Text(u32);

impl Text {
    fn new(at: usize, len: usize) -> Text {
        Text(at as u32 & 0xffff | (len as u32) << 16)
    }

    fn at(self) -> usize {
        usize::from(self.0 as u16)
    }

    /// How many bytes it has.
    pub(super) fn len(self) -> usize {
        (self.0 >> 16) as usize
    }

    fn end(self) -> usize {
        self.at() + self.len()
    }
}

/// What a unit is called: a base and, from the second of that base on, a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Name {
    /// The base.
    pub base: Text,
    /// Which one of that base, from 1.
    pub ordinal: u16,
}

/// The part of a unit that its line decides. The fields of the line lie in the table's text one
/// behind the other, each with a NUL behind it; the other texts are parts of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spec {
    /// The number of its line.
    pub line: u32,
    /// Its action.
    pub kind: Kind,
    /// Whether it stands in the inittab still; one that does not is only waited for.
    pub listed: bool,
    /// Its terminal without `/dev/`, or empty.
    pub tty: Text,
    /// Its second field.
    pub options: Text,
    /// Its command.
    pub command: Text,
    /// Its name.
    pub name: Name,
    /// The path of `if=`, or empty.
    pub condition: Text,
    /// Its stop signal.
    pub stop: Option<Signal>,
    /// It waits for other units, see [`super::ties`].
    pub tied: bool,
    /// When it ends for good, everything does.
    pub main: bool,
    /// The log that it writes to, if that has a reader and one was to be had.
    pub log: Option<LogId>,
    /// Which one of its line it is, from 0; there are at most [`UNITS_MAX`].
    pub instance: u8,
    /// An option that must not be dropped could not be honoured: the unit never runs.
    pub barred: bool,
    /// The rest of its rules.
    pub rules: Rules,
}

/// A unit and what it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot {
    /// What its line says.
    pub spec: Spec,
    /// What it does.
    pub unit: Unit,
}

/// A limit that a line did not fit into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Overflow {
    /// [`UNITS_MAX`]
    Units,
    /// [`TEXT_MAX`]
    Text,
}

/// Whether a line stands for the active consoles.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Consoles {
    /// None does.
    Ignored,
    /// One does.
    Followed,
}

type Slots = Vec<Slot, { 2 * UNITS_MAX }>;

/// What stands in front of a table's text and its gap, in bytes: runlevel and consoles, filled up,
/// and units.
const UNITS_SIZE: usize = align_of::<Slots>() + size_of::<Slots>();

/// The units of one inittab.
#[repr(C)] // What is small comes first, where it shares a page with the first units.
pub struct Table {
    /// The runlevel of `initdefault`, as its bit.
    pub default_level: Option<u8>,
    /// Whether a line stands for the active consoles.
    pub consoles: Consoles,
    slots: Slots,
    gap: [u8; gap(UNITS_SIZE)],
    text: Vec<u8, { 2 * TEXT_MAX }>,
}

impl Default for Table {
    fn default() -> Self {
        Table::new()
    }
}

impl Table {
    /// Where its text begins, in bytes.
    pub(super) const TEXT_AT: usize = core::mem::offset_of!(Table, text);

    /// A table without units.
    pub const fn new() -> Self {
        Table {
            slots: Vec::new(),
            gap: [0; gap(UNITS_SIZE)],
            text: Vec::new(),
            default_level: None,
            consoles: Consoles::Ignored,
        }
    }

    /// Forgets everything. What is empty already is not touched: it would become memory.
    pub fn clear(&mut self) {
        let is_read = self.default_level.is_some() || self.consoles == Consoles::Followed;
        if is_read || !self.text.is_empty() {
            self.slots.clear();
            self.text.clear();
            (self.default_level, self.consoles) = (None, Consoles::Ignored);
        }
    }

    /// The units, in the order of the file.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The units, to be moved.
    pub fn slots_mut(&mut self) -> &mut [Slot] {
        &mut self.slots
    }

    /// One unit.
    pub fn slot(&self, unit: UnitId) -> Option<&Slot> {
        self.slots.get(usize::from(unit.0))
    }

    /// The first unit that fits.
    pub fn first(&self, fits: impl Fn(&Slot) -> bool) -> Option<UnitId> {
        self.slots.iter().position(fits).map(|index| UnitId(index as u16))
    }

    /// A piece of text.
    #[inline(never)] // It is asked for so often that a copy in each place would cost 500 bytes.
    pub fn text(&self, text: Text) -> &[u8] {
        self.text.get(text.at()..text.end()).unwrap_or(&[])
    }

    /// Adds an entry. Each option that is wrong goes to `report`.
    ///
    /// BusyBox's rule of the key holds: of several lines with the same command and terminal only
    /// the last one counts, and it stands where the last one stands.
    pub fn add(
        &mut self,
        line: u32,
        entry: &Entry<'_>,
        report: &mut dyn FnMut(Problem<'_>),
    ) -> Result<(), Overflow> {
        let is_twin =
            |table: &Table, slot: &Slot| table.is_line(&slot.spec, entry.tty, entry.command);
        let twins = self.slots.iter().filter(|slot| is_twin(self, slot)).count();
        let count = options::value(entry.options, b"count").and_then(number).unwrap_or(1);
        let count = if entry.kind.is_service() { count as usize } else { 1 };
        if self.slots.len() - twins + count > UNITS_MAX {
            return Err(Overflow::Units);
        }
        let Entry { tty, options, kind, command } = *entry;
        if self.text.len() + tty.len() + options.len() + command.len() + 3 > TEXT_MAX {
            return Err(Overflow::Text);
        }
        let texts = [self.put(tty), self.put(options), self.put(command)];
        while let Some(UnitId(twin)) = self.first(|slot| is_twin(self, slot)) {
            self.remove(usize::from(twin));
        }
        let mut spec = self.spec(line, kind, texts, report);
        for _ in 0..count {
            // There is room: a full table was sent away above unless the twins made place.
            let _ = self.slots.push(Slot { spec, unit: Unit::new() });
            spec.instance = spec.instance.wrapping_add(1);
            spec.name.ordinal = spec.name.ordinal.saturating_add(1);
        }
        Ok(())
    }

    /// Takes over a unit of another table that is no longer listed but still has a process.
    #[inline(never)] // Apart, it and its callers fit into registers.
    pub fn adopt(&mut self, other: &Table, slot: &Slot) -> Result<UnitId, Overflow> {
        let unit = UnitId(self.slots.len() as u16);
        let from = slot.spec.tty.at();
        let line = other.text.get(from..slot.spec.command.end() + 1).unwrap_or(&[]);
        // Units of one line share its text.
        let is_there = |to: &Slot| {
            let place = to.spec.tty.at()..to.spec.command.end() + 1;
            !to.spec.listed && self.text.get(place) == Some(line)
        };
        let shared = self.slots.last().filter(|to| is_there(to)).map(|to| to.spec.tty.at());
        let moved = shared.unwrap_or(self.text.len()).wrapping_sub(from);
        let mut slot = *slot;
        (slot.spec.listed, slot.spec.tied) = (false, false);
        let Spec { tty, options, command, name, condition, .. } = &mut slot.spec;
        for text in [tty, options, command, &mut name.base, condition] {
            *text = Text::new(text.at().wrapping_add(moved), text.len());
        }
        if shared.is_none() {
            self.text.extend_from_slice(line).map_err(|_| Overflow::Text)?;
        }
        self.slots.push(slot).map_err(|_| Overflow::Units)?;
        Ok(unit)
    }

    /// Whether a line of this table and one of another have the same command and terminal.
    pub fn same_key(&self, spec: &Spec, other: &Table, theirs: &Spec) -> bool {
        spec.instance == theirs.instance
            && self.is_line(spec, other.text(theirs.tty), other.text(theirs.command))
    }

    pub(super) fn is_line(&self, spec: &Spec, tty: &[u8], command: &[u8]) -> bool {
        self.text(spec.tty) == tty && self.text(spec.command) == command
    }

    /// Whether a unit of this table and one of another have the same name.
    pub fn same_name(&self, spec: &Spec, other: &Table, theirs: &Spec) -> bool {
        spec.name.ordinal == theirs.name.ordinal
            && self.text(spec.name.base) == other.text(theirs.name.base)
    }

    /// Whether lines with the same key say the same in their other fields too.
    pub fn same_rest(&self, spec: &Spec, other: &Table, theirs: &Spec) -> bool {
        spec.kind == theirs.kind
            && spec.listed == theirs.listed
            && heeded(self.text(spec.options)) == heeded(other.text(theirs.options))
    }

    /// Whether a unit is ever to run.
    pub fn may_run(&self, spec: &Spec) -> bool {
        let levels = options::runlevels(self.text(spec.options)).unwrap_or(u16::MAX);
        let in_level = match self.default_level {
            Some(level) => spec.kind == Kind::Sysinit || levels & (1 << (level & 15)) != 0,
            None => true,
        };
        in_level && spec.listed && !spec.barred
    }

    /// Whether a unit is a session on a terminal. A shell there does not heed TERM, so it is sent
    /// HUP as well; a daemon must not be, for which HUP may be death without farewell.
    #[inline(never)] // Apart, it and its callers fit into registers.
    pub fn has_terminal(&self, spec: &Spec) -> bool {
        let (tty, command) = (self.text(spec.tty), self.text(spec.command));
        let program = command::base_name(command);
        let end = program.get(program.len().saturating_sub(5)..).unwrap_or(program);
        let session = place(b"getty login", end).is_some() || begins(command, b'-');
        let on_terminal = !tty.is_empty() && tty != b"null";
        on_terminal || session || spec.kind == Kind::AskFirst
    }

    /// Whether all units of another table could be adopted. Every table has room for as many as
    /// an inittab may hold beside its own; only those left over from the last reload may be more.
    pub fn can_adopt(&self, other: &Table) -> bool {
        self.slots.len() + other.slots.len() <= 2 * UNITS_MAX
            && self.text.len() + other.text.len() <= 2 * TEXT_MAX
    }

    /// Takes a unit out; those behind it move up.
    fn remove(&mut self, index: usize) {
        if let Some(rest) = self.slots.get_mut(index..).filter(|rest| !rest.is_empty()) {
            rest.copy_within(1.., 0);
            self.slots.pop();
        }
    }

    /// Lays down a field, for which there is room.
    fn put(&mut self, field: &[u8]) -> Text {
        let text = Text::new(self.text.len(), field.len());
        let _ = self.text.extend_from_slice(field);
        let _ = self.text.push(0);
        text
    }

    /// Where a part of our own text lies; an empty part may lie anywhere.
    fn place(&self, part: &[u8]) -> Text {
        let at = (part.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        Text::new(at, part.len())
    }

    /// What a line says whose fields lie in our text, its second field read and its name found.
    fn spec(
        &self,
        line: u32,
        kind: Kind,
        [tty, options, command]: [Text; 3],
        report: &mut dyn FnMut(Problem<'_>),
    ) -> Spec {
        let mut said = Options {
            name: self.text(tty),
            condition: b"",
            restart: None,
            ready: Ready::AtOnce,
            delay: DELAY,
            max_delay: MAX_DELAY,
            max: (0, 0),
            stop: None,
            grace: if kind == Kind::Shutdown { SHUTDOWN_GRACE } else { GRACE },
            barred: false,
        };
        if said.name.is_empty() {
            said.name = command::base_name(self.text(command));
        }
        said.read(self.text(options), report);
        let kept = matches!(kind, Kind::Respawn | Kind::AskFirst);
        let by_action = if kept { Restart::Always } else { Restart::No };
        let service = kind.is_service();
        if !service {
            // Lines that the boot or the shutdown waits for run once, in their order.
            self.report_pointless(options, options::FOR_SERVICES, report);
            (said.restart, said.ready) = (None, Ready::AtOnce);
        } else if said.ready == Ready::Exit && said.restart.unwrap_or(by_action) == Restart::Always
        {
            // It would never be ready but while it is not there.
            self.report_pointless(options, b"ready", report);
            said.ready = Ready::AtOnce;
        }
        if kind == Kind::Restart {
            // It takes the place of process 1 itself, which is not set up again.
            said.barred |= self.report_pointless(options, options::SETTINGS, report);
        }
        let follows = service && options::value(self.text(options), b"pidfile").is_some();
        if follows && said.ready != Ready::AtOnce {
            // It is up when the process that it leaves behind was found.
            self.report_pointless(options, b"ready", report);
            said.ready = Ready::AtOnce;
        }
        let rules = Rules {
            follows,
            restart: said.restart.unwrap_or(by_action),
            ready: said.ready,
            awaits_terminal: kept,
            delay: said.delay,
            max_delay: said.max_delay,
            max: said.max,
            grace: said.grace,
        };
        let base = self.place(said.name);
        let (name, condition) =
            (Name { base, ordinal: self.ordinal(base) }, self.place(said.condition));
        Spec {
            line,
            kind,
            listed: true,
            tty,
            options,
            command,
            name,
            condition,
            stop: said.stop,
            tied: service && has_ties(self.text(options)),
            main: service && options::value(self.text(options), b"main").is_some(),
            log: None,
            instance: 0,
            barred: said.barred,
            rules,
        }
    }

    /// Reports those of some options that a field has though they mean nothing to its line;
    /// whether one of them bars it.
    fn report_pointless(
        &self,
        field: Text,
        mut which: &'static [u8],
        report: &mut dyn FnMut(Problem<'_>),
    ) -> bool {
        let mut bars_any = false;
        while !which.is_empty() {
            let option = take(&mut which, b' ');
            if options::value(self.text(field), option).is_some() {
                let bars = place(options::GUARDS, option).is_some();
                report(Problem { option, fault: Fault::Pointless, bars });
                bars_any |= bars;
            }
        }
        bars_any
    }

    /// Which one of this base the next unit is.
    fn ordinal(&self, base: Text) -> u16 {
        let mut ordinal = 1;
        for Slot { spec, .. } in &self.slots {
            if self.text(spec.name.base) == self.text(base) {
                ordinal = ordinal.max(spec.name.ordinal.saturating_add(1));
            }
        }
        ordinal
    }
}

/// What a second field says beside runlevels: those decide whether a unit runs, not how.
fn heeded(field: &[u8]) -> &[u8] {
    if options::runlevels(field).is_some() { &[] } else { field }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
