//! A console whose output somebody has redirected, which only a real machine has.

use std::fs;

use crate::guest::{boot_test, scratch, text};
use crate::support::tools;

/// Its bad lines are said to the console at each reload. No syslogd listens, so that the kernel's
/// log gets to have everything.
const INITTAB: &str = "::sysinit:/bin/mount -a\nbad\nbad\nbad\nbad\nbad\nbad\n";

/// After each reload process 1 has to answer. If it waited for each line, it would take longer than
/// the guest is given. Once somebody reads the console again, it says what it has lost. In the end
/// nobody does, and the machine has to go down all the same.
const RELOADS: &str = "mkdir /out
reload() { kill -HUP 1; until initctl status >/dev/null; do :; done; }
fill() {
    rm -f /out/go /out/log
    actor redirect </dev/null >/dev/null 2>&1 &
    until grep -s redirected /out/log; do usleep 50000; done
    for time in $(seq 100); do reload; done
    echo reloaded
}
fill
touch /out/go
until grep back /out/log; do usleep 50000; done
until dmesg | grep -q 'console: [0-9]* messages lost so far'; do reload; usleep 500000; done
fill
";

#[test]
fn a_console_that_is_redirected_to_a_terminal_that_nobody_reads_does_not_hold_process_1() {
    let folder = scratch("redirect");
    let (inittab, said) = (folder.join("inittab"), folder.join("serial.log"));
    fs::write(&inittab, INITTAB).unwrap();
    let actor = format!("/bin/actor={}", tools::actor().to_str().unwrap());
    let files = [inittab.to_str().unwrap(), actor.as_str(), said.to_str().unwrap()];
    let options = ["--inittab", files[0], "--add", files[1], "--serial-log", files[2]];
    let output = boot_test(&options, &["sh", "-c", RELOADS]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let full = "redirected\nreloaded\n";
    assert_eq!(text(&output.stdout), format!("{full}back\n{full}"));
    let said = text(&fs::read(said).unwrap());
    assert!(said.contains("pidone: console: "), "{said}");
}
