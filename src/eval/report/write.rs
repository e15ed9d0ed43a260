//! The files of a report.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{
    EosTail, EvalFacts, agreement, data, page, samples,
    section::{Section, sections},
    table,
};
use crate::{
    eval::{EvalRow, RowTiming},
    trace::WholeFile,
};

/// Why a report was not written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A folder could not be made.
    #[error(
        "cannot make the folder {path}: {source}; give another folder, or one that can be written"
    )]
    Folder {
        /// The path of the folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file could not be written; what was there before is still there.
    #[error(
        "cannot write {path}: {source}; see that the folder can be written and the disk has room, or give another folder"
    )]
    File {
        /// The path of the file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file could not be made from the rows: a fault of this program.
    #[error(
        "cannot make {name}: {reason}; this is a fault of demask, please report it with results.csv"
    )]
    Make {
        /// The name of the file.
        name: &'static str,
        /// What went wrong, in words.
        reason: String,
    },
}

/// Writes `results.csv`, `results.parquet`, `summary.csv`, `agreement.json`, `report.md`, `report.html`,
/// `figures/*.svg` and `samples/*/*.jsonl` into `dir`, which is made if it is missing. Each file
/// appears whole or not at all, and replaces one of its name.
///
/// # Errors
/// [`ReportError`]; files before the one it names are written.
pub fn write(
    dir: &Path,
    rows: &[EvalRow],
    timings: &[RowTiming],
    eos: &[EosTail],
    facts: &EvalFacts,
) -> Result<(), ReportError> {
    let pictures = folder(dir.join("figures"))?;
    // The data first: it cannot be made again from the rest.
    put(dir, "results.csv", data::csv(rows))?;
    put(dir, "results.parquet", data::parquet(rows))?;
    let made = samples::files(rows)
        .map_err(|error| ReportError::Make { name: samples::FOLDER, reason: error.to_string() })?;
    for (name, lines) in made {
        let path = dir.join(name);
        folder(path.parent().unwrap_or(dir).to_owned())?;
        replace(&path, &lines)?;
    }
    let sections = sections(rows, timings);
    put(dir, "summary.csv", table::summary_csv(&sections))?;
    put(dir, "agreement.json", agreement_json(&sections))?;
    let figures: Vec<_> = sections.iter().map(|section| section.figures(eos)).collect();
    for figure in figures.iter().flatten() {
        if let Some(picture) = &figure.picture {
            replace(&pictures.join(format!("{}.svg", figure.name)), picture.file().as_bytes())?;
        }
    }
    let report = page::EvalPage::new(dir, &sections, &figures, facts);
    put(dir, "report.md", page::md(&report).map(String::into_bytes))?;
    put(dir, "report.html", page::html(&report).map(String::into_bytes))
}

/// The agreement of recipes on each set, as JSON.
fn agreement_json(sections: &[Section]) -> serde_json::Result<Vec<u8>> {
    #[derive(serde::Serialize)]
    struct OnSet<'a> {
        set: &'a str,
        #[serde(flatten)]
        agreement: agreement::RecipePair<'a>,
    }
    let on_sets = sections.iter().flat_map(|section| {
        let found = agreement::agreements(section.rows).into_iter();
        found.map(|agreement| OnSet { set: section.set, agreement })
    });
    let mut bytes = serde_json::to_vec_pretty(&on_sets.collect::<Vec<_>>())?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn folder(path: PathBuf) -> Result<PathBuf, ReportError> {
    match fs::create_dir_all(&path) {
        Ok(()) => Ok(path),
        Err(source) => Err(ReportError::Folder { path, source }),
    }
}

fn put<E: std::fmt::Display>(
    dir: &Path,
    name: &'static str,
    made: Result<Vec<u8>, E>,
) -> Result<(), ReportError> {
    let bytes = made.map_err(|error| ReportError::Make { name, reason: error.to_string() })?;
    replace(&dir.join(name), &bytes)
}

/// A reader never sees half of it.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    let write = || {
        let (mut file, whole) = WholeFile::begin(path, |_| {})?;
        file.write_all(bytes)?;
        whole.finish()
    };
    write().map_err(|source| ReportError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{
        super::{FILES, fake, well_formed::check},
        *,
    };

    fn facts() -> EvalFacts {
        EvalFacts {
            title: "Fixed lengths against DAEDAL".to_owned(),
            command: "demask eval --set fake --out runs/fake".to_owned(),
            model: "tiny".to_owned(),
            set: "fake".to_owned(),
            seed: 7,
        }
    }

    fn read(dir: &Path, name: &str) -> String {
        fs::read_to_string(dir.join(name)).unwrap()
    }

    fn files(dir: &Path) -> BTreeSet<String> {
        let names = fs::read_dir(dir).unwrap();
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// The report in a folder of its own, all of it checked.
    fn written(
        rows: &[EvalRow],
        timings: &[RowTiming],
        eos: &[EosTail],
        facts: &EvalFacts,
    ) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), rows, timings, eos, facts).unwrap();
        let html = read(dir.path(), "report.html");
        check(&html);
        let markdown = read(dir.path(), "report.md");
        for text in [&html, &markdown, &read(dir.path(), "summary.csv")] {
            assert!(!text.contains("NaN"));
        }
        let mut whole: BTreeSet<String> = FILES.map(str::to_owned).into();
        if rows.is_empty() {
            whole.remove(samples::FOLDER);
        }
        assert_eq!(files(dir.path()), whole);
        let linked: BTreeSet<String> = markdown
            .split("](figures/")
            .skip(1)
            .map(|rest| rest.split(')').next().unwrap().to_owned())
            .collect();
        assert_eq!(linked, files(&dir.path().join("figures")));
        // Lines of a Markdown table have as many cells as its head.
        let cells = |line: &str| line.replace("\\\\", "").replace("\\|", "").matches('|').count();
        let mut head = None;
        for line in markdown.lines() {
            let expected = head.take();
            if line.starts_with('|') {
                let count = cells(line);
                assert_eq!(expected.unwrap_or(count), count, "{line}");
                head = Some(count);
            }
        }
        dir
    }

    #[test]
    fn a_report_is_whole() {
        let (rows, timings) = fake::rows(40);
        let dir = written(&rows, &timings, &fake::tails(), &facts());
        let html = read(dir.path(), "report.html");
        let markdown = read(dir.path(), "report.md");
        let command = format!("demask replay {}/traces/6/0000.jsonl", dir.path().display());
        assert!(html.contains(&command));
        assert!(html.contains("href=\"./traces/6/0000.jsonl\""));
        for text in [&html, &markdown] {
            assert!(text.contains("demask eval --set fake --out runs/fake"));
            assert!(text.contains("low"));
        }
        // The first problem has the most wrong answers.
        let wrong: Vec<usize> = html
            .split("data-wrong=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(wrong.len(), 40);
        assert!(wrong.is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn reports_of_little_are_whole_too() {
        let (rows, timings) = fake::rows(2);
        written(&[], &[], &[], &facts());
        written(&rows[..1], &[], &[], &facts());
        written(&rows[7..8], &timings, &[], &facts());
        for parameters in 1..=3 {
            written(&fake::sweep(parameters), &[], &[], &facts());
        }
    }

    #[test]
    fn without_answers_nothing_is_called_right_or_wrong() {
        let (rows, timings) = fake::rows(20);
        let rows = fake::unchecked(rows);
        let dir = written(&rows, &timings, &fake::tails(), &facts());
        for name in ["report.html", "report.md"] {
            let text = read(dir.path(), name);
            let body = text.split("<body>").last().unwrap().split("<script>").next().unwrap();
            for word in ["accuracy", "Accuracy", "wrong", "expected"] {
                assert!(!body.contains(&format!(">{word}")), "{name}: {word}");
                assert!(!body.contains(&format!("| {word}")), "{name}: {word}");
            }
            assert!(body.contains("Agreement") && body.contains("Findings"), "{name}");
            assert!(body.contains("no answers to check by"), "{name}");
        }
        let found: serde_json::Value =
            serde_json::from_str(&read(dir.path(), "agreement.json")).unwrap();
        let pairs = fake::RECIPES.len() * (fake::RECIPES.len() - 1) / 2;
        assert_eq!(found.as_array().unwrap().len(), pairs);
        assert_eq!(found[0]["set"], "fake");
        assert_eq!(found[0]["problems"], 20);
        // Some with answers and some without: both are said of what they are.
        let (mut mixed, _) = fake::rows(20);
        for row in mixed.iter_mut().filter(|row| row.problem >= 10) {
            (row.expected, row.correct) = (None, None);
        }
        let dir = written(&mixed, &timings, &[], &facts());
        let html = read(dir.path(), "report.html");
        assert!(html.contains(">✓") && html.contains("<td class=\"unchecked\">"));
    }

    #[test]
    fn hostile_texts_stay_texts() {
        let evil = || fake::EVIL.to_owned();
        let facts =
            EvalFacts { title: evil(), command: evil(), model: evil(), set: evil(), seed: 0 };
        let dir = written(&fake::hostile(), &[], &fake::tails(), &facts);
        let html = read(dir.path(), "report.html");
        let markdown = read(dir.path(), "report.md");
        assert_eq!(html.matches("<script").count(), 1, "only our own");
        for text in [&html, &markdown] {
            for hidden in ['\u{1b}', '\0', '\u{9b}', '\u{202e}', '\u{200b}', '\u{ffff}'] {
                assert!(!text.contains(hidden), "{hidden:?}");
            }
        }
        // Outside of code, which is text to a reader of Markdown.
        let prose: String = markdown.lines().filter(|line| !line.contains("```")).collect();
        for markup in ["<script", "<!--", "](http", "](//", "http://evil"] {
            assert!(!prose.contains(markup), "{markup}");
        }
    }

    #[test]
    fn data_depends_on_rows_only_and_files_are_replaced() {
        let (rows, timings) = fake::rows(5);
        let dir = written(&rows, &timings, &[], &facts());
        let data = |dir: &Path| {
            ["results.csv", "results.parquet"].map(|name| fs::read(dir.join(name)).unwrap())
        };
        let before = data(dir.path());
        write(dir.path(), &rows, &[], &[], &EvalFacts { seed: 8, ..facts() }).unwrap();
        assert_eq!(data(dir.path()), before);
        assert!(read(dir.path(), "report.md").contains("seed: 8"));
        assert_eq!(files(dir.path()).len(), FILES.len());
    }

    #[test]
    fn errors_name_the_path_and_the_way_out() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let error = write(&file, &[], &[], &[], &facts()).unwrap_err().to_string();
        assert!(error.contains("file/figures") && error.contains("give another"), "{error}");
        fs::create_dir(dir.path().join("results.csv")).unwrap();
        let error = write(dir.path(), &[], &[], &[], &facts()).unwrap_err().to_string();
        assert!(error.contains("results.csv:") && error.contains("disk"), "{error}");
        assert!(!files(dir.path()).iter().any(|name| name.ends_with(".part")));
    }

    /// `DEMASK_EXAMPLE_REPORT=DIR cargo test --lib example_report` leaves reports to look at.
    #[test]
    fn example_reports_are_quick() {
        let (rows, timings) = fake::rows(300);
        let started = std::time::Instant::now();
        let dir = written(&rows, &timings, &fake::tails(), &facts());
        let size = fs::metadata(dir.path().join("report.html")).unwrap().len();
        println!("{:?}, report.html {size} bytes", started.elapsed());
        assert!(size < 3_000_000, "{size}");
        if let Some(out) = std::env::var_os("DEMASK_EXAMPLE_REPORT").map(PathBuf::from) {
            write(&out.join("full"), &rows, &timings, &fake::tails(), &facts()).unwrap();
            write(&out.join("hostile"), &fake::hostile(), &[], &fake::tails(), &facts()).unwrap();
            for parameters in 1..=3 {
                let out = out.join(format!("sweep-{parameters}"));
                write(&out, &fake::sweep(parameters), &[], &[], &facts()).unwrap();
            }
        }
    }
}
