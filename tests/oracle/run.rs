//! Runs cases side by side and compares what each init made of them.

use std::any::Any;
use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::case::{Case, Look, Step};
use crate::support::trace::Trace;
use crate::support::wait::came_true;
use crate::support::{Builder, Init, Namespace, sys};

/// Runs every case on both sides; gives a readable difference for each that is not as pinned.
pub fn in_pool(cases: &[&'static Case], workers: usize) -> Vec<String> {
    let only_busybox = std::env::var_os("ORACLE_THEIRS").is_some();
    let sides = if only_busybox { &[Init::Busybox][..] } else { &[Init::Busybox, Init::Pidone] };
    let jobs = sides.iter().flat_map(|init| cases.iter().map(move |case| (*init, *case)));
    let jobs: Vec<_> = jobs.collect();
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..workers.min(jobs.len()) {
            scope.spawn(|| {
                while let Some((init, case)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let failure = catch_unwind(AssertUnwindSafe(|| difference(case, *init)));
                    let failure = failure.unwrap_or_else(|e| Some(broken(case, &*e)));
                    failures.lock().expect("no worker panics while it adds").extend(failure);
                }
            });
        }
    });
    let mut failures = failures.into_inner().expect("no worker panics while it adds");
    failures.sort();
    failures
}

fn broken(case: &Case, error: &(dyn Any + Send)) -> String {
    let text = error.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| error.downcast_ref::<&str>().copied());
    format!("=== {}\n{}", case.name, text.unwrap_or("a panic without words"))
}

/// Runs one side of a case; `None` when its outcome is the pinned one.
fn difference(case: &Case, init: Init) -> Option<String> {
    let mut run = Run::start(case, init);
    for step in case.steps {
        run.step(step);
    }
    let wanted = case.verdict.of(init).trim_end();
    // What a unit writes may come a moment after what the last step waited for.
    let as_wanted = came_true(|| run.outcome() == wanted);
    let outcome = run.outcome();
    if std::env::var_os("ORACLE_SHOW").is_some() {
        println!("=== {} under {}\n{outcome}", case.name, init.label());
    }
    if as_wanted {
        return None;
    }
    let head = format!("=== {} under {}", case.name, init.label());
    let lines = line_difference(wanted, &outcome);
    Some(format!("{head}\n{lines}{}", run.ns.state()))
}

/// The wanted and the seen lines, each marked where the other side lacks it.
fn line_difference(wanted: &str, seen: &str) -> String {
    let (wanted, seen): (Vec<_>, Vec<_>) = (wanted.lines().collect(), seen.lines().collect());
    let mut text = String::new();
    for row in 0..wanted.len().max(seen.len()) {
        match (wanted.get(row), seen.get(row)) {
            (Some(a), Some(b)) if a == b => text.push_str(&format!("    {a}\n")),
            (a, b) => {
                a.inspect(|a| text.push_str(&format!("  - {a}\n")));
                b.inspect(|b| text.push_str(&format!("  + {b}\n")));
            }
        }
    }
    text
}

/// One side of a case while it runs.
struct Run<'a> {
    case: &'a Case,
    ns: Namespace,
    trace: Option<Trace>,
    ended: bool,
}

impl Run<'_> {
    fn start(case: &Case, init: Init) -> Run<'_> {
        let mut builder = Builder::new(init).console(case.console).dir(case.dir);
        builder = builder.argv(case.argv).umask(case.umask);
        for (path, content) in case.files {
            builder = builder.file(path, content);
        }
        for word in case.env {
            builder = builder.env(word);
        }
        if let Some(inittab) = case.inittab {
            builder = builder.inittab(inittab);
        }
        let ns = builder.start();
        let trace = case.traced.then(|| Trace::attach(&ns, "reboot"));
        Run { case, ns, trace, ended: false }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Said(line) => self.ns.until_said(line, 1),
            Step::SaidTimes(line, times) => self.ns.until_said(line, times),
            Step::Shown(text) => self.ns.until_shown(text),
            Step::Ready => self.ns.until_ready(),
            Step::Send(signal) => self.ns.send(signal),
            Step::Pending(signal) => {
                let what = format!("signal {signal} was taken");
                self.ns.until(&what, || self.ns.procs().pending(signal));
            }
            Step::Taken(signal) => {
                let what = format!("signal {signal} was not taken");
                self.ns.until(&what, || !self.ns.procs().pending(signal));
            }
            Step::Write(path, content) => self.ns.root().write(path, content),
            Step::Remove(path) => {
                std::fs::remove_file(self.ns.root().path(path)).expect("the file is there");
            }
            Step::Press(keys) => self.ns.screen().press(keys),
            Step::Mark(line) => self.mark(line),
            Step::KillAll(name) => {
                let what = format!("no {name} to kill");
                self.ns.until(&what, || !self.ns.procs().named(name).is_empty());
                self.kill_all(name);
            }
            Step::KillIfAlive(name) => self.kill_all(name),
            Step::Reaped(name) => {
                let gone = || !self.ns.procs().all().iter().any(|process| process.name == name);
                self.ns.until(&format!("{name} was not reaped"), gone);
            }
            Step::End => {
                self.ns.end();
                self.ended = true;
            }
            Step::For(init, step) => {
                if self.ns.init() == init {
                    self.step(step);
                }
            }
        }
    }

    /// A line of the test between those of the recorders.
    fn mark(&self, line: &str) {
        let log = OpenOptions::new().append(true).create(true).open(self.ns.root().path("out/log"));
        writeln!(log.expect("the log can be opened"), "{line}").expect("the log takes a line");
    }

    fn kill_all(&self, name: &str) {
        let victims = self.ns.procs().named(name);
        for victim in &victims {
            // One that has been asked to end may do so just now.
            let host = self.ns.host_pid_if_there(victim.pid);
            let _ = host.map(|pid| sys::kill(pid, libc::SIGKILL));
        }
        let gone = |pid: i32| !self.ns.procs().all().iter().any(|process| process.pid == pid);
        self.ns.until("a killed process was not reaped", || victims.iter().all(|v| gone(v.pid)));
    }

    /// The log and the looks, in a form that both sides share.
    fn outcome(&mut self) -> String {
        let mut counts = HashMap::new();
        let log = self.ns.log();
        let mut lines: Vec<String> = Vec::new();
        for line in log.lines().filter(|line| *line != "done") {
            let count: &mut usize = counts.entry(line).or_default();
            *count += 1;
            if *count <= self.case.cap {
                lines.push(line.to_owned());
            }
        }
        if self.case.sorted {
            lines.sort();
        }
        if self.ended {
            lines.push(format!("-- {}", self.ns.end()));
        }
        lines.extend(self.case.looks.iter().map(|look| self.look(look)));
        lines.join("\n").trim_end().to_owned()
    }

    fn look(&self, look: &Look) -> String {
        let console = self.ns.console();
        match look {
            Look::Complaints => format!("complaints: {}", complaints(&console).join(" ")),
            Look::Console(text) => {
                let shown = if console.contains(text) { "shows" } else { "does not show" };
                format!("console {shown}: {}", text.trim())
            }
            Look::ConsoleLines(start) => {
                let lines = console.lines().filter(|line| line.starts_with(start));
                lines.collect::<Vec<_>>().join("\n").replace('\t', " ")
            }
            Look::HowOften(text) => {
                let often = match console.lines().filter(|line| line.contains(text)).count() {
                    0 => "never",
                    1 => "once",
                    _ => "again and again",
                };
                format!("console shows {often}: {}", text.trim())
            }
            Look::Alive(name) => format!("{name} alive: {}", self.ns.procs().named(name).len()),
            Look::Zombies => format!("zombies: {}", self.ns.procs().zombies()),
            Look::RebootCommand => {
                let trace = self.trace.as_ref().expect("the case is traced");
                // The last one: the first may still have been that of Ctrl-Alt-Del at the start.
                let text = trace.text();
                let command = text.rsplit_once("LINUX_REBOOT_CMD_").map(|(_, rest)| rest);
                let end = |c: char| c != '_' && !c.is_ascii_uppercase();
                let command = command.and_then(|c| c.split(end).next().map(str::to_owned));
                format!("reboot command: {}", command.unwrap_or_default())
            }
        }
    }
}

/// The line numbers that either init complained about, in order and each once.
fn complaints(console: &str) -> Vec<String> {
    let mut numbers: Vec<String> = Vec::new();
    for line in console.lines() {
        let after = |mark: &str| line.split_once(mark).map(|(_, rest)| rest);
        let Some(rest) = after("inittab entry at line ").or_else(|| after("inittab:")) else {
            continue;
        };
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        if !digits.is_empty() && !numbers.contains(&digits) {
            numbers.push(digits);
        }
    }
    numbers
}
