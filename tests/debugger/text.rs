//! Commands as text: each reads back to itself, and no text panics.

use demask::{
    canvas::Slot,
    debugger::{
        Argument, ArgumentKind, COMMANDS, Command, CommandSpec, Destination, PlainCommand,
        PositionRef, TokenRef, find_command, parse, statements,
    },
    inspect::{Condition, Query},
    session::NodeId,
};
use proptest::prelude::*;

use super::drive::{recording, replay};

/// Texts that need care.
const TEXTS: [&str; 24] = [
    "",
    " ",
    "a",
    "a b",
    "start",
    "end",
    "12",
    "@3",
    "#4",
    "all",
    "-1",
    "\"",
    "'",
    "it's",
    "a\"b",
    "\\",
    "\\n",
    "a\nb",
    "a\tb",
    "; quit",
    " to ",
    "steps to x",
    "größe 漢",
    "\\\"",
];

/// Arguments of a kind that any command of that kind takes; `None` is none, where it may be left
/// out.
fn samples(kind: ArgumentKind) -> Vec<Option<Argument>> {
    use ArgumentKind as Kind;
    let condition = |text| Argument::Condition(Condition::parse(text).unwrap());
    let query = |text, file: Option<&str>| {
        Argument::Query(Query::parse(text).unwrap(), file.map(Into::into))
    };
    let given = match kind {
        Kind::Steps => vec![Argument::Steps(1), Argument::Steps(3), Argument::Steps(1_000_000)],
        Kind::Masks => vec![Argument::Masks(1), Argument::Masks(4)],
        Kind::Passes => vec![Argument::Passes(1), Argument::Passes(32)],
        Kind::Condition | Kind::Event => vec![
            condition("expanded"),
            condition("eos_conf crosses 0.5 and not (text contains \"a; b\")"),
            condition("guess[#3] == \" it's\""),
        ],
        Kind::Destination => [
            Destination::Start,
            Destination::End,
            Destination::Step(0),
            Destination::Node(NodeId(12)),
        ]
        .map(Argument::Destination)
        .into(),
        Kind::Parameter | Kind::ParameterOrAll => {
            vec![Argument::Text("high_conf_threshold".to_owned())]
        }
        Kind::Value => vec![Argument::Text("0.85".to_owned()), Argument::Text("-1".to_owned())],
        Kind::Assignments => vec![
            Argument::Assignment("seed".to_owned(), "3".to_owned()),
            Argument::Assignment("a b".to_owned(), "\"=".to_owned()),
            Argument::Assignment("c".to_owned(), "-1".to_owned()),
        ],
        Kind::TryOrLast => vec![Argument::Try(3)],
        Kind::Prompt => vec![Argument::Prompt("a b".to_owned())],
        Kind::Expression => vec![Argument::Expression("eos_conf".to_owned())],
        Kind::Breakpoint => vec![Argument::Breakpoint(None), Argument::Breakpoint(Some(2))],
        Kind::Branch
        | Kind::BranchOrThis
        | Kind::Name
        | Kind::Note
        | Kind::Bookmark
        | Kind::Preset
        | Kind::Macro => {
            vec![Argument::Text("x".to_owned())]
        }
        Kind::Position => vec![
            Argument::Position(PositionRef::Position(7)),
            Argument::Position(PositionRef::Slot(Slot(52))),
        ],
        Kind::Token => vec![Argument::Token(TokenRef::Id(3))],
        Kind::Query => vec![
            query("steps", None),
            query("fills where p < 0.5 and text contains \" to \"", None),
            query("fills where text contains \" to \"", Some("rows to be.csv")),
        ],
        Kind::File => vec![Argument::File("a b.jsonl".into())],
    };
    let optional = kind.usage().starts_with('[');
    given.into_iter().map(Some).chain(optional.then_some(None)).collect()
}

/// An argument of a kind with this text, where the kind has texts of one's own.
fn with_text(kind: ArgumentKind, text: &str) -> Option<Argument> {
    use ArgumentKind as Kind;
    let own = || text.to_owned();
    match kind {
        Kind::Destination => Some(Argument::Destination(Destination::Bookmark(own()))),
        Kind::Prompt => Some(Argument::Prompt(own())),
        Kind::Token => Some(Argument::Token(TokenRef::Text(own()))),
        Kind::File => Some(Argument::File(own().into())),
        Kind::Query => {
            let query = Query::parse("steps where length > 3").unwrap();
            Some(Argument::Query(query, Some(own().into())))
        }
        Kind::Value
        | Kind::Branch
        | Kind::BranchOrThis
        | Kind::Name
        | Kind::Note
        | Kind::Bookmark
        | Kind::Preset
        | Kind::Macro => Some(Argument::Text(own())),
        Kind::Steps
        | Kind::Masks
        | Kind::Passes
        | Kind::Condition
        | Kind::Event
        | Kind::Parameter
        | Kind::ParameterOrAll
        | Kind::Assignments
        | Kind::TryOrLast
        | Kind::Expression
        | Kind::Breakpoint
        | Kind::Position => None,
    }
}

/// Every command with every combination of the samples of its arguments.
fn with_samples(spec: &'static CommandSpec) -> Vec<Command> {
    let mut all: Vec<Vec<Argument>> = vec![Vec::new()];
    for kind in spec.arguments {
        let samples = samples(*kind);
        let longer = all.iter().flat_map(|before| {
            samples.iter().map(|sample| before.iter().chain(sample).cloned().collect())
        });
        all = longer.collect();
        if *kind == ArgumentKind::Assignments {
            all.push(samples.into_iter().flatten().collect());
        }
    }
    all.into_iter().map(|arguments| Command::new(spec, arguments).unwrap()).collect()
}

/// Every command that takes a text of one's own, with this one.
fn texts(text: &str) -> Vec<Command> {
    let with = |spec: &'static CommandSpec| {
        let own = |kind: &ArgumentKind| with_text(*kind, text);
        spec.arguments.iter().find_map(own)?;
        let arguments = spec
            .arguments
            .iter()
            .flat_map(|kind| own(kind).or_else(|| samples(*kind).into_iter().flatten().next()));
        Some(Command::new(spec, arguments).unwrap())
    };
    COMMANDS.iter().filter_map(with).collect()
}

/// It reads back to itself, alone and within a script.
fn reads_back(command: &Command) -> Result<(), String> {
    let text = command.to_string();
    match parse(&text) {
        Ok(read) if read == *command => {}
        Ok(read) => return Err(format!("{command:?} → {text} → {read:?}")),
        Err(error) => return Err(format!("{command:?} → {text} → {error}")),
    }
    let script = format!("step 2; {text}; back\n{text}\nquit");
    let parts = statements(&script);
    if parts == ["step 2", &text, "back", &text, "quit"] {
        Ok(())
    } else {
        Err(format!("{script:?} is cut into {parts:?}"))
    }
}

#[test]
fn every_command_reads_back_to_itself() {
    let own = TEXTS.iter().flat_map(|text| texts(text));
    let all = COMMANDS.iter().flat_map(with_samples).chain(own);
    let wrong: Vec<String> = all.filter_map(|command| reads_back(&command).err()).collect();
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_name_is_of_one_command() {
    for spec in COMMANDS {
        for name in spec.aliases.iter().chain([&spec.name]) {
            let named = |spec: &&CommandSpec| spec.name == *name || spec.aliases.contains(name);
            assert_eq!(COMMANDS.iter().filter(named).count(), 1, "{name}");
            assert_eq!(find_command(name).unwrap().name, spec.name);
            for command in with_samples(spec) {
                let text = command.to_string().replacen(spec.name, name, 1);
                assert_eq!(parse(&text).unwrap(), command, "{text}");
            }
        }
    }
}

/// What the program gives itself has the arguments that its row takes.
#[test]
fn commands_given_as_functions_read_back_to_themselves() {
    let (at, token) = (PositionRef::Position(3), || TokenRef::Id(7));
    let on_position = [
        Command::remask,
        Command::insert,
        Command::remove,
        Command::trim,
        Command::expand,
        Command::forbid,
        Command::allow,
        Command::pin,
        Command::unpin,
    ];
    let others = [
        Command::goto(Destination::Start),
        Command::set("seed", "3"),
        Command::reset("seed"),
        Command::prompt("owl, drum"),
        Command::take(2),
        Command::switch(2),
        Command::delete_branch(2),
        Command::unmark("a b"),
        Command::break_when(Condition::parse("masks < 3").unwrap()),
        Command::unbreak(1),
        Command::enable(1),
        Command::disable(1),
        Command::fill(at, token()),
        Command::veto(at, token()),
    ];
    let plain =
        [PlainCommand::named("step"), PlainCommand::named("save"), PlainCommand::named("reset")];
    let all = on_position.map(|of: fn(PositionRef) -> Command| of(at)).into_iter().chain(others);
    for command in all.chain(plain.map(Command::from)) {
        reads_back(&command).unwrap();
    }
}

/// No function asks for an argument that its row does not declare.
#[test]
fn every_command_is_carried_out_with_the_arguments_that_it_takes() {
    for command in COMMANDS.iter().flat_map(with_samples) {
        let mut debugger = replay(&recording("short-answer"));
        if let Err(failed) = debugger.execute(&command) {
            let text = failed.to_string();
            assert!(!text.contains("argument"), "{command}: {text}");
        }
    }
}

#[test]
fn other_arguments_are_refused() {
    let step = || Argument::Steps(3);
    for (name, arguments) in [
        ("fill", vec![]),
        ("step", vec![step(), step()]),
        ("quit", vec![step()]),
        ("goto", vec![step()]),
    ] {
        let spec = find_command(name).unwrap();
        let error = Command::new(spec, arguments).unwrap_err().to_string();
        assert!(error.contains(name), "{name}: {error}");
    }
}

/// The script of what was done is the same run in fewer lines.
#[test]
fn a_script_merges_steps_and_values() {
    let mut script = Vec::new();
    for text in [
        "step",
        "step 2",
        "back",
        "back",
        "step",
        "set seed 1",
        "set seed 2",
        "set top-k 3",
        "set seed 4",
        "undo",
        "undo",
        "help",
        "quit",
        "macro a",
        "quit!",
        "save-quit",
    ] {
        parse(text).unwrap().write_to(&mut script);
    }
    let lines = [
        "step 3",
        "back 2",
        "step",
        "set seed 2",
        "set top_k 3",
        "set seed 4",
        "undo",
        "undo",
        "save-quit",
    ];
    assert_eq!(script, lines);
}

#[test]
fn scripts_are_cut_where_commands_end() {
    for (script, parts) in [
        ("", &[][..]),
        (";;\n ; ", &[]),
        ("step; back 2", &["step", "back 2"]),
        ("# a comment; step\nstep # 3", &["step # 3"]),
        ("mark 'a;b'; step", &["mark 'a;b'", "step"]),
        ("prompt it's late; step", &["prompt it's late", "step"]),
        ("until text contains \"a;b\"\nstep", &["until text contains \"a;b\"", "step"]),
        ("until text contains\"a;b\"; step", &["until text contains\"a;b\"", "step"]),
        // An open quote ends with its line.
        ("mark \"a; step\nback", &["mark \"a; step", "back"]),
        (r#"mark "a\";b"; step"#, &[r#"mark "a\";b""#, "step"]),
    ] {
        assert_eq!(statements(script), parts, "{script:?}");
    }
}

#[test]
fn a_fault_is_told_with_its_place() {
    for (line, at, part) in [
        ("stpe 3", 0..4, "did you mean `step`"),
        ("  step 3 4", 9..10, "step takes [N]"),
        ("step 0", 5..6, "from 1 on"),
        ("fill", 4..4, "fill takes POSITION TOKEN"),
        ("fill x 3", 5..6, "a position is a number"),
        ("mark \"a", 5..7, "the quote is not closed"),
        ("until lenght > 3", 6..12, "did you mean `length`"),
        ("query fills where q > 3", 18..19, "no name `q`"),
        ("query steps to", 12..14, "`where` is wanted"),
        ("query steps to a b", 15..18, "in quotes"),
        ("quit now", 5..8, "quit takes nothing"),
        ("try seed", 4..8, "NAME=VALUE"),
        ("try seed=3 =4", 11..13, "NAME=VALUE"),
        ("take x", 5..6, "take takes [N]"),
    ] {
        let error = parse(line).unwrap_err();
        assert_eq!(error.at, at, "{line}: {error}");
        assert!(error.message.contains(part), "{line}: {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn texts_survive(text in r#"[a-z"'\\;#@ \n\t0-9é漢.-]{0,12}"#) {
        for command in texts(&text) {
            prop_assert_eq!(reads_back(&command), Ok(()));
        }
    }

    #[test]
    fn hostile_texts_are_refused_or_read(
        row in 0..COMMANDS.len(),
        text in r#"([a-z_]{1,9}|[0-9.e+-]{1,5}|["'\\;#@()<>=!|&\[\] \n]|where|to|and|not|\PC){0,14}"#,
    ) {
        for line in [text.clone(), format!("{} {text}", COMMANDS[row].name)] {
            for statement in statements(&line) {
                match parse(statement) {
                    // What is read is said in a text that reads the same.
                    Ok(command) => {
                        prop_assert_eq!(parse(&command.to_string()), Ok(command), "{}", statement);
                    }
                    Err(error) => {
                        prop_assert!(error.at.start <= error.at.end, "{statement}: {error}");
                        prop_assert!(error.at.end <= statement.len(), "{statement}: {error}");
                        prop_assert!(statement.get(error.at.clone()).is_some());
                        prop_assert!(!error.message.is_empty());
                    }
                }
            }
        }
    }
}
