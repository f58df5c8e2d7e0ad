//! Asking for a line.

use pidone::machine::time::Instant;

use crate::sys::fd;
use crate::sys::secret::{Typed, wipe};
use crate::sys::terminal::{Silence, Woken, wait_for_input};
use crate::tell::say;

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A line.
    Line,
    /// A line that is longer than there is room for. Nothing of it is kept.
    TooLong,
    /// The end of all input: ^D, or the terminal has gone.
    End,
    /// Nothing until the time was over.
    Late,
}

/// Asks for a line that may be seen.
pub fn ask<const N: usize>(prompt: &[u8], until: Instant, line: &mut Typed<N>) -> Answer {
    say(prompt);
    read(line, || wait_for_input(until))
}

/// Asks for a line that nobody is to see.
pub fn ask_silently<const N: usize>(prompt: &[u8], until: Instant, line: &mut Typed<N>) -> Answer {
    // Echo has to be off before the prompt is seen: programs that type do not wait.
    let mut silence = Some(Silence::begin(true));
    say(prompt);
    let answer = read(line, || match &silence {
        Some(off) => {
            let woken = off.wait(until);
            if woken == Woken::Signal {
                // It acts while echo is on again. One that did not end us is over.
                silence = None;
                silence = Some(Silence::begin(false));
            }
            woken
        }
        None => Woken::Signal,
    });
    drop(silence);
    say(b"\n");
    answer
}

/// Reads up to the end of a line.
fn read<const N: usize>(line: &mut Typed<N>, mut wait: impl FnMut() -> Woken) -> Answer {
    line.clear();
    let mut fits = true;
    loop {
        match wait() {
            Woken::Time => return Answer::Late,
            Woken::Signal => continue,
            Woken::Input => {}
        }
        let mut piece = [0; 64];
        let Ok(count @ 1..) = fd::read(0, &mut piece) else {
            return Answer::End;
        };
        let text = piece.get(..count as usize).unwrap_or(&[]);
        let ends = text.ends_with(b"\n");
        for &byte in text.strip_suffix(b"\n").unwrap_or(text) {
            fits &= line.push(byte);
        }
        wipe(&mut piece);
        if ends && fits {
            return Answer::Line;
        }
        if ends {
            line.clear();
            return Answer::TooLong;
        }
    }
}
