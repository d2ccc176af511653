//! The next version of a topic: the newest one copied, with its examples.
use serde_json::Value;

use super::{NewFile, ScaffoldError};
use crate::registry::files::Files;

/// The files of the version after the newest one of `topic`.
///
/// The schema is copied as it is written; only `x-renamed-from` goes, which speaks of the version before.
///
/// # Errors
/// There is no such topic, or its newest schema is no JSON.
pub fn bump(files: &Files, topic: &str) -> Result<Vec<NewFile>, ScaffoldError> {
    let folder = format!("topics/{topic}/");
    let newest = files.0.keys().filter_map(|path| version(path, &folder));
    let Some(newest) = newest.max() else {
        let names = files.0.keys().filter_map(|path| {
            let (name, _) = path.strip_prefix("topics/")?.split_once('/')?;
            Some((strsim::jaro_winkler(name, topic), name))
        });
        let similar = names
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|one, other| one.0.total_cmp(&other.0));
        return Err(ScaffoldError::UnknownTopic {
            topic: topic.to_owned(),
            similar: similar.map(|(_, name)| name.to_owned()),
        });
    };
    let next = newest + 1;
    let schema = format!("{folder}v{newest}.json");
    let mut made = vec![NewFile {
        path: format!("{folder}v{next}.json"),
        contents: without_renames(&schema, &files.0[&schema])?,
    }];
    let examples = format!("{folder}examples/v{newest}/");
    for (path, text) in &files.0 {
        if let Some(rest) = path.strip_prefix(&examples) {
            made.push(NewFile {
                path: format!("{folder}examples/v{next}/{rest}"),
                contents: text.clone(),
            });
        }
    }
    Ok(made)
}

/// The number in `topics/<topic>/v<number>.json`.
fn version(path: &str, folder: &str) -> Option<u32> {
    let name = path.strip_prefix(folder)?;
    name.strip_prefix('v')?.strip_suffix(".json")?.parse().ok()
}

fn without_renames(path: &str, text: &str) -> Result<String, ScaffoldError> {
    let mut schema: Value =
        serde_json::from_str(text).map_err(|error| ScaffoldError::Unreadable {
            path: path.to_owned(),
            why: error.to_string(),
        })?;
    let mut found = false;
    for name in ["properties", "$defs", "definitions"] {
        let properties = schema.get_mut(name).and_then(Value::as_object_mut);
        for (_, property) in properties.into_iter().flatten() {
            if let Some(members) = property.as_object_mut() {
                found |= members.shift_remove("x-renamed-from").is_some();
            }
        }
    }
    Ok(match found {
        true => format!("{schema:#}\n"),
        // As its author wrote it.
        false => text.to_owned(),
    })
}
