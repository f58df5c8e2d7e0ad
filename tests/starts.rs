//! What a plain start costs: the system calls of process 1 and of its child.

mod support;

use support::trace::Trace;
use support::{Builder, Init, sys};

/// The calls of a process in a trace, up to one that ends the list, each by its name.
fn calls(trace: &str, pid: &str, last: &str) -> Vec<String> {
    let mut all = Vec::new();
    for line in trace.lines() {
        let Some((who, call)) = line.split_once(char::is_whitespace) else { continue };
        let name = call.trim_start().split('(').next().unwrap_or_default();
        // Signals, ends, and the second halves of calls that others came between.
        if who == pid && !name.starts_with(['<', '+', '-']) {
            all.push(name.to_owned());
            if name == last {
                break;
            }
        }
    }
    all
}

#[test]
fn a_plain_start_makes_no_call_that_it_does_not_need() {
    let mut ns = Builder::new(Init::Pidone).inittab("::respawn:/bin/sleep 100000\n").start();
    ns.until("it does not run", || ns.procs().named("sleep").len() == 1);
    ns.until_ready();
    let first = ns.procs().named("sleep")[0].pid;
    let trace = Trace::attach(&ns, "all");
    sys::kill(ns.host_pid(first), libc::SIGKILL).unwrap();
    let second = || ns.procs().named("sleep").into_iter().find(|p| p.pid != first);
    ns.until("it is not started again", || second().is_some());
    let child = ns.host_pid(second().unwrap().pid).to_string();
    ns.power_off();
    let text = trace.text();
    let expected = ["setsid", "close_range", "rt_sigprocmask", "execve"];
    assert_eq!(calls(&text, &child, "execve"), expected, "{text}");
    let parent = calls(&text, &ns.pid().to_string(), "clone");
    // It is told of the end, reaps, looks whether others have ended, and reads the clock for what
    // happened.
    let parent: Vec<_> = parent.iter().filter(|name| *name != "clock_gettime").collect();
    assert_eq!(parent[parent.len() - 3..], ["wait4", "wait4", "clone"], "{text}");
}
