//! Reaping at a price that does not grow with how many children live.
//!
//! wait4(-1) walks past every child that lives before it finds one that has ended. The signal says
//! which one it is about, so that one is reaped by its number. But signals merge: behind one may be
//! many. So after it all of them are looked for, at once where that is cheap, and otherwise so
//! seldom that it takes a small part of the time.

use core::ffi::CStr;

use pidone::machine::Pid;
use pidone::machine::time::Instant;

use super::fd::{self, Fd};
use super::kernel::{self, Reaped};

/// So many children are reaped before somebody else gets a hearing: whoever floods us with orphans
/// must not keep us from signals and deadlines.
const BATCH: usize = 64;

/// Where a look is dear, it goes through all children, and while others end there is always one
/// more: the rest is for the next look.
const DEAR_BATCH: usize = 1;

/// A look for children that takes no longer than this, in nanoseconds, is cheap: it is what some
/// hundred live children cost, and less than waking up again.
const CHEAP_NS: u64 = 20_000;

/// What is not cheap is waited with for so many times what it cost: it takes 6 % of the time.
const REST: u64 = 16;

/// The power of two that a millisecond has of nanoseconds, near enough.
const MILLI: u32 = 20;

/// The longest time that a child that has ended is not looked for.
const REST_MAX_MS: u64 = 50;

/// The clock is read for every look with this mask on its number.
const SAMPLE_MASK: u8 = 15;

/// Whether there may be children that have ended and have not been reaped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Children {
    /// None but those whose signal is in the queue.
    Settled,
    /// Some, and it is looked for them as soon as nobody asks for anything else.
    Pending,
    /// Some, and it is looked for them at this time.
    Later(Instant),
}

/// Reaps.
pub struct Reaper {
    /// What may be left.
    pub children: Children,
    /// Nanoseconds that one call takes, and took when the clock was last read for it.
    cost: u64,
    before: u64,
    /// What the last look took that was dear, with all that it found.
    whole: u64,
    looks: u8,
}

impl Reaper {
    /// One that has not looked yet.
    pub const fn new() -> Self {
        Reaper { children: Children::Settled, cost: 0, before: 0, whole: 0, looks: 0 }
    }

    /// Before the next wait somebody else gets a hearing.
    pub fn let_others_be_heard(&mut self) {
        if self.children == Children::Settled {
            self.children = Children::Pending;
        }
    }

    /// Before the next signal it is looked for children: of signals that somebody sends on and on
    /// there may be no end either, and those with lower numbers come before that of a child.
    pub fn let_children_be_heard(&mut self) {
        match self.children {
            Children::Settled | Children::Pending => {
                self.children = Children::Later(Instant::from_millis(0));
            }
            Children::Later(_) => {}
        }
    }

    /// The signal of a child came: reaps it, and others that have ended, one by one.
    pub fn heard_of(&mut self, pid: Pid, each: &mut dyn FnMut(Reaped)) {
        // Whoever sends the signal by hand names himself. ANY and groups are no numbers of
        // children.
        if pid.0 > 0
            && let reaped @ (Reaped::Child(..) | Reaped::Stopped(..)) = kernel::reap(pid)
        {
            each(reaped);
        }
        match self.children {
            Children::Settled if self.cost <= CHEAP_NS => self.look(each),
            Children::Settled => self.put_off(),
            Children::Pending | Children::Later(_) => {}
        }
    }

    /// Looks for children that have ended and reaps a batch of them.
    pub fn look(&mut self, each: &mut dyn FnMut(Reaped)) {
        self.looks = self.looks.wrapping_add(1);
        let dear = self.cost > CHEAP_NS;
        let begun = (dear || self.looks & SAMPLE_MASK == 1).then(kernel::nanos);
        let first = kernel::reap(kernel::ANY);
        if let Some(begun) = begun {
            self.learn(kernel::nanos().saturating_sub(begun));
        }
        let batch = match dear {
            true => DEAR_BATCH,
            // The next call will tell whether this one was dear or only interrupted.
            false if self.before > CHEAP_NS => 1,
            false => BATCH,
        };
        self.reap_batch(batch, dear, first, each);
        if let (true, Some(begun)) = (dear, begun) {
            self.whole = kernel::nanos().saturating_sub(begun);
            if self.children == Children::Pending {
                self.put_off();
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn put_off(&mut self) {
        let rest = ((self.whole.max(self.cost) * REST) >> MILLI).clamp(1, REST_MAX_MS);
        self.children = Children::Later(kernel::now().plus(rest as u32));
    }

    /// A call that took long may have been interrupted, so only the second one in a row counts.
    fn learn(&mut self, took: u64) {
        self.cost = took.min(self.before);
        self.before = took;
        if took > CHEAP_NS {
            self.looks = 0;
        }
    }

    fn reap_batch(
        &mut self,
        batch: usize,
        dear: bool,
        first: Reaped,
        each: &mut dyn FnMut(Reaped),
    ) {
        let mut reaped = first;
        self.children = Children::Pending;
        for left in (0..batch).rev() {
            match reaped {
                Reaped::Child(..) | Reaped::Stopped(..) => each(reaped),
                Reaped::Childless | Reaped::None => {
                    self.children = Children::Settled;
                    if let Reaped::Childless = reaped {
                        each(reaped);
                    }
                    return;
                }
            }
            if dear {
                walk(each);
            }
            if left == 0 {
                return;
            }
            reaped = kernel::reap(kernel::ANY);
        }
    }
}

/// The kernel hands its list of children out by pages.
const PIECE: usize = 4096;

/// The kernel's list of our children, with a NUL. It has a name of its own so that it lies with the
/// code that needs it, which stays in memory.
static CHILDREN: [u8; 27] = *b"/proc/thread-self/children\0";

/// Tries every child that the kernel lists by its number.
#[cold]
#[inline(never)]
fn walk(each: &mut dyn FnMut(Reaped)) {
    // SAFETY: there is one NUL, at the end.
    let path = unsafe { CStr::from_bytes_with_nul_unchecked(&CHILDREN) };
    let list = Fd::open(path, fd::READ | fd::CLOSE_ON_EXEC);
    let mut room = [0u8; PIECE];
    let mut number = 0i32;
    while let Ok(count @ 1..) = fd::read(list.raw(), &mut room) {
        for byte in room.iter().take(count as usize) {
            if byte.is_ascii_digit() {
                number = number.wrapping_mul(10).wrapping_add(i32::from(byte & 15));
                continue;
            }
            let pid = Pid(core::mem::take(&mut number));
            if pid.0 > 0
                && let reaped @ (Reaped::Child(..) | Reaped::Stopped(..)) = kernel::reap(pid)
            {
                each(reaped);
            }
        }
    }
}
