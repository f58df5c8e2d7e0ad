//! A copy of the source in which bugs can be planted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The copy, with a target folder of its own.
pub struct Garden(PathBuf);

impl Garden {
    /// Copies what the library and the binary are built from, and these tests.
    pub fn lay(name: &str, tests: &[&str]) -> Garden {
        let home = Path::new(env!("CARGO_MANIFEST_DIR"));
        let garden = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(garden.join("src"));
        let _ = fs::remove_dir_all(garden.join("tests"));
        let sources = [".cargo", "Cargo.toml", "Cargo.lock", "build.rs", "README.md", "src"];
        for source in sources.iter().chain(tests) {
            copy(&home.join(source), &garden.join(source));
        }
        Garden(garden)
    }

    /// A file of the copy.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Replaces a text that stands in a file once, and gives the old contents.
    pub fn plant(&self, name: &str, from: &str, to: &str) -> String {
        let text = fs::read_to_string(self.file(name)).unwrap();
        assert_eq!(text.matches(from).count(), 1, "it does not stand once in {name}: {from}");
        fs::write(self.file(name), text.replace(from, to)).unwrap();
        text
    }

    /// Runs cargo in the copy: whether it succeeded, and all it said.
    pub fn cargo(&self, words: &[&str]) -> (bool, String) {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(words).arg("--offline").current_dir(&self.0);
        cargo.env("CARGO_TARGET_DIR", self.0.join("target"));
        cargo.env("RUST_BACKTRACE", "0").env_remove("PIDONE_SEED");
        let out = cargo.output().unwrap();
        let said = [out.stdout, out.stderr].concat();
        (out.status.success(), String::from_utf8_lossy(&said).into_owned())
    }
}

fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
        return;
    }
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}
