//! Values changed where checks go wrong: at bounds, across types, in names, in shape. A seed repeats every step.
mod values;

use fastrand::Rng;
use serde_json::{Map, Value};

use crate::schemas;

/// Changes values under an inlined schema.
pub struct Mutator<'a> {
    /// What decides.
    pub rng: &'a mut Rng,
    /// Values whose parts are grafted in.
    pub donors: &'a [Value],
}

impl Mutator<'_> {
    /// One change somewhere in the value, most often one that a schema is about.
    pub fn mutate(&mut self, value: &mut Value, schema: &Value) {
        let place = self.place(value);
        let rule = schemas::at(schema, &place);
        match self.rng.u8(0..16) {
            0..=5 => replace(value, &place, |old| self.same_type(old, rule)),
            6..=7 => replace(value, &place, |old| self.fitting(old, rule)),
            8 => replace(value, &place, |_| self.other_type()),
            9 => self.remove(value, &place),
            10 => self.add_member(value, &place),
            11 => self.rename(value, &place),
            12 => self.resize(value, &place, rule),
            13 => self.nest(value, &place),
            _ => self.graft(value, &place),
        }
    }

    /// One change that leaves a value of the game's schemas valid: another fitting value, an unknown member, an
    /// optional member gone.
    pub fn mutate_gently(&mut self, value: &mut Value, schema: &Value) {
        let place = self.place(value);
        let rule = schemas::at(schema, &place);
        match self.rng.u8(0..8) {
            0..=5 => replace(value, &place, |old| self.fitting(old, rule)),
            6 => self.add_member(value, &place),
            _ => {
                let parent = place.rsplit_once('/').map_or("", |(parent, _)| parent);
                let name = place.rsplit('/').next().unwrap_or_default();
                let needed = schemas::at(schema, parent)
                    .and_then(|rule| rule["required"].as_array())
                    .is_some_and(|names| names.iter().any(|needed| needed == name));
                if !needed && value.pointer(parent).is_some_and(Value::is_object) {
                    self.remove(value, &place);
                }
            }
        }
    }

    /// A pointer into the value; leaves and branches alike, the root seldom.
    fn place(&mut self, value: &Value) -> String {
        let mut all = Vec::new();
        pointers(value, String::new(), &mut all);
        let first = usize::from(all.len() > 1 && self.rng.u8(0..8) > 0);
        all.swap_remove(self.rng.usize(first..all.len()))
    }

    fn remove(&mut self, value: &mut Value, place: &str) {
        let Some((parent, token)) = place.rsplit_once('/') else {
            return;
        };
        match value.pointer_mut(parent) {
            Some(Value::Object(members)) => drop(members.shift_remove(&unescaped(token))),
            Some(Value::Array(items)) => drop(items.remove(token.parse().unwrap())),
            _ => {}
        }
    }

    fn add_member(&mut self, value: &mut Value, place: &str) {
        let names = [
            "x",
            "",
            "id",
            "User_id",
            "user_id ",
            "constructor",
            "__proto__",
            "$ref",
            "a/b",
            "~",
            "ключ",
            "😀",
            "ts",
            "payload",
            "game_type",
            "store",
            "platform",
            "item_id",
            "type",
            "amount",
        ];
        let name = names[self.rng.usize(0..names.len())];
        let added = self.other_type();
        if let Some(Value::Object(members)) = object_at(value, place)
            && !members.contains_key(name)
        {
            members.insert(name.to_owned(), added);
        }
    }

    fn rename(&mut self, value: &mut Value, place: &str) {
        let Some((parent, token)) = place.rsplit_once('/') else {
            return;
        };
        let old = unescaped(token);
        let new = match self.rng.u8(0..4) {
            0 => old.to_uppercase(),
            1 => old.replace('_', ""),
            2 => format!("{old}s"),
            _ => ["game_mode", "game_type", "event_id", "mission_id", "reason"]
                [self.rng.usize(0..5)]
            .to_owned(),
        };
        if let Some(Value::Object(members)) = value.pointer_mut(parent)
            && !members.contains_key(&new)
            && let Some(member) = members.shift_remove(&old)
        {
            members.insert(new, member);
        }
    }

    /// An array as long as its bounds, one more or one less; a doubled item where the place is no array.
    fn resize(&mut self, value: &mut Value, place: &str, rule: Option<&Value>) {
        if let Some(Value::Array(items)) = value.pointer_mut(place) {
            let bound = |name: &str| rule.and_then(|rule| rule[name].as_u64()).unwrap_or(3);
            let bound = bound(["minItems", "maxItems"][self.rng.usize(0..2)]);
            let length = usize::try_from(bound).unwrap() + self.rng.usize(0..3);
            let filler = items.first().cloned().unwrap_or(Value::Null);
            items.resize(length.saturating_sub(1), filler);
        } else if let Some((parent, token)) = place.rsplit_once('/')
            && let Some(Value::Array(items)) = value.pointer_mut(parent)
        {
            let item = items[token.parse::<usize>().unwrap()].clone();
            items.push(item);
        }
    }

    /// The value inside arrays or objects, at times deeper than any reader goes.
    fn nest(&mut self, value: &mut Value, place: &str) {
        let levels = [1, 1, 1, 2, 60, 100, 150][self.rng.usize(0..7)];
        let as_array = self.rng.bool();
        replace(value, place, |old| {
            (0..levels).fold(old.clone(), |inner, _| match as_array {
                true => Value::Array(vec![inner]),
                false => Value::Object(Map::from_iter([("payload".to_owned(), inner)])),
            })
        });
    }

    /// A part of another value, from the same place or from anywhere.
    fn graft(&mut self, value: &mut Value, place: &str) {
        let donor = &self.donors[self.rng.usize(0..self.donors.len())];
        let from = match self.rng.bool() {
            true => place.to_owned(),
            false => self.place(donor),
        };
        let Some(part) = donor.pointer(&from).cloned() else {
            return;
        };
        replace(value, place, |_| part);
    }
}

fn replace(value: &mut Value, place: &str, new: impl FnOnce(&Value) -> Value) {
    if let Some(target) = value.pointer_mut(place) {
        *target = new(target);
    }
}

/// The object at a place, or the one around it.
fn object_at<'v>(value: &'v mut Value, place: &str) -> Option<&'v mut Value> {
    let around = place.rsplit_once('/').map_or("", |(parent, _)| parent);
    let place = if value.pointer(place).is_some_and(Value::is_object) {
        place
    } else {
        around
    };
    value.pointer_mut(place)
}

fn unescaped(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

fn pointers(value: &Value, here: String, all: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                pointers(member, format!("{here}/{name}"), all);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, format!("{here}/{index}"), all);
            }
        }
        _ => {}
    }
    // Inner values before outer ones, the root at the front.
    match here.is_empty() {
        true => all.insert(0, here),
        false => all.push(here),
    }
}
