//! What a run comes to, in a few figures and small pictures: all that is kept of its recording.

use super::thumbnail::{Thumbnail, sampled};
use crate::{
    compare::{Figures, RunPath},
    decode::Finish,
    inspect::{self, OrderMeasures},
    predict::Vocabulary as _,
    trace::Recording,
};

/// Points of the length curve, at most.
const MOST_POINTS: usize = 64;

/// Characters of a prompt or an answer that are kept.
const LONGEST_TEXT: usize = 400;

/// Characters of a name that are kept.
const LONGEST_NAME: usize = 80;

/// What the diagnosis of a run says first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstFinding {
    /// The lint that found it, by its name.
    pub lint: &'static str,
    /// The finding in words, with the steps and positions.
    pub text: String,
    /// What to do about it.
    pub advice: String,
    /// How many findings there are besides.
    pub more: usize,
}

/// The branch of a recording that was left last, summed up.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// The model's name; empty where the recording does not say.
    pub model: String,
    /// The strategy's name; empty where the recording does not say.
    pub strategy: String,
    /// The beginning of the prompt.
    pub prompt: String,
    /// The beginning of the answer.
    pub answer: String,
    /// Steps and edits of the branch.
    pub steps: usize,
    /// Predictions that the strategy asked for.
    pub nfe: usize,
    /// N_token: the length of the generated region, positions.
    pub length: usize,
    /// E_token: positions that hold neither a mask nor EOS.
    pub e_token: usize,
    /// Masked positions at the end.
    pub masks: usize,
    /// In what order the answer was unmasked.
    pub order: OrderMeasures,
    /// Why the run is over; `None` if it is not.
    pub finish: Option<Finish>,
    /// The first finding of the diagnosis.
    pub finding: Option<FirstFinding>,
    /// What the reader says of the file, such as that it is cut.
    pub notices: Vec<String>,
    /// The length over the steps, the start first; of a long run some of the steps.
    pub lengths: Vec<u32>,
    /// Position × step, much reduced.
    pub waterfall: Thumbnail,
}

impl RunSummary {
    /// Sums a recording up.
    pub fn of(recording: &Recording) -> Self {
        let session = recording.session();
        let end = recording.recorded.end;
        let run = RunPath { session: &session, end };
        let figures = Figures::of(run);
        let path = session.timeline().path(end);
        let findings = inspect::lint(&session, &*recording.vocabulary, end);
        let more = findings.len().saturating_sub(1);
        let length = |node| session.timeline()[node].canvas.len();
        let header = &recording.header;
        Self {
            model: beginning(&header.model.name, LONGEST_NAME),
            strategy: beginning(&header.strategy, LONGEST_NAME),
            prompt: beginning(&recording.prompt(), LONGEST_TEXT),
            answer: beginning(&recording.vocabulary.text(&run.answer()), LONGEST_TEXT),
            steps: path.len().saturating_sub(1),
            nfe: figures.nfe,
            length: figures.n_token,
            e_token: figures.e_token,
            masks: run.canvas().masks(),
            order: OrderMeasures::of(run.canvas()),
            finish: figures.finish,
            finding: findings.into_iter().next().map(|first| FirstFinding {
                lint: first.lint.name(),
                text: beginning(&first.to_string(), LONGEST_TEXT),
                advice: beginning(&first.advice, LONGEST_TEXT),
                more,
            }),
            notices: recording
                .notices
                .iter()
                .map(|notice| beginning(notice, LONGEST_TEXT))
                .collect(),
            lengths: sampled(path.len(), MOST_POINTS)
                .map(|step| u32::try_from(length(path[step])).unwrap_or(u32::MAX))
                .collect(),
            waterfall: Thumbnail::of(&session, &path),
        }
    }

    /// E_token / NFE; `None` where no prediction was asked for.
    pub fn tokens_per_pass(&self) -> Option<f64> {
        (self.nfe > 0).then(|| self.e_token as f64 / self.nfe as f64)
    }
}

/// The beginning of a text, with an ellipsis where it is cut.
fn beginning(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace;

    #[test]
    fn long_texts_are_cut_between_characters() {
        for (text, most, expected) in [("", 2, ""), ("äb", 2, "äb"), ("äbc", 2, "äb…")] {
            assert_eq!(beginning(text, most), expected);
        }
    }

    #[test]
    fn shipped_recordings_are_summed_up() {
        for (name, strategy, steps, nfe, length, finish, finding) in [
            ("short-answer", "daedal", 2, 2, 40, Some("complete"), None),
            ("wrong-count", "daedal", 9, 9, 40, Some("complete"), Some("early-punctuation")),
            ("edited-away", "joint_threshold", 10, 10, 44, Some("eos"), Some("low-confidence")),
        ] {
            let path = format!("recordings/{name}.jsonl");
            let summary = RunSummary::of(&trace::read(path.as_ref()).unwrap());
            let found = summary.finding.as_ref().map(|finding| finding.lint);
            assert_eq!(
                (&*summary.strategy, summary.steps, summary.nfe, summary.length),
                (strategy, steps, nfe, length),
                "{name}"
            );
            assert_eq!((summary.finish.map(Finish::name), found), (finish, finding), "{name}");
            assert_eq!(summary.lengths.last(), Some(&(summary.length as u32)));
            assert!(summary.lengths.len() <= MOST_POINTS);
        }
    }
}
