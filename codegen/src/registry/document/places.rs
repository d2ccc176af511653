//! Parses texts and remembers where each part was written.
use std::collections::HashMap;
use std::ops::Range;

use jsonc_parser::ast::Value as Ast;
use jsonc_parser::common::Ranged as _;
use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::position;
use crate::compat::literal::is_exact;
use crate::finding::{Finding, Plane, Severity};
use crate::model::escape;

/// Nesting beyond this is refused before parsing; no schema written by people comes near.
pub(crate) const MAX_NESTING: usize = 256;

/// Byte ranges by JSON pointer.
pub(super) type Places = HashMap<String, Range<usize>>;

/// A text's value and places, and everything that is wrong with it.
pub(super) fn parse(path: &str, text: &str) -> (Value, Places, Vec<Finding>) {
    let mut parser = Parser {
        path,
        text,
        places: HashMap::new(),
        findings: Vec::new(),
    };
    let value = if super::is_toml(path) {
        parser.toml()
    } else {
        parser.json()
    };
    (value, parser.places, parser.findings)
}

struct Parser<'t> {
    path: &'t str,
    text: &'t str,
    places: Places,
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
            Ok(number) => {
                if !is_exact(text) {
                    let (read, fix) = match whole_double(&number) {
                        // Its shortest spelling is often what is written.
                        Some(whole) => {
                            let fix = format!("write {whole}, if that is meant");
                            (whole, fix)
                        }
                        None => (
                            number.to_string(),
                            "write a number with fewer digits".to_owned(),
                        ),
                    };
                    self.report(
                        offset,
                        pointer,
                        format!("the number {text} would be read as {read}: it has more digits than 64-bit integers and doubles keep"),
                        Some(&fix),
                    );
                }
                Value::Number(number)
            }
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

/// A double from 2^53 to 2^64, where doubles lie further apart than whole numbers, with all its digits: validators go by
/// the double, and its shortest spelling is another number.
fn whole_double(number: &Number) -> Option<String> {
    let double = number.as_f64().filter(|_| number.is_f64())?;
    let is_meant = (9_007_199_254_740_992.0..18_446_744_073_709_551_616.0).contains(&double.abs());
    is_meant.then(|| format!("{double:.0}"))
}

/// Byte offset at which brackets nest too deep, strings left aside.
pub(crate) fn too_deep(text: &str) -> Option<usize> {
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
