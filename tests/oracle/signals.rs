//! What the signals of BusyBox's interface do while the machine runs.

use crate::case::{Case, Look, Step, case};
use crate::differences::{PRESSED_TWICE, RESTART_FAILS, SIGNALS_AT_BOOT};
use crate::process::sane;
use crate::support::{Console, Init};

/// A second init, which stands in for the command of a restart line.
const SECOND: (&str, &str) =
    ("sbin/second", "#!/bin/sh\n/bin/say \"second as $$: $*\"\nexec sleep 100000\n");

/// A line that hangs until the test lets it go.
const HANG: (&str, &str) =
    ("bin/hang", "#!/bin/sh\n/bin/say hangs\n/bin/await /out/go\n/bin/say went on\n");

const MACHINE_THAT_IS_PAUSED: &str = "::respawn:/bin/hold a\n::ctrlaltdel:/bin/say pressed\n";

/// What a line of boot finds on the console, and a login shell.
macro_rules! on_console {
    () => {
        "fds 0=/dev/pts/0 1=/dev/pts/0 2=/dev/pts/0\n\
         parent 1, leads session yes, own group yes, controlling tty no\n\
         parent 1, leads session yes, own group yes, controlling tty yes"
    };
}

pub const CASES: &[Case] = &[
    case(
        "INT runs the ctrlaltdel lines in order and waits for each",
        "::respawn:/bin/hold a\n::ctrlaltdel:/bin/slow 1\n::ctrlaltdel:/bin/say 2\n\
         ::ctrlaltdel:/bin/say done\n",
    )
    .files(&[("bin/slow", "#!/bin/sh\nusleep 100000\n/bin/say $1\n")])
    .steps(&[Step::Said("a"), Step::Send(libc::SIGINT), Step::Said("done")])
    .looks(&[Look::Alive("sleep")])
    .same("a\n1\n2\nsleep alive: 1"),
    case("INT works again and again", "::respawn:/bin/hold a\n::ctrlaltdel:/bin/say pressed\n")
        .steps(&[
            Step::Said("a"),
            Step::Send(libc::SIGINT),
            Step::SaidTimes("pressed", 1),
            Step::Reaped("say"),
            Step::Send(libc::SIGINT),
            Step::SaidTimes("pressed", 2),
        ])
        .same("a\npressed\npressed"),
    case("INT while the ctrlaltdel lines run", "::respawn:/bin/hold a\n::ctrlaltdel:/bin/hang\n")
        .files(&[HANG])
        .steps(&[
            Step::Said("a"),
            Step::Send(libc::SIGINT),
            Step::Said("hangs"),
            Step::Send(libc::SIGINT),
            Step::For(Init::Pidone, &Step::Taken(libc::SIGINT)),
            Step::Write("out/go", ""),
            Step::Said("went on"),
            Step::For(Init::Busybox, &Step::SaidTimes("went on", 2)),
            Step::Reaped("hang"),
            Step::KillAll("sleep"),
            Step::SaidTimes("a", 2),
        ])
        .differs("a\nhangs\nwent on\nhangs\nwent on\na", "a\nhangs\nwent on\na", PRESSED_TWICE),
    case("respawning goes on after INT", "::respawn:/bin/hold a\n::ctrlaltdel:/bin/say pressed\n")
        .steps(&[
            Step::Said("a"),
            Step::Send(libc::SIGINT),
            Step::Said("pressed"),
            Step::KillAll("sleep"),
            Step::SaidTimes("a", 2),
        ])
        .same("a\npressed\na"),
    case("INT without a ctrlaltdel line does nothing", "::respawn:/bin/hold a\n")
        .steps(&[
            Step::Said("a"),
            Step::Send(libc::SIGINT),
            Step::KillAll("sleep"),
            Step::SaidTimes("a", 2),
        ])
        .looks(&[Look::Alive("sleep")])
        .same("a\na\nsleep alive: 1"),
    case(
        "QUIT without a restart line does nothing",
        "::respawn:/bin/hold a\n::shutdown:/bin/say s\n",
    )
    .steps(&[
        Step::Said("a"),
        Step::Send(libc::SIGQUIT),
        Step::KillAll("sleep"),
        Step::SaidTimes("a", 2),
    ])
    .looks(&[Look::Alive("sleep")])
    .same("a\na\nsleep alive: 1"),
    case(
        "QUIT replaces init by the restart command",
        "::sysinit:/bin/say a\n::respawn:/bin/deaf b\n::shutdown:/bin/say s\n\
         ::restart:/sbin/second x y\n",
    )
    .files(&[SECOND])
    .steps(&[Step::Said("b"), Step::Send(libc::SIGQUIT), Step::Said("second as 1: x y")])
    .looks(&[Look::Alive("deaf")])
    .same("a\nb\ns\nsecond as 1: x y\ndeaf alive: 0"),
    case(
        "of several restart lines the first counts",
        "::respawn:/bin/hold a\n::restart:/sbin/second 1\n::restart:/sbin/second 2\n",
    )
    .files(&[SECOND])
    .steps(&[Step::Said("a"), Step::Send(libc::SIGQUIT), Step::Said("second as 1: 1")])
    .same("a\nsecond as 1: 1"),
    case(
        "a restart line may need the shell",
        "::respawn:/bin/hold a\n::restart:/sbin/second 'x y' $HOME\n",
    )
    .files(&[SECOND])
    .steps(&[Step::Said("a"), Step::Send(libc::SIGQUIT), Step::Said("second as 1: x y /")])
    .same("a\nsecond as 1: x y /"),
    case(
        "a restart line may be a login shell",
        "::respawn:/bin/hold a\n::restart:-/bin/sh /bin/probe session nice done hold\n",
    )
    .on(Console::Pty)
    .steps(&[Step::Said("a"), Step::Send(libc::SIGQUIT), Step::Said("done")])
    .same("a\nparent 0, leads session yes, own group yes, controlling tty yes\nnice 0"),
    case(
        "a restart command finds a terminal of its own, and that sane",
        "::ctrlaltdel:/bin/spoil\n::respawn:/bin/hold a\n\
         pts/0::restart:/bin/probe session nice stty done hold\n",
    )
    .on(Console::Pty)
    .files(&[("bin/spoil", "#!/bin/sh\nstty -echo -isig -onlcr eof x\n/bin/say spoilt\n")])
    .steps(&[
        Step::Said("a"),
        Step::Send(libc::SIGINT),
        Step::Said("spoilt"),
        Step::Send(libc::SIGQUIT),
        Step::Said("done"),
    ])
    .same(concat!(
        "a\nspoilt\nparent 0, leads session yes, own group yes, controlling tty yes\nnice 0\n",
        sane!()
    )),
    case(
        "restart into init itself boots anew",
        "::sysinit:/bin/say booted\n::respawn:/bin/hold a\n::restart:init\n",
    )
    .steps(&[
        Step::Said("a"),
        Step::Send(libc::SIGQUIT),
        Step::SaidTimes("a", 2),
        Step::Send(libc::SIGUSR2),
        Step::End,
    ])
    .same("booted\na\nbooted\na\n-- halted or powered off"),
    case(
        "a restart command that cannot be executed",
        "::respawn:/bin/hold a\n::restart:/no/such\n",
    )
    .steps(&[
        Step::Said("a"),
        Step::Send(libc::SIGQUIT),
        Step::For(Init::Busybox, &Step::End),
        Step::For(Init::Pidone, &Step::SaidTimes("a", 2)),
    ])
    .differs("a\n-- halted or powered off", "a\na", RESTART_FAILS),
    case(
        "a restart command that cannot be executed on its terminal",
        "::sysinit:/bin/probe fds session\n::wait:-/bin/sh /bin/probe session\n\
         ::respawn:/bin/hold a\nnull::restart:/no/such\n",
    )
    .on(Console::Pty)
    .steps(&[
        Step::Said("a"),
        Step::Send(libc::SIGQUIT),
        Step::For(Init::Busybox, &Step::End),
        Step::For(Init::Pidone, &Step::SaidTimes("a", 2)),
    ])
    .differs(
        concat!(on_console!(), "\na\n-- halted or powered off"),
        concat!(on_console!(), "\na\n", on_console!(), "\na"),
        RESTART_FAILS,
    ),
    case("TSTP pauses respawning and CONT goes on", "::respawn:/bin/hold a\n")
        .steps(&[
            Step::Said("a"),
            Step::Send(libc::SIGTSTP),
            Step::Taken(libc::SIGTSTP),
            Step::KillAll("sleep"),
            Step::Mark("paused"),
            Step::Send(libc::SIGCONT),
            Step::SaidTimes("a", 2),
        ])
        .same("a\npaused\na"),
    case("a power off during a pause", "::respawn:/bin/hold a\n")
        .steps(&[
            Step::Said("a"),
            Step::Send(libc::SIGTSTP),
            Step::Taken(libc::SIGTSTP),
            Step::Send(libc::SIGUSR2),
            Step::For(Init::Busybox, &Step::Pending(libc::SIGUSR2)),
            Step::For(Init::Busybox, &Step::Mark("still paused")),
            Step::For(Init::Busybox, &Step::Send(libc::SIGCONT)),
            Step::End,
        ])
        .differs(
            "a\nstill paused\n-- halted or powered off",
            "a\n-- halted or powered off",
            SIGNALS_AT_BOOT,
        ),
    case("ctrl-alt-del during a pause waits for its end", MACHINE_THAT_IS_PAUSED)
        .steps(&[
            Step::Said("a"),
            Step::Send(libc::SIGTSTP),
            Step::Taken(libc::SIGTSTP),
            Step::Send(libc::SIGINT),
            Step::For(Init::Pidone, &Step::Taken(libc::SIGINT)),
            Step::Mark("paused"),
            Step::Send(libc::SIGCONT),
            Step::Said("pressed"),
        ])
        .same("a\npaused\npressed"),
    case(
        "a power off while a ctrlaltdel line hangs",
        "::respawn:/bin/hold a\n::ctrlaltdel:/bin/hang\n::ctrlaltdel:/bin/say next\n",
    )
    .files(&[HANG])
    .steps(&[
        Step::Said("a"),
        Step::Send(libc::SIGINT),
        Step::Said("hangs"),
        Step::Send(libc::SIGUSR2),
        Step::For(Init::Busybox, &Step::Pending(libc::SIGUSR2)),
        Step::For(Init::Busybox, &Step::Write("out/go", "")),
        Step::End,
    ])
    .differs(
        "a\nhangs\nwent on\nnext\n-- halted or powered off",
        "a\nhangs\n-- halted or powered off",
        SIGNALS_AT_BOOT,
    ),
    case("CONT without a pause does nothing", "::respawn:/bin/hold a\n")
        .steps(&[
            Step::Said("a"),
            Step::Send(libc::SIGCONT),
            Step::KillAll("sleep"),
            Step::SaidTimes("a", 2),
        ])
        .same("a\na"),
    case("signals outside the interface do nothing", "::respawn:/bin/hold a\n")
        .steps(&[
            Step::Said("a"),
            Step::Send(libc::SIGALRM),
            Step::Send(libc::SIGPIPE),
            Step::Send(libc::SIGWINCH),
            Step::Send(libc::SIGVTALRM),
            Step::KillAll("sleep"),
            Step::SaidTimes("a", 2),
        ])
        .same("a\na"),
    case(
        "a power off while a sysinit line hangs",
        "::sysinit:/bin/hang\n::sysinit:/bin/say next\n",
    )
    .files(&[HANG])
    .steps(&[
        Step::Said("hangs"),
        Step::Send(libc::SIGUSR2),
        Step::For(Init::Busybox, &Step::Pending(libc::SIGUSR2)),
        Step::For(Init::Busybox, &Step::Write("out/go", "")),
        Step::End,
    ])
    .differs(
        "hangs\nwent on\nnext\n-- halted or powered off",
        "hangs\n-- halted or powered off",
        SIGNALS_AT_BOOT,
    ),
    case("ctrl-alt-del while a wait line hangs", "::wait:/bin/hang\n::ctrlaltdel:/bin/free\n")
        .files(&[HANG, ("bin/free", "#!/bin/sh\n/bin/say pressed\n: > /out/go\n")])
        .steps(&[
            Step::Said("hangs"),
            Step::Send(libc::SIGINT),
            Step::For(Init::Busybox, &Step::Pending(libc::SIGINT)),
            Step::For(Init::Busybox, &Step::Write("out/go", "")),
            Step::Said("pressed"),
            Step::Said("went on"),
        ])
        .differs("hangs\nwent on\npressed", "hangs\npressed\nwent on", SIGNALS_AT_BOOT),
];
