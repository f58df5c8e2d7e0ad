//! A stage for container inits: one root in which pidone and its peers stand side by side, and
//! each run is a PID namespace of its own.

use std::cell::Cell;
use std::ffi::CString;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::procs::Procs;
use super::root::Root;
pub use super::running::{Outcome, Running, children};
use super::sys::{self, Held, Launch, Stdio};
use super::trace::Trace;
use super::{console, tools, wait};

/// Whose program runs. It answers by the name in its first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Pidone,
    /// The peer of this name.
    Peer(&'static str),
    /// Any other program of the root.
    Program(&'static str),
}

impl Who {
    /// Where its program stands in the root.
    pub fn program(self) -> String {
        match self {
            Who::Pidone => "/sbin/pidone".into(),
            Who::Peer(name) => format!("/peer/{name}"),
            Who::Program(path) => path.into(),
        }
    }
}

/// A script that leaves an orphan, lets it end, waits until it has been reaped, and ends with 3.
pub const ORPHAN: &str = "rm -f /tmp/go; (await /tmp/go & echo $! > /tmp/orphan); \
                          read -r o < /tmp/orphan; : > /tmp/go; \
                          while [ -e /proc/$o ]; do usleep 1000; done; exit 3";

/// The root, with every program in it.
pub struct Stage {
    root: Root,
    runs: Cell<u32>,
}

impl Stage {
    pub fn new() -> Stage {
        let root = Root::new();
        for folder in ["peer", "lib64", "lib/x86_64-linux-gnu"] {
            fs::create_dir_all(root.path(folder)).expect("a folder on a fresh tmpfs");
        }
        root.copy(tools::pidone(), "sbin/pidone");
        root.copy(tools::actor(), "bin/actor");
        for name in ["tini", "dumb-init", "catatonit"] {
            root.copy(tools::peer(name), &format!("peer/{name}"));
        }
        for library in tools::LIBRARIES {
            root.copy(library.as_ref(), &library[1..]);
        }
        root.write(
            "etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n",
        );
        root.write("etc/group", "root:x:0:\nnogroup:x:65534:\n");
        Stage { root, runs: Cell::new(0) }
    }

    pub fn root(&self) -> &Root {
        &self.root
    }

    /// A run of this program with these words, its name first.
    pub fn order(&self, who: Who, words: &[&str]) -> Order<'_> {
        let env = ["HOME=/", "PATH=/sbin:/bin"].map(str::to_owned).to_vec();
        let argv = words.iter().map(|&word| word.to_owned()).collect();
        let dir = "/tmp".to_owned();
        let launch = Launch { umask: 0o022, mount_proc: true, leader: true, ..Launch::default() };
        let program = who.program();
        Order {
            stage: self,
            program,
            argv,
            env,
            dir,
            launch,
            stdin: None,
            output: None,
            error: None,
        }
    }

    /// A run of pidone by its own name.
    pub fn pidone(&self, words: &[&str]) -> Order<'_> {
        self.order(Who::Pidone, &[&["pidone"], words].concat())
    }

    /// A run of a peer.
    pub fn peer(&self, name: &'static str, words: &[&str]) -> Order<'_> {
        self.order(Who::Peer(name), &[&[name], words].concat())
    }

    /// A run of pidone by the name of a peer.
    pub fn ours(&self, name: &'static str, words: &[&str]) -> Order<'_> {
        self.order(Who::Pidone, &[&[name], words].concat())
    }
}

/// What stands on descriptor 0, or on all three.
enum Input {
    Closed,
    Terminal { number: u32, ends: [File; 2] },
}

/// How a program is going to be run; as PID 1 that leads a session, if nothing else is said.
pub struct Order<'a> {
    stage: &'a Stage,
    program: String,
    argv: Vec<String>,
    env: Vec<String>,
    dir: String,
    launch: Launch,
    stdin: Option<Input>,
    output: Option<OwnedFd>,
    error: Option<OwnedFd>,
}

impl<'a> Order<'a> {
    /// As process 2, whose parent is not the test and which does not inherit orphans.
    pub fn second(mut self) -> Self {
        self.launch.second = true;
        self
    }

    /// In the session of its parent.
    pub fn follower(mut self) -> Self {
        self.launch.leader = false;
        self
    }

    pub fn env(mut self, word: &str) -> Self {
        let name = word.split('=').next();
        self.env.retain(|other| other.split('=').next() != name);
        self.env.push(word.to_owned());
        self
    }

    pub fn dir(mut self, dir: &str) -> Self {
        self.dir = dir.to_owned();
        self
    }

    pub fn ignore(mut self, signals: &[i32]) -> Self {
        self.launch.ignored = signals.to_vec();
        self
    }

    pub fn block(mut self, signals: &[i32]) -> Self {
        self.launch.blocked = signals.to_vec();
        self
    }

    /// Without a capability, by its number in capability.h, for init and everything below it.
    pub fn without(mut self, capability: u64) -> Self {
        self.launch.barred.push(capability);
        self
    }

    pub fn user(mut self, user: u32) -> Self {
        self.launch.user = Some(user);
        self
    }

    pub fn descriptors(mut self, limit: u64) -> Self {
        self.launch.descriptors = Some(limit);
        self
    }

    /// With so many signals at most that may wait for init.
    pub fn pending(mut self, limit: u64) -> Self {
        self.launch.pending = Some(limit);
        self
    }

    /// With one more descriptor, from 3 upwards.
    pub fn inherit(mut self, fd: OwnedFd) -> Self {
        self.launch.inherited.push(fd);
        self
    }

    /// Without standard input.
    pub fn closed_input(mut self) -> Self {
        self.stdin = Some(Input::Closed);
        self
    }

    /// Writes standard output to this instead of to a file.
    pub fn output(mut self, fd: OwnedFd) -> Self {
        self.output = Some(fd);
        self
    }

    /// Writes standard error to this instead of to a file.
    pub fn error(mut self, fd: OwnedFd) -> Self {
        self.error = Some(fd);
        self
    }

    /// With a terminal of its own on all three descriptors.
    pub fn terminal(mut self) -> Self {
        let (master, slave, number) = console::new_pty(&self.stage.root);
        self.stdin = Some(Input::Terminal { number, ends: [master, slave] });
        self
    }

    /// Everything is made up to the exec of the program.
    pub fn prepare(self) -> Prepared {
        let count = self.stage.runs.replace(self.stage.runs.get() + 1);
        let root = &self.stage.root;
        root.write("out/log", "");
        // Programs that have become somebody else write there too.
        fs::set_permissions(root.path("out/log"), fs::Permissions::from_mode(0o666)).expect("mode");
        let files = ["stdout", "stderr"].map(|name| format!("out/{name}.{count}"));
        let mut stdio = [named("/dev/null"), named("/dev/null"), named("/dev/null")];
        for (place, file) in files.iter().enumerate() {
            root.write(file, "");
            stdio[place + 1] = named(&format!("/{file}"));
        }
        if let Some(fd) = self.output {
            stdio[1] = Stdio::Fd(fd);
        }
        if let Some(fd) = self.error {
            stdio[2] = Stdio::Fd(fd);
        }
        let mut screen = None;
        match self.stdin {
            Some(Input::Closed) => stdio[0] = Stdio::Closed,
            Some(Input::Terminal { number, ends }) => {
                stdio = [(); 3].map(|()| named(&format!("/dev/pts/{number}")));
                screen = Some(ends);
            }
            None => {}
        }
        let launch = Launch {
            root: c_string(root.path("").to_str().expect("a plain path")),
            dir: c_string(&self.dir),
            program: c_string(&self.program),
            args: self.argv.iter().map(|word| c_string(word)).collect(),
            env: self.env.iter().map(|word| c_string(word)).collect(),
            stdio,
            ..self.launch
        };
        let held = sys::prepare(&launch).expect("a namespace can be made");
        let procs = Procs::open(held.pid).expect("the root has /proc");
        Prepared {
            procs,
            label: self.argv.join(" "),
            second: launch.second,
            held,
            files: files.map(|file| root.path(&file)),
            log: root.path("out/log"),
            trace: root.path(&format!("out/trace.{count}")),
            screen,
        }
    }

    pub fn start(self) -> Running {
        self.prepare().release()
    }

    /// Runs it to its end.
    pub fn run(self) -> Outcome {
        self.start().end()
    }
}

fn named(path: &str) -> Stdio {
    Stdio::Path(c_string(path))
}

fn c_string(text: &str) -> CString {
    CString::new(text).expect("an argument holds no NUL byte")
}

/// A program that is about to be executed.
pub struct Prepared {
    procs: Procs,
    label: String,
    second: bool,
    held: Held,
    files: [PathBuf; 2],
    log: PathBuf,
    trace: PathBuf,
    screen: Option<[File; 2]>,
}

impl Prepared {
    /// Lets it go.
    pub fn release(self) -> Running {
        let top = self.held.pid;
        let pid = pid_of(top, self.second);
        let ended = sys::pidfd(pid).expect("a descriptor for a fresh process");
        let status = self.held.release().unwrap_or_else(|e| panic!("{}: {e}", self.label));
        Running {
            label: self.label,
            top,
            pid,
            ended,
            status: self.second.then_some(status),
            procs: self.procs,
            files: self.files,
            log: self.log,
            screen: self.screen,
            waited: false,
        }
    }

    /// Lets it go under a tracer, with these words for strace.
    pub fn traced(self, words: &[&str]) -> (Running, Trace) {
        let pid = pid_of(self.held.pid, self.second);
        let trace = Trace::of(pid, self.trace.clone(), words);
        (self.release(), trace)
    }
}

/// What a program executed, by single steps of its own process.
pub struct Steps {
    pub all: u64,
    pub cpuid: u64,
}

impl Prepared {
    /// Lets it go one instruction after the other, to its end.
    pub fn stepped(self) -> Steps {
        let (all, cpuid) = self.held.step().expect("a process of ours can be traced");
        Steps { all, cpuid }
    }
}

/// The host's number of the program's process.
fn pid_of(top: i32, second: bool) -> i32 {
    let mut found = (!second).then_some(top);
    let born = || {
        found = found.or_else(|| children(top).first().copied());
        found.is_some()
    };
    assert!(wait::came_true(born), "process 2 was not born");
    found.expect("it is there")
}
