//! Text of others on a terminal.

use std::borrow::Cow;

/// Escapes what would control the terminal, break the line or reorder its text, as in `\u{1b}`.
pub fn harmless(text: &str) -> Cow<'_, str> {
    escape(text, |character| character.escape_unicode().to_string())
}

/// Does the same with JSON, whose strings then are what they were.
pub fn harmless_json(json: &str) -> Cow<'_, str> {
    // They have four digits each.
    escape(json, |character| format!("\\u{:04x}", u32::from(character)))
}

fn escape(text: &str, escaped: fn(char) -> String) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return text.into();
    }
    let mut harmless = String::new();
    for character in text.chars() {
        if is_harmful(character) {
            harmless.push_str(&escaped(character));
        } else {
            harmless.push(character);
        }
    }
    harmless.into()
}

fn is_harmful(character: char) -> bool {
    match character {
        '\t' => false,
        // Bidirectional controls, line and paragraph separators, and a mark that nobody sees.
        '\u{61c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => true,
        _ => character.is_control(),
    }
}
