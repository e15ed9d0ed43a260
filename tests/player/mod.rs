//! The player in a real headless browser: what it shows is what was recorded.
//!
//! An extra, since not every machine has one: `cargo test --test all player:: -- --ignored`.

mod browser;

use std::{
    fs,
    path::{Path, PathBuf},
};

use assert_cmd::Command;
use browser::Browser;
use demask::{
    decode::Verdict,
    escape::one_line,
    predict::{Piece, Vocabulary},
    session::NodeId,
    trace::{self, Recording},
};
use serde_json::{Value, json};
use tempfile::TempDir;

fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings").join(format!("{name}.jsonl"))
}

fn demask(args: &[&str]) {
    let mut command = Command::cargo_bin("demask").unwrap();
    command.args(args).env_remove("DEMASK_CONFIG").env("XDG_CONFIG_HOME", "/nonexistent");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The exported page of a recording.
fn page(folder: &TempDir, file: &Path) -> PathBuf {
    let out = folder.path().join("page.html");
    demask(&["export", "--overwrite", file.to_str().unwrap(), out.to_str().unwrap()]);
    out.canonicalize().unwrap()
}

/// What is on the page.
const SHOWN: &str = "({
    step: Number(document.getElementById('step').value),
    masks: Number(document.querySelector('#fact-masks dd').textContent),
    cells: [...document.querySelectorAll('#cells > span')].map((cell) => [
        Number(cell.dataset.token), cell.firstChild ? cell.firstChild.textContent : '', Number(cell.dataset.folded || 1)])
})";

/// Compares the page with a canvas of the recording.
fn check(browser: &mut Browser, recording: &Recording, step: usize, node: NodeId) {
    let shown = browser.evaluate(SHOWN);
    let canvas = &recording.recorded.timeline[node].canvas;
    assert_eq!(shown["step"], step);
    assert_eq!(shown["masks"], canvas.masks(), "step {step}");
    let mut tokens = Vec::new();
    for cell in shown["cells"].as_array().unwrap() {
        let token = cell[0].as_u64().unwrap() as u32;
        let many = cell[2].as_u64().unwrap() as usize;
        tokens.extend(std::iter::repeat_n(token, many));
        let special = canvas.special();
        if let Some(Piece::Text(text)) = recording.vocabulary.piece(token)
            && token != special.mask
            && token != special.eos
        {
            let expected = one_line(&text).replace('↵', "↵\n");
            assert_eq!(cell[1], expected, "step {step}");
        }
    }
    assert_eq!(tokens, canvas.tokens(), "step {step}");
}

/// The steps of the branch that was left last.
fn path(recording: &Recording) -> Vec<NodeId> {
    recording.recorded.timeline.path(recording.recorded.end)
}

fn quiet(browser: &Browser) {
    assert!(browser.complaints.is_empty(), "{:#?}", browser.complaints);
}

#[test]
#[ignore = "needs a browser"]
fn every_step_of_every_recording_is_shown_as_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let mut browser = Browser::start();
    for name in ["stage-2-expansions", "maximum-length", "short-answer"] {
        let file = recorded(name);
        let recording = trace::read(&file).unwrap();
        browser.open(&page(&folder, &file), "");
        let path = path(&recording);
        for (step, &node) in path.iter().enumerate() {
            check(&mut browser, &recording, step, node);
            browser.press("s", false);
        }
        // At the end there is nothing to step to.
        check(&mut browser, &recording, path.len() - 1, path[path.len() - 1]);
    }
    quiet(&browser);
}

#[test]
#[ignore = "needs a browser"]
fn keys_do_what_they_do_in_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let file = recorded("stage-2-expansions");
    let recording = trace::read(&file).unwrap();
    let path = path(&recording);
    let last = path.len() - 1;
    let mut browser = Browser::start();
    browser.open(&page(&folder, &file), "#step=12&position=3");
    let at = |browser: &mut Browser, step: usize| {
        check(browser, &recording, step, path[step]);
    };
    at(&mut browser, 12);
    for (key, ctrl, step) in [
        ("S", false, 11),
        ("Backspace", false, 10),
        ("f", false, 11),
        ("0", false, 0),
        ("S", false, 0),
        ("$", false, last),
        ("Home", true, 0),
        ("End", true, last),
        // The stage before, the start.
        ("{", false, 6),
        ("{", false, 0),
        // Events: stage 2 begins at step 6, an expansion makes 7.
        ("]", false, 6),
        ("]", false, 7),
        ("[", false, 6),
    ] {
        browser.press(key, ctrl);
        at(&mut browser, step);
    }
    // The cursor moves, and the slider takes the arrows where it has the focus.
    let position = "document.querySelector('#what b').textContent";
    let before = browser.evaluate(position);
    browser.press("ArrowRight", false);
    assert_ne!(browser.evaluate(position), before);
    at(&mut browser, 6);
    browser.evaluate("document.getElementById('step').focus()");
    browser.press("ArrowRight", false);
    at(&mut browser, 7);
    browser.press("End", false);
    at(&mut browser, last);
    let told = browser.evaluate("document.getElementById('step').getAttribute('aria-valuetext')");
    assert_eq!(told, format!("step {last} of {last}, stage 2, 0 masks left"));
    // Playing, as fast as it goes, comes to the end and stops.
    browser.press("0", false);
    for _ in 0..5 {
        browser.press(">", false);
    }
    browser.press(" ", false);
    let ended = browser.evaluate(
        "new Promise((done) => {
            const look = () => document.getElementById('play').textContent === '▶'
                && document.getElementById('step').value !== '0'
                ? done(document.getElementById('step').value) : requestAnimationFrame(look);
            look();
        })",
    );
    assert_eq!(ended, last.to_string());
    // The help opens and closes.
    let help = "document.getElementById('help').open";
    for (key, open) in [("?", true), ("Escape", false), ("?", true), ("?", false)] {
        browser.press(key, false);
        assert_eq!(browser.evaluate(help), open, "{key}");
    }
    quiet(&browser);
}

/// A verdict as the inspector says it before the step.
fn pending(verdict: &Verdict) -> String {
    let text = verdict.to_string();
    let acts = verdict.effect().is_some();
    let mut letters = text.chars();
    match (acts, letters.next()) {
        (true, _) => format!("Will be {text}"),
        (false, Some(first)) => first.to_uppercase().chain(letters).collect(),
        (false, None) => String::new(),
    }
}

#[test]
#[ignore = "needs a browser"]
fn the_inspector_gives_the_programs_own_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let mut browser = Browser::start();
    for (name, steps) in [("stage-2-expansions", vec![2, 6, 16, 40]), ("maximum-length", vec![30])]
    {
        let file = recorded(name);
        let recording = trace::read(&file).unwrap();
        let (timeline, path) = (&recording.recorded.timeline, path(&recording));
        browser.open(&page(&folder, &file), "");
        for step in steps {
            browser.turn(&format!("#step={step}&position=0&"));
            let made = timeline[path[step + 1]].step().unwrap();
            for (at, verdict) in made.decision.verdicts.iter().enumerate() {
                if timeline[path[step]].canvas.is_masked(at) {
                    let why = browser.evaluate("document.getElementById('why').textContent");
                    assert_eq!(why, pending(verdict), "{name}, step {step}, position {at}");
                }
                browser.press("ArrowRight", false);
            }
        }
    }
    quiet(&browser);
}

#[test]
#[ignore = "needs a browser"]
fn branches_can_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("branches.jsonl");
    let commands = "step 8; back 2; fill 30 \" owl\"; continue";
    let prompt = "Name 4 animals and 3 places.";
    demask(&["run", prompt, "--record", file.to_str().unwrap(), "--exec", commands]);
    let recording = trace::read(&file).unwrap();
    let timeline = &recording.recorded.timeline;
    let tips = timeline.tips();
    assert_eq!(tips.len(), 2);
    let mut browser = Browser::start();
    browser.open(&page(&folder, &file), "");
    for (branch, &tip) in tips.iter().enumerate() {
        browser.turn(&format!("#branch={}&step=0&", branch + 1));
        for (step, &node) in timeline.path(tip).iter().enumerate() {
            check(&mut browser, &recording, step, node);
            browser.press("s", false);
        }
    }
    assert_eq!(browser.evaluate("document.getElementById('branch').value"), "1");
    quiet(&browser);
}

/// Writes a recording with its lines changed, and no checksums.
fn changed(folder: &TempDir, name: &str, change: impl Fn(&mut Value)) -> PathBuf {
    let mut text = String::new();
    for line in fs::read_to_string(recorded(name)).unwrap().lines() {
        let mut value: Value = serde_json::from_str(line).unwrap();
        value.as_object_mut().unwrap().remove("sum");
        change(&mut value);
        text += &format!("{value}\n");
    }
    let out = folder.path().join("changed.jsonl");
    fs::write(&out, text).unwrap();
    out
}

#[test]
#[ignore = "needs a browser"]
fn what_a_recording_lacks_is_shown_as_absent() {
    let folder = tempfile::tempdir().unwrap();
    let file = changed(&folder, "short-answer", |value| {
        if value["kind"] == "prediction" {
            value["columns"] = json!({});
        }
        if value["kind"] == "step" {
            value["decision"]["eos"] = Value::Null;
            value["timing"] = json!({});
            value.as_object_mut().unwrap().remove("timing");
        }
    });
    let recording = trace::read(&file).unwrap();
    let mut browser = Browser::start();
    browser.open(&page(&folder, &file), "");
    for (step, &node) in path(&recording).iter().enumerate() {
        check(&mut browser, &recording, step, node);
        let numbers = browser.evaluate(
            "[...document.querySelectorAll('#numbers dd, #candidates th')].map((cell) => cell.textContent)",
        );
        assert_eq!(numbers, json!(["–", "–", "–", "–", "–"]));
        let rule = browser.evaluate("document.getElementById('rule').textContent");
        assert!(rule.as_str().unwrap().starts_with("EOS confidence –"), "{rule}");
        browser.press("s", false);
    }
    quiet(&browser);
}

#[test]
#[ignore = "needs a browser"]
fn hostile_texts_do_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let evil = [
        "</script><script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "\u{2028}\u{2029}",
        "\u{202e}abc",
        "{data}{script}{policy}",
        "\x1b[31m\0",
        "__proto__",
        "a\u{300}\u{300}\u{300}\u{300}\u{300}\u{300}",
        "&lt;b&gt;",
    ];
    let file = changed(&folder, "short-answer", |value| {
        if value["kind"] == "header" {
            value["prompt_text"] = evil.concat().into();
            value["model"]["name"] = evil.concat().into();
        }
        if let Some(tokens) = value["tokens"].as_object_mut() {
            for (id, text) in tokens {
                *text = evil[id.parse::<usize>().unwrap() % evil.len()].into();
            }
        }
    });
    let mut browser = Browser::start();
    browser.open(&page(&folder, &file), "");
    browser.press("$", false);
    let found = browser.evaluate(
        "({ scripts: document.scripts.length,
            images: document.images.length,
            hidden: /[\\u2028-\\u202e\\u0000\\u001b]/.test(document.body.innerText),
            text: document.getElementById('text').textContent })",
    );
    assert_eq!((&found["scripts"], &found["images"]), (&json!(2), &json!(0)));
    assert_eq!(found["hidden"], false);
    let text = found["text"].as_str().unwrap();
    for shown in ["⟨U+202E⟩abc", "</script><script>alert(1)</script>", "␛[31m␀"] {
        assert!(text.contains(shown), "no {shown} in {text}");
    }
    assert!(!text.contains(&"\u{300}".repeat(4)));
    quiet(&browser);
}

#[test]
#[ignore = "needs a browser"]
fn it_fits_narrow_and_wide_windows_in_both_shades() {
    let folder = tempfile::tempdir().unwrap();
    let file = page(&folder, &recorded("stage-2-expansions"));
    let mut browser = Browser::start();
    for light in [false, true] {
        for width in [400, 820, 1200, 2000] {
            browser.dress(width, 800, light);
            browser.open(&file, "#step=16");
            let root = "document.documentElement";
            let over = browser.evaluate(&format!("{root}.scrollWidth - {root}.clientWidth"));
            assert_eq!(over, 0, "{width} wide, light: {light}");
        }
        let ground = browser.evaluate("getComputedStyle(document.body).backgroundColor");
        assert_eq!(ground, if light { "rgb(255, 255, 255)" } else { "rgb(16, 18, 22)" });
        let fill = browser
            .evaluate("getComputedStyle(document.querySelector('#cells .fill')).backgroundColor");
        assert_eq!(fill, "rgb(29, 78, 176)");
    }
    quiet(&browser);
}
