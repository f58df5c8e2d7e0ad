//! The output of units, by the real program as process 1: `log=`, `log-size=` and `log-keep=`.

mod support;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use support::badfs::{dead_file_system, hangs};
use support::{Builder, Console, DEADLINE, Init, Namespace, Syslog, sys};

fn pidone(inittab: impl AsRef<[u8]>) -> Builder {
    let builder = Builder::new(Init::Pidone).inittab(inittab);
    fs::create_dir(builder.root().path("log")).expect("a folder for logs");
    builder
}

/// The host's numbers of the readers.
fn readers(ns: &Namespace) -> Vec<i32> {
    // One that was killed just now may go while it is looked for.
    ns.procs().named("logger").iter().filter_map(|r| ns.host_pid_if_there(r.pid)).collect()
}

/// How many readers there are.
fn count(ns: &Namespace) -> usize {
    ns.procs().named("logger").len()
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
    assert_eq!(count(&ns), 2, "instances share a reader");
    ns.power_off();
}

/// So many numbered lines in each second, a hundred at a time, until told to end: then it says how
/// many there were. What it has said before it was started anew is not said again.
const FLOOD: &str = "#!/usr/bin/perl
use Time::HiRes 'time', 'sleep';
$| = 0;
# Before anything is taken away that would be lost.
$SIG{TERM} = sub { $ended = 1 };
open my $count, '+>>', '/tmp/count'; seek $count, 0, 0;
my $number = int(<$count> || 0); truncate $count, 0;
my ($begin, $said) = (time, 0);
sub keep { open my $to, '>', '/tmp/count'; print $to $number; close $to }
while (!$ended) {
    my $text = '';
    $text .= sprintf \"%d %s\\n\", $number++, 'x' x ($number % 60) for 1..100;
    while (length $text) {
        my $wrote = syswrite STDOUT, $text;
        $text = substr $text, $wrote if $wrote;
    }
    $said += 100;
    my $ahead = $begin + $said / $ARGV[0] - time;
    sleep $ahead if $ahead > 0;
}
keep();
";

fn all_lines(ns: &Namespace, last: usize) -> String {
    (0..=last).rev().map(|n| ns.root().read(&name(n))).collect()
}

fn exists(ns: &Namespace, number: usize) -> bool {
    ns.root().path(&name(number)).exists()
}

fn name(number: usize) -> String {
    if number == 0 { "log/web".into() } else { format!("log/web.{number}") }
}

/// So many kills of the reader there are at least, and so many for an end of the unit.
const KILLS: usize = 20;

/// Kills the reader of a flood every so often, for a while, and the unit now and then: every line
/// comes once and whole. How many there were. On a slow machine it goes on until there have been
/// enough kills and ends, and so many files are full.
fn storm(rate: usize, every: Duration, during: Duration, files: usize) -> usize {
    let options = "name=web,log=/log/web,log-size=512K,log-keep=999,delay=0,grace=1m";
    let line = format!(":{options}:respawn:/bin/flood {rate}\n");
    let mut ns = pidone(line).host_programs().file("bin/flood", FLOOD).start();
    let begin = Instant::now();
    let (mut kills, mut ends) = (0, 0);
    let enough = |kills, ends| kills > KILLS && ends > 0 && exists(&ns, files);
    // What is older than the last file that is kept would be lost.
    while (begin.elapsed() < during || !enough(kills, ends)) && !exists(&ns, 900) {
        assert!(begin.elapsed() < during + DEADLINE, "{kills} {ends}\n{}", ns.state());
        thread::sleep(every);
        for reader in readers(&ns) {
            kills += usize::from(sys::kill(reader, libc::SIGKILL).is_ok());
        }
        if kills >= KILLS * (ends + 1) {
            let units = ns.procs().named("flood").into_iter();
            for unit in units.filter_map(|unit| ns.host_pid_if_there(unit.pid)) {
                ends += usize::from(sys::kill(unit, libc::SIGTERM).is_ok());
            }
        }
    }
    ns.power_off();
    let count: usize = ns.root().read("tmp/count").parse().expect("it said how many");
    let last = (1..).find(|&n| !exists(&ns, n)).unwrap() - 1;
    let seen = all_lines(&ns, last);
    for (number, line) in seen.lines().enumerate() {
        assert_eq!(line, format!("{number} {}", "x".repeat((number + 1) % 60)), "of {count}");
    }
    assert_eq!(seen.lines().count(), count);
    assert!(kills > KILLS && ends > 0 && last >= files, "{kills} {ends} {last}");
    eprintln!("{count} lines, {kills} kills of the reader, {ends} ends of the unit");
    count
}

#[test]
fn nothing_is_lost_or_torn_while_the_reader_is_killed_ten_times_a_second_and_the_unit_too() {
    // A file holds some 14,000 lines.
    let count = storm(10_000, Duration::from_millis(100), Duration::from_secs(8), 3);
    assert!(count > 40_000, "{count} lines are less than 5000 a second");
}

#[test]
fn nothing_is_lost_or_torn_where_the_reader_is_always_killed_at_its_work() {
    storm(100_000_000, Duration::from_millis(60), Duration::from_secs(3), 2);
}

/// Says so many lines, then that all are said, and lives on.
const LINES: &str = "#!/bin/sh
awk -v n=$1 'BEGIN { while (i++ < n) printf \"a line with the number %06d\\n\", i }'
/bin/say said
exec sleep 100000
";

fn names(ns: &Namespace) -> Vec<String> {
    let files = fs::read_dir(ns.root().path("log")).expect("the folder").flatten();
    let mut names: Vec<_> = files.map(|f| f.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_log_rotates_at_its_size_and_keeps_so_many_older_ones() {
    // 31 bytes a line, so that 331 of them go beyond 10 KiB, and 64 that come at once.
    let line = ":log=/log/web,log-size=10K,log-keep=3:once:/bin/lines 5000\n";
    let mut ns = pidone(line).file("bin/lines", LINES).start();
    ns.until_said("said", 1);
    ns.power_off();
    assert_eq!(names(&ns), ["web", "web.1", "web.2", "web.3"]);
    let older: Vec<_> = (1..4).map(|n| ns.root().read(&name(n)).len()).collect();
    assert!(older.iter().all(|len| (10_240..10_240 + 2048).contains(len)), "{older:?}");
    let seen = all_lines(&ns, 3);
    let first = 5001 - seen.lines().count();
    let expected: String =
        (first..5001).map(|n| format!("a line with the number {n:06}\n")).collect();
    assert!(seen == expected, "the last of it is not what was said: {seen:.100}");
}

#[test]
fn a_full_disk_costs_lines_that_are_counted_and_holds_nobody() {
    let builder = pidone(":log=/log/web:once:/bin/lines 20000\n").file("bin/lines", LINES);
    sys::mount(c"tmpfs", &builder.root().path("log"), c"size=64k").unwrap();
    // What cannot be written is told once, whether somebody listens or not.
    let syslog = Syslog::bind(builder.root());
    let mut ns = builder.start();
    syslog.until("logger: cannot write /log/web: No space left on device");
    ns.until_said("said", 1);
    for older in names(&ns).iter().filter(|name| *name != "web") {
        fs::remove_file(ns.root().path(&format!("log/{older}"))).unwrap();
    }
    sys::remount(&ns.root().path("log"), c"size=4m").unwrap();
    ns.until("the loss is not said", || ns.root().read("log/web").contains(" lines lost\n"));
    let all = |ns: &Namespace| all_lines(ns, names(ns).len() - 1);
    ns.until("the end is not there", || all(&ns).contains("020000\n"));
    ns.power_off();
    let text = all(&ns);
    let told = |line: &str| {
        line.strip_prefix("logger: ")?.strip_suffix(" lines lost")?.parse::<usize>().ok()
    };
    let lost: usize = text.lines().filter_map(told).sum();
    let kept = text.lines().filter(|line| told(line).is_none());
    assert!(kept.clone().all(|line| line.len() == 29), "torn: {text:.300}");
    assert_eq!(kept.count() + lost, 20_000);
}

#[test]
fn null_and_console_need_no_reader_and_leave_the_terminal_for_input() {
    let probe = "/bin/probe fds";
    let lines = format!(":log=null:once:{probe} done\ntty7:log=console:once:{probe} two\n");
    let builder = pidone("");
    let (_far, _near, number) = support::console::new_pty(builder.root());
    support::console::link_tty(builder.root(), "tty7", number);
    let mut ns = builder.inittab(lines).start();
    ns.until_said("done", 1);
    ns.until_said("two", 1);
    let log = ns.log();
    assert!(log.contains("fds 0=/dev/null 1=/dev/null 2=/dev/null\n"), "{log}");
    let terminal = format!("fds 0=/dev/pts/{number} 1=/tmp/console 2=/tmp/console\n");
    assert!(log.contains(&terminal), "{log}");
    assert_eq!(count(&ns), 0);
    ns.power_off();
}

#[test]
fn a_console_that_is_stopped_holds_the_unit_that_writes_there_alone() {
    let mut ns = pidone(":log=console:once:/bin/lines 100\n::respawn:/bin/hold a\n")
        .file("bin/lines", LINES)
        .console(Console::StoppedPty)
        .start();
    ns.until_said("a", 1);
    let holds = || ns.procs().named("awk").len() == 1;
    ns.until("it does not write", holds);
    ns.power_off();
    assert!(!ns.log().contains("said"));
}

#[test]
fn units_have_the_pipe_alone_and_readers_nothing_else() {
    let ns = pidone(
        ":log=/log/web:once:/bin/probe fds hold\n:log=syslog:once:/bin/probe fds hold 2\n\
         ::respawn:/bin/probe fds three hold\n",
    )
    .start();
    ns.until_said("three", 1);
    ns.until("no readers", || count(&ns) == 2);
    ns.until_said("fds 0=/dev/null 1=pipe 2=pipe", 2);
    ns.until_said("fds 0=/dev/null 1=/tmp/console 2=/tmp/console", 1);
    let open = |reader: i32| {
        let list = fs::read_dir(format!("/proc/{reader}/fd")).unwrap().flatten();
        let mut all: Vec<_> = list
            .filter_map(|fd| {
                // One that looks for a log may close again what was there just now.
                let to = fs::read_link(fd.path()).ok()?.to_string_lossy().into_owned();
                let to = to.split(":[").next().unwrap().rsplit('/').next().unwrap().to_owned();
                Some(format!("{}={to}", fd.file_name().to_string_lossy()))
            })
            .collect();
        all.sort();
        all.join(" ")
    };
    let bare = "0=pipe 1=null 2=null 3=memfd:spool (deleted) 4=anon_inode";
    let all = || readers(&ns).into_iter().map(open).collect::<Vec<_>>();
    ns.until("the file is not opened", || all() == [format!("{bare} 5=web"), bare.to_owned()]);
    for reader in readers(&ns) {
        let stat = fs::read_to_string(format!("/proc/{reader}/stat")).unwrap();
        let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        assert_eq!(fields[16], "0", "nice: {stat}");
        assert_ne!(fields[3], "1", "session: {stat}");
    }
    // Whoever takes our place inherits nothing of it.
    ns.root().write("etc/inittab", "::restart:/bin/probe fds four hold\n");
    ns.send(libc::SIGHUP);
    ns.send(libc::SIGQUIT);
    ns.until_said("four", 1);
    let last = ns.log().lines().rev().nth(1).unwrap().to_owned();
    assert_eq!(last, "fds 0=/dev/null 1=/tmp/console 2=/tmp/console");
}

#[test]
fn two_units_and_all_instances_share_the_reader_of_a_file() {
    let talk = "#!/bin/sh\necho $1 $INSTANCE\n/bin/say talked\nexec sleep 100000\n";
    let mut ns =
        pidone(":log=/log/all,count=3:once:/bin/talk a\n:log=/log/all:respawn:/bin/talk b\n")
            .file("bin/talk", talk)
            .start();
    ns.until_said("talked", 4);
    // By then every reader that writes has its name.
    ns.until("a line is missing", || ns.root().read("log/all").lines().count() == 4);
    assert_eq!(count(&ns), 1);
    ns.power_off();
    let mut lines: Vec<_> = ns.root().read("log/all").lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["a 0", "a 1", "a 2", "b"]);
}

/// Says a word, and another one when it is to end.
const LAST: &str = "#!/bin/sh
trap 'echo last $1; exit' TERM
echo first $1
exec 2> /dev/null
/bin/say $1
while :; do sleep 1 & wait $!; done
";

#[test]
fn a_reload_leaves_readers_alone_or_gives_them_what_is_new() {
    let other = "::respawn:/bin/hold other\n";
    let a = ":log=/log/a:respawn:/bin/last a\n";
    let mut ns = pidone(a).file("bin/last", LAST).start();
    ns.until_said("a", 1);
    ns.until("no reader", || count(&ns) == 1);
    let reader = readers(&ns);
    ns.root().write("etc/inittab", format!("{a}{other}"));
    ns.send(libc::SIGHUP);
    ns.until_said("other", 1);
    assert_eq!(readers(&ns), reader, "a unit that does not change keeps its reader");
    ns.root().write("etc/inittab", format!("{other}{}", a.replace("/log/a", "/log/b")));
    ns.send(libc::SIGHUP);
    ns.until_said("a", 2);
    let read = |name: &str| ns.root().read(name);
    ns.until("the old log lacks the end", || read("log/a") == "first a\nlast a\n");
    ns.until("the new log lacks the beginning", || read("log/b") == "first a\n");
    ns.until("the old reader stays", || count(&ns) == 1);
    ns.root().write("etc/inittab", format!("{other}{}", a.replace("/log/a", "/log/b,log-size=1")));
    ns.send(libc::SIGHUP);
    ns.until_said("a", 3);
    ns.until("it does not rotate", || !read("log/b.1").is_empty());
    ns.root().write("etc/inittab", other);
    ns.send(libc::SIGHUP);
    ns.until("a reader stays", || count(&ns) == 0);
    ns.power_off();
}

#[test]
fn the_last_words_are_written_before_the_shutdown_lines_run() {
    let mut ns = pidone(":log=/log/a:respawn:/bin/last a\n::shutdown:/bin/cp /log/a /out/copy\n")
        .file("bin/last", LAST)
        .start();
    ns.until_said("a", 1);
    // A reader that is killed at the last instant takes nothing away either.
    ns.until("no reader", || count(&ns) == 1);
    sys::kill(readers(&ns)[0], libc::SIGKILL).unwrap();
    ns.power_off();
    assert_eq!(ns.root().read("out/copy"), "first a\nlast a\n");
}

#[test]
fn a_log_on_a_dead_file_system_holds_its_unit_and_neither_others_nor_the_shutdown() {
    let builder = pidone(
        ":grace=1s,log=/dead/web:once:/bin/lines 100000\n::respawn:/bin/hold a\n\
         ::ctrlaltdel:/bin/say pressed\n::shutdown:/bin/say down\n",
    )
    .file("bin/lines", LINES);
    let Some(_server) = dead_file_system(&builder) else {
        eprintln!("skipped: this kernel has no FUSE, or does not let root mount it");
        return;
    };
    let mut ns = builder.start();
    ns.until_said("a", 1);
    ns.until("the reader does not hang", || readers(&ns).iter().any(|&r| hangs(r)));
    ns.send(libc::SIGINT);
    ns.until_said("pressed", 1);
    let begin = Instant::now();
    ns.power_off();
    assert!(ns.log().ends_with("down\n"), "{}", ns.log());
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
    assert!(!ns.log().contains("said"));
}

#[test]
fn without_descriptors_a_unit_waits_for_its_log_and_others_run() {
    let unit = |n: usize| format!(":name=u{n},log=/log/{n}:respawn:/bin/hold {n}\n");
    let units: String = (0..6).map(unit).collect();
    let lines = format!("{units}::respawn:/bin/hold other\n");
    let mut ns = pidone(lines).descriptors(80 + 14).start();
    ns.until_said("0", 1);
    ns.until_said("other", 1);
    ns.until_shown("u5: cannot open its log: Too many open files; next start in ");
    // When there is room, it starts.
    ns.root().write("etc/inittab", unit(5));
    ns.send(libc::SIGHUP);
    ns.until_said("5", 1);
    ns.power_off();
}

#[test]
fn a_supervisor_in_a_container_logs_as_well_and_a_reader_killed_by_its_own_says_so() {
    let units = ":name=web,log=/log/web:respawn:/bin/last web\n";
    let mut ns = pidone("")
        .argv(&["pidone", "supervise", "-f", "/etc/units"])
        .file("etc/units", units)
        .file("bin/last", LAST)
        .start();
    ns.until_said("web", 1);
    ns.until("no reader", || count(&ns) == 1);
    sys::kill(readers(&ns)[0], libc::SIGKILL).unwrap();
    ns.until_shown("web: the reader of its log (pid ");
    ns.until_shown(" ended by SIGKILL; begun again");
    ns.send(libc::SIGTERM);
    assert_eq!(ns.end(), support::End::Exit(0));
    assert_eq!(ns.root().read("log/web"), "first web\nlast web\n");
}
