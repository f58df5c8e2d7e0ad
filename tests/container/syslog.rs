//! --syslog: what old daemons log is heard on standard error.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

use crate::support::{Stage, sys};

#[test]
fn what_a_program_logs_becomes_a_line_on_standard_error() {
    let stage = Stage::new();
    let script = "logger -t web first; logger -t db second; exit 5";
    for second in [false, true] {
        let order = stage.pidone(&["--syslog", "--", "sh", "-c", script]);
        let outcome = if second { order.second() } else { order }.run();
        assert_eq!((outcome.code, &*outcome.stdout), (5, ""), "{outcome:?}");
        let lines: Vec<&str> = outcome.stderr.lines().collect();
        assert_eq!(lines.len(), 2, "{outcome:?}");
        assert!(lines[0].ends_with("web: first") && lines[1].ends_with("db: second"), "{lines:?}");
        assert!(!outcome.stderr.contains('<'), "the priority is no text: {outcome:?}");
        std::fs::remove_file(stage.root().path("dev/log")).ok();
    }
}

/// The socket /dev/log of a root, and the folder that it is reached through: its name has room for
/// 107 bytes only.
fn dev_log(stage: &Stage) -> (File, String) {
    let folder = File::open(stage.root().path("dev")).expect("the root has /dev");
    let name = format!("/proc/thread-self/fd/{}/log", folder.as_raw_fd());
    (folder, name)
}

/// Sends datagrams as a program inside would, from the outside.
fn logger(stage: &Stage) -> UnixDatagram {
    let socket = UnixDatagram::unbound().expect("a socket");
    let (_folder, name) = dev_log(stage);
    let connected = || socket.connect(&name).is_ok();
    assert!(crate::support::wait::came_true(connected), "no /dev/log");
    socket
}

#[test]
fn a_message_is_one_line_whatever_is_in_it() {
    let stage = Stage::new();
    let running = stage.pidone(&["--syslog", "--", "actor", "record"]).start();
    running.until_said("ready");
    let socket = logger(&stage);
    socket.send(b"<13>one\ntwo\n").expect("it is read");
    socket.send(b"<13>bell \x07 and \x1b[2J escape\0").expect("it is read");
    socket.send(b"<999999>odd").expect("it is read");
    socket.send(b"no priority\n").expect("it is read");
    running.until_warned("no priority");
    let said = running.stderr();
    assert!(said.lines().any(|l| l.contains("one") && l.contains("two")), "{said:?}");
    assert!(!said.contains(['\x07', '\x1b', '\0']), "a terminal could be driven: {said:?}");
    assert!(said.lines().any(|line| line.contains("odd")), "{said:?}");
}

#[test]
fn a_standard_error_that_nobody_reads_holds_nobody_up_and_losses_are_counted() {
    let stage = Stage::new();
    let (mut far, near) = sys::pipe().expect("a pipe");
    let words = ["--syslog", "--", "actor", "record", "15"];
    let mut running = stage.pidone(&words).error(near).start();
    running.until_said("ready");
    let socket = logger(&stage);
    let text = format!("<13>{}", "x".repeat(200));
    // More than the pipe and the socket together can hold; none of the sends may block for ever.
    (0..4000).for_each(|_| drop(socket.send(text.as_bytes())));
    running.send(libc::SIGUSR1);
    running.until_said("got 10");
    sys::nonblocking(std::os::fd::AsFd::as_fd(&far), true);
    let mut seen = String::new();
    running.until("no loss was counted", || {
        let mut more = Vec::new();
        let _ = far.read_to_end(&mut more);
        seen.push_str(&String::from_utf8_lossy(&more));
        let _ = socket.send(b"<13>and on it goes");
        seen.lines().any(|l| !l.contains("xxx") && l.chars().any(|c| c.is_ascii_digit()))
    });
    let whole = |line: &&str| line.contains("xxx") && line.matches('x').count() != 200;
    let torn: Vec<&str> = seen.lines().filter(whole).collect();
    assert!(torn.is_empty(), "a line was torn: {torn:?}");
    running.send(libc::SIGTERM);
    assert_eq!(running.end().code, 7);
}

#[test]
fn a_log_socket_that_cannot_be_made_is_reported_and_the_program_runs() {
    let stage = Stage::new();
    stage.root().write("dev/log/taken", "a folder is in the way");
    let outcome = stage.pidone(&["--syslog", "sh", "-c", "exit 5"]).run();
    assert_eq!(outcome.code, 5, "{outcome:?}");
    assert!(outcome.stderr.contains("/dev/log"), "{outcome:?}");
    std::fs::remove_dir_all(stage.root().path("dev/log")).expect("the test made it");
    let outcome = stage.pidone(&["--syslog", "sh", "-c", "exit 5"]).user(65534).run();
    assert_eq!(outcome.code, 5, "{outcome:?}");
    assert!(outcome.stderr.contains("Permission denied"), "{outcome:?}");
}

/// Some syslogds take connections and no datagrams.
#[test]
fn a_syslogd_that_listens_otherwise_keeps_its_socket() {
    let stage = Stage::new();
    let (_folder, socket) = dev_log(&stage);
    let listener = UnixListener::bind(&socket).expect("/dev/log is free");
    let words = ["--syslog", "sh", "-c", "exit 5"];
    let outcome = stage.pidone(&words).run();
    assert_eq!(outcome.code, 5, "{outcome:?}");
    assert!(outcome.stderr.contains("cannot be taken"), "{outcome:?}");
    assert!(UnixStream::connect(&socket).is_ok(), "somebody else has the socket");
    // Whoever is gone has left nothing but a name.
    drop(listener);
    let outcome = stage.pidone(&words).run();
    assert_eq!((outcome.code, &*outcome.stderr), (5, ""), "{outcome:?}");
}
