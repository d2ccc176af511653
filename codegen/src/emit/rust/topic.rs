//! Emits one topic: a module with every version and the enum over them.
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::names::{pascal, snake};
use super::outline::Payload;
use super::refusal::Refusal;
use super::source::{content_hash, file, refuse_file, with_modules};
use super::types::Types;
use super::{EmittedFile, checks, columns_check, structure, types, upcast, writer};
use crate::fact::Column;
use crate::registry::{Registry, Topic, TopicVersion};

/// The files of a topic and what the registry file needs to know.
pub(super) struct Emitted {
    pub(super) files: Vec<EmittedFile>,
    pub(super) summary: Summary,
}

/// A topic as the rest of the crate refers to it.
pub(super) struct Summary {
    /// Topic name.
    pub(super) topic: String,
    /// Module below `topics`.
    pub(super) module: String,
    /// Enum over the versions.
    pub(super) name: String,
    /// Version numbers.
    pub(super) versions: Vec<u32>,
    /// First sentence of the description.
    pub(super) description: String,
}

impl Summary {
    /// What follows from the manifest and the names of the files.
    pub(super) fn of(topic: &Topic) -> Self {
        let description = topic.manifest.description.trim().replace('\n', " ");
        Self {
            topic: topic.name.clone(),
            module: snake(&topic.name),
            name: pascal(&topic.name),
            versions: topic
                .versions
                .iter()
                .map(|version| version.number)
                .collect(),
            description: description
                .split_inclusive(". ")
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned(),
        }
    }
}

/// A module of a topic before it is printed.
pub(super) struct Module {
    /// Path below `generated/src/`.
    pub(super) path: String,
    doc: String,
    /// Registry file and content hash.
    made_from: (String, String),
    imports: &'static [&'static str],
    /// `pub mod` lines.
    inner: String,
    /// Types, constants and functions that users see.
    pub(super) public: TokenStream,
    /// What only the module itself calls.
    private: TokenStream,
}

/// A topic's modules, those of its versions first, and what the registry file needs to know.
pub(super) struct Built {
    pub(super) versions: Vec<Module>,
    pub(super) whole: Module,
    pub(super) summary: Summary,
}

pub(super) fn emit(
    registry: &Registry,
    columns: &[Column],
    topic: &Topic,
) -> Result<Emitted, Vec<Refusal>> {
    let built = build(registry, columns, topic)?;
    let modules = built.versions.iter().chain([&built.whole]);
    Ok(Emitted {
        files: modules.map(Module::print).collect(),
        summary: built.summary,
    })
}

impl Module {
    fn print(&self) -> EmittedFile {
        let (public, private) = (&self.public, &self.private);
        let (source, hash) = &self.made_from;
        let mut printed = file(
            &self.path,
            &self.doc,
            Some((source, hash)),
            self.imports,
            &quote!(#public #private),
        );
        if !self.inner.is_empty() {
            printed = with_modules(printed, &self.inner);
        }
        printed
    }
}

/// Everything but the printing.
pub(super) fn build(
    registry: &Registry,
    columns: &[Column],
    topic: &Topic,
) -> Result<Built, Vec<Refusal>> {
    let (module, name) = (snake(&topic.name), pascal(&topic.name));
    let mut modules = Vec::new();
    let mut refusals = Vec::new();
    let mut done: Vec<(&TopicVersion, Payload)> = Vec::new();
    let mut upcasts = Vec::new();
    for version in &topic.versions {
        let before = done
            .last()
            .map(|(older, payload)| (payload, format!("v{}", older.number)));
        let structure = structure::reduce(&version.model, &name, &version.renames);
        if !structure.clashes.is_empty() {
            refusals.extend(structure.clashes);
            continue;
        }
        let types = types::generate(
            structure,
            before
                .as_ref()
                .map(|(payload, module)| (*payload, module.as_str())),
        );
        let checks = checks::generate(&version.model, "");
        let (types, checks) = match (types, checks) {
            (Ok(types), Ok(checks)) => (types, checks),
            (types, checks) => {
                refusals.extend(
                    types
                        .err()
                        .map(|problem| refuse_file(&version.path, problem)),
                );
                refusals.extend(checks.err().into_iter().flatten());
                continue;
            }
        };
        let upcast = done.last().map(|(older, old)| {
            let planned = upcast::plan((older, old), (version, &types.payload));
            let printed = planned.map(|plan| plan.print((older, old), &types.payload));
            (older.number, printed)
        });
        let demands = version.demands.times().map(str::to_owned);
        let (check, fits) = columns_check::generate(&checks, demands);
        let body = version_body(
            registry,
            columns,
            topic,
            version,
            &types,
            &check,
            upcast.as_ref(),
        );
        let items = checks.items;
        upcasts.push(upcast.as_ref().is_some_and(|(_, result)| result.is_ok()));
        let description = version
            .model
            .annotation(&[version.model.root], |annotations| {
                annotations.description.as_deref()
            });
        let mut doc = format!("`{}` version {}.", topic.name, version.number);
        if let Some(text) = description {
            doc = format!("{doc}\n\n{text}");
        }
        if let Some((number, Err(problem))) = &upcast {
            doc = format!("{doc}\n\nNo conversion from version {number}: {problem}.");
        }
        modules.push(Module {
            path: format!("topics/{module}/v{}.rs", version.number),
            doc,
            made_from: (version.path.clone(), content_hash(&version.document.value)),
            imports: &["crate::fact::Block"],
            inner: String::new(),
            public: body,
            private: quote!(#fits #items),
        });
        done.push((version, types.payload));
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let description = topic.manifest.description.trim().replace('\n', " ");
    let body = module_body(&name, topic, &done, &upcasts);
    let doc = format!("Topic `{}`: {description}", topic.name);
    let inner: Vec<String> = done
        .iter()
        .map(|(version, _)| format!("pub mod v{};\n", version.number))
        .collect();
    let whole = Module {
        path: format!("topics/{module}/mod.rs"),
        doc,
        made_from: (
            topic.path.clone(),
            content_hash(&serde_json::json!(topic.manifest)),
        ),
        imports: &[],
        inner: inner.concat(),
        public: body,
        private: TokenStream::new(),
    };
    Ok(Built {
        versions: modules,
        whole,
        summary: Summary::of(topic),
    })
}

fn version_body(
    registry: &Registry,
    columns: &[Column],
    topic: &Topic,
    version: &TopicVersion,
    types: &Types,
    check: &proc_macro2::Ident,
    upcast: Option<&(u32, Result<TokenStream, String>)>,
) -> TokenStream {
    let root = format_ident!("{}", types.payload.root);
    let (topic_name, number) = (
        &topic.name,
        proc_macro2::Literal::u32_unsuffixed(version.number),
    );
    let items = &types.items;
    let shared: Vec<_> = types
        .payload
        .shared
        .iter()
        .map(|name| format_ident!("{name}"))
        .collect();
    let before = topic
        .versions
        .iter()
        .rev()
        .find(|older| older.number < version.number)
        .map(|older| format_ident!("v{}", older.number));
    let reuse = before
        .filter(|_| !shared.is_empty())
        .map(|before| quote!(pub use super::#before::{#(#shared),*};));
    let upcast = upcast.and_then(|(_, result)| result.as_ref().ok());
    let functions = writer::generate(
        columns,
        &registry.manifest.clickhouse.order_by,
        &registry.envelope,
        topic_name,
        version,
    );
    quote! {
        #reuse
        #items
        impl Payload for #root {
            const TOPIC: &'static str = #topic_name;
            const VERSION: u32 = #number;
            const CHECK: Check = #check;
        }
        #upcast
        #functions
    }
}

fn module_body(
    name: &str,
    topic: &Topic,
    versions: &[(&TopicVersion, Payload)],
    upcasts: &[bool],
) -> TokenStream {
    let name = format_ident!("{name}");
    let topic_name = &topic.name;
    let doc = format!(" An event of `{topic_name}`, in the version it was written in.");
    let variants: Vec<_> = versions
        .iter()
        .map(|(version, _)| format_ident!("V{}", version.number))
        .collect();
    let modules: Vec<_> = versions
        .iter()
        .map(|(version, _)| format_ident!("v{}", version.number))
        .collect();
    let roots: Vec<_> = versions
        .iter()
        .map(|(_, payload)| format_ident!("{}", payload.root))
        .collect();
    let numbers: Vec<_> = versions
        .iter()
        .map(|(version, _)| proc_macro2::Literal::u32_unsuffixed(version.number))
        .collect();
    let docs = numbers.iter().map(|number| format!(" Version {number}."));
    let newest = versions.len() - 1;
    let upcast = (newest > 0 && upcasts[1..].iter().all(|possible| *possible)).then(|| {
        let (module, root) = (&modules[newest], &roots[newest]);
        let arms = (0..versions.len()).map(|start| {
            let variant = &variants[start];
            let event = (start + 1..=newest).fold(quote!(event), |event, step| {
                let (module, root) = (&modules[step], &roots[step]);
                quote!(#module::#root::from(#event))
            });
            quote!(Self::#variant(event) => #event,)
        });
        quote! {
            /// The event as the newest version writes it.
            #[must_use]
            pub fn upcast(self) -> #module::#root {
                match self {
                    #(#arms)*
                }
            }
        }
    });
    quote! {
        #[doc = #doc]
        #[derive(Clone, Debug, PartialEq)]
        pub enum #name {
            #(#[doc = #docs] #variants(#modules::#roots)),*
        }

        impl #name {
            /// Topic.
            pub const TOPIC: &'static str = #topic_name;

            /// Checks a payload and builds its typed value.
            ///
            /// # Errors
            /// The version is unknown, or its schema rejects the payload.
            pub fn read(version: u32, payload: Json<'_>) -> Result<Self, ReadError> {
                match version {
                    #(#numbers => topicwright_runtime::registry::read(payload).map(Self::#variants),)*
                    _ => Err(ReadError::UnknownVersion { topic: Self::TOPIC, version }),
                }
            }

            #upcast
        }
    }
}
