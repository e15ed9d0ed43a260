//! Text to commands: one line, or a script of several parted by `;` or line ends.

use super::{
    arguments::{Argument, Arguments},
    command::{Command, CommandSpec, ScriptForm},
    table::{COMMANDS, find_command},
    words::CommandError,
};
use crate::inspect::{nearest, quoted};

/// Cuts a script at `;` and line ends outside quotes; lines that begin with `#` are comments.
pub fn statements(script: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quote, mut escaped) = (0, None, false);
    let (mut comment, mut letter) = (false, false);
    for (at, c) in script.char_indices() {
        if comment {
            if c == '\n' {
                comment = false;
                start = at + 1;
            }
            continue;
        }
        match (quote, c) {
            _ if escaped && c != '\n' => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            // One behind a letter is an apostrophe.
            (None, '\'') if letter => {}
            (None, '"' | '\'') => quote = Some(c),
            (_, '\n') | (None, ';') => {
                parts.push(&script[start..at]);
                (start, quote, escaped) = (at + 1, None, false);
            }
            (None, '#') if script[start..at].trim().is_empty() => comment = true,
            _ => {}
        }
        letter = c.is_alphanumeric();
    }
    if !comment {
        parts.push(&script[start..]);
    }
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Commands of editors and other debuggers that users type out of habit, with their names here.
const HABITS: &[(&str, &str)] = &[
    ("e", OTHER_FILE),
    ("edit", OTHER_FILE),
    ("o", OTHER_FILE),
    ("open", OTHER_FILE),
    ("r", "`restart` starts the run anew, `remask POSITION` remasks a position"),
    ("run", "`continue` runs to the next breakpoint or the end, `restart` starts anew"),
    ("list", "`text` prints the answer, `branches` and `breaks` list those"),
    ("info", "`breaks`, `branches` and `presets` list those, `print NAME` prints a value"),
    ("bt", "`branches` lists the branches, `why POSITION` says why a position is as it is"),
    ("where", "`why POSITION` says why a position is as it is"),
    ("finish", "`run-block` and `run-stage` run to the end of those"),
];

/// Another file is another session.
const OTHER_FILE: &str = "end with `quit`, and open another recording with `demask replay FILE`";

/// Reads one command.
///
/// # Errors
/// [`CommandError`], with the place in the line.
pub fn parse(line: &str) -> Result<Command, CommandError> {
    let start = line.len() - line.trim_start().len();
    let end = line.trim_end().len();
    let body = line.get(start..end).unwrap_or_default();
    let name = body.split_whitespace().next().unwrap_or_default();
    let at = start..start + name.len();
    let spec = find_command(name).ok_or_else(|| CommandError::new(at.clone(), unknown(name)))?;
    let rest = body.get(name.len()..).unwrap_or_default();
    let blanks = rest.len() - rest.trim_start().len();
    let offset = at.end + blanks;
    let arguments = Arguments::read(spec.name, spec.arguments, rest.trim());
    Ok(Command::of(spec, arguments.map_err(|error| error.behind(offset))?))
}

/// The message that there is no such command, with the one that was probably meant.
fn unknown(name: &str) -> String {
    let hint = HABITS.iter().find(|(habit, _)| *habit == name).map(|(_, instead)| *instead);
    let hint = hint.map_or_else(
        || match nearest(name, COMMANDS.iter().map(|spec| spec.name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`help` says what there is".to_owned(),
        },
        str::to_owned,
    );
    format!("there is no command {}; {hint}", quoted(name))
}

impl Command {
    /// The command of a row.
    ///
    /// # Errors
    /// If it takes other arguments.
    pub fn new(
        spec: &'static CommandSpec,
        arguments: impl IntoIterator<Item = Argument>,
    ) -> Result<Self, CommandError> {
        let arguments = Arguments::new(spec.name, spec.arguments, arguments)?;
        Ok(Self::of(spec, arguments))
    }

    /// Adds it to a script of what was done.
    pub fn write_to(&self, script: &mut Vec<String>) {
        let before = script.last().and_then(|line| parse(line).ok());
        let before = before.filter(|before| before.spec().name == self.spec().name);
        let merged = match (self.spec().written, before) {
            (ScriptForm::Never, _) => return,
            (ScriptForm::Added, Some(before)) => before.plus(self),
            (ScriptForm::Replaced, Some(before)) => (before.arguments.iter().next()
                == self.arguments.iter().next())
            .then(|| self.clone()),
            (ScriptForm::Line | ScriptForm::Added | ScriptForm::Replaced, _) => None,
        };
        match (merged, script.last_mut()) {
            (Some(merged), Some(last)) => *last = merged.to_string(),
            _ => script.push(self.to_string()),
        }
    }

    /// The command with the steps of both.
    fn plus(&self, other: &Self) -> Option<Self> {
        let steps = self.arguments.count().ok()?.checked_add(other.arguments.count().ok()?)?;
        Self::new(self.spec(), [Argument::Steps(steps)]).ok()
    }
}
