//! Signals to a program under test.

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

/// Sends a signal to the process of this number.
pub fn send(id: u32, signal: Signal) {
    let id = i32::try_from(id).ok().and_then(Pid::from_raw).expect("a process has a number");
    kill_process(id, signal).expect("the process is there");
}
