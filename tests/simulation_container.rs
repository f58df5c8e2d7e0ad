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

use std::sync::atomic::{AtomicU64, Ordering};

use tally::Tally;
use world::World;

/// How many worlds the suite plays.
const WORLDS: u64 = 50_000;

fn play(seed: u64, trace: bool) -> Result<Tally, String> {
    World::new(seed, trace).play().map_err(|what| format!("world {seed}: {what}"))
}

#[test]
fn every_promise_holds_in_fifty_thousand_containers() {
    if let Ok(seed) = std::env::var("PIDONE_SEED") {
        let seed = seed.parse().expect("PIDONE_SEED is a number");
        println!("{:?}", play(seed, true).unwrap());
        return;
    }
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get());
    let results: Vec<Result<Tally, String>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work(&next))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let mut all = Tally::default();
    for result in results {
        all.add(&result.unwrap_or_else(|what| panic!("{what}")));
    }
    println!("{all:?}");
    all.assert_that_much_happened(WORLDS);
}

fn work(next: &AtomicU64) -> Result<Tally, String> {
    let mut all = Tally::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= WORLDS {
            return Ok(all);
        }
        all.add(&play(seed, false)?);
    }
}
