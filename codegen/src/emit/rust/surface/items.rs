//! Public items of generated modules as texts: fields, variants, signatures, trait implementations.
use std::collections::BTreeMap;

use quote::ToTokens;
use syn::{Expr, Fields, ImplItem, Item, Lit, UseTree, Visibility};

/// Items by path: `topics::order_placed::v2::OrderPlaced`, its fields and variants as `….name`.
#[derive(Debug, Default)]
pub struct Items(pub BTreeMap<String, PublicItem>);

/// A public item.
#[derive(Clone, Debug)]
pub struct PublicItem {
    /// What it is, in Rust.
    pub text: String,
    /// What it is part of its owner as.
    pub role: Role,
    /// Topic and version of its module.
    pub version: Option<(String, u32)>,
}

/// How an item belongs to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A field of a struct without private fields.
    Field,
    /// A variant of an enum.
    Variant,
    /// Anything else.
    Other,
}

/// The owner's path.
pub fn parent(path: &str) -> Option<&str> {
    match path.rsplit_once('.') {
        Some((owner, _)) => Some(owner),
        None => path.rsplit_once("::").map(|(owner, _)| owner),
    }
}

impl Items {
    /// A module to put items into; `version` is the topic and version that it is of, where it is of one.
    pub(super) fn module<'i>(
        &'i mut self,
        path: &'i str,
        version: Option<(String, u32)>,
    ) -> Module<'i> {
        Module {
            items: &mut self.0,
            path,
            version,
        }
    }

    /// Takes in a module's public items.
    pub fn add(&mut self, module: &str, file: &syn::File) {
        let mut module = self.module(module, version(file));
        module.put("", "mod".to_owned(), Role::Other);
        for item in &file.items {
            module.item(item);
        }
    }

    /// Replaces `pub use super::v1::Name` by what it names, so that moving a type is no change.
    pub fn follow_exports(&mut self) {
        let exports: Vec<(String, String)> = self
            .0
            .iter()
            .filter_map(|(path, item)| {
                let target = item.text.strip_prefix("use super::")?;
                let module = parent(parent(path)?)?;
                Some((path.clone(), format!("{module}::{target}")))
            })
            .collect();
        for (path, target) in exports {
            let copies: Vec<(String, PublicItem)> = self
                .0
                .range(target.clone()..)
                .map_while(|(other, item)| Some((other.strip_prefix(&target)?, item)))
                .filter(|(rest, _)| rest.is_empty() || rest.starts_with(['.', ':']))
                .map(|(rest, item)| (format!("{path}{rest}"), item.clone()))
                .collect();
            let version = self.0.get(&path).and_then(|item| item.version.clone());
            for (copy, mut item) in copies {
                item.version.clone_from(&version);
                self.0.insert(copy, item);
            }
        }
    }
}

pub(super) struct Module<'i> {
    items: &'i mut BTreeMap<String, PublicItem>,
    path: &'i str,
    version: Option<(String, u32)>,
}

impl Module<'_> {
    pub(super) fn put(&mut self, name: &str, text: String, role: Role) {
        let path = if name.is_empty() {
            self.path.to_owned()
        } else {
            format!("{}::{name}", self.path)
        };
        let version = self.version.clone();
        self.items.insert(
            path,
            PublicItem {
                text,
                role,
                version,
            },
        );
    }

    /// Trait implementations of a type.
    pub(super) fn traits(&mut self, name: &str, traits: &[&str]) {
        for of in traits {
            let text = format!("impl {of}");
            self.put(&format!("{name}.{text}"), text, Role::Other);
        }
    }

    // Items that generated modules do not have are not read; a macro or an extern block never appears.
    #[allow(clippy::wildcard_enum_match_arm)]
    fn item(&mut self, item: &Item) {
        match item {
            Item::Struct(item) if public(&item.vis) => {
                let name = item.ident.to_string();
                self.put(&name, "struct".to_owned(), Role::Other);
                self.derives(&name, &item.attrs);
                self.fields(&name, &item.fields);
            }
            Item::Enum(item) if public(&item.vis) => {
                let name = item.ident.to_string();
                self.put(&name, "enum".to_owned(), Role::Other);
                self.derives(&name, &item.attrs);
                for variant in &item.variants {
                    let text = format!("{}{}", variant.ident, rust(&variant.fields));
                    self.put(&format!("{name}::{}", variant.ident), text, Role::Variant);
                }
            }
            Item::Fn(item) if public(&item.vis) => {
                let name = item.sig.ident.to_string();
                self.put(&name, rust(&item.sig), Role::Other);
            }
            Item::Const(item) if public(&item.vis) => {
                let text = format!("const {}", rust(&item.ty));
                self.put(&item.ident.to_string(), text, Role::Other);
            }
            Item::Type(item) if public(&item.vis) => {
                let text = format!("type {}", rust(&item.ty));
                self.put(&item.ident.to_string(), text, Role::Other);
            }
            Item::Use(item) if public(&item.vis) => self.exports(&item.tree, &mut Vec::new()),
            Item::Impl(item) => {
                let name = rust(&item.self_ty);
                if let Some((_, of, _)) = &item.trait_ {
                    self.traits(&name, &[&rust(of)]);
                    return;
                }
                for member in &item.items {
                    match member {
                        ImplItem::Fn(member) if public(&member.vis) => {
                            let called = format!("{name}::{}", member.sig.ident);
                            self.put(&called, rust(&member.sig), Role::Other);
                        }
                        ImplItem::Const(member) if public(&member.vis) => {
                            let called = format!("{name}::{}", member.ident);
                            self.put(&called, format!("const {}", rust(&member.ty)), Role::Other);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn derives(&mut self, name: &str, attributes: &[syn::Attribute]) {
        for attribute in attributes {
            if !attribute.path().is_ident("derive") {
                continue;
            }
            let _ = attribute.parse_nested_meta(|meta| {
                self.traits(name, &[&rust(&meta.path)]);
                Ok(())
            });
        }
    }

    fn fields(&mut self, name: &str, fields: &Fields) {
        let literal = fields.iter().all(|field| public(&field.vis));
        for (index, field) in fields.iter().enumerate() {
            if public(&field.vis) {
                let field_name = field
                    .ident
                    .as_ref()
                    .map_or_else(|| index.to_string(), ToString::to_string);
                let role = if literal { Role::Field } else { Role::Other };
                self.put(&format!("{name}.{field_name}"), rust(&field.ty), role);
            }
        }
    }

    fn exports(&mut self, tree: &UseTree, path: &mut Vec<String>) {
        match tree {
            UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.exports(&part.tree, path);
                path.pop();
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                let text = format!("use {}::{name}", path.join("::"));
                self.put(&name, text, Role::Other);
            }
            UseTree::Rename(name) => {
                let text = format!("use {}::{}", path.join("::"), name.ident);
                self.put(&name.rename.to_string(), text, Role::Other);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.exports(tree, path);
                }
            }
            UseTree::Glob(_) => {}
        }
    }
}

fn public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Tokens as people space them.
fn rust(tokens: &impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (spaced, tight) in [
        (" :: ", "::"),
        (" < ", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ,", ","),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        ("& ", "&"),
        (" : ", ": "),
        (" ;", ";"),
    ] {
        text = text.replace(spaced, tight);
    }
    text.replace("- >", "->")
        .replace("->", " -> ")
        .replace("  ", " ")
        // Where a line is broken is the printer's business.
        .replace(",)", ")")
}

/// Topic and version that the module's `impl Payload` names.
fn version(file: &syn::File) -> Option<(String, u32)> {
    file.items.iter().find_map(|item| {
        let Item::Impl(item) = item else { return None };
        let (mut topic, mut number) = (None, None);
        for member in &item.items {
            if let ImplItem::Const(member) = member
                && let Expr::Lit(literal) = &member.expr
            {
                if let (true, Lit::Str(text)) = (member.ident == "TOPIC", &literal.lit) {
                    topic = Some(text.value());
                }
                if let (true, Lit::Int(value)) = (member.ident == "VERSION", &literal.lit) {
                    number = value.base10_parse().ok();
                }
            }
        }
        topic.zip(number)
    })
}
