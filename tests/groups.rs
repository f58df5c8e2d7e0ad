//! Control groups of units, as pidone keeps them as PID 1 of a namespace that has them.

mod support;

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};

use support::{Builder, End, Init, Namespace, sys};

/// A namespace with groups of the second version, which the kernel keeps beyond it.
struct Grouped {
    // It ends first: only then are its groups empty.
    ns: Namespace,
    mount: Mount,
}

/// Where the groups are, as the host sees it, and the folder of ours.
struct Mount(PathBuf, OnceCell<PathBuf>);

impl Mount {
    fn on(builder: &Builder) -> Mount {
        let folder = builder.root().path("sys/fs/cgroup");
        fs::create_dir_all(&folder).expect("a folder on a tmpfs");
        sys::mount(c"cgroup2", &folder, c"").expect("the kernel has groups");
        Mount(folder, OnceCell::new())
    }

    /// The group that a process of the host is in.
    fn of(&self, pid: i32) -> PathBuf {
        let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("0::/"));
        let group = self.0.join(line.unwrap_or_default());
        if group.parent() != Some(&self.0) {
            self.1.get_or_init(|| group.parent().expect("it has one").to_owned());
        }
        group
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if let Some(ours) = self.1.get() {
            let groups = fs::read_dir(ours).into_iter().flatten().flatten();
            groups.for_each(|group| drop(fs::remove_dir(group.path())));
            let _ = fs::remove_dir(ours);
        }
    }
}

/// The processes of a group, by their numbers on the host.
fn members(group: &Path) -> Vec<i32> {
    let text = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    text.lines().map(|line| line.parse().expect("a number")).collect()
}

impl Grouped {
    fn start(builder: Builder) -> Grouped {
        let mount = Mount::on(&builder);
        Grouped { ns: builder.start(), mount }
    }

    /// The group of the only process of this name.
    fn group(&self, name: &str) -> PathBuf {
        let ns = &self.ns;
        ns.until("not one of it runs", || ns.procs().named(name).len() == 1);
        let group = self.mount.of(ns.host_pid(ns.procs().named(name)[0].pid));
        assert_ne!(group, self.mount.0, "{name} has no group\n{}", ns.state());
        group
    }

    /// Reads another inittab in which nothing of the first one is left.
    fn stop_all(&self) {
        self.ns.root().write("etc/inittab", "::respawn:/bin/hold other\n");
        self.ns.send(libc::SIGHUP);
        self.ns.until_said("other", 1);
    }
}

/// Leaves a process behind that is deaf, in a session of its own, and ends when it is told to.
const LITTERS: &str = "#!/usr/bin/perl
use POSIX 'setsid';
if (! fork) {
    setsid;
    $SIG{TERM} = 'IGNORE';
    system('/bin/say', 'littered');
    exec('/bin/sleep', '12345');
}
$SIG{TERM} = sub { exit 0 };
select(undef, undef, undef, 0.02) while ! unlink('/tmp/crash');
if (-e '/tmp/again') {
    open(my $last, '>', '/proc/sys/kernel/ns_last_pid') or die;
    # The number before its own is for whoever takes emptied groups away.
    print $last $$ - 2;
}
exit 1;
";

fn litterer() -> Builder {
    let builder = Builder::new(Init::Pidone).host_programs().file("bin/litters", LITTERS);
    builder.inittab(":name=l:respawn:/bin/litters\n")
}

#[test]
fn nothing_gets_away_from_the_group_of_a_unit_that_is_stopped() {
    let mut g = Grouped::start(litterer());
    g.ns.until_said("littered", 1);
    let group = g.group("litters");
    g.stop_all();
    g.ns.until("what it left behind lives on", || g.ns.procs().named("sleep").len() == 1);
    g.ns.until("the group stays", || !group.exists());
    g.ns.power_off();
}

#[test]
fn the_group_of_a_unit_that_ended_by_itself_goes_with_the_last_process_in_it() {
    let mut g = Grouped::start(litterer());
    let mut groups = Vec::new();
    for life in 1..=2 {
        g.ns.until_said("littered", life);
        groups.push(g.group("litters"));
        g.ns.root().write("tmp/crash", "");
        g.ns.until("it does not end", || members(&groups[life - 1]).len() == 1);
    }
    g.ns.until_said("littered", 3);
    assert!(groups[0] != groups[1] && groups[0].exists(), "{groups:?}");
    sys::kill(members(&groups[0])[0], libc::SIGKILL).unwrap();
    g.ns.until("it lives on", || members(&groups[0]).is_empty());
    g.ns.root().write("tmp/crash", "");
    g.ns.until_said("littered", 4);
    g.ns.until("an empty group stays", || !groups[0].exists());
    // What an earlier life has started is none of the later one's.
    g.stop_all();
    g.ns.until("what it left behind lives on", || g.ns.procs().named("sleep").len() == 3);
    assert_eq!(members(&groups[1]).len(), 1);
    g.ns.power_off();
}

#[test]
fn a_number_that_comes_again_finds_no_group_of_an_earlier_life() {
    if !Path::new("/proc/sys/kernel/ns_last_pid").exists() {
        eprintln!("skipped: this kernel lets nobody choose the next number");
        return;
    }
    let lines = "::sysinit:/bin/true\n::wait:/bin/true\n:name=l:respawn:/bin/litters\n";
    let mut g = Grouped::start(litterer().file("tmp/again", "").inittab(lines));
    g.ns.until_said("littered", 1);
    let (first, pid) = (g.group("litters"), g.ns.procs().named("litters")[0].pid);
    g.ns.root().write("tmp/crash", "");
    g.ns.until_said("littered", 2);
    assert_eq!(g.ns.procs().named("litters")[0].pid, pid, "the number did not come again");
    assert_ne!(g.group("litters"), first);
    g.stop_all();
    g.ns.until("the later life lives on", || g.ns.procs().named("sleep").len() == 2);
    assert_eq!(members(&first).len(), 1, "the earlier one's was killed");
    g.ns.power_off();
}

#[test]
fn a_supervisor_that_leaves_takes_its_groups_with_it() {
    let words = ["pidone", "supervise", "-f", "/etc/units"];
    let units = "::respawn:/bin/mind a\n:grace=1ms:respawn:/bin/deaf b\n";
    let builder = Builder::new(Init::Pidone).argv(&words).file("etc/units", units);
    let mut g = Grouped::start(builder);
    g.ns.until_said("a", 1);
    g.ns.until_said("b", 1);
    let ours = g.group("mind").parent().expect("the folder of ours").to_owned();
    g.ns.send(libc::SIGTERM);
    assert_eq!(g.ns.end(), End::Exit(0));
    assert!(!ours.exists(), "{} stays", ours.display());
}

#[test]
fn an_orphan_of_another_unit_is_not_followed() {
    let orphan = "#!/bin/sh\n/bin/mind other &\n";
    let liar = "#!/bin/sh\necho $1 > /run/liar.pid\n";
    let builder = Builder::new(Init::Pidone).file("bin/orphan", orphan).file("bin/liar", liar);
    let lines = "::once:/bin/orphan\n";
    let mut g = Grouped::start(builder.inittab(lines));
    g.ns.until_said("other", 1);
    g.group("mind");
    let other = g.ns.procs().named("mind")[0].pid;
    let liar = format!("{lines}:pidfile=/run/liar.pid:once:/bin/liar {other}\n");
    g.ns.root().write("etc/inittab", liar);
    g.ns.send(libc::SIGHUP);
    g.ns.until_shown("liar has left no process behind that could be followed");
    g.ns.power_off();
}

#[test]
fn a_daemon_that_is_followed_stays_in_the_group_of_its_life() {
    let daemon = "#!/bin/sh
setsid /bin/sh -c 'setsid /bin/deaf left & echo $$ > /run/d.pid; exec sleep 77777' &
/bin/await /run/d.pid
";
    let builder = Builder::new(Init::Pidone).file("bin/daemon", daemon);
    let lines = ":name=d,pidfile=/run/d.pid:respawn:/bin/daemon\n:after=d:once:/bin/say up\n";
    let mut g = Grouped::start(builder.inittab(lines));
    g.ns.until_said("up", 1);
    g.ns.until_said("left", 1);
    let group = g.group("deaf");
    g.stop_all();
    g.ns.until("what it left behind lives on", || g.ns.procs().named("deaf").is_empty());
    g.ns.until("the group stays", || !group.exists());
    g.ns.power_off();
}
