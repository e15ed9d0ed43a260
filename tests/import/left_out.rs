//! A notice names whatever is not taken over, once; facts beside the steps are read.

use super::*;

/// The notices about fields and values that were left out.
fn left_out(text: &str, options: &Options) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.json");
    fs::write(&path, text).unwrap();
    let imported = import::read(&path, options).unwrap_or_else(|error| panic!("{text}: {error}"));
    recorded(&imported);
    let left = imported.notices.iter().filter_map(|notice| notice.strip_prefix("left out: "));
    left.map(str::to_owned).collect()
}

#[test]
fn what_is_left_out_of_steps_is_named() {
    let none = Options::default();
    let flags = Options { mask: Some(9), eos: Some(8), prompt_length: Some(1), ..none.clone() };
    let mask = Options { mask: Some(9), ..none.clone() };
    let table: &[(&str, &Options, &[&str])] = &[
        (r#"{"mask_id":9,"model":"m","prompt":"p","steps":[[1,9],[1,2]]}"#, &none, &[]),
        (r#"{"mask_id":9,"seed":1,"note":{"a":1},"steps":[[1,9],[1,2]]}"#, &none, &["note, seed"]),
        (r#"{"mask_id":9,"seed":1,"histories":[[1,9],[1,2]]}"#, &none, &["seed"]),
        (r#"{"mask_id":9,"model":{},"strategy":7,"steps":[[1,9]]}"#, &none, &["model, strategy"]),
        // A null needs no notice.
        (r#"{"mask_id":9,"eos_id":null,"seed":null,"steps":[[1,9]]}"#, &none, &[]),
        // A second name of a fact that is read already.
        (
            r#"{"mask_id":9,"steps":[{"ids":[1,9]},
                {"ids":[1,2],"text":"ab","conf":[null,0.5],"probs":[0,1]}]}"#,
            &none,
            &["probs, text"],
        ),
        (r#"{"mask_id":9,"steps":[[1,9]],"histories":[[1,9]]}"#, &none, &["histories"]),
        (
            r#"{"mask_id":9,"steps":[{"ids":[1,9]},{"ids":[1,2],"conf":0.5,"x0":[[1,2],[3,4]]}]}"#,
            &none,
            &[
                "`conf` that is not one value a position: 0.5 in step 1",
                "`x0` that is not one value a position: [[1,2],[3,4]] in step 1",
            ],
        ),
        (
            r#"{"mask_id":9,"prompt_length":0,"steps":[{"ids":[9,9]},
                {"ids":[2,9],"conf":["high",1.5],"x0":[2.5,3]}]}"#,
            &none,
            &[
                "`conf` that cannot be one: \"high\" in step 1, at conf[0]",
                "`conf` that is no probability, 0 to 1: 1.5 in step 1, position 1",
                "`x0` that cannot be one: 2.5 in step 1, at x0[0]",
            ],
        ),
        (
            r#"{"mask_id":9,"prompt_length":0,"steps":[{"ids":[9,9]},
                {"ids":[2,9],"conf":[0.5],"entropy":[-1,2]}]}"#,
            &none,
            &[
                "`conf` of another number of positions: 1 values for 2 positions in step 1",
                "`entropy` that is below 0: -1 in step 1, position 0",
            ],
        ),
        // Numbers of positions that were written before, and of the first canvas, which no step
        // made.
        (
            r#"{"mask_id":9,"steps":[{"ids":[9,9],"conf":[0.5,0.5]},{"ids":[2,9],"conf":[0.9,0.1]},
                {"ids":[2,3],"conf":[0.9,0.8],"x0":[7,4]}]}"#,
            &none,
            &[
                "`conf` of positions that were written before: in step 2, position 0",
                "`conf` of the first canvas, which no step made: step 0",
                "`x0` of positions that were written before: in step 2, position 0",
                "`x0` where another token was written: 4 in step 2, position 1",
            ],
        ),
        (
            r#"{"mask_id":9,"steps":[{"ids":[4,9],"tokens":["a","m"]},
                {"ids":[4,4],"tokens":["a","b"]}]}"#,
            &none,
            &["another text of an id that has one: \"b\" of 4 in step 1"],
        ),
        (
            r#"{"mask_id":9,"eos_id":[7,6],"steps":[[1,9]]}"#,
            &none,
            &["`eos_id` beside the first, 7: 6"],
        ),
        (
            r#"{"mask_id":9,"eos_token":"<e>","steps":[[1,9]]}"#,
            &none,
            &["the end of sequence that the file names, as it is not said which id that is \
               (--eos-token): \"<e>\""],
        ),
        // A flag goes before the file.
        (
            r#"{"mask_id":5,"eos_id":4,"prompt_length":0,"steps":[[1,9],[1,2]]}"#,
            &flags,
            &[
                "the end of sequence that the file names, as --eos-token says another: 4",
                "the mask that the file names, as --mask-token says another: 5",
                "the prompt's length that the file names, as --prompt-length says another: 0",
            ],
        ),
        (
            r#"{"mask_id":9,"prompt_ids":[3],"prompt_length":1,"steps":[[1,9],[1,2]]}"#,
            &none,
            &[
                "ids of the prompt that are not what stands in front of the canvases: 1 ids, where 1 \
               positions are the prompt",
            ],
        ),
        (
            r#"{"mask_id":9,"prompt_ids":[3],"steps":[["a","[MASK]"],["a","b"]]}"#,
            &mask,
            &[
                "--mask-token, as the canvases are texts with ids of this program's: 9",
                "the mask's id, as the canvases are texts: 9",
                "the prompt's ids, where the canvases are texts: in the file",
            ],
        ),
    ];
    for (text, options, expected) in table {
        assert_eq!(&left_out(text, options), expected, "{text}");
    }
}

#[test]
fn what_is_left_out_of_trajectories_is_named() {
    let none = Options::default();
    let compact = fs::read_to_string(fixture("compact.json")).unwrap();
    let names = "id, sampler.block_size, sampler.remasking, sampler.steps, sampler.temperature, \
                 tokens[].flips, words, words[].first_step, words[].index, words[].tokens";
    assert_eq!(left_out(&compact, &none), [names]);
    let words = r#"{"words":[{"text":"a","lock_step":0,"changes":[[4,"b",0.5]]}],"step_ms":[-1]}"#;
    let expected = [
        "`changes` outside of its steps: \"b\" in step 4, at words[0]",
        "`step_ms` that is no time: -1 at step_ms[0]",
    ];
    assert_eq!(left_out(words, &none), expected);
    let drafts = r#"{"tokens":[{"pos":0,"text":"a","step":0}],"drafts":[[[7,"b",0.5]]]}"#;
    let expected = ["`drafts` outside of its steps and positions: \"b\" at position 7 in step 0"];
    assert_eq!(left_out(drafts, &none), expected);
}

/// Facts beside the canvases are read in every format of lists; a flag overrides them.
#[test]
fn facts_beside_canvases_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.json");
    for (text, mask) in [
        (
            r#"{"histories":[[1,9,9],[1,7,9]],"mask_id":9.0,"eos_id":7,"model":"m","prompt":"Hi",
                "prompt_length":1}"#,
            None,
        ),
        (r#"{"histories":[[1,9,9],[1,7,9]],"eos_id":7,"model":"m","prompt":"Hi"}"#, Some(9)),
        (
            r#"{"history":[[[1,9,9]],[[1,7,9]]],"mask_token_id":9,"eos":7,"model_name":"m",
                "prompt":"Hi"}"#,
            None,
        ),
        (
            r#"{"step_0":[1,9,9],"step_1":[1,7,9],"mask_id":9,"eos_id":7,"model":"m","prompt":"Hi"}"#,
            None,
        ),
        // Beside each canvas.
        (
            "{\"mask_id\":9,\"eos_id\":7,\"model\":\"m\",\"prompt\":\"Hi\",\"ids\":[1,9,9]}\n\
             {\"mask_id\":9,\"ids\":[1,7,9]}",
            None,
        ),
        // Behind them.
        ("[1,9,9]\n[1,7,9]\n{\"mask_id\":9,\"eos_id\":7,\"model\":\"m\",\"prompt\":\"Hi\"}", None),
    ] {
        fs::write(&path, text).unwrap();
        let imported = import::read(&path, &Options { mask, ..Options::default() });
        let imported = imported.unwrap_or_else(|error| panic!("{text}: {error}"));
        let recording = recorded(&imported);
        let model = &recording.header.model;
        assert_eq!((model.mask, model.eos, &*model.name), (9, 7, "m"), "{text}");
        assert_eq!(recording.header.prompt_text, "Hi", "{text}");
        assert_eq!(canvases(&recording), (vec![1], vec![vec![9, 9], vec![7, 9]]), "{text}");
        let left = imported.notices.iter().find(|notice| notice.starts_with("left out"));
        assert_eq!(left, None, "{text}");
    }
}

#[test]
fn a_mask_of_the_file_goes_before_that_of_a_tokenizer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.json");
    for (text, mask) in
        [(r#"{"histories":[[1,9],[1,2]],"mask_id":9}"#, 9), (r#"{"histories":[[1,8],[1,2]]}"#, 8)]
    {
        fs::write(&path, text).unwrap();
        let options = Options { usual_mask: Some(8), ..Options::default() };
        assert_eq!(import::read(&path, &options).unwrap().header.model.mask, mask, "{text}");
    }
}

#[test]
fn numbers_of_steps_that_do_not_follow_are_said() {
    for (text, told) in [
        (r#"{"mask_id":9,"steps":[{"step":1,"ids":[9]},{"step":2,"ids":[2]}]}"#, None),
        (
            r#"{"mask_id":9,"steps":[{"step":5,"ids":[9]},{"step":3,"ids":[2]}]}"#,
            Some("after 5 comes 3"),
        ),
        (r#"{"mask_id":9,"step_0":[9],"step_8":[2]}"#, Some("after 0 comes 8")),
    ] {
        let (imported, _) = steps_of(text, None);
        let notices = imported.notices.join("\n");
        assert_eq!(notices.contains("do not follow"), told.is_some(), "{text}: {notices}");
        assert!(told.is_none_or(|told| notices.contains(told)), "{text}: {notices}");
    }
}
