//! A verdict in the words of the format: its rule, the value and the threshold.

use super::Verdict;

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

impl Reason {
    /// A rule, the value that it compares and what with.
    pub(super) fn of(rule: &'static str, value: Option<f32>, threshold: Option<f32>) -> Self {
        Self { rule: Some(rule), value, threshold }
    }
}

impl Verdict {
    /// The value that its rule compares and the bound it is compared with, where it has them: a
    /// confidence and a threshold with most rules.
    pub fn numbers(&self) -> (Option<f32>, Option<f32>) {
        let Reason { value, threshold, .. } = self.reason();
        match *self {
            Self::Fill { p, rule, .. }
            | Self::Replace { p, rule, .. }
            | Self::ExpandToken { p, rule, .. }
            | Self::Split { p, rule, .. }
            | Self::Delete { p, rule, .. } => {
                rule.confidence(p).map_or((value, threshold), |p| (Some(p), None))
            }
            Self::Left { p, rule } => {
                rule.confidence(p).map_or((value, threshold), |p| (Some(p), None))
            }
            Self::Remask { p, rule, .. } if rule.beside_confidence() => (p, None),
            _ => (value, threshold),
        }
    }

    /// The rule behind it.
    pub fn reason(&self) -> Reason {
        match *self {
            Self::Unchanged | Self::Grown { .. } | Self::Unrecorded => Reason::default(),
            Self::Fill { p, rule, threshold, .. } | Self::Replace { p, rule, threshold, .. } => {
                rule.reason(p, threshold)
            }
            Self::ExpandToken { p, rule, .. }
            | Self::Split { p, rule, .. }
            | Self::Delete { p, rule, .. } => rule.reason(p, None),
            Self::Remask { rule, .. } => rule.reason(),
            Self::Expand { p, threshold, .. } => Reason::of("low", Some(p), Some(threshold)),
            Self::Forced { p, .. } => Reason::of("by_hand", Some(p), None),
            Self::Refused { p, threshold, rule } => {
                Reason::of(rule.name(), Some(p), Some(threshold))
            }
            Self::Left { p, rule } => rule.reason(p),
        }
    }
}
