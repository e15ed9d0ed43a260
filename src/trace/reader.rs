//! The reader: a file back into a timeline, its predictions and its token texts.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
    sync::Arc,
};

use super::{
    TraceError, convert, line,
    record::{Edit, Edited, FORMAT, Header, Params, Prediction, Record, Root, Step, VERSION},
};
use crate::{
    canvas::{Canvas, SpecialTokens, TokenId},
    decode::{self, Cache, Decision, Extras, Growth, Mode, Strategy},
    predict::{self, Column, ColumnSet, Key, ModelFacts, Piece, Vocabulary},
    session::{self, Made, NodeId, Session, Timeline},
};

/// No line of a recording is longer: beyond it a file is damaged or hostile.
const LONGEST_LINE: u64 = 64 << 20;

/// No canvas of a recording is longer, positions.
const LONGEST_CANVAS: usize = 1 << 17;

/// No recording unfolds into more cells than this: some bytes of file may ask for gigabytes.
const MOST_CELLS: usize = 1 << 27;

/// No token's text is longer, bytes.
const LONGEST_TOKEN: usize = 4096;

/// No name is longer, characters; longer ones are cut.
const LONGEST_NAME: usize = 200;

/// No prompt's text is longer, characters; longer ones are cut.
const LONGEST_PROMPT: usize = 1 << 16;

/// A recording in memory.
pub struct Recording {
    /// The first line.
    pub header: Header,
    /// Steps, predictions and where it ended.
    pub recorded: Recorded,
    /// Token texts.
    pub vocabulary: Arc<RecordedVocabulary>,
    /// What people should know: a cut end, decisions this program would make otherwise.
    pub notices: Vec<String>,
}

/// What was recorded.
pub struct Recorded {
    /// The strategy that decided.
    pub strategy: &'static dyn Strategy,
    /// Every step.
    pub timeline: Timeline,
    /// Every prediction.
    pub store: HashMap<Key, Arc<predict::Prediction>>,
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
            special: SpecialTokens { mask: model.mask, eos: model.eos },
            reading: model.reading(),
        }
    }
}

/// Token texts that travelled in a recording.
#[derive(Debug, Clone, Default)]
pub struct RecordedVocabulary(HashMap<TokenId, Piece>);

impl Vocabulary for RecordedVocabulary {
    fn piece(&self, id: TokenId) -> Option<Piece> {
        self.0.get(&id).cloned()
    }

    fn ids(&self) -> Vec<TokenId> {
        let mut ids: Vec<TokenId> = self.0.keys().copied().collect();
        ids.sort_unstable();
        ids
    }
}

/// Reads a recording. A cut last line is left out and said so; damage before it is an error.
///
/// # Errors
/// [`TraceError`].
pub fn read(path: &Path) -> Result<Recording, TraceError> {
    let file = path.display().to_string();
    let unreadable = |error| TraceError::Unreadable { file: file.clone(), error };
    let mut lines = BufReader::new(File::open(path).map_err(unreadable)?);
    let mut builder: Option<Builder> = None;
    let mut number = 0;
    let mut cut = None;
    loop {
        let mut bytes = Vec::new();
        let read =
            (&mut lines).take(LONGEST_LINE).read_until(b'\n', &mut bytes).map_err(unreadable)?;
        if read == 0 {
            break;
        }
        number += 1;
        let whole = bytes.pop_if(|last| *last == b'\n').is_some();
        if whole && bytes.is_empty() {
            continue;
        }
        let parsed = parse(&bytes);
        match (&mut builder, parsed) {
            // A line without an end was being written when its writer was stopped.
            (Some(_), Err(_)) if !whole && (read as u64) < LONGEST_LINE => {
                cut = Some(number);
                break;
            }
            (Some(builder), Ok(record)) => builder.take(record),
            (Some(_), Err(problem)) => Err(problem),
            (None, Ok(Record::Header(header))) => {
                builder = Some(Builder::new(header, &file)?);
                Ok(())
            }
            (None, Ok(_)) => return Err(no_header(&file, &bytes)),
            (None, Err(_)) => return Err(no_header(&file, &bytes)),
        }
        .map_err(|problem| TraceError::Damaged {
            file: file.clone(),
            line: number,
            problem,
        })?;
    }
    let Some(builder) = builder else {
        let problem = "it is empty".to_owned();
        return Err(TraceError::NotARecording { file, problem });
    };
    builder.finish(&file, cut)
}

fn parse(bytes: &[u8]) -> Result<Record, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "this is no text".to_owned())?;
    if !line::intact(text) {
        return Err("the checksum does not fit the line".to_owned());
    }
    serde_json::from_str(text).map_err(|error| format!("this is no record ({error})"))
}

/// Tells a later version, whose header may not parse, from another kind of file.
fn no_header(file: &str, bytes: &[u8]) -> TraceError {
    let value: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    if value["format"] == FORMAT && value["version"][0] != VERSION[0] {
        let shown = value["version"].to_string();
        return TraceError::Version {
            file: file.to_owned(),
            found: shown.chars().take(40).collect::<String>().escape_default().to_string(),
        };
    }
    TraceError::NotARecording {
        file: file.to_owned(),
        problem: "its first line is no header".to_owned(),
    }
}

/// Takes records in order and checks that they fit together.
struct Builder {
    header: Header,
    strategy: &'static dyn Strategy,
    vocabulary: RecordedVocabulary,
    timeline: Timeline,
    store: HashMap<Key, Arc<predict::Prediction>>,
    nodes: HashMap<usize, NodeId>,
    end: Option<NodeId>,
    differing: usize,
    cells: usize,
    marks: usize,
}

impl Builder {
    fn new(mut header: Header, file: &str) -> Result<Self, TraceError> {
        let refuse = |problem| TraceError::NotARecording { file: file.to_owned(), problem };
        if header.format != FORMAT {
            return Err(refuse(format!(
                "its format is `{}`, not `{FORMAT}`",
                header.format.chars().take(40).collect::<String>().escape_default()
            )));
        }
        if header.version[0] != VERSION[0] {
            let [major, minor] = header.version;
            let found = format!("{major}.{minor}");
            return Err(TraceError::Version { file: file.to_owned(), found });
        }
        let strategy = decode::strategy(&header.strategy).ok_or_else(|| {
            refuse(format!(
                "its strategy `{}` is not known",
                header.strategy.chars().take(40).collect::<String>().escape_default()
            ))
        })?;
        let cut = |text: &mut String, most: usize| {
            if let Some((end, _)) = text.char_indices().nth(most) {
                text.truncate(end);
            }
        };
        let model = &mut header.model;
        for name in [&mut model.name, &mut model.family, &mut model.device, &mut model.dtype] {
            cut(name, LONGEST_NAME);
        }
        cut(&mut header.prompt_text, LONGEST_PROMPT);
        Ok(Self {
            header,
            strategy,
            vocabulary: RecordedVocabulary::default(),
            timeline: Timeline::default(),
            store: HashMap::new(),
            nodes: HashMap::new(),
            end: None,
            differing: 0,
            cells: 0,
            marks: 0,
        })
    }

    /// Counts cells against the most a recording may unfold into.
    fn spend(&mut self, cells: usize) -> Result<(), String> {
        self.cells = self.cells.saturating_add(cells);
        if self.cells > MOST_CELLS {
            return Err("the recording is too large to be opened".to_owned());
        }
        Ok(())
    }

    fn take(&mut self, record: Record) -> Result<(), String> {
        match record {
            Record::Header(_) => Err("there is a second header".to_owned()),
            Record::Unknown => Ok(()),
            Record::Tokens { tokens } => {
                for (id, text) in tokens {
                    let id = id.parse().map_err(|_| "a token id is no number".to_owned())?;
                    if let Some(piece) = convert::piece(text) {
                        if piece.length() > LONGEST_TOKEN {
                            return Err(format!("the text of token {id} is too long"));
                        }
                        self.vocabulary.0.insert(id, piece);
                    }
                }
                Ok(())
            }
            Record::Root(root) => self.root(root),
            Record::Prediction(prediction) => self.prediction(prediction),
            Record::Step(step) => self.step(step),
            Record::Edit(edited) => self.edit(edited),
            Record::Name { tip, name } => {
                let tip = self.node(tip)?;
                self.spend(self.timeline[tip].depth as usize + 1)?;
                self.timeline.name(tip, name.map(short));
                Ok(())
            }
            Record::Delete { tip, deleted } => {
                let tip = self.node(tip)?;
                self.spend(self.timeline.len())?;
                if deleted && !self.timeline.is_tip(tip) {
                    return Err(format!("node {} is not the end of a branch", tip.0));
                }
                if deleted {
                    self.timeline.delete(tip).map_err(|error| error.to_string())?;
                } else {
                    self.timeline.restore(&self.timeline.deleted(tip));
                }
                Ok(())
            }
            Record::Mark { node, name } => {
                let node = self.node(node)?;
                self.marks += 1;
                self.spend(self.marks)?;
                self.timeline.mark(node, name.map(short));
                Ok(())
            }
            Record::End { at, .. } => {
                self.end = Some(self.node(at)?);
                Ok(())
            }
        }
    }

    fn node(&self, id: usize) -> Result<NodeId, String> {
        self.nodes.get(&id).copied().ok_or_else(|| format!("there is no node {id} before it"))
    }

    fn add(&mut self, id: usize, node: NodeId) -> Result<(), String> {
        match self.nodes.insert(id, node) {
            None => Ok(()),
            Some(_) => Err(format!("node {id} is there twice")),
        }
    }

    fn params(&self, record: &Params) -> Result<decode::Params, String> {
        let mut params = decode::Params::defaults(self.strategy.params());
        for (name, value) in record {
            // A later minor version may have more parameters.
            let Ok(spec) = params.spec(name) else { continue };
            let value = value.value(spec).map_err(|error| error.to_string())?;
            params.set(name, value).map_err(|error| error.to_string())?;
        }
        Ok(params)
    }

    fn root(&mut self, root: Root) -> Result<(), String> {
        if root.length > LONGEST_CANVAS {
            return Err(format!("a canvas of {} positions is too long", root.length));
        }
        self.spend(root.length + root.prompt.len())?;
        let special = SpecialTokens { mask: self.header.model.mask, eos: self.header.model.eos };
        let params = self.params(&root.params)?;
        let canvas = Canvas::masked(root.prompt, root.length, special);
        let node = self.timeline.add_root(Arc::new(canvas), root.state, Arc::new(params));
        self.add(root.id, node)
    }

    fn prediction(&mut self, record: Prediction) -> Result<(), String> {
        if record.rows > LONGEST_CANVAS {
            return Err(format!("a prediction of {} rows is too long", record.rows));
        }
        // Some dozen columns, sparse ones spread out.
        self.spend(record.rows.saturating_mul(4))?;
        let key = key(&record.key)?;
        let prediction = convert::predicted(record)?;
        self.store.insert(key, Arc::new(prediction));
        Ok(())
    }

    /// The canvas behind `parent` after some edits, checked against the most it may hold and
    /// against its recorded hash.
    fn edited(
        &mut self,
        parent: NodeId,
        edits: &[Edit],
        recorded: Option<&String>,
    ) -> Result<(Vec<crate::canvas::Edit>, Canvas), String> {
        use crate::canvas::Edit;
        let before = self.timeline[parent].canvas.clone();
        let edits: Vec<Edit> = edits.iter().copied().map(convert::edited).collect();
        let grown: usize = edits
            .iter()
            .map(|edit| match *edit {
                Edit::Expand { n, .. } | Edit::Append { n, .. } | Edit::Insert { n, .. } => n,
                _ => 0,
            })
            .fold(before.len(), usize::saturating_add);
        if grown > LONGEST_CANVAS {
            return Err(format!("a canvas of {grown} positions is too long"));
        }
        let moving = edits.iter().filter(|edit| edit.moves()).count();
        self.spend(grown.saturating_mul(3 + moving))?;
        let after = before
            .apply(&edits, self.timeline[parent].depth + 1)
            .map_err(|error| format!("the edits do not fit the canvas: {error}"))?
            .canvas;
        // Each step looks them over, and an edit of them copies them.
        self.spend(after.vetoes())?;
        let hash = convert::hash(&after);
        if recorded.is_some_and(|recorded| *recorded != hash) {
            return Err("the canvas does not have the recorded hash".to_owned());
        }
        Ok((edits, after))
    }

    /// Recorded parameters, or the parent's where they are not.
    fn params_behind(
        &self,
        parent: NodeId,
        recorded: Option<&Params>,
    ) -> Result<Arc<decode::Params>, String> {
        match recorded {
            Some(params) => self.params(params).map(Arc::new),
            None => Ok(self.timeline[parent].params.clone()),
        }
    }

    fn step(&mut self, record: Step) -> Result<(), String> {
        let parent = self.node(record.parent)?;
        let params = self.params_behind(parent, record.params.as_ref())?;
        let key = key(&record.prediction)?;
        let (edits, after) = self.edited(parent, &record.decision.edits, record.hash.as_ref())?;
        let before = &self.timeline[parent];
        let decided = self.store.get(&key).and_then(|prediction| {
            self.strategy.decide(&before.canvas, &before.state, &params, prediction).ok()
        });
        let decision = match decided {
            Some(decision) if decision.edits == edits && decision.next == record.state => decision,
            _ => {
                self.differing += 1;
                as_recorded(&record, edits, before.canvas.len(), after.len())
            }
        };
        let state = decision.next.clone();
        let step = Arc::new(session::Step {
            prediction: key,
            decision: Arc::new(decision),
            timing: convert::timed(record.timing),
        });
        self.behind(record.id, parent, after, state, params, Made::Step(step))
    }

    fn edit(&mut self, record: Edited) -> Result<(), String> {
        let parent = self.node(record.parent)?;
        let params = self.params_behind(parent, record.params.as_ref())?;
        let (edits, after) = self.edited(parent, &record.edits, record.hash.as_ref())?;
        let made = Made::Edit(edits.into());
        self.behind(record.id, parent, after, record.state, params, made)
    }

    /// Adds a node behind another.
    fn behind(
        &mut self,
        id: usize,
        parent: NodeId,
        canvas: Canvas,
        state: decode::State,
        params: Arc<decode::Params>,
        made: Made,
    ) -> Result<(), String> {
        let node = self.timeline.add(parent, Arc::new(canvas), state, params, made);
        self.end = Some(node);
        self.add(id, node)
    }

    fn finish(mut self, file: &str, cut: Option<usize>) -> Result<Recording, TraceError> {
        let Some(&first) = self.timeline.roots().first() else {
            let problem = "it ends before a run starts".to_owned();
            return Err(TraceError::NotARecording { file: file.to_owned(), problem });
        };
        let mut notices = Vec::new();
        if let Some(line) = cut {
            notices
                .push(format!("the recording is cut in line {line}: what comes before it is here"));
        }
        if self.differing > 0 {
            notices.push(format!(
                "{} recorded decisions are not what this program decides: shown as recorded",
                self.differing
            ));
        }
        // A file that was cut may end with steps of a branch that was deleted.
        let end = self.end.unwrap_or(first);
        let end = self.timeline.nearest_live(end);
        self.timeline.visit(end);
        let start = self.timeline.path(end)[0];
        let asked = &self.header.asked;
        let columns: Vec<Column> = Column::ALL
            .into_iter()
            .filter(|column| asked.columns.iter().any(|name| name == column.name()))
            .collect();
        let (top_k, reading) = (asked.top_k, self.header.model.reading());
        let named = |cache: &Cache| asked.cache.as_deref() == Some(cache.name());
        let cache = match Cache::ALL.into_iter().find(named) {
            Some(cache) => cache,
            None if asked.cache.is_none() => Cache::None,
            None => {
                notices.push(format!(
                    "the passes left something out that this program does not know ({}): going \
                     on from here is exact",
                    short(asked.cache.clone().unwrap_or_default())
                ));
                Cache::None
            }
        };
        let extras = Extras { columns: ColumnSet::of(&columns), top_k, reading, cache };
        Ok(Recording {
            recorded: Recorded {
                strategy: self.strategy,
                store: self.store,
                start,
                end,
                extras,
                timeline: self.timeline,
            },
            header: self.header,
            vocabulary: Arc::new(self.vocabulary),
            notices,
        })
    }
}

/// A name, cut where it is longer than any.
fn short(name: String) -> String {
    name.chars().take(LONGEST_NAME).collect()
}

fn key(text: &str) -> Result<Key, String> {
    text.parse().map_err(|_| "the name of the prediction is no hexadecimal number".to_owned())
}

/// A decision that this program would not make, shown as its writer made it.
fn as_recorded(
    record: &Step,
    edits: Vec<crate::canvas::Edit>,
    before: usize,
    after: usize,
) -> Decision {
    let recorded = &record.decision;
    Decision {
        mode: Mode::ALL.into_iter().find(|mode| mode.name() == recorded.mode).unwrap_or(Mode::None),
        edits,
        verdicts: convert::verdicts(&recorded.why, before),
        dropped: recorded
            .dropped
            .iter()
            .map(|drop| decode::Drop { slot: crate::canvas::Slot(drop.slot), token: drop.token })
            .collect(),
        eos: recorded.eos.as_ref().map(|eos| decode::EosMeasure {
            taken: Vec::new(),
            window: eos.window,
            confidence: eos.confidence,
            threshold: eos.threshold,
        }),
        growth: if after == before { Growth::Stays } else { Growth::To(after) },
        next: record.state.clone(),
    }
}
