//! Waiting for conditions, never for a length of time.

use std::thread;
use std::time::{Duration, Instant};

/// How long a condition may take before the test gives up: far more than a loaded machine needs,
/// since no test asserts that something is quick.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// The pause between two looks at a condition.
const LOOK: Duration = Duration::from_millis(4);

/// Whether the condition came true before the deadline.
pub fn came_true(mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + DEADLINE;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        thread::sleep(LOOK);
    }
}
