//! What a service says of itself, in the words of sd_notify(3).

use super::names::take;
use super::value::{Millis, number};

/// One thing that is said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notice<'a> {
    /// `READY=1`: it is up, or has reloaded.
    Ready,
    /// `RELOADING=1`: it reads its configuration again.
    Reloading,
    /// `STOPPING=1`: it ends by itself.
    Stopping,
    /// `STATUS=…`: how it is, for people.
    Status(&'a [u8]),
    /// `WATCHDOG=1`: it is alive.
    Alive,
    /// `WATCHDOG=trigger`: it asks to be taken for dead.
    Sick,
    /// `MAINPID=…`: the process that is to be followed.
    Main(u32),
    /// `EXTEND_TIMEOUT_USEC=…`: it needs so much more time.
    Extend(Millis),
}

/// The longest message, in bytes: a status of the length of a long line, and everything else.
pub const MESSAGE_MAX: usize = 512;

/// Hands over all that a message says. What is not known is passed over, as the protocol has it.
pub fn each(message: &[u8], see: &mut dyn FnMut(Notice<'_>)) {
    let mut rest = message;
    while !rest.is_empty() {
        let line = take(&mut rest, b'\n');
        let mut text = line;
        let key = take(&mut text, b'=');
        let notice = match (key, text) {
            (b"READY", b"1") => Some(Notice::Ready),
            (b"RELOADING", b"1") => Some(Notice::Reloading),
            (b"STOPPING", b"1") => Some(Notice::Stopping),
            (b"STATUS", text) => Some(Notice::Status(text)),
            (b"WATCHDOG", b"1") => Some(Notice::Alive),
            (b"WATCHDOG", b"trigger") => Some(Notice::Sick),
            (b"MAINPID", text) => number(text).map(Notice::Main),
            (b"EXTEND_TIMEOUT_USEC", text) => micros(text).map(Notice::Extend),
            _ => None,
        };
        if let Some(notice) = notice {
            see(notice);
        }
    }
}

/// Microseconds as milliseconds, by leaving out the last three digits.
fn micros(text: &[u8]) -> Option<Millis> {
    let digits = text.iter().all(u8::is_ascii_digit) && !text.is_empty();
    let millis = text.get(..text.len().saturating_sub(3)).filter(|_| digits)?;
    if millis.is_empty() { Some(0) } else { number(millis) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &str) -> Vec<String> {
        let mut all = Vec::new();
        each(message.as_bytes(), &mut |notice| all.push(format!("{notice:?}")));
        all
    }

    #[test]
    fn a_message_says_several_things_and_what_is_not_known_is_passed_over() {
        let message = "READY=1\nERRNO=2\n\nSTATUS=a=b\nWATCHDOG=1\nRELOADING=1\nMAINPID=77";
        let all =
            ["Ready", "Status([97, 61, 98])", "Alive", "Reloading", "Main(77)"].map(String::from);
        assert_eq!(read(message), all);
        assert_eq!(read("STOPPING=1\nWATCHDOG=trigger\n"), ["Stopping", "Sick"]);
        for nothing in ["READY=0", "READY", "ready=1", "MAINPID=-1", "MAINPID=", "=1", "WATCHDOG="]
        {
            assert!(read(nothing).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn microseconds_become_milliseconds() {
        for (text, millis) in [("5000000", Some(5000)), ("999", Some(0)), ("1000", Some(1))] {
            assert_eq!(micros(text.as_bytes()), millis);
        }
        assert_eq!(micros(b"4294967295999"), Some(u32::MAX));
        for bad in ["", "x", "12x456", "4294967296000"] {
            assert_eq!(micros(bad.as_bytes()), None, "{bad}");
        }
    }
}
