//! Error numbers in words, for those that an init meets. The numbers are those of
//! `asm-generic/errno.h`, which x86, ARM and RISC-V share; the words follow errno(3).

use super::names::take;
use super::value;

/// That is not permitted.
pub const EPERM: u16 = 1;
/// There is no such file or directory.
pub const ENOENT: u16 = 2;
/// There is no such process; as here, no such user or group.
pub const ESRCH: u16 = 3;
/// A signal came in between.
pub const EINTR: u16 = 4;
/// There are too many arguments or variables, or they are too long.
pub const E2BIG: u16 = 7;
/// That is no program that the kernel knows how to run.
pub const ENOEXEC: u16 = 8;
/// Nothing can be done now without waiting.
pub const EAGAIN: u16 = 11;
/// There is no memory for it.
pub const ENOMEM: u16 = 12;
/// Permission is denied.
pub const EACCES: u16 = 13;
/// Somebody uses it.
pub const EBUSY: u16 = 16;
/// What is no folder stands where one should.
pub const ENOTDIR: u16 = 20;
/// That is no good argument.
pub const EINVAL: u16 = 22;
/// The process has too many files open.
pub const EMFILE: u16 = 24;
/// That is no terminal.
pub const ENOTTY: u16 = 25;
/// The file is too large.
pub const EFBIG: u16 = 27;
/// Nobody reads any more.
pub const EPIPE: u16 = 32;
/// The name is too long.
pub const ENAMETOOLONG: u16 = 36;
/// The kernel does not know that call.
pub const ENOSYS: u16 = 38;
/// The address is in use.
pub const EADDRINUSE: u16 = 98;
/// There is no room for it on the way.
pub const ENOBUFS: u16 = 105;
/// It took too long.
pub const ETIMEDOUT: u16 = 110;
/// Nobody listens there.
pub const ECONNREFUSED: u16 = 111;

/// One error a line: its number and its words.
const WORDS: &[u8] = b"\
1 Operation not permitted
2 No such file or directory
5 Input/output error
6 No such device or address
7 Argument list too long
8 Exec format error
11 Resource temporarily unavailable
12 Cannot allocate memory
13 Permission denied
16 Device or resource busy
19 No such device
20 Not a directory
21 Is a directory
22 Invalid argument
23 Too many open files in system
24 Too many open files
25 Not a terminal
26 Text file busy
27 File too large
28 No space left on device
30 Read-only file system
36 File name too long
38 Function not implemented
40 Too many levels of symbolic links
98 Address already in use
110 Connection timed out
111 Connection refused
116 Stale file handle
";

/// The error in words, or nothing where it is not one of the usual ones.
pub fn words(errno: u16) -> Option<&'static [u8]> {
    let mut lines = WORDS;
    while !lines.is_empty() {
        let mut words = take(&mut lines, b'\n');
        let number = take(&mut words, b' ');
        if value::number(number) == Some(u32::from(errno)) {
            return Some(words);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_c_library() {
        // The standard library prints what strerror(3) says, with the number behind it.
        for errno in 1..134u16 {
            let std = std::io::Error::from_raw_os_error(i32::from(errno)).to_string();
            let ours = words(errno).map(|w| String::from_utf8_lossy(w).into_owned());
            let table = "1 2 5 6 7 8 11 12 13 16 19 20 21 22 23 24 25 26 27 28 30 36 38 40 \
                         98 110 111 116";
            let usual = table.split(' ').any(|number| number == errno.to_string());
            assert_eq!(ours.is_some(), usual, "errno {errno}");
            if let Some(ours) = ours.filter(|_| errno != 25) {
                assert!(std.starts_with(&ours), "errno {errno}: {ours:?} is not {std:?}");
            }
        }
    }
}
