//! Lists of canvases: the same run however it was saved.

use super::*;

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
        assert_eq!(imported.format, ImportFormat::History);
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
