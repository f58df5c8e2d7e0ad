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
#[path = "simulation/random.rs"]
mod random;
#[path = "simulation/scenario.rs"]
mod scenario;
#[path = "simulation/services.rs"]
mod services;
#[path = "simulation/ties.rs"]
mod ties;
#[path = "simulation/world.rs"]
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use world::World;

/// How many worlds the suite plays.
const WORLDS: u64 = 20_000;

fn play(seed: u64, trace: bool) -> Result<people::Tally, String> {
    let mut world = World::new(seed, trace);
    world.play().map_err(|what| format!("world {seed}: {what}"))
}

#[test]
fn every_promise_holds_in_twenty_thousand_worlds() {
    if let Ok(seed) = std::env::var("PIDONE_SEED") {
        let seed = seed.parse().expect("PIDONE_SEED is a number");
        println!("{:?}", play(seed, true).unwrap());
        return;
    }
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get());
    let results: Vec<Result<people::Tally, String>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let worker = std::thread::Builder::new().stack_size(16 << 20);
                worker.spawn_scoped(scope, || work(&next)).unwrap()
            })
            .collect();
        workers.into_iter().map(|w| w.join().unwrap()).collect()
    });
    let mut all = people::Tally::default();
    for result in results {
        all.add(&result.unwrap_or_else(|what| panic!("{what}")));
    }
    println!("{all:?}");
    all.assert_that_much_happened(WORLDS);
}

fn work(next: &AtomicU64) -> Result<people::Tally, String> {
    let mut all = people::Tally::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= WORLDS {
            return Ok(all);
        }
        all.add(&play(seed, false)?);
    }
}
