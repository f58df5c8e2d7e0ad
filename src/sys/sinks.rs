//! Where messages go. Nothing here waits: what a sink does not take at once is said to be so.

use heapless::Vec;
use pidone::machine::Told;
use rustix::fs::readlinkat_raw;

use super::fd::{self, Fd};
use super::kernel::Result;
use super::start::joined;
use super::watch::Watch;

/// A console may be a file that others write to as well.
const WRITE: u32 = fd::WRITE | fd::APPEND | fd::NO_WAIT | fd::NO_CONTROL | fd::CLOSE_ON_EXEC;

const EINTR: u16 = 4;
const EAGAIN: u16 = 11;
const ENOBUFS: u16 = 105;

/// The sinks, as far as they are open.
pub struct Sinks {
    console: Option<Fd>,
    syslog: Option<Fd>,
}

impl Sinks {
    /// Nothing is open.
    pub const fn new() -> Self {
        Sinks { console: None, syslog: None }
    }

    /// Writes to the console, through a descriptor of our own: one that does not block, while
    /// that of the units keeps blocking.
    pub fn console(&mut self, line: &[u8]) -> Told {
        self.open_console();
        let wrote = match &self.console {
            Some(console) => fd::write(console.raw(), line),
            // A socket cannot be opened again, but it can be sent to without waiting.
            None => fd::send(2, line),
        };
        let told = told(wrote, line);
        if let Told::Absent { .. } = told {
            // The terminal was hung up, or the reader is gone: it is opened anew next time.
            self.console = None;
        }
        told
    }

    /// Opens the console, unless it is open. Done early, it is there when descriptors run out.
    pub fn open_console(&mut self) {
        if self.console.is_none() {
            let own = Fd::open(c"/proc/self/fd/2", WRITE);
            self.console = own.or_else(|_| Fd::open(c"/dev/console", WRITE)).ok();
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
        if self.syslog.is_none() {
            self.syslog = Fd::syslog().ok();
        }
        let told = match &self.syslog {
            Some(fd) => told(fd::send(fd.raw(), line), line),
            None => Told::Absent { watched: false },
        };
        if let Told::Absent { .. } = told {
            self.syslog = None;
        }
        told
    }

    /// Writes a record to the kernel's log.
    pub fn kernel(line: &[u8]) -> Told {
        told(Fd::open(c"/dev/kmsg", WRITE).and_then(|fd| fd::write(fd.raw(), line)), line)
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

/// Watches the folder in which /dev/log comes, and where it is a link, that of its target.
fn watch_log(watch: &mut Watch) -> bool {
    let mut target = [0; TARGET_MAX];
    let in_dev = watch.over(c"/dev");
    match readlinkat_raw(rustix::fs::CWD, c"/dev/log", &mut target[..]) {
        Ok(len) => in_dev && watch_folder_of(watch, target.get(..len).unwrap_or(&[])),
        Err(_) => in_dev,
    }
}

fn watch_folder_of(watch: &mut Watch, target: &[u8]) -> bool {
    let end = target.iter().rposition(|&b| b == b'/').map_or(0, |slash| slash + 1);
    let above: &[u8] = if target.starts_with(b"/") { b"" } else { b"/dev/" };
    let mut room: Vec<u8, { TARGET_MAX + 8 }> = Vec::new();
    let folder = joined(&mut room, &[above, target.get(..end).unwrap_or(&[])]);
    folder.is_some_and(|folder| watch.over(folder))
}
