//! The container init in namespaces, without an engine: what a container's first process promises.

#[path = "container/bad.rs"]
mod bad;
#[path = "container/child.rs"]
mod child;
#[path = "container/codes.rs"]
mod codes;
#[path = "container/costs.rs"]
mod costs;
#[path = "container/pause.rs"]
mod pause;
#[path = "container/relay.rs"]
mod relay;
#[path = "container/signals.rs"]
mod signals;
#[path = "container/stop.rs"]
mod stop;
mod support;
#[path = "container/syslog.rs"]
mod syslog;
#[path = "container/terminal.rs"]
mod terminal;
