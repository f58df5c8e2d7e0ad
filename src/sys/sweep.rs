//! What a unit leaves behind when it is stopped: the rest of its control group, from which nothing
//! gets away, or where there is none the rest of its session.

use pidone::machine::{Life, Pid};
use pidone::wire::value;

use super::calls;
use super::fd::{self, Fd};
use super::groups::{Group, Groups};
use super::kernel;

/// What a sweeper is to do.
struct Task {
    group: Option<Group>,
    pid: Pid,
    kill: bool,
}

impl Groups {
    /// A life of a unit is over: its group goes, and with it whatever is left in it or, where there
    /// are no groups, in the session of its process. Of one that ended by itself what is left lives
    /// on, and its group goes once that has ended too: whenever another life is over, all groups
    /// are looked at.
    pub fn sweep(&mut self, pid: Pid, life: Life, kill: bool) {
        let group = self.of(life);
        if !kill && group.is_some_and(|group| !group.remove()) {
            self.littered = true;
        }
        if kill || self.littered {
            let task = Task { group, pid, kill };
            // SAFETY: `run` never returns.
            let swept = unsafe { kernel::fork(&task, run) };
            if kill && swept.is_err() {
                calls::kill_group(pid);
            }
        }
    }
}

/// How often a sweeper looks again, and how long it waits before, in milliseconds: killed
/// processes take a moment to go, and who is about to be killed may fork.
const ROUNDS: u32 = 50;
const ROUND_MS: i64 = 20;

extern "C" fn run(task: &Task) -> ! {
    kernel::close_the_rest(2);
    if task.kill {
        kill(task);
    }
    if let Some(group) = task.group {
        group.collect();
    }
    kernel::exit(0)
}

fn kill(task: &Task) {
    calls::kill_group(task.pid);
    for _ in 0..ROUNDS {
        let clean = match task.group {
            Some(group) if group.kill() => group.remove(),
            // A group that is empty, or that could not be made.
            Some(group) => group.remove() && !kill_session(task.pid),
            None => !kill_session(task.pid),
        };
        if clean {
            break;
        }
        calls::sleep(ROUND_MS);
    }
}

/// Kills whatever is in a session; whether there was anything.
fn kill_session(session: Pid) -> bool {
    let proc = Fd::open(c"/proc", fd::READ | fd::FOLDER | fd::CLOSE_ON_EXEC);
    let mut room = [0u8; 4096];
    let mut any = false;
    while let Ok(count @ 1..) = fd::entries(&proc, &mut room) {
        let mut rest = room.get(..count as usize).unwrap_or_default();
        while let Some(name) = fd::next_entry(&mut rest) {
            if let Some(pid) = value::number(name)
                && calls::session_of(Pid(pid as i32)) == session
            {
                any |= calls::kill_one(Pid(pid as i32));
            }
        }
    }
    any
}
