//! One version of a topic: its columns, keys and examples, in its own names.
//!
//! A topic's manifest names fields once; here its pointers are followed through `x-renamed-from` into the names
//! of one version, and held against what that version declares.
use std::sync::Arc;

use indexmap::IndexMap;

use crate::model::{Model, TypeSet, escape};
use crate::registry::columns::{self, Lineage};
use crate::registry::demands::Demands;
use crate::registry::document::Document;
use crate::registry::load::Loader;
use crate::registry::manifest::{ColumnSource, RegistryManifest, TopicManifest, When};
use crate::registry::shape::nearest;
use crate::registry::{
    ColumnMapping, Envelope, TemplatePart, TopicVersion, canonical, examples, template,
};

/// What a version is read in.
pub(super) struct Context<'c> {
    pub(super) envelope: &'c Envelope,
    pub(super) manifest: &'c TopicManifest,
    pub(super) lineage: &'c Lineage,
    pub(super) index: usize,
    pub(super) manifest_path: &'c str,
    pub(super) registry: &'c RegistryManifest,
}

impl Context<'_> {
    /// The version; `None` where its key or deduplication key leads nowhere.
    pub(super) fn version(
        &self,
        loader: &mut Loader,
        number: u32,
        path: String,
        document: Arc<Document>,
        model: Arc<Model>,
        renames: IndexMap<String, String>,
    ) -> Option<TopicVersion> {
        let prefix = format!("/{}", escape(&self.envelope.fields.payload));
        let mut mappings = columns::annotated(&model, &prefix);
        let place = |mapping: &ColumnMapping| {
            let inner = mapping
                .source
                .from
                .strip_prefix(&prefix)
                .unwrap_or_default();
            format!("/properties{}/x-column", super::nested(inner))
        };
        let fact = &self.registry.clickhouse.columns;
        columns::check(
            loader,
            &path,
            &mappings,
            fact,
            (self.envelope, &model),
            place,
        );
        let declared = self.declared(loader, &model);
        let by_manifest =
            |mapping: &ColumnMapping| format!("/columns/{}/from", escape(&mapping.column));
        columns::check(
            loader,
            self.manifest_path,
            &declared,
            fact,
            (self.envelope, &model),
            by_manifest,
        );
        for mapping in declared {
            if let Some(member) = self.envelope.demands.lacks(&mapping, fact, self.envelope) {
                loader.report(
                    self.manifest_path,
                    "column-type-mismatch",
                    &by_manifest(&mapping),
                    format!("`{member}` may be no time: the envelope is checked before anybody knows the topic"),
                    Some(format!(
                        "write \"x-column\": \"{}\" beside it in {}, or map a field of the payload",
                        mapping.column, self.envelope.path
                    )),
                );
            }
            if let Some(twin) = mappings.iter().find(|other| other.column == mapping.column) {
                let message = format!(
                    "`x-column` on `{}` in {path} fills `{}` already",
                    twin.source.from, mapping.column
                );
                loader.report(
                    self.manifest_path,
                    "column-filled-twice",
                    &by_manifest(&mapping),
                    message,
                    Some("keep one of the two".into()),
                );
            }
            mappings.push(mapping);
        }
        mappings.sort_by(|left, right| left.column.cmp(&right.column));
        let key = self.scalar(loader, &self.manifest.key, "/key", &model, number)?;
        let mut dedupe_key = Vec::new();
        for part in template::parse(&self.manifest.dedupe_key).unwrap_or_else(|problem| {
            loader.report(
                self.manifest_path,
                "invalid-template",
                "/dedupe_key",
                problem,
                Some("write pointers in braces: `{/event_type}:{/payload/id}`".into()),
            );
            Vec::new()
        }) {
            dedupe_key.push(match part {
                TemplatePart::Text(text) => TemplatePart::Text(text),
                TemplatePart::Pointer(pointer) => TemplatePart::Pointer(self.scalar(
                    loader,
                    &pointer,
                    "/dedupe_key",
                    &model,
                    number,
                )?),
            });
        }
        let demands = Demands::of_payload(&mappings, fact, &self.envelope.fields.payload);
        let (examples, invalid) = examples::load(loader, &path, number, &demands);
        Some(TopicVersion {
            number,
            path,
            document,
            meaning: canonical::hash(&model),
            model,
            renames,
            columns: mappings,
            demands,
            key,
            dedupe_key,
            examples,
            invalid,
        })
    }

    /// The manifest's columns in this version's names; a field that only other versions have is left out.
    fn declared(&self, loader: &mut Loader, model: &Model) -> Vec<ColumnMapping> {
        let mut mappings = Vec::new();
        for (column, source) in &self.manifest.columns {
            let mut resolve = |pointer: &str, place: String| {
                let renamed = columns::rename(
                    pointer,
                    &self.envelope.fields.payload,
                    self.lineage,
                    self.index,
                );
                let found = renamed
                    .filter(|pointer| columns::field(pointer, self.envelope, model).is_some());
                if found.is_none() && !self.known_somewhere(pointer) {
                    let known = self.known_pointers(model);
                    let fix = nearest(pointer, &known).map_or_else(
                        || "write a JSON pointer into the event, `/payload/amount`, to a declared field".to_owned(),
                        |near| format!("did you mean `{near}`?"),
                    );
                    loader.report(
                        self.manifest_path,
                        "unknown-field",
                        &place,
                        format!("no version declares `{pointer}`"),
                        Some(fix),
                    );
                }
                found
            };
            let at = format!("/columns/{}", escape(column));
            let from = resolve(&source.from, format!("{at}/from"));
            let when: Option<Vec<_>> = source
                .when
                .iter()
                .enumerate()
                .map(|(index, when)| {
                    let field = resolve(&when.field, format!("{at}/when/{index}/field"))?;
                    Some(When {
                        field,
                        equals: when.equals.clone(),
                    })
                })
                .collect();
            if let (Some(from), Some(when)) = (from, when) {
                let source = ColumnSource {
                    from,
                    when,
                    negate: source.negate,
                };
                mappings.push(ColumnMapping {
                    column: column.clone(),
                    source,
                });
            }
        }
        mappings
    }

    fn known_somewhere(&self, pointer: &str) -> bool {
        let prefix = format!("/{}/", escape(&self.envelope.fields.payload));
        pointer.strip_prefix(&prefix).is_some_and(|rest| {
            let first = rest.split('/').next().unwrap_or_default();
            // Deeper parts may belong to one version only.
            self.lineage.knows(&crate::model::unescape(first))
        })
    }

    fn known_pointers(&self, model: &Model) -> Vec<String> {
        let prefix = format!("/{}", escape(&self.envelope.fields.payload));
        let envelope = self
            .envelope
            .model
            .fields(self.envelope.model.root)
            .into_iter()
            .map(|field| field.pointer);
        let payload = model
            .fields(model.root)
            .into_iter()
            .map(|field| format!("{prefix}{}", field.pointer));
        envelope.chain(payload).collect()
    }

    /// Whether a pointer leads to a payload property that another version has.
    fn is_of_another_version(&self, pointer: &str) -> bool {
        let payload = format!("/{}/", escape(&self.envelope.fields.payload));
        pointer.strip_prefix(&payload).is_some_and(|rest| {
            let first = rest.split('/').next().unwrap_or_default();
            self.lineage.knows(&crate::model::unescape(first))
        })
    }

    /// A pointer that must lead to a text, integer or boolean that every event of this version has.
    fn scalar(
        &self,
        loader: &mut Loader,
        pointer: &str,
        place: &str,
        model: &Model,
        number: u32,
    ) -> Option<String> {
        let renamed = columns::rename(
            pointer,
            &self.envelope.fields.payload,
            self.lineage,
            self.index,
        );
        let found = renamed.and_then(|pointer| {
            columns::field(&pointer, self.envelope, model).map(|found| (pointer, found))
        });
        let Some((pointer, (field, owner))) = found else {
            let known = self.known_pointers(model);
            let fix = if self.is_of_another_version(pointer) {
                // A guess would take one field for another, and events that it tells apart for one.
                format!(
                    "keep the field in version {number}, or say with `x-renamed-from` what it is called there"
                )
            } else {
                nearest(pointer, &known).map_or_else(
                    || {
                        format!(
                            "write a JSON pointer into the event, one of: {}",
                            known.join(", ")
                        )
                    },
                    |near| format!("did you mean `{near}`?"),
                )
            };
            loader.report(
                self.manifest_path,
                "unknown-field",
                place,
                format!("version {number} declares no `{pointer}`"),
                Some(fix),
            );
            return None;
        };
        let types = owner.range(&field.property.schemas).types;
        let scalar = TypeSet::STRING
            .union(TypeSet::INTEGER)
            .union(TypeSet::BOOLEAN);
        if types.0 & !scalar.0 != 0 {
            loader.report(self.manifest_path, "invalid-key", place, format!("`{pointer}` can be something else than a text, an integer or a boolean in version {number}"), Some("give it one of these types".into()));
            return None;
        }
        if !field.always_present {
            loader.report(self.manifest_path, "invalid-key", place, format!("`{pointer}` may be absent in version {number}, and then events would share a key"), Some("make it required, or use another field".into()));
            return None;
        }
        Some(pointer)
    }
}
