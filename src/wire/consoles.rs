//! The active consoles, as the kernel names them in /sys/class/tty/console/active, or as they
//! stand on its command line.

use heapless::Vec;

use super::names::{holds, place, take};

/// How much of their names is kept, in bytes: those of a dozen, each with a blank behind it. The
/// kernel has at most eight by its command line.
pub const BYTES_MAX: usize = 128;

/// What is no terminal that somebody sits at: no name, consoles that show nothing, and devices that
/// stand for other terminals or make new ones.
const SILENT: &[u8] = b" null ttynull ttynull0 tty ptmx console";

/// The terminals of the active consoles, with a blank behind each.
pub type List = Vec<u8, BYTES_MAX>;

/// Collects the terminals of those consoles on which somebody can log in. Where the kernel names
/// none, the words `console=` of its command line count. Whether all of them found room.
pub fn collect(
    active: &[u8],
    command_line: &[u8],
    is_there: &dyn Fn(&[u8]) -> bool,
    list: &mut List,
) -> bool {
    let mut rest = if active.is_empty() { command_line } else { active };
    while !rest.is_empty() {
        let mut word = take(&mut rest, b' ');
        if active.is_empty() {
            word = word.strip_prefix(b"console=").unwrap_or(b"");
        }
        let mut word = take(&mut word, b'\n');
        let name = take(&mut word, b',');
        let mut tty = name.strip_prefix(b"/dev/").unwrap_or(name);
        if tty == b"tty0" {
            // It stands for whichever virtual terminal is in front.
            tty = b"tty1";
        }
        let silent = place(SILENT, tty).or_else(|| place(list, tty));
        // The command line is somebody's to write: a path may lead anywhere.
        if silent.is_none() && !holds(tty, b'/') && is_there(tty) {
            if list.len() + tty.len() >= BYTES_MAX {
                return false;
            }
            let _ = list.extend_from_slice(tty);
            let _ = list.push(b' ');
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(active: &str, command_line: &str) -> (bool, String) {
        let mut list = List::new();
        let whole = collect(active.as_bytes(), command_line.as_bytes(), &|_| true, &mut list);
        (whole, String::from_utf8_lossy(&list).into_owned())
    }

    #[test]
    fn the_kernels_own_list_comes_first() {
        assert_eq!(collected("ttyS0\n", "console=tty0"), (true, "ttyS0 ".into()));
        assert_eq!(collected("tty0 ttyAMA0 hvc0\n", ""), (true, "tty1 ttyAMA0 hvc0 ".into()));
        assert_eq!(collected("tty0 tty1 ttynull0\n", "").1, "tty1 ");
        assert_eq!(collected("\n", "console=ttyS0").1, "");
    }

    #[test]
    fn the_command_line_helps_where_there_is_none() {
        let line = "root=/dev/sda console=tty0 quiet console=ttyS0,115200n8 consoleblank=0\n";
        assert_eq!(collected("", line).1, "tty1 ttyS0 ");
        assert_eq!(collected("", "console=/dev/hvc0 console=null console=").1, "hvc0 ");
        assert_eq!(collected("", "").1, "");
        assert_eq!(
            collected("", "console=../../x console=ptmx console=tty console=ttyS0").1,
            "ttyS0 "
        );
    }

    #[test]
    fn what_is_not_there_and_what_finds_no_room_is_left_out() {
        let mut list = List::new();
        assert!(collect(b"tty0 ttyS0", b"", &|name| name == b"ttyS0", &mut list));
        assert_eq!(&list[..], b"ttyS0 ");
        let many: String = (10..40).map(|n| format!("ttyS{n} ")).collect();
        let (whole, list) = collected(&many, "");
        assert!(!whole && list.len() <= BYTES_MAX && list.ends_with(' '));
    }
}
