//! A template cut into text, comments, raw blocks and tags, and a tag into its tokens.

/// A part of a template.
pub(super) enum TemplatePart<'t> {
    /// Text, or a comment with its marks: printed or left out as it stands.
    Text(&'t str),
    /// The text between `{% raw %}` and `{% endraw %}`, with both tags.
    Raw {
        /// `{%`, or with a sign.
        open: &'t str,
        /// From the end of the first tag's name to the start of the second tag.
        body: &'t str,
        /// The text of the second tag.
        close: &'t str,
    },
    /// An expression or a statement.
    Tag(TemplateTag<'t>),
}

/// `{{ … }}` or `{% … %}`.
pub(super) struct TemplateTag<'t> {
    /// `{{` or `{%`, with its sign.
    pub open: &'t str,
    /// What is in it.
    pub tokens: Vec<TemplateToken>,
    /// The blanks before its end, and `}}` or `%}` with its sign.
    pub close: &'t str,
}

/// A word, number, string or operator.
#[derive(Debug, Clone)]
pub(super) struct TemplateToken {
    /// The kind, with what is read of the text.
    pub kind: TemplateTokenKind,
    /// The blanks before it, kept for the line numbers of errors.
    pub space: String,
    /// Its text in the template.
    pub text: String,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TemplateTokenKind {
    Name,
    Number,
    String,
    Operator,
}

impl TemplateToken {
    /// A token that stands in no template.
    pub fn new(kind: TemplateTokenKind, text: &str) -> Self {
        Self { kind, space: String::new(), text: text.to_owned() }
    }

    /// Whether it is this operator.
    pub fn is(&self, operator: &str) -> bool {
        self.kind == TemplateTokenKind::Operator && self.text == operator
    }

    /// Whether it opens brackets.
    pub fn opens(&self) -> bool {
        ["(", "[", "{"].iter().any(|bracket| self.is(bracket))
    }

    /// Whether it closes brackets.
    pub fn closes(&self) -> bool {
        [")", "]", "}"].iter().any(|bracket| self.is(bracket))
    }
}

impl TemplateTag<'_> {
    /// A statement's first word; `None` for an expression.
    pub fn statement(&self) -> Option<&str> {
        let first = self.tokens.first().filter(|first| first.kind == TemplateTokenKind::Name)?;
        self.open.starts_with("{%").then_some(first.text.as_str())
    }
}

/// Cuts a template into its parts.
///
/// # Errors
/// If a comment, a tag or a string has no end.
pub(super) fn segments(template: &str) -> Result<Vec<TemplatePart<'_>>, String> {
    let mut found = Vec::new();
    let mut rest = template;
    loop {
        let Some(start) = tag_start(rest) else {
            found.push(TemplatePart::Text(rest));
            return Ok(found);
        };
        let (text, tag) = rest.split_at(start);
        found.push(TemplatePart::Text(text));
        let line = || line_of(template, tag);
        let signed = usize::from(tag[2..].starts_with(['-', '+']));
        if let Some(comment) = tag.strip_prefix("{#") {
            let end = comment.find("#}").ok_or_else(|| {
                format!("line {}: a comment has no end: `#}}` is missing", line())
            })?;
            let (comment, after) = tag.split_at(end + 4);
            found.push(TemplatePart::Text(comment));
            rest = after;
        } else if let Some((open, body, close, after)) = raw(tag) {
            found.push(TemplatePart::Raw { open, body, close });
            rest = after;
        } else {
            let (open, inner) = tag.split_at(2 + signed);
            let mut scanner = Scanner { text: inner, at: 0, depth: 0 };
            let (tokens, close) = scanner
                .tokens(if tag.starts_with("{{") { "}}" } else { "%}" })
                .map_err(|problem| format!("line {}: {problem}", line()))?;
            found.push(TemplatePart::Tag(TemplateTag { open, tokens, close }));
            rest = &inner[scanner.at..];
        }
    }
}

/// Where the next comment, expression or statement begins.
fn tag_start(text: &str) -> Option<usize> {
    let starts = text.match_indices('{').map(|(at, _)| at);
    starts.into_iter().find(|at| text[at + 1..].starts_with(['{', '%', '#']))
}

fn line_of(template: &str, rest: &str) -> usize {
    1 + template[..template.len() - rest.len()].matches('\n').count()
}

/// The raw block at the start of `tag`: its first sign, what is in it, its last tag, and the rest.
fn raw(tag: &str) -> Option<(&str, &str, &str, &str)> {
    let signed = usize::from(tag[2..].starts_with(['-', '+']));
    let inner = tag.strip_prefix("{%")?[signed..].trim_start().strip_prefix("raw")?;
    let body_start = inner.trim_start();
    let body_start = body_start.strip_prefix('-').unwrap_or(body_start);
    if !body_start.starts_with("%}") {
        return None;
    }
    for (at, _) in inner.match_indices("{%") {
        let end = inner[at + 2..].trim_start_matches(['-', '+']).trim_start();
        let Some(end) = end.strip_prefix("endraw") else { continue };
        let end = end.trim_start().trim_start_matches(['-', '+']);
        if let Some(after) = end.strip_prefix("%}") {
            let close = &inner[at..inner.len() - after.len()];
            return Some((&tag[..2 + signed], &inner[..at], close, after));
        }
    }
    None
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    /// Brackets that are open.
    depth: usize,
}

impl<'t> Scanner<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// The tokens up to `end`, which is looked for outside of brackets only, and that end.
    fn tokens(&mut self, end: &str) -> Result<(Vec<TemplateToken>, &'t str), String> {
        let mut found: Vec<TemplateToken> = Vec::new();
        loop {
            let start = self.at;
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start().len();
            let (space, rest) = (&self.text[start..self.at], self.rest());
            if self.depth == 0 {
                let signed = usize::from(rest.starts_with(['-', '+']));
                if rest[signed..].starts_with(end) {
                    self.at += signed + end.len();
                    return Ok((found, &self.text[start..self.at]));
                }
            }
            let Some(first) = rest.chars().next() else {
                return Err(format!("`{end}` is missing"));
            };
            let after_dot = found.last().is_some_and(|last| last.is("."));
            let (kind, length) = match first {
                '\'' | '"' => (TemplateTokenKind::String, string(rest, first)?),
                '0'..='9' => (TemplateTokenKind::Number, number(rest, after_dot)),
                _ if first == '_' || first.is_alphabetic() => (TemplateTokenKind::Name, word(rest)),
                _ => (TemplateTokenKind::Operator, operator(rest, first)),
            };
            let text = rest[..length].to_owned();
            self.at += length;
            match first {
                '(' | '[' | '{' => self.depth += 1,
                ')' | ']' | '}' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            found.push(TemplateToken { kind, space: space.to_owned(), text });
        }
    }
}

fn word(text: &str) -> usize {
    text.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(text.len())
}

fn operator(text: &str, first: char) -> usize {
    let double = ["//", "**", "==", "!=", ">=", "<="];
    if double.iter().any(|operator| text.starts_with(operator)) { 2 } else { first.len_utf8() }
}

/// A number's length. After a dot it is an index, which has no fraction.
fn number(text: &str, after_dot: bool) -> usize {
    let digits = |from: usize| {
        let rest = &text[from..];
        rest.find(|c: char| c != '_' && !c.is_ascii_digit()).unwrap_or(rest.len())
    };
    if ["0x", "0X", "0b", "0B", "0o", "0O"].iter().any(|prefix| text.starts_with(prefix)) {
        return word(text);
    }
    let mut length = digits(0);
    let digit = |at: usize| text[at..].starts_with(|c: char| c.is_ascii_digit());
    if !after_dot && text[length..].starts_with('.') && digit(length + 1) {
        length += 1 + digits(length + 1);
    }
    if text[length..].starts_with(['e', 'E']) {
        let sign = usize::from(text[length + 1..].starts_with(['-', '+']));
        if digit(length + 1 + sign) {
            length += 1 + sign + digits(length + 1 + sign);
        }
    }
    length
}

fn string(text: &str, quote: char) -> Result<usize, String> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return Ok(at + 1),
            _ => {}
        }
    }
    Err(format!("a string has no end: {quote} is missing"))
}
