//! What only the kernel is told: system calls of PID 1 and of everything it starts.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::PoisonError;

use super::namespace::Namespace;
use super::{sys, tools, wait};

/// A tracer that is attached to a namespace.
pub struct Trace {
    tracer: Child,
    output: PathBuf,
}

impl Trace {
    /// Attaches to PID 1 and to the children it makes from now on.
    pub fn attach(ns: &Namespace, call: &str) -> Trace {
        Trace::with(ns, &["-f", "-e", &format!("trace={call}")])
    }

    /// Attaches to PID 1 alone and makes one of its calls last so many microseconds longer.
    pub fn slow(ns: &Namespace, call: &str, micros: u32) -> Trace {
        Trace::with(ns, &["-e", &format!("inject={call}:delay_exit={micros}")])
    }

    fn with(ns: &Namespace, what: &[&str]) -> Trace {
        let output = ns.root().path("tmp/trace");
        let pid = ns.pid().to_string();
        let alone = sys::FORKS.write().unwrap_or_else(PoisonError::into_inner);
        let tracer = Command::new(tools::strace())
            .args(what)
            .args(["-qq", "-p", &pid, "-o"])
            .arg(&output)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("strace starts");
        drop(alone);
        let status = format!("/proc/{pid}/status");
        let attached = || {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            text.lines().any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"))
        };
        assert!(wait::came_true(attached), "strace did not attach to PID 1");
        Trace { tracer, output }
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
