//! From a terminal's bytes to events: terminput knows the sequences, this knows where one ends.

use crossterm::event::Event;

const OPEN: &[u8] = b"\x1b[200~";
const CLOSE: &[u8] = b"\x1b[201~";
const ESCAPE: u8 = 0x1b;
const CTRL_C: u8 = 0x03;

/// Longest paste that is kept, bytes; what is behind is passed over.
const LONGEST_PASTE: usize = 1 << 20;
/// Escape sequences are shorter, so a longer one is garbage.
const LONGEST_SEQUENCE: usize = 64;

/// Bytes that are not an event yet.
#[derive(Debug, Default)]
pub(super) struct Parser {
    /// The beginning of a sequence or of a character.
    begun: Vec<u8>,
    /// The text of a paste whose end has not come.
    paste: Option<Vec<u8>>,
}

impl Parser {
    /// Takes in what one read gave; `more` says that the next will go on at once.
    pub(super) fn take(&mut self, bytes: &[u8], more: bool, events: &mut Vec<Event>) {
        // A paste arrives in large pieces, so one of these alone is a key that should end it.
        if self.paste.is_some() && matches!(bytes, [ESCAPE] | [CTRL_C]) {
            self.end_paste(events);
        }
        for (at, &byte) in bytes.iter().enumerate() {
            match &mut self.paste {
                Some(text) => {
                    text.push(byte);
                    if text.ends_with(CLOSE) {
                        text.truncate(text.len() - CLOSE.len());
                        self.end_paste(events);
                    } else if text.len() >= 2 * LONGEST_PASTE {
                        // The last few may be the beginning of its end.
                        text.drain(LONGEST_PASTE..text.len() - CLOSE.len());
                    }
                }
                None => self.push(byte, more || at + 1 < bytes.len(), events),
            }
        }
    }

    /// True if more bytes are waited for, which may never come.
    pub(super) fn waits(&self) -> bool {
        self.paste.is_some() || !self.begun.is_empty()
    }

    /// Ends an open paste and drops an incomplete sequence, after a second without input.
    pub(super) fn give_up(&mut self, events: &mut Vec<Event>) {
        self.begun.clear();
        self.end_paste(events);
    }

    fn end_paste(&mut self, events: &mut Vec<Event>) {
        if let Some(mut text) = self.paste.take() {
            text.truncate(LONGEST_PASTE);
            events.push(Event::Paste(String::from_utf8_lossy(&text).into_owned()));
        }
    }

    fn push(&mut self, byte: u8, more: bool, events: &mut Vec<Event>) {
        if self.begun == [ESCAPE] && byte == ESCAPE {
            // The key was pressed, and this begins what is next.
            self.begun.clear();
            events.extend(parsed(&[ESCAPE]).ok().flatten());
        }
        self.begun.push(byte);
        if self.begun == OPEN {
            self.begun.clear();
            self.paste = Some(Vec::new());
            return;
        }
        // The key, unless something follows it.
        if self.begun == [ESCAPE] && more {
            return;
        }
        match parsed(&self.begun) {
            Ok(None) if self.begun.len() < LONGEST_SEQUENCE => return,
            Ok(event) => events.extend(event),
            Err(()) => {}
        }
        self.begun.clear();
    }
}

/// The event that these bytes are; `None` if they are the beginning of one.
fn parsed(bytes: &[u8]) -> Result<Option<Event>, ()> {
    match terminput::Event::parse_from(bytes) {
        Ok(None) => Ok(None),
        Ok(Some(event)) => terminput_crossterm::to_crossterm(event).map(Some).map_err(drop),
        Err(_) => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    use proptest::prelude::*;

    use super::*;

    fn key(code: KeyCode) -> Event {
        Event::Key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn letter(c: char) -> Event {
        key(KeyCode::Char(c))
    }

    fn paste(text: &str) -> Event {
        Event::Paste(text.to_owned())
    }

    /// What reads one after another give.
    fn events(reads: &[&[u8]]) -> (Vec<Event>, Parser) {
        let (mut parser, mut events) = (Parser::default(), Vec::new());
        reads.iter().for_each(|read| parser.take(read, false, &mut events));
        (events, parser)
    }

    #[test]
    fn bytes_are_events_wherever_a_read_ends() {
        let ctrl_c = Event::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL));
        let cases: &[(&[&[u8]], Vec<Event>)] = &[
            (&[b"ab"], vec![letter('a'), letter('b')]),
            (&[b"\x1b[A", b"\x1b[5~"], vec![key(KeyCode::Up), key(KeyCode::PageUp)]),
            (&[b"\x1b[", b"A"], vec![key(KeyCode::Up)]),
            (&["é".as_bytes()], vec![letter('é')]),
            (&[&"é".as_bytes()[..1], &"é".as_bytes()[1..]], vec![letter('é')]),
            // The key alone, twice, and before another.
            (&[b"\x1b"], vec![key(KeyCode::Esc)]),
            (&[b"\x1b\x1b"], vec![key(KeyCode::Esc), key(KeyCode::Esc)]),
            (&[b"\x1b", b"q"], vec![key(KeyCode::Esc), letter('q')]),
            (&[b"\x1b\x1b[B"], vec![key(KeyCode::Esc), key(KeyCode::Down)]),
            (&[b"\x1b[200~a\nb\x1b[201~c"], vec![paste("a\nb"), letter('c')]),
            (&[b"\x1b[20", b"0~a\x1b[2", b"01~c"], vec![paste("a"), letter('c')]),
            // Out of a paste without an end; an end without a beginning is nothing.
            (&[b"\x1b[200~abc", b"\x1b"], vec![paste("abc"), key(KeyCode::Esc)]),
            (&[b"\x1b[200~abc", b"\x03"], vec![paste("abc"), ctrl_c]),
            (&[b"\x1b[201~q"], vec![letter('q')]),
        ];
        for (reads, expected) in cases {
            assert_eq!(&events(reads).0, expected, "{reads:?}");
        }
    }

    #[test]
    fn nothing_is_waited_for_for_ever() {
        for begun in [&b"\x1b[200~abc"[..], b"\x1b[", b"\x1b[?12", b"\x1bO", b"\xc3"] {
            let (mut events, mut parser) = events(&[begun]);
            assert!(events.is_empty() && parser.waits(), "{begun:?}");
            parser.give_up(&mut events);
            assert!(!parser.waits());
            let text =
                begun.strip_prefix(OPEN).map(|text| vec![paste(&String::from_utf8_lossy(text))]);
            assert_eq!(events, text.unwrap_or_default());
            parser.take(b"q", false, &mut events);
            assert_eq!(events.last(), Some(&letter('q')));
        }
        // And what never was a sequence does not swallow what follows.
        let (events, _) = events(&[&[b"\x1b[?", &[b'1'; LONGEST_SEQUENCE][..]].concat(), b"q"]);
        assert_eq!(events.last(), Some(&letter('q')));
    }

    #[test]
    fn a_paste_is_bounded() {
        let (mut parser, mut found) = (Parser::default(), Vec::new());
        parser.take(OPEN, false, &mut found);
        for _ in 0..40 {
            parser.take(&[b'a'; 1 << 17], true, &mut found);
            assert!(parser.paste.as_ref().unwrap().len() <= 2 * LONGEST_PASTE);
        }
        parser.take(CLOSE, false, &mut found);
        let [Event::Paste(text)] = &found[..] else { panic!("{}", found.len()) };
        assert_eq!(text.len(), LONGEST_PASTE);
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(reads: Vec<Vec<u8>>) {
            let (mut parser, mut found) = (Parser::default(), Vec::new());
            reads.iter().for_each(|read| parser.take(read, false, &mut found));
            parser.give_up(&mut found);
            found.clear();
            parser.take(b"q", false, &mut found);
            prop_assert_eq!(found, vec![letter('q')]);
        }
    }
}
