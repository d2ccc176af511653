//! What is wrong with a schema by itself: held against its meta-schema, and its keywords read.
use serde_json::Value;

use super::document::Document;
use super::keywords;
use crate::finding::Finding;

/// Every violation of the meta-schema; where there is none, misspelt keywords.
pub(super) fn problems(document: &Document) -> Vec<Finding> {
    let (options, value) = (jsonschema::meta::options(), document.value.as_ref());
    match options.validate(value) {
        Ok(()) => keywords::check(document),
        Err(_) => jsonschema::meta::validator_for(value).map_or_else(
            |error| vec![document.finding("invalid-schema", "", error.to_string())],
            |validator| {
                validator
                    .iter_errors(value)
                    .map(|error| {
                        let at = error.instance_path().to_string();
                        if at == "/type" || at.ends_with("/type") {
                            return unknown_type(document, &at, error.instance());
                        }
                        document.finding("invalid-schema", &at, error.to_string())
                    })
                    .collect()
            },
        ),
    }
}

fn unknown_type(document: &Document, pointer: &str, value: &Value) -> Finding {
    let mut finding = document.finding(
        "invalid-schema",
        pointer,
        format!("{value} is not a JSON type, nor a list of them"),
    );
    finding.fix = Some(
        "use array, boolean, integer, null, number, object or string, or a list of them".to_owned(),
    );
    finding
}
