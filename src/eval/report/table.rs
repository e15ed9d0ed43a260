//! The summary as aligned text and as CSV.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::{
    estimate::Estimate,
    numbers::{UNKNOWN, percent, percent_interval, ratio, seconds},
    section::Section,
    summary::{Metrics, Summary},
    text::one_line,
};

/// The headings of the columns.
const COLUMNS: [&str; 11] = [
    "recipe",
    "n",
    "accuracy [95 % CI]",
    "N_token",
    "E_token",
    "E_ratio",
    "before tail",
    "NFE",
    "expansions",
    "s/problem",
    "s total",
];

/// Aligned text, a line a recipe.
fn table(summaries: &[Summary]) -> String {
    let mut lines = vec![COLUMNS.map(str::to_owned)];
    lines.extend(summaries.iter().map(|summary| {
        let all = &summary.all;
        let Metrics { problems, accuracy, n_token, e_token, nfe, expansions, .. } = all;
        let known = |text: Option<String>| text.unwrap_or_else(|| UNKNOWN.to_owned());
        [
            one_line(&summary.recipe),
            problems.to_string(),
            percent_interval(*accuracy),
            format!("{:.2}", n_token.mean),
            format!("{:.2}", e_token.mean),
            ratio(all),
            known(all.before_tail_ratio.map(|ratio| percent(ratio.mean))),
            format!("{:.1}", nfe.mean),
            format!("{:.2}", expansions.mean),
            known(all.seconds.map(|time| seconds(time.mean))),
            known(summary.total_seconds.map(seconds)),
        ]
    }));
    let widths: [usize; COLUMNS.len()] = std::array::from_fn(|column| {
        lines.iter().map(|line| line[column].width()).max().unwrap_or(0)
    });
    let mut text = String::new();
    for line in &lines {
        for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
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
    let tables = sections.iter().map(|Section { set, summaries, .. }| match sections.len() {
        1 => table(summaries),
        _ => format!("{}\n{}", one_line(set), table(summaries)),
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
        ]
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut head: Vec<String> =
        ["set", "recipe", "strategy", "task", "initial", "problems"].map(str::to_owned).into();
    if let Some((_, first)) = summaries.first() {
        for (name, _) in measured(&first.all) {
            head.extend([name.to_owned(), format!("{name}_low"), format!("{name}_high")]);
        }
    }
    writer.write_record(&head)?;
    for (set, summary) in summaries {
        let whole = std::iter::once(("", &summary.all));
        let parts = summary.tasks.iter().map(|(task, metrics)| (task.as_str(), metrics));
        for (task, metrics) in whole.chain(parts) {
            let mut record = vec![
                set.to_owned(),
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
        let text = table(&summarize(&rows, &timings));
        let widths: Vec<usize> = text.lines().map(UnicodeWidthStr::width).collect();
        assert_eq!(widths.len(), 1 + fake::RECIPES.len());
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
        assert!(text.contains("⟨U+202E⟩↵1"), "{text}");
        assert!(!text.contains("NaN"));
        assert_eq!(table(&[]).lines().count(), 1);
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
