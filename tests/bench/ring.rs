//! What a program of the respawn benchmark shares with whoever measures: one file for each
//! supervisor, mapped by both.

use core::sync::atomic::{AtomicU32, AtomicU64};

#[repr(C)]
pub struct Ring {
    /// How many programs there are.
    pub started: AtomicU64,
    /// How often one of them has begun.
    pub births: AtomicU64,
    /// The number of the one that is to end, from 1, whose place the next one takes.
    pub chosen: AtomicU64,
    /// How it ends: 1 for by a signal.
    pub way: AtomicU64,
    /// When one ended last, in nanoseconds of the monotonic clock, and when one began.
    pub died: AtomicU64,
    pub born: AtomicU64,
    /// A program ends when its bell changes.
    pub bells: [AtomicU32; 256],
}
