//! The output of units, by the real program as process 1: `log=`, `log-size=` and `log-keep=`.

mod support;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use support::{Builder, Init, Namespace, Syslog, sys};

fn pidone(inittab: impl AsRef<[u8]>) -> Builder {
    let builder = Builder::new(Init::Pidone).inittab(inittab);
    fs::create_dir(builder.root().path("log")).expect("a folder for logs");
    builder
}

/// The host's numbers of the readers.
fn readers(ns: &Namespace) -> Vec<i32> {
    ns.procs().named("logger").iter().map(|reader| ns.host_pid(reader.pid)).collect()
}

/// Says lines with a control character in the middle, on both outputs.
const TALK: &str = "#!/bin/sh
printf 'out\\033[2J\\n'
printf 'err %s\\n' $INSTANCE >&2
/bin/say talked
exec sleep 100000
";

#[test]
fn output_goes_to_syslog_with_tag_facility_and_level_and_nothing_drives_a_terminal() {
    let mut ns = pidone(
        ":name=web,log=syslog:respawn:/bin/talk\n\
         :name=db,log=syslog+local3.err,count=2:respawn:/bin/talk 2\n",
    )
    .file("bin/talk", TALK)
    .start();
    let syslog = Syslog::bind(ns.root());
    ns.until_said("talked", 3);
    let mut heard = Vec::new();
    while heard.len() < 6 {
        let message = syslog.next();
        heard.extend((!message.contains("pidone[1]")).then_some(message));
    }
    heard.sort();
    let expected = [
        "<155>db: err 0",
        "<155>db: err 1",
        "<155>db: out\\x1b[2J",
        "<155>db: out\\x1b[2J",
        "<30>web: err ",
        "<30>web: out\\x1b[2J",
    ];
    assert_eq!(heard, expected);
    assert_eq!(readers(&ns).len(), 2, "instances share a reader");
    ns.power_off();
}

/// Ten thousand numbered lines in each second, a hundred at a time, until told to end: then it says
/// how many there were. What it has said before it was started anew is not said again.
const FLOOD: &str = "#!/usr/bin/perl
use Time::HiRes 'time', 'sleep';
$| = 0;
open my $count, '+>>', '/tmp/count'; seek $count, 0, 0;
my $number = int(<$count> || 0); truncate $count, 0;
my ($begin, $said) = (time, 0);
sub keep { open my $to, '>', '/tmp/count'; print $to $number; close $to }
$SIG{TERM} = sub { $ended = 1 };
while (!$ended) {
    my $text = '';
    $text .= sprintf \"%d %s\\n\", $number++, 'x' x ($number % 60) for 1..100;
    while (length $text) {
        my $wrote = syswrite STDOUT, $text;
        $text = substr $text, $wrote if $wrote;
    }
    $said += 100;
    my $ahead = $begin + $said / 10000 - time;
    sleep $ahead if $ahead > 0;
}
keep();
";

fn all_lines(ns: &Namespace, last: usize) -> String {
    (0..=last).rev().map(|n| ns.root().read(&name(n))).collect()
}

fn name(number: usize) -> String {
    if number == 0 { "log/web".into() } else { format!("log/web.{number}") }
}

#[test]
fn nothing_is_lost_or_torn_while_the_reader_is_killed_ten_times_a_second_and_the_unit_too() {
    let lines = ":name=web,log=/log/web,log-size=512K,log-keep=99,delay=0:respawn:/bin/flood\n";
    let mut ns = pidone(lines).host_programs().file("bin/flood", FLOOD).start();
    let begin = Instant::now();
    let (mut kills, mut ends) = (0, 0);
    while begin.elapsed() < Duration::from_secs(8) {
        thread::sleep(Duration::from_millis(100));
        for reader in readers(&ns) {
            kills += usize::from(sys::kill(reader, libc::SIGKILL).is_ok());
        }
        if kills % 25 == 24 {
            for unit in ns.procs().named("flood") {
                ends += usize::from(sys::kill(ns.host_pid(unit.pid), libc::SIGTERM).is_ok());
            }
        }
    }
    ns.power_off();
    let count: usize = ns.root().read("tmp/count").parse().expect("it said how many");
    let last = (1..).find(|&n| !ns.root().path(&name(n)).exists()).unwrap() - 1;
    let seen = all_lines(&ns, last);
    for (number, line) in seen.lines().enumerate() {
        assert_eq!(line, format!("{number} {}", "x".repeat((number + 1) % 60)), "of {count}");
    }
    assert_eq!(seen.lines().count(), count);
    assert!(kills > 40 && ends > 0 && last > 1, "{kills} {ends} {last}");
    eprintln!("{count} lines, {kills} kills of the reader, {ends} ends of the unit");
    assert!(count > 40_000, "{count} lines are less than 5000 a second");
}
