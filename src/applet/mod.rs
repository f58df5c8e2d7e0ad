//! One file a personality. Which one it is, argv[0] or the first word says.

mod init;

use pidone::wire::names::place;

use crate::sys::start::Args;
use crate::sys::{fd, kernel};

/// The exit code for a command line that is not understood.
const USAGE: i32 = 100;

const VERSION: &[u8] = concat!("pidone ", env!("CARGO_PKG_VERSION"), "\n").as_bytes();

const HELP: &[u8] = b"\
usage: pidone --help | --version

pidone is an init: the kernel starts it as process 1 and it runs /etc/inittab;
with the word single on the kernel command line, one shell.
See init(8) and inittab(5).
";

/// Finds the personality and becomes it; comes back with an exit code.
pub fn main(args: Args) -> i32 {
    // Whoever is process 1 has no choice: nobody else will reap, and leaving is a panic.
    if kernel::own_pid() == 1 {
        init::run(args);
    }
    match args.get(1).and_then(|word| place(b"--version --help -h", word.to_bytes())) {
        Some(0) => say(1, VERSION, 0),
        Some(_) => say(1, HELP, 0),
        None => {
            say(2, b"pidone: not started as process 1; nothing to do\n", USAGE);
            say(2, HELP, USAGE)
        }
    }
}

fn say(to: i32, text: &[u8], code: i32) -> i32 {
    let _ = fd::write(to, text);
    code
}
