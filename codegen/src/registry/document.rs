//! JSON and TOML texts as values that remember where each part was written.
use std::collections::HashMap;
use std::ops::Range;

use jsonc_parser::ast::Value as Ast;
use jsonc_parser::common::Ranged as _;
use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::finding::{Finding, Plane, Position, Severity};
use crate::model::escape;

/// A parsed text.
#[derive(Clone, Debug)]
pub struct Document {
    /// Path below the registry folder.
    pub path: String,
    /// The text.
    pub text: String,
    /// Its value.
    pub value: Value,
    places: HashMap<String, Range<usize>>,
}

/// Nesting beyond this is refused before parsing; no schema written by people comes near.
const MAX_NESTING: usize = 256;

impl Document {
    /// Parses a text by the ending of its path, `.toml` or JSON.
    ///
    /// # Errors
    /// Every syntax error, duplicate key and unrepresentable number, with its place.
    pub fn parse(path: &str, text: &str) -> Result<Self, Vec<Finding>> {
        let mut parser = Parser {
            path,
            text,
            places: HashMap::new(),
            findings: Vec::new(),
        };
        let value = if std::path::Path::new(path)
            .extension()
            .is_some_and(|ending| ending == "toml")
        {
            parser.toml()
        } else {
            parser.json()
        };
        if parser.findings.is_empty() {
            Ok(Self {
                path: path.to_owned(),
                text: text.to_owned(),
                value,
                places: parser.places,
            })
        } else {
            Err(parser.findings)
        }
    }

    /// The same document without a top-level member, for reading the rest.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let mut rest = self.clone();
        if let Value::Object(members) = &mut rest.value {
            members.shift_remove(name);
        }
        rest
    }

    /// Where the value at `pointer` stands; a pointer into nothing leads to its nearest ancestor.
    #[must_use]
    pub fn position(&self, pointer: &str) -> Position {
        let mut pointer = pointer;
        loop {
            if let Some(range) = self.places.get(pointer) {
                return position(&self.text, range.start);
            }
            match pointer.rfind('/') {
                Some(end) => pointer = &pointer[..end],
                None => return Position { line: 1, column: 1 },
            }
        }
    }

    /// A finding at `pointer` in this file.
    #[must_use]
    pub fn finding(
        &self,
        rule: &'static str,
        pointer: &str,
        message: impl Into<String>,
    ) -> Finding {
        Finding {
            rule,
            plane: Plane::Registry,
            severity: Severity::Error,
            file: self.path.clone(),
            position: self.position(pointer),
            pointer: pointer.to_owned(),
            topic: None,
            old: None,
            message: message.into(),
            evidence: None,
            fix: None,
        }
    }
}

/// Line and column of a byte offset.
fn position(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

struct Parser<'t> {
    path: &'t str,
    text: &'t str,
    places: HashMap<String, Range<usize>>,
    findings: Vec<Finding>,
}

impl Parser<'_> {
    fn report(&mut self, offset: usize, pointer: &str, message: String, fix: Option<&str>) {
        self.findings.push(Finding {
            rule: "invalid-syntax",
            plane: Plane::Registry,
            severity: Severity::Error,
            file: self.path.to_owned(),
            position: position(self.text, offset),
            pointer: pointer.to_owned(),
            topic: None,
            old: None,
            message,
            evidence: None,
            fix: fix.map(str::to_owned),
        });
    }

    fn json(&mut self) -> Value {
        if let Some(offset) = too_deep(self.text) {
            self.report(
                offset,
                "",
                format!("nested deeper than {MAX_NESTING} levels"),
                Some("use `$defs` and `$ref`"),
            );
            return Value::Null;
        }
        let options = jsonc_parser::ParseOptions {
            allow_comments: false,
            allow_loose_object_property_names: false,
            allow_trailing_commas: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            ..jsonc_parser::ParseOptions::default()
        };
        match jsonc_parser::parse_to_ast(
            self.text,
            &jsonc_parser::CollectOptions::default(),
            &options,
        ) {
            Ok(result) => match result.value {
                Some(ast) => self.ast(&ast, String::new()),
                None => {
                    self.report(
                        0,
                        "",
                        "the file is empty".to_owned(),
                        Some("write a JSON document"),
                    );
                    Value::Null
                }
            },
            Err(error) => {
                self.report(
                    error.range().start,
                    "",
                    format!("not valid JSON: {}", error.kind()),
                    None,
                );
                Value::Null
            }
        }
    }

    fn ast(&mut self, ast: &Ast<'_>, pointer: String) -> Value {
        let range = ast.range();
        let value = match ast {
            Ast::StringLit(literal) => Value::String(literal.value.to_string()),
            Ast::BooleanLit(literal) => Value::Bool(literal.value),
            Ast::NullKeyword(_) => Value::Null,
            Ast::NumberLit(literal) => self.number(literal.value, range.start, &pointer),
            Ast::Array(array) => Value::Array(
                array
                    .elements
                    .iter()
                    .enumerate()
                    .map(|(index, element)| self.ast(element, format!("{pointer}/{index}")))
                    .collect(),
            ),
            Ast::Object(object) => {
                let mut members = Map::new();
                for property in &object.properties {
                    let name = property.name.as_str().to_owned();
                    let child = format!("{pointer}/{}", escape(&name));
                    if members.contains_key(&name) {
                        self.report(
                            property.range.start,
                            &child,
                            format!("`{name}` stands twice in one object; only one would count"),
                            Some("remove one of the two"),
                        );
                    }
                    let value = self.ast(&property.value, child.clone());
                    // The name is what people look for, so a member's place is its name's.
                    self.places
                        .insert(child, property.range.start..property.range.end);
                    members.insert(name, value);
                }
                Value::Object(members)
            }
        };
        self.places.entry(pointer).or_insert(range.start..range.end);
        value
    }

    fn number(&mut self, text: &str, offset: usize, pointer: &str) -> Value {
        match serde_json::from_str::<Number>(text) {
            Ok(number) => Value::Number(number),
            Err(_) => {
                self.report(
                    offset,
                    pointer,
                    format!("the number {text} fits neither 64-bit integers nor doubles"),
                    Some("use a number below 1e308"),
                );
                Value::Null
            }
        }
    }

    fn toml(&mut self) -> Value {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let offset = error.span().map_or(0, |span| span.start);
            self.report(
                offset,
                "",
                format!("not valid TOML: {}", error.message()),
                None,
            );
        }
        self.places.insert(String::new(), 0..self.text.len());
        self.toml_table(table.get_ref(), "")
    }

    fn toml_table(&mut self, table: &DeTable<'_>, pointer: &str) -> Value {
        let mut members: Vec<(usize, String, Value)> = Vec::new();
        for (name, value) in table {
            let child = format!("{pointer}/{}", escape(name.get_ref()));
            let parsed = self.toml_value(value, &child);
            self.places.insert(child, name.span());
            members.push((name.span().start, name.get_ref().to_string(), parsed));
        }
        // The table type sorts by name; the source's order is what people see.
        members.sort_by_key(|(start, _, _)| *start);
        Value::Object(
            members
                .into_iter()
                .map(|(_, name, value)| (name, value))
                .collect(),
        )
    }

    fn toml_value(&mut self, value: &Spanned<DeValue<'_>>, pointer: &str) -> Value {
        let start = value.span().start;
        self.places
            .entry(pointer.to_owned())
            .or_insert_with(|| value.span());
        match value.get_ref() {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Boolean(flag) => Value::Bool(*flag),
            DeValue::Datetime(datetime) => Value::String(datetime.to_string()),
            DeValue::Integer(integer) => {
                match i64::from_str_radix(integer.as_str(), integer.radix()) {
                    Ok(integer) => Value::from(integer),
                    Err(_) => {
                        self.report(
                            start,
                            pointer,
                            format!("{} does not fit 64 bits", integer.as_str()),
                            None,
                        );
                        Value::Null
                    }
                }
            }
            DeValue::Float(float) => {
                match float
                    .as_str()
                    .parse::<f64>()
                    .ok()
                    .and_then(Number::from_f64)
                {
                    Some(number) => Value::Number(number),
                    None => {
                        self.report(
                            start,
                            pointer,
                            format!("{} is not a finite number", float.as_str()),
                            None,
                        );
                        Value::Null
                    }
                }
            }
            DeValue::Array(items) => Value::Array(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| self.toml_value(item, &format!("{pointer}/{index}")))
                    .collect(),
            ),
            DeValue::Table(table) => self.toml_table(table, pointer),
        }
    }
}

/// Byte offset at which brackets nest too deep, strings left aside.
fn too_deep(text: &str) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (offset, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                if depth > MAX_NESTING {
                    return Some(offset);
                }
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_members_know_their_lines() {
        let document = Document::parse("a.json", "{\n  \"b\": [1,\n 2.50]\n}").unwrap();
        assert_eq!(document.position("/b"), Position { line: 2, column: 3 });
        assert_eq!(document.position("/b/1"), Position { line: 3, column: 2 });
        assert_eq!(
            document.position("/b/1/gone"),
            Position { line: 3, column: 2 }
        );
    }

    #[test]
    fn toml_members_know_their_lines() {
        let document = Document::parse("a.toml", "x = 1\n[t]\ny = \"é\"\nz = [1, 2]\n").unwrap();
        assert_eq!(document.position("/t/y"), Position { line: 3, column: 1 });
        assert_eq!(document.position("/t/z/1"), Position { line: 4, column: 9 });
        assert_eq!(
            document.value,
            serde_json::json!({"x": 1, "t": {"y": "é", "z": [1, 2]}})
        );
    }

    #[test]
    fn broken_texts_are_findings() {
        let message = |path: &str, text: &str| {
            Document::parse(path, text)
                .unwrap_err()
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert!(
            message("a.json", "{\"a\": 1, \"a\": 2}").contains("a.json:1:10"),
            "{}",
            message("a.json", "{\"a\": 1, \"a\": 2}")
        );
        assert!(message("a.json", "{").contains("not valid JSON"));
        assert!(message("a.json", "").contains("empty"));
        assert!(message("a.json", "1e999").contains("1e999"));
        assert!(message("a.json", "{\"a\": 1,}").contains("not valid JSON"));
        assert!(message("a.toml", "a = \nb = ]").lines().count() >= 4);
        assert!(message("a.json", &"[".repeat(100_000)).contains("deeper"));
    }
}
