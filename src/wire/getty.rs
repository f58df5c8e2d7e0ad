//! The command line of getty: BusyBox's, with the options of agetty that inittabs use.
//!
//! Words that are no options may stand anywhere: the speeds, the terminal, the type. Which is
//! which, the first character tells: only speeds begin with a digit.

use super::names::{before, begins, place, take};
use super::value;

/// The letters of the options, and for each its long name. From a place on they have values.
const LETTERS: &[u8] = b"8chiJLmnNpRsw:afHIlt";
const NAMES: &[u8] = b"8bits noreset flow-control noissue noclear local-line extract-baud \
skip-login nonewline login-pause hangup keep-baud wait-cr nohostname autologin issue-file host \
init-string login-program timeout";
const FIRST_WITH_VALUE: usize = 14;

/// A place in a command line: that of an option among the letters, or of a word behind them.
#[derive(Clone, Copy)]
pub struct Place(usize);

/// All eight bits of a byte are data.
pub const EIGHT_BITS: Place = Place(0);
/// Whether the line needs a carrier stays as it is.
pub const NO_RESET: Place = Place(1);
/// The wires RTS and CTS hold the line.
pub const FLOW_CONTROL: Place = Place(2);
/// No issue is shown.
pub const NO_ISSUE: Place = Place(3);
/// The line needs no carrier.
pub const LOCAL: Place = Place(5);
/// A modem says the speed.
pub const EXTRACT: Place = Place(6);
/// No name is asked for.
pub const SKIP_LOGIN: Place = Place(7);
/// No empty line comes first.
pub const NO_NEWLINE: Place = Place(8);
/// A key comes before login is started.
pub const PAUSE: Place = Place(9);
/// The speed that is set is kept.
pub const KEEP_SPEED: Place = Place(11);
/// Enter comes before anything is shown.
pub const WAIT: Place = Place(12);
/// The name of the machine is left out of the prompt.
pub const NO_HOSTNAME: Place = Place(13);
/// Who is logged in without being asked.
pub const USER: Place = Place(14);
/// The only issue.
pub const ISSUE: Place = Place(15);
/// The host for utmp.
pub const HOST: Place = Place(16);
/// What is sent first.
pub const INIT: Place = Place(17);
/// What is started instead of login.
pub const LOGIN: Place = Place(18);
const TIMEOUT: Place = Place(19);
/// The line needs a carrier.
pub const CARRIER: Place = Place(20);
/// The speeds to be tried, separated by commas.
pub const SPEEDS: Place = Place(21);
/// The terminal, or `-` for standard input.
pub const TTY: Place = Place(22);
/// The type of the terminal.
pub const TERM: Place = Place(23);

/// The longest command line, in bytes: many times what the line of an inittab has.
const WORDS_MAX: usize = u16::MAX as usize;

/// A command line. A place in it is the number of bytes from there to its end.
#[repr(C)] // What is asked for most is nearest.
pub struct Options<'a> {
    /// Where the values of options begin; 0 where nothing was given.
    left: [u16; 24],
    /// The words, each with its NUL.
    words: &'a [u8],
    /// Those of the speeds that come before the first one comes again.
    untried: &'a [u8],
    /// The word that is looked at, or that was not understood.
    word: &'a [u8],
    /// So many seconds a name may take; 0 for as long as it likes.
    pub seconds: u32,
}

impl<'a> Options<'a> {
    /// Those of the words behind the program's own name, which are still to be read.
    pub fn of(words: &'a [u8]) -> Self {
        Options { left: [0; 24], words, untried: b"", word: b"", seconds: 0 }
    }

    /// Reads them. Nothing if they make no sense.
    #[inline(never)]
    pub fn read(&mut self) -> Option<()> {
        let mut left = Some(self.words.len()).filter(|&len| len <= WORDS_MAX)?;
        let mut ended = false;
        while left > 0 {
            self.word = self.word_at(left);
            if ended || !begins(self.word, b'-') || self.word.len() < 2 {
                self.plain(left)?;
            } else if self.word == b"--" {
                ended = true;
            } else {
                left = self.letters(left - 1)?;
                continue;
            }
            left = self.behind(left);
        }
        if self.has(TIMEOUT) {
            self.word = self.text(TIMEOUT);
            self.seconds = value::number(self.word)?;
        }
        self.word = b"no TTY";
        self.has(TTY).then_some(())
    }

    /// The word that was not understood.
    pub fn wrong(&self) -> &'a [u8] {
        self.word
    }

    /// Whether something was given.
    #[inline(always)] // One comparison.
    pub fn has(&self, Place(place): Place) -> bool {
        self.left.get(place).is_some_and(|&left| left > 0)
    }

    /// What was given, with a NUL and more behind it; empty where nothing was.
    #[inline(never)]
    pub fn value(&self, Place(place): Place) -> &'a [u8] {
        self.from(self.left.get(place).map_or(0, |&left| left as usize))
    }

    /// The same without what is behind it.
    #[inline(never)]
    pub fn text(&self, place: Place) -> &'a [u8] {
        before(self.value(place), 0)
    }

    /// The speed that is tried next; 0 to keep the one that is set. Nothing if it is no number.
    #[inline(never)]
    pub fn next_speed(&mut self) -> Option<u32> {
        if self.untried.is_empty() {
            self.untried = self.text(SPEEDS);
        }
        value::number(take(&mut self.untried, b','))
    }

    fn set(&mut self, place: usize, value: usize) {
        if let Some(left) = self.left.get_mut(place) {
            *left = value as u16;
        }
    }

    /// The words from a place on.
    #[inline(never)]
    fn from(&self, left: usize) -> &'a [u8] {
        self.words.get(self.words.len().wrapping_sub(left)..).unwrap_or(&[])
    }

    /// The word that begins there.
    #[inline(never)]
    fn word_at(&self, left: usize) -> &'a [u8] {
        before(self.from(left), 0)
    }

    /// The byte there.
    #[inline(never)]
    fn byte(&self, left: usize) -> u8 {
        self.from(left).first().copied().unwrap_or(0)
    }

    /// Where the next word begins.
    #[inline(never)]
    fn behind(&self, left: usize) -> usize {
        left.saturating_sub(self.word_at(left).len() + 1)
    }

    /// Takes down the options that are the letters of a word, or its long name. The value of one
    /// is the rest of the word or the next one. Gives the place of what follows.
    fn letters(&mut self, begin: usize) -> Option<usize> {
        let mut left = begin;
        loop {
            let first = self.byte(left);
            left = left.wrapping_sub(1);
            if first == 0 {
                return Some(left);
            }
            let place = if first == b'-' {
                let name = before(self.word_at(left), b'=');
                left = left.wrapping_sub(name.len());
                place(NAMES, name)
            } else {
                LETTERS.iter().position(|&b| b == first)
            };
            let mut place = place?;
            let with_value = place >= FIRST_WITH_VALUE;
            let next = self.byte(left);
            let is_apart = next == b'=';
            if is_apart | (with_value & (next == 0)) {
                left = left.wrapping_sub(1);
            }
            // agetty's `-L=never` waits for a carrier; `always` and `auto` are usual.
            if is_apart & !with_value && self.byte(left) == b'n' {
                place = CARRIER.0;
            }
            self.set(place, left);
            if left == 0 {
                return None;
            }
            if is_apart | with_value {
                return Some(self.behind(left));
            }
        }
    }

    /// Takes down a word that is no option.
    fn plain(&mut self, left: usize) -> Option<()> {
        let Place(place) = if !self.has(SPEEDS) && matches!(self.word.first(), Some(b'0'..=b'9')) {
            self.untried = self.word;
            while !self.untried.is_empty() {
                self.next_speed()?;
            }
            SPEEDS
        } else if !self.has(TTY) {
            TTY
        } else if !self.has(TERM) {
            TERM
        } else {
            return None;
        };
        self.set(place, left);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a command line whose words have blanks between them; the answer is leaked.
    fn read(line: &str) -> Result<Options<'static>, String> {
        let words: String = line.split_whitespace().map(|word| format!("{word}\0")).collect();
        let mut options = Options::of(Box::leak(words.into_boxed_str()).as_bytes());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match options.read() {
            None => Err(text(options.wrong())),
            Some(()) => Ok(options),
        }
    }

    fn plain(line: &str) -> (String, String, String) {
        let options = read(line).unwrap();
        let text = |place| String::from_utf8_lossy(options.text(place)).into_owned();
        (text(SPEEDS), text(TTY), text(TERM))
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
        assert_eq!(options.text(LOGIN), b"/bin/sh");
        assert_eq!(options.value(LOGIN), b"/bin/sh\0-t\x0060\0tty1\0");
        assert_eq!(options.seconds, 60);
        assert_eq!(options.value(USER), b"");
        let options = read("--autologin root --login-program=/bin/x --noissue tty1").unwrap();
        assert_eq!(options.text(USER), b"root");
        assert_eq!(options.text(LOGIN), b"/bin/x");
        assert!(options.has(NO_ISSUE));
        assert!(read("--nohostname tty1").unwrap().has(NO_HOSTNAME));
    }

    #[test]
    fn every_long_name_has_its_letter() {
        assert_eq!(NAMES.split(|&b| b == b' ').count(), LETTERS.len());
        for (place, name) in NAMES.split(|&b| b == b' ').enumerate() {
            let (name, letter) = (String::from_utf8_lossy(name), LETTERS[place] as char);
            for word in [format!("--{name}"), format!("-{letter}")] {
                assert!(read(&format!("{word} 1 tty1")).unwrap().has(Place(place)), "{word}");
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
    }
}
