//! `adablock`: blocks that end where the text does: at the delimiter that the first pass of a block
//! is surest of, if it is sure enough of it, else after a fixed width; within a block every position
//! over a threshold is filled, and the best (AdaBlock-dLLM, `llada/generate_adablock.py` of
//! lgxi24/AdaBlock-dLLM, without caches).
//!
//! Delimiters are looked for among the tokens predicted in the next quarter of the length. They are
//! token ids, so there are none by default; the published scripts have 198 for LLaDA, the newline.

use crate::{
    canvas::Canvas,
    decode::{
        Affects, DecodeError, ParamRole, ParamSpec, Params, TokenList, Value,
        ask::PassOptions,
        blocks::{BlockEvidence, BlockPolicy, Ends, Picks, Shape, State},
        ranking::Ranking,
        specs::{GEN_LENGTH, REMASKING, SEED, TEMPERATURE, count, threshold, tokens},
    },
    predict::{Column, Prediction},
};

const SPECS: &[ParamSpec] = &[
    threshold(
        "threshold",
        "τ",
        0.9,
        "Every masked position up to the end of the block whose confidence is at least this is \
         unmasked, and the best",
    ),
    threshold(
        "delimiter_threshold",
        "τ_D",
        0.3,
        "A block ends at the most confident delimiter if its confidence is at least this",
    ),
    ParamSpec {
        affects: Affects::Decide,
        ..tokens(
            "delimiter_ids",
            "D",
            "Token ids that may end a block; for LLaDA 198 is the newline, 11 the comma, 13 the period",
        )
    },
    INIT_BLOCK_LENGTH,
    GEN_LENGTH,
    REMASKING,
    TEMPERATURE,
    SEED,
];

const INIT_BLOCK_LENGTH: ParamSpec = ParamSpec {
    aliases: &["block_length", "block_size"],
    role: ParamRole::Block,
    ..count(
        "init_block_length",
        "block",
        (1, 32, 1),
        Affects::Decide,
        "Width of a block that ends at no delimiter",
    )
};

pub(in crate::decode) struct AdaBlock;

pub(in crate::decode) struct Settings {
    threshold: f32,
    delimiter_threshold: f32,
    delimiters: TokenList,
    shape: Shape,
    ranking: Ranking,
}

impl Settings {
    /// The most confident delimiter behind the cursor: its position and confidence.
    fn delimiter(
        &self,
        state: &State,
        prediction: &Prediction,
    ) -> Result<Option<(usize, f32)>, DecodeError> {
        let (choice, p) = (prediction.ids(Column::Choice)?, prediction.numbers(Column::PChoice)?);
        let length = choice.len();
        let end = state.cursor.saturating_add(length / 4).min(length);
        let found = (state.cursor..end).filter(|&at| self.delimiters.ids().contains(&choice[at]));
        let surest = found.reduce(|best, at| if p[at] > p[best] { at } else { best });
        Ok(surest.map(|at| (at, p[at])))
    }
}

impl BlockPolicy for AdaBlock {
    type Settings = Settings;

    const NAME: &'static str = "adablock";
    const PARAMS: &'static [ParamSpec] = SPECS;

    fn settings(params: &Params) -> Result<Settings, DecodeError> {
        Ok(Settings {
            threshold: params.float("threshold")? as f32,
            delimiter_threshold: params.float("delimiter_threshold")? as f32,
            delimiters: params.tokens("delimiter_ids")?,
            shape: Shape {
                length: params.count(GEN_LENGTH.name)?,
                block: params.count(INIT_BLOCK_LENGTH.name)?,
            },
            ranking: Ranking::of(params)?,
        })
    }

    fn shape(settings: &Settings) -> Shape {
        settings.shape
    }

    fn ask(_: &Canvas, settings: &Settings, _: &State) -> PassOptions {
        settings.ranking.ask()
    }

    fn width(
        canvas: &Canvas,
        state: &State,
        prediction: &Prediction,
        settings: &Settings,
    ) -> Result<Option<usize>, DecodeError> {
        let found = settings.delimiter(state, prediction)?;
        let left = canvas.len().saturating_sub(state.cursor);
        Ok(Some(match found {
            Some((at, p)) if p >= settings.delimiter_threshold => at - state.cursor + 1,
            _ => settings.shape.block.min(left),
        }))
    }

    fn ends(_: &Settings, _: usize) -> Ends {
        Ends::Full { limit: None }
    }

    fn draws(settings: &Settings) -> bool {
        settings.ranking.draws()
    }

    fn pick(evidence: &BlockEvidence, settings: &Settings) -> Result<Picks, DecodeError> {
        Ok(settings.ranking.reaching(evidence, settings.threshold))
    }

    fn breaks(
        name: &str,
        evidence: &BlockEvidence,
        settings: &Settings,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        Ok(match name {
            "threshold" => Some(settings.ranking.bounds(evidence)),
            "delimiter_threshold" => {
                let found = settings.delimiter(&evidence.state, evidence.prediction)?;
                // The first threshold that the delimiter does not reach.
                let over = |(_, p): (usize, f32)| Value::Float(f64::from(p.next_up()));
                Some(found.map(over).into_iter().collect())
            }
            _ => None,
        })
    }
}
