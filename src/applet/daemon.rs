//! daemon: makes any program a daemon, of which there is one, and looks after it.

use heapless::Vec;
use pidone::machine::unit::Rules;
use pidone::machine::{Pid, table};
use pidone::wire::errno::{EMFILE, ENOENT};
use pidone::wire::letters::{Letters, bare};
use pidone::wire::names::{begins, place, take};
use pidone::wire::notify::{self, MESSAGE_MAX, Notice};
use pidone::wire::options::{Options, Ready, Restart};
use pidone::wire::signals::Signal;
use pidone::wire::value::{Millis, span};

use super::keeper::{self, Job};
use super::{refused, report, say, usage};
use crate::sys::calls;
use crate::sys::daemon::{Calling, detach};
use crate::sys::fd::{self, Fd};
use crate::sys::kernel;
use crate::sys::pidfile::{self, Lock, PidFile};
use crate::sys::start::{Args, place_from, words};
use crate::sys::stream::{self, Poll};

/// What we are called in messages.
const NAME: &[u8] = b"daemon";

const HELP: &[u8] = b"\
usage: pidone daemon start|restart -p PIDFILE [-r] [-o OPTION,...] [-t TIME]
         [-0 FILE] [-1 FILE] [-2 FILE] [--] COMMAND [ARGUMENT]...
       pidone daemon stop|status|reload -p PIDFILE [-o grace=TIME]
";

const VERBS: &[u8] = b"start stop restart status reload";

/// The options of inittab(5) that mean something here: how it is kept, and how it is set up.
const KNOWN: &[u8] = b"restart delay max-delay max stop grace ready \
umask nice oom nofile env user group root dir nnp";

/// So long, in milliseconds, a program has to get ready where nothing else is said.
const LIMIT: Millis = 60_000;

/// No grace is given.
const UNSET: Millis = Millis::MAX;

/// So long, in milliseconds, `stop` waits where nothing else is said: it does not know which grace
/// the program was started with.
const STOP_WAIT: Millis = 60_000;

/// So long, in milliseconds, KILL is given to end what hangs in the kernel.
const KILL_WAIT: Millis = 5_000;

/// The exit codes of `status`, as the Linux Standard Base has them for init scripts.
const DEAD: i32 = 1;
const NOT_RUNNING: i32 = 3;
const UNKNOWN: i32 = 4;

/// Does what the words from this one on ask for.
pub fn run(args: Args, first: usize) -> i32 {
    let mut words = words(args, first);
    let verb = take(&mut words, 0);
    let Some(which) = place(VERBS, verb) else {
        return usage(verb, NAME, HELP);
    };
    let letters = Letters { known: b"r\0+pot012", names: b"", words };
    if let Some(wrong) = letters.wrong() {
        return usage(wrong, NAME, HELP);
    }
    let command = place_from(args, letters.rest());
    let given = |letter| letters.given(letter).map(bare);
    let field = given(b'o').unwrap_or(b"");
    let options = match read(field) {
        Ok(options) => options,
        Err(wrong) => return usage(wrong, NAME, HELP),
    };
    let grace = options.grace;
    let Some(path) = letters.given(b'p').filter(|path| begins(path, b'/')) else {
        return usage(b"no -p /PIDFILE", NAME, HELP);
    };
    let Some(limit) = given(b't').map_or(Some(LIMIT), |text| span(text, 1)) else {
        return usage(b"-t", NAME, HELP);
    };
    match which {
        1 => return stop(path, grace),
        3 => return status(path),
        4 => return reload(path),
        _ if command.is_none() => return usage(b"no command", NAME, HELP),
        2 => match stop(path, grace) {
            0 => {}
            code => return code,
        },
        _ => {}
    }
    let respawns = letters.given(b'r').is_some();
    let job = Job {
        args,
        command: command.unwrap_or(0),
        field,
        path,
        files: [letters.given(b'0'), letters.given(b'1'), letters.given(b'2')],
        rules: rules(&options, respawns),
        stop: options.stop.unwrap_or(Signal::TERM),
        tell: -1,
        ready: options.ready,
        gate: -1,
        notify: Vec::new(),
        callers: [-1, -1],
    };
    start(job, limit)
}

/// What the options come to; where one means nothing here or has no good value, that one.
fn read(field: &'static [u8]) -> Result<Options<'static>, &'static [u8]> {
    let mut rest = field;
    while !rest.is_empty() {
        let option = take(&mut rest, b',');
        let key = take(&mut { option }, b'=');
        if place(KNOWN, key).is_none() {
            return Err(option);
        }
    }
    let mut options = Options {
        name: b"",
        condition: b"",
        restart: None,
        ready: Ready::AtOnce,
        delay: table::DELAY,
        max_delay: table::MAX_DELAY,
        max: (0, 0),
        stop: None,
        grace: UNSET,
        barred: false,
    };
    let mut wrong = None;
    options.read(field, &mut |problem| wrong = Some(problem.option));
    let known = matches!(options.ready, Ready::AtOnce | Ready::Newline | Ready::Notify);
    wrong.or(if known { None } else { Some(field) }).map_or(Ok(options), Err)
}

/// The rules for a program, as for a unit.
fn rules(options: &Options<'_>, respawns: bool) -> Rules {
    let by_letter = if respawns { Restart::Always } else { Restart::No };
    let grace = options.grace;
    Rules {
        restart: options.restart.unwrap_or(by_letter),
        ready: Ready::AtOnce,
        follows: false,
        awaits_terminal: false,
        delay: options.delay,
        max_delay: options.max_delay,
        max: options.max,
        grace: if grace == UNSET { table::GRACE } else { grace },
    }
}

/// Starts the program: comes back when it runs, or is ready.
fn start(mut job: Job, limit: Millis) -> i32 {
    // Nothing that we were given goes on, and nothing that we open takes a standard place.
    kernel::close_the_rest(2);
    for number in 0..3 {
        if fd::is_closed(number) {
            Fd::open(c"/dev/null", fd::READ_WRITE).keep();
        }
    }
    let (Ok((word, tell)), Ok((gate, opens))) = (fd::pipe(), fd::pipe()) else {
        return refused(b"daemon: cannot make a pipe: %e", b"", EMFILE);
    };
    let mut socket = Fd::NONE;
    if job.ready == Ready::Notify {
        socket = Fd::notify().unwrap_or(Fd::NONE);
        match socket.name() {
            Ok(name) => drop(job.notify.extend_from_slice(&name)),
            Err(errno) => return refused(b"daemon: cannot make a socket: %e", b"", errno),
        }
    }
    job.callers = [word.raw(), gate.raw()];
    (job.tell, job.gate) = (tell.raw(), opens.raw());
    let calling = Calling { task: &job, body: keeper::keep, failed: keeper::not_forked };
    let session = match detach(&calling) {
        Ok(session) => session,
        Err(errno) => return refused(b"daemon: cannot fork: %e", b"", errno),
    };
    drop((tell, opens));
    let mut text = [0; 240];
    let mut failed = false;
    while let Ok(count @ 1..) = fd::read(word.raw(), &mut text) {
        failed = true;
        let _ = fd::write(2, text.get(..count as usize).unwrap_or(&[]));
    }
    if failed {
        return super::REFUSED;
    }
    if job.ready != Ready::AtOnce && !is_ready(&gate, &socket, session, limit) {
        say(2, b"daemon: the program did not get ready; it is stopped\n", 0);
        stop(job.path, job.rules.grace);
        return super::REFUSED;
    }
    0
}

/// Waits for the newline, or the message of a process of the session, that says that the program
/// is ready.
fn is_ready(gate: &Fd, socket: &Fd, session: Pid, limit: Millis) -> bool {
    let until = kernel::now().plus(limit);
    let mut byte = [0];
    let mut message = [0; MESSAGE_MAX];
    loop {
        let left = until.since(kernel::now());
        let mut polls = [Poll::input(gate.raw()), Poll::input(socket.raw())];
        if left == 0 || !stream::poll(&mut polls, left as i32) {
            return false;
        }
        if polls[1].is_ready()
            && let Some((pid, len)) = socket.receive(&mut message)
        {
            let mut ready = false;
            let said = message.get(..len).unwrap_or(&[]);
            notify::each(said, &mut |notice| ready |= matches!(notice, Notice::Ready));
            if ready && calls::session_of(pid) == session {
                return true;
            }
        } else {
            match fd::read(gate.raw(), &mut byte) {
                Ok(1) if byte == *b"\n" && !socket.is_open() => return true,
                Ok(1) => {}
                _ => return false,
            }
        }
    }
}

/// Says how it is.
fn tell(what: &[u8], code: i32) -> i32 {
    report(1, what, [b"", b""], 0, code)
}

/// The exit code of `status`.
fn status(path: &[u8]) -> i32 {
    match PidFile::open(path).and_then(|file| file.look()) {
        Ok(Lock::Held(pid)) => {
            report(1, b"daemon: running, kept by process %n", [b"", b""], pid.0 as u64, 0)
        }
        Ok(Lock::Free | Lock::Ours) => tell(b"daemon: dead, but the pidfile is there", DEAD),
        Err(ENOENT) => tell(NOT, NOT_RUNNING),
        Err(errno) => {
            refused(b"daemon: cannot look at %q: %e", bare(path), errno);
            UNKNOWN
        }
    }
}

const NOT: &[u8] = b"daemon: not running";

/// Says that the process could not be asked.
fn not_asked(path: &[u8], errno: u16) -> i32 {
    refused(b"daemon: cannot signal the process of %q: %e", bare(path), errno)
}

/// The process that keeps the program; nothing where none does.
fn keeper(path: &[u8]) -> kernel::Result<Option<Fd>> {
    let file = match PidFile::open(path) {
        Err(ENOENT) => return Ok(None),
        file => file?,
    };
    match file.look()? {
        Lock::Held(pid) => file.holder(pid).map(Some),
        Lock::Free | Lock::Ours => Ok(None),
    }
}

/// Has the program reload what it reloads at HUP.
fn reload(path: &[u8]) -> i32 {
    let sent = match keeper(path) {
        Ok(Some(process)) => pidfile::signal(&process, Signal::HUP),
        Ok(None) => return tell(NOT, super::REFUSED),
        Err(errno) => Err(errno),
    };
    match sent {
        Ok(_) => 0,
        Err(errno) => not_asked(path, errno),
    }
}

/// Stops the program and waits until it has ended. What is left of one that was killed is removed.
fn stop(path: &[u8], grace: Millis) -> i32 {
    let process = match keeper(path) {
        Ok(Some(process)) => process,
        Ok(None) => {
            if PidFile::open(path).is_ok()
                && let Ok((file, Lock::Ours)) = PidFile::take(path)
            {
                file.remove(path);
            }
            return tell(NOT, 0);
        }
        Err(errno) => return not_asked(path, errno),
    };
    // Asked once more, it does not wait for the grace to end.
    for wait in [if grace == UNSET { STOP_WAIT } else { grace }, KILL_WAIT] {
        if let Err(errno) = pidfile::signal(&process, Signal::TERM) {
            return not_asked(path, errno);
        }
        if stream::poll(&mut [Poll::input(process.raw())], wait as i32) {
            return 0;
        }
    }
    say(2, b"daemon: the program does not end, not even by KILL\n", super::REFUSED)
}
