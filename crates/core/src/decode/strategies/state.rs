//! The states of all strategies as one type, which recordings hold.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{cal, daedal, dreamon, entropy_bound, indel, remdm, rho_eos, wino};
use crate::decode::{DecisionOf, block_diffusion, blocks};

/// What a strategy remembers between steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "strategy", rename_all = "snake_case")]
pub enum State {
    /// Of [`daedal`], whose canvas grows.
    Daedal(daedal::State),
    /// Of every strategy that fills a canvas of fixed length, block after block.
    Blocks(blocks::State),
    /// Of [`remdm`], which remembers how confident tokens were.
    Remdm(remdm::State),
    /// Of [`rho_eos`], whose canvas grows and shrinks.
    RhoEos(rho_eos::State),
    /// Of [`wino`], which verifies what it unmasked.
    Wino(wino::State),
    /// Of every strategy whose canvas grows block after block. Since format 1.7.
    BlockDiffusion(block_diffusion::State),
    /// Of [`cal`], which tries lengths. Since format 1.7.
    Cal(cal::State),
    /// Of [`dreamon`], whose canvas grows and shrinks. Since format 1.7.
    #[serde(rename = "dreamon")]
    DreamOn(dreamon::State),
    /// Of [`entropy_bound`], whose canvas starts from noise. Since format 1.7.
    EntropyBound(entropy_bound::State),
    /// Of [`indel`], whose blocks' content grows and shrinks. Since format 1.7.
    Indel(indel::State),
    /// Of another program: what it remembers is not known.
    #[serde(other)]
    #[schemars(skip)]
    Foreign,
}

/// What a step does, with the state of any strategy.
pub type Decision = DecisionOf<State>;

/// A strategy's own state within [`State`].
pub(super) trait OwnState: Clone {
    /// Its own state, if it is one.
    fn of(state: &State) -> Option<&Self>;

    /// The state as any strategy's.
    fn any(self) -> State;
}

/// A row for each variant of [`State`] that a strategy of this program has.
macro_rules! own {
    ($($variant:ident: $own:ty),*) => { $(
        impl OwnState for $own {
            fn of(state: &State) -> Option<&Self> {
                match state {
                    State::$variant(state) => Some(state),
                    _ => None,
                }
            }

            fn any(self) -> State {
                State::$variant(self)
            }
        }
    )* };
}

own! {
    Daedal: daedal::State,
    Blocks: blocks::State,
    Remdm: remdm::State,
    RhoEos: rho_eos::State,
    Cal: cal::State,
    DreamOn: dreamon::State,
    EntropyBound: entropy_bound::State,
    Indel: indel::State,
    Wino: wino::State,
    BlockDiffusion: block_diffusion::State
}

impl State {
    /// Stage and first position of the block in work.
    pub fn place(&self) -> (u8, usize) {
        match self {
            Self::Daedal(state) => (state.stage, state.cursor),
            Self::Blocks(state) => (1, state.cursor),
            Self::Remdm(_) | Self::DreamOn(_) | Self::EntropyBound(_) | Self::Foreign => (1, 0),
            Self::RhoEos(state) => (1, state.cursor),
            Self::Wino(state) => (1, state.cursor),
            Self::Cal(state) => state.filling.as_ref().map_or((1, 0), |state| (2, state.cursor)),
            Self::BlockDiffusion(state) => (1, state.cursor),
            Self::Indel(state) => (1, state.cursor),
        }
    }
}
