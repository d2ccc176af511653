//! Lists: how many items, then what each holds.
use serde_json::Value;

use super::draw::{Draw, Place, SPARSE};
use super::shape::Shape;
use crate::model::{ArrayKeywords, NodeKind, SchemaId};

/// Longest list drawn.
const LONGEST: u64 = 2_000;

/// Draws of an item that no other one equals.
const DRAWS: usize = 12;

impl<'m> Draw<'_, 'm> {
    pub(super) fn array(&mut self, shape: &Shape<'m>, place: Place<'_>) -> Option<Value> {
        let arrays = || shape.keywords.iter().map(|keywords| &keywords.array);
        let contained: Vec<(SchemaId, u64)> = arrays()
            .filter_map(|array| Some((array.contains?, array.min_contains.unwrap_or(1))))
            .collect();
        let asked = contained.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let least = arrays().filter_map(|array| array.min_items).max();
        let least = least.unwrap_or(0).max(asked);
        let most = arrays().filter_map(|array| array.max_items).min();
        let most = most.unwrap_or(u64::MAX);
        if least > most.min(LONGEST) {
            return None;
        }
        let is_unique = arrays().any(|array| array.unique_items);
        let known = self.known(shape, place);
        let lengths: Vec<u64> = known
            .iter()
            .filter_map(|value| value.as_array())
            .map(|items| items.len() as u64)
            .collect();
        let length = if place.depth >= SPARSE {
            least
        } else if let Some(length) = self.dice.pick(&lengths).copied() {
            (length + self.dice.below(2)).clamp(least, most)
        } else {
            let prefix = arrays().map(|array| array.prefix_items.len()).max();
            let start = least.max(prefix.unwrap_or(0) as u64).max(1).min(most);
            let some = start.saturating_add(self.dice.below(3)).min(most);
            if least == 0 && self.dice.chance(10) {
                0
            } else {
                some
            }
        };
        let path = format!("{}/*", place.path);
        let inner = Place {
            path: &path,
            name: place.name,
            depth: place.depth + 1,
        };
        let mut items: Vec<Value> = Vec::new();
        for index in 0..usize::try_from(length.min(LONGEST)).unwrap_or(0) {
            let mut schemas = schemas_of(shape, index);
            if schemas.iter().any(|id| self.refuses(*id)) {
                break;
            }
            let wanted = contained
                .iter()
                .filter(|(_, count)| (index as u64) < *count)
                .map(|(schema, _)| *schema);
            schemas.extend(wanted);
            let mut item = None;
            for _ in 0..DRAWS {
                item = self.value(&schemas, inner);
                let is_good = |item: &Value| !is_unique || !items.contains(item);
                if item.as_ref().is_some_and(is_good) {
                    break;
                }
                item = None;
            }
            match item {
                Some(item) => items.push(item),
                None => break,
            }
        }
        (items.len() as u64 >= least).then_some(Value::Array(items))
    }

    fn refuses(&self, id: SchemaId) -> bool {
        matches!(self.model.node(id).kind, NodeKind::Bool(false))
    }
}

/// Every schema that speaks about an item.
fn schemas_of(shape: &Shape<'_>, index: usize) -> Vec<SchemaId> {
    let arrays = || shape.keywords.iter().map(|keywords| &keywords.array);
    let own = |array: &ArrayKeywords| array.prefix_items.get(index).copied().or(array.items);
    let mut schemas: Vec<SchemaId> = arrays().filter_map(|array| own(array)).collect();
    if schemas.is_empty() {
        schemas.extend(arrays().filter_map(|array| array.unevaluated_items));
    }
    schemas
}
