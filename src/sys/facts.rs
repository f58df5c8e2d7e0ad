//! What there is to be known of the machine, for those who show it.

use core::ffi::CStr;

use pidone::wire::issue;
use pidone::wire::names::{before, take};
use pidone::wire::text::Line;
use syscalls::{Sysno, raw_syscall};

use super::fd::{self, Fd};
use super::kernel::ioctl;

/// The names of the machine, each with NULs behind it, as uname(2) writes them.
pub struct Names([u8; 6 * NAME]);

const NAME: usize = 65;

impl Names {
    /// Asks for them.
    #[inline(never)]
    pub fn ask() -> Names {
        let mut names = Names([0; 6 * NAME]);
        // SAFETY: uname writes six texts of 65 bytes.
        unsafe { raw_syscall!(Sysno::uname, names.0.as_mut_ptr()) };
        names
    }

    /// One of them: the system, the node, the release, the version, the machine, the domain.
    pub fn get(&self, which: usize) -> &[u8] {
        before(self.0.get(which * NAME..).unwrap_or(&[]), 0)
    }
}

/// The place of the release of the kernel.
pub const RELEASE: usize = 2;

/// The kernel's struct ifreq, as SIOCGIFCONF fills it: the name, family and port, the address.
const INTERFACE: usize = 40;
const ADDRESS: usize = 20;

/// So many interfaces are looked at.
const INTERFACES_MAX: usize = 32;

/// Appends the address of IPv4 that an interface has, or without a name the first that leads out of
/// the machine.
pub fn put_v4(line: &mut Line, wanted: &[u8]) {
    const SIOCGIFCONF: u32 = 0x8912;
    let mut room = [0u8; INTERFACES_MAX * INTERFACE];
    let mut list = (room.len(), room.as_mut_ptr());
    let socket = Fd::internet();
    // SAFETY: SIOCGIFCONF takes a length, padding and a pointer, and writes at most that length.
    unsafe { ioctl(socket.raw(), SIOCGIFCONF, &raw mut list as usize) };
    for interface in room.chunks_exact(INTERFACE) {
        let Some(address) = interface.get(ADDRESS..).and_then(<[u8]>::first_chunk) else { return };
        let is_it = match wanted {
            // Behind the last one all is 0.
            b"" => !matches!(address[0], 0 | 127),
            _ => before(interface, 0) == wanted,
        };
        if is_it {
            return issue::address_v4(line, *address);
        }
    }
}

/// The same of IPv6.
pub fn put_v6(line: &mut Line, wanted: &[u8]) {
    let mut room = [0; 2048];
    let mut text = &*fd::load(c"/proc/net/if_inet6", &mut room);
    while !text.is_empty() {
        if let Some(digits) = issue::address_of(take(&mut text, b'\n'), wanted) {
            return issue::address(line, digits);
        }
    }
}

/// A list of the names in a folder is at most so long, in bytes: some two hundred names of issues.
pub const LIST_MAX: usize = 8192;

/// Reads which names a folder holds. Where less is left of the room than the longest name takes,
/// there may be more.
pub fn list<'a>(folder: &CStr, room: &'a mut [u8; LIST_MAX]) -> &'a [u8] {
    fd::list(folder, room)
}

/// The longest name takes so many bytes: a head of 19, 255 of the name and its NUL, in eights.
pub const ENTRY_MAX: usize = 280;
