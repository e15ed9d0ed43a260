//! Operators that our own functions compute. The template library joins sequences lazily, does not
//! bound their size, and prints joined sequences otherwise than Python. So a template's operators
//! are rewritten as calls of functions before the library parses it.

use std::iter::Peekable;

use super::scan::{TemplateToken, TemplateTokenKind};

/// The function for `+`.
pub(super) const ADD: &str = "add__";
/// The function for `*`.
pub(super) const MULTIPLY: &str = "multiply__";
/// The function for `%`.
pub(super) const REMAINDER: &str = "remainder__";
/// The function for `~`.
pub(super) const CONCAT: &str = "concat__";
/// The function for `value[start:stop:step]`.
pub(super) const SLICE: &str = "slice__";

/// Words that stand between operands.
const BETWEEN: [&str; 9] = ["and", "or", "not", "in", "if", "else", "elif", "is", "recursive"];

/// The deepest nesting of brackets; the library parses no deeper one.
const DEEPEST: usize = 150;

/// The tokens of a tag with its operators as calls. A unary `+` is left out.
///
/// # Errors
/// If an operator has no operand, or brackets are nested too deeply.
pub(super) fn called(tokens: Vec<TemplateToken>) -> Result<Vec<TemplateToken>, String> {
    let mut reader = TemplateReader { rest: tokens.into_iter().peekable(), depth: 0 };
    let mut written = Vec::new();
    while reader.rest.peek().is_some() {
        written.extend(reader.list(false)?);
        // A closing bracket without an opening one: the library reports it.
        written.extend(reader.rest.next());
    }
    Ok(written)
}

/// Reads expressions by as much of Jinja2's grammar as it takes to find the operands of an
/// operator. The library then parses the result in full.
struct TemplateReader {
    rest: Peekable<std::vec::IntoIter<TemplateToken>>,
    depth: usize,
}

impl TemplateReader {
    fn next_is(&mut self, operators: &[&str]) -> bool {
        self.rest.peek().is_some_and(|next| operators.iter().any(|operator| next.is(operator)))
    }

    fn next_is_word(&mut self, word: &str) -> bool {
        self.rest
            .peek()
            .is_some_and(|next| next.kind == TemplateTokenKind::Name && next.text == word)
    }

    /// Operands and their separators, up to a closing bracket, or up to a colon if `to_colon`.
    fn list(&mut self, to_colon: bool) -> Result<Vec<TemplateToken>, String> {
        let mut written = Vec::new();
        while let Some(next) = self.rest.peek() {
            if next.closes() || (to_colon && next.is(":")) {
                break;
            }
            match next.kind {
                TemplateTokenKind::Name if BETWEEN.contains(&next.text.as_str()) => {
                    written.extend(self.rest.next());
                }
                TemplateTokenKind::Operator
                    if !["(", "[", "{", "+", "-"].iter().any(|sign| next.is(sign)) =>
                {
                    written.extend(self.rest.next());
                }
                _ => written.extend(self.sum()?),
            }
        }
        Ok(written)
    }

    fn sum(&mut self) -> Result<Vec<TemplateToken>, String> {
        let mut terms = vec![self.concatenation()?];
        while let Some(operator) = self.rest.next_if(|next| next.is("+") || next.is("-")) {
            let right = self.operand(&operator, Self::concatenation)?;
            if operator.is("+") {
                terms.push(comma(&operator));
                terms.push(right);
            } else {
                let mut left = call(ADD, std::mem::take(&mut terms));
                left.push(operator);
                left.extend(right);
                terms.push(left);
            }
        }
        Ok(call(ADD, terms))
    }

    fn concatenation(&mut self) -> Result<Vec<TemplateToken>, String> {
        let mut parts = vec![self.product()?];
        while let Some(operator) = self.rest.next_if(|next| next.is("~")) {
            parts.push(comma(&operator));
            parts.push(self.operand(&operator, Self::product)?);
        }
        Ok(call(CONCAT, parts))
    }

    fn product(&mut self) -> Result<Vec<TemplateToken>, String> {
        const OPERATORS: [&str; 4] = ["*", "/", "//", "%"];
        let mut left = self.power()?;
        while let Some(operator) =
            self.rest.next_if(|next| OPERATORS.iter().any(|operator| next.is(operator)))
        {
            let right = self.operand(&operator, Self::power)?;
            left = match operator.text.as_str() {
                "*" => call(MULTIPLY, vec![left, comma(&operator), right]),
                "%" => call(REMAINDER, vec![left, comma(&operator), right]),
                _ => {
                    left.push(operator);
                    left.extend(right);
                    left
                }
            };
        }
        Ok(left)
    }

    fn power(&mut self) -> Result<Vec<TemplateToken>, String> {
        let mut written = self.signed()?;
        while let Some(operator) = self.rest.next_if(|next| next.is("**")) {
            let right = self.operand(&operator, Self::signed)?;
            written.push(operator);
            written.extend(right);
        }
        Ok(written)
    }

    /// The operand behind an operator.
    fn operand(
        &mut self,
        operator: &TemplateToken,
        read: impl FnOnce(&mut Self) -> Result<Vec<TemplateToken>, String>,
    ) -> Result<Vec<TemplateToken>, String> {
        let read = read(self)?;
        match read.is_empty() {
            true => Err(format!("nothing stands behind `{}`", operator.text)),
            false => Ok(read),
        }
    }

    fn signed(&mut self) -> Result<Vec<TemplateToken>, String> {
        let mut signs: Vec<TemplateToken> = Vec::new();
        let mut space = String::new();
        while let Some(mut sign) = self.rest.next_if(|next| next.is("+") || next.is("-")) {
            space.push_str(&sign.space);
            if sign.is("-") {
                sign.space = std::mem::take(&mut space);
                signs.push(sign);
            }
        }
        if signs.len() > DEEPEST {
            return Err("an expression has too many signs".to_owned());
        }
        let mut operand = self.member()?;
        if let Some(first) = operand.first_mut() {
            first.space.insert_str(0, &space);
        } else if let Some(sign) = signs.last() {
            return Err(format!("nothing stands behind `{}`", sign.text));
        }
        signs.extend(self.filtered(operand)?);
        Ok(signs)
    }

    /// A name, literal or bracket with its members, items and calls.
    fn member(&mut self) -> Result<Vec<TemplateToken>, String> {
        let mut written = Vec::new();
        match self.rest.peek() {
            Some(next) if next.opens() => written.extend(self.bracket()?),
            Some(next) if next.kind == TemplateTokenKind::String => {
                // Adjacent string literals are one string.
                while let Some(next) =
                    self.rest.next_if(|next| next.kind == TemplateTokenKind::String)
                {
                    match written.last_mut() {
                        None => written.push(next),
                        Some(TemplateToken { text, .. }) => {
                            text.pop();
                            text.push_str(next.text.get(1..).unwrap_or_default());
                        }
                    }
                }
            }
            Some(next)
                if next.kind != TemplateTokenKind::Operator
                    && !BETWEEN.contains(&next.text.as_str()) =>
            {
                written.extend(self.rest.next());
            }
            _ => return Ok(written),
        }
        loop {
            if let Some(dot) = self.rest.next_if(|next| next.is(".")) {
                written.push(dot);
                written.extend(self.rest.next_if(|next| next.kind != TemplateTokenKind::Operator));
            } else if self.next_is(&["("]) {
                written.extend(self.bracket()?);
            } else if self.next_is(&["["]) {
                written = self.item(written)?;
            } else {
                return Ok(written);
            }
        }
    }

    /// An operand with its filters and tests.
    fn filtered(&mut self, mut written: Vec<TemplateToken>) -> Result<Vec<TemplateToken>, String> {
        loop {
            let test = self.next_is_word("is");
            if !test && !self.next_is(&["|"]) {
                return Ok(written);
            }
            written.extend(self.rest.next());
            written.extend(self.rest.next_if(|next| test && next.text == "not"));
            written.extend(self.rest.next_if(|next| next.kind == TemplateTokenKind::Name));
            while self.next_is(&["."]) {
                written.extend(self.rest.next());
                written.extend(self.rest.next_if(|next| next.kind == TemplateTokenKind::Name));
            }
            if self.next_is(&["("]) {
                written.extend(self.bracket()?);
            } else if test {
                written.extend(self.member()?);
            }
        }
    }

    /// Brackets and their content.
    fn bracket(&mut self) -> Result<Vec<TemplateToken>, String> {
        let mut written: Vec<TemplateToken> = self.rest.next().into_iter().collect();
        written.extend(self.deeper(|reader| reader.list(false))?);
        written.extend(self.rest.next());
        Ok(written)
    }

    /// `of[index]`, or a slice `of[start:stop:step]`.
    fn item(&mut self, of: Vec<TemplateToken>) -> Result<Vec<TemplateToken>, String> {
        let open: Vec<TemplateToken> = self.rest.next().into_iter().collect();
        let mut parts = vec![self.deeper(|reader| reader.list(true))?];
        let mut colons = Vec::new();
        while let Some(colon) = self.rest.next_if(|next| next.is(":")) {
            colons.push(colon);
            parts.push(self.deeper(|reader| reader.list(true))?);
        }
        let close: Vec<TemplateToken> = self.rest.next().into_iter().collect();
        if colons.is_empty() {
            return Ok([of, open, parts.concat(), close].concat());
        }
        if colons.len() > 2 {
            return Err("a part `[start:stop:step]` has too many colons".to_owned());
        }
        let mut arguments = vec![of, comma(&TemplateToken::new(TemplateTokenKind::Operator, ","))];
        let colons = colons.iter().map(Some).chain([None]);
        for (part, colon) in parts.into_iter().zip(colons) {
            let none = || vec![TemplateToken::new(TemplateTokenKind::Name, "none")];
            arguments.push(if part.is_empty() { none() } else { part });
            arguments.extend(colon.map(comma));
        }
        Ok(call(SLICE, arguments))
    }

    fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("brackets are nested too deeply".to_owned());
        }
        let read = read(self);
        self.depth -= 1;
        read
    }
}

/// A comma in the place of an operator.
fn comma(operator: &TemplateToken) -> Vec<TemplateToken> {
    vec![TemplateToken {
        space: operator.space.clone(),
        ..TemplateToken::new(TemplateTokenKind::Operator, ",")
    }]
}

/// A call of a function with these arguments and the commas between them. A single argument is
/// returned as it is, without a call.
fn call(function: &str, mut arguments: Vec<Vec<TemplateToken>>) -> Vec<TemplateToken> {
    if arguments.len() < 2 {
        return arguments.pop().unwrap_or_default();
    }
    let first = arguments.first_mut().and_then(|argument| argument.first_mut());
    let space = first.map(|first| std::mem::take(&mut first.space)).unwrap_or_default();
    let mut written = vec![
        TemplateToken { space, ..TemplateToken::new(TemplateTokenKind::Name, function) },
        TemplateToken::new(TemplateTokenKind::Operator, "("),
    ];
    written.extend(arguments.into_iter().flatten());
    written.push(TemplateToken::new(TemplateTokenKind::Operator, ")"));
    written
}

#[cfg(test)]
mod tests {
    use super::called;
    use crate::chat::scan::{TemplatePart, segments};

    fn check(expression: &str, expected: &str) {
        let text = format!("{{{{ {expression} }}}}");
        let tag = segments(&text).unwrap().into_iter().find_map(|segment| match segment {
            TemplatePart::Tag(tag) => Some(tag),
            _ => None,
        });
        let written = called(tag.unwrap().tokens).unwrap();
        let written: String =
            written.iter().map(|token| format!("{}{}", token.space, token.text)).collect();
        assert_eq!(written.trim(), expected, "{expression}");
    }

    #[test]
    fn operands_are_those_of_the_grammar() {
        for (expression, expected) in [
            ("a+b", "add__(a,b)"),
            ("a+b+c", "add__(a,b,c)"),
            ("a-b+c-d", "add__(a-b,c)-d"),
            ("a+b*c", "add__(a,multiply__(b,c))"),
            ("a*b%c/d", "remainder__(multiply__(a,b),c)/d"),
            ("a~b+c~d", "add__(concat__(a,b),concat__(c,d))"),
            ("a~b~c", "concat__(a,b,c)"),
            ("-a+ +b", "add__(-a, b)"),
            ("-2**3*x", "multiply__(-2**3,x)"),
            ("a|f(b+c)+d", "add__(a|f(add__(b,c)),d)"),
            ("a+b if c+d else e+f", "add__(a,b) if add__(c,d) else add__(e,f)"),
            ("a is divisibleby 3+b", "add__(a is divisibleby 3,b)"),
            ("a is not none and b+c", "a is not none and add__(b,c)"),
            ("x not in a+b", "x not in add__(a,b)"),
            ("{'a':b+c,'d':[e*2]}", "{'a':add__(b,c),'d':[multiply__(e,2)]}"),
            ("a[1:]", "slice__(a,1,none)"),
            ("a.b[::-1][0].c(d)", "slice__(a.b,none,none,-1)[0].c(d)"),
            (
                "a[i+1:-j|int]+b[{'c':1}['c']]",
                "add__(slice__(a,add__(i,1),-j|int),b[{'c':1}['c']])",
            ),
            ("f(a=b+c,*d)", "f(a=add__(b,c),*d)"),
            ("a == b+c", "a == add__(b,c)"),
        ] {
            check(expression, expected);
        }
    }
}
