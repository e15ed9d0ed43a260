//! Finds the sampling loops that run on this machine: each has a socket in the runtime folder,
//! named after its process.

use std::{fs, path::PathBuf};

use crate::engine::Address;

/// A loop that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningLoop {
    /// The number of its process.
    pub pid: u32,
    /// The path of its socket.
    pub path: PathBuf,
    /// The command of its process; empty where the system does not give it.
    pub command: String,
}

/// The folder of the sockets: `demask` in XDG_RUNTIME_DIR, else one of this user in the temporary
/// folder. `python/demask/connection.py` has the same rule.
fn folder() -> PathBuf {
    let named = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    match named.filter(|named| named.is_dir()) {
        Some(named) => named.join("demask"),
        None => std::env::temp_dir().join(format!("demask-{}", user())),
    }
}

#[cfg(unix)]
fn user() -> u32 {
    rustix::process::getuid().as_raw()
}

#[cfg(not(unix))]
fn user() -> u32 {
    0
}

#[cfg(unix)]
fn lives(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    // A process of another user gives an error of permissions: it is alive.
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

#[cfg(not(unix))]
fn lives(_: u32) -> bool {
    true
}

/// The process in the name of a socket: `loop-123.sock`, `loop-123-2.sock`.
fn process_in(name: &str) -> Option<u32> {
    let number = name.strip_prefix("loop-")?.strip_suffix(".sock")?;
    number.split('-').next()?.parse().ok()
}

/// The running loops of this user, sorted by process.
pub fn running() -> Vec<RunningLoop> {
    let Ok(entries) = fs::read_dir(folder()) else { return Vec::new() };
    let mut found: Vec<RunningLoop> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let pid = process_in(&path.file_name()?.to_string_lossy())?;
            let command = command_of(pid);
            lives(pid).then_some(RunningLoop { pid, path, command })
        })
        .collect();
    found.sort_by(|a, b| (a.pid, &a.path).cmp(&(b.pid, &b.path)));
    found
}

/// The longest command that is shown, in characters.
const LONGEST_COMMAND: usize = 60;

fn command_of(pid: u32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<String> = bytes
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    words.join(" ").chars().take(LONGEST_COMMAND).collect()
}

/// The address of a loop: `given` is an address or a process id; without it, the only running loop
/// is taken.
///
/// # Errors
/// With a message for the user if `given` is neither, or if there is no loop or more than one.
pub fn address(given: Option<&str>) -> Result<Address, String> {
    chosen(given, &running())
}

fn chosen(given: Option<&str>, running: &[RunningLoop]) -> Result<Address, String> {
    let list = |found: &[&RunningLoop]| {
        let line = |one: &&RunningLoop| format!("  unix:{}  {}", one.path.display(), one.command);
        found.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    let fitting: Vec<&RunningLoop> = match given {
        None => running.iter().collect(),
        Some(text) => match text.parse::<u32>() {
            Ok(pid) => running.iter().filter(|one| one.pid == pid).collect(),
            Err(_) if text.trim().is_empty() => {
                return Err("an empty text is no process and no address. Give the number of a \
                            process, unix:PATH or tcp:127.0.0.1:PORT#TOKEN"
                    .to_owned());
            }
            Err(_) => {
                return match text.parse()? {
                    Address::Command(_) => Err(format!(
                        "{text} is no process and no address. Give the number of a process, \
                         unix:PATH or tcp:127.0.0.1:PORT#TOKEN"
                    )),
                    address => Ok(address),
                };
            }
        },
    };
    match (fitting.as_slice(), given) {
        ([one], _) => Ok(Address::Unix(one.path.clone())),
        ([], Some(pid)) => Err(format!(
            "process {pid} runs no sampling loop that can be joined here. `demask attach` alone \
             finds those that can"
        )),
        ([], None) => Err("no sampling loop runs here. Put `with demask.debug(…) as dbg:` around \
                           yours and call dbg.step in it (docs/driving.md), start it, and call \
                           `demask attach` again"
            .to_owned()),
        (several, _) => Err(format!(
            "{} sampling loops run here. Give `demask attach` the address of one:\n{}",
            several.len(),
            list(several)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_named_after_their_process() {
        for (name, expected) in [
            ("loop-12.sock", Some(12)),
            ("loop-12-2.sock", Some(12)),
            ("loop-x.sock", None),
            ("engine-12-ab.sock", None),
            ("loop-12", None),
        ] {
            assert_eq!(process_in(name), expected, "{name}");
        }
    }

    #[test]
    fn a_loop_is_found_by_its_process_or_alone() {
        let one = |pid: u32| RunningLoop {
            pid,
            path: format!("/run/loop-{pid}.sock").into(),
            command: "python gen.py".to_owned(),
        };
        let both = [one(1), one(22)];
        let check =
            |given: Option<&str>, running: &[RunningLoop], expected: Result<&str, &str>| match (
                chosen(given, running),
                expected,
            ) {
                (Ok(address), Ok(expected)) => assert_eq!(address.to_string(), expected),
                (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
                (found, expected) => panic!("{given:?}: {found:?}, not {expected:?}"),
            };
        check(None, &both[..1], Ok("unix:/run/loop-1.sock"));
        check(Some("22"), &both, Ok("unix:/run/loop-22.sock"));
        check(Some("tcp:127.0.0.1:7#ab"), &[], Ok("tcp:127.0.0.1:7"));
        check(Some("unix:/x"), &both, Ok("unix:/x"));
        check(None, &both, Err("unix:/run/loop-22.sock  python gen.py"));
        check(None, &[], Err("demask.debug"));
        check(Some("3"), &both, Err("process 3"));
        check(Some("gen.py"), &both, Err("no process and no address"));
        check(Some(""), &both, Err("no process and no address"));
    }
}
