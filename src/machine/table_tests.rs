use super::*;
use crate::wire::inittab::{Parsed, parse};

fn add_line(table: &mut Table, line: &str) -> Result<(), Overflow> {
    let Parsed::Entry(entry) = parse(line.as_bytes()) else {
        panic!("{line}");
    };
    table.add(1, &entry, &mut |_| {})
}

fn table(lines: &[&str]) -> (std::boxed::Box<Table>, std::vec::Vec<String>) {
    let mut table = std::boxed::Box::new(Table::new());
    let mut said = std::vec::Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let Parsed::Entry(entry) = parse(line.as_bytes()) else {
            panic!("{line}");
        };
        let mut report = |problem: Problem<'_>| said.push(format!("{problem:?}"));
        table.add(number as u32 + 1, &entry, &mut report).unwrap();
    }
    (table, said)
}

fn names(table: &Table) -> std::vec::Vec<String> {
    let name = |slot: &Slot| {
        let base = String::from_utf8_lossy(table.text(slot.spec.name.base)).into_owned();
        format!("{base}-{}", slot.spec.name.ordinal)
    };
    table.slots().iter().map(name).collect()
}

#[test]
fn units_are_called_by_option_or_terminal_or_program_and_made_unique() {
    let (table, _) = table(&[
        "::respawn:/bin/sh",
        "tty1::respawn:/sbin/getty",
        ":name=web:respawn:/bin/httpd",
        "::respawn:-/bin/sh -l",
        "tty1::once:x",
    ]);
    assert_eq!(names(&table), ["sh-1", "tty1-1", "web-1", "sh-2", "tty1-2"]);
}

#[test]
fn of_lines_with_the_same_command_and_terminal_the_last_one_counts() {
    let (table, _) = table(&["::sysinit:a", "::once:b", "::wait:a", "tty1::once:a"]);
    let kinds: std::vec::Vec<_> =
        table.slots().iter().map(|s| (s.spec.line, s.spec.kind)).collect();
    assert_eq!(kinds, [(2, Kind::Once), (3, Kind::Wait), (4, Kind::Once)]);
    assert_eq!(names(&table), ["b-1", "a-1", "tty1-1"]);
}

#[test]
fn defaults_go_by_the_action() {
    let (table, _) = table(&["::respawn:a", "::once:b", "::shutdown:c", "::askfirst:d"]);
    let rules: std::vec::Vec<_> = table.slots().iter().map(|s| s.spec.rules).collect();
    let restarts: std::vec::Vec<_> = rules.iter().map(|r| r.restart).collect();
    assert_eq!(restarts, [Restart::Always, Restart::No, Restart::No, Restart::Always]);
    assert_eq!((rules[0].delay, rules[0].max_delay, rules[0].grace), (100, 60_000, 5_000));
    assert_eq!(rules[2].grace, 60_000, "a shutdown line may have many services to stop");
}

#[test]
fn the_limits_are_told_by_name_and_nothing_of_the_line_stays() {
    let mut table = std::boxed::Box::new(Table::new());
    let add = |table: &mut Table, command: &str| {
        let (tty, options) = (&b""[..], &b""[..]);
        let entry = Entry { tty, options, kind: Kind::Once, command: command.as_bytes() };
        table.add(1, &entry, &mut |_| {})
    };
    for number in 0..UNITS_MAX {
        add(&mut table, &format!("c{number}")).unwrap();
    }
    assert_eq!(add(&mut table, "one more"), Err(Overflow::Units));
    assert_eq!(add(&mut table, "c7"), Ok(()), "a line that replaces another one has its place");
    assert_eq!(table.slots().len(), UNITS_MAX);
    table.clear();
    let long = "x".repeat(1000);
    let fits = (0..).take_while(|n| add(&mut table, &format!("{n}{long}")).is_ok()).count();
    assert_eq!(fits, 16);
    let before = table.text.len();
    assert_eq!(add(&mut table, &long), Err(Overflow::Text));
    assert_eq!(table.text.len(), before);
}

#[test]
fn options_that_guard_bar_the_unit_and_useless_ones_are_told() {
    let (table, said) = table(&[":user=/:respawn:a", ":restart=always:wait:b", ":umask=9:once:c"]);
    let barred: std::vec::Vec<_> = table.slots().iter().map(|s| s.spec.barred).collect();
    assert_eq!(barred, [true, false, false]);
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(!table.may_run(&table.slots()[0].spec));
    assert_eq!(table.slots()[1].spec.rules.restart, Restart::No);
}

#[test]
fn a_line_that_takes_the_place_of_process_1_has_no_settings() {
    let (table, said) = table(&[":dir=/x:restart:a", ":dir=/x,nnp:restart:b", ":nnp:once:c"]);
    let barred: std::vec::Vec<_> = table.slots().iter().map(|s| s.spec.barred).collect();
    assert_eq!(barred, [false, true, false]);
    assert_eq!(said.len(), 3, "{said:?}");
}

#[test]
fn runlevels_count_only_where_the_file_has_a_default_one() {
    let (mut table, _) = table(&[":2345:respawn:a", ":06:wait:b", ":6:sysinit:c", "::once:d"]);
    let runs =
        |t: &Table| t.slots().iter().map(|s| t.may_run(&s.spec)).collect::<std::vec::Vec<_>>();
    assert_eq!(runs(&table), [true; 4]);
    table.default_level = Some(3);
    assert_eq!(runs(&table), [true, false, true, true]);
}

#[test]
fn sessions_on_terminals_are_told_from_daemons() {
    let (table, _) = table(&[
        "tty1::respawn:/bin/app",
        "null::once:/bin/x",
        "::respawn:/sbin/getty -L ttyS0",
        "::respawn:-/bin/sh",
        "::respawn:/usr/sbin/crond -f",
        "::askfirst:/bin/sh",
    ]);
    let has: std::vec::Vec<_> = table.slots().iter().map(|s| table.has_terminal(&s.spec)).collect();
    assert_eq!(has, [true, false, true, true, false, true]);
}

#[test]
fn an_adopted_unit_takes_its_text_along() {
    let (old, _) = table(&["::once:first", "tty1:if=/x,name=web:respawn:/bin/app -v"]);
    let (mut new, _) = table(&["::once:something else entirely"]);
    let unit = new.adopt(&old, &old.slots()[1]).unwrap();
    let spec = new.slot(unit).unwrap().spec;
    let text = |t| String::from_utf8_lossy(new.text(t)).into_owned();
    assert_eq!(text(spec.command), "/bin/app -v");
    assert_eq!((text(spec.tty), text(spec.condition)), ("tty1".into(), "/x".into()));
    assert_eq!(text(spec.name.base), "web");
    assert!(!spec.listed);
}

#[test]
fn a_line_may_stand_for_several_units_of_one_text() {
    let (mut old, said) = table(&[":count=3:respawn:w", ":count=2,main:wait:x", "::once:w2"]);
    assert_eq!(said.len(), 2, "{said:?}");
    let all: std::vec::Vec<_> =
        old.slots().iter().map(|s| (s.spec.instance, s.spec.name.ordinal)).collect();
    assert_eq!(all, [(0, 1), (1, 2), (2, 3), (0, 1), (0, 1)]);
    let before = old.text.len();
    assert_eq!(
        add_line(&mut old, "::once:w"),
        Ok(()),
        "the last line of a key counts, for all of its units"
    );
    assert_eq!(old.slots().len(), 3);
    assert!(old.text.len() < before + 10);
    let (mut full, _) = table(&["::once:a"]);
    let many = |count: usize| format!(":count={count}:once:b");
    assert_eq!(add_line(&mut full, &many(UNITS_MAX)), Err(Overflow::Units));
    assert_eq!(add_line(&mut full, &many(4_294_967_295)), Err(Overflow::Units));
    assert_eq!(add_line(&mut full, &many(UNITS_MAX - 1)), Ok(()));
}

#[test]
fn adopted_units_of_one_line_share_its_text() {
    let (old, _) = table(&[":count=200:once:/bin/worker of a long line", "::once:b"]);
    let (mut new, _) = table(&["::once:c"]);
    for slot in old.slots() {
        new.adopt(&old, slot).unwrap();
    }
    assert!(new.text.len() < 100, "{}", new.text.len());
    let commands: std::vec::Vec<_> = new.slots().iter().map(|s| new.text(s.spec.command)).collect();
    assert_eq!(commands[200], b"/bin/worker of a long line");
    assert_eq!(commands[201], b"b");
}
