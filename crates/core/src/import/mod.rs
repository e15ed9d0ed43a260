//! Recordings that others publish, turned into ours: one file a format, all building the same small
//! thing: a header, token texts, and a run of canvases with predictions where there are any.
//!
//! What a format lacks is absent, never made up: a confidence that was not written is not there, an
//! argmax that was left out is unknown. docs/import.md has the sources of the formats.
//!
//! ```
//! use demask_core::import::{Options, read};
//!
//! // The canvases of a run, as dLLM's samplers return them.
//! let path = std::env::temp_dir().join(format!("demask-history-{}.json", std::process::id()));
//! std::fs::write(&path, "[[1, 2, 9, 9], [1, 2, 9, 6], [1, 2, 5, 6]]")?;
//! let imported = read(&path, &Options { mask: Some(9), ..Options::default() });
//! std::fs::remove_file(&path)?;
//! let imported = imported?;
//! assert_eq!((imported.run.prompt, imported.run.steps.len()), (vec![1, 2], 2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod after_tokens;
mod canvases;
mod decoding_analysis;
mod history;
mod json;
mod names;
mod pickle;
mod recognise;
mod skipped;
mod steps;
mod texts;
mod torch;

use std::{
    collections::BTreeSet,
    fmt::{self, Write as _},
    io,
    path::Path,
    str::FromStr,
};

use recognise::Beginning;
pub use texts::Texts;

use crate::{
    bounded,
    canvas::{NO_TOKEN, SpecialTokens, TokenId},
    decode::{Cache, Extras},
    predict::{ColumnSet, ModelFacts, Reading},
    trace::{self, ForeignRun, Header},
};

/// No file that is read is longer, bytes; nor what a packed one unfolds into.
const LONGEST_FILE: u64 = 256 << 20;

/// No JSON is longer, bytes: its numbers take more room in memory.
const LONGEST_JSON: usize = 64 << 20;

/// Steps that a run may have.
const MOST_STEPS: usize = 1 << 16;

/// Positions, summed over the steps of a run: fewer than a recording may have.
const MOST_CELLS: usize = 1 << 23;

/// A format that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportFormat {
    /// Trajectories of the after-tokens project: JSON with `words` and `tokens`.
    AfterTokens,
    /// A list of canvases, as dLLM's samplers return it: JSON, or saved by `torch.save`.
    History,
    /// A list of steps, as a loop in Python writes it: JSON, or JSON lines.
    Steps,
    /// A file of the data set DLM-Decoding-Analysis, saved by `torch.save`.
    DecodingAnalysis,
}

impl ImportFormat {
    /// Every format, in the order in which they are listed.
    pub fn all() -> impl Iterator<Item = Self> {
        IMPORTERS.iter().map(|importer| importer.format)
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        self.importer().name
    }

    fn importer(self) -> &'static Importer {
        let row = IMPORTERS.iter().find(|importer| importer.format == self);
        row.expect("every format has a row")
    }
}

/// What reads a format.
struct Importer {
    format: ImportFormat,
    name: &'static str,
    /// Which files are read, what is in them and what is not: for the documents.
    help: [&'static str; 3],
    /// Reads it as JSON.
    json: Option<JsonReader>,
    /// Reads it as a file of `torch.save`.
    torch: Option<TorchReader>,
}

struct JsonReader {
    /// Whether a text is in this format.
    shows: fn(&Beginning) -> bool,
    /// Reads a text, in which these names stand.
    read: ReadJson,
}

type ReadJson = fn(&[u8], &BTreeSet<String>, &Options) -> Result<Converted, String>;

struct TorchReader {
    /// Whether a file is in this format.
    shows: fn(&torch::Torch) -> bool,
    read: fn(&mut torch::Torch, &Options) -> Result<Converted, String>,
}

/// The formats, in the order in which they are tried and listed: a file is in the first that it
/// shows.
const IMPORTERS: [Importer; 4] = [
    Importer {
        format: ImportFormat::AfterTokens,
        name: "after-tokens",
        help: [
            "JSON with `words` or `tokens`",
            "texts, the step each position is written in and its confidence then; guesses at open positions",
            "the prompt's tokens; ids (but in full files)",
        ],
        json: Some(JsonReader { shows: after_tokens::shows, read: after_tokens::read }),
        torch: None,
    },
    Importer {
        format: ImportFormat::DecodingAnalysis,
        name: "decoding-analysis",
        help: [
            "a file of `torch.save` with `x0_history`",
            "token ids, the argmax at every position and step",
            "the prompt's tokens, confidences, times",
        ],
        json: None,
        torch: Some(TorchReader { shows: decoding_analysis::shows, read: decoding_analysis::read }),
    },
    Importer {
        format: ImportFormat::History,
        name: "history",
        help: [
            "JSON or a file of `torch.save`: a list of canvases, or an object with it under `histories` or `history`",
            "token ids, prompt included; what stands beside the list, as with `steps`",
            "predictions, confidences, times",
        ],
        json: Some(JsonReader {
            shows: history::shows,
            read: |bytes, _, options| steps::read(bytes, ImportFormat::History, options),
        }),
        // Any other: what it lacks is then said.
        torch: Some(TorchReader { shows: |_| true, read: history::read }),
    },
    Importer {
        format: ImportFormat::Steps,
        name: "steps",
        help: [
            "JSON, or JSON lines with a step a line: ids, token texts or texts, alone or in objects",
            "what the loop wrote: ids or texts, confidences, guesses, entropies, the mask and the prompt beside them",
            "what it did not write",
        ],
        json: Some(JsonReader {
            shows: steps::shows,
            read: |bytes, _, options| steps::read(bytes, ImportFormat::Steps, options),
        }),
        torch: None,
    },
];

/// The formats as Markdown, for the documents.
pub fn format_table() -> String {
    let mut text =
        "| `--format` | what is read | what is in it | what is not |\n|---|---|---|---|\n"
            .to_owned();
    for Importer { name, help, .. } in &IMPORTERS {
        let _ = writeln!(text, "| `{name}` | {} |", help.join(" | "));
    }
    text
}

impl fmt::Display for ImportFormat {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ImportFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::all().find(|format| format.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::all().map(Self::name).collect();
            format!("expected one of {}", names.join(", "))
        })
    }
}

/// What is known beside the file.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The format; told by the content if it is left out.
    pub format: Option<ImportFormat>,
    /// The mask token, which overrides the file's.
    pub mask: Option<TokenId>,
    /// The mask token if neither `mask` nor the file names one, such as the tokenizer's.
    pub usual_mask: Option<TokenId>,
    /// The end-of-sequence token; `None` takes what the file or its format says.
    pub eos: Option<TokenId>,
    /// Which sequence of a batch, from 0.
    pub row: usize,
    /// How many positions in front are the prompt.
    pub prompt_length: Option<usize>,
}

/// A recording of another program.
#[derive(Debug)]
pub struct Imported {
    /// The format it was in.
    pub format: ImportFormat,
    /// The header of the recording it becomes.
    pub header: Header,
    /// Token texts, where the file has them; ids are the program's own then.
    pub texts: Option<Texts>,
    /// The steps, as far as the file has them.
    pub run: ForeignRun,
    /// Whether the prompt is a guess: everything before the first mask.
    pub guessed_prompt: bool,
    /// What the user should know.
    pub notices: Vec<String>,
}

/// Why a file cannot be imported.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct ImportError {
    /// The path of the file, as it was given.
    pub file: String,
    /// What is wrong, and what to do.
    pub problem: String,
}

/// What a converter found.
struct Converted {
    model: String,
    strategy: String,
    prompt: String,
    special: SpecialTokens,
    texts: Option<Texts>,
    run: ForeignRun,
    notices: Vec<String>,
    /// Whether the prompt is everything before the first mask, since nothing says how long it is.
    guessed_prompt: bool,
    /// Significant digits of a column that is not exact.
    rounded: Option<(&'static str, u32)>,
}

impl Converted {
    /// A run of a model that is not named.
    fn new(format: ImportFormat, special: SpecialTokens, run: ForeignRun) -> Self {
        Self {
            model: "unknown".to_owned(),
            strategy: format.name().to_owned(),
            prompt: String::new(),
            special,
            texts: None,
            run,
            notices: Vec::new(),
            guessed_prompt: false,
            rounded: None,
        }
    }
}

/// What is in a file.
enum Content {
    Json(Vec<u8>),
    Torch(Box<torch::Torch>),
}

/// Reads a file of another program.
///
/// # Errors
/// If it is none that is known, is damaged, or more must be said about it.
pub fn read(path: &Path, options: &Options) -> Result<Imported, ImportError> {
    let error = |problem: String| ImportError { file: path.display().to_string(), problem };
    let bytes = bytes(path).map_err(|problem| {
        error(format!("it cannot be read ({problem}). Check the path and its permissions"))
    })?;
    imported(bytes, options).map_err(error)
}

/// The format that a file of another program is in, as its content shows; `None` where it shows none, or the
/// file cannot be read. To import it, more may have to be said.
pub fn format(path: &Path) -> Option<ImportFormat> {
    recognised(&content(bytes(path).ok()?).ok()?)
}

/// What kind of file it is.
fn content(bytes: Vec<u8>) -> Result<Content, String> {
    Ok(match bytes.starts_with(torch::MAGIC) {
        true => Content::Torch(Box::new(torch::Torch::open(bytes)?)),
        false if legacy(&bytes) => {
            return Err("this is a file of torch.save as it was before PyTorch 1.6. Load it with \
                        torch.load and save it again"
                .to_owned());
        }
        false if bytes.len() > LONGEST_JSON => {
            return Err(format!(
                "it is JSON longer than {} MiB. Save it with torch.save, or a part of it",
                LONGEST_JSON >> 20
            ));
        }
        false => Content::Json(json::plain(bytes)),
    })
}

fn imported(bytes: Vec<u8>, options: &Options) -> Result<Imported, String> {
    let content = content(bytes)?;
    let names = match &content {
        Content::Json(bytes) => names::names(bytes)?,
        Content::Torch(_) => BTreeSet::new(),
    };
    let told = recognised(&content);
    let unknown = || match &content {
        Content::Json(bytes) => recognise::unknown(bytes),
        Content::Torch(_) => "it holds nothing that is known".to_owned(),
    };
    let format = options.format.or(told).ok_or_else(unknown)?;
    let Importer { name, json, torch, .. } = format.importer();
    let found = match content {
        Content::Json(bytes) => match json {
            Some(reader) => (reader.read)(&bytes, &names, options),
            None => Err(format!("this is no file of torch.save, as {name} is")),
        },
        Content::Torch(mut file) => match torch {
            Some(reader) => (reader.read)(&mut file, options),
            None => {
                let what = if format == ImportFormat::Steps { "a list of steps" } else { name };
                Err(format!("this is a file of torch.save, and {what} is JSON"))
            }
        },
    };
    found.map(|found| finished(format, found))
}

fn finished(format: ImportFormat, found: Converted) -> Imported {
    let facts = ModelFacts {
        name: found.model,
        family: String::new(),
        device: String::new(),
        dtype: String::new(),
        vocabulary: 0,
        context: 0,
        layers: 0,
        special: found.special,
        reading: Reading::default(),
        attention: String::new(),
    };
    let extras =
        Extras { columns: ColumnSet::NONE, top_k: 0, reading: facts.reading, cache: Cache::None };
    let mut header = Header::new(&facts, &found.strategy, &found.prompt, extras);
    header.generator = format!("{}, imported from {format}", header.generator);
    header.rounded.extend(found.rounded.map(|(column, digits)| (column.to_owned(), digits)));
    Imported {
        format,
        header,
        texts: found.texts,
        run: found.run,
        guessed_prompt: found.guessed_prompt,
        notices: found.notices,
    }
}

/// The format of a content, if it shows.
fn recognised(content: &Content) -> Option<ImportFormat> {
    match content {
        Content::Json(bytes) => format_of(bytes),
        Content::Torch(file) => {
            first_that(|importer| importer.torch.as_ref().is_some_and(|torch| (torch.shows)(file)))
        }
    }
}

/// The format of a text, if it shows.
fn format_of(bytes: &[u8]) -> Option<ImportFormat> {
    let beginning = Beginning::of(bytes);
    let shown =
        |importer: &Importer| importer.json.as_ref().is_some_and(|json| (json.shows)(&beginning));
    first_that(shown).filter(|_| !trace::is_recording(bytes))
}

fn first_that(shown: impl Fn(&Importer) -> bool) -> Option<ImportFormat> {
    IMPORTERS.iter().find(|importer| shown(importer)).map(|importer| importer.format)
}

/// True for what `torch.save` wrote before it wrote archives: a pickle of a number that stands for
/// it.
fn legacy(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19")
}

/// What is known of a batch of which one sequence is taken.
fn one_batch(batch: usize, row: usize) -> Option<String> {
    (batch > 1).then(|| {
        format!("it holds a batch of {batch}: sequence {row} is taken, --row takes another")
    })
}

fn no_row(wanted: usize, rows: usize) -> String {
    format!("there is no row {wanted} in a batch of {rows}. Choose one with --row, from 0")
}

/// The bytes of a file, unpacked if it is packed by gzip or zstd.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let bytes = match path == Path::new("-") {
        true => bounded::read_from(io::stdin().lock(), LONGEST_FILE)?,
        false => bounded::read(path, LONGEST_FILE)?,
    };
    let packed = bytes.as_slice();
    match packed {
        [0x1f, 0x8b, ..] => {
            bounded::read_from(flate2::bufread::MultiGzDecoder::new(packed), LONGEST_FILE)
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            bounded::read_from(zstd::Decoder::with_buffer(packed)?, LONGEST_FILE)
        }
        _ => Ok(bytes),
    }
}

/// A number as a token id.
fn token(value: i64) -> Result<TokenId, String> {
    TokenId::try_from(value)
        .ok()
        .filter(|&id| id != NO_TOKEN)
        .ok_or_else(|| format!("{value} is no token id (0 to {})", NO_TOKEN - 1))
}

/// The error for a run with too many steps or too many positions in all.
fn too_much(steps: usize, cells: usize) -> Option<String> {
    (steps > MOST_STEPS || cells > MOST_CELLS).then(|| {
        format!(
            "{steps} steps with {cells} positions in all are more than can be opened ({MOST_STEPS} \
             steps, {MOST_CELLS} positions). Import a part of them"
        )
    })
}

/// Refuses runs that are too long or too wide.
fn within(steps: usize, positions: usize) -> Result<(), String> {
    too_much(steps, steps.saturating_mul(positions)).map_or(Ok(()), Err)
}
