//! All keywords that speak about one value, once every choice between branches has been made.
use std::collections::HashSet;

use serde_json::Value;

use super::dice::Dice;
use crate::model::{Keywords, Model, NodeKind, SchemaId, TypeSet};

/// Keywords that must all hold, as far as one draw of the branches goes.
#[derive(Debug)]
pub(super) struct Shape<'m> {
    pub(super) keywords: Vec<&'m Keywords>,
    /// Schemas already followed.
    met: HashSet<SchemaId>,
    /// A schema that accepts nothing is among them.
    pub(super) is_impossible: bool,
}

impl<'m> Shape<'m> {
    pub(super) fn of(model: &'m Model, schemas: &[SchemaId], dice: &mut Dice) -> Self {
        let mut shape = Self {
            keywords: Vec::new(),
            met: HashSet::new(),
            is_impossible: false,
        };
        shape.add(model, schemas, dice);
        shape
    }

    /// Takes in schemas with all that they include; of alternatives one is drawn.
    pub(super) fn add(&mut self, model: &'m Model, schemas: &[SchemaId], dice: &mut Dice) {
        let mut open: Vec<SchemaId> = schemas.iter().rev().copied().collect();
        while let Some(id) = open.pop() {
            if !self.met.insert(id) {
                continue;
            }
            let keywords = match &model.node(id).kind {
                NodeKind::Bool(accepts) => {
                    self.is_impossible |= !accepts;
                    continue;
                }
                NodeKind::Keywords(keywords) => keywords,
            };
            self.keywords.push(keywords);
            open.extend(keywords.all_of.iter().rev());
            open.extend(keywords.reference);
            let dynamic = keywords.dynamic_reference.as_ref();
            open.extend(dynamic.map(|reference| reference.initial));
            open.extend(possible(model, &keywords.any_of, dice));
            open.extend(possible(model, &keywords.one_of, dice));
            if let Some(condition) = keywords.condition {
                if dice.chance(50) {
                    open.push(condition);
                    open.extend(keywords.then);
                } else {
                    open.extend(keywords.otherwise);
                }
            }
        }
    }

    /// The types that every schema allows; an integer where one says so.
    pub(super) fn types(&self) -> TypeSet {
        let all = TypeSet(127);
        let sets = self.keywords.iter().filter_map(|keywords| keywords.types);
        sets.fold(all, |left, right| {
            let mut both = TypeSet(widened(left).0 & widened(right).0);
            if left.0 & right.0 & TypeSet::NUMBER.0 == 0 {
                both.0 &= !TypeSet::NUMBER.0;
            }
            both
        })
    }

    /// The listed values, where values are listed, that all lists have.
    pub(super) fn listed(&self) -> Option<Vec<&'m Value>> {
        let lists = self.keywords.iter().flat_map(|keywords| {
            let constant = keywords.constant.as_ref();
            let constant = constant.map(std::slice::from_ref);
            let enumeration = keywords.enumeration.as_deref();
            constant.into_iter().chain(enumeration)
        });
        let mut all: Option<Vec<&Value>> = None;
        for list in lists {
            all = Some(match all {
                None => list.iter().collect(),
                Some(left) => left
                    .into_iter()
                    .filter(|value| list.contains(value))
                    .collect(),
            });
        }
        all
    }
}

const fn widened(set: TypeSet) -> TypeSet {
    if set.0 & TypeSet::NUMBER.0 > 0 {
        set.union(TypeSet::INTEGER)
    } else {
        set
    }
}

/// One of the branches, of those that are not `false`.
fn possible(model: &Model, branches: &[SchemaId], dice: &mut Dice) -> Option<SchemaId> {
    let is_open = |id: &&SchemaId| !matches!(model.node(**id).kind, NodeKind::Bool(false));
    let open: Vec<&SchemaId> = branches.iter().filter(is_open).collect();
    dice.pick(&open).map(|id| **id)
}
