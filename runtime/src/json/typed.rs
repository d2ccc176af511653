//! A decoded value into a typed payload through serde, reading 1.0 as an integer as JSON Schema does.
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::{Items, Json, Kind, Members, Number};

/// A checked value that does not fit its type; a defect of the generated code, as checks come first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TypedError(String);

impl serde::de::Error for TypedError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl<'t> Json<'t> {
    /// The value as a `T`, borrowing its strings.
    ///
    /// # Errors
    /// The value does not fit `T`.
    pub fn to_typed<T: serde::Deserialize<'t>>(self) -> Result<T, TypedError> {
        T::deserialize(self)
    }
}

macro_rules! integers {
    ($($name:ident)*) => {$(
        fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypedError> {
            match self.as_number() {
                Some(Number::Float(_)) => match (self.as_i64(), self.as_u64()) {
                    (Some(value), _) => visitor.visit_i64(value),
                    (None, Some(value)) => visitor.visit_u64(value),
                    (None, None) => self.deserialize_any(visitor),
                },
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Json<'de> {
    type Error = TypedError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypedError> {
        match self.kind() {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool(value) => visitor.visit_bool(value),
            Kind::Number(Number::Signed(value)) => visitor.visit_i64(value),
            Kind::Number(Number::Unsigned(value)) => visitor.visit_u64(value),
            Kind::Number(Number::Float(value)) => visitor.visit_f64(value),
            Kind::String(text) => visitor.visit_borrowed_str(text),
            Kind::Array => visitor.visit_seq(ItemAccess(self.items())),
            Kind::Object => visitor.visit_map(Entries {
                members: self.members(),
                value: None,
            }),
        }
    }

    integers! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
    deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypedError> {
        match self.kind() {
            Kind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, TypedError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypedError> {
        let (name, value) = match self.kind() {
            Kind::String(name) => (name, None),
            _ => match self.members().next() {
                Some((name, value)) if self.len() == 1 => (name, Some(value)),
                _ => return Err(TypedError("expected a variant's name".to_owned())),
            },
        };
        visitor.visit_enum(Variant { name, value })
    }

    forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

struct ItemAccess<'t>(Items<'t>);

impl<'t> SeqAccess<'t> for ItemAccess<'t> {
    type Error = TypedError;

    fn next_element_seed<T: DeserializeSeed<'t>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, TypedError> {
        self.0.next().map(|item| seed.deserialize(item)).transpose()
    }
}

struct Entries<'t> {
    members: Members<'t>,
    value: Option<Json<'t>>,
}

impl<'t> MapAccess<'t> for Entries<'t> {
    type Error = TypedError;

    fn next_key_seed<K: DeserializeSeed<'t>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, TypedError> {
        let Some((name, value)) = self.members.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        seed.deserialize(serde::de::value::BorrowedStrDeserializer::new(name))
            .map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'t>>(&mut self, seed: T) -> Result<T::Value, TypedError> {
        match self.value.take() {
            Some(value) => seed.deserialize(value),
            None => Err(TypedError(
                "a member's value was asked for before its name".to_owned(),
            )),
        }
    }
}

struct Variant<'t> {
    name: &'t str,
    value: Option<Json<'t>>,
}

impl<'t> EnumAccess<'t> for Variant<'t> {
    type Error = TypedError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'t>>(self, seed: V) -> Result<(V::Value, Self), TypedError> {
        let name = StrDeserializer::new(self.name);
        seed.deserialize(name).map(|variant| (variant, self))
    }
}

impl<'t> VariantAccess<'t> for Variant<'t> {
    type Error = TypedError;

    fn unit_variant(self) -> Result<(), TypedError> {
        match self.value {
            None => Ok(()),
            Some(_) => Err(TypedError("expected a variant without a value".to_owned())),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'t>>(self, seed: T) -> Result<T::Value, TypedError> {
        match self.value {
            Some(value) => seed.deserialize(value),
            None => Err(TypedError("expected a variant with a value".to_owned())),
        }
    }

    fn tuple_variant<V: Visitor<'t>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, TypedError> {
        match self.value {
            Some(value) => value.deserialize_any(visitor),
            None => Err(TypedError("expected a variant with a value".to_owned())),
        }
    }

    fn struct_variant<V: Visitor<'t>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypedError> {
        match self.value {
            Some(value) => value.deserialize_any(visitor),
            None => Err(TypedError("expected a variant with a value".to_owned())),
        }
    }
}
