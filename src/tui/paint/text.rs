//! Text from models and traces, made safe and visible: nothing of it reaches the terminal as it
//! came. Control characters, escapes, bidirectional controls and characters without a width get
//! a visible stand-in, and every glyph knows how many cells it takes.

use std::fmt::Write as _;

use compact_str::{CompactString, ToCompactString as _};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::{
    canvas::TokenId,
    decode::{self, ParamKind, ParamSpec, Value},
    escape::{characters, is_hidden, is_mark},
    predict::{Piece, Vocabulary},
};

/// Most combining marks kept on one glyph; more is an attack on the line above.
const MARKS: usize = 3;

/// What a glyph is to the line breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GlyphKind {
    /// Part of a word.
    Word,
    /// A space: a line may break after it.
    Space,
    /// A newline: the line ends after it.
    Newline,
    /// A stand-in for something that cannot be shown.
    StandIn,
}

/// Something drawn in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glyph {
    /// The characters that are printed together. A screen has thousands of them: short ones are not
    /// allocated one by one.
    pub symbol: CompactString,
    /// Number of cells that it takes.
    pub width: u16,
    /// What it is to the line breaker.
    pub kind: GlyphKind,
}

impl Glyph {
    fn of(symbol: impl Into<CompactString>, kind: GlyphKind) -> Self {
        let symbol = symbol.into();
        let width = u16::try_from(symbol.width()).unwrap_or(u16::MAX);
        Self { symbol, width, kind }
    }
}

/// The glyphs of `text`. With `ascii`, everything outside ASCII gets a stand-in too.
pub fn glyphs(text: &str, ascii: bool) -> Vec<Glyph> {
    let mut glyphs: Vec<Glyph> = Vec::with_capacity(text.len());
    let mut marks = 0;
    for (c, hidden) in characters(text) {
        if is_hidden(c) && !hidden && !ascii {
            join(glyphs.last_mut(), c);
            continue;
        }
        if is_mark(c) && !ascii && marks < MARKS {
            marks += 1;
            match glyphs.last_mut() {
                Some(last) if last.kind == GlyphKind::Word => last.symbol.push(c),
                _ => glyphs.push(Glyph::of(format!("◌{c}"), GlyphKind::Word)),
            }
            continue;
        }
        let glyph = one(c, ascii);
        if glyph.kind != GlyphKind::StandIn {
            marks = 0;
        }
        glyphs.push(glyph);
    }
    glyphs
}

/// Puts a joiner or a variation selector to the glyph before it, where that stays as wide as it is.
/// Terminals do not agree on how wide letters and emoji are that U+200D joins, nor emoji that vary: so
/// they stand side by side and as they are.
fn join(last: Option<&mut Glyph>, joiner: char) {
    let Some(last) = last.filter(|_| joiner != '\u{200d}') else { return };
    let length = last.symbol.len();
    last.symbol.push(joiner);
    if last.symbol.width() != usize::from(last.width) {
        last.symbol.truncate(length);
    }
}

fn one(c: char, ascii: bool) -> Glyph {
    match c {
        ' ' => Glyph::of(" ", GlyphKind::Space),
        '\n' => Glyph::of(if ascii { "\\n" } else { "↵" }, GlyphKind::Newline),
        '\t' => Glyph::of(if ascii { "<TAB>" } else { "⇥" }, GlyphKind::StandIn),
        '\u{0}'..='\u{1f}' if !ascii => {
            let picture = char::from_u32(0x2400 + u32::from(c)).unwrap_or('?');
            Glyph::of(picture.to_compact_string(), GlyphKind::StandIn)
        }
        '\u{7f}' if !ascii => Glyph::of("␡", GlyphKind::StandIn),
        _ if c.is_control() || is_hidden(c) || c.width().unwrap_or(0) == 0 => {
            Glyph::of(named(c, ascii), GlyphKind::StandIn)
        }
        _ if ascii && !c.is_ascii() => Glyph::of(named(c, ascii), GlyphKind::StandIn),
        _ => Glyph::of(c.to_compact_string(), GlyphKind::Word),
    }
}

fn named(c: char, ascii: bool) -> String {
    let code = u32::from(c);
    if ascii { format!("<U+{code:04X}>") } else { format!("⟨U+{code:04X}⟩") }
}

/// `text` on one line, safe to print.
pub fn safe(text: &str, ascii: bool) -> String {
    glyphs(text, ascii).into_iter().map(|glyph| glyph.symbol).collect()
}

/// The text of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShownToken {
    /// Characters, none of them in part.
    Text(String),
    /// Part of a character.
    Part(Vec<u8>),
    /// A stand-in: a control token's name, an id without text.
    Name(String),
}

impl ShownToken {
    /// How `id` reads in `vocabulary`.
    pub fn of(vocabulary: &dyn Vocabulary, id: TokenId) -> Self {
        match vocabulary.piece(id) {
            Some(Piece::Text(text)) if text.is_empty() => Self::Name("empty".to_owned()),
            Some(Piece::Text(text)) => Self::Text(text),
            Some(Piece::Bytes(bytes)) => match String::from_utf8(bytes) {
                Ok(text) if !text.is_empty() => Self::Text(text),
                Ok(_) => Self::Name("empty".to_owned()),
                Err(bytes) => Self::Part(bytes.into_bytes()),
            },
            Some(Piece::Control(name)) => Self::Name(bare(&name)),
            None => Self::Name(format!("#{id}")),
        }
    }

    /// The glyphs, stand-ins in angle brackets.
    pub fn glyphs(&self, ascii: bool) -> Vec<Glyph> {
        let bracketed = |inside: &str| {
            let inside = safe(inside, ascii);
            let text = if ascii { format!("<{inside}>") } else { format!("⟨{inside}⟩") };
            vec![Glyph::of(text, GlyphKind::StandIn)]
        };
        match self {
            Self::Text(text) => glyphs(text, ascii),
            Self::Part(bytes) => bracketed(&hex(bytes)),
            Self::Name(name) => bracketed(name),
        }
    }

    /// On one line with spaces made visible: for lists, where a token stands alone.
    pub fn label(&self, ascii: bool) -> String {
        let space = if ascii { "_" } else { "·" };
        let symbol = |glyph: Glyph| match glyph.kind {
            GlyphKind::Space => space.into(),
            _ => glyph.symbol,
        };
        self.glyphs(ascii).into_iter().map(symbol).collect()
    }
}

/// A control token's name without the brackets it often comes with.
fn bare(name: &str) -> String {
    let inner = name.strip_prefix("<|").and_then(|name| name.strip_suffix("|>"));
    let inner = inner.or_else(|| name.strip_prefix('<').and_then(|name| name.strip_suffix('>')));
    inner.filter(|inner| !inner.is_empty()).unwrap_or(name).to_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

/// A run of tokens, decoded together: parts of a character that complete each other become the
/// first token's glyph and leave the rest empty.
pub fn joined(run: &mut [ShownToken]) {
    whole(run);
    joiners(run);
}

/// Joiners where two tokens meet: one in front belongs to the glyph before it, in the token before;
/// one behind joins what is drawn in two pieces anyway. One that is a token of its own stays where
/// it is, to be seen.
fn joiners(run: &mut [ShownToken]) {
    let alone = |text: &str| text.chars().nth(1).is_none();
    for at in 1..run.len() {
        let [.., ShownToken::Text(before), ShownToken::Text(text)] = &mut run[..=at] else {
            continue;
        };
        let last = before.chars().next_back().filter(|&last| is_hidden(last) && !alone(before));
        let first = text.chars().next().filter(|&first| is_hidden(first) && !alone(text));
        if last.is_none() && first.is_none() {
            continue;
        }
        let (both, border) = (format!("{before}{text}"), before.chars().count());
        let fits = |at: usize| characters(&both).nth(at).is_some_and(|(_, hidden)| !hidden);
        let hidden_at_end = |text: &str| characters(text).last().is_some_and(|(_, hidden)| hidden);
        if last.is_some() && fits(border - 1) && hidden_at_end(before) {
            before.pop();
        }
        if let Some(first) = first.filter(|_| fits(border)) {
            text.drain(..first.len_utf8());
            before.push(first);
            if hidden_at_end(before) {
                before.pop();
            }
        }
    }
}

/// Parts of a character that complete each other.
fn whole(run: &mut [ShownToken]) {
    let mut start = 0;
    while start < run.len() {
        if !matches!(run[start], ShownToken::Part(_)) {
            start += 1;
            continue;
        }
        let parts =
            run[start..].iter().take_while(|shown| matches!(shown, ShownToken::Part(_))).count();
        let whole = (2..=parts).find_map(|n| {
            let bytes: Vec<u8> = run[start..start + n]
                .iter()
                .flat_map(|shown| match shown {
                    ShownToken::Part(bytes) => bytes.clone(),
                    _ => Vec::new(),
                })
                .collect();
            String::from_utf8(bytes).ok().map(|text| (n, text))
        });
        if let Some((n, text)) = whole {
            run[start] = ShownToken::Text(text);
            run[start + 1..start + n].fill(ShownToken::Text(String::new()));
            start += n;
        } else {
            start += 1;
        }
    }
}

/// Cells that `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` in at most `width` cells, with an ellipsis where it is cut.
pub fn fit(text: &str, width: usize) -> String {
    match width {
        _ if text.width() <= width => text.to_owned(),
        0 => String::new(),
        _ => format!("{}…", cut(text, width - 1)),
    }
}

/// The beginning of `text` that fits into `width` cells.
pub fn cut(text: &str, width: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += c.width().unwrap_or(0);
        used > width
    });
    end.map_or(text, |(end, _)| &text[..end])
}

/// `text` broken at spaces into lines of at most `width` cells.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let gap = usize::from(!line.is_empty());
        if !line.is_empty() && line.width() + gap + word.width() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// A number with at most four significant digits and no zeros behind; `–` if it is not known.
pub fn exact(number: Option<f32>) -> String {
    let Some(number) = number.filter(|number| number.is_finite()) else { return "–".to_owned() };
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    match number {
        0.0 => "0".to_owned(),
        // Never rounded up to certainty.
        number if (0.999_95..1.0).contains(&number) => ">0.999".to_owned(),
        number if number.abs() < 1e-4 => {
            let text = format!("{number:.2e}");
            let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
            format!("{}e{power}", trimmed(digits))
        }
        number => {
            let before = number.abs().log10().floor() as i32;
            let decimals = usize::try_from(3 - before).unwrap_or(0);
            trimmed(&format!("{number:.decimals$}"))
        }
    }
}

/// A candidate's probability; recordings keep three significant digits, so no more are shown.
pub fn candidate(p: f32) -> String {
    match p {
        0.0 => "0".to_owned(),
        1.0 => "1.00".to_owned(),
        p => probability(Some(p)),
    }
}

/// Two probabilities that a sentence compares: with more digits where three do not tell them apart.
pub fn compared(a: f32, b: f32) -> (String, String) {
    let (short_a, short_b) = (probability(Some(a)), probability(Some(b)));
    match a != b && short_a == short_b {
        true => decode::against(a, b),
        false => (short_a, short_b),
    }
}

/// A probability with three significant digits; `–` if it is not known.
pub fn probability(p: Option<f32>) -> String {
    match p {
        Some(p) if !p.is_finite() => "–".to_owned(),
        // Never rounded up to certainty.
        Some(p) if (0.9995..1.0).contains(&p) => ">0.999".to_owned(),
        Some(p) if p >= 0.1 || p == 0.0 => format!("{p:.3}"),
        Some(p) if p >= 0.001 => format!("{p:.4}"),
        Some(p) => format!("{p:.1e}"),
        None => "–".to_owned(),
    }
}

/// A value as it is shown: floats with at least two decimals.
pub fn value(spec: &ParamSpec, value: Value) -> String {
    match spec.kind {
        ParamKind::Int { .. }
        | ParamKind::Name { .. }
        | ParamKind::Tokens
        | ParamKind::Text { .. } => value.to_string(),
        ParamKind::Float { .. } => {
            let plain = value.to_string();
            let decimals = plain.split_once('.').map_or(0, |(_, decimals)| decimals.len());
            if decimals < 2 { format!("{:.2}", value.as_f64()) } else { plain }
        }
    }
}

/// The text with a capital letter at its beginning.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
