//! Records into a timeline: each is checked against those before it, and nothing unfolds into more
//! memory than its file has paid for.

use std::{collections::HashMap, sync::Arc};

use super::{
    RecordedVocabulary, TraceError,
    check::StepCheck,
    convert, derive,
    kept::KeptLines,
    line,
    record::{
        Edited, FORMAT, Header, Record, RecordedParams, RecordedPrediction, RecordedStep,
        RecordedTiming, Root, VERSION, knobs,
    },
    recorded,
    source::RawLine,
};
use crate::{
    canvas::{self, Canvas, FixedText, Slot, TokenId},
    decode::{self, AnyStrategy, Cache, Extras},
    predict::{Column, Key, KnownPrediction, KnownPredictions},
    session::{self, Event, NodeId, NodeOrigin, Proposal, Timeline},
};

/// No canvas of a recording is longer, positions.
const LONGEST_CANVAS: usize = 1 << 17;

/// Cells that any recording may unfold into: some bytes of file may ask for gigabytes. A cell takes
/// up to 32 bytes.
const MOST_CELLS: usize = 1 << 25;

/// Each so many bytes of file pay for one more: a recording that holds its predictions is far
/// below.
const BYTES_A_CELL: usize = 2;

/// No token's text is longer, bytes.
const LONGEST_TOKEN: usize = 4096;

/// No name is longer, characters; longer ones are cut.
const LONGEST_NAME: usize = 200;

/// No prompt's text is longer, characters; longer ones are cut.
const LONGEST_PROMPT: usize = 1 << 16;

/// Takes records in order and checks that they fit together.
pub(super) struct Builder {
    pub header: Header,
    pub strategy: &'static dyn AnyStrategy,
    pub vocabulary: Arc<RecordedVocabulary>,
    pub timeline: Timeline,
    pub store: KnownPredictions,
    kept: Arc<KeptLines>,
    /// Bytes of the lines of predictions in memory, and how many are to be.
    held: usize,
    most_held: usize,
    /// Nodes by the numbers they have in the file.
    nodes: HashMap<usize, NodeId>,
    /// The node left last.
    pub end: Option<NodeId>,
    /// The session was closed properly.
    pub closed: bool,
    /// Why the run is over, as the end says.
    pub finish: Option<String>,
    /// Steps that this program would have decided otherwise.
    pub differing: usize,
    /// Takes steps in to verify them, if that is wanted.
    pub check: Option<StepCheck>,
    /// Bytes of file read so far.
    pub paid: u64,
    /// It unfolds into more than its file has paid for.
    pub too_large: bool,
    cells: usize,
    marks: usize,
}

impl Builder {
    pub fn new(
        mut header: Header,
        file: &str,
        (kept, most_held): (Arc<KeptLines>, usize),
    ) -> Result<Self, TraceError> {
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
        let known = decode::strategy(&header.strategy).filter(|_| header.knobs.is_empty());
        let strategy =
            known.unwrap_or_else(|| decode::Foreign::with(&header.strategy, &knobs(&header.knobs)));
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
            vocabulary: Arc::default(),
            timeline: Timeline::default(),
            store: KnownPredictions::default(),
            kept,
            held: 0,
            most_held,
            nodes: HashMap::new(),
            end: None,
            closed: false,
            finish: None,
            differing: 0,
            check: None,
            paid: 0,
            too_large: false,
            cells: 0,
            marks: 0,
        })
    }

    /// Counts cells against the most a recording may unfold into.
    fn spend(&mut self, cells: usize) -> Result<(), String> {
        self.cells = self.cells.saturating_add(cells);
        let paid = usize::try_from(self.paid).unwrap_or(usize::MAX) / BYTES_A_CELL;
        self.too_large = self.cells > MOST_CELLS.saturating_add(paid);
        if self.too_large {
            return Err("the recording is too large to be opened".to_owned());
        }
        Ok(())
    }

    /// Takes a record in that a line holds; what it says happened, if it says so.
    pub fn take(&mut self, record: Record, line: &RawLine) -> Result<Option<Event>, String> {
        match record {
            Record::Header(_) => Err("there is a second header".to_owned()),
            Record::Unknown => Ok(None),
            Record::Tokens { tokens } => {
                for (id, text) in tokens {
                    let id = id.parse().map_err(|_| "a token id is no number".to_owned())?;
                    if let Some(piece) = convert::piece(text) {
                        if piece.length() > LONGEST_TOKEN {
                            return Err(format!("the text of token {id} is too long"));
                        }
                        self.vocabulary.insert(id, piece);
                    }
                }
                Ok(None)
            }
            Record::Root(root) => self.root(root).map(Some),
            Record::Prediction(prediction) => self.prediction(prediction, line),
            Record::Step(step) => self.step(step).map(Some),
            Record::Edit(edited) => self.edit(edited).map(Some),
            Record::Name { tip, name } => {
                let (tip, name) = (self.node(tip)?, name.map(short));
                self.spend(self.timeline[tip].depth as usize + 1)?;
                self.timeline.name(tip, name.clone());
                Ok(Some(Event::Name { tip, name }))
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
                Ok(Some(Event::Delete { tip, deleted }))
            }
            Record::Undo { edit, undone } => {
                let edit = self.node(edit)?;
                self.spend(self.timeline.len())?;
                let done = match undone {
                    true => self.timeline.take_back(edit),
                    false => self.timeline.make_again(edit),
                };
                match (done, undone) {
                    (true, _) => Ok(Some(Event::Undo { edit, undone })),
                    (_, true) => Err(format!("node {} is no edit to be undone", edit.0)),
                    (_, false) => Err(format!("node {} is no edit that was undone", edit.0)),
                }
            }
            Record::Mark { node, name } => {
                let (node, name) = (self.node(node)?, name.map(short));
                self.marks += 1;
                self.spend(self.marks)?;
                self.timeline.mark(node, name.clone());
                Ok(Some(Event::Mark { node, name }))
            }
            Record::Note { node, slot, text } => {
                let (node, slot) = (self.node(node)?, Slot(slot));
                let text = text.map(|text| text.chars().take(LONGEST_NOTE).collect());
                if self.timeline[node].canvas.position(slot).is_none() {
                    return Err(format!(
                        "there is no slot {} on the canvas of node {}",
                        slot.0, node.0
                    ));
                }
                self.marks += 1;
                self.spend(self.marks)?;
                self.timeline.note(node, slot, Option::clone(&text));
                Ok(Some(Event::Note { node, slot, text }))
            }
            Record::End { at, finish } => {
                let at = self.node(at)?;
                (self.end, self.closed, self.finish) = (Some(at), true, finish.map(short));
                Ok(Some(Event::End { at, finish: None }))
            }
        }
    }

    pub fn node(&self, id: usize) -> Result<NodeId, String> {
        self.nodes.get(&id).copied().ok_or_else(|| format!("there is no node {id} before it"))
    }

    fn add(&mut self, id: usize, node: NodeId) -> Result<(), String> {
        match self.nodes.insert(id, node) {
            None => Ok(()),
            Some(_) => Err(format!("node {id} is there twice")),
        }
    }

    fn params(&self, record: &RecordedParams) -> Result<decode::Params, String> {
        let mut params = decode::Params::defaults(self.strategy.params());
        for (name, value) in record {
            // A later minor version may have more parameters.
            let Ok(spec) = params.spec(name) else { continue };
            let value = value.value(spec).map_err(|error| error.to_string())?;
            params.set(name, value).map_err(|error| error.to_string())?;
        }
        Ok(params)
    }

    fn root(&mut self, root: Root) -> Result<Event, String> {
        let length = root.canvas.as_ref().map_or(root.length, Vec::len);
        if length > LONGEST_CANVAS {
            return Err(format!("a canvas of {length} positions is too long"));
        }
        self.spend(length + root.prompt.len() + root.suffix.len())?;
        if root.state == decode::State::Foreign && self.strategy.decides() {
            // Its writer kept no state: nothing can be decided anew, whatever the strategy is.
            if !self.timeline.is_empty() {
                return Err("the state of the strategy is missing".to_owned());
            }
            self.strategy = decode::Foreign::named(&self.header.strategy);
        }
        let special = self.header.model.special();
        let params = Arc::new(self.params(&root.params)?);
        let canvas = match &root.canvas {
            Some(tokens) => {
                let written = written(tokens, &root.open, special.mask)?;
                let holding = Canvas::holding(root.prompt.as_slice(), &written, special);
                holding.drafted(tokens)
            }
            None => Canvas::masked(root.prompt.as_slice(), root.length, special),
        };
        let no_token =
            |at: &&usize| canvas.cells().get(**at).is_none_or(|_| canvas.is_masked(**at));
        if let Some(at) = root.given.iter().find(no_token) {
            return Err(format!("there is no token at position {at} to be given"));
        }
        let suffix = root.suffix.as_slice();
        let canvas = Arc::new(canvas.with_given(root.given.iter().copied()).with_suffix(suffix));
        // What was written at the start no strategy wrote.
        if let Some(check) = &mut self.check
            && canvas.masks() == canvas.generated()
            && self.strategy.decides()
        {
            check.root(&root, &self.strategy.start(&FixedText::of(&canvas), special, &params));
        }
        let id = self.timeline.add_root(canvas.clone(), root.state.clone(), params.clone());
        self.add(root.id, id)?;
        Ok(Event::Root { id, canvas, state: root.state, params })
    }

    /// True if predictions are not read yet: there are many before them, and nobody verifies them.
    pub fn defers(&self) -> bool {
        self.held >= self.most_held && self.check.is_none()
    }

    fn prediction(
        &mut self,
        record: RecordedPrediction,
        line: &RawLine,
    ) -> Result<Option<Event>, String> {
        let (name, rows) = (record.key.clone(), record.rows);
        self.fits(rows)?;
        let prediction = Arc::new(convert::predicted(record)?);
        let held = self.held < self.most_held;
        self.held += if held { line.bytes.len() } else { 0 };
        let kept = (!held).then(|| {
            let sum = line::sum(&String::from_utf8_lossy(&line.bytes));
            self.kept.keep(line, sum, Some(prediction.clone()))
        });
        let kept = kept.flatten();
        self.known(&name, kept.unwrap_or(KnownPrediction::AtHand(prediction)))
    }

    fn fits(&mut self, rows: usize) -> Result<(), String> {
        if rows > LONGEST_CANVAS {
            return Err(format!("a prediction of {rows} rows is too long"));
        }
        // Some dozen columns, sparse ones spread out.
        self.spend(rows.saturating_mul(4))
    }

    /// Takes in a prediction that is not read yet.
    pub fn deferred(
        &mut self,
        name: &str,
        rows: usize,
        kept: KnownPrediction,
    ) -> Result<Option<Event>, String> {
        self.fits(rows)?;
        self.known(name, kept)
    }

    fn known(&mut self, name: &str, prediction: KnownPrediction) -> Result<Option<Event>, String> {
        let key = key(name)?;
        self.store.insert(key, prediction.clone());
        // Whoever follows reads no canvas here; that of the last node is the likeliest.
        let last = self.timeline.len().checked_sub(1).map(NodeId);
        Ok(last.map(|last| {
            let canvas = self.timeline[last].canvas.clone();
            Event::Prediction { key, prediction, canvas, cached: None }
        }))
    }

    /// The canvas behind `parent` after some edits, checked against the most it may hold and
    /// against its recorded hash.
    fn applied(
        &mut self,
        parent: NodeId,
        edits: &[canvas::Edit],
        recorded: Option<&String>,
        drafts: Option<&[TokenId]>,
    ) -> Result<Canvas, String> {
        let before = self.timeline[parent].canvas.clone();
        let grown: usize = edits
            .iter()
            .map(|edit| match *edit {
                canvas::Edit::Expand { n, .. }
                | canvas::Edit::Append { n, .. }
                | canvas::Edit::Split { n, .. }
                | canvas::Edit::Insert { n, .. } => n,
                _ => 0,
            })
            .fold(before.len(), usize::saturating_add);
        if grown > LONGEST_CANVAS {
            return Err(format!("a canvas of {grown} positions is too long"));
        }
        let moving = edits.iter().filter(|edit| edit.moves()).count();
        self.spend(grown.saturating_mul(3 + moving))?;
        let after = before
            .apply(edits, self.timeline[parent].depth + 1)
            .map_err(|error| format!("the edits do not fit the canvas: {error}"))?
            .canvas;
        let after = match drafts {
            Some(drafts) => after.drafted(drafts),
            None => after,
        };
        // Each step looks them over, and an edit of them copies them.
        self.spend(after.vetoes())?;
        if recorded.is_some_and(|recorded| *recorded != convert::hash(&after)) {
            return Err("the canvas does not have the recorded hash".to_owned());
        }
        Ok(after)
    }

    /// The edits of a step: as recorded, or what leads to the canvas recorded.
    fn edits(
        &mut self,
        parent: NodeId,
        record: &RecordedStep,
    ) -> Result<Vec<canvas::Edit>, String> {
        let before = self.timeline[parent].canvas.clone();
        match (&record.decision, &record.canvas) {
            (Some(decision), None) => {
                Ok(decision.edits.iter().copied().map(convert::edited).collect())
            }
            (_, Some(tokens)) => {
                if tokens.len() > LONGEST_CANVAS {
                    return Err(format!("a canvas of {} positions is too long", tokens.len()));
                }
                if tokens.len() != before.len() {
                    // Aligning them takes as long as a few dozen steps.
                    self.spend(tokens.len().saturating_add(before.len()).saturating_mul(64))?;
                }
                let written = written(tokens, &record.open, before.special().mask)?;
                derive::edits(&before, &written, |cells| self.spend(cells))
            }
            (None, None) => Err("a step has neither a decision nor a canvas".to_owned()),
        }
    }

    /// Recorded parameters, or the parent's where they are not.
    fn params_behind(
        &self,
        parent: NodeId,
        recorded: Option<&RecordedParams>,
    ) -> Result<Arc<decode::Params>, String> {
        match recorded {
            Some(params) => self.params(params).map(Arc::new),
            None => Ok(self.timeline[parent].params.clone()),
        }
    }

    fn step(&mut self, record: RecordedStep) -> Result<Event, String> {
        let parent = self.node(record.parent)?;
        let params = self.params_behind(parent, record.params.as_ref())?;
        let key = match &record.prediction {
            Some(name) => key(name)?,
            None => Key::none(self.timeline.len()),
        };
        let edits = self.edits(parent, &record)?;
        let after = self.applied(parent, &edits, record.hash.as_ref(), record.canvas.as_deref())?;
        let before = &self.timeline[parent];
        let at_hand = self.store.at_hand(key).cloned();
        // What is not read yet is decided on when the user looks at it.
        let in_part = at_hand.is_none() && self.store.contains(key);
        let prediction = match self.check {
            Some(_) => self.store.get(key),
            None => at_hand,
        };
        let prediction = prediction.as_deref();
        let decided = prediction.filter(|_| self.strategy.decides()).map(|prediction| {
            self.strategy.decide(&before.canvas, &before.state, &params, prediction)
        });
        if let Some(check) = &mut self.check {
            let on = (prediction, self.header.model.vocabulary);
            check.step(&record, before.depth as usize + 1, on, decided.as_ref());
        }
        let decision = match decided {
            Some(Ok(decision))
                if !in_part && decision.edits == edits && decision.next == record.state =>
            {
                decision
            }
            _ => {
                self.differing += usize::from(self.strategy.decides() && !in_part);
                let prediction = prediction.filter(|_| !in_part);
                recorded::decision(&record, edits, (&before.canvas, &after), prediction, in_part)
            }
        };
        let step = Arc::new(session::Step {
            prediction: key,
            decision: Arc::new(decision),
            timing: convert::timed(record.timing),
        });
        let (state, canvas) = (step.decision.next.clone(), Arc::new(after));
        let made = NodeOrigin::Step(step.clone());
        let id = self.behind(record.id, parent, canvas.clone(), state, params.clone(), made)?;
        Ok(Event::Step { id, parent, step, params, canvas })
    }

    /// A step that is about to be made; nothing is added.
    pub fn propose(
        &mut self,
        from: usize,
        prediction: Option<String>,
        canvas: Vec<TokenId>,
        open: Vec<usize>,
    ) -> Result<Proposal, String> {
        let record = RecordedStep {
            id: 0,
            parent: from,
            prediction,
            params: None,
            decision: None,
            canvas: Some(canvas),
            open,
            state: decode::State::Foreign,
            hash: None,
            timing: RecordedTiming::default(),
        };
        let from = self.node(from)?;
        let key = match &record.prediction {
            Some(name) => key(name)?,
            None => Key::none(self.timeline.len()),
        };
        let edits = self.edits(from, &record)?;
        let after = self.applied(from, &edits, None, None)?;
        let before = &self.timeline[from].canvas;
        let prediction = self.store.get(key);
        let decision =
            recorded::decision(&record, edits, (before, &after), prediction.as_deref(), false);
        Ok(Proposal { from, key, decision: Arc::new(decision) })
    }

    fn edit(&mut self, record: Edited) -> Result<Event, String> {
        let parent = self.node(record.parent)?;
        let params = self.params_behind(parent, record.params.as_ref())?;
        let edits: Arc<[canvas::Edit]> =
            record.edits.iter().copied().map(convert::edited).collect();
        let canvas = Arc::new(self.applied(parent, &edits, record.hash.as_ref(), None)?);
        if let Some(check) = &mut self.check {
            let before = &self.timeline[parent].state;
            let state = (self.strategy.decides() && *before != decode::State::Foreign)
                .then(|| self.strategy.edited(&canvas, before, &params));
            let depth = self.timeline[parent].depth as usize + 1;
            let vocabulary = self.header.model.vocabulary;
            check.edit(&record, depth, (&edits, vocabulary), state.as_ref());
        }
        if record.state == decode::State::Foreign && self.strategy.decides() {
            return Err("the state of the strategy is missing".to_owned());
        }
        let (state, made) = (record.state, NodeOrigin::Edit(edits.clone()));
        let id =
            self.behind(record.id, parent, canvas.clone(), state.clone(), params.clone(), made)?;
        Ok(Event::Edit { id, parent, edits, state, params, canvas })
    }

    /// Adds a node behind another.
    fn behind(
        &mut self,
        id: usize,
        parent: NodeId,
        canvas: Arc<Canvas>,
        state: decode::State,
        params: Arc<decode::Params>,
        made: NodeOrigin,
    ) -> Result<NodeId, String> {
        let node = self.timeline.add(parent, canvas, state, params, made);
        (self.end, self.closed, self.finish) = (Some(node), false, None);
        self.add(id, node)?;
        Ok(node)
    }

    /// What every request asked for; a notice if that is more than this program knows.
    pub fn extras(&self) -> (Extras, Option<String>) {
        let asked = &self.header.asked;
        let columns = asked.columns.iter().filter_map(|name| Column::named(name)).collect();
        let named = |cache: &Cache| asked.cache.as_deref() == Some(cache.name());
        let (cache, notice) = match Cache::ALL.into_iter().find(named) {
            Some(cache) => (cache, None),
            None if asked.cache.is_none() => (Cache::None, None),
            None => {
                let notice = format!(
                    "the passes left something out that this program does not know ({}): going on \
                     from here is exact",
                    short(asked.cache.clone().unwrap_or_default())
                );
                (Cache::None, Some(notice))
            }
        };
        let (top_k, reading) = (asked.top_k, self.header.model.reading());
        (Extras { columns, top_k, reading, cache }, notice)
    }
}

/// A recorded canvas with the mask token at the positions that are open.
fn written(tokens: &[TokenId], open: &[usize], mask: TokenId) -> Result<Vec<TokenId>, String> {
    let mut written = tokens.to_vec();
    for &at in open {
        *written.get_mut(at).ok_or_else(|| format!("there is no position {at} to be open"))? = mask;
    }
    Ok(written)
}

/// Most characters of a note that are kept.
const LONGEST_NOTE: usize = 2000;

/// A name, cut where it is longer than any.
fn short(name: String) -> String {
    name.chars().take(LONGEST_NAME).collect()
}

fn key(text: &str) -> Result<Key, String> {
    text.parse().map_err(|_| "the name of the prediction is no hexadecimal number".to_owned())
}
