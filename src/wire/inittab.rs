//! One line of an inittab: `tty:options:action:command`, BusyBox's grammar to the letter.

use super::names::{place, take};

/// The action of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Run first, one after the other, each waited for.
    Sysinit,
    /// Run next, one after the other, each waited for.
    Wait,
    /// Started then, and not waited for.
    Once,
    /// Kept running.
    Respawn,
    /// Kept running, each start asked for on the terminal.
    AskFirst,
    /// Run when Ctrl-Alt-Del is pressed.
    CtrlAltDel,
    /// Run at shutdown.
    Shutdown,
    /// What takes the place of PID 1 on SIGQUIT.
    Restart,
}

impl Kind {
    /// Whether its lines are what runs once the boot is over.
    pub fn is_service(self) -> bool {
        matches!(self, Kind::Once | Kind::Respawn | Kind::AskFirst)
    }
}

/// A good line, its fields borrowed from the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry<'a> {
    /// The terminal without `/dev/`; empty for init's own.
    pub tty: &'a [u8],
    /// The second field.
    pub options: &'a [u8],
    /// The action.
    pub kind: Kind,
    /// The command, all its colons in it.
    pub command: &'a [u8],
}

/// What a line turned out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Parsed<'a> {
    /// Nothing to do: an empty line or a comment.
    Blank,
    /// An entry.
    Entry(Entry<'a>),
    /// `initdefault`: the runlevel that turns runlevel lists on, as its bit.
    Default(u8),
    /// A bad line: what was read, and what was expected.
    Bad { read: &'a [u8], expected: &'static [u8] },
}

/// The longest name of a terminal, in bytes, `/dev/` left out: that of the longest by-path link
/// that udev makes is shorter.
pub const TTY_MAX: usize = 64;

/// The terminal of a line that stands for a line for each active console.
pub const CONSOLES: &[u8] = b"@console";

const FIELDS: &[u8] = b"tty:options:action:command";

/// The actions of entries, in the order of [`KINDS`], and at the end the one that is none. It is
/// also what is expected in the third field.
const NAMES: &[u8] = b"sysinit wait once respawn askfirst ctrlaltdel shutdown restart initdefault";

const KINDS: [Kind; 8] = [
    Kind::Sysinit,
    Kind::Wait,
    Kind::Once,
    Kind::Respawn,
    Kind::AskFirst,
    Kind::CtrlAltDel,
    Kind::Shutdown,
    Kind::Restart,
];

/// Parses a line from which the comment has been cut.
pub fn parse(line: &[u8]) -> Parsed<'_> {
    if line.is_empty() {
        return Parsed::Blank;
    }
    let mut command = line;
    let tty = take(&mut command, b':');
    let options = take(&mut command, b':');
    let action = take(&mut command, b':');
    let mut tty = match tty.strip_prefix(b"/dev") {
        Some(rest @ [b'/', ..]) => rest,
        _ => tty,
    };
    // The folder itself is no terminal, but it is not the console of an empty field either.
    while let [b'/', rest @ ..] = tty
        && !rest.is_empty()
    {
        tty = rest;
    }
    let number = place(NAMES, action);
    let (read, expected): (_, &[u8]) = if line.iter().filter(|&&b| b == b':').count() < 3 {
        (line, FIELDS)
    } else if number == Some(KINDS.len()) {
        match highest_level(options) {
            Some(level) => return Parsed::Default(level),
            None => (options, b"a runlevel in the second field"),
        }
    } else if let Some(&kind) = number.and_then(|number| KINDS.get(number)) {
        if command.is_empty() {
            (line, b"a command in the fourth field")
        } else if tty.len() > TTY_MAX {
            (tty, b"a terminal's name of at most 64 bytes")
        } else {
            return Parsed::Entry(Entry { tty, options, kind, command });
        }
    } else {
        (action, NAMES)
    };
    Parsed::Bad { read, expected }
}

/// Of several runlevels the highest one counts, as with sysvinit.
fn highest_level(field: &[u8]) -> Option<u8> {
    field.iter().copied().max().and_then(super::options::level)
}

/// What runs where there is no inittab: what BusyBox's code does, not what its usage text says, but
/// with a shell on each of several consoles.
pub const DEFAULTS: &[u8] = b"::sysinit:/etc/init.d/rcS
@console::askfirst:-/bin/sh
tty2::askfirst:-/bin/sh
tty3::askfirst:-/bin/sh
tty4::askfirst:-/bin/sh
::ctrlaltdel:reboot
::shutdown:umount -a -r
::shutdown:swapoff -a
::restart:init
";

/// What runs in single-user mode: a shell and nothing else.
pub const SINGLE: &[u8] = b"::respawn:-/bin/sh\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn entry<'a>(line: &'a str) -> Entry<'a> {
        match parse(line.as_bytes()) {
            Parsed::Entry(entry) => entry,
            other => panic!("{line:?} gave {other:?}"),
        }
    }

    #[test]
    fn the_command_keeps_its_colons_and_nothing_is_trimmed() {
        let e = entry("/dev/ tty1:a=b:respawn: /bin/x a:b::c ");
        assert_eq!((e.tty, e.options), (&b" tty1"[..], &b"a=b"[..]));
        assert_eq!((e.kind, e.command), (Kind::Respawn, &b" /bin/x a:b::c "[..]));
    }

    #[test]
    fn a_terminal_is_the_same_however_many_slashes_are_in_front() {
        for tty in ["null", "/null", "/dev/null", "/dev//null", "///null"] {
            assert_eq!(entry(&format!("{tty}::respawn:x")).tty, b"null");
        }
        assert_eq!(entry("/dev/dev/null::respawn:x").tty, b"dev/null");
        assert_eq!(entry("/devnull::respawn:x").tty, b"devnull");
        for tty in ["/", "//", "/dev/", "/dev//"] {
            assert_eq!(entry(&format!("{tty}::respawn:x")).tty, b"/");
        }
    }

    #[test]
    fn every_action_has_its_name_and_case_counts() {
        let all = [
            ("sysinit", Kind::Sysinit),
            ("wait", Kind::Wait),
            ("once", Kind::Once),
            ("respawn", Kind::Respawn),
            ("askfirst", Kind::AskFirst),
            ("ctrlaltdel", Kind::CtrlAltDel),
            ("shutdown", Kind::Shutdown),
            ("restart", Kind::Restart),
        ];
        for (action, kind) in all {
            assert_eq!(entry(&format!("::{action}:x")).kind, kind);
            let loud = format!("::{}:x", action.to_uppercase());
            assert!(matches!(parse(loud.as_bytes()), Parsed::Bad { expected: NAMES, .. }));
            let blank = format!(":: {action}:x");
            assert!(matches!(parse(blank.as_bytes()), Parsed::Bad { expected: NAMES, .. }));
        }
    }

    #[test]
    fn bad_lines_say_what_was_expected() {
        for line in ["x", "a:b", "a:b:respawn", "   "] {
            let bad = Parsed::Bad { read: line.as_bytes(), expected: FIELDS };
            assert_eq!(parse(line.as_bytes()), bad);
        }
        assert!(matches!(parse(b"::respawn:"), Parsed::Bad { .. }));
        assert!(matches!(parse(b"::initdefault:"), Parsed::Bad { .. }));
        let long = format!("{}::respawn:x", "t".repeat(TTY_MAX + 1));
        assert!(matches!(parse(long.as_bytes()), Parsed::Bad { .. }));
        assert_eq!(parse(b""), Parsed::Blank);
    }

    #[test]
    fn initdefault_takes_the_highest_runlevel() {
        assert_eq!(parse(b"id:3:initdefault:"), Parsed::Default(3));
        assert_eq!(parse(b"id:235:initdefault:"), Parsed::Default(5));
    }

    #[test]
    fn the_built_in_tables_parse() {
        for table in [DEFAULTS, SINGLE] {
            for line in table.split(|&b| b == b'\n').filter(|l| !l.is_empty()) {
                assert!(matches!(parse(line), Parsed::Entry(_)));
            }
        }
    }
}
