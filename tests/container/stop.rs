//! The end of everybody: --grace, --stop and --pre-stop.

use std::fs;

use crate::support::{Order, Running, Stage};

/// A daemon in a session of its own, which has work to do when it is asked to end: it goes once
/// the test has put /out/leave there.
const TIDY: &str = "tidy";

/// One that does not listen.
const DEAF: &str = "record";

/// A program that starts such a daemon, lets it go, and then does what the last word says.
fn with_daemon<'a>(stage: &'a Stage, words: &[&str], daemon: &str, then: &str) -> Order<'a> {
    let _ = fs::remove_file(stage.root().path("out/leave"));
    let script = format!(
        "(setsid actor {daemon} &); until grep -q ready /out/log; do usleep 5000; done; say up; \
         {then}"
    );
    stage.pidone(&[words, &["--", "sh", "-c", &script]].concat())
}

/// What arrived. CONT goes along with each signal, so that whoever is stopped can take it.
fn arrived(running: &Running) -> String {
    running.log().replace("got 18\n", "").replace("ready\n", "").replace('\n', " ")
}

/// What a polite main program does.
const POLITE: &str = "exec actor record 15";

fn leave(stage: &Stage) {
    stage.root().write("out/leave", "");
}

fn up(order: Order<'_>) -> Running {
    let running = order.start();
    running.until_said("up");
    running
}

/// The same with a main program that is to be ready as well.
fn both_up(order: Order<'_>) -> Running {
    let running = up(order);
    running.until("not both came up", || running.log().matches("ready").count() == 2);
    running
}

#[test]
fn a_daemon_of_another_session_may_finish_before_the_container_ends() {
    let stage = Stage::new();
    for second in [false, true] {
        let order = with_daemon(&stage, &["--grace", "1h"], TIDY, POLITE);
        let mut running = both_up(if second { order.second() } else { order });
        running.send(libc::SIGTERM);
        running.until_said("tidying");
        running.until_said("got 15");
        running.until("main was not reaped", || running.procs().orphaned_zombies() == 0);
        assert!(running.runs(), "init did not wait for the daemon");
        leave(&stage);
        let outcome = running.end();
        assert_eq!(outcome.code, 7, "the code is the main program's: {outcome:?}");
        assert!(running.log().contains("tidy\n"), "{}", running.log());
    }
}

#[test]
fn when_the_main_program_ends_the_others_are_asked_to() {
    let stage = Stage::new();
    let mut running = up(with_daemon(&stage, &["--grace", "1h"], TIDY, "exit 4"));
    running.until_said("tidying");
    assert!(running.runs(), "init did not wait for the daemon");
    leave(&stage);
    assert_eq!(running.end().code, 4);
    assert!(running.log().contains("tidy\n"), "{}", running.log());
}

#[test]
fn whoever_does_not_go_is_killed_when_the_grace_is_over() {
    let stage = Stage::new();
    let mut running = up(with_daemon(&stage, &["--grace", "300ms"], DEAF, "exit 4"));
    assert_eq!(running.end().code, 4);
    let deaf_main = "exec actor record";
    let mut running = both_up(with_daemon(&stage, &["--grace", "300ms"], DEAF, deaf_main));
    running.send(libc::SIGTERM);
    assert_eq!(running.end().code, 128 + libc::SIGKILL);
}

/// As process 2 nobody else would kill them.
#[test]
fn no_process_is_left_behind() {
    let stage = Stage::new();
    let order = with_daemon(&stage, &["--grace", "300ms"], DEAF, "exit 4");
    let mut running = up(order.second());
    assert_eq!(running.end().code, 4);
    let left: Vec<_> = running.procs().all().into_iter().filter(|p| p.pid != 1).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn an_hour_of_grace_is_not_waited_for_when_nobody_is_left() {
    let stage = Stage::new();
    let outcome = stage.pidone(&["--grace", "1h", "sh", "-c", "exit 4"]).run();
    assert_eq!(outcome.code, 4);
    let mut running = both_up(with_daemon(&stage, &["--grace", "1h"], TIDY, POLITE));
    leave(&stage);
    running.send(libc::SIGTERM);
    assert_eq!(running.end().code, 7);
}

#[test]
fn without_a_grace_the_end_of_the_main_program_is_the_end() {
    let stage = Stage::new();
    for name in ["tini", "docker-init", "catatonit"] {
        let words = ["--", "sh", "-c", "actor hold & exit 4"];
        assert_eq!(stage.ours(name, &words).run().code, 4, "{name}");
    }
    let mut running = up(with_daemon(&stage, &[], DEAF, "exit 4"));
    assert_eq!(running.end().code, 4);
}

/// A recorder that this sequence stops.
fn to_be_stopped(stage: &Stage, sequence: &str, last: &str) -> Running {
    let words = ["--stop", sequence, "--", "actor", "record", last];
    let running = stage.pidone(&words).start();
    running.until_said("ready");
    running
}

/// Whoever asks again has the next step come at once, so that no step is over before its signal
/// has been seen.
#[test]
fn a_stop_sequence_goes_from_signal_to_signal() {
    let stage = Stage::new();
    for (sequence, steps) in [
        ("TERM=1h,QUIT=1h,KILL", &["got 15", "got 03"][..]),
        ("INT=1h,SIGUSR1=1h,12=1h,KILL", &["got 02", "got 10", "got 12"]),
        ("RTMIN+3=1h,KILL", &["got 37"]),
    ] {
        let mut running = to_be_stopped(&stage, sequence, "99");
        for step in steps {
            running.send(libc::SIGTERM);
            running.until_said(step);
        }
        running.send(libc::SIGTERM);
        assert_eq!(running.end().code, 128 + libc::SIGKILL, "{sequence}");
        assert_eq!(arrived(&running).trim_end(), steps.join(" "), "{sequence}");
    }
}

/// A recorder that is kept waiting finds several signals at once, and the lower numbers first.
#[test]
fn a_step_of_a_stop_sequence_ends_with_its_time() {
    let stage = Stage::new();
    let mut running = to_be_stopped(&stage, "INT=50ms,SIGUSR1=50ms,12=1h,KILL", "99");
    running.send(libc::SIGTERM);
    running.until_said("got 12");
    assert_eq!(arrived(&running), "got 02 got 10 got 12 ");
    running.send(libc::SIGTERM);
    assert_eq!(running.end().code, 128 + libc::SIGKILL);
    let mut running = to_be_stopped(&stage, "TERM=50ms,KILL", "99");
    running.send(libc::SIGTERM);
    assert_eq!(running.end().code, 128 + libc::SIGKILL);
}

#[test]
fn a_stop_sequence_ends_as_soon_as_everybody_has_gone() {
    let stage = Stage::new();
    let mut running = to_be_stopped(&stage, "QUIT=10ms,TERM=1h,KILL", "15");
    running.send(libc::SIGTERM);
    assert_eq!(running.end().code, 7);
    assert_eq!(arrived(&running), "got 03 got 15 ");
}

#[test]
fn other_signals_are_passed_on_as_ever_with_a_stop_sequence() {
    let stage = Stage::new();
    let words = ["--stop", "QUIT=1h,KILL", "--", "actor", "record", "3"];
    let mut running = stage.pidone(&words).start();
    running.until_said("ready");
    running.send(libc::SIGHUP);
    running.until_said("got 01");
    running.send(libc::SIGTERM);
    assert_eq!(running.end().code, 7);
    assert_eq!(arrived(&running), "got 01 got 03 ");
}

#[test]
fn the_pre_stop_command_runs_before_the_first_signal() {
    let stage = Stage::new();
    let hook = "say before; until [ -e /out/leave ]; do usleep 5000; done; say drained";
    stage.root().write("bin/hook", format!("#!/bin/sh\n{hook}\n"));
    for command in ["hook", "/bin/hook", "say first; /bin/hook; say last"] {
        let _ = fs::remove_file(stage.root().path("out/leave"));
        let words = ["--pre-stop", command, "--", "actor", "record", "15"];
        let mut running = stage.pidone(&words).start();
        running.until_said("ready");
        running.send(libc::SIGTERM);
        running.until_said("before");
        running.send(libc::SIGUSR1);
        running.until_said("got 10");
        assert!(!running.log().contains("got 15"), "{command}: {}", running.log());
        leave(&stage);
        assert_eq!(running.end().code, 7, "{command}");
        let log = running.log();
        let at = |line: &str| log.lines().position(|l| l == line);
        assert!(at("drained").is_some() && at("drained") < at("got 15"), "{command}: {log}");
        assert_eq!(at("last").is_some(), command.contains("last"), "{command}: {log}");
    }
}

#[test]
fn a_pre_stop_command_that_fails_is_reported_and_holds_nothing_up() {
    let stage = Stage::new();
    for (command, why) in [("/no/such/hook", "120"), ("false", "1"), ("exit 9; :", "9")] {
        let words = ["--pre-stop", command, "--", "actor", "record", "15"];
        let mut running = stage.pidone(&words).start();
        running.until_said("ready");
        running.send(libc::SIGTERM);
        let outcome = running.end();
        assert_eq!(outcome.code, 7, "{outcome:?}");
        assert!(outcome.stderr.contains(why), "{command}: {outcome:?}");
    }
}

/// A hook that hangs must not outlive the grace.
#[test]
fn a_pre_stop_command_that_hangs_is_bounded_by_the_grace() {
    let stage = Stage::new();
    let words = ["--grace", "300ms", "--pre-stop", "actor hold", "--", "actor", "record", "15"];
    let mut running = stage.pidone(&words).start();
    running.until_said("ready");
    running.send(libc::SIGTERM);
    let code = running.end().code;
    assert!([7, 128 + libc::SIGKILL].contains(&code), "{code}");
}
