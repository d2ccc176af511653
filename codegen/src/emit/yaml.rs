//! Text as YAML: always in double quotes, so that no text can end a scalar or turn into another type.
use std::fmt::Write as _;

/// A double-quoted scalar; what YAML does not print, it escapes.
#[must_use]
pub fn text(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for character in value.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            // YAML's line breaks and byte order mark are printable but change meaning inside a scalar.
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(character));
            }
            control if control.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// Text on one comment line.
#[must_use]
pub fn comment(value: &str) -> String {
    value
        .chars()
        .map(|character| {
            if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}') {
                ' '
            } else {
                character
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_a_scalar() {
        for (value, expected) in [
            ("plain", "\"plain\""),
            ("yes", "\"yes\""),
            ("a\"b\\c", "\"a\\\"b\\\\c\""),
            ("a\nb: c\r", "\"a\\nb: c\\r\""),
            ("# no comment", "\"# no comment\""),
            ("\u{7}\u{85}\u{2028}", "\"\\u0007\\u0085\\u2028\""),
            ("한국어", "\"한국어\""),
        ] {
            assert_eq!(text(value), expected);
        }
        assert_eq!(comment("a\nb"), "a b");
    }
}
