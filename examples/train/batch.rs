//! Training windows: a prompt, an answer or its beginning, an EOS tail, some of it masked.

use demask::eval::tasks::{self, Rng, TaskProblem};

use crate::vocabulary::{Vocabulary, chat};

/// Weight of EOS targets in the loss.
pub const EOS_WEIGHT: f32 = 0.3;
/// Weight of the names and things a word problem's answer copies: rare, and learned late.
pub const COPY_WEIGHT: f32 = 3.0;
/// Share of the windows that hold only the beginning of the answer.
const CUT: f64 = 0.22;
/// Share of the windows with every response position masked.
const ALL_MASKED: f64 = 0.12;

/// Share of the windows masked from some position on, as decoding block by block leaves them.
const FROM_HERE: f64 = 0.15;
/// Share of the windows masked in one span, as an expansion leaves them.
const SPAN: f64 = 0.15;
/// Share of the stories with more sentences than asked for, at most [`SLACK_MASKED`] masked:
/// the room that expansions make must be filled somehow.
const SLACK: f64 = 0.4;
const SLACK_MASKED: f64 = 0.75;
/// Share and weight of the visible EOS positions that are targets too: decoders look at what a
/// model says there.
const VISIBLE_EOS: (f64, f32) = (0.15, 0.3);

/// What a masked position holds, for the report.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number in a word problem's answer.
    Number,
    /// A name or a thing in a word problem's answer.
    Copy,
    /// Any other text.
    Text,
    /// End of sequence.
    Eos,
}

/// Some windows, packed one after the other without padding.
#[derive(Default)]
pub struct Packed {
    /// What the model sees.
    pub input: Vec<u32>,
    /// Where each window begins, and the end of the last.
    pub starts: Vec<usize>,
    /// The masked positions: row, target, weight, kind.
    pub targets: Vec<(u32, u32, f32, Kind)>,
}

impl Packed {
    /// Appends a window whose masked positions are `targets`, given relative to its start.
    pub fn push(
        &mut self,
        input: &[u32],
        targets: impl IntoIterator<Item = (u32, u32, f32, Kind)>,
    ) {
        if self.starts.is_empty() {
            self.starts.push(0);
        }
        let base = self.input.len() as u32;
        self.input.extend_from_slice(input);
        self.targets.extend(
            targets
                .into_iter()
                .map(|(row, target, weight, kind)| (row + base, target, weight, kind)),
        );
        self.starts.push(self.input.len());
    }
}

/// An endless source of batches.
pub struct Source<'a> {
    vocabulary: &'a Vocabulary,
    problems: Box<dyn Iterator<Item = TaskProblem> + Send>,
    rng: Rng,
}

impl<'a> Source<'a> {
    /// A source that follows from `seed`, with the tasks in these shares.
    pub fn new(vocabulary: &'a Vocabulary, seed: u64, shares: [u32; 5]) -> Self {
        Source {
            vocabulary,
            problems: Box::new(tasks::training_mixture(seed, shares)),
            rng: Rng::new(seed, 77),
        }
    }

    /// About `tokens` tokens, split into pieces of at most `piece` tokens (or one window).
    pub fn batch(&mut self, tokens: usize, piece: usize) -> Vec<Packed> {
        let mut windows = Vec::new();
        let mut total = 0;
        while total < tokens {
            let problem = self.problems.next().expect("the source is endless");
            let prompt = self.vocabulary.encode(&chat(&problem.prompt));
            let slack = self.rng.chance(SLACK);
            let longer = if slack { tasks::lengthened(&problem, &mut self.rng) } else { None };
            let most = if longer.is_some() { SLACK_MASKED } else { 1.0 };
            let response = self.response(longer.as_ref().unwrap_or(&problem.answer));
            total += prompt.len() + response.len();
            windows.push((prompt, response, self.copied(&problem), most));
        }
        let count = windows.len() as f64;
        let offset = self.rng.unit();
        let mut order: Vec<usize> = (0..windows.len()).collect();
        for i in (1..order.len()).rev() {
            order.swap(i, self.rng.range(0, i as u32) as usize);
        }
        let mut pieces = vec![Packed::default()];
        for ((prompt, response, copied, most), slot) in windows.into_iter().zip(order) {
            let share =
                if self.rng.chance(ALL_MASKED) { 1.0 } else { (slot as f64 + offset) / count };
            let masked = self.masked(response.len(), share * most);
            let mut input = prompt;
            let base = input.len() as u32;
            let mut targets = Vec::new();
            for (i, &token) in response.iter().enumerate() {
                if !masked[i] {
                    input.push(token);
                    if token == self.vocabulary.eos && self.rng.chance(VISIBLE_EOS.0) {
                        targets.push((base + i as u32, token, VISIBLE_EOS.1, Kind::Eos));
                    }
                    continue;
                }
                input.push(self.vocabulary.mask);
                let (weight, kind) = if token == self.vocabulary.eos {
                    (EOS_WEIGHT, Kind::Eos)
                } else if copied.contains(&token) {
                    (COPY_WEIGHT, Kind::Copy)
                } else if !copied.is_empty() && self.vocabulary.is_number[token as usize] {
                    (1.0, Kind::Number)
                } else {
                    (1.0, Kind::Text)
                };
                targets.push((base + i as u32, token, weight, kind));
            }
            let last = pieces.last().expect("there is always one piece");
            if !last.input.is_empty() && last.input.len() + input.len() > piece {
                pieces.push(Packed::default());
            }
            pieces.last_mut().expect("there is always one piece").push(&input, targets);
        }
        pieces
    }

    /// Which of `len` response positions to mask, about `share` of them.
    fn masked(&mut self, len: usize, share: f64) -> Vec<bool> {
        let count = (share * len as f64).ceil() as usize;
        let start = match self.rng.unit() {
            _ if share >= 1.0 => return vec![true; len],
            u if u < FROM_HERE => len - count,
            u if u < FROM_HERE + SPAN => self.rng.range(0, (len - count) as u32) as usize,
            _ => return (0..len).map(|_| self.rng.chance(share)).collect(),
        };
        (0..len).map(|i| (start..start + count).contains(&i)).collect()
    }

    /// The tokens of a word problem's name and things; nothing for other tasks.
    fn copied(&self, problem: &TaskProblem) -> Vec<u32> {
        if problem.task != tasks::Task::WordProblem {
            return Vec::new();
        }
        // "Mia has 12 stamps. ..."
        let words: Vec<&str> = problem.prompt.split([' ', '.']).take(4).collect();
        [words[0].to_string(), format!(" {}", words[0]), format!(" {}", words[3])]
            .iter()
            .flat_map(|word| self.vocabulary.encode(word))
            .collect()
    }

    fn response(&mut self, answer: &str) -> Vec<u32> {
        let mut response = self.vocabulary.encode(answer);
        if self.rng.chance(CUT) {
            let share = 0.2 + 0.78 * self.rng.unit();
            let keep = ((response.len() as f64 * share) as usize).max(1);
            response.truncate(keep);
        } else {
            let tail = match self.rng.unit() {
                u if u < 0.80 => self.rng.range(0, 32),
                u if u < 0.97 => self.rng.range(0, 80),
                _ => self.rng.range(0, 200),
            };
            response.extend(std::iter::repeat_n(self.vocabulary.eos, tail as usize));
        }
        response
    }
}
