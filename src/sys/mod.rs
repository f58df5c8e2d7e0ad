//! The only folder that talks to the kernel, and the only one that may use unsafe code.

pub mod aide;
pub mod calls;
pub mod child;
pub mod container;
pub mod control;
pub mod cradle;
pub mod daemon;
pub mod deed;
pub mod ears;
pub mod env;
pub mod facts;
pub mod fd;
pub mod files;
pub mod groups;
pub mod host;
pub mod kernel;
pub mod logs;
pub mod memory;
pub mod mount;
pub mod outlet;
mod panic;
pub mod pidfile;
pub mod reap;
pub mod setup;
pub mod sinks;
pub mod source;
pub mod spawn;
pub mod start;
pub mod stdio;
pub mod stream;
pub mod sweep;
pub mod timely;
pub mod tty;
#[allow(dead_code, reason = "each binary uses its own part")]
pub mod utmp;
pub mod watch;
