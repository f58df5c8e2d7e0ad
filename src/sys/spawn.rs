//! Starting units: the parent's side.

use heapless::Vec;
use pidone::machine::care::Errand;
use pidone::machine::readers::LogId;
use pidone::machine::table::{Slot, Spec, Table};
use pidone::machine::unit::Unit;
use pidone::machine::{Fault, Life, Pid, Refusal, Step, UnitId};
use pidone::wire::command::{self, Words};
use pidone::wire::errno::ESRCH;
use pidone::wire::inittab::Kind;
use pidone::wire::lines::LOGICAL_MAX;
use pidone::wire::names::{begins, holds};
use pidone::wire::options::{self, Log, Ready};
use rustix::fs::{Access, access};

use super::aide::{self, Task};
use super::child::{self, Board, Gate, Manner, Order, Output, Program};
use super::cradle;
use super::ears::{Ears, Sign};
use super::groups::{Group, Groups};
use super::kernel;
use super::logs::{Begin, Logs};
use super::start::{Args, c_str, joined};
use super::watch::Watch;

/// A path with its NUL: a terminal, or the whole of a line's `if=`.
type Path = Vec<u8, { LOGICAL_MAX + 8 }>;

const DEV: &[u8] = b"/dev/";

/// Everything a start needs beside the line.
pub struct Nursery {
    /// The environment of every child.
    pub envp: *const *const u8,
    /// The folders in which programs are looked for.
    pub folders: &'static [u8],
    /// The groups of units.
    pub groups: Groups,
    /// Whether children may have our memory until their execve.
    pub has_cradle: bool,
    /// The logs that units write to.
    pub logs: &'static mut Logs,
    /// Reads one of them.
    pub reader: Begin,
}

/// What the order for a child leads to.
pub struct Kit {
    words: Words,
    argv: Argv,
    terminal: Path,
}

impl Kit {
    /// Nothing yet, which is all zeros.
    pub const fn new() -> Self {
        Kit { words: Words::new(), argv: Argv::new(), terminal: Path::new() }
    }
}

/// What becomes of an order.
type Birth = fn(&Order<'_>) -> Result<Pid, Refusal>;

/// The words of a command as execve wants them.
pub type Argv = Vec<*const u8, { command::WORDS_MAX + 1 }>;

/// Pointers into words, each ended by a NUL, which must stay where they are while these are in use.
pub fn point_to(words: &[u8]) -> Argv {
    let mut argv = Argv::new();
    let mut begins = true;
    for byte in words {
        if begins {
            let _ = argv.push(core::ptr::from_ref(byte));
        }
        begins = *byte == 0;
    }
    if argv.is_full() {
        argv.pop();
    }
    let _ = argv.push(core::ptr::null());
    argv
}

/// How a unit is heard, where it belongs, and where its output goes.
struct Ways<'a> {
    gate: Option<Gate>,
    notify: &'a [u8],
    group: Option<Group>,
    output: Output,
}

impl Nursery {
    /// Starts a unit, unless what it asks for is not there.
    pub fn start(
        &mut self,
        table: &Table,
        spec: &Spec,
        life: Life,
        watch: &mut Watch,
        ears: &mut Ears,
    ) -> Result<Pid, Refusal> {
        let tty = table.text(spec.tty);
        if is_missing(DEV, tty) {
            // Between a look and the beginning of the watch it may have come.
            let watched = !holds(tty, b'/') && watch.over(c"/dev");
            if is_missing(DEV, tty) {
                return Err(Refusal::NoTerminal { watched });
            }
        }
        let field = table.text(spec.options);
        let failed = |errno| Refusal::Fault(Fault { step: Step::Ready, errno });
        let speaks =
            spec.rules.ready == Ready::Notify || options::value(field, b"watchdog").is_some();
        let sign = match spec.rules.ready {
            Ready::Exec => Some(Sign::Exec),
            Ready::Newline => Some(Sign::Newline),
            Ready::AtOnce | Ready::Notify | Ready::Exit | Ready::Path | Ready::Port => None,
        };
        let pipe = sign.map(|_| ears.pipe()).transpose().map_err(failed)?;
        let group = if spec.kind.is_service() { self.groups.prepare(life) } else { None };
        let notify = if speaks { ears.address().map_err(failed)? } else { b"" };
        let at = options::value(field, b"ready").and_then(options::descriptor);
        let gate = pipe.as_ref().map(|(_, its)| Gate { fd: its.raw(), at });
        let output = self.output(table, spec)?;
        let plain = spec.kind != Kind::AskFirst && options::is_plain(field) && self.has_cradle;
        let mut own = None;
        let (kit, to): (_, Birth) = match cradle::kit().filter(|_| plain) {
            Some(kit) => (kit, cradle::bear),
            None => (own.insert(Kit::new()), bear),
        };
        let pid = self.hand_over(table, spec, kit, Ways { gate, notify, group, output }, to)?;
        if let (Some(sign), Some((ours, _))) = (sign, pipe) {
            ears.keep(pid, sign, ours);
        }
        Ok(pid)
    }

    /// Where the output of a unit goes; a log that is not open is opened.
    fn output(&mut self, table: &Table, spec: &Spec) -> Result<Output, Refusal> {
        let field = table.text(spec.options);
        let wanted = if spec.kind.is_service() { options::output(field) } else { None };
        let log = match wanted {
            None => return Ok(Output::Terminal),
            Some(Log::Null) => return Ok(Output::Null),
            Some(Log::Console) => return Ok(Output::Console),
            Some(Log::Syslog(_) | Log::File(_)) => self.logs.open(spec.log),
        };
        log.map(Output::Pipe).map_err(|errno| Refusal::Fault(Fault { step: Step::Log, errno }))
    }

    /// Begins the reader of a log, by the line of a unit that writes to it.
    pub fn begin_reader(&mut self, table: &Table, log: LogId, spec: &Spec) -> kernel::Result<Pid> {
        let name = (table.text(spec.name.base), table.line_ordinal(spec));
        self.logs.begin(log, table.text(spec.options), name, self.reader)
    }

    /// Begins an aide.
    pub fn begin_aide(
        &self,
        table: &Table,
        unit: UnitId,
        of: Pid,
        errand: Errand,
        memory: bool,
    ) -> kernel::Result<Pid> {
        let Some(Slot { spec, unit: Unit { life, .. } }) = table.slot(unit) else {
            return Err(ESRCH);
        };
        let (options, group) = (table.text(spec.options), self.groups.of(*life));
        let (envp, board) = (self.envp, Board::shared());
        let task = Task { errand, of, group, memory, options, envp, board };
        // SAFETY: `run` never returns.
        unsafe { kernel::fork(&task, aide::run) }
    }

    /// Whether the memory of a unit is to be looked at, and whether anything else is.
    pub fn looks(&self, table: &Table, slot: &Slot) -> (bool, bool) {
        let has = |key: &[u8]| options::value(table.text(slot.spec.options), key).is_some();
        let group = self.groups.of(slot.unit.life).filter(|_| has(b"mem"));
        let held = group.is_some_and(Group::is_limited);
        (has(b"mem") && !held, has(b"check") || has(b"port"))
    }

    /// Makes this process what a unit would become; comes back only with what failed.
    pub fn become_unit(&self, table: &Table, spec: &Spec) -> Result<Pid, Refusal> {
        let ways = Ways { gate: None, notify: b"", group: None, output: Output::Terminal };
        self.hand_over(table, spec, &mut Kit::new(), ways, child::become_program)
    }

    /// Makes ready what a child needs and hands it over.
    fn hand_over(
        &self,
        table: &Table,
        spec: &Spec,
        kit: &mut Kit,
        Ways { gate, notify, group, output }: Ways<'_>,
        to: Birth,
    ) -> Result<Pid, Refusal> {
        let text = table.text(spec.command);
        let Kit { words, argv, terminal } = kit;
        words.split(text);
        *argv = point_to(words.bytes());
        let login = begins(text, b'-');
        let tty = table.text(spec.tty);
        let terminal = joined(terminal, &[DEV, tty]);
        to(&Order {
            condition: table.text(spec.condition),
            options: table.text(spec.options),
            program: Program {
                path: c_str(words.path()).unwrap_or(c""),
                folders: self.folders,
                argv: argv.as_ptr(),
            },
            envp: self.envp,
            terminal: terminal.filter(|_| !tty.is_empty()),
            manner: match spec.kind {
                Kind::AskFirst => Manner::Ask { login },
                _ if login => Manner::Login,
                // A daemon that is started again must not spoil what somebody does on the console.
                kind if kind.is_service() => Manner::Plain,
                _ => Manner::Console,
            },
            output,
            gate,
            notify,
            instance: spec.instance,
            group,
            board: None,
        })
    }
}

/// Starts a child with a copy of our memory.
pub fn bear(order: &Order<'_>) -> Result<Pid, Refusal> {
    let order = Order { board: Board::shared(), ..*order };
    // SAFETY: `run` never returns.
    let born = unsafe { kernel::fork(&order, child::run) };
    born.map_err(|errno| Refusal::Fault(Fault { step: Step::Fork, errno }))
}

/// Starts a command of a container beside its main child, in a session of its own, with the
/// environment that we have.
pub fn by_the_way(args: Args, command: &[u8]) -> Result<Pid, u16> {
    let mut words = Words::new();
    words.split_list(command);
    let argv = point_to(words.bytes());
    let order = Order {
        condition: &[],
        program: Program {
            path: c_str(words.path()).unwrap_or(c""),
            folders: args.path(),
            argv: argv.as_ptr(),
        },
        envp: args.env_pointer(),
        options: &[],
        output: Output::Terminal,
        gate: None,
        notify: &[],
        instance: 0,
        group: None,
        terminal: None,
        manner: Manner::Plain,
        board: None,
    };
    // SAFETY: `run` never returns.
    unsafe { kernel::fork(&order, child::run) }
}

/// Whether something is named that is not in the folder.
pub fn is_missing(folder: &[u8], name: &[u8]) -> bool {
    let mut room = Path::new();
    let path = joined(&mut room, &[folder, name]);
    !name.is_empty() && path.is_none_or(|path| access(path, Access::EXISTS).is_err())
}
