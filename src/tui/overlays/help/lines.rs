//! The help box: every key, and what the colours mean.

use ratatui::layout::Rect;

use super::super::{
    app::{Action, Keymap, keymap::names},
    paint::{
        pen::Pen,
        popup, text,
        theme::{self, Role, Sign, Theme},
    },
};

/// A line of the box.
enum HelpLine {
    Heading(&'static str),
    Key(String, &'static str),
    Legend(String, Role, &'static str),
    Blank,
}

fn lines(theme: Theme, keymap: &Keymap) -> Vec<HelpLine> {
    let mut lines = Vec::new();
    for (title, rows) in keymap.sections() {
        lines.push(HelpLine::Heading(title));
        let rows = rows.filter(|(_, keys)| !keys.is_empty());
        lines.extend(rows.map(|(row, keys)| HelpLine::Key(names(keys), row.help)));
        lines.push(HelpLine::Blank);
    }
    lines.push(HelpLine::Heading("Colours and signs"));
    let sign = |sign: Sign| format!(" {} ", theme.sign(sign));
    let block = format!("{} {}", theme.sign(theme::THICK), theme.sign(theme::THICK_END));
    let legend = [
        (" the ".to_owned(), Role::Fill, "about to be unmasked"),
        (" ◆ +7 ".to_owned(), Role::Expand, "about to be expanded, by 7 more masks"),
        (
            format!(" the{} ", theme.sign(theme::REMASKS)),
            Role::Remask,
            "unmasked, about to be remasked",
        ),
        (
            format!(" the{}a ", theme.sign(theme::REPLACES)),
            Role::Replace,
            "unmasked, about to be replaced",
        ),
        (
            " the ".to_owned(),
            Role::Written(Some(0.98)),
            "unmasked; darker where the model was less confident",
        ),
        (" the ".to_owned(), Role::Ghost(Some(0.4)), "a mask's draft: what the model has in mind"),
        (" ▁▃▅█ ".to_owned(), Role::Heat(Some(0.7)), "confidence, from low to high"),
        (" ▁▂ ".to_owned(), Role::Refused, "under τ_low, but not expanded"),
        (sign(theme::EOS), Role::Eos, "end of sequence; a tail of them is folded into ⟨EOS ×38⟩"),
        (sign(theme::WRITTEN), Role::Text, "unmasked, in the grid of blocks"),
        (block, Role::FillInk, "the block in work stands between these"),
        (
            sign(theme::THRESHOLD),
            Role::Warn,
            "a threshold across a chart: τ_eos in stage 1, then τ_expand",
        ),
        (
            "slot #31".to_owned(),
            Role::Dim,
            "a position's identity: it stays when others are inserted before it",
        ),
    ];
    lines.extend(legend.map(|(sample, role, text)| HelpLine::Legend(sample, role, text)));
    let asked = [theme::PINNED, theme::VETOED, theme::FORBIDDEN].map(|one| theme.sign(one));
    lines.push(HelpLine::Legend(
        format!(" the {}", asked.join(" ")),
        Role::ExpandInk,
        "behind a position: pinned, with a veto, never expanded",
    ));
    lines.push(HelpLine::Key(
        "underlined".to_owned(),
        "a mask that an expansion inserted; a token chosen by hand",
    ));
    lines.push(HelpLine::Legend(
        " the ".to_owned(),
        Role::Lost,
        "the step on record unmasks or expands it; under the changed parameters it would not",
    ));
    lines
}

/// Cells of the keys.
const KEYS: u16 = 16;

/// A row: what stands at the left and at the right.
type HelpRow = (String, Role, String, Role);

/// The box in the middle of the screen.
fn place(screen: Rect) -> Rect {
    popup::middle(screen, (100, 60))
}

/// Long help is broken under itself.
fn rows(theme: Theme, keymap: &Keymap, inside: Rect) -> Vec<HelpRow> {
    let mut rows: Vec<HelpRow> = Vec::new();
    let room = usize::from(inside.width.saturating_sub(KEYS + 1)).max(1);
    for line in lines(theme, keymap) {
        let (left, left_role, right) = match line {
            HelpLine::Blank => (String::new(), Role::Text, ""),
            HelpLine::Heading(title) => (title.to_owned(), Role::Strong, ""),
            HelpLine::Key(keys, help) => (keys, Role::Key, help),
            HelpLine::Legend(sample, role, text) => (sample, role, text),
        };
        let right = theme.say(right);
        for (row, part) in text::wrap(&right, room).into_iter().enumerate() {
            let left = if row == 0 { left.clone() } else { String::new() };
            rows.push((left, left_role, part, Role::Text));
        }
    }
    rows
}

/// The furthest the box scrolls.
pub fn last(theme: Theme, keymap: &Keymap, width: u16, height: u16) -> usize {
    let inside = popup::inside(place(Rect::new(0, 0, width, height)));
    rows(theme, keymap, inside).len().saturating_sub(usize::from(inside.height))
}

/// Rows that a page scrolls: two stay in view.
pub fn page(width: u16, height: u16) -> usize {
    usize::from(popup::inside(place(Rect::new(0, 0, width, height))).height)
        .saturating_sub(2)
        .max(1)
}

/// Draws the box over the middle of the screen.
pub fn draw(pen: &mut Pen, keymap: &Keymap, screen: Rect, scroll: usize) {
    let area = place(screen);
    let inside = popup::inside(area);
    let rows = rows(pen.theme, keymap, inside);
    let count = rows.len();
    let most = count.saturating_sub(usize::from(inside.height));
    let first = scroll.min(most);
    let end = (first + usize::from(inside.height)).min(count);
    let title = if most == 0 { " Keys ".to_owned() } else { format!(" Keys · {end} of {count} ") };
    popup::frame(pen, area, &title, &closing(keymap, first < most));
    for (row, (left, left_role, right, role)) in
        rows.into_iter().skip(first).take(usize::from(inside.height)).enumerate()
    {
        let y = inside.y + u16::try_from(row).unwrap_or(0);
        let left_width = if right.is_empty() { inside.width } else { KEYS };
        pen.say(inside.x, y, left_width, &left, left_role);
        pen.say(inside.x + KEYS + 1, y, inside.width.saturating_sub(KEYS + 1), &right, role);
    }
}

/// How one reads on, and how one gets out.
fn closing(keymap: &Keymap, more: bool) -> String {
    let (escape, help) = (keymap.first(Action::Escape), keymap.first(Action::Help));
    let close = if escape.is_empty() { help } else { escape };
    let down = keymap.keys(Action::Down).last().map(|key| key.name()).unwrap_or_default();
    match more {
        true => format!(" {down} {} more · {close} closes ", keymap.first(Action::NextBlock)),
        false => format!(" {close} closes "),
    }
}
