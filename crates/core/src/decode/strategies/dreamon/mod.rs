//! `dreamon`: Dream with a token that stands for two masks, and deletion (arXiv 2602.01326;
//! DreamLM/DreamOn, `eval/generator.py`, and `generation_utils.py` of its checkpoint).
//!
//! A step decides the best position, or a few. What is predicted there is written, but for two
//! tokens: the *expand token* becomes two masks, and the end of sequence deletes the mask, and with
//! `pad_eos_to_right` every mask behind the first end of sequence. Once the canvas is as long as it
//! may be, or all expansions are used up, the expand token is made impossible.
//!
//! Differences to the source: where several positions of a step would expand and there is room for
//! fewer, the best do (there the end of the text is cut off); more positions than there are masks are
//! all of them (there it fails); an expand token in the prompt, the suffix or given text stays; a run
//! whose steps change nothing any more ends as stagnant.

mod params;
mod picks;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(in crate::decode) use params::Settings;

use crate::{
    canvas::{Canvas, FixedText, SpecialTokens},
    decode::{
        DecisionOf, DecodeError, Finish, ParamSpec, Params, Phase, Plan, Preset, TokenList, Value,
        ask::PassOptions,
        blocks::{Over, is_zero},
        filtering::{PLAIN, SCORED},
        strategy::{Context, Strategy},
    },
    predict::Prediction,
};

/// The most masks at which every number of positions a step is tried for one that changes it.
const FEW_MASKS: usize = 256;

/// What `dreamon` remembers between steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DreamOnState")]
pub struct State {
    /// Steps made, or made since the user edited the canvas.
    pub step: usize,
    /// Expansions made.
    pub expanded: usize,
    /// Steps since one changed the canvas.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub idle: u32,
    /// No later step can change anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Over>,
}

/// The strategy `dreamon`: masks become two, or none, where the model says so.
#[derive(Debug, Clone, Copy)]
pub struct DreamOn;

impl Settings {
    /// True if a step on this canvas may expand nothing.
    fn is_used_up(&self, canvas: &Canvas, state: &State) -> bool {
        canvas.generated() >= self.max_length || state.expanded >= self.budget
    }
}

impl Strategy for DreamOn {
    type State = State;
    type Settings = Settings;

    const NAME: &'static str = "dreamon";
    const PARAMS: &'static [ParamSpec] = params::SPECS;
    const PRESETS: &'static [Preset] = params::PRESETS;

    fn settings(params: &Params) -> Result<Settings, DecodeError> {
        Settings::of(params)
    }

    fn start(
        settings: &Settings,
        text: &FixedText,
        special: SpecialTokens,
    ) -> Result<(Canvas, State), DecodeError> {
        let unfit = |problem: String| Err(DecodeError::Unfit(problem));
        match settings.expand() {
            None if !settings.named.ids().is_empty() => {
                return unfit(format!(
                    "expand_token_id takes one token, not {}",
                    settings.named.ids().len()
                ));
            }
            None => {
                return unfit(
                    "dreamon needs one token that becomes two masks, and this model has no <|expand|>. \
                     Name one with --expand-token-id, or choose another --strategy"
                        .to_owned(),
                );
            }
            Some(token) if token == special.mask || token == special.eos => {
                let what = if token == special.mask { "mask" } else { "end of sequence" };
                return unfit(format!(
                    "expand_token_id {token} is the model's {what}. Name a token of its own"
                ));
            }
            Some(_) => {}
        }
        // Holes are as long as they are: too long, they do not grow.
        if text.length().is_none() && settings.first_length > settings.max_length {
            return unfit(format!(
                "min_gen_len {} is more than max_gen_len {}: the reference has no room for its masks. \
                 Take a max_gen_len of at least {}",
                settings.first_length, settings.max_length, settings.first_length
            ));
        }
        let state = State { step: 0, expanded: 0, idle: 0, over: None };
        Ok((text.canvas(settings.first_length, special), state))
    }

    fn plan(at: Context<Self>) -> Plan<PassOptions> {
        let Context { canvas, state, settings } = at;
        if !(0..canvas.len()).any(|at| canvas.is_open(at)) {
            let pinned = canvas.masks() > 0;
            return Plan::Done(if pinned { Finish::OutOfSteps } else { Finish::Complete });
        }
        if let Some(over) = state.over {
            return Plan::Done(over.finish(canvas));
        }
        if state.step >= settings.steps {
            return Plan::Done(Finish::OutOfSteps);
        }
        let used_up = settings.expand().filter(|_| settings.is_used_up(canvas, state));
        Plan::Predict(PassOptions {
            columns: if settings.score.is_some() { SCORED } else { PLAIN },
            score: settings.score,
            shift: Some(settings.shift),
            suppressed: TokenList::of(used_up.as_slice()).unwrap_or_default(),
            expands_by: settings.expand(),
            ..settings.filtering.ask()
        })
    }

    fn decide(
        at: Context<Self>,
        prediction: &Prediction,
    ) -> Result<DecisionOf<State>, DecodeError> {
        picks::decide(at, prediction)
    }

    fn edited(at: Context<Self>) -> State {
        State { step: 0, idle: 0, over: None, ..*at.state }
    }

    fn breaks(
        at: Context<Self>,
        name: &str,
        _: Value,
        _: &Prediction,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        let masks = (0..at.canvas.len()).filter(|&place| at.canvas.is_open(place)).count();
        Ok(match name {
            // The run is out of steps with any number up to those made by then.
            "steps" => Some(vec![Value::Int(at.state.step as i64 + 2)]),
            "number_transfer_tokens" if masks <= FEW_MASKS => {
                Some((1..=masks as i64 + 1).map(Value::Int).collect())
            }
            _ => None,
        })
    }

    fn phase(_: Context<Self>) -> Phase {
        Phase { stage: 1, name: "infilling", block: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        canvas::{Edit, Override, TokenId},
        decode::{AnyStrategy, Extras, State as AnyState, Verdict},
        predict::{Column, Data},
    };

    const MASK: TokenId = 9;
    const EOS: TokenId = 8;
    const EXPAND: TokenId = 7;
    const SPECIAL: SpecialTokens = SpecialTokens { mask: MASK, eos: EOS };

    fn params(values: &[(&str, &str)]) -> Params {
        let mut params = Params::defaults(params::SPECS);
        let more = [("expand_token_id", "7"), ("temperature", "0"), ("alg", "maskgit_plus")];
        for (name, value) in more.iter().chain(values) {
            let spec = params.spec(name).unwrap();
            params.set(name, spec.parse(value).unwrap()).unwrap();
        }
        params
    }

    fn begun() -> AnyState {
        AnyState::DreamOn(State { step: 0, expanded: 0, idle: 0, over: None })
    }

    /// A step on masks and tokens, behind a prompt: its canvas and the names of its verdicts.
    fn step(
        canvas: &Canvas,
        values: &[(&str, &str)],
        (choice, p): (&[TokenId], &[f32]),
    ) -> (Vec<TokenId>, String) {
        let prediction = Prediction::new(choice.len())
            .with(Column::Choice, Data::Ids(choice.to_vec()))
            .with(Column::PChoice, Data::Numbers(p.to_vec()));
        let decision = DreamOn.decide(canvas, &begun(), &params(values), &prediction).unwrap();
        let names: Vec<&str> = decision.verdicts.iter().map(Verdict::name).collect();
        (canvas.apply(&decision.edits, 1).unwrap().canvas.tokens(), names.join(" "))
    }

    #[test]
    fn masks_become_a_token_or_two_masks_or_none() {
        let m = MASK;
        let check = |tokens: &[TokenId],
                     values: &[(&str, &str)],
                     choice: &[TokenId],
                     after: &[TokenId],
                     names: &str| {
            let canvas = Canvas::holding([1], tokens, SPECIAL);
            let p: Vec<f32> = (0..tokens.len()).map(|at| 0.9 - 0.1 * at as f32).collect();
            let found = step(&canvas, values, (choice, &p));
            assert_eq!((found.0.as_slice(), found.1.as_str()), (after, names), "{values:?}");
        };
        check(&[m, m], &[], &[5, 6], &[5, m], "fill left");
        check(&[m, 4, m], &[], &[EXPAND, 0, 6], &[m, m, 4, m], "expand_token written left");
        // Every mask behind the end goes, whatever stands between.
        check(&[3, m, 4, m], &[], &[0, EOS, 0, 5], &[3, 4], "written delete written delete");
        let alone = [("pad_eos_to_right", "false")];
        check(&[3, m, 4, m], &alone, &[0, EOS, 0, 5], &[3, 4, m], "written delete written left");
        let kept = [("delete_eos_token", "false")];
        check(&[m, m], &kept, &[EOS, 5], &[EOS, EOS], "fill fill");
        // An end that is there already counts, too.
        check(&[m, EOS, m], &[], &[5, 0, 6], &[5, EOS], "fill written delete");
        // The mask is not written.
        check(&[m, m], &[], &[m, 5], &[m, m], "left left");
        let two = [("number_transfer_tokens", "2")];
        check(&[m, m, m], &two, &[EXPAND, 5, 6], &[m, m, 5, m], "expand_token fill left");
        // Room for one: the better one expands. What is deleted makes room.
        let full = [("number_transfer_tokens", "2"), ("max_gen_len", "3")];
        check(&[m, m], &full, &[EXPAND, EXPAND], &[m, m, m], "expand_token left");
        let three =
            [("number_transfer_tokens", "3"), ("max_gen_len", "3"), ("pad_eos_to_right", "false")];
        check(&[m, m, m], &three, &[EXPAND, EOS, EXPAND], &[m, m, m], "expand_token delete left");
        let spent = [("number_transfer_tokens", "2"), ("expand_budget", "1")];
        check(&[m, m], &spent, &[EXPAND, EXPAND], &[m, m, m], "expand_token left");
        // Where the prompt holds the end, all masks are behind it.
        let canvas = Canvas::holding([EOS, 1], &[m, 3, m], SPECIAL);
        let found = step(&canvas, &[], (&[5, 0, 6], &[0.9, 0.0, 0.5]));
        assert_eq!(
            (found.0.as_slice(), found.1.as_str()),
            ([3].as_slice(), "delete written delete")
        );
    }

    #[test]
    fn what_the_user_asks_comes_first() {
        let ask = |expand: Option<bool>, pinned: bool| {
            let canvas = Canvas::masked([1], 3, SPECIAL);
            let overridden = Override { pinned, expand };
            let slot = canvas.cells()[1].slot;
            canvas.apply(&[Edit::Override { slot, overridden }], 0).unwrap().canvas
        };
        let answer = ([5, 6, 4].as_slice(), [0.9, 0.2, 0.5].as_slice());
        let names = |canvas: &Canvas, values| step(canvas, values, answer).1;
        assert_eq!(names(&ask(Some(true), false), &[]), "left forced left");
        assert_eq!(names(&ask(Some(true), false), &[("max_gen_len", "3")]), "fill refused left");
        let end = ([EOS, 6, 4].as_slice(), answer.1);
        assert_eq!(step(&ask(None, true), &[], end).1, "delete left delete", "pinned masks stay");
        // Where an expansion is forbidden, its token is impossible.
        let plan = |canvas: &Canvas, values| {
            let Plan::Predict(request) =
                DreamOn.plan(canvas, &begun(), &params(values), 1, Extras::NONE).unwrap()
            else {
                panic!("no pass")
            };
            request.suppressed
        };
        assert_eq!(plan(&ask(Some(false), false), &[]), [(1, EXPAND)]);
        let all = [(0, EXPAND), (1, EXPAND), (2, EXPAND)];
        assert_eq!(plan(&ask(Some(false), false), &[("max_gen_len", "3")]), all);
        assert_eq!(plan(&ask(None, false), &[("expand_budget", "0")]), all);
    }

    #[test]
    fn a_run_without_an_expand_token_is_refused() {
        let check = |values: &[(&str, &str)], error: Option<&str>| {
            let started = DreamOn.start(&(&[1]).into(), SPECIAL, &params(values));
            let found = started.err().map(|error| error.to_string());
            match (&found, error) {
                (None, None) => {}
                (Some(found), Some(error)) => assert!(found.contains(error), "{found}"),
                _ => panic!("{found:?}, not {error:?}"),
            }
        };
        check(&[], None);
        check(&[("expand_token_id", "none")], Some("this model has no <|expand|>"));
        check(&[("expand_token_id", "7+6")], Some("one token, not 2"));
        check(&[("expand_token_id", "9")], Some("is the model's mask"));
        check(&[("expand_token_id", "8")], Some("is the model's end of sequence"));
        check(&[("min_gen_len", "65")], Some("min_gen_len 65 is more than max_gen_len 64"));
    }
}
