//! Names of files that a checkpoint or a hub gives.

/// Most parts of a model: more than any has.
const MOST_PARTS: usize = 4096;

/// The names of all parts of a model, the first part first, if this is the name of one as
/// llama.cpp's `llama-gguf-split` names them: `NAME-00001-of-00003.gguf`.
pub(crate) fn parts(name: &str) -> Option<Vec<String>> {
    let stem = name.strip_suffix(".gguf")?;
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (before, number) = rest.rsplit_once('-')?;
    let five = |digits: &str| {
        let plain = digits.len() == 5 && digits.bytes().all(|digit| digit.is_ascii_digit());
        digits.parse::<usize>().ok().filter(|_| plain)
    };
    let (number, count) = (five(number)?, five(count)?);
    let whole = (1..=count).contains(&number) && count <= MOST_PARTS;
    whole
        .then(|| (1..=count).map(|part| format!("{before}-{part:05}-of-{count:05}.gguf")).collect())
}

/// Whether a name from elsewhere stays in the folder it is put in, on every system.
pub(crate) fn stays_inside(name: &str) -> bool {
    let part = |part: &str| !matches!(part, "" | "." | "..");
    let drive = name.as_bytes().get(1) == Some(&b':');
    !drive && !name.contains('\\') && !name.contains(char::is_control) && name.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_known_by_their_names() {
        let both = ["m-00001-of-00002.gguf".to_owned(), "m-00002-of-00002.gguf".to_owned()];
        for (name, expected) in [
            ("m-00001-of-00002.gguf", Some(both.to_vec())),
            ("m-00002-of-00002.gguf", Some(both.to_vec())),
            ("m-00003-of-00002.gguf", None),
            ("m-00000-of-00002.gguf", None),
            ("m-1-of-2.gguf", None),
            ("m-00001-of-99999.gguf", None),
            ("m-+0001-of-00002.gguf", None),
            ("m.gguf", None),
            ("m-00001-of-00002.safetensors", None),
        ] {
            assert_eq!(parts(name), expected, "{name}");
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_known() {
        for name in ["a", "a/b.c", "..a", "a..b", ".hidden"] {
            assert!(stays_inside(name), "{name}");
        }
        for name in ["", "/a", "../a", "a/../b", "a//b", "a/.", "a\\b", "C:a", "a\0b", "a\x1b"] {
            assert!(!stays_inside(name), "{name:?}");
        }
    }
}
