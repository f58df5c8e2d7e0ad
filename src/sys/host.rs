//! The machine's name.

use super::{fd, mount};

/// The longest name, in bytes: the kernel's __NEW_UTS_LEN.
const NAME_MAX: usize = 64;

/// Gives the machine the name that the first line of /etc/hostname holds. Only the machine itself
/// is named: in a namespace the name may be that of a host beside us.
pub fn set_name() {
    if !mount::is_machine() {
        return;
    }
    let mut room = [0; NAME_MAX];
    let text = fd::load(c"/etc/hostname", &mut room);
    let end = text.iter().position(|&b| b <= b' ').unwrap_or(text.len());
    if let Some(name) = text.get(..end).filter(|name| !name.is_empty()) {
        let _ = rustix::system::sethostname(name);
    }
}
