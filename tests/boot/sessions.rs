//! Sessions: from getty through login to the shell, on the serial line and on the screen.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::console::PATIENCE;
use crate::guest::{Guest, boot_test, repository, scratch, text};
use crate::support::wait::{came_true, came_true_within};
use crate::support::{sys, tools};

/// Types on the machine's own keyboard, by the hands of QEMU's monitor.
fn type_on_keyboard(guest: &mut Guest, keys: &str) {
    for key in keys.chars() {
        guest.console.type_bytes(b"\x01c\n");
        guest.console.expect("(qemu) ");
        let name = match key {
            '\n' => "ret".into(),
            ' ' => "spc".into(),
            letter => letter.to_string(),
        };
        guest.console.type_line(&format!("sendkey {name}"));
        guest.console.expect("(qemu) ");
        // Back to the guest, and to a prompt of its shell. The keyboard keeps few keys for a guest
        // that has no time for them, and one that prompts has had it.
        guest.console.type_bytes(b"\x01c\n");
        guest.console.expect("ready> ");
    }
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
    until_screen_shows(&mut guest, "pidone demo, Linux [0-9].* on tty1");
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
    if tools::has_last() {
        assert_last_knows(&mut guest, &folder.join("wtmp"));
    }
    guest.end_with("poweroff");
}

/// BusyBox's last has no lengths, so the history goes to the host's.
fn assert_last_knows(guest: &mut Guest, wtmp: &Path) {
    let history = guest.shell("hexdump -ve '1/1 \"%02x\"' /var/log/wtmp; echo");
    let history = history.lines().find(|line| line.len() >= 768).expect("two records or more");
    let bytes = history.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).unwrap());
    let bytes: Vec<u8> = bytes.map(|two| u8::from_str_radix(two, 16).unwrap()).collect();
    std::fs::write(wtmp, bytes).unwrap();
    let last = || {
        let mut command = std::process::Command::new("last");
        text(&sys::output(command.env("LC_ALL", "C").arg("-f").arg(wtmp)).stdout)
    };
    // What has ended within the present second still runs, as last sees it.
    let runs = |line: &str| line.contains("tty1") && line.contains("still running");
    came_true(|| !last().lines().any(runs));
    let last = last();
    let has = |words: &[&str]| last.lines().any(|line| words.iter().all(|w| line.contains(w)));
    assert!(has(&["root", "ttyS0", "still logged in"]), "{last}");
    assert!(has(&["root", "tty1", " - "]) && !has(&["root", "tty1", "still"]), "{last}");
    let release = guest.shell("uname -r | cut -d . -f 1");
    let major = release.lines().nth(1).unwrap().to_owned() + ".";
    assert!(has(&["reboot", "system boot", &major]), "{last}");
}

#[test]
fn a_job_is_stopped_taken_up_again_and_interrupted() {
    let mut guest = Guest::boot(&scratch("jobs"), &[]);
    guest.log_in();
    // Who says it is the job itself, which is in the foreground by then.
    let job = "trap \"echo wa\"\"kes\" CONT; echo sle\"\"eps; while :; do sleep 1; done";
    guest.console.type_line(&format!("sh -c '{job}'"));
    guest.console.expect("sleeps");
    guest.console.type_bytes(b"\x1a");
    let seen = guest.console.expect("ready> ");
    assert!(seen.contains("Stopped"), "{seen}");
    guest.console.type_line("fg");
    guest.console.expect("wakes");
    guest.console.type_bytes(b"\x03");
    guest.console.expect("ready> ");
    let seen = guest.shell("jobs; ps | grep '[s]leep 1$'; echo no''ne");
    assert!(!seen.contains("sleep 1") && seen.contains("\nnone\n"), "{seen}");
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
        // One that has let go of its terminal may not be quite gone yet.
        "left() { for p in $kept; do [ ! -e /proc/$p ] || echo unchanged; done; }",
        "until [ \"$(left | wc -l)\" -lt 2 ]; do usleep 50000; done; left",
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

#[test]
fn a_board_without_an_inittab_has_its_shell_on_each_console() {
    // The console of init itself is the last one, so that of the serial line comes by its name.
    let mut guest = Guest::boot(&scratch("board"), &["--append", "console=tty0"]);
    guest.log_in();
    guest.console.type_line("rm /etc/inittab; kill -QUIT 1");
    guest.console.expect("Please press Enter to activate this console.");
    guest.console.type_bytes(b"\n");
    guest.console.expect("# ");
    guest.name_prompt();
    assert!(guest.shell("echo on $(tty)").contains("on /dev/ttyS0"));
    guest.shell(&until("until", "tty1"));
    guest.end_with("poweroff -f");
}

#[test]
fn a_real_line_has_breaks_and_parity() {
    let folder = scratch("line");
    // The name of a socket has room for 107 bytes only, and QEMU's arguments are split at blanks.
    let socket = std::env::temp_dir().join(format!("pidone-line-{}", std::process::id()));
    let inittab = folder.join("inittab");
    let demo = std::fs::read_to_string(repository("rootfs/etc/inittab")).unwrap();
    let line = "ttyS1:delay=0:respawn:/sbin/getty -L 9600,1200 ttyS1 vt100\n";
    std::fs::write(&inittab, demo + line).unwrap();
    let device = format!(
        "-chardev socket,id=far,path={},server=on,wait=off -device isa-serial,chardev=far,index=1",
        socket.display()
    );
    let options = ["--inittab", inittab.to_str().unwrap(), "--qemu", &device];
    let mut guest = Guest::boot(&folder, &options);
    // Somebody is there from the beginning, so that the greeting is not lost.
    let mut far = Far::reach(&socket);
    guest.log_in();
    far.expect("pidone login: ");
    assert!(guest.shell("stty -F /dev/ttyS1").contains("speed 9600"));
    // The keys Ctrl-A C bring up QEMU's monitor, which can send a BREAK.
    guest.console.type_bytes(b"\x01c\n");
    guest.console.expect("(qemu) ");
    guest.console.type_line("chardev-send-break far");
    far.expect("pidone login: ");
    guest.console.type_bytes(b"\x01c\n");
    guest.console.expect("ready> ");
    assert!(guest.shell("stty -F /dev/ttyS1").contains("speed 1200"));
    let even = |&byte: &u8| byte | ((byte.count_ones() as u8 & 1) << 7);
    let keys: Vec<u8> = b"root\r".iter().map(even).collect();
    far.0.write_all(&keys).unwrap();
    far.expect("Password: ");
    let settings = guest.shell("stty -a -F /dev/ttyS1");
    for word in ["\nparenb -parodd ", " cs7 "] {
        assert!(settings.contains(word), "no {word:?} in {settings}");
    }
    guest.end_with("poweroff");
    let _ = std::fs::remove_file(&socket);
}

/// The far end of a serial line.
struct Far(UnixStream);

impl Far {
    /// The line whose socket this is, as soon as QEMU has made it.
    fn reach(socket: &Path) -> Far {
        let mut line = None;
        came_true_within(PATIENCE, || {
            line = UnixStream::connect(socket).ok();
            line.is_some()
        });
        Far(line.expect("QEMU makes a socket"))
    }

    /// Waits for words, whose eighth bits do not count.
    fn expect(&mut self, words: &str) {
        self.0.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut seen = Vec::new();
        let mut byte = [0];
        while !seen.ends_with(words.as_bytes()) {
            let read = self.0.read(&mut byte);
            let shown = String::from_utf8_lossy(&seen).into_owned();
            assert_eq!(read.ok(), Some(1), "no {words:?} on the line after {shown:?}");
            seen.push(byte[0] & 0x7f);
        }
    }
}
