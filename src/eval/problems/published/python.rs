//! What Python means by blanks, digits and numbers in a text: wider than Rust does.

/// The zeros of all decimal digits (Unicode 14, category Nd); the nine others follow each.
const ZEROS: [u32; 66] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66,
    0xde6, 0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90,
    0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
    0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650,
    0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50,
    0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

/// `str.isspace` of one character: Unicode's white space and four separators.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// What Python's `str.strip()` returns.
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// The value of a decimal digit of any script: `\d` of `re`.
pub fn digit(c: char) -> Option<u8> {
    let c = u32::from(c);
    let zero = ZEROS.iter().rev().find(|&&zero| zero <= c)?;
    u8::try_from(c - zero).ok().filter(|&value| value < 10)
}

/// `float(text)`: blanks around it, digits of any script and `_` between digits are allowed;
/// `inf` and `nan` are numbers. `None` where Python raises.
pub fn float(text: &str) -> Option<f64> {
    let mut plain = String::new();
    let mut before = ' ';
    for c in strip(text).chars() {
        let c = digit(c).map_or(c, |value| char::from(b'0' + value));
        match (before, c) {
            ('0'..='9', '_') | ('_', '0'..='9') => {}
            (_, '_') | ('_', _) => return None,
            _ => {}
        }
        if c != '_' {
            plain.push(c);
        }
        before = c;
    }
    if before == '_' { None } else { plain.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::{digit, float, strip};

    #[test]
    fn numbers_are_those_of_python() {
        for (text, expected) in [
            ("12", Some(12.0)),
            (" 1_000\u{1c}", Some(1000.0)),
            ("1_0.0_1e1_0", Some(10.01e10)),
            ("١٢", Some(12.0)),
            ("１_２", Some(12.0)),
            ("-.5", Some(-0.5)),
            ("+5.", Some(5.0)),
            ("Infinity", Some(f64::INFINITY)),
            ("1__0", None),
            ("_1", None),
            ("1_", None),
            ("1_.5", None),
            ("1e_5", None),
            ("0x10", None),
            ("1 0", None),
            ("½", None),
            ("²", None),
            (".", None),
            ("", None),
        ] {
            assert_eq!(float(text), expected, "{text:?}");
        }
        assert!(float("-nan").is_some_and(f64::is_nan));
    }

    #[test]
    fn digits_and_blanks_are_those_of_python() {
        for (c, expected) in
            [('0', Some(0)), ('9', Some(9)), (':', None), ('/', None), ('߉', Some(9)), ('ߊ', None)]
        {
            assert_eq!(digit(c), expected, "{c:?}");
        }
        assert_eq!(digit('\u{1d7ff}'), Some(9));
        assert_eq!(digit('\u{10ffff}'), None);
        assert_eq!(strip("\u{3000}\u{1f}a b\u{85}"), "a b");
        assert_eq!(strip("\u{200b}a"), "\u{200b}a");
    }
}
