//! getty on a terminal, as somebody in front of it sees it.

#[path = "getty/greeting.rs"]
mod greeting;
#[path = "getty/records.rs"]
mod records;
#[path = "getty/seat.rs"]
mod seat;
#[path = "getty/states.rs"]
mod states;
mod support;

use std::os::fd::AsFd;

use seat::Seat;
use support::sys;

/// What is typed, and the words that login is then started with.
type Typed = (&'static [u8], &'static [&'static [u8]]);

const NAMES: &[Typed] = &[
    (b"root\r", &[b"--", b"root"]),
    (b"newline\n", &[b"--", b"newline"]),
    (b"two words\r", &[b"--", b"two words"]),
    (b"-f root\r", &[b"--", b"-f root"]),
    (b"rx\x7foot1\r", &[b"--", b"root1"]),
    (b"rx\x08oot2\r", &[b"--", b"root2"]),
    (b"\x7f\x7f\x08root3\r", &[b"--", b"root3"]),
    (b"wrong\x15root4\r", &[b"--", b"root4"]),
    (b"two word\x17names\r", &[b"--", b"two names"]),
    (b"one\x17\x17root5\r", &[b"--", b"root5"]),
    (b"gone\x03root6\r", &[b"--", b"root6"]),
    (b"\x04root7\r", &[b"--", b"root7"]),
    (b"ro\x04ot8\r", &[b"--", b"root8"]),
    (b"\r\n\rroot9\r", &[b"--", b"root9"]),
    (b"ro\x01\x02\x1b\x1f\tot10\r", &[b"--", b"root10"]),
    ("jürgen\r".as_bytes(), &[b"--", "jürgen".as_bytes()]),
    ("名x\x7f前\r".as_bytes(), &[b"--", "名前".as_bytes()]),
    ("jüä\x7f\x7fan\r".as_bytes(), &[b"--", b"jan"]),
    ("Ísafold\r".as_bytes(), &[b"--", "Ísafold".as_bytes()]),
    ("an ö\x17anna\r".as_bytes(), &[b"--", b"an anna"]),
    (b"m\xfcller\r", &[b"--", b"m\xfcller"]),
    (b"m\xfc\xf6\x7fller2\r", &[b"--", b"m\xfcller2"]),
];

#[test]
fn every_way_of_typing_a_name_leads_to_that_name() {
    let mut seat = Seat::take("-L 115200 %t vt100");
    for (keys, words) in NAMES {
        seat.expect_fresh();
        seat.name(keys, words);
    }
}

#[test]
fn erasures_show_and_an_echo_is_what_was_typed() {
    let mut seat = Seat::at_prompt("-L 0 %t");
    seat.press("abö\x7f\x7fc d\x15".as_bytes());
    seat.press(b"end");
    let wipe = "\x08 \x08";
    let echo = seat.expect("end");
    assert_eq!(echo, format!("abö{}c d{}", wipe.repeat(2), wipe.repeat(4)));
}

#[test]
fn a_name_that_is_too_long_is_refused_and_asked_for_again() {
    let mut seat = Seat::at_prompt("0 %t");
    let long = "x".repeat(65) + "\r";
    seat.press(long.as_bytes());
    let seen = seat.expect("login: ");
    assert!(seen.contains("at most 64 bytes"), "{seen:?}");
    seat.press(&long.repeat(3).into_bytes());
    (0..3).for_each(|_| _ = seat.expect("login: "));
    let most = "y".repeat(64);
    seat.name(format!("{most}\r").as_bytes(), &[b"--", most.as_bytes()]);
    assert!(!seat.ns.log().contains("7878"), "{}", seat.ns.log());
}

#[test]
fn seven_bits_with_parity_are_detected_and_kept_for_the_login() {
    // Of the settings a pseudo-terminal takes only that the parity is odd.
    for (odd, flag) in [(0, " -parodd "), (1, " parodd ")] {
        let mut seat = Seat::at_prompt("0 %t");
        let parity = |&b: &u8| if b.count_ones() % 2 == odd { b } else { b | 0x80 };
        let keys: Vec<u8> = b"guexst\x7f\x7f\x7fst\r".iter().map(parity).collect();
        seat.name(&keys, &[b"--", b"guest"]);
        seat.ns.until("no such settings", || seat.ns.log().contains(flag));
    }
    let mut seat = Seat::at_prompt("-8 0 %t");
    let bits = b"\xe7\xf5e\xf3t";
    seat.name(&[bits, &b"\r"[..]].concat(), &[b"--", bits]);
}

#[test]
fn the_settings_are_clean_before_and_after_whatever_was_done_to_them() {
    let mut seat = Seat::at_prompt("-L 9600 %t vt100");
    let raw = seat.settings();
    assert_eq!(raw.c_lflag & (libc::ICANON | libc::ECHO | libc::ISIG), 0);
    assert_eq!(raw.c_oflag, libc::OPOST | libc::ONLCR);
    let mut mess = raw;
    mess.c_oflag = 0;
    mess.c_iflag = libc::ISTRIP | libc::INLCR;
    mess.c_cc = [0; 32];
    // Of such a line a read that begins now gets nothing; one that waits already is not changed.
    seat.until_sleeps_in(libc::SYS_read);
    sys::set_settings(seat.line().as_fd(), &mess);
    seat.name(b"root\n", &[b"--", b"root"]);
    seat.ns.until_said("TERM vt100", 1);
    let log = seat.ns.log();
    for word in [
        "speed 9600",
        "intr = ^C",
        "susp = ^Z",
        "erase = ^?",
        " icrnl",
        " isig",
        " echo",
        " icanon",
        " ixon",
        " onlcr",
        " clocal",
        " cs8",
        "-istrip",
        "-inlcr",
        "-parenb",
        "24 rows",
        "80 columns",
    ] {
        let rows = word.replace("24 rows", "rows 24").replace("80 columns", "columns 80");
        assert!(log.contains(word) || log.contains(&rows), "{word}: {log}");
    }
}

#[test]
fn a_break_brings_the_next_speed() {
    let mut seat = Seat::at_prompt("115200,9600,12345 %t");
    let speed = |seat: &Seat| seat.settings().c_cflag & libc::CBAUD;
    assert_eq!(speed(&seat), libc::B115200);
    seat.press(b"half\0");
    seat.expect("login: ");
    assert_eq!(speed(&seat), libc::B9600);
    seat.press(b"\0");
    seat.expect("login: ");
    assert!(![libc::B9600, libc::B115200].contains(&speed(&seat)), "any speed is one");
    seat.press(b"\0");
    seat.expect("login: ");
    assert_eq!(speed(&seat), libc::B115200);
    seat.name(b"root\r", &[b"--", b"root"]);
}

#[test]
fn ten_megabytes_of_noise_do_no_harm() {
    let mut seat = Seat::at_prompt("0 %t");
    let mut seed = 1u64;
    let mut noise = Vec::with_capacity(10 << 20);
    while noise.len() < 10 << 20 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let byte = (seed >> 56) as u8;
        // A return would end the line and with it this getty; that comes last.
        if !b"\r\n\x8d\x8a".contains(&byte) {
            noise.push(byte);
        }
    }
    seat.press(&noise);
    seat.name(b"\x15\x03\x15root\r", &[b"--", b"root"]);
    assert_eq!(seat.ns.log().matches("login ").count(), 1, "{}", seat.ns.log());
}
