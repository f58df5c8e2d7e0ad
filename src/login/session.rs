//! The way from somebody who was let in to their shell.

use core::ffi::CStr;

use heapless::Vec;
use pidone::wire::errno::{E2BIG, ENAMETOOLONG};
use pidone::wire::login::Call;
use pidone::wire::names::{cut, holds, place};
use pidone::wire::passwd::User;
use pidone::wire::syslog::Level;
use pidone::wire::text::Line;
use pidone::wire::utmp::{Last, Record};

use crate::REFUSED;
use crate::accounts::{Groups, find_groups};
use crate::sys::fd::{self, Fd};
use crate::sys::secret::Text;
use crate::sys::start::{Args, joined};
use crate::sys::user::{VARS_MAX, become_user, change_folder, execute, exists};
use crate::sys::{kernel, terminal, utmp};
use crate::tell::{File, Journal, say};

/// Room for a path or a variable with its NUL, in bytes: the kernel's PATH_MAX and a name.
type Room = Vec<u8, { 4096 + 16 }>;

/// So long there is to show what is shown, in seconds: a terminal may be stopped.
const SHOW_LIMIT: u32 = 60;

/// Makes us the user's shell; comes back only with an exit code.
pub fn begin(args: Args, call: &Call<'_>, user: &User<'_>, journal: &mut Journal<'_>) -> i32 {
    terminal::end_after(SHOW_LIMIT);
    let groups = find_groups(&Text::load(File::Group.path()), user, journal);
    give_terminal(user, &groups, journal);
    record(user, journal);
    note_entry(user, &groups, journal);
    if let Err((what, errno)) = become_user(user.uid, user.gid, &groups.of_user) {
        return fail(journal, user.name, what, errno);
    }
    go_home(user);
    terminal::end_after(0);
    let shell = if user.shell.is_empty() { b"/bin/sh" } else { user.shell };
    let errno = start(args, call, user, shell);
    fail(journal, shell, b"run", errno)
}

/// The terminal becomes the user's; others may write to it who are in its group.
fn give_terminal(user: &User<'_>, groups: &Groups, journal: &mut Journal<'_>) {
    let given = match groups.tty {
        Some(tty) => terminal::give(user.uid, tty, 0o620),
        None => terminal::give(user.uid, user.gid, 0o600),
    };
    if let Err(errno) = given {
        let write = |line: &mut Line| {
            line.put(b"cannot give '").quote(user.name).put(b"' the terminal");
        };
        let mut end = Line::new();
        end.put(b": ").error(errno).put(b"; going on without");
        journal.note_here(Level::Warning, write, end.as_bytes());
    }
}

/// Writes down that somebody is here.
fn record(user: &User<'_>, journal: &Journal<'_>) {
    if journal.tty.is_empty() {
        return;
    }
    let (seconds, _) = utmp::now();
    let (line, host) = (journal.tty, journal.host);
    utmp::put(&Record::user(kernel::own_pid(), line, user.name, host));
    let how = fd::WRITE | fd::NO_WAIT | fd::CLOSE_ON_EXEC | fd::NO_CONTROL;
    let last = Fd::open(c"/var/log/lastlog", how);
    utmp::write_at(&last, &Last { seconds, line, host }.encode(), Last::offset(user.uid));
}

fn note_entry(user: &User<'_>, groups: &Groups, journal: &mut Journal<'_>) {
    if user.uid == 0 {
        let write = |line: &mut Line| {
            line.put(b"root login");
        };
        journal.note_here(Level::Notice, write, b"");
    } else {
        let write = |line: &mut Line| {
            line.put(b"login of '").quote(user.name).put(b"'");
        };
        journal.note_here(Level::Info, write, b"");
    }
    if groups.lost > 0 {
        journal.note(Level::Warning, |line| {
            line.put(b"'").quote(user.name).put(b"' is in more than 256 groups; ");
            line.number(u64::from(groups.lost)).put(b" were left out");
        });
    }
}

/// Says on the terminal and to syslog what failed.
fn fail(journal: &mut Journal<'_>, object: &[u8], what: &[u8], errno: u16) -> i32 {
    let write = |line: &mut Line| {
        line.put(b"cannot ").put(what).put(b" '").quote(object).put(b"': ").error(errno);
        line.put(b"; the session ends");
    };
    let mut line = Line::wide();
    line.put(b"login: ");
    write(&mut line);
    line.put(b"\n");
    say(line.as_bytes());
    journal.note(Level::Error, write);
    REFUSED
}

/// Goes to the home folder and shows the message of the day, unless the user does not want it.
fn go_home(user: &User<'_>) {
    let home = if user.home.is_empty() { b"/" } else { user.home };
    let mut room = Room::new();
    let path = joined(&mut room, &[home]);
    let went = path.map_or(Err(ENAMETOOLONG), change_folder);
    if let Err(errno) = went {
        let _ = change_folder(c"/");
        let mut line = Line::wide();
        line.put(b"login: cannot change to '").quote(home).put(b"': ").error(errno);
        line.put(b"; starting in /\n");
        say(line.as_bytes());
    }
    if went.is_err() || !exists(c".hushlogin") {
        say(Text::load(c"/etc/motd").as_bytes());
    }
}

/// The variables that we set.
const OURS: &[u8] = b"HOME SHELL USER LOGNAME PATH";

/// Where programs are looked for.
fn path_of<'a>(user: &User<'_>) -> &'a CStr {
    if user.uid == 0 { c"PATH=/sbin:/usr/sbin:/bin:/usr/bin" } else { c"PATH=/bin:/usr/bin" }
}

/// Becomes the shell; comes back with the error number.
fn start(args: Args, call: &Call<'_>, user: &User<'_>, shell: &[u8]) -> u16 {
    let home = if user.home.is_empty() { b"/" } else { user.home };
    let mut rooms: [Room; 6] = core::array::from_fn(|_| Room::new());
    let mut vars: Vec<&CStr, VARS_MAX> = Vec::new();
    let parts: [[&[u8]; 2]; 6] = [
        [b"", shell],
        [b"-", base_name(shell)],
        [b"HOME=", home],
        [b"SHELL=", shell],
        [b"USER=", user.name],
        [b"LOGNAME=", user.name],
    ];
    let mut made = rooms.iter_mut().zip(&parts).map(|(room, parts)| joined(room, parts));
    let (Some(Some(program)), Some(Some(first))) = (made.next(), made.next()) else {
        return ENAMETOOLONG;
    };
    // There is room for these; what is kept comes behind them.
    let _ = vars.push(path_of(user));
    for var in made.flatten() {
        let _ = vars.push(var);
    }
    for var in kept(args, call) {
        if vars.push(var).is_err() {
            return E2BIG;
        }
    }
    execute(program, first, &vars)
}

/// What is kept of the environment: the type of the terminal, or with `-p` all but what we set.
fn kept<'a>(args: Args, call: &'a Call<'_>) -> impl Iterator<Item = &'static CStr> + 'a {
    args.env().filter(|var| {
        let name = cut(var.to_bytes(), b'=').map(|(name, _)| name);
        name.is_some_and(|name| name == b"TERM" || (call.keep && place(OURS, name).is_none()))
    })
}

fn base_name(path: &[u8]) -> &[u8] {
    if !holds(path, b'/') {
        return path;
    }
    path.rsplit(|&b| b == b'/').next().unwrap_or(path)
}
