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
