//! A verdict in the words of the format: its rule, the value and the threshold.

use super::{FillRule, LeftRule, RefuseRule, RemaskRule, Verdict};

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

impl Verdict {
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
                LeftRule::After { .. } => of("after", Some(p), None),
                LeftRule::InRun { threshold, .. } => of("in_run", Some(p), Some(threshold)),
                LeftRule::Waits { .. } => of("waits", Some(p), None),
            },
        }
    }
}
