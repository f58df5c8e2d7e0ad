//! What a container's init answers to its command line, in the manner of the program that it
//! answers as.

use core::ffi::CStr;

use pidone::wire::container::{Expected, Guise, Question, Trouble};
use pidone::wire::names::base_name;
use pidone::wire::signals;
use pidone::wire::text::Line;

use crate::sys::start::Args;
use crate::sys::{fd, kernel};

const LICENSE: &[u8] = b"\
pidone is free software, under the terms of the MIT license or of the Apache
License 2.0, whichever you choose. It comes without any warranty.
";

const USAGE: &[u8] = b"\
usage: pidone [OPTIONS] [--] COMMAND [ARGUMENT]...
       pidone [OPTIONS] -P
       pidone supervise|daemon|initctl|getty|logger ...

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

pub fn begin_catatonit<'a>(line: &'a mut Line, level: &[u8]) -> &'a mut Line {
    line.put(level).put(b" (catatonit:").number(kernel::own_pid() as u64).put(b"): ")
}

/// Says that an init is process 1 or nothing; the exit code.
#[cold]
#[inline(never)]
pub fn nothing_to_do(args: Args) -> i32 {
    let _ = fd::write(2, b"pidone: not started as process 1; nothing to do\n");
    no_command(Guise::Pidone, args)
}
