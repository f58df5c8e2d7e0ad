//! What the peers' own tests look at beyond a single run: suspending, groups at the end, pause.

use crate::support::container::children;
use crate::support::{Running, Stage, Who};

fn both(peer: &'static str, test: impl Fn(&Stage, Who)) {
    let stage = Stage::new();
    test(&stage, Who::Peer(peer));
    test(&stage, Who::Pidone);
}

fn state(running: &Running, pid: i32) -> String {
    running.status(pid, "State")
}

/// dumb-init stops with its children, so that a shell can have it as a job.
#[test]
fn dumb_init_suspends_itself_with_its_children() {
    both("dumb-init", |stage, who| {
        let words = ["dumb-init", "sh", "-c", "say ready; while :; do sleep 1000 & wait $!; done"];
        let running = stage.order(who, &words).second().start();
        running.until_said("ready");
        let child = running.child();
        for signal in [libc::SIGTSTP, libc::SIGTTOU, libc::SIGTTIN] {
            let both = |letter: &str| {
                let both = [running.pid(), child];
                both.iter().all(|pid| state(&running, *pid).starts_with(letter))
            };
            running.send(signal);
            running.until("both did not stop", || both("T"));
            running.send(libc::SIGCONT);
            running.until("both did not go on", || both("S"));
        }
    });
}

/// With -c the signals go through as they are, and dumb-init stops.
#[test]
fn dumb_init_with_a_single_child_passes_suspend_signals_through() {
    both("dumb-init", |stage, who| {
        let words = ["dumb-init", "-c", "actor", "record"];
        let running = stage.order(who, &words).second().start();
        running.until_said("ready");
        for signal in [libc::SIGTSTP, libc::SIGTTOU, libc::SIGTTIN] {
            let before = running.log();
            running.send(signal);
            running.until_said(&format!("got {signal}"));
            running.until("it did not stop", || state(&running, running.pid()).starts_with('T'));
            running.send(libc::SIGCONT);
            running.until("nothing came", || running.log()[before.len()..].contains("got 18"));
        }
    });
}

/// A rewriting of the user goes before the one that dumb-init has for suspending.
#[test]
fn dumb_init_lets_its_own_rewriting_be_overruled() {
    both("dumb-init", |stage, who| {
        let words = ["dumb-init", "-r", "20:1", "-r", "21:15", "-r", "22:2", "actor", "record"];
        let running = stage.order(who, &words).second().start();
        running.until_said("ready");
        for (signal, becomes) in [(20, "got 01"), (21, "got 15"), (22, "got 02")] {
            running.send(signal);
            running.until_said(becomes);
            running.until("it did not stop", || state(&running, running.pid()).starts_with('T'));
            let before = running.log();
            running.send(libc::SIGCONT);
            running.until("nothing came", || running.log()[before.len()..].contains("got 18"));
        }
    });
}

/// The end of the child is a TERM for its session, and with -c it is nothing to anybody.
#[test]
fn dumb_init_asks_the_rest_of_the_session_to_end() {
    both("dumb-init", |stage, who| {
        let script = "actor record & until grep -q ready /out/log; do usleep 5000; done; exit 3";
        let mut running = stage.order(who, &["dumb-init", "sh", "-c", script]).second().start();
        assert_eq!(running.end().code, 3);
        running.until_said("got 15");
        let mut running =
            stage.order(who, &["dumb-init", "-c", "sh", "-c", script]).second().start();
        assert_eq!(running.end().code, 3);
        let left = running.procs().named("actor");
        assert_eq!((left.len(), running.log().as_str()), (1, "ready\n"));
    });
}

/// A whole pipeline goes at a TERM, or stays where only the child is meant.
#[test]
fn dumb_init_ends_a_pipeline() {
    both("dumb-init", |stage, who| {
        let script = "actor hold | actor hold & actor hold | actor hold";
        for (words, left) in [(&["dumb-init"][..], 0), (&["dumb-init", "-c"], 4)] {
            let words = [words, &["sh", "-c", script]].concat();
            let mut running = stage.order(who, &words).second().start();
            let count = || running.procs().named("actor").len();
            running.until("not all of them came up", || count() == 4);
            running.send(libc::SIGTERM);
            running.until("they did not go", || count() == left);
            assert_eq!(running.end().code, 143);
        }
    });
}

/// tini without -s is no subreaper, and its own tests count on that.
#[test]
fn tini_takes_orphans_only_where_asked() {
    both("tini", |stage, who| {
        for (words, parent) in [(&["tini"][..], 1), (&["tini", "-s"], 2)] {
            let words = [words, &["--", "sh", "-c", "(actor record &); exec actor hold"]].concat();
            let running = stage.order(who, &words).second().start();
            running.until_said("ready");
            let orphan =
                || running.procs().named("actor").iter().any(|p| p.parent == parent && p.pid > 3);
            running.until("nobody took the orphan", orphan);
        }
    });
}

/// catatonit -P is the infra container of podman's pods.
#[test]
fn catatonit_pauses() {
    both("catatonit", |stage, who| {
        for signal in [libc::SIGTERM, libc::SIGINT] {
            let mut running = stage.order(who, &["/catatonit", "-P"]).start();
            running.until_idle();
            running.send(libc::SIGUSR1);
            running.send(libc::SIGHUP);
            running.until_idle();
            assert!(running.runs() && children(running.pid()).is_empty());
            running.send(signal);
            let outcome = running.end();
            let said = (outcome.code, outcome.stdout.as_str(), outcome.stderr.as_str());
            assert_eq!(said, (0, "", ""), "signal {signal}");
        }
    });
}

/// tini's own tests look for these words, and for their absence.
#[test]
fn tini_warns_that_it_does_not_reap() {
    both("tini", |stage, who| {
        let warning = "zombie reaping won't work";
        let plain = stage.order(who, &["tini", "--", "true"]).second().run().stderr;
        assert!(plain.starts_with("[WARN  tini (2)] Tini is not running as PID 1"), "{plain}");
        assert!(plain.contains(warning), "{plain}");
        let first = stage.order(who, &["tini", "--", "true"]).run().stderr;
        let adopting = stage.order(who, &["tini", "-s", "--", "true"]).second().run().stderr;
        assert_eq!((&*first, &*adopting), ("", ""));
    });
}

/// What dumb-init's own tests look for with -v, in the order in which the parent says it.
#[test]
fn dumb_init_tells_the_course_of_things() {
    both("dumb-init", |stage, who| {
        let run = |words: &[&str]| {
            let outcome = stage.order(who, &[&["dumb-init"], words].concat()).run();
            assert_eq!((outcome.code, &*outcome.stdout), (0, "oh, hi\n"), "{outcome:?}");
            outcome.stderr
        };
        let parent = "[dumb-init] Child spawned with PID 2.\n[dumb-init] Received signal 17.\n\
                      [dumb-init] A child with PID 2 exited with exit status 0.\n\
                      [dumb-init] Forwarded signal 15 to children.\n\
                      [dumb-init] Child exited with status 0. Goodbye.\n";
        assert_eq!(run(&["-v", "-c", "echo", "oh,", "hi"]), parent);
        let whole = run(&["-v", "echo", "oh,", "hi"]);
        let (child, rest): (Vec<&str>, Vec<&str>) =
            whole.lines().partition(|line| line.contains("setsid") || line.contains("tty"));
        assert_eq!(rest.join("\n") + "\n", parent);
        assert!(child.contains(&"[dumb-init] setsid complete."), "{whole}");
    });
}

/// The signals that come of giving the terminal up are not the user's.
#[test]
fn dumb_init_does_not_pass_on_what_comes_of_the_terminal() {
    both("dumb-init", |stage, who| {
        let order = stage.order(who, &["dumb-init", "-v", "actor", "record", "1"]);
        let mut running = order.terminal().start();
        running.until_said("ready");
        running.until_idle();
        running.send(libc::SIGHUP);
        assert_eq!(running.end().code, 7);
        assert_eq!(running.log(), "ready\ngot 01\n");
        let shown = running.shown();
        for signal in ["1", "18"] {
            let ignored = format!("Ignoring tty hand-off signal {signal}.");
            assert!(shown.contains(&ignored), "{ignored}: {shown}");
        }
        assert!(shown.contains("[dumb-init] Forwarded signal 1 to children."), "{shown}");
        assert!(!shown.contains("Forwarded signal 18 to children."), "{shown}");
    });
}
