//! A child that has become somebody else: the signal is tried with its credentials, or the refusal
//! is said and the child is waited for.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{Running, Stage, sys};

/// Numbers of capability.h.
const CAP_KILL: u64 = 5;
const CAP_SETUID: u64 = 7;

const NOBODY: u32 = 65534;

/// An init that has no right to signal its child, which is nobody.
fn powerless(stage: &Stage, name: &'static str) -> Running {
    let words = ["--", "actor", "as", "65534", "record", "15"];
    let running = stage.ours(name, &words).without(CAP_KILL).start();
    running.until_said("ready");
    running
}

#[test]
fn a_signal_that_is_refused_goes_with_the_childs_credentials() {
    let stage = Stage::new();
    for name in ["pidone", "tini", "dumb-init", "catatonit"] {
        let mut running = powerless(&stage, name);
        let mine = running.status(running.pid(), "Uid");
        assert!(mine.starts_with("0\t0"), "{mine}");
        running.send(libc::SIGUSR1);
        running.until_said("got 10");
        let is_itself = || running.status(running.pid(), "Uid") == mine;
        running.until("its own credentials did not come back", is_itself);
        running.send(libc::SIGTERM);
        assert_eq!(running.end().code, 7, "{name}");
    }
}

#[test]
fn a_group_that_is_refused_gets_it_with_the_childs_credentials() {
    let stage = Stage::new();
    let words = ["-g", "--", "actor", "as", "65534", "record", "15"];
    let mut running = stage.pidone(&words).without(CAP_KILL).start();
    running.until_said("ready");
    running.send(libc::SIGTERM);
    assert_eq!(running.end().code, 7);
}

/// An init that is nobody and has no capability at all, with a child that has become root.
#[test]
fn a_signal_that_cannot_be_passed_on_is_reported_and_the_child_is_waited_for() {
    let stage = Stage::new();
    let root = stage.root();
    root.copy(&root.path("bin/actor"), "bin/grown");
    fs::set_permissions(root.path("bin/grown"), fs::Permissions::from_mode(0o4755)).expect("mode");
    for (name, second) in [("pidone", false), ("pidone", true), ("tini", false)] {
        let words = ["--", "grown", "as", "0", "record", "15"];
        let order = stage.ours(name, &words).user(NOBODY).without(CAP_SETUID);
        let mut running = if second { order.second() } else { order }.start();
        running.until_said("ready");
        running.send(libc::SIGHUP);
        running.until_warned("Operation not permitted");
        let said = running.stderr();
        assert!(said.contains("HUP") || name == "tini", "which signal: {said}");
        assert!(running.runs(), "the child is waited for");
        assert!(!running.log().contains("got"), "it was delivered: {}", running.log());
        sys::kill(running.child(), libc::SIGTERM).expect("the test is root");
        assert_eq!(running.end().code, 7, "{name}");
    }
}
