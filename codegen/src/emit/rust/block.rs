//! Generates the fact table's column buffers.
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::fact::{Column, Origin};
use crate::registry::manifest::{ColumnType, PayloadStorage};

/// The struct `Block` and its `FactBlock` implementation. `payload_type` is the payload column's whole type:
/// the encoder reads the typed paths from it.
#[must_use]
pub fn generate(columns: &[Column], payload_type: &str, table: &str) -> TokenStream {
    let sent: Vec<&Column> = columns
        .iter()
        .filter(|column| column.origin != Origin::Server)
        .collect();
    let fields = sent.iter().map(|column| {
        let name = format_ident!("{}", column.name);
        let doc = format!(" {}", column.description);
        let (kind, _) = buffer(column);
        quote!(#[doc = #doc] pub #name: #kind)
    });
    let specs = sent.iter().map(|column| {
        let name = &column.name;
        let sql = match column.origin {
            Origin::Payload(_) => payload_type.to_owned(),
            _ => column.kind.to_string(),
        };
        quote!((#name, #sql))
    });
    let references = sent.iter().map(|column| {
        let name = format_ident!("{}", column.name);
        let (_, variant) = buffer(column);
        quote!(ColumnRef::#variant(&self.#name))
    });
    let clears = sent.iter().map(|column| {
        let name = format_ident!("{}", column.name);
        quote!(self.#name.clear();)
    });
    let bytes = sent.iter().map(|column| {
        let name = format_ident!("{}", column.name);
        quote!(self.#name.byte_len())
    });
    let doc = format!(" Column buffers of `{table}`.");
    quote! {
        #[doc = #doc]
        #[derive(Debug, Default)]
        pub struct Block {
            #(#fields),*
        }

        impl FactBlock for Block {
            const COLUMNS: &'static [(&'static str, &'static str)] = &[#(#specs),*];

            fn rows(&self) -> usize {
                self.ts.len()
            }

            fn bytes(&self) -> usize {
                [#(#bytes),*].iter().sum()
            }

            fn clear(&mut self) {
                #(#clears)*
            }

            fn columns(&self) -> Vec<ColumnRef<'_>> {
                vec![#(#references),*]
            }
        }
    }
}

/// Buffer type and `ColumnRef` variant of a column.
fn buffer(column: &Column) -> (TokenStream, TokenStream) {
    let fixed = |kind: TokenStream, variant: TokenStream| (quote!(Fixed<#kind>), variant);
    match column.origin {
        Origin::Mapped(kind) => match kind {
            ColumnType::Bool => fixed(quote!(bool), quote!(Bool)),
            ColumnType::UInt8 => fixed(quote!(u8), quote!(UInt8)),
            ColumnType::UInt16 => fixed(quote!(u16), quote!(UInt16)),
            ColumnType::UInt32 => fixed(quote!(u32), quote!(UInt32)),
            ColumnType::UInt64 => fixed(quote!(u64), quote!(UInt64)),
            ColumnType::Int8 => fixed(quote!(i8), quote!(Int8)),
            ColumnType::Int16 => fixed(quote!(i16), quote!(Int16)),
            ColumnType::Int32 => fixed(quote!(i32), quote!(Int32)),
            ColumnType::Int64 => fixed(quote!(i64), quote!(Int64)),
            ColumnType::Float64 => fixed(quote!(f64), quote!(Float64)),
            ColumnType::String => (quote!(Text), quote!(String)),
            ColumnType::LowCardinalityString => (quote!(Text), quote!(LowCardinality)),
            ColumnType::DateTime64 => fixed(quote!(Millis), quote!(DateTime64)),
        },
        Origin::EventType | Origin::KafkaTopic => (quote!(Text), quote!(LowCardinality)),
        Origin::Timestamp | Origin::ReceivedAt => fixed(quote!(Millis), quote!(DateTime64)),
        Origin::SchemaVersion => fixed(quote!(u16), quote!(UInt16)),
        Origin::Payload(PayloadStorage::Json) => (quote!(JsonColumn), quote!(Json)),
        Origin::Payload(PayloadStorage::String) => (quote!(JsonTextColumn), quote!(JsonText)),
        Origin::Hash(_) | Origin::EventKey => fixed(quote!(u64), quote!(UInt64)),
        Origin::KafkaPartition => fixed(quote!(i32), quote!(Int32)),
        Origin::KafkaOffset => fixed(quote!(i64), quote!(Int64)),
        Origin::DedupeKey | Origin::Server => (quote!(Text), quote!(String)),
    }
}
