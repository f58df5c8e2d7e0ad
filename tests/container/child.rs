//! What the child finds, and what the init keeps for itself.

use std::fs;
use std::io::Read;
use std::os::fd::AsFd;

use crate::support::container::{Order, children};
use crate::support::{Stage, sys, wait};

const NAMES: [&str; 4] = ["pidone", "tini", "dumb-init", "catatonit"];

fn set(signals: &[i32]) -> u64 {
    signals.iter().fold(0, |mask, signal| mask | 1 << (signal - 1))
}

/// The value of a line of /proc/self/status that the child printed.
fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    u64::from_str_radix(line.trim_start_matches(':').trim(), 16).expect("a mask")
}

#[test]
fn the_child_has_the_signal_mask_and_the_dispositions_of_its_parent() {
    let stage = Stage::new();
    let all: Vec<i32> = (1..=64).filter(|s| ![9, 19].contains(s)).collect();
    let sets: [&[i32]; 5] = [&[], &[15], &[2, 17, 20, 21, 22], &[6, 11, 33, 40, 64], &all];
    for ignored in sets {
        for blocked in sets {
            for second in [false, true] {
                let order = stage.pidone(&["cat", "/proc/self/status"]);
                let order = order.ignore(ignored).block(blocked);
                let outcome = if second { order.second() } else { order }.run();
                let what = format!("{ignored:?} ignored, {blocked:?} blocked: {outcome:?}");
                assert_eq!(field(&outcome.stdout, "SigIgn"), set(ignored), "{what}");
                assert_eq!(field(&outcome.stdout, "SigBlk"), set(blocked), "{what}");
                assert_eq!(field(&outcome.stdout, "SigPnd"), 0, "{what}");
                assert_eq!(outcome.code, 0, "{what}");
            }
        }
    }
}

#[test]
fn it_works_with_sigchld_ignored_and_every_signal_blocked() {
    let stage = Stage::new();
    let all: Vec<i32> = (1..=64).filter(|s| ![9, 19].contains(s)).collect();
    for name in NAMES {
        let code = "(exit 3) & wait $!; exit 5";
        let order = |words: &[&str]| stage.ours(name, words).ignore(&[libc::SIGCHLD]);
        let outcome = order(&["--", "sh", "-c", code]).run();
        assert_eq!(outcome.code, 5, "{name}: {outcome:?}");
        let outcome = order(&["--", "sh", "-c", "exit 6"]).second().run();
        assert_eq!(outcome.code, 6, "{name}: {outcome:?}");
        let blocked = order(&["--", "actor", "record", "15"]).block(&all).ignore(&all);
        let mut running = blocked.start();
        running.until_said("ready");
        running.send(libc::SIGTERM);
        assert_eq!(running.end().code, 7, "{name}");
    }
}

/// With standard input closed a program of the init's own must not land on descriptor 0 either.
#[test]
fn it_works_with_standard_input_closed() {
    let stage = Stage::new();
    let script = "readlink /proc/$$/fd/0 || echo none; exit 5";
    for name in NAMES {
        for second in [false, true] {
            let order = stage.ours(name, &["--", "sh", "-c", script]).closed_input();
            let order = if second { order.second() } else { order };
            let outcome = order.env("TINI_SUBREAPER=").run();
            assert_eq!((outcome.code, &*outcome.stdout), (5, "none\n"), "{name}: {outcome:?}");
        }
    }
}

#[test]
fn words_environment_folder_and_umask_go_through_untouched() {
    let stage = Stage::new();
    let script = "tr '\\0' '|' < /proc/$$/cmdline; echo; tr '\\0' '|' < /proc/$$/environ; echo; \
                  pwd; umask; tr -d '\\0' < /proc/$$/oom_score_adj";
    let words = ["-c", script, "a b", "", "-x", "--", "é"];
    let plain =
        stage.order(crate::support::Who::Program("/bin/sh"), &[&["sh"], &words[..]].concat());
    let expected = plain.env("ODD=\u{1}x y").env("EMPTY=").run();
    assert!(expected.stdout.contains("|a b||-x|--|é|"), "{expected:?}");
    let ours = stage.pidone(&[&["--", "sh"], &words[..]].concat());
    assert_eq!(ours.env("ODD=\u{1}x y").env("EMPTY=").run(), expected);
}

#[test]
fn listen_pid_names_the_child() {
    let stage = Stage::new();
    let script = "echo $LISTEN_PID $$ $LISTEN_FDS $(cat <&3)";
    let run = |order: Order<'_>, pid: &str| {
        let (far, near) = sys::pipe().expect("a pipe");
        let _ = std::io::Write::write_all(&mut fs::File::from(near), b"socket");
        let order = order.env(&format!("LISTEN_PID={pid}")).env("LISTEN_FDS=1");
        order.inherit(far.into()).run().stdout
    };
    for name in ["pidone", "tini", "dumb-init", "catatonit"] {
        let order = || stage.ours(name, &["--", "sh", "-c", script]);
        assert_eq!(run(order(), "1"), "2 2 1 socket\n", "{name}");
        assert_eq!(run(order().second(), "2"), "3 3 1 socket\n", "{name}");
        assert_eq!(run(order(), "77"), "77 2 1 socket\n", "meant for somebody else: {name}");
    }
}

#[test]
fn inherited_descriptors_stay_with_the_child_and_are_closed_in_init() {
    let stage = Stage::new();
    for name in NAMES {
        let (mut far, near) = sys::pipe().expect("a pipe");
        let script = "echo kept >&3; exec 3>&-; say closed; exec sleep 100000";
        let running = stage.ours(name, &["--", "sh", "-c", script]).inherit(near).start();
        running.until_said("closed");
        let mut text = String::new();
        running.until("the pipe is still open", || sys::readable(far.as_fd(), wait::DEADLINE));
        sys::nonblocking(far.as_fd(), true);
        running.until("init keeps the pipe open", || far.read_to_string(&mut text).is_ok());
        assert_eq!(text, "kept\n", "{name}");
    }
}

#[test]
fn no_descriptor_of_init_leaks_into_the_child() {
    let stage = Stage::new();
    let script = "cd /proc/$$/fd && echo *";
    for name in NAMES {
        let plain =
            stage.order(crate::support::Who::Program("/bin/sh"), &["sh", "-c", script]).run();
        let ours = stage.ours(name, &["--", "sh", "-c", script]).run();
        assert_eq!(ours.stdout, plain.stdout, "{name}");
    }
    let outcome = stage.pidone(&["--syslog", "--grace", "1s", "sh", "-c", script]).run();
    let plain = stage.order(crate::support::Who::Program("/bin/sh"), &["sh", "-c", script]).run();
    assert_eq!(outcome.stdout, plain.stdout, "with a log socket");
}

#[test]
fn the_child_starts_where_init_did() {
    let stage = Stage::new();
    for name in NAMES {
        let outcome = stage.ours(name, &["--", "sh", "-c", "readlink /proc/$$/cwd"]).dir("/etc");
        assert_eq!(outcome.run().stdout, "/etc\n", "{name}");
    }
}

/// As dumb-init and catatonit do; the file system could not be unmounted otherwise.
#[test]
fn by_their_names_no_folder_is_kept_busy() {
    let stage = Stage::new();
    for name in ["dumb-init", "catatonit"] {
        let running = stage.ours(name, &["--", "actor", "record"]).dir("/etc").start();
        running.until_said("ready");
        running.until("init keeps /etc busy", || !running.procs().link("1/cwd").ends_with("/etc"));
    }
}

/// The fields of /proc/PID/stat after the name: state, parent, group, session, and so on.
fn stat(pid: i32) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
    let rest = text.rsplit_once(')').expect("a name in brackets").1;
    rest.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn the_child_leads_a_group_of_its_own_and_as_dumb_init_a_session() {
    let stage = Stage::new();
    for (name, words, own_session) in [
        ("pidone", &["--"][..], false),
        ("tini", &["--"], false),
        ("catatonit", &["--"], false),
        ("dumb-init", &[], true),
    ] {
        for second in [false, true] {
            let order = stage.ours(name, &[words, &["actor", "record"]].concat());
            let running = if second { order.second() } else { order }.start();
            running.until_said("ready");
            let child = running.child();
            assert_eq!(stat(child)[2], child.to_string(), "{name}: the group");
            let session = if own_session { child } else { running.pid() };
            assert_eq!(stat(child)[3], session.to_string(), "{name}: the session");
        }
    }
    let running = stage.ours("dumb-init", &["-c", "actor", "record"]).start();
    running.until_said("ready");
    let (init, child) = (running.pid(), running.child());
    assert_eq!(stat(child)[2], init.to_string(), "dumb-init -c leaves the group as it is");
}

#[test]
fn orphans_are_reaped() {
    let stage = Stage::new();
    for name in NAMES {
        let words = ["--", "actor", "orphans", "10", "500"];
        let running = stage.ours(name, &words).start();
        running.until_said("ready");
        stage.root().write("out/go", "");
        running.until_said("gone");
        fs::remove_file(stage.root().path("out/go")).expect("the test wrote it");
        assert_eq!(children(running.pid()).len(), 11, "{name}: the living stay");
    }
}

#[test]
fn when_it_is_not_pid_1_it_takes_the_orphans_by_itself() {
    let stage = Stage::new();
    for (name, env) in [("pidone", "X="), ("catatonit", "X="), ("tini", "TINI_SUBREAPER=")] {
        let words = ["--", "actor", "orphans", "3", "50"];
        let running = stage.ours(name, &words).second().env(env).start();
        running.until_said("ready");
        let own = |parent: i32| {
            running.procs().named("actor").iter().filter(|p| p.parent == parent).count()
        };
        assert_eq!(own(2), 1 + 3 + 50, "{name}: {}", running.state());
        assert_eq!(running.stderr(), "", "{name}");
        stage.root().write("out/go", "");
        running.until_said("gone");
        fs::remove_file(stage.root().path("out/go")).expect("the test wrote it");
    }
}

/// The signal that comes when the parent of the init ends.
#[test]
fn the_death_of_the_parent_is_told_where_asked() {
    let stage = Stage::new();
    for (name, signal) in [("tini", "SIGUSR1"), ("pidone", "USR1"), ("pidone", "10")] {
        // The one that starts it waits until the signal can be told from none, and ends.
        let script = format!(
            "{name} -p {signal} -s -- actor record & until grep -q ready /out/log; do usleep 5000; \
             done; say parent ends"
        );
        std::os::unix::fs::symlink("pidone", stage.root().path(&format!("sbin/{name}"))).ok();
        let words = ["--", "sh", "-c", &format!("sh -c '{script}'; exec sleep 100000")];
        let running = stage.pidone(&words).start();
        running.until_said("parent ends");
        running.until_said("got 10");
    }
}
