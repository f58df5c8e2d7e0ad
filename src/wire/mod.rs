//! Bytes to values and values to bytes: every format that pidone reads or writes.
//!
//! Nothing here knows what a value is for. A reader returns what it found or what it expected
//! instead; who reports it, and what happens next, is decided in [`crate::machine`].

pub mod accounts;
pub mod command;
pub mod consoles;
pub mod container;
pub mod control;
pub mod crypt;
pub mod errno;
pub mod fstab;
pub mod getty;
pub mod inittab;
pub mod issue;
pub mod letters;
pub mod lines;
pub mod login;
pub mod logline;
pub mod mounts;
pub mod names;
pub mod notify;
pub mod options;
pub mod passwd;
pub mod signals;
pub mod syslog;
pub mod text;
pub mod utmp;
pub mod value;
pub mod variables;
