//! GGUF files in llama.cpp's naming: the same logits as the folder they were made from, the same
//! text, and a message for what is cut, hostile or something else.

use std::{
    collections::HashMap,
    fs::{self, File},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use crate::support::golden;
use assert_cmd::Command;
use candle_core::{
    DType, Device, Tensor,
    quantized::{GgmlDType, QTensor, gguf_file, gguf_file::Value},
    safetensors,
};
use demask::{
    model::{self, Batch, Description, Files, Held, Network, Weights},
    session::NodeId,
};
use serde_json::Value as Json;

/// A model on its way into a GGUF file.
struct Draft {
    values: Vec<(String, Value)>,
    tensors: Vec<(String, QTensor)>,
}

impl Draft {
    fn set(&mut self, key: &str, value: Value) {
        self.values.retain(|(name, _)| name != key);
        self.values.push((key.to_owned(), value));
    }

    fn remove(&mut self, key: &str) {
        self.values.retain(|(name, _)| name != key);
    }

    fn drop_tensor(&mut self, name: &str) {
        self.tensors.retain(|(other, _)| other != name);
    }

    fn write(&self, path: &Path) {
        let values: Vec<_> = self.values.iter().map(|(key, value)| (key.as_str(), value)).collect();
        let tensors: Vec<_> = self.tensors.iter().map(|(name, t)| (name.as_str(), t)).collect();
        gguf_file::write(&mut File::create(path).unwrap(), &values, &tensors).unwrap();
    }

    /// Writes it as `llama-gguf-split` cuts it: two parts, of which the first says what it is.
    fn write_parts(&self, paths: &[PathBuf; 2]) {
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
    fn written(&self) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.gguf");
        self.write(&path);
        (folder, path)
    }
}

fn text(text: &str) -> Value {
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
fn convert(folder: &Path, architecture: &str, kind: impl Fn(&str) -> GgmlDType) -> Draft {
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
    own("feed_forward_length", Value::U32(number(&["mlp_hidden_size", "intermediate_size"])));
    own("attention.head_count", Value::U32(heads));
    own("attention.head_count_kv", Value::U32(kv_heads));
    own("attention.layer_norm_rms_epsilon", Value::F32(real("rms_norm_eps")));
    own("rope.freq_base", Value::F32(real("rope_theta")));
    own("attention.causal", Value::Bool(false));
    if architecture == "llada" {
        draft.set("diffusion.shift_logits", Value::Bool(false));
    }
    let mut tensors = HashMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "safetensors") {
            tensors.extend(safetensors::load(path, &Device::Cpu).unwrap());
        }
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

fn network(path: &Path) -> Box<dyn Network> {
    held(path, Held { dtype: DType::F32, quantize: None })
}

fn held(path: &Path, held: Held) -> Box<dyn Network> {
    let files = Files::read(path).unwrap();
    let (_, described) = Description::of(&files).unwrap_or_else(|error| panic!("{error}"));
    let weights = Weights::open(&files).unwrap();
    let go_on = &mut |_: &_| ControlFlow::Continue(());
    model::network(&described, &weights, held, &Device::Cpu, go_on)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Logits of one sequence, `[length][columns]`.
fn logits(model: &dyn Network, ids: &[u32]) -> Vec<Vec<f32>> {
    let ids = Tensor::new(ids, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
    let watch = &mut |_| ControlFlow::Continue(());
    let hidden = model.hidden(&Batch::full(&ids), watch).unwrap().unwrap();
    model.logits(&hidden.get(0).unwrap()).unwrap().to_vec2().unwrap()
}

fn furthest(ours: &[Vec<f32>], theirs: &[Vec<f32>]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let pairs = ours.iter().flatten().zip(theirs.iter().flatten());
    pairs.map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}

fn model_folder(name: &str) -> PathBuf {
    golden().join("models").join(name)
}

#[test]
fn logits_are_those_of_the_reference() {
    for (model, architecture) in [("llada-a", "llada"), ("llada-b", "llada"), ("dream-a", "dream")]
    {
        let (_folder, path) =
            convert(&model_folder(model), architecture, |_| GgmlDType::F32).written();
        let ours = network(&path);
        for case in ["1-prompt-masks", "2-partly-filled"] {
            let file = golden().join(format!("forward/{model}-{case}.safetensors"));
            let case = safetensors::load(file, &Device::Cpu).unwrap();
            let ids: Vec<Vec<u32>> =
                case["input_ids"].to_dtype(DType::U32).unwrap().to_vec2().unwrap();
            let theirs: Vec<Vec<Vec<f32>>> = case["logits"].to_vec3().unwrap();
            for (ids, theirs) in ids.iter().zip(&theirs) {
                let furthest = furthest(&logits(&*ours, ids), theirs);
                assert!(furthest < 1e-4, "{model}: {furthest}");
            }
        }
    }
}

const SOME_IDS: [u32; 12] = [3, 77, 507, 507, 12, 507, 503, 503, 90, 41, 507, 507];

/// A name, the type of a matrix by its name, and how far off its logits may be as a share of
/// the largest.
type Mixture = (&'static str, fn(&str) -> GgmlDType, f32);

/// The same numbers, dense and rounded first: what a product with blocks should come close to.
#[test]
fn blocks_and_mixtures_come_close_to_the_numbers_they_round() {
    let exact = logits(&*network(&model_folder("llada-a")), &SOME_IDS);
    let spread = exact.iter().flatten().fold(0.0_f32, |most, x| most.max(x.abs()));
    let cases: [Mixture; 5] = [
        ("q8_0", |_| GgmlDType::Q8_0, 0.03),
        ("f16", |_| GgmlDType::F16, 0.002),
        ("bf16", |_| GgmlDType::BF16, 0.02),
        // As mixed files have it: values finer than queries and keys.
        (
            "mixed",
            |name| match name {
                _ if name.contains("attn_v") || name.contains("ffn_down") => GgmlDType::Q8_0,
                "token_embd.weight" => GgmlDType::F16,
                _ => GgmlDType::Q5_1,
            },
            0.12,
        ),
        (
            "blocks beside plain",
            |name| if name.contains("attn_k") { GgmlDType::F32 } else { GgmlDType::Q8_0 },
            0.03,
        ),
    ];
    for (name, kind, share) in cases {
        let folder = model_folder("llada-a");
        // Rows of 176 are no blocks of 32.
        let kind = |tensor: &str| match tensor.contains("ffn_down") {
            true => GgmlDType::F32,
            false => kind(tensor),
        };
        let (_folder, path) = convert(&folder, "llada", kind).written();
        let rounded = logits(&*network(&path), &SOME_IDS);
        let furthest = furthest(&rounded, &exact);
        assert!(furthest > 0.0, "{name}: nothing was rounded");
        assert!(furthest < share * spread, "{name}: {furthest} of {spread}");
    }
}

/// The embedded model's folder.
fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/tiny")
}

/// As llama.cpp does: rows that are no whole blocks stay as they are.
fn whole_blocks(name: &str) -> GgmlDType {
    if name.contains("ffn_down") { GgmlDType::F16 } else { GgmlDType::Q8_0 }
}

fn tiny_draft() -> Draft {
    let mut draft = convert(&tiny(), "llada", whole_blocks);
    // Its head is its embedding.
    draft.drop_tensor("output.weight");
    draft
}

fn demask(args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("demask").unwrap();
    command.args(args).env_remove("NO_COLOR");
    // Not the configuration of whoever runs the tests.
    command.env_remove("DEMASK_CONFIG").env("XDG_CONFIG_HOME", "/nonexistent");
    command
}

/// What a run prints as JSON.
fn run(args: &[&str]) -> Json {
    let output = demask(&[&["run", "--json"], args].concat()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {stderr}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Rounding turns only what was nearly undecided: at every 6th step of some recordings.
#[test]
fn rounded_to_eight_bits_the_embedded_model_chooses_the_same_tokens() {
    let (_folder, path) = tiny_draft().written();
    let (exact, rounded) = (network(&tiny()), network(&path));
    let (mut same, mut all, mut widest) = (0, 0, 0.0_f32);
    for file in ["short-answer.jsonl", "stage-1-growth.jsonl", "stage-2-expansions.jsonl"] {
        let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings").join(file);
        let recording = demask::trace::read(&recording).unwrap();
        let session = recording.session();
        for node in (0..session.timeline().len()).step_by(6) {
            let ids = session.timeline()[NodeId(node)].canvas.ids();
            for (exact, rounded) in logits(&*exact, &ids).iter().zip(&logits(&*rounded, &ids)) {
                let ((best, margin), (other, _)) = (best(exact), best(rounded));
                all += 1;
                match best == other {
                    true => same += 1,
                    false => widest = widest.max(margin),
                }
            }
        }
    }
    assert!(all > 1000, "only {all} positions");
    // Elsewhere the activations are rounded too, for the CPU's byte products.
    let least = if cfg!(target_arch = "x86_64") { 99 } else { 97 };
    assert!(same * 100 >= all * least, "{same} of {all}");
    assert!(widest < 0.5, "a choice turned that led by {widest}");
}

/// The first choice, and by how much its logit leads.
fn best(row: &[f32]) -> (usize, f32) {
    let mut order: Vec<usize> = (0..row.len()).collect();
    order.sort_by(|a, b| row[*b].total_cmp(&row[*a]));
    (order[0], row[order[0]] - row[order[1]])
}

#[test]
fn blocks_in_a_file_are_those_made_on_the_way_into_memory() {
    let (_folder, path) = tiny_draft().written();
    let quantize = Some("q8_0".parse().unwrap());
    let made = held(&tiny(), Held { dtype: DType::F32, quantize });
    let ids = [3, 77, 5, 5, 12, 5, 1, 1];
    assert_eq!(furthest(&logits(&*network(&path), &ids), &logits(&*made, &ids)), 0.0);
}

#[test]
fn the_program_runs_a_file_as_it_runs_the_folder() {
    let (_folder, path) = convert(&model_folder("llada-a"), "llada", |_| GgmlDType::F32).written();
    let folder = model_folder("llada-a");
    let small =
        ["--max-gen-length", "32", "--initial-gen-length", "16", "--prompt-ids", "1,20,300"];
    let ids = |model: &Path| {
        run(&[&["--model", model.to_str().unwrap()][..], &small].concat())["ids"].clone()
    };
    assert_eq!(ids(&path), ids(&folder));
    // A prompt goes through the file's tokenizer and chat template.
    let (_folder, path) = tiny_draft().written();
    let prompt = "Say each word twice: owl, drum.";
    let file = run(&["--model", path.to_str().unwrap(), prompt]);
    assert_eq!(file["text"], run(&[prompt])["text"]);
}

#[test]
fn a_file_in_two_parts_runs_as_the_whole() {
    let draft = convert(&model_folder("llada-a"), "llada", |_| GgmlDType::F32);
    let (folder, whole) = draft.written();
    let parts = ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"];
    let parts = parts.map(|name| folder.path().join(name));
    draft.write_parts(&parts);
    let expected = logits(&*network(&whole), &SOME_IDS);
    for part in &parts {
        assert_eq!(logits(&*network(part), &SOME_IDS), expected, "{}", part.display());
    }
    let small = ["--max-gen-length", "16", "--initial-gen-length", "16", "--prompt-ids", "1,20"];
    let ids = |model: &Path| {
        run(&[&["--model", model.to_str().unwrap()][..], &small].concat())["ids"].clone()
    };
    assert_eq!(ids(&parts[0]), ids(&whole));
    let [first, second] = &parts;
    // The second part twice, and then none.
    let kept = fs::read(first).unwrap();
    fs::copy(second, first).unwrap();
    refused(first, &[], &["m-00001-of-00002.gguf", "part 2 of 2", "part 1 of 2"]);
    fs::write(first, kept).unwrap();
    fs::remove_file(second).unwrap();
    refused(first, &[], &["m-00002-of-00002.gguf: ", "is not there", "llama-gguf-split --merge"]);
}

#[test]
fn a_file_says_whether_a_prompt_begins_and_ends_with_tokens() {
    let prompt = |set: &[(&str, bool)]| {
        let mut draft = tiny_draft();
        draft.set("tokenizer.ggml.bos_token_id", Value::U32(4));
        for (flag, on) in set {
            draft.set(&format!("tokenizer.ggml.add_{flag}_token"), Value::Bool(*on));
        }
        let (_folder, path) = draft.written();
        let plain = ["--chat-template", "none", "--max-gen-length", "16", "owl, drum"];
        let found = run(&[&["--model", path.to_str().unwrap()][..], &plain].concat());
        serde_json::from_value::<Vec<u32>>(found["prompt"]["ids"].clone()).unwrap()
    };
    let bare = prompt(&[]);
    assert!(!bare.is_empty() && !bare.contains(&4) && !bare.contains(&1), "{bare:?}");
    for (set, before, behind) in [
        (&[("bos", true)][..], &[4][..], &[][..]),
        (&[("bos", false)], &[], &[]),
        (&[("bos", true), ("eos", true)], &[4], &[1]),
        (&[("eos", true)], &[], &[1]),
    ] {
        assert_eq!(prompt(set), [before, &bare, behind].concat(), "{set:?}");
    }
}

#[test]
fn rounding_on_the_way_into_memory_gives_the_same_text() {
    let prompt = "Say each word twice: owl, drum.";
    let exact = run(&[prompt]);
    assert_eq!(run(&["--quantize", "q8_0", prompt])["text"], exact["text"]);
    let (_folder, path) = tiny_draft().written();
    let again = run(&["--model", path.to_str().unwrap(), "--quantize", "q8_0", prompt]);
    assert_eq!(again["text"], exact["text"]);
}

/// Runs, expects exit code 1 and these words on stderr.
fn refused(path: &Path, more: &[&str], words: &[&str]) {
    let args = [&["run", "--model", path.to_str().unwrap(), "hello"], more].concat();
    let output = demask(&args).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{words:?}: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "no `{word}` in: {stderr}");
    }
    assert!(!stderr.contains("panicked at"), "{stderr}");
}

#[test]
fn another_architecture_or_a_missing_key_is_named() {
    type Change = fn(&mut Draft);
    let cases: &[(Change, &[&str])] = &[
        (|d| d.set("general.architecture", text("qwen2")), &["`qwen2`", "llada and dream"]),
        (|d| d.set("general.architecture", text("llada-moe")), &["`llada-moe`"]),
        (|d| d.remove("general.architecture"), &["`none`"]),
        (|d| d.set("general.architecture", Value::U32(3)), &["`none`"]),
        (|d| d.remove("llada.block_count"), &["`llada.block_count` is missing"]),
        (|d| d.remove("llada.attention.layer_norm_rms_epsilon"), &["epsilon` is missing"]),
        (|d| d.set("llada.block_count", text("2")), &["`llada.block_count` is a text"]),
        (|d| d.set("llada.block_count", Value::U32(3)), &["blk.2", "missing"]),
        (|d| d.set("llada.block_count", Value::U32(u32::MAX)), &["block_count"]),
        (|d| d.set("llada.block_count", Value::I32(-1)), &["block_count", "-1"]),
        (|d| d.set("llada.embedding_length", Value::U64(u64::MAX)), &["embedding_length"]),
        (|d| d.set("llada.embedding_length", Value::U32(128)), &["[512, 64]", "[512, 128]"]),
        (|d| d.set("llada.attention.head_count", Value::U32(0)), &["head_count"]),
        (|d| d.set("llada.attention.head_count", Value::U32(7)), &["7 heads"]),
        (|d| d.set("llada.attention.head_count_kv", Value::U32(3)), &["head_count_kv 3"]),
        (|d| d.set("llada.attention.key_length", Value::U32(8)), &["attn_q.weight", "[32, 64]"]),
        (|d| d.set("llada.rope.dimension_count", Value::U32(8)), &["dimension_count"]),
        (|d| d.set("llada.rope.freq_base", Value::F32(f32::NAN)), &["llada.rope.freq_base is NaN"]),
        (|d| d.set("llada.rope.freq_base", Value::F32(1e30)), &["freq_base is 1.0", "1e16"]),
        (|d| d.set("llada.attention.layer_norm_rms_epsilon", Value::F32(0.0)), &["epsilon is 0.0"]),
        (|d| d.set("tokenizer.ggml.eos_token_id", text("503")), &["eos_token_id` is `503`"]),
        (|d| d.set("tokenizer.ggml.mask_token_id", Value::I32(-1)), &["mask_token_id` is -1"]),
        (|d| d.set("tokenizer.chat_template", Value::U32(1)), &["chat_template` is a whole"]),
        (|d| d.set("tokenizer.ggml.tokens", text("a")), &["tokens` is a text", "--tokenizer"]),
        (
            |d| d.set("tokenizer.ggml.token_type", Value::Array(vec![Value::I32(1)])),
            &["token_type` is no list of 512"],
        ),
        (
            |d| d.set("tokenizer.ggml.merges", Value::Array(vec![text("zzz")])),
            &["entry 0 of `tokenizer.ggml.merges`"],
        ),
        (
            |d| d.set("tokenizer.ggml.add_bos_token", text("true")),
            &["add_bos_token` is a text, expected true or false"],
        ),
        (
            |d| {
                d.set("llada.rope.scaling.type", text("yarn"));
                d.set("llada.rope.scaling.factor", Value::F32(4.0));
            },
            &["yarn", "4"],
        ),
        (|d| d.set("diffusion.shift_logits", Value::U32(1)), &["shift_logits"]),
        (|d| d.drop_tensor("output_norm.weight"), &["output_norm.weight", "missing"]),
        (|d| d.drop_tensor("blk.1.attn_k.weight"), &["blk.1.attn_k.weight", "missing"]),
        (|d| d.set("tokenizer.ggml.pre", text("llama-bpe")), &["`llama-bpe`", "--tokenizer"]),
        (|d| d.set("tokenizer.ggml.model", text("llama")), &["`llama`", "--tokenizer"]),
        (|d| d.remove("tokenizer.ggml.merges"), &["merges", "--tokenizer"]),
        (|d| d.remove("tokenizer.ggml.tokens"), &["no tokenizer", "--tokenizer", "--prompt-ids"]),
        (
            |d| d.set("tokenizer.ggml.merges", Value::Array(vec![text("zzz yyy")])),
            &["no tokenizer"],
        ),
        (|d| d.set("tokenizer.ggml.mask_token_id", Value::U32(9999)), &["9999", "--mask-token"]),
        (|d| d.set("tokenizer.ggml.tokens", Value::Array(vec![text("a"); 600])), &["tokenizer"]),
        (|d| d.set("general.alignment", Value::U32(0)), &["aligned to 0"]),
        (|d| d.set("general.alignment", Value::U32(1)), &["aligned to 1"]),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changed.gguf");
    for (change, words) in cases {
        let mut draft = convert(&model_folder("llada-a"), "llada", |_| GgmlDType::F32);
        change(&mut draft);
        draft.write(&path);
        refused(&path, &[], words);
    }
    let mut dream = convert(&model_folder("dream-a"), "dream", |_| GgmlDType::F32);
    dream.drop_tensor("blk.0.attn_q.bias");
    dream.write(&path);
    refused(&path, &[], &["blk.0.attn_q.bias", "missing"]);
}

#[test]
fn a_tokenizer_beside_the_file_helps_where_its_own_is_not_known() {
    let mut draft = tiny_draft();
    draft.set("tokenizer.ggml.pre", text("something-new"));
    let (_folder, path) = draft.written();
    let prompt = "Say each word twice: owl, drum.";
    let tokenizer = tiny().join("tokenizer.json");
    let path = path.to_str().unwrap();
    let found = run(&["--model", path, "--tokenizer", tokenizer.to_str().unwrap(), prompt]);
    assert_eq!(found["text"], run(&[prompt])["text"]);
}

#[test]
fn cut_and_hostile_files_end_in_a_message() {
    let (folder, path) = convert(&model_folder("llada-a"), "llada", |_| GgmlDType::F32).written();
    let whole = fs::read(&path).unwrap();
    let bad = folder.path().join("bad.gguf");
    let check = |bytes: &[u8], words: &[&str]| {
        fs::write(&bad, bytes).unwrap();
        refused(&bad, &[], words);
    };
    check(b"", &["no GGUF file"]);
    check(b"GGML", &["no GGUF file"]);
    check(b"GGUF", &["ends inside its header"]);
    for share in [1, 10, 50, 99] {
        let length = whole.len() * share / 100;
        check(&whole[..length], &["bad.gguf", "cut"]);
    }
    check(&whole[..whole.len() - 40], &["beyond the end"]);
    let changed = |at: usize, bytes: &[u8]| {
        let mut all = whole.clone();
        all[at..at + bytes.len()].copy_from_slice(bytes);
        all
    };
    check(&changed(4, &[1]), &["version 1"]);
    check(&changed(4, &[0, 0, 0, 3]), &["byte order"]);
    // Counts of tensors and values.
    check(&changed(8, &u64::MAX.to_le_bytes()), &["tensors"]);
    check(&changed(16, &u64::MAX.to_le_bytes()), &["values"]);
    check(&changed(16, &1_000_000_u64.to_le_bytes()), &["bad.gguf"]);
    // The first key's length.
    check(&changed(24, &u64::MAX.to_le_bytes()), &["ends inside"]);
    let place = |name: &str| {
        whole.windows(name.len()).position(|window| window == name.as_bytes()).unwrap() + name.len()
    };
    // Behind a tensor's name: dimensions, sizes, type, offset.
    let tensor = place("token_embd.weight");
    check(&changed(tensor, &9_u32.to_le_bytes()), &["token_embd.weight", "9 dimensions"]);
    check(&changed(tensor, &0_u32.to_le_bytes()), &["0 dimensions"]);
    check(&changed(tensor + 4, &u64::MAX.to_le_bytes()), &["a size that cannot be"]);
    check(&changed(tensor + 4, &(1_u64 << 45).to_le_bytes()), &["beyond the end"]);
    check(&changed(tensor + 4, &0_u64.to_le_bytes()), &["a size that cannot be"]);
    check(&changed(tensor + 4, &63_u64.to_le_bytes()), &["[512, 63]", "[512, 64]"]);
    check(&changed(tensor + 20, &23_u32.to_le_bytes()), &["iq4_xs", "Q4_K_M"]);
    check(&changed(tensor + 20, &77_u32.to_le_bytes()), &["type 77"]);
    check(&changed(tensor + 20, &12_u32.to_le_bytes()), &["rows of 64", "q4_k"]);
    check(&changed(tensor + 24, &(u64::MAX - 31).to_le_bytes()), &["beyond the end"]);
    check(&changed(tensor + 24, &33_u64.to_le_bytes()), &["aligned"]);
    // Behind a list's key: its kind, the kind of its entries, their number.
    let list = place("tokenizer.ggml.tokens");
    check(&changed(list + 4, &99_u32.to_le_bytes()), &["99"]);
    check(&changed(list + 4, &9_u32.to_le_bytes()), &["9 is no kind"]);
    check(&changed(list + 8, &u64::MAX.to_le_bytes()), &["does not fit"]);
    check(&changed(list + 8, &100_000_u64.to_le_bytes()), &["bad.gguf"]);
}
