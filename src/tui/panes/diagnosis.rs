//! Findings of the diagnosis on the canvas, below the text: the first one at the end of a run, and each
//! at the step before the first one it is about.

use ratatui::layout::Rect;

use super::super::{
    app::{Action, App},
    paint::{pen::Pen, theme::Role},
};
use crate::{inspect::Finding, session::Pending};

/// Rows of a finding, the keys that lead to it, and its advice.
pub const ROWS: u16 = 5;

/// Steps times positions of the largest run that is diagnosed without a request: the interface waits
/// meanwhile.
const DIAGNOSED_UNASKED: usize = 1 << 16;

/// Diagnoses the branch if its end is known: not while the run goes on.
pub fn refresh(app: &mut App) {
    let over = matches!(app.debugger.session.pending(), Pending::Done(_));
    let replayed = !app.debugger.live && app.reading.is_none();
    let cells = app.history.moments.len().saturating_mul(app.canvas().len());
    if (over || replayed) && cells <= DIAGNOSED_UNASKED {
        app.diagnose();
    }
}

/// The finding shown at the step on screen: at the end the first of all, elsewhere the first that begins
/// with the next step.
pub fn at_this_step(app: &App) -> Option<&Finding> {
    let findings = app.findings();
    let here = app.step() as usize;
    match here == app.history.steps() {
        true => findings.first(),
        false => findings.iter().find(|finding| finding.before() == Some(here)),
    }
}

/// The step that Enter goes to: an earlier one, until the cursor is moved by hand.
fn goal(app: &App, finding: &Finding) -> Option<usize> {
    let here = app.step() as usize;
    finding.before().filter(|&step| step < here && app.display.follow)
}

/// Goes to the step before the finding's first; false where Enter does not lead to it.
pub fn enter(app: &mut App) -> bool {
    let Some(finding) = at_this_step(app) else { return false };
    let Some(step) = goal(app, finding) else { return false };
    let position = finding.positions.first().copied();
    app.go_to_place(step, position);
    true
}

/// Draws the finding at the foot of `area`. Returns the rows used.
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

/// The keys that lead to this finding and to the others.
fn keys(app: &App, finding: &Finding) -> String {
    let here = app.step() as usize;
    let enter = app.keymap.first(Action::Enter);
    let goes = goal(app, finding)
        .filter(|_| !enter.is_empty())
        .map(|step| format!("{enter} goes to step {step}"));
    let more = app.findings().len().saturating_sub(1);
    let list = app.keymap.first(Action::Pane(7));
    let others = (more > 0 && !list.is_empty() && here == app.history.steps())
        .then(|| format!("{list} lists {more} more"));
    goes.into_iter().chain(others).collect::<Vec<String>>().join(" · ")
}
