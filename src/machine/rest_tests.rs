use super::*;

#[test]
fn what_the_end_of_the_boot_started_has_a_head_start_of_syslog() {
    let mut b = Bench::boot("::wait:w\n::respawn:r\n");
    b.now = b.now.plus(RETRY_MS - 1);
    b.exits(2, 0);
    assert_eq!(b.did(), ["start w as 2", "start r as 3"]);
    let in_time = b.now.plus(HEAD_START_MS);
    assert_eq!((b.init.next_action(), b.init.next_deadline()), (None, Some(in_time)));
    b.now = in_time;
    b.init.handle(b.now, Event::Tick);
    assert_eq!(b.init.next_action(), Some(Action::Tell(Sink::Syslog)));
}

#[test]
fn it_comes_to_rest_after_everything_but_the_end_of_orphans() {
    let mut b = Bench::boot("::wait:w\n::respawn:r\n");
    assert!(!b.init.comes_to_rest(), "the boot is not over");
    b.exits(2, 0);
    assert!(!b.init.comes_to_rest(), "messages wait");
    b.after(HEAD_START_MS);
    assert!(b.init.comes_to_rest() && !b.init.comes_to_rest());
    b.exits(99, 0);
    b.happens(Event::Childless);
    assert!(!b.init.comes_to_rest(), "orphans are nothing");
    b.exits(3, 0);
    assert!(!b.init.comes_to_rest(), "what was started has a head start");
    b.after(HEAD_START_MS);
    assert!(b.init.comes_to_rest(), "a unit is something");
    b.init.records.put(Record::Down);
    b.init.records.taken(Some(Pid(98)));
    b.exits(98, 0);
    assert!(b.init.comes_to_rest(), "so is what was written down");
    b.happens(Event::Requested(Request::Pause));
    assert!(b.init.comes_to_rest(), "and so is a request");
}

#[test]
fn a_service_is_back_before_anybody_but_the_console_hears_of_it_even_if_nobody_ever_does() {
    let mut b = Bench::boot("::respawn:r\n");
    let told = crate::machine::Told::Absent { watched: false };
    for end in 0..200 {
        b.now = b.now.plus(60_000);
        b.ends(2 + end, 0);
        assert!(matches!(b.init.next_action(), Some(Action::Sweep { .. })), "end {end}");
        b.init.handle(b.now, Event::Swept);
        let unit = crate::machine::UnitId(0);
        assert_eq!(b.init.next_action(), Some(Action::Spawn { unit }), "end {end}");
        b.init.handle(b.now, Event::Spawned { unit, pid: Pid(3 + end) });
        assert_eq!(b.init.next_action(), None, "end {end}");
        let in_time = b.now.plus(HEAD_START_MS);
        assert!(b.init.next_deadline() <= Some(in_time), "end {end}");
        b.now = in_time;
        b.init.handle(b.now, Event::Tick);
        while let Some(action) = b.init.next_action() {
            let event = match action {
                Action::Tell(sink) => Event::Told { sink, told },
                _ => Event::Recorded { writer: None },
            };
            b.init.handle(b.now, event);
        }
    }
    assert!(b.init.log().losses().0 > 0, "the ring was full");
}
