//! The lines of /etc/passwd, /etc/shadow and /etc/group, see passwd(5), shadow(5) and group(5).
//!
//! A line that is not of its form is no account and lets nobody in: whoever reads a file skips it
//! and reports the [`Fault`]. Empty lines, and those that begin with `#`, count for nothing.

use super::names::{begins, holds, take};
use super::value::{number, plain, within};

/// The longest name of a user or a group, in bytes: utmp has room for no more.
pub const NAME_MAX: usize = 32;

/// The longest line, in bytes. A group of 200 users with long names fits.
pub const LINE_MAX: usize = 8192;

/// What is wrong with a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault<'a> {
    /// What was read; empty where it may be a secret.
    pub read: &'a [u8],
    /// What was expected instead.
    pub expected: &'static [u8],
}

/// A line of a file: an account, or nothing, or why it is neither.
pub type Line<'a, T> = Result<Option<T>, Fault<'a>>;

/// A line of /etc/passwd.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct User<'a> {
    /// The name.
    pub name: &'a [u8],
    /// `x` where the hash stands in /etc/shadow, else the hash itself.
    pub hash: &'a [u8],
    /// The number of the user.
    pub uid: u32,
    /// The number of its first group.
    pub gid: u32,
    /// The home folder, or empty for the root.
    pub home: &'a [u8],
    /// The shell, or empty for /bin/sh.
    pub shell: &'a [u8],
}

/// A line of /etc/shadow. Days count from the beginning of 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shadow<'a> {
    /// The name of the user.
    pub name: &'a [u8],
    /// The hash; empty for no password; what begins with `!` or `*` is locked.
    pub hash: &'a [u8],
    /// The day of the last change of the password; 0 asks for one.
    pub changed: Option<u32>,
    /// So many days a password lasts.
    pub lasts: Option<u32>,
    /// The day on which the account expires.
    pub expires: Option<u32>,
}

/// A line of /etc/group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Group<'a> {
    /// The name.
    pub name: &'a [u8],
    /// The number.
    pub gid: u32,
    /// The names of the members, with commas between them.
    members: &'a [u8],
}

/// Parses a line of /etc/passwd.
pub fn user(line: &[u8]) -> Line<'_, User<'_>> {
    let Some([name, hash, uid, gid, _, home, shell]) = fields(line, b"7 fields with : between")?
    else {
        return Ok(None);
    };
    Ok(Some(User {
        name: a_name(name)?,
        hash,
        uid: an_id(uid)?,
        gid: an_id(gid)?,
        home: a_path(home)?,
        shell: a_path(shell)?,
    }))
}

/// Parses a line of /etc/shadow.
pub fn shadow(line: &[u8]) -> Line<'_, Shadow<'_>> {
    let Some([name, hash, changed, least, lasts, warned, spared, expires, _]) =
        fields(line, b"9 fields with : between")?
    else {
        return Ok(None);
    };
    for days in [least, warned, spared] {
        a_day(days)?;
    }
    let (changed, lasts, expires) = (a_day(changed)?, a_day(lasts)?, a_day(expires)?);
    Ok(Some(Shadow { name: a_name(name)?, hash, changed, lasts, expires }))
}

/// Parses a line of /etc/group.
pub fn group(line: &[u8]) -> Line<'_, Group<'_>> {
    let Some([name, _, gid, members]) = fields(line, b"4 fields with : between")? else {
        return Ok(None);
    };
    Ok(Some(Group { name: a_name(name)?, gid: an_id(gid)?, members }))
}

impl Group<'_> {
    /// Whether a user is among the members.
    pub fn has(&self, user: &[u8]) -> bool {
        let mut rest = self.members;
        while !rest.is_empty() {
            if take(&mut rest, b',') == user {
                return true;
            }
        }
        false
    }
}

/// Why a password that is right is not enough.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expired {
    /// The account has expired.
    Account,
    /// The password is older than it may become, or has to be changed first.
    Password,
}

impl Shadow<'_> {
    /// Whether an account or its password has expired on a day.
    pub fn expired(&self, today: u32) -> Option<Expired> {
        let too_old = self.changed.zip(self.lasts).is_some_and(|(changed, lasts)| {
            u64::from(today) > u64::from(changed) + u64::from(lasts)
        });
        if self.expires.is_some_and(|day| today >= day) {
            Some(Expired::Account)
        } else if self.changed == Some(0) || too_old {
            Some(Expired::Password)
        } else {
            None
        }
    }
}

/// Just so many fields; nothing for a line that counts for nothing.
fn fields<'a, const N: usize>(line: &'a [u8], expected: &'static [u8]) -> Line<'a, [&'a [u8]; N]> {
    if line.is_empty() || begins(line, b'#') {
        return Ok(None);
    }
    let mut fields = [&line[..0]; N];
    let mut rest = line;
    for field in &mut fields {
        *field = take(&mut rest, b':');
    }
    // Without the bytes that might be a password there is nothing to show.
    let fault = |expected| Err(Fault { read: b"", expected });
    if line.iter().filter(|&&b| b == b':').count() + 1 != N {
        return fault(expected);
    }
    if line.iter().any(|&b| b < b' ' || b == 0x7f) {
        return fault(b"no control characters");
    }
    Ok(Some(fields))
}

/// Whether this may name a user or a group: bytes that are no blanks, begin like no option and no
/// line of NIS, and could stand in a path.
pub fn is_name(text: &[u8]) -> bool {
    let fine = |b: &u8| *b > b' ' && *b != 0x7f && !holds(b":,/", *b);
    let begins_well = !begins(text, b'-') && !begins(text, b'+');
    begins_well && !text.is_empty() && text.len() <= NAME_MAX && text.iter().all(fine)
}

fn a_name(text: &[u8]) -> Result<&[u8], Fault<'_>> {
    let expected = b"a name of 1 to 32 bytes";
    if is_name(text) { Ok(text) } else { Err(Fault { read: text, expected }) }
}

/// The number of a user or a group. The last one means “leave it as it is” to the kernel.
fn an_id(text: &[u8]) -> Result<u32, Fault<'_>> {
    let fault = Fault { read: text, expected: b"a number from 0 to 4294967294" };
    number(text).filter(|&id| id != u32::MAX).ok_or(fault)
}

fn a_path(text: &[u8]) -> Result<&[u8], Fault<'_>> {
    let expected = b"a path that begins with /";
    if text.is_empty() || begins(text, b'/') {
        Ok(text)
    } else {
        Err(Fault { read: text, expected })
    }
}

/// A number of days; none where there is nothing or, as some tools write it, -1.
fn a_day(text: &[u8]) -> Result<Option<u32>, Fault<'_>> {
    if text.is_empty() {
        return Ok(None);
    }
    let fault = Fault { read: text, expected: b"a number of days, or nothing" };
    let days = within(text, plain, -1, i64::from(u32::MAX)).ok_or(fault)?;
    Ok(u32::try_from(days).ok())
}

/// Whether a list like /etc/securetty has this word on a line of its own. Terminals may stand
/// there with `/dev/` in front; what follows a `#` counts for nothing.
pub fn lists(text: &[u8], word: &[u8]) -> bool {
    text.split(|&b| b == b'\n').any(|line| {
        let mut rest = line;
        let line = take(&mut rest, b'#').trim_ascii();
        !line.is_empty() && line.strip_prefix(b"/dev/").unwrap_or(line) == word
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected<T: std::fmt::Debug>(line: Line<'_, T>) -> (String, String) {
        let fault = line.expect_err("this line is not of its form");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(fault.read), text(fault.expected))
    }

    #[test]
    fn lines_of_their_form_are_read() {
        let root = user(b"root:x:0:0:root,,:/root:/bin/sh").unwrap().unwrap();
        assert_eq!((root.name, root.hash, root.uid, root.gid), (&b"root"[..], &b"x"[..], 0, 0));
        assert_eq!((root.home, root.shell), (&b"/root"[..], &b"/bin/sh"[..]));
        let bare = user(b"a::4294967294:7:::").unwrap().unwrap();
        assert_eq!(
            (bare.uid, bare.gid, bare.home, bare.shell),
            (u32::MAX - 1, 7, &[][..], &[][..])
        );
        let entry = shadow(b"root:$6$a$b:10933:0:99999:7:::").unwrap().unwrap();
        assert_eq!((entry.name, entry.hash), (&b"root"[..], &b"$6$a$b"[..]));
        assert_eq!((entry.changed, entry.lasts, entry.expires), (Some(10_933), Some(99_999), None));
        let entry = shadow(b"u::-1::::-1:5:").unwrap().unwrap();
        assert_eq!((entry.changed, entry.lasts, entry.expires), (None, None, Some(5)));
        let tty = group(b"tty:x:5:anna,bert").unwrap().unwrap();
        assert_eq!((tty.name, tty.gid), (&b"tty"[..], 5));
        assert!(tty.has(b"anna") && tty.has(b"bert"));
        assert!(!tty.has(b"ann") && !tty.has(b"") && !tty.has(b"anna,bert"));
        let name = "jürgen".as_bytes();
        assert_eq!(user("jürgen:x:1:1::/:".as_bytes()).unwrap().unwrap().name, name);
    }

    #[test]
    fn lines_that_count_for_nothing_are_no_faults() {
        for line in [&b""[..], b"#", b"# root::0:0:::", b"#root::0:0::/:/bin/sh"] {
            assert_eq!(user(line), Ok(None));
            assert_eq!(shadow(line), Ok(None));
            assert_eq!(group(line), Ok(None));
        }
    }

    #[test]
    fn what_is_not_of_its_form_says_what_was_expected() {
        for line in ["root", "root:x:0:0:/:/bin/sh", "root:x:0:0::/:/bin/sh:", ":", "+", " "] {
            assert_eq!(expected(user(line.as_bytes())).1, "7 fields with : between", "{line}");
        }
        for line in ["root", "root:", "root::::::::::", "root:$6$secret"] {
            let (read, said) = expected(shadow(line.as_bytes()));
            assert_eq!((&read[..], &said[..]), ("", "9 fields with : between"), "{line}");
        }
        assert_eq!(expected(group(b"tty:x:5")).1, "4 fields with : between");
        for uid in ["", "-1", "4294967295", "4294967296", "0x0", " 0", "0 ", "1a", "+1"] {
            let line = format!("root:x:{uid}:0::/:/bin/sh");
            let said = "a number from 0 to 4294967294".to_owned();
            assert_eq!(expected(user(line.as_bytes())), (uid.to_owned(), said));
        }
        assert!(group(b"tty:x:-5:").is_err() && user(b"a:x:0:x:::").is_err());
        for name in ["", "-a", "+a", "a b", "a/b", "a,b", &"x".repeat(33)] {
            let line = format!("{name}:x:0:0::/:/bin/sh");
            let said = "a name of 1 to 32 bytes".to_owned();
            assert_eq!(expected(user(line.as_bytes())), (name.to_owned(), said));
        }
        assert_eq!(expected(user(b"a:x:0:0::home:")).0, "home");
        assert_eq!(expected(user(b"a:x:0:0:::sh")).0, "sh");
        for line in ["a:h:x::::::", "a:h::-2:::::", "a:h:::1.5::::", "a:h::::::4294967296:"] {
            let expected = expected(shadow(line.as_bytes()));
            assert_eq!(expected.1, "a number of days, or nothing", "{line}");
        }
        assert!(shadow(b"a:h:::::x::").is_err() && shadow(b"a:h::::x:::").is_err());
        assert!(shadow(b"a:h:::::::kept for later").is_ok());
    }

    #[test]
    fn control_characters_make_a_line_invalid() {
        for bad in ["\0", "\x1b", "\r", "\x7f", "\t"] {
            for line in [format!("ro{bad}ot:x:0:0::/:/bin/sh"), format!("r:x:0:0::/:/bin/sh{bad}")]
            {
                assert_eq!(expected(user(line.as_bytes())).1, "no control characters");
            }
            let line = format!("root:{bad}:1::::::");
            assert_eq!(expected(shadow(line.as_bytes())).1, "no control characters");
        }
    }

    #[test]
    fn accounts_and_passwords_expire_on_their_days() {
        let on = |line: &str, today| shadow(line.as_bytes()).unwrap().unwrap().expired(today);
        assert_eq!(on("a:h:100::30::::", 130), None);
        assert_eq!(on("a:h:100::30::::", 131), Some(Expired::Password));
        assert_eq!(on("a:h:100::30::::", 0), None, "a clock that has lost the time is no expiry");
        assert_eq!(on("a:h:0::::::", 0), Some(Expired::Password));
        assert_eq!(on("a:h:100::4294967295::::", u32::MAX), None);
        assert_eq!(on("a:h:::30::::", 99_999), None);
        assert_eq!(on("a:h::::::200:", 199), None);
        assert_eq!(on("a:h::::::200:", 200), Some(Expired::Account));
        assert_eq!(on("a:h:0:::::1:", 1), Some(Expired::Account));
    }

    #[test]
    fn a_list_has_words_on_lines_of_their_own() {
        let text = b"# consoles\nconsole\n tty1 \n/dev/ttyS0 # serial\n#tty2\n\ntty3";
        for word in ["console", "tty1", "ttyS0", "tty3"] {
            assert!(lists(text, word.as_bytes()), "{word}");
        }
        for word in ["", "tty", "tty2", "serial", "pts/0", "/dev/tty1", "consoles"] {
            assert!(!lists(text, word.as_bytes()), "{word}");
        }
        assert!(!lists(b"", b"tty1") && !lists(b"\n\n", b""));
    }
}
