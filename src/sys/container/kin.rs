//! Every process below us: as process 1 all there are, elsewhere those whose line of parents leads
//! to us.

use pidone::machine::Pid;
use pidone::machine::container::Left;
use pidone::wire::container::Target;
use pidone::wire::errno::EPERM;
use pidone::wire::names::take;
use pidone::wire::signals::Signal;
use pidone::wire::value;

use super::relay::{read_about, relay};
use crate::sys::fd::{self, Fd};
use crate::sys::kernel;

/// No line of parents is longer: there are no more processes, by pid_max of proc(5).
const ANCESTORS_MAX: u32 = 1 << 22;

/// Sends every process below us a signal, and CONT to those that are stopped; who is left then.
#[cold]
#[inline(never)]
pub fn signal_all(main: Option<Pid>, signal: Signal) -> Left {
    let any = self::signal(main, signal);
    if kernel::has_children() {
        Left::Children
    } else if any {
        Left::Others
    } else {
        Left::Nobody
    }
}

/// Sends every process below us a signal; whether there is one. Signal 0 only looks.
pub fn signal(main: Option<Pid>, signal: Signal) -> bool {
    let own = Pid(kernel::own_pid());
    if own != Pid(1) {
        // The main child is known without /proc, which may not be there or not show it.
        let told = main.is_some_and(|main| to_one(main, signal));
        return to_those_below(own, main, signal) || told;
    }
    let any = kernel::send(-1, signal).is_ok();
    if any && signal != Signal(0) {
        if is_heeded_awake(signal) {
            let _ = kernel::send(-1, Signal::CONT);
        }
        // The kernel does not say whom it refused to signal.
        each_process(|pid| main != Some(pid) && is_refused(pid) && to_one(pid, signal));
        if let Some(main) = main
            && is_refused(main)
        {
            to_one(main, signal);
        }
    }
    any
}

fn is_refused(pid: Pid) -> bool {
    pid.0 > 1 && kernel::send(pid.0, Signal(0)) == Err(EPERM)
}

/// Whether whoever is stopped has to go on before it heeds a signal.
fn is_heeded_awake(signal: Signal) -> bool {
    signal != Signal::KILL && signal != Signal(0)
}

fn to_one(pid: Pid, signal: Signal) -> bool {
    let sent = relay(pid, Target::Child, signal).is_none();
    if sent && is_heeded_awake(signal) {
        relay(pid, Target::Child, Signal::CONT);
    }
    sent
}

fn to_those_below(own: Pid, main: Option<Pid>, signal: Signal) -> bool {
    each_process(|pid| main != Some(pid) && is_below(pid, own) && to_one(pid, signal))
}

/// Does something with every process that /proc lists; whether it is true of one.
fn each_process(mut so: impl FnMut(Pid) -> bool) -> bool {
    let folder = Fd::open(c"/proc", fd::READ | fd::FOLDER | fd::CLOSE_ON_EXEC);
    let mut room = [0u8; 1024];
    let mut any = false;
    while let Ok(count @ 1..) = fd::entries(&folder, &mut room) {
        let mut rest = room.get(..count as usize).unwrap_or(&[]);
        while let Some(name) = fd::next_entry(&mut rest) {
            any |= value::number(name).is_some_and(|number| so(Pid(number as i32)));
        }
    }
    any
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
