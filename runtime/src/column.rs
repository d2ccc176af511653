//! Column buffers of a block: what generated writers push into and the Native encoder reads.
use crate::json::names::Names;
use crate::json::packed::Packed;
use crate::json::{Compact, Json};

/// Rows whose texts are asked for together.
const RUN: usize = 32;

/// A column of fixed-width values.
#[derive(Clone, Debug, Default)]
pub struct Fixed<T>(pub Vec<T>);

impl<T> Fixed<T> {
    /// Appends a value.
    #[inline]
    pub fn push(&mut self, value: T) {
        self.0.push(value);
    }

    /// Rows.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes of the values.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.0.len() * size_of::<T>()
    }

    /// Removes all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// A column of texts, stored end to end; also used for `LowCardinality(String)`.
#[derive(Clone, Debug, Default)]
pub struct Text {
    /// All texts, one after the other.
    pub bytes: Vec<u8>,
    /// End of each text in `bytes`, which stay below 4 GiB: see [`crate::config::BatchLimits::max_bytes`].
    pub ends: Vec<u32>,
}

impl Text {
    /// Appends a text.
    #[inline]
    pub fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.end();
    }

    /// Ends the text that was appended to `bytes`.
    #[inline]
    fn end(&mut self) {
        self.ends
            .push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
    }

    /// Bytes of the texts and their lengths.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.bytes.len() + self.ends.len() * size_of::<u32>()
    }

    /// Removes all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Rows in runs of a few; the texts of a run are asked for together before the first is looked at. In the order
    /// of a table they lie far apart, and waiting for one after the other would be most of the work.
    pub(crate) fn runs<'r>(&self, rows: &'r [u32]) -> impl Iterator<Item = &'r [u32]> {
        rows.chunks(RUN).inspect(|run| {
            let first = run.iter().map(|row| self.get(*row as usize).first());
            std::hint::black_box(first.fold(0, |seen, byte| seen ^ byte.copied().unwrap_or(0)));
        })
    }

    /// The text of a row.
    #[must_use]
    #[inline]
    pub fn get(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.bytes[start as usize..self.ends[row] as usize]
    }
}

/// A column of JSON values, as ClickHouse's `JSON` type is filled from.
#[derive(Clone, Debug, Default)]
pub struct JsonColumn {
    /// Packed values; bytes, not text.
    pub(crate) packed: Text,
    /// Names of members, which the packed values refer to.
    pub(crate) names: Names,
}

impl JsonColumn {
    /// Appends a value.
    pub fn push(&mut self, value: Json<'_>) {
        value.pack_to(&mut self.names, &mut self.packed.bytes);
        self.packed.end();
    }

    /// Bytes of the values and their lengths.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.packed.byte_len()
    }

    /// Removes all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.packed.clear();
        self.names.refresh();
    }

    /// The value of a row.
    pub(crate) fn get(&self, row: usize) -> Packed<'_> {
        Packed::new(self.packed.get(row), &self.names)
    }
}

/// A column of JSON values that are kept as compact text in a `String`.
#[derive(Clone, Debug, Default)]
pub struct JsonTextColumn {
    /// The texts.
    pub text: Text,
}

impl JsonTextColumn {
    /// Appends a value.
    pub fn push(&mut self, compact: Compact<'_>) {
        match compact.text {
            Some(text) => self.text.bytes.extend_from_slice(text.as_bytes()),
            None => compact.value.write_to(&mut self.text.bytes),
        }
        self.text.end();
    }

    /// Bytes of the texts and their lengths.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.text.byte_len()
    }

    /// Removes all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
    }
}

/// Milliseconds since the epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub i64);

impl Millis {
    /// Days since the epoch, UTC.
    #[must_use]
    pub const fn day(self) -> i64 {
        self.0.div_euclid(86_400_000)
    }
}

/// Any column, for the encoder.
#[derive(Clone, Copy, Debug)]
pub enum ColumnRef<'c> {
    /// `Bool`
    Bool(&'c Fixed<bool>),
    /// `UInt8`
    UInt8(&'c Fixed<u8>),
    /// `UInt16`
    UInt16(&'c Fixed<u16>),
    /// `UInt32`
    UInt32(&'c Fixed<u32>),
    /// `UInt64`
    UInt64(&'c Fixed<u64>),
    /// `Int8`
    Int8(&'c Fixed<i8>),
    /// `Int16`
    Int16(&'c Fixed<i16>),
    /// `Int32`
    Int32(&'c Fixed<i32>),
    /// `Int64`
    Int64(&'c Fixed<i64>),
    /// `Float64`
    Float64(&'c Fixed<f64>),
    /// `DateTime64(3)`
    DateTime64(&'c Fixed<Millis>),
    /// `String`
    String(&'c Text),
    /// `LowCardinality(String)`
    LowCardinality(&'c Text),
    /// `JSON`
    Json(&'c JsonColumn),
    /// JSON text in a `String`
    JsonText(&'c JsonTextColumn),
}
