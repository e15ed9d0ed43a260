//! Pictures are well formed, whatever is on screen.

use std::sync::Arc;

use super::fake::{Hostile, app_of, params, start_with};
use crate::{
    export::{TerminalColors, svg},
    tui::{Look, Shade, frame, of_cube},
};

#[test]
fn hostile_tokens_cannot_break_out() {
    let start = start_with(Look::default(), params(&[]), Arc::new(Hostile));
    let app = app_of(start, 12, 100, 30);
    let (ground, ink) = (Shade::Dark.ground(), Shade::Dark.plain());
    let terminal = TerminalColors { ground, ink, indexed: of_cube };
    let picture = svg(&frame::picture(&app, 100, 30), terminal, None);
    assert!(picture.starts_with("<svg "));
    assert!(picture.ends_with("</svg>\n"));
    assert!(!picture.chars().any(|c| c.is_control() && c != '\n'));
    for line in picture.lines() {
        let text = line.split_once('>').map_or("", |(_, rest)| rest);
        let text = text.rsplit_once("</").map_or("", |(text, _)| text);
        assert!(!text.contains('<'), "{line}");
    }
}
