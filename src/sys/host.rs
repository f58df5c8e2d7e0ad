//! What is the machine's and not a namespace's: Ctrl-Alt-Del, and the name.

use rustix::system::{RebootCommand, reboot};

use super::fd;

/// The longest name, in bytes: the kernel's __NEW_UTS_LEN.
const NAME_MAX: usize = 64;

/// Has Ctrl-Alt-Del come to us as SIGINT instead of rebooting at once. Only on a machine can this
/// be had, so it tells whether we are process 1 of one: in a namespace below, what is mounted, the
/// name of the host and the power may be somebody else's. See reboot(2).
pub fn is_machine() -> bool {
    reboot(RebootCommand::CadOff).is_ok()
}

/// Gives the machine the name that the first line of /etc/hostname holds.
pub fn set_name() {
    let mut room = [0; NAME_MAX];
    let text = fd::load(c"/etc/hostname", &mut room);
    let end = text.iter().position(|&b| b <= b' ').unwrap_or(text.len());
    if let Some(name) = text.get(..end).filter(|name| !name.is_empty()) {
        let _ = rustix::system::sethostname(name);
    }
}
