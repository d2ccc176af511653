//! What examples hold where: the values that samples are modelled on.
use std::collections::HashMap;

use serde_json::Value;

use crate::model::escape;

/// Most values kept for one place.
const MOST: usize = 64;

/// Values by place: a JSON pointer in which `*` stands for the index of an item.
#[derive(Debug, Default)]
pub(super) struct Seen(HashMap<String, Vec<Value>>);

impl Seen {
    pub(super) fn of(examples: &[Value]) -> Self {
        let mut seen = Self::default();
        for example in examples {
            seen.add(String::new(), example);
        }
        seen
    }

    fn add(&mut self, place: String, value: &Value) {
        match value {
            Value::Array(items) => {
                for item in items {
                    self.add(format!("{place}/*"), item);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    self.add(below(&place, name), member);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        let values = self.0.entry(place).or_default();
        if values.len() < MOST && !values.contains(value) {
            values.push(value.clone());
        }
    }

    /// What stands at a place in some example, each value once.
    pub(super) fn at(&self, place: &str) -> &[Value] {
        self.0.get(place).map_or(&[], Vec::as_slice)
    }
}

/// The place of a member.
pub(super) fn below(place: &str, name: &str) -> String {
    format!("{place}/{}", escape(name))
}
