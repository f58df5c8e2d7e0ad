//! What a world's container was asked for: the words of the command line, and what they mean to
//! the checkers.

use std::collections::HashMap;

use pidone::machine::Exit;
use pidone::machine::container::KILL_WAIT_MS;
use pidone::wire::container::{Guise, Plan, Target};

use super::random::Random;

pub const KILL: u8 = 9;
pub const TERM: u8 = 15;
pub const INT: u8 = 2;

#[derive(Debug)]
pub struct Wish {
    pub guise: Guise,
    pub words: Vec<String>,
    /// Signals with their times; none where only the main child counts.
    pub steps: Vec<(u8, u64)>,
    /// What becomes of a signal; 0 is nothing.
    pub rewritten: HashMap<u8, u8>,
    pub forgiven: Vec<u8>,
    pub hook: bool,
    pub pause: bool,
    pub tells_reaped: bool,
    pub tells_warnings: bool,
    pub group: bool,
    /// Whether the main child leads a session that is bidden farewell.
    pub farewell: bool,
}

impl Wish {
    pub fn new(random: &mut Random) -> Self {
        let guises = [Guise::Pidone, Guise::Pidone, Guise::Pidone, Guise::DumbInit, Guise::Tini];
        let guise = *random.pick(&guises);
        let mut wish = Wish {
            guise,
            words: Vec::new(),
            steps: Vec::new(),
            rewritten: HashMap::new(),
            forgiven: Vec::new(),
            hook: false,
            pause: false,
            tells_reaped: false,
            tells_warnings: guise != Guise::DumbInit,
            group: guise == Guise::DumbInit,
            farewell: guise == Guise::DumbInit,
        };
        match guise {
            Guise::DumbInit => wish.of_dumb_init(random),
            Guise::Pidone => wish.of_pidone(random),
            _ => wish.of_tini(random),
        }
        wish
    }

    fn say(&mut self, words: &[&str]) {
        self.words.extend(words.iter().map(|word| word.to_string()));
    }

    fn of_dumb_init(&mut self, random: &mut Random) {
        self.rewritten.extend([(20, 19), (21, 19), (22, 19)]);
        if random.hits(40) {
            self.say(&["-c"]);
            self.rewritten.clear();
            (self.group, self.farewell) = (false, false);
        }
        self.rewrite_some(random);
    }

    fn of_tini(&mut self, random: &mut Random) {
        if random.hits(50) {
            self.say(&["-w"]);
            self.tells_reaped = true;
        }
        if random.hits(50) {
            self.say(&["-g"]);
            self.group = true;
        }
        while random.hits(40) {
            let code = *random.pick(&[0, 1, 7, 137, 143]);
            self.say(&["-e", &code.to_string()]);
            self.forgiven.push(code);
        }
    }

    fn of_pidone(&mut self, random: &mut Random) {
        self.of_tini(random);
        if random.hits(70) {
            self.step_down(random);
        }
        if random.hits(10) {
            self.say(&["-P"]);
            self.pause = true;
        } else {
            self.rewrite_some(random);
        }
        if random.hits(30) {
            self.say(&["--pre-stop", "x"]);
            self.hook = !self.pause;
        }
    }

    fn step_down(&mut self, random: &mut Random) {
        if random.hits(40) {
            let wait = *random.pick(&[0, 30, 1000, 10_000]);
            self.say(&["--grace", &format!("{wait}ms")]);
            self.steps.push((TERM, wait));
            return;
        }
        for _ in 0..1 + random.below(3) {
            let signal = *random.pick(&[TERM, INT, 3, 1, 37]);
            self.steps.push((signal, random.below(3) * 700));
        }
        if random.hits(20) {
            self.steps.insert(random.below(self.steps.len() as u64) as usize, (KILL, 5000));
        }
        let words: Vec<_> = self.steps.iter().map(|(s, wait)| format!("{s}={wait}ms")).collect();
        self.say(&["--stop", &words.join(",")]);
    }

    fn rewrite_some(&mut self, random: &mut Random) {
        while random.hits(30) {
            // dumb-init knows no real-time signals.
            let known = if self.guise == Guise::DumbInit { 1 } else { 0 };
            let from = *random.pick(&[36, 1, 2, 3, 10, 12, 15, 20][known..]);
            let to = *random.pick(&[37, 0, 1, 3, 12, 15][known..]);
            self.say(&["-r", &format!("{from}:{to}")]);
            self.rewritten.insert(from, to);
        }
    }

    pub fn plan(&self) -> Plan<'static> {
        let mut plan = Plan::new(self.guise);
        let words: Vec<&'static [u8]> =
            self.words.iter().map(|word| &*word.clone().into_bytes().leak()).collect();
        let mut index = 0;
        while let Some(word) = words.get(index) {
            let taken =
                plan.take(word, words.get(index + 1).copied()).expect("the words are right");
            index += 1 + usize::from(taken);
        }
        assert_eq!(plan.target == Target::Group, self.group);
        plan
    }

    /// What reaches the main child of a signal.
    pub fn meaning(&self, signal: u8) -> Option<u8> {
        match self.rewritten.get(&signal) {
            Some(0) => None,
            Some(other) => Some(*other),
            None => Some(signal),
        }
    }

    /// Whether a signal, as it reaches the main child, asks for the end.
    pub fn asks_for_the_end(&self, meaning: u8) -> bool {
        meaning == TERM || self.pause && meaning == INT
    }

    pub fn has_steps(&self) -> bool {
        !self.steps.is_empty()
    }

    /// The signal of a step and how long it is waited after it. KILL ends the steps.
    pub fn step(&self, index: usize) -> (u8, u64) {
        let kill_wait = u64::from(KILL_WAIT_MS);
        match self.steps.get(index) {
            Some(&(KILL, wait)) => (KILL, wait.max(kill_wait)),
            Some(step) => *step,
            None => (KILL, kill_wait),
        }
    }

    /// How long the steps take at most.
    pub fn span(&self) -> u64 {
        let upto = self.steps.iter().position(|(signal, _)| *signal == KILL);
        (0..=upto.unwrap_or(self.steps.len())).map(|index| self.step(index).1).sum()
    }

    /// What we are to leave with when the main child has ended so.
    pub fn code(&self, exit: Exit) -> u8 {
        let code = match exit {
            Exit::Code(code) => code,
            Exit::Signal(signal) => 128 + signal.0,
        };
        if self.forgiven.contains(&code) { 0 } else { code }
    }
}
