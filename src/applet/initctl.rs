//! initctl: asks at the control socket how the units are, and has something done to them.

use core::ffi::CStr;

use pidone::wire::control::{self, ANSWER_MAX, Answered, RELOAD, STATUS, VERBS};
use pidone::wire::errno::{ECONNREFUSED, EINVAL, EPERM, ETIMEDOUT};
use pidone::wire::names::{place, take};
use pidone::wire::text::Line;

use super::{refused, report, say, usage};
use crate::sys::control::ask_at;
use crate::sys::deed::CONTROL;
use crate::sys::fd::{self, Fd};
use crate::sys::kernel::{Result, own_user};
use crate::sys::start::Args;
use crate::sys::stream::{self, Poll};

const NAME: &[u8] = b"initctl";

const HELP: &[u8] = b"\
usage: initctl [-S SOCKET] status [UNIT]
       initctl [-S SOCKET] start|stop|restart UNIT
       initctl [-S SOCKET] reload
";

/// How long, in milliseconds, an answer is waited for. Process 1 answers within some milliseconds,
/// and on a machine that swaps within some seconds.
const PATIENCE_MS: i32 = 10_000;

/// The exit codes of `status` for a unit, as the Linux Standard Base has them.
const NOT_UP: i32 = 3;
const UNKNOWN: i32 = 4;

/// Does what the words from this one on ask for.
pub fn run(args: Args, first: usize) -> i32 {
    let (path, next) = match args.get(first) {
        Some(letter) if letter == c"-S" => (args.get(first + 1), first + 2),
        _ => (Some(CONTROL), first),
    };
    let verb = args.get(next).unwrap_or_default().to_bytes();
    let unit = args.get(next + 1).map(CStr::to_bytes);
    let place = place(VERBS, verb);
    let wrong: Option<&[u8]> = match (place, unit) {
        (None, _) => Some(verb),
        (Some(RELOAD), Some(unit)) => Some(unit),
        (Some(STATUS | RELOAD), None) => None,
        (Some(_), None) => Some(b"no UNIT"),
        (Some(_), Some(_)) => args.get(next + 2).map(CStr::to_bytes),
    };
    let (None, Some(path)) = (wrong, path) else {
        return usage(wrong.unwrap_or_default(), NAME, HELP);
    };
    let asked = ask_at(path).and_then(|socket| match place {
        Some(STATUS) => status(&socket, unit),
        _ => command(&socket, verb, unit.unwrap_or_default()),
    });
    match asked {
        Ok(code) => code,
        Err(errno) => refused(b"initctl: cannot ask at %q: %e", path.to_bytes(), errno),
    }
}

/// Has something done; the exit code.
fn command(socket: &Fd, verb: &[u8], unit: &[u8]) -> Result<i32> {
    let (mut request, mut room) = (Line::new(), [0; ANSWER_MAX]);
    request.compose(b"%n %x %q\n", [unit, verb], 1);
    let answer = ask(socket, &request, &mut room)?;
    Ok(say(2, answer.text, answer.code.into()))
}

/// Shows all units, or one; the exit code.
fn status(socket: &Fd, unit: Option<&[u8]>) -> Result<i32> {
    let mut code = if unit.is_some() { UNKNOWN } else { 0 };
    let mut from = 0;
    loop {
        let (mut request, mut room) = (Line::new(), [0; ANSWER_MAX]);
        request.compose(b"1 status %n\n", [b"", b""], from.into());
        let answer = ask(socket, &request, &mut room)?;
        if answer.code != control::FINE {
            return Ok(say(2, answer.text, answer.code.into()));
        }
        match unit {
            None => _ = fd::write(1, answer.text),
            Some(unit) => code = show(answer.text, unit).unwrap_or(code),
        }
        if answer.next <= from {
            break;
        }
        from = answer.next;
    }
    if code == UNKNOWN {
        report(2, b"initctl: there is no unit '%q'", [unit.unwrap_or_default(), b""], 0, code);
    }
    Ok(code)
}

/// Shows the line of a unit, if it is among these; whether the unit is up.
fn show(lines: &[u8], unit: &[u8]) -> Option<i32> {
    let mut rest = lines;
    while !rest.is_empty() {
        let line = take(&mut rest, b'\n');
        let mut words = line;
        if take(&mut words, b' ') == unit {
            let code = if take(&mut words, b' ') == b"up" { 0 } else { NOT_UP };
            return Some(report(1, b"%x", [b"", line], 0, code));
        }
    }
    None
}

/// Sends a request, and waits for the answer.
fn ask<'a>(socket: &Fd, request: &Line, room: &'a mut [u8]) -> Result<Answered<'a>> {
    let waits = |poll| match stream::poll(&mut [poll], PATIENCE_MS) {
        true => Ok(()),
        false => Err(ETIMEDOUT),
    };
    waits(Poll::output(socket.raw()))?;
    fd::send(socket.raw(), request.as_bytes())?;
    waits(Poll::input(socket.raw()))?;
    let (user, len) = socket.receive_of(room).ok_or(ECONNREFUSED)?;
    // Root hears whoever owns the socket; others hear only whom they can trust.
    let own = own_user();
    if own != 0 && user != 0 && user != own {
        return Err(EPERM);
    }
    control::answer(room.get(..len).unwrap_or(&[])).ok_or(EINVAL)
}
