//! What a terminal says of itself when it is asked: which of its private modes it knows (DECRQM),
//! with a question behind it that every terminal answers (DA1), so that nobody waits for long.

use std::collections::BTreeMap;

/// Frames are shown whole.
pub const SYNCHRONISED: u16 = 2026;
/// Clicks with their place, beyond column 223, too.
pub const MOUSE: u16 = 1006;

/// The answers: modes it knows, and modes it says that it does not know. `None` if there is no
/// terminal, or it says nothing at all.
#[cfg(unix)]
pub fn ask() -> Option<BTreeMap<u16, bool>> {
    use std::{fs::File, io::Write};

    let mut terminal = File::options().read(true).write(true).open("/dev/tty").ok()?;
    crossterm::terminal::enable_raw_mode().ok()?;
    let question = format!("\x1b[?{SYNCHRONISED}$p\x1b[?{MOUSE}$p\x1b[c");
    let reply = terminal.write_all(question.as_bytes()).ok().and_then(|()| listen(&mut terminal));
    let _ = crossterm::terminal::disable_raw_mode();
    reply.map(|reply| known(&reply))
}

#[cfg(not(unix))]
pub fn ask() -> Option<BTreeMap<u16, bool>> {
    None
}

/// Everything up to the last answer, or up to the time by which a terminal has answered.
#[cfg(unix)]
fn listen(terminal: &mut std::fs::File) -> Option<Vec<u8>> {
    use std::{
        io::Read,
        time::{Duration, Instant},
    };

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    /// Over a slow line, too.
    const PATIENCE: Duration = Duration::from_secs(1);
    let deadline = Instant::now() + PATIENCE;
    let mut reply = Vec::new();
    while !is_over(&reply) {
        let left = deadline.checked_duration_since(Instant::now())?;
        let left = Timespec::try_from(left).ok()?;
        let mut wanted = [PollFd::new(&*terminal, PollFlags::IN)];
        if poll(&mut wanted, Some(&left)).ok()? == 0 {
            return None;
        }
        let mut bytes = [0; 256];
        let read = terminal.read(&mut bytes).ok().filter(|read| *read > 0)?;
        reply.extend_from_slice(bytes.get(..read)?);
    }
    Some(reply)
}

/// True once the question is answered that every terminal answers: `ESC [ ? … c`.
fn is_over(reply: &[u8]) -> bool {
    answers(reply).any(|answer| answer.ends_with('c'))
}

/// What the answers on modes say: `ESC [ ? MODE ; STATE $ y`, and 0 is "not known".
fn known(reply: &[u8]) -> BTreeMap<u16, bool> {
    let modes = answers(reply).filter_map(|answer| {
        let (mode, state) = answer.strip_suffix("$y")?.split_once(';')?;
        Some((mode.parse().ok()?, state != "0"))
    });
    modes.collect()
}

/// The answers, without what is before and with the letter that ends each.
fn answers(reply: &[u8]) -> impl Iterator<Item = &str> {
    let texts =
        reply.split(|byte| *byte == b'\x1b').filter_map(|part| std::str::from_utf8(part).ok());
    texts.filter_map(|text| {
        let text = text.strip_prefix("[?")?;
        let end = text.find(|c: char| c.is_ascii_alphabetic())?;
        text.get(..=end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_terminals_are_read() {
        // What a terminal sends, whether that is all, and what it means.
        type Known = &'static [(u16, bool)];
        let cases: [(&[u8], bool, Known); 5] = [
            (b"", false, &[]),
            (b"\x1b[?2026;2$y\x1b[?1006;2$y\x1b[?65;1;9c", true, &[(1006, true), (2026, true)]),
            (b"\x1b[?2026;0$y\x1b[?1006;1$y", false, &[(1006, true), (2026, false)]),
            // It knows the last question only.
            (b"\x1b[?1;2c", true, &[]),
            // A key pressed meanwhile, and half an answer.
            (b"q\x1b[A\x1b[?2026;2$y\x1b[?10", false, &[(2026, true)]),
        ];
        for (reply, over, expected) in cases {
            assert_eq!(is_over(reply), over, "{reply:?}");
            assert_eq!(known(reply), expected.iter().copied().collect(), "{reply:?}");
        }
    }
}
