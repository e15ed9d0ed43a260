//! A template's source, rewritten for the template library (minijinja). Constructs of Jinja2 and
//! transformers that the library lacks are expressed in its own language: `{% generation %}`,
//! operators (see [`operators`]), `varargs` and `kwargs`, raw blocks, strings with Python's
//! escapes, line ends.

use super::{
    escapes, operators,
    scan::{TemplatePart, TemplateTag, TemplateToken, TemplateTokenKind, segments},
    templates::LARGEST_TEMPLATE,
};

/// The function that prints the body of `{% generation %}`.
pub(super) const GENERATION: &str = "generation__";
/// The function that checks a value that was put into a namespace.
pub(super) const SOUND: &str = "sound__";
/// The function that gives a macro what its parameters do not take.
pub(super) const WITH_REST: &str = "with_rest__";

/// Statements of Jinja2 that transformers does not switch on, or has nothing to load for.
const ELSEWHERE: [&str; 7] = ["do", "trans", "debug", "include", "import", "from", "extends"];

/// A template in the engine's words.
///
/// # Errors
/// If something has no end, or is nothing that transformers would render.
pub(super) fn adapted(template: &str) -> Result<String, String> {
    // The library's parser recurses, and a long expression may be as deep as it is long.
    if template.len() as u64 > LARGEST_TEMPLATE {
        return Err(format!("it is larger than {} KiB", LARGEST_TEMPLATE >> 10));
    }
    let unix = template.replace("\r\n", "\n").replace('\r', "\n");
    let mut segments = segments(&unix)?;
    let mut macros = Macros::default();
    let rests = macros_with_rest(&segments);
    let mut open: Vec<String> = Vec::new();
    let mut text = String::new();
    for (index, segment) in segments.iter_mut().enumerate() {
        match segment {
            TemplatePart::Text(plain) => text.push_str(plain),
            // A line end after the first tag stays, as in Jinja2, unless a sign takes it.
            TemplatePart::Raw { open, body, close } => {
                let body = body.trim_start();
                let sign = if body.starts_with('-') { "" } else { "+" };
                text.extend([open, " raw ", sign, body, close]);
            }
            TemplatePart::Tag(tag) => {
                if let Some(name) = tag.statement() {
                    nested(&mut open, name)?;
                }
                let mut after = macros.open_or_close(tag, rests.contains(&index))?;
                generation(tag);
                after.push_str(&member(tag));
                expressions(tag)?;
                print(tag, &after, &mut text);
            }
        }
    }
    Ok(text)
}

/// Follows which statements are open, and refuses what cannot be done.
fn nested(open: &mut Vec<String>, name: &str) -> Result<(), String> {
    if ELSEWHERE.contains(&name) {
        return Err(format!(
            "`{{% {name} %}}` is no statement that transformers knows in a chat template"
        ));
    }
    match name {
        "break" | "continue" => {
            let inner = open.iter().rev().take_while(|name| *name != "for");
            if inner.into_iter().any(|name| name == "with") {
                return Err(format!(
                    "`{{% {name} %}}` out of a `{{% with %}}` inside the loop cannot be done here. \
                     Use `{{% set %}}` in place of `{{% with %}}`"
                ));
            }
        }
        "for" | "with" => open.push(name.to_owned()),
        _ => {
            if let Some(ended) = name.strip_prefix("end")
                && open.last().is_some_and(|last| last == ended)
            {
                open.pop();
            }
        }
    }
    Ok(())
}

fn print(tag: &TemplateTag, after: &str, text: &mut String) {
    text.push_str(tag.open);
    for token in &tag.tokens {
        text.push_str(&token.space);
        // Two words that stood in different places must not become one.
        let words = |c: char| c == '_' || c.is_alphanumeric();
        if text.ends_with(words) && token.text.starts_with(words) {
            text.push(' ');
        }
        text.push_str(&token.text);
    }
    if after.is_empty() {
        text.push_str(tag.close);
    } else {
        // The sign at the end is for what follows the whole.
        let end = tag.close.trim_start();
        text.extend([" %}", after, end]);
    }
}

/// `{% generation %}` marks what the assistant said; its text is printed as it is, its variables
/// are its own.
fn generation(tag: &mut TemplateTag) {
    match tag.statement() {
        Some("generation") => tag.tokens[0].text = format!("call {GENERATION}()"),
        Some("endgeneration") => tag.tokens[0].text = "endcall".to_owned(),
        _ => {}
    }
}

/// Rewrites a statement that sets members of namespaces. The body of a macro or call sees only
/// variables that an expression names, so the statement names the namespaces first. Returns what
/// follows the statement, which checks the values that were put into them.
fn member(tag: &mut TemplateTag) -> String {
    let Some(end) = tag.tokens.iter().position(|token| token.is("=")) else { return String::new() };
    if tag.statement() != Some("set") {
        return String::new();
    }
    let (mut before, mut after) = (String::new(), Vec::new());
    for target in tag.tokens[1..end].windows(3) {
        if let [owner, dot, name] = target
            && dot.is(".")
        {
            let (owner, name) = (&owner.text, &name.text);
            before.push_str(&format!("if {owner} %}}{{% endif %}}{{% "));
            after.push(format!("{{% if {SOUND}({owner}, {owner}.{name}) %}}{{% endif "));
        }
    }
    tag.tokens[0].text = format!("{before}set");
    after.join("%}")
}

/// Statements that declare a macro whose body names `varargs` or `kwargs`, by their places.
fn macros_with_rest(segments: &[TemplatePart]) -> Vec<usize> {
    let (mut found, mut open) = (Vec::new(), Vec::new());
    for (index, segment) in segments.iter().enumerate() {
        let TemplatePart::Tag(tag) = segment else { continue };
        match tag.statement() {
            Some("macro") => open.push(index),
            Some("endmacro") => {
                open.pop();
            }
            _ => {
                let mut before: Option<&TemplateToken> = None;
                for token in &tag.tokens {
                    let member = before.is_some_and(|before| before.is("."));
                    let rest = token.text == "varargs" || token.text == "kwargs";
                    if let Some(&declared) = open.last()
                        && token.kind == TemplateTokenKind::Name
                        && rest
                        && !member
                        && !found.contains(&declared)
                    {
                        found.push(declared);
                    }
                    before = Some(token);
                }
            }
        }
    }
    found
}

/// The macros that are open.
#[derive(Default)]
struct Macros {
    /// For each what its end is followed by.
    after: Vec<String>,
}

impl Macros {
    /// Changes the statement that begins a macro, and gives what follows it.
    ///
    /// - A macro that wants the rest of its arguments gets them as two more parameters, and a
    ///   function of its name sorts them.
    /// - A default that names another parameter is put into the body.
    fn open_or_close(&mut self, tag: &mut TemplateTag, wants_rest: bool) -> Result<String, String> {
        match tag.statement() {
            Some("endmacro") => return Ok(self.after.pop().unwrap_or_default()),
            Some("macro") => {}
            _ => return Ok(String::new()),
        }
        let parameters = parameters(&tag.tokens);
        let names: Vec<String> = parameters.iter().map(|(name, _)| name.clone()).collect();
        let mut defaults = String::new();
        for (name, default) in parameters.iter().rev() {
            let Some(range) = default else { continue };
            let own = &tag.tokens[range.clone()];
            if own
                .iter()
                .any(|token| token.kind == TemplateTokenKind::Name && names.contains(&token.text))
            {
                let value = expression(own.to_vec())?;
                let value: String =
                    value.iter().flat_map(|token| [token.space.as_str(), &token.text]).collect();
                defaults = format!(
                    "{{% if {name} is undefined %}}{{% set {name} = {value} %}}{{% endif %}}{defaults}"
                );
                tag.tokens.drain(range.start - 1..range.end);
            }
        }
        let mut after = String::new();
        if wants_rest && let Some(name) = tag.tokens.get(1).map(|token| token.text.clone()) {
            if let Some(end) = tag.tokens.iter().rposition(|token| token.is(")")) {
                let comma = if names.is_empty() { "" } else { "," };
                tag.tokens[end].text = format!("{comma} varargs=(), kwargs={{}})");
            }
            tag.tokens[1].text = format!("{name}__all");
            after = format!("{{% set {name} = {WITH_REST}({name}__all, {names:?}) ");
        }
        self.after.push(after);
        // The tag itself ends here if something follows.
        Ok(defaults.strip_suffix("%}").map(str::to_owned).unwrap_or_default())
    }
}

/// A macro's parameters, each with the tokens of its default.
fn parameters(tokens: &[TemplateToken]) -> Vec<(String, Option<std::ops::Range<usize>>)> {
    let (mut found, mut depth) = (Vec::new(), 0usize);
    let mut start = None;
    for (at, token) in tokens.iter().enumerate() {
        let ends = depth == 1 && (token.is(",") || token.is(")"));
        if ends && let Some(start) = start.take() {
            let parameter: &[TemplateToken] = &tokens[start..at];
            let default = parameter.get(1).is_some_and(|token| token.is("="));
            if let Some(name) = parameter.first() {
                found.push((name.text.clone(), default.then_some(start + 2..at)));
            }
        }
        if token.opens() {
            depth += 1;
        } else if token.closes() {
            depth = depth.saturating_sub(1);
        }
        let begins = depth == 1 && (token.is("(") || token.is(","));
        if begins {
            start = Some(at + 1);
        }
    }
    found
}

fn expressions(tag: &mut TemplateTag) -> Result<(), String> {
    // The first word of a statement is its name, not an operand.
    let start = usize::from(tag.statement().is_some());
    let rest = tag.tokens.split_off(start);
    tag.tokens.extend(expression(rest)?);
    Ok(())
}

/// An expression, or several with what separates them, in the engine's words.
fn expression(mut tokens: Vec<TemplateToken>) -> Result<Vec<TemplateToken>, String> {
    for token in &mut tokens {
        if token.kind == TemplateTokenKind::String {
            token.text = escapes::literal(&token.text)?;
        }
    }
    operators::called(tokens)
}
