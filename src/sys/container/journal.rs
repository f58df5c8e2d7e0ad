//! /dev/log of a container that has no syslogd: what is sent there goes to standard error, a line
//! a message. Nothing here waits, and what standard error does not take is counted.

use pidone::wire::logline::Room;
use pidone::wire::syslog;
use pidone::wire::text::Line;
use rustix::fs::{AtFlags, CWD, Mode, chmodat, unlink};

use crate::sys::fd::{self, Fd};
use crate::sys::kernel::{News, Result};

const EADDRINUSE: u16 = 98;

/// The longest message that is taken whole, in bytes: twice what RFC 3164 allows, since libraries
/// send more.
const MESSAGE_MAX: usize = 2048;

/// The longest line, in bytes: what a pipe takes without parting it. Control characters become four
/// bytes each, so that a message of nothing else may be cut here.
const LINE_MAX: usize = 4096;

/// So many messages are taken before somebody else gets a hearing.
const BATCH: usize = 64;

/// What stands behind a message that was too long.
const CUT: &[u8] = b"...\n";

/// A descriptor of our own of what standard error is, so that nobody else's begins not to wait.
const WRITE: u32 = fd::WRITE | fd::APPEND | fd::NO_WAIT | fd::NO_CONTROL | fd::CLOSE_ON_EXEC;

/// What others log.
pub struct Journal {
    socket: Fd,
    errors: Fd,
    lost: u64,
    /// Whether there may be more.
    pub left: Left,
}

/// Whether there may be more messages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// None.
    Nothing,
    /// Some.
    Something,
}

impl Journal {
    /// None: /dev/log is somebody else's.
    pub fn none() -> Journal {
        Journal { socket: Fd::NONE, errors: Fd::NONE, lost: 0, left: Left::Nothing }
    }

    /// Takes /dev/log, also from a syslogd that is gone.
    #[cold]
    #[inline(never)]
    pub fn open() -> Result<Journal> {
        let socket = match Fd::syslogd() {
            Err(EADDRINUSE) if !Fd::syslog().is_open() => {
                let _ = unlink(c"/dev/log");
                Fd::syslogd()
            }
            opened => opened,
        }?;
        // Every program may log, whoever runs it.
        let _ = chmodat(CWD, c"/dev/log", Mode::from_raw_mode(0o666), AtFlags::empty());
        socket.signal_on_news();
        let errors = Fd::open(c"/proc/self/fd/2", WRITE);
        Ok(Journal { socket, errors, lost: 0, left: Left::Nothing })
    }

    /// Whether there is one.
    pub fn is_open(&self) -> bool {
        self.socket.is_open()
    }

    /// Whether SIGIO is about it, and not sent by a process.
    pub fn is_heard_by(&self, news: &News) -> bool {
        news.is_kernels() && self.socket.is_open()
    }

    /// Our descriptors, which are not to be closed.
    pub fn descriptors(&self) -> [i32; 2] {
        [self.socket.raw(), self.errors.raw()]
    }

    /// Passes messages on.
    #[cold]
    #[inline(never)]
    pub fn pass_on(&mut self) {
        self.left = self.pass_batch();
    }

    /// A child has ended, and this may be the end: what it logged before comes first.
    #[cold]
    #[inline(never)]
    pub fn catch_up(&mut self) {
        const BATCHES: usize = 16;
        for _ in 0..BATCHES {
            self.pass_on();
            if self.left == Left::Nothing {
                return;
            }
        }
    }

    fn pass_batch(&mut self) -> Left {
        let mut message = [0; MESSAGE_MAX];
        for _ in 0..BATCH {
            let Ok(len) = fd::receive(&self.socket, &mut message) else {
                return Left::Nothing;
            };
            let text = message.get(..len as usize).unwrap_or(&message);
            self.pass(text, len as usize > MESSAGE_MAX);
        }
        Left::Something
    }

    fn pass(&mut self, datagram: &[u8], cut: bool) {
        if self.lost > 0 {
            let mut line = Line::new();
            line.put(b"pidone: ").number(self.lost).put(b" messages of /dev/log were lost: ");
            line.put(b"standard error did not take them\n");
            if self.write(line.as_bytes()) {
                self.lost = 0;
            }
        }
        let mut line = [0; LINE_MAX];
        let mut room = Room::new(line.get_mut(..LINE_MAX - CUT.len()).unwrap_or_default());
        let mut text = syslog::message(datagram);
        while !text.is_empty()
            && let Some(used) = room.put_first(text)
        {
            text = text.get(used..).unwrap_or(&[]);
        }
        let len = room.len;
        let end = if cut || !text.is_empty() { CUT } else { b"\n" };
        let mut room = Room::new(&mut line);
        room.len = len;
        room.put(end);
        if !self.write(room.filled()) {
            self.lost += 1;
        }
    }

    /// Writes to standard error by whichever way does not wait.
    fn write(&self, line: &[u8]) -> bool {
        let written = if self.errors.is_open() {
            fd::write(self.errors.raw(), line)
        } else {
            // A socket cannot be opened again, but it can be sent to without waiting.
            fd::send(2, line).or_else(|_| fd::write_at_once(2, line))
        };
        written == Ok(line.len() as u32)
    }
}
