//! What is said at the control socket: a line that asks, and a datagram that answers.
//!
//! A request is the version of the protocol, a verb and a word, with blanks between them and a
//! newline at the end: `1 status 0`. An answer is lines of text for people and, as its last line,
//! three numbers: the version, the exit code for whoever asked, and the place to go on from. Of a
//! table that takes more than one answer each gives as many units as have room, so that nothing is
//! kept between two requests.

use heapless::Vec;

use super::names::{place, take};
use super::text::Line;
use super::value::number;

/// The longest answer, in bytes: some thirty usual units, or seven whose lines are as long as lines
/// can be. It is sent from the stack.
pub const ANSWER_MAX: usize = 2048;

/// The longest last line, in bytes: `1 111 65535` and a newline.
const TAIL_MAX: usize = 12;

/// Exit codes, as all tools of pidone have them.
pub const FINE: u8 = 0;
/// The request is not understood.
pub const USAGE: u8 = 100;
/// What was asked for was refused.
pub const REFUSED: u8 = 111;

/// The version of all this.
const VERSION: &[u8] = b"1";

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request<'a> {
    /// How the units are, from this one on.
    Status(u16),
    /// To read the inittab again.
    Reload,
    /// Something of the unit with this name.
    Unit(Verb, &'a [u8]),
}

/// What a unit is to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    /// To be started, unless it runs.
    Start,
    /// To be stopped, for good.
    Stop,
    /// To be stopped and started again.
    Restart,
}

/// The verbs.
pub const VERBS: &[u8] = b"status reload start stop restart";
/// The place of one among them.
pub const STATUS: usize = 0;
/// And of another one.
pub const RELOAD: usize = 1;

/// Reads a request; nothing where it is none, or one of another version.
pub fn request(text: &[u8]) -> Option<Request<'_>> {
    let mut rest = line(text)?;
    place(VERSION, take(&mut rest, b' '))?;
    let verb = place(VERBS, take(&mut rest, b' '))?;
    Some(match verb {
        STATUS => Request::Status(u16::try_from(number(rest)?).ok()?),
        RELOAD if rest.is_empty() => Request::Reload,
        RELOAD => return None,
        2 => Request::Unit(Verb::Start, rest),
        3 => Request::Unit(Verb::Stop, rest),
        _ => Request::Unit(Verb::Restart, rest),
    })
}

/// An answer that is being put together.
pub struct Answer {
    bytes: Vec<u8, ANSWER_MAX>,
}

impl Default for Answer {
    fn default() -> Self {
        Answer::new()
    }
}

impl Answer {
    /// An answer without text.
    pub const fn new() -> Self {
        Answer { bytes: Vec::new() }
    }

    /// Adds a line; false where there is no room for it.
    pub fn add(&mut self, line: &Line) -> bool {
        let line = line.as_bytes();
        let fits = self.bytes.len() + line.len() < ANSWER_MAX - TAIL_MAX;
        fits && self.bytes.extend_from_slice(line).is_ok() && self.bytes.push(b'\n').is_ok()
    }

    /// Ends it with a code, and the place to go on from or 0.
    pub fn end(&mut self, code: u8, next: u16) {
        let mut line = Line::new();
        line.put(b"1 ").number(code.into()).put(b" ").number(next.into()).put(b"\n");
        // There is room: `add` has kept it.
        let _ = self.bytes.extend_from_slice(line.as_bytes());
    }

    /// All of it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// An answer as it was received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answered<'a> {
    /// The lines for people.
    pub text: &'a [u8],
    /// The exit code.
    pub code: u8,
    /// The place to go on from, or 0.
    pub next: u16,
}

/// Reads an answer; nothing where it is none, or one of another version. What could drive a
/// terminal is none either, whoever sent it.
pub fn answer(bytes: &[u8]) -> Option<Answered<'_>> {
    let bare = line(bytes)?;
    if !bare.iter().all(|&b| b == b'\n' || (b' '..0x7f).contains(&b)) {
        return None;
    }
    let begin = bare.iter().rposition(|&b| b == b'\n').map_or(0, |newline| newline + 1);
    let (text, last) = bare.split_at_checked(begin)?;
    let mut rest = last;
    let version = take(&mut rest, b' ');
    let code = u8::try_from(number(take(&mut rest, b' '))?).ok()?;
    let next = u16::try_from(number(rest)?).ok()?;
    (version == VERSION).then_some(Answered { text, code, next })
}

/// What stands before the newline at the end.
fn line(text: &[u8]) -> Option<&[u8]> {
    text.split_last().filter(|(last, _)| **last == b'\n').map(|(_, line)| line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_and_nothing_else_is() {
        let web = b"web";
        for (text, request) in [
            ("1 status 0\n", Request::Status(0)),
            ("1 status 65535\n", Request::Status(65_535)),
            ("1 reload\n", Request::Reload),
            ("1 start web\n", Request::Unit(Verb::Start, web)),
            ("1 stop web\n", Request::Unit(Verb::Stop, web)),
            ("1 restart web\n", Request::Unit(Verb::Restart, web)),
        ] {
            assert_eq!(super::request(text.as_bytes()), Some(request), "{text}");
        }
        for text in [
            "",
            "\n",
            "1",
            "1 \n",
            "1 status\n",
            "1 status 0",
            "1 status 65536\n",
            "1 status -1\n",
            "1 status x\n",
            "1  status 0\n",
            "2 status 0\n",
            "11 status 0\n",
            "1 reload now\n",
            "1 halt\n",
            "status 0\n",
        ] {
            assert_eq!(super::request(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn an_answer_arrives_as_it_was_sent() {
        let mut sent = Answer::new();
        let mut line = Line::new();
        line.put(b"web up 5 s, pid 7");
        assert!(sent.add(&line) && sent.add(&line));
        sent.end(REFUSED, u16::MAX);
        let text = b"web up 5 s, pid 7\nweb up 5 s, pid 7\n";
        let answered = Answered { text, code: REFUSED, next: u16::MAX };
        assert_eq!(answer(sent.as_bytes()), Some(answered));
        let mut empty = Answer::new();
        empty.end(FINE, 0);
        let nothing = Answered { text: b"", code: 0, next: 0 };
        assert_eq!(answer(empty.as_bytes()), Some(nothing));
    }

    #[test]
    fn a_full_answer_still_has_room_for_its_end() {
        for len in [1, 7, 100, 240] {
            let mut sent = Answer::new();
            let mut line = Line::wide();
            line.put(&vec![b'x'; len]);
            let count = std::iter::repeat_with(|| sent.add(&line)).take_while(|&fits| fits).count();
            assert!(count >= 7 && count * (len + 1) <= ANSWER_MAX, "{count} of {len}");
            sent.end(REFUSED, u16::MAX);
            assert!(sent.as_bytes().ends_with(b"x\n1 111 65535\n"), "{len}");
        }
    }

    #[test]
    fn what_is_no_answer_is_not_taken_for_one() {
        for text in [
            "",
            "\n",
            "1 0 0",
            "web up\n",
            "2 0 0\n",
            "1 256 0\n",
            "1 0 65536\n",
            "1 0\n",
            "web \x1b[2J\n1 0 0\n",
            "w\u{e9}b up\n1 0 0\n",
        ] {
            assert_eq!(answer(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn garbage_is_neither_and_harms_nobody() {
        let mut seed = 1u32;
        let mut random = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed >> 24
        };
        let words: [&[u8]; 8] =
            [b"1 ", b" ", b"status ", b"\n", b"stop ", b"\0", b"65535", b"reload"];
        let mut read = 0;
        for _ in 0..100_000 {
            let mut text = std::vec::Vec::new();
            for _ in 0..random() % 8 {
                text.extend_from_slice(words[random() as usize % words.len()]);
            }
            if let Some(request) = request(&text) {
                read += 1;
                assert!(text.starts_with(b"1 ") && text.ends_with(b"\n"), "{request:?}");
            }
            let _ = answer(&text);
        }
        assert!(read > 10, "{read} requests among the garbage");
    }
}
