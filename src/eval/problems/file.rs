//! Problem files: one JSON object a line, as GSM8K, MATH and multiple choice come.

use std::{fs, path::Path};

use serde::Deserialize;

use super::{Checker, Problem, ProblemError, boxed, choice, number};

/// What a line must be, in words.
const WANTED: &str =
    r#"a line is {"question": "…", "answer": "…"}, with "choices": ["…", "…"] for multiple choice"#;

#[derive(Deserialize)]
struct Line {
    #[serde(alias = "problem")]
    question: String,
    #[serde(default)]
    answer: Option<Answer>,
    /// MATH has the answer in its solution.
    #[serde(default)]
    solution: Option<String>,
    #[serde(default)]
    choices: Vec<String>,
    #[serde(default, alias = "subject", alias = "type")]
    task: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Text(String),
    Number(serde_json::Number),
}

impl Line {
    fn answer(&self) -> Option<String> {
        match (&self.answer, &self.solution) {
            (Some(Answer::Text(text)), _) => Some(text.clone()),
            (Some(Answer::Number(number)), _) => Some(number.to_string()),
            (None, solution) => solution.clone(),
        }
    }
}

/// Reads the first `limit` problems of a file, and the checker they are made for unless it is
/// given.
///
/// # Errors
/// If the file cannot be read, or a line is no problem: the text names file and line.
pub fn read(
    path: &Path,
    name: &str,
    limit: Option<usize>,
    checker: Option<Checker>,
) -> Result<(Vec<Problem>, Checker), ProblemError> {
    let place = path.display().to_string();
    let bytes = fs::read(path)
        .map_err(|error| ProblemError::File { place: place.clone(), error: error.to_string() })?;
    parse(&bytes, &place, name, limit, checker)
}

fn parse(
    bytes: &[u8],
    place: &str,
    name: &str,
    limit: Option<usize>,
    checker: Option<Checker>,
) -> Result<(Vec<Problem>, Checker), ProblemError> {
    let fault = |line: usize, what: String| ProblemError::Line {
        place: place.to_owned(),
        line,
        what,
        wanted: WANTED,
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines = Vec::new();
    for (at, bytes) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        if limit.is_some_and(|limit| lines.len() == limit) {
            break;
        }
        let line: Line = serde_json::from_slice(bytes).map_err(|error| fault(at, words(&error)))?;
        if line.question.trim().is_empty() {
            return Err(fault(at, "the question is empty".to_owned()));
        }
        if line.choices.len() > choice::LONGEST {
            let many = line.choices.len();
            return Err(fault(at, format!("{many} choices are more than {}", choice::LONGEST)));
        }
        let Some(answer) = line.answer() else {
            return Err(fault(at, "there is no answer".to_owned()));
        };
        lines.push((at, line, answer));
    }
    if lines.is_empty() {
        return Err(ProblemError::Empty { place: place.to_owned(), wanted: WANTED });
    }
    let checker = checker.unwrap_or_else(|| {
        let all = |wanted: fn(&Line, &str) -> bool| {
            lines.iter().all(|(_, line, answer)| wanted(line, answer))
        };
        // In this order: GSM8K's answers may hold anything before the `####`.
        if all(|line, _| !line.choices.is_empty()) {
            Checker::Choice
        } else if all(|_, answer| answer.contains("####") || is_number(answer)) {
            Checker::Gsm8k
        } else if lines.iter().any(|(_, _, answer)| answer.contains('\\')) {
            Checker::Math
        } else {
            Checker::Exact
        }
    });
    let problems = lines.into_iter().enumerate().map(|(number, (at, line, answer))| {
        let expected = expected(checker, &line, &answer).ok_or_else(|| {
            fault(at, format!("the answer does not fit the checker {}", checker.name()))
        })?;
        let task = line.task.unwrap_or_else(|| name.to_owned());
        let (question, choices) = (line.question, line.choices);
        Ok(Problem { number, task, question, expected, choices, generated: None })
    });
    Ok((problems.collect::<Result<_, _>>()?, checker))
}

fn is_number(text: &str) -> bool {
    let bare: String = text.trim().chars().filter(|&c| c != ',' && c != '$').collect();
    bare.parse::<f64>().is_ok_and(f64::is_finite)
}

/// What is to be compared with: the number, the inside of the box, the letter.
fn expected(checker: Checker, line: &Line, answer: &str) -> Option<String> {
    match checker {
        Checker::Gsm8k => number::answer(answer),
        Checker::Math => Some(boxed::last(answer).unwrap_or(answer).trim().to_owned()),
        Checker::Choice => {
            let index = match &line.answer {
                Some(Answer::Number(number)) => number.as_u64().map(|index| index as usize),
                _ => line.choices.iter().position(|choice| choice.trim() == answer.trim()),
            };
            let within = |index: &usize| line.choices.is_empty() || *index < line.choices.len();
            match index {
                Some(index) => choice::letter(index).filter(|_| within(&index)).map(String::from),
                None => choice::answer(answer).filter(|found| {
                    let index = ('A'..='E').position(|letter| found.starts_with(letter));
                    index.is_some_and(|index| within(&index))
                }),
            }
        }
        Checker::Exact => Some(answer.trim().to_owned()),
        Checker::Synthetic => None,
    }
}

/// The fault without serde's place, which counts within the line.
fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    format!("{} (column {})", &text[..end], error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Vec<Problem>, Checker), String> {
        parse(text.as_bytes(), "p.jsonl", "p", None, None).map_err(|error| error.to_string())
    }

    #[test]
    fn lines_are_read_as_what_they_are() {
        for (text, checker, expected) in [
            (r#"{"question":"q","answer":"3+4=<<7>>7\n#### 1,007"}"#, Checker::Gsm8k, "1007"),
            (r#"{"question":"q","answer":42}"#, Checker::Gsm8k, "42"),
            (r#"{"question":"q","answer":"$42"}"#, Checker::Gsm8k, "42"),
            (
                r#"{"problem":"q","solution":"so \\boxed{\\frac12}","type":"Algebra"}"#,
                Checker::Math,
                "\\frac12",
            ),
            (
                r#"{"problem":"q","solution":"so \\boxed{3}","answer":"\\pi"}"#,
                Checker::Math,
                "\\pi",
            ),
            (r#"{"question":"q","answer":"B","choices":["x","y"]}"#, Checker::Choice, "B"),
            (r#"{"question":"q","answer":1,"choices":["x","y"]}"#, Checker::Choice, "B"),
            (r#"{"question":"q","answer":"y","choices":["x","y"]}"#, Checker::Choice, "B"),
            (r#"{"question":"q","answer":" blue ","more":[1]}"#, Checker::Exact, "blue"),
        ] {
            let (problems, found) = read(text).unwrap();
            assert_eq!((found, problems[0].expected.as_str()), (checker, expected), "{text}");
        }
    }

    #[test]
    fn blank_lines_count_in_places_and_not_in_numbers() {
        let text =
            "\u{feff}\n{\"question\":\"a\",\"answer\":1}\r\n\n{\"question\":\"b\",\"answer\":2}";
        let (problems, _) = read(text).unwrap();
        let numbers: Vec<usize> = problems.iter().map(|problem| problem.number).collect();
        assert_eq!(numbers, [0, 1]);
        let limited = parse(text.as_bytes(), "p", "p", Some(1), None).unwrap();
        assert_eq!(limited.0.len(), 1);
    }

    #[test]
    fn faults_name_the_line_and_what_is_wanted() {
        let good = r#"{"question":"q","answer":"1"}"#;
        for (line, part) in [
            ("{\"question\":\"q\"", "EOF while parsing"),
            (r#"{"question":"q"}"#, "there is no answer"),
            (r#"{"question":" ","answer":"1"}"#, "the question is empty"),
            (r#"{"answer":"1"}"#, "missing field `question`"),
            (r#"{"question":"q","answer":["1"]}"#, "did not match"),
            ("[]", "invalid"),
            ("42", "invalid type"),
            (r#"{"question":"q","answer":"A","choices":["","","","","",""]}"#, "6 choices"),
        ] {
            let error = read(&format!("{good}\n\n{line}\n")).unwrap_err();
            assert!(error.starts_with("p.jsonl:3: ") && error.contains(part), "{error}");
            assert!(error.contains("\"question\": \"…\""), "{error}");
        }
        let error = read(r#"{"question":"q","answer":"C","choices":["x","y"]}"#).unwrap_err();
        assert!(error.contains("does not fit the checker choice"), "{error}");
        assert!(read("\n\n").unwrap_err().contains("no problem in it"));
        assert!(parse(b"\xff\n", "p", "p", None, None).is_err());
    }
}
