//! The commands, one row each: its names, its arguments, its line of help, and the function that
//! carries it out. Keys, command line, palette, scripts and documents all read this table.

use super::{
    FollowUp, Goal, Reply,
    arguments::ArgumentKind::{
        Assignments, Bookmark, Branch, BranchOrThis, Breakpoint, Condition, Destination, Event,
        Expression, File, Macro, Masks, Name, Note, Parameter, ParameterOrAll, Passes, Position,
        Preset, Prompt, Query, Steps, Token, TryOrLast, Value,
    },
    command::{CommandSpec, Requires, ScriptForm, command},
    edits::{expansion, pin},
    travel::{Bound, Direction},
};
use crate::canvas::Edit;

/// Every command there is, in the order of the documents.
pub const COMMANDS: &[CommandSpec] = &[
    command("step", &["s"], &[Steps], "make N steps; stop at a breakpoint", |debugger, given| {
        Ok(debugger.run_to(Goal::Steps(given.count()?)))
    })
    .written(ScriptForm::Added),
    command("back", &["S"], &[Steps], "go N steps back", |debugger, given| {
        debugger.back(given.count()?)
    })
    .written(ScriptForm::Added),
    command("forward", &["f"], &[Steps], "go N known steps forward", |debugger, given| {
        debugger.forward(given.count()?)
    }),
    command("continue", &["c"], &[], "run to the next breakpoint or the end", |debugger, _| {
        Ok(debugger.run_to(Goal::Continue))
    }),
    command(
        "reverse-continue",
        &["rc"],
        &[],
        "go back to the last breakpoint or the start",
        |debugger, _| debugger.reverse_continue(),
    ),
    command("until", &["u"], &[Condition], "run until the condition holds", |debugger, given| {
        Ok(debugger.run_to(Goal::Until(given.condition()?.clone())))
    }),
    command("run-block", &[], &[], "run to the end of the block", |debugger, _| {
        Ok(debugger.run_block())
    }),
    command("run-stage", &[], &[], "run to the end of the stage", |debugger, _| {
        Ok(debugger.run_stage())
    }),
    command("back-block", &[], &[], "go back to the start of the block", |debugger, _| {
        debugger.back_to_bound(Bound::Block)
    }),
    command("back-stage", &[], &[], "go back to the start of the stage", |debugger, _| {
        debugger.back_to_bound(Bound::Stage)
    }),
    command(
        "goto",
        &["g"],
        &[Destination],
        "go to a place; another step of the branch costs no pass",
        |debugger, given| debugger.goto(given.destination()?),
    ),
    command(
        "next",
        &["n"],
        &[Event],
        "go on over known steps to where this happens",
        |debugger, given| debugger.find(Direction::Forward, given.condition()?),
    ),
    command(
        "last",
        &["N"],
        &[Event],
        "go back over known steps to where this happened",
        |debugger, given| debugger.find(Direction::Back, given.condition()?),
    ),
    command(
        "previous",
        &[],
        &[],
        "go back to where you were before the last jump",
        |debugger, _| debugger.previous(),
    ),
    command(
        "set",
        &[],
        &[Parameter, Value],
        "give a parameter a value; the pending step is decided again",
        |debugger, given| debugger.set(given.two_texts()?),
    )
    .written(ScriptForm::Replaced)
    .requires(Requires::Prediction),
    command(
        "reset",
        &[],
        &[ParameterOrAll],
        "reset it (or all) to the value the run was started with",
        |debugger, given| debugger.reset(given.optional_text()),
    ),
    command(
        "restart",
        &[],
        &[],
        "start a new run under the parameters as they are",
        |debugger, _| debugger.restart(None),
    ),
    command(
        "stop",
        &[],
        &[],
        "end the sampling loop that is driven; quitting leaves it running",
        |debugger, _| debugger.stop_loop(),
    ),
    command("prompt", &[], &[Prompt], "start a new run with another prompt", |debugger, given| {
        debugger.restart_with(given.text()?)
    }),
    command(
        "resimulate",
        &[],
        &[],
        "run again from the start under the parameters as they are, on known predictions only",
        |debugger, _| debugger.resimulate(),
    ),
    command(
        "try",
        &[],
        &[Assignments],
        "run again from the start under the parameters as they are, or these, in spare time",
        |debugger, given| debugger.begin_try(given.assignments()),
    ),
    command(
        "take",
        &[],
        &[TryOrLast],
        "make a try that is over, the last or N, a run of the session",
        |debugger, given| debugger.take_try(given.try_number()),
    )
    .requires(Requires::FinishedTry),
    command(
        "exact",
        &[],
        &[],
        "compare pending steps with their exact passes, run in spare time (with --cache); again: no more",
        |debugger, _| Ok(debugger.toggle_exact()),
    ),
    command(
        "break",
        &["b", "watch"],
        &[Condition],
        "stop whenever the condition comes to hold",
        |debugger, given| Ok(debugger.add_breakpoint(given.condition()?)),
    ),
    command("breaks", &[], &[], "list breakpoints with their hits", |debugger, _| {
        Ok(debugger.list_breakpoints())
    }),
    command("enable", &[], &[Breakpoint], "let a breakpoint stop again", |debugger, given| {
        debugger.enable(given.breakpoint()?, true)
    }),
    command(
        "disable",
        &[],
        &[Breakpoint],
        "keep a breakpoint, but do not stop at it",
        |debugger, given| debugger.enable(given.breakpoint()?, false),
    ),
    command("unbreak", &["delete"], &[Breakpoint], "remove a breakpoint", |debugger, given| {
        debugger.remove_breakpoint(given.breakpoint()?)
    }),
    command("branches", &[], &[], "list the branches", |debugger, _| Ok(debugger.list_branches())),
    command(
        "switch",
        &["branch"],
        &[Branch],
        "go to another branch, as near in steps as it can be",
        |debugger, given| debugger.switch_to(given.text()?),
    ),
    command("name-branch", &[], &[Name], "name the branch on screen", |debugger, given| {
        debugger.name_branch(given.text()?)
    }),
    command(
        "delete-branch",
        &[],
        &[BranchOrThis],
        "delete a branch; undo brings it back",
        |debugger, given| debugger.delete_branch(given.optional_text()),
    ),
    command(
        "compare",
        &["diff"],
        &[Branch, Branch],
        "say where two branches part and how they differ; on the screen, show them side by side",
        |debugger, given| debugger.compare(given.two_texts()?),
    ),
    command("mark", &["bookmark"], &[Name], "set a bookmark here", |debugger, given| {
        Ok(debugger.mark(given.text()?))
    }),
    command("unmark", &[], &[Bookmark], "remove a bookmark", |debugger, given| {
        debugger.unmark(given.text()?)
    }),
    command(
        "note",
        &["annotate"],
        &[Position, Note],
        "write a note on a position at this step, in the recording too",
        |debugger, given| debugger.note(given.position()?, given.text()?),
    ),
    command("unnote", &[], &[Position], "remove the note on a position at this step", |debugger, given| {
        debugger.unnote(given.position()?)
    }),
    command("notes", &[], &[], "list the notes", |debugger, _| Ok(debugger.list_notes()))
        .written(ScriptForm::Never),
    command(
        "fill",
        &[],
        &[Position, Token],
        "put a token at a position: \" text\" in quotes, or its id",
        |debugger, given| debugger.fill(given.position()?, given.token()?),
    ),
    command(
        "remask",
        &[],
        &[Position],
        "put a mask in place of the token at a position",
        |debugger, given| debugger.edit(given.position()?, |at| Edit::Remask { slot: at.slot }),
    ),
    command(
        "insert",
        &[],
        &[Position, Masks],
        "put N masks before a position",
        |debugger, given| {
            let n = given.count()?;
            debugger.edit(given.position()?, |at| Edit::Insert { slot: at.slot, n })
        },
    ),
    command("remove", &[], &[Position], "remove a position", |debugger, given| {
        debugger.edit(given.position()?, |at| Edit::Delete { slot: at.slot })
    }),
    command("trim", &[], &[Position], "cut the canvas before a position", |debugger, given| {
        debugger.trim(given.position()?)
    }),
    command(
        "expand",
        &[],
        &[Position],
        "expand a position in the next step, whatever the rules say",
        |debugger, given| debugger.expand(given.position()?),
    ),
    command("forbid", &[], &[Position], "never expand a position", |debugger, given| {
        debugger.edit(given.position()?, |at| expansion(at, Some(false)))
    }),
    command(
        "allow",
        &[],
        &[Position],
        "leave the expansion of a position to the rules again",
        |debugger, given| debugger.edit(given.position()?, |at| expansion(at, None)),
    ),
    command(
        "pin",
        &[],
        &[Position],
        "keep a position as it is: not unmasked, expanded or dropped",
        |debugger, given| debugger.edit(given.position()?, |at| pin(at, true)),
    ),
    command("unpin", &[], &[Position], "let strategies change it again", |debugger, given| {
        debugger.edit(given.position()?, |at| pin(at, false))
    }),
    command(
        "veto",
        &[],
        &[Position, Token],
        "never choose this token at this position (needs a new pass)",
        |debugger, given| debugger.veto(given.position()?, given.token()?, true),
    ),
    command("unveto", &[], &[Position, Token], "allow it again", |debugger, given| {
        debugger.veto(given.position()?, given.token()?, false)
    }),
    command(
        "undo",
        &[],
        &[],
        "undo the last edit, change of a parameter or deletion of a branch",
        |debugger, _| debugger.undo(),
    ),
    command("redo", &[], &[], "redo what was undone", |debugger, _| debugger.redo()),
    command("text", &[], &[], "print the answer as it stands", |debugger, _| {
        Ok(Reply::line(debugger.draft()))
    }),
    command("passes", &[], &[], "print how many forward passes were run", |debugger, _| {
        Ok(debugger.count_passes())
    }),
    command(
        "print",
        &["p"],
        &[Expression],
        "print a value: a name or a condition, e.g. `eos_conf`",
        |debugger, given| debugger.print(given.text()?),
    )
    .requires(Requires::Prediction),
    command(
        "why",
        &[],
        &[Position],
        "say why a position is unmasked, expanded, left or refused",
        |debugger, given| debugger.why(given.position()?),
    )
    .requires(Requires::Prediction),
    command(
        "influence",
        &["who"],
        &[Position, Passes],
        "remask each token unmasked before (the last N, 32 by default), a pass each, and compare \
         the guess",
        |debugger, given| debugger.ask_influence(given.position()?, given.count()?),
    )
    .requires(Requires::Prediction),
    command(
        "probability",
        &[],
        &[Position, Token],
        "say how probable a token is at a position, and its rank; by a pass where that is not on record",
        |debugger, given| debugger.ask_probability(given.position()?, given.token()?),
    )
    .requires(Requires::Prediction),
    command("query", &[], &[Query], "list what fits over the whole branch", |debugger, given| {
        debugger.query(given.query()?)
    }),
    command(
        "lint",
        &["diagnose"],
        &[],
        "look for what often goes wrong in a run",
        |debugger, _| Ok(debugger.list_findings()),
    ),
    command("save", &["w"], &[File], "save what was done to a file", |debugger, given| {
        debugger.save(given.file())
    }),
    command(
        "picture",
        &[],
        &[File],
        "draw the focused pane as an SVG for a paper",
        |_, given| {
            let line = "there is no pane without the screen; `demask export --pane` draws one";
            Ok(Reply::line(line).then(FollowUp::Picture(given.file().cloned())))
        },
    )
    .written(ScriptForm::Never),
    command(
        "save-preset",
        &["keep"],
        &[Name],
        "keep the parameters as they are under a name",
        |debugger, given| debugger.save_preset(given.text()?),
    ),
    command("preset", &[], &[Preset], "take the parameters of a preset", |debugger, given| {
        debugger.load_preset(given.text()?)
    }),
    command("presets", &[], &[], "list the presets", |debugger, _| Ok(debugger.list_presets())),
    command(
        "macro",
        &["m"],
        &[Macro],
        "do the commands kept under this name",
        |debugger, given| debugger.expand_macro(given.text()?),
    )
    .written(ScriptForm::Never),
    command("help", &["h"], &[], "list the commands; on the screen, the keys", |_, _| {
        Ok(Reply::lines(command_lines()).then(FollowUp::Help))
    })
    .written(ScriptForm::Never),
    command("quit", &["q", "exit"], &[], "end; asks first if steps would be lost", |_, _| {
        Ok(Reply::none().then(FollowUp::Leave))
    })
    .written(ScriptForm::Never),
    command("quit!", &["q!"], &[], "end, whatever would be lost", |_, _| {
        Ok(Reply::none().then(FollowUp::Quit))
    })
    .written(ScriptForm::Never),
    command(
        "save-quit",
        &["wq", "x"],
        &[File],
        "save what was done to a file, and end",
        |debugger, given| Ok(debugger.save(given.file())?.then(FollowUp::Quit)),
    ),
];

/// The row of a command, by its name or another of its names.
pub fn find_command(name: &str) -> Option<&'static CommandSpec> {
    COMMANDS.iter().find(|spec| spec.name == name || spec.aliases.contains(&name))
}

/// The commands as lines for a terminal.
fn command_lines() -> Vec<String> {
    let widest = COMMANDS.iter().map(|spec| spec.usage().chars().count()).max().unwrap_or(0);
    COMMANDS.iter().map(|spec| format!("{:<widest$}  {}", spec.usage(), spec.help)).collect()
}

/// The commands as a table in Markdown.
pub fn command_table() -> String {
    let mut table = String::from("| command | short | what it does |\n|---|---|---|\n");
    for spec in COMMANDS {
        let usage = spec.usage().replace('|', "\\|");
        let aliases: Vec<String> = spec.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        let aliases = aliases.join(" ");
        table.push_str(&format!("| `{usage}` | {aliases} | {} |\n", spec.help));
    }
    table
}
