//! Command lines of single letters, as getopt(3) and POSIX's Utility Syntax Guidelines have them.

use super::names::begins;

/// No value.
const NONE: &[u8] = b"\0";

/// The options of a command line. Words are bytes that end with their NUL, so that what is a path
/// can be handed on as it stands. Nothing is kept: what is asked for is looked for again.
pub struct Letters<'w, 'a> {
    /// The letters: those without a value, one whose value stands in the same word or is missing,
    /// `+`, and those that take one.
    pub known: &'static [u8],
    /// The number of the first word.
    pub first: usize,
    /// The word of a number.
    pub word: &'w dyn Fn(usize) -> Option<&'a [u8]>,
}

/// What a walk over the words has come to.
struct Walk<'a> {
    /// The number of the next word; at the end, of the first that is no option.
    next: usize,
    /// The last value of the letter that is looked for.
    found: Option<&'a [u8]>,
}

impl<'a> Letters<'_, 'a> {
    /// The number of the first word that is no option; where one is not understood, that word.
    pub fn end(&self) -> Result<usize, &'a [u8]> {
        self.walk(0).map(|walk| walk.next).map_err(bare)
    }

    /// The value of a letter with its NUL; a lone NUL for one without a value.
    pub fn given(&self, letter: u8) -> Option<&'a [u8]> {
        self.walk(letter).ok()?.found
    }

    #[inline(never)] // There are too many callers for copies.
    fn walk(&self, wanted: u8) -> Result<Walk<'a>, &'a [u8]> {
        let mut walk = Walk { next: self.first, found: None };
        while let Some(text) = (self.word)(walk.next).filter(|text| begins(text, b'-')) {
            if text == b"-\0" {
                break;
            }
            walk.next += 1;
            if text == b"--\0" {
                break;
            }
            self.take(text, wanted, &mut walk).ok_or(text)?;
        }
        Ok(walk)
    }

    /// Walks over a word of one or more letters; nothing where it is not understood.
    fn take(&self, text: &'a [u8], wanted: u8, walk: &mut Walk<'a>) -> Option<()> {
        let with_value = self.place(b'+')?;
        let mut rest = text.get(1..)?;
        while let Some((&letter, after)) = rest.split_first().filter(|_| rest != NONE) {
            let place = self.place(letter).filter(|&place| place != with_value)?;
            let takes = place + 1 >= with_value;
            let mut value = if takes { after } else { NONE };
            if after == NONE && place > with_value {
                value = (self.word)(walk.next)?;
                walk.next += 1;
            }
            if letter == wanted {
                walk.found = Some(value);
            }
            rest = if takes { NONE } else { after };
        }
        Some(())
    }

    fn place(&self, letter: u8) -> Option<usize> {
        self.known.iter().position(|&known| known == letter)
    }
}

/// A word without its NUL.
pub fn bare(word: &[u8]) -> &[u8] {
    word.split_last().map_or(&[], |(_, bare)| bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The options of a command line with their values, and the number of the word behind them.
    fn read(line: &str) -> Result<(String, usize), String> {
        let words: Vec<_> = line.split(' ').map(|word| format!("{word}\0")).collect();
        let word = |index: usize| words.get(index).map(|word: &String| word.as_bytes());
        let text = |value: &[u8]| String::from_utf8(bare(value).to_vec()).unwrap();
        let letters = Letters { known: b"sxi+t", first: 1, word: &word };
        let next = letters.end().map_err(|wrong| String::from_utf8(wrong.to_vec()).unwrap())?;
        let given = b"sxit".iter().filter_map(|&letter| {
            Some(format!("{}={} ", char::from(letter), text(letters.given(letter)?)))
        });
        Ok((given.collect(), next))
    }

    #[test]
    fn letters_stand_alone_together_and_with_values() {
        for (line, options, next) in [
            ("p", "", 1),
            ("p -s word -x", "s= ", 2),
            ("p -sx -tTAG word", "s= x= t=TAG ", 3),
            ("p -st TAG", "s= t=TAG ", 3),
            ("p -t A -t B", "t=B ", 5),
            ("p -i word", "i= ", 2),
            ("p -si12 12", "s= i=12 ", 2),
            ("p -s -- -x", "s= ", 3),
            ("p - -x", "", 1),
            ("p -t -s word", "t=-s ", 3),
        ] {
            assert_eq!(read(line), Ok((options.to_owned(), next)), "{line}");
        }
    }

    #[test]
    fn what_is_not_known_or_lacks_its_value_is_wrong() {
        for (line, wrong) in [
            ("p -y", "-y"),
            ("p -s -t", "-t"),
            ("p -+", "-+"),
            ("p --long", "--long"),
            ("p -sy", "-sy"),
            ("p -s+", "-s+"),
        ] {
            assert_eq!(read(line), Err(wrong.to_owned()), "{line}");
        }
    }
}
