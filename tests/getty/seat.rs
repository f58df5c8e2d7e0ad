//! A terminal with a getty on it, in a namespace whose PID 1 keeps it running, and somebody in
//! front of it.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::os::unix::fs::{OpenOptionsExt, symlink};

use crate::support::console::new_pty;
use crate::support::{Builder, Init, Namespace, Seen, Syslog, sys, wait};

/// In place of login: it writes down its words in hexadecimal, and the settings it finds.
const LOGIN: &str = "#!/bin/sh
words=$(printf '%s|' \"$@\" | hexdump -ve '1/1 \"%02x\"')
/bin/say \"login $words\"
/bin/say \"$(stty -a | tr '\\n' ' ')\"
/bin/say \"TERM $TERM\"
";

/// What the stand-in for login writes down about its words.
pub fn login(words: &[&[u8]]) -> String {
    let mut bytes = words.join(&b'|');
    bytes.push(b'|');
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("login {hex}")
}

/// The namespace and the person's end of the terminal.
pub struct Seat {
    pub ns: Namespace,
    pub syslog: Syslog,
    pub number: u32,
    /// The near end of the terminal, while the line is up.
    pub near: Option<Seen>,
    /// Kept so that the line does not hang up between two gettys.
    pub far: File,
}

impl Seat {
    /// A getty with these words, in which `%t` is the terminal.
    pub fn take(words: &str) -> Seat {
        Seat::take_with(words, &[])
    }

    /// The same with these files in the root.
    pub fn take_with(words: &str, files: &[(&str, &str)]) -> Seat {
        Seat::take_for(words, files, "delay=0:respawn")
    }

    /// The same with a getty that no other one follows: what the last one said before its end is
    /// thrown away by the next one that takes the terminal, if nobody has read it by then.
    pub fn take_once(words: &str) -> Seat {
        Seat::take_for(words, &[], "delay=0:once")
    }

    fn take_for(words: &str, files: &[(&str, &str)], how: &str) -> Seat {
        let mut builder = Builder::new(Init::Pidone);
        let (near, far, number) = new_pty(builder.root());
        symlink("init", builder.root().path("sbin/getty")).expect("a name for getty");
        let syslog = Syslog::bind(builder.root());
        let words = words.replace("%t", &format!("pts/{number}"));
        let line = format!("pts/{number}:name=seat,{how}:/sbin/getty {words}\n");
        builder = builder.inittab(line).file("etc/issue", "a fresh getty\n");
        builder = builder.file("bin/login", LOGIN);
        for (name, text) in files {
            builder = builder.file(name, text);
        }
        let ns = builder.start();
        Seat { ns, syslog, number, near: Some(Seen::on(near)), far }
    }

    /// A seat whose getty has prompted.
    pub fn at_prompt(words: &str) -> Seat {
        let mut seat = Seat::take(words);
        seat.expect_fresh();
        seat
    }

    /// Waits until the first getty was started.
    pub fn until_started(&self) {
        self.syslog.until("seat started, pid ");
    }

    /// The terminal itself, opened anew.
    pub fn fresh_slave(&self) -> File {
        let path = self.ns.root().path(&format!("dev/pts/{}", self.number));
        OpenOptions::new().read(true).custom_flags(libc::O_NOCTTY).open(path).expect("a terminal")
    }

    /// The near end.
    pub fn line(&self) -> &File {
        self.near.as_ref().expect("the line is up").file()
    }

    /// Types bytes, however long the terminal takes for them; what appears meanwhile is kept.
    pub fn press(&mut self, keys: &[u8]) {
        let mut rest = keys;
        let what = "the terminal takes no keys";
        while !rest.is_empty() {
            let mut wrote = 0;
            let came = wait::came_true(|| {
                self.near().read();
                match self.near().press(rest) {
                    Ok(count) => wrote = count,
                    Err(e) => assert_eq!(e.kind(), ErrorKind::WouldBlock, "{e}"),
                }
                wrote > 0
            });
            assert!(came, "{what}: {}", self.ns.state());
            rest = &rest[wrote..];
        }
    }

    /// Waits for words and gives what came before them; both are taken.
    pub fn expect(&mut self, words: &str) -> String {
        let mut before = None;
        wait::came_true(|| {
            before = self.near().take(words);
            before.is_some()
        });
        before.unwrap_or_else(|| {
            let seen = self.near().rest();
            panic!("no {words:?} on the terminal after {seen:?}\n{}", self.ns.state());
        })
    }

    /// Takes everything up to these words, if they are there; whether they are.
    pub fn shows(&mut self, words: &str) -> bool {
        self.near().take(words).is_some()
    }

    /// Types a name and waits until login was started with it.
    pub fn name(&mut self, keys: &[u8], words: &[&[u8]]) {
        self.press(keys);
        let wanted = login(words);
        let came = wait::came_true(|| {
            // A terminal that nobody reads fills up.
            self.near().read();
            self.ns.log().lines().any(|line| line == wanted)
        });
        assert!(came, "no {wanted} for {keys:?}: {}", self.ns.state());
    }

    /// Waits for a getty that has not been typed to yet.
    pub fn expect_fresh(&mut self) {
        self.expect("a fresh getty\r\n");
        self.expect("login: ");
    }

    /// The settings of the terminal.
    pub fn settings(&self) -> libc::termios {
        sys::settings(self.line().as_fd())
    }

    /// The getty's number in the namespace; there is one at most.
    pub fn getty(&self) -> Option<i32> {
        self.ns.procs().named("getty").first().map(|process| process.pid)
    }

    /// Waits until a getty sleeps in a system call, by its number.
    pub fn until_sleeps_in(&self, call: libc::c_long) {
        let file = |pid| format!("/proc/{}/syscall", self.ns.host_pid(pid));
        self.ns.until("the getty does not wait", || {
            let text = self.getty().map(|pid| std::fs::read_to_string(file(pid)));
            text.is_some_and(|text| text.is_ok_and(|text| text.starts_with(&format!("{call} "))))
        });
    }

    fn near(&mut self) -> &mut Seen {
        self.near.as_mut().expect("the line is up")
    }
}
