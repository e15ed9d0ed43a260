//! A model without tensors: probabilities from a hash of what is asked. It behaves like the real
//! ones where DAEDAL looks: the tail is surer of its end the longer the canvas is.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use crate::{
    canvas::{SpecialTokens, TokenId},
    debugger::{Host, ParamValues, Repertoire},
    decode::{AnyStrategy, Extras, Params, Value, daedal::Daedal},
    predict::{
        Column, ColumnSet, Data, ModelFacts, Piece, PredictError, Prediction, Predictor, Progress,
        Request, Vocabulary, Watch,
    },
    session::{Pending, Session},
    tui::{App, Look, Start, StepSource, app::interface},
};

pub const MASK: TokenId = 1;
pub const EOS: TokenId = 2;
/// Length at which the fake model thinks its answer ends.
pub const ANSWER: usize = 30;

const WORDS: [&str; 22] = [
    " the", " cat", " sat", " on", " a", " mat", ",", " and", " then", " it", " slept", ".", "\n",
    " Two", " birds", " flew", " over", " 世界", " it", "'s", " naïve", " done",
];

pub fn special() -> SpecialTokens {
    SpecialTokens { mask: MASK, eos: EOS }
}

pub struct FakeVocabulary;

impl Vocabulary for FakeVocabulary {
    fn piece(&self, id: TokenId) -> Option<Piece> {
        match id {
            0 => Some(Piece::Control("<|start|>".to_owned())),
            MASK => Some(Piece::Control("<|mask|>".to_owned())),
            EOS => Some(Piece::Control("<|eos|>".to_owned())),
            id => WORDS.get(id as usize - 3).map(|word| Piece::Text((*word).to_owned())),
        }
    }

    fn ids(&self) -> Vec<TokenId> {
        (0..3 + WORDS.len() as TokenId).collect()
    }
}

pub fn vocabulary() -> Arc<dyn Vocabulary> {
    Arc::new(FakeVocabulary)
}

const LONG: &str = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnungsparagraphen\
                    Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnungsparagraphen\
                    Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnungsparagraphen";

/// A vocabulary that tries to break the screen.
pub struct Hostile;

impl Vocabulary for Hostile {
    fn piece(&self, id: TokenId) -> Option<Piece> {
        let texts = [
            "\x1b[2J\x1b[31m",
            "\u{202e}evil",
            "a\u{200d}b",
            "\u{feff}",
            "\t\t",
            "\0",
            "\r\n",
            "",
            "e\u{301}\u{301}\u{301}\u{301}\u{301}",
            "\u{301}",
            "世界世界世界世界世界世界世界",
            "👩\u{200d}👩\u{200d}👧",
            LONG,
            "\u{9b}31m",
            "\n\n\n",
            "🏳️",
        ];
        match id % 20 {
            0..=15 => Some(Piece::Text(texts[(id % 16) as usize].to_owned())),
            16 => Some(Piece::Bytes(vec![0xe4, 0xb8])),
            17 => Some(Piece::Bytes(vec![0x96])),
            18 => Some(Piece::Control("<|\x1b]0;title\x07|>".to_owned())),
            _ => None,
        }
    }

    fn ids(&self) -> Vec<TokenId> {
        (0..19).collect()
    }
}

/// A number in 0..1 from numbers.
pub fn chance(parts: &[u64]) -> f32 {
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    parts.iter().for_each(|part| hash.update(&part.to_le_bytes()));
    (hash.digest() >> 40) as f32 / (1_u64 << 24) as f32
}

pub struct Fake;

impl Predictor for Fake {
    fn predict(
        &mut self,
        request: &Request,
        watch: &mut Watch,
    ) -> Result<Prediction, PredictError> {
        for done in 0..4 {
            if watch(Progress { done, of: 4 }).is_break() {
                return Err(PredictError::Cancelled);
            }
        }
        Ok(predict(request))
    }
}

pub fn predict(request: &Request) -> Prediction {
    let ids = &request.pass.ids[request.rows.clone()];
    // What is left out of a pass goes by what was written when it was computed.
    let seen = request.cached.as_ref().map_or(&request.pass, |cached| &cached.from);
    let written = seen.ids[request.rows.clone()].iter().filter(|&&id| id != MASK).count() as u64;
    let rows = ids.len();
    let mut argmax = Vec::new();
    let mut p_argmax = Vec::new();
    let mut p_eos = Vec::new();
    let mut entropy = Vec::new();
    let mut margin = Vec::new();
    let mut top_k = Vec::new();
    for (position, &id) in ids.iter().enumerate() {
        let seed = [position as u64, written / 3, rows as u64 / 40];
        let word = 3 + (chance(&[position as u64, written / 8, 7]) * WORDS.len() as f32) as TokenId;
        // Beyond the answer's length the model expects the end, the surer the further.
        let end = if position >= ANSWER {
            (0.35 + 0.04 * (position - ANSWER) as f32).min(0.99)
        } else {
            0.02 * chance(&seed)
        };
        let neighbour = position == 0 || ids[position - 1] != MASK;
        let base = if neighbour { 0.85 } else { 0.02 + 0.6 * chance(&[1, seed[0], seed[1]]) };
        let p = (base + 0.14 * chance(&seed)).min(0.995) * (1.0 - end);
        let (best, p_best) = match id {
            MASK if end > p => (EOS, end),
            MASK => (word, p),
            id => (id, 0.999),
        };
        let mut ranked = vec![(best, p_best), (EOS, if best == EOS { 0.0 } else { end })];
        let mut left = 1.0 - p_best - end.min(1.0 - p_best);
        for rank in 0..5 {
            left *= 0.5;
            ranked.push((3 + (word + rank) % WORDS.len() as TokenId, left));
        }
        ranked.dedup_by_key(|(token, _)| *token);
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked.truncate(request.top_k);
        argmax.push(best);
        p_argmax.push(p_best);
        p_eos.push(if id == EOS { 0.999 } else { end });
        entropy.push(3.0 * (1.0 - p_best));
        margin.push(p_best - ranked.get(1).map_or(0.0, |(_, p)| *p));
        top_k.push(ranked);
    }
    let mut prediction = Prediction::new(rows);
    if !request.targets.is_empty() {
        // Each mask counts for itself, so that tokens masked one after the other differ.
        let masks = ids.iter().enumerate().filter(|(_, id)| **id == MASK);
        let masks: u64 = masks.map(|(at, _)| (at as u64 + 3) * (at as u64 + 7)).sum();
        let mut p = vec![f32::NAN; rows];
        for &(row, _) in &request.targets {
            let moved = chance(&[row as u64, masks]);
            p[row] = (p_argmax[row] * (1.1 - moved * moved * moved)).min(0.999);
            if moved > 0.9 {
                argmax[row] = EOS;
            }
        }
        prediction = prediction.with(Column::PTarget, Data::Numbers(p));
    }
    prediction
        .with(Column::Argmax, Data::Ids(argmax.clone()))
        .with(Column::PArgmax, Data::Numbers(p_argmax.clone()))
        .with(Column::Choice, Data::Ids(argmax.clone()))
        .with(Column::PChoice, Data::Numbers(p_argmax.clone()))
        .with(Column::PEos, Data::Numbers(p_eos))
        .with(Column::BestUnmask, Data::Ids(argmax))
        .with(Column::PBestUnmask, Data::Numbers(p_argmax))
        .with(Column::Entropy, Data::Numbers(entropy))
        .with(Column::Margin, Data::Numbers(margin))
        .with(Column::TopK, Data::Ranked(top_k.into_iter().collect()))
}

pub fn facts() -> ModelFacts {
    ModelFacts {
        name: "fake".to_owned(),
        family: "llada".to_owned(),
        device: "cpu".to_owned(),
        dtype: "f32".to_owned(),
        vocabulary: 25,
        context: 512,
        layers: 3,
        special: special(),
        reading: Default::default(),
        attention: String::new(),
    }
}

pub fn params(set: &[(&str, &str)]) -> Params {
    let mut params = Params::defaults(Daedal.params());
    let usual = [
        ("initial_gen_length", "16"),
        ("max_gen_length", "96"),
        ("block_length", "16"),
        ("eos_check_tokens", "8"),
        ("expansion_factor", "8"),
    ];
    for (name, text) in usual.iter().chain(set) {
        let value = params.spec(name).and_then(|spec| spec.parse(text)).expect("a fair value");
        params.set(name, value).expect("a fair value");
    }
    params
}

pub fn start(look: Look) -> Start {
    start_with(look, params(&[]), Arc::new(FakeVocabulary))
}

pub fn start_with(look: Look, params: Params, vocabulary: Arc<dyn Vocabulary>) -> Start {
    let extras = Extras {
        columns: ColumnSet::of(&[Column::PArgmax, Column::Entropy, Column::Margin, Column::TopK]),
        top_k: 6,
        ..crate::decode::Extras::NONE
    };
    let prompt = [0, 16, 17, 18, 3, 4, 14];
    let session = Session::new(&Daedal, &prompt, special(), params, extras, None);
    Start {
        predictor: Some(Box::new(Fake)),
        prompt_text: "Two birds flew over the cat.".to_owned(),
        look,
        speed: Some(5),
        ..Start::new(
            session.expect("a fair start"),
            vocabulary,
            facts(),
            StepSource::Live,
            Box::new(FakeHost::default()),
        )
    }
}

/// A program around the debugger that has a little of everything.
#[derive(Default)]
pub struct FakeHost {
    /// Where sessions were saved to; without it they cannot be.
    pub saved: Option<Arc<Mutex<Vec<PathBuf>>>>,
    /// What the model knows, if that is little.
    pub repertoire: Option<Repertoire>,
}

impl Host for FakeHost {
    fn repertoire(&self) -> Option<&Repertoire> {
        self.repertoire.as_ref()
    }

    fn unlike(&self, prompt: &str) -> Option<String> {
        let known = &self.repertoire.as_ref()?.prompts;
        let strange = known.iter().all(|(_, known)| known != prompt);
        strange.then(|| format!("`{prompt}` is unlike what is known"))
    }

    fn encode(&self, prompt: &str) -> Result<Vec<TokenId>, String> {
        match prompt {
            "" => Err("the prompt is empty".to_owned()),
            _ => Ok(vec![0, 5, 6]),
        }
    }

    fn encodes(&self) -> bool {
        true
    }

    fn save(&mut self, _: &Session, path: Option<&Path>) -> Result<PathBuf, String> {
        let saved = self.saved.as_ref().ok_or("there is nothing to save here")?;
        let path = path.unwrap_or(Path::new("demask-1.jsonl")).to_owned();
        saved.lock().map_err(|error| error.to_string())?.push(path.clone());
        Ok(path)
    }

    fn saves_to(&self) -> Option<PathBuf> {
        self.saved.as_ref().map(|_| PathBuf::from("demask-1.jsonl"))
    }

    fn presets(&self) -> Vec<String> {
        vec!["bold".to_owned(), "broken".to_owned()]
    }

    fn preset(&self, name: &str) -> Result<ParamValues, String> {
        let value = |name: &str, value| (name.to_owned(), Value::Float(value));
        match name {
            "bold" => Ok(vec![value("high_conf_threshold", 0.25)]),
            "broken" => Ok(vec![value("high_conf_threshold", 0.75), value("no_such", 1.0)]),
            _ => Err(format!("there is no `{name}`")),
        }
    }

    fn keep_preset(&mut self, name: &str, params: &Params) -> Result<PathBuf, String> {
        match params.float("high_conf_threshold") {
            Ok(0.25) => Ok(PathBuf::from(name)),
            _ => Err("not what is shown".to_owned()),
        }
    }

    fn macros(&self) -> Vec<(String, String)> {
        vec![("twice".to_owned(), "step 2; set low_conf_threshold 0.25".to_owned())]
    }
}

/// Types text, key by key.
pub fn typed(app: &mut App, text: &str) {
    use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
    for c in text.chars() {
        let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
        crate::tui::screen::update(app, interface::AppEvent::Terminal(Event::Key(key)));
        settle(app);
    }
}

/// Answers what is wanted, as the engine would, and makes `steps` steps.
pub fn supplied(session: &mut Session) {
    if let Pending::Wanted { key, request } = session.pending().clone() {
        session.supply(key, predict(&request), std::time::Duration::from_millis(7));
    }
}

/// An application after `steps` steps.
pub fn app(look: Look, steps: usize, width: u16, height: u16) -> App {
    app_of(start(look), steps, width, height)
}

pub fn app_of(start: Start, steps: usize, width: u16, height: u16) -> App {
    let mut app = App::new(start, width, height);
    settle(&mut app);
    for _ in 0..steps {
        press(&mut app, "s");
    }
    app
}

/// Lets the engine answer.
pub fn settle(app: &mut App) {
    for _ in 0..if app.debugger.live { 3 } else { 0 } {
        supplied(&mut app.debugger.session);
        app.running.asked.clear();
        (app.running.busy, app.running.background) = (None, None);
    }
    app.refresh();
}

/// Carries a typed command out.
pub fn command(app: &mut App, text: &str) {
    typed(app, &format!(":{text}"));
    press(app, "Enter");
}

/// Presses keys by their names, letting the engine answer after each.
pub fn press(app: &mut App, keys: &str) {
    use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
    for name in keys.split(' ') {
        let (name, modifiers) = match name.strip_prefix("C-") {
            Some(name) => (name, KeyModifiers::CONTROL),
            None => (name, KeyModifiers::NONE),
        };
        let code = match name {
            "Space" => KeyCode::Char(' '),
            "Enter" => KeyCode::Enter,
            "Esc" => KeyCode::Esc,
            "Tab" => KeyCode::Tab,
            "BackTab" => KeyCode::BackTab,
            "Left" => KeyCode::Left,
            "Right" => KeyCode::Right,
            "Up" => KeyCode::Up,
            "Down" => KeyCode::Down,
            "PgUp" => KeyCode::PageUp,
            "PgDn" => KeyCode::PageDown,
            "Home" => KeyCode::Home,
            "End" => KeyCode::End,
            "Backspace" => KeyCode::Backspace,
            name => KeyCode::Char(name.chars().next().expect("a key")),
        };
        let event = Event::Key(KeyEvent::new(code, modifiers));
        crate::tui::screen::update(app, interface::AppEvent::Terminal(event));
        settle(app);
    }
}

/// Runs to the end.
pub fn finish(app: &mut App) {
    press(app, "c");
    for _ in 0..2000 {
        if app.debugger.goal().is_none() {
            return;
        }
        crate::tui::screen::update(app, interface::AppEvent::Tick);
        settle(app);
    }
    panic!("the run does not end");
}

/// Glyphs of a drawing, one line a row, without trailing blanks.
pub fn glyphs(buffer: &ratatui::buffer::Buffer) -> String {
    let area = *buffer.area();
    let mut text = String::new();
    for y in area.top()..area.bottom() {
        let mut line = String::new();
        let mut x = area.left();
        while x < area.right() {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += (unicode_width::UnicodeWidthStr::width(symbol).max(1)) as u16;
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Glyphs, then a letter for the style of every cell, then what the letters mean.
pub fn styled(buffer: &ratatui::buffer::Buffer) -> String {
    let area = *buffer.area();
    let letters: Vec<char> = ('a'..='z').chain('A'..='Z').chain('0'..='9').collect();
    let mut styles: Vec<String> = Vec::new();
    let mut grid = String::new();
    for y in area.top()..area.bottom() {
        let mut line = String::new();
        for x in area.left()..area.right() {
            let cell = &buffer[(x, y)];
            let style = format!("{:?} on {:?} {:?}", cell.fg, cell.bg, cell.modifier);
            if style == "Reset on Reset NONE" {
                line.push(if cell.symbol() == " " { ' ' } else { '.' });
                continue;
            }
            let at = styles.iter().position(|known| *known == style).unwrap_or_else(|| {
                styles.push(style);
                styles.len() - 1
            });
            line.push(letters.get(at).copied().unwrap_or('?'));
        }
        grid.push_str(line.trim_end());
        grid.push('\n');
    }
    let legend: Vec<String> = styles
        .iter()
        .enumerate()
        .map(|(at, style)| format!("{} {style}", letters.get(at).copied().unwrap_or('?')))
        .collect();
    format!("{}\n{grid}\n{}\n", glyphs(buffer), legend.join("\n"))
}
