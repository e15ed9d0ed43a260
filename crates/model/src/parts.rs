//! Files that are cut into parts, named as llama.cpp's `llama-gguf-split` names them:
//! `NAME-00001-of-00003.gguf`.

/// Most parts: more than any model has.
const MOST: usize = 4096;

/// The names of all parts, if this is the name of one; the first part first.
pub(super) fn all(name: &str) -> Option<Vec<String>> {
    let stem = name.strip_suffix(".gguf")?;
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (before, number) = rest.rsplit_once('-')?;
    let five = |digits: &str| {
        let plain = digits.len() == 5 && digits.bytes().all(|digit| digit.is_ascii_digit());
        digits.parse::<usize>().ok().filter(|_| plain)
    };
    let (number, count) = (five(number)?, five(count)?);
    let whole = (1..=count).contains(&number) && count <= MOST;
    whole
        .then(|| (1..=count).map(|part| format!("{before}-{part:05}-of-{count:05}.gguf")).collect())
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
            assert_eq!(all(name), expected, "{name}");
        }
    }
}
