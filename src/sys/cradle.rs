//! The cradles: where children are born that have our memory until their execve, so that nothing
//! need be copied, and a stack of their own, so that we need not wait for them. While a child lies
//! in each, which may be long where its program is on a dead disk, others are forked.

use core::mem::MaybeUninit;
use core::ptr::from_ref;
use core::sync::atomic::{AtomicU32, Ordering};

use pidone::machine::{Pid, Refusal};
use pidone::wire::value::{self, Millis};

use super::calls;
use super::child::{Board, Order, run};
use super::container::main_child;
use super::facts::{Names, RELEASE};
use super::kernel;
use super::memory;
use super::spawn::{self, Kit};

/// How many there are: a few terminals get their prompts at once.
const COUNT: usize = 4;

/// The room of one, in bytes.
const PLOT: usize = main_child::SPARE / COUNT;

/// A cradle. It is all zeros until it is used.
#[repr(C)]
struct Cradle {
    /// The stack of the child. The deepest way to the execve takes some 2 KiB of 13, and what is
    /// not used is not there.
    stack: [u8; PLOT - size_of::<Bed>()],
    bed: Bed,
}

/// What lies behind the stack.
#[repr(C, align(16))]
struct Bed {
    /// Not 0 while a child lies in it. The kernel clears it with the execve or the end.
    occupied: AtomicU32,
    kit: Kit,
    order: MaybeUninit<[u64; ORDER]>,
}

/// The most that the order for a child takes, in words of eight bytes.
const ORDER: usize = 32;

const _: () = assert!(size_of::<Cradle>() == PLOT && size_of::<Bed>() < 4096);

/// Where they stand: in memory that the binary has for a container's init, which we are not.
fn place(index: usize) -> *mut Cradle {
    // The place is in the spare memory, of which there is enough.
    main_child::spare().wrapping_add(index % COUNT * PLOT).cast()
}

fn occupied(index: usize) -> &'static AtomicU32 {
    // SAFETY: zeros are such a word, the place is there for ever, and nobody else uses it.
    unsafe { &(*place(index)).bed.occupied }
}

fn is_free(index: &usize) -> bool {
    occupied(*index).load(Ordering::Acquire) == 0
}

/// The version of the kernel from which on a child's core leaves those alone who only have the same
/// memory: before, it ends them all, see core(5).
const CORE_OF_ONE: (i64, i64) = (5, 16);

/// Whether no child in the cradle can end us. On a machine we leave no core, and then it leaves
/// none either. In a container that is no way: nobody there could look into us by /proc, not even
/// root, and services write to /proc/1/fd/1.
pub fn is_safe(on_machine: bool) -> bool {
    if on_machine {
        calls::forgo_core();
    }
    on_machine || value::is_release_from(Names::ask().get(RELEASE), CORE_OF_ONE)
}

/// What an order can be made with that goes to [`bear`], if a cradle is free. It is put together
/// and handed over before this is asked for again.
pub fn kit() -> Option<&'static mut Kit> {
    let index = (0..COUNT).find(is_free)?;
    // SAFETY: zeros are an empty kit, and no child uses it any more.
    Some(unsafe { &mut (*place(index)).bed.kit })
}

/// Starts a child with an order that leads to nothing but such a kit and what is there for ever.
pub fn bear(order: &Order<'_>) -> Result<Pid, Refusal> {
    // The texts of a line may become those of another one meanwhile, and ask for nothing.
    let (condition, options, board) = (&b""[..], &b""[..], Some(Board::ours()));
    let own = Order { condition, options, board, ..*order };
    // The words lie in the kit, which lies in the cradle that is meant.
    let index = (order.program.argv as usize).wrapping_sub(place(0) as usize) / PLOT;
    // SAFETY: `run` never returns, and leaves word on a board that is meant for it. Nobody lies in
    // the cradle, or there would be no kit to make an order of, and what the order leads to is left
    // alone until somebody else can have the kit.
    match unsafe { lay(index, own, run) } {
        Ok(pid) => Ok(pid),
        // Whoever emulates our processor, as qemu(1) does, may not know this kind of child, and a
        // filter of system calls may not allow it. What is wrong else, the other kind will tell.
        Err(_) => spawn::bear(order),
    }
}

/// Starts a child that does something on its own, in a cradle if it may and one is free.
///
/// # Safety
/// `body` does not return, and changes nothing but what is on its stack.
pub unsafe fn send<T: Copy>(may: bool, order: T, body: extern "C" fn(&T) -> !) -> Result<Pid, u16> {
    // SAFETY: the caller vouches for the body; without a cradle it works on a copy of our memory.
    unsafe {
        let free = (0..COUNT).find(is_free).filter(|_| may);
        match free.map(|index| lay(index, order, body)) {
            Some(Ok(pid)) => Ok(pid),
            None | Some(Err(_)) => kernel::fork(&order, body),
        }
    }
}

/// Lays a child with its order into a cradle that is free.
///
/// # Safety
/// `body` does not return, and changes nothing of our memory that is not meant for it. What the
/// order leads to is left alone until the cradle is free again.
unsafe fn lay<T: Copy>(index: usize, order: T, body: extern "C" fn(&T) -> !) -> Result<Pid, u16> {
    const { assert!(size_of::<T>() <= 8 * ORDER && align_of::<T>() <= 8) };
    // SAFETY: there is room for the order, and nobody has it.
    let own = unsafe {
        let own: *mut T = (*place(index)).bed.order.as_mut_ptr().cast();
        own.write(order);
        &*own
    };
    let word = occupied(index);
    word.store(1, Ordering::Relaxed);
    // SAFETY: the caller vouches for the body. The stack lies in front of the word.
    let born = unsafe { kernel::spawn_below(own, from_ref(word), body) };
    if born.is_err() {
        word.store(0, Ordering::Relaxed);
    }
    born
}

/// The least and the most that somebody is given to leave a cradle, in milliseconds: it takes less
/// than the one, and on a dead disk for ever, where we do not wake for it more than that.
const LEAVE_MS: (Millis, Millis) = (20, 60_000);

/// Gives back the memory of those that are free. If somebody lies in one, this is to be asked again
/// after the time that comes back: double the one that was waited for last.
pub fn tidy_up(waited: Option<Millis>) -> Option<Millis> {
    let (least, most) = LEAVE_MS;
    if (0..COUNT).all(|index| is_free(&index)) {
        memory::forget(place(0) as usize, COUNT * PLOT);
        return None;
    }
    for index in (0..COUNT).filter(is_free) {
        memory::forget(place(index) as usize, PLOT);
    }
    Some(waited.map_or(least, |last| most.min(2 * last)))
}
