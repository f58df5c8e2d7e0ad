//! File systems that never answer.

use std::ffi::CString;
use std::fs::{File, OpenOptions, create_dir, read_to_string};
use std::os::fd::AsRawFd;

use super::namespace::Builder;
use super::sys;

/// Mounts a file system at /dead that nobody serves: whoever looks for a file on it waits until
/// what this gives is closed. Nothing where this kernel has no FUSE.
pub fn dead_file_system(builder: &Builder) -> Option<File> {
    let server = OpenOptions::new().read(true).write(true).open("/dev/fuse").ok()?;
    let target = builder.root().path("dead");
    create_dir(&target).expect("a folder on a fresh root");
    let options = format!("fd={},rootmode=40000,user_id=0,group_id=0", server.as_raw_fd());
    let options = CString::new(options).expect("no NUL");
    sys::mount(c"fuse", &target, &options).ok()?;
    Some(server)
}

/// Whether a process waits for such a file system. What it waits in is a function of the kernel's
/// with the name of FUSE, or request_wait_answer where the compiler has left that one as it is.
pub fn hangs(host_pid: i32) -> bool {
    let at = read_to_string(format!("/proc/{host_pid}/wchan")).unwrap_or_default();
    ["fuse", "wait_answer"].iter().any(|name| at.contains(name))
}
