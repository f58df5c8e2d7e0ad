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
