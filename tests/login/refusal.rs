//! Who is not let in, and what ends a login before it has begun.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};

use super::desk::{Desk, SECRET, Setup, YESCRYPT};

/// Whether the last refusal had the words that all have, and the log the reason of its own.
fn is_refused(desk: &mut Desk, reason: &str) {
    desk.sees("Login incorrect\r\n");
    let line = desk.hears("refused");
    assert!(line.starts_with("<84>login["), "{line}");
    assert!(line.contains(&format!(" on 'pts/0': {reason} (try ")), "{line}");
}

/// What the screen shows from the first prompt to the second, for this name and password.
fn screen_of(setup: Setup, name: &str, password: &str, reason: &str) -> String {
    let mut desk = setup.sit();
    desk.gives(name, password);
    is_refused(&mut desk, reason);
    desk.sees("desk login: ");
    desk.ns.console().replace(name, "NAME")
}

#[test]
fn the_screen_is_the_same_for_all_who_are_refused() {
    let wrong = screen_of(Setup::new(""), "anna", "wrong", "the password is wrong");
    let cases = [
        ("stranger", "secret", "there is no such user"),
        ("locked", "secret", "the account is locked, or not in /etc/shadow"),
        ("star", "secret", "the account is locked, or not in /etc/shadow"),
        ("absent", "secret", "the account is locked, or not in /etc/shadow"),
        ("old", "secret", "the hash is of a form that is not known here"),
        ("gone", "secret", "the account has expired"),
        ("stale", "secret", "the password has expired: change it first"),
        ("fresh", "secret", "the password has expired: change it first"),
        ("root", "wrong", "the password is wrong"),
        ("anna", "", "the password is wrong"),
    ];
    std::thread::scope(|scope| {
        for (name, password, reason) in cases {
            let wrong = &wrong;
            scope.spawn(move || {
                let screen = screen_of(Setup::new(""), name, password, reason);
                assert_eq!(&screen, wrong, "{name}");
            });
        }
    });
}

#[test]
fn root_is_refused_where_securetty_does_not_name_the_terminal() {
    let setup = Setup::new("").file("etc/securetty", "console\ntty1\n");
    let reason = "/etc/securetty does not name the terminal";
    screen_of(setup, "root", "secret", reason);
    let setup = Setup::new("").file("etc/securetty", "");
    screen_of(setup, "root", "secret", reason);
}

#[test]
fn without_securetty_root_may_come_in_everywhere() {
    let mut desk = Setup::new("").without("etc/securetty").sit();
    desk.gives("root", "secret");
    desk.sees("~ # ");
}

#[test]
fn an_empty_password_does_only_where_it_is_to() {
    let reason = "it has no password, which does not do here";
    let without = || Setup::new("").without("etc/securetty");
    screen_of(without(), "empty", "", reason);
    screen_of(Setup::new("-E"), "empty", "", reason);
    let setup = Setup::new("-h far.example").without("etc/securetty");
    let mut desk = setup.sit();
    desk.gives("empty", "");
    desk.sees("Login incorrect");
    let mut desk = Setup::new("-e").without("etc/securetty").sit();
    desk.sees("desk login: ");
    desk.types("empty");
    desk.sees("$ ");
}

#[test]
fn nologin_is_shown_and_keeps_all_but_root_out() {
    let setup = Setup::new("").file("etc/nologin", "back at noon\n");
    let mut desk = setup.sit();
    desk.sees("back at noon\r\n");
    desk.gives("anna", "secret");
    is_refused(&mut desk, "/etc/nologin is there");
    desk.gives("root", "secret");
    desk.sees("~ # ");
    let mut desk = Setup::new("-f anna").file("etc/nologin", "").sit();
    desk.sees("Logins are closed at present.");
    is_refused(&mut desk, "/etc/nologin is there");
}

#[test]
fn an_account_that_has_expired_is_not_trusted_either() {
    let mut desk = Setup::new("-f gone").sit();
    is_refused(&mut desk, "the account has expired");
    let mut desk = Setup::new("-f fresh").sit();
    desk.sees("$ ");
}

#[test]
fn there_are_three_tries_and_then_a_fresh_login() {
    let mut desk = Setup::new("").sit();
    let first = desk.login();
    for number in 1..=3 {
        desk.gives("anna", "wrong");
        let line = desk.hears("refused");
        assert!(line.ends_with(&format!("the password is wrong (try {number} of 3)")), "{line}");
        desk.sees("Login incorrect\r\n");
    }
    desk.sees("desk login: ");
    assert_ne!(desk.login(), first, "it is another process");
}

#[test]
fn an_unknown_name_may_be_a_password_and_is_not_logged() {
    let mut desk = Setup::new("").sit();
    desk.gives("hunter2", "anna");
    let line = desk.hears("refused");
    assert!(line.contains("refused somebody unknown on 'pts/0'"), "{line}");
}

#[test]
fn names_of_any_bytes_are_nobody_and_do_no_harm() {
    let mut desk = Setup::new("").sit();
    for name in [&b"\xff\xfe\x80"[..], b"-froot", b"root:x"] {
        desk.sees("desk login: ");
        assert_eq!(desk.ns.screen().send(name), name.len());
        desk.types("");
        desk.sees("Password: ");
        desk.types("secret");
        is_refused(&mut desk, "there is no such user");
    }
}

#[test]
fn a_name_beyond_ascii_is_a_name() {
    let line = "jürgen:HASH:1020:1001::/home/anna:/bin/sh\n";
    let mut desk = Setup::new("").more("etc/passwd", line).sit();
    desk.gives("jürgen", "secret");
    desk.sees("~ $ ");
    assert_eq!(desk.output("echo $USER"), "jürgen\n");
    assert!(desk.hears("login of").ends_with("login of 'j\\xc3\\xbcrgen' on 'pts/0'"));
}

#[test]
fn a_line_that_is_too_long_is_refused_and_the_prompt_comes_again() {
    let mut desk = Setup::new("").sit();
    desk.sees("desk login: ");
    desk.types(&"x".repeat(300));
    desk.sees("login: a name has at most 32 bytes; try again\r\n");
    desk.sees("desk login: ");
    desk.types("anna");
    desk.sees("Password: ");
    desk.types(&"x".repeat(300));
    is_refused(&mut desk, "the password is longer than 256 bytes");
    desk.gives("anna", "secret");
    desk.sees("~ $ ");
}

#[test]
fn a_long_password_is_compared_to_its_end() {
    let mut desk = Setup::new("").sit();
    desk.gives("anna", &format!("secret{}", " ".repeat(250)));
    is_refused(&mut desk, "the password is wrong");
}

#[test]
fn empty_names_bring_the_prompt_again_ten_times() {
    let mut desk = Setup::new("").sit();
    let first = desk.login();
    for _ in 0..10 {
        desk.sees("desk login: ");
        desk.types("");
    }
    desk.sees("desk login: ");
    assert_ne!(desk.login(), first, "it is another process");
}

#[test]
fn an_empty_name_that_was_given_is_none() {
    let mut desk = Setup::new("-- ''").sit();
    desk.gives("anna", "secret");
    desk.sees("~ $ ");
}

#[test]
fn a_megabyte_of_noise_on_one_line_is_one_line_too_long() {
    let mut desk = Setup::new("").sit();
    desk.sees("desk login: ");
    let mut left = 1 << 20;
    while left > 0 {
        left -= desk.ns.screen().send(&[b'~'; 4096][..left.min(4096)]);
        // The line is full until somebody reads what it echoes.
        desk.ns.console();
    }
    desk.types("");
    desk.sees("login: a name has at most 32 bytes; try again\r\n");
    desk.gives("anna", "secret");
    desk.sees("~ $ ");
}

#[test]
fn a_password_is_never_seen_and_may_be_edited() {
    let mut desk = Setup::new("").sit();
    desk.sees("desk login: ");
    desk.press("aM\x7fnnx\x7fa\r");
    desk.sees("Password: ");
    desk.press("rubbish\x15secreT\x7ft\r");
    desk.sees("~ $ ");
    let screen = desk.ns.console();
    assert!(!screen.contains("secre") && !screen.contains("rubbish"), "{screen}");
}

/// Whether a text stands anywhere in the memory of login that it can write to. It is stopped
/// meanwhile: what it gives back could not be read.
fn remembers(desk: &Desk, text: &str) -> bool {
    desk.kill(libc::SIGSTOP);
    desk.ns.until("login does not stop", || desk.ns.procs().named("login")[0].state == 'T');
    let found = is_in_memory(desk, text);
    desk.kill(libc::SIGCONT);
    found
}

fn is_in_memory(desk: &Desk, text: &str) -> bool {
    let login = desk.ns.host_pid(desk.login());
    let maps = fs::read_to_string(format!("/proc/{login}/maps")).unwrap();
    let mut memory = File::open(format!("/proc/{login}/mem")).unwrap();
    maps.lines().filter(|map| map.contains(" rw")).any(|map| {
        let (from, to) = map.split(' ').next().unwrap().split_once('-').unwrap();
        let number = |text| u64::from_str_radix(text, 16).unwrap();
        let mut bytes = vec![0; (number(to) - number(from)) as usize];
        memory.seek(SeekFrom::Start(number(from))).unwrap();
        memory.read_exact(&mut bytes).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[test]
fn neither_the_password_nor_a_hash_stays_in_memory() {
    let hash = "$2b$04$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy";
    let bcrypt = format!("bcrypt:{hash}:1020:1001::/:\n");
    for name in ["root", "anna", "bcrypt"] {
        let mut desk = Setup::new("").more("etc/passwd", &bcrypt).sit();
        desk.gives(name, "Xyzzy-plugh-91");
        desk.hears("the password is wrong");
        // While the answer is held back nothing has been overwritten by chance.
        assert!(!remembers(&desk, "Xyzzy-plugh"), "{name}");
        desk.sees("desk login: ");
        assert!(!remembers(&desk, "Xyzzy-plugh"), "{name}");
        assert!(
            !remembers(&desk, &SECRET[16..40]) && !remembers(&desk, &YESCRYPT[8..30]),
            "{name}"
        );
        // That the look is a good one, what has to be there shows.
        desk.types("somebody-else");
        desk.sees("Password: ");
        assert!(remembers(&desk, "somebody-else") && remembers(&desk, &SECRET[16..40]));
    }
}

#[test]
fn what_is_typed_too_early_is_no_password() {
    // This goes to nobody if it comes while the answer is held back, which takes three seconds. It
    // shows, and whoever was too slow tries it again.
    let typed_early = || {
        let mut desk = Setup::new("").sit();
        desk.gives("anna", "wrong");
        desk.hears("refused");
        desk.types("secret");
        desk.sees("Login incorrect\r\ndesk login: ");
        let screen = desk.ns.console();
        let (before, _) = screen.split_once("Login incorrect").unwrap();
        before.contains("secret").then_some(desk)
    };
    let mut desk = (0..10).find_map(|_| typed_early()).expect("a test that is in time");
    desk.types("anna");
    desk.sees("Password: ");
    desk.types("secret");
    desk.sees("~ $ ");
}

#[test]
fn echo_is_off_for_the_password_and_on_again_whatever_ends_it() {
    let signals = [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGALRM];
    for signal in signals {
        let mut desk = Setup::new("").once().sit();
        desk.sees("desk login: ");
        assert!(desk.ns.screen().echoes());
        desk.types("anna");
        desk.sees("Password: ");
        assert!(!desk.ns.screen().echoes());
        desk.kill(signal);
        desk.ns.until("login did not end", || desk.ns.procs().named("login").is_empty());
        assert!(desk.ns.screen().echoes(), "signal {signal}");
    }
}

#[test]
fn a_signal_that_ends_nothing_leaves_the_password_unseen() {
    let mut desk = Setup::new("").sit();
    desk.sees("desk login: ");
    desk.types("anna");
    desk.sees("Password: ");
    for signal in [libc::SIGWINCH, libc::SIGCONT, libc::SIGTSTP, libc::SIGCHLD] {
        desk.kill(signal);
    }
    // Echo is on while a signal acts. It is off for good when none is left and login waits again.
    let ready = || !desk.has_signals() && desk.sleeps_in(libc::SYS_poll);
    desk.ns.until("login does not wait for the password", ready);
    assert!(!desk.ns.screen().echoes(), "echo did not go off again");
    desk.types("secret");
    desk.sees("~ $ ");
    assert!(!desk.ns.console().contains("secret"));
}

#[test]
fn control_c_and_control_d_bring_a_fresh_login() {
    for key in ["\x03", "\x04"] {
        for typed in ["", "anna\r"] {
            let mut desk = Setup::new("").sit();
            desk.sees("desk login: ");
            if !typed.is_empty() {
                desk.press(typed);
                desk.sees("Password: ");
            }
            desk.press(key);
            desk.gives("anna", "secret");
            desk.sees("~ $ ");
        }
    }
}

#[test]
fn a_terminal_that_goes_ends_login_in_every_state() {
    for state in 0..4 {
        let mut desk = Setup::new("").once().sit();
        desk.sees("desk login: ");
        if state == 1 {
            desk.press("ann");
        }
        if state > 1 {
            desk.types("anna");
            desk.sees("Password: ");
        }
        if state == 3 {
            desk.types("wrong");
            desk.hears("refused");
        }
        desk.ns.hang_up();
        desk.ns.until("login did not end", || desk.ns.procs().named("login").is_empty());
        assert!(desk.ns.runs());
    }
}

#[test]
fn there_are_sixty_seconds() {
    std::thread::scope(|scope| {
        for typed in ["", "anna\r"] {
            scope.spawn(move || {
                let mut desk = Setup::new("").once().sit();
                desk.sees("desk login: ");
                desk.press(typed);
                desk.sees_late("Login timed out after 60 seconds\r\n");
                desk.ns.until("login stayed", || desk.ns.procs().named("login").is_empty());
                assert!(desk.ns.screen().echoes());
            });
        }
    });
}

#[test]
fn a_hash_that_asks_for_too_much_memory_lets_nobody_in() {
    // 2^30 blocks of 4 KiB.
    let huge = "huge:$y$jRT$LdJMENpBABJJ3hIHjB1Bi.$iofk68xbXBoXKsxTyMBCh2qkQuzQZ2Zik521F9TsTq6:\
                1020:1001::/:/bin/sh\n";
    let mut desk = Setup::new("").more("etc/passwd", huge).sit();
    desk.gives("huge", "pleaseletmein");
    is_refused(&mut desk, "the password is wrong");
}
