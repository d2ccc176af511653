//! Single values: at a rule's bounds, one step beside a text, of another type, or fitting.
use serde_json::{Value, json};

use super::Mutator;

impl Mutator<'_> {
    pub(super) fn same_type(&mut self, old: &Value, rule: Option<&Value>) -> Value {
        match old {
            Value::Number(_) => self.number(rule),
            Value::String(text) => Value::String(self.text(text, rule)),
            Value::Bool(value) => Value::Bool(!value),
            Value::Array(_) => {
                [json!([]), json!([null]), json!([[]])][self.rng.usize(0..3)].clone()
            }
            Value::Object(_) => json!({}),
            Value::Null => Value::Null,
        }
    }

    /// A number around the schema's bounds, or one that parsers and floats stumble over.
    fn number(&mut self, rule: Option<&Value>) -> Value {
        let bounds = ["minimum", "maximum"].map(|bound| rule.and_then(|rule| rule[bound].as_i64()));
        let bound = bounds[self.rng.usize(0..2)].unwrap_or(0);
        #[allow(clippy::cast_precision_loss)]
        match self.rng.u8(0..24) {
            0..=4 => json!(bound),
            5..=6 => json!(bound.saturating_add(1)),
            7..=8 => json!(bound.saturating_sub(1)),
            9..=10 => json!(bound as f64),
            11 => json!(bound as f64 + 0.5),
            12 => json!(bound as f64 - 0.5),
            13 => json!(self.rng.i64(..)),
            14 => json!(self.rng.u64(..)),
            15 => json!(f64::from_bits(self.rng.u64(..))),
            16 => json!((self.rng.i32(..) as f64) / 2.0),
            17 => json!(-0.0),
            _ => {
                let two_53: i64 = 1 << 53;
                let two_64 = 18_446_744_073_709_551_616.0;
                let odd = [
                    json!(0),
                    json!(1),
                    json!(-1),
                    json!(two_53 - 1),
                    json!(two_53),
                    json!(two_53 + 1),
                    json!(-two_53 - 1),
                    json!(i64::MAX),
                    json!(i64::MIN),
                    json!(1_u64 << 63),
                    json!(u64::MAX),
                    json!(two_64),
                    json!(-two_64),
                    json!(two_64 / 2.0),
                    json!(1e300),
                    json!(-1e300),
                    json!(5e-324),
                    json!(0.1),
                    json!(4_294_967_296_u64),
                    json!(65_536),
                ];
                odd[self.rng.usize(0..odd.len())].clone()
            }
        }
    }

    fn text(&mut self, old: &str, rule: Option<&Value>) -> String {
        if rule.is_some_and(|rule| rule["format"] == "date-time") && self.rng.u8(0..4) > 0 {
            return self.time();
        }
        let bounds =
            ["minLength", "maxLength"].map(|bound| rule.and_then(|rule| rule[bound].as_u64()));
        if let (Some(bound), true) = (bounds[self.rng.usize(0..2)], self.rng.bool()) {
            let unit = ["a", "é", "😀", "e\u{301}", "\u{0}"][self.rng.usize(0..5)];
            let length = usize::try_from(bound).unwrap() + self.rng.usize(0..3);
            return unit
                .chars()
                .cycle()
                .take(length.saturating_sub(1))
                .collect();
        }
        if let (Some(values), true) = (
            rule.and_then(|rule| rule["enum"].as_array()),
            self.rng.bool(),
        ) {
            let index = self.rng.usize(0..values.len());
            return self.edited(values[index].as_str().unwrap());
        }
        match self.rng.u8(0..12) {
            0 => String::new(),
            1 => "x".repeat(self.rng.usize(0..2000)),
            2 => "𝒳".repeat(self.rng.usize(0..120)),
            3 => old.to_uppercase(),
            4 => format!("{old}{old}"),
            5 => self.time(),
            _ => self.edited(old),
        }
    }

    /// One character more, less or other.
    fn edited(&mut self, old: &str) -> String {
        let mut characters: Vec<char> = old.chars().collect();
        let extras = [
            'a',
            'f',
            'g',
            'A',
            'Z',
            '0',
            '9',
            '٣',
            '-',
            '_',
            '.',
            ':',
            ' ',
            '\n',
            '\r',
            '\t',
            '\0',
            '"',
            '\\',
            '/',
            'é',
            '😀',
            '\u{301}',
            '\u{2028}',
            '\u{feff}',
            '\u{10ffff}',
        ];
        let extra = extras[self.rng.usize(0..extras.len())];
        let index = self.rng.usize(0..=characters.len());
        match self.rng.u8(0..4) {
            0 => characters.insert(index, extra),
            1 => characters.push(extra),
            2 if index < characters.len() => characters[index] = extra,
            _ if index < characters.len() => drop(characters.remove(index)),
            _ => {}
        }
        characters.into_iter().collect()
    }

    /// A point in time, right in most of its parts.
    fn time(&mut self) -> String {
        let rng = &mut *self.rng;
        let mut part = |usual: &[&str], odd: &[&str]| {
            let list = if rng.u8(0..10) == 0 { odd } else { usual };
            rng.choice(list).copied().unwrap_or_default().to_owned()
        };
        [
            part(
                &["2000", "2023", "2024", "2025", "2099"],
                &["1999", "2100", "1970", "0000", "20255", "225"],
            ),
            part(&["-"], &["/", "", "−"]),
            part(
                &["01", "02", "04", "06", "08", "09", "11", "12"],
                &["00", "13", "1", "2O"],
            ),
            part(&["-"], &["/", ""]),
            part(
                &["01", "10", "28", "29", "30", "31"],
                &["00", "32", "1", "99"],
            ),
            part(&["T"], &["t", " ", "TT", ""]),
            part(&["00", "09", "12", "23"], &["24", "7", "99"]),
            part(&[":"], &["", "."]),
            part(&["00", "30", "59"], &["60", "5"]),
            part(&[":"], &["", ":-"]),
            part(&["00", "07", "59"], &["60", "61", "", "6"]),
            part(
                &["", ".1", ".123", ".123456789"],
                &[".", ".1234567890", ",5", ".1e3"],
            ),
            part(
                &["Z"],
                &["z", "+00:00", "-00:00", "+09:00", "", "Z ", "Z\n", "ZZ"],
            ),
        ]
        .concat()
    }

    /// A value that the rule most likely accepts.
    pub(super) fn fitting(&mut self, old: &Value, rule: Option<&Value>) -> Value {
        let Some(rule) = rule else { return old.clone() };
        if let Some(values) = rule["enum"].as_array() {
            return values[self.rng.usize(0..values.len())].clone();
        }
        match old {
            Value::Number(_) if rule["type"] == "integer" => {
                let low = rule["minimum"].as_i64().unwrap_or(-1000);
                let high = rule["maximum"].as_i64().unwrap_or(1000).max(low);
                let number = match self.rng.u8(0..4) {
                    0 => low,
                    1 => high,
                    2 => self.rng.i64(low..=high),
                    _ => low.max(0).saturating_add(self.rng.i64(0..1000)).min(high),
                };
                #[allow(clippy::cast_precision_loss)]
                match self.rng.u8(0..8) {
                    0 => json!(number as f64),
                    _ => json!(number),
                }
            }
            Value::String(_) if rule["format"] == "date-time" => json!(format!(
                "20{:02}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                self.rng.u8(0..100),
                self.rng.u8(1..13),
                self.rng.u8(1..29),
                self.rng.u8(0..24),
                self.rng.u8(0..60),
                self.rng.u8(0..60),
                self.rng.u16(0..1000),
            )),
            Value::String(_) if rule.get("pattern").is_none() => {
                let most = rule["maxLength"].as_u64().unwrap_or(40);
                let length = self.rng.u64(rule["minLength"].as_u64().unwrap_or(0)..=most);
                let unit = ["a", "ü", "😀", "\"\\"][self.rng.usize(0..4)];
                let length = usize::try_from(length).unwrap();
                Value::String(unit.chars().cycle().take(length).collect())
            }
            _ => old.clone(),
        }
    }

    pub(super) fn other_type(&mut self) -> Value {
        let values = [
            json!(null),
            json!(true),
            json!(false),
            json!(0),
            json!(1),
            json!(1.5),
            json!(""),
            json!("1"),
            json!("null"),
            json!([]),
            json!({}),
            json!([1]),
            json!({"a": 1}),
            json!("2025-08-21T12:00:00Z"),
        ];
        values[self.rng.usize(0..values.len())].clone()
    }
}
