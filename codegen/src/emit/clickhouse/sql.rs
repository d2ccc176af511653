//! Pieces of SQL: names, literals and conditions, quoted so that no text from a manifest can end one early.
use serde_json::Value;

use crate::registry::manifest::Condition;

/// Words that ClickHouse's parser may read as syntax where a name is meant.
const KEYWORDS: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "between",
    "by",
    "case",
    "cast",
    "cross",
    "date",
    "desc",
    "distinct",
    "else",
    "end",
    "except",
    "exists",
    "extract",
    "final",
    "format",
    "from",
    "full",
    "global",
    "group",
    "having",
    "ilike",
    "in",
    "inner",
    "intersect",
    "interval",
    "into",
    "is",
    "join",
    "left",
    "like",
    "limit",
    "not",
    "null",
    "offset",
    "on",
    "or",
    "order",
    "outer",
    "prewhere",
    "right",
    "sample",
    "select",
    "settings",
    "substring",
    "table",
    "then",
    "timestamp",
    "totals",
    "trim",
    "union",
    "using",
    "values",
    "view",
    "when",
    "where",
    "window",
    "with",
];

/// A name, in backticks where it could be misread.
#[must_use]
pub fn name(text: &str) -> String {
    let mut characters = text.chars();
    let plain = characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|rest| rest.is_ascii_alphanumeric() || rest == '_')
        && !KEYWORDS.contains(&text.to_ascii_lowercase().as_str());
    if plain {
        text.to_owned()
    } else {
        format!("`{}`", escape(text, '`'))
    }
}

/// A text literal.
#[must_use]
pub fn text(value: &str) -> String {
    format!("'{}'", escape(value, '\''))
}

fn escape(text: &str, quote: char) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '\0' => escaped.push_str("\\0"),
            '\\' => escaped.push_str("\\\\"),
            other if other == quote => {
                escaped.push('\\');
                escaped.push(quote);
            }
            other => escaped.push(other),
        }
    }
    escaped
}

/// A literal of a manifest's value; arrays and objects, which the checks refuse, as their JSON text.
#[must_use]
pub fn literal(value: &Value) -> String {
    match value {
        Value::String(string) => text(string),
        Value::Number(number) => number.to_string(),
        Value::Bool(boolean) => boolean.to_string(),
        Value::Null => "NULL".to_owned(),
        Value::Array(_) | Value::Object(_) => text(&value.to_string()),
    }
}

/// A column of an aliased source.
#[must_use]
pub fn column(alias: &str, column: &str) -> String {
    format!("{alias}.{}", name(column))
}

/// The tests of a condition on a column of an aliased source.
#[must_use]
pub fn condition(alias: &str, condition: &Condition) -> Vec<String> {
    tests(&column(alias, &condition.column), condition)
}

/// The tests of a condition on an expression.
#[must_use]
pub fn tests(left: &str, condition: &Condition) -> Vec<String> {
    let mut tests = Vec::new();
    if let Some(value) = &condition.equals {
        tests.push(format!("{left} = {}", literal(value)));
    }
    if let Some(value) = &condition.not_equals {
        tests.push(format!("{left} != {}", literal(value)));
    }
    if let Some(values) = &condition.one_of {
        tests.push(if values.is_empty() {
            "false".to_owned()
        } else {
            let list: Vec<String> = values.iter().map(literal).collect();
            format!("{left} IN ({})", list.join(", "))
        });
    }
    if let Some(value) = condition.at_least {
        tests.push(format!("{left} >= {value}"));
    }
    if let Some(value) = condition.at_most {
        tests.push(format!("{left} <= {value}"));
    }
    tests
}

/// The tests of all conditions.
#[must_use]
pub fn conditions(alias: &str, conditions: &[Condition]) -> Vec<String> {
    conditions
        .iter()
        .flat_map(|one| condition(alias, one))
        .collect()
}

/// An aggregate function over the rows that pass `filter`.
#[must_use]
pub fn aggregate(function: &str, arguments: &str, filter: &[String]) -> String {
    match (arguments, filter) {
        (_, []) => format!("{function}({arguments})"),
        ("", _) => format!("{function}If({})", filter.join(" AND ")),
        _ => format!("{function}If({arguments}, {})", filter.join(" AND ")),
    }
}
