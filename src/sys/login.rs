//! What the program login uses of this folder.
pub mod fd;
pub mod heap;
pub mod kernel;
pub mod quiet;
pub mod start;
pub mod utmp;
