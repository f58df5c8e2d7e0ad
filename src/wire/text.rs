//! A line of text of bounded length: what messages are written into before they are told.

use heapless::Vec;

use super::names::take;

/// The longest message, in bytes. A terminal line is 80 columns; three of them hold who, what,
/// why and what happens next, and a record of the log ring keeps its length in one byte.
pub const LINE_MAX: usize = 240;

/// What the header of a datagram or the mark of a late message may take of a line, in bytes:
/// `<30>pidone[1]: ` and ` (said 4294967 s before)`.
pub const HEADER_MAX: usize = 48;

/// What stands at the end of a message, or of a text in it, that was cut.
pub const CUT_MARK: &[u8] = b"...";

/// A message under construction. What does not fit is cut, and the cut is marked.
pub struct Line {
    bytes: Vec<u8, LINE_MAX>,
    room: usize,
}

impl Default for Line {
    fn default() -> Self {
        Line::new()
    }
}

impl Line {
    /// An empty line for a message, which leaves room for a header.
    pub const fn new() -> Self {
        Line { bytes: Vec::new(), room: LINE_MAX - HEADER_MAX }
    }

    /// An empty line that takes a header and a whole message.
    pub const fn wide() -> Self {
        Line { bytes: Vec::new(), room: LINE_MAX }
    }

    /// What has been written so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Appends bytes as they are; text that is ours.
    #[inline(never)]
    pub fn put(&mut self, bytes: &[u8]) -> &mut Self {
        for &byte in bytes {
            if self.bytes.len() >= self.room || self.bytes.push(byte).is_err() {
                self.mark_cut();
                break;
            }
        }
        self
    }

    /// Appends bytes that somebody else wrote: whatever is not plain text becomes `\xNN`, so that
    /// a command or a file name cannot drive the terminal it is printed on. Bytes from 0x80 on are
    /// no exception, since some of them are control characters to an 8-bit terminal.
    pub fn quote(&mut self, bytes: &[u8]) -> &mut Self {
        for &byte in bytes {
            if !(b' '..0x7f).contains(&byte) {
                self.put(b"\\x").put(&[hex(byte >> 4), hex(byte & 15)]);
            } else {
                self.put(&[byte]);
            }
        }
        self
    }

    /// Appends a number in decimal.
    pub fn number(&mut self, mut value: u64) -> &mut Self {
        let mut digits = [0u8; 20];
        let mut used = 0;
        for slot in digits.iter_mut().rev() {
            *slot = b'0' + (value % 10) as u8;
            value /= 10;
            used += 1;
            if value == 0 {
                break;
            }
        }
        let from = digits.len() - used;
        self.put(digits.get(from..).unwrap_or(&[]))
    }

    /// Appends a span of milliseconds the way a person says it: `350 ms`, `12 s`.
    pub fn span(&mut self, millis: u64) -> &mut Self {
        if millis < 1000 {
            self.number(millis).put(b" ms")
        } else {
            self.number(millis / 1000).put(b" s")
        }
    }

    /// Appends ` (text of the error)`.
    pub fn error(&mut self, errno: u16) -> &mut Self {
        match super::errno::words(errno) {
            Some(words) => self.put(words),
            None => self.put(b"error ").number(u64::from(errno)),
        }
    }

    /// Appends a template in which `%` and a letter stand for a fact: `%q` for a text of others,
    /// `%x` for one of ours, and for the number `%n` as it is, `%s` as a span, `%e` as an error.
    #[inline(never)]
    pub fn compose(&mut self, template: &[u8], [theirs, ours]: [&[u8]; 2], number: u64) {
        let mut rest = template;
        loop {
            self.put(take(&mut rest, b'%'));
            let Some((letter, after)) = rest.split_first() else {
                return;
            };
            rest = after;
            match letter {
                b'q' => self.quote(theirs),
                b'x' => self.put(ours),
                b's' => self.span(number),
                b'e' => self.error(number as u16),
                _ => self.number(number),
            };
        }
    }

    fn mark_cut(&mut self) {
        let from = self.bytes.len().saturating_sub(CUT_MARK.len());
        for (byte, mark) in self.bytes.iter_mut().skip(from).zip(CUT_MARK) {
            *byte = *mark;
        }
    }
}

pub(super) const fn hex(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_spans_are_written_in_decimal() {
        let mut line = Line::new();
        line.number(0).put(b" ").number(u64::MAX).put(b" ").span(999).put(b" ").span(61_500);
        assert_eq!(line.as_bytes(), b"0 18446744073709551615 999 ms 61 s");
    }

    #[test]
    fn a_template_is_filled_with_facts() {
        let mut line = Line::new();
        line.compose(b"%x: cannot open %q: %e", [b"a\n", b"we"], 2);
        line.compose(b"; %n, %s", [b"", b""], 5000);
        let text = b"we: cannot open a\\x0a: No such file or directory; 5000, 5 s";
        assert_eq!(line.as_bytes(), text);
    }

    #[test]
    fn control_characters_of_others_are_made_visible() {
        let mut line = Line::new();
        line.quote(b"a\x1b[2Jb\r\x7f\xc3\xa9");
        assert_eq!(line.as_bytes(), b"a\\x1b[2Jb\\x0d\\x7f\\xc3\\xa9");
    }

    #[test]
    fn a_cut_is_marked() {
        let mut line = Line::wide();
        line.put(&[b'x'; LINE_MAX]);
        assert!(!line.as_bytes().ends_with(CUT_MARK), "a line that just fits is whole");
        line.put(b"y");
        assert_eq!(line.as_bytes().len(), LINE_MAX);
        assert!(line.as_bytes().ends_with(b"x..."));
        let mut line = Line::new();
        line.put(&[b'x'; LINE_MAX]);
        assert_eq!(line.as_bytes().len(), LINE_MAX - HEADER_MAX, "room for the header is kept");
    }
}
