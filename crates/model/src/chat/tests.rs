//! Templates against what transformers makes of them: tests/reference/templates.py writes the
//! files that are read here.

use jiff::civil::date;
use minijinja::Value;

use super::{Chat, ChatSettings, DEFAULT, Messages, NamedTemplate, TemplateVariable, Templates};

const TEMPLATES: &str = include_str!("../../../../tests/templates/templates.json");
const RENDERED: &str = include_str!("../../../../tests/templates/rendered.json");

/// The special tokens of the tokenizer that the script renders with.
const TOKENS: [(&str, &str); 4] = [
    ("bos_token", "<|im_start|>"),
    ("eos_token", "<|im_end|>"),
    ("pad_token", "<|endoftext|>"),
    ("mask_token", "<|mask|>"),
];

fn chat(template: &str, variables: Vec<TemplateVariable>) -> Chat {
    let named = vec![NamedTemplate {
        name: DEFAULT.to_owned(),
        text: template.to_owned(),
        place: "here".to_owned(),
    }];
    let templates = Templates { named, fault: None };
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

/// What these templates end with, each of its own.
fn refusals(templates: &[&str]) -> Vec<String> {
    let refusal = |template: &&str| {
        let refused = chat(template, Vec::new()).text(&Messages::of("x"));
        refused.expect_err(template)
    };
    templates.iter().map(refusal).collect()
}

#[test]
fn a_template_that_never_ends_is_ended() {
    let problems = refusals(&[
        "{% for i in range(100000) %}{% for j in range(100000) %}{{ i }}{% endfor %}{% endfor %}",
        "{% set ns = namespace(s='a') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{% set ns = namespace(s='a') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] | sum(start=[]) %}{% endfor %}",
        "{% set ns = namespace(l=(1,)) %}{% for i in range(99) %}{% set ns.l = ns.l * 2 %}{% endfor %}",
        "{{ 'a' * 100000000000 }}",
        "{{ [0] * 100000000000 }}",
        "{{ ('a' * 900000) | join('b' * 900000) }}",
        "{{ ('b' * 900000).join('a' * 900000) }}",
        "{{ ('a' * 900000) | replace('a', 'b' * 900000) }}",
        "{{ ('a' * 900000).replace('', 'b' * 900000) }}",
        "{{ ('\\t' * 900000).expandtabs(90000) }}",
        "{{ ('\\n' * 900000) | indent('b' * 900000, true, true) }}",
        "{{ ('%90000d' * 90000) % ((1,) * 90000) }}",
        "{{ ('{0:90000}' * 90000).format(1) }}",
        "{{ ('{0}' * 90000).format('a' * 90000) }}",
        "{{ ([1] * 90000) | tojson(indent='a' * 90000) }}",
        "{{ ([1] * 90000) | tojson(separators=['a' * 90000, 'b']) }}",
        "{{ ([[1]] * 900000) | batch(1) | list * 900000 }}",
        "{% macro m() %}{% for i in range(90000) %}{{ 'a' * 90000 }}{% endfor %}{% endmacro %}{{ m() | length }}",
        "{{ range(90000) | map('center', 90000) | list | length }}",
        "{{ (['a'] * 90000) | map('replace', 'a', 'b' * 90000) | list | length }}",
        "{% for i in range(90000) %}{% set x %}{{ 'a' * 90000 }}{% endset %}{% endfor %}",
        // Small to hold, large to show.
        "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = {'a': ns.l, 'b': ns.l} %}{% endfor %}{{ ns.l | tojson }}",
    ]);
    for (at, problem) in problems.into_iter().enumerate() {
        let words = "the chat template fails (it goes on without end or makes more than 122 MiB of \
                     text, in line 1)";
        assert_eq!(problem, format!("here: {words}"), "template {at}");
    }
}

#[test]
fn what_no_stack_holds_is_refused() {
    for (template, expected) in [
        ("{% macro r(n) %}{{ r(n + 1) }}{% endmacro %}{{ r(0) }}", "recursion limit"),
        (
            "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}",
            "nested too deeply, or in itself",
        ),
        (
            "{% set a = namespace() %}{% set b = namespace(a=a) %}{% set a.b = [b] %}{{ a == b }}",
            "nested too deeply, or in itself",
        ),
        (
            "{% set ns = namespace() %}{% for i in range(100000) %}{% set ns.a = [ns.a] %}{% endfor %}",
            "nested too deeply, or in itself",
        ),
    ] {
        let problem = &refusals(&[template])[0];
        assert!(problem.contains(expected), "{template}: {problem}");
    }
    let deep = format!("{{{{ {}1{} }}}}", "(".repeat(9999), ")".repeat(9999));
    assert!(refusals(&[&deep])[0].contains("nested too deeply"));
    // The engine goes into these as deep as they are long.
    let long = format!("{{{{ 1{} }}}}", "-1".repeat(130_000));
    assert_eq!(chat(&long, Vec::new()).text(&Messages::of("x")), Ok(Some("-129999".to_owned())));
    let dots = format!("{{{{ a{} }}}}", ".b".repeat(130_000));
    assert!(refusals(&[&dots])[0].contains("undefined"));
    let huge = " ".repeat(300_000);
    assert!(refusals(&[&huge])[0].contains("larger than 256 KiB"));
}

#[test]
fn numbers_beyond_all_bounds_do_no_harm() {
    for (template, expected) in [
        ("{{ 'abc'[::-9223372036854775808] }}", "c"),
        ("{{ 'abc'[-9223372036854775808:9223372036854775807] }}", "abc"),
        ("{{ [1, 2][9223372036854775807:] }}", "[]"),
        ("{{ (1, 2)[::99999999999999999999] }}", "(1,)"),
        ("{{ 'a' * -9223372036854775808 }}", ""),
        ("{{ 'a'.zfill(-9223372036854775808) }}", "a"),
        ("{{ 'a'.find('a', -9223372036854775808, 9223372036854775807) }}", "0"),
        ("{{ 'a'[9223372036854775807] }}", ""),
        ("{{ 9223372036854775807 + 1 }}", "9223372036854775808"),
        ("{{ -9223372036854775808 % -1 }}", "0"),
        ("{{ 'a' | truncate(9223372036854775807, leeway=9223372036854775807) }}", "a"),
    ] {
        let text = chat(template, Vec::new()).text(&Messages::of("x"));
        assert_eq!(text, Ok(Some(expected.to_owned())), "{template}");
    }
    for template in [
        "{{ '%99999999999d' % 3 }}",
        "{{ '%99999999999999999999999999999d' % 3 }}",
        "{{ '{:99999999999}'.format(3) }}",
        "{{ '{:99999999999999999999999999999}'.format(3) }}",
        "{{ 'a'.center(99999999999) }}",
        "{{ 'a' | batch(9223372036854775807) }}",
        "{{ 170141183460469231731687303715884105727 * 3 }}",
        "{{ 'abc'[::0] }}",
        "{{ range(9223372036854775807) }}",
    ] {
        let problem = &refusals(&[template])[0];
        assert!(!problem.contains("panic"), "{template}: {problem}");
    }
}

#[test]
fn damaged_templates_are_refused_with_their_place() {
    for (template, expected) in [
        ("a\n{{", "line 2"),
        ("{{ '\\n\\n' }}\n{{ raise_exception('here') }}", "(in chat template:2)"),
        ("{%", "`%}` is missing"),
        ("a {# b", "a comment has no end"),
        ("{{ 'a }}", "a string has no end"),
        ("{{ '\\u12' }}", "cut off"),
        ("{{ '\\N{DASH}' }}", "\\N"),
        ("{% do 1 %}", "`{% do %}`"),
        ("{% for %}", "syntax error"),
        ("{{ 1 % }}", "nothing stands behind `%`"),
        ("{{ 1 + }}", "nothing stands behind `+`"),
        ("{{ [1][1:2:3:4] }}", "too many colons"),
        ("{{ nothing[1:] }}", "something undefined"),
        ("{{ 'a' + 1 }}", "`+` does not go with string and number"),
        ("{{ [1] + (1,) }}", "`+` does not go with"),
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

#[test]
fn variables_that_nobody_reads_are_known() {
    let given = |names: &[&str]| -> Vec<TemplateVariable> {
        names.iter().map(|name| format!("{name}=1").parse().unwrap()).collect()
    };
    for (template, names, unread) in [
        ("{{ a }}", &["a"] as &[&str], &[] as &[&str]),
        ("{{ a }}", &["b", "a", "c"], &["b", "c"]),
        ("{% if a is defined and a %}x{% endif %}", &["a"], &[]),
        ("{% if b %}{{ 'x' + a['c'] }}{% endif %}", &["a", "b", "c"], &["c"]),
        ("{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b) }}", &["a", "b"], &["a"]),
        ("{# a #}{% raw %}{{ a }}{% endraw %}", &["a"], &["a"]),
        ("{{", &["a"], &[]),
    ] {
        assert_eq!(chat(template, given(names)).unread(), unread, "{template}");
    }
    let settings = ChatSettings { variables: given(&["a"]), ..ChatSettings::default() };
    let none = Chat::new(&Templates::default(), Vec::new(), &[], &settings).unwrap();
    let problem = none.text(&Messages::of("x")).unwrap_err();
    assert!(problem.contains("`a` (--template-var)"), "{problem}");
}

/// The variables of dLLM's programs are for the template that its models have.
#[test]
fn a_familys_variables_are_set_in_templates_of_its_kind() {
    let family = ChatSettings::of_family("a2d-qwen3");
    let check = |template: &str, expected: &str| {
        let named = vec![NamedTemplate {
            name: DEFAULT.to_owned(),
            text: template.to_owned(),
            place: String::new(),
        }];
        let templates = Templates { named, fault: None };
        let chat = Chat::new(&templates, Vec::new(), &family, &ChatSettings::default()).unwrap();
        assert_eq!(chat.text(&Messages::of("x")).unwrap().unwrap(), expected);
    };
    check("<|im_start|>{{ enable_thinking is defined }}", "<|im_start|>True");
    check("<|user|>{{ enable_thinking is defined }}", "<|user|>False");
}
