//! JSON and TOML texts as values that remember where each part was written.
//!
//! Most texts never have a finding, so the places of a JSON text are looked up when the first one is asked for.
mod places;
pub mod strict;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::finding::{Finding, Plane, Position, Severity};
use places::Places;
#[cfg(feature = "cli")] // texts that are no part of a registry
pub(crate) use places::{MAX_NESTING, too_deep};

/// Texts that parse, by path below the registry folder. Registries that have a text in common share it.
pub type Documents = BTreeMap<String, Arc<Document>>;

/// A parsed text.
#[derive(Clone, Debug)]
pub struct Document {
    /// Path below the registry folder.
    pub path: String,
    /// The text.
    pub text: String,
    /// Its value; whoever keeps it shares it.
    pub value: Arc<Value>,
    places: OnceLock<Places>,
    /// What [`Self::problems`] found.
    problems: OnceLock<Vec<Finding>>,
    /// What [`Self::references`] found.
    references: OnceLock<Vec<String>>,
}

impl Document {
    /// Parses a text by the ending of its path, TOML (`.toml`, `.lock`) or JSON.
    ///
    /// # Errors
    /// Every syntax error, duplicate key and unrepresentable number, with its place.
    pub fn parse(path: &str, text: &str) -> Result<Self, Vec<Finding>> {
        let of = |value, places| Self {
            path: path.to_owned(),
            text: text.to_owned(),
            value: Arc::new(value),
            places,
            problems: OnceLock::new(),
            references: OnceLock::new(),
        };
        let plain = (!is_toml(path)).then(|| strict::read(text)).flatten();
        if let Some(value) = plain {
            return Ok(of(value, OnceLock::new()));
        }
        let (value, places, findings) = places::parse(path, text);
        if findings.is_empty() {
            Ok(of(value, OnceLock::from(places)))
        } else {
            Err(findings)
        }
    }

    /// The same text, and its places, read as another value.
    #[must_use]
    pub fn with_value(&self, value: Value) -> Self {
        let mut other = self.clone();
        other.value = Arc::new(value);
        other
    }

    /// The same document without a top-level member, for reading the rest.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let mut rest = self.clone();
        if let Value::Object(members) = Arc::make_mut(&mut rest.value) {
            members.shift_remove(name);
        }
        rest
    }

    /// Where the value at `pointer` stands; a pointer into nothing leads to its nearest ancestor.
    #[must_use]
    pub fn position(&self, pointer: &str) -> Position {
        let places = self
            .places
            .get_or_init(|| places::parse(&self.path, &self.text).1);
        let mut pointer = pointer;
        loop {
            if let Some(range) = places.get(pointer) {
                return position(&self.text, range.start);
            }
            match pointer.rfind('/') {
                Some(end) => pointer = &pointer[..end],
                None => return Position { line: 1, column: 1 },
            }
        }
    }

    /// What is wrong with it as a schema by itself: against its meta-schema, or misspelt keywords.
    #[must_use]
    pub fn problems(&self) -> &[Finding] {
        self.problems.get_or_init(|| super::meta::problems(self))
    }

    /// Every `$ref` and `$dynamicRef` that leads out of the file, its fragment taken off, as written.
    #[must_use]
    pub fn references(&self) -> &[String] {
        self.references
            .get_or_init(|| super::references::outward(&self.value))
    }

    /// A finding at `pointer` in this file.
    #[must_use]
    pub fn finding(
        &self,
        rule: &'static str,
        pointer: &str,
        message: impl Into<String>,
    ) -> Finding {
        Finding {
            rule,
            plane: Plane::Registry,
            severity: Severity::Error,
            file: self.path.clone(),
            position: self.position(pointer),
            pointer: pointer.to_owned(),
            topic: None,
            old: None,
            message: message.into(),
            evidence: None,
            fix: None,
        }
    }
}

fn is_toml(path: &str) -> bool {
    let ending = std::path::Path::new(path).extension();
    ending.is_some_and(|ending| ending == "toml" || ending == "lock")
}

/// Line and column of a byte offset.
pub(crate) fn position(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_members_know_their_lines() {
        let document = Document::parse("a.json", "{\n  \"b\": [1,\n 2.50]\n}").unwrap();
        assert_eq!(document.position("/b"), Position { line: 2, column: 3 });
        assert_eq!(document.position("/b/1"), Position { line: 3, column: 2 });
        assert_eq!(
            document.position("/b/1/gone"),
            Position { line: 3, column: 2 }
        );
    }

    #[test]
    fn toml_members_know_their_lines() {
        let document = Document::parse("a.toml", "x = 1\n[t]\ny = \"é\"\nz = [1, 2]\n").unwrap();
        assert_eq!(document.position("/t/y"), Position { line: 3, column: 1 });
        assert_eq!(document.position("/t/z/1"), Position { line: 4, column: 9 });
        assert_eq!(
            *document.value,
            serde_json::json!({"x": 1, "t": {"y": "é", "z": [1, 2]}})
        );
    }

    #[test]
    fn broken_texts_are_findings() {
        let message = |path: &str, text: &str| {
            Document::parse(path, text)
                .unwrap_err()
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert!(
            message("a.json", "{\"a\": 1, \"a\": 2}").contains("a.json:1:10"),
            "{}",
            message("a.json", "{\"a\": 1, \"a\": 2}")
        );
        assert!(message("a.json", "{").contains("not valid JSON"));
        assert!(message("a.json", "").contains("empty"));
        assert!(message("a.json", "1e999").contains("1e999"));
        assert!(message("a.json", "{\"a\": 1,}").contains("not valid JSON"));
        assert!(message("a.toml", "a = \nb = ]").lines().count() >= 4);
        assert!(message("a.json", &"[".repeat(100_000)).contains("deeper"));
    }

    #[test]
    fn both_parsers_read_one_value() {
        let texts = [
            "{\"a\": [1, -0, 2.50, 1e3, 18446744073709551615, 18446744073709551615, 0.1], \"b\": {\"\\u00e9\\n\": null}}",
            "[true, false, \"\\ud83d\\ude00 \\/ \\\\\", {}, [], \"\"]",
            "  -9223372036854775808\n",
        ];
        for text in texts {
            let (value, _, findings) = places::parse("a.json", text);
            assert_eq!(findings, []);
            assert_eq!(strict::read(text), Some(value), "{text}");
        }
        let refused = [
            "",
            "{\"a\": 1, \"a\": 1}",
            "1e999",
            "[18446744073709551617]",
            "{\"a\": 0.10000000000000000001}",
            "{\"a\": 1,}",
            "{a: 1}",
            "[1] 2",
            "'a'",
            "+1",
            "0x1",
        ];
        for text in refused {
            assert_eq!(strict::read(text), None, "{text}");
            assert_ne!(places::parse("a.json", text).2, [], "{text}");
        }
    }
}
