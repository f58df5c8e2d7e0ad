//! What the kernel tells us, made into events. Nothing else builds events of the kernel.

use pidone::machine::time::Instant;
use pidone::machine::{End, Event, Exit, Fault, Pid, Request};
use pidone::wire::signals::Signal;

use super::child::Board;
use super::kernel::{self, CHILD, News, Reaped, SignalSet};
use super::reap::Children;

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
    /// This child has ended, and others may have.
    Child(Pid),
    /// There is time to look for children that have ended.
    Quiet,
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
            Wake::Child(_) | Wake::Quiet | Wake::Nothing => None,
        }
    }
}

/// Takes every signal that is ours into the queue, from which [`wait`] takes them one by one.
pub fn begin() {
    kernel::set_default(Signal::CHLD);
    kernel::set_mask(kernel::OURS);
}

/// What was heard.
pub enum Heard {
    /// A signal.
    Signal(News),
    /// The time is up.
    Time,
    /// Nobody asks for anything: there is time to look for children that have ended.
    Quiet,
}

/// Waits for a signal of a set, or until a time. A time that is over comes first. Of pending
/// children there may be no end, so whoever asks for something comes before them.
pub fn listen(set: SignalSet, until: Option<Instant>, children: Children) -> Heard {
    let over = |until: Instant| until <= kernel::now();
    if until.is_some_and(over) {
        return Heard::Time;
    }
    let news = match children {
        Children::Settled => match kernel::wait_signal(set, until) {
            None => return Heard::Time,
            news => news,
        },
        Children::Pending => kernel::wait_signal(set & !CHILD, Some(Instant::from_millis(0))),
        Children::Later(at) if over(at) => None,
        Children::Later(at) => kernel::wait_signal(set, Some(until.map_or(at, |u| u.min(at)))),
    };
    news.map_or(Heard::Quiet, Heard::Signal)
}

/// Waits until something happens to PID 1.
pub fn wait(until: Option<Instant>, children: Children) -> Wake {
    let news = match listen(kernel::OURS, until, children) {
        Heard::Time => return Wake::Time,
        Heard::Quiet => return Wake::Quiet,
        Heard::Signal(news) => news,
    };
    match news.signal() {
        Signal::CHLD => Wake::Child(news.pid),
        Signal::IO => Wake::Folder,
        signal => match REQUESTS.iter().find(|(number, _)| *number == signal) {
            Some((_, request)) => Wake::Asked(*request),
            None => Wake::Nothing,
        },
    }
}

/// What the machine is told of what was reaped.
pub fn reaped(board: Option<&Board>, what: Reaped) -> Option<Event<'static>> {
    match what {
        Reaped::Child(pid, exit) => {
            Some(Event::Exited { pid, exit, fault: fault(board, pid, exit) })
        }
        Reaped::Stopped(_) | Reaped::None => None,
        Reaped::Childless => Some(Event::Childless),
    }
}

fn fault(board: Option<&Board>, pid: Pid, exit: Exit) -> Option<Fault> {
    match exit {
        Exit::Code(code) => board?.take(pid, code),
        Exit::Signal(_) => None,
    }
}
