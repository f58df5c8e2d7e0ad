//! What stands in front of a message on its way to /dev/log, /dev/kmsg or the console.
//!
//! The priority is that of RFC 3164 §4.1.1: facility times eight plus severity. The time stamp
//! is left to the receiver, as §4.3.2 has it: an init knows neither the time zone nor, early in
//! a boot, the time.

use super::names::{begins, cut, place, take};
use super::text::Line;
use super::value::{plain, within};

/// The severity of a message, by the numbers of RFC 3164.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Level {
    /// The machine is unusable without somebody's help.
    Critical = 2,
    /// Something failed.
    Error = 3,
    /// Something is not as it should be.
    Warning = 4,
    /// Something normal but worth knowing.
    Notice = 5,
    /// The course of things.
    Info = 6,
}

/// The facility of system daemons.
const DAEMON: u8 = 3;

/// The facility of messages on who was let in, which not everybody may read.
const AUTHPRIV: u8 = 10;

/// Appends what a datagram of login begins with: `<86>login[77]: `.
pub fn login(line: &mut Line, level: Level, pid: u32) {
    line.put(b"<").number(u64::from(AUTHPRIV * 8 + level as u8)).put(b">login[");
    line.number(u64::from(pid)).put(b"]: ");
}

/// The names of facilities in the order of their numbers; those of 12 to 15 have none.
const FACILITIES: &[u8] = b"kern user mail daemon auth syslog lpr news uucp cron authpriv ftp \
- - - - local0 local1 local2 local3 local4 local5 local6 local7 security";

/// The names of levels in the order of their numbers, and behind them three older ones.
const LEVELS: &[u8] = b"emerg alert crit err warning notice info debug panic error warn";

/// The priority of a message that says nothing else: user.notice.
pub const USER_NOTICE: u8 = 8 + Level::Notice as u8;

/// A priority as logger(1) takes it: `FACILITY.LEVEL`, a level of the facility user, or a number.
pub fn parse(text: &[u8]) -> Option<u8> {
    let (facility, level) = cut(text, b'.').unwrap_or((b"user", text));
    let facility = match place(FACILITIES, facility)? {
        place @ (..=11 | 16..=23) => place,
        24 => 4,
        _ => return None,
    };
    let Some(level) = place(LEVELS, level) else {
        return within(text, plain, 0, 191).map(|number| number as u8);
    };
    let level = match level {
        8 => 0,
        9 => 3,
        10 => 4,
        level => level,
    };
    Some((facility * 8 + level) as u8)
}

/// Appends `<30>`, the priority of a level with the daemon facility.
pub fn priority(line: &mut Line, level: u8) {
    line.put(b"<").number(u64::from(DAEMON * 8 + (level & 7))).put(b">");
}

/// Appends what a datagram for syslog begins with: the priority, the tag and our number.
pub fn datagram(line: &mut Line, level: u8) {
    priority(line, level);
    line.put(b"pidone[1]: ");
}

/// Appends what a record for the kernel's log begins with.
pub fn record(line: &mut Line, level: u8) {
    priority(line, level);
    line.put(b"pidone: ");
}

/// The message of a datagram: what stands behind the priority and the time stamp of RFC 3164, which
/// are for a log that has no others, without what ends it.
pub fn message(datagram: &[u8]) -> &[u8] {
    let mut text = datagram;
    if begins(text, b'<') {
        take(&mut text, b'>');
    }
    // `Mmm dd hh:mm:ss `, as long whatever the date.
    let stamp = [(3, b' '), (6, b' '), (9, b':'), (12, b':'), (15, b' ')];
    if stamp.iter().all(|&(place, byte)| text.get(place) == Some(&byte)) {
        text = text.get(16..).unwrap_or(&[]);
    }
    while let Some((b'\n' | b'\r' | 0, before)) = text.split_last() {
        text = before;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_what_a_person_reads() {
        for (datagram, said) in [
            (&b"<13>Nov 20 17:03:09 web[7]: up\n"[..], &b"web[7]: up"[..]),
            (b"<13>Nov  2 17:03:09 web: up", b"web: up"),
            (b"<13>web: up\0", b"web: up"),
            (b"web: 1 > 0", b"web: 1 > 0"),
            (b"<13", b""),
            (
                b"<13>1 2026-11-20T17:03:09Z host web - - - up",
                b"1 2026-11-20T17:03:09Z host web - - - up",
            ),
            (b"", b""),
        ] {
            assert_eq!(message(datagram), said);
        }
    }

    #[test]
    fn priorities_have_names_and_numbers() {
        for (text, number) in [
            ("user.notice", USER_NOTICE),
            ("kern.emerg", 0),
            ("daemon.info", 30),
            ("local7.debug", 191),
            ("authpriv.warn", 84),
            ("security.panic", 32),
            ("cron.error", 75),
            ("err", 11),
            ("13", 13),
            ("191", 191),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(number), "{text}");
        }
        for bad in ["", ".", "user.", ".info", "daemon", "-.info", "192", "daemon.x", "user.13x"] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn the_priority_is_facility_times_eight_plus_severity() {
        let mut line = Line::new();
        datagram(&mut line, Level::Info as u8);
        assert_eq!(line.as_bytes(), b"<30>pidone[1]: ");
        let mut line = Line::new();
        login(&mut line, Level::Info, 77);
        assert_eq!(line.as_bytes(), b"<86>login[77]: ");
        let mut line = Line::new();
        record(&mut line, Level::Critical as u8);
        assert_eq!(line.as_bytes(), b"<26>pidone: ");
    }
}
