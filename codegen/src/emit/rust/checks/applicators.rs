//! Checks of keywords that combine schemas.
use proc_macro2::TokenStream;
use quote::quote;

use super::Generator;
use crate::model::{Keywords, SchemaId};

impl Generator<'_> {
    pub(super) fn combinations(&mut self, id: SchemaId, keywords: &Keywords) -> TokenStream {
        let (value, at) = (quote!(value), quote!(at));
        let mut checks = Vec::new();
        checks.extend(
            keywords
                .reference
                .map(|target| self.call(target, &value, &at)),
        );
        if let Some(reference) = &keywords.dynamic_reference {
            let target = self.dynamic_target(id, reference);
            checks.extend(target.map(|target| self.call(target, &value, &at)));
        }
        checks.extend(
            keywords
                .all_of
                .iter()
                .map(|schema| self.call(*schema, &value, &at)),
        );
        checks.push(self.any_of(keywords));
        checks.push(self.one_of_schemas(keywords));
        if let Some(schema) = keywords.not {
            if self.is_trivial(schema) {
                checks.push(quote!(return at.reject("not", "nothing is allowed here");));
            } else {
                let function = self.function(schema);
                checks.push(quote! {
                    if #function(value, at).is_ok() {
                        return at.reject("not", "anything but what `not` describes");
                    }
                });
            }
        }
        checks.push(self.conditional(keywords));
        quote!(#(#checks)*)
    }

    fn any_of(&mut self, keywords: &Keywords) -> TokenStream {
        let branches = keywords.any_of.clone();
        if branches.is_empty() || branches.iter().any(|branch| self.is_trivial(*branch)) {
            return TokenStream::new();
        }
        if let [only] = branches[..] {
            return self.call(only, &quote!(value), &quote!(at));
        }
        let functions = branches
            .iter()
            .map(|branch| self.function(*branch))
            .collect::<Vec<_>>();
        quote! {
            if #(#functions(value, at).is_err())&&* {
                return at.reject("anyOf", "a value that at least one branch of `anyOf` allows");
            }
        }
    }

    fn one_of_schemas(&mut self, keywords: &Keywords) -> TokenStream {
        if keywords.one_of.is_empty() {
            return TokenStream::new();
        }
        if let [only] = keywords.one_of[..] {
            return self.call(only, &quote!(value), &quote!(at));
        }
        let branches: Vec<TokenStream> = keywords
            .one_of
            .clone()
            .into_iter()
            .map(|branch| self.passes(branch))
            .collect();
        quote! {
            if [#(#branches),*].into_iter().filter(|passes| *passes).count() != 1 {
                return at.reject("oneOf", "a value that exactly one branch of `oneOf` allows");
            }
        }
    }

    fn conditional(&mut self, keywords: &Keywords) -> TokenStream {
        let Some(condition) = keywords.condition else {
            return TokenStream::new();
        };
        let (value, at) = (quote!(value), quote!(at));
        let then = keywords
            .then
            .map_or_else(TokenStream::new, |schema| self.call(schema, &value, &at));
        let otherwise = keywords
            .otherwise
            .map_or_else(TokenStream::new, |schema| self.call(schema, &value, &at));
        if self.is_trivial(condition) {
            return then;
        }
        let passes = self.passes(condition);
        match (then.is_empty(), otherwise.is_empty()) {
            (true, true) => TokenStream::new(),
            (false, true) => quote!(if #passes { #then }),
            (true, false) => quote!(if !#passes { #otherwise }),
            (false, false) => quote!(if #passes { #then } else { #otherwise }),
        }
    }
}
