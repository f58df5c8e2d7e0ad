//! The values that options take: numbers, spans of time, sizes, names, paths.

use super::names::{begins, holds, take};

/// A span of time in milliseconds; `u32` reaches 49 days.
pub type Millis = u32;

/// How much a unit behind a number is, in the smallest one, if it is a unit at all.
pub type Units = fn(&[u8]) -> Option<u32>;

/// No units.
pub fn plain(unit: &[u8]) -> Option<u32> {
    unit.is_empty().then_some(1)
}

/// Units of time in milliseconds; without one, seconds.
pub fn time(unit: &[u8]) -> Option<u32> {
    Some(match unit {
        b"ms" => 1,
        b"s" | b"" => 1000,
        b"m" => 60_000,
        b"h" => 3_600_000,
        _ => return None,
    })
}

/// Units of size in bytes.
pub fn size(unit: &[u8]) -> Option<u32> {
    Some(match unit {
        b"" => 1,
        b"K" | b"k" => 1 << 10,
        b"M" | b"m" => 1 << 20,
        b"G" | b"g" => 1 << 30,
        _ => return None,
    })
}

/// A number of at most 32 bits with one of these units behind it, in a range that counts in the
/// smallest unit. Only where the range begins below 0 may it have a sign.
pub fn within(text: &[u8], units: Units, low: i64, high: i64) -> Option<i64> {
    let signed = low < 0 && begins(text, b'-');
    let mut rest = text.get(usize::from(signed)..)?;
    let digits = rest.len();
    let mut value = 0u64;
    while let Some((byte @ b'0'..=b'9', after)) = rest.split_first() {
        value = value * 10 + u64::from(byte & 15);
        if value > u64::from(u32::MAX) {
            return None;
        }
        rest = after;
    }
    let scale = units(rest)?;
    let value = value as i64 * i64::from(scale);
    let value = if signed { -value } else { value };
    let good = rest.len() < digits && value >= low && value <= high;
    good.then_some(value)
}

/// Whether the release of a kernel, as uname(2) names it, is of this version or a later one. Behind
/// the second number anything may stand.
pub fn is_release_from(release: &[u8], version: (i64, i64)) -> bool {
    let mut rest = release;
    let first = within(take(&mut rest, b'.'), plain, 0, i64::MAX);
    let second = within(rest, |_| Some(1), 0, i64::MAX);
    first.zip(second).is_some_and(|found| found >= version)
}

/// A decimal number with nothing around it.
pub fn number(text: &[u8]) -> Option<u32> {
    Some(within(text, plain, 0, i64::from(u32::MAX))? as u32)
}

/// A span of time of at least `low`: a number and `ms`, `s`, `m` or `h`; without a unit, seconds.
pub fn span(text: &[u8], low: Millis) -> Option<Millis> {
    Some(within(text, time, i64::from(low), i64::from(Millis::MAX))? as Millis)
}

/// So many starts in such a span: `10/5m`.
pub fn rate(text: &[u8]) -> Option<(u16, Millis)> {
    let mut window = text;
    let count = within(take(&mut window, b'/'), plain, 1, i64::from(u16::MAX))?;
    Some((count as u16, span(window, 1)?))
}

/// The longest name of a unit, in bytes.
pub const NAME_MAX: usize = 32;

/// Whether this is a name of a unit, a user or a group: letters, digits and `._@-`, not beginning
/// with `-`.
pub fn is_name(text: &[u8]) -> bool {
    let fine = |b: &u8| b.is_ascii_alphanumeric() || holds(b"._@-", *b);
    let bounded = !text.is_empty() && text.len() <= NAME_MAX;
    bounded && !begins(text, b'-') && text.iter().all(fine)
}

/// An octal mode of at most 0777.
pub fn octal(text: &[u8]) -> Option<u16> {
    let fine = !text.is_empty() && text.len() <= 4;
    let value = text.iter().try_fold(0u16, |value, &byte| match byte {
        b'0'..=b'7' => Some(value << 3 | u16::from(byte & 7)),
        _ => None,
    })?;
    if fine && value <= 0o777 { Some(value) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_bare_and_bounded() {
        assert_eq!(number(b"0"), Some(0));
        assert_eq!(number(b"4294967295"), Some(u32::MAX));
        for bad in [&b""[..], b"4294967296", b"-1", b" 1", b"1x"] {
            assert_eq!(number(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn spans_have_units_and_default_to_seconds() {
        let span = |text| span(text, 0);
        assert_eq!(span(b"100ms"), Some(100));
        assert_eq!(span(b"5s"), Some(5000));
        assert_eq!(span(b"5"), Some(5000));
        assert_eq!(span(b"2m"), Some(120_000));
        assert_eq!(span(b"1h"), Some(3_600_000));
        for bad in [&b"ms"[..], b"5x", b"5 s", b"", b"1200h"] {
            assert_eq!(span(bad), None, "{bad:?}");
        }
    }

    fn size(text: &[u8]) -> Option<i64> {
        within(text, super::size, 1, i64::MAX)
    }

    fn signed(text: &[u8], low: i64, high: i64) -> Option<i64> {
        within(text, plain, low, high)
    }

    #[test]
    fn rates_sizes_modes_and_signed_numbers_keep_their_ranges() {
        assert_eq!(rate(b"10/5m"), Some((10, 300_000)));
        assert_eq!(rate(b"0/5m"), None);
        assert_eq!(rate(b"10/0s"), None);
        assert_eq!(rate(b"10"), None);
        assert_eq!(rate(b"65536/5m"), None);
        assert_eq!(span(b"0s", 1), None);
        assert_eq!(size(b"0K"), None);
        assert_eq!(signed(b"-0", 0, 1), None, "a sign only where the range has one");
        assert_eq!(size(b"64M"), Some(64 << 20));
        assert_eq!(size(b"4000000000G"), Some(4_000_000_000i64 << 30));
        assert_eq!(octal(b"022"), Some(0o22));
        assert_eq!(octal(b"1777"), None);
        assert_eq!(octal(b"8"), None);
        assert_eq!(octal(b""), None);
        assert_eq!(signed(b"-20", -20, 19), Some(-20));
        assert_eq!(signed(b"20", -20, 19), None);
        assert_eq!(signed(b"--1", -20, 19), None);
        assert_eq!(signed(b"-", -20, 19), None);
        assert_eq!(signed(b"4294967295", 1, i64::MAX), Some(4_294_967_295));
        assert_eq!(size(b"7B"), None);
        assert_eq!(size(b"7k"), Some(7 << 10));
    }

    #[test]
    fn releases_are_compared_by_their_first_two_numbers() {
        for later in ["5.16.0", "5.16-rc1", "5.100.2-arch1", "6.1.0-18-amd64", "10.0"] {
            assert!(is_release_from(later.as_bytes(), (5, 16)), "{later}");
        }
        for other in ["5.15.167", "4.19.0-26-amd64", "2.6.32", "6", "6.", "", "x.y", "-6.1"] {
            assert!(!is_release_from(other.as_bytes(), (5, 16)), "{other}");
        }
    }

    #[test]
    fn names_cannot_be_mistaken_for_options_or_paths() {
        assert!(is_name(b"web-1"));
        for bad in [&b""[..], b"-x", b"a/b", b"a b", &[b'x'; NAME_MAX + 1]] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }
}
