//! Becoming somebody else for good, see credentials(7).

use core::ffi::CStr;

use pidone::wire::errno::{ENOSYS, EPERM};
use syscalls::{Sysno, raw_syscall};

use super::kernel::{self, Result, is_fine, outcome};

/// The user that we are and the one that started us.
pub fn ids() -> (u32, u32) {
    // SAFETY: neither has arguments, and neither can fail.
    unsafe { (raw_syscall!(Sysno::geteuid) as u32, raw_syscall!(Sysno::getuid) as u32) }
}

/// Takes on the groups, the group and the user, in this order: after the last one the others
/// could not be done. Comes back with what failed and why.
pub fn become_user(uid: u32, gid: u32, groups: &[u32]) -> core::result::Result<(), Refused> {
    let (count, list) = (groups.len(), groups.as_ptr());
    // SAFETY: the kernel reads so many numbers.
    match step(b"take on the groups", unsafe { raw_syscall!(Sysno::setgroups, count, list) }) {
        // A kernel that was built for root alone has none of these calls.
        Err((_, ENOSYS)) if uid == 0 => return Ok(()),
        outcome => outcome?,
    }
    // SAFETY: both take numbers.
    step(b"take on the group", unsafe { raw_syscall!(Sysno::setgid, gid) })?;
    // SAFETY: as above.
    step(b"become the user", unsafe { raw_syscall!(Sysno::setuid, uid) })?;
    let good = three(Sysno::getresuid) == Ok([uid; 3]) && three(Sysno::getresgid) == Ok([gid; 3]);
    // Somebody who can still become root has not become somebody else.
    // SAFETY: setuid takes a number.
    let back = uid != 0 && is_fine(unsafe { raw_syscall!(Sysno::setuid, 0) });
    if good && !back && holds_groups(groups) {
        Ok(())
    } else {
        Err((b"become the user for good", EPERM))
    }
}

/// What could not be done, and the error number.
pub type Refused = (&'static [u8], u16);

fn step(what: &'static [u8], returned: usize) -> core::result::Result<(), Refused> {
    outcome(returned).map(|_| ()).map_err(|errno| (what, errno))
}

/// The real, the effective and the saved one.
fn three(call: Sysno) -> Result<[u32; 3]> {
    let mut ids = [0u32; 3];
    let at = ids.as_mut_ptr();
    // SAFETY: both calls write three numbers.
    outcome(unsafe { raw_syscall!(call, at, at.add(1), at.add(2)) }).map(|_| ids)
}

/// The most groups that somebody is given: ten times what anybody has.
pub const GROUPS_MAX: usize = 256;

/// Whether these are our groups, in whatever order the kernel keeps them.
fn holds_groups(groups: &[u32]) -> bool {
    let mut now = [0u32; GROUPS_MAX];
    // SAFETY: the kernel writes at most that many numbers.
    let count = outcome(unsafe { raw_syscall!(Sysno::getgroups, GROUPS_MAX, now.as_mut_ptr()) });
    let Some(now) = count.ok().and_then(|count| now.get(..count as usize)) else {
        return false;
    };
    now.len() == groups.len() && groups.iter().all(|group| now.contains(group))
}

/// The most variables of an environment: four times what a desktop has.
pub const VARS_MAX: usize = 256;

/// Becomes a program with one word; comes back with the error number.
pub fn execute(path: &CStr, word: &CStr, vars: &[&CStr]) -> u16 {
    let mut envp = [core::ptr::null(); VARS_MAX + 1];
    // Behind the last variable a null stays.
    for (place, var) in envp.iter_mut().zip(vars.iter().take(VARS_MAX)) {
        *place = var.as_ptr().cast();
    }
    let argv = [word.as_ptr().cast(), core::ptr::null()];
    // SAFETY: both arrays hold strings and end with a null.
    unsafe { kernel::execve(path, argv.as_ptr(), envp.as_ptr()) }
}

/// Makes a folder the current one.
pub fn change_folder(path: &CStr) -> Result<u32> {
    // SAFETY: the kernel reads a string.
    outcome(unsafe { raw_syscall!(Sysno::chdir, path.as_ptr()) })
}

/// Whether there is such a file.
pub fn exists(path: &CStr) -> bool {
    // SAFETY: the kernel reads a string; 0 asks for being there.
    is_fine(unsafe { raw_syscall!(Sysno::access, path.as_ptr(), 0) })
}

/// The name of the machine and the release of its kernel, see uname(2).
pub struct Machine([u8; 6 * 65]);

impl Machine {
    /// Asks the kernel.
    pub fn ask() -> Machine {
        let mut names = [0; 6 * 65];
        // SAFETY: uname writes six names of 65 bytes.
        unsafe { raw_syscall!(Sysno::uname, names.as_mut_ptr()) };
        Machine(names)
    }

    /// The name of the machine on the net.
    pub fn name(&self) -> &[u8] {
        let name = self.0.get(65..130).unwrap_or(&[]);
        pidone::wire::names::take(&mut { name }, 0)
    }
}
