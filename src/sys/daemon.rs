//! What makes a process a daemon, and what it starts.

use pidone::machine::{Pid, Step};
use pidone::wire::signals::Signal;
use syscalls::{Sysno, raw_syscall};

use super::child::{self, Order};
use super::fd::{self, Fd};
use super::kernel::{self, Result, outcome};
use super::setup::{self, Vars};

/// The permissions that new files of a daemon lack, unless it is told otherwise.
const UMASK: usize = 0o022;

/// The number at which a program finds the descriptor for `ready=fd3`.
const READY_AT: i32 = 3;

/// What a daemon is to do, and how.
pub struct Calling<'a, T> {
    /// What it is to do.
    pub task: &'a T,
    /// What does it; it never returns.
    pub body: extern "C" fn(&T) -> !,
    /// What says that there is no daemon, and why.
    pub failed: fn(&T, u16),
}

/// Makes a child of a child a daemon: in a session that it does not lead, so that no terminal it
/// opens comes to control it. It does not hold a file system or a mask of its caller's.
pub fn detach<T>(calling: &Calling<'_, T>) -> Result<Pid> {
    // SAFETY: `part` never returns.
    unsafe { kernel::fork(calling, part) }
}

extern "C" fn part<T>(calling: &Calling<'_, T>) -> ! {
    kernel::new_session();
    let _ = rustix::process::chdir(c"/");
    // SAFETY: umask takes a number.
    unsafe { raw_syscall!(Sysno::umask, UMASK) };
    kernel::set_defaults();
    kernel::set_mask(kernel::OURS);
    // SAFETY: the body never returns, as its type says.
    if let Err(errno) = unsafe { kernel::fork(calling.task, calling.body) } {
        (calling.failed)(calling.task, errno);
    }
    kernel::exit(0)
}

/// A program that a daemon starts.
pub struct Birth<'a> {
    /// What it is to become.
    pub order: Order<'a>,
    /// The signal that it gets when the daemon ends, however that comes.
    pub stop: Signal,
    /// The pipe at which it says that it is ready, if it does so there.
    pub gate: &'a Fd,
    /// Whether it does.
    pub shows: bool,
    /// Where it says that it does not become the program; it closes when it does.
    pub word: &'a Fd,
}

/// Starts a program.
pub fn bear(birth: &Birth<'_>) -> Result<Pid> {
    // SAFETY: `become_program` never returns.
    unsafe { kernel::fork(birth, become_program) }
}

extern "C" fn become_program(birth: &Birth<'_>) -> ! {
    // A group that can be signalled; leading no session, it finds no terminal.
    kernel::new_group();
    kernel::set_mask(0);
    if birth.shows {
        fd::pass_on(birth.gate.raw(), READY_AT);
    }
    let order = &birth.order;
    // SAFETY: the order holds the environment, an array ended by a null.
    let (step, errno) = match unsafe { Vars::new(order.envp) } {
        Ok(mut vars) => set_up(birth, &mut vars),
        Err(errno) => (Step::Exec, errno),
    };
    let _ = fd::write(birth.word.raw(), b"-");
    child::fail_at(order.board, step, errno)
}

/// Sets the process up and executes the program; comes back with what failed.
fn set_up(birth: &Birth<'_>, vars: &mut Vars) -> (Step, u16) {
    match setup::apply(birth.order.options, vars) {
        Ok(()) => {
            // Another user would have been spared it.
            kernel::follow_parent(birth.stop);
            (Step::Exec, execute(&birth.order, vars))
        }
        Err((place, errno)) => (Step::Setting(place), errno),
    }
}

/// Executes the program, or says why not. A socket for sd_notify(3) is ours or none.
fn execute(order: &Order<'_>, vars: &mut Vars) -> u16 {
    if !order.notify.is_empty()
        && let Err(errno) = vars.set(b"NOTIFY_SOCKET", order.notify)
    {
        return errno;
    }
    child::execute(&order.program, vars.pointer())
}

/// Goes on as the child of a child, in a session of its own, without a terminal.
pub fn become_one() {
    for leads in [true, false] {
        // SAFETY: fork has no arguments; who comes back is the child, with all that we had.
        match outcome(unsafe { raw_syscall!(Sysno::fork) }) {
            // Who does not lead its session never gets a terminal.
            Ok(0) if leads => _ = kernel::new_session(),
            Ok(0) => {}
            Ok(_) | Err(_) => kernel::exit(0),
        }
    }
    let null = Fd::open(c"/dev/null", fd::READ_WRITE);
    for number in 0..3 {
        fd::place(&null, number);
    }
}
