//! The player of a session, opened in a browser where there is one.

use std::{
    io::{self, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    export::{self, Document, ExportError},
    predict::Vocabulary,
    session::Session,
    trace::{self, Header},
};

/// The characters that are escaped in the path of a link.
const PATH: AsciiSet =
    NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');

/// Writes a player into the folder for temporary files, readable by its owner alone, and opens it at `place`.
///
/// # Errors
/// In words.
pub(super) fn play(
    session: &Session,
    header: &Header,
    vocabulary: &Arc<dyn Vocabulary>,
    colors: &str,
    place: &str,
) -> Result<String, String> {
    let page = page(session, header, vocabulary, colors)
        .map_err(|error| format!("no player was written: {error}"))?;
    let link = link(&page, place);
    let opened = has_browser(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
        && open(&link).is_ok();
    Ok(match opened {
        true => format!("opened in the browser: {link}"),
        false => format!("open it in a browser: {link}"),
    })
}

/// Writes the page, and returns its path.
fn page(
    session: &Session,
    header: &Header,
    vocabulary: &Arc<dyn Vocabulary>,
    colors: &str,
) -> Result<std::path::PathBuf, ExportError> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("run.jsonl");
    trace::save(session, &file, header, vocabulary.clone()).map_err(io::Error::other)?;
    let recording = trace::read(&file).map_err(io::Error::other)?;
    let mut page = tempfile::Builder::new().prefix("demask-").suffix(".html").tempfile()?;
    let title = recording.prompt();
    let document = Document { name: &title, recording: &recording, step: 0, colors, theme: None };
    let mut buffered = io::BufWriter::new(&mut page);
    export::player(&document, &mut buffered)?;
    // Dropping it would ignore an error, such as that of a full disk.
    buffered.flush()?;
    drop(buffered);
    let (_, path) = page.keep().map_err(|kept| kept.error)?;
    Ok(path)
}

/// The address of a page and a place on it.
fn link(page: &Path, place: &str) -> String {
    format!("file://{}#{place}", utf8_percent_encode(&page.to_string_lossy(), &PATH))
}

/// True if the user at the terminal sees a browser that is started here: not over ssh, and on Linux only on
/// a desktop.
fn has_browser(is_set: impl Fn(&str) -> bool) -> bool {
    let away = ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"].into_iter().any(&is_set);
    let desktop = cfg!(target_os = "macos") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
    !away && desktop
}

/// Starts the system's opener, and does not wait for it.
fn open(link: &str) -> io::Result<()> {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let quiet = || Stdio::null();
    let started =
        Command::new(opener).arg(link).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn();
    let mut child = started?;
    // A child that is never waited for stays a zombie.
    std::thread::Builder::new().name("opener".to_owned()).spawn(move || child.wait())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_opened_only_where_it_is_seen() {
        let check = |set: &[&str], expected: bool| {
            assert_eq!(has_browser(|name| set.contains(&name)), expected, "{set:?}");
        };
        check(&["DISPLAY"], true);
        check(&["WAYLAND_DISPLAY"], true);
        check(&["DISPLAY", "SSH_CONNECTION"], false);
        check(&["SSH_TTY"], false);
        check(&[], cfg!(target_os = "macos"));
    }

    #[test]
    fn a_link_is_an_address() {
        let check =
            |path: &str, expected: &str| assert_eq!(link(Path::new(path), "step=3"), expected);
        check("/tmp/demask-Ab1.html", "file:///tmp/demask-Ab1.html#step=3");
        check("/tmp/a b/#1?.html", "file:///tmp/a%20b/%231%3F.html#step=3");
    }
}
