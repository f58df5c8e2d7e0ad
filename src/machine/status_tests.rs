use super::*;
use crate::machine::status::{SAYING_MAX, SAYINGS_MAX};
use crate::wire::control::{self, Answer};
use crate::wire::signals::Signal;

/// Asks, and gives the lines of the answer, its code, and the place to go on from.
fn ask(b: &mut Bench, allowed: bool, request: &str) -> (String, u8, u16) {
    b.init.handle(b.now, Event::Asked { allowed, text: request.as_bytes() });
    assert!(b.init.owes_answer());
    assert_eq!(b.init.next_action(), Some(Action::Answer));
    let mut answer = Answer::new();
    b.init.answer(&mut answer);
    b.init.handle(b.now, Event::Answered);
    assert!(!b.init.owes_answer() && b.init.next_action() != Some(Action::Answer));
    let read = control::answer(answer.as_bytes()).expect("an answer");
    (String::from_utf8(read.text.to_vec()).unwrap(), read.code, read.next)
}

fn status(b: &mut Bench) -> String {
    let (lines, code, next) = ask(b, true, "1 status 0\n");
    assert_eq!((code, next), (0, 0));
    lines
}

fn fails(b: &mut Bench, pid: i32, step: Step, errno: u16) {
    let fault = Some(Fault { step, errno });
    b.happens(Event::Exited { pid: Pid(pid), exit: Exit::Code(120), fault });
}

#[test]
fn what_runs_waits_or_is_over_is_said_with_what_there_is_to_know() {
    let mut b = Bench::boot(
        ":name=one:once:/bin/o\n:name=web:respawn:/bin/w\n:name=db,ready=notify:respawn:/bin/d\n\
         :name=app,needs=db:respawn:/bin/a\n::shutdown:/bin/umount\n",
    );
    b.after(5_000);
    b.exits(2, 3);
    let lines = "one finished, last ended with code 3\nweb up for 5 s, pid 3\n\
                 db starting for 5 s, pid 4\napp waiting for db\numount idle\n";
    assert_eq!(status(&mut b), lines);
    b.exits(3, 0);
    b.after(1_000);
    b.exits(5, 1);
    let web = "web backoff, started 2 times, last ended with code 1; next start in ";
    let lines = status(&mut b);
    assert!(lines.lines().nth(1).is_some_and(|line| line.starts_with(web)), "{lines}");
    let said = Event::Notified { pid: Pid(4), session: Pid(4), text: b"READY=1\nSTATUS=fine" };
    b.happens(said);
    let lines = status(&mut b);
    assert!(lines.contains("\ndb up for 6 s, pid 4: fine\napp up for 0 ms, pid 6\n"), "{lines}");
    b.reload(":name=db,ready=notify:respawn:/bin/d\n");
    let lines = status(&mut b);
    assert!(lines.contains("\napp stopping, pid 6\n"), "{lines}");
}

#[test]
fn why_a_unit_failed_is_said_with_its_line() {
    let mut b = Bench::boot(
        ":name=bad,nice=5,user=a/b:respawn:/bin/b\n:name=nobody,user=nobody2:once:/bin/n\n\
         :name=gone:respawn:/bin/g\n:name=often,max=1/1h:respawn:/bin/o\n\
         :name=if,if=/etc/if:once:/bin/i\n::sysinit:\n:nnp:restart:/bin/r\n3:3:once:/bin/t\n\
         :name=sick,watchdog=1s:respawn:/bin/s\n",
    );
    fails(&mut b, 2, Step::Setting(5), 3);
    fails(&mut b, 3, Step::Condition, 2);
    fails(&mut b, 5, Step::Exec, 2);
    b.happens(Event::Exited { pid: Pid(6), exit: Exit::Signal(Signal(11)), fault: None });
    b.after(1_000);
    b.exits(7, 0);
    assert_eq!(
        status(&mut b),
        "bad failed: cannot honour 'user=a/b', line 1\n\
         nobody failed: no such user, line 2\n\
         gone up for 0 ms, pid 8, started 2 times, last: cannot run '/bin/g': \
         No such file or directory, line 3\n\
         often failed, last ended by SIGSEGV; 1 starts within max=, given up until a reload\n\
         if absent: /etc/if is not there, line 5; not started until a reload\n\
         r failed: cannot honour 'nnp', line 7\n\
         3 up for 1 s, pid 4\n\
         sick up for 0 ms, pid 9, started 2 times, stopped since it was unwell\n"
    );
}

#[test]
fn a_whole_table_is_answered_piece_by_piece() {
    let text: String = (0..256).map(|n| format!("::respawn:/bin/unit{n}\n")).collect();
    let mut b = Bench::boot(&text);
    let (mut all, mut from, mut pieces) = (String::new(), 0, 0);
    loop {
        let (lines, code, next) = ask(&mut b, true, &format!("1 status {from}\n"));
        assert_eq!(code, 0);
        all.push_str(&lines);
        pieces += 1;
        if next == 0 {
            break;
        }
        assert!(next > from);
        from = next;
    }
    let names: std::vec::Vec<_> = all.lines().map(|l| l.split(' ').next().unwrap()).collect();
    let expected: std::vec::Vec<_> = (0..256).map(|n| format!("unit{n}")).collect();
    assert_eq!(names, expected);
    assert!(pieces > 2, "{pieces}");
    assert_eq!(ask(&mut b, true, "1 status 65535\n"), (String::new(), 0, 0));
}

#[test]
fn strangers_and_garbage_get_a_clear_answer_and_nothing_changes() {
    let mut b = Bench::boot("::respawn:/bin/w\n");
    b.did();
    let refusal = "only root and the owner of this may ask\n";
    for request in ["1 status 0\n", "1 reload\n", "x"] {
        assert_eq!(ask(&mut b, false, request), (refusal.into(), 111, 0));
    }
    for request in ["", "status 0\n", "2 status 0\n", "1 status 0\n1 status 0\n"] {
        let answer = ("the request is not understood\n".into(), 100, 0);
        assert_eq!(ask(&mut b, true, request), answer, "{request:?}");
    }
    assert!(b.did().is_empty());
}

fn says(b: &mut Bench, pid: i32, text: &str) {
    let text = format!("STATUS={text}");
    let (pid, session) = (Pid(pid), Pid(pid));
    b.happens(Event::Notified { pid, session, text: text.as_bytes() });
}

#[test]
fn of_what_units_say_so_much_is_kept_and_none_of_it_drives_a_terminal() {
    let count = SAYINGS_MAX + 2;
    let text: String = (0..count).map(|n| format!("::respawn:/bin/unit{n}\n")).collect();
    let mut b = Bench::boot(&text);
    let line = |b: &mut Bench, n: usize| {
        let (lines, ..) = ask(b, true, &format!("1 status {n}\n"));
        lines.lines().next().unwrap().to_owned()
    };
    says(&mut b, 2, "\x1b[2J\u{e9}");
    assert_eq!(line(&mut b, 0), "unit0 up for 0 ms, pid 2: \\x1b[2J\\xc3\\xa9");
    says(&mut b, 2, "");
    assert_eq!(line(&mut b, 0), "unit0 up for 0 ms, pid 2");
    says(&mut b, 2, &"x".repeat(300));
    let cut = format!("pid 2: {}...", "x".repeat(SAYING_MAX));
    assert!(line(&mut b, 0).ends_with(&cut));
    for n in 1..count {
        says(&mut b, n as i32 + 2, &format!("n{n}"));
    }
    assert!(line(&mut b, 0).ends_with(", pid 2"), "the oldest went");
    assert!(line(&mut b, 1).ends_with(", pid 3"), "and the next one");
    assert!(line(&mut b, 2).ends_with(", pid 4: n2"));
    let last = line(&mut b, count - 1);
    assert!(last.ends_with(&format!(": n{}", count - 1)), "{last}");
    // The number of a process that has ended may come again, and its room is free.
    b.exits(4, 0);
    says(&mut b, 2, "again");
    assert!(line(&mut b, 0).ends_with(", pid 2: again"));
    assert!(line(&mut b, 3).ends_with(", pid 5: n3"), "nobody else had to go");
}

/// Has something done, and gives what was said.
fn wants(b: &mut Bench, request: &str) -> (String, u8) {
    let (said, code, next) = ask(b, true, &format!("1 {request}\n"));
    assert_eq!(next, 0);
    b.obey();
    (said, code)
}

const DONE: (String, u8) = (String::new(), 0);

#[test]
fn units_are_started_stopped_and_started_again_by_request() {
    let mut b = Bench::boot(":name=web:respawn:w\n:name=job,delay=1m:once:j\n");
    assert_eq!(b.did(), ["start j as 2", "start w as 3"]);
    assert_eq!(wants(&mut b, "start web"), DONE);
    assert!(b.did().is_empty(), "it runs");
    assert_eq!(wants(&mut b, "stop web"), DONE);
    assert_eq!(b.did(), ["signal 3 15"]);
    b.exits(3, 0);
    assert!(b.did().is_empty(), "it stays down");
    assert_eq!(wants(&mut b, "restart web"), DONE);
    assert_eq!(b.did(), ["start w as 4"]);
    assert_eq!(wants(&mut b, "restart web"), DONE);
    assert_eq!(b.did(), ["signal 4 15"]);
    b.exits(4, 0);
    assert_eq!(b.did(), ["start w as 5"]);
    assert_eq!(wants(&mut b, "stop web"), DONE);
    assert_eq!(wants(&mut b, "start web"), DONE);
    assert_eq!(b.did(), ["signal 5 15"]);
    b.exits(5, 0);
    assert_eq!(b.did(), ["start w as 6"], "who asks last is right");
    b.exits(2, 0);
    assert_eq!(wants(&mut b, "start job"), DONE);
    assert_eq!(b.did(), ["start j as 7"]);
}

#[test]
fn a_wait_for_the_next_start_is_cut_short_by_request_or_ends_for_good() {
    let mut b = Bench::boot(":name=web,delay=1m:respawn:w\n");
    b.exits(2, 1);
    b.exits(3, 1);
    assert_eq!(b.did().len(), 2);
    assert!(status(&mut b).starts_with("web backoff"));
    assert_eq!(wants(&mut b, "start web"), DONE);
    assert_eq!(b.did(), ["start w as 4"]);
    b.exits(4, 1);
    assert_eq!(wants(&mut b, "stop web"), DONE);
    b.after(200_000);
    assert!(b.did().is_empty());
    let line = "web finished, started 3 times, last ended with code 1; not started again\n";
    assert_eq!(status(&mut b), line);
}

#[test]
fn what_cannot_be_wanted_is_refused_with_the_reason() {
    let mut b = Bench::boot(
        ":name=w:wait:w\n:name=a:respawn:a\n:name=bad,user=a/b:respawn:b\n::shutdown:down\n",
    );
    let refused = |what: &str| (format!("{what}\n"), 111);
    let early = refused("not before everything is started, nor on the way down");
    assert_eq!(wants(&mut b, "stop a"), early);
    assert_eq!(wants(&mut b, "reload"), early);
    b.exits(2, 0);
    b.did();
    for unit in ["w", "down", "bad"] {
        let refusal = refused("its line keeps it from that");
        assert_eq!(wants(&mut b, &format!("start {unit}")), refusal, "{unit}");
    }
    assert_eq!(wants(&mut b, "start nobody"), refused("there is no unit of that name"));
    assert!(b.did().is_empty());
    assert_eq!(wants(&mut b, "reload"), DONE);
    assert_eq!(b.init.next_action(), Some(Action::ReadTable));
    b.text(":name=a:respawn:a\n");
    b.happens(Event::Requested(Request::Down(End::Reboot)));
    assert_eq!(wants(&mut b, "stop a"), early);
}

#[test]
fn what_was_stopped_before_its_good_end_has_not_come_to_it() {
    for exit in [Exit::Signal(Signal::TERM), Exit::Code(0)] {
        let mut b = Bench::boot(":name=a,ready=exit:once:a\n:needs=a:respawn:b\n");
        assert_eq!(b.did(), ["start a as 2"]);
        assert_eq!(ask(&mut b, true, "1 stop a\n").1, 0);
        b.obey();
        b.did();
        b.happens(Event::Exited { pid: Pid(2), exit, fault: None });
        assert_eq!(b.did().len(), 0, "nobody who needs it is started");
        assert_eq!(ask(&mut b, true, "1 start a\n").1, 0);
        b.obey();
        b.exits(3, 0);
        assert_eq!(b.did(), ["start a as 3", "start b as 4"]);
    }
}

#[test]
fn what_failed_stays_stopped_by_request_over_a_reload() {
    let text = ":max=1/1h:respawn:a\n:if=/x:respawn:b\n";
    let mut b = Bench::boot(text);
    b.exits(2, 1);
    fails(&mut b, 3, Step::Condition, 2);
    b.did();
    b.reload(text);
    assert_eq!(b.did(), ["start a as 4", "start b as 5"]);
    b.exits(4, 1);
    fails(&mut b, 5, Step::Condition, 2);
    for unit in ["a", "b"] {
        assert_eq!(ask(&mut b, true, &format!("1 stop {unit}\n")).1, 0);
    }
    b.reload(text);
    assert_eq!(b.did().len(), 0);
    let over = |line: &str| line.contains(" finished") && line.ends_with("; not started again");
    assert!(status(&mut b).lines().all(over), "{}", status(&mut b));
}
