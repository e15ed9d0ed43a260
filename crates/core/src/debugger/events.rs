//! Kinds of events that have a name, for `next` and `last`.

/// Each kind of event: its name, the condition that it stands for, and one line of help.
pub const EVENTS: &[(&str, &str, &str)] = &[
    (
        "event",
        "expanded or remasked or replaced or dropped or fallback or stuck or edited or stage changes or block changes",
        "any of those that change the course of a run",
    ),
    ("expansion", "expanded", "a position became several"),
    ("remask", "remasked", "tokens were remasked"),
    ("replace", "replaced", "tokens were replaced by others"),
    ("fallback", "fallback", "none was over the high threshold"),
    ("stuck", "stuck", "every position predicted the mask"),
    ("flip", "flipped", "a guess changed"),
    ("low-confidence", "fill_conf < 0.5", "a token was unmasked below 0.5"),
    ("drop", "dropped", "positions fell off at the maximum length"),
    ("block", "block changes", "another block came into work"),
    ("stage", "stage changes", "another stage began"),
    ("edit", "edited", "an edit by the user"),
];

/// The events as a table in Markdown.
pub fn event_table() -> String {
    let rows = EVENTS
        .iter()
        .map(|(name, condition, help)| format!("| `{name}` | {help} | `{condition}` |\n"));
    format!("| event | what | condition |\n|---|---|---|\n{}", rows.collect::<String>())
}
