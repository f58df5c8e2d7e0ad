//! Time, as it is handed to the machines, and chance.

use crate::wire::value::Millis;

/// A moment: milliseconds of the monotonic clock. There are many of them, and aligned as a number
/// of half their size they fit between others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(Rust, packed(4))]
pub struct Instant(u64);

impl Instant {
    /// A moment that does not come.
    pub const NEVER: Instant = Instant(u64::MAX);

    /// The moment this many milliseconds after the clock's beginning.
    pub const fn from_millis(millis: u64) -> Self {
        Instant(millis)
    }

    /// Milliseconds since the clock's beginning.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// The moment, unless it does not come.
    pub fn coming(self) -> Option<Instant> {
        (self != Instant::NEVER).then_some(self)
    }

    /// So much later.
    pub const fn plus(self, span: Millis) -> Self {
        Instant(self.0.saturating_add(span as u64))
    }

    /// Milliseconds since an earlier moment; 0 for a later one.
    pub const fn since(self, earlier: Instant) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A small source of chance for jitter: xorshift, see Marsaglia 2003. It need not be secret.
pub struct Chance(u32);

impl Chance {
    /// A source that has not been seeded.
    pub const fn new() -> Self {
        Chance(0)
    }

    /// Seeds it.
    pub fn seed(&mut self, seed: u32) {
        self.0 = seed | 1;
    }

    /// A span between three quarters of this one and the whole.
    pub fn jitter(&mut self, span: Millis) -> Millis {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        let quarter = u64::from(span / 4);
        let cut = (quarter * u64::from(self.0 & 0xffff)) >> 16;
        span.saturating_sub(cut as u32)
    }
}

impl Default for Chance {
    fn default() -> Self {
        Chance::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_takes_at_most_a_quarter_and_varies() {
        let mut chance = Chance::new();
        chance.seed(42);
        let all: Vec<_> = (0..1000).map(|_| chance.jitter(1000)).collect();
        assert!(all.iter().all(|&j| (750..=1000).contains(&j)));
        assert!(all.iter().min().unwrap() < &770 && all.iter().max().unwrap() > &980);
        assert_eq!(chance.jitter(0), 0);
        assert!(chance.jitter(u32::MAX) > u32::MAX / 4 * 3 - 4);
    }

    #[test]
    fn moments_saturate() {
        let t = Instant::from_millis(u64::MAX - 1);
        assert_eq!(t.plus(10).millis(), u64::MAX);
        assert_eq!(Instant::from_millis(5).since(t), 0);
    }
}
