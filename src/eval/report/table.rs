//! The summary as aligned text and as CSV.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::{
    estimate::Estimate,
    numbers::{UNKNOWN, percent, percent_interval, place, ratio, seconds},
    section::Section,
    summary::{Metrics, Summary},
    text::one_line,
};

/// A column: its heading, and what it says of a summary.
type SummaryColumn = (&'static str, fn(&Summary) -> String);

/// The columns of a section: accuracy where there are answers to check by, and where there are none,
/// what can be said without them.
fn columns(checked: bool, several: bool) -> Vec<SummaryColumn> {
    let mut columns: Vec<SummaryColumn> = vec![
        ("recipe", |summary| one_line(&summary.name)),
        ("n", |summary| summary.all.problems.to_string()),
    ];
    if checked {
        columns.push(("accuracy [95 % CI]", |summary| percent_interval(summary.all.accuracy)));
    }
    columns.extend([
        ("N_token", (|summary| format!("{:.2}", summary.all.n_token.mean)) as fn(&Summary) -> _),
        ("E_token", |summary| format!("{:.2}", summary.all.e_token.mean)),
        ("E_ratio", |summary| ratio(&summary.all)),
        ("before tail", |summary| {
            known(summary.all.before_tail_ratio.map(|ratio| percent(ratio.mean)))
        }),
        ("NFE", |summary| format!("{:.1}", summary.all.nfe.mean)),
    ]);
    if !checked {
        columns.extend([
            (
                "tokens/pass",
                (|summary| {
                    known(summary.all.tokens_per_pass.map(|rate| format!("{:.2}", rate.mean)))
                }) as fn(&Summary) -> _,
            ),
            ("findings", |summary| format!("{:.2}", summary.all.findings.mean)),
        ]);
    }
    if !checked && several {
        columns.extend([
            (
                "same as 1st [95 % CI]",
                (|summary| percent_interval(summary.all.same_as_first)) as fn(&Summary) -> _,
            ),
            ("parts at", |summary| place(summary.all.parts_at)),
        ]);
    }
    columns.extend([
        (
            "expansions",
            (|summary| format!("{:.2}", summary.all.expansions.mean)) as fn(&Summary) -> _,
        ),
        ("order τ", |summary| known(summary.all.order_tau.map(|tau| format!("{:.2}", tau.mean)))),
        ("s/problem", |summary| known(summary.all.seconds.map(|time| seconds(time.mean)))),
        ("s total", |summary| known(summary.total_seconds.map(seconds))),
    ]);
    columns
}

fn known(text: Option<String>) -> String {
    text.unwrap_or_else(|| UNKNOWN.to_owned())
}

/// Aligned text, a line a recipe.
fn table(summaries: &[Summary], checked: bool) -> String {
    let columns = columns(checked, summaries.len() > 1);
    let mut lines: Vec<Vec<String>> =
        vec![columns.iter().map(|(head, _)| (*head).to_owned()).collect()];
    lines.extend(
        summaries.iter().map(|summary| columns.iter().map(|(_, cell)| cell(summary)).collect()),
    );
    let width = |column: usize| lines.iter().map(|line| line[column].width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let gap = " ".repeat(width - cell.width());
            // The recipe reads from the left, numbers line up at the right.
            let _ = match column {
                0 => write!(text, "{cell}{gap}"),
                _ => write!(text, "  {gap}{cell}"),
            };
        }
        text.push('\n');
    }
    text
}

/// The tables of all sets of problems, each under its name where there are several.
pub(super) fn tables(sections: &[Section]) -> String {
    let tables = sections.iter().map(|Section { set, summaries, checked, .. }| {
        let table = table(summaries, *checked);
        if sections.len() == 1 { table } else { format!("{}\n{table}", one_line(set)) }
    });
    tables.collect::<Vec<_>>().join("\n")
}

/// The summaries as CSV: a line a recipe over all problems of a set (`task` empty), then one a
/// kind of problem. Shares are 0 to 1; what is not known is empty.
pub(super) fn summary_csv(sections: &[Section]) -> Result<Vec<u8>, csv::Error> {
    let summaries: Vec<(&str, &Summary)> = sections
        .iter()
        .flat_map(|section| section.summaries.iter().map(|summary| (section.set, summary)))
        .collect();
    let measured = |metrics: &Metrics| {
        let sure = |estimate| Some(estimate);
        [
            ("accuracy", metrics.accuracy),
            ("n_token", sure(metrics.n_token)),
            ("e_token", sure(metrics.e_token)),
            ("e_ratio", metrics.e_ratio),
            ("before_tail", sure(metrics.before_tail)),
            ("before_tail_ratio", metrics.before_tail_ratio),
            ("nfe", sure(metrics.nfe)),
            ("expansions", sure(metrics.expansions)),
            ("seconds", metrics.seconds),
            ("tokens_per_pass", metrics.tokens_per_pass),
            ("order_tau", metrics.order_tau),
            ("mean_jump", metrics.mean_jump),
            ("adjacent", metrics.adjacent),
            ("tail_first", metrics.tail_first),
            ("flips_per_token", metrics.flips_per_token),
            ("findings", sure(metrics.findings)),
            ("same_as_first", metrics.same_as_first),
        ]
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut head: Vec<String> =
        ["set", "model", "recipe", "strategy", "task", "initial", "problems"]
            .map(str::to_owned)
            .into();
    if let Some((_, first)) = summaries.first() {
        for (name, _) in measured(&first.all) {
            head.extend([name.to_owned(), format!("{name}_low"), format!("{name}_high")]);
        }
    }
    head.push("parts_at".to_owned());
    writer.write_record(&head)?;
    for (set, summary) in summaries {
        let whole = std::iter::once(("", &summary.all));
        let parts = summary.tasks.iter().map(|(task, metrics)| (task.as_str(), metrics));
        for (task, metrics) in whole.chain(parts) {
            let mut record = vec![
                set.to_owned(),
                summary.model.clone(),
                summary.recipe.clone(),
                summary.strategy.clone(),
                task.to_owned(),
                summary.initial.to_string(),
                metrics.problems.to_string(),
            ];
            for (_, estimate) in measured(metrics) {
                let ends = estimate.map(|Estimate { mean, low, high }| [mean, low, high]);
                record.extend(
                    (0..3).map(|end| {
                        ends.map_or_else(String::new, |ends| format!("{:.6}", ends[end]))
                    }),
                );
            }
            record.push(metrics.parts_at.map_or_else(String::new, |at| at.to_string()));
            writer.write_record(&record)?;
        }
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::{
        super::{fake, section::sections, summarize},
        *,
    };

    #[test]
    fn columns_line_up_whatever_the_recipes_are_called() {
        let (mut rows, timings) = fake::rows(12);
        for row in &mut rows {
            if row.recipe == "daedal" {
                row.recipe = "daedal:字=é\u{202e}\n1".to_owned();
            }
        }
        let text = table(&summarize(&rows, &timings), true);
        let widths: Vec<usize> = text.lines().map(UnicodeWidthStr::width).collect();
        assert_eq!(widths.len(), 1 + fake::RECIPES.len());
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
        assert!(text.contains("⟨U+202E⟩↵1"), "{text}");
        assert!(!text.contains("NaN"));
        assert_eq!(table(&[], true).lines().count(), 1);
    }

    #[test]
    fn without_answers_nothing_is_said_of_accuracy() {
        let rows = fake::unchecked(fake::rows(12).0);
        let text = tables(&sections(&rows, &[]));
        assert!(!text.contains("accuracy"), "{text}");
        for head in ["tokens/pass", "findings", "same as 1st", "parts at"] {
            assert!(text.lines().next().unwrap().contains(head), "{text}");
        }
        // A single recipe agrees with nobody.
        let own: Vec<_> = rows.into_iter().filter(|row| row.recipe == "daedal").collect();
        assert!(!tables(&sections(&own, &[])).contains("same as"), "{text}");
    }

    #[test]
    fn the_summary_is_csv_with_a_line_a_task() {
        let (rows, _) = fake::rows(12);
        let summaries = summarize(&rows, &[]);
        let written = summary_csv(&sections(&rows, &[])).unwrap();
        let mut reader = csv::Reader::from_reader(written.as_slice());
        let lines: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let expected: usize = summaries.iter().map(|summary| 1 + summary.tasks.len()).sum();
        assert_eq!(lines.len(), expected);
        assert_eq!(reader.headers().unwrap().len(), lines[0].len());
        assert!(summary_csv(&[]).is_ok());
    }
}
