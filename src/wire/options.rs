//! The second field of an inittab line: a runlevel list or comma-separated options.
//!
//! Every option of the field is parsed and its value is checked, those included whose work is
//! done elsewhere; [`settings`] walks the field and yields what it found, one at a time.

use super::names::{cut, place, take};
use super::signals::{self, Signal};
use super::value::{self, Millis};

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

/// One setting out of the field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Setting<'a> {
    /// `name=`
    Name(&'a [u8]),
    /// `restart=`
    Restart(Restart),
    /// `delay=`
    Delay(Millis),
    /// `max-delay=`
    MaxDelay(Millis),
    /// `max=`: so many starts in such a span.
    Max(u16, Millis),
    /// `stop=`
    Stop(Signal),
    /// `grace=`
    Grace(Millis),
    /// `if=`
    If(&'a [u8]),
    /// A valid option that is known but not carried out; without it the unit does less.
    Unheeded(&'a [u8]),
    /// The same, but running the unit without it would give it rights it must not have.
    Guard(&'a [u8]),
}

/// An option that could not be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wrong<'a> {
    /// What was read.
    pub option: &'a [u8],
    /// What was expected.
    pub expected: &'static [u8],
    /// The unit must not run without it.
    pub guard: bool,
}

/// What an option takes: the lines of [`OPTIONS`], in their order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Name,
    Restart,
    Delay,
    Max,
    Stop,
    Path,
    Names,
    Ready,
    Log,
    Flag,
    Octal,
    Nice,
    Oom,
    Count,
    Size,
    Span,
    Port,
    Account,
    Root,
    GuardFlag,
}

const KINDS: [Kind; 20] = [
    Kind::Name,
    Kind::Restart,
    Kind::Delay,
    Kind::Max,
    Kind::Stop,
    Kind::Path,
    Kind::Names,
    Kind::Ready,
    Kind::Log,
    Kind::Flag,
    Kind::Octal,
    Kind::Nice,
    Kind::Oom,
    Kind::Count,
    Kind::Size,
    Kind::Span,
    Kind::Port,
    Kind::Account,
    Kind::Root,
    Kind::GuardFlag,
];

/// For each kind a line: the options that are of it, and what is expected of their values.
const OPTIONS: &[u8] = b"\
name:1 to 32 letters, digits, or any of ._@-
restart:always, on-failure or no
delay max-delay grace:a time: 100ms, 5s, 2m, 1h
max:starts/time, as 10/5m
stop:a signal, as TERM, 15 or RTMIN+3
if dir env check pidfile:a path that begins with /
after needs:names joined by +
ready:notify, fd3, exit, a path, or port and a number
log:syslog, null, console or a path
main:no value
umask:an octal mask, as 022
nice:-20 to 19
oom:-1000 to 1000
log-keep nofile count fails:a number from 1
log-size mem:a size: 500, 200K, 64M, 1G
every watchdog:a time: 100ms, 5s, 2m, 1h
port:1 to 65535
user group:a name or a number
root:a path that begins with /
nnp:no value";

const UNKNOWN: &[u8] = b"an option of inittab(5)";

impl Kind {
    /// Whether a unit must not run without such an option.
    const fn guard(self) -> bool {
        matches!(self, Kind::Account | Kind::Root | Kind::GuardFlag)
    }

    /// Whether the text is a value of an option that is only checked here.
    fn holds(self, text: &[u8]) -> bool {
        match self {
            Kind::Names => names(text),
            Kind::Ready => place(b"notify fd3 exit", text).is_some() || path(text) || port(text),
            Kind::Log => place(b"syslog null console", text).is_some() || path(text),
            Kind::Path | Kind::Root => path(text),
            Kind::Account => value::name(text).is_some(),
            Kind::Octal => value::octal(text).is_some(),
            Kind::Nice => value::signed(text, -20, 19).is_some(),
            Kind::Oom => value::signed(text, -1000, 1000).is_some(),
            Kind::Count => value::signed(text, 1, i64::MAX).is_some(),
            Kind::Size => value::size(text).is_some_and(|n| n > 0),
            Kind::Span => value::span(text).is_some_and(|n| n > 0),
            Kind::Port => value::signed(text, 1, 65_535).is_some(),
            // These take no value, or their value was taken already.
            Kind::Flag | Kind::GuardFlag | Kind::Name | Kind::Restart => false,
            Kind::Delay | Kind::Max | Kind::Stop => false,
        }
    }
}

fn names(text: &[u8]) -> bool {
    let mut rest = text;
    loop {
        if value::name(take(&mut rest, b'+')).is_none() {
            return false;
        }
        if rest.is_empty() {
            return !text.ends_with(b"+");
        }
    }
}

fn path(text: &[u8]) -> bool {
    text.starts_with(b"/")
}

/// `port8080`.
fn port(text: &[u8]) -> bool {
    text.strip_prefix(b"port").is_some_and(|text| Kind::Port.holds(text))
}

fn restart(text: &[u8]) -> Option<Restart> {
    const RESTARTS: [Restart; 3] = [Restart::Always, Restart::OnFailure, Restart::No];
    RESTARTS.get(place(b"always on-failure no", text)?).copied()
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

/// The settings of a field that is not a runlevel list, in order.
pub fn settings(field: &[u8]) -> impl Iterator<Item = Result<Setting<'_>, Wrong<'_>>> {
    let options = field.split(|&b| b == b',');
    options.filter(|option| !option.is_empty()).map(setting)
}

fn setting(option: &[u8]) -> Result<Setting<'_>, Wrong<'_>> {
    let (key, text) = match cut(option, b'=') {
        Some((key, text)) => (key, Some(text)),
        None => (option, None),
    };
    let mut lines = OPTIONS;
    for &kind in &KINDS {
        let mut expected = take(&mut lines, b'\n');
        let keys = take(&mut expected, b':');
        if let Some(which) = place(keys, key) {
            let wrong = Wrong { option, expected, guard: kind.guard() };
            return taken(option, kind, which, text).ok_or(wrong);
        }
    }
    Err(Wrong { option, expected: UNKNOWN, guard: false })
}

/// The setting that an option makes; `which` is its place among those of its kind.
fn taken<'a>(
    option: &'a [u8],
    kind: Kind,
    which: usize,
    text: Option<&'a [u8]>,
) -> Option<Setting<'a>> {
    let checked = if kind.guard() { Setting::Guard(option) } else { Setting::Unheeded(option) };
    let Some(text) = text else {
        return matches!(kind, Kind::Flag | Kind::GuardFlag).then_some(checked);
    };
    match kind {
        Kind::Name => value::name(text).map(Setting::Name),
        Kind::Restart => restart(text).map(Setting::Restart),
        Kind::Delay => value::span(text).map(|span| match which {
            0 => Setting::Delay(span),
            1 => Setting::MaxDelay(span),
            _ => Setting::Grace(span),
        }),
        Kind::Max => value::rate(text).map(|(starts, window)| Setting::Max(starts, window)),
        Kind::Stop => signals::parse(text).map(Setting::Stop),
        Kind::Path if which == 0 && path(text) => Some(Setting::If(text)),
        _ => kind.holds(text).then_some(checked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(field: &str) -> Vec<Result<Setting<'_>, Wrong<'_>>> {
        settings(field.as_bytes()).collect()
    }

    #[test]
    fn what_changes_the_unit_is_yielded_in_order() {
        let field = "name=web,restart=on-failure,delay=0,max-delay=1m,max=3/10s,stop=QUIT,\
                     grace=250ms,if=/etc/web";
        assert_eq!(
            all(field),
            [
                Ok(Setting::Name(b"web")),
                Ok(Setting::Restart(Restart::OnFailure)),
                Ok(Setting::Delay(0)),
                Ok(Setting::MaxDelay(60_000)),
                Ok(Setting::Max(3, 10_000)),
                Ok(Setting::Stop(Signal::QUIT)),
                Ok(Setting::Grace(250)),
                Ok(Setting::If(b"/etc/web")),
            ]
        );
    }

    #[test]
    fn every_option_takes_a_good_value_and_refuses_a_bad_one() {
        let good = "name=a restart=no delay=1s max-delay=1s max=1/1s stop=9 grace=1s if=/a \
                    after=net+db needs=db ready=notify ready=port80 ready=/run/x log=null \
                    log=/var/log/a log-size=200K log-keep=5 user=www group=33 root=/srv nnp main \
                    dir=/ env=/etc/e check=/bin/c pidfile=/run/p umask=022 nice=-5 oom=-500 \
                    nofile=1024 count=4 fails=3 mem=64M every=30s watchdog=30s port=3003";
        for option in good.split_whitespace() {
            assert!(all(option)[0].is_ok(), "{option}");
        }
        let bad = "name= restart=yes delay=x max-delay=1w max=5 stop=NONE grace=-1 if=a after=+ \
                   after=a+ after=a++b needs= ready=soon ready=port0 log=file log-size=0 \
                   log-keep=0 user= group=a/b root=srv nnp=1 main=yes dir=x env=x check=x \
                   pidfile=x umask=9 nice=20 oom=1001 nofile=0 count=0 fails=x mem=0 every=0 \
                   watchdog=x port=0 name user";
        for option in bad.split_whitespace() {
            let wrong = all(option)[0].unwrap_err();
            assert_eq!(wrong.option, option.as_bytes());
            assert_ne!(wrong.expected, UNKNOWN, "{option}");
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
        for (option, expected) in [
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
            ("log=x", "syslog, null, console or a path"),
            ("main=1", "no value"),
            ("nnp=1", "no value"),
            ("umask=9", "an octal mask, as 022"),
            ("nice=20", "-20 to 19"),
            ("oom=1001", "-1000 to 1000"),
            ("count=0", "a number from 1"),
            ("mem=0", "a size: 500, 200K, 64M, 1G"),
            ("port=0", "1 to 65535"),
            ("group=/", "a name or a number"),
        ] {
            let wrong = all(option)[0].unwrap_err();
            assert_eq!(String::from_utf8_lossy(wrong.expected), expected, "{option}");
        }
    }

    #[test]
    fn rights_are_never_dropped_in_silence() {
        for option in ["user=www", "group=www", "root=/srv", "nnp"] {
            assert_eq!(all(option), [Ok(Setting::Guard(option.as_bytes()))]);
        }
        for option in ["user=", "group=/", "root=x", "nnp=no"] {
            assert!(all(option)[0].unwrap_err().guard, "{option}");
        }
        assert!(!all("nice=99")[0].unwrap_err().guard);
    }

    #[test]
    fn unknown_options_are_wrong_and_the_others_still_count() {
        assert_eq!(
            all("nmae=x,,grace=1s"),
            [
                Err(Wrong { option: b"nmae=x", expected: UNKNOWN, guard: false }),
                Ok(Setting::Grace(1000)),
            ]
        );
    }

    #[test]
    fn runlevel_lists_are_told_from_options() {
        assert_eq!(runlevels(b"12345"), Some(0b11_1110));
        assert_eq!(runlevels(b"S"), Some(1 << 10));
        assert_eq!(runlevels(b"aBc"), Some(0b111 << 11));
        assert_eq!(runlevels(b""), None);
        assert_eq!(runlevels(b"main"), None);
        assert_eq!(runlevels(b"2,3"), None);
    }
}
