//! The command line of a container's init: that of pidone, and those of the programs whose name it
//! may bear.

use heapless::Vec;

use super::lines::LOGICAL_MAX;
use super::names::{cut, holds, place, take};
use super::signals::{self, SIGNAL_MAX, Signal};
use super::value::{self, Millis, plain, within};

/// The program that is answered as. Each has options, messages and exit codes of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Guise {
    /// Itself.
    Pidone,
    /// tini 0.19, which docker calls docker-init.
    Tini,
    /// dumb-init 1.2.5.
    DumbInit,
    /// catatonit 0.2.1.
    Catatonit,
    /// The program that holds the namespaces of a Kubernetes pod.
    Pause,
}

/// The names that have a guise.
static HOT_GUISES: [u8; 43] = *b"tini docker-init dumb-init catatonit pause ";

impl Guise {
    /// The guise for a program's name without its folders.
    pub fn of(name: &[u8]) -> Guise {
        match place(&HOT_GUISES, name) {
            Some(0 | 1) => Guise::Tini,
            Some(2) => Guise::DumbInit,
            Some(3) => Guise::Catatonit,
            Some(_) => Guise::Pause,
            None => Guise::Pidone,
        }
    }

    /// The letters that are options. Those of long options that have no letter are digits.
    fn letters(self) -> &'static [u8] {
        match self {
            Guise::Pidone => b"spvwgehlrP",
            Guise::Tini => b"spvwgehl",
            Guise::DumbInit => b"crvhV",
            Guise::Catatonit => b"ghLPV",
            Guise::Pause => b"vV",
        }
    }

    /// The long options, and behind each the letter it stands for.
    fn long_options(self) -> &'static [u8] {
        match self {
            Guise::Pidone => {
                b"version V help h grace 1 stop 2 pre-stop 3 syslog 4 rewrite r license l pause P"
            }
            Guise::DumbInit => b"single-child c rewrite r verbose v help h version V",
            Guise::Catatonit => b"help h license L pause P version V",
            Guise::Tini | Guise::Pause => b"",
        }
    }

    /// Whether options are looked for behind the command as well, up to `--`, as getopt(3) does.
    pub fn looks_on(self) -> bool {
        matches!(self, Guise::Tini | Guise::Catatonit)
    }
}

/// The letters that take a value.
const VALUED: &[u8] = b"per123";

/// Whom a signal is passed on to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// The main child.
    Child,
    /// Its process group.
    Group,
}

/// What the main child leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leads {
    /// A process group of its own.
    Group,
    /// A session of its own, with the terminal.
    Session,
    /// Nothing: it stays in ours.
    Nothing,
}

/// A step of the way down: a signal to every process, and how long they have to heed it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stop {
    /// The signal.
    pub signal: Signal,
    /// How long it is waited before the next step.
    pub wait: Millis,
}

/// The most steps of `--stop`. Each signal makes sense once; nobody has a use for more than a
/// handful.
pub const STOPS_MAX: usize = 8;

/// A rewriting of this number is a signal that is not passed on.
const DROPPED: u8 = 255;

/// What a command line asks for.
pub struct Plan<'a> {
    /// Who is asked.
    pub guise: Guise,
    /// Whom signals are passed on to.
    pub target: Target,
    /// What the main child leads.
    pub leads: Leads,
    /// Whether it was asked for adopting orphans without being process 1.
    pub adopts: bool,
    /// How much is said: 0 what ends us, 1 what went wrong, 2 the course of things, 3 every signal.
    pub verbosity: u8,
    /// Whether it is said that an orphan was reaped.
    pub tells_reaped: bool,
    /// Whether there is nothing but a command.
    pub plain: bool,
    /// Without a command: only reap and wait for the end.
    pub pause: bool,
    /// Whether /dev/log is ours.
    pub syslog: bool,
    /// What is sent to us when our parent ends.
    pub parent_death: Option<Signal>,
    /// What is run before the first signal of the way down.
    pub pre_stop: Option<&'a [u8]>,
    /// The way down; empty when only the main child counts.
    pub stops: Vec<Stop, STOPS_MAX>,
    /// A bit for every exit code that counts as 0.
    forgiven: [u64; 4],
    /// What becomes of each signal; 0 leaves it as it is.
    rewritten: [u8; SIGNAL_MAX as usize + 1],
}

/// What somebody wants to know instead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Question {
    /// How it is used.
    Help,
    /// Which version it is.
    Version,
    /// What may be done with it.
    License,
}

/// Why there is nothing to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble<'a> {
    /// Somebody asked instead.
    Asked(Question),
    /// There is no option of this letter.
    Letter(u8),
    /// There is no option of this name.
    Name(&'a [u8]),
    /// The option of this letter or name lacks its value.
    Lacking(&'a [u8]),
    /// The value of an option is none: the option, the value, what is allowed.
    Value { option: u8, value: &'a [u8], expected: Expected },
}

/// What a value should have been.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// A signal.
    Signal,
    /// A number from 0 to 255.
    Code,
    /// Two signals with a colon between them, the second one may be 0.
    Rewriting,
    /// A span of time.
    Span,
    /// Signals with spans of time.
    Steps,
    /// A command of at most [`LOGICAL_MAX`] bytes, which is as long as one of the inittab.
    Command,
}

impl<'a> Plan<'a> {
    /// What is done when no option is given.
    pub fn new(guise: Guise) -> Self {
        let mut plan = Plan {
            guise,
            target: Target::Child,
            leads: Leads::Group,
            adopts: matches!(guise, Guise::Pidone | Guise::Catatonit),
            verbosity: 1,
            tells_reaped: false,
            plain: matches!(guise, Guise::Pidone | Guise::Tini),
            pause: guise == Guise::Pause,
            syslog: false,
            parent_death: None,
            pre_stop: None,
            stops: Vec::new(),
            forgiven: [0; 4],
            rewritten: [0; SIGNAL_MAX as usize + 1],
        };
        if guise == Guise::DumbInit {
            plan.verbosity = 0;
            plan.lead_session();
        }
        plan
    }

    /// The main child leads a session, in which nobody else could stop for the keyboard.
    #[cold]
    fn lead_session(&mut self) {
        self.leads = Leads::Session;
        self.target = Target::Group;
        for signal in [Signal::TSTP, Signal::TTIN, Signal::TTOU] {
            self.rewrite(signal, Signal::STOP.0);
        }
    }

    /// The main child stays in our session, and signals go to it alone.
    pub fn share_session(&mut self) {
        self.leads = Leads::Nothing;
        self.target = Target::Child;
        for signal in [Signal::TSTP, Signal::TTIN, Signal::TTOU] {
            // What was asked for by -r stays.
            if self.passed_on(signal) == Some(Signal::STOP) {
                self.rewrite(signal, 0);
            }
        }
    }

    /// Takes the variable that has the final word on how much is said, its name included.
    #[cold]
    pub fn set_verbosity(&mut self, var: &[u8]) {
        let level = cut(var, b'=').and_then(|(_, level)| value::number(level));
        self.verbosity = level.map_or(0, |level| level.min(255) as u8);
    }

    /// Takes an option with the word behind it; whether that was its value.
    #[cold]
    #[inline(never)]
    pub fn take(&mut self, word: &'a [u8], next: Option<&'a [u8]>) -> Result<bool, Trouble<'a>> {
        self.plain = false;
        match word.strip_prefix(b"--") {
            Some(name) if !self.guise.long_options().is_empty() || name == b"version" => {
                self.take_long(name, next)
            }
            _ => self.take_letters(word.get(1..).unwrap_or(&[]), next),
        }
    }

    fn take_long(&mut self, name: &'a [u8], next: Option<&'a [u8]>) -> Result<bool, Trouble<'a>> {
        let (bare, value) = cut(name, b'=').map_or((name, None), |(n, v)| (n, Some(v)));
        let mut known = self.guise.long_options();
        while !known.is_empty() {
            let (is, letter) = (take(&mut known, b' '), take(&mut known, b' '));
            let Some(&letter) = letter.first().filter(|_| is == bare) else { continue };
            if !holds(VALUED, letter) {
                self.apply(letter, &[])?;
                return Ok(false);
            }
            self.apply(letter, value.or(next).ok_or(Trouble::Lacking(bare))?)?;
            return Ok(value.is_none());
        }
        if bare == b"version" {
            Err(Trouble::Asked(Question::Version))
        } else {
            Err(Trouble::Name(bare))
        }
    }

    fn take_letters(
        &mut self,
        letters: &'a [u8],
        next: Option<&'a [u8]>,
    ) -> Result<bool, Trouble<'a>> {
        let mut rest = letters;
        while let Some((&letter, behind)) = rest.split_first() {
            if !holds(self.guise.letters(), letter) {
                return Err(Trouble::Letter(letter));
            }
            if holds(VALUED, letter) {
                let attached = Some(behind).filter(|behind| !behind.is_empty());
                let lacking = Trouble::Lacking(rest.get(..1).unwrap_or(rest));
                self.apply(letter, attached.or(next).ok_or(lacking)?)?;
                return Ok(attached.is_none());
            }
            self.apply(letter, &[])?;
            rest = behind;
        }
        Ok(false)
    }

    fn apply(&mut self, letter: u8, value: &'a [u8]) -> Result<(), Trouble<'a>> {
        let wrong = |expected| Trouble::Value { option: letter, value, expected };
        match letter {
            b's' => self.adopts = true,
            b'w' => self.tells_reaped = true,
            b'g' => self.target = Target::Group,
            b'P' => self.pause = true,
            b'c' => self.share_session(),
            b'4' => self.syslog = true,
            b'3' if value.len() > LOGICAL_MAX => return Err(wrong(Expected::Command)),
            b'3' => self.pre_stop = Some(value),
            b'v' if self.guise == Guise::Pause => return Err(Trouble::Asked(Question::Version)),
            b'v' if self.guise == Guise::DumbInit => self.verbosity = 3,
            b'v' => self.verbosity = self.verbosity.saturating_add(1),
            b'V' => return Err(Trouble::Asked(Question::Version)),
            b'h' => return Err(Trouble::Asked(Question::Help)),
            b'l' | b'L' => return Err(Trouble::Asked(Question::License)),
            b'p' => {
                let signal = signals::parse(value).ok_or(wrong(Expected::Signal))?;
                self.parent_death = Some(signal);
            }
            b'e' => self.forgive(value).ok_or(wrong(Expected::Code))?,
            b'r' => self.read_rewriting(value).ok_or(wrong(Expected::Rewriting))?,
            b'1' => self.read_grace(value).ok_or(wrong(Expected::Span))?,
            b'2' => self.read_stops(value).ok_or(wrong(Expected::Steps))?,
            _ => return Err(Trouble::Letter(letter)),
        }
        Ok(())
    }

    fn forgive(&mut self, text: &[u8]) -> Option<()> {
        let code = within(text, plain, 0, 255)? as usize;
        *self.forgiven.get_mut(code / 64)? |= 1 << (code % 64);
        Some(())
    }

    fn read_rewriting(&mut self, text: &[u8]) -> Option<()> {
        let (from, to) = cut(text, b':')?;
        let to = if to == b"0" { DROPPED } else { self.read_signal(to)?.0 };
        self.rewrite(self.read_signal(from)?, to);
        Some(())
    }

    /// dumb-init knows no real-time signals.
    fn read_signal(&self, text: &[u8]) -> Option<Signal> {
        let signal = signals::parse(text)?;
        (self.guise != Guise::DumbInit || signal.0 < 32).then_some(signal)
    }

    fn rewrite(&mut self, from: Signal, to: u8) {
        if let Some(slot) = self.rewritten.get_mut(usize::from(from.0)) {
            *slot = to;
        }
    }

    fn read_grace(&mut self, text: &[u8]) -> Option<()> {
        let wait = value::span(text, 0)?;
        self.stops.clear();
        self.stops.push(Stop { signal: Signal::TERM, wait }).ok()
    }

    /// Reads `TERM=30s,QUIT=10s,KILL`. KILL follows at the end, whether it is named or not.
    fn read_stops(&mut self, text: &[u8]) -> Option<()> {
        self.stops.clear();
        if text.last().is_none_or(|&last| last == b',') {
            return None;
        }
        let mut rest = text;
        while !rest.is_empty() {
            let step = take(&mut rest, b',');
            if rest.is_empty() && signals::parse(step) == Some(Signal::KILL) {
                break;
            }
            let (signal, wait) = cut(step, b'=')?;
            let step = Stop { signal: signals::parse(signal)?, wait: value::span(wait, 0)? };
            self.stops.push(step).ok()?;
        }
        // KILL alone is a way down without any grace.
        if self.stops.is_empty() {
            return self.stops.push(Stop { signal: Signal::KILL, wait: 0 }).ok();
        }
        Some(())
    }

    /// What a signal is passed on as, if it is.
    pub fn passed_on(&self, signal: Signal) -> Option<Signal> {
        match self.rewritten.get(usize::from(signal.0)) {
            Some(&DROPPED) => None,
            None | Some(0) => Some(signal),
            Some(&other) => Some(Signal(other)),
        }
    }

    /// The code that we leave with for that of the main child.
    pub fn answer(&self, code: u8) -> u8 {
        let word = self.forgiven.get(usize::from(code / 64)).copied().unwrap_or(0);
        if word >> (code % 64) & 1 == 1 { 0 } else { code }
    }
}

#[cfg(test)]
#[path = "container_tests.rs"]
mod tests;
