//! The machines: events in, state inside, actions out.

pub mod care;
pub mod container;
mod health;
pub mod hear;
pub mod init;
pub mod line;
mod lives;
pub mod log;
pub mod memory;
mod outputs;
pub mod readers;
pub mod records;
mod reload;
pub mod shutdown;
pub mod spool;
pub mod status;
mod steps;
mod stories;
pub mod table;
pub mod ties;
pub mod time;
pub mod unit;

use crate::wire::signals::Signal;
use care::Errand;
use readers::LogId;
use time::Instant;

/// The number of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Pid(pub i32);

/// The place of a unit in the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct UnitId(pub u16);

/// One life of a unit: a start, and all that follows from it until the next one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Life(pub u32);

/// How a process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// By itself, with this code.
    Code(u8),
    /// By a signal.
    Signal(Signal),
}

/// What failed on the way from fork to exec.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The fork itself.
    Fork,
    /// Opening the terminal.
    Terminal,
    /// The execve.
    Exec,
    /// The look for the path of its `if=`: it is not there.
    Condition,
    /// The way by which it is to tell that it is ready.
    Ready,
    /// No failure: the process that is to be followed was found. Its number takes more room than
    /// an error; this is the upper part of it.
    Found(u8),
    /// The end of a unit, or a look at its memory: it has more than `mem=` allows.
    Memory,
    /// A look at its port.
    Port,
    /// Opening what it writes to.
    Log,
    /// An option, by its place among [`crate::wire::options::SETTINGS`].
    Setting(u8),
}

impl Step {
    /// The number that a child says it by.
    pub fn number(self) -> u16 {
        match self {
            Step::Fork => 0,
            Step::Terminal => 1,
            Step::Exec => 2,
            Step::Condition => 3,
            Step::Ready => 4,
            Step::Memory => 5,
            Step::Port => 6,
            Step::Log => 7,
            Step::Setting(place) => 0x100 | place as u16,
            Step::Found(upper) => 0x200 | upper as u16,
        }
    }

    /// The step of a number.
    pub fn of(number: u16) -> Step {
        match (number >> 8, number as u8) {
            (0, 0) => Step::Fork,
            (0, 1) => Step::Terminal,
            (0, 3) => Step::Condition,
            (0, 4) => Step::Ready,
            (0, 5) => Step::Memory,
            (0, 6) => Step::Port,
            (0, 7) => Step::Log,
            (1, place) => Step::Setting(place),
            (2, upper) => Step::Found(upper),
            _ => Step::Exec,
        }
    }
}

impl Fault {
    /// The word of a process that was found.
    pub fn found(pid: u32) -> Fault {
        Fault { step: Step::Found((pid >> 16) as u8), errno: pid as u16 }
    }

    /// The process that was found, if this is such a word.
    pub fn finding(self) -> Option<Pid> {
        match self.step {
            Step::Found(upper) => Some(Pid(i32::from(upper) << 16 | i32::from(self.errno))),
            Step::Fork | Step::Terminal | Step::Exec | Step::Condition | Step::Ready => None,
            Step::Memory | Step::Port | Step::Log | Step::Setting(_) => None,
        }
    }
}

/// A failed step and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// What failed.
    pub step: Step,
    /// The error number.
    pub errno: u16,
}

/// Why a unit was not started, though nothing is wrong with us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// A step failed.
    Fault(Fault),
    /// Its terminal is not there; whether we will be told when it comes.
    NoTerminal { watched: bool },
}

/// What somebody asked PID 1 to do, by a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request {
    /// Read the inittab again.
    Reload,
    /// Run the `ctrlaltdel` lines.
    CtrlAltDel,
    /// Start no more units.
    Pause,
    /// Start units again.
    Continue,
    /// Go down, in this way.
    Down(End),
}

/// How it all ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The machine stands still.
    Halt,
    /// The machine is switched off.
    PowerOff,
    /// The machine starts anew.
    Reboot,
    /// The `restart` line takes the place of PID 1.
    Restart,
    /// Whoever supervises ends, and leaves what is around alone.
    Leave,
    /// A main unit has ended for good, with this code: so does everything.
    Main(u8),
}

/// Where messages go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sink {
    /// The console.
    Console,
    /// Every console there is, through the kernel; failing that, the console.
    Everyone,
    /// /dev/log.
    Syslog,
    /// /dev/kmsg.
    Kernel,
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// It was taken.
    Taken,
    /// The sink is there but takes nothing now.
    Full,
    /// The sink is not there; whether we will be told when it comes.
    Absent { watched: bool },
}

/// The last steps on the way down. Each is done by a child, so that a dead disk cannot hold us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LastStep {
    /// KILL to every process.
    KillAll,
    /// Unmount, or make read-only, what is still mounted.
    Unmount,
    /// Write out what the kernel still holds.
    Sync,
    /// reboot(2).
    Reboot(End),
}

/// How PID 1 was started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// By the inittab.
    Inittab,
    /// For one shell.
    Single,
    /// By an inittab, below the init of a machine.
    Supervise,
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event<'a> {
    /// We run. The seed makes the jitter of two machines differ.
    Boot { mode: Mode, seed: u32 },
    /// The terminals of the active consoles, each with a blank behind it. It comes before the text
    /// that they are for.
    Consoles(&'a [u8]),
    /// There are other active consoles now.
    ConsolesChanged,
    /// A piece of the inittab.
    Text(&'a [u8]),
    /// The inittab is at its end.
    TextEnd,
    /// The inittab cannot be read or is not there; whether there is a shell at least.
    TextFailed { errno: u16, shell: bool },
    /// A signal with a request in it.
    Requested(Request),
    /// A child was reaped.
    Exited { pid: Pid, exit: Exit, fault: Option<Fault> },
    /// There is no child left.
    Childless,
    /// Something came in one of the folders we watch.
    Appeared,
    /// Time went by.
    Tick,
    /// A unit was started.
    Spawned { unit: UnitId, pid: Pid },
    /// A unit was not started.
    Refused { unit: UnitId, refusal: Refusal },
    /// The process of a unit has become the program, or has written its newline.
    Ready { pid: Pid },
    /// Somebody says something as sd_notify(3) has it: a process, and its session.
    Notified { pid: Pid, session: Pid, text: &'a [u8] },
    /// Somebody asks at the control socket, who may or may not.
    Asked { allowed: bool, text: &'a [u8] },
    /// Whoever asked has the answer, or did not take it.
    Answered,
    /// What a unit left behind was seen to.
    Swept,
    /// An aide for a process of a unit was begun.
    AideBegun { of: Pid, aide: Pid },
    /// An aide was not begun.
    AideRefused { of: Pid },
    /// An aide was not begun, nor is any other one for this process: all that is to be looked at is
    /// held by the kernel.
    AideNeedless { of: Pid },
    /// The memory of a unit is not held by the kernel, so that it has to be looked at.
    Unheld { unit: UnitId },
    /// An aide was sent KILL.
    AideKilled { aide: Pid },
    /// The reader of a log was begun.
    ReaderBegun { log: LogId, pid: Pid },
    /// The reader of a log was not begun.
    ReaderRefused { log: LogId, errno: u16 },
    /// The reader of a log was sent its signal.
    ReaderSignalled { log: LogId },
    /// What is ours of a log was closed.
    LogClosed { log: LogId },
    /// A unit was sent its signal.
    Signalled { unit: UnitId },
    /// Every process was sent TERM; whether there was one.
    SignalledAll { any: bool },
    /// A message went to a sink.
    Told { sink: Sink, told: Told },
    /// A record is being written by this child, or by nobody.
    Recorded { writer: Option<Pid> },
    /// A last step has a child that does it.
    StepStarted { pid: Pid },
    /// A last step has no child.
    StepRefused { errno: u16 },
    /// Nothing took our place.
    NotReplaced(Fault),
    /// Something that is said and has no further consequence: what was tried, on what, why not.
    Trouble { what: &'a [u8], object: &'a [u8], errno: u16 },
}

/// What is to be done. Each action is answered by an outcome event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Read the inittab: [`Event::Consoles`], [`Event::Text`] and one of its ends.
    ReadTable,
    /// Send what [`init::Init::answer`] writes to whoever asked last: [`Event::Answered`].
    Answer,
    /// Start a unit: [`Event::Spawned`] or [`Event::Refused`].
    Spawn { unit: UnitId },
    /// Begin an aide for a process of a unit: [`Event::AideBegun`], [`Event::AideRefused`] or
    /// [`Event::AideNeedless`].
    BeginAide { unit: UnitId, of: Pid, errand: Errand },
    /// Begin the aide that finds the process which a unit is from now on, the heir that it named
    /// or, for 0, by its file: [`Event::Spawned`] or [`Event::Refused`].
    Follow { unit: UnitId, heir: Pid },
    /// Kill an aide: [`Event::AideKilled`].
    EndAide { aide: Pid },
    /// Take away the group of a life that is over, and kill what it has left behind if it was
    /// stopped: [`Event::Swept`].
    Sweep { pid: Pid, life: Life, kill: bool },
    /// Begin the reader of a log, by the line of a unit that writes to it: [`Event::ReaderBegun`]
    /// or [`Event::ReaderRefused`].
    BeginReader { log: LogId, unit: UnitId },
    /// Send the reader of a log a signal: [`Event::ReaderSignalled`].
    SignalReader { log: LogId, pid: Pid, signal: Signal },
    /// Close our end to write to of a log, or all that is ours of it: [`Event::LogClosed`].
    CloseLog { log: LogId, whole: bool },
    /// Send a unit's process group a signal, CONT after it, and HUP between them where it is to
    /// hang up: [`Event::Signalled`].
    Signal { unit: UnitId, pid: Pid, signal: Signal, hangup: bool },
    /// Send every process TERM and CONT: [`Event::SignalledAll`].
    TermAll,
    /// Fork a child that writes something down: [`Event::Recorded`].
    Record(records::Record),
    /// Fork a child for a last step: [`Event::StepStarted`] or [`Event::StepRefused`].
    Last(LastStep),
    /// Tell the oldest message of the log: [`Event::Told`].
    Tell(Sink),
    /// Execute the `restart` line in our place: [`Event::NotReplaced`], or never.
    Replace { unit: UnitId },
    /// Leave a container that does not let us end it otherwise. Nothing comes back.
    Leave { code: u8 },
}

impl Action {
    /// Whether it is a start, the only thing of which hundreds may be wanted at once.
    pub fn is_start(&self) -> bool {
        matches!(self, Action::Spawn { .. } | Action::BeginReader { .. })
    }
}

/// The earlier of two times, either of which may be missing.
pub fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
