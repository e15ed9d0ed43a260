//! The architecture, read from the source: which room may use which, what it may never know, and that
//! no two modules need each other.

mod modules;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::Write as _,
    path::Path,
};

use self::modules::{Modules, child};
use crate::documents;

/// A room of the crates.
struct Room {
    name: &'static str,
    folder: &'static str,
    /// What is in it.
    holds: &'static str,
    /// The rooms that it may use.
    uses: &'static [&'static str],
    /// The libraries that it must not know, of those that its crate has.
    never: &'static [&'static str],
}

const ROOMS: [Room; 22] = [
    Room {
        name: "escape",
        folder: "crates/core/src/escape",
        holds: "what models, recordings and files say, escaped for a terminal (`terminal`) and for \
                documents (`document`), and which hidden characters are text (`hidden`)",
        uses: &[],
        never: &["serde", "std::fs", "std::io"],
    },
    Room {
        name: "canvas",
        folder: "crates/core/src/canvas",
        holds: "prompt, generated positions and suffix, their identity (slot) and origin, edits",
        uses: &[],
        never: &["serde", "std::fs", "std::io"],
    },
    Room {
        name: "predict",
        folder: "crates/core/src/predict",
        holds: "`Request` and its key, `Prediction` and its columns, the `Predictor` trait, token texts",
        uses: &["escape", "canvas"],
        never: &["std::fs", "std::io"],
    },
    Room {
        name: "decode",
        folder: "crates/core/src/decode",
        holds: "`Strategy`, one file or folder a strategy (`foreign`: those of other programs, which are \
                shown and not run); parameters with ranges and help; decisions with reasons",
        uses: &["canvas", "predict"],
        never: &["std::fs", "std::io"],
    },
    Room {
        name: "session",
        folder: "crates/core/src/session",
        holds: "the tree of steps, the pending decision, stepping; the engine thread; the `Recorder` trait",
        uses: &["canvas", "predict", "decode"],
        never: &["std::fs"],
    },
    Room {
        name: "compare",
        folder: "crates/core/src/compare",
        holds: "runs side by side: sessions in lockstep that share predictions or go over known steps, \
                the figures of each, where two part, trajectories aligned across insertions",
        uses: &["canvas", "predict", "decode", "session"],
        never: &["std::fs", "std::io"],
    },
    Room {
        name: "inspect",
        folder: "crates/core/src/inspect",
        holds: "questions about what happened, which change nothing: conditions and queries \
                (`language`), what is known at a node (`view`), lints (`lints`)",
        uses: &["canvas", "predict", "decode", "session"],
        never: &["std::fs", "std::io"],
    },
    Room {
        name: "debugger",
        folder: "crates/core/src/debugger",
        holds: "typed commands with their texts, breakpoints, goals, jumps, undo, tries; `tick` says when \
                a pass is needed; its `Host` has the files",
        uses: &["canvas", "predict", "decode", "session", "compare", "inspect"],
        never: &["std::fs", "std::io"],
    },
    Room {
        name: "trace",
        folder: "crates/core/src/trace",
        holds: "the recording format (`record`, its schema), writer thread and its lock (`lock`), reader \
                at once or along with a file that grows, verification (`check` a step, `verify` a file)",
        uses: &["escape", "canvas", "predict", "decode", "session"],
        never: &[],
    },
    Room {
        name: "import",
        folder: "crates/core/src/import",
        holds: "recordings that others publish, one converter a format (JSON, lists of steps, files of \
                `torch.save`), and which format a file is in (`recognise`)",
        uses: &["canvas", "predict", "decode", "session", "trace"],
        never: &[],
    },
    Room {
        name: "model",
        folder: "crates/model/src",
        holds: "candle: networks (`network`, `linear`, `kernels`), what a config.json says by family \
                (`family`), what is refused (`unsupported`), a checkpoint's small files (`small_files`, \
                `index`), mask and EOS (`special`), attention in blocks (`blocks`), the files that tensors \
                are in (`tensor_files`: safetensors, GGUF), weights by name (`weights`), the memory they \
                need, reduction, tokenizers (`tokenizer`), chat templates (`chat`), the embedded model, \
                the hub (`hub`)",
        uses: &["canvas", "predict"],
        never: &[],
    },
    Room {
        name: "engine",
        folder: "src/engine",
        holds: "models that another process runs: where that process is (`address`), the protocol \
                (`message`), the connection (`link`, `process`, `socket`), reconnecting (`peer`), the \
                predictor, the texts of tokens",
        uses: &["canvas", "predict", "model"],
        never: &["candle", "ratatui", "crossterm"],
    },
    Room {
        name: "driving",
        folder: "src/driving",
        holds: "sampling loops that another process runs: finding one (`find`), joining it (`join`), \
                telling it to step (`message`); what it did comes as records; the published schema of \
                the messages to engines and loops (`schema`)",
        uses: &["canvas", "decode", "session", "debugger", "trace", "engine"],
        never: &["candle", "ratatui", "crossterm"],
    },
    Room {
        name: "export",
        folder: "src/export",
        holds: "what recordings are exported to, one file and one row a format: tables, Markdown, the \
                player's page; the screen, handed in as buffers, as a picture and as an asciicast",
        uses: &["escape", "canvas", "predict", "decode", "session", "trace"],
        never: &["candle"],
    },
    Room {
        name: "folder",
        folder: "src/folder",
        holds: "the recordings of a folder as a list: which files there are (`find`), what is known of each \
                (`row`, `column`), what a run comes to in a few figures and small pictures (`summary`, \
                `thumbnail`), which runs are kept (`filter`), and the threads that read the files and look \
                for changes (`watch`)",
        uses: &["canvas", "predict", "decode", "session", "compare", "inspect", "trace", "import"],
        never: &["candle", "ratatui", "crossterm", "clap", "indicatif"],
    },
    Room {
        name: "reports",
        folder: "src/reports",
        holds: "what is said of runs, recordings, models and engines, as text and as JSON: two runs compared \
                step by step (`diff`), what something is (`info`), strategies and models on one prompt \
                (`comparison`), what verifying came to (`verification`), what a run came to (`run`), what \
                lints and queries found (`findings`, `rows`)",
        uses: &[
            "escape", "canvas", "predict", "decode", "session", "compare", "inspect", "debugger",
            "trace", "model", "engine", "headless", "folder",
        ],
        never: &["candle", "ratatui", "crossterm", "clap", "indicatif"],
    },
    Room {
        name: "headless",
        folder: "src/headless",
        holds: "the debugger without a screen: commands run to their stops (`batch`), runs in lockstep, \
                the passes of a recording once more, one pass that is waited for",
        uses: &["predict", "session", "compare", "debugger", "trace"],
        never: &["candle", "ratatui", "crossterm", "clap", "indicatif"],
    },
    Room {
        name: "tui",
        folder: "src/tui",
        holds: "what the terminal sends (`input`), application state, keymap as data, theme, panes; the \
                list of a folder's runs (`browser`)",
        uses: &[
            "escape", "canvas", "predict", "decode", "session", "compare", "inspect", "debugger",
            "trace", "export", "folder",
        ],
        never: &["candle"],
    },
    Room {
        name: "eval",
        folder: "src/eval",
        holds: "problem sets and their checkers (`problems`; those of the paper: `published`), what is \
                counted (`tokens`), the run with its shards and resumption (`run`), rows, tables and \
                figures (`report`), the embedded model's own problems (`tasks`)",
        uses: &["escape", "canvas", "predict", "decode", "session", "inspect", "trace", "model"],
        never: &["ratatui", "crossterm"],
    },
    Room {
        name: "bench",
        folder: "src/bench",
        holds: "what a step costs on this machine: a run made as in the debugger, on a screen that nobody \
                sees, with a recorder that is waited for; single passes; the report",
        uses: &["predict", "session", "trace", "model", "headless", "tui"],
        never: &["candle", "ratatui", "crossterm", "clap", "indicatif"],
    },
    Room {
        name: "resume",
        folder: "src/resume",
        holds: "the session that was left last: what is kept of it, and how it is made again",
        uses: &["predict", "session", "inspect", "debugger", "trace", "model", "tui"],
        never: &["candle", "ratatui", "crossterm", "clap", "indicatif"],
    },
    Room {
        name: "cli",
        folder: "src/cli",
        holds: "options, help and manual pages, the configuration file, and one file or folder a \
                subcommand",
        uses: &[
            "escape", "canvas", "predict", "decode", "session", "compare", "inspect", "debugger",
            "trace", "import", "model", "engine", "driving", "export", "reports", "headless",
            "tui", "eval", "bench", "resume", "folder",
        ],
        never: &[],
    },
];

/// Modules beside the rooms, which all of them may use.
const SERVE_ALL: [&str; 3] = ["bounded", "panics", "schema"];

#[test]
fn rooms_use_only_what_they_may() {
    let modules = Modules::read();
    for module in modules.within("") {
        let known = SERVE_ALL.contains(&module) || ROOMS.iter().any(|room| room.name == module);
        assert!(known, "{module} is no room of the table");
    }
    let mut faults = Vec::new();
    for room in &ROOMS {
        assert!(
            Path::new(env!("CARGO_MANIFEST_DIR")).join(room.folder).is_dir(),
            "{}",
            room.folder
        );
    }
    for (from, to) in modules.uses() {
        let Some((user, used)) = child("", from).zip(child("", to)) else { continue };
        let Some(room) = ROOMS.iter().find(|room| room.name == user) else { continue };
        if used != user && !SERVE_ALL.contains(&used) && !room.uses.contains(&used) {
            faults.push(format!("{from} uses {to}: {user} may not use {used}"));
        }
    }
    for (module, file, path) in modules.foreign() {
        let room = ROOMS.iter().find(|room| child("", module) == Some(room.name));
        if room.is_some_and(|room| room.never.iter().any(|library| path.starts_with(library))) {
            faults.push(format!("{}: knows {path}", file.display()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A module that needs another one that needs it cannot be read, tested or moved without it. What both
/// need belongs into a module of its own, below them.
#[test]
fn no_modules_need_each_other() {
    let modules = Modules::read();
    let uses = modules.uses();
    let mut circles = Vec::new();
    for folder in modules.folders() {
        // For each module of the folder those beside it that it uses, and where.
        let mut graph: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
        for (from, to) in &uses {
            if let Some((user, used)) = child(folder, from).zip(child(folder, to))
                && user != used
            {
                let place = || format!("  {from} uses {to}");
                graph.entry(user).or_default().entry(used).or_insert_with(place);
            }
        }
        let shortest =
            graph.keys().filter_map(|module| circle(&graph, module)).min_by_key(Vec::len);
        if let Some(circle) = shortest {
            let places: Vec<&str> =
                circle.iter().map(|(user, used)| graph[user][used].as_str()).collect();
            circles.push(format!("in {folder}:\n{}", places.join("\n")));
        }
    }
    assert!(circles.is_empty(), "modules need each other\n{}", circles.join("\n"));
}

/// A reader who meets a type's name a second time expects the type met before.
#[test]
fn a_types_name_means_one_thing() {
    // What the trait of strategies names in each of them, and a type for each kind of system.
    const SEVERAL: [&str; 3] = ["State", "Settings", "TerminalSource"];
    let modules = Modules::read();
    let types = modules.types();
    assert!(types.len() > 500, "only {} types are found", types.len());
    let doubled: Vec<String> = types
        .iter()
        .filter(|(name, modules)| modules.len() > 1 && !SEVERAL.contains(name))
        .map(|(name, modules)| format!("{name}: {}", modules.join(", ")))
        .collect();
    assert!(doubled.is_empty(), "one name, several types\n{}", doubled.join("\n"));
}

/// The shortest way from a module back to it, as pairs of user and used.
fn circle<'m>(
    graph: &BTreeMap<&'m str, BTreeMap<&'m str, String>>,
    start: &'m str,
) -> Option<Vec<(&'m str, &'m str)>> {
    let mut ways = VecDeque::from([(start, Vec::new())]);
    let mut seen = BTreeSet::new();
    while let Some((module, way)) = ways.pop_front() {
        for used in graph.get(module).into_iter().flat_map(BTreeMap::keys) {
            let way: Vec<_> = way.iter().copied().chain([(module, *used)]).collect();
            if *used == start {
                return Some(way);
            }
            if seen.insert(*used) {
                ways.push_back((used, way));
            }
        }
    }
    None
}

#[test]
fn the_table_of_rooms_is_that_of_the_rules() {
    let mut table =
        "| room | folder | holds | uses | never knows |\n|---|---|---|---|---|\n".to_owned();
    for Room { name, folder, holds, uses, never } in ROOMS {
        let list = |names: &[&str], mark: &str| match names {
            [] => "–".to_owned(),
            names => {
                names.iter().map(|n| format!("{mark}{n}{mark}")).collect::<Vec<_>>().join(", ")
            }
        };
        let uses = if uses.len() + 1 == ROOMS.len() { "all".to_owned() } else { list(uses, "") };
        let _ =
            writeln!(table, "| `{name}` | `{folder}` | {holds} | {uses} | {} |", list(never, "`"));
    }
    documents::section("ARCHITECTURE.md", "rooms", &table);
}
