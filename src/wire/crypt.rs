//! Hashes of passwords as they stand in shadow(5): which function, with what, has to give which
//! sum. The forms are those of crypt(5). The functions themselves are left to the program login.

use super::names::{begins, place, take};
use super::value::number;

/// The longest sum, in bytes: that of SHA-512. No salt of yescrypt is longer either.
pub const SUM_MAX: usize = 64;

/// Bytes that were written in one of the alphabets, with their number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decoded {
    bytes: [u8; SUM_MAX],
    len: usize,
}

impl Decoded {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }
}

/// A function and what it is called with besides the password.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme<'a> {
    /// `$5$`, see <https://www.akkadia.org/drepper/SHA-crypt.txt>.
    Sha256 { rounds: u32, salt: &'a [u8] },
    /// `$6$`, from the same text.
    Sha512 { rounds: u32, salt: &'a [u8] },
    /// `$y$`, with its parameters as they are written.
    Yescrypt { parameters: &'a str, salt: Decoded },
    /// `$2a$`, `$2b$` and `$2y$`, with the logarithm of the rounds.
    Bcrypt { cost: u32, salt: [u8; 16] },
}

/// A hash: a password is right if the function gives this sum for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hash<'a> {
    /// The function.
    pub scheme: Scheme<'a>,
    /// The sum, in the order in which the function gives it.
    pub sum: Decoded,
}

/// Rounds of SHA-crypt where nothing is said of them, and how many there may be.
const ROUNDS: u32 = 5000;
const ROUNDS_MIN: u32 = 1000;
const ROUNDS_MAX: u32 = 999_999_999;

/// SHA-crypt uses no more of a salt, in bytes; what is longer was cut when the hash was made.
const SHA_SALT_MAX: usize = 16;

/// For each byte that is written, its place in the sum.
const ORDER_256: &[u8; 32] = &[
    20, 10, 0, 11, 1, 21, 2, 22, 12, 23, 13, 3, 14, 4, 24, 5, 25, 15, 26, 16, 6, 17, 7, 27, 8, 28,
    18, 29, 19, 9, 30, 31,
];
const ORDER_512: &[u8; 64] = &[
    42, 21, 0, 1, 43, 22, 23, 2, 44, 45, 24, 3, 4, 46, 25, 26, 5, 47, 48, 27, 6, 7, 49, 28, 29, 8,
    50, 51, 30, 9, 10, 52, 31, 32, 11, 53, 54, 33, 12, 13, 55, 34, 35, 14, 56, 57, 36, 15, 16, 58,
    37, 38, 17, 59, 60, 39, 18, 19, 61, 40, 41, 20, 62, 63,
];

/// Parses a hash; nothing where it is of a form that is not known here, or of none.
pub fn parse(text: &[u8]) -> Option<Hash<'_>> {
    let mut rest = text.strip_prefix(b"$")?;
    match place(b"5 6 y 2a 2b 2y", take(&mut rest, b'$'))? {
        0 => sha(rest, ORDER_256, |rounds, salt| Scheme::Sha256 { rounds, salt }),
        1 => sha(rest, ORDER_512, |rounds, salt| Scheme::Sha512 { rounds, salt }),
        2 => yescrypt(rest),
        _ => bcrypt(rest),
    }
}

fn sha<'a>(
    text: &'a [u8],
    order: &[u8],
    scheme: impl FnOnce(u32, &'a [u8]) -> Scheme<'a>,
) -> Option<Hash<'a>> {
    let mut rest = text;
    let mut salt = take(&mut rest, b'$');
    let mut rounds = ROUNDS;
    if let Some(digits) = salt.strip_prefix(b"rounds=") {
        // With a zero in front it would be written in another way than it was made.
        rounds = number(digits).filter(|_| !begins(digits, b'0'))?;
        salt = take(&mut rest, b'$');
    }
    let written = decode(rest, order.len(), crypt_value, false)?;
    let mut sum = Decoded { bytes: [0; SUM_MAX], len: order.len() };
    for (&place, &byte) in order.iter().zip(written.as_bytes()) {
        *sum.bytes.get_mut(usize::from(place))? = byte;
    }
    let good = salt.len() <= SHA_SALT_MAX && (ROUNDS_MIN..=ROUNDS_MAX).contains(&rounds);
    good.then(|| Hash { scheme: scheme(rounds, salt), sum })
}

/// The sum of yescrypt is as long as that of SHA-256.
const YESCRYPT_SUM: usize = 32;

fn yescrypt(text: &[u8]) -> Option<Hash<'_>> {
    let mut rest = text;
    let parameters = core::str::from_utf8(take(&mut rest, b'$')).ok()?;
    let salt = take(&mut rest, b'$');
    // Four characters hold three bytes.
    let salt = decode(salt, salt.len() * 3 / 4, crypt_value, false)?;
    let sum = decode(rest, YESCRYPT_SUM, crypt_value, false)?;
    Some(Hash { scheme: Scheme::Yescrypt { parameters, salt }, sum })
}

/// Lengths of the salt of bcrypt as it is written, and of salt and sum in bytes.
const BCRYPT_SALT_WRITTEN: usize = 22;
const BCRYPT_SALT: usize = 16;
const BCRYPT_SUM: usize = 23;
const BCRYPT_COSTS: core::ops::RangeInclusive<u32> = 4..=31;

fn bcrypt(text: &[u8]) -> Option<Hash<'_>> {
    let mut rest = text;
    let cost = take(&mut rest, b'$');
    let cost = number(cost).filter(|n| cost.len() == 2 && BCRYPT_COSTS.contains(n))?;
    let (salt, sum) = rest.split_at_checked(BCRYPT_SALT_WRITTEN)?;
    let salt = *decode(salt, BCRYPT_SALT, bcrypt_value, true)?.bytes.first_chunk()?;
    let sum = decode(sum, BCRYPT_SUM, bcrypt_value, true)?;
    Some(Hash { scheme: Scheme::Bcrypt { cost, salt }, sum })
}

/// What a character of the alphabet of crypt stands for.
fn crypt_value(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'.' | b'/' => byte - b'.',
        b'0'..=b'9' => byte - b'0' + 2,
        b'A'..=b'Z' => byte - b'A' + 12,
        b'a'..=b'z' => byte - b'a' + 38,
        _ => return None,
    }))
}

/// The same for the alphabet of bcrypt.
fn bcrypt_value(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'.' | b'/' => byte - b'.',
        b'A'..=b'Z' => byte - b'A' + 2,
        b'a'..=b'z' => byte - b'a' + 28,
        b'0'..=b'9' => byte - b'0' + 54,
        _ => return None,
    }))
}

/// Decodes a text that holds just so many bytes. Four characters make three bytes: the first one
/// holds the lowest bits, or the highest ones (`high`). Bits that are left over are zeros, but for
/// bcrypt, which has put there whatever came.
fn decode(text: &[u8], len: usize, value: fn(u8) -> Option<u32>, high: bool) -> Option<Decoded> {
    let mut out = Decoded { bytes: [0; SUM_MAX], len: 0 };
    for group in text.chunks(4) {
        let mut bits = 0;
        for (index, &byte) in group.iter().enumerate() {
            let place = if high { 3 - index } else { index };
            bits |= value(byte)? << (6 * place);
        }
        let bytes = if high { (bits << 8).to_be_bytes() } else { bits.to_le_bytes() };
        let count = group.len() * 3 / 4;
        let (now, left) = bytes.split_at_checked(count)?;
        if !high && left.iter().any(|&b| b != 0) {
            return None;
        }
        for &byte in now {
            *out.bytes.get_mut(out.len)? = byte;
            out.len += 1;
        }
    }
    (out.len == len && text.len() == (len * 4).div_ceil(3)).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA_512: &str = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI\
                           68u4OTLiBFdcbYEdFCoEOfaS35inz1";
    const SHA_256: &str = "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opq\
                           ey6IcA";
    const YESCRYPT: &str = "$y$j9T$LdJMENpBABJJ3hIHjB1Bi.$iofk68xbXBoXKsxTyMBCh2qkQuzQZ2Zik521F9T\
                            sTq6";
    const BCRYPT: &str = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

    fn hash(text: &str) -> Hash<'_> {
        parse(text.as_bytes()).unwrap_or_else(|| panic!("{text} is not understood"))
    }

    fn is_bad(text: &str) {
        assert_eq!(parse(text.as_bytes()), None, "{text}");
    }

    #[test]
    fn the_parts_of_a_hash_are_found() {
        let sha = hash(SHA_512);
        assert_eq!(sha.scheme, Scheme::Sha512 { rounds: 5000, salt: b"saltstring" });
        assert_eq!(sha.sum.as_bytes().len(), 64);
        let sha = hash(SHA_256);
        assert_eq!(sha.scheme, Scheme::Sha256 { rounds: 10_000, salt: b"saltstringsaltst" });
        assert_eq!(sha.sum.as_bytes().len(), 32);
        let Scheme::Yescrypt { parameters, salt } = hash(YESCRYPT).scheme else {
            panic!("that was yescrypt");
        };
        assert_eq!((parameters, salt.as_bytes().len()), ("j9T", 16));
        let Scheme::Bcrypt { cost, salt } = hash(BCRYPT).scheme else { panic!("that was bcrypt") };
        assert_eq!((cost, salt[0], salt[1]), (5, 0x10, 0x41));
        assert_eq!(hash(BCRYPT).sum.as_bytes().len(), 23);
        assert_eq!(hash(&BCRYPT.replace("2b", "2y")).scheme, hash(BCRYPT).scheme);
    }

    #[test]
    fn a_sum_is_put_into_the_order_of_its_function() {
        // Sixty-four times the same byte but one: `.` is 0, so only the place of `/` counts.
        let text = format!("$6$s$/{}", ".".repeat(85));
        let sum = hash(&text).sum;
        assert_eq!(sum.as_bytes().iter().position(|&b| b == 1), Some(42));
        let text = format!("$5$s${}/..", ".".repeat(40));
        assert_eq!(hash(&text).sum.as_bytes()[30], 1);
    }

    #[test]
    fn every_place_of_a_sum_is_written_once() {
        for order in [&ORDER_256[..], &ORDER_512[..]] {
            let mut all = order.to_vec();
            all.sort_unstable();
            assert!(all.iter().enumerate().all(|(index, &place)| index == usize::from(place)));
        }
    }

    #[test]
    fn what_was_cut_bent_or_lengthened_is_no_hash() {
        for good in [SHA_512, SHA_256, YESCRYPT, BCRYPT] {
            hash(good);
            for end in 0..good.len() {
                is_bad(&good[..end]);
            }
            is_bad(&format!("{good}."));
            is_bad(&format!("{good}$"));
            is_bad(&format!("!{good}"));
            let last = good.len() - 1;
            is_bad(&format!("{}:", &good[..last]));
        }
        // The last character of a sum of 64 bytes holds two bits of it.
        is_bad(&format!("{}z", &SHA_512[..SHA_512.len() - 1]));
    }

    #[test]
    fn what_no_function_of_ours_has_made_is_refused() {
        for text in ["", "*", "!", "x", "ab01FAX.bQRSU", "$1$salt$sum", "$7$x", "$gy$j9T$a$b"] {
            is_bad(text);
        }
        for rounds in ["999", "1000000000", "0005000", "", "x", "4294967296"] {
            is_bad(&SHA_256.replace("10000", rounds));
        }
        is_bad(&SHA_256.replace("saltst$", "saltstx$"));
        for cost in ["3", "03", "32", "5", "005"] {
            is_bad(&BCRYPT.replace("$05$", &format!("${cost}$")));
        }
        is_bad(&BCRYPT.replace("2b", "2x"));
        let salt = "./".repeat(50);
        is_bad(&YESCRYPT.replace("LdJMENpBABJJ3hIHjB1Bi.", &salt));
    }
}
