//! A terminal with a program on it, as a person has one: words are typed, and words are waited for.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::support::wait::came_true_within;
use crate::support::{Seen, sys};

/// The longest wait for anything that a guest does. It only bounds a failing test: a boot takes
/// some seconds, and a hundred of them on a busy machine that has to interpret the guest.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// The program and the test's end of its terminal.
pub struct Console {
    program: Child,
    seen: Seen,
}

impl Console {
    /// Starts a program on a terminal of its own.
    pub fn start(mut command: Command) -> Console {
        let (near, far) = open_terminal();
        let program = on_terminal(&mut command, far).spawn().unwrap();
        // The command keeps descriptors of the far end, and the end of the program would not show.
        drop(command);
        sys::nonblocking(near.as_fd(), true);
        Console { program, seen: Seen::on(near) }
    }

    pub fn type_bytes(&mut self, keys: &[u8]) {
        // Nobody types more than a terminal takes at once.
        assert_eq!(self.seen.press(keys).unwrap(), keys.len());
    }

    pub fn type_line(&mut self, line: &str) {
        self.type_bytes(format!("{line}\n").as_bytes());
    }

    /// Waits for `words` and answers what came before them.
    pub fn expect(&mut self, words: &str) -> String {
        let (mut before, mut more) = (None, true);
        came_true_within(PATIENCE, || {
            more = self.seen.read();
            before = self.seen.take(words);
            before.is_some() || !more
        });
        before.unwrap_or_else(|| {
            let why = if more { "it goes on" } else { "it has ended" };
            panic!("no {words:?} on the terminal, {why} after: {}", self.seen.rest());
        })
    }

    /// Waits until the program has ended; what it still says goes unread.
    pub fn expect_end(&mut self) -> ExitStatus {
        let ended = came_true_within(PATIENCE, || !self.seen.read());
        assert!(ended, "the program on the terminal goes on");
        self.program.wait().unwrap()
    }
}

impl Drop for Console {
    /// A test that failed leaves its program running; TERM lets qemu/run end its QEMU as well.
    fn drop(&mut self) {
        if let Ok(None) = self.program.try_wait() {
            // SAFETY: the program is our child and not yet waited for, so that this is its number.
            unsafe { libc::kill(self.program.id() as i32, libc::SIGTERM) };
            let _ = self.program.wait();
        }
    }
}

/// Makes a terminal; the near end is the person's, the far end the program's.
fn open_terminal() -> (File, OwnedFd) {
    // Both are closed on exec from the first: whatever another test starts meanwhile would keep the
    // terminal alive behind its program's end.
    let mut options = File::options();
    options.read(true).write(true).custom_flags(libc::O_NOCTTY);
    let near = options.open("/dev/ptmx").expect("a terminal multiplexer");
    sys::unlock_pty(&near).expect("a fresh terminal");
    let how = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: the call takes a number, and what it opens is nobody else's.
    let far = unsafe {
        let far = libc::ioctl(near.as_raw_fd(), libc::TIOCGPTPEER, how);
        sys::check(far).expect("the terminal itself");
        OwnedFd::from_raw_fd(far)
    };
    (near, far)
}

/// Puts the program on the terminal, in a session of its own that the terminal controls.
fn on_terminal(command: &mut Command, far: OwnedFd) -> &mut Command {
    command.stdin(Stdio::from(far.try_clone().unwrap()));
    command.stdout(Stdio::from(far.try_clone().unwrap())).stderr(Stdio::from(far));
    // SAFETY: setsid and ioctl may be called between fork and exec; descriptor 0 is the terminal.
    unsafe {
        command.pre_exec(|| {
            libc::setsid();
            libc::ioctl(0, libc::TIOCSCTTY, 0);
            Ok(())
        })
    }
}
