//! Text as GitHub Markdown, so that nothing in a manifest becomes markup, ends a table or breaks a line.
use std::collections::BTreeMap;

/// Running text on one line.
#[must_use]
pub fn text(value: &str) -> String {
    let line = one_line(value);
    let characters: Vec<char> = line.chars().collect();
    let mut safe = String::with_capacity(line.len());
    for (index, character) in characters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| characters.get(index));
        let after = characters.get(index + 1);
        let inside_word = |neighbour: Option<&char>| neighbour.is_some_and(|c| c.is_alphanumeric());
        let special = match character {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$' => true,
            // Between letters an underscore is only an underscore.
            '_' => !(inside_word(before) && inside_word(after)),
            // These start a heading or a list at the start of a line, and only there.
            '#' | '+' | '-' | '=' | ':' => index == 0,
            '.' | ')' => {
                index > 0
                    && after.is_none_or(|next| *next == ' ')
                    && characters.iter().take(index).all(char::is_ascii_digit)
            }
            _ => false,
        };
        if special {
            safe.push('\\');
        }
        safe.push(*character);
    }
    safe
}

/// A code span; also inside a table.
#[must_use]
pub fn code(value: &str) -> String {
    let line = one_line(value);
    if line.is_empty() {
        return String::new();
    }
    let longest = line
        .split(|character| character != '`')
        .map(str::len)
        .max()
        .unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let gap = if line.starts_with('`') || line.ends_with('`') {
        " "
    } else {
        ""
    };
    // A table's row is split before code spans are seen.
    format!("{fence}{gap}{}{gap}{fence}", line.replace('|', "\\|"))
}

fn one_line(value: &str) -> String {
    value
        .split(|character: char| character.is_whitespace() || character.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Anchors of headings as GitHub makes them; asked for in the document's order.
#[derive(Debug, Default)]
pub struct Anchors(BTreeMap<String, usize>);

impl Anchors {
    /// The anchor of the next heading with this text, markup left out.
    pub fn next(&mut self, heading: &str) -> String {
        let slug: String = heading
            .to_lowercase()
            .chars()
            .filter_map(|character| match character {
                ' ' => Some('-'),
                kept if kept.is_alphanumeric() || kept == '-' || kept == '_' => Some(kept),
                _ => None,
            })
            .collect();
        let seen = self.0.entry(slug.clone()).or_insert(0);
        let anchor = if *seen == 0 {
            slug
        } else {
            format!("{slug}-{seen}")
        };
        *seen += 1;
        anchor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_becomes_markup() {
        for (value, expected) in [
            ("plain words, 2.5 of them", "plain words, 2.5 of them"),
            ("a | b", "a \\| b"),
            ("two\nlines", "two lines"),
            ("snake_case", "snake_case"),
            ("_quiet_ *loud*", "\\_quiet\\_ \\*loud\\*"),
            ("<script>", "\\<script\\>"),
            ("# no heading", "\\# no heading"),
            ("1. no list", "1\\. no list"),
            ("[x](y)", "\\[x\\](y)"),
        ] {
            assert_eq!(text(value), expected);
        }
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code(""), "");
    }

    #[test]
    fn anchors_as_github_makes_them() {
        let mut anchors = Anchors::default();
        assert_eq!(anchors.next("shop.purchase"), "shoppurchase");
        assert_eq!(anchors.next("shop_purchase: v2"), "shop_purchase-v2");
        assert_eq!(anchors.next("Shop.Purchase"), "shoppurchase-1");
    }
}
