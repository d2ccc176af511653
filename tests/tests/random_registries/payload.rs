//! Payload schemas as teams write them, drawn at random: objects whose members are numbers, texts, times, lists,
//! tuples, maps, nested objects and unions, some of them with a fact column of their own.
use std::collections::BTreeSet;

use fastrand::Rng;
use serde_json::{Map, Value, json};

/// Names of members; some are words of Rust or no words of Rust at all.
const NAMES: &[&str] = &[
    "amount", "kind", "note", "when", "items", "order-id", "type", "größe", "x_1", "ref", "state",
    "a", "b", "Total", "is_new", "2nd",
];

const PATTERNS: &[&str] = &[
    "^[A-Z]{2}$",
    "^[a-z0-9_-]{1,20}$",
    "^(?!x)",
    "\\d",
    "^\\S+$",
    "^(a|b|cd)*$",
    "^[^@]+@[^@]+$",
    "^$|^.{3,}$",
];

const FORMATS: &[&str] = &["date-time", "date", "uuid", "email", "uri", "ipv4"];

/// RFC 3339 in UTC, said by a pattern; not every text of it is a day that there was.
const UTC: &str = "^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]+)?Z$";

/// Names and types of fact columns.
pub type Columns = &'static [(&'static str, &'static str)];

/// Fact columns; some registries have the last ones only after a change.
pub const COLUMNS: Columns = &[
    ("c_bool", "Bool"),
    ("c_u8", "UInt8"),
    ("c_u16", "UInt16"),
    ("c_u32", "UInt32"),
    ("c_u64", "UInt64"),
    ("c_i8", "Int8"),
    ("c_i16", "Int16"),
    ("c_i32", "Int32"),
    ("c_i64", "Int64"),
    ("c_f64", "Float64"),
    ("c_text", "String"),
    ("c_word", "LowCardinality(String)"),
    ("c_time", "DateTime64(3)"),
    ("d_u32", "UInt32"),
    ("d_i64", "Int64"),
    ("d_f64", "Float64"),
    ("d_text", "String"),
    ("d_time", "DateTime64(3)"),
];

/// Names of definitions.
const DEFINITIONS: &[&str] = &["money", "place"];

/// Draws payload schemas.
pub struct Draw<'r> {
    pub random: &'r mut Rng,
    /// Written in draft-07 and not in 2020-12.
    pub is_old_draft: bool,
    /// Whether there are definitions to refer to.
    pub has_definitions: bool,
    /// Columns that the fact table has.
    pub columns: Columns,
    /// Columns that the schema at hand fills already.
    pub filled: BTreeSet<&'static str>,
}

impl<'r> Draw<'r> {
    /// For a schema of its own.
    pub fn new(random: &'r mut Rng, columns: Columns) -> Self {
        let is_old_draft = random.u8(0..6) == 0;
        let has_definitions = random.u8(0..3) == 0;
        Self {
            random,
            is_old_draft,
            has_definitions,
            columns,
            filled: BTreeSet::new(),
        }
    }

    /// For changes of a schema that is there.
    pub fn continued(random: &'r mut Rng, columns: Columns, schema: &Value) -> Self {
        let text = schema.to_string();
        Self {
            random,
            is_old_draft: text.contains("draft-07"),
            has_definitions: text.contains("/money\""),
            columns,
            filled: columns
                .iter()
                .map(|(name, _)| *name)
                .filter(|name| text.contains(&format!("\"{name}\"")))
                .collect(),
        }
    }

    pub fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.random.usize(..items.len())].clone()
    }

    pub fn one_in(&mut self, count: u32) -> bool {
        self.random.u32(0..count) == 0
    }

    fn defs(&self) -> &'static str {
        if self.is_old_draft {
            "definitions"
        } else {
            "$defs"
        }
    }

    /// A whole payload schema.
    pub fn payload(&mut self) -> Value {
        let mut schema = self.object(2, true, true);
        let members = schema.as_object_mut().expect("an object");
        let draft = match self.is_old_draft {
            true => "http://json-schema.org/draft-07/schema#",
            false => "https://json-schema.org/draft/2020-12/schema",
        };
        members.insert("$schema".to_owned(), draft.into());
        members.insert("description".to_owned(), "Something happened.".into());
        if self.has_definitions {
            let filled = std::mem::take(&mut self.filled);
            let has_definitions = std::mem::replace(&mut self.has_definitions, false);
            let drawn: Map<String, Value> = DEFINITIONS
                .iter()
                .map(|name| ((*name).to_owned(), self.value(1, false)))
                .collect();
            (self.filled, self.has_definitions) = (filled, has_definitions);
            members.insert(self.defs().to_owned(), drawn.into());
        }
        if self.one_in(3) {
            self.rule(members);
        }
        schema
    }

    /// A rule over several members.
    pub fn rule(&mut self, members: &mut Map<String, Value>) {
        let names: Vec<String> = members["properties"]
            .as_object()
            .map(|properties| properties.keys().cloned().collect())
            .unwrap_or_default();
        if names.is_empty() {
            return;
        }
        let (one, two) = (self.pick(&names), self.pick(&names));
        match self.random.u8(0..6) {
            0 if self.is_old_draft => {
                members.insert("dependencies".to_owned(), json!({one: [two]}));
            }
            0 => {
                members.insert("dependentRequired".to_owned(), json!({one: [two]}));
            }
            1 => {
                let value = self.value(0, false);
                let test = json!({"properties": {one.clone(): value}, "required": [one]});
                members.insert("if".to_owned(), test);
                members.insert("then".to_owned(), json!({"required": [two]}));
            }
            2 => {
                let either = json!([{"required": [one]}, {"required": [two]}]);
                members.insert("anyOf".to_owned(), either);
            }
            3 => {
                members.insert("minProperties".to_owned(), self.random.u8(0..3).into());
            }
            4 if one != two => {
                members.insert("not".to_owned(), json!({"required": [one, two]}));
            }
            _ => {
                members.insert("propertyNames".to_owned(), json!({"maxLength": 12}));
            }
        }
    }

    /// The schema of a member; at the payload's top it may fill a column.
    pub fn value(&mut self, depth: u32, may_fill: bool) -> Value {
        let kinds = if depth == 0 { 16 } else { 27 };
        match self.random.u32(0..kinds) {
            0..=3 => self.integer(may_fill),
            4 | 5 => self.number(may_fill),
            6..=8 => self.text(may_fill),
            9 => self.boolean(may_fill),
            10 | 11 => self.time(may_fill),
            12 => self.listed(may_fill),
            13 => json!({"const": self.constant()}),
            14 => self.nullable(may_fill),
            15 => self.anything(),
            16..=18 => self.array(depth - 1),
            19 => self.tuple(depth - 1),
            20..=22 => self.object(depth - 1, false, may_fill),
            23 => self.map(depth - 1),
            24 | 25 => self.tagged(depth - 1),
            _ => self.untagged(depth - 1),
        }
    }

    fn anything(&mut self) -> Value {
        if self.has_definitions {
            let name = self.pick(DEFINITIONS);
            return json!({"$ref": format!("#/{}/{name}", self.defs())});
        }
        match self.one_in(2) {
            true => true.into(),
            false => json!({}),
        }
    }

    fn constant(&mut self) -> Value {
        self.pick(&[
            json!("ok"),
            json!(1),
            json!(null),
            json!(true),
            json!(2.5),
            json!({"a": 1}),
        ])
    }

    /// A column of one of these types, seldom of another, that nothing fills yet.
    pub fn fill(&mut self, schema: &mut Value, may_fill: bool, types: &[&str]) {
        if !may_fill || self.one_in(2) {
            return;
        }
        let any = self.one_in(40);
        let free: Vec<&'static str> = self
            .columns
            .iter()
            .filter(|(name, kind)| (any || types.contains(kind)) && !self.filled.contains(name))
            .map(|(name, _)| *name)
            .collect();
        if !free.is_empty() {
            let column = self.pick(&free);
            self.filled.insert(column);
            schema["x-column"] = column.into();
        }
    }

    fn integer(&mut self, may_fill: bool) -> Value {
        let mut schema = json!({"type": "integer"});
        let bounds = self.pick(&[
            Some((0_i128, 255_i128)),
            Some((0, 65_535)),
            Some((0, 4_294_967_295)),
            Some((0, i128::from(u64::MAX))),
            Some((-128, 127)),
            Some((-32_768, 32_767)),
            Some((i128::from(i64::MIN), i128::from(i64::MAX))),
            Some((0, 1_000_000_000)),
            Some((-5, 5)),
            None,
        ]);
        if let Some((low, high)) = bounds {
            schema["minimum"] = i64::try_from(low).unwrap_or(0).into();
            schema["maximum"] = u64::try_from(high).unwrap_or(0).into();
            let fits: Vec<&str> = [
                ("UInt8", 0, i128::from(u8::MAX)),
                ("UInt16", 0, i128::from(u16::MAX)),
                ("UInt32", 0, i128::from(u32::MAX)),
                ("UInt64", 0, i128::from(u64::MAX)),
                ("Int8", i128::from(i8::MIN), i128::from(i8::MAX)),
                ("Int16", i128::from(i16::MIN), i128::from(i16::MAX)),
                ("Int32", i128::from(i32::MIN), i128::from(i32::MAX)),
                ("Int64", i128::from(i64::MIN), i128::from(i64::MAX)),
                ("Float64", i128::MIN, i128::MAX),
            ]
            .into_iter()
            .filter(|(_, lowest, highest)| *lowest <= low && high <= *highest)
            .map(|(kind, _, _)| kind)
            .collect();
            self.fill(&mut schema, may_fill, &fits);
        } else if self.one_in(3) {
            schema["minimum"] = 0.into();
        }
        if self.one_in(8) {
            schema["multipleOf"] = self.pick(&[json!(2), json!(5), json!(0.5)]);
        }
        schema
    }

    fn number(&mut self, may_fill: bool) -> Value {
        let mut schema = json!({"type": "number"});
        match self.random.u8(0..5) {
            0 => schema["exclusiveMinimum"] = 0.into(),
            1 => schema["maximum"] = json!(1e6),
            2 => schema["multipleOf"] = self.pick(&[json!(0.01), json!(0.5), json!(3)]),
            _ => {}
        }
        self.fill(&mut schema, may_fill, &["Float64"]);
        schema
    }

    fn text(&mut self, may_fill: bool) -> Value {
        let mut schema = json!({"type": "string"});
        if self.one_in(2) {
            schema["maxLength"] = self.pick(&[3, 20, 300]).into();
        }
        if self.one_in(3) {
            schema["minLength"] = self.pick(&[0, 1, 3]).into();
        }
        match self.random.u8(0..6) {
            0 | 1 => schema["pattern"] = self.pick(PATTERNS).into(),
            2 => schema["format"] = self.pick(FORMATS).into(),
            _ => {}
        }
        self.fill(&mut schema, may_fill, &["String", "LowCardinality(String)"]);
        schema
    }

    fn boolean(&mut self, may_fill: bool) -> Value {
        let mut schema = json!({"type": "boolean"});
        self.fill(&mut schema, may_fill, &["Bool"]);
        schema
    }

    fn time(&mut self, may_fill: bool) -> Value {
        let mut schema = json!({"type": "string"});
        if self.one_in(2) {
            schema["format"] = "date-time".into();
        }
        if self.one_in(2) {
            schema["pattern"] = UTC.into();
        }
        self.fill(&mut schema, may_fill, &["DateTime64(3)"]);
        schema
    }

    fn listed(&mut self, may_fill: bool) -> Value {
        let words = ["new", "old", "lost", "found", ""];
        let length = self.random.usize(1..=words.len());
        let mut schema = json!({"enum": words[..length]});
        if self.one_in(2) {
            schema["type"] = "string".into();
        }
        self.fill(&mut schema, may_fill, &["String", "LowCardinality(String)"]);
        schema
    }

    fn nullable(&mut self, may_fill: bool) -> Value {
        let mut schema = match self.random.u8(0..3) {
            0 => self.integer(may_fill),
            1 => self.text(may_fill),
            _ => self.time(may_fill),
        };
        schema["type"] = json!([schema["type"], "null"]);
        schema
    }

    fn array(&mut self, depth: u32) -> Value {
        let mut schema = json!({"type": "array", "items": self.value(depth, false)});
        if self.one_in(3) {
            schema["minItems"] = self.random.u8(0..3).into();
        }
        if self.one_in(3) {
            schema["maxItems"] = self.random.u8(2..6).into();
        }
        if self.one_in(6) {
            schema["uniqueItems"] = true.into();
        }
        schema
    }

    fn tuple(&mut self, depth: u32) -> Value {
        let items = json!([self.value(depth, false), self.value(depth, false)]);
        let (first, rest) = match self.is_old_draft {
            true => ("items", "additionalItems"),
            false => ("prefixItems", "items"),
        };
        let mut schema = json!({"type": "array", first: items});
        if self.one_in(2) {
            schema[rest] = false.into();
        }
        if self.one_in(2) {
            schema["minItems"] = 2.into();
        }
        schema
    }

    /// An object with members.
    fn object(&mut self, depth: u32, is_payload: bool, may_fill: bool) -> Value {
        let mut properties = Map::new();
        for _ in 0..self.random.usize(1..=if is_payload { 7 } else { 4 }) {
            let name = self.pick(NAMES);
            if !properties.contains_key(name) {
                properties.insert(name.to_owned(), self.value(depth, may_fill));
            }
        }
        let required: Vec<&String> = properties.keys().filter(|_| self.one_in(2)).collect();
        let mut schema = json!({"type": "object", "required": required});
        schema["properties"] = properties.into();
        match self.random.u8(0..8) {
            0 | 1 => schema["additionalProperties"] = false.into(),
            2 => schema["additionalProperties"] = true.into(),
            3 if depth > 0 => schema["additionalProperties"] = self.value(0, false),
            4 if depth > 0 => {
                schema["patternProperties"] = json!({"^x-": self.value(0, false)});
            }
            _ => {}
        }
        schema
    }

    fn map(&mut self, depth: u32) -> Value {
        json!({"type": "object", "additionalProperties": self.value(depth, false)})
    }

    fn tagged(&mut self, depth: u32) -> Value {
        let kinds: Vec<Value> = ["card", "cash", "gift"]
            .into_iter()
            .take(self.random.usize(2..=3))
            .map(|kind| {
                let mut schema = self.object(depth, false, false);
                schema["properties"]["kind"] = json!({"const": kind});
                schema["required"] = json!(["kind"]);
                schema
            })
            .collect();
        json!({"oneOf": kinds})
    }

    fn untagged(&mut self, depth: u32) -> Value {
        json!({"anyOf": [self.value(depth, false), self.value(0, false)]})
    }

    /// A name for one more member.
    pub fn name(&mut self) -> String {
        self.pick(NAMES).to_owned()
    }
}
