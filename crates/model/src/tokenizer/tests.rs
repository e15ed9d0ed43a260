//! Tokenizers against transformers' own: tests/reference/encoding.py writes the file that is read
//! here.

use std::{fs, path::Path};

use serde_json::Value;

use super::*;

const ENCODED: &str = include_str!("../../../../tests/tokenizers/encoded.json");
const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests");

/// Rows of the model that the tokenizers are for.
const COLUMNS: usize = 4096;

/// A checkpoint's folder with these files, and a vocabulary: `slow` or `json`.
fn folder(vocabulary: &str, files: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let source = match vocabulary {
        "slow" => format!("{TESTS}/tokenizers"),
        _ => format!("{TESTS}/golden/models/qwen3-a"),
    };
    let names: &[&str] =
        if vocabulary == "slow" { &["vocab.json", "merges.txt"] } else { &["tokenizer.json"] };
    for name in names {
        fs::copy(Path::new(&source).join(name), folder.path().join(name)).unwrap();
    }
    for name in ["config.json", "model.safetensors"] {
        fs::write(folder.path().join(name), "{}").unwrap();
    }
    for (name, content) in files.as_object().unwrap() {
        // What is no JSON is given as a text.
        let text = content.as_str().filter(|_| !name.ends_with("_config.json"));
        let text = text.map_or_else(|| content.to_string(), str::to_owned);
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn read(folder: &Path, columns: usize) -> Result<Tokenizer, LoadError> {
    Tokenizer::read(&Files::read(folder)?, columns, "", &ChatSettings::default())
}

#[test]
fn ids_are_those_of_transformers() {
    let entries: Vec<Value> = serde_json::from_str(ENCODED).unwrap();
    assert!(entries.len() >= 10);
    for entry in &entries {
        let folder = folder(entry["vocabulary"].as_str().unwrap(), &entry["files"]);
        let tokenizer = read(folder.path(), COLUMNS).unwrap();
        for text in entry["texts"].as_array().unwrap() {
            for (name, around) in [("bare", false), ("around", true)] {
                let encoding = tokenizer.inner.as_ref().unwrap();
                let encoding = encoding.encode(text["text"].as_str().unwrap(), around).unwrap();
                let expected: Vec<u32> = serde_json::from_value(text[name].clone()).unwrap();
                assert_eq!(
                    encoding.get_ids(),
                    expected,
                    "{} {} {name}",
                    entry["name"],
                    text["text"]
                );
            }
        }
        let config = TokenizerConfig::read(&Files::read(folder.path()).unwrap()).unwrap();
        let mut named = config.named();
        named.sort();
        let expected: Vec<(String, String)> = entry["named"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, text)| (name.clone(), text.as_str().unwrap().to_owned()))
            .collect();
        assert_eq!(named, expected, "{}", entry["name"]);
    }
}

#[test]
fn every_file_that_names_a_token_is_read() {
    let token = |text: &str| serde_json::json!({ "content": text, "special": true });
    let config = serde_json::json!({
        "tokenizer_class": "Qwen2Tokenizer",
        "added_tokens_decoder": { "3000": token("<|endoftext|>"), "3001": token("<new>") },
    });
    let folder = folder(
        "slow",
        &serde_json::json!({
            "tokenizer_config.json": config,
            "added_tokens.json": { "<new2>": 3002 },
        }),
    );
    let tokenizer = read(folder.path(), COLUMNS).unwrap();
    for (text, expected) in [("<new>", 3001), ("<new2>", 3002)] {
        assert_eq!(tokenizer.encode_prompt(text).unwrap(), [expected], "{text}");
    }
}

#[test]
fn what_is_not_read_is_named_with_what_to_do() {
    let class =
        |class: &str| serde_json::json!({ "tokenizer_config.json": { "tokenizer_class": class } });
    let gap = serde_json::json!({ "tokenizer_config.json": {
        "tokenizer_class": "Qwen2Tokenizer",
        "added_tokens_decoder": { "3100": { "content": "<new>", "special": true } },
    } });
    let damaged = serde_json::json!({ "tokenizer_config.json": {
        "tokenizer_class": "Qwen2Tokenizer", "added_tokens_decoder": { "3000": 5 },
    } });
    for (files, columns, expected) in [
        (class("RobertaTokenizer"), COLUMNS, "`RobertaTokenizer`"),
        (serde_json::json!({}), COLUMNS, "`none`"),
        (gap, COLUMNS, "\"<new>\" is said to have the id 3100"),
        (damaged, COLUMNS, "added_tokens_decoder has no token: 3000: 5"),
    ] {
        let folder = folder("slow", &files);
        let problem = read(folder.path(), columns).err().unwrap().to_string();
        assert!(problem.contains(expected), "{expected}: {problem}");
    }
    for (file, expected) in [
        ("tokenizer.model", "a SentencePiece model"),
        ("vocab.txt", "a WordPiece vocabulary"),
        ("vocab.json", "a vocabulary without merges.txt"),
    ] {
        let folder = folder("slow", &serde_json::json!({}));
        fs::remove_file(folder.path().join("vocab.json")).unwrap();
        fs::remove_file(folder.path().join("merges.txt")).unwrap();
        fs::write(folder.path().join(file), "x").unwrap();
        let problem = read(folder.path(), COLUMNS).err().unwrap().to_string();
        assert!(problem.contains(file) && problem.contains(expected), "{problem}");
        assert!(problem.contains("--tokenizer FILE"), "{problem}");
    }
}

/// Without merges every byte is a token, as in transformers.
#[test]
fn no_merges_are_no_fault() {
    let config = serde_json::json!({ "tokenizer_class": "Qwen2Tokenizer" });
    for merges in ["", "#version: 0.2\n"] {
        let files = serde_json::json!({ "tokenizer_config.json": config, "merges.txt": merges });
        let folder = folder("slow", &files);
        let tokenizer = read(folder.path(), COLUMNS).unwrap();
        let expected = [71, 68, 75, 75, 78, 220, 86, 78, 81, 75, 67];
        assert_eq!(tokenizer.encode_prompt("hello world").unwrap(), expected);
    }
}

/// Files, the model's rows, the file that is blamed, and what is said.
#[test]
fn faults_are_told_with_the_file_that_has_them() {
    let class = serde_json::json!({ "tokenizer_class": "Qwen2Tokenizer" });
    let with = |name: &str, content: Value| {
        let mut files = serde_json::json!({ "tokenizer_config.json": class });
        files[name] = content;
        files
    };
    let decoder = |id: &str| {
        let token = serde_json::json!({ "content": "<new>", "special": true });
        serde_json::json!({ "tokenizer_config.json": {
            "tokenizer_class": "Qwen2Tokenizer", "added_tokens_decoder": { id: token },
        } })
    };
    for (files, columns, file, expected) in [
        (with("vocab.json", "".into()), COLUMNS, "vocab.json", "it is empty"),
        (with("vocab.json", "{\"a\": 0,".into()), COLUMNS, "vocab.json", "this is no JSON (EOF"),
        (with("vocab.json", "[]".into()), COLUMNS, "vocab.json", "it holds a list"),
        (with("vocab.json", "{\"a\": -1}".into()), COLUMNS, "vocab.json", "\"a\" is -1"),
        (with("vocab.json", "{\"a\": \"0\"}".into()), COLUMNS, "vocab.json", "\"a\" is \"0\""),
        (
            with("vocab.json", "{\"a\": 8589934592}".into()),
            COLUMNS,
            "vocab.json",
            "\"a\" is 8589934592",
        ),
        (with("merges.txt", "#version\na b c".into()), COLUMNS, "merges.txt", "line 2 is no pair"),
        (with("merges.txt", "ab".into()), COLUMNS, "merges.txt", "line 1 is no pair"),
        (with("merges.txt", "h e\nz q".into()), COLUMNS, "merges.txt", "line 2 joins \"zq\""),
        (with("merges.txt", "zzzz q".into()), COLUMNS, "merges.txt", "line 1 joins \"zzzz\""),
        // The smallest of many, with its text.
        (with("added_tokens.json", "{}".into()), 2000, "vocab.json", "token 2000 (\""),
        (
            with("added_tokens.json", "{\"<new>\": 3}".into()),
            COLUMNS,
            "added_tokens.json",
            "\"<new>\" is said to have the id 3, which \"$\" has",
        ),
        (
            with("added_tokens.json", "{\"<new>\": 3100}".into()),
            COLUMNS,
            "added_tokens.json",
            "\"<new>\" is said to have the id 3100, and comes to have 3000",
        ),
        (
            with("added_tokens.json", "{\"<new>\": \"3\"}".into()),
            COLUMNS,
            "added_tokens.json",
            "the id of \"<new>\" is \"3\"",
        ),
        (
            with("added_tokens.json", "{\"<new>\": 3000}".into()),
            3000,
            "added_tokens.json",
            "token 3000 (\"<new>\") has no row in the model's 3000",
        ),
        (decoder("3"), COLUMNS, "tokenizer_config.json", "the id 3, which \"$\" has"),
        (decoder("3000"), 3000, "tokenizer_config.json", "token 3000 (\"<new>\") has no row"),
        (decoder("x"), COLUMNS, "tokenizer_config.json", "added_tokens_decoder has no token: x"),
    ] {
        let folder = folder("slow", &files);
        let problem = read(folder.path(), columns).err().unwrap().to_string();
        let place = format!("{}: ", folder.path().join(file).display());
        assert!(problem.starts_with(&place) && problem.contains(expected), "{expected}: {problem}");
    }
}

#[test]
fn templates_are_looked_for_where_transformers_does() {
    let listed = serde_json::json!([
        { "name": "rag", "template": "R" }, { "name": "default", "template": "D" },
    ]);
    let config = |template: Value| {
        serde_json::json!({ "tokenizer_config.json": {
            "tokenizer_class": "Qwen2Tokenizer", "chat_template": template,
        } })
    };
    let text = |folder: &Path, wanted: Option<&str>| {
        let settings =
            ChatSettings { template: wanted.map(str::to_owned), ..ChatSettings::default() };
        let tokenizer = Tokenizer::read(&Files::read(folder).unwrap(), COLUMNS, "", &settings);
        let tokenizer = tokenizer.map_err(|error| error.to_string())?;
        tokenizer.chat.text(&Messages::of("x")).map(|text| text.unwrap_or_default())
    };
    let one = folder("slow", &config("C".into()));
    assert_eq!(text(one.path(), None).unwrap(), "C");
    assert_eq!(text(one.path(), Some("none")).unwrap(), "");
    assert!(text(one.path(), Some("other")).unwrap_err().contains("other"));
    let several = folder("slow", &config(listed));
    assert_eq!(text(several.path(), None).unwrap(), "D");
    assert_eq!(text(several.path(), Some("rag")).unwrap(), "R");
    let unnamed = serde_json::json!([{ "name": "rag", "template": "R" }]);
    let unnamed = folder("slow", &config(unnamed));
    let problem = text(unnamed.path(), None).unwrap_err();
    assert!(problem.contains("rag") && problem.contains("--chat-template NAME"), "{problem}");
    // Files of their own come first.
    fs::write(one.path().join("chat_template.jinja"), "F").unwrap();
    fs::create_dir(one.path().join("additional_chat_templates")).unwrap();
    fs::write(one.path().join("additional_chat_templates/tools.jinja"), "T").unwrap();
    assert_eq!(text(one.path(), None).unwrap(), "F");
    assert_eq!(text(one.path(), Some("tools")).unwrap(), "T");
}

#[test]
fn vocabulary_entries_become_text_or_bytes() {
    let alphabet = alphabet();
    assert_eq!(alphabet.len(), 256);
    let text = |s: &str| Piece::Text(s.to_owned());
    for (entry, expected) in [
        ("Ġthe", text(" the")),
        ("Ċ", text("\n")),
        ("Ã©", text("é")),
        ("Ã", Piece::Bytes(vec![0xC3])),
        ("<0xE5>", Piece::Bytes(vec![0xE5])),
        ("▁word", text(" word")),
    ] {
        assert_eq!(piece(entry, None, &alphabet), expected, "{entry}");
    }
    assert_eq!(piece("<|eot_id|>", Some(true), &alphabet), Piece::Control("<|eot_id|>".to_owned()));
}
