//! Signals: each one reaches the child, its group, or what the command line makes of it.

use crate::support::container::children;
use crate::support::trace::Trace;
use crate::support::{Running, Stage, sys};

/// What nobody can catch, and what tells of children.
const KEPT: [i32; 3] = [libc::SIGKILL, libc::SIGSTOP, libc::SIGCHLD];

/// Sends a signal and waits until the recorder has it.
fn pass(running: &Running, signal: i32) {
    let line = format!("got {signal:02}");
    let count = || running.log().lines().filter(|l| *l == line).count();
    let before = count();
    running.send(signal);
    running.until(&format!("signal {signal} did not arrive"), || count() == before + 1);
}

fn recorder<'a>(stage: &'a Stage, name: &'static str) -> crate::support::Order<'a> {
    stage.ours(name, &["--", "actor", "record", "99"])
}

#[test]
fn as_pid_1_every_signal_reaches_the_child() {
    let stage = Stage::new();
    let running = recorder(&stage, "pidone").start();
    running.until_said("ready");
    (1..=64).filter(|signal| !KEPT.contains(signal)).for_each(|signal| pass(&running, signal));
    running.send(libc::SIGCHLD);
    pass(&running, libc::SIGUSR1);
    let log = running.log();
    assert_eq!(log.lines().count(), 1 + 61 + 1, "no signal came twice, none was made up: {log}");
}

#[test]
fn as_another_process_every_signal_reaches_the_child() {
    let stage = Stage::new();
    let running = recorder(&stage, "pidone").second().start();
    running.until_said("ready");
    for signal in (1..=64).filter(|signal| !KEPT.contains(signal)) {
        pass(&running, signal);
        // Whoever stops with its child for the sake of a shell goes on with it.
        let stops = [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];
        if stops.contains(&signal) {
            pass(&running, libc::SIGCONT);
        }
    }
}

/// What the peers pass on as PID 1, measured; as their namesake pidone passes on at least that.
#[test]
fn by_every_name_at_least_the_peers_signals_reach_the_child() {
    let stage = Stage::new();
    for name in ["tini", "docker-init", "catatonit", "dumb-init"] {
        let running = recorder(&stage, name).start();
        running.until_said("ready");
        let passed = [1..=3, 10..=10, 12..=16, 18..=18, 23..=30, 34..=64];
        passed.into_iter().flatten().for_each(|signal| pass(&running, signal));
    }
}

#[test]
fn a_burst_of_different_signals_arrives_whole() {
    let stage = Stage::new();
    let running = recorder(&stage, "pidone").start();
    running.until_said("ready");
    running.until_idle();
    let signals = || (1..=64).filter(|s| !KEPT.contains(s) && ![18, 20, 21, 22].contains(s));
    signals().for_each(|signal| running.send(signal));
    for signal in signals() {
        running.until_said(&format!("got {signal:02}"));
    }
}

/// Queued real-time signals are a count, so none of them may be merged away.
#[test]
fn no_queued_real_time_signal_is_merged() {
    let stage = Stage::new();
    let running = recorder(&stage, "pidone").start();
    running.until_said("ready");
    (0..50).for_each(|_| running.send(40));
    let count = || running.log().lines().filter(|line| *line == "got 40").count();
    running.until("some of 50 queued signals were lost", || count() == 50);
}

/// More orphans than are reaped before somebody else gets a hearing, and signals without an end.
const CROWD: &str = "(for i in $(seq 400); do actor hold & done); actor flood 64 & say up; wait";

#[test]
fn orphans_are_reaped_while_signals_come_without_an_end() {
    let stage = Stage::new();
    // What waits for one process counts for all of its user's, and must not fill their queues.
    let running = stage.pidone(&["sh", "-c", CROWD]).ignore(&[64]).pending(1000).start();
    running.until_said("up");
    // Each signal takes the init so long that the next ones come faster.
    let slowly = ["-e", "inject=rt_sigtimedwait:delay_exit=1000"];
    let trace = Trace::of(running.pid(), stage.root().path("tmp/trace"), &slowly);
    let is_flooded = || running.procs().pending(64);
    running.until("no signal waits", is_flooded);
    let all = children(running.pid());
    let (main, orphans) = all.split_first().expect("the program is the first child");
    assert!(orphans.len() == 400, "{all:?}");
    orphans.iter().for_each(|pid| sys::kill(*pid, libc::SIGKILL).expect("an orphan lives"));
    running.until("orphans are left", || children(running.pid()) == [*main]);
    assert!(is_flooded(), "the flood was over: {}", running.state());
    drop(trace);
}

/// The child says that USR1 came and goes on; it ends when its own child has died.
const FAMILY: &str = "actor hold & trap 'say child' USR1; say up; \
                      while kill -0 $! 2>/dev/null; do wait $!; done; exit 4";

/// Sends USR1 to a family, of which the grandchild gets it or does not.
fn family(stage: &Stage, name: &'static str, words: &[&str], env: &str, whole: bool) {
    let words = [words, &["sh", "-c", FAMILY]].concat();
    let mut running = stage.ours(name, &words).env(env).start();
    running.until_said("up");
    running.until("no grandchild came up", || !running.procs().named("actor").is_empty());
    running.send(libc::SIGUSR1);
    running.until_said("child");
    if whole {
        assert_eq!(running.end().code, 4, "{name} {words:?}");
        return;
    }
    // A second one that arrives shows that the first has done all that it does.
    running.send(libc::SIGUSR1);
    running.until("nothing came", || running.log().matches("child").count() == 2);
    assert!(!running.procs().named("actor").is_empty(), "{name}: the grandchild got it too");
}

#[test]
fn the_group_gets_the_signal_where_asked() {
    let stage = Stage::new();
    for name in ["pidone", "tini", "catatonit"] {
        family(&stage, name, &["-g", "--"], "X=", true);
    }
    for name in ["pidone", "tini"] {
        family(&stage, name, &["--"], "TINI_KILL_PROCESS_GROUP=", true);
    }
    family(&stage, "dumb-init", &[], "X=", true);
}

#[test]
fn the_child_alone_gets_it_otherwise() {
    let stage = Stage::new();
    for name in ["pidone", "tini", "catatonit"] {
        family(&stage, name, &["--"], "X=", false);
    }
    family(&stage, "dumb-init", &["-c"], "X=", false);
}

/// Sends signals one after the other, and gives what arrived.
fn rewritten(stage: &Stage, name: &'static str, rules: &[&str], sent: &[i32]) -> String {
    let words: Vec<&str> = rules.iter().flat_map(|rule| ["-r", rule]).collect();
    let words = [&words[..], &["--", "actor", "record", "99"]].concat();
    let running = stage.ours(name, &words).start();
    running.until_said("ready");
    for signal in sent {
        let before = running.log();
        running.send(*signal);
        if *signal != libc::SIGWINCH {
            running.until("nothing came", || running.log() != before);
        }
    }
    running.log().replace("ready\n", "").replace("got ", "").replace('\n', " ")
}

#[test]
fn signals_are_rewritten_by_number_and_by_name() {
    let stage = Stage::new();
    for name in ["pidone", "dumb-init"] {
        let run = |rules: &[&str], sent: &[i32]| rewritten(&stage, name, rules, sent);
        assert_eq!(run(&["15:2"], &[15, 3, 18, 2]), "02 03 18 02 ");
        assert_eq!(run(&["15:2", "2:15", "3:3"], &[15, 3, 18, 2]), "02 03 18 15 ");
        assert_eq!(run(&["1:31", "31:1"], &[1, 31]), "31 01 ");
        assert_eq!(run(&["15:3", "28:0"], &[15, 28, 1]), "03 01 ", "28 is dropped");
        assert_eq!(run(&["15:10", "15:12"], &[15]), "12 ", "the last rule counts");
    }
    let run = |rules: &[&str], sent: &[i32]| rewritten(&stage, "pidone", rules, sent);
    assert_eq!(run(&["TERM:QUIT"], &[15]), "03 ");
    assert_eq!(run(&["SIGTERM:SIGINT", "HUP:0"], &[15]), "02 ");
    assert_eq!(run(&["TERM:RTMIN+3"], &[15]), "37 ");
    assert_eq!(run(&["RTMIN+1:USR1", "SIGRTMIN+30:USR2"], &[35, 64]), "10 12 ");
    assert_eq!(run(&["40:TERM", "TERM:40"], &[40, 15]), "15 40 ");
}

#[test]
fn a_signal_that_comes_from_inside_is_passed_on_too() {
    let stage = Stage::new();
    let script = "trap 'say back' HUP; say up; kill -HUP 1; while :; do sleep 1000 & wait $!; done";
    let running = stage.pidone(&["sh", "-c", script]).start();
    running.until_said("back");
}
