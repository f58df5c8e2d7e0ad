//! What the kernel tells us, made into events. Nothing else builds events of the kernel.

use pidone::machine::time::Instant;
use pidone::machine::{End, Event, Exit, Fault, Pid, Request};
use pidone::wire::signals::Signal;

use super::child::Board;
use super::kernel::{self, Reaped};

const HALT: Signal = Signal(pidone::wire::signals::SIGRTMIN + 3);
const POWER_OFF: Signal = Signal(pidone::wire::signals::SIGRTMIN + 4);
const REBOOT: Signal = Signal(pidone::wire::signals::SIGRTMIN + 5);

/// What woke us.
pub enum Wake {
    /// The time is up.
    Time,
    /// Children may have ended.
    Children,
    /// Something came into a folder that is watched.
    Folder,
    /// Somebody asks for something.
    Asked(Request),
    /// Nothing that concerns us.
    Nothing,
}

/// Takes every signal that is ours into the queue, from which [`wait`] takes them one by one.
pub fn begin() {
    kernel::set_defaults();
    kernel::set_mask(kernel::OURS);
}

/// Waits until something happens, or until a time.
pub fn wait(until: Option<Instant>) -> Wake {
    let request = match kernel::wait_signal(until) {
        None => return Wake::Time,
        Some(Signal::CHLD) => return Wake::Children,
        Some(Signal::IO) => return Wake::Folder,
        Some(Signal::HUP) => Request::Reload,
        Some(Signal::INT) => Request::CtrlAltDel,
        Some(Signal::QUIT) => Request::Down(End::Restart),
        Some(Signal::USR1 | Signal::PWR | HALT) => Request::Down(End::Halt),
        Some(Signal::USR2 | POWER_OFF) => Request::Down(End::PowerOff),
        Some(Signal::TERM | REBOOT) => Request::Down(End::Reboot),
        Some(Signal::TSTP) => Request::Pause,
        Some(Signal::CONT) => Request::Continue,
        Some(_) => return Wake::Nothing,
    };
    Wake::Asked(request)
}

/// The next child that has ended, or that there is none left; nothing while all of them live.
pub fn reap(board: Option<&Board>) -> Option<Event<'static>> {
    match kernel::reap() {
        Reaped::Child(pid, exit) => {
            Some(Event::Exited { pid, exit, fault: fault(board, pid, exit) })
        }
        Reaped::None => None,
        Reaped::Childless => Some(Event::Childless),
    }
}

fn fault(board: Option<&Board>, pid: Pid, exit: Exit) -> Option<Fault> {
    match exit {
        Exit::Code(code) => board?.take(pid, code),
        Exit::Signal(_) => None,
    }
}
