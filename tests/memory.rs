//! What process 1 holds in memory while it has nothing to do.

mod support;

use std::fs;
use std::time::{Duration, Instant};

use support::trace::Trace;
use support::wait::came_true_within;
use support::{Builder, Init, Namespace};

/// The most resident memory of an idle process 1 with ten services, in kB, and the most of it that
/// is its own alone. Two pages of code, two or three of stack and four of tables are usual.
const RESIDENT_MAX: u32 = 48;
const OWN_MAX: u32 = 32;

/// Leaves a hundred orphans behind, each of which ends at once, and says so when all are made.
const ORPHANS: &str = "#!/bin/sh
i=0
while [ $i -lt 100 ]; do ( : & ); i=$((i + 1)); done
exec /bin/say made
";

/// A figure of the kernel's account, in kB.
fn kilobytes(ns: &Namespace, name: &str) -> u32 {
    let account = fs::read_to_string(format!("/proc/{}/smaps_rollup", ns.pid())).unwrap();
    let figure = account.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    figure.unwrap().trim_end_matches("kB").trim().parse().unwrap()
}

/// Waits until it is idle in so little memory. What is its own is what a file does not back: on a
/// root of memory alone every page of a program counts as dirty.
fn until_small(ns: &Namespace, when: &str) {
    let small = || {
        ns.sleeps_in(libc::SYS_rt_sigtimedwait)
            && kilobytes(ns, "Rss") <= RESIDENT_MAX
            && kilobytes(ns, "Anonymous") <= OWN_MAX
    };
    ns.until(&format!("{when} it does not come down to {RESIDENT_MAX} kB"), small);
}

#[test]
fn an_idle_init_keeps_little_in_memory_and_orphans_do_not_change_that() {
    let lines = (0..10).map(|i| format!("::respawn:/bin/sleep 10000{i}\n"));
    let inittab: String = lines.chain(["::ctrlaltdel:/bin/orphans\n".into()]).collect();
    let mut ns = Builder::new(Init::Pidone).inittab(inittab).file("bin/orphans", ORPHANS).start();
    let services = |ns: &Namespace| ns.procs().named("sleep");
    ns.until("not all services came up", || services(&ns).len() == 10);
    until_small(&ns, "after the boot");
    let idle = kilobytes(&ns, "Rss");
    eprintln!("{idle} kB resident, {} kB of it its own", kilobytes(&ns, "Anonymous"));

    // What a service that ends brings in goes again.
    let victim = ns.host_pid(services(&ns)[0].pid);
    support::sys::kill(victim, libc::SIGKILL).unwrap();
    let gone = || fs::metadata(format!("/proc/{victim}")).is_err();
    ns.until("the service is not started anew", || gone() && services(&ns).len() == 10);
    until_small(&ns, "after a start");

    // Orphans bring in nothing, so that nothing has to be given back for each of them.
    let trace = Trace::attach(&ns, "madvise,wait4");
    ns.send(libc::SIGINT);
    ns.until_said("made", 1);
    ns.until("a zombie stayed", || ns.procs().zombies() == 0);
    until_small(&ns, "after a hundred orphans");
    ns.power_off();
    let (text, pid) = (trace.text(), ns.pid().to_string());
    let ours = text.lines().filter(|line| line.split(' ').next() == Some(&pid));
    // What makes them may be slow to become a program, and that is looked at again and again.
    let since_the_first = ours.skip_while(|line| !line.contains("WIFEXITED"));
    let calls = |name: &str| since_the_first.clone().filter(|line| line.contains(name)).count();
    assert!(calls("wait4(") >= 100, "the trace shows what there is to be seen: {text}");
    assert!(calls("madvise(") < 30, "{text}");
}

#[test]
fn what_slow_starts_take_is_given_back_soon_after_them_whatever_happens_meanwhile() {
    let held = "::respawn:/bin/hold a\n";
    let mut ns = Builder::new(Init::Pidone).inittab(held).start();
    ns.until_said("a", 1);
    ns.until_ready();
    // As a disk that has much to do holds a program.
    let slow = ["-f", "-e", "trace=execve", "-e", "inject=execve:delay_enter=2000000"];
    let trace = Trace::of(ns.pid(), ns.root().path("tmp/trace"), &slow);
    let more = (1..=4).map(|n| format!("::respawn:/bin/usleep 10000000{n}\n"));
    ns.root().write("etc/inittab", [held.to_owned()].into_iter().chain(more).collect::<String>());
    let begun = Instant::now();
    ns.send(libc::SIGHUP);
    // A child has the name of its parent until it becomes a program.
    let born = |name: &str| ns.procs().named(name).len();
    ns.until("not all of them are born", || born("init") - 1 + born("usleep") == 4);
    for _ in 0..20 {
        ns.send(libc::SIGWINCH);
        ns.until("the signal was not taken", || !ns.procs().pending(libc::SIGWINCH));
    }
    ns.until("not all services came up", || born("usleep") == 4);
    // It is looked at again after no more than the time that it has taken, which is much less than
    // the minute that there is at most between two looks.
    let soon = 2 * begun.elapsed() + Duration::from_secs(15);
    // On a slow machine the last of the signals come after that, and bring in a few pages, which
    // stay until something happens; the four places of those children are twelve.
    let most = RESIDENT_MAX + 16;
    let small = || ns.sleeps_in(libc::SYS_rt_sigtimedwait) && kilobytes(&ns, "Rss") <= most;
    assert!(came_true_within(soon, small), "{} kB after {soon:?}", kilobytes(&ns, "Rss"));
    drop(trace);
    ns.power_off();
}

/// The same for a hundred services, whatever they use of what a service manager has, and also with
/// the pipe of each still open. Where the kernel lays the words of a program on its stack is
/// chance, which is worth a page or two; so this is the best of some starts.
const HUNDRED_MAX: u32 = 64;

#[test]
fn a_hundred_services_take_little_more() {
    assert_hundred("plain", &|i| format!("::respawn:/bin/sleep 10000{i}\n"));
}

#[test]
fn a_hundred_services_that_are_not_ready_take_little_more() {
    let line = |i| format!(":needs=base,ready=fd3,nice=1,nofile=64:respawn:/bin/sleep 10000{i}\n");
    assert_hundred("waiting", &line);
}

#[test]
fn a_hundred_services_that_use_everything_take_little_more() {
    // So long is a line at most if a hundred are to fit.
    let line = |i| {
        format!(
            ":name=s{i},needs=base,delay=1s,max=9/1h,grace=9s,user=root,dir=/tmp,\
             env=/etc/e,nofile=99,check=/bin/true,every=1h,watchdog=1h,mem=64M,port=80\
             :respawn:/bin/sleep 10000{i}\n"
        )
    };
    assert_hundred("rich", &line);
}

/// The same where each has a log: of each, 24 bytes are remembered and 12 of descriptors, and the
/// code that looks after readers is not given back.
const LOGGING_MAX: u32 = HUNDRED_MAX + 12;

#[test]
fn a_hundred_services_with_a_log_each_take_little_more() {
    let line = |i| format!(":log=/out/{i},log-size=64K:respawn:/bin/sleep 10000{i}\n");
    assert_hundred_in("logging", LOGGING_MAX, &line);
}

/// That a hundred services of such lines, of which each may need the first, leave little resident.
fn assert_hundred(name: &str, line: &dyn Fn(u32) -> String) {
    assert_hundred_in(name, HUNDRED_MAX, line);
}

fn assert_hundred_in(name: &str, most: u32, line: &dyn Fn(u32) -> String) {
    let base = "#!/bin/sh\necho >&3\nexec sleep 100000\n";
    let first = ":name=base,ready=fd3:respawn:/bin/base\n".to_owned();
    let inittab: String = [first].into_iter().chain((1..100).map(line)).collect();
    let mut least = u32::MAX;
    for _ in 0..4 {
        let inittab = inittab.clone();
        let start = Builder::new(Init::Pidone).inittab(inittab).file("bin/base", base);
        let start = start.file("etc/e", "A=b\n").file("etc/group", "root:x:0:\n");
        let begun = Instant::now();
        let mut ns = start.file("etc/passwd", "root:x:0:0::/:/bin/sh\n").start();
        ns.until("not all services came up", || ns.procs().named("sleep").len() == 100);
        // It gives memory back when it has told what it has to tell, and again after no more than
        // the time in which programs were slow to begin.
        let soon = 2 * begun.elapsed() + Duration::from_secs(2);
        let mut now = u32::MAX;
        let small = || {
            now = kilobytes(&ns, "Rss");
            ns.sleeps_in(libc::SYS_rt_sigtimedwait) && now <= most
        };
        came_true_within(soon, small);
        least = least.min(now);
        assert!(!ns.console().contains("cannot listen"), "{}", ns.state());
        ns.power_off();
        if least <= most {
            break;
        }
    }
    eprintln!("{name}: {least} kB resident with a hundred services");
    assert!(least <= most, "{name}: {least} kB");
}

/// The most resident memory of a container's init with one child, in kB. The kernel lays words and
/// environment at random places of the stack, which takes two pages of it, or one, or three; so
/// this is the best of some starts.
const CONTAINER_MAX: u32 = 20;

/// What it takes without the stack: two pages of code and one that is written to.
const CONTAINER_OWN: u32 = 12;

#[test]
fn a_containers_init_takes_five_pages_and_keeps_to_its_first_segment() {
    let least = (0..8).map(|_| container_takes()).min();
    assert!(least <= Some(CONTAINER_MAX), "{least:?} kB");
}

/// Starts one and signals it, so that relaying is counted as well.
fn container_takes() -> u32 {
    let mut command = std::process::Command::new(support::tools::pidone());
    let path = "/bin:/usr/bin";
    let sleep = ["--", "sleep", "1000"];
    let mut init = command.args(sleep).env_clear().env("PATH", path).spawn().unwrap();
    let waits = || support::procs::sleeps_in(init.id() as i32, libc::SYS_rt_sigtimedwait);
    assert!(support::wait::came_true(waits), "it does not wait");
    support::sys::kill(init.id() as i32, libc::SIGCONT).unwrap();
    assert!(support::wait::came_true(waits), "it does not wait again");
    let (mut all, mut stack) = (0, 0);
    let mut area = String::new();
    for line in fs::read_to_string(format!("/proc/{}/smaps", init.id())).unwrap().lines() {
        match line.strip_prefix("Rss:") {
            Some(size) => {
                let size: u32 = size.trim().trim_end_matches("kB").trim().parse().unwrap();
                all += size;
                stack += if area.ends_with("[stack]") { size } else { 0 };
            }
            None if !line.split(' ').next().unwrap().ends_with(':') => area = line.into(),
            None => {}
        }
    }
    support::sys::kill(init.id() as i32, libc::SIGTERM).unwrap();
    assert_eq!(init.wait().unwrap().code(), Some(143));
    assert!(all - stack <= CONTAINER_OWN, "{all} kB, {stack} kB of it stack");
    all
}
