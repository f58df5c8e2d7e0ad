//! How long the answer takes for those who are refused. See tests/bench/login.

use std::time::Instant;

use super::desk::Setup;

/// Everybody has the hash that Debian's tools make by default, of `secret`; one of them is locked.
const SHADOW: &str = "\
anna:$y$j9T$IrwzgRjuE/UUTNQ0VS35K1$hIzNNW3uxNe/9MWTPRzAVOHOQVawja314B6D1jTNhL5:19000::::::
ylock:!$y$j9T$IrwzgRjuE/UUTNQ0VS35K1$hIzNNW3uxNe/9MWTPRzAVOHOQVawja314B6D1jTNhL5:19000::::::
star:*:19000::::::
";

/// So many answers are measured for each of them.
const ROUNDS: usize = 7;

/// One refusal: until the answer was on the screen, in milliseconds, and what it cost of the
/// processor, in microseconds.
fn refusal(name: &str) -> (u128, u64) {
    let accounts = "ylock:x:1020:1001::/:/bin/sh\n";
    let setup = Setup::new("").file("etc/shadow", SHADOW).more("etc/passwd", accounts);
    let mut desk = setup.once().sit();
    desk.sees("desk login: ");
    desk.types(name);
    desk.sees("Password: ");
    let login = desk.login();
    let spent = |desk: &super::desk::Desk| -> u64 {
        let text = desk.ns.procs().read(&format!("{login}/schedstat"));
        text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0) / 1000
    };
    let (before, began) = (spent(&desk), Instant::now());
    desk.types("wrong");
    desk.sees("Login incorrect");
    (began.elapsed().as_millis(), spent(&desk) - before)
}

fn median<T: Copy + Ord>(mut values: Vec<T>) -> T {
    values.sort_unstable();
    values[values.len() / 2]
}

#[test]
#[ignore = "a benchmark: tests/bench/login"]
fn the_answer_takes_as_long_for_all_who_are_refused() {
    let names = ["anna", "stranger", "ylock", "star", "absent"];
    let mut all = names.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (name, all) in names.iter().zip(&mut all) {
            all.push(refusal(name));
        }
    }
    let figures = all.map(|all| {
        let (answers, costs): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        (median(answers), median(costs))
    });
    println!("{:<10} {:>12} {:>16}", "name", "answer, ms", "processor, us");
    for (name, (answer, cost)) in names.iter().zip(figures) {
        println!("{name:<10} {answer:>12} {cost:>16}");
        let near = |value: f64, to: f64| (value / to - 1.0).abs() <= 0.1;
        assert!(near(answer as f64, figures[0].0 as f64), "the answer for {name} tells it");
        assert!(near(cost as f64, figures[0].1 as f64), "the work for {name} tells it");
    }
}
