//! Logical lines of an inittab out of chunks of bytes, by BusyBox's rules: a trailing backslash
//! joins lines, `#` or a NUL ends what counts of a line, and numbers count physical lines.

use heapless::Vec;

/// The longest logical line, in bytes. The longest in the wild are some 120; what is longer is
/// reported and skipped, never cut, because half a command is another command.
pub const LOGICAL_MAX: usize = 1024;

/// What one more byte, or the end of the file, completed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// Nothing yet.
    More,
    /// A line: ask for it with [`Lines::line`].
    Line,
    /// A line of more than [`LOGICAL_MAX`] bytes. Its text is gone.
    TooLong,
}

/// The line being collected.
pub struct Lines {
    buffer: Vec<u8, LOGICAL_MAX>,
    /// The number of the physical line being read, from 1.
    number: u32,
    shape: Shape,
    /// The byte before.
    last: u8,
    /// How many backslashes stand at the end of what was joined so far. Each end of a line takes
    /// one away and joins: after two of them also an empty line is joined with the next.
    backslashes: u32,
}

/// What is to happen with the next byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A new logical line begins with it.
    Fresh,
    /// It belongs to the line.
    Inside,
    /// It stands behind a `#` or a NUL and does not count.
    Comment,
    /// It belongs to a line that is too long already.
    Flooded,
}

impl Default for Lines {
    fn default() -> Self {
        Lines::new()
    }
}

impl Lines {
    /// A reader at the beginning of a file.
    pub const fn new() -> Self {
        Lines { buffer: Vec::new(), number: 0, shape: Shape::Fresh, last: 0, backslashes: 0 }
    }

    /// Begins a new file.
    pub fn restart(&mut self) {
        (self.number, self.shape) = (0, Shape::Fresh);
    }

    /// The number of the last physical line that was read.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// What counts of the line that [`Found::Line`] announced.
    pub fn line(&self) -> &[u8] {
        &self.buffer
    }

    /// Takes in one byte.
    pub fn push(&mut self, byte: u8) -> Found {
        let before = core::mem::replace(&mut self.last, byte);
        if self.shape == Shape::Fresh || before == b'\n' {
            self.number = self.number.saturating_add(1);
        }
        if self.shape == Shape::Fresh {
            self.buffer.clear();
            (self.shape, self.backslashes) = (Shape::Inside, 0);
        }
        self.backslashes = match byte {
            b'\\' => self.backslashes.saturating_add(1),
            b'\n' => self.backslashes,
            _ => 0,
        };
        match (self.shape, byte) {
            (_, b'\n') if self.backslashes > 0 => self.drop_backslash(),
            (_, b'\n') => return self.end(),
            (Shape::Inside, b'#' | 0) => self.shape = Shape::Comment,
            (Shape::Inside, _) if self.buffer.push(byte).is_err() => self.shape = Shape::Flooded,
            (_, _) => {}
        }
        Found::More
    }

    /// Takes in the end of the file.
    pub fn finish(&mut self) -> Found {
        if self.shape == Shape::Fresh {
            return Found::More;
        }
        if self.last == b'\\' {
            self.drop_backslash();
        }
        self.end()
    }

    fn drop_backslash(&mut self) {
        self.backslashes = self.backslashes.saturating_sub(1);
        if self.shape == Shape::Inside {
            self.buffer.pop();
        }
    }

    fn end(&mut self) -> Found {
        let shape = core::mem::replace(&mut self.shape, Shape::Fresh);
        if shape == Shape::Flooded { Found::TooLong } else { Found::Line }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Vec<(u32, String), 32> {
        let mut lines = Lines::new();
        let mut out = Vec::new();
        let mut note = |found, lines: &Lines| match found {
            Found::More => {}
            Found::Line => {
                let text = String::from_utf8_lossy(lines.line()).into_owned();
                out.push((lines.number(), text)).unwrap();
            }
            Found::TooLong => out.push((lines.number(), "TOO LONG".into())).unwrap(),
        };
        for &byte in text {
            let found = lines.push(byte);
            note(found, &lines);
        }
        let found = lines.finish();
        note(found, &lines);
        out
    }

    #[test]
    fn a_backslash_joins_and_the_last_physical_line_is_the_number() {
        assert_eq!(read(b"a\\\nb\nc"), [(2, "ab".into()), (3, "c".into())]);
        assert_eq!(read(b"a\\"), [(1, "a".into())]);
        assert_eq!(read(b"a\\\\\nb\n"), [(2, "a\\b".into())]);
        assert_eq!(read(b"a\\\\\n\nb\nc"), [(3, "ab".into()), (4, "c".into())]);
        assert_eq!(read(b"a\\\n\nb"), [(2, "a".into()), (3, "b".into())]);
        assert_eq!(read(b"a\\\\\n"), [(1, "a\\".into())]);
        assert_eq!(read(b"a\\\n\\\\\n\n\nb"), [(4, "a".into()), (5, "b".into())]);
        assert_eq!(read(b"#\\\\\n\nb\nc"), [(3, "".into()), (4, "c".into())]);
    }

    #[test]
    fn a_hash_or_a_nul_ends_what_counts() {
        assert_eq!(read(b"a#b\n#c\n x\0y\n"), [(1, "a".into()), (2, "".into()), (3, " x".into())]);
        assert_eq!(read(b"a#b\\\nc\n"), [(2, "a".into())], "a comment is joined as well");
    }

    #[test]
    fn empty_files_and_missing_final_newlines_are_fine() {
        assert!(read(b"").is_empty());
        assert_eq!(read(b"\n\nx"), [(1, "".into()), (2, "".into()), (3, "x".into())]);
    }

    #[test]
    fn a_line_that_is_too_long_is_named_and_the_next_one_is_whole() {
        let mut text = std::vec![b'x'; LOGICAL_MAX];
        assert_eq!(read(&text).len(), 1);
        assert_ne!(read(&text)[0].1, "TOO LONG");
        text.extend_from_slice(b"x\nok\n");
        assert_eq!(read(&text), [(1, "TOO LONG".into()), (2, "ok".into())]);
        text.splice(LOGICAL_MAX + 1.., *b"\\\nmore\nok");
        assert_eq!(read(&text), [(2, "TOO LONG".into()), (3, "ok".into())], "it is joined as well");
    }

    #[test]
    fn a_comment_may_be_of_any_length_and_is_joined_as_well() {
        let long = "x".repeat(2 * LOGICAL_MAX);
        let text = format!("a#{long}\nb#{long}\\\nc\n\\\n");
        assert_eq!(read(text.as_bytes()), [(1, "a".into()), (3, "b".into()), (4, "".into())]);
    }
}
