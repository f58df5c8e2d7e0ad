//! What a reader of a unit's output keeps outside itself, so that it can be killed at any instant
//! and another one goes on as if nothing had been.
//!
//! The spool is a file in memory that whoever starts readers holds open. Its first page is this
//! one; behind it stands what came out of the pipe and has not been dealt with. Four numbers say
//! how far the work is, and each moves in one step that a kill comes before or after:
//!
//! | number | moved by |
//! | --- | --- |
//! | how much came: the size of the file | splice(2) from the pipe |
//! | how much of that is dealt with | the store that makes another note the current one |
//! | how much of the box is out: the file's position | sendfile(2) to the log |
//! | which box is out: the file's position lies in it | lseek(2) |
//!
//! A box holds what goes out next, made fit already. It is filled while the other one is current,
//! as a note is written.

use core::sync::atomic::{AtomicU32, Ordering};

use crate::wire::logline::{self, Room, Style};
use crate::wire::text::Line;

/// Where the text begins in the file: behind the first page.
pub const TEXT_AT: u64 = 4096;

/// The size of a box, in bytes. Two of them and what is noted of them make a page.
const BOX: usize = 2024;

/// So much of a box is filled at most, in bytes: its end is not where the other one begins.
const FILLED_MAX: usize = BOX - 8;

/// So much of the text is looked at together, in bytes. A line may be as long; a longer one is
/// taken in pieces.
pub const PIECE: usize = 2048;

/// The longest datagram, in bytes: RFC 3164 §4.1 has receivers take so much.
pub const DATAGRAM_MAX: usize = 1024;

/// So much may wait for a log that takes nothing, in bytes: as much again as the pipe holds.
pub const WAITING_MAX: u64 = 64 * 1024;

/// How far the work is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
struct Note {
    /// How much of the text is dealt with once the box is out.
    done: u64,
    /// How much of the box is filled.
    len: u32,
    /// Lines that are lost, and that nobody has been told of.
    lost: u32,
}

/// The first page of a spool; a page of zeros is an empty one.
#[repr(C)]
pub struct Spool {
    /// Which note is current, and in the second bit, which box.
    current: AtomicU32,
    notes: [Note; 2],
    boxes: [[u8; BOX]; 2],
}

const _: () = assert!(size_of::<Spool>() <= TEXT_AT as usize);

/// What is to be done next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// Set the file's position.
    Seek(u64),
    /// Send so many bytes from the file's position on.
    Send(usize),
    /// Begin a new file.
    Rotate,
    /// Fill a box.
    Fill,
}

impl Spool {
    /// An empty spool.
    pub const fn new() -> Self {
        let note = Note { done: 0, len: 0, lost: 0 };
        Spool { current: AtomicU32::new(0), notes: [note; 2], boxes: [[0; BOX]; 2] }
    }

    fn current(&self) -> usize {
        self.current.load(Ordering::Acquire) as usize
    }

    fn note(&self) -> Note {
        self.notes[self.current() & 1]
    }

    fn this_box(&self) -> usize {
        self.current() >> 1 & 1
    }

    fn other_box(&mut self) -> &mut [u8; BOX] {
        &mut self.boxes[self.this_box() ^ 1]
    }

    /// Where in the file the current box begins and ends.
    fn span(&self) -> (u64, u64) {
        let from = core::mem::offset_of!(Spool, boxes) + self.this_box() * BOX;
        (from as u64, from as u64 + u64::from(self.note().len))
    }

    /// What of the current box is not out yet, by the file's position.
    pub fn unsent(&self, position: u64) -> &[u8] {
        let (from, to) = self.span();
        let out = if position > to { 0 } else { position.saturating_sub(from) as usize };
        self.boxes[self.this_box()].get(out..self.note().len as usize).unwrap_or(&[])
    }

    /// How much of the text is dealt with.
    pub fn done(&self) -> u64 {
        self.note().done
    }

    /// Whether the current box ends with the end of a line.
    fn is_whole(&self) -> bool {
        self.unsent(0).last().is_none_or(|&last| last == b'\n')
    }

    /// What is to be done, where the file's position is this one, and the log has reached its
    /// limit or not.
    pub fn next(&self, position: u64, is_due: bool) -> Next {
        let (from, to) = self.span();
        if position < from || position > to {
            Next::Seek(from)
        } else if position < to {
            Next::Send((to - position) as usize)
        } else if is_due && self.is_whole() {
            Next::Rotate
        } else {
            Next::Fill
        }
    }

    /// Fills a box with lines of the text that is not dealt with, and makes it the current one;
    /// whether there was a whole line. With `ends` no more text will come.
    pub fn fill(&mut self, text: &[u8], ends: bool, style: Style<'_>) -> bool {
        let Note { done, lost, .. } = self.note();
        let most = match style {
            Style::File => FILLED_MAX,
            Style::Datagram(_) => DATAGRAM_MAX,
        };
        let mut room = Room::new(self.other_box().get_mut(..most).unwrap_or_default());
        let used = logline::frame(text, ends || text.len() >= PIECE, style, &mut room);
        if ends && matches!(style, Style::File) && !room.filled().ends_with(b"\n") {
            room.put(b"\n");
        }
        let len = room.len as u32;
        if used == 0 {
            return false;
        }
        self.commit(Note { done: done.saturating_add(used as u64), len, lost }, OTHER_BOX);
        true
    }

    /// Fills a box with word of the lines that are lost, if there are any; whether there are.
    pub fn tell_loss(&mut self, style: Style<'_>) -> bool {
        let Note { done, lost, .. } = self.note();
        if lost == 0 {
            return false;
        }
        let mut line = Line::new();
        match style {
            Style::File if !self.is_whole() => line.put(b"\n"),
            Style::File => &mut line,
            Style::Datagram(header) => line.put(header),
        };
        line.put(b"logger: ").number(u64::from(lost)).put(b" lines lost");
        if let Style::File = style {
            line.put(b"\n");
        }
        let len = line.as_bytes().len() as u32;
        Room::new(self.other_box()).put(line.as_bytes());
        self.commit(Note { done, len, lost: 0 }, OTHER_BOX);
        true
    }

    /// Gives up lines of the text that is not dealt with, since the log has taken nothing for too
    /// long. The current box waits on: a part of it may be out. Of a line longer than a piece the
    /// end will follow.
    pub fn give_up(&mut self, text: &[u8]) {
        let Note { done, len, lost } = self.note();
        let lines = text.iter().filter(|&&byte| byte == b'\n').count();
        let used = match text.iter().rposition(|&byte| byte == b'\n') {
            Some(at) => at + 1,
            None if text.len() >= PIECE => text.len(),
            None => return,
        };
        let done = done.saturating_add(used as u64);
        self.commit(Note { done, len, lost: lost.saturating_add(lines.max(1) as u32) }, THIS_BOX);
    }

    /// Makes another note the current one, and a box. A kill comes before the store or after it.
    fn commit(&mut self, note: Note, boxes: usize) {
        let next = self.current() ^ 1 ^ boxes;
        self.notes[next & 1] = note;
        self.current.store(next as u32, Ordering::Release);
    }
}

/// The current box stays, or the other one becomes it.
const THIS_BOX: usize = 0;
const OTHER_BOX: usize = 2;

impl Default for Spool {
    fn default() -> Self {
        Spool::new()
    }
}

#[cfg(test)]
#[path = "spool_tests.rs"]
mod tests;
