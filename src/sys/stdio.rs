//! Descriptors 0, 1 and 2: the console.

use core::ffi::CStr;

use pidone::wire::names::cut;

use super::fd::{self, Fd};
use super::kernel::Result;
use super::start::{Args, c_str};

const HOW: u32 = fd::READ_WRITE | fd::NO_WAIT;

/// Opens the console that the environment names, if it names one, in place of what the kernel
/// gave us, and fills what is closed with /dev/console or, failing that, /dev/null.
pub fn fill(args: Args) {
    let console = args.var(b"CONSOLE").or_else(|| args.var(b"console"));
    if let Some(path) = console.and_then(value) {
        let _ = replace(path, fd::NO_CONTROL, 3);
    }
    for number in 0..3 {
        if fd::is_closed(number) {
            let fd = any();
            fd::set_waiting(&fd);
            fd::place(&fd, number);
            close_unless_standard(fd);
        }
    }
}

/// Opens a terminal for so many of standard input, output and error. Opened so that a line without
/// carrier does not hold us, it blocks again once it is open.
pub fn replace(path: &CStr, flags: u32, ends: i32) -> Result<()> {
    let fd = Fd::open(path, HOW | flags);
    fd.opened()?;
    fd::place_first(&fd, ends);
    close_unless_standard(fd);
    Ok(())
}

/// A folder is nothing to read or write, but it keeps the number taken.
fn any() -> Fd {
    let console = Fd::open(c"/dev/console", HOW | fd::NO_CONTROL);
    console.or_open(c"/dev/null", HOW).or_open(c"/", fd::READ | fd::FOLDER)
}

fn value(var: &'static CStr) -> Option<&'static CStr> {
    cut(var.to_bytes_with_nul(), b'=').and_then(|(_, value)| c_str(value))
}

/// A descriptor that was opened into a free standard place stays there.
fn close_unless_standard(fd: Fd) {
    if fd.raw() < 3 {
        fd.keep();
    }
}
