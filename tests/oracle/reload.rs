//! HUP: the file is read again, and the running machine follows it.

use crate::case::{Case, Look, Step, case};
use crate::differences::{
    RELOAD_CHANGES, RELOAD_KILLS, RELOAD_MISSING, RELOAD_ONCE, RELOAD_REPLACES,
};
use crate::support::Init;

/// A service that takes its time to end: far more than the second in which BusyBox starts another.
const LINGER: &str = "#!/bin/sh
trap 'usleep 4000000; /bin/say \"$1 ended\"; exit' TERM
/bin/say \"$1\"
while :; do sleep 100000 & wait $!; done
";

pub const CASES: &[Case] = &[
    case("reload starts a new respawn line", "::respawn:/bin/hold a\n")
        .steps(&[
            Step::Said("a"),
            Step::Write("etc/inittab", "::respawn:/bin/hold a\n::respawn:/bin/hold b\n"),
            Step::Send(libc::SIGHUP),
            Step::Said("b"),
        ])
        .looks(&[Look::Alive("sleep")])
        .same("a\nb\nsleep alive: 2"),
    case("reload leaves an unchanged line alone", "::respawn:/bin/mind a\n")
        .steps(&[
            Step::Said("a"),
            Step::Write("etc/inittab", "# moved\n::respawn:/bin/hold b\n::respawn:/bin/mind a\n"),
            Step::Send(libc::SIGHUP),
            Step::Said("b"),
            Step::Write("etc/inittab", "::respawn:/bin/hold c\n::respawn:/bin/mind a\n"),
            Step::Send(libc::SIGHUP),
            Step::Said("c"),
        ])
        .looks(&[Look::Alive("mind")])
        .same("a\nb\nc\nmind alive: 1"),
    case("reload and a removed line", "::respawn:/bin/mind a\n::respawn:/bin/hold b\n")
        .steps(&[
            Step::Said("a"),
            Step::Said("b"),
            Step::Remove("out/log"),
            Step::Write("etc/inittab", "::respawn:/bin/hold b\n::respawn:/bin/hold c\n"),
            Step::Send(libc::SIGHUP),
            Step::Said("c"),
        ])
        .looks(&[Look::Alive("mind")])
        .sorted()
        .same("a minds TERM\nc\nmind alive: 0"),
    case("a removed line is not started again", "::respawn:/bin/hold a\n::respawn:/bin/tail\n")
        .files(&[("bin/tail", "#!/bin/sh\nexec usleep 100000000\n")])
        .steps(&[
            Step::Said("a"),
            Step::Write("etc/inittab", "::respawn:/bin/tail\n::respawn:/bin/say c\n"),
            Step::Send(libc::SIGHUP),
            Step::Said("c"),
            Step::KillIfAlive("sleep"),
            Step::SaidTimes("c", 4),
        ])
        .cap(1)
        .looks(&[Look::Alive("sleep"), Look::Alive("usleep")])
        .same("a\nc\nsleep alive: 0\nusleep alive: 1"),
    case("reload and a changed command", ":grace=1h:respawn:/bin/linger a\n")
        .files(&[("bin/linger", LINGER)])
        .steps(&[
            Step::Said("a"),
            Step::Remove("out/log"),
            Step::Write("etc/inittab", ":grace=1h:respawn:/bin/linger b\n"),
            Step::Send(libc::SIGHUP),
            Step::Said("b"),
            Step::Said("a ended"),
        ])
        .looks(&[Look::Alive("linger")])
        .differs("b\na ended\nlinger alive: 1", "a ended\nb\nlinger alive: 1", RELOAD_CHANGES),
    case("reload kills a removed command that does not listen", "::respawn:/bin/deaf a\n")
        .steps(&[
            Step::Said("a"),
            Step::Write("etc/inittab", "::respawn:/bin/hold b\n"),
            Step::Send(libc::SIGHUP),
            Step::Said("b"),
        ])
        .looks(&[Look::Alive("deaf")])
        .differs("a\nb\ndeaf alive: 1", "a\nb\ndeaf alive: 0", RELOAD_KILLS),
    case("reload and a removed once line", "::once:/bin/mind a\n")
        .steps(&[
            Step::Said("a"),
            Step::Write("etc/inittab", "::respawn:/bin/hold b\n"),
            Step::Send(libc::SIGHUP),
            Step::Said("b"),
        ])
        .looks(&[Look::Alive("mind")])
        .sorted()
        .differs("a\nb\nmind alive: 1", "a\na minds TERM\nb\nmind alive: 0", RELOAD_KILLS),
    case("reload and a respawn line that becomes a sysinit line", "::respawn:/bin/hold a\n")
        .steps(&[
            Step::Said("a"),
            Step::Write("etc/inittab", "::sysinit:/bin/hold a\n::respawn:/bin/hold b\n"),
            Step::Send(libc::SIGHUP),
            Step::Said("b"),
        ])
        .looks(&[Look::Alive("sleep")])
        .differs("a\nb\nsleep alive: 2", "a\nb\nsleep alive: 1", RELOAD_REPLACES),
    case("reload and a new once line", "::respawn:/bin/hold a\n")
        .steps(&[
            Step::Said("a"),
            Step::Write(
                "etc/inittab",
                "::respawn:/bin/hold a\n::once:/bin/say o\n::respawn:/bin/hold b\n",
            ),
            Step::Send(libc::SIGHUP),
            Step::Said("b"),
        ])
        .sorted()
        .differs("a\nb", "a\nb\no", RELOAD_ONCE),
    case(
        "reload does not run old or new lines of boot",
        "::sysinit:/bin/say s\n::wait:/bin/say w\n::once:/bin/say o\n::respawn:/bin/hold a\n",
    )
    .steps(&[
        Step::Said("a"),
        Step::Said("o"),
        Step::Remove("out/log"),
        Step::Write(
            "etc/inittab",
            "::sysinit:/bin/say s\n::sysinit:/bin/say s2\n::wait:/bin/say w\n\
                 ::wait:/bin/say w2\n::once:/bin/say o\n::respawn:/bin/hold a\n\
                 ::respawn:/bin/hold b\n",
        ),
        Step::Send(libc::SIGHUP),
        Step::Said("b"),
    ])
    .same("b"),
    case(
        "a reload that a sysinit line asks for comes before the wait lines",
        "::sysinit:/bin/change\n::sysinit:/bin/say s\n::wait:/bin/say old w\n\
         ::once:/bin/say old o\n::respawn:/bin/hold old r\n",
    )
    .files(&[
        ("bin/change", "#!/bin/sh\nmv /etc/next /etc/inittab\nkill -HUP 1\n/bin/say changed\n"),
        (
            "etc/next",
            "::sysinit:/bin/say new s\n::wait:/bin/say new w\n::respawn:/bin/hold new r\n",
        ),
    ])
    .steps(&[Step::Said("new r")])
    .looks(&[Look::Alive("sleep")])
    .same("changed\ns\nnew w\nnew r\nsleep alive: 1"),
    case(
        "a reload that a wait line asks for comes before the once lines",
        "::wait:/bin/change\n::wait:/bin/say w\n::once:/bin/say old o\n\
         ::respawn:/bin/hold old r\n",
    )
    .files(&[
        ("bin/change", "#!/bin/sh\nmv /etc/next /etc/inittab\nkill -HUP 1\n/bin/say changed\n"),
        ("etc/next", "::wait:/bin/say new w\n::once:/bin/say new o\n::respawn:/bin/hold new r\n"),
    ])
    .steps(&[Step::Said("new o"), Step::Said("new r")])
    .looks(&[Look::Alive("sleep")])
    .sorted()
    .same("changed\nnew o\nnew r\nw\nsleep alive: 1"),
    case("a respawn line that becomes a once line is not started again", "::respawn:/bin/hold a\n")
        .files(&[("bin/beat", "#!/bin/sh\n/bin/say c\nexec usleep 300000\n")])
        .steps(&[
            Step::Said("a"),
            Step::Write("etc/inittab", "::once:/bin/hold a\n::respawn:/bin/beat\n"),
            Step::Send(libc::SIGHUP),
            Step::Said("c"),
            // A line that changed is started once more by pidone, before the kill by the test.
            Step::For(Init::Pidone, &Step::SaidTimes("a", 2)),
            Step::KillAll("sleep"),
            Step::SaidTimes("c", 4),
        ])
        .cap(1)
        .looks(&[Look::Alive("sleep")])
        .same("a\nc\nsleep alive: 0"),
    case("a once line that becomes a respawn line is not started twice", "::once:/bin/hold a\n")
        .steps(&[
            Step::Said("a"),
            Step::Write("etc/inittab", "::respawn:/bin/hold a\n::respawn:/bin/hold b\n"),
            Step::Send(libc::SIGHUP),
            Step::Said("b"),
        ])
        .looks(&[Look::Alive("sleep")])
        .sorted()
        .differs("a\na\nb\nsleep alive: 3", "a\na\nb\nsleep alive: 2", RELOAD_REPLACES),
    case(
        "reload takes new ctrlaltdel and shutdown lines",
        "::respawn:/bin/hold a\n::ctrlaltdel:/bin/say old\n::shutdown:/bin/say old\n",
    )
    .steps(&[
        Step::Said("a"),
        Step::Write(
            "etc/inittab",
            "::respawn:/bin/hold a\n::respawn:/bin/hold b\n::ctrlaltdel:/bin/say new c\n\
                 ::shutdown:/bin/say new s\n",
        ),
        Step::Send(libc::SIGHUP),
        Step::Said("b"),
        Step::Send(libc::SIGINT),
        Step::Said("new c"),
        Step::Send(libc::SIGUSR2),
        Step::End,
    ])
    .same("a\nb\nnew c\nnew s\n-- halted or powered off"),
    case("reload reports bad lines and takes the good ones", "::respawn:/bin/hold a\n")
        .steps(&[
            Step::Said("a"),
            Step::Write(
                "etc/inittab",
                "::respawn:/bin/hold a\nbad\n::nonsense:/bin/say x\n::respawn:/bin/hold b\n",
            ),
            Step::Send(libc::SIGHUP),
            Step::Said("b"),
        ])
        .looks(&[Look::Complaints, Look::Alive("sleep")])
        .same("a\nb\ncomplaints: 2 3\nsleep alive: 2"),
    case("a changed runlevel field changes nothing", "::respawn:/bin/mind a\n")
        .steps(&[
            Step::Said("a"),
            Step::Write("etc/inittab", ":345:respawn:/bin/mind a\n::respawn:/bin/hold b\n"),
            Step::Send(libc::SIGHUP),
            Step::Said("b"),
        ])
        .looks(&[Look::Alive("mind")])
        .same("a\nb\nmind alive: 1"),
    case("reload without an inittab", "::respawn:/bin/hold a\n::ctrlaltdel:/bin/say c\n")
        .steps(&[
            Step::Said("a"),
            Step::Remove("etc/inittab"),
            Step::Send(libc::SIGHUP),
            Step::Taken(libc::SIGHUP),
            Step::Send(libc::SIGINT),
            Step::For(Init::Busybox, &Step::End),
            Step::For(Init::Pidone, &Step::Said("c")),
        ])
        .differs("a\n-- rebooted", "a\nc", RELOAD_MISSING),
];
