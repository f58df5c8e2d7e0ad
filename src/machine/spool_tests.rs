use super::*;
use std::vec::Vec;

/// What outlives a reader: the spool, the pipe, and what was logged.
struct World {
    spool: Spool,
    text: Vec<u8>,
    position: u64,
    pipe: Vec<u8>,
    files: Vec<Vec<u8>>,
    datagrams: bool,
    /// Bytes that the log takes at once, and in all.
    bite: usize,
    space: usize,
}

const LIMIT: usize = 300;

fn style(datagrams: bool) -> Style<'static> {
    if datagrams { Style::Datagram(b"<30>unit: ") } else { Style::File }
}

impl World {
    fn new(datagrams: bool, pipe: &[u8]) -> World {
        let (spool, pipe) = (Spool::new(), pipe.to_vec());
        let (text, files) = (Vec::new(), vec![Vec::new()]);
        World { spool, text, position: 0, pipe, files, datagrams, bite: 999, space: usize::MAX }
    }

    fn rest(&self) -> &[u8] {
        let rest = &self.text[self.spool.done() as usize..];
        &rest[..rest.len().min(PIECE)]
    }

    /// Does what is to be done next; whether there was something.
    fn work(&mut self, killed: bool) -> bool {
        let is_due = !self.datagrams && self.files.last().unwrap().len() >= LIMIT;
        match self.spool.next(self.position, is_due) {
            Next::Seek(to) => self.position = to,
            Next::Send(_) if self.space == 0 => self.fail(),
            Next::Send(count) => self.send(count),
            Next::Rotate => self.files.push(Vec::new()),
            Next::Fill => return self.fill(killed),
        }
        true
    }

    fn send(&mut self, count: usize) {
        let unsent = self.spool.unsent(self.position);
        assert_eq!(unsent.len(), count);
        let count = if self.datagrams { count } else { count.min(self.bite).min(self.space) };
        let sent = unsent[..count].to_vec();
        if self.datagrams {
            assert!(sent.len() <= DATAGRAM_MAX);
            self.files.push(sent);
        } else {
            self.files.last_mut().unwrap().extend(sent);
        }
        self.space -= count;
        self.position += count as u64;
    }

    fn fill(&mut self, killed: bool) -> bool {
        let (rest, before) = (self.rest().to_vec(), self.spool.current.load(Ordering::Acquire));
        if self.space > 0 && self.spool.tell_loss(style(self.datagrams)) {
            return true;
        }
        if self.spool.fill(&rest, false, style(self.datagrams)) {
            if killed {
                // Right before the last store.
                self.spool.current.store(before, Ordering::Release);
            }
            return true;
        }
        let count = self.pipe.len().min(700);
        self.text.extend(self.pipe.drain(..count));
        count > 0
    }

    fn fail(&mut self) {
        let count = self.pipe.len().min(700);
        self.text.extend(self.pipe.drain(..count));
        let rest = self.rest().to_vec();
        if !rest.is_empty() {
            self.spool.give_up(&rest);
        } else if self.pipe.is_empty() {
            self.space = usize::MAX;
        }
    }
}

fn lines(count: usize) -> Vec<u8> {
    (0..count).flat_map(|n| format!("line {n} {}\n", "x".repeat(n * 7 % 90)).into_bytes()).collect()
}

#[test]
fn a_kill_at_any_step_neither_loses_nor_tears_nor_doubles() {
    let text = lines(120);
    for datagrams in [false, true] {
        for bite in [1, 7, 999] {
            let mut world = World::new(datagrams, &text);
            world.bite = bite;
            // Every step is a chance to die, since nothing but the world remains in between.
            let mut step = 0;
            while world.work(step % 3 == 0) {
                step += 1;
            }
            let seen: Vec<u8> = if datagrams {
                let plain = world.files.iter().skip(1).map(|d| &d[b"<30>unit: ".len()..]);
                plain.flat_map(|line| [line, b"\n"].concat()).collect()
            } else {
                let files = world.files.iter();
                files.clone().take(world.files.len() - 1).for_each(|file| {
                    assert!(file.len() >= LIMIT && file.ends_with(b"\n"), "{}", file.len());
                });
                files.flatten().copied().collect()
            };
            assert_eq!(seen, text, "datagrams {datagrams}, bite {bite}");
        }
    }
}

#[test]
fn the_end_of_a_text_is_a_line_too() {
    let mut spool = Spool::new();
    assert!(!spool.fill(b"end", false, Style::File));
    assert!(spool.fill(b"end", true, Style::File));
    assert_eq!((spool.unsent(0), spool.done()), (&b"end\n"[..], 3));
    assert!(!spool.fill(b"", true, Style::File));
}

#[test]
fn what_a_full_disk_costs_is_counted_and_nothing_is_torn() {
    let text = lines(400);
    for space in (0..2500).step_by(97) {
        let mut world = World::new(false, &text);
        (world.space, world.bite) = (space, 100);
        while world.work(false) {}
        let seen = String::from_utf8(world.files.concat()).unwrap();
        let told = seen.lines().filter_map(|line| {
            line.strip_prefix("logger: ")?.strip_suffix(" lines lost")?.parse::<usize>().ok()
        });
        let lost: usize = told.sum();
        let whole = seen.lines().filter(|line| !line.starts_with("logger:"));
        for line in whole.clone() {
            assert!(text.split(|&b| b == b'\n').any(|known| known == line.as_bytes()), "{line:?}");
        }
        assert!(lost > 0, "with room for {space} nothing was lost");
        assert_eq!(whole.count() + lost, 400, "with room for {space}");
    }
}

#[test]
fn word_of_a_loss_is_no_part_of_a_line_whose_end_is_lost() {
    let mut spool = Spool::new();
    assert!(spool.fill(&[b'x'; PIECE], false, Style::File));
    assert!(!spool.unsent(0).ends_with(b"\n"), "a piece of a longer line");
    spool.give_up(b"the rest of it\nanother line\n");
    assert_eq!(spool.unsent(0).len(), FILLED_MAX, "what may be out already stays");
    assert!(spool.tell_loss(Style::File));
    assert_eq!(spool.unsent(0), b"\nlogger: 2 lines lost\n");
    assert!(!spool.tell_loss(Style::File));
}

#[test]
fn a_page_of_garbage_harms_nothing() {
    let mut spool = Spool::new();
    spool.current.store(u32::MAX, Ordering::Relaxed);
    spool.notes = [Note { done: u64::MAX, len: u32::MAX, lost: u32::MAX }; 2];
    assert!(spool.unsent(0).is_empty());
    assert_eq!(spool.next(u64::MAX, true), Next::Seek(spool.span().0));
    spool.give_up(b"x\n");
    assert!(spool.tell_loss(Style::File));
}
