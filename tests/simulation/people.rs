//! The processes of a world, and how much happened to them.

use pidone::machine::{Exit, Fault, LastStep, Pid};

/// A process.
#[derive(Clone, Debug)]
pub struct Process {
    /// Command and terminal of the unit it was started for; nothing for an orphan or a step.
    pub key: Option<String>,
    pub step: Option<LastStep>,
    /// Which process of the world it is: numbers come again, this does not.
    pub serial: u64,
    /// It is to find what a unit has left behind.
    pub finds: bool,
    /// The process of the unit that it looks after, and which one of the world that is.
    pub aide_of: Option<Pid>,
    pub of_serial: u64,
    /// The log that it reads, and that it writes to.
    pub reads: Option<usize>,
    pub writes: Option<usize>,
    /// It has been killed as an aide or as a reader.
    pub killed: bool,
    /// When it says the next time that it is alive.
    pub speaks: Option<u64>,
    /// When it is ready, if it ever is and has not been.
    pub ready: Option<u64>,
    /// It has to show that it is ready.
    pub waited_for: bool,
    /// It has been seen to be ready.
    pub was_ready: bool,
    /// When it ends by itself.
    pub ends: Option<u64>,
    pub exit: Exit,
    pub ignores_term: bool,
    pub unkillable: bool,
    /// It has ended and has not been reaped.
    pub zombie: bool,
    pub fault: Option<Fault>,
}

/// How much happened, so that a run that tests nothing is seen.
#[derive(Default, Debug)]
pub struct Tally {
    pub spawns: u64,
    pub exits: u64,
    pub refusals: u64,
    pub signals: u64,
    pub kills: u64,
    pub reloads: u64,
    pub ready: u64,
    pub looks: u64,
    pub readers: u64,
    pub followed: u64,
    pub reboots: u64,
    pub replaced: u64,
    pub lost: u64,
    /// Units that were asked about.
    pub asked: u64,
    pub commanded: u64,
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        self.spawns += other.spawns;
        self.exits += other.exits;
        self.refusals += other.refusals;
        self.signals += other.signals;
        self.kills += other.kills;
        self.reloads += other.reloads;
        self.ready += other.ready;
        self.looks += other.looks;
        self.readers += other.readers;
        self.followed += other.followed;
        self.reboots += other.reboots;
        self.replaced += other.replaced;
        self.lost += other.lost;
        self.asked += other.asked;
        self.commanded += other.commanded;
    }

    pub fn assert_that_much_happened(&self, worlds: u64) {
        assert!(self.spawns > 10 * worlds, "hardly anything was started: {self:?}");
        assert!(self.exits > 5 * worlds && self.refusals > worlds && self.signals > worlds);
        assert!(self.kills > worlds / 10 && self.reloads > worlds && self.replaced > worlds / 20);
        assert!(self.ready > worlds / 2, "hardly anything was ready: {self:?}");
        assert!(self.followed > worlds / 10, "hardly anybody was followed: {self:?}");
        assert!(self.readers > worlds, "hardly any log was read: {self:?}");
        assert!(self.looks > worlds, "hardly anybody was looked at: {self:?}");
        assert!(self.commanded > worlds / 10, "hardly anything was wanted: {self:?}");
        assert!(self.asked > worlds, "hardly anybody asked: {self:?}");
        assert!(self.reboots > worlds / 2 && self.lost > 0, "{self:?}");
    }
}
