//! login on a terminal in a namespace: who is let in, who is not, and what they find.

mod support;

#[path = "login/bench.rs"]
mod bench;
#[path = "login/desk.rs"]
mod desk;
#[path = "login/entry.rs"]
mod entry;
#[path = "login/files.rs"]
mod files;
#[path = "login/refusal.rs"]
mod refusal;
#[path = "login/words.rs"]
mod words;
