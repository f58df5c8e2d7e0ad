//! `pidone supervise`: the units of an inittab below somebody else.

mod support;

use support::{Builder, End, Init, Namespace, tools};

/// A machine whose init is somebody else as far as the supervisor is concerned.
fn below(units: &str, outer: &str) -> Builder {
    let builder = Builder::new(Init::Pidone)
        .inittab(format!("::once:/bin/begin\n{outer}"))
        .file("etc/units", units)
        .file(
            "bin/begin",
            "#!/bin/sh\n/bin/pidone supervise $(cat /etc/words)\n/bin/say code $?\n",
        );
    builder.root().copy(tools::pidone(), "bin/pidone");
    builder
}

/// A supervisor as the entry point of a container.
fn container(units: &str) -> Builder {
    let words = ["pidone", "supervise", "-f", "/etc/units"];
    Builder::new(Init::Pidone).argv(&words).file("etc/units", units)
}

fn supervisor(ns: &Namespace) -> i32 {
    ns.until("no supervisor", || ns.procs().named("pidone").len() == 1);
    ns.procs().named("pidone")[0].pid
}

#[test]
fn it_goes_down_in_order_and_takes_its_own_with_it_and_nobody_else() {
    let strays = "#!/bin/sh\n(setsid sleep 4712 &)\n/bin/say strayed\n";
    let units = ":name=a:respawn:/bin/mind a\n:needs=a:respawn:/bin/mind b\n\
                 ::once:/bin/strays\n::shutdown:/bin/say down\n";
    let mut ns = below(units, "::respawn:/bin/mind stranger\n")
        .file("bin/strays", strays)
        .file("etc/words", "-f /etc/units -p /tmp/s.pid")
        .start();
    for line in ["a", "b", "strayed", "stranger"] {
        ns.until_said(line, 1);
    }
    let pid = supervisor(&ns);
    assert_eq!(ns.root().read("tmp/s.pid"), format!("{pid}\n"));
    let adopted = || ns.procs().named("sleep").iter().any(|p| p.parent == pid);
    ns.until("the orphan is not adopted", adopted);
    support::sys::kill(ns.host_pid(pid), libc::SIGTERM).unwrap();
    ns.until_said("code 0", 1);
    let log = ns.log();
    assert!(log.ends_with("b minds TERM\na minds TERM\ndown\ncode 0\n"), "{log}");
    assert_eq!(ns.root().read("tmp/s.pid"), "");
    assert!(ns.runs() && !log.contains("stranger minds"), "{log}");
    // Of what it started nobody is left; the stranger waits for a child of its own.
    ns.until("somebody is left", || ns.procs().named("sleep").len() == 1);
    ns.power_off();
}

#[test]
fn a_daemon_of_it_is_nobodys_child_and_a_reload_is_a_difference() {
    let mut ns = below("::respawn:/bin/mind a\n", "")
        .file("etc/words", "-d -f /etc/units -p /tmp/s.pid")
        .start();
    ns.until_said("code 0", 1);
    ns.until_said("a", 1);
    let pid = supervisor(&ns);
    let stat = ns.procs().read(&format!("{pid}/stat"));
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    assert_eq!(fields[1], "1", "its parent is init: {stat}");
    assert_ne!(fields[3], pid.to_string(), "it does not lead its session: {stat}");
    assert_eq!(fields[4], "0", "it has no terminal: {stat}");
    ns.root().write("etc/units", "::respawn:/bin/mind a\n::respawn:/bin/hold b\n");
    support::sys::kill(ns.host_pid(pid), libc::SIGHUP).unwrap();
    ns.until_said("b", 1);
    assert!(!ns.log().contains("minds"), "{}", ns.log());
    ns.power_off();
}

#[test]
fn the_main_unit_decides_the_code_of_a_container() {
    let units = "::respawn:/bin/mind a\n:main:once:/bin/main\n";
    let main = "#!/bin/sh\n/bin/await /tmp/go\nexit 42\n";
    let mut ns = container(units).file("bin/main", main).start();
    ns.until_said("a", 1);
    ns.root().write("tmp/go", "");
    assert_eq!(ns.end(), End::Exit(42));
    assert_eq!(ns.log(), "a\na minds TERM\n");
}

#[test]
fn without_an_inittab_it_says_so_and_the_built_in_one_is_not_run() {
    let mut ns = Builder::new(Init::Pidone)
        .argv(&["pidone", "supervise", "-f", "/etc/none"])
        .file("etc/init.d/rcS", "#!/bin/sh\n/bin/say rcS\n")
        .start();
    assert_eq!(ns.end(), End::Exit(111));
    assert!(ns.console().contains("cannot read /etc/none: No such file or directory"));
    assert_eq!(ns.log(), "");
    let mut ns = container("").argv(&["pidone", "supervise", "-x"]).start();
    assert_eq!(ns.end(), End::Exit(100));
}

#[test]
fn in_a_file_on_standard_error_nobody_writes_over_what_somebody_else_has_said() {
    let begin = "#!/bin/sh\n/bin/pidone supervise -f /etc/units >/tmp/log 2>&1\n/bin/say over\n";
    let unit = "#!/bin/sh\necho one of the unit\n/bin/await /tmp/go\necho two of the unit\n";
    let mut ns = below("a bad line\n:main:once:/bin/unit\n", "")
        .file("bin/begin", begin)
        .file("bin/unit", unit)
        .start();
    ns.until("the unit does not run", || ns.root().read("tmp/log").contains("one of"));
    ns.root().write("tmp/go", "");
    ns.until_said("over", 1);
    let log = ns.root().read("tmp/log").replace('\r', "");
    let bad = "pidone: inittab:1: 'a bad line': expected tty:options:action:command; line skipped";
    let unit = "one of the unit\ntwo of the unit";
    assert_eq!(log, format!("{bad}\n{unit}\npidone: going down: its main unit has ended\n"));
    ns.power_off();
}
