//! Who is let in.

use pidone::machine::time::Instant;
use pidone::wire::crypt;
use pidone::wire::login::{Call, Empty};
use pidone::wire::passwd::{Expired, Shadow, User, is_name, lists};
use pidone::wire::syslog::Level;
use pidone::wire::text::Line;

use crate::accounts::{find_shadow, find_user, is_locked, unlocked};
use crate::ask::{Answer, ask, ask_silently};
use crate::crypt::is_right;
use crate::sys::secret::{Text, Typed, wipe_stack};
use crate::sys::start::Args;
use crate::sys::user::{Machine, exists};
use crate::sys::{kernel, terminal, utmp};
use crate::tell::{File, Journal, say};
use crate::{NOBODY, session};

/// So long there is to log in, in seconds, as with other logins.
const LIMIT: u32 = 60;

/// When the kernel ends us in any case, in seconds: delays and a slow hash come on top.
const LAST_LIMIT: u32 = 2 * LIMIT;

/// So often somebody may try.
const TRIES: u32 = 3;

/// The answer to a wrong password comes so long after it, in milliseconds, times the number of
/// the try: it takes guesses from somebody, and hides how long a hash took.
const DELAY: u32 = 3000;

/// So many names may be empty or too long.
const EMPTY_TRIES: u32 = 10;

/// The longest name that is read, in bytes, longer than any that exists.
const NAME_ROOM: usize = 64;

/// The longest password, in bytes: no phrase that somebody types is longer.
const PASSWORD_MAX: usize = 256;

/// Why somebody is not let in. The terminal says the same for all.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reason {
    Unknown,
    Locked,
    Strange,
    NoPassword,
    Wrong,
    TooLong,
    Insecure,
    Expired(Expired),
    Closed,
}

impl Reason {
    fn words(self) -> &'static [u8] {
        match self {
            Reason::Unknown => b"there is no such user",
            Reason::Locked => b"the account is locked, or not in /etc/shadow",
            Reason::Strange => b"the hash is of a form that is not known here",
            Reason::NoPassword => b"it has no password, which does not do here",
            Reason::Wrong => b"the password is wrong",
            Reason::TooLong => b"the password is longer than 256 bytes",
            Reason::Insecure => b"/etc/securetty does not name the terminal",
            Reason::Expired(Expired::Account) => b"the account has expired",
            Reason::Expired(Expired::Password) => b"the password has expired: change it first",
            Reason::Closed => b"/etc/nologin is there",
        }
    }
}

/// What holds for everybody here.
struct Door<'a> {
    call: &'a Call<'a>,
    /// Root may come in here.
    secure: bool,
    /// Whoever has no password may come in here.
    open: bool,
    /// When there is no more time to type.
    until: Instant,
}

/// Lets somebody in or nobody; comes back with an exit code.
pub fn keep(args: Args, call: &Call<'_>, journal: &mut Journal<'_>) -> i32 {
    terminal::end_after(LAST_LIMIT);
    let door = Door::new(call, journal.tty);
    show_closed();
    let mut name = Typed::<NAME_ROOM>::new();
    let mut given = call.user.filter(|name| !name.is_empty());
    for number in 1..=TRIES {
        if given.is_none()
            && let Err(code) = door.ask_name(&mut name)
        {
            return code;
        }
        let asked_for = given.unwrap_or(name.as_bytes());
        // Somebody else has made sure of the name that was given, not of one that is typed.
        let trusted = call.trusted && given.is_some();
        let passwd = Text::load(File::Passwd.path());
        match door.judge(&passwd, asked_for, trusted, journal) {
            Verdict::In(user) => return session::begin(args, call, &user, journal),
            Verdict::Out(reason, answered) => {
                note_refusal(journal, asked_for, number, reason);
                terminal::sleep(answered.plus(DELAY * number));
                terminal::forget_input();
                say(b"Login incorrect\n");
            }
            Verdict::Gone => return NOBODY,
            Verdict::Late => return too_late(),
        }
        given = None;
    }
    NOBODY
}

fn too_late() -> i32 {
    say(b"\nLogin timed out after 60 seconds\n");
    NOBODY
}

/// What becomes of one try.
enum Verdict<'t> {
    /// This user comes in.
    In(User<'t>),
    /// Nobody comes in, for this reason; the password was there at this time.
    Out(Reason, Instant),
    /// There is nobody any more.
    Gone,
    /// It took too long.
    Late,
}

fn note_refusal(journal: &mut Journal<'_>, name: &[u8], number: u32, reason: Reason) {
    let mut end = Line::new();
    end.put(b": ").put(reason.words()).put(b" (try ").number(u64::from(number)).put(b" of 3)");
    journal.note_here(
        Level::Warning,
        |line| {
            // What is no name may be a password that was typed too early.
            match reason {
                Reason::Unknown => line.put(b"refused somebody unknown"),
                _ => line.put(b"refused '").quote(name).put(b"'"),
            };
        },
        end.as_bytes(),
    );
}

/// Says why nobody but root is let in at present, before anybody has said who it is.
fn show_closed() {
    let notice = Text::load(c"/etc/nologin");
    match notice.error {
        Some(_) => {}
        None if notice.as_bytes().is_empty() => say(b"Logins are closed at present.\n"),
        None => say(notice.as_bytes()),
    }
}

impl<'a> Door<'a> {
    fn new(call: &'a Call<'a>, tty: &[u8]) -> Self {
        let list = Text::load(c"/etc/securetty");
        let listed = lists(list.as_bytes(), tty);
        let no_list = list.error == Some(pidone::wire::errno::ENOENT);
        // A pseudo-terminal may have the net at its other end.
        let here = call.host.is_empty() && !tty.is_empty() && !tty.starts_with(b"pts/");
        let open = match call.empty {
            Empty::Secure => listed || (no_list && here),
            Empty::Everywhere => true,
            Empty::Nowhere => false,
        };
        let until = kernel::now().plus(LIMIT * 1000);
        Door { call, secure: listed || no_list, open, until }
    }

    /// Asks for a name until there is one, or nobody any more.
    fn ask_name(&self, name: &mut Typed<NAME_ROOM>) -> Result<(), i32> {
        let machine = Machine::ask();
        let mut prompt = Line::wide();
        if !self.call.nameless {
            prompt.quote(machine.name()).put(b" ");
        }
        prompt.put(b"login: ");
        for _ in 0..EMPTY_TRIES {
            match ask(prompt.as_bytes(), self.until, name) {
                Answer::Line if name.as_bytes().is_empty() => {}
                Answer::Line => return Ok(()),
                Answer::TooLong => say(b"login: a name has at most 32 bytes; try again\n"),
                Answer::End => return Err(NOBODY),
                Answer::Late => return Err(too_late()),
            }
        }
        Err(NOBODY)
    }

    fn judge<'t>(
        &self,
        passwd: &'t Text,
        name: &[u8],
        trusted: bool,
        journal: &mut Journal<'_>,
    ) -> Verdict<'t> {
        let shadow = Text::load(File::Shadow.path());
        let user = find_user(passwd, name, journal).filter(|_| is_name(name));
        let shadows = find_shadow(&shadow, name, journal);
        let stored = stored(user.as_ref(), shadows.entry.as_ref());
        let barred = user.and_then(|user| self.bars(&user, shadows.entry.as_ref(), trusted));
        let now = kernel::now();
        match (user, stored) {
            (Some(user), _) if trusted => {
                return barred.map_or(Verdict::In(user), |reason| Verdict::Out(reason, now));
            }
            (Some(user), Some(b"")) if self.open && barred.is_none() => return Verdict::In(user),
            (None | Some(_), None | Some(_)) => {}
        }
        let mut password = Typed::<PASSWORD_MAX>::new();
        let answer = ask_silently(b"Password: ", self.until, &mut password);
        match answer {
            Answer::Line | Answer::TooLong => {}
            Answer::End => return Verdict::Gone,
            Answer::Late => return Verdict::Late,
        }
        let answered = kernel::now();
        let mut refusal = check(stored, shadows.usual, password.as_bytes());
        password.clear();
        wipe_stack();
        if answer == Answer::TooLong {
            refusal = Some(Reason::TooLong);
        }
        match (user, refusal.or(barred)) {
            (Some(user), None) => Verdict::In(user),
            (Some(_), Some(reason)) => Verdict::Out(reason, answered),
            (None, _) => Verdict::Out(Reason::Unknown, answered),
        }
    }

    /// What keeps a user out whatever the password is.
    fn bars(&self, user: &User<'_>, entry: Option<&Shadow<'_>>, trusted: bool) -> Option<Reason> {
        let today = utmp::now().0 / (24 * 60 * 60);
        let expired = entry.and_then(|entry| entry.expired(today));
        // Nobody was asked for a password that might be too old.
        let expired = expired.filter(|&what| what == Expired::Account || !trusted);
        if user.uid == 0 && !self.secure && !trusted {
            Some(Reason::Insecure)
        } else if let Some(what) = expired {
            Some(Reason::Expired(what))
        } else if user.uid != 0 && exists(c"/etc/nologin") {
            Some(Reason::Closed)
        } else {
            None
        }
    }
}

/// The hash of a user, wherever it stands.
fn stored<'t>(user: Option<&User<'t>>, entry: Option<&Shadow<'t>>) -> Option<&'t [u8]> {
    match user?.hash {
        b"x" => entry.map(|entry| entry.hash),
        hash => Some(hash),
    }
}

/// Checks a password, always against some hash, and says what is wrong.
fn check(stored: Option<&[u8]>, usual: &[u8], password: &[u8]) -> Option<Reason> {
    let own = stored.and_then(|hash| crypt::parse(unlocked(hash)));
    let right = own.or_else(|| crypt::parse(usual)).is_some_and(|hash| is_right(password, &hash));
    match stored {
        None => Some(Reason::Locked),
        Some(b"") => Some(Reason::NoPassword),
        Some(hash) if is_locked(hash) => Some(Reason::Locked),
        Some(_) if own.is_none() => Some(Reason::Strange),
        Some(_) if !right => Some(Reason::Wrong),
        Some(_) => None,
    }
}
