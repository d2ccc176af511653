//! Loads topics: manifest, versions, column sources, keys and examples.
mod version;

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;

use super::beside::Beside;
use super::columns::{self, Lineage};
use super::load::Loader;
use super::manifest::{RegistryManifest, TopicManifest};
use super::payload_paths::PayloadPaths;
use super::{ColumnMapping, Envelope, Topic, TopicVersion};
use crate::cores;
use crate::finding::Finding;
use crate::model::{Model, TypeSet, escape};
use version::Context;

pub(super) fn load(
    loader: &mut Loader,
    manifest: &RegistryManifest,
    envelope: &Envelope,
    beside: Option<Beside<'_>>,
) -> Vec<Arc<Topic>> {
    let columns = manifest.clickhouse.columns.clone();
    check_fact_columns(loader, manifest);
    let in_envelope =
        |mapping: &ColumnMapping| format!("/properties{}/x-column", nested(&mapping.source.from));
    columns::check(
        loader,
        &envelope.path,
        &envelope.columns,
        &columns,
        (envelope, &envelope.model),
        in_envelope,
    );
    let names = folders(loader);
    if names.is_empty() {
        loader.missing(
            "topics",
            "the registry has no topics: make a folder topics/<topic> with topic.toml and v1.json",
        );
    }
    let mut metric_names = BTreeMap::new();
    for name in &names {
        // Kafka's metrics turn both into one name, and its tools warn or refuse.
        if let Some(other) = metric_names.insert(name.replace('_', "."), name) {
            loader.report(
                &format!("topics/{name}/topic.toml"),
                "invalid-topic-name",
                "",
                format!("`{other}` and `{name}` collide in Kafka"),
                Some("rename one".into()),
            );
        }
    }
    for name in &names {
        if name
            .strip_suffix(".dlq")
            .is_some_and(|source| names.iter().any(|other| other == source))
        {
            loader.report(
                &format!("topics/{name}/topic.toml"),
                "invalid-topic-name",
                "",
                format!("`{name}` is where unusable records of another topic go"),
                Some("rename one of the two topics".into()),
            );
        }
    }
    let others = beside;
    let beside = beside.filter(|beside| beside.same_frame(&loader.documents));
    let around: &Loader = loader;
    let loaded = cores::map(&names, |name| {
        let shared = beside.and_then(|beside| beside.topic(name, &around.documents));
        if let Some(topic) = shared {
            return (Some(topic), Vec::new());
        }
        // Every topic is loaded by itself, knowing what is wrong with its files so far.
        let folder = format!("topics/{name}/");
        let known = around.findings.iter();
        let known: Vec<Finding> = known
            .filter(|finding| finding.file.starts_with(&folder))
            .cloned()
            .collect();
        let start = known.len();
        let mut own = Loader {
            documents: Arc::clone(&around.documents),
            findings: known,
        };
        let topic = topic(&mut own, manifest, envelope, name, others);
        (topic.map(Arc::new), own.findings.split_off(start))
    });
    let mut topics = Vec::new();
    for (topic, findings) in loaded {
        topics.extend(topic);
        loader.findings.extend(findings);
    }
    topics
}

/// Checks each topic's files on their own, where the registry manifest or the envelope is not there to check
/// them against.
pub(super) fn survey(loader: &mut Loader) {
    for name in folders(loader) {
        let folder = format!("topics/{name}/");
        let _ = loader.manifest::<TopicManifest>(&format!("{folder}topic.toml"));
        for file in loader.paths(&folder, ".json") {
            let _ = loader.schema(&file, None);
        }
    }
}

/// Names of the topic folders, sorted.
fn folders(loader: &Loader) -> Vec<String> {
    let mut names: Vec<String> = loader
        .documents
        .keys()
        .chain(loader.findings.iter().map(|finding| &finding.file))
        .filter_map(|path| {
            path.strip_prefix("topics/")?
                .split_once('/')
                .map(|(name, _)| name.to_owned())
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// `/a/b` → `/a/properties/b`.
fn nested(pointer: &str) -> String {
    format!(
        "/{}",
        pointer.trim_start_matches('/').replace('/', "/properties/")
    )
}

fn check_fact_columns(loader: &mut Loader, manifest: &RegistryManifest) {
    let clickhouse = &manifest.clickhouse;
    let mut names: Vec<&str> = Vec::new();
    for (index, column) in clickhouse.columns.iter().enumerate() {
        let pointer = format!("/clickhouse/columns/{index}/name");
        if crate::fact::RESERVED.contains(&column.name.as_str())
            || names.contains(&column.name.as_str())
        {
            loader.report(
                "registry.toml",
                "invalid-column",
                &pointer,
                format!("`{}` is taken", column.name),
                Some("choose another name".into()),
            );
        }
        if !is_identifier(&column.name) {
            loader.report(
                "registry.toml",
                "invalid-column",
                &pointer,
                format!("`{}` is not a column name", column.name),
                Some("use letters, digits and _".into()),
            );
        }
        names.push(&column.name);
    }
    let known = |name: &str| names.contains(&name) || crate::fact::RESERVED.contains(&name);
    for (index, name) in clickhouse.order_by.iter().enumerate() {
        if !known(name) || crate::fact::ARRIVAL.contains(&name.as_str()) {
            let fix =
                "name a fact column that says something of the event; event_key is added by itself";
            loader.report(
                "registry.toml",
                "unknown-column",
                &format!("/clickhouse/order_by/{index}"),
                format!("the sorting key cannot have `{name}`"),
                Some(fix.into()),
            );
        }
    }
    for (index, hash) in manifest.privacy.hash.iter().enumerate() {
        if !names.contains(&hash.column.as_str()) {
            loader.report(
                "registry.toml",
                "unknown-column",
                &format!("/privacy/hash/{index}/column"),
                format!("there is no column `{}`", hash.column),
                Some("name one of [[clickhouse.columns]]".into()),
            );
        }
        let others = manifest.privacy.hash.iter().take(index);
        if !is_identifier(&hash.into)
            || known(&hash.into)
            || others.clone().any(|other| other.into == hash.into)
        {
            loader.report(
                "registry.toml",
                "invalid-column",
                &format!("/privacy/hash/{index}/into"),
                format!("`{}` is taken, or no column name", hash.into),
                Some("choose another name of letters, digits and _".into()),
            );
        }
    }
    for (pointer, name) in [
        ("/clickhouse/database", &clickhouse.database),
        ("/clickhouse/table", &clickhouse.table),
    ] {
        if !is_identifier(name) {
            loader.report(
                "registry.toml",
                "invalid-setting",
                pointer,
                format!("`{name}` is not a name ClickHouse takes without quoting"),
                Some("use letters, digits and _".into()),
            );
        }
    }
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '_')
}

/// Loads one topic. What it looks at is listed in [`super::beside`]; nothing may be added here alone.
fn topic(
    loader: &mut Loader,
    registry: &RegistryManifest,
    envelope: &Envelope,
    name: &str,
    beside: Option<Beside<'_>>,
) -> Option<Topic> {
    let folder = format!("topics/{name}/");
    let path = format!("{folder}topic.toml");
    // Kafka's own rule for topic names; `.dlq` must still fit.
    if name.len() > 245
        || !name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "._-".contains(character))
    {
        loader.report(
            &path,
            "invalid-topic-name",
            "",
            format!("Kafka does not take `{name}` as a topic name"),
            Some("use letters, digits, `.`, `_` and `-`, at most 245".into()),
        );
    }
    let manifest = loader.manifest::<TopicManifest>(&path);
    let mut numbered = Vec::new();
    for file in loader.paths(&folder, ".json") {
        let stem = file
            .trim_start_matches(&folder)
            .trim_end_matches(".json")
            .to_owned();
        match stem
            .strip_prefix('v')
            .and_then(|number| number.parse::<u32>().ok())
            .filter(|number| *number > 0 && stem == format!("v{number}"))
        {
            Some(number) => numbered.push((number, file)),
            None => loader.report(
                &file,
                "invalid-version",
                "",
                format!("`{stem}.json` is not a version"),
                Some("name schema files v1.json, v2.json, …".into()),
            ),
        }
    }
    numbered.sort();
    if numbered.is_empty()
        && !loader
            .findings
            .iter()
            .any(|finding| finding.file.starts_with(&folder))
    {
        loader.missing(
            &format!("{folder}v1.json"),
            "the topic has no schema: write v1.json",
        );
    }
    for (index, (number, file)) in numbered.iter().enumerate() {
        let expected = u32::try_from(index + 1).unwrap_or(u32::MAX);
        if index == 0 && *number > 1 || index > 0 && *number != numbered[index - 1].0 + 1 {
            // Old versions may be gone, but versions never skip.
            if index > 0 {
                loader.report(
                    file,
                    "invalid-version",
                    "",
                    format!("version {number} follows version {}", numbered[index - 1].0),
                    Some(format!("number versions without gaps; v{expected} is next")),
                );
            }
        }
    }
    let mut schemas = Vec::new();
    let mut lineage = Lineage::default();
    for (number, file) in numbered {
        let Some((schema, model)) = loader.schema(&file, beside) else {
            continue;
        };
        check_root(loader, &file, &model);
        let renames = renames(loader, &file, &model, &lineage);
        lineage.add(model.properties(&[model.root]).into_keys(), &renames);
        schemas.push((number, file, schema, model, renames));
    }
    let manifest = manifest?;
    let mut versions = Vec::new();
    for (index, (number, file, schema, model, renames)) in schemas.into_iter().enumerate() {
        let context = Context {
            envelope,
            manifest: &manifest,
            lineage: &lineage,
            index,
            manifest_path: &path,
            registry,
        };
        versions.push(context.version(loader, number, file, schema, model, renames));
    }
    let versions: Option<Vec<TopicVersion>> = versions.into_iter().collect();
    let versions = versions?;
    check_deprecations(loader, &path, &manifest, &versions);
    Some(Topic {
        name: name.to_owned(),
        path,
        partitions: manifest.partitions.unwrap_or(registry.kafka.partitions),
        retention_days: manifest
            .retention_days
            .unwrap_or(registry.kafka.retention_days),
        compression: manifest.compression.unwrap_or(registry.kafka.compression),
        manifest,
        payload_paths: PayloadPaths::of(&versions),
        versions,
    })
    .filter(|topic| !topic.versions.is_empty())
}

fn check_root(loader: &mut Loader, file: &str, model: &Model) {
    if model.range(&[model.root]).types != TypeSet::OBJECT {
        loader.report(
            file,
            "invalid-schema",
            "",
            "a payload is an object, but this schema also accepts other types",
            Some("add \"type\": \"object\"".into()),
        );
    }
}

fn renames(
    loader: &mut Loader,
    file: &str,
    model: &Model,
    lineage: &Lineage,
) -> IndexMap<String, String> {
    let mut renames = IndexMap::new();
    for (name, property) in model.properties(&[model.root]) {
        let Some(old) = model.extension(&property.schemas, "x-renamed-from") else {
            continue;
        };
        let pointer = format!("/properties/{}/x-renamed-from", escape(&name));
        if lineage.knows(old) {
            renames.insert(name, old.to_owned());
        } else {
            let known = lineage.names();
            let fix = super::shape::nearest(old, &known).map_or_else(
                || "name a property of the version before".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            loader.report(
                file,
                "unknown-rename",
                &pointer,
                format!("no earlier version has a property `{old}`"),
                Some(fix),
            );
        }
    }
    renames
}

fn check_deprecations(
    loader: &mut Loader,
    path: &str,
    manifest: &TopicManifest,
    versions: &[TopicVersion],
) {
    for (index, deprecation) in manifest.deprecations.iter().enumerate() {
        let pointer = format!("/deprecations/{index}/version");
        if !versions
            .iter()
            .any(|version| version.number == deprecation.version)
        {
            loader.report(
                path,
                "unknown-version",
                &pointer,
                format!("there is no version {}", deprecation.version),
                Some("name a version of this topic".into()),
            );
        }
        if versions
            .last()
            .is_some_and(|newest| newest.number == deprecation.version)
        {
            loader.report(
                path,
                "newest-version-deprecated",
                &pointer,
                "the newest version cannot be on its way out".to_owned(),
                Some("add the version that replaces it first".into()),
            );
        }
        let dates = (
            super::dates::day_number(&deprecation.since),
            super::dates::day_number(&deprecation.removal),
        );
        match dates {
            (Some(since), Some(removal)) if removal - since < super::dates::MIN_OVERLAP_DAYS => {
                loader.report(
                    path,
                    "overlap-too-short",
                    &format!("/deprecations/{index}/removal"),
                    format!(
                        "versions overlap at least {} days",
                        super::dates::MIN_OVERLAP_DAYS
                    ),
                    Some("choose a later removal date".into()),
                )
            }
            (Some(_), Some(_)) => {}
            (since, _) => {
                let field = if since.is_none() { "since" } else { "removal" };
                loader.report(
                    path,
                    "invalid-setting",
                    &format!("/deprecations/{index}/{field}"),
                    "not a date".to_owned(),
                    Some("write YYYY-MM-DD".into()),
                );
            }
        }
    }
}
