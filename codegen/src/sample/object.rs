//! Objects: which members there are, then what each holds.
use serde_json::{Map, Value};

use super::draw::{Draw, Place, SPARSE};
use super::seen::below;
use super::shape::Shape;
use super::words;
use crate::model::{NodeKind, SchemaId};

/// Rounds in which the presence of members asks for others.
const ROUNDS: usize = 4;

/// Members tried where names are free.
const NAMES: usize = 40;

impl<'m> Draw<'_, 'm> {
    pub(super) fn object(&mut self, shape: &mut Shape<'m>, place: Place<'_>) -> Option<Value> {
        let known = self.known(shape, place);
        let is_declared = |shape: &Shape<'m>| {
            let mut keywords = shape.keywords.iter();
            keywords.any(|keywords| !keywords.object.properties.is_empty())
        };
        if !is_declared(shape) {
            // Any members will do, so those that are known read best.
            let objects: Vec<&Value> = known
                .iter()
                .copied()
                .filter(|value| value.is_object())
                .collect();
            if self.dice.chance(70)
                && let Some(object) = self.dice.pick(&objects)
            {
                return Some((*object).clone());
            }
        }
        let names = self.names(shape, place)?;
        let mut members = Map::new();
        for name in names {
            let schemas = self.schemas_of(shape, &name);
            let path = below(place.path, &name);
            let inner = Place {
                path: &path,
                name: &name,
                depth: place.depth + 1,
            };
            match self.value(&schemas, inner) {
                Some(value) => {
                    members.insert(name, value);
                }
                None if is_required(shape, &name) => return None,
                None => {}
            }
        }
        Some(Value::Object(members))
    }

    /// The names of the members, as far as possible in the order in which they are declared.
    fn names(&mut self, shape: &mut Shape<'m>, place: Place<'_>) -> Option<Vec<String>> {
        let mut chosen: Vec<String> = Vec::new();
        for _ in 0..ROUNDS {
            let declared: Vec<&'m String> = shape
                .keywords
                .iter()
                .flat_map(|keywords| keywords.object.properties.keys())
                .collect();
            for name in declared {
                if !chosen.contains(name)
                    && !is_required(shape, name)
                    && self.takes(shape, name)
                    && self.is_drawn(name, place)
                {
                    chosen.push(name.clone());
                }
            }
            let before = shape.keywords.len();
            self.follow_up(shape, &mut chosen);
            if shape.keywords.len() == before {
                break;
            }
        }
        let count = |kind: fn(&crate::model::ObjectKeywords) -> Option<u64>| {
            let keywords = shape.keywords.iter();
            keywords.filter_map(move |keywords| kind(&keywords.object))
        };
        let least = count(|object| object.min_properties).max().unwrap_or(0);
        let most = count(|object| object.max_properties).min();
        let least = usize::try_from(least).unwrap_or(usize::MAX);
        let most = most.map_or(usize::MAX, |most| {
            usize::try_from(most).unwrap_or(usize::MAX)
        });
        if most < least {
            return None;
        }
        self.fill(shape, &mut chosen, least, place);
        if chosen.len() > most {
            let mut optional: Vec<String> = chosen
                .iter()
                .filter(|name| !is_required(shape, name))
                .cloned()
                .collect();
            self.dice.shuffle(&mut optional);
            optional.truncate(chosen.len() - most);
            chosen.retain(|name| !optional.contains(name));
        }
        let order = |name: &String| {
            let mut declared = shape
                .keywords
                .iter()
                .flat_map(|keywords| keywords.object.properties.keys());
            declared
                .position(|other| other == name)
                .unwrap_or(usize::MAX)
        };
        chosen.sort_by_cached_key(order);
        Some(chosen)
    }

    /// Whether an optional member is there this time: more likely where examples have it.
    fn is_drawn(&mut self, name: &str, place: Place<'_>) -> bool {
        let percent = if place.depth >= SPARSE {
            0
        } else if self.seen.at(&below(place.path, name)).is_empty() {
            45
        } else {
            65
        };
        self.dice.chance(percent)
    }

    /// What has to be there, and what members that are there ask for.
    fn follow_up(&mut self, shape: &mut Shape<'m>, chosen: &mut Vec<String>) {
        for _ in 0..ROUNDS {
            let mut asked: Vec<String> = Vec::new();
            let mut schemas: Vec<SchemaId> = Vec::new();
            for keywords in &shape.keywords {
                let object = &keywords.object;
                asked.extend(object.required.iter().cloned());
                for name in chosen.iter() {
                    let dependent = object.dependent_required.get(name);
                    asked.extend(dependent.into_iter().flatten().cloned());
                    schemas.extend(object.dependent_schemas.get(name));
                }
            }
            let before = (chosen.len(), shape.keywords.len());
            for name in asked {
                if !chosen.contains(&name) {
                    chosen.push(name);
                }
            }
            shape.add(self.model, &schemas, self.dice);
            if before == (chosen.len(), shape.keywords.len()) {
                return;
            }
        }
    }

    /// More members where there are too few, and some where an object is a map.
    fn fill(
        &mut self,
        shape: &Shape<'m>,
        chosen: &mut Vec<String>,
        least: usize,
        place: Place<'_>,
    ) {
        let mut patterns: Vec<&'m String> = Vec::new();
        let (mut is_map, mut is_declared) = (false, false);
        for keywords in &shape.keywords {
            let object = &keywords.object;
            patterns.extend(object.pattern_properties.keys());
            is_map |=
                object.additional_properties.is_some() || !object.pattern_properties.is_empty();
            is_declared |= !object.properties.is_empty();
        }
        let mut wanted = least;
        if is_map && !is_declared && place.depth < SPARSE {
            wanted = wanted.max(self.dice.index(3) + 1);
        }
        let mut declared: Vec<&'m String> = shape
            .keywords
            .iter()
            .flat_map(|keywords| keywords.object.properties.keys())
            .collect();
        self.dice.shuffle(&mut declared);
        for name in declared {
            if chosen.len() >= wanted {
                return;
            }
            if !chosen.contains(name) && self.takes(shape, name) {
                chosen.push(name.clone());
            }
        }
        for attempt in 0..NAMES.saturating_add(wanted.saturating_mul(2)).min(2_000) {
            if chosen.len() >= wanted {
                return;
            }
            let Some(name) = self.free_name(shape, &patterns, place, attempt) else {
                continue;
            };
            if !chosen.contains(&name) && self.takes(shape, &name) {
                chosen.push(name);
            }
        }
    }

    /// A name that no schema declares: one of the examples', of a pattern, or of what `propertyNames` allows.
    fn free_name(
        &mut self,
        shape: &Shape<'m>,
        patterns: &[&'m String],
        place: Place<'_>,
        attempt: usize,
    ) -> Option<String> {
        let objects = self.seen.at(place.path).iter();
        let known: Vec<&'m String> = objects
            .filter_map(Value::as_object)
            .flat_map(Map::keys)
            .collect();
        if self.dice.chance(60)
            && let Some(name) = self.dice.pick(&known)
        {
            return Some((*name).clone());
        }
        let restricted: Vec<SchemaId> = shape
            .keywords
            .iter()
            .filter_map(|keywords| keywords.object.property_names)
            .collect();
        if !restricted.is_empty() {
            let inner = Place {
                path: "*",
                name: "",
                depth: place.depth + 1,
            };
            if let Some(Value::String(name)) = self.value(&restricted, inner) {
                return Some(name);
            }
        }
        if let Some(pattern) = self.dice.pick(patterns).filter(|_| attempt % 4 != 3) {
            return self.texts.draw(pattern, self.dice);
        }
        let count = 1 + attempt as u64 / 20;
        Some(words::words(count, self.dice).replace(' ', "_"))
    }

    /// Whether a member of this name may be there.
    fn takes(&mut self, shape: &Shape<'m>, name: &str) -> bool {
        let schemas = self.schemas_of(shape, name);
        let model = self.model;
        !schemas
            .iter()
            .any(|id| matches!(model.node(*id).kind, NodeKind::Bool(false)))
    }

    /// Every schema that speaks about a member.
    fn schemas_of(&mut self, shape: &Shape<'m>, name: &str) -> Vec<SchemaId> {
        let mut schemas: Vec<SchemaId> = Vec::new();
        let mut is_evaluated = false;
        for keywords in &shape.keywords {
            let object = &keywords.object;
            let own = object.properties.get(name).copied();
            let mut is_own = own.is_some();
            schemas.extend(own);
            for (pattern, schema) in &object.pattern_properties {
                if self.texts.is_match(pattern, name) {
                    schemas.push(*schema);
                    is_own = true;
                }
            }
            if !is_own && let Some(additional) = object.additional_properties {
                schemas.push(additional);
                is_own = true;
            }
            is_evaluated |= is_own;
        }
        if !is_evaluated {
            let keywords = shape.keywords.iter();
            schemas.extend(keywords.filter_map(|keywords| keywords.object.unevaluated_properties));
        }
        schemas
    }
}

fn is_required(shape: &Shape<'_>, name: &str) -> bool {
    let mut keywords = shape.keywords.iter();
    keywords.any(|keywords| keywords.object.required.iter().any(|other| other == name))
}
