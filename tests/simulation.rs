//! Thousands of seeded worlds played through the machine of PID 1: a fake kernel with a clock, a
//! process space so small that numbers are reused, and faults wherever a kernel has them.
//!
//! Each promise has its checker; a world that breaks one prints its seed, and
//! `PIDONE_SEED=SEED cargo test --test simulation` plays that world again, event by event.

#[path = "simulation/care.rs"]
mod care;
#[path = "simulation/checks.rs"]
mod checks;
#[path = "simulation/ends.rs"]
mod ends;
#[path = "simulation/people.rs"]
mod people;
#[path = "simulation/play.rs"]
mod play;
#[path = "simulation/random.rs"]
mod random;
#[path = "simulation/readers.rs"]
mod readers;
#[path = "simulation/scenario.rs"]
mod scenario;
#[path = "simulation/services.rs"]
mod services;
#[path = "simulation/status.rs"]
mod status;
#[path = "simulation/ties.rs"]
mod ties;
#[path = "simulation/world.rs"]
mod world;

use world::World;

/// How many worlds the suite plays.
const WORLDS: u64 = 20_000;

fn play_one(seed: u64, trace: bool) -> Result<people::Tally, String> {
    let mut world = World::new(seed, trace);
    world.play().map_err(|what| format!("world {seed}: {what}"))
}

#[test]
fn every_promise_holds_in_twenty_thousand_worlds() {
    if let Some(all) = play::all(WORLDS, play_one, people::Tally::add) {
        all.assert_that_much_happened(WORLDS);
    }
}
