//! `demask info FILE`: what a recording holds, and what its columns cost.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde::Serialize;

use super::super::{
    Fault,
    fault::say,
    files::{self, Files},
    stop,
};
use crate::{
    compare::{Figures, Run},
    escape::{escaped, escaped_json},
    model::memory::shown,
    trace::{self, Bytes, Costs, Recording},
};

/// True if a file is named like a recording, or begins like one: an object, or packed data.
pub(super) fn is_recording(path: &Path) -> bool {
    // A faulty or missing one is told as what its name says.
    if !path.is_dir() && trace::named_so(path) {
        return true;
    }
    let mut begin = [0_u8; 4];
    let read = File::open(path).and_then(|mut file| file.read(&mut begin)).unwrap_or(0);
    matches!(begin[..read], [b'{', ..] | [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd])
}

/// True if recordings are meant, and more than one may be: several of them, or folders that are no
/// checkpoint.
pub(super) fn are_many(paths: &[PathBuf]) -> bool {
    let is_folder = |path: &PathBuf| {
        let model =
            ["config.json", "adapter_config.json"].iter().any(|name| path.join(name).exists());
        path.is_dir()
            && !model
            && files::recordings(std::slice::from_ref(path)).iter().any(Result::is_ok)
    };
    match paths {
        [] => false,
        [path] => is_folder(path),
        paths => paths.iter().all(|path| is_folder(path) || is_recording(path)),
    }
}

/// Says of each recording, in a line, what it holds, and at the end how many there are.
pub(super) fn many(paths: &[PathBuf], json: bool) -> Result<ExitCode, Fault> {
    let stopped = stop::on_signals();
    let (mut all, mut steps) = (0, 0);
    let walked = Files::of(paths).each(|file| {
        stop::go_on(&stopped)?;
        let info = Info::of(file)?;
        (all, steps) = (all + 1, steps + info.steps);
        match json {
            true => say(&escaped_json(&serde_json::to_string(&info).map_err(Fault::failure)?)),
            false => say(&escaped(&info.line())),
        }
    })?;
    if !json {
        let unread = walked.unread();
        say(&format!("{}, {steps} steps in all{unread}", files::counted(all)))?;
    }
    Ok(walked.code)
}

/// What `--json` prints.
#[derive(Serialize)]
pub(super) struct Info {
    file: String,
    format: String,
    generator: String,
    model: String,
    strategy: String,
    prompt: String,
    /// The settings of the chat template.
    #[serde(skip_serializing_if = "Option::is_none")]
    chat: Option<trace::Chat>,
    /// Tokens of the first run's prompt.
    prompt_tokens: usize,
    runs: usize,
    steps: usize,
    edits: usize,
    branches: usize,
    predictions: usize,
    /// Of the branch left last.
    n_token: usize,
    e_token: usize,
    before_tail: usize,
    nfe: usize,
    /// Written positions that its steps masked again, and gave another token.
    remasked: usize,
    replaced: usize,
    finish: Option<&'static str>,
    costs: Costs,
    /// Columns that decide, and with those for people.
    bytes_a_row: BTreeMap<&'static str, f64>,
    notices: Vec<String>,
}

/// The start of a text, cut where it is long.
fn start(text: &str) -> String {
    const SHOWN: usize = 80;
    let cut = if text.chars().nth(SHOWN).is_some() { "…" } else { "" };
    text.chars().take(SHOWN).collect::<String>() + cut
}

/// Columns for people: no decision reads them.
const SHOWN: [&str; 3] = ["entropy", "margin", "top_k"];

impl Info {
    pub fn of(path: &Path) -> Result<Self, Fault> {
        let recording = trace::read(path)?;
        let costs = trace::costs(path)?;
        let Recording { header, recorded, notices, .. } = &recording;
        let session = recording.session();
        let timeline = session.timeline();
        let nodes = || (0..timeline.len()).map(crate::session::NodeId).map(|id| &timeline[id]);
        let figures = Figures::of(Run { session: &session, end: recorded.end });
        let [major, minor] = header.version;
        let packed = |decides: bool| {
            let columns = costs.columns.iter();
            let counted = columns.filter(|(name, _)| !decides || !SHOWN.contains(&name.as_str()));
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
    fn line(&self) -> String {
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
                counted(self.remasked, "masked again"),
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

    fn cost(&self, name: &str, bytes: Bytes, rows: bool) -> String {
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
