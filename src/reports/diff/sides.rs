//! What is compared: a recording and a branch of it, by one name.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    compare::RunPath,
    session::{Branch, NodeId, Session},
    trace::{self, Recording, TraceError},
};

/// Why two runs cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum SidesError {
    /// A recording cannot be opened.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// Which runs are meant is not clear: why, and what can be given.
    #[error("{0}")]
    Unclear(String),
}

/// One side: a branch of a recording.
pub struct DiffSide {
    /// The path of the recording.
    pub file: PathBuf,
    /// The recording, shared where both sides are of one file.
    pub recording: Arc<Recording>,
    /// A session over it.
    pub session: Session,
    /// The branch's number, from 1.
    pub number: usize,
    /// The branch's name, if it has one.
    pub name: Option<String>,
    /// How many branches the recording has.
    pub branches: usize,
    /// The last node of the branch.
    pub end: NodeId,
}

impl DiffSide {
    fn of(file: PathBuf, recording: Arc<Recording>, (at, branch): (usize, Branch)) -> Self {
        let session = recording.session();
        let branches = session.timeline().tips().len();
        Self {
            file,
            recording,
            session,
            number: at + 1,
            name: branch.name,
            branches,
            end: branch.tip,
        }
    }

    /// The run to the branch's end.
    pub fn run(&self) -> RunPath<'_> {
        RunPath { session: &self.session, end: self.end }
    }

    /// A short name: the file's, with the branch where there are several.
    pub fn label(&self) -> String {
        let file = self.file.file_name().unwrap_or(self.file.as_os_str()).to_string_lossy();
        if self.branches > 1 { format!("{file} {}", self.branch()) } else { file.into_owned() }
    }

    /// The branch in words.
    pub fn branch(&self) -> String {
        let name = self.name.as_ref().map_or(String::new(), |name| format!(" `{name}`"));
        format!("branch {}{name}", self.number)
    }
}

/// A file, and the branch that is meant.
struct NamedSide {
    file: PathBuf,
    branch: Option<String>,
}

/// Reads `FILE` or `FILE@BRANCH`; where the whole is a file it is meant, whatever it holds.
fn named(text: &OsStr) -> NamedSide {
    let whole = NamedSide { file: text.into(), branch: None };
    let Some(name) = text.to_str().filter(|_| !Path::new(text).exists()) else { return whole };
    let splits = name.match_indices('@').rev().map(|(at, _)| (&name[..at], &name[at + 1..]));
    splits
        .filter(|(file, branch)| Path::new(file).exists() && !branch.is_empty())
        .map(|(file, branch)| NamedSide { file: file.into(), branch: Some(branch.to_owned()) })
        .next()
        .unwrap_or(whole)
}

/// Opens both sides. B may be `@BRANCH`, a branch of A's file; without it A's file must have two
/// branches, which are compared.
///
/// # Errors
/// [`SidesError`].
pub fn open(a: &OsStr, b: Option<&OsStr>) -> Result<(DiffSide, DiffSide), SidesError> {
    let first = named(a);
    let recording = Arc::new(trace::read(&first.file)?);
    let Some(b) = b else { return only_two(first, &recording) };
    let of_first =
        |branch: &str| NamedSide { file: first.file.clone(), branch: Some(branch.to_owned()) };
    let same = b.to_str().and_then(|b| b.strip_prefix('@')).filter(|_| !Path::new(b).exists());
    let second = same.map_or_else(|| named(b), of_first);
    let one = side(&first, &recording)?;
    let other = match second.file == first.file {
        true => recording,
        false => Arc::new(trace::read(&second.file)?),
    };
    let two = side(&second, &other)?;
    Ok((one, two))
}

fn side(named: &NamedSide, recording: &Arc<Recording>) -> Result<DiffSide, SidesError> {
    let timeline = &recording.recorded.timeline;
    let found = match &named.branch {
        Some(called) => timeline.branch_called(called),
        None => {
            let tip = timeline.branch(recording.recorded.end).last().copied();
            timeline.branches().into_iter().enumerate().find(|(_, branch)| Some(branch.tip) == tip)
        }
    };
    let found = found.ok_or_else(|| {
        let called = named.branch.as_deref().unwrap_or("left last");
        SidesError::Unclear(format!(
            "{}: there is no branch `{called}`. It has {}",
            named.file.display(),
            list(recording)
        ))
    })?;
    Ok(DiffSide::of(named.file.clone(), recording.clone(), found))
}

/// The two branches of one file.
fn only_two(
    named: NamedSide,
    recording: &Arc<Recording>,
) -> Result<(DiffSide, DiffSide), SidesError> {
    let file = named.file;
    let shown = file.display();
    let mut branches = recording.recorded.timeline.branches().into_iter().enumerate();
    let (one, two, more) = (branches.next(), branches.next(), branches.next());
    match (one, two, more, named.branch) {
        (Some(one), Some(two), None, None) => {
            let one = DiffSide::of(file.clone(), recording.clone(), one);
            Ok((one, DiffSide::of(file, recording.clone(), two)))
        }
        (_, None, ..) => Err(SidesError::Unclear(format!(
            "{shown} has one branch, and there is nothing to compare it with. Give a second \
             recording"
        ))),
        (.., Some(branch)) => Err(SidesError::Unclear(format!(
            "{shown}: with what is branch `{branch}` to be compared? Give a second recording, or \
             another branch as @BRANCH: it has {}",
            list(recording)
        ))),
        _ => Err(SidesError::Unclear(format!(
            "{shown} has {}. Say which two: `demask diff {shown}@1 @2`",
            list(recording)
        ))),
    }
}

/// The branches of a recording, by number and name.
fn list(recording: &Recording) -> String {
    const MOST_BRANCHES: usize = 20;
    let branches = recording.recorded.timeline.branches();
    let shown = branches.iter().take(MOST_BRANCHES).enumerate().map(|(at, branch)| {
        let name = branch.name.as_ref().map_or(String::new(), |name| format!(" `{name}`"));
        format!("{}{name}", at + 1)
    });
    let shown: Vec<String> = shown.collect();
    let more = if branches.len() > MOST_BRANCHES { ", …" } else { "" };
    let noun = if branches.len() == 1 { "one branch" } else { "the branches" };
    format!("{noun} {}{more}", shown.join(", "))
}
