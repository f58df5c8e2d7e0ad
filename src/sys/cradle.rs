//! The cradle: where a child is born that has our memory until its execve, so that nothing need be
//! copied, and a stack of its own, so that we need not wait for it. There is one cradle. While a
//! child lies in it, which may be long where its program is on a dead disk, others are forked.

use core::mem::{MaybeUninit, transmute};
use core::ptr::{addr_of_mut, from_ref};
use core::sync::atomic::{AtomicU32, Ordering};

use pidone::machine::{Fault, Pid, Refusal, Step};
use pidone::wire::errno::EINVAL;
use pidone::wire::value::{self, Millis};

use super::calls;
use super::child::{Board, Order, run};
use super::container::main_child;
use super::facts::{Names, RELEASE};
use super::kernel;
use super::memory;
use super::spawn::{self, Kit};

/// The stack of the child, in bytes. The deepest way to the execve takes some 4 KiB, and what is
/// not used is not there. In front of it lies code, which cannot be written to.
const STACK: usize = 14 * 4096;

/// The cradle. It is all zeros until it is used.
#[repr(C)]
struct Cradle {
    stack: [u8; STACK],
    /// Not 0 while a child lies in it. The kernel clears it with the execve or the end.
    occupied: AtomicU32,
    kit: Kit,
    order: MaybeUninit<Order<'static>>,
}

/// Where it stands: in memory that the binary has for a container's init, which we are not.
fn place() -> *mut Cradle {
    const { assert!(size_of::<Cradle>() <= main_child::SPARE && align_of::<Cradle>() <= 4096) };
    main_child::spare().cast()
}

fn occupied() -> &'static AtomicU32 {
    // SAFETY: zeros are such a word, the place is there for ever, and nobody else uses it.
    unsafe { &(*place()).occupied }
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

/// What an order can be made with that goes to [`bear`], if nobody lies in the cradle. It is put
/// together and handed over before this is asked for again.
pub fn kit() -> Option<&'static mut Kit> {
    let is_free = occupied().load(Ordering::Acquire) == 0;
    // SAFETY: zeros are an empty kit, and no child uses it any more.
    is_free.then(|| unsafe { &mut *addr_of_mut!((*place()).kit) })
}

/// Starts a child in the cradle, with an order that leads to nothing but the kit and what is there
/// for ever.
pub fn bear(order: &Order<'_>) -> Result<Pid, Refusal> {
    // The texts of a line may become those of another one meanwhile, and ask for nothing.
    let (condition, options, board) = (&b""[..], &b""[..], Some(Board::ours()));
    let own = Order { condition, options, board, ..*order };
    // SAFETY: nobody lies in the cradle, or there would be no kit to make an order of. What the
    // order leads to is left alone until the next one can be made.
    let own = unsafe { (*place()).order.write(transmute::<Order<'_>, Order<'static>>(own)) };
    occupied().store(1, Ordering::Relaxed);
    // SAFETY: `run` never returns, and leaves word on a board that is meant for it. The stack lies
    // in front of the word.
    let born = unsafe { kernel::spawn_below(own, from_ref(occupied()), run) };
    if born.is_err() {
        occupied().store(0, Ordering::Relaxed);
    }
    match born {
        // Whoever emulates our processor, as qemu(1) does, may not know this kind of child.
        Err(EINVAL) => spawn::bear(order),
        born => born.map_err(|errno| Refusal::Fault(Fault { step: Step::Fork, errno })),
    }
}

/// The least and the most that somebody is given to leave the cradle, in milliseconds: it takes
/// less than the one, and on a dead disk for ever, where we do not wake for it more than that.
const LEAVE_MS: (Millis, Millis) = (20, 60_000);

/// Gives back its memory. If somebody lies in it, this is to be asked again after the time that
/// comes back: double the one that was waited for last.
pub fn tidy_up(waited: Option<Millis>) -> Option<Millis> {
    let (least, most) = LEAVE_MS;
    if occupied().load(Ordering::Acquire) != 0 {
        return Some(waited.map_or(least, |last| most.min(2 * last)));
    }
    memory::forget(place() as usize, main_child::SPARE);
    None
}
