//! What process 1 takes from the fstab of a machine, and what it leaves to `mount -a`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::guest::{Guest, boot_test, scratch, text};

/// Writes a file into the scratch folder and answers its path.
fn own(folder: &Path, name: &str, content: &str) -> String {
    fs::write(folder.join(name), content).unwrap();
    folder.join(name).to_str().unwrap().to_owned()
}

/// Boots with this fstab and an inittab that mounts nothing; what is mounted, and what was said.
fn look(test: &str, fstab: &str) -> (String, String) {
    let folder = scratch(test);
    let inittab = own(&folder, "inittab", "::sysinit:/bin/true\n");
    let fstab = format!("/etc/fstab={}", own(&folder, "fstab", fstab));
    let said = own(&folder, "serial.log", "");
    let options = ["--inittab", &inittab, "--add", &fstab, "--serial-log", &said];
    let line = "cat /proc/mounts; stat -c '%a %n' /run /run/lock/subsys";
    let output = boot_test(&options, &["sh", "-c", line]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    (text(&output.stdout), text(&fs::read(said).unwrap()))
}

/// The type and the options of what is mounted last on a folder.
fn mounted<'a>(mounts: &'a str, folder: &str) -> Option<(&'a str, Vec<&'a str>)> {
    let mut lines = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let line = lines.rfind(|fields| fields.len() == 6 && fields[1] == folder)?;
    Some((line[2], line[3].split(',').collect()))
}

const FSTAB: &str = "\
# what        where          type      how
/dev/root     /              auto      defaults                        1 1
proc          /proc          proc      defaults,hidepid=2              0 0
none          /sys           sysfs     ro                              0 0
tmpfs\t/run\ttmpfs\tmode=0750,noexec,size=2M,x-any=thing,dev\t0\t0
tmpfs         /dev/shm       tmpfs     nonsense=1                      0 0
scratch       /tmp           tmpfs     defaults,noatime,size=1M,nofail 0 0
tmpfs         /var/spool     tmpfs     defaults                        0 0
tmpfs         /mnt           tmpfs     noauto                          0 0
tmpfs         /home          tmpfs     nonsense=2                      0 0
tmpfs         /none          tmpfs     defaults                        0 0
/dev/vdz      /root          ext4      nofail                          0 0
tmpfs         /root          tmpfs     defaults                        0 0
tmpfs         /etc           tmpfs     defaults                        0 0
";

#[test]
fn what_lies_in_memory_is_mounted_as_the_fstab_says_and_the_rest_is_left() {
    let (seen, said) = look("fstab", FSTAB);
    let has = |place: &str, fs: &str, words: &[&str]| {
        let (kind, options) = mounted(&seen, place).unwrap_or_else(|| panic!("{place}: {seen}"));
        assert!(kind == fs && words.iter().all(|word| options.contains(word)), "{place}: {seen}");
    };
    // Their options come on top of ours, and win.
    has("/proc", "proc", &["rw", "nosuid", "nodev", "noexec", "hidepid=invisible"]);
    has("/sys", "sysfs", &["ro", "nosuid", "nodev", "noexec"]);
    has("/run", "tmpfs", &["nosuid", "noexec", "size=2048k", "mode=750"]);
    assert!(!mounted(&seen, "/run").unwrap().1.contains(&"nodev"), "{seen}");
    assert!(seen.contains("\n750 /run\n755 /run/lock/subsys\n"), "{seen}");
    has("/tmp", "tmpfs", &["rw", "noatime", "size=1024k"]);
    assert!(!mounted(&seen, "/tmp").unwrap().1.contains(&"nosuid"), "{seen}");
    // A line that will not go takes nothing away.
    has("/dev/shm", "tmpfs", &["nosuid", "nodev"]);
    for place in ["/dev/shm", "/home"] {
        let what = format!("do what /etc/fstab says of {place}");
        let line = format!("pidone: cannot {what}: Invalid argument; going on without");
        assert!(said.contains(&line), "no {line:?} in {said}");
    }
    // A `mount -a` of another kind would mount once more what goes by another name.
    assert!(seen.contains("\nnone /sys sysfs ") && seen.contains("\nscratch /tmp "), "{seen}");
    // A disk goes before what stands in for it, and process 1 is about to look into /etc.
    for place in ["/var/spool", "/mnt", "/home", "/none", "/root", "/etc"] {
        assert!(mounted(&seen, place).is_none(), "{place}: {seen}");
    }
}

/// An inittab that mounts nothing and unmounts everything.
const UNMOUNTING: &str = "\
console::respawn:/sbin/getty -L console 0 vt100
::restart:/sbin/init
::shutdown:/bin/umount -a -r
";

#[test]
fn a_link_is_not_followed_and_what_was_unmounted_comes_back_with_the_next_init() {
    let folder = scratch("linked");
    let line = "tmpfs /linked tmpfs\ntmpfs /tmp tmpfs size=1M\n";
    let fstab = format!("/etc/fstab={}", own(&folder, "fstab", line));
    let inittab = own(&folder, "inittab", UNMOUNTING);
    let mut guest = Guest::boot(&folder, &["--inittab", &inittab, "--add", &fstab]);
    guest.log_in();
    // Where the folder lies is a matter of other lines, which may not have been carried out yet.
    guest.shell("ln -s /root /linked; touch /tmp/once /run/once");
    guest.console.type_line("kill -QUIT 1");
    guest.log_in();
    let seen = guest.shell("cat /proc/mounts");
    for (place, how) in [("/tmp", "size=1024k"), ("/run", "rw")] {
        assert!(mounted(&seen, place).is_some_and(|(_, words)| words.contains(&how)), "{seen}");
    }
    assert!(mounted(&seen, "/root").is_none() && mounted(&seen, "/linked").is_none(), "{seen}");
    let seen = guest.shell("ls /tmp /run; initctl status");
    assert!(!seen.contains("once") && seen.contains("console"), "{seen}");
    // Where nothing takes its place the first process begins anew, and mounts anew.
    guest.shell("rm /etc/fstab; mkdir /etc/fstab; sed -i s,:/sbin/init,:/none, /etc/inittab");
    guest.console.type_line("kill -HUP 1; kill -QUIT 1");
    guest.log_in();
    guest.assert_log_has("nothing to take our place; starting over");
    guest.assert_log_has("cannot read /etc/fstab: Is a directory; going on without");
    let seen = guest.shell("cat /proc/mounts; initctl status");
    for place in ["/proc", "/sys", "/dev/pts", "/dev/shm", "/run"] {
        assert!(mounted(&seen, place).is_some(), "{place}: {seen}");
    }
    assert!(seen.contains("console up for "), "{seen}");
    guest.end_with("poweroff");
}

/// As a kernel leaves it that mounts /dev by itself before it starts the first process.
const MOUNTED_BEFORE: &str = "#!/bin/sh\nmount -t devtmpfs devtmpfs /dev\nexec /sbin/init\n";

#[test]
fn a_dev_that_the_kernel_has_mounted_gets_what_it_lacks() {
    let folder = scratch("dev");
    let inittab = own(&folder, "inittab", "::sysinit:/bin/true\n");
    let kernel = own(&folder, "kernel", MOUNTED_BEFORE);
    fs::set_permissions(&kernel, fs::Permissions::from_mode(0o755)).unwrap();
    let kernel = format!("/kernel={kernel}");
    let options = ["--inittab", &inittab, "--add", &kernel, "--append", "rdinit=/kernel"];
    let output = boot_test(&options, &["sh", "-c", "cat /proc/mounts; readlink /dev/fd"]);
    let seen = text(&output.stdout);
    for place in ["/dev/pts", "/dev/shm"] {
        assert!(mounted(&seen, place).is_some(), "{place}: {seen}");
    }
    assert!(seen.contains("\n/proc/self/fd\n"), "{seen}");
    assert_eq!(seen.matches(" /dev devtmpfs ").count(), 1, "{seen}");
}

#[test]
fn an_fstab_that_is_too_long_counts_as_far_as_its_lines_are_whole_and_it_is_said() {
    let mut fstab = "tmpfs /tmp tmpfs size=1M\n".to_owned();
    // The room of 4,096 bytes ends within the options of the last line.
    fstab.push_str(&"#".repeat(4096 - fstab.len() - 30));
    fstab.push_str("\ntmpfs /mnt tmpfs mode=0700,size=3M\n");
    let (seen, said) = look("long-fstab", &fstab);
    assert!(mounted(&seen, "/tmp").unwrap().1.contains(&"size=1024k"), "{seen}");
    assert!(mounted(&seen, "/mnt").is_none(), "{seen}");
    let line = "pidone: cannot read all of /etc/fstab: File too large; going on without";
    assert!(said.contains(line), "{said}");
}
