//! Real engines: podman and dockerd with pidone as their init.
//!
//! Each test has a machine of its own to them: PID, mount and network namespaces with an empty
//! /run, and storage under a temporary folder. It goes with everything that was started in it. An
//! engine that is missing or cannot run a plain container here is passed over, with the reason.

#[path = "engines/docker.rs"]
mod docker;
#[path = "engines/host.rs"]
mod host;
#[path = "engines/podman.rs"]
mod podman;
mod support;
