//! What is shown before a login: the escapes of /etc/issue, as BusyBox and agetty have them.
//!
//! An escape is a backslash and a letter; behind `4`, `6`, `e` and `S` an argument in braces may
//! stand. BusyBox takes a percent sign for a backslash, so that counts as well, but only before the
//! letters it knows.

use super::names::{at, before, begins, holds, place, take};
use super::text::Line;

/// The letters that may have an argument.
const WITH_ARGUMENT: &[u8] = b"46eS";
/// The letters behind a percent sign.
const BY_PERCENT: &[u8] = b"SsnhrvmDodtl";

/// Makes backslashes of percent signs that count as such.
pub fn unify(text: &mut [u8]) {
    let mut behind = 0;
    for byte in text.iter_mut().rev() {
        if *byte == b'%' && holds(BY_PERCENT, behind) {
            *byte = b'\\';
        }
        behind = *byte;
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
const CODES: &[u8] =
    b"0 1 2 5 7 30 31 32 33 34 35 36 37 37 1;30 1;31 1;32 1;33 1;34 1;35 1;36 1;37";

/// The code of a colour, which stands between `ESC [` and `m`. One that is unknown has none.
pub fn colour(name: &[u8]) -> &'static [u8] {
    place(COLOURS, name).and_then(|place| at(CODES, place)).unwrap_or(b"")
}

/// Appends the sequence of a code, unless that is empty.
#[inline(never)]
pub fn put_code(line: &mut Line, code: &[u8]) {
    if !code.is_empty() {
        line.put(b"\x1b[").put(code).put(b"m");
    }
}

/// The value of a variable in a text of lines `NAME=value`, without quotes around it.
pub fn variable<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut rest = text;
    while !rest.is_empty() {
        let mut value = take(&mut rest, b'\n');
        if take(&mut value, b'=') == name {
            return Some(match value.split_first() {
                Some((&quote, inner)) if holds(b"\"'", quote) => before(inner, quote),
                _ => value,
            });
        }
    }
    None
}

const DAYS: &[u8] = b"Thu Fri Sat Sun Mon Tue Wed ";
const MONTHS: &[u8] = b"Mar Apr May Jun Jul Aug Sep Oct Nov Dec Jan Feb ";

/// Appends a day, like `Fri Nov 20 2026`, of a time in seconds since 1970, in UTC: a program
/// without a C library knows no other zones.
pub fn date(line: &mut Line, seconds: u32) {
    // Days since the first of March of 1968: what the leap years add is the last day of a year that
    // begins then, and until such times end, in 2106, only 2100 is none.
    let today = seconds / 86_400;
    let mut days = today + 671;
    days += u32::from(days >= 33 * 1461 - 1);
    let year = (4 * days + 3) / 1461;
    let day = days - year * 1461 / 4;
    // From March on every five months have 153 days.
    let month = (5 * day + 2) / 153;
    put_word(line, DAYS, today % 7);
    put_word(line, MONTHS, month);
    let year = 1968 + year + u32::from(month >= 10);
    line.number(u64::from(day - (153 * month + 2) / 5 + 1)).put(b" ").number(u64::from(year));
}

/// Appends a word of three letters and its blank.
#[inline(never)]
fn put_word(line: &mut Line, list: &[u8], place: u32) {
    line.put(list.chunks_exact(4).nth(place as usize).unwrap_or(b""));
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
    let is_it = if interface.is_empty() {
        at(line, 3) == Some(b"00")
    } else {
        // The name stands at the right of its column.
        line.rsplit(|&b| b == b' ').next() == Some(interface)
    };
    if is_it { at(line, 0) } else { None }
}

/// Appends an address of IPv6 in eight groups, without the zeros in front of each.
pub fn address(line: &mut Line, digits: &[u8]) {
    let mut bare = true;
    for (place, digit) in (1..).zip(digits) {
        let is_last = place % 4 == 0;
        bare = bare && *digit == b'0' && !is_last;
        if !bare {
            line.put(&[*digit]);
        }
        if is_last && place < 32 {
            line.put(b":");
            bare = true;
        }
    }
}

/// Appends an address of IPv4.
pub fn address_v4(line: &mut Line, bytes: [u8; 4]) {
    for (place, byte) in bytes.iter().enumerate() {
        line.put(if place > 0 { b"." } else { b"" }).number(u64::from(*byte));
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
        let codes = CODES.split(|&b| b == b' ').count();
        assert_eq!(COLOURS.split(|&b| b == b' ').count(), codes);
        assert_eq!(colour(b"reset"), b"0");
        assert_eq!(colour(b"red"), b"31");
        assert_eq!(colour(b"white"), b"1;37");
        assert_eq!(colour(b"pink"), b"");
        assert_eq!(written(|line| put_code(line, colour(b"red"))), "\x1b[31m");
    }

    #[test]
    fn variables_lose_their_quotes() {
        let text = b"ID=demo\nPRETTY_NAME=\"A b=c\"\nEMPTY=\nONE='x'\nHALF=\"x\n\"";
        let value = |name: &str| variable(text, name.as_bytes()).map(String::from_utf8_lossy);
        assert_eq!(value("PRETTY_NAME").as_deref(), Some("A b=c"));
        assert_eq!(value("ID").as_deref(), Some("demo"));
        assert_eq!(value("EMPTY").as_deref(), Some(""));
        assert_eq!(value("ONE").as_deref(), Some("x"));
        assert_eq!(value("HALF").as_deref(), Some("x"));
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
