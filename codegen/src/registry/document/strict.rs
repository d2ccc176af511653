//! JSON that is as it should be, read without places: most texts never have a finding.
use std::cell::RefCell;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use crate::compat::literal::first_inexact;
use crate::model::escape;

/// The value of a text without syntax errors, duplicate keys and unrepresentable numbers; `None` for any other,
/// which the parser that knows places then looks into.
pub(super) fn read(text: &str) -> Option<Value> {
    let value = parse(text).ok()?;
    first_inexact(text).is_none().then_some(value)
}

/// Why a text is no JSON, or not one that everybody reads alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Line of the text, from 1.
    pub line: usize,
    /// Byte of the line, from 1.
    pub byte: usize,
    /// JSON pointer of the value that was being read.
    pub pointer: String,
    /// What is wrong.
    pub reason: String,
}

/// Reads a JSON text whose objects have every name once.
///
/// # Errors
/// What is wrong with it first.
pub fn parse(text: &str) -> Result<Value, Trouble> {
    let trail = Trail::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Strict(&trail).deserialize(&mut reader);
    let read = read.and_then(|value| reader.end().map(|()| value));
    read.map_err(|error| {
        let words = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let words = words.strip_suffix(&place).unwrap_or(&words);
        let mut tokens = trail.0.into_inner();
        tokens.reverse();
        let (pointer, reason) = match error.classify() {
            // Where that deep nesting stands, nobody wants to read.
            _ if words.starts_with("recursion limit") => {
                (String::new(), "nested deeper than 127 levels".to_owned())
            }
            Category::Data => (tokens.concat(), words.to_owned()),
            Category::Syntax | Category::Eof | Category::Io => {
                (tokens.concat(), format!("no JSON: {words}"))
            }
        };
        Trouble {
            line: error.line(),
            byte: error.column().max(1),
            pointer,
            reason,
        }
    })
}

/// The way out of the value that could not be read, noted as the error is handed up.
#[derive(Default)]
struct Trail(RefCell<Vec<String>>);

impl Trail {
    fn note(&self, token: &str) {
        self.0.borrow_mut().push(format!("/{}", escape(token)));
    }
}

#[derive(Clone, Copy)]
struct Strict<'t>(&'t Trail);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("not finite"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        loop {
            match items.next_element_seed(self) {
                Ok(Some(value)) => values.push(value),
                Ok(None) => return Ok(Value::Array(values)),
                Err(error) => {
                    self.0.note(&values.len().to_string());
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        // Gathered first, so that the map takes the room of its members: half of what a registry takes is maps.
        let mut read = Vec::new();
        while let Some(name) = entries.next_key::<String>()? {
            match entries.next_value_seed(self) {
                Ok(value) => read.push((name, value)),
                Err(error) => {
                    self.0.note(&name);
                    return Err(error);
                }
            }
        }
        let mut members = Map::with_capacity(read.len());
        for (name, value) in read {
            match members.entry(name) {
                Entry::Vacant(entry) => {
                    entry.insert(value);
                }
                Entry::Occupied(entry) => {
                    let name = entry.key();
                    self.0.note(name);
                    return Err(A::Error::custom(format_args!(
                        "`{name}` stands twice in one object"
                    )));
                }
            }
        }
        Ok(Value::Object(members))
    }
}
