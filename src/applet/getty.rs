//! getty: takes a terminal, shows who is there, asks for a name, and becomes login.
//!
//! There is nothing here but a straight line, and whatever fails ends it: process 1 starts it
//! again, later each time. While it waits for a name it holds little memory.

use core::ffi::CStr;
use core::ptr::null;

use heapless::Vec;
use pidone::machine::line::{Found, Line as Name, NAME_MAX, Parity};
use pidone::wire::getty::{self, Options};
use pidone::wire::issue;
use pidone::wire::lines::LOGICAL_MAX;
use pidone::wire::mounts;
use pidone::wire::names::{begins, take};
use pidone::wire::signals::Signal;
use pidone::wire::text::Line;
use pidone::wire::utmp::Record;

use super::{log, refused, usage};
use crate::sys::child::{self, Program};
use crate::sys::env::Env;
use crate::sys::facts::{self, ENTRY_MAX, LIST_MAX, Names};
use crate::sys::fd;
use crate::sys::start::{Args, c_str, env_with, joined, words};
use crate::sys::tty::{self, Settings};
use crate::sys::{kernel, memory, utmp};

const HELP: &[u8] = b"usage: getty [-8chiJLmnNpRsw] [-afHIlt VALUE] BAUD,... TTY [TERM]\n";

/// The longest name of a terminal with its path, in bytes.
const PATH_MAX: usize = 80;

/// Whoever waits for a name.
#[repr(C)] // What is asked for most is nearest.
struct Getty<'a> {
    options: Options<'static>,
    /// The terminal.
    path: &'a CStr,
    /// The speed that is tried; 0 for the one that was set.
    speed: u32,
    parity: Parity,
    /// Whether erasures take whole characters of UTF-8.
    utf8: bool,
}

/// Runs until the login, whose exit code is then ours, or until something fails.
#[inline(never)] // Among the other applets everything it holds would be far away.
pub fn run(args: Args, first: usize) -> i32 {
    let mut room = Vec::new();
    let options = Options::of(words(args, first));
    let mut getty = Getty { options, path: c"", speed: 0, parity: Parity::None, utf8: false };
    let options = &mut getty.options;
    if let Some(wrong) = options.read() {
        return usage(wrong, b"getty", HELP);
    }
    let speed = options.next_speed();
    if !options.has(getty::KEEP_SPEED) {
        getty.speed = speed.unwrap_or(0);
    }
    getty.path = terminal(options.tty(), &mut room);
    if let Err(errno) = tty::take_over(getty.path) {
        return complain(b"%q: cannot take the terminal: %e", getty.path, errno);
    }
    getty.serve(args)
}

/// The path of a terminal; of `-`, that of standard input. One that is too long is not there.
fn terminal<'a>(name: &[u8], room: &'a mut Vec<u8, PATH_MAX>) -> &'a CStr {
    let mut link = [0; PATH_MAX];
    let name = if name == b"-" { fd::target(c"/proc/self/fd/0", &mut link) } else { name };
    let bare = if name.starts_with(DEV) { name.get(DEV.len()..).unwrap_or(b"") } else { name };
    joined(room, &[DEV, bare]).unwrap_or(c"")
}

const DEV: &[u8] = b"/dev/";

/// What a name is asked for with, behind that of the machine. As a constant of eight bytes it would
/// take room among those that every applet has in memory.
static PROMPT: [u8; 8] = *b" login: ";

/// No pause: the line is as a login expects it.
const COOKED: u8 = u8::MAX;

impl Getty<'_> {
    #[inline(never)]
    fn serve(&mut self, args: Args) -> i32 {
        let host = self.options.text(getty::HOST);
        utmp::put(&Record::login(kernel::own_pid(), self.line(), host));
        tty::freshen(0);
        self.wake_line();
        self.settle(0);
        kernel::set_alarm(self.options.seconds);
        if self.options.has(getty::WAIT) {
            while !matches!(key(true) & 0x7f, b'\r' | b'\n') {}
        }
        let mut name = Name::new(!self.options.has(getty::EIGHT_BITS));
        // A login without a password and without a name would let in whoever types one.
        let mut user = self.string(getty::USER).filter(|user| !user.is_empty());
        let option = if user.is_some() { c"-f" } else { c"--" };
        if let Some(user) = user {
            self.greet();
            tell(user.to_bytes());
            tell(b" (automatic login)\n");
        } else if !self.options.has(getty::SKIP_LOGIN) {
            self.greet();
            self.ask(&mut name);
            user = c_str(name.ended());
        }
        if self.options.has(getty::PAUSE) {
            tell(b"[press a key to log in]");
            key(true);
        }
        tell(b"\n");
        kernel::set_alarm(0);
        self.settle(COOKED);
        tty::fill_size(0);
        self.become_login(args, option, user)
    }

    /// The value of an option.
    #[inline(never)]
    fn string(&self, letter: u8) -> Option<&'static CStr> {
        c_str(self.options.value(letter))
    }

    /// The terminal without its folder.
    fn line(&self) -> &[u8] {
        self.path.to_bytes().get(DEV.len()..).unwrap_or(b"")
    }

    /// Gives the line its settings: each byte as it comes, with a pause in tenths of a second, or
    /// those that a login expects.
    #[inline(never)]
    fn settle(&self, pause: u8) {
        let mut settings = Settings::default();
        if !settings.read(0) {
            return;
        }
        let was_local = settings.is_local();
        settings.make_sane();
        settings.set_local(match self.options.has(getty::LOCAL) {
            true => !self.options.has(getty::CARRIER),
            false => self.options.has(getty::NO_RESET) && was_local,
        });
        if self.options.has(getty::FLOW_CONTROL) {
            settings.set_flow_control();
        }
        if self.speed > 0 {
            settings.set_speed(self.speed);
        }
        settings.set_parity(self.parity);
        if self.utf8 {
            settings.set_utf8();
        }
        if pause != COOKED {
            settings.make_raw(pause);
        }
        settings.apply(0);
    }

    /// Talks to a modem, as far as that is wanted.
    fn wake_line(&mut self) {
        const TENTHS: u8 = 10;
        self.settle(TENTHS);
        // A line of an inittab is no longer.
        let mut room = [0; LOGICAL_MAX];
        if let Some([init @ .., 0]) = mounts::unescape(self.options.text(getty::INIT), &mut room) {
            tell(init);
        }
        if self.options.has(getty::CARRIER) {
            tty::await_carrier(self.path);
        }
        if self.options.has(getty::EXTRACT) {
            self.take_speed();
        }
    }

    /// Takes the speed out of what a modem says when it is connected, like `CONNECT 9600`.
    fn take_speed(&mut self) {
        let mut speed = 0u32;
        while let Some(byte) = read() {
            let digit = byte.wrapping_sub(b'0');
            if digit < 10 {
                speed = speed.wrapping_mul(10).wrapping_add(u32::from(digit));
            } else if speed > 0 {
                break;
            }
        }
        if speed > 0 {
            self.speed = speed;
        }
    }

    /// Asks for a name until there is one.
    #[inline(never)]
    fn ask(&mut self, name: &mut Name) {
        loop {
            let byte = key(name.name().is_empty());
            match name.push(byte) {
                Found::Nothing => {}
                Found::Echo => tell(&[byte]),
                Found::Wipe(columns) => (0..columns).for_each(|_| tell(b"\x08 \x08")),
                Found::Again => self.again(name, b"\n"),
                Found::TooLong => {
                    const _: () = assert!(NAME_MAX == 64);
                    self.again(name, b"\na name has at most 64 bytes\n");
                }
                Found::Break => {
                    self.speed = self.options.next_speed().unwrap_or(0);
                    self.settle(0);
                    name.clear();
                    self.greet();
                }
                Found::Name(parity) => {
                    (self.parity, self.utf8) = (parity, name.is_utf8());
                    return;
                }
            }
        }
    }

    fn again(&self, name: &mut Name, why: &[u8]) {
        name.clear();
        tell(why);
        self.prompt();
    }

    #[inline(never)]
    fn prompt(&self) {
        let mut prompt: &[u8] = &PROMPT;
        if self.options.has(getty::NO_HOSTNAME) {
            prompt = prompt.get(1..).unwrap_or(prompt);
        } else {
            self.expand(b'n', b"");
        }
        tell(prompt);
    }

    /// Shows what stands in the issue, if that is wanted, and prompts.
    #[inline(never)]
    fn greet(&self) {
        if !self.options.has(getty::NO_NEWLINE) {
            tell(b"\n");
        }
        if !self.options.has(getty::NO_ISSUE) {
            match self.string(getty::ISSUE) {
                Some(path) => self.show(path),
                None => self.show_all(),
            }
        }
        self.prompt();
    }

    fn show_all(&self) {
        self.show(c"/etc/issue");
        let mut room = [0; LIST_MAX];
        let list = facts::list(FOLDER, &mut room);
        let mut last: &[u8] = b"";
        loop {
            // No name of UTF-8 comes behind it.
            let mut next: &[u8] = &[u8::MAX];
            let mut rest = list;
            while let Some(name) = fd::next_entry(&mut rest) {
                if name.ends_with(b".issue")
                    && stands_before(last, name)
                    && stands_before(name, next)
                {
                    next = name;
                }
            }
            let mut path = Vec::<u8, { 255 + 16 }>::new();
            match joined(&mut path, &[FOLDER.to_bytes(), next]) {
                Some(path) if !begins(next, u8::MAX) => self.show(path),
                _ => break,
            }
            last = next;
        }
        if list.len() > LIST_MAX - ENTRY_MAX {
            tell(b"[too many files in /etc/issue.d]\n");
        }
    }

    /// Shows one file.
    #[inline(never)]
    fn show(&self, path: &CStr) {
        let mut room = [0; ISSUE_MAX + 1];
        let whole = fd::load(path, &mut room);
        issue::unify(whole);
        let mut text = &*whole;
        while !text.is_empty() {
            tell(take(&mut text, b'\\'));
            if let Some((letter, argument)) = issue::escape(&mut text) {
                self.expand(letter, argument);
            }
        }
        if whole.len() > ISSUE_MAX {
            tell(b"\n[cut after 4096 bytes]\n");
        }
    }

    /// Shows what an escape stands for. One that is unknown stands for its letter.
    #[inline(never)]
    fn expand(&self, letter: u8, argument: &[u8]) {
        let names = Names::ask();
        let mut line = Line::wide();
        match letter {
            b'S' => put_release(&mut line, &names, argument),
            b'e' if argument.is_empty() => _ = line.put(b"\x1b"),
            b'e' => issue::put_colour(&mut line, argument),
            b'l' => _ = line.put(self.line()),
            b'b' => {
                let mut settings = Settings::default();
                settings.read(0);
                line.number(u64::from(settings.speed()));
            }
            b'd' => issue::date(&mut line, utmp::now().0),
            b't' => issue::time(&mut line, utmp::now().0),
            b'u' | b'U' => {
                let count = utmp::users();
                line.number(u64::from(count));
                if letter == b'U' {
                    let plural: &[u8] = b" users";
                    line.put(plural.get(..5 + usize::from(count != 1)).unwrap_or(plural));
                }
            }
            b'4' => facts::put_v4(&mut line, argument),
            b'6' => facts::put_v6(&mut line, argument),
            _ => match issue::NAMED.iter().position(|&b| b == letter) {
                Some(place) => {
                    let mut name = names.get(place % 6);
                    if letter == b'O' {
                        take(&mut name, b'.');
                    }
                    line.quote(name);
                }
                None => _ = line.put(&[letter]),
            },
        }
        tell(line.as_bytes());
    }

    /// Becomes the login; comes back only with an exit code.
    fn become_login(&self, args: Args, option: &CStr, user: Option<&CStr>) -> i32 {
        let path = self.string(getty::LOGIN).unwrap_or(c"/bin/login");
        let user = user.map_or(null(), CStr::as_ptr);
        let argv = [path.as_ptr(), option.as_ptr(), user, null()];
        kernel::set_default(Signal::HUP);
        let mut room = Vec::<u8, 72>::new();
        let usual = Env::term(args, !tty::is_virtual(0));
        let term = match self.options.term() {
            b"" => usual,
            given => joined(&mut room, &[b"TERM=", given]).unwrap_or(usual),
        };
        let program = Program { path, folders: child::FOLDERS, argv: argv.as_ptr().cast() };
        let errno = child::execute(&program, env_with(args, b"TERM", term));
        complain(b"%q: cannot run: %e", path, errno)
    }
}

/// Waits for a byte. Whatever else happens to a terminal is its end, which is ours. If it is the
/// first one, it may take days, so memory that is not needed for it is given back.
#[inline(never)] // While it waits, nothing else is in memory.
fn key(is_first: bool) -> u8 {
    if is_first {
        memory::forget_the_cold(memory::code_of_getty());
        memory::forget_the_stack();
    }
    match read() {
        Some(byte) => byte,
        None => kernel::exit(0),
    }
}

/// Reads a byte.
#[inline(never)] // There are two callers.
fn read() -> Option<u8> {
    let mut byte = [0];
    let count = fd::read(0, &mut byte).unwrap_or(0);
    if count > 0 { Some(byte[0]) } else { None }
}

/// Whether a name comes before another one.
#[inline(never)] // It is asked twice.
fn stands_before(name: &[u8], other: &[u8]) -> bool {
    name < other
}

/// Writes to the terminal. One that takes nothing any more was hung up.
#[inline(never)]
fn tell(bytes: &[u8]) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let count = fd::write(1, rest).unwrap_or(0);
        match rest.get(count as usize..) {
            Some(more) if count > 0 => rest = more,
            _ => kernel::exit(0),
        }
    }
}

/// Appends what os-release(5) says under a name, or without one what the system is called.
fn put_release(line: &mut Line, names: &Names, argument: &[u8]) {
    let name = if argument.is_empty() { b"PRETTY_NAME" } else { argument };
    let mut room = [0; 1024];
    let mut text = fd::load(c"/etc/os-release", &mut room);
    if text.is_empty() {
        text = fd::load(c"/usr/lib/os-release", &mut room);
    }
    match issue::variable(text, name) {
        // The sequence of a colour stands there without its beginning and end.
        Some(code) if name.ends_with(b"_COLOR") && !code.is_empty() => {
            issue::put_code(line, code);
        }
        Some(value) => _ = line.put(value),
        None if argument.is_empty() => _ = line.put(names.get(0)),
        None => {}
    }
}

/// Where more issues are, which are shown in the order of their names.
const FOLDER: &CStr = c"/etc/issue.d/";
/// The longest of them, in bytes: two screens of 24 lines with 80 characters.
const ISSUE_MAX: usize = 4096;

/// Says what failed, on what and why: to whoever sees it, and to syslog.
#[inline(never)]
fn complain(template: &[u8], object: &CStr, errno: u16) -> i32 {
    // Facility 4 of RFC 3164 is that of logins, severity 3 an error.
    log(b"<35>getty: ", template, [object.to_bytes(), b""], errno.into());
    refused(template, object.to_bytes(), errno)
}
