//! A container's init: one main child, signals for it, and orphans of others.

use core::ffi::CStr;

use pidone::machine::container::{Container, Event};
use pidone::wire::container::{Guise, Leads, Plan, Target, Trouble};
use pidone::wire::names::{base_name, begins};
use pidone::wire::signals::Signal;

use rustix::process::chdir;

use super::{replies, usage};
use crate::sys::container::deed::Hands;
use crate::sys::container::journal::Journal;
use crate::sys::container::main_child::{Order, own_stack};
use crate::sys::container::source::{Ears, Source};
use crate::sys::reap::Reaper;
use crate::sys::start::{Args, go_on};
use crate::sys::{fd, kernel, memory, tty};

/// Runs until the main child has ended.
pub fn begin(args: Args) -> ! {
    match own_stack() {
        Some(stack) => go_on(stack, args, run),
        None => kernel::exit(101),
    }
}

/// Comes back with an exit code where there is no main child to be.
extern "C" fn run(args: Args) -> i32 {
    let guise = Guise::of(base_name(args.get(0).unwrap_or_default().to_bytes()));
    let mut plan = Plan::new(guise);
    if let Err(trouble) = read_words(args, &mut plan) {
        return usage::answer(guise, args, trouble);
    }
    read_environment(args, &mut plan);
    if args.get(1).is_none() && !plan.pause {
        return usage::no_command(guise, args);
    }
    live(args, &plan)
}

/// What tini and we take from the environment.
static HOT_POSIX: [u8; 15] = *b"POSIXLY_CORRECT";
static HOT_SUBREAPER: [u8; 14] = *b"TINI_SUBREAPER";
static HOT_GROUP: [u8; 23] = *b"TINI_KILL_PROCESS_GROUP";
static HOT_VERBOSITY: [u8; 14] = *b"TINI_VERBOSITY";

fn read_environment(args: Args, plan: &mut Plan<'_>) {
    let is_there = |name| args.var(name).is_some();
    match plan.guise {
        Guise::Pidone | Guise::Tini => {
            plan.adopts |= is_there(&HOT_SUBREAPER);
            if is_there(&HOT_GROUP) {
                plan.target = Target::Group;
            }
            if let Some(level) = args.var(&HOT_VERBOSITY) {
                plan.set_verbosity(level.to_bytes());
            }
        }
        Guise::DumbInit | Guise::Catatonit => read_environment_of_others(args, plan),
        Guise::Pause => {}
    }
}

#[cold]
#[inline(never)]
fn read_environment_of_others(args: Args, plan: &mut Plan<'_>) {
    match plan.guise {
        Guise::DumbInit => {
            let is = |name, var: &[u8]| args.var(name).is_some_and(|is| is.to_bytes() == var);
            if is(b"DUMB_INIT_SETSID", b"DUMB_INIT_SETSID=0") {
                plan.share_session();
            }
            if is(b"DUMB_INIT_DEBUG", b"DUMB_INIT_DEBUG=1") {
                plan.verbosity = 3;
            }
        }
        Guise::Catatonit => {
            if args.var(b"CATATONIT_LOG").is_some() {
                kernel::exit(usage::reserved());
            }
            if args.var(b"CATATONIT_DEBUG").is_some() {
                plan.verbosity = 3;
            }
        }
        Guise::Pidone | Guise::Tini | Guise::Pause => {}
    }
}

/// Takes the options, and puts the words of the command where the first word behind our own is.
fn read_words(args: Args, plan: &mut Plan<'static>) -> Result<(), Trouble<'static>> {
    let looks_on = plan.guise.looks_on() && args.var(&HOT_POSIX).is_none();
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
    let journal = if plan.syslog { open_journal(plan) } else { Journal::none() };
    let mut ears = Ears { reaper: Reaper::new(), journal };
    let order = Order::new(args, plan.leads, mask, of_child);
    let hands = Hands { args, plan, tell: replies::tell };
    let source = Source { plan, order: &order, not_executed: replies::not_executed };
    let mut container = Container::new(plan);
    let first = if plan.pause { Event::Paused } else { start(plan, &order) };
    let needed = ears.journal.descriptors();
    if !kernel::close_all_but(needed) {
        fd::close_listed_but(needed);
    }
    if matches!(plan.guise, Guise::DumbInit | Guise::Catatonit) {
        leave_folder();
    }
    hands.step(&mut container, first);
    if !plan.plain {
        // What was asked for brought in code that is not needed again.
        memory::forget_the_cold(memory::code_of_container());
    }
    loop {
        source.wait(&mut ears, &mut container, |container, event| hands.step(container, event));
    }
}

/// Becomes what a main child needs above it.
fn settle(plan: &Plan<'_>) {
    if plan.adopts {
        kernel::adopt_orphans();
    } else if plan.guise != Guise::DumbInit && kernel::own_pid() != 1 {
        replies::not_first(plan);
    }
    if plan.parent_death.is_some() || plan.leads == Leads::Session {
        settle_further(plan);
    }
}

#[cold]
#[inline(never)]
fn settle_further(plan: &Plan<'_>) {
    if let Some(signal) = plan.parent_death {
        kernel::follow_parent(signal);
    }
    if plan.leads == Leads::Session && tty::give_up(0) {
        // Whoever leads a session and gives up its terminal hears of it, but not for the child.
        kernel::forget_signal(Signal::HUP);
        kernel::forget_signal(Signal::CONT);
        replies::handed_off(plan);
    }
}

/// Keeps no folder busy, as these two have it: the file system could not be unmounted otherwise.
#[cold]
#[inline(never)]
fn leave_folder() {
    let _ = chdir(c"/");
}

/// Without /dev/log the command runs all the same.
#[cold]
#[inline(never)]
fn open_journal(plan: &Plan<'_>) -> Journal {
    Journal::open().unwrap_or_else(|errno| {
        replies::no_journal(plan, errno);
        Journal::none()
    })
}

fn start(plan: &Plan<'_>, order: &Order) -> Event {
    match order.start() {
        Ok(pid) => Event::Started { pid },
        Err(errno) => {
            replies::not_forked(plan, errno);
            kernel::exit(usage::refused(plan.guise))
        }
    }
}
