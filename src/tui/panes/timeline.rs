//! How it came to this: one column a step, one line a branch, and the same on one line.

use std::ops::Range;

use ratatui::layout::Rect;

use super::{
    super::{
        app::{
            Action, App, branches,
            history::Moment,
            interface::Effect,
            pane::{Pane, Region},
        },
        paint::{
            pen::{self, Pen},
            text,
            theme::{self, Role},
        },
    },
    KeyHint, PaneView,
    chart::{Axis, ChartBar, bars},
};
use crate::{decode::Mode, session::NodeId};

/// How it came to this: the steps and the branches.
pub struct TimelinePane;

impl Pane {
    pub const TIMELINE: Self = Self::new(&TimelinePane);
}

impl PaneView for TimelinePane {
    fn title(&self) -> &'static str {
        "Timeline"
    }

    fn region(&self) -> Region {
        Region::LowerLeft
    }

    fn summary(&self, app: &App, _area: Rect) -> String {
        format!("step {} of {}", app.step(), app.history.steps())
    }

    fn draw(&self, app: &App, pen: &mut Pen, area: Rect) {
        draw(app, pen, area);
    }

    fn hints(&self) -> &'static [KeyHint] {
        &[
            (&[Action::Left, Action::Right], "over known steps"),
            (&[Action::Up, Action::Down], "branch"),
        ]
    }

    fn act(&self, app: &mut App, action: Action, _effects: &mut Vec<Effect>) -> bool {
        match action {
            Action::Left | Action::Right => app.go_one_step(action == Action::Right),
            Action::Up | Action::Down => app.change_branch(action == Action::Down),
            _ => return false,
        }
        true
    }

    fn click(&self, app: &mut App, area: Rect, x: u16, y: u16) {
        if let Some(node) = hit(app, area, x, y) {
            app.go(node);
        }
    }

    fn wheel(&self, app: &mut App, _area: Rect, down: bool) {
        app.go_one_step(down);
    }
}

/// The most branches that are shown.
const BRANCH_ROWS: usize = 4;
/// Longest name of a branch.
const NAME: usize = 24;

/// The steps of a column, reduced.
struct ChartColumn {
    fills: usize,
    expansions: usize,
    dropped: usize,
    remasks: usize,
    replaced: usize,
    appended: usize,
    stuck: bool,
    fallback: bool,
    stage: Option<u8>,
    block: Option<usize>,
}

fn column(app: &App, axis: Axis, column: u16) -> ChartColumn {
    let steps = axis.steps(column);
    let moments: Vec<&Moment> = steps.filter_map(|step| app.history.moments.get(step)).collect();
    let made: Vec<_> = moments.iter().filter_map(|moment| moment.made.as_ref()).collect();
    ChartColumn {
        fills: made.iter().map(|made| made.fills).max().unwrap_or(0),
        expansions: made.iter().map(|made| made.expansions).sum(),
        dropped: made.iter().map(|made| made.dropped).sum(),
        remasks: made.iter().map(|made| made.remasks).sum(),
        replaced: made.iter().map(|made| made.replaced).sum(),
        appended: made.iter().map(|made| made.appended).sum(),
        stuck: made.iter().any(|made| made.mode == Mode::Stuck),
        fallback: !made.is_empty() && made.iter().all(|made| made.mode == Mode::Fallback),
        stage: moments.last().map(|moment| moment.stage),
        block: moments.last().and_then(|moment| moment.block),
    }
}

impl ChartColumn {
    fn role(&self) -> Role {
        match self {
            Self { stuck: true, .. } => Role::Stuck,
            Self { expansions: 1.., .. } => Role::ExpandInk,
            Self { fills: 0, replaced: 1.., .. } => Role::Replace,
            Self { fallback: true, .. } => Role::Quiet,
            _ => Role::FillInk,
        }
    }
}

/// The most fills of a step on the branch: the height of the charts.
fn most_fills(app: &App) -> usize {
    let made = app.history.moments.iter().filter_map(|moment| moment.made.as_ref());
    // A run that fills one at a time is not drawn as a wall.
    made.map(|made| made.fills).max().unwrap_or(0).max(4)
}

/// Words before the strip.
fn strip_label(app: &App) -> String {
    format!(" step {}/{} ", app.step(), app.history.steps())
}

fn strip_area(app: &App, area: Rect) -> Rect {
    let label = u16::try_from(strip_label(app).len()).unwrap_or(0);
    Rect { x: area.x + label.min(area.width), width: area.width.saturating_sub(label + 1), ..area }
}

/// The step under a cell of the strip.
pub fn strip_hit(app: &App, area: Rect, x: u16) -> Option<usize> {
    let cells = strip_area(app, area);
    let axis = Axis::narrow(app.history.moments.len(), cells.width);
    axis.hit(x.checked_sub(cells.x)?)
}

/// The timeline on one line.
pub fn strip(app: &App, pen: &mut Pen, area: Rect) {
    pen.say(area.x, area.y, area.width, &strip_label(app), Role::Dim);
    let cells = strip_area(app, area);
    let axis = Axis::narrow(app.history.moments.len(), cells.width);
    let most = most_fills(app);
    for at in 0..axis.columns().min(cells.width) {
        let summary = column(app, axis, at);
        let glyph = match &summary {
            ChartColumn { dropped: 1.., .. } => pen.theme.sign(theme::DROPS),
            ChartColumn { fills: 0, expansions: 1.., .. } => pen.theme.sign(theme::EXPANDS),
            ChartColumn { fills: 0, remasks: 1.., .. } => pen.theme.sign(theme::REMASKS),
            ChartColumn { fills: 0, replaced: 1.., .. } => pen.theme.sign(theme::REPLACES),
            ChartColumn { fills: 0, appended: 1.., .. } => pen.theme.sign(theme::GROWS),
            ChartColumn { fills: 0, .. } => pen.theme.sign(theme::IDLE),
            ChartColumn { fills, .. } => pen.theme.bar((fills * 8).div_ceil(most)),
        };
        let role = match &summary {
            ChartColumn {
                fills: 0,
                expansions: 0,
                dropped: 0,
                remasks: 0,
                replaced: 0,
                appended: 0,
                ..
            } => Role::Quiet,
            ChartColumn { dropped: 1.., .. } => Role::Bad,
            summary => summary.role(),
        };
        let style = pen.theme.style(role);
        let here = axis.column(app.step() as usize) == at;
        let style = if here { pen.theme.cursor(style) } else { style };
        pen.glyph(cells.x + at, area.y, glyph, style);
    }
}

/// Where the parts of the pane lie.
struct TimelineParts {
    bounds: Rect,
    chart: Rect,
    events: Rect,
    axis_row: Rect,
    branches: Rect,
    axis: Axis,
}

/// Cells of the labels at the left.
const LABEL: u16 = 8;

fn parts(app: &App, inside: Rect) -> TimelineParts {
    let tips = shown(app).len();
    let branches = if tips > 1 { tips.min(BRANCH_ROWS) } else { 0 };
    let branches = u16::try_from(branches).unwrap_or(0).min(inside.height.saturating_sub(4));
    let x = inside.x + LABEL.min(inside.width);
    let width = inside.width.saturating_sub(LABEL);
    let row = |y: u16, height: u16| {
        let y = y.min(inside.bottom());
        Rect { x, width, y, height: height.min(inside.bottom() - y) }
    };
    let fixed = 3 + branches;
    let chart = inside.height.saturating_sub(fixed).max(1);
    TimelineParts {
        bounds: row(inside.y, 1),
        chart: row(inside.y + 1, chart),
        events: row(inside.y + 1 + chart, 1),
        axis_row: row(inside.y + 2 + chart, 1),
        branches: row(inside.y + 3 + chart, branches),
        axis: Axis::new(app.history.moments.len().max(longest(app)), width),
    }
}

/// Nodes of the longest branch, so that all share the axis.
fn longest(app: &App) -> usize {
    let timeline = app.debugger.session.timeline();
    if shown(app).len() < 2 {
        return 0;
    }
    timeline.tips().into_iter().map(|tip| timeline[tip].depth as usize + 1).max().unwrap_or(0)
}

/// The branches shown, by their tips: the newest, and always the branch on screen.
fn shown(app: &App) -> Vec<NodeId> {
    let tips = app.debugger.session.timeline().tips();
    let here = app.history.moments.last().map(|moment| moment.node);
    let newest = tips.len().saturating_sub(BRANCH_ROWS);
    let mut shown: Vec<NodeId> = tips[newest..].to_vec();
    if let Some(here) = here.filter(|here| !shown.contains(here) && tips.contains(here)) {
        if let Some(first) = shown.first_mut() {
            *first = here;
        }
        shown = tips.into_iter().filter(|tip| shown.contains(tip)).collect();
    }
    shown
}

/// The node under a cell of the pane.
fn hit(app: &App, area: Rect, x: u16, y: u16) -> Option<NodeId> {
    let parts = parts(app, pen::inner(area));
    let column = x.checked_sub(parts.chart.x)?;
    if parts.branches.contains((x, y).into()) {
        let tip = *shown(app).get(usize::from(y - parts.branches.y))?;
        let path = app.debugger.session.timeline().path(tip);
        return path.get(parts.axis.hit(column)?).or(path.last()).copied();
    }
    let step = parts.axis.hit(column)?.min(app.history.steps());
    app.history.moments.get(step).map(|moment| moment.node)
}

/// Draws what is under the heading.
fn draw(app: &App, pen: &mut Pen, area: Rect) {
    let inside = pen::inner(area);
    if inside.height == 0 || inside.width <= LABEL {
        return;
    }
    let parts = parts(app, inside);
    let columns = parts.axis.columns();
    let most = most_fills(app);
    bounds(app, pen, &parts, columns);
    pen.say(inside.x, parts.chart.y, LABEL - 1, &format!("{most:>4}"), Role::Dim);
    if parts.chart.height > 1 {
        pen.say(inside.x, parts.chart.bottom() - 1, LABEL - 1, "  fills", Role::Dim);
    }
    bars(pen, parts.chart, parts.axis, |at| {
        let summary = column(app, parts.axis, at);
        ChartBar {
            value: (summary.fills > 0).then(|| summary.fills as f32 / most as f32),
            line: None,
            role: match summary.role() {
                Role::ExpandInk => Role::FillInk,
                role => role,
            },
        }
    });
    if parts.events.height > 0 {
        pen.say(inside.x, parts.events.y, LABEL - 1, " length", Role::Dim);
        for at in 0..columns {
            let summary = column(app, parts.axis, at);
            let x = parts.events.x.saturating_add(parts.axis.cell(at));
            if summary.dropped > 0 {
                pen.sign(x, parts.events.y, theme::DROPS, Role::Bad);
            } else if summary.expansions > 0 {
                pen.sign(x, parts.events.y, theme::EXPANDS, Role::ExpandInk);
            } else if summary.remasks > 0 {
                pen.sign(x, parts.events.y, theme::REMASKS, Role::Warn);
            } else if summary.replaced > 0 {
                pen.sign(x, parts.events.y, theme::REPLACES, Role::Replace);
            } else if summary.appended > 0 {
                pen.sign(x, parts.events.y, theme::GROWS, Role::FillInk);
            }
        }
    }
    marks(app, pen, &parts, columns);
    playhead(app, pen, &parts);
    draw_branches(app, pen, inside, &parts);
}

/// Stages and blocks over the columns where they begin; in short where the next is near.
fn bounds(app: &App, pen: &mut Pen, parts: &TimelineParts, columns: u16) {
    let mut before = (None, None);
    let mut found: Vec<(u16, String, String)> = Vec::new();
    for at in 0..columns {
        let summary = column(app, parts.axis, at);
        let now = (summary.stage, summary.block);
        let (long, short) = match now {
            _ if now == before => continue,
            (Some(stage), _) if before.0 != now.0 => {
                (format!("stage {stage}"), format!("s{stage}"))
            }
            (_, Some(block)) => (format!("block {block}"), format!("{block}")),
            _ => continue,
        };
        before = now;
        found.push((parts.bounds.x.saturating_add(parts.axis.cell(at)), long, short));
    }
    for (at, (x, long, short)) in found.iter().enumerate() {
        let end = found.get(at + 1).map_or(parts.bounds.right(), |next| next.0);
        let room = end.saturating_sub(x + 1);
        pen.sign(*x, parts.bounds.y, theme::VERTICAL, Role::Faint);
        let fits = |text: &String| text.len() < usize::from(room);
        if let Some(text) = [long, short].into_iter().find(|text| fits(text)) {
            pen.say(x + 1, parts.bounds.y, room, text, Role::Dim);
        }
    }
}

/// Bookmarks, stops and edits under the columns of their steps.
fn marks(app: &App, pen: &mut Pen, parts: &TimelineParts, columns: u16) {
    if parts.axis_row.height == 0 {
        return;
    }
    let timeline = app.debugger.session.timeline();
    for at in 0..columns {
        let moments = parts.axis.steps(at).filter_map(|step| app.history.moments.get(step));
        let mut mark = None;
        for moment in moments {
            mark = match () {
                () if timeline.bookmark(moment.node).is_some() => {
                    Some((theme::BOOKMARK, Role::Key))
                }
                () if timeline.notes_at(moment.node).next().is_some() => {
                    Some((theme::NOTE, Role::Warn))
                }
                () if app.running.stops.contains(&moment.node) => Some((theme::STOPPED, Role::Bad)),
                () if moment.edited => Some((theme::EDITED, Role::Warn)),
                () => mark,
            };
        }
        if let Some((sign, role)) = mark {
            let x = parts.axis_row.x.saturating_add(parts.axis.cell(at));
            pen.sign(x, parts.axis_row.y, sign, role);
        }
    }
}

/// The step stood at, under the chart.
fn playhead(app: &App, pen: &mut Pen, parts: &TimelineParts) {
    let here = app.step() as usize;
    let x = parts.chart.x.saturating_add(parts.axis.cell(parts.axis.column(here)));
    if x >= parts.chart.right() {
        return;
    }
    pen.playhead(x..x + parts.axis.bar(), parts.chart.y..parts.events.bottom());
    if parts.axis_row.height == 0 {
        return;
    }
    pen.sign(x, parts.axis_row.y, theme::PLAYHEAD, Role::Key);
    let number = here.to_string();
    let after = parts.axis_row.right().saturating_sub(x + 2);
    if usize::from(after) >= number.len() {
        pen.say(x + 2, parts.axis_row.y, after, &number, Role::Strong);
    }
}

/// Branches: where each leaves an older one, how long it is.
fn draw_branches(app: &App, pen: &mut Pen, inside: Rect, parts: &TimelineParts) {
    let timeline = app.debugger.session.timeline();
    let tips = timeline.tips();
    let current: std::collections::HashSet<NodeId> =
        app.history.moments.iter().map(|moment| moment.node).collect();
    for (row, tip) in shown(app).into_iter().enumerate() {
        let y = parts.branches.y + u16::try_from(row).unwrap_or(u16::MAX);
        if y >= parts.branches.bottom() {
            break;
        }
        let path = timeline.path(tip);
        let fork = branches::fork(app, tip);
        let number = tips.iter().position(|&other| other == tip).map_or(row, |at| at) + 1;
        let on = current.contains(&tip);
        let role = if on { Role::Key } else { Role::Dim };
        pen.say(inside.x, y, LABEL - 1, &format!(" br. {number}"), role);
        let (from, to) = (
            parts.axis.cell(parts.axis.column(fork.saturating_sub(1))),
            parts.axis.cell(parts.axis.column(path.len().saturating_sub(1))),
        );
        for at in from..=to {
            let x = parts.branches.x + at;
            if x >= parts.branches.right() {
                break;
            }
            let sign = match at {
                at if at == to => theme::DOT,
                at if at == from && fork > 0 => theme::FORK,
                _ => theme::HORIZONTAL,
            };
            pen.sign(x, y, sign, role);
        }
        name(app, pen, Rect { y, height: 1, ..parts.branches }, tip, from..to);
    }
}

/// A branch's name, behind its end, else before its start, else on it.
fn name(app: &App, pen: &mut Pen, line: Rect, tip: NodeId, drawn: Range<u16>) {
    let name = pen.theme.say(&text::fit(&branches::name(app, tip), NAME));
    let cells = u16::try_from(text::width(&name)).unwrap_or(u16::MAX);
    if cells == 0 {
        return;
    }
    let on = if line.width.saturating_sub(drawn.end) > cells + 2 {
        drawn.end + 2
    } else if drawn.start > cells + 1 {
        drawn.start - cells - 1
    } else if drawn.end.saturating_sub(drawn.start) > cells + 5 {
        let on = drawn.start + 3;
        pen.say(line.x + on - 1, line.y, cells + 2, &format!(" {name} "), Role::Text);
        return;
    } else {
        return;
    };
    pen.say(line.x + on, line.y, cells, &name, Role::Text);
}
