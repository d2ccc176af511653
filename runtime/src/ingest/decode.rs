//! From a record's bytes to a row of the block: decode, check, key, write. Allocates nothing for a good event.
use siphasher::sip::SipHasher13;
use std::hash::Hasher as _;

use super::reason::{Reason, Rejection};
use crate::check::At;
use crate::column::Millis;
use crate::json::{Decoder, Json};
use crate::registry::{EventRegistry, Row, Topic, Version};

/// First millisecond after what a `Date` column can hold (2149-06-07).
const END_OF_DATES: i64 = 5_662_310_400_000;

/// Identity of an event: its `event_key` column above, a hash of its deduplication key below. Tables go by the first;
/// the second keeps two events apart that one worker holds and whose first halves are equal by chance.
pub(crate) type EventKey = u128;

/// The identity that `event_key` and `dedupe_key` of a row make.
pub(crate) fn identity(event_key: u64, dedupe_key: &str) -> EventKey {
    let mut hasher = SipHasher13::new();
    hasher.write(dedupe_key.as_bytes());
    u128::from(event_key) << 64 | u128::from(hasher.finish())
}

/// The `event_key` of a row: what copies of one event share. Records are one event where topic, record key, sorting
/// columns and deduplication key are equal; a part's end is told by its length, or by being the last.
pub(crate) fn event_key<B>(row: &Row<'_>, version: &Version<B>, parts: &mut Vec<u8>) -> u64 {
    parts.clear();
    (version.identify)(row, parts);
    let mut hasher = SipHasher13::new();
    hasher.write(row.topic.as_bytes());
    hasher.write(&[0]);
    hasher.write(parts);
    hasher.write(row.dedupe_key.as_bytes());
    hasher.finish()
}

/// Where a record comes from.
#[derive(Clone, Copy)]
pub(crate) struct Source<B: 'static> {
    pub(crate) topic: &'static Topic<B>,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) received_at: Millis,
}

/// Decodes one record after another into a block.
pub(crate) struct EventReader {
    decoder: Decoder,
    dedupe_key: String,
    identity: Vec<u8>,
    hash_key: [u8; 16],
    max_message_bytes: usize,
}

impl EventReader {
    pub(crate) fn new(hash_key: [u8; 16], max_message_bytes: usize) -> Self {
        Self {
            decoder: Decoder::default(),
            dedupe_key: String::new(),
            identity: Vec::new(),
            hash_key,
            max_message_bytes,
        }
    }

    /// Reads one record into a row of the block; the event's key.
    ///
    /// # Errors
    /// Why the record cannot be used; the block is then as before.
    pub(crate) fn read<R: EventRegistry>(
        &mut self,
        bytes: Option<&[u8]>,
        source: Source<R::Block>,
        block: &mut R::Block,
    ) -> Result<EventKey, Rejection> {
        let bytes = bytes.filter(|bytes| !bytes.is_empty());
        let Some(bytes) = bytes else {
            return Err(Rejection::new(Reason::Empty, "the record has no value"));
        };
        if bytes.len() > self.max_message_bytes {
            let detail = format!("{} bytes, at most {}", bytes.len(), self.max_message_bytes);
            return Err(Rejection::new(Reason::TooLarge, detail));
        }
        self.with_row::<R, _>(bytes, source, |row, version| {
            (version.write)(row, block)
                .map_err(|violation| {
                    Rejection::violation(Reason::Payload, violation, Some(row.schema_version))
                })
                .map(|()| identity(row.event_key, row.dedupe_key))
        })
    }

    /// The `event_key` that an event has in the fact table.
    ///
    /// # Errors
    /// Why a worker cannot use it.
    pub(crate) fn event_key<R: EventRegistry>(
        &mut self,
        bytes: &[u8],
        topic: &'static Topic<R::Block>,
    ) -> Result<u64, Rejection> {
        let source = Source {
            topic,
            partition: 0,
            offset: 0,
            received_at: Millis(0),
        };
        self.with_row::<R, _>(bytes, source, |row, _| Ok(row.event_key))
    }

    /// What `read` makes of an event that passed its schemas.
    fn with_row<R: EventRegistry, T>(
        &mut self,
        bytes: &[u8],
        source: Source<R::Block>,
        read: impl FnOnce(&Row<'_>, &'static Version<R::Block>) -> Result<T, Rejection>,
    ) -> Result<T, Rejection> {
        let Self {
            decoder,
            dedupe_key,
            identity: parts,
            hash_key,
            ..
        } = self;
        decoder.decode_with_texts(bytes, |event, texts| {
            let checked = check::<R>(event, source.topic)?;
            let dedupe_key = key_of::<R>(event, checked.version, dedupe_key)
                .map_err(|rejection| rejection.of(checked.written))?;
            let mut row = Row {
                event,
                payload: checked.payload,
                payload_text: texts.get(R::PROJECT.envelope.payload),
                schema_version: checked.written,
                timestamp: checked.timestamp,
                dedupe_key,
                event_key: 0,
                received_at: source.received_at,
                topic: source.topic.name,
                partition: source.partition,
                offset: source.offset,
                hash_key,
            };
            row.event_key = event_key(&row, checked.version, parts);
            read(&row, checked.version)
        })?
    }
}

impl Rejection {
    fn of(mut self, version: u32) -> Self {
        self.version = Some(version);
        self
    }
}

/// An event that passed its schemas.
pub(crate) struct Checked<'e, B: 'static> {
    pub(crate) version: &'static Version<B>,
    /// The version that the event says it is of.
    pub(crate) written: u32,
    pub(crate) payload: Json<'e>,
    pub(crate) timestamp: Millis,
}

/// Checks envelope and payload of an event of a topic.
pub(crate) fn check<'e, R: EventRegistry>(
    event: Json<'e>,
    topic: &'static Topic<R::Block>,
) -> Result<Checked<'e, R::Block>, Rejection> {
    let fields = &R::PROJECT.envelope;
    (R::CHECK_ENVELOPE)(event, At::ROOT)
        .map_err(|violation| Rejection::violation(Reason::Envelope, violation, None))?;
    if event.get(fields.event_type).and_then(Json::as_str) != Some(topic.name) {
        let mut rejection = Rejection::new(Reason::WrongTopic, "the event is of another topic");
        rejection.pointer = format!("/{}", fields.event_type);
        return Err(rejection);
    }
    let written = written(event.get(fields.schema_version));
    let version = version_for(topic, written)?;
    let payload = event
        .get(fields.payload)
        .ok_or_else(|| Rejection::new(Reason::Envelope, "the event has no payload").of(written))?;
    (version.check)(payload, At::ROOT.member(fields.payload))
        .map_err(|violation| Rejection::violation(Reason::Payload, violation, Some(written)))?;
    let timestamp = crate::row::timestamp(event.get(fields.timestamp), fields.timestamp)
        .map_err(|violation| Rejection::violation(Reason::Envelope, violation, Some(written)))?;
    if !(0..END_OF_DATES).contains(&timestamp.0) {
        let mut rejection = Rejection::new(Reason::Time, "the time is not between 1970 and 2149");
        rejection.pointer = format!("/{}", fields.timestamp);
        return Err(rejection.of(written));
    }
    Ok(Checked {
        version,
        written,
        payload,
        timestamp,
    })
}

/// The version that a record says it is of, where that can be read.
pub(crate) fn written_version<R: EventRegistry>(bytes: Option<&[u8]>) -> Option<u32> {
    let member = R::PROJECT.envelope.schema_version;
    let read = Decoder::default().decode(bytes?, |event| written(event.get(member)));
    read.ok()
}

/// The version written; 1 where the member is absent, and 0, which no version has, where it is no whole number.
fn written(member: Option<Json<'_>>) -> u32 {
    let Some(member) = member else {
        return 1;
    };
    let number = member.as_u64().unwrap_or(0);
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The version to read with: the one written, or the newest known where newer ones promise to be readable.
fn version_for<B>(
    topic: &'static Topic<B>,
    written: u32,
) -> Result<&'static Version<B>, Rejection> {
    let newest = topic.versions.last();
    topic
        .versions
        .iter()
        .find(|version| version.number == written)
        .or_else(|| newest.filter(|newest| topic.reads_newer && newest.number < written))
        .ok_or_else(|| {
            let known = newest.map_or(0, |newest| newest.number);
            let detail = format!("version {written} is not known; the newest is {known}");
            Rejection::new(Reason::UnknownVersion, detail).of(written)
        })
}

/// The event's deduplication key: its own, or built from the topic's template.
pub(crate) fn key_of<'k, R: EventRegistry>(
    event: Json<'k>,
    version: &'static Version<R::Block>,
    buffer: &'k mut String,
) -> Result<&'k str, Rejection> {
    if let Some(own) = event
        .get(R::PROJECT.envelope.dedupe_key)
        .and_then(Json::as_str)
    {
        return Ok(own);
    }
    buffer.clear();
    (version.dedupe_key)(event, buffer).map_err(|pointer| {
        let mut rejection = Rejection::new(Reason::DedupeKey, "a part of the key is missing");
        rejection.pointer = pointer.to_owned();
        rejection
    })?;
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Violation;
    use crate::registry::{EnvelopeFields, NoColumns, Project};

    /// A registry that checks nothing itself.
    struct Lenient;

    impl EventRegistry for Lenient {
        type Block = NoColumns;
        const PROJECT: Project = Project {
            name: "lenient",
            database: "lenient",
            fact_table: "events",
            sorting_key: &[],
            envelope: EnvelopeFields {
                event_type: "type",
                schema_version: "v",
                event_id: "id",
                timestamp: "at",
                payload: "data",
                dedupe_key: "key",
            },
            needs_hash_key: false,
            tables: &[],
            kpis: &[],
            days: None,
            plan: "{}",
        };
        const CHECK_ENVELOPE: crate::check::Check = anything;
        const TOPICS: &'static [Topic<NoColumns>] = &[Topic {
            name: "t",
            dlq: "t.dlq",
            partitions: 1,
            replication_factor: 1,
            config: &[],
            dlq_config: &[],
            versions: &[Version {
                number: 1,
                schema_id: "",
                check: anything,
                key: |_, _| true,
                dedupe_key: |event, key| {
                    let order = event.get("data").and_then(|data| data.get("order"));
                    let order = order.and_then(Json::as_str).ok_or("/data/order")?;
                    key.push_str(order);
                    Ok(())
                },
                identify: |row, parts| crate::row::identify_key(row.event.get("by"), parts),
                write: |_, _| Ok(()),
            }],
            reads_newer: false,
        }];
    }

    fn anything(_: Json<'_>, _: At<'_>) -> Result<(), Violation> {
        Ok(())
    }

    /// What becomes of an event of this time and maker with this data.
    fn read_of(time: &str, by: &str, data: &str) -> Result<EventKey, (Reason, String)> {
        let event = format!(r#"{{"type":"t","at":"{time}","by":"{by}","data":{data}}}"#);
        let source = Source {
            topic: &Lenient::TOPICS[0],
            partition: 0,
            offset: 0,
            received_at: Millis(0),
        };
        let read = EventReader::new([0; 16], 1000).read::<Lenient>(
            Some(event.as_bytes()),
            source,
            &mut NoColumns,
        );
        read.map_err(|rejection| (rejection.reason, rejection.pointer))
    }

    fn read(time: &str, data: &str) -> Result<EventKey, (Reason, String)> {
        read_of(time, "someone", data)
    }

    #[test]
    fn times_that_no_date_column_holds_are_refused() {
        let data = r#"{"order":"7"}"#;
        for time in ["1970-01-01T00:00:00Z", "2149-06-06T23:59:59.999Z"] {
            assert!(read(time, data).is_ok(), "{time}");
        }
        for time in ["1969-12-31T23:59:59.999Z", "2149-06-07T00:00:00Z"] {
            let refused = Err((Reason::Time, "/at".to_owned()));
            assert_eq!(read(time, data), refused, "{time}");
        }
    }

    #[test]
    fn events_are_one_by_topic_record_key_and_deduplication_key() {
        let time = "2026-01-01T00:00:00Z";
        let key = |time: &str, by: &str, order: &str| {
            read_of(time, by, &format!(r#"{{"order":"{order}"}}"#)).expect("a good event")
        };
        let event = key(time, "someone", "7");
        assert_eq!(key("2026-01-02T00:00:00Z", "someone", "7"), event);
        assert_ne!(key(time, "another", "7"), event);
        assert_ne!(key(time, "someone", "8"), event);
        // No part runs over into the next.
        assert_ne!(key(time, "someone7", "8"), key(time, "someone", "78"));
    }

    #[test]
    fn a_version_that_is_no_number_is_not_the_first() {
        let mut decoder = Decoder::default();
        let mut of = |text: &str| {
            let read = decoder.decode(text.as_bytes(), |event| written(event.get("v")));
            read.expect("JSON")
        };
        assert_eq!(of("{}"), 1);
        assert_eq!(of(r#"{"v":2}"#), 2);
        assert_eq!(of(r#"{"v":2.0}"#), 2);
        assert_eq!(of(r#"{"v":99999999999}"#), u32::MAX);
        for none in [
            r#"{"v":"2"}"#,
            r#"{"v":-1}"#,
            r#"{"v":1.5}"#,
            r#"{"v":null}"#,
        ] {
            assert_eq!(of(none), 0, "{none}");
        }
    }

    #[test]
    fn a_time_after_what_dates_hold_is_told_as_one() {
        let data = r#"{"order":"7"}"#;
        let refused = Err((Reason::Time, "/at".to_owned()));
        assert_eq!(read("9999-12-31T23:59:59Z", data), refused);
        let refused = Err((Reason::Envelope, "/at".to_owned()));
        assert_eq!(read("2026-11-29T10:00Z", data), refused);
    }

    #[test]
    fn a_key_that_lacks_a_part_is_refused() {
        let refused = Err((Reason::DedupeKey, "/data/order".to_owned()));
        assert_eq!(read("2026-01-01T00:00:00Z", "{}"), refused);
    }
}
