//! A JSON column: the declared paths in columns of their own, everything else in the shared data.
//!
//! ```text
//! u64 version = 0 (V1), varint 0 (dynamic paths), varint 0 (the same, V1 has it twice)
//! each typed path, sorted: null map (1 byte a row), values
//! shared data: u64 end a row, paths (text…), values (text… holding a value of `value`)
//! ```
//! Within a row the shared paths are sorted. Nulls and empty objects leave no trace, as with ClickHouse's own
//! parser. A value that does not fit its typed path is kept as `_misfit.<path>` instead of refusing the event:
//! the path may be declared by another topic.
use super::json_type::{JsonType, Scalar};
use super::pieces::{ONES, Pieces, ZEROS};
use super::value::{Limits, Members};
use super::{put_length, put_text};
use crate::column::JsonColumn;
use crate::error::Result;
use crate::json::Number;
use crate::json::packed::{Packed, PackedKind};

/// Writes the JSON columns of one type.
pub(super) struct JsonWriter {
    rows: Rows,
}

impl JsonWriter {
    pub(super) fn new(json_type: &JsonType) -> Self {
        let paths = json_type
            .paths
            .iter()
            .map(|(path, scalar)| TypedPath {
                path: path.as_bytes().into(),
                scalar: *scalar,
                nulls: Vec::new(),
                values: Vec::new(),
                written: 0,
            })
            .collect();
        Self {
            rows: Rows {
                paths,
                typed: Vec::new(),
                row: 0,
                count: 0,
                limits: Limits::of_column(json_type.max_dynamic_paths),
                members: Members::default(),
                scratch: Vec::new(),
                ends: Vec::new(),
                shared: 0,
                shared_paths: Vec::new(),
                shared_values: Vec::new(),
            },
        }
    }

    /// Appends the column's data.
    pub(super) fn put(
        &mut self,
        column: &JsonColumn,
        rows: &[u32],
        pieces: &mut Pieces<'_>,
    ) -> Result<()> {
        self.rows.begin(rows.len(), column.names.len());
        for row in column.packed.runs(rows).flatten() {
            self.rows.add(column.get(*row as usize));
        }
        self.rows.finish(pieces)
    }
}

/// The rows of one block on their way into columns.
struct Rows {
    paths: Vec<TypedPath>,
    /// Which typed path a payload's own member of each numbered name is.
    typed: Vec<Place>,
    row: usize,
    /// Rows of the block.
    count: usize,
    limits: Limits,
    members: Members,
    /// The current row's shared members before they are sorted.
    scratch: Vec<u8>,
    ends: Vec<u8>,
    shared: u64,
    shared_paths: Vec<u8>,
    shared_values: Vec<u8>,
}

/// Where the members of a name go.
#[derive(Clone, Copy)]
enum Place {
    /// Not asked yet.
    Unknown,
    Shared,
    Typed(usize),
}

/// One typed path's column.
struct TypedPath {
    path: Box<[u8]>,
    scalar: Scalar,
    /// 1 for null; empty while every row is.
    nulls: Vec<u8>,
    values: Vec<u8>,
    /// Rows in `values`; texts only, whose values have no fixed place.
    written: usize,
}

impl Rows {
    fn begin(&mut self, rows: usize, names: usize) {
        self.typed.clear();
        self.typed.resize(names, Place::Unknown);
        for path in &mut self.paths {
            path.nulls.clear();
            path.values.clear();
            path.written = 0;
        }
        self.count = rows;
        self.row = 0;
        self.shared = 0;
        self.ends.clear();
        self.shared_paths.clear();
        self.shared_values.clear();
    }

    fn add(&mut self, payload: Packed<'_>) {
        match payload.kind() {
            PackedKind::Object => self.add_payload(payload),
            PackedKind::Null => {}
            _ => self
                .members
                .put_misfit(payload, self.limits, &mut self.scratch),
        }
        let (paths, values) = (&mut self.shared_paths, &mut self.shared_values);
        let shared = &mut self.shared;
        self.members.drain_row(&mut self.scratch, |path, value| {
            put_text(path, paths);
            put_text(value, values);
            *shared += 1;
        });
        self.ends.extend_from_slice(&self.shared.to_le_bytes());
        self.row += 1;
    }

    /// Adds a payload's own members. Those of typed paths, nearly all, need no path to be put together.
    fn add_payload(&mut self, payload: Packed<'_>) {
        for (name, value) in payload.members() {
            if let Some(number) = name.number
                && let Place::Typed(path) = self.place(number, name.text)
                && (value.kind() == PackedKind::Null || self.set(path, value))
            {
                continue;
            }
            self.add_member(name.text, value);
        }
    }

    fn place(&mut self, number: usize, name: &[u8]) -> Place {
        if let Place::Unknown = self.typed[number] {
            self.typed[number] = self.find(name).map_or(Place::Shared, Place::Typed);
        }
        self.typed[number]
    }

    /// Adds a member at the current path.
    fn add_member(&mut self, name: &[u8], value: Packed<'_>) {
        let path_end = self.members.enter(name, 0);
        match (self.find(self.members.path()), value.kind()) {
            (_, PackedKind::Null) => {}
            (Some(index), _) => {
                if !self.set(index, value) {
                    self.members
                        .put_misfit(value, self.limits, &mut self.scratch);
                }
            }
            (None, PackedKind::Object) => {
                for (name, value) in value.members() {
                    self.add_member(name.text, value);
                }
            }
            (None, _) => {
                self.members.begin(0, &mut self.scratch);
                self.members
                    .put_value(value, self.limits, &mut self.scratch);
                self.members.end(&self.scratch);
            }
        }
        self.members.leave(path_end);
    }

    /// Stores a value of the current row; `false` where it does not fit, or the row has one already.
    fn set(&mut self, path: usize, value: Packed<'_>) -> bool {
        let path = &mut self.paths[path];
        if path.nulls.is_empty() {
            path.nulls.resize(self.count, 1);
            path.values.resize(self.count * path.scalar.width(), 0);
        }
        path.set(self.row, value)
    }

    /// The typed path of this name.
    fn find(&self, path: &[u8]) -> Option<usize> {
        self.paths
            .binary_search_by(|typed| (*typed.path).cmp(path))
            .ok()
    }

    fn finish(&mut self, pieces: &mut Pieces<'_>) -> Result<()> {
        let into = &mut pieces.buffer;
        // Version V1; no paths with columns of their own but the typed ones.
        into.extend_from_slice(&0_u64.to_le_bytes());
        put_length(0, into);
        put_length(0, into);
        for path in &mut self.paths {
            if path.nulls.is_empty() {
                // An empty text is its length, one byte.
                pieces.repeat(&ONES, self.count)?;
                pieces.repeat(&ZEROS, self.count * path.scalar.width().max(1))?;
                continue;
            }
            if path.scalar == Scalar::String {
                let missing = self.count - path.written;
                path.values.extend(std::iter::repeat_n(0, missing));
            }
            pieces.put(&path.nulls)?;
            pieces.put(&path.values)?;
        }
        for bytes in [&self.ends, &self.shared_paths, &self.shared_values] {
            pieces.put(bytes)?;
        }
        Ok(())
    }
}

impl Scalar {
    /// Bytes of a value; 0 where they vary.
    const fn width(self) -> usize {
        match self {
            Self::String => 0,
            Self::Int64 | Self::UInt64 | Self::Float64 => 8,
            Self::Bool => 1,
        }
    }
}

impl TypedPath {
    fn set(&mut self, row: usize, value: Packed<'_>) -> bool {
        if self.nulls[row] == 0 {
            return false;
        }
        let fits = match self.scalar {
            Scalar::String => {
                self.set_text(row, value);
                true
            }
            Scalar::Int64 => {
                let number = value.as_number().and_then(Number::to_i64);
                self.set_fixed(row, number.map(i64::to_le_bytes))
            }
            Scalar::UInt64 => {
                let number = value.as_number().and_then(Number::to_u64);
                self.set_fixed(row, number.map(u64::to_le_bytes))
            }
            Scalar::Float64 => {
                let number = value.as_number().map(Number::to_f64);
                self.set_fixed(row, number.map(f64::to_le_bytes))
            }
            Scalar::Bool => self.set_fixed(row, value.as_bool().map(|flag| [u8::from(flag)])),
        };
        if fits {
            self.nulls[row] = 0;
        }
        fits
    }

    fn set_fixed<const N: usize>(&mut self, row: usize, bytes: Option<[u8; N]>) -> bool {
        let Some(bytes) = bytes else { return false };
        self.values[row * N..][..N].copy_from_slice(&bytes);
        true
    }

    /// Texts as they are, anything else as JSON, as the server does.
    fn set_text(&mut self, row: usize, value: Packed<'_>) {
        // Rows without a text have an empty one under their null.
        self.values
            .extend(std::iter::repeat_n(0, row - self.written));
        match value.kind() {
            PackedKind::Text(text) => put_text(text, &mut self.values),
            _ => {
                let mut text = Vec::new();
                value.write_to(&mut text);
                put_text(&text, &mut self.values);
            }
        }
        self.written = row + 1;
    }
}
