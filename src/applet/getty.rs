//! getty: takes a terminal, shows who is there, asks for a name, and becomes login.
//!
//! There is nothing here but a straight line, and whatever fails ends it: process 1 starts it
//! again, later each time. While it waits for a name it holds little memory.

use core::ffi::CStr;

use heapless::Vec;
use pidone::machine::line::{Found, Line as Name, NAME_MAX, Parity};
use pidone::wire::getty::{CARRIER, NO_HOSTNAME, Options};
use pidone::wire::issue::{self, Piece};
use pidone::wire::names::take;
use pidone::wire::text::Line;
use pidone::wire::utmp::Record;
use pidone::wire::value;
use rustix::fs::{CWD, readlinkat_raw};

use super::{REFUSED, USAGE};
use crate::sys::child::{self, Manner, Order};
use crate::sys::env::Env;
use crate::sys::facts::{self, ENTRY_MAX, Entry, NODE, Names};
use crate::sys::fd::{self, Fd};
use crate::sys::spawn::point_to;
use crate::sys::start::{Args, c_str, joined};
use crate::sys::tty::{self, Settings};
use crate::sys::{kernel, memory, utmp};

const HELP: &[u8] = b"\
usage: getty [-8chiJLmnNpRsw] [-a USER] [-f ISSUE] [-H HOST] [-I INIT] [-l LOGIN]
             [-t SECONDS] BAUD[,BAUD]... TTY [TERM]
";

/// The longest name of a terminal with its path, in bytes.
const PATH_MAX: usize = 80;

/// Whoever waits for a name.
struct Getty<'a> {
    options: Options<'static>,
    /// The terminal.
    path: &'a CStr,
    /// The speed that is tried; 0 for the one that was set.
    speed: u32,
    out: Out,
}

/// Runs until the login, whose exit code is then ours, or until something fails.
pub fn run(args: Args, first: usize) -> i32 {
    let words = (first..).map_while(|index| args.get(index));
    let mut room = Vec::new();
    let mut getty = Getty { options: Options::default(), path: c"", speed: 0, out: Out::new() };
    let options = &mut getty.options;
    options.read(&mut words.map(CStr::to_bytes_with_nul));
    if let Some(word) = options.wrong {
        return refuse(word, options.expected);
    }
    let first = options.next_speed();
    getty.speed = if options.has(b's') { 0 } else { first };
    getty.path = terminal(options.tty, &mut room);
    if let Err(errno) = tty::take_over(getty.path) {
        return complain(getty.path.to_bytes(), b"cannot take the terminal: ", errno);
    }
    getty.serve(args)
}

/// The path of a terminal; of `-`, that of standard input. One that is too long is not there.
fn terminal<'a>(name: &[u8], room: &'a mut Vec<u8, PATH_MAX>) -> &'a CStr {
    let path = if name == b"-" {
        let _ = room.resize(PATH_MAX, 0);
        let target = room.split_last_mut().map_or(&mut [][..], |(_, target)| target);
        let _ = readlinkat_raw(CWD, c"/proc/self/fd/0", target);
        c_str(room)
    } else {
        joined(room, &[b"/dev/", name])
    };
    path.unwrap_or(c"")
}

impl Getty<'_> {
    fn serve(&mut self, args: Args) -> i32 {
        let record = Record::login(kernel::own_pid(), self.line(), self.options.text(b'H'));
        let (seconds, micros) = utmp::now();
        utmp::put(&record.at(seconds, micros));
        tty::freshen(0);
        self.settle();
        self.wake_line();
        kernel::set_alarm(value::number(self.options.text(b't')).unwrap_or(0));
        if self.options.has(b'w') {
            while !matches!(key(true) & 0x7f, b'\r' | b'\n') {}
        }
        let mut name = Name::new(!self.options.has(b'8'));
        let mut parity = Parity::None;
        let mut user = self.options.text(b'a');
        if !user.is_empty() {
            self.greet();
            self.out.put(user);
            self.out.say(b" (automatic login)\n");
        } else if !self.options.has(b'n') {
            self.greet();
            parity = self.ask(&mut name);
            user = name.name();
        }
        if self.options.has(b'p') {
            self.out.say(b"[press a key to log in]");
            key(true);
        }
        self.out.say(b"\n");
        kernel::set_alarm(0);
        self.finish(parity, name.is_utf8());
        self.become_login(args, user)
    }

    /// The terminal without `/dev/`.
    fn line(&self) -> &[u8] {
        let path = self.path.to_bytes();
        path.strip_prefix(b"/dev/").unwrap_or(path)
    }

    /// The settings that both states of the line share.
    fn settings(&self) -> Option<Settings> {
        let mut settings = Settings::of(0)?;
        let was_local = settings.is_local();
        settings.make_sane();
        settings.set_local(self.options.has(b'L') || self.options.has(b'c') && was_local);
        if self.options.has(b'h') {
            settings.set_flow_control();
        }
        if self.speed > 0 {
            settings.set_speed(self.speed);
        }
        Some(settings)
    }

    /// Has the line give every byte as it comes.
    fn settle(&self) {
        if let Some(mut settings) = self.settings() {
            settings.make_raw(0);
            settings.set_parity(Parity::None);
            settings.apply(0);
        }
    }

    /// Has the line as a login expects it.
    fn finish(&self, parity: Parity, utf8: bool) {
        if let Some(mut settings) = self.settings() {
            if parity != Parity::None {
                settings.set_parity(parity);
            }
            if utf8 {
                settings.set_utf8();
            }
            settings.apply(0);
        }
        tty::fill_size(0);
    }

    /// Talks to a modem, as far as that is wanted.
    fn wake_line(&mut self) {
        let init = self.options.text(b'I');
        if !init.is_empty() {
            self.out.put_escaped(init);
            self.out.flush();
        }
        if self.options.has(CARRIER) {
            tty::await_carrier(self.path);
        }
        if self.options.has(b'm') {
            self.take_speed();
        }
    }

    /// Takes the speed out of what a modem says when it is connected, like `CONNECT 9600`.
    fn take_speed(&self) {
        const TENTHS: u8 = 10;
        let Some(mut settings) = self.settings() else { return };
        settings.make_raw(TENTHS);
        settings.apply(0);
        let mut speed = 0u32;
        let mut byte = [0];
        while let Ok(1) = fd::read(0, &mut byte) {
            match byte[0] {
                digit @ b'0'..=b'9' => speed = speed.wrapping_mul(10) + u32::from(digit & 15),
                _ if speed > 0 => break,
                _ => {}
            }
        }
        settings.make_raw(0);
        if speed > 0 {
            settings.set_speed(speed);
        }
        settings.apply(0);
    }

    /// Asks for a name until there is one.
    fn ask(&mut self, name: &mut Name) -> Parity {
        loop {
            let byte = key(name.name().is_empty());
            match name.push(byte) {
                Found::Nothing => {}
                Found::Echo => self.out.say(&[byte]),
                Found::Wipe(columns) => {
                    (0..columns).for_each(|_| self.out.put(b"\x08 \x08"));
                    self.out.flush();
                }
                Found::Again => self.again(name, b"\n"),
                Found::TooLong => {
                    let mut line = Line::new();
                    let limit = NAME_MAX as u64;
                    line.put(b"\na name has at most ").number(limit).put(b" bytes\n");
                    self.again(name, line.as_bytes());
                }
                Found::Break => {
                    self.speed = self.options.next_speed();
                    self.settle();
                    name.clear();
                    self.greet();
                }
                Found::Name(parity) => return parity,
            }
        }
    }

    fn again(&mut self, name: &mut Name, why: &[u8]) {
        name.clear();
        self.out.put(why);
        self.prompt();
    }

    fn prompt(&mut self) {
        let mut line = Line::new();
        if !self.options.has(NO_HOSTNAME) {
            // The name may come from the net.
            line.quote(Names::ask().get(NODE)).put(b" ");
        }
        self.out.say(line.put(b"login: ").as_bytes());
    }

    /// Shows what stands in the issue, if that is wanted, and prompts.
    fn greet(&mut self) {
        if !self.options.has(b'N') {
            self.out.put(b"\n");
        }
        match self.options.value(b'f') {
            _ if self.options.has(b'i') => {}
            Some(path) => self.show(c_str(path).unwrap_or(c"")),
            None => self.show_all(),
        }
        self.prompt();
    }

    fn show_all(&mut self) {
        self.show(c"/etc/issue");
        let mut name = Entry::new();
        for _ in 0..ENTRIES_MAX {
            let mut path = Vec::<u8, { ENTRY_MAX + 16 }>::new();
            if !facts::next_name(FOLDER, SUFFIX, &mut name) {
                break;
            }
            if let Some(path) = joined(&mut path, &[FOLDER.to_bytes(), b"/", &name]) {
                self.show(path);
            }
        }
    }

    /// Shows one file.
    fn show(&mut self, path: &CStr) {
        let mut room = [0; ISSUE_MAX + 1];
        let mut text = fd::load(path, &mut room);
        let whole = text.len() <= ISSUE_MAX;
        while let Some(piece) = issue::next(&mut text) {
            match piece {
                Piece::Text(byte) => self.out.put(&[byte]),
                Piece::Escape(letter, argument) => self.expand(letter, argument),
            }
        }
        self.out.put(if whole { b"" } else { b"\n[cut after 4096 bytes]\n" });
    }

    /// What an escape stands for. One that is unknown stands for its letter.
    fn expand(&mut self, letter: u8, argument: &[u8]) {
        let names = Names::ask();
        let mut room = [0; 1024];
        let mut line = Line::wide();
        match letter {
            b'S' => {
                let text = release(&mut room);
                let name = if argument.is_empty() { b"PRETTY_NAME" } else { argument };
                let system = if argument.is_empty() { names.get(0) } else { b"" };
                match issue::variable(text, name) {
                    // The sequence of a colour stands there without its beginning and end.
                    Some(code) if name == b"ANSI_COLOR" => put_colour(&mut line, code),
                    Some(value) => _ = line.put(value),
                    None => _ = line.put(system),
                }
            }
            b'e' if argument.is_empty() => _ = line.put(b"\x1b"),
            b'e' => put_colour(&mut line, issue::colour(argument).unwrap_or(b"")),
            b'O' => {
                let mut domain = names.get(NODE);
                take(&mut domain, b'.');
                line.quote(domain);
            }
            b'l' => _ = line.put(self.line()),
            b'b' => _ = line.number(Settings::of(0).map_or(0, |now| u64::from(now.speed()))),
            b'd' => issue::date(&mut line, utmp::now().0),
            b't' => issue::time(&mut line, utmp::now().0),
            b'u' | b'U' => {
                let count = utmp::users();
                line.number(u64::from(count));
                if letter == b'U' {
                    line.put(if count == 1 { b" user" } else { b" users" });
                }
            }
            b'4' => facts::put_v4(&mut line, argument),
            b'6' => facts::put_v6(&mut line, argument),
            _ => match NAMED.iter().position(|&b| b == letter) {
                Some(place) => _ = line.quote(names.get(place / 2)),
                None => _ = line.put(&[letter]),
            },
        }
        self.out.put(line.as_bytes());
    }

    /// Becomes the login; comes back only with an exit code.
    fn become_login(&self, args: Args, user: &[u8]) -> i32 {
        let mut words = Words::new();
        let login = self.options.value(b'l').unwrap_or(b"/bin/login\0");
        put(&mut words, login);
        put(&mut words, if self.options.text(b'a').is_empty() { b"--\0" } else { b"-f\0" });
        put(&mut words, user);
        put(&mut words, if user.is_empty() { b"" } else { b"\0" });
        let mut room = Vec::<u8, 72>::new();
        let usual = Env::term(args, !tty::is_virtual(0));
        let term = match self.options.term {
            b"" => usual,
            given => joined(&mut room, &[b"TERM=", given]).unwrap_or(usual),
        };
        let mut env = Env::new();
        env.pass_on(args, term);
        let argv = point_to(&words);
        let path = c_str(&words).unwrap_or(c"");
        kernel::set_default(pidone::wire::signals::Signal::HUP);
        let order = Order {
            condition: b"",
            path,
            folders: child::FOLDERS,
            options: b"",
            argv: argv.as_ptr(),
            envp: env.pointer(),
            terminal: None,
            manner: Manner::Plain,
            board: None,
            gate: None,
            notify: b"",
            instance: 0,
            group: None,
        };
        let errno = child::execute(&order, order.envp);
        complain(path.to_bytes(), b"cannot run: ", errno)
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
    let mut byte = [0];
    match fd::read(0, &mut byte) {
        Ok(1) => byte[0],
        Ok(_) | Err(_) => kernel::exit(0),
    }
}

/// The letters of the escapes that stand for a name of the machine, two for each in their order.
const NAMED: &[u8] = b"ssnhrrvvmmoD";

/// What is on its way to the terminal.
struct Out(Vec<u8, 128>);

impl Out {
    const fn new() -> Out {
        Out(Vec::new())
    }

    fn put(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if self.0.is_full() {
                self.flush();
            }
            let _ = self.0.push(byte);
        }
    }

    fn say(&mut self, bytes: &[u8]) {
        self.put(bytes);
        self.flush();
    }

    /// Bytes with a backslash and three octal digits for any one of them.
    fn put_escaped(&mut self, text: &[u8]) {
        let mut rest = text;
        while let Some((&byte, after)) = rest.split_first() {
            let escaped = pidone::wire::mounts::escape(rest);
            self.put(&[escaped.unwrap_or(byte)]);
            rest = if escaped.is_some() { rest.get(4..).unwrap_or(&[]) } else { after };
        }
    }

    /// Writes it. A terminal that takes nothing any more was hung up.
    fn flush(&mut self) {
        let mut rest = &self.0[..];
        while !rest.is_empty() {
            match fd::write(1, rest) {
                Ok(count @ 1..) => rest = rest.get(count as usize..).unwrap_or(&[]),
                Ok(0) | Err(_) => kernel::exit(0),
            }
        }
        self.0.clear();
    }
}

/// The words of the login, each with its NUL: options, arguments, and a name.
type Words = Vec<u8, 320>;

fn put(words: &mut Words, bytes: &[u8]) {
    // Words of 320 bytes come out of no inittab: what is cut off fails to run.
    let _ = words.extend_from_slice(bytes);
}

/// The text that describes the system, see os-release(5).
fn release(room: &mut [u8; 1024]) -> &[u8] {
    let found = Fd::open(c"/etc/os-release", fd::READ | fd::CLOSE_ON_EXEC).is_open();
    fd::load(if found { c"/etc/os-release" } else { c"/usr/lib/os-release" }, room)
}

fn put_colour(line: &mut Line, code: &[u8]) {
    if !code.is_empty() {
        line.put(b"\x1b[").put(code).put(b"m");
    }
}

/// Where more issues are, which are shown in the order of their names.
const FOLDER: &CStr = c"/etc/issue.d";
const SUFFIX: &[u8] = b".issue";
/// So many of them are shown.
const ENTRIES_MAX: usize = 64;
/// The longest of them, in bytes: two screens of 24 lines with 80 characters.
const ISSUE_MAX: usize = 4096;

/// Says what is wrong with the command line.
fn refuse(word: &[u8], expected: &[u8]) -> i32 {
    super::report(2, b"getty: '%q': expected %x", [word, expected], 0, USAGE);
    super::say(2, HELP, USAGE)
}

/// Says what failed, on what and why: to whoever sees it, and to syslog.
fn complain(object: &[u8], what: &[u8], errno: u16) -> i32 {
    // Facility 4 of RFC 3164 is that of logins, severity 3 an error.
    let mut line = Line::wide();
    line.put(b"<35>getty[").number(kernel::own_pid() as u64).put(b"]: ");
    let header = line.as_bytes().len();
    line.compose(b"%q: %x%e", [object, what], errno.into());
    let _ = fd::send(Fd::syslog().raw(), line.as_bytes());
    line.put(b"\n");
    let _ = fd::write(2, line.as_bytes().get(header..).unwrap_or(&[]));
    REFUSED
}
