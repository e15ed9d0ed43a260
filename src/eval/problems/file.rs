//! Problem files: JSON objects as GSM8K, MATH, HumanEval, MBPP and multiple choice come.

use std::{borrow::Cow, fs::File, path::Path};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    Benchmark, Checker, Problem, ProblemError, boxed, choice, code,
    lines::{self, LARGEST_PROBLEM_FILE},
    number, published, table,
};
use crate::{
    bounded,
    model::{HoledText, Surroundings},
};

/// What a line must be, in words.
const WANTED: &str = r#"a line is {"question": "…", "answer": "…"}, or the question alone, with "choices": ["…", "…"] for multiple choice, "suffix": "…" or "infill": "… ▢×8 …", or one of GSM8K, MATH, HumanEval, HumanEval-Infilling or MBPP as they are published"#;

/// Tests of a problem of MBPP that the published evaluation shows and runs.
const TESTS: usize = 3;

/// The problems of a file, and how they were read.
#[derive(Debug)]
pub struct Read {
    /// The problems, from 0.
    pub problems: Vec<Problem>,
    /// How they are checked.
    pub checker: Checker,
    /// The benchmark they look like.
    pub benchmark: Option<Benchmark>,
}

/// Fields that say nothing of an answer, beside those of [`Question`]: a line without an answer has no
/// others.
const ASIDE: [&str; 7] = ["id", "task_id", "question_id", "index", "idx", "source", "category"];

/// The fields of [`Question`].
const FIELDS: [&str; 11] = [
    "question", "problem", "prompt", "suffix", "infill", "answer", "solution", "choices", "task",
    "subject", "type",
];

/// A question and its answer.
#[derive(Deserialize)]
struct Question {
    #[serde(default, alias = "problem")]
    question: Option<String>,
    /// What many sets of questions without answers call it.
    #[serde(default)]
    prompt: Option<String>,
    /// What stands behind the answer.
    #[serde(default)]
    suffix: Option<String>,
    /// A text with holes: what the answer stands in.
    #[serde(default)]
    infill: Option<String>,
    #[serde(default)]
    answer: Option<AnswerJson>,
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
enum AnswerJson {
    Text(String),
    Number(serde_json::Number),
}

impl Question {
    /// What stands beside it, or in words why that cannot be.
    fn surroundings(&self) -> Result<Surroundings, String> {
        match (&self.suffix, &self.infill) {
            (Some(_), Some(_)) => Err("a problem has a suffix or an infill text".to_owned()),
            (Some(text), None) if text.is_empty() => Err("the suffix is empty".to_owned()),
            (Some(text), None) => Ok(Surroundings::Suffix(text.clone())),
            (None, None) => Ok(Surroundings::Nothing),
            (None, Some(text)) => {
                let text = HoledText::parse(text).map_err(|error| error.to_string())?;
                Ok(Surroundings::Holes(text))
            }
        }
    }

    /// The answer, if it has one.
    fn answer(&self) -> Option<String> {
        match (&self.answer, &self.solution) {
            (Some(AnswerJson::Text(text)), _) => Some(text.clone()),
            (Some(AnswerJson::Number(number)), _) => Some(number.to_string()),
            (None, solution) => solution.clone(),
        }
    }
}

/// A problem of HumanEval. Its canonical solution is not needed.
#[derive(Deserialize)]
struct HumanEval {
    prompt: String,
    entry_point: String,
    test: String,
    /// HumanEval-Infilling has one: what stands behind the gap that is filled in.
    #[serde(default)]
    suffix: Option<String>,
}

/// A problem of MBPP. Its solution and its challenge tests are not needed. Of the full set the
/// published evaluation leaves `test_setup_code` out, which is there in a few problems; the
/// sanitized set, which it does not use, has `test_imports` in its place.
#[derive(Deserialize)]
struct Mbpp {
    #[serde(alias = "prompt")]
    text: String,
    test_list: Vec<String>,
    #[serde(default)]
    test_imports: Vec<String>,
}

/// What the objects of a file are.
#[derive(Clone, Copy, PartialEq)]
enum ObjectKind {
    Question,
    HumanEval,
    Infilling,
    Mbpp,
}

impl ObjectKind {
    fn of(fields: &Map<String, Value>) -> Self {
        let has = |name: &str| fields.contains_key(name);
        if has("entry_point") && has("test") {
            if has("suffix") { Self::Infilling } else { Self::HumanEval }
        } else if has("test_list") {
            Self::Mbpp
        } else {
            Self::Question
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
) -> Result<Read, ProblemError> {
    let place = path.display().to_string();
    let fault = |error: String| ProblemError::File { place: place.clone(), error };
    let bytes =
        bounded::read(path, LARGEST_PROBLEM_FILE).map_err(|error| fault(error.to_string()))?;
    let bytes = match bytes.starts_with(table::MAGIC) {
        true => {
            let file = File::open(path).map_err(|error| fault(error.to_string()))?;
            table::lines(file).map(Cow::Owned)
        }
        false => lines::unpacked(&bytes),
    };
    let bytes = bytes.map_err(fault)?;
    parse(&bytes, &place, name, limit, checker)
}

/// Makes the faults of one file.
struct FaultMaker<'a>(&'a str);

impl FaultMaker<'_> {
    fn fault(&self, line: usize, what: String) -> ProblemError {
        ProblemError::Line { place: self.0.to_owned(), line, what, wanted: WANTED }
    }

    fn object<T: DeserializeOwned>(&self, line: usize, bytes: &[u8]) -> Result<T, ProblemError> {
        serde_json::from_slice(bytes).map_err(|error| self.fault(line, words(&error)))
    }
}

pub(super) fn parse(
    bytes: &[u8],
    place: &str,
    name: &str,
    limit: Option<usize>,
    checker: Option<Checker>,
) -> Result<Read, ProblemError> {
    let place = FaultMaker(place);
    let mut objects =
        lines::objects(bytes).map_err(|error| place.fault(error.line(), words(&error)))?;
    objects.truncate(limit.unwrap_or(usize::MAX));
    let Some(&(line, first)) = objects.first() else {
        return Err(ProblemError::Empty { place: place.0.to_owned(), wanted: WANTED });
    };
    // What is no object is told of below, as of any other line.
    let (own, benchmark) = match ObjectKind::of(&serde_json::from_slice(first).unwrap_or_default())
    {
        ObjectKind::Question => return questions(&objects, &place, name, checker),
        ObjectKind::HumanEval => (Checker::HumanEval, Some(Benchmark::HumanEval)),
        ObjectKind::Infilling => (Checker::HumanEvalInfilling, None),
        ObjectKind::Mbpp => (Checker::Mbpp, Some(Benchmark::Mbpp)),
    };
    if checker.is_some_and(|checker| checker != own) {
        let what = format!("these are problems of {}, whose answers are programs", own.name());
        return Err(place.fault(line, format!("{what}: leave --checker out")));
    }
    let problems = objects.into_iter().enumerate().map(|(number, (at, bytes))| {
        let mut behind = None;
        let (mut question, expected, task) = match own {
            Checker::HumanEval | Checker::HumanEvalInfilling => {
                let mut line: HumanEval = place.object(at, bytes)?;
                behind = line.suffix.take();
                if behind.is_some() != (own == Checker::HumanEvalInfilling) {
                    let what =
                        "some lines have a `suffix`, as in HumanEval-Infilling, and some have none";
                    return Err(place.fault(at, what.to_owned()));
                }
                human_eval(line)
            }
            _ => mbpp(place.object(at, bytes)?)
                .ok_or_else(|| place.fault(at, "there is no test".to_owned()))?,
        };
        if question.trim().is_empty() {
            return Err(place.fault(at, "the question is empty".to_owned()));
        }
        let code = Some(task);
        // The program begins as it is: nothing is asked.
        let surroundings = behind.map_or(Surroundings::Nothing, |behind| Surroundings::Gap {
            before: std::mem::take(&mut question),
            behind,
        });
        Ok(Problem {
            number,
            task: name.to_owned(),
            question,
            surroundings,
            expected: Some(expected),
            code,
            ..Problem::default()
        })
    });
    let problems = problems.collect::<Result<_, _>>()?;
    Ok(Read { problems, checker: own, benchmark })
}

fn human_eval(line: HumanEval) -> (String, String, code::CodeTask) {
    let HumanEval { prompt, entry_point, test, .. } = line;
    let expected = format!("{test}\ncheck({entry_point})");
    (prompt, expected, code::CodeTask { entry_point: Some(entry_point), before: String::new() })
}

fn mbpp(line: Mbpp) -> Option<(String, String, code::CodeTask)> {
    let Mbpp { text, mut test_list, test_imports } = line;
    test_list.truncate(TESTS);
    let before = test_imports.iter().map(|import| format!("{import}\n")).collect();
    let task = code::CodeTask { entry_point: None, before };
    (!test_list.is_empty()).then(|| (text, test_list.join("\n"), task))
}

fn questions(
    objects: &[(usize, &[u8])],
    place: &FaultMaker,
    name: &str,
    checker: Option<Checker>,
) -> Result<Read, ProblemError> {
    let mut lines = Vec::new();
    for &(at, bytes) in objects {
        let mut line: Question = place.object(at, bytes)?;
        line.question = line.question.or(line.prompt.take());
        let asked = match (&line.question, &line.infill) {
            (None, None) => Err("missing field `question`"),
            (Some(question), _) if question.trim().is_empty() => Err("the question is empty"),
            _ => Ok(()),
        };
        asked.map_err(|what| place.fault(at, what.to_owned()))?;
        if line.choices.len() > choice::MOST_CHOICES {
            let many = line.choices.len();
            return Err(
                place.fault(at, format!("{many} choices are more than {}", choice::MOST_CHOICES))
            );
        }
        let answer = line.answer().filter(|_| checker != Some(Checker::None));
        // A misspelt answer is not taken for none.
        let asked_for = answer.is_none() && checker != Some(Checker::None);
        let fields: Map<String, Value> = match asked_for {
            true => place.object(at, bytes)?,
            false => Map::new(),
        };
        let unknown =
            |name: &&String| !FIELDS.contains(&name.as_str()) && !ASIDE.contains(&name.as_str());
        if let Some(name) = fields.keys().find(unknown) {
            return Err(place.fault(
                at,
                format!(
                    "there is no answer, and `{name}` is no field that is read: call it `answer` \
                     if it is one, take it out, or give --checker none, which wants no answers"
                ),
            ));
        }
        lines.push((at, line, answer));
    }
    let answered: Vec<(&Question, &str)> =
        lines.iter().filter_map(|(_, line, answer)| Some((line, answer.as_deref()?))).collect();
    if answered.is_empty() {
        let problems = lines.into_iter().enumerate().map(|(number, (at, line, _))| {
            problem(number, line, None, name).map_err(|what| place.fault(at, what))
        });
        let problems = problems.collect::<Result<_, _>>()?;
        return Ok(Read { problems, checker: Checker::None, benchmark: None });
    }
    let all = |wanted: fn(&Question, &str) -> bool| {
        answered.iter().all(|(line, answer)| wanted(line, answer))
    };
    // In this order: GSM8K's answers may hold anything before the `####`, MATH's may be numbers.
    let alike = if all(|line, answer| line.choices.is_empty() && answer.contains("####")) {
        Some(Benchmark::Gsm8k)
    } else if all(|line, _| line.choices.is_empty() && line.solution.is_some()) {
        Some(Benchmark::Math500)
    } else {
        None
    };
    // One that lacks answers is none as it is published.
    let benchmark = alike.filter(|_| answered.len() == lines.len());
    let checker = checker.or(alike.map(Benchmark::checker)).unwrap_or_else(|| {
        if all(|line, _| !line.choices.is_empty()) {
            Checker::Choice
        } else if all(|_, answer| answer.contains("####") || is_number(answer)) {
            Checker::Number
        } else if answered.iter().any(|(_, answer)| answer.contains('\\')) {
            Checker::Math
        } else {
            Checker::Exact
        }
    });
    let problems = lines.into_iter().enumerate().map(|(number, (at, line, answer))| {
        let unfit = || format!("the answer does not fit the checker {}", checker.name());
        let expected = match &answer {
            None => Ok(None),
            Some(answer) => expected(checker, &line, answer).map(Some).ok_or_else(unfit),
        };
        let made = expected.and_then(|expected| problem(number, line, expected, name));
        made.map_err(|what| place.fault(at, what))
    });
    Ok(Read { problems: problems.collect::<Result<_, _>>()?, checker, benchmark })
}

/// A problem, or in words why it cannot be. `name` is its kind where the line does not say one.
fn problem(
    number: usize,
    line: Question,
    expected: Option<String>,
    name: &str,
) -> Result<Problem, String> {
    let surroundings = line.surroundings()?;
    Ok(Problem {
        number,
        task: line.task.unwrap_or_else(|| name.to_owned()),
        question: line.question.unwrap_or_default(),
        surroundings,
        expected,
        choices: line.choices,
        ..Problem::default()
    })
}

fn is_number(text: &str) -> bool {
    let bare: String = text.trim().chars().filter(|&c| c != ',' && c != '$').collect();
    bare.parse::<f64>().is_ok_and(f64::is_finite)
}

/// What is to be compared with: the number, the inside of the box, the letter.
fn expected(checker: Checker, line: &Question, answer: &str) -> Option<String> {
    match checker {
        Checker::Gsm8k | Checker::Math => {
            let given = line.answer.is_some();
            let answer = if given { answer } else { boxed::last(answer).unwrap_or(answer) };
            Some(published::target(answer))
        }
        Checker::Number => number::answer(answer),
        Checker::Latex => Some(boxed::last(answer).unwrap_or(answer).trim().to_owned()),
        Checker::Choice => {
            let index = match &line.answer {
                Some(AnswerJson::Number(number)) => number.as_u64().map(|index| index as usize),
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
        Checker::HumanEval
        | Checker::Mbpp
        | Checker::HumanEvalInfilling
        | Checker::Synthetic
        | Checker::None => None,
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

    fn read(text: &str) -> Result<Read, String> {
        parse(text.as_bytes(), "p.jsonl", "p", None, None).map_err(|error| error.to_string())
    }

    #[test]
    fn lines_are_read_as_what_they_are() {
        for (text, checker, expected) in [
            (r#"{"question":"q","answer":"3+4=<<7>>7\n#### 1,007 "}"#, Checker::Gsm8k, "1,007"),
            (r#"{"question":"q","answer":42}"#, Checker::Number, "42"),
            (r#"{"question":"q","answer":"$42"}"#, Checker::Number, "42"),
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
            (r#"{"problem":"q","solution":"so \\boxed{3}","answer":"3"}"#, Checker::Math, "3"),
            (r#"{"question":"q","answer":"\\pi"}"#, Checker::Math, "\\pi"),
            (r#"{"question":"q","answer":"B","choices":["x","y"]}"#, Checker::Choice, "B"),
            (r#"{"question":"q","answer":1,"choices":["x","y"]}"#, Checker::Choice, "B"),
            (r#"{"question":"q","answer":"y","choices":["x","y"]}"#, Checker::Choice, "B"),
            (r#"{"question":"q","answer":" blue ","more":[1]}"#, Checker::Exact, "blue"),
            (
                r#"{"task_id":"HumanEval/0","prompt":"def f():\n","entry_point":"f","canonical_solution":"","test":"def check(c):\n    assert c()"}"#,
                Checker::HumanEval,
                "def check(c):\n    assert c()\ncheck(f)",
            ),
            (
                r#"{"task_id":1,"text":"t","code":"","test_list":["1","2","3","4"],"test_setup_code":"x","challenge_test_list":[]}"#,
                Checker::Mbpp,
                "1\n2\n3",
            ),
            (
                r#"[{"task_id":1,"prompt":"t","test_list":["1"],"test_imports":["import a"]}]"#,
                Checker::Mbpp,
                "1",
            ),
        ] {
            let read = read(text).unwrap();
            let found = (read.checker, read.problems[0].expected.as_deref());
            assert_eq!(found, (checker, Some(expected)), "{text}");
        }
    }

    #[test]
    fn imports_stand_before_the_tests_of_the_sanitized_set() {
        let text = r#"[{"prompt":"t","test_list":["1"],"test_imports":["import a","import b"]}]"#;
        let problem = read(text).unwrap().problems.remove(0);
        assert_eq!(problem.code.unwrap().before, "import a\nimport b\n");
    }

    #[test]
    fn blank_lines_count_in_places_and_not_in_numbers() {
        let text =
            "\u{feff}\n{\"question\":\"a\",\"answer\":1}\r\n\n{\"question\":\"b\",\"answer\":2}";
        let problems = read(text).unwrap().problems;
        let numbers: Vec<usize> = problems.iter().map(|problem| problem.number).collect();
        assert_eq!(numbers, [0, 1]);
        let limited = parse(text.as_bytes(), "p", "p", Some(1), None).unwrap();
        assert_eq!(limited.problems.len(), 1);
    }

    #[test]
    fn problems_have_a_suffix_or_holes() {
        let problem = |text: &str| read(text).unwrap().problems.remove(0);
        let alone = problem(r#"{"infill":"a ▢×4 b","answer":"1"}"#);
        let Surroundings::Holes(text) = &alone.surroundings else { panic!("{alone:?}") };
        assert_eq!((alone.question.as_str(), text.to_string().as_str()), ("", "a ▢×4 b"));
        let before = problem(r#"{"question":"q","suffix":" b","answer":"1"}"#);
        assert_eq!(before.surroundings, Surroundings::Suffix(" b".to_owned()));
        let code = r#"{"task_id":"SingleLineInfilling/HumanEval/0/L0","prompt":"def f():\n","suffix":"x","canonical_solution":"","entry_point":"f","test":"t"}"#;
        let found = read(code).unwrap();
        assert_eq!((found.checker, found.benchmark), (Checker::HumanEvalInfilling, None));
        let (before, behind) = ("def f():\n".to_owned(), "x".to_owned());
        let program = &found.problems[0];
        assert_eq!(program.surroundings, Surroundings::Gap { before, behind });
        assert_eq!(
            (program.question.as_str(), program.expected.as_deref()),
            ("", Some("t\ncheck(f)"))
        );
        let whole = r#"{"prompt":"def f():\n","entry_point":"f","test":"t"}"#;
        for text in [format!("{code}\n{whole}"), format!("{whole}\n{code}")] {
            assert!(read(&text).unwrap_err().starts_with("p.jsonl:2: some lines have a `suffix`"));
        }
    }

    #[test]
    fn problems_need_no_answer() {
        let expected = |text: &str, checker| {
            let read = parse(text.as_bytes(), "p", "p", None, checker).unwrap();
            let problems = read.problems.iter();
            let found: Vec<Option<String>> =
                problems.map(|problem| problem.expected.clone()).collect();
            (read.checker, read.benchmark, found)
        };
        let one = Some("1".to_owned());
        for (text, given, checker, benchmark, answers) in [
            (r#"{"question":"q"}"#, None, Checker::None, None, vec![None]),
            (r#"{"prompt":"q","id":7,"answer":null}"#, None, Checker::None, None, vec![None]),
            (r#"{"infill":"a▢b"}"#, None, Checker::None, None, vec![None]),
            (r#"{"question":"q","choices":["x"]}"#, None, Checker::None, None, vec![None]),
            // What has answers is checked as it looks, the rest is not.
            (
                "{\"question\":\"q\",\"answer\":1}\n{\"question\":\"r\"}",
                None,
                Checker::Number,
                None,
                vec![one.clone(), None],
            ),
            (
                "{\"question\":\"q\",\"answer\":\"#### 1\"}\n{\"question\":\"r\"}",
                None,
                Checker::Gsm8k,
                None,
                vec![one.clone(), None],
            ),
            (
                "{\"question\":\"q\",\"answer\":\"#### 1\"}",
                None,
                Checker::Gsm8k,
                Some(Benchmark::Gsm8k),
                vec![one],
            ),
            // Who asks for no answers gets none, and other fields say nothing.
            (
                r#"{"question":"q","answer":1,"anwser":2}"#,
                Some(Checker::None),
                Checker::None,
                None,
                vec![None],
            ),
        ] {
            assert_eq!(expected(text, given), (checker, benchmark, answers), "{text}");
        }
        let problem = read(r#"{"prompt":"p"}"#).unwrap().problems.remove(0);
        assert_eq!(problem.question, "p");
        let both = read(r#"{"question":"q","prompt":"p","answer":1}"#).unwrap().problems.remove(0);
        assert_eq!(both.question, "q");
    }

    #[test]
    fn faults_name_the_line_and_what_is_wanted() {
        let good = r#"{"question":"q","answer":"1"}"#;
        for (line, part) in [
            ("{\"question\":\"q\"", "EOF while parsing"),
            (r#"{"question":"q","anwser":"1"}"#, "there is no answer, and `anwser` is no field"),
            (r#"{"prompt":"q","answer":null,"completion":"1"}"#, "`completion` is no field"),
            (r#"{"question":" ","answer":"1"}"#, "the question is empty"),
            (r#"{"answer":"1"}"#, "missing field `question`"),
            (r#"{"question":"q","answer":["1"]}"#, "did not match"),
            ("[]", "missing field `question`"),
            ("42", "invalid type"),
            (r#"{"infill":"a▢","suffix":"b","answer":"1"}"#, "a suffix or an infill text"),
            (r#"{"infill":"a▢×0","answer":"1"}"#, "a hole of length 0"),
            (r#"{"question":"q","suffix":"","answer":"1"}"#, "the suffix is empty"),
            (r#"{"question":"q","answer":"A","choices":["","","","","",""]}"#, "6 choices"),
        ] {
            let error = read(&format!("{good}\n\n{line}\n")).unwrap_err();
            assert!(error.starts_with("p.jsonl:3: ") && error.contains(part), "{error}");
            assert!(error.contains("\"question\": \"…\""), "{error}");
        }
        let error = read(r#"{"question":"q","answer":"C","choices":["x","y"]}"#).unwrap_err();
        assert!(error.contains("does not fit the checker choice"), "{error}");
        let code = r#"{"text":"t","test_list":["1"]}"#;
        for (line, part) in [
            (r#"{"text":"t","test_list":[]}"#, "there is no test"),
            (r#"{"text":"","test_list":["1"]}"#, "the question is empty"),
            (r#"{"question":"q","answer":"1"}"#, "missing field `text`"),
        ] {
            let error = read(&format!("{code}\n{line}\n")).unwrap_err();
            assert!(error.starts_with("p.jsonl:2: ") && error.contains(part), "{error}");
        }
        let error = parse(code.as_bytes(), "p", "p", None, Some(Checker::Exact)).unwrap_err();
        assert!(error.to_string().contains("leave --checker out"), "{error}");
        assert!(read("\n\n").unwrap_err().contains("no problem in it"));
        assert!(read("[{},\n").unwrap_err().contains("p.jsonl:2: EOF"));
        assert!(parse(b"\xff\n", "p", "p", None, None).is_err());
    }
}
