//! Users and groups, as passwd(5) and group(5) write them down.

use super::names::{cut, take};
use super::value::number;

/// The most of either file that is read, in bytes: a thousand accounts of 60 bytes each.
pub const FILE_MAX: usize = 64 * 1024;

/// The most groups that a process is given beside its own, in number: a quarter more than the
/// longest list in the wild. The kernel takes 65,536.
pub const GROUPS_MAX: usize = 64;

/// A user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct User<'a> {
    /// The name.
    pub name: &'a [u8],
    /// The number.
    pub uid: u32,
    /// The number of the group that belongs to the user.
    pub gid: u32,
    /// The home folder.
    pub home: &'a [u8],
}

/// The number of a user or group; the highest one stands for none.
pub fn id(text: &[u8]) -> Option<u32> {
    number(text).filter(|&id| id != u32::MAX)
}

/// Finds a user by name or else by number in the text of /etc/passwd.
pub fn user<'a>(passwd: &'a [u8], wanted: &[u8]) -> Option<User<'a>> {
    let mut by_number = None;
    let mut lines = passwd;
    while !lines.is_empty() {
        let Some(user) = read_user(take(&mut lines, b'\n')) else {
            continue;
        };
        if user.name == wanted {
            return Some(user);
        }
        if by_number.is_none() && id(wanted) == Some(user.uid) {
            by_number = Some(user);
        }
    }
    by_number
}

fn read_user(line: &[u8]) -> Option<User<'_>> {
    let mut rest = line;
    let name = take(&mut rest, b':');
    let (_password, numbers) = cut(rest, b':')?;
    let mut rest = numbers;
    let (uid, gid) = (id(take(&mut rest, b':'))?, id(take(&mut rest, b':'))?);
    let (_about, mut rest) = cut(rest, b':')?;
    let home = take(&mut rest, b':');
    (!name.is_empty()).then_some(User { name, uid, gid, home })
}

/// Finds the number of a group by name in the text of /etc/group; a number stands for itself.
pub fn group(groups: &[u8], wanted: &[u8]) -> Option<u32> {
    let mut found = None;
    each_group(groups, &mut |name, gid, _| {
        if found.is_none() && name == wanted {
            found = Some(gid);
        }
    });
    found.or_else(|| id(wanted))
}

/// Hands over the number of each group that lists a user among its members.
pub fn groups_of(groups: &[u8], user: &[u8], take_in: &mut dyn FnMut(u32)) {
    each_group(groups, &mut |_, gid, members| {
        let mut members = members;
        while !members.is_empty() {
            if take(&mut members, b',') == user {
                return take_in(gid);
            }
        }
    });
}

/// Takes in the name, the number and the members of a group.
type See<'a> = dyn FnMut(&[u8], u32, &[u8]) + 'a;

#[inline(never)]
fn each_group(groups: &[u8], see: &mut See<'_>) {
    let mut lines = groups;
    while !lines.is_empty() {
        let mut rest = take(&mut lines, b'\n');
        let name = take(&mut rest, b':');
        let _password = take(&mut rest, b':');
        if let Some(gid) = id(take(&mut rest, b':'))
            && !name.is_empty()
        {
            see(name, gid, rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/sh\n\
        # a remark\n\
        broken:x:1\n\
        :x:0:0::/:\n\
        high:x:4294967295:1::/:\n\
        www:x:33:34:Web:/var/www:/bin/false\n\
        33:x:7:8::/seven:/bin/sh\n\
        short:x:9:9::/nine";

    #[test]
    fn users_are_found_by_name_and_then_by_number() {
        let www = User { name: b"www", uid: 33, gid: 34, home: b"/var/www" };
        assert_eq!(user(PASSWD, b"www"), Some(www));
        assert_eq!(user(PASSWD, b"33").map(|u| u.uid), Some(7), "a name goes before a number");
        assert_eq!(user(PASSWD, b"7").map(|u| u.name), Some(&b"33"[..]));
        assert_eq!(user(PASSWD, b"short").map(|u| u.home), Some(&b"/nine"[..]));
        for nobody in [&b""[..], b"broken", b"high", b"4294967295", b"ww", b"# a remark"] {
            assert_eq!(user(PASSWD, nobody), None, "{nobody:?}");
        }
    }

    #[test]
    fn groups_have_numbers_and_members() {
        let groups = b"root:x:0:\nwww:x:33:anna,www\nbad:x:y:www\naudio:x:29:www\n12:x:5:wwww,\n";
        assert_eq!(group(groups, b"www"), Some(33));
        assert_eq!(group(groups, b"12"), Some(5));
        assert_eq!(group(groups, b"77"), Some(77));
        assert_eq!(group(groups, b"bad"), None);
        assert_eq!(group(groups, b"4294967295"), None);
        let mut of = Vec::new();
        groups_of(groups, b"www", &mut |gid| of.push(gid));
        assert_eq!(of, [33, 29]);
        groups_of(groups, b"nobody", &mut |_| panic!("nobody is a member"));
    }
}
