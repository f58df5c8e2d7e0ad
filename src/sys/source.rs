//! What the kernel tells us, made into events. Nothing else builds events of the kernel.

use pidone::machine::time::Instant;
use pidone::machine::{End, Event, Exit, Fault, Pid, Request};
use pidone::wire::signals::Signal;

use super::child::Board;
use super::ears::{self, Ears, Message};
use super::kernel::{self, MANY, News, Reaped, SignalSet};
use super::reap::Children;
use super::watch::Watch;

const HALT: Signal = Signal(pidone::wire::signals::SIGRTMIN + 3);
const POWER_OFF: Signal = Signal(pidone::wire::signals::SIGRTMIN + 4);
const REBOOT: Signal = Signal(pidone::wire::signals::SIGRTMIN + 5);

/// Signals that ask for something, and what they ask for.
pub type Requests = [(Signal, Request)];

/// Those that a supervisor heeds.
pub const OF_SUPERVISOR: &Requests = &[
    (Signal::HUP, Request::Reload),
    (Signal::INT, Request::Down(End::Leave)),
    (Signal::QUIT, Request::Down(End::Leave)),
    (Signal::TERM, Request::Down(End::Leave)),
];

/// Those that the init of a machine heeds.
pub const OF_INIT: &Requests = &[
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
    /// Something that we listen to or watch has news.
    News,
    /// Somebody asks for something.
    Asked(Request),
    /// Nothing that concerns us.
    Nothing,
}

impl Wake {
    /// What the machine is to be told of it; children and news tell of themselves.
    pub fn event(&self) -> Option<Event<'static>> {
        match *self {
            Wake::Time => Some(Event::Tick),
            Wake::Asked(request) => Some(Event::Requested(request)),
            Wake::Child(_) | Wake::Quiet | Wake::News | Wake::Nothing => None,
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
/// children and of news there may be no end, so whoever asks for something comes before them.
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
        Children::Pending => kernel::wait_signal(set & !MANY, Some(Instant::from_millis(0))),
        Children::Later(at) if over(at) => None,
        Children::Later(at) => kernel::wait_signal(set, Some(until.map_or(at, |u| u.min(at)))),
    };
    news.map_or(Heard::Quiet, Heard::Signal)
}

/// Waits until something happens to PID 1.
pub fn wait(until: Option<Instant>, children: Children, requests: &Requests) -> Wake {
    let news = match listen(kernel::OURS, until, children) {
        Heard::Time => return Wake::Time,
        Heard::Quiet => return Wake::Quiet,
        Heard::Signal(news) => news,
    };
    match news.signal() {
        Signal::CHLD => Wake::Child(news.pid),
        Signal::IO => Wake::News,
        signal => match requests.iter().find(|(number, _)| *number == signal) {
            Some((_, request)) => Wake::Asked(*request),
            None => Wake::Nothing,
        },
    }
}

/// What came into a folder that is watched.
pub fn came(watch: &mut Watch) -> Option<Event<'static>> {
    watch.came().then_some(Event::Appeared)
}

/// The next thing that a unit shows or says.
pub fn hear<'a>(ears: &mut Ears, message: &'a mut Message) -> Option<Event<'a>> {
    match ears.next(message)? {
        ears::Heard::Ready(pid) => Some(Event::Ready { pid }),
        ears::Heard::Asked(user, len) => {
            let allowed = user == 0 || user == kernel::own_user();
            Some(Event::Asked { allowed, text: message.get(..len).unwrap_or_default() })
        }
        ears::Heard::Said(pid, session, len) => {
            let text = message.get(..len).unwrap_or_default();
            Some(Event::Notified { pid, session, text })
        }
    }
}

/// What the machine is told of what was reaped. The verdict is what its group says of its end.
pub fn reaped(ears: &mut Ears, what: Reaped, verdict: Option<Fault>) -> Option<Event<'static>> {
    match what {
        Reaped::Child(pid, exit) => {
            ears.forget(pid);
            let fault = verdict.or_else(|| fault(pid, exit));
            Some(Event::Exited { pid, exit, fault })
        }
        Reaped::Stopped(..) | Reaped::None => None,
        Reaped::Childless => Some(Event::Childless),
    }
}

/// Whether a word is still true: the process that was found may have ended, and may have been
/// reaped before the aide that tells of it. Its number is nobody's then, or somebody else's.
fn holds_still(word: &Fault) -> bool {
    word.finding().is_none_or(kernel::is_child)
}

fn fault(pid: Pid, exit: Exit) -> Option<Fault> {
    match exit {
        Exit::Code(code) => Board::word_of(pid, code).filter(holds_still),
        Exit::Signal(_) => None,
    }
}
