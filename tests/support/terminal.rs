//! What a test asks of a terminal, and tells it.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::sys::check;

/// Unlocks the slave of a pty master and gives its number.
pub fn unlock_pty(master: &File) -> io::Result<u32> {
    let (unlock, mut number): (i32, u32) = (0, 0);
    // Safety: both requests read or write one int that lives for the call.
    unsafe {
        check(libc::ioctl(master.as_raw_fd(), libc::TIOCSPTLCK, &unlock))?;
        check(libc::ioctl(master.as_raw_fd(), libc::TIOCGPTN, &mut number))?;
    }
    Ok(number)
}

/// Stops a terminal's output, as a Ctrl-S or a lost carrier on a serial line does.
pub fn stop_output(tty: BorrowedFd<'_>) -> io::Result<()> {
    // Safety: the descriptor is open.
    check(unsafe { libc::tcflow(tty.as_raw_fd(), libc::TCOOFF) })
}

/// Whether a terminal shows what is typed.
pub fn echoes(tty: BorrowedFd<'_>) -> io::Result<bool> {
    // Safety: the descriptor is open and the settings live for the call.
    unsafe {
        let mut settings: libc::termios = std::mem::zeroed();
        check(libc::tcgetattr(tty.as_raw_fd(), &mut settings))?;
        Ok(settings.c_lflag & libc::ECHO != 0)
    }
}

/// The settings of a terminal; of a master, those of its slave. They are the kernel's own, with the
/// speed among the flags of control: where a C library has it is a matter of its version.
pub fn settings(tty: BorrowedFd<'_>) -> libc::termios {
    // Safety: zeros are settings, and the kernel's are no longer than the C library's.
    unsafe {
        let mut settings: libc::termios = std::mem::zeroed();
        let got = libc::ioctl(tty.as_raw_fd(), libc::TCGETS, &mut settings);
        check(got).expect("a terminal has settings");
        settings
    }
}

/// Changes the settings of a terminal.
pub fn set_settings(tty: BorrowedFd<'_>, settings: &libc::termios) {
    // Safety: the kernel reads the settings, of which its own are the first part.
    let set = unsafe { libc::ioctl(tty.as_raw_fd(), libc::TCSETS, settings) };
    check(set).expect("a terminal takes settings");
}

/// The size of a terminal in rows and columns.
pub fn window_size(tty: BorrowedFd<'_>) -> (u16, u16) {
    // Safety: zeros are a size, and TIOCGWINSZ writes it.
    unsafe {
        let mut size: libc::winsize = std::mem::zeroed();
        check(libc::ioctl(tty.as_raw_fd(), libc::TIOCGWINSZ, &mut size)).expect("a size");
        (size.ws_row, size.ws_col)
    }
}
