//! Verdicts as sentences for the inspector, the log and reports.

use std::fmt;

use super::{super::against, FillRule, Verdict};

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            Self::Unchanged => write!(f, "unmasked before"),
            Self::Unrecorded => write!(f, "its program does not say why"),
            Self::Fill { p, rule, threshold, .. } => rule.write(f, "unmasked", p, threshold),
            Self::Replace { p, rule, threshold, .. } => rule.write(f, "replaced", p, threshold),
            Self::Remask { rule, .. } => write!(f, "{rule}"),
            Self::Expand { p, threshold, n, eos, eos_threshold } => {
                let (p, low) = against(p, threshold);
                let (eos, expand) = against(eos, eos_threshold);
                write!(f, "expanded into {n}: {p} < τ_low {low} and EOS {eos} < τ_expand {expand}")
            }
            Self::ExpandToken { p, n, rule, .. } => {
                rule.write(f, &format!("expanded into {n}"), p, None)?;
                write!(f, "; the token for that is predicted")
            }
            Self::Split { p, n, rule, .. } => {
                let masks = if n == 1 { "mask" } else { "masks" };
                rule.write(f, &format!("{n} {masks} put before it"), p, None)?;
                write!(f, "; the token for that is predicted")
            }
            Self::Delete { token, p, rule } => {
                rule.write(f, "deleted", p, None)?;
                match (token, rule) {
                    (_, FillRule::BehindEos { .. }) => Ok(()),
                    (None, _) => write!(f, "; EOS is predicted"),
                    (Some(_), _) => write!(f, "; the token for that is predicted"),
                }
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
                write!(f, "{rule}")
            }
            Self::Left { p, rule } => rule.write(f, p),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{LeftRule, RefuseRule},
        *,
    };

    #[test]
    fn verdicts_give_their_numbers() {
        let check = |verdict: Verdict, text: &str| assert_eq!(verdict.to_string(), text);
        let (rule, threshold) = (FillRule::Above, Some(0.9));
        check(
            Verdict::Fill { token: 1, p: 0.93, rule, threshold },
            "unmasked: 0.930 > τ_high 0.900",
        );
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
        let rule = FillRule::Quota { rank: 1, quota: 1 };
        check(
            Verdict::ExpandToken { token: 7, p: 0.93, n: 2, rule },
            "expanded into 2: rank 1 of the 1 to unmask, with 0.930; the token for that is predicted",
        );
        check(
            Verdict::Delete { token: None, p: 0.93, rule },
            "deleted: rank 1 of the 1 to unmask, with 0.930; EOS is predicted",
        );
        check(
            Verdict::Delete { token: Some(7), p: 0.93, rule: FillRule::Repeated },
            "deleted: the block was the same before, so what was written here then is not taken; 0.930; \
             the token for that is predicted",
        );
        check(
            Verdict::Split { token: 6, p: 0.93, n: 1, rule: FillRule::OnlyInserted },
            "1 mask put before it: only inserted masks are left, and all are unmasked; 0.930; the token \
             for that is predicted",
        );
        let behind = |position| Verdict::Delete {
            token: None,
            p: 0.01,
            rule: FillRule::BehindEos { position },
        };
        check(behind(Some(3)), "deleted: behind the end of sequence at position 3");
        check(behind(None), "deleted: behind an end of sequence in the prompt");
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
