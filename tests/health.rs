//! Units that run and are not well: pidone as PID 1 of a namespace finds it out, says why, and
//! starts them again.

mod support;

use support::{Builder, Init, Namespace, Syslog};

/// A network of its own has a loopback that is down.
const LOOPBACK: &str = "::sysinit:/bin/ifconfig lo up\n";

fn pidone(inittab: &str) -> Builder {
    Builder::new(Init::Pidone).host_programs().inittab(format!("{LOOPBACK}{inittab}"))
}

/// The unit comes up, falls ill by itself, and has to come up a second time.
fn comes_back(options: &str, service: &str, reason: &str) -> Namespace {
    let ns = pidone(&format!(":name=web,{options}:respawn:/bin/service\n"))
        .file("bin/service", service)
        .file("bin/well", "#!/bin/sh\n[ -e /tmp/well ]\n")
        .file("bin/hangs", "#!/bin/sh\n[ -e /tmp/well ] || exec sleep 100000\n")
        .file("tmp/well", "")
        .start();
    ns.until_said("up", 1);
    ns.root().write("tmp/go", "");
    ns.until_shown(reason);
    ns.until_said("up", 2);
    ns
}

const HANGS: &str = "#!/bin/sh
/bin/say up
touch /tmp/well
/bin/await /tmp/go
rm /tmp/well
exec sleep 100000
";

#[test]
fn a_unit_that_does_not_pass_its_check_is_started_again() {
    let reason = "web does not pass its check=; stopped";
    comes_back("check=/bin/well,every=100ms,fails=2", HANGS, reason).power_off();
}

#[test]
fn a_check_that_hangs_counts_as_a_bad_one_and_does_not_stay() {
    let reason = "web does not pass its check=; stopped";
    let mut ns = comes_back("check=/bin/hangs,every=200ms,fails=2", HANGS, reason);
    ns.until("a check stays", || ns.procs().named("hangs").is_empty());
    ns.power_off();
}

#[test]
fn a_check_that_cannot_be_run_says_so_and_has_the_rights_of_the_unit() {
    let reason = "web: its check= cannot be run: No such file or directory; stopped";
    comes_back("check=/bin/nowhere,every=100ms,fails=1", HANGS, reason).power_off();
    let probe = "#!/bin/sh\nid -u > /out/id.new && mv /out/id.new /out/id\n";
    // A look that takes as long as the time between two is given up.
    let ns = pidone(":user=33,group=33,check=/bin/probe,every=2s:respawn:/bin/sleep 9999\n")
        .file("bin/probe", probe);
    let out = ns.root().path("out");
    std::os::unix::fs::chown(out, Some(33), Some(33)).expect("root gives a folder away");
    let mut ns = ns.start();
    ns.until("the check did not run", || ns.root().read("out/id") == "33\n");
    ns.power_off();
}

#[test]
fn a_unit_whose_port_goes_silent_is_started_again() {
    let service = "#!/usr/bin/perl
use Socket;
socket(my $door, PF_INET, SOCK_STREAM, 0) or die;
setsockopt($door, SOL_SOCKET, SO_REUSEADDR, 1);
bind($door, pack_sockaddr_in(3003, INADDR_ANY)) or die;
listen($door, 5);
system('/bin/say', 'up');
select(undef, undef, undef, 0.01) until -e '/tmp/go';
close($door);
sleep 100000;
";
    let reason = "web does not answer at its port=: Connection refused; stopped";
    // Three looks may end badly before it listens for the first time.
    comes_back("port=3003,every=1s", service, reason).power_off();
}

#[test]
fn a_unit_that_leaks_is_started_again_at_the_first_look() {
    let service = "#!/usr/bin/perl
system('/bin/say', 'up');
select(undef, undef, undef, 0.01) until -e '/tmp/go';
my $leak = 'x' x 50_000_000;
sleep 100000;
";
    let reason = "web has more memory than its mem= allows; stopped";
    let mut ns = comes_back("mem=30M,every=100ms", service, reason);
    let said = "web: no control group holds its mem=; it and others are looked at";
    assert_eq!(ns.console().matches(said).count(), 1, "{}", ns.state());
    ns.power_off();
}

#[test]
fn memory_that_nobody_can_look_at_is_no_memory_that_is_well() {
    let builder = Builder::new(Init::Pidone);
    let syslog = Syslog::bind(builder.root());
    let unit = ":name=web,mem=1M,every=100ms,fails=2:respawn:/bin/hold up";
    let mut ns = builder.inittab(format!("::sysinit:/bin/umount -l /proc\n{unit}\n")).start();
    let said = "web: nobody can look at its mem=: No such file or directory; ";
    syslog.until(&format!("{said}looked at again"));
    syslog.until(&format!("{said}stopped"));
    ns.power_off();
}

#[test]
fn a_unit_that_falls_silent_is_started_again() {
    let service = "#!/usr/bin/perl
use Socket;
my $name = $ENV{NOTIFY_SOCKET};
$name =~ s/^@/\\0/;
socket(my $to, AF_UNIX, SOCK_DGRAM, 0) or die $!;
sub notify { send($to, $_[0], 0, pack_sockaddr_un($name)) or die $! }
notify('READY=1');
system('/bin/say', 'up', $ENV{WATCHDOG_USEC} == 2_000_000 ? () : 'in error');
while (! -e '/tmp/go') {
    notify('WATCHDOG=1');
    select(undef, undef, undef, 0.05);
}
sleep 100000;
";
    let reason = "web was silent for longer than its watchdog= allows; stopped";
    comes_back("ready=notify,watchdog=2s", service, reason).power_off();
    let asks = service.replace("sleep 100000", "notify('WATCHDOG=trigger'); sleep 100000");
    let asks = asks.replace("2_000_000", "3_600_000_000");
    let reason = "web says that it is unwell; stopped";
    comes_back("ready=notify,watchdog=1h", &asks, reason).power_off();
}

#[test]
fn a_unit_that_is_never_well_is_given_up_as_one_that_fails() {
    // It falls ill when it has said that it is up, however long that takes.
    let service = "#!/bin/sh\n/bin/say up\n: > /tmp/ill\nexec sleep 100000\n";
    let look = "#!/bin/sh\n[ -e /tmp/ill ] || exit 0\nrm /tmp/ill\nexit 1\n";
    let options = "check=/bin/look,every=2s,fails=1,max=2/1h";
    let mut ns = pidone(&format!(":name=web,{options}:respawn:/bin/service\n"))
        .file("bin/service", service)
        .file("bin/look", look)
        .start();
    ns.until_shown("2 starts within max=, given up until a reload");
    ns.power_off();
    assert_eq!(ns.log(), "up\nup\n");
}
