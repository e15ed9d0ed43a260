//! The names in a JSON text, read without keeping the values. A name that stands twice in an object
//! is refused, since only one of the two values could be read.

use std::{
    collections::{BTreeSet, HashSet},
    fmt,
};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::json;

/// The most different names that are kept. A file may hold any number of them.
const MOST_NAMES: usize = 4096;

/// The names in a text of one JSON value or several, each with its path: `steps[].argmax`. Of a
/// text that is not JSON, those before the error; reading the values reports the error itself.
///
/// # Errors
/// In words, if a name stands twice in an object.
pub(super) fn names(bytes: &[u8]) -> Result<BTreeSet<String>, String> {
    let mut walk = NameWalk::default();
    let mut text = serde_json::Deserializer::from_slice(bytes);
    while text.end().is_err() {
        if let Err(error) = walk.deserialize(&mut text) {
            return match walk.twice {
                Some(told) => Err(format!("{}: {told}", json::place(bytes, &error))),
                None => Ok(walk.names),
            };
        }
    }
    Ok(walk.names)
}

#[derive(Default)]
struct NameWalk {
    names: BTreeSet<String>,
    /// The path of the current value, with `[]` for any item of a list.
    kind: String,
    /// The same path with the indices of the items.
    path: String,
    /// The error, if a name stands twice.
    twice: Option<String>,
}

impl<'de> DeserializeSeed<'de> for &mut NameWalk {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut NameWalk {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let (kind, path) = (self.kind.len(), self.path.len());
        self.kind.push_str("[]");
        for place in 0_usize.. {
            self.path.push_str(&format!("[{place}]"));
            let more = members.next_element_seed(&mut *self)?;
            self.path.truncate(path);
            if more.is_none() {
                break;
            }
        }
        self.kind.truncate(kind);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let (kind, path) = (self.kind.len(), self.path.len());
        let mut seen: HashSet<String> = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            for way in [&mut self.kind, &mut self.path] {
                let dot = if way.is_empty() { "" } else { "." };
                way.extend([dot, name.as_str()]);
            }
            if self.names.len() < MOST_NAMES && !self.names.contains(self.kind.as_str()) {
                self.names.insert(self.kind.clone());
            }
            if !seen.insert(name) {
                self.twice = Some(format!(
                    "the name {:?} stands there a second time, and only one of the two values could \
                     be read. Give each a name of its own",
                    self.path
                ));
                return Err(A::Error::custom("a name stands twice"));
            }
            members.next_value_seed(&mut *self)?;
            self.kind.truncate(kind);
            self.path.truncate(path);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_have_the_way_to_them() {
        for (text, expected) in [
            ("[1, [2]]", &[][..]),
            (
                "{\"a\": {\"b\": 1}, \"c\": [{\"d\": 1}, {\"e\": null}]}",
                &["a", "a.b", "c", "c[].d", "c[].e"],
            ),
            ("{\"a\": 1}\n{\"b\": -1.5, \"c\": \"x\", \"d\": true}\n", &["a", "b", "c", "d"]),
            // Reading the values reports that the text is cut off.
            ("{\"a\": 1}\n{\"b\": [", &["a", "b"]),
            ("hello", &[]),
            ("", &[]),
        ] {
            let found: Vec<String> = names(text.as_bytes()).unwrap().into_iter().collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_name_that_stands_twice_is_refused_with_its_place() {
        for (text, expected) in [
            (
                "{\"step_0\": [1], \"step_0\": [2]}",
                "line 1, column 24 (byte 24): the name \"step_0\"",
            ),
            (
                "{\"steps\": [{\"ids\": [1]},\n{\"ids\": [1], \"ids\": [2]}]}",
                "the name \"steps[1].ids\"",
            ),
            ("{\"a\": 1}\n{\"a\": 2, \"a\": 2}", "line 2, column 12 (byte 21): the name \"a\""),
        ] {
            let told = names(text.as_bytes()).unwrap_err();
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
