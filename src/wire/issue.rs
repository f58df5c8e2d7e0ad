//! What is shown before a login: the escapes of /etc/issue, as BusyBox and agetty have them.
//!
//! An escape is a backslash and a letter; behind `4`, `6`, `e` and `S` an argument in braces may
//! stand. BusyBox takes a percent sign for a backslash, so that counts as well, but only before the
//! letters it knows.

use core::cell::Cell;

use super::names::{at, begins, holds, place, take};
use super::text::Line;
use super::variables::unquoted;

/// The letters that may have an argument.
const WITH_ARGUMENT: &[u8] = b"46eS";
/// Letters that stand for something without an argument.
const PLAIN: &[u8] = b"SdtlsnrvmoshrvmDsO";
/// Those that may stand behind a percent sign.
const BY_PERCENT: &[u8] = PLAIN.split_at(16).0;
/// Those that stand for a name of the machine, in the order of the names, and once more. That of
/// `O` is what stands behind the first dot of the host's name.
pub const NAMED: &[u8] = PLAIN.split_at(4).1;

/// Makes backslashes of percent signs that count as such; one behind a backslash does not.
pub fn unify(text: &mut [u8]) {
    let mut rest = Cell::from_mut(text).as_slice_of_cells();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let Some((letter, behind)) = after.split_first() else { break };
        if byte.get() == b'%' && holds(BY_PERCENT, letter.get()) {
            byte.set(b'\\');
        }
        if byte.get() == b'\\' {
            rest = behind;
        }
    }
}

/// Takes an escape off the front of the text behind its backslash: its letter, and its argument or
/// nothing.
pub fn escape<'a>(text: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&letter, after) = text.split_first()?;
    *text = after;
    let mut argument: &[u8] = b"";
    if begins(after, b'{') && holds(WITH_ARGUMENT, letter) {
        take(text, b'{');
        argument = take(text, b'}');
    }
    Some((letter, argument))
}

/// The colours of console_codes(4) by their names, and the reset.
const COLOURS: &[u8] = b"reset bold halfbright blink reverse black red green brown blue magenta \
cyan lightgray gray darkgray lightred lightgreen yellow lightblue lightmagenta lightcyan white";
/// Their codes in the same order. A bright colour, which is one with the code of bold in front,
/// stands with a hundred more.
const CODES: [u8; 22] =
    [0, 1, 2, 5, 7, 30, 31, 32, 33, 34, 35, 36, 37, 37, 130, 131, 132, 133, 134, 135, 136, 137];

/// What a bright colour begins with. As a constant of four bytes it would take room among those
/// that every applet has in memory.
static BRIGHT: [u8; 4] = *b"\x1b[1;";

/// Appends the sequence of a code.
pub fn put_code(line: &mut Line, code: &[u8]) {
    line.put(b"\x1b[").put(code).put(b"m");
}

/// Appends the sequence of a colour. One that is unknown has none.
pub fn put_colour(line: &mut Line, name: &[u8]) {
    if let Some(code) = place(COLOURS, name).and_then(|place| CODES.get(place)) {
        line.put(if *code < 100 { b"\x1b[" } else { &BRIGHT });
        line.number(u64::from(code % 100)).put(b"m");
    }
}

/// The value of a variable in a text of lines `NAME=value`, without quotes around all of it.
pub fn variable<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut rest = text;
    while !rest.is_empty() {
        let mut value = take(&mut rest, b'\n');
        if take(&mut value, b'=') == name {
            return Some(unquoted(value));
        }
    }
    None
}

const DAYS: &[u8] = b"Thu Fri Sat Sun Mon Tue Wed ";
/// The months, each with the number of its days.
const MONTHS: &[u8] =
    b"Jan\x1fFeb\x1cMar\x1fApr\x1eMay\x1fJun\x1eJul\x1fAug\x1fSep\x1eOct\x1fNov\x1e\
Dec\x1f";

/// Appends a day, like `Fri Nov 20 2026`, of a time in seconds since 1970, in UTC: a program
/// without a C library knows no other zones.
pub fn date(line: &mut Line, seconds: u32) {
    let mut days = seconds / 86_400;
    line.put(DAYS.chunks_exact(4).nth(days as usize % 7).unwrap_or(b""));
    for year in 1970u32.. {
        for month in MONTHS.chunks_exact(4) {
            let [name @ .., length] = month else { continue };
            // The time ends in 2106, so of the years that four divides only 2100 has no such day.
            let leap = *length == 28 && year % 4 == 0 && year != 2100;
            let length = u32::from(*length) + u32::from(leap);
            if days < length {
                line.compose(b"%x %n ", [b"", name], u64::from(days + 1));
                line.number(u64::from(year));
                return;
            }
            days -= length;
        }
    }
}

/// Appends the time of the day, like `09:05:07`, in UTC.
pub fn time(line: &mut Line, seconds: u32) {
    let mut text = *b"00:00:00";
    let mut rest = seconds % 86_400;
    // Each place counts up to one of these; a colon stays as it is.
    for (digit, highest) in text.iter_mut().zip(b"99059059").rev() {
        let base = u32::from(highest & 15) + 1;
        *digit += (rest % base) as u8;
        rest /= base;
    }
    line.put(&text);
}

/// The address of IPv6 in a line of /proc/net/if_inet6, if it is the one of this interface or,
/// without a name, one that is reached from elsewhere. Its 32 digits stand there without colons.
pub fn address_of<'a>(line: &'a [u8], interface: &[u8]) -> Option<&'a [u8]> {
    let (wanted, is) = match interface {
        b"" => (&b"00"[..], at(line, 3)),
        // The name stands at the right of its column.
        _ => (interface, line.rsplit(|&b| b == b' ').next()),
    };
    if is? == wanted { at(line, 0) } else { None }
}

/// Appends an address of IPv6 in eight groups, without the zeros in front of each.
pub fn address(line: &mut Line, digits: &[u8]) {
    let mut between: &[u8] = b"";
    for group in digits.chunks_exact(4) {
        let zeros = group.iter().take(3).take_while(|&&digit| digit == b'0').count();
        line.put(between).put(group.get(zeros..).unwrap_or(b""));
        between = b":";
    }
}

/// Appends an address of IPv4.
pub fn address_v4(line: &mut Line, bytes: [u8; 4]) {
    let mut between: &[u8] = b"";
    for byte in bytes {
        line.put(between).number(u64::from(byte));
        between = b".";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(text: &[u8]) -> String {
        let mut whole = text.to_vec();
        unify(&mut whole);
        let mut rest = &whole[..];
        let mut out = String::new();
        while !rest.is_empty() {
            out.push_str(&String::from_utf8_lossy(take(&mut rest, b'\\')));
            if let Some((letter, argument)) = escape(&mut rest) {
                let argument = String::from_utf8_lossy(argument);
                out.push_str(&format!("<{}:{argument}>", letter as char));
            }
        }
        out
    }

    #[test]
    fn escapes_are_letters_behind_a_backslash() {
        assert_eq!(rendered(b"a \\n on \\l\n"), "a <n:> on <l:>\n");
        assert_eq!(rendered(b"\\\\x"), "<\\:>x");
        assert_eq!(rendered(b"end\\"), "end");
    }

    #[test]
    fn a_percent_sign_counts_before_busyboxs_letters_alone() {
        assert_eq!(rendered(b"%s %h %l"), "<s:> <h:> <l:>");
        assert_eq!(rendered(b"100% sure, 5%, %%n, %\\n, %"), "100% sure, 5%, %<n:>, %<n:>, %");
        assert_eq!(rendered(b"\\%n \\\\%n \\\\\\%n"), "<%:>n <\\:><n:> <\\:><%:>n");
    }

    #[test]
    fn some_letters_take_an_argument() {
        assert_eq!(
            rendered(b"\\S{ID} \\S \\4{eth0}\\4\\e{red}x\\e"),
            "<S:ID> <S:> <4:eth0><4:><e:red>x<e:>"
        );
        assert_eq!(rendered(b"\\n{x}"), "<n:>{x}", "others do not");
        assert_eq!(rendered(b"\\S{ID"), "<S:ID>", "the end of the text ends it");
        assert_eq!(rendered(b"\\S{}\\S\\n"), "<S:><S:><n:>");
        assert_eq!(rendered(b"\\4{eth0"), "<4:eth0>");
    }

    #[test]
    fn colours_have_their_codes() {
        assert_eq!(COLOURS.split(|&b| b == b' ').count(), CODES.len());
        for (name, code) in [
            ("reset", "\x1b[0m"),
            ("reverse", "\x1b[7m"),
            ("red", "\x1b[31m"),
            ("lightgray", "\x1b[37m"),
            ("gray", "\x1b[37m"),
            ("darkgray", "\x1b[1;30m"),
            ("white", "\x1b[1;37m"),
            ("pink", ""),
        ] {
            assert_eq!(written(|line| put_colour(line, name.as_bytes())), code, "{name}");
        }
        assert_eq!(written(|line| put_code(line, b"0;36")), "\x1b[0;36m");
    }

    #[test]
    fn variables_lose_their_quotes() {
        let text = b"ID=demo\nPRETTY_NAME=\"A b=c\"\nEMPTY=\nONE='x'\nHALF=\"x\n\"";
        let value = |name: &str| variable(text, name.as_bytes()).map(String::from_utf8_lossy);
        assert_eq!(value("PRETTY_NAME").as_deref(), Some("A b=c"));
        assert_eq!(value("ID").as_deref(), Some("demo"));
        assert_eq!(value("EMPTY").as_deref(), Some(""));
        assert_eq!(value("ONE").as_deref(), Some("x"));
        assert_eq!(value("HALF").as_deref(), Some("\"x"));
        assert_eq!(value("I"), None);
    }

    fn written(write: impl Fn(&mut Line)) -> String {
        let mut line = Line::new();
        write(&mut line);
        String::from_utf8_lossy(line.as_bytes()).into_owned()
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, day, clock) in [
            (0, "Thu Jan 1 1970", "00:00:00"),
            (951_782_399, "Mon Feb 28 2000", "23:59:59"),
            (951_782_400, "Tue Feb 29 2000", "00:00:00"),
            (951_868_800, "Wed Mar 1 2000", "00:00:00"),
            (1_795_169_107, "Fri Nov 20 2026", "10:05:07"),
            (1_798_761_599, "Thu Dec 31 2026", "23:59:59"),
            (4_107_542_400, "Mon Mar 1 2100", "00:00:00"),
            (u32::MAX, "Sun Feb 7 2106", "06:28:15"),
        ] {
            assert_eq!(written(|line| date(line, seconds)), day);
            assert_eq!(written(|line| time(line, seconds)), clock);
        }
    }

    #[test]
    fn addresses_are_written_in_groups() {
        for text in ["::1", "::", "fe80::1", "2001:db8::1:0:0:1", "a00:10::"] {
            let ip: std::net::Ipv6Addr = text.parse().unwrap();
            let digits: String = ip.octets().iter().map(|b| format!("{b:02x}")).collect();
            let groups = ip.segments().map(|group| format!("{group:x}")).join(":");
            assert_eq!(written(|line| address(line, digits.as_bytes())), groups);
        }
        assert_eq!(written(|line| address_v4(line, [10, 0, 255, 1])), "10.0.255.1");
    }

    #[test]
    fn an_address_is_found_by_its_interface_or_its_reach() {
        let local = b"fe80000000000000505400fffe123456 02 40 20 80     eth0";
        let global = b"20010db8000000000000000000000001 02 40 00 80     eth0";
        assert!(address_of(local, b"").is_none());
        assert!(address_of(local, b"eth0").is_some());
        assert!(address_of(local, b"eth1").is_none());
        assert_eq!(address_of(global, b"").unwrap(), &global[..32]);
        assert!(address_of(b"", b"").is_none());
        let long = b"fe80000000000000505400fffe123456 102 40 20 80 bridge0";
        assert!(address_of(long, b"bridge0").is_some() && address_of(long, b"e0").is_none());
    }
}
