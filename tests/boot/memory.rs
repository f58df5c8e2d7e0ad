//! What a unit may have of memory, held by a kernel that has the controller for it: in a namespace
//! of a build machine it may belong to somebody else.

use std::fs;

use crate::guest::{boot_test, scratch, text};

/// Its helper gets away from its session, and what leaks is a child of it.
const LEAKS: &str = "#!/bin/sh
setsid sleep 4711 &
echo $$ >>/tmp/ups
until rm /tmp/go; do sleep 0.1; done 2>/dev/null
dd if=/dev/zero of=/dev/null bs=64M count=1
sleep 100000
";

const INITTAB: &str = "::sysinit:/bin/mount -a
::sysinit:/bin/mount -t cgroup2 none /sys/fs/cgroup
::respawn:/sbin/syslogd -n -O /tmp/messages
:name=leaks,mem=24M:respawn:/bin/leaks
";

/// Waits for two lives, shows what the second one has and what was said of the first, and has the
/// second one killed by a person.
const LOOKS: &str = "until [ \"$(wc -l </tmp/ups)\" = 1 ]; do sleep 0.1; done 2>/dev/null
touch /tmp/go
until [ \"$(wc -l </tmp/ups)\" = 2 ]; do sleep 0.1; done
until [ $(pidof sleep | wc -w) -lt 4 ]; do sleep 0.1; done
until grep -o 'leaks leaks.*' /tmp/messages; do sleep 0.1; done
cd /sys/fs/cgroup/pidone-*
pid=$(tail -n 1 /tmp/ups)
grep -o '^0::/pidone-.*/' /proc/$pid/cgroup | wc -l
until [ \"$(cat */memory.max | grep -v max | wc -l)\" = 1 ]; do sleep 0.1; done
cat */memory.max | grep -v max
cat */memory.oom.group | grep -c 1
kill -KILL $pid
until grep -o 'ended by SIGKILL' /tmp/messages; do sleep 0.1; done
grep -c 'leaks leaks' /tmp/messages";

#[test]
fn a_unit_that_leaks_past_its_limit_is_ended_by_the_kernel_as_a_whole_and_the_reason_is_said() {
    let folder = scratch("memory");
    let (inittab, leaks) = (folder.join("inittab"), folder.join("leaks"));
    fs::write(&inittab, INITTAB).unwrap();
    fs::write(&leaks, LEAKS).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&leaks, mode).unwrap();
    let added = format!("/bin/leaks={}", leaks.to_str().unwrap());
    let options = ["--inittab", inittab.to_str().unwrap(), "--add", &added];
    let output = boot_test(&options, &["sh", "-c", LOOKS]);
    let said = "leaks leaks past mem=24M; all of it was killed by the kernel; started again";
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), format!("{said}\n1\n25165824\n1\nended by SIGKILL\n1\n"));
}
