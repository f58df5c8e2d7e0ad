//! What the machine says: who, what failed, on what, why, and what happens next.
//!
//! A message is put together from templates, in which `%` and a letter stand for a fact:
//!
//! | | |
//! | --- | --- |
//! | `%u` `%t` `%c` `%i` | the unit's name, terminal, command, condition |
//! | `%a` `%s` `%e` | the number at hand, as it is, as a span of time, as an error in words |
//! | `%q` `%x` | the texts at hand: one that somebody else wrote, and one of ours |

use super::hear::PATIENCE_MS;
use super::init::Init;
use super::log::Log;
use super::table::{Overflow, Slot, TEXT_MAX, Table, UNITS_MAX};
use super::ties::Knot;
use super::time::Instant;
use super::unit::{State, Terminal, Unit, Wait};
use super::{End, Exit, Fault, LastStep, Mode, Pid, Refusal, Step, UnitId};
use crate::wire::errno::{ENOENT, ESRCH};
use crate::wire::inittab::Kind;
use crate::wire::lines::LOGICAL_MAX;
use crate::wire::names::at;
use crate::wire::options::{self, Problem};
use crate::wire::signals::{self, Signal};
use crate::wire::syslog::Level;
use crate::wire::text::{CUT_MARK, Line};

/// Bad lines and options that are told one by one at one reading; the rest is counted. A file of
/// garbage would otherwise push everything else out of the log.
const TOLD_MAX: u32 = 16;

/// At most this much of a bad text is shown, in bytes.
const SHOWN: usize = 40;

/// What is said while an inittab is read.
pub(super) struct Notes<'a> {
    pub now: Instant,
    pub log: &'a mut Log,
    pub told: &'a mut u32,
    pub line: u32,
}

/// What becomes of a line that is bad.
const SKIPPED: &[u8] = b"line skipped";

impl Notes<'_> {
    /// What is wrong with a line, and what becomes of it.
    fn say(&mut self, template: &[u8], number: usize, texts: [&[u8]; 2], next: &[u8]) {
        if *self.told < TOLD_MAX {
            let mut line = Line::new();
            fill(&mut line, None, b"inittab:%a: ", self.line.into(), texts);
            fill(&mut line, None, template, number as u64, texts);
            line.put(b"; ").put(next);
            self.log.say(self.now, Level::Warning, &line);
        }
        *self.told = self.told.saturating_add(1);
    }

    pub fn too_long(&mut self) {
        self.say(b"more than LOGICAL_MAX=%a bytes", LOGICAL_MAX, [b"", b""], SKIPPED);
    }

    pub fn bad_line(&mut self, read: &[u8], expected: &[u8]) {
        self.say(b"'%q': expected %x", 0, [read, expected], SKIPPED);
    }

    pub fn overflow(&mut self, overflow: Overflow) {
        let (template, limit): (&[u8], _) = match overflow {
            Overflow::Units => (b"more than UNITS_MAX=%a units", UNITS_MAX),
            Overflow::Text => (b"more than TEXT_MAX=%a bytes of text", TEXT_MAX),
        };
        self.say(template, limit, [b"", b""], SKIPPED);
    }

    /// What is wrong with what ties a unit to others.
    #[inline(never)]
    pub fn knot(&mut self, table: &Table, slot: &Slot, knot: Knot<'_>) {
        match knot {
            Knot::Missing(name) => {
                self.say(b"there is no unit '%q' to wait for", 0, [name, b""], b"not waited for");
            }
            Knot::Circle(next) => {
                let own = name_of(table, Some(slot));
                let next = name_of(table, table.slot(next));
                let template = b"'%q' waits for '%x', and that for it";
                let texts = [own.as_bytes(), next.as_bytes()];
                self.say(template, 0, texts, b"its after= and needs= ignored");
            }
        }
    }

    pub fn option(&mut self, problem: Problem<'_>) {
        let next: &[u8] = if problem.bars { b"unit not run" } else { b"option ignored" };
        let (template, expected): (&[u8], &[u8]) = match problem.fault {
            options::Fault::Wrong { expected } => (b"option '%q': expected %x", expected),
            options::Fault::Pointless => (b"option '%q' means nothing to this action", b""),
        };
        self.say(template, 0, [problem.option, expected], next);
    }
}

/// No unit.
const NOBODY: UnitId = UnitId(u16::MAX);

/// Appends a template with its facts put in.
pub(super) fn fill(
    line: &mut Line,
    unit: Option<(&Table, &Slot)>,
    template: &[u8],
    number: u64,
    texts: [&[u8]; 2],
) {
    let mut letters = template.iter();
    while let Some(&letter) = letters.next() {
        if letter != b'%' {
            line.put(&[letter]);
            continue;
        }
        match (letters.next(), unit) {
            (Some(b'a'), _) => line.number(number),
            (Some(b's'), _) => line.span(number),
            (Some(b'e'), _) => line.error(number as u16),
            (Some(b'q'), _) => match texts[0].get(..SHOWN) {
                Some(shown) if shown.len() < texts[0].len() => line.quote(shown).put(CUT_MARK),
                Some(_) | None => line.quote(texts[0]),
            },
            (Some(b'x'), _) => line.put(texts[1]),
            (Some(b'u'), Some((table, slot))) => name(table, slot, line),
            (Some(b't'), Some((table, slot))) => line.quote(table.text(slot.spec.tty)),
            (Some(b'c'), Some((table, slot))) => line.quote(table.text(slot.spec.command)),
            (Some(b'i'), Some((table, slot))) => line.quote(table.text(slot.spec.condition)),
            _ => line,
        };
    }
}

fn name<'a>(table: &Table, slot: &Slot, line: &'a mut Line) -> &'a mut Line {
    line.quote(table.text(slot.spec.name.base));
    if slot.spec.name.ordinal > 1 {
        line.put(b"-").number(u64::from(slot.spec.name.ordinal));
    }
    line
}

/// The name of a unit alone.
#[inline(never)] // There are two callers.
fn name_of(table: &Table, slot: Option<&Slot>) -> Line {
    let mut line = Line::new();
    if let Some(slot) = slot {
        name(table, slot, &mut line);
    }
    line
}

/// What could not be done for a unit: a template and its text.
#[inline(never)]
pub(super) fn cannot_unit(fault: Fault) -> (&'static [u8], &'static [u8]) {
    let setting = |place| at(options::SETTINGS, usize::from(place)).unwrap_or(b"");
    match (fault.step, fault.errno) {
        (Step::Fork, _) => (b"%u: cannot fork: %e", b""),
        (Step::Terminal, _) => (b"%u: cannot open /dev/%t: %e", b""),
        (Step::Exec, _) => (b"%u: cannot run '%c': %e", b""),
        (Step::Condition, _) => (b"%u: %i is not there", b""),
        (Step::Ready, _) => (b"%u: cannot listen for ready=: %e", b""),
        (Step::Log, _) => (b"%u: cannot open its log: %e", b""),
        // These are said of a unit that runs, by who looks after it.
        (Step::Memory | Step::Port | Step::Found(_), _) => (b"%u: %e", b""),
        (Step::Setting(place), ESRCH) => (b"%u: no such %x", setting(place)),
        (Step::Setting(place), _) => (b"%u: cannot carry out %x=: %e", setting(place)),
    }
}

/// What happens next to a unit: the end of a message, and its number.
pub(super) fn next(now: Instant, slot: &Slot) -> (&'static [u8], u64) {
    let kept = matches!(slot.spec.kind, Kind::Respawn | Kind::AskFirst);
    match slot.unit.state {
        State::Due => (b"; started again", 0),
        State::Backoff { until } => (b"; next start in %s", until.since(now)),
        State::NoTerminal { .. } => (b"; waiting for it", 0),
        State::Failed if slot.spec.rules.max.0 == 0 => (b"; failed until a reload", 0),
        State::Failed => {
            let template = b"; %a starts within max=, given up until a reload";
            (template, u64::from(slot.spec.rules.max.0))
        }
        State::Absent => (b"; not started until a reload", 0),
        State::Done if kept => (b"; not started again", 0),
        State::Done | State::Idle | State::Starting { .. } | State::Up { .. } => (b"", 0),
        State::Forked { .. } => (b"; what it leaves behind is looked for", 0),
        State::Leaving { .. } | State::Following { .. } => (b"", 0),
        State::Stopping { .. } | State::Overdue { .. } | State::Killed { .. } => (b"", 0),
    }
}

/// How a process has ended.
pub(super) fn ending(line: &mut Line, exit: Exit) {
    match exit {
        Exit::Code(code) => line.put(b" with code ").number(u64::from(code)),
        Exit::Signal(signal) => match signals::name(signal) {
            Some(name) => line.put(b" by SIG").put(name),
            None => line.put(b" by signal ").number(u64::from(signal.0)),
        },
    };
}

fn last_words(step: LastStep) -> &'static [u8] {
    match step {
        LastStep::KillAll => b"killing all processes",
        LastStep::Unmount => b"unmounting",
        LastStep::Sync => b"sync",
        LastStep::Reboot(_) => b"reboot(2)",
    }
}

impl Init<'_> {
    /// A unit with the table that its texts are in.
    pub(super) fn named(&self, unit: UnitId) -> Option<(&Table, &Slot)> {
        self.table.slot(unit).map(|slot| (&*self.table, slot))
    }

    /// Says something that takes one template, and for a unit what happens next to it.
    #[inline(never)]
    fn tell(&mut self, level: Level, unit: UnitId, template: &[u8], number: u64) {
        self.tell_texts(level, unit, template, number, [b"", b""]);
    }

    #[inline(never)]
    pub(super) fn tell_texts(
        &mut self,
        level: Level,
        unit: UnitId,
        template: &[u8],
        number: u64,
        texts: [&[u8]; 2],
    ) {
        let mut line = Line::new();
        fill(&mut line, self.named(unit), template, number, texts);
        self.conclude(level, unit, &mut line);
    }

    /// Says a line, with what happens next to a unit at its end.
    fn conclude(&mut self, level: Level, unit: UnitId, line: &mut Line) {
        if let Some(slot) = self.table.slot(unit) {
            let (template, number) = next(self.now, slot);
            fill(line, None, template, number, [b"", b""]);
        }
        self.log.say(self.now, level, line);
    }

    pub(super) fn tell_start(&mut self, unit: UnitId, pid: Pid) {
        self.tell(Level::Info, unit, b"%u started, pid %a: %c", pid.0 as u64);
    }

    /// Says something of a unit that needs no more facts.
    pub(super) fn tell_unit(&mut self, unit: UnitId, template: &[u8]) {
        self.tell(Level::Info, unit, template, 0);
    }

    /// Says how a unit was found to be, and what follows.
    #[inline(never)]
    pub(super) fn tell_health(
        &mut self,
        level: Level,
        unit: UnitId,
        template: &[u8],
        number: u64,
        next: &[u8],
    ) {
        let mut line = Line::new();
        fill(&mut line, self.named(unit), template, number, [b"", b""]);
        line.put(next);
        self.log.say(self.now, level, &line);
    }

    pub(super) fn tell_followed(&mut self, unit: UnitId, pid: Pid) {
        self.tell(Level::Info, unit, b"%u goes on as pid %a", pid.0 as u64);
    }

    pub(super) fn tell_ready(&mut self, unit: UnitId, since: Instant) {
        self.tell(Level::Info, unit, b"%u is ready after %s", self.now.since(since));
    }

    pub(super) fn tell_forsaken(&mut self, unit: UnitId, needed: UnitId) {
        self.tell_of(
            Level::Warning,
            unit,
            b"%u: stopped, since it needs %x, which is over",
            needed,
        );
    }

    /// Says of whom units wait that have waited for long.
    pub(super) fn tell_held(&mut self) {
        for index in 0..self.table.slots().len() {
            let unit = UnitId(index as u16);
            let slot = self.table.slot(unit).filter(|slot| slot.unit.wait == Wait::Seen);
            let slot = slot.filter(|slot| self.is_held(slot));
            if let Some(holder) = slot.and_then(|slot| self.table.holder(&slot.spec)) {
                let what = b"%u has waited %s for %x; to start it, mend that or drop the option";
                self.tell_of(Level::Warning, unit, what, holder);
                self.mark_wait(index, Wait::Said);
            }
        }
    }

    /// Says something of a unit and another one.
    #[inline(never)]
    fn tell_of(&mut self, level: Level, unit: UnitId, template: &[u8], other: UnitId) {
        let (mut line, name) = (Line::new(), name_of(self.table, self.table.slot(other)));
        let texts = [&b""[..], name.as_bytes()];
        fill(&mut line, self.named(unit), template, u64::from(PATIENCE_MS), texts);
        self.log.say(self.now, level, &line);
    }

    pub(super) fn tell_exit(
        &mut self,
        unit: UnitId,
        before: &Unit,
        exit: Exit,
        fault: Option<Fault>,
    ) {
        if let Some(fault) = fault {
            if fault.step == Step::Memory {
                return self.tell_leak(unit);
            }
            let level = match fault.step {
                Step::Condition => Level::Info,
                _ if before.early < 2 => Level::Error,
                _ => Level::Notice,
            };
            return self.tell_fault(level, unit, fault);
        }
        let asked = !matches!(before.state, State::Starting { .. } | State::Up { .. });
        let failed = self.table.slot(unit).is_some_and(|s| matches!(s.unit.state, State::Failed));
        let level = match exit {
            _ if failed => Level::Error,
            Exit::Code(0) => Level::Info,
            _ if asked => Level::Info,
            // ILL, TRAP, ABRT, BUS, FPE, SEGV and SYS are faults of the program.
            Exit::Signal(Signal(4..=8 | 11 | 31)) => Level::Warning,
            Exit::Code(_) | Exit::Signal(_) => Level::Notice,
        };
        if let State::Following { .. } = before.state {
            let what = b"%u has left no process behind that could be followed";
            return self.tell(Level::Warning, unit, what, 0);
        }
        let mut line = Line::new();
        let pid = before.state.pid().map_or(0, |pid| pid.0);
        fill(&mut line, self.named(unit), b"%u (pid %a) ended", pid as u64, [b"", b""]);
        ending(&mut line, exit);
        if let State::Starting { since, .. } | State::Up { since, .. } = before.state {
            line.put(b" after ").span(self.now.since(since));
        }
        self.conclude(level, unit, &mut line);
    }

    fn tell_fault(&mut self, level: Level, unit: UnitId, fault: Fault) {
        let (template, text) = cannot_unit(fault);
        self.tell_texts(level, unit, template, u64::from(fault.errno), [b"", text]);
    }

    pub(super) fn tell_refusal(&mut self, unit: UnitId, why: Refusal, before: &Unit) {
        let level = if before.early < 2 { Level::Warning } else { Level::Notice };
        match why {
            Refusal::Fault(fault) => self.tell_fault(level, unit, fault),
            Refusal::NoTerminal { .. } if before.terminal == Terminal::Missed => {}
            Refusal::NoTerminal { .. } => {
                self.tell(Level::Warning, unit, b"%u: /dev/%t is not there", 0);
            }
        }
    }

    pub(super) fn tell_bad_lines(&mut self) {
        let more = u64::from(self.bad_lines.saturating_sub(TOLD_MAX));
        if more > 0 {
            let what = b"inittab: %a more bad lines or options, not told";
            self.tell(Level::Warning, NOBODY, what, more);
        }
    }

    pub(super) fn tell_no_room(&mut self) {
        let what = b"inittab: no room beside units that still have to stop; the old table is kept";
        self.tell(Level::Error, NOBODY, what, 0);
    }

    /// Says that there is no inittab, and what is run instead.
    pub(super) fn tell_defaults(&mut self, errno: u16, shell: bool) {
        let level = if errno == ENOENT { Level::Notice } else { Level::Error };
        let (level, next): (_, &[u8]) = match shell {
            true => (level, b"; rcS and shells on the consoles are run"),
            false => (Level::Critical, b", and no /bin/sh; nothing can be run"),
        };
        self.tell_unread(level, errno, next);
    }

    /// Says why there is no inittab to go by, and what happens next.
    #[inline(never)]
    pub(super) fn tell_unread(&mut self, level: Level, errno: u16, next: &[u8]) {
        let why: &[u8] = match errno {
            ENOENT => b"inittab: there is none",
            _ => b"inittab: cannot be read: %e",
        };
        let mut line = Line::new();
        fill(&mut line, None, why, u64::from(errno), [b"", b""]);
        self.log.say(self.now, level, line.put(next));
    }

    pub(super) fn tell_no_restart(&mut self) {
        let what = b"there is no restart line; going on";
        self.tell(Level::Warning, NOBODY, what, 0);
    }

    pub(super) fn tell_unrecorded(&mut self) {
        let what = b"utmp: earlier records are not written yet; the end of a session is left out";
        self.tell(Level::Warning, NOBODY, what, 0);
    }

    pub(super) fn tell_ctrlaltdel(&mut self) {
        self.tell(Level::Notice, NOBODY, b"Ctrl-Alt-Del was pressed", 0);
    }

    pub(super) fn tell_down(&mut self, end: End) {
        let mut line = Line::new();
        let end: &[u8] = match end {
            End::Halt => b"halt",
            End::PowerOff => b"power off",
            End::Reboot => b"reboot",
            End::Restart => b"restart of init",
            End::Leave => b"asked to end",
            End::Main(_) => b"its main unit has ended",
        };
        let whole = if self.mode == Mode::Supervise { b"" } else { &b"the system is "[..] };
        line.put(whole).put(b"going down: ").put(end);
        self.log.announce(self.now, Level::Notice, &line);
    }

    pub(super) fn tell_overdue(&mut self) {
        self.tell_live(b"%u does not stop in time; killed");
    }

    pub(super) fn tell_unkillable(&mut self) {
        self.tell_live(b"%u cannot be killed; left behind");
    }

    fn tell_live(&mut self, what: &[u8]) {
        for index in 0..self.table.slots().len() {
            let unit = UnitId(index as u16);
            if self.table.slot(unit).is_some_and(|s| s.unit.state.pid().is_some()) {
                self.tell(Level::Warning, unit, what, 0);
            }
        }
    }

    pub(super) fn tell_step_late(&mut self, step: LastStep) {
        let texts: [&[u8]; 2] = [b"", last_words(step)];
        self.tell_texts(Level::Error, NOBODY, b"%x does not end; going on without it", 0, texts);
    }

    pub(super) fn tell_step_refused(&mut self, step: LastStep, errno: u16) {
        let texts: [&[u8]; 2] = [b"", last_words(step)];
        self.tell_texts(Level::Error, NOBODY, b"%x: cannot fork: %e", u64::from(errno), texts);
    }

    pub(super) fn tell_no_reboot(&mut self, errno: u8) {
        let what = b"reboot(2) failed: %e; waiting for a request";
        self.tell(Level::Critical, NOBODY, what, u64::from(errno));
    }

    pub(super) fn tell_not_replaced(&mut self, fault: Fault) {
        let unit = self.restart_line().unwrap_or(NOBODY);
        self.tell_fault(Level::Error, unit, fault);
        self.tell(Level::Error, NOBODY, b"nothing to take our place; starting over", 0);
    }

    pub(super) fn tell_trouble(&mut self, what: &[u8], object: &[u8], errno: u16) {
        let template = b"cannot %q %x: %e; going on without";
        self.tell_texts(Level::Warning, NOBODY, template, u64::from(errno), [what, object]);
    }
}
