//! Record batches (message format v2, Kafka 0.11 and later) as runs of records, each a view into the run's bytes.
//!
//! The layout is the protocol's: <https://kafka.apache.org/documentation/#messageformat>. `kafka-protocol` reads
//! records too, with an owned map of headers for each; here a record is six numbers.
use bytes::{Buf as _, Bytes};

use super::compression::Decompression;
use super::run::{Raw, Span};

/// What is wrong with bytes that should be records.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("a record batch ends before its end")]
    Short,
    #[error("message format v{0}, older than Kafka 0.11")]
    Format(i8),
    #[error("the checksum of a record batch is wrong")]
    Checksum,
    #[error("a record batch cannot be decompressed: {0}")]
    Compressed(String),
}

/// Bytes of a batch before what its length counts.
const PREFIX: usize = 12;

/// Bytes of a batch before its records.
const HEADER: usize = 61;

/// Bytes of a batch before what its checksum covers.
const UNCHECKED: usize = 21;

/// A record batch; its records may be compressed.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    base_offset: i64,
    last_offset: i64,
    attributes: i16,
    base_time: i64,
    max_time: i64,
    /// −1 where the producer is not idempotent.
    pub(super) producer: i64,
    count: i32,
    checksum: u32,
    /// From the attributes on.
    checked: Bytes,
}

impl Batch {
    /// Takes the next batch; none where what is left is none, or the beginning of one: a broker ends an answer where
    /// its limit is.
    pub(super) fn take(bytes: &mut Bytes) -> Result<Option<Self>, Unreadable> {
        let mut header = bytes.clone();
        let Ok(base_offset) = header.try_get_i64() else {
            return Ok(None);
        };
        let Ok(length) = header.try_get_i32() else {
            return Ok(None);
        };
        let length = usize::try_from(length).map_err(|_| Unreadable::Short)?;
        if header.len() < length {
            return Ok(None);
        }
        let short = |_| Unreadable::Short;
        // The leader's epoch, of no use here.
        header.try_get_i32().map_err(short)?;
        let magic = header.try_get_i8().map_err(short)?;
        if magic != 2 {
            return Err(Unreadable::Format(magic));
        }
        if PREFIX + length < HEADER {
            return Err(Unreadable::Short);
        }
        let checksum = header.try_get_u32().map_err(short)?;
        let checked = bytes.slice(UNCHECKED..PREFIX + length);
        let attributes = header.try_get_i16().map_err(short)?;
        let last_delta = header.try_get_i32().map_err(short)?;
        let base_time = header.try_get_i64().map_err(short)?;
        let max_time = header.try_get_i64().map_err(short)?;
        let producer = header.try_get_i64().map_err(short)?;
        // The producer's epoch and the first sequence number: the broker has seen to both.
        header.try_get_i16().map_err(short)?;
        header.try_get_i32().map_err(short)?;
        let count = header.try_get_i32().map_err(short)?;
        bytes.advance(PREFIX + length);
        Ok(Some(Self {
            base_offset,
            last_offset: base_offset.saturating_add(i64::from(last_delta)),
            attributes,
            base_time,
            max_time,
            producer,
            count,
            checksum,
            checked,
        }))
    }

    /// Offset of its last record, whether or not compaction has left it.
    pub(super) fn last_offset(&self) -> i64 {
        self.last_offset
    }

    pub(super) fn is_transactional(&self) -> bool {
        self.attributes & 0x10 != 0
    }

    /// Whether it ends a transaction, instead of holding anybody's records.
    pub(super) fn is_control(&self) -> bool {
        self.attributes & 0x20 != 0
    }

    /// Whether this control batch gives its producer's transaction up.
    pub(super) fn is_abort(&self) -> Result<bool, Unreadable> {
        let (mut bytes, mut records) = (Vec::new(), Vec::new());
        // Markers are never compressed.
        self.read(
            i64::MIN,
            &mut Decompression::default(),
            &mut bytes,
            &mut records,
        )?;
        // The key: version and type, 0 to abort, 1 to commit.
        let kind = records.first().and_then(|record| record.key.of(&bytes));
        Ok(matches!(kind, Some([_, _, 0, 0])))
    }

    /// Appends its records from an offset on, and the bytes that they are views into.
    ///
    /// # Errors
    /// The batch is damaged; what was appended is of no use.
    pub(super) fn read(
        &self,
        from: i64,
        decompression: &mut Decompression,
        bytes: &mut Vec<u8>,
        records: &mut Vec<Raw>,
    ) -> Result<(), Unreadable> {
        if crc32c::crc32c(&self.checked) != self.checksum {
            return Err(Unreadable::Checksum);
        }
        let start = bytes.len();
        // As long as a header at least: seen when it was taken.
        let body = self.checked.slice(HEADER - UNCHECKED..);
        decompression.read(self.attributes & 0x07, &body, bytes)?;
        let mut cursor = Cursor { bytes, at: start };
        for _ in 0..self.count {
            let length = cursor.length()?.ok_or(Unreadable::Short)?;
            let end = cursor.at + length;
            if end > cursor.bytes.len() {
                return Err(Unreadable::Short);
            }
            // Attributes, which no version uses.
            cursor.at += 1;
            let time = cursor.number()?;
            let delta = cursor.number()?;
            let key = cursor.span()?;
            let value = cursor.span()?;
            let headers = u32::try_from(cursor.at).map_err(|_| Unreadable::Short)?;
            cursor.at = end;
            let offset = self.base_offset.saturating_add(delta);
            if offset >= from {
                records.push(Raw {
                    offset,
                    // Where the topic says so, the time of the append stands in place of the producers'.
                    time: if self.attributes & 0x08 != 0 {
                        self.max_time
                    } else {
                        self.base_time.saturating_add(time)
                    },
                    key,
                    value,
                    headers,
                });
            }
        }
        Ok(())
    }
}

/// A place in the bytes of records.
pub(super) struct Cursor<'b> {
    pub(super) bytes: &'b [u8],
    pub(super) at: usize,
}

impl Cursor<'_> {
    /// A number of up to ten bytes, seven bits each, signs folded in.
    pub(super) fn number(&mut self) -> Result<i64, Unreadable> {
        let mut folded = 0u64;
        for shift in (0..70).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or(Unreadable::Short)?;
            self.at += 1;
            folded |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed());
            }
        }
        Err(Unreadable::Short)
    }

    /// A length; none where it is below zero, which stands for null.
    fn length(&mut self) -> Result<Option<usize>, Unreadable> {
        Ok(usize::try_from(self.number()?).ok())
    }

    /// Bytes after their length.
    pub(super) fn span(&mut self) -> Result<Span, Unreadable> {
        let Some(length) = self.length()? else {
            return Ok(Span::NULL);
        };
        let start = self.at;
        self.at = start.checked_add(length).ok_or(Unreadable::Short)?;
        if self.at > self.bytes.len() {
            return Err(Unreadable::Short);
        }
        Span::new(start, length).ok_or(Unreadable::Short)
    }
}
