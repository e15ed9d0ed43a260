//! Assigns confidences, guesses and entropies to the passes that they belong to.

use super::{super::skipped::SkippedInput, step::ReadStep, value::ImportedColumn as Of};
use crate::{
    canvas::{NO_TOKEN, TokenId},
    predict::{Column, Data, Prediction},
    trace::ForeignRun,
};

/// Adds the predictions of the passes to the steps of a run.
///
/// A record's numbers belong to the pass that made its canvas, or to the pass on it, which makes
/// the next canvas. The filled positions show which: a step fills the most confident ones.
pub fn told(
    mut run: ForeignRun,
    steps: &[ReadStep],
    mask: Option<TokenId>,
    notices: &mut Vec<String>,
    left: &mut SkippedInput,
) -> ForeignRun {
    let any = |step: &ReadStep| {
        step.confidence.is_some() || step.guess.is_some() || step.entropy.is_some()
    };
    if !steps.iter().any(any) {
        notices.push("it holds canvases alone: no prediction, no confidence, no times".to_owned());
        return run;
    }
    let before: Vec<Vec<TokenId>> = std::iter::once(run.start.clone())
        .chain(run.steps.iter().map(|step| step.canvas.clone()))
        .collect();
    let masked = |token: TokenId| Some(token) == mask;
    let fits = |n: usize, at: usize| {
        let confidence = steps[at].confidence.as_ref()?;
        let rows = placed(&confidence.values, before[n].len(), run.prompt.len())?;
        let (then, now) = (&before[n], &before[n + 1]);
        let open =
            (0..then.len().min(now.len())).filter(|&at| masked(then[at]) && rows[at].is_finite());
        let (filled, left): (Vec<usize>, Vec<usize>) = open.partition(|&at| !masked(now[at]));
        let least = filled.iter().map(|&at| rows[at]).reduce(f32::min)?;
        let most = left.iter().map(|&at| rows[at]).reduce(f32::max)?;
        Some(least >= most)
    };
    let count =
        |ahead: usize| (0..run.steps.len()).filter(|&n| fits(n, n + ahead) == Some(true)).count();
    let (with, on) = (count(1), count(0));
    let ahead = usize::from(with >= on);
    // The first canvas has no pass that made it, and no pass follows the last one.
    let (spare, why) = match ahead {
        1 => (0, "of the first canvas, which no step made"),
        _ => (run.steps.len(), "of the last canvas, which no step follows"),
    };
    if let Some(step) = steps.get(spare).filter(|step| says_something(step)) {
        let columns = [&step.confidence, &step.entropy].into_iter().flatten().map(|of| &of.name);
        let names = columns.chain(step.guess.as_ref().map(|guess| &guess.name));
        for name in names {
            left.value(format!("`{name}` {why}"), || format!("step {spare}"));
        }
    }
    let prompt = run.prompt.len();
    for (n, made) in run.steps.iter_mut().enumerate() {
        let record = n + ahead;
        let step = &steps[record];
        if !any(step) {
            continue;
        }
        let pass = ImportedPass { record, before: &before[n], after: &made.canvas, prompt, mask };
        made.prediction = pass.prediction(step, left);
    }
    notices.push(match ahead {
        1 => {
            "numbers are taken as those of the pass that made the canvas they stand with".to_owned()
        }
        _ => "numbers are taken as those of the pass on the canvas they stand with: its \
              most confident positions are what is unmasked next"
            .to_owned(),
    });
    run
}

/// Whether any number of a step is known.
fn says_something(step: &ReadStep) -> bool {
    let numbers = [&step.confidence, &step.entropy].into_iter().flatten();
    numbers.flat_map(|column| &column.values).any(|number| number.is_finite())
        || step.guess.iter().flat_map(|guess| &guess.values).any(|&guess| guess != NO_TOKEN)
}

/// The values of the generated region, whether the column begins at the prompt or behind it.
fn placed<T: Copy>(values: &[T], positions: usize, prompt: usize) -> Option<Vec<T>> {
    match values.len() {
        n if n == positions => Some(values.to_vec()),
        // The canvas may have grown since.
        n if n >= prompt + positions => Some(values[prompt..prompt + positions].to_vec()),
        n if n > positions => Some(values[..positions].to_vec()),
        _ => None,
    }
}

/// A pass: on the canvas `before`, which became `after`.
struct ImportedPass<'a> {
    /// The record whose numbers are its own.
    record: usize,
    before: &'a [TokenId],
    after: &'a [TokenId],
    prompt: usize,
    mask: Option<TokenId>,
}

impl ImportedPass<'_> {
    /// The token that the step wrote at a position.
    fn written(&self, at: usize) -> Option<TokenId> {
        let token = self.after.get(at).copied()?;
        (token != self.before[at] && Some(token) != self.mask).then_some(token)
    }

    fn open(&self, at: usize) -> bool {
        Some(self.before[at]) == self.mask || self.written(at).is_some()
    }

    /// The prediction of the pass; `None` if no column fits it.
    fn prediction(&self, step: &ReadStep, left: &mut SkippedInput) -> Option<Prediction> {
        let rows = self.before.len();
        let mut made = Prediction::new(rows);
        let guess = step.guess.as_ref().and_then(|guess| self.rows(guess, left));
        // Loops put −∞ where nothing may be filled; JSON writes it as null.
        let probability = |p: f32| (0.0..=1.0).contains(&p);
        let confidence = step.confidence.as_ref();
        let confidence = confidence
            .and_then(|column| self.numbers(column, "no probability, 0 to 1", probability, left));
        let entropy = step.entropy.as_ref();
        let entropy =
            entropy.and_then(|column| self.numbers(column, "below 0", |nats| nats >= 0.0, left));
        if guess.is_none() && confidence.is_none() && entropy.is_none() {
            return None;
        }
        if confidence.is_some() || guess.is_some() {
            let name = step.guess.as_ref().map_or("", |guess| guess.name.as_str());
            let guess = guess.unwrap_or_else(|| vec![NO_TOKEN; rows]);
            let grown = self.before.len() != self.after.len();
            let argmax = guess.into_iter().enumerate().map(|(at, guess)| {
                if !self.open(at) {
                    if guess != NO_TOKEN && guess != self.before[at] {
                        self.closed(name, at, left);
                    }
                    return NO_TOKEN;
                }
                // A token that was written was the guess.
                match self.written(at).filter(|_| !grown) {
                    Some(written) => {
                        if guess != NO_TOKEN && guess != written {
                            left.value(format!("`{name}` where another token was written"), || {
                                format!("{guess} in step {}, position {at}", self.record)
                            });
                        }
                        written
                    }
                    None => guess,
                }
            });
            made = made.with(Column::Argmax, Data::Ids(argmax.collect()));
        }
        if let Some(confidence) = confidence {
            made = made.with(Column::PArgmax, Data::Numbers(confidence));
        }
        if let Some(entropy) = entropy {
            made = made.with(Column::Entropy, Data::Numbers(entropy));
        }
        Some(made)
    }

    /// A column's values of the generated region.
    fn rows<T: Copy>(&self, column: &Of<T>, left: &mut SkippedInput) -> Option<Vec<T>> {
        let rows = placed(&column.values, self.before.len(), self.prompt);
        if rows.is_none() {
            left.value(format!("`{}` of another number of positions", column.name), || {
                let (has, positions) = (column.values.len(), self.before.len());
                format!("{has} values for {positions} positions in step {}", self.record)
            });
        }
        rows
    }

    /// Numbers of open positions; those that do not `fit` are `wrong`.
    fn numbers(
        &self,
        column: &Of<f32>,
        wrong: &str,
        fit: impl Fn(f32) -> bool,
        left: &mut SkippedInput,
    ) -> Option<Vec<f32>> {
        let rows = self.rows(column, left)?;
        let numbers = rows.into_iter().enumerate().map(|(at, number)| {
            if number.is_nan() {
                return number;
            }
            if !self.open(at) {
                self.closed(&column.name, at, left);
                return f32::NAN;
            }
            if !fit(number) {
                left.value(format!("`{}` that is {wrong}", column.name), || {
                    format!("{number} in step {}, position {at}", self.record)
                });
                return f32::NAN;
            }
            number
        });
        Some(numbers.collect())
    }

    /// Notes a value of a position that nothing was decided on.
    fn closed(&self, name: &str, at: usize, left: &mut SkippedInput) {
        left.value(format!("`{name}` of positions that were written before"), || {
            format!("in step {}, position {at}", self.record)
        });
    }
}
