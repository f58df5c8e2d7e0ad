//! What befalls a world: how likely each fault is, and what others do.

use std::collections::VecDeque;

use super::kernel::{CONT, STOP};
use super::random::Random;
use super::wish::{INT, KILL, TERM};

/// The time, in milliseconds, after which a world is brought to its end.
pub const LIFE_MS: u64 = 20_000;

/// What somebody does.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
    /// A signal for us.
    Ask(u8),
    /// SIGCHLD by hand, in the name of any process.
    Forge,
    /// Somebody below us starts a process.
    Fork,
    /// A process comes in from outside.
    Enter,
    /// The main child is sent a signal by somebody else.
    Strike(u8),
}

/// How bad things are, in percent.
pub struct Weather {
    pub ignores: u64,
    pub stuck: u64,
    pub refuses: u64,
    pub relay_fails: u64,
    pub hook_refused: u64,
    pub exec_fails: u64,
    pub put_off: u64,
    pub early: u64,
    pub batch: u64,
}

impl Weather {
    pub fn new(random: &mut Random) -> Self {
        let fair = random.hits(20);
        let mut some = |most: u64| if fair { 0 } else { random.below(most + 1) };
        Weather {
            ignores: some(60),
            stuck: some(10),
            refuses: some(30),
            relay_fails: some(20),
            hook_refused: some(40),
            exec_fails: some(20),
            put_off: some(60),
            early: some(20),
            batch: 2 + some(4),
        }
    }
}

/// What others do in the life of a world, and how it is brought to its end.
pub fn deeds(random: &mut Random) -> VecDeque<(u64, Deed)> {
    let mut deeds: Vec<(u64, Deed)> = Vec::new();
    for _ in 0..random.below(80) {
        let at = 1000 + if random.hits(20) { random.below(30) } else { random.below(LIFE_MS) };
        let deed = match random.below(20) {
            0..=6 => Deed::Ask(*random.pick(&[1, 2, 3, 10, 12, 18, 20, 21, 28, 34, 36, 37, 64])),
            7..=8 => Deed::Ask(TERM),
            9 => Deed::Forge,
            10..=14 => Deed::Fork,
            15..=16 => Deed::Enter,
            17 => Deed::Strike(STOP),
            18 => Deed::Strike(CONT),
            _ => Deed::Strike(random.below(64) as u8 + 1),
        };
        // What comes at once merges or queues up.
        let times = if random.hits(30) { 1 + random.below(4) } else { 1 };
        (0..times).for_each(|_| deeds.push((at, deed)));
    }
    let end = 1000 + LIFE_MS;
    for round in 0..6 {
        let at = end + round * 20_000;
        deeds.push((at, Deed::Ask(TERM)));
        deeds.push((at + 5, Deed::Ask(INT)));
        deeds.push((at + 10_000, Deed::Strike(KILL)));
    }
    deeds.sort_by_key(|(at, _)| *at);
    deeds.into()
}
