//! What the machine remembers that is large, and how it lies in memory. Of what is set aside only
//! the pages become memory that are touched, so that what grows begins with a page, and what is
//! always touched lies together.

use super::care::Care;
use super::log::Log;
use super::readers::Readers;
use super::status::Sayings;
use super::table::Table;
use crate::wire::lines::Lines;

/// The size of a page, in bytes.
const PAGE: usize = 4096;

/// What stands in front of the memory, in bytes, where a page begins: what the layout of the binary
/// puts there besides, and whether the memory is taken.
const LEAD: usize = 16;

/// Room for something of whoever runs the machine, in bytes: it shares the first page with what
/// the machine itself always touches.
pub const BESIDE: usize = 640;

/// What is always touched.
#[repr(C, align(8))]
struct Head<T> {
    beside: T,
    log: Log,
    lines: Lines,
}

/// Bytes between units that take so many and the text behind them, which begins with a page.
pub(super) const fn gap(units: usize) -> usize {
    up_to_page(LEAD + size_of::<Head<[u8; BESIDE]>>() + units)
}

/// Bytes from a place to where the next page begins.
const fn up_to_page(place: usize) -> usize {
    (PAGE - place % PAGE) % PAGE
}

/// What lies in front of those who are looked after.
const BEFORE_CARE: usize = size_of::<Head<[u8; BESIDE]>>() + 2 * size_of::<Table>();

/// The memory. It is kept apart from the machine so that tables change places by their addresses.
#[repr(C)] // The first units lie behind the head.
pub struct Memory<T = ()> {
    head: Head<T>,
    first: Table,
    second: Table,
    gap: [u8; up_to_page(LEAD + BEFORE_CARE)],
    care: Care,
    readers: Readers,
    sayings: Sayings,
}

impl Default for Memory {
    fn default() -> Self {
        Memory::new()
    }
}

impl Memory {
    /// Nothing to remember yet. All of it is zeros.
    pub const fn new() -> Self {
        Memory::beside(())
    }
}

impl<T> Memory<T> {
    /// Nothing to remember yet beside this.
    pub const fn beside(beside: T) -> Self {
        Memory {
            head: Head { beside, log: Log::new(), lines: Lines::new() },
            first: Table::new(),
            second: Table::new(),
            gap: [0; up_to_page(LEAD + BEFORE_CARE)],
            care: Care::new(),
            readers: Readers::new(),
            sayings: Sayings::new(),
        }
    }

    /// What lies beside, and the parts of the memory.
    pub(super) fn parts(&mut self) -> (&mut T, Parts<'_>) {
        let Memory {
            head: Head { beside, log, lines }, first, second, care, readers, sayings, ..
        } = self;
        (beside, (log, lines, first, second, care, readers, sayings))
    }
}

type Parts<'m> = (
    &'m mut Log,
    &'m mut Lines,
    &'m mut Table,
    &'m mut Table,
    &'m mut Care,
    &'m mut Readers,
    &'m mut Sayings,
);

const _: () = {
    type Full = Memory<[u8; BESIDE]>;
    assert!(up_to_page(LEAD + core::mem::offset_of!(Full, first) + Table::TEXT_AT) == 0);
    assert!(up_to_page(LEAD + core::mem::offset_of!(Full, care)) == 0);
};
