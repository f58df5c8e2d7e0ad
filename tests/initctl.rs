//! The control socket, by initctl and by whoever means it ill: pidone as PID 1 of a namespace, and
//! as a supervisor.

mod support;

use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use support::lingering::STICKY;
use support::{Builder, Init, Namespace, sys, tools};

const SOCKET: &str = "run/pidone.sock";

fn pidone(inittab: &str) -> Builder {
    let builder = Builder::new(Init::Pidone).inittab(inittab);
    builder.root().copy(tools::pidone(), "bin/pidone");
    builder
}

/// Runs a command within the root and the network of a namespace, as a user: its exit code, and
/// what it said.
fn inside(ns: &Namespace, user: u32, words: &[&str]) -> (i32, String) {
    let (pid, user) = (ns.pid().to_string(), user.to_string());
    // What is to be refused must not go on for ever where it is not.
    let mut command = Command::new("timeout");
    command.args(["-s", "KILL", "120", "nsenter", "-t", &pid, "-n", "-r", "-w"]);
    command.args(["-S", &user, "-G", &user]).args(words).stdin(Stdio::null());
    let output = sys::output(&mut command);
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
}

fn initctl(ns: &Namespace, words: &[&str]) -> (i32, String) {
    inside(ns, 0, &[&["/bin/pidone", "initctl"], words].concat())
}

/// Python of the host that has the namespace's network.
fn python(ns: &Namespace, script: &str) -> Command {
    let mut command = Command::new("nsenter");
    command.args(["-t", &ns.pid().to_string(), "-n", "/usr/bin/python3", "-c", script]);
    command.arg(within(ns, SOCKET)).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// A path as process 1 sees it, which mounts on its own.
fn within(ns: &Namespace, path: &str) -> PathBuf {
    format!("/proc/{}/root/{path}", ns.pid()).into()
}

fn until_heard(ns: &Namespace) {
    ns.until("no control socket came", || within(ns, SOCKET).exists());
}

/// The lines of all units, once these are among them.
fn until_lines(ns: &Namespace, wanted: &[&str]) -> String {
    let mut lines = String::new();
    let shown = || {
        lines = initctl(ns, &["status"]).1;
        wanted.iter().all(|line| lines.lines().any(|is| is == *line))
    };
    if !support::wait::came_true(shown) {
        panic!("not all of {wanted:#?} is there:\n{lines}\n{}", ns.state());
    }
    lines
}

/// A service that says how it is, and then what it is told to.
const SPEAKS: &str = "#!/usr/bin/perl
use Socket;
socket(my $to, PF_UNIX, SOCK_DGRAM, 0);
my $name = $ENV{NOTIFY_SOCKET};
$name =~ s/^@/\\0/;
sub notify { send($to, $_[0], 0, pack_sockaddr_un($name)) }
notify(\"READY=1\\nSTATUS=serving \\e[2J7 clients\");
system('/bin/say', 'spoke');
sleep 1 while 1;
";

#[test]
fn each_unit_is_shown_as_it_is() {
    let lines = ":name=web,ready=notify:respawn:/bin/speaks\n\
                 :name=app,needs=slow:respawn:/bin/hold app\n\
                 :name=slow,ready=fd3:respawn:/bin/hold slow\n\
                 :name=job:once:/bin/false\n\
                 :name=bar,user=a/b:respawn:/bin/hold bar\n\
                 :name=user,user=nobody2:once:/bin/hold user\n\
                 :name=max,max=2/1h:respawn:/bin/true\n\
                 :name=if,if=/etc/none:once:/bin/hold if\n\
                 tty77::respawn:/bin/getty\n\
                 ::shutdown:/bin/say down\n";
    let ns = pidone(lines).host_programs().file("bin/speaks", SPEAKS);
    let mut ns = ns.file("etc/passwd", "root:x:0:0::/:/bin/sh\n").start();
    ns.until_said("spoke", 1);
    until_heard(&ns);
    let max = "max failed, started 2 times, last ended with code 0; 2 starts within max=, \
               given up until a reload";
    let is_up = || initctl(&ns, &["status", "web"]).1.starts_with("web up for ");
    ns.until("what it says is not heard", is_up);
    let wanted = [
        max,
        "app waiting for slow",
        "job finished, last ended with code 1",
        "bar failed: cannot honour 'user=a/b', line 5",
        "user failed: no such user, line 6",
        "if absent: /etc/none is not there, line 8; not started until a reload",
        "tty77 waiting for /dev/tty77",
        "say idle",
    ];
    let all = until_lines(&ns, &wanted);
    let web = all.lines().next().unwrap();
    let pid = ns.procs().named("speaks")[0].pid;
    assert!(web.starts_with("web up for "), "{all}");
    assert!(web.ends_with(&format!("s, pid {pid}: serving \\x1b[2J7 clients")), "{all}");
    assert!(all.contains("\nslow starting for "), "{all}");
    let (code, one) = initctl(&ns, &["status", "web"]);
    assert!(code == 0 && one.starts_with("web up for ") && one.lines().count() == 1, "{one}");
    for unit in ["slow", "job", "bar"] {
        assert_eq!(initctl(&ns, &["status", unit]).0, 3, "{unit}");
    }
    let (code, said) = initctl(&ns, &["status", "we"]);
    assert_eq!((code, said.as_str()), (4, "initctl: there is no unit 'we'\n"));
    ns.power_off();
}

#[test]
fn words_that_are_wrong_and_sockets_that_are_not_there_are_named() {
    let mut ns = pidone("::respawn:/bin/hold a\n").start();
    until_heard(&ns);
    let words: [&[&str]; 5] = [&[], &["start"], &["status", "a", "b"], &["-x", "status"], &["-S"]];
    for words in words {
        let (code, said) = initctl(&ns, words);
        assert!(code == 100 && said.contains("usage: initctl"), "{words:?}: {said}");
    }
    let (code, said) = initctl(&ns, &["-S", "/run/none", "status"]);
    let none = "initctl: cannot ask at /run/none: No such file or directory\n";
    assert_eq!((code, said.as_str()), (111, none));
    let long = format!("/run/{}", "x".repeat(103));
    let (code, said) = initctl(&ns, &["-S", &long, "status"]);
    assert!(code == 111 && said.ends_with(": File name too long\n"), "{said}");
    // A socket that nobody reads.
    drop(UnixDatagram::bind(within(&ns, "tmp/dead")).unwrap());
    let (code, said) = initctl(&ns, &["-S", "/tmp/dead", "status"]);
    assert!(code == 111 && said.ends_with(": Connection refused\n"), "{said}");
    ns.power_off();
}

#[test]
fn units_are_stopped_and_started_and_the_inittab_is_read_again() {
    let mut ns = pidone(":name=web:respawn:/bin/mind a\n").start();
    until_heard(&ns);
    ns.until_said("a", 1);
    let done = (0, String::new());
    assert_eq!(initctl(&ns, &["stop", "web"]), done);
    ns.until_said("a minds TERM", 1);
    // A shell in a trap leaves with one code or another.
    let finished = || initctl(&ns, &["status", "web"]).1.starts_with("web finished, last ended ");
    ns.until("it is not shown as finished", finished);
    assert_eq!(initctl(&ns, &["start", "web"]), done);
    ns.until_said("a", 2);
    assert_eq!(initctl(&ns, &["restart", "web"]), done);
    ns.until_said("a", 3);
    ns.root().write("etc/inittab", ":name=web:respawn:/bin/mind a\n::respawn:/bin/hold b\n");
    assert_eq!(initctl(&ns, &["reload"]), done);
    ns.until_said("b", 1);
    let (code, said) = initctl(&ns, &["stop", "nobody"]);
    assert_eq!((code, said.as_str()), (111, "there is no unit of that name\n"));
    for (words, wrong) in [
        (&["stop"][..], "no UNIT"),
        (&["reload", "web"], "web"),
        (&["start", "a", "b"], "b"),
        (&["status", "-S", "/run/s"], "/run/s"),
        (&["halt"], "halt"),
    ] {
        let (code, said) = initctl(&ns, words);
        let first = format!("initctl: '{wrong}' is not understood\nusage: initctl ");
        assert!(code == 100 && said.starts_with(&first), "{words:?}: {said}");
    }
    assert_eq!(ns.log(), "a\na minds TERM\na\na minds TERM\na\nb\n");
    ns.power_off();
}

#[test]
fn a_table_of_many_units_is_shown_whole() {
    let lines: String = (0..256).map(|n| format!(":name=u{n}:once:/bin/true {n}\n")).collect();
    let mut ns = pidone(&lines).start();
    until_heard(&ns);
    let all = until_lines(&ns, &["u255 finished, last ended with code 0"]);
    let names: Vec<_> = all.lines().map(|line| line.split(' ').next().unwrap()).collect();
    let expected: Vec<_> = (0..256).map(|n| format!("u{n}")).collect();
    assert_eq!(names, expected);
    ns.power_off();
}

#[test]
fn nobody_else_is_answered() {
    let mut ns = pidone("::respawn:/bin/hold a\n").start();
    until_heard(&ns);
    let path = within(&ns, SOCKET);
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(), 0o600);
    let ask = |user| inside(&ns, user, &["/bin/pidone", "initctl", "status"]);
    let (code, said) = ask(1000);
    assert!(code == 111 && said.ends_with(": Permission denied\n"), "{said}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let refusal = "only root and the owner of this may ask\n";
    assert_eq!(ask(1000), (111, refusal.into()));
    assert!(ask(0).1.contains(" up for "));
    ns.power_off();
}

#[test]
fn garbage_and_clients_that_never_read_hold_up_nobody() {
    let mut ns = pidone("::respawn:/bin/hold a\n").start();
    until_heard(&ns);
    let mut floods = python(
        &ns,
        "
import os, random, socket, sys
path = sys.argv[1]
deaf = [socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(40)]
for s in deaf:
    s.bind('')
    s.connect(path)
    for _ in range(50): s.send(b'1 status 0\\n')
mute = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
mute.connect(path)
long = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
long.bind('\\0' + 'x' * 100)
long.connect(path)
for n in range(5000):
    s = mute if n % 2 else long
    s.send(random.choice([b'', b'1', b'1 status 0\\n', os.urandom(700), b'1 status 99999\\n']))
print('sent')
",
    );
    let output = sys::output(&mut floods);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "sent\n");
    let (code, said) = initctl(&ns, &["status", "hold"]);
    assert!(code == 0 && said.starts_with("hold up for "), "{said}");
    ns.until("nobody holds", || ns.procs().named("sleep").len() == 1);
    sys::kill(ns.host_pid(ns.procs().named("sleep")[0].pid), libc::SIGKILL).unwrap();
    ns.until_said("a", 2);
    ns.power_off();
}

/// Sends a question with a connection that lingers to process 1, and does something before it may
/// look; by then nobody else holds the connection. The sender lives as long as its input.
fn bring_sticky(ns: &Namespace, before: impl Fn()) -> Child {
    let script = format!(
        "import sys\n{STICKY}
asker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
asker.connect(sys.argv[1])
rights = array.array('i', [sticky.fileno()])
asker.sendmsg([b'1 status 0\\n'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
sticky.close()
print('sent', flush=True)
sys.stdin.read()
"
    );
    ns.send(libc::SIGSTOP);
    let mut holds = sys::spawn(&mut python(ns, &script)).expect("python runs");
    let mut line = [0; 5];
    holds.stdout.take().unwrap().read_exact(&mut line).expect("it says that it has sent");
    before();
    ns.send(libc::SIGCONT);
    holds
}

#[test]
fn descriptors_that_somebody_sends_along_hold_up_nobody() {
    let mut ns = pidone("::sysinit:/bin/ifconfig lo up\n::respawn:/bin/hold a\n").start();
    until_heard(&ns);
    let mut holds = bring_sticky(&ns, || {});
    let (code, said) = initctl(&ns, &["status", "hold"]);
    assert!(code == 0, "{said}");
    drop(holds.stdin.take());
    holds.wait().expect("python ends");
    ns.power_off();
}

#[test]
fn a_socket_that_was_taken_away_comes_back_with_a_reload() {
    let mut ns = pidone("::respawn:/bin/hold a\n").start();
    until_heard(&ns);
    // A reload that finds it where it is leaves it alone.
    let inode = || fs::metadata(within(&ns, SOCKET)).unwrap().ino();
    let first = inode();
    ns.root().write("etc/inittab", "::respawn:/bin/hold a\n::respawn:/bin/hold b\n");
    ns.send(libc::SIGHUP);
    ns.until_said("b", 1);
    assert_eq!(inode(), first);
    fs::remove_file(within(&ns, SOCKET)).unwrap();
    ns.root().write("etc/inittab", "::respawn:/bin/hold a\n::respawn:/bin/hold c\n");
    ns.send(libc::SIGHUP);
    // The new line has the name of the removed one, and starts when that has ended.
    ns.until("nobody answers", || initctl(&ns, &["status"]).1.contains("hold-2 up for "));
    ns.power_off();
}

#[test]
fn where_there_is_no_folder_for_it_nobody_misses_it() {
    let builder = pidone("::respawn:/bin/hold a\n");
    fs::remove_dir(builder.root().path("run")).unwrap();
    let mut ns = builder.start();
    ns.until_said("a", 1);
    // With a reload it is looked for in any case.
    ns.root().write("etc/inittab", "::respawn:/bin/hold b\n");
    ns.send(libc::SIGHUP);
    ns.until_said("b", 1);
    ns.power_off();
    assert!(!ns.console().contains("pidone.sock"), "{}", ns.console());
}

#[test]
fn where_it_cannot_be_opened_this_is_said() {
    let builder = pidone("::respawn:/bin/hold a\n");
    // What is mounted already is not mounted a second time.
    let run = builder.root().path("run");
    sys::mount(c"tmpfs", &run, c"mode=755").unwrap();
    builder.root().write(SOCKET, "somebody's");
    let mut ns = builder.start();
    ns.until_shown("cannot listen at /run/pidone.sock: Address already in use; going on without");
    assert_eq!(ns.root().read(SOCKET), "somebody's");
    ns.power_off();
}

/// A supervisor that is a unit of process 1.
fn below(words: &str, units: &str) -> Builder {
    let line = format!(":name=s:respawn:/bin/pidone supervise -f /etc/units {words}\n");
    pidone(&line).file("etc/units", units)
}

fn supervisor(ns: &Namespace) -> i32 {
    ns.until("no supervisor", || ns.procs().named("pidone").len() == 1);
    ns.host_pid(ns.procs().named("pidone")[0].pid)
}

#[test]
fn a_supervisor_takes_its_socket_over_from_one_that_was_killed() {
    let mut ns = below("-S /run/s.sock", "::respawn:/bin/hold a\n").start();
    ns.until_said("a", 1);
    let ask = || initctl(&ns, &["-S", "/run/s.sock", "status", "hold"]);
    assert_eq!(ask().0, 0);
    sys::kill(supervisor(&ns), libc::SIGKILL).unwrap();
    ns.until_said("a", 2);
    assert_eq!(ask().0, 0);
    sys::kill(supervisor(&ns), libc::SIGTERM).unwrap();
    ns.until_said("a", 3);
    assert_eq!(ask().0, 0);
    ns.power_off();
}

#[test]
fn a_second_supervisor_is_refused_and_the_first_one_keeps_its_socket() {
    let mut ns = below("-S /run/s.sock", "::respawn:/bin/hold a\n").start();
    ns.until_said("a", 1);
    let words = ["/bin/pidone", "supervise", "-f", "/etc/units", "-S"];
    let second = |path: &str| inside(&ns, 0, &[&words[..], &[path]].concat());
    let (code, said) = second("/run/s.sock");
    assert_eq!(code, 111);
    assert_eq!(said, "pidone: cannot listen at /run/s.sock: Address already in use\n");
    let (code, said) = initctl(&ns, &["-S", "/run/s.sock", "status", "hold"]);
    assert!(code == 0, "{said}");
    // What is no socket, and what leads elsewhere, is left alone.
    ns.root().write("tmp/file", "somebody's");
    symlink("/run/victim", ns.root().path("tmp/link")).unwrap();
    drop(UnixDatagram::bind(within(&ns, "run/victim")).unwrap());
    for (path, why) in [
        ("/tmp/file", "Address already in use"),
        ("/tmp/link", "Address already in use"),
        ("/tmp/none/s", "No such file or directory"),
        (&format!("/tmp/{}", "x".repeat(103)), "File name too long"),
    ] {
        let (code, said) = second(path);
        assert!(code == 111 && said.ends_with(&format!(": {why}\n")), "{path}: {said}");
    }
    assert_eq!(ns.root().read("tmp/file"), "somebody's");
    assert!(within(&ns, "run/victim").exists() && ns.root().path("tmp/link").is_symlink());
    assert_eq!(ns.log(), "a\n", "nothing was started twice");
    ns.power_off();
}

#[test]
fn a_supervisor_answers_its_owner_and_root_while_a_line_is_still_waited_for() {
    let lines = ":user=1000:respawn:/bin/pidone supervise -f /etc/units -S /home/s.sock\n";
    let units = ":name=w:wait:/bin/await /tmp/go\n:name=a:respawn:/bin/sleep 100000\n";
    let passwd = "web:x:1000:1000::/home:/bin/sh\n";
    let builder = pidone(lines).file("etc/units", units).file("etc/passwd", passwd);
    let home = builder.root().path("home");
    fs::create_dir(&home).unwrap();
    chown(&home, Some(1000), Some(1000)).unwrap();
    let mut ns = builder.start();
    ns.until("no socket came", || home.join("s.sock").exists());
    let words = ["/bin/pidone", "initctl", "-S", "/home/s.sock", "status"];
    for user in [0, 1000] {
        let (code, said) = inside(&ns, user, &words);
        assert!(code == 0 && said.starts_with("w up for "), "{user}: {said}");
        assert!(said.ends_with("\na idle\n"), "{user}: {said}");
    }
    let (code, said) = inside(&ns, 1001, &words);
    assert!(code == 111 && said.ends_with(": Permission denied\n"), "{said}");
    ns.root().write("tmp/go", "");
    ns.until("it does not go on", || ns.procs().named("sleep").len() == 1);
    ns.power_off();
}

#[test]
fn a_supervisor_keeps_its_socket_to_the_end() {
    let units = ":name=down:shutdown:/bin/await /tmp/go\n::respawn:/bin/hold a\n";
    let mut ns = below("-S /run/s.sock", units).start();
    ns.until_said("a", 1);
    sys::kill(supervisor(&ns), libc::SIGTERM).unwrap();
    let ask = || initctl(&ns, &["-S", "/run/s.sock", "status", "down"]);
    ns.until("the line is not shown to run", || ask().1.starts_with("down up for "));
    // Who took it now would lose it when the first one ends.
    let words = ["/bin/pidone", "supervise", "-f", "/etc/units", "-S", "/run/s.sock"];
    let (code, said) = inside(&ns, 0, &words);
    assert_eq!(code, 111, "{said}");
    ns.root().write("tmp/go", "");
    ns.until_said("a", 2);
    assert_eq!(ask().0, 3);
    ns.power_off();
}

#[test]
fn a_question_that_brings_a_descriptor_does_not_hold_up_the_way_down() {
    let slow = "#!/bin/sh\ntrap '/bin/say asked; /bin/await /tmp/go; exit' TERM\n\
                /bin/say a\nwhile :; do usleep 10000; done\n";
    let lines = "::sysinit:/bin/ifconfig lo up\n::respawn:/bin/slow\n::shutdown:/bin/say down\n";
    let mut ns = pidone(lines).file("bin/slow", slow).start();
    ns.until_said("a", 1);
    until_heard(&ns);
    ns.send(libc::SIGUSR2);
    ns.until_said("asked", 1);
    // Who writes the record of this is a copy of process 1, with all that it has open.
    ns.until("a copy stays", || ns.procs().named("init").len() == 1);
    // The end of the last unit is heard before the question, and the line begins.
    let mut holds = bring_sticky(&ns, || {
        ns.root().write("tmp/go", "");
        ns.until("the unit goes on", || ns.procs().named("slow").iter().all(|p| p.state == 'Z'));
    });
    ns.until_said("down", 1);
    drop(holds.stdin.take());
    holds.wait().expect("python ends");
    ns.power_off();
}
