//! What a getty shows, and what it starts.

use crate::seat::{Seat, login};
use crate::support::{sys, tools};

#[test]
fn the_issue_is_shown_with_all_that_its_escapes_stand_for() {
    let issue = "a fresh getty\n[\\s|%s|\\m|\\l|%l|\\b|\\u|\\U|\\v|\\o|\\q|100%|\\\\]\n\
                 <\\n|\\h|%h> <\\S|\\S{ID}|\\S{NONE}> <\\e{red}\\e{reset}\\e{nocolour}\\e[1m>\n\
                 <\\4{lo}|\\6{lo}|\\4|\\6> <\\d> <\\t> <\\r> <\\O> <\\D>\n";
    let release = "ID=test\nPRETTY_NAME=\"A Test\"\nANSI_COLOR='1;34'\n";
    let files = [("etc/issue", issue), ("etc/os-release", release)];
    let says = |program: &str, words: &[&str]| {
        let mut command = std::process::Command::new(program);
        let output = sys::output(command.args(words).env("LC_ALL", "C"));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let uname = |word: &str| says("uname", &[word]);
    let today = || format!("<{}>", says("date", &["-u", "+%a %b %-d %Y"]));
    let before = today();
    let mut seat = Seat::take_with("-L 9600 %t", &files);
    seat.expect("a fresh getty\r\n");
    let seen = seat.expect("login: ");
    let line = format!("pts/{}", seat.number);
    let (node, machine) = (uname("-n"), uname("-m"));
    let version = uname("-v");
    let domain = std::fs::read_to_string("/proc/sys/kernel/domainname").unwrap();
    let domain = domain.trim();
    let first = format!(
        "[Linux|Linux|{machine}|{line}|{line}|9600|0|0 users|{version}|{domain}|q|100%|\\]"
    );
    assert!(seen.starts_with(&first), "{seen:?}\n{first:?}");
    assert!(seen.contains(&format!("<{node}|{node}|{node}> <A Test|test|>")), "{seen:?}");
    assert!(seen.contains("<\x1b[31m\x1b[0m\x1b[1m>"), "{seen:?}");
    assert!(seen.contains("<|||> <"), "a namespace without a network has no address: {seen:?}");
    assert!(seen.contains(&format!("<{}>", uname("-r"))), "{seen:?}");
    // It may have been shown at midnight.
    assert!([before, today()].iter().any(|day| seen.contains(day)), "{seen:?}");
    assert!(seen.ends_with(&format!("\r\n{node} ")), "{seen:?}");
}

#[test]
fn more_issues_are_shown_in_the_order_of_their_names() {
    let long = format!("long {}", "x".repeat(5000));
    let files = [
        ("etc/issue.d/20-b.issue", "second\n"),
        ("etc/issue.d/10-a.issue", "first\n"),
        ("etc/issue.d/15-c.txt", "never\n"),
        ("etc/issue.d/30-d.issue", &long),
    ];
    let mut seat = Seat::take_with("0 %t", &files);
    seat.expect("a fresh getty\r\nfirst\r\nsecond\r\nlong x");
    assert!(seat.expect("login: ").contains("x\r\n[cut after 4096 bytes]\r\n"));
    let names: Vec<_> = (0..400).map(|i| format!("etc/issue.d/{i:03}.issue")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), ".")).collect();
    let mut seat = Seat::take_with("0 %t", &many);
    let seen = seat.expect("login: ");
    assert!(seen.contains("\r\n..........") && seen.contains(".[too many files in /etc/issue.d]"));
    let mut seat = Seat::take_with("-f /etc/other 0 %t", &[("etc/other", "the other one\n")]);
    assert_eq!(seat.expect("login: ").lines().nth(1), Some("the other one"));
    let mut seat = Seat::take("-i --nohostname -f /etc/issue 0 %t");
    assert_eq!(seat.expect("login: "), "\r\n", "no issue is no issue");
    let mut seat = Seat::take("-i --nohostname 0 %t");
    assert_eq!(seat.expect("login: "), "\r\n");
    let mut seat = Seat::take("-N -i --nohostname 0 %t");
    assert_eq!(seat.expect("login: "), "");
}

#[test]
fn login_is_started_without_a_name_or_with_a_given_one_or_another_is() {
    let stub = "#!/bin/sh\n/bin/say \"other $*\"\nexec sleep 100000\n";
    for (words, said) in [
        ("-a root 0 %t", login(&[b"-f", b"root"])),
        ("--autologin=anna --noclear %t 38400 linux", login(&[b"-f", b"anna"])),
        ("-n 0 %t", login(&[b"--"])),
        ("-n -l /bin/other 115200 %t", "other --".into()),
        ("-L %t 115200 vt100 -n -l /bin/other", "other --".into()),
    ] {
        let seat = Seat::take_with(words, &[("bin/other", stub)]);
        seat.ns.until_said(&said, 1);
    }
    let mut seat = Seat::take("-a root 0 %t");
    seat.expect("login: ");
    seat.expect("root (automatic login)\r\n");
}

#[test]
fn an_automatic_login_of_nobody_asks_for_a_name() {
    let mut seat = Seat::at_prompt("--autologin= 0 %t");
    seat.name(b"root\r", &[b"--", b"root"]);
}

#[test]
fn a_wrong_command_line_names_the_word_and_shows_the_usage() {
    use std::process::Command;
    for (words, complaint) in [
        (&["-x", "0", "tty1"][..], "getty: '-x' is not understood\n"),
        (&["9600"], "getty: 'no TTY' is not understood\n"),
        (&["96k", "tty1"], "getty: '96k' is not understood\n"),
    ] {
        let mut command = Command::new(crate::support::tools::pidone());
        let output = sys::output(command.arg("getty").args(words));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(100), "{said}");
        assert!(said.starts_with(complaint) && said.contains("usage: getty"), "{said}");
    }
}

#[test]
fn the_type_and_the_size_of_the_terminal_are_passed_on() {
    for (words, term) in [("0 %t", "TERM vt102"), ("0 %t xterm", "TERM xterm")] {
        let mut seat = Seat::at_prompt(words);
        seat.name(b"root\r", &[b"--", b"root"]);
        seat.ns.until_said(term, 1);
        use std::os::fd::AsFd;
        assert_eq!(sys::window_size(seat.line().as_fd()), (24, 80));
    }
}

#[test]
fn a_name_of_the_machine_that_came_from_the_net_cannot_drive_the_terminal() {
    let mut seat = Seat::take_with("-L 9600 %t", &[("etc/issue", "a fresh getty\n<\\n>\n")]);
    seat.expect("login: ");
    let pid = seat.ns.host_pid(1).to_string();
    let mut command = std::process::Command::new("nsenter");
    command.args(["-t", &pid, "-u"]).arg(tools::busybox()).args(["hostname", "far\x1b[2Jaway"]);
    assert!(sys::output(&mut command).status.success());
    seat.press(b"\r");
    seat.expect("\r\nfar\\x1b[2Jaway login: ");
    seat.press(b"\0");
    seat.expect("a fresh getty\r\n<far\\x1b[2Jaway>\r\n");
}
