//! Forks of a test that is one thread of many.

use std::io;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Held for writing by whoever forks: until its exec a child holds a copy of every descriptor that
/// any thread has open. A program file that is still open for writing there cannot be executed, a
/// socket has not died, a terminal has not hung up.
static FORKS: RwLock<()> = RwLock::new(());

/// Keeps every thread from forking while somebody writes a program.
pub fn no_fork() -> RwLockReadGuard<'static, ()> {
    FORKS.read().unwrap_or_else(PoisonError::into_inner)
}

/// Closes what is open nowhere else afterwards: whoever waits for that is told at once.
pub fn close<T>(what: T) {
    let _no_fork = no_fork();
    drop(what);
}

/// Keeps every other thread from forking, and from what a fork would disturb.
pub fn alone() -> RwLockWriteGuard<'static, ()> {
    FORKS.write().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a program, alone until it is executed.
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    let _alone = alone();
    command.spawn()
}

/// Runs a program to its end: what it said, and how it ended.
pub fn output(command: &mut Command) -> Output {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = spawn(command).unwrap_or_else(|e| panic!("{command:?} does not start: {e}"));
    child.wait_with_output().expect("a child can be waited for")
}
