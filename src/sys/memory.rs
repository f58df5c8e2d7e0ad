//! Memory that is not needed while nothing happens, given back to the kernel.
//!
//! What the kernel maps of a program it maps in pieces of sixteen pages, whatever the program needs
//! of them. What was given back comes again with the first access: code from the file, and what
//! lies below the stack as zeros. An applet joins by a group of its own in build.rs, with the
//! functions that it runs while it waits, and by a function here that names the group's pages; it
//! calls [`forget_the_cold`] before a wait, once it has run anything else.

use core::arch::asm;

use syscalls::{Sysno, raw_syscall};

const PAGE: usize = 4096;

/// Pages, from the address of the first to the end of the last.
pub struct Pages(usize, usize);

impl Pages {
    #[inline(never)] // Three copies of it would be as large as the rest of this file.
    fn forget(from: usize, to: usize) {
        const MADV_DONTNEED: usize = 4;
        if from < to {
            // SAFETY: whoever names pages to be forgotten sees to it that they can be had again, or
            // hold nothing that is used again.
            unsafe { raw_syscall!(Sysno::madvise, from, to - from, MADV_DONTNEED) };
        }
    }
}

/// The code that the machine's init runs while it waits and while it reaps orphans, where there are
/// logs that have a reader or where there are none.
#[cfg(laid_out)]
pub fn code_of_init(has_logs: bool) -> Pages {
    let end =
        if has_logs { &raw const layout::logs_code_end } else { &raw const layout::read_code_end };
    Pages(&raw const layout::init_code as usize, end as usize)
}

/// The code that a container's init runs when nothing goes wrong.
#[cfg(laid_out)]
pub fn code_of_container() -> Pages {
    let end = &raw const layout::container_code_end as usize;
    Pages(&raw const layout::container_code as usize, end)
}

/// A development build is not laid out, and keeps what it has.
#[cfg(not(laid_out))]
pub fn code_of_container() -> Pages {
    Pages(0, 0)
}

/// The code that a getty runs while it waits for a key.
#[cfg(laid_out)]
pub fn code_of_getty() -> Pages {
    Pages(&raw const layout::read_code as usize, &raw const layout::getty_code_end as usize)
}

/// Gives back all code but that which every applet runs and that which this one does.
#[cfg(laid_out)]
pub fn forget_the_cold(hot: Pages) {
    // Nothing writes to code, so that the file brings back the same.
    Pages::forget(&raw const layout::common_code_end as usize, hot.0);
    Pages::forget(hot.1, &raw const layout::code_end as usize);
}

/// A development build is not laid out, and keeps what it has.
#[cfg(not(laid_out))]
pub fn code_of_init(_: bool) -> Pages {
    Pages(0, 0)
}

/// A development build is not laid out, and keeps what it has.
#[cfg(not(laid_out))]
pub fn code_of_getty() -> Pages {
    Pages(0, 0)
}

/// A development build is not laid out, and keeps what it has.
#[cfg(not(laid_out))]
pub fn forget_the_cold(hot: Pages) {
    Pages::forget(hot.0, hot.1);
}

/// Gives back whole pages that are zeros when they are needed again.
pub fn forget(from: usize, len: usize) {
    Pages::forget(from, from + len);
}

/// Gives back the stack below the caller, as far as any call of ours goes down.
pub fn forget_the_stack() {
    /// More than any call of ours takes, and half of what the kernel maps at the beginning.
    const DEEPEST: usize = 64 * 1024;
    /// What a function may use below the stack pointer, by the ABI.
    const RED_ZONE: usize = 128;
    let stack: usize;
    // SAFETY: it reads the stack pointer.
    unsafe { asm!("mov {}, rsp", out(reg) stack, options(nomem, nostack, preserves_flags)) };
    let top = stack.wrapping_sub(RED_ZONE) / PAGE * PAGE;
    // Nobody looks at what lies below the stack pointer and its zone before it is written.
    Pages::forget(top.wrapping_sub(DEEPEST), top);
}

/// What the linker was told to say, see build.rs.
#[cfg(laid_out)]
mod layout {
    unsafe extern "C" {
        pub safe static common_code_end: u8;
        pub safe static container_code: u8;
        pub safe static container_code_end: u8;
        pub safe static init_code: u8;
        pub safe static read_code: u8;
        pub safe static read_code_end: u8;
        pub safe static logs_code_end: u8;
        pub safe static getty_code_end: u8;
        pub safe static code_end: u8;
    }
}
