//! Text broken into lines.

use super::{
    paint::{DiffInk, PaintedLine, width},
    words::DiffWord,
};

/// Parts with dots between, broken into lines.
pub fn wrapped(parts: &[String], columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if width(line) + width(part) + 3 <= columns => {
                line.push_str(" · ");
                line.push_str(part);
            }
            _ => lines.push(part.clone()),
        }
    }
    lines
}

/// As many parts as a line of so many columns takes, and how many more there are.
pub fn folded(parts: &[String], columns: usize) -> (String, usize) {
    let text = |most: usize| match parts.len() - most {
        0 => parts.join(" · "),
        more => format!("{} · {more} more", parts[..most].join(" · ")),
    };
    let fits = |most: &usize| width(&text(*most)) <= columns;
    // One stands there in any case: it is cut where it is too long.
    let most = (1..=parts.len()).rev().find(fits).unwrap_or(parts.len().min(1));
    (text(most), parts.len() - most)
}

/// Words in lines, those that differ in brackets and in the run's ink.
pub fn flowing(words: &[DiffWord], ink: DiffInk, columns: usize) -> Vec<PaintedLine> {
    const INDENT: &str = "  ";
    let mut lines = vec![PaintedLine::of(DiffInk::Plain, INDENT)];
    let mut used = INDENT.len();
    // Neighbours that differ stand in one pair of brackets; a line end is in none.
    let groups = words.chunk_by(|a, b| {
        a.differs && b.differs && !a.text.contains('\n') && !b.text.contains('\n')
    });
    for group in groups {
        let differs = group.iter().any(|word| word.differs);
        let broken = group.iter().any(|word| word.text.contains('\n'));
        for (at, word) in group.iter().enumerate() {
            if broken {
                if differs {
                    push(&mut lines, ink, "⟨↵⟩".to_owned());
                }
                lines.push(PaintedLine::of(DiffInk::Plain, INDENT));
                used = INDENT.len();
                continue;
            }
            let open = if differs && at == 0 { "⟨" } else { "" };
            let close = if differs && at + 1 == group.len() { "⟩" } else { "" };
            let mut text = format!("{open}{}{close}", word.text.replace('\t', " "));
            let blank = word.text.chars().all(char::is_whitespace);
            if used + width(&text) > columns && used > INDENT.len() {
                lines.push(PaintedLine::of(DiffInk::Plain, INDENT));
                used = INDENT.len();
                if blank && open.is_empty() && close.is_empty() {
                    continue;
                }
                text = text.trim_start().to_owned();
            }
            used += width(&text);
            push(&mut lines, if differs { ink } else { DiffInk::Plain }, text);
        }
    }
    lines
}

fn push(lines: &mut [PaintedLine], ink: DiffInk, text: String) {
    if let Some(line) = lines.last_mut() {
        line.0.push((ink, text));
    }
}
