//! Which draft a schema is written in: what it says itself, if that is a draft; never a guess.
use serde_json::Value;

use crate::model::DATA;

/// Each draft's address, as validators know it.
const DRAFTS: &[&str] = &[
    "http://json-schema.org/draft-04/schema#",
    "http://json-schema.org/draft-06/schema#",
    "http://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2020-12/schema",
];

/// A `$schema` that names no draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UnknownDialect {
    /// Pointer of the `$schema`.
    pub(super) pointer: String,
    /// What it says, and what it could say.
    pub(super) problem: String,
}

/// Spells each `$schema` of a document as validators know it: with `http` or `https`, with or without `#` at the end.
///
/// One that names no draft is taken out where the caller says which draft is meant (`is_stated`).
///
/// # Errors
/// A `$schema` names no draft, and nobody says which is meant.
pub(super) fn settle(schema: &mut Value, is_stated: bool) -> Result<(), UnknownDialect> {
    settle_at(schema, is_stated, true, &mut String::new())
}

fn settle_at(
    value: &mut Value,
    is_stated: bool,
    is_root: bool,
    pointer: &mut String,
) -> Result<(), UnknownDialect> {
    let end = pointer.len();
    match value {
        Value::Object(members) => {
            // Below the root only a schema with an address of its own has a dialect of its own.
            let counts = is_root || ["$id", "id"].iter().any(|id| members.contains_key(*id));
            // A property may have the name.
            let said = members.get("$schema").filter(|said| !said.is_object());
            if let Some(said) = said.filter(|_| counts) {
                match said.as_str().and_then(known) {
                    Some(draft) => {
                        members.insert("$schema".to_owned(), draft.into());
                    }
                    None if is_stated => {
                        members.shift_remove("$schema");
                    }
                    None => return Err(unknown(said, pointer)),
                }
            }
            for (name, member) in members.iter_mut() {
                if DATA.contains(&name.as_str()) {
                    continue;
                }
                pointer.push('/');
                pointer.push_str(&crate::model::escape(name));
                settle_at(member, is_stated, false, pointer)?;
                pointer.truncate(end);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                pointer.push_str(&format!("/{index}"));
                settle_at(item, is_stated, false, pointer)?;
                pointer.truncate(end);
            }
        }
        _ => {}
    }
    Ok(())
}

/// The address of a draft by any of its spellings.
fn known(said: &str) -> Option<&'static str> {
    let bare = |address: &'static str| address.split_once("://").map_or(address, |(_, rest)| rest);
    let said = said.strip_suffix('#').unwrap_or(said);
    let said = said
        .strip_prefix("https://")
        .or_else(|| said.strip_prefix("http://"))?;
    let mut drafts = DRAFTS.iter();
    drafts
        .find(|draft| bare(draft).trim_end_matches('#') == said)
        .copied()
}

fn unknown(said: &Value, pointer: &str) -> UnknownDialect {
    UnknownDialect {
        pointer: format!("{pointer}/$schema"),
        problem: format!("{said} names no draft; known are {}", DRAFTS.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_spelling_of_a_draft_is_known() {
        for said in [
            "http://json-schema.org/draft-07/schema#",
            "http://json-schema.org/draft-07/schema",
            "https://json-schema.org/draft-07/schema#",
        ] {
            assert_eq!(known(said), Some(DRAFTS[2]), "{said}");
        }
        for said in [
            "http://json-schema.org/draft/2020-12/schema",
            "https://json-schema.org/draft/2020-12/schema#",
        ] {
            assert_eq!(known(said), Some(DRAFTS[4]), "{said}");
        }
        for said in [
            "",
            "#",
            "json-schema.org/draft-07/schema",
            "http://json-schema.org/schema#",
            "http://json-schema.org/draft-05/schema#",
            "http://json-schema.org/draft-07/schema##",
            "http://json-schema.org/draft-07/schema#/definitions/x",
            "http://json-schema.org/draft-07/schema/",
        ] {
            assert_eq!(known(said), None, "{said}");
        }
    }

    #[test]
    fn schemas_inside_of_schemas_count_and_data_does_not() {
        let inside = |schema| json!({"$defs": {"a/b": schema}});
        let mut odd = inside(json!({"$id": "urn:a", "$schema": "urn:x"}));
        let said = settle(&mut odd.clone(), false).unwrap_err();
        assert_eq!(said.pointer, "/$defs/a~1b/$schema");
        settle(&mut odd, true).unwrap();
        assert_eq!(odd, inside(json!({"$id": "urn:a"})));
        for quiet in [
            inside(json!({"$schema": "urn:x"})),
            inside(json!({"const": {"$id": "urn:a", "$schema": "urn:x"}})),
            json!({"properties": {"$schema": {"type": "string"}, "$id": {"type": "string"}}}),
        ] {
            let mut settled = quiet.clone();
            settle(&mut settled, false).unwrap();
            assert_eq!(settled, quiet);
        }
        assert!(settle(&mut json!({"$schema": 7}), false).is_err());
    }
}
