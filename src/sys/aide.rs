//! Aides: children that find out for us whether a unit is ready, and whether it is well. They may
//! hang; we do not.

use core::ffi::CStr;

use heapless::Vec;
use pidone::machine::care::Errand;
use pidone::machine::{Pid, Step};
use pidone::wire::lines::LOGICAL_MAX;
use pidone::wire::{options, value};
use syscalls::{Sysno, raw_syscall};

use super::child::{Board, fail_at};
use super::fd::{self, Fd};
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
    }
    kernel::exit(0)
}

fn wait_until_ready(task: &Task<'_>) {
    let when = options::value(task.options, b"ready").unwrap_or_default();
    match options::port(when) {
        Some(port) => {
            while connect(port).is_err() {
                kernel::sleep(PORT_WAIT_MS);
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
            kernel::sleep(PORT_WAIT_MS);
        }
    }
}

/// Looks whether a unit is well; comes back if it is.
fn look(task: &Task<'_>) {
    let value = |key: &[u8]| options::value(task.options, key);
    let size = |text| value::within(text, value::size, 1, i64::MAX);
    if let Some(most) = value(b"mem").and_then(size)
        && resident(task.of).is_some_and(|pages| pages * PAGE > most)
    {
        fail_at(task.board, Step::Memory, 0);
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
    let mut number = pidone::wire::text::Line::new();
    number.number(pid.0 as u64);
    let mut room = Path::new();
    let path = joined(&mut room, &[b"/proc/", number.as_bytes(), b"/statm"])?;
    let mut bytes = [0; 128];
    let pages = fd::load(path, &mut bytes).split(|&b| b == b' ').nth(1)?;
    value::number(pages).map(i64::from)
}

/// Becomes the probe, with the rights of the unit.
fn execute(task: &Task<'_>, check: &[u8]) {
    // SAFETY: the task holds the environment of every child.
    let mut vars = unsafe { Vars::new(task.envp) };
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
