//! Generates check functions: one per schema node that can reject, accepting exactly what it accepts.
//!
//! A function walks a decoded value and stops at the first violation. Order inside a function: type,
//! constants, numbers, texts, arrays, objects, then the keywords that combine schemas.
mod applicators;
mod array;
pub mod carried;
mod evaluated;
mod object;
mod scalars;

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::names::{snake, unique};
use super::refusal::Refusal;
use crate::model::{Keywords, Model, NodeKind, SchemaId, TypeSet};

/// The check functions of one schema.
#[derive(Debug)]
pub struct Checks {
    /// Functions, patterns and constants.
    pub items: TokenStream,
    /// The function for the root.
    pub root: Ident,
}

/// Generates the checks of a model's root; `name` starts the function names.
///
/// # Errors
/// Everything that has no faithful check, with its place.
pub fn generate(model: &Model, name: &str) -> Result<Checks, Vec<Refusal>> {
    let mut generator = Generator {
        model,
        prefix: name.to_owned(),
        functions: BTreeMap::new(),
        bodies: BTreeMap::new(),
        names: BTreeSet::new(),
        statics: Vec::new(),
        refusals: Vec::new(),
        pending: Vec::new(),
        trivial: BTreeMap::new(),
        covers: BTreeMap::new(),
    };
    generator.refuse_endless();
    if !generator.refusals.is_empty() {
        return Err(generator.refusals);
    }
    let root = generator.function(generator.referred(model.root));
    while let Some(id) = generator.pending.pop() {
        let body = generator.body(id);
        generator.bodies.insert(id, body);
    }
    if !generator.refusals.is_empty() {
        return Err(generator.refusals);
    }
    let functions = generator.bodies.values();
    let covers = generator.covers.values().map(|(_, body)| body);
    let statics = &generator.statics;
    Ok(Checks {
        items: quote!(#(#statics)* #(#functions)* #(#covers)*),
        root,
    })
}

struct Generator<'m> {
    model: &'m Model,
    prefix: String,
    functions: BTreeMap<SchemaId, Ident>,
    bodies: BTreeMap<SchemaId, TokenStream>,
    names: BTreeSet<String>,
    statics: Vec<TokenStream>,
    refusals: Vec<Refusal>,
    pending: Vec<SchemaId>,
    trivial: BTreeMap<SchemaId, bool>,
    covers: BTreeMap<(SchemaId, evaluated::What, bool), (Ident, TokenStream)>,
}

impl Generator<'_> {
    /// The function that checks a node, made on first sight.
    fn function(&mut self, id: SchemaId) -> Ident {
        if let Some(name) = self.functions.get(&id) {
            return name.clone();
        }
        let name = self.free_name(&self.wish(id));
        self.functions.insert(id, name.clone());
        self.pending.push(id);
        name
    }

    /// A call of a node's check, or nothing where it accepts everything.
    fn call(&mut self, id: SchemaId, value: &TokenStream, at: &TokenStream) -> TokenStream {
        if self.is_trivial(id) {
            return TokenStream::new();
        }
        let function = self.function(self.referred(id));
        quote!(#function(#value, #at)?;)
    }

    /// Whether a node's check passes, as an expression.
    fn passes(&mut self, id: SchemaId) -> TokenStream {
        if self.is_trivial(id) {
            return quote!(true);
        }
        let function = self.function(self.referred(id));
        quote!(#function(value, at).is_ok())
    }

    /// Follows schemas that only refer; endless references were refused before.
    fn referred(&self, id: SchemaId) -> SchemaId {
        let mut id = id;
        while let Some(target) = only_refers(self.model, id) {
            id = target;
        }
        id
    }

    fn free_name(&mut self, wish: &str) -> Ident {
        let name = unique(wish, |name| self.names.contains(name));
        self.names.insert(name.clone());
        format_ident!("{name}")
    }

    /// `check_<prefix>_<path>`: the pointer without the words that JSON Schema puts between names.
    fn wish(&self, id: SchemaId) -> String {
        let location = &self.model.node(id).location;
        let root = &self.model.node(self.model.root).location;
        let mut words = vec!["check".to_owned()];
        if location.document == root.document {
            words.push(self.prefix.clone());
        } else {
            let file = location.document.rsplit('/').next().unwrap_or_default();
            words.push(file.trim_end_matches(".json").to_owned());
        }
        let mut is_name = false;
        for token in location.pointer.split('/').skip(1) {
            let skipped = !is_name
                && matches!(
                    token,
                    "properties"
                        | "$defs"
                        | "definitions"
                        | "patternProperties"
                        | "dependentSchemas"
                );
            is_name = skipped;
            if !skipped {
                words.push(token.to_owned());
            }
        }
        snake(
            &words
                .iter()
                .filter(|word| !word.is_empty())
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join("_"),
        )
    }

    /// Whether a node accepts everything: nothing that it can reach asserts anything.
    fn is_trivial(&mut self, id: SchemaId) -> bool {
        let mut seen = BTreeSet::from([id]);
        let mut open = vec![id];
        let mut trivial = true;
        while let Some(next) = open.pop() {
            match self.trivial.get(&next) {
                Some(true) => continue,
                Some(false) => trivial = false,
                None => {}
            }
            match &self.model.node(next).kind {
                NodeKind::Bool(accepts) => trivial &= accepts,
                NodeKind::Keywords(keywords) => {
                    trivial &= asserts_nothing(keywords);
                    open.extend(
                        subschemas(keywords)
                            .into_iter()
                            .filter(|child| seen.insert(*child)),
                    );
                }
            }
            if !trivial {
                break;
            }
        }
        self.trivial.insert(id, trivial);
        trivial
    }

    fn refuse(&mut self, id: SchemaId, keyword: &str, message: String, fix: &str) {
        self.refusals
            .push(Refusal::new(self.model, id, keyword, message, fix));
    }

    fn refuse_endless(&mut self) {
        if let Some(id) = endless(self.model) {
            self.refuse(
                id,
                "",
                "the schema applies itself to the same value, which never ends".to_owned(),
                "let the recursion go through a property or an item",
            );
        }
    }

    fn body(&mut self, id: SchemaId) -> TokenStream {
        let Some(name) = self.functions.get(&id).cloned() else {
            return TokenStream::new();
        };
        let model = self.model;
        let location = &model.node(id).location;
        let doc = format!(" `{location}`");
        let statements = match &model.node(id).kind {
            NodeKind::Bool(true) => quote!(),
            NodeKind::Bool(false) => {
                return quote! {
                    #[doc = #doc]
                    fn #name(_value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
                        at.reject("false", "nothing is allowed here")
                    }
                };
            }
            NodeKind::Keywords(keywords) => self.statements(id, keywords),
        };
        quote! {
            #[doc = #doc]
            fn #name(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
                #statements
                Ok(())
            }
        }
    }

    fn statements(&mut self, id: SchemaId, keywords: &Keywords) -> TokenStream {
        let numbers = self.numbers(id, keywords);
        let texts = self.texts(id, keywords);
        let arrays = self.array(id, keywords);
        let objects = self.object(id, keywords);
        let constants = self.constants(keywords);
        // A schema of one type needs no second look at the type for that type's keywords.
        let typed = match keywords.types {
            Some(TypeSet::INTEGER) if !numbers.is_empty() => quote! {
                let Some(number) = value.as_number().filter(|number| number.is_integer()) else {
                    return at.reject("type", "an integer");
                };
                #constants
                #numbers
            },
            Some(TypeSet::NUMBER) if !numbers.is_empty() => quote! {
                let Some(number) = value.as_number() else {
                    return at.reject("type", "a number");
                };
                #constants
                #numbers
            },
            Some(TypeSet::STRING) if !texts.is_empty() => quote! {
                let Some(text) = value.as_str() else {
                    return at.reject("type", "a string");
                };
                #constants
                #texts
            },
            Some(TypeSet::OBJECT) => {
                let types = scalars::types(keywords);
                quote!(#types #constants #objects)
            }
            Some(TypeSet::ARRAY) => {
                let types = scalars::types(keywords);
                quote!(#types #constants #arrays)
            }
            _ => {
                let types = scalars::types(keywords);
                let guard = |kind: TokenStream, checks: TokenStream| {
                    (!checks.is_empty()).then(|| quote!(if value.kind() == Kind::#kind { #checks }))
                };
                let numbers = (!numbers.is_empty())
                    .then(|| quote!(if let Some(number) = value.as_number() { #numbers }));
                let texts = (!texts.is_empty())
                    .then(|| quote!(if let Some(text) = value.as_str() { #texts }));
                let arrays = guard(quote!(Array), arrays);
                let objects = guard(quote!(Object), objects);
                quote!(#types #constants #numbers #texts #arrays #objects)
            }
        };
        let parts = [
            typed,
            self.combinations(id, keywords),
            self.unevaluated(id, keywords),
        ];
        quote!(#(#parts)*)
    }
}

/// A schema that applies itself to the same value, which never comes to an end.
fn endless(model: &Model) -> Option<SchemaId> {
    let count = model.nodes.len();
    // 0 unseen, 1 on the path, 2 done.
    let mut state = vec![0_u8; count];
    for start in 0..count {
        if state[start] != 0 {
            continue;
        }
        let mut path = vec![(start, in_place(model, start), 0)];
        state[start] = 1;
        while let Some((node, children, next)) = path.last_mut() {
            if let Some(child) = children.get(*next).copied() {
                *next += 1;
                match state[child] {
                    0 => {
                        state[child] = 1;
                        path.push((child, in_place(model, child), 0));
                    }
                    1 => return Some(SchemaId(u32::try_from(child).unwrap_or_default())),
                    _ => {}
                }
            } else {
                state[*node] = 2;
                path.pop();
            }
        }
    }
    None
}

/// Schemas applied to the same value as this one.
fn in_place(model: &Model, node: usize) -> Vec<usize> {
    let NodeKind::Keywords(keywords) = &model.nodes[node].kind else {
        return Vec::new();
    };
    let Keywords {
        reference,
        dynamic_reference,
        object,
        all_of,
        any_of,
        one_of,
        not,
        condition,
        then,
        otherwise,
        ..
    } = &**keywords;
    let mut children: Vec<SchemaId> = Vec::new();
    children.extend(*reference);
    children.extend(
        dynamic_reference
            .as_ref()
            .map(|reference| reference.initial),
    );
    children.extend(object.dependent_schemas.values());
    children.extend(all_of.iter().chain(any_of).chain(one_of));
    children.extend([*not, *condition, *then, *otherwise].into_iter().flatten());
    children.into_iter().map(|id| id.0 as usize).collect()
}

/// The target of a schema that has a reference and no rule of its own.
pub(super) fn only_refers(model: &Model, id: SchemaId) -> Option<SchemaId> {
    let keywords = model.keywords(id)?;
    let target = keywords.reference?;
    let alone = subschemas(keywords) == [target]
        && asserts_nothing(keywords)
        && keywords.condition.is_none();
    alone.then_some(target)
}

fn asserts_nothing(keywords: &Keywords) -> bool {
    let Keywords {
        types,
        enumeration,
        constant,
        number,
        string,
        array,
        object,
        one_of,
        not,
        dynamic_reference,
        ..
    } = keywords;
    // An anchored dynamic reference may lead elsewhere than to its initial target.
    let is_fixed = dynamic_reference
        .as_ref()
        .is_none_or(|reference| reference.anchor.is_none());
    is_fixed
        && types.is_none()
        && enumeration.is_none()
        && constant.is_none()
        && number.minimum.is_none()
        && number.maximum.is_none()
        && number.exclusive_minimum.is_none()
        && number.exclusive_maximum.is_none()
        && number.multiple_of.is_none()
        && string.min_length.is_none()
        && string.max_length.is_none()
        && string.pattern.is_none()
        && array.contains.is_none()
        && array.min_items.is_none()
        && array.max_items.is_none()
        && !array.unique_items
        && object.required.is_empty()
        && object.min_properties.is_none()
        && object.max_properties.is_none()
        && object.dependent_required.is_empty()
        && one_of.is_empty()
        && not.is_none()
}

fn subschemas(keywords: &Keywords) -> Vec<SchemaId> {
    let Keywords {
        reference,
        dynamic_reference,
        array,
        object,
        all_of,
        any_of,
        then,
        otherwise,
        condition,
        ..
    } = keywords;
    let mut children: Vec<SchemaId> = Vec::new();
    children.extend(*reference);
    children.extend(
        dynamic_reference
            .as_ref()
            .map(|reference| reference.initial),
    );
    children.extend(&array.prefix_items);
    children.extend(array.items);
    children.extend(array.unevaluated_items);
    children.extend(object.properties.values());
    children.extend(object.pattern_properties.values());
    children.extend(object.additional_properties);
    children.extend(object.property_names);
    children.extend(object.dependent_schemas.values());
    children.extend(object.unevaluated_properties);
    children.extend(all_of);
    children.extend(any_of);
    children.extend(condition.and(*then));
    children.extend(condition.and(*otherwise));
    children
}
