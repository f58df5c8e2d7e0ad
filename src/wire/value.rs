//! The values that options take: numbers, spans of time, sizes, names, paths.

use super::names::{cut, holds, place};

/// A span of time in milliseconds; `u32` reaches 49 days.
pub type Millis = u32;

/// A decimal number with nothing around it.
pub fn number(text: &[u8]) -> Option<u32> {
    let mut value = 0u32;
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u32::from(digit))?;
    }
    if text.is_empty() { None } else { Some(value) }
}

/// A number with a unit behind it, in the smallest unit. `units` names them and `scales` says how
/// much each of them is; `bare` is how much it is without a unit.
fn scaled(text: &[u8], bare: u32, units: &[u8], scales: &[u32]) -> Option<u64> {
    let digits = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(digits)?;
    let scale = if unit.is_empty() { bare } else { *scales.get(place(units, unit)?)? };
    Some(u64::from(number(digits)?) * u64::from(scale))
}

/// A span of time: a number and `ms`, `s`, `m` or `h`; without a unit, seconds.
pub fn span(text: &[u8]) -> Option<Millis> {
    let millis = scaled(text, 1000, b"ms s m h", &[1, 1000, 60_000, 3_600_000])?;
    u32::try_from(millis).ok()
}

/// A size in bytes: a number and `K`, `M`, `G` or nothing.
pub fn size(text: &[u8]) -> Option<u64> {
    let scales = [1 << 10, 1 << 10, 1 << 20, 1 << 20, 1 << 30, 1 << 30];
    scaled(text, 1, b"K k M m G g", &scales)
}

/// So many starts in such a span: `10/5m`.
pub fn rate(text: &[u8]) -> Option<(u16, Millis)> {
    let (count, window) = cut(text, b'/')?;
    let count = u16::try_from(number(count)?).ok().filter(|&n| n > 0)?;
    Some((count, span(window).filter(|&w| w > 0)?))
}

/// The longest name of a unit, in bytes.
pub const NAME_MAX: usize = 32;

/// A name of a unit, a user or a group: letters, digits and `._@-`, not beginning with `-`.
pub fn name(text: &[u8]) -> Option<&[u8]> {
    let fine = |b: &u8| b.is_ascii_alphanumeric() || holds(b"._@-", *b);
    let first = *text.first()?;
    let good = text.len() <= NAME_MAX && first != b'-' && text.iter().all(fine);
    if good { Some(text) } else { None }
}

/// An absolute path.
pub fn path(text: &[u8]) -> Option<&[u8]> {
    if text.starts_with(b"/") { Some(text) } else { None }
}

/// A number that may carry a sign, in a range.
pub fn signed(text: &[u8], low: i64, high: i64) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let value = i64::from(number(digits)?);
    let value = if digits.len() < text.len() { -value } else { value };
    if value >= low && value <= high { Some(value) } else { None }
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
        assert_eq!(span(b"100ms"), Some(100));
        assert_eq!(span(b"5s"), Some(5000));
        assert_eq!(span(b"5"), Some(5000));
        assert_eq!(span(b"2m"), Some(120_000));
        assert_eq!(span(b"1h"), Some(3_600_000));
        for bad in [&b"ms"[..], b"5x", b"5 s", b"", b"1200h"] {
            assert_eq!(span(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn rates_sizes_modes_and_signed_numbers_keep_their_ranges() {
        assert_eq!(rate(b"10/5m"), Some((10, 300_000)));
        assert_eq!(rate(b"0/5m"), None);
        assert_eq!(rate(b"10/0s"), None);
        assert_eq!(rate(b"10"), None);
        assert_eq!(size(b"64M"), Some(64 << 20));
        assert_eq!(size(b"4000000000G"), Some(4_000_000_000u64 << 30));
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
    fn names_cannot_be_mistaken_for_options_or_paths() {
        assert_eq!(name(b"web-1"), Some(&b"web-1"[..]));
        for bad in [&b""[..], b"-x", b"a/b", b"a b", &[b'x'; NAME_MAX + 1]] {
            assert_eq!(name(bad), None, "{bad:?}");
        }
    }
}
