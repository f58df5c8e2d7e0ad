//! /dev/log of a container that has no syslogd: what is sent there goes to standard error, a line
//! a message. Nothing here waits, and what standard error does not take is counted.

use pidone::machine::Pid;
use pidone::wire::errno::{EADDRINUSE, ECONNREFUSED};
use pidone::wire::logline::Room;
use pidone::wire::signals::Signal;
use pidone::wire::syslog;
use pidone::wire::text::Line;
use rustix::fs::{AtFlags, CWD, Mode, chmodat, unlink};

use crate::sys::ears;
use crate::sys::fd::{self, Fd};
use crate::sys::kernel::{self, Result};
use crate::sys::outlet::Outlet;
use crate::sys::source::Heard;

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

/// What others log.
pub struct Journal {
    socket: Fd,
    /// Standard error.
    errors: Outlet,
    lost: u64,
    /// The child that takes a message with descriptors, see [`ears::have_taken`].
    taker: Pid,
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
        Journal {
            socket: Fd::NONE,
            errors: Outlet::none(),
            lost: 0,
            taker: Pid(0),
            left: Left::Nothing,
        }
    }

    /// Takes /dev/log, also from a syslogd that is gone.
    #[cold]
    #[inline(never)]
    pub fn open() -> Result<Journal> {
        let socket = match Fd::syslogd() {
            // A syslogd that listens otherwise, or to others only, is not gone.
            Err(EADDRINUSE) if Fd::syslog().opened() == Err(ECONNREFUSED) => {
                let _ = unlink(c"/dev/log");
                Fd::syslogd()
            }
            opened => opened,
        }?;
        // Every program may log, whoever runs it.
        let _ = chmodat(CWD, c"/dev/log", Mode::from_raw_mode(0o666), AtFlags::empty());
        socket.signal_on_news();
        Ok(Journal { socket, errors: Outlet::open(2), lost: 0, taker: Pid(0), left: Left::Nothing })
    }

    /// Whether there is one.
    pub fn is_open(&self) -> bool {
        self.socket.is_open()
    }

    /// Passes messages on, if there may be some after what was heard; whether that was about them
    /// alone.
    #[cold]
    #[inline(never)]
    pub fn hear(&mut self, heard: &Heard) -> bool {
        match heard {
            Heard::Quiet if self.left == Left::Something => self.pass_on(),
            // A process may have sent it, and the kernel's have merged with that.
            Heard::Signal(news) if news.signal() == Signal::IO => {
                self.pass_on();
                return news.is_kernels();
            }
            Heard::Signal(_) | Heard::Quiet | Heard::Time => {}
        }
        false
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

    /// A child was reaped, and this may be the end: what it logged before comes first.
    #[cold]
    #[inline(never)]
    pub fn catch_up(&mut self) {
        const BATCHES: usize = 16;
        for _ in 0..BATCHES {
            self.pass_on();
            if self.left == Left::Nothing {
                break;
            }
        }
        // There may be no message behind which it could be said.
        self.tell_lost();
    }

    fn pass_batch(&mut self) -> Left {
        let mut message = [0; MESSAGE_MAX];
        // Its end brings us back here.
        if self.taker.0 > 0 && kernel::send(self.taker.0, Signal(0)).is_ok() {
            return Left::Nothing;
        }
        self.taker = Pid(0);
        for _ in 0..BATCH {
            if ears::brings_descriptors(&self.socket) {
                self.taker = ears::have_taken(&self.socket);
                self.lost += 1;
                return Left::Nothing;
            }
            let Ok(len) = fd::receive(&self.socket, &mut message) else {
                return Left::Nothing;
            };
            let text = message.get(..len as usize).unwrap_or(&message);
            self.pass(text, len as usize > MESSAGE_MAX);
        }
        Left::Something
    }

    fn tell_lost(&mut self) {
        if self.lost > 0 {
            let mut line = Line::new();
            line.put(b"pidone: ").number(self.lost).put(b" messages of /dev/log were lost: ");
            line.put(b"standard error did not take them\n");
            if self.write(line.as_bytes()) {
                self.lost = 0;
            }
        }
    }

    fn pass(&mut self, datagram: &[u8], cut: bool) {
        self.tell_lost();
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

    fn write(&self, line: &[u8]) -> bool {
        self.errors.write(line) == Ok(line.len() as u32)
    }
}
