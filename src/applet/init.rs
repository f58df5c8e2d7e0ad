//! The machine's init: process 1 of a machine or of a namespace, by /etc/inittab.

use pidone::machine::init::{Init, Memory, Phase};
use pidone::machine::{Event, Mode};
use pidone::wire::errno;
use pidone::wire::names::place;
use rustix::system::RebootCommand;

use crate::sys::child::Board;
use crate::sys::deed::Hands;
use crate::sys::env::Env;
use crate::sys::sinks::Sinks;
use crate::sys::source::{self, Children, Wake};
use crate::sys::spawn::Nursery;
use crate::sys::start::{Args, Stock};
use crate::sys::watch::Watch;
use crate::sys::{host, kernel, memory, mount, stdio, tty};

/// All that lives as long as the machine and is too large for the stack.
#[repr(C)]
struct Store {
    env: Env,
    memory: Memory,
}

static STORE: Stock<Store> = Stock::new(Store { env: Env::new(), memory: Memory::new() });

/// Runs for ever.
pub fn run(args: Args) -> ! {
    source::begin();
    // It is taken here alone, and this runs once.
    if let Some(Store { env, memory }) = STORE.take() {
        prepare(args, &mut Init::new(memory), env);
    }
    kernel::exit(101)
}

fn prepare(args: Args, init: &mut Init<'_>, env: &'static mut Env) -> ! {
    let _ = rustix::process::chdir(c"/");
    kernel::new_session();
    kernel::prefer();
    let mut trouble = |what: &[u8], object: &[u8], errno| {
        init.handle(kernel::now(), Event::Trouble { what, object, errno });
    };
    mount::early(|target, errno| trouble(b"mount", target.to_bytes(), errno));
    stdio::fill(args);
    if mount::is_machine() {
        host::set_name();
    } else {
        // Whoever started us in a namespace may have left signals ignored; the kernel does not.
        kernel::set_defaults();
    }
    // Ctrl-Alt-Del is to come to us as SIGINT instead of rebooting at once.
    let _ = rustix::system::reboot(RebootCommand::CadOff);
    let on_serial = !tty::is_virtual(0);
    let env = env.fill(args, on_serial);
    if env.lost > 0 {
        trouble(b"pass on all of", b"the environment", errno::E2BIG);
    }
    let nursery = Nursery { env, board: Board::new() };
    let mut hands = Hands { nursery, sinks: Sinks::new(), watch: Watch::new() };
    hands.sinks.open_console();
    let mode = match args.get(1).and_then(|word| place(b"single -s 1", word.to_bytes())) {
        Some(_) => Mode::Single,
        None => Mode::Inittab,
    };
    init.handle(kernel::now(), Event::Boot { mode, seed: kernel::seed() });
    live(init, &mut hands)
}

/// The loop of process 1. It has no way out.
fn live(init: &mut Init<'_>, hands: &mut Hands) -> ! {
    let mut children = Children::Settled;
    loop {
        act(init, hands);
        if init.phase() == Phase::Run && init.was_stirred() {
            memory::forget_the_cold(memory::code_of_init());
            memory::forget_the_stack();
        }
        let wake = source::wait(init.next_deadline(), children);
        match wake {
            Wake::Folder => hands.watch.end(),
            Wake::Children => children = reap(init, hands),
            Wake::Time | Wake::Asked(_) | Wake::Nothing => {}
        }
        if let Some(event) = wake.event() {
            init.handle(kernel::now(), event);
        }
    }
}

/// Does everything that is wanted.
fn act(init: &mut Init<'_>, hands: &mut Hands) {
    while let Some(action) = init.next_action() {
        hands.act(init, action);
    }
}

/// So many children are reaped before somebody else gets a hearing: whoever floods us with orphans
/// must not keep us from signals and deadlines.
const BATCH: usize = 64;

/// Reaps what has ended: signals merge, so one may stand for many. Whether there may be more.
fn reap(init: &mut Init<'_>, hands: &mut Hands) -> Children {
    for _ in 0..BATCH {
        let Some(event) = source::reap(hands.nursery.board) else {
            return Children::Settled;
        };
        init.handle(kernel::now(), event);
        act(init, hands);
        if event == Event::Childless {
            return Children::Settled;
        }
    }
    Children::Pending
}
