//! The independent validator: no witness leaves without its word, and it says where the reader refuses.
use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value};

use super::{Source, Witness};
use crate::model::known_draft;

/// Most items of an array that is filled up, as each is tried on both validators.
const ITEMS: usize = 30;

/// Most faults of a message that is meant for a branch all the same.
const SLIPS: usize = 2;

/// Longest reason that repeats the message; longer ones speak of "the value".
const REASON: usize = 160;

/// A schema as the validator has compiled it.
#[derive(Debug)]
pub(super) struct Judge {
    validator: jsonschema::Validator,
    /// URI of each document that the schema refers to, and the `$id` that places in it are called by.
    others: Vec<(String, Option<String>)>,
}

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
                .add(uri.as_str(), document.as_ref())
                .map_err(|error| error.to_string())?;
        }
        let registry = registry.prepare().map_err(|error| error.to_string())?;
        jsonschema::options()
            .with_draft(draft)
            .with_registry(&registry)
            .with_base_uri(uri.clone())
            .should_validate_formats(formats)
            .build(schema)
            .map(|validator| Self {
                validator,
                others: others(source),
            })
            .map_err(|error| error.to_string())
    }

    pub(super) fn accepts(&self, value: &Value) -> bool {
        self.validator.is_valid(value)
    }

    /// What the reader says against a value that it rejects.
    pub(super) fn refusal(&self, value: &Value) -> Option<Witness> {
        let error = self.validator.iter_errors(value).next()?;
        let error = meant(&error);
        Some(Witness {
            instance: error.instance_path().to_string(),
            pointer: self.place(error),
            member: member(error.kind()),
            reason: words(error),
            value: value.clone(),
        })
    }

    /// The keyword's pointer, after its document's URI where that is not the schema's own.
    fn place(&self, error: &ValidationError<'_>) -> String {
        let pointer = error.schema_path().as_str();
        let resource = error
            .absolute_keyword_location()
            .and_then(|location| location.as_str().split('#').next());
        let other = self.others.iter().find(|(uri, id)| {
            resource.is_some() && [Some(uri.as_str()), id.as_deref()].contains(&resource)
        });
        match other {
            Some((uri, _)) => format!("{uri}#{pointer}"),
            None => pointer.to_owned(),
        }
    }
}

fn others(source: &Source) -> Vec<(String, Option<String>)> {
    let others = source.documents.iter().skip(1);
    others
        .map(|(uri, document)| (uri.clone(), own_name(document).map(str::to_owned)))
        .collect()
}

/// The `$id` of a schema, by which the validator calls places in it rather than by the URI that it was added under.
pub(crate) fn own_name(schema: &Value) -> Option<&str> {
    let id = schema.get("$id").and_then(Value::as_str)?;
    Some(id.trim_end_matches('#'))
}

/// The member that is missing, or the first one that should not be there.
fn member(kind: &ValidationErrorKind) -> Option<String> {
    match kind {
        ValidationErrorKind::Required { property } => property.as_str().map(str::to_owned),
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => unexpected.first().cloned(),
        _ => None,
    }
}

/// What the validator says, without the value where that is long.
pub(crate) fn words(error: &ValidationError<'_>) -> String {
    let reason = error.to_string();
    if reason.len() > REASON {
        error.masked_with("the value").to_string()
    } else {
        reason
    }
}

/// Where no branch of a union holds, what is wrong with the one that the message is meant for: the only one of its
/// type and with its tags, if there is little wrong with it.
pub(crate) fn meant<'e>(error: &'e ValidationError<'e>) -> &'e ValidationError<'e> {
    let (ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context }) =
        error.kind()
    else {
        return error;
    };
    let own = error.instance_path().as_str().len();
    let mut likely = context
        .iter()
        .filter(|errors| !errors.iter().any(|error| is_of_another(error, own)));
    match (likely.next(), likely.next()) {
        (Some(errors), None) if errors.len() <= SLIPS => errors.first().map_or(error, meant),
        _ => error,
    }
}

/// Whether an error says that a branch of a union is for values of another type or with other tags; `own` is the
/// length of the pointer to the union's value.
fn is_of_another(error: &ValidationError<'_>, own: usize) -> bool {
    let path = error.instance_path().as_str();
    match error.kind() {
        ValidationErrorKind::Type { .. } | ValidationErrorKind::FalseSchema => path.len() == own,
        ValidationErrorKind::Constant { .. } | ValidationErrorKind::Enum { .. } => {
            !path[own..].trim_start_matches('/').contains('/')
        }
        // A union in the union, of branches that are all for others.
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            let is_for_others = |errors: &Vec<ValidationError<'_>>| {
                errors.iter().any(|error| is_of_another(error, own))
            };
            path.len() == own && !context.is_empty() && context.iter().all(is_for_others)
        }
        _ => false,
    }
}

/// The witness filled up from an example of the writer: the example with as much of the witness as it takes to
/// break the reader. None where no such mixture does.
pub(super) fn filled_up(
    witness: &Value,
    example: &Value,
    breaks: &mut dyn FnMut(&Value) -> bool,
) -> Option<Value> {
    if breaks(example) {
        return Some(example.clone());
    }
    let (small, large) = match (witness, example) {
        (Value::Object(small), Value::Object(large)) => (small, large),
        (Value::Array(small), Value::Array(large)) => return filled_items(small, large, breaks),
        _ => return None,
    };
    // One member at a time reads best: the offending one among what is well known, itself filled up.
    for (name, value) in small {
        let mut with = |inner: &Value| {
            let mut mixed = large.clone();
            mixed.insert(name.clone(), inner.clone());
            let mixed = Value::Object(mixed);
            breaks(&mixed).then_some(mixed)
        };
        if let Some(known) = large.get(name)
            && let Some(inner) = filled_up(value, known, &mut |inner| with(inner).is_some())
        {
            return with(&inner);
        }
        if let Some(mixed) = with(value) {
            return Some(mixed);
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

/// Each item filled up from the example's item at its place, or the last one there is.
fn filled_items(
    small: &[Value],
    large: &[Value],
    breaks: &mut dyn FnMut(&Value) -> bool,
) -> Option<Value> {
    let mut items = small.to_vec();
    if items.len() > ITEMS || !breaks(&Value::Array(items.clone())) {
        return None;
    }
    for index in 0..items.len() {
        let Some(known) = large.get(index).or(large.last()) else {
            break;
        };
        let mut with = |inner: &Value| {
            let mut mixed = items.clone();
            mixed[index] = inner.clone();
            breaks(&Value::Array(mixed))
        };
        if let Some(inner) = filled_up(&small[index], known, &mut with) {
            items[index] = inner;
        }
    }
    Some(Value::Array(items))
}
