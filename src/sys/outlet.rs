//! Standard output and error, written to without waiting. Others have the same pipe or terminal, so
//! that it may not be made one that does not wait.

use pidone::wire::errno::{EAGAIN, EFBIG, EPIPE};
use pidone::wire::signals::Signal;

use super::fd::{self, Fd};
use super::kernel::{self, Result};

/// A standard descriptor, and where that is possible one of our own of what it is.
pub struct Outlet {
    number: i32,
    own: Fd,
}

impl Outlet {
    /// None: nothing that is written arrives.
    pub fn none() -> Outlet {
        Outlet { number: -1, own: Fd::NONE }
    }

    /// Standard output, 1, or error, 2.
    pub fn open(number: i32) -> Outlet {
        const FLAGS: u32 = fd::WRITE | fd::NO_WAIT | fd::NO_CONTROL | fd::CLOSE_ON_EXEC;
        let path = if number == 1 { c"/proc/self/fd/1" } else { c"/proc/self/fd/2" };
        // A file has a place that is written at, which we share; and it does not make us wait.
        let own = if fd::has_place(number) { Fd::NONE } else { Fd::open(path, FLAGS) };
        Outlet { number, own }
    }

    /// The number of our own descriptor, which is not to be closed.
    pub fn raw(&self) -> i32 {
        self.own.raw()
    }

    /// Writes what is taken at once. What nobody reads any more, and a file that may not grow,
    /// bring us a signal along, which is no concern of anybody else's.
    pub fn write(&self, bytes: &[u8]) -> Result<u32> {
        let written = self.try_write(bytes);
        match written {
            Err(EPIPE) => kernel::forget_own(Signal::PIPE),
            Err(EFBIG) => kernel::forget_own(Signal::XFSZ),
            Ok(_) | Err(_) => {}
        }
        written
    }

    fn try_write(&self, bytes: &[u8]) -> Result<u32> {
        if self.own.is_open() {
            return fd::write(self.own.raw(), bytes);
        }
        // A socket cannot be opened again, but it can be sent to without waiting.
        fd::send(self.number, bytes).or_else(|_| {
            if fd::takes_more(self.number) { fd::write(self.number, bytes) } else { Err(EAGAIN) }
        })
    }
}
