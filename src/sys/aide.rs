//! Aides: children that find out for us whether a unit is ready, and whether it is well. They may
//! hang; we do not.

use core::ffi::CStr;

use heapless::Vec;
use pidone::machine::care::Errand;
use pidone::machine::{Fault, Pid, Step};
use pidone::wire::errno::ENOENT;
use pidone::wire::lines::LOGICAL_MAX;
use pidone::wire::signals::Signal;
use pidone::wire::text::Line;
use pidone::wire::{options, value};
use syscalls::{Sysno, raw_syscall};

use super::calls;
use super::child::{Board, fail_at};
use super::fd::{self, Fd};
use super::files;
use super::groups::Group;
use super::kernel::{self, Result, outcome};
use super::setup::{self, Vars};
use super::spawn::is_missing;
use super::start::joined;

/// What an aide is sent for.
pub struct Task<'a> {
    /// What it is to find out.
    pub errand: Errand,
    /// The process it is about.
    pub of: Pid,
    /// The control group of the unit.
    pub group: Option<Group>,
    /// Whether it is to look at the memory, which no group holds.
    pub memory: bool,
    /// The second field of the unit's line.
    pub options: &'a [u8],
    /// The environment, ended by a null.
    pub envp: *const *const u8,
    /// Where it leaves word.
    pub board: Option<&'static Board>,
}

/// How long an aide waits, in milliseconds, before it tries a port again. There is nothing that
/// would tell when somebody begins to listen.
const PORT_WAIT_MS: i64 = 100;

/// A path with its NUL.
type Path = Vec<u8, { LOGICAL_MAX + 1 }>;

/// What an aide does: it leaves with 0 where all is well.
pub extern "C" fn run(task: &Task<'_>) -> ! {
    kernel::new_session();
    kernel::close_the_rest(2);
    kernel::set_mask(0);
    let null = Fd::open(c"/dev/null", fd::READ_WRITE);
    for number in 0..3 {
        fd::place(&null, number);
    }
    match task.errand {
        Errand::Await => wait_until_ready(task),
        Errand::Look => look(task),
        Errand::Follow => follow(task),
    }
    kernel::exit(0)
}

fn wait_until_ready(task: &Task<'_>) {
    let when = options::value(task.options, b"ready").unwrap_or_default();
    match options::port(when) {
        Some(port) => {
            while connect(port).is_err() {
                calls::sleep(PORT_WAIT_MS);
            }
        }
        None => wait_for_path(when),
    }
}

/// Waits until a path is there. What is watched is its folder, or the nearest one above that is
/// there.
fn wait_for_path(path: &[u8]) {
    let watch = Fd::inotify_waiting();
    let mut room = Path::new();
    let mut events = [0; 512];
    while is_missing(b"", path) {
        let mut folder = path;
        while let Some(slash) = folder.iter().rposition(|&b| b == b'/') {
            folder = folder.get(..slash).unwrap_or_default();
            let whole: &[u8] = if folder.is_empty() { b"/" } else { folder };
            if joined(&mut room, &[whole]).is_some_and(|folder| watch.watch(folder)) {
                break;
            }
        }
        // It may have come before the watch began.
        if is_missing(b"", path) && fd::read(watch.raw(), &mut events).is_err() {
            calls::sleep(PORT_WAIT_MS);
        }
    }
}

/// How often an aide looks for a process that a unit left behind: for 10 seconds, between which
/// the last parent of it has gone.
const TRIES: u32 = 10_000 / TRY_MS as u32;
const TRY_MS: i64 = 50;

/// Finds the process that a unit is from now on and leaves word of it; comes back if there is
/// none. It has to be a child of the one that we are a child of, and in the unit's group.
fn follow(task: &Task<'_>) {
    let path = options::value(task.options, b"pidfile").unwrap_or_default();
    for _ in 0..TRIES {
        let named = match task.of {
            Pid(0) => {
                let mut bytes = [0; 32];
                // The folder may be that of the unit's user, who is not to choose what root opens.
                let file = files::open(path, fd::READ, 0);
                let count = file.and_then(|file| fd::read(file.raw(), &mut bytes)).unwrap_or(0);
                value::number(bytes.get(..count as usize).unwrap_or_default().trim_ascii())
            }
            Pid(heir) => Some(heir as u32),
        };
        if let Some(pid @ 2..PIDS_MAX) = named
            && parent_of(pid).is_some_and(|parent| parent == calls::parent() as u32)
        {
            if !is_of_the_unit(task, pid) || !is_within_rights(task, pid) {
                break;
            }
            let word = Fault::found(pid);
            fail_at(task.board, word.step, word.errno);
        }
        calls::sleep(TRY_MS);
    }
    kernel::exit(1)
}

/// Whether a process is in the group of the unit, where it has one: an orphan of another unit must
/// not be taken for its own.
fn is_of_the_unit(task: &Task<'_>, pid: u32) -> bool {
    // A line for each hierarchy of the first version may stand before ours.
    let mut bytes = [0; 4096];
    task.group.is_none_or(|group| group.may_hold(load_proc(pid, b"/cgroup", &mut bytes)))
}

/// Whether the unit may signal a process itself: it must not have us end one, by a number that it
/// says or writes down, which it has no right to end. From here on, the aide has no more rights
/// than the unit.
fn is_within_rights(task: &Task<'_>, pid: u32) -> bool {
    // SAFETY: the task holds the environment of every child.
    let vars = unsafe { Vars::new(task.envp) };
    let is_the_unit =
        vars.is_ok_and(|mut vars| setup::become_user(task.options, &mut vars).is_ok());
    is_the_unit && kernel::kill(pid as i32, Signal(0))
}

/// There is no process with this number: PID_MAX_LIMIT of the kernel.
const PIDS_MAX: u32 = 1 << 22;

/// A file of a process below /proc.
fn load_proc<'a>(pid: u32, name: &[u8], bytes: &'a mut [u8]) -> &'a [u8] {
    let mut number = Line::new();
    number.number(u64::from(pid));
    let mut room = Path::new();
    let path = joined(&mut room, &[b"/proc/", number.as_bytes(), name]);
    path.map_or(&[], |path| fd::load(path, bytes))
}

/// The parent of a process that has not ended, see proc(5). The name may hold anything, so what
/// counts begins behind its last bracket.
fn parent_of(pid: u32) -> Option<u32> {
    let mut bytes = [0; 512];
    let stat = load_proc(pid, b"/stat", &mut bytes);
    let end = stat.iter().rposition(|&b| b == b')')?;
    let mut words = stat.get(end + 1..)?.trim_ascii().split(|&b| b == b' ');
    let lives = words.next()? != b"Z";
    words.next().and_then(value::number).filter(|_| lives)
}

/// Looks whether a unit is well; comes back if it is.
fn look(task: &Task<'_>) {
    let value = |key: &[u8]| options::value(task.options, key);
    let size = |text| value::within(text, value::size, 1, i64::MAX);
    if let Some(most) = value(b"mem").and_then(size).filter(|_| task.memory) {
        match resident(task.of) {
            Some(pages) if pages * PAGE > most => fail_at(task.board, Step::Memory, 0),
            Some(_) => {}
            // Without /proc. A unit that has ended is nobody's concern any more.
            None => fail_at(task.board, Step::Memory, ENOENT),
        }
    }
    if let Some(port) = value(b"port").and_then(value::number)
        && let Err(errno) = connect(port as u16)
    {
        fail_at(task.board, Step::Port, errno);
    }
    if let Some(check) = value(b"check") {
        execute(task, check);
    }
}

/// The size of a page, in bytes.
const PAGE: i64 = 4096;

/// How many pages of memory a process has, see proc(5).
fn resident(pid: Pid) -> Option<i64> {
    let mut bytes = [0; 128];
    let pages = load_proc(pid.0 as u32, b"/statm", &mut bytes).split(|&b| b == b' ').nth(1)?;
    value::number(pages).map(i64::from)
}

/// Becomes the probe, with the rights of the unit.
fn execute(task: &Task<'_>, check: &[u8]) {
    // SAFETY: the task holds the environment of every child.
    let mut vars = match unsafe { Vars::new(task.envp) } {
        Ok(vars) => vars,
        Err(errno) => fail_at(task.board, Step::Exec, errno),
    };
    if let Err((place, errno)) = setup::apply(task.options, &mut vars) {
        fail_at(task.board, Step::Setting(place), errno);
    }
    let mut room = Path::new();
    let path: &CStr = joined(&mut room, &[check]).unwrap_or(c"");
    let argv = [path.as_ptr().cast(), core::ptr::null()];
    // SAFETY: both arrays are ended by a null, and hold strings that are still there.
    let errno = unsafe { kernel::execve(path, argv.as_ptr(), vars.pointer()) };
    fail_at(task.board, Step::Exec, errno);
}

/// An address of the internet protocols, see ip(7) and ipv6(7).
#[repr(C)]
struct Address {
    family: u16,
    port: [u8; 2],
    rest: [u8; 24],
}

/// Whether somebody of this machine answers at a port, by either protocol.
fn connect(port: u16) -> Result<()> {
    const AF_INET: u16 = 2;
    const AF_INET6: u16 = 10;
    let port = port.to_be_bytes();
    let mut old = Address { family: AF_INET, port, rest: [0; 24] };
    (old.rest[0], old.rest[3]) = (127, 1);
    let mut new = Address { family: AF_INET6, port, rest: [0; 24] };
    new.rest[19] = 1;
    connect_to(&old, 16).or_else(|errno| connect_to(&new, 28).map_err(|_| errno))
}

fn connect_to(address: &Address, len: usize) -> Result<()> {
    const SOCK_STREAM: u32 = 1;
    let kind = SOCK_STREAM | fd::CLOSE_ON_EXEC;
    // SAFETY: socket takes numbers, and connect reads as much of the address as there is.
    unsafe {
        let socket = Fd::from_call(raw_syscall!(Sysno::socket, address.family, kind, 0));
        let number = socket.opened()?;
        let address = core::ptr::from_ref(address);
        outcome(raw_syscall!(Sysno::connect, number, address, len)).map(drop)
    }
}
