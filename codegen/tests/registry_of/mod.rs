//! A registry around one payload schema, for tests that are about that schema alone.
use topicwright::registry::files::Files;

/// A registry with the topics `t0`, `t1`… whose payloads are these schemas.
pub fn registry_of(schemas: &[serde_json::Value]) -> Files {
    let mut files = Files::default();
    let mut add = |path: &str, text: &str| {
        files.0.insert(path.to_owned(), text.to_owned());
    };
    add("registry.toml", REGISTRY);
    add("envelope/v1.json", ENVELOPE);
    for (number, schema) in schemas.iter().enumerate() {
        add(&format!("topics/t{number}/topic.toml"), TOPIC);
        add(
            &format!("topics/t{number}/v1.json"),
            &serde_json::to_string_pretty(schema).unwrap_or_default(),
        );
    }
    files
}

const REGISTRY: &str = r#"
[project]
name = "sample"
crate = "sample-events"
description = "One schema."
[kafka]
partitions = 1
[clickhouse]
database = "sample"
table = "events"
retention_days = 30
order_by = ["event_type", "ts"]
[[clickhouse.columns]]
name = "actor"
type = "String"
description = "Who acted"
"#;

const TOPIC: &str = r#"
description = "Something happened."
owner = "nobody"
consumers = []
key = "/actor"
dedupe_key = "{/id}"
"#;

const ENVELOPE: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "description": "Wraps every event.",
  "type": "object",
  "required": ["type", "id", "actor", "at", "data"],
  "properties": {
    "type": {"description": "Event type.", "type": "string", "minLength": 1, "maxLength": 100, "x-role": "event-type"},
    "v": {"description": "Schema version.", "type": "integer", "minimum": 1, "maximum": 65535, "x-role": "schema-version"},
    "id": {"description": "Unique id.", "type": "string", "minLength": 1, "maxLength": 100, "x-role": "event-id"},
    "actor": {"description": "Who acted.", "type": "string", "minLength": 1, "maxLength": 100, "x-column": "actor"},
    "at": {"description": "When it happened.", "type": "string", "format": "date-time", "x-role": "timestamp"},
    "data": {"description": "The event itself.", "type": "object", "x-role": "payload"},
    "key": {"description": "Deduplication key.", "type": "string", "minLength": 1, "x-role": "dedupe-key"}
  }
}"#;
