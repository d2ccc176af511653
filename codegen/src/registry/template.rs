//! Deduplication key templates: text with JSON pointers in braces.
use super::TemplatePart;

/// Splits `{/event_type}:{/user_id}` into its parts.
///
/// # Errors
/// What is wrong, in words.
pub fn parse(template: &str) -> Result<Vec<TemplatePart>, String> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some(open) = rest.find(['{', '}']) {
        if rest[open..].starts_with('}') {
            return Err("a `}` without its `{`".to_owned());
        }
        if open > 0 {
            parts.push(TemplatePart::Text(rest[..open].to_owned()));
        }
        let inner = &rest[open + 1..];
        let close = inner.find('}').ok_or("a `{` without its `}`")?;
        let pointer = &inner[..close];
        if !pointer.starts_with('/') {
            return Err(format!(
                "`{pointer}` is not a JSON pointer; pointers start with `/`"
            ));
        }
        parts.push(TemplatePart::Pointer(pointer.to_owned()));
        rest = &inner[close + 1..];
    }
    if !rest.is_empty() {
        parts.push(TemplatePart::Text(rest.to_owned()));
    }
    if parts
        .iter()
        .all(|part| matches!(part, TemplatePart::Text(_)))
    {
        return Err("without a pointer all events would have one key".to_owned());
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates() {
        let pointer = |text: &str| TemplatePart::Pointer(text.to_owned());
        let text = |text: &str| TemplatePart::Text(text.to_owned());
        assert_eq!(
            parse("{/a}:{/b/c}!"),
            Ok(vec![pointer("/a"), text(":"), pointer("/b/c"), text("!")])
        );
        for broken in ["{/a", "/a}", "{a}", "plain", ""] {
            assert!(parse(broken).is_err(), "{broken}");
        }
    }
}
