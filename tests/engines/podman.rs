//! podman with pidone as its init, and as the infra container of its pods.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::host::{Host, Said, came_true, installed, remove_groups, size, skip};
use crate::support::tools;

struct Podman {
    host: Host,
}

/// How many of them there are. They share the control group above all containers, so that the last
/// one takes it away: it would be gone under a container that another one is about to start.
static COUNT: Mutex<u32> = Mutex::new(0);

fn count() -> MutexGuard<'static, u32> {
    COUNT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What every container here runs with: limits within those of any machine, and no network.
const PLAIN: [&str; 4] = ["run", "--rm", "--network", "none"];

impl Podman {
    fn new(name: &str) -> Result<Podman, String> {
        for tool in ["podman", "conmon", "runc"] {
            if !installed(tool) {
                return Err(format!("{tool} is not installed: podman, conmon, runc"));
            }
        }
        let mut host = Host::new(name)?;
        configure(&mut host);
        *count() += 1;
        let podman = Podman { host };
        let archive = podman.host.root_archive();
        let imported = podman.podman(&["import", &archive, "localhost/bb:latest"]);
        if imported.code != Some(0) {
            return Err(format!("podman cannot run here: {}", imported.error));
        }
        let plain = podman.podman(&[&PLAIN[..], &["bb", "true"]].concat());
        match plain.code {
            Some(0) => Ok(podman),
            _ => Err(format!("podman cannot run a container here: {}", plain.error)),
        }
    }

    fn podman(&self, words: &[&str]) -> Said {
        self.host.run(&[&["podman"], words].concat())
    }

    /// Runs a container with pidone as its init.
    fn run(&self, words: &[&str]) -> Said {
        let init = tools::pidone().to_str().expect("a plain path");
        self.podman(&[&PLAIN[..], &["--init", "--init-path", init], words].concat())
    }

    /// Waits until a container has its program, and has it end by a stop; its exit code.
    fn stop(&self, container: &str) -> String {
        self.host.until_begun(&self.state(container, "Pid"));
        self.podman(&["stop", "-t", "60", container]).well();
        self.state(container, "ExitCode")
    }

    /// One field of a container's state.
    fn state(&self, container: &str, field: &str) -> String {
        let format = format!("{{{{.State.{field}}}}}");
        self.podman(&["inspect", "--type", "container", "-f", &format, container]).well()
    }
}

fn configure(host: &mut Host) {
    let at = |name: &str| host.path(name);
    let helpers = at("helpers");
    fs::create_dir_all(&helpers).expect("the folder is ours");
    // This is where podman finds the program of a pod's infra container.
    fs::copy(tools::pidone(), Path::new(&helpers).join("catatonit")).expect("a copy");
    let engine = format!(
        "[containers]\ndefault_ulimits=[\"nofile=1024:1024\",\"nproc=1024:1024\"]\n[engine]\n\
         runtime=\"runc\"\ncgroup_manager=\"cgroupfs\"\nevents_logger=\"file\"\ntmp_dir={:?}\n\
         volume_path={:?}\nhelper_binaries_dir=[{helpers:?},\"/usr/libexec/podman\",\
         \"/usr/lib/podman\"]\n[network]\nnetwork_config_dir={:?}\n",
        at("tmp"),
        at("volumes"),
        at("net"),
    );
    let storage = format!(
        "[storage]\ndriver=\"vfs\"\ngraphroot={:?}\nrunroot={:?}\n",
        at("graph"),
        at("run"),
    );
    host.write("containers.conf", &engine);
    host.write("storage.conf", &storage);
    let (conf, storage) = (host.path("containers.conf"), host.path("storage.conf"));
    host.set("CONTAINERS_CONF", &conf);
    host.set("CONTAINERS_STORAGE_CONF", &storage);
}

impl Drop for Podman {
    fn drop(&mut self) {
        // What podman removes itself leaves no control group behind but the one above all.
        let _ = self.podman(&["pod", "rm", "-f", "-a", "-t", "0"]);
        let _ = self.podman(&["rm", "-f", "-a", "-t", "0"]);
        let mut count = count();
        *count -= 1;
        if *count == 0 {
            remove_groups("libpod_parent");
        }
    }
}

#[test]
fn podman_takes_pidone_for_its_init() {
    let podman = match Podman::new("p1") {
        Ok(podman) => podman,
        Err(reason) => return skip(&reason),
    };
    let script = "tr '\\0' ' ' < /proc/1/cmdline; wc -c < /proc/1/exe";
    let line = podman.run(&["bb", "sh", "-c", script]).well();
    assert!(line.starts_with("/run/podman-init -- sh -c"), "{line}");
    assert!(line.ends_with(&size()), "another init runs: {line}");
    for (words, code) in [
        (&["bb", "sh", "-c", "exit 7"][..], 7),
        (&["bb", "sh", "-c", "kill -SEGV $$"], 139),
        (&["bb", "/etc"], 126),
        (&["bb", "nosuchcommand"], 127),
        (&["--read-only", "bb", "sh", "-c", "! touch /x && exit 8"], 8),
        (&["--read-only", "--tmpfs", "/run", "bb", "sh", "-c", "exit 9"], 9),
        (&["--user", "1000:1000", "bb", "sh", "-c", "exit $(($(id -u) % 256))"], 1000 % 256),
        (&["--cap-drop", "all", "bb", "sh", "-c", "exit 6"], 6),
        (&["--security-opt", "no-new-privileges", "bb", "sh", "-c", "exit 5"], 5),
    ] {
        let said = podman.run(words);
        assert_eq!(said.code, Some(code), "{words:?}: {}{}", said.text, said.error);
    }
}

#[test]
fn podman_stop_ends_a_program_within_the_grace() {
    let podman = match Podman::new("p2") {
        Ok(podman) => podman,
        Err(reason) => return skip(&reason),
    };
    let init = tools::pidone().to_str().expect("a plain path");
    for user in ["0", "1000"] {
        let words = ["run", "-d", "--name", "web", "--network", "none", "--user", user, "--init"];
        let command = ["--init-path", init, "bb", "sleep", "100000"];
        podman.podman(&[&words[..], &command].concat()).well();
        assert_eq!(podman.stop("web"), "143", "user {user}");
        podman.podman(&["rm", "web"]).well();
    }
}

/// A terminal as a person has it: keys in, text out.
struct Terminal {
    client: std::process::Child,
    seen: std::sync::Arc<std::sync::Mutex<String>>,
}

impl Terminal {
    fn open(podman: &Podman, words: &[&str]) -> Terminal {
        let line = format!("podman {}", words.join(" "));
        let mut command = podman.host.command(&["script", "-q", "-e", "-c", &line, "/dev/null"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut client = command.spawn().expect("nsenter runs");
        let seen = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
        let (mut out, all) = (client.stdout.take().expect("a pipe"), seen.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 1024];
            while let Ok(count @ 1..) = out.read(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
                all.lock().expect("nobody panics with it").push_str(&text);
            }
        });
        Terminal { client, seen }
    }

    fn press(&mut self, keys: &str) {
        let stdin = self.client.stdin.as_mut().expect("a pipe");
        stdin.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    fn until(&self, text: &str) {
        let shown = || self.seen.lock().expect("nobody panics with it").clone();
        assert!(came_true(|| shown().contains(text)), "no {text:?}: {}", shown());
    }
}

#[test]
fn podman_run_it_has_job_control() {
    let podman = match Podman::new("p3") {
        Ok(podman) => podman,
        Err(reason) => return skip(&reason),
    };
    if !installed("script") {
        return skip("script is not installed: bsdutils");
    }
    let init = tools::pidone().to_str().expect("a plain path");
    let words = ["run", "-it", "--name", "shell", "--network", "none", "--init", "--init-path"];
    let mut terminal = Terminal::open(&podman, &[&words[..], &[init, "bb", "sh"]].concat());
    terminal.press("echo sh''ell\n");
    terminal.until("shell");
    let job = |letter: &str| {
        let look = "for p in $(pidof sleep); do cut -d ' ' -f 3 /proc/$p/stat; done";
        podman.podman(&["exec", "shell", "sh", "-c", look]).text.trim() == letter
    };
    terminal.press("sleep 98765\n");
    podman.host.until("no job was started", || job("S"));
    terminal.press("\x1a");
    podman.host.until("Ctrl-Z did not stop the job", || job("T"));
    terminal.press("echo ba''ck\n");
    terminal.until("back");
    terminal.press("fg\n");
    podman.host.until("fg did not go on", || job("S"));
    terminal.press("\x03");
    podman.host.until("Ctrl-C did not end the job", || job(""));
    terminal.press("exit 9\n");
    let code = terminal.client.wait().expect("it ends").code();
    assert_eq!(code, Some(9));
}

#[test]
fn the_infra_container_of_a_pod_is_pidone() {
    let podman = match Podman::new("p4") {
        Ok(podman) => podman,
        Err(reason) => return skip(&reason),
    };
    let create = ["pod", "create", "--name", "demo", "--network", "none", "--share", "pid,ipc,uts"];
    podman.podman(&[&create[..], &["--infra-name", "infra"]].concat()).well();
    let script = "tr '\\0' ' ' < /proc/1/cmdline; wc -c < /proc/1/exe; (sleep 0.2 & \
                  echo $! > /tmp/o); o=$(cat /tmp/o); while [ -e /proc/$o ]; do usleep 5000; done; \
                  echo reaped";
    let line = podman.podman(&["run", "--rm", "--pod", "demo", "bb", "sh", "-c", script]).well();
    assert!(line.starts_with("/catatonit -P"), "{line}");
    assert!(line.contains(&size()), "another infra container runs: {line}");
    assert!(line.ends_with("reaped"), "{line}");
    podman.podman(&["pod", "stop", "-t", "60", "demo"]).well();
    assert_eq!(podman.state("infra", "ExitCode"), "0", "it was killed");
    podman.podman(&["pod", "rm", "demo"]).well();
}

/// The code blocks of the README, each with the word after its fence.
fn readme(language: &str, word: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(path).expect("there is a README");
    let fence = format!("```{language}\n");
    let blocks = text.split(&fence).skip(1).filter_map(|rest| rest.split("```").next());
    let found = blocks.map(str::to_owned).find(|block| block.contains(word));
    found.unwrap_or_else(|| panic!("the README has no block of {language} with {word}"))
}

#[test]
fn the_image_recipe_and_the_pod_manifest_of_the_readme_work() {
    let podman = match Podman::new("p5") {
        Ok(podman) => podman,
        Err(reason) => return skip(&reason),
    };
    let context = podman.host.path("context");
    podman.host.write("context/Containerfile", &readme("dockerfile", "FROM scratch"));
    fs::copy(tools::pidone(), Path::new(&context).join("pidone")).expect("a copy");
    fs::copy(tools::actor(), Path::new(&context).join("app")).expect("a copy");
    let build = ["build", "--network", "none", "-t", "localhost/app:latest", &context];
    podman.podman(&build).well();
    alone(&podman);
    let manifest = podman.host.path("pod.yaml");
    podman.host.write("pod.yaml", &readme("yaml", "kind: Pod"));
    podman.podman(&["play", "kube", "--network", "none", &manifest]).well();
    let app = "demo-app";
    assert_eq!(podman.state(app, "Status"), "running");
    // A stop of the whole pod takes process 1 of all of them away at the same time.
    assert_eq!(podman.stop(app), "143");
    podman.podman(&["play", "kube", "--down", &manifest]).well();
}

/// The image by itself: the program is a child of pidone, and a stop is its own end.
fn alone(podman: &Podman) {
    let words = ["run", "-d", "--name", "alone", "--network", "none", "localhost/app:latest"];
    podman.podman(&words).well();
    assert_eq!(podman.stop("alone"), "143");
    podman.podman(&["rm", "alone"]).well();
    let other = ["run", "--rm", "--network", "none", "localhost/app:latest", "/app", "die", "9"];
    assert_eq!(podman.podman(&other).code, Some(137));
}
