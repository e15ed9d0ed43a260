//! Charts over steps: one column a step, or several steps a column where there are more steps
//! than cells.

use std::ops::Range;

use ratatui::layout::Rect;

use super::super::{
    pen::Pen,
    theme::{self, Role},
};

/// Steps spread over columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    points: usize,
    per: usize,
}

impl Axis {
    /// `points` steps, counted from 0, over `width` cells.
    pub fn new(points: usize, width: u16) -> Self {
        let width = usize::from(width).max(1);
        Self { points, per: points.div_ceil(width).max(1) }
    }

    /// Columns used.
    pub fn columns(self) -> u16 {
        u16::try_from(self.points.div_ceil(self.per)).unwrap_or(u16::MAX)
    }

    /// The column of a step.
    pub fn column(self, step: usize) -> u16 {
        u16::try_from(step / self.per).unwrap_or(u16::MAX)
    }

    /// The steps of a column.
    pub fn steps(self, column: u16) -> Range<usize> {
        let start = usize::from(column) * self.per;
        start.min(self.points)..(start + self.per).min(self.points)
    }

    /// The step a click on a column means: the last one of it.
    pub fn step(self, column: u16) -> Option<usize> {
        self.steps(column).last()
    }
}

/// A column of a bar chart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// Height, 0..=1; nothing is drawn where it is not known.
    pub value: Option<f32>,
    /// A line across at this height.
    pub line: Option<f32>,
    /// Colour of the bar.
    pub role: Role,
}

/// Draws bars from the bottom of `area` up, each with its threshold line above or behind it.
pub fn bars(pen: &mut Pen, area: Rect, columns: impl Iterator<Item = Bar>) {
    let rows = usize::from(area.height);
    if rows == 0 {
        return;
    }
    for (column, bar) in columns.take(usize::from(area.width)).enumerate() {
        let x = area.x + u16::try_from(column).unwrap_or(0);
        let value = bar.value.filter(|value| value.is_finite());
        let eighths = value.map_or(0, |value| {
            // A known value is never invisible.
            ((value.clamp(0.0, 1.0) * (rows * 8) as f32).round() as usize).max(1)
        });
        let line =
            bar.line.map(|line| ((line.clamp(0.0, 1.0) * rows as f32) as usize).min(rows - 1));
        for row in 0..rows {
            let y = area.bottom() - 1 - u16::try_from(row).unwrap_or(0);
            let filled = eighths.saturating_sub(row * 8).min(8);
            if filled > 0 {
                pen.glyph(x, y, pen.theme.bar(filled), pen.theme.style(bar.role));
            } else if line == Some(row) {
                pen.sign(x, y, theme::THRESHOLD, Role::Warn);
            }
        }
    }
}
