//! One event made ready for Kafka: checked as the ingest will check it, with its key and its headers.
use std::borrow::Cow;
use std::cell::RefCell;

use crate::error::Error;
use crate::ingest::decode;
use crate::ingest::reason::{Reason, Rejection};
use crate::json::{Decoder, Json};
use crate::registry::EventRegistry;

/// Names of the headers of every produced record. Values are text.
pub mod header {
    /// Media type of the value.
    pub const CONTENT_TYPE: &str = "content-type";
    /// Hash of the schema file that the payload was checked with, as in the generated code's first lines.
    pub const SCHEMA_ID: &str = "schema-id";
    /// Schema version of the payload.
    pub const SCHEMA_VERSION: &str = "schema-version";
    /// W3C trace context (<https://www.w3.org/TR/trace-context/>), where the producer has one.
    pub const TRACEPARENT: &str = "traceparent";
}

const CONTENT_TYPE_JSON: &str = "application/json";

/// A record that passed every check a consumer will make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingRecord {
    /// Topic.
    pub topic: &'static str,
    /// Record key by the manifest; none where the event has none.
    pub key: Option<Vec<u8>>,
    /// The event as JSON text.
    pub value: Vec<u8>,
    /// Hash of the schema file.
    pub schema_id: &'static str,
    /// Schema version of the payload.
    pub schema_version: u32,
    /// Deduplication key.
    pub dedupe_key: String,
    /// Further headers: trace context and such.
    pub headers: Vec<(String, String)>,
}

thread_local! {
    static DECODER: RefCell<Decoder> = RefCell::default();
}

/// Lends this thread's decode buffers.
pub(super) fn decoded<T>(
    text: &[u8],
    visit: impl FnOnce(Json<'_>) -> Result<T, Rejection>,
) -> Result<T, Rejection> {
    DECODER.with(|decoder| match decoder.try_borrow_mut() {
        Ok(mut decoder) => decoder.decode(text, visit)?,
        // A caller inside `visit`: rare enough for buffers of its own.
        Err(_) => Decoder::default().decode(text, visit)?,
    })
}

impl OutgoingRecord {
    /// Makes a whole event (envelope and payload) ready; its bytes are sent as they are.
    ///
    /// # Errors
    /// Why no consumer would take it: not JSON, an unknown topic or version, rejected by a schema, too large.
    pub fn from_json<R: EventRegistry>(
        value: impl Into<Vec<u8>>,
        max_message_bytes: usize,
    ) -> Result<Self, Rejection> {
        let value = value.into();
        if value.is_empty() {
            return Err(Rejection::new(Reason::Empty, "the event has no text"));
        }
        fits(&value, max_message_bytes)?;
        let ready = decoded(&value, Self::checked::<R>)?;
        Ok(Self { value, ..ready })
    }

    /// A record without its value, from an event that passes every check.
    pub(super) fn checked<R: EventRegistry>(event: Json<'_>) -> Result<Self, Rejection> {
        let topic = topic_of::<R>(event)?;
        let checked = decode::check::<R>(event, topic)?;
        // A consumer may read versions that it does not know yet; nobody may write them.
        if checked.version.number != checked.written {
            let newest = checked.version.number;
            let detail = format!(
                "version {} is not in the registry; the newest is {newest}",
                checked.written
            );
            let mut rejection = Rejection::new(Reason::UnknownVersion, detail);
            rejection.version = Some(checked.written);
            return Err(rejection);
        }
        let mut key = Vec::new();
        let has_key = (checked.version.key)(event, &mut key);
        let mut buffer = String::new();
        let dedupe_key = decode::key_of::<R>(event, checked.version, &mut buffer)?.to_owned();
        Ok(Self {
            topic: topic.name,
            key: has_key.then_some(key),
            value: Vec::new(),
            schema_id: checked.version.schema_id,
            schema_version: checked.written,
            dedupe_key,
            headers: Vec::new(),
        })
    }

    /// Every header that Kafka gets: those that describe the value, then the further ones.
    pub(crate) fn all_headers(&self) -> Vec<(&str, Cow<'_, str>)> {
        let mut all = Vec::with_capacity(3 + self.headers.len());
        all.push((header::CONTENT_TYPE, CONTENT_TYPE_JSON.into()));
        all.push((header::SCHEMA_ID, self.schema_id.into()));
        let version = self.schema_version.to_string();
        all.push((header::SCHEMA_VERSION, version.into()));
        let further = self.headers.iter();
        all.extend(further.map(|(name, value)| (name.as_str(), Cow::Borrowed(value.as_str()))));
        all
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// Whether a value is small enough.
pub(super) fn fits(value: &[u8], max_message_bytes: usize) -> Result<(), Rejection> {
    if value.len() <= max_message_bytes {
        return Ok(());
    }
    let detail = format!("{} bytes, at most {max_message_bytes}", value.len());
    Err(Rejection::new(Reason::TooLarge, detail))
}

/// The topic that the event names.
pub(super) fn topic_of<R: EventRegistry>(
    event: Json<'_>,
) -> Result<&'static crate::registry::Topic<R::Block>, Rejection> {
    let member = R::PROJECT.envelope.event_type;
    let refuse = |reason, detail: &str| {
        let mut rejection = Rejection::new(reason, detail);
        rejection.pointer = format!("/{member}");
        rejection
    };
    let name = event
        .get(member)
        .and_then(Json::as_str)
        .ok_or_else(|| refuse(Reason::Envelope, "required: the name of a topic"))?;
    R::TOPICS
        .iter()
        .find(|topic| topic.name == name)
        .ok_or_else(|| refuse(Reason::WrongTopic, "the registry has no such topic"))
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        let mut error = Self::record("the event is refused").at("reason", rejection.reason.code());
        if !rejection.pointer.is_empty() {
            error = error.at("pointer", &rejection.pointer);
        }
        if let Some(version) = rejection.version {
            error = error.at("schema version", version);
        }
        error
            .why(rejection.detail)
            .fix("write the event as its schema in the registry says")
    }
}
