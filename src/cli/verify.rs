//! `demask verify`: make every decision of a recording again, and its forward passes if asked.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use indicatif::ProgressBar;

use super::{
    Fault, SourceOptions,
    fault::say,
    files::{self, RecordingFiles, counted},
    progress::{self, ProgressTarget},
    stop,
};
use crate::{
    escape::{escaped, escaped_json},
    headless::passes_again,
    model::Loaded,
    reports::Verification,
    trace::{self, Passes, Recording, RecordingDivergence},
};

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The recordings and folders of them, or - for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Run the forward passes again too: on --model, or on the embedded model
    #[arg(long)]
    passes: bool,
    /// One JSON object a recording on stdout
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceOptions,
}

pub fn main(args: &VerifyArgs) -> Result<ExitCode, Fault> {
    let files = RecordingFiles::of(&args.files);
    let many = files.many;
    let mut model = None;
    let (mut equal, mut open) = (0, Vec::new());
    let mut differing = 0;
    let walked = files.each(|file| {
        let one = one(args, file, &mut model)?;
        let text = match many && !args.json {
            true if one.equal => {
                let last = one.text.lines().last().unwrap_or_default();
                format!("{}: {last}", file.display())
            }
            true => format!("{}:\n{}", file.display(), one.text),
            false => one.text,
        };
        say(&escaped(&text))?;
        equal += usize::from(one.equal);
        differing += usize::from(!one.equal);
        open.extend(one.open);
        Ok(())
    })?;
    if many && !args.json {
        let unread = walked.unread();
        say(&format!("{}: {equal} verified, {differing} NOT{unread}", counted(equal + differing)))?;
        files::say_to_open(&open)?;
    }
    Ok(if differing > 0 { ExitCode::FAILURE } else { walked.code })
}

/// What verifying one recording came to.
struct VerifiedFile {
    /// What is said of it.
    text: String,
    /// Everything is as it says.
    equal: bool,
    /// How to look at the first difference.
    open: Option<String>,
}

/// Verifies one recording. The model is loaded once for all.
fn one(args: &VerifyArgs, file: &Path, model: &mut Option<Loaded>) -> Result<VerifiedFile, Fault> {
    let (recording, verified) = trace::verify(file)?;
    let named = args.source.model.is_some() || args.source.engine.is_some();
    let passes = match args.passes || named {
        true => Some(run_passes(args, &recording, model)?),
        false => None,
    };
    let open = verified.first.as_ref().and_then(|first| seen(file, &recording, first));
    let found =
        Verification { recording: &recording, verified: &verified, passes: passes.as_ref() };
    let text = match args.json {
        true => escaped_json(&found.json(file).map_err(Fault::failure)?),
        false => found.text(open.as_deref()),
    };
    let equal = found.equal();
    Ok(VerifiedFile { text, equal, open })
}

/// The forward passes of the steps on record, each run again.
fn run_passes(
    args: &VerifyArgs,
    recording: &Recording,
    model: &mut Option<Loaded>,
) -> Result<Passes, Fault> {
    let loaded = match model {
        Some(loaded) => loaded,
        None => {
            let computing = args.source.computing()?;
            let place = args.source.place()?;
            model.insert(progress::load(&place, &computing, ProgressTarget::Bar, |_| Ok(()))?.0)
        }
    };
    fits(loaded, recording)?;
    let stopped = stop::on_signals();
    let bar = ProgressBar::new(0).with_message("running the passes again");
    let passes = passes_again(recording, loaded.predictor.as_mut(), &stopped, |done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64 + 1);
    })?;
    bar.finish_and_clear();
    Ok(passes)
}

/// Refuses a model that cannot be the one recorded.
fn fits(loaded: &Loaded, recording: &Recording) -> Result<(), Fault> {
    let (theirs, ours) = (recording.facts(), &loaded.facts);
    if theirs.special != ours.special || theirs.reading != ours.reading {
        return Err(Fault::failure(format!(
            "{} is not the model of this recording ({}): its mask or end-of-sequence token, or the \
             way its predictions are read, is another. Give that model with --model",
            ours.name, theirs.name
        )));
    }
    Ok(())
}

/// How to look at a difference, if it is on the branch that a replay opens at: before the step is
/// made, where its decision and its numbers are shown.
fn seen(file: &Path, recording: &Recording, first: &RecordingDivergence) -> Option<String> {
    let recorded = &recording.recorded;
    let node = *recorded.timeline.branch(recorded.end).get(first.step)?;
    (node.0 == first.node && file != Path::new("-"))
        .then(|| files::replay(file, first.step.saturating_sub(1)))
}
