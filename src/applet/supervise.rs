//! The units of an inittab of one's own, without being the init of a machine: in the foreground as
//! the entry point of a container, or as a daemon of anybody.

use core::ffi::CStr;

use pidone::machine::init::Init;
use pidone::machine::{Event, Mode};
use pidone::wire::letters::Letters;
use pidone::wire::names::before;
use pidone::wire::text::Line;

use super::init::{STORE, Store, Stores, live};
use super::{REFUSED, reader, usage};
use crate::sys::control;
use crate::sys::deed::{Hands, Place};
use crate::sys::ears::Ears;
use crate::sys::fd::{self, Fd};
use crate::sys::groups::Groups;
use crate::sys::sinks::Sinks;
use crate::sys::source::{self, OF_SUPERVISOR};
use crate::sys::spawn::Nursery;
use crate::sys::start::{Args, c_str, words};
use crate::sys::watch::Watch;
use crate::sys::{calls, cradle, daemon, kernel, stdio};

const HELP: &[u8] = b"usage: pidone supervise [-f INITTAB] [-d] [-p PIDFILE] [-S SOCKET]\n";

/// What the words ask for.
struct Wanted {
    inittab: &'static CStr,
    pidfile: Option<&'static CStr>,
    socket: Option<&'static CStr>,
    daemon: bool,
}

/// Runs until it is asked to end, or until a main unit has ended; comes back with what failed
/// before anything was started.
pub fn run(args: Args, from: usize) -> i32 {
    let wanted = match read(args, from) {
        Ok(wanted) => wanted,
        Err(wrong) => return usage(wrong, b"supervise", HELP),
    };
    let inittab = Fd::open(wanted.inittab, fd::TEXT);
    if let Err(errno) = inittab.opened() {
        return refuse(b"read", wanted.inittab, errno);
    }
    drop(inittab);
    stdio::fill(args);
    // Who cannot have it is to hear of it where he stands.
    let control = wanted.socket.map(control::open).transpose();
    let control = match (control, wanted.socket) {
        (Err(errno), Some(path)) => return refuse(b"listen at", path, errno),
        (control, _) => control.ok().flatten(),
    };
    if wanted.daemon {
        daemon::become_one();
    }
    if let Some(path) = wanted.pidfile
        && let Err(errno) = write_pid(path)
    {
        return refuse(b"write", path, errno);
    }
    source::begin();
    // It is taken here alone, and this runs once.
    if let Some(Stores { memory, logs, gates }) = STORE.take() {
        let (mut init, Store { ears, .. }) = Init::beside(memory);
        kernel::adopt_orphans();
        let nursery = Nursery {
            envp: args.env_pointer(),
            folders: args.path(),
            groups: Groups::new(),
            has_cradle: cradle::is_safe(false),
            logs,
            reader: reader::begin,
        };
        let Wanted { inittab, pidfile, socket, .. } = wanted;
        let place = Place::Within { inittab, pidfile, socket };
        let ears = ears.insert(Ears::new(gates));
        if let Some(control) = control {
            // What is open can be listened to.
            let _ = ears.attend(control);
        }
        let mut hands = Hands {
            place,
            nursery,
            sinks: Sinks::beside_units(),
            watch: Watch::new(),
            ears,
            is_unheard: false,
        };
        init.handle(kernel::now(), Event::Boot { mode: Mode::Supervise, seed: calls::seed() });
        live(&mut init, &mut hands, OF_SUPERVISOR)
    }
    REFUSED
}

/// What the words ask for, or the first one that is not understood.
fn read(args: Args, from: usize) -> Result<Wanted, &'static [u8]> {
    let letters = Letters { known: b"d\0+fpS", names: b"", words: words(args, from) };
    // Where one is wrong, it is the first of the rest.
    let rest = letters.rest();
    if !rest.is_empty() {
        return Err(before(rest, 0));
    }
    let path = |letter| letters.given(letter).and_then(c_str);
    Ok(Wanted {
        inittab: path(b'f').unwrap_or(c"/etc/inittab"),
        pidfile: path(b'p'),
        socket: path(b'S'),
        daemon: letters.given(b'd').is_some(),
    })
}

fn refuse(verb: &[u8], path: &CStr, errno: u16) -> i32 {
    let mut line = Line::new();
    line.put(b"pidone: cannot ").put(verb).put(b" ").quote(path.to_bytes()).put(b": ");
    line.error(errno).put(b"\n");
    let _ = fd::write(2, line.as_bytes());
    REFUSED
}

fn write_pid(path: &CStr) -> kernel::Result<()> {
    let mut line = Line::new();
    line.number(kernel::own_pid() as u64).put(b"\n");
    let file = Fd::create(path);
    file.opened()?;
    fd::write(file.raw(), line.as_bytes()).map(drop)
}
