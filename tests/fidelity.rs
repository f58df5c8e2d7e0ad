//! Fidelity: the same command under a peer and under pidone by the peer's name, with the same
//! output on both streams and the same exit code.
//!
//! Not compared are the version number after a program's name, which is its own, and whether the
//! parent or the child says what both know. Of texts that people read and no script does, less is
//! compared: of help, usage and licence the stream, the exit code and the first lines, of what
//! more verbosity brings no more than that pidone says nothing else (see `Like`). What the peers
//! refuse and pidone takes is no case: more names of signals, more numbers to rewrite; nor are
//! shortened long options. Where pidone does better on purpose, `DIFFERENCES` says so.
//!
//! `FIDELITY_CASE=words` runs the cases whose names hold these words.

#[path = "fidelity/catatonit.rs"]
mod catatonit;
#[path = "fidelity/dumb_init.rs"]
mod dumb_init;
#[path = "fidelity/manners.rs"]
mod manners;
mod support;
#[path = "fidelity/tini.rs"]
mod tini;

use support::{Order, Outcome, Running, Stage, Who};

/// How closely two outputs have to agree.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Like {
    /// To the letter.
    Letter,
    /// The same lines; parent and child write them in an order that is left to chance.
    Lines,
    /// The exit code and whether anything is said on either stream.
    Code,
    /// Lines of pidone are lines of the peer, and the first is there.
    Within,
    /// Stream, exit code and so many of the first lines: the rest is a text to be read.
    Head(usize),
}

/// One command line, with what surrounds it.
#[derive(Clone, Copy)]
pub struct Case {
    pub words: &'static [&'static str],
    pub env: &'static [&'static str],
    pub like: Like,
    pub second: bool,
    pub terminal: bool,
    /// What is sent once the child is ready; it plays the recorder then.
    pub sent: &'static [i32],
}

pub const fn case(words: &'static [&'static str]) -> Case {
    Case { words, env: &[], like: Like::Letter, second: false, terminal: false, sent: &[] }
}

impl Case {
    pub const fn env(mut self, env: &'static [&'static str]) -> Case {
        self.env = env;
        self
    }

    pub const fn like(mut self, like: Like) -> Case {
        self.like = like;
        self
    }

    pub const fn second(mut self) -> Case {
        self.second = true;
        self
    }

    pub const fn terminal(mut self) -> Case {
        self.terminal = true;
        self
    }

    pub const fn sent(mut self, sent: &'static [i32]) -> Case {
        self.sent = sent;
        self
    }

    fn title(&self, name: &str) -> String {
        format!(
            "{name} {:?} {:?}{}",
            self.words,
            self.env,
            if self.second { " second" } else { "" }
        )
    }
}

/// Runs a case under one of the two programs.
fn outcome(stage: &Stage, who: Who, name: &str, case: &Case) -> Outcome {
    let words = [&[name], case.words].concat();
    let mut order: Order<'_> = stage.order(who, &words);
    for word in case.env {
        order = order.env(word);
    }
    order = if case.second { order.second() } else { order };
    order = if case.terminal { order.terminal() } else { order };
    let mut running = order.start();
    send_all(&running, case.sent);
    let mut outcome = running.end();
    if case.terminal {
        outcome.stdout = running.shown();
    }
    outcome
}

/// One signal after the other, each once the one before has arrived.
fn send_all(running: &Running, sent: &[i32]) {
    for signal in sent {
        running.until_said("ready");
        let before = running.log();
        running.send(*signal);
        running.until("a signal did not arrive", || running.log() != before || !running.runs());
    }
}

/// The number of the process that speaks becomes a word.
fn without_pid(text: &str) -> String {
    let mut out = text.to_owned();
    for before in ["tini (", "catatonit:"] {
        for pid in 1..10 {
            out = out.replace(&format!("{before}{pid})"), &format!("{before}PID)"));
        }
    }
    out
}

/// What a signal is called, the C library's words here and its name there, becomes a word.
fn without_signals(text: &str) -> String {
    let mut out = text.to_owned();
    for before in ["Passing signal: '", "(with signal '"] {
        let lines = out.lines().map(|line| match line.split_once(before) {
            Some((head, _)) => format!("{head}{before}SIGNAL'"),
            None => line.to_owned(),
        });
        out = lines.collect::<Vec<_>>().join("\n");
    }
    out
}

/// A version number becomes a word, with the name of a change after it.
fn without_version(text: &str) -> String {
    let mut out = String::new();
    let text = text.replace(" - git.pidone", "");
    for line in text.split_inclusive('\n') {
        let number = |word: &str| {
            let word = word.trim_start_matches(['v', '(']);
            word.split('.').count() >= 3 && word.starts_with(|c: char| c.is_ascii_digit())
        };
        let words = line.split_inclusive(' ').map(|word| match number(word.trim_end()) {
            true => {
                let tail = word.trim_end_matches(|c: char| c.is_whitespace() || c == ')');
                let head = &word[..word.find(|c: char| c.is_ascii_digit()).unwrap_or(0)];
                format!("{head}VERSION{}", &word[tail.len()..])
            }
            false => word.to_owned(),
        });
        out.extend(words);
    }
    out
}

fn sorted(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.dedup();
    lines.join("\n")
}

fn alike(like: Like, text: &str) -> String {
    let text = without_pid(&without_version(text));
    match like {
        Like::Letter => text,
        Like::Lines => sorted(&text),
        Like::Within => sorted(&without_signals(&text)),
        Like::Code => text.is_empty().to_string(),
        Like::Head(count) => text.lines().take(count).collect::<Vec<_>>().join("\n"),
    }
}

/// Both outcomes of a case, if they differ.
fn difference(stage: &Stage, peer: &'static str, name: &str, case: &Case) -> Option<String> {
    let theirs = outcome(stage, Who::Peer(peer), name, case);
    let ours = outcome(stage, Who::Pidone, name, case);
    let seen = |o: &Outcome| (o.code, alike(case.like, &o.stdout), alike(case.like, &o.stderr));
    let within = |theirs: &str, ours: &str| {
        let (theirs, ours) = (alike(case.like, theirs), alike(case.like, ours));
        ours.is_empty() == theirs.is_empty() && ours.lines().all(|l| theirs.lines().any(|t| t == l))
    };
    let agree = match case.like {
        Like::Within => {
            let streams =
                within(&theirs.stdout, &ours.stdout) && within(&theirs.stderr, &ours.stderr);
            streams && theirs.code == ours.code
        }
        _ => seen(&theirs) == seen(&ours),
    };
    (!agree).then(|| format!("{}\n  theirs {theirs:?}\n  ours   {ours:?}", case.title(name)))
}

fn all_alike(peer: &'static str, name: &str, cases: &[Case]) {
    let stage = Stage::new();
    spoil(&stage);
    let wanted = std::env::var("FIDELITY_CASE").unwrap_or_default();
    let cases = cases.iter().filter(|case| case.title(name).contains(&wanted));
    let all: Vec<_> = cases.map(|case| difference(&stage, peer, name, case)).collect();
    let count = all.len();
    let bad: Vec<String> = all.into_iter().flatten().collect();
    assert!(bad.is_empty(), "{} of {count} differ:\n{}", bad.len(), bad.join("\n"));
}

/// Files that cannot be executed.
fn spoil(stage: &Stage) {
    stage.root().write("tmp/plain", "not a program\n");
    stage.root().write("tmp/orphaned", "#!/no/such/interpreter\n");
    stage.root().write("bin/bare", ": a script without a first line\nexit 5\n");
    std::os::unix::fs::symlink("loop", stage.root().path("tmp/loop")).expect("a link to itself");
}

/// Exec failures and ends, which every peer answers in its own way.
pub const ENDS: &[Case] = &[
    case(&["--", "true"]),
    case(&["--", "sh", "-c", "exit 7"]),
    case(&["--", "sh", "-c", "exit 255"]),
    case(&["--", "sh", "-c", "kill -TERM $$"]),
    case(&["--", "sh", "-c", "kill -KILL $$"]),
    case(&["--", "sh", "-c", "kill -ABRT $$"]),
    case(&["--", "sh", "-c", "kill -34 $$"]),
    case(&["--", "nosuchcommand"]),
    case(&["--", "/no/such/command"]),
    case(&["--", "/tmp"]),
    case(&["--", "/tmp/plain"]),
    case(&["--", "/tmp/plain/below"]),
    case(&["--", "/tmp/orphaned"]),
    case(&["--", "/tmp/loop"]),
    case(&["--", ""]),
    case(&["--", "bare"]),
    case(&["--", "--"]),
    case(&["--", "echo", "a b", "", "-h"]),
    case(&["true"]),
    case(&["echo", "one", "two"]),
    case(&["--", "plain"]).env(&["PATH=/tmp"]),
    case(&["--", "bare"]).env(&["PATH=/tmp:/bin"]),
    case(&["--", "sh", "-c", "echo out; echo err >&2; exit 3"]),
];

#[test]
fn as_tini() {
    all_alike("tini", "tini", tini::CASES);
    all_alike("tini", "tini", ENDS);
}

#[test]
fn as_docker_init() {
    all_alike("tini", "docker-init", tini::CASES);
    all_alike("tini", "/sbin/docker-init", ENDS);
}

#[test]
fn as_dumb_init() {
    all_alike("dumb-init", "dumb-init", dumb_init::CASES);
    all_alike("dumb-init", "/usr/bin/dumb-init", ENDS);
}

#[test]
fn as_catatonit() {
    all_alike("catatonit", "catatonit", catatonit::CASES);
    all_alike("catatonit", "/run/catatonit", ENDS);
}

/// What pidone does better on purpose by a peer's name: the peer, what it does, what pidone does.
/// Each is shown by a test of `defects.rs` or of `container.rs`.
pub const DIFFERENCES: &[[&str; 3]] = &[
    ["tini", "ends when a signal is refused with EPERM", "delivers or reports it, and waits"],
    ["tini", "does not start when standard input is closed", "starts"],
    ["tini", "hangs when SIGCHLD comes ignored", "reaps"],
    ["tini", "wakes up once a second", "sleeps"],
    ["tini", "as PID 1 drops signals 4 to 8, 11, 21, 22 and 31", "passes them on"],
    ["tini", "with -g loses a signal before the group is there", "delivers it"],
    ["dumb-init", "loses a signal before the session is there", "delivers it"],
    ["dumb-init", "ignores that a signal is refused", "delivers it where it may"],
    ["dumb-init", "gives the child default dispositions and an empty mask", "changes neither"],
    ["catatonit", "blocks TSTP, TTIN and TTOU in every descendant", "changes no mask"],
    ["catatonit", "hangs when SIGCHLD comes ignored", "reaps"],
    ["catatonit", "with -g loses a signal before the group is there", "delivers it"],
];

#[test]
fn every_peer_has_its_differences_named() {
    for peer in ["tini", "dumb-init", "catatonit"] {
        assert!(DIFFERENCES.iter().any(|row| row[0] == peer), "{peer}");
    }
}

#[test]
fn the_comparison_itself_finds_what_differs() {
    assert_eq!(without_version("tini version 0.19.0 - git.1\n"), "tini version VERSION - git.1\n");
    assert_eq!(without_version("tini (tini version 0.19.0)\n"), "tini (tini version VERSION)\n");
    assert_eq!(without_version("dumb-init v1.2.5\n"), "dumb-init vVERSION\n");
    assert_eq!(without_version("a 1.5 b\n"), "a 1.5 b\n");
    let stage = Stage::new();
    let quiet = case(&["--", "nosuchcommand"]);
    let theirs = outcome(&stage, Who::Peer("tini"), "tini", &quiet);
    let other = outcome(&stage, Who::Peer("catatonit"), "tini", &quiet);
    assert_ne!(theirs, other);
}
