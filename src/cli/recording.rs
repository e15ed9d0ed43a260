//! A recording on the debugger's screen: as far as it is read, with the rest of it, and what the screen starts
//! from.

use std::{path::Path, time::Duration};

use super::{Config, Fault, host::Program, resume};
use crate::{
    resume::SessionOrigin,
    session::Session,
    trace::{self, Reader, Recording},
    tui::{self, Look, Rest, Start, StepSource},
};

/// How long a recording is read before its beginning is shown and the rest is read meanwhile.
pub(super) const PATIENCE: Duration = Duration::from_millis(300);

/// A recording as far as it is read, and unless that is the `whole`, the rest of it. `growing`: the file, if it
/// is still written. `live`: steps are shown as they come.
pub(super) fn with_rest(
    reader: Reader,
    whole: bool,
    growing: Option<&Path>,
    live: bool,
) -> Result<(Recording, Option<Rest>), Fault> {
    let recording = reader.so_far()?;
    let growing = growing.map(ToOwned::to_owned);
    let progress = reader.progress();
    let feed: tui::Feed = Box::new(|notify| trace::follow(reader, growing, notify));
    Ok((recording, (!whole).then_some(Rest { feed, progress, live })))
}

/// What the screen over a recording and the rest of it starts from: it stands at the start, or at the last step
/// where steps are shown as they come. The session is kept when it is left.
pub(super) fn start(
    file: &Path,
    recording: &Recording,
    rest: Option<Rest>,
    look: Look,
    config: &Config,
) -> Start {
    let mut session = recording.session();
    if rest.as_ref().is_some_and(|rest| rest.live) {
        session.go(recording.recorded.end);
    }
    let keep = keeper(file, recording);
    let start = screen(recording, session, file, look, config);
    Start { rest, keep, ..start }
}

/// Keeps a session over a recording, so that it can be gone on with.
pub(super) fn keeper(file: &Path, recording: &Recording) -> Option<tui::Keep> {
    resume::keeper(SessionOrigin {
        model: None,
        name: shown_name(file),
        recording: None,
        header: recording.header.clone(),
        vocabulary: recording.vocabulary.clone(),
    })
}

/// What the debugger's screen over a recording in a file starts from.
pub(super) fn screen(
    recording: &Recording,
    session: Session,
    file: &Path,
    look: Look,
    config: &Config,
) -> Start {
    let host = Program::new(config).replaying(file);
    screen_with(host, recording, session, shown_name(file), look, config)
}

/// The same of what goes by a name, with the program around it.
pub(super) fn screen_with(
    host: Program,
    recording: &Recording,
    session: Session,
    name: String,
    look: Look,
    config: &Config,
) -> Start {
    let host = host.saving(recording.header.clone(), recording.vocabulary.clone());
    let (vocabulary, facts) = (recording.vocabulary.clone(), recording.facts());
    Start {
        prompt_text: recording.header.prompt_text.clone(),
        notices: recording.notices.clone(),
        look,
        keymap: config.keymap.clone(),
        speed: config.look.speed,
        ..Start::new(session, vocabulary, facts, StepSource::Replay(name), Box::new(host))
    }
}

/// The file's own name, as the screen shows it.
pub(super) fn shown_name(file: &Path) -> String {
    match file == Path::new("-") {
        true => "standard input".to_owned(),
        false => file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned(),
    }
}
