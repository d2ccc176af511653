//! Rows as a table for people.
use serde_json::Value;

/// A table under a title and with a blank line after it; nothing where it has no rows.
pub(super) fn section(
    text: &mut String,
    title: &str,
    columns: &[&str],
    rows: impl Iterator<Item = Vec<Value>>,
) {
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return;
    }
    text.push_str(title);
    text.push('\n');
    table(columns, &rows, text);
    text.push('\n');
}

/// Columns as wide as their widest value; numbers to the right.
pub(super) fn table(columns: &[&str], rows: &[Vec<Value>], text: &mut String) {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(cell).collect())
        .collect();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(column, name)| {
            cells
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .chain([name.chars().count()])
                .max()
                .unwrap_or(0)
        })
        .collect();
    let header: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    for row in std::iter::once(&header).chain(&cells) {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let is_number = rows
                .iter()
                .any(|row| row.get(column).is_some_and(Value::is_number));
            let gap = " ".repeat(widths[column].saturating_sub(cell.chars().count()));
            line.push_str("  ");
            if is_number {
                line.push_str(&gap);
            }
            line.push_str(cell);
            if !is_number {
                line.push_str(&gap);
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => format!("{float:.4}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}
