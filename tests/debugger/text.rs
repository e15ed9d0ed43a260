//! Commands as text: each reads back to itself, and no text panics.

use demask::{
    canvas::Slot,
    debugger::{
        COMMANDS, Change, Command, Place, Spot, Takes, Token, Way, find_command, parse, statements,
    },
    inspect::{Condition, Query},
    session::NodeId,
};
use proptest::prelude::*;

fn condition(text: &str) -> Condition {
    Condition::parse(text).unwrap()
}

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

/// One of every variant, more where the text may vary.
fn every_command() -> Vec<Command> {
    use Command as C;
    let edit = |change| C::Edit(Spot::Position(7), change);
    let query = |text: &str, file: Option<&str>| {
        C::Query(Query::parse(text).unwrap(), file.map(Into::into))
    };
    let mut all = vec![
        C::Step(1),
        C::Step(1_000_000),
        C::Back(1),
        C::Back(20),
        C::Forward(3),
        C::Exact,
        C::Continue,
        C::ReverseContinue,
        C::Until(condition("eos_conf crosses 0.5 and not (text contains \"a; b\")")),
        C::RunBlock,
        C::RunStage,
        C::BackBlock,
        C::BackStage,
        C::Goto(Place::Start),
        C::Goto(Place::End),
        C::Goto(Place::Step(0)),
        C::Goto(Place::Node(NodeId(12))),
        C::Find(Way::On, condition("expanded")),
        C::Find(Way::Back, condition("guess[#3] == \" it's\"")),
        C::Previous,
        C::Set("high_conf_threshold".to_owned(), "0.85".to_owned()),
        C::Set("seed".to_owned(), "-1".to_owned()),
        C::Reset(None),
        C::Reset(Some("seed".to_owned())),
        C::Restart,
        C::Stop,
        C::Resimulate,
        C::Try(Vec::new()),
        C::Try(vec![("seed".to_owned(), "3".to_owned())]),
        C::Try(vec![("a b".to_owned(), "\"=".to_owned()), ("c".to_owned(), "-1".to_owned())]),
        C::Take(None),
        C::Take(Some(3)),
        C::Break(condition("length > 32")),
        C::Breaks,
        C::Enable(None, true),
        C::Enable(Some(2), false),
        C::Unbreak(None),
        C::Unbreak(Some(1)),
        C::Branches,
        C::DeleteBranch(None),
        edit(Change::Fill(Token::Id(3))),
        edit(Change::Remask),
        edit(Change::Insert(1)),
        edit(Change::Insert(4)),
        edit(Change::Remove),
        edit(Change::Pin(true)),
        edit(Change::Pin(false)),
        edit(Change::Veto(Token::Id(3), true)),
        edit(Change::Veto(Token::Text(" a".to_owned()), false)),
        edit(Change::Expand(Some(true))),
        edit(Change::Expand(Some(false))),
        edit(Change::Expand(None)),
        edit(Change::Trim),
        C::Edit(Spot::Slot(Slot(52)), Change::Remask),
        C::Undo,
        C::Redo,
        C::Text,
        C::Passes,
        C::Print("eos_conf".to_owned()),
        C::Why(Spot::Position(0)),
        query("steps", None),
        query("fills where p < 0.5 and text contains \" to \"", None),
        query("fills where text contains \" to \"", Some("rows to be.csv")),
        C::Lint,
        C::Save(None),
        C::Presets,
        C::Help,
        C::Quit,
        C::QuitNow,
        C::SaveQuit(None),
        C::SaveQuit(Some("a b.jsonl".into())),
    ];
    for text in TEXTS {
        all.extend(texts(text));
    }
    all
}

/// Every command with a text of one's own, with this one.
fn texts(text: &str) -> Vec<Command> {
    use Command as C;
    let own = || text.to_owned();
    let token = || Token::Text(own());
    vec![
        C::Goto(Place::Bookmark(own())),
        C::Prompt(own()),
        C::Set("top_k".to_owned(), own()),
        C::Switch(own()),
        C::NameBranch(own()),
        C::DeleteBranch(Some(own())),
        C::Compare(own(), own()),
        C::Mark(own()),
        C::Unmark(own()),
        C::Edit(Spot::Slot(Slot(1)), Change::Fill(token())),
        C::Edit(Spot::Position(1), Change::Veto(token(), true)),
        C::Query(Query::parse("steps where length > 3").unwrap(), Some(own().into())),
        C::Save(Some(own().into())),
        C::PresetSave(own()),
        C::PresetLoad(own()),
        C::Macro(own()),
    ]
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
    let wrong: Vec<String> =
        every_command().iter().filter_map(|command| reads_back(command).err()).collect();
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_row_of_the_table_is_a_command() {
    let printed: Vec<String> = every_command().iter().map(ToString::to_string).collect();
    for spec in COMMANDS {
        let rest = match spec.takes {
            Takes::Nothing | Takes::Count | Takes::Param | Takes::File | Takes::Try => "",
            Takes::Assignments => "seed=3",
            Takes::Condition | Takes::Event => "expanded",
            Takes::Place => "3",
            Takes::ParamValue => "seed 3",
            Takes::Words => "eos_conf",
            Takes::Breakpoint => "all",
            Takes::TwoBranches => "1 2",
            Takes::Branch | Takes::Name | Takes::Bookmark | Takes::Preset | Takes::Macro => "x",
            Takes::Spot | Takes::SpotCount => "3",
            Takes::SpotToken => "3 5",
            Takes::Query => "steps",
        };
        let read = parse(&format!("{} {rest}", spec.name)).unwrap();
        for alias in spec.aliases {
            assert_eq!(parse(&format!("{alias} {rest}")).unwrap(), read, "{alias}");
            assert_eq!(find_command(alias).unwrap().name, spec.name);
        }
        if spec.name != "quit" {
            assert_ne!(read, Command::Quit, "{} is not carried out", spec.name);
        }
        let begins = |text: &String| text.split(' ').next() == Some(spec.name);
        assert!(printed.iter().any(begins), "no command is printed as `{}`", spec.name);
    }
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
