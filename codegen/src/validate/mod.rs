//! Instances held against what the registry says of them: payloads against a version, events against the
//! envelope and the version that they name.
//!
//! The word is the independent validator's, so what is accepted here is what the generated checks accept.
mod event;
pub mod lines;
mod time;

use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use crate::compat::{meant, own_name, words};
use crate::finding::Position;
use crate::registry::demands::{declared, in_words};
use crate::registry::document::Documents;
use crate::registry::load;
use crate::registry::references::closure;
pub use event::{Envelopes, Unnamed};

/// What is wrong with an instance, at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// JSON pointer into the instance.
    pub pointer: String,
    /// What is wrong, in words.
    pub reason: String,
    /// The keyword that says so; none where no schema does.
    pub keyword: Option<Keyword>,
}

/// A keyword where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyword {
    /// File below the registry folder.
    pub file: String,
    /// JSON pointer in that file.
    pub pointer: String,
    /// Line and column in that file.
    pub position: Position,
}

/// One schema file of a registry, compiled.
#[derive(Debug)]
pub struct Schema<'r> {
    documents: &'r Documents,
    path: String,
    validator: Validator,
}

impl<'r> Schema<'r> {
    /// The schema in a file below the registry folder.
    ///
    /// # Errors
    /// The validator does not take it.
    pub fn new(documents: &'r Documents, path: &str) -> Result<Self, String> {
        let validator = load::validator(documents, path)
            .ok_or_else(|| format!("the independent validator does not take {path}"))?;
        Ok(Self {
            documents,
            path: path.to_owned(),
            validator,
        })
    }

    /// Whether an instance is valid.
    #[must_use]
    pub fn accepts(&self, value: &Value) -> bool {
        self.validator.is_valid(value)
    }

    /// The compiled schema alone.
    #[must_use]
    pub fn into_validator(self) -> Validator {
        self.validator
    }

    /// Everything that is wrong with the instance that stands at `above` of what was read.
    pub fn refusals<'v>(
        &'v self,
        value: &'v Value,
        above: &'v str,
    ) -> impl Iterator<Item = Refusal> + 'v {
        self.validator.iter_errors(value).map(move |error| {
            let error = meant(&error);
            Refusal {
                pointer: format!("{above}{}", error.instance_path()),
                reason: in_words(&words(error)),
                keyword: Some(self.keyword(error)),
            }
        })
    }

    fn keyword(&self, error: &ValidationError<'_>) -> Keyword {
        let written = error.absolute_keyword_location().and_then(|uri| {
            let uri = uri.as_str();
            let by_path = written_at(uri).filter(|(file, _)| self.documents.contains_key(file));
            by_path.or_else(|| self.named(uri))
        });
        let (file, pointer) =
            written.unwrap_or_else(|| (self.path.clone(), error.schema_path().to_string()));
        let document = self.documents.get(&file);
        let pointer = document
            .and_then(|document| declared(&document.value, &pointer))
            .unwrap_or(pointer);
        let position = document.map_or(Position { line: 1, column: 1 }, |document| {
            document.position(&pointer)
        });
        Keyword {
            file,
            pointer,
            position,
        }
    }

    /// File and pointer of a place's URI, where that is made of the file's `$id`.
    fn named(&self, uri: &str) -> Option<(String, String)> {
        let (name, pointer) = uri.split_once('#')?;
        let file = closure(self.documents, &self.path)
            .into_iter()
            .find(|file| {
                let document = self.documents.get(file);
                document.and_then(|document| own_name(&document.value)) == Some(name)
            })?;
        Some((file, decoded(pointer)?))
    }
}

/// File and pointer of a place's URI, where that is made of the file's path.
fn written_at(uri: &str) -> Option<(String, String)> {
    let (file, pointer) = uri.strip_prefix("registry:///")?.split_once('#')?;
    Some((decoded(file)?, decoded(pointer)?))
}

/// Without percent signs.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_from_uris() {
        let place = |file: &str, pointer: &str| Some((file.to_owned(), pointer.to_owned()));
        assert_eq!(
            written_at("registry:///a%20b/%C3%A4.json#/%24defs/x/minimum"),
            place("a b/ä.json", "/$defs/x/minimum")
        );
        assert_eq!(written_at("https://example.com/a.json#/x"), None);
        assert_eq!(written_at("registry:///a%2"), None);
        assert_eq!(written_at("registry:///a#%zz"), None);
    }
}
