//! What stands in front of a message on its way to /dev/log, /dev/kmsg or the console.
//!
//! The priority is that of RFC 3164 §4.1.1: facility times eight plus severity. The time stamp
//! is left to the receiver, as §4.3.2 has it: an init knows neither the time zone nor, early in
//! a boot, the time.

use super::text::Line;

/// The severity of a message, by the numbers of RFC 3164.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Level {
    /// The machine is unusable without somebody's help.
    Critical = 2,
    /// Something failed.
    Error = 3,
    /// Something is not as it should be.
    Warning = 4,
    /// Something normal but worth knowing.
    Notice = 5,
    /// The course of things.
    Info = 6,
}

/// The facility of system daemons.
const DAEMON: u8 = 3;

/// Appends `<30>`, the priority of a level with the daemon facility.
pub fn priority(line: &mut Line, level: u8) {
    line.put(b"<").number(u64::from(DAEMON * 8 + (level & 7))).put(b">");
}

/// Appends what a datagram for syslog begins with: the priority, the tag and our number.
pub fn datagram(line: &mut Line, level: u8) {
    priority(line, level);
    line.put(b"pidone[1]: ");
}

/// Appends what a record for the kernel's log begins with.
pub fn record(line: &mut Line, level: u8) {
    priority(line, level);
    line.put(b"pidone: ");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_priority_is_facility_times_eight_plus_severity() {
        let mut line = Line::new();
        datagram(&mut line, Level::Info as u8);
        assert_eq!(line.as_bytes(), b"<30>pidone[1]: ");
        let mut line = Line::new();
        record(&mut line, Level::Critical as u8);
        assert_eq!(line.as_bytes(), b"<26>pidone: ");
    }
}
