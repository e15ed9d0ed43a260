//! What verifying a recording came to.

use std::path::Path;

use serde::Serialize;

use crate::trace::{Passes, Recording, Verified};

/// A recording whose decisions were made again, and its passes if that was asked for.
#[derive(Clone, Copy)]
pub struct Verification<'a> {
    /// The recording that was verified.
    pub recording: &'a Recording,
    /// What was found when its decisions were made again.
    pub verified: &'a Verified,
    /// The passes, run again.
    pub passes: Option<&'a Passes>,
}

#[derive(Serialize)]
struct VerificationJson<'a> {
    file: String,
    strategy: &'a str,
    #[serde(flatten)]
    verified: &'a Verified,
    passes: Option<&'a Passes>,
    equal: bool,
}

impl Verification<'_> {
    /// True if everything is as the recording says.
    pub fn equal(&self) -> bool {
        self.verified.differing == 0
            && self.verified.first.is_none()
            && self.passes.is_none_or(|passes| passes.differing == 0)
    }

    /// As one JSON object.
    ///
    /// # Errors
    /// None that is known.
    pub fn json(&self, file: &Path) -> serde_json::Result<String> {
        let Self { recording, verified, passes } = *self;
        let (file, strategy) = (file.display().to_string(), recording.recorded.strategy.name());
        serde_json::to_string(&VerificationJson {
            file,
            strategy,
            verified,
            passes,
            equal: self.equal(),
        })
    }

    /// In lines. `open` is the command that shows the first difference.
    pub fn text(&self, open: Option<&str>) -> String {
        let Self { recording, verified: found, passes } = *self;
        let strategy = recording.recorded.strategy;
        let mut lines = vec![format!(
            "canvases   {} of {} made again; {}",
            found.canvases,
            found.steps + found.edits,
            match found.hashes {
                0 => "no hashes are recorded".to_owned(),
                hashes => format!("{hashes} hashes compared, all equal"),
            }
        )];
        let decided = found.decisions + found.differing;
        lines.push(match strategy.decides() {
            true => format!(
                "decisions  {} of {decided} equal to what `{}` decides{}",
                found.decisions,
                strategy.name(),
                without(found.undecided)
            ),
            false => format!(
                "decisions  none of {} can be made again: `{}` is another program's strategy",
                found.steps,
                strategy.name()
            ),
        });
        if strategy.decides() {
            lines.push(format!(
                "requests   {} of {} planned as recorded",
                found.requests, found.steps
            ));
        }
        if let Some(passes) = passes {
            lines.push(format!(
                "passes     {} run again; another token at {} of {} positions{}",
                passes.run,
                passes.other_tokens,
                passes.positions,
                passes.first_other.as_ref().map_or(String::new(), |other| format!(
                    ", first in step {} at position {}: {} recorded, {} computed",
                    other.step, other.position, other.recorded, other.computed
                ))
            ));
            lines.push(match &passes.largest {
                None => "           every number equal".to_owned(),
                Some(largest) => format!(
                    "           largest difference {:.1e}: {} in step {} at position {}, {} recorded, {} \
                     computed",
                    (largest.recorded - largest.computed).abs(),
                    largest.column,
                    largest.step,
                    largest.position,
                    largest.recorded,
                    largest.computed
                ),
            });
            lines.push(format!(
                "           {} of {} decisions the same on the new numbers{}",
                passes.decisions,
                passes.decisions + passes.differing,
                passes
                    .first_differing
                    .map_or(String::new(), |step| format!(", the first other one in step {step}"))
            ));
        }
        if found.impossible > 0 {
            lines.push(format!(
                "numbers    {} of the steps and edits have some that cannot be",
                found.impossible
            ));
        }
        if let Some(first) = &found.first {
            lines.push(format!("first difference: {first}"));
            lines.extend(open.map(|command| format!("  to see it: {command}")));
        }
        lines.extend(recording.notices.iter().map(|notice| format!("note: {notice}")));
        if !found.closed {
            lines.push(
                "note: nothing says that it ends here: its program was stopped, or still writes"
                    .to_owned(),
            );
        }
        lines.push(match (self.equal(), decided) {
            (false, _) => "NOT verified".to_owned(),
            (true, 0) => "its canvases fit together; there was no decision to verify".to_owned(),
            (true, _) => "verified".to_owned(),
        });
        lines.join("\n")
    }
}

/// Steps that nothing is recorded of to decide on.
fn without(steps: usize) -> String {
    match steps {
        0 => String::new(),
        steps => format!("; {steps} steps have no prediction to decide on"),
    }
}
