//! daemon: any program made a daemon, of which there is one, by the book.
//!
//! Each script runs in a PID namespace of its own, below our container's init, which reaps at once.

mod support;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use support::{Init, sys, tools};

/// Helpers of every script: `field N` of the stat of the program, `until_ COMMAND`, and `rests
/// PID`, which waits until that process has opened and closed all that it has to.
const PRELUDE: &str = r#"
umask 027; cd "$D"
P=$D/d.pid
daemon() { "$D/pidone" daemon "$@"; }
said() { daemon "$@" 2>&1; echo "= $?"; }
field() { sed 's/.*) //' "/proc/$(cat "$P")/stat" | cut -d' ' -f"$(($1 - 2))"; }
# nanosleep, rt_sigtimedwait and clock_nanosleep: their names are not to be had of every kernel.
rests() { until_ "grep -qsE '^(35|128|230) ' /proc/$1/syscall"; }
until_() { for _ in $(seq 3000); do eval "$1" && return; sleep 0.01; done; echo "NEVER: $1"; }
"#;

struct Stage(PathBuf);

impl Stage {
    fn new() -> Stage {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("daemon-{}-{count}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        // One that was killed may have left a folder of that name.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        let _no_fork = sys::no_fork();
        fs::copy(Init::Pidone.program(), path.join("pidone")).unwrap();
        Stage(path)
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.0.join(inside)
    }

    /// Runs a script; all that it and its daemons say.
    fn run(&self, script: &str) -> String {
        let mut unshare = Command::new("timeout");
        unshare.args(["-s", "KILL", "900", "unshare", "-fpm", "--kill-child", "--mount-proc"]);
        unshare.arg(self.path("pidone")).args(["--", "/bin/bash", "-c"]);
        unshare.arg(format!("{PRELUDE}\n{script}")).env("D", &self.0).stdin(Stdio::null());
        let output = sys::output(&mut unshare);
        let said = [output.stdout, output.stderr].concat();
        String::from_utf8(said).unwrap().replace(self.0.to_str().unwrap(), "")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs a script on a stage of its own.
fn run(script: &str) -> String {
    Stage::new().run(script)
}

#[test]
fn a_daemon_is_one_by_the_book() {
    // Its parent is the keeper, and the keeper's is process 1. It leads its group, but not its
    // session, which is another one than ours; 3 is what its caller left open.
    let said = run(r#"
        exec 3</etc/passwd
        cd /usr; umask 0123
        trap '' USR1
        daemon start -p "$P" -- sleep 100000 || echo failed
        N=$(cat "$P"); K=$(field 4); rests $N; rests $K
        until_ '[ "$(sed "s/.*) //" /proc/$K/stat | cut -d" " -f2)" = 1 ]'
        echo keeper of process 1
        [ "$(field 5)" = "$N" ] && echo leads its group
        S=$(sed 's/.*) //' /proc/$$/stat | cut -d' ' -f4)
        [ "$(field 6)" != "$S" ] && echo not our session
        [ "$(field 6)" != "$N" ] && [ "$(field 6)" != "$K" ] && echo leads no session
        until_ '[ ! -e "/proc/$(field 6)" ]'; echo the leader of its session is gone
        [ "$(field 7)" = 0 ] && echo no terminal
        for p in $N $K; do
            readlink /proc/$p/cwd; grep -E '^(Umask|SigIgn)' /proc/$p/status
            echo $(for fd in /proc/$p/fd/*; do echo ${fd##*/}:$(readlink $fd); done) |
                sed "s!$D!!;s![0-9]*:/d.pid!N:/d.pid!"
        done
        grep SigBlk /proc/$N/status
    "#);
    let expected = "keeper of process 1\nleads its group\nnot our session\nleads no session\n\
        the leader of its session is gone\nno terminal\n\
        /\nUmask:\t0022\nSigIgn:\t0000000000000000\n0:/dev/null 1:/dev/null 2:/dev/null\n\
        /\nUmask:\t0022\nSigIgn:\t0000000000000000\n\
        0:/dev/null 1:/dev/null 2:/dev/null N:/d.pid\n\
        SigBlk:\t0000000000000000\n";
    assert_eq!(said, expected);
}

#[test]
fn it_gets_no_terminal_by_opening_one() {
    let stage = Stage::new();
    let master = File::options().read(true).write(true).open("/dev/ptmx").unwrap();
    let number = sys::unlock_pty(&master).unwrap();
    let opens = r#"exec 4<>$TTY; sed "s/.*) //" /proc/self/stat | cut -d" " -f5 > $OUT"#;
    let said = stage.run(&format!(
        r#"
        export TTY=/dev/pts/{number} OUT=$D/leader
        setsid -w bash -c '{opens}'
        [ "$(cat "$OUT")" != 0 ] && echo whoever leads a session gets it
        export OUT=$D/out
        daemon start -p "$P" -- bash -c '{opens}'
        until_ '[ -s "$OUT" ]'; cat "$OUT"; rm "$OUT"
        daemon start -r -p "$D/r.pid" -- bash -c '{opens}; sleep 100000'
        until_ '[ -s "$OUT" ]'; rm "$OUT"; kill -9 "$(cat "$D/r.pid")"
        until_ '[ -s "$OUT" ]'; cat "$OUT"
        "#
    ));
    assert_eq!(said, "whoever leads a session gets it\n0\n0\n");
}

#[test]
fn what_is_asked_for_is_done_before_the_program_runs() {
    let said = run(r#"
        touch "$D/in"; echo hello > "$D/in"; chmod 755 "$D"
        daemon start -p "$P" -0 "$D/in" -1 "$D/out" -2 "$D/err" \
            -o user=nobody,dir=/usr,umask=077,nice=7,nofile=55 -- \
            bash -c 'cat; id -un; pwd; umask; nice; ulimit -n; echo to err >&2; exec sleep 100000'
        until_ '[ -s "$D/err" ]'; cat "$D/out" "$D/err"; stat -c %a "$D/out"
    "#);
    assert_eq!(said, "hello\nnobody\n/usr\n0077\n7\n55\nto err\n640\n");
}

#[test]
fn start_says_why_nothing_runs() {
    let said = run(r#"
        said start -p "$P" -- /nowhere/x
        said start -p "$P" -- /etc/passwd
        said start -p "$P" -o user=nosuch -- sleep 1
        said start -p "$P" -o dir=/nowhere -- sleep 1
        said start -p "$P" -1 /nowhere/x -- sleep 1
        said start -p /nowhere/x.pid -- sleep 1
        said status -p "$P"
        # With nothing open at all.
        "$D/pidone" daemon start -p "$P" -- sleep 100000 <&- >&- 2>&-; echo "= $?"
        rests "$(cat "$P")"; ls "/proc/$(cat "$P")/fd" | tr '\n' ' '
        # Whoever waits for the end of what we say is not held by the daemon.
        x=$(said start -p "$D/e.pid" -- sleep 100000); echo "$x"
    "#);
    let expected = "daemon: cannot execute /nowhere/x: No such file or directory\n= 111\n\
        daemon: cannot execute /etc/passwd: Permission denied\n= 111\n\
        daemon: there is no such user\n= 111\n\
        daemon: cannot carry out the option dir: No such file or directory\n= 111\n\
        daemon: cannot open /nowhere/x: No such file or directory\n= 111\n\
        daemon: cannot lock /nowhere/x.pid: No such file or directory\n= 111\n\
        daemon: not running\n= 3\n= 0\n0 1 2 = 0\n";
    assert_eq!(said, expected);
}

#[test]
fn a_script_that_names_no_shell_gets_all_of_its_words_or_does_not_run() {
    let said = run(r#"
        echo 'echo $#; exec sleep 100000' > "$D/script"; chmod +x "$D/script"
        said start -p "$P" -1 "$D/out" -- "$D/script" $(seq 64)
        until_ '[ -s "$D/out" ]'; cat "$D/out"; said stop -p "$P"
        said start -p "$P" -- "$D/script" $(seq 65)
    "#);
    let expected = "= 0\n64\n= 0\n\
        daemon: cannot execute /script: Argument list too long\n= 111\n";
    assert_eq!(said, expected);
}

#[test]
fn a_command_line_that_is_not_understood_is_shown() {
    for (words, wrong) in [
        ("", ""),
        ("frob", "frob"),
        ("start", "no -p /PIDFILE"),
        ("start -p relative -- x", "no -p /PIDFILE"),
        ("start -p /x", "no command"),
        ("start -p /x -o", "-o"),
        ("start -p /x -o usr=x -- y", "usr=x"),
        ("start -p /x -o log=syslog -- y", "log=syslog"),
        ("start -p /x -o grace=x -- y", "grace=x"),
        ("start -p /x -o ready=exit -- y", "ready=exit"),
        ("start -p /x -o ready=port80 -- y", "ready=port80"),
        ("start -p /x -t x -- y", "-t"),
    ] {
        let words = words.split_whitespace();
        let mut daemon = Command::new(tools::pidone());
        daemon.arg("daemon").args(words).stdin(Stdio::null());
        let output = sys::output(&mut daemon);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(100), "{wrong}");
        let first = format!("daemon: '{wrong}' is not understood\nusage: pidone daemon");
        assert!(said.starts_with(&first), "{said}");
    }
}

#[test]
fn of_two_starts_that_race_one_wins_and_one_says_why_not() {
    let said = run(r#"
        for i in $(seq 200); do
            daemon start -p "$P" -- sleep 100000 2> "$D/a" & A=$!
            daemon start -p "$P" -- sleep 100000 2> "$D/b" & B=$!
            wait $A; a=$?; wait $B; b=$?
            [ "$a $b" = "0 111" ] || [ "$a $b" = "111 0" ] || echo "round $i: $a $b"
            cat "$D/a" "$D/b" | grep -c 'is locked: it runs already, kept by process [0-9]'
            [ "$(pgrep -cx sleep)" = 1 ] || echo "round $i: $(pgrep -cx sleep) run"
            daemon stop -p "$P" || echo "round $i: not stopped"
            [ ! -e "$P" ] || echo "round $i: the file is there"
        done | sort | uniq -c
    "#);
    assert_eq!(said.trim(), "200 1");
}

#[test]
fn starts_and_stops_that_race_never_leave_two() {
    let said = run(r#"
        for i in $(seq 60); do
            for _ in 1 2 3; do daemon start -p "$P" -- sleep 100000 2>/dev/null & done
            for _ in 1 2; do daemon stop -p "$P" >/dev/null 2>&1 & done
            wait
            [ "$(pgrep -cx sleep)" -le 1 ] || echo "round $i: $(pgrep -cx sleep) run"
            daemon status -p "$P" >/dev/null; s=$?
            [ "$s $(pgrep -cx sleep)" = "0 1" ] || [ "$s $(pgrep -cx sleep)" = "3 0" ] ||
                echo "round $i: status $s, $(pgrep -cx sleep) run"
        done
        daemon stop -p "$P"
    "#);
    assert!(said.is_empty() || said == "daemon: not running\n", "{said}");
}

#[test]
fn status_has_the_codes_of_the_standard_and_stop_waits() {
    let said = run(r#"
        said status -p "$P"
        daemon start -p "$P" -- sleep 100000
        said status -p "$P" | sed 's/[0-9][0-9]*$/N/;s/= N/= 0/'
        said stop -p "$P"; pgrep -x sleep
        said status -p "$P"
        said stop -p "$P"
        # Whoever is killed together with the program leaves a file, and so does the last century.
        daemon start -p "$P" -- sleep 100000
        # Where the one is quick, the death of the keeper has ended it already.
        kill -9 "$(field 4)" "$(cat "$P")" 2>/dev/null; until_ '! pgrep -x sleep >/dev/null'
        said status -p "$P"
        daemon start -p "$P" -- sleep 100000; said status -p "$P" | tail -1
        daemon stop -p "$P"
        for garbage in '' 1 $$ -1 99999999999999999999 '/etc/passwd'; do
            echo "$garbage" > "$P"; chmod 644 "$P"
            daemon status -p "$P" >/dev/null; echo -n "$? "
            said reload -p "$P" | tail -1 | tr '\n' ' '
            said stop -p "$P" | tail -1 | tr '\n' ' '
            [ -e "$P" ] && echo still there
        done
        mkdir "$P"; said status -p "$P" | tail -1; rmdir "$P"
        said status -p /etc/passwd/x
    "#);
    let expected = "daemon: not running\n= 3\ndaemon: running, kept by process N\n= 0\n= 0\n\
        daemon: not running\n= 3\ndaemon: not running\n= 0\n\
        daemon: dead, but the pidfile is there\n= 1\n= 0\n\
        1 = 111 = 0 1 = 111 = 0 1 = 111 = 0 1 = 111 = 0 1 = 111 = 0 1 = 111 = 0 \
        = 4\ndaemon: cannot look at /etc/passwd/x: Not a directory\n= 4\n";
    assert_eq!(said, expected);
}

#[test]
fn a_file_that_is_not_ours_alone_is_not_taken() {
    let said = run(r#"
        mkdir -m 1777 "$D/tmp"; echo precious > "$D/precious"
        ln -s "$D/precious" "$D/tmp/x"; said start -p "$D/tmp/x" -- sleep 1
        mkdir "$D/dir"; ln -s "$D/dir" "$D/tmp/dir"; said start -p "$D/tmp/dir/x" -- sleep 1
        ln "$D/precious" "$D/tmp/hard"; said start -p "$D/tmp/hard" -- sleep 1
        touch "$D/tmp/theirs"; chown nobody "$D/tmp/theirs"
        said start -p "$D/tmp/theirs" -- sleep 1
        mkfifo "$D/tmp/fifo"; said start -p "$D/tmp/fifo" -- sleep 1
        ln -s "$D/precious" "$D/tmp/log"; said start -p "$P" -1 "$D/tmp/log" -- echo hello
        cat "$D/precious"
        # A link in a folder of root's own is the way to /run.
        ln -s "$D/dir" "$D/run"; said start -p "$D/run/x.pid" -- sleep 1
    "#);
    let refused =
        |name: &str, why: &str| format!("daemon: cannot lock /tmp/{name}: {why}\n= 111\n");
    let expected = [
        refused("x", "Too many levels of symbolic links"),
        refused("dir/x", "Not a directory"),
        refused("hard", "Operation not permitted"),
        refused("theirs", "Operation not permitted"),
        refused("fifo", "Operation not permitted"),
        "daemon: cannot open /tmp/log: Too many levels of symbolic links\n= 111\n".to_owned(),
        "precious\n= 0\n".to_owned(),
    ];
    assert_eq!(said, expected.concat());
}

#[test]
fn a_lock_of_somebody_else_is_the_truth() {
    // Python holds a lock of the same kind, and the file names a process that has nothing to do
    // with it.
    let said = run(r#"
        python3 -c 'import fcntl, sys, time
f = open(sys.argv[1], "w"); f.write("1\n"); f.flush(); fcntl.lockf(f, fcntl.LOCK_EX)
open(sys.argv[1] + ".held", "w"); time.sleep(1000)' "$P" & L=$!
        until_ '[ -e "$P.held" ]'
        said start -p "$P" -- sleep 1 | sed "s/process $L\$/process L/"
        said status -p "$P" | sed "s/process $L\$/process L/"
        said stop -p "$P"
        wait $L; [ $? = 143 ] && echo it was the holder
    "#);
    let expected = "daemon: /d.pid is locked: it runs already, kept by process L\n= 111\n\
        daemon: running, kept by process L\n= 0\n= 0\nit was the holder\n";
    assert_eq!(said, expected);
}

#[test]
fn a_program_that_ignores_its_stop_signal_is_killed_after_the_grace() {
    let said = run(r#"
        trap '' TERM
        deaf() { daemon start -p "$P" -o "$1" -- bash -c "trap 'echo heard >> $D/$2' TERM INT
            touch $D/up; while :; do sleep 0.1; done"; until_ '[ -e "$D/up" ]'; rm "$D/up"; }
        # The grace is what a busy machine needs to have it hear, so both end it at once.
        P=$D/int.pid; deaf grace=5s,stop=INT int; said stop -p "$P" > "$D/said" & S=$!
        P=$D/d.pid; deaf grace=5s term; said stop -p "$P"; cat "$D/term"
        wait $S; cat "$D/said" "$D/int"
        # Whoever ends in good time is let end, and is waited for.
        daemon start -p "$P" -o grace=1m -- bash -c "trap 'sleep 0.3; echo clean; exit' TERM
            exec 1>$D/slow; touch $D/up; while :; do sleep 0.1; done"; until_ '[ -e "$D/up" ]'
        rm "$D/up"; said stop -p "$P"; cat "$D/slow"
        # The one who stops may have less patience.
        deaf grace=1h none; N=$(cat "$P"); said stop -p "$P" -o grace=100ms
        [ -e /proc/$N ] && echo lives
        daemon start -p "$P" -o grace=1h,stop=STOP -- sleep 100000
        said stop -p "$P" -o grace=100ms
    "#);
    assert_eq!(said, "= 0\nheard\n= 0\nheard\n= 0\nclean\n= 0\n= 0\n");
}

#[test]
fn it_is_started_again_as_a_unit_is() {
    let said = run(r#"
        daemon start -r -p "$P" -- sleep 100000
        for _ in $(seq 5); do
            N=$(cat "$P"); kill -9 "$N"
            until_ '[ "$(cat "$P")" != "$N" ] && kill -0 "$(cat "$P")"'
        done
        echo alive; said status -p "$P" | tail -1; said stop -p "$P"; pgrep -x sleep
        # Without -r it is over when the program is, and the file is gone.
        daemon start -p "$P" -- true; until_ '[ ! -e "$P" ]'; said status -p "$P" | tail -1
        # So many starts, and then no more.
        daemon start -p "$P" -o restart=on-failure,delay=10ms,max=4/1h -- \
            bash -c "echo x >> $D/starts; exit 1"
        until_ '[ ! -e "$P" ]'; wc -l < "$D/starts"
        daemon start -p "$P" -o restart=on-failure -- bash -c "echo x >> $D/once"
        until_ '[ ! -e "$P" ]'; wc -l < "$D/once"
    "#);
    assert_eq!(said, "alive\n= 0\n= 0\n= 3\n4\n1\n");
}

#[test]
fn whoever_kills_the_keeper_ends_the_program() {
    let said = run(r#"
        daemon start -r -p "$P" -o user=nobody -- sleep 100000
        kill -9 "$(field 4)"; until_ '! pgrep -x sleep >/dev/null'; said status -p "$P" | tail -1
        daemon start -r -p "$P" -- sleep 100000; pgrep -cx sleep; said stop -p "$P"
    "#);
    assert_eq!(said, "= 1\n1\n= 0\n");
}

#[test]
fn reload_and_restart_reach_the_program() {
    let said = run(r#"
        run='trap "echo hup >> '$D'/log" HUP; echo up >> '$D'/log; while :; do sleep 0.05; done'
        daemon start -p "$P" -- bash -c "$run"; until_ 'grep -qs up "$D/log"'
        said reload -p "$P"; until_ 'grep -q hup "$D/log"'
        N=$(cat "$P"); said restart -p "$P" -- bash -c "$run"
        [ "$N" != "$(cat "$P")" ] && ! kill -0 "$N" 2>/dev/null && echo another one
        said stop -p "$P"; said reload -p "$P"
    "#);
    let expected = "= 0\n= 0\nanother one\n= 0\ndaemon: not running\n= 111\n";
    assert_eq!(said, expected);
}

#[test]
fn start_waits_until_the_program_is_ready() {
    let said = run(r#"
        said start -p "$P" -o ready=fd3 -- bash -c "until [ -e $D/go ]; do sleep 0.01; done
            touch $D/ready; echo >&3; exec 3>&-; sleep 100000" > "$D/said" & S=$!
        until_ '[ -s "$P" ]'; [ -e "$D/ready" ] && echo too early
        touch "$D/go"; wait $S; [ -e "$D/ready" ] && cat "$D/said"
        daemon stop -p "$P"
        cat > "$D/speaks.py" <<'END'
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
address = "\0" + os.environ["NOTIFY_SOCKET"][1:]
for word in sys.argv[1:]:
    s.sendto(word.encode(), address)
sys.stdout.write(address[1:]); sys.stdout.flush(); time.sleep(1000)
END
        said start -p "$P" -1 "$D/name" -o ready=notify -- \
            python3 "$D/speaks.py" STATUS=soon "$(printf 'STATUS=now\nREADY=1')"
        ls "/proc/$(cat "$P")/fd" | tr '\n' ' '; daemon stop -p "$P"; rm "$D/name"
        # Somebody else says so, and then the program ends.
        said start -p "$P" -1 "$D/name" -o ready=notify -- python3 "$D/speaks.py" READY=0 & S=$!
        until_ '[ -s "$D/name" ]'; python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.sendto(b"READY=1", "\0" + sys.argv[1])
' "$(cat "$D/name")"; kill "$(cat "$P")"; wait $S
        said start -p "$P" -o ready=fd3 -- false
        said start -p "$P" -o ready=fd3 -- bash -c 'echo -n half >&3'
        said start -p "$P" -t 200ms -o ready=fd3 -- sleep 100000
        said start -r -p "$P" -o ready=fd3,user=nosuch -- sleep 100000
        pgrep -x sleep; ls "$P" 2>&1 | sed 's/.*: //'
    "#);
    let late = "daemon: the program did not get ready; it is stopped\n";
    let gone = "daemon: not running\n";
    let said = said.replace(gone, "");
    let expected = format!(
        "= 0\n= 0\n0 1 2 3 {late}= 111\n{late}= 111\n{late}= 111\n{late}= 111\n\
         daemon: there is no such user\n= 111\n\
         No such file or directory\n"
    );
    assert_eq!(said, expected);
}
