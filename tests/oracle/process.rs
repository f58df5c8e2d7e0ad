//! What a child finds at its start: environment, descriptors, session, signals, folder.

use crate::case::{Case, Look, Step, case};
use crate::differences::{CONSOLE_WAITS, SETTINGS_ALONE, UTF8_STAYS};
use crate::support::Console;

/// What a terminal is after init has had its hands on it.
macro_rules! sane {
    () => {
        "speed 38400 baud; line = 0; intr = ^C; quit = ^\\; erase = ^?; kill = ^U; eof = ^D; \
         eol = <undef>; eol2 = <undef>; swtch = <undef>; start = ^Q; stop = ^S; susp = ^Z; \
         rprnt = ^R; werase = ^W; lnext = ^V; flush = ^O; min = 1; time = 0; -parenb -parodd \
         -cmspar cs8 hupcl -cstopb cread clocal -crtscts -ignbrk -brkint -ignpar -parmrk -inpck \
         -istrip -inlcr -igncr icrnl ixon ixoff -iuclc -ixany -imaxbel -iutf8 opost -olcuc \
         -ocrnl onlcr -onocr -onlret -ofill -ofdel nl0 cr0 tab0 bs0 vt0 ff0 isig icanon iexten \
         echo echoe echok -echonl -noflsh -xcase -tostop -echoprt echoctl echoke -flusho \
         -extproc"
    };
}
pub(crate) use sane;

pub const CASES: &[Case] = &[
    case("the environment", "::sysinit:/bin/probe env\n::wait:/bin/say done\n")
        .same("HOME=/\nPATH=/sbin:/usr/sbin:/bin:/usr/bin\nSHELL=/bin/sh\nTERM=vt102\nUSER=root"),
    case("the environment of a respawned command", "::respawn:/bin/probe env done hold\n")
        .same("HOME=/\nPATH=/sbin:/usr/sbin:/bin:/usr/bin\nSHELL=/bin/sh\nTERM=vt102\nUSER=root"),
    case(
        "a first argument becomes the runlevel",
        "::sysinit:/bin/probe env\n::wait:/bin/say done\n",
    )
    .argv(&["init", "auto", "more"])
    .same(
        "HOME=/\nPATH=/sbin:/usr/sbin:/bin:/usr/bin\nRUNLEVEL=auto\nSHELL=/bin/sh\n\
             TERM=vt102\nUSER=root",
    ),
    case(
        "words of the kernel command line pass through",
        "::sysinit:/bin/probe env\n::wait:/bin/say done\n",
    )
    .env(&["colour=red", "HOME=/root"])
    .same(
        "HOME=/\nPATH=/sbin:/usr/sbin:/bin:/usr/bin\nSHELL=/bin/sh\nTERM=vt102\nUSER=root\n\
             colour=red",
    ),
    case(
        "a terminal type from the command line stays",
        "::sysinit:/bin/probe env\n::wait:/bin/say done\n",
    )
    .env(&["TERM=xterm"])
    .same("HOME=/\nPATH=/sbin:/usr/sbin:/bin:/usr/bin\nSHELL=/bin/sh\nTERM=xterm\nUSER=root"),
    case(
        "the CONSOLE variable names the console",
        "::sysinit:/bin/probe fds session\n::wait:/bin/say done\n",
    )
    .env(&["CONSOLE=/dev/zero"])
    .same(
        "fds 0=/dev/zero 1=/dev/zero 2=/dev/zero\n\
             parent 1, leads session yes, own group yes, controlling tty no",
    ),
    case(
        "each command has a session of its own",
        "::sysinit:/bin/probe session\n::wait:/bin/say done\n",
    )
    .same("parent 1, leads session yes, own group yes, controlling tty no"),
    case(
        "a once and a respawn command have sessions of their own",
        "::once:/bin/probe session\n::respawn:/bin/probe session hold\n",
    )
    .steps(&[Step::SaidTimes(OWN_SESSION, 2)])
    .same(
        "parent 1, leads session yes, own group yes, controlling tty no\n\
         parent 1, leads session yes, own group yes, controlling tty no",
    ),
    case(
        "a service and the settings of a console that somebody works on",
        "::wait:/bin/stty -echo\n::once:/bin/look\n",
    )
    .on(Console::Pty)
    .files(&[("bin/look", LOOK)])
    .differs("made sane", "left alone", SETTINGS_ALONE),
    case(
        "no signal is blocked or ignored",
        "::sysinit:/bin/grep -e SigBlk -e SigIgn /proc/self/status\n::wait:/bin/say done\n",
    )
    .looks(&[Look::ConsoleLines("Sig")])
    .same("SigBlk: 0000000000000000\nSigIgn: 0000000000000000"),
    case(
        "no signal is blocked or ignored in once, respawn and ctrlaltdel commands",
        "::once:/bin/masks\n::respawn:/bin/masks hold\n::ctrlaltdel:/bin/masks done\n",
    )
    .files(&[("bin/masks", MASKS)])
    .steps(&[Step::SaidTimes(NO_MASK, 2), Step::Send(libc::SIGINT), Step::Said("done")])
    .same("0000000000000000\n0000000000000000\n0000000000000000"),
    case(
        "an empty terminal field gives init's own descriptors",
        "::sysinit:/bin/probe fds\n::wait:/bin/say done\n",
    )
    .same("fds 0=/dev/null 1=/tmp/console 2=/tmp/console"),
    case(
        "an empty terminal field gives the console",
        "::sysinit:/bin/probe fds\n::wait:/bin/say done\n",
    )
    .on(Console::Pty)
    .same("fds 0=/dev/pts/0 1=/dev/pts/0 2=/dev/pts/0"),
    case(
        "descriptors that are closed at the start are filled",
        "::sysinit:/bin/probe fds\n::wait:/bin/say done\n",
    )
    .on(Console::Closed)
    .same("fds 0=/dev/null 1=/dev/null 2=/dev/null"),
    case(
        "a null terminal gives three times /dev/null",
        "null::sysinit:/bin/probe fds\n::wait:/bin/say done\n",
    )
    .same("fds 0=/dev/null 1=/dev/null 2=/dev/null"),
    case(
        "descriptors of respawned commands are three",
        "null::respawn:/bin/probe fds\n::wait:/bin/say done\n",
    )
    .steps(&[Step::SaidTimes("fds 0=/dev/null 1=/dev/null 2=/dev/null", 3)])
    .cap(1)
    .same("fds 0=/dev/null 1=/dev/null 2=/dev/null"),
    case(
        "a named terminal becomes the controlling one",
        "pts/0::sysinit:/bin/probe fds session\n::wait:/bin/say done\n",
    )
    .on(Console::Pty)
    .same(
        "fds 0=/dev/pts/0 1=/dev/pts/0 2=/dev/pts/0\n\
             parent 1, leads session yes, own group yes, controlling tty yes",
    ),
    case(
        "the console does not become a controlling terminal",
        "::sysinit:/bin/probe session\n::wait:/bin/say done\n",
    )
    .on(Console::Pty)
    .same("parent 1, leads session yes, own group yes, controlling tty no"),
    case(
        "a login shell takes the console as controlling terminal",
        "::sysinit:-/bin/sh /bin/probe session\n::wait:/bin/say done\n",
    )
    .on(Console::Pty)
    .same("parent 1, leads session yes, own group yes, controlling tty yes"),
    case(
        "the terminal is made sane",
        "::sysinit:/bin/stty -echo -icanon -opost intr x -icrnl\n\
         pts/0::sysinit:/bin/probe stty\n::wait:/bin/say done\n",
    )
    .on(Console::Pty)
    .same(sane!()),
    case(
        "the terminal is made sane for the console's commands",
        "::sysinit:/bin/stty -echo -isig -onlcr eof x\n::sysinit:/bin/probe stty\n\
         ::wait:/bin/say done\n",
    )
    .on(Console::Pty)
    .same(sane!()),
    case(
        "a terminal that takes UTF-8",
        "pts/0::sysinit:/bin/stty iutf8\npts/0::sysinit:/bin/utf8\n::wait:/bin/say done\n",
    )
    .on(Console::Pty)
    .files(&[("bin/utf8", UTF8)])
    .differs("bytes", "letters", UTF8_STAYS),
    case(
        "a console that the CONSOLE variable names",
        "::sysinit:/bin/waits\n::wait:/bin/say done\n",
    )
    .on(Console::Pty)
    .env(&["CONSOLE=/dev/pts/0"])
    .files(&[("bin/waits", WAITS)])
    .differs("reads do not wait", "reads wait", CONSOLE_WAITS),
    case("commands start in the root folder", "::sysinit:/bin/probe cwd\n::wait:/bin/say done\n")
        .dir("/tmp")
        .same("cwd /"),
    case("the file mode mask is inherited", "::sysinit:/bin/probe umask\n::wait:/bin/say done\n")
        .umask(0o027)
        .same("umask 0027"),
    case(
        "priority, memory score and limits are inherited",
        "::sysinit:/bin/probe nice oom\n::wait:/bin/say done\n",
    )
    .same("nice 0\noom 0"),
    case("the process is called init", "::sysinit:/bin/names\n::wait:/bin/say done\n")
        .files(&[("bin/names", "#!/bin/sh\n/bin/say $(cat /proc/1/comm)\n")])
        .argv(&["init", "auto"])
        .same("init"),
    case("linuxrc is a name of init", "::sysinit:/bin/say a\n::wait:/bin/say done\n")
        .argv(&["linuxrc"])
        .same("a"),
    case("a path before the name does not matter", "::sysinit:/bin/say a\n::wait:/bin/say done\n")
        .argv(&["/sbin/init"])
        .same("a"),
];

/// Says whether the console echoes what is typed.
const LOOK: &str = "#!/bin/sh
case $(stty -a) in
*' -echo '*) /bin/say left alone ;;
*' echo '*) /bin/say made sane ;;
esac
/bin/say done
";

/// Says what an erasure on the terminal takes.
const UTF8: &str = "#!/bin/sh
case $(stty -a) in
*-iutf8*) /bin/say bytes ;;
*iutf8*) /bin/say letters ;;
esac
";

/// Says whether standard input is open with O_NONBLOCK, as the kernel tells it.
const WAITS: &str = "#!/bin/sh
case $(grep flags /proc/$$/fdinfo/0) in
*4002) /bin/say reads do not wait ;;
*0002) /bin/say reads wait ;;
esac
";

/// What the probe says of a process that has a session, but no terminal.
const OWN_SESSION: &str = "parent 1, leads session yes, own group yes, controlling tty no";

/// The shell itself ignores QUIT in places, but never blocks a signal.
const MASKS: &str = "#!/bin/sh\n\
    while read -r name mask; do [ $name = SigBlk: ] && /bin/say $mask; done < /proc/$$/status\n\
    exec /bin/probe \"$@\"\n";

const NO_MASK: &str = "0000000000000000";
