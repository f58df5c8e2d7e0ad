//! What units show and say: pipes that tell when a unit is ready, and the socket of sd_notify(3).
//! Both speak through SIGIO, so that the one wait serves them too.

use heapless::Vec;
use pidone::machine::Pid;
use pidone::machine::table::UNITS_MAX;
use pidone::wire::errno::{EAGAIN, EMFILE};
use pidone::wire::names::holds;
use pidone::wire::notify::MESSAGE_MAX;
use pidone::wire::signals::Signal;
use syscalls::{Sysno, raw_syscall};

use super::calls;
use super::fd::{self, Fd};
use super::kernel::{self, Result, is_fine, outcome};

/// The most units that can be on their way to a newline or to their program at once: all that a
/// table holds, since all may be started at once and each has one pipe. That is 6 KiB of address
/// space, of which only what is used becomes memory.
const GATES_MAX: usize = 2 * UNITS_MAX;

/// What a pipe of a unit is to tell.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// That the process has become the program: the pipe closes with the execve.
    Exec,
    /// That the program writes a newline.
    Newline,
}

/// Our end of a pipe, open until it has told.
pub struct Gate {
    pid: Pid,
    sign: Sign,
    fd: Fd,
}

/// What was heard.
pub enum Heard {
    /// A process is ready.
    Ready(Pid),
    /// A process, of a session, said so many bytes.
    Said(Pid, Pid, usize),
}

/// Room for one message.
pub type Message = [u8; MESSAGE_MAX];

/// The longest name of our socket: a NUL, and five digits by unix(7).
pub const NAME_MAX: usize = 6;

/// Our ends of the pipes of all units. They are kept apart because they are large, and zeros.
pub type Gates = Vec<Gate, GATES_MAX>;

/// Everything that is listened to.
pub struct Ears {
    gates: &'static mut Gates,
    socket: Fd,
    /// Its name, as a program looks for it: `@` stands for the NUL.
    name: [u8; NAME_MAX],
    /// A child of ours that takes a message away, or 0.
    taker: Pid,
}

impl Ears {
    /// Nothing is listened to.
    pub const fn new(gates: &'static mut Gates) -> Self {
        Ears { gates, socket: Fd::NONE, name: [0; NAME_MAX], taker: Pid(0) }
    }

    /// Opens a pipe for a unit that is about to start: our end, which is kept with
    /// [`Ears::keep`], and its own.
    #[inline(never)]
    pub fn pipe(&self) -> Result<(Fd, Fd)> {
        if self.gates.len() >= GATES_MAX && self.gates.iter().all(|gate| gate.fd.is_open()) {
            return Err(EMFILE);
        }
        let (ours, its) = fd::pipe()?;
        if ours.signal_on_news() { Ok((ours, its)) } else { Err(EMFILE) }
    }

    /// Listens to the pipe of a unit that has been started.
    pub fn keep(&mut self, pid: Pid, sign: Sign, fd: Fd) {
        let gate = Gate { pid, sign, fd };
        match self.gates.iter_mut().find(|gate| !gate.fd.is_open()) {
            Some(free) => *free = gate,
            // There is room, as `pipe` saw.
            None => drop(self.gates.push(gate)),
        }
    }

    /// Stops listening to the pipe of a process that has ended.
    pub fn forget(&mut self, pid: Pid) {
        for gate in self.gates.iter_mut().filter(|gate| gate.pid == pid) {
            gate.fd = Fd::NONE;
        }
        if self.taker == pid {
            self.taker = Pid(0);
            kernel::remind(Signal::IO);
        }
    }

    /// The name of the socket, opened when it is first asked for.
    pub fn address(&mut self) -> Result<&[u8]> {
        if !self.socket.is_open() {
            let socket = Fd::notify()?;
            if !socket.signal_on_news() {
                return Err(EMFILE);
            }
            self.name = socket.name()?;
            self.socket = socket;
        }
        Ok(&self.name)
    }

    /// Whether anything is listened to.
    pub fn are_open(&self) -> bool {
        self.socket.is_open() || self.gates.iter().any(|gate| gate.fd.is_open())
    }

    /// The next thing that is there to be heard.
    #[inline(never)]
    pub fn next(&mut self, message: &mut Message) -> Option<Heard> {
        for gate in self.gates.iter_mut().filter(|gate| gate.fd.is_open()) {
            if let Some(ready) = gate.look(message) {
                gate.fd = Fd::NONE;
                if ready {
                    return Some(Heard::Ready(gate.pid));
                }
            }
        }
        if !self.socket.is_open() || self.taker.0 > 0 {
            return None;
        }
        let Taken { pid, mut len, whole, cut } = self.socket.take(message, PEEK)?;
        if !whole {
            self.have_it_taken();
            return None;
        }
        // Nobody else takes from here, so that it is the same one.
        self.socket.take(message, 0)?;
        if cut {
            // Half a line may say something else: another number.
            len = message.iter().rposition(|&b| b == b'\n').unwrap_or(0);
        }
        Some(Heard::Said(pid, calls::session_of(pid), len))
    }

    /// Has a child take a message that somebody has sent descriptors with. Whoever takes it closes
    /// them, and a descriptor may be one that is long in closing: a connection that lingers.
    #[cold]
    #[inline(never)]
    fn have_it_taken(&mut self) {
        self.taker = have_taken(&self.socket);
    }
}

/// Has a child take the next message of a socket and close what came with it; the child's number.
/// Without a child it is tried again at the next news.
pub fn have_taken(socket: &Fd) -> Pid {
    // SAFETY: `take_away` never returns.
    unsafe { kernel::fork(socket, take_away) }.unwrap_or(Pid(0))
}

/// Whether descriptors come with the next message of a socket that asks for nothing else. The
/// message stays there.
pub fn brings_descriptors(socket: &Fd) -> bool {
    let (piece, control) = (core::ptr::null(), core::ptr::null_mut());
    let (name, name_len, pieces, control_len, flags) = (0, 0, 0, 0, 0);
    let mut header = Header { name, name_len, piece, pieces, control, control_len, flags };
    let how = PEEK | DONTWAIT_CLOEXEC;
    // SAFETY: the header leads to nothing, and the kernel writes its flags alone.
    let looked = unsafe { raw_syscall!(Sysno::recvmsg, socket.raw(), &raw mut header, how) };
    is_fine(looked) && header.flags & MSG_CTRUNC != 0
}

/// There was no room for what came beside the bytes.
const MSG_CTRUNC: usize = 8;

/// There was no room for all of the bytes.
const MSG_TRUNC: usize = 0x20;

/// Room for a control message with as many descriptors as the kernel lets anybody send at once,
/// SCM_MAX_FD of unix(7), and one with credentials.
const RIGHTS_MAX: usize = 2 * 16 + 16 + 253 * 4;

/// The descriptors are taken over, so that they are closed by the end of the child: then nothing
/// lingers.
extern "C" fn take_away(socket: &Fd) -> ! {
    let mut control = [0u64; RIGHTS_MAX.div_ceil(8)];
    let mut header = Header {
        name: 0,
        name_len: 0,
        piece: core::ptr::null(),
        pieces: 0,
        control: control.as_mut_ptr().cast(),
        control_len: size_of_val(&control),
        flags: 0,
    };
    // SAFETY: the header leads to a control message of the length that it says.
    unsafe { raw_syscall!(Sysno::recvmsg, socket.raw(), &raw mut header, DONTWAIT_CLOEXEC) };
    kernel::exit(0)
}

impl Gate {
    /// Whether the unit is ready, once that is decided.
    #[inline(never)]
    fn look(&self, room: &mut [u8]) -> Option<bool> {
        match (fd::read(self.fd.raw(), room), self.sign) {
            (Err(EAGAIN), _) => None,
            (Ok(0), Sign::Exec) => Some(true),
            (Ok(0) | Err(_), _) => Some(false),
            // A child that fails on the way says so before its end of the pipe closes.
            (Ok(_), Sign::Exec) => Some(false),
            (Ok(count), Sign::Newline) => {
                let text = room.get(..count as usize).unwrap_or_default();
                holds(text, b'\n').then_some(true)
            }
        }
    }
}

/// The kernel's struct msghdr with what it points to for one piece and one control message.
#[repr(C)]
struct Header {
    name: usize,
    name_len: usize,
    piece: *const Piece,
    pieces: usize,
    control: *mut Control,
    control_len: usize,
    flags: usize,
}

#[repr(C)]
struct Piece {
    bytes: *mut u8,
    len: usize,
}

/// A control message with the credentials of the sender, see unix(7). There is room for nothing
/// else, so that of descriptors which somebody sends along we get none.
#[repr(C)]
#[derive(Default)]
struct Control {
    len: usize,
    level: i32,
    kind: i32,
    pid: i32,
    uid: u32,
    gid: u32,
    pad: u32,
}

impl Fd {
    /// A socket for datagrams with credentials, under a name that nobody else can have taken.
    pub fn notify() -> Result<Fd> {
        const AF_UNIX: u16 = 1;
        const SOCK_DGRAM: u32 = 2;
        const SOL_SOCKET: usize = 1;
        const SO_PASSCRED: usize = 16;
        let (kind, on) = (SOCK_DGRAM | fd::NO_WAIT | fd::CLOSE_ON_EXEC, 1i32);
        // SAFETY: socket takes numbers; setsockopt reads an int, bind two bytes of an address.
        unsafe {
            let socket = Fd::from_call(raw_syscall!(Sysno::socket, AF_UNIX, kind, 0));
            let number = socket.opened()?;
            let on = &raw const on;
            let creds = raw_syscall!(Sysno::setsockopt, number, SOL_SOCKET, SO_PASSCRED, on, 4);
            outcome(creds)?;
            let unnamed = AF_UNIX;
            outcome(raw_syscall!(Sysno::bind, number, &raw const unnamed, 2))?;
            Ok(socket)
        }
    }

    /// The name that the kernel has given a socket.
    pub fn name(&self) -> Result<[u8; NAME_MAX]> {
        let mut address = [0u8; 2 + NAME_MAX];
        let mut len = address.len() as u32;
        let to = address.as_mut_ptr();
        // SAFETY: the kernel writes at most that many bytes, and how many there are.
        outcome(unsafe { raw_syscall!(Sysno::getsockname, self.raw(), to, &raw mut len) })?;
        let [_, _, _, name @ ..] = address;
        let mut text = [b'@'; NAME_MAX];
        text.iter_mut().skip(1).zip(name).for_each(|(to, from)| *to = from);
        Ok(text)
    }

    /// Takes one message: who sent it, and how long it is.
    pub fn receive(&self, message: &mut Message) -> Option<(Pid, usize)> {
        self.take(message, 0).map(|taken| (taken.pid, taken.len))
    }

    /// Takes one message, or with [`PEEK`] leaves it there.
    #[inline(never)]
    fn take(&self, message: &mut Message, how: usize) -> Option<Taken> {
        const SCM_CREDENTIALS: i32 = 2;
        let piece = Piece { bytes: message.as_mut_ptr(), len: message.len() };
        let mut control = Control::default();
        let mut header = Header {
            name: 0,
            name_len: 0,
            piece: &raw const piece,
            pieces: 1,
            control: &raw mut control,
            control_len: size_of::<Control>(),
            flags: 0,
        };
        let (at, how) = (&raw mut header, how | DONTWAIT_CLOEXEC);
        // SAFETY: the header leads to a buffer and a control message of the lengths it says.
        let len = unsafe { raw_syscall!(Sysno::recvmsg, self.raw(), at, how) };
        // A sender that the kernel does not vouch for is nobody.
        let pid = Pid(if control.kind == SCM_CREDENTIALS { control.pid } else { 0 });
        // The kernel's flags are an int.
        let (whole, cut) = (header.flags & MSG_CTRUNC == 0, header.flags & MSG_TRUNC != 0);
        is_fine(len).then_some(Taken { pid, len, whole, cut })
    }
}

/// A message.
struct Taken {
    pid: Pid,
    len: usize,
    /// Nothing came with it but the credentials.
    whole: bool,
    /// There was no room for its end.
    cut: bool,
}

const DONTWAIT_CLOEXEC: usize = 0x40 | 0x4000_0000;

/// A message is looked at and not taken.
const PEEK: usize = 2;
