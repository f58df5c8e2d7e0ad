//! What is asked for at the control socket, and what is answered: how the units are.

use super::init::{Init, Phase};
use super::stories::{self, cannot_unit, ending, next};
use super::table::Slot;
use super::unit::{Last, State, Stimulus, Then, Unit};
use super::{Pid, Step};
use crate::wire::control::{self, Answer, FINE, REFUSED, Request, USAGE, Verb};
use crate::wire::names::at;
use crate::wire::options;
use crate::wire::text::Line;

/// What is still to be answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reply {
    /// Nothing is.
    None,
    /// How the units are, from this one on.
    Units(u16),
    /// An exit code and a line of text.
    Said(u8, &'static [u8]),
}

/// So many units have what they say of themselves kept, those that spoke last: together with
/// [`SAYING_MAX`] that is half a page, whatever the number of units.
pub const SAYINGS_MAX: usize = 32;

/// So much is kept of what one says, in bytes: most of a line of a terminal.
pub const SAYING_MAX: usize = 59;

/// What a unit has said last as STATUS, see sd_notify(3).
#[derive(Clone, Copy)]
struct Saying {
    /// Its process, or 0.
    pid: Pid,
    /// How long it was, as far as a byte can tell.
    len: u8,
    text: [u8; SAYING_MAX],
}

/// What units have said last.
pub struct Sayings {
    all: [Saying; SAYINGS_MAX],
    oldest: usize,
}

const NOBODY: Pid = Pid(0);

impl Sayings {
    /// Nothing was said.
    pub const fn new() -> Self {
        let none = Saying { pid: NOBODY, len: 0, text: [0; SAYING_MAX] };
        Sayings { all: [none; SAYINGS_MAX], oldest: 0 }
    }

    #[inline(never)] // There are too many callers for copies.
    fn place(&self, pid: Pid) -> Option<usize> {
        self.all.iter().position(|saying| saying.pid == pid)
    }

    /// Keeps what a process says; where there is no room, in place of what was said first.
    pub fn put(&mut self, pid: Pid, words: &[u8]) {
        let place = self.place(pid).or_else(|| self.place(NOBODY));
        let place = place.unwrap_or_else(|| {
            let oldest = self.oldest;
            self.oldest = (oldest + 1) % SAYINGS_MAX;
            oldest
        });
        if let Some(saying) = self.all.get_mut(place) {
            (saying.pid, saying.len) = (pid, words.len().min(u8::MAX.into()) as u8);
            saying.text.iter_mut().zip(words).for_each(|(to, from)| *to = *from);
        }
    }

    /// Forgets what a process said: it has ended, and its number may come again.
    pub fn forget(&mut self, pid: Pid) {
        if let Some(saying) = self.place(pid).and_then(|place| self.all.get_mut(place)) {
            saying.pid = NOBODY;
        }
    }

    /// Writes what a process said, if it did, so that it drives no terminal.
    fn read(&self, pid: Pid, line: &mut Line) {
        let said = self.place(pid).and_then(|place| self.all.get(place));
        if let Some(Saying { len: len @ 1.., text, .. }) = said {
            line.put(b": ").quote(text.get(..usize::from(*len)).unwrap_or(text));
            if usize::from(*len) > SAYING_MAX {
                line.put(b"...");
            }
        }
    }
}

impl Default for Sayings {
    fn default() -> Self {
        Sayings::new()
    }
}

impl Init<'_> {
    /// Somebody asks for something, who may or may not.
    #[inline(never)]
    pub(super) fn asked(&mut self, allowed: bool, text: &[u8]) {
        self.reply = match control::request(text) {
            _ if !allowed => Reply::Said(REFUSED, b"only root and the owner of this may ask"),
            Some(Request::Status(from)) => Reply::Units(from),
            None => Reply::Said(USAGE, b"the request is not understood"),
            Some(_) if self.phase != Phase::Run => {
                Reply::Said(REFUSED, b"not before everything is started, nor on the way down")
            }
            Some(Request::Reload) => {
                self.want_reading();
                DONE
            }
            Some(Request::Unit(verb, name)) => self.command(verb, name),
        };
    }

    /// Somebody wants something of a unit.
    fn command(&mut self, verb: Verb, name: &[u8]) -> Reply {
        let named = |slot: &Slot| {
            let mut line = Line::new();
            self.fill(slot, &mut line, b"%u", 0, b"");
            line.as_bytes() == name
        };
        let Some(unit) = self.table.first(named) else {
            return Reply::Said(REFUSED, b"there is no unit of that name");
        };
        let Some(Slot { spec, unit: Unit { state, .. } }) = self.table.slot(unit) else {
            return Reply::None;
        };
        if !spec.kind.is_service() || !self.table.may_run(spec) {
            return Reply::Said(REFUSED, b"its line keeps it from that");
        }
        let rests = state.is_over() || *state == State::Idle;
        let runs = state.is_live() && !state.is_stopping();
        let what = match verb {
            Verb::Stop => Stimulus::Stop(Then::Rest),
            Verb::Start | Verb::Restart if rests => Stimulus::Start,
            Verb::Start if runs => return DONE,
            Verb::Start | Verb::Restart => Stimulus::Stop(Then::Again),
        };
        self.tell_unit(unit, if verb == Verb::Stop { STOPPED } else { STARTED });
        self.stimulate(unit, what);
        DONE
    }

    /// Whether somebody waits for an answer.
    pub fn owes_answer(&self) -> bool {
        self.reply != Reply::None
    }

    /// Writes what is to be answered.
    pub fn answer(&self, out: &mut Answer) {
        let (code, next) = match self.reply {
            Reply::None => (FINE, 0),
            Reply::Units(from) => (FINE, self.list(from, out)),
            Reply::Said(code, text) => {
                let mut line = Line::new();
                line.put(text);
                if !text.is_empty() {
                    out.add(&line);
                }
                (code, 0)
            }
        };
        out.end(code, next);
    }

    /// Writes the units from one on; the place of the first that has no room, or 0.
    fn list(&self, from: u16, out: &mut Answer) -> u16 {
        for (index, slot) in self.table.slots().iter().enumerate().skip(from.into()) {
            let mut line = Line::wide();
            self.describe(slot, &mut line);
            if !out.add(&line) {
                return index as u16;
            }
        }
        0
    }

    /// A unit in a line: its name, a word for its state, and what there is to know of it.
    fn describe(&self, slot: &Slot, line: &mut Line) {
        let state = slot.unit.state;
        let holder = self.table.holder(&slot.spec).and_then(|unit| self.table.slot(unit));
        let word = self.word(slot, holder.is_some());
        self.fill(slot, line, b"%u %x", 0, at(WORDS, word).unwrap_or_default());
        if let State::Starting { since, .. } | State::Up { since, .. } = state {
            self.fill(slot, line, b" for %s", self.now.since(since), b"");
        }
        match (state, holder) {
            (State::Due, Some(other)) => self.fill(other, line, b" for %u", 0, b""),
            (State::NoTerminal { .. }, _) => self.fill(slot, line, b" for /dev/%t", 0, b""),
            _ => {}
        }
        if let Some(Pid(pid)) = state.pid() {
            line.put(b", pid ").number(pid as u64);
        }
        if slot.unit.lives > 1 {
            self.fill(slot, line, b", started %a times", slot.unit.lives.into(), b"");
        }
        self.explain(slot, line);
        if let Some(pid) = state.pid() {
            self.sayings.read(pid, line);
        }
    }

    #[inline(never)] // There are too many callers for copies.
    fn fill(&self, slot: &Slot, line: &mut Line, template: &[u8], number: u64, text: &[u8]) {
        stories::fill(line, Some((&*self.table, slot)), template, number, [b"", text]);
    }

    /// The word for the state of a unit, by its place.
    fn word(&self, slot: &Slot, is_held: bool) -> usize {
        use State::*;
        match slot.unit.state {
            Idle if slot.spec.barred => FAILED,
            Idle if self.table.may_run(&slot.spec) => 0,
            Idle => 1,
            Due if is_held => WAITING,
            Due => 2,
            NoTerminal { .. } => WAITING,
            Starting { .. } | Forked { .. } | Following { .. } => 4,
            Up { .. } => 5,
            Backoff { .. } => 6,
            Leaving { .. } | Stopping { .. } | Overdue { .. } | Killed { .. } => 7,
            Absent => 8,
            // Where it was stopped while the path of its `if=` was not there, nothing is wrong.
            Done if !matches!(slot.unit.last, Last::Fault(f) if f.step != Step::Condition) => 9,
            Done | Failed => FAILED,
        }
    }

    /// Why a unit is as it is, and what happens next.
    fn explain(&self, slot: &Slot, line: &mut Line) {
        let at = slot.spec.line.into();
        if slot.spec.barred {
            let bar = options::bar(self.table.text(slot.spec.options));
            line.put(b": cannot honour '").quote(bar);
            return self.fill(slot, line, b"', line %a", at, b"");
        }
        match slot.unit.last {
            Last::Nothing => {}
            Last::Unwell => self.fill(slot, line, b", stopped since it was unwell", 0, b""),
            Last::Exit(exit) => {
                line.put(b", last ended");
                ending(line, exit);
            }
            Last::Fault(fault) => {
                let (template, text) = cannot_unit(fault);
                if slot.unit.state.is_live() {
                    line.put(b", last");
                }
                // The name stands there already.
                let template = template.get(2..).unwrap_or_default();
                self.fill(slot, line, template, fault.errno.into(), text);
                self.fill(slot, line, b", line %a", at, b"");
            }
        }
        if self.word(slot, true) != WAITING {
            let (template, number) = next(self.now, slot);
            self.fill(slot, line, template, number, b"");
        }
    }
}

/// What a unit can be, in a word; see initctl(8).
const WORDS: &[u8] = b"idle off due waiting starting up backoff stopping absent finished failed";
/// It was done, and nothing is to be said.
const DONE: Reply = Reply::Said(FINE, b"");

/// What is said of a unit that somebody wants something of.
const STOPPED: &[u8] = b"%u: to be stopped, by request";
const STARTED: &[u8] = b"%u: to be started, by request";

const WAITING: usize = 3;
const FAILED: usize = 10;
