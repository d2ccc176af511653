//! Damaged schemas: parts of collected ones swapped, dropped, misspelt, of the wrong type, referring to anywhere.
//! Whatever comes in, the prover answers, soon, and what it says holds.
//!
//! `TOPICWRIGHT_FUZZ_PAIRS` sets how many pairs are tried, `TOPICWRIGHT_FUZZ_SEED` where to begin.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]
mod corpus;

use fastrand::Rng;
use referencing::Draft;
use serde_json::{Map, Value, json};
use topicwright::compat::{Source, Verdict, View, compat};

const DRAFTS: &[Draft] = &[
    Draft::Draft4,
    Draft::Draft6,
    Draft::Draft7,
    Draft::Draft201909,
    Draft::Draft202012,
];

const KEYWORDS: &[&str] = &[
    "type",
    "enum",
    "const",
    "minimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "items",
    "prefixItems",
    "additionalItems",
    "contains",
    "minContains",
    "maxContains",
    "minItems",
    "uniqueItems",
    "properties",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "required",
    "minProperties",
    "maxProperties",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedProperties",
    "unevaluatedItems",
    "not",
    "allOf",
    "anyOf",
    "oneOf",
    "if",
    "then",
    "else",
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
    "$dynamicAnchor",
    "$recursiveAnchor",
    "$anchor",
    "$id",
    "id",
    "$schema",
    "$defs",
    "definitions",
];

fn junk(random: &mut Rng) -> Value {
    let all = [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(3),
        json!(0.5),
        json!(1e300),
        json!(5e-324),
        json!(u64::MAX),
        json!(9.007_199_254_740_993e15),
        json!(""),
        json!("#"),
        json!("#/$defs/x"),
        json!("#/properties"),
        json!("#/allOf/0"),
        json!("a"),
        json!("a/../b?c#d"),
        json!("http://[::1"),
        json!("https://json-schema.org/draft/2020-12/schema"),
        json!("http://json-schema.org/draft-07/schema#"),
        json!("^(a+)+$"),
        json!("[a-\\d(?<n>x)\\k<n>"),
        json!("\\uD83D\\uDE00|\\cA|(?!x)|\\p{Script=Greek}|x{2,70000}"),
        json!("object"),
        json!([]),
        json!(["a", "a"]),
        json!([1, [], {}]),
        json!([{}, {"type": "string"}]),
        json!({}),
        json!({"a": {}, "": false}),
        json!({"": {"": {"": 1}}}),
        json!({"$ref": "#"}),
        json!({"not": {"$ref": "#"}}),
        json!({"a": {"$ref": "#"}, "b": {"$ref": "#/properties/a"}}),
        json!({"$dynamicRef": "#a"}),
        json!({"x": {"$ref": "#/$defs/x"}}),
        json!(["object", "integer", "null"]),
    ];
    all[random.usize(..all.len())].clone()
}

/// All places in a document.
fn places(value: &Value, here: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(member, format!("{here}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, format!("{here}/{index}"), found);
            }
        }
        _ => {}
    }
    found.push(here);
}

fn damaged(schema: &Value, other: &Value, random: &mut Rng) -> Value {
    let mut schema = schema.clone();
    for _ in 0..random.usize(1..4) {
        let mut own = Vec::new();
        places(&schema, String::new(), &mut own);
        let pointer = own[random.usize(..own.len())].clone();
        let place = schema.pointer_mut(&pointer).unwrap();
        match random.u32(0..8) {
            0 => *place = junk(random),
            1 | 2 => {
                let mut from = Vec::new();
                places(other, String::new(), &mut from);
                let part = other.pointer(&from[random.usize(..from.len())]).unwrap();
                *place = part.clone();
            }
            3 => {
                let part = own[random.usize(..own.len())].clone();
                let part = schema.pointer(&part).unwrap().clone();
                *schema.pointer_mut(&pointer).unwrap() = part;
            }
            4 => {
                let target = own[random.usize(..own.len())].clone();
                *place = json!({"$ref": format!("#{target}")});
            }
            _ => {
                let keyword = KEYWORDS[random.usize(..KEYWORDS.len())].to_owned();
                match place {
                    Value::Object(members) if random.bool() && !members.is_empty() => {
                        let names: Vec<String> = members.keys().cloned().collect();
                        let value = members.remove(&names[random.usize(..names.len())]).unwrap();
                        if random.bool() {
                            members.insert(keyword, value);
                        }
                    }
                    Value::Object(members) => {
                        members.insert(keyword, junk(random));
                    }
                    place => *place = Map::from_iter([(keyword, junk(random))]).into(),
                }
            }
        }
    }
    if random.u32(0..4) > 0 {
        return schema;
    }
    // A letter here or there.
    let mut bytes = schema.to_string().into_bytes();
    let index = random.usize(..bytes.len());
    bytes[index] = random.u8(32..127);
    serde_json::from_slice(&bytes).unwrap_or(schema)
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[test]
fn damaged_schemas_are_answered() {
    let pairs = setting("TOPICWRIGHT_FUZZ_PAIRS", 3_000);
    let seed = setting("TOPICWRIGHT_FUZZ_SEED", 1);
    let schemas: Vec<(std::sync::Arc<Value>, Draft)> = [
        "karapace",
        "jsoncompat",
        "is-json-schema-subset",
        "jsts-derived",
    ]
    .iter()
    .flat_map(|name| corpus::cases(name))
    .flat_map(|case| {
        [
            (case.writer, case.writer_draft),
            (case.reader, case.reader_draft),
        ]
    })
    .collect();
    let (mut answered, mut refused, mut slowest) = (0, 0, 0.0_f64);
    for number in 0..pairs {
        let mut random = Rng::with_seed(seed.wrapping_mul(1_000_003).wrapping_add(number));
        let (base, draft) = &schemas[random.usize(..schemas.len())];
        let (other, _) = &schemas[random.usize(..schemas.len())];
        let draft = if random.u32(0..4) == 0 {
            DRAFTS[random.usize(..DRAFTS.len())]
        } else {
            *draft
        };
        let writer = damaged(base, other, &mut random);
        let reader = if random.bool() {
            damaged(base, other, &mut random)
        } else {
            Value::clone(base)
        };
        let case =
            format!("seed {seed} pair {number} {draft:?}\n writer {writer}\n reader {reader}");
        if std::env::var_os("TOPICWRIGHT_FUZZ_SHOW").is_some() {
            println!("{case}");
        }
        let started = std::time::Instant::now();
        for view in [View::Stream, View::Strict] {
            let source = |schema: &Value| Source::alone(schema.clone(), draft);
            match compat(source(&writer), source(&reader), view) {
                Err(error) => {
                    refused += 1;
                    assert!(!error.problem.is_empty(), "{case}");
                }
                Ok(Verdict::Compatible(_) | Verdict::Unknown(_)) => answered += 1,
                Ok(Verdict::Incompatible(witness)) => {
                    answered += 1;
                    assert!(!witness.reason.is_empty(), "{case}");
                }
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        assert!(seconds < 10.0, "{seconds} s: {case}");
        slowest = slowest.max(seconds);
    }
    println!("{answered} answered, {refused} refused, at most {slowest:.2} s");
    assert!(
        answered > pairs / 2 && refused > pairs / 20,
        "{answered} {refused}"
    );
}
