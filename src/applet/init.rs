//! The machine's init: process 1 of a machine or of a namespace, by /etc/inittab.

use pidone::machine::init::Init;
use pidone::machine::memory::{BESIDE, Memory};
use pidone::machine::{Action, Event, Mode, earlier};
use pidone::wire::errno;
use pidone::wire::names::place;
use pidone::wire::notify::MESSAGE_MAX;
use pidone::wire::signals::Signal;
use pidone::wire::value::Millis;

use super::reader;
use crate::sys::child;
use crate::sys::deed::{Hands, Place};
use crate::sys::ears::{Ears, Gates};
use crate::sys::env::Env;
use crate::sys::groups::Groups;
use crate::sys::kernel::Reaped;
use crate::sys::logs::Logs;
use crate::sys::reap::{Children, Reaper};
use crate::sys::sinks::Sinks;
use crate::sys::source::{self, OF_INIT, Requests, Wake};
use crate::sys::spawn::Nursery;
use crate::sys::start::{Args, Stock};
use crate::sys::watch::Watch;
use crate::sys::{calls, cradle, host, kernel, memory, mount, stdio, tty};

/// What lives as long as the machine and is too large for the stack.
#[repr(C)]
pub struct Store {
    env: Env,
    // Nothing at first, since what is not zero would be in the file.
    pub ears: Option<Ears>,
    rest: [u8; REST],
}

const REST: usize = BESIDE - size_of::<Env>() - size_of::<Option<Ears>>();

const STORED: Store = Store { env: Env::new(), ears: None, rest: [0; REST] };

/// The same, with all that the machine remembers, and with what is seldom needed behind it.
#[repr(C)]
pub struct Stores {
    pub memory: Memory<Store>,
    pub logs: Logs,
    pub gates: Gates,
}

// The layout of the binary puts it where a page begins.
pub static STORE: Stock<Stores> =
    Stock::new(Stores { memory: Memory::beside(STORED), logs: Logs::new(), gates: Gates::new() });

/// Runs for ever.
pub fn run(args: Args) -> ! {
    source::begin();
    // It is taken here alone, and this runs once.
    if let Some(Stores { memory, logs, gates }) = STORE.take() {
        let (mut init, Store { env, ears, .. }) = Init::beside(memory);
        prepare(args, &mut init, env, ears.insert(Ears::new(gates)), logs);
    }
    kernel::exit(101)
}

fn prepare(
    args: Args,
    init: &mut Init<'_>,
    env: &'static mut Env,
    ears: &'static mut Ears,
    logs: &'static mut Logs,
) -> ! {
    let _ = rustix::process::chdir(c"/");
    kernel::new_session();
    let mut trouble = |what: &[u8], object: &[u8], errno| {
        init.handle(kernel::now(), Event::Trouble { what, object, errno });
    };
    let on_machine = host::is_machine();
    mount::early(on_machine, &mut |what, target, errno| trouble(what, target.to_bytes(), errno));
    stdio::fill(args);
    if on_machine {
        host::set_name();
    } else {
        // Whoever started us in a namespace may have left signals ignored; the kernel does not.
        kernel::set_defaults();
    }
    let on_serial = !tty::is_virtual(0);
    let env = env.fill(args, on_serial);
    if env.lost > 0 {
        trouble(b"pass on all of", b"the environment", errno::E2BIG);
    }
    let nursery = Nursery {
        envp: env.pointer(),
        folders: child::FOLDERS,
        groups: Groups::new(),
        has_cradle: cradle::is_safe(on_machine),
        logs,
        reader: reader::begin,
    };
    let mut hands = Hands {
        place: Place::Top { on_machine },
        nursery,
        sinks: Sinks::new(),
        watch: Watch::new(),
        ears,
        is_unheard: true,
    };
    let is =
        |index, words| args.get(index).is_some_and(|word| place(words, word.to_bytes()).is_some());
    // The word may stand behind the one that made an init of us, but behind no other: it may be
    // the name or the value of something else.
    let index = if is(1, b"init linuxrc") { 2 } else { 1 };
    let mode = if is(index, b"single -s 1") { Mode::Single } else { Mode::Inittab };
    init.handle(kernel::now(), Event::Boot { mode, seed: calls::seed() });
    live(init, &mut hands, OF_INIT)
}

/// The loop of process 1. It has no way out.
pub fn live(init: &mut Init<'_>, hands: &mut Hands, requests: &Requests) -> ! {
    let mut reaper = Reaper::new();
    let (mut untidy, mut again) = (None, None);
    loop {
        let done = act(init, hands);
        let over = again.is_some_and(|at| at <= kernel::now());
        if done && (init.comes_to_rest() || over) {
            // Whatever comes before the time is over is no reason to wait longer the next time.
            untidy = tidy_up(hands, untidy.filter(|_| over));
            again = untidy.map(|delay| kernel::now().plus(delay));
            memory::forget_the_cold(memory::code_of_init(init.has_logs()));
            memory::forget_the_stack();
        }
        let children = if done { reaper.children } else { Children::Pending };
        let until = earlier(init.next_deadline(), again.filter(|_| done));
        let wake = source::wait(until, children, requests);
        match wake {
            Wake::News => {
                hear(init, hands);
                reaper.let_others_be_heard();
            }
            Wake::Child(pid) => reaper.heard_of(pid, &mut |what| reaped(init, hands, what)),
            Wake::Quiet => {
                hear(init, hands);
                reaper.look(&mut |what| reaped(init, hands, what));
            }
            // The first time of all comes when what was started last has had its head start.
            Wake::Time if hands.is_unheard => hands.begin_to_hear(init),
            Wake::Time => {}
            Wake::Asked(_) | Wake::Nothing => reaper.let_children_be_heard(),
        }
        if let Some(event) = wake.event() {
            init.handle(kernel::now(), event);
        }
    }
}

/// What is done before a rest.
#[inline(never)] // The loop around it stays in memory while it waits, this does not.
fn tidy_up(hands: &mut Hands, untidy: Option<Millis>) -> Option<Millis> {
    hands.sinks.open_console();
    cradle::tidy_up(untidy)
}

/// So much is done, and so much heard, before somebody else gets a hearing: when hundreds of units
/// start at once, whoever asks for something does not wait for all of them.
const BATCH: usize = 64;

/// Does what is wanted; whether that was everything.
fn act(init: &mut Init<'_>, hands: &mut Hands) -> bool {
    for _ in 0..BATCH {
        let Some(action) = init.next_action() else {
            return true;
        };
        hands.act(init, action);
    }
    false
}

/// Takes in what has come and what is said. What is left over reminds us of itself.
fn hear(init: &mut Init<'_>, hands: &mut Hands) {
    if let Some(event) = source::came(&mut hands.watch) {
        init.handle(kernel::now(), event);
    }
    if hands.watch.have_consoles_changed() {
        init.handle(kernel::now(), Event::ConsolesChanged);
    }
    if hands.ears.are_open() || hands.ears.is_attended() {
        listen(init, hands);
    }
}

/// Takes in what units say and show.
#[inline(never)] // Its room is not to be set up where there is nothing to be heard.
fn listen(init: &mut Init<'_>, hands: &mut Hands) {
    let mut message = [0; MESSAGE_MAX];
    for _ in 0..BATCH {
        let Some(event) = source::hear(hands.ears, &mut message) else {
            return;
        };
        init.handle(kernel::now(), event);
        // Who asks next would take the place of who asked last.
        if init.owes_answer() {
            hands.act(init, Action::Answer);
        }
    }
    kernel::remind(Signal::IO);
}

/// Does what follows from the end of a child.
fn reaped(init: &mut Init<'_>, hands: &mut Hands, what: Reaped) {
    let mut verdict = None;
    if let Reaped::Child(pid, exit) = what
        && let Some(life) = init.life_of(pid)
    {
        // The last words of a unit count, though it has ended.
        if hands.ears.are_open() {
            listen(init, hands);
        }
        verdict = hands.nursery.groups.verdict(life, exit);
    }
    if let Some(event) = source::reaped(hands.ears, what, verdict) {
        init.handle(kernel::now(), event);
        // Starts come after all others that have ended.
        while let Some(action) = init.next_action().filter(|action| !action.is_start()) {
            hands.act(init, action);
        }
    }
}
