//! Tables of conditions: what is read, what is refused and where, what holds.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// Values by name, now and before.
#[derive(Default)]
struct Table(HashMap<(String, bool), NameValue>);

impl NamedValues for Table {
    fn value(&self, used: Use, when: When) -> Option<NameValue> {
        self.0.get(&(used.to_string(), when == When::Now)).cloned()
    }
}

fn table() -> Table {
    let token = |id, text: &str| NameValue::Token { id, text: text.to_owned() };
    let rows = [
        ("length", NameValue::Number(40.0), NameValue::Number(32.0)),
        ("masks", NameValue::Number(4.0), NameValue::Number(4.0)),
        ("max", NameValue::Number(40.0), NameValue::Number(40.0)),
        ("expanded", NameValue::Number(1.0), NameValue::Number(0.0)),
        ("dropped", NameValue::Number(0.0), NameValue::Number(0.0)),
        ("eos_conf", NameValue::P(0.93), NameValue::P(0.4)),
        ("conf[17]", NameValue::P(0.9), NameValue::P(0.2)),
        ("high_conf_threshold", NameValue::Number(0.9), NameValue::Number(0.9)),
        ("text", NameValue::Text("and therefore".to_owned()), NameValue::Text("and".to_owned())),
        ("mode", NameValue::Text("fallback".to_owned()), NameValue::Text("grow".to_owned())),
        ("token[3]", token(517, " owl"), token(1, "")),
        ("token[#52]", token(517, " owl"), token(517, " owl")),
        ("fallback", NameValue::Truth(true), NameValue::Truth(false)),
        ("after.eos_conf", NameValue::P(0.97), NameValue::P(0.93)),
        ("after.conf[#52]", NameValue::P(0.3), NameValue::P(0.2)),
    ];
    let mut table = Table::default();
    for (name, now, before) in rows {
        table.0.insert((name.to_owned(), true), now);
        table.0.insert((name.to_owned(), false), before);
    }
    table
}

#[test]
fn conditions_hold_or_not() {
    let table = table();
    for (text, expected) in [
        ("length > 32", Some(true)),
        ("length>=max", Some(true)),
        ("length < 40", Some(false)),
        ("length - masks == 36", Some(true)),
        ("length - masks + 4 = 40", Some(true)),
        ("expanded", Some(true)),
        ("dropped", Some(false)),
        ("not dropped", Some(true)),
        ("!(dropped || expanded)", Some(false)),
        ("eos_conf crosses 0.9", Some(true)),
        ("eos_conf crosses 0.95", Some(false)),
        ("length crosses 40", Some(true)),
        ("masks crosses 4", Some(false)),
        ("length changes", Some(true)),
        ("masks changes", Some(false)),
        ("token[3] changes", Some(true)),
        ("token[#52] changes", Some(false)),
        // 0.9 as f32 is a little less than 0.9 as f64: they are compared in f32.
        ("conf[17] < 0.9", Some(false)),
        ("conf[17] >= high_conf_threshold", Some(true)),
        ("conf[17] > 0.8999999", Some(true)),
        ("text contains \"therefore\"", Some(true)),
        ("text contains 'x'", Some(false)),
        ("token[3] == \" owl\"", Some(true)),
        ("token[3] == 517", Some(true)),
        ("token[3] != 517", Some(false)),
        ("mode == \"fallback\"", Some(true)),
        ("fallback and length == 40 or dropped", Some(true)),
        // Either side of the step has its own values.
        ("after.eos_conf > 0.95 and eos_conf < 0.95", Some(true)),
        ("after.eos_conf crosses 0.95", Some(true)),
        ("after.conf[#52] > after.eos_conf", Some(false)),
        // Unknown values decide nothing by themselves.
        ("conf[99] < 0.1", None),
        ("not conf[99] < 0.1", None),
        ("conf[99] < 0.1 or expanded", Some(true)),
        ("conf[99] < 0.1 and dropped", Some(false)),
        ("conf[99] < 0.1 and expanded", None),
    ] {
        let condition = Condition::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(condition.holds(&table), expected, "{text}");
    }
}

#[test]
fn states_come_to_hold_once_and_steps_each_time() {
    let (table, before) = (
        table(),
        Table(HashMap::from([
            (("length".to_owned(), true), NameValue::Number(40.0)),
            (("masks".to_owned(), true), NameValue::Number(9.0)),
            (("expanded".to_owned(), true), NameValue::Number(1.0)),
        ])),
    );
    for (text, expected) in [
        // It held a step before as well.
        ("length >= 40", Some(false)),
        ("masks < 5", Some(true)),
        ("masks < 3", Some(false)),
        // What a step does is asked of each step anew.
        ("expanded", Some(true)),
        ("expanded and length >= 40", Some(true)),
        ("conf[99] < 0.1", None),
    ] {
        let condition = Condition::parse(text).unwrap();
        assert_eq!(condition.comes_to_hold(&table, Some(&before)), expected, "{text}");
    }
    let condition = Condition::parse("length >= 40").unwrap();
    assert_eq!(condition.comes_to_hold(&table, None), Some(true), "nothing is before the start");
}

#[test]
fn bad_conditions_are_refused_at_their_place() {
    for (text, at, message) in [
        ("", 0..0, "a condition is wanted"),
        ("lenght > 3", 0..6, "did you mean `length`?"),
        ("xyzzy", 0..5, "no name `xyzzy`"),
        ("length >", 8..8, "is wanted here"),
        ("length > 3 4", 11..12, "join it"),
        ("length > 3 | count", 11..12, "behind the condition of a query"),
        ("eos_conf croses 0.9", 9..15, "did you mean `crosses`?"),
        ("(length > 3", 11..11, "`)` is wanted"),
        ("conf < 0.1", 0..4, "`conf[17]`"),
        ("length[3] > 1", 0..6, "leave the index out"),
        ("conf[x] < 0.1", 5..6, "position's number"),
        ("conf[1.5] < 0.1", 5..8, "position's number"),
        ("text < 3", 7..8, "no order"),
        ("mode == 3", 8..9, "compared with a text"),
        ("length == 'x'", 10..13, "compared with a number"),
        ("text", 4..4, "compare it"),
        ("text crosses 3", 0..4, "changes"),
        ("length contains 'x'", 0..6, "only a text"),
        ("text contains 3", 14..15, "in quotes"),
        ("text contains 'x", 14..16, "not closed"),
        ("3 > length", 0..1, ""),
        ("3", 0..1, "begin with a name"),
        ("length > 1.2.3", 9..14, "no number"),
        ("length > 3 §", 11..13, "means nothing"),
        ("p < 0.5", 0..1, "no name"),
        ("after.cnf[3] < 0.5", 0..9, "did you mean `after.conf`?"),
        ("after.conf < 0.5", 0..10, "`after.conf[17]`"),
        ("after.length > 3", 0..12, "canvas after the step: leave `after.` out"),
        ("after.will_fill", 0..15, "the step that comes next: leave `after.` out"),
        ("after.filled", 0..12, "of no prediction: leave `after.` out"),
        ("after. conf[3] < 0.5", 0..5, "no name `after`"),
        ("before.conf[3] < 0.5", 0..11, "no name `before.conf`"),
    ] {
        match Condition::parse(text) {
            Ok(_) => assert!(message.is_empty(), "{text} is read"),
            Err(error) => {
                assert_eq!(error.at, at, "{text}: {error}");
                assert!(error.message.contains(message), "{text}: {error}");
            }
        }
    }
    let deep = format!("{}length > 3", "not ".repeat(100));
    assert!(Condition::parse(&deep).unwrap_err().message.contains("deep"));
    let long = format!("length > 3{}", " and length > 3".repeat(1000));
    assert!(Condition::parse(&long).unwrap_err().message.contains("long"));
}

#[test]
fn queries_have_subjects_and_rows() {
    for text in [
        "steps",
        "fills where p < 0.5",
        "positions where flips > 2 and set > 3",
        "steps where eos_conf > 0.9 and expanded",
        "fills where token contains 'the'",
        "drops where(slot > 3)",
        "  expansions where made > 3 ",
        "fills | count",
        "fills|count by in_block",
        "fills where p < 0.5 || p > 0.9 | top 10 by entropy",
        "fills where token == '|' | count, mean p, max entropy by file, mode",
        "steps | sort by eos_conf desc | top 3 by length | mean after.eos_conf",
        "positions | bottom 5 by flips",
    ] {
        let query = Query::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(query.to_string(), text.trim());
    }
    for (text, at, message) in [
        ("", 0..0, "begins with one of"),
        ("fill", 0..4, "begins with one of"),
        ("fills p < 1", 6..7, "`where`"),
        ("fills where", 11..11, "a condition is wanted"),
        ("fills where q < 1", 12..13, "no name"),
        ("steps where p < 1", 12..13, "no name"),
        ("fills |", 7..7, "one of these is wanted here: sort, top"),
        ("fills | cuont", 8..13, "did you mean `count`?"),
        ("fills where p < 1 | top by p", 24..26, "e.g. `top 10 by p`"),
        ("fills | top 1.5 by p", 12..15, "a number of rows"),
        ("fills | top 10 p", 15..16, "`by` and a name"),
        ("fills | sort p", 13..14, "e.g. `sort by p`"),
        ("fills | mean", 12..12, "wanted here"),
        ("fills | mean token", 13..18, "`token` is no number"),
        ("fills | mean 3", 13..14, "a name is wanted"),
        ("steps | mean p", 13..14, "no name `p`"),
        ("fills | count by blok", 17..21, "did you mean `block`?"),
        ("fills | count by file | top 3 by p", 24..27, "nothing follows groups"),
        ("fills | count p", 14..15, "another operation"),
        ("fills where token == 'x | count", 21..31, "not closed"),
        ("fills where q < 1 | count", 12..13, "no name"),
    ] {
        let error = Query::parse(text).unwrap_err();
        assert_eq!(error.at, at, "{text}: {error}");
        assert!(error.message.contains(message), "{text}: {error}");
    }
}

#[test]
fn what_may_come_next() {
    let texts = |completion: Completion| -> Vec<String> {
        completion.candidates.into_iter().map(|candidate| candidate.text).collect()
    };
    let complete = |text: &str| texts(Condition::complete(text));
    assert_eq!(complete("eos_d"), ["eos_density"]);
    assert_eq!(complete("eos_c"), ["eos_conf", "eos_confidence_threshold", "eos_check_tokens"]);
    assert_eq!(complete("length > 3 and len"), ["length"]);
    assert!(complete("length ").contains(&"crosses".to_owned()));
    assert_eq!(complete("length cr"), ["crosses"]);
    assert_eq!(complete("text con"), ["contains"]);
    assert_eq!(complete("conf"), ["conf", "confidence_eos_eot_inf", "confidence_threshold"]);
    assert_eq!(complete("conf["), Vec::<String>::new());
    assert_eq!(complete("conf[3] <"), complete("conf[3] < "));
    assert_eq!(complete("mode == hi"), ["\"high_conf\""]);
    assert_eq!(complete("finish == st"), ["\"stagnant\""]);
    assert_eq!(complete("length > 3 "), ["and", "or"]);
    assert!(!complete("").contains(&"position".to_owned()));
    assert_eq!(complete("masks < 3 and after.c"), ["after.conf"]);
    assert_eq!(Condition::complete("masks < 3 and after.c").from, 14);
    assert_eq!(complete("after.conf"), ["after.conf"]);
    assert_eq!(complete("after.conf[3] cr"), ["crosses"]);
    assert!(!complete("after.").contains(&"after.length".to_owned()));
    let query = |text: &str| texts(Query::complete(text));
    assert_eq!(query("f"), ["fills"]);
    assert_eq!(query("fills wh"), ["where"]);
    assert_eq!(query("fills where pos"), ["position"]);
    assert_eq!(Query::complete("fills where pos").from, 12);
    assert_eq!(query("fills "), ["where", "|"]);
    assert_eq!(query("fills where p < 1 "), ["and", "or", "|"]);
    assert_eq!(query("fills | m"), ["mean", "min", "max"]);
    assert_eq!(Query::complete("fills where p < 1 | co").from, 20);
    assert_eq!(query("fills | top 10 "), ["by"]);
    assert_eq!(query("fills | sort by pos"), ["position"]);
    assert_eq!(query("fills | sort by p "), ["desc", "|"]);
    assert_eq!(query("fills | mean entr"), ["entropy", "entropy_bound"]);
    assert_eq!(query("fills | mean tok"), ["tokens_per_pass"]);
    assert_eq!(query("fills | mean p "), ["by", ","]);
    assert_eq!(query("fills | mean p, cou"), ["count"]);
    assert_eq!(query("fills | count by fi"), ["file", "finish", "filled", "fill_conf"]);
    assert_eq!(query("fills | count by file, in_b"), ["in_block"]);
}

#[test]
fn only_what_reads_the_next_prediction_waits_for_it() {
    for (text, waits) in [
        ("eos_conf crosses 0.9", false),
        ("conf[17] < 0.1 or flipped", false),
        ("expanded and masks < 3", false),
        ("after.eos_conf crosses 0.9", true),
        ("masks < 3 and not after.conf[#2] > 0.5", true),
        ("will_fill > 2", true),
    ] {
        assert_eq!(Condition::parse(text).unwrap().needs_prediction(), waits, "{text}");
    }
}

#[test]
fn names_are_unique() {
    let mut texts: Vec<&str> = names::known(true).map(|spec| spec.text).collect();
    let count = texts.len();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), count);
}

proptest! {
    /// Any text is read or refused within its bounds, and what is read is read again from its
    /// own text.
    #[test]
    fn no_text_breaks_it(text in ".{0,60}") {
        match Condition::parse(&text) {
            Ok(condition) => prop_assert_eq!(Condition::parse(&condition.to_string()), Ok(condition)),
            Err(error) => {
                prop_assert!(error.at.end <= text.len());
                pointed(&text, &error.at, 20);
            }
        }
        let _ = Query::parse(&text);
        let completion = Condition::complete(&text);
        prop_assert!(text.is_char_boundary(completion.from));
        Query::complete(&text);
    }

    /// The same for texts that look like conditions.
    #[test]
    fn no_likely_text_breaks_it(parts in prop::collection::vec(prop::sample::select(vec![
        "length", "conf", "[", "17", "]", "#", ">", "<=", "==", "and", "or", "not", "(", ")", "changes",
        "crosses", "contains", "'x'", "text", "0.5", "-", "+", "fills", "where", " ", "é", "|", ",", "top", "10", "by", "count", "mean",
    ]), 0..24)) {
        let text = parts.join(" ");
        if let Ok(condition) = Condition::parse(&text) {
            condition.holds(&table());
            condition.values(&table());
        }
        let _ = Query::parse(&text);
        Query::complete(&text);
        Condition::complete(&text);
    }
}
