//! The lines of /proc/mounts: what is mounted where, for the last umount. See proc(5).

use super::names::{place, take};

/// One mounted file system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mount<'a> {
    /// Where, with blanks and backslashes still escaped as `\040`.
    pub target: &'a [u8],
    /// The type of the file system.
    pub fs: &'a [u8],
}

/// What is to be done with it when the machine goes down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It shows the kernel's own data: there is nothing to save, and it may still be of use.
    Leave,
    /// It is unmounted, or made read-only where that is refused.
    Unmount,
    /// It cannot be unmounted and is made read-only.
    ReadOnly,
}

/// Parses one line.
pub fn parse(line: &[u8]) -> Option<Mount<'_>> {
    let mut rest = line;
    take(&mut rest, b' ');
    let target = take(&mut rest, b' ');
    let fs = take(&mut rest, b' ');
    if target.starts_with(b"/") { Some(Mount { target, fs }) } else { None }
}

/// What is to become of a mount.
pub fn fate(mount: Mount<'_>) -> Fate {
    if place(b"proc sysfs devtmpfs devpts rootfs", mount.fs).is_some() {
        Fate::Leave
    } else if mount.target == b"/" {
        Fate::ReadOnly
    } else {
        Fate::Unmount
    }
}

/// Writes the target as a path with a NUL behind it; nothing where it does not fit.
#[inline(never)] // There are two callers.
pub fn unescape<'a>(target: &[u8], out: &'a mut [u8]) -> Option<&'a [u8]> {
    let mut rest = target;
    let mut used = 0;
    while let Some((&byte, after)) = rest.split_first() {
        let (byte, after) = match escape(rest) {
            Some(byte) => (byte, rest.get(4..)?),
            None => (byte, after),
        };
        *out.get_mut(used)? = byte;
        used += 1;
        rest = after;
    }
    *out.get_mut(used)? = 0;
    out.get(..=used)
}

/// The byte that an escape of a backslash and three octal digits at the start stands for.
pub fn escape(text: &[u8]) -> Option<u8> {
    let digits = text.get(1..4).filter(|_| text.starts_with(b"\\"))?;
    u8::try_from(super::value::octal(digits)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_kernel_are_understood() {
        let m = parse(b"/dev/sda1 /mnt/a\\040b\\134c ext4 rw,relatime 0 0").unwrap();
        assert_eq!((m.target, m.fs), (&b"/mnt/a\\040b\\134c"[..], &b"ext4"[..]));
        let mut out = [1u8; 64];
        assert_eq!(unescape(m.target, &mut out), Some(&b"/mnt/a b\\c\0"[..]));
        assert_eq!(unescape(m.target, &mut [0; 10]), None);
        assert_eq!(parse(b"none none nothing rw"), None);
        assert_eq!(parse(b""), None);
    }

    #[test]
    fn a_stray_backslash_is_kept() {
        assert_eq!(unescape(b"/a\\04", &mut [0; 16]), Some(&b"/a\\04\0"[..]));
    }

    #[test]
    fn the_root_is_made_read_only_and_views_of_the_kernel_are_left() {
        let fate = |line: &str| fate(parse(line.as_bytes()).unwrap());
        assert_eq!(fate("/dev/root / ext4 rw"), Fate::ReadOnly);
        assert_eq!(fate("rootfs / rootfs rw"), Fate::Leave);
        assert_eq!(fate("proc /proc proc rw"), Fate::Leave);
        assert_eq!(fate("tmpfs /run tmpfs rw"), Fate::Unmount);
        assert_eq!(fate("/dev/sdb /mnt vfat rw"), Fate::Unmount);
    }
}
