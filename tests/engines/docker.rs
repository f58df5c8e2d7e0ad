//! dockerd with pidone as its init.

use std::process::{Child, Stdio};

use crate::host::{Host, installed, remove_groups, size, skip};
use crate::support::tools;

/// Debian's own client, whatever else is first in the path.
const DOCKER: &str = "/usr/bin/docker";

struct Docker {
    host: Host,
    daemon: Child,
}

impl Docker {
    fn new() -> Result<Docker, String> {
        for tool in ["dockerd", "docker", "containerd", "runc"] {
            if !installed(tool) {
                return Err(format!("{tool} is not installed: docker.io, containerd, runc"));
            }
        }
        let mut host = Host::new("docker")?;
        host.set("DOCKER_HOST", &format!("unix://{}", host.path("sock")));
        host.set("DOCKER_CONFIG", &host.path("client"));
        host.write("daemon.json", &format!("{{\"deprecated-key-path\": {:?}}}", host.path("key")));
        let log = std::fs::File::create(host.scratch.join("log")).expect("the folder is ours");
        let daemon = host.command(&daemon_words(&host)).stdout(Stdio::null()).stderr(log).spawn();
        let mut docker = Docker { host, daemon: daemon.expect("nsenter runs") };
        match docker.comes_up() {
            Ok(()) => Ok(docker),
            Err(why) => Err(format!("dockerd cannot run here: {why}")),
        }
    }

    fn comes_up(&mut self) -> Result<(), String> {
        let (daemon, host) = (&mut self.daemon, &self.host);
        let mut over = false;
        host.until("dockerd does not answer", || {
            over = matches!(daemon.try_wait(), Ok(Some(_)));
            over || host.run(&[DOCKER, "version"]).code == Some(0)
        });
        let log = || std::fs::read_to_string(self.host.scratch.join("log")).unwrap_or_default();
        if over {
            return Err(log().lines().last().unwrap_or_default().to_owned());
        }
        self.docker(&["import", &self.host.root_archive(), "bb"]).well();
        let plain = self.docker(&["run", "--rm", "--network", "none", "bb", "true"]);
        if plain.code == Some(0) { Ok(()) } else { Err(plain.error) }
    }

    fn docker(&self, words: &[&str]) -> crate::host::Said {
        self.host.run(&[&[DOCKER], words].concat())
    }

    fn run(&self, words: &[&str]) -> crate::host::Said {
        self.docker(&[&["run", "--rm", "--network", "none", "--init", "bb"], words].concat())
    }
}

fn daemon_words(host: &Host) -> Vec<&'static str> {
    let own = |option: &str, name: &str| format!("{option}={}", host.path(name));
    // By this name it answers dockerd's question for its version as dockerd understands it.
    std::fs::copy(tools::pidone(), host.scratch.join("docker-init")).expect("a copy");
    let mut words = vec!["dockerd".to_owned(), own("--init-path", "docker-init")];
    words.extend([
        own("--config-file", "daemon.json"),
        own("--data-root", "data"),
        own("--exec-root", "exec"),
        own("--pidfile", "pid"),
        format!("--host=unix://{}", host.path("sock")),
    ]);
    let plain = "--bridge=none --iptables=false --ip6tables=false --ip-forward=false \
                 --ip-masq=false --exec-opt=native.cgroupdriver=cgroupfs --storage-driver=vfs \
                 --cgroup-parent=/pidone-docker --default-ulimit=nofile=1024:1024";
    words.extend(plain.split_whitespace().map(str::to_owned));
    words.into_iter().map(|word| &*word.leak()).collect()
}

impl Drop for Docker {
    fn drop(&mut self) {
        // Asked to end, it takes its containers and their control groups along.
        let pid = std::fs::read_to_string(self.host.scratch.join("pid")).unwrap_or_default();
        if self.host.run(&["kill", pid.trim()]).code != Some(0) {
            let _ = self.daemon.kill();
        }
        let _ = self.daemon.wait();
        remove_groups("pidone-docker");
    }
}

#[test]
fn dockerd_takes_pidone_for_its_init() {
    let docker = match Docker::new() {
        Ok(docker) => docker,
        Err(reason) => return skip(&reason),
    };
    let line = docker.run(&["sh", "-c", "tr '\\0' ' ' < /proc/1/cmdline; wc -c < /proc/1/exe"]);
    let line = line.well();
    assert!(line.starts_with("/sbin/docker-init -- sh -c"), "{line}");
    assert!(line.ends_with(&size()), "another init runs: {line}");
    codes(&docker);
    version(&docker);
    stops(&docker);
}

fn codes(docker: &Docker) {
    for (words, code) in [
        (&["sh", "-c", "exit 7"][..], 7),
        (&["sh", "-c", "kill -SEGV $$"], 139),
        (&["/etc"], 126),
        (&["nosuchcommand"], 127),
    ] {
        let said = docker.run(words);
        assert_eq!(said.code, Some(code), "{words:?}: {}{}", said.text, said.error);
    }
}

/// dockerd asks its init for its version, and warns where it does not understand the answer.
fn version(docker: &Docker) {
    let said = docker.docker(&["version", "--format", "{{json .Server.Components}}"]).well();
    let part = said.split("docker-init").nth(1).expect("docker version names the init");
    let shown = part.split("\"Version\":\"").nth(1).and_then(|text| text.split('"').next());
    let shown = shown.expect("with a version");
    assert!(shown.starts_with(|c: char| c.is_ascii_digit()), "docker version shows {shown}");
    let log = std::fs::read_to_string(docker.host.scratch.join("log")).unwrap_or_default();
    let bad: Vec<&str> = log.lines().filter(|line| line.contains("init version")).collect();
    assert!(bad.is_empty(), "{bad:?}");
    let info = docker.docker(&["info", "--format", "{{.InitBinary}} {{.InitCommit.ID}}"]).well();
    assert!(info.ends_with("/docker-init pidone"), "docker info shows {info}");
}

/// A stop is the program's own end by TERM, not the KILL after the grace.
fn stops(docker: &Docker) {
    let run =
        ["run", "-d", "--name", "web", "--network", "none", "--init", "bb", "sleep", "100000"];
    docker.docker(&run).well();
    docker.host.until_begun(&docker.docker(&["inspect", "-f", "{{.State.Pid}}", "web"]).well());
    docker.docker(&["stop", "-t", "60", "web"]).well();
    let code = docker.docker(&["inspect", "-f", "{{.State.ExitCode}}", "web"]).well();
    assert_eq!(code, "143");
    let killed = "TERM did not reach a program that is not PID 1";
    docker.docker(&["rm", "web"]).well();
    let bare = ["run", "-d", "--name", "bare", "--network", "none", "bb", "sleep", "100000"];
    docker.docker(&bare).well();
    docker.docker(&["stop", "-t", "1", "bare"]).well();
    let code = docker.docker(&["inspect", "-f", "{{.State.ExitCode}}", "bare"]).well();
    assert_eq!(code, "137", "without an init the check would find that {killed}");
}
