//! A container's init: one main child, signals for it, and orphans of others.

use core::ffi::CStr;

use pidone::machine::container::{Container, Event};
use pidone::wire::container::{Guise, Leads, Plan, Trouble};
use pidone::wire::names::begins;
use pidone::wire::signals::Signal;

use super::replies;
use crate::sys::container::deed::Hands;
use crate::sys::container::main_child::Order;
use crate::sys::container::source::Source;
use crate::sys::reap::Reaper;
use crate::sys::start::Args;
use crate::sys::{kernel, tty};

/// Runs until the main child has ended; comes back with an exit code where there is none.
pub fn run(args: Args, guise: Guise) -> i32 {
    let mut plan = Plan::new(guise);
    if let Err(trouble) = read_words(args, &mut plan) {
        return replies::answer(guise, args, trouble);
    }
    read_environment(args, &mut plan);
    if args.get(1).is_none() && !plan.pause {
        return replies::no_command(guise);
    }
    live(args, &plan)
}

/// What the peers and we take from the environment.
fn read_environment(args: Args, plan: &mut Plan<'_>) {
    let value = |name| args.var(name).map(CStr::to_bytes);
    match plan.guise {
        Guise::Pidone | Guise::Tini => {
            let level = value(b"TINI_VERBOSITY").and_then(|v| v.get(b"TINI_VERBOSITY=".len()..));
            plan.heed_environment(
                value(b"TINI_SUBREAPER").is_some(),
                value(b"TINI_KILL_PROCESS_GROUP").is_some(),
                level,
            );
        }
        Guise::DumbInit => {
            if value(b"DUMB_INIT_SETSID") == Some(b"DUMB_INIT_SETSID=0") {
                plan.share_session();
            }
            if value(b"DUMB_INIT_DEBUG") == Some(b"DUMB_INIT_DEBUG=1") {
                plan.verbosity = 3;
            }
        }
        Guise::Catatonit => {
            if value(b"CATATONIT_DEBUG").is_some() {
                plan.verbosity = 3;
            }
        }
        Guise::Pause => {}
    }
}

/// Takes the options, and puts the words of the command where the first word behind our own is.
fn read_words(args: Args, plan: &mut Plan<'static>) -> Result<(), Trouble<'static>> {
    let looks_on = plan.guise.looks_on() && args.var(b"POSIXLY_CORRECT").is_none();
    let mut options = true;
    let (mut next, mut kept) = (1, 1);
    while let Some(word) = args.get(next) {
        next += 1;
        let bytes = word.to_bytes();
        if options && bytes == b"--" {
            options = false;
        } else if options && begins(bytes, b'-') && bytes.len() > 1 {
            let behind = args.get(next).map(CStr::to_bytes);
            next += usize::from(plan.take(bytes, behind)?);
        } else {
            options &= looks_on;
            args.put(kept, word);
            kept += 1;
        }
    }
    args.end(kept);
    Ok(())
}

fn live(args: Args, plan: &Plan<'_>) -> ! {
    let mask = kernel::set_mask(kernel::ALL);
    let of_child = kernel::set_disposition(Signal::CHLD, &kernel::Disposition::default());
    settle(plan);
    let order = Order::new(args, plan.leads, mask, of_child);
    let hands = Hands { args, plan, tell: replies::tell };
    let source = Source { plan, order: &order, not_executed: replies::not_executed };
    let mut container = Container::new(plan);
    let first = if plan.pause { Event::Paused } else { start(plan, &order) };
    kernel::close_the_rest();
    hands.step(&mut container, first);
    let mut reaper = Reaper::new();
    loop {
        let mut step = |container: &mut Container<'_>, event| hands.step(container, event);
        source.wait(&mut reaper, &mut container, &mut step);
    }
}

/// Becomes what a main child needs above it.
fn settle(plan: &Plan<'_>) {
    if let Some(signal) = plan.parent_death {
        kernel::follow_parent(signal);
    }
    if plan.adopts {
        kernel::adopt_orphans();
    } else if plan.guise != Guise::DumbInit && kernel::own_pid() != 1 {
        replies::not_first(plan);
    }
    if plan.leads == Leads::Session && tty::give_up(0) {
        // Whoever leads a session and gives up its terminal hears of it, but not for the child.
        kernel::forget_signal(Signal::HUP);
        kernel::forget_signal(Signal::CONT);
    }
}

fn start(plan: &Plan<'_>, order: &Order) -> Event {
    match order.start() {
        Ok(pid) => Event::Started { pid },
        Err(errno) => {
            replies::not_forked(plan, errno);
            kernel::exit(replies::refused(plan.guise))
        }
    }
}
