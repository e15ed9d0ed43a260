//! Recordings named on the command line: files as they are given, and all that folders hold.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::{
    Fault,
    fault::{say, tell},
    stop,
};
use crate::escape::escaped;
use crate::trace;

/// The recordings meant by paths: files as given, and of folders, and folders in them, every file
/// that is named as recordings are, in the order of their names. A folder that cannot be read, or
/// holds none, is a fault in its place.
pub(super) fn recordings(paths: &[PathBuf]) -> Vec<Result<PathBuf, Fault>> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            found.push(Ok(path.clone()));
            continue;
        }
        let before = found.len();
        inside(path, &mut found);
        if found.len() == before {
            found.push(Err(Fault::failure(format!(
                "{}: there is no recording in this folder (*.jsonl, *.jsonl.zst, *.jsonl.gz)",
                path.display()
            ))));
        }
    }
    found
}

fn inside(folder: &Path, found: &mut Vec<Result<PathBuf, Fault>>) {
    let entries = fs::read_dir(folder).and_then(|entries| {
        let entries = entries.map(|entry| {
            let entry = entry?;
            Ok((entry.path(), entry.file_type()?))
        });
        entries.collect::<io::Result<Vec<_>>>()
    });
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            let folder = folder.display();
            found.push(Err(Fault::failure(format!("{folder}: it cannot be read ({error})"))));
            return;
        }
    };
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    for (path, kind) in entries {
        // A link to a folder may lead back here.
        if kind.is_dir() {
            inside(&path, found);
        } else if trace::named_so(&path) {
            match trace::is_other_json(&path) {
                false => found.push(Ok(path)),
                true => tell(&escaped(&format!(
                    "note: {}: these are lines of JSON, but no recording: it is left out",
                    path.display()
                ))),
            }
        }
    }
}

/// Recordings looked at one after the other.
pub(super) struct RecordingFiles {
    found: Vec<Result<PathBuf, Fault>>,
    /// True where more than one was asked for: each is named then, and what cannot be read keeps
    /// no other from being looked at.
    pub many: bool,
}

/// How a walk over files went.
pub(super) struct Walked {
    /// Success, or the code of the last fault.
    pub code: ExitCode,
    /// Files and folders that could not be read.
    unread: usize,
}

impl Walked {
    /// How many could not be read, to be put behind what is said of those that could; empty if all
    /// could.
    pub fn unread(&self) -> String {
        match self.unread {
            0 => String::new(),
            unread => format!("; {unread} could not be read"),
        }
    }
}

impl RecordingFiles {
    pub fn of(paths: &[PathBuf]) -> Self {
        let many = paths.len() > 1 || paths.iter().any(|path| path.is_dir());
        Self { found: recordings(paths), many }
    }

    /// Looks at each. A fault of one among many is told, and the others are looked at all the
    /// same; a signal ends it.
    pub fn each(self, mut look: impl FnMut(&Path) -> Result<(), Fault>) -> Result<Walked, Fault> {
        let mut walked = Walked { code: ExitCode::SUCCESS, unread: 0 };
        for file in self.found {
            match file.and_then(|file| look(&file)) {
                Ok(()) => {}
                Err(fault) if self.many && !stop::came() => {
                    walked.unread += 1;
                    walked.code = fault.report();
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(walked)
    }
}

/// The command that opens a recording at a step, as a shell reads it.
pub(super) fn replay(file: &Path, step: usize) -> String {
    let file = file.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+@".contains(c);
    let file = match file.chars().all(plain) {
        true => file,
        false => format!("'{}'", file.replace('\'', "'\\''")),
    };
    format!("demask replay --step {step} {file}")
}

/// What to open, at the end of what is said of many recordings.
pub(super) fn say_to_open(commands: &[String]) -> Result<(), Fault> {
    const MOST_COMMANDS: usize = 20;
    if commands.is_empty() {
        return Ok(());
    }
    say("to open:")?;
    commands
        .iter()
        .take(MOST_COMMANDS)
        .try_for_each(|command| say(&escaped(&format!("  {command}"))))?;
    if commands.len() > MOST_COMMANDS {
        tell(&format!("note: {} more are named above", commands.len() - MOST_COMMANDS));
    }
    Ok(())
}

/// `1 recording`, `7 recordings`.
pub(super) fn counted(n: usize) -> String {
    format!("{n} {}", if n == 1 { "recording" } else { "recordings" })
}
