//! Verdicts as sentences.

use std::fmt;

use super::{
    super::{P, against},
    FillRule, LeftRule, RefuseRule, RemaskRule, Verdict,
};

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
                LeftRule::After { position } => {
                    write!(f, "left: position {position} comes first in the order; {}", P(p))
                }
                LeftRule::InRun { threshold, best: (position, best) } => {
                    let (p, threshold) = against(p, threshold);
                    write!(
                        f,
                        "left: {p} ≤ τ {threshold}; surest of its run of masks is {position} with {}",
                        P(best)
                    )
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
