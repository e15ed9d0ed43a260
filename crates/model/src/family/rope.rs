//! The rotation that a config.json asks for: its base, wherever it stands, and that its kind is
//! the plain one.
//!
//! Until version 4 transformers wrote `rope_theta` and `rope_scaling`; version 5 writes
//! `rope_parameters`, with an entry a layer type where these differ. Files that were saved again
//! can have all of them.

use serde_json::{Map, Value};

use super::{
    Unfit,
    fields::{BASES, NotUnderstood, UnreadFields, another, same, shown, unexpected, within},
};

/// Types of layers that an object may have an entry for.
const LAYER_TYPES: [&str; 2] = ["full_attention", "sliding_attention"];

/// Kinds that are the plain rotation.
const PLAIN: &str = "default";

/// Where the base of a rotation may stand.
pub(super) struct Base {
    /// The field of its own.
    pub field: &'static str,
    /// The type of the layers it is for.
    pub layers: &'static str,
    /// What it is where nothing says so.
    pub absent: f64,
}

/// Reads the bases, in order.
///
/// # Errors
/// If two places contradict each other, or the rotation is of another kind.
pub(super) fn bases(fields: &mut UnreadFields, bases: &[Base]) -> Result<Vec<f64>, Unfit> {
    let mut objects = Vec::new();
    for name in ["rope_parameters", "rope_scaling"] {
        match fields.take(name) {
            None | Some(Value::Null) => {}
            Some(Value::Object(object)) => objects.push((name, object)),
            Some(other) => return Err(another(name, &other, "an object or null")),
        }
    }
    if let Some(partial) = fields.take("partial_rotary_factor").filter(|part| !part.is_null()) {
        whole("partial_rotary_factor", &partial)?;
    }
    let mut found: Vec<Vec<(String, f64)>> = vec![Vec::new(); bases.len()];
    for (name, object) in objects {
        if !LAYER_TYPES.iter().any(|layers| object.contains_key(*layers)) {
            let base = plain(fields, name, object)?;
            found.iter_mut().for_each(|found| found.extend(base.clone()));
            continue;
        }
        for (layers, value) in object {
            let place = format!("{name}.{layers}");
            match value {
                Value::Object(object) if LAYER_TYPES.contains(&&*layers) => {
                    let base = plain(fields, &place, object)?;
                    let of = bases.iter().position(|base| base.layers == layers);
                    // Layers of a type that the network does not have rotate nothing.
                    if let Some(of) = of {
                        found[of].extend(base);
                    }
                }
                Value::Null => {}
                other => fields.note(NotUnderstood::new(&place, &other)),
            }
        }
    }
    let read = bases.iter().zip(found).map(|(base, mut found)| {
        match fields.take(base.field) {
            None => {}
            // Version 5 takes what the object says.
            Some(Value::Null) if !found.is_empty() => {}
            Some(value) => found.insert(0, (base.field.to_owned(), number(base.field, &value)?)),
        }
        let Some((place, theta)) = found.first() else { return Ok(base.absent) };
        match found.iter().find(|(_, other)| other != theta) {
            None => Ok(*theta),
            Some((elsewhere, other)) => Err(Unfit::Another(format!(
                "{place} is {theta} and {elsewhere} is {other}, and only one of them can be the \
                 base of the rotation"
            ))),
        }
    });
    read.collect()
}

/// Takes out the part of a head that is rotated, wherever it stands, before the rest is read.
///
/// # Errors
/// If two places contradict each other.
pub(super) fn take_partial(fields: &mut UnreadFields) -> Result<Option<f64>, Unfit> {
    const NAME: &str = "partial_rotary_factor";
    let mut found = Vec::new();
    found.extend(fields.take(NAME).map(|value| (NAME.to_owned(), value)));
    for object in ["rope_parameters", "rope_scaling"] {
        let value = fields.object_mut(object).and_then(|object| object.remove(NAME));
        found.extend(value.map(|value| (format!("{object}.{NAME}"), value)));
    }
    found.retain(|(_, value)| !value.is_null());
    let Some((place, value)) = found.first() else { return Ok(None) };
    if let Some((elsewhere, other)) = found.iter().find(|(_, other)| !same(other, value)) {
        return Err(Unfit::Another(format!(
            "{place} is {} and {elsewhere} is {}, and only one of them can be the part of a head \
             that is rotated",
            shown(value),
            shown(other)
        )));
    }
    let factor = value.as_f64().filter(|factor| *factor > 0.0 && *factor <= 1.0);
    factor.map(Some).ok_or_else(|| unexpected(place, value, "a number over 0 and at most 1"))
}

/// Checks that an object asks for the plain rotation; its base, if it names one.
fn plain(
    fields: &mut UnreadFields,
    place: &str,
    mut object: Map<String, Value>,
) -> Result<Option<(String, f64)>, Unfit> {
    let mut kind = None;
    for name in ["rope_type", "type"] {
        let Some(value) = object.remove(name).filter(|value| !value.is_null()) else { continue };
        if value.as_str() != Some(PLAIN) {
            return Err(another(&format!("{place}.{name}"), &value, &format!("`{PLAIN}`")));
        }
        kind = Some(name);
    }
    if let Some(partial) = object.remove("partial_rotary_factor").filter(|part| !part.is_null()) {
        whole(&format!("{place}.partial_rotary_factor"), &partial)?;
    }
    let theta = object.remove("rope_theta");
    let theta = theta.map(|theta| {
        let place = format!("{place}.rope_theta");
        number(&place, &theta).map(|number| (place, number))
    });
    let theta = theta.transpose()?;
    object.retain(|_, value| !value.is_null());
    if kind.is_none() && !object.is_empty() {
        return Err(Unfit::Another(format!(
            "{place} is {} and names no rope_type, expected `{PLAIN}`",
            shown(&Value::Object(object))
        )));
    }
    // The plain rotation reads none of them.
    for (name, value) in object {
        fields.note(NotUnderstood::new(&format!("{place}.{name}"), &value));
    }
    Ok(theta)
}

/// All of a head is rotated.
fn whole(place: &str, factor: &Value) -> Result<(), Unfit> {
    match factor.as_f64() {
        Some(1.0) => Ok(()),
        _ => Err(another(place, factor, "1")),
    }
}

fn number(place: &str, value: &Value) -> Result<f64, Unfit> {
    match value.as_f64() {
        Some(number) => within(place, number, &BASES),
        None => Err(unexpected(place, value, "a number")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ONE: [Base; 1] =
        [Base { field: "rope_theta", layers: "full_attention", absent: 10_000.0 }];
    const TWO: [Base; 2] = [
        Base { field: "global_rope_theta", layers: "full_attention", absent: 160_000.0 },
        Base { field: "local_rope_theta", layers: "sliding_attention", absent: 10_000.0 },
    ];

    /// The bases and what was not understood, or the problem.
    fn read(config: Value, of: &[Base]) -> Result<(Vec<f64>, Vec<String>), String> {
        let mut fields = UnreadFields::of(config.as_object().unwrap().clone());
        let in_words = |unfit: Unfit| match unfit {
            Unfit::Unreadable(problem) | Unfit::Another(problem) => problem,
        };
        let bases = bases(&mut fields, of).map_err(in_words)?;
        let left = fields.rest(&[]).map_err(in_words)?;
        Ok((bases, left.into_iter().map(|one| one.field).collect()))
    }

    #[test]
    fn the_base_is_found_wherever_it_stands() {
        for (config, expected) in [
            (json!({}), 10_000.0),
            (json!({ "rope_theta": 5 }), 5.0),
            (json!({ "rope_theta": 5, "rope_scaling": null, "rope_parameters": null }), 5.0),
            (json!({ "rope_parameters": { "rope_theta": 7.0, "rope_type": "default" } }), 7.0),
            (json!({ "rope_parameters": { "rope_theta": 7.0 } }), 7.0),
            (json!({ "rope_parameters": { "rope_theta": 7.0 }, "rope_theta": null }), 7.0),
            (json!({ "rope_parameters": { "rope_theta": 7.0 }, "rope_theta": 7 }), 7.0),
            (json!({ "rope_parameters": {}, "rope_theta": 7 }), 7.0),
            (json!({ "rope_scaling": { "type": "default", "rope_theta": 3 } }), 3.0),
            (json!({ "rope_scaling": { "rope_type": "default" }, "rope_theta": 4 }), 4.0),
            (json!({ "rope_parameters": { "full_attention": { "rope_theta": 9 } } }), 9.0),
            (json!({ "rope_theta": 2, "partial_rotary_factor": 1.0 }), 2.0),
        ] {
            assert_eq!(read(config.clone(), &ONE), Ok((vec![expected], Vec::new())), "{config}");
        }
    }

    #[test]
    fn each_type_of_layer_has_its_own() {
        let parameters = json!({
            "full_attention": { "rope_type": "default", "rope_theta": 8 },
            "sliding_attention": { "rope_type": "default", "rope_theta": 6 },
        });
        for (config, expected) in [
            (json!({}), vec![160_000.0, 10_000.0]),
            (json!({ "global_rope_theta": 3, "local_rope_theta": 4 }), vec![3.0, 4.0]),
            (json!({ "rope_parameters": parameters }), vec![8.0, 6.0]),
            (json!({ "rope_parameters": parameters, "local_rope_theta": 6 }), vec![8.0, 6.0]),
        ] {
            assert_eq!(read(config.clone(), &TWO), Ok((expected, Vec::new())), "{config}");
        }
        let refused = read(json!({ "rope_parameters": parameters, "local_rope_theta": 4 }), &TWO);
        let problem = refused.unwrap_err();
        assert!(problem.starts_with("local_rope_theta is 4 and"), "{problem}");
        assert!(problem.contains("rope_parameters.sliding_attention.rope_theta is 6"), "{problem}");
    }

    #[test]
    fn other_rotations_and_contradictions_are_refused_by_name() {
        for (config, expected) in [
            (json!({ "rope_theta": null }), "rope_theta is null"),
            (json!({ "rope_theta": 0 }), "rope_theta is 0.0, expected a number from 1.0 to 1e16"),
            (json!({ "rope_theta": -1e4 }), "rope_theta is -10000.0, expected"),
            (json!({ "rope_theta": 1e300 }), "rope_theta is 1e300, expected"),
            (json!({ "rope_theta": 1e-300 }), "rope_theta is 1e-300, expected"),
            (json!({ "rope_theta": "1e6" }), "rope_theta is `1e6`"),
            (
                json!({ "rope_parameters": { "rope_theta": null } }),
                "rope_parameters.rope_theta is null",
            ),
            (
                json!({ "rope_theta": 10.0, "rope_parameters": { "rope_theta": 1e6 } }),
                "rope_theta is 10 and rope_parameters.rope_theta is 1000000",
            ),
            (
                json!({ "rope_scaling": { "rope_type": "default", "rope_theta": 3 },
                        "rope_parameters": { "rope_theta": 4 } }),
                "rope_parameters.rope_theta is 4 and rope_scaling.rope_theta is 3",
            ),
            (
                json!({ "rope_parameters": { "rope_theta": 1, "rope_type": "yarn", "factor": 4 } }),
                "rope_parameters.rope_type is `yarn`, expected `default`",
            ),
            (json!({ "rope_scaling": { "type": "linear" } }), "rope_scaling.type is `linear`"),
            (
                json!({ "rope_scaling": { "rope_type": "default", "type": "dynamic" } }),
                "rope_scaling.type is `dynamic`",
            ),
            (
                json!({ "rope_parameters": { "full_attention": { "rope_type": "llama3" } } }),
                "rope_parameters.full_attention.rope_type is `llama3`",
            ),
            (
                json!({ "rope_parameters": { "sliding_attention": { "rope_type": "longrope" } } }),
                "rope_parameters.sliding_attention.rope_type is `longrope`",
            ),
            (json!({ "rope_scaling": { "factor": 2.0 } }), "names no rope_type"),
            (json!({ "rope_scaling": 2.0 }), "rope_scaling is 2"),
            (json!({ "partial_rotary_factor": 0.5 }), "partial_rotary_factor is 0.5, expected 1"),
            (
                json!({ "rope_parameters": { "partial_rotary_factor": 0.25 } }),
                "rope_parameters.partial_rotary_factor is 0.25",
            ),
        ] {
            let problem = read(config.clone(), &ONE).unwrap_err();
            assert!(
                problem.starts_with(expected) || problem.contains(expected),
                "{config}: {problem}"
            );
        }
    }

    #[test]
    fn what_the_plain_rotation_does_not_read_is_named() {
        let config = json!({ "rope_parameters":
            { "rope_type": "default", "rope_theta": 5, "factor": 4, "mrope_section": [1] } });
        let left = vec!["rope_parameters.factor".into(), "rope_parameters.mrope_section".into()];
        assert_eq!(read(config, &ONE), Ok((vec![5.0], left)));
    }
}
