//! The command line, and where login does not run at all.

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use super::support::root::Root;
use super::support::{sys, tools};

fn login(words: &[&str]) -> Output {
    sys::output(Command::new(tools::login()).args(words).stdin(Stdio::null()))
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

/// A root with login as `door`. The host's own folders may be closed to others, and a file system
/// of the host may give no program another user's rights.
fn door(mode: u32) -> Root {
    let root = Root::new();
    root.copy(tools::login(), "bin/door");
    std::fs::set_permissions(root.path("bin/door"), Permissions::from_mode(mode)).unwrap();
    root
}

/// Runs it as somebody who is not root; what it says.
fn knock(root: &Root, words: &[&str]) -> Output {
    let mut command = Command::new("chroot");
    command.arg("--userspec=65534:65534").arg(root.path("")).arg("/bin/door").args(words);
    sys::output(command.stdin(Stdio::null()))
}

#[test]
fn it_is_for_root_alone() {
    let out = knock(&door(0o755), &["-f", "root"]);
    assert_eq!(out.status.code(), Some(111));
    assert_eq!(out.stderr, b"login: only root may do this; nothing was done\n");
}

#[test]
fn a_file_that_stands_for_whichever_terminal_is_none_to_log_in_on() {
    let stands = OpenOptions::new().read(true).write(true).open("/dev/ptmx").unwrap();
    let out = sys::output(Command::new(tools::login()).stdin(stands));
    assert_eq!(out.status.code(), Some(111));
    assert_eq!(out.stderr, b"login: no login may have /dev/tty or /dev/ptmx; nothing was done\n");
}

#[test]
fn whoever_is_not_root_cannot_ask_for_more_than_a_login() {
    let root = door(0o4755);
    let said = |word: &str| String::from_utf8(knock(&root, &[word]).stderr).unwrap();
    for word in ["-froot", "-p", "-hfar", "-e"] {
        assert_eq!(said(word), "login: only root may do this; nothing was done\n", "{word}");
    }
    assert_eq!(said("-E"), "login: standard input is no terminal; nothing was done\n");
}
