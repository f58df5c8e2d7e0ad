//! Passing signals on to the main child.

use core::ffi::CStr;

use heapless::Vec;
use pidone::machine::Pid;
use pidone::wire::container::Target;
use pidone::wire::errno::{EPERM, ESRCH};
use pidone::wire::names::take;
use pidone::wire::signals::Signal;
use pidone::wire::text::Line;
use pidone::wire::value;

use crate::sys::fd;
use crate::sys::kernel::{self, Result};
use crate::sys::start::joined;

/// Passes a signal on; what failed, if something did.
pub fn relay(to: Pid, target: Target, signal: Signal) -> Option<u16> {
    match attempt(to, target, signal) {
        Ok(_) => None,
        Err(EPERM) => as_its_user(to, target, signal),
        Err(errno) => Some(errno),
    }
}

/// Until the child leads its group, there is none.
fn attempt(to: Pid, target: Target, signal: Signal) -> Result<u32> {
    match target {
        Target::Child => kernel::send(to.0, signal),
        Target::Group => match kernel::send(-to.0, signal) {
            Err(ESRCH) => kernel::send(to.0, signal),
            sent => sent,
        },
    }
}

/// The child has become another user, and we may not signal that one: but maybe become it for a
/// moment.
#[cold]
#[inline(never)]
fn as_its_user(to: Pid, target: Target, signal: Signal) -> Option<u16> {
    let (own, parent) = (kernel::own_user(), kernel::parent_pid());
    let at_its_end = kernel::followed();
    match user_of(to) {
        Some(user) if kernel::act_as(user) => {
            let sent = attempt(to, target, signal);
            // The saved user is still ours, so that this is always allowed.
            kernel::act_as(own);
            // Whoever changes its user does not follow its parent any more, see prctl(2).
            if let Some(at_its_end) = at_its_end {
                kernel::follow_parent(at_its_end);
                if kernel::parent_pid() != parent {
                    kernel::remind(at_its_end);
                }
            }
            sent.err()
        }
        _ => Some(EPERM),
    }
}

/// The real user of a process, by the line `Uid:` of proc_pid_status(5).
fn user_of(pid: Pid) -> Option<u32> {
    let mut room = [0u8; 1024];
    let mut text = read_about(pid, b"/status", &mut room);
    while !text.is_empty() {
        if let Some(mut users) = take(&mut text, b'\n').strip_prefix(b"Uid:\t") {
            return value::number(take(&mut users, b'\t'));
        }
    }
    None
}

/// Reads a file of /proc about a process.
pub fn read_about<'a>(pid: Pid, what: &[u8], room: &'a mut [u8]) -> &'a [u8] {
    let mut number = Line::new();
    number.number(pid.0 as u64);
    let mut path: Vec<u8, 64> = Vec::new();
    let path: Option<&CStr> = joined(&mut path, &[b"/proc/", number.as_bytes(), what]);
    path.map_or(&[], |path| fd::load(path, room))
}
