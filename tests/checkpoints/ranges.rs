//! Values that no network can have, field by field: each is refused in one line with the file, the
//! field and what was expected.

use serde_json::{Value, json};

use super::{Copy, says};

/// Fields, a value, and the error message.
type Case = (&'static [&'static str], Value, &'static str);

/// Checks values of fields of a golden model's config.json, one at a time.
fn check(base: &str, cases: &[Case]) {
    let copy = Copy::of(base);
    let place = format!("{}: ", copy.folder.join("config.json").display());
    for (fields, value, expected) in cases {
        for field in *fields {
            copy.change(&json!({ *field: value }));
            let refused = copy.opened().map(|_| ());
            let case = format!("{base} {field} {value}");
            says(refused.clone(), &[&place, field, expected], &case);
            let text = refused.unwrap_err();
            assert!(text.len() < place.len() + 300, "{case}: {text}");
            copy.change(&json!({}));
        }
    }
}

/// Values that are wrong for any size.
fn sizes(fields: &'static [&'static str]) -> Vec<Case> {
    vec![
        (fields, json!(0), "is 0, expected a whole number from 1 to"),
        (fields, json!(-1), "is -1, expected a whole number"),
        (fields, json!(64.5), "is 64.5, expected a whole number"),
        (fields, json!("64"), "is `64`, expected a whole number"),
        (fields, json!(1_u64 << 40), "is 1099511627776, expected a whole number from 1 to"),
        (fields, json!(1e300), "is 1e+300, expected a whole number"),
        (fields, json!([64]), "is [64], expected a whole number"),
    ]
}

fn numbers(theta: &'static [&'static str], eps: &'static [&'static str]) -> Vec<Case> {
    vec![
        (theta, json!(1e300), "is 1e300, expected a number from 1.0 to 1e16"),
        (theta, json!(1e-300), "is 1e-300, expected a number from 1.0 to 1e16"),
        (theta, json!(0), "is 0.0, expected a number from"),
        (theta, json!(-10000), "is -10000.0, expected a number from"),
        (theta, json!("NaN"), "is `NaN`, expected a number"),
        (theta, json!(true), "is true, expected a number"),
        (eps, json!(0), "is 0.0, expected a number from 1e-20 to 0.5"),
        (eps, json!(-1e-6), "is -1e-6, expected a number from"),
        (eps, json!(1e-300), "is 1e-300, expected a number from"),
        (eps, json!(1), "is 1.0, expected a number from"),
        (eps, json!("NaN"), "is `NaN`, expected a number"),
        (eps, json!("1e-6"), "is `1e-6`, expected a number"),
    ]
}

#[test]
fn no_family_takes_what_cannot_be() {
    let rest: &[Case] = &[
        (&["num_key_value_heads"], json!(3), "no multiple of num_key_value_heads 3"),
        (&["tie_word_embeddings"], json!("false"), "is `false`, expected true or false"),
        (&["layer_types"], json!({}), "is {}, expected a list"),
        (&["mask_token_id"], json!(512), "512 is not in the vocabulary of 512"),
        (&["mask_token_id"], json!("507"), "is `507`, expected the id of a token"),
    ];
    let all = [
        sizes(&[
            "hidden_size",
            "num_hidden_layers",
            "num_attention_heads",
            "num_key_value_heads",
            "intermediate_size",
            "vocab_size",
            "max_position_embeddings",
            "head_dim",
        ]),
        numbers(&["rope_theta"], &["rms_norm_eps"]),
        rest.to_vec(),
    ]
    .concat();
    for base in ["qwen2-a", "qwen3-a", "dream-a", "illada-a"] {
        check(base, &all);
    }
    check(
        "llada-a",
        &[
            sizes(&["d_model", "n_heads", "n_layers", "vocab_size", "max_sequence_length"]),
            numbers(&["rope_theta"], &["rms_norm_eps"]),
            vec![
                (&["n_kv_heads"], json!(3), "n_heads is 4, which is no multiple of n_kv_heads 3"),
                (&["n_kv_heads"], json!(0), "is 0, expected a whole number from 1 to"),
                (&["n_heads"], json!(64), "a head is 1 wide, expected an even number"),
                (&["embedding_size"], json!(1_u64 << 40), "expected a whole number from 1 to"),
                (&["embedding_size"], json!(3), "embedding_size 3 is smaller than vocab_size 512"),
                (&["weight_tying"], json!(1), "is 1, expected true or false"),
            ],
        ]
        .concat(),
    );
    check(
        "modernbert-a",
        &[
            sizes(&[
                "hidden_size",
                "num_hidden_layers",
                "num_attention_heads",
                "intermediate_size",
                "vocab_size",
                "max_position_embeddings",
                "local_attention",
            ]),
            numbers(&["global_rope_theta", "local_rope_theta"], &[]),
            vec![
                (&["norm_eps"], json!("1e-6"), "is `1e-6`, expected a number"),
                (&["norm_eps"], json!(-1), "is -1.0"),
            ],
        ]
        .concat(),
    );
}

#[test]
fn a_config_that_is_no_object_or_names_no_family_says_so() {
    let copy = Copy::of("llada-a");
    for (config, expected) in [
        (json!([1]), "it holds a list, expected a JSON object"),
        (json!(null), "it holds null, expected a JSON object"),
        (json!("llada"), "it holds a text, expected a JSON object"),
        (json!(5), "it holds a number, expected a JSON object"),
        (json!({}), "it has neither `model_type` nor `architectures`, expected one of llada,"),
        (json!({ "model_type": null }), "it has neither `model_type` nor `architectures`"),
        (json!({ "model_type": "gpt2" }), "`model_type` is `gpt2`, expected one of llada,"),
        (json!({ "model_type": ["llada"] }), "`model_type` is [\"llada\"], expected one of"),
        (json!({ "architectures": ["GPT2"] }), "`architectures` says `GPT2`, expected one of"),
    ] {
        copy.write("config.json", &config);
        says(copy.opened().map(|_| ()), &["/config.json: ", expected], &config.to_string());
    }
}

/// Qwen's switch decides whether there are windows, and `layer_types` where it is given, as in
/// transformers.
#[test]
fn windows_are_refused_where_a_layer_would_have_one() {
    let none = Value::Null;
    let full = json!(["full_attention", "full_attention"]);
    for (base, on, window, first, types, refused) in [
        ("qwen2-a", json!(true), json!(8), json!(0), &none, true),
        ("qwen2-a", json!(true), json!(8), json!(1), &none, true),
        ("qwen2-a", json!(true), json!(8), json!(2), &none, false),
        // The first 28 layers have full attention if max_window_layers is not given.
        ("qwen2-a", json!(true), json!(8), none.clone(), &none, false),
        ("qwen2-a", json!(true), none.clone(), json!(0), &none, false),
        ("qwen2-a", json!(true), json!(8), json!(0), &full, false),
        ("qwen2-a", json!(false), json!(8), json!(0), &none, false),
        ("qwen2-a", none.clone(), json!(8), json!(0), &none, false),
        ("dream-a", json!(true), json!(8), json!(0), &none, true),
        ("qwen3-a", json!(true), json!(8), json!(0), &none, true),
        // Llama has no such switch, so a window in the file is meant.
        ("illada-a", none.clone(), json!(8), none.clone(), &none, true),
        ("illada-a", json!(true), json!(8), json!(28), &none, true),
        ("illada-a", json!(false), json!(8), none.clone(), &none, false),
        ("illada-a", none.clone(), json!(8), none.clone(), &full, false),
        ("illada-a", none.clone(), none.clone(), none.clone(), &none, false),
    ] {
        let copy = Copy::of(base);
        let same = copy.predicted();
        let fields = json!({
            "use_sliding_window": on, "sliding_window": window, "max_window_layers": first,
            "layer_types": types,
        });
        copy.change(&fields);
        match refused {
            true => says(copy.predicted(), &["sliding_window"], &format!("{base} {fields}")),
            false => assert_eq!(copy.predicted(), same, "{base} {fields}"),
        }
    }
    // The window has 4096 positions if none is given.
    let mut copy = Copy::of("qwen2-a");
    let config = copy.config.as_object_mut().unwrap();
    config.retain(|name, _| name != "sliding_window" && name != "layer_types");
    copy.change(&json!({ "use_sliding_window": true, "max_window_layers": 0 }));
    says(copy.predicted(), &["use_sliding_window is true, expected false"], "no window");
}
