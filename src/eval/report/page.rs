//! The report as a page and as Markdown. Both templates escape every text by default.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet, hash_map::Entry},
    path::Path,
};

use minijinja::{
    AutoEscape, Environment, Error, Output, State, UndefinedBehavior, Value, context,
    syntax::SyntaxConfig, value::Serde,
};
use serde::Serialize;

use super::{
    EvalFacts,
    agreement::{self, RecipeOnModel, RecipePair},
    estimate::{Estimate, RESAMPLES},
    figures::{Figure, Numbers},
    numbers::{UNKNOWN, percent, place, ratio, seconds},
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
    /// The number of models.
    models: usize,
    parts: Vec<SectionData<'a>>,
}

/// What a section is filled with.
struct SectionData<'a> {
    name: &'a str,
    anchor: &'a str,
    figures: &'a [Figure],
    /// Some problems have answers to check by.
    checked: bool,
    /// Names of the cells of a recipe.
    columns: Vec<&'static str>,
    recipes: Vec<RecipeJson>,
    tasks: Vec<&'a str>,
    /// The lints that found something.
    lints: Vec<&'a str>,
    agreements: Vec<AgreementJson>,
    problems: Vec<ProblemJson<'a>>,
    total: Option<String>,
}

#[derive(Serialize)]
struct RecipeJson {
    key: String,
    recipe: String,
    problems: usize,
    accuracy: ReportCell,
    cells: Vec<ReportCell>,
    tasks: Vec<ReportCell>,
    /// Runs in which each lint found something.
    findings: Vec<usize>,
}

/// How two recipes agree, called by their keys.
#[derive(Serialize)]
struct AgreementJson {
    first: String,
    second: String,
    problems: usize,
    same: ReportCell,
    parts_at: String,
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
    expected: Option<&'a str>,
    wrong: usize,
    right: usize,
    /// How many different answers there are.
    different: usize,
    /// One a recipe, in their order.
    answers: Vec<Option<AnswerCell<'a>>>,
}

#[derive(Serialize)]
struct AnswerCell<'a> {
    id: String,
    row: &'a EvalRow,
    verdict: &'static str,
    /// A mark, or where nothing was checked a letter, which is that of all who answer alike.
    sign: String,
    /// Where it parts from the first answer, in words.
    parting: Option<String>,
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
        let rows = sections.iter().flat_map(|section| section.rows);
        let models = rows.map(|row| &row.model).collect::<HashSet<_>>().len();
        Self { facts, models, parts: parts.collect() }
    }

    fn render(&self, template: &str, inline: bool, own: Value) -> Result<String, Error> {
        let environment = environment()?;
        let EvalFacts { title, command, model, set, seed } = self.facts;
        let sections: Vec<Value> = self.parts.iter().map(|part| part.value(inline)).collect();
        let shared = context! {
            title, command, model, set, seed, sections,
            models => self.models,
            problems => self.parts.iter().map(|part| part.problems.len()).sum::<usize>(),
            checked => self.parts.iter().any(|part| part.checked),
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
            found.map(|recipe| &recipe.accuracy)
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
    let several = summaries.len() > 1;
    let mut lints: Vec<&str> =
        section.rows.iter().flat_map(|row| row.findings.iter().map(String::as_str)).collect();
    lints.sort_unstable();
    lints.dedup();
    let recipes = summaries.iter().enumerate().map(|(at, summary)| {
        let cells = cells(summary, section.checked, several);
        let (columns, cells): (Vec<_>, Vec<_>) = cells.into_iter().unzip();
        (columns, recipe((key(at), section), summary, cells, &tasks, &lints))
    });
    let (mut columns, recipes): (Vec<_>, Vec<_>) = recipes.unzip();
    let called = |of: RecipeOnModel| {
        let is_it =
            |summary: &Summary| (&*summary.model, &*summary.recipe) == (of.model, of.recipe);
        summaries.iter().position(is_it).map(key)
    };
    let agreements = agreement::agreements(section.rows);
    let agreements = agreements.iter().filter_map(|of| {
        let RecipePair { first, second, problems, same, parts_at } = *of;
        let (first, second) = (called(first)?, called(second)?);
        let (same, parts_at) = (cell(Some(same), percent), place(parts_at));
        Some(AgreementJson { first, second, problems, same, parts_at })
    });
    let timed: Vec<f64> = summaries.iter().filter_map(|summary| summary.total_seconds).collect();
    SectionData {
        name: section.set,
        anchor: &section.anchor,
        figures,
        checked: section.checked,
        columns: if columns.is_empty() { Vec::new() } else { columns.swap_remove(0) },
        recipes,
        tasks,
        lints,
        agreements: agreements.collect(),
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
            checked => self.checked,
            columns => Value::from(Serde(&self.columns)),
            lints => Value::from(Serde(&self.lints)),
            agreements => Value::from(Serde(&self.agreements)),
            recipes => Value::from(Serde(&self.recipes)),
            tasks => Value::from(Serde(&self.tasks)),
            problems => Value::from(Serde(&self.problems)),
            total => Value::from(Serde(&self.total)),
        }
    }
}

/// The figures of a recipe, each with its name.
fn cells(summary: &Summary, checked: bool, several: bool) -> Vec<(&'static str, ReportCell)> {
    let all = &summary.all;
    let whole = |value: f64| format!("{value:.1}");
    let fine = |value: f64| format!("{value:.2}");
    let accuracy = checked.then(|| ("accuracy", cell(all.accuracy, percent)));
    let mut cells: Vec<_> = accuracy.into_iter().collect();
    cells.extend([
        ("N_token", cell(Some(all.n_token), fine)),
        ("E_token", cell(Some(all.e_token), fine)),
        ("E_ratio", ReportCell { shown: ratio(all), ..cell(all.e_ratio, percent) }),
        ("before tail", cell(Some(all.before_tail), fine)),
        ("share", cell(all.before_tail_ratio, percent)),
        ("NFE", cell(Some(all.nfe), whole)),
        ("tokens/pass", cell(all.tokens_per_pass, fine)),
        ("expansions", cell(Some(all.expansions), fine)),
        ("order τ", cell(all.order_tau, fine)),
        ("mean jump", cell(all.mean_jump, fine)),
        ("adjacent", cell(all.adjacent, percent)),
        ("tail first", cell(all.tail_first, percent)),
        ("flips/token", cell(all.flips_per_token, fine)),
        ("findings", cell(Some(all.findings), fine)),
    ]);
    if several {
        let value = all.parts_at.unwrap_or(-1.0);
        let parts = ReportCell { shown: place(all.parts_at), interval: String::new(), value };
        cells.extend([("same as A", cell(all.same_as_first, percent)), ("parts at", parts)]);
    }
    cells.push(("s/problem", cell(all.seconds, seconds)));
    cells
}

fn recipe(
    (key, section): (String, &Section),
    summary: &Summary,
    cells: Vec<ReportCell>,
    tasks: &[&str],
    lints: &[&str],
) -> RecipeJson {
    let of_task = |task: &&str| {
        let found = summary.tasks.iter().find(|(name, _)| name == task);
        let mut cell = cell(found.and_then(|(_, metrics)| metrics.accuracy), percent);
        if let Some((_, metrics)) = found {
            cell.interval += &format!(" n = {}", metrics.problems);
        }
        cell
    };
    let runs = |lint: &&str| {
        let own = section.rows.iter().filter(|row| summary.has(row));
        own.filter(|row| row.findings.iter().any(|found| found == lint)).count()
    };
    RecipeJson {
        key,
        recipe: summary.name.clone(),
        problems: summary.all.problems,
        accuracy: cell(summary.all.accuracy, percent),
        cells,
        tasks: tasks.iter().map(of_task).collect(),
        findings: lints.iter().map(runs).collect(),
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

/// The problems with their answers, those with the most wrong ones first, then those with the most
/// different ones.
fn problems<'a>(dir: &Path, section: &Section<'a>) -> Vec<ProblemJson<'a>> {
    let (rows, summaries) = (section.rows, &section.summaries);
    let places_of = summaries.iter().map(|summary| (&*summary.model, &*summary.recipe));
    let recipes: HashMap<(&str, &str), usize> = places_of.zip(0..).collect();
    let mut places = HashMap::new();
    let mut problems: Vec<ProblemJson> = Vec::new();
    for row in rows {
        let Some(&recipe) = recipes.get(&row.ran()) else { continue };
        let place = match places.entry((row.set.as_str(), row.problem)) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                problems.push(ProblemJson {
                    id: format!("{}p{}", section.anchor, problems.len()),
                    number: row.problem,
                    task: &row.task,
                    question: &row.question,
                    expected: row.expected.as_deref(),
                    wrong: 0,
                    right: 0,
                    different: 0,
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
            verdict: verdict(row),
            sign: String::new(),
            parting: None,
            link: row.trace.as_deref().map(link),
            command: path.map(|path| replay(&path.to_string_lossy(), row)),
        });
    }
    problems.iter_mut().for_each(compare);
    problems.sort_by_key(|problem| {
        (Reverse(problem.wrong), Reverse(problem.different), problem.number)
    });
    problems
}

/// What is known of a row's answer.
fn verdict(row: &EvalRow) -> &'static str {
    match (row.correct, &row.expected) {
        (Some(true), _) => "right",
        (Some(false), _) => "wrong",
        (None, Some(_)) => "not run",
        (None, None) => "unchecked",
    }
}

/// Compares the answers to a problem with each other.
fn compare(problem: &mut ProblemJson) {
    let mut seen: Vec<&EvalRow> = Vec::new();
    let mut first: Option<&EvalRow> = None;
    for answer in problem.answers.iter_mut().flatten() {
        let row = answer.row;
        let alike = seen.iter().position(|other| agreement::same(other, row) == Some(true));
        let at = alike.unwrap_or_else(|| {
            seen.push(row);
            seen.len() - 1
        });
        answer.sign = match answer.verdict {
            "right" => "✓".to_owned(),
            "wrong" => "✗".to_owned(),
            "not run" => "·".to_owned(),
            _ if !row.is_whole() => "!".to_owned(),
            _ => key(at).to_lowercase(),
        };
        answer.parting = first.and_then(|first| {
            let same = agreement::same(first, row)?;
            Some(match agreement::parts_at(first, row) {
                Some(at) => format!("parts from A's answer behind {at} characters"),
                None if same => "the same as A's answer".to_owned(),
                None => return None,
            })
        });
        first = first.or(Some(row));
    }
    problem.different = seen.iter().filter(|row| row.is_whole()).count();
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
