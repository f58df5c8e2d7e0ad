//! Two hundred units that all fail at once: the starts are few, and whoever asks for something is
//! answered soon. Time is simulated: a start takes a millisecond of it.

use std::collections::{BTreeMap, VecDeque};

use pidone::machine::init::Init;
use pidone::machine::memory::Memory;
use pidone::machine::time::Instant;
use pidone::machine::{Action, Event, Exit, Mode, Pid, Request, Told};

const UNITS: usize = 200;

/// What a fork takes, and how many actions are done before signals are looked for, as in the loop
/// of process 1.
const FORK_MS: u64 = 1;
const BATCH: usize = 64;

/// How long whoever asks may wait.
const ANSWER_MS: u64 = 100;

struct Storm {
    now: u64,
    init: Init<'static>,
    /// When each process ends.
    ends: BTreeMap<u64, VecDeque<Pid>>,
    pids: i32,
    starts: Vec<u64>,
}

impl Storm {
    fn new() -> Storm {
        let init = Init::new(Box::leak(Box::new(Memory::new())));
        let mut storm =
            Storm { now: 1_000, init, ends: BTreeMap::new(), pids: 1, starts: Vec::new() };
        storm.handle(Event::Boot { mode: Mode::Inittab, seed: 7 });
        let lines: String = (0..UNITS).map(|n| format!("::respawn:/bin/fails {n}\n")).collect();
        storm.handle(Event::Text(lines.as_bytes()));
        storm.handle(Event::TextEnd);
        storm
    }

    fn handle(&mut self, event: Event<'_>) {
        self.init.handle(Instant::from_millis(self.now), event);
    }

    /// Does a batch of what is wanted; whether that was everything.
    fn act(&mut self) -> bool {
        (0..BATCH).any(|_| !self.act_once())
    }

    fn act_once(&mut self) -> bool {
        let event = match self.init.next_action() {
            None => return false,
            Some(Action::Tell(sink)) => Event::Told { sink, told: Told::Taken },
            Some(Action::Spawn { unit }) => {
                self.now += FORK_MS;
                self.pids += 1;
                self.starts.push(self.now);
                self.ends.entry(self.now).or_default().push_back(Pid(self.pids));
                Event::Spawned { unit, pid: Pid(self.pids) }
            }
            Some(Action::Sweep { .. }) => Event::Swept,
            Some(Action::Record(_)) => Event::Recorded { writer: None },
            Some(Action::ReadTable) => Event::TextFailed { errno: 5, shell: true },
            Some(other) => panic!("{other:?}"),
        };
        self.handle(event);
        true
    }

    /// Reaps a batch of what has ended.
    fn reap(&mut self) {
        for _ in 0..BATCH {
            let Some(mut first) = self.ends.first_entry().filter(|e| *e.key() <= self.now) else {
                return;
            };
            let pid = first.get_mut().pop_front().expect("no empty list is kept");
            if first.get().is_empty() {
                first.remove();
            }
            self.handle(Event::Exited { pid, exit: Exit::Code(1), fault: None });
            while self.init.next_action().is_some_and(|action| !action.is_start()) {
                self.act_once();
            }
        }
    }
}

#[test]
fn a_storm_of_two_hundred_units_stays_small_and_keeps_nobody_waiting() {
    let mut storm = Storm::new();
    let mut asked = None;
    let mut slowest = 0;
    while storm.now < 60_000 {
        let done = storm.act();
        // Somebody asks every 37 milliseconds, whatever goes on.
        let due = asked.get_or_insert(storm.now + 37);
        if *due <= storm.now {
            slowest = slowest.max(storm.now - *due);
            asked = None;
            storm.handle(Event::Requested(Request::Reload));
            continue;
        }
        let next = [storm.ends.keys().next().copied(), Some(*due)];
        let deadline = storm.init.next_deadline().map(Instant::millis);
        let next = next.into_iter().flatten().chain(deadline).min().expect("somebody asks");
        if done {
            storm.now = storm.now.max(next);
        }
        if deadline.is_some_and(|deadline| deadline <= storm.now) {
            storm.handle(Event::Tick);
        } else {
            storm.reap();
        }
    }
    assert!(slowest <= ANSWER_MS, "somebody waited for {slowest} ms");
    // Two starts at once, and then after 0.1, 0.2, 0.4 … seconds, up to a minute: ten at most.
    assert!(storm.starts.len() <= 11 * UNITS, "{} starts in a minute", storm.starts.len());
    let last = storm.starts.iter().filter(|&&start| start > 50_000).count();
    assert!(last <= UNITS, "{last} starts in the last ten seconds");
}
