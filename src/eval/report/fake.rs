//! Rows made up for the tests.

use crate::eval::{EvalRow, RowTiming, report::EosTail};

/// Recipes with the length of their first canvas.
pub(super) const RECIPES: [(&str, usize); 8] = [
    ("low_confidence:gen_length=16,steps=16", 16),
    ("low_confidence:gen_length=32,steps=32", 32),
    ("low_confidence:gen_length=64,steps=64", 64),
    ("low_confidence:gen_length=128,steps=128", 128),
    ("threshold:gen_length=64,threshold=0.9", 64),
    ("threshold:gen_length=128,threshold=0.9", 128),
    ("daedal", 32),
    ("daedal:preset=stage-1", 32),
];

/// A number below `below`, always the same for the same place.
fn dice(place: &[usize], below: usize) -> usize {
    let bytes: Vec<u8> = place.iter().flat_map(|part| part.to_le_bytes()).collect();
    (xxhash_rust::xxh3::xxh3_64(&bytes) % below.max(1) as u64) as usize
}

fn row(problem: usize, recipe: &str, initial: usize, number: usize) -> EvalRow {
    let wanted = 10 + dice(&[problem], 60);
    let daedal = recipe.starts_with("daedal");
    let n_token = if daedal { (wanted / 8 + 2) * 8 + 24 } else { initial };
    let e_token = wanted.min(n_token);
    let correct = wanted <= n_token && dice(&[problem, number], 10) > 1;
    let sum = wanted * 3;
    let answer = if correct { sum } else { sum + 1 };
    EvalRow {
        problem,
        set: "fake".to_owned(),
        task: if problem.is_multiple_of(3) { "counting" } else { "word problem" }.to_owned(),
        model: "tiny".to_owned(),
        recipe: recipe.to_owned(),
        strategy: recipe.split(':').next().unwrap_or_default().to_owned(),
        swept: Vec::new(),
        question: format!(
            "Mia has {wanted} stamps. On Monday she buys {}. How many stamps does Mia have?",
            2 * wanted
        ),
        expected: Some(sum.to_string()),
        answer: format!("Mia has {wanted} stamps.\nShe buys {}.\nShe has {answer}.", 2 * wanted),
        extracted: Some(answer.to_string()),
        correct: Some(correct),
        fault: None,
        initial,
        length: n_token,
        before_tail: e_token,
        generation: format!("She has {answer}.<|endoftext|>"),
        n_token,
        e_token,
        nfe: n_token / 2 + 3,
        canvases: n_token / 2 + 3,
        expansions: usize::from(daedal) * dice(&[problem, number, 1], 4),
        order_tau: (e_token > 1).then(|| dice(&[problem, number, 3], 201) as f64 / 100.0 - 1.0),
        mean_jump: Some(1.0 + dice(&[problem, number, 4], 70) as f64 / 10.0),
        adjacent: Some(dice(&[problem, number, 5], 101) as f64 / 100.0),
        tail_first: (!daedal).then(|| dice(&[problem, number, 6], 101) as f64 / 100.0),
        flips_per_token: Some(dice(&[problem, number, 7], 40) as f64 / 10.0),
        findings: vec!["overshoot".to_owned(); dice(&[problem, number, 2], 3)],
        finish: if correct { "complete" } else { "stagnant" }.to_owned(),
        trace: Some(format!("traces/{number}/{problem:04}.jsonl")),
    }
}

/// The same rows of problems without answers.
pub(super) fn unchecked(mut rows: Vec<EvalRow>) -> Vec<EvalRow> {
    for row in &mut rows {
        (row.expected, row.correct, row.extracted) = (None, None, None);
    }
    rows
}

/// Rows of all recipes on so many problems, problem by problem, and their timings.
pub(in crate::eval) fn rows(problems: usize) -> (Vec<EvalRow>, Vec<RowTiming>) {
    let rows: Vec<EvalRow> = (0..problems)
        .flat_map(|problem| {
            RECIPES
                .iter()
                .enumerate()
                .map(move |(number, (recipe, initial))| row(problem, recipe, *initial, number))
        })
        .collect();
    let timings = rows.iter().map(timing).collect();
    (rows, timings)
}

fn timing(row: &EvalRow) -> RowTiming {
    let seconds = 0.01 * row.nfe as f64;
    RowTiming {
        problem: row.problem,
        model: row.model.clone(),
        recipe: row.recipe.clone(),
        seconds,
        forward: 0.9 * seconds,
    }
}

/// A sweep of `daedal` over so many parameters, 1 or more, and 30 problems.
pub(super) fn sweep(parameters: usize) -> Vec<EvalRow> {
    let names = ["eos_confidence_threshold", "initial_gen_length", "low_conf_threshold"];
    let values: [&[f64]; 3] = [&[0.1, 0.3, 0.5, 0.7, 0.9], &[32.0, 64.0, 128.0], &[0.1, 0.2]];
    let mut settings: Vec<Vec<(String, f64)>> = vec![Vec::new()];
    for (name, values) in names.iter().zip(values).take(parameters) {
        let longer = |setting: &Vec<(String, f64)>| {
            let setting = setting.clone();
            values
                .iter()
                .map(move |value| [setting.clone(), vec![((*name).to_owned(), *value)]].concat())
        };
        settings = settings.iter().flat_map(longer).collect();
    }
    let made = |(number, swept): (usize, Vec<(String, f64)>)| {
        let parts: Vec<String> =
            swept.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let recipe = format!("daedal:{}", parts.join(","));
        (0..30)
            .map(|problem| EvalRow { swept: swept.clone(), ..row(problem, &recipe, 32, number) })
            .collect::<Vec<_>>()
    };
    settings.into_iter().enumerate().flat_map(made).collect()
}

/// Everything a document could stumble over, in every text.
pub(super) const EVIL: &str = "</pre><script>alert(1)</script> \"' ]]> <!-- | `a` ``b`` [x](http://evil.example) \
     ![](//evil.example/x.png)\n| - \r\n\t=1+2\x1b[31m\0\u{9b}\u{202e}\u{200b}\u{ffff} {{ 7*7 }} {% raw %} &lt; \\| 字";

/// Rows all of whose texts are [`EVIL`].
pub(super) fn hostile() -> Vec<EvalRow> {
    let evil = || EVIL.to_owned();
    let made = |problem: usize, recipe: String, initial: usize, grows: usize| EvalRow {
        problem,
        set: evil(),
        model: evil(),
        task: evil(),
        strategy: evil(),
        swept: vec![(evil(), initial as f64)],
        question: evil(),
        expected: Some(evil()),
        answer: evil(),
        extracted: Some(evil()),
        finish: evil(),
        trace: Some(evil()),
        generation: evil(),
        length: initial + grows,
        before_tail: initial / 2,
        n_token: initial + grows,
        e_token: initial / 2,
        ..row(problem, &recipe, initial, 0)
    };
    (0..6)
        .map(|at| {
            made(at / 3, format!("{EVIL}{}", at % 3), 16 << (at % 3), (at % 3 / 2) * (8 + at))
        })
        .collect()
}

/// First predictions on canvases of several lengths.
pub(super) fn tails() -> Vec<EosTail> {
    let mut tails = Vec::new();
    for length in [16, 32, 48, 64, 96, 128] {
        for problem in 0..20 {
            let sufficient = 10 + dice(&[problem], 60) <= length;
            let p_eos = (0..32.min(length))
                .map(|at| match sufficient {
                    true => (1.0 - 0.02 * at as f32).max(0.0),
                    false => 0.02 + 0.01 * (dice(&[problem, at], 30) as f32),
                })
                .collect();
            tails.push(EosTail { length, problem, model: "tiny".to_owned(), p_eos });
        }
    }
    tails
}
