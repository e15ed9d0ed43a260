//! GGUF files of diffusion models: metadata and tensors under the names that llama.cpp uses.

use super::{
    Description, FAMILIES, Family, NotUnderstood, Unfit,
    fields::{BASES, EPSILONS, within},
    sizes::{self, LARGEST_SIZE, MOST_LAYERS, head_width, possible, shared},
};
use crate::{
    LoadError,
    network::{Biases, ExpertPart, Experts, Head, NetworkPart, Routing, Spec},
    tensor_files::{Gguf, GgufMetadata, MetadataValue as Value, special_token},
};

/// An architecture that can be read.
struct Architecture {
    /// `general.architecture`, and what the keys begin with.
    name: &'static str,
    /// The family it is.
    model_type: &'static str,
    /// Whether logits are shifted where `diffusion.shift_logits` does not say.
    shift: bool,
    /// Whether queries, keys and values have biases in every file.
    bias: bool,
    /// Whether all layers are of experts, with norms on queries and keys.
    experts: bool,
}

const ARCHITECTURES: [Architecture; 3] = [
    Architecture { name: "llada", model_type: "llada", shift: false, bias: false, experts: false },
    // Its converter writes no `diffusion.shift_logits`.
    Architecture { name: "dream", model_type: "Dream", shift: true, bias: true, experts: false },
    Architecture {
        name: "llada-moe",
        model_type: "lladamoe",
        shift: false,
        bias: false,
        experts: true,
    },
];

/// Keys that only architectures with experts have.
const OF_EXPERTS: [&str; 3] = ["expert_count", "expert_feed_forward_length", "expert_used_count"];

/// Keys of an architecture that are read here, or change nothing.
const READ: [&str; 16] = [
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.layer_norm_rms_epsilon",
    "attention.value_length",
    "block_count",
    "context_length",
    "embedding_length",
    "feed_forward_length",
    "rope.dimension_count",
    "rope.freq_base",
    "rope.scaling.factor",
    "rope.scaling.finetuned",
    "rope.scaling.original_context_length",
    "rope.scaling.type",
    "vocab_size",
];

/// Keys of an architecture that ask for another network, unless they have this value; off is 0.
const NEUTRAL: [(&str, f64); 14] = [
    ("attention.causal", 0.0),
    ("attention.clamp_kqv", 0.0),
    ("attention.max_alibi_bias", 0.0),
    ("attention.scale", 0.0),
    ("attention.sliding_window", 0.0),
    ("attn_logit_softcapping", 0.0),
    ("embedding_scale", 1.0),
    ("expert_count", 0.0),
    ("expert_used_count", 0.0),
    ("final_logit_softcapping", 0.0),
    ("logit_scale", 1.0),
    ("residual_scale", 1.0),
    ("rope.scaling.attn_factor", 1.0),
    ("use_parallel_residual", 0.0),
];

/// Describes the network of a file found at `place`.
///
/// # Errors
/// If its architecture is another, a key is missing, or it asks for another network.
pub(super) fn describe(
    file: &Gguf,
    place: &str,
) -> Result<(&'static Family, Description), LoadError> {
    let metadata = &file.metadata;
    let found = metadata.text("general.architecture").unwrap_or("none");
    let known = ARCHITECTURES.iter().find(|known| known.name == found);
    let family =
        known.and_then(|known| FAMILIES.iter().find(|row| row.model_type == known.model_type));
    let (Some(architecture), Some(family)) = (known, family) else {
        let names: Vec<&str> = ARCHITECTURES.iter().map(|known| known.name).collect();
        let found: String = found.chars().take(80).collect();
        return Err(LoadError::new(
            place,
            format!(
                "its `general.architecture` is `{}`; of GGUF files, those of the diffusion models \
                 {} can be run",
                found.escape_default(),
                names.join(", ")
            ),
            "Give a file of one of these, or another model as a folder with config.json, \
             *.safetensors and tokenizer.json",
        ));
    };
    let described =
        Keys { metadata, architecture }.describe(file).map_err(|unfit| match unfit {
            Unfit::Unreadable(problem) => LoadError::new(
                place,
                problem,
                "Take a file that llama.cpp's converter wrote from the original checkpoint",
            ),
            Unfit::Another(problem) => LoadError::new(
                place,
                problem,
                format!("This network is not the one that {found} files have"),
            ),
        })?;
    Ok((family, described))
}

struct Keys<'a> {
    metadata: &'a GgufMetadata,
    architecture: &'a Architecture,
}

impl Keys<'_> {
    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.architecture.name)
    }

    fn optional(&self, key: &str) -> Result<Option<usize>, Unfit> {
        let key = self.key(key);
        let Some(value) = self.metadata.get(&key) else { return Ok(None) };
        let number = self.metadata.whole(&key).ok_or_else(|| {
            Unfit::Unreadable(format!("`{key}` is {}, expected a whole number", value.kind()))
        })?;
        usize::try_from(number)
            .map(Some)
            .map_err(|_| Unfit::Another(format!("`{key}` is {number}, expected a size")))
    }

    fn size(&self, key: &str) -> Result<usize, Unfit> {
        let missing = || Unfit::Unreadable(format!("`{}` is missing", self.key(key)));
        self.optional(key)?.ok_or_else(missing)
    }

    fn real(&self, key: &str) -> Result<Option<f64>, Unfit> {
        let key = self.key(key);
        match self.metadata.get(&key) {
            None => Ok(None),
            Some(Value::Real(number)) => Ok(Some(*number)),
            Some(Value::Whole(number)) => Ok(Some(*number as f64)),
            Some(value) => {
                Err(Unfit::Unreadable(format!("`{key}` is {}, expected a number", value.kind())))
            }
        }
    }

    fn describe(&self, file: &Gguf) -> Result<Description, Unfit> {
        let (width, heads) = (self.size("embedding_length")?, self.size("attention.head_count")?);
        let kv_heads = self.optional("attention.head_count_kv")?.unwrap_or(heads);
        let columns = match self.optional("vocab_size")? {
            Some(columns) => columns,
            None => file.shape("token_embd.weight").map_or(1, |shape| shape[0]),
        };
        let layers = self.size("block_count")?;
        let hidden = match self.architecture.experts {
            // No layer is without experts.
            true => self.optional("feed_forward_length")?.unwrap_or(1).max(1),
            false => self.size("feed_forward_length")?,
        };
        let context = self.size("context_length")?;
        let key_length = self.optional("attention.key_length")?;
        let [block_count, head_count, head_count_kv, embedding_length] =
            ["block_count", "attention.head_count", "attention.head_count_kv", "embedding_length"]
                .map(|key| self.key(key));
        possible(
            MOST_LAYERS,
            &[(&block_count, layers), (&head_count, heads), (&head_count_kv, kv_heads)],
        )?;
        possible(
            LARGEST_SIZE,
            &[
                (&embedding_length, width),
                (&self.key("feed_forward_length"), hidden),
                (&self.key("context_length"), context),
                (&self.key("vocab_size"), columns),
                (&self.key("attention.key_length"), key_length.unwrap_or(1)),
            ],
        )?;
        let head_dim = head_width((&embedding_length, width), (&head_count, heads), key_length)?;
        shared((&head_count, heads), (&head_count_kv, kv_heads))?;
        for key in ["attention.value_length", "rope.dimension_count"] {
            if let Some(found) = self.optional(key)?.filter(|found| *found != head_dim) {
                let key = self.key(key);
                return Err(Unfit::Another(format!("`{key}` is {found}, expected {head_dim}")));
            }
        }
        self.unscaled(file)?;
        let not_understood = self.rest()?;
        let eps = "attention.layer_norm_rms_epsilon";
        let norm_eps = self.real(eps)?;
        let norm_eps =
            norm_eps.ok_or_else(|| Unfit::Unreadable(format!("`{}` is missing", self.key(eps))))?;
        let theta = self.real("rope.freq_base")?.unwrap_or(10_000.0);
        let spec = Spec {
            width,
            layers,
            heads,
            kv_heads,
            head_dim,
            rotary_dim: head_dim,
            experts: self.experts(layers)?,
            fused_qkv: None,
            hidden,
            columns,
            context,
            norm_eps: within(&self.key(eps), norm_eps, &EPSILONS)?,
            rope_theta: within(&self.key("rope.freq_base"), theta, &BASES)?,
            bias: Biases {
                qkv: self.architecture.bias || file.shape("blk.0.attn_q.bias").is_some(),
                ..Biases::default()
            },
            qk_norm: self.architecture.experts,
            head: Head::OwnIfThere,
            names,
        };
        let token = |kind: &str| special_token(self.metadata, kind).map_err(Unfit::Unreadable);
        Ok(Description {
            shift: self.shift()?,
            mask: token("mask")?,
            eos: token("eos")?.into_iter().collect(),
            not_understood,
            ..Description::plain(spec)
        })
    }

    /// The experts of an architecture that has them.
    fn experts(&self, layers: usize) -> Result<Option<Experts>, Unfit> {
        if !self.architecture.experts {
            return Ok(None);
        }
        let experts = Experts {
            count: self.size("expert_count")?,
            chosen: self.size("expert_used_count")?,
            hidden: self.size("expert_feed_forward_length")?,
            shared: None,
            layers: vec![true; layers],
            routing: Routing::Softmax { normalized: false, bias: false },
            names: expert_names,
        };
        sizes::experts(&experts, &self.key("expert_used_count"))?;
        Ok(Some(experts))
    }

    fn shift(&self) -> Result<bool, Unfit> {
        match self.metadata.get("diffusion.shift_logits") {
            None => Ok(self.architecture.shift),
            Some(Value::Flag(shift)) => Ok(*shift),
            Some(value) => Err(Unfit::Unreadable(format!(
                "`diffusion.shift_logits` is {}, expected true or false",
                value.kind()
            ))),
        }
    }

    /// Keys of the architecture, and of diffusion, that nobody here knows.
    ///
    /// # Errors
    /// If one of them is known to ask for another network.
    fn rest(&self) -> Result<Vec<NotUnderstood>, Unfit> {
        let own = format!("{}.", self.architecture.name);
        let mut rest = Vec::new();
        for key in self.metadata.keys() {
            let (name, known): (&str, &[&str]) = match key.strip_prefix(&own) {
                Some(name) => (name, &READ),
                None => match key.strip_prefix("diffusion.") {
                    Some(name) => (name, &["shift_logits"]),
                    None => continue,
                },
            };
            let of_experts = self.architecture.experts && OF_EXPERTS.contains(&name);
            let unknown = !known.contains(&name) && !of_experts;
            let Some(value) = self.metadata.get(key).filter(|_| unknown) else {
                continue;
            };
            let number = match value {
                Value::Flag(flag) => Some(f64::from(u8::from(*flag))),
                Value::Whole(number) => Some(*number as f64),
                Value::Real(number) => Some(*number),
                _ => None,
            };
            match NEUTRAL.iter().find(|(known, _)| *known == name) {
                Some((_, neutral)) if number == Some(*neutral) => {}
                Some((_, neutral)) => {
                    return Err(Unfit::Another(format!("`{key}` is {value}, expected {neutral}")));
                }
                None => rest.push(NotUnderstood {
                    field: key.chars().take(80).collect::<String>().escape_debug().to_string(),
                    value: value.to_string(),
                }),
            }
        }
        Ok(rest)
    }

    /// Refuses rotations that are not the plain one.
    fn unscaled(&self, file: &Gguf) -> Result<(), Unfit> {
        let key = self.key("rope.scaling.type");
        let kind = self.metadata.text(&key).unwrap_or("none");
        let factor = self.real("rope.scaling.factor")?.unwrap_or(1.0);
        if kind != "none" && factor != 1.0 {
            let kind: String = kind.chars().take(40).collect();
            return Err(Unfit::Another(format!(
                "`{key}` is `{}` with the factor {factor}, expected none",
                kind.escape_default()
            )));
        }
        match file.shape("rope_freqs.weight") {
            None => Ok(()),
            Some(_) => Err(Unfit::Another("it has frequencies of its own, `rope_freqs`".into())),
        }
    }
}

/// The name that llama.cpp has for a part.
fn names(part: NetworkPart) -> &'static str {
    match part {
        NetworkPart::Embedding => "token_embd",
        NetworkPart::Norm => "output_norm",
        NetworkPart::Head => "output",
        NetworkPart::AttentionNorm => "blk.{}.attn_norm",
        NetworkPart::Query => "blk.{}.attn_q",
        NetworkPart::Key => "blk.{}.attn_k",
        NetworkPart::Value => "blk.{}.attn_v",
        NetworkPart::QueryNorm => "blk.{}.attn_q_norm",
        NetworkPart::KeyNorm => "blk.{}.attn_k_norm",
        NetworkPart::Output => "blk.{}.attn_output",
        NetworkPart::MlpNorm => "blk.{}.ffn_norm",
        NetworkPart::Gate => "blk.{}.ffn_gate",
        NetworkPart::Up => "blk.{}.ffn_up",
        NetworkPart::Down => "blk.{}.ffn_down",
    }
}

/// The name that llama.cpp has for a part of the experts, cut into single ones.
fn expert_names(part: ExpertPart) -> &'static str {
    match part {
        ExpertPart::Router => "blk.{}.ffn_gate_inp",
        ExpertPart::RouterBias => "blk.{}.exp_probs_b.bias",
        ExpertPart::Gate => "blk.{}.ffn_gate_exps.{expert}",
        ExpertPart::Up => "blk.{}.ffn_up_exps.{expert}",
        ExpertPart::Down => "blk.{}.ffn_down_exps.{expert}",
        ExpertPart::SharedGate => "blk.{}.ffn_gate_shexp",
        ExpertPart::SharedUp => "blk.{}.ffn_up_shexp",
        ExpertPart::SharedDown => "blk.{}.ffn_down_shexp",
    }
}
