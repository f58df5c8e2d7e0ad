//! What only the kernel is told: system calls of PID 1 and of everything it starts.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::namespace::Namespace;
use super::{procs, sys, tools, wait};

/// A tracer that is attached to a namespace.
pub struct Trace {
    tracer: Child,
    output: PathBuf,
}

impl Trace {
    /// Attaches to PID 1 and to the children it makes from now on.
    pub fn attach(ns: &Namespace, call: &str) -> Trace {
        let what = ["-f", "-e", &format!("trace={call}")];
        Trace::of(ns.pid(), ns.root().path("tmp/trace"), &what)
    }

    /// Attaches to PID 1 alone and makes one of its calls last so many microseconds longer.
    pub fn slow(ns: &Namespace, call: &str, micros: u32) -> Trace {
        let what = ["-e", &format!("inject={call}:delay_exit={micros}")];
        Trace::of(ns.pid(), ns.root().path("tmp/trace"), &what)
    }

    /// Attaches to a process, with these words for the tracer.
    pub fn of(pid: i32, output: PathBuf, what: &[&str]) -> Trace {
        let pid = pid.to_string();
        let mut strace = Command::new(tools::strace());
        strace
            .args(what)
            .args(["-qq", "-p", &pid, "-o"])
            .arg(&output)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let tracer = sys::spawn(&mut strace).expect("strace starts");
        let read = |file: String| std::fs::read_to_string(file).unwrap_or_default();
        let attached = || {
            let text = read(format!("/proc/{pid}/status"));
            let mut lines = text.lines();
            // Before the tracer waits it may not have stopped the process yet, which would still
            // make calls that nobody sees.
            lines.any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"))
                && procs::sleeps_in(tracer.id() as i32, libc::SYS_wait4)
        };
        assert!(wait::came_true(attached), "strace did not attach to process {pid}");
        Trace { tracer, output }
    }

    /// Whether the tracer has seen the end of all it traced.
    pub fn ended(&mut self) -> bool {
        matches!(self.tracer.try_wait(), Ok(Some(_)))
    }

    /// The traced calls so far.
    pub fn text(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap_or_default()
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        let _ = self.tracer.kill();
        let _ = self.tracer.wait();
    }
}

/// System calls of an init, from its exec to its exit, and of its child up to its exec.
pub fn count_calls(trace: &str, init: i32) -> (usize, usize) {
    let init = init.to_string();
    let mut counts = (0, 0);
    let (mut begun, mut done) = (false, false);
    for line in trace.lines() {
        let Some((pid, call)) = line.split_once(char::is_whitespace) else { continue };
        let call = call.trim_start();
        if call.starts_with(['+', '-', '<']) {
            continue;
        }
        if pid == init {
            counts.0 += usize::from(begun);
            begun = begun || call.starts_with("execve(");
        } else if begun && !done {
            counts.1 += 1;
            done = call.starts_with("execve(");
        }
    }
    counts
}
