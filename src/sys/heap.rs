//! A heap for the few large pieces of memory that a password hash works in: each piece is a
//! mapping of its own, which the kernel clears before anybody else gets it.

use core::alloc::{GlobalAlloc, Layout};

use syscalls::{Sysno, raw_syscall};

use super::kernel::is_fine;

struct Mappings;

#[global_allocator]
static HEAP: Mappings = Mappings;

// SAFETY: every mapping is new, as long as asked for, and begins at a page, which is aligned for
// every type there is here.
unsafe impl GlobalAlloc for Mappings {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        const READ_WRITE: usize = 3;
        const PRIVATE_ANONYMOUS: usize = 0x22;
        let (len, none) = (layout.size(), usize::MAX);
        // SAFETY: a new mapping touches nothing that exists.
        let page =
            unsafe { raw_syscall!(Sysno::mmap, 0, len, READ_WRITE, PRIVATE_ANONYMOUS, none, 0) };
        if is_fine(page) { page as *mut u8 } else { core::ptr::null_mut() }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the same; the kernel clears what it hands out.
        unsafe { self.alloc(layout) }
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        // SAFETY: the caller vouches that it is one of ours, of this length, and not used again.
        unsafe { raw_syscall!(Sysno::munmap, piece, layout.size()) };
    }
}
