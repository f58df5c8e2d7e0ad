use super::*;

const LOG: LogId = LogId(NonZeroU8::MIN);

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// A log that is held and has a reader since 0, with the number 7.
fn reading() -> Readers {
    let mut readers = Readers::new();
    assert_eq!(readers.claim(), Some(LOG));
    assert_eq!(readers.next(false, true), None, "nobody writes yet");
    readers.wake(LOG);
    assert_eq!(readers.next(false, false), None, "not now");
    assert_eq!(readers.next(false, true), Some((LOG, Wish::Begin)));
    readers.begun(at(0), LOG, Pid(7));
    assert_eq!(readers.next(false, true), None);
    readers
}

fn leave(readers: &mut Readers) {
    readers.leave_all_but(&[false; LOGS_MAX]);
    assert_eq!(readers.next(false, false), Some((LOG, Wish::Close { whole: false })));
    assert!(!readers.closed(LOG));
}

fn is_forgotten(readers: &mut Readers) {
    assert_eq!(readers.next(false, false), Some((LOG, Wish::Close { whole: true })));
    assert!(readers.closed(LOG) && !readers.is_any());
}

#[test]
fn a_reader_that_is_killed_is_begun_again_at_once_and_one_that_does_not_last_after_a_while() {
    let mut readers = reading();
    let killed = Exit::Signal(Signal::KILL);
    assert_eq!(readers.ended(at(50), Pid(8), killed), None, "a stranger");
    assert_eq!(readers.ended(at(50), Pid(7), killed), Some((LOG, News::Again)));
    for wait in [0, 10, 20, 40, 80, 160, 320, 640, 1000, 1000] {
        if wait > 0 {
            assert_eq!(readers.deadline(), Some(at(60 + wait)));
            readers.tick(at(60 + wait));
        }
        assert_eq!(readers.next(false, true), Some((LOG, Wish::Begin)), "{wait}");
        readers.begun(at(60), LOG, Pid(7));
        let ended = readers.ended(at(60), Pid(7), Exit::Code(111));
        assert_eq!(ended, Some((LOG, News::Old)), "it was said");
    }
    assert_eq!(readers.refused(at(61_000), LOG), News::Again, "it is said again");
}

#[test]
fn a_log_that_nobody_has_is_read_to_its_end_and_forgotten() {
    let mut readers = reading();
    leave(&mut readers);
    assert!(readers.drains(LOG) && readers.next(false, true).is_none());
    // Who kills the reader takes nothing away.
    readers.ended(at(100), Pid(7), Exit::Signal(Signal::KILL));
    assert_eq!(readers.next(false, true), Some((LOG, Wish::Begin)));
    readers.begun(at(100), LOG, Pid(9));
    readers.ended(at(200), Pid(9), Exit::Code(0));
    is_forgotten(&mut readers);
    assert_eq!(readers.claim(), Some(LOG), "the place is used again");
}

#[test]
fn a_log_that_is_held_again_keeps_its_reader() {
    let mut readers = reading();
    leave(&mut readers);
    readers.hold(LOG);
    readers.ended(at(100), Pid(7), Exit::Code(0));
    assert_eq!(readers.next(false, true), Some((LOG, Wish::Begin)), "its end was not meant");
}

#[test]
fn on_the_way_down_a_reader_is_told_to_end_and_given_up_in_time() {
    for in_time in [true, false] {
        let mut readers = reading();
        leave(&mut readers);
        let term = Wish::Signal { pid: Pid(7), signal: Signal::TERM };
        assert_eq!(readers.next(true, true), Some((LOG, term)));
        readers.signalled(at(100), LOG);
        assert_eq!(readers.deadline(), Some(at(2_100)));
        if in_time {
            let ended = readers.ended(at(300), Pid(7), Exit::Signal(Signal::TERM));
            assert_eq!(ended, Some((LOG, News::Old)));
        } else {
            readers.tick(at(2_100));
            let kill = Wish::Signal { pid: Pid(7), signal: Signal::KILL };
            assert_eq!(readers.next(true, true), Some((LOG, kill)));
            readers.signalled(at(2_100), LOG);
            assert!(!readers.drains(LOG) && readers.is_any());
            let ended = readers.ended(at(2_101), Pid(7), Exit::Signal(Signal::KILL));
            assert_eq!(ended, Some((LOG, News::GivenUp)));
        }
        is_forgotten(&mut readers);
    }
}

#[test]
fn a_reader_that_ends_without_having_written_all_is_not_taken_for_one_that_has() {
    let mut readers = reading();
    leave(&mut readers);
    let ended = readers.ended(at(100), Pid(7), Exit::Code(UNWRITTEN));
    assert_eq!(ended, Some((LOG, News::GivenUp)));
    is_forgotten(&mut readers);
}

#[test]
fn a_reader_that_is_to_do_something_else_makes_place_for_another_one_though_nobody_has_the_log() {
    let mut readers = reading();
    readers.renew(LOG);
    let kill = Wish::Signal { pid: Pid(7), signal: Signal::KILL };
    assert_eq!(readers.next(false, true), Some((LOG, kill)));
    readers.signalled(at(10), LOG);
    leave(&mut readers);
    let ended = readers.ended(at(11), Pid(7), Exit::Signal(Signal::KILL));
    assert_eq!(ended, Some((LOG, News::Old)));
    assert_eq!(readers.next(false, true), Some((LOG, Wish::Begin)), "and not after a wait");
}

#[test]
fn when_all_time_is_over_nobody_waits() {
    let mut readers = reading();
    leave(&mut readers);
    readers.expire();
    readers.signalled(at(1), LOG);
    readers.ended(at(2), Pid(7), Exit::Signal(Signal::KILL));
    is_forgotten(&mut readers);
    let mut readers = reading();
    readers.ended(at(1), Pid(7), Exit::Code(111));
    leave(&mut readers);
    readers.expire();
    is_forgotten(&mut readers);
}

#[test]
fn there_is_room_for_so_many_logs() {
    let mut readers = Readers::new();
    assert!((0..LOGS_MAX).all(|place| readers.claim() == LogId::at(place)));
    assert_eq!(readers.claim(), None);
}
