//! A bound on the processes of a namespace.

use std::path::PathBuf;
use std::{fs, io};

use super::namespace::Namespace;

/// A control group that bounds the number of processes, where the host has such a controller.
pub struct Fence {
    folder: PathBuf,
}

impl Fence {
    /// Moves everything that runs in a namespace into a group of its own.
    pub fn around(ns: &Namespace) -> Option<Fence> {
        let bases = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"].map(PathBuf::from);
        for base in bases {
            let folder = base.join(format!("pidone-test-{}", ns.pid()));
            if fs::create_dir(&folder).is_err() {
                continue;
            }
            let fence = Fence { folder };
            let inside = ns.procs().all().into_iter();
            let inside = inside.filter_map(|process| ns.host_pid_if_there(process.pid));
            let moved = |pid: i32| fs::write(fence.folder.join("cgroup.procs"), pid.to_string());
            if fence.folder.join("pids.max").exists() && inside.map(moved).all(is_in_or_gone) {
                return Some(fence);
            }
        }
        None
    }

    /// Sets the most processes there may be.
    pub fn set(&self, most: &str) {
        fs::write(self.folder.join("pids.max"), most).expect("the limit can be set");
    }
}

/// Whether a process was moved, or ended before it could be.
fn is_in_or_gone(moved: io::Result<()>) -> bool {
    moved.map_or_else(|error| error.raw_os_error() == Some(libc::ESRCH), |()| true)
}

impl Drop for Fence {
    fn drop(&mut self) {
        // A group goes only when it is empty, and after a failure the namespace still runs.
        let outside = self.folder.with_file_name("cgroup.procs");
        let inside = fs::read_to_string(self.folder.join("cgroup.procs")).unwrap_or_default();
        inside.lines().for_each(|pid| fs::write(&outside, pid).unwrap_or_default());
        let _ = fs::remove_dir(&self.folder);
    }
}
