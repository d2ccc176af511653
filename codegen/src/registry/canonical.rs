//! What a schema means, as one hash: the same for every way to write it down.
//!
//! Descriptions, titles, examples, comments, key order, the split over files and the spelling of references
//! leave no trace; every assertion does, and so do `default`, `x-role` and `x-renamed-from`, which decide how
//! events are read. A schema is hashed from its leaves up; a reference hashes as what it leads to, a circle as
//! the number of references back.
use std::collections::HashMap;

use serde_json::{Map, Number, Value, json};
use sha2::{Digest as _, Sha256};

use crate::model::{
    Annotations, ArrayKeywords, Keywords, Model, NodeKind, NumberKeywords, ObjectKeywords,
    SchemaId, StringKeywords, TypeSet,
};

/// Annotations that decide how events are read.
const MEANINGFUL: &[&str] = &["x-role", "x-renamed-from"];

/// Chains of schemas deeper than this are told apart by their place; no schema written by people comes near.
const MAX_DEPTH: usize = 1_000;

/// SHA-256 of a schema's canonical form, in lower-case hexadecimal digits.
#[must_use]
pub fn hash(model: &Model) -> String {
    hash_of(model, model.root)
}

/// The same of any schema of a model.
#[must_use]
pub fn hash_of(model: &Model, id: SchemaId) -> String {
    Hasher::new(model).schema(id).0
}

/// Whether a schema says nothing but a type, so that two of it mean the same by chance.
#[must_use]
pub fn is_bare(model: &Model, id: SchemaId) -> bool {
    let conjuncts = model.conjuncts(&[id]);
    let mut keywords = conjuncts.into_iter().filter_map(|id| model.keywords(id));
    keywords.all(|keywords| {
        let said = said(model, keywords);
        let mut names = said.keys();
        names.all(|name| matches!(name.as_str(), "type" | "$ref" | "allOf"))
    })
}

/// What a schema itself says, without what its parts say.
fn said(model: &Model, keywords: &Keywords) -> Map<String, Value> {
    let mut hasher = Hasher::new(model);
    let mut form = Form::new(&mut hasher);
    form.shallow = true;
    form.keywords(keywords);
    form.members
}

struct Hasher<'m> {
    model: &'m Model,
    /// Schemas on the way from the root.
    above: Vec<SchemaId>,
    /// Schemas that lead to nothing above them.
    known: HashMap<SchemaId, String>,
}

/// A hash, and the depth of the outermost schema above that it leads back to; `usize::MAX` for none.
type Hashed = (String, usize);

impl<'m> Hasher<'m> {
    fn new(model: &'m Model) -> Self {
        Self {
            model,
            above: Vec::new(),
            known: HashMap::new(),
        }
    }

    /// The schema that a chain of lone references ends in; such a reference means what it leads to.
    fn target(&self, mut id: SchemaId) -> SchemaId {
        for _ in 0..MAX_DEPTH {
            let Some(keywords) = self.model.keywords(id) else {
                return id;
            };
            match keywords.reference {
                Some(target) if said(self.model, keywords).len() == 1 => id = target,
                Some(_) | None => return id,
            }
        }
        id
    }

    fn schema(&mut self, id: SchemaId) -> Hashed {
        let id = self.target(id);
        if let Some(known) = self.known.get(&id) {
            return (known.clone(), usize::MAX);
        }
        if let Some(depth) = self.above.iter().position(|above| *above == id) {
            return (digest(&json!({"back": self.above.len() - depth})), depth);
        }
        let node = self.model.node(id);
        let keywords = match &node.kind {
            NodeKind::Bool(accepts) => return (digest(&json!(accepts)), usize::MAX),
            NodeKind::Keywords(keywords) => keywords,
        };
        if self.above.len() >= MAX_DEPTH {
            return (digest(&json!({"place": node.location.to_string()})), 0);
        }
        self.above.push(id);
        let mut form = Form::new(self);
        form.keywords(keywords);
        let (members, outermost) = (form.members, form.outermost);
        self.above.pop();
        let hash = if members.is_empty() {
            digest(&json!(true))
        } else {
            // What the members hold is sorted as it is put in.
            digest(&Value::Object(in_order(members)))
        };
        if outermost >= self.above.len() {
            self.known.insert(id, hash.clone());
            return (hash, usize::MAX);
        }
        (hash, outermost)
    }
}

struct Form<'h, 'm> {
    hasher: &'h mut Hasher<'m>,
    members: Map<String, Value>,
    outermost: usize,
    /// Leaves out what the parts say.
    shallow: bool,
}

impl<'h, 'm> Form<'h, 'm> {
    fn new(hasher: &'h mut Hasher<'m>) -> Self {
        Self {
            hasher,
            members: Map::new(),
            outermost: usize::MAX,
            shallow: false,
        }
    }

    fn put(&mut self, name: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.members.insert(name.to_owned(), value);
        }
    }

    fn schema(&mut self, id: SchemaId) -> Value {
        if self.shallow {
            return Value::Null;
        }
        let (hash, outermost) = self.hasher.schema(id);
        self.outermost = self.outermost.min(outermost);
        Value::String(hash)
    }

    fn put_schema(&mut self, name: &str, id: Option<SchemaId>) {
        let value = id.map(|id| self.schema(id));
        self.put(name, value);
    }

    fn put_list(&mut self, name: &str, ids: &[SchemaId], ordered: bool) {
        let mut hashes: Vec<Value> = ids.iter().map(|id| self.schema(*id)).collect();
        if !ordered {
            hashes.sort_by(|left, right| left.as_str().cmp(&right.as_str()));
        }
        self.put(name, (!hashes.is_empty()).then_some(Value::Array(hashes)));
    }

    fn put_map<'s>(
        &mut self,
        name: &str,
        schemas: impl Iterator<Item = (&'s String, &'s SchemaId)>,
    ) {
        let members: Map<String, Value> = schemas
            .map(|(name, id)| (name.clone(), self.schema(*id)))
            .collect();
        self.put(
            name,
            (!members.is_empty()).then(|| Value::Object(in_order(members))),
        );
    }

    // Each family is taken apart without `..`, so that a new keyword cannot be left out of the hash.
    fn keywords(&mut self, keywords: &Keywords) {
        let Keywords {
            reference,
            dynamic_reference,
            types,
            spelled_integers,
            enumeration,
            constant,
            number,
            string,
            array,
            object,
            all_of,
            any_of,
            one_of,
            not,
            condition,
            then,
            otherwise,
            annotations,
        } = keywords;
        self.put_schema("$ref", *reference);
        if let Some(dynamic) = dynamic_reference {
            let initial = self.schema(dynamic.initial);
            self.put("$dynamicRef", Some(json!([initial, dynamic.anchor])));
        }
        self.put("type", types.map(|types| json!(types.0)));
        // In draft 04 alone 1.0 is no integer.
        let tells =
            *spelled_integers && types.is_some_and(|types| types.0 & TypeSet::INTEGER.0 != 0);
        self.put("spelledIntegers", tells.then_some(Value::Bool(true)));
        self.put("enum", enumeration.as_ref().map(|values| set(values)));
        self.put("const", constant.as_ref().map(sorted));
        self.number(number);
        self.string(string);
        self.array(array);
        self.object(object);
        self.put_list("allOf", all_of, false);
        self.put_list("anyOf", any_of, false);
        self.put_list("oneOf", one_of, false);
        self.put_schema("not", *not);
        self.put_schema("if", *condition);
        self.put_schema("then", *then);
        self.put_schema("else", *otherwise);
        self.annotations(annotations);
    }

    fn number(&mut self, keywords: &NumberKeywords) {
        let NumberKeywords {
            minimum,
            maximum,
            exclusive_minimum,
            exclusive_maximum,
            multiple_of,
        } = keywords;
        for (name, bound) in [
            ("minimum", minimum),
            ("maximum", maximum),
            ("exclusiveMinimum", exclusive_minimum),
            ("exclusiveMaximum", exclusive_maximum),
            ("multipleOf", multiple_of),
        ] {
            self.put(name, bound.as_ref().map(number));
        }
    }

    fn string(&mut self, keywords: &StringKeywords) {
        let StringKeywords {
            min_length,
            max_length,
            pattern,
            format,
        } = keywords;
        self.put(
            "minLength",
            min_length.filter(|least| *least > 0).map(Value::from),
        );
        self.put("maxLength", max_length.map(Value::from));
        self.put("pattern", pattern.clone().map(Value::from));
        self.put("format", format.clone().map(Value::from));
    }

    fn array(&mut self, keywords: &ArrayKeywords) {
        let ArrayKeywords {
            prefix_items,
            items,
            contains,
            min_contains,
            max_contains,
            min_items,
            max_items,
            unique_items,
            unevaluated_items,
            contains_evaluates,
        } = keywords;
        self.put_list("prefixItems", prefix_items, true);
        self.put_schema("items", *items);
        self.put_schema("contains", *contains);
        self.put("minContains", min_contains.map(Value::from));
        self.put("maxContains", max_contains.map(Value::from));
        self.put(
            "minItems",
            min_items.filter(|least| *least > 0).map(Value::from),
        );
        self.put("maxItems", max_items.map(Value::from));
        self.put("uniqueItems", unique_items.then_some(Value::Bool(true)));
        self.put_schema("unevaluatedItems", *unevaluated_items);
        let evaluates = contains.is_some() && *contains_evaluates;
        self.put("containsEvaluates", evaluates.then_some(Value::Bool(true)));
    }

    fn object(&mut self, keywords: &ObjectKeywords) {
        let ObjectKeywords {
            properties,
            pattern_properties,
            additional_properties,
            property_names,
            required,
            min_properties,
            max_properties,
            dependent_required,
            dependent_schemas,
            unevaluated_properties,
        } = keywords;
        self.put_map("properties", properties.iter());
        self.put_map("patternProperties", pattern_properties.iter());
        self.put_schema("additionalProperties", *additional_properties);
        self.put_schema("propertyNames", *property_names);
        self.put("required", (!required.is_empty()).then(|| names(required)));
        self.put(
            "minProperties",
            min_properties.filter(|least| *least > 0).map(Value::from),
        );
        self.put("maxProperties", max_properties.map(Value::from));
        let needs: Map<String, Value> = dependent_required
            .iter()
            .map(|(name, needed)| (name.clone(), names(needed)))
            .collect();
        self.put(
            "dependentRequired",
            (!needs.is_empty()).then(|| Value::Object(in_order(needs))),
        );
        self.put_map("dependentSchemas", dependent_schemas.iter());
        self.put_schema("unevaluatedProperties", *unevaluated_properties);
    }

    fn annotations(&mut self, annotations: &Annotations) {
        self.put("default", annotations.default.as_ref().map(sorted));
        for name in MEANINGFUL {
            self.put(name, annotations.extensions.get(*name).map(sorted));
        }
    }
}

fn in_order(mut members: Map<String, Value>) -> Map<String, Value> {
    members.sort_keys();
    members
}

fn digest(value: &Value) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let bytes = Sha256::digest(value.to_string().as_bytes());
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    let digits = bytes.iter();
    digits
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn names(names: &[String]) -> Value {
    let mut names = names.to_vec();
    names.sort();
    names.dedup();
    json!(names)
}

fn set(values: &[Value]) -> Value {
    let mut values: Vec<Value> = values.iter().map(sorted).collect();
    values.sort_by_key(Value::to_string);
    values.dedup();
    Value::Array(values)
}

/// The value with sorted members and one spelling for each number.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            names
                .into_iter()
                .map(|name| (name.clone(), sorted(&members[name])))
                .collect::<Map<_, _>>()
                .into()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Number(written) => number(written),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

/// 1.0 is 1; beyond 2^53 a double is left as it is, since it stands for more than one integer.
fn number(written: &Number) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match written.as_f64() {
        Some(float) if written.is_f64() && float.fract() == 0.0 && float.abs() <= EXACT => {
            #[allow(clippy::cast_possible_truncation)] // within 2^53
            let integer = float as i64;
            json!(integer)
        }
        _ => Value::Number(written.clone()),
    }
}

#[cfg(test)]
mod tests {
    use referencing::Draft;
    use serde_json::{Value, json};

    use super::hash;

    fn of(schema: &Value) -> String {
        hash(&crate::model::build(schema, Draft::Draft202012).unwrap())
    }

    #[test]
    fn spellings_of_one_meaning_hash_alike() {
        let cases = [
            (
                json!({"type": "object", "required": ["a", "b"], "properties": {"a": {"type": "integer", "minimum": 1}}}),
                json!({"description": "x", "title": "y", "$comment": "z", "examples": [{}],
                    "properties": {"a": {"minimum": 1.0, "type": "integer", "x-column": "a", "x-pii": "name"}},
                    "required": ["b", "a"], "type": "object"}),
            ),
            (
                json!({"properties": {"a": {"$ref": "#/$defs/t"}}, "$defs": {"t": {"enum": ["x", "y"]}}}),
                json!({"properties": {"a": {"enum": ["y", "x"]}}}),
            ),
            (json!({"items": {}, "minItems": 0}), json!({"items": true})),
            (
                json!({"$schema": "http://json-schema.org/draft-07/schema#", "exclusiveMinimum": 3}),
                json!({"exclusiveMinimum": 3}),
            ),
            (
                json!({"properties": {"next": {"$ref": "#"}}}),
                json!({"properties": {"next": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"$ref": "#"}}}),
            ),
        ];
        for (left, right) in cases {
            assert_eq!(of(&left), of(&right), "{left} and {right}");
        }
    }

    #[test]
    fn other_meanings_hash_differently() {
        let cases = [
            (json!({"minimum": 1}), json!({"minimum": 2})),
            (json!({"minimum": 1}), json!({"exclusiveMinimum": 1})),
            (
                json!({"const": {"title": 1}}),
                json!({"const": {"title": 2}}),
            ),
            (
                json!({"properties": {"title": {"type": "string"}}}),
                json!({"properties": {"description": {"type": "string"}}}),
            ),
            (
                json!({"prefixItems": [true, {"type": "null"}]}),
                json!({"prefixItems": [{"type": "null"}, true]}),
            ),
            (json!({"default": 1}), json!({"default": 2})),
            (json!({"x-renamed-from": "a"}), json!({})),
            (
                json!({"properties": {"a": {"$ref": "#"}}}),
                json!({"properties": {"a": {"properties": {"a": {}}}}}),
            ),
            (
                json!({"properties": {"a": {"properties": {"b": {"$ref": "#"}}}}}),
                json!({"properties": {"a": {"properties": {"b": {"$ref": "#/properties/a"}}}}}),
            ),
        ];
        for (left, right) in cases {
            assert_ne!(of(&left), of(&right), "{left} and {right}");
        }
    }

    #[test]
    fn shared_definitions_cost_nothing() {
        let mut defs = serde_json::Map::new();
        for level in 0..60 {
            let next = json!({"$ref": format!("#/$defs/d{}", level + 1)});
            defs.insert(
                format!("d{level}"),
                json!({"properties": {"l": next, "r": next}}),
            );
        }
        defs.insert("d60".to_owned(), json!({"type": "null"}));
        assert_eq!(of(&json!({"$ref": "#/$defs/d0", "$defs": defs})).len(), 64);
    }
}
