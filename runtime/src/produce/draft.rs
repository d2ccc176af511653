//! From a typed payload to a whole event: what the envelope needs and nobody wants to write by hand.
use std::io::Write as _;

use serde_json::Value;

use super::record::{OutgoingRecord, decoded, fits, header, topic_of};
use crate::error::{Error, Result};
use crate::ingest::decode;
use crate::ingest::reason::{Reason, Rejection};
use crate::json::Json;
use crate::registry::{EventRegistry, Payload};

/// Envelope members, each once; so few that looking through them is faster than hashing.
pub(super) type Members = Vec<(String, Value)>;

/// Sets a member.
pub(super) fn set(members: &mut Members, name: String, value: Value) {
    match members.iter_mut().find(|(there, _)| *there == name) {
        Some((_, there)) => *there = value,
        None => members.push((name, value)),
    }
}

fn has(members: &Members, name: &str) -> bool {
    members.iter().any(|(there, _)| there == name)
}

/// An event in the making: a typed payload and what the sender knows about its envelope.
///
/// The producer fills the rest: its own members, event type, schema version, event id (UUIDv7), time (now) and
/// deduplication key (by the topic's template).
#[derive(Clone, Debug)]
pub struct Draft {
    topic: &'static str,
    version: u32,
    payload: Result<Vec<u8>, String>,
    members: Members,
    headers: Vec<(String, String)>,
}

impl<P: Payload> From<&P> for Draft {
    fn from(payload: &P) -> Self {
        Self::new(payload)
    }
}

impl Draft {
    /// An event with this payload; topic and version are the type's.
    pub fn new<P: Payload>(payload: &P) -> Self {
        Self {
            topic: P::TOPIC,
            version: P::VERSION,
            payload: serde_json::to_vec(payload).map_err(|error| error.to_string()),
            members: Members::new(),
            headers: Vec::new(),
        }
    }

    /// Sets an envelope member; what the envelope's schema says about it is checked at the end.
    #[must_use]
    pub fn with(mut self, member: impl Into<String>, value: impl Into<Value>) -> Self {
        set(&mut self.members, member.into(), value.into());
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
        let most = super::ProducerLimits::default().max_message_bytes;
        self.finish_with::<R>(&Members::new(), most)
    }

    /// As [`Self::finish`], with members for events that do not set them.
    pub(super) fn finish_with<R: EventRegistry>(
        self,
        defaults: &Members,
        max_message_bytes: usize,
    ) -> Result<OutgoingRecord> {
        let payload = self
            .payload
            .map_err(|why| Error::record("a payload cannot be written as JSON").why(why))?;
        let fields = &R::PROJECT.envelope;
        let mut text = Text(Vec::with_capacity(payload.len() + 400));
        for (name, value) in &self.members {
            text.member(name, |out| json(value, out));
        }
        let is_set =
            |name: &str| name.is_empty() || has(&self.members, name) || has(defaults, name);
        for (name, value) in defaults {
            if !has(&self.members, name) {
                text.member(name, |out| json(value, out));
            }
        }
        if !is_set(fields.schema_version) {
            text.member(fields.schema_version, |out| json(&self.version, out));
        }
        if !is_set(fields.event_type) {
            text.member(fields.event_type, |out| json(self.topic, out));
        }
        if !is_set(fields.event_id) {
            let mut buffer = uuid::Uuid::encode_buffer();
            let id = uuid::Uuid::now_v7();
            let id = &*id.hyphenated().encode_lower(&mut buffer);
            text.member(fields.event_id, |out| json(id, out));
        }
        if !is_set(fields.timestamp) {
            text.member(fields.timestamp, |out| {
                // UTC with milliseconds. Writing to memory cannot fail.
                let _ = write!(out, "\"{:.3}\"", jiff::Timestamp::now());
            });
        }
        if !is_set(fields.payload) {
            text.member(fields.payload, |out| out.extend_from_slice(&payload));
        }
        let mut record = if is_set(fields.dedupe_key) {
            OutgoingRecord::from_json::<R>(text.end(), max_message_bytes)?
        } else {
            // Decoded once: checked as it will be with the key, which is written to the text's end then.
            let mut record = decoded(text.whole(), |event| {
                let key = own_key::<R>(event, self.version)?;
                event.with_member(fields.dedupe_key, &key, OutgoingRecord::checked::<R>)
            })?;
            let key = record.dedupe_key.as_str();
            text.member(fields.dedupe_key, |out| json(key, out));
            record.value = text.end();
            fits(&record.value, max_message_bytes)?;
            record
        };
        record.headers = self.headers;
        Ok(record)
    }
}

/// The deduplication key by the template of the event's topic.
fn own_key<R: EventRegistry>(event: Json<'_>, version: u32) -> Result<String, Rejection> {
    let topic = topic_of::<R>(event)?;
    let known = topic.versions.iter().find(|known| known.number == version);
    let Some(version) = known else {
        return Err(Rejection::new(
            Reason::UnknownVersion,
            "the registry has no such version",
        ));
    };
    let mut buffer = String::new();
    decode::key_of::<R>(event, version, &mut buffer)?;
    Ok(buffer)
}

fn json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    // Texts, numbers and values: writing them to memory cannot fail.
    let _ = serde_json::to_writer(out, value);
}

/// A JSON object as it grows; it is whole after each member.
struct Text(Vec<u8>);

impl Text {
    fn member(&mut self, name: &str, value: impl FnOnce(&mut Vec<u8>)) {
        let out = &mut self.0;
        match out.pop() {
            None => out.push(b'{'),
            Some(_) => out.push(b','),
        }
        json(name, out);
        out.push(b':');
        value(out);
        out.push(b'}');
    }

    fn whole(&self) -> &[u8] {
        match self.0.as_slice() {
            [] => b"{}",
            text => text,
        }
    }

    fn end(self) -> Vec<u8> {
        match self.0.is_empty() {
            true => b"{}".to_vec(),
            false => self.0,
        }
    }
}
