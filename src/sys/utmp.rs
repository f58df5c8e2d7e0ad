//! The files utmp and wtmp: one record written into each, where the file exists.
//!
//! Nothing here waits for a lock: a record is written by one call into the place that is ours by
//! its name, or behind the last one. The files may lie on a disk, though, so process 1 leaves this
//! to a child.

use core::ffi::CStr;

pub use pidone::wire::utmp::Record;
use pidone::wire::utmp::{self, Bytes, SIZE, is_alive, is_of, is_user, replaces};
use syscalls::{Sysno, raw_syscall};

use super::fd::{self, Fd};
use super::kernel::{Result, outcome};

const UTMP: &CStr = c"/var/run/utmp";
/// Where there is no /var/run.
const UTMP_TOO: &CStr = c"/run/utmp";
const WTMP: &CStr = c"/var/log/wtmp";

/// So many places of utmp are looked at: terminals and a few records of the system, ten times
/// what a busy machine has. Whoever has a device for a utmp does not hold us for ever.
const PLACES_MAX: u64 = 4096;

const BOTH: u32 = fd::READ_WRITE | fd::NO_WAIT | fd::CLOSE_ON_EXEC | fd::NO_CONTROL;
const AT_END: u32 = fd::WRITE | fd::APPEND | fd::NO_WAIT | fd::CLOSE_ON_EXEC | fd::NO_CONTROL;

/// Writes a record of this moment into utmp, in the place of the one it follows, and behind the
/// last one of wtmp.
pub fn put(record: &Record<'_>) {
    let mut bytes = [0; SIZE];
    let (seconds, micros) = now();
    record.at(seconds, micros).encode(&mut bytes);
    let (utmp, path) = utmp();
    let mut old = [0; SIZE];
    match find(&utmp, &mut |old| replaces(&bytes, old), &mut old) {
        Some(place) => {
            write_at(&utmp, &bytes, place * SIZE as u64);
            if is_alive(&old) && !is_of(&old, record.pid) {
                // A session begins before anybody has written down that the last one has ended.
                utmp::bury(&mut old, (0, 0), (record.seconds, record.micros));
                append(WTMP, &old);
            }
        }
        None => append(path, &bytes),
    }
    append(WTMP, &bytes);
}

/// Writes into both files that a process has ended, if it has a record.
pub fn bury(pid: i32, signal: u8, code: u8) {
    let (utmp, _) = utmp();
    let mut bytes = [0; SIZE];
    if let Some(place) = find(&utmp, &mut |record| is_of(record, pid), &mut bytes) {
        utmp::bury(&mut bytes, (signal, code), now());
        write_at(&utmp, &bytes, place * SIZE as u64);
        append(WTMP, &bytes);
    }
}

/// How many are logged in.
pub fn users() -> u32 {
    let mut count = 0;
    let mut count_one = |record: &Bytes| {
        count += u32::from(is_user(record));
        false
    };
    find(&utmp().0, &mut count_one, &mut [0; SIZE]);
    count
}

/// The time for a record: seconds since 1970, and microseconds.
pub fn now() -> (u32, u32) {
    let mut time = [0u64; 2];
    // SAFETY: clock_gettime writes two numbers of 64 bits.
    unsafe { raw_syscall!(Sysno::clock_gettime, 0, &raw mut time) };
    (time[0] as u32, time[1] as u32 / 1000)
}

fn utmp() -> (Fd, &'static CStr) {
    let usual = Fd::open(UTMP, BOTH);
    if usual.is_open() { (usual, UTMP) } else { (Fd::open(UTMP_TOO, BOTH), UTMP_TOO) }
}

/// The place of the first record that is wanted, which is left in the buffer.
fn find(file: &Fd, wanted: &mut dyn FnMut(&Bytes) -> bool, room: &mut Bytes) -> Option<u64> {
    for place in 0..PLACES_MAX {
        if fd::read(file.raw(), room) != Ok(SIZE as u32) {
            return None;
        }
        if wanted(room) {
            return Some(place);
        }
    }
    None
}

/// Writes behind the last record. A file that ends within a record was torn; what is torn is
/// overwritten, so that every later record can be read.
fn append(path: &CStr, bytes: &Bytes) {
    let file = Fd::open(path, AT_END);
    let torn = end(&file).map_or(0, |end| end % SIZE as u64);
    if torn == 0 {
        let _ = fd::write(file.raw(), bytes);
    } else if let Some(end) = end(&file) {
        write_at(&Fd::open(path, BOTH), bytes, end - torn);
    }
}

/// How long a file is, if it has a length.
fn end(file: &Fd) -> Option<u64> {
    const SEEK_END: usize = 2;
    // SAFETY: lseek takes numbers.
    let end = unsafe { raw_syscall!(Sysno::lseek, file.raw(), 0, SEEK_END) };
    super::kernel::is_fine(end).then_some(end as u64)
}

/// Writes at a place of a file.
pub fn write_at(file: &Fd, bytes: &[u8], at: u64) {
    let (from, len) = (bytes.as_ptr(), bytes.len());
    // SAFETY: the kernel reads that many bytes.
    let _: Result<u32> =
        outcome(unsafe { raw_syscall!(Sysno::pwrite64, file.raw(), from, len, at) });
}
