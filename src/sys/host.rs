//! What is the machine's and not a namespace's: Ctrl-Alt-Del, its name and its consoles.

use pidone::wire::consoles::{self, List};
use rustix::system::{RebootCommand, reboot};

use super::fd;
use super::spawn::is_missing;

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

/// The longest list of consoles and the longest command line of the kernel, in bytes.
const ACTIVE_MAX: usize = 256;
const COMMAND_LINE_MAX: usize = 4096;

/// What the kernel says of its consoles.
pub const ACTIVE: &core::ffi::CStr = c"/sys/class/tty/console/active";

/// The terminals of the active consoles. In a namespace the kernel's consoles are those of the host
/// around it, so only what is there counts.
pub fn consoles(on_machine: bool) -> List {
    let mut active = [0; ACTIVE_MAX];
    let mut line = [0; COMMAND_LINE_MAX];
    let active = fd::load(ACTIVE, &mut active);
    let line = if active.is_empty() { fd::load(c"/proc/cmdline", &mut line) } else { &mut [] };
    let is_there = |name: &[u8]| on_machine || !is_missing(b"/dev/", name);
    let mut list = List::new();
    consoles::collect(active, line, &is_there, &mut list);
    list
}
