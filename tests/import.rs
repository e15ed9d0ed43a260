//! What others recorded, imported: the same canvases, nothing made up, and clear words for what
//! cannot be read.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::Duration,
};

use assert_cmd::Command;
use demask::{
    canvas::TokenId,
    import::{self, Format, Imported, Options},
    predict::{Column, Vocabulary},
    trace::{self, Recording},
};
use proptest::prelude::*;

const MASK: TokenId = 126_336;
const EOS: TokenId = 126_081;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import").join(name)
}

/// Written as a recording, whose lines fit the published schema, and read back.
fn recorded(imported: &Imported) -> Recording {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let texts = Arc::new(imported.texts.clone().unwrap_or_default());
    trace::save_foreign(&imported.run, &path, &imported.header, texts, |_| {}).unwrap();
    static SCHEMA: LazyLock<jsonschema::Validator> =
        LazyLock::new(|| jsonschema::draft202012::new(&trace::schema()).unwrap());
    for line in fs::read_to_string(&path).unwrap().lines() {
        let value = serde_json::from_str(line).unwrap();
        let fault = SCHEMA.iter_errors(&value).next().map(|error| error.to_string());
        assert_eq!(fault, None, "{line}");
    }
    trace::read(&path).unwrap()
}

/// Prompt, and the generated region at every step.
fn canvases(recording: &Recording) -> (Vec<TokenId>, Vec<Vec<TokenId>>) {
    let recorded = &recording.recorded;
    let path = recorded.timeline.path(recorded.end);
    let canvases = path.iter().map(|&node| recorded.timeline[node].canvas.tokens()).collect();
    (recorded.timeline[path[0]].canvas.prompt().to_vec(), canvases)
}

/// What the steps were decided on: the argmax and its probability at each position.
fn guesses(imported: &Imported) -> Vec<Vec<(Option<TokenId>, Option<f32>)>> {
    let rows = |prediction: &demask::predict::Prediction| {
        let p = |at| prediction.number(Column::PArgmax, at).filter(|p| p.is_finite());
        (0..prediction.rows()).map(|at| (prediction.id(Column::Argmax, at), p(at))).collect()
    };
    let steps = imported.run.steps.iter();
    steps.map(|step| step.prediction.as_ref().map(rows).unwrap_or_default()).collect()
}

const PROMPT: [TokenId; 2] = [11, 12];

/// The run of tests/import/make.py, forced token and all.
fn made() -> Vec<Vec<TokenId>> {
    const M: TokenId = MASK;
    vec![
        vec![M, M, M, M, 99, M],
        vec![21, M, 23, M, 99, M],
        vec![21, 22, 23, M, 99, M],
        vec![21, 22, 23, 24, 99, M],
        vec![21, 22, 23, 24, 99, EOS],
    ]
}

#[test]
fn histories_are_the_same_however_they_were_saved() {
    let mut unforced = made();
    unforced.iter_mut().for_each(|canvas| canvas[4] = MASK);
    let folder = tempfile::tempdir().unwrap();
    let whole: Vec<Vec<TokenId>> =
        made().iter().map(|canvas| [&PROMPT[..], canvas].concat()).collect();
    let mut files: Vec<(PathBuf, usize, Vec<Vec<TokenId>>)> = vec![
        (fixture("histories.pt"), 0, made()),
        (fixture("histories.pt"), 1, unforced.clone()),
        (fixture("output.pt"), 0, made()),
        (fixture("object.pt"), 1, unforced),
        (fixture("stacked.pt"), 0, made()),
    ];
    let batch: Vec<Vec<Vec<TokenId>>> = whole.iter().map(|canvas| vec![canvas.clone()]).collect();
    for (name, json) in [
        ("list.json", serde_json::json!(whole)),
        ("batch.json", serde_json::json!(batch)),
        ("history.json", serde_json::json!({"history": whole, "note": {"a": 1}})),
        ("histories.json", serde_json::json!({"histories": batch})),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, format!("\n {json}")).unwrap();
        files.push((path, 0, made()));
    }
    for (path, row, expected) in files {
        let options = Options { mask: Some(MASK), eos: Some(EOS), row, ..Options::default() };
        let imported = import::read(&path, &options).unwrap();
        assert_eq!(imported.format, Format::History);
        assert_eq!(canvases(&recorded(&imported)), (PROMPT.to_vec(), expected), "{path:?}");
        assert!(guesses(&imported).iter().all(Vec::is_empty), "nothing is made up");
    }
}

#[test]
fn a_canvas_that_grows_by_blocks_has_its_prompt_in_front() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("blocks.json");
    fs::write(&path, "[[1,2],[1,2,3,9],[1,2,3,4],[1,2,3,4,9,9],[1,2,3,4,5,6]]").unwrap();
    let read = |options: Options| import::read(&path, &options);
    let options = Options { mask: Some(9), ..Options::default() };
    let (prompt, steps) = canvases(&recorded(&read(options.clone()).unwrap()));
    assert_eq!(prompt, [1, 2]);
    assert_eq!(steps, [&[][..], &[3, 9], &[3, 4], &[3, 4, 9, 9], &[3, 4, 5, 6]]);
    let shorter = read(Options { prompt_length: Some(1), ..options }).unwrap();
    assert_eq!(canvases(&recorded(&shorter)).1[1], [2, 3, 9]);
}

#[test]
fn a_file_of_the_data_set_gives_what_was_written() {
    let imported =
        import::read(&fixture("question_0000_steps_004.pt"), &Options::default()).unwrap();
    assert_eq!(imported.format, Format::DecodingAnalysis);
    let recording = recorded(&imported);
    assert_eq!(canvases(&recording), (Vec::new(), made()), "{:?}", imported.notices);
    assert_eq!(recording.header.model.mask, MASK);
    assert_eq!(recording.header.model.eos, EOS);
    let guesses = guesses(&imported);
    let ids: Vec<_> = guesses[1].iter().map(|guess| guess.0.unwrap()).collect();
    assert_eq!(ids, [29, 22, 29, 24, 25, EOS]);
    assert!(guesses.iter().flatten().all(|guess| guess.1.is_none()), "no confidence is made up");
    let told = imported.notices.join("\n");
    for part in
        ["of LLaDA", "2 tokens of the prompt are not in the file", "1 positions were forced"]
    {
        assert!(told.contains(part), "{told}");
    }
    assert!(!told.contains("differs"), "{told}");
}

/// Texts of the canvases, `_` for masks.
fn texts(recording: &Recording) -> Vec<String> {
    let mask = recording.header.model.mask;
    let text = |&id: &TokenId| match id == mask {
        true => "_".to_owned(),
        false => recording.vocabulary.text(&[id]),
    };
    canvases(recording).1.iter().map(|canvas| canvas.iter().map(text).collect()).collect()
}

#[test]
fn a_trajectory_of_after_tokens_keeps_its_tokens_and_guesses() {
    let path = fixture("compact.json");
    let imported = import::read(&path, &Options::default()).unwrap();
    assert_eq!(imported.format, Format::AfterTokens);
    let recording = recorded(&imported);
    let expected = ["____", "The___", "The_\njumped._", "The fox\njumped._", "The fox\njumped."];
    assert_eq!(texts(&recording), expected);
    assert_eq!(recording.header.prompt_text, "What did the fox do?");
    assert_eq!(recording.header.model.name, "someone/some-model");
    assert_eq!(recording.recorded.strategy.name(), "lowconf-b2");
    assert_eq!(imported.run.steps[0].took, Duration::from_micros(12_500));
    let id = |text| recording.vocabulary.find(text);
    let eos = id("<|endoftext|>");
    assert_eq!(recording.header.model.eos, eos.unwrap());
    let draft = (eos, Some(0.75));
    let none = (None, None);
    let expected = [
        vec![(id("The"), Some(0.9375)), (id(" dog"), Some(0.25)), none, draft],
        vec![none, none, (id("\njumped."), Some(0.5)), draft],
        vec![none, (id(" fox"), Some(0.7)), none, draft],
        vec![none, none, none, (eos, Some(1.0))],
    ];
    assert_eq!(guesses(&imported), expected);
    // What is not known stays so in the recording, and the fills have what is known.
    let session = recording.session();
    let pending = match session.pending() {
        demask::session::Pending::Decided { prediction, decision, .. } => (prediction, decision),
        other => panic!("{other:?}"),
    };
    assert_eq!(pending.0.id(Column::Argmax, 2), None);
    let fill = pending.1.verdicts[0].to_string();
    assert!(fill.starts_with("filled with 0.938"), "{fill}");
}

#[test]
fn words_alone_are_positions_too() {
    let imported = import::read(&fixture("words.json"), &Options::default()).unwrap();
    let recording = recorded(&imported);
    assert_eq!(texts(&recording), ["___", "The__", "The_\njumped.", "The fox\njumped."]);
    let id = |text| recording.vocabulary.find(text);
    let none = (None, None);
    let expected = [
        // Nothing is known but what was written, in which the file has no confidence.
        vec![],
        vec![none, (id(" dog"), Some(0.25)), (id("\njumped."), None)],
        vec![none, (id(" fox"), Some(0.5)), none],
    ];
    assert_eq!(guesses(&imported), expected);
    assert!(imported.notices.join("\n").contains("words alone"));
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    let word = |rest: serde_json::Value| {
        let mut word = serde_json::json!({"text": "a", "lock_step": 0});
        word.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        serde_json::json!({ "words": [word] }).to_string()
    };
    let many: Vec<(u32, &str)> = vec![(0, "b"); (1 << 20) + 1];
    for (text, expected) in [
        (word(serde_json::json!({"lock_step": i64::MAX})), "more than can be opened"),
        (word(serde_json::json!({"conf": 7})), "7 of \"a\" is no probability"),
        (word(serde_json::json!({"changes": [[0, "b", -5]]})), "-5 of \"b\" is no probability"),
        (word(serde_json::json!({ "changes": many })), "guesses. Import a part"),
        (fs::read_to_string("recordings/short-answer.jsonl").unwrap(), "`demask replay` opens it"),
        ("{\"a\":1}".to_owned(), "in no format that is known"),
    ] {
        fs::write(&path, text).unwrap();
        let error = import::read(&path, &Options::default()).unwrap_err().to_string();
        assert!(error.contains(expected), "no {expected:?} in: {error}");
    }
    // A text that no recording holds: nothing is left of it, and the message names what was read.
    let long = serde_json::json!({"words": [{"text": "x".repeat(5000), "lock_step": 0}]});
    fs::write(&path, long.to_string()).unwrap();
    let imported = import::read(&path, &Options::default()).unwrap();
    let texts = Arc::new(imported.texts.clone().unwrap());
    let out = folder.path().join("out.jsonl");
    let saved = trace::save_foreign(&imported.run, &out, &imported.header, texts, |_| {});
    let error = saved.unwrap_err();
    assert!(error.contains("out.jsonl: what was read makes no recording"), "{error}");
    assert!(error.contains("is too long") && !error.contains(".part"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_full_trajectory_has_ids() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("full.json.gz");
    let full = serde_json::json!({
        "prompt": "p", "words": [], "sampler": {"id": "x"},
        "tokens": [
            {"pos": 0, "text": "a", "step": 1, "conf": 0.5, "tail": false},
            {"pos": 1, "text": "<|end|>", "step": 0, "conf": 0.75, "tail": true},
        ],
        "steps": [
            {"i": 0, "ms": 2.0, "pmax": [0.25, 0.75], "argmax": [6, 8]},
            {"i": 1, "ms": 2.0, "pmax": [0.5, 0.125], "argmax": [5, 7]},
        ],
    });
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), Default::default());
    std::io::Write::write_all(&mut packed, full.to_string().as_bytes()).unwrap();
    fs::write(&path, packed.finish().unwrap()).unwrap();
    let error = import::read(&path, &Options::default()).unwrap_err().to_string();
    assert!(error.contains("--mask-token"), "{error}");
    let imported = import::read(&path, &Options { mask: Some(9), ..Options::default() }).unwrap();
    let recording = recorded(&imported);
    assert_eq!(canvases(&recording).1, [[9, 9], [9, 8], [5, 8]]);
    assert_eq!(recording.header.model.eos, 8);
    assert_eq!(guesses(&imported)[0], [(Some(6), Some(0.25)), (Some(8), Some(0.75))]);
}

#[test]
fn what_cannot_be_read_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let long = format!("[{}]", "[1],".repeat(70_000) + "[1]");
    let deep = b"[".repeat(100_000);
    let torch = fs::read(fixture("histories.pt")).unwrap();
    let cut = &torch[..torch.len() / 2];
    let with = |mask: Option<TokenId>| Options { mask, ..Options::default() };
    let table: Vec<(&str, &[u8], Options, &str)> = vec![
        ("empty", b"", with(None), "it is empty"),
        ("cut.json", include_bytes!("import/cut.json"), with(None), "line 1, column 26 (byte 26)"),
        ("cut history", b"[[1,9],[1,", with(Some(9)), "it ends early"),
        ("printed.json", b"[{'step': 0}]", with(None), "json.dump"),
        ("samples.jsonl", b"{\"doc_id\":0,\"resps\":[]}\n", with(None), "lm-evaluation-harness"),
        ("text", b"hello", with(None), "--format"),
        ("other.json", b"{\"a\":1}", with(None), "after-tokens, history, steps, decoding-analysis"),
        ("history.json", b"[[1,9]]", with(None), "--mask-token"),
        ("no mask", b"[[1,2],[1,2]]", with(Some(9)), "--prompt-length"),
        ("no canvas", b"[]", with(Some(9)), "no canvas"),
        ("deep", &deep, with(Some(9)), "it ends early"),
        ("log.jsonl", b"{\"schema\":\"dg-runlog/2\"}\n", with(None), "only dg-runlog/1 is known"),
        ("unmasked.json", b"{\"steps\":[[1,9,9],[1,2,3]]}", with(None), "it may be 9, which 2 pos"),
        ("texts.json", b"[[\"a\",\"b\"]]", with(None), "Write its text"),
        ("mixed.jsonl", b"[1,9]\n[\"a\"]\n", with(Some(9)), "some are texts"),
        ("id.jsonl", b"[1,9]\n[1,-2]\n", with(Some(9)), "record 1: position 1: -2 is no token id"),
        ("negative", b"[[1,9],[1,-5]]", with(Some(9)), "canvas 1, position 1: -5 is no token id"),
        ("prompt", b"[[1,9],[2,9]]", with(Some(9)), "does not begin with the 1 tokens"),
        ("long", long.as_bytes(), with(Some(1)), "more than can be opened"),
        ("word.json", b"{\"words\":[{\"text\":1}]}", with(None), "no trajectory of after-tokens"),
        (
            "step.json",
            b"{\"words\":[{\"text\":\"a\",\"lock_step\":4000000000}]}",
            with(None),
            "more than can be opened",
        ),
        (
            "pos.json",
            b"{\"sampler\":{},\"tokens\":[{\"pos\":5,\"text\":\"a\",\"step\":0}]}",
            with(None),
            "positions 0, 1, 2",
        ),
        ("cut.pt", cut, with(Some(MASK)), "damaged"),
        ("old.pt", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", with(None), "save it again"),
        (
            "kind.json",
            b"[[9]]",
            Options { format: Some(Format::DecodingAnalysis), ..Options::default() },
            "no file of torch.save",
        ),
    ];
    for (name, bytes, options, expected) in table {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let error = import::read(&path, &options).expect_err(name).to_string();
        assert!(error.contains(expected), "{name}: {error}");
        assert!(error.contains(name), "{error}");
    }
    let row = Options { row: 2, ..with(Some(MASK)) };
    let error = import::read(&fixture("histories.pt"), &row).unwrap_err().to_string();
    assert!(error.contains("no row 2 in a batch of 2"), "{error}");
    let error = import::read(&fixture("floats.pt"), &with(Some(1))).unwrap_err().to_string();
    assert!(error.contains("FloatStorage"), "{error}");
    assert!(import::read(Path::new("no/such"), &with(None)).is_err());
}

#[test]
fn damaged_archives_are_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.pt");
    for name in ["question_0000_steps_004.pt", "histories.pt", "stacked.pt"] {
        let good = fs::read(fixture(name)).unwrap();
        let mut seed = 7_u32;
        for round in 0..1500 {
            let mut bad = good.clone();
            for _ in 0..1 + round % 3 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = seed as usize % bad.len();
                bad[at] = (seed >> 24) as u8;
            }
            fs::write(&path, &bad).unwrap();
            let options = Options { mask: Some(MASK), ..Options::default() };
            if let Ok(imported) = import::read(&path, &options) {
                let cells: usize = imported.run.steps.iter().map(|step| step.canvas.len()).sum();
                assert!(cells < 1 << 16, "{name} {round}");
            }
        }
    }
}

#[test]
fn the_program_imports_and_writes_over_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run.jsonl.zst");
    let demask = |arguments: &[&str]| {
        let mut command = Command::cargo_bin("demask").unwrap();
        command.arg("import").arg(fixture("histories.pt")).arg(&out).args(arguments);
        let output = command.output().unwrap();
        assert!(output.stdout.is_empty());
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = demask(&["--mask-token", "<|mdm_mask|>"]);
    assert_eq!(code, Some(2), "{text}");
    let tokenizer = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/tiny/tokenizer.json");
    let tokenizer = ["--tokenizer", tokenizer.to_str().unwrap()];
    // The mask of that tokenizer is not the one of the file.
    let (code, text) = demask(&tokenizer);
    assert_eq!((code, text.contains("--prompt-length")), (Some(1), true), "{text}");
    assert!(!out.exists());
    let given = [&tokenizer[..], &["--mask-token", "126336", "--eos-token", "126081"]].concat();
    let (code, text) = demask(&given);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("(what stands before the first mask), 4 steps from 6 positions"),
        "{text}"
    );
    assert!(text.contains("--row takes another"), "{text}");
    let recording = trace::read(&out).unwrap();
    assert!(recording.vocabulary.piece(21).is_some());
    let before = fs::read(&out).unwrap();
    let (code, text) = demask(&given);
    assert_eq!((code, text.contains("--overwrite")), (Some(1), true), "{text}");
    assert_eq!(fs::read(&out).unwrap(), before);
    let again = [&given[..], &["--overwrite", "--row", "1"]].concat();
    assert_eq!(demask(&again).0, Some(0));
    assert_ne!(fs::read(&out).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
}

/// What comes of a list of steps: prompt, canvases, guesses.
fn steps_of(text: &str, mask: Option<TokenId>) -> (Imported, Recording) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steps.json");
    fs::write(&path, text).unwrap();
    let imported = import::read(&path, &Options { mask, ..Options::default() });
    let imported = imported.unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(imported.format, Format::Steps, "{text}");
    let recording = recorded(&imported);
    (imported, recording)
}

#[test]
fn steps_are_read_however_a_loop_writes_them() {
    let expected = [[9, 9], [9, 5], [4, 5]];
    for text in [
        "{\"steps\": [[1,2,9,9],[1,2,9,5],[1,2,4,5]], \"mask_id\": 9}",
        "{\"steps\": [{\"ids\":[1,2,9,9]},{\"ids\":[1,2,9,5]},{\"ids\":[1,2,4,5]}], \"mask_token_id\": 9}",
        "{\"mask\": 9, \"history\": [{\"step\":0,\"x\":[[1,2,9,9]]},{\"x\":[[1,2,9,5]]},{\"x\":[[1,2,4,5]]}]}",
        "{\"mask_id\": 9, \"prompt\": [1,2], \"frames\": [[9,9],[9,5],[4,5]]}",
        "{\"mask_id\": 9, \"prompt_ids\": [1,2], \"canvases\": [[1,2,9,9],[1,2,9,5],[1,2,4,5]]}",
        "{\"mask_id\": 9}\n[1,2,9,9]\n[1,2,9,5]\n[1,2,4,5]\n",
        "{\"mask_id\":9,\"prompt\":\"Say it\"}\n{\"canvas\":[1,2,9,9]}\n\n{\"canvas\":[1,2,9,5]}\n{\"canvas\":[1,2,4,5]}\n{\"seconds\":3}\n",
        // By step, whatever the order; the mask is given.
        "{\"step_10\":[1,2,4,5],\"step_0\":[1,2,9,9],\"step_9\":[1,2,9,5]}",
        "[{\"mask_id\":9,\"steps\":[[1,2,9,9],[1,2,9,5],[1,2,4,5]]},{\"mask_id\":9,\"steps\":[[7,9]]}]",
        // The last line is cut.
        "{\"mask_id\":9}\n[1,2,9,9]\n[1,2,9,5]\n[1,2,4,5]\n[1,2,",
        // Two runs, a line each.
        "{\"mask_id\":9,\"steps\":[[1,2,9,9],[1,2,9,5],[1,2,4,5]]}\n{\"mask_id\":9,\"steps\":[[7,9]]}\n",
    ] {
        let mask = text.starts_with("{\"step_").then_some(9);
        let (imported, recording) = steps_of(text, mask);
        let (prompt, canvases) = canvases(&recording);
        assert_eq!(
            (prompt.as_slice(), canvases),
            (&[1, 2][..], expected.map(Vec::from).to_vec()),
            "{text}"
        );
        assert!(guesses(&imported).iter().all(Vec::is_empty), "nothing is made up");
        assert_eq!(recording.header.model.mask, 9);
    }
    let (imported, _) = steps_of("{\"mask_id\":9}\n[1,9]\n[1,5]\n[1", None);
    assert!(
        imported.notices.join("\n").contains("it ends early, in line 4"),
        "{:?}",
        imported.notices
    );
}

#[test]
fn confidences_go_to_the_step_they_decided() {
    let text = fs::read_to_string(fixture("steps.json")).unwrap();
    let (imported, recording) = steps_of(&text, Some(9));
    assert_eq!(canvases(&recording).1, [[9, 9], [9, 5], [4, 5]]);
    let none = (None, None);
    // With each canvas stand the numbers of the pass that made it.
    let made = [vec![(None, Some(0.3)), (Some(5), Some(0.9))], vec![(Some(4), Some(0.8)), none]];
    assert_eq!(guesses(&imported), made);
    // Here they are of the pass on it, as its surest positions are filled next; Python's infinity
    // is where nothing may be filled.
    let on = "{\"mask_id\":9,\"steps\":[\
              {\"x\":[1,9,9,9],\"conf\":[-Infinity,0.2,0.7,0.4],\"x0\":[1,4,5,6]},\
              {\"x\":[1,9,5,9],\"conf\":[-Infinity,0.1,-Infinity,0.6],\"x0\":[1,4,5,7]},\
              {\"x\":[1,9,5,7],\"conf\":[-Infinity,0.9,-Infinity,-Infinity],\"x0\":[1,8,5,7]},\
              {\"x\":[1,8,5,7]}]}";
    let (imported, _) = steps_of(on, None);
    let expected = [
        vec![(Some(4), Some(0.2)), (Some(5), Some(0.7)), (Some(6), Some(0.4))],
        vec![(Some(4), Some(0.1)), none, (Some(7), Some(0.6))],
        vec![(Some(8), Some(0.9)), none, none],
    ];
    assert_eq!(guesses(&imported), expected);
    assert!(imported.notices.join("\n").contains("on the canvas they stand with"));
}

#[test]
fn steps_of_texts_are_positions() {
    let (imported, recording) =
        steps_of("[[\"[MASK]\",\"[MASK]\"],[\"The\",\"[MASK]\"],[\"The\",\" end\"]]", None);
    assert_eq!(texts(&recording), ["__", "The_", "The end"]);
    assert!(imported.notices.join("\n").contains("no token ids"));
    let whole =
        "[\"<mask> <mask> <mask>\", \"The <mask> <mask>\", \"The cat <mask>\", \"The cat ran\"]";
    let (imported, recording) = steps_of(whole, None);
    assert_eq!(texts(&recording), ["___", "The__", "The cat_", "The cat ran"]);
    assert!(imported.notices.join("\n").contains("a position is a word or a mask"));
    // Ids beside texts name them, the mask among them.
    let both = "{\"step\":0,\"token_ids\":[9,9],\"tokens\":[\"<mask>\",\"<mask>\"]}\n\
                {\"step\":1,\"token_ids\":[4,9],\"tokens\":[\"Hi\",\"<mask>\"]}\n";
    let (_, recording) = steps_of(both, None);
    assert_eq!(
        (texts(&recording), recording.header.model.mask),
        (vec!["__".to_owned(), "Hi_".to_owned()], 9)
    );
}

#[test]
fn a_run_log_without_a_mask_replaces() {
    let text = fs::read_to_string(fixture("run-log.jsonl")).unwrap();
    let (imported, recording) = steps_of(&text, None);
    assert_eq!(canvases(&recording), (vec![], vec![vec![4, 9, 9], vec![4, 5, 9]]));
    let told = imported.notices.join("\n");
    assert!(
        told.contains("run log of DiffusionGemma") && told.contains("it has no mask"),
        "{told}"
    );
    let decision = |recording: &Recording, step: usize| {
        let timeline = &recording.recorded.timeline;
        let node = timeline.path(recording.recorded.end)[step];
        timeline[node].step().unwrap().decision.clone()
    };
    let replaced: Vec<_> = decision(&recording, 1).replacements().collect();
    assert_eq!(replaced, [(1, 9, 5)]);
    // With a mask it is a fill.
    let (_, masked) = steps_of(&text, Some(9));
    assert_eq!(decision(&masked, 1).fills().collect::<Vec<_>>(), [(1, 5)]);
    // Canvases that follow each other, with a prompt whose ids are not there.
    let blocks = "{\"record_type\":\"header\",\"schema\":\"dg-runlog/1\",\"prompt\":\"Hi\",\"model_repo_id\":\"a/b\"}\n\
                  {\"record_type\":\"frame\",\"canvas_idx\":0,\"canvas_ids\":[3,4]}\n\
                  {\"record_type\":\"frame\",\"canvas_idx\":0,\"canvas_ids\":[3,5]}\n\
                  {\"record_type\":\"frame\",\"canvas_idx\":1,\"canvas_ids\":[6,7]}\n\
                  {\"record_type\":\"final\",\"raw_canvas_ids\":[3,5,6,7],\"text\":\"x\"}\n";
    let (_, recording) = steps_of(blocks, None);
    assert_eq!(canvases(&recording).1, [&[3, 4][..], &[3, 5], &[3, 5, 6, 7]]);
    assert_eq!((&*recording.header.prompt_text, &*recording.header.model.name), ("Hi", "a/b"));
}

/// The program on a file of tests/import, in a folder of its own: what it prints.
fn demask(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::cargo_bin("demask").unwrap();
    command.args(arguments).current_dir(folder).env("XDG_CONFIG_HOME", "/nonexistent");
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn replaced_tokens_are_counted_found_and_stopped_at() {
    let folder = tempfile::tempdir().unwrap();
    let file = fixture("replaced.json");
    let args =
        ["import", file.to_str().unwrap(), "r.jsonl", "--mask-token", "9", "--eos-token", "0"];
    assert_eq!(demask(folder.path(), &args).0, Some(0));
    let said = |args: &[&str]| {
        let (code, stdout, stderr) = demask(folder.path(), args);
        assert_eq!(code, Some(0), "{args:?}: {stderr}");
        stdout
    };
    let info: serde_json::Value =
        serde_json::from_str(&said(&["info", "r.jsonl", "--json"])).unwrap();
    assert_eq!((&info["replaced"], &info["remasked"]), (&3.into(), &1.into()));
    assert!(said(&["info", "r.jsonl"]).contains("1 masked again, 3 replaced"));
    let query = said(&["replay", "r.jsonl", "--batch", "--exec", "query replaced"]);
    let rows: Vec<&str> = query.lines().filter(|line| line.starts_with("step ")).collect();
    assert_eq!(
        rows,
        [
            "step 3 · position 1 · #22 → #23",
            "step 5 · position 0 · #20 → #25",
            "step 6 · position 5 · #28 → #0",
        ]
    );
    let script = "break replaced; continue; print step; continue; print step; continue; print step";
    let (code, stops, _) =
        demask(folder.path(), &["replay", "r.jsonl", "--batch", "--exec", script]);
    assert_eq!(code, Some(3), "it ends at a breakpoint: {stops}");
    let at = |line: &str| line.strip_prefix("step = ").map(|rest| rest[..1].to_owned());
    let steps: Vec<String> = stops.lines().filter_map(at).collect();
    assert_eq!(steps, ["3", "5", "6"], "{stops}");
    let table = said(&["export", "r.jsonl", "-", "--to", "csv"]);
    let mut table = csv::Reader::from_reader(table.as_bytes());
    let at = table.headers().unwrap().iter().position(|name| name == "replaced").unwrap();
    let counts: Vec<String> = table.records().map(|row| row.unwrap()[at].to_owned()).collect();
    // The first row is the canvas that the run began with.
    assert_eq!(counts, ["", "0", "0", "1", "0", "1", "1"]);
    let page = said(&["export", "r.jsonl", "-", "--to", "md"]);
    assert!(page.contains("| remasked | replaced |"), "{page}");
}

#[test]
fn joined_text_is_left_alone_wherever_it_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let file = fixture("joiners.jsonl");
    let file = file.to_str().unwrap();
    let text = "می‌خواهم ❤️ ක්‍රි";
    for args in [
        &["replay", file, "--batch", "--exec", "step; text"][..],
        &["export", file, "-", "--to", "md"],
        &["export", file, "-", "--to", "csv"],
        &["diff", file, file],
    ] {
        let (code, stdout, stderr) = demask(folder.path(), args);
        assert_eq!(code, Some(0), "{args:?}: {stderr}");
        assert!(stdout.contains(text) && !stdout.contains('\u{fffd}'), "{args:?}: {stdout}");
    }
    let query =
        demask(folder.path(), &["replay", file, "--batch", "--exec", "step; query fills"]).1;
    assert!(
        query.contains("“می‌خواهم ”") && query.contains("“❤️ ”") && query.contains("“ක්‍රි”"),
        "{query}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_canvases_are_read_back(
        prompt in prop::collection::vec(1_u32..9, 0..4),
        canvases_before in prop::collection::vec(prop::collection::vec(1_u32..10, 0..9), 1..9),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.json");
        let whole: Vec<Vec<u32>> =
            canvases_before.iter().map(|canvas| [&prompt[..], canvas].concat()).collect();
        fs::write(&path, serde_json::to_string(&whole).unwrap()).unwrap();
        let prompt_length = Some(prompt.len());
        let options = Options { mask: Some(9), prompt_length, ..Options::default() };
        let imported = import::read(&path, &options).unwrap();
        prop_assert_eq!(canvases(&recorded(&imported)), (prompt, canvases_before));
    }
}
