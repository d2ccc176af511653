//! Conversions from one version's type to the next, where the change allows it.
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;

use super::outline::{FieldType, Payload};
use crate::registry::TopicVersion;

/// A conversion before it is printed.
#[derive(Debug)]
pub enum Conversion {
    /// Both types are around a map, which moves over.
    Whole,
    /// Each field of the newer type and where its value comes from.
    Fields(Vec<(String, Source)>),
}

/// Where a field's value comes from.
#[derive(Debug)]
pub enum Source {
    /// The older value's field, as it is.
    Field(String),
    /// The older value's field, in `Some`.
    Wrapped(String),
    /// The older value's field, where it is there in `Some`.
    Inner(String),
    /// Nothing.
    Absent,
    /// The default that the schema declares.
    Default(TokenStream),
}

/// How a payload of the older version becomes one of the newer, or why it cannot.
///
/// # Errors
/// The first field that the newer version has no value for, in words.
pub fn plan(
    older: (&TopicVersion, &Payload),
    newer: (&TopicVersion, &Payload),
) -> Result<Conversion, String> {
    // A payload type without fields is one around a map.
    match (older.1.fields.is_empty(), newer.1.fields.is_empty()) {
        (true, true) => return Ok(Conversion::Whole),
        (true, false) => {
            return Err(format!(
                "version {} declares no members, and what its map holds would be lost",
                older.0.number
            ));
        }
        (false, true) => {
            return Err(format!(
                "version {} declares no members, and those of version {} would be lost",
                newer.0.number, older.0.number
            ));
        }
        (false, false) => {}
    }
    let mut fields = Vec::new();
    for field in &newer.1.fields {
        let member = newer.0.renames.get(&field.member).unwrap_or(&field.member);
        let source = older
            .1
            .fields
            .iter()
            .find(|candidate| candidate.member == *member);
        let value = match source {
            Some(source) => convert(source, field, older.1, &newer.1.shared).ok_or_else(|| {
                format!(
                    "`{member}` changed from `{}` to `{}`",
                    source.kind, field.kind
                )
            })?,
            None if field.kind.starts_with("Option<") => Source::Absent,
            None => Source::Default(default_of(newer.0, &field.member).ok_or_else(|| {
                format!(
                    "version {} has no value for `{}`",
                    older.0.number, field.member
                )
            })?),
        };
        fields.push((field.field.clone(), value));
    }
    Ok(Conversion::Fields(fields))
}

impl Conversion {
    /// `impl From<super::v1::X> for X`.
    #[must_use]
    pub fn print(&self, older: (&TopicVersion, &Payload), newer: &Payload) -> TokenStream {
        let module = format_ident!("v{}", older.0.number);
        let (old, new) = (
            format_ident!("{}", older.1.root),
            format_ident!("{}", newer.root),
        );
        let mut uses_old = false;
        let planned: &[(String, Source)] = match self {
            Self::Whole => &[],
            Self::Fields(fields) => fields,
        };
        let fields: Vec<TokenStream> = planned
            .iter()
            .map(|(field, source)| {
                let name = format_ident!("{field}");
                uses_old |= matches!(
                    source,
                    Source::Field(_) | Source::Wrapped(_) | Source::Inner(_)
                );
                let value = match source {
                    Source::Field(source) => {
                        let source = format_ident!("{source}");
                        quote!(old.#source)
                    }
                    Source::Wrapped(source) => {
                        let source = format_ident!("{source}");
                        quote!(Some(old.#source))
                    }
                    Source::Inner(source) => {
                        let source = format_ident!("{source}");
                        quote!(old.#source.map(Some))
                    }
                    Source::Absent => quote!(None),
                    Source::Default(value) => value.clone(),
                };
                quote!(#name: #value)
            })
            .collect();
        let built = match self {
            Self::Whole => quote!(Self(old.0)),
            Self::Fields(_) => quote!(Self { #(#fields),* }),
        };
        let is_used = uses_old || matches!(self, Self::Whole);
        let parameter = if is_used { quote!(old) } else { quote!(_old) };
        let doc = format!(
            " Carries a version {} payload over, as the registry declares the change.",
            older.0.number
        );
        quote! {
            impl From<super::#module::#old> for #new {
                #[doc = #doc]
                fn from(#parameter: super::#module::#old) -> Self {
                    #built
                }
            }
        }
    }
}

/// A field's value moved over; types are equal where their text is and all names in it are shared or built in.
fn convert(
    source: &FieldType,
    field: &FieldType,
    older: &Payload,
    shared: &[String],
) -> Option<Source> {
    let known = |kind: &str| {
        kind.split(|character: char| !character.is_alphanumeric() && character != '_')
            .filter(|word| !word.is_empty())
            .all(|word| BUILT_IN.contains(&word) || shared.iter().any(|name| name == word))
    };
    if !known(&field.kind) || !known(&source.kind) {
        return None;
    }
    let root = older.structure.definitions.get(&older.root);
    let is_required = root
        .and_then(|root| root.get("required"))
        .and_then(Value::as_array)
        .is_some_and(|names| names.iter().any(|name| name == source.member.as_str()));
    if source.kind == field.kind {
        Some(Source::Field(source.field.clone()))
    } else if field.kind == format!("Option<{}>", source.kind)
        && source.kind.starts_with("Option<")
        && !is_required
    {
        // What was absent stays so, and does not become null.
        Some(Source::Inner(source.field.clone()))
    } else if field.kind == format!("Option<{}>", source.kind) {
        Some(Source::Wrapped(source.field.clone()))
    } else {
        None
    }
}

const BUILT_IN: &[&str] = &[
    "Option",
    "Vec",
    "Box",
    "String",
    "BTreeMap",
    "bool",
    "i64",
    "u64",
    "f64",
    "serde_json",
    "Value",
    "Number",
    "Map",
];

/// The declared default of a required field that the older version lacks.
fn default_of(version: &TopicVersion, member: &str) -> Option<TokenStream> {
    let property = version.model.property(&[version.model.root], member)?;
    let default = version.model.annotation(&property.schemas, |annotations| {
        annotations.default.as_ref()
    })?;
    match default {
        Value::String(text) if version.model.range(&property.schemas).values.is_none() => {
            Some(quote!(#text.to_owned()))
        }
        Value::Bool(value) => Some(quote!(#value)),
        Value::Number(number) => {
            let literal: proc_macro2::Literal = number.to_string().parse().ok()?;
            Some(quote!(#literal))
        }
        Value::String(_) | Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
