//! What stands on descriptors 0, 1 and 2 of PID 1.

use std::cell::{RefCell, RefMut};
use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{OpenOptionsExt, symlink};

use super::root::Root;
use super::seen::Seen;
use super::sys::{self, Stdio};

/// The choice of a console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Console {
    /// Input from /dev/null, output to a file.
    File,
    /// Output to a pipe which the test reads.
    Pipe,
    /// Output to a pipe that is full before PID 1 starts and is never read.
    FullPipe,
    /// A terminal, which is /dev/console too.
    Pty,
    /// A terminal whose output is stopped and whose buffer is full.
    StoppedPty,
    /// No descriptor at all is open.
    Closed,
}

/// The test's end of the console.
pub struct Screen {
    kind: Console,
    far: Option<RefCell<Seen>>,
    /// Kept so that a terminal does not hang up while no program has it open.
    near: Option<File>,
}

/// The file under the root that takes a file console's output.
const CONSOLE_FILE: &str = "tmp/console";

impl Screen {
    /// Opens the console; gives the screen and the three descriptors for PID 1.
    pub fn open(kind: Console, root: &Root) -> (Screen, [Stdio; 3]) {
        let (far, near, stdio) = match kind {
            Console::File => (None, None, file(root)),
            Console::Pipe | Console::FullPipe => pipe(kind),
            Console::Pty | Console::StoppedPty => pty(kind, root),
            Console::Closed => (None, None, closed()),
        };
        (Screen { kind, far: far.map(|far| RefCell::new(Seen::on(far))), near }, stdio)
    }

    /// Everything that was written so far; a full or stopped console is never read.
    pub fn text(&self, root: &Root) -> String {
        match (self.kind, &self.far) {
            (Console::File, _) => root.read(CONSOLE_FILE),
            (Console::Pipe | Console::Pty, Some(far)) => {
                let mut seen = far.borrow_mut();
                seen.read();
                seen.text()
            }
            _ => String::new(),
        }
    }

    /// Takes everything up to these words, if they are there; whether they are.
    pub fn shows(&self, words: &str) -> bool {
        self.seen().take(words).is_some()
    }

    /// What was not yet taken.
    pub fn rest(&self) -> String {
        let mut seen = self.seen();
        seen.read();
        seen.rest()
    }

    fn seen(&self) -> RefMut<'_, Seen> {
        self.far.as_ref().expect("only a terminal has a screen").borrow_mut()
    }

    /// Types on the terminal.
    pub fn press(&self, keys: &str) {
        let taken = self.send(keys.as_bytes());
        assert_eq!(taken, keys.len(), "a terminal takes a few keys");
    }

    /// Sends bytes that are no text, as many as the terminal takes now; how many that are.
    pub fn send(&self, bytes: &[u8]) -> usize {
        self.seen().press(bytes).unwrap_or(0)
    }

    /// Whether the terminal shows what is typed.
    pub fn echoes(&self) -> bool {
        sys::echoes(self.seen().file().as_fd()).expect("a terminal has settings")
    }

    /// Takes the terminal away, as pulling the cable does: everybody on it gets a hang-up.
    pub fn hang_up(&mut self) {
        sys::close((self.near.take(), self.far.take()));
    }
}

type Ends = (Option<File>, Option<File>, [Stdio; 3]);

fn closed() -> [Stdio; 3] {
    [Stdio::Closed, Stdio::Closed, Stdio::Closed]
}

fn named(path: &str) -> Stdio {
    Stdio::Path(CString::new(path).expect("a plain path"))
}

fn file(root: &Root) -> [Stdio; 3] {
    root.write(CONSOLE_FILE, "");
    let output = format!("/{CONSOLE_FILE}");
    [named("/dev/null"), named(&output), named(&output)]
}

fn pipe(kind: Console) -> Ends {
    let (far, near) = sys::pipe().expect("a pipe");
    sys::nonblocking(far.as_fd(), true);
    if kind == Console::FullPipe {
        fill(File::from(near.try_clone().expect("a second descriptor")));
    }
    let error = near.try_clone().expect("a second descriptor");
    (Some(far), None, [named("/dev/null"), Stdio::Fd(near), Stdio::Fd(error)])
}

fn pty(kind: Console, root: &Root) -> Ends {
    let (far, near, number) = new_pty(root);
    symlink(format!("pts/{number}"), root.path("dev/console")).expect("a console device");
    let stdio = [(); 3].map(|()| named(&format!("/dev/pts/{number}")));
    if kind == Console::StoppedPty {
        sys::stop_output(near.as_fd()).expect("a terminal can be stopped");
        fill(near.try_clone().expect("a second descriptor"));
    }
    (Some(far), Some(near), stdio)
}

/// A new terminal of the root: the master, the slave, and its number under /dev/pts.
pub fn new_pty(root: &Root) -> (File, File, u32) {
    let open = |inside: &str| {
        let flags = libc::O_NOCTTY | libc::O_CLOEXEC;
        let path = root.path(inside);
        OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)
    };
    let master = open("dev/pts/ptmx").expect("a terminal multiplexer");
    let number = sys::unlock_pty(&master).expect("a terminal's number");
    let slave = open(&format!("dev/pts/{number}")).expect("the terminal itself");
    sys::nonblocking(master.as_fd(), true);
    (master, slave, number)
}

/// Writes until nothing more fits, and leaves the open file blocking, as PID 1 will find it.
fn fill(mut end: File) {
    sys::nonblocking(end.as_fd(), true);
    let chunk = [b'.'; 4096];
    let mut size = chunk.len();
    while size > 0 {
        match end.write(&chunk[..size]) {
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::WouldBlock => size /= 2,
            Err(e) => panic!("the console cannot be filled: {e}"),
        }
    }
    sys::nonblocking(end.as_fd(), false);
}

/// Points a device name of the root at a terminal, in one step.
pub fn link_tty(root: &Root, name: &str, number: u32) {
    symlink(format!("pts/{number}"), root.path("dev").join(name)).expect("a device link");
}

/// Takes a device name away again.
pub fn unlink_tty(root: &Root, name: &str) {
    fs::remove_file(root.path("dev").join(name)).expect("the device link is there");
}
