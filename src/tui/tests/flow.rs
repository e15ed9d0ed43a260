//! Rows broken at words, and the way back from a cell to its position.

use crate::tui::paint::{
    flow::{Flow, FlowPiece, lay},
    text::{Glyph, GlyphKind, glyphs},
};

fn pieces(prompt: &[&str], tokens: &[&str]) -> Vec<FlowPiece> {
    let piece = |position, text: &&str| FlowPiece {
        position,
        glyphs: glyphs(text, false),
        marker: None,
        folded: None,
    };
    let prompt = prompt.iter().map(|text| piece(None, text));
    let tokens = tokens.iter().enumerate().map(|(at, text)| piece(Some(at), text));
    prompt.chain(tokens).collect()
}

fn rows(flow: &Flow) -> Vec<String> {
    let text = |row: &Vec<crate::tui::paint::flow::Placed>| {
        row.iter().map(|placed| placed.glyph.symbol.as_str()).collect()
    };
    flow.rows.iter().map(text).collect()
}

#[test]
fn lines_break_at_words() {
    for (prompt, tokens, width, expected) in [
        (&["Hi"][..], &["one", " two", " three"][..], 8, vec!["Hi", "one two ", "three"]),
        // A word over several tokens stays whole.
        (&[], &["ab", " cd", "ef", "gh"], 6, vec!["ab ", "cdefgh"]),
        // One that is longer than a row is cut.
        (&[], &["abcdefghij"], 4, vec!["abcd", "efgh", "ij"]),
        (&[], &["a", "\n", "b"], 9, vec!["a↵", "b"]),
        // A wide glyph does not straddle the edge.
        (&[], &["世界世"], 5, vec!["世界", "世"]),
        (&[], &[], 5, vec![""]),
        (&["a\n"], &["b"], 5, vec!["a↵", "b"]),
    ] {
        assert_eq!(rows(&lay(pieces(prompt, tokens), width, true)), expected, "{tokens:?}");
    }
    // A text that goes on around what is filled in stays one text.
    assert_eq!(
        rows(&lay(pieces(&["A ", "small "], &["owl", " sat"]), 20, false)),
        ["A small owl sat"]
    );
}

#[test]
fn every_cell_leads_back_to_its_position() {
    let flow = lay(pieces(&["Q "], &["one", " two", " three", "\n", "世", "four"]), 9, true);
    assert_eq!(rows(&flow), ["Q ", "one two ", "three↵", "世four"]);
    for (row, x, position) in [
        (0, 0, None),
        (1, 0, Some(0)),
        (1, 2, Some(0)),
        (1, 3, Some(1)),
        (2, 0, Some(2)),
        (2, 5, Some(3)),
        (3, 0, Some(4)),
        (3, 1, Some(4)),
        (3, 2, Some(5)),
        (3, 8, None),
        (9, 0, None),
    ] {
        assert_eq!(flow.hit(row, x), position, "row {row}, cell {x}");
    }
    assert_eq!(flow.place(0), Some((1, 0)));
    // The space before " three" hangs at the end of the row above.
    assert_eq!(flow.place(2), Some((1, 7)));
    assert_eq!(flow.place(5), Some((3, 2)));
    assert_eq!(flow.nearest(1, 60), Some(2));
}

#[test]
fn a_folded_tail_is_one_piece() {
    let mut run = pieces(&[], &["one"]);
    run.push(FlowPiece {
        position: Some(1),
        glyphs: vec![Glyph { symbol: "⟨EOS ×9⟩".into(), width: 8, kind: GlyphKind::StandIn }],
        marker: None,
        folded: Some(9),
    });
    let flow = lay(run, 20, true);
    assert_eq!(flow.piece_of(1), flow.piece_of(9));
    assert_eq!(flow.piece_of(10), None);
    assert_eq!(flow.place(7), Some((0, 3)));
}

#[test]
fn a_token_without_glyphs_is_where_the_one_before_is() {
    let flow = lay(pieces(&[], &["世", "", "x"]), 9, true);
    assert_eq!(flow.place(1), Some((0, 0)));
}
