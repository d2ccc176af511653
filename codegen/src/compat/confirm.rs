//! The independent validator: no witness leaves without its word, and it says where the reader refuses.
use serde_json::{Map, Value};

use super::{Source, Witness};
use crate::model::known_draft;

/// A schema as the validator has compiled it.
#[derive(Debug)]
pub(super) struct Judge(jsonschema::Validator);

impl Judge {
    /// # Errors
    /// The validator's complaint about the schema.
    pub(super) fn new(source: &Source, formats: bool) -> Result<Self, String> {
        let Some((uri, schema)) = source.documents.first() else {
            return Err("there is no schema".to_owned());
        };
        let draft = known_draft(source.draft.detect(schema));
        let mut registry = jsonschema::Registry::new().draft(draft);
        for (uri, document) in &source.documents {
            registry = registry
                .add(uri.as_str(), document)
                .map_err(|error| error.to_string())?;
        }
        let registry = registry.prepare().map_err(|error| error.to_string())?;
        jsonschema::options()
            .with_draft(draft)
            .with_registry(&registry)
            .with_base_uri(uri.clone())
            .should_validate_formats(formats)
            .build(schema)
            .map(Self)
            .map_err(|error| error.to_string())
    }

    pub(super) fn accepts(&self, value: &Value) -> bool {
        self.0.is_valid(value)
    }

    /// What the reader says against a value that it rejects.
    pub(super) fn refusal(&self, value: &Value) -> Option<Witness> {
        let error = self.0.iter_errors(value).next()?;
        Some(Witness {
            instance: error.instance_path().to_string(),
            pointer: error.schema_path().to_string(),
            reason: error.to_string(),
            value: value.clone(),
        })
    }
}

/// The witness filled up from an example of the writer: the example with as much of the witness as it takes to
/// break the reader. None where no such mixture does.
pub(super) fn filled_up(
    witness: &Value,
    example: &Value,
    breaks: &mut dyn FnMut(&Value) -> bool,
) -> Option<Value> {
    let (Value::Object(small), Value::Object(large)) = (witness, example) else {
        return None;
    };
    if breaks(example) {
        return Some(example.clone());
    }
    // One member at a time reads best: the offending one among what is well known.
    for (name, value) in small {
        let mut mixed = large.clone();
        mixed.insert(name.clone(), value.clone());
        let mixed = Value::Object(mixed);
        if breaks(&mixed) {
            return Some(mixed);
        }
        if let Some(known) = large.get(name)
            && let Some(inner) = filled_up(value, known, &mut |inner| {
                let mut mixed = large.clone();
                mixed.insert(name.clone(), inner.clone());
                breaks(&Value::Object(mixed))
            })
        {
            let mut mixed = large.clone();
            mixed.insert(name.clone(), inner);
            return Some(Value::Object(mixed));
        }
    }
    // What is missing may be what breaks.
    for name in large.keys().filter(|name| !small.contains_key(*name)) {
        let mut mixed = large.clone();
        mixed.shift_remove(name);
        let mixed = Value::Object(mixed);
        if breaks(&mixed) {
            return Some(mixed);
        }
    }
    let mixed: Map<String, Value> = large
        .iter()
        .chain(small)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mixed = Value::Object(mixed);
    breaks(&mixed).then_some(mixed)
}
