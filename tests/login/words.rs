//! The command line, and where login does not run at all.

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
