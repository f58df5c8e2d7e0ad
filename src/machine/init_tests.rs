use super::*;
use crate::machine::shutdown::{LAST_MS, LastState, NOT_OURS};
use crate::machine::{Exit, Fault, LastStep, Refusal, Step};

/// A machine with an obedient world around it: a script of time says what happens.
struct Bench {
    init: Init<'static>,
    now: Instant,
    pid: i32,
    deeds: std::vec::Vec<String>,
    records: std::vec::Vec<Record>,
    consoles: String,
}

impl Bench {
    fn boot(inittab: &str) -> Self {
        let mut bench = Bench::fresh();
        bench.text(inittab);
        bench
    }

    fn fresh() -> Self {
        let init = Init::new(std::boxed::Box::leak(std::boxed::Box::default()));
        let now = Instant::from_millis(1_000);
        let mut bench =
            Bench { init, now, pid: 1, deeds: vec![], records: vec![], consoles: "".into() };
        bench.init.handle(now, Event::Boot { mode: Mode::Inittab, seed: 1 });
        assert_eq!(bench.init.next_action(), Some(Action::ReadTable));
        bench
    }

    fn text(&mut self, inittab: &str) {
        self.init.handle(self.now, Event::Consoles(self.consoles.as_bytes()));
        self.init.handle(self.now, Event::Text(inittab.as_bytes()));
        self.init.handle(self.now, Event::TextEnd);
        self.obey();
    }

    fn reload(&mut self, inittab: &str) {
        self.init.handle(self.now, Event::Requested(Request::Reload));
        self.reload_text(inittab);
    }

    fn reload_text(&mut self, inittab: &str) {
        assert_eq!(self.init.next_action(), Some(Action::ReadTable));
        self.text(inittab);
    }

    fn happens(&mut self, event: Event<'_>) {
        self.init.handle(self.now, event);
        self.obey();
    }

    fn after(&mut self, millis: u32) {
        self.now = self.now.plus(millis);
        self.happens(Event::Tick);
    }

    fn exits(&mut self, pid: i32, code: u8) {
        self.ends(pid, code);
        self.obey();
    }

    /// The same, before anything that follows from it is done.
    fn ends(&mut self, pid: i32, code: u8) {
        let exit = Exit::Code(code);
        self.init.handle(self.now, Event::Exited { pid: Pid(pid), exit, fault: None });
    }

    /// Does what is wanted, and notes what is no message.
    fn obey(&mut self) {
        while let Some(action) = self.init.next_action() {
            let event = match action {
                Action::Tell(sink) => Event::Told { sink, told: crate::machine::Told::Taken },
                Action::Spawn { unit } => {
                    self.pid += 1;
                    let slot = self.init.table().slot(unit).unwrap();
                    let command = self.init.table().text(slot.spec.command);
                    let command = String::from_utf8_lossy(command).into_owned();
                    self.deeds.push(format!("start {command} as {}", self.pid));
                    Event::Spawned { unit, pid: Pid(self.pid) }
                }
                Action::Signal { unit, pid, signal, hangup } => {
                    let hup = if hangup { " and HUP" } else { "" };
                    self.deeds.push(format!("signal {} {}{hup}", pid.0, signal.0));
                    Event::Signalled { unit }
                }
                Action::TermAll => {
                    self.deeds.push("TERM all".into());
                    Event::SignalledAll { any: true }
                }
                Action::Last(step) => {
                    self.pid += 1;
                    self.deeds.push(format!("{step:?} as {}", self.pid));
                    Event::StepStarted { pid: Pid(self.pid) }
                }
                Action::Replace { .. } => {
                    self.deeds.push("replace".into());
                    Event::NotReplaced(Fault { step: Step::Exec, errno: 2 })
                }
                Action::Record(record) => {
                    self.records.push(record);
                    Event::Recorded { writer: None }
                }
                Action::BeginAide { of, errand, .. } => {
                    self.pid += 1;
                    self.deeds.push(format!("{errand:?} for {} as {}", of.0, self.pid));
                    Event::AideBegun { of, aide: Pid(self.pid) }
                }
                Action::Answer => {
                    self.deeds.push("answer".into());
                    Event::Answered
                }
                Action::Sweep { .. } => Event::Swept,
                Action::Follow { unit, heir } => {
                    self.pid += 1;
                    self.deeds.push(format!("follow {} as {}", heir.0, self.pid));
                    Event::Spawned { unit, pid: Pid(self.pid) }
                }
                Action::EndAide { aide } => {
                    self.deeds.push(format!("kill aide {}", aide.0));
                    Event::AideKilled { aide }
                }
                Action::BeginReader { log, .. } => {
                    self.pid += 1;
                    self.deeds.push(format!("read log {} as {}", log.place(), self.pid));
                    Event::ReaderBegun { log, pid: Pid(self.pid) }
                }
                Action::SignalReader { log, pid, signal } => {
                    self.deeds.push(format!("signal reader {} {}", pid.0, signal.0));
                    Event::ReaderSignalled { log }
                }
                Action::CloseLog { log, whole } => {
                    let what = if whole { "forget" } else { "leave" };
                    self.deeds.push(format!("{what} log {}", log.place()));
                    Event::LogClosed { log }
                }
                Action::ReadTable | Action::Leave { .. } => return,
            };
            self.init.handle(self.now, event);
        }
    }

    fn did(&mut self) -> std::vec::Vec<String> {
        std::mem::take(&mut self.deeds)
    }
}

#[test]
fn the_boot_goes_through_its_actions_in_order() {
    let mut b =
        Bench::boot("::respawn:r\n::once:o\n::wait:w1\n::sysinit:s1\n::sysinit:s2\n::wait:w2");
    assert_eq!(b.did(), ["start s1 as 2"]);
    b.exits(2, 1);
    assert_eq!(b.did(), ["start s2 as 3"], "a sysinit line that fails is passed over");
    b.exits(3, 0);
    assert_eq!(b.did(), ["start w1 as 4"]);
    b.exits(4, 0);
    assert_eq!(b.did(), ["start w2 as 5"]);
    b.exits(5, 0);
    assert_eq!(b.did(), ["start o as 6", "start r as 7"], "once lines come first");
    b.exits(6, 0);
    b.exits(7, 0);
    assert_eq!(b.did(), ["start r as 8"]);
}

#[test]
fn an_idle_machine_wants_nothing_and_no_wake_up() {
    let mut b = Bench::boot("::respawn:r\n::once:o\n");
    b.after(HEAD_START_MS);
    assert_eq!((b.init.next_action(), b.init.next_deadline()), (None, None));
}

#[test]
fn a_reload_is_a_difference() {
    let mut b = Bench::boot("::respawn:same\n::respawn:removed\ntty1::respawn:getty 9600\n");
    assert_eq!(b.did().len(), 3);
    b.reload("::respawn:new\n::respawn:same\ntty1::respawn:getty 115200\n::once:late\n");
    let did = ["signal 3 15", "signal 4 15 and HUP", "start late as 5", "start new as 6"];
    assert_eq!(b.did(), did, "unchanged units never notice");
    b.exits(3, 0);
    assert_eq!(b.did().len(), 0, "what was removed is not started again");
    b.exits(4, 0);
    assert_eq!(b.did(), ["start getty 115200 as 7"], "what was changed starts after its end");
    b.exits(2, 0);
    assert_eq!(b.did(), ["start same as 8"]);
}

#[test]
fn runlevels_that_do_not_count_change_nothing() {
    let mut b = Bench::boot("::respawn:same\n");
    b.did();
    b.reload(":345:respawn:same\n");
    assert_eq!(b.did().len(), 0);
}

#[test]
fn a_reload_with_nowhere_to_put_what_must_stop_keeps_the_old_table() {
    let lines = |name: &str| (0..256).map(|n| format!("::respawn:{name}{n}\n")).collect::<String>();
    let mut b = Bench::boot(&lines("old"));
    assert_eq!(b.did().len(), 256);
    b.reload(&lines("new"));
    assert_eq!(b.did().len(), 512, "a whole table is stopped and a whole table is started");
    b.reload(&lines("newer"));
    assert_eq!(b.did().len(), 0, "nothing is stopped, nothing is started");
    (2..258).for_each(|pid| b.exits(pid, 0));
    b.did();
    b.reload("");
    assert_eq!(b.did().len(), 256, "but everything can be removed");
}

#[test]
fn nothing_to_take_our_place_means_starting_over() {
    let mut b = Bench::boot("::once:o\n::restart:gone\n");
    b.did();
    b.happens(Event::Requested(Request::Down(End::Restart)));
    b.exits(2, 0);
    b.happens(Event::Childless);
    assert_eq!(b.did(), ["signal 2 15", "TERM all", "replace"]);
    assert_eq!(b.init.next_action(), Some(Action::ReadTable));
    b.text("::once:o\n");
    assert_eq!(b.did(), ["start o as 3"]);
}

#[test]
fn without_a_restart_line_nothing_is_stopped() {
    let mut b = Bench::boot("::respawn:r\n");
    b.did();
    b.happens(Event::Requested(Request::Down(End::Restart)));
    assert_eq!((b.did().len(), b.init.phase()), (0, Phase::Run));
}

#[test]
fn a_pause_holds_starts_and_nothing_else() {
    let mut b = Bench::boot("::respawn:r\n");
    b.did();
    b.happens(Event::Requested(Request::Pause));
    b.exits(2, 0);
    b.after(60_000);
    assert_eq!((b.did().len(), b.init.next_deadline()), (0, None));
    b.happens(Event::Requested(Request::Continue));
    assert_eq!(b.did(), ["start r as 3"]);
}

#[test]
fn ctrl_alt_del_runs_its_lines_one_by_one_each_time() {
    let mut b = Bench::boot("::ctrlaltdel:a\n::ctrlaltdel:b\n");
    for pid in [2, 4] {
        b.happens(Event::Requested(Request::CtrlAltDel));
        assert_eq!(b.did(), [format!("start a as {pid}")]);
        b.exits(pid, 0);
        assert_eq!(b.did(), [format!("start b as {}", pid + 1)]);
        b.exits(pid + 1, 0);
    }
}

#[test]
fn a_signal_during_a_hanging_sysinit_line_is_heeded() {
    let mut b = Bench::boot("::sysinit:hangs\n::respawn:r\n");
    b.did();
    b.happens(Event::Requested(Request::Down(End::PowerOff)));
    assert_eq!(b.did(), ["signal 2 15"]);
}

/// A line for a terminal that is read by a reload, and not started yet.
const ON_TTY9: &str = "tty9::respawn:getty\n";

fn reads_line_on_tty9() -> Bench {
    let mut b = Bench::boot("");
    b.init.handle(b.now, Event::Requested(Request::Reload));
    b.init.handle(b.now, Event::Text(ON_TTY9.as_bytes()));
    b.init.handle(b.now, Event::TextEnd);
    b
}

/// The start that is asked for next finds no terminal.
fn terminal_is_missing(b: &mut Bench) {
    let Some(Action::Spawn { unit }) = b.init.next_action() else {
        panic!("{:?}", b.init.next_action());
    };
    let refusal = Refusal::NoTerminal { watched: true };
    b.init.handle(b.now, Event::Refused { unit, refusal });
}

#[test]
fn a_terminal_that_is_missing_is_told_of_once() {
    let mut b = reads_line_on_tty9();
    let mut told = 0;
    for _ in 0..5 {
        while let Some(Action::Tell(sink)) = b.init.next_action() {
            told += i32::from(sink == crate::machine::Sink::Console);
            b.init.handle(b.now, Event::Told { sink, told: crate::machine::Told::Taken });
        }
        terminal_is_missing(&mut b);
        b.init.handle(b.now, Event::Appeared);
    }
    assert_eq!(told, 1);
}

#[test]
fn a_reload_looks_for_missing_terminals_again() {
    // Whoever mounts something over /dev has hidden what is watched.
    let mut b = reads_line_on_tty9();
    terminal_is_missing(&mut b);
    b.obey();
    assert_eq!(b.did().len(), 0);
    b.reload(ON_TTY9);
    assert_eq!(b.did(), ["start getty as 2"]);
}

#[test]
fn a_runlevel_that_changes_stops_and_starts_what_it_says() {
    let mut b = Bench::boot("id:2:initdefault:\n:2:respawn:two\n:3:respawn:three\n::once:o\n");
    assert_eq!(b.did(), ["start o as 2", "start two as 3"]);
    b.exits(2, 0);
    b.exits(3, 1);
    b.exits(4, 1);
    b.did();
    b.reload("id:3:initdefault:\n:2:respawn:two\n:3:respawn:three\n::once:o\n");
    assert_eq!(b.did(), ["start three as 5"]);
    b.after(60_000);
    assert_eq!(b.did().len(), 0, "a back-off does not outlive its runlevel");
    b.reload("id:2:initdefault:\n:2:respawn:two\n:3:respawn:three\n::once:o\n");
    assert_eq!(b.did(), ["signal 5 15", "start two as 6"]);
}

#[test]
fn what_a_runlevel_has_stopped_runs_again_when_it_may() {
    let table = |level: u8| format!("id:{level}:initdefault:\n:2:respawn:two\n");
    for ends_before in [true, false] {
        let mut b = Bench::boot(&table(2));
        b.did();
        b.reload(&table(3));
        assert_eq!(b.did(), ["signal 2 15"]);
        if ends_before {
            b.exits(2, 0);
        }
        b.reload(&table(2));
        if !ends_before {
            b.exits(2, 0);
        }
        assert_eq!(b.did(), ["start two as 3"]);
    }
}

#[test]
fn a_restart_line_that_must_not_run_does_not() {
    let mut b = Bench::boot(":user=nobody:restart:/sbin/init\n::respawn:r\n");
    b.did();
    b.happens(Event::Requested(Request::Down(End::Restart)));
    assert_eq!((b.did().len(), b.init.phase()), (0, Phase::Run));
}

#[test]
fn a_reload_that_a_sysinit_line_asks_for_comes_before_the_wait_lines() {
    let mut b = Bench::boot("::sysinit:s\n::sysinit:becomes\n::wait:old\n::once:o\n");
    b.did();
    b.happens(Event::Requested(Request::Reload));
    b.exits(2, 0);
    assert_eq!(b.did(), ["start becomes as 3"], "the lines of the kind come to their end");
    b.ends(3, 0);
    b.reload_text("::sysinit:s\n::sysinit:t\n::wait:becomes\n::wait:new\n::once:p\n");
    assert_eq!(b.did(), ["start becomes as 4"]);
    b.happens(Event::Requested(Request::Reload));
    b.exits(4, 0);
    assert_eq!(b.did(), ["start new as 5"], "what is asked for later waits for the boot");
}

#[test]
fn a_reload_that_is_asked_for_before_the_inittab_is_read_is_that_reading() {
    let mut b = Bench::fresh();
    b.init.handle(b.now, Event::Requested(Request::Reload));
    b.reload_text("::sysinit:s\n::wait:old\n");
    assert_eq!(b.did(), ["start s as 2"]);
    b.happens(Event::Requested(Request::Reload));
    b.ends(2, 0);
    b.init.handle(b.now, Event::Requested(Request::Reload));
    b.reload_text("::sysinit:s\n::wait:new\n");
    assert_eq!(b.did(), ["start new as 3"]);
}

#[test]
fn a_reload_does_not_wait_for_a_ctrlaltdel_line() {
    let mut b = Bench::boot("::ctrlaltdel:hangs\n");
    b.happens(Event::Requested(Request::CtrlAltDel));
    b.did();
    b.reload("::ctrlaltdel:hangs\n::once:new\n");
    assert_eq!(b.did(), ["start new as 3"]);
}

#[path = "heir_tests.rs"]
mod heirs;
#[path = "main_tests.rs"]
mod main;

#[path = "output_tests.rs"]
mod outputs;
#[path = "rest_tests.rs"]
mod rest;
#[path = "session_tests.rs"]
mod sessions;
#[path = "status_tests.rs"]
mod status;
#[path = "stories_tests.rs"]
mod stories;
#[path = "way_down_tests.rs"]
mod way_down;
