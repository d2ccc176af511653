//! Checks of objects: one pass over the members, then what must be there.
use proc_macro2::TokenStream;
use quote::quote;

use super::Generator;
use crate::emit::rust::literals::{amount, counted};
use crate::model::{Keywords, NodeKind, SchemaId};

/// Required members are tracked in the bits of one word.
const TRACKED: usize = 64;

impl Generator<'_> {
    pub(super) fn object(&mut self, id: SchemaId, keywords: &Keywords) -> TokenStream {
        let object = &keywords.object;
        let mut checks = Vec::new();
        if let Some(least) = object.min_properties.filter(|least| *least > 0) {
            let expected = format!("at least {}", counted(least, "member"));
            let least = amount(least);
            checks.push(quote! {
                if value.len() < #least {
                    return at.reject("minProperties", #expected);
                }
            });
        }
        if let Some(most) = object.max_properties {
            let expected = format!("at most {}", counted(most, "member"));
            let most = amount(most);
            checks.push(quote! {
                if value.len() > #most {
                    return at.reject("maxProperties", #expected);
                }
            });
        }
        checks.push(self.members(id, keywords));
        for (name, needed) in &object.dependent_required {
            for other in needed {
                let expected = format!("`{other}` beside `{name}`");
                checks.push(quote! {
                    if value.get(#name).is_some() && value.get(#other).is_none() {
                        return at.reject("dependentRequired", #expected);
                    }
                });
            }
        }
        for (name, schema) in &object.dependent_schemas {
            let call = self.call(*schema, &quote!(value), &quote!(at));
            if !call.is_empty() {
                checks.push(quote! {
                    if value.get(#name).is_some() {
                        #call
                    }
                });
            }
        }
        checks.retain(|check| !check.is_empty());
        quote!(#(#checks)*)
    }

    fn members(&mut self, id: SchemaId, keywords: &Keywords) -> TokenStream {
        let object = &keywords.object;
        let mut required = object.required.clone();
        required.sort();
        required.dedup();
        let tracked = if required.len() <= TRACKED {
            required.clone()
        } else {
            Vec::new()
        };
        let (member, at_member) = (quote!(member), quote!(at.member(name)));
        let names_check = object
            .property_names
            .map_or_else(TokenStream::new, |schema| self.property_name(schema));
        let mut patterns = Vec::new();
        for (pattern, schema) in &object.pattern_properties {
            let call = self.call(*schema, &member, &at_member);
            if let Some(matcher) = self.pattern(id, "patternProperties", pattern) {
                patterns.push((matcher, call));
            }
        }
        let additional = object.additional_properties.map_or_else(TokenStream::new, |schema| {
            match self.model.node(schema).kind {
                NodeKind::Bool(false) => quote!(return at.reject("additionalProperties", "only the declared members");),
                NodeKind::Bool(true) | NodeKind::Keywords(_) => self.call(schema, &member, &at_member),
            }
        });
        let mut names: Vec<&String> = object.properties.keys().collect();
        names.extend(
            tracked
                .iter()
                .filter(|name| !object.properties.contains_key(*name)),
        );
        let mut arms = Vec::new();
        for name in names {
            let declared = object.properties.get(name);
            let call = declared.map_or_else(TokenStream::new, |schema| {
                self.call(*schema, &member, &at_member)
            });
            let seen = tracked.iter().position(|other| other == name).map(|bit| {
                let bit = amount(1 << bit);
                quote!(seen |= #bit;)
            });
            let undeclared =
                (declared.is_none() && patterns.is_empty()).then(|| additional.clone());
            if !additional.is_empty() || !patterns.is_empty() || seen.is_some() || !call.is_empty()
            {
                let known = (!patterns.is_empty() && !additional.is_empty()).then(|| {
                    let known = declared.is_some();
                    quote!(#known)
                });
                let alone = seen.is_none() && undeclared.is_none() && known.is_none();
                arms.push(match (declared, alone) {
                    (Some(schema), true) if !call.is_empty() => {
                        let function = self.function(self.referred(*schema));
                        quote!(#name => #function(#member, #at_member)?,)
                    }
                    _ => quote!(#name => { #seen #call #undeclared #known }),
                });
            }
        }
        let pattern_checks: Vec<TokenStream> = patterns
            .iter()
            .map(|(matcher, call)| {
                let mark = (!additional.is_empty()).then(|| quote!(known = true;));
                quote! {
                    if #matcher.matches(name) {
                        #mark
                        #call
                    }
                }
            })
            .collect();
        let dispatch = match (patterns.is_empty(), additional.is_empty()) {
            (true, true) if arms.is_empty() => TokenStream::new(),
            (true, true) => quote!(match name { #(#arms)* _ => {} }),
            (true, false) if arms.is_empty() => additional,
            (true, false) => quote!(match name { #(#arms)* _ => { #additional } }),
            (false, true) if arms.is_empty() => quote!(#(#pattern_checks)*),
            (false, true) => quote!(match name { #(#arms)* _ => {} } #(#pattern_checks)*),
            (false, false) => {
                let declared = if arms.is_empty() {
                    quote!(let mut known = false;)
                } else {
                    quote!(let mut known = match name { #(#arms)* _ => false };)
                };
                quote! {
                    #declared
                    #(#pattern_checks)*
                    if !known {
                        #additional
                    }
                }
            }
        };
        let uses_member = dispatch.to_string().contains("member");
        let body = quote!(#names_check #dispatch);
        let walk = if body.is_empty() {
            TokenStream::new()
        } else if uses_member {
            quote!(for (name, member) in value.members() { #body })
        } else {
            quote!(for (name, _) in value.members() { #body })
        };
        let start = (!tracked.is_empty()).then(|| quote!(let mut seen = 0_u64;));
        let missing = required.iter().enumerate().map(|(bit, name)| {
            let expected = format!("the member `{name}`");
            let absent = if tracked.is_empty() {
                quote!(value.get(#name).is_none())
            } else {
                let bit = amount(1 << bit);
                quote!(seen & #bit == 0)
            };
            quote! {
                if #absent {
                    return at.reject("required", #expected);
                }
            }
        });
        quote!(#start #walk #(#missing)*)
    }

    /// `propertyNames` sees each name as a text.
    fn property_name(&mut self, schema: SchemaId) -> TokenStream {
        if self.is_trivial(schema) {
            return TokenStream::new();
        }
        let function = self.function(schema);
        quote! {
            if Json::with_text(name, |name| #function(name, at)).is_err() {
                return at.reject("propertyNames", "only names that `propertyNames` allows");
            }
        }
    }
}
