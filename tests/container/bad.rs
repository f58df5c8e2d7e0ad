//! Bad input: the usage on standard error, and the code of the program it answers as.

use crate::support::container::ORPHAN;
use crate::support::{Outcome, Stage};

fn refused(outcome: &Outcome, what: &str) {
    assert_eq!(outcome.code, 100, "{what}: {outcome:?}");
    assert_eq!(outcome.stdout, "", "an error is no output: {what}");
    let who = outcome.stderr.trim_start_matches("usage: ");
    assert!(who.starts_with("pidone"), "who: {what}: {outcome:?}");
}

#[test]
fn an_unknown_option_brings_the_usage_and_100() {
    let stage = Stage::new();
    let bad: [&[&str]; 8] = [
        &["--nosuch", "true"],
        &["-Z", "true"],
        &["-sZ", "true"],
        &["--grace"],
        &["-e"],
        &["-r"],
        &["--stop"],
        &["--pre-stop"],
    ];
    for words in bad {
        let outcome = stage.pidone(words).second().run();
        refused(&outcome, &format!("{words:?}"));
        assert!(outcome.stderr.to_lowercase().contains("usage"), "{words:?}: {outcome:?}");
        let option = words[0].trim_start_matches(['-', 's']);
        assert!(outcome.stderr.contains(option), "what was read: {words:?}: {outcome:?}");
    }
}

#[test]
fn without_a_command_there_is_a_usage() {
    let stage = Stage::new();
    let bad: [&[&str]; 4] = [&["--"], &["-s"], &["-v", "--"], &["--grace", "1s"]];
    for words in bad {
        let outcome = stage.pidone(words).second().run();
        refused(&outcome, &format!("{words:?}"));
        assert!(outcome.stderr.to_lowercase().contains("usage"), "{words:?}: {outcome:?}");
    }
}

#[test]
fn a_bad_value_is_named_with_what_was_expected() {
    let stage = Stage::new();
    for (option, value) in [
        ("-e", "256"),
        ("-e", "-1"),
        ("-e", "x"),
        ("-e", ""),
        ("-e", "1x"),
        ("--grace", "ten"),
        ("--grace", ""),
        ("--grace", "10q"),
        ("--grace", "99999999999999999999s"),
        ("-r", "15"),
        ("-r", "15::2"),
        ("-r", ":"),
        ("-r", ""),
        ("--stop", ""),
        ("--stop", "TERM=x"),
        ("--stop", "TERM=1s,,KILL"),
    ] {
        let outcome = stage.pidone(&[option, value, "--", "sh", "-c", "say ran"]).second().run();
        refused(&outcome, &format!("{option} {value:?}"));
        assert!(outcome.stderr.contains(option), "{option} {value:?}: {outcome:?}");
        assert!(outcome.stderr.contains(value), "{option} {value:?}: {outcome:?}");
        assert_eq!(stage.root().read("out/log"), "", "{option} {value:?}: it ran all the same");
    }
}

/// A command that is cut would be another command.
#[test]
fn a_pre_stop_command_that_is_too_long_is_refused() {
    let stage = Stage::new();
    let long = format!("say {}", "x".repeat(100_000));
    let outcome = stage.pidone(&["--pre-stop", &long, "true"]).second().run();
    refused(&outcome, "a long command");
    assert!(outcome.stderr.contains("--pre-stop"), "{outcome:?}");
}

#[test]
fn a_signal_that_does_not_exist_brings_the_list_of_those_that_do() {
    let stage = Stage::new();
    for (option, value, word) in [
        ("-p", "NOSUCH", "NOSUCH"),
        ("-p", "SIGNOSUCH", "SIGNOSUCH"),
        ("-p", "65", "65"),
        ("-r", "FOO:TERM", "FOO"),
        ("-r", "TERM:BAR", "BAR"),
        ("-r", "0:15", "0"),
        ("-r", "15:65", "65"),
        ("-r", "RTMIN+40:TERM", "RTMIN+40"),
        ("--stop", "TERN=1s,KILL", "TERN"),
    ] {
        let outcome = stage.pidone(&[option, value, "true"]).second().run();
        refused(&outcome, &format!("{option} {value}"));
        assert!(outcome.stderr.contains(word), "what was read: {outcome:?}");
        for name in ["HUP", "INT", "QUIT", "KILL", "USR1", "TERM", "WINCH", "PWR", "SYS", "RTMIN"] {
            assert!(outcome.stderr.contains(name), "{name} is not listed: {outcome:?}");
        }
    }
}

#[test]
fn options_end_at_the_first_word_that_is_none() {
    let stage = Stage::new();
    assert_eq!(stage.pidone(&["sh", "-c", "exit 5"]).run().code, 5);
    assert_eq!(stage.pidone(&["-v", "sh", "-c", "exit 5"]).run().code, 5);
    assert_eq!(stage.pidone(&["echo", "--", "-h"]).run().stdout, "-- -h\n");
    let outcome = stage.pidone(&["--", "-h"]).run();
    assert_eq!(outcome.code, 127, "a command may begin with a dash: {outcome:?}");
    assert_eq!(stage.pidone(&["-svwg", "-e3", "sh", "-c", "exit 3"]).run().code, 0);
}

#[test]
fn help_licence_and_version_are_output() {
    let stage = Stage::new();
    for words in [["-h"], ["--help"], ["-l"], ["--version"]] {
        let outcome = stage.pidone(&words).second().run();
        assert_eq!((outcome.code, &*outcome.stderr), (0, ""), "{words:?}: {outcome:?}");
        assert!(!outcome.stdout.is_empty(), "{words:?}");
    }
    let help = stage.pidone(&["--help"]).second().run().stdout;
    for name in ["supervise", "daemon", "initctl", "getty", "logger"] {
        assert!(help.contains(name), "what else it is: {help}");
    }
    let help = stage.pidone(&["-h"]).second().run().stdout;
    for option in ["-s", "-p", "-v", "-w", "-g", "-e", "-l", "-r", "-P", "--grace", "--stop"] {
        assert!(help.contains(option), "{option} is not in the help:\n{help}");
    }
    for option in ["--pre-stop", "--syslog", "--version"] {
        assert!(help.contains(option), "{option} is not in the help:\n{help}");
    }
}

/// Messages of a level and those below it: 1 warnings, 2 the child's fate, 3 signals, 4 all.
#[test]
fn more_is_told_where_more_is_asked_for() {
    let stage = Stage::new();
    let amount = |words: &[&str]| {
        let words = [words, &["--", "sh", "-c", "exit 3"]].concat();
        let outcome = stage.pidone(&words).run();
        assert_eq!(outcome.code, 3, "{outcome:?}");
        outcome.stdout.len() + outcome.stderr.len()
    };
    assert_eq!(amount(&[]), 0);
    let [one, two] = [&["-v"][..], &["-vv"]].map(amount);
    assert!(0 < one && one <= two, "{one} {two}");
}

#[test]
fn a_reaped_orphan_is_told_where_asked() {
    let stage = Stage::new();
    for name in ["pidone", "tini"] {
        let outcome = stage.ours(name, &["-w", "--", "sh", "-c", ORPHAN]).run();
        assert_eq!(outcome.code, 3, "{outcome:?}");
        assert!(outcome.stderr.contains("eaped zombie process with pid="), "{name}: {outcome:?}");
        let outcome = stage.ours(name, &["--", "sh", "-c", ORPHAN]).run();
        assert_eq!(outcome.stderr, "", "{name}");
    }
}
