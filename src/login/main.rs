//! The program login: it finds out who is at a terminal and starts a shell for them.
//!
//! It is a program of its own because its hash functions need memory by the megabyte: what runs
//! as process 1 has no heap. A straight line from the name to the shell, it may wait, and it may
//! end: whoever watches over it starts the next one.

#![no_std]
#![no_main]
#![deny(unsafe_code)]

mod accounts;
mod ask;
mod crypt;
mod door;
mod session;
#[allow(unsafe_code)]
#[allow(dead_code, reason = "each binary uses its own part")]
#[path = "../sys/login.rs"]
mod sys;
mod tell;

use pidone::wire::login::{Call, Empty, Wrong, parse};
use pidone::wire::text::Line;

use sys::start::Args;
use sys::terminal::PATH_MAX;
use sys::{kernel, secret, terminal, user};
use tell::Journal;

/// The exit code for a command line that is not understood.
const USAGE: i32 = 100;
/// The exit code where the system did not let us.
pub const REFUSED: i32 = 111;
/// The exit code where nobody was let in.
pub const NOBODY: i32 = 1;

const VERSION: &[u8] = concat!("pidone login ", env!("CARGO_PKG_VERSION"), "\n").as_bytes();

const HELP: &[u8] = b"\
usage: login [-eEHp] [-h HOST] [[-f] USER]

Asks for a name and a password and starts the user's shell.
  -f        do not ask for a password: somebody else has
  -h HOST   where the user comes from
  -p        keep the environment
  -e, -E    let an account without a password in on every terminal, or on none
  -H        leave the name of the machine out of the prompt
See login(1).
";

/// Where `sys/start` goes; comes back with an exit code.
pub fn main(args: Args) -> i32 {
    let words = (1..).map_while(|index| args.get(index));
    match parse(words.map(|word| word.to_bytes())) {
        Ok(call) => run(args, &call),
        Err(wrong) => refuse(wrong),
    }
}

fn refuse(wrong: Wrong<'_>) -> i32 {
    let mut line = Line::wide();
    line.put(b"login: ");
    match wrong {
        Wrong::Help => return say_to(1, HELP, 0),
        Wrong::Version => return say_to(1, VERSION, 0),
        Wrong::Option(word) => line.put(b"unknown option: ").quote(word),
        Wrong::Value(word) => line.put(b"the name of a host has to follow ").quote(word),
        Wrong::Word(word) => line.put(b"one word too many: ").quote(word),
    };
    line.put(b"\n");
    say_to(2, line.as_bytes(), USAGE);
    say_to(2, HELP, USAGE)
}

fn say_to(to: i32, text: &[u8], code: i32) -> i32 {
    let _ = sys::fd::write(to, text);
    code
}

fn run(args: Args, call: &Call<'_>) -> i32 {
    let (effective, real) = user::ids();
    let asks_much = call.trusted || call.keep || !call.host.is_empty();
    let asks_much = asks_much || call.empty == Empty::Everywhere;
    if effective != 0 || (real != 0 && asks_much) {
        return say_to(2, b"login: only root may do this; nothing was done\n", REFUSED);
    }
    if !terminal::is_there() {
        return say_to(2, b"login: standard input is no terminal; nothing was done\n", REFUSED);
    }
    if terminal::stands_for_another() {
        return say_to(
            2,
            b"login: no login may have /dev/tty or /dev/ptmx; nothing was done\n",
            REFUSED,
        );
    }
    secret::hide();
    kernel::close_the_rest(2);
    kernel::set_defaults();
    kernel::set_mask(0);
    terminal::take();
    let mut room = [0; PATH_MAX];
    let path = terminal::path(&mut room);
    let tty = path.strip_prefix(b"/dev/").unwrap_or(b"");
    let mut journal = Journal::new(tty, call.host);
    door::keep(args, call, &mut journal)
}
