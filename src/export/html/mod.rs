//! The player's page: one file that loads nothing, with the data inside.

mod player;

use std::io::Write;

use sha2::{Digest, Sha256};

use self::player::Player;
use super::{
    error::ExportError,
    format::{Document, ExportFormat, Make},
};
use crate::escape::{self, xml};

/// A page that plays a run.
pub const FORMAT: ExportFormat = ExportFormat {
    name: "html",
    help: "a player: one page that opens from a file and loads nothing",
    step: Some("opened at"),
    make: Make::Document(player),
};

const PAGE: &str = include_str!("../../../assets/player/index.html");
const SCRIPT: &str = include_str!("../../../assets/player/player.js");
const STYLE: &str = include_str!("../../../assets/player/player.css");

/// Writes the page.
///
/// # Errors
/// If it cannot be written.
pub fn player(
    &Document { name, recording, step, colors, theme }: &Document,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let data = serde_json::to_string(&Player::of(name, recording, step))?;
    let style = format!("{colors}{STYLE}");
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; \
         form-action 'none'",
        digest(SCRIPT),
        digest(&style)
    );
    let parts = [
        ("{theme}", theme.unwrap_or("auto").to_owned()),
        ("{policy}", policy),
        ("{title}", xml(&escape::one_line(name))),
        ("{style}", style),
        ("{data}", in_script(&data)),
        ("{script}", SCRIPT.to_owned()),
    ];
    // In the order of the page, so that nothing put in is looked through again.
    let mut rest = PAGE;
    for (mark, part) in parts {
        let (before, behind) = rest.split_once(mark).unwrap_or((rest, ""));
        out.write_all(before.as_bytes())?;
        out.write_all(part.as_bytes())?;
        rest = behind;
    }
    Ok(out.write_all(rest.as_bytes())?)
}

/// JSON that means the same and cannot end a script, begin a comment in one, or hide anything.
fn in_script(json: &str) -> String {
    escape::json(json, &['<', '>', '&'])
}

/// What a policy names an inline part by: SHA-256 in base64.
fn digest(part: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in Sha256::digest(part.as_bytes()).chunks(3) {
        let bits = (0..3).fold(0u32, |bits, at| {
            bits << 8 | u32::from(three.get(at).copied().unwrap_or_default())
        });
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_named_as_policies_name_them() {
        assert_eq!(digest(""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        assert_eq!(digest("abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    }

    #[test]
    fn json_in_a_script_stays_there_and_means_the_same() {
        let text = "</script><!--&\u{2028}\u{202e}\u{e0041}\u{7f}é";
        let json = serde_json::to_string(text).unwrap();
        let safe = in_script(&json);
        assert!(!safe.contains(['<', '>', '&', '\u{2028}', '\u{202e}', '\u{e0041}', '\u{7f}']));
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
    }
}
