//! The files of a folder: a broken one is refused by its name; and which tensors are read.

use std::{collections::HashMap, fs};

use candle_core::{Device, Tensor, safetensors};
use demask::predict::{Column, Prediction};
use serde_json::{Value, json};

use super::{Copy, says};

#[test]
fn what_cannot_be_run_is_told_what_it_is() {
    let copy = Copy::of("qwen3-a");
    copy.change(&json!({ "quantization_config": { "quant_method": "awq", "bits": 4 } }));
    says(copy.info(&[]), &["quantization_config", "awq", "--quantize"], "quantised");
    let adapter = json!({ "peft_type": "LORA", "base_model_name_or_path": "some/base" });
    copy.change(&json!({}));
    copy.write("adapter_config.json", adapter);
    says(copy.info(&[]), &["adapter", "LORA", "some/base", "Merge"], "a model beside it");
    fs::remove_file(copy.folder.join("config.json")).unwrap();
    fs::rename(
        copy.folder.join("model.safetensors"),
        copy.folder.join("adapter_model.safetensors"),
    )
    .unwrap();
    says(copy.info(&[]), &["adapter", "LORA", "some/base", "Merge"], "an adapter");
}

#[test]
fn tensors_saved_from_inside_a_wrapper_are_the_same() {
    for base in ["llada-a", "dream-a", "qwen3-a", "modernbert-a"] {
        let copy = Copy::of(base);
        let same = copy.predicted();
        assert!(same.is_ok(), "{same:?}");
        let file = copy.folder.join("model.safetensors");
        let tensors = safetensors::load(&file, &Device::Cpu).unwrap();
        for wrapper in ["module.", "_orig_mod.", "module._orig_mod.", "base_model.model."] {
            let renamed: HashMap<String, _> = tensors
                .iter()
                .map(|(name, tensor)| (format!("{wrapper}{name}"), tensor.clone()))
                .collect();
            // Not over a file that is looked at through the memory.
            fs::remove_file(&file).unwrap();
            safetensors::save(&renamed, &file).unwrap();
            assert_eq!(copy.predicted(), same, "{base} {wrapper}");
            let text = copy.info(&[]).unwrap();
            assert!(text.contains("taken off"), "{base} {wrapper}:\n{text}");
            assert!(!text.contains("not used"), "{base} {wrapper}:\n{text}");
        }
    }
}

/// Contents that are not a JSON object, and their error messages.
const BROKEN: [(&[u8], &str); 7] = [
    (b"", "it is empty"),
    (b"{", "this is no JSON"),
    (b"{\"eos_token_id\": 503", "this is no JSON"),
    (b"[]", "it holds a list"),
    (b"5", "it holds a number"),
    (b"null", "it holds null"),
    (b"{\"a\": \"\xff\"}", "no UTF-8"),
];

#[test]
fn a_broken_file_is_never_passed_over() {
    for name in [
        "config.json",
        "generation_config.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "model.safetensors.index.json",
        "adapter_config.json",
    ] {
        // The checkpoint is in several files, which an index names.
        let copy = Copy::of("llada-b");
        assert!(copy.opened().is_ok(), "{name}");
        for (bytes, expected) in BROKEN {
            fs::write(copy.folder.join(name), bytes).unwrap();
            let place = format!("{}: ", copy.folder.join(name).display());
            let case = format!("{name} {bytes:?}");
            says(copy.opened().map(|_| ()), &[&place, expected], &case);
        }
    }
    let copy = Copy::of("llada-b");
    copy.change(&json!({}));
    fs::write(copy.folder.join("chat_template.jinja"), b"{{ messages }}\xff").unwrap();
    says(copy.opened().map(|_| ()), &["chat_template.jinja", "no UTF-8"], "a template");
}

#[test]
fn one_file_counts_before_an_index() {
    // As in transformers: save_pretrained may leave an older index behind.
    let copy = Copy::of("llada-a");
    let same = copy.predicted();
    copy.write("model.safetensors.index.json", json!({ "weight_map": { "a": "b.safetensors" } }));
    assert_eq!(copy.predicted(), same);
}

#[test]
fn a_tensor_in_two_files_is_refused() {
    let copy = Copy::of("llada-a");
    let [from, one, two] =
        ["model.safetensors", "a.safetensors", "b.safetensors"].map(|name| copy.folder.join(name));
    fs::copy(&from, one).unwrap();
    fs::rename(&from, two).unwrap();
    says(copy.opened().map(|_| ()), &["b.safetensors", "in another file", "one copy"], "two");
}

/// transformers 5 takes a head that is in the file, also where config.json says that it is tied.
#[test]
fn a_head_in_the_file_counts_as_in_transformers() {
    let (head, embedding) = ("lm_head.weight", "model.embed_tokens.weight");
    let copy = Copy::of("qwen3-a");
    assert_eq!(copy.config["tie_word_embeddings"], true);
    let same = copy.predicted().unwrap();
    copy.retensor(|tensors| {
        tensors.insert(head.to_owned(), tensors[embedding].clone());
    });
    assert_eq!(copy.predicted().as_ref(), Ok(&same), "a copy");
    copy.retensor(|tensors| {
        tensors.insert(head.to_owned(), flipped(&tensors[embedding]));
    });
    let own = copy.predicted().unwrap();
    mirrored(&same, &own);
}

/// The same in ModernBERT, whose logits have a bias.
#[test]
fn a_decoder_in_modernberts_file_counts_as_in_transformers() {
    let (head, embedding) = ("decoder.weight", "model.embeddings.tok_embeddings.weight");
    let copy = Copy::of("modernbert-a");
    let same = copy.predicted().unwrap();
    copy.retensor(|tensors| {
        tensors.insert(head.to_owned(), tensors[embedding].clone());
    });
    assert_eq!(copy.predicted().as_ref(), Ok(&same), "a copy");
    copy.retensor(|tensors| {
        tensors.insert(head.to_owned(), flipped(&tensors[embedding]));
        let bias = flipped(&tensors["decoder.bias"]);
        tensors.insert("decoder.bias".to_owned(), bias);
    });
    mirrored(&same, &copy.predicted().unwrap());
    assert!(copy.info(&[]).unwrap().contains("head           a matrix of its own"));
}

/// The rows in the opposite order.
fn flipped(tensor: &Tensor) -> Tensor {
    let rows = tensor.dim(0).unwrap() as u32;
    let order = Tensor::from_iter((0..rows).rev(), &Device::Cpu).unwrap();
    tensor.index_select(&order, 0).unwrap()
}

/// Checks that one predicts of each token what the other does of the one that mirrors it.
fn mirrored(one: &Prediction, other: &Prediction) {
    let last = 511;
    let ids = |from: &Prediction| from.ids(Column::Argmax).unwrap().to_vec();
    let back: Vec<u32> = ids(other).into_iter().map(|id| last - id).collect();
    assert_eq!(ids(one), back);
    let numbers = |from: &Prediction| from.numbers(Column::PArgmax).unwrap().to_vec();
    for (a, b) in numbers(one).into_iter().zip(numbers(other)) {
        assert!((a - b).abs() < 1e-6, "{a} and {b}");
    }
}

/// LLaDA's code has no head where it is tied: what the file holds of one is named, unless it is a
/// copy.
#[test]
fn a_head_that_llada_does_not_use_is_named() {
    let (head, embedding) = ("model.transformer.ff_out.weight", "model.transformer.wte.weight");
    let copy = Copy::of("llada-a");
    copy.change(&json!({ "weight_tying": true }));
    let tied = copy.predicted();
    let named = |copy: &Copy| copy.opened().unwrap().warnings().concat().contains(head);
    assert!(named(&copy));
    copy.retensor(|tensors| {
        tensors.insert(head.to_owned(), tensors[embedding].clone());
    });
    assert_eq!(copy.predicted(), tied);
    assert!(!named(&copy));
}

/// A model of four terabytes, with nothing in its file.
#[cfg(target_os = "linux")]
#[test]
fn weights_that_do_not_fit_into_memory_are_refused_before_they_are_read() {
    let copy = Copy::of("llada-a");
    let (width, columns, hidden) = (1_usize << 16, 1_usize << 24, 64_usize);
    copy.change(&json!({
        "d_model": width, "n_layers": 1, "vocab_size": columns, "embedding_size": columns,
        "mlp_hidden_size": hidden, "weight_tying": true,
    }));
    let square = vec![width, width];
    let shapes = [
        ("wte", vec![columns, width]),
        ("ln_f", vec![width]),
        ("blocks.0.attn_norm", vec![width]),
        ("blocks.0.ff_norm", vec![width]),
        ("blocks.0.q_proj", square.clone()),
        ("blocks.0.k_proj", square.clone()),
        ("blocks.0.v_proj", square.clone()),
        ("blocks.0.attn_out", square),
        ("blocks.0.ff_proj", vec![hidden, width]),
        ("blocks.0.up_proj", vec![hidden, width]),
        ("blocks.0.ff_out", vec![width, hidden]),
    ];
    let mut header = serde_json::Map::new();
    let mut end = 0;
    for (name, shape) in shapes {
        let start = end;
        end += 4 * shape.iter().product::<usize>();
        header.insert(
            format!("model.transformer.{name}.weight"),
            json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, end] }),
        );
    }
    let header = Value::Object(header).to_string();
    let path = copy.folder.join("model.safetensors");
    let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
    fs::write(&path, &bytes).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_len((bytes.len() + end) as u64).unwrap();
    let words = ["need 4466.8 GB of memory held as f32", "--quantize"];
    says(copy.predicted(), &words, "four terabytes");
    let text = copy.info(&["--device", "cpu"]).unwrap();
    assert!(text.contains("will not fit"), "{text}");
}
