//! # pidone, the pure half
//!
//! The first process of a Linux system, in one tiny static binary that owns no heap and cannot
//! panic. This half decides; it never touches the kernel. The other half, the binary `pidone`,
//! brings it what happened and carries out what it wants:
//!
//! ```text
//! sys/source -> Event -> machine -> Action -> sys/deed -> outcome Event
//! ```
//!
//! ## Principles
//!
//! - **Sans-io, pull style.** [`machine::init::Init`] takes an [`machine::Event`] with the time
//!   it happened at, says what it wants next ([`machine::Action`]) and when it wants to be woken.
//!   It has no clock, no environment and no global of its own, so that thousands of simulated
//!   worlds can be played through it in a second.
//! - **State moves after the deed has succeeded.** An action stays wanted until its outcome came
//!   back as an event; a fork that failed is an event like any other.
//! - **State owns its data.** A unit that is up has a process number, a unit that waits has a
//!   time; no other unit has either. Every pair of state and stimulus is spelt out.
//! - **No panics, no heap.** The release binary does not link if a panic could be reached.
//! - **Every limit is a named constant** with its reason, and what goes beyond it is counted and
//!   said.
//!
//! ## Map
//!
//! | module | what it knows |
//! | --- | --- |
//! | [`wire::lines`], [`wire::inittab`], [`wire::options`], [`wire::value`] | the inittab |
//! | [`wire::command`] | command lines made into words |
//! | [`wire::notify`] | what a service says of itself |
//! | [`wire::control`] | what is asked at the control socket, and answered |
//! | [`wire::accounts`], [`wire::variables`] | users, groups, and files of variables |
//! | [`wire::signals`], [`wire::errno`], [`wire::names`] | numbers with names |
//! | [`wire::syslog`], [`wire::text`] | messages |
//! | [`wire::mounts`] | what is left to unmount |
//! | [`wire::container`] | the command lines of a container's init, by each of its names |
//! | [`wire::letters`], [`wire::logline`] | options of small programs, lines fit for a log |
//! | [`wire::passwd`], [`wire::crypt`], [`wire::login`] | accounts, hashes, login's words |
//! | [`wire::utmp`] | records of who is logged in |
//! | [`wire::consoles`] | the active consoles |
//! | [`wire::getty`], [`wire::issue`] | what getty is told, and what it shows |
//! | [`machine::line`] | the line in which somebody types a name |
//! | [`machine::unit`] | one unit: its states and what moves it between them |
//! | [`machine::table`] | the lines of an inittab, at rest |
//! | [`machine::ties`], [`machine::hear`] | who waits for whom, and what units say of themselves |
//! | [`machine::care`] | who looks after units |
//! | [`machine::status`] | how units are, for those who ask |
//! | [`machine::container`] | a container's init: one child, signals for it, orphans of others |
//! | [`machine::spool`] | what a reader of logs has taken and not yet written |
//! | [`machine::log`] | messages until they are delivered |
//! | [`machine::records`] | what is written down about sessions |
//! | [`machine::init`] | the whole: boot, signals, reload |
//! | [`machine::shutdown`] | the way down |

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![deny(rustdoc::broken_intra_doc_links)]

pub mod machine;
pub mod wire;
