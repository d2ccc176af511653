//! Text in PromQL and in the templates of alert annotations.

/// A string literal.
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
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// Text as an annotation: Prometheus runs annotations as templates, and one that does not parse keeps the
/// whole file from loading. `{{ $value }}` and `{{ $labels.name }}` stay; any other `{{` is printed as text.
#[must_use]
pub fn annotation(value: &str) -> String {
    let mut safe = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(open) = rest.find("{{") {
        safe.push_str(&rest[..open]);
        rest = &rest[open + 2..];
        match rest
            .find("}}")
            .filter(|close| is_reference(&rest[..*close]))
        {
            Some(close) => {
                safe.push_str("{{");
                safe.push_str(&rest[..close + 2]);
                rest = &rest[close + 2..];
            }
            None => safe.push_str("{{ \"{{\" }}"),
        }
    }
    safe.push_str(rest);
    safe
}

fn is_reference(inner: &str) -> bool {
    let inner = inner.trim_matches(' ');
    inner == "$value"
        || inner.strip_prefix("$labels.").is_some_and(|label| {
            label.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && label
                    .chars()
                    .all(|character| character.is_ascii_alphanumeric() || character == '_')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_that_do_not_parse_become_text() {
        assert_eq!(
            annotation("{{ $labels.topic }} at {{$value}}"),
            "{{ $labels.topic }} at {{$value}}"
        );
        assert_eq!(annotation("a {{ b"), "a {{ \"{{\" }} b");
        assert_eq!(annotation("{{ end }}"), "{{ \"{{\" }} end }}");
        assert_eq!(text("a\"\\\n"), "\"a\\\"\\\\\\n\"");
    }
}
