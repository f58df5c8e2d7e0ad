//! What PID 1 says, and how it ends.

use pidone::machine::time::Instant;
use pidone::machine::{Event, LastStep, Pid, Sink, Told};
use pidone::wire::text::Line;

use super::world::World;

impl World {
    /// A last step on the way down is to be begun.
    pub fn last(&mut self, step: LastStep) -> Result<(), String> {
        if self.random.hits(self.weather.step_refused) {
            if step == LastStep::KillAll {
                self.kill_all();
            }
            return self.handle(Event::StepRefused { errno: 11 });
        }
        let Some(pid) = self.free_pid() else {
            if step == LastStep::KillAll {
                self.kill_all();
            }
            return self.handle(Event::StepRefused { errno: 11 });
        };
        if step == LastStep::KillAll {
            self.kill_all();
        }
        if let LastStep::Reboot(_) = step {
            self.checks.went_down(self.now)?;
            self.tally.reboots += 1;
            self.rebooted = true;
            return Ok(());
        }
        let mut process = self.process(None);
        process.step = Some(step);
        let hangs = self.random.hits(self.weather.step_hangs);
        process.unkillable = hangs;
        process.ends = (!hangs).then_some(self.now + self.random.below(1000));
        self.processes.insert(pid, process);
        self.handle(Event::StepStarted { pid: Pid(pid) })
    }

    /// A message is to be told.
    pub fn tell(&mut self, sink: Sink) -> Result<(), String> {
        let mut line = Line::wide();
        self.init.log().read(Instant::from_millis(self.now), sink, &mut line);
        let refused = self.random.hits(self.weather.sink_refuses);
        let told = match self.random.below(3) {
            _ if !refused => Told::Taken,
            0 => Told::Full,
            1 if sink == Sink::Syslog => {
                self.watch(true);
                Told::Absent { watched: true }
            }
            _ => Told::Absent { watched: false },
        };
        let text = String::from_utf8_lossy(line.as_bytes()).into_owned();
        if self.trace {
            println!("                {told:?} {text:?}");
        }
        self.checks.told(sink, told, &text);
        self.handle(Event::Told { sink, told })
    }
}
