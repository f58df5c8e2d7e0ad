//! When a unit is ready, and who waits for whom: pidone as PID 1 of a namespace.

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use support::lingering::STICKY;
use support::{Builder, Init, Namespace};

fn pidone(inittab: &str) -> Builder {
    Builder::new(Init::Pidone).inittab(inittab)
}

/// Waits until a file of the root is there before it goes on.
fn open(ns: &Namespace, door: &str) {
    ns.root().write(door, "");
}

/// Where a line stands in the recorders' log.
fn place(ns: &Namespace, line: &str) -> usize {
    let log = ns.log();
    let found = log.lines().position(|is| is == line);
    found.unwrap_or_else(|| panic!("{line} is not there: {log}"))
}

/// A service of this readiness, and one that waits for it: the second must not start before the
/// first has done what makes it ready.
fn waits(ready: &str, service: &str) -> Namespace {
    let lines = format!(
        "::sysinit:/bin/ifconfig lo up\n\
         :name=web,after=db:respawn:/bin/hold web\n\
         :name=db,ready={ready}:once:/bin/service\n\
         ::respawn:/bin/hold other\n"
    );
    let service =
        format!("#!/bin/sh\n/bin/say db\n/bin/await /tmp/door\n/bin/say opens\n{service}");
    let ns = pidone(&lines).host_programs().file("bin/service", service).start();
    ns.until_said("db", 1);
    ns.until_said("other", 1);
    open(&ns, "tmp/door");
    ns.until_said("web", 1);
    assert!(place(&ns, "opens") < place(&ns, "web"), "{}", ns.log());
    ns
}

#[test]
fn a_newline_on_a_descriptor_makes_ready() {
    for (ready, number) in [("fd3", 3), ("fd7", 7)] {
        let service = format!("echo >&{number}\nexec sleep 100000\n");
        waits(ready, &service).power_off();
    }
}

/// More than process 1 reads at once, all in one write, so that there is news of it once.
#[test]
fn a_newline_behind_much_else_makes_ready() {
    waits("fd3", "printf '%4000s\\n' . >&3\nexec sleep 100000\n").power_off();
}

/// It is the bytes that count, not in how many pieces they come.
#[test]
fn a_newline_behind_many_small_pieces_makes_ready() {
    let service = "i=0\nwhile [ $i -lt 200 ]; do printf . >&3; (:); i=$((i+1)); done\n\
                   printf '%4000s\\n' . >&3\nexec sleep 100000\n";
    waits("fd3", service).power_off();
}

#[test]
fn whoever_writes_much_without_a_newline_has_to_wait() {
    let service = "#!/bin/sh\n/bin/say begins\nhead -c 1000000 /dev/zero >&3\n/bin/say drained\n";
    let lines = ":ready=fd3:once:/bin/service\n:delay=1ms,max-delay=1ms:respawn:/bin/say again\n";
    let mut ns = pidone(lines).file("bin/service", service).start();
    ns.until_said("begins", 1);
    ns.until("it does not write", || !ns.procs().named("head").is_empty());
    let before = ns.log().lines().count();
    ns.until_said("again", before + 50);
    assert!(!ns.log().contains("drained"), "process 1 reads on and on: {}", ns.log());
    ns.power_off();
}

#[test]
fn a_path_makes_ready_wherever_it_comes() {
    waits("/tmp/ready", "touch /tmp/ready\nexec sleep 100000\n").power_off();
    let deep = "mkdir -p /tmp/a/b\ntouch /tmp/a/b/c\nexec sleep 100000\n";
    waits("/tmp/a/b/c", deep).power_off();
}

#[test]
fn a_port_that_answers_makes_ready() {
    waits("port8080", "exec nc -lk -p 8080 -e true\n").power_off();
}

#[test]
fn an_aide_that_waits_ends_with_its_unit() {
    let lines = "::sysinit:/bin/ifconfig lo up\n:ready=port8080:respawn:/bin/hold a\n\
                 :ready=/tmp/never:respawn:/bin/hold b\n";
    let mut ns = pidone(lines).start();
    ns.until_said("a", 1);
    ns.until_said("b", 1);
    let aides = |ns: &Namespace| ns.procs().named("init").len() - 1;
    ns.until("nobody looks", || aides(&ns) == 2);
    ns.root().write("etc/inittab", "::respawn:/bin/hold other\n");
    ns.send(libc::SIGHUP);
    ns.until_said("other", 1);
    ns.until("an aide stays", || aides(&ns) == 0);
    ns.power_off();
}

#[test]
fn a_good_end_makes_ready_and_a_bad_one_does_not() {
    waits("exit", "exit 0\n").power_off();
    let lines = ":name=web,needs=db:respawn:/bin/say web\n:name=db,ready=exit:once:/bin/false\n\
                 :after=db:once:/bin/hold other\n";
    let mut ns = pidone(lines).start();
    ns.until_said("other", 1);
    ns.until_shown("db (pid ");
    ns.power_off();
    assert!(!ns.log().contains("web"), "{}", ns.log());
}

#[test]
fn a_program_that_cannot_be_executed_is_never_ready() {
    let lines = ":name=web,after=db:respawn:/bin/say web\n:name=db:respawn:/bin/nowhere\n\
                 ::respawn:/bin/hold other\n";
    let mut ns = pidone(lines).start();
    ns.until_shown("db: cannot run '/bin/nowhere': No such file or directory");
    ns.until_said("other", 1);
    ns.root().write("bin/nowhere", "#!/bin/sh\n/bin/say db\nexec sleep 100000\n");
    ns.until_said("web", 1);
    ns.power_off();
}

#[test]
fn units_stop_in_the_reverse_of_the_order_they_started_in() {
    // By their lines it would be the other way round.
    let linger = "#!/bin/sh
trap 'usleep 300000; /bin/say \"$1 ends\"; exit' TERM
/bin/say $1
[ $1 = top ] || echo >&3
while :; do sleep 100000 & wait $!; done
";
    let lines = ":name=top,after=mid:respawn:/bin/linger top\n\
                 :name=mid,needs=base,ready=fd3:respawn:/bin/linger mid\n\
                 :name=base,ready=fd3:respawn:/bin/linger base\n";
    let mut ns = pidone(lines).file("bin/linger", linger).start();
    ns.until_said("top", 1);
    ns.power_off();
    assert_eq!(ns.log(), "base\nmid\ntop\ntop ends\nmid ends\nbase ends\n");
}

#[test]
fn who_needs_a_unit_stops_with_it_for_good_and_comes_back_with_it() {
    let lines = ":name=web,needs=db:respawn:/bin/mind web\n:name=db,max=2/1h:respawn:/bin/db\n";
    let db = "#!/bin/sh\n/bin/say db\nexec sleep 100000\n";
    let mut ns = pidone(lines).file("bin/db", db).start();
    for round in 1..=2 {
        ns.until_said("db", round);
        ns.until_said("web", 1);
        // The other one that sleeps is a child of web.
        let db = || ns.procs().named("sleep").into_iter().find(|p| p.parent == 1);
        ns.until("db does not run", || db().is_some());
        let db = ns.host_pid(db().unwrap().pid);
        support::sys::kill(db, libc::SIGKILL).unwrap();
    }
    ns.until_said("web minds TERM", 1);
    ns.until_shown("web: stopped, since it needs db, which is over");
    ns.send(libc::SIGHUP);
    ns.until_said("db", 3);
    ns.until_said("web", 2);
    ns.power_off();
}

#[test]
fn circles_and_missing_names_are_told_and_nothing_waits_for_ever() {
    let lines = ":name=a,after=b:respawn:/bin/hold a\n:name=b,needs=c:respawn:/bin/hold b\n\
                 :name=c,after=a:respawn:/bin/hold c\n:needs=none:respawn:/bin/hold d\n";
    let mut ns = pidone(lines).start();
    for line in ["a", "b", "c", "d"] {
        ns.until_said(line, 1);
    }
    ns.until_shown("inittab:1: 'a' waits for 'b', and that for it; its after= and needs= ignored");
    ns.until_shown("inittab:4: there is no unit 'none' to wait for; not waited for");
    ns.power_off();
}

/// A service that speaks as sd_notify(3) has it: it executes each line that it is sent.
const NOTIFIER: &str = r#"#!/usr/bin/perl
use Socket;
$| = 1;
sub notify {
    my $name = $ENV{NOTIFY_SOCKET} or die "nobody listens";
    $name =~ s/^@/\0/;
    socket(my $to, AF_UNIX, SOCK_DGRAM, 0) or die $!;
    send($to, $_[0], 0, pack_sockaddr_un($name)) or die $!;
}
sub say { system("/bin/say", @_) }
sub door { system("/bin/await", "/tmp/$_[0]") }
"#;

fn notifier(script: &str) -> String {
    format!("{NOTIFIER}{script}")
}

#[test]
fn sd_notify_makes_ready_and_only_the_unit_itself_is_believed() {
    let service = "
say('db');
door('door');
say('opens');
notify(\"STATUS=half way\\nREADY=1\");
sleep 100000;
";
    let stranger = "
$ENV{NOTIFY_SOCKET} = $ARGV[0];
notify('READY=1');
say('lied');
sleep 100000;
";
    let lines = ":name=web,needs=db:respawn:/bin/hold web\n\
                 :name=db,ready=notify:respawn:/bin/service\n";
    let builder = pidone(lines).host_programs().file("bin/service", notifier(service));
    let mut ns = builder.file("bin/stranger", notifier(stranger)).start();
    ns.until_said("db", 1);
    let socket = socket_of(&ns, "service");
    assert!(socket.starts_with('@'), "{socket}");
    let more = format!("{lines}::once:/bin/stranger {socket}\n");
    ns.root().write("etc/inittab", more);
    ns.send(libc::SIGHUP);
    ns.until_said("lied", 1);
    open(&ns, "tmp/door");
    ns.until_said("web", 1);
    assert!(place(&ns, "opens") < place(&ns, "web"), "{}", ns.log());
    ns.power_off();
}

/// Where a service was told to speak.
fn socket_of(ns: &Namespace, service: &str) -> String {
    let pid = ns.procs().named(service)[0].pid;
    let environ = ns.procs().read(&format!("{pid}/environ"));
    let socket = environ.split('\0').find_map(|var| var.strip_prefix("NOTIFY_SOCKET="));
    socket.expect("it is told where to speak").to_owned()
}

#[test]
fn strangers_that_flood_the_socket_keep_neither_units_nor_requests_from_being_heard() {
    let service = "
say('db');
door('door');
notify('READY=1');
say('opens');
sleep 100000;
";
    // They are no unit's, and another user's.
    let flood = "
exit 0 if fork;
require POSIX;
POSIX::setsid();
($(, $)) = (65534, '65534 65534');
($<, $>) = (65534, 65534);
$ENV{NOTIFY_SOCKET} = $ARGV[0];
for (my $count = 0; 1; $count++) {
    notify('READY=1' . \"\\nSTATUS=x\" x 50);
    say('floods') if $count == 500;
}
";
    let lines = ":name=web,needs=db:respawn:/bin/hold web\n\
                 :name=db,ready=notify:respawn:/bin/service\n";
    let builder = pidone(lines).host_programs().file("bin/service", notifier(service));
    let mut ns = builder.file("bin/flood", notifier(flood)).start();
    fs::set_permissions(ns.root().path("out"), Permissions::from_mode(0o777)).unwrap();
    ns.until_said("db", 1);
    fs::set_permissions(ns.root().path("out/log"), Permissions::from_mode(0o666)).unwrap();
    let socket = socket_of(&ns, "service");
    let more = format!("{lines}:count=8:once:/bin/flood {socket}\n");
    ns.root().write("etc/inittab", &more);
    ns.send(libc::SIGHUP);
    ns.until_said("floods", 8);
    assert!(!ns.log().contains("web"), "{}", ns.log());
    open(&ns, "tmp/door");
    ns.until_said("web", 1);
    ns.root().write("etc/inittab", format!("{more}::respawn:/bin/hold other\n"));
    ns.send(libc::SIGHUP);
    ns.until_said("other", 1);
    ns.power_off();
}

#[test]
fn a_child_of_the_unit_speaks_for_it() {
    waits("notify", "/usr/bin/systemd-notify --ready\nexec sleep 100000\n").power_off();
}

#[test]
fn half_a_line_at_the_end_of_a_message_that_is_too_long_says_nothing() {
    // With its last byte it says something that is not known.
    let service = "
say('db');
notify('STATUS=' . 'x' x (512 - 7 - 8) . \"\\nREADY=10\");
say('spoke');
door('door');
say('opens');
notify('STATUS=y' . \"\\nREADY=1\" x 100);
sleep 100000;
";
    let lines = ":name=web,needs=db:respawn:/bin/hold web\n\
                 :name=db,ready=notify:respawn:/bin/service\n";
    let mut ns = pidone(lines).host_programs().file("bin/service", notifier(service)).start();
    ns.until_said("spoke", 1);
    ns.until_ready();
    open(&ns, "tmp/door");
    ns.until_said("web", 1);
    assert!(place(&ns, "opens") < place(&ns, "web"), "{}", ns.log());
    ns.power_off();
}

#[test]
fn a_unit_that_asks_for_more_time_to_stop_gets_it() {
    let service = "
$SIG{TERM} = sub {
    notify('EXTEND_TIMEOUT_USEC=60000000');
    select(undef, undef, undef, 5);
    say('done');
    exit 0;
};
say('up');
notify('READY=1');
sleep 1 while 1;
";
    let lines = ":grace=4s,ready=notify:respawn:/bin/service\n";
    let mut ns = pidone(lines).host_programs().file("bin/service", notifier(service)).start();
    ns.until_said("up", 1);
    ns.root().write("etc/inittab", "::respawn:/bin/hold other\n");
    ns.send(libc::SIGHUP);
    ns.until_said("done", 1);
    ns.power_off();
}

#[test]
fn descriptors_that_are_sent_along_cannot_hold_up_process_1() {
    let service = "
to = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
to.connect('\\0' + os.environ['NOTIFY_SOCKET'][1:])
subprocess.run(['/bin/say', 'waits'])
subprocess.run(['/bin/await', '/tmp/go'])
rights = array.array('i', [sticky.fileno()])
to.sendmsg([b'STATUS=x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
sticky.close()
to.send(b'READY=1')
subprocess.run(['/bin/say', 'sent'])
time.sleep(100000)
";
    let service = format!("#!/usr/bin/python3{STICKY}{service}");
    let lines = ":name=s,ready=notify:respawn:/bin/service\n\
                 :after=s:once:/bin/say after\n\
                 ::respawn:/bin/mind other\n";
    let lines = format!("::sysinit:/bin/ifconfig lo up\n{lines}");
    let mut ns = pidone(&lines).host_programs().file("bin/service", service).start();
    ns.until_said("waits", 1);
    ns.until_said("other", 1);
    // Nobody takes the message before its sender has let go of the connection.
    ns.send(libc::SIGSTOP);
    open(&ns, "tmp/go");
    ns.until_said("sent", 1);
    ns.send(libc::SIGCONT);
    ns.until_said("after", 1);
    let other = ns.host_pid(ns.procs().named("mind")[0].pid);
    support::sys::kill(other, libc::SIGKILL).unwrap();
    ns.until_said("other", 2);
    ns.power_off();
}
