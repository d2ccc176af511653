//! Generators in scenario values: `{ "$choice" = [...] }` and the like, checked, and sampled at every alternative.
//!
//! Sampling here is for checking: it visits first and last ids, both ends of a range, each choice. Drawing at
//! random is the runtime's.
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Check, INVALID, suggestion};
use crate::model::escape;
use crate::registry::manifest::EntityPool;

/// Every generator.
const GENERATORS: &[&str] = &[
    "$var", "$entity", "$int", "$choice", "$chance", "$counter", "$time", "$uuid",
];

/// Drawn names may be drawn from others; deeper is a circle.
const MAX_DEPTH: usize = 16;

/// What generators may refer to.
pub(super) struct Names {
    /// Pools of ids.
    pub(super) entities: Vec<String>,
    /// Names that the flow draws.
    pub(super) drawn: Vec<String>,
}

/// Name and argument of a generator.
pub(super) fn generator(template: &Value) -> Option<(&str, &Value)> {
    let members = template.as_object()?;
    let (name, argument) = members.iter().next()?;
    (members.len() == 1 && name.starts_with('$')).then_some((name, argument))
}

impl Check<'_> {
    /// Checks the generators in a value.
    pub(super) fn generators(&mut self, template: &Value, at: &str, names: &Names) {
        if let Some((name, argument)) = generator(template) {
            self.generator(name, argument, at, names);
            return;
        }
        match template {
            Value::Object(members) => {
                for (name, member) in members {
                    let pointer = format!("{at}/{}", escape(name));
                    if name.starts_with('$') {
                        self.report(
                            INVALID,
                            &pointer,
                            format!(
                                "`{name}` stands beside other members, and a generator stands alone"
                            ),
                            "put it in a value of its own",
                        );
                    }
                    self.generators(member, &pointer, names);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.generators(item, &format!("{at}/{index}"), names);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn generator(&mut self, name: &str, argument: &Value, at: &str, names: &Names) {
        let inner = format!("{at}/{}", escape(name));
        let mut wrong = |fix: &str| {
            self.report(
                INVALID,
                &inner,
                format!("`{name}` does not take {argument}"),
                fix,
            );
        };
        match (name, argument) {
            ("$var", Value::String(drawn)) => {
                self.name(&inner, "the flow draws", drawn, &names.drawn)
            }
            ("$var", _) => wrong("name one of the flow's `draw`"),
            ("$entity", Value::String(pool)) => {
                self.name(&inner, "the scenario has", pool, &names.entities);
            }
            ("$entity", _) => wrong("name one of the scenario's `entities`"),
            ("$int", Value::Array(bounds)) => match bounds.as_slice() {
                [least, most]
                    if least
                        .as_i64()
                        .zip(most.as_i64())
                        .is_some_and(|(least, most)| least <= most) => {}
                _ => wrong("write two whole numbers, [least, most]"),
            },
            ("$int", _) => wrong("write two whole numbers, [least, most]"),
            ("$choice", Value::Array(choices)) if !choices.is_empty() => {
                for (index, choice) in choices.iter().enumerate() {
                    self.generators(choice, &format!("{inner}/{index}"), names);
                }
            }
            ("$choice", _) => wrong("write a list of at least one value"),
            ("$chance", Value::Array(pair)) => match pair.as_slice() {
                [share, value] if share.is_number() => {
                    self.share(&format!("{inner}/0"), share.as_f64().unwrap_or(f64::NAN));
                    self.generators(value, &format!("{inner}/1"), names);
                }
                _ => wrong("write [share, value], the share from 0 to 1"),
            },
            ("$chance", _) => wrong("write [share, value], the share from 0 to 1"),
            ("$counter", Value::Array(drawn)) if drawn.iter().all(Value::is_string) => {
                for (index, drawn) in drawn.iter().filter_map(Value::as_str).enumerate() {
                    self.name(
                        &format!("{inner}/{index}"),
                        "the flow draws",
                        drawn,
                        &names.drawn,
                    );
                }
            }
            ("$counter", _) => wrong("list names of the flow's `draw`"),
            ("$time", Value::String(moment)) if moment == "now" || moment == "start" => {}
            ("$time", _) => wrong("write \"now\" or \"start\""),
            ("$uuid", Value::Bool(true)) => {}
            ("$uuid", _) => wrong("write true"),
            (unknown, _) => {
                let known: Vec<String> = GENERATORS.iter().map(|&name| name.to_owned()).collect();
                self.report(
                    INVALID,
                    &inner,
                    format!("`{unknown}` is no generator"),
                    suggestion(unknown, &known),
                );
            }
        }
    }

    fn name(&mut self, pointer: &str, owner: &str, name: &str, known: &[String]) {
        if !known.iter().any(|known| known == name) {
            self.report(
                "unknown-name",
                pointer,
                format!("{owner} no `{name}`"),
                suggestion(name, known),
            );
        }
    }
}

/// Samples a flow's values; the first alternative everywhere but at chosen places.
pub(super) struct Sampler<'s> {
    pub(super) entities: &'s BTreeMap<String, EntityPool>,
    pub(super) draw: &'s BTreeMap<String, Value>,
    /// Places where another alternative than the first is taken.
    pub(super) others: BTreeMap<String, usize>,
    /// Places with several alternatives, as seen.
    pub(super) places: BTreeMap<String, usize>,
}

impl Sampler<'_> {
    fn pick(&mut self, at: &str, alternatives: usize) -> usize {
        self.places.insert(at.to_owned(), alternatives);
        self.others.get(at).copied().unwrap_or(0)
    }

    /// The value, or `None` where it is left out.
    pub(super) fn sample(&mut self, template: &Value, at: &str, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        let Some((name, argument)) = generator(template) else {
            return Some(match template {
                Value::Object(members) => {
                    let mut sampled = Map::new();
                    for (name, member) in members {
                        let value =
                            self.sample(member, &format!("{at}/{}", escape(name)), depth + 1);
                        sampled.extend(value.map(|value| (name.clone(), value)));
                    }
                    Value::Object(sampled)
                }
                Value::Array(items) => Value::Array(
                    items
                        .iter()
                        .enumerate()
                        .filter_map(|(index, item)| {
                            self.sample(item, &format!("{at}/{index}"), depth + 1)
                        })
                        .collect(),
                ),
                scalar => scalar.clone(),
            });
        };
        match name {
            "$var" => {
                let name = argument.as_str()?;
                let template = self.draw.get(name)?;
                self.sample(template, &format!("draw/{name}"), depth + 1)
            }
            "$entity" => {
                let pool = self.entities.get(argument.as_str()?)?;
                let last = pool.first.saturating_add(pool.size.saturating_sub(1));
                let ends = [pool.first, last];
                ends.get(self.pick(at, 2)).map(|id| Value::from(*id))
            }
            "$int" => argument.get(self.pick(at, 2)).cloned(),
            "$choice" => {
                let index = self.pick(at, argument.as_array()?.len());
                self.sample(argument.get(index)?, &format!("{at}/{index}"), depth + 1)
            }
            "$chance" if self.pick(at, 2) == 0 => {
                self.sample(argument.get(1)?, &format!("{at}/1"), depth + 1)
            }
            "$counter" => Some(Value::from(1)),
            "$time" => Some(Value::from("2026-01-31T12:34:56.789Z")),
            "$uuid" => Some(Value::from("5f0c1b52-8f0e-4a53-9d0f-3b1f6f9a7c11")),
            _ => None,
        }
    }
}
