//! What a recording holds, and what its columns cost.

use std::{collections::BTreeMap, path::Path};

use serde::Serialize;

use crate::{
    compare::{Figures, RunPath},
    model::memory::shown,
    predict::{Column, Vocabulary as _},
    trace::{self, Costs, PackedBytes, Recording, TraceError},
};

/// A recording in figures.
#[derive(Serialize)]
pub struct RecordingInfo {
    file: String,
    format: String,
    generator: String,
    model: String,
    strategy: String,
    prompt: String,
    /// The settings of the chat template.
    #[serde(skip_serializing_if = "Option::is_none")]
    chat: Option<trace::RecordedChat>,
    /// Tokens of the first run's prompt.
    prompt_tokens: usize,
    /// Tokens between its holes, which were given.
    given_tokens: usize,
    /// What stands behind its generated region; empty where nothing does.
    suffix: String,
    suffix_tokens: usize,
    runs: usize,
    /// Of all runs and branches.
    pub steps: usize,
    edits: usize,
    branches: usize,
    predictions: usize,
    /// Of the branch left last.
    n_token: usize,
    e_token: usize,
    before_tail: usize,
    nfe: usize,
    /// Written positions that its steps remasked, and gave another token.
    remasked: usize,
    replaced: usize,
    finish: Option<&'static str>,
    costs: Costs,
    /// Columns that decide, and with those for the user.
    bytes_a_row: BTreeMap<&'static str, f64>,
    notices: Vec<String>,
}

/// The start of a text, cut where it is long.
fn start(text: &str) -> String {
    const SHOWN: usize = 80;
    let cut = if text.chars().nth(SHOWN).is_some() { "…" } else { "" };
    text.chars().take(SHOWN).collect::<String>() + cut
}

impl RecordingInfo {
    /// Reads it, and measures its file.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn of(path: &Path) -> Result<Self, TraceError> {
        let recording = trace::read(path)?;
        let costs = trace::costs(path)?;
        let Recording { header, recorded, notices, .. } = &recording;
        let session = recording.session();
        let timeline = session.timeline();
        let nodes = || (0..timeline.len()).map(crate::session::NodeId).map(|id| &timeline[id]);
        let figures = Figures::of(RunPath { session: &session, end: recorded.end });
        let [major, minor] = header.version;
        let packed = |decides: bool| {
            let columns = costs.columns.iter();
            let display =
                |name: &str| Column::named(name).is_some_and(|column| column.spec().is_display());
            let counted = columns.filter(|(name, _)| !decides || !display(name));
            let bytes: u64 = counted.map(|(_, bytes)| bytes.packed).sum();
            bytes as f64 / costs.rows.max(1) as f64
        };
        let bytes_a_row = [("deciding", packed(true)), ("all", packed(false))].into();
        Ok(Self {
            file: path.display().to_string(),
            format: format!("{major}.{minor}"),
            generator: header.generator.clone(),
            model: header.model.name.clone(),
            strategy: header.strategy.clone(),
            prompt: recording.prompt(),
            chat: header.chat.clone(),
            prompt_tokens: session.canvas().prompt().len(),
            given_tokens: session.canvas().len() - session.canvas().generated(),
            suffix: recording.vocabulary.text(session.canvas().suffix()),
            suffix_tokens: session.canvas().suffix().len(),
            runs: timeline.roots().len(),
            steps: nodes().filter(|node| node.step().is_some()).count(),
            edits: nodes().filter(|node| node.edits().is_some()).count(),
            branches: timeline.branches().len(),
            predictions: recorded.store.len(),
            n_token: figures.n_token,
            e_token: figures.e_token,
            before_tail: figures.before_tail,
            nfe: figures.nfe,
            remasked: figures.remasked,
            replaced: figures.replaced,
            finish: figures.finish.map(crate::decode::Finish::name),
            notices: notices.clone(),
            bytes_a_row,
            costs,
        })
    }

    /// The recording in one line.
    pub fn line(&self) -> String {
        let line = format!(
            "{}: {}, {}, {} steps, length {}, {} before the tail, {}{}",
            self.file,
            or_unknown(&self.strategy),
            or_unknown(&self.model),
            self.steps,
            self.n_token,
            self.before_tail,
            self.finish.unwrap_or("in the middle"),
            if self.notices.is_empty() { "" } else { "; it has notes" }
        );
        // A file must not write lines of its own.
        line.replace(char::is_control, " ")
    }

    /// The settings of the chat template, each with its name.
    fn chat_lines(&self) -> Vec<(&'static str, String)> {
        let Some(chat) = &self.chat else { return Vec::new() };
        let template = chat.template.iter().map(|template| ("template", template.clone()));
        let variables = chat.variables.iter();
        let variables = variables.map(|(name, given)| ("variable", format!("{name}={given}")));
        let system = chat.system.iter().map(|system| ("system", start(system)));
        template.chain(variables).chain(system).collect()
    }

    /// As text, in lines.
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        // A file must not write lines of its own.
        let mut row = |name: &str, text: String| {
            let text = text.replace(char::is_control, " ");
            lines.push(format!("{name:<14} {text}"));
        };
        row("recording", format!("{}, format {}", self.file, self.format));
        row("written by", or_unknown(&self.generator));
        row("model", or_unknown(&self.model));
        row("strategy", or_unknown(&self.strategy));
        let some = |n: usize, one: &str, more: &str| match n {
            1 => format!("1 {one}"),
            n => format!("{n} {more}"),
        };
        row("prompt", some(self.prompt_tokens, "token", "tokens"));
        if !self.prompt.is_empty() {
            row("", start(&self.prompt));
        }
        if self.suffix_tokens > 0 {
            row("suffix", some(self.suffix_tokens, "token", "tokens"));
            row("", start(&self.suffix));
        }
        if self.given_tokens > 0 {
            row("given", some(self.given_tokens, "token between holes", "tokens between holes"));
        }
        for (name, text) in self.chat_lines() {
            row(name, text);
        }
        row(
            "holds",
            [
                some(self.runs, "run", "runs"),
                some(self.branches, "branch", "branches"),
                some(self.steps, "step", "steps"),
                some(self.edits, "edit by hand", "edits by hand"),
                some(self.predictions, "prediction", "predictions"),
            ]
            .join(", "),
        );
        row(
            "left last",
            format!(
                "length {}, {} before the tail, NFE {}{}{}, {}",
                self.n_token,
                self.before_tail,
                self.nfe,
                counted(self.remasked, "remasked"),
                counted(self.replaced, "replaced"),
                self.finish.unwrap_or("in the middle")
            ),
        );
        let costs = &self.costs;
        row(
            "bytes",
            format!(
                "{} on disk, {} as text, {} packed (.zst)",
                shown(costs.file),
                shown(costs.all.plain),
                shown(costs.all.packed)
            ),
        );
        lines.extend(self.notices.iter().map(|notice| format!("{:<14} {notice}", "note")));
        lines.push(String::new());
        lines.push(format!(
            "{:<14} {:>12} {:>12} {:>10} {:>10}",
            "", "bytes", "packed", "a row", "packed"
        ));
        for (name, bytes) in &costs.kinds {
            lines.push(self.cost(name, *bytes, false));
        }
        if costs.rows == 0 {
            lines.push("no predictions".to_owned());
            return lines.join("\n");
        }
        lines.push(format!("columns of {} predicted rows", costs.rows));
        for (name, bytes) in &costs.columns {
            lines.push(self.cost(name, *bytes, true));
        }
        let (decides, all) = (self.bytes_a_row["deciding"], self.bytes_a_row["all"]);
        lines.push(format!(
            "packed, a row takes {decides:.1} bytes in the columns that decide, {all:.1} in all"
        ));
        lines.join("\n")
    }

    fn cost(&self, name: &str, bytes: PackedBytes, rows: bool) -> String {
        let each = |bytes: u64| match rows {
            true => format!("{:.1}", bytes as f64 / self.costs.rows.max(1) as f64),
            false => String::new(),
        };
        let line = format!(
            "  {name:<12} {:>12} {:>12} {:>10} {:>10}",
            bytes.plain,
            bytes.packed,
            each(bytes.plain),
            each(bytes.packed)
        );
        line.trim_end().to_owned()
    }
}

/// `, 3 replaced`; nothing where there are none.
fn counted(n: usize, what: &str) -> String {
    if n == 0 { String::new() } else { format!(", {n} {what}") }
}

fn or_unknown(text: &str) -> String {
    if text.is_empty() { "not said".to_owned() } else { text.to_owned() }
}
