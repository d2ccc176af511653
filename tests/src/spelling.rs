//! JSON texts of one value in many spellings, damaged texts, and a strict reading of them by plain serde.
use std::fmt;

use fastrand::Rng;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Writes a value, its numbers, texts and gaps in one of the ways that JSON allows.
#[must_use]
pub fn spelled(value: &Value, rng: &mut Rng) -> Vec<u8> {
    if rng.u8(0..4) > 0 {
        return value.to_string().into_bytes();
    }
    let mut text = String::new();
    write(value, rng, &mut text);
    text.into_bytes()
}

fn write(value: &Value, rng: &mut Rng, out: &mut String) {
    gap(rng, out);
    match value {
        Value::Number(number) => out.push_str(&number_text(number, rng)),
        Value::String(text) => write_text(text, rng, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write(item, rng, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                gap(rng, out);
                write_text(name, rng, out);
                gap(rng, out);
                out.push(':');
                write(member, rng, out);
            }
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
    gap(rng, out);
}

fn gap(rng: &mut Rng, out: &mut String) {
    if rng.u8(0..8) == 0 {
        out.push_str(
            [
                " ",
                "\n",
                "\t\r\n",
                "                                                                  ",
            ][rng.usize(0..4)],
        );
    }
}

fn number_text(number: &Number, rng: &mut Rng) -> String {
    let plain = number.to_string();
    if plain.contains(['e', '.']) {
        return plain;
    }
    match rng.u8(0..8) {
        0 => format!("{plain}.0"),
        1 => format!("{plain}.000000000000000000000000000000"),
        2 => format!("{plain}e0"),
        3 => format!("{plain}0E-1"),
        4 => format!("{plain}.5"),
        5 if plain == "0" => "-0".to_owned(),
        _ => plain,
    }
}

fn write_text(text: &str, rng: &mut Rng, out: &mut String) {
    let escapes = rng.u8(0..4);
    out.push('"');
    for character in text.chars() {
        if escapes == 0 && rng.bool() || matches!(character, '"' | '\\' | '\0'..='\u{1f}') {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(character);
        }
    }
    out.push('"');
}

/// Damages a text so that most readers, but not all, notice.
pub fn damage(text: &mut Vec<u8>, rng: &mut Rng) {
    let index = rng.usize(0..text.len().max(1)).min(text.len());
    let parts: [&[u8]; 14] = [
        b"\xff",
        b"\xed\xa0\x80",
        b"\\ud800",
        b"\\u12",
        b"\0",
        b"00",
        b"-",
        b"+",
        b",",
        b"}",
        b"]",
        b"\"",
        b"/**/",
        b"\xc0\xaf",
    ];
    let part = parts[rng.usize(0..parts.len())];
    match rng.u8(0..8) {
        0 => text.truncate(index),
        1 => drop(text.splice(0..0, *b"\xef\xbb\xbf")),
        2 => text.extend_from_slice([&b" {}"[..], b"x", b"\0", b",", b"null"][rng.usize(0..5)]),
        3 => double_a_member(text, rng),
        4 if index < text.len() => text[index] = rng.u8(..),
        5 if index < text.len() => drop(text.remove(index)),
        _ => drop(text.splice(index..index, part.iter().copied())),
    }
}

/// The text's first or last member of an object a second time.
fn double_a_member(text: &mut Vec<u8>, rng: &mut Rng) {
    let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(text) else {
        return;
    };
    let Some((name, value)) = members.iter().nth(rng.usize(0..members.len().max(1))) else {
        return;
    };
    // The name may be spelled otherwise: it is the same name.
    let mut member = String::new();
    write_text(name, rng, &mut member);
    member.push_str(&format!(":{value}"));
    let Some(end) = text.iter().rposition(|byte| *byte == b'}') else {
        return;
    };
    text.splice(end..end, format!(",{member}").into_bytes());
}

/// Reads a text that means one thing only: JSON in UTF-8 in which no name stands twice in one object.
#[must_use]
pub fn read(text: &[u8]) -> Option<Value> {
    serde_json::from_slice::<Strict>(text)
        .ok()
        .map(|strict| strict.0)
}

/// A value without repeated names.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some((name, Strict(member))) = members.next_entry::<String, Strict>()? {
            if all.insert(name, member).is_some() {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(Value::Object(all))
    }
}
