//! Questions that take passes of their own: which tokens changed a guess (`influence`), and how probable a token is
//! (`probability`). The passes are run in spare time; once known they are part of the session, and of its
//! recording.

use super::{CommandFailed, Debugger, FollowUp, PositionRef, Reply, TokenRef};
use crate::{
    inspect::{
        Influence, InfluenceQuestion, InfluenceSource, ProbabilityQuestion, TokenProbability,
    },
    predict::Key,
    session::QuestionPass,
};

/// A question to the model, which takes passes of its own.
#[derive(Debug, Clone)]
pub enum ModelQuestion {
    /// Which tokens changed a guess.
    Influence(Box<InfluenceQuestion>),
    /// How probable a token is.
    Probability(Box<ProbabilityQuestion>),
}

/// The question that was asked last.
#[derive(Debug, Default)]
pub(super) struct QuestionState {
    question: Option<ModelQuestion>,
    /// No further pass is run for it.
    stopped: bool,
}

impl Debugger {
    /// Asks which of the tokens unmasked before moved the guess at a position.
    pub(super) fn ask_influence(
        &mut self,
        position: PositionRef,
        most: usize,
    ) -> Result<Reply, CommandFailed> {
        let (position, _) = self.cell(position)?;
        let question = InfluenceQuestion::new(&self.session, position, most);
        let question = question.map_err(CommandFailed::new)?;
        let known = question.answer(&self.session).known() > 0;
        if !self.live && !known {
            return Err(CommandFailed::new(
                "the recording does not hold the passes with these tokens remasked: run `influence` \
                 with the model and `--record` to add them",
            ));
        }
        Ok(self.ask(ModelQuestion::Influence(Box::new(question))))
    }

    /// Asks how probable a token is at a position.
    pub(super) fn ask_probability(
        &mut self,
        position: PositionRef,
        token: &TokenRef,
    ) -> Result<Reply, CommandFailed> {
        let (position, _) = self.cell(position)?;
        let token = self.known(self.token(token)?)?;
        let question = ProbabilityQuestion::new(&self.session, position, token);
        let question = question.map_err(CommandFailed::new)?;
        if !self.live && question.answer(&self.session).is_none() {
            return Err(CommandFailed::new(
                "no candidate is on record here, nor a pass that asks about this token: ask where \
                 the model is, with --record, and the recording holds it",
            ));
        }
        Ok(self.ask(ModelQuestion::Probability(Box::new(question))))
    }

    fn ask(&mut self, question: ModelQuestion) -> Reply {
        self.question = QuestionState { question: Some(question), stopped: false };
        Reply::none().then(FollowUp::Question)
    }

    /// The question, while the session stands where it was asked.
    pub fn question(&self) -> Option<&ModelQuestion> {
        let question = self.question.question.as_ref()?;
        let stands = match question {
            ModelQuestion::Influence(question) => question.stands(&self.session),
            ModelQuestion::Probability(question) => question.stands(&self.session),
        };
        stands.then_some(question)
    }

    /// The next pass that the question needs and that is not known: its driver runs it when nothing else
    /// is wanted.
    pub fn question_wanted(&self) -> Option<&QuestionPass> {
        if !self.live || self.question.stopped || self.goal.is_some() {
            return None;
        }
        match self.question()? {
            ModelQuestion::Influence(question) => {
                question.passes().find(|pass| self.session.prediction(pass.key).is_none())
            }
            ModelQuestion::Probability(question) => question.wanted(&self.session),
        }
    }

    /// Runs no further pass for the question, or closes it where it wants none; false if none is asked.
    pub fn stop_question(&mut self) -> bool {
        if self.question().is_none() {
            return false;
        }
        match self.question_wanted().is_some() {
            true => self.question.stopped = true,
            false => self.close_question(),
        }
        true
    }

    /// The question is not asked any longer. Its passes stay known.
    pub fn close_question(&mut self) {
        self.question = QuestionState::default();
    }

    /// A pass has failed: if the question wants it, no further one is run for it; true if so.
    pub fn question_failed(&mut self, key: Key) -> bool {
        let wanted = self.question_wanted().is_some_and(|pass| pass.key == key);
        self.question.stopped |= wanted;
        wanted
    }

    /// The answer to the question about influence, as far as it is known.
    pub fn influence(&self) -> Option<Influence> {
        match self.question()? {
            ModelQuestion::Influence(question) => Some(question.answer(&self.session)),
            ModelQuestion::Probability(_) => None,
        }
    }

    /// The answer in words, as far as it is known.
    pub fn question_text(&self) -> Vec<String> {
        match self.question() {
            None => Vec::new(),
            Some(ModelQuestion::Probability(question)) => vec![self.probability_text(question)],
            Some(ModelQuestion::Influence(question)) => {
                self.influence_text(&question.answer(&self.session))
            }
        }
    }

    fn influence_text(&self, influence: &Influence) -> Vec<String> {
        let mut lines = vec![self.influence_summary(influence)];
        for (source, change) in influence.ranked() {
            let (before, after) = (influence.whole, source.without);
            let (Some(before), Some(after)) = (before, after) else { continue };
            let other = match change.argmax {
                Some(token) => format!(", the argmax becomes {}", self.named(token)),
                None => String::new(),
            };
            lines.push(format!(
                "without {}: {:.4} → {:.4} ({}){other}",
                self.source_named(source),
                before.p,
                after.p,
                change.words()
            ));
        }
        let unknown = influence.sources.len() - influence.known();
        if unknown > 0 && !self.live {
            lines.push(format!(
                "{unknown} more were not asked for when this was recorded: that needs the model"
            ));
        } else if unknown > 0 {
            lines.push(format!("{unknown} more are not known yet"));
        }
        if influence.left_out > 0 {
            let all = influence.sources.len() + influence.left_out;
            lines.push(format!(
                "{} tokens unmasked earlier were left out; `influence #{} {all}` includes them",
                influence.left_out, influence.slot.0
            ));
        }
        lines
    }

    /// What is asked, and how far the answer is known, in a line.
    fn influence_summary(&self, influence: &Influence) -> String {
        let place = match self.session.canvas().position(influence.slot) {
            Some(position) => format!("position {position}"),
            None => format!("slot #{}", influence.slot.0),
        };
        let p = influence.whole.map_or("–".to_owned(), |whole| format!("{:.4}", whole.p));
        let (known, all) = (influence.known(), influence.sources.len());
        format!(
            "influence on {} at {place} (p {p} before step {}): {known} of {all} tokens remasked",
            self.named(influence.token),
            influence.step
        )
    }

    /// A source by its place on the canvas on screen and its token.
    fn source_named(&self, source: &InfluenceSource) -> String {
        let token = self.named(source.token);
        match self.session.canvas().position(source.slot) {
            Some(position) => format!("{token} at {position}"),
            None => format!("{token} at #{}", source.slot.0),
        }
    }

    fn probability_text(&self, question: &ProbabilityQuestion) -> String {
        let token = format!("{} (id {})", self.named(question.token), question.token);
        let place = format!("before step {}", question.asked.step);
        match question.answer(&self.session) {
            Some(TokenProbability::Exact { p, rank: Some(rank) }) => {
                format!("{token}: p {} · rank {rank} · {place}", exactly(p))
            }
            Some(TokenProbability::Exact { p, rank: None }) => {
                format!("{token}: p {} · rank – · {place}", exactly(p))
            }
            Some(TokenProbability::Candidate { p, rank }) => {
                format!("{token}: p {p} (three digits on record) · rank {rank} · {place}")
            }
            Some(TokenProbability::Behind { candidates, p }) if !self.live => format!(
                "{token}: none of the {candidates} candidates on record, so p ≤ {p} · rank \
                 >{candidates} · {place}; more needs the model"
            ),
            _ if self.question.stopped => {
                format!("{token}: its pass was not run; `probability` asks for it again")
            }
            _ => format!("{token}: its pass is on its way"),
        }
    }
}

/// A probability with all of its digits; in powers of ten where it is tiny.
fn exactly(p: f32) -> String {
    if p != 0.0 && p < 1e-6 { format!("{p:e}") } else { p.to_string() }
}
