//! A throw-away machine for one test: a root folder on its own tmpfs, and an init that is PID 1
//! of its own PID, mount, network and host-name namespaces.
//!
//! The mounts live in a mount namespace of the test's thread, so the host never sees them and
//! they go when the thread ends, whatever became of the test. The init's host PID is known from
//! the clone call itself, so signals reach it without any search.

#![allow(dead_code, unused_imports, reason = "each test crate uses its own part")]

pub mod badfs;
pub mod console;
pub mod container;
pub mod end;
pub mod fence;
pub mod forks;
pub mod garden;
pub mod lingering;
pub mod namespace;
pub mod procs;
pub mod root;
pub mod running;
pub mod seen;
pub mod steps;
pub mod sys;
pub mod syslog;
pub mod terminal;
pub mod tools;
pub mod trace;
pub mod wait;

pub use console::Console;
pub use container::{Order, Outcome, Running, Stage, Who};
pub use end::End;
pub use fence::Fence;
pub use namespace::{Builder, Namespace};
pub use seen::Seen;
pub use syslog::Syslog;
pub use tools::Init;
pub use wait::DEADLINE;
