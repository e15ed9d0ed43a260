//! What a config.json says against what is computed: each field that bears on the numbers changes
//! them, or is refused by its name, and what is written in another way gives the same.

mod attention;
mod ends;
mod experts;
mod files;
mod ranges;

use std::{collections::HashMap, fs, ops::ControlFlow, path::PathBuf};

use crate::support::{golden, request};
use assert_cmd::Command;
use candle_core::{Device, Tensor, safetensors};
use demask::{
    canvas::TokenId,
    model::{self, Checkpoint, Computing, ModelSource},
    predict::{Column, Prediction},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A golden checkpoint in a folder of its own.
struct Copy {
    _root: TempDir,
    folder: PathBuf,
    config: Value,
}

impl Copy {
    fn of(base: &str) -> Self {
        Self::within(base, "")
    }

    /// At a path inside a folder of its own.
    fn within(base: &str, path: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(path);
        fs::create_dir_all(&folder).unwrap();
        for file in fs::read_dir(golden().join("models").join(base)).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), folder.join(file.file_name())).unwrap();
        }
        let text = fs::read_to_string(folder.join("config.json")).unwrap();
        Self { _root: root, folder, config: serde_json::from_str(&text).unwrap() }
    }

    fn write(&self, name: &str, text: impl ToString) {
        fs::write(self.folder.join(name), text.to_string()).unwrap();
    }

    /// Takes the base's config.json, with these fields in place of its own.
    fn change(&self, fields: &Value) {
        let mut config = self.config.clone();
        for (name, value) in fields.as_object().unwrap() {
            config[name] = value.clone();
        }
        self.write("config.json", config);
    }

    /// Its headers, or what is said against them.
    fn opened(&self) -> Result<Checkpoint, String> {
        let source = ModelSource::Folder(self.folder.clone());
        let computing = Computing::on(Device::Cpu);
        let opened = model::open(&source, &computing, &mut |_| ControlFlow::Continue(()));
        opened.map_err(|error| error.to_string())
    }

    /// Rewrites its tensors, which are in one file.
    fn retensor(&self, change: impl FnOnce(&mut HashMap<String, Tensor>)) {
        let file = self.folder.join("model.safetensors");
        let mut tensors = safetensors::load(&file, &Device::Cpu).unwrap();
        change(&mut tensors);
        // Not over a file that is looked at through the memory.
        fs::remove_file(&file).unwrap();
        safetensors::save(&tensors, &file).unwrap();
    }

    /// What is predicted of masks behind a prompt longer than ModernBERT's layers look, or what is
    /// said against it.
    fn predicted(&self) -> Result<Prediction, String> {
        let special = self.opened()?.special.tokens;
        let prompt = (0..24).map(|at: TokenId| 10 + at * 37 % 480);
        let ids: Vec<TokenId> = prompt.chain([special.mask; 24]).collect();
        let loaded = self.opened()?.load(&mut |_| ControlFlow::Continue(()));
        let mut loaded = loaded.map_err(|error| error.to_string())?;
        let rows = 24..ids.len();
        let request = request(ids, rows, special, &COLUMNS, 8);
        let prediction = loaded.predictor.predict(&request, &mut |_| ControlFlow::Continue(()));
        prediction.map_err(|error| error.to_string())
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap()
    }

    /// What a run says on stderr.
    fn ran(&self, more: &[&str]) -> String {
        let mut command = Command::cargo_bin("demask").unwrap();
        command.env_remove("DEMASK_CONFIG").env("XDG_CONFIG_HOME", "/nonexistent");
        let output = command.arg("run").arg("--model").arg(&self.folder).args(more).output();
        let output = output.unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        stderr
    }

    fn info(&self, more: &[&str]) -> Result<String, String> {
        let mut command = Command::cargo_bin("demask").unwrap();
        command.env_remove("DEMASK_CONFIG").env("XDG_CONFIG_HOME", "/nonexistent");
        let output = command.arg("info").arg(&self.folder).args(more).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        match output.status.code() {
            Some(0) => Ok(text(output.stdout)),
            Some(1) => Err(text(output.stderr)),
            other => panic!("{other:?}: {}", text(output.stderr)),
        }
    }
}

/// What is asked about.
const COLUMNS: [Column; 9] = [
    Column::Argmax,
    Column::PArgmax,
    Column::PEos,
    Column::Entropy,
    Column::Margin,
    Column::BestUnmask,
    Column::PBestUnmask,
    Column::PCurrent,
    Column::TopK,
];

fn says(refused: Result<impl std::fmt::Debug, String>, words: &[&str], case: &str) {
    let text = refused.expect_err(case);
    for word in words {
        assert!(text.contains(word), "{case}: no `{word}` in: {text}");
    }
}

#[test]
fn configs_written_in_other_ways_give_the_same_or_are_refused() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("configs.json")).unwrap();
    for case in &cases {
        let [name, base, expect] =
            ["name", "base", "expect"].map(|key| case[key].as_str().unwrap());
        let copy = Copy::of(base);
        let same = copy.predicted().unwrap();
        copy.write("config.json", &case["config"]);
        let found = copy.predicted();
        match (expect, name) {
            ("same", _) => assert_eq!(found, Ok(same), "{name}"),
            ("same, all shown", _) => {
                assert_eq!(found, Ok(same), "{name}");
                let shown: Value = serde_json::from_str(&copy.info(&["--json"]).unwrap()).unwrap();
                let named = shown["special"]["eos_named"].as_array().unwrap();
                let text = copy.info(&[]).unwrap();
                for id in case["config"]["eos_token_id"].as_array().unwrap() {
                    let named = named.iter().find(|named| named["id"] == *id);
                    let named = named.unwrap_or_else(|| panic!("{base}: no {id} in {shown}"));
                    let by = named["by"].as_array().unwrap();
                    assert!(by.contains(&"config.json".into()), "{base}: {named}");
                    let line = match named["text"].as_str() {
                        Some(text) => format!("{id} `{}`", text.escape_debug()),
                        None => format!("{id}, without a text"),
                    };
                    assert!(text.contains(&line), "{base}: no `{line}` in:\n{text}");
                }
            }
            (_, "rope_parameters-yarn") => says(found, &["rope_type is `yarn`"], name),
            (_, "rope_parameters-linear") => says(found, &["rope_type is `linear`"], name),
            (_, "rope-conflict") => says(found, &["rope_theta is 10 ", "is 1000000,"], name),
            (_, "theta-null") => says(found, &["rope_theta is null"], name),
            other => panic!("what is expected of {other:?}?"),
        }
    }
    assert_eq!(cases.len(), 8);
}

/// What becomes of a field that is changed: other numbers, or a refusal with this word.
type Flip = (Value, Option<&'static str>);

/// Checks changes of a golden model's config.json, one at a time.
fn flips(base: &str, flips: &[Flip]) {
    flips_of(&Copy::of(base), flips);
}

fn flips_of(copy: &Copy, flips: &[Flip]) {
    let same = copy.predicted().unwrap();
    assert_eq!(copy.predicted().as_ref(), Ok(&same), "not the same twice");
    for (fields, expected) in flips {
        copy.change(fields);
        let case = format!("{} {fields}", copy.config["model_type"]);
        match (expected, copy.predicted()) {
            (Some(word), found) => says(found, &[word], &case),
            (None, Ok(found)) => assert_ne!(found, same, "{case} changes nothing"),
            (None, Err(error)) => panic!("{case}: {error}"),
        }
    }
}

/// Changes that every family answers alike.
fn everywhere() -> Vec<Flip> {
    vec![
        (json!({ "rope_scaling": { "type": "linear", "factor": 2.0 } }), Some("rope_scaling.type")),
        (json!({ "rope_scaling": { "factor": 2.0 } }), Some("rope_scaling")),
        (
            json!({ "rope_parameters": { "rope_type": "llama3", "rope_theta": 1e6 } }),
            Some("rope_parameters.rope_type"),
        ),
        (json!({ "partial_rotary_factor": 0.5 }), Some("partial_rotary_factor")),
        (json!({ "is_causal": true }), Some("is_causal")),
        (json!({ "final_logit_softcapping": 30.0 }), Some("final_logit_softcapping")),
        (json!({ "attn_logit_softcapping": 50.0 }), Some("attn_logit_softcapping")),
        (json!({ "embedding_multiplier": 12.0 }), Some("embedding_multiplier")),
        (json!({ "residual_multiplier": 0.5 }), Some("residual_multiplier")),
        (json!({ "logits_scaling": 8.0 }), Some("logits_scaling")),
        (json!({ "num_experts": 8 }), Some("num_experts")),
        (json!({ "qk_norm": true }), Some("qk_norm")),
        (json!({ "clip_qkv": 8.0 }), Some("clip_qkv")),
        (json!({ "block_size": 8, "block_length": 4 }), Some("block_size is 8 and block_length")),
        (json!({ "quantization_config": { "quant_method": "gptq" } }), Some("gptq")),
    ]
}

const FULL: &str = "full_attention";

/// Changes that the families under transformers' names answer alike, for golden models of two
/// layers of width 64, with 4 heads and 2 for keys and values.
fn under_transformers_names() -> Vec<Flip> {
    let own = vec![
        (json!({ "rope_theta": 10.0 }), None),
        (json!({ "rope_theta": null }), Some("rope_theta is null")),
        (json!({ "rope_theta": 5.0, "rope_parameters": { "rope_theta": 6.0 } }), Some("is 5 and")),
        (json!({ "rope_theta": null, "rope_parameters": { "rope_theta": 6.0 } }), None),
        (json!({ "rms_norm_eps": 0.01 }), None),
        (json!({ "rms_norm_eps": null }), Some("rms_norm_eps")),
        (json!({ "num_hidden_layers": 1, "layer_types": null }), None),
        (json!({ "num_hidden_layers": 3, "layer_types": null }), Some("model.layers.2.")),
        (json!({ "num_key_value_heads": 4 }), Some("self_attn.k_proj")),
        (json!({ "num_key_value_heads": null }), Some("self_attn.k_proj")),
        (json!({ "num_key_value_heads": 3 }), Some("num_key_value_heads 3")),
        (json!({ "head_dim": 48 }), Some("self_attn.q_proj")),
        (json!({ "head_dim": 15 }), Some("15 wide")),
        (json!({ "hidden_size": 32 }), Some("model.embed_tokens")),
        (json!({ "intermediate_size": 80 }), Some("mlp.")),
        (json!({ "vocab_size": 520 }), Some("model.embed_tokens")),
        (json!({ "max_position_embeddings": 8 }), Some("context of 8")),
        (json!({ "hidden_act": "gelu" }), Some("hidden_act is `gelu`")),
        (json!({ "layer_types": [FULL, "sliding_attention"] }), Some("layer_types[1]")),
        (json!({ "layer_types": [FULL, "whatever"] }), Some("layer_types[1] is `whatever`")),
        (json!({ "layer_types": [FULL] }), Some("layer_types has 1 layers")),
        (json!({ "layer_types": FULL }), Some("layer_types is `full_attention`")),
    ];
    [everywhere(), own].concat()
}

/// Where the width of a head is the width over the heads, half as many heads fit the tensors.
fn wider_heads() -> Vec<Flip> {
    vec![
        (json!({ "num_attention_heads": 2 }), Some("self_attn.k_proj")),
        (json!({ "num_attention_heads": 2, "num_key_value_heads": 1 }), None),
        (json!({ "num_attention_heads": 5 }), Some("hidden_size 64 cannot be cut into 5 heads")),
    ]
}

#[test]
fn every_field_of_qwen3_counts() {
    let own = [
        (json!({ "num_attention_heads": 2 }), Some("self_attn.q_proj")),
        (json!({ "head_dim": null }), Some("self_attn.q_proj")),
        (json!({ "attention_bias": true }), Some("q_proj.bias")),
        (json!({ "mlp_bias": true }), Some("mlp_bias")),
        (json!({ "tie_word_embeddings": false }), Some("lm_head.weight")),
    ];
    flips("qwen3-a", &[&under_transformers_names()[..], &own].concat());
    flips("qwen3-bias", &[(json!({ "attention_bias": false }), None)]);
}

#[test]
fn every_field_of_qwen2_counts() {
    let own = [
        (json!({ "attention_bias": true }), Some("attention_bias")),
        (json!({ "mlp_bias": true }), Some("mlp_bias")),
    ];
    let all = [&under_transformers_names()[..], &wider_heads(), &own].concat();
    let tied = [(json!({ "tie_word_embeddings": false }), Some("lm_head.weight"))];
    flips("qwen2-a", &[&all[..], &tied].concat());
    flips("dream-a", &all);
}

#[test]
fn every_field_of_llama_counts() {
    let own = [
        (json!({ "attention_bias": true }), Some("q_proj.bias")),
        (json!({ "mlp_bias": true }), Some("mlp.")),
        (json!({ "tie_word_embeddings": false }), Some("lm_head.weight")),
        (json!({ "layer_norm_eps": 1e-5 }), Some("layer_norm_eps")),
    ];
    let all = [&under_transformers_names()[..], &wider_heads(), &own].concat();
    flips("illada-a", &all);
    // The same network under dLLM's name, where the file has to name the mask.
    let mut llama = Copy::of("illada-a");
    let same = llama.predicted();
    llama.config["model_type"] = "a2d-llama".into();
    llama.config["mask_token_id"] = 5.into();
    llama.change(&json!({}));
    assert_eq!(llama.predicted(), same);
    flips_of(&llama, &all);
}

#[test]
fn every_field_of_llada_counts() {
    let own = [
        (json!({ "rope_theta": 10.0 }), None),
        (json!({ "rope_theta": null }), Some("rope_theta is null")),
        (json!({ "rms_norm_eps": 0.01 }), None),
        (json!({ "weight_tying": true }), None),
        (json!({ "n_heads": 2, "n_kv_heads": 2 }), None),
        (json!({ "n_heads": 3 }), Some("d_model 64 cannot be cut into 3 heads")),
        (json!({ "n_kv_heads": 2 }), Some("k_proj")),
        (json!({ "multi_query_attention": true }), Some("multi_query_attention")),
        (json!({ "n_layers": 1 }), None),
        (json!({ "n_layers": 3 }), Some("blocks.2.")),
        (json!({ "d_model": 32 }), Some("wte")),
        (json!({ "mlp_hidden_size": 80 }), Some("ff_")),
        (json!({ "mlp_hidden_size": null }), Some("ff_")),
        (json!({ "vocab_size": 600 }), Some("embedding_size 512")),
        (json!({ "embedding_size": 576 }), Some("wte")),
        (json!({ "max_sequence_length": 8 }), Some("context of 8")),
        (json!({ "include_bias": true }), Some(".bias")),
        (json!({ "include_qkv_bias": true }), Some("q_proj.bias")),
        (json!({ "bias_for_layer_norm": true }), Some("bias_for_layer_norm")),
        (json!({ "block_type": "sequential" }), Some("block_type")),
        (json!({ "activation_type": "gelu" }), Some("activation_type")),
        (json!({ "layer_norm_type": "default" }), Some("layer_norm_type")),
        (json!({ "layer_norm_with_affine": false }), Some("layer_norm_with_affine")),
        (json!({ "rope": false }), Some("rope is false")),
        (json!({ "rope_full_precision": false }), Some("rope_full_precision")),
        (json!({ "alibi": true }), Some("alibi")),
        (json!({ "attention_layer_norm": true }), Some("attention_layer_norm")),
        (json!({ "input_emb_norm": true }), Some("input_emb_norm")),
        (json!({ "scale_logits": true }), Some("scale_logits")),
        (json!({ "block_group_size": 2 }), Some("block_group_size")),
        (json!({ "sliding_window": 8 }), Some("sliding_window")),
    ];
    flips("llada-a", &[&everywhere()[..], &own].concat());
}

#[test]
fn every_field_of_modernbert_counts() {
    let (full, near) = ("full_attention", "sliding_attention");
    let theta = |full: f64, near: f64| {
        json!({ "rope_parameters": { "full_attention": { "rope_theta": full },
                                     "sliding_attention": { "rope_theta": near } } })
    };
    let own = [
        (json!({ "global_rope_theta": 10.0 }), None),
        (json!({ "local_rope_theta": 10.0 }), None),
        (theta(5.0, 10_000.0), Some("rope_parameters.full_attention.rope_theta is 5")),
        (theta(160_000.0, 5.0), Some("rope_parameters.sliding_attention.rope_theta is 5")),
        (json!({ "norm_eps": 0.01, "layer_norm_eps": 0.01 }), None),
        (json!({ "norm_eps": 0.01 }), Some("norm_eps is 0.01")),
        (json!({ "local_attention": 4 }), None),
        (json!({ "global_attn_every_n_layers": 1 }), None),
        (json!({ "global_attn_every_n_layers": 0 }), Some("global_attn_every_n_layers")),
        (json!({ "layer_types": [full, near, full, near] }), None),
        (json!({ "layer_types": [near, near, near, full] }), Some("layer_types")),
        (json!({ "num_attention_heads": 2 }), None),
        (json!({ "num_attention_heads": 3 }), Some("cannot be cut into 3 heads")),
        (json!({ "num_hidden_layers": 3 }), None),
        (json!({ "num_hidden_layers": 5 }), Some("model.layers.4.")),
        (json!({ "hidden_size": 32 }), Some("tok_embeddings")),
        (json!({ "intermediate_size": 48 }), Some("mlp.W")),
        (json!({ "vocab_size": 520 }), Some("tok_embeddings")),
        (json!({ "max_position_embeddings": 8 }), Some("context of 8")),
        (json!({ "attention_bias": true }), Some("attention_bias")),
        (json!({ "classifier_bias": true }), Some("classifier_bias")),
        (json!({ "decoder_bias": false }), Some("decoder_bias")),
        (json!({ "mlp_bias": true }), Some("mlp_bias")),
        (json!({ "norm_bias": true }), Some("norm_bias")),
        (json!({ "tie_word_embeddings": false }), Some("tie_word_embeddings")),
        (json!({ "hidden_activation": "relu" }), Some("hidden_activation")),
        (json!({ "classifier_activation": "relu" }), Some("classifier_activation")),
        // Its network has no blocks.
        (json!({ "block_size": 8 }), Some("block_size")),
    ];
    flips("modernbert-a", &[&everywhere()[..], &own].concat());
}

/// LLaDA2.2 names two tokens that edit, and chooses experts for a block at once, which is not computed.
#[test]
fn fields_of_models_that_edit_their_blocks_are_read_or_refused() {
    let copy = Copy::of("llada-a");
    let suggested = || {
        let loaded = copy.opened().unwrap().load(&mut |_| ControlFlow::Continue(())).unwrap();
        let tokens = loaded.suggested.of("indel").into_iter();
        tokens.filter(|(name, _)| name.ends_with("_token_id")).collect::<Vec<_>>()
    };
    assert_eq!(suggested(), []);
    copy.change(&json!({ "delete_token_id": 41, "split_token_id": 42 }));
    let both = [("delete_token_id", 41.0), ("split_token_id", 42.0)];
    assert_eq!(suggested(), both.map(|(name, token)| (name.to_owned(), token)));
    let said = copy.ran(&["--strategy", "indel", "--gen-length", "8", "--prompt-ids", "20,21"]);
    assert!(!said.contains("_token_id"), "{said}");
    copy.change(&json!({ "delete_token_id": "41" }));
    says(copy.opened().map(|_| ()), &["config.json", "delete_token_id"], "a text");
}

#[test]
fn a_field_that_nobody_knows_is_named() {
    for base in ["llada-a", "dream-a", "qwen2-a", "qwen3-a", "illada-a", "modernbert-a"] {
        let copy = Copy::of(base);
        let known = copy.info(&[]).unwrap();
        assert!(!known.contains("not understood"), "{base}:\n{known}");
        let same = copy.predicted();
        copy.change(&json!({ "twist_factor": 3, "rope_twist": { "by": 2 } }));
        let text = copy.info(&[]).unwrap();
        for word in ["not understood", "twist_factor = 3;", "rope_twist = {\"by\":2};"] {
            assert!(text.contains(word), "{base}: no `{word}` in:\n{text}");
        }
        assert_eq!(copy.predicted(), same, "{base}");
    }
}
