//! The table of keys, one row each: its name, its keys, its line of help, and what it does. A key for a
//! command of the debugger is a row [`command`], and no more.

use crossterm::event::KeyCode;
use tui_input::Input;

use super::{
    super::{
        app::{
            InputMode,
            interface::Effect,
            keymap::{Action, KeySection, Keymap, command, function},
            mode::HelpView,
        },
        input::chord::{code, ctrl, ctrl_code, key},
        overlays::{copy, picker},
        panes::{self, canvas, focus, params},
    },
    actions,
};
use crate::debugger::{Command, Destination, PlainCommand};

/// Every key there is, with what it does.
pub const KEYS: &[KeySection] = &[
    KeySection {
        title: "Run",
        rows: &[
            function("step", &[key('s')], "make the pending step", actions::step)
                .asks(Action::Step),
            function(
                "run-pause",
                &[key(' ')],
                "run at the chosen speed, or pause",
                actions::run_or_pause,
            )
            .asks(Action::RunPause),
            function("slower", &[key('<')], "run slower", |app, _| {
                actions::change_speed(app, false)
            })
            .asks(Action::Slower),
            function(
                "faster",
                &[key('>')],
                "run faster: 1, 2, 5, 10, 30 steps a second, or as fast as it goes",
                |app, _| actions::change_speed(app, true),
            )
            .asks(Action::Faster),
            function("run-block", &[key(')')], "run to the end of the block", |app, effects| {
                actions::start(app, const { PlainCommand::named("run-block") }, effects)
            }),
            function("run-stage", &[key('}')], "run to the end of the stage", |app, effects| {
                actions::start(app, const { PlainCommand::named("run-stage") }, effects)
            })
            .asks(Action::RunStage),
            function(
                "run-to-end",
                &[key('c')],
                "run to the next breakpoint or the end",
                |app, effects| {
                    actions::start(app, const { PlainCommand::named("continue") }, effects)
                },
            )
            .asks(Action::RunToEnd),
            function(
                "restart",
                &[key('R')],
                "start a new run under the parameters as they are; after a pass that failed, \
                 ask for it again",
                actions::restart,
            ),
            function(
                "edit-prompt",
                &[key('E')],
                "edit the prompt and start a new run",
                |app, _| actions::edit_prompt(app),
            )
            .asks(Action::EditPrompt),
        ],
    },
    KeySection {
        title: "Go back and forth",
        rows: &[
            command("back", &[key('S'), code(KeyCode::Backspace)], "go one step back")
                .asks(Action::Back),
            command("forward", &[key('f')], "go one known step forward").asks(Action::Forward),
            function(
                "reverse-continue",
                &[key('C')],
                "go back to the last breakpoint, or the start",
                actions::reverse_continue,
            ),
            function(
                "break",
                &[key('b')],
                "set a breakpoint: a condition is asked for",
                |app, _| actions::begin_command(app, "break "),
            )
            .asks(Action::Break),
            function(
                "watch",
                &[key('B')],
                "set a breakpoint on the position under the cursor",
                |app, _| actions::watch(app),
            ),
            function("mark", &[key('m')], "set a bookmark here: a name is asked for", |app, _| {
                actions::begin_command(app, "mark ")
            })
            .asks(Action::Mark),
            function(
                "note",
                &[key('A')],
                "write a note on the position under the cursor, at this step",
                |app, _| actions::edit_note(app),
            ),
            command("previous", &[key('\'')], "go back to where you were before the last jump"),
            function(
                "previous-event",
                &[key('[')],
                "go back to the last expansion, remasking, replacement, fallback, stuck or \
                 dropping step, or change of block or stage",
                |app, _| actions::go_to_event(app, false),
            )
            .asks(Action::PreviousEvent),
            function("next-event", &[key(']')], "go on to the next of these", |app, _| {
                actions::go_to_event(app, true)
            })
            .asks(Action::NextEvent),
            command("back-block", &[key('(')], "go back to the start of the block"),
            command("back-stage", &[key('{')], "go back to the start of the stage")
                .asks(Action::BackStage),
            function(
                "first-step",
                &[key('0'), ctrl_code(KeyCode::Home)],
                "go to the start of the run",
                |app, effects| {
                    app.run(Command::goto(Destination::Start), effects);
                },
            )
            .asks(Action::FirstStep),
            function(
                "last-step",
                &[key('$'), ctrl_code(KeyCode::End)],
                "go to the last known step",
                |app, effects| {
                    app.run(Command::goto(Destination::End), effects);
                },
            )
            .asks(Action::LastStep),
        ],
    },
    KeySection {
        title: "Position",
        rows: &[
            function(
                "left",
                &[key('h'), code(KeyCode::Left)],
                "move left (in the timeline: one step back)",
                |app, _| app.put(app.display.position.saturating_sub(1)),
            )
            .asks(Action::Left),
            function(
                "right",
                &[key('l'), code(KeyCode::Right)],
                "move right (in the timeline: one step forward)",
                |app, _| app.put(app.display.position + 1),
            )
            .asks(Action::Right),
            function(
                "up",
                &[key('k'), code(KeyCode::Up)],
                "move up, or to the entry above in a list (in the timeline: to the branch above)",
                |app, _| canvas::move_by_row(app, false),
            )
            .asks(Action::Up),
            function(
                "down",
                &[key('j'), code(KeyCode::Down)],
                "move down, or to the entry below in a list (in the timeline: to the branch below)",
                |app, _| canvas::move_by_row(app, true),
            )
            .asks(Action::Down),
            function("next-word", &[key('w')], "move to the next word", |app, _| {
                app.move_to_word(true)
            })
            .asks(Action::NextWord),
            function("previous-word", &[key('W')], "move to the word before", |app, _| {
                app.move_to_word(false)
            })
            .asks(Action::PreviousWord),
            function(
                "next-block",
                &[code(KeyCode::PageDown), ctrl('d')],
                "move to the next block, or a page down",
                |app, _| app.move_to_block(true),
            )
            .asks(Action::NextBlock),
            function(
                "previous-block",
                &[code(KeyCode::PageUp), ctrl('u')],
                "move to the block before, or a page up",
                |app, _| app.move_to_block(false),
            )
            .asks(Action::PreviousBlock),
            function(
                "first",
                &[key('g'), code(KeyCode::Home)],
                "move to the first position or entry",
                |app, _| app.put(0),
            )
            .asks(Action::First),
            function(
                "last",
                &[key('G'), code(KeyCode::End)],
                "move to the last position or entry",
                |app, _| app.put(usize::MAX),
            )
            .asks(Action::Last),
            function(
                "next-touched",
                &[key('.')],
                "move to the next position the pending step changes",
                |app, _| app.move_to_touched(true),
            )
            .asks(Action::NextTouched),
            function("previous-touched", &[key(',')], "move to the one before", |app, _| {
                app.move_to_touched(false)
            })
            .asks(Action::PreviousTouched),
            function(
                "follow",
                &[key('o')],
                "let the cursor follow what happens, or stay",
                |app, _| actions::follow_or_stay(app),
            )
            .asks(Action::Follow),
            function(
                "search",
                &[key('/')],
                "search the canvas (or the log) for a text, or id:N for a token",
                |app, _| app.top.mode = InputMode::Search(Input::default()),
            )
            .asks(Action::Search),
            function("next-match", &[key('n')], "go to the next match", |app, _| {
                app.next_match(true)
            }),
            function("previous-match", &[key('N')], "go to the match before", |app, _| {
                app.next_match(false)
            }),
        ],
    },
    KeySection {
        title: "Edit the canvas",
        rows: &[
            function(
                "pick",
                &[key('e')],
                "put a token here: choose a candidate or type one",
                |app, _| picker::open(app),
            )
            .asks(Action::Pick),
            function("remask", &[key('r')], "remask it: put a mask in place of the token here", |app, effects| {
                app.edit(Command::remask, effects)
            }),
            function(
                "pin",
                &[key('#')],
                "pin it: not unmasked, expanded or dropped; again: unpin it",
                actions::pin_or_let_go,
            ),
            function(
                "veto",
                &[key('!')],
                "veto the model's guess here (needs a new forward pass)",
                actions::veto,
            ),
            function(
                "expansion",
                &[key('X')],
                "expand it in the next step; again: never; again: by the rules",
                actions::turn_expansion,
            ),
            function("insert", &[key('I')], "put a mask before it", |app, effects| {
                app.edit(Command::insert, effects)
            }),
            function(
                "remove",
                &[key('D')],
                "remove it; in the session's lists: remove the entry",
                |app, effects| app.edit(Command::remove, effects),
            )
            .asks(Action::Remove),
            function("trim", &[key('T')], "cut the canvas before it", |app, effects| {
                app.edit(Command::trim, effects)
            }),
            command(
                "undo",
                &[key('u')],
                "undo the last edit, change of a parameter or deletion of a branch",
            ),
            command("redo", &[key('U'), ctrl('r')], "redo what was undone"),
        ],
    },
    KeySection {
        title: "Parameters",
        rows: &[
            function("more", &[key('+'), key('=')], "raise the chosen parameter", |app, _| {
                params::change_by(app, 1)
            })
            .asks(Action::More),
            function("less", &[key('-')], "lower it", |app, _| params::change_by(app, -1))
                .asks(Action::Less),
            function("next-param", &[key('p')], "choose the next parameter", |app, _| {
                actions::choose_param(app, true)
            })
            .asks(Action::NextParam),
            function("previous-param", &[key('P')], "choose the one before", |app, _| {
                actions::choose_param(app, false)
            }),
            function(
                "reset-param",
                &[key('x')],
                "reset it to the value the run was started with",
                |app, _| params::reset(app),
            )
            .asks(Action::ResetParam),
            command(
                "try",
                &[key('a')],
                "try them: run again from the start in spare time, without touching the run on screen",
            )
            .asks(Action::Try),
            function(
                "enter",
                &[code(KeyCode::Enter)],
                "type its value; on a position: go to where it was unmasked or inserted; in the \
                 log: go to that step",
                |app, _| actions::type_value(app),
            )
            .asks(Action::Enter),
        ],
    },
    KeySection {
        title: "View",
        rows: &[
            function(
                "next-pane",
                &[code(KeyCode::Tab)],
                "give the keys to the next pane",
                |app, _| focus::cycle(app, true),
            )
            .asks(Action::NextPane),
            function(
                "previous-pane",
                &[code(KeyCode::BackTab)],
                "give them to the pane before",
                |app, _| focus::cycle(app, false),
            )
            .asks(Action::PreviousPane),
        ],
    },
    KeySection { title: "View", rows: panes::KEYS },
    KeySection {
        title: "View",
        rows: &[
            function(
                "zoom",
                &[key('z')],
                "let this pane take the whole screen, or show all again",
                |app, _| app.display.zoom = !app.display.zoom,
            )
            .asks(Action::Zoom),
            function(
                "ghost",
                &[key('t')],
                "show masks as drafts, the guesses of the model, or as bars",
                |app, _| app.display.ghost = !app.display.ghost,
            )
            .asks(Action::Ghost),
            function(
                "colour",
                &[key('H')],
                "colour the text by confidence, or by the order of unmasking",
                |app, _| app.display.coloring = app.display.coloring.next(),
            ),
            function(
                "waterfall",
                &[key('v')],
                "show the waterfall (position × step) in place of the blocks, or the blocks again",
                |app, _| actions::swap_waterfall(app),
            ),
            function(
                "align",
                &[key('i')],
                "waterfall: align positions by identity, or by number",
                |app, _| actions::align(app),
            ),
            function(
                "influence",
                &[key('M')],
                "which tokens changed this guess: remask earlier ones, a pass each; again: close",
                actions::ask_influence,
            ),
            command(
                "exact",
                &[key('d')],
                "compare pending steps with their exact passes (with --cache), or no more",
            )
            .asks(Action::Exact),
        ],
    },
    KeySection {
        title: "Program",
        rows: &[
            function(
                "command",
                &[key(':'), ctrl('p')],
                "type a command, or choose one: every command and key is there",
                |app, _| actions::begin_command(app, ""),
            )
            .asks(Action::Command),
            function(
                "help",
                &[key('?'), code(KeyCode::F(1))],
                "show or close this help",
                |app, _| app.top.mode = InputMode::Help(HelpView::default()),
            )
            .asks(Action::Help),
            function(
                "copy",
                &[key('y')],
                "copy the token, why, the row, the answer, a shell command or link that leads here, …",
                copy::ask,
            ),
            function(
                "select-text",
                &[key('V')],
                "let the terminal select text with the mouse; again: let demask use the mouse",
                |_, effects| effects.push(Effect::ToggleMouse),
            )
            .asks(Action::SelectText),
            function(
                "player",
                &[key('O')],
                "open the player in a browser, at this step and position",
                actions::play,
            ),
            command("save", &[ctrl('s')], "save what was done to a file"),
            function("redraw", &[ctrl('l')], "draw the screen anew", |_, effects| {
                effects.push(Effect::Redraw)
            })
            .asks(Action::Redraw),
            function(
                "escape",
                &[code(KeyCode::Esc)],
                "close what is open; stop a run; cancel a forward pass; from an opened run, go back",
                actions::escape,
            )
            .asks(Action::Escape),
            function(
                "interrupt",
                &[ctrl('c')],
                "stop a run and cancel a forward pass; twice: quit",
                actions::interrupt,
            )
            .asks(Action::Interrupt),
            function("suspend", &[ctrl('z')], "go to the shell; `fg` comes back", |_, effects| {
                effects.push(Effect::Suspend)
            })
            .asks(Action::Suspend),
            function("quit", &[key('q')], "quit", |app, effects| app.leave(effects))
                .asks(Action::Quit),
        ],
    },
];

impl Default for Keymap {
    /// The keys as they are if a configuration changes none.
    fn default() -> Self {
        Self::new(KEYS)
    }
}
