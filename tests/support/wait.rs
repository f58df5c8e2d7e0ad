//! Waiting for conditions, never for a length of time.

use std::thread;
use std::time::{Duration, Instant};

/// How long a condition may take before the test gives up: far more than a loaded machine needs,
/// since no test asserts that something is quick.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// The pause between two looks at a condition.
const LOOK: Duration = Duration::from_millis(4);

/// Whether the condition came true before the deadline.
pub fn came_true(condition: impl FnMut() -> bool) -> bool {
    came_true_within(DEADLINE, condition)
}

/// The same within another time than the usual: a shorter one for what is known not to come true,
/// which nobody should have to wait for so long, and a longer one for a guest that is interpreted.
pub fn came_true_within(patience: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + patience;
    loop {
        // Whoever was stopped for all that time still gets one look.
        let is_last = Instant::now() > end;
        if condition() {
            return true;
        }
        if is_last {
            return false;
        }
        thread::sleep(LOOK);
    }
}
