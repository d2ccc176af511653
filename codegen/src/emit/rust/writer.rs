//! Generates a version's row writer, and the functions for its record key, deduplication key and identity.
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::literals::literal;
use crate::fact::{Column, Origin};
use crate::registry::manifest::{ColumnType, PayloadStorage};
use crate::registry::{ColumnMapping, Envelope, TemplatePart, TopicVersion};

/// The functions `key`, `dedupe_key`, `identify` and `write` of a version; `order_by` are the sorting columns.
#[must_use]
pub fn generate(
    columns: &[Column],
    order_by: &[String],
    envelope: &Envelope,
    topic: &str,
    version: &TopicVersion,
) -> TokenStream {
    let key = lookup(&quote!(event), &version.key);
    let parts = version.dedupe_key.iter().map(|part| match part {
        TemplatePart::Text(text) => quote!(out.push_str(#text);),
        TemplatePart::Pointer(pointer) => {
            let value = lookup(&quote!(event), pointer);
            quote! {
                if !row::append_scalar(#value, out) {
                    return Err(#pointer);
                }
            }
        }
    });
    let mut conditional = Vec::new();
    let mut pushes = Vec::new();
    for (index, column) in columns.iter().enumerate() {
        let field = format_ident!("{}", column.name);
        let value = match column.origin {
            Origin::Server => continue,
            Origin::EventType => quote!(#topic),
            Origin::Timestamp => quote!(row.timestamp),
            Origin::SchemaVersion => quote!(u16::try_from(row.schema_version).unwrap_or(u16::MAX)),
            Origin::Payload(PayloadStorage::Json) => quote!(row.payload),
            Origin::Payload(PayloadStorage::String) => quote!(row.compact_payload()),
            Origin::DedupeKey => quote!(row.dedupe_key),
            Origin::EventKey => quote!(row.event_key),
            Origin::ReceivedAt => quote!(row.received_at),
            Origin::KafkaTopic => quote!(row.topic),
            Origin::KafkaPartition => quote!(row.partition),
            Origin::KafkaOffset => quote!(row.offset),
            Origin::Mapped(kind) => {
                let (before, value) = mapped(&column.name, kind, envelope, version);
                conditional.extend(before);
                value
            }
            Origin::Hash(source) => {
                let source = columns
                    .get(source)
                    .map_or(&columns[index].name, |column| &column.name);
                let kind = columns
                    .iter()
                    .find(|column| column.name == *source)
                    .map(|column| column.origin);
                let value = match kind {
                    Some(Origin::Mapped(kind)) => mapped(source, kind, envelope, version).1,
                    _ => quote!(row.topic),
                };
                quote!(row.keyed_hash(&#value))
            }
        };
        pushes.push(quote!(block.#field.push(#value);));
    }
    let record_key = lookup(&quote!(row.event), &version.key);
    let sorting = order_by.iter().filter_map(|name| {
        let column = columns.iter().find(|column| column.name == *name)?;
        identifying(column, envelope, version)
    });
    quote! {
        /// Appends the record key.
        pub(crate) fn key(event: Json<'_>, out: &mut Vec<u8>) -> bool {
            row::append_key(#key, out)
        }

        /// Appends the deduplication key; the pointer of a missing part as error.
        pub(crate) fn dedupe_key(event: Json<'_>, out: &mut String) -> Result<(), &'static str> {
            #(#parts)*
            Ok(())
        }

        /// Appends what makes the event one beside topic and deduplication key: record key and sorting columns.
        pub(crate) fn identify(row: &Row<'_>, out: &mut Vec<u8>) {
            row::identify_key(#record_key, out);
            #(#sorting)*
        }

        /// Writes a checked event into the fact table's columns.
        pub(crate) fn write(row: &Row<'_>, block: &mut Block) -> Result<(), Violation> {
            #(#conditional)*
            #(#pushes)*
            Ok(())
        }
    }
}

/// The statements that append a sorting column to an event's identity. The topic is in it anyway, and a hash says
/// nothing that its column does not; what arrival adds is no part of an event.
fn identifying(
    column: &Column,
    envelope: &Envelope,
    version: &TopicVersion,
) -> Option<TokenStream> {
    match column.origin {
        Origin::Mapped(kind) => {
            let (before, value) = mapped(&column.name, kind, envelope, version);
            Some(quote!(#before row::identify(&#value, out);))
        }
        Origin::Timestamp => Some(quote!(row::identify(&row.timestamp, out);)),
        Origin::Server if column.name == "event_date" => {
            Some(quote!(row::identify(&row.timestamp.day(), out);))
        }
        Origin::SchemaVersion => Some(quote!(row::identify(&row.schema_version, out);)),
        Origin::Server
        | Origin::EventType
        | Origin::Payload(_)
        | Origin::DedupeKey
        | Origin::EventKey
        | Origin::Hash(_)
        | Origin::ReceivedAt
        | Origin::KafkaTopic
        | Origin::KafkaPartition
        | Origin::KafkaOffset => None,
    }
}

/// The field that lands in a column, the version's own first.
fn mapping<'r>(
    name: &str,
    envelope: &'r Envelope,
    version: &'r TopicVersion,
) -> Option<&'r ColumnMapping> {
    let mut mappings = version.columns.iter().chain(&envelope.columns);
    mappings.find(|mapping| mapping.column == name)
}

/// What comes first, and the value, of a mapped column; the type's zero where nothing maps to it.
fn mapped(
    name: &str,
    kind: ColumnType,
    envelope: &Envelope,
    version: &TopicVersion,
) -> (Option<TokenStream>, TokenStream) {
    let Some(mapping) = mapping(name, envelope, version) else {
        return (None, zero(kind));
    };
    let (before, value) = source(mapping, envelope);
    match kind {
        ColumnType::UInt8 | ColumnType::UInt16 | ColumnType::UInt32 | ColumnType::UInt64 => {
            let rust = match kind {
                ColumnType::UInt8 => quote!(u8),
                ColumnType::UInt16 => quote!(u16),
                ColumnType::UInt32 => quote!(u32),
                _ => quote!(u64),
            };
            (before, quote!(row::unsigned::<#rust>(#value)))
        }
        ColumnType::Int8 | ColumnType::Int16 | ColumnType::Int32 | ColumnType::Int64 => {
            let rust = match kind {
                ColumnType::Int8 => quote!(i8),
                ColumnType::Int16 => quote!(i16),
                ColumnType::Int32 => quote!(i32),
                _ => quote!(i64),
            };
            if mapping.source.negate {
                (before, quote!(row::signed::<#rust>(#value).wrapping_neg()))
            } else {
                (before, quote!(row::signed::<#rust>(#value)))
            }
        }
        ColumnType::Float64 if mapping.source.negate => (before, quote!(-row::float(#value))),
        ColumnType::Float64 => (before, quote!(row::float(#value))),
        ColumnType::Bool => (before, quote!(row::boolean(#value))),
        ColumnType::String | ColumnType::LowCardinalityString => {
            (before, quote!(row::text(#value)))
        }
        ColumnType::DateTime64 => (before, quote!(row::time(#value))),
    }
}

fn zero(kind: ColumnType) -> TokenStream {
    match kind {
        ColumnType::Bool => quote!(false),
        ColumnType::Float64 => quote!(0.0),
        ColumnType::String | ColumnType::LowCardinalityString => quote!(""),
        ColumnType::DateTime64 => quote!(Millis::default()),
        ColumnType::UInt8
        | ColumnType::UInt16
        | ColumnType::UInt32
        | ColumnType::UInt64
        | ColumnType::Int8
        | ColumnType::Int16
        | ColumnType::Int32
        | ColumnType::Int64 => quote!(0),
    }
}

/// The value a mapping names, bound to a variable first where a condition may leave it out.
fn source(mapping: &ColumnMapping, envelope: &Envelope) -> (Option<TokenStream>, TokenStream) {
    let value = in_row(&mapping.source.from, envelope);
    if mapping.source.when.is_empty() {
        return (None, value);
    }
    let variable = format_ident!("{}", mapping.column);
    let conditions = mapping.source.when.iter().map(|when| {
        let field = in_row(&when.field, envelope);
        match when.equals.as_str() {
            Some(text) => quote!(row::text(#field) == #text),
            None => {
                let constant = literal(&when.equals);
                quote!(#field.is_some_and(|value| check::is_literal(value, &#constant)))
            }
        }
    });
    (
        Some(quote!(let #variable = #value.filter(|_| #(#conditions)&&*);)),
        quote!(#variable),
    )
}

fn in_row(pointer: &str, envelope: &Envelope) -> TokenStream {
    let prefix = format!("/{}/", crate::model::escape(&envelope.fields.payload));
    match pointer.strip_prefix(&prefix) {
        Some(rest) => lookup(&quote!(row.payload), &format!("/{rest}")),
        None => lookup(&quote!(row.event), pointer),
    }
}

/// `value.get("a")` or `value.at(&["a", "b"])`.
fn lookup(value: &TokenStream, pointer: &str) -> TokenStream {
    let tokens: Vec<String> = pointer
        .split('/')
        .skip(1)
        .map(crate::model::unescape)
        .collect();
    match &tokens[..] {
        [name] => quote!(#value.get(#name)),
        names => quote!(#value.at(&[#(#names),*])),
    }
}
