//! Services as people run them, out of Debian's packages and BusyBox, as units of one machine.

mod support;

use std::path::Path;

use support::{Builder, Init, Namespace};

const LIGHTTPD: &str = "
server.document-root = \"/var/www\"
server.port = 8080
server.bind = \"127.0.0.1\"
";

/// A Python service that speaks as sd_notify(3) has it, without a library.
const PYTHON: &str = "
import os, socket, time
name = os.environ['NOTIFY_SOCKET']
to = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
to.connect('\\0' + name[1:] if name[0] == '@' else name)
pause = int(os.environ['WATCHDOG_USEC']) / 4e6
to.send(b'STATUS=serving\\nREADY=1\\n')
while True:
    to.send(b'WATCHDOG=1')
    time.sleep(pause)
";

/// The inittab that is given as an example.
const EXAMPLE: &str = include_str!("../rootfs/usr/share/doc/pidone/inittab.server");

/// What differs here: where programs lie, and where the test looks.
const HERE: &[(&str, &str)] = &[
    ("/sbin/ifconfig lo", "/bin/ifconfig lo"),
    ("/sbin/syslogd -n", "/bin/syslogd -n -O /out/messages"),
    ("/usr/sbin/crond -f", "/bin/crond -f -c /tmp"),
    ("/usr/sbin/udhcpd -f", "/bin/udhcpd -f"),
    ("/var/log/web.log", "/out/web"),
    ("@console::respawn:/sbin/getty -L 0 -", MORE),
];

/// A service of our own instead of the logins, and who says that all are up.
const MORE: &str =
    ":name=python,ready=notify,watchdog=2s:respawn:/usr/bin/python3 -S /etc/service.py
:needs=web+redis+ssh+python,after=cron+dhcp:once:/bin/hold all";

fn inittab() -> String {
    HERE.iter().fold(EXAMPLE.to_owned(), |text, (there, here)| {
        assert_eq!(text.matches(there).count(), 1, "{there}");
        text.replace(there, here)
    })
}

/// Programs that come from packages which tests/run installs.
const NEEDED: &[&str] =
    &["/usr/sbin/lighttpd", "/usr/bin/redis-server", "/usr/sbin/dropbear", "/usr/bin/python3"];

fn user_of(ns: &Namespace, name: &str) -> String {
    let pid = ns.procs().named(name)[0].pid;
    let status = ns.procs().read(&format!("{pid}/status"));
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:\t"));
    line.unwrap_or_default().split('\t').next().unwrap_or_default().to_owned()
}

#[test]
fn a_small_server_of_real_services_comes_up_in_order_and_goes_down() {
    if let Some(missing) = NEEDED.iter().find(|program| !Path::new(program).exists()) {
        eprintln!("skipped: {missing} is not installed");
        return;
    }
    let mut ns = Builder::new(Init::Pidone)
        .host_programs()
        .inittab(inittab())
        .file("etc/passwd", "root:x:0:0::/:/bin/sh\nweb:x:33:33::/var/www:/bin/false\n")
        .file("etc/group", "root:x:0:\nweb:x:33:\n")
        .file("etc/lighttpd.conf", LIGHTTPD)
        .file("etc/service.py", PYTHON)
        .file("etc/udhcpd.conf", "interface lo\nstart 127.0.0.10\nend 127.0.0.20\n")
        .file("etc/dropbear/none", "")
        .file("var/www/index.html", "served\n")
        .start();
    ns.until_said("all", 1);
    assert_eq!(user_of(&ns, "lighttpd"), "33");
    assert_eq!(user_of(&ns, "redis-server"), "33");
    assert_eq!(user_of(&ns, "dropbear"), "0");
    let started = || ns.root().read("out/web").contains("server started");
    ns.until("lighttpd's log does not come", started);
    for daemon in ["syslogd", "crond", "udhcpd", "python3"] {
        ns.until(&format!("{daemon} does not run"), || ns.procs().named(daemon).len() == 1);
    }
    // The database goes and comes back; who needs it has no reason to stop.
    let web = ns.procs().named("lighttpd")[0].pid;
    let redis = ns.procs().named("redis-server")[0].pid;
    support::sys::kill(ns.host_pid(redis), libc::SIGKILL).unwrap();
    let again = || ns.procs().named("redis-server").first().is_some_and(|p| p.pid != redis);
    ns.until("the database does not come back", again);
    let said = "redis is ready";
    let ready = || ns.root().read("out/messages").matches(said).count() == 2;
    ns.until("it is not ready again", ready);
    assert_eq!(ns.procs().named("lighttpd")[0].pid, web);
    ns.power_off();
    assert!(!ns.console().contains("killed"), "all of them stop when asked: {}", ns.console());
}
