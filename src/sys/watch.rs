//! Being told that something came into a folder: one inotify instance that lives only while
//! something is missing, and that speaks through SIGIO, so that the one wait serves it too.

use core::ffi::CStr;

use super::fd::{self, Fd};
use super::host::ACTIVE;
use pidone::wire::errno::EAGAIN;

/// The instance, while there is one.
pub struct Watch {
    fd: Fd,
    /// The one over the consoles, which lives as long as a line stands for them.
    consoles: Fd,
}

impl Watch {
    /// Nothing is watched.
    pub const fn new() -> Self {
        Watch { fd: Fd::NONE, consoles: Fd::NONE }
    }

    /// Watches a folder; whether that could be done.
    pub fn over(&mut self, folder: &CStr) -> bool {
        if !self.fd.is_open() {
            self.fd = Fd::inotify();
        }
        self.fd.signal_on_news() && self.fd.watch(folder)
    }

    /// Whether something came. Then the watch ends; whoever still misses something begins it anew.
    pub fn came(&mut self) -> bool {
        // What came is too long for this room, which is an error of another kind.
        let came = self.fd.is_open() && fd::read(self.fd.raw(), &mut [0]) != Err(EAGAIN);
        if came {
            self.fd = Fd::NONE;
        }
        came
    }

    /// Watches for other active consoles; whether that could be done and was not done before.
    pub fn over_consoles(&mut self) -> bool {
        if self.consoles.is_open() {
            return false;
        }
        self.consoles = Fd::inotify();
        self.consoles.signal_on_news() && self.consoles.watch_file(ACTIVE)
    }

    /// Watches for them no more.
    pub fn leave_consoles(&mut self) {
        self.consoles = Fd::NONE;
    }

    /// Whether there have been others since this was last asked.
    pub fn have_consoles_changed(&self) -> bool {
        let mut events = [0; 64];
        self.consoles.is_open() && fd::read(self.consoles.raw(), &mut events).is_ok()
    }
}
