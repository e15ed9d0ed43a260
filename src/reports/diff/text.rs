//! The comparison as text, at most [`WIDTH`] columns wide.

use super::{
    growth::{self, DiffGrowth},
    headers::headers,
    lines::{flowing, folded, wrapped},
    paint::{DiffInk, PaintedLine, cell, fitted, width},
    sentences::{ABSENT, did, named, surroundings, why},
    sides::DiffSide,
    words::marked,
};
use crate::{
    canvas::TokenId,
    compare::{Comparison, Divergence, Figures, Guesses, Parted, StepPair},
    decode::{ShownProbability, against},
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

/// Everything the text says.
pub struct DiffText<'a> {
    pub a: &'a DiffSide,
    pub b: &'a DiffSide,
    pub found: &'a Comparison,
    pub grown: &'a [Vec<DiffGrowth>; 2],
    pub all: bool,
}

impl DiffText<'_> {
    /// The lines, given the steps that differ.
    pub fn lines(&self, differing: &[StepPair]) -> Vec<PaintedLine> {
        let mut lines = self.sides();
        self.figures(&mut lines);
        self.parting(&mut lines);
        self.guesses(&mut lines);
        self.steps(differing, &mut lines);
        self.growths(&mut lines);
        self.texts(&mut lines);
        lines
    }

    fn sides(&self) -> Vec<PaintedLine> {
        let notices = |side: &DiffSide| side.recording.notices.clone();
        let (of_a, of_b) = (notices(self.a), notices(self.b));
        let (both, of_a): (Vec<_>, Vec<_>) = of_a.into_iter().partition(|one| of_b.contains(one));
        let of_b: Vec<_> = of_b.into_iter().filter(|one| !both.contains(one)).collect();
        let note =
            |of: &str, notice: &String| PaintedLine::of(DiffInk::Dim, format!("   {of}{notice}"));
        let line = |mark, ink, side: &DiffSide, notices: &[String]| {
            let shown = side.file.display().to_string();
            let branch = if side.branches > 1 { side.branch() } else { String::new() };
            let line =
                PaintedLine::of(ink, mark).and(DiffInk::Plain, format!("  {shown}  {branch}"));
            std::iter::once(line).chain(notices.iter().map(|one| note("", one))).collect::<Vec<_>>()
        };
        let both = both.iter().map(|one| note("both: ", one)).collect();
        [line("A", DiffInk::A, self.a, &of_a), line("B", DiffInk::B, self.b, &of_b), both].concat()
    }

    /// What differs in the headers, then the figures.
    fn figures(&self, lines: &mut Vec<PaintedLine>) {
        let absent = |text: Option<String>| text.unwrap_or_else(|| ABSENT.to_owned());
        let headers = headers(self.a, self.b).into_iter();
        let headers: Vec<[String; 3]> = headers
            .map(|(name, a, b)| {
                let (a, b) = (absent(a), absent(b));
                let (a, b) = if name == "prompt" { around_first(&a, &b) } else { (a, b) };
                [name, a, b]
            })
            .collect();
        let of = |side: &DiffSide| {
            let figures = Figures::of(side.run());
            let seconds = figures.time().as_secs_f64();
            [
                self.steps_of(side).to_string(),
                figures.nfe.to_string(),
                figures.n_token.to_string(),
                figures.e_token.to_string(),
                absent(figures.e_ratio().map(|ratio| format!("{ratio:.3}"))),
                figures.before_tail.to_string(),
                figures.remasked.to_string(),
                figures.replaced.to_string(),
                if seconds > 0.0 { format!("{seconds:.2} s") } else { ABSENT.to_owned() },
                figures.finish.map_or("not finished", |finish| finish.name()).to_owned(),
            ]
        };
        const REWRITTEN: [&str; 2] = ["remasked", "replaced"];
        let names = ["steps", "NFE", "N_token", "E_token", "E_ratio", "before tail"].into_iter();
        let names = names.chain(REWRITTEN).chain(["time", "finish"]);
        let rows = names.zip(of(self.a).into_iter().zip(of(self.b)));
        let rows = rows.map(|(name, (a, b))| [name.to_owned(), a, b]);
        // Most runs take nothing back.
        let told = |[name, a, b]: &[String; 3]| {
            !(REWRITTEN.contains(&name.as_str()) && a == "0" && b == "0")
        };
        let rows: Vec<[String; 3]> = rows.filter(told).collect();
        let all = || headers.iter().chain(&rows);
        let first = all().map(|row| width(&row[0])).max().unwrap_or(0);
        let second = all().map(|row| width(&row[1]).min(CELL)).max().unwrap_or(0).max(8);
        lines.push(PaintedLine::default());
        let blank = " ".repeat(first + 2);
        lines.push(
            PaintedLine::of(DiffInk::Plain, blank)
                .and(DiffInk::A, cell("A", second + 2))
                .and(DiffInk::B, "B"),
        );
        for [name, a, b] in all() {
            let same = a == b;
            lines.push(
                PaintedLine::of(DiffInk::Dim, cell(name, first + 2))
                    .and(if same { DiffInk::Plain } else { DiffInk::A }, cell(a, second))
                    .and(DiffInk::Plain, "  ")
                    .and(if same { DiffInk::Plain } else { DiffInk::B }, fitted(b, CELL)),
            );
        }
    }

    fn steps_of(&self, side: &DiffSide) -> u32 {
        side.session.timeline()[side.end].depth
    }

    /// The first step that differs.
    fn parting(&self, lines: &mut Vec<PaintedLine>) {
        lines.push(PaintedLine::default());
        if !self.found.same_start {
            let root = |side: &DiffSide| {
                let timeline = side.session.timeline();
                timeline[timeline.root_of(side.end)].canvas.clone()
            };
            let (one, two) = (root(self.a), root(self.b));
            let mut why = Vec::new();
            if one.prompt() != two.prompt() {
                why.push("other prompts".to_owned());
            }
            if one.prompt() == two.prompt() && one.suffix() != two.suffix() {
                why.push("other suffixes".to_owned());
            }
            if one.len() != two.len() {
                why.push(format!("{} and {} positions", one.len(), two.len()));
            }
            // What is left is text between holes.
            if why.is_empty() {
                why.push("other texts".to_owned());
            }
            lines.push(PaintedLine::of(
                DiffInk::Bold,
                format!("They start from {}", why.join(", ")),
            ));
        }
        let Some(divergence) = &self.found.divergence else {
            let same = match self.found.same_start {
                true => "They do the same in every step",
                false => "They do the same in every step from there on",
            };
            return lines.push(PaintedLine::of(DiffInk::Bold, same));
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
        lines.push(PaintedLine::of(DiffInk::Bold, format!("They part at step {step}{at}")));
        for (ink, mark, side, parted) in
            [(DiffInk::A, "A", self.a, a), (DiffInk::B, "B", self.b, b)]
        {
            let why = fitted(&why(side, parted), WIDTH - 5);
            lines.push(
                PaintedLine::of(ink, format!("  {mark}")).and(DiffInk::Plain, format!("  {why}")),
            );
            lines.extend(surroundings(side, parted, ink));
        }
        if a.eos != b.eos {
            let eos = |parted: &Parted| match parted.eos {
                Some((p, threshold)) => {
                    let (p, threshold) = against(p, threshold);
                    format!("{p} against {threshold}")
                }
                None => ABSENT.to_owned(),
            };
            lines.push(
                PaintedLine::of(DiffInk::Dim, "  EOS confidence  ")
                    .and(DiffInk::Plain, format!("A {}, B {}", eos(a), eos(b))),
            );
        }
        for pair in params {
            let value = |value: Option<crate::decode::Value>| {
                value.map_or_else(|| ABSENT.to_owned(), |value| value.to_string())
            };
            lines.push(
                PaintedLine::of(DiffInk::Dim, format!("  {}  ", pair.name))
                    .and(DiffInk::Plain, format!("A {}, B {}", value(pair.a), value(pair.b))),
            );
        }
    }

    /// What the model said on equal canvases.
    fn guesses(&self, lines: &mut Vec<PaintedLine>) {
        let sentences = &self.found.predictions;
        let sentence = match (sentences.compared, sentences.differing) {
            (0, _) => return,
            (all, 0) => format!("Predictions: the same in all {all} steps from equal canvases"),
            (all, some) => {
                format!("Predictions: {some} of {all} steps from equal canvases differ")
            }
        };
        lines.push(PaintedLine::of(DiffInk::Plain, sentence));
        let shown = |found: &Guesses| {
            let named = |side: &DiffSide, (id, p): (TokenId, f32)| {
                format!("{} {}", named(side, id), ShownProbability(p))
            };
            format!(
                "at step {}, position {}: |Δp| {:.2e}, A {}, B {}",
                found.step,
                found.position,
                found.apart(),
                named(self.a, found.a),
                named(self.b, found.b)
            )
        };
        let largest = sentences.largest.filter(|found| Some(*found) != sentences.first);
        for (name, found) in [("first  ", sentences.first), ("largest", largest)] {
            if let Some(found) = found {
                let text = fitted(&shown(&found), WIDTH - 11);
                lines.push(
                    PaintedLine::of(DiffInk::Dim, format!("  {name}  ")).and(DiffInk::Plain, text),
                );
            }
        }
    }

    /// The steps that differ, each in a line.
    fn steps(&self, differing: &[StepPair], lines: &mut Vec<PaintedLine>) {
        if differing.is_empty() {
            return;
        }
        let shown = if self.all { differing.len() } else { differing.len().min(STEPS) };
        lines.push(PaintedLine::default());
        let (some, all) = (differing.len(), self.found.steps);
        lines.push(PaintedLine::of(DiffInk::Bold, format!("{some} of {all} steps differ")));
        lines.push(
            PaintedLine::of(DiffInk::Dim, "  step alike  ")
                .and(DiffInk::A, cell("A", CELL + 1))
                .and(DiffInk::B, "B"),
        );
        let mut folds = false;
        // Where one is over, the other has nothing beside it.
        let both = differing.iter().take_while(|pair| pair.a.is_some() && pair.b.is_some()).count();
        let shown = if self.all { shown } else { shown.min(both) };
        for pair in &differing[..shown] {
            let alike = pair.a.iter().flat_map(|did| &did.changes).filter(|one| one.alike).count();
            let cells = [(self.a, &pair.a), (self.b, &pair.b)].map(|(side, made)| {
                let parts = did(side, made.as_ref());
                match self.all {
                    true => (wrapped(&parts, CELL), false),
                    false => {
                        let (text, more) = folded(&parts, CELL);
                        (vec![text], more > 0)
                    }
                }
            });
            let [(left, folds_left), (right, folds_right)] = cells;
            folds |= folds_left || folds_right;
            for row in 0..left.len().max(right.len()) {
                let head = match row {
                    0 => format!("{:>6} {alike:>5}  ", pair.step),
                    _ => " ".repeat(14),
                };
                let text = |side: &[String]| side.get(row).cloned().unwrap_or_default();
                lines.push(
                    PaintedLine::of(DiffInk::Dim, head)
                        .and(DiffInk::Plain, cell(&text(&left), CELL))
                        .and(DiffInk::Plain, " ")
                        .and(DiffInk::Plain, fitted(&text(&right), CELL)),
                );
            }
        }
        let alone = differing.len() - both;
        if alone > 0 && !self.all {
            let over = if differing[both].a.is_none() { "A" } else { "B" };
            let text = format!("  {over} is over; the other makes {alone} more steps");
            lines.push(PaintedLine::of(DiffInk::Dim, text));
        }
        let more = if self.all { 0 } else { both - shown };
        match (more, folds) {
            (0, false) => {}
            (0, true) => {
                lines.push(PaintedLine::of(DiffInk::Dim, "  --all lists what is folded here"))
            }
            _ => lines
                .push(PaintedLine::of(DiffInk::Dim, format!("  … {more} more: --all lists them"))),
        }
    }

    /// Where each grew, and what each wrote.
    fn growths(&self, lines: &mut Vec<PaintedLine>) {
        lines.push(PaintedLine::default());
        lines.push(PaintedLine::of(DiffInk::Bold, "Where each grew"));
        for (at, (mark, ink)) in [("A", DiffInk::A), ("B", DiffInk::B)].into_iter().enumerate() {
            let grown = &self.grown[at];
            let most = if self.all { grown.len() } else { grown.len().min(GROWTHS) };
            let mut parts: Vec<String> = grown[..most].iter().map(growth::in_words).collect();
            if most < grown.len() {
                parts.push(format!("{} more (--all)", grown.len() - most));
            }
            if parts.is_empty() {
                parts.push("nowhere".to_owned());
            }
            for (at, text) in wrapped(&parts, WIDTH - 5).into_iter().enumerate() {
                let mark = if at == 0 { mark } else { " " };
                lines.push(PaintedLine::of(ink, format!("  {mark}  ")).and(DiffInk::Plain, text));
            }
        }
        let fills = &self.found.fills;
        lines.push(PaintedLine::default());
        lines.push(PaintedLine::of(DiffInk::Bold, "Tokens unmasked").and(
            DiffInk::Plain,
            format!(
                "  {} alike, {} the same in another step, {} other tokens, {} in A only, {} in B \
                 only",
                fills.alike, fills.other_step, fills.other_token, fills.only_a, fills.only_b
            ),
        ));
    }

    /// The texts at the ends, with the words that differ marked.
    fn texts(&self, lines: &mut Vec<PaintedLine>) {
        let text = |side: &DiffSide| side.recording.vocabulary.text(&side.run().answer());
        let (one, two) = (text(self.a), text(self.b));
        lines.push(PaintedLine::default());
        if one == two {
            lines.push(PaintedLine::of(DiffInk::Bold, "The text of both"));
            let words = marked(&one, &two).0;
            return lines.extend(flowing(&words, DiffInk::Plain, WIDTH));
        }
        let (of_a, of_b) = marked(&one, &two);
        for (mark, ink, words) in [("A", DiffInk::A, of_a), ("B", DiffInk::B, of_b)] {
            lines.push(PaintedLine::of(DiffInk::Bold, "The text of ").and(ink, mark));
            lines.extend(flowing(&words, ink, WIDTH));
        }
    }
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
