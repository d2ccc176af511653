//! Whole events around payloads: the envelope drawn, then filled in as a producer would.
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Dice, Failure, Sampler};
use crate::gate::readings::source_of;
use crate::registry::document::Documents;
use crate::registry::{Registry, TemplatePart, Topic, TopicVersion};
use crate::validate::{Envelopes, Schema, Unnamed};

/// Envelopes tried for one payload.
const TRIED: usize = 20;

/// Makes events of one version of a topic.
#[derive(Debug)]
pub struct Events<'r> {
    registry: &'r Registry,
    topic: &'r Topic,
    version: &'r TopicVersion,
    payloads: Sampler,
    envelopes: Sampler,
    judge: Envelopes<'r>,
}

impl<'r> Events<'r> {
    /// The events of a version.
    ///
    /// # Errors
    /// The validator does not take a schema.
    pub fn new(
        registry: &'r Registry,
        documents: &'r Documents,
        topic: &'r Topic,
        version: &'r TopicVersion,
    ) -> Result<Self, String> {
        let path = &registry.envelope.path;
        let validator = Schema::new(documents, path)?.into_validator();
        let envelopes = Sampler::new(
            source_of(documents, path),
            Arc::new(registry.envelope.model.clone()),
            validator,
            Vec::new(),
        );
        Ok(Self {
            registry,
            topic,
            version,
            payloads: Sampler::of_payloads(documents, topic, version)?,
            envelopes,
            judge: Envelopes::new(registry, documents, topic, Unnamed::First)?,
        })
    }

    /// The next event, valid by the independent validator.
    ///
    /// # Errors
    /// There is none, or none was found.
    pub fn sample(&mut self, dice: &mut Dice) -> Result<Value, Failure> {
        let (payload, _) = self.payloads.sample(dice)?;
        let mut last = String::new();
        for attempt in 0..TRIED {
            let (envelope, _) = self.envelopes.sample(dice)?;
            let Value::Object(mut event) = envelope else {
                continue;
            };
            // Should what the event and its payload share not be the same thing, the envelope is as drawn.
            let shares = attempt < TRIED / 2;
            self.fill_in(&mut event, &payload, shares);
            let event = Value::Object(event);
            match self.judge.refusals(&event).first() {
                None => return Ok(event),
                Some(refusal) => last = format!("{}: {}", refusal.pointer, refusal.reason),
            }
        }
        Err(Failure::NotFound(format!(
            "the envelope {} does not take an event of {}: {last}",
            self.registry.envelope.path, self.topic.name
        )))
    }

    fn fill_in(&self, event: &mut Map<String, Value>, payload: &Value, shares: bool) {
        let fields = &self.registry.envelope.fields;
        for (name, value) in event.iter_mut().filter(|(name, _)| !fields.has_role(name)) {
            let own = payload
                .get(name)
                .filter(|own| !own.is_object() && !own.is_array());
            if let Some(own) = own.filter(|_| shares) {
                value.clone_from(own);
            }
        }
        event.insert(fields.event_type.clone(), self.topic.name.as_str().into());
        if !fields.schema_version.is_empty() {
            event.insert(fields.schema_version.clone(), self.version.number.into());
        }
        event.insert(fields.payload.clone(), payload.clone());
        if event.contains_key(&fields.dedupe_key) {
            // Built from the event by its topic's template; left out where a part is missing.
            event.shift_remove(&fields.dedupe_key);
            if let Some(key) = self.key(event) {
                event.insert(fields.dedupe_key.clone(), key.into());
            }
        }
    }

    fn key(&self, event: &Map<String, Value>) -> Option<String> {
        let mut key = String::new();
        for part in &self.version.dedupe_key {
            match part {
                TemplatePart::Text(text) => key.push_str(text),
                TemplatePart::Pointer(pointer) => match at(event, pointer)? {
                    Value::String(text) => key.push_str(text),
                    Value::Null | Value::Array(_) | Value::Object(_) => return None,
                    scalar => key.push_str(&scalar.to_string()),
                },
            }
        }
        Some(key)
    }
}

fn at<'e>(event: &'e Map<String, Value>, pointer: &str) -> Option<&'e Value> {
    let (first, rest) = match pointer.strip_prefix('/')?.split_once('/') {
        Some((first, rest)) => (first, format!("/{rest}")),
        None => (pointer.strip_prefix('/')?, String::new()),
    };
    let name = crate::model::unescape(first);
    event.get(&name)?.pointer(&rest)
}
