//! Bad days: what makes other inits hang, storm or die. Each ends with a power off that works.
//!
//! Where BusyBox init is known to fall down, it is put in pidone's place once, to show that the
//! day is as bad as it claims to be.

mod support;

use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use support::console::{link_tty, new_pty, unlink_tty};
use support::steps::{pin, processor};
use support::wait::came_true_within;
use support::{Builder, Console, End, Fence, Init, Namespace, Syslog};

/// A test that measures what the scheduler has a hand in takes this for writing, and runs alone;
/// all others take it for reading.
static QUIET: RwLock<()> = RwLock::new(());

/// Held by a test that does not mind others beside it.
fn in_company() -> RwLockReadGuard<'static, ()> {
    QUIET.read().unwrap_or_else(PoisonError::into_inner)
}

/// Dies at once, thirty times and more; BusyBox takes a second for each.
const RESTLESS: &str = ":delay=1ms,max-delay=1ms:respawn:/bin/say again\n";

#[test]
fn a_log_that_nobody_reads_does_not_stop_respawning() {
    let _company = in_company();
    let builder = Builder::new(Init::Pidone).inittab(RESTLESS);
    let _unread = Syslog::bind(builder.root());
    let mut ns = builder.start();
    ns.until_said("again", 30);
    ns.power_off();
}

#[test]
fn a_log_that_nobody_reads_hangs_busybox_for_ever() {
    let _company = in_company();
    let builder = Builder::new(Init::Busybox).inittab(RESTLESS);
    let _unread = Syslog::bind(builder.root());
    let ns = builder.start();
    ns.until("BusyBox does not wait for syslogd", || ns.sleeps_in(libc::SYS_sendto));
}

#[test]
fn a_console_on_a_full_pipe_does_not_stop_the_boot_or_the_shutdown() {
    let _company = in_company();
    let mut ns = Builder::new(Init::Pidone)
        .inittab("bad\nworse\n::respawn:/no/such\n::respawn:/bin/hold a\n")
        .console(Console::FullPipe)
        .start();
    ns.until_said("a", 1);
    ns.root().write("etc/inittab", "bad\n::respawn:/bin/hold a\n::respawn:/bin/hold b\n");
    ns.send(libc::SIGHUP);
    ns.until_said("b", 1);
    ns.power_off();
}

#[test]
fn a_console_on_a_full_pipe_hangs_busybox_at_the_shutdown() {
    let _company = in_company();
    let ns = Builder::new(Init::Busybox)
        .inittab("::respawn:/bin/hold a\n")
        .console(Console::FullPipe)
        .start();
    ns.until_said("a", 1);
    ns.send(libc::SIGUSR2);
    ns.until("BusyBox does not wait for the pipe", || ns.sleeps_in(libc::SYS_write));
}

#[test]
fn a_serial_line_that_is_stopped_does_not_stop_pid_1() {
    let _company = in_company();
    let mut ns = Builder::new(Init::Pidone)
        .inittab("bad\n::respawn:/no/such\n::respawn:/bin/hold a\n")
        .console(Console::StoppedPty)
        .start();
    ns.until_said("a", 1);
    ns.send(libc::SIGHUP);
    ns.send(libc::SIGINT);
    ns.power_off();
}

#[test]
fn a_console_that_hangs_up_does_not_take_pid_1_along() {
    let _company = in_company();
    let mut ns = Builder::new(Init::Pidone)
        .inittab("::respawn:/bin/hold a\n::ctrlaltdel:/bin/say pressed\n")
        .console(Console::Pty)
        .start();
    ns.until_said("a", 1);
    ns.hang_up();
    ns.send(libc::SIGINT);
    ns.until_said("pressed", 1);
    ns.power_off();
}

#[test]
fn messages_from_before_syslogd_and_between_two_of_it_are_delivered() {
    let _company = in_company();
    let mut ns = Builder::new(Init::Pidone)
        .inittab("bad\n::respawn:/bin/hold a\n::ctrlaltdel:/bin/say pressed\n")
        .start();
    ns.until_said("a", 1);
    let syslog = Syslog::bind(ns.root());
    let seen = syslog.until("started");
    assert!(seen[0].starts_with("<28>pidone[1]: inittab:1:"), "{seen:?}");
    drop(syslog);
    ns.send(libc::SIGINT);
    ns.until_said("pressed", 1);
    let syslog = Syslog::bind(ns.root());
    let seen = syslog.until("Ctrl-Alt-Del");
    assert!(seen.iter().all(|message| message.contains("pidone[1]: ")), "{seen:?}");
    ns.power_off();
}

#[test]
fn messages_that_nobody_took_are_counted_and_the_count_is_said() {
    let _company = in_company();
    let mut ns = Builder::new(Init::Pidone)
        .inittab("::respawn:/bin/hold a\n::ctrlaltdel:/bin/say pressed\n")
        .start();
    ns.until_said("a", 1);
    // Three messages each time come to several times what the ring has room for. A press while
    // the line of the one before still runs may count for nothing.
    let presses = || ns.log().lines().filter(|line| *line == "pressed").count();
    ns.until("the presses did not come through", || {
        ns.send(libc::SIGINT);
        presses() >= 100
    });
    ns.until("the last line did not end", || ns.procs().all().len() == 2);
    let syslog = Syslog::bind(ns.root());
    let seen = syslog.until("messages lost so far");
    let said = seen.last().expect("one at least").clone();
    let number = said.split("log: ").nth(1).and_then(|rest| rest.split(' ').next());
    let lost: usize = number.and_then(|n| n.parse().ok()).expect("a number of messages");
    // Each press says that it was pressed, that its line started, and that it ended. The last one
    // that was sent may still be on its way to its line.
    let made = 1 + (presses() + 1) * 3;
    assert!(lost > 0 && lost < made, "{said}");
    assert!(seen.len() - 1 + lost <= made, "{} seen, {said}", seen.len());
    ns.power_off();
}

/// Leaves 10,000 orphans behind, each of which ends at once.
const ORPHANS: &str = "#!/bin/sh
i=0
while [ $i -lt 10000 ]; do ( : & ); i=$((i + 1)); done
exec /bin/probe made hold
";

/// How many orphans may wait for PID 1 at any instant: a hundredth of them. A handful is usual;
/// BusyBox leaves thousands.
const PILE: usize = 100;

/// The most that a machine may take for the burst that has much else to do: it takes seconds.
const PATIENCE: Duration = Duration::from_secs(600);

/// A burst that takes longer brings BusyBox, which looks once a second, less than two piles in
/// that time, and so shows little.
const SLOW: Duration = Duration::from_secs(50);

/// The most orphans that waited for PID 1 at once while 10,000 of them ended, and how long that
/// took.
fn most_zombies(init: Init) -> (Namespace, usize, Duration) {
    let builder = Builder::new(init)
        .inittab("::once:/bin/orphans\n::ctrlaltdel:/bin/say $$\n")
        .file("bin/orphans", ORPHANS);
    // All of it runs on one processor. With more of them PID 1 may wait on one for whoever else is
    // busy there, while orphans go on being made on another, and the pile would tell of that. So
    // nobody makes more while PID 1 has its turn, and others who are busy hold up both.
    pin(0, processor());
    let ns = builder.start();
    pin(0, -1);
    let begun = Instant::now();
    let mut most = 0;
    let made = came_true_within(PATIENCE, || {
        most = most.max(ns.procs().orphaned_zombies());
        !ns.log().is_empty()
    });
    assert!(made, "the orphans were not made: {}", ns.state());
    (ns, most, begun.elapsed())
}

#[test]
fn ten_thousand_orphans_never_pile_up_as_they_do_under_busybox() {
    let _quiet = QUIET.write().unwrap_or_else(PoisonError::into_inner);
    let (mut ns, most, _) = most_zombies(Init::Pidone);
    assert!(most < PILE, "{most} zombies at once");
    ns.until("a zombie stayed", || ns.procs().zombies() == 0);
    // The next process number tells how many processes there have been.
    ns.send(libc::SIGINT);
    let made = |line: &str| line.parse().unwrap_or(0) > 20_000;
    ns.until("there were no 20,000 processes", || ns.log().lines().any(made));
    ns.power_off();
    let (_ns, theirs, took) = most_zombies(Init::Busybox);
    let shows_much = theirs > PILE || took > SLOW;
    assert!(shows_much, "{theirs} zombies under BusyBox: the burst is too slow to show much");
    eprintln!("at most {most} zombies at once; under BusyBox {theirs}");
}

#[test]
fn a_command_that_does_not_exist_is_said_once_and_tried_ever_less_often() {
    let _company = in_company();
    let mut ns = Builder::new(Init::Pidone)
        .inittab("::respawn:/no/such/command\n:delay=50ms,max-delay=50ms:respawn:/bin/say beat\n")
        .start();
    ns.until_said("beat", 40);
    ns.until_shown("/no/such/command");
    let console = ns.console();
    assert_eq!(console.matches("/no/such/command").count(), 1, "{console}");
    assert!(console.contains("No such file or directory"), "{console}");
    // Forty beats take two seconds at least. An unbounded respawn would have made thousands of
    // processes in that time; a bounded one has made a handful beside those of the beats.
    ns.root().write("etc/inittab", "::respawn:/bin/probe last hold\n");
    ns.send(libc::SIGHUP);
    ns.until_said("last", 1);
    let beats = ns.log().lines().filter(|line| *line == "beat").count() as i32;
    let newest = ns.procs().all().iter().map(|process| process.pid).max().unwrap_or(0);
    assert!(newest < 2 * beats + 40, "process {newest} after {beats} beats");
    ns.power_off();
}

#[test]
fn a_terminal_that_vanishes_is_waited_for() {
    let _company = in_company();
    let builder = Builder::new(Init::Pidone)
        .inittab("ttyX::respawn:/bin/hold seen\n:delay=9ms,max-delay=9ms:respawn:/bin/say beat\n");
    let (_master, _slave, number) = new_pty(builder.root());
    link_tty(builder.root(), "ttyX", number);
    let mut ns = builder.start();
    ns.until_said("seen", 1);
    ns.until("it does not rest", || ns.procs().named("sleep").len() == 1);
    unlink_tty(ns.root(), "ttyX");
    let pid = ns.procs().named("sleep")[0].pid;
    support::sys::kill(ns.host_pid(pid), libc::SIGKILL).expect("the unit lives");
    ns.until_shown("/dev/ttyX is not there");
    let beats = ns.log().lines().filter(|line| *line == "beat").count();
    ns.until_said("beat", beats + 30);
    assert_eq!(ns.console().matches("/dev/ttyX").count(), 1, "{}", ns.console());
    link_tty(ns.root(), "ttyX", number);
    ns.until_said("seen", 2);
    ns.power_off();
}

#[test]
fn a_fork_that_is_refused_is_reported_and_tried_again() {
    let _company = in_company();
    let mut ns = Builder::new(Init::Pidone)
        .inittab("::respawn:/bin/hold a\n::respawn:/bin/usleep 100000000\n::shutdown:/bin/say s\n")
        .start();
    ns.until_said("a", 1);
    ns.until("the other unit is not up", || ns.procs().named("usleep").len() == 1);
    ns.until("the holder is not up", || ns.procs().named("sleep").len() == 1);
    let Some(fence) = Fence::around(&ns) else {
        eprintln!("skipped: this host has no pids controller that root may use");
        return;
    };
    fence.set("2");
    let pid = ns.procs().named("sleep")[0].pid;
    support::sys::kill(ns.host_pid(pid), libc::SIGKILL).expect("the unit lives");
    ns.until_shown("cannot fork: Resource temporarily unavailable");
    fence.set("max");
    ns.until_said("a", 2);
    // No room for one more process: what runs has to go before a shutdown line can start.
    fence.set("3");
    ns.power_off();
    assert!(ns.log().ends_with("s\n"), "{}", ns.log());
}

#[test]
fn a_reload_that_finds_no_free_descriptor_is_reported_and_changes_nothing() {
    let _company = in_company();
    // mkdir needs no descriptor of its own, as a script would. The bad line opens the console
    // for messages, which takes the only one that is left.
    let mut ns = Builder::new(Init::Pidone)
        .inittab("bad\n::sysinit:/bin/mkdir /out/booted\n::respawn:/bin/sleep 100000\n")
        .descriptors(4)
        .start();
    let booted = ns.root().path("out/booted");
    ns.until("nothing was booted", || booted.is_dir());
    ns.until("nothing respawned", || ns.procs().named("sleep").len() == 1);
    let before = ns.procs().named("sleep")[0].pid;
    ns.root().write("etc/inittab", "::respawn:/bin/sleep 100001\n");
    ns.send(libc::SIGHUP);
    ns.until_shown("inittab: cannot be read: Too many open files");
    ns.until_ready();
    assert_eq!(ns.procs().named("sleep")[0].pid, before, "{}", ns.state());
    ns.power_off();
}

#[test]
fn without_any_free_descriptor_it_stays_and_powers_off() {
    let _company = in_company();
    let mut ns = Builder::new(Init::Pidone)
        .inittab("::respawn:/bin/sleep 100000\n")
        .console(Console::Pty)
        .descriptors(3)
        .start();
    ns.until_ready();
    ns.power_off();
}

#[test]
fn signals_that_are_ignored_or_blocked_at_the_start_work_all_the_same() {
    let _company = in_company();
    let all: Vec<i32> = (1..=64).filter(|n| ![libc::SIGKILL, libc::SIGSTOP].contains(n)).collect();
    let start = |ignored: &[i32], blocked: &[i32]| {
        let inittab = "::once:/bin/grep -e SigBlk -e SigIgn /proc/self/status\n\
                       ::respawn:/bin/hold a\n::ctrlaltdel:/bin/say pressed\n";
        Builder::new(Init::Pidone).inittab(inittab).ignore(ignored).block(blocked).start()
    };
    let cases: [(&[i32], &[i32]); 3] = [(&[libc::SIGCHLD], &[]), (&all, &[]), (&all, &all)];
    for (ignored, blocked) in cases {
        let mut ns = start(ignored, blocked);
        ns.until_said("a", 1);
        ns.until_shown("SigIgn:\t0000000000000000");
        ns.until_shown("SigBlk:\t0000000000000000");
        ns.until("the holder is not up", || ns.procs().named("sleep").len() == 1);
        let pid = ns.procs().named("sleep")[0].pid;
        support::sys::kill(ns.host_pid(pid), libc::SIGKILL).expect("the unit lives");
        ns.until_said("a", 2);
        ns.send(libc::SIGINT);
        ns.until_said("pressed", 1);
        ns.power_off();
    }
}

#[test]
fn closed_descriptors_at_the_start_are_survived() {
    let _company = in_company();
    let mut ns = Builder::new(Init::Pidone)
        .inittab("bad\n::sysinit:/bin/probe fds\n::respawn:/bin/hold a\n")
        .console(Console::Closed)
        .start();
    ns.until_said("a", 1);
    let log = ns.log();
    assert!(log.starts_with("fds 0=") && log.contains(" 1=") && log.contains(" 2="), "{log}");
    ns.power_off();
}

#[test]
fn two_reboot_signals_at_once_end_in_one_of_both() {
    let _company = in_company();
    let mut ns = Builder::new(Init::Pidone)
        .inittab("::respawn:/bin/hold a\n::shutdown:/bin/say s\n")
        .start();
    ns.until_said("a", 1);
    ns.send(libc::SIGTERM);
    ns.send(libc::SIGUSR2);
    let end = ns.end();
    assert!(matches!(end, End::Reboot | End::HaltOrPowerOff), "{end}");
    assert_eq!(ns.log(), "a\ns\n", "the shutdown lines run once");
}
