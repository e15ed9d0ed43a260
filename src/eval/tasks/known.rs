//! The knowledge of the embedded model: prompts that it answers right, and how far another prompt
//! is from all that it was trained on.
//!
//! The measure is of the prompts alone, and is read from the generators: words that none of their
//! prompts has, numbers beyond those that stand at such a place, and words behind three that they
//! never follow. A prompt without any of these may still be answered wrong.

use std::collections::{HashMap, HashSet};

use super::{Task, TaskProblem, training, words};

/// Prompts of a kind that are looked at: enough for every word and every row of words.
const LOOKED_AT: usize = 1500;

/// Most words that a sentence lists.
const LISTED: usize = 4;

/// Prompts of every kind, which the embedded model answers right with DAEDAL's own parameters.
pub fn examples() -> Vec<TaskProblem> {
    let problem = |task, prompt: &str, answer: &str, number, size| TaskProblem {
        task,
        prompt: prompt.to_owned(),
        answer: answer.to_owned(),
        number,
        size,
    };
    vec![
        problem(
            Task::Story,
            "Write a story in 8 sentences about a small owl who finds a drum.",
            "",
            None,
            8,
        ),
        problem(
            Task::WordProblem,
            "Mia has 12 stamps. On Monday she buys 7. How many stamps does Mia have?",
            "",
            Some(19),
            1,
        ),
        problem(Task::Counting, "Count from 3 to 9 in steps of 2.", "So: 3, 5, 7, 9.", Some(9), 4),
        problem(
            Task::Echo,
            "Say each word twice: owl, lamp, river.",
            "So: owl owl, lamp lamp, river river.",
            None,
            3,
        ),
        problem(Task::Naming, "Name 2 animals and 3 places.", "", None, 5),
    ]
}

/// The reason why a prompt is unlike all that the embedded model was trained on, as the end of a
/// sentence that says so; `None` if it is like them.
pub fn unlike(prompt: &str) -> Option<String> {
    KnownWords::of_training().unlike(prompt)
}

/// The words, numbers and rows of words that the training's prompts have.
struct KnownWords {
    words: HashSet<String>,
    /// Three words, or those there are since the start, with the one behind them.
    rows: HashSet<String>,
    /// The least and the greatest number behind a word.
    numbers: HashMap<String, (u64, u64)>,
}

/// A word of a prompt, or a sign.
struct PromptWord<'a> {
    text: &'a str,
    /// The sign of the word in a row: a number for any number, a word of the lists for any of them.
    stands_for: &'a str,
    number: Option<u64>,
}

impl KnownWords {
    fn of_training() -> Self {
        let lists = lists();
        let mut seen =
            Self { words: HashSet::new(), rows: HashSet::new(), numbers: HashMap::new() };
        for task in Task::ALL {
            for problem in training(task, 1).take(LOOKED_AT) {
                seen.take(&split(&problem.prompt, &lists));
            }
        }
        seen
    }

    fn take(&mut self, words: &[PromptWord]) {
        for word in words.iter().filter(|word| !self.words.contains(word.text)).collect::<Vec<_>>()
        {
            self.words.insert(word.text.to_owned());
        }
        for at in 0..=words.len() {
            if let Some(number) = words.get(at).and_then(|word| word.number) {
                let range = self.numbers.entry(before(words, at).to_owned());
                let range = range.or_insert((number, number));
                *range = (range.0.min(number), range.1.max(number));
            }
            self.rows.insert(row(words, at));
        }
    }

    fn unlike(&self, prompt: &str) -> Option<String> {
        let lists = lists();
        let words = split(prompt, &lists);
        let spoken = words.iter().filter(|word| word.text.contains(char::is_alphanumeric));
        let strange = |word: &&PromptWord| word.number.is_none() && !self.words.contains(word.text);
        let strangers: Vec<&str> = spoken.clone().filter(strange).map(|word| word.text).collect();
        if !strangers.is_empty() {
            let listed: Vec<String> =
                strangers.iter().take(LISTED).map(|word| format!("`{word}`")).collect();
            let more = if strangers.len() > LISTED { ", …" } else { "" };
            return Some(format!(
                "none of them has {} of its {} words ({}{more})",
                strangers.len(),
                spoken.count(),
                listed.join(", ")
            ));
        }
        for (at, word) in words.iter().enumerate() {
            let Some(number) = word.number else { continue };
            let before = before(&words, at);
            if let Some((least, most)) = self.numbers.get(before)
                && !(*least..=*most).contains(&number)
            {
                let place = match before {
                    WORD => "there".to_owned(),
                    before => format!("behind `{before}`"),
                };
                return Some(format!(
                    "{number} is not among the numbers {least} to {most} that they have {place}"
                ));
            }
        }
        let odd = (0..=words.len()).find(|&at| !self.rows.contains(&row(&words, at)))?;
        Some(match words.get(odd) {
            None => "it ends where none of them does".to_owned(),
            Some(word) if odd == 0 => format!("none of them begins with `{}`", word.text),
            Some(word) => format!("`{}` stands where it stands in none of them", word.text),
        })
    }
}

/// Signs for the start of a prompt, its end, any number, any word of the lists.
const START: &str = "^";
const END: &str = "$";
const NUMBER: &str = "#";
const WORD: &str = "·";

/// Words of a row before its last.
const BEFORE: usize = 3;

/// The sign of the word before another.
fn before<'a>(words: &[PromptWord<'a>], at: usize) -> &'a str {
    at.checked_sub(1).and_then(|at| words.get(at)).map_or(START, |word| word.stands_for)
}

/// The signs of a word and of those before it; behind the last word, that of the end.
fn row(words: &[PromptWord], at: usize) -> String {
    let first = at.saturating_sub(BEFORE);
    let mut row: Vec<&str> = if at < BEFORE { vec![START] } else { Vec::new() };
    row.extend(words[first..at].iter().map(|word| word.stands_for));
    row.push(words.get(at).map_or(END, |word| word.stands_for));
    row.join(" ")
}

/// The words that the tasks draw from.
fn lists() -> HashSet<&'static str> {
    let names = words::NAMES.iter().map(|(name, _)| name);
    let lists: [&[&str]; 13] = [
        &words::THINGS,
        &words::GAINS,
        &words::LOSSES,
        &words::DAYS,
        &words::MONTHS,
        &words::ANIMALS,
        &words::OBJECTS,
        &words::PLACES,
        &words::ADJECTIVES,
        &words::FEELINGS,
        &words::DEEDS,
        &words::MANNERS,
        &words::TIMES,
    ];
    names.chain(lists.into_iter().flatten()).copied().collect()
}

/// A prompt's words and signs.
fn split<'a>(prompt: &'a str, lists: &HashSet<&'static str>) -> Vec<PromptWord<'a>> {
    let mut parts = Vec::new();
    for word in prompt.split_whitespace() {
        let end = word.trim_end_matches(|c: char| c.is_ascii_punctuation()).len();
        let (text, signs) = word.split_at(end);
        parts.extend((!text.is_empty()).then_some(text));
        parts.extend(signs.char_indices().map(|(at, sign)| &signs[at..at + sign.len_utf8()]));
    }
    let word = |text: &'a str| {
        let number = text.chars().all(|c| c.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        let stands_for = match number {
            Some(_) => NUMBER,
            None if lists.contains(text) => WORD,
            None => text,
        };
        PromptWord { text, stands_for, number }
    };
    parts.into_iter().map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::tasks::held_out;

    #[test]
    fn prompts_of_the_five_kinds_are_like_those_of_the_training() {
        let seen = KnownWords::of_training();
        for task in Task::ALL {
            for problem in training(task, 99).take(300).chain(held_out(task, 7).take(100)) {
                assert_eq!(seen.unlike(&problem.prompt), None, "{}", problem.prompt);
            }
        }
        for problem in examples() {
            assert_eq!(seen.unlike(&problem.prompt), None, "{}", problem.prompt);
        }
    }

    #[test]
    fn others_are_not_and_it_is_said_why() {
        let seen = KnownWords::of_training();
        for (prompt, why) in [
            (
                "What is the capital of France?",
                "none of them has 5 of its 6 words (`What`, `is`, `the`, `capital`, …)",
            ),
            (
                "Write a story in 7 sentences about a small boy who finds a drum.",
                "none of them has 1 of its 14 words (`boy`)",
            ),
            ("name 2 animals and 3 places.", "none of them begins with `name`"),
            (
                "Write a story in 40 sentences about a small owl who finds a drum.",
                "40 is not among the numbers 2 to 12 that they have behind `in`",
            ),
            ("Name 2 animals.", "`.` stands where it stands in none of them"),
            ("Name 2 animals and 3 places", "it ends where none of them does"),
            ("twice: owl, lamp.", "none of them begins with `twice`"),
            ("1 2 3", "none of them begins with `1`"),
            ("", "it ends where none of them does"),
            ("你好，世界", "none of them has 1 of its 1 words (`你好，世界`)"),
        ] {
            assert_eq!(seen.unlike(prompt).as_deref(), Some(why), "{prompt}");
        }
    }
}
