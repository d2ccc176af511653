//! Whether a formula holds for a given value: how listed values are decided, whatever the keywords.
use serde_json::Value;

use super::budget::PART;
use super::formula::{Formulas, Lit, Node, kind};
use super::values::{canonical, is_multiple, kind_of, rational, size};

impl Formulas {
    /// The type bit of a value.
    pub(super) fn kind_of(&self, value: &Value) -> u8 {
        match kind_of(value) {
            kind::WHOLE if !self.spelled => kind::INTEGER,
            kind => kind,
        }
    }

    /// `None` where nobody here can tell.
    pub(super) fn holds(&mut self, lit: Lit, value: &Value) -> Option<bool> {
        self.holds_at(lit, value, 0)
    }

    fn holds_at(&mut self, lit: Lit, value: &Value, depth: usize) -> Option<bool> {
        self.budget.spend(1);
        let budget = &self.budget;
        if budget.reaches(depth, budget.room().formulas) || budget.is_deep() || budget.is_spent() {
            return None;
        }
        let node = self.held(lit);
        let plain = if node.scope() & self.kind_of(value) == 0 {
            Some(true)
        } else {
            self.node_holds(&node, value, depth + 1)
        };
        plain.map(|plain| plain != lit.is_negated())
    }

    fn every(
        &mut self,
        parts: impl IntoIterator<Item = Lit>,
        value: &Value,
        depth: usize,
    ) -> Option<bool> {
        let mut known = true;
        for part in parts {
            match self.holds_at(part, value, depth) {
                Some(false) => return Some(false),
                Some(true) => {}
                None => known = false,
            }
        }
        known.then_some(true)
    }

    fn node_holds(&mut self, node: &Node, value: &Value, depth: usize) -> Option<bool> {
        match node {
            Node::True => Some(true),
            Node::All(parts) => self.every(parts.iter().copied(), value, depth),
            Node::One(parts) => {
                let mut count = 0;
                for part in parts {
                    count += usize::from(self.holds_at(*part, value, depth)?);
                }
                Some(count == 1)
            }
            Node::Link(number) => {
                let target = self.linked(*number);
                self.holds_at(target, value, depth)
            }
            Node::Types(set) => Some(set & self.kind_of(value) != 0),
            Node::Values(ids) => {
                // The value is spelled to be looked up.
                self.budget.spend(PART * size(value));
                // Equality does not ask how a number is written.
                let found = self.values.find(value);
                Some(found.is_some_and(|id| ids.binary_search(&id).is_ok()))
            }
            Node::Opaque(_) => None,
            _ => match value {
                Value::Number(number) => {
                    let number = rational(number);
                    Some(match node {
                        Node::Lower { bound, open } => {
                            number > *bound || (!open && number == *bound)
                        }
                        Node::Upper { bound, open } => {
                            number < *bound || (!open && number == *bound)
                        }
                        Node::Multiple(step) => is_multiple(&number, step),
                        _ => true,
                    })
                }
                Value::String(text) => match node {
                    Node::MinLength(count) => Some(text.chars().count() as u64 >= *count),
                    Node::MaxLength(count) => Some(text.chars().count() as u64 <= *count),
                    Node::Pattern(pattern) => self.patterns.is_match(*pattern, text),
                    Node::Format(name) => Some(self.formats.accepts(name, text)),
                    _ => Some(true),
                },
                Value::Array(items) => self.array_holds(node, items, depth),
                Value::Object(_) => self.object_holds(node, value, depth),
                Value::Null | Value::Bool(_) => Some(true),
            },
        }
    }

    fn array_holds(&mut self, node: &Node, items: &[Value], depth: usize) -> Option<bool> {
        match node {
            Node::MinItems(count) => Some(items.len() as u64 >= *count),
            Node::MaxItems(count) => Some(items.len() as u64 <= *count),
            Node::Unique => {
                let texts: std::collections::HashSet<String> = items
                    .iter()
                    .map(|item| canonical(item).to_string())
                    .collect();
                Some(texts.len() == items.len())
            }
            Node::Items { prefix, rest } => {
                let mut known = true;
                for (index, item) in items.iter().enumerate() {
                    let lit = prefix.get(index).copied().unwrap_or(*rest);
                    match self.holds_at(lit, item, depth) {
                        Some(false) => return Some(false),
                        Some(true) => {}
                        None => known = false,
                    }
                }
                known.then_some(true)
            }
            Node::Contains { item, min, max } => {
                let mut count = 0;
                for value in items {
                    count += u64::from(self.holds_at(*item, value, depth)?);
                }
                Some(count >= *min && max.is_none_or(|max| count <= max))
            }
            _ => Some(true),
        }
    }

    fn object_holds(&mut self, node: &Node, value: &Value, depth: usize) -> Option<bool> {
        let Value::Object(members) = value else {
            return Some(true);
        };
        match node {
            Node::MinMembers(count) => Some(members.len() as u64 >= *count),
            Node::MaxMembers(count) => Some(members.len() as u64 <= *count),
            Node::Required(name) => Some(members.contains_key(name.as_ref())),
            Node::Names(lit) => {
                let mut known = true;
                for name in members.keys() {
                    match self.holds_at(*lit, &Value::String(name.clone()), depth) {
                        Some(false) => return Some(false),
                        Some(true) => {}
                        None => known = false,
                    }
                }
                known.then_some(true)
            }
            Node::Members(statement) => {
                let mut known = true;
                for (name, member) in members {
                    let Some(parts) = self.applicable(statement, name) else {
                        known = false;
                        continue;
                    };
                    match self.every(parts, member, depth) {
                        Some(false) => return Some(false),
                        Some(true) => {}
                        None => known = false,
                    }
                }
                known.then_some(true)
            }
            _ => Some(true),
        }
    }

    /// What a statement says about the member of a name; `None` where a pattern cannot be tried.
    pub(super) fn applicable(
        &mut self,
        statement: &super::formula::Members,
        name: &str,
    ) -> Option<Vec<Lit>> {
        let mut parts: Vec<Lit> = statement.named(name).into_iter().collect();
        let mut spoken = !parts.is_empty();
        for (pattern, lit) in &statement.patterns {
            if self.patterns.is_match(*pattern, name)? {
                parts.push(*lit);
                spoken = true;
            }
        }
        if !spoken {
            parts.push(statement.rest);
        }
        Some(parts)
    }
}
