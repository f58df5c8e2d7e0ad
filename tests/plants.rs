//! Bugs planted on purpose: each one is put into a copy of the source, and the simulation must
//! find it. A checker that nothing can set off would be worth nothing.

use std::fs;

mod support;

use support::garden::Garden;

/// A bug: what it does, the file, the text that stands there once, and what replaces it.
struct Plant {
    what: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
}

/// What the machine promises, and how the checker of each says that it was broken. For each there
/// is a bug that this one finds, and not only another that it happens to bring about.
const PROMISES: &[[&str; 2]] = &[
    ["a unit has at most one live process", "is started while"],
    ["no signal goes to a process that is not the unit's own", "is signalled for"],
    ["whatever was reaped is heard of", "was lost"],
    ["starts have a bounded rate", "times in 10000 ms"],
    ["there is no busy loop", "woken 401 times"],
    ["the way down ends within its bound", "not down after"],
    ["nothing is lost in silence", "unheard but"],
];

const PLANTS: &[Plant] = &[
    Plant {
        what: "a unit is started again while its process is still being stopped",
        file: "machine/steps.rs",
        from: "S::Tick if until <= at.now => State::Overdue { pid, then },",
        to: "S::Tick if until <= at.now => State::Due,",
    },
    Plant {
        what: "a signal goes to the first unit that has a process",
        file: "machine/shutdown.rs",
        from: "let pid = state.pid()?;",
        to: "let pid = self.table.slots().iter().find_map(|slot| slot.unit.state.pid())?;",
    },
    Plant {
        what: "a death by a signal is not heard of",
        file: "machine/lives.rs",
        from: "if let Some(unit) = self.unit_of(pid) {",
        to: "if let (Some(unit), Exit::Code(_)) = (self.unit_of(pid), exit) {",
    },
    Plant {
        what: "a unit that waits for its next start is shown as one that is up",
        file: "machine/status.rs",
        from: "Backoff { .. } => 6,",
        to: "Backoff { .. } => 5,",
    },
    Plant {
        what: "every early end is followed by a start at once",
        file: "machine/steps.rs",
        from: "let Some(doublings) = early.checked_sub(1) else {",
        to: "let Some(doublings) = early.checked_sub(255) else {",
    },
    Plant {
        what: "a removed line's process is forgotten instead of stopped",
        file: "machine/reload.rs",
        from: "Match::Removed if live => match next_table.adopt(table, &slot) {",
        to: "Match::Removed if false => match next_table.adopt(table, &slot) {",
    },
    Plant {
        what: "a changed line starts beside its old process",
        file: "machine/reload.rs",
        from: "Match::Changed(unit) if live => (unit, Some(Then::Again)),",
        to: "Match::Changed(_) if live => return,",
    },
    Plant {
        what: "a unit that does not stop is never killed",
        file: "machine/steps.rs",
        from: "S::Tick if until <= at.now => State::Overdue { pid, then },",
        to: "S::Tick if until <= at.now => State::Leaving { pid, then },",
    },
    Plant {
        what: "KILL comes at once instead of after the grace",
        file: "machine/steps.rs",
        from: "State::Stopping { pid, until: at.now.plus(at.rules.grace), then }",
        to: "State::Overdue { pid, then }",
    },
    Plant {
        what: "a shutdown line may take for ever",
        file: "machine/shutdown.rs",
        from: "_ => Stage::LineKilled,",
        to: "_ => return,",
    },
    Plant {
        what: "a pause is not heeded",
        file: "machine/init.rs",
        from: "Request::Pause => self.starts = Starts::Paused,",
        to: "Request::Pause => self.starts = Starts::On,",
    },
    Plant {
        what: "a back-off that ends just now keeps the machine awake",
        file: "machine/steps.rs",
        from: "S::Tick if until <= at.now => State::Due,",
        to: "S::Tick if until < at.now => State::Due,",
    },
    Plant {
        what: "what is lost is not counted",
        file: "machine/log.rs",
        from: "        self.drop_oldest();\n        self.lost.add();",
        to: "        self.drop_oldest();",
    },
    Plant {
        what: "the ctrlaltdel lines go on during the way down",
        file: "machine/shutdown.rs",
        from: "(Reading::Idle, Walk::Off, Starts::On)",
        to: "(Reading::Idle, self.ctrlaltdel, Starts::On)",
    },
    Plant {
        what: "services start before the wait lines are over",
        file: "machine/init.rs",
        from: "Phase::Boot(Kind::Wait)",
        to: "Phase::Boot(Kind::Once)",
    },
    Plant {
        what: "a unit that must not run without an option runs without it",
        file: "machine/table.rs",
        from: "in_level && spec.listed && !spec.barred",
        to: "in_level && spec.listed",
    },
    Plant {
        what: "a death is taken for that of the first unit that runs",
        file: "machine/hear.rs",
        from: "first(|slot| slot.unit.state.pid() == Some(pid))",
        to: "first(|slot| slot.unit.state.pid().is_some_and(|p| p != Pid(pid.0 + 999)))",
    },
    Plant {
        what: "a restart line that must not run takes our place",
        file: "machine/shutdown.rs",
        from: "slot.spec.kind == Kind::Restart && table.may_run(&slot.spec)",
        to: "slot.spec.kind == Kind::Restart && table.slots().len() > 0",
    },
    Plant {
        what: "a unit without a delay spins",
        file: "machine/unit.rs",
        from: "pub const LEAST_WAIT_MS: Millis = 10;",
        to: "pub const LEAST_WAIT_MS: Millis = 0;",
    },
    Plant {
        what: "a unit starts before what it waits for",
        file: "machine/hear.rs",
        from: "State::Due) && self.table.holder(&slot.spec).is_some()",
        to: "State::Due) && self.table.holder(&slot.spec) == Some(UnitId(999))",
    },
    Plant {
        what: "units are stopped in the order of their lines alone",
        file: "machine/shutdown.rs",
        from: "!(down && self.is_leaned_on(UnitId(*index as u16)))",
        to: "!(down && self.is_leaned_on(UnitId(*index as u16 + 999)))",
    },
    Plant {
        what: "who needs a unit runs on without it",
        file: "machine/hear.rs",
        from: "            self.stop_forsaken();",
        to: "",
    },
    Plant {
        what: "nobody looks for circles",
        file: "machine/reload.rs",
        from: "        self.tie_up();\n",
        to: "",
    },
    Plant {
        what: "a unit counts as ready as soon as it has a process",
        file: "machine/steps.rs",
        from: "Ready::Exit => {\n                State::Starting { pid, since: at.now }",
        to: "Ready::Exit => {\n                State::Up { pid, since: at.now }",
    },
    Plant {
        what: "a line has one unit more than it asks for",
        file: "machine/table.rs",
        from: "for _ in 0..count {",
        to: "for _ in 0..=count {",
    },
    Plant {
        what: "what a unit leaves behind is killed though it ended by itself",
        file: "machine/lives.rs",
        from: "let kill = out || before.state.is_stopping();",
        to: "let kill = out || before.state.pid().is_some();",
    },
    Plant {
        what: "an aide stays when its unit has ended",
        file: "machine/care.rs",
        from: "(ward.of, ward.silent) = (NOBODY, Instant::NEVER);\n            ward.dismiss();",
        to: "(ward.of, ward.silent) = (NOBODY, Instant::NEVER);",
    },
    Plant {
        what: "a unit that is unwell goes on",
        file: "machine/health.rs",
        from: "            self.stimulate(unit, Stimulus::Stop(Then::Unwell));\n",
        to: "",
    },
    Plant {
        what: "silence is noticed too late",
        file: "machine/care.rs",
        from: "now.plus(self.watchdog)",
        to: "now.plus(self.watchdog.saturating_mul(3))",
    },
    Plant {
        what: "a log is forgotten though its reader was killed before the end",
        file: "machine/readers.rs",
        from: "let drained = is_left && exit == Exit::Code(0);",
        to: "let drained = is_left;",
    },
    Plant {
        what: "on the way down nobody waits for readers",
        file: "machine/shutdown.rs",
        from: "if !self.is_any_live() && !self.is_any_log()",
        to: "if !self.is_any_live()",
    },
    Plant {
        what: "a reader that is killed is not begun again",
        file: "machine/readers.rs",
        from: "(self.state, self.early) = (State::Due, 0);",
        to: "(self.state, self.early) = (State::Asleep, 0);",
    },
    Plant {
        what: "a log is left while a unit of it still stops",
        file: "machine/outputs.rs",
        from: "unit.state.is_live() || !down && self.table.may_run(spec)",
        to: "!down && self.table.may_run(spec)",
    },
    Plant {
        what: "a reader goes on by options that have changed",
        file: "machine/outputs.rs",
        from: "readers.renew(log);",
        to: "let _ = log;",
    },
    Plant {
        what: "a last step that hangs is waited for",
        file: "machine/shutdown.rs",
        from: "self.tell_step_late(step);",
        to: "return self.set_stage(Stage::Last(step, LastState::Wanted { tries: 0 }), LAST_MS);",
    },
];

const CONTAINER: &str = "machine/container.rs";

/// Bugs of the container's init.
const CONTAINER_PLANTS: &[Plant] = &[
    Plant {
        what: "a signal that ended the main child is taken for a code",
        file: CONTAINER,
        from: "Exit::Signal(Signal(number)) => 128 + (number & 127),",
        to: "Exit::Signal(Signal(number)) => number,",
    },
    Plant {
        what: "a code is not forgiven",
        file: CONTAINER,
        from: "Main::Ended { code: self.plan.answer(code) };",
        to: "Main::Ended { code };",
    },
    Plant {
        what: "signals are lost on the way down",
        file: CONTAINER,
        from: "&& matches!(self.main, Main::Alive { .. })",
        to: "&& matches!(self.main, Main::Alive { .. }) && self.phase == Phase::Up",
    },
    Plant {
        what: "a step ends before its time",
        file: CONTAINER,
        from: "let (until, look) = (now.plus(self.wait_of(step)), now.plus(LOOK_MS));",
        to: "let (until, look) = (now.plus(self.wait_of(step) / 2), now.plus(LOOK_MS));",
    },
    Plant {
        what: "of those from outside nobody sees the end",
        file: CONTAINER,
        from: "Left::Others => Phase::Others { step, until, look },",
        to: "Left::Others => Phase::Step { step, until },",
    },
    Plant {
        what: "the last child is gone and it is still waited for",
        file: CONTAINER,
        from: "Phase::Step { step, until } => Phase::LookDue { step, until },",
        to: "same @ Phase::Step { .. } => same,",
    },
    Plant {
        what: "we leave with the main child and in spite of the grace",
        file: CONTAINER,
        from: "if self.has_steps() || self.says_farewell() {",
        to: "if self.says_farewell() {",
    },
    Plant {
        what: "TERM after KILL leaves processes behind",
        file: CONTAINER,
        from: "                if self.signal_of(step) == Signal::KILL =>",
        to: "                if step > 9 =>",
    },
    Plant {
        what: "every end is that of the command before the stop",
        file: CONTAINER,
        from: "&& hook == pid",
        to: "&& hook != Pid(0)",
    },
    Plant {
        what: "the command before the stop runs again when it is asked again",
        file: CONTAINER,
        from: "Phase::Up if self.plan.pre_stop.is_some() && !self.plan.pause",
        to: "Phase::Up | Phase::Hook { .. } if self.plan.pre_stop.is_some()",
    },
    Plant {
        what: "a command before the stop that hangs is waited for",
        file: CONTAINER,
        from: "Phase::Hook { until: Some(until), .. } if until <= now => self.after_hook(),",
        to: "Phase::Hook { until: Some(until), .. } if until < now.plus(0) => {}",
    },
    Plant {
        what: "it is woken for a command before the stop that has all the time",
        file: CONTAINER,
        from: "self.has_steps().then(|| now.plus(self.wait_of(0)))",
        to: "Some(now.plus(self.wait_of(0)))",
    },
    Plant {
        what: "an orphan that is stopped stops us",
        file: CONTAINER,
        from: "if self.main == (Main::Alive { pid }) && self.plan.guise != Guise::DumbInit {",
        to: "if pid != Pid(0) && self.plan.guise != Guise::DumbInit {",
    },
    Plant {
        what: "a farewell goes to a number that may be anybody's",
        file: CONTAINER,
        from: "self.plan.guise == Guise::DumbInit && self.plan.target == Target::Group",
        to: "self.plan.guise == Guise::DumbInit",
    },
    Plant {
        what: "a deadline that is just now keeps the machine awake",
        file: CONTAINER,
        from: "Phase::Others { step, until, look } if look <= now",
        to: "Phase::Others { step, until, look } if look < now",
    },
];

/// Whether a simulation passes in the garden, and what it said.
fn simulate(garden: &Garden, name: &str) -> (bool, String) {
    garden.cargo(&["test", "--no-default-features", "--test", name])
}

/// What was said of each bug.
fn all_are_found(plants: &[Plant], name: &str, tests: &[&str]) -> String {
    let mut all = String::new();
    let garden = Garden::lay(&format!("plants-{name}"), tests);
    // Whether each has its place is known long before the first of them is found.
    for plant in plants {
        let file = format!("src/{}", plant.file);
        let text = garden.plant(&file, plant.from, plant.to);
        fs::write(garden.file(&file), text).unwrap();
    }
    let (sound, said) = simulate(&garden, name);
    assert!(sound, "the simulation fails without a bug:\n{said}");
    for plant in plants {
        let file = format!("src/{}", plant.file);
        let text = garden.plant(&file, plant.from, plant.to);
        let (sound, said) = simulate(&garden, name);
        fs::write(garden.file(&file), &text).unwrap();
        assert!(!sound, "nothing noticed that {}", plant.what);
        let found = said.lines().find(|line| line.starts_with("world "));
        let found = found.unwrap_or_else(|| panic!("{}: no world failed:\n{said}", plant.what));
        println!("{}: {found}", plant.what);
        all.push_str(found);
    }
    all
}

#[test]
fn the_simulation_finds_every_planted_bug() {
    let tests = ["tests/simulation", "tests/simulation.rs"];
    let found = all_are_found(PLANTS, "simulation", &tests);
    for [promise, words] in PROMISES {
        assert!(found.contains(words), "no bug was found by the checker of: {promise}");
    }
}

#[test]
fn the_simulation_of_containers_finds_every_planted_bug() {
    let name = "simulation_container";
    let tests = ["tests/simulation", "tests/simulation_container", "tests/simulation_container.rs"];
    all_are_found(CONTAINER_PLANTS, name, &tests);
}
