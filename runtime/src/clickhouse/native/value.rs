//! A JSON value as ClickHouse stores one of undeclared type: its type in binary, then the value.
//!
//! Types are chosen as the server chooses them when it parses the same text, but texts stay texts where it
//! would guess dates, and a mixed array keeps each item's own type where it would turn `[true,1]` into `[1,1]`.
//! ```text
//! scalar:  0x15 text | 0x0a Int64 | 0x04 UInt64 | 0x0e Float64 | 0x2d Bool, then the value
//! array:   0x1e, type of the items, varint length, items
//!          scalars:         0x23 and their type; each 0 and the value, or 1 for null
//!          objects:         0x30…, with 0x23 before and 0 or 1 before each where nulls stand among them
//!          several types:   0x2b 0x20; each as a value with its own type, null as 0x00
//! object:  0x30 0 varint max_dynamic_paths, max_dynamic_types, 0 0 0; then its members, see [`Members`]
//! ```
use std::ops::Range;

use super::{put_length, put_text};
use crate::json::Number;
use crate::json::packed::{Packed, PackedKind};

const NOTHING: u8 = 0x00;
const UINT64: u8 = 0x04;
const INT64: u8 = 0x0a;
const FLOAT64: u8 = 0x0e;
const STRING: u8 = 0x15;
const ARRAY: u8 = 0x1e;
const NULLABLE: u8 = 0x23;
const DYNAMIC: u8 = 0x2b;
const BOOL: u8 = 0x2d;
const JSON: u8 = 0x30;

/// Where a value goes that cannot stand at its own path: `_misfit.<path>`.
const MISFIT: &str = "_misfit";

/// Integers up to this size are exact as floats.
const EXACT: u64 = 1 << 53;

/// How many paths and types an object may have; ClickHouse's own defaults.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    paths: usize,
    types: u8,
}

impl Limits {
    const DEFAULT: Self = Self {
        paths: 1024,
        types: 32,
    };

    /// Of a column's objects.
    pub(super) const fn of_column(max_dynamic_paths: usize) -> Self {
        Self {
            paths: max_dynamic_paths,
            types: Self::DEFAULT.types,
        }
    }

    /// Of objects in its arrays, derived as ClickHouse does.
    const fn nested(self) -> Self {
        Self {
            paths: self.paths / 4,
            types: self.types / 2,
        }
    }
}

/// What an array's items are. Items that are arrays count in `arrays`; `leaf` is what lies in the innermost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    arrays: usize,
    leaf: Leaf,
    /// A null stands among the leaves.
    null: bool,
    /// An integer stands among the leaves that a float would round.
    wide: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaf {
    /// No leaf at all: empty arrays.
    Nothing,
    /// Nulls only.
    Null,
    Bool,
    Int64,
    UInt64,
    Float64,
    String,
    Object,
    /// Several types.
    Mixed,
}

impl Shape {
    const fn leaf(leaf: Leaf) -> Self {
        Self {
            arrays: 0,
            leaf,
            null: false,
            wide: false,
        }
    }

    /// Of an array's items.
    fn of_items(array: Packed<'_>) -> Self {
        let mut items = array.items().map(Self::of);
        let Some(first) = items.next() else {
            return Self::leaf(Leaf::Nothing);
        };
        items.fold(first, Self::join)
    }

    fn of(value: Packed<'_>) -> Self {
        match value.kind() {
            PackedKind::Null => Self {
                null: true,
                ..Self::leaf(Leaf::Null)
            },
            PackedKind::Bool(_) => Self::leaf(Leaf::Bool),
            PackedKind::Number(Number::Signed(number)) => Self {
                wide: number.unsigned_abs() > EXACT,
                ..Self::leaf(Leaf::Int64)
            },
            PackedKind::Number(Number::Unsigned(_)) => Self::leaf(Leaf::UInt64),
            PackedKind::Number(Number::Float(_)) => Self::leaf(Leaf::Float64),
            PackedKind::Text(_) => Self::leaf(Leaf::String),
            PackedKind::Object => Self::leaf(Leaf::Object),
            PackedKind::Array => {
                let items = Self::of_items(value);
                Self {
                    arrays: items.arrays + 1,
                    ..items
                }
            }
        }
    }

    /// The shape that holds both.
    fn join(self, other: Self) -> Self {
        let joined = |leaf| Self {
            arrays: self.arrays,
            leaf,
            null: self.null || other.null,
            wide: self.wide || other.wide,
        };
        match (self.leaf, other.leaf) {
            (Leaf::Nothing, _) if other.arrays >= self.arrays && self.arrays > 0 => other,
            (_, Leaf::Nothing) if self.arrays >= other.arrays && other.arrays > 0 => self,
            _ if self.arrays != other.arrays => Self::leaf(Leaf::Mixed),
            (Leaf::Null, leaf) | (leaf, Leaf::Null) => joined(leaf),
            (left, right) if left == right => joined(left),
            (Leaf::Int64, Leaf::Float64) | (Leaf::Float64, Leaf::Int64)
                if !self.wide && !other.wide =>
            {
                joined(Leaf::Float64)
            }
            _ => Self::leaf(Leaf::Mixed),
        }
    }

    fn put_type(self, limits: Limits, into: &mut Vec<u8>) {
        into.extend(std::iter::repeat_n(ARRAY, self.arrays + 1));
        let scalar = match self.leaf {
            Leaf::Nothing | Leaf::Null | Leaf::String => STRING,
            Leaf::Bool => BOOL,
            Leaf::Int64 => INT64,
            Leaf::UInt64 => UINT64,
            Leaf::Float64 => FLOAT64,
            Leaf::Object => {
                if self.null {
                    into.push(NULLABLE);
                }
                return put_object_type(limits.nested(), into);
            }
            Leaf::Mixed => return into.extend_from_slice(&[DYNAMIC, Limits::DEFAULT.types]),
        };
        into.extend_from_slice(&[NULLABLE, scalar]);
    }
}

fn put_object_type(limits: Limits, into: &mut Vec<u8>) {
    into.extend_from_slice(&[JSON, 0]);
    put_length(limits.paths, into);
    // No typed paths, no skipped paths, no skipped patterns.
    into.extend_from_slice(&[limits.types, 0, 0, 0]);
}

fn put_number(number: Number, into: &mut Vec<u8>) {
    match number {
        Number::Signed(value) => into.extend_from_slice(&value.to_le_bytes()),
        Number::Unsigned(value) => into.extend_from_slice(&value.to_le_bytes()),
        Number::Float(value) => into.extend_from_slice(&value.to_le_bytes()),
    }
}

/// A member of an object: ranges of its path and of its value in the buffer it is encoded into.
#[derive(Clone, Debug)]
struct Member {
    path: Range<usize>,
    value: Range<usize>,
}

/// The members of objects on their way from the order of the text into the order of their paths.
///
/// A path that stands twice (`{"a.b":1,"a":{"b":2}}`), which ClickHouse refuses, is kept as `_misfit.a.b`.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// Of all objects around the current one, then of the current one.
    members: Vec<Member>,
    /// Names of the objects around the current value, joined by dots.
    path: Vec<u8>,
}

impl Members {
    /// Appends a value with its type. Objects in it go through `self`.
    pub(super) fn put_value(&mut self, value: Packed<'_>, limits: Limits, into: &mut Vec<u8>) {
        match value.kind() {
            PackedKind::Null => into.push(NOTHING),
            PackedKind::Bool(flag) => into.extend_from_slice(&[BOOL, u8::from(flag)]),
            PackedKind::Number(number) => {
                into.push(match number {
                    Number::Signed(_) => INT64,
                    Number::Unsigned(_) => UINT64,
                    Number::Float(_) => FLOAT64,
                });
                put_number(number, into);
            }
            PackedKind::Text(text) => {
                into.push(STRING);
                put_text(text, into);
            }
            PackedKind::Array => {
                let shape = Shape::of_items(value);
                shape.put_type(limits, into);
                self.put_items(value, shape, limits.nested(), into);
            }
            PackedKind::Object => {
                put_object_type(limits, into);
                self.put_object(value, limits, into);
            }
        }
    }

    fn put_items(&mut self, array: Packed<'_>, shape: Shape, limits: Limits, into: &mut Vec<u8>) {
        put_length(array.len(), into);
        for item in array.items() {
            if shape.arrays > 0 {
                let inner = Shape {
                    arrays: shape.arrays - 1,
                    ..shape
                };
                self.put_items(item, inner, limits, into);
                continue;
            }
            match (shape.leaf, item.kind()) {
                (Leaf::Mixed, _) => self.put_value(item, Limits::DEFAULT, into),
                (_, PackedKind::Null) => into.push(1),
                (Leaf::Float64, _) => {
                    into.push(0);
                    put_number(
                        Number::Float(item.as_number().map_or(0.0, Number::to_f64)),
                        into,
                    );
                }
                (_, PackedKind::Bool(flag)) => into.extend_from_slice(&[0, u8::from(flag)]),
                (_, PackedKind::Number(number)) => {
                    into.push(0);
                    put_number(number, into);
                }
                (_, PackedKind::Text(text)) => {
                    into.push(0);
                    put_text(text, into);
                }
                (_, PackedKind::Object | PackedKind::Array) => {
                    if shape.null {
                        into.push(0);
                    }
                    self.put_object(item, limits, into);
                }
            }
        }
    }

    /// Appends an object's members without its type.
    fn put_object(&mut self, object: Packed<'_>, limits: Limits, into: &mut Vec<u8>) {
        let (first, outer_path, start) = (self.members.len(), self.path.len(), into.len());
        self.put_members(object, outer_path, limits, into);
        self.finish(first, into);
        let end = into.len();
        put_length(self.members.len() - first, into);
        for member in self.members.drain(first..) {
            put_length(member.path.len(), into);
            into.extend_from_within(member.path);
            into.extend_from_within(member.value);
        }
        into.copy_within(end.., start);
        into.truncate(into.len() - (end - start));
    }

    fn put_members(
        &mut self,
        object: Packed<'_>,
        outer_path: usize,
        limits: Limits,
        into: &mut Vec<u8>,
    ) {
        for (name, value) in object.members() {
            let path_end = self.enter(name.text, outer_path);
            match value.kind() {
                PackedKind::Null => {}
                PackedKind::Object => self.put_members(value, outer_path, limits, into),
                _ => {
                    self.begin(outer_path, into);
                    self.put_value(value, limits, into);
                    self.end(into);
                }
            }
            self.path.truncate(path_end);
        }
    }

    /// Adds a name to the path; returns the length to truncate it to afterwards.
    pub(super) fn enter(&mut self, name: &[u8], outer_path: usize) -> usize {
        let end = self.path.len();
        if end > outer_path {
            self.path.push(b'.');
        }
        self.path.extend_from_slice(name);
        end
    }

    /// Leaves a name again.
    pub(super) fn leave(&mut self, path_end: usize) {
        self.path.truncate(path_end);
    }

    /// The path of the current value.
    pub(super) fn path(&self) -> &[u8] {
        &self.path
    }

    /// Puts what cannot stand at its path under the path of misfits.
    pub(super) fn put_misfit(&mut self, value: Packed<'_>, limits: Limits, into: &mut Vec<u8>) {
        let start = into.len();
        into.extend_from_slice(MISFIT.as_bytes());
        if !self.path.is_empty() {
            into.push(b'.');
            into.extend_from_slice(&self.path);
        }
        self.open(start, into);
        self.put_value(value, limits, into);
        self.end(into);
    }

    /// Begins a member at the current path.
    pub(super) fn begin(&mut self, outer_path: usize, into: &mut Vec<u8>) {
        let start = into.len();
        into.extend_from_slice(&self.path[outer_path..]);
        self.open(start, into);
    }

    fn open(&mut self, path_start: usize, into: &[u8]) {
        let end = into.len();
        // Pending: its value starts here. Objects inside it come after it and are gone when it ends.
        self.members.push(Member {
            path: path_start..end,
            value: end..end,
        });
    }

    /// Ends the member that was begun last.
    pub(super) fn end(&mut self, into: &[u8]) {
        if let Some(member) = self.members.last_mut() {
            member.value.end = into.len();
        }
    }

    /// Sorts the members from `first` on by path and gives every one a path of its own.
    fn finish(&mut self, first: usize, into: &mut Vec<u8>) {
        loop {
            let members = &mut self.members[first..];
            // Stable: of two equal paths the one that came first in the text keeps it.
            members.sort_by(|left, right| into[left.path.clone()].cmp(&into[right.path.clone()]));
            let repeated = (1..members.len()).rfind(|index| {
                into[members[*index].path.clone()] == into[members[index - 1].path.clone()]
            });
            let Some(repeated) = repeated else { return };
            let member = &mut members[repeated];
            let start = into.len();
            into.extend_from_slice(MISFIT.as_bytes());
            into.push(b'.');
            into.extend_from_within(member.path.clone());
            member.path = start..into.len();
        }
    }

    /// Hands the sorted members (path, value) of the row in `from` to `take`, and forgets them.
    pub(super) fn drain_row(&mut self, from: &mut Vec<u8>, mut take: impl FnMut(&[u8], &[u8])) {
        self.finish(0, from);
        for member in self.members.drain(..) {
            take(&from[member.path], &from[member.value]);
        }
        from.clear();
    }
}
