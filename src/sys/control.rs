//! The control socket: datagrams of whoever may write to its file, and answers to them. There are
//! no connections, so that nobody can hold one open.

use core::ffi::CStr;

use pidone::wire::errno::{EADDRINUSE, ECONNREFUSED, ENAMETOOLONG};
use rustix::fs::{lstat, unlink};
use syscalls::{Sysno, raw_syscall};

use super::ears::Sender;
use super::fd::{AF_UNIX, Fd};
use super::kernel::{self, Result, outcome};

/// The longest path of a socket with its NUL, in bytes, see unix(7).
const PATH_MAX: usize = 108;

/// The kernel's struct sockaddr_un.
#[repr(C)]
struct Address {
    family: u16,
    path: [u8; PATH_MAX],
}

impl Address {
    fn of(path: &CStr) -> Result<Address> {
        let mut address = Address { family: AF_UNIX, path: [0; PATH_MAX] };
        let path = path.to_bytes_with_nul();
        address.path.get_mut(..path.len()).ok_or(ENAMETOOLONG)?.copy_from_slice(path);
        Ok(address)
    }

    fn connect(&self, socket: &Fd) -> Result<u32> {
        let (address, size) = (core::ptr::from_ref(self), size_of::<Address>());
        // SAFETY: the kernel reads an address of that size.
        outcome(unsafe { raw_syscall!(Sysno::connect, socket.raw(), address, size) })
    }
}

/// Opens a control socket at a path, for its owner alone. One that nobody listens at any more is
/// replaced; a symbolic link is not followed.
pub fn open(path: &CStr) -> Result<Fd> {
    let address = Address::of(path)?;
    let (at, size) = (&raw const address, size_of::<Address>());
    for replaced in [false, true] {
        let socket = Fd::heeding()?;
        // It has its mode before it has its name, so that there is no moment at which others may.
        socket.own(0o600);
        // SAFETY: the kernel reads an address of that size.
        match outcome(unsafe { raw_syscall!(Sysno::bind, socket.raw(), at, size) }) {
            Err(EADDRINUSE) if !replaced && is_left_over(path, &address) => {
                let _ = unlink(path);
            }
            bound => return bound.map(|_| socket),
        }
    }
    Err(EADDRINUSE)
}

/// Whether there is a socket of ours that nobody listens at.
fn is_left_over(path: &CStr, address: &Address) -> bool {
    const KIND: u32 = 0o170_000;
    const SOCKET: u32 = 0o140_000;
    let ours = lstat(path)
        .is_ok_and(|stat| stat.st_mode & KIND == SOCKET && stat.st_uid == kernel::own_user());
    ours && address.connect(&Fd::datagrams()) == Err(ECONNREFUSED)
}

/// Opens a socket to ask at that of a path.
pub fn ask_at(path: &CStr) -> Result<Fd> {
    let socket = Fd::notify()?;
    Address::of(path)?.connect(&socket).map(|_| socket)
}

/// Sends an answer without waiting. Whoever has no address that an answer fits gets none.
pub fn send(socket: &Fd, text: &[u8], to: &Sender) {
    const DONTWAIT_NOSIGNAL: usize = 0x40 | 0x4000;
    if to.len as usize > to.address.len() {
        return;
    }
    let (pointer, len, how) = (text.as_ptr(), text.len(), DONTWAIT_NOSIGNAL);
    let (address, size) = (to.address.as_ptr(), to.len);
    // SAFETY: the kernel reads that many bytes of text, and of an address.
    unsafe { raw_syscall!(Sysno::sendto, socket.raw(), pointer, len, how, address, size) };
}
