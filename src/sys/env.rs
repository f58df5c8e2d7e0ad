//! The environment of everything we start: what BusyBox init sets, and what we were given.

use core::ffi::CStr;

use heapless::Vec;
use pidone::wire::names::{cut, place};

use super::start::{Args, joined};

/// The most variables, the null at the end included. The kernel hands at most 32 to the first
/// process.
const VARS_MAX: usize = 64;

/// The folders in which programs are looked for.
pub const PATH: &CStr = c"PATH=/sbin:/usr/sbin:/bin:/usr/bin";

/// The variables that we set, and last the one that we set if we were given a runlevel.
const OURS: &[u8] = b"TERM PATH SHELL USER HOME RUNLEVEL";
/// The place of that one.
const RUNLEVEL: usize = 5;

const RUNLEVEL_IS: &[u8] = b"RUNLEVEL=";
/// The longest runlevel that is passed on, in bytes: the words for it are single letters.
const LEVEL_MAX: usize = 20;

/// Pointers to `NAME=value` strings that live as long as the process.
pub struct Env {
    vars: Vec<*const u8, VARS_MAX>,
    /// Variables there was no room for.
    pub lost: u32,
    runlevel: Vec<u8, { RUNLEVEL_IS.len() + LEVEL_MAX + 1 }>,
}

impl Env {
    /// An empty environment.
    pub const fn new() -> Self {
        Env { vars: Vec::new(), lost: 0, runlevel: Vec::new() }
    }

    /// Sets everything. `on_serial` tells whether the console is no virtual terminal.
    pub fn fill(&'static mut self, args: Args, on_serial: bool) -> &'static Env {
        self.add(Env::term(args, on_serial));
        self.add(PATH);
        self.add(c"SHELL=/bin/sh");
        self.add(c"USER=root");
        self.add(c"HOME=/");
        let mut last = RUNLEVEL - 1;
        if let Some(level) = args.get(1) {
            last = RUNLEVEL;
            self.set_runlevel(level.to_bytes());
        }
        for var in args.env() {
            let name = cut(var.to_bytes(), b'=').map(|(name, _)| name);
            if name.and_then(|name| place(OURS, name)).is_none_or(|place| place > last) {
                self.add(var);
            }
        }
        let _ = self.vars.push(core::ptr::null());
        self
    }

    /// The type of the terminal: what we were given, unless it is usual for the other kind.
    pub fn term(args: Args, on_serial: bool) -> &'static CStr {
        let (usual, other) = match on_serial {
            true => (c"TERM=vt102", c"TERM=linux"),
            false => (c"TERM=linux", c"TERM=vt102"),
        };
        args.var(b"TERM").filter(|term| *term != other).unwrap_or(usual)
    }

    /// The array for execve.
    pub fn pointer(&self) -> *const *const u8 {
        self.vars.as_ptr()
    }

    fn set_runlevel(&mut self, level: &[u8]) {
        let level = level.get(..LEVEL_MAX).unwrap_or(level);
        if let Some(var) = joined(&mut self.runlevel, &[RUNLEVEL_IS, level]) {
            let pointer = var.as_ptr().cast();
            self.push(pointer);
        }
    }

    fn add(&mut self, var: &'static CStr) {
        self.push(var.as_ptr().cast());
    }

    fn push(&mut self, pointer: *const u8) {
        // The last place is for the null.
        if self.vars.len() + 1 >= VARS_MAX || self.vars.push(pointer).is_err() {
            self.lost += 1;
        }
    }
}

// SAFETY: the pointers lead to memory that nobody writes to after `fill`.
unsafe impl Sync for Env {}
