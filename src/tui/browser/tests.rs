//! Drawings of the list at every size and look, and keys in rows.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, mpsc},
    time::Duration,
};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{layout::Rect, style::Color};

use super::*;
use crate::{
    folder::{FileStamp, FolderChanges, FoundFile, ReadFile, RowState, RunSummary},
    trace,
    tui::{Palette, Shade, tests::fake::styled},
};

const SHIPPED: [&str; 8] = [
    "added-sentences",
    "edited-away",
    "edited-to-and-fro",
    "maximum-length",
    "short-answer",
    "stage-1-growth",
    "stage-2-expansions",
    "wrong-count",
];

fn found(name: &str) -> FoundFile {
    let path = Path::new("runs").join(name);
    let stamp = FileStamp { length: 1, written: None };
    FoundFile { path, name: name.to_owned(), stamp, recording: true }
}

/// The shipped recordings, and files that are none.
fn changes() -> FolderChanges {
    let run = |name: &&str| {
        let recording = trace::read(format!("recordings/{name}.jsonl").as_ref()).unwrap();
        let state = RowState::Read(Box::new(RunSummary::of(&recording)));
        (found(&format!("{name}.jsonl")), state)
    };
    let others = [
        ("broken.jsonl", RowState::Broken("line 3: this is no text. Take a copy".to_owned())),
        ("history.json", RowState::Importable("history")),
        ("\u{1b}[31mred\u{202e}.jsonl", RowState::Broken("it says \u{1b}[2J\nand more".to_owned())),
        ("summary.json", RowState::Other),
        ("unread.jsonl", RowState::Waiting),
    ];
    let others = others.map(|(name, state)| (found(name), state));
    let mut all: Vec<(FoundFile, RowState)> = SHIPPED.iter().map(run).chain(others).collect();
    all.sort_by(|a, b| a.0.path.cmp(&b.0.path));
    let read = all.iter().map(|(file, state)| {
        (file.path.clone(), ReadFile { state: state.clone(), keeps: (0, true) })
    });
    let read: BTreeMap<PathBuf, ReadFile> = read.collect();
    let files = all.iter().map(|(file, _)| file.clone()).collect();
    FolderChanges { files: Some(files), read, fault: None }
}

fn opens_nothing() -> OpenRuns {
    Arc::new(|_| Err("it is only a test".to_owned()))
}

fn screen(look: Look, width: u16, height: u16) -> FolderScreen {
    let keymap = Keymap::default();
    let mut screen = FolderScreen::unwatched("runs".to_owned(), opens_nothing(), look, keymap);
    screen.resize(width, height);
    screen.list.take(changes());
    screen
}

fn press(screen: &mut FolderScreen, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for name in keys.split(' ') {
        let code = match name {
            "Enter" => KeyCode::Enter,
            "Esc" => KeyCode::Esc,
            "Space" => KeyCode::Char(' '),
            "PgDn" => KeyCode::PageDown,
            name => KeyCode::Char(name.chars().next().unwrap()),
        };
        let key = KeyEvent::new(code, KeyModifiers::NONE);
        effects.extend(screen.update(AppEvent::Terminal(TerminalEvent::Key(key))));
    }
    effects
}

fn picture(screen: &FolderScreen) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, screen.width, screen.height));
    screen.draw(&mut buffer);
    buffer
}

fn check(name: &str, screen: &FolderScreen) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("../tests/snapshots");
    settings.bind(|| insta::assert_snapshot!(name, styled(&picture(screen))));
}

/// The name of the selected file, without its ending.
fn selected(screen: &FolderScreen) -> String {
    let name = screen.list.selected().map_or("", |row| row.name());
    name.trim_end_matches(".jsonl").to_owned()
}

#[test]
fn sizes() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut screen = screen(Look::default(), width, height);
        press(&mut screen, "G k k");
        check(&format!("folder_{width}x{height}"), &screen);
    }
    let mut small = screen(Look::default(), 40, 10);
    press(&mut small, "j");
    check("folder_40x10", &small);
}

#[test]
fn looks() {
    for (name, palette, ascii) in [
        ("256", Palette::Ansi256, false),
        ("16", Palette::Ansi16, false),
        ("mono", Palette::Mono, false),
        ("ascii", Palette::TrueColor, true),
        ("mono_ascii", Palette::Mono, true),
        ("light", Palette::TrueColor, false),
    ] {
        let shade = if name == "light" { Shade::Light } else { Shade::Dark };
        let look = Look { palette, ascii, shade, ..Look::default() };
        let mut screen = screen(look, 100, 30);
        press(&mut screen, "G k k Space");
        check(&format!("folder_look_{name}"), &screen);
    }
}

#[test]
fn a_look_draws_nothing_that_the_terminal_cannot_show() {
    let drawn = |look| {
        let sizes = [(80, 24), (200, 60)].into_iter();
        let screens = sizes.flat_map(move |(width, height)| {
            ["G k k Space", "?", "/ s", ": x Enter"].map(|keys| {
                let mut screen = screen(look, width, height);
                press(&mut screen, keys);
                picture(&screen)
            })
        });
        screens.flat_map(|picture| picture.content)
    };
    assert!(drawn(Look { ascii: true, ..Look::default() }).all(|cell| cell.symbol().is_ascii()));
    let look = Look { palette: Palette::Mono, ..Look::default() };
    assert!(drawn(look).all(|cell| (cell.fg, cell.bg) == (Color::Reset, Color::Reset)));
    let look = Look { palette: Palette::Ansi16, ..Look::default() };
    let named = |color: Color| !matches!(color, Color::Rgb(..) | Color::Indexed(_));
    assert!(drawn(look).all(|cell| named(cell.fg) && named(cell.bg)));
}

#[test]
fn what_is_typed_and_what_lies_over_the_list() {
    let mut screen = screen(Look::default(), 80, 24);
    press(&mut screen, "?");
    check("folder_help", &screen);
    press(&mut screen, "? / s t a g e");
    check("folder_name", &screen);
    press(&mut screen, "Enter : l e n g t h Space > Enter");
    assert!(screen.message.is_some(), "it says what is missing");
    check("folder_filter", &screen);
    let empty = Look::default();
    let mut screen =
        FolderScreen::unwatched("runs".to_owned(), opens_nothing(), empty, Keymap::default());
    screen.resize(80, 24);
    check("folder_empty", &screen);
    press(&mut screen, "Enter");
    assert!(screen.message.as_ref().unwrap().1.contains("no run"));
}

#[test]
fn nothing_from_a_file_steers_the_terminal() {
    let mut screen = screen(Look::default(), 120, 40);
    press(&mut screen, "g");
    for cell in picture(&screen).content {
        assert!(!cell.symbol().contains(|c: char| c.is_control() || c == '\u{202e}'));
    }
}

#[test]
fn keys_select_sort_and_filter() {
    for (keys, expected) in [
        ("g", "\u{1b}[31mred\u{202e}"),
        ("g j", "added-sentences"),
        ("G", "wrong-count"),
        ("G j", "wrong-count"),
        ("G g", "\u{1b}[31mred\u{202e}"),
        // By length, which begins with the largest.
        ("l l l l l g", "stage-1-growth"),
        ("l l l l l - g", "short-answer"),
        ("l l l l l - + g", "stage-1-growth"),
        // The selection stays on its file, whatever the order.
        ("G l l l", "wrong-count"),
        // By name, in either case.
        ("/ S T A G E Enter g", "stage-1-growth"),
        ("/ S T A G E Enter G", "stage-2-expansions"),
        ("/ S T A G E Enter Esc G", "wrong-count"),
        ("/ S T A G E Esc G", "wrong-count"),
        ("/ n o n e Enter", ""),
    ] {
        let mut screen = screen(Look::default(), 80, 24);
        press(&mut screen, keys);
        assert_eq!(selected(&screen), expected, "{keys}");
    }
}

#[test]
fn a_selection_stays_where_its_file_was() {
    let mut screen = screen(Look::default(), 80, 24);
    press(&mut screen, "g j j");
    let gone = selected(&screen);
    let mut files = changes().files.unwrap();
    let row = screen.list.row_selected();
    files.retain(|file| !file.name.starts_with(&gone));
    screen.list.take(FolderChanges { files: Some(files), ..FolderChanges::default() });
    assert_ne!(selected(&screen), gone);
    assert_eq!(screen.list.row_selected(), row);
}

/// Opens what is asked for and remembers it.
struct Opens {
    screen: FolderScreen,
    asked: Arc<Mutex<Vec<Vec<PathBuf>>>>,
    rings: mpsc::Receiver<()>,
}

impl Opens {
    fn new() -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let open: OpenRuns = {
            let asked = asked.clone();
            Arc::new(move |paths| {
                asked.lock().unwrap().push(paths.to_vec());
                Ok(Box::new(Vec::new))
            })
        };
        let mut screen = FolderScreen { open, ..screen(Look::default(), 80, 24) };
        let (ring, rings) = mpsc::channel();
        screen.wake_by(Arc::new(move || ring.send(()).is_ok()));
        Self { screen, asked, rings }
    }

    /// What is opened by these keys.
    fn by(&mut self, keys: &str) -> Vec<String> {
        press(&mut self.screen, keys);
        assert!(self.screen.opening.is_some(), "{keys}: {:?}", self.screen.message);
        self.rings.recv_timeout(Duration::from_secs(60)).unwrap();
        let effects = self.screen.update(AppEvent::Arrived);
        assert!(matches!(*effects, [Effect::Quit]), "{keys}");
        assert!(self.screen.take_opened().is_some(), "{keys}");
        let asked = self.asked.lock().unwrap().pop().unwrap();
        asked.iter().map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn runs_are_opened_alone_and_side_by_side() {
    for (keys, expected) in [
        ("G Enter", &["wrong-count"][..]),
        ("G Space k k k d", &["wrong-count", "stage-1-growth"]),
        ("G Space g j Space j Space d", &["added-sentences", "edited-away", "wrong-count"]),
        ("G Space Space g j Space j d", &["added-sentences", "edited-away"]),
    ] {
        let opened = Opens::new().by(keys);
        let named = |name: &&str| expected.contains(name);
        assert_eq!(opened.len(), expected.len(), "{keys}: {opened:?}");
        assert!(opened.iter().map(String::as_str).all(|name| named(&name)), "{keys}: {opened:?}");
    }
}

#[test]
fn what_cannot_be_opened_says_why() {
    for (keys, words) in [
        ("/ b r o k Enter Enter", "this is no text"),
        ("/ h i s t Enter Enter", "demask import"),
        ("d", "mark the runs"),
        ("/ b r o k Enter Space", "only a run"),
    ] {
        let mut screen = screen(Look::default(), 80, 24);
        let effects = press(&mut screen, keys);
        assert!(effects.is_empty() && screen.opening.is_none(), "{keys}");
        let message = screen.message.clone().unwrap_or((Role::Text, String::new())).1;
        assert!(message.contains(words), "{keys}: {message}");
    }
}

#[test]
fn esc_undoes_one_thing_after_the_other_and_q_quits() {
    let mut screen = screen(Look::default(), 80, 24);
    press(&mut screen, "G Space / s t a g e Enter Esc");
    assert_eq!(screen.list.marked().count(), 1);
    assert!(screen.list.name().is_empty());
    press(&mut screen, "Esc");
    assert_eq!(screen.list.marked().count(), 0);
    assert!(press(&mut screen, "Esc").is_empty());
    assert!(matches!(*press(&mut screen, "q"), [Effect::Quit]));
}

#[test]
fn any_size_can_be_drawn() {
    for (width, height) in [(1, 1), (10, 40), (40, 9), (41, 11), (159, 16), (160, 10), (500, 200)] {
        let mut screen = screen(Look::default(), width, height);
        for keys in ["g", "G", "? ?", "/ x Esc"] {
            press(&mut screen, keys);
            picture(&screen);
        }
        for x in 0..width.min(60) {
            for y in 0..height.min(60) {
                draw::hit(&screen, x, y);
            }
        }
    }
}
