//! A container's init where something is wrong around it: nobody reads what it says, it may not
//! signal its child, /proc is not there, or its output is shared.

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use support::lingering::STICKY;
use support::sys;

/// The longest that anything here may take, in seconds.
const TOO_LONG: &str = "30";

/// A program with the binary under test behind it, and what that writes.
fn start(words: &[&str], errors: Stdio) -> (Child, BufReader<ChildStdout>) {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).args(words).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = sys::with_plain_signals(command.stderr(errors)).spawn().expect("util-linux");
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

fn next_line(out: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    line.trim_end().into()
}

fn pidone() -> &'static str {
    support::tools::pidone().to_str().unwrap()
}

/// The only child of a process.
fn child_of(pid: u32) -> i32 {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    list.trim().parse().unwrap_or_else(|_| panic!("{pid} has the children {list:?}"))
}

/// A main child that heeds signals, but not for ever where it is forgotten.
fn heeding(traps: &str) -> String {
    format!("{traps}; echo ready; for i in $(seq 200); do sleep 0.1; done")
}

/// Without the right to signal others.
const WEAK: [&str; 4] = ["--bounding-set", "-kill", "--inh-caps", "-all"];
/// As another user.
const OTHER: &str = "setpriv --reuid 65534 --clear-groups sh -c";
const SPACE: [&str; 4] = ["unshare", "-fp", "--kill-child", "--mount-proc"];

#[test]
fn nobody_need_read_what_is_said() {
    let (read, write) = sys::pipe().unwrap();
    let mut full = fs::File::from(write);
    sys::nonblocking(full.as_fd(), true);
    while full.write(&[b'x'; 512]).is_ok() {}
    sys::nonblocking(full.as_fd(), false);
    let script = "trap : HUP; kill -HUP $PPID; (:) & wait; exit 7";
    let words = ["timeout", "-s", "KILL", TOO_LONG, pidone(), "-w", "-vvv", "--", "sh", "-c"];
    let (mut init, _out) = start(&[&words[..], &[script]].concat(), full.into());
    assert_eq!(init.wait().unwrap().code(), Some(7));
    drop(read);
}

#[test]
fn what_was_not_read_is_counted() {
    let (mut read, write) = sys::pipe().unwrap();
    let mut full = fs::File::from(write);
    sys::nonblocking(full.as_fd(), true);
    while full.write(&[b'x'; 512]).is_ok() {}
    let script = "echo begun; read x; exit 7";
    let words = ["-vvv", "--", "sh", "-c", script];
    let mut command = Command::new(pidone());
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(full);
    let mut init = command.spawn().unwrap();
    drop(command);
    let mut out = BufReader::new(init.stdout.take().unwrap());
    assert_eq!(next_line(&mut out), "begun");
    // The child may be faster than the message that it was started.
    let waits = || support::procs::sleeps_in(init.id() as i32, libc::SYS_rt_sigtimedwait);
    assert!(support::wait::came_true(waits), "process {} does not wait", init.id());
    // There is room again.
    let mut room = [0u8; 65536];
    assert!(read.read(&mut room).unwrap() > 4096);
    init.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert_eq!(init.wait().unwrap().code(), Some(7));
    let mut said = String::new();
    read.read_to_string(&mut said).unwrap();
    assert!(said.contains("1 messages were lost"), "{said}");
    assert!(said.contains("Main child exited"), "{said}");
}

/// The signals that a write of ours to such an output brings are no business of the main child's.
#[test]
fn an_output_that_takes_nothing_is_not_the_end_of_the_main_child() {
    // What is passed on is passed on in order, and 40 comes behind SIGPIPE and SIGXFSZ.
    let script = "trap 'exit 7' 40; kill -40 $PPID; for i in $(seq 200); do sleep 0.1; done";
    let (read, write) = sys::pipe().unwrap();
    drop(read);
    let full = Path::new(env!("CARGO_TARGET_TMPDIR")).join("container-full");
    let full = fs::File::create(full).unwrap();
    let cases: [(&[&str], Stdio); 2] =
        [(&[], write.into()), (&["prlimit", "--fsize=0"], full.into())];
    for (before, errors) in cases {
        let words = [before, &[pidone(), "-v", "--", "sh", "-c", script]].concat();
        let (mut init, _out) = start(&words, errors);
        assert_eq!(init.wait().unwrap().code(), Some(7), "{before:?}");
    }
}

/// The binary under a kernel or a filter that does not do this.
fn without(call: &str, words: &[&str]) -> (Child, BufReader<ChildStdout>) {
    let name = call.split(':').next().unwrap();
    let strace = support::tools::strace().to_str().unwrap();
    let (trace, inject) = (format!("trace={name}"), format!("inject={call}"));
    let before = [strace, "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject, pidone(), "--"];
    start(&[&before[..], words].concat(), Stdio::inherit())
}

/// An emulated processor, and some sandboxes, refuse a child that shares our memory.
#[test]
fn a_child_may_have_to_have_memory_of_its_own() {
    let refused = "clone:error=EINVAL:when=1";
    let (mut init, mut out) = without(refused, &["sh", "-c", "echo ran; exit 7"]);
    assert_eq!(next_line(&mut out), "ran");
    assert_eq!(init.wait().unwrap().code(), Some(7));
    for (command, code) in [("no-such-command", 127), ("/etc", 126)] {
        assert_eq!(without(refused, &[command]).0.wait().unwrap().code(), Some(code), "{command}");
    }
}

#[test]
fn inherited_descriptors_are_closed_without_close_range() {
    let script = "trap 'ls /proc/$PPID/fd; exit 7' 40; kill -40 $PPID; \
                  for i in $(seq 200); do sleep 0.1; done";
    let strace = support::tools::strace().to_str().unwrap();
    let call = ["-e", "trace=close_range", "-e", "inject=close_range:error=ENOSYS"];
    let before = ["sh", "-c", "exec 9<&0; exec \"$@\"", "sh", strace, "-qq", "-o", "/dev/null"];
    let words = [&before[..], &call, &[pidone(), "--", "sh", "-c", script]].concat();
    let (mut init, mut out) = start(&words, Stdio::inherit());
    let mut listed = String::new();
    out.read_to_string(&mut listed).unwrap();
    assert_eq!(init.wait().unwrap().code(), Some(7));
    assert_eq!(listed, "0\n1\n2\n");
}

/// What a main child that is another user says and leaves with when TERM comes.
fn told_as_another_user(before: &[&str], of: fn(u32) -> i32) {
    let script = heeding("trap 'echo told; exit 5' TERM");
    let other: Vec<&str> = OTHER.split(' ').collect();
    let words = [&WEAK[..], before, &[pidone(), "--grace", "20s", "--"], &other, &[&*script]];
    let (mut init, mut out) = start(&words.concat(), Stdio::inherit());
    assert_eq!(next_line(&mut out), "ready");
    sys::kill(of(init.id()), libc::SIGTERM).unwrap();
    assert_eq!(next_line(&mut out), "told");
    assert_eq!(init.wait().unwrap().code(), Some(5));
}

#[test]
fn the_grace_reaches_a_main_child_that_is_another_user() {
    told_as_another_user(&[], |pid| pid as i32);
}

#[test]
fn as_process_1_it_reaches_it_as_well() {
    told_as_another_user(&SPACE, child_of);
}

#[test]
fn as_process_1_the_grace_reaches_others_that_are_another_user() {
    let script = heeding("trap 'echo told; exit' TERM");
    let main = format!("setsid {OTHER} \"$0\" & read x; exit 5");
    let words =
        [&WEAK[..], &SPACE, &[pidone(), "--grace", "20s", "--", "sh", "-c", &main, &script]];
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).args(words.concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut init = sys::with_plain_signals(&mut command).spawn().unwrap();
    let mut out = BufReader::new(init.stdout.take().unwrap());
    assert_eq!(next_line(&mut out), "ready");
    drop(init.stdin.take());
    assert_eq!(next_line(&mut out), "told");
    assert_eq!(init.wait().unwrap().code(), Some(5));
}

#[test]
fn the_grace_reaches_a_main_child_without_proc() {
    let script = heeding("trap 'echo told; exit 5' TERM");
    let init = format!("umount -l /proc; exec {} --grace 20s -- sh -c \"$1\"", pidone());
    let words = ["unshare", "-m", "sh", "-c", &init, "sh", &script];
    let (mut init, mut out) = start(&words, Stdio::inherit());
    assert_eq!(next_line(&mut out), "ready");
    sys::kill(init.id() as i32, libc::SIGTERM).unwrap();
    assert_eq!(next_line(&mut out), "told");
    assert_eq!(init.wait().unwrap().code(), Some(5));
}

#[test]
fn the_parent_is_followed_after_a_signal_to_another_user() {
    let script = heeding("trap 'echo usr1' USR1; trap 'echo hup; exit' HUP");
    let shell = format!("{} -p HUP -- {OTHER} \"$1\" & echo $!; read x", pidone());
    let mut command = Command::new("setpriv");
    command.args(WEAK).args(["sh", "-c", &shell, "sh", &script]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut parent = sys::with_plain_signals(&mut command).spawn().unwrap();
    let mut out = BufReader::new(parent.stdout.take().unwrap());
    // The shell says its number and the program that it is ready, whoever comes first.
    let mut lines = [next_line(&mut out), next_line(&mut out)];
    lines.sort();
    assert_eq!(lines[1], "ready");
    let init: i32 = lines[0].parse().unwrap();
    sys::kill(init, libc::SIGUSR1).unwrap();
    assert_eq!(next_line(&mut out), "usr1");
    // Its parent ends.
    drop(parent.stdin.take());
    assert!(parent.wait().is_ok());
    assert_eq!(next_line(&mut out), "hup");
}

#[test]
fn what_is_logged_shares_a_file_with_what_is_written() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join("container-journal");
    let shell = format!(
        "mount -t tmpfs none /dev && mknod /dev/null c 1 3 && exec {} --syslog -- sh -c '{}' {}",
        pidone(),
        "echo first >&2; busybox logger second; until grep -q second $0; do :; done; \
         echo the last one is the third >&2",
        file.display(),
    );
    let words = ["unshare", "-m", "sh", "-c", &shell];
    let (mut init, _out) = start(&words, fs::File::create(&file).unwrap().into());
    assert_eq!(init.wait().unwrap().code(), Some(0));
    let said = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    for word in ["first", "second", "third"] {
        assert!(lines.iter().any(|line| line.ends_with(word)), "{word} is not there: {said}");
    }
}

#[test]
fn the_terminal_is_given_back() {
    let script = format!("{} -- true; read x; echo got $x", pidone());
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).custom_flags(libc::O_NOCTTY | libc::O_CLOEXEC);
    let mut master = options.open("/dev/ptmx").unwrap();
    let number = sys::unlock_pty(&master).unwrap();
    let near = options.open(format!("/dev/pts/{number}")).unwrap();
    let mut command = Command::new("setsid");
    command.args(["-c", "timeout", "--foreground", "-s", "KILL", TOO_LONG, "sh", "-c", &script]);
    command.stdin(near).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut shell = command.spawn().unwrap();
    master.write_all(b"hello\n").unwrap();
    let mut said = String::new();
    shell.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(shell.wait().is_ok());
    assert_eq!(said, "got hello\n");
}

/// Logs with a descriptor that is long in closing, once it is told to.
const LINGERING: &str = "
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.connect('/dev/log')
print('ready', flush=True)
signal.sigwait([signal.SIGUSR1])
rights = array.array('i', [sticky.fileno()])
log.sendmsg([b'<13>x: with it'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
sticky.close()
log.send(b'<13>x: behind it')
print('sent', flush=True)
while True: signal.pause()
";

#[test]
fn descriptors_that_are_logged_along_cannot_hold_up_process_1() {
    let python = std::path::Path::new("/usr/bin/python3");
    if !python.exists() {
        eprintln!("skipped: {} is not installed", python.display());
        return;
    }
    let shell = format!(
        "mount -t tmpfs none /dev && mknod /dev/null c 1 3 && busybox ifconfig lo up &&
         exec {} --syslog -- {} -c \"$0\"",
        pidone(),
        python.display(),
    );
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("container-descriptors");
    let program = [STICKY, LINGERING].concat();
    let words = ["unshare", "-fpmn", "--kill-child", "--mount-proc", "sh", "-c", &shell, &program];
    let (mut init, mut out) = start(&words, fs::File::create(&file).unwrap().into());
    assert_eq!(next_line(&mut out), "ready");
    let process_1 = child_of(init.id());
    let program = child_of(process_1 as u32);
    // Nobody takes the message before its sender has let go of the connection.
    sys::kill(process_1, libc::SIGSTOP).unwrap();
    sys::kill(program, libc::SIGUSR1).unwrap();
    assert_eq!(next_line(&mut out), "sent");
    sys::kill(process_1, libc::SIGCONT).unwrap();
    let heard = || fs::read_to_string(&file).unwrap().contains("x: behind it\n");
    assert!(support::wait::came_true(heard), "process 1 waits for what it closes");
    sys::kill(process_1, libc::SIGTERM).unwrap();
    assert_eq!(init.wait().unwrap().code(), Some(143));
}
