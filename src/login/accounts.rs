//! Looking into the files of accounts. Each is read from its beginning to its end whoever is
//! looked for, so that the time it takes tells nothing.

use heapless::Vec;
use pidone::wire::crypt;
use pidone::wire::errno::ENOENT;
use pidone::wire::passwd::{Fault, Group, LINE_MAX, Line, Shadow, User, group, shadow, user};

use crate::sys::secret::Text;
use crate::sys::user::GROUPS_MAX;
use crate::tell::{File, Journal};

/// Hands over every account of a file; what is none is reported.
fn each<'t, T>(
    (file, text): (File, &'t Text),
    parse: fn(&'t [u8]) -> Line<'t, T>,
    journal: &mut Journal<'_>,
    mut see: impl FnMut(T),
) {
    let mut bytes = text.as_bytes();
    match text.error {
        // A machine may do without all of them but the first.
        Some(ENOENT) if file != File::Passwd => {}
        Some(errno) => journal.report_error(file, errno),
        None => {}
    }
    if text.error.is_some() {
        // Half a line is another line: its shell might be cut off, and be /bin/sh then.
        let end = bytes.iter().rposition(|&b| b == b'\n').unwrap_or(0);
        bytes = bytes.get(..end).unwrap_or(&[]);
    }
    for (number, line) in (1..).zip(bytes.split(|&b| b == b'\n')) {
        let line = match line.len() {
            ..=LINE_MAX => parse(line),
            _ => Err(Fault { read: b"", expected: b"at most 8192 bytes" }),
        };
        match line {
            Ok(Some(account)) => see(account),
            Ok(None) => {}
            Err(fault) => journal.report(file, number, &fault),
        }
    }
    journal.settle(file);
}

/// The user of a name.
pub fn find_user<'t>(passwd: &'t Text, name: &[u8], journal: &mut Journal<'_>) -> Option<User<'t>> {
    let mut found = None;
    each((File::Passwd, passwd), user, journal, |user| {
        if user.name == name && found.is_none() {
            found = Some(user);
        }
    });
    found
}

/// A hash to check the password of somebody with who has none.
const DUMMY: &[u8] = b"$6$nobody.has.this.$....................................................\
..................................";

/// What /etc/shadow knows.
pub struct Shadows<'t> {
    /// The entry of the user.
    pub entry: Option<Shadow<'t>>,
    /// The first hash there that can be checked. Whoever has none is checked with it, so that the
    /// answer takes as long as for the others.
    pub usual: &'t [u8],
}

/// The entry of a name.
pub fn find_shadow<'t>(text: &'t Text, name: &[u8], journal: &mut Journal<'_>) -> Shadows<'t> {
    let mut found = Shadows { entry: None, usual: &[] };
    each((File::Shadow, text), shadow, journal, |entry| {
        if entry.name == name && found.entry.is_none() {
            found.entry = Some(entry);
        }
        if found.usual.is_empty() && crypt::parse(unlocked(entry.hash)).is_some() {
            found.usual = unlocked(entry.hash);
        }
    });
    if found.usual.is_empty() {
        found.usual = DUMMY;
    }
    found
}

/// A hash without the mark that locks it.
pub fn unlocked(hash: &[u8]) -> &[u8] {
    let mut rest = hash;
    while let Some(after) = rest.strip_prefix(b"!") {
        rest = after;
    }
    rest
}

/// Whether a hash is locked: no password is right for it.
pub fn is_locked(hash: &[u8]) -> bool {
    hash.starts_with(b"!") || hash.starts_with(b"*")
}

/// What /etc/group knows.
pub struct Groups {
    /// The groups of the user, the first one included, each of them once.
    pub of_user: Vec<u32, GROUPS_MAX>,
    /// Groups there was no room for.
    pub lost: u32,
    /// The group that terminals belong to.
    pub tty: Option<u32>,
}

/// The groups of a user.
pub fn find_groups(text: &Text, of: &User<'_>, journal: &mut Journal<'_>) -> Groups {
    let mut groups = Groups { of_user: Vec::new(), lost: 0, tty: None };
    let _ = groups.of_user.push(of.gid);
    each((File::Group, text), group, journal, |group: Group<'_>| {
        if group.name == b"tty" && groups.tty.is_none() {
            groups.tty = Some(group.gid);
        }
        let wanted = group.has(of.name) && !groups.of_user.contains(&group.gid);
        if wanted && groups.of_user.push(group.gid).is_err() {
            groups.lost += 1;
        }
    });
    groups
}
