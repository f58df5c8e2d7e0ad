//! The root folder: one tmpfs with BusyBox's programs, a few devices and the recorders.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::sys;
use super::tools;

/// A root folder that lives as long as this value.
pub struct Root {
    path: PathBuf,
}

/// Folders that every root has.
const FOLDERS: &[&str] =
    &["bin", "dev", "etc/init.d", "out", "proc", "root", "run", "sbin", "sys", "tmp", "var"];

/// Character devices: name, major, minor. There is no kmsg, no watchdog and no disk, since the
/// kernel's own would be the host's.
const DEVICES: &[(&str, u32, u32)] =
    &[("full", 1, 7), ("null", 1, 3), ("tty", 5, 0), ("urandom", 1, 9), ("zero", 1, 5)];

/// Programs that would reach past the namespace: /proc/swaps is the host's in every namespace.
const STUBS: &[&str] = &["swapoff", "swapon"];

/// `say WORD…` appends one line to /out/log, in one write, so that lines never mix.
const SAY: &str = "#!/bin/sh\necho \"$*\" >> /out/log\n";

/// `hold WORD…` says its words and then lives until it is killed.
const HOLD: &str = "#!/bin/sh\n/bin/say \"$*\"\nexec sleep 100000\n";

/// `mind WORD…` is a service that says when it is asked to end.
const MIND: &str = "#!/bin/sh
trap '/bin/say \"$* minds TERM\"; exit' TERM
/bin/say \"$*\"
while :; do sleep 100000 & wait $!; done
";

/// `deaf WORD…` is a service that does not listen to polite signals.
const DEAF: &str = "#!/bin/sh
trap '' TERM HUP INT
/bin/say \"$*\"
while :; do sleep 100000; done
";

/// `await FILE` returns when the file exists.
const AWAIT: &str = "#!/bin/sh\nuntil [ -e \"$1\" ]; do usleep 5000; done\n";

/// `probe WHAT…` writes down what a child finds at its start, as the kernel tells it.
const PROBE: &str = include_str!("probe.sh");

impl Root {
    /// Builds the folder in a mount namespace of the calling thread.
    pub fn new() -> Root {
        own_mounts_once();
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("root-{}-{count}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("the folder for temporary files can be written");
        let root = Root { path };
        sys::mount(c"tmpfs", &root.path, c"mode=755").expect("a tmpfs becomes the root");
        root.fill();
        root
    }

    fn fill(&self) {
        for folder in FOLDERS {
            fs::create_dir_all(self.path(folder)).expect("a folder on a fresh tmpfs");
        }
        // Each stands on a file system of its own, so that an init which finds nothing mounted
        // there does not bring in the host's devices.
        for (folder, options) in [("dev", c"mode=755"), ("sys", c"mode=755")] {
            sys::mount(c"tmpfs", &self.path(folder), options).expect("a tmpfs for a folder");
        }
        for (name, major, minor) in DEVICES {
            let device = self.path("dev").join(name);
            sys::device(&device, *major, *minor).expect("a device node");
            fs::set_permissions(device, fs::Permissions::from_mode(0o666)).expect("its mode");
        }
        fs::create_dir(self.path("dev/pts")).expect("a folder for terminals");
        let options = c"newinstance,ptmxmode=0666,mode=0620";
        sys::mount(c"devpts", &self.path("dev/pts"), options).expect("terminals of its own");
        self.fill_programs();
    }

    fn fill_programs(&self) {
        self.copy(tools::busybox(), "bin/busybox");
        for applet in applets() {
            let link = self.path("bin").join(applet);
            symlink("busybox", link).expect("a link to an applet");
        }
        for stub in STUBS {
            self.write(&format!("sbin/{stub}"), "#!/bin/sh\nexit 0\n");
        }
        let recorders = [("say", SAY), ("hold", HOLD), ("mind", MIND), ("deaf", DEAF)];
        for (name, text) in recorders.into_iter().chain([("await", AWAIT), ("probe", PROBE)]) {
            self.write(&format!("bin/{name}"), text);
        }
    }

    /// A path inside the root, as the host sees it.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.path.join(inside)
    }

    /// Writes a file; one that starts with `#!`, or with the shell's `:`, may be executed.
    ///
    /// It takes its place in one step: nobody reads half of it, and a link to an applet is
    /// replaced instead of being followed into BusyBox itself.
    pub fn write(&self, inside: &str, content: impl AsRef<[u8]>) {
        let content = content.as_ref();
        let path = self.path(inside);
        let fresh = self.path(&format!("{inside}.new"));
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("its folder");
        let _no_fork = sys::no_fork();
        fs::write(&fresh, content).unwrap_or_else(|e| panic!("cannot write {inside}: {e}"));
        if content.starts_with(b"#!") || content.starts_with(b":") {
            fs::set_permissions(&fresh, fs::Permissions::from_mode(0o755)).expect("its mode");
        }
        fs::rename(&fresh, &path).expect("a file takes its place");
    }

    /// Copies a program of the host.
    pub fn copy(&self, program: &Path, inside: &str) {
        let _no_fork = sys::no_fork();
        let path = self.path(inside);
        fs::copy(program, &path)
            .unwrap_or_else(|e| panic!("cannot copy {}: {e}", program.display()));
        // Whoever built it may have kept it from others.
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its mode");
    }

    /// Shows the host's /usr inside, and its libraries where programs look for them.
    pub fn bind_host_programs(&self) {
        let usr = self.path("usr");
        fs::create_dir_all(&usr).expect("a folder on a fresh tmpfs");
        sys::bind(Path::new("/usr"), &usr).expect("the host has /usr");
        for name in ["lib", "lib64"] {
            symlink(format!("usr/{name}"), self.path(name)).expect("a link to libraries");
        }
    }

    /// The text of a file, or nothing while it does not exist.
    pub fn read(&self, inside: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.path(inside)).unwrap_or_default()).into_owned()
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // The thread's mount namespace goes with the thread, so a failure here leaks nothing.
        let _ = sys::unmount(&self.path);
        let _ = fs::remove_dir(&self.path);
    }
}

fn own_mounts_once() {
    thread_local!(static DONE: Cell<bool> = const { Cell::new(false) });
    if !DONE.replace(true) {
        sys::own_mounts().expect("root may make a mount namespace");
    }
}

/// The programs this BusyBox has, less those that the root replaces and init itself.
fn applets() -> &'static [String] {
    static LIST: OnceLock<Vec<String>> = OnceLock::new();
    LIST.get_or_init(|| {
        let output = sys::output(Command::new(tools::busybox()).arg("--list"));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let left_out = |name: &str| STUBS.contains(&name) || matches!(name, "busybox" | "init");
        text.lines().filter(|name| !left_out(name)).map(str::to_owned).collect()
    })
}
