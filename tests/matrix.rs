//! Every state of a unit met by every stimulus, printed: a change of policy is a readable diff of
//! `tests/matrix.txt`. `PIDONE_BLESS=1 cargo test --test matrix` writes that file anew.

use std::fmt::Write;

use pidone::machine::time::{Chance, Instant};
use pidone::machine::unit::{Ending, Rules, State, Stimulus, Then, Unit};
use pidone::machine::{Fault, Pid, Refusal, Step};
use pidone::wire::options::{Ready, Restart};

const NOW: Instant = Instant::from_millis(100_000);

fn rules(restart: Restart) -> Rules {
    Rules {
        restart,
        ready: if restart == Restart::No { Ready::Exit } else { Ready::AtOnce },
        follows: restart == Restart::OnFailure,
        awaits_terminal: restart == Restart::Always,
        delay: 100,
        max_delay: 60_000,
        max: (0, 0),
        grace: 5_000,
    }
}

fn states() -> Vec<(&'static str, State)> {
    let pid = Pid(7);
    let (past, future) = (Instant::from_millis(99_000), Instant::from_millis(101_000));
    let then = Then::Rest;
    vec![
        ("Idle", State::Idle),
        ("Due", State::Due),
        ("Starting", State::Starting { pid, since: past }),
        ("Up for 1 s", State::Up { pid, since: past }),
        ("Up for 90 s", State::Up { pid, since: Instant::from_millis(10_000) }),
        ("Forked", State::Forked { until: None, then: None }),
        ("Forked, over, to rest", State::Forked { until: Some(past), then: Some(then) }),
        ("Following", State::Following { pid, then: None }),
        ("Following, to rest", State::Following { pid, then: Some(then) }),
        ("Backoff, over", State::Backoff { until: past }),
        ("Backoff", State::Backoff { until: future }),
        ("NoTerminal, watched", State::NoTerminal { until: None }),
        ("NoTerminal, over", State::NoTerminal { until: Some(past) }),
        ("NoTerminal", State::NoTerminal { until: Some(future) }),
        ("Leaving", State::Leaving { pid, then }),
        ("Stopping, over", State::Stopping { pid, until: past, then }),
        ("Stopping", State::Stopping { pid, until: future, then }),
        ("Stopping, again", State::Stopping { pid, until: future, then: Then::Again }),
        ("Stopping, unwell", State::Stopping { pid, until: future, then: Then::Unwell }),
        ("Overdue", State::Overdue { pid, then }),
        ("Killed", State::Killed { pid, then }),
        ("Killed, again", State::Killed { pid, then: Then::Again }),
        ("Absent", State::Absent),
        ("Done", State::Done),
        ("Failed", State::Failed),
    ]
}

fn stimuli() -> Vec<(&'static str, Stimulus)> {
    let fork = Fault { step: Step::Fork, errno: 11 };
    vec![
        ("Start", Stimulus::Start),
        ("Spawned", Stimulus::Spawned(Pid(9))),
        ("Refused: fork", Stimulus::Refused(Refusal::Fault(fork))),
        ("Refused: no terminal", Stimulus::Refused(Refusal::NoTerminal { watched: true })),
        ("Refused: no watch", Stimulus::Refused(Refusal::NoTerminal { watched: false })),
        ("Ready", Stimulus::Ready),
        ("Heir", Stimulus::Heir(Pid(8))),
        ("Found", Stimulus::Found(Pid(8))),
        ("Exited: fine", Stimulus::Exited(Ending::Fine)),
        ("Exited: failed", Stimulus::Exited(Ending::Failed)),
        ("Exited: fault", Stimulus::Exited(Ending::Fault)),
        ("Exited: unwanted", Stimulus::Exited(Ending::Unwanted)),
        ("Stop, rest", Stimulus::Stop(Then::Rest)),
        ("Stop, again", Stimulus::Stop(Then::Again)),
        ("Stop, unwell", Stimulus::Stop(Then::Unwell)),
        ("Signalled", Stimulus::Signalled),
        ("Extend", Stimulus::Extend(7_000)),
        ("Tick", Stimulus::Tick),
        ("Appeared", Stimulus::Appeared),
        ("Expire", Stimulus::Expire),
        ("Abandon", Stimulus::Abandon),
    ]
}

/// Times as distances from now: that is what a reader wants to see.
fn show(state: State) -> String {
    let at = |t: Instant| t.millis() as i64 - NOW.millis() as i64;
    match state {
        State::Starting { pid, since } => format!("Starting {} since {}", pid.0, at(since)),
        State::Up { pid, since } => format!("Up {} since {}", pid.0, at(since)),
        State::Following { pid, then } => format!("Following {} {then:?}", pid.0),
        State::Backoff { until } => format!("Backoff {}", at(until)),
        State::NoTerminal { until: Some(until) } => format!("NoTerminal {}", at(until)),
        State::NoTerminal { until: None } => "NoTerminal".into(),
        State::Leaving { pid, then } => format!("Leaving {} {then:?}", pid.0),
        State::Stopping { pid, until, then } => {
            format!("Stopping {} {} {then:?}", pid.0, at(until))
        }
        State::Overdue { pid, then } => format!("Overdue {} {then:?}", pid.0),
        State::Killed { pid, then } => format!("Killed {} {then:?}", pid.0),
        State::Forked { until, then } => format!("Forked {:?} {then:?}", until.map(at)),
        State::Idle | State::Due | State::Absent | State::Done | State::Failed => {
            format!("{state:?}")
        }
    }
}

fn table(restart: Restart) -> String {
    let mut text = format!("restart {restart:?}\n");
    for (state_name, state) in states() {
        writeln!(text, "\n{state_name}").unwrap();
        for (name, stimulus) in stimuli() {
            let mut unit = Unit::new();
            unit.state = state;
            let mut chance = Chance::new();
            unit.step(NOW, &rules(restart), &mut chance, stimulus);
            let moved = if unit.state == state { "-".into() } else { show(unit.state) };
            writeln!(text, "    {name:<22} {moved}").unwrap();
        }
    }
    text
}

#[test]
fn every_state_meets_every_stimulus_as_the_golden_file_says() {
    let all = [Restart::Always, Restart::OnFailure, Restart::No];
    let text = all.map(table).join("\n\n");
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/matrix.txt");
    if std::env::var_os("PIDONE_BLESS").is_some() {
        std::fs::write(golden, &text).unwrap();
    }
    let expected = std::fs::read_to_string(golden).unwrap_or_default();
    for (number, (is, was)) in text.lines().zip(expected.lines()).enumerate() {
        assert_eq!(is, was, "tests/matrix.txt:{}", number + 1);
    }
    assert_eq!(text.lines().count(), expected.lines().count());
}
