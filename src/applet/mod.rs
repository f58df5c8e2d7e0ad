//! One file a personality. Which one it is, argv[0] or the first word says.

mod container;
mod init;
mod replies;

use pidone::wire::container::Guise;
use pidone::wire::names::{base_name, place};

use crate::sys::kernel;
use crate::sys::start::Args;

/// The exit code for a command line that is not understood.
const USAGE: i32 = 100;

/// The exit code when the system refuses what we need.
const REFUSED: i32 = 111;

const VERSION: &[u8] = concat!("pidone ", env!("CARGO_PKG_VERSION"), "\n").as_bytes();

/// The names of the machine's init, and the first words that ask for it.
static HOT_NAMES: [u8; 12] = *b"init linuxrc";
static HOT_WORDS: [u8; 13] = *b"init single 1";

/// Finds the personality and becomes it; comes back with an exit code.
pub fn main(args: Args) -> i32 {
    let name = base_name(args.get(0).unwrap_or_default().to_bytes());
    let guise = Guise::of(name);
    let is_init = place(&HOT_NAMES, name).is_some()
        || guise == Guise::Pidone
            && args.get(1).is_none_or(|word| place(&HOT_WORDS, word.to_bytes()).is_some());
    if is_init { be_init(args) } else { container::begin(args) }
}

/// Whoever starts us as process 1 for a machine gets an init whatever else it says: nobody else
/// will reap, and leaving is a panic.
#[cold]
#[inline(never)]
fn be_init(args: Args) -> i32 {
    if kernel::own_pid() == 1 {
        init::run(args);
    }
    replies::nothing_to_do()
}
