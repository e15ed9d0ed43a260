//! The help box: read through, searched, and in two columns.

use super::{
    fake::{self, glyphs, press, typed},
    screens::check,
};
use crate::tui::{App, Look, app::InputMode, frame};

fn shown(app: &App) -> String {
    glyphs(&frame::picture(app, app.display.width, app.display.height))
}

/// True if the box is open.
fn is_open(app: &App) -> bool {
    matches!(app.top.mode, InputMode::Help(_))
}

#[test]
fn sizes() {
    for (width, height) in [(60, 16), (80, 24), (120, 40), (200, 60)] {
        let mut app = fake::app(Look::default(), 1, width, height);
        press(&mut app, "?");
        check(&format!("help_{width}x{height}"), &app);
        typed(&mut app, "/remask");
        check(&format!("help_search_{width}x{height}"), &app);
    }
}

#[test]
fn keys_commands_tasks_and_terms_are_found_by_their_words() {
    for (search, found, gone) in [
        ("stop early", "Why did it stop early?", "Take another prompt"),
        ("THRESHOLD step", "Try another threshold on this step", "Glossary"),
        ("bookmark", ":mark NAME", "Why did it stop early?"),
        ("gumbel", "temperature", "How do I"),
        ("zzz", "no help entry matches", "Glossary"),
    ] {
        let mut app = fake::app(Look::default(), 0, 200, 60);
        typed(&mut app, &format!("?/{search}"));
        let text = shown(&app);
        assert!(text.contains(found) && !text.contains(gone), "{search}:\n{text}");
    }
}

#[test]
fn what_is_typed_is_searched_for_and_esc_closes_one_thing_after_the_other() {
    let mut app = fake::app(Look::default(), 0, 120, 40);
    // Keys of the box are letters while they are typed.
    typed(&mut app, "?/quit");
    assert!(is_open(&app) && shown(&app).contains("/quit"));
    press(&mut app, "Enter j Esc");
    assert!(is_open(&app) && shown(&app).contains("How do I"), "{}", shown(&app));
    press(&mut app, "Esc");
    assert!(!is_open(&app));
    for closes in ["?", "q", "Esc", "Enter"] {
        press(&mut app, &format!("? {closes}"));
        assert!(!is_open(&app), "{closes}");
    }
}

#[test]
fn a_key_goes_from_part_to_part_and_to_both_ends() {
    let mut app = fake::app(Look::default(), 0, 80, 24);
    let first = |app: &App| {
        let text = shown(app);
        let row = text.lines().skip_while(|line| !line.contains(" Help ")).nth(1);
        row.unwrap_or_default().trim_matches([' ', '│']).trim().to_owned()
    };
    press(&mut app, "?");
    for part in ["How do I …", "Run", "Go back and forth", "Position"] {
        assert!(first(&app).starts_with(part), "{part}: {}", first(&app));
        press(&mut app, "Tab");
    }
    press(&mut app, "BackTab BackTab");
    assert!(first(&app).starts_with("Go back and forth"), "{}", first(&app));
    press(&mut app, "G");
    assert!(
        shown(&app).contains("number of function evaluations") || shown(&app).contains("adapter")
    );
    press(&mut app, "g");
    assert!(first(&app).starts_with("How do I …"));
}
