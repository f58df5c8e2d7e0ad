//! Being told that something came into a folder: one inotify instance that lives only while
//! something is missing, and that speaks through SIGIO, so that the one wait serves it too.

use core::ffi::CStr;

use super::fd::Fd;

/// The instance, while there is one.
pub struct Watch {
    fd: Fd,
}

impl Watch {
    /// Nothing is watched.
    pub const fn new() -> Self {
        Watch { fd: Fd::NONE }
    }

    /// Watches a folder; whether that could be done.
    pub fn over(&mut self, folder: &CStr) -> bool {
        if !self.fd.is_open() {
            self.fd = Fd::inotify();
        }
        self.fd.signal_on_news() && self.fd.watch(folder)
    }

    /// Ends the watch. Whoever still misses something begins it anew.
    pub fn end(&mut self) {
        self.fd = Fd::NONE;
    }
}
