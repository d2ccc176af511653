//! A new topic: a manifest, a first schema and examples that load as they are, to be edited from there.
use askama::Template;

use super::{NewFile, ScaffoldError};
use crate::model::escape;
use crate::registry::files::Files;

#[derive(Template)]
#[template(path = "scaffold/topic.toml.j2", escape = "none")]
struct Manifest {
    /// Values as TOML writes them.
    owner: String,
    key: String,
    dedupe_key: String,
}

/// A text as a TOML value: it may hold quotes and more.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

#[derive(Template)]
#[template(path = "scaffold/v1.json.j2", escape = "none")]
struct Schema<'a> {
    title: &'a str,
}

const EXAMPLE: &str = r#"{
  "id": "0190a5c2-6f3e-7cc0-8a11-5d0c4f6a2b31"
}
"#;

const INVALID: &str = r#"{
  "pointer": "",
  "why": "An event says what it is about.",
  "payload": {}
}
"#;

/// The files of a new topic; `roles` are the envelope's member names of event type and payload.
///
/// # Errors
/// The name is taken or is no topic name.
pub fn new_topic(
    files: &Files,
    topic: &str,
    owner: &str,
    roles: (&str, &str),
) -> Result<Vec<NewFile>, ScaffoldError> {
    let is_word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    if !topic.contains('.') || !topic.split('.').all(is_word) {
        return Err(ScaffoldError::TopicName(topic.to_owned()));
    }
    let folder = format!("topics/{topic}");
    if files
        .0
        .keys()
        .any(|path| path.starts_with(&format!("{folder}/")))
    {
        return Err(ScaffoldError::TopicExists(topic.to_owned()));
    }
    let mut title = topic.replace(['.', '_'], " ");
    title[..1].make_ascii_uppercase();
    let render = |rendered: askama::Result<String>, path: &str| {
        rendered.map_err(|error| ScaffoldError::Unreadable {
            path: path.to_owned(),
            why: error.to_string(),
        })
    };
    let file = |name: &str, contents: String| NewFile {
        path: format!("{folder}/{name}"),
        contents,
    };
    let (event_type, payload) = (escape(roles.0), escape(roles.1));
    let manifest = Manifest {
        owner: quoted(owner),
        key: quoted(&format!("/{payload}/id")),
        dedupe_key: quoted(&format!("{{/{event_type}}}:{{/{payload}/id}}")),
    };
    Ok(vec![
        file("topic.toml", render(manifest.render(), "topic.toml")?),
        file(
            "v1.json",
            render(Schema { title: &title }.render(), "v1.json")?,
        ),
        file("examples/v1/first.json", EXAMPLE.to_owned()),
        file("examples/v1/invalid/id_missing.json", INVALID.to_owned()),
    ])
}
