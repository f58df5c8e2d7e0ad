//! One case: an inittab, a script of what happens to it, and the outcome on both sides.

use crate::differences::Difference;
use crate::support::{Console, Init};

/// A case; `case()` makes one with the usual surroundings, the other methods change them.
#[derive(Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    /// Bytes, because not every file is text; `None` for a missing file.
    pub inittab: Option<&'static [u8]>,
    pub files: &'static [(&'static str, &'static str)],
    pub argv: &'static [&'static str],
    pub env: &'static [&'static str],
    pub console: Console,
    pub dir: &'static str,
    pub umask: u32,
    pub steps: &'static [Step],
    pub looks: &'static [Look],
    /// How many equal lines of the log count; what is respawned has no last time.
    pub cap: usize,
    /// Whether the order of the log's lines is left to chance.
    pub sorted: bool,
    pub traced: bool,
    pub verdict: Verdict,
}

/// The outcome that is pinned.
#[derive(Clone, Copy)]
pub enum Verdict {
    /// Both sides have this outcome.
    Same(&'static str),
    /// Each side has its own, and a row of the manual says why.
    Differs { ours: &'static str, theirs: &'static str, why: Difference },
}

impl Verdict {
    pub fn of(&self, init: Init) -> &'static str {
        match (self, init) {
            (Verdict::Same(outcome), _) => outcome,
            (Verdict::Differs { ours, .. }, Init::Pidone) => ours,
            (Verdict::Differs { theirs, .. }, Init::Busybox) => theirs,
        }
    }
}

/// One thing that is done or awaited, in order.
#[derive(Clone, Copy)]
pub enum Step {
    /// The log has this line.
    Said(&'static str),
    /// The log has this line so often.
    SaidTimes(&'static str, usize),
    /// The console shows this text.
    Shown(&'static str),
    /// PID 1 takes its signals.
    Ready,
    /// PID 1 gets a signal.
    Send(i32),
    /// A signal waits at PID 1 and is not taken.
    Pending(i32),
    /// PID 1 has taken a signal that was sent before.
    Taken(i32),
    /// A file gets new content.
    Write(&'static str, &'static str),
    /// A file goes away.
    Remove(&'static str),
    /// Somebody types on the console.
    Press(&'static str),
    /// The test adds a line of its own to the log.
    Mark(&'static str),
    /// Every process of this name is killed, and reaped by PID 1.
    KillAll(&'static str),
    /// Every process of this name has ended and been reaped.
    Reaped(&'static str),
    /// As `KillAll`, where one side has no such process left.
    KillIfAlive(&'static str),
    /// PID 1 ends, and how is part of the outcome.
    End,
    /// A step for one side only.
    For(Init, &'static Step),
}

/// What the outcome holds besides the log.
#[derive(Clone, Copy)]
pub enum Look {
    /// The numbers of the lines that init complained about.
    Complaints,
    /// Whether the console shows this text.
    Console(&'static str),
    /// The console's lines that start with this text.
    ConsoleLines(&'static str),
    /// Whether the console shows this text once or more often.
    HowOften(&'static str),
    /// How many processes of this name live.
    Alive(&'static str),
    /// How many processes have ended and not been reaped.
    Zombies,
    /// What reboot(2) was called with.
    RebootCommand,
}

/// A line that most cases end with: when it has run, everything before it has.
const LAST_LINE: &[Step] = &[Step::Said("done")];

/// A case that has run when its `::wait:/bin/say done` has.
pub const fn case(name: &'static str, inittab: &'static str) -> Case {
    Case {
        name,
        inittab: Some(inittab.as_bytes()),
        files: &[],
        argv: &["init"],
        env: &[],
        console: Console::File,
        dir: "/",
        umask: 0o022,
        steps: LAST_LINE,
        looks: &[],
        cap: usize::MAX,
        sorted: false,
        traced: false,
        verdict: Verdict::Same(""),
    }
}

impl Case {
    pub const fn bytes(mut self, inittab: &'static [u8]) -> Case {
        self.inittab = Some(inittab);
        self
    }

    pub const fn no_inittab(mut self) -> Case {
        self.inittab = None;
        self
    }

    pub const fn files(mut self, files: &'static [(&'static str, &'static str)]) -> Case {
        self.files = files;
        self
    }

    pub const fn argv(mut self, argv: &'static [&'static str]) -> Case {
        self.argv = argv;
        self
    }

    pub const fn env(mut self, env: &'static [&'static str]) -> Case {
        self.env = env;
        self
    }

    pub const fn on(mut self, console: Console) -> Case {
        self.console = console;
        self
    }

    pub const fn dir(mut self, dir: &'static str) -> Case {
        self.dir = dir;
        self
    }

    pub const fn umask(mut self, umask: u32) -> Case {
        self.umask = umask;
        self
    }

    pub const fn steps(mut self, steps: &'static [Step]) -> Case {
        self.steps = steps;
        self
    }

    pub const fn looks(mut self, looks: &'static [Look]) -> Case {
        self.looks = looks;
        self
    }

    pub const fn cap(mut self, cap: usize) -> Case {
        self.cap = cap;
        self
    }

    pub const fn sorted(mut self) -> Case {
        self.sorted = true;
        self
    }

    pub const fn traced(mut self) -> Case {
        self.traced = true;
        self
    }

    pub const fn same(mut self, outcome: &'static str) -> Case {
        self.verdict = Verdict::Same(outcome);
        self
    }

    pub const fn differs(
        mut self,
        theirs: &'static str,
        ours: &'static str,
        why: Difference,
    ) -> Case {
        self.verdict = Verdict::Differs { ours, theirs, why };
        self
    }
}
