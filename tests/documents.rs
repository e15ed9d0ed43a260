//! The documents say what the program does: tables in the README are the program's own.
//!
//! `UPDATE_DOCUMENTS=1 cargo test --test all documents::` writes them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use demask::export::{Table, column_table, format_table};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A document's section between `<!-- name -->` and `<!-- /name -->` is `content`.
pub fn section(file: &str, name: &str, content: &str) {
    let file = path(file);
    let text = fs::read_to_string(&file).unwrap();
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let start = text.find(&open).expect("the section opens") + open.len();
    let end = text.find(&close).expect("the section closes");
    if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
        let updated = format!("{}{}{}", &text[..start], content, &text[end..]);
        fs::write(&file, updated).unwrap();
        return;
    }
    assert_eq!(
        &text[start..end],
        content,
        "run UPDATE_DOCUMENTS=1 cargo test --test all documents::"
    );
}

#[test]
fn the_tables_are_the_programs_own() {
    section("README.md", "parameters", &demask::cli::parameter_table());
    section("README.md", "keys", &demask::tui::Keymap::default().markdown());
    section("docs/strategies.md", "strategies", &demask::cli::strategy_tables());
    let configuration = "docs/configuration.md";
    section(configuration, "presets", &demask::cli::preset_table());
    section(configuration, "colors", &demask::cli::color_table());
    let printed = format!("```toml\n{}```\n", demask::cli::default_config());
    section(configuration, "config", &printed);
    section("docs/conditions.md", "names", &demask::inspect::name_table());
    section("docs/conditions.md", "subjects", &demask::inspect::subject_table());
    section("docs/commands.md", "commands", &demask::debugger::command_table());
    section("docs/commands.md", "events", &demask::debugger::event_table());
    section("docs/commands.md", "lints", &demask::inspect::lint_table());
    section("docs/export.md", "formats", &format_table());
    section("docs/import.md", "formats", &demask::import::format_table());
    section("docs/models.md", "families", &demask::model::family_table());
    section("docs/models.md", "aliases", &demask::model::alias_table());
    for table in [Table::Steps, Table::Positions] {
        section("docs/export.md", table.name(), &column_table(table));
    }
}

/// The table at the top of docs/strategies.md is written by hand.
#[test]
fn every_strategy_has_its_row() {
    let text = fs::read_to_string(path("docs/strategies.md")).unwrap();
    for strategy in demask::decode::STRATEGIES {
        let row = format!("\n| `{}` | ", strategy.name());
        assert!(text.contains(&row), "no row for {} in docs/strategies.md", strategy.name());
    }
}

#[test]
fn the_format_is_documented_and_published() {
    section("docs/trace.md", "fields", &demask::trace::field_tables());
    published("assets/trace.schema.json", &demask::trace::schema());
}

#[test]
fn the_protocol_is_documented_and_published() {
    section("docs/protocol.md", "fields", &demask::driving::field_tables());
    published("assets/protocol.schema.json", &demask::driving::schema());
}

/// A schema is in this file as it is made here.
fn published(file: &str, schema: &serde_json::Value) {
    let file = path(file);
    let schema = format!("{schema:#}\n");
    if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
        fs::write(&file, &schema).unwrap();
    }
    let published = fs::read_to_string(file).unwrap_or_default();
    assert!(published == schema, "run UPDATE_DOCUMENTS=1 cargo test --test all documents::");
    for line in schema.lines().filter(|line| line.contains("\"description\"")) {
        for link in ["[`", "`]", "::"] {
            assert!(!line.contains(link), "a link of the source in {line}");
        }
    }
}

#[test]
fn every_command_and_flag_is_described() {
    fn check(command: &clap::Command) {
        assert!(command.get_about().is_some(), "{} has no description", command.get_name());
        for argument in command.get_arguments() {
            assert!(
                argument.get_help().is_some(),
                "{} of {} has no help",
                argument.get_id(),
                command.get_name()
            );
        }
        command.get_subcommands().for_each(check);
    }
    let mut command = demask::cli::command();
    command.build();
    command.debug_assert();
    check(&demask::cli::command());
}

/// The lines of the fenced blocks of one language in a document.
fn fenced(file: &str, language: &str) -> Vec<String> {
    let text = fs::read_to_string(path(file)).unwrap();
    let open = format!("```{language}\n");
    let blocks = text.split(open.as_str()).skip(1);
    blocks
        .flat_map(|block| block.split("```").next().unwrap_or_default().lines())
        .map(str::to_owned)
        .collect()
}

#[test]
fn conditions_in_the_documents_are_conditions() {
    let conditions = fenced("docs/conditions.md", "condition");
    assert!(conditions.len() > 6);
    for text in conditions {
        let read = demask::inspect::Condition::parse(&text);
        assert!(read.is_ok(), "{text}: {read:?}");
    }
    for text in fenced("docs/conditions.md", "query") {
        let read = demask::inspect::Query::parse(&text);
        assert!(read.is_ok(), "{text}: {read:?}");
    }
    for (_, condition, _) in demask::debugger::EVENTS {
        assert!(demask::inspect::Condition::parse(condition).is_ok(), "{condition}");
    }
}

/// Every document, by its path.
fn documents() -> Vec<String> {
    let names = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "recordings/README.md"];
    let mut files = names.map(str::to_owned).to_vec();
    for entry in fs::read_dir(path("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        files.extend(name.ends_with(".md").then(|| format!("docs/{name}")));
    }
    assert!(files.len() > 20, "{files:?}");
    files
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    /// The anchors of a document's headings, as a browser of repositories makes them.
    fn anchors(text: &str) -> Vec<String> {
        let headings = text.lines().filter_map(|line| line.strip_prefix('#'));
        let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
        let anchor = |heading: &str| heading.trim_matches(['#', ' ']).to_lowercase();
        headings
            .map(|heading| anchor(heading).chars().filter(kept).collect::<String>())
            .map(|heading| heading.replace(' ', "-"))
            .collect()
    }
    for file in documents() {
        let text = fs::read_to_string(path(&file)).unwrap();
        let folder = path(&file).parent().unwrap().to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (name, anchor) = link.split_once('#').unwrap_or((link, ""));
            if link.starts_with("http") || link.contains(' ') {
                continue;
            }
            let target = if name.is_empty() { path(&file) } else { folder.join(name) };
            assert!(target.exists(), "{file}: nothing is at {link}");
            if !anchor.is_empty() {
                let target = fs::read_to_string(&target).unwrap();
                assert!(anchors(&target).iter().any(|known| known == anchor), "{file}: {link}");
            }
        }
    }
}

#[test]
fn the_sources_that_the_documents_name_are_there() {
    let folders = ["crates/", "src/", "tests/", "python/", "benches/", "docs/", ".ci/"];
    for file in ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/models.md"] {
        let text = fs::read_to_string(path(file)).unwrap();
        for name in text.split('`').skip(1).step_by(2) {
            let is_path = folders.iter().any(|folder| name.starts_with(folder));
            if is_path && !name.contains("NAME") {
                assert!(path(name).exists(), "{file}: there is no {name}");
            }
        }
    }
}

/// What the glossary says of the code is so: the rooms are there and define these names.
#[test]
fn the_glossary_names_what_is_defined() {
    fn sources(folder: &Path, into: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => sources(&path, into),
                false => into.push_str(&fs::read_to_string(&path).unwrap_or_default()),
            }
        }
    }
    let mut seen = 0;
    for line in fs::read_to_string(path("docs/glossary.md")).unwrap().lines() {
        let Some(code) = line.strip_suffix(" |").and_then(|line| line.rsplit(" | ").next()) else {
            continue;
        };
        for name in code.split('`').skip(1).step_by(2).filter(|name| !name.contains('/')) {
            let (room, name) = name.split_once("::").unwrap_or((name, ""));
            let folders = ["crates/core/src", "src"].map(|parent| path(parent).join(room));
            let folder = folders.iter().find(|folder| folder.is_dir());
            let folder = folder.unwrap_or_else(|| panic!("there is no {room}: {line}"));
            let mut text = String::new();
            sources(folder, &mut text);
            let is_defined = ["struct", "enum", "trait", "type", "fn", "mod"]
                .iter()
                .any(|kind| text.contains(&format!("{kind} {name}")));
            assert!(is_defined, "{room} has no {name}: {line}");
            seen += 1;
        }
    }
    assert!(seen > 80, "only {seen} found");
}

#[test]
fn commands_in_the_documents_are_commands() {
    let mut seen = 0;
    for file in documents() {
        let text = fs::read_to_string(path(&file)).unwrap();
        for line in text.lines() {
            let found = line.split('`').find_map(|part| part.trim().strip_prefix("demask "));
            let found = found.or_else(|| line.strip_prefix("demask "));
            let found = found.or_else(|| line.strip_prefix("cargo run --release -- "));
            // A single word only names a command.
            let Some(arguments) = found.filter(|found| found.contains(' ')) else { continue };
            let words = words(arguments);
            let matches = demask::cli::command()
                .try_get_matches_from(std::iter::once("demask".to_owned()).chain(words));
            assert!(matches.is_ok(), "{arguments}: {}", matches.unwrap_err());
            seen += 1;
        }
    }
    assert!(seen >= 8, "only {seen} commands found");
}

/// Words as a shell splits them, with double quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(
                part.split(['#', '>'])
                    .next()
                    .unwrap_or_default()
                    .split_whitespace()
                    .map(str::to_owned),
            );
        }
    }
    words
}

/// A piece of TOML in the documents is a configuration.
#[test]
fn configurations_in_the_documents_are_configurations() {
    let mut seen = 0;
    for file in ["README.md", "docs/configuration.md"] {
        let text = fs::read_to_string(path(file)).unwrap();
        for piece in text.split("```toml\n").skip(1) {
            let piece = piece.split("```").next().unwrap_or_default();
            let read = demask::cli::Config::parse(piece, file);
            assert!(read.is_ok(), "{}\n{piece}", read.unwrap_err());
            seen += 1;
        }
    }
    assert!(seen >= 3, "only {seen} found");
}
