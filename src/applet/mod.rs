//! One file a personality. Which one it is, argv[0] or the first word says.

mod container;
mod daemon;
mod getty;
mod init;
mod initctl;
mod keeper;
mod logger;
mod reader;
mod replies;
mod supervise;
mod usage;

use pidone::wire::container::Guise;
use pidone::wire::names::{base_name, place};
use pidone::wire::text::Line;

use crate::sys::start::Args;
use crate::sys::{fd, kernel};

/// The exit code for a command line that is not understood.
const USAGE: i32 = 100;

/// The exit code when the system refuses what we need.
const REFUSED: i32 = 111;

const VERSION: &[u8] = concat!("pidone ", env!("CARGO_PKG_VERSION"), "\n").as_bytes();

/// What is no container's init: names of the program, or first words behind its own name.
static HOT_APPLETS: [u8; 59] = *b"init linuxrc single 1 getty logger daemon supervise initctl";

/// Finds the personality and becomes it; comes back with an exit code.
pub fn main(args: Args) -> i32 {
    let name = base_name(args.get(0).unwrap_or_default().to_bytes());
    if let Some(applet) = place(&HOT_APPLETS, name) {
        return other(applet, args, 1);
    }
    // Without a word it is an init.
    let word = args.get(1).map_or(Some(0), |word| place(&HOT_APPLETS, word.to_bytes()));
    match word.filter(|_| Guise::of(name) == Guise::Pidone) {
        Some(applet) => other(applet, args, 2),
        None => container::begin(args),
    }
}

/// Becomes something else than a container's init; its words begin at this place.
#[cold]
#[inline(never)]
fn other(applet: usize, args: Args, from: usize) -> i32 {
    match applet {
        4 => getty::run(args, from),
        5 => logger::run(args, from),
        6 => daemon::run(args, from),
        7 => supervise::run(args, from),
        8 => initctl::run(args, from),
        // Whoever starts us as process 1 for a machine gets an init whatever else it says: nobody
        // else will reap, and leaving is a panic.
        _ if kernel::own_pid() == 1 => init::run(args),
        _ => usage::nothing_to_do(args),
    }
}

fn say(to: i32, text: &[u8], code: i32) -> i32 {
    let _ = fd::write(to, text);
    code
}

/// Says a line: a template, a text of others, one of ours, and a number.
#[inline(never)]
fn report(to: i32, template: &[u8], texts: [&[u8]; 2], number: u64, code: i32) -> i32 {
    let mut line = Line::wide();
    line.compose(template, texts, number);
    line.put(b"\n");
    say(to, line.as_bytes(), code)
}

/// The same to syslog, behind a priority and a name.
#[inline(never)]
fn log(front: &[u8], template: &[u8], texts: [&[u8]; 2], number: u64) {
    let mut line = Line::wide();
    line.put(front).compose(template, texts, number);
    fd::log(line.as_bytes());
}

/// Says that a command line is not understood, and what is.
fn usage(what: &[u8], program: &[u8], help: &[u8]) -> i32 {
    report(2, b"%x: '%q' is not understood", [what, program], 0, USAGE);
    say(2, help, USAGE)
}

/// Says what the system refused, on what, and why.
fn refused(template: &[u8], object: &[u8], errno: u16) -> i32 {
    report(2, template, [object, b""], errno.into(), REFUSED)
}
