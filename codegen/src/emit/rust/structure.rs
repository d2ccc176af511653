//! What typify gets: the structure of a payload without its rules.
//!
//! typify turns structure into good types but loses or mistakes many rules (bounds, `const`, overlapping
//! `oneOf`, open tuples…). So it sees only what it carries faithfully: named objects, closed lists of
//! texts, arrays, maps, 64-bit integers. Everything else becomes a JSON value, and every rule is checked
//! before a type is built.
use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::checks::only_refers;
use super::names::{pascal, unique};
use super::outline::{field_name, is_ascii};
use super::refusal::Refusal;
use super::source::is_imported;
use crate::model::fields::{Property, Range};
use crate::model::{Model, SchemaId, TypeSet};

/// A set of named structural schemas; `root` names the payload's.
#[derive(Clone, Debug)]
pub struct Structure {
    /// The payload type's name.
    pub root: String,
    /// Structural schema by type name.
    pub definitions: BTreeMap<String, Value>,
    /// Members that would have one name in Rust.
    pub clashes: Vec<Refusal>,
}

/// The name that stands for integers beyond 64 bits; the emitter replaces it by `serde_json::Number`.
pub const UNBOUNDED_INTEGER: &str = "UnboundedInteger";

/// Marks a member that may be absent, and null where it is not: two different events.
pub(super) const ABSENT_OR_NULL: &str = "x-absent-or-null";

/// Reduces a payload schema to its structure.
#[must_use]
pub fn reduce(model: &Model, root_name: &str, renames: &IndexMap<String, String>) -> Structure {
    reduced(model, root_name, renames, true)
}

/// The same without descriptions, for those who do not write it down.
#[must_use]
pub fn bare(model: &Model, root_name: &str, renames: &IndexMap<String, String>) -> Structure {
    reduced(model, root_name, renames, false)
}

fn reduced(
    model: &Model,
    root_name: &str,
    renames: &IndexMap<String, String>,
    described: bool,
) -> Structure {
    let mut reducer = Reducer {
        model,
        renames,
        described,
        root: root_name.to_owned(),
        names: Vec::new(),
        definitions: BTreeMap::new(),
        clashes: Vec::new(),
    };
    reducer
        .definitions
        .insert(UNBOUNDED_INTEGER.to_owned(), json!({ "type": "integer" }));
    let root = reducer.name(&[model.root], root_name);
    if !reducer.definitions.contains_key(&root) {
        let body = reducer.object(&[model.root], &root);
        reducer.definitions.insert(root.clone(), body);
    }
    Structure {
        root,
        definitions: reducer.definitions,
        clashes: reducer.clashes,
    }
}

struct Reducer<'m> {
    model: &'m Model,
    /// The payload's renamed members, new to old: a rename keeps the name of the member's type.
    renames: &'m IndexMap<String, String>,
    /// Whether descriptions are wanted.
    described: bool,
    root: String,
    /// Named schemas by what they must satisfy.
    names: Vec<(Vec<SchemaId>, String)>,
    definitions: BTreeMap<String, Value>,
    clashes: Vec<Refusal>,
}

impl Reducer<'_> {
    fn name(&mut self, schemas: &[SchemaId], wish: &str) -> String {
        let conjuncts = self.model.conjuncts(schemas);
        if let Some((_, name)) = self.names.iter().find(|(known, _)| *known == conjuncts) {
            return name.clone();
        }
        let name = unique(&pascal(wish), |name| {
            name == UNBOUNDED_INTEGER
                || RESERVED.contains(&name)
                || is_imported(name)
                || self.names.iter().any(|(_, taken)| taken == name)
        });
        self.names.push((conjuncts, name.clone()));
        name
    }

    /// A reference to the named type of `schemas`, made on first sight; recursion ends here.
    fn named(
        &mut self,
        schemas: &[SchemaId],
        wish: &str,
        body: fn(&mut Self, &[SchemaId], &str) -> Value,
    ) -> Value {
        let known = self.names.len();
        let schemas = self.without_references(schemas);
        let name = self.name(&schemas, wish);
        if self.names.len() > known {
            let body = body(self, &schemas, &name);
            self.definitions.insert(name.clone(), body);
        }
        json!({ "$ref": format!("#/definitions/{name}") })
    }

    /// What several members refer to is one type, described where it is defined.
    fn without_references(&self, schemas: &[SchemaId]) -> Vec<SchemaId> {
        let mut followed = Vec::new();
        for id in schemas {
            let mut id = *id;
            // Endless references end here too; the checks refuse them.
            for _ in 0..self.model.nodes.len() {
                match only_refers(self.model, id) {
                    Some(target) => id = target,
                    None => break,
                }
            }
            if !followed.contains(&id) {
                followed.push(id);
            }
        }
        followed
    }

    /// The name a schema's author gave it: its title, or the definition or file that it stands in.
    fn given_name(&self, schemas: &[SchemaId]) -> Option<String> {
        let shared = self
            .model
            .conjuncts(schemas)
            .into_iter()
            .skip(1)
            .find_map(|id| {
                let location = &self.model.node(id).location;
                let mut tokens = location.pointer.rsplit('/');
                let last = tokens.next().unwrap_or_default();
                if matches!(tokens.next(), Some("$defs" | "definitions")) {
                    return Some(last.to_owned());
                }
                if location.pointer.is_empty() {
                    let file = location.document.rsplit('/').next().unwrap_or_default();
                    return Some(file.trim_end_matches(".json").to_owned());
                }
                None
            });
        shared.or_else(|| {
            let own = self.model.keywords(*schemas.first()?)?;
            own.annotations
                .title
                .clone()
                .filter(|title| title.len() <= 40)
        })
    }

    fn value(&mut self, schemas: &[SchemaId], wish: &str) -> Value {
        let range = self.model.range(schemas);
        let nullable = range.types.0 & TypeSet::NULL.0 != 0;
        let inner = Range {
            types: TypeSet(range.types.0 & !TypeSet::NULL.0),
            ..range
        };
        let schema = self.plain(schemas, &inner, wish);
        if nullable { optional(schema) } else { schema }
    }

    /// A value of exactly one type; several types make it a JSON value.
    fn plain(&mut self, schemas: &[SchemaId], range: &Range, wish: &str) -> Value {
        let wish = self.given_name(schemas).unwrap_or_else(|| wish.to_owned());
        match range.types {
            TypeSet::BOOLEAN => json!({ "type": "boolean" }),
            TypeSet::NUMBER => json!({ "type": "number", "format": "double" }),
            TypeSet::INTEGER => integer(range),
            TypeSet::STRING if is_text_list(range) => self.named(schemas, &wish, Self::texts),
            TypeSet::STRING => json!({ "type": "string" }),
            TypeSet::ARRAY => self.array(schemas, &wish),
            TypeSet::OBJECT if self.is_open_map(schemas) => self.map(schemas, &wish),
            TypeSet::OBJECT => self.named(schemas, &wish, Self::object),
            _ => json!(true),
        }
    }

    fn texts(&mut self, schemas: &[SchemaId], _name: &str) -> Value {
        let values = self.model.range(schemas).values.unwrap_or_default();
        let texts: Vec<Value> = values
            .into_iter()
            .filter(|value| !value.is_null())
            .collect();
        json!({ "type": "string", "enum": texts, "description": self.description(schemas) })
    }

    fn array(&mut self, schemas: &[SchemaId], wish: &str) -> Value {
        let mut items = Vec::new();
        for id in self.model.conjuncts(schemas) {
            let Some(keywords) = self.model.keywords(id) else {
                continue;
            };
            if !keywords.array.prefix_items.is_empty() {
                // Positions of different kinds: typed tuples would refuse open ends.
                return json!({ "type": "array", "items": true });
            }
            items.extend(keywords.array.items);
        }
        if items.is_empty() {
            return json!({ "type": "array", "items": true });
        }
        let item = self.value(&items, &format!("{wish}_item"));
        json!({ "type": "array", "items": item })
    }

    fn is_open_map(&self, schemas: &[SchemaId]) -> bool {
        self.model.properties(schemas).is_empty()
    }

    fn map(&mut self, schemas: &[SchemaId], wish: &str) -> Value {
        let mut values = Vec::new();
        for id in self.model.conjuncts(schemas) {
            let Some(keywords) = self.model.keywords(id) else {
                continue;
            };
            if !keywords.object.pattern_properties.is_empty() {
                return json!({ "type": "object" });
            }
            values.extend(keywords.object.additional_properties);
        }
        if values.is_empty() {
            return json!({ "type": "object" });
        }
        let value = self.value(&values, &format!("{wish}_value"));
        json!({ "type": "object", "additionalProperties": value })
    }

    fn object(&mut self, schemas: &[SchemaId], name: &str) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        let mut fields: BTreeMap<String, String> = BTreeMap::new();
        for (member, property) in self.model.properties(schemas) {
            // Names beyond ASCII are the type generator's business, which refuses those that clash without a place.
            if is_ascii(&member) {
                let field = field_name(&member);
                match fields.get(&field) {
                    Some(other) => self.clash(other, &member, &field, &property),
                    None => {
                        fields.insert(field, member.clone());
                    }
                }
            }
            properties.insert(member.clone(), self.member(&member, &property, name));
            if property.required {
                required.push(member);
            }
        }
        json!({
            "type": "object",
            "description": self.description(schemas),
            "properties": properties,
            "required": required,
        })
    }

    /// Two members that would be one field: told at the second.
    fn clash(&mut self, first: &str, second: &str, field: &str, property: &Property) {
        let Some(id) = property.schemas.first() else {
            return;
        };
        let pattern = regex::escape(second);
        self.clashes.push(Refusal::new(
            self.model,
            *id,
            "",
            format!("the members `{first}` and `{second}` would both be the field `{field}` in Rust"),
            &format!(
                "rename one; where the wire must keep both, declare one by \"patternProperties\": {{\"^{pattern}$\": …}}, so that it is checked and stored without a field in Rust"
            ),
        ));
    }

    fn member(&mut self, name: &str, property: &Property, parent: &str) -> Value {
        let first_name = self
            .renames
            .get(name)
            .filter(|_| parent == pascal(&self.root))
            .map_or(name, String::as_str);
        let schema = self.value(&property.schemas, &format!("{parent}_{first_name}"));
        // An absent array and an empty one are different events.
        let collection = matches!(
            schema.get("type").and_then(Value::as_str),
            Some("array" | "object")
        );
        let schema = if !property.required && collection {
            optional(schema)
        } else {
            schema
        };
        let description = self.description(&property.schemas);
        let mut member = match schema {
            Value::Object(mut members) if !members.contains_key("$ref") => {
                members.insert("description".to_owned(), Value::String(description));
                Value::Object(members)
            }
            Value::Bool(_) => json!({ "description": description }),
            reference => json!({ "allOf": [reference], "description": description }),
        };
        let takes_null = self.model.range(&property.schemas).types.0 & TypeSet::NULL.0 != 0;
        if let Value::Object(members) = &mut member
            && !property.required
            && takes_null
        {
            members.insert(ABSENT_OR_NULL.to_owned(), Value::Bool(true));
        }
        member
    }

    /// The author's description and where it stands.
    fn description(&self, schemas: &[SchemaId]) -> String {
        if !self.described {
            return String::new();
        }
        let text = self
            .model
            .annotation(schemas, |annotations| annotations.description.as_deref());
        let text = text.or_else(|| {
            self.model
                .annotation(schemas, |annotations| annotations.title.as_deref())
        });
        let place = schemas
            .first()
            .map_or_else(String::new, |id| self.model.node(*id).location.to_string());
        let deprecated = self
            .model
            .annotation(schemas, |annotations| annotations.deprecated.then_some(()))
            .is_some();
        let mut lines = Vec::new();
        lines.extend(text.map(|text| text.trim().to_owned()));
        if deprecated {
            let reason = self
                .model
                .extension(schemas, "x-deprecated-reason")
                .unwrap_or("do not rely on it");
            lines.push(format!("Deprecated: {reason}"));
        }
        lines.push(format!("Source: `{place}`"));
        lines.join("\n\n")
    }
}

/// Names that a payload's types may not take beside what is imported: they would hide the prelude.
const RESERVED: &[&str] = &[
    "Option", "String", "Vec", "Box", "Result", "Ok", "Err", "Some", "None", "Self",
];

fn optional(schema: Value) -> Value {
    match schema {
        Value::Bool(_) => schema,
        Value::Object(mut members) => match members.get("type").cloned() {
            Some(Value::String(kind)) => {
                members.insert("type".to_owned(), json!([kind, "null"]));
                Value::Object(members)
            }
            _ => json!({ "oneOf": [Value::Object(members), { "type": "null" }] }),
        },
        other => other,
    }
}

fn integer(range: &Range) -> Value {
    let fits = |lowest: i128, highest: i128| {
        range.minimum.is_some_and(|minimum| minimum >= lowest)
            && range.maximum.is_some_and(|maximum| maximum <= highest)
    };
    if fits(0, i128::from(u64::MAX)) {
        json!({ "type": "integer", "format": "uint64" })
    } else if fits(i128::from(i64::MIN), i128::from(i64::MAX)) {
        json!({ "type": "integer", "format": "int64" })
    } else {
        json!({ "$ref": format!("#/definitions/{UNBOUNDED_INTEGER}") })
    }
}

/// Whether a text is one of a few that all make good variant names.
fn is_text_list(range: &Range) -> bool {
    let Some(values) = &range.values else {
        return false;
    };
    let texts: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
    // The type generator folds case and separators, so texts that differ in those alone stay texts.
    let mut variants: Vec<String> = texts
        .iter()
        .map(|text| pascal(text).to_ascii_lowercase())
        .collect();
    variants.sort();
    variants.dedup();
    !texts.is_empty()
        && variants.len() == texts.len()
        && variants.iter().all(|variant| {
            variant.starts_with(|first: char| first.is_ascii_lowercase()) && variant != "self"
        })
        && texts.iter().all(|text| {
            text.chars()
                .all(|character| character.is_ascii_alphanumeric() || "_-. ".contains(character))
        })
}
