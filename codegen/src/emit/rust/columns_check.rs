//! Generates the check of what columns demand beside a schema, so that whoever checks an event, a producer as well as
//! a worker, refuses the same.
use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::checks::Checks;
use crate::registry::demands::Demands;

/// The name of a schema's check as readers make it, and the function where there has to be one. Names of checks of
/// schemas begin with `check`, so this one is free.
pub(super) fn generate(
    checks: &Checks,
    demands: impl Iterator<Item = String>,
) -> (Ident, TokenStream) {
    let schema = &checks.root;
    let times: Vec<TokenStream> = demands.map(|pointer| time(&pointer)).collect();
    if times.is_empty() {
        return (schema.clone(), TokenStream::new());
    }
    let name = quote::format_ident!("fits_columns");
    let function = quote! {
        /// The schema's check, and what columns demand of the fields that fill them.
        fn #name(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
            #schema(value, at)?;
            #(#times)*
            Ok(())
        }
    };
    (name, function)
}

/// What is demanded of an envelope by its columns; the event's time is read, and refused, by whoever takes events.
pub(super) fn of_envelope(demands: &Demands, timestamp: &str) -> impl Iterator<Item = String> {
    let time = format!("/{}", crate::model::escape(timestamp));
    demands
        .times()
        .filter(move |pointer| *pointer != time)
        .map(str::to_owned)
}

/// The check that the text behind a pointer is a time.
fn time(pointer: &str) -> TokenStream {
    let names: Vec<String> = pointer
        .split('/')
        .skip(1)
        .map(crate::model::unescape)
        .collect();
    match &names[..] {
        [name] => quote!(check::is_time(value.get(#name), at.member(#name))?;),
        names => quote!(check::is_time(value.at(&[#(#names),*]), at #(.member(#names))*)?;),
    }
}
