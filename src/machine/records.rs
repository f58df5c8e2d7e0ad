//! What is to be written down about sessions, in utmp(5): the boot, the way down, and the end of
//! each process on a terminal. One child at a time writes, because the files may lie on a file
//! system that is dead; units are started meanwhile.

use heapless::Vec;

use super::{Exit, Pid};

/// So many records wait for the one that is being written: as many as gettys that a machine with
/// four times the usual number of terminals has. What is more is counted and said.
pub const WAITING_MAX: usize = 24;

/// Something to be written down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Record {
    /// The boot is over.
    Boot,
    /// The system goes down.
    Down,
    /// A session has ended.
    Ended { pid: Pid, exit: Exit },
}

/// What has not been written yet, and who writes.
pub struct Records {
    waiting: Vec<Record, WAITING_MAX>,
    writer: Option<Pid>,
}

impl Records {
    /// Nothing is to be written.
    pub const fn new() -> Self {
        Records { waiting: Vec::new(), writer: None }
    }

    /// Takes something down; false where there is no room.
    pub fn put(&mut self, record: Record) -> bool {
        self.waiting.push(record).is_ok()
    }

    /// What is to be written now.
    pub fn next(&self) -> Option<Record> {
        self.waiting.first().copied().filter(|_| self.writer.is_none())
    }

    /// The next one is being written by a child, or was given up.
    pub fn taken(&mut self, writer: Option<Pid>) {
        self.writer = writer;
        if !self.waiting.is_empty() {
            self.waiting.copy_within(1.., 0);
            self.waiting.pop();
        }
    }

    /// A child has ended; whether it was the one that wrote.
    pub fn ended(&mut self, pid: Pid) -> bool {
        let wrote = self.writer == Some(pid);
        if wrote {
            self.writer = None;
        }
        wrote
    }
}

impl Default for Records {
    fn default() -> Self {
        Records::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_written_one_after_the_other() {
        let mut records = Records::new();
        let ended = Record::Ended { pid: Pid(7), exit: Exit::Code(0) };
        assert_eq!(records.next(), None);
        assert!(records.put(Record::Boot) && records.put(ended) && records.put(Record::Down));
        assert_eq!(records.next(), Some(Record::Boot));
        records.taken(Some(Pid(20)));
        assert_eq!(records.next(), None, "one writes");
        assert!(!records.ended(Pid(21)));
        assert_eq!(records.next(), None, "somebody else ended");
        assert!(records.ended(Pid(20)));
        assert_eq!(records.next(), Some(ended));
        records.taken(None);
        assert_eq!(records.next(), Some(Record::Down), "what could not be written is given up");
        records.taken(Some(Pid(20)));
        assert!(records.ended(Pid(20)));
        assert_eq!(records.next(), None);
    }

    #[test]
    fn a_dead_file_system_fills_no_more_than_its_room() {
        let mut records = Records::new();
        records.put(Record::Boot);
        records.taken(Some(Pid(20)));
        assert!((0..WAITING_MAX).all(|_| records.put(Record::Down)));
        assert!(!records.put(Record::Down));
    }
}
