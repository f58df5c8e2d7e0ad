//! The command line of getty: BusyBox's, with the options of agetty that inittabs use.
//!
//! Words that are no options may stand anywhere: the speeds, the terminal, the type. Which is
//! which, the first character tells: only speeds begin with a digit.

use super::letters::{Letters, bare};
use super::names::{begins, take};
use super::value;

/// The options. From the sixteenth on they have values.
const LETTERS: &[u8] = b"8chiJLmnNpRsw:\0+afHIlt";
/// Their long names. What stands for no option is no name that a word can have.
const NAMES: &[u8] = b"8bits noreset flow-control noissue noclear local-line extract-baud \
skip-login nonewline login-pause hangup keep-baud wait-cr nohostname \0 \0 autologin issue-file \
host init-string login-program timeout";

/// All eight bits of a byte are data.
pub const EIGHT_BITS: u8 = b'8';
/// Whether the line needs a carrier stays as it is.
pub const NO_RESET: u8 = b'c';
/// The wires RTS and CTS hold the line.
pub const FLOW_CONTROL: u8 = b'h';
/// No issue is shown.
pub const NO_ISSUE: u8 = b'i';
/// The line needs no carrier.
pub const LOCAL: u8 = b'L';
/// The line waits for a carrier. This is no letter of an option.
pub const CARRIER: u8 = b'C';
/// A modem says the speed.
pub const EXTRACT: u8 = b'm';
/// No name is asked for.
pub const SKIP_LOGIN: u8 = b'n';
/// No empty line comes first.
pub const NO_NEWLINE: u8 = b'N';
/// A key comes before login is started.
pub const PAUSE: u8 = b'p';
/// The speed that is set is kept.
pub const KEEP_SPEED: u8 = b's';
/// Enter comes before anything is shown.
pub const WAIT: u8 = b'w';
/// The name of the machine is left out of the prompt.
pub const NO_HOSTNAME: u8 = b':';
/// Who is logged in without being asked.
pub const USER: u8 = b'a';
/// The only issue.
pub const ISSUE: u8 = b'f';
/// The host for utmp.
pub const HOST: u8 = b'H';
/// What is sent first.
pub const INIT: u8 = b'I';
/// What is started instead of login.
pub const LOGIN: u8 = b'l';
const TIMEOUT: u8 = b't';

/// A command line.
pub struct Options<'a> {
    letters: Letters<'a>,
    /// The options that were given, each a bit by its letter.
    flags: u64,
    /// The place of the speeds, which are separated by commas, among the words that are no options.
    speeds: u8,
    /// Those speeds that come before the first one comes again.
    untried: &'a [u8],
    /// So many seconds a name may take; 0 for as long as it likes.
    pub seconds: u32,
}

/// So many words may stand there that are no options: the speeds and two others.
const PLAIN_MAX: u8 = 3;

impl<'a> Options<'a> {
    /// Those of the words behind the program's own name, which are still to be read.
    pub fn of(words: &'a [u8]) -> Self {
        let letters = Letters { known: LETTERS, names: NAMES, words };
        Options { letters, flags: 0, speeds: PLAIN_MAX + 1, untried: b"", seconds: 0 }
    }

    /// Reads them; gives the word that is not understood.
    #[inline(never)] // There are too many values for one function.
    pub fn read(&mut self) -> Option<&'a [u8]> {
        let wrong = self.letters.wrong();
        if wrong.is_some() {
            return wrong;
        }
        for &letter in LETTERS {
            if self.letters.given(letter).is_some() {
                self.flags |= bit(letter);
            }
        }
        // agetty's `-L=never` waits for a carrier; `always` and `auto` are usual.
        if begins(self.value(LOCAL), b'n') {
            self.flags ^= bit(LOCAL) | bit(CARRIER);
        }
        let mut place = PLAIN_MAX;
        while place > 0 {
            if let Some(b'0'..=b'9') = self.value(place).first() {
                self.speeds = place;
            }
            place -= 1;
        }
        let speeds = self.text(self.speeds);
        self.untried = speeds;
        while !self.untried.is_empty() {
            if self.next_speed().is_none() {
                return Some(speeds);
            }
        }
        if self.has(TIMEOUT) {
            let seconds = self.text(TIMEOUT);
            let Some(number) = value::number(seconds) else {
                return Some(seconds);
            };
            self.seconds = number;
        }
        if self.tty().is_empty() {
            return Some(b"no TTY");
        }
        Some(self.plain(PLAIN_MAX)).filter(|more| !more.is_empty())
    }

    /// Whether an option was given.
    #[inline(always)] // One comparison.
    pub fn has(&self, letter: u8) -> bool {
        self.flags & bit(letter) != 0
    }

    /// The value of an option with its NUL; empty where it was not given.
    #[inline(never)] // There are too many callers for copies.
    pub fn value(&self, letter: u8) -> &'a [u8] {
        self.letters.given(letter).unwrap_or(&[])
    }

    /// The same without its NUL.
    #[inline(never)] // As above.
    pub fn text(&self, letter: u8) -> &'a [u8] {
        bare(self.value(letter))
    }

    /// The word at a place among those that are neither options nor speeds.
    fn plain(&self, place: u8) -> &'a [u8] {
        self.text(place + u8::from(self.speeds <= place))
    }

    /// The terminal, or `-` for standard input.
    pub fn tty(&self) -> &'a [u8] {
        self.plain(1)
    }

    /// The type of the terminal, or empty.
    pub fn term(&self) -> &'a [u8] {
        self.plain(2)
    }

    /// The speed that is tried next; 0 to keep the one that is set. Nothing if it is no number.
    #[inline(never)] // As above.
    pub fn next_speed(&mut self) -> Option<u32> {
        if self.untried.is_empty() {
            self.untried = self.text(self.speeds);
        }
        value::number(take(&mut self.untried, b','))
    }
}

/// The bit of a letter: no two of them differ only in the bits above.
const fn bit(letter: u8) -> u64 {
    1 << (letter & 63)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a command line whose words have blanks between them; the answer is leaked.
    fn read(line: &str) -> Result<Options<'static>, String> {
        let words: String = line.split_whitespace().map(|word| format!("{word}\0")).collect();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut options = Options::of(Box::leak(words.into_boxed_str()).as_bytes());
        options.read().map_or(Ok(options), |wrong| Err(text(wrong)))
    }

    fn plain(line: &str) -> (String, String, String) {
        let options = read(line).unwrap();
        let text = |text| String::from_utf8_lossy(text).into_owned();
        (text(options.text(options.speeds)), text(options.tty()), text(options.term()))
    }

    fn words(speeds: &str, tty: &str, term: &str) -> (String, String, String) {
        (speeds.into(), tty.into(), term.into())
    }

    #[test]
    fn lines_of_inittabs_in_the_wild_are_understood() {
        assert_eq!(plain("-L console 0 vt100"), words("0", "console", "vt100"));
        assert_eq!(plain("-L 115200 ttyS0"), words("115200", "ttyS0", ""));
        assert_eq!(plain("38400 tty1"), words("38400", "tty1", ""));
        assert_eq!(
            plain("-L ttyS0 115200,57600,9600 vt100"),
            words("115200,57600,9600", "ttyS0", "vt100")
        );
        assert_eq!(plain("--noclear tty1 linux"), words("", "tty1", "linux"));
        assert_eq!(plain("0 -"), words("0", "-", ""));
        assert_eq!(plain("115200 /dev/ttyS0 -n -l /bin/sh"), words("115200", "/dev/ttyS0", ""));
        assert_eq!(plain("-- -odd 9600"), words("9600", "-odd", ""));
    }

    #[test]
    fn options_stand_together_or_apart_with_their_values() {
        let options = read("-nLl/bin/sh -t 60 tty1").unwrap();
        assert!(options.has(SKIP_LOGIN) && options.has(LOCAL) && !options.has(FLOW_CONTROL));
        assert_eq!(options.value(LOGIN), b"/bin/sh\0");
        assert_eq!(options.seconds, 60);
        assert_eq!(options.value(USER), b"");
        let options = read("--autologin root --login-program=/bin/x --noissue tty1").unwrap();
        assert_eq!(options.value(USER), b"root\0");
        assert_eq!(options.value(LOGIN), b"/bin/x\0");
        assert!(options.has(NO_ISSUE));
        assert!(read("--nohostname tty1").unwrap().has(NO_HOSTNAME));
    }

    #[test]
    fn every_long_name_has_its_letter() {
        assert_eq!(NAMES.split(|&b| b == b' ').count(), LETTERS.len());
        assert_eq!(LETTERS.iter().fold(bit(CARRIER), |bits, &b| bits | bit(b)).count_ones(), 23);
        for (&letter, name) in LETTERS.iter().zip(NAMES.split(|&b| b == b' ')) {
            let name = String::from_utf8_lossy(name);
            for word in [format!("--{name}"), format!("-{}", letter as char)] {
                let line = format!("{word} 1 tty1");
                assert_eq!(read(&line).is_ok_and(|it| it.has(letter)), name != "\0", "{word}");
            }
        }
    }

    #[test]
    fn a_line_is_local_or_waits_for_a_carrier() {
        for (word, local, carrier) in [
            ("-L", true, false),
            ("-L=always", true, false),
            ("-L=never", false, true),
            ("--local-line", true, false),
            ("--local-line=never", false, true),
            ("-i", false, false),
        ] {
            let options = read(&format!("{word} tty1")).unwrap();
            assert_eq!((options.has(LOCAL), options.has(CARRIER)), (local, carrier), "{word}");
        }
    }

    #[test]
    fn speeds_may_stand_anywhere() {
        for line in ["9600 tty1 vt100", "tty1 9600 vt100", "tty1 vt100 9600"] {
            assert_eq!(plain(line), words("9600", "tty1", "vt100"), "{line}");
        }
        assert_eq!(plain("9600 1 2"), words("9600", "1", "2"));
        assert_eq!(plain("tty1"), words("", "tty1", ""));
    }

    #[test]
    fn speeds_are_tried_in_turn() {
        let mut options = read("115200,9600,0 ttyS0").unwrap();
        let tried: std::vec::Vec<_> = (0..5).map(|_| options.next_speed().unwrap()).collect();
        assert_eq!(tried, [115_200, 9600, 0, 115_200, 9600]);
        assert_eq!(read("ttyS0").unwrap().next_speed(), None);
        assert_eq!(read("12345 ttyS0").unwrap().next_speed(), Some(12_345), "of any speed");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |line: &str| read(line).err().unwrap();
        assert_eq!(wrong(""), "no TTY");
        assert_eq!(wrong("115200"), "no TTY");
        assert_eq!(wrong("-x tty1"), "-x");
        assert_eq!(wrong("--what tty1"), "--what");
        assert_eq!(wrong("tty1 -l"), "-l");
        assert_eq!(wrong("-t soon tty1"), "soon");
        assert_eq!(wrong("96oo tty1"), "96oo");
        assert_eq!(wrong("9600,,1 tty1"), "9600,,1");
        assert_eq!(wrong("1 tty1 vt100 x"), "x");
        assert_eq!(wrong("tty1 vt100 x"), "x");
    }
}
