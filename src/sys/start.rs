//! What a C library would bring: the entry point, the memory functions, the end.

use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, Ordering};

use heapless::VecView;
use pidone::wire::names::cut;

global_asm!(
    ".pushsection .text._start, \"ax\", @progbits",
    ".globl _start",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {start}",
    "ud2",
    ".popsection",
    start = sym start,
);

/// The words that a program was started with, as the kernel laid them on the stack: their number,
/// a pointer to each, a null, and the same for the environment.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Args {
    stack: *mut usize,
}

static HOT_PATH: [u8; 4] = *b"PATH";

/// The kernel's side of `_start`.
extern "C" fn start(stack: *mut usize) -> ! {
    let code = crate::main(Args { stack });
    super::kernel::exit(code)
}

/// Goes on with another function on another stack, and leaves with the code that it comes back
/// with. What the present stack was used for is not touched again, so that it stays as small as the
/// kernel made it.
pub fn go_on(stack: &'static mut [u8], args: Args, then: extern "C" fn(Args) -> i32) -> ! {
    // SAFETY: the stack is ours alone and lives as long as the process; nothing of this frame is
    // used again.
    unsafe {
        asm!(
            "mov rsp, {top}",
            "and rsp, -16",
            "call {then}",
            "mov edi, eax",
            "call {exit}",
            "ud2",
            top = in(reg) stack.as_mut_ptr_range().end,
            then = in(reg) then,
            exit = sym super::kernel::exit_at_once,
            in("rdi") args.stack,
            options(noreturn),
        )
    }
}

impl Args {
    fn count(self) -> usize {
        // SAFETY: the kernel puts the number of arguments where the stack begins.
        unsafe { *self.stack }
    }

    /// The word with this number; the program's own name is the first.
    pub fn get(self, index: usize) -> Option<&'static CStr> {
        if index >= self.count() {
            return None;
        }
        // SAFETY: behind the number stand that many pointers to strings which live as long as
        // the process; the words may have been ended by a null before.
        unsafe {
            let pointer = *self.stack.add(1 + index) as *const core::ffi::c_char;
            if pointer.is_null() { None } else { Some(CStr::from_ptr(pointer)) }
        }
    }

    /// Puts a word into the place of another.
    pub fn put(self, index: usize, word: &'static CStr) {
        if index < self.count() {
            // SAFETY: the place is one of those behind the number.
            unsafe { *self.stack.add(1 + index) = word.as_ptr() as usize };
        }
    }

    /// Ends the words in front of a place.
    pub fn end(self, index: usize) {
        if index < self.count() {
            // SAFETY: as in `put`.
            unsafe { *self.stack.add(1 + index) = 0 };
        }
    }

    /// Executes a program with the words behind the first one; comes back with what failed.
    pub fn execute(self, path: &CStr) -> u16 {
        // SAFETY: words and environment are arrays that end with a null.
        unsafe { super::kernel::execve(path, self.stack.add(2).cast(), self.env_pointer()) }
    }

    /// Has the shell execute a script with the words behind the first two; comes back with what
    /// failed. The first two words are those of the shell then.
    pub fn execute_by_shell(self, script: &CStr) -> u16 {
        let shell = c"/bin/sh";
        // SAFETY: there are two words, ours and that of the script; the script's path stands as
        // long as this function, which ends with the execve or after it.
        unsafe {
            *self.stack.add(1) = shell.as_ptr() as usize;
            *self.stack.add(2) = script.as_ptr() as usize;
            super::kernel::execve(shell, self.stack.add(1).cast(), self.env_pointer())
        }
    }

    /// The folders in which programs are looked for.
    pub fn path(self) -> &'static [u8] {
        // What glibc does where there is no PATH.
        const FOLDERS: &[u8] = b"/bin:/usr/bin";
        let path = self.var(&HOT_PATH).and_then(|var| cut(var.to_bytes(), b'='));
        path.map_or(FOLDERS, |(_, folders)| folders)
    }

    /// The environment as execve wants it.
    pub fn env_pointer(self) -> *const *const u8 {
        // SAFETY: the environment begins behind the words and a null.
        unsafe { self.stack.add(2 + self.count()).cast() }
    }

    /// Puts another string into the place of a variable.
    pub fn replace_var(self, name: &[u8], by: &'static CStr) {
        if let Some(place) = self.place_of(name) {
            // SAFETY: `place_of` found a pointer there.
            unsafe { *self.stack.add(place) = by.as_ptr() as usize };
        }
    }

    /// The words from this one on as execve wants them.
    pub fn pointer(self, first: usize) -> *const *const u8 {
        // SAFETY: the words are an array that ends with a null; behind that there is none.
        unsafe { self.stack.add(1 + first.min(self.count())).cast() }
    }

    /// The words from this one on, with a blank behind each but the last.
    pub fn joined(self, first: usize) -> &'static [u8] {
        let (Some(from), Some(last)) = (self.get(first), self.get(self.count() - 1)) else {
            return &[];
        };
        let begin = from.as_ptr() as *mut u8;
        let len = last.as_ptr() as usize + last.count_bytes() - begin as usize;
        // SAFETY: the kernel lays the words one behind the other into memory that is ours; whoever
        // asks for them joined asks for none of them singly any more.
        let text = unsafe { core::slice::from_raw_parts_mut(begin, len) };
        text.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b' ');
        text
    }

    /// The environment.
    pub fn env(self) -> impl Iterator<Item = &'static CStr> {
        // SAFETY: the pointers of the environment are strings, which live as long as the process.
        self.env_places()
            .map(move |place| unsafe { CStr::from_ptr(*self.stack.add(place) as *const _) })
    }

    /// The first variable of the environment with this name, the name included.
    pub fn var(self, name: &[u8]) -> Option<&'static CStr> {
        // SAFETY: as for `env`.
        self.place_of(name)
            .map(|place| unsafe { CStr::from_ptr(*self.stack.add(place) as *const _) })
    }

    /// Where on the stack the pointers of the environment are.
    fn env_places(self) -> impl Iterator<Item = usize> {
        let first = 2 + self.count();
        // SAFETY: behind the arguments and a null stand the pointers of the environment, and after
        // the last of them another null, at which the iterator stops.
        (first..).take_while(move |place| unsafe { *self.stack.add(*place) != 0 })
    }

    /// Where the pointer to a variable is. It is looked no further into a variable than need be:
    /// there may be many, and this comes before anything else is done.
    fn place_of(self, name: &[u8]) -> Option<usize> {
        self.env_places().find(|place| {
            // SAFETY: the pointer is that of a string, and no byte is read behind one that is not
            // as in the name, which holds no NUL.
            let byte = |at| unsafe { *(*self.stack.add(*place) as *const u8).add(at) };
            name.iter().enumerate().all(|(at, is)| byte(at) == *is) && byte(name.len()) == b'='
        })
    }
}

/// The string that a slice with a NUL at its end holds: all of it, or what stands before an
/// earlier NUL.
pub fn c_str(bytes: &[u8]) -> Option<&CStr> {
    if bytes.last() != Some(&0) {
        return None;
    }
    // SAFETY: a NUL stands within the slice, at its end at the latest.
    Some(unsafe { CStr::from_ptr(bytes.as_ptr().cast()) })
}

/// The words from this one on, each with its NUL.
pub fn words(args: Args, first: usize) -> &'static [u8] {
    let (Some(from), Some(last)) = (args.get(first), args.get(args.count() - 1)) else {
        return &[];
    };
    let begin = from.as_ptr();
    let len = last.as_ptr() as usize + last.count_bytes() + 1 - begin as usize;
    // SAFETY: the kernel lays the words one behind the other, and they live as long as the process.
    unsafe { core::slice::from_raw_parts(begin.cast(), len) }
}

/// The number of the first of the last words, which [`words`] gave; nothing where none are left.
pub fn place_from(args: Args, rest: &[u8]) -> Option<usize> {
    let count = rest.iter().filter(|&&b| b == 0).count();
    if count > 0 { args.count().checked_sub(count) } else { None }
}

/// The environment as execve wants it, with a variable in the place of the one that has this name;
/// if there is none, in front, and nobody can ask for the words any more.
pub fn env_with(args: Args, name: &[u8], var: &CStr) -> *const *const u8 {
    let front = 1 + args.count();
    let place = args.place_of(name);
    // SAFETY: `place_of` found a pointer of the environment, in front of which stands the null that
    // ends the words.
    unsafe {
        *args.stack.add(place.unwrap_or(front)) = var.as_ptr() as usize;
        args.stack.add(front + usize::from(place.is_some())).cast()
    }
}

/// A string put together in a buffer; nothing where it does not fit.
pub fn joined<'a>(room: &'a mut VecView<u8>, parts: &[&[u8]]) -> Option<&'a CStr> {
    room.clear();
    for part in parts {
        room.extend_from_slice(part).ok()?;
    }
    room.push(0).ok()?;
    c_str(room)
}

/// A value that lives as long as the process and is handed out once.
#[repr(C)]
pub struct Stock<T> {
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached through `take` alone, which succeeds once.
unsafe impl<T> Sync for Stock<T> {}

impl<T> Stock<T> {
    /// Puts a value into stock.
    pub const fn new(value: T) -> Self {
        Stock { taken: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Takes the value, if nobody has.
    #[expect(clippy::mut_from_ref, reason = "`taken` sees to it that it is done once")]
    pub fn take(&'static self) -> Option<&'static mut T> {
        if self.taken.swap(true, Ordering::Relaxed) {
            return None;
        }
        // SAFETY: `taken` was false, so there is no other reference and never will be.
        Some(unsafe { &mut *self.value.get() })
    }
}

/// Copies memory.
///
/// # Safety
/// As memcpy(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, len: usize) -> *mut u8 {
    // SAFETY: the caller vouches for both ranges; the direction flag is clear by the ABI.
    unsafe {
        asm!("rep movsb", inout("rcx") len => _, inout("rdi") to => _, inout("rsi") from => _,
            options(nostack, preserves_flags));
    }
    to
}

/// Copies memory that may overlap.
///
/// # Safety
/// As memmove(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, len: usize) -> *mut u8 {
    if (to as usize).wrapping_sub(from as usize) >= len {
        // SAFETY: copying upwards never overtakes itself here; the caller vouches for the rest.
        return unsafe { memcpy(to, from, len) };
    }
    // SAFETY: as above, from the last byte down; the direction flag is cleared again.
    unsafe {
        asm!("std", "rep movsb", "cld", inout("rcx") len => _,
            inout("rdi") to.add(len).sub(1) => _, inout("rsi") from.add(len).sub(1) => _,
            options(nostack));
    }
    to
}

/// Fills memory.
///
/// # Safety
/// As memset(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memset(to: *mut u8, byte: i32, len: usize) -> *mut u8 {
    // SAFETY: the caller vouches for the range; the direction flag is clear by the ABI.
    unsafe {
        asm!("rep stosb", inout("rcx") len => _, inout("rdi") to => _, in("al") byte as u8,
            options(nostack, preserves_flags));
    }
    to
}

/// Compares memory.
///
/// # Safety
/// As memcmp(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, len: usize) -> i32 {
    for index in 0..len {
        // SAFETY: the caller vouches for both ranges. The reads are volatile so that the compiler
        // does not make a call of memcmp out of this loop.
        let (x, y) = unsafe { (a.add(index).read_volatile(), b.add(index).read_volatile()) };
        if x != y {
            return i32::from(x) - i32::from(y);
        }
    }
    0
}

/// Compares memory for being equal.
///
/// # Safety
/// As bcmp(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, len: usize) -> i32 {
    // SAFETY: the caller vouches for both ranges.
    unsafe { memcmp(a, b, len) }
}

/// Measures a string.
///
/// # Safety
/// As strlen(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let mut len = 0;
    // SAFETY: the caller vouches for a NUL at the end.
    while unsafe { text.add(len).read_volatile() } != 0 {
        len += 1;
    }
    len
}

/// What the unoptimised `core` of a development build asks for and never calls.
#[cfg(debug_assertions)]
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

#[cfg(debug_assertions)]
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    super::kernel::exit(101)
}
