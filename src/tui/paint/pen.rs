//! Drawing into a buffer: text that stays within its bounds, headings, bars.

use std::ops::Range;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{
    text,
    theme::{self, Role, Theme},
};

/// A buffer with a theme.
pub struct Pen<'a> {
    /// What is drawn on.
    pub buffer: &'a mut Buffer,
    /// The theme, which gives roles their styles.
    pub theme: Theme,
}

impl Pen<'_> {
    /// Writes a sentence of ours, cut with an ellipsis at `width`; returns the cells used.
    pub fn say(&mut self, x: u16, y: u16, width: u16, sentence: &str, role: Role) -> u16 {
        self.put(x, y, width, &self.theme.say(sentence), self.theme.style(role))
    }

    /// Writes text that is safe already, cut with an ellipsis at `width`.
    pub fn put(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        let area = *self.buffer.area();
        if width == 0 || x >= area.right() || y >= area.bottom() {
            return 0;
        }
        let width = width.min(area.right() - x);
        let fitted = text::fit(text, usize::from(width));
        let (end, _) = self.buffer.set_stringn(x, y, fitted, usize::from(width), style);
        end - x
    }

    /// Writes one glyph as it is.
    pub fn glyph(&mut self, x: u16, y: u16, glyph: &str, style: Style) {
        let area = *self.buffer.area();
        if x < area.right() && y < area.bottom() {
            self.buffer.set_stringn(x, y, glyph, usize::from(area.right() - x), style);
        }
    }

    /// Draws one sign in the style of its role.
    pub fn sign(&mut self, x: u16, y: u16, sign: theme::Sign, role: Role) {
        self.glyph(x, y, self.theme.sign(sign), self.theme.style(role));
    }

    /// The first wording, of ours, that fits into `room` cells; else the last.
    pub fn fitting(&self, wordings: &[String], room: u16) -> String {
        let wording = wordings.iter().map(|wording| self.theme.say(wording));
        let fits = |wording: &String| text::width(wording) <= usize::from(room);
        let mut wording = wording.collect::<Vec<_>>();
        let last = wording.pop().unwrap_or_default();
        wording.into_iter().find(fits).unwrap_or(last)
    }

    /// Several parts on one line, each in its role; returns the cells used.
    pub fn line(&mut self, x: u16, y: u16, width: u16, parts: &[(&str, Role)]) -> u16 {
        let mut used = 0;
        for (part, role) in parts {
            if used >= width {
                break;
            }
            used += self.say(x + used, y, width - used, part, *role);
        }
        used
    }

    /// A sentence broken into at most `area.height` lines; returns the lines used.
    pub fn paragraph(&mut self, area: Rect, sentence: &str, role: Role) -> u16 {
        let lines = text::wrap(&self.theme.say(sentence), usize::from(area.width));
        let rows = usize::from(area.height);
        let style = self.theme.style(role);
        for (row, line) in lines.iter().take(rows).enumerate() {
            let y = area.y + u16::try_from(row).unwrap_or(0);
            let cut = row + 1 == rows && lines.len() > rows;
            let line = if cut { format!("{line} …") } else { line.clone() };
            self.put(area.x, y, area.width, &self.theme.say(&line), style);
        }
        u16::try_from(lines.len().min(rows)).unwrap_or(area.height)
    }

    /// A pane's heading: a rule with its name, and something at the right. Returns what is left
    /// for the pane, with a cell of air at either side.
    pub fn heading(&mut self, area: Rect, name: &str, focused: bool, right: &str) -> Rect {
        let role = if focused { Role::Focused } else { Role::Heading };
        self.rule(area, if focused { Role::Key } else { Role::Faint });
        if area.height > 0 && area.width > 4 {
            let used = self.say(area.x + 1, area.y, area.width - 2, &format!(" {name} "), role);
            let right = self.theme.say(right);
            let cells = u16::try_from(text::width(&right)).unwrap_or(u16::MAX);
            if cells > 0 && used.saturating_add(cells).saturating_add(6) <= area.width {
                let style = self.theme.style(Role::Dim);
                self.put(area.right() - cells - 3, area.y, cells + 2, &format!(" {right} "), style);
            }
        }
        inner(area)
    }

    /// The horizontal line a heading sits on.
    pub fn rule(&mut self, area: Rect, role: Role) {
        if area.height > 0 {
            for x in area.left()..area.right() {
                self.sign(x, area.y, theme::HORIZONTAL, role);
            }
        }
    }

    /// A line editor with its cursor.
    pub fn field(&mut self, line: Rect, input: &tui_input::Input) {
        let ascii = self.theme.ascii();
        let style = self.theme.style(Role::Text).add_modifier(ratatui::style::Modifier::UNDERLINED);
        for x in line.left()..line.right() {
            self.glyph(x, line.y, " ", style);
        }
        // The end of what was typed stays in view.
        let cursor = input.cursor();
        let room = usize::from(line.width);
        let glyphs = text::glyphs(input.value(), ascii);
        let before = &glyphs[..cursor.min(glyphs.len())];
        let mut cells = 0;
        let shown = before.iter().rev().take_while(|glyph| {
            cells += usize::from(glyph.width);
            cells < room
        });
        let start = before.len() - shown.count();
        let mut x = line.x;
        for (at, glyph) in glyphs.iter().enumerate().skip(start) {
            if x + glyph.width > line.right() {
                break;
            }
            let style = if at == cursor { self.theme.cursor(style) } else { style };
            self.glyph(x, line.y, &glyph.symbol, style);
            x += glyph.width;
        }
        if cursor >= glyphs.len() && x < line.right() {
            self.glyph(x, line.y, " ", self.theme.cursor(style));
        }
    }

    /// A horizontal bar for `share` of `width` cells, in eighths.
    pub fn gauge(&mut self, x: u16, y: u16, width: u16, share: f32, role: Role) {
        const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        let style = self.theme.style(role);
        let eighths = (share * f32::from(width) * 8.0).round() as u16;
        let eighths = if self.theme.ascii() { (eighths + 4) / 8 * 8 } else { eighths };
        for cell in 0..eighths / 8 {
            self.glyph(x + cell, y, self.theme.bar(8), style);
        }
        if eighths % 8 > 0 && eighths / 8 < width {
            self.glyph(x + eighths / 8, y, PARTS[usize::from(eighths % 8)], style);
        }
    }

    /// The line at the step stood at, through a chart: bars light up, the rest gets a rule.
    pub fn playhead(&mut self, columns: Range<u16>, rows: Range<u16>) {
        let style = self.theme.style(Role::Key);
        for y in rows {
            for x in columns.clone() {
                let Some(cell) = self.buffer.cell_mut((x, y)) else { continue };
                let blank = cell.symbol() == " ";
                if blank && x > columns.start {
                    continue;
                }
                if blank {
                    cell.set_symbol(self.theme.sign(theme::VERTICAL));
                }
                cell.set_style(Style::reset());
                cell.set_style(style);
            }
        }
    }

    /// Lays a style over an area, keeping what is written there readable.
    pub fn wash(&mut self, area: Rect, role: Role) {
        let area = area.intersection(*self.buffer.area());
        self.buffer.set_style(area, self.theme.style(role));
        for position in area.positions() {
            if let Some(cell) = self.buffer.cell_mut(position) {
                cell.set_style(self.theme.readable(cell.style()));
            }
        }
    }
}

/// A pane without its heading and with a cell of air at either side.
pub fn inner(area: Rect) -> Rect {
    Rect {
        x: area.x + area.width.min(1),
        y: area.y + area.height.min(1),
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(1),
    }
}
