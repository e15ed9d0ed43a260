//! Frames drawn over each other leave the terminal as one drawn from scratch would: also where a
//! wide glyph changes nothing but its style.

use std::{
    cell::RefCell,
    io::{self, Write},
    rc::Rc,
};

use ratatui::{Terminal, TerminalOptions, Viewport, backend::CrosstermBackend, layout::Rect};

use super::fake::{self, press};
use crate::tui::{App, Look, frame};

const SIZE: (u16, u16) = (100, 30);

/// What was written, in several hands.
#[derive(Clone, Default)]
struct Written(Rc<RefCell<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A terminal that keeps what is written to it.
struct ByteTerminal {
    terminal: Terminal<CrosstermBackend<Written>>,
    parser: vt100::Parser,
    written: Written,
}

impl ByteTerminal {
    fn new() -> Self {
        let viewport = Viewport::Fixed(Rect::new(0, 0, SIZE.0, SIZE.1));
        let options = TerminalOptions { viewport };
        let written = Written::default();
        let terminal = Terminal::with_options(CrosstermBackend::new(written.clone()), options);
        Self {
            terminal: terminal.expect("nothing to fail"),
            parser: vt100::Parser::new(SIZE.1, SIZE.0, 0),
            written,
        }
    }

    fn draw(&mut self, app: &App) {
        let drawn = self.terminal.draw(|target| frame::draw(app, target.buffer_mut()));
        drawn.expect("nothing to fail");
        let bytes = self.take();
        self.parser.process(&bytes);
    }

    fn take(&self) -> Vec<u8> {
        self.written.0.take()
    }

    /// Every cell: what it shows and how.
    fn cells(&self) -> Vec<String> {
        let screen = self.parser.screen();
        let mut cells = Vec::new();
        for row in 0..SIZE.1 {
            for column in 0..SIZE.0 {
                let Some(cell) = screen.cell(row, column) else { continue };
                let contents = if cell.has_contents() { cell.contents() } else { " " };
                // What lies under the second half of a wide glyph is not seen.
                let continued = cell.is_wide_continuation();
                // Nor is the colour of a blank.
                let inked =
                    cell.has_contents() && contents != " " || cell.underline() || cell.inverse();
                let style = (
                    inked.then(|| cell.fgcolor()),
                    cell.bgcolor(),
                    cell.bold(),
                    cell.italic(),
                    cell.underline(),
                    cell.inverse(),
                );
                cells.push(match continued {
                    true => format!("{row}:{column} …"),
                    false => format!("{row}:{column} {contents:?} {style:?}"),
                });
            }
        }
        cells
    }
}

#[test]
fn frames_over_each_other_equal_a_fresh_one() {
    let mut app = fake::app(Look::default(), 3, SIZE.0, SIZE.1);
    let mut kept = ByteTerminal::new();
    kept.draw(&app);
    // Over the wide glyphs of the draft, through steps, panes and boxes.
    let keys = "g l l l l l l l l h h t t s s s 2 s s S S 3 - - - - x ? Esc 4 z z v v 6 c 5 0 ] $";
    for key in keys.split(' ') {
        press(&mut app, key);
        kept.draw(&app);
        let mut fresh = ByteTerminal::new();
        fresh.draw(&app);
        for (kept, fresh) in kept.cells().iter().zip(fresh.cells()) {
            assert_eq!(*kept, fresh, "after {key}");
        }
    }
}

#[test]
fn nothing_is_written_when_nothing_changed() {
    let app = fake::app(Look::default(), 9, SIZE.0, SIZE.1);
    let mut kept = ByteTerminal::new();
    kept.draw(&app);
    let drawn = kept.terminal.draw(|target| frame::draw(&app, target.buffer_mut()));
    drawn.expect("nothing to fail");
    let bytes = kept.take();
    assert!(bytes.len() < 32, "{}", String::from_utf8_lossy(&bytes));
}
