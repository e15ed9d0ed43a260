//! N_token and E_token of a generated text, counted as DAEDAL's published metric scripts count
//! them: on the text, not on the canvas that it is.
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use candle_core::Device;
//! use demask::{
//!     canvas::Canvas,
//!     eval::tokens::Generation,
//!     model::{Computing, ModelSource, open},
//! };
//!
//! let go_on = &mut |_: &_| ControlFlow::Continue(());
//! let model = open(&ModelSource::Embedded, &Computing::on(Device::Cpu), go_on)?;
//! let special = model.special.tokens;
//! let canvas = Canvas::holding(vec![], &[special.eos; 3], special);
//! let counted = Generation::of(&model.tokenizer, &canvas, true, &[])?;
//! assert_eq!((counted.n_token, counted.e_token), (3, 0), "all of it is padding");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::{
    canvas::{Canvas, TokenId},
    model::Encoder,
    predict::Piece,
};

/// What every published script takes for padding, wherever it stands.
const PADDING: &str = "<|endoftext|>";

/// A generation as the published scripts see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Generation {
    /// The canvas as text, special tokens by their names.
    pub text: String,
    /// N_token: tokens that the tokenizer makes of the text, without adding any.
    pub n_token: usize,
    /// E_token: those of them that are no padding.
    pub e_token: usize,
}

impl Generation {
    /// What a canvas comes to. The model's own end-of-sequence token is padding, and so is what
    /// the benchmark `also` takes for it. `over` says that the strategy ended the run: what is
    /// masked then is a token to the scripts; before, it is not known what it will hold, and it
    /// does not count as effective.
    ///
    /// # Errors
    /// In words, if the tokenizer cannot decode it.
    pub fn of(
        tokenizer: &dyn Encoder,
        canvas: &Canvas,
        over: bool,
        also: &[&str],
    ) -> Result<Self, String> {
        let generated = canvas.cells().iter().filter(|cell| !cell.is_given());
        let ids: Vec<TokenId> = generated.map(|cell| cell.token).collect();
        let text = tokenizer.whole_text(&ids)?;
        let n_token = tokenizer.count(&text);
        let name = |id: TokenId| match tokenizer.piece(id) {
            Some(Piece::Control(name)) => Some(name),
            _ => None,
        };
        let special = canvas.special();
        let eos = name(special.eos);
        let mask = name(special.mask).filter(|_| !over);
        let mut names: Vec<&str> = [PADDING].into_iter().chain(also.iter().copied()).collect();
        names.extend(eos.as_deref().into_iter().chain(mask.as_deref()));
        names.sort_unstable();
        names.dedup();
        let padding: usize = names.into_iter().map(|name| text.matches(name).count()).sum();
        // A name can stand in a text without being a token of it.
        Ok(Self { n_token, e_token: n_token.saturating_sub(padding), text })
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use candle_core::Device;
    use serde::Deserialize;

    use super::*;
    use crate::{
        eval::{
            EvalRow,
            problems::{Checker, ModelAnswer, Problem},
            report,
        },
        model::{self, Computing, ModelSource},
    };

    #[derive(Deserialize)]
    struct Reference {
        printed: Printed,
        generations: Vec<Published>,
    }

    /// What a published script prints for all of them.
    #[derive(Deserialize)]
    struct Printed {
        accuracy: Option<String>,
        n_token: String,
        e_token: String,
        e_ratio: String,
    }

    #[derive(Deserialize)]
    struct Published {
        ids: Vec<TokenId>,
        target: String,
        text: String,
        n_token: usize,
        e_token: usize,
        correct: Option<bool>,
    }

    fn check(checker: Checker, reference: &str) {
        let name = checker.name();
        let reference: Reference = serde_json::from_str(reference).unwrap();
        let go_on = &mut |_: &_| ControlFlow::Continue(());
        let model =
            model::load(&ModelSource::Embedded, &Computing::on(Device::Cpu), go_on).unwrap();
        let row = report::fake::rows(1).0.swap_remove(0);
        let (mut rows, mut longer) = (Vec::new(), 0);
        for (problem, published) in reference.generations.iter().enumerate() {
            let canvas = Canvas::holding(&[][..], &published.ids, model.facts.special);
            let found =
                Generation::of(&*model.tokenizer, &canvas, true, checker.padding()).unwrap();
            let Published { text, n_token, e_token, .. } = published;
            assert_eq!((&found.text, found.n_token, found.e_token), (text, *n_token, *e_token));
            let problem_set = Problem {
                number: problem,
                expected: Some(published.target.clone()),
                ..Problem::default()
            };
            let written = ModelAnswer { text: "", whole: &found.text };
            let verdict = checker.check(&problem_set, written, None).unwrap();
            assert_eq!(verdict.correct, published.correct, "{name}: {text:?}");
            longer += usize::from(canvas.len() != found.n_token);
            rows.push(EvalRow {
                problem,
                n_token: found.n_token,
                e_token: found.e_token,
                correct: verdict.correct,
                ..row.clone()
            });
        }
        assert!(longer > 10, "{name} has no text that the tokenizer would write otherwise");
        let all = &report::summarize(&rows, &[])[0].all;
        let Printed { accuracy, n_token, e_token, e_ratio } = reference.printed;
        if let Some(accuracy) = accuracy {
            assert_eq!(format!("{:.2}", 100.0 * all.accuracy.unwrap().mean), accuracy, "{name}");
        }
        assert_eq!(format!("{:.2}", all.n_token.mean), n_token, "{name}");
        assert_eq!(format!("{:.2}", all.e_token.mean), e_token, "{name}");
        assert_eq!(format!("{:.2}", all.e_percent.unwrap()), e_ratio, "{name}");
    }

    #[test]
    fn figures_are_those_that_the_published_scripts_print() {
        check(Checker::Gsm8k, include_str!("../../tests/eval-metrics/gsm8k.json"));
        check(Checker::Math, include_str!("../../tests/eval-metrics/math500.json"));
        check(Checker::HumanEval, include_str!("../../tests/eval-metrics/humaneval.json"));
        check(Checker::Mbpp, include_str!("../../tests/eval-metrics/mbpp.json"));
    }
}
