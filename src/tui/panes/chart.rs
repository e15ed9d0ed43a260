//! Charts over steps: one column a step, or several steps a column where there are more steps
//! than cells.

use std::ops::Range;

use ratatui::layout::Rect;

use super::super::paint::{
    pen::Pen,
    theme::{self, Role},
};

/// Steps spread over columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    points: usize,
    per: usize,
    wide: u16,
}

impl Axis {
    /// Most cells a step gets.
    const WIDEST: usize = 3;

    /// `points` steps, counted from 0, over `width` cells.
    pub fn new(points: usize, width: u16) -> Self {
        let width = usize::from(width).max(1);
        let per = points.div_ceil(width).max(1);
        let columns = points.div_ceil(per).max(1);
        let wide = (width / columns).clamp(1, Self::WIDEST);
        Self { points, per, wide: wide as u16 }
    }

    /// The same with one cell a column.
    pub fn narrow(points: usize, width: u16) -> Self {
        Self { wide: 1, ..Self::new(points, width) }
    }

    /// Number of columns that the chart takes.
    pub fn columns(self) -> u16 {
        u16::try_from(self.points.div_ceil(self.per)).unwrap_or(u16::MAX)
    }

    /// Cells of a column that its bar takes: a gap tells wide bars apart.
    pub fn bar(self) -> u16 {
        if self.wide > 2 { self.wide - 1 } else { self.wide }
    }

    /// The first cell of a column.
    pub fn cell(self, column: u16) -> u16 {
        column.saturating_mul(self.wide)
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

    /// The last step of a column.
    pub fn last(self, column: u16) -> Option<usize> {
        self.steps(column).last()
    }

    /// The step a click on a cell means; behind the end, the last one.
    pub fn hit(self, cell: u16) -> Option<usize> {
        self.last((cell / self.wide).min(self.columns().saturating_sub(1)))
    }
}

/// A column of a bar chart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChartBar {
    /// Height, 0..=1; nothing is drawn where it is not known.
    pub value: Option<f32>,
    /// A line across at this height.
    pub line: Option<f32>,
    /// Colour of the bar.
    pub role: Role,
}

/// Draws bars from the bottom of `area` up, each with its threshold line above or across it.
pub fn bars(pen: &mut Pen, area: Rect, axis: Axis, bar: impl Fn(u16) -> ChartBar) {
    let rows = usize::from(area.height);
    if rows == 0 {
        return;
    }
    let cells = axis.bar();
    for column in 0..axis.columns() {
        let bar = bar(column);
        let value = bar.value.filter(|value| value.is_finite());
        let eighths = value.map_or(0, |value| {
            // A known value is never invisible.
            ((value.clamp(0.0, 1.0) * (rows * 8) as f32).round() as usize).max(1)
        });
        // On a single row a line says nothing.
        let line = bar.line.filter(|line| line.is_finite() && rows > 1);
        let line = line.map(|line| ((line.clamp(0.0, 1.0) * rows as f32) as usize).min(rows - 1));
        for cell in 0..axis.wide {
            let x = area.x.saturating_add(axis.cell(column) + cell);
            if x >= area.right() {
                return;
            }
            for row in 0..rows {
                let y = area.bottom() - 1 - u16::try_from(row).unwrap_or(0);
                let filled = eighths.saturating_sub(row * 8).min(8);
                let here = line == Some(row);
                if filled == 0 || cell >= cells {
                    if here {
                        pen.sign(x, y, theme::THRESHOLD, Role::Warn);
                    }
                } else if here && filled == 8 {
                    let style = pen.theme.line_over(bar.role);
                    pen.glyph(x, y, pen.theme.sign(theme::THRESHOLD), style);
                } else {
                    pen.glyph(x, y, pen.theme.bar(filled), pen.theme.style(bar.role));
                }
            }
        }
    }
}
