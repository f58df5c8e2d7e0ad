//! The command line, and where login does not run at all.

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};

use super::support::tools;

fn login(words: &[&str]) -> Output {
    let mut command = Command::new(tools::login());
    command.args(words).stdin(Stdio::null()).output().unwrap()
}

fn says(words: &[&str], code: i32, text: &str) {
    let out = login(words);
    let said = [out.stdout, out.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert_eq!(out.status.code(), Some(code), "{words:?}: {said}");
    assert!(said.contains(text), "{words:?}: {said}");
}

#[test]
fn a_command_line_that_is_not_understood_says_so_and_what_would_be() {
    says(&["-x"], 100, "login: unknown option: -x\nusage: login ");
    says(&["-h"], 100, "login: the name of a host has to follow -h\n");
    says(&["anna", "bert"], 100, "login: one word too many: bert\n");
    says(&["\x1b[2J", "\x1b[2J"], 100, "one word too many: \\x1b[2J\n");
    says(&["--help"], 0, "usage: login [-eEHp] [-h HOST] [[-f] USER]\n");
    says(&["--version"], 0, concat!("pidone login ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn it_runs_on_a_terminal_alone() {
    says(&[], 111, "login: standard input is no terminal; nothing was done\n");
    says(&["-f", "root"], 111, "login: standard input is no terminal; nothing was done\n");
}

#[test]
fn it_is_for_root_alone() {
    let program = std::env::temp_dir().join(format!("login-{}", std::process::id()));
    std::fs::copy(tools::login(), &program).unwrap();
    let out = Command::new(&program).args(["-f", "root"]).uid(65534).output().unwrap();
    std::fs::remove_file(&program).unwrap();
    assert_eq!(out.status.code(), Some(111));
    assert_eq!(out.stderr, b"login: only root may do this; nothing was done\n");
}

#[test]
fn a_file_that_stands_for_whichever_terminal_is_none_to_log_in_on() {
    let stands = OpenOptions::new().read(true).write(true).open("/dev/ptmx").unwrap();
    let out = Command::new(tools::login()).stdin(stands).output().unwrap();
    assert_eq!(out.status.code(), Some(111));
    assert_eq!(out.stderr, b"login: no login may have /dev/tty or /dev/ptmx; nothing was done\n");
}

#[test]
fn whoever_is_not_root_cannot_ask_for_more_than_a_login() {
    let program = std::env::temp_dir().join(format!("login-set-user-id-{}", std::process::id()));
    std::fs::copy(tools::login(), &program).unwrap();
    std::fs::set_permissions(&program, Permissions::from_mode(0o4755)).unwrap();
    let said = |word: &str| {
        let mut command = Command::new(&program);
        let out = command.arg(word).uid(65534).stdin(Stdio::null()).output().unwrap();
        String::from_utf8(out.stderr).unwrap()
    };
    for word in ["-froot", "-p", "-hfar", "-e"] {
        assert_eq!(said(word), "login: only root may do this; nothing was done\n", "{word}");
    }
    assert_eq!(said("-E"), "login: standard input is no terminal; nothing was done\n");
    std::fs::remove_file(&program).unwrap();
}
