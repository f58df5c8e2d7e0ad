use super::*;

impl Bench {
    fn boot_on(consoles: &str, inittab: &str) -> Self {
        let mut bench = Bench::fresh();
        bench.consoles = consoles.into();
        bench.text(inittab);
        bench
    }

    /// The terminals of all units.
    fn ttys(&self) -> std::vec::Vec<String> {
        let table = self.init.table();
        let ttys = table.slots().iter().map(|slot| table.text(slot.spec.tty));
        ttys.map(|tty| String::from_utf8_lossy(tty).into_owned()).collect()
    }
}

#[test]
fn a_line_for_all_consoles_is_one_for_each() {
    let mut b = Bench::boot_on("tty1 ttyS0 ", "@console:name=c:respawn:g\n tty2::respawn:h\n");
    assert_eq!(b.did(), ["start g as 2", "start g as 3", "start h as 4"]);
    let ttys: std::vec::Vec<_> = b.ttys();
    assert_eq!(ttys, ["tty1", "ttyS0", " tty2"], "no other name is parted at its blank");
    assert_eq!(b.init.consoles(), Consoles::Followed);
    // One more is active, one is gone, one stays and never notices.
    b.consoles = "ttyS0 hvc0 ".into();
    b.happens(Event::ConsolesChanged);
    b.reload_text("@console:name=c:respawn:g\n tty2::respawn:h\n");
    assert_eq!(b.did(), ["signal 2 15 and HUP", "start g as 5"]);
    assert_eq!(b.ttys(), ["ttyS0", "hvc0", " tty2", "tty1"]);
}

#[test]
fn a_line_for_all_consoles_runs_on_ours_where_none_is_known() {
    let mut b = Bench::boot_on("", "@console::respawn:g\n");
    assert_eq!(
        (b.did(), b.ttys()),
        (vec!["start g as 2".into()], vec![std::string::String::new()])
    );
}

#[test]
fn consoles_are_followed_by_the_table_that_counts() {
    let mut b = Bench::boot_on("tty1 ", "@console::respawn:g\n");
    b.init.handle(b.now, Event::Requested(Request::Reload));
    b.happens(Event::TextFailed { errno: 2, shell: true });
    assert_eq!(b.init.consoles(), Consoles::Followed, "the old table is kept");
    b.reload("tty1::respawn:g\n");
    assert_eq!(b.init.consoles(), Consoles::Ignored);
}

#[test]
fn who_has_no_line_for_all_consoles_does_not_follow_them() {
    let mut b = Bench::boot_on("tty1 ", "tty1::respawn:g\n");
    assert_eq!(b.init.consoles(), Consoles::Ignored);
    b.happens(Event::ConsolesChanged);
    assert_ne!(b.init.next_action(), Some(Action::ReadTable));
}

#[test]
fn without_an_inittab_shells_follow_the_consoles() {
    let mut b = Bench::fresh();
    b.init.handle(b.now, Event::Consoles(b"ttyS0 "));
    b.happens(Event::TextFailed { errno: 2, shell: true });
    b.exits(2, 0);
    assert!(b.ttys().contains(&"ttyS0".into()), "{:?}", b.ttys());
    b.happens(Event::ConsolesChanged);
    assert_eq!(b.init.next_action(), Some(Action::ReadTable));
    b.did();
    b.init.handle(b.now, Event::Consoles(b"ttyS0 hvc0 "));
    b.happens(Event::TextFailed { errno: 2, shell: true });
    let did = b.did();
    assert!(did.len() == 1 && did[0].starts_with("start -/bin/sh"), "{did:?}");
    assert!(b.ttys().contains(&"hvc0".into()));
}

#[test]
fn sessions_boots_and_ends_are_written_down_and_services_are_not() {
    let mut b = Bench::boot("::wait:w\ntty1::respawn:g\n::respawn:daemon\n");
    assert!(b.records.is_empty(), "the boot is not over");
    b.exits(2, 0);
    // Somebody may be logged in at once, and last(1) says of a session that is written down before
    // the boot that it crashed.
    assert_eq!(b.records, [Record::Boot]);
    b.exits(4, 0);
    assert_eq!(b.records.len(), 1);
    b.exits(3, 1);
    let ended = Record::Ended { pid: Pid(3), exit: Exit::Code(1) };
    assert_eq!(b.records, [Record::Boot, ended]);
    b.happens(Event::Requested(Request::Down(End::Halt)));
    assert_eq!(b.records.last(), Some(&Record::Down));
}
