//! A folder as the file that llama.cpp's converter makes of it.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File},
    path::{Path, PathBuf},
};

use candle_core::{
    DType, Device, Tensor,
    quantized::{GgmlDType, QTensor, gguf_file, gguf_file::Value},
    safetensors,
};
use serde_json::Value as Json;

/// A model on its way into a GGUF file.
pub struct Draft {
    values: Vec<(String, Value)>,
    tensors: Vec<(String, QTensor)>,
}

impl Draft {
    pub fn set(&mut self, key: &str, value: Value) {
        self.values.retain(|(name, _)| name != key);
        self.values.push((key.to_owned(), value));
    }

    pub fn remove(&mut self, key: &str) {
        self.values.retain(|(name, _)| name != key);
    }

    pub fn drop_tensor(&mut self, name: &str) {
        self.tensors.retain(|(other, _)| other != name);
    }

    pub fn write(&self, path: &Path) {
        let values: Vec<_> = self.values.iter().map(|(key, value)| (key.as_str(), value)).collect();
        let tensors: Vec<_> = self.tensors.iter().map(|(name, t)| (name.as_str(), t)).collect();
        gguf_file::write(&mut File::create(path).unwrap(), &values, &tensors).unwrap();
    }

    /// Writes it as `llama-gguf-split` cuts it: two parts, of which the first says what it is.
    pub fn write_parts(&self, paths: &[PathBuf; 2]) {
        let half = self.tensors.len() / 2;
        let tensors: Vec<_> = self.tensors.iter().map(|(name, t)| (name.as_str(), t)).collect();
        for (at, (path, tensors)) in
            paths.iter().zip(<[_; 2]>::from(tensors.split_at(half))).enumerate()
        {
            let split = [
                ("split.no", Value::U16(at as u16)),
                ("split.count", Value::U16(2)),
                ("split.tensors.count", Value::I32(self.tensors.len() as i32)),
            ];
            let own = self.values.iter().filter(|_| at == 0).map(|(key, v)| (key.as_str(), v));
            let values: Vec<_> = own.chain(split.iter().map(|(key, v)| (*key, v))).collect();
            gguf_file::write(&mut File::create(path).unwrap(), &values, tensors).unwrap();
        }
    }

    /// Writes it into a folder of its own.
    pub fn written(&self) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.gguf");
        self.write(&path);
        (folder, path)
    }
}

pub fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// llama.cpp's name of a tensor.
fn renamed(name: &str) -> String {
    let whole = [
        ("model.transformer.wte", "token_embd"),
        ("model.transformer.ln_f", "output_norm"),
        ("model.transformer.ff_out", "output"),
        ("model.embed_tokens", "token_embd"),
        ("model.norm", "output_norm"),
        ("lm_head", "output"),
    ];
    let inner = [
        ("attn_norm", "attn_norm"),
        ("q_proj", "attn_q"),
        ("k_proj", "attn_k"),
        ("v_proj", "attn_v"),
        ("attn_out", "attn_output"),
        ("ff_norm", "ffn_norm"),
        ("ff_proj", "ffn_gate"),
        ("up_proj", "ffn_up"),
        ("ff_out", "ffn_down"),
        ("input_layernorm", "attn_norm"),
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("self_attn.o_proj", "attn_output"),
        ("post_attention_layernorm", "ffn_norm"),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
        ("mlp.gate", "ffn_gate_inp"),
        ("self_attn.q_norm", "attn_q_norm"),
        ("self_attn.k_norm", "attn_k_norm"),
    ];
    let (stem, ending) = name.rsplit_once('.').unwrap();
    let block = ["model.transformer.blocks.", "model.layers."]
        .iter()
        .find_map(|prefix| stem.strip_prefix(prefix)?.split_once('.'));
    let new = match block {
        Some((layer, part)) => {
            let part = inner.iter().find(|(old, _)| *old == part).unwrap().1;
            format!("blk.{layer}.{part}")
        }
        None => whole.iter().find(|(old, _)| *old == stem).unwrap().1.to_owned(),
    };
    format!("{new}.{ending}")
}

/// The experts of all layers as the converter stacks them, by their new names: `[experts, rows, columns]`.
/// They are taken out of `tensors`.
fn stacked(tensors: &mut HashMap<String, Tensor>) -> Vec<(String, Tensor)> {
    let mut layers: BTreeMap<String, BTreeMap<usize, Tensor>> = BTreeMap::new();
    let of_experts = |name: &String| name.contains(".experts.");
    let names: Vec<String> = tensors.keys().filter(|name| of_experts(name)).cloned().collect();
    for name in names {
        let (layer, part) = name.split_once(".mlp.experts.").unwrap();
        let layer = layer.strip_prefix("model.layers.").unwrap();
        let (expert, part) = part.split_once('.').unwrap();
        let part = part.strip_suffix("_proj.weight").unwrap();
        let all = layers.entry(format!("blk.{layer}.ffn_{part}_exps.weight")).or_default();
        all.insert(expert.parse().unwrap(), tensors.remove(&name).unwrap());
    }
    let stack = |experts: BTreeMap<usize, Tensor>| {
        Tensor::stack(&experts.into_values().collect::<Vec<_>>(), 0).unwrap()
    };
    layers.into_iter().map(|(name, experts)| (name, stack(experts))).collect()
}

/// Rows of heads as the converter puts them: the two of a pair side by side.
fn permuted(tensor: &Tensor, heads: usize) -> Tensor {
    let dims = tensor.dims().to_vec();
    let rows = dims[0];
    tensor
        .reshape((heads, 2, rows / heads / 2, dims[1..].iter().product::<usize>()))
        .unwrap()
        .transpose(1, 2)
        .unwrap()
        .contiguous()
        .unwrap()
        .reshape(dims)
        .unwrap()
}

/// What the converter makes of a folder; `kind` is the type of a matrix by its new name.
pub fn convert(folder: &Path, architecture: &str, kind: impl Fn(&str) -> GgmlDType) -> Draft {
    let config: Json =
        serde_json::from_str(&fs::read_to_string(folder.join("config.json")).unwrap()).unwrap();
    let number = |names: &[&str]| {
        let found = names.iter().find_map(|name| config[*name].as_u64());
        found.unwrap_or_else(|| panic!("none of {names:?}")) as u32
    };
    let real = |name: &str| config[name].as_f64().unwrap() as f32;
    let heads = number(&["n_heads", "num_attention_heads"]);
    let kv_heads = number(&["n_kv_heads", "num_key_value_heads"]);
    let mut draft = Draft { values: Vec::new(), tensors: Vec::new() };
    draft.set("general.architecture", text(architecture));
    let mut own = |key: &str, value| draft.set(&format!("{architecture}.{key}"), value);
    own("block_count", Value::U32(number(&["n_layers", "num_hidden_layers"])));
    own("context_length", Value::U32(number(&["max_sequence_length", "max_position_embeddings"])));
    own("embedding_length", Value::U32(number(&["d_model", "hidden_size"])));
    own(
        "feed_forward_length",
        Value::U32(number(&["mlp_hidden_size", "intermediate_size", "dense_intermediate_size"])),
    );
    own("attention.head_count", Value::U32(heads));
    own("attention.head_count_kv", Value::U32(kv_heads));
    own("attention.layer_norm_rms_epsilon", Value::F32(real("rms_norm_eps")));
    own("rope.freq_base", Value::F32(real("rope_theta")));
    own("attention.causal", Value::Bool(false));
    if architecture == "llada-moe" {
        own("expert_count", Value::U32(number(&["num_experts"])));
        own("expert_used_count", Value::U32(number(&["num_experts_per_tok"])));
        own("expert_feed_forward_length", Value::U32(number(&["expert_intermediate_size"])));
    }
    if architecture.starts_with("llada") {
        draft.set("diffusion.shift_logits", Value::Bool(false));
    }
    let mut tensors = HashMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "safetensors") {
            tensors.extend(safetensors::load(path, &Device::Cpu).unwrap());
        }
    }
    for (name, tensor) in stacked(&mut tensors) {
        let tensor = tensor.to_dtype(DType::F32).unwrap();
        let to = kind(&name);
        draft.tensors.push((name, QTensor::quantize(&tensor, to).unwrap()));
    }
    let mut names: Vec<&String> = tensors.keys().collect();
    names.sort();
    for name in names {
        let new = renamed(name);
        let mut tensor = tensors[name].to_dtype(DType::F32).unwrap();
        if architecture == "llada" && new.contains(".attn_q.") {
            tensor = permuted(&tensor, heads as usize);
        }
        if architecture == "llada" && new.contains(".attn_k.") {
            tensor = permuted(&tensor, kv_heads as usize);
        }
        let to = if tensor.rank() == 1 { GgmlDType::F32 } else { kind(&new) };
        draft.tensors.push((new, QTensor::quantize(&tensor, to).unwrap()));
    }
    put_tokenizer(&mut draft, folder, &config);
    draft
}

fn put_tokenizer(draft: &mut Draft, folder: &Path, config: &Json) {
    let read = |name: &str| -> Json {
        serde_json::from_str(&fs::read_to_string(folder.join(name)).unwrap()).unwrap()
    };
    let (tokenizer, more) = (read("tokenizer.json"), read("tokenizer_config.json"));
    let columns = ["embedding_size", "vocab_size"].iter().find_map(|name| config[*name].as_u64());
    let columns = columns.unwrap() as usize;
    let mut tokens: Vec<(String, i32)> = (0..columns).map(|id| (format!("[PAD{id}]"), 5)).collect();
    for (token, id) in tokenizer["model"]["vocab"].as_object().unwrap() {
        tokens[id.as_u64().unwrap() as usize] = (token.clone(), 1);
    }
    let mut ids = HashMap::new();
    for token in tokenizer["added_tokens"].as_array().unwrap() {
        let (id, content) = (token["id"].as_u64().unwrap(), token["content"].as_str().unwrap());
        tokens[id as usize] = (content.to_owned(), 3);
        ids.insert(content.to_owned(), id as u32);
    }
    draft.set("tokenizer.ggml.model", text("gpt2"));
    draft.set("tokenizer.ggml.pre", text("gpt-2"));
    let texts = tokens.iter().map(|(token, _)| text(token)).collect();
    draft.set("tokenizer.ggml.tokens", Value::Array(texts));
    let kinds = tokens.iter().map(|(_, kind)| Value::I32(*kind)).collect();
    draft.set("tokenizer.ggml.token_type", Value::Array(kinds));
    let merges = tokenizer["model"]["merges"].as_array().unwrap().iter().map(|pair| match pair {
        Json::String(pair) => text(pair),
        pair => text(&format!("{} {}", pair[0].as_str().unwrap(), pair[1].as_str().unwrap())),
    });
    draft.set("tokenizer.ggml.merges", Value::Array(merges.collect()));
    for name in ["bos", "eos", "mask"] {
        let id = more[format!("{name}_token")].as_str().and_then(|token| ids.get(token));
        if let Some(id) = id {
            draft.set(&format!("tokenizer.ggml.{name}_token_id"), Value::U32(*id));
        }
    }
    if let Some(template) = more["chat_template"].as_str() {
        draft.set("tokenizer.chat_template", text(template));
    }
}
