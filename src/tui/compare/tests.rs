//! Drawings of the screen, and keys that step the runs together.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use ratatui::{buffer::Buffer, layout::Rect};

use super::*;
use crate::compare::LockstepRun as _;
use crate::{
    session::EngineReport,
    tui::{
        Look, Palette, StepSource,
        tests::{fake, fake::styled},
    },
};

/// Lanes over the fake model, each with these parameters.
fn comparison(look: Look, runs: &[&[(&str, &str)]], width: u16, height: u16) -> ComparisonScreen {
    let starts = runs.iter().map(|set| {
        let mut start = fake::start_with(look, fake::params(set), fake::vocabulary());
        start.predictor = None;
        let set: Vec<String> = set.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let label =
            if set.is_empty() { "daedal".to_owned() } else { format!("daedal:{}", set.join(",")) };
        RunStart::new(label, start)
    });
    let mut comparison = ComparisonScreen::new(starts.collect(), width, height).unwrap();
    let effects = comparison.begin();
    settle(&mut comparison, effects);
    comparison
}

const TWO: &[&[(&str, &str)]] = &[&[], &[("high_conf_threshold", "0.3")]];

/// Answers as the engine would, until nothing is asked; how many passes that took.
fn settle(comparison: &mut ComparisonScreen, effects: Vec<Effect>) -> usize {
    let (mut effects, mut passes) = (effects, 0);
    loop {
        let asked = effects.iter().find_map(|effect| match effect {
            Effect::Submit(model, key, request) => Some((*model, *key, request.clone())),
            _ => None,
        });
        let Some((model, key, request)) = asked else { return passes };
        let is_it = |effect: &Effect| match effect {
            Effect::Submit(of, other, _) => (*of, *other) == (model, key),
            _ => false,
        };
        effects.retain(|effect| !is_it(effect));
        passes += 1;
        let took = Duration::from_millis(7);
        let prediction = fake::predict(&request);
        effects.extend(
            comparison
                .update(AppEvent::Report(model, EngineReport::Done { key, prediction, took })),
        );
    }
}

fn press(comparison: &mut ComparisonScreen, keys: &str) -> usize {
    let mut passes = 0;
    for name in keys.split(' ') {
        let code = match name {
            "Enter" => KeyCode::Enter,
            "Tab" => KeyCode::Tab,
            "Esc" => KeyCode::Esc,
            name => KeyCode::Char(name.chars().next().unwrap()),
        };
        let key = KeyEvent::new(code, KeyModifiers::NONE);
        let effects = comparison.update(AppEvent::Terminal(TerminalEvent::Key(key)));
        passes += settle(comparison, effects);
    }
    passes
}

fn finish(comparison: &mut ComparisonScreen) {
    press(comparison, "c");
    for _ in 0..2000 {
        if !comparison.running {
            return;
        }
        let effects = comparison.update(AppEvent::Tick);
        settle(comparison, effects);
    }
    panic!("the runs do not end");
}

fn check(name: &str, comparison: &ComparisonScreen) {
    let mut buffer = Buffer::empty(Rect::new(0, 0, comparison.width, comparison.height));
    comparison.draw(&mut buffer);
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("../tests/snapshots");
    settings.bind(|| insta::assert_snapshot!(name, styled(&buffer)));
}

fn depths(comparison: &ComparisonScreen) -> Vec<u32> {
    comparison.lockstep.runs.iter().map(|run| run.app.step()).collect()
}

#[test]
fn screens() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut comparison = comparison(Look::default(), TWO, width, height);
        for _ in 0..9 {
            press(&mut comparison, "s");
        }
        press(&mut comparison, "Tab");
        check(&format!("compare_{width}x{height}"), &comparison);
    }
    let mut comparison = comparison(
        Look { palette: Palette::Mono, ascii: true, ..Look::default() },
        &[
            &[],
            &[("high_conf_threshold", "0.3")],
            &[("block_length", "8")],
            &[("low_conf_threshold", "0.4")],
        ],
        120,
        30,
    );
    finish(&mut comparison);
    check("compare_four_mono_ascii", &comparison);
    press(&mut comparison, "?");
    check("compare_help", &comparison);
}

#[test]
fn a_step_steps_all_and_back_goes_back() {
    let mut comparison = comparison(Look::default(), TWO, 80, 24);
    press(&mut comparison, "s");
    press(&mut comparison, "s");
    assert_eq!(depths(&comparison), [2, 2]);
    press(&mut comparison, "S");
    assert_eq!(depths(&comparison), [1, 1]);
    // What is known costs no pass.
    assert_eq!(press(&mut comparison, "s"), 0);
    finish(&mut comparison);
    let ends = depths(&comparison);
    assert!(ends[0] != ends[1] && comparison.over(), "{ends:?}");
    press(&mut comparison, "S");
    let furthest = *ends.iter().max().unwrap();
    assert_eq!(*depths(&comparison).iter().max().unwrap(), furthest - 1);
    press(&mut comparison, "0");
    assert_eq!(depths(&comparison), [0, 0]);
    press(&mut comparison, "$");
    assert_eq!(depths(&comparison), ends);
}

#[test]
fn a_step_asked_for_during_a_pass_is_made_when_it_is_done() {
    let mut comparison = comparison(Look::default(), TWO, 80, 24);
    let step = || AppEvent::Terminal(TerminalEvent::Key(KeyCode::Char('s').into()));
    let mut effects = comparison.update(step());
    effects.extend(comparison.update(step()));
    effects.extend(comparison.update(step()));
    assert_eq!(depths(&comparison), [1, 1]);
    settle(&mut comparison, effects);
    assert_eq!(depths(&comparison), [3, 3]);
}

#[test]
fn equal_passes_are_asked_for_once() {
    let mut comparison = comparison(Look::default(), &[&[], &[]], 80, 24);
    assert_eq!(press(&mut comparison, "s"), 1);
    finish(&mut comparison);
    let passes = |at: usize| comparison.lockstep.runs[at].app.debugger.session.passes();
    assert!(passes(0) > 2);
    assert_eq!(passes(1), 0);
    assert_eq!(comparison.parting(1), None);
}

#[test]
fn runs_on_several_models_share_no_pass_and_each_is_asked_of_its_own() {
    let starts = ["one", "two"].into_iter().enumerate().map(|(model, name)| {
        let mut start = fake::start_with(Look::default(), fake::params(&[]), fake::vocabulary());
        start.predictor = None;
        RunStart { label: name.to_owned(), model, start }
    });
    let mut comparison = ComparisonScreen::new(starts.collect(), 80, 24).unwrap();
    let asked = |effects: &[Effect]| -> Vec<(usize, Key)> {
        let of = |effect: &Effect| match effect {
            Effect::Submit(model, key, _) => Some((*model, *key)),
            _ => None,
        };
        effects.iter().filter_map(of).collect()
    };
    let effects = comparison.begin();
    let both = asked(&effects);
    assert!(matches!(both[..], [(0, one), (1, two)] if one == two), "{both:?}");
    settle(&mut comparison, effects);
    // The second opens while a pass of the first is on its way, and comes back to it.
    let press = |comparison: &mut ComparisonScreen, code: KeyCode| {
        comparison.update(AppEvent::Terminal(TerminalEvent::Key(code.into())))
    };
    let effects = press(&mut comparison, KeyCode::Char('s'));
    assert_eq!(asked(&effects).len(), 2);
    press(&mut comparison, KeyCode::Tab);
    press(&mut comparison, KeyCode::Enter);
    assert!(comparison.open);
    let of_first = effects.into_iter().filter(|effect| matches!(effect, Effect::Submit(0, ..)));
    assert_eq!(settle(&mut comparison, of_first.collect()), 1);
    let session = |at: usize| &comparison.lockstep.runs[at].app.debugger.session;
    assert_eq!([session(0).passes(), session(1).passes()], [2, 1]);
    let (key, request) = comparison.lockstep.runs[1].waits().map(|(k, r)| (k, r.clone())).unwrap();
    settle(&mut comparison, vec![Effect::Submit(1, key, request)]);
    // What the open run asks for goes to its own model.
    let effects = press(&mut comparison, KeyCode::Char('s'));
    assert!(matches!(asked(&effects)[..], [(1, _)]), "{effects:?}");
    settle(&mut comparison, effects);
    let effects = press(&mut comparison, KeyCode::Char('q'));
    settle(&mut comparison, effects);
    finish(&mut comparison);
    let passes = |at: usize| comparison.lockstep.runs[at].app.debugger.session.passes();
    assert!(passes(0) > 2);
    assert_eq!(passes(0), passes(1));
    let shown = {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
        comparison.draw(&mut buffer);
        fake::glyphs(&buffer)
    };
    assert!(shown.contains(" 2 two "), "{shown}");
}

#[test]
fn a_pass_cancelled_behind_an_open_run_is_asked_for_again() {
    let starts = (0..2).map(|model| {
        let mut start = fake::start_with(Look::default(), fake::params(&[]), fake::vocabulary());
        start.predictor = None;
        RunStart { label: model.to_string(), model, start }
    });
    let mut comparison = ComparisonScreen::new(starts.collect(), 80, 24).unwrap();
    let key = comparison.begin().into_iter().find_map(|effect| match effect {
        Effect::Submit(0, key, _) => Some(key),
        _ => None,
    });
    press(&mut comparison, "Tab Enter");
    let cancelled = EngineReport::Failed(key.unwrap(), crate::predict::PredictError::Cancelled);
    assert!(comparison.update(AppEvent::Report(0, cancelled)).is_empty());
    let code = KeyCode::Char('q');
    let effects = comparison.update(AppEvent::Terminal(TerminalEvent::Key(code.into())));
    let again = effects.iter().any(|effect| matches!(effect, Effect::Submit(0, ..)));
    assert!(again, "{effects:?}");
}

#[test]
fn a_lane_opens_as_a_debugger_and_q_comes_back() {
    let mut comparison = comparison(Look::default(), TWO, 80, 24);
    press(&mut comparison, "s s Tab Enter");
    assert!(comparison.open);
    press(&mut comparison, "s");
    assert_eq!(depths(&comparison), [2, 3]);
    press(&mut comparison, "q");
    assert!(!comparison.open);
    // The run that is behind catches up.
    press(&mut comparison, "s");
    assert_eq!(depths(&comparison), [3, 3]);
    let key = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
    let effects = comparison.update(AppEvent::Terminal(TerminalEvent::Key(key)));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Quit)));
}

#[test]
fn every_size_can_be_drawn_whatever_the_lanes() {
    for runs in 1..7 {
        let sets: Vec<&[(&str, &str)]> = vec![&[]; runs];
        let mut comparison = comparison(Look::default(), &sets, 80, 24);
        for (width, height) in [(1, 1), (40, 10), (41, 11), (80, 24), (77, 13), (250, 80)] {
            comparison.resize(width, height);
            for focus in 0..runs {
                comparison.focus = focus;
                let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
                comparison.draw(&mut buffer);
                if width >= 80 {
                    let text = fake::glyphs(&buffer);
                    let shown = format!(" {} daedal ", focus + 1);
                    assert!(text.contains(&shown), "{runs} runs, {width}×{height}: {text}");
                }
            }
        }
    }
}

/// The same runs as recordings, to be gone over without a model.
fn recorded(look: Look, runs: &[&[(&str, &str)]], width: u16, height: u16) -> ComparisonScreen {
    let starts = runs.iter().enumerate().map(|(at, set)| {
        let mut start = fake::start_with(look, fake::params(set), fake::vocabulary());
        while !matches!(start.session.pending(), crate::session::Pending::Done(_)) {
            fake::supplied(&mut start.session);
            start.session.step().unwrap();
        }
        let root = start.session.timeline().root_of(start.session.at());
        start.session.go(root);
        start.predictor = None;
        let name = format!("run-{}.jsonl", at + 1);
        start.source = StepSource::Replay(name.clone());
        RunStart::new(name, start)
    });
    let mut comparison = ComparisonScreen::new(starts.collect(), width, height).unwrap();
    assert!(comparison.begin().is_empty());
    comparison
}

#[test]
fn recorded_screens() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut comparison = recorded(Look::default(), TWO, width, height);
        press(&mut comparison, "Tab ] s");
        check(&format!("diff_{width}x{height}"), &comparison);
    }
    let look = Look { palette: Palette::Mono, ascii: true, ..Look::default() };
    let mut comparison = recorded(look, TWO, 100, 30);
    press(&mut comparison, "$");
    check("diff_mono_ascii", &comparison);
}

#[test]
fn recorded_lanes_go_over_what_is_known_and_ask_for_nothing() {
    let mut comparison = recorded(Look::default(), TWO, 80, 24);
    assert_eq!(press(&mut comparison, "s f"), 0);
    assert_eq!(depths(&comparison), [2, 2]);
    press(&mut comparison, "S");
    assert_eq!(depths(&comparison), [1, 1]);
    press(&mut comparison, "$");
    let ends = depths(&comparison);
    assert!(ends[0] != ends[1] && comparison.over(), "{ends:?}");
    // The shorter run waits at its end, on the way back as well.
    let long = *ends.iter().max().unwrap();
    press(&mut comparison, "S");
    assert_eq!(depths(&comparison), ends.iter().map(|&end| end.min(long - 1)).collect::<Vec<_>>());
    press(&mut comparison, "0");
    assert_eq!(depths(&comparison), [0, 0]);
    // Run to the end, a step a tick.
    finish(&mut comparison);
    assert_eq!(depths(&comparison), ends);
    // A tenth back and on.
    press(&mut comparison, "0 } }");
    let tenth = long.div_ceil(10);
    let at = |step: u32| ends.iter().map(|&end| end.min(step)).collect::<Vec<_>>();
    assert_eq!(depths(&comparison), at(2 * tenth));
    press(&mut comparison, "{");
    assert_eq!(depths(&comparison), at(tenth));
}

#[test]
fn a_key_goes_to_where_they_part() {
    let mut comparison = recorded(Look::default(), TWO, 80, 24);
    let parting = comparison.lockstep.runs[1].parting.unwrap();
    let canvases = |comparison: &ComparisonScreen| {
        let runs = comparison.lockstep.runs.iter();
        runs.map(|run| run.app.canvas().tokens()).collect::<Vec<_>>()
    };
    for before in ["0", "$"] {
        press(&mut comparison, before);
        press(&mut comparison, "]");
        assert_eq!(depths(&comparison), [parting as u32 - 1; 2]);
        let before = canvases(&comparison);
        assert_eq!(before[0], before[1]);
    }
    press(&mut comparison, "s");
    let after = canvases(&comparison);
    assert_ne!(after[0], after[1]);
    // Equal runs never part.
    let mut comparison = recorded(Look::default(), &[&[], &[]], 80, 24);
    press(&mut comparison, "]");
    assert_eq!(depths(&comparison), [0, 0]);
    assert!(comparison.message.as_ref().unwrap().1.contains("does not part"));
}

#[test]
fn an_open_recorded_lane_comes_back_to_its_branch() {
    let mut comparison = recorded(Look::default(), TWO, 80, 24);
    press(&mut comparison, "$ 0 s s");
    let ends: Vec<_> = comparison.lockstep.runs.iter().map(|run| run.end.unwrap()).collect();
    press(&mut comparison, "Tab Enter");
    assert!(comparison.open);
    // Another threshold makes a branch of its own there.
    press(&mut comparison, "p + + + s s q");
    assert!(!comparison.open);
    press(&mut comparison, "$");
    let at = comparison.lockstep.runs.iter().map(|run| run.app.debugger.session.at());
    assert_eq!(at.collect::<Vec<_>>(), ends);
}

#[test]
fn a_click_on_the_strip_goes_to_a_step() {
    use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
    let mut comparison = recorded(Look::default(), TWO, 80, 24);
    let last = comparison.last_step();
    let click = |comparison: &mut ComparisonScreen, column: u16| {
        let kind = MouseEventKind::Down(MouseButton::Left);
        let mouse = MouseEvent { kind, column, row: 22, modifiers: KeyModifiers::NONE };
        comparison.update(AppEvent::Terminal(TerminalEvent::Mouse(mouse)));
        comparison.lockstep.step()
    };
    assert_eq!(click(&mut comparison, 79), last);
    assert_eq!(click(&mut comparison, 1), 0);
    let mut seen: Vec<usize> = (1..79).map(|column| click(&mut comparison, column)).collect();
    seen.dedup();
    assert!(seen.is_sorted() && seen.len() == 78.min(last + 1), "{seen:?}");
}

#[test]
fn a_click_on_a_hint_does_what_its_key_does() {
    use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
    for (width, height) in [(80, 24), (120, 40)] {
        let mut comparison = comparison(Look::default(), TWO, width, height);
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        comparison.draw(&mut buffer);
        let row = height - 1;
        let line: String = (0..width).map(|x| buffer[(x, row)].symbol().to_owned()).collect();
        let column = line[..line.find("step").unwrap()].chars().count() as u16;
        let kind = MouseEventKind::Down(MouseButton::Left);
        let mouse = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
        let effects = comparison.update(AppEvent::Terminal(TerminalEvent::Mouse(mouse)));
        settle(&mut comparison, effects);
        assert_eq!(depths(&comparison), [1, 1], "{line}");
    }
}

#[test]
fn esc_leaves_only_what_lies_over_something() {
    for (below, leaves) in
        [(ScreenBelow::Nothing, false), (ScreenBelow::Debugger, true), (ScreenBelow::Folder, true)]
    {
        let mut comparison = recorded(Look::default(), TWO, 80, 24);
        comparison.below = below;
        let key = KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE);
        let effects = comparison.update(AppEvent::Terminal(TerminalEvent::Key(key)));
        let quits = effects.iter().any(|effect| matches!(effect, Effect::Quit));
        assert_eq!(quits, leaves, "{below:?}");
    }
}
