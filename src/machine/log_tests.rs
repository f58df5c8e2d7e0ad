use super::*;

const NOW: Instant = Instant::from_millis(5_000);

/// A ring with somebody to listen.
fn ready() -> Log {
    let mut log = Log::new();
    log.appeared();
    log
}

fn said(log: &mut Log, level: Level, text: &[u8]) {
    let mut line = Line::new();
    line.put(text);
    log.say(NOW, level, &line);
}

fn read(log: &Log, sink: Sink, now: Instant) -> String {
    let mut line = Line::wide();
    log.read(now, sink, &mut line);
    String::from_utf8_lossy(line.as_bytes()).into_owned()
}

#[test]
fn warnings_go_to_the_console_first_and_everything_goes_to_syslog() {
    let mut log = ready();
    said(&mut log, Level::Info, b"one");
    said(&mut log, Level::Warning, b"two");
    assert_eq!(log.next(), Some(Sink::Console));
    assert_eq!(read(&log, Sink::Console, NOW), "\rpidone: two\r\n");
    log.told(NOW, Sink::Console, Told::Taken);
    for text in ["<30>pidone[1]: one", "<28>pidone[1]: two"] {
        assert_eq!(log.next(), Some(Sink::Syslog));
        assert_eq!(read(&log, Sink::Syslog, NOW), text);
        log.told(NOW, Sink::Syslog, Told::Taken);
    }
    assert_eq!(log.next(), None);
}

#[test]
fn messages_wait_for_syslog_and_say_how_late_they_are() {
    let mut log = ready();
    said(&mut log, Level::Info, b"early");
    log.told(NOW, Sink::Syslog, Told::Absent { watched: true });
    assert_eq!((log.next(), log.deadline()), (None, None), "nothing is done while it waits");
    log.appeared();
    let later = NOW.plus(40_000);
    assert_eq!(read(&log, Sink::Syslog, later), "<30>pidone[1]: early (said 40 s before)");
}

#[test]
fn a_full_syslog_is_tried_again_ever_more_rarely() {
    let mut log = ready();
    said(&mut log, Level::Info, b"x");
    let mut now = NOW;
    for expected in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 64_000] {
        log.told(now, Sink::Syslog, Told::Full);
        let until = log.deadline().unwrap();
        assert_eq!(until.since(now), expected);
        log.tick(now.plus(1));
        assert_eq!(log.next(), None);
        now = until;
        log.tick(now);
        assert_eq!(log.next(), Some(Sink::Syslog));
    }
}

#[test]
fn what_the_ring_has_no_room_for_goes_to_the_kernel() {
    let mut log = ready();
    said(&mut log, Level::Info, b"first");
    log.told(NOW, Sink::Syslog, Told::Absent { watched: true });
    while log.next().is_none() {
        said(&mut log, Level::Info, &[b'x'; 100]);
    }
    assert_eq!(log.next(), Some(Sink::Kernel));
    assert_eq!(read(&log, Sink::Kernel, NOW), "<30>pidone: first\n");
    log.told(NOW, Sink::Kernel, Told::Taken);
    assert_eq!(log.losses(), (0, 0));
}

#[test]
fn what_nobody_takes_is_counted_and_the_count_is_said() {
    let mut log = ready();
    for _ in 0..100 {
        said(&mut log, Level::Info, &[b'x'; 150]);
    }
    let (lost, _) = log.losses();
    assert!(lost > 50, "{lost}");
    log.told(NOW, Sink::Syslog, Told::Taken);
    assert_eq!(log.next(), Some(Sink::Console));
    let text = format!("\rpidone: log: {lost} messages lost so far\r\n");
    assert_eq!(read(&log, Sink::Console, NOW), text);
    log.told(NOW, Sink::Console, Told::Taken);
    while log.next() == Some(Sink::Syslog) {
        log.told(NOW, Sink::Syslog, Told::Taken);
    }
    assert_eq!((log.next(), log.losses().0), (None, lost), "what was said is not said again");
}

#[test]
fn a_console_that_takes_nothing_costs_a_count() {
    let mut log = ready();
    for _ in 0..3 {
        said(&mut log, Level::Error, b"x");
        log.told(NOW, Sink::Console, Told::Full);
    }
    assert_eq!(log.losses().1, 3);
    said(&mut log, Level::Error, b"y");
    log.told(NOW, Sink::Console, Told::Taken);
    assert_eq!(read(&log, Sink::Console, NOW), "\rpidone: console: 3 messages lost so far\r\n");
}

#[test]
fn after_the_end_of_syslog_everything_goes_to_the_kernel() {
    let mut log = ready();
    log.close();
    log.appeared();
    said(&mut log, Level::Info, b"last words");
    assert_eq!(log.next(), Some(Sink::Syslog), "it may still take them");
    log.told(NOW, Sink::Syslog, Told::Absent { watched: true });
    assert_eq!(log.next(), Some(Sink::Kernel));
    log.reopen();
    assert_eq!(log.next(), Some(Sink::Syslog));
}

#[test]
fn positions_may_wrap() {
    let mut log = ready();
    (log.head, log.console, log.tail) = (u32::MAX - 100, u32::MAX - 100, u32::MAX - 100);
    for round in 0..500u32 {
        let text = format!("message {round}");
        said(&mut log, Level::Info, text.as_bytes());
        assert_eq!(read(&log, Sink::Syslog, NOW), format!("<30>pidone[1]: {text}"));
        log.told(NOW, Sink::Syslog, Told::Taken);
    }
    assert_eq!((log.next(), log.losses()), (None, (0, 0)));
}

#[test]
fn what_is_critical_goes_to_every_console() {
    let mut log = ready();
    said(&mut log, Level::Info, b"before");
    said(&mut log, Level::Critical, b"no shell");
    assert_eq!(log.next(), Some(Sink::Everyone));
    assert_eq!(read(&log, Sink::Everyone, NOW), "<26>pidone: no shell\n");
    assert_eq!(read(&log, Sink::Console, NOW), "\rpidone: no shell\r\n");
    log.told(NOW, Sink::Everyone, Told::Taken);
    assert_eq!(log.next(), Some(Sink::Syslog));
}

#[test]
fn a_lost_report_of_losses_brings_about_another_one() {
    let mut log = ready();
    said(&mut log, Level::Error, b"x");
    log.told(NOW, Sink::Console, Told::Full);
    said(&mut log, Level::Error, b"y");
    log.told(NOW, Sink::Console, Told::Taken);
    log.told(NOW, Sink::Console, Told::Full);
    said(&mut log, Level::Error, b"z");
    log.told(NOW, Sink::Console, Told::Taken);
    assert_eq!(read(&log, Sink::Console, NOW), "\rpidone: console: 2 messages lost so far\r\n");
}

#[test]
fn whatever_ends_makes_us_look_for_syslog_once_a_second() {
    let mut log = ready();
    said(&mut log, Level::Info, b"x");
    log.told(NOW, Sink::Syslog, Told::Absent { watched: true });
    log.nudge(NOW.plus(999));
    assert_eq!(log.next(), None);
    log.nudge(NOW.plus(1_000));
    assert_eq!(log.next(), Some(Sink::Syslog));
}
