use super::*;

#[test]
fn the_way_down_ends_in_a_reboot() {
    let mut b = Bench::boot("::respawn:r\n::shutdown:s1\n::shutdown:s2\n");
    b.did();
    b.happens(Event::Requested(Request::Down(End::Reboot)));
    assert_eq!(b.did(), ["signal 2 15"]);
    b.exits(2, 0);
    assert_eq!(b.did(), ["start s1 as 3"]);
    b.exits(3, 0);
    assert_eq!(b.did(), ["start s2 as 4"]);
    b.exits(4, 0);
    assert_eq!(b.did(), ["TERM all"]);
    b.happens(Event::Childless);
    assert_eq!(b.did(), ["Unmount as 5"], "nobody is left to be killed");
    b.exits(5, 0);
    assert_eq!(b.did(), ["Sync as 6"]);
    b.exits(6, 0);
    assert_eq!(b.did(), ["Reboot(Reboot) as 7"]);
}

#[test]
fn the_way_down_does_not_wait_for_ever() {
    let mut b = Bench::boot("::respawn:r\n:grace=2s:shutdown:s\n");
    b.did();
    b.happens(Event::Requested(Request::Down(End::PowerOff)));
    b.after(5_000);
    assert_eq!(b.did(), ["signal 2 15", "signal 2 9"]);
    b.after(2_000);
    assert_eq!(b.did().len(), 0);
    b.after(2_000);
    assert_eq!(b.did(), ["start s as 3"], "a process that cannot be killed is left behind");
    b.after(2_000);
    assert_eq!(b.did(), ["signal 3 9"]);
    b.after(2_000);
    assert_eq!(b.did(), ["TERM all"]);
    b.after(5_000);
    assert_eq!(b.did(), ["KillAll as 4"]);
    b.exits(4, 0);
    b.after(2_000);
    assert_eq!(b.did(), ["Unmount as 5"]);
    b.after(LAST_MS);
    assert_eq!(b.did(), ["Sync as 6"]);
    b.after(LAST_MS);
    assert_eq!(b.did(), ["Reboot(PowerOff) as 7"]);
}

#[test]
fn asking_again_shortens_the_waits() {
    let mut b = Bench::boot(":grace=10m:respawn:r\n");
    b.happens(Event::Requested(Request::Down(End::Halt)));
    b.happens(Event::Requested(Request::Down(End::Halt)));
    b.did();
    b.after(1_000);
    assert_eq!(b.did(), ["signal 2 9"]);
}

#[test]
fn a_reboot_that_fails_can_be_asked_for_again() {
    let mut b = Bench::boot("");
    b.happens(Event::Requested(Request::Down(End::Halt)));
    b.happens(Event::Childless);
    b.exits(2, 0);
    b.exits(3, 0);
    b.exits(4, 5);
    let Phase::Down { stage: Stage::Over, .. } = b.init.phase() else {
        panic!("{:?}", b.init.phase());
    };
    b.did();
    b.happens(Event::Requested(Request::Down(End::Reboot)));
    assert_eq!(b.did(), ["Reboot(Reboot) as 5"]);
    b.exits(5, NOT_OURS);
    assert_eq!(b.init.next_action(), Some(Action::Leave { code: 0 }), "a container can be left");
}

#[test]
fn a_last_step_without_a_child_is_tried_again() {
    let mut b = Bench::boot("");
    b.init.handle(b.now, Event::Requested(Request::Down(End::Halt)));
    b.init.handle(b.now, Event::SignalledAll { any: false });
    while b.init.next_action().is_some_and(|a| matches!(a, Action::Tell(_))) {
        let sink = b.init.log().next().unwrap();
        b.init.handle(b.now, Event::Told { sink, told: crate::machine::Told::Taken });
    }
    b.init.handle(b.now, Event::SignalledAll { any: false });
    b.init.handle(b.now, Event::StepRefused { errno: 11 });
    let Phase::Down { stage: Stage::Last(step, state), .. } = b.init.phase() else {
        panic!("{:?}", b.init.phase());
    };
    assert_eq!((step, state), (LastStep::Unmount, LastState::Refused { tries: 1 }));
    b.after(100);
    assert_eq!(b.did(), ["Unmount as 2"]);
}

#[test]
fn a_container_that_has_no_room_for_a_last_child_is_left_all_the_same() {
    let mut b = Bench::boot("");
    b.did();
    b.happens(Event::Requested(Request::Down(End::Halt)));
    b.happens(Event::Childless);
    b.exits(2, 0);
    assert_eq!(b.did(), ["TERM all", "Unmount as 2", "Sync as 3"]);
    b.ends(3, 0);
    assert_eq!(b.init.next_action(), Some(Action::Last(LastStep::Reboot(End::Halt))));
    b.init.handle(b.now, Event::StepRefused { errno: NOT_OURS.into() });
    assert_eq!(b.init.next_action(), Some(Action::Leave { code: 0 }));
}
