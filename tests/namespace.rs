//! pidone as PID 1 of a namespace: what only it promises, on an ordinary day.

mod support;

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use support::trace::Trace;
use support::{Builder, Console, End, Init, Namespace, Syslog, tools};

fn pidone(inittab: &str) -> Builder {
    Builder::new(Init::Pidone).inittab(inittab)
}

/// What reboot(2) is called with last after a signal.
fn reboot_command(signal: i32) -> (String, End) {
    let mut ns = pidone("::respawn:/bin/hold a\n").start();
    let trace = Trace::attach(&ns, "reboot");
    ns.until_said("a", 1);
    ns.send(signal);
    let end = ns.end();
    let text = trace.text();
    // The last one: whether the machine is ours is asked with another one before.
    let command = text.rsplit("LINUX_REBOOT_CMD_").next().unwrap_or_default();
    (command.split([',', ')', ' ']).next().unwrap_or_default().to_owned(), end)
}

#[test]
fn the_real_time_signals_of_systemd_halt_power_off_and_reboot() {
    let halt = reboot_command(libc::SIGRTMIN() + 3);
    assert_eq!(halt, ("HALT".into(), End::HaltOrPowerOff));
    let power_off = reboot_command(libc::SIGRTMIN() + 4);
    assert_eq!(power_off, ("POWER_OFF".into(), End::HaltOrPowerOff));
    let reboot = reboot_command(libc::SIGRTMIN() + 5);
    assert_eq!(reboot, ("RESTART".into(), End::Reboot));
}

#[test]
fn what_is_not_mounted_is_mounted_and_what_is_mounted_stays() {
    let mut ns = pidone("::wait:/bin/cp /proc/mounts /out/mounts\n::wait:/bin/say done\n")
        .without_proc()
        .start();
    ns.until_said("done", 1);
    let mounts = ns.root().read("out/mounts");
    let kinds = |place: &str| -> Vec<String> {
        let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        fields.filter(|f| f.get(1) == Some(&place)).map(|f| f[2].to_owned()).collect()
    };
    assert_eq!(kinds("/proc"), ["proc"], "{mounts}");
    assert_eq!(kinds("/run"), ["tmpfs"], "{mounts}");
    assert_eq!(kinds("/dev"), ["tmpfs"], "{mounts}");
    assert_eq!(kinds("/sys"), ["tmpfs"], "{mounts}");
    ns.power_off();
}

#[test]
fn the_built_in_shutdown_lines_run_in_the_order_of_busyboxs_code() {
    let stub = |name: &str| format!("#!/bin/sh\n/bin/say {name} $*\n");
    let mut ns = Builder::new(Init::Pidone)
        .console(Console::Pty)
        .file("etc/init.d/rcS", stub("rcS"))
        .file("sbin/umount", stub("umount"))
        .file("sbin/swapoff", stub("swapoff"))
        .file("sbin/reboot", stub("reboot"))
        .start();
    ns.until_shown("Please press Enter to activate this console. ");
    ns.send(libc::SIGINT);
    ns.until_said("reboot", 1);
    ns.power_off();
    assert_eq!(ns.log(), "rcS\nreboot\numount -a -r\nswapoff -a\n");
}

#[test]
fn in_a_namespace_no_file_system_is_taken_away_at_the_end() {
    // What is mounted in a namespace may be the machine's, in use by others.
    let mut ns = pidone("::respawn:/bin/hold a\n").start();
    ns.until_said("a", 1);
    let trace = Trace::attach(&ns, "umount2,mount,reboot");
    ns.power_off();
    let text = trace.text();
    assert!(text.contains("reboot("), "the trace shows what there is to be seen: {text}");
    assert!(!text.contains("mount"), "{text}");
}

#[test]
fn an_idle_init_with_ten_services_never_wakes_up() {
    let lines: String = (0..10).map(|i| format!("::respawn:/bin/sleep 10000{i}\n")).collect();
    let mut ns = pidone(&lines).start();
    ns.until("not all services came up", || ns.procs().named("sleep").len() == 10);
    // It waits without a deadline, which is the third word of the call, and has not been switched
    // to since it was seen to: the boot is over, messages and all.
    let mut before = 0;
    ns.until("the boot did not come to rest", || {
        before = ns.procs().switches();
        let call = ns.procs().read("1/syscall");
        let mut words = call.split(' ');
        let waits = words.next() == Some(&libc::SYS_rt_sigtimedwait.to_string());
        // Nobody else is left who could end, as whoever wrote the records does.
        let alone = ns.procs().all().len() == 11;
        alone && waits && words.nth(2) == Some("0x0") && ns.procs().switches() == before
    });
    // The one fixed time of the tests: that nothing happens can only be seen by waiting.
    thread::sleep(Duration::from_secs(10));
    assert_eq!(ns.procs().switches(), before, "PID 1 was switched to while nothing happened");
    ns.power_off();
}

#[test]
fn a_unit_that_ignores_term_is_killed_after_its_grace_and_others_get_theirs() {
    let linger = "#!/bin/sh
trap '/bin/await /out/leave; /bin/say lingered; exit' TERM
/bin/say linger
while :; do sleep 100000 & wait $!; done
";
    let lines = ":grace=300ms:respawn:/bin/deaf a\n:grace=1h:respawn:/bin/linger\n\
                 ::shutdown:/bin/say s\n";
    let mut ns = pidone(lines).file("bin/linger", linger).start();
    ns.until_said("a", 1);
    ns.until_said("linger", 1);
    ns.send(libc::SIGUSR2);
    ns.until("the deaf unit was not killed", || ns.procs().named("deaf").is_empty());
    assert_eq!(ns.log().lines().count(), 2, "{}", ns.log());
    ns.root().write("out/leave", "");
    assert_eq!(ns.end(), End::HaltOrPowerOff);
    let log = ns.log();
    assert!(log.ends_with("lingered\ns\n"), "{log}");
}

#[test]
fn a_second_request_shortens_an_hour_of_grace() {
    let mut ns = pidone(":grace=1h:respawn:/bin/deaf a\n::shutdown:/bin/say s\n").start();
    ns.until_said("a", 1);
    ns.send(libc::SIGUSR2);
    ns.until_shown("going down");
    assert!(ns.runs(), "an hour of grace has not gone by");
    ns.power_off();
    assert_eq!(ns.log(), "a\ns\n");
}

#[test]
fn a_removed_unit_is_stopped_with_the_signal_and_grace_of_its_line() {
    let polite = "#!/bin/sh
trap '/bin/say minds USR1; exit' USR1
/bin/say up
while :; do sleep 100000 & wait $!; done
";
    let inittab = ":stop=USR1:respawn:/bin/polite\n:grace=200ms:respawn:/bin/deaf a\n";
    let mut ns = pidone(inittab).file("bin/polite", polite).start();
    ns.until_said("up", 1);
    ns.until_said("a", 1);
    ns.root().write("etc/inittab", "::respawn:/bin/hold b\n");
    ns.send(libc::SIGHUP);
    ns.until_said("b", 1);
    ns.until_said("minds USR1", 1);
    ns.until("the deaf unit lives on", || ns.procs().named("deaf").is_empty());
    ns.power_off();
}

#[test]
fn ctrl_c_reaches_the_foreground_job_of_a_login_shell_and_not_the_shell() {
    let mut ns = pidone("pts/0::respawn:-/bin/sh\n").console(Console::Pty).start();
    ns.until_shown("#");
    ns.screen().press("sleep 98765\n");
    ns.until("the job did not start", || ns.procs().named("sleep").len() == 1);
    let shell = ns.procs().named("sh");
    ns.screen().press("\x03");
    ns.until("Ctrl-C did not reach the job", || ns.procs().named("sleep").is_empty());
    ns.screen().press("/bin/say back in $$\n");
    let shell = shell.first().expect("the login shell is called sh").pid;
    ns.until_said(&format!("back in {shell}"), 1);
    assert!(!ns.console().contains("job control turned off"), "{}", ns.state());
    ns.power_off();
}

#[test]
fn ctrl_z_stops_a_job_and_the_shell_takes_it_up_again() {
    let mut ns = pidone("pts/0::respawn:-/bin/sh\n").console(Console::Pty).start();
    ns.until_shown("#");
    ns.screen().press("sleep 98765\n");
    ns.until("the job did not start", || ns.procs().named("sleep").len() == 1);
    ns.screen().press("\x1a");
    let stopped = |ns: &Namespace| ns.procs().named("sleep").iter().any(|p| p.state == 'T');
    ns.until("Ctrl-Z did not stop the job", || stopped(&ns));
    ns.screen().press("bg; say going\n");
    ns.until("the job did not go on", || !stopped(&ns));
    ns.power_off();
}

#[test]
fn an_interactive_shell_does_not_hold_up_a_shutdown() {
    // Its grace is longer than anybody waits for it here.
    let line = "pts/0:grace=1h:askfirst:-/bin/sh\n";
    let mut ns = pidone(line).console(Console::Pty).start();
    ns.until_shown("activate this console. ");
    ns.screen().press("\n");
    ns.until_shown("#");
    ns.power_off();
    // An interactive shell ignores TERM, so a hang-up has to have come.
    assert!(!ns.console().contains("killed"), "{}", ns.state());
}

#[test]
fn no_descriptor_of_pid_1_leaks_into_a_unit() {
    // Equal commands would collapse to one line, so each has one more blank.
    let lines = "::sysinit:/bin/probe fds\n::wait:/bin/probe  fds\n::once:/bin/probe   fds\n\
                 ::respawn:/bin/probe fds hold\n::ctrlaltdel:/bin/probe fds pressed\n";
    let builder = pidone(lines);
    let _syslog = Syslog::bind(builder.root());
    let ns = builder.start();
    let clean = "fds 0=/dev/null 1=/tmp/console 2=/tmp/console";
    ns.until_said(clean, 4);
    let more = format!("{lines}::respawn:/bin/probe  fds hold\n");
    ns.root().write("etc/inittab", more);
    ns.send(libc::SIGHUP);
    ns.until_said(clean, 5);
    ns.send(libc::SIGINT);
    ns.until_said("pressed", 1);
    let strange: Vec<_> = ns.log().lines().filter(|l| *l != clean).map(str::to_owned).collect();
    assert_eq!(strange, ["pressed"]);
}

#[test]
fn messages_go_to_syslog_as_rfc_3164_has_it() {
    let builder = pidone("::respawn:/bin/hold a\nbad line\n");
    let syslog = Syslog::bind(builder.root());
    let mut ns = builder.start();
    let seen = syslog.until("started");
    let (info, warning) = ("<30>pidone[1]: ", "<28>pidone[1]: ");
    assert!(seen.iter().any(|m| m.starts_with(info) && m.contains("started")), "{seen:?}");
    assert!(seen.iter().any(|m| m.starts_with(warning) && m.contains("inittab:2:")), "{seen:?}");
    assert!(seen.iter().all(|m| m.starts_with('<') && !m.contains('\n')), "{seen:?}");
    ns.power_off();
}

#[test]
fn a_console_in_a_file_keeps_what_everybody_wrote() {
    let words = "#!/bin/sh\necho these words of a unit are longer than any message of pidone: $1\n";
    let mut ns =
        pidone("bad\n::sysinit:/bin/words first\n::wait:/no/such\n::respawn:/bin/hold a\n")
            .file("bin/words", words)
            .start();
    ns.until_said("a", 1);
    ns.until_shown("inittab:1:");
    ns.until_shown("No such file or directory");
    ns.power_off();
    let console = ns.console();
    assert!(console.contains("these words of a unit are longer than"), "{console}");
    assert!(console.contains("pidone: first"), "{console}");
    assert!(console.contains("going down"), "{console}");
}

#[test]
fn an_unknown_option_is_reported_and_the_unit_runs_all_the_same() {
    let mut ns = pidone("::respawn:/bin/hold a\n:colour=red:respawn:/bin/hold b\n").start();
    ns.until_said("b", 1);
    ns.until_shown("inittab:2:");
    ns.until_shown("colour=red");
    ns.power_off();
}

#[test]
fn a_unit_with_a_limit_of_starts_fails_and_a_reload_gives_it_another_chance() {
    let mut ns = pidone(":max=3/1h,delay=0:respawn:/bin/say a\n::respawn:/bin/hold b\n").start();
    ns.until_said("a", 3);
    ns.until_shown("given up");
    ns.send(libc::SIGHUP);
    ns.until_said("a", 6);
    ns.power_off();
    let count = ns.log().lines().filter(|line| *line == "a").count();
    assert_eq!(count, 6, "{}", ns.state());
}

#[test]
fn a_unit_whose_path_is_missing_is_not_run() {
    let mut ns = pidone(
        ":if=/no/such:respawn:/bin/say a\n:if=/etc:respawn:/bin/hold b\n::respawn:/bin/hold c\n",
    )
    .start();
    ns.until_said("b", 1);
    ns.until_said("c", 1);
    ns.power_off();
    let mut log: Vec<_> = ns.log().lines().map(str::to_owned).collect();
    log.sort();
    assert_eq!(log, ["b", "c"]);
}

#[test]
fn without_being_pid_1_and_without_a_word_there_is_a_usage_text() {
    let output =
        Command::new(tools::pidone()).stdin(Stdio::null()).output().expect("the binary can be run");
    let text = String::from_utf8_lossy(&output.stderr).to_lowercase();
    assert_eq!(output.status.code(), Some(100), "{text}");
    assert!(text.contains("usage"), "{text}");
    assert!(output.stdout.is_empty(), "a usage error is no output");
}

#[test]
fn by_the_name_of_init_it_refuses_to_be_anything_but_pid_1() {
    use std::os::unix::process::CommandExt;
    let output = Command::new(tools::pidone())
        .arg0("init")
        .stdin(Stdio::null())
        .output()
        .expect("the binary can be run");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(100), "{text}");
    assert!(text.contains("process 1"), "{text}");
}

#[test]
fn a_prompt_that_nobody_answered_does_not_hold_up_the_way_down() {
    let line = "pts/0:grace=1h:askfirst:-/bin/sh\n";
    let mut ns = pidone(line).console(Console::Pty).start();
    let syslog = Syslog::bind(ns.root());
    ns.until_shown("press Enter");
    ns.send(libc::SIGUSR2);
    let said = syslog.until("pts/0 (pid ");
    let last = said.last().unwrap();
    assert!(last.contains("by SIGTERM") || last.contains("by SIGHUP"), "not by grace: {last}");
    assert_eq!(ns.end(), End::HaltOrPowerOff);
}

#[test]
fn a_child_that_asks_holds_no_descriptor_of_pid_1() {
    let builder = pidone("bad\npts/0::askfirst:-/bin/sh\n").console(Console::Pty);
    let _syslog = Syslog::bind(builder.root());
    let mut ns = builder.start();
    ns.until_shown("press Enter");
    let open = |pid: i32| -> Vec<String> {
        let names = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
        let mut names: Vec<_> = names.map(|n| n.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let asks = ns.procs().named("init").into_iter().find(|process| process.pid != 1).unwrap();
    assert!(open(ns.pid()).len() > 3, "PID 1 has descriptors that could be held");
    assert_eq!(open(ns.host_pid(asks.pid)), ["0", "1", "2"]);
    ns.power_off();
}

#[test]
fn who_is_root_in_a_container_may_look_into_pid_1() {
    // Engines take this one away, from process 1 as well.
    const CAP_SYS_PTRACE: u64 = 19;
    let look = "#!/bin/sh\n/bin/say looks\necho heard >/proc/1/fd/1 && exec /bin/hold a\n";
    let builder = pidone("::respawn:/bin/look\n").file("bin/look", look);
    let mut ns = builder.bar(CAP_SYS_PTRACE).start();
    ns.until_said("looks", 1);
    ns.until_said("a", 1);
    assert_eq!(ns.console(), "heard\n");
    ns.power_off();
}

/// Waits for a file, which the test makes.
const GATE: &str = "#!/bin/sh\nwhile [ ! -e /out/go ]; do sleep 0.05; done\n";

/// What is made known of a call: its name, and of a new process what it shares with us.
fn name_of(call: &str) -> &str {
    match call.split('(').next() {
        Some("clone") if call.contains("CLONE_VM") => "clone with our memory",
        name => name.unwrap_or_default(),
    }
}

#[test]
fn nothing_that_has_time_comes_before_a_prompt() {
    let mut ns = pidone("::wait:/bin/gate\n::respawn:/bin/hold a\n").file("bin/gate", GATE).start();
    ns.until("the boot does not wait", || ns.procs().named("gate").len() == 1);
    let trace = Trace::attach(&ns, "all");
    ns.root().write("out/go", "");
    ns.until_said("a", 1);
    ns.until("it does not come to rest", || trace.text().contains("setpriority("));
    let pid = ns.pid().to_string();
    ns.power_off();
    let text = trace.text();
    let calls = text.lines().filter_map(|line| line.split_once(' '));
    let ours = calls.filter(|(caller, _)| *caller == pid).map(|(_, call)| call.trim_start());
    let since_the_end = ours.skip_while(|call| !call.starts_with("wait4("));
    let start = since_the_end.clone().position(|call| call.starts_with("clone(")).expect(&text);
    let mut calls: Vec<&str> = since_the_end.take(start + 1).map(name_of).collect();
    calls.sort_unstable();
    calls.dedup();
    // The records, the consoles, syslog and a preferred place of our own can wait.
    assert_eq!(calls, ["access", "clock_gettime", "clone with our memory", "wait4"], "{text}");
}
