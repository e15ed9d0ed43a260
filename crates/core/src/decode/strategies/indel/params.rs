//! The parameters of `indel`, under the names of SGLang's algorithm and of the checkpoint's config.json.

use crate::{
    canvas::TokenId,
    decode::{
        Affects, DecodeError, ParamSpec, Params, TokenList,
        block_diffusion::BlockShape,
        specs::{GRID, GROWING_BLOCK, GROWING_LENGTH, count, switch, threshold, tokens},
    },
};

/// The parameter that says which token deletes.
const DELETE_TOKEN: &str = "delete_token_id";

/// The parameter that says which token inserts.
const SPLIT_TOKEN: &str = "split_token_id";

/// The declarations, in the order of the screen.
pub(super) const SPECS: &[ParamSpec] = &[
    threshold(
        "threshold",
        "τ",
        0.5,
        "Masked positions of the block with a confidence over this are unmasked; if there are too \
         few, the best",
    ),
    ParamSpec {
        aliases: &["editing_threshold"],
        ..threshold(
            "edit_threshold",
            "τ_edit",
            0.0,
            "Tokens of the block give way to another one that is more probable than this",
        )
    },
    ParamSpec {
        aliases: &["max_post_steps"],
        unit: "steps",
        ..count(
            "max_post_edit_steps",
            "post",
            (0, 16, 1),
            Affects::Decide,
            "Passes over a block without masks of its own, the last of which fills all that is left",
        )
    },
    GROWING_LENGTH,
    GROWING_BLOCK,
    tokens(
        DELETE_TOKEN,
        "delete",
        "The token that deletes a position where it is predicted; the checkpoint's own if its \
         config.json names one",
    ),
    tokens(
        SPLIT_TOKEN,
        "split",
        "The token that puts a mask before a position where it is predicted; the checkpoint's own if \
         its config.json names one",
    ),
    ParamSpec {
        affects: Affects::Decide,
        ..switch(
            "eos_early_stop",
            "EOS ends",
            true,
            "An end-of-sequence token ends the run with its block",
        )
    },
    GRID,
];

/// The parameters, typed.
pub(in crate::decode) struct Settings {
    pub threshold: f32,
    pub edit_threshold: f32,
    pub max_post_steps: usize,
    pub blocks: BlockShape,
    /// The tokens named as the one that deletes.
    delete: TokenList,
    /// The tokens named as the one that inserts.
    split: TokenList,
    pub eos_early_stop: bool,
}

impl Settings {
    pub(super) fn of(params: &Params) -> Result<Self, DecodeError> {
        Ok(Self {
            threshold: params.float("threshold")? as f32,
            edit_threshold: params.float("edit_threshold")? as f32,
            max_post_steps: params.count("max_post_edit_steps")?,
            blocks: BlockShape::of(params)?,
            delete: params.tokens(DELETE_TOKEN)?,
            split: params.tokens(SPLIT_TOKEN)?,
            eos_early_stop: params.switch("eos_early_stop")?,
        })
    }

    /// The token that deletes, if there is exactly one.
    pub(super) fn delete(&self) -> Option<TokenId> {
        only(self.delete)
    }

    /// The token that inserts, if there is exactly one.
    pub(super) fn split(&self) -> Option<TokenId> {
        only(self.split)
    }

    /// Refuses a run without two tokens that delete and insert, neither of which is the mask.
    pub(super) fn check(&self, mask: TokenId) -> Result<(), DecodeError> {
        let unfit = |problem: String| Err(DecodeError::Unfit(problem));
        let named = [
            (DELETE_TOKEN, self.delete, "deletes a position"),
            (SPLIT_TOKEN, self.split, "puts a mask before a position"),
        ];
        for (name, list, does) in named {
            match list.ids() {
                [] => {
                    return unfit(format!(
                        "indel needs one token that {does}, and this model names none as {name}. Name \
                         one with --{}, or choose another --strategy",
                        name.replace('_', "-")
                    ));
                }
                [token] if *token == mask => {
                    return unfit(format!(
                        "{name} {token} is the model's mask. Name a token of its own"
                    ));
                }
                [_] => {}
                many => return unfit(format!("{name} takes one token, not {}", many.len())),
            }
        }
        match (self.delete(), self.split()) {
            (Some(delete), Some(split)) if delete == split => unfit(format!(
                "{DELETE_TOKEN} and {SPLIT_TOKEN} are both {split}: a token either deletes or inserts. \
                 Name two tokens"
            )),
            _ => Ok(()),
        }
    }
}

fn only(list: TokenList) -> Option<TokenId> {
    match list.ids() {
        [token] => Some(*token),
        _ => None,
    }
}
