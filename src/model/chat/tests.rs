//! Templates against what transformers makes of them: tests/reference/templates.py writes the
//! files that are read here.

use jiff::civil::date;
use minijinja::Value;

use super::{Chat, ChatSettings, DEFAULT, Messages, NamedTemplate, TemplateVariable, Templates};

const TEMPLATES: &str = include_str!("../../../tests/templates/templates.json");
const RENDERED: &str = include_str!("../../../tests/templates/rendered.json");

/// The special tokens of the tokenizer that the script renders with.
const TOKENS: [(&str, &str); 4] = [
    ("bos_token", "<|im_start|>"),
    ("eos_token", "<|im_end|>"),
    ("pad_token", "<|endoftext|>"),
    ("mask_token", "<|mask|>"),
];

fn chat(template: &str, variables: Vec<TemplateVariable>) -> Chat {
    let templates = Templates(vec![NamedTemplate {
        name: DEFAULT.to_owned(),
        text: template.to_owned(),
        place: "here".to_owned(),
    }]);
    let tokens = TOKENS.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
    let settings = ChatSettings { variables, ..ChatSettings::default() };
    Chat::new(&templates, tokens, &[], &settings).unwrap()
}

fn list(json: &str) -> Vec<Value> {
    serde_json::from_str::<Value>(json).unwrap().try_iter().unwrap().collect()
}

fn field(of: &Value, name: &str) -> Value {
    of.get_attr(name).unwrap()
}

fn text(of: &Value, name: &str) -> Option<String> {
    field(of, name).as_str().map(str::to_owned)
}

#[test]
fn templates_render_as_in_transformers() {
    let (templates, rendered) = (list(TEMPLATES), list(RENDERED));
    assert!(templates.len() >= 99, "{}", templates.len());
    assert_eq!(templates.len(), rendered.len(), "run tests/reference/templates.py");
    // The time that the script tells templates.
    let now = date(2026, 3, 7).at(9, 8, 5, 0);
    let (mut wrong, mut right) = (Vec::new(), 0);
    for (template, rendered) in templates.iter().zip(&rendered) {
        let name = text(template, "name").unwrap();
        assert_eq!(
            Some(&name),
            text(rendered, "name").as_ref(),
            "run tests/reference/templates.py"
        );
        for case in field(rendered, "cases").try_iter().unwrap() {
            let json = |value: &Value| serde_json::to_string(value).unwrap();
            let messages = Messages::parse(&json(&field(&case, "messages"))).unwrap();
            let given = field(&case, "variables");
            let variables = given.try_iter().into_iter().flatten().map(|key| TemplateVariable {
                given: json(&given.get_item(&key).unwrap()),
                name: key.to_string(),
            });
            let chat = chat(&text(template, "template").unwrap(), variables.collect());
            let found = chat.text_at(&messages, now);
            match (text(&case, "text"), found) {
                (Some(expected), Ok(Some(found))) if expected == found => right += 1,
                (None, Err(problem)) => {
                    assert!(!problem.contains("panics"), "{name}: {problem}");
                    right += 1;
                }
                (expected, found) => wrong.push(format!(
                    "{name}: {messages:?}\n  transformers {expected:?}\n  here         {found:?}"
                )),
            }
        }
    }
    assert!(wrong.is_empty(), "{right} right and {} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_template_that_never_ends_is_ended() {
    for template in [
        "{% for i in range(100000) %}{% for j in range(100000) %}{{ i }}{% endfor %}{% endfor %}",
        "{% macro r(n) %}{{ r(n + 1) }}{% endmacro %}{{ r(0) }}",
        "{% set ns = namespace(s='a') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{{ 'a' * 100000000000 }}",
        "{{ '%99999999999d' % 3 }}{{ '{:99999999999}'.format(3) }}",
        "{{ 'a'.center(99999999999) }}",
    ] {
        assert!(chat(template, Vec::new()).text(&Messages::of("x")).is_err(), "{template}");
    }
}

#[test]
fn damaged_templates_are_refused_with_their_place() {
    for (template, expected) in [
        ("a\n{{", "line 2"),
        ("{%", "`%}` is missing"),
        ("a {# b", "a comment has no end"),
        ("{{ 'a }}", "a string has no end"),
        ("{{ '\\u12' }}", "cut off"),
        ("{{ '\\N{DASH}' }}", "\\N"),
        ("{% do 1 %}", "`{% do %}`"),
        ("{% for %}", "syntax error"),
        ("{{ 1 % }}", "missing argument"),
        ("{% macro %}", "syntax error"),
        ("{% set ns. %}", "syntax error"),
        ("{{ raise_exception('only users may speak') }}", "only users may speak"),
        (
            "{% for i in [1] %}{% with x = i %}{% continue %}{% endwith %}{% endfor %}",
            "`{% continue %}` out of a `{% with %}`",
        ),
        ("{{ [1].append(2) }}", "may not change a value (`append`)"),
    ] {
        let problem = chat(template, Vec::new()).text(&Messages::of("x")).unwrap_err();
        assert!(problem.starts_with("here: "), "{template}: {problem}");
        assert!(problem.contains(expected), "{template}: {problem}");
    }
}
