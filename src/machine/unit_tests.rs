use super::*;
use crate::machine::time::Chance;

const RULES: Rules = Rules {
    restart: Restart::Always,
    ready: Ready::AtOnce,
    follows: false,
    awaits_terminal: true,
    delay: 100,
    max_delay: 60_000,
    max: (0, 0),
    grace: 5_000,
};

/// A script of time: the unit dies whenever it is up, after a life of so many milliseconds.
fn waits(rules: &Rules, lives: &[u64]) -> std::vec::Vec<u64> {
    let (mut unit, mut chance) = (Unit::new(), Chance::new());
    chance.seed(7);
    let mut now = Instant::from_millis(1_000);
    unit.step(now, rules, &mut chance, Stimulus::Start);
    let mut waits = std::vec::Vec::new();
    for &life in lives {
        assert_eq!(unit.state, State::Due);
        unit.step(now, rules, &mut chance, Stimulus::Spawned(Pid(5)));
        now = now.plus(life as u32);
        unit.step(now, rules, &mut chance, Stimulus::Exited(Ending::Failed));
        let wait = unit.state.deadline().map_or(0, |until| until.since(now));
        waits.push(wait);
        now = now.plus(wait as u32);
        unit.step(now, rules, &mut chance, Stimulus::Tick);
        if unit.state.is_over() {
            break;
        }
    }
    waits
}

#[test]
fn early_ends_are_backed_off_from_and_a_good_life_forgives() {
    let waits = waits(&RULES, &[10, 10, 10, 10, 10_000, 10, 10]);
    assert_eq!(waits[0], 0, "the first early end is followed by a start at once");
    assert!((75..=100).contains(&waits[1]));
    assert!((150..=200).contains(&waits[2]));
    assert!((300..=400).contains(&waits[3]));
    assert_eq!(waits[4], 0, "ten seconds count as having run well");
    assert_eq!(waits[5], 0);
    assert!((75..=100).contains(&waits[6]));
}

#[test]
fn the_back_off_is_capped_and_never_gives_up() {
    let waits = waits(&RULES, &[1; 300]);
    assert_eq!(waits.len(), 300);
    assert!(waits[20..].iter().all(|w| (45_000..=60_000).contains(w)));
}

#[test]
fn no_delay_at_all_does_not_spin() {
    let hasty = Rules { delay: 0, ..RULES };
    let waits = waits(&hasty, &[1; 20]);
    assert!(waits[1..].iter().all(|&wait| wait >= u64::from(LEAST_WAIT_MS)), "{waits:?}");
}

#[test]
fn max_gives_up_within_its_span_only() {
    let limited = Rules { max: (3, 10_000), delay: 1, ..RULES };
    assert_eq!(waits(&limited, &[1; 10]).len(), 3, "three starts, then it has failed");
    let spread = waits(&limited, &[4_000; 10]);
    assert_eq!(spread.len(), 10, "three starts in ten seconds are not more than three");
}

#[test]
fn a_program_that_cannot_be_executed_is_not_tried_at_once() {
    let (mut unit, mut chance) = (Unit::new(), Chance::new());
    let now = Instant::from_millis(0);
    for rules in [RULES, Rules { delay: 0, ..RULES }] {
        unit.step(now, &rules, &mut chance, Stimulus::Start);
        unit.step(now, &rules, &mut chance, Stimulus::Spawned(Pid(5)));
        unit.step(now, &rules, &mut chance, Stimulus::Exited(Ending::Fault));
        let State::Backoff { until } = unit.state else {
            panic!("{:?}", unit.state);
        };
        assert!(until.since(now) >= u64::from(FAULT_WAIT_MS));
        unit = Unit::new();
    }
}

#[test]
fn what_runs_once_stays_done_and_what_failed_can_be_started_again() {
    let once = Rules { restart: Restart::No, ..RULES };
    let (mut unit, mut chance) = (Unit::new(), Chance::new());
    let now = Instant::from_millis(0);
    unit.step(now, &once, &mut chance, Stimulus::Start);
    unit.step(now, &once, &mut chance, Stimulus::Spawned(Pid(5)));
    unit.step(now, &once, &mut chance, Stimulus::Exited(Ending::Failed));
    assert_eq!(unit.state, State::Done);
    unit.state = State::Failed;
    unit.step(now, &once, &mut chance, Stimulus::Start);
    assert_eq!((unit.state, unit.early, unit.starts), (State::Due, 0, 0));
}

#[test]
fn an_exit_is_fine_failed_or_none_of_the_programs() {
    use crate::wire::signals::Signal;
    let fault = Some(Fault { step: Step::Exec, errno: 2 });
    let absent = Some(Fault { step: Step::Condition, errno: 2 });
    assert_eq!(Ending::of(Exit::Code(120), absent), Ending::Unwanted);
    assert_eq!(Ending::of(Exit::Code(0), None), Ending::Fine);
    assert_eq!(Ending::of(Exit::Code(1), None), Ending::Failed);
    assert_eq!(Ending::of(Exit::Signal(Signal::KILL), None), Ending::Failed);
    assert_eq!(Ending::of(Exit::Code(120), fault), Ending::Fault);
}
