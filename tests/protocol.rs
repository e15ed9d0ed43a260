//! The published schema of the protocol says what both sides do: what demask sends fits it, and what
//! engines and loops send is read where it fits, and nowhere else.
//!
//! tests/protocol has the columns of a prediction and messages that demask sends, which
//! `UPDATE_DOCUMENTS=1 cargo test --test all protocol::` writes and the Python package reads in its own
//! tests; and messages that the Python package sends, which its tests write.

use std::{collections::BTreeSet, fs, path::PathBuf};

use crate::support::places::{other, places};
use demask::{
    canvas::{Edit, Filler, Override, Slot, SpecialTokens},
    debugger::Go,
    decode::{Foreign, Knob, KnobRange, Params},
    driving::{self, message as with_loop},
    engine::{
        MemoryAddress,
        message::{Encode, FromEngine, Hello, ToEngine},
    },
    model::Messages,
    predict::{
        Attention, Column, ColumnRecording, ColumnSet, Credits, Filters, Guidance, Pass, Request,
        RequestPart, Sampling, Score,
    },
    session::NodeId,
};
use jsonschema::Validator;
use proptest::{prelude::*, sample, test_runner::TestRunner};
use serde_json::{Map, Value, json};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn messages(name: &str) -> Vec<Value> {
    let text = fs::read_to_string(path(&format!("tests/protocol/{name}.jsonl"))).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The published schema, reading one direction.
fn published(direction: &str) -> Value {
    let text = fs::read_to_string(path("assets/protocol.schema.json")).unwrap();
    let mut schema: Value = serde_json::from_str(&text).unwrap();
    schema.as_object_mut().unwrap().remove("anyOf");
    schema["$ref"] = json!(format!("#/$defs/{direction}"));
    schema
}

fn validator(direction: &str) -> Validator {
    jsonschema::draft202012::new(&published(direction)).unwrap()
}

/// The same, which also refuses fields of a message that the schema does not name.
fn strict(direction: &str) -> Validator {
    let mut schema = published(direction);
    for form in schema["$defs"][direction]["oneOf"].as_array_mut().unwrap() {
        form["unevaluatedProperties"] = json!(false);
    }
    jsonschema::draft202012::new(&schema).unwrap()
}

/// The types of messages in one direction, as the schema names them.
fn types(direction: &str) -> BTreeSet<String> {
    let schema = published(direction);
    let forms = schema["$defs"][direction]["oneOf"].as_array().unwrap();
    forms.iter().map(|form| form["properties"]["type"]["const"].as_str().unwrap().into()).collect()
}

fn types_of(messages: &[Value]) -> BTreeSet<String> {
    messages.iter().map(|message| message["type"].as_str().unwrap().into()).collect()
}

fn pass(attention: Attention, positions: Option<Vec<u32>>) -> Pass {
    Pass { ids: vec![12, 5, 5, 7], positions, attention }
}

/// Requests that have, together, every field in every form.
fn requests() -> Vec<Request> {
    let special = SpecialTokens { mask: 5, eos: 9 };
    let plain = crate::support::request(
        vec![12, 5, 5, 7],
        1..4,
        special,
        &[Column::Argmax, Column::PArgmax],
        0,
    );
    let guided = Request {
        guidance: Some(Guidance { scale: 0.5, unconditional: pass(Attention::Full, None) }),
        sampling: Some(Sampling {
            temperature: 0.7,
            seed: u64::MAX,
            step: 3,
            slots: vec![Slot(0), Slot(4), Slot(1)],
        }),
        suppressed: vec![(0, 9), (2, 5)],
        begin_suppressed: vec![9, 11],
        shift: true,
        columns: ColumnSet::of(&[Column::Choice, Column::PChoice, Column::Entropy, Column::TopK]),
        top_k: 4,
        ..plain.clone()
    };
    let filters = Filters { temperature: 0.4, top_p: 0.95, top_k: 50, strict: true };
    let filtered = Request {
        pass: pass(
            Attention::BlockCausal { block: 2, before: 1, seen: Some(3) },
            Some(vec![0, 1, 2, 3]),
        ),
        filters: Some(filters),
        score: Some(Score::Margin),
        columns: ColumnSet::of(&[Column::Score, Column::Margin, Column::PEos]),
        ..plain.clone()
    };
    let compared = Request {
        earlier: Some(pass(Attention::Keys(vec![true, true, false, true]), None)),
        score: Some(Score::NegEntropy),
        columns: ColumnSet::of(&[Column::Kl, Column::Score, Column::BestUnmask]),
        ..plain.clone()
    };
    let credits =
        Credits { alpha: 0.7, gamma: 0.2, rows: 1..3, earlier: vec![(1, 7, 0.75), (2, 9, 1.5)] };
    let credited = Request { credits: Some(credits), ..plain.clone() };
    let shadowed =
        Request { shadow: Some(0..3), columns: ColumnSet::of(&Column::ALL), ..plain.clone() };
    let ranked = Request {
        alternatives: Some(5),
        lowered: vec![(0, 9, 0.75), (2, 5, 1.5)],
        columns: ColumnSet::of(&[Column::Alternatives]),
        ..plain.clone()
    };
    let targeted = Request {
        targets: vec![(0, 7), (2, 9)],
        columns: ColumnSet::of(&[Column::Argmax, Column::PTarget, Column::TargetRank]),
        ..plain.clone()
    };
    vec![plain, guided, filtered, compared, shadowed, credited, ranked, targeted]
}

/// A value of every form of what demask sends to an engine.
fn to_engine() -> Vec<Value> {
    let turns =
        r#"[{"role": "system", "content": "Be short."}, {"role": "user", "content": "Hi"}]"#;
    let turns = Messages::parse(turns).unwrap();
    let variables = [("enable_thinking".to_owned(), json!(false))].into();
    let chat = Encode::Chat { messages: &turns, begun: "It", variables: &variables };
    let text = Encode::Text { text: "the owl", special: true };
    let (path, key) = ("/proc/71/fd/9".to_owned(), "000102030405060708090a0b0c0d0e0f".to_owned());
    let memory = MemoryAddress { path, key, size: 4112 };
    let mut all = vec![
        json!(ToEngine::Hello(Hello::with(None))),
        json!(ToEngine::Hello(Hello::with(Some("0123456789abcdef")))),
        json!(ToEngine::Hello(Hello { memory: Some(memory), ..Hello::with(None) })),
        json!(ToEngine::Texts { id: 1, first: 0, count: 20 }),
        json!(ToEngine::Encode { id: 2, what: text }),
        json!(ToEngine::Encode { id: 3, what: chat }),
        json!(ToEngine::Decode { id: 4, ids: &[12, 7] }),
    ];
    let requests = requests();
    all.extend(
        (5..)
            .zip(&requests)
            .map(|(id, request)| json!(ToEngine::Predict { id, request, memory: id % 2 == 1 })),
    );
    all.push(json!(ToEngine::Cancel { id: 99 }));
    all
}

/// A value of every form of what demask sends to a sampling loop.
fn to_loop() -> Vec<Value> {
    let knob = |name: &str, range| Knob { name: name.to_owned(), help: String::new(), range };
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    let strategy = Foreign::with(
        "mine",
        &[
            knob("threshold", KnobRange::Float(0.0, 1.0, 0.9)),
            knob("count", KnobRange::Int(1, 8, 2)),
            knob("greedy", KnobRange::Name(names(&["false", "true"]), 1)),
            knob("remask", KnobRange::Name(names(&["never", "low"]), 0)),
        ],
    );
    let edits = vec![
        Edit::Fill { slot: Slot(0), token: 7 },
        Edit::Replace { slot: Slot(1), token: 8 },
        Edit::Remask { slot: Slot(1) },
        Edit::Expand { slot: Slot(2), n: 2 },
        Edit::Append { n: 2, filler: Filler::Mask },
        Edit::Append { n: 1, filler: Filler::Eos },
        Edit::Insert { slot: Slot(0), n: 1 },
        Edit::Override {
            slot: Slot(1),
            overridden: Override { pinned: true, expand: Some(false) },
        },
        Edit::Veto { slot: Slot(1), token: 8, on: true },
        Edit::Veto { slot: Slot(1), token: 8, on: false },
        Edit::Delete { slot: Slot(2) },
        Edit::Truncate { length: 4 },
    ];
    let go = Go {
        from: NodeId(0),
        edits: Vec::new(),
        canvas: None,
        params: Params::defaults(&[]),
        pins: Vec::new(),
        vetoes: Vec::new(),
    };
    let whole = Go {
        from: NodeId(7),
        edits,
        canvas: Some(vec![7, 5, 5, 9]),
        params: Params::defaults(strategy.params()),
        pins: vec![0, 3],
        vetoes: vec![(1, 8)],
    };
    vec![
        json!(with_loop::ToLoop::Hello(Hello::with(None))),
        json!(with_loop::ToLoop::Hello(Hello::with(Some("0123456789abcdef")))),
        json!(with_loop::ToLoop::go(&go)),
        json!(with_loop::ToLoop::go(&whole)),
        json!(with_loop::ToLoop::Stop),
    ]
}

#[test]
fn what_demask_sends_fits_and_is_published() {
    for (name, direction, sent) in
        [("to_engine", "ToEngine", to_engine()), ("to_loop", "ToLoop", to_loop())]
    {
        assert_eq!(types_of(&sent), types(direction));
        let (open, strict) = (validator(direction), strict(direction));
        for message in &sent {
            let fault = strict.iter_errors(message).next().map(|error| error.to_string());
            assert_eq!(fault, None, "{message}");
            // Without any one of the fields that are always there it fits no more, nor with that
            // field misspelt; a misspelt one is noticed in any case.
            for field in message.as_object().unwrap().keys() {
                let mut changed = message.clone();
                let value = changed.as_object_mut().unwrap().remove(field).unwrap();
                let left_out = ["edits", "canvas", "knobs", "pins", "vetoes"];
                let may_be = match message["type"].as_str() {
                    Some("go") => left_out.contains(&field.as_str()),
                    Some("hello" | "predict") => field == "memory",
                    _ => false,
                };
                assert_eq!(open.is_valid(&changed), may_be, "{message} without {field}");
                changed[format!("{field}s")] = value;
                assert_eq!(open.is_valid(&changed), may_be, "{message} with {field}s");
                assert!(!strict.is_valid(&changed), "{message} with {field}s");
            }
        }
        is_published(name, &sent);
    }
}

/// Compares lines of JSON with a file of tests/protocol.
fn is_published(name: &str, lines: &[Value]) {
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let file = path(&format!("tests/protocol/{name}.jsonl"));
    if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
        fs::write(&file, &lines).unwrap();
    }
    let published = fs::read_to_string(file).unwrap_or_default();
    assert!(published == lines, "run UPDATE_DOCUMENTS=1 cargo test --test all protocol::");
}

/// The tests of the Python package hold its own table of columns against these.
#[test]
fn columns_are_published() {
    let columns = Column::ALL.map(|column| {
        let spec = column.spec();
        let digits = match spec.recorded {
            ColumnRecording::Rounded(digits) => Some(digits),
            ColumnRecording::Exact | ColumnRecording::Paired(_) => None,
        };
        let needs = spec.needs.map(RequestPart::name);
        json!({ "name": spec.name, "kind": spec.kind.name(), "needs": needs, "digits": digits })
    });
    is_published("columns", &columns);
}

fn read_of_engine(text: &str) -> bool {
    serde_json::from_str::<FromEngine>(text).is_ok()
}

fn read_of_loop(text: &str) -> bool {
    serde_json::from_str::<with_loop::FromLoop>(text).is_ok()
}

/// Whether a line is read.
type Reads = fn(&str) -> bool;

/// What comes to demask, and what reads it.
const READ: [(&str, &str, Reads); 2] =
    [("from_engine", "FromEngine", read_of_engine), ("from_loop", "FromLoop", read_of_loop)];

#[test]
fn a_message_is_read_where_it_fits_and_nowhere_else() {
    for (name, direction, reads) in READ {
        let mut sent = messages(name);
        sent.push(json!({ "type": "log", "text": "a line" }));
        let texts = json!(["a", { "control": "<eos>" }, { "bytes": [226, 128] }, null]);
        sent.push(match direction {
            "FromEngine" => json!({ "type": "texts", "id": 1, "texts": texts }),
            _ => json!({ "type": "waiting", "node": 3, "done": true, "kept": { "nodes": 2, "bytes": 99 } }),
        });
        assert_eq!(types_of(&sent), types(direction));
        let (open, strict) = (validator(direction), strict(direction));
        let (mut refused, mut taken) = (0, 0);
        for message in &sent {
            assert!(strict.is_valid(message) && reads(&message.to_string()), "{message}");
            let mut found = Vec::new();
            places(message, String::new(), &mut found);
            // A type that nobody knows is passed over, whatever else the message holds.
            for place in found.iter().filter(|place| *place != "/type") {
                let mut changed = message.clone();
                let old = changed.pointer(place).unwrap().clone();
                *changed.pointer_mut(place).unwrap() = other(&old);
                let mut less = message.clone();
                let (above, last) = place.rsplit_once('/').unwrap();
                if let Some(fields) = less.pointer_mut(above).and_then(Value::as_object_mut) {
                    fields.remove(last);
                }
                for changed in [changed, less] {
                    let fits = open.is_valid(&changed);
                    assert_eq!(reads(&changed.to_string()), fits, "{place}: {changed}");
                    *(if fits { &mut taken } else { &mut refused }) += 1;
                }
            }
        }
        assert!(refused > 25 && taken > 10, "{refused} refused, {taken} taken");
    }
}

/// Values that fit a shape.
fn fitting(whole: &Value, shape: &Value) -> BoxedStrategy<Value> {
    if let Some(only) = shape.get("const") {
        return Just(only.clone()).boxed();
    }
    if let Some(values) = shape["enum"].as_array() {
        return sample::select(values.clone()).boxed();
    }
    let named = shape["$ref"].as_str().map(|target| &whole["$defs"][&target["#/$defs/".len()..]]);
    let forms = [&shape["oneOf"], &shape["anyOf"]].into_iter().filter_map(Value::as_array);
    let forms: Vec<_> = forms.flatten().map(|form| fitting(whole, form)).collect();
    let alternatives = (!forms.is_empty()).then(|| proptest::strategy::Union::new(forms).boxed());
    let inner = named.map(|named| fitting(whole, named)).or(alternatives);
    match inner {
        None => plain(whole, shape),
        Some(inner) if shape.get("properties").is_none() => inner,
        Some(inner) => (inner, object(whole, shape))
            .prop_map(|(mut inner, own)| {
                inner.as_object_mut().unwrap().extend(own);
                inner
            })
            .boxed(),
    }
}

fn plain(whole: &Value, shape: &Value) -> BoxedStrategy<Value> {
    let kinds: Vec<&str> = match &shape["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => panic!("no type in {shape}"),
    };
    let of = |kind: &&str| match *kind {
        "null" => Just(Value::Null).boxed(),
        "boolean" => any::<bool>().prop_map(Value::from).boxed(),
        "string" => any::<String>().prop_map(Value::from).boxed(),
        "number" => proptest::num::f64::NORMAL.prop_map(Value::from).boxed(),
        "integer" => match shape["minimum"].as_u64() {
            Some(least) => {
                (least..=shape["maximum"].as_u64().unwrap()).prop_map(Value::from).boxed()
            }
            None => any::<i64>().prop_map(Value::from).boxed(),
        },
        "array" => proptest::collection::vec(fitting(whole, &shape["items"]), 0..4)
            .prop_map(Value::from)
            .boxed(),
        "object" => match shape.get("additionalProperties") {
            Some(values) => {
                proptest::collection::btree_map(any::<String>(), fitting(whole, values), 0..4)
                    .prop_map(|fields| fields.into_iter().collect::<Map<_, _>>().into())
                    .boxed()
            }
            None => object(whole, shape).prop_map(Value::from).boxed(),
        },
        kind => panic!("values of type {kind}"),
    };
    proptest::strategy::Union::new(kinds.iter().map(of)).boxed()
}

/// An object with the fields that must be there, and some of the others.
fn object(whole: &Value, shape: &Value) -> BoxedStrategy<Map<String, Value>> {
    let required =
        |name: &String| shape["required"].as_array().is_some_and(|all| all.contains(&json!(name)));
    let fields = shape["properties"].as_object().into_iter().flatten();
    let fields: Vec<_> = fields
        .map(|(name, field)| {
            let there = if required(name) { Just(true).boxed() } else { any::<bool>().boxed() };
            (Just(name.clone()), there, fitting(whole, field))
        })
        .collect();
    let kept = |fields: Vec<(String, bool, Value)>| {
        let kept = fields.into_iter().filter(|(_, there, _)| *there);
        kept.map(|(name, _, value)| (name, value)).collect()
    };
    fields.prop_map(kept).boxed()
}

/// What the schema allows is read.
#[test]
fn whatever_fits_is_read() {
    for (_, direction, reads) in READ {
        let (schema, validator) = (published(direction), validator(direction));
        let all = fitting(&schema, &schema["$defs"][direction]);
        let mut runner = TestRunner::new(ProptestConfig { cases: 2000, ..Default::default() });
        let checked = runner.run(&all, |message| {
            prop_assert!(validator.is_valid(&message), "made wrongly: {message}");
            prop_assert!(reads(&message.to_string()), "not read: {message}");
            Ok(())
        });
        assert!(checked.is_ok(), "{direction}: {}", checked.unwrap_err());
    }
}

/// The conversations of docs/protocol.md: an arrow says who sends a message.
#[test]
fn the_examples_in_the_document_fit() {
    let text = fs::read_to_string(path("docs/protocol.md")).unwrap();
    let records = fs::read_to_string(path("assets/trace.schema.json")).unwrap();
    let records: Value = serde_json::from_str(&records).unwrap();
    let records = jsonschema::draft202012::new(&records).unwrap();
    for (fence, sent, heard, least) in
        [("engine", "ToEngine", "FromEngine", 8), ("loop", "ToLoop", "FromLoop", 12)]
    {
        let (sent, heard) = (strict(sent), strict(heard));
        let open = format!("```{fence}\n");
        let blocks = text.split(open.as_str()).skip(1);
        let lines = blocks.flat_map(|block| block.split("```").next().unwrap().lines());
        let mut seen = 0;
        for line in lines {
            let (arrow, message) = line.split_once(' ').unwrap();
            let message: Value = serde_json::from_str(message).unwrap();
            let fits = match arrow {
                "→" => &sent,
                _ if message.get("kind").is_some() => &records,
                "←" => &heard,
                _ => panic!("who sends {line}"),
            };
            let fault = fits.iter_errors(&message).next().map(|error| error.to_string());
            assert_eq!(fault, None, "{line}");
            seen += 1;
        }
        assert!(seen >= least, "{seen} in {fence}");
    }
}

#[test]
fn the_command_prints_what_is_published() {
    let printed =
        assert_cmd::Command::cargo_bin("demask").unwrap().args(["schema", "protocol"]).output();
    let printed = String::from_utf8(printed.unwrap().stdout).unwrap();
    assert_eq!(printed, format!("{:#}\n", driving::schema()));
    assert_eq!(printed, fs::read_to_string(path("assets/protocol.schema.json")).unwrap());
}
