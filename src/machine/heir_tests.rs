use super::*;
use crate::machine::Told;

impl Bench {
    /// A process ends, and no aide can be forked that looks for what it left in its place.
    fn ends_while_forks_fail(&mut self, pid: i32) {
        self.ends(pid, 0);
        while let Some(action) = self.init.next_action() {
            let event = match action {
                Action::Sweep { .. } => Event::Swept,
                Action::Follow { unit, .. } => {
                    let fault = Fault { step: Step::Fork, errno: 11 };
                    Event::Refused { unit, refusal: Refusal::Fault(fault) }
                }
                Action::Tell(sink) => Event::Told { sink, told: Told::Taken },
                action => panic!("{action:?}"),
            };
            self.init.handle(self.now, event);
        }
    }

    fn finds(&mut self, aide: i32, heir: u32) {
        let (exit, fault) = (Exit::Code(120), Some(Fault::found(heir)));
        self.happens(Event::Exited { pid: Pid(aide), exit, fault });
    }
}

#[test]
fn a_daemon_that_is_still_to_be_found_is_not_lost_over_a_reload() {
    for (inittab, then) in [
        ("", "signal 50 15"),
        ("::respawn:other", "signal 50 15"),
        (":pidfile=/p,nice=5:respawn:d", "signal 50 15"),
    ] {
        let mut b = Bench::boot(":pidfile=/p:respawn:d\n");
        b.ends_while_forks_fail(2);
        b.did();
        b.reload(inittab);
        let did = b.did();
        assert!(!did.iter().any(|deed| deed.starts_with("start d ")), "{inittab}: {did:?}");
        b.after(100);
        assert_eq!(b.did().len(), 1, "{inittab}: it is looked for");
        b.finds(b.pid, 50);
        assert_eq!(b.did(), [then], "{inittab}");
    }
}

#[test]
fn who_waited_for_a_daemon_still_to_be_found_ends_before_the_way_down_goes_on() {
    let mut b = Bench::boot(":name=d,pidfile=/p:respawn:d\n::shutdown:s\n");
    b.ends_while_forks_fail(2);
    b.did();
    b.happens(Event::Requested(Request::Down(End::Reboot)));
    assert_eq!(b.did().len(), 0, "no shutdown line runs beside it");
    b.after(100);
    assert_eq!(b.did(), ["follow 0 as 3"]);
    b.finds(3, 50);
    assert_eq!(b.did(), ["signal 50 15"]);
    b.exits(50, 0);
    assert_eq!(b.did(), ["start s as 4"]);
}

#[test]
fn a_daemon_that_is_found_after_the_last_grace_is_killed_and_its_unit_is_not_lost() {
    let mut b = Bench::boot(":name=d,grace=1s,pidfile=/p:respawn:d\n");
    b.exits(2, 0);
    b.happens(Event::Requested(Request::Down(End::Reboot)));
    b.did();
    while !b.did().contains(&"signal 3 9".to_owned()) {
        let until = b.init.next_deadline().expect("the grace ends");
        b.after(until.since(b.now) as u32);
    }
    b.finds(3, 50);
    assert_eq!(b.did(), ["signal 50 9"]);
    b.exits(50, 0);
    assert!(!b.init.is_any_live());
}

#[test]
fn each_unit_that_waits_for_too_long_is_reported_also_when_another_one_was_before() {
    let mut b = Bench::boot(
        ":name=never,ready=notify:once:never\n:name=a,after=never:once:a\n\
         :name=other:once:other\n",
    );
    let said = |b: &mut Bench| {
        b.now = b.now.plus(60_000);
        let mut text = String::new();
        b.init.handle(b.now, Event::Tick);
        while let Some(action) = b.init.next_action() {
            let Action::Tell(sink) = action else { panic!("{action:?}") };
            let mut line = crate::wire::text::Line::wide();
            b.init.log().read(b.now, sink, &mut line);
            text += &String::from_utf8_lossy(line.as_bytes());
            b.init.handle(b.now, Event::Told { sink, told: Told::Taken });
        }
        text
    };
    assert!(said(&mut b).contains("a has waited"));
    b.reload(
        ":name=never,ready=notify:once:never\n:name=a,after=never:once:a\n\
         :name=other:once:other\n:name=c,after=never:once:c\n",
    );
    let text = said(&mut b);
    assert!(text.contains("c has waited") && !text.contains("a has waited"), "{text}");
    assert_eq!(b.init.next_deadline(), None, "then it is quiet");
}

#[test]
fn a_unit_that_names_its_heir_is_ready_when_either_says_so_and_not_before() {
    for heir_speaks_early in [false, true] {
        let mut b = Bench::boot(":name=d,ready=notify:respawn:d\n:after=d:once:a\n");
        let says = |b: &mut Bench, pid, text: &str| {
            let (pid, text) = (Pid(pid), text.as_bytes());
            b.happens(Event::Notified { pid, session: Pid(0), text });
        };
        says(&mut b, 2, "MAINPID=50");
        b.exits(2, 0);
        assert_eq!(b.did(), ["start d as 2", "follow 50 as 3"]);
        says(&mut b, 51, "READY=1");
        if heir_speaks_early {
            says(&mut b, 50, "READY=1");
        }
        b.finds(3, 50);
        if !heir_speaks_early {
            assert_eq!(b.did().len(), 0, "it has not said that it is ready");
            says(&mut b, 50, "READY=1");
        }
        assert_eq!(b.did(), ["start a as 4"]);
    }
}
