//! Whether a checkpoint's attention is block-causal, and what says so. dLLM's bd3lm models have
//! the files of any other model: their trainer writes the length of a block nowhere but into its
//! own arguments and into names.

use std::{fmt, path::Path, str::FromStr};

use super::{
    Description, LoadError, NetworkKind,
    files::{Files, Tensors},
    small_files::read_small,
};

/// Positions in a block of a model of which it is only known that it has blocks.
const USUAL: usize = 32;

/// Most positions in a block: more than any model was made for.
const LONGEST_BLOCK: usize = 1 << 20;

/// Names of folders that count: the model's own and so many above it.
const NAMES: usize = 4;

/// What is asked for in place of what the checkpoint says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BlockAttention {
    /// As the checkpoint says.
    #[default]
    Auto,
    /// Every position attends to every other.
    Full,
    /// Everybody sees the own block of so many positions and all before it.
    Of(usize),
}

impl FromStr for BlockAttention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "full" => Ok(Self::Full),
            _ => match text.parse() {
                Ok(block) if (1..=LONGEST_BLOCK).contains(&block) => Ok(Self::Of(block)),
                _ => Err(format!(
                    "expected auto, full, or the positions in a block (1 to {LONGEST_BLOCK})"
                )),
            },
        }
    }
}

impl fmt::Display for BlockAttention {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Full => f.write_str("full"),
            Self::Of(block) => block.fmt(f),
        }
    }
}

/// How a checkpoint's attention is, and what says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocks {
    /// Positions in a block; `None`: everybody sees everybody.
    pub block: Option<usize>,
    /// The option or file that says so, in words.
    pub because: String,
    /// Nothing but a name says so.
    pub guessed: bool,
}

impl Blocks {
    /// Those of a checkpoint.
    ///
    /// # Errors
    /// If its network has none, or a file says what cannot be.
    pub(super) fn of(
        described: &Description,
        files: &Files,
        asked: BlockAttention,
    ) -> Result<Self, LoadError> {
        let found = Self::found(described, files, asked);
        match (&described.kind, found.block) {
            (NetworkKind::ModernBert(_), Some(block)) => Err(LoadError::new(
                &files.folder,
                format!(
                    "{} asks for attention in blocks of {block}, which ModernBERT's network does \
                     not have",
                    found.because
                ),
                "Give --block-attention full, or another model",
            )),
            (_, Some(block)) if block > LONGEST_BLOCK => Err(LoadError::new(
                &files.folder,
                format!(
                    "{} asks for blocks of {block} positions, expected 1 to {LONGEST_BLOCK}",
                    found.because
                ),
                "Give their length with --block-attention N, or --block-attention full",
            )),
            _ => Ok(found),
        }
    }

    fn found(described: &Description, files: &Files, asked: BlockAttention) -> Self {
        let settled = |block, because: String| Self { block, because, guessed: false };
        match asked {
            BlockAttention::Auto => {}
            BlockAttention::Full => return settled(None, "--block-attention full".to_owned()),
            BlockAttention::Of(block) => {
                return settled(Some(block), format!("--block-attention {block}"));
            }
        }
        if let Some((because, block)) = &described.block {
            return settled(Some(*block), because.clone());
        }
        let own = matches!(files.tensors, Tensors::Bytes(_));
        let folder = Some(Path::new(&files.folder)).filter(|_| !own);
        let arguments = folder.and_then(|folder| read_small(&folder.join(ARGUMENTS)).ok());
        if let Some(block) = arguments.and_then(|bytes| argument(&bytes, "block_size")) {
            return settled(Some(block), format!("block_size in {ARGUMENTS}"));
        }
        let mut names = vec![files.name.clone()];
        // As it is given, and what links lead to.
        for path in [
            folder.and_then(|f| std::path::absolute(f).ok()),
            folder.and_then(|f| f.canonicalize().ok()),
        ] {
            names.extend(path.iter().flat_map(|path| last_names(path)));
        }
        if let Some((block, name)) = by_names(&names) {
            return Self { block, because: format!("the name `{name}`"), guessed: true };
        }
        let title = folder.and_then(|folder| title(&folder.join("README.md")));
        let path = origin(&files.config);
        for (name, place) in
            [(title, "the title of README.md"), (path, "_name_or_path in config.json")]
        {
            let Some(name) = name else { continue };
            let parts: Vec<String> = last_names(Path::new(&name)).collect();
            if let Some((block, name)) = by_names(&parts) {
                return Self { block, because: format!("`{name}`, {place}"), guessed: true };
            }
        }
        settled(None, "nothing asks for blocks".to_owned())
    }
}

/// The last names of a path, the last one first.
fn last_names(path: &Path) -> impl Iterator<Item = String> {
    path.components().rev().take(NAMES).map(|part| part.as_os_str().to_string_lossy().into_owned())
}

/// What names say, nearest first: blocks and their length, or that there are none.
fn by_names(names: &[String]) -> Option<(Option<usize>, String)> {
    // dLLM's published commands name a folder after the length: `…-len-512-bls-32`.
    let length = |name: &str| {
        let at = ["bls-", "block-size-", "block_size-", "block_size"]
            .iter()
            .find_map(|before| Some(name.find(before)? + before.len()))?;
        let digits: String = name[at..].chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok().filter(|length| (1..=LONGEST_BLOCK).contains(length))
    };
    let lower: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    for (name, shown) in lower.iter().zip(names) {
        let own = length(name);
        if name.contains("bd3lm") || name.contains("bls-") && own.is_some() {
            let block = own.or_else(|| lower.iter().find_map(|name| length(name)));
            return Some((Some(block.unwrap_or(USUAL)), shown.clone()));
        }
        if name.contains("mdlm") {
            return Some((None, shown.clone()));
        }
    }
    None
}

/// The title of a model's card.
fn title(path: &Path) -> Option<String> {
    let bytes = read_small(path).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    text.lines()
        .find_map(|line| line.strip_prefix("# "))
        .map(|title| title.chars().take(200).collect())
}

/// Where transformers had a model from when it was trained.
fn origin(config: &str) -> Option<String> {
    let config: serde_json::Value = serde_json::from_str(config).ok()?;
    config.get("_name_or_path")?.as_str().map(str::to_owned)
}

/// The arguments of transformers' trainer: a pickle. It is not unpickled, which could run code.
const ARGUMENTS: &str = "training_args.bin";

/// The whole number that follows a name in a pickle of protocol 2 or later, if one does:
/// `X` or `\x8c`, the name's length, the name, perhaps a mark, and the number.
fn argument(pickle: &[u8], name: &str) -> Option<usize> {
    let (short, long) = (u8::try_from(name.len()).ok()?, u32::try_from(name.len()).ok()?);
    let strings = [
        [&[b'X'][..], &long.to_le_bytes(), name.as_bytes()].concat(),
        [&[0x8c, short], name.as_bytes()].concat(),
    ];
    let found = strings.iter().find_map(|text| {
        let at = pickle.windows(text.len()).position(|window| window == text)?;
        pickle.get(at + text.len()..)
    })?;
    let number = match found.first()? {
        b'q' => found.get(2..)?,
        b'r' => found.get(5..)?,
        0x94 => found.get(1..)?,
        _ => found,
    };
    let number = match *number {
        [b'K', one, ..] => usize::from(one),
        [b'M', low, high, ..] => usize::from(u16::from_le_bytes([low, high])),
        [b'J', a, b, c, d, ..] => usize::try_from(i32::from_le_bytes([a, b, c, d])).ok()?,
        _ => return None,
    };
    (number > 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_whether_there_are_blocks() {
        for (path, expected) in [
            ("/models/Qwen3-0.6B-diffusion-bd3lm-v0.1", Some(Some(32))),
            ("/x/Qwen3-0.6B/bd3lm/alpaca/checkpoint-final", Some(Some(32))),
            ("/h/models--dllm-hub--Qwen3-0.6B-diffusion-BD3LM-v0.1/snapshots/0f3e", Some(Some(32))),
            ("/x/tulu/epochs-10-bs-2048-len-512-bls-16/checkpoint-final", Some(Some(16))),
            ("/x/bd3lm/alpaca-bls-8/checkpoint-final", Some(Some(8))),
            ("/x/bd3lm-owt-block_size4", Some(Some(4))),
            ("/x/bd3lm/Qwen3-mdlm/checkpoint-final", Some(None)),
            ("/bd3lm/a/b/c/LLaDA-8B-Instruct", None),
            ("/models/LLaDA-8B-Instruct", None),
            ("/models/labels-3", None),
        ] {
            let names: Vec<String> = last_names(Path::new(path)).collect();
            assert_eq!(by_names(&names).map(|(block, _)| block), expected, "{path}");
        }
    }

    #[test]
    fn an_argument_is_found_in_a_pickle() {
        for (pickle, expected) in [
            (&b"X\x0a\0\0\0block_sizeq\x05K\x20"[..], Some(32)),
            (&b"..X\x0a\0\0\0block_sizer\x05\x01\0\0M\0\x01."[..], Some(256)),
            (&b"\x8c\x0ablock_size\x94K\x08"[..], Some(8)),
            (&b"X\x0a\0\0\0block_sizeJ\x10\0\0\0"[..], Some(16)),
            (&b"X\x0a\0\0\0block_sizeN"[..], None),
            (&b"X\x0a\0\0\0block_sizeq"[..], None),
            (&b"X\x0b\0\0\0block_sizesK\x08"[..], None),
            (&b""[..], None),
        ] {
            assert_eq!(argument(pickle, "block_size"), expected, "{pickle:?}");
        }
    }

    #[test]
    fn what_is_asked_for_is_read_as_it_is_shown() {
        for (text, expected) in [
            ("auto", BlockAttention::Auto),
            ("full", BlockAttention::Full),
            ("16", BlockAttention::Of(16)),
        ] {
            assert_eq!(text.parse(), Ok(expected));
            assert_eq!(expected.to_string(), text);
        }
        for text in ["0", "-1", "half", "", "99999999999"] {
            assert!(text.parse::<BlockAttention>().is_err(), "{text}");
        }
    }
}
