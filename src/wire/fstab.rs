//! The lines of /etc/fstab, of which process 1 heeds those for file systems in memory: they wait
//! for no disk and no network. See fstab(5) and mount(8).

use heapless::Vec;

use super::command::take_word;
use super::names::{begins, holds, place, take};

/// What file systems are told besides flags, in bytes with a NUL. Three times the longest one
/// seen; the kernel takes a page.
pub const DATA: usize = 256;

/// Options that are flags of mount(2), each at the place of its bit.
const SET: &[u8] =
    b"ro nosuid nodev noexec sync remount mand dirsync nosymfollow - noatime nodiratime";
/// Those that take a flag back.
const CLEAR: &[u8] = b"rw suid dev exec async - nomand - symfollow - atime diratime";
/// Flags further up, from this bit on.
const SET_HIGH: &[u8] = b"relatime - - strictatime lazytime";
const CLEAR_HIGH: &[u8] = b"norelatime - - nostrictatime nolazytime";
const HIGH: usize = 21;
/// What is said to programs alone.
const OTHERS: &[u8] = b"defaults auto noauto nofail user users nouser owner group _netdev";

/// One line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line<'a> {
    /// What, which is a mere name where it lies in memory.
    pub source: &'a [u8],
    /// Where, with blanks and backslashes still escaped as `\040`.
    pub target: &'a [u8],
    /// The type of the file system.
    pub fs: &'a [u8],
    /// How, in words with commas between them.
    pub options: &'a [u8],
}

/// The lines that say something.
pub fn lines(text: &[u8]) -> impl Iterator<Item = Line<'_>> {
    text.split(|&b| b == b'\n').filter_map(parse)
}

/// The lines for process 1 besides those for what it mounts in any case. Of several for one folder
/// the first one counts, as for `mount -a`: it may be for a disk.
pub fn early(text: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let first = |line: &Line<'_>| lines(text).find(|other| other.target == line.target);
    lines(text).filter(Line::is_early).filter(move |line| first(line) == Some(*line))
}

fn parse(line: &[u8]) -> Option<Line<'_>> {
    let mut rest = line.trim_ascii_end();
    let mut field = || take_word(&mut rest);
    let line = Line { source: field(), target: field(), fs: field(), options: field() };
    if begins(line.source, b'#') || line.fs.is_empty() { None } else { Some(line) }
}

impl Line<'_> {
    /// Whether it is one for process 1: a tmpfs on a folder of the root's own. What lies deeper may
    /// be meant for a disk that another line mounts before, and is left to `mount -a`; and so are
    /// folders that process 1 itself is about to look into.
    fn is_early(&self) -> bool {
        let name = self.target.strip_prefix(b"/").unwrap_or(b"");
        let is_shallow = !name.is_empty() && !holds(name, b'/');
        let is_ours = place(b"dev etc", name).is_some();
        self.fs == b"tmpfs" && is_shallow && !is_ours && !self.has(b"noauto")
    }

    fn has(&self, word: &[u8]) -> bool {
        self.options.split(|&b| b == b',').any(|option| option == word)
    }
}

/// How something is mounted.
pub struct How {
    /// The flags of mount(2).
    pub flags: u32,
    /// What the file system itself is told.
    pub data: Vec<u8, DATA>,
}

impl How {
    /// With these flags and nothing to tell.
    pub fn new(flags: u32) -> Self {
        How { flags, data: Vec::new() }
    }

    /// Takes in options, of which later ones win; nothing where there is no room.
    pub fn heed(&mut self, options: &[u8]) -> Option<()> {
        let mut rest = options;
        while !rest.is_empty() {
            let option = take(&mut rest, b',');
            if let Some(flag) = flag(SET, SET_HIGH, option) {
                self.flags |= flag;
            } else if let Some(flag) = flag(CLEAR, CLEAR_HIGH, option) {
                self.flags &= !flag;
            } else if !is_for_others(option) {
                self.tell(option)?;
            }
        }
        Some(())
    }

    fn tell(&mut self, option: &[u8]) -> Option<()> {
        if !self.data.is_empty() {
            self.data.push(b',').ok()?;
        }
        self.data.extend_from_slice(option).ok()
    }
}

fn flag(low: &[u8], high: &[u8], option: &[u8]) -> Option<u32> {
    let bit = place(low, option).or_else(|| Some(place(high, option)? + HIGH))?;
    1u32.checked_shl(bit as u32)
}

fn is_for_others(option: &[u8]) -> bool {
    let name = take(&mut { option }, b'=');
    let is_private = name.starts_with(b"x-") || name.starts_with(b"X-");
    name.is_empty() || is_private || name == b"comment" || place(OTHERS, name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heed(flags: u32, options: &str) -> (u32, String) {
        let mut how = How::new(flags);
        how.heed(options.as_bytes()).unwrap();
        (how.flags, String::from_utf8(how.data.to_vec()).unwrap())
    }

    #[test]
    fn fields_are_parted_by_blanks_and_tabs() {
        let text =
            b"# one\n\n \t tmpfs\t/tmp  tmpfs\t mode=1777,nosuid 0 0\r\n#a /b tmpfs c\nx /y\n\
            proc /proc proc";
        let line = |[source, target, fs, options]: [&'static str; 4]| Line {
            source: source.as_bytes(),
            target: target.as_bytes(),
            fs: fs.as_bytes(),
            options: options.as_bytes(),
        };
        let expected =
            [["tmpfs", "/tmp", "tmpfs", "mode=1777,nosuid"], ["proc", "/proc", "proc", ""]];
        assert!(lines(text).eq(expected.map(line)));
    }

    #[test]
    fn a_tmpfs_on_a_folder_of_the_root_is_early_and_nothing_else_is() {
        let is_early = |line: &str| lines(line.as_bytes()).next().unwrap().is_early();
        assert!(is_early("tmpfs /tmp tmpfs defaults 0 0"));
        assert!(is_early("none /var tmpfs"));
        for line in [
            "tmpfs /tmp tmpfs noauto",
            "tmpfs /tmp tmpfs size=1M,noauto",
            "tmpfs /var/volatile tmpfs defaults",
            "tmpfs /tmp/ tmpfs defaults",
            "tmpfs / tmpfs defaults",
            "tmpfs tmp tmpfs defaults",
            "/dev/sda1 /tmp ext4 defaults",
            "tmpfs /etc tmpfs defaults",
            "tmpfs /dev tmpfs defaults",
        ] {
            assert!(!is_early(line), "{line}");
        }
    }

    #[test]
    fn of_several_lines_for_a_folder_the_first_one_counts() {
        let text = b"/dev/sda1 /data ext4 nofail\ntmpfs /data tmpfs\n\
            tmpfs /tmp tmpfs size=1M\ntmpfs /tmp tmpfs size=2M\n#/dev/sda2 /srv ext4\n\
            tmpfs /srv tmpfs\n";
        let early = early(text).map(|line| (line.target, line.options));
        assert!(early.eq([(&b"/tmp"[..], &b"size=1M"[..]), (b"/srv", b"")]));
    }

    #[test]
    fn options_are_flags_or_words_for_the_file_system_and_later_ones_win() {
        assert_eq!(heed(0, ""), (0, String::new()));
        assert_eq!(heed(6, "defaults"), (6, String::new()));
        assert_eq!(heed(14, "exec,mode=755,ro"), (7, "mode=755".to_owned()));
        assert_eq!(heed(0, "noexec,noatime,exec"), (1024, String::new()));
        let flags = (1 << 21) | (1 << 24) | (1 << 25);
        assert_eq!(heed(0, "relatime,strictatime,lazytime"), (flags, String::new()));
        assert_eq!(heed(flags, "norelatime,nostrictatime,nolazytime"), (0, String::new()));
        let words = "nofail,,x-a.b=c,X-mount.mkdir,comment=d,size=10%,user,nr_inodes=5";
        assert_eq!(heed(0, words), (0, "size=10%,nr_inodes=5".to_owned()));
    }

    #[test]
    fn what_does_not_fit_is_not_cut() {
        let mut how = How::new(0);
        assert_eq!(how.heed("a".repeat(DATA).as_bytes()), Some(()));
        assert_eq!(how.heed(b"b"), None);
    }
}
