//! Loads the envelope: its roles and the fact columns its fields fill.
use std::sync::Arc;

use super::columns::annotated;
use super::document::Documents;
use super::load::Loader;
use super::{Envelope, EnvelopeFields};
use crate::finding::{Finding, Severity};
use crate::model::TypeSet;

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
    let mut names = names
        .into_iter()
        .zip(ROLES)
        .map(|(name, role)| name.unwrap_or_else(|| role.replace('-', "_")));
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
    })
}
