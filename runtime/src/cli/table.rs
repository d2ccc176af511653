//! Rows as a table for people.
use crate::clickhouse::QueryResult;

/// Columns as wide as their widest value; numbers to the right.
pub(super) fn table(answer: &QueryResult, text: &mut String) {
    let cells: Vec<Vec<String>> = answer
        .rows
        .iter()
        .map(|row| row.iter().map(cell).collect())
        .collect();
    let widths: Vec<usize> = answer
        .columns
        .iter()
        .enumerate()
        .map(|(column, (name, _))| {
            cells
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .chain([name.chars().count()])
                .max()
                .unwrap_or(0)
        })
        .collect();
    let header: Vec<String> = answer
        .columns
        .iter()
        .map(|(name, _)| name.clone())
        .collect();
    for row in std::iter::once(&header).chain(&cells) {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let is_number = answer
                .rows
                .iter()
                .any(|row| row.get(column).is_some_and(serde_json::Value::is_number));
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

fn cell(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "-".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => format!("{float:.4}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}
