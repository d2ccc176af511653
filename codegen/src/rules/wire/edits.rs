//! Where the meaning of a schema differs between two registries: each place once, through references, without
//! what says nothing about messages.
use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value};

use crate::gate::side::Side;
use crate::model::escape;
use crate::registry::canonical::MEANINGFUL;
use crate::rules::problem::Place;

/// A place that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    /// In the new registry; what is gone there has the place that it had.
    pub(super) at: Place,
    /// In the old one.
    pub(super) old: Place,
    /// What happened: `20 is now 30`.
    pub(super) words: String,
}

/// Keywords that say nothing about messages, and those that are only there to be referred to.
const SILENT: &[&str] = &[
    "$anchor",
    "$comment",
    "$defs",
    "$id",
    "$schema",
    "definitions",
    "deprecated",
    "description",
    "examples",
    "readOnly",
    "title",
    "writeOnly",
];

/// Keywords whose members are schemas under names of the writer's.
const NAMED_SCHEMAS: &[&str] = &[
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "properties",
];

/// Keywords whose value is no schema, whatever it looks like.
const PLAIN: &[&str] = &["const", "default", "enum", "x-role", "x-renamed-from"];

/// Keywords whose value is a set written as a list.
const SETS: &[&str] = &["enum", "required", "type"];

/// Every difference between two editions of a schema file.
pub(super) fn edits((old, was): (&Side, &str), (new, is): (&Side, &str)) -> Vec<Edit> {
    let mut walk = Walk {
        old,
        new,
        seen: HashSet::new(),
        edits: Vec::new(),
    };
    walk.schema(Place::new(was, ""), Place::new(is, ""));
    walk.edits
}

struct Walk<'a> {
    old: &'a Side,
    new: &'a Side,
    seen: HashSet<[(String, String); 2]>,
    edits: Vec<Edit>,
}

impl Walk<'_> {
    fn schema(&mut self, was: Place, is: Place) {
        let (was, is) = (self.old.referred(was), self.new.referred(is));
        let key = [&was, &is].map(|place| (place.file.clone(), place.pointer.clone()));
        if !self.seen.insert(key) {
            return;
        }
        match (self.old.value(&was), self.new.value(&is)) {
            (Some(Value::Object(before)), Some(Value::Object(after))) => {
                let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
                let said = names.into_iter().filter(|name| is_said(name));
                for name in said {
                    let places = (below(&was, name), below(&is, name));
                    self.keyword(name, (before.get(name), after.get(name)), places);
                }
            }
            (Some(before), Some(after)) if before != after => {
                self.differs((Some(before), Some(after)), (was, is));
            }
            _ => {}
        }
    }

    fn keyword(
        &mut self,
        name: &str,
        values: (Option<&Value>, Option<&Value>),
        (was, is): (Place, Place),
    ) {
        match values {
            (Some(before), Some(after)) if PLAIN.contains(&name) || SETS.contains(&name) => {
                if before != after && !(SETS.contains(&name) && as_set(before) == as_set(after)) {
                    self.differs((Some(before), Some(after)), (was, is));
                }
            }
            (Some(Value::String(before)), Some(Value::String(after))) if name == "$ref" => {
                let targets = (
                    self.old.target(&was.file, before),
                    self.new.target(&is.file, after),
                );
                match targets {
                    (Some(was), Some(is)) => self.schema(was, is),
                    _ if before == after => {}
                    _ => self.differs(values, (was, is)),
                }
            }
            (Some(Value::Object(before)), Some(Value::Object(after)))
                if NAMED_SCHEMAS.contains(&name) =>
            {
                self.members((before, after), (was, is));
            }
            (Some(Value::Array(before)), Some(Value::Array(after)))
                if before.len() == after.len() =>
            {
                for index in 0..before.len() {
                    let index = index.to_string();
                    self.schema(below(&was, &index), below(&is, &index));
                }
            }
            (Some(Value::Object(_) | Value::Bool(_)), Some(Value::Object(_) | Value::Bool(_))) => {
                self.schema(was, is);
            }
            (before, after) if before == after => {}
            _ => self.differs(values, (was, is)),
        }
    }

    fn members(
        &mut self,
        (before, after): (&Map<String, Value>, &Map<String, Value>),
        (was, is): (Place, Place),
    ) {
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            let places = (below(&was, name), below(&is, name));
            match (before.get(name), after.get(name)) {
                (Some(_), Some(_)) => self.schema(places.0, places.1),
                values => self.differs(values, places),
            }
        }
    }

    fn differs(&mut self, values: (Option<&Value>, Option<&Value>), (old, at): (Place, Place)) {
        let words = words(at.pointer.rsplit('/').next().unwrap_or_default(), values);
        self.edits.push(Edit { at, old, words });
    }
}

fn below(place: &Place, name: &str) -> Place {
    Place::new(&place.file, format!("{}/{}", place.pointer, escape(name)))
}

fn is_said(keyword: &str) -> bool {
    let mark = keyword.starts_with("x-") && !MEANINGFUL.contains(&keyword);
    !mark && !SILENT.contains(&keyword)
}

fn as_set(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Array(values) => values.iter().map(Value::to_string).collect(),
        value => BTreeSet::from([value.to_string()]),
    }
}

/// Longest value that is told.
const LONGEST: usize = 60;

fn words(name: &str, values: (Option<&Value>, Option<&Value>)) -> String {
    let told = |value: &Value| {
        let text = value.to_string();
        (!value.is_object() && text.len() <= LONGEST).then_some(text)
    };
    match values {
        (Some(Value::Array(_)), Some(Value::Array(_))) => {
            let [was, is] = [values.0, values.1].map(|value| value.map(as_set).unwrap_or_default());
            let gone = was.difference(&is).map(|value| format!("{value} is gone"));
            let added = is.difference(&was).map(|value| format!("{value} is new"));
            let all: Vec<String> = gone.chain(added).collect();
            if all.is_empty() {
                format!("`{name}` is another list")
            } else {
                all.join(", ")
            }
        }
        (Some(was), Some(is)) => match (told(was), told(is)) {
            (Some(was), Some(is)) => format!("{was} is now {is}"),
            _ => format!("`{name}` is another"),
        },
        (None, Some(is)) => told(is).map_or_else(
            || format!("`{name}` is new"),
            |value| format!("`{name}` {value} is new"),
        ),
        (Some(was), None) => told(was).map_or_else(
            || format!("`{name}` is gone"),
            |value| format!("`{name}` {value} is gone"),
        ),
        (None, None) => String::new(),
    }
}
