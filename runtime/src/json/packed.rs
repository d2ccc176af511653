//! A decoded value put away: bytes of its own that are walked as they are, so that a payload is parsed once on its
//! way from a record into a column.
//!
//! ```text
//! null 0 | false 1 | true 2 | i32 3 | i64 4 | u64 5 | f64 6
//! text 7, length, bytes | array 8, bytes, count, items | object 9, bytes, count, then name and value each
//! name: its number among the names plus one; or 0, length, bytes
//! ```
//! Numbers that are values are little-endian, which costs a few bytes and no loop; lengths, counts and numbers of
//! names are LEB128: seven bits a byte, lowest first. The bytes of an array or object are a `u32`; no record is
//! larger. Records of a topic repeat a few names, which [`super::names`] keeps once a column: a packed payload is
//! about a third of its text.
use super::names::Names;
use super::{Json, Kind, Number, write};

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const SMALL: u8 = 3;
const SIGNED: u8 = 4;
const UNSIGNED: u8 = 5;
const FLOAT: u8 = 6;
const TEXT: u8 = 7;
const ARRAY: u8 = 8;
const OBJECT: u8 = 9;

/// Bytes of a tag and the size of an array or object.
const HEAD: usize = 5;

/// A packed value, and the names that its members refer to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packed<'t> {
    bytes: &'t [u8],
    names: &'t Names,
    /// Read once, when it is known where the value begins.
    kind: PackedKind<'t>,
}

/// What a packed value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum PackedKind<'t> {
    Null,
    Bool(bool),
    Number(Number),
    /// UTF-8.
    Text(&'t [u8]),
    Array,
    Object,
}

/// A member's name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'t> {
    /// UTF-8.
    pub(crate) text: &'t [u8],
    /// Its number in the column, where it has one.
    pub(crate) number: Option<usize>,
}

impl Json<'_> {
    /// Appends the value in packed form.
    pub(crate) fn pack_to(self, names: &mut Names, out: &mut Vec<u8>) {
        match self.kind() {
            Kind::Null => out.push(NULL),
            Kind::Bool(value) => out.push(if value { TRUE } else { FALSE }),
            Kind::Number(Number::Signed(value)) => match i32::try_from(value) {
                Ok(value) => put(SMALL, value.to_le_bytes(), out),
                Err(_) => put(SIGNED, value.to_le_bytes(), out),
            },
            Kind::Number(Number::Unsigned(value)) => put(UNSIGNED, value.to_le_bytes(), out),
            Kind::Number(Number::Float(value)) => put(FLOAT, value.to_le_bytes(), out),
            Kind::String(text) => {
                out.push(TEXT);
                put_text(text, out);
            }
            Kind::Array => {
                let start = begin(ARRAY, self.len(), out);
                for item in self.items() {
                    item.pack_to(names, out);
                }
                end(start, out);
            }
            Kind::Object => {
                let start = begin(OBJECT, self.len(), out);
                let mut last = None;
                for (name, value) in self.members() {
                    last = names.number(name, last);
                    match last {
                        Some(number) => put_number(number as u64 + 1, out),
                        None => {
                            out.push(0);
                            put_text(name, out);
                        }
                    }
                    value.pack_to(names, out);
                }
                end(start, out);
            }
        }
    }
}

/// Appends a tag and the bytes of a number.
#[inline]
fn put<const N: usize>(tag: u8, bytes: [u8; N], out: &mut Vec<u8>) {
    out.reserve(1 + N);
    out.push(tag);
    out.extend_from_slice(&bytes);
}

/// Appends a number as LEB128.
#[inline]
pub(crate) fn put_number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        // Truncation keeps the lowest bits, which are what is meant.
        #[allow(clippy::cast_possible_truncation)]
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    #[allow(clippy::cast_possible_truncation)]
    out.push(number as u8);
}

#[inline]
fn put_text(text: &str, out: &mut Vec<u8>) {
    put_number(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

/// Opens an array or object; returns where its size is to be filled in.
fn begin(tag: u8, count: usize, out: &mut Vec<u8>) -> usize {
    out.push(tag);
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    put_number(count as u64, out);
    start
}

/// No text that was decoded reaches 4 GiB.
fn end(start: usize, out: &mut [u8]) {
    let size = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&size.to_le_bytes());
}

/// The number that these bytes begin with, and what follows it.
#[inline]
fn take_number(bytes: &[u8]) -> (u64, &[u8]) {
    let (mut number, mut shift) = (0, 0);
    for (index, byte) in bytes.iter().enumerate() {
        number |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return (number, &bytes[index + 1..]);
        }
        shift += 7;
    }
    (number, &[])
}

/// The first `N` bytes, and what follows them.
#[inline]
fn take<const N: usize>(bytes: &[u8]) -> ([u8; N], &[u8]) {
    let (first, rest) = bytes.split_at(N);
    let mut taken = [0; N];
    taken.copy_from_slice(first);
    (taken, rest)
}

/// As [`take_number`], of a length or count, which were `usize` when they were written.
#[inline]
fn take_length(bytes: &[u8]) -> (usize, &[u8]) {
    let (number, rest) = take_number(bytes);
    (usize::try_from(number).unwrap_or(usize::MAX), rest)
}

/// The text that these bytes begin with, and what follows it.
#[inline]
fn take_text(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (length, rest) = take_length(bytes);
    rest.split_at(length)
}

#[inline]
fn size_at(bytes: &[u8], start: usize) -> usize {
    let mut size = [0; 4];
    size.copy_from_slice(&bytes[start..start + 4]);
    u32::from_le_bytes(size) as usize
}

impl<'t> Packed<'t> {
    /// The value that begins these bytes, which [`Json::pack_to`] wrote with these names; what follows it does not
    /// matter.
    #[inline]
    pub(crate) fn new(bytes: &'t [u8], names: &'t Names) -> Self {
        Self::read(bytes, names).0
    }

    /// The value that these bytes begin with, and what follows it.
    #[inline]
    fn read(bytes: &'t [u8], names: &'t Names) -> (Self, &'t [u8]) {
        let (tag, rest) = (bytes[0], &bytes[1..]);
        let (kind, rest) = match tag {
            FALSE => (PackedKind::Bool(false), rest),
            TRUE => (PackedKind::Bool(true), rest),
            SMALL => {
                let (bytes, rest) = take(rest);
                let number = Number::Signed(i32::from_le_bytes(bytes).into());
                (PackedKind::Number(number), rest)
            }
            SIGNED => {
                let (bytes, rest) = take(rest);
                let number = Number::Signed(i64::from_le_bytes(bytes));
                (PackedKind::Number(number), rest)
            }
            UNSIGNED => {
                let (bytes, rest) = take(rest);
                let number = Number::Unsigned(u64::from_le_bytes(bytes));
                (PackedKind::Number(number), rest)
            }
            FLOAT => {
                let (bytes, rest) = take(rest);
                let number = Number::Float(f64::from_le_bytes(bytes));
                (PackedKind::Number(number), rest)
            }
            TEXT => {
                let (text, rest) = take_text(rest);
                (PackedKind::Text(text), rest)
            }
            ARRAY => (PackedKind::Array, &bytes[HEAD + size_at(bytes, 1)..]),
            OBJECT => (PackedKind::Object, &bytes[HEAD + size_at(bytes, 1)..]),
            _ => (PackedKind::Null, rest),
        };
        (Self { bytes, names, kind }, rest)
    }

    /// What it is.
    #[inline]
    pub(crate) fn kind(self) -> PackedKind<'t> {
        self.kind
    }

    /// How many members or items; 0 for scalars.
    pub(crate) fn len(self) -> usize {
        match self.bytes[0] {
            ARRAY | OBJECT => take_length(&self.bytes[HEAD..]).0,
            _ => 0,
        }
    }

    /// What stands in an array or object.
    fn inner(self, tag: u8) -> &'t [u8] {
        if self.bytes[0] == tag {
            take_length(&self.bytes[HEAD..HEAD + size_at(self.bytes, 1)]).1
        } else {
            &[]
        }
    }

    /// Items of an array; nothing for other values.
    pub(crate) fn items(self) -> impl Iterator<Item = Packed<'t>> {
        let mut rest = self.inner(ARRAY);
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (item, others) = Self::read(rest, self.names);
            rest = others;
            Some(item)
        })
    }

    /// Members of an object in source order; nothing for other values.
    #[inline]
    pub(crate) fn members(self) -> impl Iterator<Item = (Name<'t>, Packed<'t>)> {
        let mut rest = self.inner(OBJECT);
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (name, values) = match take_length(rest) {
                (0, rest) => {
                    let (text, values) = take_text(rest);
                    (Name { text, number: None }, values)
                }
                (number, values) => {
                    let number = number - 1;
                    let text = self.names.get(number);
                    let number = Some(number);
                    (Name { text, number }, values)
                }
            };
            let (value, others) = Self::read(values, self.names);
            rest = others;
            Some((name, value))
        })
    }

    /// A number.
    #[inline]
    pub(crate) fn as_number(self) -> Option<Number> {
        match self.kind() {
            PackedKind::Number(number) => Some(number),
            _ => None,
        }
    }

    /// A boolean.
    #[inline]
    pub(crate) fn as_bool(self) -> Option<bool> {
        match self.kind() {
            PackedKind::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// Appends the value as compact JSON text; member order is kept.
    pub(crate) fn write_to(self, out: &mut Vec<u8>) {
        match self.kind() {
            PackedKind::Null => out.extend_from_slice(b"null"),
            PackedKind::Bool(true) => out.extend_from_slice(b"true"),
            PackedKind::Bool(false) => out.extend_from_slice(b"false"),
            PackedKind::Number(number) => write::write_number(number, out),
            PackedKind::Text(text) => write::write_string(text, out),
            PackedKind::Array => write::write_array(self.items(), Self::write_to, out),
            PackedKind::Object => {
                let members = self.members().map(|(name, value)| (name.text, value));
                write::write_object(members, Self::write_to, out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::Decoder;

    /// Text to packed to text.
    fn there_and_back(text: &str) -> String {
        let (mut names, mut packed) = (Names::default(), Vec::new());
        // Twice: the second time the names have numbers.
        let mut start = 0;
        for _ in 0..2 {
            start = packed.len();
            Decoder::default()
                .decode(text.as_bytes(), |json| {
                    json.pack_to(&mut names, &mut packed)
                })
                .expect("JSON");
        }
        packed.extend_from_slice(b"what follows");
        let mut out = Vec::new();
        Packed::new(&packed[start..], &names).write_to(&mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn values_come_back() {
        for text in [
            "null",
            "true",
            "false",
            "0",
            "-9223372036854775808",
            "18446744073709551615",
            "-1",
            "-64",
            "64",
            "300",
            "9223372036854775807",
            "1.5",
            "1e300",
            r#""""#,
            r#""a\"\\\n\u0001é😀""#,
            "[]",
            "{}",
            r#"[1,[2,[]],{"a":{}},null]"#,
            r#"{"":{"a.b":[{"c":1},{"c":null}]},"z":"","é":false}"#,
        ] {
            assert_eq!(there_and_back(text), text);
        }
    }

    #[test]
    fn counts_and_members() {
        let (mut names, mut packed) = (Names::default(), Vec::new());
        Decoder::default()
            .decode(br#"{"a":[1,2,3],"b":"x"}"#, |json| {
                json.pack_to(&mut names, &mut packed);
            })
            .expect("JSON");
        let object = Packed::new(&packed, &names);
        assert_eq!(object.len(), 2);
        assert_eq!(object.items().count(), 0);
        let members: Vec<_> = object.members().collect();
        assert_eq!(members[0].0.text, b"a");
        assert_eq!(members[1].0.number, Some(1));
        assert_eq!(members[0].1.len(), 3);
        assert_eq!(
            members[0].1.items().nth(2).and_then(Packed::as_number),
            Some(Number::Signed(3))
        );
        assert_eq!(members[1].1.kind(), PackedKind::Text(b"x"));
        assert_eq!(members[1].1.len(), 0);
    }

    fn any_value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<u64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::hash_map(any::<String>(), inner, 0..6).prop_map(|members| {
                    members
                        .into_iter()
                        .collect::<serde_json::Map<_, _>>()
                        .into()
                }),
            ]
        })
    }

    proptest! {
        /// Packing loses nothing that the text has.
        #[test]
        fn any_value_comes_back(value in any_value()) {
            let mut text = Vec::new();
            Decoder::default()
                .decode(value.to_string().as_bytes(), |json| json.write_to(&mut text))
                .expect("JSON");
            let text = String::from_utf8(text).expect("UTF-8");
            prop_assert_eq!(there_and_back(&text), text);
        }
    }
}
