use super::*;
use crate::machine::{Sink, Told};

impl Bench {
    /// What is said to the console from now on, while what happens follows.
    fn said(&mut self, event: Event<'_>) -> std::vec::Vec<String> {
        self.init.handle(self.now, event);
        let mut said = vec![];
        while let Some(Action::Tell(sink)) = self.init.next_action() {
            if let Sink::Console | Sink::Everyone = sink {
                let mut line = crate::wire::text::Line::wide();
                self.init.log().read(self.now, sink, &mut line);
                said.push(String::from_utf8_lossy(line.as_bytes()).trim().into());
            }
            self.init.handle(self.now, Event::Told { sink, told: Told::Taken });
        }
        said
    }
}

#[test]
fn what_is_needed_is_named_with_its_number() {
    let mut b = Bench::boot(
        "::once:/bin/sh a\n:ready=notify:once:/bin/sh b\n:name=n,after=sh-2:once:n\n\
         :name=m,needs=sh-2:once:m\n",
    );
    b.did();
    b.now = b.now.plus(60_000);
    let said = b.said(Event::Tick);
    let waits = |unit| {
        format!(
            "pidone: {unit} has waited 60 s for sh-2; to start it, mend that or drop the option"
        )
    };
    assert_eq!(said, [waits("n"), waits("m")]);
}

#[test]
fn who_has_not_waited_for_a_minute_is_not_said_to_have() {
    let text = ":name=a,ready=notify:once:a\n:after=a:once:b\n";
    let mut b = Bench::boot(text);
    b.after(59_000);
    b.reload(&format!("{text}:after=a:once:c\n"));
    b.now = b.now.plus(1_000);
    let said = b.said(Event::Tick);
    assert!(said.len() == 1 && said[0].contains(" b has waited 60 s for a;"), "{said:?}");
    let until = b.init.next_deadline().expect("the other one waits on");
    b.now = until;
    let said = b.said(Event::Tick);
    assert!(said.len() == 1 && said[0].contains(" c has waited 60 s for a;"), "{said:?}");
    assert_eq!(b.init.next_deadline(), None);
}

#[test]
fn a_bad_text_that_is_cut_is_marked() {
    let mut b = Bench::boot("");
    b.init.handle(b.now, Event::Requested(Request::Reload));
    b.init.handle(b.now, Event::Text("x".repeat(40).as_bytes()));
    b.init.handle(b.now, Event::Text(b"\n"));
    b.init.handle(b.now, Event::Text("y".repeat(41).as_bytes()));
    let said = b.said(Event::TextEnd);
    let bad = |line, text: String| {
        format!(
            "pidone: inittab:{line}: '{text}': expected tty:options:action:command; line skipped"
        )
    };
    assert_eq!(said, [bad(1, "x".repeat(40)), bad(2, "y".repeat(40) + "...")]);
}

#[test]
fn an_inittab_that_cannot_be_read_is_not_said_to_be_missing() {
    let mut b = Bench::boot("::respawn:r\n");
    for (errno, why) in [(2, "there is none"), (5, "cannot be read: Input/output error")] {
        b.init.handle(b.now, Event::Requested(Request::Reload));
        let said = b.said(Event::TextFailed { errno, shell: true });
        assert_eq!(said, [format!("pidone: inittab: {why}; the old table is kept")]);
    }
}
