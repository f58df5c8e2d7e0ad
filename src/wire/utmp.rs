//! Records of who is logged in where: utmp and wtmp as in utmp(5), and lastlog(5).
//!
//! The layout is the one that x86-64 shares with 32-bit programs: 384 bytes, with a time of 32
//! bits. It counts seconds without a sign here, as newer C libraries do, which lasts until 2106.

/// The length of a record of utmp and wtmp, in bytes.
pub const SIZE: usize = 384;

/// The bytes of one record.
pub type Bytes = [u8; SIZE];

/// What a record is about, by the numbers of utmp(5). What has no number here is `Empty`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Nothing: the place is free.
    Empty = 0,
    /// The system changed its runlevel, or went down.
    RunLevel = 1,
    /// The system booted.
    Boot = 2,
    /// init started a process.
    Init = 5,
    /// A getty waits for a name.
    Login = 6,
    /// Somebody is logged in.
    User = 7,
    /// A process of the kinds above has ended.
    Dead = 8,
}

impl Kind {
    fn of(number: u8) -> Kind {
        match number {
            1 => Kind::RunLevel,
            2 => Kind::Boot,
            5 => Kind::Init,
            6 => Kind::Login,
            7 => Kind::User,
            8 => Kind::Dead,
            _ => Kind::Empty,
        }
    }
}

/// One record. Texts that are longer than their places are cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record<'a> {
    /// What it is about.
    pub kind: Kind,
    /// The process that leads the session.
    pub pid: i32,
    /// The terminal, without `/dev/`; up to 32 bytes.
    pub line: &'a [u8],
    /// The short name of the terminal's entry; up to 4 bytes, see [`id`].
    pub id: &'a [u8],
    /// Who; up to 32 bytes.
    pub user: &'a [u8],
    /// From where, or the version of the kernel in a boot record; up to 256 bytes.
    pub host: &'a [u8],
    /// By which signal a dead process ended, and with which code.
    pub exit: (u8, u8),
    /// Seconds since 1970.
    pub seconds: u32,
    /// Microseconds of that second.
    pub micros: u32,
}

// Where the fields begin, in bytes, and how long the texts are. The kind takes two bytes and two
// of padding, exit codes two bytes each, other numbers four; behind the times stand an address of
// 16 bytes and 20 bytes that nobody uses.
const PID: usize = 4;
const LINE: (usize, usize) = (8, 32);
const ID: (usize, usize) = (40, 4);
const USER: (usize, usize) = (44, 32);
const HOST: (usize, usize) = (76, 256);
const EXIT: usize = 332;
const SESSION: usize = 336;
const SECONDS: usize = 340;
const MICROS: usize = 344;

/// The usual short name for a terminal, its last four bytes: `tty1`, `tyS0`, `ts/7`. getty(8),
/// login(1) and init(8) have to use the same, so that one record follows the other.
pub fn id(line: &[u8]) -> &[u8] {
    line.get(line.len().saturating_sub(ID.1)..).unwrap_or(line)
}

impl<'a> Record<'a> {
    /// A record with nothing in it.
    pub const EMPTY: Record<'static> = Record {
        kind: Kind::Empty,
        pid: 0,
        line: b"",
        id: b"",
        user: b"",
        host: b"",
        exit: (0, 0),
        seconds: 0,
        micros: 0,
    };

    /// The record of a boot, which holds the release of the kernel, see uname(2).
    pub fn boot(release: &'a [u8]) -> Record<'a> {
        let (line, id, user) = (&b"~"[..], &b"~~"[..], &b"reboot"[..]);
        Record { kind: Kind::Boot, line, id, user, host: release, ..Record::EMPTY }
    }

    /// The record of the way down.
    pub fn shutdown(release: &'a [u8]) -> Record<'a> {
        Record { kind: Kind::RunLevel, user: b"shutdown", ..Record::boot(release) }
    }

    /// The record of a getty that waits on a terminal.
    pub fn login(pid: i32, line: &'a [u8], host: &'a [u8]) -> Record<'a> {
        let (kind, id, user) = (Kind::Login, id(line), &b"LOGIN"[..]);
        Record { kind, pid, line, id, user, host, ..Record::EMPTY }
    }

    /// The record of somebody who logged in on a terminal.
    pub fn user(pid: i32, line: &'a [u8], user: &'a [u8], host: &'a [u8]) -> Record<'a> {
        Record { kind: Kind::User, user, ..Record::login(pid, line, host) }
    }

    /// The same at another time.
    pub fn at(self, seconds: u32, micros: u32) -> Record<'a> {
        Record { seconds, micros, ..self }
    }

    /// As it stands in a file.
    pub fn encode(&self, into: &mut Bytes) {
        into.fill(0);
        into[0] = self.kind as u8;
        put(into, PID, 4, &self.pid.to_le_bytes());
        // A process that init starts leads its session.
        put(into, SESSION, 4, &self.pid.to_le_bytes());
        put(into, SECONDS, 4, &self.seconds.to_le_bytes());
        put(into, MICROS, 4, &self.micros.to_le_bytes());
        into[EXIT] = self.exit.0;
        into[EXIT + 2] = self.exit.1;
        put(into, LINE.0, LINE.1, self.line);
        put(into, ID.0, ID.1, self.id);
        put(into, USER.0, USER.1, self.user);
        put(into, HOST.0, HOST.1, self.host);
    }

    /// What stands in a file.
    pub fn decode(bytes: &'a Bytes) -> Record<'a> {
        Record {
            kind: if bytes[1] == 0 { Kind::of(bytes[0]) } else { Kind::Empty },
            pid: number(bytes, PID) as i32,
            line: text(bytes, LINE),
            id: text(bytes, ID),
            user: text(bytes, USER),
            host: text(bytes, HOST),
            exit: (bytes[EXIT], bytes[EXIT + 2]),
            seconds: number(bytes, SECONDS),
            micros: number(bytes, MICROS),
        }
    }
}

/// The kind of a record in a file, as its number.
fn kind(bytes: &Bytes) -> u8 {
    if bytes[1] == 0 { bytes[0] } else { Kind::Empty as u8 }
}

/// Whether a record is about a process that init started.
fn is_process(bytes: &Bytes) -> bool {
    (Kind::Init as u8..=Kind::Dead as u8).contains(&kind(bytes))
}

/// Whether somebody is logged in by this record.
pub fn is_user(bytes: &Bytes) -> bool {
    kind(bytes) == Kind::User as u8
}

/// Whether a record is to stand in the place of an older one, as pututline(3) decides it: a record
/// of a process by its short name, which all of ours have, other records by their kind.
pub fn replaces(new: &Bytes, old: &Bytes) -> bool {
    let id = |bytes: &Bytes| number(bytes, ID.0);
    let same = if is_process(new) {
        is_process(old) && id(new) == id(old)
    } else {
        kind(new) == kind(old)
    };
    same && kind(new) != Kind::Empty as u8
}

/// Whether this is the record of a process whose end has not been written down.
pub fn is_alive(bytes: &Bytes) -> bool {
    is_process(bytes) && kind(bytes) != Kind::Dead as u8
}

/// Whether this is the record of such a process with this number.
pub fn is_of(bytes: &Bytes, pid: i32) -> bool {
    is_alive(bytes) && number(bytes, PID) == pid as u32
}

/// Makes of a record what becomes of it when its process has ended, by this signal or with this
/// code, at this time in seconds and microseconds.
pub fn bury(bytes: &mut Bytes, (signal, code): (u8, u8), (seconds, micros): (u32, u32)) {
    bytes[0] = Kind::Dead as u8;
    bytes[EXIT] = signal;
    bytes[EXIT + 2] = code;
    // The user and the host stand side by side.
    bytes[USER.0..HOST.0 + HOST.1].fill(0);
    put(bytes, SECONDS, 4, &seconds.to_le_bytes());
    put(bytes, MICROS, 4, &micros.to_le_bytes());
}

/// Writes at most `len` bytes at a place.
#[inline(never)] // There are too many callers for copies.
fn put(into: &mut [u8], at: usize, len: usize, from: &[u8]) {
    let place = into.iter_mut().skip(at).take(len);
    place.zip(from).for_each(|(to, from)| *to = *from);
}

/// A text up to its NUL, or to the end of its place where it has none.
#[inline(never)] // There are too many callers for copies.
fn text(bytes: &[u8], (at, len): (usize, usize)) -> &[u8] {
    let place = bytes.get(at..at + len).unwrap_or(&[]);
    let end = place.iter().position(|&b| b == 0).unwrap_or(len);
    place.get(..end).unwrap_or(place)
}

fn number(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..).and_then(|rest| rest.first_chunk());
    four.map_or(0, |&four| u32::from_le_bytes(four))
}

/// When and from where an account was last used: the record at its number in /var/log/lastlog.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Last<'a> {
    /// Seconds since 1970; 0 for never.
    pub seconds: u32,
    /// The terminal, without `/dev/`; up to 32 bytes.
    pub line: &'a [u8],
    /// From where; up to 256 bytes.
    pub host: &'a [u8],
}

/// The length of a record of lastlog, in bytes.
pub const LAST_SIZE: usize = 292;

const LAST_LINE: (usize, usize) = (4, 32);
const LAST_HOST: (usize, usize) = (36, 256);

impl<'a> Last<'a> {
    /// Where in the file the record of an account stands, in bytes.
    pub fn offset(uid: u32) -> u64 {
        u64::from(uid) * LAST_SIZE as u64
    }

    /// As it stands in the file.
    pub fn encode(&self) -> [u8; LAST_SIZE] {
        let mut bytes = [0; LAST_SIZE];
        put(&mut bytes, 0, 4, &self.seconds.to_le_bytes());
        put(&mut bytes, LAST_LINE.0, LAST_LINE.1, self.line);
        put(&mut bytes, LAST_HOST.0, LAST_HOST.1, self.host);
        bytes
    }

    /// What stands in the file.
    pub fn decode(bytes: &'a [u8; LAST_SIZE]) -> Last<'a> {
        let (line, host) = (text(bytes, LAST_LINE), text(bytes, LAST_HOST));
        Last { seconds: number(bytes, 0), line, host }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(record: &Record<'_>) -> Bytes {
        let mut bytes = [0xff; SIZE];
        record.encode(&mut bytes);
        bytes
    }

    fn anna() -> Record<'static> {
        Record::user(77, b"ttyS0", b"anna", b"far.example").at(0x9000_0001, 999_999)
    }

    #[test]
    fn the_layout_is_that_of_the_c_library() {
        use std::mem::offset_of;
        assert_eq!(SIZE, size_of::<libc::utmpx>());
        assert_eq!(PID, offset_of!(libc::utmpx, ut_pid));
        assert_eq!(LINE, (offset_of!(libc::utmpx, ut_line), libc::__UT_LINESIZE));
        assert_eq!(ID.0, offset_of!(libc::utmpx, ut_id));
        assert_eq!(USER, (offset_of!(libc::utmpx, ut_user), libc::__UT_NAMESIZE));
        assert_eq!(HOST, (offset_of!(libc::utmpx, ut_host), libc::__UT_HOSTSIZE));
        assert_eq!(EXIT, offset_of!(libc::utmpx, ut_exit));
        assert_eq!(SESSION, offset_of!(libc::utmpx, ut_session));
        assert_eq!(SECONDS, offset_of!(libc::utmpx, ut_tv));
        for (ours, theirs) in [
            (Kind::RunLevel, libc::RUN_LVL),
            (Kind::Boot, libc::BOOT_TIME),
            (Kind::Init, libc::INIT_PROCESS),
            (Kind::Login, libc::LOGIN_PROCESS),
            (Kind::User, libc::USER_PROCESS),
            (Kind::Dead, libc::DEAD_PROCESS),
        ] {
            assert_eq!(ours as i16, theirs);
            assert_eq!(Kind::of(theirs as u8), ours);
        }
    }

    #[test]
    fn what_is_written_is_read_and_the_rest_is_zeros() {
        let record = Record { exit: (9, 3), ..anna() };
        let bytes = encoded(&record);
        assert_eq!(Record::decode(&bytes), record);
        assert_eq!(bytes[SESSION..][..4], 77u32.to_le_bytes());
        assert!(bytes[MICROS + 4..].iter().all(|&b| b == 0));
        assert_eq!(Record::decode(&[0; SIZE]), Record::EMPTY);
        let mut odd = [0; SIZE];
        odd[..2].copy_from_slice(&[7, 1]);
        assert_eq!(Record::decode(&odd).kind, Kind::Empty, "a kind of two bytes is none of ours");
    }

    #[test]
    fn texts_that_are_too_long_are_cut_within_their_places() {
        let long = [b'x'; 300];
        let bytes = encoded(&Record::user(1, &long, &long, &long));
        let record = Record::decode(&bytes);
        assert_eq!((record.line, record.user), (&long[..32], &long[..32]));
        assert_eq!((record.id, record.host), (&long[..4], &long[..256]));
        assert_eq!(record.exit, (0, 0));
    }

    #[test]
    fn a_record_follows_that_of_the_same_terminal_through_its_life() {
        let waits = encoded(&Record::login(70, b"tty1", b""));
        let here = encoded(&Record::user(70, b"tty1", b"anna", b"far"));
        let mut gone = here;
        bury(&mut gone, (1, 3), (5, 6));
        for old in [&waits, &here, &gone] {
            assert!([&waits, &here, &gone].iter().all(|new| replaces(new, old)));
        }
        let end = Record::decode(&gone);
        assert_eq!((end.user, end.host, end.line, end.pid), (&b""[..], &b""[..], &b"tty1"[..], 70));
        assert_eq!((end.exit, end.seconds, end.micros), ((1, 3), 5, 6));
        let other = encoded(&Record::login(71, b"tty2", b""));
        assert!(!replaces(&here, &other) && !replaces(&here, &encoded(&Record::boot(b"6.1"))));
        assert!(is_of(&waits, 70) && is_of(&here, 70) && !is_of(&gone, 70) && !is_of(&here, 71));
        assert!(is_user(&here) && !is_user(&waits) && !is_user(&gone));
    }

    #[test]
    fn a_boot_replaces_a_boot_alone_and_nothing_replaces_by_being_empty() {
        let (boot, down) = (Record::boot(b"6.1"), Record::shutdown(b"6.1"));
        let (old, new) = (encoded(&boot), encoded(&down));
        assert!(replaces(&old, &old) && replaces(&new, &new) && !replaces(&old, &new));
        assert!(!replaces(&[0; SIZE], &[0; SIZE]));
        assert_eq!((boot.line, boot.id, boot.user), (&b"~"[..], &b"~~"[..], &b"reboot"[..]));
        assert_eq!(down.user, b"shutdown");
        assert!(!is_of(&old, 0));
    }

    #[test]
    fn short_names_are_the_last_four_bytes() {
        for (line, short) in [("tty1", "tty1"), ("ttyS0", "tyS0"), ("pts/7", "ts/7"), ("a", "a")] {
            assert_eq!(id(line.as_bytes()), short.as_bytes());
        }
    }

    #[test]
    fn the_last_use_of_an_account_stands_at_its_number() {
        assert_eq!((LAST_LINE.0 + 32, LAST_HOST.0 + 256), (LAST_HOST.0, LAST_SIZE));
        let last = Last { seconds: 0x8000_0000, line: b"tty1", host: b"far" };
        assert_eq!(Last::decode(&last.encode()), last);
        assert_eq!(Last::offset(0), 0);
        assert_eq!(Last::offset(u32::MAX), 1_254_130_450_140);
        let long = [b'x'; 300];
        let cut = Last { line: &long, host: &long, ..last }.encode();
        assert_eq!(Last::decode(&cut).line, &long[..32]);
        assert_eq!(Last::decode(&cut).host, &long[..256]);
    }
}
