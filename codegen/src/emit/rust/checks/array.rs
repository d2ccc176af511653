//! Checks of arrays.
use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::Generator;
use crate::emit::rust::literals::{amount, counted};
use crate::model::{Keywords, SchemaId};

impl Generator<'_> {
    pub(super) fn array(&mut self, _id: SchemaId, keywords: &Keywords) -> TokenStream {
        let array = &keywords.array;
        let mut checks = Vec::new();
        if let Some(least) = array.min_items.filter(|least| *least > 0) {
            let expected = format!("at least {}", counted(least, "item"));
            let least = amount(least);
            checks.push(quote! {
                if value.len() < #least {
                    return at.reject("minItems", #expected);
                }
            });
        }
        if let Some(most) = array.max_items {
            let expected = format!("at most {}", counted(most, "item"));
            let most = amount(most);
            checks.push(quote! {
                if value.len() > #most {
                    return at.reject("maxItems", #expected);
                }
            });
        }
        if array.unique_items {
            checks.push(quote! {
                if !check::all_unique(value) {
                    return at.reject("uniqueItems", "items that all differ");
                }
            });
        }
        checks.push(self.items(keywords));
        checks.push(self.contains(keywords));
        checks.retain(|check| !check.is_empty());
        quote!(#(#checks)*)
    }

    fn items(&mut self, keywords: &Keywords) -> TokenStream {
        let array = &keywords.array;
        let (item, at) = (quote!(item), quote!(at.item(index)));
        let rest = array
            .items
            .map_or_else(TokenStream::new, |schema| self.call(schema, &item, &at));
        let prefix: Vec<TokenStream> = array
            .prefix_items
            .iter()
            .map(|schema| self.call(*schema, &item, &at))
            .collect();
        if prefix.iter().all(TokenStream::is_empty) && rest.is_empty() {
            return TokenStream::new();
        }
        if prefix.is_empty() {
            return quote! {
                for (index, item) in value.items().enumerate() {
                    #rest
                }
            };
        }
        let arms = prefix.iter().enumerate().map(|(index, call)| {
            let index = Literal::usize_unsuffixed(index);
            quote!(#index => { #call })
        });
        quote! {
            for (index, item) in value.items().enumerate() {
                match index {
                    #(#arms)*
                    _ => { #rest }
                }
            }
        }
    }

    fn contains(&mut self, keywords: &Keywords) -> TokenStream {
        let array = &keywords.array;
        let Some(schema) = array.contains else {
            return TokenStream::new();
        };
        let (least, most) = (array.min_contains.unwrap_or(1), array.max_contains);
        let count = if self.is_trivial(schema) {
            quote!(value.len())
        } else {
            let function = self.function(schema);
            quote!(value.items().enumerate().filter(|(index, item)| #function(*item, at.item(*index)).is_ok()).count())
        };
        let too_few = (least > 0).then(|| {
            let expected = format!(
                "at least {} that `contains` describes",
                counted(least, "item")
            );
            let least = amount(least);
            quote! {
                if matching < #least {
                    return at.reject("contains", #expected);
                }
            }
        });
        let too_many = most.map(|most| {
            let expected = format!(
                "at most {} that `contains` describes",
                counted(most, "item")
            );
            let most = amount(most);
            quote! {
                if matching > #most {
                    return at.reject("maxContains", #expected);
                }
            }
        });
        if too_few.is_none() && too_many.is_none() {
            return TokenStream::new();
        }
        quote! {
            let matching = #count;
            #too_few
            #too_many
        }
    }
}
