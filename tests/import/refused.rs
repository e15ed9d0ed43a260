//! Files that cannot be read, and their error messages.

use super::*;

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
fn what_cannot_be_read_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let long = format!("[{}]", "[1],".repeat(70_000) + "[1]");
    let deep = b"[".repeat(100_000);
    let torch = fs::read(fixture("histories.pt")).unwrap();
    let cut = &torch[..torch.len() / 2];
    let with = |mask: Option<TokenId>| Options { mask, ..Options::default() };
    let formats: Vec<&str> = ImportFormat::all().map(ImportFormat::name).collect();
    let formats = formats.join(", ");
    let table: Vec<(&str, &[u8], Options, &str)> = vec![
        ("empty", b"", with(None), "it is empty"),
        ("cut.json", include_bytes!("cut.json"), with(None), "line 1, column 26 (byte 26)"),
        ("cut history", b"[[1,9],[1,", with(Some(9)), "it ends early"),
        ("printed.json", b"[{'step': 0}]", with(None), "json.dump"),
        ("samples.jsonl", b"{\"doc_id\":0,\"resps\":[]}\n", with(None), "lm-evaluation-harness"),
        ("text", b"hello", with(None), "--format"),
        ("other.json", b"{\"a\":1}", with(None), &formats),
        ("history.json", b"[[1,9]]", with(None), "--mask-token"),
        ("no mask", b"[[1,2],[1,2]]", with(Some(9)), "--prompt-length"),
        ("no canvas", b"[]", with(Some(9)), "no canvas"),
        ("deep", &deep, with(Some(9)), "nested too deep"),
        ("log.jsonl", b"{\"schema\":\"dg-runlog/2\"}\n", with(None), "only dg-runlog/1 is known"),
        ("unmasked.json", b"{\"steps\":[[1,9,9],[1,2,3]]}", with(None), "it may be 9, which 2 pos"),
        ("texts.json", b"[[\"a\",\"b\"]]", with(None), "Write its text"),
        ("mixed.jsonl", b"[1,9]\n[\"a\"]\n", with(Some(9)), "some are texts"),
        ("id.jsonl", b"[1,9]\n[1,-2]\n", with(Some(9)), "record 1, at [1]: -2 is no token id"),
        (
            "negative",
            b"[[1,9],[1,-5]]",
            with(Some(9)),
            "step 1 of the list, at [1][1]: -5 is no token id",
        ),
        ("prompt", b"[[1,9],[2,9]]", with(Some(9)), "does not begin with the 1 tokens"),
        ("long", long.as_bytes(), with(Some(1)), "more than can be opened"),
        (
            "word.json",
            b"{\"words\":[{\"text\":1}]}",
            with(None),
            "no trajectory of after-tokens: at line 1, column 19 (byte 19): the number `1` stands",
        ),
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
            Options { format: Some(ImportFormat::DecodingAnalysis), ..Options::default() },
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

/// Values of the wrong type: each error has the path to the value, what is wrong and what to do.
#[test]
fn a_wrong_value_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.json");
    let table: &[(&str, &[&str])] = &[
        (
            r#"{"mask_id":9,"steps":[{"ids":[1,9]},{"ids":[1,1.5]}]}"#,
            &[
                "step 1 of the list, at steps[1].ids[1]: 1.5 is no token id (a whole",
                "Write the id",
            ],
        ),
        (
            r#"{"mask_id":9,"histories":[[1,9],[null,2]]}"#,
            &["step 1 of the list, at histories[1][0]: null is no token id", "NaN"],
        ),
        (
            r#"{"mask_id":9,"steps":[[[1,9]],[[1,"a"]]]}"#,
            &["at steps[1][0][1]: \"a\" is no token id"],
        ),
        (r#"{"mask_id":9,"steps":[[1,9],7]}"#, &["at steps[1]: 7 is neither a list of tokens"]),
        (
            r#"{"mask_id":9,"steps":[["[MASK]","a"],["b",3]]}"#,
            &["at steps[1][1]: 3 is no text", "Write a text"],
        ),
        (
            r#"{"mask_id":9.5,"steps":[[1,9]]}"#,
            &["beside the list of steps, at mask_id: 9.5 is neither", "--mask-token"],
        ),
        (
            r#"{"mask_id":9,"eos_id":-1,"steps":[[1,9]]}"#,
            &["at eos_id: -1 is neither", "--eos-token"],
        ),
        (r#"{"mask_id":9,"eos_id":{},"histories":[[1,9]]}"#, &["at eos_id: {} is neither"]),
        (
            r#"{"mask_id":9,"prompt_length":"two","steps":[[1,9]]}"#,
            &["at prompt_length: \"two\" is no number of positions", "--prompt-length"],
        ),
        (
            r#"{"mask_id":9,"prompt_length":-1,"histories":[[1,9]]}"#,
            &["at prompt_length: -1 is no number of positions"],
        ),
        (
            r#"{"mask_id":9,"prompt_length":5,"histories":[[1,9]]}"#,
            &["a prompt of 5 does not fit the first canvas of 2", "--prompt-length"],
        ),
        (
            r#"{"mask_id":9,"prompt_ids":[1,2.5],"steps":[[1,9]]}"#,
            &["at prompt_ids[1]: 2.5 is no token id"],
        ),
        (
            "{\"mask_id\":9}\n[1,9]\n{\"mask_id\":8,\"ids\":[1,2]}",
            &["record 2, at mask_id: it is 8 here and 9 before", "--mask-token"],
        ),
        (
            r#"{"step_0":[1,9],"step_0":[1,2]}"#,
            &["the name \"step_0\" stands there a second time", "byte 24"],
        ),
        (r#"{"step_0":[1,9],"step_00":[1,2]}"#, &["`step_0` and `step_00` are one step"]),
        (
            r#"{"histories":[[1,9]],"histories":[[1,2]]}"#,
            &["the name \"histories\" stands there a second time"],
        ),
        (
            r#"{"mask_token":"<m>","steps":[[1,9]]}"#,
            &["it says that \"<m>\" is the mask", "--mask-token '<m>'"],
        ),
        (
            r#"{"tokens":[{"pos":0,"text":"a","step":0.5}]}"#,
            &["0.5 stands where a whole number is needed"],
        ),
        (r#"{"tokens":[{"pos":0,"step":0}]}"#, &["there is no `text` before it"]),
        (r#"{"words":[{"text":null,"lock_step":0}]}"#, &["null stands where a text is needed"]),
        (
            r#"{"tokens":[{"pos":0,"text":"a","step":0}],"steps":[{"pmax":[0.5],"argmax":[]}]}"#,
            &["steps[0]: 0 guesses (`argmax`) and 1 probabilities (`pmax`) for 1 positions"],
        ),
    ];
    for (text, parts) in table {
        fs::write(&path, text).unwrap();
        let error = import::read(&path, &Options::default()).expect_err(text).to_string();
        for part in *parts {
            assert!(error.contains(part), "{text}: no {part:?} in: {error}");
        }
        assert!(error.contains("run.json: "), "{error}");
    }
    for (options, part) in [
        (Options { row: 1, ..Options::default() }, "there is no row 1 in a batch of 1"),
        (Options { prompt_length: Some(7), ..Options::default() }, "a prompt of 7 does not fit"),
    ] {
        fs::write(&path, r#"{"mask_id":9,"histories":[[1,9],[1,2]]}"#).unwrap();
        let error = import::read(&path, &options).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}
