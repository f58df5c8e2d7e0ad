//! Command lines of single letters, as getopt(3) and POSIX's Utility Syntax Guidelines have them,
//! and in GNU's manner: with long names, and with other words among the options.

use super::names::{before, begins, place, take};

/// No value.
const NONE: &[u8] = b"\0";

/// A command line. Its words stand one behind the other, each with its NUL, so that what is a path
/// can be handed on as it stands. Nothing is kept: what is asked for is looked for again.
#[derive(Clone, Copy)]
pub struct Letters<'a> {
    /// The letters: those without a value, one whose value stands in the same word or is missing,
    /// `+`, and those that take one.
    pub known: &'static [u8],
    /// The long names of the letters in their order, `+` included. Where there are none, the first
    /// word that is no option ends them.
    pub names: &'static [u8],
    /// The words.
    pub words: &'a [u8],
}

/// What a walk over the words has come to.
struct Walk<'a> {
    /// The words that are left; at the end those that are no options, or begin with a wrong one.
    rest: &'a [u8],
    /// Where the last value of what is looked for begins.
    found: Option<&'a [u8]>,
    /// Whether all options were understood.
    fine: bool,
}

impl<'a> Letters<'a> {
    /// The first word that is not understood.
    #[inline(never)] // There are too many callers for copies.
    pub fn wrong(&self) -> Option<&'a [u8]> {
        let walk = self.walk(0);
        if walk.fine { None } else { Some(before(walk.rest, 0)) }
    }

    /// The words behind the options.
    #[inline(never)] // As above.
    pub fn rest(&self) -> &'a [u8] {
        self.walk(0).rest
    }

    /// The value of a letter with its NUL; a lone NUL for one without a value. A small number gives
    /// the word that is no option with this place among those, from 1 on.
    #[inline(never)] // As above.
    pub fn given(&self, letter: u8) -> Option<&'a [u8]> {
        let text = self.walk(letter).found?;
        text.get(..=before(text, 0).len())
    }

    #[inline(never)] // As above.
    fn walk(&self, wanted: u8) -> Walk<'a> {
        let mut walk = Walk { rest: self.words, found: None, fine: true };
        let (mut count, mut ended) = (0, false);
        while !walk.rest.is_empty() {
            if !ended && matches!(walk.rest, [b'-', letter, ..] if *letter != 0) {
                ended = walk.rest.starts_with(b"--\0");
                if ended {
                    take(&mut walk.rest, 0);
                } else if self.take(wanted, &mut walk).is_none() {
                    walk.fine = false;
                    break;
                }
                continue;
            }
            if self.names.is_empty() {
                break;
            }
            count += 1;
            if count == wanted {
                walk.found = Some(walk.rest);
            }
            take(&mut walk.rest, 0);
        }
        walk
    }

    /// Walks over a word of one or more letters; nothing where it is not understood.
    fn take(&self, wanted: u8, walk: &mut Walk<'a>) -> Option<()> {
        let with_value = self.place(b'+')?;
        let mut rest = walk.rest.get(1..)?;
        while let Some((&letter, after)) = rest.split_first().filter(|_| !begins(rest, 0)) {
            rest = after;
            let place = if letter == b'-' {
                let name = before(before(rest, 0), b'=');
                rest = rest.get(name.len()..)?;
                place(self.names, name)
            } else {
                self.place(letter)
            };
            let place = place.filter(|&place| place != with_value)?;
            let is_apart = begins(rest, b'=') && !self.names.is_empty();
            let takes = is_apart || place + 1 >= with_value;
            if is_apart || place > with_value && begins(rest, 0) {
                rest = rest.get(1..).filter(|rest| !rest.is_empty())?;
            }
            if self.known.get(place) == Some(&wanted) {
                walk.found = Some(if takes { rest } else { NONE });
            }
            if takes {
                take(&mut rest, 0);
                walk.rest = rest;
                return Some(());
            }
        }
        walk.rest = rest.get(1..)?;
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
        let words: String = line.split(' ').map(|word| format!("{word}\0")).collect();
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let mut behind_first = words.as_bytes();
        take(&mut behind_first, 0);
        let letters = Letters { known: b"sxi+t", names: b"", words: behind_first };
        letters.wrong().map_or(Ok(()), |wrong| Err(text(wrong)))?;
        let given = b"sxit".iter().filter_map(|&letter| {
            let value = bare(letters.given(letter)?);
            Some(format!("{}={} ", char::from(letter), text(value)))
        });
        let count = |words: &[u8]| words.split(|&b| b == 0).count();
        Ok((given.collect(), count(words.as_bytes()) - count(letters.rest())))
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
            ("p -t=A word", "t==A ", 2),
            ("p -t  word", "t= ", 3),
            ("p  -s", "", 1),
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
