//! A decoded value put away: bytes of its own that are walked as they are, so that a payload is parsed once on its
//! way from a record into a column.
//!
//! ```text
//! null 0 | false 1 | true 2 | i64 3 | u64 4 | f64 5 (little-endian, 8 bytes)
//! text 6, length, bytes | array 7, bytes, count, items | object 8, bytes, count, then length, name and value each
//! ```
//! Lengths, counts and bytes are `u32`; no record is larger.
use super::{Json, Kind, Number, write};

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const SIGNED: u8 = 3;
const UNSIGNED: u8 = 4;
const FLOAT: u8 = 5;
const TEXT: u8 = 6;
const ARRAY: u8 = 7;
const OBJECT: u8 = 8;

/// Bytes of a tag and a length.
const HEAD: usize = 5;

/// A packed value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packed<'t>(&'t [u8]);

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

impl Json<'_> {
    /// Appends the value in packed form.
    pub(crate) fn pack_to(self, out: &mut Vec<u8>) {
        match self.kind() {
            Kind::Null => out.push(NULL),
            Kind::Bool(value) => out.push(if value { TRUE } else { FALSE }),
            Kind::Number(Number::Signed(value)) => put(out, SIGNED, value.to_le_bytes()),
            Kind::Number(Number::Unsigned(value)) => put(out, UNSIGNED, value.to_le_bytes()),
            Kind::Number(Number::Float(value)) => put(out, FLOAT, value.to_le_bytes()),
            Kind::String(text) => {
                out.push(TEXT);
                put_text(text, out);
            }
            Kind::Array => {
                let start = begin(ARRAY, self.len(), out);
                for item in self.items() {
                    item.pack_to(out);
                }
                end(start, out);
            }
            Kind::Object => {
                let start = begin(OBJECT, self.len(), out);
                for (name, value) in self.members() {
                    put_text(name, out);
                    value.pack_to(out);
                }
                end(start, out);
            }
        }
    }
}

#[inline]
fn put(out: &mut Vec<u8>, tag: u8, bytes: [u8; 8]) {
    let mut whole = [0; 9];
    whole[0] = tag;
    whole[1..].copy_from_slice(&bytes);
    out.extend_from_slice(&whole);
}

#[inline]
fn put_text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&length(text.len()));
    out.extend_from_slice(text.as_bytes());
}

/// No text that was decoded reaches 4 GiB.
#[inline]
fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

/// Opens an array or object; returns where its size is to be filled in.
fn begin(tag: u8, count: usize, out: &mut Vec<u8>) -> usize {
    out.push(tag);
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&length(count));
    start
}

fn end(start: usize, out: &mut [u8]) {
    let size = length(out.len() - start - 4);
    out[start..start + 4].copy_from_slice(&size);
}

#[inline]
fn number_at(bytes: &[u8], start: usize) -> [u8; 8] {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[start..start + 8]);
    number
}

#[inline]
fn length_at(bytes: &[u8], start: usize) -> usize {
    let mut length = [0; 4];
    length.copy_from_slice(&bytes[start..start + 4]);
    u32::from_le_bytes(length) as usize
}

impl<'t> Packed<'t> {
    /// The value that begins these bytes, which [`Json::pack_to`] wrote; what follows it does not matter.
    #[inline]
    pub(crate) fn new(bytes: &'t [u8]) -> Self {
        Self(bytes)
    }

    /// What it is.
    #[inline]
    pub(crate) fn kind(self) -> PackedKind<'t> {
        let bytes = self.0;
        match bytes[0] {
            FALSE => PackedKind::Bool(false),
            TRUE => PackedKind::Bool(true),
            SIGNED => PackedKind::Number(Number::Signed(i64::from_le_bytes(number_at(bytes, 1)))),
            UNSIGNED => {
                PackedKind::Number(Number::Unsigned(u64::from_le_bytes(number_at(bytes, 1))))
            }
            FLOAT => PackedKind::Number(Number::Float(f64::from_le_bytes(number_at(bytes, 1)))),
            TEXT => PackedKind::Text(&bytes[HEAD..][..length_at(bytes, 1)]),
            ARRAY => PackedKind::Array,
            OBJECT => PackedKind::Object,
            _ => PackedKind::Null,
        }
    }

    /// Bytes that it takes.
    #[inline]
    fn width(self) -> usize {
        match self.0[0] {
            SIGNED | UNSIGNED | FLOAT => 9,
            TEXT | ARRAY | OBJECT => HEAD + length_at(self.0, 1),
            _ => 1,
        }
    }

    /// How many members or items; 0 for scalars.
    pub(crate) fn len(self) -> usize {
        match self.0[0] {
            ARRAY | OBJECT => length_at(self.0, HEAD),
            _ => 0,
        }
    }

    /// What stands in an array or object.
    fn inner(self, tag: u8) -> &'t [u8] {
        if self.0[0] == tag {
            &self.0[HEAD + 4..self.width()]
        } else {
            &[]
        }
    }

    /// Items of an array; nothing for other values.
    pub(crate) fn items(self) -> impl Iterator<Item = Packed<'t>> {
        let mut rest = self.inner(ARRAY);
        std::iter::from_fn(move || {
            let item = (!rest.is_empty()).then_some(Self(rest))?;
            rest = &rest[item.width()..];
            Some(item)
        })
    }

    /// Members of an object in source order; nothing for other values. Names are UTF-8.
    #[inline]
    pub(crate) fn members(self) -> impl Iterator<Item = (&'t [u8], Packed<'t>)> {
        let mut rest = self.inner(OBJECT);
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (name, values) = rest[4..].split_at(length_at(rest, 0));
            let value = Self(values);
            rest = &values[value.width()..];
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
            PackedKind::Object => write::write_object(self.members(), Self::write_to, out),
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
        let mut packed = Vec::new();
        Decoder::default()
            .decode(text.as_bytes(), |json| json.pack_to(&mut packed))
            .expect("JSON");
        packed.extend_from_slice(b"what follows");
        let mut out = Vec::new();
        Packed::new(&packed).write_to(&mut out);
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
        let mut packed = Vec::new();
        Decoder::default()
            .decode(br#"{"a":[1,2,3],"b":"x"}"#, |json| {
                json.pack_to(&mut packed);
            })
            .expect("JSON");
        let object = Packed::new(&packed);
        assert_eq!(object.len(), 2);
        assert_eq!(object.items().count(), 0);
        let members: Vec<_> = object.members().collect();
        assert_eq!(members[0].0, b"a");
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
