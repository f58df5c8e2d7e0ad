//! The logger: as a command, and as the reader of a unit's output that may be killed at any time.

mod support;

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use support::procs::sleeps_in;
use support::root::Root;
use support::{Init, Syslog, sys, wait};

/// A root folder with the logger in it.
fn stage() -> Root {
    let root = Root::new();
    root.copy(Init::Pidone.program(), "bin/pidone");
    symlink("/bin/pidone", root.path("sbin/logger")).unwrap();
    fs::create_dir(root.path("log")).unwrap();
    root
}

fn logger(root: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("chroot");
    command.arg(root).arg("/sbin/logger").args(words);
    command.env_clear().env("LOGNAME", "anna").env("PATH", "/bin:/usr/sbin:/usr/bin");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn fed(root: &Path, words: &[&str], text: &[u8]) -> Output {
    let mut child = sys::spawn(logger(root, words).stdin(Stdio::piped())).unwrap();
    // With -f nobody reads it.
    let _ = child.stdin.take().unwrap().write_all(text);
    child.wait_with_output().unwrap()
}

fn ran(root: &Root, words: &[&str]) -> (i32, String) {
    let output = sys::output(&mut logger(&root.path(""), words));
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn words_become_one_message_with_tag_and_priority() {
    let root = stage();
    let syslog = Syslog::bind(&root);
    for (words, message) in [
        (&["hello", "big  world"][..], "<13>anna: hello big  world"),
        (&["-t", "web", "-p", "daemon.err", "x"], "<27>web: x"),
        (&["-tweb", "-plocal7.debug", "--", "-x"], "<191>web: -x"),
        (&["-p", "11", "-i77", "x"], "<11>anna[77]: x"),
        (&["a\x1b[2Jb\u{e9}\u{9b}"], "<13>anna: a\\x1b[2Jb\u{e9}\\xc2\\x9b"),
        (&["-t", "a\nb", "x"], "<13>a\\x0ab: x"),
    ] {
        assert_eq!(ran(&root, words), (0, String::new()), "{words:?}");
        assert_eq!(syslog.next(), message, "{words:?}");
    }
    let (code, shown) = ran(&root, &["-s", "-t", "web", "x"]);
    assert_eq!((code, shown.as_str()), (0, "web: x\n"));
    assert_eq!(syslog.next(), "<13>web: x");
    ran(&root, &["-i", "x"]);
    let own = syslog.next();
    let pid = own.strip_prefix("<13>anna[").and_then(|rest| rest.strip_suffix("]: x"));
    assert!(pid.is_some_and(|pid| pid.parse::<u32>().is_ok()), "{own}");
}

#[test]
fn each_line_of_a_file_or_of_standard_input_becomes_a_message() {
    let root = stage();
    let syslog = Syslog::bind(&root);
    let long = "y".repeat(3000);
    let text = format!("one\n\n\ntwo\r\n{long}\nend");
    root.write("tmp/text", &text);
    for words in [&["-t", "t"][..], &["-t", "t", "-f", "/tmp/text"]] {
        let (words, text) = (words.to_vec(), text.clone().into_bytes());
        let path = root.path("");
        let ran = thread::spawn(move || fed(&path, &words, &text));
        assert_eq!(syslog.next(), "<13>t: one");
        assert_eq!(syslog.next(), "<13>t: two\\x0d");
        let mut seen = String::new();
        while seen.len() < long.len() {
            let piece = syslog.next();
            assert!(piece.len() <= 1024);
            seen.push_str(piece.strip_prefix("<13>t: ").unwrap());
        }
        assert_eq!(seen, long, "a long line comes in pieces");
        assert_eq!(syslog.next(), "<13>t: end");
        assert!(ran.join().unwrap().status.success());
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let root = stage();
    let (code, said) = ran(&root, &["x"]);
    assert_eq!(code, 111);
    assert!(said.starts_with("logger: cannot send"), "{said}");
    let (code, said) = ran(&root, &["-f", "/nothing"]);
    assert_eq!(
        (code, said.as_str()),
        (111, "logger: cannot open /nothing: No such file or directory\n")
    );
    for words in [&["-y"][..], &["-p", "daemon.loud", "x"], &["-t"], &["-r", "-k", "0"]] {
        let (code, said) = ran(&root, words);
        assert_eq!(code, 100, "{words:?}");
        assert!(said.contains("is not understood\nusage: logger"), "{said}");
    }
    // Without standard input, and with one that is no pipe.
    let _syslog = Syslog::bind(&root);
    let mut closed = Command::new("sh");
    closed.args(["-c", "exec chroot \"$0\" /sbin/logger -t t <&-"]).arg(root.path(""));
    assert_eq!(sys::output(&mut closed).status.code(), Some(111));
    let (code, said) = ran(&root, &["-r"]);
    assert_eq!((code, said.as_str()), (111, "logger: cannot read messages: Invalid argument\n"));
}

/// The test as a supervisor: it holds the pipe and the spool while readers come and go.
struct Supervisor<'a> {
    root: &'a Root,
    input: OwnedFd,
    output: File,
    spool: OwnedFd,
    words: Vec<&'static str>,
}

impl<'a> Supervisor<'a> {
    fn new(root: &'a Root, words: &[&'static str]) -> Supervisor<'a> {
        // First, so that it may have the very number it is handed on at.
        let spool = sys::memory_file(c"spool").unwrap();
        let (input, output) = sys::pipe().unwrap();
        let words = [&["-r", "-m"], words].concat();
        Supervisor { root, input: input.into(), output: output.into(), spool, words }
    }

    fn start(&self) -> Child {
        let mut command = logger(&self.root.path(""), &self.words);
        command.stdin(self.input.try_clone().unwrap()).stdout(Stdio::null());
        sys::hand(&mut command, self.spool.as_fd(), 3);
        sys::spawn(&mut command).unwrap()
    }

    /// What the unit writes to.
    fn unit(&self) -> File {
        self.output.try_clone().unwrap()
    }

    /// The unit is gone for good: what is there is written, and the reader ends by itself.
    fn finish(self, mut reader: Child) -> i32 {
        drop((self.output, self.input));
        reader.wait().unwrap().code().unwrap_or(-1)
    }
}

fn line(number: usize) -> String {
    format!("line {number} {}\n", "x".repeat(number * 13 % 120))
}

fn lines(count: usize) -> String {
    (0..count).map(line).collect()
}

/// Writes lines, a few at a time, in another thread.
fn flood(unit: File, count: usize) -> thread::JoinHandle<()> {
    thread::spawn(move || pour(unit, count, |_| {}))
}

/// Writes lines, and before each piece of the text does something, by how much of it is written, in
/// hundredths.
fn pour(mut unit: File, count: usize, before: impl Fn(usize)) {
    let text = lines(count).into_bytes();
    // Not at the ends of lines, as the buffer of a C library does it.
    for (number, piece) in text.chunks(4096).enumerate() {
        before(number * 4096 * 100 / text.len());
        unit.write_all(piece).unwrap();
    }
}

/// So many readers are killed at least while the flood lasts.
const KILLS: usize = 10;

/// Kills readers until a flood of so many lines is over; the last one lives.
fn storm(supervisor: &Supervisor<'_>, count: usize) -> (Child, usize) {
    let (mut reader, unit) = (supervisor.start(), supervisor.unit());
    let kills = AtomicUsize::new(0);
    thread::scope(|scope| {
        let kills = &kills;
        let killed = move || kills.load(Ordering::Relaxed);
        // Where a reader is so fast, or killed so seldom, that the flood would be over soon, it
        // waits for the next kill.
        let in_time = move |hundredths: usize| {
            while killed() * 100 < KILLS * hundredths {
                thread::sleep(Duration::from_micros(100));
            }
        };
        let flood = scope.spawn(move || pour(unit, count, in_time));
        while !flood.is_finished() {
            // Where a reader does not even begin in this time, the next ones have more.
            let slow = 1 + killed() as u64 / 100;
            let pause = (700 + (killed() as u64 * 977) % 5000) * slow;
            thread::sleep(Duration::from_micros(pause));
            reader.kill().unwrap();
            reader.wait().unwrap();
            kills.fetch_add(1, Ordering::Relaxed);
            reader = supervisor.start();
        }
    });
    (reader, kills.into_inner())
}

/// The text of a log with its older files, the oldest first.
fn log(root: &Root) -> (String, Vec<u64>) {
    let file = |number: usize| match number {
        0 => root.path("log/web"),
        number => root.path(&format!("log/web.{number}")),
    };
    let last = (1..).find(|&number| !file(number).exists()).unwrap();
    let files: Vec<PathBuf> = (0..last).rev().map(file).collect();
    let sizes = files.iter().map(|path| fs::metadata(path).unwrap().len()).collect();
    (files.iter().map(|path| fs::read_to_string(path).unwrap()).collect(), sizes)
}

#[test]
fn a_storm_of_kills_neither_loses_nor_tears_nor_doubles_a_line_of_a_file() {
    let root = stage();
    let words = ["-o", "/log/web", "-z", "64K", "-k", "99"];
    let supervisor = Supervisor::new(&root, &words);
    let (reader, kills) = storm(&supervisor, 60_000);
    assert_eq!(supervisor.finish(reader), 0);
    assert!(kills >= KILLS, "the flood was over after {kills} kills");
    let (seen, sizes) = log(&root);
    assert!(seen == lines(60_000), "after {kills} kills the log is not the text");
    for size in &sizes[..sizes.len() - 1] {
        assert!((65_536..65_536 + 2024).contains(size), "{sizes:?}");
    }
}

#[test]
fn a_storm_of_kills_neither_loses_nor_tears_nor_doubles_a_message() {
    let root = stage();
    let syslog = Syslog::bind(&root);
    let supervisor = Supervisor::new(&root, &["-t", "web", "-p", "daemon.info"]);
    let count = 20_000;
    thread::scope(|scope| {
        let heard = scope.spawn(|| {
            for number in 0..count {
                let expected = format!("<30>web: {}", line(number));
                assert_eq!(syslog.next(), expected.trim_end_matches('\n'));
            }
        });
        let (reader, kills) = storm(&supervisor, count);
        heard.join().unwrap();
        assert!(kills >= KILLS, "the flood was over after {kills} kills");
        assert_eq!(supervisor.finish(reader), 0);
    });
}

#[test]
fn rotation_keeps_so_many_files_and_closes_a_gap() {
    let root = stage();
    root.write("log/web.2", "older\n");
    root.write("log/web.3", "oldest\n");
    let supervisor = Supervisor::new(&root, &["-o", "/log/web", "-z", "1K", "-k", "3"]);
    let reader = supervisor.start();
    // The first one goes where a gap is: whoever was killed while it renamed left it.
    let first = lines(30);
    supervisor.unit().write_all(first.as_bytes()).unwrap();
    assert!(wait::came_true(|| root.path("log/web.1").exists()));
    assert_eq!(root.read("log/web.3"), "oldest\n");
    assert_eq!(root.read("log/web.2"), "older\n");
    supervisor.unit().write_all("more\n".repeat(5000).as_bytes()).unwrap();
    assert_eq!(supervisor.finish(reader), 0);
    let mut names: Vec<_> = fs::read_dir(root.path("log")).unwrap().map(|e| e.unwrap()).collect();
    names.sort_by_key(fs::DirEntry::file_name);
    let names: Vec<_> = names.iter().map(|e| e.file_name().into_string().unwrap()).collect();
    assert_eq!(names, ["web", "web.1", "web.2", "web.3"]);
    let (seen, _) = log(&root);
    assert!(seen.lines().all(|line| line == "more"), "{seen:.300}");
}

#[test]
fn the_end_is_written_and_term_ends_a_reader_when_nothing_is_left_to_read() {
    let root = stage();
    let supervisor = Supervisor::new(&root, &["-o", "/log/web"]);
    supervisor.unit().write_all(lines(500).as_bytes()).unwrap();
    supervisor.unit().write_all(b"half").unwrap();
    let mut reader = supervisor.start();
    assert!(wait::came_true(|| !root.read("log/web").is_empty()));
    sys::kill(reader.id() as i32, libc::SIGTERM).unwrap();
    reader.wait().unwrap();
    assert!(root.read("log/web") == lines(500), "half a line waits for the other half");
    let reader = supervisor.start();
    supervisor.unit().write_all(b" and the rest\ntail").unwrap();
    assert_eq!(supervisor.finish(reader), 0);
    assert!(root.read("log/web") == lines(500) + "half and the rest\ntail\n");
}

#[test]
fn term_does_not_end_a_reader_to_which_a_line_has_come_before_it() {
    let root = stage();
    let supervisor = Supervisor::new(&root, &["-o", "/log/web"]);
    let mut reader = supervisor.start();
    let pid = reader.id() as i32;
    let stat = || fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    supervisor.unit().write_all(b"one\n").unwrap();
    assert!(wait::came_true(|| root.read("log/web") == "one\n" && sleeps_in(pid, libc::SYS_ppoll)));
    // Both come before it runs again, as on a busy machine.
    sys::kill(pid, libc::SIGSTOP).unwrap();
    assert!(wait::came_true(|| stat().contains(") T ")));
    supervisor.unit().write_all(b"two\n").unwrap();
    sys::kill(pid, libc::SIGTERM).unwrap();
    sys::kill(pid, libc::SIGCONT).unwrap();
    assert_eq!(reader.wait().unwrap().signal(), Some(libc::SIGTERM));
    assert_eq!(root.read("log/web"), "one\ntwo\n");
}

/// How many lines a log says are lost, and those that it has.
fn count_lost(seen: &str) -> (usize, Vec<&str>) {
    let told = |line: &str| {
        line.strip_prefix("logger: ")?.strip_suffix(" lines lost")?.parse::<usize>().ok()
    };
    let lost = seen.lines().filter_map(told).sum();
    (lost, seen.lines().filter(|line| told(line).is_none()).collect())
}

#[test]
fn what_a_full_disk_costs_is_counted_and_said_and_nothing_is_torn() {
    let root = stage();
    let syslog = Syslog::bind(&root);
    sys::mount(c"tmpfs", &root.path("log"), c"size=512k").unwrap();
    root.write("log/ballast", vec![b'x'; 450_000]);
    let supervisor = Supervisor::new(&root, &["-o", "/log/web"]);
    let count = 10_000;
    // More than file, spool and pipe hold: the unit gets rid of it all the same.
    let flood = flood(supervisor.unit(), count);
    let mut reader = supervisor.start();
    syslog.until("cannot write /log/web: No space left on device");
    reader.kill().unwrap();
    reader.wait().unwrap();
    reader = supervisor.start();
    flood.join().unwrap();
    fs::remove_file(root.path("log/ballast")).unwrap();
    supervisor.unit().write_all(b"after\n").unwrap();
    assert!(wait::came_true(|| root.read("log/web").ends_with("after\n")));
    assert_eq!(supervisor.finish(reader), 0);
    let seen = root.read("log/web");
    let (lost, kept) = count_lost(&seen);
    assert!(lost > 0, "nothing was lost");
    assert_eq!(kept.len() + lost, count + 1, "the count is wrong");
    let known: std::collections::HashSet<String> =
        (0..count).map(|n| line(n).trim_end().to_owned()).chain(["after".to_owned()]).collect();
    for line in kept {
        assert!(known.contains(line.trim_end()), "torn: {line:?}");
    }
    let _ = sys::unmount(&root.path("log"));
}

#[test]
fn a_log_that_takes_nothing_does_not_hold_the_unit() {
    let root = stage();
    sys::fifo(&root.path("log/web")).unwrap();
    let mut log = OpenOptions::new().read(true).write(true).open(root.path("log/web")).unwrap();
    let supervisor = Supervisor::new(&root, &["-o", "/log/web"]);
    let reader = supervisor.start();
    let count = 20_000;
    flood(supervisor.unit(), count).join().unwrap();
    // Now it takes something again.
    let mut seen = String::new();
    supervisor.unit().write_all(b"end\n").unwrap();
    while !seen.ends_with("end\n") {
        let mut room = [0; 4096];
        assert!(sys::readable(log.as_fd(), support::DEADLINE), "the rest does not come");
        let length = log.read(&mut room).unwrap();
        seen.push_str(std::str::from_utf8(&room[..length]).unwrap());
    }
    let (lost, kept) = count_lost(&seen);
    assert!(lost > 0, "{} {}", seen.len(), seen.lines().count());
    assert_eq!(kept.len() + lost, count + 1);
    assert_eq!(kept[0], line(0).trim_end_matches('\n'));
    assert_eq!(supervisor.finish(reader), 0);
}

#[test]
fn a_syslogd_that_is_away_for_a_while_costs_nothing() {
    let root = stage();
    let supervisor = Supervisor::new(&root, &["-t", "web"]);
    let reader = supervisor.start();
    supervisor.unit().write_all(b"one\ntwo\n").unwrap();
    let empty = || !sys::readable(supervisor.input.as_fd(), Duration::ZERO);
    assert!(wait::came_true(empty), "it was not taken out of the pipe");
    let syslog = Syslog::bind(&root);
    assert_eq!(syslog.next(), "<13>web: one");
    assert_eq!(syslog.next(), "<13>web: two");
    drop(syslog);
    supervisor.unit().write_all(b"three\n").unwrap();
    assert!(wait::came_true(empty));
    let syslog = Syslog::bind(&root);
    assert_eq!(syslog.next(), "<13>web: three");
    assert_eq!(supervisor.finish(reader), 0);
}

#[test]
fn a_file_has_one_reader_and_no_link_is_followed_where_others_write() {
    let root = stage();
    let first = Supervisor::new(&root, &["-o", "/log/web"]);
    let one = first.start();
    first.unit().write_all(b"one\n").unwrap();
    assert!(wait::came_true(|| root.read("log/web") == "one\n"));
    let second = Supervisor::new(&root, &["-o", "/log/web"]);
    let two = second.start();
    second.unit().write_all(b"two\n").unwrap();
    assert!(wait::came_true(|| !sys::readable(second.input.as_fd(), Duration::ZERO)));
    assert_eq!(root.read("log/web"), "one\n", "it waits for the first one to end");
    assert_eq!(first.finish(one), 0);
    assert_eq!(second.finish(two), 0);
    assert_eq!(root.read("log/web"), "one\ntwo\n");
    // A link may be anybody's in a folder of everybody's, of a group or of a service.
    let syslog = Syslog::bind(&root);
    let folders =
        [("/all/web", 0o1777, 0), ("/group/web", 0o775, 0), ("/service/web", 0o755, 1000)];
    for (path, mode, user) in folders {
        let theirs = root.path(path.trim_matches('/').trim_end_matches("/web"));
        fs::create_dir(&theirs).unwrap();
        std::os::unix::fs::chown(&theirs, Some(user), Some(1000)).unwrap();
        let open = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(&theirs, open).unwrap();
        symlink("/log/web", theirs.join("web")).unwrap();
        let third = Supervisor::new(&root, &["-o", path]);
        let mut three = third.start();
        third.unit().write_all(b"three\n").unwrap();
        syslog.until(&format!("cannot write {path}: Too many levels of symbolic links"));
        three.kill().unwrap();
        three.wait().unwrap();
        assert_eq!(root.read("log/web"), "one\ntwo\n");
    }
}

#[test]
fn who_asks_a_reader_to_end_takes_no_line_away_that_waits() {
    let root = stage();
    let log = fs::File::create(root.path("log/web")).unwrap();
    log.lock().unwrap();
    let unit = Supervisor::new(&root, &["-o", "/log/web"]);
    let reader = unit.start();
    unit.unit().write_all(b"one\n").unwrap();
    assert!(wait::came_true(|| !sys::readable(unit.input.as_fd(), Duration::ZERO)));
    sys::kill(reader.id() as i32, libc::SIGTERM).unwrap();
    sys::close(log);
    assert_eq!(unit.finish(reader), 0);
    assert_eq!(root.read("log/web"), "one\n");
}
