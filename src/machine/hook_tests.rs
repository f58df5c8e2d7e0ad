use super::*;

#[test]
fn the_command_before_the_stop_comes_before_the_first_signal() {
    let plan = plan(Guise::Pidone, &["--grace", "10s", "--pre-stop", "x"]);
    let mut script = Script::new(&plan);
    assert_eq!(script.asked(0, Signal::TERM), [Action::Hook]);
    assert_eq!(script.deadline(), Some(10_000));
    assert_eq!(script.asked(1, Signal::HUP), [relay(Signal::HUP)]);
    assert_eq!(script.exited(1, ORPHAN, 0), []);
    assert_eq!(script.exited(500, HOOK, 0), [step(Signal::TERM)]);
    assert_eq!(script.deadline(), Some(10_500));
    assert_eq!(script.exited(600, HOOK, 0), []);
}

#[test]
fn the_command_before_the_stop_is_not_waited_for_for_ever() {
    let plan = plan(Guise::Pidone, &["--grace", "10s", "--pre-stop", "x"]);
    let mut script = Script::new(&plan);
    script.asked(0, Signal::TERM);
    assert_eq!(script.tick(9999), []);
    assert_eq!(script.tick(10_000), [step(Signal::TERM)]);
    let mut hastened = Script::new(&plan);
    hastened.asked(0, Signal::TERM);
    assert_eq!(hastened.asked(5, Signal::TERM), [step(Signal::TERM)]);
    let mut ended = Script::new(&plan);
    ended.asked(0, Signal::TERM);
    assert_eq!(ended.exited(5, MAIN, 3), []);
    assert_eq!(ended.exited(6, HOOK, 0), [late_step(Signal::TERM)]);
}

#[test]
fn the_command_before_kill_alone_has_time_as_well() {
    let plan = plan(Guise::Pidone, &["--stop", "KILL", "--pre-stop", "x"]);
    let mut script = Script::new(&plan);
    assert_eq!(script.asked(0, Signal::TERM), [Action::Hook]);
    assert_eq!(script.deadline(), Some(KILL_WAIT));
}

#[test]
fn without_steps_the_main_child_is_told_after_the_command() {
    let plan = plan(Guise::Pidone, &["--pre-stop", "x"]);
    let mut script = Script::new(&plan);
    assert_eq!(script.asked(0, Signal::TERM), [Action::Hook]);
    assert_eq!(script.deadline(), None);
    assert_eq!(script.exited(500, HOOK, 0), [relay(Signal::TERM)]);
    assert_eq!(script.asked(600, Signal::TERM), [relay(Signal::TERM)]);
    assert_eq!(script.killed(700, MAIN, Signal::TERM), [leave(143)]);
    let mut hastened = Script::new(&plan);
    hastened.asked(0, Signal::TERM);
    assert_eq!(hastened.asked(1, Signal::TERM), [relay(Signal::TERM)]);
    let mut ended = Script::new(&plan);
    ended.asked(0, Signal::TERM);
    assert_eq!(ended.exited(1, MAIN, 3), [leave(3)]);
}

#[test]
fn a_command_before_the_stop_that_fails_is_told_and_not_waited_for() {
    let steps = plan(Guise::Pidone, &["--grace", "1s", "--pre-stop", "x"]);
    let none = plan(Guise::Pidone, &["--pre-stop", "x"]);
    let not_hooked = Action::Tell(Story::NotHooked { errno: EAGAIN });
    for (plan, then) in [(&steps, step(Signal::TERM)), (&none, relay(Signal::TERM))] {
        let mut script = Script::new(plan);
        script.hooked = Err(EAGAIN);
        assert_eq!(script.asked(0, Signal::TERM), [Action::Hook, not_hooked, then]);
        for exit in [Exit::Code(120), Exit::Signal(Signal::KILL)] {
            let mut script = Script::new(plan);
            script.asked(0, Signal::TERM);
            let failed = Action::Tell(Story::HookFailed { exit });
            assert_eq!(script.at(1, Event::Exited { pid: HOOK, exit }), [failed, then]);
        }
    }
}

#[test]
fn the_command_is_for_a_stop_and_not_for_an_end() {
    let plan = plan(Guise::Pidone, &["--grace", "1s", "--pre-stop", "x"]);
    let mut script = Script::new(&plan);
    assert_eq!(script.exited(0, MAIN, 3), [late_step(Signal::TERM)]);
    assert_eq!(script.asked(1, Signal::TERM), [late_step(Signal::KILL)]);
}
