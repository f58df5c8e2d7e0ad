//! The process that keeps a daemon: it holds the pidfile's lock, passes signals on, and starts the
//! program again where it is to. It is by the book itself, the child of a child in a new session,
//! and leads none: neither it nor the program gets a controlling terminal any more.

use core::ffi::CStr;

use heapless::Vec;
use pidone::machine::time::Chance;
use pidone::machine::unit::{Ending, Rules, State, Stimulus, Then, Unit};
use pidone::machine::{Exit, Fault, Pid, Refusal, Step};
use pidone::wire::letters::bare;
use pidone::wire::options::Ready;
use pidone::wire::signals::Signal;
use pidone::wire::syslog::{self, Level};
use pidone::wire::text::Line;
use pidone::wire::{errno, names, options};

use super::report;
use crate::sys::calls;
use crate::sys::child::{Board, Manner, Order, Output, Program};
use crate::sys::daemon::{self, Birth};
use crate::sys::ears::NAME_MAX;
use crate::sys::fd::{self, Fd};
use crate::sys::files;
use crate::sys::kernel::{self, Reaped};
use crate::sys::pidfile::{Lock, PidFile};
use crate::sys::start::Args;

/// What is to be kept, and how.
pub struct Job {
    /// The words that we were called with.
    pub args: Args,
    /// The number of the first one of the command.
    pub command: usize,
    /// The options, as for a unit.
    pub field: &'static [u8],
    /// The pidfile, with its NUL.
    pub path: &'static [u8],
    /// The files for 0, 1 and 2, each with its NUL.
    pub files: [Option<&'static [u8]>; 3],
    /// The rules of the unit.
    pub rules: Rules,
    /// Its stop signal.
    pub stop: Signal,
    /// The number of the pipe in which the caller is told why nothing runs.
    pub tell: i32,
    /// How the program says that it is ready.
    pub ready: Ready,
    /// The number of a pipe: the program says there that it is ready, or its end closes it.
    pub gate: i32,
    /// The name of the socket at which the program says it, or empty.
    pub notify: Vec<u8, NAME_MAX>,
    /// The numbers of the caller's ends of both.
    pub callers: [i32; 2],
}

/// The permissions of a new log file.
const MODE: u32 = 0o640;

/// So many variables of the caller's may go on to a program that is to be set up.
const VARS_MAX: usize = 100;

/// Tells the caller why nothing runs.
fn fail(job: &Job, why: &[u8], object: &[u8], number: u64) -> ! {
    kernel::exit(report(job.tell, why, [object, b""], number, 0))
}

/// Says that there is no process for a keeper.
pub fn not_forked(job: &Job, errno: u16) {
    fail(job, b"daemon: cannot fork: %e", b"", errno.into())
}

impl Job {
    fn program(&self) -> &'static CStr {
        self.args.get(self.command).unwrap_or(c"")
    }
}

/// Keeps the program until it is over.
pub extern "C" fn keep(job: &Job) -> ! {
    drop(job.callers.map(Fd::adopt));
    let file = match PidFile::take(job.path) {
        Ok((file, Lock::Ours)) => file,
        Ok((_, lock)) => already(job, lock),
        Err(errno) => fail(job, b"daemon: cannot lock %q: %e", bare(job.path), errno.into()),
    };
    if let Err((why, object, errno)) = prepare(job) {
        file.remove(job.path);
        fail(job, why, object, errno.into());
    }
    let mut keeper = Keeper {
        job,
        file,
        unit: Unit::new(),
        chance: Chance::new(),
        tell: Fd::adopt(job.tell),
        gate: Fd::adopt(job.gate),
    };
    keeper.chance.seed(calls::seed());
    keeper.step(Stimulus::Start);
    while !keeper.unit.state.is_over() {
        keeper.act();
    }
    keeper.file.remove(job.path);
    kernel::exit(0)
}

/// What could not be done, on what, and why not.
type Trouble = (&'static [u8], &'static [u8], u16);

/// Opens the files for 0, 1 and 2, and looks whether the rest is fit.
fn prepare(job: &Job) -> Result<(), Trouble> {
    for (number, name) in (0..).zip(job.files) {
        let how = if number == 0 { fd::READ } else { fd::WRITE | files::CREATE };
        let name = name.unwrap_or(b"/dev/null\0");
        let cannot = |errno| (&b"daemon: cannot open %q: %e"[..], bare(name), errno);
        fd::place_log(&files::open(name, how, MODE).map_err(cannot)?, number);
    }
    if job.args.env().count() > VARS_MAX {
        return Err((b"daemon: cannot pass on all of the environment: %e", b"", errno::E2BIG));
    }
    Ok(())
}

/// Tells the caller why there is no program.
fn no_program(job: &Job, Fault { step, errno }: Fault) -> ! {
    let Step::Setting(place) = step else {
        let program = job.program().to_bytes();
        fail(job, b"daemon: cannot execute %q: %e", program, errno.into());
    };
    let option = names::at(options::SETTINGS, place.into()).unwrap_or(b"");
    let why: &[u8] = match errno {
        errno::ESRCH => b"daemon: there is no such %q",
        _ => b"daemon: cannot carry out the option %q: %e",
    };
    fail(job, why, option, errno.into())
}

/// Tells the caller that the program is kept already.
fn already(job: &Job, lock: Lock) -> ! {
    let (why, keeper): (&[u8], _) = match lock {
        Lock::Held(Pid(keeper @ 1..)) => {
            (b"daemon: %q is locked: it runs already, kept by process %n", keeper)
        }
        _ => (b"daemon: %q is locked by a process of another namespace", 0),
    };
    fail(job, why, bare(job.path), keeper as u64)
}

struct Keeper<'a> {
    job: &'a Job,
    file: PidFile,
    unit: Unit,
    chance: Chance,
    /// Open until the program runs for the first time.
    tell: Fd,
    gate: Fd,
}

impl Keeper<'_> {
    fn step(&mut self, what: Stimulus) {
        self.unit.step(kernel::now(), &self.job.rules, &mut self.chance, what);
    }

    /// Does what the unit's state asks for, or waits.
    #[inline(never)] // Apart, it and its caller fit into registers.
    fn act(&mut self) {
        match self.unit.state {
            State::Due => self.start(),
            State::Leaving { pid, .. } => {
                kernel::signal_group(pid, self.job.stop);
                kernel::signal_group(pid, Signal::CONT);
                self.step(Stimulus::Signalled);
            }
            State::Overdue { pid, .. } => {
                kernel::signal_group(pid, Signal::KILL);
                self.step(Stimulus::Signalled);
            }
            state => match kernel::wait_signal(kernel::OURS, state.deadline()) {
                Some(news) => self.hear(news.signal()),
                None => self.step(Stimulus::Tick),
            },
        }
    }

    fn hear(&mut self, signal: Signal) {
        match (signal, self.unit.state) {
            (Signal::CHLD, _) => self.reap(),
            (Signal::TERM | Signal::INT, State::Stopping { .. }) => self.step(Stimulus::Expire),
            (Signal::TERM | Signal::INT, _) => self.step(Stimulus::Stop(Then::Rest)),
            (Signal::HUP | Signal::USR1 | Signal::USR2, state) => {
                let _ = state.pid().map(|pid| kernel::send(pid.0, signal));
            }
            _ => {}
        }
    }

    fn reap(&mut self) {
        while let Reaped::Child(pid, exit) = kernel::reap(kernel::ANY) {
            if self.unit.state.pid() == Some(pid) {
                self.ended(pid, exit);
            }
        }
    }

    fn ended(&mut self, pid: Pid, exit: Exit) {
        let fault = match exit {
            Exit::Code(code) => Board::word_of(pid, code),
            Exit::Signal(_) => None,
        };
        if let Some(fault) = fault.filter(|_| self.tell.is_open()) {
            self.file.remove(self.job.path);
            no_program(self.job, fault);
        }
        // Whoever has not said by now that it is ready will not.
        self.gate = Fd::NONE;
        let before = self.unit.state;
        self.step(Stimulus::Exited(Ending::of(exit, fault)));
        if let State::Up { .. } = before {
            self.tell_end(exit);
        }
    }

    /// Tells syslog that the program has ended by itself, and what happens next.
    fn tell_end(&self, exit: Exit) {
        let mut line = Line::wide();
        syslog::priority(&mut line, Level::Warning as u8);
        let (end, number): (&[u8], _) = match exit {
            Exit::Code(code) => (b"daemon: %q ended with code %n", code),
            Exit::Signal(signal) => (b"daemon: %q ended by signal %n", signal.0),
        };
        line.compose(end, [self.job.program().to_bytes(), b""], number.into());
        let (next, span): (&[u8], _) = match self.unit.state {
            State::Due => (b"; started again", 0),
            State::Backoff { until } => (b"; next start in %s", until.since(kernel::now())),
            _ => (b"; not started again", 0),
        };
        line.compose(next, [b"", b""], span);
        fd::log(line.as_bytes());
    }

    fn start(&mut self) {
        let (word, word_in) = fd::pipe().unwrap_or((Fd::NONE, Fd::NONE));
        let args = self.job.args;
        let birth = Birth {
            order: Order {
                condition: b"",
                program: Program {
                    path: self.job.program(),
                    folders: args.path(),
                    argv: args.pointer(self.job.command),
                },
                options: self.job.field,
                output: Output::Terminal,
                gate: None,
                notify: if self.tell.is_open() { &self.job.notify } else { b"" },
                instance: 0,
                group: None,
                envp: args.env_pointer(),
                terminal: None,
                manner: Manner::Plain,
                board: Board::shared(),
            },
            stop: self.job.stop,
            gate: &self.gate,
            shows: self.job.ready == Ready::Newline && self.gate.is_open(),
            word: &word_in,
        };
        let pid = match daemon::bear(&birth) {
            Ok(pid) => pid,
            Err(errno) => return self.refused(errno),
        };
        self.file.write(pid);
        self.step(Stimulus::Spawned(pid));
        drop(word_in);
        // The caller comes back when this program runs; a later one may take as long as it likes.
        if self.tell.is_open() && fd::read(word.raw(), &mut [0]) == Ok(0) {
            self.tell = Fd::NONE;
            if self.job.ready != Ready::Notify {
                self.gate = Fd::NONE;
            }
        }
    }

    fn refused(&mut self, errno: u16) {
        if self.tell.is_open() {
            self.file.remove(self.job.path);
            not_forked(self.job, errno);
        }
        self.step(Stimulus::Refused(Refusal::Fault(Fault { step: Step::Fork, errno })));
    }
}
