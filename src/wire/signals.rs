//! Signals by name and number, as signal(7) lists them for x86, ARM and RISC-V.

use super::names;
use super::value::{plain, within};

/// The number of a signal, from 1 to [`SIGNAL_MAX`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signal(pub u8);

/// The highest signal there is, SIGRTMAX.
pub const SIGNAL_MAX: u8 = 64;

/// The first real-time signal as the kernel counts; a C library keeps 32 and 33 to itself and
/// calls 34 SIGRTMIN, which is the number that signal senders mean.
pub const SIGRTMIN: u8 = 34;

impl Signal {
    /// Hang up.
    pub const HUP: Signal = Signal(1);
    /// Interrupt.
    pub const INT: Signal = Signal(2);
    /// Quit.
    pub const QUIT: Signal = Signal(3);
    /// Kill, which nothing can catch.
    pub const KILL: Signal = Signal(9);
    /// The first one for users.
    pub const USR1: Signal = Signal(10);
    /// The second one for users.
    pub const USR2: Signal = Signal(12);
    /// Written to what nobody reads.
    pub const PIPE: Signal = Signal(13);
    /// A timer of our own has run down.
    pub const ALRM: Signal = Signal(14);
    /// Terminate.
    pub const TERM: Signal = Signal(15);
    /// A child ended or stopped.
    pub const CHLD: Signal = Signal(17);
    /// Go on.
    pub const CONT: Signal = Signal(18);
    /// Stop, which nothing can catch.
    pub const STOP: Signal = Signal(19);
    /// Stop, from the keyboard.
    pub const TSTP: Signal = Signal(20);
    /// Stopped for reading from the terminal in the background.
    pub const TTIN: Signal = Signal(21);
    /// Stopped for writing to it.
    pub const TTOU: Signal = Signal(22);
    /// Written behind the limit for files.
    pub const XFSZ: Signal = Signal(25);
    /// A descriptor has news.
    pub const IO: Signal = Signal(29);
    /// Power failure.
    pub const PWR: Signal = Signal(30);
}

/// The names of signals 1 to 31, without `SIG`.
pub const NAMES: &[u8] = b"HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM \
STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS";

/// The name of a signal without `SIG`, or nothing for a real-time signal.
pub fn name(signal: Signal) -> Option<&'static [u8]> {
    names::at(NAMES, usize::from(signal.0).checked_sub(1)?)
}

/// A signal by name with or without `SIG`, by number, or as `RTMIN` or `RTMIN+N`.
pub fn parse(text: &[u8]) -> Option<Signal> {
    let in_range = |text, low, high| within(text, plain, low, i64::from(high));
    let bare = text.strip_prefix(b"SIG").unwrap_or(text);
    let number = if let Some(place) = names::place(NAMES, bare) {
        place as u8 + 1
    } else if bare == b"RTMIN" {
        SIGRTMIN
    } else if let Some(offset) = bare.strip_prefix(b"RTMIN+") {
        SIGRTMIN + in_range(offset, 0, SIGNAL_MAX - SIGRTMIN)? as u8
    } else {
        in_range(text, 1, SIGNAL_MAX)? as u8
    };
    Some(Signal(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_to_its_number_and_back() {
        for number in 1..=31u8 {
            let name = name(Signal(number)).unwrap();
            assert_eq!(parse(name), Some(Signal(number)));
            assert_eq!(parse(&[b"SIG", name].concat()), Some(Signal(number)));
        }
        assert_eq!(name(Signal::TERM), Some(&b"TERM"[..]));
        assert_eq!(name(Signal(0)), None);
        assert_eq!(name(Signal(32)), None);
    }

    #[test]
    fn numbers_and_real_time_signals_are_bounded() {
        assert_eq!(parse(b"9"), Some(Signal::KILL));
        assert_eq!(parse(b"RTMIN+3"), Some(Signal(37)));
        assert_eq!((parse(b"RTMIN"), parse(b"SIGRTMIN")), (Some(Signal(34)), Some(Signal(34))));
        for bad in [
            &b"0"[..],
            b"65",
            b"RTMIN3",
            b"RTMIN+",
            b"RTMIN+31",
            b"RTMIN+4294967295",
            b"",
            b"SIG",
            b"term",
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
