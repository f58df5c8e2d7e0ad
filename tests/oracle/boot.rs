//! What runs at boot, in which order, and what is started again.

use crate::case::{Case, Look, Step, case};
use crate::differences::{BACK_OFF, CONSOLES, MISSING_TTY};
use crate::support::{Console, Init};

/// A script that writes down its process number, by which a later look knows the order of forks.
const NOTE: (&str, &str) = ("bin/note", "#!/bin/sh\necho $$ > /out/pid.$1\nexec sleep 100000\n");

/// Says in which order the notes were started.
const ORDER: (&str, &str) = (
    "bin/order",
    "#!/bin/sh\nfor n; do until [ -s /out/pid.$n ]; do usleep 5000; done; done\n\
     /bin/say $(for n; do echo \"$(cat /out/pid.$n) $n\"; done | sort -n | cut -d' ' -f2)\n\
     /bin/say done\nexec sleep 100000\n",
);

/// Says at its thirteenth start how often the other line was started. The waits before a tenth
/// start come to some twenty seconds, which is far more than thirteen starts of this one take.
const COUNT: &str = "#!/bin/sh
echo >> /out/count
[ $(wc -l < /out/count) = 13 ] || exit
[ $(wc -l < /out/fails) -lt 10 ] && often=less || often=as
[ $often = as ] && /bin/say as often as the other || /bin/say less often than the other
/bin/say done
";

pub const CASES: &[Case] = &[
    case(
        "sysinit lines run before wait lines, whatever their places",
        "::wait:/bin/say w1\n::sysinit:/bin/say s1\n::wait:/bin/say w2\n::sysinit:/bin/say s2\n\
         ::wait:/bin/say done\n",
    )
    .same("s1\ns2\nw1\nw2"),
    case(
        "once lines start before respawn lines, each in file order",
        "::respawn:/bin/note r1\n::once:/bin/note o1\n::respawn:/bin/note r2\n\
         ::once:/bin/note o2\n::respawn:/bin/order r2 r1 o2 o1\n",
    )
    .files(&[NOTE, ORDER])
    .same("o1 o2 r1 r2"),
    case(
        "every sysinit and wait line is waited for",
        "::sysinit:/bin/slow s1\n::sysinit:/bin/say s2\n::wait:/bin/slow w1\n::wait:/bin/say w2\n\
         ::wait:/bin/say done\n",
    )
    .files(&[("bin/slow", "#!/bin/sh\nusleep 200000\n/bin/say slow $1\n")])
    .same("slow s1\ns2\nslow w1\nw2"),
    case(
        "a child of a wait line is not waited for",
        "::wait:/bin/daemon\n::wait:/bin/say next\n::wait:/bin/say done\n",
    )
    .files(&[("bin/daemon", "#!/bin/sh\nsleep 100000 &\n/bin/say daemon\n")])
    .looks(&[Look::Alive("sleep")])
    .same("daemon\nnext\nsleep alive: 1"),
    case("a once line is not started again", "::once:/bin/say once\n::respawn:/bin/say again\n")
        .cap(2)
        .steps(&[
            Step::Said("once"),
            Step::SaidTimes("again", 4),
            Step::Remove("out/log"),
            Step::SaidTimes("again", 2),
        ])
        .same("again\nagain"),
    case("a once line is not waited for", "::once:/bin/hold once\n::respawn:/bin/hold respawn\n")
        .steps(&[Step::Said("once"), Step::Said("respawn")])
        .looks(&[Look::Alive("sleep")])
        .cap(0)
        .same("sleep alive: 2"),
    case("a respawn line is started again", "::respawn:/bin/say again\n")
        .steps(&[Step::SaidTimes("again", 4)])
        .cap(4)
        .same("again\nagain\nagain\nagain"),
    case(
        "a respawn line that fails again and again",
        "::respawn:/bin/fails\n:delay=10ms,max-delay=10ms:respawn:/bin/count\n",
    )
    .files(&[("bin/fails", "#!/bin/sh\necho >> /out/fails\nexit 1\n"), ("bin/count", COUNT)])
    .differs("as often as the other", "less often than the other", BACK_OFF),
    case("a killed respawn command is started again", "::respawn:/bin/hold again\n")
        .steps(&[Step::Said("again"), Step::KillAll("sleep"), Step::SaidTimes("again", 2)])
        .looks(&[Look::Alive("sleep")])
        .same("again\nagain\nsleep alive: 1"),
    case("askfirst asks and waits for Enter", "::askfirst:/bin/hold asked\n")
        .on(Console::Pty)
        .steps(&[
            Step::Shown("\nPlease press Enter to activate this console. "),
            Step::Mark("not yet"),
            Step::Press("\n"),
            Step::Said("asked"),
        ])
        .same("not yet\nasked"),
    case("askfirst passes over what is typed before Enter", "::askfirst:/bin/hold asked\n")
        .on(Console::Pty)
        .steps(&[
            Step::Shown("Please press Enter to activate this console. "),
            Step::Press("exit; poweroff\n"),
            Step::Said("asked"),
        ])
        .same("asked"),
    case("askfirst takes the end of input for an answer", "::askfirst:/bin/hold asked\n")
        .on(Console::Pty)
        .steps(&[
            Step::Shown("Please press Enter to activate this console. "),
            Step::Press("\x04"),
            Step::Said("asked"),
        ])
        .same("asked"),
    case("askfirst without input starts at once", "::askfirst:/bin/hold asked\n")
        .steps(&[Step::Said("asked")])
        .looks(&[Look::Console("Please press Enter to activate this console. ")])
        .same("asked\nconsole shows: Please press Enter to activate this console."),
    case("askfirst asks again after the command ended", "::askfirst:/bin/say asked\n")
        .on(Console::Pty)
        .steps(&[
            Step::Shown("Please press Enter to activate this console. "),
            Step::Press("\n"),
            Step::Said("asked"),
            Step::Press("\n"),
            Step::SaidTimes("asked", 2),
        ])
        .same("asked\nasked"),
    case(
        "askfirst asks on its own terminal",
        "null::askfirst:/bin/hold a\npts/0::askfirst:/bin/hold b\n",
    )
    .on(Console::Pty)
    .steps(&[
        Step::Said("a"),
        Step::Shown("Please press Enter to activate this console. "),
        Step::Press("\n"),
        Step::Said("b"),
    ])
    .same("a\nb"),
    case(
        "lines of boot with a missing terminal are passed over",
        "nosuch::sysinit:/bin/say a\nnosuch::wait:/bin/say b\nnosuch::once:/bin/say c\n\
         ::sysinit:/bin/say d\n::wait:/bin/say e\n::once:/bin/say done\n",
    )
    .same("d\ne"),
    case(
        "a respawn line waits for a missing terminal",
        "nosuch::respawn:/bin/say never\n::respawn:/bin/say again\n",
    )
    .steps(&[Step::SaidTimes("again", 4)])
    .cap(1)
    .looks(&[Look::HowOften("nosuch")])
    .differs(
        "again\nconsole shows never: nosuch",
        "again\nconsole shows once: nosuch",
        MISSING_TTY,
    ),
    case(
        "a line for all consoles runs on each that is there",
        "@console::respawn:/bin/hold a\n::wait:/bin/say b\n::wait:/bin/say done\n",
    )
    // In a namespace the kernel's consoles are the host's, so this file and these devices stand
    // in for them.
    .files(&[("sys/class/tty/console/active", "zero nosuch full\n")])
    .steps(&[
        Step::Said("done"),
        Step::For(Init::Pidone, &Step::SaidTimes("a", 2)),
        Step::For(Init::Busybox, &Step::Ready),
    ])
    .looks(&[Look::Alive("sleep")])
    .sorted()
    .differs("b\nsleep alive: 0", "a\na\nb\nsleep alive: 2", CONSOLES),
    case(
        "a line for all consoles runs on init's own where none is known",
        "@console::wait:/bin/say a\n::wait:/bin/say done\n",
    )
    .differs("", "a", CONSOLES),
    case(
        "single runs a login shell and nothing else",
        "::sysinit:/bin/say a\n::respawn:/bin/say b\n",
    )
    .argv(&["init", "single"])
    .files(&[PROFILE])
    .on(Console::Pty)
    .steps(&[
        Step::Said("login as -/bin/sh"),
        Step::Press("exit\n"),
        Step::SaidTimes("login as -/bin/sh", 2),
    ])
    .same("login as -/bin/sh\nlogin as -/bin/sh"),
    case("-s is single too", "::sysinit:/bin/say a\n")
        .argv(&["init", "-s"])
        .files(&[PROFILE])
        .on(Console::Pty)
        .steps(&[Step::Said("login as -/bin/sh")])
        .same("login as -/bin/sh"),
    case("1 is single too", "::sysinit:/bin/say a\n")
        .argv(&["init", "1"])
        .files(&[PROFILE])
        .on(Console::Pty)
        .steps(&[Step::Said("login as -/bin/sh")])
        .same("login as -/bin/sh"),
    case(
        "single as the second word is no more than a word",
        "::sysinit:/bin/say a\n::wait:/bin/say done\n",
    )
    .argv(&["init", "auto", "single"])
    .same("a"),
    case("a missing file brings the defaults", "")
        .no_inittab()
        .files(&[PROFILE, ("etc/init.d/rcS", "#!/bin/sh\n/bin/say rcS\n")])
        .on(Console::Pty)
        .steps(&[
            Step::Shown("Please press Enter to activate this console. "),
            Step::Press("\n"),
            Step::Said("login as -/bin/sh"),
            Step::Send(libc::SIGINT),
            Step::End,
        ])
        .same("rcS\nlogin as -/bin/sh\n-- rebooted"),
    case(
        "a zombie that nobody waits for is reaped",
        "::once:/bin/orphans\n::respawn:/bin/hold b\n",
    )
    .files(&[(
        "bin/orphans",
        "#!/bin/sh\nfor i in 1 2 3 4 5; do (usleep 1000 &); done\n/bin/say made\n",
    )])
    .steps(&[Step::Said("made"), Step::Said("b")])
    .looks(&[Look::Alive("usleep"), Look::Zombies])
    .cap(0)
    .same("usleep alive: 0\nzombies: 0"),
];

/// A profile that a login shell reads.
const PROFILE: (&str, &str) = ("etc/profile", "/bin/say \"login as $0\"\n");
