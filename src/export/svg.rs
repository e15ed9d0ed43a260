//! A screen as a picture: a self-contained SVG on a monospace grid.

use std::{fmt::Write as _, io::Write};

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};
use unicode_width::UnicodeWidthStr;

use super::{
    error::ExportError,
    format::{ExportFormat, Make, Screens, TerminalColors},
};
use crate::escape::xml;

/// A picture of one screen.
pub const FORMAT: ExportFormat = ExportFormat {
    name: "svg",
    help: "one screen, as `replay --svg` draws it, or one pane in print size",
    step: Some("drawn"),
    make: Make::Screens { timed: false, write },
};

fn write(of: Screens, out: &mut dyn Write) -> Result<(), ExportError> {
    match of.screens.next() {
        Some(screen) => Ok(out.write_all(svg(&screen, of.terminal, of.points).as_bytes())?),
        None => Ok(()),
    }
}

/// Size of a cell in SVG units.
const CELL: (f32, f32) = (8.0, 17.0);
/// Air around the grid.
const MARGIN: f32 = 12.0;
/// The sixteen named colours, as most terminals show them on dark.
const NAMED: [&str; 16] = [
    "#1c1f26", "#e06c75", "#98c379", "#e5c07b", "#4d78cc", "#c678dd", "#56b6c2", "#abb2bf",
    "#6b717d", "#ff7b86", "#a9dc8a", "#f2d48f", "#6c9bf0", "#d99bec", "#7ad0de", "#f4f5f7",
];

/// The size of the type of pictures for paper, points: 57 columns are as wide as a column of a paper, 85 mm.
pub const PRINT_POINTS: f32 = 7.0;

/// The size of the type in SVG units.
const TYPE: f32 = 13.3;

/// The picture of a screen: for a display, or printed with type of so many points.
pub fn svg(buffer: &Buffer, terminal: TerminalColors, points: Option<f32>) -> String {
    let area = *buffer.area();
    let width = f32::from(area.width) * CELL.0 + 2.0 * MARGIN;
    let height = f32::from(area.height) * CELL.1 + 2.0 * MARGIN;
    // In print the picture ends with its cells, and has no frame.
    let (size, view, rounding) = match points {
        None => {
            let size = format!("width=\"{width:.0}\" height=\"{height:.0}\"");
            (size, format!("0 0 {width:.1} {height:.1}"), 8)
        }
        Some(points) => {
            let (width, height) = (width - 2.0 * MARGIN, height - 2.0 * MARGIN);
            let scale = points / TYPE;
            let size =
                format!("width=\"{:.2}pt\" height=\"{:.2}pt\"", width * scale, height * scale);
            (size, format!("{MARGIN:.1} {MARGIN:.1} {width:.1} {height:.1}"), 0)
        }
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" {size} viewBox=\"{view}\">\n\
         <rect width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{rounding}\" fill=\"{}\"/>\n\
         <g shape-rendering=\"crispEdges\" font-family=\"'DejaVu Sans Mono', 'JetBrains Mono', Menlo, Consolas, monospace\" \
         font-size=\"{TYPE}\">\n",
        hex(terminal.ground)
    );
    for y in area.top()..area.bottom() {
        grounds(buffer, y, terminal, &mut svg);
        texts(buffer, y, terminal, &mut svg);
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn place(buffer: &Buffer, x: u16, y: u16) -> (f32, f32) {
    let area = buffer.area();
    (f32::from(x - area.x) * CELL.0 + MARGIN, f32::from(y - area.y) * CELL.1 + MARGIN)
}

/// Ink and ground of a cell, after reversal.
fn colours(cell: &Cell, terminal: TerminalColors) -> (String, Option<String>) {
    let ink = colour(cell.fg, terminal);
    let ground = colour(cell.bg, terminal);
    if cell.modifier.contains(Modifier::REVERSED) {
        let ink = ink.unwrap_or_else(|| hex(terminal.ink));
        return (ground.unwrap_or_else(|| hex(terminal.ground)), Some(ink));
    }
    (ink.unwrap_or_else(|| hex(terminal.ink)), ground)
}

/// The cell's glyph and how many cells it takes.
fn glyph(cell: &Cell) -> (&str, u16) {
    let symbol = cell.symbol();
    (symbol, u16::try_from(symbol.width().max(1)).unwrap_or(1))
}

fn grounds(buffer: &Buffer, y: u16, terminal: TerminalColors, svg: &mut String) {
    let area = *buffer.area();
    let ground = |x: u16| buffer.cell((x, y)).and_then(|cell| colours(cell, terminal).1);
    let mut x = area.left();
    while x < area.right() {
        let Some(fill) = ground(x) else {
            x += 1;
            continue;
        };
        let start = x;
        while x < area.right() && ground(x).as_deref() == Some(&fill) {
            // A wide glyph's ground covers both its cells.
            x += buffer.cell((x, y)).map_or(1, |cell| glyph(cell).1);
        }
        let (left, top) = place(buffer, start, y);
        let width = f32::from(x.min(area.right()) - start) * CELL.0;
        let _ = writeln!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\" \
             fill=\"{fill}\"/>",
            CELL.1
        );
    }
}

fn texts(buffer: &Buffer, y: u16, terminal: TerminalColors, svg: &mut String) {
    let area = *buffer.area();
    let mut x = area.left();
    while x < area.right() {
        let Some(cell) = buffer.cell((x, y)) else { break };
        let plain = cell.symbol() == " " && !cell.modifier.contains(Modifier::UNDERLINED);
        if plain {
            x += 1;
            continue;
        }
        // A run: neighbours that look alike. Only ASCII runs on, since other glyphs may come
        // from a font of another width.
        let start = x;
        let mut run = String::new();
        while let Some(next) = buffer.cell((x, y)).filter(|_| x < area.right()) {
            let (symbol, cells) = glyph(next);
            let alike = colours(next, terminal) == colours(cell, terminal)
                && next.modifier == cell.modifier;
            let runs_on = run.is_empty() || (symbol.is_ascii() && run.is_ascii());
            // Browsers make one space of several: a run has none at its end and no two together.
            let spaced = symbol == " " && run.ends_with(' ');
            if !alike || !runs_on || spaced {
                break;
            }
            run.push_str(symbol);
            x += cells;
        }
        let ink = colours(cell, terminal).0;
        let kept = run.trim_end_matches(' ').len();
        let end = x - (run.len() - kept) as u16;
        let run = &run[..kept];
        if run.is_empty() {
            continue;
        }
        if !block(buffer, start, y, run, &ink, svg) {
            text(buffer, (start, y, end - start), run, (&ink, cell.modifier), svg);
        }
    }
}

/// Bars are drawn as rectangles: fonts leave gaps between them.
fn block(buffer: &Buffer, x: u16, y: u16, glyph: &str, ink: &str, svg: &mut String) -> bool {
    let eighths = match glyph {
        "▁" => 1.0,
        "▂" => 2.0,
        "▃" => 3.0,
        "▄" => 4.0,
        "▅" => 5.0,
        "▆" => 6.0,
        "▇" => 7.0,
        "█" => 8.0,
        _ => 0.0,
    };
    let across = match glyph {
        "▏" => 1.0,
        "▎" => 2.0,
        "▍" => 3.0,
        "▌" => 4.0,
        "▋" => 5.0,
        "▊" => 6.0,
        "▉" => 7.0,
        _ => 8.0,
    };
    if eighths == 0.0 && across == 8.0 {
        return false;
    }
    let (left, top) = place(buffer, x, y);
    let height = if eighths == 0.0 { CELL.1 } else { CELL.1 * eighths / 8.0 };
    let width = CELL.0 * across / 8.0;
    let _ = writeln!(
        svg,
        "<rect x=\"{left:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
         fill=\"{ink}\"/>",
        top + CELL.1 - height
    );
    true
}

fn text(
    buffer: &Buffer,
    (x, y, cells): (u16, u16, u16),
    run: &str,
    (ink, modifier): (&str, Modifier),
    svg: &mut String,
) {
    let (left, top) = place(buffer, x, y);
    let mut style = String::new();
    if modifier.contains(Modifier::BOLD) {
        style.push_str(" font-weight=\"bold\"");
    }
    if modifier.contains(Modifier::ITALIC) {
        style.push_str(" font-style=\"italic\"");
    }
    if modifier.contains(Modifier::UNDERLINED) {
        style.push_str(" text-decoration=\"underline\"");
    }
    if modifier.contains(Modifier::DIM) {
        style.push_str(" opacity=\"0.6\"");
    }
    let _ = writeln!(
        svg,
        "<text xml:space=\"preserve\" x=\"{left:.1}\" y=\"{:.1}\" textLength=\"{:.1}\" fill=\"{ink}\"{style}>{}</text>",
        top + 12.8,
        f32::from(cells) * CELL.0,
        xml(run)
    );
}

fn colour(color: Color, terminal: TerminalColors) -> Option<String> {
    let named = |at: usize| Some(NAMED[at].to_owned());
    match color {
        Color::Reset => None,
        Color::Rgb(r, g, b) => Some(hex((r, g, b))),
        Color::Indexed(index @ 0..16) => named(usize::from(index)),
        Color::Indexed(index) => Some(hex((terminal.indexed)(index))),
        Color::Black => named(0),
        Color::Red => named(1),
        Color::Green => named(2),
        Color::Yellow => named(3),
        Color::Blue => named(4),
        Color::Magenta => named(5),
        Color::Cyan => named(6),
        Color::Gray => named(7),
        Color::DarkGray => named(8),
        Color::LightRed => named(9),
        Color::LightGreen => named(10),
        Color::LightYellow => named(11),
        Color::LightBlue => named(12),
        Color::LightMagenta => named(13),
        Color::LightCyan => named(14),
        Color::White => named(15),
    }
}

fn hex((r, g, b): (u8, u8, u8)) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

#[cfg(test)]
mod tests {
    use ratatui::{layout::Rect, style::Style};

    use super::*;

    const WHITE_ON_BLACK: TerminalColors = TerminalColors {
        ground: (0, 0, 0),
        ink: (255, 255, 255),
        indexed: |index| (index, index, index),
    };

    #[test]
    fn markup_is_escaped() {
        let mut screen = Buffer::empty(Rect::new(0, 0, 12, 1));
        screen.set_string(0, 0, "<a href=\"&\">", Style::new());
        let picture = svg(&screen, WHITE_ON_BLACK, None);
        assert!(picture.contains("&lt;a href=&quot;&amp;&quot;&gt;"), "{picture}");
    }

    #[test]
    fn printed_type_has_the_size_asked_for() {
        let screen = Buffer::empty(Rect::new(0, 0, 57, 10));
        let picture = svg(&screen, WHITE_ON_BLACK, Some(7.0));
        let of = |name: &str| {
            let (_, behind) = picture.split_once(&format!(" {name}=\"")).unwrap();
            behind.split_once('"').unwrap().0.to_owned()
        };
        let points = |name| of(name).strip_suffix("pt").unwrap().parse::<f32>().unwrap();
        let view: Vec<f32> = of("viewBox").split(' ').map(|part| part.parse().unwrap()).collect();
        // So many points a unit, both ways.
        let (across, down) = (points("width") / view[2], points("height") / view[3]);
        assert!((across - down).abs() < 1e-3, "{across} {down}");
        assert!((across * 13.3 - 7.0).abs() < 0.01, "type of {} points", across * 13.3);
        // 57 columns fit into the 85 mm of a column.
        assert!(points("width") / 72.0 * 25.4 < 85.0, "{}", points("width"));
    }

    #[test]
    fn colours_are_those_of_the_terminal() {
        let mut screen = Buffer::empty(Rect::new(0, 0, 3, 1));
        let style = Style::new().fg(Color::Indexed(17)).bg(Color::Red);
        screen.set_string(1, 0, "x", style);
        let picture = svg(&screen, WHITE_ON_BLACK, None);
        for color in ["fill=\"#000000\"", "fill=\"#111111\"", "fill=\"#e06c75\""] {
            assert!(picture.contains(color), "no {color} in {picture}");
        }
    }
}
