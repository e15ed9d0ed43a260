//! The report as a page and as Markdown. Both templates escape every text by default.

use std::{
    cmp::Reverse,
    collections::{HashMap, hash_map::Entry},
    path::Path,
};

use minijinja::{
    AutoEscape, Environment, Error, Output, State, UndefinedBehavior, Value, context,
    syntax::SyntaxConfig, value::Serde,
};
use serde::Serialize;

use super::{
    EvalFacts,
    estimate::{Estimate, RESAMPLES},
    figures::{Figure, Numbers},
    numbers::{UNKNOWN, percent, ratio, seconds},
    section::Section,
    summary::Summary,
    svg,
    text::{fit, link, markdown, markdown_code, one_line, shell, xml},
};
use crate::eval::EvalRow;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page, one file that loads nothing.
pub(super) fn html(report: &EvalPage) -> Result<String, Error> {
    let style = format!("{STYLE}{}", svg::STYLE);
    report.render("report.html", true, context! { style, script => SCRIPT })
}

/// The same as Markdown, with the figures in files; answers only where they are wrong.
pub(super) fn md(report: &EvalPage) -> Result<String, Error> {
    report.render("report.md", false, context! {})
}

fn figure_value(figure: &Figure, inline: bool) -> Value {
    let Figure { name, title, caption, picture, numbers } = figure;
    let svg = picture.as_ref().map(|picture| if inline { picture.inline() } else { String::new() });
    let numbers = numbers.as_ref().map(|Numbers { head, lines }| context! { head, lines });
    context! { name, title, caption, svg, numbers }
}

/// What both documents are filled with.
pub(super) struct EvalPage<'a> {
    facts: &'a EvalFacts,
    parts: Vec<SectionData<'a>>,
}

/// What a section is filled with.
struct SectionData<'a> {
    name: &'a str,
    anchor: &'a str,
    figures: &'a [Figure],
    recipes: Vec<RecipeJson>,
    tasks: Vec<&'a str>,
    problems: Vec<ProblemJson<'a>>,
    total: Option<String>,
}

#[derive(Serialize)]
struct RecipeJson {
    key: String,
    recipe: String,
    problems: usize,
    cells: Vec<ReportCell>,
    tasks: Vec<ReportCell>,
}

/// A number of the table: as shown, its interval, and what it is sorted by.
#[derive(Clone, Serialize)]
struct ReportCell {
    shown: String,
    interval: String,
    value: f64,
}

#[derive(Serialize)]
struct ProblemJson<'a> {
    id: String,
    number: usize,
    task: &'a str,
    question: &'a str,
    expected: &'a str,
    wrong: usize,
    right: usize,
    /// One a recipe, in their order.
    answers: Vec<Option<AnswerCell<'a>>>,
}

#[derive(Serialize)]
struct AnswerCell<'a> {
    id: String,
    row: &'a EvalRow,
    link: Option<String>,
    command: Option<String>,
}

impl<'a> EvalPage<'a> {
    /// `figures` are those of each section.
    pub fn new(
        dir: &Path,
        sections: &'a [Section],
        figures: &'a [Vec<Figure>],
        facts: &'a EvalFacts,
    ) -> Self {
        let parts =
            sections.iter().zip(figures).map(|(section, figures)| part(dir, section, figures));
        Self { facts, parts: parts.collect() }
    }

    fn render(&self, template: &str, inline: bool, own: Value) -> Result<String, Error> {
        let environment = environment()?;
        let EvalFacts { title, command, model, set, seed } = self.facts;
        let sections: Vec<Value> = self.parts.iter().map(|part| part.value(inline)).collect();
        let shared = context! {
            title, command, model, set, seed, sections,
            problems => self.parts.iter().map(|part| part.problems.len()).sum::<usize>(),
            overview => Value::from(Serde(&self.overview())),
            resamples => RESAMPLES,
        };
        environment.get_template(template)?.render(context! { ..own, ..shared })
    }

    /// The accuracy of every recipe on every set, where there are several.
    fn overview<'b>(&'b self) -> Vec<(&'b str, Vec<Option<&'b ReportCell>>)> {
        let [first, others @ ..] = self.parts.as_slice() else { return Vec::new() };
        if others.is_empty() {
            return Vec::new();
        }
        let of = |part: &'b SectionData, name: &str| {
            let found = part.recipes.iter().find(|recipe| recipe.recipe == name);
            found.and_then(|recipe| recipe.cells.first())
        };
        let line = |recipe: &'b RecipeJson| {
            let name = recipe.recipe.as_str();
            (name, self.parts.iter().map(|part| of(part, name)).collect())
        };
        first.recipes.iter().map(line).collect()
    }
}

fn part<'a>(dir: &Path, section: &'a Section, figures: &'a [Figure]) -> SectionData<'a> {
    let summaries = &section.summaries;
    let mut tasks: Vec<&str> = Vec::new();
    for (task, _) in summaries.iter().flat_map(|summary| &summary.tasks) {
        if !tasks.contains(&task.as_str()) {
            tasks.push(task);
        }
    }
    let recipes = summaries.iter().enumerate();
    let recipes = recipes.map(|(at, summary)| recipe(key(at), summary, &tasks)).collect();
    let timed: Vec<f64> = summaries.iter().filter_map(|summary| summary.total_seconds).collect();
    SectionData {
        name: section.set,
        anchor: &section.anchor,
        figures,
        recipes,
        tasks,
        problems: problems(dir, section),
        total: (!timed.is_empty()).then(|| seconds(timed.iter().sum())),
    }
}

impl SectionData<'_> {
    fn value(&self, inline: bool) -> Value {
        let (name, anchor) = (self.name, self.anchor);
        let figures: Vec<Value> =
            self.figures.iter().map(|figure| figure_value(figure, inline)).collect();
        context! {
            name, anchor, figures,
            recipes => Value::from(Serde(&self.recipes)),
            tasks => Value::from(Serde(&self.tasks)),
            problems => Value::from(Serde(&self.problems)),
            total => Value::from(Serde(&self.total)),
        }
    }
}

fn recipe(key: String, summary: &Summary, tasks: &[&str]) -> RecipeJson {
    let all = &summary.all;
    let whole = |value: f64| format!("{value:.1}");
    let fine = |value: f64| format!("{value:.2}");
    let cells = vec![
        cell(all.accuracy, percent),
        cell(Some(all.n_token), fine),
        cell(Some(all.e_token), fine),
        ReportCell { shown: ratio(all), ..cell(all.e_ratio, percent) },
        cell(Some(all.before_tail), fine),
        cell(all.before_tail_ratio, percent),
        cell(Some(all.nfe), whole),
        cell(Some(all.expansions), fine),
        cell(all.seconds, seconds),
    ];
    let of_task = |task: &&str| {
        let found = summary.tasks.iter().find(|(name, _)| name == task);
        let mut cell = cell(found.and_then(|(_, metrics)| metrics.accuracy), percent);
        if let Some((_, metrics)) = found {
            cell.interval += &format!(" n = {}", metrics.problems);
        }
        cell
    };
    RecipeJson {
        key,
        recipe: summary.recipe.clone(),
        problems: all.problems,
        cells,
        tasks: tasks.iter().map(of_task).collect(),
    }
}

fn cell(estimate: Option<Estimate>, show: impl Fn(f64) -> String) -> ReportCell {
    let Some(Estimate { mean, low, high }) = estimate else {
        return ReportCell { shown: UNKNOWN.to_owned(), interval: String::new(), value: -1.0 };
    };
    let end = |value| show(value).trim_end_matches(" %").to_owned();
    ReportCell {
        shown: show(mean),
        interval: format!("[{}, {}]", end(low), end(high)),
        value: mean,
    }
}

/// A, B, …, Z, AA, AB, …: short enough for the head of a narrow column.
fn key(at: usize) -> String {
    let last = char::from(b'A' + (at % 26) as u8);
    match at / 26 {
        0 => last.to_string(),
        before => format!("{}{last}", key(before - 1)),
    }
}

/// The problems with their answers, those with the most wrong ones first.
fn problems<'a>(dir: &Path, section: &Section<'a>) -> Vec<ProblemJson<'a>> {
    let (rows, summaries) = (section.rows, &section.summaries);
    let recipes: HashMap<&str, usize> =
        summaries.iter().enumerate().map(|(at, summary)| (summary.recipe.as_str(), at)).collect();
    let mut places = HashMap::new();
    let mut problems: Vec<ProblemJson> = Vec::new();
    for row in rows {
        let Some(&recipe) = recipes.get(row.recipe.as_str()) else { continue };
        let place = match places.entry((row.set.as_str(), row.problem)) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                problems.push(ProblemJson {
                    id: format!("{}p{}", section.anchor, problems.len()),
                    number: row.problem,
                    task: &row.task,
                    question: &row.question,
                    expected: &row.expected,
                    wrong: 0,
                    right: 0,
                    answers: summaries.iter().map(|_| None).collect(),
                });
                *entry.insert(problems.len() - 1)
            }
        };
        let problem = &mut problems[place];
        if problem.answers[recipe].is_some() {
            continue;
        }
        problem.right += usize::from(row.is_right());
        problem.wrong += usize::from(row.is_wrong());
        let path = row.trace.as_ref().map(|trace| dir.join(trace));
        problem.answers[recipe] = Some(AnswerCell {
            id: format!("{}-{}", problem.id, key(recipe)),
            row,
            link: row.trace.as_deref().map(link),
            command: path.map(|path| replay(&path.to_string_lossy(), row)),
        });
    }
    problems.sort_by_key(|problem| (Reverse(problem.wrong), problem.number));
    problems
}

/// The command that opens a recording, on the wrong answer where one was made out.
fn replay(path: &str, row: &EvalRow) -> String {
    let told = |text: &&String| {
        row.is_wrong() && text.chars().count() <= 40 && !text.chars().any(char::is_control)
    };
    let command = format!("demask replay {}", shell(path));
    match row.extracted.as_ref().filter(told) {
        Some(text) => format!("{command} {}", shell(&format!("--find={text}"))),
        None => command,
    }
}

fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    environment.set_syntax(syntax.build()?);
    environment.set_auto_escape_callback(|name| match name.ends_with(".md") {
        true => AutoEscape::Custom("markdown".into()),
        false => AutoEscape::Html,
    });
    environment.set_formatter(|out: &mut Output, state: &mut State, value: &Value| {
        let text = match value.as_str() {
            Some(text) if value.is_safe() => text.to_owned(),
            Some(text) if matches!(state.auto_escape(), AutoEscape::Custom(_)) => markdown(text),
            Some(text) => xml(text),
            None => value.to_string(),
        };
        out.write_str(&text).map_err(Error::from)
    });
    environment.add_filter("line", |text: &str| one_line(text));
    environment.add_filter("fit", |text: &str, cells: usize| fit(text, cells));
    // A recipe may break where a part of it ends.
    environment.add_filter("recipe", |text: &str| {
        Value::from_safe_string(
            xml(&one_line(text)).replace(',', ",<wbr/>").replace(':', ":<wbr/>"),
        )
    });
    environment.add_filter("code", |text: &str| Value::from_safe_string(markdown_code(text)));
    // What is not known is `None`: a program that was not run.
    environment.add_function("verdict", |correct: Option<bool>| match correct {
        Some(true) => "right",
        Some(false) => "wrong",
        None => "not run",
    });
    environment.add_function("sign", |correct: Option<bool>| match correct {
        Some(true) => "✓",
        Some(false) => "✗",
        None => "·",
    });
    environment.add_template("report.html", include_str!("report.html"))?;
    environment.add_template("report.md", include_str!("report.md"))?;
    Ok(environment)
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn keys_are_those_of_a_spreadsheet() {
        for (at, expected) in
            [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (702, "AAA")]
        {
            assert_eq!(key(at), expected);
        }
    }
}
