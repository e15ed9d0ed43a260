//! `demask doctor`: what the program finds around it, and what to do where something is amiss.
//! What it prints can be shown to others: no secret is in it.

mod folders;
mod machine;
mod model;
mod modes;
mod terminal;

use std::{fmt::Write, process::ExitCode};

use clap::Args;
use serde::Serialize;

use super::{Config, ConfigOptions, Fault, fault::say};
use crate::escape::{escaped, escaped_json};

#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// One JSON object on stdout instead of the lines
    #[arg(long)]
    json: bool,
}

/// What a check comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum CheckState {
    /// It is there and works.
    Ok,
    /// It is not there, and the program does without.
    Missing,
    /// It should work and does not.
    Wrong,
}

impl CheckState {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::Wrong => "wrong",
        }
    }
}

/// One line of the report: what was checked, and what was found.
#[derive(Debug, Serialize)]
struct CheckLine {
    /// What it belongs to.
    topic: &'static str,
    name: String,
    state: CheckState,
    /// What was found, in words.
    says: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl CheckLine {
    fn ok(topic: &'static str, name: impl Into<String>, says: impl Into<String>) -> Self {
        let (name, says) = (name.into(), says.into());
        Self { topic, name, state: CheckState::Ok, says, advice: None }
    }

    /// With what to do where `fine` is false.
    fn or_missing(self, fine: bool, advice: impl Into<String>) -> Self {
        if fine {
            self
        } else {
            Self { state: CheckState::Missing, advice: Some(advice.into()), ..self }
        }
    }

    fn wrong(self, advice: impl Into<String>) -> Self {
        Self { state: CheckState::Wrong, advice: Some(advice.into()), ..self }
    }
}

#[derive(Serialize)]
struct DoctorReport {
    version: &'static str,
    /// True if no check says that something is wrong.
    ok: bool,
    checks: Vec<CheckLine>,
}

pub fn main(args: &DoctorArgs, options: &ConfigOptions) -> Result<ExitCode, Fault> {
    let (configuration, config) = folders::configuration(options);
    let config = config.unwrap_or_else(Config::default);
    let mut checks = machine::program();
    checks.extend(machine::devices());
    checks.push(machine::memory());
    checks.extend(terminal::checks(&config));
    checks.push(configuration);
    checks.extend(folders::own());
    checks.extend(folders::hub(|name| std::env::var(name).ok()));
    checks.push(model::embedded());
    let ok = checks.iter().all(|check| check.state != CheckState::Wrong);
    if args.json {
        let report = DoctorReport { version: env!("CARGO_PKG_VERSION"), ok, checks };
        say(&escaped_json(&serde_json::to_string(&report).map_err(Fault::failure)?))?;
    } else {
        say(&escaped(text(&checks).trim_end()))?;
    }
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The lines, under their topics.
fn text(checks: &[CheckLine]) -> String {
    let mut text = String::new();
    let mut topic = "";
    for check in checks {
        if check.topic != topic {
            topic = check.topic;
            let _ = writeln!(text, "{topic}");
        }
        let _ = writeln!(text, "  {:<8}{:<15}{}", check.state.word(), check.name, check.says);
        if let Some(advice) = &check.advice {
            let _ = writeln!(text, "{:25}{advice}", "");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_under_their_topics() {
        let checks = [
            CheckLine::ok("one", "a", "x"),
            CheckLine::ok("one", "b", "y").or_missing(false, "get it"),
            CheckLine::ok("two", "c", "z").or_missing(true, "never said").wrong("mend it"),
        ];
        let expected = "\
one
  ok      a              x
  missing b              y
                         get it
two
  wrong   c              z
                         mend it
";
        assert_eq!(text(&checks), expected);
    }
}
