//! The machine's name.

use super::fd;

/// What a machine is called that nobody has given a name, see uname(2).
const NAMELESS: &[u8] = b"(none)";

/// The longest name, in bytes: the kernel's __NEW_UTS_LEN.
const NAME_MAX: usize = 64;

/// Gives the machine the name that the first line of /etc/hostname holds, if it has none. Whoever
/// has named it already, an engine that runs containers or a host beside us, knows better.
pub fn set_name() {
    if rustix::system::uname().nodename().to_bytes() != NAMELESS {
        return;
    }
    let mut room = [0; NAME_MAX];
    let text = fd::load(c"/etc/hostname", &mut room);
    let end = text.iter().position(|&b| b <= b' ').unwrap_or(text.len());
    if let Some(name) = text.get(..end).filter(|name| !name.is_empty()) {
        let _ = rustix::system::sethostname(name);
    }
}
