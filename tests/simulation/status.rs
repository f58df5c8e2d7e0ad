//! Somebody asks how the units are, at any instant: each is there once, by its name, with a word
//! that its state allows. And somebody wants something of a unit: it is done, or refused where its
//! line or the time forbids it.

use pidone::machine::init::Phase;
use pidone::machine::time::Instant;
use pidone::machine::unit::{Last, State};
use pidone::machine::{Action, Event, Step};
use pidone::wire::control::{ANSWER_MAX, Answer, answer};

use super::world::World;

/// Makes a request, and gives the answer.
fn request(world: &mut World, request: &str) -> Result<Answer, String> {
    world.handle(Event::Asked { allowed: true, text: request.as_bytes() })?;
    if world.init.next_action() != Some(Action::Answer) {
        return Err(format!("{:?} comes before the answer", world.init.next_action()));
    }
    let mut room = Answer::new();
    world.init.answer(&mut room);
    world.handle(Event::Answered)?;
    Ok(room)
}

/// Wants something of a unit: whether that was done.
pub fn command(world: &mut World) -> Result<bool, String> {
    let table = world.init.table();
    let units = table.slots().len() as u64;
    let Some(slot) = table.slots().get(world.random.below(units.max(1)) as usize) else {
        return Ok(false);
    };
    let ordinal = slot.spec.name.ordinal;
    let base = String::from_utf8_lossy(table.text(slot.spec.name.base)).into_owned();
    // One that is not listed any more may bear the name of one that is.
    let first = table.slots().iter().find(|any| table.same_name(&any.spec, table, &slot.spec));
    let spec = first.ok_or("it has its own name")?.spec;
    let may = spec.kind.is_service() && table.may_run(&spec) && world.init.phase() == Phase::Run;
    let name = if ordinal > 1 { format!("{base}-{ordinal}") } else { base };
    let verb = ["start", "stop", "restart"][world.random.below(3) as usize];
    let room = request(world, &format!("1 {verb} {name}\n"))?;
    let read = answer(room.as_bytes()).ok_or("the answer cannot be read")?;
    if (read.code == 0) != may {
        return Err(format!("{verb} {name}: {read:?}"));
    }
    world.checks.commanded();
    Ok(may)
}

/// Asks for all units, answer by answer; how many there are.
pub fn ask(world: &mut World) -> Result<u64, String> {
    let mut lines = Vec::new();
    let mut from = 0;
    loop {
        let room = request(world, &format!("1 status {from}\n"))?;
        let read = answer(room.as_bytes()).ok_or("the answer cannot be read")?;
        if read.code != 0 || room.as_bytes().len() > ANSWER_MAX {
            return Err(format!("a bad answer: {read:?}"));
        }
        lines.extend(String::from_utf8_lossy(read.text).lines().map(str::to_owned));
        if read.next <= from {
            break;
        }
        from = read.next;
    }
    let slots = world.init.table().slots();
    if lines.len() != slots.len() {
        return Err(format!("{} lines for {} units", lines.len(), slots.len()));
    }
    for (slot, line) in slots.iter().zip(&lines) {
        let words: Vec<&str> = line.split(' ').collect();
        let name = world.init.table().text(slot.spec.name.base);
        let named = words[0].starts_with(String::from_utf8_lossy(name).as_ref());
        let pid = slot.unit.state.pid().map(|pid| format!("pid {}", pid.0));
        let word = words[1].trim_end_matches([',', ':', ';']);
        let shown = pid.is_none_or(|pid| line.contains(&pid));
        if !named || !shown || !fits(slot.unit.state, slot.unit.last, word) {
            let now = Instant::from_millis(world.now);
            return Err(format!("{line:?} for {slot:?} at {now:?}"));
        }
    }
    Ok(lines.len() as u64)
}

/// Whether a word may stand for a state.
fn fits(state: State, last: Last, word: &str) -> bool {
    use State::*;
    match state {
        Idle => ["idle", "off", "failed"].contains(&word),
        Due => ["due", "waiting"].contains(&word),
        Starting { .. } | Forked { .. } | Following { .. } => word == "starting",
        Up { .. } => word == "up",
        Backoff { .. } => word == "backoff",
        NoTerminal { .. } => word == "waiting",
        Leaving { .. } | Stopping { .. } | Overdue { .. } | Killed { .. } => word == "stopping",
        Absent => word == "absent",
        Done if matches!(last, Last::Fault(f) if f.step != Step::Condition) => word == "failed",
        Done => word == "finished",
        Failed => word == "failed",
    }
}
