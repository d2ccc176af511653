//! Checks of types, constants, numbers and texts.
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use serde_json::{Number, Value};

use super::Generator;
use crate::emit::rust::literals::{amount, counted, decimal, literal, number};
use crate::model::{Keywords, SchemaId, TypeSet};

/// The check of `type`.
pub(super) fn types(keywords: &Keywords) -> TokenStream {
    let Some(types) = keywords.types else {
        return TokenStream::new();
    };
    if types.is_empty() {
        return quote!(return at.reject("type", "nothing is allowed here"););
    }
    let has = |kind: TypeSet| types.0 & kind.0 != 0;
    let mut kinds = Vec::new();
    let mut words = Vec::new();
    let mut add = |kind: TypeSet, tokens: TokenStream, word: &'static str| {
        if has(kind) {
            kinds.push(tokens);
            words.push(word);
        }
    };
    add(TypeSet::NULL, quote!(Kind::Null), "null");
    add(TypeSet::BOOLEAN, quote!(Kind::Bool(_)), "a boolean");
    add(TypeSet::NUMBER, quote!(Kind::Number(_)), "a number");
    add(TypeSet::STRING, quote!(Kind::String(_)), "a string");
    add(TypeSet::ARRAY, quote!(Kind::Array), "an array");
    add(TypeSet::OBJECT, quote!(Kind::Object), "an object");
    let integer = has(TypeSet::INTEGER) && !has(TypeSet::NUMBER);
    if integer {
        words.push("an integer");
    }
    let expected = words.join(" or ");
    let condition = match (kinds.is_empty(), integer) {
        (true, _) => quote!(!value.as_number().is_some_and(Number::is_integer)),
        (false, false) => quote!(!matches!(value.kind(), #(#kinds)|*)),
        (false, true) => {
            quote!(
                !matches!(value.kind(), #(#kinds)|*)
                    && !value.as_number().is_some_and(Number::is_integer)
            )
        }
    };
    quote! {
        if #condition {
            return at.reject("type", #expected);
        }
    }
}

/// Texts of an error message stay short.
const LONGEST_LIST: usize = 120;

/// Why a pattern cannot be matched in time linear in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPattern {
    /// Lookaround, backreferences, or no ECMA-262 pattern.
    NoLinearForm,
    /// Its automaton takes more memory than a pattern may.
    TooLarge,
}

/// A pattern in the regex crate's syntax; tried here, so that a generated pattern always compiles.
pub(super) fn translated(pattern: &str) -> Result<std::borrow::Cow<'_, str>, NoPattern> {
    let source = jsonschema_regex::to_rust_regex(pattern).map_err(|_| NoPattern::NoLinearForm)?;
    match regex::Regex::new(&source) {
        Ok(_) => Ok(source),
        Err(regex::Error::CompiledTooBig(_)) => Err(NoPattern::TooLarge),
        Err(_) => Err(NoPattern::NoLinearForm),
    }
}

impl Generator<'_> {
    /// The checks of `const` and `enum`.
    pub(super) fn constants(&mut self, keywords: &Keywords) -> TokenStream {
        let constant = keywords
            .constant
            .as_ref()
            .map(|value| self.one_of("const", std::slice::from_ref(value)));
        let listed = keywords
            .enumeration
            .as_ref()
            .map(|values| self.one_of("enum", values));
        quote!(#constant #listed)
    }

    fn one_of(&mut self, keyword: &'static str, values: &[Value]) -> TokenStream {
        let list = values
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        let expected = match (keyword, list.len() <= LONGEST_LIST) {
            ("const", true) => format!("the constant {list}"),
            ("const", false) => "the schema's constant".to_owned(),
            (_, true) => format!("one of {list}"),
            (_, false) => "one of the schema's constants".to_owned(),
        };
        let texts: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
        let condition = match texts {
            Some(texts) if !texts.is_empty() => {
                quote!(!matches!(value.as_str(), Some(#(#texts)|*)))
            }
            _ => {
                let literals = values.iter().map(literal);
                quote!(![#(#literals),*].iter().any(|literal| check::is_literal(value, literal)))
            }
        };
        if values.is_empty() {
            return quote!(return at.reject(#keyword, "nothing is allowed here"););
        }
        quote! {
            if #condition {
                return at.reject(#keyword, #expected);
            }
        }
    }

    /// The checks of numeric bounds.
    pub(super) fn numbers(&mut self, id: SchemaId, keywords: &Keywords) -> TokenStream {
        let bounds = &keywords.number;
        let mut checks = Vec::new();
        let mut bound =
            |keyword: &'static str, bound: &Option<Number>, outside: TokenStream, words: &str| {
                if let Some(bound) = bound {
                    let expected = format!("{words} {bound}");
                    let bound = number(bound);
                    checks.push(quote! {
                        if check::compare(number, #bound).#outside() {
                            return at.reject(#keyword, #expected);
                        }
                    });
                }
            };
        bound("minimum", &bounds.minimum, quote!(is_lt), "at least");
        bound("maximum", &bounds.maximum, quote!(is_gt), "at most");
        bound(
            "exclusiveMinimum",
            &bounds.exclusive_minimum,
            quote!(is_le),
            "above",
        );
        bound(
            "exclusiveMaximum",
            &bounds.exclusive_maximum,
            quote!(is_ge),
            "below",
        );
        if let Some(step) = &bounds.multiple_of {
            match decimal(step) {
                Some((mantissa, scale)) => {
                    let mantissa = proc_macro2::Literal::u64_unsuffixed(mantissa);
                    let scale = proc_macro2::Literal::u32_unsuffixed(scale);
                    let expected = format!("a multiple of {step}");
                    checks.push(quote! {
                        if !check::is_multiple(number, #mantissa, #scale) {
                            return at.reject("multipleOf", #expected);
                        }
                    });
                }
                None => self.refuse(
                    id,
                    "multipleOf",
                    format!("multiples of {step} cannot be computed exactly"),
                    "use a step with at most 19 digits",
                ),
            }
        }
        quote!(#(#checks)*)
    }

    /// The checks of lengths and patterns.
    pub(super) fn texts(&mut self, id: SchemaId, keywords: &Keywords) -> TokenStream {
        let string = &keywords.string;
        let mut checks = Vec::new();
        if let Some(length) = string.min_length.filter(|length| *length > 0) {
            let expected = format!("at least {}", counted(length, "character"));
            let length = amount(length);
            checks.push(quote! {
                if check::is_shorter(text, #length) {
                    return at.reject("minLength", #expected);
                }
            });
        }
        if let Some(length) = string.max_length {
            let expected = format!("at most {}", counted(length, "character"));
            let length = amount(length);
            checks.push(quote! {
                if check::is_longer(text, #length) {
                    return at.reject("maxLength", #expected);
                }
            });
        }
        if let Some(pattern) = &string.pattern
            && let Some(matcher) = self.pattern(id, "pattern", pattern)
        {
            let expected = format!("text matching {pattern}");
            checks.push(quote! {
                if !#matcher.matches(text) {
                    return at.reject("pattern", #expected);
                }
            });
        }
        quote!(#(#checks)*)
    }

    /// A static for a pattern, translated to the regex crate's syntax.
    pub(super) fn pattern(&mut self, id: SchemaId, keyword: &str, pattern: &str) -> Option<Ident> {
        let source = match translated(pattern) {
            Ok(source) => source,
            Err(NoPattern::NoLinearForm) => {
                self.refuse(
                    id,
                    keyword,
                    format!("the pattern `{pattern}` has no linear-time form (lookaround, backreference, or not a valid ECMA-262 pattern)"),
                    "rewrite it without lookaround and backreferences, or split it with allOf / not",
                );
                return None;
            }
            Err(NoPattern::TooLarge) => {
                let (message, fix) = (
                    format!(
                        "the pattern `{pattern}` is too large: each repetition that it counts is a copy in the automaton that matches it"
                    ),
                    "say the length by `minLength` and `maxLength`, and repeat with `*` or `+`",
                );
                self.refuse(id, keyword, message, fix);
                return None;
            }
        };
        let wish = format!(
            "{}_pattern",
            self.functions
                .get(&id)
                .map_or_else(String::new, ToString::to_string)
        )
        .to_uppercase();
        // A name that begins with a digit is none: `2fa_code` keeps its prefix.
        let short = wish
            .strip_prefix("CHECK_")
            .filter(|short| !short.starts_with(|first: char| first.is_ascii_digit()));
        let name = self.free_name(short.unwrap_or(&wish));
        let source = source.as_ref();
        self.statics
            .push(quote!(static #name: Pattern = Pattern::new(#source);));
        Some(name)
    }
}
