//! What is written, what comes next: the text as it reads, with the draft the model has in mind.

use ratatui::{layout::Rect, style::Style};

use super::super::{
    app::{
        Action, App, TextColoring,
        interface::Effect,
        pane::{Pane, Region},
    },
    paint::{
        flow::{self, Flow, FlowPiece},
        pen::{self, Pen},
        text::{self, Glyph, GlyphKind, ShownToken},
        theme::{self, Role},
    },
};
use super::{PaneView, diagnosis, influence, legend, scrolled, welcome};
use crate::{
    canvas::{Cell, Origin, TokenId},
    decode::{Decision, Growth, Mode, PositionEffect},
    session::Pending,
};

/// Cells of the margin: block number and bar.
const MARGIN: u16 = 5;
/// Most cells of the token that comes in the place of another one.
const COMES: usize = 16;
/// A tail of end-of-sequence tokens this long is folded.
const FOLD: usize = 3;

/// What is written, what comes next.
pub struct CanvasPane;

impl Pane {
    pub const CANVAS: Self = Self::new(&CanvasPane);
}

impl PaneView for CanvasPane {
    fn title(&self) -> &'static str {
        "Canvas"
    }

    fn region(&self) -> Region {
        Region::Main
    }

    fn tab(&self) -> Option<&'static str> {
        None
    }

    fn rows(&self, app: &App) -> Option<usize> {
        Some(app.display.text_rows)
    }

    fn summary(&self, app: &App, _area: Rect) -> String {
        // The screen may have no room for the finding itself.
        let over = matches!(app.debugger.session.pending(), Pending::Done(_));
        match diagnosis::at_this_step(app).filter(|_| over) {
            Some(finding) => format!("{} · {}", next(app), finding.lint.name()),
            None => next(app),
        }
    }

    fn draw(&self, app: &App, pen: &mut Pen, area: Rect) {
        draw(app, pen, area);
    }

    fn act(&self, app: &mut App, action: Action, _effects: &mut Vec<Effect>) -> bool {
        (action == Action::Enter && diagnosis::enter(app)) || app.enter_position(action)
    }

    fn click(&self, app: &mut App, area: Rect, x: u16, y: u16) {
        if let Some(position) = hit(app, area, x, y) {
            let scroll = top(app, area);
            app.put(position);
            app.display.scroll = Some(scroll);
        }
    }

    fn wheel(&self, app: &mut App, area: Rect, down: bool) {
        app.display.scroll = Some(scrolled(top(app, area), down));
    }

    fn refresh(&self, app: &mut App) {
        diagnosis::refresh(app);
        let width =
            app.areas().and_then(|areas| areas.of(Pane::CANVAS)).map_or(0, |area| area.width);
        let width = text_width(width);
        let said = usize::from(diagnosis::at_this_step(app).map_or(0, |_| diagnosis::ROWS + 1));
        let below = legend::rows(app, width).len() + said + welcome::rows(app);
        // One row stays free below the text.
        app.display.text_rows = flow(app, width).rows.len() + 1 + below;
    }
}

/// Cells a row of text has in a pane this wide.
pub fn text_width(pane: u16) -> u16 {
    pane.saturating_sub(2 + MARGIN).max(1)
}

/// How sure the model is of a mask, as a glyph; a plain mask where nothing is known yet.
pub fn mask_glyph(app: &App, position: usize) -> &'static str {
    match app.confidence(position) {
        None if app.prediction().is_none() => app.theme.sign(theme::MASK),
        p => app.theme.heat_bar(p),
    }
}

/// The canvas laid out in rows of `width` cells.
pub fn flow(app: &App, width: u16) -> Flow {
    let ascii = app.theme.ascii();
    let canvas = app.canvas();
    let special = canvas.special();
    let shown = |id: TokenId| ShownToken::of(&*app.debugger.vocabulary, id);

    let fixed = |ids: &[TokenId]| -> Vec<ShownToken> {
        let mut all: Vec<ShownToken> = ids.iter().map(|&id| shown(id)).collect();
        text::joined(&mut all);
        all
    };
    let prompt = fixed(canvas.prompt());
    // An answer starts on a line of its own, unless a text just goes on around it.
    let plain = !prompt.iter().any(|shown| matches!(shown, ShownToken::Name(_)));
    let apart = !(plain && canvas.has_text_behind());
    // A chat template's newlines after its control tokens are shown, but take no rows.
    let mut template = false;
    let mut pieces: Vec<FlowPiece> = prompt
        .iter()
        .map(|shown| {
            let mut glyphs = shown.glyphs(ascii);
            template |= matches!(shown, ShownToken::Name(_));
            for glyph in &mut glyphs {
                match glyph.kind {
                    GlyphKind::Newline if template => glyph.kind = GlyphKind::StandIn,
                    GlyphKind::StandIn => {}
                    _ => template = false,
                }
            }
            FlowPiece { position: None, glyphs, marker: None, folded: None }
        })
        .collect();

    let tail = canvas.tail();
    // What is about to change is not folded away.
    let changes = |at: usize| rewrites(app, at).is_some();
    let folds = canvas.len() - tail >= FOLD && !(tail..canvas.len()).any(changes);
    let mut run: Vec<ShownToken> = Vec::with_capacity(canvas.len());
    for (position, cell) in canvas.cells().iter().enumerate() {
        // Masks break a run: a guess does not complete a written character.
        run.push(if cell.token == special.mask || cell.token == special.eos {
            ShownToken::Name(String::new())
        } else {
            shown(cell.token)
        });
        if folds && position >= tail {
            break;
        }
    }
    text::joined(&mut run);

    let sign = |sign: theme::Sign| {
        let symbol = app.theme.sign(sign).into();
        vec![Glyph { symbol, width: 1, kind: GlyphKind::StandIn }]
    };
    for (position, cell) in canvas.cells().iter().enumerate() {
        if folds && position >= tail {
            let many = canvas.len() - tail;
            let folded = app.theme.say(&format!("⟨EOS ×{many}⟩"));
            pieces.push(FlowPiece {
                position: Some(position),
                glyphs: folded_glyphs(&folded),
                marker: None,
                folded: Some(canvas.len() - 1),
            });
            break;
        }
        let effect = app.effect(position);
        let mut mark = String::new();
        if let Some((sign, _)) = rewrites(app, position) {
            mark.push_str(app.theme.sign(sign));
        }
        if let Some(PositionEffect::Insert { n, .. }) = effect {
            mark.push_str(&format!("+{n}"));
        }
        if let Some(PositionEffect::Replace { token, .. }) = effect {
            mark.push_str(&text::fit(&shown(token).label(ascii), COMES));
        }
        let glyphs = if cell.token != special.mask {
            if cell.token == special.eos { sign(theme::EOS) } else { run[position].glyphs(ascii) }
        } else {
            let filled = matches!(effect, Some(PositionEffect::Fill { .. }));
            if let Some(PositionEffect::Expand { n, .. }) = effect {
                mark = format!("{}+{}", app.theme.sign(theme::EXPANDS), n.saturating_sub(1));
            }
            match app.token_at(position) {
                Some(token) if token == special.eos && (filled || app.display.ghost) => {
                    sign(theme::EOS)
                }
                Some(token) if filled || app.display.ghost => shown(token).glyphs(ascii),
                _ => {
                    let symbol = mask_glyph(app, position).into();
                    vec![Glyph { symbol, width: 1, kind: GlyphKind::StandIn }]
                }
            }
        };
        mark.push_str(&asked(app, cell));
        // Without colour the order stands behind the token.
        if app.theme.colourless()
            && let Some(moment) = moment(app, cell)
        {
            mark.push_str(app.theme.heat_bar(Some(moment)));
        }
        if let Some(moved) = influence::mark(app, cell.slot) {
            mark.push_str(&moved.signs);
        }
        let marker = (!mark.is_empty()).then(|| {
            let width = u16::try_from(text::width(&mark)).unwrap_or(1);
            Glyph { symbol: mark.into(), width, kind: GlyphKind::StandIn }
        });
        pieces.push(FlowPiece { position: Some(position), glyphs, marker, folded: None });
    }
    pieces.extend(fixed(canvas.suffix()).iter().map(|shown| {
        let glyphs = shown.glyphs(ascii);
        FlowPiece { position: None, glyphs, marker: None, folded: None }
    }));
    flow::lay(pieces, width, apart)
}

/// Moves the cursor a row up or down, in the rows of the canvas.
pub fn move_by_row(app: &mut App, down: bool) {
    let to = row_above_or_below(app, down).unwrap_or(app.display.position);
    app.put(to.min(app.canvas().len().saturating_sub(1)));
}

fn row_above_or_below(app: &App, down: bool) -> Option<usize> {
    let width = app.areas()?.of(Pane::CANVAS).map_or(app.display.width, |area| area.width);
    let flow = flow(app, text_width(width));
    let (row, x) = flow.place(app.display.position)?;
    let row = if down { row + 1 } else { row.checked_sub(1)? };
    flow.nearest(row, x)
}

/// How it is shown that the pending step takes the token of a written position away: to mask it
/// again, or for another one.
pub fn rewrites(app: &App, position: usize) -> Option<(theme::Sign, Role)> {
    match app.effect(position)? {
        PositionEffect::Remask { .. } | PositionEffect::Delete => {
            Some((theme::REMASKS, Role::Remask))
        }
        PositionEffect::Insert { .. } => Some((theme::EXPANDS, Role::Expand)),
        PositionEffect::Replace { .. } => Some((theme::REPLACES, Role::Replace)),
        PositionEffect::Fill { .. } | PositionEffect::Expand { .. } => None,
    }
}

/// Signs for what the user asks of a position.
fn asked(app: &App, cell: &Cell) -> String {
    let vetoed = app.canvas().vetoes_at(cell.slot).next().is_some();
    let signs = [
        (cell.overridden.pinned, theme::PINNED),
        (vetoed, theme::VETOED),
        (cell.overridden.expand == Some(false), theme::FORBIDDEN),
    ];
    signs.into_iter().filter(|(on, _)| *on).map(|(_, sign)| app.theme.sign(sign)).collect()
}

/// True if the user wrote the token of a cell.
fn by_hand(app: &App, cell: &Cell) -> bool {
    let step = cell.filled.and_then(|step| app.history.moments.get(step as usize));
    step.is_some_and(|moment| moment.edited)
}

/// When a step unmasked a cell, among the steps of the branch, 0..=1; `None` where the text is not
/// coloured by order, or no step unmasked it.
fn moment(app: &App, cell: &Cell) -> Option<f32> {
    if app.display.coloring != TextColoring::Order || cell.token == app.canvas().special().mask {
        return None;
    }
    Some(cell.filled? as f32 / app.history.steps().max(1) as f32)
}

fn folded_glyphs(text: &str) -> Vec<Glyph> {
    let width = u16::try_from(text::width(text)).unwrap_or(1);
    vec![Glyph { symbol: text.into(), width, kind: GlyphKind::StandIn }]
}

/// True if the step on record changes a position and the pending one, under changed parameters,
/// does not.
pub fn lost(app: &App, position: usize) -> bool {
    if !app.debugger.params_changed() {
        return false;
    }
    let changes = |decision: &Decision| {
        decision.verdicts.get(position).is_some_and(|verdict| verdict.effect().is_some())
    };
    app.recorded_next().is_some_and(changes) && !app.decision().is_some_and(changes)
}

/// The style of a position.
fn style(app: &App, position: usize) -> Style {
    let canvas = app.canvas();
    let special = canvas.special();
    let Some(cell) = canvas.cells().get(position) else { return Style::new() };
    if cell.is_given() {
        return app.theme.style(Role::Prompt);
    }
    let theme = app.theme;
    if cell.token != special.mask && lost(app, position) {
        return theme.style(Role::Lost);
    }
    if let Some((_, role)) = rewrites(app, position) {
        return theme.style(role);
    }
    let moment = moment(app, cell);
    if cell.token == special.eos && moment.is_none() {
        return theme.style(Role::Eos);
    }
    if cell.token != special.mask {
        if let Some(moment) = moment {
            return theme.style(Role::Heat(Some(moment)));
        }
        let p = cell.filled.and_then(|step| app.history.confidence(cell.slot, step));
        let written = theme.style(Role::Written(p));
        return if by_hand(app, cell) {
            written.add_modifier(ratatui::style::Modifier::UNDERLINED)
        } else {
            written
        };
    }
    let base = match app.effect(position) {
        _ if lost(app, position) => theme.style(Role::Lost),
        Some(PositionEffect::Fill { .. }) => theme.style(Role::Fill),
        Some(PositionEffect::Expand { .. } | PositionEffect::Insert { .. }) => {
            theme.style(Role::Expand)
        }
        Some(PositionEffect::Delete) => theme.style(Role::Remask),
        _ => theme.style(Role::Ghost(app.confidence(position))),
    };
    if matches!(cell.origin, Origin::Inserted { .. } | Origin::ByHand { .. }) {
        base.add_modifier(ratatui::style::Modifier::UNDERLINED)
    } else {
        base
    }
}

/// First row shown: the wheel's, or the one that keeps the cursor in the middle.
fn first_row(app: &App, flow: &Flow, rows: usize) -> usize {
    let most = flow.rows.len().saturating_sub(rows);
    let cursor = flow.place(app.display.position).map_or(0, |(row, _)| row);
    app.display.scroll.unwrap_or_else(|| cursor.saturating_sub(rows / 2)).min(most)
}

/// The row at the top of the pane.
pub fn top(app: &App, area: Rect) -> usize {
    let flow = flow(app, text_width(area.width));
    first_row(app, &flow, usize::from(pen::inner(area).height))
}

/// The position under a cell of the pane.
pub fn hit(app: &App, area: Rect, x: u16, y: u16) -> Option<usize> {
    let inside = pen::inner(area);
    let flow = flow(app, text_width(area.width));
    let first = first_row(app, &flow, usize::from(inside.height));
    let row = first + usize::from(y.checked_sub(inside.y)?);
    let x = x.checked_sub(inside.x + MARGIN)?;
    flow.hit(row, x).or_else(|| flow.nearest(row, x))
}

/// What comes next, in a few words.
pub fn next(app: &App) -> String {
    let legend = match app.debugger.session.pending() {
        Pending::Decided { decision, .. } => {
            let fills = decision.fills().count();
            let mut parts = Vec::new();
            if fills > 0 {
                parts.push(format!("fills {fills}"));
            }
            let remasks = decision.remasks().count();
            if remasks > 0 {
                parts.push(format!("remasks {remasks}"));
            }
            let replaced = decision.replacements().count();
            if replaced > 0 {
                parts.push(format!("replaces {replaced}"));
            }
            let deleted = decision.deletions().count();
            if deleted > 0 {
                parts.push(format!("deletes {deleted}"));
            }
            match (decision.growth, decision.expansions().next()) {
                (_, None) if deleted > 0 => {}
                (_, Some(position)) => parts.push(format!("expands {position}")),
                (Growth::To(to), None) if decision.mode == Mode::Settle => {
                    parts.push(match to.checked_sub(app.canvas().len()) {
                        Some(0) => "stage 2".to_owned(),
                        Some(more) => format!("stage 2, +{more} EOS"),
                        None => format!("stage 2, cut to {to}"),
                    });
                }
                (_, None) if decision.mode == Mode::Settle => {
                    parts.push("stage 2".to_owned());
                }
                (Growth::To(to), None) if to < app.canvas().len() => {
                    parts.push(format!("cut to {to}"));
                }
                (Growth::To(to), None) => parts.push(format!("grows to {to}")),
                _ => {}
            }
            if parts.is_empty() { "changes nothing".to_owned() } else { parts.join(" · ") }
        }
        _ if app.awaits_step() => app.debugger.awaited().to_owned(),
        Pending::Wanted { .. } if app.debugger.live => "…".to_owned(),
        Pending::Wanted { .. } => String::new(),
        Pending::Done(finish) => finish.name().to_owned(),
        Pending::Failed(_) => "cannot go on".to_owned(),
    };
    let over = matches!(app.debugger.session.pending(), Pending::Done(_)) || app.awaits_step();
    if legend.is_empty() || over { legend } else { format!("next: {legend}") }
}

/// Draws the text of the pane at `area`, under its heading.
fn draw(app: &App, pen: &mut Pen, area: Rect) {
    let inside = pen::inner(area);
    if inside.height == 0 || inside.width <= MARGIN {
        return;
    }
    let flow = flow(app, text_width(area.width));
    let rows = usize::from(inside.height);
    let first = first_row(app, &flow, rows);
    let cursor = flow.piece_of(app.display.position);
    let blocks_of = app.blocks();
    let current = app.debugger.session.phase().block;
    let moved = |at: usize| influence::mark(app, app.canvas().cells().get(at)?.slot);
    let mut before = None;
    for (index, row) in flow.rows.iter().enumerate().take(first + rows) {
        let positions = || {
            row.iter().filter(|placed| !placed.marker).filter_map(|placed| {
                let piece = &flow.pieces[placed.piece];
                piece.position.map(|first| (first, piece.folded.unwrap_or(first)))
            })
        };
        let blocks = positions()
            .next()
            .zip(positions().next_back())
            .map(|((start, _), (_, end))| (blocks_of.index(start), blocks_of.index(end)));
        if index >= first {
            let y = inside.y + u16::try_from(index - first).unwrap_or(0);
            if let Some(blocks) = blocks {
                margin(app, pen, inside.x, y, blocks, before, current.as_ref());
            }
            for placed in row {
                let piece = &flow.pieces[placed.piece];
                let x = inside.x + MARGIN + placed.x;
                let mut style = match piece.position {
                    None => app.theme.style(Role::Prompt),
                    Some(at) if placed.marker => app.theme.style(match rewrites(app, at) {
                        Some((_, Role::Replace)) => Role::Replace,
                        _ => moved(at).map_or(Role::ExpandInk, |moved| moved.role),
                    }),
                    Some(position) => style(app, position),
                };
                let changed = |at: usize| {
                    let compared = app.apart().and_then(|apart| apart.positions.get(at).copied());
                    compared.flatten().is_some_and(|compared| compared.changed)
                };
                let changed =
                    |at: usize| changed(at) || moved(at).is_some_and(|moved| moved.changes);
                let differs = |at: usize| app.display.differs.get(at) == Some(&true) || changed(at);
                if piece.position.is_some_and(|at| app.display.search.covers(at) || differs(at)) {
                    style = app.theme.matched(style);
                }
                if cursor == Some(placed.piece) && !placed.marker {
                    style = app.theme.cursor(style);
                }
                pen.glyph(x, y, &placed.glyph.symbol, style);
            }
        }
        before = blocks.map(|(_, last)| last).or(before);
    }
    if flow.rows.len() > rows {
        scrollbar(pen, area, first, rows, flow.rows.len());
    }
    // One row stays free below the text.
    let used = u16::try_from(flow.rows.len() + 1).unwrap_or(u16::MAX);
    let Some(free) = inside.height.checked_sub(used).filter(|&free| free > 0) else { return };
    let left = inside.x + MARGIN;
    let mut below = Rect {
        x: left,
        y: inside.y + used,
        width: inside.right().saturating_sub(left),
        height: free,
    };
    let legend = legend::rows(app, below.width);
    let rows = u16::try_from(legend.len()).unwrap_or(u16::MAX);
    let said = diagnosis::at_this_step(app).is_some();
    if rows + u16::from(said) * (diagnosis::ROWS + 1) <= free {
        below.height -= rows;
        for (y, samples) in (below.bottom()..).zip(&legend) {
            legend::draw(pen, Rect { y, height: 1, ..below }, samples);
        }
        // A free row keeps the finding and the legend apart.
        below.height -= u16::from(said);
    }
    below.height -= diagnosis::draw(app, pen, below);
    if below.height > 0 {
        welcome::welcome(app, pen, below);
    }
}

/// The numbers of the blocks that start in a row, and a bar: thick beside the block in work.
fn margin(
    app: &App,
    pen: &mut Pen,
    x: u16,
    y: u16,
    (first, last): (usize, usize),
    before: Option<usize>,
    current: Option<&std::ops::Range<usize>>,
) {
    let work = current
        .filter(|current| !current.is_empty())
        .map(|current| app.blocks().index(current.start))
        .is_some_and(|block| (first..=last).contains(&block));
    let starts = if before == Some(first) { first + 1 } else { first };
    if starts <= last {
        let (from, to) = (starts + 1, last + 1);
        let range = format!("{from}–{to}");
        let text = match from == to {
            true => from.to_string(),
            false if text::width(&range) <= 3 => range,
            false => format!("{from}…"),
        };
        let role = if work { Role::Strong } else { Role::Dim };
        pen.say(x, y, 3, &format!("{text:>3}"), role);
    }
    if work {
        pen.sign(x + 3, y, theme::THICK, Role::FillInk);
    } else {
        pen.sign(x + 3, y, theme::VERTICAL, Role::Faint);
    }
}

/// Where in a longer text the rows shown are.
pub fn scrollbar(pen: &mut Pen, area: Rect, first: usize, rows: usize, all: usize) {
    let height = usize::from(area.height.saturating_sub(1));
    if height == 0 || all == 0 || area.width == 0 {
        return;
    }
    let from = first * height / all;
    let to = ((first + rows) * height).div_ceil(all).max(from + 1).min(height);
    for row in from..to {
        let y = area.y + 1 + u16::try_from(row).unwrap_or(0);
        pen.sign(area.right() - 1, y, theme::THUMB, Role::Faint);
    }
}
