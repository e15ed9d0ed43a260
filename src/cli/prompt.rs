//! What the model is asked: on the command line, from a file, from stdin, or as several turns.

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use clap::Args;

use super::Fault;
use crate::{
    bounded,
    canvas::TokenId,
    model::{HoledText, Messages, Surroundings},
};

/// Most bytes of a prompt: more fits no model.
const MOST_BYTES: u64 = 1 << 24;

/// Stdin, where a file is wanted.
const STDIN: &str = "-";

/// A prompt that does not stand on the command line.
#[derive(Debug, Clone, Default, Args)]
pub struct PromptOptions {
    /// Take the prompt from FILE, as it is but for the line end at its end; `-` is stdin
    #[arg(long, value_name = "FILE", conflicts_with = "prompt", hide_short_help = true)]
    pub prompt_file: Option<PathBuf>,
    /// Take a conversation from FILE: [{"role": "user", "content": "…"}, …]. If it ends with the
    /// assistant's turn, the model goes on with it; `-` is stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["prompt", "prompt_file"], hide_short_help = true)]
    pub messages: Option<PathBuf>,
    /// Token ids instead of a prompt text, past tokenizer and chat template: `1,2,3`
    #[arg(
        long, value_name = "IDS", value_delimiter = ',',
        conflicts_with_all = ["prompt", "prompt_file", "messages", "system", "template_vars"],
        hide_short_help = true
    )]
    pub prompt_ids: Option<Vec<u32>>,
    /// Text that stands behind what is generated, as it is: it is not changed, and the model sees it
    #[arg(long, value_name = "TEXT", conflicts_with = "infill", hide_short_help = true)]
    pub suffix: Option<String>,
    /// Text with holes to be filled in: `The ▢×2 sat on the ▢×4.` ▢×16 are sixteen masks, and the mask
    /// token's own spelling is one. With a prompt it is what the assistant writes; without one it is
    /// all there is, and no chat template is put around it
    #[arg(long, value_name = "TEXT", hide_short_help = true)]
    pub infill: Option<String>,
}

/// What the model is asked.
#[derive(Debug, Clone)]
pub enum AskedPrompt {
    /// These token ids, which no template is put around.
    Ids(Vec<TokenId>),
    /// These turns, which the chat template is put around.
    Turns(Messages),
    /// Nothing: there is a text to be filled in, and that is all.
    Nothing,
}

/// What is asked where nothing is said.
#[derive(Debug, Clone, Copy)]
pub enum PromptDefault {
    /// This prompt, of the embedded model's own kind.
    Sample(&'static str),
    /// What comes through a pipe; without one it is a wrong use.
    Pipe,
}

impl PromptOptions {
    /// What is asked, with `prompt` from the command line, where `-` is stdin.
    ///
    /// # Errors
    /// If a file cannot be read or is no conversation, or nothing is asked.
    pub fn read(
        &self,
        prompt: Option<&str>,
        otherwise: PromptDefault,
    ) -> Result<AskedPrompt, Fault> {
        if let Some(ids) = &self.prompt_ids {
            return Ok(AskedPrompt::Ids(ids.clone()));
        }
        if let Some(path) = &self.messages {
            let (place, text) = contents(path)?;
            let turns = Messages::parse(&text)
                .map_err(|problem| Fault::failure(format!("{place}: {problem}")))?;
            return Ok(AskedPrompt::Turns(turns));
        }
        let file = match (prompt, &self.prompt_file, otherwise) {
            (Some(STDIN), ..) => Path::new(STDIN),
            (Some(""), ..) => {
                return Err(Fault::usage(
                    "the prompt is empty. Put words in, or give an empty turn with --messages, or \
                     token ids with --prompt-ids",
                ));
            }
            (Some(prompt), ..) => return Ok(AskedPrompt::Turns(Messages::of(prompt))),
            (None, Some(file), _) => file,
            (None, None, _) if self.infill.is_some() => return Ok(AskedPrompt::Nothing),
            (None, None, PromptDefault::Sample(sample)) => {
                return Ok(AskedPrompt::Turns(Messages::of(sample)));
            }
            (None, None, PromptDefault::Pipe) if !io::stdin().is_terminal() => Path::new(STDIN),
            (None, None, PromptDefault::Pipe) => return Err(missing("")),
        };
        let (place, text) = contents(file)?;
        let text =
            text.strip_suffix('\n').map_or(&*text, |text| text.strip_suffix('\r').unwrap_or(text));
        if text.is_empty() {
            return Err(match self.prompt_file.is_some() || prompt.is_some() {
                true => Fault::failure(format!("{place}: it is empty, and no prompt. Put one in")),
                false => missing(", and nothing comes through stdin"),
            });
        }
        Ok(AskedPrompt::Turns(Messages::of(text)))
    }

    /// What stands beside the prompt.
    ///
    /// # Errors
    /// If a hole cannot be.
    pub fn surroundings(&self) -> Result<Surroundings, Fault> {
        Ok(match (&self.suffix, &self.infill) {
            (None, None) => Surroundings::Nothing,
            (Some(text), _) => Surroundings::Suffix(text.clone()),
            (None, Some(text)) => Surroundings::Holes(
                HoledText::parse(text)
                    .map_err(|error| Fault::usage(format!("--infill: {error}")))?,
            ),
        })
    }

    /// Whether stdin brings the prompt, so that keys cannot come from there.
    pub fn from_stdin(&self, prompt: Option<&str>) -> bool {
        let files = self.prompt_file.iter().chain(&self.messages);
        prompt == Some(STDIN) || files.into_iter().any(|file| file == Path::new(STDIN))
    }
}

fn missing(why: &str) -> Fault {
    Fault::usage(format!(
        "there is no prompt{why}. Give one (\"2 + 2?\"), a file with --prompt-file or --messages, \
         a pipe, or token ids with --prompt-ids"
    ))
}

/// A text file or stdin, and its name for the user.
fn contents(path: &Path) -> Result<(String, String), Fault> {
    let stdin = path == Path::new(STDIN);
    let place = if stdin { "stdin".to_owned() } else { path.display().to_string() };
    let bytes = match stdin {
        true => bounded::read_from(io::stdin(), MOST_BYTES),
        false => bounded::read(path, MOST_BYTES),
    };
    let text = bytes.and_then(bounded::text).map_err(|error| {
        Fault::failure(format!("{place}: it cannot be read ({error}). Give a text file in UTF-8"))
    })?;
    Ok((place, text))
}

/// What should be known before a run with mask tokens in its prompt.
pub fn masks_in_prompt(mask: TokenId, ids: &[TokenId]) -> Option<String> {
    let at: Vec<usize> =
        ids.iter().enumerate().filter(|(_, id)| **id == mask).map(|(at, _)| at).collect();
    let many = if at.len() == 1 { "a mask token" } else { "mask tokens" };
    (!at.is_empty()).then(|| {
        format!(
            "the prompt holds {many} ({mask}) at {}: only what comes behind the prompt is \
             unmasked, so {} masked to the end, and the model sees the gap. --infill fills in a text",
            ranges(&at),
            if at.len() == 1 { "it stays" } else { "they stay" },
        )
    })
}

/// Positions in short: `position 3`, `positions 3–5, 9`.
fn ranges(at: &[usize]) -> String {
    const SHOWN: usize = 8;
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &at in at {
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == at => *end = at,
            _ => runs.push((at, at)),
        }
    }
    let run = |(start, end): &(usize, usize)| match start == end {
        true => start.to_string(),
        false => format!("{start}–{end}"),
    };
    let mut shown: Vec<String> = runs.iter().take(SHOWN).map(run).collect();
    if runs.len() > SHOWN {
        shown.push("…".to_owned());
    }
    let noun = if at.len() == 1 { "position" } else { "positions" };
    format!("{noun} {}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn positions_in_short() {
        for (at, expected) in [
            (vec![3], "position 3"),
            (vec![3, 4, 5], "positions 3–5"),
            (vec![0, 2, 3, 9], "positions 0, 2–3, 9"),
            ((0..20).map(|at| 2 * at).collect(), "positions 0, 2, 4, 6, 8, 10, 12, 14, …"),
        ] {
            assert_eq!(ranges(&at), expected);
        }
    }
}
