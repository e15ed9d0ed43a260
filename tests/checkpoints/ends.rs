//! The end of the sequence and the mask: which of the tokens that the files name decides, and the
//! warnings where files contradict each other.

use std::fs;

use serde_json::{Value, json};

use super::{Copy, says};

#[test]
fn the_end_may_stand_in_generation_config_only() {
    let mut copy = Copy::of("llada-a");
    copy.config.as_object_mut().unwrap().remove("eos_token_id");
    copy.change(&json!({}));
    for name in ["tokenizer_config.json", "special_tokens_map.json"] {
        fs::remove_file(copy.folder.join(name)).unwrap();
    }
    says(copy.info(&[]), &["end-of-sequence", "--eos-token"], "no EOS");
    copy.write("generation_config.json", json!({ "eos_token_id": [503, 0] }));
    let shown: Value = serde_json::from_str(&copy.info(&["--json"]).unwrap()).unwrap();
    assert_eq!(shown["special"]["eos"]["id"], 503);
    let named = shown["special"]["eos_named"].as_array().unwrap();
    let ids: Vec<&Value> = named.iter().map(|named| &named["id"]).collect();
    assert_eq!(ids, [503, 0]);
    assert!(named.iter().all(|named| named["by"] == json!(["generation_config.json"])), "{shown}");
    copy.write("generation_config.json", json!({ "eos_token_id": "503" }));
    says(copy.info(&[]), &["generation_config.json", "eos_token_id"], "a text");
}

#[test]
fn the_mask_is_not_the_end() {
    let copy = Copy::of("llada-a");
    copy.change(&json!({ "mask_token_id": 503 }));
    let words = ["503", "mask_token_id", "eos_token_id"];
    says(copy.info(&[]), &words, "in config.json");
    says(copy.predicted(), &words, "in config.json");
    copy.change(&json!({}));
    says(copy.info(&["--eos-token", "507"]), &["507", "--eos-token"], "as an option");
}

/// A checkpoint whose files name these ends of the sequence.
fn named(config: Value, tokenizer: Option<&str>, generation: Value) -> Copy {
    let copy = Copy::of("llada-a");
    copy.change(&json!({ "eos_token_id": config }));
    let mut printed: Value = serde_json::from_str(&copy.read("tokenizer_config.json")).unwrap();
    printed["eos_token"] = tokenizer.into();
    copy.write("tokenizer_config.json", printed);
    copy.write("generation_config.json", json!({ "eos_token_id": generation }));
    copy
}

#[test]
fn files_that_name_different_ends_are_pointed_out() {
    for (config, tokenizer, generation, expected) in [
        (json!(503), Some("<|endoftext|>"), json!(503), None),
        (json!(503), Some("<|endoftext|>"), json!([503, 506]), None),
        (json!([506, 503]), Some("<|endoftext|>"), json!(null), None),
        (json!(503), None, json!(null), None),
        (
            json!(506),
            Some("<|endoftext|>"),
            json!(null),
            Some("token 503 of the tokenizer, which decides, and not 506 of config.json."),
        ),
        (
            json!(503),
            Some("<|endoftext|>"),
            json!([506, 7]),
            Some(
                "503 of the tokenizer and config.json, which decides, and not 506 of \
                  generation_config.json or 7 of generation_config.json.",
            ),
        ),
        (
            json!([506]),
            None,
            json!(503),
            Some("506 of config.json, which decides, and not 503 of generation_config.json."),
        ),
    ] {
        let copy = named(config.clone(), tokenizer, generation.clone());
        let case = format!("{config} {tokenizer:?} {generation}");
        let warnings = copy.opened().unwrap().warnings();
        let found = warnings.iter().find(|warning| warning.contains("end of the sequence"));
        match expected {
            None => assert_eq!(found, None, "{case}"),
            Some(words) => {
                assert!(found.is_some_and(|text| text.contains(words)), "{case}: {found:?}")
            }
        }
    }
    // The warning stands once on stderr, and not at all with --eos-token.
    let copy = named(json!(506), Some("<|endoftext|>"), json!(null));
    let run = |more: &[&str]| {
        let small = ["--initial-gen-length", "8", "--max-gen-length", "8", "--prompt-ids", "1,2"];
        copy.ran(&[&small, more].concat())
    };
    assert_eq!(run(&[]).matches("which decides").count(), 1, "{}", run(&[]));
    assert_eq!(run(&["--eos-token", "506"]).matches("which decides").count(), 0);
}

#[test]
fn an_end_that_cannot_be_is_refused_wherever_it_stands() {
    let eot = Some("<|endoftext|>");
    for (config, tokenizer, generation, words) in [
        (json!([99999]), eot, json!(null), ["/config.json", "eos_token_id 99999 is not in"]),
        (json!([503, 512]), eot, json!(null), ["/config.json", "512 is not in the vocabulary"]),
        (json!(503), eot, json!([503, 700]), ["/generation_config.json", "700 is not in"]),
        (json!([503, 507]), eot, json!(null), ["/config.json", "507 is the mask"]),
        (json!(null), None, json!([503, 507]), ["/generation_config.json", "507 is the mask"]),
        (
            json!(503),
            Some("<|mdm_mask|>"),
            json!(503),
            ["/tokenizer_config.json", "507 is the mask"],
        ),
        (json!([503, -1]), eot, json!(null), ["/config.json", "eos_token_id is [503,-1]"]),
        (json!(503), eot, json!("503"), ["/generation_config.json", "eos_token_id is \"503\""]),
    ] {
        let copy = named(config.clone(), tokenizer, generation.clone());
        let case = format!("{config} {tokenizer:?} {generation}");
        says(copy.opened().map(|_| ()), &words, &case);
        let readable = !case.contains("-1") && !case.contains('"') || case.contains("mdm_mask");
        if readable {
            says(copy.opened().map(|_| ()), &["--eos-token"], &case);
            assert!(copy.info(&["--eos-token", "503"]).is_ok(), "{case}");
        }
    }
}

#[test]
fn files_that_name_different_masks_are_pointed_out() {
    for (config, generation, expected) in [
        (json!(507), json!(null), None),
        (json!(507), json!([507]), None),
        (json!(null), json!(507), None),
        (
            json!(507),
            json!(9),
            Some("token 507, which decides, and not 9 of generation_config.json."),
        ),
        (json!(9), json!(null), Some("token 9, which decides, and not 507 of the tokenizer.")),
        (json!(null), json!(9), Some("token 9, which decides, and not 507 of the tokenizer.")),
    ] {
        let copy = Copy::of("llada-a");
        copy.change(&json!({ "mask_token_id": config }));
        copy.write("generation_config.json", json!({ "mask_token_id": generation }));
        let warnings = copy.opened().unwrap().warnings();
        let found = warnings.iter().find(|warning| warning.contains("--mask-token"));
        let case = format!("{config} {generation}: {found:?}");
        match expected {
            None => assert_eq!(found, None, "{case}"),
            Some(words) => assert!(found.is_some_and(|text| text.contains(words)), "{case}"),
        }
    }
}

#[test]
fn several_masks_are_refused() {
    let copy = Copy::of("llada-a");
    copy.write("generation_config.json", json!({ "mask_token_id": [507, 9] }));
    says(copy.opened().map(|_| ()), &["generation_config.json", "several", "--mask-token"], "two");
}
