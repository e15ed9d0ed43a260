//! Drawing never panics: any size, any keys, any token texts.

use std::sync::Arc;

use proptest::prelude::*;

use super::fake::{self, FakeVocabulary, Hostile};
use crate::{
    predict::Vocabulary,
    tui::{
        App, Keymap, Look, Palette, app::interface::AppEvent, frame, input::chord::Chord,
        screen::update,
    },
};
use crossterm::event::{
    Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent,
    MouseEventKind,
};

/// What is typed where something can be typed, key by key; cut anywhere.
const TYPED: [&str; 16] = [
    ":break eos_conf crosses 0.5",
    ":break token[#3] changes",
    ":until masks < 5",
    ":query fills where p < 0.5",
    ":goto 3",
    ":fill 0 \"界\"",
    ":veto 1 3",
    ":pin 2; expand 3; step 2",
    ":name-branch \u{202e}世界 x",
    ":delete-branch",
    ":switch 1",
    ":nonsense 世界",
    ":pane-7",
    "/the",
    "/id:5",
    "eid:7",
];

#[derive(Debug, Clone)]
enum Input {
    /// A key of the table.
    Key(Chord),
    Step,
    /// So many characters of something typed, then perhaps Enter, Tab, or nothing.
    Typed(usize, usize, Option<KeyCode>),
    Paste,
    Mouse(MouseEventKind, u16, u16),
    Size(u16, u16),
    Tick,
}

/// Every key that does something, and the keys of line editors.
fn keys() -> Vec<Chord> {
    let typing = ["esc", "delete", "up", "down", "ctrl-p", "ctrl-n", "ctrl-w", "ctrl-k", "世"];
    let typing = typing.map(|name| name.parse().expect("a key"));
    let keymap = Keymap::default();
    keymap.rows().flat_map(|(_, keys)| keys).copied().chain(typing).collect()
}

fn key(app: &mut App, event: KeyEvent) {
    update(app, AppEvent::Terminal(TerminalEvent::Key(event)));
}

fn effect() -> impl Strategy<Value = Input> {
    let mouse = prop_oneof![
        Just(MouseEventKind::Down(MouseButton::Left)),
        Just(MouseEventKind::Drag(MouseButton::Left)),
        Just(MouseEventKind::ScrollDown),
        Just(MouseEventKind::ScrollUp),
    ];
    let end = prop_oneof![
        4 => Just(Some(KeyCode::Enter)),
        2 => Just(Some(KeyCode::Tab)),
        1 => Just(Some(KeyCode::Up)),
        1 => Just(None),
    ];
    prop_oneof![
        8 => proptest::sample::select(keys()).prop_map(Input::Key),
        3 => Just(Input::Step),
        3 => (0..TYPED.len(), 0..40_usize, end).prop_map(|(at, n, end)| Input::Typed(at, n, end)),
        1 => Just(Input::Paste),
        2 => (mouse, 0..250_u16, 0..80_u16).prop_map(|(kind, x, y)| Input::Mouse(kind, x, y)),
        1 => (1..250_u16, 1..80_u16).prop_map(|(width, height)| Input::Size(width, height)),
        1 => Just(Input::Tick),
    ]
}

fn perform(app: &mut App, effect: &Input) {
    match *effect {
        Input::Key(chord) => key(app, chord.event()),
        Input::Step => key(app, KeyCode::Char('s').into()),
        Input::Typed(at, most, end) => {
            for c in TYPED[at].chars().take(most) {
                key(app, KeyCode::Char(c).into());
                frame::picture(app, app.display.width, app.display.height);
            }
            if let Some(end) = end {
                key(app, end.into());
            }
        }
        Input::Paste => {
            let text = "a\u{202e}\t世界\x1b[31m\nid:3".to_owned();
            update(app, AppEvent::Terminal(TerminalEvent::Paste(text)));
        }
        Input::Mouse(kind, column, row) => {
            let mouse = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
            update(app, AppEvent::Terminal(TerminalEvent::Mouse(mouse)));
        }
        Input::Size(width, height) => {
            update(app, AppEvent::Terminal(TerminalEvent::Resize(width, height)));
        }
        Input::Tick => {
            update(app, AppEvent::Tick);
        }
    }
    fake::settle(app);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn drawing_never_panics(
        inputs in proptest::collection::vec(effect(), 0..60),
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
        for effect in &inputs {
            perform(&mut app, effect);
            let buffer = frame::picture(&app, app.display.width, app.display.height);
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
