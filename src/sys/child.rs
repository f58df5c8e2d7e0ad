//! Between clone and execve: what a child does to become a unit. It is set up completely, or it
//! leaves word of what failed and is gone.

use core::ffi::CStr;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use heapless::Vec;
use pidone::machine::{Fault, Pid, Refusal, Step};
use pidone::wire::errno::{E2BIG, EACCES, ENAMETOOLONG, ENOENT, ENOEXEC};
use pidone::wire::names::{holds, take};
use pidone::wire::signals::Signal;
use pidone::wire::text::Line;
use pidone::wire::{options, value};

use super::fd::{self, Fd};
use super::groups::Group;
use super::setup::{self, Vars};
use super::spawn::is_missing;
use super::start::joined;
use super::{env, kernel, stdio, tty};

/// What a child is to become. Everything it needs is ready before it is born.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// The path that has to be there.
    pub condition: &'a [u8],
    /// The program.
    pub program: Program<'a>,
    /// The environment, ended by a null.
    pub envp: *const *const u8,
    /// The second field of its line.
    pub options: &'a [u8],
    /// The terminal to open, below /dev.
    pub terminal: Option<&'a CStr>,
    /// What it is to do with the terminal.
    pub manner: Manner,
    /// Where its output goes.
    pub output: Output,
    /// Its end of the pipe by which it tells that it is ready.
    pub gate: Option<Gate>,
    /// The name of the socket by which it does, or empty.
    pub notify: &'a [u8],
    /// Which one of its line it is.
    pub instance: u8,
    /// The control group that it is to have.
    pub group: Option<Group>,
    /// Where it leaves word.
    pub board: Option<&'a Board>,
}

/// A program as execve wants it.
#[derive(Clone, Copy)]
pub struct Program<'a> {
    /// The path; looked for in folders if it holds no slash.
    pub path: &'a CStr,
    /// The folders, with a colon between them.
    pub folders: &'a [u8],
    /// The words, ended by a null.
    pub argv: *const *const u8,
}

/// The child's end of a pipe.
#[derive(Clone, Copy)]
pub struct Gate {
    /// Its number.
    pub fd: i32,
    /// The number at which the program is to have it, if it is.
    pub at: Option<u8>,
}

/// Where the output of a unit goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// To its terminal, or to the console if it has none.
    Terminal,
    /// To the console, which is ours.
    Console,
    /// Nowhere.
    Null,
    /// To this pipe.
    Pipe(i32),
}

impl Output {
    /// How many of the standard descriptors are the terminal, if there is one.
    fn ends_of_terminal(self) -> i32 {
        if self == Output::Terminal { 3 } else { 1 }
    }

    /// Puts it in its place.
    fn take(self) -> kernel::Result<()> {
        match self {
            Output::Terminal | Output::Console => {}
            Output::Null => {
                let null = Fd::open(c"/dev/null", fd::WRITE | fd::CLOSE_ON_EXEC);
                null.opened()?;
                fd::pass_on(null.raw(), 1);
                fd::pass_on(null.raw(), 2);
            }
            Output::Pipe(pipe) => {
                fd::pass_on(pipe, 1);
                fd::pass_on(pipe, 2);
            }
        }
        Ok(())
    }
}

/// How a unit treats its terminal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It leaves it alone.
    Plain,
    /// It has it to itself for a while, and finds it sane.
    Console,
    /// It takes it as its controlling one.
    Login,
    /// It asks before it starts.
    Ask { login: bool },
}

/// The code a child leaves with that has left word. A program may use the same code; what counts
/// is the word.
const WORD_LEFT: i32 = 120;

/// The place of the counter among the words.
const COUNTER: usize = 511;

/// A page in which children that failed leave word, by their number.
pub struct Board([AtomicU64; 512]);

/// The board of children that have our memory.
static OURS: Board = Board([const { AtomicU64::new(0) }; 512]);

/// That of children with a memory of their own, once it is there.
static SHARED: AtomicPtr<Board> = AtomicPtr::new(core::ptr::null_mut());

impl Board {
    /// The board for children that have our memory.
    pub fn ours() -> &'static Board {
        &OURS
    }

    /// The board for children that have a copy of our memory, put up when it is first asked for;
    /// nothing where memory is short.
    pub fn shared() -> Option<&'static Board> {
        let known = Board::known();
        if known.is_some() {
            return known;
        }
        let page = core::ptr::from_ref(kernel::shared_page()?);
        SHARED.store(page.cast_mut().cast(), Ordering::Relaxed);
        Board::known()
    }

    fn known() -> Option<&'static Board> {
        // SAFETY: what was stored is a page that is there for ever, and a board is that array.
        unsafe { SHARED.load(Ordering::Relaxed).as_ref() }
    }

    /// Takes the word of a child that has ended off its board.
    pub fn word_of(pid: Pid, code: u8) -> Option<Fault> {
        if i32::from(code) != WORD_LEFT {
            return None;
        }
        OURS.take(pid).or_else(|| Board::known()?.take(pid))
    }

    fn leave(&self, step: Step, errno: u16) {
        let place = self.0.get(COUNTER).map_or(0, |c| c.fetch_add(1, Ordering::Relaxed));
        let pid = kernel::own_pid() as u64;
        if let Some(word) = self.0.get(place as usize % COUNTER) {
            let step = u64::from(step.number());
            word.store(pid << 32 | step << 16 | u64::from(errno), Ordering::Release);
        }
    }

    fn take(&self, pid: Pid) -> Option<Fault> {
        let words = self.0.iter().take(COUNTER);
        let mut mine = words.filter(|word| word.load(Ordering::Acquire) >> 32 == pid.0 as u64);
        let word = mine.next()?.swap(0, Ordering::AcqRel);
        Some(Fault { step: Step::of((word >> 16) as u16), errno: word as u16 })
    }
}

fn fail(order: &Order<'_>, step: Step, errno: u16) -> ! {
    if let Some(Gate { fd, at: None }) = order.gate {
        let _ = fd::write(fd, b"-");
    }
    fail_at(order.board, step, errno)
}

/// Leaves word of what failed, and goes.
pub fn fail_at(board: Option<&Board>, step: Step, errno: u16) -> ! {
    if let Some(board) = board {
        board.leave(step, errno);
    }
    kernel::exit(WORD_LEFT)
}

/// What a child does.
pub extern "C" fn run(order: &Order<'_>) -> ! {
    kernel::new_session();
    let output = order.output.take();
    kernel::close_the_rest(open_gate(order.gate));
    if let Some(group) = order.group {
        group.enter(order.options);
    }
    // Whoever asks or waits for a line has to be open to TERM meanwhile.
    kernel::set_mask(0);
    if is_missing(b"", order.condition) {
        fail(order, Step::Condition, ENOENT);
    }
    if let Err(errno) = output {
        fail(order, Step::Log, errno);
    }
    if let Some(path) = order.terminal
        && let Err(errno) = stdio::replace(path, 0, order.output.ends_of_terminal())
    {
        fail(order, Step::Terminal, errno);
    }
    if order.terminal.is_some() || order.manner != Manner::Plain {
        tty::make_sane(0);
    }
    if matches!(order.manner, Manner::Login | Manner::Ask { login: true }) {
        tty::take(0);
    }
    if matches!(order.manner, Manner::Ask { .. }) {
        // Where output goes elsewhere, the terminal is still what input comes from.
        ask(if order.output == Output::Terminal { 1 } else { 0 });
    }
    if order.options.is_empty() {
        let errno = execute(&order.program, order.envp);
        fail(order, Step::Exec, errno);
    }
    run_as_asked(order)
}

/// The same with options, which take more of the stack than a container's init has.
#[inline(never)]
fn run_as_asked(order: &Order<'_>) -> ! {
    // SAFETY: the order holds the environment of every child.
    let mut vars = match unsafe { Vars::new(order.envp) } {
        Ok(vars) => vars,
        Err(errno) => fail(order, Step::Exec, errno),
    };
    setup::forget_pidfile(order.options);
    if let Err((place, errno)) = setup::apply(order.options, &mut vars) {
        fail(order, Step::Setting(place), errno);
    }
    if let Err(errno) = set_vars(order, &mut vars) {
        fail(order, Step::Exec, errno);
    }
    let errno = execute(&order.program, vars.pointer());
    fail(order, Step::Exec, errno)
}

/// Tells the program which one of its line it is, where to speak as sd_notify(3) has it, and how
/// often.
fn set_vars(order: &Order<'_>, vars: &mut Vars) -> kernel::Result<()> {
    if options::value(order.options, b"count").is_some() {
        let mut number = Line::new();
        number.number(u64::from(order.instance));
        vars.set(b"INSTANCE", number.as_bytes())?;
    }
    if order.notify.is_empty() {
        return Ok(());
    }
    let watchdog = options::value(order.options, b"watchdog");
    if let Some(span) = watchdog.and_then(|text| value::span(text, 0)) {
        let mut micros = Line::new();
        micros.number(u64::from(span) * 1000);
        vars.set(b"WATCHDOG_USEC", micros.as_bytes())?;
    }
    vars.set(b"NOTIFY_SOCKET", order.notify)
}

/// Puts the pipe where the program looks for it; gives the number that must stay open.
fn open_gate(gate: Option<Gate>) -> i32 {
    match gate {
        Some(Gate { fd, at: Some(at) }) => {
            fd::pass_on(fd, i32::from(at));
            i32::from(at)
        }
        Some(Gate { fd, at: None }) => fd,
        None => 2,
    }
}

/// Becomes a program without being anybody's child; comes back only with what failed.
pub fn become_program(order: &Order<'_>) -> Result<Pid, Refusal> {
    let refusal = |step, errno| Err(Refusal::Fault(Fault { step, errno }));
    if is_missing(b"", order.condition) {
        return refusal(Step::Condition, ENOENT);
    }
    let console = [0, 1, 2].map(fd::copy);
    if let Some(path) = order.terminal
        && let Err(errno) = stdio::replace(path, 0, 3)
    {
        return refusal(Step::Terminal, errno);
    }
    tty::make_sane(0);
    if order.manner == Manner::Login {
        tty::take(0);
    }
    kernel::set_mask(0);
    let errno = execute(&order.program, order.envp);
    // We go on, as before: a terminal that controlled us would send us its signals. What it sends
    // at its parting is a request to nobody as long as it is not in the queue.
    tty::give_up(0);
    kernel::set_mask(kernel::OURS);
    for (number, fd) in (0..).zip(&console) {
        fd::place(fd, number);
    }
    // Of the children that ended meanwhile nobody told us, nor of what was asked or said.
    kernel::remind(Signal::CHLD);
    kernel::remind(Signal::IO);
    refusal(Step::Exec, errno)
}

/// Asks for Enter and waits for the end of a line, or of the terminal.
fn ask(prompts: i32) {
    let prompt = b"\nPlease press Enter to activate this console. ";
    let _ = fd::write(prompts, prompt);
    let mut byte = [0u8; 1];
    while let Ok(1) = fd::read(0, &mut byte) {
        if byte == [b'\n'] {
            break;
        }
    }
}

/// The folders of the PATH we set.
pub const FOLDERS: &[u8] = env::PATH.to_bytes().split_at(b"PATH=".len()).1;

/// A path with its NUL: a folder of ours and the longest name.
type Path = Vec<u8, { pidone::wire::command::BYTES_MAX + 16 }>;

/// Executes the program, or says why not.
pub fn execute(program: &Program<'_>, envp: *const *const u8) -> u16 {
    let bare = program.path.to_bytes();
    if holds(bare, b'/') {
        return attempt(program, program.path, envp);
    }
    let mut worst = ENOENT;
    let mut room = Path::new();
    let mut folders = program.folders;
    while !folders.is_empty() && !bare.is_empty() {
        let folder = take(&mut folders, b':');
        let path = joined(&mut room, &[folder, b"/", bare]);
        match path.map_or(ENAMETOOLONG, |path| attempt(program, path, envp)) {
            ENOENT => {}
            EACCES => worst = EACCES,
            errno => return errno,
        }
    }
    worst
}

fn attempt(program: &Program<'_>, name: &CStr, envp: *const *const u8) -> u16 {
    // SAFETY: both arrays are ended by a null.
    match unsafe { kernel::execve(name, program.argv, envp) } {
        ENOEXEC => by_shell(program, name, envp),
        errno => errno,
    }
}

/// Has the shell run a script that does not say who is to run it, as execvp(3) does.
fn by_shell(program: &Program<'_>, name: &CStr, envp: *const *const u8) -> u16 {
    const WORDS: usize = pidone::wire::command::WORDS_MAX + 3;
    let mut argv: Vec<*const u8, WORDS> = Vec::new();
    let _ = argv.push(c"/bin/sh".as_ptr().cast());
    let _ = argv.push(name.as_ptr().cast());
    for index in 1.. {
        // SAFETY: the array is ended by a null, and the loop ends with it.
        let word = unsafe { *program.argv.add(index) };
        // A line has no more words than fit, but whoever makes a daemon may say more.
        if argv.push(word).is_err() {
            return E2BIG;
        }
        if word.is_null() {
            break;
        }
    }
    // SAFETY: the array was ended by the null of the other one.
    unsafe { kernel::execve(c"/bin/sh", argv.as_ptr(), envp) }
}
