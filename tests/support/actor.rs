//! Plays the parts that no shell can: a child that blocks every signal and writes down which came,
//! and a maker of orphans. It needs no library, so that it runs in any root.
//!
//! `actor record [N]`: each signal becomes a line `got NUMBER` of /out/log; N ends it with 7.
//! `actor tidy`: a daemon that at TERM waits until /out/leave is there and says `tidy` at its end.
//! `actor orphans LIVE DYING`: makes so many orphans that live on, then so many that wait; when
//! /out/go is there, these end one after the other. When all of them have been reaped it says
//! `gone` and ends.
//! `actor stream LIVE DYING`: the same, but the dying are born only then, and end at once.
//! `actor die N`: sends itself that signal.
//! `actor flood N`: sends PID 1 that signal, thousands of times a second.
//! `actor hold`, or `serve`: waits for a signal that it dies of, as `sleep` does, and takes little.
//! `actor redirect`: redirects the console to a terminal that is full and that nobody reads, and
//! when /out/go is there, back to itself.
//! `actor as UID PART…`: becomes that user for good, as far as it may, and plays the part.
//! `actor true`: ends at once.

#![no_std]
#![no_main]

mod raw;

use raw::{call, exit};

const READ: usize = 0;
const WRITE: usize = 1;
const OPEN: usize = 2;
const CLOSE: usize = 3;
const SIGPROCMASK: usize = 14;
const IOCTL: usize = 16;
const ACCESS: usize = 21;
const PIPE: usize = 22;
const PAUSE: usize = 34;
const NANOSLEEP: usize = 35;
const GETPID: usize = 39;
const VFORK: usize = 58;
const FORK: usize = 57;
const WAIT4: usize = 61;
const KILL: usize = 62;
const SETRESUID: usize = 117;
const SIGTIMEDWAIT: usize = 128;

/// `O_WRONLY | O_CREAT | O_APPEND` of open(2).
const APPEND: usize = 0o2101;
/// The size of the kernel's signal set in bytes.
const SET: usize = 8;

/// Appends a line to the log in one write.
fn say(line: &[u8]) {
    let log = call(OPEN, [c"/out/log".as_ptr() as usize, APPEND, 0o666, 0]);
    call(WRITE, [log as usize, line.as_ptr() as usize, line.len(), 0]);
    call(CLOSE, [log as usize, 0, 0, 0]);
}

/// A word as a number; anything else than digits ends it.
fn number(word: &[u8]) -> usize {
    let digits = word.iter().map_while(|b| b.checked_sub(b'0').filter(|d| *d <= 9));
    digits.fold(0, |sum, digit| sum.wrapping_mul(10).wrapping_add(digit.into()))
}

fn record(last: usize) -> ! {
    let all = !0_u64;
    call(SIGPROCMASK, [0, &raw const all as usize, 0, SET]);
    say(b"ready\n");
    loop {
        let signal = call(SIGTIMEDWAIT, [&raw const all as usize, 0, 0, SET]);
        if signal > 0 {
            let digit = |value: isize| b'0' + (value % 10) as u8;
            say(&[b'g', b'o', b't', b' ', digit(signal / 10), digit(signal), b'\n']);
        }
        if signal == last as isize {
            exit(7);
        }
    }
}

fn tidy() -> ! {
    let term = 1_u64 << 14;
    call(SIGPROCMASK, [0, &raw const term as usize, 0, SET]);
    say(b"ready\n");
    call(SIGTIMEDWAIT, [&raw const term as usize, 0, 0, SET]);
    say(b"tidying\n");
    while call(ACCESS, [c"/out/leave".as_ptr() as usize, 0, 0, 0]) != 0 {
        nap();
    }
    say(b"tidy\n");
    exit(0)
}

fn nap() {
    let millisecond = [0_usize, 1_000_000];
    call(NANOSLEEP, [millisecond.as_ptr() as usize, 0, 0, 0]);
}

/// Forks a child that runs a part and never comes back.
fn fork(part: impl FnOnce()) -> isize {
    let pid = call(FORK, [0; 4]);
    if pid == 0 {
        part();
        exit(0);
    }
    pid
}

fn wait_for(pid: isize) {
    while call(WAIT4, [pid as usize, 0, 0, 0]) != pid {}
}

fn hold() {
    loop {
        call(PAUSE, [0; 4]);
    }
}

fn die(signal: usize) {
    call(KILL, [call(GETPID, [0; 4]) as usize, signal, 0, 0]);
}

/// Makes so many orphans by way of a process that ends; gives the number of that one.
fn leave(count: usize, part: &dyn Fn()) -> isize {
    let maker = fork(|| {
        for _ in 0..count {
            fork(part);
        }
    });
    wait_for(maker);
    maker
}

fn flood(signal: usize) {
    loop {
        (0..32).for_each(|_| _ = call(KILL, [1, signal, 0, 0]));
        nap();
    }
}

fn alive(pid: isize) -> bool {
    call(KILL, [pid as usize, 0, 0, 0]) == 0
}

fn await_go() {
    say(b"ready\n");
    while call(ACCESS, [c"/out/go".as_ptr() as usize, 0, 0, 0]) != 0 {
        nap();
    }
}

/// Waits until each of them has been reaped, which is when its number is nobody's.
fn await_end(pids: impl Iterator<Item = isize>) -> ! {
    for pid in pids {
        while alive(pid) {
            nap();
        }
    }
    say(b"gone\n");
    loop {
        hold();
    }
}

/// Process numbers of a fresh namespace follow each other, so the first and the last name them all.
fn orphans(live: usize, dying: usize) -> ! {
    let mut ends = [0_i32; 2];
    call(PIPE, [&raw mut ends as usize, 0, 0, 0]);
    let [reads, writes] = ends.map(|fd| fd as usize);
    let byte = [0_u8];
    leave(live, &hold);
    let maker = leave(dying, &|| {
        call(READ, [reads, byte.as_ptr() as usize, 1, 0]);
    });
    let pids = maker + 1..=maker + dying as isize;
    if !pids.clone().all(alive) {
        say(b"some were not born\n");
    }
    await_go();
    for _ in pids.clone() {
        call(WRITE, [writes, byte.as_ptr() as usize, 1, 0]);
    }
    await_end(pids)
}

/// Orphans that reach their new parent already dead. Each is born by way of two vforks, which copy
/// nothing, so that making them takes no longer than reaping them.
fn stream(live: usize, dying: usize) -> ! {
    let last = leave(live, &hold) + live as isize;
    await_go();
    for _ in 0..dying {
        let maker = call(VFORK, [0; 4]);
        if maker == 0 {
            call(VFORK, [0; 4]);
            exit(0);
        }
        wait_for(maker);
    }
    await_end((1..=dying as isize).map(|index| last + 2 * index))
}

/// See ioctl_tty(2). The far end of a pseudoterminal is opened twice: a descriptor that does not
/// wait fills it, and the console is redirected to one that does.
fn redirect() -> ! {
    const READ_WRITE_NO_CONTROL: usize = 0o402;
    const NO_WAIT: usize = 0o4000;
    const TIOCSPTLCK: usize = 0x4004_5431;
    const TIOCGPTPEER: usize = 0x5441;
    const TIOCCONS: usize = 0x541d;
    let open = |path: &core::ffi::CStr| {
        call(OPEN, [path.as_ptr() as usize, READ_WRITE_NO_CONTROL, 0, 0]) as usize
    };
    let near = open(c"/dev/ptmx");
    let unlocked = 0_i32;
    call(IOCTL, [near, TIOCSPTLCK, &raw const unlocked as usize, 0]);
    let far = |how| call(IOCTL, [near, TIOCGPTPEER, READ_WRITE_NO_CONTROL | how, 0]) as usize;
    let (far, filler) = (far(0), far(NO_WAIT));
    let redirected = call(IOCTL, [far, TIOCCONS, 0, 0]) == 0;
    // The kernel moves what it holds to the near end, which makes room a few times.
    for _ in 0..100 {
        while call(WRITE, [filler, c"x".as_ptr() as usize, 1, 0]) == 1 {}
        nap();
    }
    say(if redirected { b"redirected\n" } else { b"not redirected\n" });
    await_go();
    call(IOCTL, [open(c"/dev/console"), TIOCCONS, 0, 0]);
    say(b"back\n");
    loop {
        hold();
    }
}

/// Safety: the kernel's stack holds a count and that many pointers to words that end in a zero.
unsafe extern "C" fn entry(stack: *const usize) -> ! {
    let word = |index: usize| -> &[u8] {
        unsafe {
            if index >= *stack {
                return b"";
            }
            let pointer = *stack.add(1 + index) as *const core::ffi::c_char;
            core::ffi::CStr::from_ptr(pointer).to_bytes()
        }
    };
    let mut at = 1;
    if word(1) == b"as" {
        let user = number(word(2));
        call(SETRESUID, [user, user, user, 0]);
        at = 3;
    }
    match word(at) {
        b"record" => record(number(word(at + 1))),
        b"tidy" => tidy(),
        b"orphans" => orphans(number(word(at + 1)), number(word(at + 2))),
        b"stream" => stream(number(word(at + 1)), number(word(at + 2))),
        b"hold" | b"serve" => hold(),
        b"die" => die(number(word(at + 1))),
        b"redirect" => redirect(),
        b"flood" => flood(number(word(at + 1))),
        _ => {}
    }
    exit(0)
}

macro_rules! memory {
    ($($name:ident($($arg:ident: $type:ty),*) -> $answer:ty $body:block)*) => {$(
        // Safety: the compiler calls these with the contract of the C functions of that name.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($arg: $type),*) -> $answer $body
    )*};
}

memory! {
    strlen(text: *const u8) -> usize {
        let mut length = 0;
        while unsafe { text.add(length).read_volatile() } != 0 {
            length += 1;
        }
        length
    }
    bcmp(a: *const u8, b: *const u8, length: usize) -> i32 {
        let differs = |i| unsafe { a.add(i).read_volatile() != b.add(i).read_volatile() };
        (0..length).any(differs).into()
    }
    memcmp(a: *const u8, b: *const u8, length: usize) -> i32 {
        unsafe { bcmp(a, b, length) }
    }
    memset(to: *mut u8, byte: i32, length: usize) -> *mut u8 {
        (0..length).for_each(|i| unsafe { to.add(i).write_volatile(byte as u8) });
        to
    }
    memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
        (0..length).for_each(|i| unsafe { to.add(i).write_volatile(from.add(i).read_volatile()) });
        to
    }
}
