//! Text of others as it may be printed: nothing in it moves a cursor, turns a line around, or is no XML.
use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with each character that must not be printed as `\u{1b}` shows it; lines and tabs stay.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' if characters.peek() == Some(&'\n') => {}
            acting if acts(acting) => shown.extend(acting.escape_unicode()),
            other => shown.push(other),
        }
    }
    Cow::Owned(shown)
}

/// The same on one line, for places: a name may have any character.
#[must_use]
pub fn on_one_line(text: &str) -> String {
    visible(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// The same JSON document with those characters as JSON escapes, so that what is read from it is the same.
#[must_use]
pub fn in_json(document: String) -> String {
    if !document.contains(acts) {
        return document;
    }
    let mut shown = String::with_capacity(document.len() + 16);
    for character in document.chars() {
        if acts(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing into a text does not fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Whether a character does something instead of being shown.
fn acts(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        // Marks, embeddings, overrides and isolates of writing direction.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            true
        }
        // Ends of lines to some, and what is nothing to all.
        '\u{2028}' | '\u{2029}' | '\u{200b}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}' => true,
        // XML 1.0 has no way to write the last two of the first plane; those of other planes are as much no text.
        other => other.is_control() || (other as u32) & 0xfffe == 0xfffe,
    }
}

#[cfg(test)]
mod tests {
    use super::{in_json, on_one_line, visible};

    #[test]
    fn what_acts_is_shown() {
        let text =
            "a\u{1b}[31m\0\u{7f}\u{9b}\u{202e}\u{2066}\u{fffe}\u{ffff}\u{10ffff}\r b\tc\r\nd";
        assert_eq!(
            visible(text),
            "a\\u{1b}[31m\\u{0}\\u{7f}\\u{9b}\\u{202e}\\u{2066}\\u{fffe}\\u{ffff}\\u{10ffff}\\u{d} b\tc\nd"
        );
        assert_eq!(visible("é 中 👩‍🚀 ح"), "é 中 👩‍🚀 ح");
    }

    #[test]
    fn a_place_is_one_line() {
        assert_eq!(on_one_line("/a\n\tb\r\nc"), "/a\\n\\tb\\nc");
    }

    #[test]
    fn a_json_document_stays_the_same() {
        let value = serde_json::json!({"a\u{202e}": ["\u{1b}", "\u{10ffff}\u{7f}", "\\u{ffff}"]});
        let text = in_json(format!("{value:#}"));
        assert!(text.is_ascii(), "{text}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
    }
}
