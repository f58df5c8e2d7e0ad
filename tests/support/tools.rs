//! The programs a test needs, each found or named with the Debian package that brings it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Which init runs as PID 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Init {
    /// The binary under test.
    Pidone,
    /// BusyBox, the one whose files pidone has to boot.
    Busybox,
}

impl Init {
    /// The program file that is copied into the namespace.
    pub fn program(self) -> &'static Path {
        match self {
            Init::Pidone => pidone(),
            Init::Busybox => busybox(),
        }
    }

    /// The name a report calls it by.
    pub fn label(self) -> &'static str {
        match self {
            Init::Pidone => "pidone",
            Init::Busybox => "BusyBox init",
        }
    }
}

/// The static BusyBox that fills the root folder and stands beside pidone as the oracle.
pub fn busybox() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| needed("busybox", "busybox-static", &["/usr/bin/busybox", "/bin/busybox"]))
}

/// The system call tracer, for what only the kernel is told.
pub fn strace() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| needed("strace", "strace", &["/usr/bin/strace", "/bin/strace"]))
}

/// The peers of the container init, each with the name its program answers to.
pub fn peer(name: &str) -> &'static Path {
    static TINI: OnceLock<PathBuf> = OnceLock::new();
    static DUMB_INIT: OnceLock<PathBuf> = OnceLock::new();
    static CATATONIT: OnceLock<PathBuf> = OnceLock::new();
    match name {
        "tini" => TINI.get_or_init(|| needed("tini-static", "tini", &["/usr/bin/tini-static"])),
        "dumb-init" => {
            DUMB_INIT.get_or_init(|| needed("dumb-init", "dumb-init", &["/usr/bin/dumb-init"]))
        }
        "catatonit" => {
            CATATONIT.get_or_init(|| needed("catatonit", "catatonit", &["/usr/bin/catatonit"]))
        }
        _ => panic!("there is no peer called {name}"),
    }
}

/// Whether the host's `last` is the one that reads wtmp: newer systems have another, or none.
pub fn has_last() -> bool {
    let version = super::sys::output(Command::new("sh").args(["-c", "last --version"]));
    let is_ours = String::from_utf8_lossy(&version.stdout).contains("util-linux");
    if !is_ours {
        eprintln!("skipped: no last of util-linux is here to read wtmp");
    }
    is_ours
}

/// What Debian's dumb-init is linked with, which has to stand in a root for it to run there.
pub const LIBRARIES: &[&str] = &["/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6"];

/// The programs that play a part in tests and that no shell can play: compiled on first use.
pub fn actor() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        compile("actor", &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/actor.rs"))
    })
}

/// Compiles one source into a static program without a C library, in one step for whoever looks.
pub fn compile(name: &str, source: &Path) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // What the compiler puts beside it is named after it up to a dot.
    let (fresh, built) = (folder.join(format!("{name}-{}", std::process::id())), folder.join(name));
    let mut rustc = Command::new("rustc");
    rustc
        .args(["--edition", "2024", "-Copt-level=s", "-Cpanic=abort", "-Crelocation-model=static"])
        .args(["-Cstrip=symbols", "-Clink-arg=-nostartfiles", "-Clink-arg=-nostdlib"])
        .args(["-Clink-arg=-static", "-Clink-arg=-no-pie", "-Clink-arg=-Wl,--build-id=none"])
        .args(["-Clink-arg=-Wl,-z,norelro,-z,noseparate-code,--gc-sections,--no-eh-frame-hdr"])
        .arg(source)
        .arg("-o")
        .arg(&fresh);
    let status = super::sys::spawn(&mut rustc).and_then(|mut rustc| rustc.wait());
    let status = status.expect("rustc stands beside cargo");
    assert!(status.success(), "{} cannot be compiled: {status}", source.display());
    std::fs::rename(&fresh, &built).expect("the program takes its place");
    built
}

/// The release binary, or the file that `PIDONE_BIN` names.
pub fn pidone() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| match std::env::var_os("PIDONE_BIN") {
        Some(path) => PathBuf::from(path),
        None => built("pidone"),
    })
}

/// The program login, or the file that `PIDONE_LOGIN` names.
pub fn login() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| match std::env::var_os("PIDONE_LOGIN") {
        Some(path) => PathBuf::from(path),
        None => built("login"),
    })
}

/// A missing binary is built once; an existing one is taken as it is, so that the tests can be
/// run against a binary that came from elsewhere.
fn built(name: &str) -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let binary = manifest.join("target/release").join(name);
    if !binary.exists() {
        let status = Command::new(env!("CARGO"))
            .args(["build", "--release", "--bins"])
            .current_dir(manifest)
            .status()
            .expect("cargo builds the release binary");
        assert!(status.success() && binary.exists(), "cargo build --release failed: {status}");
    }
    binary
}

fn needed(tool: &str, package: &str, places: &[&str]) -> PathBuf {
    assert!(sys_is_root(), "These tests make namespaces and mounts: they have to run as root.");
    let found = places.iter().map(PathBuf::from).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{tool} is missing: install the Debian package {package}."))
}

fn sys_is_root() -> bool {
    super::sys::effective_uid() == 0
}
