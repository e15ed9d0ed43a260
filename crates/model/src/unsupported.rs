//! Checkpoints that cannot be run as they are: quantised by other programs, or adapters to another
//! checkpoint. They are recognised before anything else is, and told what they are.

use std::{fs, path::Path};

use serde_json::{Map, Value};

use super::{LoadError, small_files::JsonObject};

/// What to do with weights that another program has quantised.
const UNQUANTISED: &str = "Take the checkpoint that it was made from, and round it here with \
                           --quantize q8_0 or q4_k; or take a GGUF file of the model";

/// What to do with an adapter.
fn merge(base: &str) -> String {
    format!(
        "Merge it into {base} first, for instance with peft's merge_and_unload() or dLLM's \
         dllm/tools/merge_peft_adapter.py, and give the folder that this writes"
    )
}

/// Refuses a config.json that says that the weights were quantised.
pub(super) fn quantised(config: &JsonObject, place: &str) -> Option<LoadError> {
    for field in ["quantization_config", "compression_config"] {
        let found = config.get(field).unwrap_or(&Value::Null);
        if found.is_null() || found.as_object().is_some_and(Map::is_empty) {
            continue;
        }
        let method = found.get("quant_method").and_then(Value::as_str).unwrap_or("not named");
        let method: String = method.chars().take(40).collect();
        return Some(LoadError::new(
            place,
            format!(
                "{field} says that the weights are quantised (quant_method: {}), which cannot be \
                 read",
                method.escape_debug()
            ),
            UNQUANTISED,
        ));
    }
    None
}

/// How tensors end that only quantised weights have, and what has quantised them.
const QUANTISED: [(&str, &str); 14] = [
    (".qweight", "GPTQ or AWQ"),
    (".qzeros", "GPTQ or AWQ"),
    (".g_idx", "GPTQ"),
    (".weight_packed", "compressed-tensors"),
    (".weight_zero_point", "compressed-tensors"),
    (".weight_scale_inv", "FP8"),
    (".weight_scale", "FP8 or compressed-tensors"),
    (".input_scale", "FP8 or compressed-tensors"),
    (".SCB", "bitsandbytes"),
    (".weight_format", "bitsandbytes"),
    (".absmax", "bitsandbytes"),
    (".quant_map", "bitsandbytes"),
    ("quant_state.bitsandbytes__nf4", "bitsandbytes"),
    ("quant_state.bitsandbytes__fp4", "bitsandbytes"),
];

/// Parts of names that only adapters' tensors have.
const ADAPTERS: [&str; 4] = [".lora_A", ".lora_B", ".lora_embedding_A", ".lora_magnitude_vector"];

/// Refuses tensors whose names say that they are quantised, or an adapter's.
pub(super) fn by_tensors<'n>(
    names: impl Iterator<Item = &'n str>,
    place: &str,
) -> Option<LoadError> {
    // The first in order: the same words every time.
    let mut found: Option<(&str, Result<&str, ()>)> = None;
    for name in names {
        let quantised = QUANTISED.iter().find(|(end, _)| name.ends_with(end));
        let adapter = ADAPTERS.iter().any(|part| name.contains(part));
        let is = match (quantised, adapter) {
            (_, true) => Err(()),
            (Some((_, by)), _) => Ok(*by),
            (None, false) => continue,
        };
        if found.is_none_or(|(first, _)| name < first) {
            found = Some((name, is));
        }
    }
    let (name, is) = found?;
    let name: String = name.chars().take(80).collect();
    let name = name.escape_debug();
    Some(match is {
        Ok(by) => LoadError::new(
            place,
            format!("its weights are quantised by {by} (`{name}`), which cannot be read"),
            UNQUANTISED,
        ),
        Err(()) => LoadError::new(
            place,
            format!("these are the tensors of an adapter (LoRA: `{name}`), not of a model"),
            merge("the model that it was trained on"),
        ),
    })
}

/// Refuses a folder whose `adapter_config.json`, `config`, says that it holds an adapter.
/// `whole`: there is a model beside it.
pub(super) fn adapter(config: &JsonObject, place: &str, whole: bool) -> LoadError {
    let word = |field: &str| {
        let word: String = config.get(field)?.as_str()?.chars().take(120).collect();
        (!word.is_empty()).then(|| word.escape_debug().to_string())
    };
    let kind = word("peft_type").unwrap_or_else(|| "LoRA or another".to_owned());
    let base = word("base_model_name_or_path");
    let of = base.as_ref().map_or_else(|| "another model".to_owned(), |base| format!("`{base}`"));
    let mut advice = merge(base.as_deref().unwrap_or("the model that it was trained on"));
    if whole {
        advice.push_str(
            ". If the weights beside it are merged already, move adapter_config.json away",
        );
    }
    LoadError::new(
        place,
        format!("adapter_config.json says that this is an adapter ({kind}) to {of}, not a model"),
        advice,
    )
}

/// Refuses a folder without safetensors: by what is there in their place.
pub(super) fn no_safetensors(folder: &Path) -> LoadError {
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    names.sort_unstable();
    let first = |ends: &[&str]| {
        names
            .iter()
            .find(|name| ends.iter().any(|end| name.ends_with(end)))
            .map(|name| name.as_str())
    };
    let place = folder.display().to_string();
    let pickled =
        names.iter().find(|name| name.starts_with("pytorch_model") && name.ends_with(".bin"));
    let pickled = pickled.map(String::as_str).or_else(|| first(&[".pt", ".pth", ".ckpt"]));
    match (pickled, first(&[".gguf"])) {
        (Some(name), _) => LoadError::new(
            place,
            format!("its weights are in {name}, and reading such a file can run code"),
            "Write them as safetensors once, with transformers: load the model and call \
             save_pretrained(FOLDER) with safe_serialization=True",
        ),
        (None, Some(name)) => LoadError::new(
            folder.join(name).display().to_string(),
            "the folder that it is in holds no safetensors, and a folder is not searched for GGUF \
             files",
            "Give this file itself with --model",
        ),
        (None, None) => LoadError::new(
            place,
            "there is no safetensors file in it",
            "Give a checkpoint stored as safetensors",
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> JsonObject {
        value.as_object().cloned().unwrap_or_default()
    }

    fn check(refused: Option<LoadError>, expected: &[&str]) {
        let text = refused.map_or_else(String::new, |error| error.to_string());
        assert!(expected.is_empty() == text.is_empty(), "{text}");
        for word in expected {
            assert!(text.contains(word), "no `{word}` in: {text}");
        }
    }

    #[test]
    fn a_config_that_speaks_of_quantising_is_refused_by_its_method() {
        for method in ["gptq", "awq", "bitsandbytes", "fp8", "compressed-tensors", "torchao"] {
            let config = json!({ "quantization_config": { "quant_method": method, "bits": 4 } });
            check(
                quantised(&object(config), "there"),
                &["there", method, "quantised", "--quantize"],
            );
        }
        let bits = object(json!({ "quantization_config": { "bits": 4 } }));
        check(quantised(&bits, ""), &["not named"]);
        for other in [json!({ "a": 1 }), json!("gptq"), json!(4)] {
            let other = object(json!({ "compression_config": other }));
            check(quantised(&other, ""), &["compression_config"]);
        }
        for config in [json!({}), json!({ "quantization_config": null })] {
            check(quantised(&object(config), "there"), &[]);
        }
    }

    #[test]
    fn tensors_tell_where_nothing_else_does() {
        let of = |names: &[&str]| by_tensors(names.iter().copied(), "there");
        check(of(&["model.norm.weight", "model.layers.0.mlp.up_proj.bias"]), &[]);
        for (name, expected) in [
            ("model.layers.0.mlp.up_proj.qweight", "GPTQ or AWQ"),
            ("model.layers.0.mlp.up_proj.weight_scale_inv", "FP8"),
            ("model.layers.0.mlp.up_proj.weight_packed", "compressed-tensors"),
            ("a.weight.quant_state.bitsandbytes__nf4", "bitsandbytes"),
            ("a.weight.absmax", "bitsandbytes"),
            ("a.SCB", "bitsandbytes"),
        ] {
            check(of(&["a.weight", name]), &[expected, name, "quantised"]);
        }
        let lora = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";
        check(of(&[lora]), &["adapter", lora, "Merge"]);
    }

    #[test]
    fn an_adapter_names_its_base() {
        let named =
            json!({ "peft_type": "LORA", "base_model_name_or_path": "GSAI-ML/LLaDA-8B-Base" });
        let named = object(named);
        check(
            Some(adapter(&named, "there", false)),
            &["there", "LORA", "GSAI-ML/LLaDA-8B-Base", "Merge"],
        );
        check(Some(adapter(&named, "there", true)), &["move adapter_config.json away"]);
        check(
            Some(adapter(&JsonObject::new(), "there", false)),
            &["an adapter (LoRA or another) to another model"],
        );
    }
}
