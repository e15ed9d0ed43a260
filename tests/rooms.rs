//! The architecture, read from the source: which room may use which, and what it may never know.

use std::{
    fs,
    path::{Path, PathBuf},
};

const ROOMS: [&str; 15] = [
    "canvas", "predict", "decode", "session", "compare", "inspect", "debugger", "model", "engine",
    "trace", "driving", "import", "tui", "eval", "cli",
];

/// A room, the rooms it may use, and the libraries it must not know.
const RULES: &[(&str, &[&str], &[&str])] = &[
    ("canvas", &[], &["candle", "ratatui", "crossterm", "tokenizers", "serde"]),
    ("predict", &["canvas"], &["candle", "ratatui", "crossterm", "tokenizers"]),
    ("decode", &["canvas", "predict"], &["candle", "ratatui", "crossterm", "std::fs", "std::io"]),
    ("session", &["canvas", "predict", "decode"], &["candle", "ratatui", "crossterm", "std::fs"]),
    (
        "compare",
        &["canvas", "predict", "decode", "session"],
        &["candle", "ratatui", "crossterm", "std::fs", "std::io"],
    ),
    (
        "inspect",
        &["canvas", "predict", "decode", "session"],
        &["candle", "ratatui", "crossterm", "std::fs", "std::io"],
    ),
    (
        "debugger",
        &["canvas", "predict", "decode", "session", "compare", "inspect"],
        &["candle", "ratatui", "crossterm", "tokenizers", "std::fs", "std::io"],
    ),
    ("model", &["canvas", "predict"], &["ratatui", "crossterm"]),
    ("engine", &["canvas", "predict", "model"], &["candle", "ratatui", "crossterm", "tokenizers"]),
    ("trace", &["canvas", "predict", "decode", "session"], &["candle", "ratatui", "crossterm"]),
    (
        "driving",
        &["canvas", "decode", "session", "debugger", "engine", "trace"],
        &["candle", "ratatui", "crossterm", "tokenizers"],
    ),
    (
        "import",
        &["canvas", "predict", "decode", "session", "trace"],
        &["candle", "ratatui", "crossterm", "tokenizers"],
    ),
    (
        "tui",
        &["canvas", "predict", "decode", "session", "compare", "inspect", "debugger", "trace"],
        &["candle", "tokenizers"],
    ),
    (
        "eval",
        &["canvas", "predict", "decode", "session", "model", "trace"],
        &["ratatui", "crossterm"],
    ),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The code without comments: those may name other rooms.
fn code(path: &Path) -> String {
    fs::read_to_string(path)
        .unwrap()
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The rooms named after `crate::`, also inside `use crate::{…}`.
fn rooms_used(code: &str) -> Vec<String> {
    let mut used = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(group) => top_level(group),
            None => vec![rest],
        };
        for name in names {
            let name: String =
                name.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !name.is_empty() {
                used.push(name);
            }
        }
    }
    used
}

/// The parts of a brace group that are not inside further braces.
fn top_level(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                parts.push(&group[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts
}

#[test]
fn rooms_use_only_what_they_may() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut faults = Vec::new();
    for (room, allowed, never) in RULES {
        let folder = match *room {
            "model" => root.join("crates/model/src"),
            room => [root.join("src"), root.join("crates/core/src")]
                .map(|parent| parent.join(room))
                .into_iter()
                .find(|folder| folder.is_dir())
                .unwrap_or_else(|| panic!("there is no room {room}")),
        };
        let files = sources(&folder);
        assert!(!files.is_empty(), "room {room} is empty");
        for file in files {
            let code = code(&file);
            for used in rooms_used(&code) {
                let other = ROOMS.contains(&used.as_str()) && used != *room;
                if other && !allowed.contains(&used.as_str()) {
                    faults.push(format!("{}: uses {used}", file.display()));
                }
            }
            for library in *never {
                if code.contains(&format!("{library}::")) || code.contains(&format!("{library}_")) {
                    faults.push(format!("{}: knows {library}", file.display()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_reader_of_use_lines_reads_them() {
    let code = "use crate::{\n    canvas::{Canvas, Edit},\n    predict,\n};\nuse crate::decode::x;";
    assert_eq!(rooms_used(code), ["canvas", "predict", "decode"]);
}
