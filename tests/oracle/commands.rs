//! How a command becomes an argument vector, and what becomes of one that cannot run.

use crate::case::{Case, Look, Step, case};
use crate::differences::{LEADING_BLANK, MANY_WORDS, MISSING_COMMAND};

/// A profile that a login shell reads, which tells how the shell was called.
const PROFILE: (&str, &str) = ("etc/profile", "/bin/say \"login as $0\"\n");

pub const CASES: &[Case] = &[
    case("words become arguments", "::sysinit:/bin/probe argv a b\n::wait:/bin/say done\n")
        .same("argv /bin/sh|/bin/probe|argv|a|b|\na\nb"),
    case(
        "a semicolon ends the command for good",
        "::sysinit:/bin/say a; /bin/say b\n::wait:/bin/say done\n",
    )
    .same("a"),
    case(
        "an and-list runs its first command only",
        "::sysinit:/bin/say a && /bin/say b\n::wait:/bin/say done\n",
    )
    .same("a"),
    case(
        "an or-list runs its first command only",
        "::sysinit:/bin/false || /bin/say b\n::wait:/bin/say done\n",
    )
    .same(""),
    case(
        "a variable before the command is not a command",
        "::sysinit:WORD=1 /bin/say a\n::wait:/bin/say done\n",
    )
    .looks(&[Look::Console("WORD=1: not found")])
    .same("console shows: WORD=1: not found"),
    case("output can be redirected", "::sysinit:/bin/echo text > /out/log\n::wait:/bin/say done\n")
        .same("text"),
    case(
        "a pipeline runs whole",
        "::sysinit:/bin/echo a b | xargs /bin/say\n::wait:/bin/say done\n",
    )
    .same("a b"),
    case("variables are expanded", "::sysinit:/bin/say $HOME ${SHELL}\n::wait:/bin/say done\n")
        .same("/ /bin/sh"),
    case(
        "backquotes and globs work",
        "::sysinit:/bin/say `echo x` /etc/init?ab\n::wait:/bin/say done\n",
    )
    .same("x /etc/inittab"),
    case(
        "quotes keep words together",
        "::sysinit:/bin/count 'a b' \"c d\" e\n::wait:/bin/say done\n",
    )
    .files(&[("bin/count", "#!/bin/sh\nfor word; do /bin/say \"<$word>\"; done\n")])
    .same("<a b>\n<c d>\n<e>"),
    case("without metacharacters there is no shell", "::sysinit:/bin/ppid\n::wait:/bin/say done\n")
        .files(&[("bin/ppid", "#!/bin/sh\n/bin/say parent $PPID\n")])
        .same("parent 1"),
    case(
        "the shell of a metacharacter is replaced",
        "::sysinit:/bin/ppid ''\n::wait:/bin/say done\n",
    )
    .files(&[("bin/ppid", "#!/bin/sh\n/bin/say parent $PPID\n")])
    .same("parent 1"),
    case(
        "percent, at, comma and plus are ordinary",
        "::sysinit:/bin/say %a @b c,d e+f g/h i_j ^\n::wait:/bin/say done\n",
    )
    .same("%a @b c,d e+f g/h i_j ^"),
    case("a leading dash makes a login shell", "::sysinit:-/bin/sh\n::wait:/bin/say done\n")
        .files(&[PROFILE])
        .same("login as -/bin/sh"),
    case(
        "a leading dash and arguments make a login shell",
        "::sysinit:-/bin/sh /bin/probe argv\n::wait:/bin/say done\n",
    )
    .files(&[PROFILE])
    .same("login as /bin/probe\nargv -/bin/sh|/bin/probe|argv|"),
    case(
        "a leading dash and a metacharacter make the shell a login shell",
        "::sysinit:-/bin/probe 'argv'\n::wait:/bin/say done\n",
    )
    .files(&[PROFILE])
    .same("login as -/bin/sh\nargv /bin/sh|/bin/probe|argv|"),
    case("a dash alone runs nothing", "::sysinit:-\n::sysinit:/bin/say a\n::wait:/bin/say done\n")
        .same("a"),
    case(
        "a leading blank is passed over",
        "::sysinit: /bin/say a\n::sysinit:\t/bin/say b\n::sysinit:/bin/say c\n\
         ::sysinit:- /bin/say d\n::wait:/bin/say done\n",
    )
    .differs("c", "a\nb\nc\nd", LEADING_BLANK),
    case("a command of more words than fit", MANY).files(&[("bin/many", WORDS)]).differs(
        "64 words",
        "64 words\nof a shell",
        MANY_WORDS,
    ),
    case(
        "a leading blank before a metacharacter is harmless",
        "::sysinit: /bin/say 'a'\n::wait:/bin/say done\n",
    )
    .same("a"),
    case("a bare name is looked up on the path", "::sysinit:say a\n::wait:say done\n").same("a"),
    case("the path starts with /sbin", "::sysinit:say a\n::wait:/bin/say done\n")
        .files(&[("sbin/say", "#!/bin/sh\n/bin/say from sbin\n")])
        .same("from sbin"),
    case(
        "a bare name that is no program on the first folder is sought in the next",
        "::sysinit:tool a\n::wait:/bin/say done\n",
    )
    .files(&[("sbin/tool", "text"), ("bin/tool", "#!/bin/sh\n/bin/say second\n")])
    .same("second"),
    case(
        "a script without a first line is a shell script",
        "::sysinit:/bin/plain b\n::wait:/bin/say done\n",
    )
    .files(&[("bin/plain", ": script\n/bin/say plain $1\n")])
    .same("plain b"),
    case(
        "commands that cannot run are passed over",
        "::sysinit:/no/such\n::sysinit:nosuch\n::sysinit:/etc\n::sysinit:/etc/inittab\n\
         ::wait:/no/other\n::sysinit:/bin/say a\n::wait:/bin/say b\n::wait:/bin/say done\n",
    )
    .looks(&[Look::Console("No such file or directory"), Look::Console("Permission denied")])
    .same("a\nb\nconsole shows: No such file or directory\nconsole shows: Permission denied"),
    case(
        "commands that fail do not stop the boot",
        "::sysinit:/bin/false\n::sysinit:/bin/sh -c 'kill -KILL $$'\n::wait:/bin/false\n\
         ::sysinit:/bin/say a\n::wait:/bin/say done\n",
    )
    .same("a"),
    case(
        "a missing respawn command does not stop the others",
        "::respawn:/no/such\n::respawn:/bin/say again\n",
    )
    .steps(&[Step::SaidTimes("again", 4)])
    .cap(4)
    .looks(&[Look::HowOften("/no/such")])
    .differs(
        "again\nagain\nagain\nagain\nconsole shows again and again: /no/such",
        "again\nagain\nagain\nagain\nconsole shows once: /no/such",
        MISSING_COMMAND,
    ),
];

/// A line whose command has 65 words.
const MANY: &str = "::sysinit:/bin/many w w w w w w w w w w w w w w w w w w w w w w w w \
    w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w\n\
    ::wait:/bin/say done\n";

/// Says how many arguments there are, and whether a shell has had them before.
const WORDS: &str = "#!/bin/sh
/bin/say $# words
grep -q SHLVL= /proc/$$/environ && /bin/say of a shell
";
