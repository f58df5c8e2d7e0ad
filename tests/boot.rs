//! Boot tests: the real binary on a real kernel in QEMU, driven as a person would, by its console.
//!
//! Every boot goes through `qemu/run`, so these tests hold that script to its promises as well.
//! `PIDONE_BOOT_INIT=FILE` puts another init under the same tests, for a comparison.

#[path = "boot/console.rs"]
mod console;
#[path = "boot/fstab.rs"]
mod fstab;
#[path = "boot/guest.rs"]
mod guest;
#[path = "boot/logins.rs"]
mod logins;
#[path = "boot/memory.rs"]
mod memory;
#[path = "boot/redirect.rs"]
mod redirect;
#[path = "boot/sessions.rs"]
mod sessions;
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use guest::{Guest, boot_test, qemu_run, repository, scratch, text};

#[test]
fn root_logs_in_on_the_serial_console_and_powers_off() {
    let mut guest = Guest::boot(&scratch("poweroff"), &[]);
    guest.log_in();
    assert!(guest.shell("echo $((6 * 7)) on $(tty)").contains("42 on /dev/ttyS0"));
    assert!(guest.shell("echo PID 1 is $(readlink /proc/1/exe)").contains("PID 1 is /sbin/init"));
    // Job control needs the line as controlling terminal: an interrupt must reach the sleep.
    // Who says that it sleeps is the job itself, which is in the foreground by then.
    guest.console.type_line("sh -c 'echo going to sl\"\"eep; exec sleep 1000000'");
    guest.console.expect("going to sleep");
    guest.console.type_bytes(b"\x03");
    guest.console.expect("ready> ");
    let seen = guest.shell("ps | grep -c '[s]leep 1000000'; echo cou''nted");
    assert!(seen.contains("\n0\ncounted"), "the sleep outlived an interrupt: {seen}");
    guest.end_with("poweroff");
    guest.assert_log_has("reboot: Power down");
}

#[test]
fn the_login_comes_back_after_a_logout_and_the_next_shell_reboots_the_machine() {
    let mut guest = Guest::boot(&scratch("reboot"), &[]);
    guest.log_in();
    guest.console.type_line("exit");
    guest.log_in();
    guest.end_with("reboot");
    guest.assert_log_has("reboot: Restarting system");
}

#[test]
fn a_shell_halts_the_machine() {
    let mut guest = Guest::boot(&scratch("halt"), &[]);
    guest.log_in();
    guest.console.type_line("halt");
    guest.console.expect("reboot: System halted");
    // A halted machine stays on, so QEMU is ended by its own keys, as the script promises.
    guest.console.type_bytes(b"\x01x");
    guest.assert_qemu_ends();
}

#[test]
fn ctrl_alt_del_on_the_keyboard_reboots_the_machine() {
    let mut guest = Guest::boot(&scratch("keyboard"), &[]);
    guest.console.expect("pidone login: ");
    // The keys Ctrl-A C bring up QEMU's monitor, which has hands for the keyboard.
    guest.console.type_bytes(b"\x01c\n");
    guest.console.expect("(qemu) ");
    guest.end_with("sendkey ctrl-alt-delete");
    guest.assert_log_has("reboot: Restarting system");
}

#[test]
fn the_kernel_word_single_brings_a_shell_and_no_login() {
    let mut guest = Guest::boot(&scratch("single"), &["--append", "single"]);
    let before = guest.console.expect("# ");
    assert!(!before.contains("login: "), "a login in single-user mode: {before}");
    guest.name_prompt();
    assert!(guest.shell("echo I am $(id -un)").contains("I am root"));
    guest.end_with("poweroff");
    guest.assert_log_has("reboot: Power down");
}

/// Runs a tool of e2fsprogs, which stands in a folder that not every PATH has.
fn e2fs(tool: &str, arguments: &[&str], image: &Path) -> Output {
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap());
    Command::new("/usr/bin/env")
        .args([format!("PATH={path}").as_str(), "LC_ALL=C"])
        .arg(tool)
        .args(arguments)
        .arg(image)
        .output()
        .unwrap()
}

/// Holds a disk to having been unmounted, or made read-only.
fn assert_clean(image: &Path) {
    let check = e2fs("e2fsck", &["-n", "-f"], image);
    assert!(check.status.success(), "e2fsck: {}{}", text(&check.stdout), text(&check.stderr));
    // e2fsck -n leaves a journal alone, so that the state has to be looked at as well.
    let header = text(&e2fs("dumpe2fs", &["-h"], image).stdout);
    assert!(header.contains("Filesystem features:"), "no header of a disk: {header}");
    assert!(!header.contains("needs_recovery"), "the disk was never unmounted:\n{header}");
}

#[test]
fn a_disk_is_clean_after_poweroff_and_has_what_a_slow_process_wrote_at_its_end() {
    let folder = scratch("disk");
    let image = folder.join("root.ext4");
    let mut guest = Guest::boot(&folder, &["--keep-disk", image.to_str().unwrap()]);
    guest.log_in();
    guest.shell("echo kept >/kept");
    // As a database would, it keeps its file open and needs time for the last of its writes. A
    // session of its own takes it out of the getty's reach: it is an orphan that nobody manages.
    guest.shell(concat!(
        "setsid sh -c 'trap \"sleep 2; echo ended >&3; exit\" TERM; exec 3>/ledger; ",
        "echo opened >&3; while :; do sleep 1; done' </dev/null >/dev/null 2>&1 &",
    ));
    guest.shell("until grep -q opened /ledger; do sleep 0.1; done");
    guest.end_with("poweroff");
    guest.assert_log_has("reboot: Power down");

    assert_clean(&image);
    let kept = e2fs("debugfs", &["-R", "cat /kept"], &image);
    assert_eq!(text(&kept.stdout), "kept\n");
    let ledger = e2fs("debugfs", &["-R", "cat /ledger"], &image);
    assert_eq!(text(&ledger.stdout), "opened\nended\n", "the process was not given its time");
}

/// Fills the machine up, of which the kernel's own threads alone are more, and ends it.
const CROWDED: &str = "\
::sysinit:/bin/mount -o remount,rw /
::once:sh -c 'echo kept >/kept; echo 20 >/proc/sys/kernel/threads-max; kill -USR2 1'
";

#[test]
fn a_disk_is_clean_after_poweroff_where_nothing_can_be_started_any_more() {
    let folder = scratch("crowded");
    let (image, inittab) = (folder.join("root.ext4"), folder.join("inittab"));
    fs::write(&inittab, CROWDED).unwrap();
    let files = ["--keep-disk", image.to_str().unwrap(), "--inittab", inittab.to_str().unwrap()];
    let mut guest = Guest::boot(&folder, &files);
    guest.assert_qemu_ends();
    guest.assert_log_has("unmounting: cannot fork: Resource temporarily unavailable");
    assert_clean(&image);
    let kept = e2fs("debugfs", &["-R", "cat /kept"], &image);
    assert_eq!(text(&kept.stdout), "kept\n");
}

/// The demo's disk, changed by these words of debugfs.
fn changed_disk(folder: &Path, words: &[&str]) -> PathBuf {
    let image = folder.join("root.ext4");
    let made =
        qemu_run().args(["--image-only", "--keep-disk", image.to_str().unwrap()]).output().unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    for word in words {
        e2fs("debugfs", &["-w", "-R", word], &image);
    }
    image
}

#[test]
fn a_root_without_a_folder_for_proc_is_clean_after_poweroff() {
    let folder = scratch("noproc");
    let image = changed_disk(&folder, &["rmdir /proc"]);
    let mut guest = Guest::boot(&folder, &["--use-disk", image.to_str().unwrap()]);
    guest.log_in();
    assert!(guest.shell("ls -d /proc").contains("No such file"));
    guest.shell("echo kept >/kept");
    guest.end_with("kill -USR2 1");
    guest.assert_log_has("reboot: Power down");
    assert_clean(&image);
}

#[test]
fn without_an_inittab_and_without_a_shell_every_console_has_it_and_the_machine_reboots() {
    let folder = scratch("bare");
    let image = changed_disk(&folder, &["rm /etc/inittab", "rm /bin/sh"]);
    // Of two consoles the last one is /dev/console; only through the kernel is the other reached.
    let options = ["--use-disk", image.to_str().unwrap(), "--append", "console=tty0"];
    let mut guest = Guest::boot(&folder, &options);
    let said = "] pidone: inittab: there is none, and no /bin/sh; nothing can be run";
    guest.console.expect(said);
    guest.console.expect("activate this console");
    guest.console.type_bytes(b"\x01c\n");
    guest.console.expect("(qemu) ");
    guest.end_with("sendkey ctrl-alt-delete");
    guest.assert_log_has("reboot: Restarting system");
    assert_clean(&image);
}

/// An inittab that leaves to process 1 whatever it does by itself.
fn bare_inittab(folder: &Path) -> String {
    let inittab = folder.join("inittab");
    fs::write(&inittab, "::sysinit:/bin/mount -a\n").unwrap();
    inittab.to_str().unwrap().to_owned()
}

/// Two hundred mounts whose lines take more than a piece of the list, each with another mount on
/// it that stands behind them all, and at the end a disk.
const MANY_MOUNTS: &str = "set -e
name=$(printf %0200d 0)
mkdir -p /run/$name; cd /run/$name
for i in $(seq 200); do mkdir $i; mount -t tmpfs none $i; mkdir $i/on; done
for i in $(seq 200); do mount -t tmpfs none $i/on; done
mount -t ext4 /dev/nvme1n1 /mnt
echo kept >/mnt/kept
wc -c </proc/mounts";

#[test]
fn a_disk_that_stands_far_down_in_the_list_of_mounts_is_clean_after_poweroff() {
    let folder = scratch("mounts");
    let image = folder.join("two.ext4");
    let size = image.to_str().unwrap();
    let made = Command::new("truncate").args(["-s", "16M", size]).status().unwrap();
    assert!(made.success() && e2fs("mke2fs", &["-q", "-t", "ext4"], &image).status.success());
    let drive = format!("-drive file={size},format=raw,if=none,id=two");
    let device = "-device nvme,drive=two,serial=two";
    let inittab = bare_inittab(&folder);
    let options = ["--inittab", &inittab, "--disk", "--qemu", &drive, "--qemu", device];
    let output = boot_test(&options, &["sh", "-c", MANY_MOUNTS]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let length: usize = text(&output.stdout).trim().parse().unwrap();
    assert!(length > 3 * 32 * 1024, "the list of mounts has only {length} bytes");
    assert_clean(&image);
}

/// The `--inittab` option for one of the inittabs in tests/data.
fn wild_inittab(distribution: &str) -> String {
    repository("tests/data").join(format!("{distribution}.inittab")).to_str().unwrap().to_owned()
}

/// An `--add` option that puts a stand-in from tests/data where a distribution has its program.
fn stand_in(guest: &str, name: &str) -> String {
    format!("{guest}={}", repository("tests/data").join(name).to_str().unwrap())
}

/// A line of shell that waits until gettys have exactly these terminals open.
fn until_gettys_hold(terminals: &str) -> String {
    let held = "for pid in $(pidof getty); do readlink /proc/$pid/fd/0; done | sort | xargs";
    format!("until [ \"$({held})\" = '{terminals}' ]; do sleep 0.2; done")
}

#[test]
fn the_default_inittab_of_buildroot_boots_to_its_gettys() {
    let inittab = wild_inittab("buildroot");
    let mut guest = Guest::boot(&scratch("buildroot"), &["--inittab", &inittab]);
    guest.log_in();
    // The getty of the console has become the shell that reads this.
    guest.shell(&until_gettys_hold("/dev/tty1"));
    let seen = guest.shell("readlink /dev/stderr; ls -d /run/lock/subsys; hostname");
    for words in ["\n/proc/self/fd/2\n", "\n/run/lock/subsys\n", "\npidone\n"] {
        assert!(seen.contains(words), "no {words:?} in {seen}");
    }
    guest.end_with("poweroff");
    guest.assert_log_has("reboot: Power down");
}

#[test]
fn the_default_inittab_of_yocto_boots_to_its_gettys() {
    let inittab = wild_inittab("yocto");
    let ttyrun = stand_in("/usr/sbin/ttyrun", "ttyrun");
    let mut guest = Guest::boot(&scratch("yocto"), &["--inittab", &inittab, "--add", &ttyrun]);
    guest.log_in();
    guest.shell(&until_gettys_hold("/dev/tty1"));
    assert!(guest.shell("echo on $(tty)").contains("on /dev/ttyS0"));
    let mounts = guest.shell("cut -d ' ' -f 2 /proc/mounts | xargs");
    for folder in ["/proc", "/sys", "/dev", "/dev/pts"] {
        assert!(mounts.split_whitespace().any(|word| word == folder), "no {folder} in {mounts}");
    }
    guest.end_with("reboot");
    guest.assert_log_has("reboot: Restarting system");
}

#[test]
fn the_default_inittab_of_alpine_boots_to_its_gettys() {
    let inittab = wild_inittab("alpine");
    let openrc = stand_in("/sbin/openrc", "openrc");
    let gettys = until_gettys_hold("/dev/tty1 /dev/tty2 /dev/tty3 /dev/tty4 /dev/tty5 /dev/tty6");
    // Its gettys stand on screens only, so that a boot test has to look at them from within.
    let output = boot_test(
        &["--inittab", &inittab, "--add", &openrc],
        &["sh", "-c", &format!("{gettys}; cat /etc/openrc.record")],
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "sysinit\nboot\ndefault\n");
}

#[test]
fn a_commands_words_and_output_pass_through_the_guest_unchanged() {
    let folder = scratch("bytes");
    let bytes: Vec<u8> = (0..70_000u32).map(|index| (index * 7 % 256) as u8).collect();
    let host = folder.join("with, comma");
    fs::write(&host, &bytes).unwrap();
    let words =
        ["a  b", "it's", "\"q\"", "two\nlines", "#no:comment", "$HOME", "*", "", "\\n", "ö", "-n"];
    let mut command = vec!["sh", "-c", "cat /bytes; printf '%s\\0' \"$@\"; cat /bytes >&2", "sh"];
    command.extend(words);
    let output = boot_test(&["--add", &format!("/bytes={}", host.to_str().unwrap())], &command);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let mut expected = bytes.clone();
    for word in words {
        expected.extend(word.as_bytes());
        expected.push(0);
    }
    assert!(output.stdout == expected, "standard output: {}", text(&output.stdout));
    assert!(output.stderr == bytes, "standard error: {}", text(&output.stderr));
}

#[test]
fn a_fifo_that_is_called_etc_hostname_does_not_hold_the_boot() {
    let folder = scratch("fifo");
    let fifo = folder.join("hostname");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let added = format!("/etc/hostname={}", fifo.to_str().unwrap());
    let inittab = bare_inittab(&folder);
    let options = ["--inittab", &inittab, "--add", &added];
    let output = boot_test(&options, &["test", "-p", "/etc/hostname"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn a_commands_status_becomes_the_status_of_the_boot_test() {
    let output = boot_test(&["--disk"], &["sh", "-c", "echo out; echo err >&2; exit 7"]);
    assert_eq!(output.status.code(), Some(7), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "out\n");
    assert_eq!(text(&output.stderr), "err\n");
}

#[test]
fn a_commands_death_by_signal_becomes_128_and_its_number() {
    let output = boot_test(&[], &["sh", "-c", "kill -TERM $$"]);
    assert_eq!(output.status.code(), Some(128 + 15), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn a_guest_whose_init_dies_is_reported_with_its_panic() {
    let output = boot_test(&["--append", "rdinit=/bin/true"], &["true"]);
    assert_eq!(output.status.code(), Some(125));
    assert!(text(&output.stderr).contains("Kernel panic"), "{}", text(&output.stderr));
}

#[test]
fn a_guest_that_never_reports_is_given_up() {
    let output = boot_test(&["--timeout", "3"], &["sleep", "1000000"]);
    assert_eq!(output.status.code(), Some(125));
    assert!(text(&output.stderr).contains("no status within 3 s"), "{}", text(&output.stderr));
}

#[test]
fn a_guest_without_memory_for_its_kernel_is_reported_as_one_that_said_nothing() {
    let output = boot_test(&["--memory", "32"], &["true"]);
    assert_eq!(output.status.code(), Some(125));
    let said = text(&output.stderr);
    assert!(said.contains("its console said nothing") && said.contains("--memory"), "{said}");
}

#[test]
fn what_cannot_be_run_is_refused_before_any_boot() {
    let cases: [(&[&str], i32, &str); 8] = [
        (&["--frobnicate"], 100, "unknown option: --frobnicate"),
        (&["--memory", "lots"], 100, "--memory is a number of MiB: lots"),
        (&["--"], 100, "no command after --"),
        (&["--kernel", "", "--", "true"], 100, "--kernel needs a value"),
        (&["--timeout", "--", "true"], 100, "--timeout needs a value"),
        (&["--use-disk", "x", "--", "true"], 100, "--use-disk boots an image as it is"),
        (&["--kernel", "/does/not/exist", "--", "true"], 111, "cannot read /does/not/exist"),
        (&["--add", "/x=/does/not/exist", "--", "true"], 111, "cannot add /does/not/exist"),
    ];
    for (words, status, message) in cases {
        let output = qemu_run().args(words).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{words:?}: {said}");
        assert!(said.contains(message), "{words:?}: {said}");
    }
}
