//! Every field of a schema, nested ones too, with what the document says about each.
use serde_json::Value;

use super::words;
use crate::model::fields::Property;
use crate::model::{Model, NodeKind, SchemaId, escape};

/// A step from a field to one inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    /// Any item of a list.
    Item,
    /// The item at a fixed place.
    Place(usize),
    /// A member of any other name.
    Any,
}

/// Whether a field is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// In every event, where what it stands in is.
    Always,
    /// Not in every event.
    Optional,
    /// Only in one of several forms of an event.
    InSomeForms,
}

impl Presence {
    /// As the document says it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Optional => "optional",
            Self::InSomeForms => "in some forms",
        }
    }
}

/// A field.
#[derive(Clone, Debug)]
pub struct FieldFact {
    /// How people name it: `reward_items[].amount`.
    pub path: String,
    /// JSON pointer from the root where no list or map is on the way.
    pub pointer: Option<String>,
    /// Top-level property it is in.
    pub top: String,
    /// Type in words, Markdown.
    pub kind: String,
    /// Unit, Markdown.
    pub unit: Option<String>,
    /// Whether it is there.
    pub presence: Presence,
    /// Description as written.
    pub meaning: String,
    /// An example value.
    pub example: Option<Value>,
    /// Mark for personal data.
    pub personal: Option<String>,
    /// Since when, and why, it is on its way out.
    pub deprecated: Option<Deprecated>,
}

/// A field on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deprecated {
    /// Date as written; empty where not said.
    pub since: String,
    /// Why, and what to use; empty where not said.
    pub reason: String,
}

/// The fields below a model's root; `samples` are payloads that examples are taken from where the schema
/// gives none.
#[must_use]
pub fn fields(model: &Model, samples: &[&Value]) -> Vec<FieldFact> {
    let mut walk = Walk {
        model,
        samples,
        above: Vec::new(),
        found: Vec::new(),
    };
    walk.below(&[model.root], &[], false);
    walk.found
}

struct Walk<'m> {
    model: &'m Model,
    samples: &'m [&'m Value],
    above: Vec<SchemaId>,
    found: Vec<FieldFact>,
}

impl Walk<'_> {
    fn below(&mut self, schemas: &[SchemaId], steps: &[Step], in_form: bool) {
        let conjuncts = self.model.conjuncts(schemas);
        // A recursive schema is described once.
        if conjuncts.iter().any(|id| self.above.contains(id)) {
            return;
        }
        let depth = self.above.len();
        self.above.extend(&conjuncts);
        for (name, property) in self.model.properties(schemas) {
            let inner = extended(steps, Step::Name(name));
            self.field(&property, &inner, in_form);
            self.below(&property.schemas, &inner, false);
        }
        for id in conjuncts {
            self.inside(id, steps);
        }
        self.above.truncate(depth);
    }

    /// What a schema says about items, other members and alternative forms.
    fn inside(&mut self, id: SchemaId, steps: &[Step]) {
        let model = self.model;
        let Some(keywords) = model.keywords(id) else {
            return;
        };
        for (index, item) in keywords.array.prefix_items.iter().enumerate() {
            let inner = extended(steps, Step::Place(index));
            let property = Property {
                schemas: vec![*item],
                required: false,
            };
            self.field(&property, &inner, false);
            self.below(&[*item], &inner, false);
        }
        if let Some(items) = keywords.array.items {
            self.below(&[items], &extended(steps, Step::Item), false);
        }
        let others = keywords
            .object
            .additional_properties
            .into_iter()
            .chain(keywords.object.pattern_properties.values().copied());
        for other in others {
            if matches!(model.node(other).kind, NodeKind::Keywords(_)) {
                self.below(&[other], &extended(steps, Step::Any), false);
            }
        }
        let forms = keywords
            .any_of
            .iter()
            .chain(&keywords.one_of)
            .copied()
            .chain(keywords.then)
            .chain(keywords.otherwise);
        for form in forms {
            self.below(&[form], steps, true);
        }
    }

    fn field(&mut self, property: &Property, steps: &[Step], in_form: bool) {
        let path = path(steps);
        if self.found.iter().any(|field| field.path == path) {
            return;
        }
        let model = self.model;
        let schemas = &property.schemas;
        let text = |name: &str| {
            model
                .extension(schemas, name)
                .unwrap_or_default()
                .to_owned()
        };
        let deprecated = model
            .annotation(schemas, |annotations| {
                (annotations.deprecated
                    || annotations.extensions.contains_key("x-deprecated-since"))
                .then_some(())
            })
            .map(|()| Deprecated {
                since: text("x-deprecated-since"),
                reason: text("x-deprecated-reason"),
            });
        let example = model
            .annotation(schemas, |annotations| annotations.examples.first().cloned())
            .or_else(|| {
                self.samples
                    .iter()
                    .find_map(|sample| value_at(sample, steps).cloned())
            })
            .or_else(|| model.annotation(schemas, |annotations| annotations.default.clone()));
        let top = match steps.first() {
            Some(Step::Name(name)) => name.clone(),
            Some(Step::Item | Step::Place(_) | Step::Any) | None => String::new(),
        };
        self.found.push(FieldFact {
            path,
            pointer: pointer(steps),
            top,
            kind: words::kind(model, schemas),
            unit: words::unit(model, schemas),
            presence: match (in_form, property.required) {
                (true, _) => Presence::InSomeForms,
                (false, true) => Presence::Always,
                (false, false) => Presence::Optional,
            },
            meaning: model
                .annotation(schemas, |annotations| annotations.description.clone())
                .or_else(|| model.annotation(schemas, |annotations| annotations.title.clone()))
                .unwrap_or_default(),
            example,
            personal: model.extension(schemas, "x-pii").map(str::to_owned),
            deprecated,
        });
    }
}

fn extended(steps: &[Step], step: Step) -> Vec<Step> {
    let mut steps = steps.to_vec();
    steps.push(step);
    steps
}

fn path(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Name(name) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
            }
            Step::Item => path.push_str("[]"),
            Step::Place(index) => path.push_str(&format!("[{index}]")),
            Step::Any => path.push_str(".*"),
        }
    }
    path
}

fn pointer(steps: &[Step]) -> Option<String> {
    let mut pointer = String::new();
    for step in steps {
        let Step::Name(name) = step else { return None };
        pointer.push('/');
        pointer.push_str(&escape(name));
    }
    Some(pointer)
}

fn value_at<'v>(value: &'v Value, steps: &[Step]) -> Option<&'v Value> {
    let Some((step, rest)) = steps.split_first() else {
        return Some(value);
    };
    match step {
        Step::Name(name) => value_at(value.get(name)?, rest),
        Step::Place(index) => value_at(value.get(index)?, rest),
        Step::Item => value
            .as_array()?
            .iter()
            .find_map(|item| value_at(item, rest)),
        Step::Any => value
            .as_object()?
            .values()
            .find_map(|member| value_at(member, rest)),
    }
}
