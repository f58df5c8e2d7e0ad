//! What appears on the near end of a terminal or a pipe, which does not block: an expect library
//! waits for words there.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Write};

use expectrl::process::NonBlocking;
use expectrl::{Eof, Expect, Session};

/// The near end. All that came is kept.
struct Near {
    file: File,
    all: Vec<u8>,
    /// Nothing more comes, until somebody opens the far end again.
    ended: bool,
}

impl Read for Near {
    /// The end is no end for the library, since a terminal may be opened again.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let result = loop {
            match self.file.read(buffer) {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        self.ended = match &result {
            Ok(count) => *count == 0,
            Err(e) => e.kind() != ErrorKind::WouldBlock,
        };
        match result {
            Ok(count @ 1..) => {
                self.all.extend_from_slice(&buffer[..count]);
                Ok(count)
            }
            _ => Err(Error::from(ErrorKind::WouldBlock)),
        }
    }
}

impl Write for Near {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl NonBlocking for Near {
    /// It never blocks.
    fn set_blocking(&mut self, _: bool) -> Result<()> {
        Ok(())
    }
}

/// What has appeared, and how much of it was taken.
pub struct Seen {
    session: Session<(), Near>,
    taken: usize,
}

impl Seen {
    /// What appears on this end from now on.
    pub fn on(file: File) -> Seen {
        let near = Near { file, all: Vec::new(), ended: false };
        Seen { session: Session::new((), near).expect("a session"), taken: 0 }
    }

    /// The near end itself.
    pub fn file(&self) -> &File {
        &self.session.get_stream().file
    }

    /// Takes in what is there; whether more may come. A terminal that nobody has open says with an
    /// error that nothing will, until somebody opens it.
    pub fn read(&mut self) -> bool {
        self.session.is_matched(Eof).expect("no end comes to the library");
        !self.session.get_stream().ended
    }

    /// Takes everything up to these words, if they are there, and gives what came before them.
    pub fn take(&mut self, words: &str) -> Option<String> {
        let found = self.session.check(words).expect("no end comes to the library");
        self.taken += found.as_bytes().len();
        let before = || String::from_utf8_lossy(found.before()).into_owned();
        (!found.is_empty()).then(before)
    }

    /// Types as much as goes in now.
    pub fn press(&mut self, keys: &[u8]) -> Result<usize> {
        self.session.write(keys)
    }

    /// All that was not yet taken.
    pub fn rest(&self) -> String {
        String::from_utf8_lossy(&self.session.get_stream().all[self.taken..]).into_owned()
    }

    /// All that has appeared.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.session.get_stream().all).into_owned()
    }
}
