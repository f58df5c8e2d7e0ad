//! What the machine says: who, what failed, on what, why, and what happens next.
//!
//! A message is put together from templates, in which `%` and a letter stand for a fact:
//!
//! | | |
//! | --- | --- |
//! | `%u` `%t` `%c` `%i` | the unit's name, terminal, command, condition |
//! | `%a` `%s` `%e` | the number at hand, as it is, as a span of time, as an error in words |

use super::init::Init;
use super::log::Log;
use super::table::{Overflow, Report, Slot, TEXT_MAX, Table, UNITS_MAX};
use super::time::Instant;
use super::unit::{State, Unit};
use super::{End, Exit, Fault, LastStep, Pid, Refusal, Step, UnitId};
use crate::wire::inittab::Kind;
use crate::wire::lines::LOGICAL_MAX;
use crate::wire::signals::{self, Signal};
use crate::wire::syslog::Level;
use crate::wire::text::Line;

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

impl Notes<'_> {
    /// `inittab:LINE: ` and up to five pieces; the second one is the text that was read.
    fn say(&mut self, pieces: [&[u8]; 4], read: &[u8], limit: u64) {
        if *self.told < TOLD_MAX {
            let mut line = Line::new();
            line.put(b"inittab:").number(u64::from(self.line)).put(b": ");
            for (index, piece) in pieces.iter().enumerate() {
                line.put(piece);
                match index {
                    0 if limit > 0 => line.number(limit),
                    0 => line.quote(read.get(..SHOWN).unwrap_or(read)),
                    _ => &mut line,
                };
            }
            self.log.say(self.now, Level::Warning, &line);
        }
        *self.told = self.told.saturating_add(1);
    }

    pub fn too_long(&mut self) {
        let pieces: [&[u8]; 4] = [b"more than LOGICAL_MAX=", b" bytes", b"", b"; line skipped"];
        self.say(pieces, b"", LOGICAL_MAX as u64);
    }

    pub fn bad_line(&mut self, read: &[u8], expected: &[u8]) {
        self.say([b"'", b"': expected ", expected, b"; line skipped"], read, 0);
    }

    pub fn overflow(&mut self, overflow: Overflow) {
        let (what, limit, of): (&[u8], _, &[u8]) = match overflow {
            Overflow::Units => (b"more than UNITS_MAX=", UNITS_MAX, b" units"),
            Overflow::Text => (b"more than TEXT_MAX=", TEXT_MAX, b" bytes of text"),
        };
        self.say([what, of, b"", b"; line skipped"], b"", limit as u64);
    }

    pub fn option(&mut self, report: Report<'_>) {
        let unheeded: &[u8] = b"' is not carried out by this version";
        let (option, what, expected, next): (_, &[u8], &[u8], &[u8]) = match report {
            Report::Wrong(wrong) if wrong.guard => {
                (wrong.option, b"': expected ", wrong.expected, b"; unit not run")
            }
            Report::Wrong(wrong) => {
                (wrong.option, b"': expected ", wrong.expected, b"; option ignored")
            }
            Report::Pointless(option) => {
                (option, b"' means nothing to this action", b"", b"; option ignored")
            }
            Report::Unheeded(option) => (option, unheeded, b"", b"; option ignored"),
            Report::Barred(option) => (option, unheeded, b"", b"; unit not run"),
        };
        self.say([b"option '", what, expected, next], option, 0);
    }
}

/// No unit.
const NOBODY: UnitId = UnitId(u16::MAX);

/// Appends a template with its facts put in.
fn fill(table: &Table, unit: UnitId, line: &mut Line, template: &[u8], number: u64) {
    let slot = table.slot(unit);
    let mut letters = template.iter();
    while let Some(&letter) = letters.next() {
        if letter != b'%' {
            line.put(&[letter]);
            continue;
        }
        match (letters.next(), slot) {
            (Some(b'a'), _) => line.number(number),
            (Some(b's'), _) => line.span(number),
            (Some(b'e'), _) => line.error(number as u16),
            (Some(b'u'), Some(slot)) => name(table, slot, line),
            (Some(b't'), Some(slot)) => line.quote(table.text(slot.spec.tty)),
            (Some(b'c'), Some(slot)) => line.quote(table.text(slot.spec.command)),
            (Some(b'i'), Some(slot)) => line.quote(table.text(slot.spec.condition)),
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

/// What could not be done.
fn cannot(table: &Table, unit: UnitId, line: &mut Line, fault: Fault) {
    let template: &[u8] = match fault.step {
        Step::Fork => b"cannot fork: %e",
        Step::Terminal => b"cannot open /dev/%t: %e",
        Step::Exec => b"cannot run '%c': %e",
    };
    fill(table, unit, line, template, u64::from(fault.errno));
}

/// What happens next to a unit: the end of a message.
fn next(now: Instant, table: &Table, unit: UnitId, line: &mut Line) {
    let Some(slot) = table.slot(unit) else {
        return;
    };
    let kept = matches!(slot.spec.kind, Kind::Respawn | Kind::AskFirst);
    let mut number = 0;
    let template: &[u8] = match slot.unit.state {
        State::Due => b"; started again",
        State::Backoff { until } => {
            number = until.since(now);
            b"; next start in %s"
        }
        State::NoTerminal { .. } => b"; waiting for it",
        State::Failed => {
            number = u64::from(slot.spec.rules.max.0);
            b"; started %a times in the span of max=, given up until the inittab is read again"
        }
        State::Absent => b"; not started until the inittab is read again",
        State::Done if kept => b"; not started again",
        State::Done | State::Idle | State::Up { .. } | State::Leaving { .. } => b"",
        State::Stopping { .. } | State::Overdue { .. } | State::Killed { .. } => b"",
    };
    fill(table, unit, line, template, number);
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
    /// Says something that takes one template.
    fn tell(&mut self, now: Instant, level: Level, unit: UnitId, template: &[u8], number: u64) {
        let mut line = Line::new();
        fill(self.table, unit, &mut line, template, number);
        self.log.say(now, level, &line);
    }

    pub(super) fn tell_start(&mut self, now: Instant, unit: UnitId, pid: Pid) {
        self.tell(now, Level::Info, unit, b"%u started, pid %a: %c", pid.0 as u64);
    }

    pub(super) fn tell_exit(
        &mut self,
        now: Instant,
        unit: UnitId,
        before: &Unit,
        exit: Exit,
        fault: Option<Fault>,
    ) {
        let asked = !matches!(before.state, State::Up { .. });
        let failed =
            self.table.slot(unit).is_some_and(|s| matches!(s.unit.state, State::Failed));
        let level = match (exit, fault) {
            _ if failed => Level::Error,
            (_, Some(_)) if before.early < 2 => Level::Error,
            (Exit::Code(0), _) => Level::Info,
            _ if asked => Level::Info,
            // ILL, TRAP, ABRT, BUS, FPE, SEGV and SYS are faults of the program.
            (Exit::Signal(Signal(4..=8 | 11 | 31)), _) => Level::Warning,
            _ => Level::Notice,
        };
        let (table, mut line) = (&*self.table, Line::new());
        if let Some(fault) = fault {
            fill(table, unit, &mut line, b"%u: ", 0);
            cannot(table, unit, &mut line, fault);
        } else {
            let pid = before.state.pid().map_or(0, |pid| pid.0);
            fill(table, unit, &mut line, b"%u (pid %a) ended", pid as u64);
            exit_words(exit, &mut line);
            if let State::Up { since, .. } = before.state {
                fill(table, unit, &mut line, b" after %s", now.since(since));
            }
        }
        next(now, table, unit, &mut line);
        self.log.say(now, level, &line);
    }

    pub(super) fn tell_refusal(&mut self, now: Instant, unit: UnitId, why: Refusal, early: u8) {
        let level = match why {
            Refusal::Unwanted => Level::Info,
            _ if early < 2 => Level::Warning,
            _ => Level::Notice,
        };
        let (table, mut line) = (&*self.table, Line::new());
        let template: &[u8] = match why {
            Refusal::Fault(_) => b"%u: ",
            Refusal::NoTerminal { .. } => b"%u: /dev/%t is not there",
            Refusal::Unwanted => b"%u: %i is not there",
        };
        fill(table, unit, &mut line, template, 0);
        if let Refusal::Fault(fault) = why {
            cannot(table, unit, &mut line, fault);
        }
        next(now, table, unit, &mut line);
        self.log.say(now, level, &line);
    }

    pub(super) fn tell_bad_lines(&mut self, now: Instant) {
        let more = u64::from(self.bad_lines.saturating_sub(TOLD_MAX));
        if more > 0 {
            let what = b"inittab: %a more bad lines or options, not told one by one";
            self.tell(now, Level::Warning, NOBODY, what, more);
        }
    }

    pub(super) fn tell_no_room(&mut self, now: Instant) {
        let what = b"inittab: no room (UNITS_MAX=%a) for the new lines beside units that would \
            have to stop first; the old table is kept; remove lines and reload, then add";
        self.tell(now, Level::Error, NOBODY, what, UNITS_MAX as u64);
    }

    pub(super) fn tell_kept(&mut self, now: Instant) {
        let what = b"inittab: there is none to be read; the old table is kept";
        self.tell(now, Level::Error, NOBODY, what, 0);
    }

    pub(super) fn tell_defaults(&mut self, now: Instant, shell: bool) {
        let what: &[u8] = match shell {
            true => b"inittab: there is no /etc/inittab; rcS and shells on the consoles are run",
            false => {
                b"inittab: there is no /etc/inittab and no /bin/sh; nothing can be run, but \
                init stays and reaps"
            }
        };
        let level = if shell { Level::Notice } else { Level::Critical };
        self.tell(now, level, NOBODY, what, 0);
    }

    pub(super) fn tell_unread(&mut self, now: Instant, errno: u16) {
        let what = b"inittab: cannot read /etc/inittab: %e";
        self.tell(now, Level::Error, NOBODY, what, u64::from(errno));
    }

    pub(super) fn tell_no_restart(&mut self, now: Instant) {
        let what = b"restart asked for, but the inittab has no restart line; going on";
        self.tell(now, Level::Warning, NOBODY, what, 0);
    }

    pub(super) fn tell_ctrlaltdel(&mut self, now: Instant) {
        self.tell(now, Level::Notice, NOBODY, b"Ctrl-Alt-Del was pressed", 0);
    }

    pub(super) fn tell_down(&mut self, now: Instant, end: End) {
        let mut line = Line::new();
        let end: &[u8] = match end {
            End::Halt => b"halt",
            End::PowerOff => b"power off",
            End::Reboot => b"reboot",
            End::Restart => b"restart of init",
        };
        line.put(b"the system is going down: ").put(end);
        self.log.announce(now, Level::Notice, &line);
    }

    pub(super) fn tell_overdue(&mut self, now: Instant) {
        self.tell_live(now, b"%u does not stop in time; killed");
    }

    pub(super) fn tell_unkillable(&mut self, now: Instant) {
        self.tell_live(now, b"%u cannot be killed; left behind");
    }

    fn tell_live(&mut self, now: Instant, what: &[u8]) {
        for index in 0..self.table.slots().len() {
            let unit = UnitId(index as u16);
            if self.table.slot(unit).is_some_and(|s| s.unit.state.pid().is_some()) {
                self.tell(now, Level::Warning, unit, what, 0);
            }
        }
    }

    fn tell_step(&mut self, now: Instant, step: LastStep, what: &[u8], errno: u16) {
        let mut line = Line::new();
        line.put(last_words(step));
        fill(self.table, NOBODY, &mut line, what, u64::from(errno));
        self.log.say(now, Level::Error, &line);
    }

    pub(super) fn tell_step_late(&mut self, now: Instant, step: LastStep) {
        self.tell_step(now, step, b" does not end; going on without it", 0);
    }

    pub(super) fn tell_step_refused(&mut self, now: Instant, step: LastStep, errno: u16) {
        self.tell_step(now, step, b": cannot fork: %e", errno);
    }

    pub(super) fn tell_no_reboot(&mut self, now: Instant, errno: u8) {
        let what = b"reboot(2) failed: %e; waiting for another request";
        self.tell(now, Level::Critical, NOBODY, what, u64::from(errno));
    }

    pub(super) fn tell_not_replaced(&mut self, now: Instant, fault: Fault) {
        let mut line = Line::new();
        let unit = self.restart_line().unwrap_or(NOBODY);
        line.put(b"restart: ");
        cannot(self.table, unit, &mut line, fault);
        line.put(b"; starting over");
        self.log.say(now, Level::Error, &line);
    }

    pub(super) fn tell_trouble(&mut self, now: Instant, what: &[u8], object: &[u8], errno: u16) {
        let mut line = Line::new();
        line.put(b"cannot ").put(what).put(b" ").quote(object).put(b": ").error(errno);
        line.put(b"; going on without");
        self.log.say(now, Level::Warning, &line);
    }
}

fn exit_words(exit: Exit, line: &mut Line) {
    match exit {
        Exit::Code(code) => line.put(b" with code ").number(u64::from(code)),
        Exit::Signal(signal) => match signals::name(signal) {
            Some(name) => line.put(b" by SIG").put(name),
            None => line.put(b" by signal ").number(u64::from(signal.0)),
        },
    };
}
