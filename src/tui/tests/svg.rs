//! Pictures are well formed, whatever is on screen.

use std::sync::Arc;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::fake::{Hostile, app_of, params, start_with};
use crate::tui::{Look, Shade, frame, paint::svg::svg};

#[test]
fn markup_is_escaped() {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 1));
    buffer.set_string(0, 0, "<a href=\"&\">", Style::new());
    let picture = svg(&buffer, Shade::Dark);
    assert!(picture.contains("&lt;a href=&quot;&amp;&quot;&gt;"), "{picture}");
}

#[test]
fn hostile_tokens_cannot_break_out() {
    let start = start_with(Look::default(), params(&[]), Arc::new(Hostile));
    let app = app_of(start, 12, 100, 30);
    let picture = svg(&frame::picture(&app, 100, 30), Shade::Dark);
    assert!(picture.starts_with("<svg "));
    assert!(picture.ends_with("</svg>\n"));
    assert!(!picture.chars().any(|c| c.is_control() && c != '\n'));
    for line in picture.lines() {
        let text = line.split_once('>').map_or("", |(_, rest)| rest);
        let text = text.rsplit_once("</").map_or("", |(text, _)| text);
        assert!(!text.contains('<'), "{line}");
    }
}
