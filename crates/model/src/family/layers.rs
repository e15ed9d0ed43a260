//! The types of layers that a config.json names, one by one.

use serde_json::Value;

use super::{
    Unfit,
    fields::{UnreadFields, another, shown, unexpected},
};

/// A layer with full attention.
pub(super) const FULL: &str = "full_attention";

/// A layer that sees a window around each position.
pub(super) const SLIDING: &str = "sliding_attention";

/// Reads the types of `layers` layers, which must be of the `known` ones; `None` if there are none.
///
/// # Errors
/// If a type is not known, or there is not one type for each layer.
pub(super) fn types(
    fields: &mut UnreadFields,
    layers: usize,
    known: &[&'static str],
) -> Result<Option<Vec<&'static str>>, Unfit> {
    let types = match fields.take("layer_types") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(types)) => types,
        Some(other) => return Err(unexpected("layer_types", &other, "a list")),
    };
    if types.len() != layers {
        return Err(Unfit::Unreadable(format!(
            "layer_types has {} layers and num_hidden_layers is {layers}",
            types.len()
        )));
    }
    let read = types.iter().enumerate().map(|(at, found)| {
        let is = known.iter().find(|known| found == **known);
        is.copied().ok_or_else(|| {
            let known = known.iter().map(|known| shown(&Value::from(*known))).collect::<Vec<_>>();
            another(&format!("layer_types[{at}]"), found, &known.join(" or "))
        })
    });
    read.collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_are_as_many_as_layers_and_of_the_known_ones() {
        let read = |types: Value, known: &[&'static str]| {
            let config = json!({ "layer_types": types });
            let mut fields = UnreadFields::of(config.as_object().unwrap().clone());
            types_of_two(&mut fields, known)
        };
        for (found, expected) in [
            (json!(null), Ok(None)),
            (json!([FULL, FULL]), Ok(Some(vec![FULL, FULL]))),
            (
                json!([FULL, SLIDING]),
                Err("layer_types[1] is `sliding_attention`, expected `full_attention`"),
            ),
            (json!([FULL, "conv"]), Err("layer_types[1] is `conv`, expected `full_attention`")),
            (json!([FULL, null]), Err("layer_types[1] is null, expected `full_attention`")),
            (json!([FULL]), Err("layer_types has 1 layers and num_hidden_layers is 2")),
            (json!([]), Err("layer_types has 0 layers and num_hidden_layers is 2")),
            (json!({}), Err("layer_types is {}, expected a list")),
        ] {
            let expected = expected.map_err(str::to_owned);
            assert_eq!(read(found.clone(), &[FULL]), expected, "{found}");
        }
        let both = Ok(Some(vec![SLIDING, FULL]));
        assert_eq!(read(json!([SLIDING, FULL]), &[FULL, SLIDING]), both);
    }

    fn types_of_two(
        fields: &mut UnreadFields,
        known: &[&'static str],
    ) -> Result<Option<Vec<&'static str>>, String> {
        types(fields, 2, known).map_err(|unfit| match unfit {
            Unfit::Unreadable(problem) | Unfit::Another(problem) => problem,
        })
    }
}
