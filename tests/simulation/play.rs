//! Many worlds played at once, each from its seed, or one of them again.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// A machine with all its tables is larger than the usual stack of a thread.
const STACK: usize = 16 << 20;

/// How a world is played: its seed, and whether it is shown.
pub type Play<T> = fn(u64, bool) -> Result<T, String>;

/// Plays so many worlds and adds up what happened in them; nothing where the environment asks for a
/// single one, which is played and shown.
pub fn all<T>(worlds: u64, play: Play<T>, add: fn(&mut T, &T)) -> Option<T>
where
    T: Default + Debug + Send,
{
    if let Ok(seed) = std::env::var("PIDONE_SEED") {
        let seed = seed.parse().expect("PIDONE_SEED is a number");
        println!("{:?}", play(seed, true).unwrap());
        return None;
    }
    let next = AtomicU64::new(0);
    let work = || -> Result<T, (u64, String)> {
        let mut all = T::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= worlds {
                return Ok(all);
            }
            add(&mut all, &play(seed, false).map_err(|what| (seed, what))?);
        }
    };
    let threads = thread::available_parallelism().map_or(2, |n| n.get());
    let results: Vec<Result<T, (u64, String)>> = thread::scope(|scope| {
        let worker = || thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).unwrap();
        let workers: Vec<_> = (0..threads).map(|_| worker()).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let mut all = T::default();
    let mut broken = Vec::new();
    for result in results {
        match result {
            Ok(one) => add(&mut all, &one),
            Err(world) => broken.push(world),
        }
    }
    // Every world before the first broken one was played, whoever was to play it: the same one is
    // told each time.
    if let Some((_, what)) = broken.into_iter().min() {
        panic!("{what}");
    }
    println!("{all:?}");
    Some(all)
}
