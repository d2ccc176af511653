//! From a typed payload to a whole event: what the envelope needs and nobody wants to write by hand.
use serde_json::{Map, Value};

use super::record::{OutgoingRecord, decoded, header, topic_of};
use crate::error::{Error, Result};
use crate::ingest::decode;
use crate::ingest::reason::{Reason, Rejection};
use crate::registry::{EventRegistry, Payload};

/// An event in the making: a typed payload and what the sender knows about its envelope.
///
/// [`Draft::finish`] fills the rest: event type, schema version, event id (UUIDv7), time (now) and
/// deduplication key (by the topic's template).
#[derive(Clone, Debug)]
pub struct Draft {
    topic: &'static str,
    version: u32,
    payload: Result<Value, String>,
    members: Map<String, Value>,
    headers: Vec<(String, String)>,
    max_message_bytes: usize,
}

impl Draft {
    /// An event with this payload; topic and version are the type's.
    pub fn new<P: Payload>(payload: &P) -> Self {
        Self {
            topic: P::TOPIC,
            version: P::VERSION,
            payload: serde_json::to_value(payload).map_err(|error| error.to_string()),
            members: Map::new(),
            headers: Vec::new(),
            max_message_bytes: super::ProducerLimits::default().max_message_bytes,
        }
    }

    /// Sets an envelope member; what the envelope's schema says about it is checked at the end.
    #[must_use]
    pub fn with(mut self, member: impl Into<String>, value: impl Into<Value>) -> Self {
        self.members.insert(member.into(), value.into());
        self
    }

    /// Sets the W3C trace context that the record carries as a header.
    #[must_use]
    pub fn traceparent(mut self, traceparent: impl Into<String>) -> Self {
        self.headers
            .push((header::TRACEPARENT.to_owned(), traceparent.into()));
        self
    }

    /// Fills the envelope and checks the whole.
    ///
    /// # Errors
    /// A schema rejects it: reason and pointer.
    pub fn finish<R: EventRegistry>(self) -> Result<OutgoingRecord> {
        let fields = &R::PROJECT.envelope;
        let mut members = self.members;
        let mut fill = |name: &str, value: &dyn Fn() -> Value| {
            if !name.is_empty() && !members.contains_key(name) {
                members.insert(name.to_owned(), value());
            }
        };
        fill(fields.schema_version, &|| self.version.into());
        fill(fields.event_type, &|| self.topic.into());
        fill(fields.event_id, &|| uuid::Uuid::now_v7().to_string().into());
        fill(fields.timestamp, &|| now().into());
        let payload = self
            .payload
            .map_err(|why| Error::record("a payload cannot be written as JSON").why(why))?;
        fill(fields.payload, &|| payload.clone());
        let mut text = Value::Object(members).to_string().into_bytes();
        let own_key = |text: &[u8]| {
            decoded(text, |event| {
                let topic = topic_of::<R>(event)?;
                if event.get(fields.dedupe_key).is_some() {
                    return Ok(None);
                }
                let version = topic.versions.iter().find(|v| v.number == self.version);
                let Some(version) = version else {
                    return Err(Rejection::new(
                        Reason::UnknownVersion,
                        "the registry has no such version",
                    ));
                };
                let mut buffer = String::new();
                decode::key_of::<R>(event, version, &mut buffer).map(|key| Some(key.to_owned()))
            })
        };
        if !fields.dedupe_key.is_empty()
            && let Some(key) = own_key(&text)?
        {
            // The text ends with the envelope's brace, and the envelope has members.
            text.pop();
            let member = Value::String(fields.dedupe_key.to_owned());
            text.extend_from_slice(format!(",{member}:{}}}", Value::String(key)).as_bytes());
        }
        let mut record = OutgoingRecord::from_json::<R>(text, self.max_message_bytes)?;
        record.headers = self.headers;
        Ok(record)
    }
}

/// Now, in UTC with milliseconds.
fn now() -> String {
    let now = jiff::Timestamp::now();
    format!("{now:.3}")
}
