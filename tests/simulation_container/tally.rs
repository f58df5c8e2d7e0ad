//! How much happened, so that a run that tests nothing is seen.

use std::collections::BTreeMap;

#[derive(Default, Debug)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    pub fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    pub fn add(&mut self, other: &Tally) {
        for (what, count) in &other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    pub fn assert_that_much_happened(&self, worlds: u64) {
        for (what, part) in [
            ("signal", 1),
            ("signal merged", 20),
            ("signal waits for the execve", 100),
            ("relay", 1),
            ("relay refused", 10),
            ("number used again", 4),
            ("orphan", 1),
            ("child reaped", 1),
            ("child reaped behind a merged signal", 4),
            ("look put off", 20),
            ("batch full", 20),
            ("foreigner", 4),
            ("look for foreigners", 4),
            ("main child stopped", 10),
            ("halt", 10),
            ("step", 4),
            ("step hastened", 20),
            ("KILL", 10),
            ("hook", 20),
            ("hook refused", 100),
            ("hook failed", 100),
            ("farewell", 50),
            ("pause", 50),
            ("left behind in the kernel", 100),
            ("code of KILL", 200),
            ("code of an execve that failed", 50),
            ("code forgiven", 50),
            ("early wake-up", 4),
        ] {
            let count = self.0.get(what).copied().unwrap_or(0);
            assert!(count > worlds / part, "hardly ever happened: {what}: {count}; {self:?}");
        }
    }
}
