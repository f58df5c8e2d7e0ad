//! The promises of a container's init, each with its checker. They see events and actions and know
//! what was asked for; they never ask the machine whether all is well.

use std::collections::VecDeque;

use pidone::machine::container::{Action, Event, LOOK_MS, Left, Story};
use pidone::machine::{Exit, Pid};
use pidone::wire::container::Guise;
use pidone::wire::signals::Signal;

use super::kernel::{Kernel, US};
use super::wish::{KILL, TERM, Wish};

/// How long the world may take over its deeds.
const SLACK_MS: u64 = 100;

/// How long a child that has ended may stay when the look for it was put off.
const REST_MS: u64 = 50;

#[derive(Clone, Copy, PartialEq, Debug)]
enum Hook {
    NotYet,
    Owed,
    Runs { pid: i32, since: u64 },
    Over,
}

pub struct Checks {
    pub wish: Wish,
    /// The main child, until it is reaped.
    pub main: Option<i32>,
    exit: Option<Exit>,
    /// What the main child is to be told, in this order.
    owed: VecDeque<u8>,
    hook: Hook,
    owes_step: bool,
    owes_leave: bool,
    owes_halt: bool,
    owes_farewell: Option<i32>,
    owes_story: Option<Story>,
    /// The steps that were gone, with their times.
    steps: Vec<(u8, u64)>,
    /// When the way down began.
    begun: Option<u64>,
    /// Since when there has been nobody left.
    empty: Option<u64>,
    pub left_with: Option<u8>,
    /// How many steps came before their time since somebody asked again.
    pub hastened: u64,
}

type Verdict = Result<(), String>;

fn demand(holds: bool, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(what()) }
}

impl Checks {
    pub fn new(wish: Wish) -> Self {
        Checks {
            wish,
            main: None,
            exit: None,
            owed: VecDeque::new(),
            hook: Hook::NotYet,
            owes_step: false,
            owes_leave: false,
            owes_halt: false,
            owes_farewell: None,
            owes_story: None,
            steps: Vec::new(),
            begun: None,
            empty: None,
            left_with: None,
            hastened: 0,
        }
    }

    fn last_step(&self) -> Option<(u8, u64)> {
        self.steps.last().copied()
    }

    fn was_killed(&self) -> bool {
        self.last_step().is_some_and(|(signal, _)| signal == KILL)
    }

    /// Sees what happened.
    pub fn event(&mut self, now: u64, event: &Event) {
        match *event {
            Event::Started { pid } => self.main = Some(pid.0),
            Event::Asked(Signal(signal)) => self.asked(now, signal),
            Event::Exited { pid, exit } => self.exited(now, pid.0, exit),
            Event::Stopped { pid } => {
                self.owes_halt |= self.main == Some(pid.0) && self.wish.guise != Guise::DumbInit;
            }
            Event::Hooked(Ok(pid)) => self.hook = Hook::Runs { pid: pid.0, since: now },
            Event::Hooked(Err(errno)) => {
                self.owes_story = Some(Story::NotHooked { errno });
                self.hook_is_over();
            }
            Event::Signalled { left } => self.owes_leave |= left == Left::Nobody,
            Event::Looked { any } => self.owes_leave |= !any,
            Event::Relayed { .. } | Event::Resumed | Event::Told | Event::Tick => {}
            Event::Paused | Event::Childless => {}
        }
    }

    fn asked(&mut self, now: u64, signal: u8) {
        // dumb-init stops when it is told to, whatever the main child makes of it.
        let stops = self.wish.guise == Guise::DumbInit && (20..=22).contains(&signal);
        self.owes_halt |= stops && self.main.is_some();
        let Some(meaning) = self.wish.meaning(signal) else { return };
        if !self.wish.asks_for_the_end(meaning) {
            if self.main.is_some() {
                self.owed.push_back(meaning);
            }
            return;
        }
        self.begun.get_or_insert(now);
        if self.wish.hook
            && self.main.is_some()
            && self.hook == Hook::NotYet
            && self.steps.is_empty()
        {
            self.hook = Hook::Owed;
        } else if self.wish.has_steps() {
            // KILL is the last that can be done.
            self.owes_step |= !self.was_killed();
            self.give_the_hook_up();
        } else if self.wish.pause {
            self.owes_leave = true;
        } else {
            self.owed.push_back(TERM);
            self.give_the_hook_up();
        }
    }

    /// Somebody who asks again does not want to wait for it.
    fn give_the_hook_up(&mut self) {
        if let Hook::Runs { .. } = self.hook {
            self.hook = Hook::Over;
        }
    }

    fn exited(&mut self, now: u64, pid: i32, exit: Exit) {
        if self.main == Some(pid) {
            self.begun.get_or_insert(now);
            self.main = None;
            self.exit = Some(exit);
            self.owed.clear();
            self.owes_halt = false;
            if !self.wish.has_steps() {
                self.owes_leave = true;
                let says = self.wish.farewell && self.wish.meaning(TERM).is_some();
                self.owes_farewell = says.then_some(pid);
            } else if self.steps.is_empty() && !matches!(self.hook, Hook::Runs { .. }) {
                self.owes_step = true;
            }
        } else if let Hook::Runs { pid: hook, .. } = self.hook
            && hook == pid
        {
            if exit != Exit::Code(0) {
                self.owes_story = Some(Story::HookFailed { exit });
            }
            self.hook_is_over();
        } else if self.wish.tells_reaped {
            self.owes_story = Some(Story::Reaped { pid: Pid(pid) });
        }
    }

    fn hook_is_over(&mut self) {
        self.hook = Hook::Over;
        if self.wish.has_steps() {
            self.owes_step = true;
        } else {
            self.owed.push_back(TERM);
        }
    }

    /// Sees what is wanted, before it is done.
    pub fn action(&mut self, now: u64, action: &Action, kernel: &Kernel) -> Verdict {
        demand(self.left_with.is_none(), || format!("{action:?} after the end"))?;
        match *action {
            Action::Tell(story) => {
                if self.owes_story == Some(story) {
                    self.owes_story = None;
                }
                Ok(())
            }
            Action::Relay { to, signal } => self.relays(to.0, signal.0),
            Action::Farewell { group, signal } => {
                let right = Some(signal.0) == self.wish.meaning(TERM);
                let owed = self.owes_farewell.take();
                demand(owed == Some(group.0) && right, || format!("{action:?} is not owed"))
            }
            Action::Halt { main } => {
                let owed = std::mem::take(&mut self.owes_halt) && self.main == Some(main.0);
                demand(owed, || "we halt though the main child goes on".into())
            }
            Action::Hook => {
                let owed = self.hook == Hook::Owed && self.steps.is_empty();
                demand(owed, || format!("the command before the stop is run: {:?}", self.hook))
            }
            Action::Everybody { main, signal } => {
                let right = main.map(|pid| pid.0) == self.main;
                demand(right, || format!("{main:?} is not the main child {:?}", self.main))?;
                self.steps_down(now, signal.0)
            }
            Action::Look => demand(!kernel.has_children() || !self.steps.is_empty(), || {
                "it is looked for others though children are there".into()
            }),
            Action::Leave { code } => self.leaves(now, code, kernel),
        }
    }

    /// Nothing for the main child is lost, doubled or late, and nobody else is meant.
    fn relays(&mut self, to: i32, signal: u8) -> Verdict {
        demand(self.main == Some(to), || format!("{to} is sent {signal}, but is nobody of ours"))?;
        let owed = self.owed.pop_front();
        demand(owed == Some(signal), || format!("{signal} is relayed, {owed:?} is owed"))
    }

    /// A relay did not succeed.
    pub fn refused(&mut self, signal: u8, errno: u16) {
        if self.wish.tells_warnings {
            self.owes_story = Some(Story::NotRelayed { signal: Signal(signal), errno });
        }
    }

    /// Each step is gone once, in order, and not before its time, unless somebody asked again.
    fn steps_down(&mut self, now: u64, signal: u8) -> Verdict {
        let index = self.steps.len();
        demand(self.hook != Hook::Owed, || "a step before the command before the stop".into())?;
        demand(self.begun.is_some(), || "a step though nobody asked and nobody ended".into())?;
        demand(!self.was_killed(), || "a step after KILL".into())?;
        let (expected, _) = self.wish.step(index);
        demand(signal == expected, || format!("step {index} is {signal}, not {expected}"))?;
        let due = match (self.hook, self.last_step()) {
            (_, Some((_, at))) => Some(at + self.wish.step(index - 1).1),
            (Hook::Runs { since, .. }, None) => Some(since + self.wish.step(0).1),
            (_, None) => None,
        };
        let owed = std::mem::take(&mut self.owes_step);
        demand(owed || due.is_some_and(|due| due <= now), || {
            format!("step {index} at {now}, before its time: {due:?}")
        })?;
        self.hastened += u64::from(due.is_some_and(|due| now < due));
        self.give_the_hook_up();
        self.steps.push((signal, now));
        Ok(())
    }

    /// A step was gone: it counts from now on.
    pub fn stepped(&mut self, now: u64) {
        if let Some(step) = self.steps.last_mut() {
            step.1 = now;
        }
    }

    /// The code is the main child's, and nobody is left behind before the end of all steps.
    fn leaves(&mut self, now: u64, code: u8, kernel: &Kernel) -> Verdict {
        self.left_with = Some(code);
        let (_, wait) = self.wish.step(usize::MAX);
        let kill = self.last_step().filter(|(signal, _)| *signal == KILL);
        let late = kill.is_some_and(|(_, at)| at + wait <= now);
        let expected = match (self.main, self.exit) {
            (Some(pid), _) => {
                let zombie = kernel.processes[&pid].zombie;
                demand(late, || "we leave while the main child lives".into())?;
                demand(zombie.is_none(), || "we leave without the main child's code".into())?;
                self.wish.code(Exit::Signal(Signal(KILL)))
            }
            (None, Some(exit)) => self.wish.code(exit),
            (None, None) => 0,
        };
        demand(code == expected, || format!("code {code} instead of {expected}"))?;
        demand(self.owes_farewell.is_none(), || "no farewell".into())?;
        if self.wish.has_steps() {
            let visible = kernel.visible();
            demand(late || visible.is_empty(), || format!("{visible:?} are left behind"))
        } else {
            demand(self.owes_leave, || "we leave though nothing has ended".into())
        }
    }

    /// Nothing is wanted any more and it is waited.
    pub fn settled(
        &mut self,
        now: u64,
        deadline: Option<u64>,
        kernel: &Kernel,
        put_off: bool,
    ) -> Verdict {
        demand(self.owed.is_empty(), || format!("{:?} are not relayed", self.owed))?;
        demand(self.hook != Hook::Owed, || "the command before the stop is not run".into())?;
        demand(!self.owes_step, || "the next step is not gone".into())?;
        demand(!self.owes_halt, || "the main child is stopped and we are not".into())?;
        demand(!self.owes_leave, || "it is over and we do not leave".into())?;
        let story = self.owes_story.take();
        demand(story.is_none() || !self.wish.tells_warnings, || format!("{story:?} is not told"))?;
        self.wakes_for_a_reason(deadline)?;
        self.is_in_time(now)?;
        self.leaves_with_the_last(now, kernel)?;
        // Whoever has ended is reaped, now or when the look that was put off is made.
        let is_late = |since: u64| !put_off || since + REST_MS + SLACK_MS < now;
        let ours = kernel.processes.iter().filter(|(_, p)| p.parent == US);
        let mut zombies = ours.filter(|(_, p)| p.zombie.is_some_and(is_late));
        let pending = kernel.is_pending();
        let zombie = zombies.next();
        demand(pending || zombie.is_none(), || format!("a zombie is left: {zombie:?}"))
    }

    /// Whoever has nothing to wait for does not ask to be woken.
    fn wakes_for_a_reason(&self, deadline: Option<u64>) -> Verdict {
        let down = self.wish.has_steps() && self.begun.is_some();
        demand(down || deadline.is_none(), || format!("woken at {deadline:?} for nothing"))?;
        demand(!down || deadline.is_some(), || "on the way down without a deadline".into())
    }

    /// Each step comes at its time, and all of them together keep their measure.
    fn is_in_time(&self, now: u64) -> Verdict {
        if !self.wish.has_steps() {
            return Ok(());
        }
        if let Some((_, at)) = self.last_step() {
            let due = at + self.wish.step(self.steps.len() - 1).1;
            demand(now <= due + SLACK_MS, || format!("the step after {due} does not come"))?;
        }
        let Some(begun) = self.begun else { return Ok(()) };
        let hook = if self.wish.hook { self.wish.step(0).1 } else { 0 };
        let last = begun + hook + self.wish.span() + 10 * SLACK_MS;
        demand(now <= last, || format!("it is not over at {now}, {last} was promised"))
    }

    /// When the last one is gone, nothing is waited for any more. Of those from outside nobody
    /// tells us, so that it takes a look.
    fn leaves_with_the_last(&mut self, now: u64, kernel: &Kernel) -> Verdict {
        let over = self.wish.has_steps() && !self.steps.is_empty();
        if !over || !kernel.visible().is_empty() {
            self.empty = None;
            return Ok(());
        }
        let since = *self.empty.get_or_insert(now);
        let most = since + u64::from(LOOK_MS) + REST_MS + SLACK_MS;
        demand(now <= most, || format!("nobody is left since {since}, and we still wait"))
    }

    pub fn killed_in_vain(&self) -> bool {
        self.main.is_some() && self.was_killed()
    }

    pub fn is_over(&self) -> bool {
        self.left_with.is_some()
    }
}
