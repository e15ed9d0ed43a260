//! Configuration files: good ones are read, bad ones are refused with words that help. The bad
//! ones and what is said about them are in `tests/config/bad` and the snapshot beside this.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use assert_cmd::Command;
use demask::{
    cli::{ColorChoice, Config, LookConfig, default_config},
    decode::Value,
    tui::{Action, Ink, Keymap, Shade},
};

fn corpus(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(kind);
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn read(path: &Path) -> Result<Config, String> {
    let text = fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap().to_string_lossy();
    Config::parse(&text, &name).map_err(|error| error.to_string())
}

#[test]
fn good_files_are_read() {
    let files = corpus("good");
    assert!(files.len() >= 4);
    for path in files {
        assert!(read(&path).is_ok(), "{}", read(&path).unwrap_err());
    }
}

#[test]
fn bad_files_are_refused_with_place_and_advice() {
    let files = corpus("bad");
    assert!(files.len() >= 35);
    let mut printed = String::new();
    for path in files {
        let error = read(&path).expect_err(&path.display().to_string());
        let _ = writeln!(printed, "{error}");
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("config");
    settings.bind(|| insta::assert_snapshot!("bad", printed));
}

#[test]
fn everything_arrives() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/good");
    let config = read(&folder.join("everything.toml")).unwrap();
    assert!(config.params.contains(&("low_conf_threshold".to_owned(), Value::Float(0.0))));
    assert!(config.params.contains(&("seed".to_owned(), Value::Int(i64::MAX))));
    let look = LookConfig {
        color: ColorChoice::Ansi256,
        ascii: true,
        mouse: false,
        theme: Shade::Light,
        speed: None,
    };
    assert_eq!(config.look, look);
    assert_eq!(config.colors.get(Ink::Fill), Some((0, 0x44, 0xaa)));
    assert_eq!(config.colors.get(Ink::WhatIf), Some((255, 238, 0)));
    assert_eq!(config.colors.get(Ink::Dim), None);
    assert_eq!(config.keymap.first(Action::Step), "Y");
    assert!(config.keymap.rows().any(|(row, keys)| row.name == "save" && keys.is_empty()));
    assert_eq!(config.keymap.keys(Action::Forward).len(), 4);
    assert_eq!(config.keymap.keys(Action::Quit), Keymap::default().keys(Action::Quit));
    assert_eq!(config.presets.keys().collect::<Vec<_>>(), ["bold", "careful"]);
    assert_eq!(config.macros["two-back"], "back; back");
}

/// The program with a configuration folder of its own.
fn demask(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("demask").unwrap();
    command.args(args).env_remove("DEMASK_CONFIG").env("XDG_CONFIG_HOME", home);
    command
}

/// Exit code, stdout, stderr.
fn ran(mut command: Command) -> (Option<i32>, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn config_prints_the_defaults_and_the_path() {
    let home = tempfile::tempdir().unwrap();
    let (code, stdout, _) = ran(demask(home.path(), &["config"]));
    assert_eq!((code, stdout.as_str()), (Some(0), default_config().as_str()));
    let file = home.path().join("demask").join("config.toml");
    let path = |args: &[&str], environment: &str| {
        let mut command = demask(home.path(), args);
        command.env("DEMASK_CONFIG", environment);
        ran(command).1.trim_end().to_owned()
    };
    assert_eq!(path(&["config", "--path"], ""), file.display().to_string());
    assert_eq!(path(&["config", "--path"], "e.toml"), "e.toml");
    assert_eq!(path(&["config", "--path", "--config", "f.toml"], "e.toml"), "f.toml");
}

/// Parameters win in this order: defaults, checkpoint, configuration, preset, flags.
#[test]
fn later_parameters_win() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("demask");
    fs::create_dir_all(folder.join("presets")).unwrap();
    fs::write(
        folder.join("config.toml"),
        "[params]\ninitial_gen_length = 24\neos_confidence_threshold = 0\n\
         [presets.short]\ninitial_gen_length = 16\n",
    )
    .unwrap();
    fs::write(folder.join("presets").join("other.toml"), "initial_gen_length = 8\n").unwrap();
    // Nothing grows, so the length is the initial one.
    for (args, length) in [
        (vec![], 24),
        (vec!["--preset", "short"], 16),
        (vec!["--preset", "other"], 8),
        (vec!["--preset", "short", "--initial-gen-length", "4"], 4),
        // The embedded model suggests 32.
        (vec!["--no-config", "--preset", "fixed"], 32),
        (vec!["--preset", "reference", "--eos-confidence-threshold", "0"], 64),
    ] {
        let flat = ["--low-conf-threshold", "0", "--expansion-factor", "0", "--json"];
        let args: Vec<&str> = [&["run", "Name 2 animals."], flat.as_slice(), &args].concat();
        let (code, stdout, stderr) = ran(demask(home.path(), &args));
        assert_eq!(code, Some(0), "{args:?}: {stderr}");
        let answer: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        // Between the stages half a window of EOS cells is put behind.
        let tail = if args.contains(&"reference") { 16 } else { 8 };
        assert_eq!(answer["length"], length + tail, "{args:?}");
    }
}

#[test]
fn faults_end_with_code_2() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("demask");
    fs::create_dir_all(folder.join("presets")).unwrap();
    fs::write(folder.join("config.toml"), "[params]\n\nhihg_conf_threshold = 0.9\n").unwrap();
    fs::write(folder.join("presets").join("bad.toml"), "block_length = 0\n").unwrap();
    let missing = home.path().join("none.toml");
    let missing = missing.to_str().unwrap();
    let recording =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings").join("short-answer.jsonl");
    let picture = home.path().join("out.svg");
    let (recording, picture) = (recording.to_str().unwrap(), picture.to_str().unwrap());
    fs::write(home.path().join("ok.toml"), "").unwrap();
    let fine = home.path().join("ok.toml");
    let fine = fine.to_str().unwrap();
    for (args, words) in [
        (vec!["run", "a"], "config.toml:3:1: unknown key `hihg_conf_threshold`; did you mean"),
        (vec!["replay", recording, "--svg", picture], "config.toml:3:1: "),
        (vec!["run", "a", "--config", missing], "none.toml: there is no such file"),
        (vec!["run", "a", "--no-config", "--preset", "fixd"], "did you mean `fixed`?"),
        (vec!["run", "a", "--no-config", "--preset", "../x"], "a name has"),
        (vec!["run", "a", "--no-config", "--config", fine], "Leave one of the two out"),
        (vec!["config", "--path", "--no-config"], "nothing is read"),
    ] {
        let (code, stdout, stderr) = ran(demask(home.path(), &args));
        assert_eq!(code, Some(2), "{args:?}: {stderr}");
        assert!(stderr.contains(words), "{args:?}: {stderr}");
        assert!(stdout.is_empty());
    }
    let args = ["replay", recording, "--svg", picture, "--no-config", "--theme", "light"];
    assert_eq!(ran(demask(home.path(), &args)).0, Some(0));
    assert!(fs::read_to_string(picture).unwrap().contains("fill=\"#ffffff\""));
}
