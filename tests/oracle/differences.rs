//! Where pidone does better than BusyBox init on purpose: the table that stands in the manual.

/// One row: what each of them does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    pub busybox: &'static str,
    pub pidone: &'static str,
}

pub const LEADING_BLANK: Difference = Difference {
    busybox: "A blank before a command without metacharacters, or behind its dash, makes its path \
              empty: it never runs.",
    pidone: "Blanks before a command are passed over; it runs.",
};

pub const MANY_WORDS: Difference = Difference {
    busybox: "A command without metacharacters is never given to the shell.",
    pidone: "One of more than 64 words is: the shell may add to its environment, and is its login \
             shell where it has a dash.",
};

pub const LONG_TERMINAL: Difference = Difference {
    busybox: "Of the name of a terminal 26 bytes count: a longer one names another device, or \
              none.",
    pidone: "It may have 64 bytes; a line with a longer one is reported and skipped.",
};

pub const RUNLEVELS: Difference = Difference {
    busybox: "An initdefault line is a bad entry, and lines of every runlevel run.",
    pidone: "An initdefault line sets the runlevel, and lines of other runlevels do not run.",
};

pub const SIGNALS_AT_BOOT: Difference = Difference {
    busybox: "While a sysinit, wait or ctrlaltdel line runs, and during a pause, no signal is \
              looked at: a hanging line cannot be left by a power off.",
    pidone: "Signals are honoured at every moment: the way down cuts these lines short and ends a \
             pause.",
};

pub const PRESSED_TWICE: Difference = Difference {
    busybox: "Ctrl-Alt-Del pressed while its lines run makes them run once more afterwards.",
    pidone: "Ctrl-Alt-Del pressed while its lines run counts as the same press.",
};

pub const SERVICES_FIRST: Difference = Difference {
    busybox: "Shutdown lines run while all services still run; nothing is unmounted after them.",
    pidone: "Services are stopped first, then the shutdown lines run.",
};

pub const HANGING_SHUTDOWN: Difference = Difference {
    busybox: "A shutdown line that hangs holds up the machine for ever.",
    pidone: "Each shutdown line has a deadline, after which the shutdown goes on.",
};

pub const STOPPED_CONSOLE: Difference = Difference {
    busybox: "A console that is stopped, as by Ctrl-S, or a /dev/log that nobody reads holds up \
              init, on the way down too.",
    pidone: "Neither is waited for; messages that are lost are counted, which is said.",
};

pub const RELOAD_CHANGES: Difference = Difference {
    busybox: "Reload starts a changed command beside the old one (which it asks to end only if so \
              configured).",
    pidone: "Reload stops the old command, waits for its end, and then starts the changed one.",
};

pub const RELOAD_KILLS: Difference = Difference {
    busybox: "The process of a removed line lives on, if it is a once line, if the process does \
              not listen to TERM, or if BusyBox is built without the option that sends it.",
    pidone: "Reload stops the process of a removed line: its stop signal, its grace, then KILL.",
};

pub const RELOAD_REPLACES: Difference = Difference {
    busybox: "A process whose line gets another action lives on; where a once line becomes a \
              respawn line, a second one is started beside it.",
    pidone: "A line whose action changed is stopped, and started anew if it is one of those that \
             run then; there is never a second one.",
};

pub const RELOAD_ONCE: Difference = Difference {
    busybox: "Reload does not run a new once line.",
    pidone: "Reload runs a new once line.",
};

pub const RELOAD_MISSING: Difference = Difference {
    busybox: "Reload without an inittab adds the built-in lines to the running ones.",
    pidone: "Reload without an inittab is reported and changes nothing.",
};

pub const BACK_OFF: Difference = Difference {
    busybox: "A respawn line that ends at once is started again every second, for ever.",
    pidone: "It is started again at once, and then ever less often, at least once a minute.",
};

pub const MISSING_TTY: Difference = Difference {
    busybox: "A respawn line whose terminal is missing is started and fails once a second; \
              Debian's build passes it over in silence and looks again when some process ends.",
    pidone: "A respawn line whose terminal is missing says so once, and starts when it appears.",
};

pub const CONSOLES: Difference = Difference {
    busybox: "A line for the terminal of all consoles names a device that is missing.",
    pidone: "Such a line stands for one line on each active console.",
};

pub const MISSING_COMMAND: Difference = Difference {
    busybox: "A respawn line whose command is missing is reported once a second.",
    pidone: "A respawn line whose command is missing is reported once and retried ever less often.",
};

pub const RESTART_FAILS: Difference = Difference {
    busybox: "When the restart command cannot be executed, or its terminal is missing, the \
              machine halts.",
    pidone: "Then pidone starts over itself.",
};

pub const SETTINGS_ALONE: Difference = Difference {
    busybox: "A service without a terminal of its own has the console's settings made sane at \
              each start.",
    pidone: "Such a service leaves them alone: somebody may be working there.",
};

pub const UTF8_STAYS: Difference = Difference {
    busybox: "Making a terminal sane drops the setting that it takes UTF-8, so that erasing a \
              letter may leave half of it.",
    pidone: "That setting stays as the kernel or the last user had it.",
};

pub const CONSOLE_WAITS: Difference = Difference {
    busybox: "On a console that the variable CONSOLE names, programs without a terminal of their \
              own find reads that do not wait.",
    pidone: "Reads and writes wait there, as on any other.",
};

/// Every row, in the order of the manual.
pub const DIFFERENCES: &[Difference] = &[
    LEADING_BLANK,
    MANY_WORDS,
    LONG_TERMINAL,
    RUNLEVELS,
    SIGNALS_AT_BOOT,
    PRESSED_TWICE,
    SERVICES_FIRST,
    HANGING_SHUTDOWN,
    STOPPED_CONSOLE,
    RELOAD_CHANGES,
    RELOAD_KILLS,
    RELOAD_REPLACES,
    RELOAD_ONCE,
    RELOAD_MISSING,
    BACK_OFF,
    MISSING_TTY,
    CONSOLES,
    MISSING_COMMAND,
    RESTART_FAILS,
    SETTINGS_ALONE,
    UTF8_STAYS,
    CONSOLE_WAITS,
];
