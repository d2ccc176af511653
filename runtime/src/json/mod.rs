//! JSON text as a borrowed, flat tree: no allocation in steady state, never a `Value`.
//!
//! [`Decoder`] owns the buffers; [`Json`] is a copyable cursor into one decoded text. Strings are
//! borrowed, unescaped in place. Duplicate keys and nesting beyond [`MAX_DEPTH`] are errors, so what
//! passes means one thing only.
mod decode;
mod foreseen;
pub(crate) mod names;
pub(crate) mod packed;
mod typed;
mod wide;
mod write;

pub use decode::{DecodeError, Decoder};
pub use typed::TypedError;

use simd_json::StaticNode;
use simd_json::tape::Node;

/// Deepest nesting of objects and arrays that is read.
pub const MAX_DEPTH: usize = 128;

/// A JSON value inside a decoded text.
#[derive(Clone, Copy, Debug)]
pub struct Json<'t> {
    // The value's own nodes, first node first.
    nodes: &'t [Node<'t>],
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind<'t> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text, unescaped.
    String(&'t str),
    /// An array.
    Array,
    /// An object.
    Object,
}

/// A number as written: an integer that fits 64 bits, or a float.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Below zero, or up to `i64::MAX`.
    Signed(i64),
    /// Above `i64::MAX`.
    Unsigned(u64),
    /// Written with a fraction or exponent, or beyond 64 bits; what is whole and fits 64 bits is never rounded.
    Float(f64),
}

/// A value to be kept as compact text, with that text where it is known.
#[derive(Clone, Copy, Debug)]
pub struct Compact<'t> {
    pub(crate) value: Json<'t>,
    pub(crate) text: Option<&'t str>,
}

impl<'t> From<Json<'t>> for Compact<'t> {
    fn from(value: Json<'t>) -> Self {
        Self { value, text: None }
    }
}

impl<'t> Json<'t> {
    #[inline]
    pub(crate) fn new(nodes: &'t [Node<'t>]) -> Self {
        Self {
            nodes: &nodes[..width(nodes)],
        }
    }

    /// Lends a text as a value, for checks that see names as texts (`propertyNames`).
    pub fn with_text<R>(text: &str, visit: impl FnOnce(Json<'_>) -> R) -> R {
        visit(Json::new(&[Node::String(text)]))
    }

    /// Lends an object as it would be with one more member, a text, at its end.
    pub(crate) fn with_member<R>(
        self,
        name: &str,
        text: &str,
        visit: impl FnOnce(Json<'_>) -> R,
    ) -> R {
        let mut nodes: Vec<Node<'_>> = Vec::with_capacity(self.nodes.len() + 2);
        nodes.extend_from_slice(self.nodes);
        if let Some(Node::Object { len, count }) = nodes.first_mut() {
            *len += 1;
            *count += 2;
            nodes.push(Node::String(name));
            nodes.push(Node::String(text));
        }
        visit(Json::new(&nodes))
    }

    /// What this value is.
    #[must_use]
    #[inline]
    pub fn kind(self) -> Kind<'t> {
        match self.nodes[0] {
            Node::String(text) => Kind::String(text),
            Node::Object { .. } => Kind::Object,
            Node::Array { .. } => Kind::Array,
            Node::Static(StaticNode::Null) => Kind::Null,
            Node::Static(StaticNode::Bool(value)) => Kind::Bool(value),
            Node::Static(StaticNode::I64(value)) => Kind::Number(Number::Signed(value)),
            Node::Static(StaticNode::U64(value)) => Kind::Number(match i64::try_from(value) {
                Ok(value) => Number::Signed(value),
                Err(_) => Number::Unsigned(value),
            }),
            Node::Static(StaticNode::F64(value)) => Kind::Number(Number::Float(value)),
        }
    }

    /// Members of an object in source order; nothing for other values.
    #[must_use]
    #[inline]
    pub fn members(self) -> Members<'t> {
        match self.nodes[0] {
            Node::Object { .. } => Members {
                rest: &self.nodes[1..],
            },
            _ => Members { rest: &[] },
        }
    }

    /// Items of an array; nothing for other values.
    #[must_use]
    #[inline]
    pub fn items(self) -> Items<'t> {
        match self.nodes[0] {
            Node::Array { .. } => Items {
                rest: &self.nodes[1..],
            },
            _ => Items { rest: &[] },
        }
    }

    /// How many members or items; 0 for scalars.
    #[must_use]
    #[inline]
    pub fn len(self) -> usize {
        match self.nodes[0] {
            Node::Object { len, .. } | Node::Array { len, .. } => len,
            Node::String(_) | Node::Static(_) => 0,
        }
    }

    /// Whether there are no members or items.
    #[must_use]
    #[inline]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// An object's member.
    #[must_use]
    #[inline]
    pub fn get(self, name: &str) -> Option<Json<'t>> {
        self.members()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// The value behind a path of member names; generated code resolves its pointers to such paths.
    #[must_use]
    #[inline]
    pub fn at(self, path: &[&str]) -> Option<Json<'t>> {
        path.iter().try_fold(self, |value, name| value.get(name))
    }

    /// The text of a string.
    #[must_use]
    #[inline]
    pub fn as_str(self) -> Option<&'t str> {
        match self.nodes[0] {
            Node::String(text) => Some(text),
            _ => None,
        }
    }

    /// A boolean.
    #[must_use]
    #[inline]
    pub fn as_bool(self) -> Option<bool> {
        match self.nodes[0] {
            Node::Static(StaticNode::Bool(value)) => Some(value),
            _ => None,
        }
    }

    /// A number.
    #[must_use]
    #[inline]
    pub fn as_number(self) -> Option<Number> {
        match self.kind() {
            Kind::Number(number) => Some(number),
            _ => None,
        }
    }

    /// An integer (1.0 counts) that fits `i64`.
    #[must_use]
    #[inline]
    pub fn as_i64(self) -> Option<i64> {
        self.as_number().and_then(Number::to_i64)
    }

    /// An integer (1.0 counts) that fits `u64`.
    #[must_use]
    #[inline]
    pub fn as_u64(self) -> Option<u64> {
        self.as_number().and_then(Number::to_u64)
    }

    /// A number as a float, rounded where it has more than 53 significant bits.
    #[must_use]
    #[inline]
    pub fn as_f64(self) -> Option<f64> {
        self.as_number().map(Number::to_f64)
    }
}

impl Number {
    /// The integer, where it is one and fits.
    #[must_use]
    #[inline]
    pub fn to_i64(self) -> Option<i64> {
        match self {
            Self::Signed(value) => Some(value),
            Self::Unsigned(_) => None,
            #[allow(clippy::cast_possible_truncation)]
            Self::Float(value) => (value.fract() == 0.0
                && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value))
            .then_some(value as i64),
        }
    }

    /// The integer, where it is one and fits.
    #[must_use]
    #[inline]
    pub fn to_u64(self) -> Option<u64> {
        match self {
            Self::Signed(value) => u64::try_from(value).ok(),
            Self::Unsigned(value) => Some(value),
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Self::Float(value) => (value.fract() == 0.0
                && (0.0..18_446_744_073_709_551_616.0).contains(&value))
            .then_some(value as u64),
        }
    }

    /// As a float, rounded where it has more than 53 significant bits.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    #[inline]
    pub fn to_f64(self) -> f64 {
        match self {
            Self::Signed(value) => value as f64,
            Self::Unsigned(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    /// Whether the fractional part is zero.
    #[must_use]
    #[inline]
    pub fn is_integer(self) -> bool {
        match self {
            Self::Signed(_) | Self::Unsigned(_) => true,
            Self::Float(value) => value.fract() == 0.0,
        }
    }
}

/// Reads a member that is there, null or not; serde alone takes null for absent. Generated types read members with it
/// that may be either.
///
/// # Errors
/// As the value's own type.
pub fn present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: serde::Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// How many nodes the first value of `nodes` takes.
#[inline]
fn width(nodes: &[Node<'_>]) -> usize {
    match nodes[0] {
        Node::Object { count, .. } | Node::Array { count, .. } => count + 1,
        Node::String(_) | Node::Static(_) => 1,
    }
}

/// Members of an object.
#[derive(Clone, Debug)]
pub struct Members<'t> {
    rest: &'t [Node<'t>],
}

impl<'t> Iterator for Members<'t> {
    type Item = (&'t str, Json<'t>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (Node::String(name), values) = self.rest.split_first()? else {
            return None;
        };
        let value = Json::new(values);
        self.rest = &values[value.nodes.len()..];
        Some((name, value))
    }
}

/// Items of an array.
#[derive(Clone, Debug)]
pub struct Items<'t> {
    rest: &'t [Node<'t>],
}

impl<'t> Iterator for Items<'t> {
    type Item = Json<'t>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let value = Json::new(self.rest);
        self.rest = &self.rest[value.nodes.len()..];
        Some(value)
    }
}
