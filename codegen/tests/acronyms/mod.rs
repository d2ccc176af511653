//! Topics whose names have acronyms, single letters, letters beyond ASCII, and names that generated code imports, in
//! two versions each.
use serde_json::{Value, json};
use topicwright::registry::files::Files;

/// Topics told from their model; `beyond.ASCII`, the last, is not: Rust has such names too, and they are read.
pub const TOPICS: &[&str] = &[
    "a.b",
    "shop.HTTPServer",
    "x_y",
    "default",
    "to.string",
    "beyond.ASCII",
];

/// Adds them to a registry that has a topic `t0`. What has a type of its own is the same in both versions.
pub fn add(files: &mut Files) {
    let manifest = files.0["topics/t0/topic.toml"].clone();
    let (state, part) = (json!({"enum": ["OK", "not OK"]}), json!({"type": "string"}));
    let object = |properties: Value| json!({"type": "object", "properties": properties});
    let spelled = json!({
        "itemURL": state,
        "userID2": object(json!({"homeURL": {"enum": ["a.b", "3D"]}, "x_y": object(json!({"z": part}))})),
        "x_y": object(json!({"c": state})),
        "A": state,
        "IDs": {"type": "array", "items": object(json!({"ID": part}))},
        "perURL": {"type": "object", "additionalProperties": {"enum": ["y", "n"]}},
        "server": {"$ref": "#/$defs/HTTPServer"},
        "named": {"title": "TCP/IP port", "enum": ["x", "y"]},
        // Names of the runtime that modules import.
        "kind": {"title": "Kind", "enum": ["k"]},
        "json": {"title": "JSON", "enum": ["j"]},
        "version": {"title": "Version", "enum": ["v"]},
        "block": object(json!({"BTreeMap": {"title": "Block", "enum": ["b"]}})),
        // Two names that are one when each is spelled as Rust does.
        "first": {"title": "DBPool", "enum": ["f"]},
        "second": {"title": "DbPool", "enum": ["s"]},
    });
    let pattern = |pattern: &str| json!({"type": "string", "pattern": pattern});
    let beyond = json!({
        "über": state, "größeXY": object(json!({"상태": state})), "ÉTAT": state,
        // A constant is made for each pattern, and a name does not begin with a digit.
        "2fa_code": pattern("^[0-9]{6}$"), "\u{1b}[31mred": pattern("^r"),
    });
    for topic in TOPICS {
        let properties = match *topic {
            "beyond.ASCII" => &beyond,
            _ => &spelled,
        };
        let mut schema = object(properties.clone());
        schema["$defs"] = json!({"HTTPServer": object(json!({"IPv4": part, "state": state}))});
        let mut add = |file: &str, text: String| {
            files.0.insert(format!("topics/{topic}/{file}"), text);
        };
        add("topic.toml", manifest.clone());
        add("v1.json", schema.to_string());
        schema["properties"]["added"] = part.clone();
        add("v2.json", schema.to_string());
    }
}
