//! Checks of `unevaluatedProperties` and `unevaluatedItems`.
//!
//! A member or item is evaluated where a keyword of this schema, or of an in-place branch that the value
//! passes, speaks about it. A `covers` function per schema answers that for one member or item.
use proc_macro2::TokenStream;
use quote::quote;

use super::Generator;
use crate::model::{DynamicReference, Keywords, NodeKind, SchemaId};

/// What is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Member,
    Item,
}

impl Generator<'_> {
    pub(super) fn unevaluated(&mut self, id: SchemaId, keywords: &Keywords) -> TokenStream {
        let members = keywords.object.unevaluated_properties.map(|schema| {
            let covered = self.covers(id, What::Member, false);
            let reject = match self.model.node(schema).kind {
                NodeKind::Bool(false) => {
                    quote!(return at.reject("unevaluatedProperties", "only members that the schema speaks about");)
                }
                NodeKind::Bool(true) | NodeKind::Keywords(_) => self.call(schema, &quote!(member), &quote!(at.member(name))),
            };
            if reject.is_empty() {
                return TokenStream::new();
            }
            let walk = if reject.to_string().contains("member (") || reject.to_string().contains("(member") {
                quote!((name, member))
            } else {
                quote!((name, _))
            };
            quote! {
                for #walk in value.members() {
                    if !#covered {
                        #reject
                    }
                }
            }
        });
        let items = keywords.array.unevaluated_items.map(|schema| {
            let covered = self.covers(id, What::Item, false);
            let reject = match self.model.node(schema).kind {
                NodeKind::Bool(false) => {
                    quote!(return at.reject("unevaluatedItems", "only items that the schema speaks about");)
                }
                NodeKind::Bool(true) | NodeKind::Keywords(_) => self.call(schema, &quote!(item), &quote!(at.item(index))),
            };
            if reject.is_empty() {
                return TokenStream::new();
            }
            quote! {
                for (index, item) in value.items().enumerate() {
                    if !#covered {
                        #reject
                    }
                }
            }
        });
        quote!(#members #items)
    }

    /// A call that tells whether a passing value's member or item is covered by a schema; `own` includes
    /// the schema's own `unevaluated…` keyword, which covers all.
    fn covers(&mut self, id: SchemaId, what: What, own: bool) -> TokenStream {
        let arguments = match what {
            What::Member => quote!(value, name),
            What::Item => quote!(value, index, item),
        };
        if let Some((name, _)) = self.covers.get(&(id, what, own)) {
            return quote!(#name(#arguments));
        }
        let wish = self.wish(id).replacen(
            "check",
            if what == What::Member {
                "covers_member"
            } else {
                "covers_item"
            },
            1,
        );
        let name = self.free_name(&wish);
        self.covers
            .insert((id, what, own), (name.clone(), TokenStream::new()));
        let conditions = match &self.model.node(id).kind {
            NodeKind::Bool(_) => Vec::new(),
            NodeKind::Keywords(keywords) => self.conditions(id, keywords, what, own),
        };
        let answer = if conditions.is_empty() {
            quote!(false)
        } else {
            quote!(#(#conditions)||*)
        };
        let used = |word: &str| {
            answer
                .to_string()
                .split(|character: char| !character.is_alphanumeric() && character != '_')
                .any(|token| token == word)
        };
        let parameter = |word: &str| {
            let ident = if used(word) {
                word.to_owned()
            } else {
                format!("_{word}")
            };
            quote::format_ident!("{ident}")
        };
        let (value, member, index, item) = (
            parameter("value"),
            parameter("name"),
            parameter("index"),
            parameter("item"),
        );
        let at = used("at").then(|| quote!(let at = At::ROOT;));
        let signature = match what {
            What::Member => quote!(fn #name(#value: Json<'_>, #member: &str) -> bool),
            What::Item => {
                quote!(fn #name(#value: Json<'_>, #index: usize, #item: Json<'_>) -> bool)
            }
        };
        self.covers.insert(
            (id, what, own),
            (name.clone(), quote!(#signature { #at #answer })),
        );
        quote!(#name(#arguments))
    }

    fn conditions(
        &mut self,
        id: SchemaId,
        keywords: &Keywords,
        what: What,
        own: bool,
    ) -> Vec<TokenStream> {
        let mut conditions = match what {
            What::Member => self.covered_members(id, keywords, own),
            What::Item => self.covered_items(keywords, own),
        };
        conditions.extend(
            keywords
                .reference
                .map(|target| self.covers(target, what, true)),
        );
        if let Some(reference) = &keywords.dynamic_reference {
            let target = self.dynamic_target(id, reference);
            conditions.extend(target.map(|target| self.covers(target, what, true)));
        }
        conditions.extend(
            keywords
                .all_of
                .iter()
                .map(|schema| self.covers(*schema, what, true)),
        );
        for branch in keywords.any_of.iter().chain(&keywords.one_of) {
            let (passes, covered) = (self.passes(*branch), self.covers(*branch, what, true));
            conditions.push(quote!((#passes && #covered)));
        }
        if let Some(condition) = keywords.condition {
            let passes = self.passes(condition);
            let mut covered = vec![self.covers(condition, what, true)];
            covered.extend(keywords.then.map(|schema| self.covers(schema, what, true)));
            let otherwise = keywords
                .otherwise
                .map_or_else(|| quote!(false), |schema| self.covers(schema, what, true));
            conditions.push(quote!((if #passes { #(#covered)||* } else { #otherwise })));
        }
        for (name, schema) in &keywords.object.dependent_schemas {
            let covered = self.covers(*schema, what, true);
            conditions.push(quote!((value.get(#name).is_some() && #covered)));
        }
        conditions
    }

    fn covered_members(
        &mut self,
        id: SchemaId,
        keywords: &Keywords,
        own: bool,
    ) -> Vec<TokenStream> {
        let object = &keywords.object;
        if object.additional_properties.is_some()
            || (own && object.unevaluated_properties.is_some())
        {
            return vec![quote!(true)];
        }
        let mut conditions = Vec::new();
        let names: Vec<&String> = object.properties.keys().collect();
        if !names.is_empty() {
            conditions.push(quote!(matches!(name, #(#names)|*)));
        }
        for pattern in object.pattern_properties.keys() {
            conditions.extend(
                self.pattern(id, "patternProperties", pattern)
                    .map(|matcher| quote!(#matcher.matches(name))),
            );
        }
        conditions
    }

    fn covered_items(&mut self, keywords: &Keywords, own: bool) -> Vec<TokenStream> {
        let array = &keywords.array;
        if array.items.is_some() || (own && array.unevaluated_items.is_some()) {
            return vec![quote!(true)];
        }
        let mut conditions = Vec::new();
        let prefix = proc_macro2::Literal::usize_unsuffixed(array.prefix_items.len());
        if !array.prefix_items.is_empty() {
            conditions.push(quote!(index < #prefix));
        }
        if let Some(schema) = array.contains.filter(|_| array.contains_evaluates) {
            if self.is_trivial(schema) {
                conditions.push(quote!(true));
            } else {
                let function = self.function(schema);
                conditions.push(quote!(#function(item, At::ROOT).is_ok()));
            }
        }
        conditions
    }

    /// Where a dynamic reference leads; refused where that depends on who refers.
    pub(super) fn dynamic_target(
        &mut self,
        id: SchemaId,
        reference: &DynamicReference,
    ) -> Option<SchemaId> {
        let Some(anchor) = &reference.anchor else {
            return Some(reference.initial);
        };
        let mut targets: Vec<SchemaId> = self
            .model
            .dynamic_anchors
            .iter()
            .filter(|((_, name), _)| name == anchor)
            .map(|(_, target)| *target)
            .collect();
        targets.sort_unstable();
        targets.dedup();
        if targets.len() > 1 {
            self.refuse(
                id,
                "$dynamicRef",
                format!("the dynamic anchor `{anchor}` stands in several schemas, so its meaning depends on who refers to it"),
                "use `$ref` to the schema that is meant",
            );
            return None;
        }
        targets.first().copied().or(Some(reference.initial))
    }
}
