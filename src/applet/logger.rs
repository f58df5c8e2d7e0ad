//! logger: messages for syslog from a command line, and the reader of a unit's output.

use pidone::machine::spool::{DATAGRAM_MAX, PIECE};
use pidone::wire::errno::EAGAIN;
use pidone::wire::letters::{Letters, bare};
use pidone::wire::logline::{Room, Style, frame};
use pidone::wire::names::cut;
use pidone::wire::text::Line;
use pidone::wire::{syslog, value};

use super::reader::{self, Target};
use super::{refused, usage};
use crate::sys::fd::{self, Fd};
use crate::sys::kernel::{self, Result};
use crate::sys::start::{Args, c_str, place_from, words};
use crate::sys::stream::{self, Poll};

/// What we are called in messages.
const NAME: &[u8] = b"logger";

const HELP: &[u8] = b"\
usage: logger [-s] [-i[PID]] [-t TAG] [-p FACILITY.LEVEL] [-f FILE] [MESSAGE...]
       logger -r [-m] [-t TAG] [-p FACILITY.LEVEL] [-o FILE [-z SIZE] [-k NUMBER]]
";

/// What is sent, and how.
struct Messages {
    /// What stands in front of each message.
    header: Line,
    /// So many bytes of that are the priority, which people do not want to see.
    priority: usize,
    /// Messages go to standard error too.
    shown: bool,
    log: Fd,
}

/// Older files that are kept where nothing else is said.
const KEEP: i64 = 5;

/// So long, in milliseconds, a command waits for a log that is full: what is busy writes to its
/// disk by then, and who hangs must not hold a script for ever.
const FULL_WAIT: i32 = 10_000;

/// Does what the words from this one on ask for.
pub fn run(args: Args, first: usize) -> i32 {
    let letters = Letters { known: b"srmi+tpfozk", names: b"", words: words(args, first) };
    if let Some(wrong) = letters.wrong() {
        return usage(wrong, NAME, HELP);
    }
    let given = |letter| letters.given(letter).map(bare);
    let priority = given(b'p').map_or(Some(syslog::USER_NOTICE), syslog::parse);
    let limit = given(b'z').map_or(Some(0), |z| value::within(z, value::size, 1, i64::MAX));
    let keep = given(b'k').map_or(Some(KEEP), |k| value::within(k, value::plain, 1, 999));
    let (Some(priority), Some(limit), Some(keep)) = (priority, limit, keep) else {
        return usage(b"a value", NAME, HELP);
    };
    let mut header = Line::wide();
    header.put(b"<").number(u64::from(priority)).put(b">");
    let priority = header.as_bytes().len();
    header.quote(given(b't').unwrap_or_else(|| user(args)));
    if let Some(pid) = given(b'i') {
        header.put(b"[").quote(pid);
        if pid.is_empty() {
            header.number(kernel::own_pid() as u64);
        }
        header.put(b"]");
    }
    header.put(b": ");
    if letters.given(b'r').is_some() {
        let file = letters.given(b'o');
        let is_handed = letters.given(b'm').is_some();
        let target = Target { file, is_handed, limit: limit as u64, keep: keep as u32 };
        return reader::run(header.as_bytes(), &target);
    }
    let shown = letters.given(b's').is_some();
    let messages = Messages { header, priority, shown, log: Fd::syslog() };
    let mut input = Fd::adopt(0);
    if let Some(path) = letters.given(b'f').and_then(c_str) {
        input = Fd::open(path, fd::READ | fd::NO_CONTROL);
        if let Err(errno) = input.opened() {
            return refused(b"logger: cannot open %q: %e", path.to_bytes(), errno);
        }
    }
    let done = match place_from(args, letters.rest()) {
        Some(next) => messages.say(args.joined(next)),
        None => messages.read(&input),
    };
    match done {
        Ok(()) => 0,
        Err(Trouble::Read(errno)) => refused(b"logger: cannot read messages: %e", b"", errno),
        Err(Trouble::Send(errno)) => refused(b"logger: cannot send messages: %e", b"", errno),
    }
}

/// Who calls, as far as they say: what messages are tagged with if nothing else is asked for.
fn user(args: Args) -> &'static [u8] {
    let var = args.var(b"LOGNAME").or_else(|| args.var(b"USER"));
    var.and_then(|var| cut(var.to_bytes(), b'=')).map_or(NAME, |(_, name)| name)
}

/// What could not be done, and why not.
enum Trouble {
    Read(u16),
    Send(u16),
}

impl Messages {
    /// Sends a text.
    fn say(&self, text: &[u8]) -> core::result::Result<(), Trouble> {
        let mut rest = text;
        while !rest.is_empty() {
            rest = rest.get(self.take(rest, true)?..).unwrap_or(&[]);
        }
        Ok(())
    }

    /// Sends what is read from a file.
    fn read(&self, from: &Fd) -> core::result::Result<(), Trouble> {
        let mut text = [0; PIECE];
        let mut len = 0;
        loop {
            let count = match text.get_mut(len..) {
                Some(room) => fd::read(from.raw(), room).map_err(Trouble::Read)?,
                None => 0,
            };
            len += count as usize;
            let mut used = 0;
            while let Some(rest) = text.get(used..len).filter(|rest| !rest.is_empty())
                && let taken @ 1.. = self.take(rest, count == 0 || rest.len() == PIECE)?
            {
                used += taken;
            }
            if count == 0 {
                return Ok(());
            }
            for to in 0..len - used {
                let byte = text.get(used + to).copied().unwrap_or(0);
                text.get_mut(to).into_iter().for_each(|place| *place = byte);
            }
            len -= used;
        }
    }

    /// Sends one message off the front of a text: how much of the text that took.
    fn take(&self, text: &[u8], full: bool) -> core::result::Result<usize, Trouble> {
        let mut room = [0; DATAGRAM_MAX];
        let mut room = Room::new(&mut room);
        let used = frame(text, full, Style::Datagram(self.header.as_bytes()), &mut room);
        if room.len > 0 {
            self.send(room.filled()).map_err(Trouble::Send)?;
        }
        Ok(used)
    }

    /// Sends one message. A log that is full is waited for, but not for ever.
    fn send(&self, message: &[u8]) -> Result<u32> {
        if self.shown {
            let _ = fd::write(2, message.get(self.priority..).unwrap_or(&[]));
            let _ = fd::write(2, b"\n");
        }
        let log = self.log.raw();
        match fd::send(log, message) {
            Err(EAGAIN) if stream::poll(&mut [Poll::output(log)], FULL_WAIT) => {
                fd::send(log, message)
            }
            sent => sent,
        }
    }
}
