//! The second field of an inittab line: a runlevel list or comma-separated options.
//!
//! Every option of the field is parsed and its value is checked, those included whose work is
//! done elsewhere; [`Options::read`] walks the field and keeps what it found.

use super::names::{begins, place, take};
use super::signals::{self, Signal};
use super::syslog::{self, Level};
use super::value::{self, Millis, Units, plain, size, time};

/// When a unit is started again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Restart {
    /// Whenever it ends.
    Always,
    /// When it ends with a code other than 0 or by a signal.
    OnFailure,
    /// Never.
    No,
}

/// When a unit counts as up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ready {
    /// Once it has a process.
    AtOnce,
    /// Once that process has become the program.
    Exec,
    /// When it says so, as sd_notify(3) has it.
    Notify,
    /// When it writes a newline to a descriptor.
    Newline,
    /// When it ends well.
    Exit,
    /// When a path is there.
    Path,
    /// When a port of this machine answers.
    Port,
}

/// What the options of a field come to. Whoever has them read puts the defaults there before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options<'a> {
    /// `name=`, or empty.
    pub name: &'a [u8],
    /// `if=`, or empty.
    pub condition: &'a [u8],
    /// `restart=`
    pub restart: Option<Restart>,
    /// `ready=`
    pub ready: Ready,
    /// `delay=`
    pub delay: Millis,
    /// `max-delay=`
    pub max_delay: Millis,
    /// `max=`: so many starts in such a span.
    pub max: (u16, Millis),
    /// `stop=`
    pub stop: Option<Signal>,
    /// `grace=`
    pub grace: Millis,
    /// An option that must not be dropped could not be honoured: the unit must not run.
    pub barred: bool,
}

/// What there is to say of an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Problem<'a> {
    /// What was read.
    pub option: &'a [u8],
    /// What is wrong with it.
    pub fault: Fault,
    /// Without it the unit must not run: it would have rights that it must not have.
    pub bars: bool,
}

/// What is wrong with an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// This was expected.
    Wrong { expected: &'static [u8] },
    /// It is good, but means nothing to this action.
    Pointless,
}

/// What an option takes: the lines of [`OPTIONS`], in their order. Without the first ones a unit
/// must not run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Account,
    Guard,
    Root,
    GuardFlag,
    Name,
    Restart,
    Delay,
    Max,
    Stop,
    If,
    Path,
    Octal,
    Nice,
    Oom,
    Count,
    Names,
    Ready,
    Log,
    Flag,
    Size,
    Span,
    Port,
}

const KINDS: [Kind; 22] = [
    Kind::Account,
    Kind::Guard,
    Kind::Root,
    Kind::GuardFlag,
    Kind::Name,
    Kind::Restart,
    Kind::Delay,
    Kind::Max,
    Kind::Stop,
    Kind::If,
    Kind::Path,
    Kind::Octal,
    Kind::Nice,
    Kind::Oom,
    Kind::Count,
    Kind::Size,
    Kind::Span,
    Kind::Port,
    Kind::Names,
    Kind::Ready,
    Kind::Flag,
    Kind::Log,
];

/// The options without which a unit must not run: it would have rights that it must not have.
pub const GUARDS: &[u8] = b"user group root nnp";

/// The options of units that are not waited for by the boot or the shutdown.
pub const FOR_SERVICES: &[u8] =
    b"restart ready after needs count main check port mem watchdog pidfile log";

/// So many of the lines are of those.
const GUARD_LINES: usize = 4;

/// For each kind a line: the options that are of it, and what is expected of their values.
const OPTIONS: &[u8] = b"\
user:a name or a number
group:names or numbers joined by +
root:a path that begins with /
nnp:no value
name:1 to 32 letters, digits, or any of ._@-
restart:always, on-failure or no
delay max-delay grace:a time: 100ms, 5s, 2m, 1h
max:starts/time, as 10/5m
stop:a signal, as TERM, 15 or RTMIN+3
if:a path that begins with /
dir env check pidfile:a path that begins with /
umask:an octal mask, as 022
nice:-20 to 19
oom:-1000 to 1000
nofile fails count log-keep:a number from 1
mem log-size:a size: 500, 200K, 64M, 1G
every watchdog:a time: 100ms, 5s, 2m, 1h
port:1 to 65535
after needs:names joined by +
ready:notify, fd3, exit, a path, or port and a number
main:no value
log:syslog, syslog+facility.level, null, console or a path";

/// The options by which the process of a unit is set up, in the order in which that is done. A
/// step that failed is known by its place here.
pub const SETTINGS: &[u8] = b"umask nice oom nofile env user group root dir nnp";

/// The other options that a child has something to do for: what is to be looked for or told.
const TOLD: &[u8] = b"if ready count watchdog pidfile mem";

/// The shortest time between two looks at a unit, in milliseconds: each of them is a process.
const SPAN_MIN: i64 = 100;

const UNKNOWN: &[u8] = b"an option of inittab(5)";

fn is_path(text: &[u8]) -> bool {
    begins(text, b'/')
}

/// Whether these are names joined by `+`.
fn are_names(text: &[u8]) -> bool {
    let mut rest = text;
    while value::is_name(take(&mut rest, b'+')) {
        if rest.is_empty() {
            return !text.ends_with(b"+");
        }
    }
    false
}

fn restart(text: &[u8]) -> Option<Restart> {
    match place(b"always on-failure no", text)? {
        0 => Some(Restart::Always),
        1 => Some(Restart::OnFailure),
        _ => Some(Restart::No),
    }
}

/// The descriptor of `ready=fdN`: one that a unit has no other use for.
pub fn descriptor(text: &[u8]) -> Option<u8> {
    match text {
        [b'f', b'd', digit @ b'3'..=b'9'] => Some(digit & 15),
        _ => None,
    }
}

/// The port of `ready=portN`.
pub fn port(text: &[u8]) -> Option<u16> {
    let port = text.strip_prefix(b"port")?;
    Some(value::within(port, plain, 1, 65_535)? as u16)
}

fn ready(text: &[u8]) -> Option<Ready> {
    match place(b"notify exit", text) {
        Some(0) => Some(Ready::Notify),
        Some(_) => Some(Ready::Exit),
        None if is_path(text) => Some(Ready::Path),
        None if descriptor(text).is_some() => Some(Ready::Newline),
        None => port(text).map(|_| Ready::Port),
    }
}

/// Where the output of a unit goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Log<'a> {
    /// Nowhere.
    Null,
    /// To the console, though the unit may have a terminal.
    Console,
    /// To syslog, with this priority.
    Syslog(u8),
    /// To this file.
    File(&'a [u8]),
}

/// The longest path of a log, in bytes: its reader has room for 512, and for what rotation puts
/// behind a name.
const LOG_PATH_MAX: usize = 500;

/// The priority of output that asks for no other one: daemon.info.
const OUTPUT: u8 = 3 * 8 + Level::Info as u8;

fn log(text: &[u8]) -> Option<Log<'_>> {
    let mut priority = text;
    match place(b"null console syslog", take(&mut priority, b'+')) {
        Some(0) if priority.is_empty() => Some(Log::Null),
        Some(1) if priority.is_empty() => Some(Log::Console),
        Some(2) if text.len() == b"syslog".len() => Some(Log::Syslog(OUTPUT)),
        Some(2) => syslog::parse(priority).map(Log::Syslog),
        Some(_) => None,
        None => (is_path(text) && text.len() <= LOG_PATH_MAX).then_some(Log::File(text)),
    }
}

/// Where a field wants output to go, if it says so.
pub fn output(field: &[u8]) -> Option<Log<'_>> {
    value(field, b"log").and_then(log)
}

/// The runlevels of a field that is a runlevel list, one bit each; nothing for another field.
pub fn runlevels(field: &[u8]) -> Option<u16> {
    let mut levels = 0u16;
    for &byte in field {
        levels |= 1 << level(byte)?;
    }
    if field.is_empty() { None } else { Some(levels) }
}

/// The bit of one runlevel: 0 to 9, then S, then A to C.
pub const fn level(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'S' | b's' => Some(10),
        b'A'..=b'C' => Some(byte - b'A' + 11),
        b'a'..=b'c' => Some(byte - b'a' + 11),
        _ => None,
    }
}

/// Whether this is one of [`GUARDS`], in letters of any size.
fn is_guard(key: &[u8]) -> bool {
    let mut guards = GUARDS;
    while !guards.is_empty() {
        if take(&mut guards, b' ').eq_ignore_ascii_case(key) {
            return true;
        }
    }
    false
}

/// The first option of a field that bars its unit.
pub fn bar(field: &[u8]) -> &[u8] {
    let mut said = Options::UNSET;
    let mut rest = field;
    loop {
        let option = take(&mut rest, b',');
        said.read(option, &mut |_| {});
        if said.barred || rest.is_empty() {
            return option;
        }
    }
}

/// An option that there is.
struct Found<'a> {
    /// Its line among [`OPTIONS`].
    line: usize,
    /// Its place among those of the line.
    which: usize,
    /// Its value, unless there is one where none belongs or the other way round.
    text: Option<&'a [u8]>,
    /// What is expected of it.
    expected: &'static [u8],
}

/// Finds what is known of an option.
#[inline(never)]
fn find(option: &[u8]) -> Option<Found<'_>> {
    let mut text = option;
    let key = take(&mut text, b'=');
    let has_value = key.len() < option.len();
    let mut lines = OPTIONS;
    for (line, kind) in KINDS.iter().enumerate() {
        let mut expected = take(&mut lines, b'\n');
        if let Some(which) = place(take(&mut expected, b':'), key) {
            let takes_value = !matches!(kind, Kind::Flag | Kind::GuardFlag);
            let text = (has_value == takes_value).then_some(text);
            return Some(Found { line, which, text, expected });
        }
    }
    None
}

/// The value of an option that is kept as text: of several good ones the last one counts.
#[inline(never)]
pub fn value<'a>(field: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let mut rest = field;
    let mut value = None;
    while !rest.is_empty() {
        let option = take(&mut rest, b',');
        if take(&mut { option }, b'=') == key
            && let Some(Found { line, text: Some(text), .. }) = find(option)
            && KINDS.get(line).is_some_and(|kind| kind.holds(text))
        {
            value = Some(text);
        }
    }
    value
}

/// Whether a child has nothing to do for these options: nothing to be set, looked for or told.
pub fn is_plain(field: &[u8]) -> bool {
    let asks = |key: &[u8]| value(field, key).is_some();
    let spaces = |&b: &u8| b == b' ';
    field.is_empty() || ![SETTINGS, TOLD].iter().any(|keys| keys.split(spaces).any(asks))
}

impl<'a> Options<'a> {
    /// No option.
    pub const UNSET: Options<'static> = Options {
        name: b"",
        condition: b"",
        restart: None,
        ready: Ready::AtOnce,
        delay: 0,
        max_delay: 0,
        max: (0, 0),
        stop: None,
        grace: 0,
        barred: false,
    };

    /// Reads a field. What is wrong goes to `report`. A runlevel list is no option and changes
    /// nothing.
    pub fn read(&mut self, field: &'a [u8], report: &mut dyn FnMut(Problem<'a>)) {
        let mut rest = if runlevels(field).is_some() { &[] } else { field };
        while !rest.is_empty() {
            let option = take(&mut rest, b',');
            if !option.is_empty() {
                self.read_one(option, report);
            }
        }
    }

    #[inline(never)] // Apart, it and its callers fit into registers.
    fn read_one(&mut self, option: &'a [u8], report: &mut dyn FnMut(Problem<'a>)) {
        let Some(Found { line, which, text, expected }) = find(option) else {
            // Whoever writes one of these with a blank or in capitals means it all the same.
            let bars = is_guard(take(&mut { option }, b'=').trim_ascii());
            self.barred |= bars;
            let fault = Fault::Wrong { expected: UNKNOWN };
            return report(Problem { option, fault, bars });
        };
        let good = text.and_then(|text| self.take(*KINDS.get(line)?, which, text)).is_some();
        if !good {
            let bars = line < GUARD_LINES;
            self.barred |= bars;
            report(Problem { option, fault: Fault::Wrong { expected }, bars });
        }
    }

    /// Takes a value in, or only checks it, by the kind of the option and its place among those
    /// of its kind; nothing where it is not one that the option takes.
    fn take(&mut self, kind: Kind, which: usize, text: &'a [u8]) -> Option<()> {
        match kind {
            Kind::Restart => self.restart = Some(restart(text)?),
            Kind::Max => self.max = value::rate(text)?,
            Kind::Ready => self.ready = ready(text)?,
            Kind::Stop => self.stop = Some(signals::parse(text)?),
            Kind::Delay => {
                let span = value::span(text, 0)?;
                match which {
                    0 => self.delay = span,
                    1 => self.max_delay = span,
                    _ => self.grace = span,
                }
            }
            _ if !kind.holds(text) => return None,
            Kind::Name => self.name = text,
            Kind::If => self.condition = text,
            _ => {}
        }
        Some(())
    }
}

impl Kind {
    /// Whether the text is a value of an option that is kept as text, or that is only checked.
    #[inline(never)] // Apart, it and its callers fit into registers.
    fn holds(self, text: &[u8]) -> bool {
        let (units, low, high): (Units, _, _) = match self {
            Kind::Name | Kind::Account => return value::is_name(text),
            Kind::Names | Kind::Guard => return are_names(text),
            Kind::If | Kind::Path | Kind::Root => return is_path(text),
            Kind::Log => return log(text).is_some(),
            Kind::Ready => return ready(text).is_some(),
            Kind::Restart => return restart(text).is_some(),
            Kind::Flag | Kind::GuardFlag => return true,
            Kind::Octal => return value::octal(text).is_some(),
            Kind::Nice => (plain, -20, 19),
            Kind::Oom => (plain, -1000, 1000),
            Kind::Port => (plain, 1, 65_535),
            Kind::Count => (plain, 1, i64::MAX),
            Kind::Size => (size, 1, i64::MAX),
            Kind::Span => (time, SPAN_MIN, i64::from(Millis::MAX)),
            // Their values are taken, which checks them.
            Kind::Delay | Kind::Max | Kind::Stop => return false,
        };
        value::within(text, units, low, high).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNSET: Options<'_> = Options {
        name: b"",
        condition: b"",
        restart: None,
        ready: Ready::AtOnce,
        delay: 1,
        max_delay: 2,
        max: (3, 4),
        stop: None,
        grace: 5,
        barred: false,
    };

    /// What is carried out without the child.
    const WITHOUT: &[u8] = b"name restart delay max-delay grace max stop check fails every port \
        after needs main log log-size log-keep";

    #[test]
    fn of_each_option_it_is_known_whether_a_child_has_something_to_do_for_it() {
        let mut lines = OPTIONS;
        for _ in KINDS {
            let mut keys = take(&mut { take(&mut lines, b'\n') }, b':');
            while !keys.is_empty() {
                let key = take(&mut keys, b' ');
                let known = [SETTINGS, TOLD, WITHOUT].map(|list| place(list, key).is_some());
                let times = known.iter().filter(|known| **known).count();
                assert_eq!(times, 1, "{}", key.escape_ascii());
            }
        }
        assert!(is_plain(b"") && is_plain(b"2345") && is_plain(b"name=a,delay=1s,main"));
        assert!(is_plain(b"nice=20"), "what is wrong is not carried out");
        for field in ["name=a,nnp", "if=/a", "count=2", "ready=fd3", "user=a,user=/"] {
            assert!(!is_plain(field.as_bytes()), "{field}");
        }
    }

    fn read(field: &str) -> (Options<'_>, Vec<Problem<'_>>) {
        let (mut options, mut problems) = (UNSET, Vec::new());
        options.read(field.as_bytes(), &mut |problem| problems.push(problem));
        (options, problems)
    }

    /// What was expected of an option that must be wrong and change nothing.
    fn expected(option: &str) -> &'static [u8] {
        let (options, problems) = read(option);
        assert_eq!(problems.len(), 1, "{option}");
        assert_eq!(problems[0].option, option.as_bytes());
        assert_eq!(options, Options { barred: problems[0].bars, ..UNSET }, "{option}");
        match problems[0].fault {
            Fault::Wrong { expected } => expected,
            other => panic!("{option}: {other:?}"),
        }
    }

    fn is_good(option: &str) -> bool {
        !read(option).1.iter().any(|problem| matches!(problem.fault, Fault::Wrong { .. }))
    }

    #[test]
    fn what_changes_the_unit_is_kept() {
        let field = "name=web,restart=on-failure,delay=0,max-delay=1m,max=3/10s,stop=QUIT,\
                     grace=250ms,if=/etc/web,ready=fd3";
        let kept = Options {
            name: b"web",
            condition: b"/etc/web",
            restart: Some(Restart::OnFailure),
            ready: Ready::Newline,
            delay: 0,
            max_delay: 60_000,
            max: (3, 10_000),
            stop: Some(Signal::QUIT),
            grace: 250,
            barred: false,
        };
        assert_eq!(read(field), (kept, vec![]));
        for (word, restart) in [("always", Restart::Always), ("no", Restart::No)] {
            assert_eq!(read(&format!("restart={word}")).0.restart, Some(restart));
        }
        for (word, ready) in [
            ("notify", Ready::Notify),
            ("fd9", Ready::Newline),
            ("exit", Ready::Exit),
            ("/run/x", Ready::Path),
            ("port80", Ready::Port),
        ] {
            assert_eq!(read(&format!("ready={word}")).0.ready, ready);
        }
        assert_eq!((descriptor(b"fd4"), port(b"port65535")), (Some(4), Some(65_535)));
    }

    #[test]
    fn output_goes_where_a_field_says() {
        for (field, to) in [
            ("log=null", Some(Log::Null)),
            ("nice=1,log=console", Some(Log::Console)),
            ("log=syslog", Some(Log::Syslog(30))),
            ("log=syslog+local0.err", Some(Log::Syslog(131))),
            ("log=/var/log/web+1,log-size=1K", Some(Log::File(b"/var/log/web+1"))),
            ("log-size=1K", None),
        ] {
            assert_eq!(read(field), (UNSET, vec![]), "{field}");
            assert_eq!(output(field.as_bytes()), to, "{field}");
        }
        let long = format!("log=/{}", "x".repeat(LOG_PATH_MAX));
        for field in ["log=syslog+", "log=syslog+loud", "log=null+1", "log=", &long] {
            expected(field);
            assert_eq!(output(field.as_bytes()), None, "{field}");
        }
    }

    #[test]
    fn every_option_takes_a_good_value_and_refuses_a_bad_one() {
        let good = "name=a restart=no delay=1s max-delay=1s max=1/1s stop=9 grace=1s if=/a \
                    after=net+db needs=db ready=notify ready=port80 ready=/run/x log=null \
                    log=/var/log/a log-size=200K log-keep=5 user=www group=33 root=/srv nnp main \
                    dir=/ env=/etc/e check=/bin/c pidfile=/run/p umask=022 nice=-5 oom=-500 \
                    nofile=1024 count=4 fails=3 mem=64M every=30s watchdog=30s port=3003";
        for option in good.split_whitespace() {
            assert!(is_good(option), "{option}");
        }
        let bad = "name= restart=yes delay=x max-delay=1w max=5 stop=NONE grace=-1 if=a after=+ \
                   after=a+ after=a++b needs= ready=soon ready=port0 ready=fd2 ready=fd10 \
                   log=file log-size=0 log-keep=0 user= group=a/b root=srv nnp=1 main=yes dir=x \
                   env=x check=x pidfile=x umask=9 nice=20 oom=1001 nofile=0 count=0 \
                   fails=x mem=0 every=0 every=99ms watchdog=x port=0 name user";
        for option in bad.split_whitespace() {
            assert_ne!(expected(option), UNKNOWN, "{option}");
        }
        let table = std::str::from_utf8(OPTIONS).unwrap();
        assert_eq!(table.lines().count(), KINDS.len());
        let keys = table.lines().flat_map(|line| line.split(':').next().unwrap().split(' '));
        let mut keys: Vec<_> = keys.collect();
        assert_eq!(keys.len(), 33);
        for option in good.split_whitespace() {
            keys.retain(|&key| key != option.split('=').next().unwrap());
        }
        assert!(keys.is_empty(), "options without a test: {keys:?}");
    }

    #[test]
    fn what_was_expected_belongs_to_the_option() {
        let spans = "a time: 100ms, 5s, 2m, 1h";
        for (option, words) in [
            ("name=", "1 to 32 letters, digits, or any of ._@-"),
            ("restart=yes", "always, on-failure or no"),
            ("delay=x", spans),
            ("max-delay=x", spans),
            ("grace=x", spans),
            ("every=0", spans),
            ("max=5", "starts/time, as 10/5m"),
            ("stop=x", "a signal, as TERM, 15 or RTMIN+3"),
            ("if=x", "a path that begins with /"),
            ("dir=x", "a path that begins with /"),
            ("root=x", "a path that begins with /"),
            ("needs=+", "names joined by +"),
            ("ready=x", "notify, fd3, exit, a path, or port and a number"),
            ("log=x", "syslog, syslog+facility.level, null, console or a path"),
            ("main=1", "no value"),
            ("nnp=1", "no value"),
            ("umask=9", "an octal mask, as 022"),
            ("nice=20", "-20 to 19"),
            ("oom=1001", "-1000 to 1000"),
            ("count=0", "a number from 1"),
            ("mem=0", "a size: 500, 200K, 64M, 1G"),
            ("port=0", "1 to 65535"),
            ("user=/", "a name or a number"),
            ("group=a+", "names or numbers joined by +"),
        ] {
            assert_eq!(String::from_utf8_lossy(expected(option)), words, "{option}");
        }
    }

    #[test]
    fn rights_are_never_dropped_in_silence() {
        for option in ["user=www", "group=www+tty", "root=/srv", "nnp"] {
            assert_eq!(read(option), (UNSET, vec![]));
        }
        for option in ["user=", "group=/", "root=x", "nnp=no"] {
            expected(option);
            assert!(read(option).1[0].bars, "{option}");
        }
        expected("nice=99");
        assert!(!read("nice=99").1[0].bars);
        assert!(read("user=,user=www").0.barred, "a later option does not lift the bar");
        for option in [" user=www", "nice=5, user=www", "User=www", "nnp ", "root =/srv", "GROUP"] {
            assert!(read(option).0.barred, "{option}");
        }
        assert!(!read("usr=www, nice=5").0.barred, "an unknown option is passed over");
    }

    #[test]
    fn of_several_values_the_last_good_one_counts() {
        let field = b"dir=/a,nice=5,dir=/b,dir=c,nnp,nice";
        assert_eq!(value(field, b"dir"), Some(&b"/b"[..]));
        assert_eq!(value(field, b"nice"), Some(&b"5"[..]));
        assert_eq!(value(field, b"nnp"), Some(&b""[..]));
        assert_eq!(value(field, b"umask"), None);
        assert_eq!(value(b"dir,nnp=1,dir=", b"dir"), None);
        assert_eq!(value(b"nnp=1", b"nnp"), None);
    }

    #[test]
    fn every_setting_is_an_option() {
        for setting in SETTINGS.split(|&b| b == b' ') {
            let lines = OPTIONS.split(|&b| b == b'\n');
            let mut heads = lines.map(|line| line.split(|&b| b == b':').next().unwrap());
            assert!(heads.any(|head| place(head, setting).is_some()));
        }
    }

    #[test]
    fn unknown_options_are_wrong_and_the_others_still_count() {
        let (options, problems) = read("nmae=x,,grace=1s");
        let fault = Fault::Wrong { expected: UNKNOWN };
        assert_eq!(problems, [Problem { option: b"nmae=x", fault, bars: false }]);
        assert_eq!(options, Options { grace: 1000, ..UNSET });
    }

    #[test]
    fn runlevel_lists_are_told_from_options() {
        assert_eq!(runlevels(b"12345"), Some(0b11_1110));
        assert_eq!(runlevels(b"S"), Some(1 << 10));
        assert_eq!(runlevels(b"aBc"), Some(0b111 << 11));
        assert_eq!(runlevels(b""), None);
        assert_eq!(runlevels(b"main"), None);
        assert_eq!(runlevels(b"2,3"), None);
        assert_eq!(read("2345"), (UNSET, vec![]));
    }
}
