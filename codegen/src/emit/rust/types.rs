//! Runs typify on a structure and tidies its output: prelude names, one doc line a line, no unused impls.
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use serde_json::json;
use typify_impl::{TypeSpace, TypeSpaceSettings};

use super::nulls;
use super::outline::{FieldType, Payload};
use super::shared::shared_names;
use super::structure::{Structure, UNBOUNDED_INTEGER};

/// The types of one version.
#[derive(Debug)]
pub struct Types {
    /// What other versions need to know of the payload's type.
    pub payload: Payload,
    /// Struct and enum items, formatted as tokens.
    pub items: TokenStream,
}

/// Generates the types of `structure`; those equal to the version `before`'s are shared with it.
///
/// # Errors
/// typify's own refusal, in words.
pub fn generate(structure: Structure, before: Option<(&Payload, &str)>) -> Result<Types, String> {
    let shared = before.map_or_else(Vec::new, |(before, _)| {
        shared_names(&structure, &before.structure)
    });
    let mut settings = TypeSpaceSettings::default();
    settings
        .with_struct_builder(false)
        .with_map_type("::std::collections::BTreeMap".to_owned())
        .with_derive("PartialEq".to_owned())
        .with_replacement(
            UNBOUNDED_INTEGER,
            "::serde_json::Number",
            std::iter::empty(),
        );
    if let Some((_, module)) = before {
        for name in &shared {
            settings.with_replacement(name, format!("super::{module}::{name}"), std::iter::empty());
        }
    }
    let document = json!({ "definitions": structure.definitions });
    let tokens = without_panic(|| {
        let schema: schemars08::schema::RootSchema =
            serde_json::from_value(document).map_err(|error| error.to_string())?;
        let mut space = TypeSpace::new(&settings);
        space
            .add_ref_types(schema.definitions)
            .map_err(|error| error.to_string())?;
        Ok(space.to_stream())
    })?;
    let module = before.map(|(_, module)| module);
    let file = syn::parse_file(&prelude_names(&tokens.to_string(), module))
        .map_err(|error| error.to_string())?;
    let mut items = Vec::new();
    for item in file.items {
        match item {
            syn::Item::Struct(mut item) => {
                tidy_docs(&mut item.attrs);
                for field in &mut item.fields {
                    tidy_docs(&mut field.attrs);
                }
                nulls::keep(&mut item, &structure);
                items.push(syn::Item::Struct(item));
            }
            syn::Item::Enum(mut item) => {
                tidy_docs(&mut item.attrs);
                for variant in &mut item.variants {
                    if !variant
                        .attrs
                        .iter()
                        .any(|attribute| attribute.path().is_ident("doc"))
                    {
                        let text = format!(
                            " `{}`",
                            serde_name(&variant.attrs).unwrap_or_else(|| variant.ident.to_string())
                        );
                        variant.attrs.insert(0, syn::parse_quote!(#[doc = #text]));
                    }
                }
                items.push(syn::Item::Enum(item));
            }
            // `Display` of text lists is useful; conversions from text belong to serde here.
            syn::Item::Impl(item)
                if is_impl_of(&item, "Display") || is_impl_of(&item, "Default") =>
            {
                items.push(syn::Item::Impl(item));
            }
            _ => {}
        }
    }
    let fields = items.iter().find_map(|item| match item {
        syn::Item::Struct(item) if item.ident == structure.root => Some(fields_of(item)),
        _ => None,
    });
    check_names(&items)?;
    Ok(Types {
        payload: Payload {
            root: structure.root.clone(),
            fields: fields.ok_or("the payload became no struct")?,
            shared,
            structure,
        },
        items: quote!(#(#items)*),
    })
}

thread_local! {
    /// Whether a panic on this thread is expected, and so not worth a message.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// typify panics on shapes it does not know. The structure avoids them; the rest must not reach a user.
fn without_panic<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    static SILENCED: Once = Once::new();
    SILENCED.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !EXPECTED.get() {
                print(panic);
            }
        }));
    });
    EXPECTED.set(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    EXPECTED.set(false);
    result.unwrap_or_else(|_| Err("the type generator cannot carry this shape".to_owned()))
}

fn is_impl_of(item: &syn::ItemImpl, name: &str) -> bool {
    item.trait_
        .as_ref()
        .and_then(|(_, path, _)| path.segments.last())
        .is_some_and(|segment| segment.ident == name)
}

/// Two members that become one field, or two schemas one type, would lose one in silence.
fn check_names(items: &[syn::Item]) -> Result<(), String> {
    let mut types: Vec<String> = Vec::new();
    for item in items {
        let (name, fields): (String, Vec<String>) = match item {
            syn::Item::Struct(item) => (
                item.ident.to_string(),
                item.fields
                    .iter()
                    .filter_map(|field| field.ident.as_ref().map(ToString::to_string))
                    .collect(),
            ),
            syn::Item::Enum(item) => (
                item.ident.to_string(),
                item.variants
                    .iter()
                    .map(|variant| variant.ident.to_string())
                    .collect(),
            ),
            _ => continue,
        };
        let mut sorted = fields.clone();
        sorted.sort();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!(
                "two members of `{name}` would both be named `{}` in Rust; rename one",
                pair[0]
            ));
        }
        if types.contains(&name) {
            return Err(format!(
                "two schemas would both be named `{name}` in Rust; give one another `title`"
            ));
        }
        types.push(name);
    }
    Ok(())
}

fn fields_of(item: &syn::ItemStruct) -> Vec<FieldType> {
    item.fields
        .iter()
        .filter_map(|field| {
            let name = field.ident.as_ref()?.to_string();
            Some(FieldType {
                member: serde_name(&field.attrs).unwrap_or_else(|| name.clone()),
                kind: compact(&field.ty.to_token_stream().to_string()),
                field: name,
            })
        })
        .collect()
}

/// A type as people write it.
fn compact(kind: &str) -> String {
    kind.replace(" < ", "<")
        .replace(" >", ">")
        .replace(" :: ", "::")
        .replace(" ,", ",")
}

/// The name in `#[serde(rename = "…")]`.
pub(super) fn serde_name(attributes: &[syn::Attribute]) -> Option<String> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("serde"))
        .find_map(|attribute| {
            let mut name = None;
            // Other arguments of the attribute are of no interest here.
            let _ = attribute.parse_nested_meta(|meta| {
                if let Ok(value) = meta.value() {
                    let text: syn::LitStr = value.parse()?;
                    if meta.path.is_ident("rename") {
                        name = Some(text.value());
                    }
                }
                Ok(())
            });
            name
        })
}

/// One `#[doc]` a line, each with the space that `///` is written with.
fn tidy_docs(attributes: &mut Vec<syn::Attribute>) {
    let mut tidy: Vec<syn::Attribute> = Vec::new();
    for attribute in attributes.drain(..) {
        let text = match &attribute.meta {
            syn::Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
                syn::Expr::Lit(syn::ExprLit {
                    lit: syn::Lit::Str(text),
                    ..
                }) => Some(text.value()),
                _ => None,
            },
            _ => None,
        };
        match text {
            Some(text) => tidy.extend(text.lines().map(|line| {
                let line = if line.is_empty() {
                    String::new()
                } else {
                    format!(" {line}")
                };
                syn::parse_quote!(#[doc = #line])
            })),
            None => tidy.push(attribute),
        }
    }
    *attributes = tidy;
}

/// typify writes full paths; people write the prelude's names.
fn prelude_names(tokens: &str, module_before: Option<&str>) -> String {
    let mut text = tokens.to_owned();
    let mut names: Vec<(String, &str)> = [
        ("::std::option::Option", "Option"),
        ("::std::vec::Vec", "Vec"),
        ("::std::string::String", "String"),
        ("::std::boxed::Box", "Box"),
        ("::std::collections::BTreeMap", "BTreeMap"),
        ("::std::result::Result", "Result"),
        ("::std::fmt", "std::fmt"),
        ("::serde_json", "serde_json"),
        ("::serde::Deserialize", "Deserialize"),
        ("::serde::Serialize", "Serialize"),
    ]
    .into_iter()
    .map(|(path, name)| (path.to_owned(), name))
    .collect();
    if let Some(module) = module_before {
        names.push((format!("super::{module}::"), ""));
    }
    for (path, name) in names {
        let spaced = path.replace("::", " :: ");
        for spelling in [
            spaced.trim_start(),
            path.as_str(),
            path.replace("::", ":: ").trim(),
        ] {
            text = text.replace(spelling, name);
        }
    }
    text
}
