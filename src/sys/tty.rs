//! Terminals: settings, speeds, the controlling one, virtual or serial. See ioctl_tty(2).

use core::ffi::CStr;

use pidone::machine::Pid;
use pidone::machine::line::Parity;
use pidone::wire::errno::{ENOTTY, EPERM};
use pidone::wire::signals::Signal;

use super::fd::{self, Fd};
use super::files;
use super::kernel::{self, Result, ioctl};

const TCGETS2: u32 = 0x802c_542a;
const TCSETS2: u32 = 0x402c_542b;
const TCXONC: u32 = 0x540a;
const TCFLSH: u32 = 0x540b;
const TIOCSCTTY: u32 = 0x540e;
const TIOCGPGRP: u32 = 0x540f;
const TIOCSPGRP: u32 = 0x5410;
const TIOCGWINSZ: u32 = 0x5413;
const TIOCSWINSZ: u32 = 0x5414;
const TIOCNOTTY: u32 = 0x5422;
const VT_OPENQRY: u32 = 0x5600;

/// The kernel's struct termios2.
#[repr(C)]
#[derive(Default)]
pub struct Settings {
    input: u32,
    output: u32,
    control: u32,
    local: u32,
    line: u8,
    characters: [u8; 19],
    speed_in: u32,
    speed_out: u32,
}

// Input: CR becomes NL, XON/XOFF holds output and input; erasures take whole characters.
const ICRNL_IXON_IXOFF: u32 = 0o400 | 0o2000 | 0o10000;
const IUTF8: u32 = 0o40000;
// Output: NL becomes CR NL.
const OPOST_ONLCR: u32 = 0o1 | 0o4;
// Control: what describes the line stays (speed, size, stop bits, parity, hardware flow control),
// the receiver is on, the line hangs up at the end and needs no carrier.
const KEPT: u32 = 0o10017 | 0o60 | 0o100 | 0o400 | 0o1000 | 0x8000_0000;
const CREAD_HUPCL_CLOCAL: u32 = 0o200 | 0o2000 | 0o4000;
const CLOCAL: u32 = 0o4000;
const CRTSCTS: u32 = 0x8000_0000;
const CSIZE: u32 = 0o60;
const CS7: u32 = 0o40;
const CS8: u32 = 0o60;
const PARENB: u32 = 0o400;
const PARODD: u32 = 0o1000;
// The speed: a code of the line's own, or that it stands in a field of its own. The speed of the
// input is that of the output unless bits of its own say otherwise.
const CBAUD_CIBAUD: u32 = 0o10017 | 0o10017 << 16;
const BOTHER: u32 = 0o10000;
// Local: signals, lines, echo in all its forms, extended input.
const LOCAL: u32 = 0o1 | 0o2 | 0o10 | 0o20 | 0o40 | 0o1000 | 0o4000 | 0o100_000;

/// The special characters and their places: INTR QUIT ERASE KILL EOF START STOP SUSP.
const CHARACTERS: [(u8, u8); 8] =
    [(0, 3), (1, 28), (2, 127), (3, 21), (4, 4), (8, 17), (9, 19), (10, 26)];
const VTIME: usize = 5;
const VMIN: usize = 6;

/// Speeds that have codes, from 0 on in bits a second, and from [`FAST`] on in hundreds. Programs
/// that know no others show these as they are.
const SPEEDS: [u16; 31] = [
    0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400, 576, 1152,
    2304, 4608, 5000, 5760, 9216, 10000, 11520, 15000, 20000, 25000, 30000, 35000, 40000,
];
const FAST: u32 = 16;
/// The codes of the fast ones begin so much behind their places.
const FAST_CODES: u32 = 0o10001 - FAST;

impl Settings {
    /// Takes on those of a terminal; whether it is one.
    #[inline(never)] // There are too many callers for copies.
    pub fn read(&mut self, fd: i32) -> bool {
        // SAFETY: TCGETS2 writes one kernel termios2, 44 bytes.
        unsafe { ioctl(fd, TCGETS2, core::ptr::from_mut(self) as usize) }
    }

    /// Gives them to a terminal.
    pub fn apply(&self, fd: i32) {
        // SAFETY: TCSETS2 reads one kernel termios2.
        unsafe { ioctl(fd, TCSETS2, core::ptr::from_ref(self) as usize) };
    }

    /// What a login expects, whatever was done before.
    pub fn make_sane(&mut self) {
        self.input = ICRNL_IXON_IXOFF | self.input & IUTF8;
        self.output = OPOST_ONLCR;
        self.control = self.control & KEPT | CREAD_HUPCL_CLOCAL;
        self.local = LOCAL;
        self.line = 0;
        for (place, character) in &CHARACTERS {
            if let Some(slot) = self.characters.get_mut(usize::from(*place)) {
                *slot = *character;
            }
        }
    }

    /// Every byte comes as it is: at once, or if there is a `pause`, in tenths of a second, also
    /// none after it.
    pub fn make_raw(&mut self, pause: u8) {
        self.input &= IUTF8;
        self.local = 0;
        self.characters[VTIME] = pause;
        self.characters[VMIN] = u8::from(pause == 0);
    }

    /// Whether the line needs no carrier.
    pub fn is_local(&self) -> bool {
        self.control & CLOCAL != 0
    }

    /// Sets whether it does not.
    pub fn set_local(&mut self, local: bool) {
        self.control = self.control & !CLOCAL | if local { CLOCAL } else { 0 };
    }

    /// Has the wires RTS and CTS hold the line.
    pub fn set_flow_control(&mut self) {
        self.control |= CRTSCTS;
    }

    /// Bytes of eight bits without parity, or of seven with it.
    pub fn set_parity(&mut self, parity: Parity) {
        self.control = self.control & !(CSIZE | PARENB | PARODD)
            | match parity {
                Parity::None => CS8,
                Parity::Even => CS7 | PARENB,
                Parity::Odd => CS7 | PARENB | PARODD,
            };
    }

    /// Erasures take whole characters of UTF-8.
    pub fn set_utf8(&mut self) {
        self.input |= IUTF8;
    }

    /// The speed of the line, in bits a second.
    pub fn speed(&self) -> u32 {
        self.speed_out
    }

    /// Sets the speed, any that the line can do.
    pub fn set_speed(&mut self, speed: u32) {
        let mut code = BOTHER;
        for (place, &known) in (0..).zip(&SPEEDS) {
            let (unit, first) = if place < FAST { (1, 0) } else { (100, FAST_CODES) };
            if u32::from(known) * unit == speed {
                code = place + first;
            }
        }
        self.control = self.control & !CBAUD_CIBAUD | code;
        (self.speed_in, self.speed_out) = (speed, speed);
    }
}

/// Gives a terminal the settings that a login expects. What is no terminal stays as it is.
pub fn make_sane(fd: i32) {
    let mut settings = Settings::default();
    if settings.read(fd) {
        settings.make_sane();
        settings.apply(fd);
    }
}

/// Makes a terminal the controlling one of our session, unless it controls another.
pub fn take(fd: i32) {
    // SAFETY: TIOCSCTTY takes a number.
    unsafe { ioctl(fd, TIOCSCTTY, 0) };
}

/// The process group in the foreground of our controlling terminal, if this is it.
pub fn foreground(fd: i32) -> Option<Pid> {
    let mut group = Pid(0);
    // SAFETY: TIOCGPGRP writes one int.
    unsafe { ioctl(fd, TIOCGPGRP, &raw mut group as usize) }.then_some(group)
}

/// Puts a process group into the foreground. Whoever does that from the background has SIGTTOU
/// blocked.
pub fn put_into_foreground(fd: i32, group: Pid) {
    // SAFETY: TIOCSPGRP reads one int.
    unsafe { ioctl(fd, TIOCSPGRP, &raw const group as usize) };
}

/// Puts our group into the foreground, where a group was whose leader has ended. Whoever started us
/// could not read from the terminal otherwise.
#[cold]
#[inline(never)]
pub fn take_back(fd: i32, from: Pid) {
    if foreground(fd) == Some(from) {
        put_into_foreground(fd, kernel::own_group());
    }
}

/// Has a group that was stopped go on, in the foreground if ours is there; whether it is.
#[cold]
#[inline(never)]
pub fn go_on(fd: i32, group: Pid) -> bool {
    let ours = foreground(fd) == Some(kernel::own_group());
    if ours {
        put_into_foreground(fd, group);
    }
    let _ = kernel::send(-group.0, Signal::CONT);
    ours
}

/// Gives the controlling terminal up; whether this was it.
pub fn give_up(fd: i32) -> bool {
    // SAFETY: TIOCNOTTY takes nothing.
    unsafe { ioctl(fd, TIOCNOTTY, 0) }
}

/// The same by force; whether that was allowed.
fn seize(fd: &Fd) -> bool {
    // SAFETY: TIOCSCTTY takes a number.
    unsafe { ioctl(fd.raw(), TIOCSCTTY, 1) }
}

/// Gives up the terminal that controls us, if one does.
fn leave() {
    give_up(Fd::open(c"/dev/tty", HOW).raw());
}

const HOW: u32 = fd::READ_WRITE | fd::NO_CONTROL | fd::NO_WAIT | fd::CLOSE_ON_EXEC;

/// Takes a terminal for a login: it controls a session of ours, belongs to root, nobody else has it
/// open any more, and it is standard input, output and error. SIGHUP is ignored from then on.
pub fn take_over(path: &CStr) -> Result<()> {
    kernel::ignore_hangup();
    kernel::new_session();
    leave();
    let mut tty = open(path)?;
    if !is_of_init(path) {
        // What was left over from the last session must not read the next password. The old
        // descriptor stays open meanwhile, so that the line does not hang up at the other end.
        kernel::hang_up();
        tty = open(path)?;
    }
    fd::place_first(&tty, 3);
    Ok(())
}

/// Opens a terminal that then controls us.
fn open(path: &CStr) -> Result<Fd> {
    let tty = Fd::open(path, HOW);
    tty.opened()?;
    if !Settings::default().read(tty.raw()) {
        return Err(ENOTTY);
    }
    tty.own(MODE);
    if seize(&tty) { Ok(tty) } else { Err(EPERM) }
}

/// Nobody but root reads from a terminal on which nobody is logged in, and writing to it is left to
/// the group of root.
const MODE: u32 = 0o620;

/// Whether process 1 itself has this terminal, and so everything that it starts without one. Where
/// that cannot be known, it may.
fn is_of_init(path: &CStr) -> bool {
    let of_init = device(c"/proc/1/fd/0");
    of_init == 0 || of_init == device(path)
}

/// The number of the device that a file stands for; 0 where that is not known.
#[inline(never)]
fn device(path: &CStr) -> u64 {
    files::look(path).map_or(0, |stat| stat.special)
}

/// Waits until a line has a carrier.
pub fn await_carrier(path: &CStr) {
    Fd::open(path, fd::READ_WRITE | fd::NO_CONTROL | fd::CLOSE_ON_EXEC);
}

/// Lets output go on that somebody has stopped, and forgets what came in before anybody was asked.
pub fn freshen(fd: i32) {
    const TCOON: usize = 1;
    const TCIFLUSH: usize = 0;
    // SAFETY: both take numbers.
    unsafe {
        ioctl(fd, TCXONC, TCOON);
        ioctl(fd, TCFLSH, TCIFLUSH);
    }
}

/// Gives a terminal that does not know its size the usual one, which a serial line cannot tell: 24
/// rows of 80 columns.
pub fn fill_size(fd: i32) {
    let mut size = 0u64;
    // SAFETY: TIOCGWINSZ writes four numbers of 16 bits, and TIOCSWINSZ reads as many.
    unsafe {
        if ioctl(fd, TIOCGWINSZ, &raw mut size as usize) && size as u32 == 0 {
            size = 24 | 80 << 16;
            ioctl(fd, TIOCSWINSZ, &raw const size as usize);
        }
    }
}

/// Whether this is a virtual terminal of the machine's own screen and keyboard.
pub fn is_virtual(fd: i32) -> bool {
    let mut free = 0i32;
    // SAFETY: VT_OPENQRY writes one int.
    unsafe { ioctl(fd, VT_OPENQRY, &raw mut free as usize) }
}
