//! The main child of a container: what it does between clone and execve. It has our memory until
//! then, so that nothing need be copied, and a stack of its own, so that we go on at once.

use core::cell::{Cell, UnsafeCell};
use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use pidone::machine::Pid;
use pidone::wire::container::Leads;
use pidone::wire::errno::{EACCES, EAGAIN, EINVAL, ENAMETOOLONG, ENOENT, ENOEXEC, ENOTDIR};
use pidone::wire::names::{cut, holds, take};
use pidone::wire::signals::Signal;
use pidone::wire::text::Line;
use pidone::wire::value;

use crate::sys::kernel::{self, Disposition, SignalSet};
use crate::sys::start::{Args, Stock, c_str};
use crate::sys::tty;

/// What a child is started with.
pub struct Order {
    /// The words that we were started with; those of the child's command come first.
    pub args: Args,
    /// The signals that were blocked when we were started.
    pub mask: SignalSet,
    /// What was done with SIGCHLD then.
    pub of_child: Disposition,
    /// What it leads.
    pub leads: Leads,
    /// Where it leaves word of why there is no program.
    errno: AtomicU32,
    /// The same where it does not have our memory.
    apart: Cell<Option<&'static AtomicU64>>,
    /// Where it leaves word that there is a terminal.
    pub on_terminal: AtomicBool,
    /// Where it puts paths together.
    room: Cell<Option<&'static mut [u8]>>,
    /// Where it writes a variable anew.
    listen_pid: Cell<Option<&'static mut [u8]>>,
}

/// The longest path that the kernel takes, with its NUL.
const PATH_MAX: usize = 4096;

/// What our stack may take. The deepest call is that of a child that becomes the command before the
/// stop, some 20 KiB; what is not used is not there.
const DEEPEST: usize = 16 * 4096;

/// What of our stack is used when nothing goes wrong.
const USUAL: usize = 1792;

/// The stack of the child, which calls nothing deep.
const STACK: usize = 1024;

/// Our stack. The layout of the binary puts it where a page begins and the bed behind it, so that
/// the usual part of it, the child's and the beginning of the path share one page. In front of it
/// lies code, which cannot be written to.
struct Own(UnsafeCell<[u8; DEEPEST + USUAL]>);

// SAFETY: it is reached through `own_stack` alone, which succeeds once.
unsafe impl Sync for Own {}

static OWN: Own = Own(UnsafeCell::new([0; DEEPEST + USUAL]));
static OWN_TAKEN: AtomicBool = AtomicBool::new(false);

/// Our stack, if nobody has it.
pub fn own_stack() -> Option<&'static mut [u8]> {
    if OWN_TAKEN.swap(true, Ordering::Relaxed) {
        return None;
    }
    // SAFETY: the flag was false, so there is no other reference and never will be.
    Some(unsafe { &mut *OWN.0.get() })
}

/// How much of it is free where it is nobody's stack, in bytes: whole pages.
pub const SPARE: usize = DEEPEST;

/// Where that begins, for whoever is not the init of a container.
pub fn spare() -> *mut u8 {
    OWN.0.get().cast()
}

/// What the child works with.
#[repr(C)]
struct Bed {
    stack: [u8; STACK],
    listen_pid: [u8; 32],
    path: [u8; PATH_MAX],
}

static BED: Stock<Bed> =
    Stock::new(Bed { stack: [0; STACK], listen_pid: [0; 32], path: [0; PATH_MAX] });

impl Order {
    /// An order for the command that the words were shifted to.
    pub fn new(args: Args, leads: Leads, mask: SignalSet, of_child: Disposition) -> Self {
        let (errno, room, listen_pid) = (AtomicU32::new(0), Cell::new(None), Cell::new(None));
        let (on_terminal, apart) = (AtomicBool::new(false), Cell::new(None));
        Order { args, mask, of_child, leads, errno, apart, on_terminal, room, listen_pid }
    }

    /// Starts the main child. It is done once; the order stays where it is from then on.
    pub fn start(&self) -> kernel::Result<Pid> {
        let Some(Bed { stack, listen_pid, path }) = BED.take() else { return Err(EAGAIN) };
        self.room.set(Some(path));
        self.listen_pid.set(Some(listen_pid));
        // SAFETY: `run` never returns. The stack and the path were taken for the child alone; the
        // order is not moved, and we only read what the child may change of it, its words.
        match unsafe { kernel::spawn(self, stack, run) } {
            Err(EINVAL) => self.start_apart(),
            started => started,
        }
    }

    /// Whoever emulates our processor, as qemu(1) does, may know two kinds of clone only: threads,
    /// and children with memory of their own.
    #[cold]
    #[inline(never)]
    fn start_apart(&self) -> kernel::Result<Pid> {
        self.on_terminal.store(tty::foreground(0).is_some(), Ordering::Release);
        self.apart.set(kernel::shared_page().and_then(|page| page.first()));
        // SAFETY: `run` never returns.
        unsafe { kernel::fork(self, run) }
    }

    /// Why there is no program, or 0.
    pub fn errno(&self) -> u16 {
        match self.apart.get() {
            Some(apart) => apart.load(Ordering::Acquire) as u16,
            None => self.errno.load(Ordering::Acquire) as u16,
        }
    }

    /// The main child was stopped for using the terminal while a shell that had us in the
    /// background put us into the foreground: it goes on there. Whether that is so.
    #[cold]
    #[inline(never)]
    pub fn go_on(&self, main: Pid, stopped_by: Signal) -> bool {
        let asks = stopped_by == Signal::TTIN || stopped_by == Signal::TTOU;
        let may = asks && self.leads == Leads::Group;
        may && tty::foreground(0) == Some(kernel::own_group()) && tty::go_on(0, main)
    }

    #[cold]
    #[inline(never)]
    fn leave_word(&self, errno: u16) {
        match self.apart.get() {
            Some(apart) => apart.store(u64::from(errno), Ordering::Release),
            None => self.errno.store(u32::from(errno), Ordering::Release),
        }
    }
}

/// What the child does.
extern "C" fn run(order: &Order) -> ! {
    match order.leads {
        Leads::Group => lead_group(order),
        Leads::Session => {
            kernel::new_session();
            tty::take(0);
        }
        Leads::Nothing => {}
    }
    if kernel::is_ignored(&order.of_child) {
        kernel::set_disposition(Signal::CHLD, &order.of_child);
    }
    if let Some(var) = order.args.var(&HOT_LISTEN_PID) {
        correct_listen_pid(order, var.to_bytes());
    }
    // Whatever came since the fork takes effect here.
    kernel::set_mask(order.mask);
    let errno = execute(order);
    order.leave_word(errno);
    kernel::exit(127)
}

/// Leads a group of its own, and where ours had the terminal, it gets that as well. SIGTTOU is
/// still blocked.
fn lead_group(order: &Order) {
    match tty::foreground(0) {
        None => kernel::new_group(),
        Some(before) => lead_group_on_terminal(order, before),
    }
}

#[cold]
#[inline(never)]
fn lead_group_on_terminal(order: &Order, before: Pid) {
    order.on_terminal.store(true, Ordering::Release);
    let ours = kernel::own_group();
    kernel::new_group();
    if before == ours {
        tty::put_into_foreground(0, kernel::own_group());
    }
}

static HOT_LISTEN_PID: [u8; 10] = *b"LISTEN_PID";

/// Whoever passes sockets names the process that they are for, and thought it was us; see
/// sd_listen_fds(3).
#[cold]
#[inline(never)]
fn correct_listen_pid(order: &Order, var: &[u8]) {
    let meant = cut(var, b'=').and_then(|(_, value)| value::number(value));
    let Some(room) = order.listen_pid.take() else { return };
    if meant == Some(kernel::parent_pid() as u32) {
        let mut line = Line::new();
        line.put(b"LISTEN_PID=").number(kernel::own_pid() as u64);
        if let Some(corrected) = joined(room, &[], line.as_bytes()) {
            order.args.replace_var(&HOT_LISTEN_PID, corrected);
        }
    }
}

/// Executes the program, or says why not.
fn execute(order: &Order) -> u16 {
    let bare = order.args.get(1).unwrap_or(c"");
    if holds(bare.to_bytes(), b'/') {
        return attempt(order, bare);
    }
    let Some(room) = order.room.take() else { return ENOENT };
    let mut folders = order.args.path();
    let mut worst = ENOENT;
    // An empty folder is the present one, also at the end.
    let mut last = bare.is_empty();
    while !last {
        last = !holds(folders, b':');
        let folder = take(&mut folders, b':');
        let path = joined(room, folder, bare.to_bytes());
        match path.map_or(ENAMETOOLONG, |path| attempt(order, path)) {
            ENOENT | ENOTDIR => {}
            errno @ (EACCES | ENAMETOOLONG) => worst = errno,
            errno => return errno,
        }
    }
    worst
}

/// Puts the path of a file in a folder together; nothing where it does not fit.
fn joined<'a>(room: &'a mut [u8], folder: &[u8], name: &[u8]) -> Option<&'a CStr> {
    let slash = (!folder.is_empty()).then_some(b'/');
    let path = folder.iter().copied().chain(slash).chain(name.iter().copied()).chain([0]);
    let mut len = 0;
    for byte in path {
        *room.get_mut(len)? = byte;
        len += 1;
    }
    c_str(room.get(..len)?)
}

fn attempt(order: &Order, path: &CStr) -> u16 {
    match order.args.execute(path) {
        // A script that does not say who is to run it is the shell's, as execvp(3) has it.
        ENOEXEC => order.args.execute_by_shell(path),
        errno => errno,
    }
}
