//! The reader: a file back into a timeline, its predictions and its token texts, at once or a
//! record at a time.

use std::{fs, io, path::Path, sync::Arc};

use super::{
    RecordedVocabulary, TraceError,
    builder::Builder,
    check::{StepCheck, Verified},
    kept::KeptLines,
    line,
    record::{FORMAT, Header, Record, VERSION},
    source::{FileLines, Packing, RawLine},
};
use crate::{
    canvas::TokenId,
    decode::{AnyStrategy, Extras},
    escape::one_line,
    predict::{KnownPredictions, ModelFacts, Vocabulary},
    session::{Event, NodeId, Proposal, Session, Timeline},
};

/// Bytes of predictions' lines that are read at once. Those behind them are read when the user looks
/// at them: thousands take seconds to read, and gigabytes of memory.
const MOST_HELD: usize = 16 << 20;

/// No more is said of a line, characters.
const LONGEST_FAULT: usize = 300;

/// A recording in memory.
pub struct Recording {
    /// What the first line says.
    pub header: Header,
    /// Steps, predictions and where it ended.
    pub recorded: Recorded,
    /// The texts of the token ids that occur.
    pub vocabulary: Arc<RecordedVocabulary>,
    /// The last line, if it was being written when its writer was stopped: it is left out.
    pub cut: Option<usize>,
    /// What the user should know: a cut end, decisions this program would make otherwise.
    pub notices: Vec<String>,
}

/// What was recorded, as a session holds it.
pub struct Recorded {
    /// The strategy that decided.
    pub strategy: &'static dyn AnyStrategy,
    /// The tree of every step and edit.
    pub timeline: Timeline,
    /// Every prediction, by its key. Of a long recording most are read when they are looked at.
    pub store: KnownPredictions,
    /// The first node of the run that was left last.
    pub start: NodeId,
    /// The node that was left last; after a kill, the last one written.
    pub end: NodeId,
    /// What every request asked for, so that requests have the recorded keys again.
    pub extras: Extras,
}

impl Recording {
    /// A session over the recording, at its first node.
    pub fn session(&self) -> Session {
        let recorded = &self.recorded;
        Session::over(
            recorded.strategy,
            recorded.extras,
            recorded.timeline.clone(),
            recorded.start,
            recorded.store.clone(),
        )
    }

    /// What the prompt says: as it was typed, or the text of its ids where that was not recorded.
    pub fn prompt(&self) -> String {
        if !self.header.prompt_text.is_empty() {
            return self.header.prompt_text.clone();
        }
        self.vocabulary.text(self.recorded.timeline[self.recorded.start].canvas.prompt())
    }

    /// The recorded model's facts.
    pub fn facts(&self) -> ModelFacts {
        let model = &self.header.model;
        ModelFacts {
            name: model.name.clone(),
            family: model.family.clone(),
            device: model.device.clone(),
            dtype: model.dtype.clone(),
            vocabulary: model.vocabulary,
            context: model.context,
            layers: model.layers,
            special: model.special(),
            reading: model.reading(),
            attention: model.attention.clone(),
        }
    }
}

/// Reads a recording; `-` is standard input. A cut last line is left out and said so; damage before
/// it is an error.
///
/// # Errors
/// [`TraceError`].
pub fn read(path: &Path) -> Result<Recording, TraceError> {
    let mut reader = Reader::open(path)?;
    while !matches!(reader.advance()?, ReadAdvance::End) {}
    reader.cut()?;
    reader.so_far()
}

/// What reading on came to.
pub enum ReadAdvance {
    /// A record was taken in; what it says happened, if it says so.
    Took(Option<Event>),
    /// There is no further whole line now; where the file grows there may be one later.
    End,
}

/// A recording being read, a record at a time.
pub struct Reader {
    file: String,
    lines: FileLines,
    builder: Option<Builder>,
    /// Where lines are read again.
    kept: Arc<KeptLines>,
    /// Bytes of predictions' lines that are read at once.
    most_held: usize,
    /// Bytes of the file when it was opened; `None` for a stream.
    total: Option<u64>,
    cut: Option<usize>,
    /// What steps are to be verified by, until the header is there.
    check: Option<StepCheck>,
}

impl Reader {
    /// Opens a file, or standard input for `-`.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let file = match path == Path::new("-") {
            true => "standard input".to_owned(),
            // A name may hold what would look like a line of ours.
            false => one_line(&path.display().to_string()),
        };
        let total = fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|found| found.len());
        let opened = FileLines::open(path).and_then(|lines| {
            let kept = match total.is_some() && lines.packing() == Packing::Plain {
                true => KeptLines::of_file(path)?,
                false => KeptLines::of_stream(),
            };
            Ok(Self::over(file.clone(), lines, kept, total))
        });
        opened.map_err(|error| TraceError::Unreadable { file, error })
    }

    /// A reader of lines that the caller passes to `push`; `name` names their source in messages.
    ///
    /// # Errors
    /// [`TraceError`], though none is expected.
    pub fn of_lines(name: &str) -> Result<Self, TraceError> {
        let file = one_line(name);
        match FileLines::of(io::empty()) {
            Ok(lines) => Ok(Self::over(file, lines, KeptLines::of_stream(), None)),
            Err(error) => Err(TraceError::Unreadable { file, error }),
        }
    }

    fn over(file: String, lines: FileLines, kept: Arc<KeptLines>, total: Option<u64>) -> Self {
        let most_held = MOST_HELD;
        Self { file, lines, builder: None, kept, most_held, total, cut: None, check: None }
    }

    /// Of predictions, the first lines are read at once, up to so many bytes; those behind them are
    /// read when the user looks at them. To be said before anything is read.
    pub fn hold(&mut self, bytes: usize) {
        self.most_held = bytes;
    }

    /// Reads a line that the caller got from its source.
    ///
    /// # Errors
    /// [`TraceError`]; what was taken before stays.
    pub fn push(&mut self, line: &[u8]) -> Result<Option<Event>, TraceError> {
        let line = self.lines.given(line);
        self.take(&line)
    }

    /// A step that another program is about to make: from the node of this number to a canvas,
    /// decided on a prediction of this name.
    ///
    /// # Errors
    /// With a message for the user.
    pub fn propose(
        &mut self,
        from: usize,
        prediction: Option<String>,
        canvas: Vec<TokenId>,
        open: Vec<usize>,
    ) -> Result<Proposal, String> {
        let builder = self.builder.as_mut().ok_or("a step is proposed before a run starts")?;
        builder.propose(from, prediction, canvas, open)
    }

    /// The node of this number.
    ///
    /// # Errors
    /// With a message for the user.
    pub fn node(&self, number: usize) -> Result<NodeId, String> {
        self.builder.as_ref().ok_or("no run has started")?.node(number)
    }

    /// True if more may come behind the end of what is there: a file that is not packed. A stream
    /// ends when it ends.
    pub fn endless(&self) -> bool {
        self.total.is_some() && self.packing() == Packing::Plain
    }

    /// An error about the line that comes next.
    fn damaged(&self, problem: String) -> TraceError {
        self.damaged_at(self.lines.number() + 1, problem)
    }

    fn damaged_at(&self, line: usize, problem: String) -> TraceError {
        let keep = match self.started() {
            false => "The file is damaged, and no run begins before this line".to_owned(),
            true => {
                let keep = match self.packing() {
                    _ if self.total.is_none() => String::new(),
                    Packing::Plain => format!(": `head -n {} FILE` keeps them", line - 1),
                    Packing::Gzip => format!(": `gzip -dc FILE | head -n {}` keeps them", line - 1),
                    Packing::Zstd => format!(": `zstd -dc FILE | head -n {}` keeps them", line - 1),
                };
                format!("The file is damaged; the lines before this one are whole{keep}")
            }
        };
        TraceError::Damaged { file: self.file.clone(), line, problem, keep }
    }

    /// How the file is packed.
    pub fn packing(&self) -> Packing {
        self.lines.packing()
    }

    /// Bytes read so far, and in all where that is known.
    pub fn progress(&self) -> (u64, Option<u64>) {
        (self.lines.taken(), self.total)
    }

    /// Takes the next record in.
    ///
    /// # Errors
    /// [`TraceError`]; what was taken before stays.
    pub fn advance(&mut self) -> Result<ReadAdvance, TraceError> {
        match self.lines.more() {
            Ok(None) => Ok(ReadAdvance::End),
            Ok(Some(line)) => self.take(&line).map(ReadAdvance::Took),
            Err(error) => Err(self.broken(error)),
        }
    }

    /// Takes the last line in, if it has no end: it may be whole all the same. Nothing comes
    /// behind it.
    ///
    /// # Errors
    /// [`TraceError`].
    pub fn cut(&mut self) -> Result<Option<Event>, TraceError> {
        match self.lines.next() {
            Ok(None) => Ok(None),
            Ok(Some(line)) => self.take(&line),
            Err(error) => Err(self.broken(error)),
        }
    }

    fn broken(&self, error: io::Error) -> TraceError {
        match error.kind() {
            // What `source` says of lines, and decoders of damage.
            io::ErrorKind::Other | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
                if self.builder.is_none() =>
            {
                let problem = error.to_string();
                TraceError::NotARecording { file: self.file.clone(), problem }
            }
            io::ErrorKind::Other | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                self.damaged(error.to_string())
            }
            _ => TraceError::Unreadable { file: self.file.clone(), error },
        }
    }

    fn take(&mut self, line: &RawLine) -> Result<Option<Event>, TraceError> {
        if line.whole && line.bytes.is_empty() {
            return Ok(None);
        }
        if let Some(builder) =
            self.builder.as_mut().filter(|builder| line.whole && builder.defers())
            && let Some(found) = std::str::from_utf8(&line.bytes).ok().and_then(line::prediction)
            && let Some(kept) = self.kept.keep(line, found.sum, None)
        {
            builder.paid = self.lines.unfolded();
            return builder
                .deferred(found.key, found.rows, kept)
                .map_err(|problem| self.fault(line.number, problem));
        }
        let taken = match (&mut self.builder, parse(line)) {
            // A line without an end was being written when its writer was stopped.
            (Some(_), Err(_)) if !line.whole => {
                self.cut = Some(line.number);
                return Ok(None);
            }
            (Some(builder), Ok(record)) => {
                builder.paid = self.lines.unfolded();
                builder.take(record, line)
            }
            (Some(_), Err(problem)) => Err(problem),
            (None, Ok(Record::Header(header))) => {
                let mut builder =
                    Builder::new(header, &self.file, (self.kept.clone(), self.most_held))?;
                builder.check = self.check.take();
                self.builder = Some(builder);
                Ok(None)
            }
            (None, Ok(_) | Err(_)) => return Err(no_header(&self.file, line)),
        };
        taken.map_err(|problem| self.fault(line.number, problem))
    }

    /// The error that a record which cannot be taken in is.
    fn fault(&self, line: usize, problem: String) -> TraceError {
        match self.builder.as_ref().is_some_and(|it| it.too_large) {
            true => TraceError::TooLarge { file: self.file.clone(), line },
            // It may quote what stands in the file.
            false => self.damaged_at(line, problem.chars().take(LONGEST_FAULT).collect()),
        }
    }

    /// From the first record on, steps are verified.
    pub(super) fn check(&mut self, check: StepCheck) {
        self.check = Some(check);
    }

    /// What was verified so far.
    pub(super) fn checked(&self) -> Verified {
        let check = self.builder.as_ref().and_then(|builder| builder.check.as_ref());
        check.map(StepCheck::verified).unwrap_or_default()
    }

    /// True once a run has started: from then on there is something to look at.
    pub fn started(&self) -> bool {
        self.builder.as_ref().is_some_and(|builder| !builder.timeline.is_empty())
    }

    /// True if the session was closed properly behind all that was read.
    pub fn closed(&self) -> bool {
        self.builder.as_ref().is_some_and(|builder| builder.closed)
    }

    /// Why the run is over, as the session's end says.
    pub(super) fn finish(&self) -> Option<&str> {
        self.builder.as_ref()?.finish.as_deref()
    }

    /// What was read so far, as a recording.
    ///
    /// # Errors
    /// If no run has started.
    pub fn so_far(&self) -> Result<Recording, TraceError> {
        let refuse = |problem: &str| TraceError::NotARecording {
            file: self.file.clone(),
            problem: problem.to_owned(),
        };
        let builder = self.builder.as_ref().ok_or_else(|| refuse("it is empty"))?;
        let Some(&first) = builder.timeline.roots().first() else {
            return Err(refuse("it ends before a run starts"));
        };
        let (extras, unknown) = builder.extras();
        let mut notices = Vec::new();
        notices.extend(self.cut.map(cut_in));
        if !builder.strategy.decides() {
            notices.push(format!(
                "another program decided ({}): shown as recorded, no parameter can be changed",
                builder.strategy.name()
            ));
        }
        if builder.differing > 0 {
            notices.push(format!(
                "{} recorded decisions are not what this program decides: shown as recorded",
                builder.differing
            ));
        }
        notices.extend(unknown);
        // A file that was cut may end with steps of a branch that was deleted.
        let mut timeline = builder.timeline.clone();
        let end = timeline.nearest_live(builder.end.unwrap_or(first));
        timeline.visit(end);
        let start = timeline.path(end)[0];
        Ok(Recording {
            recorded: Recorded {
                strategy: builder.strategy,
                store: builder.store.clone(),
                start,
                end,
                extras,
                timeline,
            },
            header: builder.header.clone(),
            vocabulary: builder.vocabulary.clone(),
            cut: self.cut,
            notices,
        })
    }
}

fn parse(line: &RawLine) -> Result<Record, String> {
    serde_json::from_str(line.text()?).map_err(|error| format!("this is no record ({error})"))
}

/// True if the first line of a text is the header of a recording.
pub fn is_recording(text: &[u8]) -> bool {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    serde_json::from_slice::<serde_json::Value>(line).is_ok_and(|header| header["format"] == FORMAT)
}

/// True if a file holds lines of JSON, but no recording: its first line is an object that does not
/// call itself a header. Programs that write recordings keep tables of such lines beside them.
pub fn is_other_json(path: &Path) -> bool {
    let first = FileLines::open(path).and_then(|mut lines| lines.next());
    let Ok(Some(first)) = first else { return false };
    serde_json::from_slice::<serde_json::Value>(&first.bytes).is_ok_and(|first| {
        first.is_object() && first["format"] != FORMAT && first["kind"] != "header"
    })
}

/// That a recording is cut in a line.
pub fn cut_in(line: usize) -> String {
    format!("the recording is cut in line {line}: what comes before it is here")
}

/// Tells a later version, whose header may not parse, from another kind of file.
fn no_header(file: &str, line: &RawLine) -> TraceError {
    let bytes = line.bytes.as_slice();
    let value: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    let numbers = value["version"].as_array().filter(|numbers| {
        numbers.len() == 2 && numbers.iter().all(|number| number.as_u64().is_some())
    });
    if value["format"] == FORMAT && numbers.is_some_and(|numbers| numbers[0] != VERSION[0]) {
        let shown = value["version"].to_string();
        return TraceError::Version {
            file: file.to_owned(),
            found: shown.chars().take(40).collect::<String>().escape_default().to_string(),
        };
    }
    let sealed = line.text();
    let problem = match serde_json::from_slice::<Header>(bytes) {
        _ if bytes.starts_with(b"\xef\xbb\xbf") => {
            "it begins with a byte order mark, which no line of JSON does".to_owned()
        }
        _ if value["kind"] == "header" && sealed.is_err() => {
            format!("its header is faulty: {}", sealed.err().unwrap_or_default())
        }
        Err(_) if value["format"] == FORMAT && numbers.is_none() => {
            "its header is faulty: `version` is not two whole numbers, [major, minor]".to_owned()
        }
        Err(error) if value["kind"] == "header" => {
            let error: String = error.to_string().chars().take(LONGEST_FAULT).collect();
            format!("its header is faulty: {error}")
        }
        _ => "its first line is no header".to_owned(),
    };
    TraceError::NotARecording { file: file.to_owned(), problem }
}
