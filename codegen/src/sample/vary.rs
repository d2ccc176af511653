//! Variations of an instance that is valid: a part at a time, kept where the validator accepts the whole.
use serde_json::Value;

use super::dice::Dice;
use super::{number, words};
use crate::model::escape;

/// Most changes tried.
const TRIED: usize = 64;

/// The instance with as many parts changed as chance and validator allow.
pub(super) fn varied(instance: &Value, accepts: &dyn Fn(&Value) -> bool, dice: &mut Dice) -> Value {
    let mut places = Vec::new();
    collect(instance, String::new(), &mut places);
    dice.shuffle(&mut places);
    let mut current = instance.clone();
    for place in places.iter().take(TRIED) {
        // A part may be gone with the one that it was in.
        let Some(part) = current.pointer(place) else {
            continue;
        };
        let mut other = current.clone();
        if dice.chance(20) && !place.is_empty() {
            take(&mut other, place);
        } else if let Some(changed) = like(part, dice)
            && let Some(slot) = other.pointer_mut(place)
        {
            *slot = changed;
        }
        if accepts(&other) {
            current = other;
        }
    }
    current
}

fn collect(value: &Value, place: String, places: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                collect(member, format!("{place}/{}", escape(name)), places);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, format!("{place}/{index}"), places);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    places.push(place);
}

fn like(value: &Value, dice: &mut Dice) -> Option<Value> {
    match value {
        Value::Bool(flag) => Some(Value::Bool(!flag)),
        Value::Number(known) => number::near(known, dice),
        Value::String(text) => words::varied(text, dice).map(Value::String),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn take(value: &mut Value, place: &str) {
    let Some((above, name)) = place.rsplit_once('/') else {
        return;
    };
    match value.pointer_mut(above) {
        Some(Value::Object(members)) => {
            members.shift_remove(&crate::model::unescape(name));
        }
        Some(Value::Array(items)) => {
            if let Some(index) = name.parse().ok().filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}
