//! Where the peers fall down, and pidone does not: each test runs both, so that it is known to
//! bite. A peer that has mended its ways fails its half, and the row can go.

use std::time::Duration;

mod support;

use support::{Order, Running, Stage, Who, sys};

const CAP_KILL: u64 = 5;

/// How long a peer is given to do what it is known not to do, since its failure is that nothing
/// comes. Whoever is slow to fail only makes the defect look smaller.
const PATIENCE: Duration = Duration::from_secs(2);

/// Runs a story under the peer and under pidone by the peer's name and by its own.
fn under_all(peer: &'static str, story: impl Fn(&Stage, Who, &str) -> bool) {
    let stage = Stage::new();
    assert!(!story(&stage, Who::Peer(peer), peer), "{peer} has no such defect any more");
    assert!(story(&stage, Who::Pidone, peer), "pidone has it too, as {peer}");
    assert!(story(&stage, Who::Pidone, "pidone"), "pidone has it too");
}

/// The exit code, if the end comes within the time that is given to a failure.
fn ends(running: &mut Running, who: Who) -> Option<i32> {
    let patience = if who == Who::Pidone { support::DEADLINE } else { PATIENCE };
    running.ends_within(patience).then(|| running.end().code)
}

fn order<'a>(stage: &'a Stage, who: Who, name: &str, words: &[&str]) -> Order<'a> {
    stage.order(who, &[&[name], words].concat())
}

#[test]
fn a_refused_signal_ends_tini_and_with_it_the_container() {
    under_all("tini", |stage, who, name| {
        let words = ["--", "actor", "as", "65534", "record", "15"];
        let mut running = order(stage, who, name, &words).without(CAP_KILL).start();
        running.until_said("ready");
        running.send(libc::SIGTERM);
        ends(&mut running, who) == Some(7)
    });
}

#[test]
fn a_refused_signal_does_not_arrive_with_dumb_init_and_catatonit() {
    for peer in ["dumb-init", "catatonit"] {
        under_all(peer, |stage, who, name| {
            let words = ["--", "actor", "as", "65534", "record", "15"];
            let mut running = order(stage, who, name, &words).without(CAP_KILL).start();
            running.until_said("ready");
            running.send(libc::SIGTERM);
            ends(&mut running, who) == Some(7)
        });
    }
}

#[test]
fn tini_does_not_start_with_standard_input_closed() {
    under_all("tini", |stage, who, name| {
        let mut running = order(stage, who, name, &["--", "true"]).closed_input().start();
        ends(&mut running, who) == Some(0)
    });
}

#[test]
fn tini_and_catatonit_hang_when_sigchld_comes_ignored() {
    for peer in ["tini", "catatonit"] {
        under_all(peer, |stage, who, name| {
            let order = order(stage, who, name, &["--", "sh", "-c", "exit 5"]);
            ends(&mut order.ignore(&[libc::SIGCHLD]).start(), who) == Some(5)
        });
    }
}

/// With a child that stops a while at each of these calls, which are what stands between fork and
/// exec, a signal has to find its way to the child or its group all the same.
const WINDOWS: [&str; 5] = ["setpgid", "setsid", "rt_sigprocmask", "rt_sigaction", "execve"];

/// Sends TERM while the child is held up in one of these calls, and tells whether it died of it.
fn term_arrives(stage: &Stage, who: Who, words: &[&str], call: &str) -> bool {
    // The init's own exec is the first that the tracer sees.
    let when = if call == "execve" { ":when=2" } else { "" };
    let delay = format!("inject={call}:delay_enter=1500000{when}");
    let order = stage.order(who, &[words, &["actor", "hold"]].concat());
    let held = ["-f", "-e", &format!("trace={call}"), "-e", &delay, "-e", "signal=none"];
    let (mut running, _trace) = order.prepare().traced(&held);
    running.child();
    running.send(libc::SIGTERM);
    let code = ends(&mut running, who);
    assert!(code.is_none_or(|code| code == 143), "{words:?} at {call}: {code:?}");
    code.is_some()
}

fn in_every_window(peer: &'static str, words: &[&str]) {
    let stage = Stage::new();
    let group = if peer == "dumb-init" { "setsid" } else { "setpgid" };
    let theirs = [&[peer], words].concat();
    // The signal may come late on a busy machine, when the child leads its group already.
    let is_lost = |_| !term_arrives(&stage, Who::Peer(peer), &theirs, group);
    assert!((0..5).any(is_lost), "{peer} is cured");
    for name in [peer, "pidone"] {
        let ours = [&[name], words].concat();
        for call in WINDOWS {
            assert!(term_arrives(&stage, Who::Pidone, &ours, call), "{ours:?}: lost at {call}");
        }
    }
}

#[test]
fn tini_g_loses_a_signal_between_fork_and_setpgid() {
    in_every_window("tini", &["-g", "--"]);
}

#[test]
fn dumb_init_loses_a_signal_between_fork_and_setsid() {
    in_every_window("dumb-init", &["--"]);
}

#[test]
fn catatonit_g_loses_a_signal_between_fork_and_setpgid() {
    in_every_window("catatonit", &["-g", "--"]);
}

#[test]
fn to_a_single_child_no_signal_is_lost_either() {
    let stage = Stage::new();
    for words in [&["pidone", "--"][..], &["tini", "--"], &["dumb-init", "-c"]] {
        for call in WINDOWS {
            assert!(term_arrives(&stage, Who::Pidone, words, call), "{words:?}: lost at {call}");
        }
    }
}

#[test]
fn catatonit_takes_ctrl_z_from_every_shell() {
    under_all("catatonit", |stage, who, name| {
        let outcome = order(stage, who, name, &["--", "cat", "/proc/self/status"]).run();
        let line = outcome.stdout.lines().find(|line| line.starts_with("SigBlk"));
        line.is_some_and(|line| line.ends_with("\t0000000000000000"))
    });
    under_all("catatonit", |stage, who, name| {
        let mut running = order(stage, who, name, &["--", "sh", "-i"]).terminal().start();
        running.press("sleep 98765\n");
        let jobs = |running: &Running| running.procs().named("sleep");
        running.until("no job was started", || !jobs(&running).is_empty());
        running.press("\x1a");
        let stopped = || jobs(&running).iter().any(|process| process.state == 'T');
        let patience = if who == Who::Pidone { support::DEADLINE } else { PATIENCE };
        support::wait::came_true_within(patience, stopped)
    });
}

#[test]
fn dumb_init_changes_what_the_child_inherits() {
    under_all("dumb-init", |stage, who, name| {
        let order = order(stage, who, name, &["--", "cat", "/proc/self/status"]);
        let status = order.ignore(&[libc::SIGHUP]).block(&[libc::SIGUSR1]).run().stdout;
        let has = |line: &str| status.lines().any(|l| l == line);
        has("SigBlk:\t0000000000000200") && has("SigIgn:\t0000000000000001")
    });
}

/// It is TERMed with the container, needs a while for its clean-up, and gets none.
#[test]
fn no_peer_lets_an_orphaned_daemon_finish() {
    let stage = Stage::new();
    let script = "(setsid actor tidy &); until grep -q ready /out/log; do usleep 5000; done; \
                  say up; exec actor hold";
    let tidy = |who: Who, words: &[&str]| {
        let words = [words, &["--", "sh", "-c", script]].concat();
        let _ = std::fs::remove_file(stage.root().path("out/leave"));
        let mut running = stage.order(who, &words).start();
        running.until_said("up");
        running.send(libc::SIGTERM);
        // A second that it needs: whoever waits for it is still there when it has had that.
        std::thread::sleep(Duration::from_secs(1));
        stage.root().write("out/leave", "");
        assert_eq!(running.end().code, 143, "{words:?}");
        running.log().contains("tidy\n")
    };
    for peer in ["tini", "dumb-init", "catatonit"] {
        assert!(!tidy(Who::Peer(peer), &[peer]), "{peer} waits");
    }
    assert!(!tidy(Who::Peer("tini"), &["tini", "-g"]), "tini -g waits");
    assert!(tidy(Who::Pidone, &["pidone", "--grace", "1h"]), "pidone does not wait");
}

#[test]
fn tini_wakes_up_every_second() {
    under_all("tini", |stage, who, name| {
        let running = order(stage, who, name, &["--", "actor", "hold"]).start();
        running.child();
        running.until_idle();
        std::thread::sleep(Duration::from_millis(500));
        let before = running.procs().switches();
        // That nothing happens can only be seen by waiting.
        std::thread::sleep(Duration::from_millis(2500));
        running.procs().switches() == before
    });
}

#[test]
fn tini_and_dumb_init_leave_listen_pid_wrong_and_keep_what_is_inherited() {
    for peer in ["tini", "dumb-init"] {
        under_all(peer, |stage, who, name| {
            let order = order(stage, who, name, &["--", "sh", "-c", "echo $LISTEN_PID"]);
            order.env("LISTEN_PID=1").env("LISTEN_FDS=1").run().stdout == "2\n"
        });
        under_all(peer, |stage, who, name| {
            let (_far, near) = sys::pipe().expect("a pipe");
            let order =
                order(stage, who, name, &["--", "sh", "-c", "exec 3>&-; exec actor record"]);
            let running = order.inherit(near).start();
            running.until_said("ready");
            running.until_idle();
            running.procs().link("1/fd/3").is_empty()
        });
    }
}

#[test]
fn tini_drops_what_users_send_as_pid_1() {
    under_all("tini", |stage, who, name| {
        let running = order(stage, who, name, &["--", "actor", "record"]).start();
        running.until_said("ready");
        let odd = [4, 5, 6, 7, 8, 11, 21, 22];
        odd.iter().for_each(|signal| running.send(*signal));
        running.send(libc::SIGUSR1);
        running.until_said("got 10");
        let all = || odd.iter().all(|signal| running.log().contains(&format!("got {signal:02}")));
        let patience = if who == Who::Pidone { support::DEADLINE } else { PATIENCE / 4 };
        support::wait::came_true_within(patience, all)
    });
}

#[test]
fn a_shell_does_not_notice_that_tini_is_stopped() {
    let stage = Stage::new();
    std::os::unix::fs::symlink("/peer/tini", stage.root().path("bin/peer")).expect("a link");
    for (command, works) in [("peer -s --", false), ("pidone --", true)] {
        let sh = stage.order(Who::Program("/bin/sh"), &["sh", "-i"]);
        let mut running = sh.terminal().start();
        running.press(&format!("{command} actor hold\n"));
        let actor = |running: &Running| running.procs().named("actor");
        running.until("no program was started", || !actor(&running).is_empty());
        running.press("\x1a");
        let stopped = || actor(&running).iter().any(|process| process.state == 'T');
        running.until("Ctrl-Z did not stop the program", stopped);
        running.press("say back\n");
        let back = || running.log().contains("back");
        let patience = if works { support::DEADLINE } else { PATIENCE };
        assert_eq!(support::wait::came_true_within(patience, back), works, "{command}");
    }
}

/// pid1-rs comes from the registry of crates, where tests/run puts it.
#[test]
fn pid1_rs_never_returns_from_a_death_by_a_real_time_signal() {
    let peer = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/bin/pid1");
    if !peer.exists() {
        eprintln!("skipped: {} is not installed", peer.display());
        return;
    }
    let ends = |init: &std::path::Path, within: u64| {
        let mut command = std::process::Command::new("unshare");
        command.args(["-fp", "--kill-child", "--mount-proc"]).arg(init);
        let mut init = sys::spawn(command.args(["--", "sh", "-c", "kill -34 $$"])).unwrap();
        let mut ended = None;
        let over = || {
            ended = init.try_wait().unwrap();
            ended.is_some()
        };
        let within = std::time::Duration::from_secs(within);
        if !support::wait::came_true_within(within, over) {
            init.kill().unwrap();
            init.wait().unwrap();
        }
        ended.and_then(|status| status.code())
    };
    // That nothing happens can only be seen by waiting.
    assert_eq!(ends(&peer, 3), None, "pid1-rs has learned it");
    assert_eq!(ends(support::tools::pidone(), 30), Some(128 + 34));
}
