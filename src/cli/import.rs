//! `demask import`: a recording of another program becomes one of ours.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::Args;

use super::{Fault, fault::tell, help::listed, open, replay, stop};
use crate::{
    canvas::TokenId,
    escape::escaped,
    import::{self, ImportFormat, Imported, Options},
    model::{TokenName, Tokenizer},
    predict::{Piece, Vocabulary},
    trace,
};

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The file of another program, packed by gzip or zstd or not; or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The recording to write; packed if it ends in .zst or .gz
    #[arg(value_name = "OUT")]
    out: PathBuf,
    #[arg(long, value_name = "FORMAT", help = format_help())]
    format: Option<ImportFormat>,
    /// Tokenizer (a tokenizer.json) for the texts of token ids
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,
    /// Mask token: its number, or its text in the tokenizer
    #[arg(long, value_name = "TOKEN")]
    mask_token: Option<TokenName>,
    /// End-of-sequence token: its number, or its text in the tokenizer
    #[arg(long, value_name = "TOKEN")]
    eos_token: Option<TokenName>,
    /// Which sequence of a batch, from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    row: usize,
    /// How many positions in front are the prompt [default: those before the first mask]
    #[arg(long, value_name = "N")]
    prompt_length: Option<usize>,
    /// Write over OUT if it is there
    #[arg(long)]
    overwrite: bool,
}

fn format_help() -> String {
    let names: Vec<String> = ImportFormat::all().map(|format| format.to_string()).collect();
    format!("Its format: {} [default: told by its content]", listed(&names, "or"))
}

pub fn main(args: &ImportArgs) -> Result<ExitCode, Fault> {
    if args.out == Path::new("-") {
        return Err(Fault::usage(
            "an imported recording is read back before it is kept: give a file, not -",
        ));
    }
    if replay::same_file(&args.file, &args.out) {
        return Err(Fault::usage("OUT is the file that is read. Give another name"));
    }
    open::nothing_lost(args.overwrite, &args.out)?;
    let tokenizer = args.tokenizer.as_deref().map(Tokenizer::of_file).transpose()?;
    let named = |name: &Option<TokenName>, flag: &str| match (name, &tokenizer) {
        (None, _) => Ok(None),
        (Some(TokenName::Id(id)), _) => Ok(Some(*id)),
        (Some(TokenName::Text(text)), Some(tokenizer)) => tokenizer
            .find(text)
            .map(Some)
            .ok_or_else(|| Fault::usage(format!("{flag} {text}: the tokenizer has no such token"))),
        (Some(TokenName::Text(text)), None) => Err(Fault::usage(format!(
            "{flag} {text}: give the token's number, or a tokenizer with --tokenizer"
        ))),
    };
    let mask = named(&args.mask_token, "--mask-token")?;
    let options = Options {
        format: args.format,
        mask,
        usual_mask: tokenizer.as_ref().and_then(Tokenizer::mask),
        eos: named(&args.eos_token, "--eos-token")?,
        row: args.row,
        prompt_length: args.prompt_length,
    };
    let imported = import::read(&args.file, &options).map_err(Fault::failure)?;
    let Imported { format, header, texts, run, guessed_prompt, notices } = imported;
    let (steps, length, prompt) = (run.steps.len(), run.start.len(), run.prompt.len());
    let some = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let (steps, length) = (some(steps, "step"), some(length, "position"));
    // Guessed: it is said, so that a wrong one is seen.
    let prompt = match (prompt, guessed_prompt) {
        (0, _) => "no prompt".to_owned(),
        (n, true) => format!("a prompt of {n} (what stands before the first mask)"),
        (n, false) => format!("a prompt of {n}"),
    };
    let vocabulary = Arc::new(JoinedTexts { texts, tokenizer });
    let part = |part: &Path| stop::removing(part.to_owned());
    trace::save_foreign(&run, &args.out, &header, vocabulary, part).map_err(Fault::failure)?;
    tell(&escaped(&format!(
        "{}: {format}, {prompt}, {steps} from {length}, written to {}",
        replay::shown_file(&args.file),
        args.out.display()
    )));
    for notice in notices {
        tell(&escaped(&format!("note: {notice}")));
    }
    Ok(ExitCode::SUCCESS)
}

/// The texts a file has, then those of a tokenizer.
struct JoinedTexts {
    texts: Option<import::Texts>,
    tokenizer: Option<Tokenizer>,
}

impl Vocabulary for JoinedTexts {
    fn piece(&self, id: TokenId) -> Option<Piece> {
        let own = self.texts.as_ref().and_then(|texts| texts.piece(id));
        own.or_else(|| self.tokenizer.as_ref()?.piece(id))
    }

    fn ids(&self) -> Vec<TokenId> {
        let mut ids = self.texts.as_ref().map(Vocabulary::ids).unwrap_or_default();
        ids.extend(self.tokenizer.as_ref().map(Vocabulary::ids).unwrap_or_default());
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}
