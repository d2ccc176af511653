//! `format`, where it is asked for, and what texts hold (`contentEncoding`): which strings a format accepts is the
//! independent validator's word.
//!
//! Two formats are never compared with each other: a string of one that is not of the other is looked for among
//! samples, and where there is none the answer is unknown.
use std::collections::HashMap;

use serde_json::{Value, json};

use super::formula::Formulas;
use super::solve::Answer;
use super::text::Texts;

/// Strings tried where a format must not hold.
const OTHERS: usize = 8;

/// Starts the name under which what a text holds is asked for, as no format starts.
const CONTENT: &str = "\0content ";

/// The name of what a schema of `contentEncoding` and `contentMediaType` says, which the validator judges like a format.
pub(super) fn content(schema: &str) -> Box<str> {
    format!("{CONTENT}{schema}").into()
}

/// The formats that schemas name.
#[derive(Debug, Default)]
pub(crate) struct Formats {
    judges: HashMap<Box<str>, Option<jsonschema::Validator>>,
}

impl Formats {
    /// Whether the validator knows a format; others never reject.
    pub(super) fn knows(&mut self, name: &str) -> bool {
        self.judge(name).is_some()
    }

    /// Whether a text is of a format.
    pub(crate) fn accepts(&mut self, name: &str, text: &str) -> bool {
        self.judge(name)
            .is_none_or(|judge| judge.is_valid(&Value::String(text.to_owned())))
    }

    fn judge(&mut self, name: &str) -> Option<&jsonschema::Validator> {
        self.judges
            .entry(name.into())
            .or_insert_with(|| {
                if let Some(schema) = name.strip_prefix(CONTENT) {
                    let schema: Value = serde_json::from_str(schema).ok()?;
                    return jsonschema::draft7::new(&schema).ok();
                }
                jsonschema::options()
                    .should_validate_formats(true)
                    .should_ignore_unknown_formats(false)
                    .build(&json!({"format": name}))
                    .ok()
            })
            .as_ref()
    }
}

/// Strings of many formats, the plainest first.
const SAMPLES: &[&str] = &[
    "2026-01-31T12:00:00Z",
    "2026-01-31T12:00:00.500+01:00",
    "2026-01-31",
    "12:00:00Z",
    "P1D",
    "PT1H",
    "a@example.com",
    "ä@example.com",
    "example.com",
    "a",
    "bücher.example",
    "192.0.2.1",
    "2001:db8::1",
    "https://example.com/a?b=c#d",
    "urn:a:b",
    "/a/b",
    "a/b",
    "https://example.com/ä",
    "https://example.com/{a}",
    "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    "",
    "/a~1b",
    "0/a",
    "1#",
    "^a$",
    "[",
    "e30=",
    "eyJhIjoxfQ==",
    "{}",
    "{\"a\":1}",
    "not base64!",
];

/// A string that satisfies everything else and all formats that must hold, and none that must not.
pub(super) fn solve(texts: &Texts, formulas: &mut Formulas) -> Answer {
    let mut others = texts.clone();
    others.formats.clear();
    others.no_formats.clear();
    let mut tried: Vec<String> = SAMPLES.iter().map(|text| (*text).to_owned()).collect();
    for _ in 0..OTHERS {
        match others.solve(formulas) {
            Answer::Sat(Value::String(text)) => {
                others.excluded.push(text.clone());
                tried.push(text);
            }
            // Without the formats there is nothing either.
            Answer::Unsat if others.excluded.len() == texts.excluded.len() => return Answer::Unsat,
            Answer::Unsat => break,
            other => return other,
        }
    }
    // What was built for this question reads better than a sample where both do.
    tried.reverse();
    tried
        .into_iter()
        .find(|text| texts.fits(text, formulas))
        .map_or_else(
            || Answer::unknown("format", "no string of the formats in question was found"),
            |text| Answer::Sat(Value::String(text)),
        )
}

impl Texts {
    fn fits(&self, text: &str, formulas: &mut Formulas) -> bool {
        let length = text.chars().count() as u64;
        let all = |formulas: &mut Formulas, wanted: bool| {
            let patterns = if wanted {
                &self.patterns
            } else {
                &self.no_patterns
            };
            let formats = if wanted {
                &self.formats
            } else {
                &self.no_formats
            };
            patterns
                .iter()
                .all(|pattern| formulas.patterns.is_match(*pattern, text) == Some(wanted))
                && formats
                    .iter()
                    .all(|format| formulas.formats.accepts(format, text) == wanted)
        };
        length >= self.min
            && self.max.is_none_or(|max| length <= max)
            && !self.excluded.iter().any(|other| other == text)
            && all(formulas, true)
            && all(formulas, false)
    }
}
