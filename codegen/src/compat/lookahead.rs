//! Look-ahead at the start of a pattern, which has no automaton of its own, as a conjunction that has.
//!
//! `^(?!X)Y` is found exactly where `^Y` is found and `^(?:X)` is not, as long as `Y` has no alternatives of its
//! own. Password rules and "no leading dot" are written this way. With a back-reference none of it is so: the parts
//! would count their groups anew.

/// A pattern as patterns that must and must not be found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) found: Vec<String>,
    pub(super) missing: Vec<String>,
}

/// `None` where the pattern does not start with a look-ahead.
pub(super) fn split(pattern: &str) -> Option<Parts> {
    let mut rest = pattern.strip_prefix('^')?;
    let mut parts = Parts::default();
    while let Some((is_negative, after)) = rest
        .strip_prefix("(?!")
        .map(|after| (true, after))
        .or_else(|| rest.strip_prefix("(?=").map(|after| (false, after)))
    {
        let end = closing(after)?;
        let inner = format!("^(?:{})", &after[..end]);
        if is_negative {
            parts.missing.push(inner)
        } else {
            parts.found.push(inner)
        }
        rest = &after[end + 1..];
    }
    if parts == Parts::default() || starts_repetition(rest) || has_alternatives(rest) {
        return None;
    }
    parts.found.push(format!("^{rest}"));
    Some(parts)
}

/// The look-ahead itself would be repeated.
fn starts_repetition(rest: &str) -> bool {
    rest.starts_with(['*', '+', '?', '{'])
}

/// Where the group ends whose inside this is.
fn closing(text: &str) -> Option<usize> {
    scan(text, |depth, character| depth == 0 && character == ')')
}

fn has_alternatives(text: &str) -> bool {
    scan(text, |depth, character| depth == 0 && character == '|').is_some()
}

/// The first character outside classes and escapes for which `stop` holds, with the depth of groups before it.
fn scan(text: &str, stop: impl Fn(usize, char) -> bool) -> Option<usize> {
    let (mut depth, mut in_class, mut escaped) = (0_usize, false, false);
    for (index, character) in text.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        match character {
            '\\' => escaped = true,
            ']' => in_class = false,
            _ if in_class => {}
            '[' => in_class = true,
            _ if stop(depth, character) => return Some(index),
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_leading_ones_are_split() {
        let parts = |found: &[&str], missing: &[&str]| {
            let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
            Some(Parts {
                found: own(found),
                missing: own(missing),
            })
        };
        assert_eq!(split("^(?!a|b)c$"), parts(&["^c$"], &["^(?:a|b)"]));
        assert_eq!(
            split(r"^(?=.*\d)(?!x[)(])(?:a|b)+$"),
            parts(&[r"^(?:.*\d)", "^(?:a|b)+$"], &["^(?:x[)(])"])
        );
        for kept in [
            "^a",
            "a(?!b)",
            "^(?!a)b|c",
            "^(?!a)*b",
            "^(?:(?!a)b)+$",
            "^(?!a",
        ] {
            assert_eq!(split(kept), None, "{kept}");
        }
    }
}
