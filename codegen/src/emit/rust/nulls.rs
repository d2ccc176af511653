//! Members that may be absent, and may be null: a type that keeps both apart.
//!
//! The generator of types makes `Option` of either, so that a producer could not say null, and reading and writing an
//! event would lose it.
use serde_json::Value;

use super::structure::{ABSENT_OR_NULL, Structure};
use super::types::serde_name;

/// The type of a JSON value, which can be null itself.
const ANY: &str = "serde_json::Value";

/// Makes room for null in the fields of a struct whose structure says that null is allowed.
pub(super) fn keep(item: &mut syn::ItemStruct, structure: &Structure) {
    let definition = structure.definitions.get(&item.ident.to_string());
    let Some(properties) = definition.and_then(|definition| definition.get("properties")) else {
        return;
    };
    for field in &mut item.fields {
        let name = field.ident.as_ref().map(ToString::to_string);
        let member = serde_name(&field.attrs).or(name).unwrap_or_default();
        if properties.get(&member).is_some_and(is_marked) {
            widen(field);
        }
    }
}

/// Whether a member of a structure may be absent and null.
pub(super) fn is_marked(member: &Value) -> bool {
    member.get(ABSENT_OR_NULL) == Some(&Value::Bool(true))
}

/// What the type of such a member is, of the type that keeps absence or null alone.
pub(super) fn widened(kind: &str) -> String {
    match kind
        .strip_prefix("Option<")
        .and_then(|kind| kind.strip_suffix('>'))
    {
        Some(ANY) => kind.to_owned(),
        _ => format!("Option<{kind}>"),
    }
}

fn widen(field: &mut syn::Field) {
    let kind = &field.ty;
    let spelled = quote::quote!(#kind).to_string().replace(' ', "");
    if let Ok(kind) = syn::parse_str(&widened(&spelled)) {
        field.ty = kind;
    }
    let has_default = field.attrs.iter().any(|attribute| {
        let mut found = false;
        if attribute.path().is_ident("serde") {
            // Other arguments of the attribute are of no interest here.
            let _ = attribute.parse_nested_meta(|meta| {
                found |= meta.path.is_ident("default");
                if let Ok(value) = meta.value() {
                    let _: syn::Expr = value.parse()?;
                }
                Ok(())
            });
        }
        found
    });
    let attribute = if has_default {
        syn::parse_quote!(#[serde(deserialize_with = "topicwright_runtime::json::present")])
    } else {
        syn::parse_quote!(#[serde(default, deserialize_with = "topicwright_runtime::json::present")])
    };
    field.attrs.push(attribute);
}

#[cfg(test)]
mod tests {
    use super::widened;

    #[test]
    fn null_has_a_place_of_its_own() {
        assert_eq!(widened("Option<String>"), "Option<Option<String>>");
        assert_eq!(
            widened("Option<Vec<Option<i64>>>"),
            "Option<Option<Vec<Option<i64>>>>"
        );
        assert_eq!(
            widened("Option<serde_json::Value>"),
            "Option<serde_json::Value>"
        );
    }
}
