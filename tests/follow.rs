//! Programs that make daemons of themselves, followed by pidone as PID 1 of a namespace.

mod support;

use support::{Builder, Init, Namespace};

/// Forks twice, writes down the last process, and ends; the daemon says when it is asked to end.
const DAEMON: &str = "#!/usr/bin/perl
use POSIX 'setsid';
sub say { system('/bin/say', @_) }
exit 0 if fork;
setsid;
exit 0 if fork;
select(undef, undef, undef, 0.2);
open(my $file, '>', '/run/daemon.pid') or die;
print $file \"$$\\n\";
close($file);
$SIG{TERM} = sub { say('ends'); exit 0 };
say('up');
sleep 1 while ! -e '/tmp/crash';
unlink('/tmp/crash');
exit 3;
";

fn pidone(inittab: &str) -> Builder {
    Builder::new(Init::Pidone).host_programs().file("bin/daemon", DAEMON).inittab(inittab)
}

/// The process that pidone says the unit goes on as.
fn followed(ns: &Namespace) -> i32 {
    let mut pid = None;
    // Those that it came from may still be about to end.
    ns.until("not one daemon", || {
        let all = ns.procs().named("daemon");
        pid = (all.len() == 1).then(|| all[0].pid);
        pid.is_some()
    });
    pid.expect("it is there")
}

/// Whether an aide looks for a process. Who writes a record is a copy of process 1 too, but leads
/// no session.
fn an_aide_looks(ns: &Namespace) -> bool {
    let leads = |pid: i32| {
        let stat = ns.procs().read(&format!("{pid}/stat"));
        let session = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(3));
        session == Some(&pid.to_string())
    };
    ns.procs().named("init").iter().any(|p| p.pid != 1 && leads(p.pid))
}

#[test]
fn a_daemon_is_followed_started_again_and_stopped() {
    let lines = ":name=d,pidfile=/run/daemon.pid:respawn:/bin/daemon\n\
                 :name=web,after=d:respawn:/bin/hold web\n";
    // What an earlier life left behind names a process that lives.
    let mut ns = pidone(lines).file("run/daemon.pid", "1\n").start();
    ns.until_said("up", 1);
    ns.until_said("web", 1);
    assert!(ns.log().starts_with("up\n"), "who waits for it waits for the daemon: {}", ns.log());
    let first = followed(&ns);
    support::sys::kill(ns.host_pid(first), libc::SIGKILL).unwrap();
    ns.until_said("up", 2);
    ns.root().write("tmp/crash", "");
    ns.until_said("up", 3);
    ns.power_off();
    assert_eq!(ns.log().lines().filter(|line| *line == "ends").count(), 1, "{}", ns.log());
}

#[test]
fn a_pidfile_that_names_a_stranger_is_not_believed() {
    let liar = "#!/bin/sh\necho $1 > /run/liar.pid\n/bin/say lied\n";
    let lines = "::respawn:/bin/mind other\n:pidfile=/run/liar.pid:once:/bin/liar 1\n";
    let mut ns = pidone(lines).file("bin/liar", liar).start();
    ns.until_said("other", 1);
    ns.until_said("lied", 1);
    ns.until_shown("liar has left no process behind that could be followed");
    let other = ns.procs().named("mind")[0].pid;
    let lines = format!(
        "::respawn:/bin/mind other\n:name=liar,pidfile=/run/liar.pid:once:/bin/liar {other}\n"
    );
    ns.root().write("etc/inittab", lines);
    ns.send(libc::SIGHUP);
    ns.until_said("lied", 2);
    let said = "left no process behind that could be followed";
    ns.until("it is believed", || ns.console().matches(said).count() == 2);
    ns.root().write("etc/inittab", "::respawn:/bin/mind other\n");
    ns.send(libc::SIGHUP);
    ns.until("an aide stays", || ns.procs().named("init").len() == 1);
    assert!(!ns.log().contains("minds"), "a stranger was stopped: {}", ns.log());
    ns.power_off();
}

#[test]
fn a_link_that_anybody_may_have_put_there_is_no_pidfile() {
    let linked = "#!/bin/sh
mkdir -m 777 /run/open; ln -s /run/daemon.pid /run/open/d.pid
exec /bin/daemon
";
    let lines = ":name=d,pidfile=/run/open/d.pid:once:/bin/linked\n";
    let mut ns = pidone(lines).file("bin/linked", linked).start();
    ns.until_said("up", 1);
    ns.until_shown("d has left no process behind that could be followed");
    ns.power_off();
}

#[test]
fn a_service_names_its_heir_itself() {
    let service = "#!/usr/bin/perl
use POSIX 'setsid';
use Socket;
my $name = $ENV{NOTIFY_SOCKET};
$name =~ s/^@/\\0/;
socket(my $to, AF_UNIX, SOCK_DGRAM, 0) or die $!;
pipe(my $hears, my $tells) or die $!;
my $heir = fork;
if (! $heir) {
    $SIG{TERM} = sub { system('/bin/say', 'heir ends'); exit 0 };
    syswrite($tells, '.');
    sleep 1 while 1;
}
# Only then does it say anything at its end.
sysread($hears, my $byte, 1) or die $!;
send($to, \"MAINPID=$heir\\nREADY=1\", 0, pack_sockaddr_un($name)) or die $!;
system('/bin/say', 'up');
exit 0;
";
    let lines = ":name=d,ready=notify:respawn:/bin/service\n:after=d:once:/bin/say after\n";
    let mut ns = pidone(lines).file("bin/service", service).start();
    ns.until_said("up", 1);
    ns.until_said("after", 1);
    ns.until("the heir is gone", || ns.procs().named("service").len() == 1);
    ns.power_off();
    assert!(ns.log().ends_with("heir ends\n"), "{}", ns.log());
    assert_eq!(ns.log().lines().filter(|line| *line == "up").count(), 1, "{}", ns.log());
}

#[test]
fn a_service_that_names_its_heir_is_not_ready_before_that_says_so() {
    let service = "#!/usr/bin/perl
use POSIX 'setsid';
use Socket;
sub notify {
    (my $name = $ENV{NOTIFY_SOCKET}) =~ s/^@/\\0/;
    socket(my $to, AF_UNIX, SOCK_DGRAM, 0) or die $!;
    send($to, $_[0], 0, pack_sockaddr_un($name)) or die $!;
}
sub await { select(undef, undef, undef, 0.01) until -e $_[0] }
if (my $heir = fork) {
    await('/tmp/apart');
    notify(\"MAINPID=$heir\");
    system('/bin/say', 'named');
    exit 0;
}
setsid;
system('/bin/touch', '/tmp/apart');
await('/tmp/door');
system('/bin/say', 'opens');
notify('READY=1');
sleep 100000;
";
    let lines = ":name=d,ready=notify:respawn:/bin/service\n:after=d:once:/bin/say after\n";
    let mut ns = pidone(lines).file("bin/service", service).start();
    ns.until_said("named", 1);
    ns.until("the heir is not followed", || {
        let service = ns.procs().named("service");
        service.len() == 1 && service[0].parent == 1 && ns.procs().named("init").len() == 1
    });
    ns.until_ready();
    ns.root().write("tmp/door", "");
    ns.until_said("after", 1);
    ns.power_off();
    assert_eq!(ns.log(), "named\nopens\nafter\n");
}

#[test]
fn a_unit_without_the_right_to_signal_a_process_is_not_followed_to_it() {
    let orphan = "#!/bin/sh\n/bin/mind other &\n";
    let liar = "#!/bin/sh\necho $1 > /tmp/liar.pid\n";
    let lines = "::sysinit:/bin/chmod 777 /tmp\n::once:/bin/orphan\n";
    let mut ns = pidone(lines).file("bin/orphan", orphan).file("bin/liar", liar).start();
    ns.until_said("other", 1);
    let other = ns.procs().named("mind")[0].pid;
    let options = "name=liar,pidfile=/tmp/liar.pid,user=65534,group=65534";
    ns.root().write("etc/inittab", format!("{lines}:{options}:once:/bin/liar {other}\n"));
    ns.send(libc::SIGHUP);
    ns.until_shown("liar has left no process behind that could be followed");
    ns.root().write("etc/inittab", lines);
    ns.send(libc::SIGHUP);
    ns.until("an aide stays", || ns.procs().named("init").len() == 1);
    assert!(!ns.log().contains("minds"), "a stranger was stopped: {}", ns.log());
    ns.power_off();
}

#[test]
fn a_daemon_that_ends_before_the_word_of_it_comes_is_started_again() {
    let daemon = "#!/bin/sh
(
    /bin/say up
    /bin/await /tmp/go
    /bin/sh -c 'echo $PPID' > /tmp/daemon.pid
    exec sleep 100000
) &
";
    let lines = ":pidfile=/tmp/daemon.pid:respawn:/bin/daemon\n::respawn:/bin/mind other\n";
    let mut ns = Builder::new(Init::Pidone)
        .host_programs()
        .file("bin/daemon", daemon)
        .inittab(lines)
        .start();
    ns.until_said("up", 1);
    ns.until_said("other", 1);
    ns.until("nobody looks for it", || an_aide_looks(&ns));
    ns.send(libc::SIGSTOP);
    // Whose end is told first decides who is reaped first; then it is the eldest.
    let other = ns.procs().named("mind")[0].pid;
    support::sys::kill(ns.host_pid(other), libc::SIGKILL).unwrap();
    ns.root().write("tmp/go", "");
    ns.until("it is not found", || !an_aide_looks(&ns));
    let daemon = ns.root().read("tmp/daemon.pid").trim().parse().unwrap();
    support::sys::kill(ns.host_pid(daemon), libc::SIGKILL).unwrap();
    let ended = |pid: i32| ns.procs().all().iter().any(|p| p.pid == pid && p.state == 'Z');
    ns.until("they do not end", || ended(other) && ended(daemon));
    ns.send(libc::SIGCONT);
    ns.until_said("up", 2);
    ns.power_off();
}
