//! Holds what a flow would send against envelope and payload schemas, by the independent validator.
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::generator::{Sampler, generator};
use super::{Check, suggestion};
use crate::model::{Model, NodeKind, SchemaId, escape};
use crate::registry::TopicVersion;
use crate::registry::demands::in_words;
use crate::registry::manifest::{Flow, Step};

/// Alternatives looked at for one step; a scenario written by hand stays far below.
const MAX_SAMPLES: usize = 2_000;

impl Check<'_> {
    /// Fields and values of a step's payload; values only where the generators are `sound`.
    pub(super) fn payload(
        &mut self,
        at: &str,
        flow: &Flow,
        step: &Step,
        version: &TopicVersion,
        sound: bool,
    ) {
        let before = self.loader.findings.len();
        self.fields(
            &step.payload,
            at,
            &version.model,
            &[version.model.root],
            &version.path,
        );
        if !sound || self.loader.findings.len() > before {
            return;
        }
        let Some(validator) = self.loader.validator(&version.path, &version.demands) else {
            return;
        };
        let samples = self.samples(&step.payload, flow);
        let fix = format!("correct the value, or {}", version.path);
        self.validate(at, &samples, &validator, &fix, |sample| sample.clone());
    }

    /// Values of the envelope, as this flow fills them.
    pub(super) fn envelope_values(&mut self, at: &str, flow: &Flow) {
        let Some(envelope) = self.envelope else {
            return;
        };
        let Some(validator) = self.loader.validator(&envelope.path, &envelope.demands) else {
            return;
        };
        let fields = &envelope.fields;
        let template: Map<String, Value> = self.scenario.envelope.clone().into_iter().collect();
        let samples = self.samples(&Value::Object(template), flow);
        let topic = flow
            .steps
            .first()
            .map_or("a.b", |step| step.topic.as_str())
            .to_owned();
        let fix = format!(
            "correct the value, or {}; the flow is `{}` ({at})",
            envelope.path, flow.name
        );
        self.validate("/envelope", &samples, &validator, &fix, |sample| {
            let mut event = json!({
                fields.event_type.as_str(): topic,
                fields.schema_version.as_str(): 1,
                fields.event_id.as_str(): "5f0c1b52-8f0e-4a53-9d0f-3b1f6f9a7c11",
                fields.timestamp.as_str(): "2026-01-31T12:34:56.789Z",
                fields.payload.as_str(): {},
                fields.dedupe_key.as_str(): "a:b",
            });
            if let (Some(event), Some(sample)) = (event.as_object_mut(), sample.as_object()) {
                // Roles that a closed envelope has no member for.
                event.shift_remove("");
                event.extend(sample.clone());
            }
            event
        });
    }

    fn validate(
        &mut self,
        at: &str,
        samples: &[Value],
        validator: &jsonschema::Validator,
        fix: &str,
        complete: impl Fn(&Value) -> Value,
    ) {
        let mut problems: BTreeSet<(String, String)> = BTreeSet::new();
        for sample in samples {
            let instance = complete(sample);
            problems.extend(validator.iter_errors(&instance).map(|error| {
                let reason = in_words(&error.to_string());
                (format!("{at}{}", error.instance_path()), reason)
            }));
        }
        for (pointer, message) in problems {
            self.report("rejected-value", &pointer, message, fix);
        }
    }

    /// The first alternative everywhere, then every other alternative by itself.
    fn samples(&self, template: &Value, flow: &Flow) -> Vec<Value> {
        let mut sampler = Sampler {
            entities: &self.scenario.entities,
            draw: &flow.draw,
            others: BTreeMap::new(),
            places: BTreeMap::new(),
        };
        let mut samples = Vec::new();
        let mut seen: BTreeSet<String> = BTreeSet::new();
        // A place inside an alternative shows only where that alternative is taken.
        let mut open = vec![BTreeMap::new()];
        while let Some(others) = open.pop() {
            if samples.len() >= MAX_SAMPLES {
                break;
            }
            sampler.others.clone_from(&others);
            sampler.places.clear();
            samples.extend(sampler.sample(template, "", 0));
            for (place, alternatives) in &sampler.places {
                if seen.insert(place.clone()) {
                    open.extend((1..*alternatives).map(|alternative| {
                        let mut others = others.clone();
                        others.insert(place.clone(), alternative);
                        others
                    }));
                }
            }
        }
        samples
    }

    /// Fields that the schema does not declare.
    fn fields(
        &mut self,
        template: &Value,
        at: &str,
        model: &Model,
        schemas: &[SchemaId],
        schema_path: &str,
    ) {
        if let Some((name, argument)) = generator(template) {
            let inner = format!("{at}/{}", escape(name));
            let values = argument.as_array().map_or(&[][..], Vec::as_slice);
            let skipped = match name {
                "$choice" => 0,
                "$chance" => 1,
                _ => return,
            };
            for (index, value) in values.iter().enumerate().skip(skipped) {
                self.fields(
                    value,
                    &format!("{inner}/{index}"),
                    model,
                    schemas,
                    schema_path,
                );
            }
            return;
        }
        match template {
            Value::Object(members) => {
                let properties = model.properties(schemas);
                let known: Vec<String> = properties.keys().cloned().collect();
                let open = has_other_members(model, schemas);
                for (name, member) in members {
                    let pointer = format!("{at}/{}", escape(name));
                    match properties.get(name) {
                        Some(property) => {
                            let schemas = property.schemas.clone();
                            self.fields(member, &pointer, model, &schemas, schema_path);
                        }
                        None if open => {}
                        None => self.report(
                            "unknown-field",
                            &pointer,
                            format!("{schema_path} declares no field `{name}` here"),
                            suggestion(name, &known),
                        ),
                    }
                }
            }
            Value::Array(items) => {
                let inner: Vec<SchemaId> = model
                    .conjuncts(schemas)
                    .into_iter()
                    .filter_map(|id| model.keywords(id)?.array.items)
                    .collect();
                for (index, item) in items.iter().enumerate() {
                    if !inner.is_empty() {
                        self.fields(item, &format!("{at}/{index}"), model, &inner, schema_path);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// Whether a schema describes members beside its `properties`: in maps, or in alternative forms.
fn has_other_members(model: &Model, schemas: &[SchemaId]) -> bool {
    let keywords = |id| model.keywords(id);
    let described = |id: &SchemaId| matches!(model.node(*id).kind, NodeKind::Keywords(_));
    model.properties(schemas).is_empty()
        || model
            .conjuncts(schemas)
            .into_iter()
            .filter_map(keywords)
            .any(|keywords| {
                keywords
                    .object
                    .additional_properties
                    .as_ref()
                    .is_some_and(described)
                    || !keywords.object.pattern_properties.is_empty()
                    || !keywords.any_of.is_empty()
                    || !keywords.one_of.is_empty()
                    || keywords.condition.is_some()
                    || !keywords.object.dependent_schemas.is_empty()
            })
}
