//! Every process below us: as process 1 all there are, elsewhere those whose line of parents leads
//! to us.

use pidone::machine::Pid;
use pidone::wire::names::take;
use pidone::wire::signals::Signal;
use pidone::wire::value;

use super::relay::read_about;
use crate::sys::fd::{self, Fd};
use crate::sys::kernel;

/// No line of parents is longer: there are no more processes, by pid_max of proc(5).
const ANCESTORS_MAX: u32 = 1 << 22;

/// Sends every process below us a signal, and CONT to those that are stopped; whether there is one.
/// Signal 0 only looks.
pub fn signal(signal: Signal) -> bool {
    if kernel::own_pid() == 1 {
        return to_all(-1, signal);
    }
    let own = Pid(kernel::own_pid());
    let folder = Fd::open(c"/proc", fd::READ | fd::FOLDER | fd::CLOSE_ON_EXEC);
    let mut room = [0u8; 1024];
    let mut any = false;
    while let Ok(count @ 1..) = fd::entries(&folder, &mut room) {
        let mut rest = room.get(..count as usize).unwrap_or(&[]);
        while let Some(name) = fd::next_entry(&mut rest) {
            let pid = value::number(name).map(|number| Pid(number as i32));
            if let Some(pid) = pid.filter(|pid| *pid != own && is_below(*pid, own)) {
                any |= to_all(pid.0, signal);
            }
        }
    }
    any
}

fn to_all(whom: i32, signal: Signal) -> bool {
    let sent = kernel::send(whom, signal).is_ok();
    if sent && signal != Signal::KILL && signal != Signal(0) {
        let _ = kernel::send(whom, Signal::CONT);
    }
    sent
}

fn is_below(pid: Pid, above: Pid) -> bool {
    let mut parent = pid;
    for _ in 0..ANCESTORS_MAX {
        match parent_of(parent) {
            Some(Pid(0 | 1)) | None => return false,
            Some(next) if next == above => return true,
            Some(next) => parent = next,
        }
    }
    false
}

/// The fourth field of proc_pid_stat(5). The second one is a name in brackets, which may hold
/// anything of at most 64 bytes.
fn parent_of(pid: Pid) -> Option<Pid> {
    let mut room = [0u8; 128];
    let stat = read_about(pid, b"/stat", &mut room);
    let end = stat.iter().rposition(|&byte| byte == b')')?;
    let mut fields = stat.get(end + 2..)?;
    take(&mut fields, b' ');
    Some(Pid(value::number(take(&mut fields, b' '))? as i32))
}
