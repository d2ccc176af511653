//! Strings as people would write them: like those of the examples, by format, by the member's name, by pattern,
//! or plain words; the first that keeps the rules.
use serde_json::Value;

use super::dice::Dice;
use super::pattern::Patterns;
use super::words;
use crate::compat::Formats;
use crate::model::Keywords;

/// Texts drawn from a pattern before it is given up.
const DRAWS: u32 = 12;

/// Longest text made.
const LONGEST: u64 = 100_000;

/// What is known of patterns and formats.
#[derive(Debug, Default)]
pub(super) struct Texts {
    patterns: Patterns,
    formats: Formats,
}

/// What schemas ask of a string.
#[derive(Debug, Default)]
pub(super) struct Rules<'m> {
    min: u64,
    max: u64,
    patterns: Vec<&'m str>,
    formats: Vec<&'m str>,
}

impl<'m> Rules<'m> {
    pub(super) fn of(keywords: &[&'m Keywords]) -> Self {
        let mut rules = Self {
            max: u64::MAX,
            ..Self::default()
        };
        for string in keywords.iter().map(|keywords| &keywords.string) {
            rules.min = rules.min.max(string.min_length.unwrap_or(0));
            rules.max = rules.max.min(string.max_length.unwrap_or(u64::MAX));
            rules.patterns.extend(string.pattern.as_deref());
            rules.formats.extend(string.format.as_deref());
        }
        rules
    }
}

impl Texts {
    pub(super) fn is_match(&mut self, pattern: &str, text: &str) -> bool {
        self.patterns.is_match(pattern, text)
    }

    pub(super) fn draw(&mut self, pattern: &str, dice: &mut Dice) -> Option<String> {
        self.patterns.draw(pattern, 4, dice)
    }

    pub(super) fn admits(&mut self, rules: &Rules<'_>, text: &str) -> bool {
        let length = text.chars().count() as u64;
        (rules.min..=rules.max).contains(&length)
            && rules
                .patterns
                .iter()
                .all(|pattern| self.patterns.is_match(pattern, text))
            && rules
                .formats
                .iter()
                .all(|format| self.formats.accepts(format, text))
    }

    /// A string that keeps the rules. `seen` are values of examples, `name` is the member's.
    pub(super) fn text(
        &mut self,
        rules: &Rules<'_>,
        seen: &[&Value],
        name: &str,
        dice: &mut Dice,
    ) -> Option<String> {
        if rules.min > rules.max.min(LONGEST) {
            return None;
        }
        let seen: Vec<&str> = seen.iter().filter_map(|value| value.as_str()).collect();
        if let Some(known) = dice.pick(&seen) {
            let other = words::varied(known, dice).filter(|_| dice.chance(80));
            let candidates = other.into_iter().chain([(*known).to_owned()]);
            for text in candidates {
                if self.admits(rules, &text) {
                    return Some(text);
                }
            }
        }
        let formats = rules.formats.iter();
        let by_format = formats
            .filter_map(|format| words::of_format(format, dice))
            .next();
        if let Some(text) = by_format.filter(|text| self.admits(rules, text)) {
            return Some(text);
        }
        if rules.formats.is_empty() {
            for text in words::of_name(name, dice) {
                if self.admits(rules, &text) {
                    return Some(text);
                }
            }
        }
        for attempt in 0..DRAWS {
            let Some(pattern) = dice.pick(&rules.patterns) else {
                break;
            };
            // Long texts are asked for by length where the pattern leaves it open.
            let more = if attempt % 2 == 0 {
                4
            } else {
                u32::try_from(rules.min.min(LONGEST)).unwrap_or(4).max(1)
            };
            let drawn = self.patterns.draw(pattern, more, dice);
            let padded = drawn.map(|text| fitted(text, rules));
            if let Some(text) = padded.filter(|text| self.admits(rules, text)) {
                return Some(text);
            }
        }
        let text = fitted(words::words(1, dice), rules);
        self.admits(rules, &text).then_some(text)
    }
}

/// Cut or drawn out to the length that is asked for.
fn fitted(mut text: String, rules: &Rules<'_>) -> String {
    let length = text.chars().count() as u64;
    if length > rules.max {
        let most = usize::try_from(rules.max).unwrap_or(usize::MAX);
        text = text.chars().take(most).collect();
    }
    for _ in length..rules.min {
        text.push('a');
    }
    text
}
