//! A checkpoint whose headers are read: what is known before anything large is.

use std::{collections::HashSet, sync::Arc};

use super::{
    Blocks, CheckpointTokens, Computing, Description, Family, Files, HeldWeights, LoadError,
    LoadWatch, Loaded, NetworkKind, NetworkPart, NetworkPredictor, Outline, RequestChecks,
    Suggestions, Template, Tokenizer, Weights, device,
    estimate::{self, Processor, StoredTensor, WeightBytes},
    memory::{self, Memory},
};
use crate::predict::{ModelFacts, Reading};

/// A checkpoint whose headers are read.
pub struct Checkpoint {
    /// The small files, and where the tensors are.
    pub files: Files,
    /// The family that its config.json names.
    pub family: &'static Family,
    /// What its config.json says of the network.
    pub described: Description,
    /// The tokenizer, with its special tokens.
    pub tokenizer: Tokenizer,
    /// Its mask and end-of-sequence tokens.
    pub special: CheckpointTokens,
    /// The tensors, by name.
    pub weights: Weights,
    /// How they would be held.
    pub held: HeldWeights,
    /// Who sees whom, and what says so.
    pub blocks: Blocks,
    /// The tensors that the network has.
    names: HashSet<String>,
    device: candle_core::Device,
}

/// How tensors end that older programs saved although they follow from config.json.
const COMPUTED: [&str; 3] = ["rotary_emb.inv_freq", "position_ids", "masked_bias"];

/// Of fields and tensors that are not understood, so many are named.
const NAMED: usize = 6;

impl Checkpoint {
    /// Reads the headers and the small files.
    ///
    /// # Errors
    /// [`LoadError`], which names the file, what was expected and what to do.
    pub fn open(mut files: Files, computing: &Computing) -> Result<Self, LoadError> {
        if let Some(path) = &computing.overrides.tokenizer {
            files.take_tokenizer(path)?;
        }
        let (family, described) = Description::of(&files)?;
        let tokenizer = Tokenizer::read(
            &files,
            described.columns(),
            family.model_type,
            &computing.overrides.chat,
        )?;
        let special = CheckpointTokens::of(&tokenizer, &described, &files, &computing.overrides)?;
        let blocks = Blocks::of(&described, &files, computing.overrides.attention)?;
        let weights = Weights::open(&files)?;
        let tensors = described.tensors(&weights);
        weights.check(&tensors)?;
        let names = tensors.into_iter().map(|(name, _)| name).collect();
        let dtype = computing.precision.resolve(weights.stored(), &computing.device);
        let held = HeldWeights::on(&computing.device, dtype, computing.quantize);
        let device = computing.device.clone();
        Ok(Self {
            files,
            family,
            described,
            tokenizer,
            special,
            blocks,
            weights,
            names,
            held,
            device,
        })
    }

    /// Whether the head is the embedding.
    pub fn tied(&self) -> bool {
        self.described.tied(&self.weights)
    }

    /// The tensors that the network uses, under their names.
    fn used(&self) -> Vec<(&str, StoredTensor)> {
        let embedding = match &self.described.kind {
            NetworkKind::Transformer(spec) => {
                format!("{}.weight", spec.name(NetworkPart::Embedding, 0))
            }
            NetworkKind::ModernBert(_) => String::new(),
        };
        let tied = self.tied();
        self.weights
            .tensors()
            .filter(|(name, ..)| self.names.contains(*name))
            .map(|(name, shape, stored)| {
                let multiplied = name != embedding || tied;
                (name, StoredTensor { shape, stored, multiplied })
            })
            .collect()
    }

    /// Tensors in the files that the network does not have, in order. Those that can be computed
    /// from config.json, and a second copy of the embedding, are left out.
    pub fn unused(&self) -> Vec<&str> {
        let copy = match &self.described.kind {
            NetworkKind::Transformer(spec) if self.tied() => {
                let embedding = format!("{}.weight", spec.name(NetworkPart::Embedding, 0));
                Some(spec.head_name()).filter(|head| self.weights.same(head, &embedding))
            }
            NetworkKind::Transformer(_) | NetworkKind::ModernBert(_) => None,
        };
        let names = self.weights.tensors().map(|(name, ..)| name);
        let mut unused: Vec<&str> = names
            .filter(|name| !self.names.contains(*name) && copy.as_deref() != Some(*name))
            .filter(|name| !COMPUTED.iter().any(|end| name.ends_with(end)))
            .collect();
        unused.sort_unstable();
        unused
    }

    /// Numbers in the tensors that the network uses.
    pub fn parameters(&self) -> u64 {
        self.used().iter().map(|(_, tensor)| tensor.shape.iter().product::<usize>() as u64).sum()
    }

    /// What the user is told of how the weights are held.
    pub fn held_as(&self) -> String {
        self.held().in_memory(self.weights.stored())
    }

    /// ModernBERT's network is candle's, and dense.
    fn held(&self) -> HeldWeights {
        match &self.described.kind {
            NetworkKind::Transformer(_) => self.held,
            NetworkKind::ModernBert(_) => self.held.all_alike(),
        }
    }

    /// Bytes of the weights in memory.
    pub fn weight_bytes(&self) -> WeightBytes {
        let processor = if self.device.is_cpu() { Processor::here() } else { Processor::Plain };
        estimate::weights(self.used().into_iter().map(|(_, tensor)| tensor), self.held(), processor)
    }

    /// Bytes of a pass over a sequence of this length.
    pub fn step_bytes(&self, length: usize) -> estimate::StepBytes {
        let outline = Outline::of(&self.described);
        estimate::step(&outline, self.held.dtype.size_in_bytes(), length)
    }

    /// The memory there is where the weights go; `None` if nobody knows.
    pub fn memory(&self) -> Option<Memory> {
        if self.device.is_cpu() { Memory::here() } else { None }
    }

    /// Who sees whom, and what says so.
    pub fn attention(&self) -> String {
        let because = &self.blocks.because;
        match self.blocks.block {
            None => format!("{} ({because})", self.described.attention()),
            Some(block) => format!("block-causal, in blocks of {block} ({because})"),
        }
    }

    /// What the user should know before they believe what it computes.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<String> = self.tight().into_iter().collect();
        warnings.extend(self.special.contradictions.iter().cloned());
        let name = &self.files.name;
        let fields = self.described.not_understood.iter().map(|one| one.field.as_str());
        if let Some(fields) = some_of(fields.collect()) {
            warnings.push(format!(
                "{} says {fields}, which nobody here knows: it may change the numbers, and is \
                 passed over. `demask info` shows all",
                self.files.name_of("config.json")
            ));
        }
        if let (Some(file), Template::None) =
            (self.files.processor_template, self.tokenizer.chat().template())
        {
            warnings.push(format!(
                "{} is a chat template for processors, which tokenizers do not read: prompts are \
                 taken as they are. Save its text as chat_template.jinja to have it read",
                self.files.name_of(file)
            ));
        }
        if let Some(unused) = some_of(self.unused()) {
            warnings.push(format!("{name} has tensors that its network does not use: {unused}"));
        }
        if let Some(block) = self.blocks.block.filter(|_| self.blocks.guessed) {
            warnings.push(format!(
                "attention is in blocks of {block}, which nothing but {} says. If that is wrong, \
                 give --block-attention full, or their length",
                self.blocks.because
            ));
        }
        warnings
    }

    /// A warning, if the weights need more memory than is free now.
    fn tight(&self) -> Option<String> {
        let (needed, memory) = (self.weight_bytes().total(), self.memory()?);
        (memory.available < needed && needed <= memory.total).then(|| {
            format!(
                "{} needs {} for its weights and {} of memory are free: the system may slow down \
                 or end the program. --quantize q8_0 or q4_k takes less",
                self.files.name,
                memory::shown(needed),
                memory::shown(memory.available)
            )
        })
    }

    /// Puts the weights in place. `watch` is told how it goes on and may end it.
    ///
    /// # Errors
    /// If they are damaged, or need more memory than the machine has.
    pub fn load(self, watch: &mut LoadWatch) -> Result<Loaded, LoadError> {
        let (needed, held) = (self.weight_bytes(), self.held_as());
        let parameters = self.parameters();
        if let Some(memory) = self.memory()
            && let Some(error) = too_large(&self.files.folder, parameters, needed, &held, memory)
        {
            return Err(error);
        }
        let network =
            super::network(&self.described, &self.weights, self.held, &self.device, watch)?;
        let facts = ModelFacts {
            name: self.files.name.clone(),
            family: self.family.model_type.to_owned(),
            device: device::name(&self.device),
            dtype: self.held().name(self.weights.stored()),
            vocabulary: self.described.columns(),
            context: self.described.context(),
            layers: self.described.layers(),
            special: self.special.tokens,
            reading: Reading {
                shift: self.described.shift,
                block: self.blocks.block,
                grid: self.described.grid,
            },
            attention: self.attention(),
        };
        let limits = RequestChecks { context: facts.context, columns: facts.vocabulary };
        let suggested = Suggestions {
            own: self.files.suggested(),
            ..Suggestions::of_model(facts.reading, &self.tokenizer, facts.vocabulary)
                .naming(self.described.tokens.iter().copied())
        };
        Ok(Loaded {
            predictor: Box::new(NetworkPredictor::new(network, limits)),
            tokenizer: Arc::new(self.tokenizer),
            suggested,
            embedded: matches!(self.files.tensors, super::files::Tensors::Bytes(_)),
            parameters,
            flops_per_position: self.described.flops_per_position(),
            facts,
        })
    }
}

/// The first few names; `None` where there are none.
fn some_of(names: Vec<&str>) -> Option<String> {
    let shown: Vec<String> =
        names.iter().take(NAMED).map(|name| format!("`{}`", name.escape_debug())).collect();
    match names.len().checked_sub(NAMED) {
        _ if names.is_empty() => None,
        Some(more) if more > 0 => Some(format!("{} and {more} more", shown.join(", "))),
        _ => Some(shown.join(", ")),
    }
}

/// Refuses weights that need more memory than there is.
fn too_large(
    place: &str,
    parameters: u64,
    needed: WeightBytes,
    held: &str,
    memory: Memory,
) -> Option<LoadError> {
    (needed.total() > memory.total).then(|| {
        LoadError::new(
            place,
            format!(
                "its {} parameters need {} of memory held as {held}, and this machine has {}",
                count(parameters),
                memory::shown(needed.total()),
                memory::shown(memory.total)
            ),
            "Round them on the way into memory with --quantize q8_0 or q4_k, hold them in a \
             narrower type with --dtype bf16, or take a smaller model. `demask info` says what it \
             would need",
        )
    })
}

/// A number of parameters for the user: `8.02 B`.
pub fn count(parameters: u64) -> String {
    match parameters as f64 {
        n if n >= 1e9 => format!("{:.2} B", n / 1e9),
        n if n >= 1e6 => format!("{:.2} M", n / 1e6),
        n if n >= 1e3 => format!("{:.1} k", n / 1e3),
        n => n.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_machine_cannot_hold_is_refused_with_both_numbers() {
        let memory = Memory { total: 24_000_000_000, available: 1 };
        let needed = |held, arranged| WeightBytes { held, arranged };
        let refused = |needed| {
            too_large("there", 8_015_581_184, needed, "f32", memory).map(|e| e.to_string())
        };
        assert_eq!(refused(needed(24_000_000_000, 0)), None);
        assert!(refused(needed(20_000_000_000, 5_000_000_000)).is_some());
        let text = refused(needed(32_062_324_736, 0)).unwrap();
        for word in ["there", "8.02 B", "32.1 GB", "f32", "24.0 GB", "--quantize"] {
            assert!(text.contains(word), "{word}: {text}");
        }
    }

    #[test]
    fn counts_for_people() {
        for (number, expected) in
            [(999, "999"), (1_700, "1.7 k"), (1_720_000, "1.72 M"), (8_015_581_184, "8.02 B")]
        {
            assert_eq!(count(number), expected);
        }
    }
}
