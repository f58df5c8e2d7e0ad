//! Memory that is wiped when it is let go.

use core::ffi::CStr;
use core::hint::black_box;

use pidone::wire::errno::ENOMEM;
use syscalls::{Sysno, raw_syscall};

use super::fd::{self, Fd};
use super::kernel::{self, Result};

/// Overwrites bytes with zeros in a way that no optimiser leaves out.
pub fn wipe(bytes: &mut [u8]) {
    for byte in bytes {
        // SAFETY: it is a reference.
        unsafe { core::ptr::from_mut(byte).write_volatile(0) };
    }
}

/// So much of the stack is wiped, in bytes: the deepest of the hash functions uses a quarter.
const STACK: usize = 32 * 1024;

/// Wipes the part of the stack that functions have used which were called before and came back.
#[inline(never)]
pub fn wipe_stack() {
    let mut room = [0u8; STACK];
    wipe(&mut room);
    black_box(&mut room);
}

/// Keeps our memory out of core dumps and away from debuggers of the same user.
pub fn hide() {
    const PR_SET_DUMPABLE: usize = 4;
    // SAFETY: prctl takes numbers here.
    unsafe { raw_syscall!(Sysno::prctl, PR_SET_DUMPABLE, 0, 0, 0, 0) };
}

/// A line that somebody typed.
pub struct Typed<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Typed<N> {
    /// Nothing yet.
    pub const fn new() -> Self {
        Typed { bytes: [0; N], len: 0 }
    }

    /// What was typed.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }

    /// Takes in one more byte, if there is room for it.
    pub fn push(&mut self, byte: u8) -> bool {
        let Some(place) = self.bytes.get_mut(self.len) else {
            return false;
        };
        *place = byte;
        self.len += 1;
        true
    }

    /// Forgets all of it.
    pub fn clear(&mut self) {
        wipe(&mut self.bytes);
        self.len = 0;
    }
}

impl<const N: usize> Drop for Typed<N> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The most of a file that is read, in bytes: 40,000 accounts of 100 bytes. What is called
/// /etc/passwd may be a device that has no end.
pub const FILE_MAX: usize = 4 << 20;

/// What stands in a file, in memory of its own; empty where the file could not be read.
pub struct Text {
    at: *mut u8,
    len: usize,
    /// Why it could not be read, or not all of it.
    pub error: Option<u16>,
}

impl Text {
    /// Reads a file.
    pub fn load(path: &CStr) -> Text {
        const READ_WRITE: usize = 3;
        const PRIVATE_ANONYMOUS: usize = 0x22;
        let (none, how) = (usize::MAX, PRIVATE_ANONYMOUS);
        // SAFETY: a new mapping touches nothing that exists.
        let at = unsafe { raw_syscall!(Sysno::mmap, 0, FILE_MAX, READ_WRITE, how, none, 0) };
        if !kernel::is_fine(at) {
            return Text { at: core::ptr::null_mut(), len: 0, error: Some(ENOMEM) };
        }
        let mut text = Text { at: at as *mut u8, len: 0, error: None };
        if let Err(errno) = text.fill(path) {
            text.error = Some(errno);
        }
        text
    }

    fn fill(&mut self, path: &CStr) -> Result<()> {
        let file = Fd::open(path, fd::TEXT);
        file.opened()?;
        while self.len < FILE_MAX {
            // SAFETY: the mapping is that long and nobody else has it; the kernel cleared it.
            let room = unsafe {
                core::slice::from_raw_parts_mut(self.at.add(self.len), FILE_MAX - self.len)
            };
            match fd::read(file.raw(), room)? {
                0 => return Ok(()),
                count => self.len += count as usize,
            }
        }
        Err(pidone::wire::errno::EFBIG)
    }

    /// What was read.
    pub fn as_bytes(&self) -> &[u8] {
        if self.at.is_null() {
            return &[];
        }
        // SAFETY: so much was read into the mapping, which lives as long as this value.
        unsafe { core::slice::from_raw_parts(self.at, self.len) }
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        if self.at.is_null() {
            return;
        }
        // SAFETY: nobody else has the mapping, and nothing borrows from it any more.
        unsafe {
            wipe(core::slice::from_raw_parts_mut(self.at, self.len));
            raw_syscall!(Sysno::munmap, self.at, FILE_MAX);
        }
    }
}
