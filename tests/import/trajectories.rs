//! Files of after-tokens and of the data set DLM-Decoding-Analysis.

use super::*;

#[test]
fn a_file_of_the_data_set_gives_what_was_written() {
    let imported =
        import::read(&fixture("question_0000_steps_004.pt"), &Options::default()).unwrap();
    assert_eq!(imported.format, ImportFormat::DecodingAnalysis);
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

#[test]
fn a_trajectory_of_after_tokens_keeps_its_tokens_and_guesses() {
    let path = fixture("compact.json");
    let imported = import::read(&path, &Options::default()).unwrap();
    assert_eq!(imported.format, ImportFormat::AfterTokens);
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
    assert!(fill.starts_with("unmasked with 0.938"), "{fill}");
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
