//! Pause: no program, only a process that keeps a pod's namespaces, and reaps.

use std::process::{Command, Stdio};

use crate::support::{Running, Stage, sys};

const WAYS: [(&str, &[&str]); 3] = [("pidone", &["-P"]), ("catatonit", &["-P"]), ("pause", &[])];

fn paused(stage: &Stage, name: &'static str, words: &[&str]) -> Running {
    let running = stage.ours(name, words).start();
    running.until_idle();
    running
}

#[test]
fn term_and_int_end_it_with_0() {
    let stage = Stage::new();
    for (name, words) in WAYS {
        for signal in [libc::SIGTERM, libc::SIGINT] {
            let mut running = paused(&stage, name, words);
            running.send(signal);
            let outcome = running.end();
            assert_eq!((outcome.code, &*outcome.stdout), (0, ""), "{name}: {outcome:?}");
            let said = if name == "pause" { "Shutting down, got signal" } else { "" };
            assert!(outcome.stderr.starts_with(said), "{name}: {outcome:?}");
            assert_eq!(outcome.stderr.is_empty(), said.is_empty(), "{name}: {outcome:?}");
        }
    }
}

#[test]
fn every_other_signal_is_passed_over() {
    let stage = Stage::new();
    for (name, words) in WAYS {
        let mut running = paused(&stage, name, words);
        let ends = [libc::SIGKILL, libc::SIGSTOP, libc::SIGTERM, libc::SIGINT];
        (1..=64).filter(|s| !ends.contains(s)).for_each(|signal| running.send(signal));
        running.until_idle();
        assert!(running.runs(), "{name}");
        running.send(libc::SIGTERM);
        assert_eq!(running.end().code, 0, "{name}");
    }
}

/// A process that joins the namespace, as a container of a pod does, and leaves an orphan behind.
#[test]
fn orphans_of_the_pod_are_reaped() {
    let stage = Stage::new();
    for (name, words) in WAYS {
        let running = paused(&stage, name, words);
        let script = "sleep 0.2 >/dev/null & echo $!";
        let mut join = Command::new("nsenter");
        join.args(["-t", &running.pid().to_string(), "-p", "sh", "-c", script]);
        let joined = sys::output(join.stdin(Stdio::null()));
        let orphan = String::from_utf8_lossy(&joined.stdout).trim().to_owned();
        assert!(orphan.parse::<i32>().is_ok(), "{joined:?}");
        let gone = || running.procs().read(&format!("{orphan}/stat")).is_empty();
        running.until("the orphan was not reaped", gone);
        assert!(running.runs(), "{name}");
    }
}

#[test]
fn pause_tells_its_version_and_that_it_ought_to_be_first() {
    let stage = Stage::new();
    let outcome = stage.ours("pause", &["-v"]).run();
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(outcome.stdout.starts_with("pause"), "{outcome:?}");
    let mut second = stage.ours("pause", &[]).second().start();
    second.until_warned("first process");
    second.until_idle();
    second.send(libc::SIGINT);
    assert_eq!(second.end().code, 0);
}
