//! A decoded value back to compact text.
use super::{Json, Kind, Number};

impl Json<'_> {
    /// Appends the value as compact JSON text; member order is kept.
    pub fn write_to(self, out: &mut Vec<u8>) {
        match self.kind() {
            Kind::Null => out.extend_from_slice(b"null"),
            Kind::Bool(true) => out.extend_from_slice(b"true"),
            Kind::Bool(false) => out.extend_from_slice(b"false"),
            Kind::Number(number) => write_number(number, out),
            Kind::String(text) => write_string(text.as_bytes(), out),
            Kind::Array => write_array(self.items(), Json::write_to, out),
            Kind::Object => {
                let members = self.members().map(|(name, value)| (name.as_bytes(), value));
                write_object(members, Json::write_to, out);
            }
        }
    }

    /// The value as a document, for tools and error reports; never on the hot path.
    #[must_use]
    pub fn to_value(self) -> serde_json::Value {
        let mut text = Vec::new();
        self.write_to(&mut text);
        serde_json::from_slice(&text).unwrap_or_default()
    }
}

/// Appends an array whose items `write` appends.
pub(super) fn write_array<V>(
    items: impl Iterator<Item = V>,
    write: impl Fn(V, &mut Vec<u8>),
    out: &mut Vec<u8>,
) {
    out.push(b'[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

/// Appends an object; names are UTF-8, and `write` appends the values.
pub(super) fn write_object<'t, V>(
    members: impl Iterator<Item = (&'t [u8], V)>,
    write: impl Fn(V, &mut Vec<u8>),
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    for (index, (name, value)) in members.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(name, out);
        out.push(b':');
        write(value, out);
    }
    out.push(b'}');
}

pub(super) fn write_number(number: Number, out: &mut Vec<u8>) {
    use std::io::Write as _;
    let mut buffer = itoa::Buffer::new();
    match number {
        Number::Signed(value) => out.extend_from_slice(buffer.format(value).as_bytes()),
        Number::Unsigned(value) => out.extend_from_slice(buffer.format(value).as_bytes()),
        // Debug keeps the `.0` and the exponent form that JSON also reads. Writing to a Vec cannot fail.
        Number::Float(value) => {
            let _ = write!(out, "{value:?}");
        }
    }
}

/// Appends a text, which is UTF-8, with its quotes.
pub(super) fn write_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let is_special = |byte: &u8| u8::from(*byte < b' ') | u8::from(matches!(byte, b'"' | b'\\'));
    if text.iter().fold(0, |found, byte| found | is_special(byte)) == 0 {
        out.extend_from_slice(text);
        out.push(b'"');
        return;
    }
    let mut plain = 0;
    for (index, byte) in text.iter().copied().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..=0x1f => b"",
            _ => continue,
        };
        out.extend_from_slice(&text[plain..index]);
        if escape.is_empty() {
            let hex = b"0123456789abcdef";
            out.extend_from_slice(&[
                b'\\',
                b'u',
                b'0',
                b'0',
                hex[usize::from(byte >> 4)],
                hex[usize::from(byte & 15)],
            ]);
        } else {
            out.extend_from_slice(escape);
        }
        plain = index + 1;
    }
    out.extend_from_slice(&text[plain..]);
    out.push(b'"');
}
