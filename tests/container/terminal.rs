//! A terminal under the init: Ctrl-C reaches the program once, Ctrl-Z stops it, fg goes on.

use crate::support::{Order, Running, Stage, Who};

/// The name of a process that is stopped.
fn stopped(running: &Running, name: &str) -> bool {
    running.procs().named(name).iter().any(|process| process.state == 'T')
}

fn alive(running: &Running, name: &str) -> bool {
    !running.procs().named(name).is_empty()
}

#[test]
fn ctrl_c_reaches_the_program_once() {
    let stage = Stage::new();
    let cases: [(&str, &[&str]); 5] = [
        ("pidone", &["--"]),
        ("pidone", &["-g", "--"]),
        ("tini", &["--"]),
        ("catatonit", &["--"]),
        ("dumb-init", &["--"]),
    ];
    for (name, words) in cases {
        let order = stage.ours(name, &[words, &["actor", "record"]].concat());
        let mut running = order.terminal().start();
        running.until_said("ready");
        running.press("\x03");
        running.until_said("got 02");
        // What is passed on is passed on in order, so a second one would have come before this.
        running.send(libc::SIGUSR1);
        running.until_said("got 10");
        assert_eq!(running.log(), "ready\ngot 02\ngot 10\n", "{name} {words:?}");
    }
}

/// A shell under the init, as in `podman run -it --init`.
fn shell(order: Order<'_>) {
    let mut running = order.terminal().start();
    running.press("say shell $$\n");
    running.until("no shell came up", || running.log().starts_with("shell"));
    running.press("sleep 98765\n");
    running.until("no job was started", || alive(&running, "sleep"));
    running.press("\x1a");
    running.until("Ctrl-Z did not stop the job", || stopped(&running, "sleep"));
    running.press("say back\n");
    running.until_said("back");
    running.press("fg\n");
    running.until("fg did not go on", || !stopped(&running, "sleep"));
    running.press("\x03");
    running.until("Ctrl-C did not end the job", || !alive(&running, "sleep"));
    running.press("exit 9\n");
    let seen = running.shown();
    assert!(!seen.contains("job control turned off"), "{seen}");
    assert_eq!(running.end().code, 9);
}

#[test]
fn a_shell_under_init_has_job_control() {
    let stage = Stage::new();
    for name in ["pidone", "tini", "dumb-init", "catatonit"] {
        shell(stage.ours(name, &["--", "sh", "-i"]));
    }
    shell(stage.pidone(&["-g", "sh", "-i"]));
}

/// The job may be more than the init and its program: all of it has to stop.
#[test]
fn a_shell_notices_that_a_pipeline_with_the_init_is_stopped() {
    let stage = Stage::new();
    for command in [
        "pidone -- actor hold | cat",
        "cat | pidone -- actor hold",
        "pidone -- actor hold </dev/null",
        "sh -c 'pidone -- actor hold; :'",
    ] {
        let sh = stage.order(Who::Program("/bin/sh"), &["sh", "-i"]);
        let mut running = sh.terminal().start();
        running.press(&format!("{command}\n"));
        running.until("no program was started", || alive(&running, "actor"));
        running.press("\x1a");
        // Who reads the terminal and is not stopped yet would take what is typed next.
        let rests = |name: &&str| stopped(&running, name) || !alive(&running, name);
        let all = || stopped(&running, "actor") && ["pidone", "cat"].iter().all(rests);
        running.until("Ctrl-Z did not stop the job", all);
        running.press("say back\n");
        running.until_said("back");
        running.press("kill -9 %1\nexit 9\nexit 9\n");
        assert_eq!(running.end().code, 9, "{command}");
    }
}

/// The init as a job of a shell: both have to stop for the shell to notice.
#[test]
fn a_shell_can_stop_the_init_with_its_program_and_take_both_up_again() {
    let stage = Stage::new();
    std::os::unix::fs::symlink("pidone", stage.root().path("sbin/tini")).expect("a link");
    let commands =
        ["pidone -- actor hold", "tini -s -- actor hold", "pidone sh -c 'actor hold; exit 1'"];
    for command in commands {
        let sh = stage.order(Who::Program("/bin/sh"), &["sh", "-i"]);
        let mut running = sh.terminal().start();
        running.press(&format!("{command}; say ended $?\n"));
        running.until("no program was started", || alive(&running, "actor"));
        running.press("\x1a");
        running.until("Ctrl-Z did not stop the program", || stopped(&running, "actor"));
        running.press("say back\n");
        running.until_said("back");
        running.press("fg\n");
        running.until("fg did not go on", || !stopped(&running, "actor"));
        running.press("\x03");
        running.until("Ctrl-C did not end the program", || !alive(&running, "actor"));
        running.press("say shell\n");
        running.until_said("shell");
    }
}

/// A job that runs already is not told that it comes into the foreground.
#[test]
fn a_program_that_a_shell_takes_into_the_foreground_may_read() {
    let stage = Stage::new();
    let sh = stage.order(Who::Program("/bin/sh"), &["sh", "-i"]);
    let mut running = sh.terminal().start();
    let script = "say up; until [ -e /out/read ]; do usleep 5000; done; read -r x; say read $x";
    running.press(&format!("pidone sh -c '{script}' &\n"));
    running.until_said("up");
    running.press("fg\n");
    // Behind the name: state, parent, group, session, terminal, the group in its foreground.
    let front = |running: &Running| {
        let init = running.procs().named("pidone")[0].pid;
        let stat = running.procs().read(&format!("{init}/stat"));
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split(' ').collect();
        fields[3] == fields[6]
    };
    running.until("fg did nothing", || front(&running));
    stage.root().write("out/read", "");
    running.press("hello\n");
    running.until_said("read hello");
}

#[test]
fn a_terminal_that_is_not_standard_input_is_the_programs_too() {
    let stage = Stage::new();
    let script = "exec /sbin/pidone -- actor record < /dev/null";
    let order = stage.order(Who::Program("/bin/sh"), &["sh", "-c", script]);
    let mut running = order.terminal().start();
    running.until_said("ready");
    running.press("\x03");
    running.until_said("got 02");
}

#[test]
fn a_program_may_talk_to_its_terminal() {
    let stage = Stage::new();
    for name in ["pidone", "tini", "dumb-init", "catatonit"] {
        let mut running =
            stage.ours(name, &["--", "sh", "-c", "stty tostop; tac"]).terminal().start();
        running.until("no program", || alive(&running, "tac"));
        running.press("one\ntwo\n\x04");
        let outcome = running.end();
        let seen = running.shown();
        assert_eq!(outcome.code, 0, "{name}");
        assert!(seen.ends_with("two\r\none\r\n"), "{name}: {seen}");
    }
}

#[test]
fn a_hang_up_ends_the_program_and_the_init() {
    let stage = Stage::new();
    for name in ["pidone", "tini", "dumb-init", "catatonit"] {
        let mut running = stage.ours(name, &["--", "actor", "hold"]).terminal().start();
        running.until("no program", || alive(&running, "actor"));
        running.until_idle();
        running.hang_up();
        assert_eq!(running.end().code, 129, "{name}");
    }
}
