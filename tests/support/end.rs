//! How PID 1 ended, as the kernel tells its parent.

use std::fmt;

/// The end of a namespace's PID 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// reboot(2) with halt or power off: the kernel reports an interrupt for both.
    HaltOrPowerOff,
    /// reboot(2) with restart.
    Reboot,
    /// A death by another signal.
    Signal(i32),
    /// A plain exit; on a real machine this is a kernel panic.
    Exit(i32),
}

impl End {
    /// Decodes a wait status.
    pub fn from_status(status: i32) -> End {
        if libc::WIFEXITED(status) {
            return End::Exit(libc::WEXITSTATUS(status));
        }
        match libc::WTERMSIG(status) {
            libc::SIGINT => End::HaltOrPowerOff,
            libc::SIGHUP => End::Reboot,
            other => End::Signal(other),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::HaltOrPowerOff => write!(f, "halted or powered off"),
            End::Reboot => write!(f, "rebooted"),
            End::Signal(signal) => write!(f, "killed by signal {signal}"),
            End::Exit(code) => write!(f, "exited with {code}"),
        }
    }
}
