//! What the kernel tells us, made into events. Nothing else builds events of the kernel.

use pidone::machine::time::Instant;
use pidone::machine::{End, Event, Exit, Fault, Pid, Request};
use pidone::wire::signals::Signal;

use super::child::Board;
use super::kernel::{self, Reaped};

const HALT: Signal = Signal(pidone::wire::signals::SIGRTMIN + 3);
const POWER_OFF: Signal = Signal(pidone::wire::signals::SIGRTMIN + 4);
const REBOOT: Signal = Signal(pidone::wire::signals::SIGRTMIN + 5);

/// The signals that ask for something, and what they ask for.
const REQUESTS: [(Signal, Request); 12] = [
    (Signal::HUP, Request::Reload),
    (Signal::INT, Request::CtrlAltDel),
    (Signal::QUIT, Request::Down(End::Restart)),
    (Signal::USR1, Request::Down(End::Halt)),
    (Signal::PWR, Request::Down(End::Halt)),
    (HALT, Request::Down(End::Halt)),
    (Signal::USR2, Request::Down(End::PowerOff)),
    (POWER_OFF, Request::Down(End::PowerOff)),
    (Signal::TERM, Request::Down(End::Reboot)),
    (REBOOT, Request::Down(End::Reboot)),
    (Signal::TSTP, Request::Pause),
    (Signal::CONT, Request::Continue),
];

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

impl Wake {
    /// What the machine is to be told of it; children tell of themselves.
    pub fn event(&self) -> Option<Event<'static>> {
        match *self {
            Wake::Time => Some(Event::Tick),
            Wake::Folder => Some(Event::Appeared),
            Wake::Asked(request) => Some(Event::Requested(request)),
            Wake::Children | Wake::Nothing => None,
        }
    }
}

/// Takes every signal that is ours into the queue, from which [`wait`] takes them one by one.
pub fn begin() {
    kernel::set_default(Signal::CHLD);
    kernel::set_mask(kernel::OURS);
}

/// Whether there may be children that have ended and have not been reaped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Children {
    /// None but those whose signal is in the queue.
    Settled,
    /// Some.
    Pending,
}

/// Waits until something happens, or until a time. A time that is over comes first. Of pending
/// children there may be no end, so whoever asks for something comes before them.
pub fn wait(until: Option<Instant>, children: Children) -> Wake {
    if until.is_some_and(|until| until <= kernel::now()) {
        return Wake::Time;
    }
    let signal = match children {
        Children::Settled => kernel::wait_signal(kernel::OURS, until),
        Children::Pending => {
            let at_once = Some(Instant::from_millis(0));
            match kernel::wait_signal(kernel::OURS & !kernel::CHILD, at_once) {
                None => return Wake::Children,
                signal => signal,
            }
        }
    };
    match signal {
        None => Wake::Time,
        Some(Signal::CHLD) => Wake::Children,
        Some(Signal::IO) => Wake::Folder,
        Some(signal) => match REQUESTS.iter().find(|(number, _)| *number == signal) {
            Some((_, request)) => Wake::Asked(*request),
            None => Wake::Nothing,
        },
    }
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
