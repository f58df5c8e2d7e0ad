//! A guest in QEMU as a test holds it: its console, its log, and its place among the others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Condvar, Mutex, MutexGuard, Once};

use crate::console::{Console, PATIENCE};
use crate::support::wait::came_true;

/// Guests that run side by side: each keeps one processor busy, and build machines have two.
const SLOTS: usize = 2;

static FREE_SLOTS: Mutex<usize> = Mutex::new(SLOTS);
static SLOT_FREED: Condvar = Condvar::new();
static PREPARED: Once = Once::new();

/// The right to run one guest, given back at the end of the test whatever its end is.
struct Slot;

impl Slot {
    /// Waits for a slot. The first caller has the kernel fetched and pidone built meanwhile, which
    /// may take minutes and must not count against anybody's patience.
    fn take() -> Slot {
        PREPARED.call_once(|| {
            let output = qemu_run().arg("--image-only").output().unwrap();
            assert!(output.status.success(), "qemu/run --image-only: {}", text(&output.stderr));
        });
        let mut free = lock_slots();
        while *free == 0 {
            free = SLOT_FREED.wait(free).unwrap_or_else(|poison| poison.into_inner());
        }
        *free -= 1;
        Slot
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        *lock_slots() += 1;
        SLOT_FREED.notify_one();
    }
}

/// A test that failed while it held the lock has left nothing half done, so poison is no matter.
fn lock_slots() -> MutexGuard<'static, usize> {
    FREE_SLOTS.lock().unwrap_or_else(|poison| poison.into_inner())
}

/// A folder of one test's own files, empty at its start and kept for whoever studies a failure.
pub fn scratch(test: &str) -> PathBuf {
    static GIVEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut given = GIVEN.lock().unwrap_or_else(|poison| poison.into_inner());
    let taken = given.iter().any(|other| other == test);
    given.push(test.to_owned());
    drop(given);
    assert!(!taken, "two tests would take the folder {test} from each other");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("boot").join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A file of the repository, which need not be the current folder.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Words for a guest's kernel: one that gets no processor for a while takes that for a fault of its
/// own, and says so in the midst of what a test waits for.
const UNDISTURBED: &str = "rcupdate.rcu_cpu_stall_suppress=1 sysctl.kernel.soft_watchdog=0";

/// `qemu/run` with what every call has in common.
pub fn qemu_run() -> Command {
    let mut command = Command::new(repository("qemu/run"));
    // Whoever has a locale that the machine has not is told so by bash, on standard error.
    command.env("LC_ALL", "C").args(["--quiet", "--append", UNDISTURBED]);
    if let Some(init) = std::env::var_os("PIDONE_BOOT_INIT") {
        command.arg("--init").arg(init);
    }
    command
}

/// Runs one command in a guest; `options` are those of `qemu/run`.
pub fn boot_test(options: &[&str], command: &[&str]) -> Output {
    let _slot = Slot::take();
    let patience = PATIENCE.as_secs().to_string();
    let patient = ["--timeout", &patience];
    qemu_run().args(patient).args(options).arg("--").args(command).output().unwrap()
}

/// A guest whose console this test holds.
pub struct Guest {
    pub console: Console,
    serial_log: PathBuf,
    _slot: Slot,
}

impl Guest {
    pub fn boot(folder: &Path, options: &[&str]) -> Guest {
        let slot = Slot::take();
        let serial_log = folder.join("serial.log");
        let mut command = qemu_run();
        command.arg("--serial-log").arg(&serial_log).args(options);
        let console = Console::start(command);
        Guest { console, serial_log, _slot: slot }
    }

    /// Logs in as the demo image's root and names the prompt.
    pub fn log_in(&mut self) {
        self.console.expect("pidone login: ");
        self.console.type_line("root");
        self.console.expect("Password: ");
        self.console.type_line("pidone");
        self.console.expect("# ");
        self.name_prompt();
    }

    /// Makes the prompt a word that nothing else prints.
    pub fn name_prompt(&mut self) {
        // The quotes keep the echo of this line from being taken for the prompt itself.
        self.console.type_line("PS1='rea''dy> '");
        self.console.expect("ready> ");
    }

    /// Runs a line in the shell and answers all that appeared until the next prompt, echo included.
    /// The guest's line and QEMU's terminal each put a return before a newline; none is answered.
    pub fn shell(&mut self, line: &str) -> String {
        self.console.type_line(line);
        self.console.expect("ready> ").replace('\r', "")
    }

    /// Asks for the end of the machine and waits for QEMU's own.
    pub fn end_with(&mut self, line: &str) {
        self.console.type_line(line);
        self.assert_qemu_ends();
    }

    pub fn assert_qemu_ends(&mut self) {
        let status = self.console.expect_end();
        assert!(status.success(), "qemu/run: {status}; {}", self.serial_log());
    }

    fn serial_log(&self) -> String {
        text(&fs::read(&self.serial_log).unwrap())
    }

    /// Holds the serial log to having `words`, in the end: a kernel may write down what it is told
    /// when it finds the time.
    pub fn assert_log_has(&self, words: &str) {
        let has = came_true(|| self.serial_log().contains(words));
        assert!(has, "no {words:?} in the serial log:\n{}", self.serial_log());
    }
}
