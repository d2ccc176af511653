//! Random schemas over every keyword of every draft, with definitions that refer to one another, and random
//! messages near what they say.
#![allow(dead_code)]
pub mod closed;

use fastrand::Rng;
use referencing::Draft;
use serde_json::{Map, Value, json};

const NAMES: &[&str] = &["a", "b", "ab", "c"];
const PATTERNS: &[&str] = &[
    "^a", "b$", "^[ab]+$", "a|c", "^$", "^.{2}$", "^(?!a)", "\\d", "^\\w+$", "\\bb", "^[^a]*$",
    "é|^b", "(a|)c", "^\\p{L}$", "^\\S*$",
];
const TEXTS: &[&str] = &[
    "", "a", "b", "ab", "aa", "c", "ba", "abc", "é", "1", "a\n", "😀", "a b", "ac", "_",
];
const TYPES: &[&str] = &[
    "null", "boolean", "integer", "number", "string", "array", "object",
];
/// Names of definitions.
const DEFS: &[&str] = &["x", "y", "z"];

pub struct Generator {
    pub random: Rng,
    pub draft: Draft,
    /// Definitions that may be referred to.
    pub defs: usize,
    /// Whether `$dynamicRef` or `$recursiveRef` may be used.
    pub dynamic: bool,
}

impl Generator {
    pub fn new(seed: u64, draft: Draft) -> Self {
        Self {
            random: Rng::with_seed(seed),
            draft,
            defs: 0,
            dynamic: false,
        }
    }

    fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.random.usize(..items.len())]
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.random.u32(0..count) == 0
    }

    fn count(&mut self) -> u64 {
        self.random.u64(0..4)
    }

    fn number(&mut self) -> Value {
        if self.one_in(12) {
            let large = [
                json!(9_007_199_254_740_992_u64),
                json!(9_007_199_254_740_993_u64),
                json!(-9_007_199_254_740_993_i64),
                json!(u64::MAX),
                json!(i64::MIN),
                json!(1e15),
                json!(-0.0),
                json!(1e-7),
                json!(0.3),
            ];
            return self.pick(&large).clone();
        }
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

    fn text(&mut self) -> &'static str {
        TEXTS[self.random.usize(..TEXTS.len())]
    }

    /// A message.
    pub fn value(&mut self, depth: usize) -> Value {
        match self.random.u32(0..if depth == 0 { 5 } else { 8 }) {
            0 => Value::Null,
            1 => self.random.bool().into(),
            2 | 3 => self.number(),
            4 => self.text().into(),
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

    /// The value with one part replaced.
    pub fn changed(&mut self, value: &Value) -> Value {
        let mut value = value.clone();
        match &mut value {
            Value::Array(items) if !items.is_empty() && !self.one_in(3) => {
                let place = self.random.usize(..items.len());
                match self.random.u32(0..4) {
                    0 => drop(items.remove(place)),
                    1 => items.push(items[place].clone()),
                    _ => items[place] = self.changed(&items[place].clone()),
                }
            }
            Value::Object(members) if !self.one_in(3) => {
                let names: Vec<String> = members.keys().cloned().collect();
                if names.is_empty() || self.one_in(3) {
                    let name = (*self.pick(&["a", "b", "ab", "c", "d"])).to_owned();
                    members.insert(name, self.value(1));
                } else {
                    let name = self.pick(&names).clone();
                    if self.one_in(3) {
                        members.remove(&name);
                    } else {
                        let changed = self.changed(&members[&name].clone());
                        members.insert(name, changed);
                    }
                }
            }
            _ => value = self.value(1),
        }
        value
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
        let least = usize::from(self.draft == Draft::Draft4);
        let mut names: Vec<&str> = (0..self.random.usize(least..3))
            .map(|_| *self.pick(NAMES))
            .collect();
        names.sort_unstable();
        names.dedup();
        json!(names)
    }

    fn defs_keyword(&self) -> &'static str {
        if self.draft >= Draft::Draft201909 {
            "$defs"
        } else {
            "definitions"
        }
    }

    fn reference(&mut self) -> Value {
        if self.one_in(4) {
            return "#".into();
        }
        let name = DEFS[self.random.usize(..self.defs)];
        format!("#/{}/{name}", self.defs_keyword()).into()
    }

    pub fn schema(&mut self, depth: usize) -> Value {
        if self.draft != Draft::Draft4 && self.one_in(12) {
            return self.random.bool().into();
        }
        let mut schema = Map::new();
        for _ in 0..self.random.usize(1..4) {
            let (keyword, value) = self.keyword(depth);
            if self.draft == Draft::Draft4 && keyword.starts_with("exclusive") {
                let bound = if keyword.ends_with("Minimum") {
                    "minimum"
                } else {
                    "maximum"
                };
                schema.entry(bound).or_insert_with(|| 1.into());
            }
            schema.insert(keyword.to_owned(), value);
        }
        Value::Object(schema)
    }

    fn leaf(&mut self) -> (&'static str, Value) {
        match self.random.u32(0..17) {
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
            4 if self.draft != Draft::Draft4 => ("const", self.value(2)),
            4 | 5 => {
                let mut values: Vec<Value> = Vec::new();
                for _ in 0..self.random.usize(1..4) {
                    let value = self.value(2);
                    if !values.contains(&value) {
                        values.push(value);
                    }
                }
                ("enum", values.into())
            }
            6 => ("minimum", self.number()),
            7 => ("maximum", self.number()),
            8 | 9 => {
                let keyword = *self.pick(&["exclusiveMinimum", "exclusiveMaximum"]);
                let value = if self.draft == Draft::Draft4 {
                    true.into()
                } else {
                    self.number()
                };
                (keyword, value)
            }
            10 => {
                let steps = [2.0, 3.0, 0.5, 1.0, 0.3, 4.0, 0.1];
                let step = *self.pick(&steps);
                ("multipleOf", step.into())
            }
            11 => ("minLength", self.count().into()),
            12 => ("maxLength", self.count().into()),
            13 => ("pattern", (*self.pick(PATTERNS)).into()),
            14 => ("required", self.names()),
            15 => (
                *self.pick(&["minItems", "maxItems", "minProperties", "maxProperties"]),
                self.count().into(),
            ),
            _ => ("uniqueItems", self.random.bool().into()),
        }
    }

    fn keyword(&mut self, depth: usize) -> (&'static str, Value) {
        let (draft, Some(inner)) = (self.draft, depth.checked_sub(1)) else {
            return self.leaf();
        };
        let since_2019 = draft >= Draft::Draft201909;
        loop {
            return match self.random.u32(0..44) {
                0..=16 => self.leaf(),
                17 | 18 => ("properties", self.named(NAMES, inner)),
                19 => ("patternProperties", self.named(&PATTERNS[..6], inner)),
                20 => ("additionalProperties", self.schema(inner)),
                21 if draft > Draft::Draft4 => ("propertyNames", self.schema(0)),
                22 => ("items", self.schema(inner)),
                23 if draft == Draft::Draft202012 => ("prefixItems", self.schemas(inner)),
                23 => ("items", self.schemas(inner)),
                24 if draft != Draft::Draft202012 => ("additionalItems", self.schema(inner)),
                25 | 26 if draft > Draft::Draft4 => ("contains", self.schema(inner)),
                27 if since_2019 => (
                    *self.pick(&["minContains", "maxContains"]),
                    self.count().into(),
                ),
                28 => ("not", self.schema(inner)),
                29 => ("allOf", self.schemas(inner)),
                30 | 31 => ("anyOf", self.schemas(inner)),
                32 | 33 => ("oneOf", self.schemas(inner)),
                34 if draft >= Draft::Draft7 => ("if", self.schema(inner)),
                35 if draft >= Draft::Draft7 => (*self.pick(&["then", "else"]), self.schema(inner)),
                36 if since_2019 => {
                    let (name, needed) = (*self.pick(NAMES), self.names());
                    ("dependentRequired", json!({name: needed}))
                }
                37 if since_2019 => ("dependentSchemas", self.named(NAMES, inner)),
                36 | 37 => {
                    let name = *self.pick(NAMES);
                    let value = if self.random.bool() {
                        self.schema(inner)
                    } else {
                        self.names()
                    };
                    ("dependencies", json!({name: value}))
                }
                38 if since_2019 => ("unevaluatedProperties", self.schema(inner)),
                39 if since_2019 => ("unevaluatedItems", self.schema(inner)),
                40 | 41 if self.defs > 0 => ("$ref", self.reference()),
                42 if self.dynamic && draft == Draft::Draft202012 => {
                    ("$dynamicRef", "#node".into())
                }
                42 if self.dynamic && draft == Draft::Draft201909 => ("$recursiveRef", "#".into()),
                _ => continue,
            };
        }
    }

    /// A whole schema: with definitions now and then.
    fn document(&mut self) -> Value {
        self.defs = if self.one_in(3) {
            self.random.usize(1..=3)
        } else {
            0
        };
        self.dynamic = self.defs > 0 && self.one_in(3);
        let schema = self.schema(2);
        self.with_definitions(schema)
    }

    fn with_definitions(&mut self, schema: Value) -> Value {
        let Value::Object(mut root) = schema else {
            return schema;
        };
        if self.defs == 0 {
            return root.into();
        }
        let mut defs = Map::new();
        for (number, name) in DEFS[..self.defs].iter().enumerate() {
            let mut def = self.schema(2);
            if let (true, Value::Object(members)) = (self.dynamic, &mut def) {
                // A resource of its own, reached by its address or by pointer alike.
                if number == 0 {
                    let address = format!("https://example.org/{name}");
                    members.insert("$id".to_owned(), address.into());
                    members.remove("$ref");
                    self.mark(members);
                }
            }
            defs.insert((*name).to_owned(), def);
        }
        if self.dynamic {
            self.mark(&mut root);
        }
        root.insert(self.defs_keyword().to_owned(), defs.into());
        root.into()
    }

    fn mark(&mut self, members: &mut Map<String, Value>) {
        if self.draft == Draft::Draft202012 {
            members.insert("$dynamicAnchor".to_owned(), "node".into());
        } else if self.random.bool() {
            members.insert("$recursiveAnchor".to_owned(), true.into());
        }
    }

    /// A schema, and another or the same with one change: neighbours are where mistakes hide.
    pub fn pair(&mut self) -> (Value, Value) {
        let one = self.document();
        let other = if self.random.bool() || !one.is_object() {
            self.document()
        } else {
            let mut changed = one.clone();
            let (keyword, value) = match self.random.u32(0..4) {
                0 => ("allOf", json!([self.schema(1)])),
                1 => ("anyOf", json!([self.schema(1), self.schema(1)])),
                _ => self.keyword(2),
            };
            changed[keyword] = value;
            changed
        };
        if self.random.bool() {
            (one, other)
        } else {
            (other, one)
        }
    }
}
