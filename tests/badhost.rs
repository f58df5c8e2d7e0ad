//! Bad days that take more than an inittab: file systems that never answer, and floods.

mod support;

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use support::badfs::dead_file_system;
use support::procs::sleeps_in;
use support::root::Root;
use support::trace::Trace;
use support::{Builder, End, Fence, Init, Namespace, sys, tools, wait};

/// Children of PID 1 that have not become a program and wait for the file system.
fn held(ns: &Namespace) -> usize {
    let children = ns.procs().named("init").into_iter().filter(|process| process.pid != 1);
    let hosts = children.filter_map(|child| ns.host_pid_if_there(child.pid));
    let waits = |&pid: &i32| [libc::SYS_access, libc::SYS_execve].map(|call| sleeps_in(pid, call));
    hosts.filter(|pid| waits(pid).contains(&true)).count()
}

#[test]
fn a_dead_file_system_under_a_program_or_its_condition_holds_the_child_alone() {
    let builder = Builder::new(Init::Pidone).inittab(
        "::once:/dead/program\n:if=/dead/path:once:/bin/say never\n::respawn:/bin/hold a\n\
         ::ctrlaltdel:/bin/say pressed\n",
    );
    let Some(_server) = dead_file_system(&builder) else {
        eprintln!("skipped: this kernel has no FUSE, or does not let root mount it");
        return;
    };
    let mut ns = builder.start();
    ns.until_said("a", 1);
    ns.until("the file system did not hold two children", || held(&ns) == 2);
    ns.send(libc::SIGINT);
    ns.until_said("pressed", 1);
    ns.power_off();
    assert!(!ns.log().contains("never"), "{}", ns.log());
}

/// Makes a thousand orphans, each of which ends at once, when the test lets it: so fast that even
/// on a busy machine they come faster than they can go. It never starts two at a time, and it is
/// fenced: no more than these can come of it.
const FLOOD: &str = "/bin/actor stream 0 1000";

/// More than PID 1 reaps before it listens again.
const PILE: usize = 100;

#[test]
fn signals_and_deadlines_are_heard_in_a_flood_of_orphans() {
    let deaf = ":grace=100ms:respawn:/bin/deaf a\n";
    let rest = format!("::respawn:{FLOOD}\n::ctrlaltdel:/bin/say pressed\n");
    let builder = Builder::new(Init::Pidone).inittab(deaf);
    builder.root().copy(tools::actor(), "bin/actor");
    let mut ns = builder.start();
    ns.until_said("a", 1);
    ns.until("the deaf unit does not rest", || ns.procs().named("sleep").len() == 1);
    let Some(fence) = Fence::around(&ns) else {
        eprintln!("skipped: this host has no pids controller that root may use");
        return;
    };
    fence.set("2000");
    ns.root().write("etc/inittab", format!("{deaf}{rest}"));
    ns.send(libc::SIGHUP);
    ns.until_said("ready", 1);
    // Each reaping takes so long that the orphans come faster than they can go.
    let trace = Trace::slow(&ns, "wait4", 20_000);
    ns.root().write("out/go", "");
    ns.until("the orphans do not pile up", || ns.procs().orphaned_zombies() > 5 * PILE);
    ns.root().write("etc/inittab", rest);
    ns.send(libc::SIGHUP);
    ns.send(libc::SIGINT);
    ns.until_said("pressed", 1);
    let lives = |name: &str| ns.procs().named(name).iter().any(|process| process.state != 'Z');
    ns.until("the deaf unit was not killed", || !lives("deaf"));
    let waiting = ns.procs().orphaned_zombies();
    assert!(waiting > PILE, "only {waiting} orphans still waited: {}", ns.state());
    drop(trace);
    ns.power_off();
}

/// The last of the real-time signals, of which every single one that was sent waits to be taken.
const QUEUED: i32 = 64;

#[test]
fn children_are_reaped_while_signals_come_without_an_end() {
    let restless = ":delay=1ms,max-delay=1ms:respawn:/bin/say again\n";
    let flood = format!("::respawn:/bin/actor flood {QUEUED}\n{restless}");
    let builder = Builder::new(Init::Pidone).inittab(flood);
    builder.root().copy(tools::actor(), "bin/actor");
    let mut ns = builder.start();
    ns.until_said("again", 1);
    // Each signal takes PID 1 so long that the next ones come faster.
    let trace = Trace::slow(&ns, "rt_sigtimedwait", 1_000);
    ns.until("no signal waits", || ns.procs().pending(QUEUED));
    // After news of a descriptor whoever asks for something comes before the children.
    ns.send(libc::SIGIO);
    ns.until("the news was not heard", || !ns.procs().pending(libc::SIGIO));
    let before = ns.log().lines().count();
    ns.until_said("again", before + 20);
    // The last one may have been taken before more come.
    ns.until("the flood was over", || ns.procs().pending(QUEUED));
    drop(trace);
    ns.power_off();
}

#[test]
fn a_machine_that_can_start_nothing_any_more_goes_down() {
    let mut ns = Builder::new(Init::Pidone).inittab("::respawn:/bin/hold a\n").start();
    ns.until_said("a", 1);
    let Some(fence) = Fence::around(&ns) else {
        eprintln!("skipped: this host has no pids controller that root may use");
        return;
    };
    fence.set("1");
    ns.power_off();
    let console = ns.console();
    assert!(console.contains("sync: cannot fork: Resource temporarily unavailable"), "{console}");
}

#[test]
fn a_child_that_may_not_have_our_memory_gets_its_own() {
    let mut ns = Builder::new(Init::Pidone)
        .inittab("::respawn:/bin/sleep 100000\n::ctrlaltdel:/bin/say pressed\n")
        .start();
    ns.until("nothing respawned", || ns.procs().named("sleep").len() == 1);
    ns.until_ready();
    // As a filter of system calls may refuse it, which looks at the flags.
    let refused = ["-e", "trace=clone", "-e", "inject=clone:error=EPERM:when=1"];
    let trace = Trace::of(ns.pid(), ns.root().path("tmp/trace"), &refused);
    ns.send(libc::SIGINT);
    ns.until_said("pressed", 1);
    assert_eq!(trace.text().matches("(INJECTED)").count(), 1, "{}", trace.text());
    assert!(!ns.console().contains("cannot fork"), "{}", ns.console());
    drop(trace);
    ns.power_off();
}

#[test]
fn a_container_is_left_whatever_is_said_in_place_of_a_reboot() {
    let mut ns = Builder::new(Init::Pidone).inittab("::respawn:/bin/hold a\n").start();
    ns.until_said("a", 1);
    // As an engine's filter answers to what it does not know.
    let refused = ["-f", "-e", "trace=reboot", "-e", "inject=reboot:error=ENOSYS"];
    let _trace = Trace::of(ns.pid(), ns.root().path("tmp/trace"), &refused);
    ns.send(libc::SIGUSR2);
    assert_eq!(ns.end(), End::Exit(0));
}

#[test]
fn children_are_reaped_while_signals_of_a_lower_number_come_without_an_end() {
    let restless = ":delay=1ms,max-delay=1ms:respawn:/bin/say again\n";
    let flood = format!("::respawn:/bin/actor flood {}\n{restless}", libc::SIGINT);
    let builder = Builder::new(Init::Pidone).inittab(flood);
    builder.root().copy(tools::actor(), "bin/actor");
    let mut ns = builder.start();
    ns.until_said("again", 1);
    let trace = Trace::slow(&ns, "rt_sigtimedwait", 5_000);
    ns.until("no signal waits", || ns.procs().pending(libc::SIGINT));
    let before = ns.log().lines().count();
    ns.until_said("again", before + 20);
    // It is taken, and is there again at once.
    ns.until("the flood was over", || ns.procs().pending(libc::SIGINT));
    drop(trace);
    ns.power_off();
}

#[test]
fn what_is_asked_while_no_program_takes_the_place_of_process_1_is_answered() {
    let builder = Builder::new(Init::Pidone).inittab("::restart:/none\n::respawn:/bin/hold a\n");
    builder.root().copy(tools::pidone(), "bin/initctl");
    let mut ns = builder.start();
    let pid = ns.pid().to_string();
    let ask = || {
        let mut asks = std::process::Command::new("nsenter");
        asks.args(["-t", &pid, "-n", "-r", "-w", "/bin/initctl", "status"]);
        asks.output().expect("util-linux has nsenter")
    };
    ns.until("nobody answers", || ask().status.success());
    let slowly = ["-e", "trace=execve", "-e", "inject=execve:delay_enter=1500000"];
    let trace = Trace::of(ns.pid(), ns.root().path("tmp/trace"), &slowly);
    ns.send(libc::SIGQUIT);
    ns.until("no program is tried", || trace.text().contains("execve(\"/none\""));
    let said = ask();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    drop(trace);
    ns.power_off();
}

#[test]
fn term_ends_a_reader_to_which_the_kernel_cannot_show_it() {
    let root = Root::new();
    root.copy(Init::Pidone.program(), "bin/logger");
    let (input, _unit) = sys::pipe().unwrap();
    // There is room for the spool, and not for the descriptor by which TERM would be seen.
    let line = "exec prlimit --nofile=4 chroot \"$0\" /bin/logger -r 3>&-";
    let mut command = Command::new("sh");
    command.args(["-c", line]).arg(root.path("")).stdin(input).stdout(Stdio::null());
    let mut reader = sys::spawn(&mut command).unwrap();
    let pid = reader.id() as i32;
    assert!(wait::came_true(|| sleeps_in(pid, libc::SYS_ppoll)));
    sys::kill(pid, libc::SIGTERM).unwrap();
    let ended = wait::came_true(|| reader.try_wait().unwrap().is_some());
    if !ended {
        reader.kill().unwrap();
    }
    assert_eq!(reader.wait().unwrap().signal(), Some(libc::SIGTERM));
}
