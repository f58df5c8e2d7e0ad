//! Lines of a program made fit for a log.
//!
//! Control characters become `\xNN`: whoever reads the log must not have his terminal driven by
//! whoever writes it. A tab stays, and so does text in UTF-8, but for the control characters
//! U+0080 to U+009F; a byte that is no UTF-8 may be one of those to an 8-bit terminal.

use super::names::begins;
use super::text::hex;

/// How many bytes at the front of a text make one character that may be shown; 0 where the first
/// byte must be made visible.
fn shown(text: &[u8]) -> usize {
    let more = match text.first() {
        Some(b'\t' | b' '..=0x7e) => return 1,
        Some(0xc2..=0xdf) => 1,
        Some(0xe0..=0xef) => 2,
        Some(0xf0..=0xf4) => 3,
        _ => return 0,
    };
    let follows = text.iter().skip(1).take(more).filter(|&&b| b & 0xc0 == 0x80).count();
    let control = begins(text, 0xc2) && text.get(1).is_some_and(|&b| b < 0xa0);
    if follows == more && !control { more + 1 } else { 0 }
}

/// Room that is filled from the front.
pub struct Room<'a> {
    bytes: &'a mut [u8],
    /// How much of it is filled.
    pub len: usize,
}

impl<'a> Room<'a> {
    /// All of a buffer.
    pub fn new(bytes: &'a mut [u8]) -> Self {
        Room { bytes, len: 0 }
    }

    /// What has been put there.
    pub fn filled(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }

    /// Appends bytes, if all of them fit.
    #[inline(never)]
    pub fn put(&mut self, bytes: &[u8]) -> bool {
        let room = self.bytes.get_mut(self.len..).unwrap_or(&mut []);
        if room.len() < bytes.len() {
            return false;
        }
        room.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        self.len += bytes.len();
        true
    }

    /// Appends the first character of a text, made visible: how many bytes of the text that took,
    /// or nothing where it does not fit.
    pub fn put_first(&mut self, text: &[u8]) -> Option<usize> {
        let (fine, byte) = (shown(text), text.first().copied().unwrap_or(0));
        let escape = [b'\\', b'x', hex(byte >> 4), hex(byte & 15)];
        let character = if fine == 0 { &escape } else { text.get(..fine)? };
        self.put(character).then_some(fine.max(1))
    }
}

/// How a log wants its lines.
#[derive(Clone, Copy)]
pub enum Style<'a> {
    /// One behind the other, each ended by a newline.
    File,
    /// One at a time, with this in front of it and no newline.
    Datagram(&'a [u8]),
}

/// Takes lines off the front of a text into the room: how many bytes of the text were taken. None
/// are where the text holds no whole line and more of it may come. A line that fills the room, or
/// a text that is `full`, is taken in pieces; no datagram is made of an empty line.
pub fn frame(text: &[u8], full: bool, style: Style<'_>, room: &mut Room<'_>) -> usize {
    let mut used = 0;
    let mut whole = (0, 0);
    if let Style::Datagram(header) = style {
        room.put(header);
    }
    let before = room.len;
    while let Some(rest) = text.get(used..).filter(|rest| !rest.is_empty()) {
        let ends = begins(rest, b'\n');
        let taken = match style {
            _ if !ends => room.put_first(rest),
            Style::File => room.put(b"\n").then_some(1),
            Style::Datagram(_) if room.len > before => return used + 1,
            Style::Datagram(_) => Some(1),
        };
        match taken {
            Some(count) => used += count,
            None if whole.0 == 0 => return used,
            None => break,
        }
        if ends {
            whole = (used, room.len);
        }
    }
    // The line at the end is no whole one.
    if whole.0 > 0 || !full {
        (used, room.len) = whole;
    }
    if matches!(style, Style::Datagram(_)) && room.len == before {
        room.len = 0;
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(text: &[u8], full: bool, style: Style<'_>, size: usize) -> (usize, Vec<u8>) {
        let mut bytes = vec![0; size];
        let mut room = Room::new(&mut bytes);
        let used = frame(text, full, style, &mut room);
        (used, room.filled().to_vec())
    }

    #[test]
    fn a_file_takes_the_whole_lines() {
        let file = |text: &str, full| framed(text.as_bytes(), full, Style::File, 12);
        assert_eq!(file("one\ntwo\nthr", false), (8, b"one\ntwo\n".to_vec()));
        assert_eq!(file("one\n\n", false), (5, b"one\n\n".to_vec()));
        assert_eq!(file("thr", false), (0, vec![]));
        assert_eq!(file("thr", true), (3, b"thr".to_vec()), "what is left at the end");
        assert_eq!(file("one\nthr", true), (4, b"one\n".to_vec()), "whole lines come first");
        assert_eq!(file("123456789abcdef\n", false), (12, b"123456789abc".to_vec()), "a piece");
        assert_eq!(file("12345678901\nx\n", false), (12, b"12345678901\n".to_vec()));
        assert_eq!(file("123456789012\nx\n", false), (12, b"123456789012".to_vec()));
        assert_eq!(file("\n", false), (1, b"\n".to_vec()));
    }

    #[test]
    fn a_datagram_takes_one_line() {
        let one = |text: &str, full| framed(text.as_bytes(), full, Style::Datagram(b"<1>t: "), 12);
        assert_eq!(one("one\ntwo\n", false), (4, b"<1>t: one".to_vec()));
        assert_eq!(one("\n\ntwo\n", false), (6, b"<1>t: two".to_vec()), "empty lines are not sent");
        assert_eq!(one("\n\n", false), (2, vec![]));
        assert_eq!(one("\nthr", false), (1, vec![]));
        assert_eq!(one("", true), (0, vec![]));
        assert_eq!(one("thr", false).0, 0);
        assert_eq!(one("thr", true), (3, b"<1>t: thr".to_vec()));
        assert_eq!(one("1234567890\n", false), (6, b"<1>t: 123456".to_vec()), "a piece");
    }

    #[test]
    fn control_characters_are_made_visible_and_utf_8_is_not() {
        let text = "a\tb \u{e9}\u{20ac}\u{1f600}\n".as_bytes();
        assert_eq!(framed(text, false, Style::File, 100).1, text);
        for (read, written) in [
            (&b"\x1b[2J\x00\x7f\r\n"[..], &b"\\x1b[2J\\x00\\x7f\\x0d\n"[..]),
            (b"\xc2\x9b2J\n", b"\\xc2\\x9b2J\n"),
            (b"\x9b2J\xe9\xff\n", b"\\x9b2J\\xe9\\xff\n"),
            (b"\xe2\x82\n", b"\\xe2\\x82\n"),
        ] {
            assert_eq!(framed(read, false, Style::File, 100), (read.len(), written.to_vec()));
        }
    }

    #[test]
    fn a_text_in_pieces_of_any_size_is_the_text_again() {
        let text = b"first line\n\nx\nlonger \x1b than the room it is given, by far\nend\n";
        let whole = framed(text, false, Style::File, 1000).1;
        for size in 4..80 {
            let (mut rest, mut seen) = (&text[..], Vec::new());
            while !rest.is_empty() {
                let (used, bytes) = framed(rest, false, Style::File, size);
                assert!(used > 0, "it stands still with {size} bytes");
                seen.extend(bytes);
                rest = &rest[used..];
            }
            assert_eq!(seen, whole, "{size} bytes");
        }
    }
}
