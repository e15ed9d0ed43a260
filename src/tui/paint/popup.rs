//! Boxes over the panes.

use ratatui::{layout::Rect, style::Style};

use super::{
    pen::Pen,
    text,
    theme::{self, Role},
};

/// Where a box of at most `size` in the middle of the screen is.
pub fn middle(screen: Rect, (width, height): (u16, u16)) -> Rect {
    let width = width.min(screen.width.saturating_sub(4)).max(4);
    let height = height.min(screen.height.saturating_sub(2)).max(3);
    let x = screen.x + (screen.width.saturating_sub(width)) / 2;
    let y = screen.y + (screen.height.saturating_sub(height)) / 2;
    Rect { x, y, width, height }
}

/// The inside of a framed box.
pub fn inside(area: Rect) -> Rect {
    if area.width < 4 || area.height < 2 {
        return Rect { width: 0, height: 0, ..area };
    }
    Rect { x: area.x + 2, y: area.y + 1, width: area.width - 4, height: area.height - 2 }
}

/// Clears an area, draws a frame around it with a title and a hint; answers its inside.
pub fn frame(pen: &mut Pen, area: Rect, title: &str, hint: &str) -> Rect {
    let area = area.intersection(*pen.buffer.area());
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            if let Some(cell) = pen.buffer.cell_mut((x, y)) {
                cell.reset();
                cell.set_style(Style::reset());
            }
        }
    }
    if area.width < 4 || area.height < 2 {
        return Rect { width: 0, height: 0, ..area };
    }
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    for x in area.left()..=right {
        pen.sign(x, area.y, theme::HORIZONTAL, Role::Key);
        pen.sign(x, bottom, theme::HORIZONTAL, Role::Key);
    }
    for y in area.top()..=bottom {
        pen.sign(area.x, y, theme::VERTICAL, Role::Key);
        pen.sign(right, y, theme::VERTICAL, Role::Key);
    }
    for (x, y, sign) in [
        (area.x, area.y, theme::CORNERS[0]),
        (right, area.y, theme::CORNERS[1]),
        (area.x, bottom, theme::CORNERS[2]),
        (right, bottom, theme::CORNERS[3]),
    ] {
        pen.sign(x, y, sign, Role::Key);
    }
    pen.say(area.x + 2, area.y, area.width - 4, title, Role::Focused);
    let cells = u16::try_from(text::width(&pen.theme.say(hint))).unwrap_or(u16::MAX);
    if area.width > cells.saturating_add(4) {
        pen.say(area.right() - cells - 2, bottom, cells, hint, Role::Dim);
    }
    inside(area)
}

/// A question in the middle of the screen: what is to be known, and the keys, each with what it does and more on
/// that, which is drawn where there is room.
pub struct KeyQuestion<'a> {
    /// The heading.
    pub title: &'a str,
    /// Sentences above the keys.
    pub about: &'a [String],
    /// Keys, each with what it does and more on that.
    pub answers: &'a [(String, String, String)],
}

impl KeyQuestion<'_> {
    /// Cells of the box, at most.
    const WIDTH: u16 = 76;

    /// Draws the question.
    pub fn draw(&self, pen: &mut Pen, screen: Rect) {
        let cells =
            |text: &str| u16::try_from(text::width(&pen.theme.say(text))).unwrap_or(u16::MAX);
        let widest = |of: fn(&(String, String, String)) -> &String| {
            self.answers.iter().map(|answer| cells(of(answer))).max().unwrap_or(0)
        };
        let (keys, does) = (widest(|(key, ..)| key) + 2, widest(|(_, does, _)| does) + 2);
        let width = Self::WIDTH.min(screen.width.saturating_sub(4));
        let room = usize::from(width.saturating_sub(4)).max(1);
        let lines = self.about.iter().flat_map(|line| text::wrap(&pen.theme.say(line), room));
        let lines: Vec<String> = lines.collect();
        let between = usize::from(!lines.is_empty());
        let rows = u16::try_from(lines.len() + between + self.answers.len()).unwrap_or(u16::MAX);
        let inside = frame(pen, middle(screen, (width, rows.saturating_add(2))), self.title, "");
        let mut rows = inside.y..inside.bottom();
        for (line, y) in lines.iter().zip(rows.by_ref()) {
            pen.say(inside.x, y, inside.width, line, Role::Warn);
        }
        // A line between, where there is room for it.
        if between > 0 && rows.len() > self.answers.len() {
            rows.next();
        }
        for (y, (key, what, more)) in rows.zip(self.answers) {
            let column = |x: u16| (inside.x + x, inside.width.saturating_sub(x));
            pen.say(inside.x, y, inside.width, key, Role::Key);
            let (x, room) = column(keys);
            pen.say(x, y, room, what, Role::Text);
            let (x, room) = column(keys + does);
            pen.say(x, y, room, &text::fit(&pen.theme.say(more), room.into()), Role::Dim);
        }
    }
}
