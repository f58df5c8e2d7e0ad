//! Bad files: noise, floods and nothing at all for an inittab. Each ends with a working power off.

mod support;

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;

use support::console::new_pty;
use support::{Builder, Console, Init, Syslog};

/// Bytes that look random and are the same in every run (xorshift64*).
fn noise(length: usize) -> Vec<u8> {
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn a_megabyte_of_noise_for_an_inittab_is_survived() {
    let mut file = noise(1 << 20);
    file.extend_from_slice(b"\n::respawn:/bin/hold a\n");
    let mut ns = Builder::new(Init::Pidone).inittab(file).start();
    ns.until_said("a", 1);
    ns.until_shown("more bad lines");
    ns.power_off();
}

#[test]
fn of_ten_thousand_entries_as_many_run_as_the_named_limit_allows() {
    let lines: String = (0..10_000).map(|i| format!("::once:/bin/mkdir /out/{i}\n")).collect();
    let mut ns = Builder::new(Init::Pidone).inittab(lines).start();
    ns.until_shown("UNITS_MAX=");
    let console = ns.console();
    let digits = console.split("UNITS_MAX=").nth(1).unwrap_or_default();
    let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
    let limit: usize = digits.parse().expect("the limit has a number");
    let out = ns.root().path("out");
    let made = || fs::read_dir(&out).expect("the folder is there").flatten();
    ns.until("not every unit ran that has room", || made().count() == limit);
    let made: HashSet<_> = made().map(|entry| entry.file_name()).collect();
    let first: HashSet<_> = (0..limit).map(|i| OsString::from(i.to_string())).collect();
    assert_eq!(made, first, "the first lines of the file are those that run");
    ns.power_off();
}

/// Bad lines of every kind, one of them with a byte that no terminal should get.
const BAD: &[&str] = &[
    "no fields",
    "::respawn",
    "::Respawn:/bin/say x",
    "tty1::once:",
    ":x:initdefault:",
    "\x1b[2J",
];

/// What is said of each: what was read, what was expected, and what becomes of it.
const SAID: &[&str] = &[
    "inittab:1: 'no fields': expected tty:options:action:command; line skipped",
    "inittab:2: '::respawn': expected tty:options:action:command; line skipped",
    "inittab:3: 'Respawn': expected sysinit wait once respawn askfirst ctrlaltdel shutdown restart \
     initdefault; line skipped",
    "inittab:4: 'tty1::once:': expected a command in the fourth field; line skipped",
    "inittab:5: 'x': expected a runlevel in the second field; line skipped",
    "inittab:6: '\\x1b[2J': expected tty:options:action:command; line skipped",
];

#[test]
fn of_a_bad_line_console_and_syslog_have_what_was_read_and_what_was_expected() {
    let inittab = format!("{}\n::respawn:/bin/hold a\n", BAD.join("\n"));
    let builder = Builder::new(Init::Pidone).inittab(inittab);
    let syslog = Syslog::bind(builder.root());
    let mut ns = builder.start();
    ns.until_said("a", 1);
    let logged = syslog.until("started");
    let console = ns.console();
    let shown: Vec<_> = console.lines().filter(|line| line.contains("inittab:")).collect();
    assert_eq!(shown.len(), SAID.len(), "{console}");
    for (said, shown) in SAID.iter().zip(shown) {
        assert_eq!(shown.trim(), format!("pidone: {said}"));
        assert!(logged.contains(&format!("<28>pidone[1]: {said}")), "{said}: {logged:?}");
    }
    ns.power_off();
}

#[test]
fn a_reload_of_noise_is_reported_and_the_next_one_mends_it() {
    let mut ns = Builder::new(Init::Pidone).inittab("::respawn:/bin/hold a\n").start();
    ns.until_said("a", 1);
    ns.root().write("etc/inittab", noise(100_000));
    ns.send(libc::SIGHUP);
    ns.until_shown("more bad lines");
    ns.root().write("etc/inittab", "::respawn:/bin/hold b\n");
    ns.send(libc::SIGHUP);
    ns.until_said("b", 1);
    ns.power_off();
}

#[test]
fn many_reloads_at_once_lose_nothing() {
    let mut ns = Builder::new(Init::Pidone).inittab("::respawn:/bin/mind a\n").start();
    ns.until_said("a", 1);
    for count in 0..50 {
        let line = format!("::respawn:/bin/mind a\n::respawn:/bin/hold {count}\n");
        ns.root().write("etc/inittab", line);
        ns.send(libc::SIGHUP);
    }
    ns.until_said("49", 1);
    ns.until("an old unit lives on", || ns.procs().named("sleep").len() == 2);
    assert!(!ns.log().contains("minds"), "the unchanged unit was stopped: {}", ns.log());
    ns.power_off();
}

#[test]
fn a_machine_that_runs_nothing_but_garbage_powers_off() {
    let mut ns = Builder::new(Init::Pidone)
        .inittab("::respawn:/bin/false\n::respawn:/etc\n::respawn:'\n::once:-\nx::respawn:y\n")
        .start();
    ns.until_ready();
    ns.until_shown("/dev/x is not there");
    ns.power_off();
}

#[test]
fn an_inittab_without_an_end_is_given_up() {
    let mut ns = Builder::new(Init::Pidone).inittab("::respawn:/bin/mind a\n").start();
    ns.until_said("a", 1);
    fs::remove_file(ns.root().path("etc/inittab")).expect("the old inittab");
    symlink("/dev/zero", ns.root().path("etc/inittab")).expect("the endless one");
    ns.send(libc::SIGHUP);
    ns.until_shown("inittab: cannot be read: File too large; the old table is kept");
    assert!(!ns.log().contains("minds"), "a unit was stopped: {}", ns.log());
    ns.power_off();
}

#[test]
fn a_terminal_for_an_inittab_does_not_control_the_first_process() {
    let mut ns = Builder::new(Init::Pidone).inittab("::respawn:/bin/mind a\n").start();
    ns.until_said("a", 1);
    let (_far, _near, number) = new_pty(ns.root());
    fs::remove_file(ns.root().path("etc/inittab")).expect("the old inittab");
    let terminal = format!("/dev/pts/{number}");
    symlink(terminal, ns.root().path("etc/inittab")).expect("the one that says nothing");
    ns.send(libc::SIGHUP);
    ns.until_shown("inittab: cannot be read: Resource temporarily unavailable");
    // Its Ctrl-C would be a Ctrl-Alt-Del. Behind the name: state, parent, group, session, terminal.
    let stat = ns.procs().read("1/stat");
    let behind = stat.rsplit(')').next().unwrap_or_default();
    assert_eq!(behind.split_whitespace().nth(4), Some("0"), "{stat}");
    assert!(!ns.log().contains("minds"), "a unit was stopped: {}", ns.log());
    ns.power_off();
}

#[test]
fn after_a_restart_in_vain_the_inittab_is_read_once() {
    let inittab = "::bad:line\n::wait:/bin/say a\npts/0::restart:-/no/such\n";
    let mut ns = Builder::new(Init::Pidone).inittab(inittab).console(Console::Pty).start();
    ns.until_said("a", 1);
    ns.send(libc::SIGQUIT);
    ns.until_said("a", 2);
    ns.power_off();
    let console = ns.console();
    let told = console.matches("inittab:1:").count();
    assert_eq!(told, 2, "a terminal that is given up asks for nothing: {console}");
}

#[test]
fn without_an_inittab_and_without_a_shell_it_says_so_and_stays() {
    says_that_nothing_can_be_run(Builder::new(Init::Pidone));
}

#[test]
fn with_an_inittab_that_cannot_be_read_and_without_a_shell_it_says_so_and_stays() {
    let builder = Builder::new(Init::Pidone);
    fs::create_dir(builder.root().path("etc/inittab")).expect("a folder in its place");
    says_that_nothing_can_be_run(builder);
}

fn says_that_nothing_can_be_run(builder: Builder) {
    let builder = builder.console(Console::Pty);
    fs::remove_file(builder.root().path("bin/sh")).expect("the link to the shell");
    let mut ns = builder.start();
    ns.until_shown("and no /bin/sh; nothing can be run");
    ns.until_shown("/etc/init.d/rcS");
    ns.until_shown("activate this console.");
    ns.screen().press("\n");
    ns.until_shown("/bin/sh': No such file or directory");
    ns.until("a zombie stayed", || ns.procs().zombies() == 0);
    ns.power_off();
}
