//! Loads example payloads and holds them against their schema by the independent validator.
use serde_json::Value;

use super::demands::{Demands, in_words};
use super::load::Loader;
use super::{Example, InvalidExample};

pub(super) fn load(
    loader: &mut Loader,
    schema_path: &str,
    number: u32,
    demands: &Demands,
) -> (Vec<Example>, Vec<InvalidExample>) {
    let folder = schema_path
        .rsplit_once('/')
        .map_or("", |(folder, _)| folder);
    let [valid, wrong] = ["", "invalid/"]
        .map(|inner| loader.paths(&format!("{folder}/examples/v{number}/{inner}"), ".json"));
    // A validator takes longer to build than a schema takes to read.
    let validator = if valid.is_empty() && wrong.is_empty() {
        None
    } else {
        loader.validator(schema_path, demands)
    };
    let stem = |path: &str| {
        path.rsplit('/')
            .next()
            .unwrap_or_default()
            .trim_end_matches(".json")
            .to_owned()
    };
    let mut examples = Vec::new();
    for path in valid {
        let Some(payload) = loader
            .documents
            .get(&path)
            .map(|document| Value::clone(&document.value))
        else {
            continue;
        };
        if let Some(validator) = &validator {
            let errors: Vec<(String, String)> = validator
                .iter_errors(&payload)
                .map(|error| {
                    (
                        error.instance_path().to_string(),
                        in_words(&error.to_string()),
                    )
                })
                .collect();
            for (pointer, message) in errors {
                loader.report(
                    &path,
                    "invalid-example",
                    &pointer,
                    message,
                    Some(format!("correct the example, or {schema_path}")),
                );
            }
        }
        examples.push(Example {
            name: stem(&path),
            path,
            payload,
        });
    }
    let mut invalid = Vec::new();
    for path in wrong {
        let Some(value) = loader
            .documents
            .get(&path)
            .map(|document| Value::clone(&document.value))
        else {
            continue;
        };
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(pointer), Some(payload)) = (text("pointer"), value.get("payload").cloned())
        else {
            loader.report(
                &path,
                "invalid-example",
                "",
                "an invalid example says where it must fail",
                Some("write {\"pointer\": \"/field\", \"why\": \"…\", \"payload\": {…}}".into()),
            );
            continue;
        };
        if let Some(validator) = &validator {
            let mut places: Vec<String> = validator
                .iter_errors(&payload)
                .map(|error| error.instance_path().to_string())
                .collect();
            places.sort();
            places.dedup();
            if places != [pointer.clone()] {
                let actual = if places.is_empty() {
                    "nowhere: it is valid".to_owned()
                } else {
                    let places: Vec<String> = places.iter().map(|place| shown(place)).collect();
                    places.join(", ")
                };
                loader.report(
                    &path,
                    "invalid-example",
                    "/pointer",
                    format!("must fail at {}, fails at {actual}", shown(&pointer)),
                    Some("correct the pointer or the payload; one example breaks one rule".into()),
                );
            }
        }
        invalid.push(InvalidExample {
            name: stem(&path),
            path,
            pointer,
            why: text("why").unwrap_or_default(),
            payload,
        });
    }
    (examples, invalid)
}

/// A place in a payload for people; the payload itself has no pointer to show.
fn shown(pointer: &str) -> String {
    match pointer {
        "" => "the payload itself".to_owned(),
        pointer => format!("`{pointer}`"),
    }
}
