//! Files: the checkpoint a run continues from, and the exported model.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize_to_file};
use serde_json::json;

use crate::net::{EPS, Layout, THETA};
use crate::vocabulary::Vocabulary;

/// Everything a run continues from.
pub struct State {
    pub weights: Vec<f32>,
    pub average: Vec<f32>,
    pub first: Vec<f32>,
    pub second: Vec<f32>,
    pub step: u64,
    pub tokens: u64,
    pub seconds: f64,
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// Writes the state, replacing the last one only when it is complete.
pub fn save_state(path: &Path, state: &State) -> Result<()> {
    let parts = [
        ("weights", bytes(&state.weights)),
        ("average", bytes(&state.average)),
        ("first", bytes(&state.first)),
        ("second", bytes(&state.second)),
    ];
    let views = parts
        .iter()
        .map(|(name, data)| Ok((*name, TensorView::new(Dtype::F32, vec![data.len() / 4], data)?)))
        .collect::<Result<Vec<_>>>()?;
    let about = HashMap::from([
        ("step".to_string(), state.step.to_string()),
        ("tokens".to_string(), state.tokens.to_string()),
        ("seconds".to_string(), state.seconds.to_string()),
    ]);
    let part = path.with_extension("part");
    serialize_to_file(views, Some(about), &part)?;
    std::fs::rename(&part, path)?;
    Ok(())
}

/// Reads what [`save_state`] wrote.
pub fn load_state(path: &Path, total: usize) -> Result<State> {
    let data =
        std::fs::read(path).with_context(|| format!("no checkpoint at {}", path.display()))?;
    let tensors = SafeTensors::deserialize(&data)?;
    let (_, header) = SafeTensors::read_metadata(&data)?;
    let about = header.metadata().clone().unwrap_or_default();
    let read = |name: &str| -> Result<Vec<f32>> {
        let data = tensors.tensor(name)?.data();
        ensure!(data.len() == total * 4, "the checkpoint is for another shape");
        Ok(data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    };
    let number = |name: &str| about.get(name).and_then(|s| s.parse::<f64>().ok()).unwrap_or(0.0);
    Ok(State {
        weights: read("weights")?,
        average: read("average")?,
        first: read("first")?,
        second: read("second")?,
        step: number("step") as u64,
        tokens: number("tokens") as u64,
        seconds: number("seconds"),
    })
}

/// Writes `model.safetensors` in f16 and `config.json`.
pub fn export(
    folder: &Path,
    layout: &Layout,
    weights: &[f32],
    vocabulary: &Vocabulary,
) -> Result<()> {
    let parts: Vec<(String, Vec<usize>, Vec<u8>)> = layout
        .entries
        .iter()
        .map(|entry| {
            let shape =
                if entry.columns > 0 { vec![entry.rows, entry.columns] } else { vec![entry.rows] };
            let data = weights[entry.at..][..entry.len()]
                .iter()
                .flat_map(|&x| f16_bits(x).to_le_bytes())
                .collect();
            (entry.name.clone(), shape, data)
        })
        .collect();
    let views = parts
        .iter()
        .map(|(name, shape, data)| {
            Ok((name.clone(), TensorView::new(Dtype::F16, shape.clone(), data)?))
        })
        .collect::<Result<Vec<_>>>()?;
    let part = folder.join("model.part");
    serialize_to_file(
        views,
        Some(HashMap::from([("format".to_string(), "pt".to_string())])),
        &part,
    )?;
    std::fs::rename(&part, folder.join("model.safetensors"))?;

    let shape = layout.shape;
    let config = json!({
        "activation_type": "silu",
        "alibi": false,
        "alibi_bias_max": 8.0,
        "architectures": ["LLaDAModelLM"],
        "attention_dropout": 0.0,
        "attention_layer_norm": false,
        "attention_layer_norm_with_affine": true,
        "auto_map": {
            "AutoConfig": "configuration_llada.LLaDAConfig",
            "AutoModelForCausalLM": "modeling_llada.LLaDAModelLM",
            "AutoModel": "modeling_llada.LLaDAModelLM"
        },
        "bias_for_layer_norm": false,
        "block_group_size": 1,
        "block_type": "llama",
        "d_model": shape.width,
        "embedding_dropout": 0.0,
        "embedding_size": shape.vocabulary,
        "eos_token_id": vocabulary.eos,
        "flash_attention": false,
        "include_bias": false,
        "include_qkv_bias": false,
        "init_cutoff_factor": null,
        "init_device": "meta",
        "init_fn": "mitchell",
        "init_std": 0.02,
        "input_emb_norm": false,
        "layer_norm_type": "rms",
        "layer_norm_with_affine": true,
        "mask_token_id": vocabulary.mask,
        "max_sequence_length": 1024,
        "mlp_hidden_size": shape.hidden,
        "mlp_ratio": 4,
        "model_type": "llada",
        "multi_query_attention": null,
        "n_heads": shape.heads,
        "n_kv_heads": shape.heads,
        "n_layers": shape.layers,
        "pad_token_id": vocabulary.eos,
        "precision": "amp_bf16",
        "residual_dropout": 0.0,
        "rms_norm_eps": f64::from((EPS * 1e6).round()) / 1e6,
        "rope": true,
        "rope_full_precision": true,
        "rope_theta": THETA,
        "scale_logits": false,
        "torch_dtype": "float16",
        "transformers_version": "4.46.3",
        "use_cache": false,
        "vocab_size": shape.vocabulary,
        "weight_tying": true
    });
    std::fs::write(folder.join("config.json"), serde_json::to_string_pretty(&config)? + "\n")?;
    Ok(())
}

/// Round to nearest even; too large becomes infinity, too small zero or subnormal.
fn f16_bits(x: f32) -> u16 {
    let bits = x.to_bits();
    let sign = ((bits >> 16) & 0x8000) as u16;
    let magnitude = x.abs();
    if magnitude >= 65_520.0 {
        return sign | 0x7c00;
    }
    if magnitude < 6.103_515_6e-5 {
        return sign | (magnitude * 16_777_216.0).round_ties_even() as u16;
    }
    let magnitude = magnitude.to_bits();
    let rounded = magnitude + 0xfff + ((magnitude >> 13) & 1);
    sign | ((rounded >> 13) - (112 << 10)) as u16
}
