//! Lists of steps, however a loop writes them.

use super::*;

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
    // Here the numbers are of the pass on it, since its surest positions are filled next. Python
    // writes infinity where nothing may be filled.
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
    // With a mask, the same change is a fill.
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
