//! Verdicts: why a position is filled, expanded, refused or left, with the numbers.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::{P, against};
use crate::canvas::TokenId;

/// Reads a number that `f32` holds: a larger one would be infinite, and infinity is no JSON.
///
/// # Errors
/// If it is larger.
pub fn finite<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    let number = f32::deserialize(from)?;
    match number.is_finite() {
        true => Ok(number),
        false => Err(D::Error::custom("a number is too large")),
    }
}

/// A number that may not be finite: null then.
mod nullable {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(number: &f32, to: S) -> Result<S::Ok, S::Error> {
        number.is_finite().then_some(*number).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
        Ok(Option::<f32>::deserialize(from)?.unwrap_or(f32::NAN))
    }
}

/// What a rule compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The confidence, at least τ.
    Confidence,
    /// The confidence, at least 1 − f / (n + 1) for the n-th best.
    Rank,
    /// The entropies of all that are surer, at most γ (Σ H − max H).
    Entropy,
    /// The KL divergence from the step before, under its threshold.
    Divergence,
    /// The probability of the token held as seen without it, at least τ_back.
    Verified,
}

impl Measure {
    /// Every measure.
    pub const ALL: [Self; 5] =
        [Self::Confidence, Self::Rank, Self::Entropy, Self::Divergence, Self::Verified];

    /// The name in traces.
    pub fn name(self) -> &'static str {
        match self {
            Self::Confidence => "confidence",
            Self::Rank => "rank",
            Self::Entropy => "entropy",
            Self::Divergence => "divergence",
            Self::Verified => "verified",
        }
    }

    /// What is measured, the relation that passes, the one that fails, and the bound's symbol.
    fn words(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::Confidence => ("", "≥", "<", "τ"),
            Self::Rank => ("", "≥", "<", "1 − f/(n+1) ="),
            Self::Entropy => ("Σ H − max H ", "≤", ">", "γ"),
            Self::Divergence => ("KL ", "<", "≥", "kl_threshold"),
            Self::Verified => ("", "≥", "<", "τ_back"),
        }
    }
}

/// A value against a bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Test {
    /// What is compared.
    pub measure: Measure,
    /// The position's value; null where it is not finite.
    #[serde(default = "not_finite", with = "nullable")]
    #[schemars(with = "Option<f32>")]
    pub value: f32,
    /// The bound.
    #[serde(deserialize_with = "finite")]
    pub bound: f32,
}

fn not_finite() -> f32 {
    f32::NAN
}

impl Test {
    fn passed(self) -> String {
        let (what, relation, _, symbol) = self.measure.words();
        let (value, bound) = against(self.value, self.bound);
        format!("{what}{value} {relation} {symbol} {bound}")
    }

    fn failed(self) -> String {
        let (what, _, relation, symbol) = self.measure.words();
        let (value, bound) = against(self.value, self.bound);
        format!("{what}{value} {relation} {symbol} {bound}")
    }
}

/// The rule that filled a position.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FillRule {
    /// Its confidence is strictly over the threshold.
    Above,
    /// No position was over the threshold; this is the best of the block.
    BestOfBlock,
    /// Every masked position predicts the mask token; without it this is the best.
    WithoutMask,
    /// It is among the best of a step that fills a fixed number. Since format 1.2.
    Quota {
        /// Its rank, from 1.
        rank: usize,
        /// How many are filled.
        quota: usize,
    },
    /// It passes its test. Since format 1.2.
    Passes(Test),
    /// It does not pass, but the best is always filled. Since format 1.2.
    Best(Test),
    /// It was drawn. Since format 1.2.
    Drawn {
        /// With this chance, 0..=1.
        #[serde(deserialize_with = "finite")]
        chance: f32,
    },
    /// The recording does not say.
    #[serde(skip)]
    Unrecorded,
}

/// The rule that masks a written position again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemaskRule {
    /// It was drawn.
    Drawn {
        /// With this chance, 0..=1.
        #[serde(deserialize_with = "finite")]
        chance: f32,
    },
    /// It does not pass its test.
    Fails(Test),
    /// The recording does not say.
    #[serde(skip)]
    Unrecorded,
}

/// The rule that left a masked position alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LeftRule {
    /// This stage fills nothing.
    Stage,
    /// It is not in the current block.
    OutsideBlock,
    /// Not over the threshold. `best` is the position filled instead, if only one was.
    NotConfident {
        /// τ_high.
        threshold: f32,
        /// Position and confidence of the one filled instead.
        best: Option<(usize, f32)>,
    },
    /// It predicts the mask token, which is never written.
    PredictsMask,
    /// It is not among the best of a step that fills a fixed number.
    Quota {
        /// Its rank, from 1.
        rank: usize,
        /// How many are filled.
        quota: usize,
    },
    /// It does not pass its test.
    Fails(Test),
    /// Its distribution has not settled long enough.
    Settles {
        /// Steps in a row so far.
        steps: usize,
        /// Steps needed.
        of: usize,
    },
    /// It was not drawn.
    NotDrawn {
        /// With this chance of it, 0..=1.
        chance: f32,
    },
    /// It is pinned.
    Pinned,
    /// It is to be expanded, after another one.
    Waits {
        /// The one that comes first.
        first: usize,
    },
}

/// The rule that kept an expansion candidate from being expanded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Refusal")]
pub enum RefuseRule {
    /// The EOS confidence says the length suffices.
    EosConfident {
        /// The EOS confidence.
        #[serde(deserialize_with = "finite")]
        eos: f32,
        /// τ_expand.
        #[serde(deserialize_with = "finite")]
        threshold: f32,
    },
    /// The canvas is at its maximum length.
    AtMaximum {
        /// The length, positions.
        length: usize,
    },
    /// One position a step is expanded, and another one is less confident.
    NotLowest {
        /// The position expanded instead.
        lowest: usize,
        /// Its confidence.
        #[serde(deserialize_with = "finite")]
        p: f32,
    },
    /// A person forbade it. Since format 1.1.
    Forbidden,
    /// It would push a pinned position off the end. Since format 1.1.
    DropsPinned {
        /// That position.
        pinned: usize,
    },
}

/// Why a position fares as it does in a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// It is written already.
    Written,
    /// A token is written.
    Fill {
        /// The token.
        token: TokenId,
        /// Its probability; without the mask token's share under [`FillRule::WithoutMask`].
        p: f32,
        /// The rule.
        rule: FillRule,
        /// τ_high, where the rule goes by it.
        threshold: Option<f32>,
    },
    /// The token held is taken back: the position is masked again.
    Remask {
        /// The token.
        token: TokenId,
        /// Its probability, where the rule goes by one.
        p: Option<f32>,
        /// The rule.
        rule: RemaskRule,
    },
    /// The token held gives way to another one. None of the strategies here does it: it is what
    /// recordings of others show.
    Replace {
        /// The token held.
        was: TokenId,
        /// The one written in its place.
        token: TokenId,
        /// The probability of that one; NaN where it is not known.
        p: f32,
        /// The rule.
        rule: FillRule,
        /// τ_high, where the rule goes by it.
        threshold: Option<f32>,
    },
    /// It becomes `n` masks.
    Expand {
        /// Confidence, 0..=1.
        p: f32,
        /// τ_low.
        threshold: f32,
        /// Masks in its place.
        n: usize,
        /// The EOS confidence.
        eos: f32,
        /// τ_expand.
        eos_threshold: f32,
    },
    /// It becomes `n` masks because a person asked for it.
    Forced {
        /// Confidence, 0..=1.
        p: f32,
        /// Masks in its place.
        n: usize,
    },
    /// It becomes `n` masks; its program does not say why.
    Grown {
        /// Masks in its place.
        n: usize,
    },
    /// Its confidence `p` is under the low threshold, or a person asked for it, but it is not
    /// expanded.
    Refused {
        /// Confidence, 0..=1.
        p: f32,
        /// τ_low.
        threshold: f32,
        /// The rule.
        rule: RefuseRule,
    },
    /// The recording does not say: it was decided by rules this program does not have.
    Unrecorded,
    /// It stays masked.
    Left {
        /// Confidence, 0..=1.
        p: f32,
        /// The rule.
        rule: LeftRule,
    },
}

impl Verdict {
    /// The name in traces and filters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Fill { .. } => "fill",
            Self::Remask { .. } => "remask",
            Self::Replace { .. } => "replace",
            Self::Expand { .. } => "expand",
            Self::Forced { .. } => "forced",
            Self::Grown { .. } => "grown",
            Self::Refused { .. } => "refused",
            Self::Left { .. } => "left",
            Self::Unrecorded => "unrecorded",
        }
    }

    /// The value that its rule compares and the bound it is compared with, where it has them: a
    /// confidence and a threshold with most rules.
    pub fn numbers(&self) -> (Option<f32>, Option<f32>) {
        let reason = self.reason();
        match *self {
            Self::Fill { p, rule: FillRule::Drawn { .. } | FillRule::Unrecorded, .. }
            | Self::Replace { p, rule: FillRule::Drawn { .. } | FillRule::Unrecorded, .. }
            | Self::Left { p, rule: LeftRule::Stage | LeftRule::NotDrawn { .. } } => {
                (Some(p), None)
            }
            Self::Remask { p, rule: RemaskRule::Drawn { .. } | RemaskRule::Unrecorded, .. } => {
                (p, None)
            }
            _ => (reason.value, reason.threshold),
        }
    }

    /// The rule behind it.
    pub fn reason(&self) -> Reason {
        let of = |rule, value, threshold| Reason { rule: Some(rule), value, threshold };
        match *self {
            Self::Written | Self::Grown { .. } | Self::Unrecorded => Reason::default(),
            Self::Fill { p, rule, threshold, .. } | Self::Replace { p, rule, threshold, .. } => {
                match rule {
                    FillRule::Above => of("above", Some(p), threshold),
                    FillRule::BestOfBlock => of("best_of_block", Some(p), threshold),
                    FillRule::WithoutMask => of("without_mask", Some(p), None),
                    FillRule::Quota { .. } => of("quota", Some(p), None),
                    FillRule::Passes(test) => of("passes", Some(test.value), Some(test.bound)),
                    FillRule::Best(test) => of("best", Some(test.value), Some(test.bound)),
                    FillRule::Drawn { chance } => of("drawn", Some(chance), None),
                    FillRule::Unrecorded => Reason::default(),
                }
            }
            Self::Remask { rule, .. } => match rule {
                RemaskRule::Drawn { chance } => of("drawn", Some(chance), None),
                RemaskRule::Fails(test) => of("fails", Some(test.value), Some(test.bound)),
                RemaskRule::Unrecorded => Reason::default(),
            },
            Self::Expand { p, threshold, .. } => of("low", Some(p), Some(threshold)),
            Self::Forced { p, .. } => of("by_hand", Some(p), None),
            Self::Refused { p, threshold, rule } => {
                let name = match rule {
                    RefuseRule::EosConfident { .. } => "eos_confident",
                    RefuseRule::AtMaximum { .. } => "at_maximum",
                    RefuseRule::NotLowest { .. } => "not_lowest",
                    RefuseRule::Forbidden => "forbidden",
                    RefuseRule::DropsPinned { .. } => "drops_pinned",
                };
                of(name, Some(p), Some(threshold))
            }
            Self::Left { p, rule } => match rule {
                LeftRule::Stage => of("stage", None, None),
                LeftRule::OutsideBlock => of("outside_block", Some(p), None),
                LeftRule::NotConfident { threshold, .. } => {
                    of("not_confident", Some(p), Some(threshold))
                }
                LeftRule::PredictsMask => of("predicts_mask", Some(p), None),
                LeftRule::Quota { .. } => of("quota", Some(p), None),
                LeftRule::Fails(test) => of("fails", Some(test.value), Some(test.bound)),
                LeftRule::Settles { .. } => of("settles", Some(p), None),
                LeftRule::NotDrawn { chance } => of("not_drawn", Some(chance), None),
                LeftRule::Pinned => of("pinned", Some(p), None),
                LeftRule::Waits { .. } => of("waits", Some(p), None),
            },
        }
    }

    /// The numbers of this position alone that its text may hold.
    pub fn own_numbers(&self) -> Vec<f32> {
        match *self {
            Self::Written | Self::Grown { .. } | Self::Unrecorded => Vec::new(),
            Self::Fill { p, rule: FillRule::Passes(test) | FillRule::Best(test), .. }
            | Self::Replace { p, rule: FillRule::Passes(test) | FillRule::Best(test), .. }
            | Self::Left { p, rule: LeftRule::Fails(test) } => vec![test.value, test.bound, p],
            Self::Remask { rule: RemaskRule::Fails(test), .. } => vec![test.value],
            Self::Remask { p, .. } => p.into_iter().collect(),
            Self::Fill { p, .. }
            | Self::Replace { p, .. }
            | Self::Expand { p, .. }
            | Self::Forced { p, .. }
            | Self::Refused { p, .. }
            | Self::Left { p, .. } => vec![p],
        }
    }
}

/// The rule behind a verdict, in the words of the format, and what it compares.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Reason {
    /// The rule's name; none where nothing is said.
    pub rule: Option<&'static str>,
    /// The value that it compares: a confidence with most rules, a chance with those that draw.
    pub value: Option<f32>,
    /// What the value is compared with.
    pub threshold: Option<f32>,
}

/// Why a token is written, behind what is done: `filled` or `replaced`.
fn write_rule(
    f: &mut fmt::Formatter,
    done: &str,
    p: f32,
    rule: FillRule,
    threshold: Option<f32>,
) -> fmt::Result {
    let threshold = threshold.unwrap_or(f32::NAN);
    match rule {
        FillRule::Above => {
            let (p, threshold) = against(p, threshold);
            write!(f, "{done}: {p} > τ_high {threshold}")
        }
        FillRule::BestOfBlock => {
            let (p, threshold) = against(p, threshold);
            write!(f, "{done}: best of the block with {p}, none is > τ_high {threshold}")
        }
        FillRule::WithoutMask => write!(
            f,
            "{done}: every position predicts the mask; without it this one is best with {}",
            P(p)
        ),
        FillRule::Quota { rank, quota } => {
            write!(f, "{done}: rank {rank} of the {quota} to fill, with {}", P(p))
        }
        FillRule::Passes(test) => write!(f, "{done}: {}", test.passed()),
        FillRule::Best(test) => write!(f, "{done}: the best always is, although {}", test.failed()),
        FillRule::Drawn { chance } => {
            write!(f, "{done}: drawn with a chance of {}; {}", P(chance), P(p))
        }
        FillRule::Unrecorded if p.is_finite() => {
            write!(f, "{done} with {}: its program does not say why", P(p))
        }
        FillRule::Unrecorded => write!(f, "{done}: its program does not say why"),
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            Self::Written => write!(f, "written before"),
            Self::Unrecorded => write!(f, "its program does not say why"),
            Self::Fill { p, rule, threshold, .. } => write_rule(f, "filled", p, rule, threshold),
            Self::Replace { p, rule, threshold, .. } => {
                write_rule(f, "replaced", p, rule, threshold)
            }
            Self::Remask { rule, .. } => match rule {
                RemaskRule::Drawn { chance } => {
                    write!(f, "masked again: drawn with a chance of {}", P(chance))
                }
                RemaskRule::Fails(test) => write!(f, "masked again: {}", test.failed()),
                RemaskRule::Unrecorded => {
                    write!(f, "masked again: its program does not say why")
                }
            },
            Self::Expand { p, threshold, n, eos, eos_threshold } => {
                let (p, low) = against(p, threshold);
                let (eos, expand) = against(eos, eos_threshold);
                write!(f, "expanded into {n}: {p} < τ_low {low} and EOS {eos} < τ_expand {expand}")
            }
            Self::Forced { n, .. } => write!(f, "expanded into {n}: asked for by hand"),
            Self::Grown { n } => write!(f, "expanded into {n}: its program does not say why"),
            Self::Refused { p, threshold, rule } => {
                if p < threshold {
                    let (p, threshold) = against(p, threshold);
                    write!(f, "not expanded: {p} < τ_low {threshold}, but ")?;
                } else {
                    write!(f, "not expanded, although asked for by hand: ")?;
                }
                match rule {
                    RefuseRule::EosConfident { eos, threshold } => {
                        let (eos, threshold) = against(eos, threshold);
                        write!(f, "EOS {eos} ≥ τ_expand {threshold}")
                    }
                    RefuseRule::AtMaximum { length } => {
                        write!(f, "the length {length} is the maximum")
                    }
                    RefuseRule::NotLowest { lowest, p } => {
                        write!(f, "position {lowest} is lower with {}", P(p))
                    }
                    RefuseRule::Forbidden => write!(f, "it was forbidden by hand"),
                    RefuseRule::DropsPinned { pinned } => {
                        write!(f, "it would drop the pinned position {pinned}")
                    }
                }
            }
            Self::Left { p, rule } => match rule {
                LeftRule::Stage => write!(f, "left: stage 1 only adjusts the length"),
                LeftRule::OutsideBlock => write!(f, "left: not in the current block"),
                LeftRule::NotConfident { threshold, best: None } => {
                    let (p, threshold) = against(p, threshold);
                    write!(f, "left: {p} is not > τ_high {threshold}")
                }
                LeftRule::NotConfident { threshold, best: Some((position, best)) } => {
                    let (p, threshold) = against(p, threshold);
                    let best = P(best);
                    write!(
                        f,
                        "left: {p} is not > τ_high {threshold}; best of the block is {position} with \
                         {best}"
                    )
                }
                LeftRule::Pinned => write!(f, "left: pinned by hand"),
                LeftRule::Quota { rank, quota } => {
                    write!(f, "left: {} is rank {rank}, {quota} are filled", P(p))
                }
                LeftRule::Fails(test) => write!(f, "left: {}", test.failed()),
                LeftRule::Settles { steps, of } => {
                    write!(f, "left: settled for {steps} of {of} steps; {}", P(p))
                }
                LeftRule::NotDrawn { chance } => {
                    write!(f, "left: not drawn, with a chance of {}; {}", P(chance), P(p))
                }
                LeftRule::Waits { first } => {
                    write!(f, "left: to be expanded by hand, after position {first}")
                }
                LeftRule::PredictsMask => {
                    write!(f, "left: it predicts the mask token, which is never written")
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_give_their_numbers() {
        let check = |verdict: Verdict, text: &str| assert_eq!(verdict.to_string(), text);
        let (rule, threshold) = (FillRule::Above, Some(0.9));
        check(Verdict::Fill { token: 1, p: 0.93, rule, threshold }, "filled: 0.930 > τ_high 0.900");
        check(
            Verdict::Replace { was: 2, token: 1, p: 0.93, rule, threshold },
            "replaced: 0.930 > τ_high 0.900",
        );
        check(
            Verdict::Replace {
                was: 2,
                token: 1,
                p: f32::NAN,
                rule: FillRule::Unrecorded,
                threshold: None,
            },
            "replaced: its program does not say why",
        );
        check(
            Verdict::Expand { p: 0.04, threshold: 0.1, n: 8, eos: 0.61, eos_threshold: 0.9 },
            "expanded into 8: 0.0400 < τ_low 0.100 and EOS 0.610 < τ_expand 0.900",
        );
        let rule = RefuseRule::EosConfident { eos: 0.95, threshold: 0.9 };
        check(
            Verdict::Refused { p: 0.04, threshold: 0.1, rule },
            "not expanded: 0.0400 < τ_low 0.100, but EOS 0.950 ≥ τ_expand 0.900",
        );
        let rule = LeftRule::NotConfident { threshold: 0.9, best: Some((41, 0.88)) };
        check(
            Verdict::Left { p: 0.31, rule },
            "left: 0.310 is not > τ_high 0.900; best of the block is 41 with 0.880",
        );
    }
}
