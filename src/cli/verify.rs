//! `demask verify`: make every decision of a recording again, and its forward passes if asked.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;

use super::{
    Fault, SourceOptions,
    batch::watched_pass,
    fault::say,
    files::{self, Files, counted},
    progress::{self, Shown},
    stop,
};
use crate::{
    escape::{escaped, escaped_json},
    model::Loaded,
    session::{Made, NodeId},
    trace::{self, Divergence, Passes, Recording, Verified},
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

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    file: String,
    strategy: &'a str,
    #[serde(flatten)]
    verified: &'a Verified,
    passes: Option<&'a Passes>,
    equal: bool,
}

pub fn main(args: &VerifyArgs) -> Result<ExitCode, Fault> {
    let files = Files::of(&args.files);
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
struct One {
    /// What is said of it.
    text: String,
    /// Everything is as it says.
    equal: bool,
    /// How to look at the first difference.
    open: Option<String>,
}

/// Verifies one recording. The model is loaded once for all.
fn one(args: &VerifyArgs, file: &Path, model: &mut Option<Loaded>) -> Result<One, Fault> {
    let (recording, verified) = trace::verify(file)?;
    let named = args.source.model.is_some() || args.source.engine.is_some();
    let passes = match args.passes || named {
        true => Some(run_passes(args, &recording, model)?),
        false => None,
    };
    let equal = verified.differing == 0
        && verified.first.is_none()
        && passes.as_ref().is_none_or(|passes| passes.differing == 0);
    let strategy = recording.recorded.strategy.name();
    let open = verified.first.as_ref().and_then(|first| seen(file, &recording, first));
    let text = match args.json {
        true => {
            let (file, passes) = (file.display().to_string(), passes.as_ref());
            let report = Report { file, strategy, verified: &verified, passes, equal };
            escaped_json(&serde_json::to_string(&report).map_err(Fault::failure)?)
        }
        false => text(&recording, &verified, passes.as_ref(), open.as_deref(), equal),
    };
    Ok(One { text, equal, open })
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
            model.insert(progress::load(&place, &computing, Shown::Bar, |_| Ok(()))?.0)
        }
    };
    fits(loaded, recording)?;
    let stopped = stop::on_signals();
    let session = recording.session();
    let timeline = session.timeline();
    let mut passes = Passes::default();
    let mut known = HashMap::new();
    let steps: Vec<NodeId> =
        (0..timeline.len()).map(NodeId).filter(|&node| timeline[node].step().is_some()).collect();
    let bar = ProgressBar::new(steps.len() as u64).with_message("running the passes again");
    for node in steps {
        bar.inc(1);
        let (Made::Step(step), Some(parent)) = (&timeline[node].made, timeline[node].parent) else {
            continue;
        };
        let Some(recorded) = session.prediction(step.prediction) else { continue };
        let Some(request) = session.request_of(node) else { continue };
        let depth = timeline[node].depth as usize;
        // Branches share passes.
        let computed = match known.get(&step.prediction) {
            Some(computed) => computed,
            None => {
                let predictor = loaded.predictor.as_mut();
                let (computed, _) = watched_pass(predictor, &request, &stopped, |_, _| {})?;
                passes.compare(depth, recorded, &computed);
                known.entry(step.prediction).or_insert(computed)
            }
        };
        let (before, params) = (&timeline[parent], &timeline[node].params);
        let context = (session.strategy(), &*before.canvas, &before.state, &**params);
        passes.decide(depth, &step.decision, context, computed);
    }
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

fn text(
    recording: &Recording,
    found: &Verified,
    passes: Option<&Passes>,
    open: Option<&str>,
    equal: bool,
) -> String {
    let strategy = recording.recorded.strategy;
    let mut lines = vec![format!(
        "canvases   {} of {} made again; {}",
        found.canvases,
        found.steps + found.edits,
        match found.hashes {
            0 => "no hashes are recorded".to_owned(),
            hashes => format!("{hashes} hashes compared, all equal"),
        }
    )];
    let decided = found.decisions + found.differing;
    lines.push(match strategy.decides() {
        true => format!(
            "decisions  {} of {decided} equal to what `{}` decides{}",
            found.decisions,
            strategy.name(),
            without(found.undecided)
        ),
        false => format!(
            "decisions  none of {} can be made again: `{}` is another program's strategy",
            found.steps,
            strategy.name()
        ),
    });
    if strategy.decides() {
        lines.push(format!("requests   {} of {} planned as recorded", found.requests, found.steps));
    }
    if let Some(passes) = passes {
        lines.push(format!(
            "passes     {} run again; another token at {} of {} positions{}",
            passes.run,
            passes.other_tokens,
            passes.positions,
            passes.first_other.as_ref().map_or(String::new(), |other| format!(
                ", first in step {} at position {}: {} recorded, {} computed",
                other.step, other.position, other.recorded, other.computed
            ))
        ));
        lines.push(match &passes.largest {
            None => "           every number equal".to_owned(),
            Some(largest) => format!(
                "           largest difference {:.1e}: {} in step {} at position {}, {} recorded, {} \
                 computed",
                (largest.recorded - largest.computed).abs(),
                largest.column,
                largest.step,
                largest.position,
                largest.recorded,
                largest.computed
            ),
        });
        lines.push(format!(
            "           {} of {} decisions the same on the new numbers{}",
            passes.decisions,
            passes.decisions + passes.differing,
            passes
                .first_differing
                .map_or(String::new(), |step| format!(", the first other one in step {step}"))
        ));
    }
    if found.impossible > 0 {
        lines.push(format!(
            "numbers    {} of the steps and edits have some that cannot be",
            found.impossible
        ));
    }
    if let Some(first) = &found.first {
        lines.push(format!("first difference: {first}"));
        lines.extend(open.map(|command| format!("  to see it: {command}")));
    }
    lines.extend(recording.notices.iter().map(|notice| format!("note: {notice}")));
    if !found.closed {
        lines.push(
            "note: nothing says that it ends here: its program was stopped, or still writes"
                .to_owned(),
        );
    }
    lines.push(match (equal, decided) {
        (false, _) => "NOT verified".to_owned(),
        (true, 0) => "its canvases fit together; there was no decision to verify".to_owned(),
        (true, _) => "verified".to_owned(),
    });
    lines.join("\n")
}

/// How to look at a difference, if it is on the branch that a replay opens at: before the step is
/// made, where its decision and its numbers are shown.
fn seen(file: &Path, recording: &Recording, first: &Divergence) -> Option<String> {
    let recorded = &recording.recorded;
    let node = *recorded.timeline.branch(recorded.end).get(first.step)?;
    (node.0 == first.node && file != Path::new("-"))
        .then(|| files::replay(file, first.step.saturating_sub(1)))
}

/// Steps that nothing is recorded of to decide on.
fn without(steps: usize) -> String {
    match steps {
        0 => String::new(),
        steps => format!("; {steps} steps have no prediction to decide on"),
    }
}
