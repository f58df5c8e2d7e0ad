//! What the machine of a container's init wants, done.

use pidone::machine::Pid;
use pidone::machine::container::{Action, Container, Event, Story};
use pidone::wire::container::{Guise, Leads, Plan};
use pidone::wire::signals::Signal;

use super::source::Source;
use super::{kin, relay};
use crate::sys::kernel;
use crate::sys::start::Args;
use crate::sys::{spawn, tty};

/// What deeds are done with.
pub struct Hands<'a> {
    /// Our words, those of the command first.
    pub args: Args,
    /// What was asked for.
    pub plan: &'a Plan<'a>,
    /// Says something.
    pub tell: fn(&Plan<'_>, Args, Story),
}

impl Hands<'_> {
    /// Tells the machine what happened and does everything that it wants.
    pub fn step(&self, container: &mut Container<'_>, event: Event) {
        container.handle(Source::now(self.plan), event);
        while let Some(action) = container.next_action() {
            let outcome = self.act(action);
            container.handle(Source::now(self.plan), outcome);
        }
    }

    fn act(&self, action: Action) -> Event {
        match action {
            Action::Tell(story) => {
                (self.tell)(self.plan, self.args, story);
                Event::Told
            }
            Action::Relay { to, signal } => {
                Event::Relayed { errno: relay::relay(to, self.plan.target, signal) }
            }
            Action::Halt { main } => {
                self.halt(main);
                Event::Resumed
            }
            Action::Hook => Event::Hooked(self.hook()),
            Action::Farewell { group, signal } => {
                Event::Relayed { errno: kernel::send(-group.0, signal).err() }
            }
            Action::Everybody { main, signal } => {
                Event::Signalled { left: kin::signal_all(main, signal) }
            }
            Action::Look => Event::Looked { any: kin::signal(None, Signal(0)) },
            Action::Leave { code } => kernel::exit(i32::from(code)),
        }
    }

    /// Stops us, where a shell has started us as its job and waits to see that. As process 1
    /// nothing stops us.
    #[cold]
    #[inline(never)]
    fn halt(&self, main: Pid) {
        let own = kernel::own_pid();
        let on_terminal = (0..3).any(|fd| tty::foreground(fd).is_some());
        let is_job = on_terminal && kernel::own_session() != Pid(own);
        if self.plan.guise != Guise::DumbInit && !is_job {
            return;
        }
        // The job may hold others than us: a pipeline, or a script that waits for us.
        const OUR_GROUP: i32 = 0;
        let _ = kernel::send(if is_job { OUR_GROUP } else { own }, Signal::STOP);
        // We go on: in the foreground, if our group is there, and so is the child then. Whoever
        // the terminal stopped with it is in its group.
        if self.plan.leads == Leads::Group && own != 1 {
            tty::go_on(0, main);
        }
    }

    /// Starts the command before the way down.
    #[cold]
    #[inline(never)]
    fn hook(&self) -> Result<Pid, u16> {
        spawn::by_the_way(self.args, self.plan.pre_stop.unwrap_or(&[]))
    }
}
