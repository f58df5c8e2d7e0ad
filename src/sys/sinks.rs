//! Where messages go. Nothing here waits, but for a console that was redirected, and there not for
//! long: what a sink does not take at once is said to be so.

use core::ffi::CStr;

use pidone::machine::Told;
use pidone::machine::time::Instant;
use pidone::wire::errno::{EAGAIN, EINTR, ENOBUFS};
use pidone::wire::names::begins;
use pidone::wire::value::Millis;
use rustix::fs::readlinkat_raw;

use super::fd::{self, Fd};
use super::kernel::{self, Result};
use super::start::c_str;
use super::timely;
use super::watch::Watch;

/// A console may be a file that others write to as well.
const WRITE: u32 = fd::WRITE | fd::APPEND | fd::NO_WAIT | fd::NO_CONTROL | fd::CLOSE_ON_EXEC;

/// So long a console is left alone that did not take a line in time, in milliseconds: fifty times
/// what was waited for it. Where nobody ever reads it, that costs us a fiftieth of our time,
/// however much there is to say.
const STUCK_MS: Millis = 50 * 2 * timely::LIMIT_MS;

/// The sinks, as far as they are open.
pub struct Sinks {
    console: Fd,
    /// Until when the console is left alone.
    stuck: Option<Instant>,
    syslog: Fd,
}

impl Sinks {
    /// Nothing is open.
    pub const fn new() -> Self {
        Sinks { console: Fd::NONE, stuck: None, syslog: Fd::NONE }
    }

    /// The same for one whose console may be a plain file, as a shell opens it: it is written to at
    /// a place that units share, and what was appended behind that they would write over.
    pub fn beside_units() -> Self {
        let console = if fd::has_place(2) { fd::copy(2) } else { Fd::NONE };
        Sinks { console, ..Sinks::new() }
    }

    /// Writes to the console, through a descriptor of our own: one that does not block, while
    /// that of the units keeps blocking.
    pub fn console(&mut self, line: &[u8]) -> Told {
        if self.stuck.is_some_and(|until| kernel::now() < until) {
            return Told::Full;
        }
        self.open_console();
        let wrote = if self.console.is_open() {
            timely::write(&self.console, line)
        } else {
            // A socket cannot be opened again, but it can be sent to without waiting.
            fd::send(2, line)
        };
        self.stuck = (wrote == Err(EINTR)).then(|| kernel::now().plus(STUCK_MS));
        let told = told(wrote, line);
        if let Told::Absent { .. } = told {
            // The terminal was hung up, or the reader is gone: it is opened anew next time.
            self.console = Fd::NONE;
        }
        told
    }

    /// Opens the console, unless it is open. Done early, it is there when descriptors run out.
    pub fn open_console(&mut self) {
        if !self.console.is_open() {
            let own = Fd::open(c"/proc/self/fd/2", WRITE);
            self.console = own.or_open(c"/dev/console", WRITE);
        }
    }

    /// Sends a datagram to /dev/log. A syslogd that was started anew is found at once.
    pub fn syslog(&mut self, line: &[u8], watch: &mut Watch) -> Told {
        let mut watched = false;
        // The first try finds the syslogd we know, the second one that came after it, and the
        // third one that came before the watch began.
        for last in [false, false, true] {
            if last {
                watched = watch_log(watch);
            }
            match self.send(line) {
                Told::Absent { .. } => {}
                told => return told,
            }
        }
        Told::Absent { watched }
    }

    fn send(&mut self, line: &[u8]) -> Told {
        if !self.syslog.is_open() {
            self.syslog = Fd::syslog();
        }
        let told = told(fd::send(self.syslog.raw(), line), line);
        if let Told::Absent { .. } = told {
            self.syslog = Fd::NONE;
        }
        told
    }

    /// Writes a record to the kernel's log.
    pub fn kernel(line: &[u8]) -> Told {
        told(fd::write(Fd::open(c"/dev/kmsg", WRITE).raw(), line), line)
    }
}

/// What became of a line.
fn told(wrote: Result<u32>, line: &[u8]) -> Told {
    match wrote {
        Ok(count) if count as usize == line.len() => Told::Taken,
        Ok(_) | Err(EAGAIN | EINTR | ENOBUFS) => Told::Full,
        Err(_) => Told::Absent { watched: false },
    }
}

/// The longest target of the link /dev/log, in bytes.
const TARGET_MAX: usize = 128;

const DEV: &[u8; 5] = b"/dev/";

/// Watches the folder in which /dev/log comes, and where it is a link, that of its target.
fn watch_log(watch: &mut Watch) -> bool {
    let mut room = [0; DEV.len() + TARGET_MAX + 1];
    let in_dev = watch.over(c"/dev");
    match readlinkat_raw(rustix::fs::CWD, c"/dev/log", &mut room[DEV.len()..][..TARGET_MAX]) {
        Ok(_) => in_dev && folder(&mut room).is_some_and(|folder| watch.over(folder)),
        Err(_) => in_dev,
    }
}

/// The folder of a link's target, which zeros follow.
fn folder(room: &mut [u8; DEV.len() + TARGET_MAX + 1]) -> Option<&CStr> {
    // A target that does not begin at the root begins at the folder of the link.
    let (above, target) = room.split_first_chunk_mut()?;
    *above = *DEV;
    let from = if begins(target, b'/') { DEV.len() } else { 0 };
    let slash = room.iter().rposition(|&b| b == b'/')?;
    *room.get_mut(slash + 1)? = 0;
    c_str(room.get(from..)?)
}
