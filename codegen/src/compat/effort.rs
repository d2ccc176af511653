//! How long a validator may take for a message.
//!
//! A validator remembers little of what it has seen, so definitions that refer to each other twice, thirty times
//! over, keep it busy for ever. Before one is asked, its steps are counted without taking them.
use std::collections::HashMap;

use serde_json::Value;

use super::budget::Budget;
use crate::model::{Keywords, Model, SchemaId};

/// Most schemas looked through while a validator is compiled.
const COMPILED: u64 = 50_000;

/// Most steps of a validator: well under a second.
const STEPS: u64 = 10_000_000;

/// Whether a validator is soon ready for a schema: `unevaluated…` is compiled with all it looks through.
pub(super) fn is_compiled_soon(model: &Model, budget: &Budget) -> bool {
    let mut count = Count::new(model, budget);
    let looks_through = |keywords: &&Keywords| {
        keywords.object.unevaluated_properties.is_some()
            || keywords.array.unevaluated_items.is_some()
    };
    let all = (0..model.nodes.len()).filter_map(|index| u32::try_from(index).ok().map(SchemaId));
    all.filter(|id| model.keywords(*id).as_ref().is_some_and(looks_through))
        .try_fold(0_u64, |total, id| {
            let total = total.saturating_add(count.steps(id, &Value::Null));
            (total < COMPILED).then_some(total)
        })
        .is_some()
}

/// Whether a validator answers soon.
pub(super) fn is_bearable(model: &Model, value: &Value, budget: &Budget) -> bool {
    Count::new(model, budget).steps(model.root, value) < STEPS
}

struct Count<'m> {
    model: &'m Model,
    budget: &'m Budget,
    /// By schema and the value's address; 0 while it is counted, so that cycles end.
    known: HashMap<(SchemaId, usize), u64>,
}

impl<'m> Count<'m> {
    fn new(model: &'m Model, budget: &'m Budget) -> Self {
        Self {
            model,
            budget,
            known: HashMap::new(),
        }
    }

    /// Applications of schemas to values, where nothing is remembered and nothing is skipped.
    fn steps(&mut self, schema: SchemaId, value: &Value) -> u64 {
        let Some(keywords) = self.model.keywords(schema) else {
            return 1;
        };
        let key = (schema, std::ptr::from_ref(value).addr());
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        if self.budget.is_deep() || self.known.len() as u64 > STEPS / 10 {
            return STEPS;
        }
        self.known.insert(key, 0);
        let mut steps = 1_u64;
        for part in in_place(keywords) {
            steps = steps.saturating_add(self.steps(part, value));
        }
        match value {
            Value::Array(items) => {
                let array = &keywords.array;
                for (index, item) in items.iter().enumerate() {
                    let own = array.prefix_items.get(index).copied().or(array.items);
                    for part in own
                        .into_iter()
                        .chain(array.contains)
                        .chain(array.unevaluated_items)
                    {
                        steps = steps.saturating_add(self.steps(part, item));
                    }
                }
            }
            Value::Object(members) => {
                let object = &keywords.object;
                for (name, member) in members {
                    let own = object.properties.get(name).copied();
                    let patterns = object.pattern_properties.values().copied();
                    let others = object.additional_properties.filter(|_| own.is_none());
                    let parts = own.into_iter().chain(patterns).chain(others);
                    for part in parts.chain(object.unevaluated_properties) {
                        steps = steps.saturating_add(self.steps(part, member));
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        if keywords.object.unevaluated_properties.is_some()
            || keywords.array.unevaluated_items.is_some()
        {
            // What has been evaluated is found by a second look.
            steps = steps.saturating_mul(2);
        }
        self.known.insert(key, steps);
        steps
    }
}

/// Schemas that are applied to the same value.
pub(super) fn in_place(keywords: &Keywords) -> impl Iterator<Item = SchemaId> {
    let single = [
        keywords.reference,
        keywords
            .dynamic_reference
            .as_ref()
            .map(|reference| reference.initial),
        keywords.not,
        keywords.condition,
        keywords.then,
        keywords.otherwise,
    ];
    single
        .into_iter()
        .flatten()
        .chain(keywords.all_of.iter().copied())
        .chain(keywords.any_of.iter().copied())
        .chain(keywords.one_of.iter().copied())
        .chain(keywords.object.dependent_schemas.values().copied())
}
