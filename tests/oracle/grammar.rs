//! How the file is read: comments, fields, joined lines, odd bytes.

use crate::case::{Case, Look, Step, case};
use crate::differences::{LONG_TERMINAL, RUNLEVELS};
use crate::support::Console;

const COMPLAINTS: &[Look] = &[Look::Complaints];

pub const CASES: &[Case] = &[
    case(
        "a hash ends a line inside the command",
        "::sysinit:/bin/say a#b\n::sysinit:/bin/say c # d\n::wait:/bin/say done\n",
    )
    .looks(COMPLAINTS)
    .same("a\nc\ncomplaints: "),
    case(
        "a hash ends a line inside quotes",
        "::sysinit:/bin/say \"a#b\"\n::sysinit:/bin/say 'c' # d\n::wait:/bin/say done\n",
    )
    .looks(COMPLAINTS)
    .same("c\ncomplaints: "),
    case(
        "comments and empty lines are passed over in silence",
        "# a comment\n\n#\n::sysinit:/bin/say a\n\n# ::sysinit:/bin/say b\n::wait:/bin/say done\n",
    )
    .looks(COMPLAINTS)
    .same("a\ncomplaints: "),
    case("an indented comment is a bad line", "  # comment\n::wait:/bin/say done\n")
        .looks(COMPLAINTS)
        .same("complaints: 1"),
    case("a line of blanks is a bad line", "\n   \n\t\n::wait:/bin/say done\n")
        .looks(COMPLAINTS)
        .same("complaints: 2 3"),
    case(
        "a trailing backslash joins lines",
        "::sysinit:/bin/say a \\\nb \\\nc\n::wait:/bin/say done\n",
    )
    .looks(COMPLAINTS)
    .same("a b c\ncomplaints: "),
    case(
        "after two backslashes an empty line is joined too",
        "::sysinit:/bin/say a \\\\\n\nb\n::sysinit:/bin/say c \\\n\n::wait:/bin/say done\n\
         # \\\\\n\n::once:/bin/say d\n",
    )
    .looks(COMPLAINTS)
    .same("a b\nc\ncomplaints: "),
    case(
        "a backslash joins lines in the middle of a field",
        "::sys\\\ninit:/bin/say joined\n::wait:/bin/say done\n",
    )
    .same("joined"),
    case(
        "a comment that ends in a backslash takes the next line along",
        "# comment \\\n::sysinit:/bin/say eaten\n::sysinit:/bin/say b # c \\\n\
         ::sysinit:/bin/say d\n\
         ::wait:/bin/say done\n",
    )
    .same("b"),
    case(
        "the number of a joined bad line is that of its last part",
        "::sysinit:/bin/say a\nbad \\\n\\\nline\nworse\n::wait:/bin/say done\n",
    )
    .looks(COMPLAINTS)
    .same("a\ncomplaints: 4 5"),
    case(
        "a backslash at the very end of the file is harmless",
        "::sysinit:/bin/say a\n::wait:/bin/say done\\",
    )
    .looks(COMPLAINTS)
    .same("a\ncomplaints: "),
    case(
        "a backslash inside a line is left alone",
        "::sysinit:/bin/say a\\ \\b\n::wait:/bin/say done\n",
    )
    .same("a b"),
    case(
        "blanks around an action make the line bad",
        ":: sysinit:/bin/say a\n::sysinit :/bin/say b\n::\tsysinit:/bin/say c\n\
         ::wait:/bin/say done\n",
    )
    .looks(COMPLAINTS)
    .same("complaints: 1 2 3"),
    case(
        "actions are case-sensitive",
        "::SYSINIT:/bin/say a\n::Wait:/bin/say b\n::wait:/bin/say done\n",
    )
    .looks(COMPLAINTS)
    .same("complaints: 1 2"),
    case(
        "unknown actions of other inits are bad lines",
        "::boot:/bin/say a\n::powerfail:/bin/say b\n::bootwait:/bin/say c\n::off:/bin/say d\n\
         ::kbrequest:/bin/say e\n::wait:/bin/say done\n",
    )
    .looks(COMPLAINTS)
    .same("complaints: 1 2 3 4 5"),
    case(
        "lines with too few fields are bad",
        "word\n:\n::\n::sysinit\n::sysinit:\nsysinit:/bin/say a\n::wait:/bin/say done\n",
    )
    .looks(COMPLAINTS)
    .same("complaints: 1 2 3 4 5 6"),
    case(
        "shell text inside an inittab is survived",
        "if [ $(uname -m) = \"ppc64le\" ]; then\n::sysinit:/bin/say a\nfi\n::wait:/bin/say done\n",
    )
    .looks(COMPLAINTS)
    .same("a\ncomplaints: 1 3"),
    case("colons in the command survive", "::sysinit:/bin/say a:b::c:\n::wait:/bin/say done\n")
        .same("a:b::c:"),
    case(
        "a carriage return stays part of the command",
        "::sysinit:/bin/say a\r\n::sysinit:/bin/say\r\n::wait:/bin/say done\n",
    )
    .same("a\r"),
    case(
        "a carriage return alone is a bad line",
        "\r\n::sysinit:/bin/say a\n::wait:/bin/say done\n",
    )
    .looks(COMPLAINTS)
    .same("a\ncomplaints: 1"),
    case("a file without a final newline is whole", "::sysinit:/bin/say a\n::wait:/bin/say done")
        .same("a"),
    case("a byte order mark spoils the first line only", "")
        .bytes(b"\xef\xbb\xbf# comment\n::sysinit:/bin/say a\n::wait:/bin/say done\n")
        .looks(COMPLAINTS)
        .same("a\ncomplaints: 1"),
    case("bytes over 127 pass through", "::sysinit:/bin/say grüße\n::wait:/bin/say done\n")
        .same("grüße"),
    case("a NUL byte ends the line", "")
        .bytes(b"::sysinit:/bin/say a\0b\n::sysinit:/bin/say c\n::wait:/bin/say done\n")
        .looks(COMPLAINTS)
        .same("a\nc\ncomplaints: "),
    case("a command of nine hundred bytes is whole", LONG)
        .files(&[("bin/length", "#!/bin/sh\n/bin/say $# ${#1}\n")])
        .same("1 900"),
    case(
        "words are split at runs of blanks and tabs",
        "::sysinit:/bin/count one  two\t\tthree \t four  \n::wait:/bin/say done\n",
    )
    .files(&[("bin/count", "#!/bin/sh\nfor word; do /bin/say \"<$word>\"; done\n")])
    .same("<one>\n<two>\n<three>\n<four>"),
    case(
        "sixty words are sixty arguments",
        "::sysinit:/bin/count 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 \
         1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9\n::wait:/bin/say done\n",
    )
    .files(&[("bin/count", "#!/bin/sh\n/bin/say $#\n")])
    .same("59"),
    case(
        "runlevels are ignored without an initdefault line",
        ":S:sysinit:/bin/say a\n:12345:wait:/bin/say b\n:06:wait:/bin/say c\n\
         :0:wait:/bin/say done\n",
    )
    .looks(COMPLAINTS)
    .same("a\nb\nc\ncomplaints: "),
    case(
        "an initdefault line chooses among runlevels",
        "::sysinit:/bin/say a\nid:3:initdefault:\n:3:wait:/bin/say b\n:06:wait:/bin/say c\n\
         :12345:wait:/bin/say done\n",
    )
    .looks(COMPLAINTS)
    .differs("a\nb\nc\ncomplaints: 2", "a\nb\ncomplaints: ", RUNLEVELS),
    case(
        "equal command and terminal collapse to the last action",
        "::sysinit:/bin/say twice\n::sysinit:/bin/say between\n::wait:/bin/say twice\n\
         ::wait:/bin/say done\n",
    )
    .same("between\ntwice"),
    case(
        "an earlier equal line moves to the end of the list",
        "::sysinit:/bin/say a\n::sysinit:/bin/say b\n::sysinit:/bin/say a\n::wait:/bin/say done\n",
    )
    .same("b\na"),
    case(
        "a terminal is the same with and without /dev/",
        "null::sysinit:/bin/say a\nnull::sysinit:/bin/say b\n/dev/null::sysinit:/bin/say a\n\
         ::wait:/bin/say done\n",
    )
    .same("b\na"),
    case(
        "the name of a terminal may be long",
        "serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0::wait:/bin/say a\n\
         ::wait:/bin/say done\n",
    )
    // Any file that can be read and written stands for one.
    .files(&[("dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0", "")])
    .differs("", "a", LONG_TERMINAL),
    case(
        "the folder of the terminals is no terminal",
        "/dev/::sysinit:/bin/say a\n/::once:/bin/say b\n::sysinit:/bin/say c\n\
         ::once:/bin/say done\n",
    )
    .same("c"),
    case(
        "more slashes before a terminal are none",
        "//null::sysinit:/bin/say a\n/dev//null::sysinit:/bin/say b\n\
         null::sysinit:/bin/say c\nnull::sysinit:/bin/say a\n::wait:/bin/say done\n",
    )
    .same("b\nc\na"),
    case(
        "lines with different terminals do not collapse",
        "::sysinit:/bin/say a\nnull::sysinit:/bin/say a\n::wait:/bin/say done\n",
    )
    .same("a\na"),
    case("an empty file runs nothing, not even the defaults", "")
        .files(&[("etc/init.d/rcS", "#!/bin/sh\n/bin/say rcS\n")])
        .on(Console::Pty)
        .steps(&[Step::Ready, Step::Send(libc::SIGUSR2), Step::End])
        .looks(&[Look::Complaints, Look::Console("Press Enter"), Look::Console("press Enter")])
        .same(
            "-- halted or powered off\ncomplaints: \nconsole does not show: Press Enter\n\
             console does not show: press Enter",
        ),
    case("a file of comments runs nothing, not even the defaults", "# nothing\n#\n")
        .files(&[("etc/init.d/rcS", "#!/bin/sh\n/bin/say rcS\n")])
        .steps(&[Step::Ready, Step::Send(libc::SIGUSR2), Step::End])
        .same("-- halted or powered off"),
    case(
        "a file that uses every option boots, and they are passed over",
        ":name=a,after=b,nice=5,\
         umask=022,oom=10,nofile=64,dir=/,if=/bin,restart=no:once:/bin/say a\n\
         :name=b,ready=exit,delay=1s,max-delay=2s,max=5/1h,stop=INT,grace=1s:once:/bin/say b\n\
         :user=root,group=root,nnp,env=/etc/env,root=/:once:/bin/say c\n\
         :check=/bin/true,every=30s,fails=3,watchdog=1m,mem=64M,port=3003:respawn:/bin/hold d\n\
         :needs=b,log=null,log-size=1K,log-keep=2:once:/bin/say e\n\
         :log=syslog+local0.err:once:/bin/say h\n\
         :log=/out/i,log-size=1K:once:/bin/say i\n\
         :log=console:once:/bin/say j\n\
         :count=1,main:respawn:/bin/hold f\n\
         :pidfile=/run/g.pid:once:/bin/say g\n",
    )
    .files(&[
        ("etc/env", "COLOUR=blue\n"),
        ("etc/passwd", "root:x:0:0:root:/:/bin/sh\n"),
        ("etc/group", "root:x:0:\n"),
    ])
    .steps(&[
        Step::Said("a"),
        Step::Said("b"),
        Step::Said("c"),
        Step::Said("d"),
        Step::Said("e"),
        Step::Said("f"),
        Step::Said("g"),
        Step::Said("h"),
        Step::Said("i"),
        Step::Said("j"),
    ])
    .sorted()
    .same("a\nb\nc\nd\ne\nf\ng\nh\ni\nj"),
];

/// A line that ends well below a thousand bytes.
const LONG: &str = concat!(
    "::sysinit:/bin/length ",
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567",
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567",
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567",
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567",
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567",
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567",
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567",
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567",
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567",
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567",
    "01234567890123456789",
    "\n::wait:/bin/say done\n",
);
