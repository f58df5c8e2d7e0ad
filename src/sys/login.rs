//! What the program login uses of this folder, and what it uses alone.

pub mod fd;
pub mod heap;
pub mod kernel;
pub mod quiet;
pub mod secret;
pub mod start;
pub mod terminal;
pub mod user;
pub mod utmp;
