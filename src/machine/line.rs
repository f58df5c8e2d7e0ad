//! The line in which somebody types a name before a login: what each byte does to it.
//!
//! The terminal is in raw mode and nobody knows yet what stands at its other end. Three forms are
//! told apart by what is typed: plain bytes of eight bits, UTF-8, in which an erasure takes a whole
//! character, and the seven bits with parity of old terminals. Parity shows only at the end: a line
//! whose bytes all have the same parity, some of them the eighth bit, and that is no UTF-8.

use heapless::Vec;

/// The longest name, in bytes. Accounts have at most 32; twice that leaves room for a name with
/// its domain. A longer line is refused, never cut, because half a name is another name.
pub const NAME_MAX: usize = 64;

/// The parity of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Parity {
    /// All eight bits are data.
    None,
    /// The eighth bit makes the number of ones even.
    Even,
    /// The eighth bit makes the number of ones odd.
    Odd,
}

/// What a byte came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// Nothing that shows.
    Nothing,
    /// It belongs to the name and is to be echoed.
    Echo,
    /// So many columns are to be wiped out.
    Wipe(u8),
    /// The line is given up, or was empty: the prompt again.
    Again,
    /// A BREAK: the other end may want another speed.
    Break,
    /// The line is at its end and was longer than [`NAME_MAX`].
    TooLong,
    /// The line is at its end and holds a name.
    Name(Parity),
}

/// The line.
pub struct Line {
    /// Room for a NUL is left.
    name: Vec<u8, { NAME_MAX + 1 }>,
    /// There were more bytes than a name has.
    flood: bool,
    /// The parities that were seen: 1 for even, 2 for odd.
    parities: u8,
    /// The parities that every line has seen.
    given: u8,
}

const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const BACKSPACE: u8 = 8;
const CTRL_U: u8 = 0x15;
const CTRL_W: u8 = 0x17;
const DELETE: u8 = 0x7f;

impl Line {
    /// An empty line. Whether parity is to be detected depends on the terminal: one that is known
    /// to have eight bits has none.
    pub const fn new(detect: bool) -> Self {
        let given = if detect { 0 } else { 3 };
        Line { name: Vec::new(), flood: false, parities: given, given }
    }

    /// Forgets what was typed.
    pub fn clear(&mut self) {
        self.name.clear();
        self.begin();
    }

    /// The name so far.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// The name with a NUL behind it, when it is complete.
    pub fn ended(&mut self) -> &[u8] {
        let _ = self.name.push(0);
        &self.name
    }

    /// Whether the name holds characters of UTF-8 beyond ASCII.
    pub fn is_utf8(&self) -> bool {
        unfinished(&self.name).is_some() && self.name.iter().any(|&b| b >= 0x80)
    }

    /// Takes in one byte.
    pub fn push(&mut self, byte: u8) -> Found {
        self.parities |= 1 << (byte.count_ones() & 1);
        if matches!(unfinished(&self.name), Some(1..))
            && is_continuation(byte)
            && !self.ends_by_parity(byte)
        {
            return self.take(byte);
        }
        // Where the eighth bit is parity, a control character may have it too. In the sets of
        // eight bits there are control characters in the same places.
        match byte & 0x7f {
            _ if byte == 0 => Found::Break,
            b'\r' | b'\n' => self.end(byte),
            CTRL_U => self.wipe(0),
            // Nobody sees how much is behind the limit, so only all of it can be taken away.
            BACKSPACE | DELETE | CTRL_W if self.flood => Found::Nothing,
            BACKSPACE | DELETE => self.wipe(self.name.len().saturating_sub(1)),
            CTRL_W => self.wipe(self.word()),
            CTRL_C => Found::Again,
            CTRL_D if self.name.is_empty() => Found::Again,
            0..b' ' => Found::Nothing,
            _ => self.take(byte),
        }
    }

    /// Whether what could go on with a character of UTF-8 is more likely a return or a newline
    /// with parity: all bytes have the same one, and there are some.
    fn ends_by_parity(&self, byte: u8) -> bool {
        matches!(byte & 0x7f, b'\r' | b'\n') && self.parities != 3 && self.name.len() > 1
    }

    fn begin(&mut self) {
        (self.flood, self.parities) = (false, self.given);
    }

    fn take(&mut self, byte: u8) -> Found {
        self.flood = self.flood || self.name.len() >= NAME_MAX || self.name.push(byte).is_err();
        if self.flood { Found::Nothing } else { Found::Echo }
    }

    /// Where the last word begins.
    fn word(&self) -> usize {
        let (mut begin, mut last) = (0, b' ');
        for (place, &byte) in self.name.iter().enumerate() {
            if byte != b' ' && last == b' ' {
                begin = place;
            }
            last = byte;
        }
        begin
    }

    /// Takes away whole characters until nothing stands behind a place.
    fn wipe(&mut self, from: usize) -> Found {
        let mut columns = 0;
        let in_utf8 = unfinished(&self.name).is_some();
        while self.name.len() > from {
            // In UTF-8 only the first byte of a character takes a column.
            while let Some(byte) = self.name.pop()
                && in_utf8
                && is_continuation(byte)
            {}
            columns += 1;
        }
        if self.name.is_empty() {
            self.begin();
        }
        Found::Wipe(columns)
    }

    fn end(&mut self, byte: u8) -> Found {
        if self.flood {
            return Found::TooLong;
        }
        if self.name.is_empty() {
            return Found::Again;
        }
        let parity = match self.parities {
            1 => Parity::Even,
            2 => Parity::Odd,
            _ => Parity::None,
        };
        let eighth = byte >= 0x80 || unfinished(&self.name) != Some(0);
        if !eighth || parity == Parity::None {
            return Found::Name(Parity::None);
        }
        self.name.iter_mut().for_each(|byte| *byte &= 0x7f);
        // What looked like a character of UTF-8 may have been a NUL, which would end a word.
        if self.name.iter().any(|&b| b < b' ') { Found::Again } else { Found::Name(parity) }
    }
}

/// How many bytes of its last character are still to come; nothing if this is no UTF-8.
#[inline(never)] // There are too many callers for copies.
fn unfinished(text: &[u8]) -> Option<u8> {
    let mut rest = 0;
    for &byte in text {
        rest = match byte {
            0x80..0xc0 if rest > 0 => rest - 1,
            _ if rest > 0 => return None,
            0..0x80 => 0,
            0xc2..0xe0 => 1,
            0xe0..0xf0 => 2,
            0xf0..0xf5 => 3,
            0x80..0xc2 | 0xf5.. => return None,
        };
    }
    Some(rest)
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

#[cfg(test)]
mod tests {
    use super::*;
    use Found::*;

    /// Types bytes; what the last one came to, and the name.
    fn typed(bytes: &[u8]) -> (Found, std::vec::Vec<u8>) {
        let mut line = Line::new(true);
        let mut last = Nothing;
        for &byte in bytes {
            last = line.push(byte);
        }
        (last, line.name().to_vec())
    }

    fn name(bytes: &[u8]) -> (Parity, std::vec::Vec<u8>) {
        match typed(bytes) {
            (Name(parity), name) => (parity, name),
            other => panic!("{bytes:?} gave {other:?}"),
        }
    }

    /// The bytes as a terminal of seven bits with parity sends them.
    fn with_parity(text: &[u8], odd: u32) -> std::vec::Vec<u8> {
        text.iter().map(|&b| if b.count_ones() % 2 == odd { b } else { b | 0x80 }).collect()
    }

    #[test]
    fn a_name_ends_with_a_return_or_a_newline() {
        assert_eq!(name(b"root\r"), (Parity::None, b"root".to_vec()));
        assert_eq!(name(b"a b\n"), (Parity::None, b"a b".to_vec()));
        assert_eq!(typed(b"root").0, Echo);
        for empty in [&b"\r"[..], b"\n", b"x\x08\r"] {
            assert_eq!(typed(empty).0, Again);
        }
    }

    #[test]
    fn characters_words_and_lines_are_taken_away() {
        assert_eq!(typed(b"rootx\x7f"), (Wipe(1), b"root".to_vec()));
        assert_eq!(typed(b"rootx\x08"), (Wipe(1), b"root".to_vec()));
        assert_eq!(typed(b"\x7f"), (Wipe(0), vec![]));
        assert_eq!(typed(b"ab cd  \x17"), (Wipe(4), b"ab ".to_vec()));
        assert_eq!(typed(b"ab \x17"), (Wipe(3), vec![]));
        assert_eq!(typed(b"\x17"), (Wipe(0), vec![]));
        assert_eq!(typed(b"ab cd\x15"), (Wipe(5), vec![]));
        assert_eq!(typed("ab ¢d\x17".as_bytes()), (Wipe(2), b"ab ".to_vec()));
    }

    #[test]
    fn an_erasure_takes_a_whole_character() {
        for (text, left) in [("aé", "a"), ("a€", "a"), ("a𐍈", "a"), ("éa", "é"), ("é", "")]
        {
            let bytes = [text.as_bytes(), b"\x7f"].concat();
            assert_eq!(typed(&bytes), (Wipe(1), left.as_bytes().to_vec()), "{text}");
        }
        assert_eq!(typed(b"a\xe2\x82\x7f"), (Wipe(1), b"a".to_vec()), "an unfinished one too");
        assert_eq!(typed(b"a\xe4\xf6\x7f").1, b"a\xe4", "of a set of eight bits one byte");
        assert_eq!(typed("äöü\x15".as_bytes()), (Wipe(3), vec![]));
    }

    #[test]
    fn control_characters_do_what_they_do_and_no_more() {
        assert_eq!(typed(b"ab\x03").0, Again);
        assert_eq!(typed(b"\x04").0, Again);
        assert_eq!(typed(b"ab\x04"), (Nothing, b"ab".to_vec()));
        assert_eq!(typed(b"\x00").0, Break);
        for byte in (1..b' ').filter(|b| !b"\x03\x04\x08\n\r\x15\x17".contains(b)) {
            assert_eq!(typed(&[b'a', byte]), (Nothing, b"a".to_vec()), "{byte:#x}");
        }
    }

    #[test]
    fn names_of_utf8_and_of_eight_bits_come_through() {
        for text in ["jürgen", "Ísafold", "Ł", "名前", "ÿ"] {
            let bytes = [text.as_bytes(), b"\r"].concat();
            assert_eq!(name(&bytes), (Parity::None, text.as_bytes().to_vec()), "{text}");
        }
        let mut line = Line::new(true);
        "jürgen".bytes().for_each(|b| _ = line.push(b));
        assert!(line.is_utf8());
        assert_eq!(name(b"j\xfcrgen\r"), (Parity::None, b"j\xfcrgen".to_vec()));
        let mut line = Line::new(true);
        b"j\xfcrgen".iter().for_each(|&b| _ = line.push(b));
        assert!(!line.is_utf8());
    }

    #[test]
    fn parity_is_detected_and_taken_off() {
        for text in ["root", "guest", "anna", "rota", "zz", "user name"] {
            let line = format!("{text}\r");
            let even = with_parity(line.as_bytes(), 0);
            assert_eq!(name(&even), (Parity::Even, text.into()), "{text}");
        }
        for text in ["root", "guest", "user name"] {
            for end in ["\r", "\n"] {
                let odd = with_parity(format!("{text}{end}").as_bytes(), 1);
                assert_eq!(name(&odd), (Parity::Odd, text.into()), "{text}");
            }
        }
        let edited = with_parity(b"rootxy\x7f\x08\r", 0);
        assert_eq!(name(&edited), (Parity::Even, b"root".to_vec()));
        let killed = with_parity(b"xyz\x15root\r", 1);
        assert_eq!(name(&killed), (Parity::Odd, b"root".to_vec()));
    }

    #[test]
    fn no_control_character_comes_into_a_name_by_its_parity() {
        for line in [&b"\xc2\x80\xad\xe6\x8a"[..], b"\xc3\x8d\x8d", b"ab\xc2\x83\x8a"] {
            let (found, name) = typed(line);
            let fine = name.iter().all(|b| *b >= b' ');
            assert!(fine || found == Again, "{line:02x?} gave {found:?}, {name:02x?}");
        }
    }

    #[test]
    fn where_no_parity_is_looked_for_all_bits_are_kept() {
        let mut line = Line::new(false);
        let typed = with_parity(b"guest", 0);
        typed.iter().for_each(|&b| _ = line.push(b));
        assert_eq!(line.push(b'\r'), Name(Parity::None));
        assert_eq!(line.name(), typed);
    }

    #[test]
    fn a_line_that_is_too_long_is_refused_at_its_end_and_can_be_taken_away() {
        let fits = vec![b'x'; NAME_MAX];
        let with = |end: &[u8]| [&fits[..], end].concat();
        assert_eq!(name(&with(b"\r")).1, fits);
        assert_eq!(typed(&with(b"x")).0, Nothing, "what does not count is not echoed");
        assert_eq!(typed(&with(b"x\r")).0, TooLong);
        assert_eq!(typed(&with(b"x\x7f\r")).0, TooLong);
        assert_eq!(typed(&with(b"x\x17\r")).0, TooLong);
        assert_eq!(typed(&with(b"x\x03")).0, Again);
        assert_eq!(typed(&with(b"x\x15")), (Wipe(NAME_MAX as u8), vec![]));
        assert_eq!(name(&with(b"xyz\x15root\r")).1, b"root");
        let split = [&fits[1..], "éx\r".as_bytes()].concat();
        assert_eq!(typed(&split).0, TooLong, "a character that only half fits");
    }

    #[test]
    fn noise_never_makes_a_name_that_is_longer_than_the_limit() {
        let mut line = Line::new(true);
        let mut seed = 1u32;
        let mut ends = 0;
        for _ in 0..1_000_000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let found = line.push((seed >> 24) as u8);
            assert!(line.name().len() <= NAME_MAX);
            if matches!(found, Again | TooLong | Name(_)) {
                ends += 1;
                line.clear();
            }
        }
        assert!(ends > 1000);
    }
}
