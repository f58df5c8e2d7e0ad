//! The test as syslogd: /dev/log of a namespace, bound from outside.

use std::fs::{self, File};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use super::root::Root;
use super::sys;
use super::wait::DEADLINE;

/// A bound /dev/log; dropping it is the death of syslogd.
pub struct Syslog {
    socket: Option<UnixDatagram>,
    path: PathBuf,
}

impl Syslog {
    /// Binds /dev/log. The name of a socket has room for 107 bytes only, so the folder is
    /// reached through a descriptor.
    pub fn bind(root: &Root) -> Syslog {
        let folder = File::open(root.path("dev")).expect("the root has /dev");
        let name = format!("/proc/thread-self/fd/{}/log", folder.as_raw_fd());
        let socket = UnixDatagram::bind(name).expect("/dev/log is free");
        Syslog { socket: Some(socket), path: root.path("dev/log") }
    }

    /// The next message; none within the deadline is a failure.
    pub fn next(&self) -> String {
        let socket = self.socket.as_ref().expect("it lives");
        assert!(sys::readable(socket.as_fd(), DEADLINE), "no message came to /dev/log");
        let mut buffer = [0; 2048];
        let length = socket.recv(&mut buffer).expect("a message that is there");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    /// Reads until a message has this text; gives all of them.
    pub fn until(&self, text: &str) -> Vec<String> {
        let mut seen = Vec::new();
        loop {
            // The deadline of each message bounds the whole, since nobody says endless new ones.
            seen.push(self.next());
            if seen.last().is_some_and(|message| message.contains(text)) {
                return seen;
            }
        }
    }
}

impl Drop for Syslog {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        sys::close(self.socket.take());
    }
}
