//! A run as Markdown: what it was, what came of it, and a table of its steps.

use std::{fmt::Write as _, io::Write};

use super::{
    error::ExportError,
    format::{Document, ExportFormat, Make},
    table::written,
    walk::{AfterCanvas, RecordingWalk},
};
use crate::{
    canvas::Slot,
    escape::{self, visible},
    session::{NodeId, NodeOrigin, Timeline},
    trace::Recording,
};

/// A report on a run.
pub const FORMAT: ExportFormat = ExportFormat {
    name: "md",
    help: "the branch left last: figures, text, a table of its steps",
    step: None,
    make: Make::Document(write),
};

fn write(document: &Document, out: &mut dyn Write) -> Result<(), ExportError> {
    Ok(out.write_all(markdown(document.name, document.recording).as_bytes())?)
}

/// The user's notes at a node, an entry of a list each.
fn noted(timeline: &Timeline, id: NodeId) -> Vec<String> {
    let node = &timeline[id];
    let line = |(slot, text): (Slot, &str)| {
        let position = node.canvas.position(slot)?;
        let text = escape::markdown(&escape::one_line(text));
        Some(format!("- step {}, position {position}: {text}\n", node.depth))
    };
    timeline.notes_at(id).filter_map(line).collect()
}

/// The branch that was left last, under the recording's name.
pub fn markdown(file: &str, recording: &Recording) -> String {
    let walk = RecordingWalk::new(recording);
    let mut trajectories = walk.trajectories();
    let branches = trajectories.len();
    let Some(at) = trajectories.iter().position(|one| one.current).or(branches.checked_sub(1))
    else {
        return String::new();
    };
    let trajectory = trajectories.swap_remove(at);
    let header = &recording.header;
    let timeline = &recording.recorded.timeline;
    let (first, tip) = (trajectory.path[0], trajectory.path[trajectory.path.len() - 1]);
    let (first, last) = (&timeline[first], &timeline[tip]);
    let canvas = &last.canvas;
    let (length, effective) = (canvas.generated(), canvas.effective());

    let mut text = format!("# {}\n\n", escape::markdown(file));
    text.push_str("| | |\n|---|---|\n");
    let mut row = |name: &str, value: &str| {
        let value = if value.is_empty() { "–" } else { value };
        let _ = writeln!(text, "| {name} | {value} |");
    };
    let model = &header.model;
    let facts: Vec<&str> = [&model.family, &model.device, &model.dtype]
        .into_iter()
        .map(String::as_str)
        .filter(|fact| !fact.is_empty())
        .collect();
    let facts = if facts.is_empty() { String::new() } else { format!(" ({})", facts.join(", ")) };
    row("model", &escape::markdown(&format!("{}{facts}", model.name)));
    row("strategy", &escape::markdown(&header.strategy));
    row("prompt", &escape::markdown(&recording.prompt()));
    let params: Vec<String> =
        first.params.iter().map(|(spec, value)| format!("{} = {value}", spec.name)).collect();
    row("parameters", &escape::markdown(&params.join(", ")));
    row("length (N\\_token)", &length.to_string());
    row("E\\_token", &effective.to_string());
    let over = walk.moments(&trajectory.path).last().and_then(|moment| match moment.next {
        AfterCanvas::End(finish) => finish,
        AfterCanvas::Step(_) | AfterCanvas::Edit => None,
    });
    let ratio = (length > 0).then(|| effective as f64 / length as f64);
    row("E\\_ratio", &ratio.map_or_else(String::new, |ratio| format!("{ratio:.3}")));
    row("before the tail", &canvas.before_tail().to_string());
    row("steps (NFE)", &last.steps.to_string());
    row("masks left", &canvas.masks().to_string());
    row("finish", &escape::markdown(over.map_or("not over", |finish| finish.name())));
    if branches > 1 {
        let name = trajectory.name.map_or_else(String::new, |name| format!(" “{name}”"));
        row("branch", &escape::markdown(&format!("{}{name} of {branches}", at + 1)));
    }
    for notice in &recording.notices {
        row("note", &escape::markdown(notice));
    }

    text.push_str("\n## Text\n\n");
    text.push_str(&block(&written(recording, canvas)));
    let notes: Vec<String> = trajectory.path.iter().flat_map(|&id| noted(timeline, id)).collect();
    if !notes.is_empty() {
        let _ = write!(text, "\n## Notes\n\n{}", notes.concat());
    }
    text.push_str("\n## Steps\n\n");
    text.push_str(
        "| step | stage | what | length | masks | filled | remasked | replaced | expanded | EOS confidence | threshold | forward, ms |\n\
         |---:|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for moment in walk.moments(&trajectory.path) {
        let made = moment.node.step();
        let decision = made.map(|made| &made.decision);
        let what = match &moment.node.made {
            NodeOrigin::Step(step) => step.decision.mode.name().replace('_', "\\_"),
            NodeOrigin::Edit(_) => "edited by hand".to_owned(),
            NodeOrigin::Start => "start".to_owned(),
        };
        let count = |n: Option<usize>| n.map_or_else(|| "–".to_owned(), |n| n.to_string());
        let number = |value: Option<f64>, digits: usize| {
            let value = value.filter(|value| value.is_finite());
            value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
        };
        let eos = decision.and_then(|decision| decision.eos.as_ref());
        let forward = made.map(|made| made.timing.forward).filter(|time| !time.is_zero());
        let _ = writeln!(
            text,
            "| {} | {} | {what} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            moment.step,
            moment.phase.stage,
            moment.node.canvas.len(),
            moment.node.canvas.masks(),
            count(decision.map(|decision| decision.fills().count())),
            count(decision.map(|decision| decision.remasks().count())),
            count(decision.map(|decision| decision.replacements().count())),
            count(decision.map(|decision| decision.expansions().count())),
            number(eos.map(|eos| f64::from(eos.confidence)), 3),
            number(eos.map(|eos| f64::from(eos.threshold)), 3),
            number(forward.map(|time| time.as_secs_f64() * 1e3), 1),
        );
    }
    text
}

/// Text as a block of code that it cannot end.
fn block(text: &str) -> String {
    let text = visible(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{fence}text\n{text}{end}{fence}\n")
}

#[cfg(test)]
mod tests {
    use super::block;

    #[test]
    fn a_block_is_not_ended_by_its_text() {
        for (text, expected) in [
            ("", "```text\n```\n"),
            ("a\n", "```text\na\n```\n"),
            ("a`b", "```text\na`b\n```\n"),
            ("```\n# x", "````text\n```\n# x\n````\n"),
        ] {
            assert_eq!(block(text), expected);
        }
    }
}
