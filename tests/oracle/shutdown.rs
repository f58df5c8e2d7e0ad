//! Halt, power off and reboot: the order of things, and what the kernel is told.

use crate::case::{Case, Look, Step, case};
use crate::differences::{HANGING_SHUTDOWN, SERVICES_FIRST, STOPPED_CONSOLE};
use crate::support::{Console, Init};

/// Every shutdown signal is tried on the same machine, and the kernel's order is compared.
const MACHINE: &str = "::respawn:/bin/hold a\n::shutdown:/bin/say s\n";

const fn signal(name: &'static str, signal: &'static [Step], outcome: &'static str) -> Case {
    case(name, MACHINE).steps(signal).traced().looks(&[Look::RebootCommand]).same(outcome)
}

pub const CASES: &[Case] = &[
    signal(
        "USR1 halts",
        &[Step::Said("a"), Step::Send(libc::SIGUSR1), Step::End],
        "a\ns\n-- halted or powered off\nreboot command: HALT",
    ),
    signal(
        "PWR halts",
        &[Step::Said("a"), Step::Send(libc::SIGPWR), Step::End],
        "a\ns\n-- halted or powered off\nreboot command: HALT",
    ),
    signal(
        "USR2 powers off",
        &[Step::Said("a"), Step::Send(libc::SIGUSR2), Step::End],
        "a\ns\n-- halted or powered off\nreboot command: POWER_OFF",
    ),
    signal(
        "TERM reboots",
        &[Step::Said("a"), Step::Send(libc::SIGTERM), Step::End],
        "a\ns\n-- rebooted\nreboot command: RESTART",
    ),
    case(
        "shutdown lines run in order and are waited for",
        "::shutdown:/bin/slow 1\n::sysinit:/bin/say a\n::shutdown:/bin/say 2\n\
         ::respawn:/bin/hold b\n::shutdown:/bin/slow 3\n",
    )
    .files(&[("bin/slow", "#!/bin/sh\nusleep 200000\n/bin/say $1\n")])
    .steps(&[Step::Said("b"), Step::Send(libc::SIGUSR2), Step::End])
    .same("a\nb\n1\n2\n3\n-- halted or powered off"),
    case(
        "services and shutdown lines",
        "::respawn:/bin/mind service\n::shutdown:/bin/say s\n::shutdown:/bin/say t\n",
    )
    .steps(&[Step::Said("service"), Step::Send(libc::SIGUSR2), Step::End])
    .differs(
        "service\ns\nt\nservice minds TERM\n-- halted or powered off",
        "service\nservice minds TERM\ns\nt\n-- halted or powered off",
        SERVICES_FIRST,
    ),
    case(
        "a process that is no service gets TERM after the shutdown lines",
        "::wait:/bin/daemon\n::respawn:/bin/hold up\n::shutdown:/bin/say s\n",
    )
    .files(&[("bin/daemon", "#!/bin/sh\n/bin/mind daemon &\n/bin/await /out/log\n")])
    .steps(&[Step::Said("daemon"), Step::Said("up"), Step::Send(libc::SIGUSR2), Step::End])
    .same("daemon\nup\ns\ndaemon minds TERM\n-- halted or powered off"),
    case(
        "processes that do not listen are killed",
        "::respawn:/bin/deaf a\n::once:/bin/deaf b\n::wait:/bin/orphan\n",
    )
    .files(&[("bin/orphan", "#!/bin/sh\n/bin/deaf c &\n/bin/await /out/log\n")])
    .steps(&[
        Step::Said("a"),
        Step::Said("b"),
        Step::Said("c"),
        Step::Remove("out/log"),
        Step::Send(libc::SIGTERM),
        Step::End,
    ])
    .same("-- rebooted"),
    case(
        "shutdown lines that fail do not stop the shutdown",
        "::respawn:/bin/hold a\n::shutdown:/no/such\n::shutdown:/bin/false\n\
         nosuch::shutdown:/bin/say no\n::shutdown:/bin/say s\n",
    )
    .steps(&[Step::Said("a"), Step::Send(libc::SIGUSR2), Step::End])
    .looks(&[Look::Console("/no/such")])
    .same("a\ns\n-- halted or powered off\nconsole shows: /no/such"),
    case(
        "a respawn command is not started again during a shutdown",
        "::respawn:/bin/hold a\n::shutdown:/bin/killer\n",
    )
    .files(&[("bin/killer", "#!/bin/sh\nkillall sleep\nusleep 300000\n/bin/say s\n")])
    .steps(&[Step::Said("a"), Step::Send(libc::SIGUSR2), Step::End])
    .same("a\ns\n-- halted or powered off"),
    case(
        "a shutdown line that hangs",
        "::respawn:/bin/hold a\n::shutdown:/bin/hang\n::shutdown:/bin/say s\n",
    )
    .files(&[("bin/hang", "#!/bin/sh\n/bin/say hangs\n/bin/await /out/go\n/bin/say freed\n")])
    .steps(&[
        Step::Said("a"),
        Step::Send(libc::SIGUSR2),
        Step::Said("hangs"),
        // A second request is nothing to BusyBox; to pidone it means: hurry.
        Step::Send(libc::SIGUSR2),
        Step::For(Init::Busybox, &Step::Mark("still hangs")),
        Step::For(Init::Busybox, &Step::Write("out/go", "")),
        Step::End,
    ])
    .differs(
        "a\nhangs\nstill hangs\nfreed\ns\n-- halted or powered off",
        "a\nhangs\ns\n-- halted or powered off",
        HANGING_SHUTDOWN,
    ),
    case("a console that is stopped", MACHINE)
        .on(Console::Pty)
        .steps(&[
            Step::Said("a"),
            Step::Press("\x13"),
            Step::Send(libc::SIGUSR2),
            Step::For(Init::Busybox, &Step::Said("s")),
            Step::For(Init::Busybox, &Step::Mark("held up")),
            Step::For(Init::Busybox, &Step::Press("\x11")),
            Step::End,
        ])
        .differs(
            "a\ns\nheld up\n-- halted or powered off",
            "a\ns\n-- halted or powered off",
            STOPPED_CONSOLE,
        ),
    case("a machine without shutdown lines powers off", "::respawn:/bin/hold a\n")
        .steps(&[Step::Said("a"), Step::Send(libc::SIGUSR2), Step::End])
        .same("a\n-- halted or powered off"),
    case("the reboot command reboots", "::respawn:/bin/hold a\n::once:/bin/late\n")
        .files(&[(
            "bin/late",
            "#!/bin/sh\nuntil [ -s /out/log ]; do usleep 5000; done\nexec reboot\n",
        )])
        .steps(&[Step::End])
        .same("a\n-- rebooted"),
    case("the poweroff command powers off", "::respawn:/bin/hold a\n::once:/bin/late\n")
        .files(&[(
            "bin/late",
            "#!/bin/sh\nuntil [ -s /out/log ]; do usleep 5000; done\nexec poweroff\n",
        )])
        .steps(&[Step::End])
        .same("a\n-- halted or powered off"),
];
