//! The prover under attack: random pairs of schemas over every keyword, random messages that an independent
//! validator judges. A proof with a counterexample is the worst defect there is; a witness is confirmed twice.
//!
//! `TOPICWRIGHT_ATTACK_PAIRS` sets how many pairs are tried, `TOPICWRIGHT_ATTACK_SEED` where to begin.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]
use fastrand::Rng;
use jsonschema::canonical::Containment;
use referencing::Draft;
use serde_json::{Map, Value, json};
use topicwright::compat::{Source, Verdict, View, compat};

const NAMES: &[&str] = &["a", "b", "ab", "c"];
const PATTERNS: &[&str] = &["^a", "b$", "^[ab]+$", "a|c", "^$", "^.{2}$", "^(?!a)"];
const TYPES: &[&str] = &[
    "null", "boolean", "integer", "number", "string", "array", "object",
];

struct Generator {
    random: Rng,
    draft: Draft,
}

impl Generator {
    fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.random.usize(..items.len())]
    }

    fn count(&mut self) -> u64 {
        self.random.u64(0..4)
    }

    fn number(&mut self) -> Value {
        self.pick(&[
            json!(0),
            json!(1),
            json!(2),
            json!(3),
            json!(-1),
            json!(0.5),
            json!(1.5),
            json!(2.5),
            json!(10),
            json!(0.1),
            json!(1.0),
            json!(6),
            json!(100),
        ])
        .clone()
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.random.u32(0..if depth == 0 { 5 } else { 8 }) {
            0 => Value::Null,
            1 => self.random.bool().into(),
            2 | 3 => self.number(),
            4 => (*self.pick(&["", "a", "b", "ab", "aa", "c", "ba", "abc", "é"])).into(),
            5 => (0..self.random.usize(0..4))
                .map(|_| self.value(depth - 1))
                .collect(),
            _ => {
                let mut members = Map::new();
                for _ in 0..self.random.usize(0..4) {
                    let name = *self.pick(&["a", "b", "ab", "c", "d", "aa"]);
                    members.insert(name.to_owned(), self.value(depth - 1));
                }
                Value::Object(members)
            }
        }
    }

    fn schemas(&mut self, depth: usize) -> Value {
        (0..self.random.usize(1..4))
            .map(|_| self.schema(depth))
            .collect()
    }

    fn named(&mut self, names: &[&str], depth: usize) -> Value {
        let mut members = Map::new();
        for _ in 0..self.random.usize(1..4) {
            let name = (*self.pick(names)).to_owned();
            members.insert(name, self.schema(depth));
        }
        Value::Object(members)
    }

    fn names(&mut self) -> Value {
        let mut names: Vec<&str> = (0..self.random.usize(0..3))
            .map(|_| *self.pick(NAMES))
            .collect();
        names.sort_unstable();
        names.dedup();
        json!(names)
    }

    fn schema(&mut self, depth: usize) -> Value {
        if self.random.u32(0..12) == 0 {
            return self.random.bool().into();
        }
        let mut schema = Map::new();
        for _ in 0..self.random.usize(1..4) {
            let (keyword, value) = self.keyword(depth);
            schema.insert(keyword.to_owned(), value);
        }
        Value::Object(schema)
    }

    fn keyword(&mut self, depth: usize) -> (&'static str, Value) {
        let modern = self.draft == Draft::Draft202012;
        let leaf = depth == 0;
        loop {
            let inner = depth.saturating_sub(1);
            return match self.random.u32(0..if leaf { 17 } else { 40 }) {
                0..=2 => ("type", (*self.pick(TYPES)).into()),
                3 => {
                    let (one, two) = (*self.pick(TYPES), *self.pick(TYPES));
                    (
                        "type",
                        if one == two {
                            one.into()
                        } else {
                            json!([one, two])
                        },
                    )
                }
                4 => ("const", self.value(2)),
                5 => {
                    let mut values: Vec<Value> = Vec::new();
                    for _ in 0..self.random.usize(1..4) {
                        let value = self.value(1);
                        if !values.contains(&value) {
                            values.push(value);
                        }
                    }
                    ("enum", values.into())
                }
                6 => ("minimum", self.number()),
                7 => ("maximum", self.number()),
                8 => ("exclusiveMinimum", self.number()),
                9 => ("exclusiveMaximum", self.number()),
                10 => (
                    "multipleOf",
                    self.pick(&[
                        json!(2),
                        json!(3),
                        json!(0.5),
                        json!(1),
                        json!(0.3),
                        json!(4),
                    ])
                    .clone(),
                ),
                11 => ("minLength", self.count().into()),
                12 => ("maxLength", self.count().into()),
                13 => ("pattern", (*self.pick(PATTERNS)).into()),
                14 => ("required", self.names()),
                15 => (
                    *self.pick(&["minItems", "maxItems", "minProperties", "maxProperties"]),
                    self.count().into(),
                ),
                16 => ("uniqueItems", self.random.bool().into()),
                17 | 18 => ("properties", self.named(NAMES, inner)),
                19 => ("patternProperties", self.named(&PATTERNS[..6], inner)),
                20 => ("additionalProperties", self.schema(inner)),
                21 => ("propertyNames", self.schema(0)),
                22 | 23 => ("items", self.schema(inner)),
                24 if modern => ("prefixItems", self.schemas(inner)),
                25 | 26 => ("contains", self.schema(inner)),
                27 if modern => (
                    *self.pick(&["minContains", "maxContains"]),
                    self.count().into(),
                ),
                28 => ("not", self.schema(inner)),
                29 => ("allOf", self.schemas(inner)),
                30 | 31 => ("anyOf", self.schemas(inner)),
                32 | 33 => ("oneOf", self.schemas(inner)),
                34 => ("if", self.schema(inner)),
                35 => (*self.pick(&["then", "else"]), self.schema(inner)),
                36 if modern => {
                    let (name, needed) = (*self.pick(NAMES), self.names());
                    ("dependentRequired", json!({name: needed}))
                }
                37 if modern => ("dependentSchemas", self.named(NAMES, inner)),
                38 if modern => ("unevaluatedProperties", self.schema(inner)),
                39 if modern => ("unevaluatedItems", self.schema(inner)),
                _ => continue,
            };
        }
    }

    /// A schema, or the same with one change: neighbours are where mistakes hide.
    fn pair(&mut self) -> (Value, Value) {
        let mut one = self.schema(2);
        let mut other = match self.random.u32(0..4) {
            0 => self.schema(2),
            1 => json!({"allOf": [one, self.schema(1)]}),
            2 => json!({"anyOf": [one, self.schema(1)]}),
            _ => {
                let mut changed = one.clone();
                if let Some(members) = changed.as_object_mut() {
                    let (keyword, value) = self.keyword(2);
                    members.insert(keyword.to_owned(), value);
                }
                changed
            }
        };
        if self.random.u32(0..8) == 0 {
            // A tree of itself.
            let tree = json!({"properties": {"a": {"$ref": "#/$defs/t"}}, "items": {"$ref": "#/$defs/t"}, "allOf": [one]});
            one = json!({"$ref": "#/$defs/t", "$defs": {"t": tree}});
            if self.random.bool() {
                let tree = json!({"properties": {"a": {"$ref": "#/$defs/t"}}, "anyOf": [other, {"required": ["a"]}]});
                other = json!({"$ref": "#/$defs/t", "$defs": {"t": tree}});
            }
        }
        if self.random.bool() {
            (one, other)
        } else {
            (other, one)
        }
    }
}

fn validator(schema: &Value, draft: Draft) -> Option<jsonschema::Validator> {
    jsonschema::options()
        .with_draft(draft)
        .should_validate_formats(false)
        .build(schema)
        .ok()
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[test]
fn no_proof_has_a_counterexample_and_every_witness_is_one() {
    let pairs = setting("TOPICWRIGHT_ATTACK_PAIRS", 4_000);
    let seed = setting("TOPICWRIGHT_ATTACK_SEED", 1);
    let (mut proofs, mut witnesses, mut unknown, mut covered) = (0, 0, 0, 0);
    let mut reasons: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    for number in 0..pairs {
        let draft = if number % 3 == 0 {
            Draft::Draft7
        } else {
            Draft::Draft202012
        };
        let mut generator = Generator {
            random: Rng::with_seed(seed.wrapping_mul(1_000_003).wrapping_add(number)),
            draft,
        };
        let (writer, reader) = generator.pair();
        let (Some(writes), Some(reads)) = (validator(&writer, draft), validator(&reader, draft))
        else {
            continue;
        };
        let case =
            format!("seed {seed} pair {number} {draft:?}\n writer {writer}\n reader {reader}");
        let started = std::time::Instant::now();
        let verdict = compat(
            Source::alone(writer.clone(), draft),
            Source::alone(reader.clone(), draft),
            View::Strict,
        );
        let seconds = started.elapsed().as_secs_f64();
        assert!(seconds < 20.0, "{seconds} s: {case}");
        let covers = || {
            let canonical = |schema: &Value| {
                jsonschema::canonical::options()
                    .with_draft(draft)
                    .canonicalize(schema)
                    .ok()
            };
            canonical(&reader)?.covers(&canonical(&writer)?).ok()
        };
        match verdict.unwrap_or_else(|error| panic!("{error}: {case}")) {
            Verdict::Compatible(_) => {
                proofs += 1;
                for _ in 0..300 {
                    let message = generator.value(3);
                    assert!(
                        !writes.is_valid(&message) || reads.is_valid(&message),
                        "{message} breaks a proof: {case}"
                    );
                }
                assert_ne!(
                    covers(),
                    Some(Containment::No),
                    "the canonical form disagrees: {case}"
                );
            }
            Verdict::Incompatible(witness) => {
                witnesses += 1;
                assert!(
                    writes.is_valid(&witness.value),
                    "{} is no message: {case}",
                    witness.value
                );
                assert!(
                    !reads.is_valid(&witness.value),
                    "{} breaks nothing: {case}",
                    witness.value
                );
                assert_ne!(
                    covers(),
                    Some(Containment::Yes),
                    "the canonical form disagrees on {}: {case}",
                    witness.value
                );
            }
            Verdict::Unknown(reason) => {
                unknown += 1;
                if covers().is_some_and(|answer| answer != Containment::Unknown) {
                    covered += 1;
                }
                *reasons
                    .entry(format!("{}: {:.70}", reason.keyword, reason.reason))
                    .or_default() += 1;
                if std::env::var_os("TOPICWRIGHT_ATTACK_SHOW").is_some() {
                    println!("{reason:?}: {case}");
                }
            }
        }
    }
    println!(
        "{proofs} proofs, {witnesses} witnesses, {unknown} unknown, {covered} of them decided by the canonical form"
    );
    for (reason, count) in reasons {
        println!("{count:6} {reason}");
    }
    assert!(
        proofs > pairs / 20 && witnesses > pairs / 5,
        "{proofs} {witnesses} of {pairs}"
    );
    assert!(unknown < pairs / 10, "{unknown} of {pairs}");
}
