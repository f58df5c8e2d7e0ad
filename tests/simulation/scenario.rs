//! What a world is like: its inittabs, and how likely each fault is.

use pidone::machine::{End, Request};

use super::random::Random;

/// How bad things are, in percent.
#[derive(Clone, Debug)]
pub struct Weather {
    pub fork_refused: u64,
    pub exec_fails: u64,
    pub terminal_missing: u64,
    pub condition_missing: u64,
    pub watch_refused: u64,
    pub sink_refuses: u64,
    pub ignores_term: u64,
    pub unkillable: u64,
    pub step_refused: u64,
    pub step_hangs: u64,
    pub dies_early: u64,
    pub never_ready: u64,
    /// What a look at a unit finds.
    pub unwell: u64,
    pub look_hangs: u64,
    pub falls_silent: u64,
    /// Whatever is started ends at once.
    pub dies_at_once: bool,
    pub inittab_unread: u64,
}

impl Weather {
    pub fn new(random: &mut Random) -> Self {
        let fair = random.hits(40);
        let mut some = |most: u64| if fair { 0 } else { random.below(most + 1) };
        Weather {
            fork_refused: some(40),
            exec_fails: some(30),
            terminal_missing: some(40),
            condition_missing: some(60),
            watch_refused: some(50),
            sink_refuses: some(80),
            ignores_term: some(40),
            unkillable: some(5),
            step_refused: some(50),
            step_hangs: some(30),
            dies_early: some(90),
            never_ready: some(40),
            unwell: some(60),
            look_hangs: some(40),
            falls_silent: some(30),
            dies_at_once: some(9) == 1,
            inittab_unread: some(20),
        }
    }
}

const KINDS: &[&str] = &[
    "sysinit",
    "wait",
    "once",
    "once",
    "respawn",
    "respawn",
    "respawn",
    "askfirst",
    "ctrlaltdel",
    "shutdown",
    "restart",
];

const OPTIONS: &[&str] = &[
    "",
    "",
    "",
    "12345",
    "restart=on-failure",
    "restart=no",
    "max=3/20s",
    "grace=300ms",
    "grace=8s",
    "stop=QUIT",
    "delay=500ms",
    "delay=0,max-delay=0",
    "delay=50ms,max-delay=2s",
    "if=/etc/there",
    "name=web",
    "nnp",
    "user=a/b",
    "nonsense=1",
    "name=db",
    "name=db,ready=notify",
    "name=net,ready=fd3,max=2/1h",
    "name=net,needs=db",
    "name=init,ready=exit",
    "pidfile=/run/x",
    "name=db,pidfile=/run/y,restart=on-failure",
    "count=3,name=web",
    "count=2,restart=on-failure,needs=db",
    "check=/bin/look,every=5s,fails=2",
    "port=80,every=20s",
    "ready=/run/x,mem=1M,every=5s",
    "name=net,ready=port80,check=/bin/look",
    "name=db,ready=notify,watchdog=10s",
    "after=db",
    "needs=db,restart=on-failure",
    "after=web+net,needs=db,grace=1s",
    "name=web,needs=net+init",
    "name=db,after=web,ready=notify",
    "log=syslog",
    "log=/log/a,log-size=1K",
    "log=/log/a,log-keep=2,max=3/20s",
    "name=web,log=/log/b,after=db",
    "name=db,count=3,log=syslog",
    "name=db,log=syslog+local0.err,pidfile=/run/y",
    "needs=db,log=/log/b,restart=on-failure,grace=1s",
    "log=null",
];

const TERMINALS: &[&str] = &["", "", "", "null", "tty1", "ttyS0", "vc/3", "@console"];

/// An inittab of random lines. Commands come out of a small stock, so that a second inittab
/// keeps, changes, drops and adds lines, and so that lines collide.
pub fn inittab(random: &mut Random) -> String {
    let mut text = String::new();
    if random.hits(10) {
        text.push_str(["id:3:initdefault:\n", "id:6:initdefault:\n"][random.below(2) as usize]);
    }
    for _ in 0..random.below(20) {
        if random.hits(4) {
            text.push_str("garbage\n");
        }
        let (tty, options) = (random.pick(TERMINALS), random.pick(OPTIONS));
        // A main unit ends the world, so there are few.
        let options = if random.hits(1) { &"main,max=2/1h" } else { options };
        let (kind, number) = (random.pick(KINDS), random.below(12));
        text.push_str(&format!("{tty}:{options}:{kind}:/bin/cmd{number}\n"));
    }
    text
}

/// Something that somebody asks for.
pub fn request(random: &mut Random) -> Request {
    match random.below(36) {
        0..=16 => Request::Reload,
        17..=20 => Request::CtrlAltDel,
        21..=26 => Request::Pause,
        27..=33 => Request::Continue,
        34 => Request::Down(End::Restart),
        _ => Request::Down(*random.pick(&[End::Halt, End::PowerOff, End::Reboot])),
    }
}
