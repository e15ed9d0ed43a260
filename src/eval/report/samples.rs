//! The generations in the format that the published evaluation logs samples in: a folder a recipe,
//! so that a published metric script can be given one as its `--res_path`.

use serde::Serialize;

use super::groups::groups;
use crate::eval::EvalRow;

/// The folder of samples in the results' folder.
pub(super) const FOLDER: &str = "samples";

/// One generation. Published scripts read `doc`, `target` and `resps`.
#[derive(Serialize)]
struct Sample<'a> {
    doc_id: usize,
    doc: Doc<'a>,
    target: &'a str,
    /// Answers of each request: here one of one.
    resps: [[&'a str; 1]; 1],
    model: &'a str,
    recipe: &'a str,
}

#[derive(Serialize)]
struct Doc<'a> {
    question: &'a str,
    task: &'a str,
    /// What HumanEval's script puts the code behind, and the function it asks for.
    prompt: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry_point: Option<&'a str>,
}

/// The function that the last line of HumanEval's tests calls them with.
fn entry_point(row: &EvalRow) -> Option<&str> {
    row.expected.as_ref()?.rsplit_once("\ncheck(")?.1.strip_suffix(')')
}

/// The files: their paths within the results' folder and what is in them.
///
/// # Errors
/// If a row cannot be written as JSON.
pub(super) fn files(rows: &[EvalRow]) -> serde_json::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for (number, ((model, recipe), own)) in (1..).zip(groups(rows.iter(), EvalRow::ran)) {
        let strategy = own.first().map_or("", |row| &row.strategy);
        for (set, rows) in groups(own.iter().copied(), |row| row.set.as_str()) {
            let mut lines = Vec::new();
            for row in rows {
                let sample = Sample {
                    doc_id: row.problem,
                    doc: Doc {
                        question: &row.question,
                        task: &row.task,
                        prompt: &row.question,
                        entry_point: entry_point(row),
                    },
                    target: row.expected.as_deref().unwrap_or_default(),
                    resps: [[&row.generation]],
                    model,
                    recipe,
                };
                serde_json::to_writer(&mut lines, &sample)?;
                lines.push(b'\n');
            }
            let (strategy, set) = (plain(strategy), plain(set));
            files.push((format!("{FOLDER}/{number:02}-{strategy}/samples_{set}.jsonl"), lines));
        }
    }
    Ok(files)
}

/// A name that is a file's name everywhere.
pub(super) fn plain(name: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '_' };
    name.chars().take(60).map(kept).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{super::fake, *};

    #[test]
    fn a_recipe_has_a_folder_and_a_row_a_line() {
        let (rows, _) = fake::rows(3);
        let files = files(&rows).unwrap();
        assert_eq!(files.len(), fake::RECIPES.len());
        let (name, lines) = &files[6];
        assert_eq!(name, "samples/07-daedal/samples_fake.jsonl");
        let text = String::from_utf8(lines.clone()).unwrap();
        let samples: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(samples.len(), 3);
        let row = rows.iter().find(|row| row.recipe == "daedal" && row.problem == 1).unwrap();
        assert_eq!(samples[1]["doc"]["question"], row.question);
        assert_eq!(samples[1]["target"].as_str(), row.expected.as_deref());
        assert_eq!(samples[1]["resps"], json!([[row.generation]]));
    }

    #[test]
    fn names_lead_nowhere() {
        for (name, _) in files(&fake::hostile()).unwrap() {
            assert_eq!(name.matches('/').count(), 2, "{name}");
            assert!(!name.contains("..") && name.is_ascii(), "{name}");
        }
    }
}
