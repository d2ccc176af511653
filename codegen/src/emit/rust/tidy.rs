//! Makes generated code read as written: nothing after a `return`, no unused names, no stray parentheses.
//!
//! Works on the syntax tree of a finished file, so the builders can put pieces together without looking left
//! and right. Changes form only, never what a function does.
use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::visit_mut::{self, VisitMut};

/// Tidies every item of a file.
pub(super) fn tidy(file: &mut syn::File) {
    Tidy.visit_file_mut(file);
    drop_unreachable(file);
}

/// Removes private functions and statics that nothing else refers to, directly or through others.
fn drop_unreachable(file: &mut syn::File) {
    let private = |item: &syn::Item| match item {
        syn::Item::Fn(function) if matches!(function.vis, syn::Visibility::Inherited) => {
            Some(function.sig.ident.to_string())
        }
        syn::Item::Static(value) if matches!(value.vis, syn::Visibility::Inherited) => {
            Some(value.ident.to_string())
        }
        _ => None,
    };
    let mut reached: BTreeSet<String> = BTreeSet::new();
    let mut seen = vec![false; file.items.len()];
    loop {
        let before = reached.len();
        for (item, seen) in file.items.iter().zip(&mut seen) {
            if !*seen && private(item).is_none_or(|name| reached.contains(&name)) {
                *seen = true;
                reached.extend(first_words(item.to_token_stream()));
            }
        }
        if reached.len() == before {
            break;
        }
    }
    let mut seen = seen.into_iter();
    file.items.retain(|_| seen.next().unwrap_or(true));
}

/// The words of code that stand alone or start a path: in `a::B`, only `a` needs an import.
pub(super) fn first_words(tokens: TokenStream) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    collect_words(tokens, &mut words);
    words
}

fn collect_words(tokens: TokenStream, words: &mut BTreeSet<String>) {
    let mut colons = 0;
    for token in tokens {
        match token {
            TokenTree::Ident(word) => {
                if colons < 2 {
                    words.insert(word.to_string());
                }
                colons = 0;
            }
            TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
            TokenTree::Group(group) => {
                collect_words(group.stream(), words);
                colons = 0;
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => colons = 0,
        }
    }
}

struct Tidy;

impl VisitMut for Tidy {
    fn visit_attribute_mut(&mut self, attribute: &mut syn::Attribute) {
        let syn::Meta::NameValue(pair) = &mut attribute.meta else {
            return;
        };
        if let syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(text),
            ..
        }) = &mut pair.value
            && pair.path.is_ident("doc")
        {
            *text = syn::LitStr::new(&printable(&text.value()), text.span());
        }
    }

    fn visit_block_mut(&mut self, block: &mut syn::Block) {
        visit_mut::visit_block_mut(self, block);
        let end = block
            .stmts
            .iter()
            .position(|statement| matches!(statement, syn::Stmt::Expr(syn::Expr::Return(_), _)));
        if let Some(end) = end {
            block.stmts.truncate(end + 1);
        }
        if let Some(syn::Stmt::Expr(value, None)) = block.stmts.last_mut() {
            without_parentheses(value);
        }
    }

    fn visit_item_fn_mut(&mut self, function: &mut syn::ItemFn) {
        visit_mut::visit_item_fn_mut(self, function);
        // The value of a function needs no `return`.
        if let Some(syn::Stmt::Expr(syn::Expr::Return(last), _)) = function.block.stmts.last()
            && let Some(value) = last.expr.clone()
        {
            function.block.stmts.pop();
            function.block.stmts.push(syn::Stmt::Expr(*value, None));
        }
        let used = first_words(function.block.to_token_stream());
        for input in &mut function.sig.inputs {
            if let syn::FnArg::Typed(argument) = input {
                hide_unused(&mut argument.pat, &used);
            }
        }
    }

    fn visit_expr_for_loop_mut(&mut self, looped: &mut syn::ExprForLoop) {
        visit_mut::visit_expr_for_loop_mut(self, looped);
        let used = first_words(looped.body.to_token_stream());
        hide_unused(&mut looped.pat, &used);
    }

    fn visit_arm_mut(&mut self, arm: &mut syn::Arm) {
        visit_mut::visit_arm_mut(self, arm);
        without_parentheses(&mut arm.body);
    }
}

fn without_parentheses(value: &mut syn::Expr) {
    if let syn::Expr::Paren(inner) = value {
        *value = (*inner.expr).clone();
    }
}

fn hide_unused(pattern: &mut syn::Pat, used: &BTreeSet<String>) {
    match pattern {
        syn::Pat::Ident(name) if !used.contains(&name.ident.to_string()) => {
            let text = name.ident.to_string();
            if !text.starts_with('_') {
                name.ident = Ident::new(&format!("_{text}"), name.ident.span());
            }
        }
        syn::Pat::Tuple(tuple) => {
            for element in &mut tuple.elems {
                hide_unused(element, used);
            }
        }
        _ => {}
    }
}

/// A doc line without characters that would end it or that the compiler refuses; tabs become spaces.
pub(super) fn printable(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' => result.push(' '),
            '\n' => result.push('\n'),
            '\r' => {}
            // Direction marks can make code look different from what it is.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                result.extend(character.escape_unicode());
            }
            control if control.is_control() => result.extend(control.escape_unicode()),
            other => result.push(other),
        }
    }
    result
}
