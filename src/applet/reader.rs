//! The reader of a unit's output: from a pipe to syslog or to a file, by way of a spool.
//!
//! It may be killed at any instant; the next one goes on with the same spool, see
//! [`pidone::machine::spool`]. A log that takes nothing is waited for as long as the spool has
//! room. Then lines are given up and counted, so that the unit is not held: but where a write hangs
//! in the kernel, on a dead disk, so do we, and the unit once the pipe is full.

use core::ffi::CStr;

use heapless::Vec;
use pidone::machine::readers::UNWRITTEN;
use pidone::machine::spool::{Next, PIECE, TEXT_AT, WAITING_MAX};
use pidone::wire::errno::{EAGAIN, EINVAL};
use pidone::wire::letters::bare;
use pidone::wire::logline::Style;
use pidone::wire::names::at;
use pidone::wire::options::{self, Log};
use pidone::wire::signals::Signal;
use pidone::wire::text::Line;
use pidone::wire::value;
use rustix::fs::{Access, access};

use super::{log, refused};
use crate::sys::fd::{self, Fd};
use crate::sys::files;
use crate::sys::kernel::{self, Result, SignalSet};
use crate::sys::logs::Reading;
use crate::sys::start::joined;
use crate::sys::stream::{self, Poll, Store, Whence};

/// So long, in milliseconds, a log that takes nothing is waited for before it counts as dead.
pub const PATIENCE: i32 = 1000;

/// What asks us to end. It waits while lines do, so that it does not take them away.
const TERM: SignalSet = 1 << (Signal::TERM.0 - 1);

/// The permissions of a new file: logs may hold what is not for everybody.
const MODE: u32 = 0o640;

/// The longest path of a file with what rotation puts behind it, in bytes: PATH_MAX of limits.h
/// is 4096, and nobody comes near.
type Path = Vec<u8, 512>;

/// Where a unit's output goes.
pub struct Target<'a> {
    /// The file with its NUL; without one, syslog.
    pub file: Option<&'a [u8]>,
    /// Whether whoever starts readers hands over the spool.
    pub is_handed: bool,
    /// The size at which the next file is begun, in bytes; 0 for never.
    pub limit: u64,
    /// So many older files are kept.
    pub keep: u32,
}

struct Reader<'a> {
    store: Store,
    target: &'a Target<'a>,
    style: Style<'a>,
    /// The limit, until a rotation fails.
    limit: u64,
    /// The log, while it is open, and how large it is.
    log: Fd,
    size: u64,
    /// Where it shows that we are asked to end.
    asked: Fd,
    /// What is sent to the log is copied at once.
    is_copied: bool,
    /// No more text will come.
    ends: bool,
    /// The log has taken nothing for too long.
    is_dead: bool,
}

/// The size at which the file of a unit's log is rotated, in bytes, and how many older ones are
/// kept, where its line does not say so.
const SIZE: i64 = 200 * 1024;
pub const KEEP: u32 = 5;

/// The options that say otherwise. Constants of eight bytes would lie where a container's init has
/// its own.
const SIZES: &[u8] = b"log-size log-keep";

/// Becomes the reader of a unit's log.
pub extern "C" fn begin(reading: &Reading<'_>) -> ! {
    reading.take_over();
    let value = |key: &[u8]| options::value(reading.options, key);
    let number = |place, units| {
        let text = value(at(SIZES, place)?)?;
        value::within(text, units, 1, i64::MAX)
    };
    let limit = number(0, value::size as value::Units).unwrap_or(SIZE) as u64;
    let keep = number(1, value::plain).map_or(KEEP, |keep| keep as u32);
    let (mut header, mut path) = (Line::wide(), Path::new());
    let mut target = Target { file: None, is_handed: true, limit, keep };
    match options::output(reading.options) {
        Some(Log::File(file)) => target.file = Some(with_nul(&mut path, file)),
        Some(Log::Syslog(priority)) => {
            header.put(b"<").number(priority.into()).put(b">").quote(reading.name.0);
            if reading.name.1 > 1 {
                header.put(b"-").number(reading.name.1.into());
            }
            header.put(b": ");
        }
        Some(Log::Null | Log::Console) | None => {}
    }
    kernel::exit(run(header.as_bytes(), &target))
}

fn with_nul<'a>(room: &'a mut Path, file: &[u8]) -> &'a [u8] {
    joined(room, &[file]).unwrap_or(c"").to_bytes_with_nul()
}

/// Reads standard input until it ends; comes back with the code to leave with. TERM ends it when
/// there is nothing to read.
pub fn run(header: &[u8], target: &Target<'_>) -> i32 {
    kernel::set_mask(TERM);
    let store = match Store::open(target.is_handed) {
        Ok(store) => store,
        Err(errno) => return refused(b"logger: cannot open the spool: %e", b"", errno),
    };
    let style = if target.file.is_some() { Style::File } else { Style::Datagram(header) };
    let (log, size, limit) = (Fd::NONE, 0, target.limit);
    let (is_copied, ends, is_dead) = (true, false, false);
    let asked = stream::showing(TERM);
    let mut reader =
        Reader { store, target, style, limit, log, size, asked, is_copied, ends, is_dead };
    // How large the log is decides what comes first.
    let _ = reader.open();
    loop {
        match reader.step() {
            Ok(true) => {}
            Ok(false) if reader.is_dead => return i32::from(UNWRITTEN),
            Ok(false) => return 0,
            Err(errno) => return refused(b"logger: cannot read messages: %e", b"", errno),
        }
    }
}

impl Reader<'_> {
    /// Does what is to be done next; whether there may be more.
    fn step(&mut self) -> Result<bool> {
        let is_due = self.limit > 0 && self.size >= self.limit;
        match self.store.page.next(self.store.position, is_due) {
            Next::Seek(to) => self.store.seek(to)?,
            Next::Rotate => self.rotate(),
            Next::Fill if self.fill() => {}
            Next::Fill if self.ends => return Ok(false),
            Next::Fill => {
                // Not blocked, TERM would end us at once, though lines have come meanwhile.
                // Where the kernel does not show it, there is no other way.
                let kept = if self.asked.is_open() { TERM } else { 0 };
                let mut polls = [Poll::input(0), Poll::input(self.asked.raw())];
                stream::poll_keeping(&mut polls, -1, kept);
                if !polls[0].is_ready() {
                    kernel::set_mask(0);
                }
                return self.take();
            }
            Next::Send(count) => {
                if let Err(errno) = self.send(count) {
                    return self.wait(errno);
                }
                self.is_dead = false;
            }
        }
        Ok(true)
    }

    /// Fills a box from the spool; whether there was a whole line.
    fn fill(&mut self) -> bool {
        let mut room = [0; PIECE];
        if !self.is_dead && self.store.page.tell_loss(self.style) {
            return true;
        }
        let done = self.store.page.done();
        let rest = self.store.rest(&mut room);
        let filled = self.store.page.fill(rest, self.ends, self.style);
        if (self.store.page.done() ^ done) >= TEXT_AT {
            self.store.free();
        }
        filled
    }

    fn waiting(&self) -> u64 {
        self.store.size.saturating_sub(self.store.page.done())
    }

    /// Takes text into the spool, as much as there is room for.
    fn take(&mut self) -> Result<bool> {
        let most = WAITING_MAX.saturating_sub(self.waiting()).max(1);
        self.ends = self.store.take(0, most)? == 0;
        Ok(true)
    }

    /// Waits until the log takes something again, or there is more text. Whether to go on.
    fn wait(&mut self, errno: u16) -> Result<bool> {
        let has_room = self.waiting() < WAITING_MAX;
        if !has_room && self.is_dead {
            let mut room = [0; PIECE];
            let rest = self.store.rest(&mut room);
            self.store.page.give_up(rest);
            return Ok(true);
        }
        let input = if has_room && !self.ends { 0 } else { -1 };
        let output = if errno == EAGAIN { self.log.raw() } else { -1 };
        let mut polls = [Poll::input(input), Poll::output(output)];
        if !stream::poll_keeping(&mut polls, PATIENCE, TERM) && !self.is_dead {
            self.is_dead = true;
            self.complain(b"write %q: %e; lines wait, and beyond 64 KiB they are lost", errno);
        }
        if polls[0].is_ready() {
            return self.take();
        }
        // Nobody can say when it will take something again; what is in the spool stays there.
        Ok(!(self.ends && self.is_dead))
    }

    /// Sends from the box. A log that came anew is found at once.
    fn send(&mut self, count: usize) -> Result<()> {
        let mut sent = self.send_once(count);
        if !matches!(sent, Ok(_) | Err(EAGAIN)) {
            self.log = Fd::NONE;
            sent = self.send_once(count);
        }
        self.size += u64::from(sent?);
        Ok(())
    }

    fn send_once(&mut self, count: usize) -> Result<u32> {
        if !self.log.is_open() {
            self.open()?;
        }
        // Into a pipe the kernel would put the box itself and not a copy of it.
        let sent = if self.is_copied { self.store.send(&self.log, count) } else { Err(EINVAL) };
        if sent != Err(EINVAL) {
            return sent;
        }
        // The few file systems that cannot be sent to are written to like a pipe. There, a kill
        // between the two may double what was written.
        let position = self.store.position;
        let wrote = fd::write(self.log.raw(), self.store.page.unsent(position))?;
        self.store.seek(position + u64::from(wrote))?;
        Ok(wrote)
    }

    fn open(&mut self) -> Result<()> {
        if let Style::Datagram(_) = self.style {
            self.log = Fd::syslog();
            return Ok(());
        }
        let log = files::open(self.file(), fd::WRITE | files::CREATE, MODE)?;
        // Another reader of ours may hang on a dead disk with this file.
        stream::lock(&log)?;
        let _ = stream::seek(&log, 0, Whence::End);
        let about = files::stat(&log)?;
        self.size = about.size;
        self.is_copied = about.is_plain();
        self.log = log;
        Ok(())
    }

    /// Begins a new file: the older ones move up, up to the first gap, where one that was killed
    /// at this may have stopped.
    fn rotate(&mut self) {
        let gap = (1..self.target.keep)
            .find(|&number| access(self.older(number, &mut Path::new()), Access::EXISTS).is_err());
        for number in (0..gap.unwrap_or(self.target.keep)).rev() {
            let (mut from, mut to) = (Path::new(), Path::new());
            let (from, to) = (self.older(number, &mut from), self.older(number + 1, &mut to));
            let moved = stream::rename(from, to);
            if let (0, Err(errno)) = (number, moved) {
                self.limit = 0;
                self.complain(b"rename %q: %e; it grows until the logger is started again", errno);
                return;
            }
        }
        // The new one is there at once, for whoever looks; if it cannot be, it is tried again.
        (self.log, self.size) = (Fd::NONE, 0);
        let _ = self.open();
    }

    fn file(&self) -> &[u8] {
        self.target.file.unwrap_or_default()
    }

    /// The name of an older file; of the present one for 0.
    fn older<'a>(&self, number: u32, room: &'a mut Path) -> &'a CStr {
        let mut suffix = Line::new();
        if number > 0 {
            suffix.put(b".").number(u64::from(number));
        }
        joined(room, &[bare(self.file()), suffix.as_bytes()]).unwrap_or(c"")
    }

    /// Tells syslog what could not be done with the file.
    fn complain(&self, what: &[u8], errno: u16) {
        if let Style::File = self.style {
            // Facility 3 of RFC 3164 is that of daemons, severity 3 an error.
            log(b"<27>logger: cannot ", what, [bare(self.file()), b""], errno.into());
        }
    }
}
