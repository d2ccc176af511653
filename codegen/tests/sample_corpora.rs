//! Samples of thousands of schemas that others wrote: each has a valid one, or none at all, proved.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]
mod corpus;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use corpus::{COLLECTIONS, cases};
use referencing::Draft;
use serde_json::Value;
use topicwright::compat::Source;
use topicwright::model::build_in;
use topicwright::sample::{Dice, Failure, Sampler};

/// Samples of each schema.
const SAMPLES: usize = 3;

fn validator(schema: &Value, draft: Draft) -> Option<jsonschema::Validator> {
    jsonschema::options()
        .with_draft(draft.detect(schema))
        .build(schema)
        .ok()
}

/// Every distinct schema of a collection that is one.
fn schemas(name: &str) -> Vec<(String, Arc<Value>, Draft)> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for case in cases(name) {
        let sides = [
            (case.writer, case.writer_draft),
            (case.reader, case.reader_draft),
        ];
        for (schema, draft) in sides {
            if seen.insert((schema.to_string(), format!("{draft:?}"))) {
                found.push((case.id.clone(), schema, draft));
            }
        }
    }
    found
}

fn sampler(schema: &Arc<Value>, draft: Draft) -> Option<Sampler> {
    let source = Source::alone(Arc::clone(schema), draft);
    let documents = [(source.documents[0].0.as_str(), schema.as_ref())];
    let model = build_in(&documents, 0, "", draft).ok()?;
    Some(Sampler::new(
        source,
        Arc::new(model),
        validator(schema, draft)?,
        Vec::new(),
    ))
}

/// Every schema that has an instance has a sample; how many may have none that is found is written here.
const WITHOUT: usize = 0;

#[test]
fn every_schema_has_a_sample_or_provably_none() {
    let mut without = Vec::new();
    let mut total: BTreeMap<String, usize> = BTreeMap::new();
    for name in COLLECTIONS {
        let schemas = schemas(name);
        let mut ways: BTreeMap<String, usize> = BTreeMap::new();
        for (id, schema, draft) in &schemas {
            let Some(mut sampler) = sampler(schema, *draft) else {
                *ways.entry("unread".to_owned()).or_default() += 1;
                continue;
            };
            let judge = validator(schema, *draft).unwrap();
            let mut dice = Dice::new(1);
            for number in 0..SAMPLES {
                let way = match sampler.sample(&mut dice) {
                    Ok((value, way)) => {
                        assert!(judge.is_valid(&value), "{id}: {value} of {schema}");
                        format!("{way:?}")
                    }
                    Err(Failure::Empty) => "Empty".to_owned(),
                    Err(Failure::NotFound(reason)) => {
                        without.push(format!("{id}: {reason}: {schema}"));
                        "without".to_owned()
                    }
                };
                if number == 0 {
                    *ways.entry(way).or_default() += 1;
                }
            }
        }
        println!("{name}: {} schemas, first samples {ways:?}", schemas.len());
        for (way, count) in ways {
            *total.entry(way).or_default() += count;
        }
    }
    assert!(total["Drawn"] > 5_000, "{total:?}");
    assert!(total["Proved"] < 250, "draws find most: {total:?}");
    assert!(total["unread"] < 10, "{total:?}");
    // A collection of containments asks what contradictions mean.
    assert!((600..700).contains(&total["Empty"]), "{total:?}");
    assert_eq!(without.len(), WITHOUT, "{without:#?}");
}

/// Real event schemas: what is optional comes and goes, and another seed is another stream.
#[test]
fn real_schemas_have_varied_samples() {
    let (mut members, mut steady, mut same) = (0, Vec::new(), Vec::new());
    let schemas = schemas("iglu-central");
    for (id, schema, draft) in &schemas {
        let stream = |seed: u64| -> Vec<Value> {
            let mut sampler = sampler(schema, *draft).unwrap();
            let mut dice = Dice::new(seed);
            (0..40)
                .map(|_| sampler.sample(&mut dice).unwrap().0)
                .collect()
        };
        let samples = stream(1);
        assert_eq!(samples, stream(1), "{id}: the same for the same seed");
        // Some allow nothing but {}.
        if samples == stream(2) && schema.get("properties").is_some() {
            same.push(id);
        }
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for name in schema["properties"]
            .as_object()
            .into_iter()
            .flat_map(|it| it.keys())
        {
            if required.contains(&Value::from(name.as_str())) {
                continue;
            }
            members += 1;
            let count = samples
                .iter()
                .filter(|sample| sample.get(name).is_some())
                .count();
            if count == 0 || count == samples.len() {
                steady.push(format!("{id}: {name} {count}"));
            }
        }
    }
    println!("{} schemas, {members} optional members", schemas.len());
    assert!(members > 1000, "{members}");
    assert!(
        steady.is_empty(),
        "{} of {members}: {steady:#?}",
        steady.len()
    );
    assert!(same.is_empty(), "{same:#?}");
}

/// Schemas without end, without a way out, or with more of something than anybody has.
#[test]
fn odd_schemas_end() {
    let odd = [
        serde_json::json!({"$ref": "#"}),
        serde_json::json!({"allOf": [{"$ref": "#"}]}),
        serde_json::json!({"not": {"$ref": "#"}}),
        serde_json::json!({"properties": {"a": {"$ref": "#"}}, "required": ["a"]}),
        serde_json::json!({"minLength": 1_000_000_000, "type": "string"}),
        serde_json::json!({"minItems": 1_000_000_000, "type": "array"}),
        serde_json::json!({"minProperties": 1_000_000_000, "type": "object"}),
        serde_json::json!({"pattern": "^(a{1000}){1000}$", "type": "string"}),
        serde_json::json!({"type": "integer", "minimum": 1e300}),
        serde_json::json!({"type": "number", "multipleOf": 1e-300}),
        serde_json::json!({"type": "number", "minimum": -1e308, "maximum": 1e308}),
        serde_json::json!({"type": "integer", "minimum": 18_446_744_073_709_551_615_u64}),
        serde_json::json!({"enum": []}),
        serde_json::json!(false),
        serde_json::json!(true),
    ];
    for schema in odd {
        let schema = Arc::new(schema);
        let Some(mut sampler) = sampler(&schema, Draft::Draft202012) else {
            continue;
        };
        let mut dice = Dice::new(1);
        let judge = validator(&schema, Draft::Draft202012).unwrap();
        for _ in 0..3 {
            if let Ok((value, _)) = sampler.sample(&mut dice) {
                assert!(judge.is_valid(&value), "{schema}: {value}");
            }
        }
    }
}
