//! Which tokens changed a guess: each token that was remasked, by how much the probability of the guess changes
//! without it. On the canvas and in the blocks as bars, in the inspector as a list.

use ratatui::{
    layout::Rect,
    style::{Modifier, Style},
};

use super::{
    super::{
        app::App,
        paint::{
            pen::Pen,
            text,
            theme::{self, Role},
        },
    },
    steps::guess,
};
use crate::{
    canvas::{Cell, Slot},
    inspect::{Influence, InfluenceChange},
};

/// A change of a probability under this is not marked in the text, unless the argmax changes.
const LEAST_MARKED: f32 = 0.005;

/// How the token at a slot is marked in the text: the sign of the question, or a bar.
pub struct InfluenceMark {
    /// Signs and bar behind the token.
    pub signs: String,
    /// Their colour.
    pub role: Role,
    /// The argmax is another one without the token.
    pub changes: bool,
}

/// The bar of a change: the root of |Δ|, since small changes are the rule.
fn root(change: InfluenceChange) -> Option<f32> {
    Some(change.delta.abs().min(1.0).sqrt())
}

/// The mark of a slot while the question is shown: `?` at the position in question; else `−` where the
/// token speaks against the guess, `≠` where another is the best without it, and a bar.
pub fn mark(app: &App, slot: Slot) -> Option<InfluenceMark> {
    let influence = app.influence()?;
    if influence.slot == slot {
        let signs = app.theme.sign(theme::ASKED).to_owned();
        return Some(InfluenceMark { signs, role: Role::Strong, changes: false });
    }
    let change = influence.at(slot)?.1?;
    let changes = change.argmax.is_some();
    if change.delta.abs() < LEAST_MARKED && !changes {
        return None;
    }
    let mut signs = String::new();
    if changes {
        signs.push_str(app.theme.sign(theme::CHANGED));
    }
    if change.delta > 0.0 {
        signs.push_str(app.theme.sign(theme::AGAINST));
    }
    let p = root(change);
    signs.push_str(app.theme.heat_bar(p));
    Some(InfluenceMark { signs, role: Role::Heat(p), changes })
}

/// What the marks in the text mean, with their colours, while the question is shown.
pub fn legend(app: &App) -> Vec<(String, Role)> {
    if app.influence().is_none() {
        return Vec::new();
    }
    let theme = app.theme;
    let means = |sign, meaning: &str| format!(" {} {meaning} ", theme.sign(sign));
    vec![
        (means(theme::ASKED, "asked about"), Role::Strong),
        (format!(" {} influence ", theme.heat_bar(Some(0.6))), Role::Heat(Some(0.6))),
        (means(theme::CHANGED, "argmax changes"), Role::Warn),
        (means(theme::AGAINST, "speaks against"), Role::Dim),
    ]
}

/// Glyph and style of a position in the blocks while the question is shown: positions that were not
/// remasked are dots. Underlined: the token speaks against the guess.
pub fn cell(app: &App, cell: &Cell) -> Option<(&'static str, Style)> {
    let influence = app.influence()?;
    let theme = app.theme;
    if influence.slot == cell.slot {
        return Some((theme.sign(theme::ASKED), theme.style(Role::Strong)));
    }
    let Some((_, change)) = influence.at(cell.slot) else {
        return Some((theme.sign(theme::IDLE), theme.style(Role::Faint)));
    };
    let Some(change) = change else {
        return Some((theme.sign(theme::ABSENT), theme.style(Role::Dim)));
    };
    let (glyph, style) = match change.argmax {
        Some(_) => (theme.sign(theme::CHANGED), theme.style(Role::Warn)),
        None => (theme.heat_bar(root(change)), theme.style(Role::Heat(root(change)))),
    };
    Some(match change.delta > 0.0 {
        true => (glyph, style.add_modifier(Modifier::UNDERLINED)),
        false => (glyph, style),
    })
}

/// What the bars of the blocks are while the question is shown.
pub fn title(app: &App) -> Option<String> {
    let influence = app.influence()?;
    let (known, all) = (influence.known(), influence.sources.len());
    let ranked = influence.ranked();
    let changed = ranked.iter().filter(|(_, change)| change.argmax.is_some()).count();
    let most = ranked.first().map_or(0.0, |(_, change)| change.delta.abs());
    Some(format!("√|Δ| · most {most:.3} · ≠ {changed} · {known} of {all}"))
}

/// Draws the list at the position in question, and one line at others; returns the rows used.
pub fn draw(app: &App, pen: &mut Pen, room: Rect, here: Slot) -> u16 {
    let Some(influence) = app.influence() else { return 0 };
    if room.height == 0 {
        return 0;
    }
    if influence.slot != here {
        return pen.paragraph(room, &elsewhere(app, influence, here), Role::Dim);
    }
    let (known, all) = (influence.known(), influence.sources.len());
    let p = influence.whole.map_or("–".to_owned(), |whole| format!("{:.4}", whole.p));
    let heading = format!(
        "Influence “{}” {p} · step {} · {known}/{all}",
        guess(app, influence.token),
        influence.step
    );
    let heading = app.theme.say(&heading);
    let used = pen.paragraph(room, &heading, Role::Strong).min(room.height);
    let list = Rect { y: room.y + used, height: room.height - used, ..room };
    used + rows(app, pen, list, influence)
}

/// One line: what masking the token here does to the guess in question.
fn elsewhere(app: &App, influence: &Influence, here: Slot) -> String {
    let token = guess(app, influence.token);
    let place = match app.canvas().position(influence.slot) {
        Some(position) => format!("“{token}” at {position}"),
        None => format!("“{token}”"),
    };
    let text = match (influence.at(here), influence.whole) {
        (None, _) => format!("Influence on {place}: this position was not remasked."),
        (Some((source, Some(change))), Some(whole)) => {
            let after = source.without.map_or(whole.p, |without| without.p);
            let other = change.argmax.map_or(String::new(), |token| {
                format!(", and the argmax becomes “{}”", guess(app, token))
            });
            format!(
                "Influence on {place}: without this token p {:.4} → {after:.4} ({}){other}.",
                whole.p,
                change.words()
            )
        }
        (Some(_), _) => format!("Influence on {place}: the pass without this token is not known."),
    };
    app.theme.say(&text)
}

/// The tokens that were remasked, the greatest change first, as far as there is room.
fn rows(app: &App, pen: &mut Pen, room: Rect, influence: &Influence) -> u16 {
    // The numbers need 26 cells, and come first where the pane is narrow.
    let width = (room.width / 4).clamp(4, 14);
    let whole = influence.whole.map_or(0.0, |whole| whole.p);
    let mut used = 0;
    for (source, change) in influence.ranked() {
        if used >= room.height {
            break;
        }
        let y = room.y + used;
        let place = app.canvas().position(source.slot);
        let place = place.map_or(format!("#{}", source.slot.0), |position| position.to_string());
        let after = source.without.map_or(whole, |without| without.p);
        let numbers = format!("{whole:.4} → {after:.4} {:<8} ", change.words());
        pen.say(room.x, y, 5, &format!("{place:>4}"), Role::Dim);
        let name = text::fit(&guess(app, source.token), usize::from(width));
        pen.put(room.x + 5, y, width, &name, app.theme.style(Role::Text));
        let x = room.x + 5 + width + 1;
        let x = x + pen.say(x, y, room.right().saturating_sub(x), &numbers, Role::Text);
        let p = root(change);
        if x < room.right() {
            pen.glyph(x, y, app.theme.heat_bar(p), app.theme.style(Role::Heat(p)));
        }
        if let Some(token) = change.argmax {
            let other = format!("{} {}", app.theme.sign(theme::CHANGED), guess(app, token));
            pen.say(x + 2, y, room.right().saturating_sub(x + 2), &other, Role::Warn);
        }
        used += 1;
    }
    used
}
