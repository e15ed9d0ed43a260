//! What a format is: its name, what can be said about it, and the function that writes it.

use std::io::Write;

use ratatui::buffer::Buffer;

use super::{error::ExportError, rows::BeginRows, table::Table};
use crate::trace::Recording;

/// A format that recordings are exported to.
#[derive(Debug, Clone, Copy)]
pub struct ExportFormat {
    /// Its name, which is also the ending of its files.
    pub name: &'static str,
    /// What such a file is.
    pub help: &'static str,
    /// What happens at the step that is asked for, e.g. "opened at"; `None` where every step is written.
    /// Formats with a step show the screen's colours.
    pub step: Option<&'static str>,
    /// What it is made of, and how.
    pub make: Make,
}

/// What a format is made of, and the function that writes it.
#[derive(Debug, Clone, Copy)]
pub enum Make {
    /// A document of one recording, written by this function.
    Document(fn(&Document, &mut dyn Write) -> Result<(), ExportError>),
    /// The screen on one recording, drawn step by step.
    Screens {
        /// True if the steps a second matter.
        timed: bool,
        /// The function that writes it.
        write: fn(Screens, &mut dyn Write) -> Result<(), ExportError>,
    },
    /// The rows of a table, of as many recordings as there are.
    Rows {
        /// The table that is written unless another one is asked for.
        usual: Table,
        /// Begins a file of them.
        begin: BeginRows,
    },
}

/// A recording, and how what is made of it looks.
#[derive(Clone, Copy)]
pub struct Document<'a> {
    /// The name of the recording.
    pub name: &'a str,
    /// The recording, read in full.
    pub recording: &'a Recording,
    /// A step of the branch that was left last.
    pub step: usize,
    /// The colours of the screen, as CSS.
    pub colors: &'a str,
    /// `dark` or `light`; `None` leaves it to the reader.
    pub theme: Option<&'static str>,
}

/// The colours that cells of a screen leave to the terminal: red, green, blue.
#[derive(Debug, Clone, Copy)]
pub struct TerminalColors {
    /// The ground, where a cell has none.
    pub ground: (u8, u8, u8),
    /// The ink, where a cell has none.
    pub ink: (u8, u8, u8),
    /// A colour of the 256 from the 16th on.
    pub indexed: fn(u8) -> (u8, u8, u8),
}

/// The screen, drawn step by step.
pub struct Screens<'a> {
    /// The screen at the step that is asked for, and at each after it. None is drawn before it is asked for.
    pub screens: &'a mut dyn Iterator<Item = Buffer>,
    /// Columns and rows of each.
    pub size: (u16, u16),
    /// What the run is called.
    pub title: &'a str,
    /// Speed of the recording played, steps a second.
    pub speed: f64,
    /// True if the cells have colours.
    pub colored: bool,
    /// What the cells leave open.
    pub terminal: TerminalColors,
    /// The size of the type where a picture is printed.
    pub points: Option<f32>,
}
