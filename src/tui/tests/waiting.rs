//! What is shown while one waits: the loading screen, and a pass that takes long.

use std::time::Duration;

use proptest::prelude::*;
use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    fake::{self, glyphs, press, styled},
    screens::check as check_app,
};
use crate::{
    predict::{Key, Progress},
    tui::{
        App, LoadingProgress, Look, Palette,
        app::Busy,
        driver::wait::{LoadingScreen, draw},
        frame,
    },
};

fn mono() -> Look {
    Look { palette: Palette::Mono, ..Look::default() }
}

fn picture(loading: &LoadingScreen, width: u16, height: u16) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    draw(loading, &mut buffer);
    buffer
}

/// A download on its way.
fn downloading(look: Look) -> LoadingScreen {
    let mut loading = LoadingScreen::new("GSAI-ML/LLaDA-8B-Instruct", look);
    for (second, done) in [(1, 1_000_000_000), (4, 1_300_000_000), (12, 1_610_000_000)] {
        let work = "downloading model-00001-of-00006.safetensors".to_owned();
        let now = LoadingProgress { work, done, of: 4_320_000_000, ..LoadingProgress::default() };
        loading.show(now, Duration::from_secs(second));
    }
    loading
}

#[test]
fn loading_is_shown_at_every_size() {
    for (name, look, (width, height)) in [
        ("waiting_80x24", Look::default(), (80, 24)),
        ("waiting_30x6", Look::default(), (30, 6)),
        ("waiting_20x3", Look::default(), (20, 3)),
        ("waiting_mono", mono(), (80, 24)),
        ("waiting_mono_ascii", Look { ascii: true, ..mono() }, (60, 8)),
    ] {
        let drawing = styled(&picture(&downloading(look), width, height));
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, drawing));
    }
}

#[test]
fn a_warning_stands_below() {
    let mut loading = downloading(Look::default());
    let warning = "warning: memory is tight".to_owned();
    loading
        .show(LoadingProgress { warning, ..LoadingProgress::default() }, Duration::from_secs(13));
    for (size, shown) in [((80, 24), true), ((40, 10), true), ((30, 6), false)] {
        let text = glyphs(&picture(&loading, size.0, size.1));
        assert_eq!(text.contains("memory is tight"), shown, "{text}");
        assert!(text.contains("cancels"), "{text}");
    }
}

#[test]
fn what_nobody_knows_is_not_shown() {
    let text = glyphs(&picture(&LoadingScreen::new("m", Look::default()), 80, 24));
    assert!(text.contains("opening the model"), "{text}");
    assert!(text.contains("0:00 so far"), "{text}");
    assert!(!text.contains('%') && !text.contains("to go"), "{text}");
}

proptest! {
    #[test]
    fn any_name_and_number_can_be_drawn(
        (width, height) in (1_u16..120, 1_u16..40),
        name in ".{0,40}",
        work in ".{0,40}",
        reports in prop::collection::vec((0_u64..1_000_000, any::<u64>(), any::<u64>()), 0..5),
        ascii: bool,
    ) {
        let mut loading = LoadingScreen::new(&name, Look { ascii, ..Look::default() });
        for (at, done, of) in reports {
            let now = LoadingProgress { work: work.clone(), done, of, warning: name.clone() };
            loading.show(now, Duration::from_millis(at));
        }
        let text = glyphs(&picture(&loading, width, height));
        prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        prop_assert!(!ascii || text.is_ascii(), "{text:?}");
        // How to leave is on every screen that holds it.
        prop_assert!(width < 11 || height < 2 || text.contains("Esc"), "{text}");
    }
}

/// Under a pass that takes long.
fn slow(look: Look, (width, height): (u16, u16)) -> App {
    let mut app = fake::app(look, 3, width, height);
    let key = Key(7);
    app.running.busy = Some(Busy { key, progress: Progress { done: 6, of: 25 } });
    app.running.slow = Some(Duration::from_millis(1234));
    app
}

#[test]
fn a_slow_pass_shows_its_layers() {
    check_app("slow_80x24", &slow(Look::default(), (80, 24)));
    check_app("slow_120x40", &slow(Look::default(), (120, 40)));
    check_app("slow_mono", &slow(mono(), (80, 24)));
}

#[test]
fn a_message_stands_beside_a_slow_pass() {
    let text = |app: &App| glyphs(&frame::picture(app, app.display.width, app.display.height));
    for size in [(40, 10), (80, 24), (120, 40)] {
        let mut app = slow(Look::default(), size);
        app.say("said");
        let drawn = text(&app);
        assert!(drawn.contains("layer 7/24 · 1.2 s") && drawn.contains(" said"), "{drawn}");
        app.running.slow = None;
        assert!(!text(&app).contains("layer"), "{size:?}: it is fast");
        // What is typed has the whole line.
        let mut app = slow(Look::default(), size);
        press(&mut app, "E");
        (app.running.busy, app.running.slow) =
            (slow(Look::default(), size).running.busy, Some(Duration::from_secs(1)));
        assert!(!text(&app).contains("layer"), "{size:?}: the prompt is typed");
    }
}
