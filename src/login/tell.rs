//! What is said: to whoever is at the terminal, and to syslog.

use core::ffi::CStr;

use pidone::wire::errno::EAGAIN;
use pidone::wire::passwd::Fault;
use pidone::wire::syslog::{self, Level};
use pidone::wire::text::Line;

use crate::sys::fd::{self, Fd};
use crate::sys::{kernel, terminal};

/// Writes on the terminal: all of it, or as much as the terminal takes before it fails.
pub fn say(text: &[u8]) {
    let mut rest = text;
    while !rest.is_empty()
        && let Ok(count @ 1..) = fd::write(1, rest)
    {
        rest = rest.get(count as usize..).unwrap_or(&[]);
    }
}

/// A file of accounts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum File {
    Passwd,
    Shadow,
    Group,
}

impl File {
    /// Where it is.
    pub fn path(self) -> &'static CStr {
        match self {
            File::Passwd => c"/etc/passwd",
            File::Shadow => c"/etc/shadow",
            File::Group => c"/etc/group",
        }
    }
}

/// So many bad lines are reported: whoever has more needs no list of them. No time is spent on
/// waiting until syslog takes them.
const REPORTS_MAX: u32 = 8;

/// So long syslog may take until it has room for a message, in milliseconds.
const PATIENCE: u32 = 500;

/// Our line to syslog. What it does not take soon is lost: nobody may be kept from logging in
/// by a syslogd that hangs.
pub struct Journal<'a> {
    socket: Fd,
    /// The terminal, without `/dev/`; empty where it has no name.
    pub tty: &'a [u8],
    /// From where, or empty.
    pub host: &'a [u8],
    /// Reports that there were so far.
    reports: u32,
    /// The files that were read to their ends: they have nothing new to say.
    settled: [bool; 3],
}

impl<'a> Journal<'a> {
    /// Nothing has been said yet.
    pub fn new(tty: &'a [u8], host: &'a [u8]) -> Self {
        Journal { socket: Fd::syslog(), tty, host, reports: 0, settled: [false; 3] }
    }

    /// Says one line.
    pub fn note(&mut self, level: Level, write: impl FnOnce(&mut Line)) {
        self.send(level, PATIENCE, write);
    }

    /// Says one line, and waits so long for a syslogd that has enough to do.
    fn send(&mut self, level: Level, patience: u32, write: impl FnOnce(&mut Line)) {
        let mut line = Line::wide();
        syslog::login(&mut line, level, kernel::own_pid() as u32);
        write(&mut line);
        match fd::send(self.socket.raw(), line.as_bytes()) {
            Ok(_) => return,
            Err(EAGAIN) => terminal::wait_to_send(&self.socket, kernel::now().plus(patience)),
            // A syslogd that was started anew is found.
            Err(_) => self.socket = Fd::syslog(),
        }
        let _ = fd::send(self.socket.raw(), line.as_bytes());
    }

    /// Says one line that ends with where all this happens: ` on 'tty1' from 'far.example'`.
    pub fn note_here(&mut self, level: Level, write: impl FnOnce(&mut Line), end: &[u8]) {
        let (tty, host) = (self.tty, self.host);
        self.note(level, |line| {
            write(line);
            line.put(b" on '").quote(tty).put(b"'");
            if !host.is_empty() {
                line.put(b" from '").quote(host).put(b"'");
            }
            line.put(end);
        });
    }

    /// Says what is wrong with a line of a file, once while this program runs.
    pub fn report(&mut self, file: File, number: u32, fault: &Fault<'_>) {
        if self.counts(file) {
            self.send(Level::Warning, 0, |line| {
                line.put(file.path().to_bytes()).put(b" line ").number(u64::from(number));
                line.put(b": expected ").put(fault.expected);
                if !fault.read.is_empty() {
                    line.put(b", not '").quote(fault.read).put(b"'");
                }
                line.put(b"; the line is skipped");
            });
        }
    }

    /// Says that a file cannot be read, or not to its end.
    pub fn report_error(&mut self, file: File, errno: u16) {
        if self.counts(file) {
            self.send(Level::Error, 0, |line| {
                line.put(b"cannot read ").put(file.path().to_bytes()).put(b": ").error(errno);
                line.put(b"; who is not in what was read is not let in");
            });
        }
    }

    /// Ends the reports on a file: it will be read again, and has nothing new to say.
    pub fn settle(&mut self, file: File) {
        if let Some(settled) = self.settled.get_mut(file as usize) {
            *settled = true;
        }
    }

    /// Whether one more report is due; the first one too many is said to be so.
    fn counts(&mut self, file: File) -> bool {
        if self.settled.get(file as usize) != Some(&false) {
            return false;
        }
        self.reports = self.reports.saturating_add(1);
        if self.reports == REPORTS_MAX + 1 {
            self.send(Level::Warning, 0, |line| {
                line.put(b"there are more bad lines; they are skipped as well");
            });
        }
        self.reports <= REPORTS_MAX
    }
}
