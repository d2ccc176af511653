//! Emits what the crate has once: envelope check, fact block, topic list, registry, manifest, binary.
use quote::{format_ident, quote};

use super::checks::Checks;
use super::names::pascal;
use super::source::{content_hash, file, with_modules};
use super::topic::Summary;
use super::{DayFiles, EmittedFile, SqlFile, block, columns_check};
use crate::clickhouse::{ClosingMethod, Definition, print};
use crate::emit::clickhouse::OWN_TABLES;
use crate::emit::clickhouse::payload;
use crate::fact::Column;
use crate::registry::{Envelope, Registry};

pub(super) fn envelope(registry: &Registry, checks: &Checks) -> EmittedFile {
    let Envelope {
        demands, fields, ..
    } = &registry.envelope;
    let demands = columns_check::of_envelope(demands, &fields.timestamp);
    let (root, fits) = columns_check::generate(checks, demands);
    let items = &checks.items;
    let body = quote! {
        /// The envelope's check.
        pub(crate) const CHECK: Check = #root;
        #fits
        #items
    };
    let hash = content_hash(&registry.envelope.document.value);
    file(
        "envelope.rs",
        "The event envelope.",
        Some((&registry.envelope.path, &hash)),
        &[],
        &body,
    )
}

pub(super) fn fact(registry: &Registry, columns: &[Column]) -> EmittedFile {
    let table = &registry.manifest.clickhouse.table;
    let hash = content_hash(&serde_json::json!(registry.manifest));
    let doc = format!("The fact table `{table}`.");
    file(
        "fact.rs",
        &doc,
        Some(("registry.toml", &hash)),
        &[],
        &block::generate(
            columns,
            &payload::column_type(registry, registry.manifest.clickhouse.payload).to_string(),
            table,
        ),
    )
}

pub(super) fn topics(topics: &[Summary]) -> EmittedFile {
    let names: Vec<_> = topics
        .iter()
        .map(|topic| format_ident!("{}", topic.name))
        .collect();
    let modules: Vec<_> = topics
        .iter()
        .map(|topic| format_ident!("{}", topic.module))
        .collect();
    let texts: Vec<_> = topics.iter().map(|topic| &topic.topic).collect();
    let docs = topics
        .iter()
        .map(|topic| format!(" `{}`: {}", topic.topic, topic.description));
    let body = quote! {
        #(pub use #modules::#names;)*

        /// Any event of the registry.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Event {
            #(#[doc = #docs] #names(#names)),*
        }

        impl Event {
            /// Checks a payload and builds its typed value.
            ///
            /// # Errors
            /// Topic or version is unknown, or the schema rejects the payload.
            pub fn read(topic: &str, version: u32, payload: Json<'_>) -> Result<Self, ReadError> {
                match topic {
                    #(#texts => #names::read(version, payload).map(Self::#names),)*
                    _ => Err(ReadError::UnknownTopic(topic.to_owned())),
                }
            }
        }
    };
    let emitted = file(
        "topics/mod.rs",
        "Every topic's types, and the enum over them.",
        None,
        &[],
        &body,
    );
    let modules: String = topics
        .iter()
        .map(|topic| format!("pub mod {};\n", topic.module))
        .collect();
    with_modules(emitted, &modules)
}

pub(super) fn registry(
    registry: &Registry,
    topics: &[Summary],
    tables: &[SqlFile],
    kpis: &[SqlFile],
    days: Option<&DayFiles>,
) -> EmittedFile {
    let manifest = &registry.manifest;
    let marker = marker(registry);
    let (name, database, table) = (
        &manifest.project.name,
        &manifest.clickhouse.database,
        &manifest.clickhouse.table,
    );
    let sorting_key = &manifest.clickhouse.order_by;
    let fields = &registry.envelope.fields;
    let (event_type, schema_version, event_id) =
        (&fields.event_type, &fields.schema_version, &fields.event_id);
    let (timestamp, payload, dedupe_key) = (&fields.timestamp, &fields.payload, &fields.dedupe_key);
    let needs_hash_key = !manifest.privacy.hash.is_empty();
    let statement = |file: &SqlFile| {
        let (name, path) = (&file.name, format!("../{}", file.path));
        let places = file.databases.iter();
        let places = places.map(|(start, end)| {
            let [start, end] = [start, end].map(|place| usize_literal(*place));
            quote!((#start, #end))
        });
        let common = quote!(#name, include_str!(#path), &[#(#places),*]);
        match &file.definition {
            Some(Definition::Database(_)) => quote!(Statement::database(#common)),
            Some(Definition::Table(table)) => {
                let (engine, clauses) = (table.engine.name(), print::clauses(table));
                quote!(Statement::table(#common, #engine, #clauses))
            }
            Some(Definition::MaterializedView(view)) => {
                let target = print::table_name(&view.target);
                let query = print::select(&view.select).sql;
                quote!(Statement::materialized_view(#common, #target, #query))
            }
            Some(Definition::View(_)) => quote!(Statement::view(#common)),
            None => quote!(Statement::query(#common)),
        }
    };
    let days = closed_days(registry, days);
    let tables = tables.iter().map(statement);
    let kpis = kpis.iter().map(statement);
    let entries = registry.topics.iter().zip(topics).map(|(topic, summary)| {
        let module = format_ident!("{}", summary.module);
        let (name, dlq) = (&topic.name, topic.dlq());
        let partitions = proc_macro2::Literal::u32_unsuffixed(topic.partitions);
        let replication = proc_macro2::Literal::u16_unsuffixed(manifest.kafka.replication_factor);
        let pairs = |settings: Vec<(String, String)>| {
            let (keys, values): (Vec<_>, Vec<_>) = settings.into_iter().unzip();
            quote!(&[#((#keys, #values)),*])
        };
        let config = pairs(crate::topic_settings::settings(registry, topic));
        let dlq_config = pairs(crate::topic_settings::dlq_settings(registry));
        let reads_newer = topic.manifest.compatibility.promises_forward();
        let types: Vec<_> = summary
            .versions
            .iter()
            .map(|_| format_ident!("{}", summary.name))
            .collect();
        let versions: Vec<_> = summary
            .versions
            .iter()
            .map(|number| format_ident!("v{number}"))
            .collect();
        let numbers = summary
            .versions
            .iter()
            .map(|number| proc_macro2::Literal::u32_unsuffixed(*number));
        let schema_ids = topic
            .versions
            .iter()
            .map(|version| content_hash(&version.document.value));
        quote! {
            Topic {
                name: #name,
                dlq: #dlq,
                partitions: #partitions,
                replication_factor: #replication,
                config: #config,
                dlq_config: #dlq_config,
                versions: &[#(Version {
                    number: #numbers,
                    schema_id: #schema_ids,
                    check: <topics::#module::#versions::#types as Payload>::CHECK,
                    key: topics::#module::#versions::key,
                    dedupe_key: topics::#module::#versions::dedupe_key,
                    identify: topics::#module::#versions::identify,
                    write: topics::#module::#versions::write,
                }),*],
                reads_newer: #reads_newer,
            }
        }
    });
    let doc = format!(" The `{name}` registry, compiled.");
    let body = quote! {
        #[doc = #doc]
        #[derive(Clone, Copy, Debug)]
        pub struct #marker;

        impl EventRegistry for #marker {
            type Block = Block;

            const PROJECT: Project = Project {
                name: #name,
                database: #database,
                fact_table: #table,
                sorting_key: &[#(#sorting_key,)* "event_key"],
                envelope: EnvelopeFields {
                    event_type: #event_type,
                    schema_version: #schema_version,
                    event_id: #event_id,
                    timestamp: #timestamp,
                    payload: #payload,
                    dedupe_key: #dedupe_key,
                },
                needs_hash_key: #needs_hash_key,
                tables: &[#(#tables),*],
                kpis: &[#(#kpis),*],
                days: #days,
                plan: include_str!("../plan.json"),
            };

            const CHECK_ENVELOPE: Check = crate::envelope::CHECK;

            const TOPICS: &'static [Topic<Block>] = &[#(#entries),*];
        }
    };
    let hash = content_hash(&serde_json::json!(manifest));
    file(
        "registry.rs",
        "The compiled registry: what the runtime knows.",
        Some(("registry.toml", &hash)),
        &["crate::fact::Block", "crate::topics"],
        &body,
    )
}

/// `Some(Days { … })`, or `None` where no view keeps days.
fn closed_days(registry: &Registry, days: Option<&DayFiles>) -> proc_macro2::TokenStream {
    let Some(days) = days else {
        return quote!(None);
    };
    let embedded = |file: &SqlFile| {
        let path = format!("../{}", file.path);
        quote!(include_str!(#path))
    };
    let clickhouse = &registry.manifest.clickhouse;
    let unsuffixed = proc_macro2::Literal::u32_unsuffixed;
    let (late_days, retention_days) = (
        unsuffixed(clickhouse.late_days),
        unsuffixed(clickhouse.retention_days),
    );
    let [ledger, _, watermarks] = OWN_TABLES;
    let [fill, complete, mark_copies] =
        [&days.fill, &days.complete, &days.mark_copies].map(embedded);
    let views = days.views.iter().map(|(closing, file)| {
        let (name, table, query) = (&closing.view, &closing.target.table, embedded(file));
        let replaces_day = matches!(closing.method, ClosingMethod::ReplacePartition);
        let columns = closing.select.columns.iter().map(|column| &column.name);
        quote! {
            ClosedView {
                name: #name,
                table: #table,
                query: #query,
                columns: &[#(#columns),*],
                replaces_day: #replaces_day,
            }
        }
    });
    quote! {
        Some(Days {
            ledger: #ledger,
            watermarks: #watermarks,
            fill: #fill,
            complete: #complete,
            mark_copies: #mark_copies,
            views: &[#(#views),*],
            late_days: #late_days,
            retention_days: #retention_days,
        })
    }
}

fn usize_literal(number: usize) -> proc_macro2::Literal {
    proc_macro2::Literal::usize_unsuffixed(number)
}

fn marker(registry: &Registry) -> proc_macro2::Ident {
    format_ident!("{}", pascal(&registry.manifest.project.crate_name))
}

/// Manifest, library root and binary, which depend on names only.
pub(super) fn fixed(registry: &Registry) -> Vec<EmittedFile> {
    let crate_name = &registry.manifest.project.crate_name;
    let module = crate_name.replace('-', "_");
    let marker = marker(registry);
    let description = registry
        .manifest
        .project
        .description
        .trim()
        .replace('\n', " ");
    let description = serde_json::Value::String(if description.is_empty() {
        format!("Events of {}", registry.manifest.project.name)
    } else {
        description.clone()
    });
    let manifest = format!(
        r#"# Made from `schema_registry/registry.toml` by `topicwright generate`; do not edit.
[package]
name = "{crate_name}"
description = {description}
version = "0.1.0"
edition = "2024"
publish = false

[lib]
# Descriptions are prose: what looks like code in them is nothing to run.
doctest = false

[features]
default = ["embedded"]
# Engines for the demo and for tests.
embedded = ["topicwright-runtime/embedded"]
# TLS and SASL for Kafka (needs OpenSSL's headers), TLS for ClickHouse and PostgreSQL.
tls = ["topicwright-runtime/tls"]

[dependencies]
# Checks, columns and the pipeline that this crate plugs into.
topicwright-runtime = {{ path = "../runtime" }}
# Typed payloads.
serde = {{ version = "1", features = ["derive"] }}
# Values whose schema leaves their type open.
serde_json = {{ version = "1", features = ["preserve_order"] }}

[lints.clippy]
# Style of generated code is the generator's business; correctness lints stay on.
style = "allow"
complexity = "allow"
"#
    );
    // Code that is written for any registry, as tests are, needs a name that stays when the registry changes.
    let alias = match marker == "Registry" {
        true => String::new(),
        false => format!(
            "\n/// The same under a name that every generated crate has.\npub use registry::{marker} as Registry;\n"
        ),
    };
    let library = format!(
        "//! Typed events, checks and column writers of the `{name}` registry.\n//!\n//! Made from `schema_registry/` by `topicwright generate`; do not edit.\n#[rustfmt::skip]\nmod envelope;\n#[rustfmt::skip]\npub mod fact;\n#[rustfmt::skip]\npub mod registry;\n#[rustfmt::skip]\npub mod topics;\n\npub use registry::{marker};\npub use topics::Event;\n{alias}",
        name = registry.manifest.project.name,
    );
    let binary = format!(
        "//! The pipeline of the `{name}` registry; every command is the runtime's.\n//!\n//! Made from `schema_registry/` by `topicwright generate`; do not edit.\n\n#[global_allocator]\nstatic ALLOCATOR: topicwright_runtime::cli::Allocator = topicwright_runtime::cli::Allocator;\n\nfn main() -> std::process::ExitCode {{\n    topicwright_runtime::cli::main::<{module}::{marker}>()\n}}\n",
        name = registry.manifest.project.name,
    );
    [
        ("Cargo.toml", manifest),
        ("src/lib.rs", library),
        ("src/bin/pipeline.rs", binary),
    ]
    .into_iter()
    .map(|(path, contents)| EmittedFile {
        path: format!("generated/{path}"),
        contents,
    })
    .collect()
}
