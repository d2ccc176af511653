//! One attempt at a value: what the schemas say is followed from the root down, choices are drawn, and what is
//! hard to foresee (`not`, `oneOf`, counts of `contains`) is left to the validator that looks at the result.
use serde_json::{Number, Value};

use super::dice::Dice;
use super::number::{self, Bounds};
use super::seen::Seen;
use super::shape::Shape;
use super::text::{Rules, Texts};
use crate::model::{Model, SchemaId, TypeSet};

/// Deepest nesting of a value.
const DEPTH: usize = 24;

/// From here on only what has to be there is there.
pub(super) const SPARSE: usize = 6;

/// Most parts of a value.
const PARTS: usize = 5_000;

/// An attempt under way.
pub(super) struct Draw<'d, 'm> {
    pub(super) model: &'m Model,
    pub(super) seen: &'m Seen,
    pub(super) texts: &'d mut Texts,
    pub(super) dice: &'d mut Dice,
    /// Parts drawn so far.
    pub(super) parts: usize,
}

/// Where a value is drawn.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    /// As [`Seen`] has it.
    pub(super) path: &'p str,
    /// The member's name, or that of the list it is in.
    pub(super) name: &'p str,
    pub(super) depth: usize,
}

impl<'m> Draw<'_, 'm> {
    /// A value for which the schemas hold, as far as it can be foreseen; none where this attempt led nowhere.
    pub(super) fn value(&mut self, schemas: &[SchemaId], place: Place<'_>) -> Option<Value> {
        self.parts += 1;
        if place.depth > DEPTH || self.parts > PARTS {
            return None;
        }
        let mut shape = Shape::of(self.model, schemas, self.dice);
        if shape.is_impossible {
            return None;
        }
        let types = shape.types();
        if let Some(listed) = shape.listed() {
            let rules = Rules::of(&shape.keywords);
            let bounds = Bounds::of(&shape.keywords);
            let good: Vec<&Value> = listed
                .into_iter()
                .filter(|value| self.admits(value, types, &rules, &bounds))
                .collect();
            let known = self.seen.at(place.path);
            let usual: Vec<&Value> = good
                .iter()
                .copied()
                .filter(|value| known.contains(value))
                .collect();
            let from = if !usual.is_empty() && self.dice.chance(70) {
                &usual
            } else {
                &good
            };
            return self.dice.pick(from).map(|value| (*value).clone());
        }
        let kind = self.kind(&shape, types, place)?;
        match kind {
            TypeSet::NULL => Some(Value::Null),
            TypeSet::BOOLEAN => Some(Value::Bool(self.dice.chance(50))),
            TypeSet::INTEGER | TypeSet::NUMBER => self.number(&shape, kind, place),
            TypeSet::STRING => {
                let known = self.known(&shape, place);
                let rules = Rules::of(&shape.keywords);
                let text = self.texts.text(&rules, &known, place.name, self.dice);
                text.map(Value::String)
            }
            TypeSet::ARRAY => self.array(&shape, place),
            _ => self.object(&mut shape, place),
        }
    }

    /// Whether a listed scalar keeps what else is said; lists and objects are left to the validator.
    fn admits(
        &mut self,
        value: &Value,
        types: TypeSet,
        rules: &Rules<'_>,
        bounds: &Bounds,
    ) -> bool {
        types.contains(kind_of(value))
            && match value {
                Value::String(text) => self.texts.admits(rules, text),
                Value::Number(number) => bounds.admits(number),
                _ => true,
            }
    }

    /// What examples and schemas show at a place.
    pub(super) fn known(&self, shape: &Shape<'m>, place: Place<'_>) -> Vec<&'m Value> {
        let seen = self.seen.at(place.path);
        if !seen.is_empty() {
            return seen.iter().collect();
        }
        let shown = shape.keywords.iter().flat_map(|keywords| {
            let annotations = &keywords.annotations;
            annotations.examples.iter().chain(&annotations.default)
        });
        shown.collect()
    }

    /// The type to draw: one that the keywords speak about, where `type` leaves it open.
    fn kind(&mut self, shape: &Shape<'m>, types: TypeSet, place: Place<'_>) -> Option<TypeSet> {
        let all = [
            TypeSet::NULL,
            TypeSet::BOOLEAN,
            TypeSet::INTEGER,
            TypeSet::NUMBER,
            TypeSet::STRING,
            TypeSet::ARRAY,
            TypeSet::OBJECT,
        ];
        let allowed: Vec<TypeSet> = all
            .into_iter()
            .filter(|kind| types.contains(*kind))
            .collect();
        let known = self.known(shape, place);
        let shown: Vec<TypeSet> = known
            .into_iter()
            .map(kind_of)
            .filter(|kind| allowed.contains(kind))
            .collect();
        if !shown.is_empty() && self.dice.chance(85) {
            return self.dice.pick(&shown).copied();
        }
        let spoken: Vec<TypeSet> = allowed
            .iter()
            .copied()
            .filter(|kind| {
                shape.keywords.iter().any(|keywords| match *kind {
                    TypeSet::INTEGER | TypeSet::NUMBER => *keywords.number != Default::default(),
                    TypeSet::STRING => *keywords.string != Default::default(),
                    TypeSet::ARRAY => *keywords.array != Default::default(),
                    TypeSet::OBJECT => *keywords.object != Default::default(),
                    _ => false,
                })
            })
            .collect();
        if !spoken.is_empty() && self.dice.chance(90) {
            return self.dice.pick(&spoken).copied();
        }
        let plain: Vec<TypeSet> = allowed
            .iter()
            .copied()
            .filter(|kind| {
                *kind != TypeSet::NULL && (allowed.len() < 7 || *kind == TypeSet::STRING)
            })
            .collect();
        if !plain.is_empty() && self.dice.chance(75) {
            return self.dice.pick(&plain).copied();
        }
        self.dice.pick(&allowed).copied()
    }

    fn number(&mut self, shape: &Shape<'m>, kind: TypeSet, place: Place<'_>) -> Option<Value> {
        let bounds = Bounds::of(&shape.keywords);
        let known = self.known(shape, place);
        let numbers: Vec<&Number> = known
            .into_iter()
            .filter_map(Value::as_number)
            .filter(|number| bounds.admits(number))
            .collect();
        let known = self.dice.pick(&numbers).copied();
        if let Some(known) = known.filter(|_| self.dice.chance(5)) {
            return Some(Value::Number(known.clone()));
        }
        let whole = known.and_then(number::integer);
        let drawn = if kind == TypeSet::INTEGER {
            bounds.integer(whole, place.name, self.dice)
        } else {
            let real = known.and_then(Number::as_f64);
            bounds
                .real(real, self.dice)
                .or_else(|| bounds.integer(whole, place.name, self.dice))
        };
        drawn.map(Value::Number)
    }
}

/// The type of a value; a whole number is an integer.
pub(super) fn kind_of(value: &Value) -> TypeSet {
    match value {
        Value::Null => TypeSet::NULL,
        Value::Bool(_) => TypeSet::BOOLEAN,
        Value::Number(number) if number::integer(number).is_some() => TypeSet::INTEGER,
        Value::Number(_) => TypeSet::NUMBER,
        Value::String(_) => TypeSet::STRING,
        Value::Array(_) => TypeSet::ARRAY,
        Value::Object(_) => TypeSet::OBJECT,
    }
}
