//! Signs: every glyph of our own, with the ASCII character that stands in for it.

/// A glyph and its ASCII stand-in, both one cell wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sign(pub &'static str, pub &'static str);

/// A position with nothing written and no guess.
pub const MASK: Sign = Sign("▒", "?");
/// A written position, in the grid.
pub const WRITTEN: Sign = Sign("■", "o");
/// A position that holds given text.
pub const GIVEN: Sign = Sign("▪", "_");
/// A position that holds EOS.
pub const EOS: Sign = Sign("∎", "$");
/// A value that is not known.
pub const ABSENT: Sign = Sign("–", "-");
/// A position about to become several masks.
pub const EXPANDS: Sign = Sign("◆", "+");
/// A written position about to be remasked.
pub const REMASKS: Sign = Sign("↺", "<");
/// A written position about to be given another token.
pub const REPLACES: Sign = Sign("⇄", "&");
/// A position that the step on record changes and the pending one does not.
pub const LOST: Sign = Sign("×", "x");
/// A position of which the exact pass has another best token.
pub const CHANGED: Sign = Sign("≠", "!");
/// The position that a question is about.
pub const ASKED: Sign = Sign("¿", "?");
/// A token that speaks against a guess.
pub const AGAINST: Sign = Sign("−", "-");
/// A step where the user edited.
pub const EDITED: Sign = Sign("✎", "e");
/// A position that is pinned.
pub const PINNED: Sign = Sign("#", "#");
/// A position with tokens that are never written there.
pub const VETOED: Sign = Sign("!", "!");
/// A position that is never expanded.
pub const FORBIDDEN: Sign = Sign("⊘", "~");
/// A step that has a bookmark.
pub const NOTE: Sign = Sign("¶", "N");
pub const BOOKMARK: Sign = Sign("⚑", "B");
/// A step where a breakpoint stopped a run.
pub const STOPPED: Sign = Sign("●", "*");
/// A position about to be filled, where there is no colour.
pub const FILLS: Sign = Sign("▾", "v");
/// The step stood at.
pub const PLAYHEAD: Sign = Sign("▲", "^");
/// A step that filled and expanded nothing.
pub const IDLE: Sign = Sign("·", ".");
/// A step that added positions at the tail.
pub const GROWS: Sign = Sign("+", "+");
/// A step that dropped positions at the maximum length.
pub const DROPS: Sign = Sign("×", "x");
/// Where a branch leaves another.
pub const FORK: Sign = Sign("╰", "\\");
/// Marks what counts towards the EOS confidence.
pub const COUNTED: Sign = Sign("▔", "^");
/// A dot in the timeline's branches.
pub const DOT: Sign = Sign("●", "*");
/// Corners of a box: top left, top right, bottom left, bottom right.
pub const CORNERS: [Sign; 4] = [Sign("╭", "+"), Sign("╮", "+"), Sign("╰", "+"), Sign("╯", "+")];
/// Where lines meet, by the arms to the left, to the right, up and down.
pub fn junction(left: bool, right: bool, up: bool, down: bool) -> Sign {
    match (left, right, up, down) {
        (true, true, false, _) => Sign("┬", "+"),
        (true, true, true, false) => Sign("┴", "+"),
        (true, true, true, true) => Sign("┼", "+"),
        (true, false, false, _) => Sign("╮", "+"),
        (true, false, true, _) => Sign("┤", "+"),
        (false, true, false, _) => Sign("╭", "+"),
        (false, true, true, _) => Sign("├", "+"),
        (false, false, _, _) => VERTICAL,
    }
}
/// A thin vertical line.
pub const VERTICAL: Sign = Sign("│", "|");
/// A thick vertical line: the current block.
pub const THICK: Sign = Sign("▌", "[");
/// The other end of the current block.
pub const THICK_END: Sign = Sign("▐", "]");
/// The thumb of a scroll bar.
pub const THUMB: Sign = Sign("▐", "|");
/// A thin horizontal line.
pub const HORIZONTAL: Sign = Sign("─", "-");
/// A threshold in a chart.
pub const THRESHOLD: Sign = Sign("┄", "-");
/// The column that rows are sorted by, the smallest first.
pub const ASCENDING: Sign = Sign("▴", "^");
/// The same, the largest first.
pub const DESCENDING: Sign = Sign("▾", "v");
/// Marks the selected row.
pub const POINTER: Sign = Sign("▸", ">");
/// The knob of a slider.
pub const KNOB: Sign = Sign("●", "O");
/// The slider's way before the knob.
pub const GROOVE_ON: Sign = Sign("━", "=");
/// The slider's way behind the knob.
pub const GROOVE_OFF: Sign = Sign("─", "-");

/// Bars from empty to full, in eighths.
pub const BARS: [Sign; 9] = [
    Sign(" ", " "),
    Sign("▁", "."),
    Sign("▂", ":"),
    Sign("▃", ";"),
    Sign("▄", "="),
    Sign("▅", "+"),
    Sign("▆", "*"),
    Sign("▇", "%"),
    Sign("█", "#"),
];

/// Our own sentences in ASCII.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            'τ' => plain.push_str("tau"),
            '≥' => plain.push_str(">="),
            '≤' => plain.push_str("<="),
            '→' => plain.push_str("->"),
            '←' => plain.push_str("<-"),
            '↑' => plain.push_str("up"),
            '↓' => plain.push_str("down"),
            '×' => plain.push('x'),
            'Δ' => plain.push('d'),
            '≠' => plain.push_str("!="),
            '√' => plain.push_str("sqrt "),
            '–' | '−' | '─' => plain.push('-'),
            '·' => plain.push('-'),
            '…' => plain.push('~'),
            '⟨' => plain.push('<'),
            '⟩' => plain.push('>'),
            '“' | '”' => plain.push('"'),
            '’' => plain.push('\''),
            _ => plain.push(c),
        }
    }
    plain
}

/// A cell's symbol in ASCII, of the same width: what is left after [`Theme::say`].
pub fn ascii_symbol(symbol: &str) -> &'static str {
    match symbol {
        "─" | "┄" | "━" | "┈" | "–" => "-",
        "│" | "┃" | "▏" | "▌" | "▐" => "|",
        "┌" | "┐" | "└" | "┘" | "├" | "┤" | "┬" | "┴" | "┼" | "╰" | "╭" | "╮" | "╯" => {
            "+"
        }
        "…" => "~",
        "·" => ".",
        "•" | "●" | "◆" => "*",
        "▸" | "→" => ">",
        "×" => "x",
        "█" | "▉" | "▊" | "▋" => "#",
        "⟨" => "<",
        "⟩" => ">",
        _ => "?",
    }
}
