//! What has appeared on the near end of a terminal or a pipe, which does not block.

use std::fs::File;
use std::io::{ErrorKind, Read};

/// What has appeared and was not yet taken.
#[derive(Default)]
pub struct Seen(Vec<u8>);

impl Seen {
    /// Takes in what is there; whether more may come. A terminal that nobody has open says with an
    /// error that nothing will, until somebody opens it.
    pub fn read(&mut self, mut near: &File) -> bool {
        let mut buffer = [0; 4096];
        loop {
            match near.read(&mut buffer) {
                Ok(0) => return false,
                Ok(count) => self.0.extend_from_slice(&buffer[..count]),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return e.kind() == ErrorKind::WouldBlock,
            }
        }
    }

    /// Takes everything up to these words, and gives what came before them.
    pub fn take(&mut self, words: &str) -> Option<String> {
        let place = self.0.windows(words.len()).position(|w| w == words.as_bytes())?;
        let rest = self.0.split_off(place + words.len());
        let before = std::mem::replace(&mut self.0, rest);
        Some(String::from_utf8_lossy(&before[..place]).into_owned())
    }

    /// All that was not yet taken.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}
