//! ModernBERT as a masked language model, as dLLM's chat models have it.

use candle_transformers::models::modernbert;

use super::{
    Description, NetworkKind, Unfit,
    fields::{EPSILONS, UnreadFields, another, within},
    layers::{self, FULL, SLIDING},
    rope,
    sizes::{LARGEST_SIZE, MOST_LAYERS, head_width, possible},
};

/// Fields of its own that change no number.
pub(super) const NO_EFFECT: &[&str] = &[
    // What the encoder's positions were called before it had rotations.
    "position_embedding_type",
    "classifier_pooling",
    "deterministic_flash_attn",
    "reference_compile",
    "repad_logits_with_grad",
    // They leave out logits in training.
    "sparse_pred_ignore_index",
    "sparse_prediction",
];

/// Layers of which one sees everything, where nothing says so.
const EVERY: usize = 3;

/// Describes the network of a ModernBERT configuration.
pub(super) fn describe(fields: &mut UnreadFields) -> Result<Description, Unfit> {
    let layers = fields.size("num_hidden_layers")?;
    let config = modernbert::Config {
        vocab_size: fields.size("vocab_size")?,
        hidden_size: fields.size("hidden_size")?,
        num_hidden_layers: layers,
        num_attention_heads: fields.size("num_attention_heads")?,
        intermediate_size: fields.size("intermediate_size")?,
        max_position_embeddings: fields.size("max_position_embeddings")?,
        layer_norm_eps: epsilon(fields)?,
        // candle does nothing with it.
        pad_token_id: 0,
        global_attn_every_n_layers: global_every(fields, layers)?,
        global_rope_theta: 0.0,
        local_attention: fields.optional_size("local_attention")?.unwrap_or(128),
        local_rope_theta: 0.0,
        classifier_config: None,
    };
    possible(
        MOST_LAYERS,
        &[
            ("num_hidden_layers", config.num_hidden_layers),
            ("num_attention_heads", config.num_attention_heads),
        ],
    )?;
    possible(
        LARGEST_SIZE,
        &[
            ("hidden_size", config.hidden_size),
            ("intermediate_size", config.intermediate_size),
            ("vocab_size", config.vocab_size),
            ("max_position_embeddings", config.max_position_embeddings),
            ("local_attention", config.local_attention),
        ],
    )?;
    head_width(
        ("hidden_size", config.hidden_size),
        ("num_attention_heads", config.num_attention_heads),
        None,
    )?;
    for (name, expected) in [
        ("attention_bias", false),
        ("classifier_bias", false),
        ("decoder_bias", true),
        ("mlp_bias", false),
        ("norm_bias", false),
        ("tie_word_embeddings", true),
    ] {
        fields.must(name, expected)?;
    }
    fields.word("hidden_activation", &["gelu"])?;
    // The head before the logits has the classifier's activation.
    fields.word("classifier_activation", &["gelu"])?;
    let bases = rope::bases(
        fields,
        &[
            rope::Base { field: "global_rope_theta", layers: FULL, absent: 160_000.0 },
            rope::Base { field: "local_rope_theta", layers: SLIDING, absent: 10_000.0 },
        ],
    )?;
    Ok(Description::of_kind(NetworkKind::ModernBert(modernbert::Config {
        global_rope_theta: bases[0],
        local_rope_theta: bases[1],
        ..config
    })))
}

/// The norms' epsilon: `norm_eps`. Files say it once more under the name it had before.
fn epsilon(fields: &mut UnreadFields) -> Result<f64, Unfit> {
    let epsilon = fields.number("norm_eps", 1e-5)?;
    match fields.number("layer_norm_eps", epsilon)? {
        same if same == epsilon => {}
        other => {
            return Err(Unfit::Another(format!(
                "norm_eps is {epsilon:?} and layer_norm_eps is {other:?}, and only one of them can be \
                 the norms' epsilon"
            )));
        }
    }
    within("norm_eps", epsilon, &EPSILONS)
}

/// Of how many layers the first sees everything; the others see their neighbours. Version 5 of
/// transformers writes the type of each layer instead.
fn global_every(fields: &mut UnreadFields, count: usize) -> Result<usize, Unfit> {
    let every = fields.optional_size("global_attn_every_n_layers")?;
    if every == Some(0) {
        return Err(another("global_attn_every_n_layers", &0.into(), "1 or more"));
    }
    let Some(types) = layers::types(fields, count, &[FULL, SLIDING])? else {
        return Ok(every.unwrap_or(EVERY));
    };
    let full: Vec<bool> = types.iter().map(|kind| *kind == FULL).collect();
    // The second layer that sees everything says how many there are to one.
    let second = full.iter().skip(1).position(|full| *full).map_or(count.max(1), |at| at + 1);
    if let Some(at) = (0..count).find(|at| full[*at] != at.is_multiple_of(second)) {
        return Err(Unfit::Another(format!(
            "layer_types has a layer {at} that is `{}`; expected full attention in every n-th \
             layer, from the first",
            types[at]
        )));
    }
    // Where both are there, transformers goes by the types too.
    Ok(second)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn every(config: Value, layers: usize) -> Result<usize, String> {
        let mut fields = UnreadFields::of(config.as_object().unwrap().clone());
        global_every(&mut fields, layers).map_err(|unfit| match unfit {
            Unfit::Unreadable(problem) | Unfit::Another(problem) => problem,
        })
    }

    #[test]
    fn the_types_of_layers_are_read_as_one_of_so_many() {
        let types = |pattern: &str| {
            let types: Vec<&str> = pattern
                .chars()
                .map(|c| if c == 'f' { "full_attention" } else { "sliding_attention" })
                .collect();
            json!({ "layer_types": types })
        };
        for (config, layers, expected) in [
            (json!({}), 4, 3),
            (json!({ "global_attn_every_n_layers": 2 }), 4, 2),
            (types("fssf"), 4, 3),
            (types("fsfs"), 4, 2),
            (types("ffff"), 4, 1),
            (types("fsss"), 4, 4),
            (types("f"), 1, 1),
        ] {
            assert_eq!(every(config.clone(), layers), Ok(expected), "{config}");
        }
        for (config, layers, expected) in [
            (types("ssss"), 4, "a layer 0 that is `sliding_attention`"),
            (types("fsff"), 4, "a layer 3 that is `full_attention`"),
            (types("fss"), 4, "layer_types has 3 layers"),
            (json!({ "global_attn_every_n_layers": 0 }), 1, "global_attn_every_n_layers is 0"),
        ] {
            let problem = every(config.clone(), layers).unwrap_err();
            assert!(problem.contains(expected), "{config}: {problem}");
        }
    }
}
