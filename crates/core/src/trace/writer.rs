//! The writer: a session's recorder that writes on a thread of its own, a whole line at a time.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
};

use super::{
    advice::advice,
    convert, line, lock,
    record::{
        Edited, FORMAT, Header, Record, RecordedModel, RecordedParams, RecordedRequest,
        RecordedStep, Root, VERSION,
    },
    source::Packing,
    whole::WholeFile,
};
use crate::{
    canvas::{Canvas, Edit, NO_TOKEN, TokenId},
    decode::{Cache, Extras},
    predict::{ColumnRecording, Data, Key, ModelFacts, Prediction, Vocabulary},
    session::{Event, NodeId, NodeOrigin, Recorder, Session, Step},
};

/// How hard Zstandard tries: its own default, faster than any model.
const ZSTD_LEVEL: i32 = 3;

impl Header {
    /// The header of a recording of `model`.
    pub fn new(facts: &ModelFacts, strategy: &str, prompt_text: &str, extras: Extras) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            generator: concat!("demask ", env!("CARGO_PKG_VERSION")).to_owned(),
            model: RecordedModel {
                name: facts.name.clone(),
                family: facts.family.clone(),
                device: facts.device.clone(),
                dtype: facts.dtype.clone(),
                vocabulary: facts.vocabulary,
                context: facts.context,
                layers: facts.layers,
                mask: facts.special.mask,
                eos: facts.special.eos,
                shift: facts.reading.shift,
                block: facts.reading.block,
                grid: facts.reading.grid,
                attention: facts.attention.clone(),
            },
            strategy: strategy.to_owned(),
            prompt_text: prompt_text.to_owned(),
            chat: None,
            asked: RecordedRequest {
                columns: extras.columns.iter().map(|column| column.name().to_owned()).collect(),
                top_k: extras.top_k,
                cache: (extras.cache != Cache::None).then(|| extras.cache.name().to_owned()),
            },
            rounded: convert::rounded(),
            knobs: Vec::new(),
        }
    }
}

/// Where the writer's lines go: the file, behind what packs them.
pub(super) type LineSink = Box<dyn Write + Send>;

/// What packs as the name of a file asks for. Packed data is ended when it is dropped.
fn packed(file: impl Write + Send + 'static, path: &Path) -> io::Result<LineSink> {
    Ok(match Packing::named(path) {
        Packing::Plain => Box::new(file),
        Packing::Gzip => Box::new(flate2::write::GzEncoder::new(file, Default::default())),
        Packing::Zstd => Box::new(zstd::Encoder::new(file, ZSTD_LEVEL)?.auto_finish()),
    })
}

/// Turns events into lines.
pub(super) struct LineWriter<W> {
    out: W,
    vocabulary: Arc<dyn Vocabulary>,
    known: HashSet<TokenId>,
    /// The parameters that led to each node: a step writes only those that differ.
    params: HashMap<NodeId, RecordedParams>,
}

impl<W: Write> LineWriter<W> {
    fn start(out: W, vocabulary: Arc<dyn Vocabulary>, header: &Header) -> io::Result<Self> {
        let mut writer = Self { out, vocabulary, known: HashSet::new(), params: HashMap::new() };
        writer.put(&Record::Header(header.clone()))?;
        writer.name([header.model.mask, header.model.eos])?;
        writer.out.flush()?;
        Ok(writer)
    }

    pub(super) fn put(&mut self, record: &Record) -> io::Result<()> {
        let mut line = line::seal(serde_json::to_string(record)?);
        line.push('\n');
        // One call a line: a kill between two leaves whole lines.
        self.out.write_all(line.as_bytes())
    }

    /// Writes the texts of tokens not named before.
    pub(super) fn name(&mut self, ids: impl IntoIterator<Item = TokenId>) -> io::Result<()> {
        let fresh: BTreeMap<String, _> = ids
            .into_iter()
            .filter(|&id| id != NO_TOKEN && self.known.insert(id))
            .map(|id| (id.to_string(), convert::text(self.vocabulary.piece(id))))
            .collect();
        if fresh.is_empty() { Ok(()) } else { self.put(&Record::Tokens { tokens: fresh }) }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// A node's parameters, if they are not its parent's.
    fn changed(
        &mut self,
        id: NodeId,
        parent: NodeId,
        params: &crate::decode::Params,
    ) -> Option<RecordedParams> {
        let params = convert::params(params);
        let changed = self.params.get(&parent) != Some(&params);
        self.params.insert(id, params.clone());
        changed.then_some(params)
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Root { id, canvas, state, params } => {
                self.name(canvas.prompt().iter().copied())?;
                self.name(canvas.inputs())?;
                self.name(canvas.suffix().iter().copied())?;
                let given = canvas.cells().iter().enumerate().filter(|(_, cell)| cell.is_given());
                let params = convert::params(params);
                self.params.insert(*id, params.clone());
                let written = canvas.masks() < canvas.len() || !open(canvas).is_empty();
                self.put(&Record::Root(Root {
                    id: id.0,
                    prompt: canvas.prompt().to_vec(),
                    length: canvas.len(),
                    canvas: written.then(|| canvas.inputs()),
                    open: open(canvas),
                    given: given.map(|(at, _)| at).collect(),
                    suffix: canvas.suffix().to_vec(),
                    state: state.clone(),
                    params,
                }))?;
            }
            Event::Prediction { key, prediction, canvas, cached } => {
                let Some(prediction) = prediction.get() else { return Ok(()) };
                self.name(ids_in(&prediction))?;
                let record = convert::prediction(*key, &prediction, canvas, cached.as_ref());
                self.put(&Record::Prediction(record))?;
            }
            Event::Step { id, parent, step, params, canvas } => {
                let decision = convert::decision(&step.decision);
                self.name(written(&step.decision.edits))?;
                let open = open(canvas);
                self.name(open.iter().filter_map(|&at| canvas.cells()[at].draft))?;
                let params = self.changed(*id, *parent, params);
                self.put(&Record::Step(RecordedStep {
                    id: id.0,
                    parent: parent.0,
                    prediction: Some(step.prediction.to_string()),
                    params,
                    decision: Some(decision),
                    canvas: (!open.is_empty()).then(|| canvas.inputs()),
                    open,
                    state: step.decision.next.clone(),
                    hash: Some(convert::hash(canvas)),
                    timing: convert::timing(step.timing),
                }))?;
            }
            Event::Edit { id, parent, edits, state, params, canvas } => {
                self.name(written(edits))?;
                let params = self.changed(*id, *parent, params);
                self.put(&Record::Edit(Edited {
                    id: id.0,
                    parent: parent.0,
                    edits: edits.iter().copied().map(convert::edit).collect(),
                    state: state.clone(),
                    params,
                    hash: Some(convert::hash(canvas)),
                }))?;
            }
            Event::Name { tip, name } => {
                self.put(&Record::Name { tip: tip.0, name: name.clone() })?;
            }
            &Event::Delete { tip, deleted } => {
                self.put(&Record::Delete { tip: tip.0, deleted })?;
            }
            &Event::Undo { edit, undone } => {
                self.put(&Record::Undo { edit: edit.0, undone })?;
            }
            Event::Mark { node, name } => {
                self.put(&Record::Mark { node: node.0, name: name.clone() })?;
            }
            Event::Note { node, slot, text } => {
                self.put(&Record::Note { node: node.0, slot: slot.0, text: text.clone() })?;
            }
            Event::End { at, finish } => {
                let finish = finish.map(|finish| finish.name().to_owned());
                self.put(&Record::End { at: at.0, finish })?;
            }
        }
        self.out.flush()
    }
}

/// The positions of a canvas that hold a draft.
fn open(canvas: &Canvas) -> Vec<usize> {
    let cells = canvas.cells().iter().enumerate();
    cells.filter(|(_, cell)| cell.draft.is_some()).map(|(at, _)| at).collect()
}

/// Every id that edits name.
fn written(edits: &[Edit]) -> impl Iterator<Item = TokenId> {
    edits.iter().filter_map(|edit| match *edit {
        Edit::Fill { token, .. } | Edit::Replace { token, .. } | Edit::Veto { token, .. } => {
            Some(token)
        }
        _ => None,
    })
}

/// Every id a prediction names.
pub(super) fn ids_in(prediction: &Prediction) -> Vec<TokenId> {
    prediction
        .columns()
        .flat_map(|(column, data)| match data {
            Data::Ids(ids) if column.spec().recorded == ColumnRecording::Exact => ids.clone(),
            Data::Ids(_) | Data::Numbers(_) => Vec::new(),
            Data::Ranked(ranked) => ranked.all().iter().map(|(id, _)| *id).collect(),
        })
        .collect()
}

/// A recorder that writes to a file or a pipe on a thread of its own.
pub struct TraceRecorder {
    events: Option<mpsc::Sender<Event>>,
    thread: Option<JoinHandle<()>>,
    fault: Arc<Mutex<Option<String>>>,
}

impl TraceRecorder {
    /// Starts a recording at `path`, over what was there; packed as its name says (`.zst`, `.gz`).
    ///
    /// # Errors
    /// If the file cannot be written; the text names it.
    pub fn create(
        path: &Path,
        header: &Header,
        vocabulary: Arc<dyn Vocabulary>,
    ) -> Result<Self, String> {
        let fresh = path.symlink_metadata().is_err();
        Self::begin(path, header, vocabulary).map_err(|error| {
            if fresh && error.kind() != io::ErrorKind::ResourceBusy {
                // An empty file would block the next run.
                let _ = fs::remove_file(path);
            }
            unwritable(&path.display().to_string(), &error)
        })
    }

    fn begin(path: &Path, header: &Header, vocabulary: Arc<dyn Vocabulary>) -> io::Result<Self> {
        // The old content is truncated only after the lock is held.
        let file = File::options().write(true).create(true).truncate(false).open(path)?;
        if file.metadata()?.is_file() {
            lock::claim(&file)?;
            file.set_len(0)?;
        }
        let place = RecordingPath { path: path.to_owned(), file: file.try_clone()? };
        let writer = LineWriter::start(packed(file, path)?, vocabulary, header)?;
        Self::spawn(writer, path.display().to_string(), Some(place))
    }

    /// Starts a recording on `out`, called `name` in messages.
    ///
    /// # Errors
    /// If the header cannot be written.
    pub fn start(
        out: Box<dyn Write + Send>,
        name: String,
        header: &Header,
        vocabulary: Arc<dyn Vocabulary>,
    ) -> Result<Self, String> {
        let started = LineWriter::start(out, vocabulary, header);
        started
            .and_then(|writer| Self::spawn(writer, name.clone(), None))
            .map_err(|error| unwritable(&name, &error))
    }

    fn spawn<W: Write + Send + 'static>(
        mut writer: LineWriter<W>,
        name: String,
        place: Option<RecordingPath>,
    ) -> io::Result<Self> {
        let (events, inbox) = mpsc::channel::<Event>();
        let trouble = Arc::new(Mutex::new(None));
        let told = trouble.clone();
        let thread = std::thread::Builder::new().name("recorder".to_owned()).spawn(move || {
            for event in inbox {
                let fault = match writer.event(&event) {
                    Err(error) => broken_off(&name, &error),
                    Ok(()) if place.as_ref().is_some_and(RecordingPath::is_lost) => lost(&name),
                    Ok(()) => continue,
                };
                *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
                return;
            }
        })?;
        Ok(Self { events: Some(events), thread: Some(thread), fault: trouble })
    }

    /// Goes on with the recording of a session: writes `path` anew with everything it knows, and
    /// on from there.
    ///
    /// # Errors
    /// If the file cannot be written; the text names it.
    pub fn go_on(
        session: &Session,
        path: &Path,
        header: &Header,
        vocabulary: Arc<dyn Vocabulary>,
    ) -> Result<Self, String> {
        let name = path.display().to_string();
        let (writer, file) = replace(session, path, header, vocabulary)?;
        let place = RecordingPath { path: path.to_owned(), file };
        Self::spawn(writer, name.clone(), Some(place)).map_err(|error| unwritable(&name, &error))
    }

    fn join(&mut self) {
        self.events = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Where a recording is written.
struct RecordingPath {
    path: PathBuf,
    file: File,
}

impl RecordingPath {
    /// True if the file was removed or replaced.
    fn is_lost(&self) -> bool {
        !lock::is_there(&self.path, &self.file)
    }
}

/// Why a recording that was removed ends.
fn lost(name: &str) -> String {
    format!(
        "{name}: the recording was removed or replaced while it was written, and what it held is \
         lost. Where the session is still open, save it under another name"
    )
}

/// Why there is no recording.
pub(super) fn unwritable(name: &str, error: &io::Error) -> String {
    format!("{name}: the recording cannot be written ({error}). {}", advice(error))
}

/// Why a recording ends early.
fn broken_off(name: &str, error: &io::Error) -> String {
    format!(
        "{name}: the recording cannot be written any further ({error}). What was written before \
         is kept. {}",
        advice(error)
    )
}

impl Recorder for TraceRecorder {
    fn record(&mut self, event: Event) {
        if let Some(events) = &self.events {
            // The thread ends early only after a fault, which it has told.
            let _ = events.send(event);
        }
    }

    fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn close(mut self: Box<Self>) -> Result<(), String> {
        self.join();
        self.fault().map_or(Ok(()), Err)
    }
}

impl Drop for TraceRecorder {
    fn drop(&mut self) {
        self.join();
    }
}

impl<W: Write> LineWriter<W> {
    /// Everything a session knows, but for its end.
    fn session(&mut self, session: &Session) -> io::Result<()> {
        let mut written: HashSet<Key> = HashSet::new();
        let timeline = session.timeline();
        for id in (0..timeline.len()).map(NodeId) {
            let node = &timeline[id];
            let (canvas, params) = (node.canvas.clone(), node.params.clone());
            let state = node.state.clone();
            let event = match (node.parent, &node.made) {
                (Some(parent), NodeOrigin::Step(step)) => {
                    let key = step.prediction;
                    if written.insert(key)
                        && let Some(prediction) = session.prediction(key)
                    {
                        let prediction = prediction.into();
                        let canvas = timeline[parent].canvas.clone();
                        let cached = session.left_out(parent, key, &params);
                        self.event(&Event::Prediction { key, prediction, canvas, cached })?;
                    }
                    let decision = session.decision(id).unwrap_or_else(|| step.decision.clone());
                    let step = Arc::new(Step { decision, ..(**step).clone() });
                    Event::Step { id, parent, step, params, canvas }
                }
                (Some(parent), NodeOrigin::Edit(edits)) => {
                    Event::Edit { id, parent, edits: edits.clone(), state, params, canvas }
                }
                (_, NodeOrigin::Start | NodeOrigin::Step(_) | NodeOrigin::Edit(_)) => {
                    Event::Root { id, canvas, state, params }
                }
            };
            self.event(&event)?;
        }
        // What is known where the branches end: their next decisions.
        for tip in timeline.tips().into_iter().filter(|_| session.strategy().decides()) {
            if let Some((key, prediction, cached)) = session.known_pass(tip)
                && written.insert(key)
            {
                let (prediction, canvas) = (prediction.into(), timeline[tip].canvas.clone());
                self.event(&Event::Prediction { key, prediction, canvas, cached })?;
            }
        }
        for (key, prediction) in session.answers().filter(|(key, _)| !written.contains(key)) {
            // Nothing in it depends on the canvas.
            let (prediction, canvas) = (prediction.into(), timeline[NodeId(0)].canvas.clone());
            self.event(&Event::Prediction { key, prediction, canvas, cached: None })?;
        }
        for (tip, name) in timeline.names() {
            self.event(&Event::Name { tip, name: Some(name.to_owned()) })?;
        }
        for (node, name) in timeline.bookmarks() {
            self.event(&Event::Mark { node, name: Some(name.to_owned()) })?;
        }
        for (node, slot, text) in timeline.notes() {
            self.event(&Event::Note { node, slot, text: Some(text.to_owned()) })?;
        }
        for id in timeline.taken_out() {
            self.event(&match timeline[id].undone {
                true => Event::Undo { edit: id, undone: true },
                false => Event::Delete { tip: id, deleted: true },
            })?;
        }
        Ok(())
    }
}

/// Starts a recording in `file`, packed as the name at `path` says.
pub(super) fn started(
    file: File,
    path: &Path,
    vocabulary: Arc<dyn Vocabulary>,
    header: &Header,
) -> io::Result<LineWriter<LineSink>> {
    LineWriter::start(packed(io::BufWriter::new(file), path)?, vocabulary, header)
}

/// Writes a file beside `path` and moves it there when whole: what was there is lost to nothing
/// less. Answers with what wrote it, still open, and the file.
fn replace(
    session: &Session,
    path: &Path,
    header: &Header,
    vocabulary: Arc<dyn Vocabulary>,
) -> Result<(LineWriter<LineSink>, File), String> {
    let write = || -> io::Result<(LineWriter<LineSink>, File)> {
        let (file, whole) = WholeFile::begin(path, |_| {})?;
        lock::claim(&file)?;
        let open = file.try_clone()?;
        let mut writer = started(file, path, vocabulary, header)?;
        writer.session(session)?;
        whole.finish()?;
        Ok((writer, open))
    };
    write().map_err(|error| unwritable(&path.display().to_string(), &error))
}

/// Writes everything a session knows to `path`: for one that was not recorded as it happened.
///
/// # Errors
/// In words, if the file cannot be written.
pub fn save(
    session: &Session,
    path: &Path,
    header: &Header,
    vocabulary: Arc<dyn Vocabulary>,
) -> Result<(), String> {
    let (mut writer, _) = replace(session, path, header, vocabulary)?;
    writer
        .event(&Event::End { at: session.at(), finish: None })
        .map_err(|error| unwritable(&path.display().to_string(), &error))
}
