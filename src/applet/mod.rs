//! One file a personality. Which one it is, argv[0] or the first word says.

mod container;
mod init;
mod replies;

use core::ffi::CStr;

use pidone::wire::command::base_name;
use pidone::wire::container::Guise;
use pidone::wire::names::place;

use crate::sys::kernel;
use crate::sys::start::Args;

/// The exit code for a command line that is not understood.
const USAGE: i32 = 100;

/// The exit code when the system refuses what we need.
const REFUSED: i32 = 111;

const VERSION: &[u8] = concat!("pidone ", env!("CARGO_PKG_VERSION"), "\n").as_bytes();

/// Finds the personality and becomes it; comes back with an exit code.
pub fn main(args: Args) -> i32 {
    let name = args.get(0).map_or(&b""[..], |word| base_name(word.to_bytes()));
    let guise = Guise::of(name);
    let first = args.get(1).map(CStr::to_bytes);
    let named = place(b"init linuxrc", name).is_some();
    let is_init = match first {
        None => guise == Guise::Pidone,
        Some(word) => guise == Guise::Pidone && place(b"init single 1", word).is_some(),
    };
    // Whoever starts us as process 1 for a machine gets an init whatever else it says: nobody else
    // will reap, and leaving is a panic.
    if !named && !is_init {
        return container::run(args, guise);
    }
    if kernel::own_pid() == 1 {
        init::run(args);
    }
    replies::nothing_to_do()
}
