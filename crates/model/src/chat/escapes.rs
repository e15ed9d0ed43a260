//! Escapes: those of Python's string literals, read and written in the engine's way, and HTML's.

/// A literal with its quotes, as the library reads it: quotes, backslashes and line ends are
/// escaped.
///
/// # Errors
/// If an escape is none of Python's.
pub(super) fn literal(text: &str) -> Result<String, String> {
    let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
    let plain = unescaped(inner)?;
    let mut written = String::with_capacity(plain.len() + 2);
    written.push('"');
    for c in plain.chars() {
        match c {
            '"' | '\\' => written.extend(['\\', c]),
            // A line end that is not in the template must not add to the line numbers of errors.
            '\n' if !inner.contains('\n') => written.push_str("\\n"),
            _ => written.push(c),
        }
    }
    written.push('"');
    Ok(written)
}

fn unescaped(text: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        let digits = |chars: &mut std::str::Chars, count: usize| {
            let digits: String = chars.take(count).collect();
            let code = (digits.len() == count).then(|| u32::from_str_radix(&digits, 16).ok());
            code.flatten().ok_or_else(|| "a string has an escape that is cut off".to_owned())
        };
        let code = match chars.next() {
            None => return Err("a string ends in a backslash".to_owned()),
            Some('\n') => continue,
            Some('n') => 0x0A,
            Some('t') => 0x09,
            Some('r') => 0x0D,
            Some('a') => 0x07,
            Some('b') => 0x08,
            Some('f') => 0x0C,
            Some('v') => 0x0B,
            Some(c @ ('\\' | '\'' | '"')) => c as u32,
            Some('x') => digits(&mut chars, 2)?,
            Some('u') => digits(&mut chars, 4)?,
            Some('U') => digits(&mut chars, 8)?,
            Some(c) if c.is_digit(8) => {
                let mut code = c.to_digit(8).unwrap_or_default();
                for _ in 0..2 {
                    let Some(digit) = chars.as_str().chars().next().and_then(|c| c.to_digit(8))
                    else {
                        break;
                    };
                    chars.next();
                    code = code * 8 + digit;
                }
                code
            }
            Some('N') => {
                return Err("a string names a character (`\\N`): write it itself".to_owned());
            }
            Some(other) => {
                plain.extend(['\\', other]);
                continue;
            }
        };
        plain
            .push(char::from_u32(code).ok_or_else(|| {
                format!("a string has the escape of no character (U+{code:04X})")
            })?);
    }
    Ok(plain)
}

/// HTML's characters in Python's way.
pub(super) fn html(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '\'' => written.push_str("&#39;"),
            '"' => written.push_str("&#34;"),
            _ => written.push(c),
        }
    }
    written
}
