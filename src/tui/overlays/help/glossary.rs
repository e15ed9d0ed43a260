//! The glossary of the documents, as rows of the help box.

/// The document, which is the one place where terms are explained.
const DOCUMENT: &str = include_str!("../../../../docs/glossary.md");

/// The heading behind which there are no terms, but words that are not used.
const NO_TERMS: &str = "## Words we do not use";

/// The terms with their meanings, in the order of the document, without its markup.
pub(super) fn terms() -> impl Iterator<Item = (String, String)> {
    let lines = DOCUMENT.lines().take_while(|line| *line != NO_TERMS);
    let rows = lines.filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    rows.filter_map(|row| {
        let mut cells = row.split(" | ");
        let (term, meaning) = (plain(cells.next()?), plain(cells.next()?));
        (term != "term").then_some((term, meaning))
    })
}

/// Markdown as it reads: of a link the text, and no marks.
fn plain(markdown: &str) -> String {
    let mut text = String::new();
    let mut rest = markdown;
    while let Some((before, link)) = rest.split_once('[') {
        text += before;
        let Some((words, behind)) = link.split_once("](").and_then(|(words, target)| {
            let (_, behind) = target.split_once(')')?;
            Some((words, behind))
        }) else {
            text.push('[');
            rest = link;
            continue;
        };
        text += words;
        rest = behind;
    }
    text += rest;
    text.retain(|c| !matches!(c, '`' | '*'));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_term_of_the_document_is_there_as_it_reads() {
        let terms: Vec<(String, String)> = terms().collect();
        // Counted otherwise: rows of the tables before the words that are not used, without their heads.
        let (document, _) = DOCUMENT.split_once(NO_TERMS).expect("the heading");
        let rows = document.lines().filter(|line| line.starts_with('|')).count();
        let heads = document.lines().filter(|line| line.starts_with("|---")).count();
        assert_eq!(terms.len(), rows - 2 * heads);
        assert!(terms.len() > 80, "{}", terms.len());
        for (term, meaning) in &terms {
            assert!(!term.is_empty() && meaning.len() > 10, "{term}: {meaning}");
            for mark in ["`", "](", "**", "|", ".md"] {
                assert!(!term.contains(mark) && !meaning.contains(mark), "{term}: {meaning}");
            }
        }
        let of =
            |wanted: &str| terms.iter().find(|(term, _)| term == wanted).map(|(_, it)| it.as_str());
        assert_eq!(of("remask"), Some("to put a mask where a token was"));
        assert_eq!(of("parting"), None);
    }

    #[test]
    fn markup_is_taken_off() {
        let check = |markdown: &str, expected: &str| assert_eq!(plain(markdown), expected);
        check("a *run* of `masks`", "a run of masks");
        check("see ([format](trace.md#a)), [more](b.md)", "see (format), more");
        check("[0, 1] is no link", "[0, 1] is no link");
        check("left open [", "left open [");
    }
}
