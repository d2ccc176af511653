//! The declared fields of an object schema, and what a schema says about a value's type and range.
//!
//! Both read through `$ref` and `allOf`, which only add; what `anyOf`, `oneOf` and `if` say about a
//! field is left to the checks.
use indexmap::IndexMap;
use serde_json::{Number, Value};

use super::{Annotations, Model, NodeKind, SchemaId, TypeSet};

/// A declared property.
#[derive(Clone, Debug)]
pub struct Property {
    /// Every schema that speaks about it; all must hold.
    pub schemas: Vec<SchemaId>,
    /// Whether it must be present.
    pub required: bool,
}

/// A field anywhere below an object, by nested `properties`.
#[derive(Clone, Debug)]
pub struct Field {
    /// JSON pointer from the object.
    pub pointer: String,
    /// The property.
    pub property: Property,
    /// Whether it and every object above it must be present.
    pub always_present: bool,
}

/// What a value can be, as far as plain keywords tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// Possible types.
    pub types: TypeSet,
    /// Lowest integer; `None` is unbounded.
    pub minimum: Option<i128>,
    /// Highest integer; `None` is unbounded.
    pub maximum: Option<i128>,
    /// The only values, where they are listed.
    pub values: Option<Vec<Value>>,
}

const ALL_TYPES: TypeSet = TypeSet(127);

impl Model {
    /// `schemas` and everything they include by `$ref` and `allOf`, each once.
    #[must_use]
    pub fn conjuncts(&self, schemas: &[SchemaId]) -> Vec<SchemaId> {
        let mut found: Vec<SchemaId> = Vec::new();
        let mut stack: Vec<SchemaId> = schemas.iter().rev().copied().collect();
        while let Some(id) = stack.pop() {
            if found.contains(&id) {
                continue;
            }
            found.push(id);
            if let Some(keywords) = self.keywords(id) {
                stack.extend(keywords.all_of.iter().rev());
                stack.extend(keywords.reference);
                stack.extend(
                    keywords
                        .dynamic_reference
                        .as_ref()
                        .map(|reference| reference.initial),
                );
            }
        }
        found
    }

    /// Declared properties of an object, in source order.
    #[must_use]
    pub fn properties(&self, schemas: &[SchemaId]) -> IndexMap<String, Property> {
        self.properties_of(&self.conjuncts(schemas))
    }

    /// One declared property of an object.
    #[must_use]
    pub fn property(&self, schemas: &[SchemaId], name: &str) -> Option<Property> {
        let mut property = Property {
            schemas: Vec::new(),
            required: false,
        };
        for id in self.conjuncts(schemas) {
            let Some(keywords) = self.keywords(id) else {
                continue;
            };
            property
                .schemas
                .extend(keywords.object.properties.get(name));
            property.required |= keywords.object.required.iter().any(|other| other == name);
        }
        (!property.schemas.is_empty()).then_some(property)
    }

    fn properties_of(&self, conjuncts: &[SchemaId]) -> IndexMap<String, Property> {
        let mut properties: IndexMap<String, Property> = IndexMap::new();
        for keywords in conjuncts.iter().filter_map(|id| self.keywords(*id)) {
            for (name, schema) in &keywords.object.properties {
                properties
                    .entry(name.clone())
                    .or_insert_with(|| Property {
                        schemas: Vec::new(),
                        required: false,
                    })
                    .schemas
                    .push(*schema);
            }
        }
        for keywords in conjuncts.iter().filter_map(|id| self.keywords(*id)) {
            for name in &keywords.object.required {
                if let Some(property) = properties.get_mut(name) {
                    property.required = true;
                }
            }
        }
        properties
    }

    /// Every declared field below an object, parents before children; recursion ends at the first repeat.
    #[must_use]
    pub fn fields(&self, root: SchemaId) -> Vec<Field> {
        let mut fields = Vec::new();
        self.collect_fields(&[root], "", true, &mut Vec::new(), &mut fields);
        fields
    }

    fn collect_fields(
        &self,
        schemas: &[SchemaId],
        pointer: &str,
        present: bool,
        above: &mut Vec<SchemaId>,
        fields: &mut Vec<Field>,
    ) {
        let conjuncts = self.conjuncts(schemas);
        let declares = |id: &SchemaId| {
            let keywords = self.keywords(*id);
            keywords.is_some_and(|keywords| !keywords.object.properties.is_empty())
        };
        if !conjuncts.iter().any(declares) || conjuncts.iter().any(|id| above.contains(id)) {
            return;
        }
        let depth = above.len();
        above.extend(&conjuncts);
        for (name, property) in self.properties_of(&conjuncts) {
            let child = format!("{pointer}/{}", super::escape(&name));
            let always_present = present && property.required;
            let inner = property.schemas.clone();
            fields.push(Field {
                pointer: child.clone(),
                property,
                always_present,
            });
            self.collect_fields(&inner, &child, always_present, above, fields);
        }
        above.truncate(depth);
    }

    /// The field at a pointer of [`Self::fields`], found without listing all.
    #[must_use]
    pub fn field(&self, root: SchemaId, pointer: &str) -> Option<Field> {
        let mut schemas = vec![root];
        let mut always_present = true;
        let mut found = None;
        for token in pointer.strip_prefix('/')?.split('/') {
            let name = crate::model::unescape(token);
            let property = self.property(&schemas, &name)?;
            always_present &= property.required;
            schemas.clone_from(&property.schemas);
            found = Some(Field {
                pointer: pointer.to_owned(),
                property,
                always_present,
            });
        }
        found
    }

    /// The first annotation that any schema of a field gives.
    pub fn annotation<'m, T>(
        &'m self,
        schemas: &[SchemaId],
        pick: impl Fn(&'m Annotations) -> Option<T>,
    ) -> Option<T> {
        self.conjuncts(schemas)
            .into_iter()
            .filter_map(|id| self.keywords(id))
            .find_map(|keywords| pick(&keywords.annotations))
    }

    /// An `x-…` annotation that is a string.
    #[must_use]
    pub fn extension(&self, schemas: &[SchemaId], name: &str) -> Option<&str> {
        self.annotation(schemas, |annotations| {
            annotations.extensions.get(name).and_then(Value::as_str)
        })
    }

    /// What a value that satisfies all of `schemas` can be.
    #[must_use]
    pub fn range(&self, schemas: &[SchemaId]) -> Range {
        self.range_within(schemas, &mut Vec::new())
    }

    fn range_within(&self, schemas: &[SchemaId], above: &mut Vec<SchemaId>) -> Range {
        let mut range = Range {
            types: ALL_TYPES,
            minimum: None,
            maximum: None,
            values: None,
        };
        for id in self.conjuncts(schemas) {
            if above.contains(&id) {
                continue;
            }
            above.push(id);
            self.narrow(&mut range, id, above);
            above.pop();
        }
        if let Some(values) = &range.values {
            range.types = values
                .iter()
                .fold(TypeSet(0), |types, value| types.union(type_of(value)));
            let integers: Vec<i128> = values.iter().filter_map(integer).collect();
            range.minimum = tighter(range.minimum, integers.iter().min().copied(), i128::max);
            range.maximum = tighter(range.maximum, integers.iter().max().copied(), i128::min);
        }
        range
    }

    fn narrow(&self, range: &mut Range, id: SchemaId, above: &mut Vec<SchemaId>) {
        let keywords = match &self.node(id).kind {
            NodeKind::Bool(true) => return,
            NodeKind::Bool(false) => {
                range.types = TypeSet(0);
                return;
            }
            NodeKind::Keywords(keywords) => keywords,
        };
        if let Some(types) = keywords.types {
            range.types = intersect(range.types, types);
        }
        let number = &keywords.number;
        let lowest = tighter(
            number
                .minimum
                .as_ref()
                .and_then(|bound| whole(bound, f64::ceil)),
            number
                .exclusive_minimum
                .as_ref()
                .and_then(|bound| whole(bound, f64::floor))
                .map(|bound| bound + 1),
            i128::max,
        );
        let highest = tighter(
            number
                .maximum
                .as_ref()
                .and_then(|bound| whole(bound, f64::floor)),
            number
                .exclusive_maximum
                .as_ref()
                .and_then(|bound| whole(bound, f64::ceil))
                .map(|bound| bound - 1),
            i128::min,
        );
        range.minimum = tighter(range.minimum, lowest, i128::max);
        range.maximum = tighter(range.maximum, highest, i128::min);
        let listed = keywords
            .constant
            .clone()
            .map(|value| vec![value])
            .or_else(|| keywords.enumeration.clone());
        if let Some(listed) = listed {
            range.values = Some(match range.values.take() {
                Some(values) => values
                    .into_iter()
                    .filter(|value| listed.contains(value))
                    .collect(),
                None => listed,
            });
        }
        for branches in [&keywords.any_of, &keywords.one_of] {
            if branches.is_empty() {
                continue;
            }
            let ranges: Vec<Range> = branches
                .iter()
                .map(|branch| self.range_within(&[*branch], above))
                .collect();
            let types = ranges
                .iter()
                .fold(TypeSet(0), |types, branch| types.union(branch.types));
            range.types = intersect(range.types, types);
            let numeric = || {
                ranges.iter().filter(|branch| {
                    TypeSet::NUMBER.contains(intersect(branch.types, TypeSet::NUMBER))
                        && intersect(branch.types, TypeSet::NUMBER).0 != 0
                })
            };
            let lowest = numeric()
                .map(|branch| branch.minimum)
                .reduce(|left, right| Some(left?.min(right?)))
                .flatten();
            let highest = numeric()
                .map(|branch| branch.maximum)
                .reduce(|left, right| Some(left?.max(right?)))
                .flatten();
            range.minimum = tighter(range.minimum, lowest, i128::max);
            range.maximum = tighter(range.maximum, highest, i128::min);
        }
    }
}

fn tighter(left: Option<i128>, right: Option<i128>, pick: fn(i128, i128) -> i128) -> Option<i128> {
    match (left, right) {
        (Some(left), Some(right)) => Some(pick(left, right)),
        (left, right) => left.or(right),
    }
}

/// The types in both sets; `integer` is in `number`.
#[must_use]
pub fn intersect(left: TypeSet, right: TypeSet) -> TypeSet {
    let widen = |types: TypeSet| {
        if types.0 & TypeSet::NUMBER.0 == 0 {
            types.0
        } else {
            types.0 | TypeSet::INTEGER.0
        }
    };
    let both = widen(left) & widen(right);
    // Plain `number` subsumes the integer bit.
    TypeSet(if both & TypeSet::NUMBER.0 == 0 {
        both
    } else {
        both & !TypeSet::INTEGER.0
    })
}

fn type_of(value: &Value) -> TypeSet {
    match value {
        Value::Null => TypeSet::NULL,
        Value::Bool(_) => TypeSet::BOOLEAN,
        Value::Number(_) if integer(value).is_some() => TypeSet::INTEGER,
        Value::Number(_) => TypeSet::NUMBER,
        Value::String(_) => TypeSet::STRING,
        Value::Array(_) => TypeSet::ARRAY,
        Value::Object(_) => TypeSet::OBJECT,
    }
}

fn integer(value: &Value) -> Option<i128> {
    let number = value.as_number()?;
    number
        .as_f64()
        .filter(|float| float.fract() == 0.0)
        .and_then(|_| whole(number, f64::trunc))
}

/// A bound as an integer, rounded inwards; `None` beyond 128 bits, which bounds no 64-bit integer.
fn whole(number: &Number, round: fn(f64) -> f64) -> Option<i128> {
    if let Some(value) = number.as_i64() {
        return Some(i128::from(value));
    }
    if let Some(value) = number.as_u64() {
        return Some(i128::from(value));
    }
    let float = round(number.as_f64()?);
    #[allow(clippy::cast_possible_truncation)]
    (float.abs() < 1e38).then_some(float as i128)
}
