//! The command line of getty: BusyBox's, with the options of agetty that inittabs use.
//!
//! Words that are no options may stand anywhere: the speeds, the terminal, the type. Which is
//! which, the first character tells: only speeds begin with a digit.

use super::names::{begins, holds, place, take};
use super::value;

/// Letters of options that are only there or not.
const FLAGS: &[u8] = b"8chiJLmnNpRsw:";
/// Letters of options with a value.
const VALUES: &[u8] = b"afHIlt";

/// The long names, and for each its letter.
const NAMES: &[u8] = b"8bits noreset flow-control noissue noclear local-line extract-baud \
skip-login nonewline login-pause hangup keep-baud wait-cr autologin issue-file host init-string \
login-program timeout nohostname";
const LETTERS: &[u8] = b"8chiJLmnNpRswafHIlt:";

/// The flag of `--nohostname`, which has no letter of its own.
pub const NO_HOSTNAME: u8 = b':';
/// The flag of a line that needs a carrier.
pub const CARRIER: u8 = b'!';

/// A command line. Every value is a word with its NUL.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options<'a> {
    flags: u64,
    values: [Option<&'a [u8]>; VALUES.len()],
    /// The speeds to be tried, separated by commas; empty to keep the one that is set.
    pub speeds: &'a [u8],
    /// Those of them that come before the first one comes again.
    untried: &'a [u8],
    /// The terminal, `/dev/` left out, or `-` for standard input.
    pub tty: &'a [u8],
    /// The type of the terminal, or empty.
    pub term: &'a [u8],
    /// The first word that was not understood.
    pub wrong: Option<&'a [u8]>,
    /// What was expected instead.
    pub expected: &'static [u8],
}

/// The words of a command line, each with its NUL.
type WordsOf<'w, 'a> = &'w mut dyn Iterator<Item = &'a [u8]>;

impl<'a> Options<'a> {
    /// Reads the words behind the program's own name. Whether they make sense is in `wrong`.
    pub fn read(&mut self, words: WordsOf<'_, 'a>) {
        let mut ended = false;
        while let Some(word) = words.next() {
            let mut value = word;
            match word {
                b"--\0" if !ended => ended = true,
                [b'-', b'-', ..] if !ended => {
                    // A long name is one letter; its value stands behind an equals sign.
                    let name = take(&mut value, b'=').get(2..).unwrap_or(&[]);
                    let place = place(NAMES, without_nul(name));
                    let letter = place.and_then(|place| LETTERS.get(place..place + 1));
                    self.options(letter.unwrap_or(b"?"), value, word, words);
                }
                [b'-', rest @ ..] if !ended && rest.len() > 1 => {
                    self.options(rest, b"", word, words);
                }
                _ => self.plain(word),
            }
        }
        if self.tty.is_empty() {
            self.blame(b"", b"a terminal");
        }
    }

    /// Whether an option is there.
    pub fn has(&self, letter: u8) -> bool {
        self.flags & bit(letter) != 0
    }

    /// The value of an option with its NUL, or nothing.
    pub fn value(&self, letter: u8) -> Option<&'a [u8]> {
        *self.values.get(VALUES.iter().position(|&b| b == letter)?)?
    }

    /// The same without its NUL; empty where there is none.
    pub fn text(&self, letter: u8) -> &'a [u8] {
        without_nul(self.value(letter).unwrap_or(b""))
    }

    /// The speed that is tried next; 0 to keep the one that is set.
    pub fn next_speed(&mut self) -> u32 {
        if self.untried.is_empty() {
            self.untried = self.speeds;
        }
        value::number(take(&mut self.untried, b',')).unwrap_or(0)
    }

    fn blame(&mut self, word: &'a [u8], expected: &'static [u8]) {
        if self.wrong.is_none() {
            (self.wrong, self.expected) = (Some(without_nul(word)), expected);
        }
    }

    /// Takes down the options that these letters are. The value of one is given, or it is the rest
    /// of the letters or the next word.
    fn options(
        &mut self,
        letters: &'a [u8],
        given: &'a [u8],
        word: &'a [u8],
        words: WordsOf<'_, 'a>,
    ) {
        let mut rest = letters;
        while let Some((&letter, after)) = rest.split_first() {
            rest = after;
            if let Some(place) = VALUES.iter().position(|&b| b == letter)
                && let Some(slot) = self.values.get_mut(place)
            {
                *slot = if !given.is_empty() {
                    Some(given)
                } else if after.len() > 1 {
                    Some(after)
                } else {
                    words.next()
                };
                if slot.is_none() || letter == b't' && value::number(self.text(letter)).is_none() {
                    self.blame(word, b"a value");
                }
                return;
            }
            // agetty's `-L=never` waits for a carrier; `always` is usual, and `auto` is as well.
            let mode = if begins(after, b'=') { after.get(1..).unwrap_or(&[]) } else { given };
            self.flags |= bit(if begins(mode, b'n') { CARRIER } else { letter });
            if !holds(FLAGS, letter) {
                return self.blame(word, b"an option");
            }
            if begins(after, b'=') || begins(after, 0) {
                return;
            }
        }
    }

    /// A word that is no option.
    fn plain(&mut self, word: &'a [u8]) {
        let bare = without_nul(word);
        if self.speeds.is_empty() && matches!(bare.first(), Some(b'0'..=b'9')) {
            self.speeds = bare;
            let mut rest = bare;
            while !rest.is_empty() {
                if value::number(take(&mut rest, b',')).is_none() {
                    self.blame(word, b"speeds with commas between them");
                }
            }
        } else if self.tty.is_empty() {
            self.tty = bare.strip_prefix(b"/dev/").unwrap_or(bare);
        } else if self.term.is_empty() {
            self.term = bare;
        } else {
            self.blame(word, b"the end of the line");
        }
    }
}

/// The bit of a flag: no two of them are the same letter but for the case and a digit.
fn bit(letter: u8) -> u64 {
    1 << (letter & 63)
}

/// A word without its NUL.
fn without_nul(word: &[u8]) -> &[u8] {
    match word {
        [bare @ .., 0] => bare,
        bare => bare,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a command line whose words have blanks between them; the answer is leaked.
    fn read(line: &str) -> Result<Options<'static>, String> {
        let words: std::vec::Vec<&'static [u8]> = line
            .split_whitespace()
            .map(|word| &*Box::leak(format!("{word}\0").into_boxed_str().into_boxed_bytes()))
            .collect();
        let mut options = Options::default();
        options.read(&mut words.into_iter());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match options.wrong {
            Some(word) => Err(format!("{}: {}", text(word), text(options.expected))),
            None => Ok(options),
        }
    }

    fn plain(line: &str) -> (String, String, String) {
        let options = read(line).unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(options.speeds), text(options.tty), text(options.term))
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
        assert_eq!(plain("115200 /dev/ttyS0 -n -l /bin/sh"), words("115200", "ttyS0", ""));
        assert_eq!(plain("-- -odd 9600"), words("9600", "-odd", ""));
    }

    #[test]
    fn options_stand_together_or_apart_with_their_values() {
        let options = read("-nLl/bin/sh -t 60 tty1").unwrap();
        assert!(options.has(b'n') && options.has(b'L') && !options.has(b'h'));
        assert_eq!(options.value(b'l'), Some(&b"/bin/sh\0"[..]));
        assert_eq!(options.text(b't'), b"60");
        assert_eq!(options.value(b'a'), None);
        let options = read("--autologin root --login-program=/bin/x --noissue tty1").unwrap();
        assert_eq!(options.value(b'a'), Some(&b"root\0"[..]));
        assert_eq!(options.value(b'l'), Some(&b"/bin/x\0"[..]));
        assert!(options.has(b'i'));
        assert!(read("--nohostname tty1").unwrap().has(NO_HOSTNAME));
    }

    #[test]
    fn every_long_name_has_its_letter() {
        assert_eq!(NAMES.split(|&b| b == b' ').count(), LETTERS.len());
        for (name, &letter) in NAMES.split(|&b| b == b' ').zip(LETTERS) {
            let known = holds(FLAGS, letter) || holds(VALUES, letter);
            assert!(known, "{}", String::from_utf8_lossy(name));
        }
        let all = FLAGS.iter().chain(&[CARRIER]);
        assert_eq!(all.fold(0, |bits, &flag| bits | bit(flag)).count_ones(), 15);
        assert!(FLAGS.iter().all(|&letter| read(&format!("-{} tty1", letter as char)).is_ok()));
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
            assert_eq!((options.has(b'L'), options.has(CARRIER)), (local, carrier), "{word}");
        }
    }

    #[test]
    fn speeds_are_tried_in_turn() {
        let mut options = read("115200,9600,0 ttyS0").unwrap();
        let tried: std::vec::Vec<_> = (0..5).map(|_| options.next_speed()).collect();
        assert_eq!(tried, [115_200, 9600, 0, 115_200, 9600]);
        assert_eq!(read("ttyS0").unwrap().next_speed(), 0);
        assert_eq!(read("12345 ttyS0").unwrap().next_speed(), 12_345, "of any speed");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |line: &str| read(line).unwrap_err();
        assert_eq!(wrong(""), ": a terminal");
        assert_eq!(wrong("115200"), ": a terminal");
        assert_eq!(wrong("-x tty1"), "-x: an option");
        assert_eq!(wrong("--what tty1"), "--what: an option");
        assert_eq!(wrong("tty1 -l"), "-l: a value");
        assert_eq!(wrong("-t soon tty1"), "-t: a value");
        assert_eq!(wrong("96oo tty1"), "96oo: speeds with commas between them");
        assert_eq!(wrong("9600,,1 tty1"), "9600,,1: speeds with commas between them");
        assert_eq!(wrong("1 tty1 vt100 x"), "x: the end of the line");
    }
}
