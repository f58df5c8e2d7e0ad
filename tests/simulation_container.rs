//! Thousands of seeded worlds played through the machine of a container's init: a fake kernel with
//! a clock, numbers that are soon used again, signals that merge, and processes that do not heed
//! what they are told.
//!
//! Each promise has its checker; a world that breaks one prints its seed, and
//! `PIDONE_SEED=SEED cargo test --test simulation_container -- --nocapture` plays it again.

#[path = "simulation_container/checks.rs"]
mod checks;
#[path = "simulation_container/kernel.rs"]
mod kernel;
#[path = "simulation/play.rs"]
mod play;
#[path = "simulation/random.rs"]
mod random;
#[path = "simulation_container/scenario.rs"]
mod scenario;
#[path = "simulation_container/tally.rs"]
mod tally;
#[path = "simulation_container/wish.rs"]
mod wish;
#[path = "simulation_container/world.rs"]
mod world;

use tally::Tally;
use world::World;

/// How many worlds the suite plays.
const WORLDS: u64 = 50_000;

fn play_one(seed: u64, trace: bool) -> Result<Tally, String> {
    World::new(seed, trace).play().map_err(|what| format!("world {seed}: {what}"))
}

#[test]
fn every_promise_holds_in_fifty_thousand_containers() {
    if let Some(all) = play::all(WORLDS, play_one, Tally::add) {
        all.assert_that_much_happened(WORLDS);
    }
}
