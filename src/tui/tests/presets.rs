//! Presets as the screen sees them.

use std::path::PathBuf;

use super::fake::{app_of, start};
use crate::{
    decode::Value,
    tui::{App, Look, Presets},
};

fn app() -> App {
    let mut start = start(Look::default());
    start.presets = Some(Presets {
        list: Box::new(|| vec!["bold".to_owned(), "broken".to_owned()]),
        load: Box::new(|name| match name {
            "bold" => Ok(vec![
                ("high_conf_threshold".to_owned(), Value::Float(0.25)),
                ("low_conf_threshold".to_owned(), Value::Float(0.0)),
            ]),
            "broken" => Ok(vec![
                ("high_conf_threshold".to_owned(), Value::Float(0.75)),
                ("no_such".to_owned(), Value::Int(1)),
            ]),
            _ => Err(format!("no `{name}`")),
        }),
        save: Box::new(|name, params| match params.float("high_conf_threshold") {
            Ok(0.25) => Ok(PathBuf::from(name)),
            _ => Err("not what is shown".to_owned()),
        }),
    });
    app_of(start, 9, 100, 30)
}

#[test]
fn a_preset_sets_what_it_names_and_is_decided_at_once() {
    let mut app = app();
    let before = app.decision().cloned();
    assert_eq!(app.preset_names(), ["bold", "broken"]);
    assert_eq!(app.load_preset("bold"), Ok(2));
    assert_eq!(app.session.params().float("high_conf_threshold"), Ok(0.25));
    assert_ne!(app.decision().cloned(), before);
    assert!(app.what_if());
    assert_eq!(app.load_preset("bold"), Ok(0));
    assert_eq!(app.save_preset("mine"), Ok(PathBuf::from("mine")));
}

#[test]
fn a_broken_preset_changes_nothing() {
    let mut app = app();
    let before = app.session.params().clone();
    for (name, word) in [("broken", "no_such"), ("other", "no `other`")] {
        let error = app.load_preset(name).unwrap_err();
        assert!(error.contains(word), "{error}");
        assert_eq!(app.session.params(), &before);
    }
}

#[test]
fn without_presets_nothing_is_offered() {
    let mut app = app_of(start(Look::default()), 0, 80, 24);
    assert!(app.preset_names().is_empty());
    assert!(app.load_preset("x").is_err() && app.save_preset("x").is_err());
}
