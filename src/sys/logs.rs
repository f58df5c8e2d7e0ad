//! The logs that have a reader: for each a pipe and a spool, which are ours and outlive whoever
//! writes and whoever reads.

use core::ffi::CStr;

use heapless::Vec;
use pidone::machine::Pid;
use pidone::machine::readers::{LOGS_MAX, LogId};
use pidone::wire::errno::EMFILE;
use pidone::wire::text::Line;
use syscalls::{Sysno, raw_syscall};

use super::fd::{self, Fd};
use super::kernel::{self, Result};
use super::start::joined;
use super::stream;

/// So many descriptors logs leave free: for the pipe of each unit that is on its way to be ready,
/// and for the inittab, which may be what makes room.
const RESERVE: u64 = 80;

/// How many descriptors we may have.
fn descriptors() -> u64 {
    const RLIMIT_NOFILE: usize = 7;
    let mut limit = [0u64; 2];
    // SAFETY: the kernel writes two numbers.
    unsafe { raw_syscall!(Sysno::getrlimit, RLIMIT_NOFILE, limit.as_mut_ptr()) };
    limit[0]
}

/// What there is of one log. While it is left, our end to write to is closed.
struct Pipe {
    read: Fd,
    write: Fd,
    spool: Fd,
}

/// All of them, by their numbers.
pub struct Logs {
    pipes: Vec<Pipe, LOGS_MAX>,
}

/// What a reader is to do.
pub struct Reading<'a> {
    read: i32,
    spool: i32,
    /// The second field of its unit's line.
    pub options: &'a [u8],
    /// What the unit is called, and which one of that name it is.
    pub name: (&'a [u8], u16),
}

/// A reader: it takes its descriptors with [`Reading::take_over`] and never returns.
pub type Begin = extern "C" fn(&Reading<'_>) -> !;

impl Logs {
    /// No logs.
    pub const fn new() -> Self {
        Logs { pipes: Vec::new() }
    }

    /// Where units write to, opened if it is not yet, or not any more.
    pub fn open(&mut self, log: Option<LogId>) -> Result<i32> {
        let place = log.map_or(LOGS_MAX, LogId::place);
        while self.pipes.len() <= place {
            let none = Pipe { read: Fd::NONE, write: Fd::NONE, spool: Fd::NONE };
            self.pipes.push(none).map_err(|_| EMFILE)?;
        }
        self.pipes.get_mut(place).ok_or(EMFILE)?.open()
    }

    /// Begins the reader of a log.
    pub fn begin(
        &mut self,
        log: LogId,
        options: &[u8],
        name: (&[u8], u16),
        begin: Begin,
    ) -> Result<Pid> {
        // Without our end to write to it would find the end of the pipe as soon as nobody writes.
        self.open(Some(log))?;
        let pipe = self.pipes.get(log.place()).ok_or(EMFILE)?;
        let reading = Reading { read: pipe.read.raw(), spool: pipe.spool.raw(), options, name };
        // SAFETY: a reader never returns.
        unsafe { kernel::fork(&reading, begin) }
    }

    /// Closes our end to write to, or all of a log.
    pub fn close(&mut self, log: LogId, whole: bool) {
        if let Some(pipe) = self.pipes.get_mut(log.place()) {
            pipe.write = Fd::NONE;
            if whole {
                (pipe.read, pipe.spool) = (Fd::NONE, Fd::NONE);
            }
        }
    }
}

impl Pipe {
    fn open(&mut self) -> Result<i32> {
        if !self.read.is_open() {
            let spool = stream::memory_file(c"spool");
            spool.opened()?;
            let (read, write) = fd::pipe()?;
            // The lowest number that is free is given out.
            if write.raw() as u64 + RESERVE > descriptors() {
                return Err(EMFILE);
            }
            (self.read, self.write, self.spool) = (read, write, spool);
        } else if !self.write.is_open() {
            let (mut number, mut room) = (Line::new(), Vec::<u8, 32>::new());
            number.number(self.read.raw() as u64);
            let path = joined(&mut room, &[b"/proc/self/fd/", number.as_bytes()]);
            self.write = Fd::open(path.unwrap_or(c""), fd::WRITE | fd::CLOSE_ON_EXEC);
            self.write.opened()?;
        }
        Ok(self.write.raw())
    }
}

impl Reading<'_> {
    /// Makes the calling process one of its own, with nothing of ours but the pipe and the spool:
    /// an end to write to that it kept would keep it from ever finding the end.
    pub fn take_over(&self) {
        const KEPT: i32 = 3;
        kernel::new_session();
        let null = Fd::open(c"/dev/null", fd::READ_WRITE);
        for (from, to) in [(self.read, 0), (null.raw(), 1), (null.raw(), 2)] {
            fd::pass_on(from, to);
        }
        // What lies at that number may be the end to read from, which has its place by now.
        fd::pass_on(self.spool, KEPT);
        kernel::close_the_rest(KEPT);
        // Where the kernel does not know how, they are still there.
        fd::close_listed_but([KEPT, KEPT]);
        null.keep();
        set_name(c"logger");
    }
}

/// Sets the name that process lists show.
fn set_name(name: &CStr) {
    const PR_SET_NAME: usize = 15;
    // SAFETY: the kernel reads a string.
    unsafe { raw_syscall!(Sysno::prctl, PR_SET_NAME, name.as_ptr()) };
}
