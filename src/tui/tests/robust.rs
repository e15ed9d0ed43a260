//! Drawing never panics: any size, any keys, any token texts.

use std::sync::Arc;

use proptest::prelude::*;

use super::fake::{self, FakeVocabulary, Hostile};
use crate::{
    predict::Vocabulary,
    tui::{
        App, Look, Palette, frame,
        update::{Event, update},
    },
};
use crossterm::event::{
    Event as TerminalEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

const KEYS: [&str; 44] = [
    "s", "s", "s", "s", "S", "f", "c", ")", "}", "(", "{", "R", "[", "]", "0", "$", "h", "l", "j",
    "k", "w", "W", "PgUp", "PgDn", "g", "G", ".", ",", "o", "+", "-", "p", "P", "x", "Tab",
    "BackTab", "1", "2", "3", "4", "5", "6", "z", "t",
];
const MORE: [&str; 10] = ["v", "i", "?", "Esc", "Enter", "e", "Space", "<", ">", "7"];

#[derive(Debug, Clone)]
enum Deed {
    Key(usize),
    Mouse(MouseEventKind, u16, u16),
    Size(u16, u16),
    Tick,
}

fn deed() -> impl Strategy<Value = Deed> {
    let mouse = prop_oneof![
        Just(MouseEventKind::Down(MouseButton::Left)),
        Just(MouseEventKind::Drag(MouseButton::Left)),
        Just(MouseEventKind::ScrollDown),
        Just(MouseEventKind::ScrollUp),
    ];
    prop_oneof![
        8 => (0..KEYS.len() + MORE.len()).prop_map(Deed::Key),
        2 => (mouse, 0..250_u16, 0..80_u16).prop_map(|(kind, x, y)| Deed::Mouse(kind, x, y)),
        1 => (1..250_u16, 1..80_u16).prop_map(|(width, height)| Deed::Size(width, height)),
        1 => Just(Deed::Tick),
    ]
}

fn perform(app: &mut App, deed: &Deed) {
    match *deed {
        Deed::Key(at) => {
            let key = KEYS.get(at).or_else(|| MORE.get(at - KEYS.len())).copied();
            fake::press(app, key.unwrap_or("s"));
        }
        Deed::Mouse(kind, column, row) => {
            let mouse = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
            update(app, Event::Terminal(TerminalEvent::Mouse(mouse)));
        }
        Deed::Size(width, height) => {
            update(app, Event::Terminal(TerminalEvent::Resize(width, height)));
        }
        Deed::Tick => {
            update(app, Event::Tick);
        }
    }
    fake::settle(app);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn drawing_never_panics(
        deeds in proptest::collection::vec(deed(), 0..60),
        width in 1..250_u16,
        height in 1..80_u16,
        hostile in any::<bool>(),
        ascii in any::<bool>(),
        mono in any::<bool>(),
        length in prop_oneof![Just("0"), Just("1"), Just("16"), Just("90")],
        block in prop_oneof![Just("1"), Just("5"), Just("16"), Just("1000")],
        most in prop_oneof![Just("1"), Just("40"), Just("96")],
    ) {
        let palette = if mono { Palette::Mono } else { Palette::TrueColor };
        let vocabulary: Arc<dyn Vocabulary> =
            if hostile { Arc::new(Hostile) } else { Arc::new(FakeVocabulary) };
        let set = [("initial_gen_length", length), ("block_length", block), ("max_gen_length", most)];
        let look = Look { palette, ascii, ..Look::default() };
        let start = fake::start_with(look, fake::params(&set), vocabulary);
        let mut app = fake::app_of(start, 0, width, height);
        for deed in &deeds {
            perform(&mut app, deed);
            let buffer = frame::picture(&app, app.width, app.height);
            for cell in buffer.content() {
                prop_assert!(!cell.symbol().chars().any(char::is_control), "{:?}", cell.symbol());
            }
        }
        // A size that is not the one the keys were pressed at.
        frame::picture(&app, 250 - width, 81 - height);
    }
}

#[test]
fn every_size_can_be_drawn() {
    let app = fake::app(Look::default(), 14, 80, 24);
    for width in (1..=250).step_by(7) {
        for height in (1..=80).step_by(3) {
            frame::picture(&app, width, height);
        }
    }
    for width in 1..=50 {
        for height in 1..=14 {
            frame::picture(&app, width, height);
        }
    }
}
