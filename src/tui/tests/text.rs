//! Nothing of a model or a recording reaches the terminal as it came.

use crate::tui::paint::text::{
    GlyphKind, ShownToken, candidate, compared, exact, fit, glyphs, joined, probability, safe,
    width, wrap,
};

use super::fake::{FakeVocabulary, Hostile};

#[test]
fn hostile_text_is_made_visible() {
    for (text, shown, ascii) in [
        ("plain", "plain", "plain"),
        ("a\tb", "a⇥b", "a<TAB>b"),
        ("a\nb", "a↵b", "a\\nb"),
        ("\x1b[2J", "␛[2J", "<U+001B>[2J"),
        ("\0\x07\x7f", "␀␇␡", "<U+0000><U+0007><U+007F>"),
        ("\r", "␍", "<U+000D>"),
        ("\u{9b}31m", "⟨U+009B⟩31m", "<U+009B>31m"),
        ("\u{202e}evil", "⟨U+202E⟩evil", "<U+202E>evil"),
        ("a \u{200d}b", "a ⟨U+200D⟩b", "a <U+200D>b"),
        ("a\u{200d}\u{200d}b", "a⟨U+200D⟩⟨U+200D⟩b", "a<U+200D><U+200D>b"),
        ("می‌خواهم", "می‌خواهم", "<U+0645><U+06CC><U+200C><U+062E><U+0648><U+0627><U+0647><U+0645>"),
        ("ක්‍රි", "ක්රි", "<U+0D9A><U+0DCA><U+200D><U+0DBB><U+0DD2>"),
        // What U+200D joins stands side by side, and what varies as it is: as wide on every terminal.
        ("❤️", "❤", "<U+2764><U+FE0F>"),
        ("👩‍💻", "👩💻", "<U+1F469><U+200D><U+1F4BB>"),
        ("😀\u{fe01}\u{fe01}", "😀\u{fe01}⟨U+FE01⟩", "<U+1F600><U+FE01><U+FE01>"),
        ("\u{feff}", "⟨U+FEFF⟩", "<U+FEFF>"),
        ("\u{ad}", "⟨U+00AD⟩", "<U+00AD>"),
        ("e\u{301}", "e\u{301}", "e<U+0301>"),
        ("\u{301}", "◌\u{301}", "<U+0301>"),
        ("世界", "世界", "<U+4E16><U+754C>"),
        ("\u{e0041}", "⟨U+E0041⟩", "<U+E0041>"),
        ("", "", ""),
    ] {
        assert_eq!(safe(text, false), shown, "{text:?}");
        assert_eq!(safe(text, true), ascii, "{text:?} in ASCII");
    }
}

#[test]
fn marks_do_not_pile_up() {
    let text = format!("e{}", "\u{301}".repeat(9));
    let glyphs = glyphs(&text, false);
    assert_eq!(glyphs[0].symbol, "e\u{301}\u{301}\u{301}");
    assert!(glyphs[1..].iter().all(|glyph| glyph.kind == GlyphKind::StandIn));
}

#[test]
fn glyphs_know_their_width() {
    for (text, widths) in [
        ("ab", vec![1, 1]),
        ("世a", vec![2, 1]),
        ("e\u{301}x", vec![1, 1]),
        ("ب\u{200c}ب", vec![1, 1]),
        ("❤\u{fe0f}x", vec![1, 1]),
        ("👩\u{200d}💻x", vec![2, 2, 1]),
        ("\t", vec![1]),
        ("\u{feff}", vec![8]),
    ] {
        let found: Vec<u16> = glyphs(text, false).iter().map(|glyph| glyph.width).collect();
        assert_eq!(found, widths, "{text:?}");
    }
}

#[test]
fn tokens_alone_show_their_spaces() {
    let label = |id| ShownToken::of(&FakeVocabulary, id).label(false);
    assert_eq!(label(3), "·the");
    assert_eq!(label(15), "↵");
    assert_eq!(label(2), "⟨eos⟩");
    assert_eq!(label(4711), "⟨#4711⟩");
    let hostile = |id| ShownToken::of(&Hostile, id).label(false);
    assert_eq!(hostile(7), "⟨empty⟩");
    assert_eq!(hostile(16), "⟨E4B8⟩");
    assert_eq!(hostile(18), "⟨␛]0;title␇⟩");
}

#[test]
fn split_characters_are_joined() {
    let part = |bytes: &[u8]| ShownToken::Part(bytes.to_vec());
    let text = |text: &str| ShownToken::Text(text.to_owned());
    for (run, joined_run) in [
        (vec![part(&[0xe4, 0xb8]), part(&[0x96])], vec![text("世"), text("")]),
        (
            vec![part(&[0xe4]), part(&[0xb8]), part(&[0x96]), text("x")],
            vec![text("世"), text(""), text(""), text("x")],
        ),
        // A joiner goes to the glyph it stands behind, or joins what is apart anyway.
        (vec![text("می"), text("\u{200c}خ")], vec![text("می\u{200c}"), text("خ")]),
        (vec![text("👩"), text("\u{200d}💻")], vec![text("👩"), text("💻")]),
        (vec![text("👩\u{200d}"), text("💻")], vec![text("👩"), text("💻")]),
        (
            vec![text("می"), text("\u{200c}"), text("خ")],
            vec![text("می"), text("\u{200c}"), text("خ")],
        ),
        (vec![text("a "), text("\u{200c}b")], vec![text("a "), text("\u{200c}b")]),
        // What does not complete stays what it is.
        (vec![part(&[0xe4]), text("x")], vec![part(&[0xe4]), text("x")]),
        (vec![part(&[0x96]), part(&[0xe4])], vec![part(&[0x96]), part(&[0xe4])]),
    ] {
        let mut run = run;
        joined(&mut run);
        assert_eq!(run, joined_run);
    }
}

#[test]
fn cut_text_says_so() {
    for (text, room, cut) in [
        ("canvas", 6, "canvas"),
        ("canvas", 5, "canv…"),
        ("canvas", 1, "…"),
        ("canvas", 0, ""),
        ("世界世界", 5, "世界…"),
        ("世界世界", 4, "世…"),
    ] {
        assert_eq!(fit(text, room), cut, "{text} in {room}");
        assert!(width(cut) <= room);
    }
    assert_eq!(wrap("one two three", 7), ["one two", "three"]);
    assert_eq!(wrap("", 7), [""]);
    assert_eq!(wrap("incomprehensible", 4), ["incomprehensible"]);
}

#[test]
fn numbers_have_three_digits_and_absent_ones_a_dash() {
    for (p, text) in [
        (Some(0.0), "0.000"),
        (Some(1.0), "1.000"),
        (Some(0.9996), ">0.999"),
        (Some(0.5), "0.500"),
        (Some(0.0567), "0.0567"),
        (Some(0.000_21), "2.1e-4"),
        (Some(f32::NAN), "–"),
        (None, "–"),
    ] {
        assert_eq!(probability(p), text);
    }
    for (number, text) in [
        (0.1, "0.1"),
        (0.0, "0"),
        (1.0, "1"),
        (0.999_6, "0.9996"),
        (0.999_993, ">0.999"),
        (3.218_47, "3.218"),
        (12.345_6, "12.35"),
        (0.012_345, "0.01235"),
        (1.5e-7, "1.5e-7"),
        (2.173e-5, "2.17e-5"),
    ] {
        assert_eq!(exact(Some(number)), text);
    }
    assert_eq!(candidate(1.0), "1.00");
    assert_eq!(candidate(0.25), "0.250");
    assert_eq!(exact(None), "–");
}

#[test]
fn what_is_compared_is_told_apart() {
    for (a, b, expected) in [
        (0.75, 0.9, ("0.750", "0.900")),
        (0.9, 0.9, ("0.900", "0.900")),
        (0.900_04, 0.9, ("0.90004", "0.90000")),
        (0.999_97, 0.9998, ("0.999970", "0.999800")),
    ] {
        let (a, b) = compared(a, b);
        assert_eq!((a.as_str(), b.as_str()), expected);
    }
}
