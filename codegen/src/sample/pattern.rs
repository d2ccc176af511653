//! Texts in which a pattern is found, drawn from the pattern's parts.
use std::collections::HashMap;

use regex_syntax::hir::{Class, Hir, HirKind};

use super::dice::Dice;

/// Longest text drawn, in bytes.
const LONGEST: usize = 20_000;

/// What reads well, most of all.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";
const SIGNS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_. :/@+,;!?#$%&'()*<=>[]^`{|}~\"\\";

/// Patterns of schemas, compiled once.
#[derive(Debug, Default)]
pub(super) struct Patterns(HashMap<String, Pattern>);

#[derive(Debug)]
struct Pattern {
    /// None where the pattern is nothing that can be tried; the validator then has the word.
    matcher: Option<fancy_regex::Regex>,
    /// None for look-around and back-references.
    parts: Option<Hir>,
}

impl Patterns {
    fn of(&mut self, source: &str) -> &Pattern {
        // Looked up by the borrowed text first: most are there.
        if !self.0.contains_key(source) {
            let translated = jsonschema_regex::to_rust_regex(source).ok();
            let translated = translated.as_deref();
            let pattern = Pattern {
                matcher: translated.and_then(|text| fancy_regex::Regex::new(text).ok()),
                parts: translated.and_then(|text| regex_syntax::parse(text).ok()),
            };
            self.0.insert(source.to_owned(), pattern);
        }
        &self.0[source]
    }

    /// Whether the pattern is found in a text, as far as can be told.
    pub(super) fn is_match(&mut self, source: &str, text: &str) -> bool {
        let matcher = self.of(source).matcher.as_ref();
        matcher.is_none_or(|matcher| matcher.is_match(text).unwrap_or(false))
    }

    /// A text drawn from the pattern; open repetitions are taken up to `more` times beyond their least.
    pub(super) fn draw(&mut self, source: &str, more: u32, dice: &mut Dice) -> Option<String> {
        let parts = self.of(source).parts.as_ref()?;
        let mut text = String::new();
        write(parts, more, dice, &mut text)?;
        Some(text)
    }
}

/// None where the text gets too long, or the pattern asks for what no text has.
fn write(hir: &Hir, more: u32, dice: &mut Dice, text: &mut String) -> Option<()> {
    if text.len() > LONGEST {
        return None;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(class) => text.push(letter(class, dice)?),
        HirKind::Repetition(repetition) => {
            let most = repetition
                .max
                .unwrap_or(u32::MAX)
                .min(repetition.min.saturating_add(more));
            let count = dice.between(repetition.min.into(), most.into());
            for _ in 0..count {
                write(&repetition.sub, more, dice, text)?;
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, more, dice, text)?,
        HirKind::Concat(parts) => {
            for part in parts {
                write(part, more, dice, text)?;
            }
        }
        HirKind::Alternation(branches) => write(dice.pick(branches)?, more, dice, text)?,
    }
    Some(())
}

fn letter(class: &Class, dice: &mut Dice) -> Option<char> {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class
            .ranges()
            .iter()
            .map(|range| (range.start(), range.end()))
            .collect(),
        Class::Bytes(class) => class
            .ranges()
            .iter()
            .filter(|range| range.end().is_ascii())
            .map(|range| (range.start().into(), range.end().into()))
            .collect(),
    };
    let is_in = |letter: &char| {
        ranges
            .iter()
            .any(|(low, high)| (low..=high).contains(&letter))
    };
    let small: Vec<char> = LETTERS.chars().filter(is_in).collect();
    let others: Vec<char> = SIGNS.chars().filter(is_in).collect();
    // A class of nearly everything reads best in small letters.
    let others = if others.len() > 40 && !small.is_empty() {
        &[][..]
    } else {
        &others[..]
    };
    let nice = [&small[..], others].concat();
    if let Some(letter) = dice.pick(&nice) {
        return Some(*letter);
    }
    let (low, high) = dice.pick(&ranges)?;
    let code = dice.between((*low as u32).into(), (*high as u32).into());
    u32::try_from(code)
        .ok()
        .and_then(char::from_u32)
        .or(Some(*low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_is_found() {
        let mut patterns = Patterns::default();
        let mut dice = Dice::new(7);
        for source in [
            "^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)+$",
            "^\\d{4}-\\d{2}$",
            "^(?:a|bc)+$",
            "x\\b",
            "^[äöü]{3}$",
            "^[^a-z]+$",
            "^.{5}$",
            "",
        ] {
            for _ in 0..50 {
                let text = patterns.draw(source, 4, &mut dice).unwrap();
                assert!(patterns.is_match(source, &text), "{source}: {text}");
            }
        }
        assert_eq!(patterns.draw("^(?=a)b", 4, &mut dice), None);
        assert_eq!(
            patterns.draw("^((a{1000}){1000}){1000}$", 4, &mut dice),
            None
        );
        assert_eq!(patterns.draw("(", 4, &mut dice), None);
    }
}
