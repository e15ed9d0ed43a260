//! For tests: is a document well-formed, with unique ids, and does it load nothing?

use std::collections::HashSet;

/// Tags that need no end in HTML; our pages close them all the same.
const RAW: [&str; 2] = ["script", "style"];

/// Fails unless every tag is closed in order, every attribute quoted, every id unique, every
/// reference within the document known, and nothing is fetched.
pub(super) fn check(document: &str) {
    let (mut open, mut ids, mut wanted) = (Vec::new(), HashSet::new(), Vec::new());
    let mut rest = document;
    while let Some(start) = rest.find('<') {
        let text = &rest[..start];
        assert!(!text.contains('>'), "a bare > in {text:?}");
        rest = &rest[start + 1..];
        if rest.starts_with("!doctype") {
            rest = &rest[rest.find('>').expect("the doctype ends") + 1..];
            continue;
        }
        let end = rest.find('>').expect("a tag ends");
        let (tag, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed out of order");
            continue;
        }
        let alone = tag.ends_with('/');
        let tag = tag.trim_end_matches('/');
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric()), "tag {name:?}");
        let mut attributes = attributes.trim();
        while !attributes.is_empty() {
            let (key, value) = attributes.split_once("=\"").expect("attributes are quoted");
            let (value, after) = value.split_once('"').expect("quotes end");
            attributes = after.trim_start();
            match key {
                "id" => assert!(ids.insert(value), "id {value} twice"),
                "href" if value.starts_with('#') => wanted.push(&value[1..]),
                "href" => assert!(value.starts_with("./"), "href {value}"),
                "aria-labelledby" => wanted.extend(value.split(' ')),
                _ => assert!(!["src", "srcset", "data", "action"].contains(&key), "loads {value}"),
            }
            assert!(!key.starts_with("on"), "{key} runs code");
        }
        if !alone {
            open.push(name);
        }
        if RAW.contains(&name) {
            let close = rest.find("</").expect("raw text ends");
            assert!(!rest[..close].contains("http") && !rest[..close].contains("@import"));
            rest = &rest[close..];
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
    for id in wanted {
        assert!(ids.contains(id), "nothing has the id {id}");
    }
}

#[test]
fn faults_are_found() {
    fn fails(document: &str) {
        assert!(std::panic::catch_unwind(|| check(document)).is_err(), "{document}");
    }
    check("<!doctype html><p id=\"a\">x<br/><a href=\"#a\">y</a></p>");
    fails("<p><b></p></b>");
    fails("<p>");
    fails("<p class=x></p>");
    fails("<p id=\"a\"></p><p id=\"a\"></p>");
    fails("<a href=\"https://x\">y</a>");
    fails("<img src=\"x\"/>");
    fails("<a href=\"#nowhere\">y</a>");
    fails("<p onclick=\"x\">y</p>");
}
