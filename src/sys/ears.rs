//! What units show and say: pipes that tell when a unit is ready, and the socket of sd_notify(3).
//! Both speak through SIGIO, so that the one wait serves them too.

use core::ffi::CStr;

use heapless::Vec;
use pidone::machine::Pid;
use pidone::machine::table::UNITS_MAX;
use pidone::wire::errno::{EAGAIN, EMFILE};
use pidone::wire::names::holds;
use pidone::wire::notify::MESSAGE_MAX;
use pidone::wire::signals::Signal;
use syscalls::{Sysno, raw_syscall};

use super::calls;
use super::control;
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
    /// How often it is still read without news.
    reads: u8,
    fd: Fd,
}

/// So many reads take what a pipe holds, 64 KiB. Whoever writes on and on without a newline has to
/// wait after that, and does not keep us busy.
const READS: u8 = (64 * 1024 / MESSAGE_MAX) as u8;

/// What was heard.
pub enum Heard {
    /// A process is ready.
    Ready(Pid),
    /// A process, of a session, said so many bytes.
    Said(Pid, Pid, usize),
    /// Somebody with this user's rights asks so many bytes at the control socket.
    Asked(u32, usize),
}

/// Room for one message.
pub type Message = [u8; MESSAGE_MAX];

/// The longest name of our socket: a NUL, and five digits by unix(7).
pub const NAME_MAX: usize = 6;

/// Our ends of the pipes of all units. They are kept apart because they are large, and zeros.
pub type Gates = Vec<Gate, GATES_MAX>;

/// A socket that others send to.
struct Inlet {
    socket: Fd,
    /// A child of ours that takes a message away, or 0.
    taker: Pid,
}

impl Inlet {
    const NONE: Inlet = Inlet { socket: Fd::NONE, taker: Pid(0) };

    /// The next message.
    #[inline(never)]
    fn next(&mut self, message: &mut Message) -> Option<Taken> {
        if !self.socket.is_open() || self.taker.0 > 0 {
            return None;
        }
        if !self.socket.take(message, PEEK)?.whole {
            self.have_it_taken();
            return None;
        }
        // Nobody else takes from here, so that it is the same one.
        self.socket.take(message, 0)
    }

    /// Has a child take a message that somebody has sent descriptors with. Whoever takes it closes
    /// them, and a descriptor may be one that is long in closing: a connection that lingers.
    #[cold]
    #[inline(never)]
    fn have_it_taken(&mut self) {
        self.taker = have_taken(&self.socket);
    }
}

/// Everything that is listened to.
pub struct Ears {
    gates: &'static mut Gates,
    notify: Inlet,
    /// The name of its socket, as a program looks for it: `@` stands for the NUL.
    name: [u8; NAME_MAX],
    control: Inlet,
    /// Who asked last there.
    asker: Sender,
}

impl Ears {
    /// Nothing is listened to.
    pub const fn new(gates: &'static mut Gates) -> Self {
        Ears {
            gates,
            notify: Inlet::NONE,
            name: [0; NAME_MAX],
            control: Inlet::NONE,
            asker: Sender::NOBODY,
        }
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
        let gate = Gate { pid, sign, reads: READS, fd };
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
        for inlet in [&mut self.notify, &mut self.control] {
            if inlet.taker == pid {
                inlet.taker = Pid(0);
                kernel::remind(Signal::IO);
            }
        }
    }

    /// The name of the socket, opened when it is first asked for.
    pub fn address(&mut self) -> Result<&[u8]> {
        if !self.notify.socket.is_open() {
            let socket = Fd::notify()?;
            if !socket.signal_on_news() {
                return Err(EMFILE);
            }
            self.name = socket.name()?;
            self.notify.socket = socket;
        }
        Ok(&self.name)
    }

    /// Whether any unit is listened to.
    pub fn are_open(&self) -> bool {
        self.notify.socket.is_open() || self.gates.iter().any(|gate| gate.fd.is_open())
    }

    /// Whether anybody may ask something.
    pub fn is_attended(&self) -> bool {
        self.control.socket.is_open()
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
        if let Some(Taken { pid, mut len, cut, .. }) = self.notify.next(message) {
            if cut {
                // Half a line may say something else: another number.
                len = message.iter().rposition(|&b| b == b'\n').unwrap_or(0);
            }
            return Some(Heard::Said(pid, calls::session_of(pid), len));
        }
        let Taken { user, from, len, .. } = self.control.next(message)?;
        self.asker = from;
        Some(Heard::Asked(user, len))
    }

    /// Listens at a control socket that was opened before.
    pub fn attend(&mut self, socket: Fd) -> Result<()> {
        if !socket.signal_on_news() {
            return Err(EMFILE);
        }
        self.control.socket = socket;
        // Somebody may have asked already.
        kernel::remind(Signal::IO);
        Ok(())
    }

    /// Listens at a path. If we do so there already we go on; but somebody may have taken the name
    /// away, or mounted something over it.
    pub fn attend_at(&mut self, path: &CStr) -> Result<()> {
        // What waits at the old one is heard first: it may bring descriptors, and they would be
        // closed.
        if self.control.socket.take(&mut [0], PEEK).is_some() {
            return Ok(());
        }
        match control::open(path) {
            Ok(socket) => self.attend(socket),
            Err(_) if self.control.socket.is_open() => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Closes the control socket, which keeps the file system that its name is on in use; but not
    /// where somebody has asked: it may bring descriptors, which would be closed with it.
    pub fn leave(&mut self) {
        if self.control.socket.take(&mut [0], PEEK).is_none() {
            self.control.socket = Fd::NONE;
        }
    }

    /// Sends an answer to whoever asked last. One who does not take it will miss it himself.
    pub fn answer(&self, text: &[u8]) {
        control::send(&self.control.socket, text, &self.asker);
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
    let (name, piece) = (core::ptr::null_mut(), core::ptr::null());
    let control = core::ptr::null_mut();
    let (name_len, pieces, control_len, flags) = (0, 0, 0, 0);
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
        name: core::ptr::null_mut(),
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
    fn look(&mut self, room: &mut [u8]) -> Option<bool> {
        match (fd::read(self.fd.raw(), room), self.sign) {
            (Err(EAGAIN), _) => None,
            (Ok(0), Sign::Exec) => Some(true),
            (Ok(0) | Err(_), _) => Some(false),
            // A child that fails on the way says so before its end of the pipe closes.
            (Ok(_), Sign::Exec) => Some(false),
            (Ok(count), Sign::Newline) => {
                let text = room.get(..count as usize).unwrap_or_default();
                let ready = holds(text, b'\n').then_some(true);
                // One that had room for more has emptied the pipe.
                if ready.is_none()
                    && text.len() == MESSAGE_MAX
                    && let Some(reads) = self.reads.checked_sub(1)
                {
                    // Of what was written with it and is still in the pipe there is no more news.
                    self.reads = reads;
                    kernel::remind(Signal::IO);
                }
                ready
            }
        }
    }
}

/// The kernel's struct msghdr with what it points to for one piece and one control message.
#[repr(C)]
struct Header {
    name: *mut Sender,
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
        let socket = Fd::heeding()?;
        let unnamed = fd::AF_UNIX;
        // SAFETY: bind reads two bytes of an address.
        outcome(unsafe { raw_syscall!(Sysno::bind, socket.raw(), &raw const unnamed, 2) })?;
        Ok(socket)
    }

    /// A socket without a name for datagrams with credentials.
    pub fn heeding() -> Result<Fd> {
        const SOL_SOCKET: usize = 1;
        const SO_PASSCRED: usize = 16;
        let (socket, on) = (Fd::datagrams(), 1i32);
        let (number, on) = (socket.opened()?, &raw const on);
        // SAFETY: setsockopt reads an int.
        let creds =
            unsafe { raw_syscall!(Sysno::setsockopt, number, SOL_SOCKET, SO_PASSCRED, on, 4) };
        outcome(creds).map(|_| socket)
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

    /// Takes one message: with whose rights it was sent, and how long it is.
    pub fn receive_of(&self, message: &mut [u8]) -> Option<(u32, usize)> {
        self.take(message, 0).map(|taken| (taken.user, taken.len))
    }

    /// Takes one message, or with [`PEEK`] leaves it there.
    #[inline(never)]
    fn take(&self, message: &mut [u8], how: usize) -> Option<Taken> {
        const SCM_CREDENTIALS: i32 = 2;
        let piece = Piece { bytes: message.as_mut_ptr(), len: message.len() };
        let mut control = Control::default();
        let mut from = Sender::NOBODY;
        let mut header = Header {
            name: &raw mut from,
            name_len: from.address.len(),
            piece: &raw const piece,
            pieces: 1,
            control: &raw mut control,
            control_len: size_of::<Control>(),
            flags: 0,
        };
        let (at, how) = (&raw mut header, how | DONTWAIT_CLOEXEC);
        // SAFETY: the header leads to an address, a buffer and a control message of the lengths
        // that it says.
        let len = unsafe { raw_syscall!(Sysno::recvmsg, self.raw(), at, how) };
        // A sender that the kernel does not vouch for is nobody.
        let (pid, user) = match control.kind {
            SCM_CREDENTIALS => (Pid(control.pid), control.uid),
            _ => (Pid(0), u32::MAX),
        };
        // The kernel's length is an int.
        from.len = header.name_len as u32;
        // The kernel's flags are an int.
        let (whole, cut) = (header.flags & MSG_CTRUNC == 0, header.flags & MSG_TRUNC != 0);
        is_fine(len).then_some(Taken { pid, user, from, len, whole, cut })
    }
}

/// Where a message came from: the address of a socket that was bound without a name, see unix(7),
/// or as much of another one.
#[derive(Clone, Copy)]
pub struct Sender {
    /// The address.
    pub address: [u8; 2 + NAME_MAX],
    /// How long it is.
    pub len: u32,
}

impl Sender {
    const NOBODY: Sender = Sender { address: [0; 2 + NAME_MAX], len: 0 };
}

/// A message.
struct Taken {
    pid: Pid,
    user: u32,
    from: Sender,
    len: usize,
    /// Nothing came with it but the credentials.
    whole: bool,
    /// There was no room for its end.
    cut: bool,
}

const DONTWAIT_CLOEXEC: usize = 0x40 | 0x4000_0000;

/// A message is looked at and not taken.
const PEEK: usize = 2;
