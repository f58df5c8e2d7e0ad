//! What the container init costs, where that can be counted exactly.

use std::fs;

use crate::support::trace::count_calls;
use crate::support::{Running, Stage};

/// The most system calls of the init, from its exec to its exit, and of its child up to its exec.
const CALLS_MAX: (usize, usize) = (8, 4);
/// The most resident memory of an idle init in kB.
const RESIDENT_MAX: u64 = 20;

/// System calls of the init and of its child, counted by the tracer. What the child's program does
/// is not the init's, and what never returns counts as well.
fn calls(stage: &Stage, words: &[&str]) -> (usize, usize) {
    let (mut running, mut trace) = stage.pidone(words).prepare().traced(&["-f"]);
    let init = running.pid();
    assert_eq!(running.end().code, 0);
    running.until("the tracer did not finish", || trace.ended());
    count_calls(&trace.text(), init)
}

#[test]
fn it_starts_with_few_system_calls() {
    let stage = Stage::new();
    for words in [&["--", "/bin/actor", "true"][..], &["/bin/actor", "true"]] {
        let (init, child) = calls(&stage, words);
        assert!(init > 3 && child > 0, "the count has lost its object: {init} and {child}");
        assert!(init <= CALLS_MAX.0 && child <= CALLS_MAX.1, "{init} and {child} calls");
    }
}

#[test]
fn it_executes_no_cpuid() {
    let stage = Stage::new();
    let steps = stage.pidone(&["--", "/bin/actor", "true"]).prepare().stepped();
    assert!(steps.all > 100, "the count has lost its object: {} instructions", steps.all);
    assert_eq!(steps.cpuid, 0, "CPUID traps in a virtual machine");
    let peer = stage.peer("tini", &["--", "/bin/actor", "true"]).prepare().stepped();
    assert!(peer.cpuid > 0, "the check finds those of a C library");
}

fn idle(stage: &Stage, name: &'static str) -> Running {
    let running = stage.ours(name, &["--", "actor", "hold"]).start();
    running.child();
    running.until_idle();
    running
}

#[test]
fn an_idle_init_never_wakes_up() {
    let stage = Stage::new();
    let names = ["pidone", "tini", "dumb-init", "catatonit"];
    let inits = names.map(|name| idle(&stage, name));
    let mut before = inits.each_ref().map(|init| init.procs().switches());
    let rest = || {
        let now = inits.each_ref().map(|init| init.procs().switches());
        let last = std::mem::replace(&mut before, now);
        std::thread::sleep(std::time::Duration::from_millis(300));
        last == before
    };
    assert!(crate::support::wait::came_true(rest), "they do not come to rest");
    // That nothing happens can only be seen by waiting.
    std::thread::sleep(std::time::Duration::from_secs(3));
    let after = inits.each_ref().map(|init| init.procs().switches());
    assert_eq!(after, before, "{names:?}");
}

/// The kernel lays words and environment at random places of the stack, which are three pages in
/// one start of ten: the least of some starts counts.
#[test]
fn an_idle_init_takes_little_memory() {
    let stage = Stage::new();
    for name in ["pidone", "tini", "dumb-init", "catatonit"] {
        let least = (0..6).map(|_| resident(&stage, name)).min().unwrap();
        assert!(least > 0 && least <= RESIDENT_MAX, "{name}: {least} kB are resident");
    }
}

fn resident(stage: &Stage, name: &'static str) -> u64 {
    let init = idle(stage, name);
    let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", init.pid())).expect("root");
    let line = rollup.lines().find(|line| line.starts_with("Rss:")).expect("a resident size");
    line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("kB")
}
