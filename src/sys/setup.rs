//! What the options of a line ask of the process that becomes the unit. All of it is done in the
//! child: a file that is read here may lie on a dead disk.

use core::ffi::CStr;

use heapless::Vec;
use pidone::wire::accounts::{self, GROUPS_MAX, User};
use pidone::wire::lines::LOGICAL_MAX;
use pidone::wire::names::{at, cut, take};
use pidone::wire::{errno, options, value, variables};
use syscalls::{Sysno, raw_syscall};

use super::fd::{self, Fd};
use super::kernel::{Result, outcome};
use super::start::joined;

/// The most variables of a child that has options, the null at the end included. An init has at
/// most 64; what supervises in a container may have been given more, by an orchestrator that names
/// its services there.
const VARS_MAX: usize = 512;

/// Room for the variables of a child's own, in bytes: the longest file and what we set.
const BYTES_MAX: usize = variables::FILE_MAX + 1024;

/// The environment of a child: that of init with the child's own variables in it.
pub struct Vars {
    list: Vec<*const u8, VARS_MAX>,
    bytes: Vec<u8, BYTES_MAX>,
}

impl Vars {
    /// The environment that an array ended by a null holds, or that it is too long: half of it
    /// would be another one.
    ///
    /// # Safety
    /// The array is one, of strings that live as long as what is made of it.
    pub unsafe fn new(envp: *const *const u8) -> Result<Vars> {
        let mut list = Vec::new();
        for index in 0..VARS_MAX {
            // SAFETY: the loop ends with the null.
            let var = unsafe { *envp.add(index) };
            if var.is_null() {
                return Ok(Vars { list, bytes: Vec::new() });
            }
            let _ = list.push(var);
        }
        Err(errno::E2BIG)
    }

    /// Sets a variable. From the first one on, this must not move.
    #[inline(never)]
    pub fn set(&mut self, name: &[u8], value: &[u8]) -> Result<()> {
        let begin = self.bytes.len();
        for part in [name, b"=", value, b"\0"] {
            self.bytes.extend_from_slice(part).map_err(|_| errno::E2BIG)?;
        }
        let pointer = self.bytes.get(begin..).unwrap_or_default().as_ptr();
        let named = |&var: &*const u8| {
            // SAFETY: every pointer of the list leads to a string.
            let var = unsafe { CStr::from_ptr(var.cast()) };
            cut(var.to_bytes(), b'=').is_some_and(|(is, _)| is == name)
        };
        if let Some(place) = self.list.iter().position(named)
            && let Some(old) = self.list.get_mut(place)
        {
            *old = pointer;
        } else if self.list.len() + 1 < VARS_MAX {
            // The last place is for the null.
            let _ = self.list.push(pointer);
        } else {
            return Err(errno::E2BIG);
        }
        Ok(())
    }

    /// The array for execve.
    pub fn pointer(&mut self) -> *const *const u8 {
        let _ = self.list.push(core::ptr::null());
        self.list.as_ptr()
    }
}

/// Who a process is to be, as far as its line says so.
struct Identity {
    uid: Option<u32>,
    gid: Option<u32>,
    groups: Vec<u32, GROUPS_MAX>,
}

/// The steps that come before the root changes, by their places among the settings.
const BEFORE_ROOT: usize = 5;
const USER: usize = 5;
const GROUP: usize = 6;
const ROOT: usize = 7;
const DIR: usize = 8;
const NNP: usize = 9;

/// Does what the options ask for, or says which of them failed, by its place, and why. What needs
/// a right is done before it is given away; a folder is entered with the rights of the user.
pub fn apply(field: &[u8], vars: &mut Vars) -> Outcome {
    let value = |place| setting(field, place);
    for place in 0..BEFORE_ROOT {
        if let Some(text) = value(place) {
            set(place, text, vars).map_err(failed(place))?;
        }
    }
    let who = Identity::find(field, vars)?;
    if let Some(root) = value(ROOT) {
        change_root(root).map_err(failed(ROOT))?;
    }
    who.assume()?;
    if let Some(dir) = value(DIR) {
        enter(dir).map_err(failed(DIR))?;
    }
    if value(NNP).is_some() {
        forgo_privileges().map_err(failed(NNP))?;
    }
    Ok(())
}

/// What came of setting up: the place of the setting that failed, and why.
type Outcome<T = ()> = core::result::Result<T, (u8, u16)>;

fn setting(field: &[u8], place: usize) -> Option<&[u8]> {
    options::value(field, at(options::SETTINGS, place).unwrap_or(b""))
}

fn failed(place: usize) -> impl Fn(u16) -> (u8, u16) {
    move |errno| (place as u8, errno)
}

/// Becomes the user that the options ask for, and nothing else.
pub fn become_user(field: &[u8], vars: &mut Vars) -> Outcome {
    Identity::find(field, vars)?.assume()
}

/// Takes away what an earlier life has written down: it would be taken for the new one's.
pub fn forget_pidfile(field: &[u8]) {
    let mut room = Path::new();
    if let Some(path) = options::value(field, b"pidfile")
        && let Ok(path) = c_path(&mut room, path)
    {
        // SAFETY: the kernel reads a string.
        unsafe { raw_syscall!(Sysno::unlink, path.as_ptr()) };
    }
}

/// Does one of the first settings.
fn set(place: usize, text: &[u8], vars: &mut Vars) -> Result<()> {
    match place {
        0 => set_umask(text),
        1 => set_nice(text),
        2 => set_oom(text),
        3 => set_nofile(text),
        _ => set_vars(text, vars),
    }
}

fn set_umask(text: &[u8]) -> Result<()> {
    let mask = value::octal(text).ok_or(errno::EINVAL)?;
    // SAFETY: umask takes a number.
    outcome(unsafe { raw_syscall!(Sysno::umask, mask) }).map(drop)
}

/// A number that was checked when the line was read.
fn signed(text: &[u8]) -> Result<isize> {
    value::within(text, value::plain, i64::from(i32::MIN), i64::from(u32::MAX))
        .map(|number| number as isize)
        .ok_or(errno::EINVAL)
}

fn set_nice(text: &[u8]) -> Result<()> {
    let nice = signed(text)?;
    // SAFETY: setpriority takes numbers.
    outcome(unsafe { raw_syscall!(Sysno::setpriority, 0, 0, nice) }).map(drop)
}

fn set_oom(text: &[u8]) -> Result<()> {
    let file = Fd::open(c"/proc/self/oom_score_adj", fd::WRITE | fd::CLOSE_ON_EXEC);
    file.opened()?;
    fd::write(file.raw(), text).map(drop)
}

fn set_nofile(text: &[u8]) -> Result<()> {
    const RLIMIT_NOFILE: usize = 7;
    let most = signed(text)? as u64;
    let limit = [most, most];
    // SAFETY: the kernel reads two numbers.
    outcome(unsafe { raw_syscall!(Sysno::setrlimit, RLIMIT_NOFILE, limit.as_ptr()) }).map(drop)
}

fn set_vars(path: &[u8], vars: &mut Vars) -> Result<()> {
    let mut room = [0; variables::FILE_MAX + 1];
    let file = load(path, &mut room)?;
    let mut fits = Ok(());
    let good = variables::each(file, &mut |name, value| {
        if fits.is_ok() {
            fits = vars.set(name, value);
        }
    });
    if good { fits } else { Err(errno::EINVAL) }
}

/// Reads a whole file; the room is one byte larger than the file may be.
#[inline(never)]
fn load<'a>(path: &[u8], room: &'a mut [u8]) -> Result<&'a [u8]> {
    let mut name = Path::new();
    let path = c_path(&mut name, path)?;
    Fd::open(path, fd::READ | fd::CLOSE_ON_EXEC).opened()?;
    let most = room.len();
    let file = fd::load(path, room);
    if file.len() < most { Ok(file) } else { Err(errno::EFBIG) }
}

/// A path with its NUL.
type Path = Vec<u8, { LOGICAL_MAX + 1 }>;

#[inline(never)]
fn c_path<'a>(room: &'a mut Path, path: &[u8]) -> Result<&'a CStr> {
    joined(room, &[path]).ok_or(errno::ENOENT)
}

impl Identity {
    /// Finds out who a process is to be.
    #[inline(never)]
    fn find(field: &[u8], vars: &mut Vars) -> Outcome<Identity> {
        let mut who = Identity { uid: None, gid: None, groups: Vec::new() };
        let groups = setting(field, GROUP);
        if let Some(user) = setting(field, USER) {
            who.find_user(user, groups.is_some(), vars).map_err(failed(USER))?;
        }
        if let Some(groups) = groups {
            who.find_groups(groups).map_err(failed(GROUP))?;
        }
        Ok(who)
    }

    /// Finds a user with all groups, and tells the environment.
    #[inline(never)]
    fn find_user(&mut self, wanted: &[u8], has_group: bool, vars: &mut Vars) -> Result<()> {
        let mut room = [0; accounts::FILE_MAX + 1];
        let passwd = load(b"/etc/passwd", &mut room);
        let user = match passwd.map(|passwd| accounts::user(passwd, wanted)) {
            Ok(Some(user)) => user,
            Err(errno) if accounts::id(wanted).is_none() || !has_group => return Err(errno),
            // A number needs no name, but nobody is to guess its group.
            Ok(None) | Err(_) => {
                let uid = accounts::id(wanted).filter(|_| has_group).ok_or(errno::ESRCH)?;
                self.uid = Some(uid);
                return Ok(());
            }
        };
        (self.uid, self.gid) = (Some(user.uid), Some(user.gid));
        self.add_groups_of(&user)?;
        vars.set(b"USER", user.name)?;
        vars.set(b"LOGNAME", user.name)?;
        vars.set(b"HOME", user.home)
    }

    #[inline(never)]
    fn add_groups_of(&mut self, user: &User<'_>) -> Result<()> {
        let mut room = [0; accounts::FILE_MAX + 1];
        let file = match load(b"/etc/group", &mut room) {
            Err(errno::ENOENT) => &[],
            file => file?,
        };
        let mut fits = Ok(());
        accounts::groups_of(file, user.name, &mut |gid| {
            fits = fits.and(self.groups.push(gid).map_err(|_| errno::E2BIG));
        });
        fits
    }

    /// Finds the groups that are named: the first becomes the process's own.
    #[inline(never)]
    fn find_groups(&mut self, wanted: &[u8]) -> Result<()> {
        let mut room = [0; accounts::FILE_MAX + 1];
        let file = load(b"/etc/group", &mut room);
        let mut names = wanted;
        self.gid = None;
        while !names.is_empty() {
            let name = take(&mut names, b'+');
            let gid = match file {
                Ok(file) => accounts::group(file, name).ok_or(errno::ESRCH)?,
                Err(errno) => accounts::id(name).ok_or(errno)?,
            };
            match self.gid {
                None => self.gid = Some(gid),
                Some(_) => self.groups.push(gid).map_err(|_| errno::E2BIG)?,
            }
        }
        Ok(())
    }

    /// Becomes that.
    fn assume(&self) -> Outcome {
        self.change().map_err(failed(if self.uid.is_some() { USER } else { GROUP }))
    }

    /// Groups first, since a user who is not root may not change them.
    #[inline(never)]
    fn change(&self) -> Result<()> {
        if let Some(gid) = self.gid {
            let groups = &self.groups;
            // SAFETY: the kernel reads that many numbers.
            outcome(unsafe { raw_syscall!(Sysno::setgroups, groups.len(), groups.as_ptr()) })?;
            // SAFETY: setresgid takes numbers.
            outcome(unsafe { raw_syscall!(Sysno::setresgid, gid, gid, gid) })?;
        }
        if let Some(uid) = self.uid {
            // SAFETY: setresuid takes numbers.
            outcome(unsafe { raw_syscall!(Sysno::setresuid, uid, uid, uid) })?;
        }
        Ok(())
    }
}

fn change_root(path: &[u8]) -> Result<()> {
    enter(path)?;
    // SAFETY: the kernel reads a string.
    outcome(unsafe { raw_syscall!(Sysno::chroot, c".".as_ptr()) }).map(drop)
}

#[inline(never)]
fn enter(path: &[u8]) -> Result<()> {
    let mut room = Path::new();
    let path = c_path(&mut room, path)?;
    // SAFETY: the kernel reads a string.
    outcome(unsafe { raw_syscall!(Sysno::chdir, path.as_ptr()) }).map(drop)
}

fn forgo_privileges() -> Result<()> {
    const PR_SET_NO_NEW_PRIVS: usize = 38;
    // SAFETY: prctl takes numbers here.
    outcome(unsafe { raw_syscall!(Sysno::prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }).map(drop)
}
