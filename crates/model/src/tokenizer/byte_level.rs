//! Byte-level pair encoding, written as the tokenizer.json that says the same.

use serde_json::{Map, Value, json};

/// How text is cut into words.
pub(super) enum WordSplit {
    /// As GPT-2 does it.
    ByteLevel,
    /// Where this matches; `composed`: text is put into the composed form (NFC) first.
    Pattern { regex: &'static str, composed: bool },
}

/// As Qwen2 does it.
pub(super) const QWEN2: WordSplit = WordSplit::Pattern {
    regex: r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    composed: true,
};

/// What such a tokenizer is made of.
pub(super) struct ByteLevel<'a> {
    /// Ids by the tokens' texts.
    pub vocabulary: Map<String, Value>,
    /// Pairs that are joined, the first before the later.
    pub merges: Vec<(&'a str, &'a str)>,
    /// Tokens that are found before text is cut, as tokenizer.json has them.
    pub added: Vec<Value>,
    /// How text is cut into words.
    pub split: &'a WordSplit,
    /// A blank is put before a text that begins with none.
    pub prefix_space: bool,
    /// What stands around a text, as tokenizer.json has it; null for nothing.
    pub around: Value,
}

impl ByteLevel<'_> {
    /// The text of a tokenizer.json that does the same.
    pub(super) fn json(self) -> Vec<u8> {
        let byte_level = |use_regex: bool| {
            json!({
                "type": "ByteLevel", "add_prefix_space": self.prefix_space, "trim_offsets": false,
                "use_regex": use_regex,
            })
        };
        let (normalizer, words) = match self.split {
            WordSplit::ByteLevel => (Value::Null, byte_level(true)),
            WordSplit::Pattern { regex, composed } => (
                if *composed { json!({ "type": "NFC" }) } else { Value::Null },
                json!({ "type": "Sequence", "pretokenizers": [
                    {
                        "type": "Split", "pattern": { "Regex": regex }, "behavior": "Isolated",
                        "invert": false,
                    },
                    byte_level(false),
                ] }),
            ),
        };
        let whole = json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": self.added,
            "normalizer": normalizer,
            "pre_tokenizer": words,
            "post_processor": self.around,
            "decoder": byte_level(true),
            "model": {
                "type": "BPE", "dropout": null, "unk_token": null,
                "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false,
                "byte_fallback": false, "ignore_merges": false, "vocab": self.vocabulary,
                "merges": self.merges,
            },
        });
        whole.to_string().into_bytes()
    }
}

/// What stands around a text: these tokens with their ids, before and after it; null for none.
pub(super) fn around(first: Option<(&str, u32)>, last: Option<(&str, u32)>) -> Value {
    if first.is_none() && last.is_none() {
        return Value::Null;
    }
    let piece = |(token, _): &(&str, u32)| json!({ "SpecialToken": { "id": token, "type_id": 0 } });
    let text = |id: &str| json!({ "Sequence": { "id": id, "type_id": 0 } });
    let (before, after) = (first.as_ref().map(piece), last.as_ref().map(piece));
    let single: Vec<Value> = before.into_iter().chain([text("A")]).chain(after).collect();
    let special = first.into_iter().chain(last).map(|(token, id)| {
        (token.to_owned(), json!({ "id": token, "ids": [id], "tokens": [token] }))
    });
    json!({
        "type": "TemplateProcessing", "single": single, "pair": [text("A"), text("B")],
        "special_tokens": special.collect::<Map<_, _>>(),
    })
}
