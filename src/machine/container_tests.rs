use super::*;
use crate::wire::container::Guise;
use crate::wire::errno::{EAGAIN, EPERM};

const MAIN: Pid = Pid(7);
const HOOK: Pid = Pid(8);
const ORPHAN: Pid = Pid(9);

fn plan<'a>(guise: Guise, words: &[&'a str]) -> Plan<'a> {
    let mut plan = Plan::new(guise);
    let mut index = 0;
    while let Some(word) = words.get(index) {
        let next = words.get(index + 1).map(|word| word.as_bytes());
        index += 1 + usize::from(plan.take(word.as_bytes(), next).unwrap());
    }
    plan
}

/// A machine with the world that answers it.
struct Script<'a> {
    machine: Container<'a>,
    errno: Option<u16>,
    hooked: Result<Pid, u16>,
    left: Left,
    others: bool,
}

impl<'a> Script<'a> {
    /// Nothing has happened.
    fn bare(plan: &'a Plan<'a>) -> Self {
        let machine = Container::new(plan);
        Script { machine, errno: None, hooked: Ok(HOOK), left: Left::Children, others: false }
    }

    /// Time 0: the main child was started, or there is to be none.
    fn new(plan: &'a Plan<'a>) -> Self {
        let mut script = Script::bare(plan);
        let first = if plan.pause { Event::Paused } else { Event::Started { pid: MAIN } };
        assert_eq!(script.at(0, first), []);
        script
    }

    /// What is wanted when this happens, to the last action.
    fn at(&mut self, time: u64, event: Event) -> Vec<Action> {
        let now = Instant::from_millis(time);
        let mut wanted = Vec::new();
        self.machine.handle(now, event);
        while let Some(action) = self.machine.next_action() {
            wanted.push(action);
            assert!(wanted.len() < 10, "{wanted:?}");
            let outcome = match action {
                Action::Tell(_) => Event::Told,
                Action::Relay { .. } => Event::Relayed { errno: self.errno },
                Action::Farewell { .. } => Event::Relayed { errno: self.errno },
                Action::Halt { .. } => Event::Resumed,
                Action::Hook => Event::Hooked(self.hooked),
                Action::Everybody { .. } => Event::Signalled { left: self.left },
                Action::Look => Event::Looked { any: self.others },
                Action::Leave { .. } => return wanted,
            };
            assert_eq!(self.machine.next_action(), Some(action), "it is wanted until it is done");
            self.machine.handle(now, outcome);
        }
        wanted
    }

    fn asked(&mut self, time: u64, signal: Signal) -> Vec<Action> {
        self.at(time, Event::Asked(signal))
    }

    fn exited(&mut self, time: u64, pid: Pid, code: u8) -> Vec<Action> {
        self.at(time, Event::Exited { pid, exit: Exit::Code(code) })
    }

    fn killed(&mut self, time: u64, pid: Pid, signal: Signal) -> Vec<Action> {
        self.at(time, Event::Exited { pid, exit: Exit::Signal(signal) })
    }

    fn tick(&mut self, time: u64) -> Vec<Action> {
        self.at(time, Event::Tick)
    }

    fn deadline(&self) -> Option<u64> {
        self.machine.next_deadline().map(Instant::millis)
    }
}

fn relay(signal: Signal) -> Action {
    Action::Relay { to: MAIN, signal }
}

/// A step while the main child lives.
fn step(signal: Signal) -> Action {
    Action::Everybody { main: Some(MAIN), signal }
}

/// A step after its end.
fn late_step(signal: Signal) -> Action {
    Action::Everybody { main: None, signal }
}

fn leave(code: u8) -> Action {
    Action::Leave { code }
}

const LATE: Action = Action::Tell(Story::Late);
const KILL_WAIT: u64 = KILL_WAIT_MS as u64;
const LOOK: u64 = LOOK_MS as u64;

#[test]
fn every_signal_is_relayed_once_and_time_means_nothing() {
    let plan = plan(Guise::Pidone, &[]);
    let mut script = Script::new(&plan);
    for number in 1..=64 {
        assert_eq!(script.asked(5, Signal(number)), [relay(Signal(number))]);
    }
    assert_eq!(script.deadline(), None);
    assert_eq!(script.tick(1000), []);
    assert_eq!(script.at(1000, Event::Childless), []);
    assert_eq!(script.exited(1000, ORPHAN, 3), []);
    assert_eq!(script.exited(1000, MAIN, 3), [leave(3)]);
}

#[test]
fn signals_are_rewritten_or_dropped() {
    let plan = plan(Guise::Pidone, &["-r", "TERM:QUIT", "-r", "HUP:0", "-r", "RTMIN+2:USR1"]);
    let mut script = Script::new(&plan);
    assert_eq!(script.asked(0, Signal::TERM), [relay(Signal::QUIT)]);
    assert_eq!(script.asked(0, Signal::HUP), []);
    assert_eq!(script.asked(0, Signal(36)), [relay(Signal::USR1)]);
}

#[test]
fn the_code_is_that_of_the_main_child() {
    let plan = plan(Guise::Pidone, &["-e", "143", "-e", "7"]);
    let code = |exit| {
        let mut script = Script::new(&plan);
        script.at(0, Event::Exited { pid: MAIN, exit })
    };
    assert_eq!(code(Exit::Code(0)), [leave(0)]);
    assert_eq!(code(Exit::Code(255)), [leave(255)]);
    assert_eq!(code(Exit::Code(7)), [leave(0)]);
    assert_eq!(code(Exit::Signal(Signal::TERM)), [leave(0)]);
    assert_eq!(code(Exit::Signal(Signal::KILL)), [leave(137)]);
    assert_eq!(code(Exit::Signal(Signal(64))), [leave(192)]);
}

#[test]
fn a_relay_that_fails_is_told_and_the_child_is_waited_for() {
    let plan = plan(Guise::Pidone, &[]);
    let mut script = Script::new(&plan);
    script.errno = Some(EPERM);
    let story = Story::NotRelayed { signal: Signal::HUP, errno: EPERM };
    assert_eq!(script.asked(0, Signal::HUP), [relay(Signal::HUP), Action::Tell(story)]);
    assert_eq!(script.machine.main(), Some(MAIN));
    assert_eq!(script.exited(0, MAIN, 0), [leave(0)]);
}

#[test]
fn a_stopped_main_child_stops_us_and_nobody_else_does() {
    let plan = plan(Guise::Pidone, &[]);
    let mut script = Script::new(&plan);
    assert_eq!(script.at(0, Event::Stopped { pid: ORPHAN }), []);
    assert_eq!(script.at(0, Event::Stopped { pid: MAIN }), [Action::Halt { main: MAIN }]);
    assert_eq!(script.asked(1, Signal::CONT), [relay(Signal::CONT)]);
}

#[test]
fn stories_are_told_from_their_verbosity_on() {
    let tales = |words: &[&str]| {
        let plan = plan(Guise::Tini, words);
        let mut script = Script::bare(&plan);
        let exit = Exit::Code(0);
        let course = [
            Event::Started { pid: MAIN },
            Event::Asked(Signal::HUP),
            Event::Exited { pid: ORPHAN, exit },
            Event::Exited { pid: MAIN, exit },
        ];
        let wanted = course.into_iter().flat_map(|event| script.at(0, event));
        let story = |action| if let Action::Tell(story) = action { Some(story) } else { None };
        wanted.filter_map(story).collect::<Vec<_>>()
    };
    let (relaying, exit) = (Story::Relaying { signal: Signal::HUP }, Exit::Code(0));
    let (started, ended) = (Story::Started { pid: MAIN }, Story::Ended { pid: MAIN, exit });
    assert_eq!(tales(&[]), []);
    assert_eq!(tales(&["-w"]), [Story::Reaped { pid: ORPHAN }]);
    assert_eq!(tales(&["-v"]), [started, ended]);
    assert_eq!(tales(&["-vv"]), [started, relaying, ended]);
    assert_eq!(tales(&["-vvv", "-w"]), [started, relaying, Story::Reaped { pid: ORPHAN }, ended]);
}

#[test]
fn a_pause_ends_by_term_or_int_and_by_nothing_else() {
    for (signal, wanted) in [
        (Signal::TERM, vec![leave(0)]),
        (Signal::INT, vec![leave(0)]),
        (Signal::HUP, vec![]),
        (Signal::QUIT, vec![]),
    ] {
        for guise in [Guise::Pidone, Guise::Catatonit] {
            let plan = plan(guise, &["-P"]);
            let mut script = Script::new(&plan);
            assert_eq!(script.exited(1, ORPHAN, 1), []);
            assert_eq!(script.at(1, Event::Childless), []);
            assert_eq!(script.deadline(), None);
            assert_eq!(script.asked(2, signal), wanted, "{signal:?}");
        }
    }
}

#[test]
fn a_pause_with_a_grace_ends_everybody() {
    let plan = plan(Guise::Pidone, &["-P", "--grace", "5s"]);
    let mut script = Script::new(&plan);
    script.left = Left::Others;
    script.others = true;
    assert_eq!(script.asked(100, Signal::INT), [late_step(Signal::TERM)]);
    assert_eq!(script.tick(100 + LOOK), [Action::Look]);
    script.others = false;
    assert_eq!(script.tick(100 + 2 * LOOK), [Action::Look, leave(0)]);
}

#[test]
fn dumb_init_says_farewell_to_the_group_alone() {
    for (words, wanted) in [
        (&[][..], vec![Action::Farewell { group: MAIN, signal: Signal::TERM }, leave(0)]),
        (&["-r", "15:2"], vec![Action::Farewell { group: MAIN, signal: Signal::INT }, leave(0)]),
        (&["-r", "15:0"], vec![leave(0)]),
        // There is no group, and the number of the child is nobody's, or somebody else's.
        (&["-c"], vec![leave(0)]),
    ] {
        let plan = plan(Guise::DumbInit, words);
        let mut script = Script::new(&plan);
        script.errno = Some(3);
        assert_eq!(script.exited(0, MAIN, 0), wanted, "{words:?}");
    }
}

#[test]
fn a_grace_ends_everybody_and_waits_for_the_last() {
    let plan = plan(Guise::Pidone, &["--grace", "10s"]);
    let mut script = Script::new(&plan);
    assert_eq!(script.deadline(), None);
    assert_eq!(script.asked(100, Signal::TERM), [step(Signal::TERM)]);
    assert_eq!(script.deadline(), Some(10_100));
    assert_eq!(script.asked(200, Signal::HUP), [relay(Signal::HUP)]);
    assert_eq!(script.killed(300, MAIN, Signal::TERM), []);
    assert_eq!(script.asked(400, Signal::HUP), []);
    assert_eq!(script.exited(500, ORPHAN, 0), []);
    assert_eq!(script.tick(10_099), []);
    assert_eq!(script.at(10_099, Event::Childless), [Action::Look, leave(143)]);
}

#[test]
fn the_end_of_the_main_child_begins_the_way_down() {
    let plan = plan(Guise::Pidone, &["--grace", "10s"]);
    let mut script = Script::new(&plan);
    assert_eq!(script.exited(50, MAIN, 4), [late_step(Signal::TERM)]);
    assert_eq!(script.deadline(), Some(10_050));
    assert_eq!(script.at(60, Event::Childless), [Action::Look, leave(4)]);
    let mut alone = Script::new(&plan);
    alone.left = Left::Nobody;
    assert_eq!(alone.exited(50, MAIN, 4), [late_step(Signal::TERM), leave(4)]);
}

#[test]
fn kill_comes_at_the_deadline_and_is_not_waited_for_for_ever() {
    let plan = plan(Guise::Pidone, &["--grace", "10s", "-e", "137"]);
    let mut script = Script::new(&plan);
    script.asked(100, Signal::TERM);
    assert_eq!(script.tick(10_100), [LATE, step(Signal::KILL)]);
    assert_eq!(script.deadline(), Some(10_100 + KILL_WAIT));
    assert_eq!(script.tick(10_099 + KILL_WAIT), []);
    // It was killed, as far as anybody can say; and that code is forgiven.
    assert_eq!(script.tick(10_100 + KILL_WAIT), [leave(0)]);
}

#[test]
fn the_code_of_a_main_child_that_heeds_nothing_is_that_of_kill() {
    let plan = plan(Guise::Pidone, &["--stop", "KILL"]);
    let mut script = Script::new(&plan);
    script.asked(0, Signal::TERM);
    assert_eq!(script.tick(KILL_WAIT), [leave(137)]);
}

#[test]
fn steps_come_one_after_the_other() {
    let plan = plan(Guise::Pidone, &["--stop", "INT=1s,QUIT=2s,KILL"]);
    let mut script = Script::new(&plan);
    assert_eq!(script.asked(0, Signal::TERM), [step(Signal::INT)]);
    assert_eq!(script.tick(999), []);
    assert_eq!(script.tick(1000), [step(Signal::QUIT)]);
    assert_eq!(script.deadline(), Some(3000));
    assert_eq!(script.tick(3000), [LATE, step(Signal::KILL)]);
    assert_eq!(script.exited(3001, MAIN, 9), []);
    assert_eq!(script.at(3001, Event::Childless), [Action::Look, leave(9)]);
}

#[test]
fn kill_is_the_last_step_wherever_it_stands() {
    for text in ["KILL", "KILL=0", "KILL=0,TERM=1s"] {
        let plan = plan(Guise::Pidone, &["--stop", text]);
        let mut script = Script::new(&plan);
        assert_eq!(script.asked(0, Signal::TERM), [step(Signal::KILL)], "{text}");
        assert_eq!(script.deadline(), Some(KILL_WAIT));
        assert_eq!(script.killed(1, MAIN, Signal::KILL), []);
        assert_eq!(script.tick(KILL_WAIT), [leave(137)]);
    }
    let plan = plan(Guise::Pidone, &["--stop", "TERM=1s,KILL=9s"]);
    let mut script = Script::new(&plan);
    script.asked(0, Signal::TERM);
    assert_eq!(script.tick(1000), [LATE, step(Signal::KILL)]);
    assert_eq!(script.deadline(), Some(10_000));
    assert_eq!(script.tick(10_000), [leave(137)]);
}

#[test]
fn another_term_hastens_every_step() {
    let plan = plan(Guise::Pidone, &["--stop", "TERM=10s,QUIT=10s"]);
    let mut script = Script::new(&plan);
    assert_eq!(script.asked(0, Signal::TERM), [step(Signal::TERM)]);
    assert_eq!(script.asked(1, Signal::TERM), [step(Signal::QUIT)]);
    assert_eq!(script.asked(2, Signal::TERM), [step(Signal::KILL)]);
    // It takes the kernel what it takes, and a code may still come of it.
    assert_eq!(script.asked(3, Signal::TERM), []);
    assert_eq!(script.exited(4, MAIN, 6), []);
    let mut others = Script::new(&plan);
    others.left = Left::Others;
    assert_eq!(others.exited(0, MAIN, 5), [late_step(Signal::TERM)]);
    assert_eq!(others.asked(1, Signal::TERM), [late_step(Signal::QUIT)]);
}

#[test]
fn processes_from_outside_are_looked_for_until_they_are_gone() {
    let plan = plan(Guise::Pidone, &["--grace", "1s"]);
    let mut script = Script::new(&plan);
    script.others = true;
    script.asked(0, Signal::TERM);
    script.exited(10, MAIN, 0);
    assert_eq!(script.at(10, Event::Childless), [Action::Look]);
    assert_eq!(script.deadline(), Some(10 + LOOK));
    assert_eq!(script.tick(9 + LOOK), []);
    assert_eq!(script.tick(10 + LOOK), [Action::Look]);
    // An orphan of theirs may become a child of ours for a while.
    assert_eq!(script.at(12 + LOOK, Event::Childless), []);
    script.left = Left::Others;
    assert_eq!(script.tick(1000), [LATE, late_step(Signal::KILL)]);
    // Nobody says when they end: it is looked for them after KILL as well.
    assert_eq!(script.deadline(), Some(1000 + LOOK));
    script.others = false;
    assert_eq!(script.tick(1000 + LOOK), [Action::Look, leave(0)]);
}

#[test]
fn the_deadline_counts_when_it_comes_before_the_next_look() {
    let plan = plan(Guise::Pidone, &["--grace", "30ms"]);
    let mut script = Script::new(&plan);
    script.left = Left::Others;
    assert_eq!(script.exited(0, MAIN, 0), [late_step(Signal::TERM)]);
    assert_eq!(script.deadline(), Some(30));
    assert_eq!(script.tick(30), [LATE, late_step(Signal::KILL)]);
}

#[test]
fn a_term_that_is_another_signal_asks_for_no_way_down() {
    let plan = plan(Guise::Pidone, &["--grace", "1s", "-r", "TERM:INT", "-r", "QUIT:TERM"]);
    let mut script = Script::new(&plan);
    assert_eq!(script.asked(0, Signal::TERM), [relay(Signal::INT)]);
    assert_eq!(script.asked(0, Signal::QUIT), [step(Signal::TERM)]);
}

#[path = "hook_tests.rs"]
mod hooks;
