//! The program on a file: the same answers as on the folder.

use std::{fs, path::Path};

use candle_core::quantized::{GgmlDType, gguf_file::Value};

use super::{
    SOME_IDS,
    convert::{convert, text},
    logits::{logits, network},
    model_folder, refused, run, tiny, tiny_draft,
};

#[test]
fn the_program_runs_a_file_as_it_runs_the_folder() {
    let (_folder, path) = convert(&model_folder("llada-a"), "llada", |_| GgmlDType::F32).written();
    let folder = model_folder("llada-a");
    let small =
        ["--max-gen-length", "32", "--initial-gen-length", "16", "--prompt-ids", "1,20,300"];
    let ids = |model: &Path| {
        run(&[&["--model", model.to_str().unwrap()][..], &small].concat())["ids"].clone()
    };
    assert_eq!(ids(&path), ids(&folder));
    // A prompt goes through the file's tokenizer and chat template.
    let (_folder, path) = tiny_draft().written();
    let prompt = "Say each word twice: owl, drum.";
    let file = run(&["--model", path.to_str().unwrap(), prompt]);
    assert_eq!(file["text"], run(&[prompt])["text"]);
}

#[test]
fn a_file_in_two_parts_runs_as_the_whole() {
    let draft = convert(&model_folder("llada-a"), "llada", |_| GgmlDType::F32);
    let (folder, whole) = draft.written();
    let parts = ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"];
    let parts = parts.map(|name| folder.path().join(name));
    draft.write_parts(&parts);
    let expected = logits(&*network(&whole), &SOME_IDS);
    for part in &parts {
        assert_eq!(logits(&*network(part), &SOME_IDS), expected, "{}", part.display());
    }
    let small = ["--max-gen-length", "16", "--initial-gen-length", "16", "--prompt-ids", "1,20"];
    let ids = |model: &Path| {
        run(&[&["--model", model.to_str().unwrap()][..], &small].concat())["ids"].clone()
    };
    assert_eq!(ids(&parts[0]), ids(&whole));
    let [first, second] = &parts;
    // The second part twice, and then none.
    let kept = fs::read(first).unwrap();
    fs::copy(second, first).unwrap();
    refused(first, &[], &["m-00001-of-00002.gguf", "part 2 of 2", "part 1 of 2"]);
    fs::write(first, kept).unwrap();
    fs::remove_file(second).unwrap();
    refused(first, &[], &["m-00002-of-00002.gguf: ", "is not there", "llama-gguf-split --merge"]);
}

#[test]
fn a_file_says_whether_a_prompt_begins_and_ends_with_tokens() {
    let prompt = |set: &[(&str, bool)]| {
        let mut draft = tiny_draft();
        draft.set("tokenizer.ggml.bos_token_id", Value::U32(4));
        for (flag, on) in set {
            draft.set(&format!("tokenizer.ggml.add_{flag}_token"), Value::Bool(*on));
        }
        let (_folder, path) = draft.written();
        let plain = ["--chat-template", "none", "--max-gen-length", "16", "owl, drum"];
        let found = run(&[&["--model", path.to_str().unwrap()][..], &plain].concat());
        serde_json::from_value::<Vec<u32>>(found["prompt"]["ids"].clone()).unwrap()
    };
    let bare = prompt(&[]);
    assert!(!bare.is_empty() && !bare.contains(&4) && !bare.contains(&1), "{bare:?}");
    for (set, before, behind) in [
        (&[("bos", true)][..], &[4][..], &[][..]),
        (&[("bos", false)], &[], &[]),
        (&[("bos", true), ("eos", true)], &[4], &[1]),
        (&[("eos", true)], &[], &[1]),
    ] {
        assert_eq!(prompt(set), [before, &bare, behind].concat(), "{set:?}");
    }
}

#[test]
fn rounding_on_the_way_into_memory_gives_the_same_text() {
    let prompt = "Say each word twice: owl, drum.";
    let exact = run(&[prompt]);
    assert_eq!(run(&["--quantize", "q8_0", prompt])["text"], exact["text"]);
    let (_folder, path) = tiny_draft().written();
    let again = run(&["--model", path.to_str().unwrap(), "--quantize", "q8_0", prompt]);
    assert_eq!(again["text"], exact["text"]);
}

#[test]
fn a_tokenizer_beside_the_file_helps_where_its_own_is_not_known() {
    let mut draft = tiny_draft();
    draft.set("tokenizer.ggml.pre", text("something-new"));
    let (_folder, path) = draft.written();
    let prompt = "Say each word twice: owl, drum.";
    let tokenizer = tiny().join("tokenizer.json");
    let path = path.to_str().unwrap();
    let found = run(&["--model", path, "--tokenizer", tokenizer.to_str().unwrap(), prompt]);
    assert_eq!(found["text"], run(&[prompt])["text"]);
}
