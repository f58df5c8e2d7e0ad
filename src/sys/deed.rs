//! What the machine wants, done. Nothing else matches actions.

use core::ffi::CStr;

use pidone::machine::care::Errand;
use pidone::machine::init::{Init, Phase};
use pidone::machine::readers::LogId;
use pidone::machine::records::Record;
use pidone::machine::shutdown::NOT_OURS;
use pidone::machine::table::{Consoles, Table};
use pidone::machine::{
    Action, End, Event, Exit, Fault, LastStep, Pid, Refusal, Sink, Step, Told, UnitId,
};
use pidone::wire::consoles::List;
use pidone::wire::control::Answer;
use pidone::wire::errno::{self, ENOENT};
use pidone::wire::inittab::Kind;
use pidone::wire::names::holds;
use pidone::wire::signals::Signal;
use pidone::wire::text::Line;
use rustix::fs::{Access, access};
use rustix::system::RebootCommand;

use super::calls;
use super::container::kin;
use super::cradle;
use super::ears::Ears;
use super::facts::{Names, RELEASE};
use super::fd::{self, Fd};
use super::sinks::Sinks;
use super::spawn::Nursery;
use super::utmp;
use super::watch::Watch;
use super::{host, kernel, mount};

/// Where we are.
pub enum Place {
    /// At the top: everything around is ours, and the machine too if it is one.
    Top { on_machine: bool },
    /// Below somebody else: only what we have started is ours.
    Within {
        inittab: &'static CStr,
        pidfile: Option<&'static CStr>,
        /// Where somebody may ask.
        socket: Option<&'static CStr>,
    },
}

/// What deeds are done with.
pub struct Hands {
    /// Where we are.
    pub place: Place,
    /// Starts units.
    pub nursery: Nursery,
    /// Takes messages.
    pub sinks: Sinks,
    /// Tells of what comes.
    pub watch: Watch,
    /// Hears what units show and say.
    pub ears: &'static mut Ears,
    /// The control socket is still to be opened.
    pub is_unheard: bool,
}

impl Hands {
    /// Does what is wanted and hands the outcome to the machine.
    #[inline(never)] // The loop around it stays in memory while it waits, this does not.
    pub fn act(&mut self, init: &mut Init<'_>, action: Action) {
        let event = match action {
            Action::ReadTable => return self.read_table(init),
            Action::Record(record) => self.write_down(&record),
            Action::Answer => self.answer(init),
            Action::Spawn { unit } => self.spawn(init, unit),
            Action::BeginAide { unit, of, errand } => self.begin_aide(init, unit, of, errand),
            Action::Sweep { pid, life, kill } => {
                self.nursery.groups.sweep(pid, life, kill);
                Event::Swept
            }
            Action::BeginReader { log, unit } => self.begin_reader(init.table(), log, unit),
            Action::SignalReader { log, pid, signal } => {
                kernel::signal_group(pid, signal);
                Event::ReaderSignalled { log }
            }
            Action::CloseLog { log, whole } => {
                self.nursery.logs.close(log, whole);
                Event::LogClosed { log }
            }
            Action::Follow { unit, heir } => self.follow(init.table(), unit, heir),
            Action::EndAide { aide } => {
                kernel::signal_group(aide, Signal::KILL);
                Event::AideKilled { aide }
            }
            Action::Signal { unit, pid, signal, hangup } => {
                signal_unit(pid, signal, hangup);
                Event::Signalled { unit }
            }
            Action::TermAll => Event::SignalledAll { any: self.term_all() },
            Action::Last(step) => self.last(init, step),
            Action::Tell(sink) => self.tell(init, sink),
            Action::Replace { unit } => return self.replace(init, unit),
            Action::Leave { code } => self.leave(code),
        };
        init.handle(kernel::now(), event);
    }

    #[inline(never)] // Its room is not to be set up for anything else.
    fn answer(&self, init: &Init<'_>) -> Event<'static> {
        let mut answer = Answer::new();
        init.answer(&mut answer);
        self.ears.answer(answer.as_bytes());
        Event::Answered
    }

    /// Does what has time until everything is started that is to be: asks to be preferred, and
    /// opens the control socket.
    #[cold]
    #[inline(never)]
    pub fn begin_to_hear(&mut self, init: &mut Init<'_>) {
        let path = match self.place {
            Place::Top { .. } => Some(CONTROL),
            Place::Within { socket, .. } => socket,
        };
        let Some(path) = path.filter(|_| init.phase() == Phase::Run) else {
            return;
        };
        self.is_unheard = false;
        if let Place::Top { .. } = self.place {
            calls::prefer();
        }
        match self.ears.attend_at(path) {
            // A system without the folder is one without the socket.
            Ok(()) => {}
            Err(ENOENT) if path == CONTROL => {}
            Err(errno) => {
                let (what, object) = (b"listen at", path.to_bytes());
                init.handle(kernel::now(), Event::Trouble { what, object, errno });
            }
        }
    }

    fn spawn(&mut self, init: &Init<'_>, unit: UnitId) -> Event<'static> {
        let (table, life) = (init.table(), init.next_life());
        let slot = table.slot(unit);
        if let Place::Top { .. } = self.place
            && slot.is_some_and(|slot| slot.spec.kind == Kind::Shutdown)
        {
            // Such a line may be there to unmount what the control socket lies on. That of a
            // supervisor is nobody else's until it ends.
            self.ears.leave();
            self.is_unheard = true;
        }
        let started = match slot {
            Some(slot) => self.nursery.start(table, &slot.spec, life, &mut self.watch, self.ears),
            None => Err(Refusal::NoTerminal { watched: false }),
        };
        match started {
            Ok(pid) => Event::Spawned { unit, pid },
            Err(refusal) => Event::Refused { unit, refusal },
        }
    }

    fn begin_reader(&mut self, table: &Table, log: LogId, unit: UnitId) -> Event<'static> {
        let begun = match table.slot(unit) {
            Some(slot) => self.nursery.begin_reader(table, log, &slot.spec),
            None => Err(errno::ENOENT),
        };
        match begun {
            Ok(pid) => Event::ReaderBegun { log, pid },
            Err(errno) => Event::ReaderRefused { log, errno },
        }
    }

    fn follow(&self, table: &Table, unit: UnitId, heir: Pid) -> Event<'static> {
        match self.nursery.begin_aide(table, unit, heir, Errand::Follow, false) {
            Ok(pid) => Event::Spawned { unit, pid },
            Err(errno) => {
                let fault = Fault { step: Step::Fork, errno };
                Event::Refused { unit, refusal: Refusal::Fault(fault) }
            }
        }
    }

    fn begin_aide(
        &self,
        init: &mut Init<'_>,
        unit: UnitId,
        of: Pid,
        errand: Errand,
    ) -> Event<'static> {
        let mut memory = false;
        if let Some(slot) = init.table().slot(unit).filter(|_| errand == Errand::Look) {
            let (looks, else_too) = self.nursery.looks(init.table(), slot);
            match (looks, else_too) {
                (false, false) => return Event::AideNeedless { of },
                (true, _) => init.handle(kernel::now(), Event::Unheld { unit }),
                (false, true) => {}
            }
            memory = looks;
        }
        match self.nursery.begin_aide(init.table(), unit, of, errand, memory) {
            Ok(aide) => Event::AideBegun { of, aide },
            Err(_) => Event::AideRefused { of },
        }
    }

    fn tell(&mut self, init: &Init<'_>, sink: Sink) -> Event<'static> {
        let mut told = self.offer(init, sink);
        if sink == Sink::Everyone && told != Told::Taken {
            told = self.offer(init, Sink::Console);
        }
        Event::Told { sink, told }
    }

    fn offer(&mut self, init: &Init<'_>, sink: Sink) -> Told {
        let mut line = Line::wide();
        init.log().read(kernel::now(), sink, &mut line);
        match sink {
            Sink::Console => self.sinks.console(line.as_bytes()),
            Sink::Syslog => self.sinks.syslog(line.as_bytes(), &mut self.watch),
            // The kernel's log is that of the machine.
            Sink::Kernel | Sink::Everyone => match self.place {
                Place::Top { .. } => Sinks::kernel(line.as_bytes()),
                Place::Within { .. } => Told::Absent { watched: false },
            },
        }
    }

    fn replace(&mut self, init: &mut Init<'_>, unit: UnitId) {
        let table = init.table();
        // As the kernel had it when it started us.
        let _ = rustix::system::reboot(RebootCommand::CadOn);
        calls::prefer_no_more();
        let replaced = table.slot(unit).map(|slot| self.nursery.become_unit(table, &slot.spec));
        calls::prefer();
        let _ = rustix::system::reboot(RebootCommand::CadOff);
        let fault = match replaced {
            Some(Err(Refusal::Fault(fault))) => fault,
            Some(Ok(_) | Err(_)) | None => Fault { step: Step::Exec, errno: errno::ENOENT },
        };
        init.handle(kernel::now(), Event::NotReplaced(fault));
        // What comes now is a boot, and a line may have unmounted everything.
        mount::early(self.on_machine(), &mut |what, target, errno| {
            let object = target.to_bytes();
            init.handle(kernel::now(), Event::Trouble { what, object, errno });
        });
    }
}

const INITTAB: &CStr = c"/etc/inittab";

/// The control socket of a machine.
pub const CONTROL: &CStr = c"/run/pidone.sock";

const SHELL: &CStr = c"/bin/sh";

/// How much of the inittab is read at once, in bytes.
const PIECE: usize = 512;

/// How many pieces an inittab may have: 4 MiB, a thousand times what the longest one has. What is
/// called /etc/inittab may be a device that has no end.
const PIECES_MAX: usize = 8192;

impl Hands {
    /// Hands over the table, and what its lines for the consoles stand for.
    fn read_table(&mut self, init: &mut Init<'_>) {
        self.nursery.groups.look_again();
        let list = self.read_text(init);
        self.begin_to_hear(init);
        if init.consoles() == Consoles::Ignored {
            self.watch.leave_consoles();
        } else if self.watch.over_consoles() && Some(self.consoles()) != list {
            // They changed before the watch began.
            init.handle(kernel::now(), Event::ConsolesChanged);
        }
    }

    fn consoles(&self) -> List {
        host::consoles(self.on_machine())
    }
}

impl Hands {
    /// Hands over the text, and before a line that may stand for the consoles what they are: the
    /// kernel is not asked on the way to the first prompt unless a line wants to know.
    fn read_text(&self, init: &mut Init<'_>) -> Option<List> {
        let path = match self.place {
            Place::Top { .. } => INITTAB,
            Place::Within { inittab, .. } => inittab,
        };
        let mut list = None;
        let mut want_consoles = |init: &mut Init<'_>| {
            if list.is_none() {
                init.handle(kernel::now(), Event::Consoles(list.insert(self.consoles())));
            }
        };
        let end = match read_pieces(path, init, &mut want_consoles) {
            Ok(()) => Event::TextEnd,
            Err(errno) => {
                // There are lines for them among those that stand in for the file's.
                want_consoles(init);
                Event::TextFailed { errno, shell: access(SHELL, Access::EXEC_OK).is_ok() }
            }
        };
        init.handle(kernel::now(), end);
        list
    }

    fn on_machine(&self) -> bool {
        match self.place {
            Place::Top { on_machine } => on_machine,
            Place::Within { .. } => false,
        }
    }

    /// Has everybody who is ours end; whether there is anybody.
    fn term_all(&self) -> bool {
        match self.place {
            Place::Top { .. } => {
                let any = kernel::signal_everyone(Signal::TERM);
                kernel::signal_everyone(Signal::CONT);
                any
            }
            Place::Within { .. } => kin::signal(None, Signal::TERM),
        }
    }

    fn last(&self, init: &Init<'_>, step: LastStep) -> Event<'static> {
        if let Place::Within { .. } = self.place {
            // A child would not see who is below us. Who is about to be killed may fork.
            let mut rounds = 0..ROUNDS;
            while rounds.next().is_some() && kin::signal(None, Signal::KILL) {}
            // SAFETY: `do_nothing` never returns.
            return match unsafe { kernel::fork(&step, do_nothing) } {
                Ok(pid) => Event::StepStarted { pid },
                Err(errno) => Event::StepRefused { errno },
            };
        }
        let event = begin_last(step, self.on_machine());
        let refused = matches!(event, Event::StepRefused { .. });
        if refused && self.on_machine() && init.is_first_unmount() {
            mount::have_all_written_out();
        }
        event
    }

    /// Records of sessions and boots are those of the machine.
    fn write_down(&self, record: &Record) -> Event<'static> {
        match self.place {
            Place::Top { .. } => write_down(record, self.nursery.has_cradle),
            Place::Within { .. } => Event::Recorded { writer: None },
        }
    }

    fn leave(&self, code: u8) -> ! {
        if let Place::Within { pidfile, socket, .. } = self.place {
            for path in [pidfile, socket].into_iter().flatten() {
                let _ = rustix::fs::unlink(path);
            }
        }
        self.nursery.groups.end();
        kernel::exit(i32::from(code))
    }
}

/// The machine goes on when a child has ended.
extern "C" fn do_nothing(_: &LastStep) -> ! {
    kernel::exit(0)
}

/// How often those below us are killed at once: each round finds what the one before has forked.
const ROUNDS: u32 = 16;

/// Hands over the table piece by piece, but for its end. What begins with this sign is told to
/// `special` before.
fn read_pieces(
    path: &CStr,
    init: &mut Init<'_>,
    special: &mut dyn FnMut(&mut Init<'_>),
) -> kernel::Result<()> {
    const SPECIAL: u8 = b'@';
    let table = Fd::open(path, fd::TEXT);
    table.opened()?;
    let mut piece = [0u8; PIECE];
    for _ in 0..PIECES_MAX {
        let count = fd::read(table.raw(), &mut piece)?;
        if count == 0 {
            return Ok(());
        }
        let text = piece.get(..count as usize).unwrap_or(&[]);
        if holds(text, SPECIAL) {
            special(init);
        }
        init.handle(kernel::now(), Event::Text(text));
    }
    Err(errno::EFBIG)
}

fn signal_unit(pid: Pid, signal: Signal, hangup: bool) {
    kernel::signal_group(pid, signal);
    if hangup {
        kernel::signal_group(pid, Signal::HUP);
    }
    kernel::signal_group(pid, Signal::CONT);
}

/// Sends a child that writes a record: its file may lie on a file system that does not answer.
fn write_down(&record: &Record, has_cradle: bool) -> Event<'static> {
    // SAFETY: `do_write_down` never returns, and has all that it changes on its stack.
    let writer = unsafe { cradle::send(has_cradle, record, do_write_down) };
    Event::Recorded { writer: writer.ok() }
}

extern "C" fn do_write_down(record: &Record) -> ! {
    let names = Names::ask();
    let ours = match *record {
        Record::Boot => utmp::Record::boot(names.get(RELEASE)),
        Record::Down => utmp::Record::shutdown(names.get(RELEASE)),
        Record::Ended { pid, exit } => {
            match exit {
                Exit::Code(code) => utmp::bury(pid.0, 0, code),
                Exit::Signal(signal) => utmp::bury(pid.0, signal.0, 0),
            };
            kernel::exit(0)
        }
    };
    utmp::put(&ours);
    kernel::exit(0)
}

/// Forks a child for a last step.
fn begin_last(step: LastStep, on_machine: bool) -> Event<'static> {
    // SAFETY: `do_last` never returns, and works on a copy of our memory.
    match unsafe { kernel::fork(&(step, on_machine), do_last) } {
        Ok(pid) => Event::StepStarted { pid },
        Err(errno) => Event::StepRefused { errno: without_child(step, on_machine, errno) },
    }
}

/// What can be done for a step when there is no room for one more process; comes back with the
/// error number.
fn without_child(step: LastStep, on_machine: bool, errno: u16) -> u16 {
    match step {
        // This is what makes room.
        LastStep::KillAll => {
            kernel::signal_everyone(Signal::KILL);
            errno
        }
        // Nobody is left for whom we would have to stay.
        LastStep::Reboot(end) if reboot(end, on_machine) == i32::from(NOT_OURS) => NOT_OURS.into(),
        LastStep::Unmount | LastStep::Sync | LastStep::Reboot(_) => errno,
    }
}

extern "C" fn do_last(&(step, on_machine): &(LastStep, bool)) -> ! {
    match step {
        LastStep::KillAll => {
            kernel::signal_everyone(Signal::KILL);
        }
        LastStep::Unmount if on_machine => mount::unmount_all(),
        LastStep::Unmount => {}
        LastStep::Sync => rustix::fs::sync(),
        LastStep::Reboot(end) => kernel::exit(reboot(end, on_machine)),
    }
    kernel::exit(0)
}

/// Comes back with the error number, or with 0 from a halt that lets this process end.
fn reboot(end: End, on_machine: bool) -> i32 {
    let command = match end {
        End::Halt => RebootCommand::Halt,
        // In a container there is somebody who waits for the code.
        End::Main(_) | End::Leave if !on_machine => return i32::from(NOT_OURS),
        End::PowerOff | End::Main(_) | End::Leave => RebootCommand::PowerOff,
        End::Reboot | End::Restart => RebootCommand::Restart,
    };
    match rustix::system::reboot(command) {
        Ok(()) => 0,
        // Whatever a filter of system calls answers instead of EPERM.
        Err(_) if !on_machine => i32::from(NOT_OURS),
        Err(error) => error.raw_os_error(),
    }
}
