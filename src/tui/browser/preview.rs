//! The selected run beside or below the list: its waterfall as a small picture, its length over the steps,
//! its figures, its first finding, its prompt and its answer.

use ratatui::layout::Rect;

use crate::{
    decode::Finish,
    folder::{FolderRow, RunSummary, Thumbnail, ThumbnailCell},
    tui::{
        paint::{
            pen::Pen,
            text,
            theme::{self, Role},
        },
        panes::chart::{self, Axis, ChartBar},
    },
};

/// From so many rows on, the picture stands above the words and not beside them.
const HIGH: u16 = 24;

/// Rows of the chart of the length.
const CHART_ROWS: u16 = 3;

/// Draws the selected file.
pub(super) fn draw(row: Option<&FolderRow>, pen: &mut Pen, area: Rect) {
    let name =
        row.map_or_else(|| "Run".to_owned(), |row| text::safe(row.name(), pen.theme.ascii()));
    let inside = pen.heading(area, &name, false, "");
    let Some(row) = row else { return };
    let Some(run) = row.run() else {
        let words = row.words().filter(|words| !words.is_empty());
        let words = words.unwrap_or_else(|| "It is being read.".to_owned());
        let words = text::safe(&words, pen.theme.ascii());
        pen.paragraph(inside, &words, Role::Dim);
        return;
    };
    let (picture, words) = match inside.height >= HIGH {
        true => {
            let height = inside.height / 2;
            let words = Rect {
                y: inside.y + height + 1,
                height: inside.height.saturating_sub(height + 1),
                ..inside
            };
            (Rect { height, ..inside }, words)
        }
        false => {
            let width = inside.width * 2 / 5;
            let words = Rect {
                x: inside.x + width + 2,
                width: inside.width.saturating_sub(width + 2),
                ..inside
            };
            (Rect { width, ..inside }, words)
        }
    };
    waterfall(pen, picture, &run.waterfall);
    self::words(pen, words, run);
}

/// The picture of position × step, by the signs of the pane.
fn waterfall(pen: &mut Pen, area: Rect, picture: &Thumbnail) {
    let columns = picture.columns().min(usize::from(area.width));
    let rows = picture.rows().min(usize::from(area.height));
    for row in 0..rows {
        for column in 0..columns {
            let x = area.x + u16::try_from(column).unwrap_or(0);
            let y = area.y + u16::try_from(row).unwrap_or(0);
            match picture.at((column, columns), (row, rows)) {
                ThumbnailCell::Empty => {}
                ThumbnailCell::Masked(Some(p)) => {
                    let style = pen.theme.style(Role::Heat(Some(p)));
                    pen.glyph(x, y, pen.theme.heat_bar(Some(p)), style);
                }
                ThumbnailCell::Masked(None) => pen.sign(x, y, theme::MASK, Role::Quiet),
                ThumbnailCell::Expanded => pen.sign(x, y, theme::EXPANDS, Role::Expand),
                ThumbnailCell::Unmasked => pen.sign(x, y, theme::IDLE, Role::Dim),
                ThumbnailCell::Eos => pen.sign(x, y, theme::EOS, Role::Eos),
                ThumbnailCell::Given => pen.sign(x, y, theme::GIVEN, Role::Prompt),
            }
        }
    }
}

/// What there is to say of the run, most needed first.
fn words(pen: &mut Pen, area: Rect, run: &RunSummary) {
    let ascii = pen.theme.ascii();
    let safe = |text: &str| text::safe(text, ascii);
    let known = |text: &str| if text.is_empty() { "not said".to_owned() } else { safe(text) };
    let rate = run.tokens_per_pass().map_or_else(|| "–".to_owned(), |rate| format!("{rate:.2}"));
    let masks = match run.masks {
        0 => String::new(),
        masks => format!(" · {masks} masks left"),
    };
    let mut lines = vec![
        (format!("{} · {}", known(&run.strategy), known(&run.model)), Role::Strong, 1),
        (
            format!(
                "{} steps · NFE {} · length {} · E_token {} · {rate} tokens a pass · {}{masks}",
                run.steps,
                run.nfe,
                run.length,
                run.e_token,
                run.finish.map_or("unfinished", Finish::name),
            ),
            Role::Dim,
            2,
        ),
    ];
    if let Some(first) = &run.finding {
        let more = if first.more > 0 { format!(" · {} more", first.more) } else { String::new() };
        lines.push((format!("{}{more}", safe(&first.text)), Role::Warn, 2));
        lines.push((format!("→ {}", safe(&first.advice)), Role::Dim, 2));
    }
    lines.extend(run.notices.iter().map(|notice| (safe(notice), Role::Warn, 2)));
    let answer = safe(run.answer.trim());
    lines.push((answer, Role::Text, 3));
    lines.push((safe(run.prompt.trim()), Role::Prompt, 2));
    let charted = area.height >= 10;
    let bottom = area.bottom() - if charted { CHART_ROWS + 1 } else { 0 };
    let mut y = area.y;
    for (line, role, most) in lines {
        if line.is_empty() || y >= bottom {
            continue;
        }
        let room = Rect { y, height: most.min(bottom - y), ..area };
        y += pen.paragraph(room, &line, role);
    }
    if charted {
        let place = Rect { y: area.bottom() - CHART_ROWS, height: CHART_ROWS, ..area };
        let most = run.lengths.iter().copied().max().unwrap_or(0);
        let axis = Axis::new(run.lengths.len(), place.width);
        let words = format!("length over the steps, at most {most}");
        pen.say(area.x, place.y - 1, area.width, &words, Role::Dim);
        chart::bars(pen, place, axis, |column| ChartBar {
            value: axis.last(column).and_then(|at| share(run.lengths[at], most)),
            line: None,
            role: Role::Calm,
        });
    }
}

fn share(length: u32, most: u32) -> Option<f32> {
    (most > 0).then(|| length as f32 / most as f32)
}

/// The length over the steps in a single row, on a scale that ends at `most`.
pub(super) fn curve(pen: &mut Pen, area: Rect, lengths: &[u32], most: u32) {
    let axis = Axis::narrow(lengths.len(), area.width);
    chart::bars(pen, area, axis, |column| ChartBar {
        value: axis.last(column).and_then(|at| share(lengths[at], most)),
        line: None,
        role: Role::Calm,
    });
}
