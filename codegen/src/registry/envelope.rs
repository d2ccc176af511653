//! Loads the envelope: its roles and the fact columns its fields fill.
use std::sync::Arc;

use super::columns::annotated;
use super::demands::Demands;
use super::document::Documents;
use super::load::Loader;
use super::{Envelope, EnvelopeFields};
use crate::finding::{Finding, Severity};
use crate::model::{Model, NodeKind, SchemaId, TypeSet};

/// Path of the envelope schema.
pub const PATH: &str = "envelope/v1.json";

const ROLES: &[&str] = &[
    "event-type",
    "schema-version",
    "event-id",
    "timestamp",
    "payload",
    "dedupe-key",
];

/// The envelope's roles alone, for a registry that lacks something else; `None` where the envelope has problems.
#[must_use]
pub fn roles(documents: &Documents) -> Option<EnvelopeFields> {
    let mut loader = Loader {
        documents: Arc::new(documents.clone()),
        findings: Vec::new(),
    };
    let envelope = load(&mut loader)?;
    let errors = |finding: &Finding| finding.severity == Severity::Error;
    (!loader.findings.iter().any(errors)).then_some(envelope.fields)
}

/// The name of a role that no member has: the usual one, which an event may carry all the same, or none where the
/// envelope is closed to it.
fn usual(role: &str, model: &Model) -> String {
    let refuses = |schema: Option<SchemaId>| {
        schema.is_some_and(|id| matches!(model.node(id).kind, NodeKind::Bool(false)))
    };
    let conjuncts = model.conjuncts(&[model.root]);
    let is_closed = conjuncts
        .into_iter()
        .filter_map(|id| model.keywords(id))
        .any(|keywords| {
            let object = &keywords.object;
            refuses(object.unevaluated_properties)
                || refuses(object.additional_properties) && object.pattern_properties.is_empty()
        });
    if is_closed {
        String::new()
    } else {
        role.replace('-', "_")
    }
}

pub(super) fn load(loader: &mut Loader) -> Option<Envelope> {
    if !loader.documents.contains_key(PATH) {
        if !loader.findings.iter().any(|finding| finding.file == PATH) {
            loader.missing(PATH, "the event envelope is missing: write the schema that every event follows, its members marked with `x-role`");
        }
        return None;
    }
    let (document, model) = loader.schema(PATH, None)?;
    let model = Arc::unwrap_or_clone(model);
    let mut names: Vec<Option<String>> = vec![None; ROLES.len()];
    for (name, property) in model.properties(&[model.root]) {
        let pointer = format!("/properties/{}/x-role", crate::model::escape(&name));
        let Some(role) = model.annotation(&property.schemas, |annotations| {
            annotations.extensions.get("x-role")
        }) else {
            continue;
        };
        match role
            .as_str()
            .and_then(|role| ROLES.iter().position(|known| *known == role))
        {
            Some(index) => {
                if let Some(other) = names[index].replace(name.clone()) {
                    loader.report(
                        PATH,
                        "invalid-role",
                        &pointer,
                        format!("`{other}` has this role already"),
                        Some("keep one".into()),
                    );
                }
            }
            None => loader.report(
                PATH,
                "invalid-role",
                &pointer,
                format!("{role} is not a role"),
                Some(format!("use one of: {}", ROLES.join(", "))),
            ),
        }
    }
    // The event's type, time and payload carry everything else; without them nothing can be ingested.
    for required in ["event-type", "timestamp", "payload"] {
        let index = ROLES
            .iter()
            .position(|role| *role == required)
            .unwrap_or_default();
        if names[index].is_none() {
            loader.report(
                PATH,
                "missing-role",
                "/properties",
                format!("no member has the role `{required}`"),
                Some(format!("mark the member with \"x-role\": \"{required}\"")),
            );
        }
    }
    for (index, expected) in [
        (0, TypeSet::STRING),
        (3, TypeSet::STRING),
        (4, TypeSet::OBJECT),
    ] {
        let Some(name) = &names[index] else { continue };
        let property = model.properties(&[model.root]).swap_remove(name)?;
        let pointer = format!("/properties/{}", crate::model::escape(name));
        if model.range(&property.schemas).types != expected {
            let kind = if expected == TypeSet::OBJECT {
                "object"
            } else {
                "string"
            };
            loader.report(
                PATH,
                "invalid-role",
                &pointer,
                format!("the {} must be of type {kind}", ROLES[index]),
                Some(format!("write \"type\": \"{kind}\"")),
            );
        }
        if !property.required {
            loader.report(
                PATH,
                "invalid-role",
                &pointer,
                format!("the {} must be required", ROLES[index]),
                Some(format!("add \"{name}\" to `required`")),
            );
        }
    }
    // What is no such value would be passed over in silence: every event would be of version 1, or have another key.
    for (index, expected, nullable) in [
        (1, TypeSet::INTEGER, TypeSet(0)),
        (5, TypeSet::STRING, TypeSet::NULL),
    ] {
        let Some(name) = &names[index] else { continue };
        let property = model.properties(&[model.root]).swap_remove(name)?;
        let types = model.range(&property.schemas).types;
        if TypeSet(types.0 & !nullable.0) != expected {
            let kind = if expected == TypeSet::INTEGER {
                "integer"
            } else {
                "string"
            };
            let fix = match index {
                1 => format!(
                    "write \"type\": \"{kind}\"; a version that is a text can stay a member without a role, and then every topic has one version"
                ),
                _ => format!("write \"type\": \"{kind}\""),
            };
            loader.report(
                PATH,
                "invalid-role",
                &format!("/properties/{}", crate::model::escape(name)),
                format!("the {} must be of type {kind}", ROLES[index]),
                Some(fix),
            );
        }
    }
    let mut names = names
        .into_iter()
        .zip(ROLES)
        .map(|(name, role)| name.unwrap_or_else(|| usual(role, &model)));
    let mut next = || names.next().unwrap_or_default();
    let fields = EnvelopeFields {
        event_type: next(),
        schema_version: next(),
        event_id: next(),
        timestamp: next(),
        payload: next(),
        dedupe_key: next(),
    };
    let columns = annotated(&model, "");
    Some(Envelope {
        path: PATH.to_owned(),
        document,
        model,
        fields,
        columns,
        demands: Demands::default(),
    })
}
