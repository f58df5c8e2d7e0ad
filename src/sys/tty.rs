//! Terminals: sane settings, the controlling one, virtual or serial. See ioctl_tty(2).

use pidone::machine::Pid;

use super::kernel::ioctl;

const TCGETS: u32 = 0x5401;
const TCSETS: u32 = 0x5402;
const TIOCSCTTY: u32 = 0x540e;
const TIOCGPGRP: u32 = 0x540f;
const TIOCSPGRP: u32 = 0x5410;
const TIOCNOTTY: u32 = 0x5422;
const VT_OPENQRY: u32 = 0x5600;

/// The kernel's struct termios.
#[repr(C)]
#[derive(Default)]
struct Termios {
    input: u32,
    output: u32,
    control: u32,
    local: u32,
    line: u8,
    characters: [u8; 19],
}

// Input: CR becomes NL, XON/XOFF holds output and input.
const ICRNL_IXON_IXOFF: u32 = 0o400 | 0o2000 | 0o10000;
// Output: NL becomes CR NL.
const OPOST_ONLCR: u32 = 0o1 | 0o4;
// Control: what describes the line stays (speed, size, stop bits, parity, hardware flow control),
// the receiver is on, the line hangs up at the end and needs no carrier.
const KEPT: u32 = 0o10017 | 0o60 | 0o100 | 0o400 | 0o1000 | 0x8000_0000;
const CREAD_HUPCL_CLOCAL: u32 = 0o200 | 0o2000 | 0o4000;
// Local: signals, lines, echo in all its forms, extended input.
const LOCAL: u32 = 0o1 | 0o2 | 0o10 | 0o20 | 0o40 | 0o1000 | 0o4000 | 0o100_000;

/// The special characters and their places: INTR QUIT ERASE KILL EOF START STOP SUSP.
const CHARACTERS: [(u8, u8); 8] =
    [(0, 3), (1, 28), (2, 127), (3, 21), (4, 4), (8, 17), (9, 19), (10, 26)];

/// Gives a terminal the settings that a login expects, whatever was done to it before. What is
/// no terminal stays as it is.
pub fn make_sane(fd: i32) {
    let mut termios = Termios::default();
    // SAFETY: TCGETS writes one kernel termios, 36 bytes.
    if !unsafe { ioctl(fd, TCGETS, &raw mut termios as usize) } {
        return;
    }
    termios.input = ICRNL_IXON_IXOFF;
    termios.output = OPOST_ONLCR;
    termios.control = termios.control & KEPT | CREAD_HUPCL_CLOCAL;
    termios.local = LOCAL;
    termios.line = 0;
    for (place, character) in &CHARACTERS {
        if let Some(slot) = termios.characters.get_mut(usize::from(*place)) {
            *slot = *character;
        }
    }
    // SAFETY: TCSETS reads one kernel termios.
    unsafe { ioctl(fd, TCSETS, &raw const termios as usize) };
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

/// Gives the controlling terminal up; whether this was it.
pub fn give_up(fd: i32) -> bool {
    // SAFETY: TIOCNOTTY takes nothing.
    unsafe { ioctl(fd, TIOCNOTTY, 0) }
}

/// Whether this is a virtual terminal of the machine's own screen and keyboard.
pub fn is_virtual(fd: i32) -> bool {
    let mut free = 0i32;
    // SAFETY: VT_OPENQRY writes one int.
    unsafe { ioctl(fd, VT_OPENQRY, &raw mut free as usize) }
}
