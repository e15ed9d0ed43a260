//! How a JSON value holds steps: under a name, under their numbers, or as a step itself.

use serde_json::{Map, Value};

use super::names::{CANVAS, FACTS, LISTS};

/// The list of steps of an object, under its name.
pub fn listed(value: &Value) -> Option<&'static str> {
    let object = value.as_object()?;
    LISTS.into_iter().find(|name| object.get(*name).is_some_and(Value::is_array))
}

/// The names of an object whose canvases stand under the numbers of their steps (`0`, or `step_1`),
/// in order; beside them may stand what is known of the run.
pub fn numbered(object: &Map<String, Value>) -> Option<Vec<(usize, &str)>> {
    let mut names = Vec::with_capacity(object.len());
    let mut common = None;
    for (name, value) in object {
        let prefix = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let step = value.is_array() || value.as_object().is_some_and(|of| canvas_of(of).is_some());
        match name[prefix.len()..].parse() {
            Ok(number) if step && *common.get_or_insert(prefix) == prefix => {
                names.push((number, name.as_str()));
            }
            _ if FACTS.iter().any(|facts| facts.contains(&name.as_str())) => {}
            _ => return None,
        }
    }
    names.sort_unstable();
    (names.len() > 1).then_some(names)
}

/// The canvas of an object, under its name; ids rather than texts.
pub fn canvas_of(object: &Map<String, Value>) -> Option<&'static str> {
    let held = |name: &&str| object.get(*name).is_some_and(|value| value.is_array());
    let of_ids = |name: &&str| {
        let ids = object.get(*name).and_then(Value::as_array);
        ids.is_some_and(|ids| ids.first().is_none_or(|id| id.is_number() || id.is_array()))
    };
    let texts = |name: &&str| object.get(*name).is_some_and(Value::is_string);
    let find = |fits: &dyn Fn(&&str) -> bool| CANVAS.into_iter().find(|name| fits(name));
    find(&of_ids).or_else(|| find(&held)).or_else(|| find(&texts))
}

/// Whether a value is recognised as part of such a list: a canvas, a list of canvases, or a record
/// beside them.
pub fn is_step(value: &Value) -> bool {
    match value {
        Value::Array(members) => members.first().is_some_and(|first| match first {
            Value::Object(step) => canvas_of(step).is_some() || listed(first).is_some(),
            first => first.is_string() || first.is_number() || first.is_array(),
        }),
        Value::Object(object) => {
            let list = listed(value).and_then(|name| object.get(name)?.as_array()?.first());
            list.is_some_and(|first| !first.is_object() || is_step(first))
                || canvas_of(object).is_some_and(|name| object[name].is_array())
                || object.get("schema").is_some_and(is_run_log)
                || numbered(object).is_some()
        }
        _ => false,
    }
}

/// Whether a value names the format of a run log.
pub fn is_run_log(schema: &Value) -> bool {
    schema.as_str().is_some_and(|schema| schema.starts_with("dg-runlog/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_under_their_numbers_are_told_from_other_names() {
        for (text, expected) in [
            ("{\"step_10\":[1],\"step_9\":[2]}", Some(&["step_9", "step_10"][..])),
            ("{\"0\":[1],\"1\":{\"ids\":[2]},\"mask_id\":9}", Some(&["0", "1"])),
            ("{\"0\":[1]}", None),
            ("{\"a1\":[1],\"b2\":[2]}", None),
            ("{\"0\":[1],\"1\":[2],\"losses\":[3]}", None),
            ("{\"0\":1,\"1\":2}", None),
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            let names = numbered(value.as_object().unwrap());
            let names = names.map(|names| names.iter().map(|(_, name)| *name).collect::<Vec<_>>());
            assert_eq!(names.as_deref(), expected, "{text}");
        }
    }
}
