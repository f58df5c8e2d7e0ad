//! What a container's init says, in the manner of the program that it answers as.

use core::ffi::CStr;
use core::sync::atomic::{AtomicU32, Ordering};

use pidone::machine::Exit;
use pidone::machine::container::{Level, Story};
use pidone::wire::container::{Expected, Guise, Leads, Plan, Question, Trouble};
use pidone::wire::errno::ENOENT;
use pidone::wire::names::base_name;
use pidone::wire::signals::{self, Signal};
use pidone::wire::text::Line;

use crate::sys::container::main_child::Order;
use crate::sys::outlet::Outlet;
use crate::sys::start::Args;
use crate::sys::{fd, kernel};

const EACCES: u16 = 13;

/// How many messages nobody took. None is waited with: who does not read his messages must not
/// keep us from reaping.
static LOST: AtomicU32 = AtomicU32::new(0);

const LICENSE: &[u8] = b"\
pidone is free software, under the terms of the MIT license or of the Apache
License 2.0, whichever you choose. It comes without any warranty.
";

const USAGE: &[u8] = b"\
usage: pidone [OPTIONS] [--] COMMAND [ARGUMENT]...
       pidone [OPTIONS] -P

  -g                pass signals on to the command's process group
  -r, --rewrite A:B pass signal A on as B, or drop it if B is 0
  -e CODE           leave with 0 if the command leaves with CODE
  -p SIGNAL         have SIGNAL sent to us when our parent ends
  -s                adopt orphans even where we are not process 1 (always done)
  -P, --pause       run no command, reap orphans and wait for TERM or INT
  --grace TIME      at the end, TERM to everybody and wait as long for the last
  --stop A=TIME,... the same with these signals, KILL at the end
  --pre-stop COMMAND  run it before the first of them
  --syslog          bind /dev/log and put what is logged there on stderr
  -w                say which orphans are reaped
  -v                say more; up to three times
  -h, --help, -l, --license, --version

See pidone-container(8).
";

/// What follows the program's own name in both lines.
const TINI_VERSION: &[u8] = b" (tini version 0.19.0 - git.pidone)\nUsage: ";

const TINI_USAGE: &[u8] = b" [OPTIONS] PROGRAM -- [ARGS] | --version

  --version  the version      -h  this help          -l  the license
  -s  be a subreaper          -g  signal the group   -w  tell of reaped orphans
  -p SIGNAL  parent's death   -v  say more           -e CODE  leave with 0 for it
";

const DUMB_USAGE: &[u8] = b"dumb-init v1.2.5
Usage: dumb-init [option] command [[arg] ...]

  -c, --single-child  signal the child alone, in our session
  -r, --rewrite s:r   pass signal s on as r
  -v, --verbose  -h, --help  -V, --version
";

const CATATONIT_USAGE: &[u8] = b"\
usage: catatonit [-ghLPV] [--] <progname> [<arguments>...]

  -g  signal the group  -P, --pause  only reap  -h, --help  -L, --license
  -V, --version
";

/// What dumb-init's own tests compare to the letter.
const DUMB_REWRITING: &[u8] = b"\
Usage: -r option takes <signum>:<signum>, where <signum> is between 1 and 31.
This option can be specified multiple times.
Use --help for full usage.
";

/// Says how it is used, by the name that it was called by.
fn put_usage(to: i32, guise: Guise, args: Args) {
    if guise == Guise::Tini {
        let own = base_name(own_name(args));
        let mut line = Line::wide();
        let _ = fd::write(to, line.put(own).put(TINI_VERSION).put(own).as_bytes());
    }
    let _ = fd::write(to, usage(guise));
}

fn own_name(args: Args) -> &'static [u8] {
    args.get(0).map_or(&b"pidone"[..], CStr::to_bytes)
}

fn usage(guise: Guise) -> &'static [u8] {
    match guise {
        Guise::Pidone => USAGE,
        Guise::Tini => TINI_USAGE,
        Guise::DumbInit => DUMB_USAGE,
        Guise::Catatonit => CATATONIT_USAGE,
        Guise::Pause => b"usage: pause [-v]\n",
    }
}

fn version(guise: Guise) -> &'static [u8] {
    match guise {
        Guise::Pidone => super::VERSION,
        // The docker daemon takes this form apart and shows what stands behind git.
        Guise::Tini => b"tini version 0.19.0 - git.pidone\n",
        Guise::DumbInit => b"dumb-init v1.2.5\n",
        Guise::Catatonit => b"tini version 0.2.1_catatonit\n",
        Guise::Pause => b"pause.c 3.10\n",
    }
}

/// The exit code when a command line is not understood.
fn misused(guise: Guise) -> i32 {
    if guise == Guise::Pidone { super::USAGE } else { 1 }
}

/// The exit code when the system refuses what we need.
#[cold]
#[inline(never)]
pub fn refused(guise: Guise) -> i32 {
    if guise == Guise::Pidone { super::REFUSED } else { 1 }
}

/// Says why nothing is run; the exit code.
#[cold]
#[inline(never)]
pub fn answer(guise: Guise, args: Args, trouble: Trouble<'_>) -> i32 {
    let mut line = Line::wide();
    line.put(own_name(args)).put(b": ");
    match trouble {
        Trouble::Asked(question) => return tell_about(guise, args, question),
        Trouble::Letter(letter) => line.put(b"invalid option -- '").quote(&[letter]).put(b"'"),
        Trouble::Name(name) => line.put(b"unrecognized option '--").quote(name).put(b"'"),
        Trouble::Lacking(name) if name.len() > 1 => {
            line.put(b"option '--").quote(name).put(b"' requires an argument")
        }
        Trouble::Lacking(name) => {
            line.put(b"option requires an argument -- '").quote(name).put(b"'")
        }
        Trouble::Value { expected: Expected::Rewriting, .. } if guise == Guise::DumbInit => {
            let _ = fd::write(2, DUMB_REWRITING);
            return misused(guise);
        }
        Trouble::Value { option, value, expected } => {
            line.put(b"option -").put(option_name(&option)).put(b": '").quote(value);
            line.put(b"' is not ").put(expected_words(expected))
        }
    };
    line.put(b"\n");
    let _ = fd::write(2, line.as_bytes());
    if let Trouble::Value {
        expected: Expected::Signal | Expected::Rewriting | Expected::Steps,
        ..
    } = trouble
    {
        list_signals();
    } else if guise != Guise::DumbInit {
        put_usage(2, guise, args);
    }
    misused(guise)
}

/// What stands behind the dash of an option that takes a value: its letter, or its long name.
fn option_name(letter: &u8) -> &[u8] {
    match letter {
        b'1' => b"-grace",
        b'2' => b"-stop",
        b'3' => b"-pre-stop",
        _ => core::slice::from_ref(letter),
    }
}

fn expected_words(expected: Expected) -> &'static [u8] {
    match expected {
        Expected::Signal => b"a signal",
        Expected::Code => b"a number from 0 to 255",
        Expected::Rewriting => b"two signals with a colon between them",
        Expected::Span => b"a time such as 500ms, 10s or 2m",
        Expected::Steps => b"a list such as TERM=30s,QUIT=10s,KILL",
        Expected::Command => b"a command of at most 1024 bytes",
    }
}

fn list_signals() {
    let mut line = Line::wide();
    line.put(b"signals: 1 to 64, ").put(signals::NAMES).put(b", RTMIN to RTMIN+30\n");
    let _ = fd::write(2, line.as_bytes());
}

/// Answers a question; the exit code.
fn tell_about(guise: Guise, args: Args, question: Question) -> i32 {
    let to_errors = match question {
        Question::Help => matches!(guise, Guise::DumbInit | Guise::Catatonit),
        Question::Version => guise == Guise::DumbInit,
        Question::License => false,
    };
    let to = if to_errors { 2 } else { 1 };
    match question {
        Question::Help => put_usage(to, guise, args),
        Question::Version => drop(fd::write(to, version(guise))),
        Question::License => drop(fd::write(to, LICENSE)),
    }
    0
}

/// Says that there is no command; the exit code.
#[cold]
#[inline(never)]
pub fn no_command(guise: Guise, args: Args) -> i32 {
    let mut line = Line::wide();
    match guise {
        Guise::DumbInit => {
            let own = own_name(args);
            line.put(b"Usage: ").put(own).put(b" [option] program [args]\nTry ");
            line.put(own).put(b" --help for full usage.\n");
        }
        Guise::Catatonit => {
            begin_catatonit(&mut line, b"ERROR").put(b"missing program name\n");
        }
        Guise::Pidone | Guise::Tini | Guise::Pause => {}
    }
    let _ = fd::write(2, line.as_bytes());
    if guise != Guise::DumbInit {
        put_usage(2, guise, args);
    }
    misused(guise)
}

/// catatonit ends where somebody uses a variable that it keeps for later; the exit code.
#[cold]
#[inline(never)]
pub fn reserved() -> i32 {
    let mut line = Line::wide();
    begin_catatonit(&mut line, b"ERROR").put(b"CATATONIT_LOG is reserved for future use\n");
    let _ = fd::write(2, line.as_bytes());
    misused(Guise::Catatonit)
}

fn begin_catatonit<'a>(line: &'a mut Line, level: &[u8]) -> &'a mut Line {
    line.put(level).put(b" (catatonit:").number(kernel::own_pid() as u64).put(b"): ")
}

/// Says that an init is process 1 or nothing; the exit code.
#[cold]
#[inline(never)]
pub fn nothing_to_do(args: Args) -> i32 {
    let _ = fd::write(2, b"pidone: not started as process 1; nothing to do\n");
    no_command(Guise::Pidone, args)
}

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
