//! Messages, from when they are said until every sink that is to hear them has.
//!
//! One ring of bytes holds them all. The console hears what is urgent, at once or never. syslog
//! hears everything; while it cannot, messages wait, and what the ring has no room for goes to
//! the kernel's log instead. What nobody took is counted, and the count is said.

use super::time::Instant;
use super::{Sink, Told};
use crate::wire::syslog::{self, Level};
use crate::wire::text::{LINE_MAX, Line};
use crate::wire::value::Millis;

/// The size of the ring in bytes, a power of two. A boot says some 40 lines of 60 bytes before
/// syslogd listens; a page holds them all.
pub const RING: usize = 4096;

/// Below this much room, in bytes, the oldest messages are spilt into the kernel's log: room for
/// the few messages that one event can say.
const SPILL: usize = 4 * LINE_MAX;

/// Below this much room, in bytes, even a start has to wait until messages have gone: what one
/// start says are two lines at most.
const BRIM: usize = 2 * LINE_MAX;

/// Waits before syslog is tried again, in milliseconds: it was full, or nobody tells us when it
/// comes. They double from the first to the second.
pub const RETRY_MS: Millis = 1_000;
const RETRY_MAX_MS: Millis = 64_000;

/// A message this old, in milliseconds, says so when it is delivered.
const LATE_MS: u64 = 2_000;

/// What stands before a message in the ring: its length, its level, the second it was said in.
const HEAD: usize = 6;

/// The bit of a stored level that sends a message to the console.
const CONSOLE: u8 = 0x80;

/// How syslog is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Syslog {
    /// It is not there, and we will be told when it comes.
    Awaited { since: Instant },
    /// It is to be tried.
    Ready,
    /// It is to be tried again at this time.
    Down { until: Instant },
    /// It takes what it still can: we are going down.
    Closing,
    /// It has been stopped for good.
    Closed,
}

/// Messages that a sink did not take since the beginning, and how many of them have been said to
/// be lost. A report that is lost itself is one more, and so brings about the next report.
#[derive(Clone, Copy)]
struct Losses {
    all: u32,
    said: u32,
}

/// The ring and what is known of its sinks.
#[repr(C)]
pub struct Log {
    /// Positions count bytes since the beginning and wrap.
    head: u32,
    console: u32,
    tail: u32,
    syslog: Syslog,
    wait: Millis,
    lost: Losses,
    console_lost: Losses,
    bytes: [u8; RING],
}

/// The head of a message.
struct Head {
    len: u8,
    level: u8,
    second: u32,
}

impl Losses {
    fn add(&mut self) {
        self.all = self.all.saturating_add(1);
    }

    /// How many there are, if some of them have not been said; from now on they have.
    fn unsaid(&mut self) -> Option<u32> {
        let news = self.all != self.said;
        self.said = self.all;
        news.then_some(self.all)
    }
}

impl Default for Log {
    fn default() -> Self {
        Log::new()
    }
}

impl Log {
    /// An empty ring.
    pub const fn new() -> Self {
        Log {
            bytes: [0; RING],
            head: 0,
            console: 0,
            tail: 0,
            syslog: Syslog::Awaited { since: Instant::from_millis(0) },
            wait: 0,
            lost: Losses { all: 0, said: 0 },
            console_lost: Losses { all: 0, said: 0 },
        }
    }

    /// Says something. Warnings and worse are for the console too.
    pub fn say(&mut self, now: Instant, level: Level, line: &Line) {
        let console = if level <= Level::Warning { CONSOLE } else { 0 };
        self.push(now, level as u8 | console, line.as_bytes());
    }

    /// Says something that the console hears whatever its level.
    pub fn announce(&mut self, now: Instant, level: Level, line: &Line) {
        self.push(now, level as u8 | CONSOLE, line.as_bytes());
    }

    /// Where the oldest message that waits is to go now.
    #[inline(never)]
    pub fn next(&self) -> Option<Sink> {
        if self.console != self.tail {
            let critical = self.head_at(self.console).level & 7 <= Level::Critical as u8;
            return Some(if critical { Sink::Everyone } else { Sink::Console });
        }
        if self.head == self.tail {
            return None;
        }
        match self.syslog {
            Syslog::Ready | Syslog::Closing => Some(Sink::Syslog),
            Syslog::Closed => Some(Sink::Kernel),
            Syslog::Awaited { .. } | Syslog::Down { .. } if self.is_tight() => Some(Sink::Kernel),
            Syslog::Awaited { .. } | Syslog::Down { .. } => None,
        }
    }

    /// Whether what waits must go before anything else is done, since the ring has hardly any room.
    pub fn is_brimful(&self) -> bool {
        self.room() < BRIM
    }

    fn is_tight(&self) -> bool {
        self.room() < SPILL
    }

    /// Writes the message that is next for a sink, as that sink wants it.
    #[inline(never)]
    pub fn read(&self, now: Instant, sink: Sink, out: &mut Line) {
        let from = match sink {
            Sink::Console | Sink::Everyone => self.console,
            Sink::Syslog | Sink::Kernel => self.head,
        };
        let head = self.head_at(from);
        match sink {
            Sink::Console => {
                out.put(b"\rpidone: ");
            }
            Sink::Syslog => syslog::datagram(out, head.level),
            Sink::Kernel | Sink::Everyone => syslog::record(out, head.level),
        }
        for offset in 0..u32::from(head.len) {
            out.put(&[self.byte(from.wrapping_add(HEAD as u32).wrapping_add(offset))]);
        }
        let age = now.since(Instant::from_millis(u64::from(head.second) * 1000));
        match sink {
            Sink::Console => {
                out.put(b"\r\n");
            }
            Sink::Syslog if age >= LATE_MS => {
                out.put(b" (said ").number(age / 1000).put(b" s before)");
            }
            Sink::Syslog => {}
            Sink::Kernel | Sink::Everyone => {
                out.put(b"\n");
            }
        }
    }

    /// Takes in what became of a message.
    pub fn told(&mut self, now: Instant, sink: Sink, told: Told) {
        match (sink, told) {
            (Sink::Console | Sink::Everyone, Told::Taken) => {
                self.pass_console();
                let count = self.console_lost.unsaid();
                self.own_up(now, count, b"console: ");
            }
            (Sink::Console | Sink::Everyone, Told::Full | Told::Absent { .. }) => {
                self.pass_console();
                self.console_lost.add();
            }
            (Sink::Syslog, Told::Taken) => {
                self.wait = 0;
                self.delivered(now);
            }
            (Sink::Syslog, _) if self.syslog == Syslog::Closing => self.syslog = Syslog::Closed,
            (Sink::Syslog, Told::Absent { watched: true }) => {
                self.syslog = Syslog::Awaited { since: now };
            }
            (Sink::Syslog, Told::Full | Told::Absent { watched: false }) => {
                self.wait = (self.wait.saturating_mul(2)).clamp(RETRY_MS, RETRY_MAX_MS);
                self.hold_off(now, self.wait);
            }
            (Sink::Kernel, Told::Taken) => self.delivered(now),
            (Sink::Kernel, Told::Full | Told::Absent { .. }) => self.lose_oldest(),
        }
    }

    /// Tries syslog again where its time has come.
    pub fn tick(&mut self, now: Instant) {
        if matches!(self.syslog, Syslog::Down { until } if until <= now) {
            self.syslog = Syslog::Ready;
        }
    }

    /// Tries syslog again, though nobody told us that it came: a watch does not see what is
    /// mounted over its folder. Once a second is enough.
    pub fn nudge(&mut self, now: Instant) {
        if let Syslog::Awaited { since } = self.syslog
            && since.plus(RETRY_MS) <= now
        {
            self.syslog = Syslog::Ready;
        }
    }

    /// Does not look for syslog for a while.
    pub fn hold_off(&mut self, now: Instant, span: Millis) {
        self.syslog = Syslog::Down { until: now.plus(span) };
    }

    /// Tries syslog again: something came.
    pub fn appeared(&mut self) {
        if !matches!(self.syslog, Syslog::Closing | Syslog::Closed) {
            self.syslog = Syslog::Ready;
        }
    }

    /// Syslog is being stopped: from the first time on that it does not take a message,
    /// everything goes to the kernel's log.
    pub fn close(&mut self) {
        self.syslog = Syslog::Closing;
    }

    /// Syslog may be tried again.
    pub fn reopen(&mut self) {
        self.syslog = Syslog::Ready;
    }

    /// When [`Log::tick`] is wanted.
    pub fn deadline(&self) -> Option<Instant> {
        match self.syslog {
            Syslog::Down { until } if self.head != self.tail => Some(until),
            Syslog::Down { .. } | Syslog::Ready | Syslog::Awaited { .. } => None,
            Syslog::Closing | Syslog::Closed => None,
        }
    }

    /// Messages lost since the beginning: those for syslog, those for the console.
    pub fn losses(&self) -> (u32, u32) {
        (self.lost.all, self.console_lost.all)
    }

    /// The oldest message has arrived; what was lost before can be said now.
    fn delivered(&mut self, now: Instant) {
        self.drop_oldest();
        let count = self.lost.unsaid();
        self.own_up(now, count, b"log: ");
    }

    /// The oldest message is lost.
    fn lose_oldest(&mut self) {
        self.drop_oldest();
        self.lost.add();
    }

    /// Says how much a sink that works again has missed.
    fn own_up(&mut self, now: Instant, count: Option<u32>, whose: &[u8]) {
        if let Some(count) = count {
            let mut line = Line::new();
            line.put(whose).number(u64::from(count)).put(b" messages lost so far");
            self.push(now, Level::Warning as u8 | CONSOLE, line.as_bytes());
        }
    }

    fn push(&mut self, now: Instant, level: u8, text: &[u8]) {
        let len = text.len().min(LINE_MAX);
        while self.room() < HEAD + len {
            if self.console == self.head {
                self.console_lost.add();
                self.pass_console();
            }
            self.lose_oldest();
        }
        let quiet = self.console == self.tail && level & CONSOLE == 0;
        let second = ((now.millis() / 1000) as u32).to_le_bytes();
        for &byte in [len as u8, level].iter().chain(&second).chain(text.iter().take(len)) {
            if let Some(slot) = self.bytes.get_mut(self.tail as usize & (RING - 1)) {
                *slot = byte;
            }
            self.tail = self.tail.wrapping_add(1);
        }
        if quiet {
            self.console = self.tail;
        }
    }

    fn room(&self) -> usize {
        RING.saturating_sub(self.tail.wrapping_sub(self.head) as usize)
    }

    fn byte(&self, at: u32) -> u8 {
        self.bytes.get(at as usize & (RING - 1)).copied().unwrap_or(0)
    }

    fn head_at(&self, at: u32) -> Head {
        let mut second = [0; 4];
        for (offset, byte) in second.iter_mut().enumerate() {
            *byte = self.byte(at.wrapping_add(2 + offset as u32));
        }
        let second = u32::from_le_bytes(second);
        Head { len: self.byte(at), level: self.byte(at.wrapping_add(1)), second }
    }

    #[inline(never)]
    fn after(&self, at: u32) -> u32 {
        at.wrapping_add(HEAD as u32 + u32::from(self.byte(at)))
    }

    fn drop_oldest(&mut self) {
        self.head = self.after(self.head);
    }

    /// Goes on to the next message for the console.
    fn pass_console(&mut self) {
        self.console = self.after(self.console);
        while self.console != self.tail && self.head_at(self.console).level & CONSOLE == 0 {
            self.console = self.after(self.console);
        }
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
