//! Exit codes: the main child's own, 128 and the signal, 127 and 126 as a shell gives them.

use crate::support::{Outcome, Stage};

/// What a program says by its exit is passed on, whatever it is.
#[test]
fn the_exit_code_is_the_childs() {
    let stage = Stage::new();
    for code in [0, 1, 2, 7, 100, 111, 125, 126, 127, 128, 137, 143, 254, 255] {
        let script = format!("exit {code}");
        for name in ["pidone", "tini", "docker-init", "dumb-init", "catatonit"] {
            let first = stage.ours(name, &["--", "sh", "-c", &script]).run();
            assert_eq!(first.code, code, "as PID 1 and {name}: {first:?}");
        }
        let second = stage.pidone(&["--", "sh", "-c", &script]).second().run();
        assert_eq!(second.code, code, "as process 2: {second:?}");
    }
}

/// Signals that end a process, the real-time ones and the two that the C library hides included.
fn deadly() -> impl Iterator<Item = i32> {
    let harmless = [libc::SIGCHLD, libc::SIGCONT, libc::SIGURG, libc::SIGWINCH];
    let stopping = [libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];
    (1..=64).filter(move |signal| !harmless.contains(signal) && !stopping.contains(signal))
}

#[test]
fn a_death_by_any_signal_is_128_and_its_number() {
    let stage = Stage::new();
    for signal in deadly() {
        let outcome = stage.pidone(&["actor", "die", &signal.to_string()]).run();
        assert_eq!(outcome.code, 128 + signal, "{outcome:?}");
    }
    let outcome = stage.pidone(&["actor", "die", "64"]).second().run();
    assert_eq!(outcome.code, 192, "as process 2: {outcome:?}");
}

/// A stage with files that cannot be executed, each in its own way.
fn spoiled() -> Stage {
    let stage = Stage::new();
    let root = stage.root();
    root.write("tmp/plain", "not a program\n");
    root.write("tmp/orphaned", "#!/no/such/interpreter\n");
    root.write("tmp/first/tool", "may not be executed\n");
    root.write("tmp/second/tool", "#!/bin/sh\nexit 9\n");
    std::os::unix::fs::symlink("loop", root.path("tmp/loop")).expect("a link to itself");
    stage
}

/// Who, what, and why, in words.
fn tells(outcome: &Outcome, command: &str, why: &str) {
    let line = &outcome.stderr;
    assert!(line.starts_with("pidone"), "who: {line}");
    assert!(line.contains(command) && line.contains(why), "{command}, {why}: {line}");
    assert!(line.ends_with('\n') && line.lines().count() == 1, "one line: {line}");
    assert_eq!(outcome.stdout, "");
}

#[test]
fn a_command_that_is_not_there_is_127() {
    let stage = spoiled();
    let missing = "No such file or directory";
    for command in ["nosuchcommand", "/no/such/command", "/tmp/orphaned", ""] {
        let outcome = stage.pidone(&["--", command]).run();
        assert_eq!(outcome.code, 127, "{command:?}: {outcome:?}");
        tells(&outcome, command, missing);
    }
}

#[test]
fn a_command_that_cannot_be_executed_is_126() {
    let stage = spoiled();
    let denied = "Permission denied";
    for (command, why) in [
        ("/tmp", denied),
        ("/tmp/plain", denied),
        ("/tmp/loop", "Too many levels of symbolic links"),
        ("/tmp/plain/below", "Not a directory"),
    ] {
        let outcome = stage.pidone(&[command]).run();
        let code = if why == "Not a directory" { outcome.code } else { 126 };
        assert!(outcome.code == code && [126, 127].contains(&code), "{command}: {outcome:?}");
        tells(&outcome, command, why);
    }
    let outcome = stage.pidone(&["tool"]).env("PATH=/tmp/first").run();
    assert_eq!(outcome.code, 126, "{outcome:?}");
    tells(&outcome, "tool", denied);
}

#[test]
fn path_is_searched_as_execvp_searches_it() {
    let stage = spoiled();
    let run = |path: &str| stage.pidone(&["tool"]).env(path).run().code;
    assert_eq!(run("PATH=/tmp/second"), 9);
    assert_eq!(run("PATH=/tmp/first:/tmp/second"), 9, "what may not be executed is passed over");
    assert_eq!(run("PATH=/no/such:/tmp/plain:/tmp/second:/tmp/first"), 9);
    let here = stage.pidone(&["tool"]).env("PATH=/no/such::/bin").dir("/tmp/second").run();
    assert_eq!(here.code, 9, "an empty entry is the working folder: {here:?}");
    let long = format!("PATH=/{}:/tmp/second", "x".repeat(5000));
    assert_eq!(run(&long), 9, "an entry that is too long is passed over");
}

#[test]
fn without_a_path_programs_of_bin_are_found() {
    let stage = Stage::new();
    let program = "/bin/env -u PATH /sbin/pidone sh -c 'exit 6'";
    let outcome = stage.pidone(&["/bin/sh", "-c", program]).run();
    assert_eq!(outcome.code, 6, "{outcome:?}");
}

#[test]
fn a_script_without_a_first_line_runs_under_sh() {
    let stage = Stage::new();
    stage.root().write("bin/bare", ": \"$0 $1\"\necho \"$1 in $0\"\nexit 5\n");
    for name in ["pidone", "tini", "dumb-init", "catatonit"] {
        for command in ["bare", "/bin/bare"] {
            let outcome = stage.ours(name, &["--", command, "word"]).run();
            assert_eq!(
                (outcome.code, outcome.stdout.as_str()),
                (5, "word in /bin/bare\n"),
                "{name}"
            );
        }
    }
}

#[test]
fn chosen_codes_become_0() {
    let stage = Stage::new();
    let run = |words: &[&str]| stage.pidone(words).run().code;
    assert_eq!(run(&["-e", "143", "--", "sh", "-c", "kill -TERM $$"]), 0);
    assert_eq!(run(&["-e", "143", "sh", "-c", "kill -HUP $$"]), 129);
    assert_eq!(run(&["-e", "3", "-e255", "sh", "-c", "exit 255"]), 0);
    assert_eq!(run(&["-e", "0", "sh", "-c", "exit 1"]), 1);
    for code in 0..=255 {
        let others: Vec<String> = (0..=255).filter(|o| *o != code).map(|o| o.to_string()).collect();
        let mut words: Vec<&str> = others.iter().flat_map(|o| ["-e", o.as_str()]).collect();
        let script = format!("exit {code}");
        words.extend(["--", "sh", "-c", &script]);
        if code % 15 == 0 {
            assert_eq!(run(&words), code, "all others are chosen");
        }
    }
}
