//! A running init with everything a test does to it.

use std::ffi::CString;
use std::marker::PhantomData;
use std::os::fd::{AsFd, OwnedFd};

use super::console::{Console, Screen};
use super::end::End;
use super::procs::{self, Procs};
use super::root::Root;
use super::sys::{self, Launch};
use super::tools::Init;
use super::wait;

/// What a namespace is started with.
pub struct Builder {
    init: Init,
    root: Root,
    console: Console,
    argv: Vec<String>,
    env: Vec<String>,
    dir: String,
    mount_proc: bool,
    ignored: Vec<i32>,
    blocked: Vec<i32>,
    descriptors: Option<u64>,
    umask: u32,
    barred: Vec<u64>,
}

impl Builder {
    /// A root with this init as /sbin/init, started as the kernel starts it.
    pub fn new(init: Init) -> Builder {
        let root = Root::new();
        root.copy(init.program(), "sbin/init");
        Builder {
            init,
            root,
            console: Console::File,
            argv: vec!["init".into()],
            env: vec!["HOME=/".into(), "TERM=linux".into()],
            dir: "/".into(),
            mount_proc: true,
            ignored: Vec::new(),
            blocked: Vec::new(),
            descriptors: None,
            umask: 0o022,
            barred: Vec::new(),
        }
    }

    /// Writes /etc/inittab; without this call there is none.
    pub fn inittab(self, text: impl AsRef<[u8]>) -> Builder {
        self.file("etc/inittab", text)
    }

    /// Writes a file; one that starts with `#!` may be executed.
    pub fn file(self, inside: &str, content: impl AsRef<[u8]>) -> Builder {
        self.root.write(inside, content);
        self
    }

    /// Brings the programs of the host's packages in, with all that they need to run.
    pub fn host_programs(self) -> Builder {
        self.root.bind_host_programs();
        self
    }

    /// Chooses what stands on descriptors 0, 1 and 2.
    pub fn console(mut self, console: Console) -> Builder {
        self.console = console;
        self
    }

    /// Sets the whole argument vector, its first word included.
    pub fn argv(mut self, words: &[&str]) -> Builder {
        self.argv = words.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// Sets a word of the environment, as the kernel does with words it does not know.
    pub fn env(mut self, word: &str) -> Builder {
        let name = word.split('=').next();
        self.env.retain(|other| other.split('=').next() != name);
        self.env.push(word.to_owned());
        self
    }

    /// Starts init in another folder than the root.
    pub fn dir(mut self, inside: &str) -> Builder {
        self.dir = inside.to_owned();
        self
    }

    /// Leaves /proc empty, for init to mount.
    pub fn without_proc(mut self) -> Builder {
        self.mount_proc = false;
        self
    }

    /// Starts init with signals ignored.
    pub fn ignore(mut self, signals: &[i32]) -> Builder {
        self.ignored = signals.to_vec();
        self
    }

    /// Starts init with signals blocked.
    pub fn block(mut self, signals: &[i32]) -> Builder {
        self.blocked = signals.to_vec();
        self
    }

    /// Limits the descriptors of init and of everything below it.
    pub fn descriptors(mut self, limit: u64) -> Builder {
        self.descriptors = Some(limit);
        self
    }

    /// Starts init with this file mode mask.
    pub fn umask(mut self, umask: u32) -> Builder {
        self.umask = umask;
        self
    }

    /// Keeps a capability, by its number, from init and everything below it.
    pub fn bar(mut self, capability: u64) -> Builder {
        self.barred.push(capability);
        self
    }

    /// The root folder, for what only a test of its own prepares.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Starts the init.
    pub fn start(self) -> Namespace {
        let (screen, stdio) = Screen::open(self.console, &self.root);
        let root_path = self.root.path("");
        let launch = Launch {
            root: c_string(root_path.to_str().expect("a plain path")),
            mount_proc: self.mount_proc,
            dir: c_string(&self.dir),
            program: c_string("/sbin/init"),
            args: self.argv.iter().map(|word| c_string(word)).collect(),
            env: self.env.iter().map(|word| c_string(word)).collect(),
            stdio,
            ignored: self.ignored,
            blocked: self.blocked,
            descriptors: self.descriptors,
            umask: self.umask,
            barred: self.barred,
            ..Launch::default()
        };
        let pid = sys::launch(&launch)
            .unwrap_or_else(|e| panic!("{} does not start: {e}", self.init.label()));
        let ended = sys::pidfd(pid).expect("a descriptor for a fresh child");
        Namespace {
            init: self.init,
            pid,
            ended,
            end: None,
            procs: Procs::open(pid),
            screen,
            root: self.root,
            on_its_thread: PhantomData,
        }
    }
}

fn c_string(text: &str) -> CString {
    CString::new(text).expect("an argument holds no NUL byte")
}

/// A namespace whose PID 1 runs; dropping it kills everything inside.
pub struct Namespace {
    init: Init,
    pid: i32,
    ended: OwnedFd,
    end: Option<End>,
    procs: Option<Procs>,
    screen: Screen,
    root: Root,
    /// The root is mounted for one thread only.
    on_its_thread: PhantomData<*const ()>,
}

impl Namespace {
    /// The host's number for the namespace's PID 1.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Which init this is.
    pub fn init(&self) -> Init {
        self.init
    }

    /// The host's number for a process inside, found by the kernel's own table of both.
    pub fn host_pid(&self, pid: i32) -> i32 {
        let found = self.host_pid_if_there(pid);
        found.unwrap_or_else(|| panic!("process {pid} has gone.\n{}", self.state()))
    }

    /// The same for one that may have gone.
    pub fn host_pid_if_there(&self, pid: i32) -> Option<i32> {
        let ours = std::fs::read_link(format!("/proc/{}/ns/pid", self.pid)).expect("PID 1 lives");
        let inside = pid.to_string();
        let matches = |host: &i32| {
            let status = std::fs::read_to_string(format!("/proc/{host}/status"));
            let status = status.unwrap_or_default();
            let numbers = status.lines().find(|line| line.starts_with("NSpid:"));
            numbers.and_then(|line| line.split_whitespace().last()) == Some(&inside)
                && std::fs::read_link(format!("/proc/{host}/ns/pid")).ok() == Some(ours.clone())
        };
        let hosts = std::fs::read_dir("/proc").expect("the host has /proc").flatten();
        let mut hosts = hosts.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        hosts.find(matches)
    }

    /// The root folder.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The processes inside.
    pub fn procs(&self) -> &Procs {
        self.procs.as_ref().expect("this namespace was started with /proc mounted")
    }

    /// The test's end of the console.
    pub fn screen(&self) -> &Screen {
        &self.screen
    }

    /// Takes the terminal away, see [`Screen::hang_up`].
    pub fn hang_up(&mut self) {
        self.screen.hang_up();
    }

    /// Everything on the console so far.
    pub fn console(&self) -> String {
        self.screen.text(&self.root)
    }

    /// What the recorders have written so far.
    pub fn log(&self) -> String {
        self.root.read("out/log")
    }

    /// Sends a signal to PID 1 from outside.
    pub fn send(&self, signal: i32) {
        sys::kill(self.pid, signal).expect("PID 1 is our child and not yet waited for");
    }

    /// Waits for a condition; a failure shows the whole state of the namespace.
    pub fn until(&self, what: &str, condition: impl FnMut() -> bool) {
        if !wait::came_true(condition) {
            panic!("{} under {}.\n{}", what, self.init.label(), self.state());
        }
    }

    /// Waits until the recorders' log has this line at least so often.
    pub fn until_said(&self, line: &str, times: usize) {
        let what = format!("“{line}” did not come {times} times");
        self.until(&what, || self.log().lines().filter(|l| *l == line).count() >= times);
    }

    /// Waits until the console shows this text.
    pub fn until_shown(&self, text: &str) {
        self.until(&format!("the console did not show “{text}”"), || {
            self.console().contains(text)
        });
    }

    /// Waits until PID 1 has done what it had to do and waits for signals, so that none is lost.
    /// Its masks would not tell, since they show no signal that is being waited for.
    pub fn until_ready(&self) {
        let waits = || self.sleeps_in(libc::SYS_rt_sigtimedwait);
        self.until("PID 1 did not wait for signals", waits);
    }

    /// Whether PID 1 sleeps in this system call.
    pub fn sleeps_in(&self, call: libc::c_long) -> bool {
        procs::sleeps_in(self.pid, call)
    }

    /// Waits for the end of PID 1 and says how it ended.
    pub fn end(&mut self) -> End {
        if let Some(end) = self.end {
            return end;
        }
        if !sys::readable(self.ended.as_fd(), wait::DEADLINE) {
            panic!("PID 1 did not end under {}.\n{}", self.init.label(), self.state());
        }
        let end = End::from_status(sys::wait_for_pid(self.pid).expect("PID 1 is our child"));
        self.end = Some(end);
        end
    }

    /// Whether PID 1 still runs at this instant.
    pub fn runs(&self) -> bool {
        self.end.is_none() && !sys::readable(self.ended.as_fd(), std::time::Duration::ZERO)
    }

    /// Powers off and asserts that this works: every bad day ends with it.
    pub fn power_off(&mut self) {
        self.send(libc::SIGUSR2);
        assert_eq!(self.end(), End::HaltOrPowerOff, "{}", self.state());
    }

    /// The log, the console and the processes, for a report.
    pub fn state(&self) -> String {
        let processes = self.procs.as_ref().map(|procs| procs.all()).unwrap_or_default();
        let show = |p: &super::procs::Process| format!("{} {} {}", p.pid, p.state, p.name);
        let processes: Vec<_> = processes.iter().map(show).collect();
        let console = self.console();
        let tail = console.len().saturating_sub(3000);
        let tail = String::from_utf8_lossy(&console.as_bytes()[tail..]);
        let log = self.log();
        format!("--- log\n{log}--- console\n{tail}\n--- processes\n{}\n", processes.join("\n"))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if self.end.is_none() {
            let _ = sys::kill(self.pid, libc::SIGKILL);
            let _ = sys::wait_for_pid(self.pid);
        }
    }
}
