//! How long it takes from the end of a supervised program to the first instruction of its
//! successor, side by side with peers and with a floor, in one run.
//!
//! `tests/bench/respawn` starts it. Every supervisor keeps the same program, so many times, and all
//! of them run side by side. Round by round one program of each ends after the other, by itself or
//! by a signal, once it has run for longer than any supervisor holds a restart back. Words behind
//! it name other builds of pidone, which run beside and instead of the peers.

mod ring;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use ring::Ring;
use support::{steps, sys, tools, wait};

/// Programs of each supervisor, and rounds in which each of them ends once. The first round is not
/// counted.
const UNITS: usize = 40;
const ROUNDS: usize = 8;
/// How long a program has run before it ends: pidone counts ten seconds as well, others one.
const UPTIME: Duration = Duration::from_millis(10_300);
/// How long everything is left alone between one restart and the next.
const GAP: Duration = Duration::from_millis(4);
/// Of a supervisor that holds every restart back for longer than this, in microseconds, one program
/// of so many ends in a round.
const SLOW: f64 = 100_000.0;
const SLOW_UNITS: usize = 10;
/// A restart that takes this long is one that is missing.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a program ends.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Exit,
    Signal,
}

/// A supervisor that is measured.
struct Row {
    name: &'static str,
    ring: &'static Ring,
    supervisor: Child,
    /// When each of its programs was born last.
    born: Vec<Instant>,
    /// Microseconds of restarts, by themselves and by a signal.
    times: [Vec<f64>; 2],
    missed: usize,
    /// Microseconds of the processor that its own processes take for one restart.
    processor: f64,
    calls: (usize, usize),
}

/// The folder of this run.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    fn new() -> Folder {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("r{}", std::process::id()));
        fs::create_dir_all(&path).expect("the build folder takes a folder");
        Folder(path)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder");
        fs::write(&path, text).expect("a file can be written");
        path.to_str().expect("a plain path").to_owned()
    }

    /// The folders of services whose program is the one that is measured.
    fn services(&self, name: &str, program: &Path) -> String {
        for unit in 0..UNITS {
            let folder = self.0.join(name).join(format!("u{unit}"));
            fs::create_dir_all(&folder).expect("a folder");
            std::os::unix::fs::symlink(program, folder.join("run")).expect("a link");
        }
        self.0.join(name).to_str().expect("a plain path").to_owned()
    }
}

/// The peers' programs: what was unpacked, or what is installed.
fn peer(name: &str) -> Option<String> {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/respawn/usr");
    let folders = [unpacked.join("bin"), unpacked.join("sbin"), "/usr/bin".into(), "/sbin".into()];
    let found = folders.iter().map(|folder| folder.join(name)).find(|path| path.exists());
    found.map(|path| path.to_str().expect("a plain path").to_owned())
}

/// What each supervisor is called with.
fn lines(folder: &Folder, beat: &Path) -> Vec<(&'static str, Vec<String>)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/respawner.rs");
    let floor = tools::compile("respawner", &source).to_str().expect("a plain path").to_owned();
    let (pidone, beat_name) = (tools::pidone().to_str().unwrap(), beat.to_str().unwrap());
    let words = |all: &[&str]| all.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let count = UNITS.to_string();
    let line = |unit| format!("::respawn:{beat_name} {unit}\n");
    let inittab = folder.write("inittab", &(0..UNITS).map(line).collect::<String>());
    let mut all = vec![
        ("floor", words(&[&floor, "vfork", &count, beat_name])),
        ("fork", words(&[&floor, "fork", &count, beat_name])),
        ("pidone", words(&[pidone, "supervise", "-f", &inittab])),
    ];
    let others = std::env::args().skip(1).filter(|word| !word.starts_with('-'));
    for (number, path) in others.enumerate() {
        let name = *["other 1", "other 2", "other 3", "other 4"].get(number).expect("so many");
        all.push((name, words(&[&path, "supervise", "-f", &inittab])));
    }
    if all.len() > 3 {
        return all;
    }
    if let Some(runsvdir) = peer("runsvdir") {
        all.push(("runit", words(&[&runsvdir, "-P", &folder.services("runit", beat)])));
    }
    if let Some(supervise) = peer("s6-supervise") {
        // s6-svscan would look for its program where the package puts it.
        let script = "for folder in \"$2\"/*; do \"$1\" \"$folder\" & done; wait";
        let services = folder.services("s6", beat);
        all.push(("s6", words(&["sh", "-c", script, "sh", &supervise, &services])));
    }
    if let Some(dinit) = peer("dinit") {
        let tail = "restart = true\nsmooth-recovery = true\nrestart-limit-count = 0\n";
        for unit in 0..UNITS {
            let text = format!("type = process\ncommand = {beat_name}\n{tail}");
            folder.write(&format!("dinit/u{unit}"), &text);
        }
        let needs = |unit| format!("waits-for: u{unit}\n");
        let boot = (0..UNITS).map(needs).collect::<String>();
        let boot = folder.write("dinit/boot", &format!("type = internal\n{boot}"));
        let folder_of = boot.trim_end_matches("/boot");
        let socket = format!("{folder_of}/socket");
        all.push(("dinit", words(&[&dinit, "-o", "-d", folder_of, "-p", &socket])));
    }
    all
}

/// A ring in a file of its own.
fn ring(path: &str) -> &'static Ring {
    let file = fs::File::options().read(true).write(true).create(true).truncate(false).open(path);
    let file = file.expect("a file can be made");
    file.set_len(size_of::<Ring>() as u64).expect("it can be as large");
    let (all, how) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
    let number = std::os::fd::AsRawFd::as_raw_fd(&file);
    // Safety: the file is as large as the ring, of which every content is one.
    unsafe {
        let at = libc::mmap(std::ptr::null_mut(), size_of::<Ring>(), all, how, number, 0);
        assert_ne!(at, libc::MAP_FAILED);
        &*at.cast::<Ring>()
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        let _ = self.supervisor.kill();
        let _ = self.supervisor.wait();
    }
}

impl Row {
    /// Starts a supervisor in a PID namespace of its own and waits for all of its programs.
    fn start(folder: &Folder, name: &'static str, line: &[String]) -> Row {
        let path = folder.0.join(format!("ring.{name}")).to_str().expect("a plain path").to_owned();
        let ring = ring(&path);
        let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/respawn/usr");
        let programs = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", unpacked.join("bin").display());
        let supervisor = Command::new("unshare")
            .args(["-fp", "--kill-child", "--mount-proc"])
            .args(line)
            .env_clear()
            .env("PATH", programs)
            .env("LD_LIBRARY_PATH", unpacked.join("lib/x86_64-linux-gnu"))
            .env("RESPAWN", &path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("unshare stands in util-linux");
        let up = || ring.births.load(SeqCst) == UNITS as u64;
        assert!(wait::came_true(up), "{name} does not start its programs");
        let born = vec![Instant::now(); UNITS];
        let times = [Vec::new(), Vec::new()];
        Row { name, ring, supervisor, born, times, missed: 0, processor: 0.0, calls: (0, 0) }
    }

    /// Has one of its programs end; microseconds until the first instruction of the next one.
    fn restart(&mut self, unit: usize, way: Way) -> Option<f64> {
        let rest = UPTIME.saturating_sub(self.born[unit].elapsed());
        std::thread::sleep(rest.max(GAP));
        let (ring, before) = (self.ring, self.ring.births.load(SeqCst));
        ring.chosen.store(unit as u64 + 1, SeqCst);
        ring.way.store(u64::from(way == Way::Signal), SeqCst);
        ring.bells[unit].fetch_add(1, SeqCst);
        // Safety: the bell stays where it is; the kernel looks for whoever waits for it.
        unsafe {
            let bell = ring.bells[unit].as_ptr();
            libc::syscall(libc::SYS_futex, bell, libc::FUTEX_WAKE, 1);
        }
        let rung = Instant::now();
        while ring.births.load(SeqCst) == before && rung.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_micros(200));
        }
        self.born[unit] = Instant::now();
        let (died, born) = (ring.died.load(SeqCst), ring.born.load(SeqCst));
        (ring.births.load(SeqCst) > before).then(|| (born - died) as f64 / 1000.0)
    }

    /// Whether it holds every restart back.
    fn is_slow(&self) -> bool {
        let all = || self.times.iter().flatten();
        all().next().is_some() && all().all(|&time| time > SLOW)
    }

    /// Its own processes, as this namespace numbers them.
    fn processes(&self, beat: &Path) -> Vec<i32> {
        let mut all = vec![self.supervisor.id() as i32];
        let mut at = 0;
        while let Some(pid) = all.get(at) {
            let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
            let children = children.unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok()));
            at += 1;
        }
        let is_own =
            |pid: &i32| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe != beat);
        all.into_iter().skip(1).filter(is_own).collect()
    }

    /// System calls of its own processes for one restart, and of the child up to its exec.
    fn count_calls(&mut self, folder: &Folder, beat: &Path) {
        let own = self.processes(beat);
        let output = folder.0.join("trace");
        let mut tracer = Command::new(tools::strace());
        tracer.args(["-f", "-qq", "-o"]).arg(&output);
        for pid in &own {
            tracer.args(["-p", &pid.to_string()]);
        }
        let quiet = tracer.stdin(Stdio::null()).stderr(Stdio::null());
        let mut tracer = quiet.spawn().expect("strace starts");
        std::thread::sleep(Duration::from_millis(1500));
        self.restart(0, Way::Signal);
        std::thread::sleep(Duration::from_millis(500));
        sys::kill(tracer.id() as i32, libc::SIGINT).expect("it is there");
        let _ = tracer.wait();
        let text = fs::read_to_string(&output).expect("strace has written");
        if std::env::var_os("RESPAWN_CALLS").is_some() {
            println!("-- {}\n{text}", self.name);
        }
        let mut executed = Vec::new();
        for line in text.lines() {
            let (pid, call) = line.split_once(char::is_whitespace).expect("a number comes first");
            let pid: i32 = pid.parse().expect("it is a number");
            let call = call.trim_start();
            if call.starts_with(['+', '-', '<']) {
                continue;
            }
            if own.contains(&pid) {
                self.calls.0 += 1;
            } else if !executed.contains(&pid) {
                self.calls.1 += 1;
                if call.starts_with("execve(") {
                    executed.push(pid);
                }
            }
        }
    }
}

/// Nanoseconds that processes have had of the processors.
fn processor(pids: &[i32]) -> f64 {
    let text = |pid: &i32| fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap_or_default();
    let of = |pid| text(pid).split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
    pids.iter().filter_map(of).sum()
}

fn quantile(values: &[f64], part: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get((values.len() as f64 * part) as usize).copied().unwrap_or(f64::NAN)
}

fn measure(rows: &mut [Row], beat: &Path) {
    let own: Vec<_> = rows.iter().map(|row| row.processes(beat)).collect();
    for round in 0..=ROUNDS {
        if round == 1 {
            for (row, own) in rows.iter_mut().zip(&own) {
                row.times.iter_mut().for_each(Vec::clear);
                row.processor = -processor(own);
            }
        }
        for unit in 0..UNITS {
            for turn in 0..rows.len() {
                // Whoever comes first finds another state of the machine, so the order turns.
                let place = (turn + unit + round) % rows.len();
                let row = &mut rows[place];
                if row.is_slow() && unit % SLOW_UNITS != 0 {
                    continue;
                }
                let way = if (unit + round) % 2 == 0 { Way::Exit } else { Way::Signal };
                let time = row.restart(unit, way);
                if round > 0 {
                    row.missed += usize::from(time.is_none());
                    row.times[way as usize].extend(time);
                }
            }
        }
    }
    for (row, own) in rows.iter_mut().zip(&own) {
        row.processor += processor(own);
        row.processor /= 1000.0 * row.times.iter().flatten().count() as f64;
    }
}

fn print(rows: &[Row]) {
    println!(
        "{:8} {:>9} {:>6} {:>9} {:>9} {:>6} {:>9} {:>6} {:>7} {:>7}",
        "", "exit us", "ratio", "p10", "signal us", "ratio", "p10", "missed", "CPU us", "calls"
    );
    for row in rows {
        let figures = |way: Way| {
            let of = |row: &Row, part| quantile(&row.times[way as usize], part);
            let (own, floor) = (of(row, 0.5), of(&rows[0], 0.5));
            format!("{own:>9.1} {:>6.2} {:>9.1}", own / floor, of(row, 0.1))
        };
        let (exit, signal) = (figures(Way::Exit), figures(Way::Signal));
        let calls = format!("{}+{}", row.calls.0, row.calls.1);
        let (name, missed, processor) = (row.name, row.missed, row.processor);
        println!("{name:8} {exit} {signal} {missed:>6} {processor:>7.1} {calls:>7}");
    }
    println!(
        "from the end of a program, by itself or by a signal, to the first instruction of the\n\
         next: medians of {} restarts, ratios to the floor, which uses vfork; CPU: what the\n\
         supervisor's own processes take for one restart; calls: theirs for one restart, and of\n\
         the child up to its exec. {UNITS} programs under each supervisor.",
        ROUNDS * UNITS / 2
    );
}

fn main() {
    let folder = Folder::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/beat.rs");
    let beat = tools::compile("beat", &source);
    // Supervisors and programs have one processor; whoever measures does not disturb them there.
    let apart = std::env::var_os("RESPAWN_ALL_PROCESSORS").is_none();
    steps::pin(0, if apart { 1 } else { -1 });
    let start = |(name, line): (&'static str, Vec<String>)| Row::start(&folder, name, &line);
    let mut rows: Vec<_> = lines(&folder, &beat).into_iter().map(start).collect();
    steps::pin(0, if apart { 0 } else { -1 });
    measure(&mut rows, &beat);
    rows.iter_mut().for_each(|row| row.count_calls(&folder, &beat));
    print(&rows);
}
