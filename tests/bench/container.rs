//! What the container init costs, side by side with its peers and with a floor, in one run.
//!
//! `tests/bench/container` starts it. Figures that are counted are exact; times are medians of
//! alternated runs, and only their ratios mean something from machine to machine.

#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use support::container::{Order, Running, Stage, Who, children};
use support::{steps, sys, tools};

/// Paired starts of each init.
const STARTS: usize = 1500;
/// Living and dying orphans, and how often they are made.
const ORPHANS: [usize; 2] = [5000, 5000];
const ROUNDS: usize = 3;
/// In so many runs of pidone none may be missed.
const RUNS: usize = 20;
/// How long an idle init is watched.
const IDLE: Duration = Duration::from_secs(5);

/// One init: what the table calls it, its program outside, and its first words.
struct Row {
    name: &'static str,
    program: PathBuf,
    who: Who,
    words: &'static [&'static str],
}

fn rows() -> Vec<Row> {
    let floor = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/floor.rs");
    let row =
        |name, program: &Path, who, words| Row { name, program: program.to_owned(), who, words };
    let peer = |name| row(name, tools::peer(name), Who::Peer(name), &["--"][..]);
    vec![
        row("floor", &tools::compile("floor", &floor), Who::Program("/bin/floor"), &[]),
        row("pidone", tools::pidone(), Who::Pidone, &["--"]),
        peer("tini"),
        peer("dumb-init"),
        peer("catatonit"),
    ]
}

/// The figures of one init.
#[derive(Default)]
struct Figures {
    start: f64,
    calls: (usize, usize),
    cpuid: u64,
    instructions: u64,
    memory: [u64; 3],
    wakes: u64,
    reap: f64,
}

fn order<'a>(stage: &'a Stage, row: &Row, child: &[&str]) -> Order<'a> {
    stage.order(row.who, &[&[row.name], row.words, child].concat())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What an init adds to the time of a program that ends at once, in microseconds.
fn starts(rows: &[Row], stage: &Stage) -> Vec<f64> {
    let child = stage.root().path("bin/actor").to_str().expect("a plain path").to_owned();
    let bare = vec![child.clone(), "true".into()];
    let line = |row: &Row| {
        let program = row.program.to_str().expect("a plain path");
        let words = row.words.iter().copied().chain([child.as_str(), "true"]);
        [program].into_iter().chain(words).map(str::to_owned).collect::<Vec<_>>()
    };
    let lines: Vec<_> = [bare].into_iter().chain(rows.iter().map(line)).collect();
    let mut times = vec![Vec::new(); lines.len()];
    steps::pin(0, 1);
    for round in 0..STARTS + 10 {
        // Whoever comes first finds another state of the machine, so the order turns.
        let order = (0..lines.len()).map(|at| (at + round) % lines.len());
        for at in order {
            let time = steps::time_of(&lines[at]).expect("it can be started");
            if round >= 10 {
                times[at].push(time.as_nanos() as f64 / 1000.0);
            }
        }
    }
    steps::pin(0, -1);
    let bare = times.remove(0);
    let added =
        |own: &Vec<f64>| median(own.iter().zip(&bare).map(|(own, bare)| own - bare).collect());
    times.iter().map(added).collect()
}

fn calls(stage: &Stage, row: &Row) -> (usize, usize) {
    let held = order(stage, row, &["/bin/actor", "true"]).prepare();
    let (mut running, mut trace) = held.traced(&["-f"]);
    let init = running.pid();
    running.end();
    running.until("the tracer did not finish", || trace.ended());
    support::trace::count_calls(&trace.text(), init)
}

fn idle(stage: &Stage, row: &Row) -> Running {
    let running = order(stage, row, &["/bin/actor", "hold"]).start();
    running.child();
    running.until_idle();
    running
}

/// Resident memory, private dirty memory in kB, and the number of mappings.
fn memory(running: &Running) -> [u64; 3] {
    let file = |name: &str| {
        fs::read_to_string(format!("/proc/{}/{name}", running.pid())).expect("root may read it")
    };
    let rollup = file("smaps_rollup");
    let field = |name: &str| {
        let line = rollup.lines().find(|line| line.starts_with(name));
        let word = line.and_then(|line| line.split_whitespace().nth(1));
        word.and_then(|word| word.parse().ok()).unwrap_or(0)
    };
    [field("Rss:"), field("Private_Dirty:"), file("maps").lines().count() as u64]
}

fn wakes(running: &Running) -> u64 {
    std::thread::sleep(Duration::from_millis(500));
    let before = running.procs().switches();
    std::thread::sleep(IDLE);
    running.procs().switches() - before
}

/// Nanoseconds that a process has had of the processors.
fn processor(running: &Running) -> f64 {
    let text = fs::read_to_string(format!("/proc/{}/schedstat", running.pid()));
    let text = text.expect("the kernel counts");
    text.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a number")
}

/// The processor time of one reap in microseconds. That it comes back says that none was missed.
fn reap(stage: &Stage, row: &Row) -> f64 {
    let _ = fs::remove_file(stage.root().path("out/go"));
    let [live, dying] = ORPHANS.map(|count| count.to_string());
    let running = order(stage, row, &["/bin/actor", "stream", &live, &dying]).start();
    running.until_said("ready");
    running.until_idle();
    // Makers and reaper have a processor each, so that neither waits for the other.
    steps::pin(running.pid(), 1);
    steps::pin(children(running.pid())[0], 0);
    let before = processor(&running);
    stage.root().write("out/go", "");
    running.until_said("gone");
    assert_eq!(running.procs().orphaned_zombies(), 0, "{}", row.name);
    (processor(&running) - before) / 1000.0 / ORPHANS[1] as f64
}

fn measure(stage: &Stage, rows: &[Row]) -> Vec<Figures> {
    let mut all: Vec<Figures> = rows.iter().map(|_| Figures::default()).collect();
    for (figures, start) in all.iter_mut().zip(starts(rows, stage)) {
        figures.start = start;
    }
    let mut reaps = vec![Vec::new(); rows.len()];
    for _ in 0..ROUNDS {
        for (row, reaps) in rows.iter().zip(&mut reaps) {
            reaps.push(reap(stage, row));
        }
    }
    for ((figures, row), reaps) in all.iter_mut().zip(rows).zip(reaps) {
        figures.reap = median(reaps);
        figures.calls = calls(stage, row);
        let steps = order(stage, row, &["/bin/actor", "true"]).prepare().stepped();
        (figures.cpuid, figures.instructions) = (steps.cpuid, steps.all);
        let running = idle(stage, row);
        figures.memory = memory(&running);
        figures.wakes = wakes(&running);
    }
    all
}

fn print(rows: &[Row], all: &[Figures]) {
    println!(
        "{:10} {:>8} {:>8} {:>6} {:>7} {:>6} {:>7} {:>9} {:>5} {:>6} {:>8} {:>6}",
        "init",
        "bytes",
        "added us",
        "ratio",
        "calls",
        "CPUID",
        "instr.",
        "RSS/dirty",
        "maps",
        "wakes",
        "reap us",
        "ratio"
    );
    let tini = rows.iter().position(|row| row.name == "tini").expect("it is a row");
    for (row, f) in rows.iter().zip(all) {
        let bytes = fs::metadata(&row.program).expect("it is there").len();
        let calls = format!("{}+{}", f.calls.0, f.calls.1);
        let memory = format!("{}/{}", f.memory[0], f.memory[1]);
        println!(
            "{:10} {bytes:>8} {:>8.1} {:>6.2} {calls:>7} {:>6} {:>7} {memory:>9} {:>5} {:>6} \
             {:>8.1} {:>6.3}",
            row.name,
            f.start,
            f.start / all[0].start,
            f.cpuid,
            f.instructions,
            f.memory[2],
            f.wakes,
            f.reap,
            f.reap / all[tini].reap,
        );
    }
    let [live, dying] = ORPHANS;
    println!(
        "added: what the init adds to a program that ends at once, ratio to the floor; calls: of\n\
         the init and its child; RSS and private dirty memory in kB, mappings and wake-ups in\n\
         {} s when idle; reap: processor time for one of {dying} orphans that end beside {live}\n\
         that live, ratio to tini.",
        IDLE.as_secs()
    );
}

fn main() {
    let stage = Stage::new();
    let rows = rows();
    for row in &rows {
        // A page of a file that has not been written out yet, or that lies in memory alone, would
        // count as dirty, so each program runs from where it stands.
        let place = stage.root().path(row.who.program().trim_start_matches('/'));
        let file = fs::File::options().append(true).create(true).open(&place);
        file.and_then(|_| fs::File::open(&row.program)?.sync_all()).expect("a file can be written");
        sys::bind(&row.program, &place).expect("a file can be bound over another");
    }
    let all = measure(&stage, &rows);
    print(&rows, &all);
    for _ in 0..RUNS {
        reap(&stage, &rows[1]);
    }
    println!("pidone reaped every one of {} orphans in {RUNS} runs.", RUNS * ORPHANS[1]);
}
