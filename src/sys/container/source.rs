//! What the kernel tells a container's init, made into events.

use core::sync::atomic::Ordering;

use pidone::machine::container::{Container, Event};
use pidone::machine::time::Instant;
use pidone::machine::{Exit, Pid};
use pidone::wire::container::{Leads, Plan};
use pidone::wire::signals::Signal;

use super::journal::{Journal, Left};
use super::main_child::Order;
use crate::sys::kernel::{self, News, Reaped};
use crate::sys::reap::{Children, Reaper};
use crate::sys::source::{Heard, listen};
use crate::sys::tty;

/// Where events come from.
pub struct Source<'a> {
    /// What was asked for.
    pub plan: &'a Plan<'a>,
    /// What the main child was started with.
    pub order: &'a Order,
    /// Says why there is no program, and finds the exit code for that.
    pub not_executed: fn(&Plan<'_>, &Order, u16) -> u8,
}

/// What is heard through.
pub struct Ears {
    /// Children that end.
    pub reaper: Reaper,
    /// What others log.
    pub journal: Journal,
}

impl Source<'_> {
    /// Waits until something happens and hands it out, event by event.
    pub fn wait(
        &self,
        ears: &mut Ears,
        container: &mut Container<'_>,
        step: impl Fn(&mut Container<'_>, Event),
    ) {
        let Ears { reaper, journal } = ears;
        let pending = match journal.left {
            Left::Nothing => reaper.children,
            Left::Something => Children::Pending,
        };
        let heard = listen(kernel::ALL, container.next_deadline(), pending);
        let of_journal = journal.is_open() && journal.hear(&heard);
        let mut each = |what| {
            if journal.is_open() {
                journal.catch_up();
            }
            if let Some(event) = self.reaped(container.main(), what) {
                step(container, event);
            }
        };
        match heard {
            Heard::Signal(news) if news.signal() == Signal::CHLD => {
                reaper.heard_of(news.pid, &mut each);
            }
            Heard::Signal(news) => {
                if !of_journal && !self.is_for_all(&news) {
                    step(container, Event::Asked(news.signal()));
                }
                reaper.let_children_be_heard();
            }
            // Before the time is over, whoever has ended until now did so in time.
            Heard::Quiet | Heard::Time => {
                let is_over = matches!(heard, Heard::Time);
                reaper.look(&mut each);
                if is_over {
                    step(container, Event::Tick);
                }
            }
        }
    }

    /// Where nothing has a time, nobody need read the clock.
    pub fn now(plan: &Plan<'_>) -> Instant {
        if plan.stops.is_empty() { Instant::from_millis(0) } else { kernel::now() }
    }

    /// What a terminal sends, it has sent to the main child as well, if that is in our group.
    fn is_for_all(&self, news: &News) -> bool {
        news.is_kernels() && self.plan.leads == Leads::Nothing
    }

    fn reaped(&self, main: Option<Pid>, what: Reaped) -> Option<Event> {
        Some(match what {
            Reaped::Child(pid, exit) => {
                let is_main = main == Some(pid);
                let errno = if is_main { self.order.errno() } else { 0 };
                if is_main && self.order.on_terminal.load(Ordering::Acquire) {
                    tty::take_back(0, pid);
                }
                let exit = match errno {
                    0 => exit,
                    errno => Exit::Code((self.not_executed)(self.plan, self.order, errno)),
                };
                Event::Exited { pid, exit }
            }
            Reaped::Stopped(pid, by) if main == Some(pid) && self.order.go_on(pid, by) => {
                return None;
            }
            Reaped::Stopped(pid, _) => Event::Stopped { pid },
            Reaped::Childless => Event::Childless,
            Reaped::None => return None,
        })
    }
}
