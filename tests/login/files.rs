//! The files that login reads and writes: bad ones let nobody in, and others can read its own.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::desk::{SECRET, Setup};
use super::support::{sys, tools};

#[test]
fn bad_lines_are_skipped_and_named_once_each() {
    let setup = Setup::new("")
        .file("etc/passwd", "root\n\n# remark\nroot:x:zero:0::/:/bin/sh\nroot:x:0:0::/:/bin/sh\r\n")
        .more("etc/passwd", "anna:x:1000:1001::/home/anna:/bin/sh\n")
        .more("etc/shadow", "anna:\nbert:$6$secret:x:0:99999:7:::\n")
        .more("etc/group", "audio\nweb:x:-1:anna\n");
    let mut desk = setup.sit();
    desk.gives("root", "secret");
    let text = desk.hears_all("refused");
    desk.sees("Login incorrect");
    let lines = [
        "/etc/passwd line 1: expected 7 fields with : between",
        "/etc/passwd line 4: expected a number from 0 to 4294967294, not 'zero'",
        "/etc/passwd line 5: expected no control characters",
        "/etc/shadow line 11: expected 9 fields with : between",
        "/etc/shadow line 12: expected a number of days, or nothing, not 'x'",
    ];
    for line in lines {
        let line = format!("<84>login[PID]: {line}; the line is skipped");
        assert_eq!(text.matches(&line).count(), 1, "{line}\n{text}");
    }
    assert!(!text.contains("secret"), "a hash is in the log: {text}");
    assert!(text.contains("refused somebody unknown"), "{text}");
    desk.gives("anna", "secret");
    desk.sees("$ ");
    let text = desk.hears_all("login of");
    assert!(!text.contains("/etc/passwd") && !text.contains("/etc/shadow"), "twice: {text}");
    assert!(text.contains("/etc/group line 6: expected 4 fields with : between"), "{text}");
    assert!(text.contains("/etc/group line 7: expected a number from 0 to"), "{text}");
    assert_eq!(desk.output("id -G"), "1001 29 33\n");
}

#[test]
fn of_a_file_that_fails_while_it_is_read_the_half_line_does_not_count() {
    let setup = Setup::new("").without("etc/passwd");
    let path = setup.root().path("etc/passwd");
    sys::fifo(&path).unwrap();
    // Behind what is in a pipe comes EAGAIN, as long as somebody has its other end.
    let mut pipe = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    write!(pipe, "anna:x:1:1::/:/bin/sh\nhalf:{SECRET}:1000:1001::/home/anna:/bin/").unwrap();
    let mut desk = setup.once().sit();
    desk.gives("half", "secret");
    let text = desk.hears_all("refused");
    assert!(text.contains("refused somebody unknown"), "{text}");
    assert!(text.contains("cannot read /etc/passwd: "), "{text}");
}

#[test]
fn more_than_eight_bad_lines_are_not_all_named() {
    let mut desk = Setup::new("").more("etc/passwd", &"bad\n".repeat(1000)).sit();
    desk.sees("desk login: ");
    desk.types("anna");
    let text = desk.hears_all("there are more");
    desk.sees("Password: ");
    desk.types("secret");
    desk.sees("$ ");
    assert_eq!(text.matches("/etc/passwd line").count(), 8, "{text}");
    assert!(text.contains("there are more bad lines; they are skipped as well"), "{text}");
}

#[test]
fn a_line_of_shadow_that_is_bad_leaves_the_account_locked() {
    let bad = [
        "anna::::::::::\n",
        "anna::\n",
        "anna::x::::::\n",
        "\0anna::::::::\n",
        "anna::::::::\r\n",
        "anna",
        " anna::::::::\n",
        "+::::::::\n",
    ];
    std::thread::scope(|scope| {
        for line in bad {
            scope.spawn(move || {
                let mut desk = Setup::new("").file("etc/shadow", line).sit();
                desk.gives("anna", "");
                let refused = desk.hears("refused");
                assert!(refused.contains("locked, or not in /etc/shadow"), "{line:?}: {refused}");
                desk.sees("Login incorrect");
            });
        }
    });
}

#[test]
fn a_line_that_is_too_long_is_skipped_and_the_next_one_is_whole() {
    let long = format!("anna::{}::::::\n", "1".repeat(9000));
    let good = format!("anna:{SECRET}:::::::\n");
    let mut desk = Setup::new("").file("etc/shadow", long + &good).sit();
    desk.gives("anna", "secret");
    desk.sees("$ ");
    let text = desk.hears_all("login of");
    assert!(text.contains("/etc/shadow line 1: expected at most 8192 bytes; the line"), "{text}");
}

#[test]
fn a_file_without_end_is_not_read_for_ever() {
    for device in ["zero", "urandom", "full"] {
        let setup = Setup::new("").without("etc/passwd");
        symlink(format!("/dev/{device}"), setup.root().path("etc/passwd")).unwrap();
        let mut desk = setup.sit();
        desk.gives("anna", "secret");
        let text = desk.hears_all("refused");
        assert!(text.contains("cannot read /etc/passwd: File too large; who is not"), "{text}");
        desk.sees("Login incorrect");
    }
}

#[test]
fn a_syslogd_that_hangs_keeps_nobody_out() {
    let mut desk = Setup::new("").more("etc/passwd", &"bad\n".repeat(1000)).sit();
    desk.gives("anna", "secret");
    desk.sees("$ ");
    desk.types("exit");
    desk.gives("root", "secret");
    desk.sees("# ");
}

#[test]
fn a_file_that_cannot_be_read_lets_nobody_in_and_holds_nobody() {
    let setup = Setup::new("").without("etc/passwd");
    let mut desk = setup.sit();
    desk.gives("root", "secret");
    let text = desk.hears_all("refused");
    assert!(text.contains("cannot read /etc/passwd: No such file or directory"), "{text}");
    let setup = Setup::new("").without("etc/shadow");
    sys::fifo(&setup.root().path("etc/shadow")).unwrap();
    let mut desk = setup.sit();
    desk.gives("root", "");
    desk.hears("locked, or not in /etc/shadow");
    desk.sees("Login incorrect");
}

#[test]
fn the_last_line_may_lack_its_newline() {
    let setup = Setup::new("").file("etc/passwd", "anna:x:1000:1001::/home/anna:/bin/sh");
    let mut desk = setup.file("etc/shadow", format!("anna:{SECRET}:::::::")).sit();
    desk.gives("anna", "secret");
    desk.sees("$ ");
}

#[test]
fn of_two_accounts_with_one_name_the_first_one_counts() {
    let setup = Setup::new("").more("etc/shadow", "anna::::::::\n");
    let mut desk = setup.more("etc/passwd", "anna::0:0::/:/bin/sh\n").sit();
    desk.gives("anna", "");
    desk.hears("the password is wrong");
    desk.gives("anna", "secret");
    desk.sees("$ ");
    assert_eq!(desk.output("id -u"), "1000\n");
}

/// What a program of the host says of a file in the root.
fn says(setup: &super::desk::Desk, program: &str, words: &[&str], file: &str) -> String {
    let mut command = Command::new(program);
    let command = command.args(words).arg(setup.ns.root().path(file)).env("LC_ALL", "C");
    String::from_utf8(sys::output(command).stdout).unwrap()
}

#[test]
fn who_and_last_know_of_the_session() {
    let setup = Setup::new("-h far.example").file("var/run/utmp", "").file("var/log/wtmp", "");
    let mut desk = setup.sit();
    desk.gives("anna", "secret");
    desk.sees("$ ");
    let ours = desk.output("who -H; last");
    for line in ["anna       pts/0", "far.example"] {
        assert!(ours.contains(line), "BusyBox: {ours}");
    }
    assert_eq!(ours.matches("anna ").count(), 2, "BusyBox: {ours}");
    let who = says(&desk, "who", &[], "var/run/utmp");
    assert!(who.starts_with("anna     pts/0 ") && who.contains("(far.example)"), "{who}");
    let has_last = tools::has_last();
    if has_last {
        let last = says(&desk, "last", &["-f"], "var/log/wtmp");
        assert!(last.starts_with("anna     pts/0        far.example"), "{last}");
    }
    desk.types("exit");
    desk.gives("root", "secret");
    desk.sees("# ");
    let who = says(&desk, "who", &[], "var/run/utmp");
    assert_eq!(who.lines().count(), 1, "the place was taken over: {who}");
    assert!(who.starts_with("root     pts/0 "), "{who}");
    if has_last {
        let last = says(&desk, "last", &["-f"], "var/log/wtmp");
        assert_eq!(last.matches("pts/0        far.example").count(), 2, "{last}");
    }
}

#[test]
fn the_records_of_others_stay_and_what_was_torn_is_mended() {
    let setup = Setup::new("");
    let mut other = vec![0u8; 384];
    other[0] = 7;
    other[8..12].copy_from_slice(b"tty9");
    other[40..44].copy_from_slice(b"tty9");
    other[44..48].copy_from_slice(b"bert");
    let torn = [&other[..], b"half a record"].concat();
    let mut desk = setup.file("var/run/utmp", &torn).file("var/log/wtmp", &torn).sit();
    desk.gives("anna", "secret");
    desk.sees("$ ");
    for file in ["var/run/utmp", "var/log/wtmp"] {
        let bytes = std::fs::read(desk.ns.root().path(file)).unwrap();
        let (records, rest) = bytes.as_chunks::<384>();
        assert!(rest.is_empty(), "{file}");
        assert_eq!(records[0][..], other, "{file}");
        assert!(records[1..].iter().any(|record| record[44..].starts_with(b"anna\0")), "{file}");
    }
}

#[test]
fn the_last_use_of_an_account_is_written_at_its_number() {
    let mut desk = Setup::new("-h far.example").file("var/log/lastlog", "").sit();
    desk.gives("anna", "secret");
    desk.sees("$ ");
    let bytes = std::fs::read(desk.ns.root().path("var/log/lastlog")).unwrap();
    assert_eq!(bytes.len(), 1001 * 292);
    let record = &bytes[1000 * 292..];
    let stamp = u32::from_le_bytes(record[..4].try_into().unwrap());
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() as u32;
    assert!(now.abs_diff(stamp) < 1000, "{stamp} is not about {now}");
    assert!(record[4..].starts_with(b"pts/0\0") && record[36..].starts_with(b"far.example\0"));
}

#[test]
fn no_file_is_made_that_was_not_there() {
    let mut desk = Setup::new("").sit();
    desk.gives("anna", "secret");
    desk.sees("$ ");
    assert_eq!(desk.output("ls /var/log /var/run"), "/var/log:\n\n/var/run:\n");
}
