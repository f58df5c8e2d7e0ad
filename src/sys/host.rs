//! The machine's name.

use super::fd;

/// The longest name, in bytes: the kernel's __NEW_UTS_LEN.
const NAME_MAX: usize = 64;

/// Gives the machine the name that the first line of /etc/hostname holds. In a namespace that
/// would be the name of a host beside us, so there it is not to be called.
pub fn set_name() {
    let mut room = [0; NAME_MAX];
    let text = fd::load(c"/etc/hostname", &mut room);
    let end = text.iter().position(|&b| b <= b' ').unwrap_or(text.len());
    if let Some(name) = text.get(..end).filter(|name| !name.is_empty()) {
        let _ = rustix::system::sethostname(name);
    }
}
