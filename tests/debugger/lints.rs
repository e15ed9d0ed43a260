//! Lints on crafted runs, found and not found, and on the recordings of this repository.

use std::{collections::HashMap, sync::Arc};

use demask::{
    canvas::{Canvas, Edit, Slot, SpecialTokens, TokenId},
    decode::{
        AnyStrategy as _, Decision, Drop, Extras, FillRule, Growth, LeftRule, Mode, Params,
        RefuseRule, State, Value, Verdict, daedal, daedal::Daedal,
    },
    inspect::{self, Finding, Lint},
    predict::{Column, Data, Key, Piece, Prediction, Vocabulary},
    session::{NodeId, NodeOrigin, Session, Step, Timeline, Timing},
};

use super::drive::{recordings, replay};

const SPECIAL: SpecialTokens = SpecialTokens { mask: 99, eos: 98 };
const M: TokenId = SPECIAL.mask;
const E: TokenId = SPECIAL.eos;
/// The token of a full stop.
const DOT: TokenId = 50;

/// The token of a line end.
const LINE: TokenId = 51;
/// What ends a turn of a conversation.
const TURN: TokenId = 97;

/// Words, and a full stop.
struct Texts;

impl Vocabulary for Texts {
    fn piece(&self, id: TokenId) -> Option<Piece> {
        Some(match id {
            DOT => Piece::Text(".".to_owned()),
            LINE => Piece::Text("\n".to_owned()),
            TURN => Piece::Control("<|eot_id|>".to_owned()),
            M | E => Piece::Control(format!("<{id}>")),
            id => Piece::Text(format!(" w{id}")),
        })
    }

    fn ids(&self) -> Vec<TokenId> {
        (0..100).collect()
    }
}

/// A run put together by hand.
struct Run {
    timeline: Timeline,
    at: NodeId,
    store: HashMap<Key, Arc<Prediction>>,
}

impl Run {
    fn on(tokens: &[TokenId]) -> Self {
        let canvas = Arc::new(Canvas::holding(vec![1, 2], tokens, SPECIAL));
        let mut timeline = Timeline::default();
        let params = Arc::new(Params::defaults(Daedal.params()));
        let at = timeline.add_root(canvas, state(2, 0, false), params);
        Self { timeline, at, store: HashMap::new() }
    }

    /// Behind another prompt, with other special tokens or parameters.
    fn with(
        prompt: &[TokenId],
        tokens: &[TokenId],
        special: SpecialTokens,
        set: &[(&str, f64)],
    ) -> Self {
        let mut params = Params::defaults(Daedal.params());
        for &(name, value) in set {
            let value = match params.get(name).unwrap() {
                Value::Int(_) => Value::Int(value as i64),
                _ => Value::Float(value),
            };
            params.set(name, value).unwrap();
        }
        let mut run = Self::on(&[]);
        let canvas = Arc::new(Canvas::holding(prompt, tokens, special));
        run.at = run.timeline.add_root(canvas, state(2, 0, false), Arc::new(params));
        run
    }

    /// The last step was decided on this prediction.
    fn predicted(mut self, argmax: &[TokenId], p: f32) -> Self {
        let node = &self.timeline[self.at];
        let decision = (*node.step().unwrap().decision).clone();
        self.at = node.parent.unwrap();
        self.add(decision);
        let rows = argmax.len();
        let prediction = Prediction::new(rows)
            .with(Column::Argmax, Data::Ids(argmax.to_vec()))
            .with(Column::PArgmax, Data::Numbers(vec![p; rows]));
        self.store.insert(Key(self.at.0 as u128), Arc::new(prediction));
        self
    }

    fn canvas(&self) -> &Canvas {
        &self.timeline[self.at].canvas
    }

    /// A step: fills by position, and verdicts on other positions.
    fn step(
        mut self,
        mode: Mode,
        fills: &[(usize, TokenId, f32)],
        verdicts: &[(usize, Verdict)],
    ) -> Self {
        let before = self.canvas().clone();
        let edits: Vec<Edit> = fills
            .iter()
            .map(|&(at, token, _)| Edit::Fill { slot: before.cells()[at].slot, token })
            .collect();
        let rule = match mode {
            Mode::HighConf => FillRule::Above,
            Mode::Quota => FillRule::Quota { rank: 1, quota: fills.len() },
            Mode::Recorded => FillRule::Unrecorded,
            _ => FillRule::BestOfBlock,
        };
        let left = LeftRule::NotConfident { threshold: 0.9, best: None };
        let mut why: Vec<Verdict> = (0..before.len())
            .map(|at| match before.is_masked(at) {
                true => Verdict::Left { p: 0.5, rule: left },
                false => Verdict::Unchanged,
            })
            .collect();
        verdicts.iter().for_each(|&(at, verdict)| why[at] = verdict);
        for &(at, token, p) in fills {
            why[at] = Verdict::Fill { token, p, rule, threshold: Some(0.9) };
        }
        let depth = self.timeline[self.at].depth + 1;
        let after = before.apply(&edits, depth).unwrap().canvas;
        let cursor = if after.masks() == 0 { after.len() } else { 0 };
        self.add(Decision {
            mode,
            edits,
            verdicts: why.into(),
            dropped: Vec::new(),
            eos: None,
            growth: Growth::Stays,
            next: state(2, cursor, false),
        });
        self
    }

    /// Fills in order, one a step, all sure.
    fn fills(self, fills: &[(usize, TokenId)]) -> Self {
        fills
            .iter()
            .fold(self, |run, &(at, token)| run.step(Mode::HighConf, &[(at, token, 0.95)], &[]))
    }

    /// The last step dropped these as well.
    fn dropping(mut self, tokens: &[Option<TokenId>]) -> Self {
        let node = &self.timeline[self.at];
        let mut decision = (*node.step().unwrap().decision).clone();
        let drop =
            |(at, &token): (usize, &Option<TokenId>)| Drop { slot: Slot(90 + at as u32), token };
        decision.dropped = tokens.iter().enumerate().map(drop).collect();
        self.at = node.parent.unwrap();
        self.add(decision);
        self
    }

    /// The last step leaves this state.
    fn ending(mut self, stagnant: bool) -> Self {
        let node = &self.timeline[self.at];
        let mut decision = (*node.step().unwrap().decision).clone();
        decision.next = state(2, 0, stagnant);
        self.at = node.parent.unwrap();
        self.add(decision);
        self
    }

    /// The last step leaves nothing to do.
    fn over(mut self) -> Self {
        let node = &self.timeline[self.at];
        let mut decision = (*node.step().unwrap().decision).clone();
        decision.next = state(2, node.canvas.len(), false);
        self.at = node.parent.unwrap();
        self.add(decision);
        self
    }

    fn add(&mut self, decision: Decision) {
        let node = &self.timeline[self.at];
        let canvas = node.canvas.apply(&decision.edits, node.depth + 1).unwrap().canvas;
        let (params, state) = (node.params.clone(), decision.next.clone());
        // A key of its own: the number that the node will have.
        let prediction = Key(self.timeline.len() as u128);
        let step = Step { prediction, decision: Arc::new(decision), timing: Timing::default() };
        let made = NodeOrigin::Step(Arc::new(step));
        self.at = self.timeline.add(self.at, Arc::new(canvas), state, params, made);
    }

    fn lint(self) -> Vec<Finding> {
        let extras = Extras::NONE;
        let session = Session::over(&Daedal, extras, self.timeline, self.at, self.store);
        inspect::lint(&session, &Texts, self.at)
    }
}

fn state(stage: u8, cursor: usize, stagnant: bool) -> State {
    State::Daedal(daedal::State { stage, cursor, stagnant })
}

/// Steps and positions of the findings of one kind.
fn found(run: Run, lint: Lint) -> Vec<(Vec<usize>, Vec<usize>)> {
    let findings = run.lint().into_iter().filter(|finding| finding.lint == lint);
    findings.map(|finding| (finding.steps, finding.positions)).collect()
}

fn check(lint: Lint, run: Run, steps: &[usize], positions: &[usize]) {
    assert_eq!(found(run, lint), [(steps.to_vec(), positions.to_vec())], "{lint:?}");
}

fn silent(lint: Lint, run: Run) {
    assert_eq!(found(run, lint), [], "{lint:?}");
}

#[test]
fn a_tail_before_its_answer_is_found() {
    let lint = Lint::PrematureEos;
    let tail = [(4, E), (5, E)];
    let run = |order: &[(usize, TokenId)]| Run::on(&[M; 6]).fills(order);
    check(lint, run(&[&tail[..], &[(0, 3), (1, 4), (2, 5), (3, 6)]].concat()), &[1], &[4]);
    // Half of it is written: it counts as before. Three of four do not.
    check(lint, run(&[&[(0, 3), (1, 4)], &tail[..], &[(2, 5), (3, 6)]].concat()), &[3], &[4]);
    silent(lint, run(&[&[(0, 3), (1, 4), (2, 5)], &tail[..], &[(3, 6)]].concat()));
    // Where predictions are on record, only a tail that took the place of words is too early.
    let drafted = |argmax: &[TokenId]| {
        let rest = [(0, 3), (1, 4), (2, 5), (3, E), (4, E)];
        Run::on(&[M; 6]).fills(&[(5, E)]).predicted(argmax, 0.9).fills(&rest)
    };
    check(lint, drafted(&[3, 4, 5, 6, 7, 8]), &[1], &[5]);
    silent(lint, drafted(&[3, 4, 5, E, E, E]));
    silent(lint, drafted(&[3, 4, 5, 6, 7, E]));
    // Cells appended as EOS were not written.
    silent(lint, Run::on(&[M, M, E, E]).fills(&[(0, 3), (1, 4)]));
}

#[test]
fn tokens_behind_the_first_eos_are_found() {
    let lint = Lint::AfterEos;
    check(lint, Run::on(&[3, E, 4, E]), &[], &[2]);
    check(lint, Run::on(&[3, E, M, M]).fills(&[(3, 4), (2, 5)]), &[1, 2], &[2, 3]);
    silent(lint, Run::on(&[3, 4, E, E]));
    silent(lint, Run::on(&[3, E, M, M]));
    silent(lint, Run::on(&[]));
}

#[test]
fn loops_are_found() {
    let lint = Lint::Repetition;
    check(lint, Run::on(&[7, 3, 4, 3, 4, 3, 4, 8]), &[], &[1, 2, 3, 4, 5, 6]);
    check(lint, Run::on(&[3, 3, 3, 3, 3, M]).fills(&[(5, 3)]), &[1], &[0, 1, 2, 3, 4, 5]);
    silent(lint, Run::on(&[3, 4, 3, 4, 3, 5]));
    // Neither masks nor the tail are a loop.
    silent(lint, Run::on(&[M; 12]));
    silent(lint, Run::on(&[3, E, E, E, E, E, E, E]));
}

#[test]
fn doubtful_fills_are_found() {
    let lint = Lint::LowConfidence;
    let run = |p| Run::on(&[M, M]).step(Mode::Fallback, &[(1, 3, p)], &[]);
    check(lint, run(0.29), &[1], &[1]);
    silent(lint, run(0.3));
    silent(lint, Run::on(&[M]));
}

#[test]
fn punctuation_before_its_word_is_found() {
    let lint = Lint::EarlyPunctuation;
    let rest = [(1, 3), (2, 3), (3, 4), (5, 5), (0, 6)];
    let early = Run::on(&[M; 6]).fills(&[(4, DOT)]).fills(&rest);
    check(lint, early, &[1], &[4]);
    // The same late, or together with the word before it, or in front of everything.
    silent(lint, Run::on(&[M; 6]).fills(&rest[..2]).fills(&[(5, 3), (4, DOT), (3, 4), (0, 6)]));
    let both = Run::on(&[M; 6]).step(Mode::HighConf, &[(3, 7, 0.95), (4, DOT, 0.95)], &[]);
    silent(lint, both.fills(&[(0, 3), (1, 3), (2, 3), (5, 3)]));
    silent(lint, Run::on(&[M; 3]).fills(&[(0, DOT), (1, 3), (2, 3)]));
}

#[test]
fn lost_tokens_are_found() {
    let lint = Lint::DroppedTokens;
    let run = |dropped: &[Option<TokenId>]| Run::on(&[M, M]).fills(&[(0, 3)]).dropping(dropped);
    check(lint, run(&[Some(4), Some(E), None]), &[1], &[]);
    silent(lint, run(&[Some(E), None]));
    silent(lint, run(&[]));
}

#[test]
fn thresholds_without_effect_are_found() {
    let idle = |run: Run| -> Vec<String> {
        let findings = run.lint().into_iter().filter(|found| found.lint == Lint::IdleThreshold);
        findings.map(|finding| finding.text.split(' ').next().unwrap().to_owned()).collect()
    };
    let low = Verdict::Expand { p: 0.05, threshold: 0.1, n: 2, eos: 0.3, eos_threshold: 0.9 };
    let sure = RefuseRule::EosConfident { eos: 0.95, threshold: 0.9 };
    let refused = |rule| Verdict::Refused { p: 0.05, threshold: 0.1, rule };
    const TURNED: &[(&str, f64)] = &[
        ("low_conf_threshold", 0.2),
        ("expand_eos_confidence_threshold", 0.8),
        ("eos_confidence_threshold", 0.6),
    ];
    let masks = |n: usize, set: &[(&str, f64)]| Run::with(&[1, 2], &vec![M; n], SPECIAL, set);
    let high = |verdicts: &[(usize, Verdict)], set: &[(&str, f64)]| {
        masks(3, set).step(Mode::HighConf, &[(0, 3, 0.95)], verdicts)
    };
    let fallback = |set| masks(2, set).step(Mode::Fallback, &[(0, 3, 0.5)], &[]);
    // Who turned a threshold hears that it did nothing.
    for (run, expected) in [
        (masks(3, TURNED), &[][..]),
        (fallback(TURNED), &["high_conf_threshold", "low_conf_threshold"]),
        (high(&[], TURNED), &["low_conf_threshold"]),
        (high(&[(1, low)], TURNED), &["expand_eos_confidence_threshold"]),
        (high(&[(1, low), (2, refused(sure))], TURNED), &[]),
        (high(&[(1, refused(RefuseRule::Forbidden))], TURNED), &["low_conf_threshold"]),
        (
            high(&[(1, refused(sure))], TURNED).step(Mode::Settle, &[], &[]),
            &["eos_confidence_threshold"],
        ),
        (
            high(&[(1, refused(sure))], TURNED).step(Mode::Grow, &[], &[]).step(
                Mode::Settle,
                &[],
                &[],
            ),
            &[],
        ),
    ] {
        assert_eq!(idle(run), expected);
    }
    // What is as the reference has it may be there for other prompts; a fill is wanted in any.
    assert_eq!(idle(fallback(&[])), ["high_conf_threshold"]);
    assert_eq!(idle(high(&[(1, low)], &[]).step(Mode::Settle, &[], &[])), [""; 0]);
    // A preset turns a stage off with a zero on purpose.
    let off = [("low_conf_threshold", 0.0), ("eos_confidence_threshold", 0.0)];
    assert_eq!(idle(high(&[], &off).step(Mode::Settle, &[], &[])), [""; 0]);
}

#[test]
fn many_tokens_a_step_are_found() {
    let lint = Lint::TooFewSteps;
    let at_once = |mode: Mode, n: usize, steps: usize, p: f32| {
        (0..steps).fold(Run::on(&vec![M; n * steps]), |run, step| {
            let fills = (step * n..(step + 1) * n).map(|at| (at, 3 + at as TokenId, p));
            run.step(mode, &fills.collect::<Vec<_>>(), &[])
        })
    };
    check(lint, at_once(Mode::Quota, 8, 3, 0.95), &[1, 2, 3], &[]);
    check(lint, at_once(Mode::Quota, 4, 2, 0.95), &[1, 2], &[]);
    silent(lint, at_once(Mode::Quota, 3, 4, 0.2));
    // Too short to say anything.
    silent(lint, at_once(Mode::Quota, 7, 1, 0.2));
    // A strategy that asks how sure they are may fill as many as it likes.
    silent(lint, at_once(Mode::HighConf, 8, 3, 0.95));
    // Another program's: by what is known of them.
    check(lint, at_once(Mode::Recorded, 8, 3, f32::NAN), &[1, 2, 3], &[]);
    check(lint, at_once(Mode::Recorded, 8, 3, 0.5), &[1, 2, 3], &[]);
    silent(lint, at_once(Mode::Recorded, 8, 3, 0.95));
    silent(lint, at_once(Mode::Recorded, 2, 9, f32::NAN));
    let tail: Vec<_> = (2..30).map(|at| (at, E, f32::NAN)).collect();
    let short = Run::on(&[M; 30]).step(Mode::Recorded, &[(0, 3, 0.5), (1, 4, 0.5)], &[]);
    silent(lint, short.step(Mode::Recorded, &tail, &[]));
    let findings = at_once(Mode::Quota, 8, 4, 0.9).lint();
    let found = findings.iter().find(|found| found.lint == lint).unwrap();
    assert!(
        found.text.starts_with("8 tokens a step: 32 positions were unmasked in 4 steps"),
        "{found}"
    );
    assert!(found.advice.contains("(32) for one a step, or 16 for two"), "{}", found.advice);
}

#[test]
fn an_answer_that_was_cut_is_found() {
    let lint = Lint::CutOff;
    let full = |tokens: &[TokenId], set: &[(&str, f64)]| {
        let fills: Vec<(usize, TokenId)> = tokens.iter().copied().enumerate().collect();
        Run::with(&[1, 2], &vec![M; tokens.len()], SPECIAL, set).fills(&fills).over()
    };
    check(lint, full(&[3, 4, 5], &[]), &[3], &[2]);
    silent(lint, full(&[3, 4, E], &[]));
    // One EOS anywhere is an end, and what is given has none to write.
    silent(lint, full(&[3, E, 5], &[]));
    silent(lint, Run::on(&[M, 3, 4]).fills(&[(0, 5)]).over());
    silent(lint, Run::on(&[M, M]).fills(&[(0, 5)]));
    // The token that ends a turn ends an answer as well.
    silent(lint, full(&[3, 4, TURN], &[]));
    let advice = |run: Run| run.lint().into_iter().find(|found| found.lint == lint).unwrap().advice;
    assert_eq!(
        advice(full(&[3, 4, 5], &[("max_gen_length", 3.0)])),
        "raise `--max-gen-length`, which is 3"
    );
    assert!(advice(full(&[3, 4, 5], &[])).contains("`--initial-gen-length`, which is 64"));
}

#[test]
fn an_empty_answer_is_found() {
    let lint = Lint::PrematureEos;
    check(lint, Run::on(&[M; 3]).fills(&[(2, E), (1, E), (0, E)]), &[1], &[2]);
    let run = Run::on(&[M; 2]).step(Mode::HighConf, &[(0, E, 0.95), (1, E, 0.95)], &[]);
    let found = run.lint().into_iter().find(|found| found.lint == lint).unwrap();
    assert!(found.text.starts_with("the answer is empty: all 2 positions are EOS"), "{found}");
    // Nothing was written there yet.
    silent(lint, Run::on(&[E, E]));
}

#[test]
fn a_wrong_mask_token_is_found() {
    let lint = Lint::WrongMask;
    let masks = |mask: TokenId, eos: TokenId| {
        Run::with(&[1, 2], &[mask; 12], SpecialTokens { mask, eos }, &[]).step(
            Mode::HighConf,
            &[(0, 3, 0.95)],
            &[],
        )
    };
    let predicting = |named: usize, p: f32| {
        let argmax: Vec<TokenId> =
            (0..12).map(|at| if at < named { M } else { 3 + at as TokenId }).collect();
        masks(M, E).predicted(&argmax, p)
    };
    silent(lint, masks(M, E));
    silent(lint, predicting(0, 0.2));
    silent(lint, predicting(5, 0.2));
    check(lint, predicting(6, 0.9), &[1], &[]);
    // It knows nothing of it.
    check(lint, predicting(0, 0.002), &[1], &[]);
    silent(lint, predicting(0, 0.02));
    // Its text says that it is none, whatever is predicted.
    check(lint, masks(7, E), &[], &[]);
    check(lint, masks(E, E), &[], &[]);
}

#[test]
fn logits_that_are_one_off_are_found() {
    let lint = Lint::ShiftedLogits;
    let held: Vec<TokenId> = (10..30).collect();
    let reading = |off: isize| {
        let mut tokens = held.clone();
        tokens[19] = M;
        let argmax: Vec<TokenId> = (0..20).map(|at: isize| (10 + at + off) as TokenId).collect();
        Run::on(&tokens).step(Mode::HighConf, &[(19, 29, 0.95)], &[]).predicted(&argmax, 0.9)
    };
    silent(lint, reading(0));
    let looked: Vec<usize> = (1..18).collect();
    check(lint, reading(1), &[1], &looked);
    check(lint, reading(-1), &[1], &looked);
    // Predictions of neither are a model's own business.
    silent(lint, reading(3));
    // Where tokens repeat nothing can be told.
    let same = Run::on(&[&[7; 19][..], &[M]].concat()).step(Mode::HighConf, &[(19, 7, 0.95)], &[]);
    silent(lint, same.predicted(&[7; 20], 0.9));
}

#[test]
fn a_prompt_that_opens_no_answer_is_found() {
    let lint = Lint::NoAnswerTurn;
    let prompt = |prompt: &[TokenId]| Run::with(prompt, &[M, M], SPECIAL, &[]);
    check(lint, prompt(&[1, 2, TURN]), &[], &[]);
    // A line end behind it opens nothing.
    check(lint, prompt(&[1, 2, TURN, LINE]), &[], &[]);
    check(lint, prompt(&[1, 2, E]), &[], &[]);
    silent(lint, prompt(&[1, 2]));
    silent(lint, prompt(&[1, 2, TURN, 5]));
    silent(lint, prompt(&[TURN]));
    silent(lint, prompt(&[]));
}

#[test]
fn a_canvas_far_too_long_is_found() {
    let lint = Lint::Overshoot;
    let run = |tokens: &[TokenId]| {
        let fills: Vec<(usize, TokenId)> = tokens.iter().copied().enumerate().collect();
        Run::on(&vec![M; tokens.len()]).step(Mode::Settle, &[], &[]).fills(&fills)
    };
    check(lint, run(&[3, 4, E, E, E]), &[1], &[]);
    silent(lint, run(&[3, 4, E, E]));
    // A fixed length is as long from the start: the tail was written step by step.
    let fixed = |tokens: &[TokenId]| {
        let fills: Vec<(usize, TokenId)> = tokens.iter().copied().enumerate().collect();
        Run::on(&vec![M; tokens.len()]).fills(&fills)
    };
    check(lint, fixed(&[3, 4, E, E, E]), &[3, 4, 5], &[2, 3, 4]);
    silent(lint, fixed(&[3, 4, E, E]));
    silent(lint, Run::on(&[M, E, E, E]).fills(&[(0, 3)]));
    // A run that is not over says nothing yet.
    silent(lint, Run::on(&[M; 5]).step(Mode::Settle, &[], &[]).fills(&[(4, E)]));
}

#[test]
fn runs_that_do_not_get_on_are_found() {
    let lint = Lint::Stagnation;
    check(lint, Run::on(&[M; 3]).fills(&[(0, 3)]).ending(true), &[1], &[1, 2]);
    silent(lint, Run::on(&[M; 3]).fills(&[(0, 3)]));
    silent(lint, Run::on(&[M; 2]).fills(&[(0, 3), (1, 4)]));
    let creep = |steps: usize| {
        (0..steps).fold(Run::on(&[M; 20]), |run, at| {
            run.step(Mode::Fallback, &[(at, at as TokenId, 0.5)], &[])
        })
    };
    let all: Vec<usize> = (1..=16).collect();
    check(lint, creep(16), &all, &[]);
    silent(lint, creep(15));
    silent(lint, creep(15).fills(&[(19, 3)]).step(Mode::Fallback, &[(16, 4, 0.5)], &[]));
}

/// On recordings, from any step: the same findings, with steps and positions that are there.
#[test]
fn lints_of_the_recordings_name_what_is_there() {
    let mut all = 0;
    for (name, recording) in recordings() {
        let debugger = replay(&recording);
        let branch = debugger.branch();
        let end = &debugger.session.timeline()[*branch.last().unwrap()];
        let lint = |at| inspect::lint(&debugger.session, &*debugger.vocabulary, at);
        let findings = lint(branch[0]);
        for finding in &findings {
            assert!(finding.steps.iter().all(|&step| (1..branch.len()).contains(&step)), "{name}");
            assert!(finding.positions.iter().all(|&at| at < end.canvas.len()), "{name}");
            assert!(
                finding.steps.is_sorted() && finding.positions.is_sorted(),
                "{name}: {finding}"
            );
            assert!(finding.to_string().starts_with(finding.lint.name()), "{name}");
        }
        let kinds: Vec<Lint> = findings.iter().map(|finding| finding.lint).collect();
        assert!(kinds.is_sorted(), "{name}");
        assert_eq!(lint(branch[branch.len() / 2]), findings, "{name}");
        all += findings.len();
    }
    assert!(all > 0, "nothing at all is found on the recordings");
}
