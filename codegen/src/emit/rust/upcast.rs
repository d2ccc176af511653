//! Conversions from one version's type to the next, where the change allows it.
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;

use super::types::{FieldType, Types};
use crate::registry::TopicVersion;

/// `impl From<super::v1::X> for X`, or why there is none.
///
/// # Errors
/// The first field that version n has no value for, in words.
pub fn generate(
    older: (&TopicVersion, &Types),
    newer: (&TopicVersion, &Types),
) -> Result<TokenStream, String> {
    let module = format_ident!("v{}", older.0.number);
    let (old, new) = (
        format_ident!("{}", older.1.root),
        format_ident!("{}", newer.1.root),
    );
    let mut fields = Vec::new();
    let mut uses_old = false;
    for field in &newer.1.fields {
        let name = format_ident!("{}", field.field);
        let member = newer.0.renames.get(&field.member).unwrap_or(&field.member);
        let source = older
            .1
            .fields
            .iter()
            .find(|candidate| candidate.member == *member);
        let value = match source {
            Some(source) => {
                uses_old = true;
                convert(source, field, &newer.1.shared).ok_or_else(|| {
                    format!(
                        "`{member}` changed from `{}` to `{}`",
                        compact(&source.kind),
                        compact(&field.kind)
                    )
                })?
            }
            None if field.kind.starts_with("Option <") => quote!(None),
            None => default_of(newer.0, &field.member).ok_or_else(|| {
                format!(
                    "version {} has no value for `{}`",
                    older.0.number, field.member
                )
            })?,
        };
        fields.push(quote!(#name: #value));
    }
    let parameter = if uses_old { quote!(old) } else { quote!(_old) };
    let doc = format!(
        " Carries a version {} payload over, as the registry declares the change.",
        older.0.number
    );
    Ok(quote! {
        impl From<super::#module::#old> for #new {
            #[doc = #doc]
            fn from(#parameter: super::#module::#old) -> Self {
                Self { #(#fields),* }
            }
        }
    })
}

/// A field's value moved over; types are equal where their text is and all names in it are shared or built in.
fn convert(source: &FieldType, field: &FieldType, shared: &[String]) -> Option<TokenStream> {
    let name = format_ident!("{}", source.field);
    let known = |kind: &str| {
        kind.split(|character: char| !character.is_alphanumeric() && character != '_')
            .filter(|word| !word.is_empty())
            .all(|word| BUILT_IN.contains(&word) || shared.iter().any(|name| name == word))
    };
    if !known(&field.kind) || !known(&source.kind) {
        return None;
    }
    if source.kind == field.kind {
        Some(quote!(old.#name))
    } else if field.kind == format!("Option < {} >", source.kind) {
        Some(quote!(Some(old.#name)))
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

fn compact(kind: &str) -> String {
    kind.replace(" < ", "<")
        .replace(" >", ">")
        .replace(" :: ", "::")
        .replace(" ,", ",")
}

/// The declared default of a required field that the older version lacks.
fn default_of(version: &TopicVersion, member: &str) -> Option<TokenStream> {
    let property = version
        .model
        .properties(&[version.model.root])
        .swap_remove(member)?;
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
