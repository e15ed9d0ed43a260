//! What went wrong in a run, and what to do: on the canvas, at the end of the run and where it went
//! wrong.

use ratatui::layout::Rect;

use super::super::{
    app::{Action, App},
    paint::{pen::Pen, theme::Role},
};
use crate::{inspect::Finding, session::Pending};

/// Rows for a finding, the keys to it and its advice.
pub const ROWS: u16 = 5;

/// Steps times positions up to which a run is looked over without being asked for: the interface waits
/// for it.
const LOOKED_OVER: usize = 1 << 16;

/// Looks the branch over where its end is known, which it is not while the run goes on.
pub fn refresh(app: &mut App) {
    let over = matches!(app.debugger.session.pending(), Pending::Done(_));
    let replayed = !app.debugger.live && app.reading.is_none();
    let cells = app.history.moments.len().saturating_mul(app.canvas().len());
    if (over || replayed) && cells <= LOOKED_OVER {
        app.diagnose();
    }
}

/// What is to be said of the step stood at: at the end the first finding, before a step what is wrong
/// with it.
pub fn at_this_step(app: &App) -> Option<&Finding> {
    let findings = app.findings();
    let here = app.step() as usize;
    match here == app.history.steps() {
        true => findings.first(),
        false => findings.iter().find(|finding| finding.before() == Some(here)),
    }
}

/// At the end of the run, goes to the step before the one that went wrong; false where there is none.
pub fn enter(app: &mut App) -> bool {
    let here = app.step() as usize;
    let Some(finding) = at_this_step(app).filter(|_| app.display.follow) else { return false };
    let Some(step) = finding.before().filter(|&step| step < here) else { return false };
    let position = finding.positions.first().copied();
    app.go_step(step);
    if let Some(position) = position {
        app.put(position);
    }
    true
}

/// Draws it at the foot of `area`; the rows used.
pub fn draw(app: &App, pen: &mut Pen, area: Rect) -> u16 {
    let Some(finding) = at_this_step(app) else { return 0 };
    let rows = area.height.min(ROWS);
    let mut free = Rect { y: area.bottom() - rows, height: rows, ..area };
    for (text, role) in [
        (finding.to_string(), Role::Warn),
        (keys(app, finding), Role::Key),
        (format!("→ {}", finding.advice), Role::Dim),
    ] {
        if text.is_empty() || free.height == 0 {
            continue;
        }
        let used = pen.paragraph(Rect { height: free.height.min(2), ..free }, &text, role);
        free = Rect { y: free.y + used, height: free.height - used, ..free };
    }
    rows
}

/// What Enter does, and how many more findings there are.
fn keys(app: &App, finding: &Finding) -> String {
    let here = app.step() as usize;
    let enter = app.keymap.first(Action::Enter);
    let goes = finding.before().filter(|&step| step < here && app.display.follow);
    let goes =
        goes.filter(|_| !enter.is_empty()).map(|step| format!("{enter} goes to step {step}"));
    let more = app.findings().len().saturating_sub(1);
    let list = app.keymap.first(Action::Pane(7));
    let others = (more > 0 && !list.is_empty() && here == app.history.steps())
        .then(|| format!("{list} lists {more} more"));
    goes.into_iter().chain(others).collect::<Vec<String>>().join(" · ")
}
