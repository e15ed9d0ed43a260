//! What the program asks a model: from the command line, files, stdin and several turns.

use std::{fs, path::Path};

use crate::support::golden;
use assert_cmd::Command;
use serde_json::Value;

/// Says everything that it is given.
const TEMPLATE: &str = "{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}\
    {% if add_generation_prompt %}<assistant>{% endif %}\
    {{ 'T' if enable_thinking else 'F' }}{{ tools is none }}{{ extra | default('') }}";

/// The golden a2d-Qwen3 with a chat template.
fn model() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(golden().join("models/qwen3-a")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    fs::write(folder.path().join("chat_template.jinja"), TEMPLATE).unwrap();
    folder
}

fn demask(model: &Path, args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("demask").unwrap();
    command.env_remove("DEMASK_CONFIG").env("XDG_CONFIG_HOME", "/nonexistent");
    command.args(["run", "--model", &model.display().to_string(), "--record", "-"]);
    command.args(["--strategy", "low_confidence", "--gen-length", "4", "--steps", "2"]);
    command.args(["--block-length", "4"]).args(args);
    command
}

/// The prompt that a run was made with, as text, and what was said on stderr.
fn asked(mut command: Command) -> (String, String) {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let ids = lines.iter().find_map(|line| line["prompt"].as_array().cloned()).unwrap();
    let tokenizer = golden().join("models/qwen3-a/tokenizer.json");
    let tokenizer = tokenizers::Tokenizer::from_file(tokenizer).unwrap();
    let ids: Vec<u32> = ids.iter().map(|id| u32::try_from(id.as_u64().unwrap()).unwrap()).collect();
    (tokenizer.decode(&ids, false).unwrap(), stderr)
}

#[test]
fn a_prompt_comes_from_anywhere() {
    let model = model();
    let file = model.path().join("prompt.txt");
    fs::write(&file, "2 + 2?\n").unwrap();
    let file = file.display().to_string();
    let expected = "<user>2 + 2?</><assistant>FTrue";
    for (args, stdin) in [
        (&["2 + 2?"] as &[&str], ""),
        (&["--prompt-file", &file], ""),
        (&["-"], "2 + 2?\n"),
        (&["--prompt-file", "-"], "2 + 2?\r\n"),
        (&[], "\u{FEFF}2 + 2?"),
    ] {
        let mut command = demask(model.path(), args);
        command.write_stdin(stdin);
        assert_eq!(asked(command).0, expected, "{args:?}");
    }
}

#[test]
fn turns_a_system_prompt_and_variables_reach_the_template() {
    let model = model();
    let turns = model.path().join("turns.json");
    let file = turns.display().to_string();
    let user = r#"{"role": "user", "content": "a"}"#;
    let answer = r#"{"role": "assistant", "content": "b"}"#;
    for (messages, args, expected) in [
        (format!("[{user}]"), &[] as &[&str], "<user>a</><assistant>FTrue"),
        (
            format!("{{\"messages\": [{user}, {answer}, {user}]}}"),
            &["--system", "S"],
            "<system>S</><user>a</><assistant>b</><user>a</><assistant>FTrue",
        ),
        // The model goes on with what the assistant began.
        (format!("[{user}, {answer}]"), &[], "<user>a</><assistant>b"),
        (
            format!("[{user}]"),
            &["--template-var", "enable_thinking=True", "--template-var", "extra= x"],
            "<user>a</><assistant>TTrue x",
        ),
        (format!("[{user}]"), &["--template-var", "tools=[]"], "<user>a</><assistant>FFalse"),
        (format!("[{user}]"), &["--chat-template", "none"], "a"),
    ] {
        fs::write(&turns, &messages).unwrap();
        let args: Vec<&str> = ["--messages", &file].iter().chain(args).copied().collect();
        assert_eq!(asked(demask(model.path(), &args)).0, expected, "{messages} {args:?}");
    }
}

#[test]
fn another_template_is_taken_by_its_file_or_name() {
    let model = model();
    let more = model.path().join("additional_chat_templates");
    fs::create_dir(&more).unwrap();
    fs::write(more.join("short.jinja"), "{{ messages[0].content | upper }}").unwrap();
    let file = more.join("short.jinja").display().to_string();
    for name in ["short", &file] {
        assert_eq!(asked(demask(model.path(), &["ab", "--chat-template", name])).0, "AB");
    }
    fs::remove_file(model.path().join("chat_template.jinja")).unwrap();
    refused(model.path(), &["ab"], "", 1, &["short", "--chat-template NAME"]);
}

#[test]
fn masks_in_a_prompt_are_pointed_out() {
    let model = model();
    let (_, printed) = asked(demask(model.path(), &["a <|mask|><|mask|> b"]));
    assert!(printed.contains("the prompt holds mask tokens (507) at positions"), "{printed}");
    let (_, printed) = asked(demask(model.path(), &["a b"]));
    assert!(!printed.contains("mask token"), "{printed}");
    let (_, printed) = asked(demask(model.path(), &["--prompt-ids", "5,507,6"]));
    assert!(printed.contains("a mask token (507) at position 1:"), "{printed}");
}

/// Runs, expects this exit code and these words on stderr, and nothing on stdout.
fn refused(model: &Path, args: &[&str], stdin: &str, code: i32, words: &[&str]) {
    let output = demask(model, args).write_stdin(stdin).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "{args:?}: no `{word}` in: {stderr}");
    }
    assert!(output.stdout.is_empty(), "{args:?} printed to stdout");
}

#[test]
fn what_cannot_be_asked_is_refused_with_what_to_do() {
    let model = model();
    let file = |name: &str, bytes: &[u8]| {
        let path = model.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let latin = file("latin.txt", b"caf\xe9");
    let empty = file("empty.txt", b"");
    let turns = file("turns.json", br#"[{"role": "user", "content": "a"}, {"role": "user"}]"#);
    let system = file(
        "system.json",
        br#"[{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]"#,
    );
    for (args, code, words) in [
        (&[] as &[&str], 2, &["there is no prompt", "--prompt-file"] as &[&str]),
        (&["-"], 1, &["stdin", "it is empty"]),
        (&["--prompt-file", &empty], 1, &["empty.txt", "it is empty"]),
        (&["--prompt-file", &latin], 1, &["latin.txt", "no UTF-8 from byte 3"]),
        (&["--prompt-file", "/nonexistent"], 1, &["/nonexistent", "cannot be read"]),
        (&["--messages", &turns], 1, &["turns.json", "turn 2 has no `content`"]),
        (&["--messages", &latin], 1, &["latin.txt"]),
        (&["--messages", &system, "--system", "x"], 1, &["--system gives another"]),
        (
            &["a", "--chat-template", "none", "--system", "x"],
            1,
            &["no chat template", "--chat-template FILE"],
        ),
        (&["a", "--chat-template", "/nonexistent"], 1, &["/nonexistent", "no such file"]),
        (&["a", "--template-var", "enable_thinking"], 2, &["NAME=VALUE"]),
        (&["a", "--template-var", "messages=[]"], 2, &["--messages FILE"]),
        (&["a", "--template-var", "tools={"], 2, &["begins like JSON", "tools=\"{\""]),
        (
            &["a", "--chat-template", "none", "--template-var", "x=1"],
            1,
            &["no chat template that could read `x`", "--chat-template FILE"],
        ),
        (&["--prompt-ids", "1", "--template-var", "x=1"], 2, &["cannot be used with"]),
        (&[""], 2, &["the prompt is empty", "--messages"]),
        (&["a", "--prompt-file", &empty], 2, &["cannot be used with"]),
        (&["--prompt-ids", "1", "--system", "x"], 2, &["cannot be used with"]),
    ] {
        refused(model.path(), args, "", code, words);
    }
}

#[test]
fn variables_that_the_template_passes_over_are_pointed_out() {
    let model = model();
    let (_, printed) = asked(demask(model.path(), &["a", "--template-var", "enable_thinkng=True"]));
    assert!(printed.contains("the chat template never reads `enable_thinkng`"), "{printed}");
    let (_, printed) =
        asked(demask(model.path(), &["a", "--template-var", "enable_thinking=True"]));
    assert!(!printed.contains("never reads"), "{printed}");
}

#[test]
fn what_was_said_about_the_template_is_in_the_recording() {
    let model = model();
    let header = |args: &[&str]| -> Value {
        let output = demask(model.path(), args).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        serde_json::from_str::<Value>(text.lines().next().unwrap()).unwrap()["chat"].clone()
    };
    assert_eq!(header(&["a"]), Value::Null);
    assert_eq!(header(&["--prompt-ids", "1,2"]), Value::Null);
    let args = ["a", "--template-var", "extra=x", "--template-var", "tools=[]", "--system", "S"];
    let expected = serde_json::json!({"variables": {"extra": "x", "tools": "[]"}, "system": "S"});
    assert_eq!(header(&args), expected);
    // And `info` says it.
    let file = model.path().join("run.jsonl");
    let file = file.display().to_string();
    let output = demask(model.path(), &args).output().unwrap();
    fs::write(&file, output.stdout).unwrap();
    let output = Command::cargo_bin("demask").unwrap().args(["info", &file]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    for line in ["variable       extra=x", "variable       tools=[]", "system         S"] {
        assert!(printed.contains(line), "{printed}");
    }
}

/// Files that never end, or that hold what is no text.
#[cfg(unix)]
#[test]
fn what_never_ends_is_refused_as_too_large() {
    let model = model();
    for args in [
        &["a", "--chat-template", "/dev/zero"] as &[&str],
        &["--prompt-file", "/dev/zero"],
        &["--messages", "/dev/zero"],
    ] {
        refused(model.path(), args, "", 1, &["/dev/zero", "it is larger than"]);
    }
    for option in ["--exec-file", "--config"] {
        refused(model.path(), &["a", option, "/dev/zero"], "", 2, &["it is larger than 1 MiB"]);
    }
    let folder = model.path().display().to_string();
    for args in [&["a", "--chat-template", &folder] as &[&str], &["--prompt-file", &folder]] {
        refused(model.path(), args, "", 1, &[&folder, "cannot be read"]);
    }
}

/// A template that asks for all there is ends the run with its name and line.
#[test]
fn a_hostile_template_costs_neither_memory_nor_time() {
    let model = model();
    for (template, words) in [
        ("\n{{ ('a' * 900000) | join('b' * 900000) }}", "MiB of text, in line 2"),
        ("{{ 'abc'[::0] }}", "a step of 0 (in chat template:1)"),
    ] {
        fs::write(model.path().join("chat_template.jinja"), template).unwrap();
        refused(model.path(), &["a"], "", 1, &["chat_template.jinja", words]);
    }
    // What it makes is looked at before it is cut into tokens, which takes far more.
    let long = "{{ 'ab' * 3000000 }}";
    fs::write(model.path().join("chat_template.jinja"), long).unwrap();
    refused(model.path(), &["a"], "", 1, &["5 MiB of text, and more than 4 MiB fits no model"]);
}

#[test]
fn templates_of_another_type_are_refused_by_name() {
    let model = model();
    fs::remove_file(model.path().join("chat_template.jinja")).unwrap();
    let config = model.path().join("tokenizer_config.json");
    let before: Value = serde_json::from_str(&fs::read_to_string(&config).unwrap()).unwrap();
    let printed_for = |template: Value| {
        let mut config_now = before.clone();
        config_now["chat_template"] = template;
        fs::write(&config, config_now.to_string()).unwrap();
    };
    for wrong in [
        serde_json::json!(5),
        serde_json::json!(true),
        serde_json::json!([{"template": "x"}]),
        serde_json::json!([{"name": "default"}]),
        serde_json::json!({"default": 5}),
    ] {
        printed_for(wrong.clone());
        refused(model.path(), &["ab"], "", 1, &["tokenizer_config.json", "chat_template"]);
        // One's own will do.
        assert_eq!(asked(demask(model.path(), &["ab", "--chat-template", "none"])).0, "ab");
    }
    for (right, expected) in [
        (serde_json::json!({"default": "{{ messages[0].content | upper }}"}), "AB"),
        (serde_json::json!([{"name": "default", "template": "<ab>"}]), "<ab>"),
        (Value::Null, "ab"),
    ] {
        printed_for(right);
        assert_eq!(asked(demask(model.path(), &["ab"])).0, expected);
    }
    // What only processors read is named.
    fs::write(model.path().join("chat_template.json"), "{\"chat_template\": \"x\"}").unwrap();
    let (text, printed) = asked(demask(model.path(), &["ab"]));
    assert_eq!(text, "ab");
    assert!(printed.contains("chat_template.json is a chat template for processors"), "{printed}");
}
