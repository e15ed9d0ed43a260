//! What a model is and what it would need, from its headers alone.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    canvas::TokenId,
    model::{
        Checkpoint, ExpertOutline, NotUnderstood, Outline, Template, count,
        estimate::{StepBytes, WeightBytes},
        memory::{Memory, shown},
    },
    predict::{Piece, Vocabulary},
};

/// Lines of a chat template that are shown.
const TEMPLATE_LINES: usize = 3;

/// Characters of such a line.
const TEMPLATE_WIDTH: usize = 100;

/// Remarks of a kind that are shown.
const REMARKS: usize = 12;

/// A checkpoint, and a sequence whose memory is estimated.
#[derive(Serialize)]
pub struct ModelInfo {
    name: String,
    family: &'static str,
    #[serde(flatten)]
    outline: Outline,
    /// The head is the embedding.
    tied_head: bool,
    /// Position `i` is read at `i - 1`.
    shifted_logits: bool,
    attention: String,
    /// Positions in a block, where attention is block-causal.
    block: Option<usize>,
    /// The base of the rotation, which is the plain one; ModernBERT's layers that see their
    /// neighbours have another, which comes second.
    rope_theta: Vec<f64>,
    /// How many numbers of a head are rotated, and how many it has; null where all are.
    rotated: Option<(usize, usize)>,
    /// What config.json says that nobody here knows.
    not_understood: Vec<NotUnderstood>,
    /// Tensors in the files that the network does not have.
    unused_tensors: Vec<String>,
    /// What was done to the tensors' names.
    renamed_tensors: Vec<String>,
    parameters: u64,
    stored: StoredJson,
    /// How the weights would be held under these options.
    held: String,
    memory: MemoryJson,
    special: SpecialJson,
    /// Tokens that have a text; 0 without a tokenizer.
    tokens: usize,
    chat_template: Option<String>,
    /// The file that the chat template is from.
    chat_template_from: Option<&'static str>,
    /// The variables of the chat template that these options or the family's own programs set.
    template_variables: BTreeMap<String, String>,
    /// A chat template that only processors of transformers read.
    unread_template: Option<&'static str>,
    /// Whether the chat template asks for `enable_thinking`.
    thinking: bool,
    files: Vec<FileSize>,
}

#[derive(Serialize)]
struct StoredJson {
    #[serde(rename = "type")]
    kind: String,
    bytes: u64,
}

/// The memory that a model needs, in bytes.
#[derive(Serialize)]
struct MemoryJson {
    weights: WeightBytes,
    length: usize,
    step: StepBytes,
    step_peak: u64,
    /// Weights and a step together.
    total: u64,
    machine: Option<Memory>,
    /// Whether it fits what is free; null where nobody knows.
    fits: Option<bool>,
}

#[derive(Serialize)]
struct SpecialJson {
    mask: TokenJson,
    /// The one that decides.
    eos: TokenJson,
    /// Every one that is named.
    eos_named: Vec<NamedTokenJson>,
    end_of_turn: Option<TokenJson>,
}

#[derive(Serialize)]
struct NamedTokenJson {
    #[serde(flatten)]
    token: TokenJson,
    /// The options and files that name it.
    by: Vec<String>,
}

#[derive(Serialize)]
struct TokenJson {
    id: TokenId,
    text: Option<String>,
}

#[derive(Serialize)]
struct FileSize {
    name: String,
    bytes: u64,
}

impl ModelInfo {
    /// Of a checkpoint, and what a step over `length` positions needs.
    pub fn of(checkpoint: &Checkpoint, length: usize) -> Self {
        let token = |id: TokenId| TokenJson {
            id,
            text: match checkpoint.tokenizer.piece(id) {
                Some(Piece::Text(text) | Piece::Control(text)) => Some(text),
                Some(Piece::Bytes(_)) | None => None,
            },
        };
        let template = match checkpoint.tokenizer.chat().template() {
            Template::Text { text, .. } => Some(text),
            Template::None | Template::Unnamed(_) => None,
        };
        let (weights, step) = (checkpoint.weight_bytes(), checkpoint.step_bytes(length));
        let total = weights.total().saturating_add(step.peak());
        let machine = checkpoint.memory();
        Self {
            name: checkpoint.files.name.clone(),
            family: checkpoint.family.model_type,
            outline: Outline::of(&checkpoint.described),
            tied_head: checkpoint.tied(),
            shifted_logits: checkpoint.described.shift,
            attention: checkpoint.attention(),
            block: checkpoint.blocks.block,
            rope_theta: checkpoint.described.rope_bases(),
            rotated: checkpoint.described.rotated(),
            not_understood: checkpoint.described.not_understood.clone(),
            unused_tensors: checkpoint.unused().into_iter().map(str::to_owned).collect(),
            renamed_tensors: checkpoint.weights.renamed.clone(),
            parameters: checkpoint.parameters(),
            stored: StoredJson {
                kind: checkpoint.weights.stored().to_string(),
                bytes: checkpoint.weights.bytes(),
            },
            held: checkpoint.held_as(),
            memory: MemoryJson {
                weights,
                length,
                step,
                step_peak: step.peak(),
                total,
                machine,
                fits: machine.map(|machine| total <= machine.available),
            },
            special: SpecialJson {
                mask: token(checkpoint.special.tokens.mask),
                eos: token(checkpoint.special.tokens.eos),
                eos_named: checkpoint
                    .special
                    .eos
                    .iter()
                    .map(|named| NamedTokenJson { token: token(named.id), by: named.by.clone() })
                    .collect(),
                end_of_turn: checkpoint.tokenizer.end_of_turn().map(token),
            },
            tokens: checkpoint.tokenizer.len(),
            chat_template: template.cloned(),
            chat_template_from: template.map(|_| checkpoint.files.template_file()),
            template_variables: checkpoint
                .tokenizer
                .chat()
                .set_variables()
                .into_iter()
                // Without a template no variable is read.
                .filter(|_| template.is_some())
                .map(|(name, given)| (name.to_owned(), given.to_owned()))
                .collect(),
            unread_template: checkpoint.files.processor_template,
            thinking: template.is_some_and(|template| template.contains("enable_thinking")),
            files: checkpoint
                .files
                .sizes()
                .into_iter()
                .map(|(name, bytes)| FileSize { name, bytes })
                .collect(),
        }
    }

    /// As text, in lines.
    pub fn text(&self) -> String {
        let Outline { layers, width, heads, kv_heads, head_dim, vocabulary, context, .. } =
            self.outline;
        let Outline { hidden, experts, .. } = self.outline;
        let mut lines = Vec::new();
        let mut row = |name: &str, text: String| lines.push(format!("{name:<14} {text}"));
        row("model", self.name.clone());
        row("family", self.family.to_owned());
        row("parameters", count(self.parameters));
        row("stored", format!("{}, {}", self.stored.kind, shown(self.stored.bytes)));
        row("layers", format!("{layers}, of width {width}"));
        row("heads", format!("{heads}, {kv_heads} for keys and values, of width {head_dim}"));
        match experts {
            Some(experts) if experts.layers == layers => {}
            _ => row("feed-forward", hidden.to_string()),
        }
        if let Some(experts) = experts {
            let ExpertOutline { count: all, chosen, of_block, layers, hidden, shared, inactive } =
                experts;
            let of_block = of_block.map_or_else(String::new, |(capacity, block)| {
                format!(" of the {capacity} of its block of {block}")
            });
            let shared =
                shared.map_or_else(String::new, |width| format!(", one of {width} for all"));
            let text = format!(
                "{all} of width {hidden} in {layers} layers, {chosen} a position{of_block}{shared}"
            );
            row("experts", text);
            let active = self.parameters.saturating_sub(inactive);
            row("active", format!("{} parameters a position", count(active)));
        }
        let tokens = match self.tokens {
            0 => "no tokenizer".to_owned(),
            tokens => format!("{tokens} of them with a text"),
        };
        row("vocabulary", format!("{vocabulary}, {tokens}"));
        row("context", format!("{context} positions"));
        row("attention", self.attention.clone());
        let part = self.rotated.map_or_else(String::new, |(rotated, all)| {
            format!(", the first {rotated} of the {all} numbers of a head")
        });
        row(
            "rotation",
            match self.rope_theta[..] {
                [all, neighbours] => {
                    format!("plain, θ {all} in full layers, {neighbours} in those of neighbours")
                }
                _ => {
                    let base = self.rope_theta.first().copied().unwrap_or_default();
                    format!("plain, θ {base}{part}")
                }
            },
        );
        let tied = if self.tied_head { "the embedding" } else { "a matrix of its own" };
        row("head", tied.to_owned());
        let shifted = if self.shifted_logits {
            "shifted: position i is read at i - 1"
        } else {
            "not shifted"
        };
        row("logits", shifted.to_owned());
        row("mask", self.special.mask.text());
        for (at, named) in self.special.eos_named.iter().enumerate() {
            let (token, by) = (named.token.text(), named.by.join(", "));
            match at {
                0 => row("EOS", format!("{token} ({by})")),
                _ => row("", format!("{token} ({by}); it decides nothing")),
            }
        }
        let turn = self.special.end_of_turn.as_ref();
        row("end of turn", turn.map_or_else(|| "none is known".to_owned(), TokenJson::text));
        match &self.chat_template {
            None => row("chat template", "none: prompts are taken as they are".to_owned()),
            Some(template) => {
                for (at, line) in excerpt(template).into_iter().enumerate() {
                    row(if at == 0 { "chat template" } else { "" }, line);
                }
                row("", format!("(from {})", self.chat_template_from.unwrap_or("elsewhere")));
            }
        }
        for (at, (name, given)) in self.template_variables.iter().enumerate() {
            row(if at == 0 { "variables" } else { "" }, format!("{name}={given}"));
        }
        let thinking = match self.thinking {
            true => "the chat template asks for enable_thinking",
            false => "the chat template does not ask",
        };
        row("thinking", thinking.to_owned());
        for (name, lines) in self.remarks() {
            for (at, line) in lines.into_iter().enumerate() {
                row(if at == 0 { name } else { "" }, line);
            }
        }
        let needs = &self.memory;
        row("weights", format!("{} in memory, held as {}", shown(needs.weights.held), self.held));
        if needs.weights.arranged > 0 {
            let arranged = shown(needs.weights.arranged);
            row(
                "",
                format!("and {arranged} for copies that this processor multiplies faster with"),
            );
        }
        let length = needs.length;
        row("a step", format!("{} more over {length} positions", shown(needs.step_peak)));
        row("in all", fits(needs));
        for (at, file) in self.files.iter().enumerate() {
            let name = if at == 0 { "files" } else { "" };
            row(name, format!("{}, {}", file.name, shown(file.bytes)));
        }
        lines.join("\n")
    }
}

impl ModelInfo {
    /// What is unusual about the checkpoint: lines under names.
    fn remarks(&self) -> [(&'static str, Vec<String>); 3] {
        let fields = self.not_understood.iter();
        [
            ("tensor names", self.renamed_tensors.clone()),
            (
                "not used",
                some(
                    self.unread_template
                        .iter()
                        .map(|file| format!("{file}: only processors read it, not tokenizers"))
                        .chain(
                            self.unused_tensors
                                .iter()
                                .map(|name| format!("the tensor `{}`", name.escape_debug())),
                        )
                        .collect::<Vec<_>>()
                        .into_iter(),
                ),
            ),
            (
                "not understood",
                some(fields.map(|one| {
                    format!("{} = {}; it may change the numbers", one.field, one.value)
                })),
            ),
        ]
    }
}

/// The first of some lines, and how many more there are.
fn some(lines: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = lines.len().saturating_sub(REMARKS);
    let more = (more > 0).then(|| format!("and {more} more (--json has all)"));
    lines.take(REMARKS).chain(more).collect()
}

impl TokenJson {
    fn text(&self) -> String {
        match &self.text {
            Some(text) => format!("{} `{}`", self.id, text.escape_debug()),
            None => format!("{}, without a text", self.id),
        }
    }
}

/// The first lines of a template, cut where they are long.
fn excerpt(template: &str) -> Vec<String> {
    let mut lines: Vec<String> = template
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(TEMPLATE_LINES)
        .map(|line| {
            let mut short: String = line.chars().take(TEMPLATE_WIDTH).collect();
            if line.chars().nth(TEMPLATE_WIDTH).is_some() {
                short.push('…');
            }
            short
        })
        .collect();
    if template.lines().filter(|line| !line.trim().is_empty()).nth(TEMPLATE_LINES).is_some() {
        lines.push("…".to_owned());
    }
    if lines.is_empty() { vec!["empty".to_owned()] } else { lines }
}

fn fits(needs: &MemoryJson) -> String {
    let total = shown(needs.total);
    match needs.machine {
        None => total,
        Some(memory) => {
            let (available, all) = (shown(memory.available), shown(memory.total));
            let verdict = if needs.total <= memory.available {
                "fits"
            } else if needs.weights.total() <= memory.total {
                "is more than is free"
            } else {
                "will not fit; --quantize q8_0 or q4_k takes less"
            };
            format!("{total}: {verdict} ({available} free of {all})")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_cut() {
        let long = "x".repeat(101);
        for (template, expected) in [
            ("", vec!["empty"]),
            ("a\n\n b", vec!["a", " b"]),
            ("a\nb\nc\nd", vec!["a", "b", "c", "…"]),
            (&long, vec![&*format!("{}…", "x".repeat(100))]),
        ] {
            assert_eq!(excerpt(template), expected);
        }
    }

    #[test]
    fn whether_it_fits_is_said() {
        let needs = |total, memory: Option<(u64, u64)>| MemoryJson {
            weights: WeightBytes { held: total, arranged: 0 },
            length: 1,
            step: crate::model::estimate::step(&OUTLINE, 4, 1),
            step_peak: 0,
            total,
            machine: memory.map(|(available, total)| Memory { total, available }),
            fits: None,
        };
        for (total, memory, word) in [
            (5, None, "5 B"),
            (5, Some((6, 9)), "fits (6 B free of 9 B)"),
            (7, Some((6, 9)), "is more than is free"),
            (10, Some((6, 9)), "will not fit"),
        ] {
            let text = fits(&needs(total, memory));
            assert!(text.contains(word), "{text}");
        }
    }

    const OUTLINE: Outline = Outline {
        layers: 1,
        width: 2,
        heads: 1,
        kv_heads: 1,
        head_dim: 2,
        hidden: 2,
        vocabulary: 4,
        context: 8,
        experts: None,
    };
}
