//! Records encoded where they are emitted, so that the writing thread only numbers them.
use super::frame::{self, Entry, Parts};
use crate::error::{Error, Result};
use crate::produce::OutgoingRecord;

/// Records made ready for the log.
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) bytes: Vec<u8>,
    starts: Vec<usize>,
    pub(super) time: i64,
}

impl Batch {
    /// An empty batch of now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            time: jiff::Timestamp::now().as_millisecond(),
            ..Self::default()
        }
    }

    /// Adds a record.
    ///
    /// # Errors
    /// A name of it is longer than the log can hold.
    pub fn push(&mut self, record: &OutgoingRecord) -> Result<()> {
        let headers = record.all_headers();
        let headers = headers
            .iter()
            .map(|(name, value)| (&**name, value.as_bytes()));
        self.add(
            record.topic,
            "",
            record.key.as_deref(),
            &record.value,
            self.time,
            headers,
        )
    }

    /// Adds a record that Kafka refused, with the reason.
    pub(super) fn push_refused(&mut self, entry: &Entry, reason: &str) -> Result<()> {
        let headers = entry
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()));
        let (topic, key) = (&entry.topic, entry.key.as_deref());
        self.add(topic, reason, key, &entry.value, entry.time, headers)
    }

    fn add<'h>(
        &mut self,
        topic: &str,
        note: &str,
        key: Option<&[u8]>,
        value: &[u8],
        time: i64,
        headers: impl ExactSizeIterator<Item = (&'h str, &'h [u8])>,
    ) -> Result<()> {
        let before = self.bytes.len();
        let parts = Parts {
            time,
            topic,
            note,
            key,
            value,
        };
        match frame::encode(parts, headers, &mut self.bytes) {
            Ok(start) => {
                self.starts.push(start);
                Ok(())
            }
            Err(why) => {
                self.bytes.truncate(before);
                Err(Error::record("the fallback log cannot hold the record")
                    .at("topic", topic)
                    .why(why))
            }
        }
    }

    /// Records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    pub(super) fn seal(&mut self, first: u64) {
        for (sequence, start) in (first..).zip(&self.starts) {
            frame::seal(&mut self.bytes[*start..], sequence);
        }
    }
}
