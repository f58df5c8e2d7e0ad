//! What the options of a line ask for, done by pidone as PID 1 of a namespace.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use support::{Builder, Init, Namespace};

const PASSWD: &str = "root:x:0:0:root:/:/bin/sh\nweb:x:33:34:Web:/var/web:/bin/false\n";
const GROUP: &str = "root:x:0:\nweb:x:34:\naudio:x:29:anna,web\ntty:x:5:\nvideo:x:44:anna\n";

fn pidone(inittab: &str) -> Builder {
    let accounts = Builder::new(Init::Pidone).file("etc/passwd", PASSWD).file("etc/group", GROUP);
    accounts.inittab(inittab)
}

/// One field of the status of the only process of this name.
fn status(ns: &Namespace, name: &str, field: &str) -> String {
    ns.until("it does not run", || ns.procs().named(name).len() == 1);
    let pid = ns.procs().named(name)[0].pid;
    let status = ns.procs().read(&format!("{pid}/status"));
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let words = line.unwrap_or_default().trim_start_matches(':').split_whitespace();
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_user_brings_the_groups_and_the_home_that_belong_to_it() {
    let mut ns = pidone(":user=web:respawn:/bin/sleep 100000\n").start();
    assert_eq!(status(&ns, "sleep", "Uid"), "33 33 33 33");
    assert_eq!(status(&ns, "sleep", "Gid"), "34 34 34 34");
    assert_eq!(status(&ns, "sleep", "Groups"), "29");
    assert_eq!(status(&ns, "sleep", "CapEff"), "0000000000000000");
    let pid = ns.procs().named("sleep")[0].pid;
    let environ = ns.procs().read(&format!("{pid}/environ"));
    for var in ["USER=web", "LOGNAME=web", "HOME=/var/web", "PATH=/sbin:/usr/sbin:/bin:/usr/bin"] {
        let count = environ.split('\0').filter(|is| *is == var).count();
        assert_eq!(count, 1, "{var}: {environ:?}");
    }
    assert!(!environ.contains("USER=root"), "{environ:?}");
    ns.power_off();
}

#[test]
fn named_groups_take_the_place_of_the_users_own_one_and_numbers_need_no_name() {
    let mut ns = pidone(":user=web,group=tty+video+77:respawn:/bin/sleep 100000\n").start();
    assert_eq!(status(&ns, "sleep", "Gid"), "5 5 5 5");
    assert_eq!(status(&ns, "sleep", "Groups"), "29 44 77");
    ns.power_off();
    let mut ns = pidone(":user=1000,group=1001:respawn:/bin/sleep 100000\n").start();
    assert_eq!(status(&ns, "sleep", "Uid"), "1000 1000 1000 1000");
    assert_eq!(status(&ns, "sleep", "Gid"), "1001 1001 1001 1001");
    assert_eq!(status(&ns, "sleep", "Groups"), "");
    ns.power_off();
}

#[test]
fn mask_priority_limits_folder_and_environment_are_as_asked() {
    let options = "dir=/var,umask=027,nice=7,oom=123,nofile=77,env=/etc/web,nnp";
    let lines = format!(":{options}:once:/bin/probe cwd umask nice oom limits env done hold\n");
    let env = "# how it is run\nCOLOUR=\"deep blue\"\nHOME=/elsewhere\n";
    let mut ns = pidone(&lines).file("etc/web", env).start();
    ns.until_said("done", 1);
    let log = ns.log();
    for line in ["cwd /var", "umask 0027", "nice 7", "oom 123", "nofile 77", "COLOUR=deep blue"] {
        assert!(log.lines().any(|is| is == line), "{line}: {log}");
    }
    assert!(log.contains("HOME=/elsewhere\n") && !log.contains("HOME=/\n"), "{log}");
    assert_eq!(status(&ns, "sleep", "NoNewPrivs"), "1");
    ns.power_off();
}

#[test]
fn a_root_folder_confines_the_unit() {
    let builder = pidone(":root=/jail,dir=/home,user=web:respawn:/bin/sleep 100000\n");
    fs::create_dir_all(builder.root().path("jail/bin")).expect("a folder in the jail");
    builder.root().copy(support::tools::busybox(), "jail/bin/sleep");
    fs::create_dir(builder.root().path("jail/home")).expect("a folder in the jail");
    let mut ns = builder.start();
    assert_eq!(status(&ns, "sleep", "Uid"), "33 33 33 33");
    let pid = ns.procs().named("sleep")[0].pid;
    assert!(ns.procs().link(&format!("{pid}/root")).ends_with("/jail"));
    assert!(ns.procs().link(&format!("{pid}/cwd")).ends_with("/jail/home"));
    ns.power_off();
}

/// A unit that cannot be set up: it must not run, and this must be said.
fn refuses(option: &str, said: &str) {
    let builder =
        pidone(&format!(":name=web,{option}:respawn:/bin/say ran\n::respawn:/bin/hold other\n"));
    let mut ns = builder.file("etc/bad", "no variable\n").start();
    ns.until_said("other", 1);
    ns.until_shown(said);
    ns.power_off();
    assert!(!ns.log().contains("ran"), "{option}: {}", ns.log());
}

#[test]
fn a_step_that_fails_is_named_and_the_unit_does_not_run_without_it() {
    refuses("user=nobody", "web: no such user; next start in ");
    refuses("user=99", "web: no such user; ");
    refuses("group=web+nogroup", "web: no such group; ");
    refuses("root=/nowhere", "web: cannot carry out root=: No such file or directory; ");
    refuses("dir=/etc/passwd", "web: cannot carry out dir=: Not a directory; ");
    refuses("env=/etc/none", "web: cannot carry out env=: No such file or directory; ");
    refuses("env=/etc/bad", "web: cannot carry out env=: Invalid argument; ");
    refuses("nofile=4294967295", "web: cannot carry out nofile=: Operation not permitted; ");
    refuses("user=a/b", "option 'user=a/b': expected a name or a number; unit not run");
    refuses("nnp=1", "option 'nnp=1': expected no value; unit not run");
}

#[test]
fn a_folder_that_the_user_may_not_enter_is_not_entered_as_root() {
    let builder = pidone(":name=web,user=web,dir=/secret:respawn:/bin/say ran\n");
    let secret = builder.root().path("secret");
    fs::create_dir(&secret).expect("a folder");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o700)).expect("its mode");
    let mut ns = builder.start();
    ns.until_shown("web: cannot carry out dir=: Permission denied; ");
    ns.power_off();
    assert!(!ns.log().contains("ran"));
}

/// Ends a worker and waits until it is gone.
fn end_worker(ns: &Namespace, name: &str, how: &str) {
    ns.root().write(&format!("tmp/{name}"), how);
}

#[test]
fn workers_have_their_numbers_and_are_started_again_after_failures_alone() {
    let worker = "#!/bin/sh
/bin/say up $INSTANCE
[ -e /tmp/ill$INSTANCE ] && exit 1
/bin/await /tmp/$INSTANCE
how=$(cat /tmp/$INSTANCE)
rm /tmp/$INSTANCE
/bin/say $INSTANCE $how
$how
kill -SEGV $$
";
    let options = "name=work,count=4,restart=on-failure,max=100/1h,delay=10ms,max-delay=10ms";
    let mut ns =
        pidone(&format!(":{options}:once:/bin/worker\n")).file("bin/worker", worker).start();
    for instance in 0..4 {
        ns.until_said(&format!("up {instance}"), 1);
    }
    end_worker(&ns, "1", "exit 3");
    ns.until_said("up 1", 2);
    end_worker(&ns, "2", "true");
    ns.until_said("up 2", 2);
    end_worker(&ns, "3", "exit 0");
    ns.until_said("3 exit 0", 1);
    ns.root().write("tmp/ill0", "");
    end_worker(&ns, "0", "exit 1");
    ns.until_shown("100 starts within max=, given up until a reload");
    ns.until("not the two others run", || ns.procs().named("await").len() == 2);
    let ups = |number| ns.log().lines().filter(|line| *line == format!("up {number}")).count();
    assert_eq!([0, 1, 2, 3].map(ups), [100, 2, 2, 1], "{}", ns.log());
    ns.power_off();
}

#[test]
fn a_change_of_their_number_starts_workers_anew_and_leaves_none_behind() {
    let lines =
        |count: u32| format!(":count={count}:respawn:/bin/mind w\n::respawn:/bin/hold {count}\n");
    let mut ns = pidone(&lines(3)).start();
    ns.until_said("w", 3);
    ns.root().write("etc/inittab", lines(1));
    ns.send(libc::SIGHUP);
    ns.until_said("w minds TERM", 3);
    ns.until_said("w", 4);
    ns.until("more than one is left", || ns.procs().named("mind").len() == 1);
    ns.power_off();
}

#[test]
fn the_main_unit_takes_everything_with_it() {
    let lines = ":main:once:/bin/main\n::respawn:/bin/mind a\n::shutdown:/bin/say down\n";
    let main = "#!/bin/sh\n/bin/await /tmp/go\nexit 7\n";
    let mut ns = pidone(lines).file("bin/main", main).start();
    ns.until_said("a", 1);
    ns.root().write("tmp/go", "");
    assert_eq!(ns.end(), support::End::Exit(7), "a namespace gives the code on");
    assert_eq!(ns.log(), "a\na minds TERM\ndown\n");
}

/// Leaves a process behind that is deaf, in a group of its own.
const LITTERS: &str = "#!/usr/bin/perl
if (! fork) {
    setpgrp;
    $SIG{TERM} = 'IGNORE';
    system('/bin/say', 'littered');
    exec('/bin/sleep', '12345');
}
$SIG{TERM} = sub { exit 0 };
sleep 1 while ! -e '/tmp/crash';
exit 1;
";

fn litterer(more: &str) -> Builder {
    let lines = format!("{more}:restart=no:once:/bin/litters\n");
    Builder::new(Init::Pidone).host_programs().file("bin/litters", LITTERS).inittab(lines)
}

#[test]
fn a_unit_that_is_stopped_leaves_nothing_behind() {
    let mut ns = litterer("").start();
    ns.until_said("littered", 1);
    ns.root().write("etc/inittab", "::respawn:/bin/hold other\n");
    ns.send(libc::SIGHUP);
    ns.until_said("other", 1);
    let is_left = |pid: i32| ns.procs().read(&format!("{pid}/cmdline")).contains("12345");
    let left = || ns.procs().all().iter().any(|process| is_left(process.pid));
    ns.until("what it left behind lives on", || !left());
    ns.power_off();
}

#[test]
fn what_a_unit_started_that_ends_by_itself_lives_on() {
    let mut ns = litterer("").start();
    ns.until_said("littered", 1);
    ns.root().write("tmp/crash", "");
    ns.until("it does not end", || ns.procs().named("litters").is_empty());
    assert_eq!(ns.procs().named("sleep").len(), 1, "an rc script must be able to start daemons");
    ns.power_off();
}

#[test]
fn a_service_that_is_killed_fifty_times_is_there_again_fifty_times() {
    let mut ns = pidone(":name=db,max-delay=100ms:respawn:/bin/sleep 4711\n").start();
    let mut seed = 0x2545_f491_u32;
    for _ in 0..50 {
        ns.until("not one of it lives", || ns.procs().named("sleep").len() == 1);
        let pid = ns.procs().named("sleep")[0].pid;
        seed = seed.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        // The instant is random: it may have become the program, or be about to.
        std::thread::sleep(std::time::Duration::from_micros(u64::from(seed >> 20)));
        support::sys::kill(ns.host_pid(pid), libc::SIGKILL).unwrap();
        let others = || ns.procs().named("sleep").into_iter().filter(|p| p.pid != pid).count();
        ns.until("it is not there again", || others() == 1);
    }
    ns.power_off();
}
