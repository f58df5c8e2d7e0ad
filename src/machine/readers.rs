//! The readers of logs. Units that write to the same log share a pipe and the process that reads
//! it, which is kept running: the pipe and the spool outlive it, so that whoever kills it takes
//! nothing away.
//!
//! A log is held as long as a unit writes to it or may be started to. Then our end to write to is
//! closed, and the reader comes to the end of the pipe when everybody else's is, too.

use core::num::NonZeroU8;

use heapless::Vec;

use super::time::Instant;
use super::{Exit, Pid, earlier};
use crate::wire::signals::Signal;
use crate::wire::value::Millis;

/// The most logs at once that have a reader: as many as a byte can name, for units have no more
/// room; one less than units there are. Each takes three descriptors of process 1, which has 1024
/// if nobody says otherwise: that leaves 259 for all else.
pub const LOGS_MAX: usize = 255;

/// A reader that has lived so long, in milliseconds, is started again at once: to be killed ten
/// times a second must not hold the unit. One that ends sooner waits, from the first of these
/// times to the second, doubled in between: that bounds the starts to twenty a second.
const WELL_MS: u64 = 50;
const WAIT_MS: Millis = 10;
const WAIT_MAX_MS: Millis = 1_000;

/// On the way down, how long a reader has, in milliseconds, once nobody writes any more. It gives
/// up a log that takes nothing after 1 s; 128 KiB, what pipe and spool hold, take as long on a
/// slow flash.
pub const DRAIN_MS: Millis = 2_000;

/// The exit code of a reader that came to the end of what is to be written, to a log that takes
/// nothing: EX_TEMPFAIL of sysexits.h.
pub const UNWRITTEN: u8 = 75;
const UNWRITTEN_EXIT: Exit = Exit::Code(UNWRITTEN);

/// That a reader ended is said at most so often, in seconds.
const SAY_SECONDS: u32 = 60;

/// The place of a log among those that have a reader, from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogId(NonZeroU8);

impl LogId {
    /// The log at a place that is counted from 0.
    pub fn at(place: usize) -> Option<LogId> {
        u8::try_from(place + 1).ok().and_then(NonZeroU8::new).map(LogId)
    }

    /// Its place, counted from 0.
    pub fn place(self) -> usize {
        usize::from(self.0.get() - 1)
    }
}

/// Who has a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Hold {
    /// Nobody: the place is free.
    Free,
    /// Units do.
    Held,
    /// None any more, and our end to write to is to be closed.
    Leaving,
    /// It is closed; the reader reads what is left.
    Left,
}

/// How it is with a reader.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// None is needed: nothing was written yet, or everything is read.
    Asleep,
    /// It is to be begun.
    Due,
    /// It reads.
    Up { pid: Pid, since: Instant },
    /// It is begun again at a time.
    Backoff { until: Instant },
    /// It has been told to end when nothing is left to read, and is given up at a time.
    Ending { pid: Pid, until: Instant },
    /// It is to be killed.
    Late { pid: Pid, why: Why },
    /// It has been killed.
    Killed { pid: Pid, why: Why },
}

/// Why a reader is killed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Why {
    /// Another one is to do something else.
    Renewed,
    /// It has had its time.
    GivenUp,
}

#[derive(Clone, Copy)]
struct Reader {
    hold: Hold,
    state: State,
    /// Ends in a row that came too early.
    early: u8,
    /// From this second on an end is said again.
    silent: u32,
}

/// What is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wish {
    /// A reader.
    Begin,
    /// A signal for this one.
    Signal { pid: Pid, signal: Signal },
    /// Our end to write to closed, or the log forgotten as a whole.
    Close { whole: bool },
}

/// What there is to say of a reader that ended, or that could not be begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum News {
    /// Nothing.
    Old,
    /// It is begun again.
    Again,
    /// What it has not written is lost.
    GivenUp,
}

impl State {
    fn pid(self) -> Option<Pid> {
        match self {
            State::Up { pid, .. } | State::Ending { pid, .. } => Some(pid),
            State::Late { pid, .. } | State::Killed { pid, .. } => Some(pid),
            State::Asleep | State::Due | State::Backoff { .. } => None,
        }
    }
}

impl Reader {
    /// It did not last: begins again after a while, and says so now and then.
    fn back_off(&mut self, now: Instant) -> News {
        let wait = WAIT_MS.checked_shl(self.early.into()).unwrap_or(WAIT_MAX_MS).min(WAIT_MAX_MS);
        self.early = self.early.saturating_add(1).min(16);
        self.state = State::Backoff { until: now.plus(wait) };
        self.say(now)
    }

    fn say(&mut self, now: Instant) -> News {
        let second = (now.millis() / 1000) as u32;
        if second < self.silent {
            return News::Old;
        }
        self.silent = second.saturating_add(SAY_SECONDS);
        News::Again
    }

    /// Its process has ended.
    fn ended(&mut self, now: Instant, exit: Exit) -> News {
        let is_left = self.hold == Hold::Left;
        let drained = is_left && exit == Exit::Code(0);
        match self.state {
            State::Up { .. } | State::Ending { .. } if drained => self.state = State::Asleep,
            State::Up { .. } | State::Ending { .. } if is_left && exit == UNWRITTEN_EXIT => {
                self.state = State::Asleep;
                return News::GivenUp;
            }
            State::Ending { .. } if exit == Exit::Signal(Signal::TERM) => {
                self.state = State::Asleep;
            }
            State::Up { since, .. } if now.since(since) < WELL_MS => return self.back_off(now),
            State::Up { .. } | State::Ending { .. } => {
                (self.state, self.early) = (State::Due, 0);
                return self.say(now);
            }
            State::Late { why: Why::GivenUp, .. } | State::Killed { why: Why::GivenUp, .. } => {
                self.state = State::Asleep;
                return News::GivenUp;
            }
            State::Late { why: Why::Renewed, .. } | State::Killed { why: Why::Renewed, .. } => {
                self.state = State::Due;
            }
            State::Asleep | State::Due | State::Backoff { .. } => {}
        }
        News::Old
    }

    /// What is wanted for it, on the way down or not, where readers may be begun or not.
    fn wish(&self, down: bool, begins: bool) -> Option<Wish> {
        match (self.hold, self.state) {
            (Hold::Leaving, _) => Some(Wish::Close { whole: false }),
            (Hold::Left, State::Asleep) => Some(Wish::Close { whole: true }),
            (_, State::Late { pid, .. }) => Some(Wish::Signal { pid, signal: Signal::KILL }),
            (_, State::Due) if begins => Some(Wish::Begin),
            (Hold::Left, State::Up { pid, .. }) if down => {
                Some(Wish::Signal { pid, signal: Signal::TERM })
            }
            (Hold::Free | Hold::Held | Hold::Left, _) => None,
        }
    }
}

/// All readers.
pub struct Readers {
    list: Vec<Reader, LOGS_MAX>,
}

impl Default for Readers {
    fn default() -> Self {
        Readers::new()
    }
}

impl Readers {
    /// No logs.
    pub const fn new() -> Self {
        Readers { list: Vec::new() }
    }

    fn get(&mut self, log: LogId) -> Option<&mut Reader> {
        self.list.get_mut(log.place())
    }

    /// Makes place for a log, unless there are too many.
    pub fn claim(&mut self) -> Option<LogId> {
        let reader = Reader { hold: Hold::Held, state: State::Asleep, early: 0, silent: 0 };
        let free = self.list.iter().position(|reader| reader.hold == Hold::Free);
        let place = free.unwrap_or(self.list.len());
        match self.list.get_mut(place) {
            Some(free) => *free = reader,
            None => self.list.push(reader).ok()?,
        }
        LogId::at(place)
    }

    /// A unit of a new table has the log, be it for the first time or again.
    pub fn hold(&mut self, log: LogId) {
        if let Some(reader) = self.get(log) {
            reader.hold = Hold::Held;
        }
    }

    /// A unit that writes to the log has been started.
    pub fn wake(&mut self, log: LogId) {
        if let Some(reader) = self.get(log)
            && reader.state == State::Asleep
        {
            reader.state = State::Due;
        }
    }

    /// What the reader is to do has changed: another one takes its place.
    pub fn renew(&mut self, log: LogId) {
        if let Some(reader) = self.get(log)
            && let State::Up { pid, .. } = reader.state
        {
            reader.state = State::Late { pid, why: Why::Renewed };
        }
    }

    /// Nobody has the logs that are not needed.
    pub fn leave_all_but(&mut self, needed: &[bool; LOGS_MAX]) {
        for (reader, needed) in self.list.iter_mut().zip(needed) {
            if reader.hold == Hold::Held && !needed {
                reader.hold = Hold::Leaving;
            }
        }
    }

    /// Those that still read have had their time.
    pub fn expire(&mut self) {
        let why = Why::GivenUp;
        for reader in &mut self.list {
            reader.state = match reader.state {
                State::Up { pid, .. } | State::Ending { pid, .. } => State::Late { pid, why },
                State::Late { pid, .. } => State::Late { pid, why },
                State::Killed { pid, .. } => State::Killed { pid, why },
                State::Due | State::Backoff { .. } | State::Asleep => State::Asleep,
            };
        }
    }

    /// A reader has been begun.
    pub fn begun(&mut self, now: Instant, log: LogId, pid: Pid) {
        if let Some(reader) = self.get(log) {
            reader.state = State::Up { pid, since: now };
        }
    }

    /// A reader could not be begun.
    pub fn refused(&mut self, now: Instant, log: LogId) -> News {
        self.get(log).map_or(News::Old, |reader| reader.back_off(now))
    }

    /// A reader has been sent its signal.
    pub fn signalled(&mut self, now: Instant, log: LogId) {
        if let Some(reader) = self.get(log) {
            reader.state = match reader.state {
                State::Up { pid, .. } => State::Ending { pid, until: now.plus(DRAIN_MS) },
                State::Late { pid, why } => State::Killed { pid, why },
                state @ (State::Asleep | State::Due | State::Backoff { .. }) => state,
                state @ (State::Ending { .. } | State::Killed { .. }) => state,
            };
        }
    }

    /// Our end to write to has been closed, or the whole of the log; whether it was the whole.
    pub fn closed(&mut self, log: LogId) -> bool {
        let Some(reader) = self.get(log) else {
            return false;
        };
        let whole = reader.hold == Hold::Left;
        reader.hold = if whole { Hold::Free } else { Hold::Left };
        whole
    }

    /// A child has ended; what there is to say if it was a reader.
    pub fn ended(&mut self, now: Instant, pid: Pid, exit: Exit) -> Option<(LogId, News)> {
        let place = self.list.iter().position(|reader| reader.state.pid() == Some(pid))?;
        let log = LogId::at(place)?;
        let news = self.get(log)?.ended(now, exit);
        Some((log, news))
    }

    /// Time went by.
    pub fn tick(&mut self, now: Instant) {
        for reader in &mut self.list {
            reader.state = match reader.state {
                State::Backoff { until } if until <= now => State::Due,
                State::Ending { pid, until } if until <= now => {
                    State::Late { pid, why: Why::GivenUp }
                }
                state => state,
            };
        }
    }

    /// When [`Readers::tick`] is wanted.
    pub fn deadline(&self) -> Option<Instant> {
        self.list.iter().fold(None, |soonest, reader| match reader.state {
            State::Backoff { until } | State::Ending { until, .. } => earlier(soonest, Some(until)),
            State::Asleep | State::Due | State::Up { .. } => soonest,
            State::Late { .. } | State::Killed { .. } => soonest,
        })
    }

    /// What is wanted now, see [`Reader::wish`].
    pub fn next(&self, down: bool, begins: bool) -> Option<(LogId, Wish)> {
        let mut readers = self.list.iter().enumerate();
        readers.find_map(|(place, reader)| LogId::at(place).zip(reader.wish(down, begins)))
    }

    /// Whether a log has still to be written of which nobody has hold any more.
    pub fn drains(&self, log: LogId) -> bool {
        self.list.get(log.place()).is_some_and(|reader| {
            let left = matches!(reader.hold, Hold::Leaving | Hold::Left);
            left && !matches!(reader.state, State::Killed { .. })
        })
    }

    /// Whether there is any log.
    pub fn is_any(&self) -> bool {
        self.list.iter().any(|reader| reader.hold != Hold::Free)
    }
}

#[cfg(test)]
#[path = "readers_tests.rs"]
mod tests;
