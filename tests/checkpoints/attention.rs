//! Attention in blocks: what asks for it, and that it changes the numbers as it should.

use std::ops::ControlFlow;

use candle_core::Device;
use demask::{
    canvas::TokenId,
    decode::{Extras, Recipe},
    model::{self, BlockAttention, Computing, Loaded, ModelSource, Overrides},
    predict::{Column, Prediction},
    session::{Pending, Session},
};
use serde_json::{Value, json};

use super::Copy;
use crate::support::naive::Naive;

#[test]
fn who_sees_whom_is_said_with_what_says_so() {
    let check = |copy: &Copy, args: &[&str], block: Option<usize>, because: &str| {
        let shown: Value =
            serde_json::from_str(&copy.info(&[args, &["--json"]].concat()).unwrap()).unwrap();
        assert_eq!(shown["block"], json!(block), "{args:?} {because}");
        let text = copy.info(args).unwrap();
        let line = text.lines().find(|line| line.starts_with("attention")).unwrap();
        assert!(line.contains(because), "no `{because}` in: {line}");
        let rule = format!("block-causal, in blocks of {}", block.unwrap_or_default());
        assert_eq!(line.contains(&rule), block.is_some(), "{line}");
    };
    let plain = Copy::within("qwen3-a", "some/checkpoint-final");
    check(&plain, &[], None, "(nothing asks for blocks)");
    check(&plain, &["--block-attention", "16"], Some(16), "(--block-attention 16)");
    plain.change(&json!({ "block_size": 8 }));
    check(&plain, &[], Some(8), "(block_size in config.json)");
    check(&plain, &["--block-attention", "full"], None, "(--block-attention full)");
    let named = Copy::within("qwen3-a", "bd3lm/checkpoint-final");
    check(&named, &[], Some(32), "`bd3lm`");
    check(&named, &["--block-attention", "4"], Some(4), "(--block-attention 4)");
    check(&named, &["--block-attention", "full"], None, "(--block-attention full)");
}

const PROMPT: [TokenId; 5] = [5, 17, 300, 42, 9];

fn load(copy: &Copy, attention: BlockAttention) -> Loaded {
    let overrides = Overrides { attention, ..Overrides::default() };
    let computing = Computing { overrides, ..Computing::on(Device::Cpu) };
    let source = ModelSource::Folder(copy.folder.clone());
    let loaded = model::load(&source, &computing, &mut |_| ControlFlow::Continue(()));
    loaded.unwrap_or_else(|error| panic!("{error}"))
}

/// What a session predicts first: over twelve masks behind the prompt.
fn first(loaded: &mut Loaded) -> Prediction {
    let recipe = Recipe::parse("low_confidence:gen_length=12,block_length=12,steps=12").unwrap();
    let params = recipe.params(&[]).unwrap();
    let extras = Extras { reading: loaded.facts.reading, ..Extras::NONE };
    let special = loaded.facts.special;
    let session = Session::new(recipe.strategy, &PROMPT, special, params, extras, None).unwrap();
    let Pending::Wanted { request, .. } = session.pending() else { panic!("nothing is asked") };
    loaded.predictor.predict(request, &mut |_| ControlFlow::Continue(())).unwrap()
}

/// The block of a position: 0 begins right behind the prompt, what is before has numbers below.
fn block(position: usize, length: usize) -> i64 {
    (position as i64 - PROMPT.len() as i64).div_euclid(length as i64)
}

/// Plain loops under a mask written out, position by position.
#[test]
fn blocks_change_a_prediction_as_an_explicit_mask_does() {
    let naive = Naive::read("llada-a");
    let ids = [&PROMPT[..], &[507; 12]].concat();
    let plain = Copy::of("llada-a");
    let by_config = Copy::of("llada-a");
    by_config.change(&json!({ "block_size": 4 }));
    let full = first(&mut load(&plain, BlockAttention::Auto));
    for (copy, asked, length) in [
        (&plain, BlockAttention::Auto, None),
        (&plain, BlockAttention::Of(4), Some(4)),
        (&plain, BlockAttention::Of(3), Some(3)),
        (&plain, BlockAttention::Of(64), Some(64)),
        (&by_config, BlockAttention::Auto, Some(4)),
        (&by_config, BlockAttention::Of(3), Some(3)),
        (&by_config, BlockAttention::Full, None),
    ] {
        let found = first(&mut load(copy, asked));
        let expected = naive.masked(&ids, |query, key| {
            length.is_none_or(|length| block(key, length) <= block(query, length))
        });
        let case = format!("{asked} {length:?}");
        for (row, logits) in expected[PROMPT.len()..].iter().enumerate() {
            let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let all: f64 = logits.iter().map(|logit| (logit - top).exp()).sum();
            let best = logits.iter().position(|logit| *logit == top).unwrap();
            assert_eq!(found.id(Column::Choice, row), Some(best as TokenId), "{case}, row {row}");
            let p = f64::from(found.number(Column::PChoice, row).unwrap());
            assert!((p - 1.0 / all).abs() < 1e-5, "{case}, row {row}: {p} and {}", 1.0 / all);
        }
        assert_eq!(found == full, length.is_none(), "{case}");
    }
}
