//! Records of one partition in a row, as they were fetched.
use std::sync::{Arc, Mutex, PoisonError};

use super::records::Cursor;

/// Bytes within a run; or none, which is not the same as an empty text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    start: u32,
    length: u32,
}

impl Span {
    pub(super) const NULL: Self = Self {
        start: 0,
        length: u32::MAX,
    };

    pub(super) fn new(start: usize, length: usize) -> Option<Self> {
        let (start, length) = (u32::try_from(start).ok()?, u32::try_from(length).ok()?);
        (length != u32::MAX).then_some(Self { start, length })
    }

    pub(super) fn of(self, bytes: &[u8]) -> Option<&[u8]> {
        if self.length == u32::MAX {
            return None;
        }
        let start = self.start as usize;
        bytes.get(start..start + self.length as usize)
    }
}

/// What stands for no time. Any other is one, as for librdkafka: a plan's token is made of them.
const NO_TIME: i64 = -1;

/// A record, as numbers that say where in the run's bytes it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw {
    pub(super) offset: i64,
    /// Milliseconds since the epoch, or [`NO_TIME`].
    pub(super) time: i64,
    pub(super) key: Span,
    pub(super) value: Span,
    /// Where the number of its headers stands.
    pub(super) headers: u32,
}

/// Where fetching a partition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// First offset that the partition has.
    pub(crate) low: i64,
    /// Offset behind its last record.
    pub(crate) end: i64,
    /// Offset behind the last record, or transaction's marker, of the run.
    pub(crate) next: i64,
}

/// Memory of runs, to be used again.
pub(super) type Spare = Arc<Mutex<Vec<Memory>>>;

/// What a run is in.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) bytes: Vec<u8>,
    pub(super) records: Vec<Raw>,
}

impl Memory {
    /// Bytes and records in it.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.bytes.len(), self.records.len())
    }

    /// Takes back what came after it had this size.
    pub(super) fn cut(&mut self, (bytes, records): (usize, usize)) {
        self.bytes.truncate(bytes);
        self.records.truncate(records);
    }
}

/// Memory that is kept for later runs, at most: pieces, and bytes of one.
const KEPT: usize = 16;
const KEPT_BYTES: usize = 4 << 20;

/// Records of one partition in a row. Empty where only the standing is new.
#[derive(Debug)]
pub(crate) struct Run {
    /// Of the assignment that it was fetched for.
    pub(crate) epoch: u64,
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) standing: Standing,
    pub(super) memory: Memory,
    pub(super) spare: Spare,
}

impl Run {
    pub(crate) fn len(&self) -> usize {
        self.memory.records.len()
    }

    /// Bytes of its records.
    pub(crate) fn bytes(&self) -> usize {
        self.memory.bytes.len()
    }

    /// A record's offset, and its time in milliseconds since the epoch.
    pub(crate) fn at(&self, index: usize) -> Option<(i64, Option<i64>)> {
        let raw = self.memory.records.get(index)?;
        Some((raw.offset, (raw.time != NO_TIME).then_some(raw.time)))
    }

    pub(crate) fn key(&self, index: usize) -> Option<&[u8]> {
        let raw = self.memory.records.get(index)?;
        raw.key.of(&self.memory.bytes)
    }

    pub(crate) fn value(&self, index: usize) -> Option<&[u8]> {
        let raw = self.memory.records.get(index)?;
        raw.value.of(&self.memory.bytes)
    }

    /// A record's headers, in order; none where they cannot be read.
    pub(crate) fn headers(&self, index: usize) -> Vec<(String, Option<Vec<u8>>)> {
        let Some(raw) = self.memory.records.get(index) else {
            return Vec::new();
        };
        let bytes = self.memory.bytes.as_slice();
        let mut cursor = Cursor {
            bytes,
            at: raw.headers as usize,
        };
        let count = cursor.number().unwrap_or(0);
        let mut headers = Vec::new();
        for _ in 0..count {
            let (Ok(name), Ok(value)) = (cursor.span(), cursor.span()) else {
                break;
            };
            let name = String::from_utf8_lossy(name.of(bytes).unwrap_or_default());
            headers.push((name.into_owned(), value.of(bytes).map(<[u8]>::to_vec)));
        }
        headers
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let mut memory = std::mem::take(&mut self.memory);
        let records = memory.records.capacity() * size_of::<Raw>();
        if memory.bytes.capacity() + records > KEPT_BYTES {
            return;
        }
        memory.bytes.clear();
        memory.records.clear();
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < KEPT {
            spare.push(memory);
        }
    }
}
