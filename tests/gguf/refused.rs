//! Files that are cut, hostile or something else end in a message.

use std::fs;

use candle_core::quantized::{GgmlDType, gguf_file::Value};

use super::{
    convert::{Draft, convert, text},
    model_folder, refused,
};

#[test]
fn another_architecture_or_a_missing_key_is_named() {
    type Change = fn(&mut Draft);
    let cases: &[(Change, &[&str])] = &[
        (|d| d.set("general.architecture", text("qwen2")), &["`qwen2`", "llada, dream, llada-moe"]),
        (
            |d| d.set("general.architecture", text("llada-moe")),
            &["`llada-moe.embedding_length` is missing"],
        ),
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
