//! A recording that is watched while it is written, and one that comes by a pipe.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use super::pty::{Terminal, shows_step};

/// The lines of a shipped recording, in two parts: up to its fifth step, and the rest.
fn parts() -> (String, String) {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings").join("stage-2-expansions.jsonl");
    let text = fs::read_to_string(file).unwrap();
    let fifth = text.match_indices("{\"kind\":\"step\"").nth(4).unwrap().0;
    let end = fifth + text[fifth..].find('\n').unwrap() + 1;
    (text[..end].to_owned(), text[end..].to_owned())
}

#[test]
fn steps_are_shown_as_another_program_writes_them() {
    let (first, rest) = parts();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("growing.jsonl");
    let mut file = File::create(&path).unwrap();
    file.write_all(first.as_bytes()).unwrap();
    let args = ["replay", "--follow", path.to_str().unwrap()];
    let mut terminal = Terminal::start(&args, (120, 40), &[]);
    terminal.wait_text("FOLLOWING");
    // It stands at the last step there is.
    terminal.wait("step 5", |screen| shows_step(screen, 5));
    let mut lines = rest.split_inclusive('\n');
    let mut write = |steps: usize| {
        let mut written = 0;
        while written < steps {
            let line = lines.next().unwrap();
            // In two pieces: a line that is half there is waited for.
            let (one, two) = line.as_bytes().split_at(line.len() / 2);
            for piece in [one, two] {
                file.write_all(piece).unwrap();
                file.flush().unwrap();
            }
            written += usize::from(line.starts_with("{\"kind\":\"step\""));
        }
    };
    write(3);
    terminal.wait("step 8", |screen| shows_step(screen, 8));
    // Whoever goes back stays there while it goes on.
    terminal.press("S");
    terminal.wait("step 7", |screen| shows_step(screen, 7));
    write(4);
    terminal.wait("12 steps", |screen| screen.contents().contains("/12"));
    assert!(terminal.text().contains("7/12") || terminal.text().contains("step 7"));
    // At the end one goes along again, until the writer closes the recording.
    terminal.press(":goto 12\r");
    terminal.wait("step 12", |screen| shows_step(screen, 12));
    write(2);
    terminal.wait("step 14", |screen| shows_step(screen, 14));
    for line in lines {
        file.write_all(line.as_bytes()).unwrap();
    }
    terminal.wait_gone("FOLLOWING");
    terminal.press("q");
    assert!(terminal.exit().success(), "{}", terminal.text());
    terminal.assert_restored();
}

#[test]
fn a_file_that_is_written_anew_is_told() {
    let (first, _) = parts();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("growing.jsonl");
    fs::write(&path, &first).unwrap();
    let args = ["replay", "--follow", path.to_str().unwrap()];
    let mut terminal = Terminal::start(&args, (120, 40), &[]);
    terminal.wait_text("FOLLOWING");
    fs::write(&path, &first[..first.len() / 3]).unwrap();
    terminal.wait_text("written anew");
    // What was read stays.
    terminal.press("S");
    terminal.wait("step 4", |screen| shows_step(screen, 4));
    terminal.press("q");
    assert!(terminal.exit().success(), "{}", terminal.text());
    terminal.assert_restored();
}

#[test]
fn a_packed_recording_cannot_be_followed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl.zst");
    fs::write(&path, zstd::encode_all(parts().0.as_bytes(), 3).unwrap()).unwrap();
    let args = ["replay", "--follow", path.to_str().unwrap()];
    let mut terminal = Terminal::start(&args, (120, 40), &[]);
    assert_eq!(terminal.exit().exit_code(), 2);
    terminal.wait_text("demask replay -");
    terminal.assert_restored();
}
