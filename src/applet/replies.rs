//! What a container's init says, in the manner of the program that it answers as.

use core::ffi::CStr;
use core::sync::atomic::{AtomicU32, Ordering};

use pidone::machine::Exit;
use pidone::machine::container::{Level, Story};
use pidone::wire::container::{Guise, Leads, Plan};
use pidone::wire::errno::{EACCES, ENOENT};
use pidone::wire::signals::{self, Signal};
use pidone::wire::text::Line;

use super::usage::begin_catatonit;
use crate::sys::container::main_child::Order;
use crate::sys::outlet::Outlet;
use crate::sys::start::Args;
use crate::sys::{fd, kernel};

/// How many messages nobody took. None is waited with: who does not read his messages must not
/// keep us from reaping.
static LOST: AtomicU32 = AtomicU32::new(0);

/// Begins a message, unless nobody wants it.
fn begin(plan: &Plan<'_>, level: Level) -> Option<Line> {
    if plan.verbosity < level as u8 {
        return None;
    }
    let mut line = Line::wide();
    let pid = kernel::own_pid() as u64;
    match (plan.guise, level) {
        (Guise::Pidone, _) => line.put(b"pidone: "),
        (Guise::Tini, level) => {
            let name: &[u8] = match level {
                Level::Fatal => b"[FATAL tini (",
                Level::Warning => b"[WARN  tini (",
                Level::Info => b"[INFO  tini (",
                Level::Debug => b"[DEBUG tini (",
            };
            line.put(name).number(pid).put(b")] ")
        }
        (Guise::DumbInit, _) => line.put(b"[dumb-init] "),
        (Guise::Catatonit, level) => {
            let name: &[u8] = match level {
                Level::Fatal => b"ERROR",
                Level::Warning => b"WARN",
                Level::Info => b"INFO",
                Level::Debug => b"DEBUG",
            };
            begin_catatonit(&mut line, name)
        }
        (Guise::Pause, _) => &mut line,
    };
    Some(line)
}

fn finish(plan: &Plan<'_>, level: Level, mut line: Line) {
    line.put(b"\n");
    // tini says the course of things on its standard output.
    let to = if plan.guise == Guise::Tini && level > Level::Warning { 1 } else { 2 };
    let outlet = Outlet::open(to);
    let lost = LOST.load(Ordering::Relaxed);
    if lost > 0 {
        let mut account = Line::new();
        account.number(lost.into()).put(b" messages were lost: nobody took them\n");
        if outlet.write(account.as_bytes()).is_ok() {
            LOST.store(0, Ordering::Relaxed);
        }
    }
    if outlet.write(line.as_bytes()).is_err() {
        LOST.fetch_add(1, Ordering::Relaxed);
    }
}

/// We are not process 1 and were not asked for adopting orphans.
#[cold]
#[inline(never)]
pub fn not_first(plan: &Plan<'_>) {
    if plan.guise == Guise::Pause {
        let _ = fd::write(2, b"Warning: pause should be the first process\n");
    } else if let Some(mut line) = begin(plan, Level::Warning) {
        // tini's own tests look for the middle of this.
        line.put(b"Tini is not running as PID 1 and isn't registered as a child subreaper: ");
        line.put(b"zombie reaping won't work; -s or TINI_SUBREAPER registers it");
        finish(plan, Level::Warning, line);
    }
}

/// /dev/log could not be taken.
#[cold]
#[inline(never)]
pub fn no_journal(plan: &Plan<'_>, errno: u16) {
    if let Some(mut line) = begin(plan, Level::Warning) {
        line.put(b"/dev/log cannot be taken: ")
            .error(errno)
            .put(b"; what is sent there is not shown");
        finish(plan, Level::Warning, line);
    }
}

/// There was no process to be had.
#[cold]
#[inline(never)]
pub fn not_forked(plan: &Plan<'_>, errno: u16) {
    if let Some(mut line) = begin(plan, Level::Fatal) {
        line.put(b"fork failed: ").error(errno);
        finish(plan, Level::Fatal, line);
    }
}

/// The command could not be executed; the exit code.
#[cold]
#[inline(never)]
pub fn not_executed(plan: &Plan<'_>, order: &Order, errno: u16) -> u8 {
    let name = order.args.get(1).map_or(&b""[..], CStr::to_bytes);
    if let Some(mut line) = begin(plan, Level::Fatal) {
        match plan.guise {
            Guise::DumbInit => line.quote(name).put(b": "),
            Guise::Catatonit => line.put(b"failed to exec pid1: "),
            _ => line.put(b"exec ").quote(name).put(b" failed: "),
        };
        line.error(errno);
        finish(plan, Level::Fatal, line);
    }
    match (plan.guise, errno) {
        (Guise::DumbInit, _) => 2,
        (Guise::Catatonit, _) => 1,
        (_, ENOENT) => 127,
        (Guise::Tini, errno) if errno != EACCES => 1,
        _ => 126,
    }
}

/// Tells a story, if it is wanted.
#[cold]
#[inline(never)]
pub fn tell(plan: &Plan<'_>, args: Args, story: Story) {
    let level = story.level();
    let Some(mut line) = begin(plan, level) else { return };
    if plan.guise == Guise::DumbInit && level > Level::Warning {
        return tell_as_dumb_init(plan, story);
    }
    let name = args.get(1).map_or(&b""[..], CStr::to_bytes);
    match story {
        Story::Started { pid } => {
            line.put(b"Spawned child process '").quote(name).put(b"' with pid '");
            line.number(pid.0 as u64).put(b"'")
        }
        Story::Ended { exit: Exit::Code(code), .. } => {
            line.put(b"Main child exited normally (with status '").number(code.into()).put(b"')")
        }
        Story::Ended { exit: Exit::Signal(signal), .. } => {
            line.put(b"Main child exited with signal (with signal '");
            put_signal(&mut line, signal).put(b"')")
        }
        Story::Reaped { pid } => line.put(b"Reaped zombie process with pid=").number(pid.0 as u64),
        Story::Relaying { signal } | Story::Translating { signal, .. } => {
            line.put(b"Passing signal: '");
            put_signal(&mut line, signal).put(b"'")
        }
        Story::NotRelayed { signal, errno } => {
            put_signal(line.put(b"signal "), signal).put(b" was not passed on to ");
            line.quote(name).put(b": ").error(errno).put(b"; it goes on")
        }
        Story::NotHooked { errno } => {
            line.put(b"the command before the stop was not started: ").error(errno)
        }
        Story::HookFailed { exit: Exit::Code(code) } => {
            line.put(b"the command before the stop failed with code ").number(code.into())
        }
        Story::HookFailed { exit: Exit::Signal(signal) } => {
            put_signal(line.put(b"the command before the stop was ended by "), signal)
        }
        Story::Leaving { signal } => {
            let interrupt = signal == Signal::INT;
            line.put(b"Shutting down, got signal: ");
            line.put(if interrupt { b"Interrupt" } else { b"Terminated" })
        }
        Story::Late => line.put(b"processes are left at the end of the grace; KILL to all of them"),
    };
    finish(plan, level, line);
}

/// dumb-init says more lines of everything, and its own tests read them.
fn tell_as_dumb_init(plan: &Plan<'_>, story: Story) {
    let say = |parts: &[&[u8]], numbers: &[u64]| {
        let Some(mut line) = begin(plan, Level::Info) else { return };
        for (index, part) in parts.iter().enumerate() {
            line.put(part);
            if let Some(&number) = numbers.get(index) {
                line.number(number);
            }
        }
        line.put(b".");
        finish(plan, Level::Info, line);
    };
    let forwarded = |signal: Signal| {
        say(&[b"Forwarded signal ", b" to children"], &[signal.0.into()]);
    };
    match story {
        Story::Started { pid } => {
            say(&[b"Child spawned with PID "], &[pid.0 as u64]);
            if plan.leads == Leads::Session {
                say(&[b"setsid complete"], &[]);
            }
        }
        Story::Ended { pid, exit } => {
            let (how, number): (&[u8], u64) = match exit {
                Exit::Code(code) => (b" exited with exit status ", code.into()),
                Exit::Signal(signal) => (b" was terminated by signal ", signal.0.into()),
            };
            say(&[b"Received signal "], &[Signal::CHLD.0.into()]);
            say(&[b"A child with PID ", how], &[pid.0 as u64, number]);
            plan.passed_on(Signal::TERM).map(forwarded);
            let code = number + if matches!(exit, Exit::Signal(_)) { 128 } else { 0 };
            say(&[b"Child exited with status ", b". Goodbye"], &[code]);
        }
        Story::Translating { heard, signal } => {
            say(&[b"Received signal "], &[heard.0.into()]);
            if heard != signal {
                say(&[b"Translating signal ", b" to "], &[heard.0.into(), signal.0.into()]);
            }
            forwarded(signal);
        }
        Story::Reaped { .. } | Story::NotRelayed { .. } | Story::NotHooked { .. } => {}
        Story::Relaying { .. } | Story::HookFailed { .. } => {}
        Story::Late | Story::Leaving { .. } => {}
    }
}

/// dumb-init's terminal was given up, and what came of that is not passed on.
#[cold]
#[inline(never)]
pub fn handed_off(plan: &Plan<'_>) {
    for signal in [Signal::HUP, Signal::CONT] {
        if let Some(mut line) = begin(plan, Level::Info) {
            line.put(b"Ignoring tty hand-off signal ").number(signal.0.into()).put(b".");
            finish(plan, Level::Info, line);
        }
    }
}

fn put_signal(line: &mut Line, signal: Signal) -> &mut Line {
    match signals::name(signal) {
        Some(name) => line.put(b"SIG").put(name),
        None => line.put(b"RTMIN+").number(u64::from(signal.0.saturating_sub(signals::SIGRTMIN))),
    }
}
