//! A machine for an engine.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::container::children;
use crate::support::procs::Procs;
use crate::support::{tools, wait};

/// How long an engine is given: it does much before it answers, and others run beside it.
const PATIENCE: Duration = Duration::from_secs(600);

/// Namespaces in which an engine runs; dropping it ends everything inside.
pub struct Host {
    keeper: Child,
    pid: String,
    env: Vec<(String, String)>,
    pub scratch: PathBuf,
}

/// What a command printed, and how it ended.
pub struct Said {
    pub code: Option<i32>,
    pub text: String,
    pub error: String,
}

impl Said {
    /// The output of a command that has to succeed.
    pub fn well(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.text, self.error);
        self.text.trim().to_owned()
    }
}

/// Says why a test was passed over, past the harness, which keeps what passing tests say.
pub fn skip(reason: &str) {
    let _ = writeln!(std::io::stderr(), "passed over: {reason}");
}

impl Host {
    /// Makes the namespaces; none is a reason to pass over the test.
    pub fn new(name: &str) -> Result<Host, String> {
        // A socket's name has room for 107 bytes, so the folder's own name has to be short.
        let scratch = std::env::temp_dir().join(format!("pidone-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&scratch);
        fs::create_dir_all(&scratch).expect("a folder for temporary files");
        // The reaper is a peer: what is under test here is the init inside of the containers.
        let ready = "mount -t tmpfs run /run && mkdir /run/lock && \
                     { ip link set lo up; echo ready; exec sleep 1000000; }";
        let mut keeper = Command::new("unshare")
            .args(["-m", "-n", "-p", "-f", "--kill-child", "--mount-proc", "--propagation"])
            .arg("private")
            .arg(tools::peer("catatonit"))
            .args(["--", "sh", "-c", ready])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("no namespaces: unshare: {e}"))?;
        let mut line = String::new();
        let stdout = keeper.stdout.take().expect("it is a pipe");
        let _ = BufReader::new(stdout).read_line(&mut line);
        if line != "ready\n" {
            let _ = keeper.kill();
            let _ = keeper.wait();
            return Err("namespaces for an engine cannot be made here".into());
        }
        let pid = children(keeper.id() as i32).first().expect("PID 1 lives").to_string();
        Ok(Host { keeper, pid, env: Vec::new(), scratch })
    }

    /// A word of the environment for every command from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.env.push((name.into(), value.into()));
    }

    pub fn path(&self, name: &str) -> String {
        self.scratch.join(name).to_str().expect("a plain path").to_owned()
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.scratch.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is ours");
        fs::write(path, text).expect("the folder is ours");
    }

    /// A command of the machine, to be changed and started.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.pid, "-m", "-n", "-p", "--"]).args(words);
        command.envs(self.env.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end; none that hangs holds up the tests for ever.
    pub fn run(&self, words: &[&str]) -> Said {
        let patience = PATIENCE.as_secs().to_string();
        let limited = [&["timeout", "-k", "5", &patience], words].concat();
        let output = self.command(&limited).output().expect("nsenter runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said { code: output.status.code(), text: text(&output.stdout), error: text(&output.stderr) }
    }

    /// A root folder with BusyBox's programs, as a tar archive.
    pub fn root_archive(&self) -> String {
        let root = self.scratch.join("rootfs");
        for folder in ["bin", "etc", "proc", "sys", "dev", "tmp", "run", "sbin", "root", "var"] {
            fs::create_dir_all(root.join(folder)).expect("the folder is ours");
        }
        fs::copy(tools::busybox(), root.join("bin/busybox")).expect("a copy");
        let list = Command::new(tools::busybox()).arg("--list").output().expect("BusyBox runs");
        for applet in String::from_utf8_lossy(&list.stdout).lines().filter(|a| *a != "busybox") {
            std::os::unix::fs::symlink("busybox", root.join("bin").join(applet)).expect("a link");
        }
        let archive = self.path("rootfs.tar");
        let root = root.to_str().expect("a plain path").to_owned();
        self.run(&["tar", "-C", &root, "-cf", &archive, "."]).well();
        archive
    }

    pub fn until(&self, what: &str, condition: impl FnMut() -> bool) {
        assert!(came_true(condition), "{what}");
    }

    /// Waits until the first process of a container has a child, by its number in here. Before that
    /// it may not be the init yet that is under test, and a signal would be lost.
    pub fn until_begun(&self, process: &str) {
        let pid: i32 = self.pid.parse().expect("it was a number");
        let procs = Procs::open(pid).expect("the machine has /proc");
        let list = format!("{process}/task/{process}/children");
        self.until("the init has no child", || !procs.read(&list).is_empty());
    }
}

/// Whether the condition came true before an engine's patience ended.
pub fn came_true(condition: impl FnMut() -> bool) -> bool {
    wait::came_true_within(PATIENCE, condition)
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
        let _ = fs::remove_dir_all(&self.scratch);
    }
}

/// Where a program stands, if it is installed.
pub fn installed(name: &str) -> bool {
    ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].iter().any(|f| Path::new(f).join(name).exists())
}

/// The size of the init under test, which tells it from every other in a container.
pub fn size() -> String {
    fs::metadata(tools::pidone()).expect("the binary is there").len().to_string()
}

/// Control groups that an engine has left empty.
pub fn remove_groups(name: &str) {
    let script = format!("find /sys/fs/cgroup -depth -type d -path '*/{name}*' -exec rmdir {{}} +");
    let _ = Command::new("sh").args(["-c", &script]).stderr(Stdio::null()).status();
}
