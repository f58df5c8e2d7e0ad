//! The whole of PID 1: boot, signals, reload; and, through its parts, units and shutdown.

use super::care::Care;
use super::hear::Patience;
use super::log::{Log, RETRY_MS};
use super::memory::Memory;
use super::outputs::Logs;
use super::readers::Readers;
use super::records::{Record, Records};
use super::shutdown::Stage;
use super::status::{Reply, Sayings};
use super::table::{Consoles, Slot, Table};
use super::time::{Chance, Instant};
use super::unit::{State, Stimulus};
use super::{Action, End, Event, Life, Mode, Pid, Request, Sink, UnitId, earlier};
use crate::wire::consoles::List;
use crate::wire::inittab::{self, Kind};
use crate::wire::lines::Lines;
use crate::wire::value::Millis;

/// How long, in milliseconds, nobody is told of what was started and no memory is given back: what
/// has just been started, a login prompt among it, has the processor for itself meanwhile.
const HEAD_START_MS: Millis = 50;

/// How far we have come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Nothing is known yet.
    Fresh,
    /// Lines of this kind are run, one after the other.
    Boot(Kind),
    /// Everything is started that is to be.
    Run,
    /// The way down.
    Down { end: End, stage: Stage, until: Instant },
}

/// How the reading of the inittab is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reading {
    /// There is none to be done.
    Idle,
    /// It is to be done between the first two kinds of lines, or once the boot is over.
    Wanted,
    /// It is going on.
    Under,
}

/// What is to be seen to when a life is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Left {
    /// Its process, which has ended.
    pub pid: Pid,
    /// The life.
    pub life: Life,
    /// Whether what it has left behind is to be killed.
    pub kill: bool,
}

/// Whether units are started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Starts {
    On,
    Paused,
}

/// Where the lines come from that count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    File,
    BuiltIn,
}

/// Whether the `ctrlaltdel` lines are being run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Walk {
    Off,
    On,
}

/// The machine.
pub struct Init<'m> {
    pub(super) phase: Phase,
    pub(super) reading: Reading,
    pub(super) starts: Starts,
    pub(super) ctrlaltdel: Walk,
    pub(super) patience: Patience,
    /// Until then what was started has the processor for itself.
    pub(super) head_start: Option<Instant>,
    /// A life of a unit that is over. What it left behind is seen to before the next event.
    pub(super) left: Option<Left>,
    /// It was said that the kernel does not hold the memory of some unit.
    pub(super) unheld: bool,
    /// The life that the next start begins.
    pub(super) next_life: Life,
    /// A unit has come to an end of its own, or the table is a new one, since ties were looked at.
    pub(super) loosened: bool,
    pub(super) logs: Logs,
    pub(super) mode: Mode,
    pub(super) stirred: bool,
    pub(super) origin: Origin,
    /// The terminals of the active consoles.
    pub(super) console_list: List,
    pub(super) records: Records,
    pub(super) bad_lines: u32,
    pub(super) chance: Chance,
    /// The time of the event that is being handled.
    pub(super) now: Instant,
    /// What is still to be answered at the control socket.
    pub(super) reply: Reply,
    pub(super) sayings: &'m mut Sayings,
    pub(super) care: &'m mut Care,
    pub(super) readers: &'m mut Readers,
    pub(super) log: &'m mut Log,
    pub(super) lines: &'m mut Lines,
    /// The table that counts.
    pub(super) table: &'m mut Table,
    /// The table that an inittab is read into.
    pub(super) next_table: &'m mut Table,
}

impl<'m> Init<'m> {
    /// A machine that waits for [`Event::Boot`].
    pub fn new(memory: &'m mut Memory) -> Self {
        Init::beside(memory).0
    }

    /// The same, and what lies beside its memory.
    pub fn beside<T>(memory: &'m mut Memory<T>) -> (Self, &'m mut T) {
        let (beside, (log, lines, first, second, care, readers, sayings)) = memory.parts();
        let init = Init {
            phase: Phase::Fresh,
            reading: Reading::Idle,
            starts: Starts::On,
            ctrlaltdel: Walk::Off,
            patience: Patience::Calm,
            head_start: None,
            left: None,
            unheld: false,
            next_life: Life(1),
            loosened: false,
            logs: Logs::None,
            mode: Mode::Inittab,
            stirred: false,
            origin: Origin::File,
            console_list: List::new(),
            records: Records::new(),
            bad_lines: 0,
            chance: Chance::new(),
            now: Instant::from_millis(0),
            reply: Reply::None,
            sayings,
            care,
            readers,
            log,
            lines,
            table: second,
            next_table: first,
        };
        (init, beside)
    }
}

impl Init<'_> {
    /// The units and what they are.
    pub fn table(&self) -> &Table {
        self.table
    }

    /// The messages.
    pub fn log(&self) -> &Log {
        self.log
    }

    /// Whether a line stands for the active consoles, so that their changes count.
    pub fn consoles(&self) -> Consoles {
        self.table.consoles
    }

    /// How far we have come.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether it comes to rest: everything is started, no message is to be told soon, and
    /// something but the end of orphans has happened since it was found to rest last.
    pub fn comes_to_rest(&mut self) -> bool {
        let told = self.log.deadline().is_none() && self.head_start.is_none();
        self.phase == Phase::Run && told && core::mem::take(&mut self.stirred)
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Instant, event: Event<'_>) {
        self.now = now;
        // The end of an orphan is all that happens on a quiet day, and everything else lies apart.
        if let Event::Exited { pid, exit, fault } = event {
            self.exited(pid, exit, fault);
        } else {
            self.take_in(now, event);
        }
        self.advance();
    }

    #[inline(never)]
    fn take_in(&mut self, now: Instant, event: Event<'_>) {
        self.stirred |= event != Event::Childless;
        match event {
            // That was told before.
            Event::Exited { .. } => {}
            Event::Boot { mode, seed } => self.boot(mode, seed),
            Event::Text(bytes) => self.read_text(bytes),
            Event::Consoles(list) => self.set_consoles(list),
            Event::ConsolesChanged => self.consoles_changed(),
            Event::TextEnd => self.read_file_end(),
            Event::TextFailed { errno, shell } => self.read_failed(errno, shell),
            Event::Requested(request) => self.request(request),
            Event::Childless => self.childless_down(),
            Event::Appeared => self.appeared(),
            Event::Tick => self.tick(),
            Event::Spawned { unit, pid } => self.spawned(unit, pid),
            Event::Refused { unit, refusal } => self.refused(unit, refusal),
            Event::Ready { pid } => self.shown_ready(pid),
            Event::Notified { pid, session, text } => self.notified(pid, session, text),
            Event::Asked { allowed, text } => self.asked(allowed, text),
            Event::Answered => self.reply = Reply::None,
            Event::Swept => self.left = None,
            Event::AideBegun { of, aide } => self.care.begun(now, of, aide),
            Event::AideRefused { of } => self.care.refused(now, of),
            Event::AideNeedless { of } => self.care.needless(of),
            Event::Unheld { unit } => self.tell_unheld(unit),
            Event::AideKilled { aide } => self.care.killed(aide),
            Event::ReaderBegun { log, pid } => self.readers.begun(now, log, pid),
            Event::ReaderRefused { log, errno } => self.reader_refused(log, errno),
            Event::ReaderSignalled { log } => self.readers.signalled(now, log),
            Event::LogClosed { log } => self.log_closed(log),
            Event::Signalled { unit } => self.stimulate(unit, Stimulus::Signalled),
            Event::SignalledAll { any } => self.signalled_all(any),
            Event::Recorded { writer } => self.records.taken(writer),
            Event::Told { sink, told } => self.log.told(now, sink, told),
            Event::StepStarted { pid } => self.step_started(pid),
            Event::StepRefused { errno } => self.step_refused(errno),
            Event::NotReplaced(fault) => self.not_replaced(fault),
            Event::Trouble { what, object, errno } => self.tell_trouble(what, object, errno),
        }
    }

    /// What is wanted now. It stays wanted until its outcome has been handled.
    #[inline(never)]
    pub fn next_action(&self) -> Option<Action> {
        // The number of a process that has ended may come again.
        if let Some(Left { pid, life, kill }) = self.left {
            return Some(Action::Sweep { pid, life, kill });
        }
        // Whoever asks next would take the place of whoever asked last.
        if self.reply != Reply::None {
            return Some(Action::Answer);
        }
        // Nobody but the console need hear of a start before the start and a moment after it, but
        // on the way down it is now or never.
        let sink = self.log.next();
        if let Some(sink) = sink
            && self.is_urgent(sink)
        {
            return Some(Action::Tell(sink));
        }
        if self.reading == Reading::Under {
            return Some(Action::ReadTable);
        }
        let record = self.records.next().map(Action::Record);
        // A terminal's last session is written down before its next one begins.
        let first = record.filter(|record| *record != Action::Record(Record::Boot));
        self.next_signal()
            .or(first)
            .or_else(|| self.next_care())
            .or_else(|| self.next_heir())
            .or_else(|| match self.phase {
                Phase::Fresh => None,
                Phase::Boot(_) | Phase::Run => self.next_spawn(),
                Phase::Down { stage, .. } => self.next_down(stage),
            })
            .or_else(|| (self.logs != Logs::None).then(|| self.next_reader())?)
            .or(record)
            .or(sink.filter(|_| self.head_start.is_none()).map(Action::Tell))
    }

    /// Whether a message goes to its sink before anything else is done.
    fn is_urgent(&self, sink: Sink) -> bool {
        let down = matches!(self.phase, Phase::Down { .. });
        down || self.log.is_brimful() || matches!(sink, Sink::Console | Sink::Everyone)
    }

    /// When [`Event::Tick`] is wanted.
    #[inline(never)]
    pub fn next_deadline(&self) -> Option<Instant> {
        let own = [
            self.down_deadline(),
            self.patience_deadline(),
            self.head_start,
            self.care.deadline(),
            self.log.deadline(),
        ];
        let mut soonest = None;
        for own in own {
            soonest = earlier(soonest, own);
        }
        for slot in self.table.slots() {
            soonest = earlier(soonest, slot.unit.state.deadline());
        }
        if self.logs == Logs::None { soonest } else { self.or_readers_deadline(soonest) }
    }

    fn boot(&mut self, mode: Mode, seed: u32) {
        self.mode = mode;
        self.chance.seed(seed);
        // For a while there is no syslog, and looking for it would only delay the boot.
        self.log.hold_off(self.now, RETRY_MS);
        self.start_reading();
        if mode == Mode::Single {
            self.read_text(inittab::SINGLE);
            self.read_end();
        }
    }

    #[inline(never)] // Apart, it and its caller fit into registers.
    fn request(&mut self, request: Request) {
        let down = matches!(self.phase, Phase::Down { .. });
        match request {
            Request::Down(End::Restart) if self.restart_line().is_none() => {
                self.tell_no_restart();
            }
            Request::Down(end) if !down => self.go_down(end),
            Request::Down(end) => self.hurry(end),
            Request::Reload if !down => self.want_reading(),
            Request::CtrlAltDel if !down => self.ctrlaltdel(),
            Request::Pause => self.starts = Starts::Paused,
            Request::Continue => self.starts = Starts::On,
            Request::Reload | Request::CtrlAltDel => {}
        }
    }

    fn ctrlaltdel(&mut self) {
        if self.ctrlaltdel == Walk::On {
            return;
        }
        self.rewind(Kind::CtrlAltDel);
        self.ctrlaltdel = Walk::On;
        self.tell_ctrlaltdel();
    }

    fn appeared(&mut self) {
        self.log.appeared();
        self.stimulate_all(Stimulus::Appeared);
    }

    fn tick(&mut self) {
        self.log.tick(self.now);
        self.head_start = self.head_start.filter(|&until| until > self.now);
        self.stimulate_all(Stimulus::Tick);
        self.tick_care();
        self.tick_readers();
        self.tick_down();
    }

    /// What was just started goes before what can wait.
    pub(super) fn give_way(&mut self) {
        if self.phase == Phase::Run {
            self.head_start = self.head_start.or(Some(self.now.plus(HEAD_START_MS)));
        }
    }

    /// Moves one unit.
    #[inline(never)]
    pub(super) fn stimulate(&mut self, unit: UnitId, what: Stimulus) {
        if let Some(slot) = self.table.slots_mut().get_mut(usize::from(unit.0)) {
            slot.unit.step(self.now, &slot.spec.rules, &mut self.chance, what);
            self.loosened |= slot.unit.state.is_over();
        }
    }

    /// Moves every unit.
    #[inline(never)]
    pub(super) fn stimulate_all(&mut self, what: Stimulus) {
        for slot in self.table.slots_mut() {
            slot.unit.step(self.now, &slot.spec.rules, &mut self.chance, what);
        }
    }

    /// Goes on with whatever had to wait for what just happened.
    fn advance(&mut self) {
        while let Phase::Boot(kind) = self.phase {
            self.phase = match kind {
                Kind::Sysinit if self.walk(kind) => break,
                Kind::Sysinit => {
                    // What a line of the first kind has written is what the rest goes by, but a
                    // line that runs for Ctrl-Alt-Del must not become one whose time is to come.
                    if self.reading == Reading::Wanted && self.ctrlaltdel == Walk::Off {
                        self.start_reading();
                    }
                    Phase::Boot(Kind::Wait)
                }
                Kind::Wait if self.reading == Reading::Under || self.walk(kind) => break,
                _ => {
                    self.start_all(Kind::Once);
                    self.start_all(Kind::Respawn);
                    self.start_all(Kind::AskFirst);
                    self.log.hold_off(self.now, HEAD_START_MS);
                    self.record(Record::Boot);
                    Phase::Run
                }
            };
        }
        if self.ctrlaltdel == Walk::On && !self.walk(Kind::CtrlAltDel) {
            self.ctrlaltdel = Walk::Off;
        }
        if self.reading == Reading::Wanted && matches!(self.phase, Phase::Run) {
            self.start_reading();
        }
        self.heed_ties();
        if self.logs == Logs::Stirred {
            self.heed_logs();
        }
        self.advance_down();
    }

    /// Starts the next line of a kind that is run line by line; false where all are over.
    pub(super) fn walk(&mut self, kind: Kind) -> bool {
        let table = &self.table;
        let open = |slot: &Slot| {
            slot.spec.kind == kind && table.may_run(&slot.spec) && !slot.unit.state.is_over()
        };
        let Some(unit) = table.first(open) else {
            return false;
        };
        if self.table.slot(unit).is_some_and(|slot| matches!(slot.unit.state, State::Idle)) {
            self.start(unit);
        }
        true
    }

    fn start_all(&mut self, kind: Kind) {
        for index in 0..self.table.slots().len() {
            let unit = UnitId(index as u16);
            if self.table.slot(unit).is_some_and(|s| s.spec.kind == kind) {
                self.start(unit);
            }
        }
    }

    /// Starts a unit, unless something forbids that it ever runs.
    pub(super) fn start(&mut self, unit: UnitId) {
        if self.table.slot(unit).is_some_and(|slot| self.table.may_run(&slot.spec)) {
            self.stimulate(unit, Stimulus::Start);
        }
    }

    /// Ends a unit whose time is over.
    pub(super) fn retire(&mut self, unit: UnitId) {
        if let Some(slot) = self.table.slots_mut().get_mut(usize::from(unit.0)) {
            slot.unit.state = State::Done;
        }
    }

    fn next_spawn(&self) -> Option<Action> {
        if self.starts == Starts::Paused {
            return None;
        }
        self.due().map(|unit| Action::Spawn { unit })
    }

    /// The unit to be started next: `once` lines before those that are kept running.
    pub(super) fn due(&self) -> Option<UnitId> {
        let due = |slot: &Slot| matches!(slot.unit.state, State::Due) && !self.is_held(slot);
        let once = self.table.first(|slot| due(slot) && slot.spec.kind == Kind::Once);
        once.or_else(|| self.table.first(due))
    }
}

#[cfg(test)]
#[path = "init_tests.rs"]
mod tests;
