//! What ends a getty: time, and the end of the line in whatever state it is.

use std::io::Write;
use std::os::fd::AsFd;

use crate::seat::{Seat, login};
use crate::support::wait::came_true;
use crate::support::{Builder, Console, Init, sys};

/// Waits until the getty's end was told in these words.
fn until_ended(seat: &Seat, how: &str) {
    let said = seat.syslog.until("seat (pid ");
    assert!(said.last().unwrap().contains(how), "{said:?}");
}

#[test]
fn a_hangup_ends_it_cleanly_in_every_state() {
    /// Brings a getty with these words into a state.
    type State = (&'static str, &'static str, fn(&mut Seat));
    let states: [State; 8] = [
        ("at the prompt", "0 %t", |seat| seat.expect_fresh()),
        ("within a name", "-L 9600 %t", |seat| {
            seat.expect_fresh();
            seat.press(b"ro");
            seat.expect("ro");
        }),
        ("after a name that was too long", "0 %t", |seat| {
            seat.expect_fresh();
            seat.press(&[b'x'; 99]);
            seat.press(b"\r");
            seat.expect("login: ");
        }),
        ("before a key", "-w 0 %t", |seat| seat.until_sleeps_in(libc::SYS_read)),
        ("before a key after an automatic login", "-p -a root 0 %t", |seat| {
            seat.expect("[press a key to log in]");
        }),
        ("while a modem dials", "-m -I ATZ\\015 9600 %t", |seat| _ = seat.expect("ATZ")),
        ("while the terminal takes no output", "0 %t", |seat| {
            seat.expect_fresh();
            sys::stop_output(seat.fresh_slave().as_fd()).unwrap();
            seat.press(b"abc");
            seat.until_sleeps_in(libc::SYS_write);
        }),
        ("after a break", "9600,1200 %t", |seat| {
            seat.expect_fresh();
            seat.press(b"\0");
            seat.expect_fresh();
        }),
    ];
    for (state, words, reach) in states {
        eprintln!("{state}");
        let mut seat = Seat::take(words);
        seat.until_started();
        reach(&mut seat);
        seat.near = None;
        until_ended(&seat, "ended with code 0 after");
        assert_eq!(seat.ns.log(), "", "{state}: no login was started");
    }
}

#[test]
fn nobody_gives_a_name_in_time() {
    let mut seat = Seat::take("-t 1 0 %t");
    seat.until_started();
    seat.expect_fresh();
    until_ended(&seat, "by SIGALRM");
    seat.expect_fresh();
    seat.press(b"ro");
    seat.expect_fresh();
    assert_eq!(seat.ns.log(), "");
}

#[test]
fn nobody_presses_the_key_in_time() {
    let seat = Seat::take("-w -t 1 0 %t");
    seat.until_started();
    until_ended(&seat, "by SIGALRM");
}

#[test]
fn the_time_is_for_the_name_and_not_for_the_login() {
    let slow = "#!/bin/sh\nsleep 2\n/bin/say still here\n";
    let mut seat = Seat::take_with("-t 1 0 %t", &[("bin/login", slow)]);
    // Whoever was too slow for the second that there is finds another getty.
    let came = came_true(|| {
        if seat.shows("login: ") {
            seat.press(b"root\r");
        }
        seat.ns.log().contains("still here\n")
    });
    assert!(came, "{}", seat.ns.state());
}

#[test]
fn a_key_starts_the_prompt_where_that_is_wanted() {
    let mut seat = Seat::take("-w 0 %t");
    seat.until_sleeps_in(libc::SYS_read);
    seat.press(b"noise");
    seat.press(b"\r");
    seat.expect_fresh();
    seat.name(b"root\r", &[b"--", b"root"]);
}

#[test]
fn what_was_left_over_from_a_session_loses_the_terminal() {
    let mut seat = Seat::at_prompt("0 %t");
    let error = seat.far.write(b"x").unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EIO));
    let stat = std::fs::metadata(seat.ns.root().path(&format!("dev/pts/{}", seat.number))).unwrap();
    use std::os::unix::fs::MetadataExt;
    assert_eq!((stat.uid(), stat.gid(), stat.mode() & 0o777), (0, 0, 0o620));
    seat.name(b"root\r", &[b"--", b"root"]);
}

#[test]
fn the_terminal_of_init_itself_is_not_hung_up() {
    let builder = Builder::new(Init::Pidone).console(Console::Pty);
    std::os::unix::fs::symlink("init", builder.root().path("sbin/getty")).unwrap();
    let mut ns = builder.inittab("pts/0::respawn:/sbin/getty -L 0 -\n").start();
    ns.until_shown("login: ");
    // What init says afterwards is still seen, and so is what it starts without a terminal.
    ns.root().write("etc/inittab", "pts/0::respawn:/sbin/getty -L 0 -\nbad\n::once:echo seen\n");
    ns.send(libc::SIGHUP);
    ns.until_shown("inittab:2:");
    ns.until_shown("seen");
    ns.power_off();
}

#[test]
fn it_leads_a_session_that_the_terminal_controls_and_holds_little_memory() {
    let seat = Seat::at_prompt("-L 115200 %t vt100");
    let pid = seat.getty().unwrap();
    let stat = seat.ns.procs().read(&format!("{pid}/stat"));
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let (group, session, terminal, front) = (fields[2], fields[3], fields[4], fields[5]);
    assert_eq!((group, session, front), (fields_pid(pid), fields_pid(pid), fields_pid(pid)));
    assert_ne!(terminal, "0");
    let kilobytes = || {
        let host = seat.ns.host_pid(pid);
        let account = std::fs::read_to_string(format!("/proc/{host}/smaps_rollup")).unwrap();
        let line = account.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse::<u32>().unwrap()
    };
    seat.ns.until("it holds more than 24 kB", || kilobytes() <= 24);
}

fn fields_pid(pid: i32) -> &'static str {
    Box::leak(pid.to_string().into_boxed_str())
}

#[test]
fn a_terminal_that_is_none_is_refused_at_once_with_a_reason() {
    for (words, reason) in [("0 null", "Not a terminal"), ("0 tty", "No such device or address")] {
        let seat = Seat::take(words);
        let said = seat.syslog.until("getty: ");
        let complaint = said.last().unwrap();
        assert!(complaint.starts_with("<35>getty: "), "{complaint}");
        assert!(complaint.contains("cannot take the terminal: "), "{complaint}");
        assert!(complaint.contains(reason), "{complaint}");
        until_ended(&seat, "ended with code 111");
    }
    let mut seat = Seat::take_once("-l /no/such 0 %t");
    seat.expect_fresh();
    seat.press(b"root\r");
    seat.expect("/no/such: cannot run: No such file or directory");
    until_ended(&seat, "ended with code 111");
    assert!(!seat.ns.log().contains(&login(&[b"--", b"root"])));
}
