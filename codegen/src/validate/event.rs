//! Whole events: the envelope, and the payload in it by the version that the event names.
use std::collections::BTreeMap;

use serde_json::{Number, Value};

use super::time::is_out_of_reach;
use super::{Refusal, Schema};
use crate::model::escape;
use crate::registry::document::Documents;
use crate::registry::{Registry, Topic};

/// Which version an event is of that names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unnamed {
    /// As the pipeline reads it: the first.
    First,
    /// This one.
    Version(u32),
}

/// What a topic's events are held against.
#[derive(Debug)]
pub struct Envelopes<'r> {
    registry: &'r Registry,
    topic: &'r Topic,
    unnamed: Unnamed,
    envelope: Schema<'r>,
    payloads: BTreeMap<u32, Schema<'r>>,
}

impl<'r> Envelopes<'r> {
    /// The events of a topic.
    ///
    /// # Errors
    /// The validator does not take a schema.
    pub fn new(
        registry: &'r Registry,
        documents: &'r Documents,
        topic: &'r Topic,
        unnamed: Unnamed,
    ) -> Result<Self, String> {
        let envelope = Schema::new(documents, &registry.envelope.path)?;
        let versions = topic.versions.iter();
        let payloads = versions
            .map(|version| Ok((version.number, Schema::new(documents, &version.path)?)))
            .collect::<Result<_, String>>()?;
        Ok(Self {
            registry,
            topic,
            unnamed,
            envelope,
            payloads,
        })
    }

    /// Everything that is wrong with an event.
    #[must_use]
    pub fn refusals(&self, event: &Value) -> Vec<Refusal> {
        let fields = &self.registry.envelope.fields;
        let mut found: Vec<Refusal> = self.envelope.refusals(event, "").collect();
        let mut report = |member: &str, reason: String| {
            found.push(Refusal {
                pointer: format!("/{}", escape(member)),
                reason,
                keyword: None,
            });
        };
        let time = event.get(&fields.timestamp).and_then(Value::as_str);
        if time.is_some_and(is_out_of_reach) {
            let reason = "the time is not between 1970 and 2149";
            report(&fields.timestamp, reason.to_owned());
        }
        let named = event.get(&fields.event_type).and_then(Value::as_str);
        if let Some(other) = named.filter(|name| *name != self.topic.name) {
            let topic = &self.topic.name;
            let other = Value::from(other);
            report(
                &fields.event_type,
                format!("the event is of {other}, not of \"{topic}\""),
            );
        }
        let written = match event.get(&fields.schema_version) {
            None => Some(match self.unnamed {
                Unnamed::First => 1,
                Unnamed::Version(number) => u64::from(number),
            }),
            // A number that is none is no version, as 0; anything else is the envelope's to refuse.
            Some(Value::Number(number)) => Some(whole(number).unwrap_or(0)),
            Some(_) => None,
        };
        let Some(payload) = event.get(&fields.payload) else {
            return found;
        };
        let above = format!("/{}", escape(&fields.payload));
        match written.map(|written| (written, self.payload_schema(written))) {
            Some((_, Some(schema))) => found.extend(schema.refusals(payload, &above)),
            Some((written, None)) => {
                let newest = self.payloads.keys().next_back().copied().unwrap_or(0);
                report(
                    &fields.schema_version,
                    format!("version {written} is not known; the newest is {newest}"),
                );
            }
            None => {}
        }
        found
    }

    /// The version to read with, as the pipeline chooses it: the one written, or the newest known where newer
    /// ones promise to be readable.
    fn payload_schema(&self, written: u64) -> Option<&Schema<'r>> {
        let known = u32::try_from(written).ok();
        if let Some(schema) = known.and_then(|number| self.payloads.get(&number)) {
            return Some(schema);
        }
        let reads_newer = self.topic.manifest.compatibility.promises_forward();
        let (newest, schema) = self.payloads.last_key_value()?;
        (reads_newer && u64::from(*newest) < written).then_some(schema)
    }
}

/// The whole number, however it is written.
fn whole(number: &Number) -> Option<u64> {
    number.as_u64().or_else(|| {
        let float = number.as_f64()?;
        let is_whole = float.fract() == 0.0 && (0.0..9e15).contains(&float);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // whole and small
        is_whole.then_some(float as u64)
    })
}
