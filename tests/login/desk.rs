//! A terminal with login on it, and somebody who types.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Instant;

use super::support::root::Root;
use super::support::{Builder, Console, DEADLINE, Init, Namespace, Syslog, sys, tools};

/// The hash of `secret`, made by Debian's mkpasswd with 1000 rounds.
pub const SECRET: &str = "$6$rounds=1000$zh3ObaN6y1cyfx42$A1eN.Qb2Ib7edGfp8iHRAtdtAKPglNU9MSAfX\
                          MGuNCtE/V1K8faNq9VfMhuda9c1P9VgNE.kZH3oEEBzh6LL80";

/// The same password for yescrypt, by the same program.
pub const YESCRYPT: &str = "$y$j9T$IrwzgRjuE/UUTNQ0VS35K1$hIzNNW3uxNe/9MWTPRzAVOHOQVawja314B6D1\
                            jTNhL5";

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
                      anna:x:1000:1001:Anna:/home/anna:/bin/sh\n\
                      lost:x:1001:1001::/no/such/home:/bin/sh\n\
                      shell:x:1002:1001::/home/anna:/no/such/shell\n\
                      locked:x:1003:1001::/home/anna:/bin/sh\n\
                      star:x:1004:1001::/home/anna:/bin/sh\n\
                      gone:x:1005:1001::/home/anna:/bin/sh\n\
                      stale:x:1006:1001::/home/anna:/bin/sh\n\
                      fresh:x:1007:1001::/home/anna:/bin/sh\n\
                      empty:x:1008:1001::/home/anna:/bin/sh\n\
                      old:$1$salt$qJH7.N4xYta3aEG/dfqo/0:1009:1001::/home/anna:/bin/sh\n\
                      plain:HASH:1010:1001::/home/anna:\n\
                      absent:x:1011:1001::/home/anna:/bin/sh\n";

const SHADOW: &str = "root:HASH:19000:0:99999:7:::\n\
                      anna:YES:19000:0:99999:7:::\n\
                      lost:HASH:::::::\n\
                      shell:HASH:::::::\n\
                      locked:!HASH:19000::::::\n\
                      star:*:::::::\n\
                      gone:HASH:19000:::::100:\n\
                      stale:HASH:100:0:30:7:::\n\
                      fresh:HASH:0::::::\n\
                      empty::19000::::::\n";

const GROUP: &str = "root:x:0:\ntty:x:5:\naudio:x:29:anna\nusers:x:1001:\nweb:x:33:bert,anna\n";

/// What a desk is made with.
pub struct Setup {
    builder: Builder,
    program: &'static str,
    words: String,
    tty: &'static str,
    action: &'static str,
    syslog: bool,
}

/// The desk.
pub struct Desk {
    pub ns: Namespace,
    pub syslog: Option<Syslog>,
}

impl Setup {
    /// A desk where login is started with these words.
    pub fn new(words: &str) -> Setup {
        let builder = Builder::new(Init::Pidone).console(Console::Pty);
        let root = builder.root();
        let _ = fs::remove_file(root.path("bin/login"));
        root.copy(tools::login(), "bin/login");
        let own = |inside: &str, uid, mode| own(root, inside, uid, mode);
        fs::create_dir_all(root.path("home/anna")).unwrap();
        fs::create_dir_all(root.path("var/log")).unwrap();
        fs::create_dir_all(root.path("var/run")).unwrap();
        own("home/anna", 1000, 0o755);
        own("out", 0, 0o1777);
        let fill = |text: &str| text.replace("HASH", SECRET).replace("YES", YESCRYPT);
        root.write("etc/passwd", fill(PASSWD));
        root.write("etc/shadow", fill(SHADOW));
        root.write("etc/group", GROUP);
        root.write("etc/securetty", "pts/0\n");
        own("etc/shadow", 0, 0o600);
        let (program, words) = ("/bin/login", words.to_owned());
        Setup { builder, program, words, tty: "", action: "respawn", syslog: true }
    }

    /// Writes a file.
    pub fn file(mut self, inside: &str, text: impl AsRef<[u8]>) -> Setup {
        self.builder = self.builder.file(inside, text);
        self
    }

    /// Adds to a file.
    pub fn more(self, inside: &str, text: &str) -> Setup {
        let before = self.builder.root().read(inside);
        self.file(inside, before + &text.replace("HASH", SECRET))
    }

    /// Takes a file away.
    pub fn without(self, inside: &str) -> Setup {
        fs::remove_file(self.builder.root().path(inside)).unwrap();
        self
    }

    /// Leaves /dev/log out.
    pub fn without_syslog(mut self) -> Setup {
        self.syslog = false;
        self
    }

    /// Names the terminal in the inittab.
    pub fn tty(mut self, tty: &'static str) -> Setup {
        self.tty = tty;
        self
    }

    /// Adds a word to the environment of everything.
    pub fn env(mut self, word: &str) -> Setup {
        self.builder = self.builder.env(word);
        self
    }

    /// Has a script start login, which leaves it what it must not keep.
    pub fn badly_started(mut self) -> Setup {
        let script = "#!/bin/sh\ntrap '' INT HUP QUIT TERM\nexec /bin/login 5</etc/passwd\n";
        self.program = "/bin/badly";
        self.file("bin/badly", script)
    }

    /// Starts login once only.
    pub fn once(mut self) -> Setup {
        self.action = "once";
        self
    }

    /// The root folder.
    pub fn root(&self) -> &Root {
        self.builder.root()
    }

    /// Begins.
    pub fn sit(self) -> Desk {
        let Setup { builder, program, words, tty, action, .. } = self;
        let options = if action == "once" { "" } else { "delay=1ms,max-delay=1ms" };
        let name = "::sysinit:/bin/hostname desk\n";
        let builder =
            builder.inittab(format!("{name}{tty}:{options}:{action}:{program} {words}\n"));
        let syslog = self.syslog.then(|| Syslog::bind(builder.root()));
        Desk { ns: builder.start(), syslog }
    }
}

fn own(root: &Root, inside: &str, uid: u32, mode: u32) {
    std::os::unix::fs::chown(root.path(inside), Some(uid), Some(uid)).unwrap();
    fs::set_permissions(root.path(inside), fs::Permissions::from_mode(mode)).unwrap();
}

impl Desk {
    /// Waits until the screen shows a text that was not seen before.
    pub fn sees(&mut self, text: &str) {
        let what = format!("the screen did not show “{text}”");
        self.ns.until(&what, || self.ns.screen().shows(text));
    }

    /// Waits for a text that may take a minute.
    pub fn sees_late(&mut self, text: &str) {
        let end = Instant::now() + 4 * DEADLINE;
        while !self.rest().contains(text) && Instant::now() < end {
            std::thread::sleep(DEADLINE / 100);
        }
        self.sees(text);
    }

    /// What is on the screen and has not been seen.
    pub fn rest(&self) -> String {
        self.ns.screen().rest()
    }

    /// Types, without Enter.
    pub fn press(&mut self, keys: &str) {
        self.ns.screen().press(keys);
    }

    /// Sends a signal to login.
    pub fn kill(&self, signal: i32) {
        sys::kill(self.ns.host_pid(self.login()), signal).expect("it is there");
    }

    /// Types a line.
    pub fn types(&mut self, line: &str) {
        self.press(&format!("{line}\r"));
    }

    /// Answers both prompts.
    pub fn gives(&mut self, name: &str, password: &str) {
        self.sees("desk login: ");
        self.types(name);
        self.sees("Password: ");
        self.types(password);
    }

    /// Has the shell run a command to its end.
    pub fn runs(&mut self, command: &str) {
        self.types(&format!("{command}; echo o\"\"k"));
        self.sees("\nok\r\n");
    }

    /// What a command in the shell prints.
    pub fn output(&mut self, command: &str) -> String {
        self.runs(&format!("{{ {command}; }} > /out/output 2>&1"));
        self.ns.root().read("out/output")
    }

    /// Reads what syslog gets until this text comes; gives all of it, with PID for login's number.
    pub fn hears_all(&self, text: &str) -> String {
        let syslog = self.syslog.as_ref().expect("this desk has a syslog");
        let lines = syslog.until(text);
        let lines = lines.iter().map(|line| match line.split_once("login[") {
            Some((head, rest)) => {
                format!("{head}login[PID{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
            }
            None => line.clone(),
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The same for the last line alone.
    pub fn hears(&self, text: &str) -> String {
        self.hears_all(text).lines().next_back().unwrap().to_owned()
    }

    /// The number of the login that runs.
    pub fn login(&self) -> i32 {
        let found = |desk: &Desk| desk.ns.procs().named("login").first().map(|login| login.pid);
        self.ns.until("login does not run", || found(self).is_some());
        found(self).expect("it was there")
    }

    /// Whether a signal waits at login, which blocks it.
    pub fn has_signals(&self) -> bool {
        let status = self.ns.procs().read(&format!("{}/status", self.login()));
        let waiting = |line: &&str| line.starts_with("SigPnd:") || line.starts_with("ShdPnd:");
        status.lines().filter(waiting).any(|line| !line.ends_with("\t0000000000000000"))
    }

    /// Whether login sleeps in this system call.
    pub fn sleeps_in(&self, call: libc::c_long) -> bool {
        let text = self.ns.procs().read(&format!("{}/syscall", self.login()));
        text.starts_with(&format!("{call} "))
    }

    /// Owner, group and mode of the terminal.
    pub fn terminal(&self) -> (u32, u32, u32) {
        let meta = fs::metadata(self.ns.root().path("dev/pts/0")).unwrap();
        (meta.uid(), meta.gid(), meta.mode() & 0o7777)
    }
}
