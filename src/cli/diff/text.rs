//! The comparison as text, at most [`WIDTH`] columns wide.

use super::{
    paint::{Ink, Line, cell, fitted, width},
    sides::Side,
    words::{Word, marked},
};
use crate::{
    canvas::{Canvas, Filler, TokenId},
    compare::{
        Change, Comparison, Deed, Did, Divergence, Figures, Guesses, Parted, StepPair, params_apart,
    },
    decode::{P, Verdict},
    predict::Vocabulary,
};

/// Columns of the text.
const WIDTH: usize = 100;
/// Columns of a cell of the tables of two.
const CELL: usize = 40;
/// Steps listed without --all.
const STEPS: usize = 20;
/// Growths listed without --all.
const GROWTHS: usize = 24;
/// Tokens shown on either side of the place where two part.
const AROUND: usize = 8;
/// What is not on record.
const ABSENT: &str = "–";

/// Where a run grew (or shrank): the same at the tail in steps that follow each other is one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    /// The first step.
    pub first: usize,
    /// The last step.
    pub last: usize,
    /// The position, counted before the (first) step.
    pub position: usize,
    /// What.
    pub deed: Deed,
}

/// Adds the growths of a step to those of A and B.
pub fn grown(found: &mut [Vec<Growth>; 2], pair: &StepPair) {
    for (found, did) in found.iter_mut().zip([&pair.a, &pair.b]) {
        let changes = did.iter().flat_map(|did| &did.changes);
        for change in changes.filter(|change| change.deed.growth() != 0) {
            let (step, deed, position) = (pair.step, change.deed, change.position);
            match found.last_mut() {
                Some(before)
                    if before.last + 1 == step
                        && before.deed == deed
                        && matches!(deed, Deed::Append(..)) =>
                {
                    before.last = step;
                }
                _ => found.push(Growth { first: step, last: step, position, deed }),
            }
        }
    }
}

/// What differs between the heads of two recordings: a name and both values.
pub fn heads(a: &Side, b: &Side) -> Vec<(String, Option<String>, Option<String>)> {
    let (one, two) = (&a.recording.header, &b.recording.header);
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let number = |n: usize| (n > 0).then(|| n.to_string());
    let cache = |side: &Side| side.session.extras().cache.name().to_owned();
    let mut rows = vec![
        ("model", text(&one.model.name), text(&two.model.name)),
        ("family", text(&one.model.family), text(&two.model.family)),
        ("device", text(&one.model.device), text(&two.model.device)),
        ("dtype", text(&one.model.dtype), text(&two.model.dtype)),
        ("vocabulary", number(one.model.vocabulary), number(two.model.vocabulary)),
        ("strategy", text(&one.strategy), text(&two.strategy)),
        ("cache", Some(cache(a)), Some(cache(b))),
    ];
    let prompt = |side: &Side| {
        let root = side.session.timeline().root_of(side.end);
        side.session.timeline()[root].canvas.prompt().to_vec()
    };
    let (ids_a, ids_b) = (prompt(a), prompt(b));
    if ids_a != ids_b {
        let shown = |side: &Side, ids: &[TokenId]| Some(side.recording.vocabulary.text(ids));
        rows.push(("prompt", shown(a, &ids_a), shown(b, &ids_b)));
    }
    let mut rows: Vec<_> = rows
        .into_iter()
        .filter(|(_, a, b)| a != b || a.is_none())
        .filter(|(_, a, b)| a.is_some() || b.is_some())
        .map(|(name, a, b)| (name.to_owned(), a, b))
        .collect();
    // A value turned on the way shows as first → last.
    let ends = |side: &Side| {
        let timeline = side.session.timeline();
        let root = timeline.root_of(side.end);
        (timeline[root].params.clone(), timeline[side.end].params.clone())
    };
    let ((start_a, end_a), (start_b, end_b)) = (ends(a), ends(b));
    let mut names: Vec<&str> = Vec::new();
    for pair in params_apart(&start_a, &start_b).iter().chain(&params_apart(&end_a, &end_b)) {
        if !names.contains(&pair.name) {
            names.push(pair.name);
        }
    }
    let value = |start: &crate::decode::Params, end: &crate::decode::Params, name: &str| {
        let (from, to) = (start.get(name).ok()?, end.get(name).ok()?);
        Some(if from == to { from.to_string() } else { format!("{from} → {to}") })
    };
    rows.extend(names.into_iter().map(|name| {
        (name.to_owned(), value(&start_a, &end_a, name), value(&start_b, &end_b, name))
    }));
    rows
}

/// Everything the text says.
pub struct Report<'a> {
    pub a: &'a Side,
    pub b: &'a Side,
    pub found: &'a Comparison,
    pub grown: &'a [Vec<Growth>; 2],
    pub all: bool,
}

impl Report<'_> {
    /// The lines, given the steps that differ.
    pub fn lines(&self, differing: &[StepPair]) -> Vec<Line> {
        let mut lines = self.sides();
        self.figures(&mut lines);
        self.parting(&mut lines);
        self.guesses(&mut lines);
        self.steps(differing, &mut lines);
        self.growths(&mut lines);
        self.texts(&mut lines);
        lines
    }

    fn sides(&self) -> Vec<Line> {
        let notices = |side: &Side| side.recording.notices.clone();
        let (of_a, of_b) = (notices(self.a), notices(self.b));
        let (both, of_a): (Vec<_>, Vec<_>) = of_a.into_iter().partition(|one| of_b.contains(one));
        let of_b: Vec<_> = of_b.into_iter().filter(|one| !both.contains(one)).collect();
        let note = |of: &str, notice: &String| Line::of(Ink::Dim, format!("   {of}{notice}"));
        let line = |mark, ink, side: &Side, notices: &[String]| {
            let shown = side.file.display().to_string();
            let branch = if side.branches > 1 { side.branch() } else { String::new() };
            let line = Line::of(ink, mark).and(Ink::Plain, format!("  {shown}  {branch}"));
            std::iter::once(line).chain(notices.iter().map(|one| note("", one))).collect::<Vec<_>>()
        };
        let both = both.iter().map(|one| note("both: ", one)).collect();
        [line("A", Ink::A, self.a, &of_a), line("B", Ink::B, self.b, &of_b), both].concat()
    }

    /// What differs in the heads, then the figures.
    fn figures(&self, lines: &mut Vec<Line>) {
        let absent = |text: Option<String>| text.unwrap_or_else(|| ABSENT.to_owned());
        let heads = heads(self.a, self.b).into_iter();
        let heads: Vec<[String; 3]> = heads
            .map(|(name, a, b)| {
                let (a, b) = (absent(a), absent(b));
                let (a, b) = if name == "prompt" { around_first(&a, &b) } else { (a, b) };
                [name, a, b]
            })
            .collect();
        let of = |side: &Side| {
            let figures = Figures::of(side.run());
            let seconds = figures.time().as_secs_f64();
            [
                self.steps_of(side).to_string(),
                figures.nfe.to_string(),
                figures.n_token.to_string(),
                figures.e_token.to_string(),
                absent(figures.e_ratio().map(|ratio| format!("{ratio:.3}"))),
                if seconds > 0.0 { format!("{seconds:.2} s") } else { ABSENT.to_owned() },
                figures.finish.map_or("not finished", |finish| finish.name()).to_owned(),
            ]
        };
        let names = ["steps", "NFE", "N_token", "E_token", "E_ratio", "time", "finish"];
        let rows = names.into_iter().zip(of(self.a).into_iter().zip(of(self.b)));
        let rows: Vec<[String; 3]> = rows.map(|(name, (a, b))| [name.to_owned(), a, b]).collect();
        let all = || heads.iter().chain(&rows);
        let first = all().map(|row| width(&row[0])).max().unwrap_or(0);
        let second = all().map(|row| width(&row[1]).min(CELL)).max().unwrap_or(0).max(8);
        lines.push(Line::default());
        let blank = " ".repeat(first + 2);
        lines.push(Line::of(Ink::Plain, blank).and(Ink::A, cell("A", second + 2)).and(Ink::B, "B"));
        for [name, a, b] in all() {
            let same = a == b;
            lines.push(
                Line::of(Ink::Dim, cell(name, first + 2))
                    .and(if same { Ink::Plain } else { Ink::A }, cell(a, second))
                    .and(Ink::Plain, "  ")
                    .and(if same { Ink::Plain } else { Ink::B }, fitted(b, CELL)),
            );
        }
    }

    fn steps_of(&self, side: &Side) -> u32 {
        side.session.timeline()[side.end].depth
    }

    /// The first step that differs.
    fn parting(&self, lines: &mut Vec<Line>) {
        lines.push(Line::default());
        if !self.found.same_start {
            let root = |side: &Side| {
                let timeline = side.session.timeline();
                timeline[timeline.root_of(side.end)].canvas.clone()
            };
            let (one, two) = (root(self.a), root(self.b));
            let mut why = Vec::new();
            if one.prompt() != two.prompt() {
                why.push("other prompts".to_owned());
            }
            if one.len() != two.len() {
                why.push(format!("{} and {} positions", one.len(), two.len()));
            }
            lines.push(Line::of(Ink::Bold, format!("They start from {}", why.join(", "))));
        }
        let Some(divergence) = &self.found.divergence else {
            let same = match self.found.same_start {
                true => "They do the same in every step",
                false => "They do the same in every step from there on",
            };
            return lines.push(Line::of(Ink::Bold, same));
        };
        let Divergence { step, a, b, params } = divergence;
        let place = |parted: &Parted| parted.spot.as_ref().map(|spot| spot.position);
        let at = match (place(a), place(b)) {
            (Some(a), Some(b)) if a == b => format!(", position {a}"),
            (Some(a), Some(b)) => format!(", position {a} of A and {b} of B"),
            (Some(a), None) => format!(", position {a} of A"),
            (None, Some(b)) => format!(", position {b} of B"),
            (None, None) => String::new(),
        };
        lines.push(Line::of(Ink::Bold, format!("They part at step {step}{at}")));
        for (ink, mark, side, parted) in [(Ink::A, "A", self.a, a), (Ink::B, "B", self.b, b)] {
            let why = fitted(&why(side, parted), WIDTH - 5);
            lines.push(Line::of(ink, format!("  {mark}")).and(Ink::Plain, format!("  {why}")));
            lines.extend(surroundings(side, parted, ink));
        }
        if a.eos != b.eos {
            let eos = |parted: &Parted| match parted.eos {
                Some((p, threshold)) => format!("{} against {}", P(p), P(threshold)),
                None => ABSENT.to_owned(),
            };
            lines.push(
                Line::of(Ink::Dim, "  EOS confidence  ")
                    .and(Ink::Plain, format!("A {}, B {}", eos(a), eos(b))),
            );
        }
        for pair in params {
            let value = |value: Option<crate::decode::Value>| {
                value.map_or_else(|| ABSENT.to_owned(), |value| value.to_string())
            };
            lines.push(
                Line::of(Ink::Dim, format!("  {}  ", pair.name))
                    .and(Ink::Plain, format!("A {}, B {}", value(pair.a), value(pair.b))),
            );
        }
    }

    /// What the model said on equal canvases.
    fn guesses(&self, lines: &mut Vec<Line>) {
        let said = &self.found.predictions;
        let sentence = match (said.compared, said.differing) {
            (0, _) => return,
            (all, 0) => format!("Predictions: the same in all {all} steps from equal canvases"),
            (all, some) => {
                format!("Predictions: {some} of {all} steps from equal canvases differ")
            }
        };
        lines.push(Line::of(Ink::Plain, sentence));
        let shown = |found: &Guesses| {
            let named =
                |side: &Side, (id, p): (TokenId, f32)| format!("{} {}", named(side, id), P(p));
            format!(
                "at step {}, position {}: |Δp| {:.2e}, A {}, B {}",
                found.step,
                found.position,
                found.apart(),
                named(self.a, found.a),
                named(self.b, found.b)
            )
        };
        let largest = said.largest.filter(|found| Some(*found) != said.first);
        for (name, found) in [("first  ", said.first), ("largest", largest)] {
            if let Some(found) = found {
                let text = fitted(&shown(&found), WIDTH - 11);
                lines.push(Line::of(Ink::Dim, format!("  {name}  ")).and(Ink::Plain, text));
            }
        }
    }

    /// The steps that differ, each in a line.
    fn steps(&self, differing: &[StepPair], lines: &mut Vec<Line>) {
        if differing.is_empty() {
            return;
        }
        let shown = if self.all { differing.len() } else { differing.len().min(STEPS) };
        lines.push(Line::default());
        let (some, all) = (differing.len(), self.found.steps);
        lines.push(Line::of(Ink::Bold, format!("{some} of {all} steps differ")));
        lines.push(
            Line::of(Ink::Dim, "  step alike  ").and(Ink::A, cell("A", CELL + 1)).and(Ink::B, "B"),
        );
        for pair in &differing[..shown] {
            let alike = pair.a.iter().flat_map(|did| &did.changes).filter(|one| one.alike).count();
            lines.push(
                Line::of(Ink::Dim, format!("{:>6} {alike:>5}  ", pair.step))
                    .and(Ink::Plain, cell(&did(self.a, pair.a.as_ref()), CELL))
                    .and(Ink::Plain, " ")
                    .and(Ink::Plain, fitted(&did(self.b, pair.b.as_ref()), CELL)),
            );
        }
        if shown < differing.len() {
            let more = differing.len() - shown;
            lines.push(Line::of(Ink::Dim, format!("  … {more} more: --all lists them")));
        }
    }

    /// Where each grew, and what each wrote.
    fn growths(&self, lines: &mut Vec<Line>) {
        lines.push(Line::default());
        lines.push(Line::of(Ink::Bold, "Where each grew"));
        for (at, (mark, ink)) in [("A", Ink::A), ("B", Ink::B)].into_iter().enumerate() {
            let grown = &self.grown[at];
            let most = if self.all { grown.len() } else { grown.len().min(GROWTHS) };
            let mut parts: Vec<String> = grown[..most].iter().map(growth).collect();
            if most < grown.len() {
                parts.push(format!("{} more (--all)", grown.len() - most));
            }
            if parts.is_empty() {
                parts.push("nowhere".to_owned());
            }
            for (at, text) in wrapped(&parts, WIDTH - 5).into_iter().enumerate() {
                let mark = if at == 0 { mark } else { " " };
                lines.push(Line::of(ink, format!("  {mark}  ")).and(Ink::Plain, text));
            }
        }
        let fills = &self.found.fills;
        lines.push(Line::default());
        lines.push(Line::of(Ink::Bold, "Tokens written").and(
            Ink::Plain,
            format!(
                "  {} alike, {} the same in another step, {} other tokens, {} in A only, {} in B \
                 only",
                fills.alike, fills.other_step, fills.other_token, fills.only_a, fills.only_b
            ),
        ));
    }

    /// The texts at the ends, with the words that differ marked.
    fn texts(&self, lines: &mut Vec<Line>) {
        let text = |side: &Side| side.recording.vocabulary.text(&side.run().answer());
        let (one, two) = (text(self.a), text(self.b));
        lines.push(Line::default());
        if one.is_empty() && two.is_empty() {
            let named = |side: &Side| !side.recording.vocabulary.ids().is_empty();
            let said = match named(self.a) || named(self.b) {
                true => "  is empty",
                false => "  is not known: no token's text is recorded",
            };
            return lines.push(Line::of(Ink::Bold, "The text of both").and(Ink::Plain, said));
        }
        if one == two {
            lines.push(Line::of(Ink::Bold, "The text of both"));
            let words = marked(&one, &two).0;
            return lines.extend(flowing(&words, Ink::Plain));
        }
        let (of_a, of_b) = marked(&one, &two);
        for (mark, ink, words) in [("A", Ink::A, of_a), ("B", Ink::B, of_b)] {
            lines.push(Line::of(Ink::Bold, "The text of ").and(ink, mark));
            lines.extend(flowing(&words, ink));
        }
    }
}

/// A token as it is named in sentences.
fn named(side: &Side, id: TokenId) -> String {
    if id == side.recording.header.model.mask {
        return "mask".to_owned();
    }
    side.recording.vocabulary.named(id)
}

/// Two texts from shortly before the place where they part.
fn around_first(a: &str, b: &str) -> (String, String) {
    const BEFORE: usize = 12;
    let common = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let from = |text: &str| match common > CELL - BEFORE {
        true => format!("…{}", text.chars().skip(common - BEFORE).collect::<String>()),
        false => text.to_owned(),
    };
    (from(a), from(b))
}

/// What a side does at the place where two part, and why.
fn why(side: &Side, parted: &Parted) -> String {
    if parted.over {
        let finish = Figures::of(side.run()).finish;
        let how = finish.map_or("the recording ends", |finish| finish.name());
        return format!("is over after {} steps: {how}", side.session.timeline()[side.end].depth);
    }
    let Some(spot) = &parted.spot else {
        return "has no position that corresponds".to_owned();
    };
    let by_hand = if parted.mode.is_none() { " by hand" } else { "" };
    let said = match spot.verdict {
        Some(Verdict::Unrecorded) | None => None,
        Some(verdict) => Some(verdict.to_string()),
    };
    let guess = || match spot.guess {
        Some((token, p)) => {
            let p = p.map_or_else(|| ABSENT.to_owned(), |p| P(p).to_string());
            format!("best is {} {p}", named(side, token))
        }
        None => String::new(),
    };
    match (spot.deed, said) {
        (Some(Deed::Fill(token)), Some(said)) => format!("{} {said}", named(side, token)),
        (Some(Deed::Fill(token)), None) => format!("{} filled{by_hand}", named(side, token)),
        (Some(deed @ (Deed::Append(..) | Deed::Cut(_))), _) => {
            let mode = parted.mode.map_or("by hand", |mode| mode.name());
            format!("{} → {} ({mode})", doing(deed, spot.position), parted.length)
        }
        (Some(deed), Some(said)) => format!("{}: {said}", doing(deed, spot.position)),
        (Some(deed), None) => format!("{}{by_hand}", doing(deed, spot.position)),
        (None, Some(_)) if spot.verdict == Some(Verdict::Written) => {
            let canvas = &side.session.timeline()[parted.before].canvas;
            let token = canvas.cells().get(spot.position).map(|cell| named(side, cell.token));
            format!("keeps {}", token.unwrap_or_default())
        }
        (None, Some(said)) => match guess() {
            guess if guess.is_empty() => said,
            guess => format!("{said}; {guess}"),
        },
        (None, None) => match guess() {
            guess if guess.is_empty() => "nothing there".to_owned(),
            guess => format!("nothing there; {guess}"),
        },
    }
}

/// The text around the place where two part, as it stands before the step.
fn surroundings(side: &Side, parted: &Parted, ink: Ink) -> Option<Line> {
    let spot = parted.spot.as_ref()?;
    let canvas = &side.session.timeline()[parted.before].canvas;
    if spot.position >= canvas.len() || parted.over {
        return None;
    }
    let at = spot.position;
    let text = |from: usize, to: usize| shown(side, canvas, from, to);
    let own = match spot.deed {
        Some(Deed::Fill(token)) => side.recording.vocabulary.text(&[token]),
        _ => text(at, at + 1),
    };
    // A control token stands for no text, and there is nothing to read around it.
    if own.is_empty() {
        return None;
    }
    let cut = if at > AROUND { "…" } else { "" };
    let before = format!("     {cut}{}", text(at.saturating_sub(AROUND), at));
    let line = |text: String| text.replace('\n', "↵").replace('\t', " ");
    Some(
        Line::of(Ink::Dim, line(before))
            .and(ink, line(format!("⟨{own}⟩")))
            .and(Ink::Dim, line(text(at + 1, at + 1 + AROUND))),
    )
}

/// Positions of a canvas as text, masks as blocks.
fn shown(side: &Side, canvas: &Canvas, from: usize, to: usize) -> String {
    let cells = &canvas.cells()[from.min(canvas.len())..to.min(canvas.len())];
    let mask = canvas.special().mask;
    let mut text = String::new();
    for run in cells.chunk_by(|a, b| (a.token == mask) == (b.token == mask)) {
        match run.first() {
            Some(cell) if cell.token == mask => text.push_str(&"▒".repeat(run.len())),
            _ => {
                let ids: Vec<TokenId> = run.iter().map(|cell| cell.token).collect();
                text.push_str(&side.recording.vocabulary.text(&ids));
            }
        }
    }
    text
}

/// What changes, in a few words.
fn doing(deed: Deed, position: usize) -> String {
    match deed {
        Deed::Fill(token) => format!("{position} #{token}"),
        Deed::Remask => format!("{position} masked again"),
        Deed::Expand(0) => format!("{position} removed"),
        Deed::Expand(n) => format!("{position} becomes {n} masks"),
        Deed::Insert(n) => format!("+{n} before {position}"),
        Deed::Delete => format!("{position} removed"),
        Deed::Append(n, Filler::Mask) => format!("+{n} at the tail"),
        Deed::Append(n, Filler::Eos) => format!("+{n} EOS at the tail"),
        Deed::Cut(n) => format!("−{n} from {position} on"),
    }
}

/// A growth in a few words.
fn growth(growth: &Growth) -> String {
    let Growth { first, last, position, deed } = *growth;
    let what = match deed {
        Deed::Expand(0) | Deed::Delete => format!("−1 at {position}"),
        Deed::Expand(n) => format!("+{} at {position}", n - 1),
        deed => doing(deed, position),
    };
    match first == last {
        true => format!("step {first}: {what}"),
        false => format!("steps {first}–{last}: {what} each"),
    }
}

/// What a run did in a step that the other did not, on one line.
fn did(side: &Side, did: Option<&Did>) -> String {
    let Some(did) = did else { return "over".to_owned() };
    let alone: Vec<&Change> = did.changes.iter().filter(|change| !change.alike).collect();
    if alone.is_empty() {
        return if did.changes.is_empty() { "nothing" } else { "nothing more" }.to_owned();
    }
    let mut text = String::new();
    for (at, change) in alone.iter().enumerate() {
        let part = match change.deed {
            Deed::Fill(token) => {
                let p = change.p.map_or_else(|| ABSENT.to_owned(), |p| format!("{p:.2}"));
                format!("{} {} {p}", change.position, named(side, token))
            }
            deed => doing(deed, change.position),
        };
        let part = if at == 0 { part } else { format!(" · {part}") };
        let left = alone.len() - at;
        let more = if left > 1 { format!(" · {} more", left - 1) } else { String::new() };
        let full = width(&text) + width(&part) + width(&more) > CELL;
        if at > 0 && full {
            return format!("{text} · {left} more");
        }
        text.push_str(&part);
    }
    text
}

/// Parts with dots between, broken into lines.
fn wrapped(parts: &[String], columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if width(line) + width(part) + 3 <= columns => {
                line.push_str(" · ");
                line.push_str(part);
            }
            _ => lines.push(part.clone()),
        }
    }
    lines
}

/// Words in lines, those that differ in brackets and in the run's ink.
fn flowing(words: &[Word], ink: Ink) -> Vec<Line> {
    const INDENT: &str = "  ";
    let mut lines = vec![Line::of(Ink::Plain, INDENT)];
    let mut used = INDENT.len();
    // Neighbours that differ stand in one pair of brackets; a line end is in none.
    let groups = words.chunk_by(|a, b| {
        a.differs && b.differs && !a.text.contains('\n') && !b.text.contains('\n')
    });
    for group in groups {
        let differs = group.iter().any(|word| word.differs);
        let broken = group.iter().any(|word| word.text.contains('\n'));
        for (at, word) in group.iter().enumerate() {
            if broken {
                if differs {
                    push(&mut lines, ink, "⟨↵⟩".to_owned());
                }
                lines.push(Line::of(Ink::Plain, INDENT));
                used = INDENT.len();
                continue;
            }
            let open = if differs && at == 0 { "⟨" } else { "" };
            let close = if differs && at + 1 == group.len() { "⟩" } else { "" };
            let mut text = format!("{open}{}{close}", word.text.replace('\t', " "));
            let blank = word.text.chars().all(char::is_whitespace);
            if used + width(&text) > WIDTH && used > INDENT.len() {
                lines.push(Line::of(Ink::Plain, INDENT));
                used = INDENT.len();
                if blank && open.is_empty() && close.is_empty() {
                    continue;
                }
                text = text.trim_start().to_owned();
            }
            used += width(&text);
            push(&mut lines, if differs { ink } else { Ink::Plain }, text);
        }
    }
    lines
}

fn push(lines: &mut [Line], ink: Ink, text: String) {
    if let Some(line) = lines.last_mut() {
        line.0.push((ink, text));
    }
}
