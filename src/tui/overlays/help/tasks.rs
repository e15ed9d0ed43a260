//! Tasks and how to do them: the first part of the help box. `{row}` stands for the first key of a row of
//! the table of keys, and what stands in backticks behind a colon is a command.

use super::super::super::app::{Action, Keymap};

/// A task and how to do it.
pub(super) type HelpTask = (&'static str, &'static str);

pub(super) const TASKS: &[HelpTask] = &[
    (
        "See what the next step does, and why",
        "{next-touched} goes to the next position that it changes. The inspector says why a position is unmasked, left \
         or refused, with the numbers compared, and lists the candidates. {step} makes the step.",
    ),
    (
        "Why did it stop early?",
        "{last-step} goes to the end: the canvas says why the run is over and what the diagnosis found, and {enter} goes \
         to the step before that. `:lint` lists every finding with its advice; {pane-7} shows them.",
    ),
    (
        "Why is the answer too short, or too long?",
        "{pane-1} shows the EOS confidence and the length over the steps. `:next expansion` goes to where it grew, and \
         `:print eos_conf` says what was compared with τ_eos.",
    ),
    (
        "Try another threshold on this step",
        "{pane-3} focuses the parameters. {up} {down} choose one, {less} {more} change it, {enter} types a value. \
         The step is decided again at once. The arrows name the nearest values at which it comes out differently. \
         {reset-param} resets it.",
    ),
    (
        "Try another threshold on the whole run",
        "Change it, then {try} runs the prompt again from its start in the background and compares the figures; `:take` \
         adds that run to the session. {restart} starts a new run on the screen.",
    ),
    (
        "Go back, and do something else",
        "{back} goes one step back, {first-step} to the start, `:goto 12` to a step, and {previous} returns. A step that \
         comes out differently starts a branch, and the old one stays. {pane-7} lists them, `:diff 1 2` shows two side \
         by side.",
    ),
    (
        "Stop when something happens",
        "{break} sets a breakpoint: `:break eos_conf crosses 0.9`, `:break expanded`; {watch} sets one on the position \
         under the cursor. {run-to-end} runs to the next stop, {reverse-continue} goes back to the previous one.",
    ),
    (
        "Find where something happened",
        "{next-event} and {previous-event} go from event to event, {search} searches the text, `:next remask` goes to an \
         event of one kind. `:query fills where p < 0.3` lists every position unmasked with p below 0.3.",
    ),
    (
        "Why this token, and not another?",
        "The inspector lists the candidates. {influence} asks which earlier tokens changed this guess. `:probability 17 \
         \" owl\"` says how probable any token is, and its rank.",
    ),
    (
        "Change the answer by hand",
        "{pick} chooses a token, {remask} puts a mask in its place, {pin} keeps a position, {veto} forbids the guess, \
         {expansion} forces or forbids an expansion. {undo} undoes the last edit, {redo} redoes it.",
    ),
    ("Use another prompt", "{edit-prompt} edits the prompt and starts a new run."),
    (
        "See more of one pane",
        "{next-pane} focuses the next pane, {zoom} lets it fill the screen. {waterfall} swaps the blocks for \
         the waterfall, {ghost} shows masks as drafts or as bars.",
    ),
    (
        "Take something out of the program",
        "{copy} copies a token, an explanation, the answer, a shell command or a link to this step. {player} opens \
         the player, a page that you can send, at this step. `:picture eos.svg` draws the focused pane. {select-text} lets the terminal select text with the mouse.",
    ),
    (
        "Write down what you see",
        "{note} writes a note on a position at this step. It is recorded with the run, and shown in the log, the player and \
         Markdown. {mark} sets a bookmark on the step. `:notes` lists the notes; {pane-7} lists notes and bookmarks.",
    ),
    (
        "Keep what was done",
        "{save} or `:save run.jsonl` writes a recording; `demask replay run.jsonl` opens it without the model. {copy} \
         copies the commands; `--batch --exec` runs them again without the screen.",
    ),
    (
        "Is the KV cache to blame?",
        "With --cache, {exact} compares each pending step with its exact pass: what would be decided differently.",
    ),
    (
        "Stop a run or a forward pass",
        "{run-pause} pauses a run. {escape} stops it, cancels a forward pass, or closes what is open.",
    ),
];

/// A text with the keys in use, in backticks, in place of the names of their rows. A row without a key is named.
pub(super) fn with_keys(text: &str, keymap: &Keymap) -> String {
    let mut parts = text.split('{');
    let mut said = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap_or((part, ""));
        let key = keymap.rows().find(|(row, _)| row.name == name).and_then(|(row, keys)| {
            // Arrows say more than letters.
            match row.action {
                Some(Action::Left | Action::Right | Action::Up | Action::Down) => keys.last(),
                _ => keys.first(),
            }
        });
        let key = key.map_or_else(|| name.to_owned(), |key| key.name());
        said += &format!("`{key}`{rest}");
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{debugger, tui::Chord};

    #[test]
    fn tasks_name_keys_and_commands_that_there_are() {
        let keymap = Keymap::default();
        let (mut keys, mut commands) = (0, 0);
        for (task, answer) in TASKS {
            for part in answer.split('{').skip(1) {
                let (name, _) = part.split_once('}').unwrap_or_else(|| panic!("{task}: {part}"));
                assert!(keymap.named(name).is_some(), "{task}: there is no row `{name}`");
                keys += 1;
            }
            for command in
                answer.split('`').skip(1).step_by(2).filter_map(|it| it.strip_prefix(':'))
            {
                let read = debugger::parse(command);
                assert!(read.is_ok(), "{task}: `{command}`: {read:?}");
                commands += 1;
            }
        }
        assert!(keys > 30 && commands > 8, "{keys} keys, {commands} commands");
    }

    #[test]
    fn keys_are_those_in_use() {
        let check = |step: Vec<Chord>, expected: &str| {
            let keymap = Keymap::default().with([("step", step)]).expect("no clash");
            assert_eq!(with_keys("{step} makes it, {up} undoes it", &keymap), expected);
        };
        check(vec!["Y".parse().expect("a key")], "`Y` makes it, `↑` undoes it");
        check(Vec::new(), "`step` makes it, `↑` undoes it");
    }
}
