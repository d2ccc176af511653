//! A block of the fact table in ClickHouse's Native format, the form it stores without converting rows.
//!
//! ```text
//! block:   varint columns, varint rows, column…
//! column:  text name, text type, data          (text: varint length, bytes)
//! data:    fixed width: little-endian values; String: text…; JSON: see [`json`]
//! ```
//! `LowCardinality(String)` travels as `String`: the server builds its dictionary as fast from that, and the
//! bytes compress away. An [`Encoder`] keeps its buffers, so encoding allocates nothing once they have grown.
mod json;
mod json_type;
mod pieces;
mod value;

use std::marker::PhantomData;

use bytes::Bytes;

use self::json::JsonWriter;
use self::json_type::JsonType;
use self::pieces::{Buffers, Pieces, ZEROS};
use crate::column::{ColumnRef, Text};
use crate::error::{Error, Result};
use crate::json::packed::put_number;
use crate::registry::FactBlock;

/// Encodes blocks of one shape.
pub struct Encoder<B> {
    columns: Vec<Plan>,
    buffers: Buffers,
    block: PhantomData<fn() -> B>,
}

/// How one column is written.
struct Plan {
    name: &'static str,
    /// The type named in the block.
    sent_as: String,
    json: Option<JsonWriter>,
}

impl<B: FactBlock> Encoder<B> {
    /// For a table as the registry declares it.
    ///
    /// # Errors
    /// A JSON type that the encoder does not know: a defect of the generated code.
    pub fn new() -> Result<Self> {
        Self::with_types(|_, declared| declared.to_owned())
    }

    /// For a table as it is: its JSON column may be of an older type than the registry's. Names and types come
    /// from [`super::Verified::columns`]; sending what the table has spares the server a conversion.
    ///
    /// # Errors
    /// A JSON type that the encoder does not know.
    pub fn for_columns(live: &[(String, String)]) -> Result<Self> {
        Self::with_types(|name, declared| {
            let found = live.iter().find(|(column, _)| column == name);
            match found {
                Some((_, sql_type)) if declared.starts_with("JSON") => sql_type.clone(),
                _ => declared.to_owned(),
            }
        })
    }

    fn with_types(type_of: impl Fn(&str, &str) -> String) -> Result<Self> {
        let columns = B::COLUMNS
            .iter()
            .map(|(name, declared)| {
                let sent_as = match type_of(name, declared).as_str() {
                    "LowCardinality(String)" => "String".to_owned(),
                    other => other.to_owned(),
                };
                let json = match JsonType::parse(&sent_as) {
                    None => None,
                    Some(Ok(parsed)) => Some(JsonWriter::new(&parsed)),
                    Some(Err(problem)) => {
                        return Err(Error::config("the type of a JSON column is not understood")
                            .at("column", name)
                            .why(problem)
                            .fix("declare only Nullable String, Int64, UInt64, Float64 and Bool paths in it"));
                    }
                };
                Ok(Plan {
                    name,
                    sent_as,
                    json,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            columns,
            buffers: Buffers::default(),
            block: PhantomData,
        })
    }

    /// Names of the columns, in the order of the block.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.columns.iter().map(|column| column.name).collect()
    }

    /// Appends one block with the given rows, in the given order.
    ///
    /// Every payload can be stored: what does not fit a typed path, or shares one path with another member
    /// (`{"a.b":1,"a":{"b":2}}`), is kept as `_misfit.<path>`.
    ///
    /// # Errors
    /// A row that the block does not have, or a JSON column declared with a type that is none: our own defects.
    /// `into` is then as before.
    pub fn encode(&mut self, block: &B, rows: &[u32], into: &mut Vec<u8>) -> Result<()> {
        let start = into.len();
        let result = self.encode_to(block, rows, &mut |piece| {
            into.extend_from_slice(&piece);
            Ok(())
        });
        if result.is_err() {
            into.truncate(start);
        }
        result
    }

    /// As [`Self::encode`], in pieces, so that no block is held whole.
    ///
    /// # Errors
    /// As [`Self::encode`], or what `take` says; it gets no further piece then.
    pub fn encode_to(
        &mut self,
        block: &B,
        rows: &[u32],
        take: &mut dyn FnMut(Bytes) -> Result<()>,
    ) -> Result<()> {
        if let Some(row) = rows.iter().find(|row| **row as usize >= block.rows()) {
            return Err(Error::bug("a block was asked for a row it does not have")
                .at("row", row)
                .at("rows", block.rows()));
        }
        let mut pieces = Pieces::new(self.buffers.clone(), take);
        put_length(self.columns.len(), &mut pieces.buffer);
        put_length(rows.len(), &mut pieces.buffer);
        let columns = block.columns();
        for (plan, column) in self.columns.iter_mut().zip(&columns) {
            put_text(plan.name.as_bytes(), &mut pieces.buffer);
            put_text(plan.sent_as.as_bytes(), &mut pieces.buffer);
            plan.put(*column, rows, &mut pieces)
                .map_err(|error| error.at("column", plan.name))?;
            pieces.part()?;
        }
        pieces.end()
    }
}

/// Rows between two looks at a piece's size.
const STRETCH: usize = 2048;

/// Gathers the values of fixed-width rows.
macro_rules! fixed {
    ($column:expr, $rows:expr, $into:expr, $value:ident => $bytes:expr) => {{
        let values = &$column.0;
        gather($rows, $into, |row| {
            let $value = values[row];
            $bytes
        });
    }};
}

/// Appends `N` bytes a row. Room is made once: asking for each row costs as much as the row.
#[inline]
fn gather<const N: usize>(rows: &[u32], into: &mut Vec<u8>, value: impl Fn(usize) -> [u8; N]) {
    let start = into.len();
    into.resize(start + rows.len() * N, 0);
    let (places, _) = into[start..].as_chunks_mut::<N>();
    for (place, row) in places.iter_mut().zip(rows) {
        *place = value(*row as usize);
    }
}

impl Plan {
    fn put(&mut self, column: ColumnRef<'_>, rows: &[u32], pieces: &mut Pieces<'_>) -> Result<()> {
        if let ColumnRef::Json(column) = column {
            let writer = self.json.as_mut();
            let writer = writer
                .ok_or_else(|| Error::bug("a JSON column is declared with a type that is none"))?;
            return writer.put(column, rows, pieces);
        }
        if let ColumnRef::String(text) | ColumnRef::LowCardinality(text) = column
            && text.bytes.is_empty()
        {
            // Each is its length.
            return pieces.repeat(&ZEROS, rows.len());
        }
        for rows in rows.chunks(STRETCH) {
            put_rows(column, rows, &mut pieces.buffer);
            pieces.part()?;
        }
        Ok(())
    }
}

/// Appends rows of a column that is written row by row.
fn put_rows(column: ColumnRef<'_>, rows: &[u32], into: &mut Vec<u8>) {
    match column {
        ColumnRef::Bool(column) => fixed!(column, rows, into, value => [u8::from(value)]),
        ColumnRef::UInt8(column) => fixed!(column, rows, into, value => [value]),
        ColumnRef::UInt16(column) => fixed!(column, rows, into, value => value.to_le_bytes()),
        ColumnRef::UInt32(column) => fixed!(column, rows, into, value => value.to_le_bytes()),
        ColumnRef::UInt64(column) => fixed!(column, rows, into, value => value.to_le_bytes()),
        ColumnRef::Int8(column) => fixed!(column, rows, into, value => value.to_le_bytes()),
        ColumnRef::Int16(column) => fixed!(column, rows, into, value => value.to_le_bytes()),
        ColumnRef::Int32(column) => fixed!(column, rows, into, value => value.to_le_bytes()),
        ColumnRef::Int64(column) => fixed!(column, rows, into, value => value.to_le_bytes()),
        ColumnRef::Float64(column) => fixed!(column, rows, into, value => value.to_le_bytes()),
        ColumnRef::DateTime64(column) => {
            fixed!(column, rows, into, value => value.0.to_le_bytes());
        }
        ColumnRef::String(text) | ColumnRef::LowCardinality(text) => put_texts(text, rows, into),
        ColumnRef::JsonText(column) => put_texts(&column.text, rows, into),
        // Written by paths, not by rows.
        ColumnRef::Json(_) => {}
    }
}

fn put_texts(text: &Text, rows: &[u32], into: &mut Vec<u8>) {
    for row in text.runs(rows).flatten() {
        put_text(text.get(*row as usize), into);
    }
}

/// A length as LEB128: seven bits a byte, lowest first.
pub(super) fn put_length(length: usize, into: &mut Vec<u8>) {
    put_number(length as u64, into);
}

/// A text with its length.
pub(super) fn put_text(text: &[u8], into: &mut Vec<u8>) {
    put_length(text.len(), into);
    into.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_leb128() {
        for (length, expected) in [
            (0, &[0][..]),
            (127, &[127]),
            (128, &[0x80, 1]),
            (300, &[0xac, 2]),
        ] {
            let mut out = Vec::new();
            put_length(length, &mut out);
            assert_eq!(out, expected);
        }
    }
}
