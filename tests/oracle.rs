//! The oracle: the same inittab under BusyBox init and under pidone, and the same effect.
//!
//! Each case pins the exact outcome of both sides. Where they differ on purpose, the case names
//! the row of `differences.rs` that says why; that table stands in the manual page.
//!
//! `ORACLE_CASE=words` runs the cases whose names hold these words; `ORACLE_SHOW=1` prints what
//! each side did, and `ORACLE_THEIRS=1` runs BusyBox alone, to pin what a new case has to match.

#[path = "oracle/boot.rs"]
mod boot;
#[path = "oracle/case.rs"]
mod case;
#[path = "oracle/commands.rs"]
mod commands;
#[path = "oracle/differences.rs"]
mod differences;
#[path = "oracle/grammar.rs"]
mod grammar;
#[path = "oracle/process.rs"]
mod process;
#[path = "oracle/reload.rs"]
mod reload;
#[path = "oracle/run.rs"]
mod run;
#[path = "oracle/shutdown.rs"]
mod shutdown;
#[path = "oracle/signals.rs"]
mod signals;
mod support;

use case::{Case, Verdict};
use differences::DIFFERENCES;

/// Cases mostly wait for BusyBox's one-second pauses, so many more run side by side than there
/// are processors.
const WORKERS: usize = 16;

fn all_cases() -> Vec<&'static Case> {
    let groups = [
        shutdown::CASES,
        signals::CASES,
        reload::CASES,
        boot::CASES,
        process::CASES,
        commands::CASES,
        grammar::CASES,
    ];
    groups.into_iter().flatten().collect()
}

#[test]
fn every_inittab_has_the_pinned_effect_under_both_inits() {
    let wanted = std::env::var("ORACLE_CASE").unwrap_or_default();
    let cases: Vec<_> = all_cases().into_iter().filter(|c| c.name.contains(&wanted)).collect();
    assert!(!cases.is_empty(), "no case has “{wanted}” in its name");
    let failures = run::in_pool(&cases, WORKERS);
    let count = failures.len();
    assert!(count == 0, "{count} of {} cases differ:\n\n{}", cases.len(), failures.join("\n"));
}

#[test]
fn every_case_has_a_name_of_its_own() {
    let mut names: Vec<_> = all_cases().iter().map(|case| case.name).collect();
    names.sort_unstable();
    let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn every_documented_difference_is_shown_by_a_case() {
    for row in DIFFERENCES {
        let shows =
            |case: &&Case| matches!(case.verdict, Verdict::Differs { why, .. } if why == *row);
        assert!(all_cases().iter().any(shows), "no case shows: {}", row.pidone);
    }
}

/// The rows of the table in the manual, as they stand there.
fn rows_of_the_manual() -> Vec<(String, String)> {
    let path = "rootfs/usr/share/man/man5/inittab.5";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = std::fs::read_to_string(path).expect("the manual is there").replace("\\-", "-");
    let table = text.split(".SH DIFFERENCES FROM BUSYBOX INIT").nth(1).expect("the chapter");
    let table = table.split("\n.TE").next().expect("the table's end");
    let rows = table.split("\nT{\n").skip(1).map(|row| row.trim_end_matches("\nT}"));
    let cells = rows.map(|row| row.split_once("\nT}@T{\n").expect("a row has two cells"));
    cells.map(|(theirs, ours)| (theirs.to_owned(), ours.to_owned())).collect()
}

#[test]
fn the_manual_has_every_difference_and_no_other() {
    let rows: Vec<_> =
        DIFFERENCES.iter().map(|row| (row.busybox.to_owned(), row.pidone.to_owned())).collect();
    assert_eq!(rows_of_the_manual(), rows);
}
