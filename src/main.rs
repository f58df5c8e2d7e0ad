//! The world half of pidone: it brings the pure half what happens and does what that wants.
//!
//! By its own name or by its first word the one binary is several programs; see `applet`.

#![no_std]
#![no_main]
#![deny(unsafe_code)]

mod applet;
#[allow(unsafe_code)]
mod sys;

use applet::main;
