//! Sessions: from getty through login to the shell, on the serial line and on the screen.

use crate::guest::{Guest, boot_test, scratch, text};

/// Types on the machine's own keyboard, by the hands of QEMU's monitor.
fn type_on_keyboard(guest: &mut Guest, keys: &str) {
    guest.console.type_bytes(b"\x01c\n");
    guest.console.expect("(qemu) ");
    for key in keys.chars() {
        let name = match key {
            '\n' => "ret".into(),
            ' ' => "spc".into(),
            letter => letter.to_string(),
        };
        guest.console.type_line(&format!("sendkey {name}"));
        guest.console.expect("(qemu) ");
    }
    // Back to the guest, and to a prompt of its shell.
    guest.console.type_bytes(b"\x01c\n");
    guest.console.expect("ready> ");
}

/// Waits until the first screen shows these words.
fn until_screen_shows(guest: &mut Guest, words: &str) {
    guest.shell(&format!("until fold -w 80 /dev/vcs1 | grep -q '{words}'; do usleep 50000; done"));
}

#[test]
fn root_is_asked_on_both_consoles_and_who_and_last_know_the_sessions() {
    let folder = scratch("sessions");
    let mut guest = Guest::boot(&folder, &[]);
    guest.log_in();
    let gettys = guest.shell("for p in $(pidof getty); do readlink /proc/$p/exe; done");
    assert!(gettys.contains("\n/sbin/init\n"), "the getty of tty1 is another one: {gettys}");
    until_screen_shows(&mut guest, "pidone demo, Linux 6.* on tty1");
    until_screen_shows(&mut guest, "pidone login: ");
    type_on_keyboard(&mut guest, "root\n");
    until_screen_shows(&mut guest, "Password: ");
    type_on_keyboard(&mut guest, "pidone\n");
    until_screen_shows(&mut guest, "root@pidone");
    let who = guest.shell("who");
    let count =
        |line: &str| who.lines().filter(|l| l.starts_with("root") && l.contains(line)).count();
    assert_eq!((count("tty1"), count("ttyS0")), (1, 1), "{who}");
    type_on_keyboard(&mut guest, "exit\n");
    guest.shell("while who | grep -q tty1; do usleep 50000; done");
    // BusyBox's last has no lengths, so the history goes to the host's.
    let history = guest.shell("hexdump -ve '1/1 \"%02x\"' /var/log/wtmp; echo");
    let history = history.lines().find(|line| line.len() >= 768).expect("two records or more");
    let bytes = history.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).unwrap());
    let bytes: Vec<u8> = bytes.map(|two| u8::from_str_radix(two, 16).unwrap()).collect();
    let wtmp = folder.join("wtmp");
    std::fs::write(&wtmp, bytes).unwrap();
    let last = std::process::Command::new("last").arg("-f").arg(&wtmp).output();
    let last = text(&last.expect("the Debian package util-linux brings last").stdout);
    let has = |words: &[&str]| last.lines().any(|line| words.iter().all(|w| line.contains(w)));
    assert!(has(&["root", "ttyS0", "still logged in"]), "{last}");
    assert!(has(&["root", "tty1", " - "]) && !has(&["root", "tty1", "still"]), "{last}");
    assert!(has(&["reboot", "system boot", "6."]), "{last}");
    guest.end_with("poweroff");
}

#[test]
fn a_job_is_stopped_taken_up_again_and_interrupted() {
    let mut guest = Guest::boot(&scratch("jobs"), &[]);
    guest.log_in();
    guest.console.type_line("echo sle''eps; sleep 100");
    guest.console.expect("sleeps");
    guest.console.type_bytes(b"\x1a");
    let seen = guest.console.expect("ready> ");
    assert!(seen.contains("Stopped"), "{seen}");
    guest.console.type_line("fg");
    guest.console.expect("sleep 100");
    guest.console.type_bytes(b"\x03");
    guest.console.expect("ready> ");
    let seen = guest.shell("jobs; echo no''ne");
    assert!(!seen.contains("sleep 100"), "{seen}");
    guest.console.type_line("exit");
    guest.log_in();
    guest.end_with("poweroff");
}

/// Waits until a getty has this terminal, or until none has.
fn until(word: &str, tty: &str) -> String {
    let has = format!("ls -l /proc/[0-9]*/fd/0 2>/dev/null | grep -q '/dev/{tty}$'");
    format!("{word} {has}; do usleep 50000; done")
}

#[test]
fn new_active_consoles_get_their_line_and_old_ones_lose_it() {
    let inittab = scratch("consoles").join("inittab");
    std::fs::write(&inittab, "@console:name=con:respawn:/sbin/getty -L 0 - vt100\n").unwrap();
    let list = "cat /sys/class/tty/console/active";
    let script = [
        &until("until", "ttyS0"),
        &until("until", "tty1"),
        list,
        // The kernel lets go of a console, and takes it back.
        "kept=$(pidof getty); echo N >/sys/class/tty/ttyS0/console",
        &until("while", "ttyS0"),
        list,
        "for p in $kept; do [ ! -e /proc/$p ] || echo unchanged; done",
        "echo Y >/sys/class/tty/ttyS0/console",
        &until("until", "ttyS0"),
        list,
    ];
    let options = ["--inittab", inittab.to_str().unwrap(), "--append", "console=tty0"];
    let output = boot_test(&options, &["sh", "-c", &script.join("\n")]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let seen = text(&output.stdout);
    let mut lines = seen.lines();
    let mut is_both = || lines.next().is_some_and(|l| l.contains("tty0") && l.contains("ttyS0"));
    assert!(is_both(), "{seen}");
    assert_eq!(lines.next(), Some("tty0"), "{seen}");
    assert_eq!(lines.next(), Some("unchanged"), "{seen}");
    assert!(lines.next().is_some_and(|l| l.contains("ttyS0")), "{seen}");
}
