//! What a schema means, as one hash: the same for every way to write it down.
//!
//! Descriptions, titles, examples, comments, key order, the split over files and the spelling of references
//! leave no trace; every assertion does, and so do `default`, `x-role` and `x-renamed-from`, which decide how
//! events are read. A schema is hashed from its leaves up; a reference hashes as what it leads to, a circle as
//! the number of references back.
use serde_json::{Map, Number, Value, json};
use sha2::{Digest as _, Sha256};

use crate::model::{
    Annotations, ArrayKeywords, Keywords, Model, NodeKind, NumberKeywords, ObjectKeywords,
    SchemaId, StringKeywords, TypeSet,
};

/// Annotations that decide how events are read.
pub(crate) const MEANINGFUL: &[&str] = &["x-role", "x-renamed-from"];

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
        let mut names = said.iter().map(|(name, _)| *name);
        names.all(|name| matches!(name, "type" | "$ref" | "allOf"))
    })
}

/// Keywords and their values in canonical form, as JSON text.
type Members = Vec<(&'static str, String)>;

/// What a schema itself says, without what its parts say.
fn said(model: &Model, keywords: &Keywords) -> Members {
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
    /// Hashes of schemas that lead to nothing above them, by index; empty before the first.
    known: Vec<Option<String>>,
}

/// A hash, and the depth of the outermost schema above that it leads back to; `usize::MAX` for none.
type Hashed = (String, usize);

impl<'m> Hasher<'m> {
    fn new(model: &'m Model) -> Self {
        Self {
            model,
            above: Vec::new(),
            known: Vec::new(),
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
        let index = id.0 as usize;
        if let Some(Some(known)) = self.known.get(index) {
            return (known.clone(), usize::MAX);
        }
        if let Some(depth) = self.above.iter().position(|above| *above == id) {
            let back = self.above.len() - depth;
            return (digest(&format!("{{\"back\":{back}}}")), depth);
        }
        let node = self.model.node(id);
        let keywords = match &node.kind {
            NodeKind::Bool(accepts) => return (digest(&accepts.to_string()), usize::MAX),
            NodeKind::Keywords(keywords) => keywords,
        };
        if self.above.len() >= MAX_DEPTH {
            let place = json!({"place": node.location.to_string()});
            return (digest(&place.to_string()), 0);
        }
        self.above.push(id);
        let mut form = Form::new(self);
        form.keywords(keywords);
        let (members, outermost) = (form.members, form.outermost);
        self.above.pop();
        let hash = if members.is_empty() {
            digest("true")
        } else {
            // What the members hold is sorted as it is put in.
            digest(&object(members))
        };
        if outermost >= self.above.len() {
            if self.known.is_empty() {
                self.known.resize(self.model.nodes.len(), None);
            }
            self.known[index] = Some(hash.clone());
            return (hash, usize::MAX);
        }
        (hash, outermost)
    }
}

struct Form<'h, 'm> {
    hasher: &'h mut Hasher<'m>,
    members: Members,
    outermost: usize,
    /// Leaves out what the parts say.
    shallow: bool,
}

impl<'h, 'm> Form<'h, 'm> {
    fn new(hasher: &'h mut Hasher<'m>) -> Self {
        Self {
            hasher,
            members: Vec::new(),
            outermost: usize::MAX,
            shallow: false,
        }
    }

    fn put(&mut self, name: &'static str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.members.push((name, value.to_string()));
        }
    }

    fn schema(&mut self, id: SchemaId) -> String {
        if self.shallow {
            return "null".to_owned();
        }
        let (hash, outermost) = self.hasher.schema(id);
        self.outermost = self.outermost.min(outermost);
        format!("\"{hash}\"")
    }

    fn put_schema(&mut self, name: &'static str, id: Option<SchemaId>) {
        let value = id.map(|id| self.schema(id));
        self.put(name, value);
    }

    fn put_list(&mut self, name: &'static str, ids: &[SchemaId], ordered: bool) {
        let mut hashes: Vec<String> = ids.iter().map(|id| self.schema(*id)).collect();
        if !ordered {
            hashes.sort();
        }
        let list = (!hashes.is_empty()).then(|| format!("[{}]", hashes.join(",")));
        self.put(name, list);
    }

    fn put_map<'s>(
        &mut self,
        name: &'static str,
        schemas: impl Iterator<Item = (&'s String, &'s SchemaId)>,
    ) {
        let members: Vec<(&String, String)> =
            schemas.map(|(name, id)| (name, self.schema(*id))).collect();
        self.put(name, (!members.is_empty()).then(|| object(members)));
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
            // By the draft they say nothing, or what the others say.
            disputed: _,
            annotations,
        } = keywords;
        self.put_schema("$ref", *reference);
        if let Some(dynamic) = dynamic_reference {
            let initial = self.schema(dynamic.initial);
            let anchor = json!(dynamic.anchor);
            self.put("$dynamicRef", Some(format!("[{initial},{anchor}]")));
        }
        self.put("type", types.map(|types| types.0));
        // In draft 04 alone 1.0 is no integer.
        let tells =
            *spelled_integers && types.is_some_and(|types| types.0 & TypeSet::INTEGER.0 != 0);
        self.put("spelledIntegers", tells.then_some(true));
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
        self.put("minLength", min_length.filter(|least| *least > 0));
        self.put("maxLength", *max_length);
        self.put("pattern", pattern.as_deref().map(Value::from));
        self.put("format", format.as_deref().map(Value::from));
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
        self.put("minContains", *min_contains);
        self.put("maxContains", max_contains.map(Value::from));
        self.put("minItems", min_items.filter(|least| *least > 0));
        self.put("maxItems", *max_items);
        self.put("uniqueItems", unique_items.then_some(true));
        self.put_schema("unevaluatedItems", *unevaluated_items);
        let evaluates = contains.is_some() && *contains_evaluates;
        self.put("containsEvaluates", evaluates.then_some(true));
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
        self.put("minProperties", min_properties.filter(|least| *least > 0));
        self.put("maxProperties", *max_properties);
        let needs: Vec<(&String, String)> = dependent_required
            .iter()
            .map(|(name, needed)| (name, names(needed).to_string()))
            .collect();
        self.put(
            "dependentRequired",
            (!needs.is_empty()).then(|| object(needs)),
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

/// JSON text of an object, its members sorted by name. No name stands twice.
fn object<N: AsRef<str>>(members: impl IntoIterator<Item = (N, String)>) -> String {
    let mut members: Vec<(N, String)> = members.into_iter().collect();
    members.sort_unstable_by(|(left, _), (right, _)| left.as_ref().cmp(right.as_ref()));
    let mut text = String::from("{");
    for (index, (name, value)) in members.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        let name = name.as_ref();
        let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
        if name.bytes().all(is_plain) {
            text.extend(["\"", name, "\":"]);
        } else {
            text.push_str(&Value::from(name).to_string());
            text.push(':');
        }
        text.push_str(value);
    }
    text.push('}');
    text
}

fn digest(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let bytes = Sha256::digest(text.as_bytes());
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
