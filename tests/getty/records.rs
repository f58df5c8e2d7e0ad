//! What init and getty write down about sessions.

use pidone::wire::utmp::{Bytes, Kind, Record, SIZE};

use crate::seat::Seat;

/// The records of a file: kind, terminal, user.
fn records(seat: &Seat, file: &str) -> Vec<(Kind, String, String, i32)> {
    let bytes = std::fs::read(seat.ns.root().path(file)).unwrap_or_default();
    assert_eq!(bytes.len() % SIZE, 0, "{file} is torn");
    let text = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
    let decode = |bytes: &[u8]| {
        let bytes: &Bytes = bytes.try_into().unwrap();
        let record = Record::decode(bytes);
        (record.kind, text(record.line), text(record.user), record.pid)
    };
    bytes.chunks(SIZE).map(decode).collect()
}

fn kinds(seat: &Seat, file: &str) -> Vec<Kind> {
    records(seat, file).into_iter().map(|record| record.0).collect()
}

#[test]
fn a_boot_a_waiting_getty_and_its_end_are_written_where_the_files_are() {
    let files = [("var/run/utmp", ""), ("var/log/wtmp", "")];
    let mut seat = Seat::take_with("-H far.example 0 %t", &files);
    seat.expect_fresh();
    let boot_and_login = || {
        kinds(&seat, "var/run/utmp") == [Kind::Boot, Kind::Login]
            || kinds(&seat, "var/run/utmp") == [Kind::Login, Kind::Boot]
    };
    seat.ns.until("not both records came", boot_and_login);
    let line = format!("pts/{}", seat.number);
    let utmp = records(&seat, "var/run/utmp");
    let (_, tty, user, pid) = utmp.iter().find(|record| record.0 == Kind::Login).unwrap();
    assert_eq!((tty, user.as_str(), Some(*pid)), (&line, "LOGIN", seat.getty()));
    // The login ends; that is written down, and the next getty takes the place.
    seat.name(b"root\r", &[b"--", b"root"]);
    seat.expect_fresh();
    let dead = || kinds(&seat, "var/log/wtmp").contains(&Kind::Dead);
    seat.ns.until("no end was written", dead);
    seat.ns.until("no new getty", || kinds(&seat, "var/run/utmp").contains(&Kind::Login));
    assert_eq!(records(&seat, "var/run/utmp").len(), 2);
    let wtmp = records(&seat, "var/log/wtmp");
    let dead = wtmp.iter().find(|record| record.0 == Kind::Dead).unwrap();
    assert_eq!((&dead.1, dead.2.as_str(), dead.3), (&line, "", *pid));
    seat.ns.power_off();
    assert_eq!(kinds(&seat, "var/log/wtmp").last(), Some(&Kind::RunLevel));
}

#[test]
fn where_the_files_are_not_none_are_made() {
    let mut seat = Seat::at_prompt("0 %t");
    seat.name(b"root\r", &[b"--", b"root"]);
    seat.expect_fresh();
    seat.ns.power_off();
    assert!(!seat.ns.root().path("var/run/utmp").exists());
    assert!(!seat.ns.root().path("var/log/wtmp").exists());
}
